# SPDX-License-Identifier: Apache-2.0
# gba-pkictl decide: what it asks, what it prints of the answer and how it ends; over a running gba-decide,
# and over servers that answer something else.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp qw(tempdir);
use IO::Socket::INET;
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Test::More;
use Time::HiRes qw(time);
use GBA::CA qw(der_of new_key pkcs10);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site slurp spew);
use GBA::UE;

my $program = "$ENV{GBA_BUILDDIR}/gba-pkictl";
plan skip_all => 'gba-pkictl is not built' unless -x $program;

my $json = JSON::PP->new->canonical;
my $dir  = tempdir('decide.XXXXXX', DIR => site()->{tmp}, CLEANUP => 1);
chmod 0755, $dir;
spew("$dir/users", "operator:" . `openssl passwd -apr1 'a pass:word'`);
my $some = GBA::CA::entry('some', [1]);
my $conf = <<"END";
<LocationMatch "^/(decide|closed)\$">
    SetHandler gba-decide
</LocationMatch>
<Location "/closed">
    AuthType Basic
    AuthName operators
    AuthUserFile "$dir/users"
    Require valid-user
</Location>
<Location "/gold">
    SetHandler gba-enrol
    AuthType GBA
    Require valid-user
    GBANafGroup gold
    GBAEnrolRule require "%{GBA_KEY_PLACE} == 'UICC'" "Only cards."
</Location>
END
my $server = GBA::Server->start(conf => $conf, subscribers => [$some], children => 2, modules => [qw(auth_basic authn_file)]);
my $log    = GBA::Log->watch($server->error_log);
my $url    = 'http://127.0.0.1:' . $server->port . '/decide';

# ---- what goes in ----

my $pem = pkcs10(new_key('EC', 'P-256'));
spew("$dir/ec.pem", $pem);
spew("$dir/ec.der", der_of($pem));
spew("$dir/rsa.pem", pkcs10(new_key('RSA', 2048), 'keyUsage=nonRepudiation'));
spew("$dir/none.pem", "no PKCS#10\n");
spew("$dir/latin1.pem", "\xff\n");
spew("$dir/empty.pem", '');
spew("$dir/long.pem", 'x' x 20000);
sub subscriber { my ($name, $value) = @_; return spew("$dir/$name.json", ref $value ? $json->encode($value) : $value) }
subscriber('some', $some);    # with its key, as it stands in the key file
subscriber('lead', { impi => $some->{impi}, ussList => [{ uss => { gsId => 1, gsType => 1, nafGroup => 'lead', flags => [{ flag => 1 }],
    ueIds => [{ ueId => 'sip:alice@home1.net' }] } }] });
subscriber('list', [$some]);
subscriber('twice', '{"impi":"a","impi":"b"}');
subscriber('bad', { ussList => 1 });
spew("$dir/login", "operator:a pass:word\n");
spew("$dir/other", "operator:wrong\n");
spew("$dir/nobody", "operator\n");

# Standard output; what it says of itself goes to %said.
my %said;
sub ctl {
    my (@words) = @_;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        delete $ENV{GBA_LEDGER};
        $ENV{http_proxy} = 'http://127.0.0.1:1/';    # never asked
        open STDOUT, '>', "$dir/out" or POSIX::_exit(127);
        open STDERR, '>', "$dir/err" or POSIX::_exit(127);
        exec {$program} $program, @words or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    %said = (code => $? & 127 ? "signal $?" : $? >> 8, err => slurp("$dir/err"), out => slurp("$dir/out"));
    return $said{out};
}

sub decide {
    my ($who, $csr, @more) = @_;
    my @url = grep({ $_ eq '--url' } @more) ? () : ('--url', $url);
    return ctl('decide', @url, '--subscriber', "$dir/$who.json", '--csr', "$dir/$csr", @more);
}

sub is_said {
    my ($code, $says, $name) = @_;
    is($said{code}, $code, "$name: exit code") or diag("$said{out}$said{err}");
    like($said{err}, $says, "$name: what it says");
    return;
}

# ---- decisions ----

my $quiet = qr/\A\z/;
for my $form (qw(ec.pem ec.der)) {
    my $table = decide('some', $form);
    is_said(0, $quiet, "$form permitted");
    like($table, qr/\ACHECK +INPUT +RESULT\n/, "$form: headings");
    like($table, qr/^proof of possession +EC\b.*  ok$/m, "$form: a row for a check");
    like($table, qr/^profile +authentication\n/m, "$form: the profile");
    like($table, qr/^decision +permitted\n\z/m, "$form: the decision last");
}
my $told = $json->decode(decide('some', 'rsa.pem', '--json'));
is_said(1, $quiet, 'refused, as JSON');
is("$told->{outcome} $told->{exit_code} $told->{decision} $told->{reason}", 'refused 1 refused USAGE_NOT_ALLOWED', 'refused: outcome, code and reason');
is($told->{checks}[-1]{result}, 'USAGE_NOT_ALLOWED', 'refused: the checks as they came');
my $table = decide('lead', 'ec.pem', '--location', '/gold');
is_said(1, $quiet, 'refused');
like($table, qr/^NAF group .*  NAF_GROUP$/m, 'the check that refuses');
like($table, qr/^decision +refused NAF_GROUP\n\z/m, 'the decision, with its reason');
decide('some', 'ec.pem', '--location', '/gold');
is_said(1, $quiet, "a location's rule");
like($said{out}, qr/^public text  Only cards\.\n/m, "the rule's text");
decide('some', 'ec.pem', '--location', '/gold', '--key', 'UICC');
is_said(0, $quiet, 'with the key of the UICC');
for my $csr (qw(none.pem empty.pem)) {
    $told = decide('some', $csr);
    is_said(3, $quiet, "$csr: nothing is decided");
    like($told, qr/^decision +failed\n\z/m, "$csr: failed");
}

# ---- questions that the server does not take ----

decide('some', 'ec.pem', '--location', '/nowhere');
is_said(3, $quiet, 'no such location');
like($said{out}, qr/^detail +location: there is no gba-enrol\n/m, 'no such location: told');
$log->holds('no such location', 'GBA1751');
decide('bad', 'ec.pem');
is_said(3, $quiet, 'settings that are none');
like($said{out}, qr/^detail +subscriber: ussList/m, 'settings that are none: told');
$log->holds('settings that are none', qr/\AGBA\d{4}\z/);

# ---- what is wrong here ----

my @local = (    # name, words, exit code, what it says
    ['no such file',          ['none', 'ec.pem'],     4, qr/cannot open .*none\.json/],
    ['no such PKCS#10',       ['some', 'nowhere'],    4, qr/cannot open .*nowhere/],
    ['a list of subscribers', ['list', 'ec.pem'],     4, qr/holds no JSON object/],
    ['a member twice',        ['twice', 'ec.pem'],    4, qr/holds no JSON object/],
    ['no UTF-8',              ['some', 'latin1.pem'], 4, qr/must be text in UTF-8/],
    ['a PKCS#10 over 16 KiB', ['some', 'long.pem'],   4, qr/cannot use/],
    ['no password',           ['some', 'ec.pem', '--user', "$dir/nobody"],            4, qr/holds no USER:PASSWORD/],
    ['no URL',                ['some', 'ec.pem', '--url', 'x y'],                     2, qr/--url/],
    ['http to elsewhere',     ['some', 'ec.pem', '--url', 'http://portal.invalid/d'], 2, qr/use https/],
    ['wrong usage',           ['some', 'ec.pem', '--key', 'SIM'],                     2, qr/--key is ME or UICC/],
);
for my $row (@local) {
    my ($name, $words, $code, $says) = @$row;
    decide(@$words);
    is_said($code, $says, $name);
    is($said{out}, '', "$name: nothing is printed");
}

# ---- who may ask ----

(my $closed = $url) =~ s/decide\z/closed/;
decide('some', 'ec.pem', '--url', $closed, '--user', "$dir/login");
is_said(0, $quiet, 'with user and password');
decide('some', 'ec.pem', '--url', $closed);
is_said(3, qr/no gba-decide answers there: status 401/, 'without them');
decide('some', 'ec.pem', '--url', $closed, '--user', "$dir/other");
is_said(3, qr/status 401/, 'with a wrong one');
unlike($said{err}, qr/wrong/, 'the password is not shown');
$log->look;
decide('some', 'ec.pem', '--url', $url =~ s/decide\z/nowhere/r);
is_said(3, qr/status 404/, 'another page');
$told = $json->decode(decide('some', 'ec.pem', '--json', '--url', $url =~ s/decide\z/nowhere/r));
is("$told->{outcome} $told->{exit_code}", 'server-unusable 3', 'another page, as JSON');
$log->look;
$server->stop;
decide('some', 'ec.pem');
is_said(3, qr/the server cannot be asked/, 'nobody there');
$log->look;
$log->finish;

# ---- a server that answers what it likes ----

sub answers {
    my ($octets, @more) = @_;
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "listen: $@\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        local $SIG{PIPE} = 'IGNORE';
        my $peer = $listen->accept or POSIX::_exit(1);
        my $question = '';
        while ($question !~ /\r\n\r\n.*\}\z/s) { sysread $peer, $question, 65536, length $question or last }
        spew("$dir/question", $question);
        $octets->($peer) if ref $octets;
        print {$peer} $octets unless ref $octets;
        close $peer;
        POSIX::_exit(0);
    }
    my $port = $listen->sockport;
    decide('some', 'ec.der', '--url', "http://127.0.0.1:$port/d", @more);
    kill 'KILL', $pid;
    waitpid $pid, 0;
    return $said{out};
}

sub reply { my ($status, $body) = @_; return "HTTP/1.1 $status X\r\nConnection: close\r\nContent-Length: " . length($body) . "\r\n\r\n$body" }

my $evil = { decision => 'permitted', reason => undef, status => 200, profile => "a\x1b[2J", publicText => undef, detail => "b\nc\\",
    held => 3, checks => [{ check => "x\x{202e}y", input => "\x{9b}31m", result => "ok\r" }, { check => 1, input => [], result => undef }, 7] };
my $out = answers(reply(200, $json->utf8->encode($evil)));
is_said(0, $quiet, 'texts that are none');
unlike($out, qr/[^\x20-\x7e\n]/, 'a terminal only shows them');
like($out, qr/^profile +a\\x1b\[2J\n/m, 'an escape sequence is written out');
like($out, qr/^detail +b\\x0ac\\x5c\n/m, 'so is a line end');
like($out, qr/^decision +permitted\n\z/m, 'the decision is the last line all the same');
my $question = slurp("$dir/question");
like($question, qr{^POST /d HTTP/1\.1\r\n.*^Content-Type: application/json\r\n}ms, 'the question is a POST of JSON');
my $sent = $json->decode($question =~ s/\A.*?\r\n\r\n//sr);
is($sent->{csr}, encode_base64(der_of($pem), ''), 'DER goes as base64');
is("$sent->{location} $sent->{key}", '/enrol ME', 'location and key');
is_deeply([grep { /key(?:Material)/i } keys %{ $sent->{subscriber} }], [], "the UE's key stays here");
unlike($question, qr/\Q$some->{meKeyMaterial}\E/, 'in whatever member');

$out = answers(reply(200, $json->encode($evil)), '--json');
unlike($out, qr/[^\x20-\x7e\n]/, 'JSON is ASCII');
my @rows = (    # name, what comes, what it says
    ['no JSON',            reply(200, '<html>'),                        qr/no gba-decide answers/],
    ['a list',             reply(200, '[]'),                            qr/no gba-decide answers/],
    ['another word',       reply(200, '{"decision":"yes","checks":[]}'), qr/no gba-decide answers/],
    ['no checks',          reply(200, '{"decision":"permitted"}'),      qr/no gba-decide answers/],
    ['decided twice',      reply(200, '{"decision":"refused","decision":"permitted","checks":[]}'), qr/no gba-decide answers/],
    ['a permit as a 500',  reply(500, '{"decision":"permitted","checks":[]}'), qr/status 500/],
    ['a redirect',         "HTTP/1.1 302 X\r\nLocation: $url\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", qr/status 302/],
    ['no HTTP',            "hello\n",                                   qr/cannot be asked/],
    ['cut off',            "HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{", qr/cannot be asked/],
    ['over 1 MiB',         reply(200, ' ' x (1024 * 1024 + 1)),         qr/over 1 MiB/],
);
for my $row (@rows) {
    my ($name, $octets, $says) = @$row;
    answers($octets);
    is_said(3, $says, $name);
    is($said{out}, '', "$name: nothing is printed");
}
my $began = time;
answers(sub { sleep 20 }, '--timeout', '500ms');
is_said(3, qr/cannot be asked/, 'no answer in time');
cmp_ok(time - $began, '<', 10, 'it does not wait longer');
done_testing;
