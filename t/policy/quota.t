# SPDX-License-Identifier: Apache-2.0
# GBAQuota with two httpd on one ledger: 32 clients of one subscriber, each with a key of its own, ask
# at the same moment, half of them here and half there. Exactly as many certificates as the quota says
# are made, and the same key again costs nothing.
#
# GBA_QUOTA_ROUNDS: how often (4; with GBA_TORTURE=1 100), half of them for what is held, half for a window.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Fcntl qw(O_APPEND O_CREAT O_WRONLY);
use File::Temp ();
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);
use Time::Local qw(timegm);
use GBA::CA qw(certificate new_key openssl pkcs10);
use GBA::Crowd;
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site);
use GBA::UE;

my $program = "$ENV{GBA_BUILDDIR}/gba-pkictl";
plan skip_all => 'gba-pkictl is not built' unless -x $program;

my $rounds  = $ENV{GBA_QUOTA_ROUNDS} || ($ENV{GBA_TORTURE} ? 100 : 4);
my $clients = 32;
my %allowed = ('/held' => 5, '/window' => 3);
my %reason  = ('/held' => 'QUOTA_HELD', '/window' => 'QUOTA_WINDOW');
my $window  = 86400;
my $expires = 600;
my $brief   = 10;    # time enough for two requests to a busy machine

my @members = map { GBA::CA::entry("member$_", [1]) } 1 .. $rounds;
my @alone   = map { GBA::CA::entry($_, [1]) } qw(short revoked);
my $conf    = <<"END";
# So many that each waits for its turn at the ledger, and none is told to come later.
GBAKeeperThreads $clients
GBAKeeperTimeout 60s
<LocationMatch "^/(held|window|brief|single)\$">
    AuthType GBA
    Require valid-user
    SetHandler gba-enrol
    GBARefusalExpires ${expires}s
</LocationMatch>
<Location "/held">
    GBAQuota $allowed{'/held'}
</Location>
<Location "/window">
    GBAQuota $allowed{'/window'} per ${window}s
</Location>
<Location "/brief">
    GBAQuota 1 per ${brief}s
</Location>
<Location "/single">
    GBAQuota 1
</Location>
END
my @both   = (subscribers => [@members, @alone], children => 2, threads => 16, mpm => 'event');
my $first  = GBA::Server->start(@both, conf => $conf);
my $ledger = $first->dir . '/ledger/ledger.db';
my $second = GBA::Server->start(@both, conf => qq(GBALedger "sqlite:$ledger"\n$conf));
my @servers = ($first, $second);
my @logs    = map { GBA::Log->watch($_->error_log) } @servers;
my $meeting = File::Temp::tempdir('quota.XXXXXX', DIR => site()->{tmp}, CLEANUP => 1);

sub place_of { my ($round) = @_; return $round % 2 ? '/held' : '/window' }

# Comes back when all clients are there.
sub meet {
    my ($name) = @_;
    my $file  = "$meeting/$name";
    my $until = time + 2 * ($ENV{GBA_TIMEOUT} || 30);
    sysopen my $out, $file, O_WRONLY | O_APPEND | O_CREAT or die "$file: $!\n";
    syswrite $out, 'x';
    close $out;
    while ((-s $file // 0) < $clients) {
        die "$name: not all clients came\n" if time > $until;
        sleep 0.001;
    }
    return;
}

sub seconds {
    my ($date) = @_;
    my %month;
    @month{qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec)} = 0 .. 11;
    my ($day, $name, $year, $h, $m, $s) = ($date // '') =~ /\A\w{3}, (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT\z/ or return 0;
    return timegm($s, $m, $h, $day, $month{$name}, $year);
}

# An enrolment at one of the two; the UE is challenged before it is asked for. Each request has a
# connection of its own: httpd may end a child, and its idle connections, at any time. Who is told on a
# busy machine that the ledger is, and to come again, comes again.
sub prepare {
    my ($subscriber, $server, $place, $pem) = @_;
    my $ue = GBA::UE->new($subscriber, port => $server->port);
    $ue->authenticate($place);
    return sub {
        my $response;
        for (1 .. 60) {
            $response = $ue->request('POST', "$place?response=single", type => 'application/x-pkcs10', body => $pem, fresh => 1);
            last unless $response->{status} == 503 && GBA::HTTP::field($response, 'Retry-After');
            sleep 0.5;
        }
        return $response;
    };
}

# 1 if there is a certificate; when the refusal ends if it is one; 0 for whatever else.
sub outcome {
    my ($response, $reason) = @_;
    is($response->{protected}, 1, 'protected');
    return 1 if $response->{status} == 200;
    my $until = seconds(scalar GBA::HTTP::field($response, 'Expires'));
    like("$response->{status} $response->{body}", qr/\A403 .*"refused; reason=$reason"/s, "refused for $reason");
    return $until > 1 ? $until : 0;
}

# A client's part in a round: once at its own server, then once more at the other.
sub client {
    my ($i) = @_;
    return sub {
        my ($round) = @_;
        my $place = place_of($round);
        my $pem   = openssl('', qw(req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj), "/CN=client $i");
        my $ask   = prepare($members[$round - 1], $servers[$i % 2], $place, $pem);
        meet("start$round");
        my $response = $ask->();
        my $outcome  = outcome($response, $reason{$place});
        meet("again$round");
        my $again = prepare($members[$round - 1], $servers[($i + 1) % 2], $place, $pem)->();
        is($again->{status}, $response->{status}, 'the other httpd says the same');
        is($again->{body}, $response->{body}, 'in the same words, or with the same certificate');
        return $outcome;
    };
}

sub certificates {
    my ($subscriber) = @_;
    open my $out, '-|', $program, 'list', '--ledger', $ledger, '--subscriber', $subscriber->{impi}, '--json'
        or die "$program: $!\n";
    my @all = map { JSON::PP::decode_json($_) } <$out>;
    close $out or die "$program: exit code $?\n";
    return @all;
}

# What both logs say since the last look: how often each tag; nothing loud may be among it.
sub tally {
    my ($name) = @_;
    my @lines = grep { !/GBA\d{4}: STORE_DOWN: ledger: / } map { $_->look } @logs;
    my %count;
    $count{ GBA::Log::tag_of($_) // '' }++ for @lines;
    my @loud = grep { GBA::Log::is_loud($_) } @lines;
    ok(!@loud, "$name: nothing loud in the logs") or diag(@loud);
    delete $count{''};
    return %count;
}

# ---- the boundary ----

my $crowd = GBA::Crowd->new($clients, \&client);
for my $round (1 .. $rounds) {
    my $place = place_of($round);
    my $n     = $allowed{$place};
    my $name  = "round $round ($place)";
    my $asked = time;
    my @answers  = map { $_->[1] } $crowd->do(($round) x $clients);
    my @refused  = grep { $_ > 1 } @answers;
    my @rows     = certificates($members[$round - 1]);
    is(scalar @answers, $clients, "$name: all were answered");
    is(scalar(grep { $_ == 1 } @answers), $n, "$name: exactly $n have a certificate");
    is(scalar @refused, $clients - $n, "$name: all others were refused, with Expires");
    is(scalar @rows, $n, "$name: the ledger holds $n");
    is(scalar(grep { $_->{state} eq 'issued' } @rows), $n, "$name: which are all good");
    is(scalar(keys %{ { map { $_->{spki_sha256} => 1 } @rows } }), $n, "$name: for as many keys");
    my ($oldest) = sort map { $_->{issued_at} } @rows;
    my @date     = $oldest =~ /\d+/g;
    my $end      = timegm(@date[5, 4, 3, 2], $date[1] - 1, $date[0]) + $window;
    my @odd      = $place eq '/window' ? grep { $_ != $end } @refused
                                       : grep { $_ < $asked + $expires - 1 || $_ > time + $expires + 1 } @refused;
    ok(!@odd, "$name: Expires is " . ($place eq '/window' ? 'the end of the window' : 'what GBARefusalExpires says'))
        or diag("window's end $end: @odd");
    my %count = tally($name);
    # Once each, then once more of the other httpd: a certificate given again is an issue too.
    is(($count{GBA0446} // 0), 2 * ($clients - $n), "$name: each refusal is logged");
    is(($count{GBA0661} // 0), 2 * $n, "$name: and each certificate");
    # Of so many nonces of one UE at once some are let go: stale, and the UE asks again.
    delete @count{qw(GBA0446 GBA0661 GBA0401 GBA0421)};
    is_deeply(\%count, {}, "$name: and nothing else");
}
is($crowd->finish, 0, 'every answer was protected, and each reason right');

# ---- a window ends; one who gives a certificate back may have another ----

sub enrol {
    my ($subscriber, $i, $place, $pem) = @_;
    return prepare($subscriber, $servers[$i], $place, $pem // pkcs10(new_key('EC', 'P-256')))->();
}

my ($short, $revoked) = @alone;
my @pems  = map { pkcs10(new_key('EC', 'P-256')) } 1 .. 3;
my $began = time;
is(enrol($short, 0, '/brief', $pems[0])->{status}, 200, 'one within the window');
my $full = enrol($short, 1, '/brief', $pems[1]);
my $end  = outcome($full, 'QUOTA_WINDOW');
ok($end >= int($began) + $brief && $end <= time + $brief + 1, 'the second is told when the window ends') or diag("$began $end");
sleep 0.1 while time < $end;
is(enrol($short, 1, '/brief', $pems[2])->{status}, 200, 'at that moment there is room again, whichever httpd is asked');

is(enrol($revoked, 0, '/single')->{status}, 200, 'one is held');
cmp_ok(outcome(enrol($revoked, 1, '/single'), 'QUOTA_HELD'), '>', 1, 'a second is refused');
my ($row) = certificates($revoked);
is(system("'$program' revoke $row->{serial} --reason cessationOfOperation --ledger '$ledger' >/dev/null"), 0, 'the first is revoked');
is(enrol($revoked, 1, '/single')->{status}, 200, 'then there is room for another');
my %count = tally('alone');
is($count{GBA0446}, 2, 'two refusals');
is($count{GBA0661}, 4, 'four certificates');

$_->stop for @servers;
$_->finish for @logs;
done_testing;
