# SPDX-License-Identifier: Apache-2.0
# Request bodies reach CGI, proxied back ends and handlers octet by octet, without the credentials,
# and the request behind them on the same connection is whole.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Digest::SHA qw(sha256_hex);
use Test::More;
use GBA::Recorder;
use GBA::CA qw(certificate new_key openssl pkcs10 subscriber);
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site);
use GBA::UE;

my $back   = GBA::Recorder->start;
my $mpm    = $ENV{GBA_MPM} || 'event';
my $cgi    = $mpm eq 'prefork' ? 'cgi' : 'cgid';
my $socket = $cgi eq 'cgid' ? "ScriptSock cgisock\n" : '';
my $server = GBA::Server->start(children => 2, modules => [$cgi, qw(proxy proxy_http reflector)], conf => <<"END");
$socket
<IfModule !prefork.c>
    MinSpareThreads 1
</IfModule>
ScriptAlias /cgi "@{[ site()->{top} ]}/t/cgi/echo.pl"
ProxyPass "/proxy" "http://127.0.0.1:@{[ $back->port ]}/proxy"
Alias /folder "@{[ site()->{top} ]}/t/cgi"
<Location "/folder">
    DirectoryIndex /cgi?body
</Location>
<LocationMatch "^/(cgi|proxy|handler|folder)(/|\$)">
    AuthType GBA
    Require valid-user
    GBARequestBody 4M 64K
</LocationMatch>
<Location "/handler">
    SetHandler reflector
</Location>
END
# Once it has answered, it has logged what it says at its start.
GBA::UE->new(subscriber('bodies'), port => $server->port)->exchange('GET', '/index.html', auth => 0);
my $log = GBA::Log->watch($server->error_log);

# Octets of every value that no repetition hides.
sub octets_of {
    my ($length) = @_;
    my ($octets, $i) = ('', 0);
    $octets .= pack 'N2', $i, $i++ * 2654435761 % 2**32 while length $octets < $length;
    return substr $octets, 0, $length;
}

sub pieces {
    my ($body, $size) = @_;
    return [unpack "(a$size)*", $body];
}

# What arrived: of the CGI and the handler by the answer, of the back end by its record.
sub arrived {
    my ($target, $response) = @_;
    return $response->{body} unless $target =~ m{\A/proxy};
    my $seen = $back->last_request;
    unlike($seen->{head}, qr/^(?:Authorization|GBA[-_])/mi, 'the back end sees no credentials');
    like($seen->{head}, qr/^X-3GPP-Asserted-Identity: "/mi, 'but who it is');
    return $seen->{body};
}

my %target = (CGI => '/cgi?body', proxy => '/proxy/x', handler => '/handler');
# Around the read size (8192), the spool size (64 KiB), and what mod_proxy streams.
my @sizes = (0, 1, 10, 8191, 8192, 8193, 65535, 65536, 65537, 70_000, 1_048_576, 3_000_000);

for my $who (sort keys %target) {
    my $target = $target{$who};
    my $ue = GBA::UE->new(subscriber('bodies'), port => $server->port);
    $ue->authenticate($target);
    my $http = $ue->{http};
    for my $size (@sizes) {
        my $body = octets_of($size);
        for my $framing (['Content-Length'], ['chunked', chunks => pieces($body, 5000)], ['Expect', expect => $size > 0]) {
            my ($name, @option) = @$framing;
            my $response = $ue->exchange('POST', $target, auth => {}, body => $body, @option);
            is("$response->{status} $response->{protected}", '200 1', "$who, $size octets, $name: served");
            is(sha256_hex(arrived($target, $response)), sha256_hex($body), "$who, $size octets, $name: the same");
            is($response->{continued}, $size > 0 ? 1 : 0, "$who, $size octets: told to go on") if $name eq 'Expect';
            my $next = $ue->exchange('GET', '/docs/hello.txt', auth => {});
            is("$next->{status} $next->{protected} $next->{body}", "200 1 hello\n", "$who, $size octets, $name: the request behind it");
        }
    }
    ok(defined $ue->{http} && $ue->{http} == $http, "$who: all on one connection");
    $log->holds($who, 'GBA0401');
}

# Sent in one piece, before the first is answered: what is behind a body is not part of it.
for my $who (sort keys %target) {
    my ($target, $body) = ($target{$who}, octets_of(9000));
    my $ue = GBA::UE->new(subscriber('bodies'), port => $server->port);
    $ue->authenticate($target);
    for my $option ([], [chunks => pieces($body, 999)]) {
        my (@contexts, $sent);
        for my $request (['POST', $target, body => $body, @$option], ['GET', '/docs/hello.txt'], ['POST', $target, body => 'last']) {
            my ($method, $uri, %option) = @$request;
            push @contexts, $ue->context($method, $uri, $option{body} // '', {});
            $sent .= join '', $ue->octets($method, $uri, %option, authorization => [GBA::UE::credentials($contexts[-1])]);
        }
        $ue->{http}->send($sent);
        my @got = map { my $r = $ue->{http}->receive($_->{method}); $r->{protected} = GBA::UE::verify($r, $_); $r } @contexts;
        is(join(' ', map { "$_->{status} $_->{protected}" } @got), '200 1 200 1 200 1', "$who: three requests at once");
        is($got[1]{body}, "hello\n", "$who: the one in the middle");
        is(sha256_hex($got[0]{body}), sha256_hex($body), "$who: the first body") if $who ne 'proxy';
        is($who eq 'proxy' ? $back->last_request->{body} : $got[2]{body}, 'last', "$who: the last body");
    }
    $log->holds("$who, pipelined", 'GBA0401');
}

# The portal's own handler: a PKCS#10 is signed, so that a changed octet would be refused.
{
    my $key = new_key('EC', 'P-256');
    my $pem = pkcs10($key);
    my $ue  = GBA::UE->new(subscriber('bodies'), port => $server->port);
    for my $option ([], [chunks => pieces($pem, 7)], [expect => 1]) {
        my $response = $ue->request('POST', '/enrol', type => 'application/x-pkcs10', body => $pem, @$option);
        is("$response->{status} $response->{protected}", '200 1', 'enrolled');
        is(certificate($response->{body})->{public}, openssl('', 'pkey', '-in', "$key", '-pubout'), 'the right key');
    }
    $log->holds('enrolled', 'GBA0401', ('GBA0661') x 3);
}

# An internal redirect drops input filters: the body comes through all the same.
{
    my $ue = GBA::UE->new(subscriber('bodies'), port => $server->port);
    for my $option ([], [chunks => ['to and', ' fro']]) {
        my $response = $ue->request('POST', '/folder/', body => 'to and fro', @$option);
        is("$response->{status} $response->{body}", '200 to and fro', 'through an index');
    }
    $log->holds('through an index', 'GBA0401');
}

is(join(',', glob site()->{tmp} . '/gba-spool.*'), '', 'no temporary file is left');
$server->stop;
$back->stop;
$log->finish;
done_testing;
