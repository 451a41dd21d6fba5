# SPDX-License-Identifier: Apache-2.0
# Request bodies: hashed while they arrive, handed on unchanged, bounded, and what becomes of the
# connection afterwards.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Digest::SHA qw(sha256_hex);
use Test::More;
use GBA::CA qw(subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Site qw(site);
use GBA::UE;

my $log = GBA::Log->watch;
my $ue  = GBA::UE->new(subscriber('bodies'), algorithm => 'MD5');
$ue->authenticate('/echo');
$log->holds('challenge', 'GBA0401');

# Octets that no text processing would leave alone, the same in every run.
my $pattern = pack 'N*', map { $_ * 2654435761 % 2**32 } 1 .. 50_000;
sub octets { my ($n) = @_; return substr $pattern x (1 + $n / length $pattern), 0, $n }

# The body in chunks of uneven sizes.
sub chunks {
    my ($body) = @_;
    my (@chunks, $at);
    for (my $size = 1; ($at //= 0) < length $body; $size = $size * 3 % 40_009) {
        push @chunks, substr $body, $at, $size;
        $at += $size;
    }
    return \@chunks;
}

# ---- what arrives at a handler is what was sent ----
for my $size (0, 1, 10, 8192, 65_536, 65_537, 300_000, 1_048_576) {
    my $body = octets($size);
    for my $chunked (0, 1) {
        for my $expect (0, 1) {
            next if $expect && !$size;
            my $name = "$size octets" . ($chunked ? ', chunked' : '') . ($expect ? ', Expect' : '');
            my %how  = (body => $body, expect => $expect, $chunked ? (chunks => chunks($body)) : ());
            my $hash = $ue->request('POST', '/echo', %how);
            is($hash->{body}, "length=$size sha256=" . sha256_hex($body) . "\n", "$name: length and hash at the handler");
            is($hash->{continued}, 1, "$name: 100 before the body") if $expect;
            next if $size > 70_000;
            my $echo = $ue->request('PUT', '/echo?body', %how);
            ok($echo->{body} eq $body, "$name: and back");
        }
    }
}
$log->holds('bodies');

# The default cap is 1M; a location may raise it.
{
    my $body = octets(10 * 1024 * 1024);
    my $big  = $ue->request('POST', '/big/echo', body => $body);
    is($big->{body}, 'length=' . length($body) . ' sha256=' . sha256_hex($body) . "\n", '10 MB under a raised cap');
    my $back = $ue->request('POST', '/big/echo?body', body => $body, chunks => chunks($body));
    ok($back->{body} eq $body, '10 MB there and back, verified both ways');
    my $changed = $ue->exchange('POST', '/big/echo', body => $body, auth => { body => substr($body, 0, -1) . 'x' });
    is("$changed->{status} $changed->{protected}", '401 0', '10 MB with one octet changed on the way');
    $log->holds('large bodies', 'GBA0419');
}

# ---- over the cap: 413, not protected, connection closed, one answer ----
sub refused {
    my ($name, $status, $tags, $target, %how) = @_;
    my $http     = $ue->connection(1);
    my $response = $ue->exchange('POST', $target, auth => {}, %how);
    is("$response->{status} $response->{protected}", "$status 0", "$name: status, unprotected");
    ok($response->{close}, "$name: says that it closes");
    ok($http->is_ended, "$name: and does");
    is($response->{continued}, 0, "$name: without 100") if $how{expect};
    $log->holds($name, @$tags);
}
# The last by httpd's own LimitRequestBody.
for my $row (['/small/echo', 1000, 'GBA0630'], ['/echo', 1024 * 1024, 'GBA0630'], ['/limited/echo', 1000, 'GBA0632']) {
    my ($target, $cap, $tag) = @$row;
    my $fits = octets($cap);
    my $over = octets($cap + 1);
    is($ue->request('POST', $target, body => $fits)->{status}, 200, "$target: $cap octets fit");
    is($ue->request('POST', $target, body => $fits, chunks => chunks($fits))->{status}, 200, "$target: chunked too");
    $log->holds("$target, up to the cap");
    refused("$target: one more", 413, [$tag], $target, body => $over);
    refused("$target: one more, chunked", 413, [$tag], $target, body => $over, chunks => chunks($over));
}
refused('/small/echo: one more, Expect', 413, ['GBA0630'], '/small/echo', body => octets(1001), expect => 1);
refused('/small/echo: far more, announced only', 413, ['GBA0630'], '/small/echo', body => octets(5_000_000));

# ---- before authentication no body is waited for ----
{
    my $http = $ue->connection(1);
    my ($head) = $ue->octets('POST', '/enrol', body => 'x' x 500_000);
    $http->send($head);
    my $response = $http->receive('POST');
    is($response->{status}, 401, '500 KB announced, none sent: answered at once');
    ok($response->{close}, 'and closed');
    for my $how ([expect => 1, body => 'x' x 100], [body => 'x' x 50_000], [chunks => ['x' x 10]]) {
        my $eager = $ue->exchange('POST', '/enrol', fresh => 1, auth => 0, @$how);
        is("$eager->{status} $eager->{continued}", '401 0', "@$how[0]: challenged without 100");
        ok($eager->{close}, "@$how[0]: closed");
    }
    $log->holds('challenges', ('GBA0401') x 4);
}

# ---- keep-alive after every refusal that leaves the connection clean ----
{
    my $good = sub { return $ue->exchange('GET', '/docs/hello.txt', auth => {}) };
    my @rows = (
        ['401, no credentials',        401, 'GBA0401', 'GET',  '/docs/hello.txt', auth => 0],
        ['401 to a POST of 4 KB',      401, 'GBA0401', 'POST', '/enrol', auth => 0, body => octets(4096)],
        ['401, wrong password',        401, 'GBA0419', 'POST', '/echo', auth => { password => 'x' }, body => octets(4096)],
        ['401, wrong password, chunks', 401, 'GBA0419', 'POST', '/echo', auth => { password => 'x' }, body => octets(9), chunks => chunks(octets(9))],
        ['401, stale',                 401, 'GBA0104', 'POST', '/echo', auth => { nonce => 'x' }, body => octets(4096)],
        ['400, two qop',               400, 'GBA0113', 'GET',  '/docs/hello.txt', auth => { after => sub { push @{ $_[0] }, ['qop', 'auth', 0] } }],
        ['400, uri',                   400, 'GBA0415', 'GET',  '/docs/hello.txt', auth => { uri => '/' }],
        ['405 of the handler',         405, 'GBA0440', 'GET',  '/enrol', auth => {}],
        ['415 of the handler',         415, 'GBA0441', 'POST', '/enrol', auth => {}, body => octets(70_000)],
        ['413 of the handler',         413, 'GBA0442', 'POST', '/enrol', auth => {}, type => 'application/x-pkcs10', body => octets(70_000)],
        ['404',                        404, undef,     'GET',  '/docs/nothing.txt', auth => {}],
    );
    $ue->connection(1);
    for my $row (@rows) {
        my ($name, $status, $tag, $method, $target, %how) = @$row;
        $good->() unless $ue->{http};
        my $http     = $ue->{http};
        my $response = $ue->exchange($method, $target, %how);
        is($response->{status}, $status, "$name: status");
        if ($status == 400 || $status == 413) {
            # httpd itself closes after these.
            ok($response->{close}, "$name: closed");
        }
        else {
            my $next = $good->();
            is("$next->{status} $next->{protected}", '200 1', "$name: the next request");
            ok(($ue->{http} || 0) == $http, "$name: on the same connection");
        }
        $log->holds($name, $tag // ());
    }
}

# ---- pipelining: several requests with bodies in one write ----
{
    my $http = GBA::HTTP->connect(site()->{port});
    my (@contexts, $octets);
    for my $n (1 .. 5) {
        my $body    = octets($n * 1000);
        my $context = $ue->context('POST', "/echo?$n", $body, {});
        my ($head, $payload) = $ue->octets('POST', "/echo?$n", body => $body, $n % 2 ? (chunks => chunks($body)) : (),
            authorization => [GBA::UE::credentials($context)]);
        $octets .= $head . $payload;
        push @contexts, $context;
    }
    $http->send($octets);
    for my $context (@contexts) {
        my $response = $http->receive('POST');
        is($response->{body}, 'length=' . length($context->{body}) . ' sha256=' . sha256_hex($context->{body}) . "\n", "pipelined, $context->{uri}");
        is(GBA::UE::verify($response, $context), 1, "pipelined, $context->{uri}: protected by its own");
    }
    $log->holds('pipelining');
}

# ---- bodies that do not come as they should: 400 or 408, never protected ----
sub broken {
    my ($name, $status, $tags, $send) = @_;
    my $http    = GBA::HTTP->connect(site()->{port});
    my $context = $ue->context('POST', '/echo', 'x' x 100, {});
    my $fields  = "POST /echo HTTP/1.1\r\nHost: x\r\nAuthorization: " . GBA::UE::credentials($context) . "\r\n";
    $send->($http, $fields);
    my $response = $http->receive('POST');
    is($response->{status}, $status, "$name: status");
    is(GBA::UE::verify($response, $context), 0, "$name: unprotected");
    ok($http->is_ended, "$name: closed");
    $log->holds($name, @$tags);
}
broken('a body that ends early', 400, ['GBA0632'], sub { my ($http, $fields) = @_;
    $http->send("${fields}Content-Length: 100\r\n\r\nxxx"); $http->finish_sending });
broken('a chunk size that is none', 400, ['GBA0632'], sub { my ($http, $fields) = @_;
    $http->send("${fields}Transfer-Encoding: chunked\r\n\r\nzz\r\nxxx\r\n0\r\n\r\n") });
broken('chunks that end early', 400, ['GBA0632'], sub { my ($http, $fields) = @_;
    $http->send("${fields}Transfer-Encoding: chunked\r\n\r\n64\r\n" . 'x' x 100); $http->finish_sending });
broken('a body that does not come', 408, ['GBA0631'], sub { my ($http, $fields) = @_;
    $http->send("${fields}Content-Length: 100\r\n\r\nxxx") });

# The hash is over the body before transfer coding (RFC 2617 3.2.2.4): chunk extensions do not count.
# Trailers would be header fields that no hash covers.
for my $row (['', 200, 1], ["X-Trailer: y\r\n", 400, 0, 'GBA0635']) {
    my ($trailer, $status, $protected, @tags) = @$row;
    my $http    = GBA::HTTP->connect(site()->{port});
    my $context = $ue->context('POST', '/echo', 'x' x 100, {});
    $http->send("POST /echo HTTP/1.1\r\nHost: x\r\nAuthorization: " . GBA::UE::credentials($context)
        . "\r\nTransfer-Encoding: chunked\r\n\r\n32;a=b\r\n" . 'x' x 50 . "\r\n32\r\n" . 'x' x 50 . "\r\n0\r\n$trailer\r\n");
    my $response = $http->receive('POST');
    is($response->{status}, $status, 'chunk extensions' . ($trailer && ' and trailers'));
    is(GBA::UE::verify($response, $context), $protected, 'protected or not');
    $log->holds('extensions, trailers', @tags);
}

# None of all that used up what the UE needs to go on.
is($ue->request('GET', '/docs/hello.txt')->{status}, 200, 'afterwards');
$log->finish;
done_testing;
