#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Many at once: a hundred requests for one new B-TID cost the BSF two look-ups at most, whatever the MPM;
# strangers who invent B-TIDs cost it GBALookupRate; and a BSF that is killed and comes back is missed by
# nobody but new UEs while it is away. GBA_ZN_CROWD: requests at once (100). GBA_ZN_FLOOD: seconds (4; 20 with
# GBA_TORTURE=1).

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use IO::Handle;
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use GBA::BSF;
use GBA::BSF::Scene qw(outcome);
use GBA::CA;
use GBA::Crowd;
use GBA::HTTP;
use GBA::Site qw(site slurp spew);
use GBA::UE;

my $many    = $ENV{GBA_ZN_CROWD} || 100;
my $seconds = $ENV{GBA_ZN_FLOOD} || ($ENV{GBA_TORTURE} ? 20 : 4);
my $page    = '/docs/hello.txt';

# ---- a hundred at once ----

# Each on a connection of its own: all but the last octet first, then the last of each.
sub all_at_once {
    my ($ue, $number) = @_;
    my @requests = map {
        my $context = $ue->context('GET', $page, '', {});
        my ($head)  = $ue->octets('GET', $page, authorization => [GBA::UE::credentials($context)]);
        my $http    = GBA::HTTP->connect($ue->{port});
        $http->send(substr $head, 0, -1);
        { context => $context, http => $http };
    } 1 .. $number;
    $_->{http}->send("\n") for @requests;
    return map {
        my $response = $_->{http}->receive('GET');
        $response->{protected} = GBA::UE::verify($response, $_->{context});
        $response;
    } @requests;
}

# A hundred children under valgrind would not end in time.
for my $mpm ($ENV{GBA_HTTPD_WRAPPER} ? 'event' : qw(event worker prefork)) {
    my $bsf   = GBA::BSF->start;
    my $scene = GBA::BSF::Scene->start(bsf => $bsf, mpm => $mpm, children => $mpm eq 'prefork' ? $many + 4 : 4,
        threads => int($many / 4) + 8, log_level => 'warn gba_pki:info', section => "GBABsfTimeout 2s 8s\n");
    # A failure is nobody's but theirs who waited for it: who comes later may ask again, so that all must be
    # there within its delay.
    for my $row (
        ['a new B-TID',                   { delay => 1 },                       '200 protected'],
        ['a BSF that does not know it',   { delay => 1, status => 404 },        '401 bootstrap'],
        ['a BSF that refuses it',         { delay => 4, status => 403 },        '403'],
        ['a BSF that fails',              { delay => 4, status => 500 },        '503 retry 30'],
    ) {
        my ($name, $answer, $wanted) = @$row;
        my $ue = $scene->ue([1]);
        $bsf->always($answer);
        $bsf->look;
        my @answers = all_at_once($ue, $many);
        is(scalar(grep { outcome($_) eq $wanted } @answers), $many, "$mpm, $name: $many at once, $wanted each")
            or diag(join ', ', map { outcome($_) } @answers);
        my $calls = () = $bsf->calls;
        cmp_ok($calls, '<=', 2, "$mpm, $name: the BSF was asked at most twice ($calls)");
        $scene->log->look;
    }
    $bsf->rightly;
    is(outcome($scene->ask($scene->ue([1]))), '200 protected', "$mpm: and on it goes");
    $scene->finish;
}

# ---- strangers: the rate holds whatever the BSF says of them ----
{
    my $rate  = 10;
    my $bsf   = GBA::BSF->start;
    my $scene = GBA::BSF::Scene->start(bsf => $bsf, children => 4, threads => 8, log_level => 'warn gba_pki:warn',
        section => "GBABsfTimeout 2s 8s\nGBABsfUnknownAlarm 100\n", conf => "GBALookupRate $rate\n");
    for my $says ({ status => 404, cause => 'CONTEXT_NOT_FOUND' }, { status => 400, cause => 'MANDATORY_IE_INCORRECT' }) {
        my $name  = "strangers, of whom the BSF says $says->{status}";
        my @known = map { $scene->ue([1]) } 1 .. 8;
        $scene->ask($_) for @known;
        $bsf->always($says);
        $bsf->look;
        my $until = time + $seconds / 2;
        my $crowd = GBA::Crowd->new(6, sub {
            # Two of the six are UEs that are known, four are strangers with nonces that are good. Each request has
            # a connection of its own: httpd ends those that wait for the next one when all its threads are at work.
            return sub {
                my ($who) = @_;
                my ($bad, $n) = (0, 0);
                while (time < $until) {
                    my $ue = $who < 2 ? $known[4 * $who + $n % 4] : $scene->ue_of({
                        btId => encode_base64(pack('N4', map { rand 2**32 } 1 .. 4), '') . '@bsf.home1.net', meKeyMaterial => '00' x 32 });
                    my $response = $ue->exchange('GET', $page, auth => {}, fresh => 1);
                    $n++;
                    $bad++ unless outcome($response) =~ ($who < 2 ? qr/\A200 protected\z/ : qr/\A(?:401 bootstrap|503 retry [0-9]+)\z/);
                }
                return $bad * 1_000_000 + $n;
            };
        });
        my $begun   = time;
        my @answers = $crowd->do(0 .. 5);
        my $took    = time - $begun;
        is($crowd->finish, 0, "$name: every answer is whole");
        my $calls = () = $bsf->calls;
        my ($bad, $n) = (0, 0);
        for (@answers) { $bad += int($_->[1] / 1_000_000); $n += $_->[1] % 1_000_000 if $_->[0] > 1 }
        note(sprintf '%d requests of strangers in %.1f s, %d look-ups', $n, $took, $calls);
        is($bad, 0, "$name: known UEs are served, strangers are told to bootstrap or to wait");
        my $most = $rate * ($took + 2);
        cmp_ok($n, '>', 3 * $most, "$name: there was a flood");
        cmp_ok($calls, '<=', $most, "$name: and GBALookupRate holds ($calls look-ups)");
        cmp_ok($calls, '>=', $rate, "$name: though some are asked for");
        $bsf->rightly;
        sleep 1.2;
        is(outcome($scene->ask($scene->ue([1]))), '200 protected', "$name: a new UE gets in afterwards");
        $bsf->look;
        $scene->log->look;
    }
    $scene->finish;
}

# ---- a BSF that is killed and comes back ----
{
    my $bsf   = GBA::BSF->start;
    my $scene = GBA::BSF::Scene->start(bsf => $bsf, children => 4, threads => 8, log_level => 'warn gba_pki:warn',
        section => "GBABsfTimeout 2s 8s\n");
    my @known = map { $scene->ue([1]) } 1 .. 4;
    $scene->ask($_) for @known;
    my @new  = $scene->ues(6000);
    my $stop = $scene->server->dir . '/stop';
    my $out  = $scene->server->dir . '/outcomes';
    my @pids;
    my $script = $$;
    for my $i (0 .. 3) {
        spew("$out.$i", '');
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            open my $file, '>', "$out.$i" or POSIX::_exit(1);
            $file->autoflush;
            my $n = 0;
            until (-e $stop || getppid != $script) {
                my $ue = $i < 2 ? $known[2 * $i + $n % 2] : $new[2 * $n + $i - 2] // last;
                my $begun = time;
                my $what  = eval { outcome($scene->ask($ue)) } // 'broken';
                print $file "$begun ", time, " $what\n";
                $n++;
                sleep 0.005;
            }
            close $file;
            POSIX::_exit(0);
        }
        push @pids, $pid;
    }
    # When each request began and ended, and what came of it; first, those that began first.
    my $said = sub { return sort { $a->[0] <=> $b->[0] } map { [split / /, $_, 3] } map { /^(.+)\n/mg } map { slurp("$out.$_") } @_ };
    # Goes on when there are so many of new UEs, begun after a time.
    my $until_new = sub {
        my ($since, $what, $many) = @_;
        my $until = time + 60;
        sleep 0.1 until $many <= grep { $_->[0] > $since && $_->[2] =~ $what } $said->(2, 3) or time > $until;
    };
    $until_new->(0, qr/200/, 40);
    my $killed = time;
    $bsf->kill;
    my $gone = time;
    sleep 2;
    $until_new->($gone, qr/503/, 1);
    my $back = time;
    $bsf->spawn;
    $until_new->($back, qr/200/, 40);
    spew($stop, '');
    waitpid $_, 0 for @pids;
    my @known_said = $said->(0, 1);
    my @rows       = $said->(2, 3);
    is(scalar(grep { $_->[2] ne '200 protected' } @known_said), 0, 'known UEs: undisturbed (' . @known_said . ' requests)');
    cmp_ok(scalar(grep { $_->[0] > $gone && $_->[1] < $back } @known_said), '>', 0, 'while it is away too');
    is(scalar(grep { $_->[2] !~ /\A(?:200 protected|503 retry [0-9]+)\z/ } @rows), 0, 'new UEs: a key or 503 (' . @rows . ' requests)')
        or diag(join "\n", map { $_->[2] } grep { $_->[2] !~ /\A(?:200|503)/ } @rows);
    is(scalar(grep { $_->[1] < $killed && $_->[2] !~ /200/ } @rows), 0, 'all get a key before');
    cmp_ok(scalar(grep { $_->[1] < $killed } @rows), '>=', 30, 'of whom there are some');
    cmp_ok(scalar(grep { $_->[0] > $gone && $_->[1] < $back } @rows), '>', 0, 'there are some while it is away');
    is(scalar(grep { $_->[0] > $gone && $_->[1] < $back && $_->[2] !~ /503/ } @rows), 0, 'who are told 503 and nothing else');
    # It is found again when the back-off ends, which is no longer than it was away: the longest is 10 seconds.
    my ($found) = map { $_->[1] } grep { $_->[0] > $back && $_->[2] =~ /200/ } @rows;
    cmp_ok(($found // 1e12) - $back, '<', $back - $killed + 4, 'the BSF is found again soon');
    is(scalar(grep { $_->[0] > ($found // 0) && $_->[2] !~ /200/ } @rows), 0, 'and no 503 from then on');
    cmp_ok(scalar(grep { $_->[0] > ($found // 0) } @rows), '>', 20, 'with many who ask');
    $scene->log->look;
    $scene->finish;
}
done_testing;
