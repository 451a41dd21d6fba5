# SPDX-License-Identifier: Apache-2.0
# The 401 that starts everything: what it looks like, and that it costs the server nothing to keep.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use GBA::CA qw(subscriber);
use GBA::Digest qw(read_challenge);
use GBA::HTTP;
use GBA::Log;
use GBA::Site qw(site);
use GBA::UE;

my $log   = GBA::Log->watch;
my $ue    = GBA::UE->new(subscriber('challenge'));
my $realm = '3GPP-bootstrapping@pkiportal.home1.net';

# Byte for byte (TS 24.109 5.2.4 for the realm; RFC 7616 3.3 for the quoting: qop quoted, algorithm
# and stale not; one field line per algorithm, best first, as RFC 7616 3.7 has it).
my @rows = (
    ['/enrol',       'auth-int',      qw(SHA-256 MD5)],
    ['/md5/',        'auth-int',      qw(MD5)],
    ['/sha/',        'auth-int',      qw(SHA-256)],
    ['/sha512/',     'auth-int',      qw(SHA-512-256 SHA-256 MD5)],
    ['/qopauth/',    'auth,auth-int', qw(SHA-256 MD5)],
    ['/docs/nothing', 'auth-int',     qw(SHA-256 MD5)],    # whether it exists is not told
    ['/inherited/hello.txt', 'auth-int', qw(SHA-256 MD5)],
    ['/page-401/hello.txt',  'auth-int', qw(SHA-256 MD5)],    # with an operator's page, open
    ['/closed-page-401/hello.txt', 'auth-int', qw(SHA-256 MD5)],    # or closed: asked twice, told once
);
for my $row (@rows) {
    my ($target, $qop, @algorithms) = @$row;
    my $response = $ue->exchange('GET', $target, auth => 0);
    is($response->{status}, 401, "$target: status");
    my @lines = GBA::HTTP::field($response, 'WWW-Authenticate');
    is(scalar @lines, scalar @algorithms, "$target: lines");
    my ($nonce)  = ($lines[0] // '') =~ /nonce="([A-Za-z0-9_-]{60})"/;
    my ($opaque) = ($lines[0] // '') =~ /opaque="([0-9a-f]{32})"/;
    $_ //= '?' for $nonce, $opaque;
    is_deeply(\@lines, [map { qq(Digest realm="$realm", nonce="$nonce", algorithm=$_, qop="$qop", opaque="$opaque") } @algorithms],
        "$target: the lines, one nonce for all");
    is($response->{protected}, 0, "$target: not protected");
    ok(!$response->{close}, "$target: the connection stays");
    $log->holds("challenge for $target", 'GBA0401');
}

# The realm's name is the configured one, in lower case, whatever the UE's Host says (fields follow Host).
{
    my $http = GBA::HTTP->connect(site()->{port});
    $http->send("GET /enrol HTTP/1.1\r\nHost: evil.home2.net\r\n\r\n");
    my $response = $http->receive('GET');
    my $read = read_challenge(scalar GBA::HTTP::field($response, 'WWW-Authenticate'));
    is($read->{realm}, $realm, 'the Host field does not choose the realm');
    $log->holds('another Host', 'GBA0401');
}

# Before authentication nothing is answered, so a method gives nothing away either.
for my $method (qw(GET HEAD POST PUT DELETE OPTIONS PATCH)) {
    my $response = $ue->exchange($method, '/enrol', auth => 0);
    is($response->{status}, 401, "$method: 401");
}
$log->holds('every method', ('GBA0401') x 7);

# No state: as many challenges as the table of associations could hold, and more, disturb nobody.
{
    my $first = $ue->request('GET', '/docs/hello.txt');
    is($first->{status}, 200, 'authenticated before the flood');
    $log->holds('authenticated', 'GBA0401');
    my $flood = GBA::HTTP->connect(site()->{port});
    my ($count, %nonce) = (600);
    for my $round (1 .. 6) {
        $flood->send("GET /docs/hello.txt HTTP/1.1\r\nHost: x\r\n\r\n" x ($count / 6));
        for (1 .. $count / 6) {
            my $read = read_challenge(scalar GBA::HTTP::field($flood->receive('GET'), 'WWW-Authenticate'));
            $nonce{ $read->{nonce} }++;
        }
    }
    is(scalar keys %nonce, $count, "$count challenges, each with a nonce of its own");
    $log->holds('the flood', ('GBA0401') x $count);
    my $again = $ue->exchange('GET', '/docs/hello.txt', auth => {});
    is("$again->{status} $again->{protected}", '200 1', 'the same nonce goes on afterwards');
    my ($old) = keys %nonce;
    my $late = $ue->exchange('GET', '/docs/hello.txt', auth => { nonce => $old, nc => '00000001' });
    is("$late->{status} $late->{protected}", '200 1', 'and any of the flood\'s nonces is good');
    $log->holds('after the flood');
}

$log->finish;
done_testing;
