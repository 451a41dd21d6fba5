# SPDX-License-Identifier: Apache-2.0
# gba-pkictl decide over https: a server whose certificate --ca vouches for is asked, and no other hears
# the question. Skipped without mod_ssl.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Apache::Test ();
use File::Temp qw(tempdir);
use JSON::PP ();
use POSIX ();
use Test::More;
use GBA::BSF::Front;
use GBA::CA qw(new_key pkcs10);
use GBA::HostCAs;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site slurp spew);

my $program = "$ENV{GBA_BUILDDIR}/gba-pkictl";
my $modules = Apache::Test::config()->apxs('LIBEXECDIR') || '/usr/lib/apache2/modules';
plan skip_all => 'gba-pkictl is not built' unless -x $program;
plan skip_all => 'no mod_ssl (Debian: apache2-bin)' unless -e "$modules/mod_ssl.so";

my $dir = tempdir('decide-tls.XXXXXX', DIR => site()->{tmp}, CLEANUP => 1);
chmod 0755, $dir;
my $pki  = GBA::BSF::Front::pki("$dir/pki");
my %port = map { $_ => GBA::Server::free_port() } qw(server elsewhere);
my $conf = <<'END';
<Location "/decide">
    SetHandler gba-decide
</Location>
CustomLog asked "%{SSL_PROTOCOL}x %m %U %>s"
END
$conf .= <<"END" for sort keys %port;
Listen 127.0.0.1:$port{$_}
<VirtualHost 127.0.0.1:$port{$_}>
    SSLEngine On
    SSLCertificateFile "$pki->{$_}.pem"
    SSLCertificateKeyFile "$pki->{$_}.key"
</VirtualHost>
END
my $server = GBA::Server->start(conf => $conf, children => 2, modules => [qw(socache_shmcb ssl)]);
my $log    = GBA::Log->watch($server->error_log);
spew("$dir/some.json", JSON::PP::encode_json(GBA::CA::entry('some', [1])));
spew("$dir/ec.pem", pkcs10(new_key('EC', 'P-256')));

# Exit code, standard output and what it says of itself.
sub decide {
    my ($port, @more) = @_;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDOUT, '>', "$dir/out" or POSIX::_exit(127);
        open STDERR, '>', "$dir/err" or POSIX::_exit(127);
        exec {$program} $program, 'decide', '--url', "https://127.0.0.1:$port/decide", '--subscriber', "$dir/some.json", '--csr', "$dir/ec.pem",
            '--timeout', '60s', @more or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    return ($? & 127 ? "signal $?" : $? >> 8, slurp("$dir/out"), slurp("$dir/err"));
}

my ($code, $out, $err) = decide($port{server}, '--ca', "$pki->{ca}.pem");
is($code, 0, 'the CA of the server: an answer') or diag($err);
like($out, qr/^proof of possession +EC\b.*  ok$/m, 'with its checks');
like($out, qr/^decision +permitted\n\z/m, 'and the decision');
is($err, '', 'and nothing else');
($code, $out) = decide($port{server}, '--ca', "$pki->{ca}.pem", '--json', '--location', '/nowhere');
is($code, 3, 'a question that the server does not take');
is(JSON::PP::decode_json($out)->{detail}, 'location: there is no gba-enrol', 'is told over TLS too');

my @rows = (    # name, which certificate the server has, options, why nobody is asked
    ['another CA',           'server',    ['--ca', "$pki->{other_ca}.pem"], qr/the server cannot be asked: .*certificate/i],
    ['the CAs of this host', 'server',    [],                               qr/the server cannot be asked: .*certificate/i],
    ["another host's name",  'elsewhere', ['--ca', "$pki->{ca}.pem"],       qr/the server cannot be asked: .*(?:name|match)/i],
    ['no file of CAs',       'server',    ['--ca', "$dir/nowhere.pem"],     qr/the server cannot be asked: /],
    ['no CA in the file',    'server',    ['--ca', "$dir/some.json"],       qr/the server cannot be asked: /],
);
for my $row (@rows) {
    my ($name, $which, $options, $says) = @$row;
    ($code, $out, $err) = decide($port{$which}, @$options);
    is($code, 3, "$name: exit code");
    is($out, '', "$name: nothing is printed");
    like($err, $says, "$name: what it says");
}

# Without a CA directory of the host beside it: there any of its CAs would do.
SKIP: {
    my $watch = GBA::HostCAs->watch;
    skip 'no C compiler, or a program with a sanitizer', 3 if !$watch || qx{ldd '$program'} =~ /lib(?:a|t)san/;
    local $ENV{LD_PRELOAD} = $watch->library;
    ($code) = decide($port{server}, '--ca', "$pki->{ca}.pem");
    is($code, 0, 'with --ca');
    is(join(' ', $watch->seen), '', "the host's own CAs are not trusted");
    decide($port{server});
    isnt(join(' ', $watch->seen), '', 'without it they are');
}

$server->stop;
$log->holds('the log', qw(GBA1751));
is(scalar(() = slurp($server->dir . '/asked') =~ m{^TLSv1\.[23] POST /decide [24]00$}mg), 2 + ($code == 0 ? 1 : 0), 'nobody but that server heard the question');
$log->finish;
done_testing;
