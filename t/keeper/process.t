#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The keeper as a process: whose it is, what it alone holds, what happens when it dies, and that it
# goes when httpd goes, however httpd goes.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep time);
use File::Temp ();
use IO::Socket::UNIX;
use POSIX ();
use GBA::CA qw(make_ca new_key openssl pkcs10 subscriber);
use GBA::HTTP;
use GBA::Keeper;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site slurp spew);
use GBA::UE;

my $conf = <<'END';
<Location "/enrol">
    AuthType GBA
    Require valid-user
    SetHandler gba-enrol
</Location>
END
my $server = GBA::Server->start(children => 3, conf => $conf);
my $log    = GBA::Log->watch($server->error_log);
my $ue     = GBA::UE->new(subscriber('both'), port => $server->port);

sub enrol {
    my ($who) = @_;
    return $who->request('POST', '/enrol', type => 'application/x-pkcs10', fresh => 1, body => pkcs10(new_key('EC', 'P-256')));
}

sub processes { my ($name) = @_; return GBA::Keeper->of($server)->processes($name) }

sub waits_for {
    my ($name, $wanted) = @_;
    my $until = time + 15;
    sleep 0.05 until $wanted->() || time > $until;
    return ok($wanted->(), $name);
}

# ---- whose it is ----
is(enrol($ue)->{status}, 200, 'enrolled');
$log->holds('enrolled', qw(GBA0401 GBA0661));
my ($keeper) = processes('gba-keeper');
my ($warden) = processes('gba-warden');
ok($keeper && $warden, 'there is a keeper, and a warden') or BAIL_OUT('no keeper');
my %status = slurp("/proc/$keeper/status") =~ /^(\w+):\s*(.*)$/mg;
is($status{PPid}, $warden, 'the keeper is the warden\'s child');
is($status{CapEff}, '0' x 16, 'without a capability');
is($status{NoNewPrivs}, 1, 'and without a way to get one');
like(slurp("/proc/$keeper/limits"), qr/^Max core file size\s+0\s/m, 'it dumps no core');
SKIP: {
    skip 'not root', 1 if $> != 0;
    isnt((split ' ', $status{Uid})[0], 0, 'it is not root');
}

# ---- what no core file shows: the table of all UEs' keys, which children share ----
SKIP: {
    my $maps = eval { slurp('/proc/' . ($server->children)[0] . '/smaps') } || '';
    my ($largest, $flags) = (0, '');
    while ($maps =~ /^([0-9a-f]+)-([0-9a-f]+) rw-s [^\n]*\n(.*?)^VmFlags: ([^\n]*)/msg) {
        no warnings 'portable';
        my $size = hex($2) - hex $1;
        ($largest, $flags) = ($size, " $4 ") if $size > $largest;
    }
    skip 'no flags of a child\'s memory to be read', 1 unless $largest;
    like($flags, qr/ dd /, 'the table of keys goes into no core file');
}

# ---- whom it hears: not what httpd's user executes, as CGI programs are ----
{
    my $him  = subscriber('both');
    my $naf  = $him->{nafId};
    my $text = sub { pack 'n/a*', $_[0] };
    my $body = pack('n', 0) . $text->($him->{btId}) . $text->($naf->{nafFqdn}) . pack('H10 C C', $naf->{uaSecProtId}, 0, 0);
    my ($path) = glob $server->dir . '/*/sock.*';
    pipe my $heard, my $told or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        my ($uid, $gid) = map { (stat $path)[$_] } 4, 5;
        ($(, $)) = ($gid, "$gid $gid") if $> == 0;
        POSIX::setuid($uid) if $> == 0;
        my $socket = IO::Socket::UNIX->new(Peer => $path) or POSIX::_exit(1);
        syswrite $socket, pack('a4 n n N', 'GBAK', 3, 1, length $body) . $body;
        sysread $socket, my $answer, 65536;
        syswrite $told, $answer // '';
        POSIX::_exit(0);
    }
    close $told;
    sysread $heard, my $answer, 65536;
    waitpid $pid, 0;
    is($?, 0, 'the socket can be reached by a program of httpd\'s user');
    is(length($answer // ''), 0, 'which is told nothing, the key of a UE least of all');
    $log->holds('a stranger', 'GBA1360');
}

# ---- what it alone holds ----
# The CA's private number as octets in either order: libraries keep it in limbs.
my ($hex) = openssl(slurp(site()->{top} . '/run/ca.key'), qw(pkey -noout -text)) =~ /priv:\s*((?:[0-9a-f]{2}:?\s*)+)/;
my $number = pack 'H*', $hex =~ s/[^0-9a-f]//gr;
$number =~ s/\A\0+//;
my @forms = ($number, scalar reverse $number);

sub holds_key {
    my ($pid) = @_;
    open my $maps, '<', "/proc/$pid/maps" or return -1;
    open my $memory, '<:raw', "/proc/$pid/mem" or return -1;
    while (<$maps>) {
        my ($from, $to) = /\A([0-9a-f]+)-([0-9a-f]+) rw/ or next;
        no warnings 'portable';
        ($from, $to) = (hex $from, hex $to);
        for (my $at = $from; $at < $to; $at += 1 << 20) {
            my $size = $to - $at > (1 << 20) + 64 ? (1 << 20) + 64 : $to - $at;
            sysseek $memory, $at, 0 or last;
            sysread($memory, my $block, $size) or last;
            return 1 if grep { index($block, $_) >= 0 } @forms;
        }
    }
    return 0;
}
SKIP: {
    skip 'other processes\' memory can be read by root alone', 5 if $> != 0 || holds_key($keeper) < 0;
    is(holds_key($keeper), 1, 'the search finds the CA\'s key in the keeper');
    is(holds_key($_), 0, 'and not in a child') for $server->children;
    is(holds_key($server->pid), 0, 'nor in the parent');
    is(holds_key($warden), 0, 'nor in the warden');
}

# ---- its death ----
kill 'STOP', $warden;
kill 'KILL', $keeper;
waits_for('the keeper is gone', sub { !processes('gba-keeper') });
my $response = enrol($ue);
is("$response->{status} $response->{protected}", '503 1', 'meanwhile a protected 503');
is(GBA::HTTP::field($response, 'Retry-After'), 30, 'that says when to come again');
kill 'CONT', $warden;
waits_for('the keeper is back', sub { my ($new) = processes('gba-keeper'); $new && $new != $keeper });
waits_for('and answers', sub { enrol($ue)->{status} == 200 });
my @lines = $log->look;
is(scalar(grep { /GBA0720: the keeper \(pid $keeper\) was killed by signal 9/ } @lines), 1, 'its end was logged, with its cause');
is(scalar(grep { /GBA07/ } @lines), 1, 'once');

# ---- restarts ----
my ($before) = processes('gba-keeper');
$server->graceful;
waits_for('a graceful restart: the new generation has its own keeper, the old one has gone',
    sub { my @now = processes('gba-keeper'); @now == 1 && $now[0] != $before });
is(enrol($ue)->{status}, 200, 'which answers');
is(scalar(grep { /GBA07|long lost child/ } $log->look), 0, 'and nothing to complain of');
$log->finish;

# ---- its end, asked for by an operator ----
($warden) = processes('gba-warden');
kill 'TERM', $warden for 1 .. 3;
waits_for('a warden that is told to go takes the keeper with it', sub { !processes('gba-keeper') && !processes('gba-warden') });
is(enrol($ue)->{status}, 503, 'and enrolments are 503');
is(scalar(grep { /GBA07/ } $log->look), 0, 'which is nothing to complain of');

# ---- and it goes when httpd goes ----
$server->stop;
waits_for('httpd stopped: no keeper, no warden', sub { !processes('gba-keeper') && !processes('gba-warden') });
$server->spawn;
ok(processes('gba-keeper') == 1, 'started again');
my @all = ($server->pid, $server->children);
kill 'KILL', @all;
waitpid $server->pid, 0;
waits_for('httpd killed: no keeper, no warden', sub { !processes('gba-keeper') && !processes('gba-warden') });

# ---- it ends without what httpd and its libraries have registered for an exit ----
SKIP: {
    my $shim = ($ENV{GBA_BUILDDIR} // '') . '/t/shim/.libs/exits.so';
    skip "no $shim: make check builds it", 4 unless -f $shim;
    my $file = spew(site()->{tmp} . "/exits.$$", '', 0666);
    $server = GBA::Server->start(children => 1, env => { LD_PRELOAD => $shim, GBA_EXITS => $file });
    is(scalar(processes('gba-keeper')), 1, 'a keeper');
    $server->stop;
    waits_for('goes with its httpd', sub { !processes('gba-keeper') && !processes('gba-warden') });
    my @names = split /\n/, slurp($file);
    ok(scalar(grep { !/\Agba-/ } @names), 'which ended by exit()');
    is(scalar(grep { /\Agba-/ } @names), 0, 'but neither the keeper nor its warden did');
    unlink $file;
}

# ---- the socket's folder is httpd's user's: nothing in it is touched by its name as root ----
SKIP: {
    my $shim = ($ENV{GBA_BUILDDIR} // '') . '/t/shim/.libs/swaps.so';
    skip "no $shim: make check builds it", 4 unless -f $shim;
    my $file = spew(site()->{tmp} . "/swapped.$$", '', 0644);
    $server = GBA::Server->start(children => 1, env => { LD_PRELOAD => $shim, GBA_SWAP_TO => $file });
    is(scalar(processes('gba-keeper')), 1, 'a keeper');
    my @about = stat $file;
    is(sprintf('%o', $about[2] & 07777), '644', 'and what stands in the place of its socket has its mode');
    is($about[4], $>, 'and its owner');
    my ($socket) = glob $server->dir . '/*/sock.*';
    my @socket = lstat($socket // '');
    is(@socket ? sprintf('%o', $socket[2] & 07777) : 'none', '600', 'the socket is for its owner alone');
    $server->stop;
    unlink $file;
}

# ---- a key with a passphrase, which is asked for whenever a keeper starts ----
{
    my $own = File::Temp::tempdir('passphrase.XXXXXX', DIR => site()->{tmp}, CLEANUP => 1);
    chmod 0755, $own;
    make_ca("$own/ca.pem", "$own/open.key");
    openssl(slurp("$own/open.key"), qw(pkey -aes256 -passout pass:secret -out), "$own/ca.key");
    chmod 0600, "$own/ca.key";
    spew("$own/ask", "#!/bin/sh\necho asked >>'$own/asked'\necho secret\n", 0700);
    my $asked = sub { return scalar(() = slurp("$own/asked") =~ /asked/g) };
    my $locked = GBA::Server->start(children => 1, conf => qq($conf\nGBAIssuerPassphrase exec:$own/ask\nGBAIssuer "$own/ca.pem" "$own/ca.key"\n));
    $server = $locked;
    my $other = GBA::Log->watch($locked->error_log);
    my $someone = GBA::UE->new(subscriber('both'), port => $locked->port);
    is(enrol($someone)->{status}, 200, 'a CA key with a passphrase: enrolled');
    $other->holds('enrolled', qw(GBA0401 GBA0661));
    my $times = $asked->();
    kill 'KILL', processes('gba-keeper');
    waits_for('a keeper that died is started again with it', sub { enrol($someone)->{status} == 200 });
    is($asked->(), $times + 1, 'for which the passphrase was asked once more');
    $other->look;
    $other->finish;
    $locked->stop;
}

done_testing;
