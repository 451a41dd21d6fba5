# SPDX-License-Identifier: Apache-2.0
# The operator's own module: built from the installed header alone, it may refuse, never permit.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use Test::More;
use GBA::CA qw(new_key pkcs10);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site slurp);
use GBA::UE;

my $folder = tempdir('module.XXXXXX', DIR => site()->{tmp}, CLEANUP => 1);
my $build  = $ENV{GBA_BUILDDIR} or die "GBA_BUILDDIR is not set\n";

sub run {
    my (@command) = @_;
    my $said = '';
    open my $pipe, '-|', "@command 2>&1" or die "$command[0]: $!\n";
    { local $/ = undef; $said = <$pipe> // '' }
    close $pipe;
    return ($? == 0, $said);
}

# ---- from the installed header ----

my ($installed, $why) = run("make -C '$build' install-includeHEADERS DESTDIR='$folder/root'");
ok($installed, 'the header is installed') or diag($why);
my ($header) = split /\n/, qx{find '$folder/root' -name mod_gba_pki.h};
ok($header, 'where a compiler finds it');
my $include = $header =~ s{/[^/]+\z}{}r;
copy(site()->{top} . '/t/module/mod_gba_example.c', "$folder/mod_gba_example.c") or die "mod_gba_example.c: $!\n";
my ($apxs) = slurp("$build/Makefile") =~ /^APXS = (\S+)$/m;
my ($compiled, $said) = run("cd '$folder' && '$apxs' -Wc,-Wall -Wc,-Wextra -Wc,-Werror -I '$include' -c mod_gba_example.c");
ok($compiled, 'apxs builds the example without a warning') or diag($said);
my $module = "$folder/.libs/mod_gba_example.so";
chmod 0755, $folder, "$folder/.libs";

# ---- loaded before and after ours: optional hooks do not care ----

my %keys = map { $_->[0] => pkcs10(new_key($_->[0], $_->[1])) } ['EC', 'P-256'], ['RSA', 2048];

sub check_server {
    my ($order, $before, $after) = @_;
    my @subscribers = (GBA::CA::entry("some$order", [1]), GBA::CA::entry("none$order", undef));
    my $server = GBA::Server->start(subscribers => \@subscribers, modules => ['headers'], conf => <<"END");
$before
<LocationMatch "^/m/">
    AuthType GBA
    Require valid-user
    SetHandler gba-enrol
</LocationMatch>
$after
<LocationMatch "^/(v|docs/v)\$">
    SetHandler gba-example
</LocationMatch>
END
    return ($server, map { GBA::UE->new($_, port => $server->port) } @subscribers);
}

for my $order (qw(after before)) {
    my $load = qq(LoadModule gba_example_module "$module"\n);
    my $use  = join '', map { qq(<Location "/m/$_">\nGBAExampleKeys $_\n</Location>\n) } qw(EC RSA fail garbage);
    # The server's own configuration loads ours before "conf" is read, so "before" is a second server
    # whose first directive is the module: optional hooks are sorted when all are there.
    my ($server, $some, $none) = check_server($order, $order eq 'before' ? $load . $use : '', $order eq 'after' ? $load . $use : '');
    my $log  = GBA::Log->watch($server->error_log);
    my $post = sub { my ($ue, $place, $pem) = @_; return $ue->request('POST', "/m/$place", type => 'application/x-pkcs10', body => $pem) };

    is($post->($some, 'EC', $keys{EC})->{status}, 200, "$order: what it does not refuse is issued");
    $log->holds("$order: issued", qw(GBA0401 GBA0661));
    my $refused = $post->($some, 'EC', $keys{RSA});
    is("$refused->{status} $refused->{protected}", '403 1', "$order: what it refuses is a protected 403");
    like($refused->{body}, qr/"refused; reason=MODULE"/, "$order: reason");
    like($refused->{body}, qr/This service takes &lt;other&gt; keys\./, "$order: its text, escaped");
    my @lines = grep { /GBA0446/ } split /\n/, slurp($server->error_log);
    like($lines[-1], qr/by module: RSA key for profile authentication, 1 held/, "$order: its detail in the log, and it knew what is held");
    $log->holds("$order: refused", 'GBA0446');

    my $widened = $post->($none, 'EC', $keys{EC});
    like("$widened->{status} $widened->{body}", qr/\A403 .*"refused; reason=NO_USS"/s, "$order: it cannot permit what the settings do not");
    $log->holds("$order: not widened", qw(GBA0401 GBA0446));

    for my $row (['fail', 'GBA1742'], ['garbage', 'GBA1743']) {
        my ($place, $tag) = @$row;
        my $failed = $post->($some, $place, $keys{RSA});
        is("$failed->{status} $failed->{protected}", '500 1', "$order: a module that answers nonsense ($place) lets nobody through");
        $log->holds("$order: $place", $tag);
    }

    # gba_pki_verified(): what a handler of somebody else's may ask.
    my $open = GBA::HTTP->connect($server->port);
    $open->send("GET /v HTTP/1.1\r\nHost: pkiportal.home1.net\r\n\r\n");
    is($open->receive('GET')->{body}, "verified 0\n", "$order: nobody authenticated");
    is($some->request('POST', '/docs/v', body => 'x', type => 'text/plain')->{body}, "verified 2\n", "$order: qop=auth-int");
    $server->stop;
    $log->holds("$order: stopping");
    $log->finish;
}
done_testing;
