#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A connection to a BSF that is lost without anybody being told, as by a firewall that forgets it: whoever
# asks over it gets no answer, and the next look-ups go over a new one. HTTP/2 over TLS, where one
# connection is everybody's, and HTTP/1.1.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep time);
use GBA::BSF;
use GBA::BSF::Front;
use GBA::BSF::Relay;
use GBA::BSF::Scene qw(outcome);
use GBA::Crowd;
use GBA::Site qw(site);

my $why = GBA::BSF::Front::missing();
plan skip_all => $why if $why;

my $pki   = GBA::BSF::Front::pki(site()->{top} . '/run/zn-lost-pki');
my $bsf   = GBA::BSF->start;
my $front = GBA::BSF::Front->start($bsf, tls => $pki->{server});
my %relay = (two => GBA::BSF::Relay->start($front->port), one => GBA::BSF::Relay->start($bsf->port));
my $scene = GBA::BSF::Scene->start(bsf => $bsf, threads => 32, source => 'nbsp:two nbsp:one', sections => <<"END");
<GBABsf two>
    GBABsfDomain two.home1.net
    GBABsfAddress https://127.0.0.1:@{[ $relay{two}->port ]}
    GBABsfCA "$pki->{ca}.pem"
    GBABsfTimeout 2s 4s
</GBABsf>
<GBABsf one>
    GBABsfDomain one.home1.net
    GBABsfAddress http://127.0.0.1:@{[ $relay{one}->port ]}
    GBABsfProtocol http/1.1
    GBABsfTimeout 2s 4s
</GBABsf>
END

sub ue { my ($name) = @_; return $scene->ue([1], domain => "$name.home1.net") }

for my $name (qw(two one)) {
    my $relay = $relay{$name};
    is(outcome($scene->ask(ue($name))), '200 protected', "$name: a look-up") for 1 .. 3;
    is($relay->opened, 1, "$name: all over one connection");

    $relay->lose;
    is(outcome($scene->ask(ue($name))), '503 retry 30', "$name: the connection is lost: no answer");
    is(outcome($scene->ask(ue($name))), '200 protected', "$name: the next look-up");
    is($relay->opened, 2, "$name: goes over a new one");
    is(outcome($scene->ask(ue($name))), '200 protected', "$name: which is kept") for 1 .. 3;
    is($relay->opened, 2, "$name: for the others too");
    $scene->log->look;

    # The same with many, who ask until they have their keys.
    my @ues   = $scene->ues(48, domain => "$name.home1.net");
    my $crowd = GBA::Crowd->new(8, sub {
        return sub {
            my ($n)   = @_;
            my $until = time + 50;
            my $status;
            do { sleep 0.05; $status = $scene->ask($ues[$n])->{status} } until $status != 503 || time > $until;
            return $status;
        };
    });
    my $good = sub { return scalar grep { $_->[1] == 200 } $crowd->do(@_) };
    is($good->(0 .. 23), 24, "$name: many look-ups");
    $relay->lose;
    is($good->(24 .. 47), 24, "$name: all have their keys after a while");
    is($crowd->finish, 0, "$name: every answer is whole");
    $scene->log->look;
    $bsf->look;
}
$scene->finish;
done_testing;
