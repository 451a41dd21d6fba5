# SPDX-License-Identifier: Apache-2.0
# Where a body ends. What leaves two readers room for two opinions is refused with 400 before the UE
# is authenticated, nothing of it reaches a back end, and the connection ends (RFC 9112 6.1, 6.3, 11.2).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use GBA::Recorder;
use GBA::CA qw(subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::UE;

my $back   = GBA::Recorder->start;
my $merging = GBA::Server::free_port();
my $server = GBA::Server->start(children => 2, modules => [qw(proxy proxy_http)], conf => <<"END");
<IfModule !prefork.c>
    MinSpareThreads 1
</IfModule>
ProxyPass "/proxy" "http://127.0.0.1:@{[ $back->port ]}/proxy"
ProxyPass "/merged" "http://127.0.0.1:@{[ $back->port ]}/merged"
ProxyPass "/weak" "http://127.0.0.1:@{[ $back->port ]}/weak"
<LocationMatch "^/(proxy|merged|weak)(/|\$)">
    AuthType GBA
    Require valid-user
    GBARequestBody 1M 64K
</LocationMatch>
<Location "/weak">
    GBAQop auth auth-int
</Location>
Listen 127.0.0.1:$merging
<VirtualHost 127.0.0.1:$merging>
    MergeTrailers On
</VirtualHost>
END
my $who = subscriber('bodies');
my %ue  = map { $_ => GBA::UE->new($who, port => $_) } $server->port, $merging;
$ue{$_}->authenticate('/proxy') for sort keys %ue;
my $log = GBA::Log->watch($server->error_log);

# What stands behind the request on the same connection, and must never be answered if that was refused.
my $behind = "GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n";

# Sends a request whose body is framed by hand; $hashed is what the credentials are over.
sub send_framed {
    my ($ue, $target, $hashed, $fields, $octets, %option) = @_;
    my $context = $ue->context('POST', $target, $hashed, $option{auth} || {});
    my ($head)  = $ue->octets('POST', $target, fields => $fields, authorization => [GBA::UE::credentials($context)]);
    $head =~ s{HTTP/1\.1\r}{HTTP/$option{version}\r} if $option{version};
    my $http = GBA::HTTP->connect($ue->{port});
    $http->send($head . $octets . $behind);
    $http->finish_sending if $option{end};
    my $response = $http->receive('POST');
    $response->{protected} = GBA::UE::verify($response, $context);
    my $next = $response->{close} ? undef : $http->receive('GET');
    return ($response, $next, $http);
}

sub refused {
    my ($name, $tags, $target, $fields, $octets, %option) = @_;
    my $before = $back->count;
    my ($response, $next, $http) = send_framed($ue{ $option{port} || $server->port }, $target, 'hello', $fields, $octets, %option);
    is("$response->{status} $response->{protected}", ($option{status} // 400) . ' 0', "$name: refused, unprotected");
    is(scalar(GBA::HTTP::field($response, 'WWW-Authenticate')) // 'none', 'none', "$name: no challenge");
    ok(!$next && $http->is_ended, "$name: the connection ends, what is behind is not answered");
    is($back->count, $before, "$name: nothing reached the back end");
    $log->holds($name, @$tags);
    return;
}

sub taken {
    my ($name, $target, $fields, $octets, %option) = @_;
    my ($response, $next) = send_framed($ue{ $server->port }, $target, 'hello', $fields, $octets, %option);
    is("$response->{status} $response->{protected}", '200 1', "$name: taken");
    is($back->last_request->{body}, 'hello', "$name: the body");
    is($next && $next->{status}, 200, "$name: the request behind it");
    unlike($back->last_request->{head}, qr/^trailer:|X-Late/mi, "$name: no trailers");
    $log->holds($name);
    return;
}

my $chunked = ['Transfer-Encoding', 'chunked'];
my $five    = "5\r\nhello\r\n0\r\n";

# ---- chunked ----
taken('chunked', '/proxy', [$chunked], "$five\r\n");
taken('chunked, in another case', '/proxy', [['Transfer-Encoding', 'Chunked']], "$five\r\n");
taken('with chunk extensions', '/proxy', [$chunked], "5;a=b\r\nhello\r\n0;c\r\n\r\n");
taken('trailers announced and not sent', '/proxy', [$chunked, ['Trailer', 'X-Late']], "$five\r\n");
taken('TE, which is about the answer', '/proxy', [$chunked, ['TE', 'trailers'], ['Connection', 'TE']], "$five\r\n");

# ---- trailers: outside of the hash ----
refused('a trailer', ['GBA0635'], '/proxy', [$chunked], "${five}X-Late: 1\r\n\r\n");
refused('a trailer that was announced', ['GBA0635'], '/proxy', [$chunked, ['Trailer', 'X-Late']], "${five}X-Late: 1\r\n\r\n");
refused('a trailer that would be a credential', ['GBA0635'], '/proxy', [$chunked], "${five}Authorization: Basic eDp5\r\n\r\n");
refused('a trailer, MergeTrailers On', ['GBA0635'], '/proxy', [$chunked], "${five}X-3GPP-Asserted-Identity: x\r\n\r\n", port => $merging);
refused('a broken trailer', [qr/\AGBA063[25]\z/], '/proxy', [$chunked], "${five}no field\r\n\r\n");

# ---- two lengths ----
refused('Content-Length, then Transfer-Encoding', ['GBA0634'], '/proxy', [['Content-Length', 5], $chunked], "$five\r\n");
refused('Transfer-Encoding, then Content-Length', ['GBA0634'], '/proxy', [$chunked, ['Content-Length', 5]], "$five\r\n");
refused('both, on the length of the coding', ['GBA0634'], '/proxy', [$chunked, ['Content-Length', length "$five\r\n"]], "$five\r\n");
refused('both, the length being 0', ['GBA0634'], '/proxy', [$chunked, ['Content-Length', 0]], "$five\r\n");
refused('a coding that is none', [], '/proxy', [['Transfer-Encoding', 'identity']], 'hello');
refused('a coding before chunked', ['GBA0634'], '/proxy', [['Transfer-Encoding', 'gzip, chunked']], "$five\r\n");
refused('a coding behind chunked', [], '/proxy', [['Transfer-Encoding', 'chunked, gzip']], "$five\r\n");
refused('chunked twice', ['GBA0634'], '/proxy', [$chunked, $chunked], "$five\r\n");
refused('two Content-Lengths', [], '/proxy', [['Content-Length', 5], ['Content-Length', 6]], 'hello');
refused('a Content-Length with a sign', [], '/proxy', [['Content-Length', '+5']], 'hello');
refused('a Content-Length that is no number', [], '/proxy', [['Content-Length', '5x']], 'hello');

# Without credentials that are worth a body's reading the answer is the usual one, and the end as well.
{
    my $http = GBA::HTTP->connect($server->port);
    $http->send("POST /proxy HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n$five\r\n$behind");
    my $response = $http->receive('POST');
    like($response->{status}, qr/\A40[01]\z/, 'both, no credentials: refused');
    ok($response->{close} && $http->is_ended, 'both, no credentials: the connection ends');
    $log->holds('both, no credentials', qr/\AGBA0(?:401|634)\z/);
}

# qop=auth covers no body, and nobody reads it for its hash: still nothing hides behind it.
{
    my $ue = GBA::UE->new($who, port => $server->port, qop => 'auth');
    $ue->authenticate('/weak');
    my ($response, $next, $http) = send_framed($ue, '/weak', '', [['Content-Length', 5], $chunked], "$five\r\n");
    ok($response->{close} && $http->is_ended, 'both, qop=auth: the connection ends');
    $log->look;
}

# ---- broken chunks ----
refused("a chunk size '$_->[0]'", ['GBA0632'], '/proxy', [$chunked], "$_->[1]\r\nhello\r\n0\r\n\r\n", status => $_->[2])
    for ['g', 'g', 400], ['-5', '-5', 400], ['of 17 digits', '1' . '0' x 16, 413], ['empty', '', 400];
refused('a chunk longer than it says', ['GBA0632'], '/proxy', [$chunked], "4\r\nhello\r\n0\r\n\r\n");

# ---- short bodies: the end of the connection is no end of a body ----
for my $row (['Content-Length', [['Content-Length', 6]], 'hello'], ['nothing of it', [['Content-Length', 6]], ''],
    ['a chunk', [$chunked], "6\r\nhello"], ['no last chunk', [$chunked], "5\r\nhello\r\n"],
    ['no end of the trailers', [$chunked], $five]) {
    my ($name, $fields, $octets) = @$row;
    my $before = $back->count;
    my $ue = $ue{ $server->port };
    my $context = $ue->context('POST', '/proxy', 'hello', {});
    my ($head) = $ue->octets('POST', '/proxy', fields => $fields, authorization => [GBA::UE::credentials($context)]);
    my $http = GBA::HTTP->connect($server->port);
    $http->send($head . $octets);
    $http->finish_sending;
    my $response = $http->receive('POST');
    is("$response->{status} " . GBA::UE::verify($response, $context), '400 0', "short, $name: 400, unprotected");
    ok($http->is_ended, "short, $name: the end");
    is($back->count, $before, "short, $name: nothing reached the back end");
    $log->holds("short, $name", 'GBA0632');
    # What was not accepted used nothing up: the same nc with a whole body.
    my $whole = $ue->exchange('POST', '/proxy', body => 'hello', fresh => 1, auth => { context => $context });
    is("$whole->{status} $whole->{protected}", '200 1', "short, $name: the same credentials with the whole body");
    $log->holds("short, $name, then whole");
}

# ---- over HTTP/1.0 ----
refused('Transfer-Encoding in HTTP/1.0', [qr/\AGBA0634\z/], '/proxy', [$chunked], "$five\r\n", version => '1.0');

$server->stop;
$back->stop;
$log->finish;
done_testing;
