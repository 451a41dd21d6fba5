#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# HTTP/2 without TLS: the credentials are computed here, curl carries them, what comes back is
# verified here. Skipped without a curl that can.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use File::Path qw(make_path);
use Test::More;
use Time::HiRes qw(sleep time);
use GBA::Backend;
use GBA::CA qw(subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site slurp spew);
use GBA::UE;

my $curl = `curl --version 2>/dev/null` // '';
plan skip_all => 'no curl with HTTP2 (Debian: curl)' unless $curl =~ /^Features:.*\bHTTP2\b/m;
my $mpm = $ENV{GBA_MPM} || 'event';
plan skip_all => 'mod_http2 does not serve under prefork' if $mpm eq 'prefork';

my $top   = site()->{top};
my $pages = "$top/run/http2";
my $size  = 20 * 1024 * 1024;
make_path($pages);
spew("$pages/hello.txt", "hello\n");
spew("$pages/empty.txt", '');
spew("$pages/long.txt", "a text that can be compressed\n" x 5000);
spew("$pages/large.bin", '');
truncate "$pages/large.bin", $size or die "$!\n";
spew("$pages/page.shtml", "A<!--#include virtual=\"/p/hello.txt\" -->B\n");
spew("$pages/over.bin", 'x' x 2000);

my $forged  = 'Authentication-Info: qop=auth-int, rspauth="00", cnonce="x", nc=00000001';
my $chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n";
my $backend = GBA::Backend->start(
    '/ok'       => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n$forged\r\n\r\nok",
    '/401'      => "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nWWW-Authenticate: Basic realm=\"x\"\r\nConnection: close\r\n\r\nno",
    '/early'    => "HTTP/1.1 103 Early Hints\r\n$forged\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
    '/trailers' => "${chunked}Trailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\n$forged\r\nWWW-Authenticate: Basic realm=\"x\"\r\nX-Sum: 1\r\n\r\n",
);
my $pid_file = site()->{tmp} . '/http2-script.pid';
my $conf     = <<"END";
SetEnv GBA_TEST_PID "$pid_file"
Protocols h2c http/1.1
MergeTrailers On
ScriptAlias /p/cgi "$top/t/cgi/respond.pl"
ScriptAlias /p/echo "$top/t/cgi/echo.pl"
Alias /p "$pages"
Alias /gzip "$pages"
Alias /capped "$pages"
<LocationMatch "^/(p|b|gzip|capped)/">
    AuthType GBA
    Require valid-user
</LocationMatch>
<Location "/b">
    ProxyPass "http://127.0.0.1:@{[ $backend->port ]}"
</Location>
<Location "/p/denied">
    Require user somebody.else
</Location>
<Location "/gzip">
    SetOutputFilter DEFLATE
</Location>
<Location "/capped">
    GBAResponseBody 1K
</Location>
<Directory "$pages">
    Options +Includes
    AddOutputFilter INCLUDES .shtml
</Directory>
END
my $server = GBA::Server->start(
    mpm => $mpm, children => 1, modules => [qw(http2 cgi env include filter deflate proxy proxy_http)], conf => $conf);
my $ue = GBA::UE->new(subscriber('both'), port => $server->port);
$ue->authenticate('/p/hello.txt');
my $log = GBA::Log->watch($server->error_log);
my $tmp = "$top/tmp/http2";

# The header blocks that curl wrote, as responses: interim ones, the final one, trailers behind it.
sub blocks {
    my ($text) = @_;
    my @blocks;
    for my $line (split /\r\n/, $text) {
        if    ($line =~ m{\AHTTP/2 ([0-9]{3})})    { push @blocks, { status => $1, fields => [] } }
        elsif ($line =~ /\A([^:]+):[ \t]*(.*)\z/s) { push @{ $blocks[-1]{fields} }, [$1, $2] }
    }
    return @blocks;
}

# One request on a connection of its own.
sub request {
    my ($method, $target, %option) = @_;
    my $body    = $option{body};
    my $context = exists $option{context} ? $option{context} : $ue->context($method, $target, $body // '', {});
    my @command = ('curl', '-sS', '--http2-prior-knowledge', '--max-time', 30, '-D', "$tmp.head", '-o', "$tmp.body",
        $method eq 'HEAD' ? '-I' : ('-X', $method));
    push @command, '-H', 'Authorization: ' . GBA::UE::credentials($context) if $context;
    push @command, map { ('-H', $_) } @{ $option{fields} || [] };
    push @command, '--data-binary', '@' . spew("$tmp.sent", $body), '-H', 'Content-Type: application/octet-stream' if defined $body;
    unlink "$tmp.head", "$tmp.body";
    system(@command, 'http://127.0.0.1:' . $server->port . $target) == 0 or return fail("curl ended with $? for $target");
    my @blocks = blocks(slurp("$tmp.head"));
    my $response = $blocks[-1];
    $response->{interim}   = @blocks - 1;
    $response->{body}      = $method eq 'HEAD' || !-e "$tmp.body" ? '' : slurp("$tmp.body");
    $response->{protected} = GBA::UE::verify($response, $context);
    return $response;
}

sub script { my ($raw) = @_; return '/p/cgi?raw=' . ($raw =~ s/([^A-Za-z0-9])/sprintf '%%%02x', ord $1/ger) }
my $upload = join '', map { chr $_ % 256 } 1 .. 300_000;

my @rows = (
    ['a file',              'GET',  '/p/hello.txt',   200, is => "hello\n"],
    ['an empty file',       'GET',  '/p/empty.txt',   200, is => ''],
    ['HEAD',                'HEAD', '/p/hello.txt',   200, is => ''],
    ['a range',             'GET',  '/p/hello.txt',   200, is => "hello\n", fields => ['Range: bytes=1-2']],
    ['If-None-Match',       'GET',  '/p/hello.txt',   304, is => '', fields => ['If-None-Match: *']],
    ['nothing there',       'GET',  '/p/nothing',     404],
    ['a folder',            'GET',  '/b',             404, unprotected => 1],
    ['Require',             'GET',  '/p/denied/x',    403, log => ['GBA0642', 'AH01631']],
    ['SSI',                 'GET',  '/p/page.shtml',  200, is => "Ahello\nB\n"],
    ['gzip',                'GET',  '/gzip/long.txt', 200, fields => ['Accept-Encoding: gzip'], has => ['content-encoding', qr/\Agzip\z/]],
    ['20 MiB',              'GET',  '/p/large.bin',   200, is => "\0" x $size],
    ['a large script',      'GET',  '/p/cgi?size=1000000', 200],
    ['204',                 'GET',  script("Status: 204\r\n\r\n"), 204, is => ''],
    ['413 by a script',     'GET',  script("Status: 413\r\nContent-Type: text/plain\r\n\r\nx"), 413, is => 'x'],
    ['500 by a script',     'GET',  script("Status: 500\r\nContent-Type: text/plain\r\n\r\nx"), 500, is => 'x'],
    ['401 by a script',     'GET',  script("Status: 401\r\nWWW-Authenticate: Basic\r\n\r\nx"), 502, log => ['GBA0655']],
    ['103 by a script',     'GET',  script("Status: 103\r\n\r\nx"), 502, log => ['GBA0656']],
    ['a forging script',    'GET',  script("$forged\r\nWWW-Authenticate: Basic\r\nContent-Type: text/plain\r\n\r\nx"), 200, is => 'x'],
    ['POST',                'POST', '/p/echo?body',   200, body => $upload, is => $upload],
    ['POST of nothing',     'POST', '/p/echo?body',   200, body => '', is => ''],
    ['POST to a 403',       'POST', '/p/denied/x',    403, body => $upload, log => ['GBA0642', 'AH01631']],
    ['over the cap',        'GET',  '/capped/over.bin', 500, log => ['GBA0652']],
    ['over the cap, HEAD',  'HEAD', '/capped/over.bin', 500, is => '', log => ['GBA0652']],
    ['a back end',          'GET',  '/b/ok',          200, is => 'ok'],
    ["a back end's 401",    'GET',  '/b/401',         502, log => ['GBA0655']],
    ["a back end's 103",    'GET',  '/b/early',       200, is => 'ok'],
    ["a back end's trailers", 'GET', '/b/trailers',   200, is => 'abc'],
);

my $challenge = request('GET', '/p/hello.txt', context => undef);
is($challenge->{status}, 401, 'h2: a challenge');
ok($ue->take_challenge($challenge), 'h2: that a UE understands');
$log->holds('h2: the challenge', 'GBA0401');

for my $row (@rows) {
    my ($what, $method, $target, $status, %more) = @$row;
    my $name     = "h2: $what";
    my $response = request($method, $target, %more) || next;
    my $wanted   = $more{unprotected} ? 0 : 1;
    is("$response->{status} $response->{protected}", "$status $wanted", $name);
    is($response->{interim}, 0, "$name: no interim response");
    is(scalar(() = GBA::HTTP::field($response, 'WWW-Authenticate')), 0, "$name: no challenge");
    ok($response->{body} eq $more{is}, "$name: the body") if exists $more{is};
    like(GBA::HTTP::field($response, $more{has}[0]) // '', $more{has}[1], "$name: $more{has}[0]") if $more{has};
    $log->holds($name, @{ $more{log} || [] });
}

# Trailers of a back end are passed on, but for what only the portal may say.
SKIP: {
    skip 'no nghttp (Debian: nghttp2-client)', 3 if system('nghttp --version >/dev/null 2>&1') != 0;
    my $context = $ue->context('GET', '/b/trailers', '', {});
    my $frames  = qx(nghttp -v -H 'Authorization: @{[ GBA::UE::credentials($context) ]}' http://127.0.0.1:@{[ $server->port ]}/b/trailers 2>&1);
    like($frames, qr/recv \(stream_id=\d+\).* x-sum: 1/, 'h2: trailers are passed on');
    is(scalar(() = $frames =~ /recv .*authentication-info: /g), 1, 'h2: one Authentication-Info, none in the trailers');
    unlike($frames, qr/recv .*www-authenticate: /, 'h2: no challenge in the trailers');
    $log->holds('h2: trailers');
}

# Credentials that were used are not taken again, over whatever protocol.
my $context = $ue->context('GET', '/p/hello.txt', '', {});
is(request('GET', '/p/hello.txt', context => $context)->{protected}, 1, 'h2: the first time');
is(request('GET', '/p/hello.txt', context => $context)->{status}, 401, 'h2: not a second time');
is($ue->exchange('GET', '/p/hello.txt', auth => { context => $context })->{status}, 401, 'h2: nor over HTTP/1.1');
$log->holds('h2: replayed', 'GBA0420', 'GBA0420');

# A client that goes away while the response is being held: it is not waited for.
my $gone = $ue->context('GET', '/p/cgi?slow=300', '', {});
system 'curl', '-s', '--http2-prior-knowledge', '--max-time', 1, '-o', '/dev/null',
    '-H', 'Authorization: ' . GBA::UE::credentials($gone), 'http://127.0.0.1:' . $server->port . $gone->{uri};
is($? >> 8, 28, 'h2: a client that goes away');
my ($script) = slurp($pid_file) =~ /\A([0-9]+)\n/;
my $until    = time + 10;
sleep 0.1 while kill(0, $script) && time < $until;
ok(!kill(0, $script), 'h2: its script is ended');
$log->holds('h2: a client that goes away');

# Who authenticated is answered in the protocol in which he asked.
my $answer = $ue->request('GET', '/p/hello.txt',
    fields => [['Connection', 'Upgrade, HTTP2-Settings'], ['Upgrade', 'h2c'], ['HTTP2-Settings', 'AAMAAABkAARAAAAAAAIAAAAA']]);
is("$answer->{status} $answer->{protected}", '200 1', 'h2: Upgrade is not followed');
is(join(' ', @{ $answer->{interim} }), '', 'h2: no 101');
$log->holds('h2: Upgrade');

$server->stop;
$log->finish;
unlink $pid_file, glob site()->{tmp} . '/http2.*';
done_testing;
