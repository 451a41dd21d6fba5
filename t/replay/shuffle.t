# SPDX-License-Identifier: Apache-2.0
# Eight connections share a nonce and shuffle nc, against several children under each MPM: every
# number is sent twice, by whichever connection is free, and exactly one of the two is served.
#
# GBA_SHUFFLE: how many numbers (1024; with GBA_TORTURE=1 51200). GBA_MPM: this MPM only.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use List::Util qw(shuffle);
use Test::More;
use GBA::CA qw(subscriber);
use GBA::Crowd;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(slurp);
use GBA::UE;

my $numbers = $ENV{GBA_SHUFFLE} || ($ENV{GBA_TORTURE} ? 51_200 : 1024);
my $window  = 128;

# A server may end an idle connection at any time: then the request was not read, and goes out again.
sub served {
    my ($ue, $nc) = @_;
    my @request = ('GET', '/docs/hello.txt', auth => { nc => sprintf '%08x', $nc }, fields => [['X-Test', 'shuffle']]);
    my $response = eval { $ue->exchange(@request) };
    return $response if $response;
    die $@ unless $@ =~ /\Athe connection ended inside a line/;
    return $ue->exchange(@request, fresh => 1);
}

# Factory of a client that knows the nonce from another's challenge.
sub client {
    my ($first, $port) = @_;
    return sub {
        my $ue = GBA::UE->new(subscriber('replay'), port => $port, map { $_ => $first->{$_} } qw(realm nonce opaque));
        return sub {
            my ($nc) = @_;
            my $response = served($ue, $nc);
            # A 200 that is not protected is worth nothing.
            return $response->{status} == 200 && $response->{protected} != 1 ? 299 : $response->{status};
        };
    };
}

# One window after the other: inside it any order at all is allowed.
sub shuffled {
    my ($crowd) = @_;
    my %seen;
    for (my $at = 1; $at <= $numbers; $at += $window) {
        my @block = ($at .. $at + $window - 1);
        $seen{ $_->[0] }{ $_->[1] }++ for $crowd->do(shuffle @block, @block);
    }
    return \%seen;
}

# Children that served a number, by the access log; it is written after the response.
sub serving {
    my ($server) = @_;
    my %pid;
    $pid{$_}++ for slurp($server->access_log) =~ /^([0-9]+) 200 shuffle$/mg;
    return \%pid;
}

for my $mpm ($ENV{GBA_MPM} || qw(event worker prefork)) {
    # Few threads, so that no child can serve all connections.
    my $server = GBA::Server->start(mpm => $mpm, children => 4, threads => 4, log_level => 'warn gba_pki:notice');
    my $log   = GBA::Log->watch($server->error_log);
    my $first = GBA::UE->new(subscriber('replay'), port => $server->port);
    cmp_ok(scalar(my @c = $server->children), '>=', 4, "$mpm: at least four children");
    $first->authenticate('/docs/hello.txt');
    my $crowd = GBA::Crowd->new(8, client($first, $server->port));
    my $seen  = shuffled($crowd);

    my $served  = grep { $_->{200} } values %$seen;
    my @twice   = grep { ($seen->{$_}{200} // 0) > 1 } keys %$seen;
    my @refused = grep { !$seen->{$_}{200} } keys %$seen;
    my @odd     = grep { my $n = $seen->{$_}; ($n->{200} // 0) + ($n->{401} // 0) != 2 } keys %$seen;
    is($served,  $numbers, "$mpm: every number was served");
    is(@refused, 0,        "$mpm: none was refused");
    is(@twice,   0,        "$mpm: none was accepted twice");
    is(@odd,     0,        "$mpm: the second of each was a 401");
    is($crowd->finish, 0,  "$mpm: every response was protected, and no 401 was");
    my $pids = serving($server);
    cmp_ok(scalar(keys %$pids), '>=', 2, "$mpm: by at least two children");
    diag("$mpm: served by " . join ', ', map { "$_: $pids->{$_}" } sort keys %$pids) if $ENV{GBA_TORTURE};
    $server->stop;
    $log->finish(('GBA0420') x $numbers);
}
done_testing;
