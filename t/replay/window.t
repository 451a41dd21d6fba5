# SPDX-License-Identifier: Apache-2.0
# What one association remembers: windows of 128 numbers, for 8 nonces. Order is free inside the
# window, and the first nc need not be 1 (RFC 7616 3.4 wants no more than that none is used twice).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use List::Util qw(shuffle);
use Test::More;
use Time::HiRes qw(sleep);
use GBA::CA qw(subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::UE;

my $log = GBA::Log->watch;
my ($once, $gone, $none) = qw(GBA0420 GBA0421 GBA0401);

# One request with this nonce and nc: 200, or "stale" if it is refused as RFC 7616 3.3 has it.
sub try_nc {
    my ($ue, $nonce, $nc) = @_;
    my $response = $ue->exchange('GET', '/docs/hello.txt', auth => { nonce => $nonce, nc => $nc });
    my ($challenge) = GBA::HTTP::field($response, 'WWW-Authenticate');
    return 'stale' if $response->{status} == 401 && $challenge =~ /, stale=true\z/ && !$response->{protected};
    return $response->{status} == 200 && $response->{protected} == 1 ? 200 : "odd: $response->{status}";
}

sub mint {
    my ($ue) = @_;
    $ue->authenticate('/docs/hello.txt');
    sleep 0.003;    # the next one is minted later by the server's clock, which counts milliseconds
    return $ue->{nonce};
}

# ---- one nonce ----

my @rows = (
    ['000003e8', 200,     'the first nc is 1000'],
    ['000003e8', 'stale', '1000 again'],
    ['00000369', 200,     '873 is the lowest of 128'],
    ['00000368', 'stale', '872 is one too low'],
    ['00000369', 'stale', '873 again'],
    ['00000001', 'stale', '1, never used, far too low'],
    ['000003e7', 200,     '999, out of order'],
    ['000003a9', 200,     '937, where a word of the bitmap ends'],
    ['000003a8', 200,     '936, where the next begins'],
    ['000003ea', 200,     '1002 leaves a gap'],
    ['0000036a', 'stale', '874 has fallen out by that, unused'],
    ['0000036b', 200,     '875 has not'],
    ['000003e9', 200,     '1001 fills the gap'],
    ['000003e9', 'stale', '1001 again'],
    ['000003A7', 200,     '935 in upper case'],
    ['000003a7', 'stale', '935 in lower case is the same number'],
    ['fffffffe', 200,     'a leap up to the last but one'],
    ['000003eb', 'stale', '1003 is behind now'],
    ['ffffffff', 200,     'the last one'],
    ['ffffffff', 'stale', 'the last one again'],
    ['ffffff80', 200,     'the lowest of its window'],
    ['ffffff7f', 'stale', 'one below that'],
);
my $ue    = GBA::UE->new(subscriber('replay'));
my $nonce = mint($ue);
is(try_nc($ue, $nonce, $_->[0]), $_->[1], $_->[2]) for @rows;
$log->holds('each refusal', $none, ($once) x grep { $_->[1] eq 'stale' } @rows);

# ---- another body, method or target is still the same nc ----

is($ue->exchange('POST', '/docs/hello.txt?x', body => 'y', auth => { nc => 'fffffff0' })->{protected}, 1, 'a POST');
is(try_nc($ue, $nonce, 'fffffff0'), 'stale', 'its nc in another request');
$log->holds('that refusal', $once);

# ---- eight nonces ----

my @nonces = map { mint($ue) } 1 .. 8;
is(try_nc($ue, $nonces[$_], '00000001'), 200, "nonce $_ of eight") for shuffle 0 .. 7;
is(try_nc($ue, $nonces[$_], '00000002'), 200, "nonce $_ of eight goes on") for shuffle 0 .. 7;
is(try_nc($ue, $nonces[$_], '00000001'), 'stale', "nonce $_ of eight: used") for shuffle 0 .. 7;
is(try_nc($ue, $nonce, 'fffffff1'), 'stale', 'the nonce before them was let go');
$log->holds('those refusals', ($none) x 8, ($once) x 8, $gone);

my $unused = mint($ue);
my $ninth  = mint($ue);
is(try_nc($ue, $ninth, '00000001'), 200, 'a ninth nonce');
is(try_nc($ue, $nonces[0], $_), 'stale', "the oldest was let go for it: nc $_") for qw(00000001 00000002 00000003);
is(try_nc($ue, $nonces[$_], '00000003'), 200, "nonce $_ goes on") for 1 .. 7;
is(try_nc($ue, $unused, '00000001'), 200, 'a nonce older than the newest, but not than what was let go');
is(try_nc($ue, $nonces[1], '00000004'), 'stale', 'the next oldest went for that');
$log->holds('those refusals', ($none) x 2, ($gone) x 4);

# ---- and a UE does not suffer by it ----

my $other = GBA::UE->new(subscriber('replay'), algorithm => 'MD5');
is($other->request('GET', '/docs/hello.txt')->{status}, 200, "the same subscriber's next nonce, by MD5");
my $stranger = GBA::UE->new(subscriber('signer'));
is($stranger->request('GET', '/docs/hello.txt')->{status}, 200, 'another subscriber');
$log->finish(($none) x 2);
done_testing;
