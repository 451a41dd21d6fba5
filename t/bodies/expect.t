# SPDX-License-Identifier: Apache-2.0
# Expect: 100-continue (RFC 9110 10.1.1): told to go on only where the body is wanted, which is where
# everything but the hash has already been found right.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use GBA::CA qw(subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Site qw(site);
use GBA::UE;

my $log    = GBA::Log->watch;
my $target = '/echo?body';
my $ue     = GBA::UE->new(subscriber('bodies'));
$ue->authenticate($target);
$log->holds('challenge', 'GBA0401');

sub row {
    my ($name, $status, $continued, $tags, $uri, %option) = @_;
    my $protected = $status == 200 ? 1 : 0;
    my $response  = $ue->exchange('POST', $uri, fresh => 1, expect => 1, body => 'x' x 500, %option);
    is("$response->{status} $response->{protected}", "$status $protected", "$name: status");
    is($response->{continued}, $continued, "$name: " . ($continued ? 'told' : 'not told') . ' to go on');
    is($response->{close} ? 1 : 0, 1, "$name: the connection ends") unless $continued || $status == 417;
    $log->holds($name, @$tags);
    return $response;
}

# ---- not wanted ----
row('no credentials', 401, 0, ['GBA0401'], $target, auth => 0);
row('other credentials', 401, 0, ['GBA0403'], $target, auth => { raw => ['Basic eDp5'] });
row('malformed', 400, 0, ['GBA0113'], $target, auth => { raw => ['Digest'] });
row('another uri', 400, 0, ['GBA0415'], $target, auth => { uri => '/echo' });
row('another realm', 401, 0, ['GBA0404'], $target, auth => { realm => '3GPP-bootstrapping@other.home1.net' });
row('a forged nonce', 401, 0, [qr/\AGBA010[123]\z/], $target, auth => { nonce => 'A' x 60 });
row('an unknown B-TID', 401, 0, ['GBA0590'], $target, auth => { username => 'dW5rbm93biB1bmtub3duIQ==@bsf.home1.net' });
row('a B-TID that is none', 401, 0, ['GBA0416'], $target, auth => { username => 'x' });
row('an expired key', 401, 0, ['GBA0408'], $target, auth => { username => subscriber('expired')->{btId} });
row('announced over GBARequestBody', 413, 0, ['GBA0630'], '/small/echo?body', body => 'x' x 1001, auth => {});
row('announced over LimitRequestBody', 413, 0, ['GBA0632'], '/limited/echo?body', body => 'x' x 1001, auth => {});
row('no credentials, over GBARequestBody', 401, 0, ['GBA0401'], '/small/echo?body', body => 'x' x 1001, auth => 0);
row('Content-Length too', 400, 0, ['GBA0634'], $target, chunks => ['x' x 500], fields => [['Content-Length', 500]], auth => {});
row('expecting something else', 417, 0, [], $target, fields => [['Expect', 'more']], expect => 0, auth => {});

# ---- wanted ----
row('all right', 200, 1, [], $target, auth => {});
row('all right, chunked', 200, 1, [], $target, chunks => [('x' x 50) x 10], auth => {});
row('just under GBARequestBody', 200, 1, [], '/small/echo?body', body => 'x' x 1000, auth => {});
row('a wrong password', 401, 1, ['GBA0419'], $target, auth => { password => 'x' });
row('over GBARequestBody, unannounced', 413, 1, ['GBA0630'], '/small/echo?body', body => 'x' x 1001, chunks => [('x' x 91) x 11], auth => {});

# What it told nobody to send it does not wait for: the next request is the next request.
{
    my $empty = $ue->exchange('POST', $target, fresh => 1, expect => 1, body => '', auth => {});
    is("$empty->{status} $empty->{protected} $empty->{continued}", '200 1 0', 'an empty body: nothing to go on with');
    my $next = $ue->exchange('GET', '/docs/hello.txt', auth => {});
    is("$next->{status} $next->{protected}", '200 1', 'an empty body: the request behind it');
    my $told = $ue->exchange('POST', $target, expect => 1, body => 'abc', auth => { password => 'x' });
    is("$told->{status} $told->{protected}", '401 0', 'told and refused');
    my $after = $ue->exchange('GET', '/docs/hello.txt', auth => {});
    is("$after->{status} $after->{protected}", '200 1', 'told and refused: the request behind it');
    $log->holds('refused', 'GBA0419');
}

# A UE that does not wait to be told (RFC 9110 10.1.1 lets it).
{
    my $context = $ue->context('POST', $target, 'hello', {});
    my ($head, $body) = $ue->octets('POST', $target, body => 'hello', expect => 1, authorization => [GBA::UE::credentials($context)]);
    my $http = GBA::HTTP->connect(site()->{port});
    $http->send($head . $body);
    my $response = $http->receive('POST');
    is("$response->{status} " . GBA::UE::verify($response, $context) . " $response->{body}", '200 1 hello', 'not waiting');
    is(join(',', @{ $response->{interim} }), '100', 'not waiting: told once, too late');
    $log->holds('not waiting');
}

$log->finish;
done_testing;
