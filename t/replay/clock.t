# SPDX-License-Identifier: Apache-2.0
# The clock is set back by an hour, and forward again, under a running server: nothing is accepted
# twice, and nobody is locked out. Once as it happens in the field, where the clock since boot goes on;
# once with that one set back too. Skipped where libfaketime is not installed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep);
use GBA::CA;
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site spew);
use GBA::UE;

my ($library) = grep { -f } $ENV{GBA_FAKETIME} // (), glob '/usr/lib/*/faketime/libfaketime.so.1';
plan skip_all => 'libfaketime is not installed (Debian: libfaketime)' unless $library;
plan skip_all => 'sanitizers and valgrind must come first, libfaketime too' if $ENV{GBA_HTTPD_WRAPPER} || $ENV{GBA_HTTPD_PRELOAD};

my $target = '/docs/hello.txt';
my $offset = site()->{tmp} . "/offset.$$";
my ($refused, $asked) = (0, 0);

sub get {
    my ($ue, $auth) = @_;
    my $response = $ue->exchange('GET', $target, auth => $auth, fresh => 1);
    $auth ? $refused++ : $asked++ if $response->{status} == 401;
    return $response;
}

# How often it was told stale before it was served; 99 if it never was.
sub go_on {
    my ($ue) = @_;
    for my $stale (0 .. 3) {
        my $response = get($ue, {});
        push @{ $ue->{used} }, $response->{context} if $response->{status} == 200;
        return $stale if $response->{status} == 200 && $response->{protected} == 1;
        last unless $response->{status} == 401 && $ue->take_challenge($response) && $ue->{stale};
    }
    return 99;
}

sub new_ue {
    my ($entry, $server) = @_;
    my $ue = GBA::UE->new($entry, port => $server->port, used => []);
    $ue->take_challenge(get($ue, 0));
    return $ue;
}

# Sets the server's clock, and waits until it is seen to go by that. httpd takes what is open over a
# leap forward for something that timed out.
sub set_clock {
    my ($server, $to) = @_;
    # At once: a process that finds half a file there ends.
    spew("$offset.new", sprintf "%+d\n", $to);
    rename "$offset.new", $offset or die "$offset: $!\n";
    for (1 .. 100) {
        sleep 0.1;
        my $http = GBA::HTTP->connect($server->port);
        $http->send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        my $response = eval { $http->receive('GET') } or next;
        my $date     = GBA::HTTP::field($response, 'Date');
        my $now      = `LC_ALL=C date -u +%s -d '$date'`;
        return 1 if abs($now - time - $to) < 60;
    }
    return 0;
}

my @rows = (
    ['the clock since boot goes on', { FAKETIME_DONT_FAKE_MONOTONIC => 1 }],
    ['the clock since boot too',     {}],
);
for my $row (@rows) {
    my ($name, $env) = @$row;
    spew($offset, "+0\n");
    my @entries = map { GBA::CA::entry("clock-$_", [1]) } 1 .. 40;
    my $server  = GBA::Server->start(subscribers => \@entries, conf => "GBAAssociations 16\n",
        env => { LD_PRELOAD => $library, FAKETIME_TIMESTAMP_FILE => $offset, FAKETIME_NO_CACHE => 1, %$env });
    my $log = GBA::Log->watch($server->error_log);
    ($refused, $asked) = (0, 0);

    my ($idle, $few, $many) = map { new_ue($_, $server) } splice @entries, 0, 3;
    # The set is full and has let some go, so that it has a horizon, and so has every UE in it.
    for (1 .. 20) { my $ue = new_ue(shift @entries, $server); go_on($ue) }
    is(go_on($_) == 99, '', "$name: a UE gets known") for $few, $many;
    for (1 .. 10) { $many->take_challenge(get($many, 0)); sleep 0.002; go_on($many) }
    my @used = map { my $ue = $_; map { [$ue, $_] } @{ $ue->{used} } } $few, $many;

    for my $to (-3600, 0) {
        my $when = $to ? 'an hour back' : 'and forward again';
        ok(set_clock($server, $to), "$name: $when");
        is(scalar(grep { get($_->[0], { context => $_->[1] })->{status} == 200 } @used), 0,
            "$name, $when: none of " . @used . ' requests is accepted again');
        cmp_ok(go_on($idle), '<=', 1, "$name, $when: a UE that has but a challenge gets in");
        cmp_ok(go_on($few),  '<=', 1, "$name, $when: a UE goes on after one stale at most");
        cmp_ok(go_on($many), '<=', 1, "$name, $when: so does one that has used many nonces");
        is(go_on(new_ue(shift @entries, $server)), 0, "$name, $when: a new UE gets in");
        @used = map { my $ue = $_; map { [$ue, $_] } @{ $ue->{used} } } $idle, $few, $many;
    }
    is(scalar(grep { get($_->[0], { context => $_->[1] })->{status} == 200 } @used), 0,
        "$name: none of " . @used . ' requests is accepted again');
    $server->stop;
    $log->finish(('GBA0401') x $asked, (qr/\AGBA(?:010[67]|042[01])\z/) x $refused);
}
unlink $offset;
done_testing;
