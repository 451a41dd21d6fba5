#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Graceful restarts under load: each generation has its own keeper, both write the ledger for a while,
# and no request fails. A request on a fresh connection without a whole, right response counts as
# failed. Environment: GBA_RESTARTS (3; 20 with GBA_TORTURE=1), GBA_RESTART_EVERY (seconds: 2; 10),
# GBA_RESTART_CLIENTS (4).

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use GBA::CA qw(new_key pkcs10 subscriber);
use GBA::Server;
use GBA::Site qw(slurp spew);
use GBA::UE;

my $torture  = $ENV{GBA_TORTURE};
my $restarts = $ENV{GBA_RESTARTS} || ($torture ? 20 : 3);
my $every    = $ENV{GBA_RESTART_EVERY} || ($torture ? 10 : 2);
my $clients  = $ENV{GBA_RESTART_CLIENTS} || 4;
my $conf     = <<'END';
<Location "/enrol">
    AuthType GBA
    Require valid-user
    SetHandler gba-enrol
</Location>
END

my $server = GBA::Server->start(children => 2, conf => $conf, log_level => 'warn gba_pki:notice');
# Made before: making keys would take more time than asking.
my @pkcs10 = map { pkcs10(new_key('EC', 'P-256')) } 1 .. 8 * $clients;

my $stop = $server->dir . '/stop';

# One client: enrols until told to stop, each time on a connection of its own; says how often it went
# right and what went wrong first.
sub client {
    my ($number, $out) = @_;
    my ($good, $bad, $first) = (0, 0, '');
    my $ue = GBA::UE->new(subscriber('both'), port => $server->port);
    # A signal would break off an exchange.
    my $script = getppid;
    until (-e $stop || getppid != $script) {
        my $body = $pkcs10[($number * 8 + $good) % @pkcs10];
        my $response = eval { $ue->request('POST', '/enrol', type => 'application/x-pkcs10', body => $body, fresh => 1) };
        if ($response && $response->{status} == 200 && $response->{protected} == 1) { $good++ }
        else { $bad++; $first ||= $response ? $response->{status} : $@ || 'nothing' }
    }
    print {$out} "$good $bad $first\n";
    close $out;
    return;
}

my @running;
for my $number (0 .. $clients - 1) {
    pipe my $in, my $out or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        close $in;
        open STDOUT, '>', '/dev/null';
        eval { client($number, $out); 1 } or print {$out} "0 1 $@\n";
        POSIX::_exit(0);
    }
    close $out;
    push @running, [$pid, $in];
}
sleep 1;
for my $restart (1 .. $restarts) {
    $server->graceful;
    sleep $every;
}
spew($stop, '');
my ($good, $bad) = (0, 0);
for my $client (@running) {
    my $line = readline $client->[1];
    waitpid $client->[0], 0;
    like($line // '', qr/\A[0-9]+ 0 \n\z/, 'a client: nothing failed') or diag($line);
    my ($right, $wrong) = ($line // '') =~ /\A([0-9]+) ([0-9]+)/;
    ($good, $bad) = ($good + ($right // 0), $bad + ($wrong // 1));
}
note("$good enrolments over $restarts graceful restarts");
cmp_ok($good, '>', $ENV{GBA_HTTPD_WRAPPER} ? 0 : 10 * $restarts, 'there was a load');
is($bad, 0, "$restarts graceful restarts: no request failed");
is(scalar(() = slurp($server->error_log) =~ /GBA07|long lost child|:error\]/g), 0, 'and nothing to complain of');
$server->stop;
done_testing;
