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

for my $mpm (qw(event worker prefork)) {
    my $bsf   = GBA::BSF->start;
    my $scene = GBA::BSF::Scene->start(bsf => $bsf, mpm => $mpm, children => $mpm eq 'prefork' ? $many + 4 : 4,
        threads => int($many / 4) + 8, log_level => 'warn gba_pki:info', section => "GBABsfTimeout 2s 8s\n");
    for my $row (
        ['a new B-TID',                   {},                                   '200 protected'],
        ['a BSF that does not know it',   { status => 404 },                    '401 bootstrap'],
        ['a BSF that refuses it',         { status => 403 },                    '403'],
        ['a BSF that fails',              { status => 500 },                    '503 retry 30'],
    ) {
        my ($name, $answer, $wanted) = @$row;
        my $ue = $scene->ue([1]);
        $bsf->always({ delay => 1, %$answer });
        $bsf->look;
        my @answers = all_at_once($ue, $many);
        is(scalar(grep { outcome($_) eq $wanted } @answers), $many, "$mpm, $name: $many at once, $wanted each")
            or diag(join ', ', map { outcome($_) } @answers);
        my $calls = () = $bsf->calls;
        # A failure is nobody's but theirs who waited for it: who comes later may ask again.
        cmp_ok($calls, '<=', 2, "$mpm, $name: the BSF was asked at most twice ($calls)");
        $scene->log->look;
    }
    $bsf->rightly;
    is(outcome($scene->ask($scene->ue([1]))), '200 protected', "$mpm: and on it goes");
    $scene->finish;
}

# ---- strangers ----
{
    my $rate  = 10;
    my $bsf   = GBA::BSF->start;
    my $scene = GBA::BSF::Scene->start(bsf => $bsf, children => 4, threads => 8, log_level => 'warn gba_pki:warn',
        section => "GBABsfTimeout 1s 2s\nGBABsfUnknownAlarm 100\n", conf => "GBALookupRate $rate\n");
    my @known = map { $scene->ue([1]) } 1 .. 8;
    $scene->ask($_) for @known;
    $bsf->look;
    my $until  = time + $seconds;
    my $crowd  = GBA::Crowd->new(6, sub {
        my ($i) = @_;
        # Two of the processes are UEs that are known, four are strangers with nonces that are good.
        return sub {
            my ($bad, $n) = (0, 0);
            while (time < $until) {
                my $ue = $i < 2 ? $known[4 * $i + $n % 4] : $scene->ue_of({
                    btId => encode_base64(pack('N4', map { rand 2**32 } 1 .. 4), '') . '@bsf.home1.net', meKeyMaterial => '00' x 32 });
                my $response = $ue->exchange('GET', $page, auth => {}, fresh => $n++ % 50 == 0);
                $bad++ unless outcome($response) =~ ($i < 2 ? qr/\A200 protected\z/ : qr/\A(?:401 bootstrap|503 retry [0-9]+)\z/);
            }
            return $bad * 1_000_000 + $n;
        };
    });
    my $begun   = time;
    my @answers = $crowd->do(0 .. 5);
    my $took    = time - $begun;
    is($crowd->finish, 0, 'strangers: every answer is whole');
    my $calls = () = $bsf->calls;
    my ($bad, $n) = (0, 0);
    for (@answers) { $bad += int($_->[1] / 1_000_000); $n += $_->[1] % 1_000_000 }
    note(sprintf '%d requests in %.1f s, %d look-ups', $n, $took, $calls);
    is($bad, 0, 'known UEs are served, strangers are told to bootstrap or to wait');
    cmp_ok($n, '>', 20 * $rate * $took, 'there was a flood');
    cmp_ok($calls, '<=', $rate * ($took + 1) + $rate, "and GBALookupRate holds ($calls look-ups)");
    cmp_ok($calls, '>=', $rate, 'though some are asked for');
    sleep 1.2;
    is(outcome($scene->ask($scene->ue([1]))), '200 protected', 'a new UE gets in afterwards');
    $bsf->look;
    $scene->log->look;
    $scene->finish;
}

# ---- a BSF that is killed and comes back ----
{
    my $bsf   = GBA::BSF->start;
    my $scene = GBA::BSF::Scene->start(bsf => $bsf, children => 4, threads => 8, log_level => 'warn gba_pki:warn',
        section => "GBABsfTimeout 1s 2s\n");
    my @known = map { $scene->ue([1]) } 1 .. 4;
    $scene->ask($_) for @known;
    my @new  = $scene->ues(3000);
    my $stop = $scene->server->dir . '/stop';
    my $out  = $scene->server->dir . '/outcomes';
    my @pids;
    for my $i (0 .. 3) {
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            open my $file, '>', "$out.$i" or POSIX::_exit(1);
            my $n = 0;
            until (-e $stop) {
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
    sleep 1;
    my $killed = time;
    $bsf->kill;
    sleep 2;
    my $back = time;
    $bsf->spawn;
    sleep 3;
    spew($stop, '');
    waitpid $_, 0 for @pids;
    my @known_said = map { split /\n/, slurp("$out.$_") } 0, 1;
    my @new_said   = map { split /\n/, slurp("$out.$_") } 2, 3;
    is(scalar(grep { !/ 200 protected\z/ } @known_said), 0, 'known UEs: undisturbed (' . @known_said . ' requests)');
    my @rows = sort { $a->[0] <=> $b->[0] } map { [split / /, $_, 3] } @new_said;
    is(scalar(grep { $_->[2] !~ /\A(?:200 protected|503 retry [0-9]+)\z/ } @rows), 0, 'new UEs: a key or 503 (' . @rows . ' requests)')
        or diag(join "\n", map { $_->[2] } grep { $_->[2] !~ /\A(?:200|503)/ } @rows);
    is(scalar(grep { $_->[1] < $killed && $_->[2] !~ /200/ } @rows), 0, 'all get a key before');
    cmp_ok(scalar(grep { $_->[1] < $killed } @rows), '>', 20, 'of whom there are some');
    cmp_ok(scalar(grep { $_->[0] > $killed + 0.1 && $_->[1] < $back && $_->[2] =~ /503/ } @rows), '>', 0, 'there is 503 while it is away');
    is(scalar(grep { $_->[0] > $killed + 0.1 && $_->[1] < $back && $_->[2] !~ /503/ } @rows), 0, 'and nothing else');
    # It is found again when the back-off ends, which is no longer than it was away.
    my ($found) = map { $_->[1] } grep { $_->[0] > $back && $_->[2] =~ /200/ } @rows;
    cmp_ok(($found // 1e12) - $back, '<', 2.2, 'the BSF is found again soon');
    is(scalar(grep { $_->[0] > ($found // 0) && $_->[2] !~ /200/ } @rows), 0, 'and no 503 from then on');
    cmp_ok(scalar(grep { $_->[0] > ($found // 0) } @rows), '>', 20, 'with many who ask');
    $scene->log->look;
    $scene->finish;
}
done_testing;
