#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A keeper that does not answer: it holds no more of a child's threads than GBAKeeperThreads says, and
# each no longer than GBAKeeperTimeout. Requests beyond get 503 soon; who needs no keeper is served.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use GBA::CA qw(new_key pkcs10);
use GBA::HTTP;
use GBA::Keeper;
use GBA::Log;
use GBA::Server;
use GBA::UE;

my ($threads, $share, $timeout) = (8, 3, 8);
my $patience = $timeout / 2;    # what is "at once" on a machine that does other things too

my @entries = map { GBA::CA::entry("slow-$_", [1]) } 0 .. $threads + 1;
my @pkcs10  = map { pkcs10(new_key('EC', 'P-256')) } @entries;

# One child, so that its threads can be counted.
sub start {
    my (@conf) = @_;
    return GBA::Server->start(children => 1, threads => $threads, subscribers => \@entries,
        conf => join '', map { "$_\n" } 'ServerLimit 1', "MaxRequestWorkers $threads", 'MinSpareThreads 1', @conf);
}

# Connections are closed with the UE: event takes no new ones where too many are kept alive.
sub get {
    my ($server, $i) = @_;
    my $ue = GBA::UE->new($entries[$i], port => $server->port);
    return $ue->request('GET', '/docs/hello.txt', fresh => 1, unprotected => 1);
}

sub enrol {
    my ($server, $i) = @_;
    my $ue = GBA::UE->new($entries[$i], port => $server->port);
    return $ue->request('POST', '/enrol', type => 'application/x-pkcs10', body => $pkcs10[$i], fresh => 1);
}

# A word on an answer: its status, whether it is protected and says when to come again.
sub word {
    my ($response) = @_;
    my $again = GBA::HTTP::field($response, 'Retry-After') ? ' again' : '';
    return "$response->{status} $response->{protected}$again";
}

sub timed {
    my ($what) = @_;
    my $begin = time;
    my $word  = word($what->());
    return ($word, time - $begin);
}

# All but the last two enrol at once, in processes of their own. Comes back with what their answers
# were and how long they took, when told to.
sub enrol_all {
    my ($server, $number) = @_;
    my @running;
    for my $i (0 .. $number - 1) {
        pipe my $in, my $out or die "pipe: $!\n";
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            my ($word, $took) = eval { timed(sub { enrol($server, $i) }) };
            syswrite $out, defined $word ? "$took $word" : "0 $@";
            POSIX::_exit(0);
        }
        close $out;
        push @running, [$pid, $in];
    }
    return sub {
        my @answers;
        for my $client (@running) {
            my $line = readline($client->[1]) // '0 nothing';
            waitpid $client->[0], 0;
            push @answers, [$line =~ /\A([0-9.e-]+) (.*)/s];
        }
        return @answers;
    };
}

sub rounds {
    my ($name, $server, $held) = @_;
    my $keeper = GBA::Keeper->of($server);
    my $log    = GBA::Log->watch($server->error_log);
    is(word(get($server, $_)), '200 1', "$name: known") for 0 .. $threads;
    $log->look;
    my $pid = $keeper->pid or BAIL_OUT('no keeper');

    GBA::Keeper::stand_still($pid) or BAIL_OUT('the keeper does not stop');
    my $answers = enrol_all($server, $threads);
    my $until = time + $patience;
    my @lines;
    until ($threads - $held == grep({ /GBA0526/ } @lines) || time > $until) {    # all are there: some found no place
        sleep 0.05;
        push @lines, $log->look;
    }
    my ($word, $took) = timed(sub { get($server, $threads) });
    is($word, '200 1', "$name: the keeper stands still: a UE that is known is served");
    cmp_ok($took, '<', $patience, "$name: at once");
    ($word, $took) = timed(sub { my $http = GBA::HTTP->connect($server->port);
        $http->send("GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n"); return { %{ $http->receive('GET') }, protected => 0 } });
    like($word, qr/\A(?:200|404) 0\z/, "$name: and a location without authentication");
    cmp_ok($took, '<', $patience, "$name: at once too");
    ($word, $took) = timed(sub { get($server, -1) });
    is($word, '503 0 again', "$name: a UE that is not known is told to come again");
    cmp_ok($took, '<', $patience, "$name: at once, since the places are taken");

    my @answers = $answers->();
    is(scalar(grep { $_->[1] eq '503 1 again' } @answers), $threads, "$name: all that enrolled got a protected 503 with Retry-After")
        or diag(map { "@$_\n" } @answers);
    my @late = grep { $_->[0] > $patience } @answers;
    is(scalar(@late), $held, "$name: $held of them waited for the keeper");
    is(scalar(grep { $_->[0] > $timeout + $patience } @answers), 0, "$name: but not longer than they may");
    push @lines, $log->look;
    is(scalar(grep { /GBA0523/ } @lines), $held, "$name: the log says that it was slow");
    is(scalar(grep { /GBA0526/ } @lines), $threads - $held + 1, "$name: and who did not get a place");

    kill 'CONT', $pid;
    is($keeper->pid, $pid, "$name: the keeper goes on");
    $until = time + 15;
    my $last;
    do { $last = word(enrol($server, 0)) } until $last eq '200 1' || time > $until;
    is($last, '200 1', "$name: and enrols");
    is(word(get($server, -1)), '200 1', "$name: and finds who was not known");
    $log->look;
    $log->finish;
    $server->stop;
    return;
}

rounds('a share that is set', start("GBAKeeperThreads $share", "GBAKeeperTimeout ${timeout}s"), $share);
rounds('the usual share', start("GBAKeeperTimeout ${timeout}s"), $threads / 2);
done_testing;
