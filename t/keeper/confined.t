#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What the keeper is allowed, and how it comes back: a user of its own, no capability, limits, nothing of
# httpd's open; ends of the audit's chains signed every hour; a keeper that cannot start is tried again, ever
# later.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use File::Temp ();
use Test::More;
use GBA::CA qw(make_ca new_key pkcs10 subscriber);
use GBA::HTTP;
use GBA::Keeper;
use GBA::Ledger;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site slurp spew);
use GBA::UE;

# A ledger's folder is the keeper's.
{
    package GBA::Server::Apart;
    our @ISA = qw(GBA::Server);

    sub make_folder {
        my ($self) = @_;
        $self->SUPER::make_folder;
        chown @{ $self->{keeper} }, "$self->{dir}/ledger" or die "chown: $!\n" if $self->{keeper};
        return;
    }
}

# valgrind keeps the limit of open files to itself.
my $unlimited = $ENV{GBA_HTTPD_WRAPPER};

my ($server, $log, $ue);
my $own = File::Temp::tempdir('confined.XXXXXX', DIR => site()->{tmp}, CLEANUP => 1);
chmod 0755, $own;

sub start {
    my (%option) = @_;
    $server = GBA::Server::Apart->start(children => 1, %option);
    $log    = GBA::Log->watch($server->error_log);
    $ue     = GBA::UE->new(subscriber('both'), port => $server->port);
    return GBA::Keeper->of($server);
}

sub enrol {
    return $ue->request('POST', '/enrol', type => 'application/x-pkcs10', fresh => 1, body => pkcs10(new_key('EC', 'P-256')))->{status};
}

# What a process has open, by name. Sockets that listen for the world are "tcp".
sub opened {
    my ($pid) = @_;
    my @known = map { [split] } map { split /^/, slurp($_) } grep { -e } qw(/proc/net/tcp /proc/net/tcp6);
    my %tcp = map { $_->[9] => 1 } grep { $_->[3] eq '0A' } @known;
    return map { /\Asocket:\[(\d+)\]\z/ && $tcp{$1} ? 'tcp' : $_ } map { readlink // () } glob "/proc/$pid/fd/*";
}

# ---- what it may ----
SKIP: {
    my ($user) = grep { defined getpwnam $_ && $_ ne site()->{user} } qw(daemon nobody);
    skip 'only who is root can give the keeper a user', 1 if $> != 0 || !$user;
    my ($uid, $gid) = (getpwnam $user)[2, 3];
    # One that another user id would leave with him.
    my $with = system('setpriv --inh-caps=+net_bind_service true 2>/dev/null') == 0 ? 'setpriv --inh-caps=+net_bind_service ' : '';
    local $ENV{GBA_HTTPD_WRAPPER} = $with . ($ENV{GBA_HTTPD_WRAPPER} // '');
    my $keeper = start(keeper => [$uid, $gid], conf => "GBAKeeperUser $user\n");
    my $pid    = $keeper->pid or BAIL_OUT('no keeper');
    my %status = slurp("/proc/$pid/status") =~ /^(\w+):\s*(.*)$/mg;
    is($status{Uid}, join("\t", ($uid) x 4), 'the keeper is who GBAKeeperUser says');
    is($status{Gid}, join("\t", ($gid) x 4), 'and of his group');
    unlike(" $status{Groups} ", qr/ 0 /, 'but not of root\'s');
    is($status{$_}, '0' x 16, "$_: none") for qw(CapInh CapPrm CapEff CapAmb);
    my ($inherited) = slurp('/proc/' . $server->pid . '/status') =~ /^CapInh:\s*(\S+)/m;
    isnt($inherited, '0' x 16, 'though httpd had one') if $with;
    is((stat "/proc/$pid/environ")[4], 0, 'it is not dumpable: what it holds is root\'s to read');
    my %limit = slurp("/proc/$pid/limits") =~ /^Max (\S+ \S+(?: \S+)?) {2,}(\S+)/mg;
    is($limit{'core file size'}, 0, 'it dumps no core');
    cmp_ok($limit{'open files'}, '<=', 1024 + 512, 'it opens no more than it needs') unless $unlimited;
    unlike($limit{'cpu time'}, qr/unlimited/, 'its CPU time has an end');
    ok(scalar(grep { $_ eq 'tcp' } opened($server->pid)), 'httpd listens');
    my ($warden) = $keeper->processes('gba-warden');
    for (['the keeper', $pid], ['its warden', $warden]) {
        my @open = opened($_->[1]);
        ok(scalar(grep { $_ eq $server->error_log } @open), "$_->[0] has the error log");
        is(scalar(grep { $_ eq 'tcp' || $_ eq $server->access_log } @open), 0, "$_->[0] has no port of httpd's, nor its other logs");
    }
    is(enrol(), 200, 'and it issues');
    is(join(' ', map { $_ // '' } (stat $server->dir . '/ledger/ledger.db')[2, 4]), join(' ', 0100600, $uid), 'the ledger is his alone');
    $log->holds('enrolled', qw(GBA0401 GBA0661));
    $server->stop;
    $log->finish;
}

# ---- a server with more children than most ----
# Each keeps its connections to the keeper: there is a place for every one.
{
    my $keeper = start(conf => "ServerLimit 400\nGBAKeeperThreads 4\n");
    my ($soft, $hard) = slurp('/proc/' . $keeper->pid . '/limits') =~ /^Max open files +(\d+) +(\d+|unlimited)/m;
    my $wanted = 400 * 4 + 512;
    is($soft, $hard ne 'unlimited' && $hard < $wanted ? $hard : $wanted, 'a keeper has room for all connections that children may keep')
        unless $unlimited;
    is(enrol(), 200, 'and issues');
    $log->look;
    $server->stop;
    $log->finish;
}

# ---- every hour ----
SKIP: {
    skip 'no sqlite3 program (Debian: sqlite3)', 1 unless GBA::Ledger->is_possible;
    spew("$own/hour.c", <<'END');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <time.h>
/* Who would wait an hour waits half a second. */
int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until)
{
    static int (*next)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);
    struct timespec now, soon = *until;
    if (!next)
        next = (int (*)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *))dlsym(RTLD_NEXT, "pthread_cond_clockwait");
    clock_gettime(clock, &now);
    if (until->tv_sec - now.tv_sec > 3500 && until->tv_sec - now.tv_sec <= 3600) {
        soon = now;
        soon.tv_nsec += 500000000;
        soon.tv_sec += soon.tv_nsec / 1000000000;
        soon.tv_nsec %= 1000000000;
    }
    return next(cond, mutex, clock, &soon);
}
END
    skip 'no C compiler, or an httpd with a preload of its own', 1
        if $ENV{GBA_HTTPD_PRELOAD} || system("cc -shared -fPIC -o $own/hour.so $own/hour.c -ldl 2>$own/err") != 0;
    start(env => { LD_PRELOAD => "$own/hour.so" });
    my $ledger = GBA::Ledger->new($server->dir . '/ledger/ledger.db');
    my $signed = sub {
        my ($row) = $ledger->rows('SELECT max(last_id) AS last FROM signed_head');
        return $row->{last} // 0;
    };
    for my $number (1, 2) {
        is(enrol(), 200, "enrolled: row $number");
        GBA::Keeper::until_true(sub { $signed->() >= $number });
        is($signed->(), $number, 'within the hour the CA has signed it, while the keeper runs');
    }
    $log->holds('enrolled twice', qw(GBA0401 GBA0661 GBA0661));
    $server->stop;
    $log->finish;
}

# ---- ever later ----
{
    make_ca("$own/ca.pem", "$own/ca.key");
    my $keeper = start(conf => qq(GBAIssuer "$own/ca.pem" "$own/ca.key"\n<Location "/status">\nSetHandler gba-status\n</Location>\n));
    my $up = sub {
        my $http = GBA::HTTP->connect($server->port);
        $http->send("GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        return join ' ', $http->receive('GET')->{body} =~ /^gba_ledger_up\S+ (\d+)$/mg;
    };
    my $former = $keeper->pid;
    is(enrol(), 200, 'enrolled');
    is($up->(), 1, 'gba-status: the ledger is up');
    my (@lines, @times);
    rename "$own/ca.key", "$own/away" or die "rename: $!\n";
    kill 'KILL', $former;
    GBA::Keeper::until_true(sub { push @lines, $log->look; 3 <= grep { /GBA0721/ } @lines });
    for (grep { /GBA0721: the keeper \(pid [0-9]+\) ended with status 3;/ } @lines) {
        push @times, 3600 * $1 + 60 * $2 + $3 if /\A\[\w+ \w+ +\d+ (\d+):(\d+):([0-9.]+) /;
    }
    cmp_ok(scalar @times, '>=', 3, 'a keeper that cannot start is tried again and again, and each time is told');
    my @between = map { ($times[$_] - $times[$_ - 1]) % 86400 } 1, 2;
    ok($between[0] >= 1 && $between[1] >= 2, 'ever later') or diag("@between s between them");
    is(scalar(grep { /GBA0720: the keeper \(pid $former\) was killed by signal 9/ } @lines), 1, 'what it died of, too');
    is(enrol(), 503, 'meanwhile there is none to ask');
    is($up->(), 0, 'and gba-status says that no ledger can be written');
    rename "$own/away", "$own/ca.key" or die "rename: $!\n";
    ok($keeper->wait_back($former), 'once it can start it is back');
    is(enrol(), 200, 'and issues');
    is($up->(), 1, 'and gba-status says so');
    $log->look;
    $server->stop;
    $log->finish;
}

done_testing;
