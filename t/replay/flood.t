# SPDX-License-Identifier: Apache-2.0
# A table that is far too small: many subscribers use many nonces, and whatever was used is refused
# for ever, however often its association was let go. A UE that is known gets at most one stale.
#
# GBA_FLOOD: how many nonces (800; with GBA_TORTURE=1 10000).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use List::Util qw(shuffle);
use Test::More;
use GBA::CA qw(subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::UE;

my $nonces      = $ENV{GBA_FLOOD} || ($ENV{GBA_TORTURE} ? 10_000 : 800);
my $subscribers = int($nonces / 10) + 70;    # more than the table holds
my $target      = '/docs/hello.txt';

my @entries = map { GBA::CA::entry("flood-$_", [1]) } 1 .. $subscribers;
my $server  = GBA::Server->start(conf => "GBAAssociations 64\n", subscribers => \@entries,
    log_level => 'warn gba_pki:warn');
my $log = GBA::Log->watch($server->error_log);
my ($http, $sent, $refused) = (undef, 0, 0);
my @used;    # [UE, credentials] of each request that was served

# One connection for ten requests, so that all children have their share.
sub send_with {
    my ($ue, $auth) = @_;
    $ue->{http} = $sent++ % 10 ? $http : GBA::HTTP->connect($server->port);
    $http = $ue->{http};
    my $response = $ue->exchange('GET', $target, auth => $auth);
    $http = GBA::HTTP->connect($server->port) unless delete $ue->{http};
    $refused++ if $auth && $response->{status} == 401;
    return $response;
}

# How many times it was told stale until it was served; 99 if it never was.
sub go_on {
    my ($ue) = @_;
    for my $stale (0 .. 3) {
        my $response = send_with($ue, {});
        push @used, [$ue, $response->{context}] if $response->{status} == 200;
        return $stale if $response->{status} == 200 && $response->{protected} == 1;
        last unless $response->{status} == 401 && $ue->take_challenge($response) && $ue->{stale};
    }
    return 99;
}

sub new_ue { return GBA::UE->new(shift, port => $server->port) }

# ---- who is known before ----

my $regular = new_ue(subscriber('replay'));
my $absent  = new_ue(subscriber('both'));
for my $ue ($regular, $absent) {
    $ue->take_challenge(send_with($ue, 0));
    is(go_on($ue), 0, 'a UE gets known');
}

# ---- the flood: a nonce each, used once or more ----

my ($served, $accepted, %stale) = (0, 0);
my $replay = sub {
    my ($ue, $context) = @{ $_[0] };
    return send_with($ue, { context => $context })->{status} == 200;
};
for my $n (1 .. $nonces) {
    my $ue = new_ue($entries[$n % 3 ? rand @entries : $n % @entries]);
    $ue->take_challenge(send_with($ue, 0));
    for (0 .. $n % 2) {
        my $stale = go_on($ue);
        $stale{$stale}++;
        $served++ if $stale < 99;
    }
    next if $n % 10;
    $stale{'regular ' . go_on($regular)}++;
    $accepted += $replay->($used[rand @used]);
}
is($served, $nonces + int(($nonces + 1) / 2), 'every new nonce was served, perhaps after one stale');
is_deeply([grep { /\d\z/ && $_ !~ /\b[01]\z/ } keys %stale], [], 'nobody was told stale twice');
cmp_ok($stale{'regular 1'} // 0, '<=', 1, 'a UE that comes regularly is told stale at most once');
is($accepted, 0, 'meanwhile: nothing old was accepted');

# ---- everything once more ----

$accepted = grep { $_ } map { $replay->($_) } shuffle @used;
is($accepted, 0, 'afterwards: none of ' . @used . ' requests was accepted again');
cmp_ok(go_on($absent),  '<=', 1, 'a UE that stayed away is told stale at most once');
cmp_ok(go_on($regular), '<=', 1, 'and so is the other one');
is(go_on($_), 0, 'then it goes on as before') for $absent, $regular;
$server->stop;
# Each refusal was of a right response: nothing else went wrong.
$log->finish((qr/\AGBA042[01]\z/) x $refused);
done_testing;
