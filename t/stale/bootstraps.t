# SPDX-License-Identifier: Apache-2.0
# The error table, seen by a UE that bootstraps anew at a plain 401 to its credentials, computes anew
# at stale=true, and takes everything else for an answer: it bootstraps exactly where it must (TS
# 24.109 5.2.5), which spares the home network, and it gets through where that or a new nonce helps.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp ();
use Test::More;
use Time::HiRes qw(sleep);
use GBA::CA qw(new_key pkcs10 subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site spew);
use GBA::UE;

my $docs = site()->{top} . '/t/htdocs/docs';
my $more = [map { my $name = "fresh-$_"; GBA::CA::entry($name, [1]) } 1 .. 60];
my $server = GBA::Server->start(children => 2, modules => ['reflector'], subscribers => $more, conf => <<"END");
<IfModule !prefork.c>
    MinSpareThreads 1
</IfModule>
Timeout 2
GBARequestBody 1000 100
Alias /short "$docs"
Alias /other "$docs"
Alias /denied "$docs"
Alias /allowed "$docs"
Alias /capped "$docs"
Alias /inherit "$docs"
<LocationMatch "^/(short|other|denied|uss|capped|reflect|broken|allowed|inherit|name)(/|\$)">
    AuthType GBA
    Require valid-user
</LocationMatch>
<Location "/short">
    GBANonceLifetime 500ms
</Location>
<Location "/other">
    GBANafFqdn other.home1.net
</Location>
<Location "/denied">
    Require user nobody.else
</Location>
<Location "/uss">
    Require gba-uss 77
</Location>
<Location "/allowed">
    GBAAllowType 2G Digest
</Location>
<Location "/name">
    GBARemoteUser ueid
</Location>
<Location "/capped">
    GBAResponseBody 1K 1K
</Location>
<Location "/inherit">
    FallbackResource /other/hello.txt
</Location>
<Location "/reflect">
    SetHandler reflector
</Location>
<Location "/broken">
    SetHandler gba-enrol
    GBALedger "sqlite:ledger/broken.db"
</Location>
<Location "/open-enrol">
    SetHandler gba-enrol
</Location>
END

# ---- the UE ----

my @keys = @$more;
sub ue { my ($who) = @_; return GBA::UE->new(ref $who ? $who : subscriber($who), port => $server->port) }

# What a bootstrapping is here: the next B-TID and its key.
sub bootstrap {
    my ($old, $response) = @_;
    my $new = ue(shift @keys // die "no more keys\n");
    $new->take_challenge($response);
    return $new;
}

# One wish of the UE, to its end: [final response, how often it bootstrapped, how often it computed anew].
sub wish {
    my ($ue, $method, $target, %option) = @_;
    my ($first, $response) = (delete $option{first} // {});
    my ($bootstraps, $stales) = (0, 0);
    for (1 .. 5) {
        $response = $ue->exchange($method, $target, fresh => 1, %option, auth => $first);
        $first = {};
        last if $response->{status} != 401;
        my $challenged = $ue->take_challenge($response);
        last unless $challenged;
        if ($ue->{stale}) { $stales++ }
        else              { $ue = bootstrap($ue, $response); $bootstraps++ }
    }
    return ($response, $bootstraps, $stales);
}

my $log;
sub row {
    my ($name, $ue, $wanted, $tags, $target, %option) = @_;
    my ($response, $bootstraps, $stales) = wish($ue, $option{method} // 'GET', $target, %option);
    is("$response->{status} $response->{protected}, $bootstraps, $stales", $wanted, "$name: outcome, bootstrappings, new nonces");
    is(scalar(GBA::HTTP::field($response, 'WWW-Authenticate')) // 'none', 'none', "$name: no challenge at the end");
    is(scalar(GBA::HTTP::field($response, 'Retry-After')) ? 1 : 0, $response->{status} == 503 ? 1 : 0, "$name: Retry-After with 503 alone");
    $log->holds($name, @$tags);
    return $response;
}

# A UE that holds a challenge of the target.
sub challenged {
    my ($who, $target) = @_;
    my $ue = ue($who);
    $ue->authenticate($target // '/docs/hello.txt');
    $log->look;
    return $ue;
}

ue('errors')->exchange('GET', '/index.html', auth => 0);
$log = GBA::Log->watch($server->error_log);
my $page = '/docs/hello.txt';
my $good = '200 1, 0, 0';

# ---- 401, plain: only a bootstrapping helps ----
my $anew = '200 1, 1, 0';
row('nothing is wrong', challenged('errors'), $good, [], $page);
row('a wrong key', challenged('errors'), $anew, ['GBA0419'], $page, first => { password => 'x' });
row('an unknown B-TID', challenged('errors'), $anew, ['GBA0590'], $page, first => { username => 'dW5rbm93biB1bmtub3duIQ==@bsf.home1.net' });
row('a B-TID that is none', challenged('errors'), $anew, ['GBA0416'], $page, first => { username => 'user' });
row('a key for another NAF', challenged('foreign'), $anew, ['GBA0590'], $page);
row('an expired key', challenged('expired'), $anew, ['GBA0408'], $page);
row('a key past GBAAssociationMaxAge', challenged('aged'), $anew, ['GBA0409'], $page);
row('another realm', challenged('errors'), $anew, ['GBA0404'], $page, first => { realm => '3GPP-bootstrapping@other.home1.net' });
row('an algorithm that was not offered', challenged('errors'), $anew, ['GBA0405'], $page, first => { algorithm => 'SHA-512-256' });
row('a qop that was not offered', challenged('errors'), $anew, ['GBA0406'], $page, first => { qop => 'auth' });
row('another opaque', challenged('errors'), $anew, ['GBA0407'], $page, first => { opaque => '0' x 32 });
row('another scheme', challenged('errors'), $anew, ['GBA0403'], $page, first => { raw => ['Basic eDp5'] });
row('no credentials', challenged('errors'), $anew, ['GBA0401'], $page, first => { raw => [] });
row('a changed body', challenged('errors'), $anew, ['GBA0419'], '/reflect', method => 'POST', body => 'x', first => { body => 'y' });

# ---- 401, stale: the key is good, the nonce is not ----
my $stale = '200 1, 0, 1';
row('a nonce that is none', challenged('errors'), $stale, ['GBA0104'], $page, first => { nonce => 'abc' });
row('a forged nonce', challenged('errors'), $stale, [qr/\AGBA010[123]\z/], $page, first => { nonce => 'A' x 60 });
{
    my $elsewhere = GBA::UE->new(subscriber('errors'));
    $elsewhere->authenticate('/docs/hello.txt');
    row('a nonce of another server', challenged('errors'), $stale, [qr/\AGBA010[123]\z/], $page, first => { nonce => $elsewhere->{nonce} });
    my $other = challenged('foreign', '/other/hello.txt');
    row("another realm's nonce", challenged('errors'), $stale, ['GBA0103'], $page, first => { nonce => $other->{nonce} });
    my $old = challenged('errors', '/short/hello.txt');
    sleep 0.7;
    row('an old nonce', $old, $stale, ['GBA0107'], '/short/hello.txt');
    # RFC 7616 3.3 asks no more than that the nonce be invalid: the key is looked at in the next round.
    my $nobody = { btId => 'dW5rbm93biB1bmtub3duIQ==@bsf.home1.net', meKeyMaterial => '00' x 32 };
    row('a bad nonce and an unknown B-TID', challenged($nobody), '200 1, 1, 1', [qw(GBA0104 GBA0593)], $page, first => { nonce => 'abc' });
    my $seen = challenged('replay');
    my $once = $seen->exchange('GET', $page, auth => {});
    row('an nc that was seen', $seen, $stale, ['GBA0420'], $page, first => { context => $once->{context} });
    # Eight nonces per association are remembered: the first goes when the ninth comes.
    my $gone  = challenged('graceful');
    my $first = $gone->exchange('GET', $page, auth => {});
    is($first->{status}, 200, 'the first of many nonces');
    for (1 .. 8) {
        my $next = challenged('graceful');
        is($next->exchange('GET', $page, auth => {})->{status}, 200, 'one more nonce');
    }
    row('a window that was let go', $gone, $stale, ['GBA0421'], $page);
}
{
    my $before = challenged('errors');
    $server->stop;
    $log->finish;
    $server->spawn;
    $log = GBA::Log->watch($server->error_log);
    ue('errors')->exchange('GET', '/index.html', auth => 0);
    $log->look;
    row('a nonce from before httpd was stopped', $before, $stale, [qr/\AGBA010[123]\z/], $page);
}

# ---- answers before authentication, which neither helps ----
my $ue = challenged('errors');
sub final { my ($status) = @_; return "$status 0, 0, 0" }
row('malformed', $ue, final(400), ['GBA0113'], $page, first => { raw => ['Digest'] });
row('a parameter twice', $ue, final(400), ['GBA0113'], $page, first => { after => sub { push @{ $_[0] }, ['nc', '00000001', 0] } });
row('another uri', $ue, final(400), ['GBA0415'], $page, first => { uri => '/' });
row('a body over GBARequestBody', $ue, final(413), ['GBA0630'], '/reflect', method => 'POST', body => 'x' x 1001);
row('a chunked body over GBARequestBody', $ue, final(413), ['GBA0630'], '/reflect', method => 'POST', body => 'x' x 1001, chunks => ['x' x 1001]);
row('two lengths', $ue, final(400), ['GBA0634'], '/reflect', method => 'POST', body => 'x', chunks => ['x'], fields => [['Content-Length', 1]]);
row('a body that does not come', $ue, final(408), ['GBA0631'], '/reflect', method => 'POST', fields => [['Content-Length', 10]]);
row('afterwards all is well', $ue, $good, [], $page);

# ---- protected refusals: the key is good, and nothing that the UE could do to its key would help ----
sub said { my ($status) = @_; return "$status 1, 0, 0" }
my $pem  = pkcs10(new_key('EC', 'P-256'));
my @post = (method => 'POST', type => 'application/x-pkcs10');
row('refused by Require', $ue, said(403), [qw(GBA0642 AH01631)], '/denied/hello.txt');
row('refused by Require gba-uss', $ue, said(403), [qw(GBA0642 AH01631)], '/uss');
row('refused by GBAAllowType', $ue, said(403), ['GBA0643'], '/allowed/hello.txt');
row('no name of the wanted kind', challenged('no-uss'), said(403), ['GBA0670'], '/name');
row('not who it means to be', $ue, said(403), ['GBA0671'], $page, fields => [['X-3GPP-Intended-Identity', '"sip:other@home1.net"']]);
row('enrolment refused', challenged('no-uss'), said(403), [qr/\AGBA044[0-9]\z/], '/enrol', @post, body => pkcs10(new_key('EC', 'P-256')));
row('no PKCS#10', $ue, said(400), ['GBA0300'], '/enrol', @post, body => '');
row('an unknown response=', $ue, said(400), ['GBA0361'], '/enrol?response=x', @post, body => $pem);
row('a wrong media type', $ue, said(415), ['GBA0441'], '/enrol', method => 'POST', type => 'text/plain', body => $pem);
row('a wrong method', $ue, said(405), ['GBA0440'], '/enrol');
row('nothing there', $ue, said(404), [], '/docs/nothing');
row('a response over GBAResponseBody', $ue, said(500), ['GBA0652'], '/capped/large.bin');
row('an internal redirect to another NAF', $ue, said(500), ['GBA0641'], '/inherit/nothing');
{
    my $broken = $server->dir . '/ledger/broken.db';
    unlink "$broken-wal", "$broken-shm";
    spew($broken, 'not a database' x 1000, 0666);
    row('the ledger is down', $ue, said(503), [qr/\AGBA05[0-9]{2}\z/], '/broken', @post, body => $pem);
}
# No context, nothing to protect with; and no challenge, which could not be answered.
row('the handler in an open location', $ue, final(500), [qr/\AGBA06[0-9]{2}\z/], '/open-enrol', @post, body => $pem);

# ---- after all of this, the same key still is good ----
row('in the end', $ue, $good, [], $page);
$server->stop;
# The ledger that was broken above cannot have its chain signed either.
$log->finish('GBA0579');

# ---- keys cannot be had: 503, and no bootstrapping, which would make things worse ----
# Locks of the association table fail while a file is there.
SKIP: {
    my $fault = File::Temp->newdir('fault.XXXXXX', DIR => site()->{tmp});
    chmod 0755, "$fault";
    spew("$fault/fault.c", <<'END');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#define ROBUST_AND_SHARED (16 | 128)
int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    static int (*next)(pthread_mutex_t *);
    const char *flag = getenv("FAULT_FLAG");
    if (!next)
        next = (int (*)(pthread_mutex_t *))dlsym(RTLD_NEXT, "pthread_mutex_lock");
    if (flag && (mutex->__data.__kind & ROBUST_AND_SHARED) == ROBUST_AND_SHARED && access(flag, F_OK) == 0)
        return ENOTRECOVERABLE;
    return next(mutex);
}
END
    skip 'no C compiler, or an httpd with a preload of its own', 13
        if $ENV{GBA_HTTPD_PRELOAD} || system("cc -shared -fPIC -o $fault/fault.so $fault/fault.c -ldl 2>$fault/err") != 0;
    $server = GBA::Server->start(children => 1, env => { LD_PRELOAD => "$fault/fault.so", FAULT_FLAG => "$fault/flag" });
    ue('errors')->exchange('GET', '/index.html', auth => 0);
    $log = GBA::Log->watch($server->error_log);
    my $known = challenged('errors');
    row('keys can be had', $known, $good, [], $page);
    spew("$fault/flag", '');
    row('keys cannot be had, a known UE', $known, final(503), ['GBA0412'], $page);
    row('keys cannot be had, a new UE', challenged('both'), final(503), ['GBA0412'], $page);
    unlink "$fault/flag";
    row('keys can be had again', $known, $good, [], $page);
    $server->stop;
    $log->finish;
}

done_testing;
