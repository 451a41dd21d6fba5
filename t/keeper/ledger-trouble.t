#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What may befall a ledger while the portal runs: the disk is full, file or folder cannot be written,
# another program has locked it, it is gone. Enrolments get a protected 503 that says nothing of it,
# the log has one line with the cause for each, and all is well again without a restart.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep time);
use GBA::CA qw(der_of new_key pkcs10 subscriber);
use GBA::Enrolling;
use GBA::HTTP;
use GBA::Keeper;
use GBA::Ledger;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site slurp);
use GBA::UE;

plan skip_all => 'no sqlite3 program (Debian: sqlite3)' unless GBA::Ledger->is_possible;

# A small disk, for who may make one.
my $disk = site()->{tmp} . "/disk.$$";
mkdir $disk, 0700 or die "$disk: $!\n";
my ($uid, $gid) = map { $_ // 0 } scalar getpwnam(site()->{user} // ''), scalar getgrnam(site()->{group} // '');
my $mounted = $> == 0 && system("mount -t tmpfs -o size=1m,mode=0700,uid=$uid,gid=$gid tmpfs '$disk' 2>/dev/null") == 0;

END {
    my $status = $?;
    system 'umount', '-l', $disk if $mounted;
    rmdir $disk if $disk;
    $? = $status;
}

my ($server, $folder, $keeper, $ledger, $log, $ue, @received);

sub enrol {
    my ($pem) = @_;
    my $response = $ue->request('POST', '/enrol', type => 'application/x-pkcs10', body => $pem // pkcs10(new_key('EC', 'P-256')), fresh => 1);
    if ($response->{status} == 200) {
        my $der = der_of($response->{body});
        push @received, [GBA::Enrolling::serial_of($der), $der];
    }
    return $response;
}

sub word {
    my ($response) = @_;
    my $again = GBA::HTTP::field($response, 'Retry-After') ? ' again' : '';
    return "$response->{status} $response->{protected}$again";
}

sub begin {
    my (%option) = @_;
    # SQLite waits 5 s for who has locked it; on a busy machine what is around that takes long too.
    my $conf = "GBAKeeperTimeout 25s\n" . ($option{conf} // '');
    $server = GBA::Server->start(children => 1, log_level => 'warn gba_pki:notice', conf => $conf);
    $folder ||= $server->dir . '/ledger';
    $keeper = GBA::Keeper->of($server);
    $ledger = GBA::Ledger->new("$folder/ledger.db");
    $log    = GBA::Log->watch($server->error_log);
    $ue     = GBA::UE->new(subscriber('both'), port => $server->port);
    @received = ();
    return is(word(enrol()), '200 1', 'a ledger that is well');
}

sub finish {
    $log->finish;
    $server->stop;
    my @problems = $ledger->problems(@received);
    ok(!@problems, scalar(@received) . ' certificates were received; the ledger is whole') or diag(map { "$_\n" } @problems);
    $folder = undef;
    return;
}

# While it lasts: two enrolments, and one that only asks for what is there.
sub refused {
    my ($name, $cause) = @_;
    my $pem = pkcs10(new_key('EC', 'P-256'));
    for my $which ('first', 'second') {
        my $begin    = time;
        my $response = enrol($pem);
        is(word($response), '503 1 again', "$name, $which: a protected 503 with Retry-After");
        cmp_ok(time - $begin, '<', 25, "$name, $which: in time");
        unlike($response->{body}, qr/ledger|sqlite|disk|lock|\Q$folder\E|GBA[0-9]{4}/i, "$name, $which: that says nothing of the cause");
        my @loud = grep { GBA::Log::is_loud($_) } $log->look;
        ok(@loud == 1 && $loud[0] =~ $cause, "$name, $which: one line with the cause in the log") or diag(@loud);
    }
    is($ue->request('GET', '/docs/hello.txt')->{status}, 200, "$name: who does not enrol is served");
    return;
}

# As soon as it is over, with the same keeper.
sub well_again {
    my ($name) = @_;
    my $pid = $keeper->pid;
    my $pem = pkcs10(new_key('EC', 'P-256'));
    is(word(enrol($pem)), '200 1', "$name: and all is well again");
    is(word(enrol($pem)), '200 1', "$name: the same key once more");
    is(unpack('H*', $received[-1][1]), unpack('H*', $received[-2][1]), "$name: is answered by the same certificate");
    is($keeper->pid, $pid, "$name: by the same keeper");
    my @loud = grep { GBA::Log::is_loud($_) } $log->look;
    ok(!@loud, "$name: nothing more in the log") or diag(@loud);
    return;
}

# The files as nobody has them open, with all that was written in the one.
sub while_no_keeper {
    my ($what, $cause) = @_;
    my $former = $keeper->pid;
    $keeper->hold;
    kill 'KILL', $former;
    $keeper->wait_gone;
    system('sqlite3', "$folder/ledger.db", 'SELECT id FROM meta WHERE id = 0') == 0 or die "sqlite3 failed\n";
    $what->();
    $keeper->go_on;
    ok($keeper->wait_back($former), 'another keeper came');
    my @loud;
    for (1 .. 200) {    # it opens its ledgers once it can be reached
        push @loud, grep { GBA::Log::is_loud($_) && !/GBA0720/ } $log->look;
        last if @loud;
        sleep 0.05;
    }
    ok(@loud == 1 && $loud[0] =~ $cause, 'and said what it lacks') or diag(@loud);
    return;
}

# A ledger that cannot be opened is tried with each request; what a try takes is given back.
sub resident {
    my ($n) = map { /^VmRSS:\s+([0-9]+) kB/ ? $1 : () } split /^/, slurp('/proc/' . $keeper->pid . '/status');
    return $n;
}
sub keeps_small {
    my ($cause) = @_;
    my $pem = pkcs10(new_key('EC', 'P-256'));
    my $before;
    for my $n (-20 .. 100) {
        $before = resident() if $n == 0;
        my $status = enrol($pem)->{status};
        is($status, 503, 'refused') if $status != 503;
    }
    my $grown = resident() - $before;
    note("the keeper grew by $grown KiB");
    cmp_ok($grown, '<', 1024, 'a hundred tries leave less than 1 MiB in the keeper (KiB)');
    my @other = grep { $_ !~ $cause } $log->look;
    ok(!@other, 'one cause for all of them') or diag(@other);
    return;
}

# ---- locked ----
begin();
$ledger->hold;
refused('locked by another program', qr/GBA0565: .*locked/);
$ledger->release;
well_again('locked by another program');

# ---- gone ----
my @files = map { "$folder/ledger.db$_" } '', '-wal', '-shm';
rename $_, "$_.away" or die "$_: $!\n" for @files;
refused('gone', qr/GBA056[34]: .*(?:no such file|removed or replaced)/);
rename "$_.away", $_ or die "$_: $!\n" for @files;
well_again('gone');
rename $folder, "$folder.away" or die "$folder: $!\n";
refused('its folder is gone', qr/GBA056[34]: .*(?:no such file|removed or replaced)/);
rename "$folder.away", $folder or die "$folder: $!\n";
well_again('its folder is gone');

# ---- read-only, for a keeper that starts then ----
my $cause = qr/GBA0557: .*it may not be written by the user that this runs as/;
while_no_keeper(sub { chmod 0444, "$folder/ledger.db" or die "chmod: $!\n" }, $cause);
refused('a file that is read-only', $cause);
keeps_small($cause);
chmod 0600, "$folder/ledger.db";
well_again('a file that is read-only');
$cause = qr/GBA0547: .*readonly.*file, folder and file system must be writable/;
while_no_keeper(sub { chmod 0500, $folder or die "chmod: $!\n" }, $cause);
refused('a folder that is read-only', $cause);
chmod 0700, $folder;
well_again('a folder that is read-only');
finish();

# ---- full ----
SKIP: {
    skip 'no small disk: mount needs root', 1 unless $mounted;
    $folder = $disk;
    begin(conf => qq(GBALedger "sqlite:$disk/ledger.db"\n));
    open my $filler, '>', "$disk/filler" or die "$disk/filler: $!\n";
    1 while syswrite $filler, "\0" x 4096;
    close $filler;
    my $response;
    for (1 .. 20) {    # what the write-ahead log has is used up first
        $response = enrol();
        last if $response->{status} != 200;
    }
    is(word($response), '503 1 again', 'the disk is full, sooner or later');
    like(join('', $log->look), qr/\A[^\n]*GBA05\d\d: [^\n]*full[^\n]*\n\z/, 'which one line in the log says');
    refused('full', qr/GBA05\d\d: .*full/);
    unlink "$disk/filler";
    well_again('full');
    finish();
}
done_testing;
