#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Keepers and children are killed as by kill -9 while clients enrol, at every step of an enrolment and
# at random: what a client received is in the ledger, nothing is there twice, and the others are
# served or told to come again. Environment: GBA_CRASHES (deaths at each point: 2; 20 with
# GBA_TORTURE=1). The module of this test has fault points (src/base/base_fault.h).

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use GBA::Enrolling;
use GBA::Keeper;
use GBA::Ledger;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site slurp spew);

my $module = ($ENV{GBA_BUILDDIR} // '') . '/.libs/mod_gba_pki_fault.so';
plan skip_all => "no module with fault points at $module: make check builds it" unless -f $module;
plan skip_all => 'no sqlite3 program (Debian: sqlite3)' unless GBA::Ledger->is_possible;

my $deaths  = $ENV{GBA_CRASHES} || ($ENV{GBA_TORTURE} ? 20 : 2);
my $clients = 6;
my ($quota, $window) = (8, 2);    # GBAQuota: low enough that it is reached all the time

# Who dies removes the file, so the folder is theirs.
my $folder = site()->{tmp} . "/fault.$$";
my $file   = "$folder/point";
mkdir $folder, 0755 or die "$folder: $!\n";
chown scalar getpwnam site()->{user}, scalar getgrnam site()->{group}, $folder if $> == 0;

my @entries = GBA::Enrolling::entries($clients);
my $server  = GBA::Server->start(module => $module, children => 3, subscribers => \@entries,
    env => { GBA_FAULT_FILE => $file }, log_level => 'warn gba_pki:notice',
    conf => "GBAQuota $quota per ${window}s\n");
my $keeper    = GBA::Keeper->of($server);
my $ledger    = GBA::Ledger->new($server->dir . '/ledger/ledger.db');
my $enrolling = GBA::Enrolling->new($server, @entries);
my ($keepers_killed, $full) = (0, 0);

sub first_of { my (@lines) = @_; return map { s/\n?\z/\n/r } grep { defined } @lines[0 .. 9] }

# Until every client gets its certificate, or is told that it has had enough for now.
sub is_settled {
    my $until = time + 60;
    while (time < $until) {
        my %outcome = $enrolling->run(2 * $clients);
        return 0 if $outcome{wrong};
        return 1 if $outcome{certificate} && $outcome{certificate} + $outcome{full} == 2 * $clients;
        sleep 0.2;
    }
    return 0;
}

# Kills one of them in the midst of what goes on.
sub kill_soon {
    my (@pids) = @_;
    my $victim = $pids[rand @pids];
    my $pause  = 0.02 + rand 0.3;
    my $pid    = fork // die "fork: $!\n";
    return ($victim, $pid) if $pid;
    sleep $pause;
    kill 'KILL', $victim;
    POSIX::_exit(0);
}

# Who died at the point, after a load that came by there.
sub die_at {
    my ($point, $outcomes) = @_;
    spew($file, sprintf "%s %d\n", $point, 1 + rand 6);
    for (1 .. 20) {
        my %outcome = $enrolling->run(4 * $clients);
        $outcomes->{$_} += $outcome{$_} for keys %outcome;
        return 1 unless -e $file;
    }
    return 0;
}

sub die_at_random {
    my ($outcomes, @pids) = @_;
    my ($victim, $killer) = kill_soon(@pids);
    my %outcome = $enrolling->run(6 * $clients);
    waitpid $killer, 0;
    $outcomes->{$_} += $outcome{$_} for keys %outcome;
    return 1;
}

# A warden waits longer from death to death; that of a new generation begins anew.
sub next_keeper {
    my ($former) = @_;
    my $back = $keeper->wait_back($former);
    if (++$keepers_killed % 2 == 0) {
        $server->graceful;
        $back &&= $keeper->wait_back($back);
    }
    return $back;
}

sub next_children {
    my $until  = time + 30;
    my $enough = 0;
    # Looked at once each time: one of a former generation may still be on its way out.
    until ($enough || time > $until) {
        $enough = $server->children >= 3;
        sleep 0.05;
    }
    return $enough;
}

# ---- the rounds ----

sub rounds {
    my ($name, $who, $die) = @_;
    my %outcome = map { $_ => 0 } qw(certificate again broken full wrong);
    my ($died, $back, $settled) = (0, 0, 0);
    for (1 .. $deaths) {
        my $former = $keeper->wait_back;
        $died += $die->(\%outcome, $former);
        my $whole = $who eq 'child' || next_keeper($former);
        $whole &&= next_children() if $who ne 'keeper';
        $back++    if $whole;
        $settled++ if is_settled();
    }
    note(join ', ', map { "$_ $outcome{$_}" } sort keys %outcome);
    is($died, $deaths, "$name: $deaths deaths under load");
    is($back, $deaths, "$name: another one came each time");
    is($settled, $deaths, "$name: and all was well again");
    is($outcome{wrong}, 0, "$name: nobody got a wrong answer");
    is($outcome{broken}, 0, "$name: no connection broke") if $who eq 'keeper';
    cmp_ok($outcome{broken}, '<=', $clients * $deaths, "$name: no more connections broke than there were") if $who ne 'keeper';
    is($outcome{again}, 0, "$name: nobody was told to come again") if $who eq 'child';
    cmp_ok($outcome{again}, '>=', $deaths, "$name: whoever was asking then was told to come again")
        if $name =~ /\Akeeper, (?:decide|sign|commit|reply-before)/;
    my @problems = $ledger->problems($enrolling->received);
    ok(!@problems, "$name: the ledger holds what was received, and nothing twice") or diag(first_of(@problems));
    my @over = $ledger->over_quota($quota, $window);
    ok(!@over, "$name: and never more than the quota") or diag(first_of(@over));
    $full += $outcome{full};
    return;
}

ok(is_settled(), 'all is well before') or BAIL_OUT(slurp($server->error_log));
for my $step (qw(decide sign commit reply)) {
    rounds("keeper, $_", 'keeper', do { my $point = $_; sub { die_at($point, $_[0]) } }) for "$step-before", "$step-after";
}
rounds('keeper, at random', 'keeper', sub { my ($outcomes, $pid) = @_; die_at_random($outcomes, $pid) });
rounds("child, $_", 'child', do { my $point = $_; sub { die_at($point, $_[0]) } }) for qw(ask-before ask-sent ask-answered);
rounds('child, at random', 'child', sub { my ($outcomes) = @_; die_at_random($outcomes, $server->children) });
rounds('both, at random', 'both', sub {
    my ($outcomes, $pid) = @_;
    my ($victim, $killer) = kill_soon($pid);
    die_at_random($outcomes, $server->children);
    waitpid $killer, 0;
    return 1;
});

# ---- what is left of it ----

is($enrolling->finish, 0, 'no client saw a wrong answer');
my @received = $enrolling->received;
note(scalar(@received) . ' certificates were received');
ok($full || $ENV{GBA_HTTPD_WRAPPER}, 'and the quota was reached');
my @loud = grep { GBA::Log::is_loud($_) } split /^/, slurp($server->error_log);
is(scalar(grep { /GBA0720/ } @loud), $keepers_killed, 'each death of a keeper is in the log');
my @strange = grep { !/GBA(?:0616|0720|052[02346]):/ } @loud;
ok(!@strange, 'and what it meant for requests, nothing else') or diag(first_of(@strange));
$server->stop;
my @problems = $ledger->problems(@received);
ok(!@problems, 'stopped: the ledger is whole') or diag(first_of(@problems));
rmdir $folder;
done_testing;
