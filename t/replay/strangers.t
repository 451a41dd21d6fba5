# SPDX-License-Identifier: Apache-2.0
# What strangers send changes nothing for anybody: a nonce takes no memory until it was used with a
# right response, so that no number of challenges can push a known UE out of a small table.
#
# GBA_STRANGERS: how many requests (500; with GBA_TORTURE=1 5000).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use GBA::CA qw(subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::UE;

my $requests = $ENV{GBA_STRANGERS} || ($ENV{GBA_TORTURE} ? 5000 : 500);
my $target   = '/docs/hello.txt';

# As many subscribers as one set of the table holds: no more could be in anybody's way.
my @entries = map { GBA::CA::entry("known-$_", [1]) } 1 .. 16;
my $server  = GBA::Server->start(conf => "GBAAssociations 64\n", subscribers => \@entries,
    log_level => 'warn gba_pki:warn');
my $log = GBA::Log->watch($server->error_log);

my @known = map { GBA::UE->new($_, port => $server->port) } @entries;
my @used;
for my $ue (@known) {
    $ue->authenticate($target);
    my $response = $ue->exchange('GET', $target, auth => {});
    is($response->{status}, 200, 'a UE gets known');
    push @used, $response->{context};
}

# ---- the strangers ----

my $stranger = GBA::UE->new(GBA::CA::entry('stranger', [1]), port => $server->port);
$stranger->authenticate($target);
my @kinds = (
    sub { 0 },                                                                    # no credentials
    sub { {} },                                                                   # an unknown B-TID
    sub { { username => $_[0]{username}, nonce => 'A' x 60 } },                   # a forged nonce
    sub { { username => $_[0]{username}, nonce => $_[0]{nonce}, password => 'x', nc => 'ffffffff' } },
    sub { { username => 'x' x 300 } },                                            # no B-TID at all
);
my %status;
for my $n (1 .. $requests) {
    my $auth = $kinds[$n % @kinds]->($known[rand @known]);
    my $response = $stranger->exchange('GET', $target, auth => $auth, fresh => $n % 20 == 0);
    $status{ $response->{status} }++;
    $stranger->take_challenge($response);
}
is_deeply(\%status, { 401 => $requests }, "$requests strangers got a challenge and no more");

# ---- and nobody noticed ----

for my $i (0 .. $#known) {
    my $ue = $known[$i];
    is($ue->exchange('GET', $target, auth => {}, fresh => 1)->{status}, 200, 'the same nonce goes on, never stale');
    is($ue->exchange('GET', $target, auth => { context => $used[$i] })->{status}, 401, 'and what was used is used');
}
$server->stop;
$log->finish(('GBA0420') x @known);
done_testing;
