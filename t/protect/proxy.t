#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Application servers behind mod_proxy (TS 24.109 clause 7): what they answer is protected as it
# is, what only the portal may say does not pass, and their 401 is a 502.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Test::More;
use GBA::Backend;
use GBA::CA qw(subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site);
use GBA::UE;

my $forged  = 'qop=auth-int, rspauth="00000000000000000000000000000000", cnonce="x", nc=00000001';
my @foreign = ("Authentication-Info: $forged", 'AUTHENTICATION-INFO: x', 'WWW-Authenticate: Digest realm="x", nonce="y"',
    'www-authenticate: Basic realm="x"');

sub answer {
    my ($line, $body, @fields) = @_;
    return join "\r\n", "HTTP/1.1 $line", 'Content-Length: ' . length $body, 'Content-Type: text/plain',
        'Connection: close', @fields, '', $body;
}

sub chunked {
    my (@chunks) = @_;
    return join '', (map { sprintf "%x\r\n%s\r\n", length, $_ } @chunks), "0\r\n";
}
my $chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\nConnection: close\r\n";

my %answer = (
    '/ok'        => answer('200 OK', "from behind\n"),
    '/forged'    => answer('200 OK', "forged\n", @foreign),
    '/empty'     => answer('200 OK', ''),
    '/none'      => "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    '/same'      => "HTTP/1.1 304 Not Modified\r\nConnection: close\r\nETag: \"x\"\r\n$foreign[0]\r\n\r\n",
    '/part'      => answer('206 Partial Content', 'el', 'Content-Range: bytes 1-2/6'),
    '/moved'     => answer('302 Found', "moved\n", 'Location: http://pkiportal.home1.net/x'),
    '/chunked'   => "$chunked\r\n" . chunked("a\n", 'b' x 10_000, "\n", 'c' x 100_000) . "\r\n",
    '/trailers'  => "${chunked}Trailer: Authentication-Info, X-Sum\r\n\r\n" . chunked('abc') . "$foreign[0]\r\n$foreign[2]\r\nX-Sum: 1\r\n\r\n",
    '/until-end' => "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nuntil the end",
    '/old'       => "HTTP/1.0 200 OK\r\n$foreign[0]\r\n\r\nof old",
    '/early'     => "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n$foreign[0]\r\n$foreign[2]\r\n\r\n" . answer('200 OK', 'late'),
    '/continue'  => "HTTP/1.1 100 Continue\r\n$foreign[0]\r\n\r\n" . answer('200 OK', 'late'),
    '/switch'    => "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nraw octets",
    '/short'     => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nContent-Type: text/plain\r\n\r\nshort",
    '/cut'       => "$chunked\r\n64\r\ncut",
    '/nonsense'  => "this is not HTTP\r\n\r\n",
    '/silent'    => '',
    (map { ("/$_" => answer("$_ Said So", "said $_\n")) } 201, 203, 400, 403, 404, 405, 410, 413, 416, 429, 500, 502, 503, 504),
    '/401'       => answer('401 Unauthorized', "who are you\n", @foreign),
    '/401-plain' => answer('401 Unauthorized', "who are you\n"),
    '/407'       => answer('407 Proxy Authentication Required', "who are you\n", 'Proxy-Authenticate: Basic realm="x"'),
);
my $backend = GBA::Backend->start(%answer);
my $behind  = 'http://127.0.0.1:' . $backend->port;
my $nobody  = 'http://127.0.0.1:' . GBA::Server::free_port();

my $conf = <<"END";
<Location "/b">
    AuthType GBA
    Require valid-user
    ProxyPass $behind
</Location>
<Location "/down">
    AuthType GBA
    Require valid-user
    ProxyPass $nobody connectiontimeout=1 retry=0
</Location>
<Location "/own-pages">
    AuthType GBA
    Require valid-user
    ProxyPass $behind
    ProxyErrorOverride On
</Location>
<Location "/tunnel">
    AuthType GBA
    Require valid-user
    ProxyPass $behind upgrade=ANY
</Location>
<Location "/gzip">
    AuthType GBA
    Require valid-user
    ProxyPass $behind
    SetOutputFilter DEFLATE
</Location>
<Location "/page">
    AuthType GBA
    Require valid-user
    ErrorDocument 404 /by-proxy/ok
</Location>
ProxyPass "/by-proxy" $behind
# Another virtual host on the same port, that asks nobody who he is, as a back end.
<Location "/vhost">
    AuthType GBA
    Require valid-user
    ProxyPass http://127.0.0.1:\${GBA_TEST_PORT}
</Location>
END

my @info = (log => ['GBA0655']);
# Name, method, target, status; then as in statuses.t.
my @rows = (
    ['200',                        'GET',  '/b/ok',        200, is => "from behind\n"],
    ['200, POST',                  'POST', '/b/ok',        200, is => "from behind\n", body => 'x' x 100_000],
    ['HEAD',                       'HEAD', '/b/ok',        200, is => ''],
    ['an empty body',              'GET',  '/b/empty',     200, is => ''],
    ['204',                        'GET',  '/b/none',      204, is => ''],
    ['304',                        'GET',  '/b/same',      304, is => ''],
    ['its own 206',                'GET',  '/b/part',      206, is => 'el', fields => [['Range', 'bytes=1-2']]],
    ['a range of its 200',         'GET',  '/b/ok',        200, is => "from behind\n", fields => [['Range', 'bytes=1-2']]],
    ['302',                        'GET',  '/b/moved',     302, is => "moved\n"],
    ['chunked',                    'GET',  '/b/chunked',   200, is => "a\n" . 'b' x 10_000 . "\n" . 'c' x 100_000],
    ['chunked, HEAD',              'HEAD', '/b/chunked',   200, is => ''],
    ['trailers',                   'GET',  '/b/trailers',  200, is => 'abc'],
    ['until the end',              'GET',  '/b/until-end', 200, is => 'until the end'],
    ['HTTP/1.0',                   'GET',  '/b/old',       200, is => 'of old'],
    ['forged fields',              'GET',  '/b/forged',    200, is => "forged\n"],
    ['forged fields, HEAD',        'HEAD', '/b/forged',    200, is => ''],
    ['forged fields in a 103',     'GET',  '/b/early',     200, is => 'late'],
    ['forged fields in a 100',     'GET',  '/b/continue',  200, is => 'late'],
    (map { ["$_", 'GET', "/b/$_", $_, is => "said $_\n"] } 201, 203, 400, 403, 404, 405, 410, 413, 416, 429, 500, 502, 503, 504),
    ['404, HEAD',                  'HEAD', '/b/404',       404, is => ''],
    ['401',                        'GET',  '/b/401',       502, @info],
    ['401, HEAD',                  'HEAD', '/b/401',       502, is => '', @info],
    ['401, POST',                  'POST', '/b/401',       502, body => 'y' x 70_000, @info],
    ['401 without a challenge',    'GET',  '/b/401-plain', 502, @info],
    ['401, ProxyErrorOverride',    'GET',  '/own-pages/401', 502, @info],
    ['404, ProxyErrorOverride',    'GET',  '/own-pages/404', 404, like => qr/not found on this server/],
    ['200, ProxyErrorOverride',    'GET',  '/own-pages/forged', 200, is => "forged\n"],
    ['407',                        'GET',  '/b/407',       407],
    ['nobody there',               'GET',  '/down/x',      503, log => ['AH00957', 'AH01114']],
    ['nonsense',                   'GET',  '/b/nonsense',  200, is => "this is not HTTP\r\n"],
    ['nothing said',               'GET',  '/b/silent',    502, fresh => 1, log => [qr/AH/, qr/AH/]],
    ['a body that is cut off',     'GET',  '/b/short',     502, log => [qr/AH/]],
    ['chunks that are cut off',    'GET',  '/b/cut',       502, log => [qr/AH/]],
    ['gzip',                       'GET',  '/gzip/chunked', 200, fields => [['Accept-Encoding', 'gzip']],
        has => ['Content-Encoding', qr/\Agzip\z/]],
    ['a proxied ErrorDocument',    'GET',  '/page/x',      200, is => "from behind\n"],
    ['a change of protocol',       'GET',  '/tunnel/ok',   200, is => "from behind\n",
        fields => [['Connection', 'Upgrade'], ['Upgrade', 'websocket']]],
    ['a virtual host behind',      'GET',  '/vhost/errors/page.html', 200, like => qr/operator/],
    ['a challenge of a virtual host behind', 'GET', '/vhost/docs/hello.txt', 502, log => ['GBA0401', 'GBA0655']],
);

my %value = map { $_ => 1 } map { /: (.*)/ } @foreign;
sub check {
    my ($ue, $log, $row) = @_;
    my ($what, $method, $target, $status, %more) = @$row;
    my $name     = "back end: $what";
    my $response = $ue->request($method, $target, map { ($_ => $more{$_}) } grep { exists $more{$_} } qw(fields body fresh));
    is("$response->{status} $response->{protected}", "$status 1", $name);
    is(join(' ', @{ $response->{interim} }), '', "$name: no interim response");
    is(scalar(grep { lc $_->[0] eq 'www-authenticate' || $value{ $_->[1] } } @{ $response->{fields} }), 0, "$name: nothing foreign");
    is($response->{body}, $more{is}, "$name: the body") if exists $more{is};
    like($response->{body}, $more{like}, "$name: the body") if $more{like};
    like(GBA::HTTP::field($response, $more{has}[0]) // '', $more{has}[1], "$name: $more{has}[0]") if $more{has};
    $log->holds($name, @{ $more{log} || [] });
    return;
}

my $server;
{
    # The port is chosen by start().
    no warnings 'redefine';
    my $port = GBA::Server::free_port();
    local *GBA::Server::free_port = sub { return $port };
    $conf =~ s/\$\{GBA_TEST_PORT\}/$port/;
    $server = GBA::Server->start(children => 1, modules => [qw(proxy proxy_http filter deflate)], conf => $conf);
}
my $ue = GBA::UE->new(subscriber('both'), port => $server->port);
$ue->authenticate('/b/ok');
my $log = GBA::Log->watch($server->error_log);
check($ue, $log, $_) for @rows;

# On a connection that was used before, mod_proxy ends it so that the client tries again: nothing is
# said, so nothing is unprotected.
ok(!eval { $ue->request('GET', '/b/silent'); 1 }, 'nothing said on a used connection: it ends');
like($@, qr/ended inside a line/, 'before any octet');
$log->holds('nothing said on a used connection', 'AH01102');
delete $ue->{http};

# What the application server is told, and is not.
my $response = $ue->request('GET', '/b/request', fields => [['Range', 'bytes=1-2'], ['If-Range', '"x"']]);
unlike($response->{body}, qr/^(?:Authorization|(?:If-)?Range|Upgrade):/mi, 'the application server gets no credentials and no range');
like($response->{body}, qr/^Host: /m, 'but the request');

$server->stop;
$log->finish;
done_testing;
