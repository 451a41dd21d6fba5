#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Which BSF is asked: the one configured for the B-TID's domain (TS 33.220 4.5.3), at whichever of its
# addresses answers. What a UE or a BSF says chooses among those, and never names another.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);
use GBA::BSF;
use GBA::BSF::Scene qw(outcome);
use GBA::Crowd;
use GBA::Recorder;
use GBA::Server;
use GBA::Site qw(site);

my $tmp  = site()->{tmp};
my %bsf  = (a => GBA::BSF->start, b => GBA::BSF->start(path => "$tmp/zn-bsf.sock"), c => GBA::BSF->start,
    first => GBA::BSF->start, second => GBA::BSF->start, led => GBA::BSF->start);
my $else = GBA::Recorder->start;
my $dead = GBA::Server::free_port();
my $live = 'GBABsfProtocol http/1.1';
# Somebody listens there and lets nobody in, so that a connection never comes about.
my $full = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "no port: $@\n";
my @queue = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $full->sockport, Blocking => 0) } 1 .. 8;

my $sections = <<"END";
<GBABsf a>
    GBABsfDomain bsf.home1.net
    GBABsfAddress @{[ $bsf{a}->url ]}
    $live
</GBABsf>
<GBABsf b>
    GBABsfDomain *.visited.net
    GBABsfAddress @{[ $bsf{b}->url ]}
</GBABsf>
<GBABsf c>
    GBABsfDomain deep.visited.net *.far.visited.net
    GBABsfAddress @{[ $bsf{c}->url ]}/some/prefix
    $live
</GBABsf>
<GBABsf refused>
    GBABsfDomain refused.home1.net
    GBABsfAddress http://127.0.0.1:$dead @{[ $bsf{second}->url ]}
    $live
    GBABsfTimeout 500ms 3s
</GBABsf>
<GBABsf full>
    GBABsfDomain full.home1.net
    GBABsfAddress http://127.0.0.1:@{[ $full->sockport ]} @{[ $bsf{second}->url ]}
    $live
    GBABsfTimeout 500ms 8s
</GBABsf>
<GBABsf sick>
    GBABsfDomain sick.home1.net
    GBABsfAddress @{[ $bsf{first}->url ]} http://127.0.0.1:$dead
    $live
</GBABsf>
<GBABsf silent>
    GBABsfDomain silent.home1.net
    GBABsfAddress @{[ $bsf{first}->url ]} @{[ $bsf{second}->url ]}
    $live
    GBABsfTimeout 500ms 4s
</GBABsf>
<GBABsf nowhere>
    GBABsfDomain nowhere.home1.net
    GBABsfAddress http://127.0.0.1:$dead
    $live
    GBABsfTimeout 500ms 1s
</GBABsf>
<GBABsf led>
    GBABsfDomain led.home1.net
    GBABsfAddress @{[ $bsf{led}->url ]} @{[ $bsf{second}->url ]}
    GBABsfRedirect 127.0.0.1:@{[ $bsf{a}->port ]}
    $live
</GBABsf>
<GBABsf alone>
    GBABsfDomain alone.home1.net
    GBABsfAddress @{[ $bsf{led}->url ]}
    GBABsfRedirect 127.0.0.1:@{[ $bsf{a}->port ]}
    $live
</GBABsf>
END
my $source = join ' ', map { "nbsp:$_" } qw(a b c refused full sick silent nowhere led alone);
my $scene  = GBA::BSF::Scene->start(bsf => $bsf{a}, sections => $sections, source => $source, threads => 32);

# Who was asked, as letters; what was asked is forgotten.
sub asked { return join ' ', map { ($_) x scalar $bsf{$_}->calls } sort keys %bsf }

# ---- the map ----

for my $row (
    ['bsf.home1.net',          'a'],
    ['BSF.Home1.NET',          'a'],
    ['x.visited.net',          'b'],
    ['y.x.visited.net',        'b'],
    ['deep.visited.net',       'c'],    # the whole name before any suffix
    ['other.deep.visited.net', 'b'],
    ['a.far.visited.net',      'c'],    # the longest suffix
) {
    my ($domain, $who) = @$row;
    my $ue = $scene->ue([1], domain => $domain, bsf => $bsf{$who});
    $scene->row($domain, $scene->ask($ue), wanted => '200 protected');
    is(asked(), $who, "$domain: $who is asked, and nobody else");
}
$bsf{c}->look;
$scene->ask($scene->ue([1], domain => 'deep.visited.net', bsf => $bsf{c}));
is(($bsf{c}->calls)[0]{target}, '/some/prefix/nbsp-gba/v1/bootstrapping-info-retrieval', 'an address may have a prefix');
$scene->log->look;

# Names that nobody configured, among them where somebody listens: no connection is made to them.
for my $domain ('home1.net', 'visited.net', 'xvisited.net', 'evilbsf.home1.net', 'bsf.home1.net.example.org', 'localhost', '127.0.0.1',
    '127.0.0.1:' . $else->port, 'net', 'xnet') {
    my $response = $scene->ask($scene->ue([1], domain => $domain));
    like(outcome($response), qr/\A(?:401 bootstrap|503 retry 30|400)\z/, "$domain is nobody's: the UE is told");
    is(asked(), '', "$domain: nobody is asked");
    $scene->log->look;
}
is($else->count, 0, 'and no name that a UE gave is connected to');

# ---- several addresses ----
{
    # The first three ask it, before it is left alone; the quickest of them says what that costs.
    my @took;
    for my $n (1 .. 3) {
        my $ue    = $scene->ue([1], domain => 'refused.home1.net', bsf => $bsf{second});
        my $begun = time;
        my $response = $scene->ask($ue);
        push @took, time - $begun;
        $scene->row("one address refuses, UE $n", $response, wanted => '200 protected', tags => $n < 3 ? [] : ['GBA1160']);
        is(asked(), 'second', 'the next one answers');
    }
    cmp_ok((sort { $a <=> $b } @took)[0], '<', 0.5, 'at once');
    my @outcomes = map { outcome($scene->ask($scene->ue([1], domain => 'refused.home1.net', bsf => $bsf{second}))) } 1 .. 10;
    is_deeply(\@outcomes, [('200 protected') x 10], 'and so on');
    asked();
    $scene->log->look;
}

# One that cannot be connected to costs the first limit of GBABsfTimeout, not its share of the second.
SKIP: {
    my $late = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $full->sockport, Blocking => 0);
    skip 'a listener that lets nobody in cannot be had here', 3 if !$late || IO::Select->new($late)->can_write(1);
    my @took;
    for (1 .. 2) {
        my $ue    = $scene->ue([1], domain => 'full.home1.net', bsf => $bsf{second});
        my $begun = time;
        is(outcome($scene->ask($ue)), '200 protected', 'nobody can be connected to: the next one answers');
        push @took, time - $begun;
    }
    cmp_ok((sort { $a <=> $b } @took)[0], '<', 3, 'soon');
    asked();
    $scene->log->look;
}

# What a BSF said tells more than that its other address does not answer.
for my $row ([{ status => 503, cause => 'NF_CONGESTION', fields => [['Retry-After', 7]] }, '503 retry 7', qr/GBA1104: .*NF_CONGESTION/],
    [{ status => 500, cause => 'SYSTEM_FAILURE' }, '503 retry 30', qr/GBA1104: .*SYSTEM_FAILURE/]) {
    my ($answer, $wanted, $says) = @$row;
    my $name = "$answer->{status}, and nobody at the next address";
    $bsf{first}->next($answer);
    $scene->row($name, $scene->ask($scene->ue([1], domain => 'sick.home1.net')), wanted => $wanted, tags => ['GBA1104'], says => $says);
    is(asked(), 'first', "$name: the first was asked");
}

# An address that takes connections and says nothing costs the first who ask their time, and then nobody.
{
    $bsf{first}->always({ hang => 1 });
    my @ues   = map { $scene->ue([1], domain => 'silent.home1.net', bsf => $bsf{second}) } 1 .. 80;
    my $crowd = GBA::Crowd->new(16, sub { return sub { return $scene->ask($ues[$_[0]])->{status} } });
    my @answers = map { $_->[1] } $crowd->do(0 .. $#ues);
    is($crowd->finish, 0, 'a crowd, the first address silent: every answer is whole');
    my @good = grep { $_ == 200 } @answers;
    is(@good, @ues, 'all are served by the second');
    my $hung = () = $bsf{first}->calls;
    cmp_ok($hung, '<=', 16 + 6, "the first was asked by no more than were there when it fell silent, and by probes ($hung)");
    my @lines = $scene->log->look;
    cmp_ok(scalar(grep { /GBA11/ && GBA::Log::is_loud($_) } @lines), '<=', 30, 'the log does not grow by a line for each of them');
    asked();

    # It is back: within a back-off it is asked again.
    $bsf{first}->rightly;
    my $until = time + 25;
    my $back;
    until ($back || time > $until) {
        sleep 0.2;
        my $ue = $scene->ue([1], domain => 'silent.home1.net', bsf => $bsf{first});
        $bsf{second}->add($ue->{subscriber});
        $scene->ask($ue);
        $back = $bsf{first}->calls;
        $bsf{second}->look;
    }
    ok($back, 'an address that answers again is asked again');
    my @outcomes = map {
        my $ue = $scene->ue([1], domain => 'silent.home1.net', bsf => $bsf{first});
        outcome($scene->ask($ue));
    } 1 .. 5;
    is_deeply(\@outcomes, [('200 protected') x 5], 'and is the first again');
    asked();
    $scene->log->look;
}

# Nobody at any address: 503, in no time once that is known.
{
    my @outcomes = map { outcome($scene->ask($scene->ue([1], domain => 'nowhere.home1.net'))) } 1 .. 10;
    is_deeply(\@outcomes, [('503 retry 30') x 10], 'no address answers');
    my @lines = $scene->log->look;
    cmp_ok(scalar(grep { /GBA1152/ } @lines), '>=', 3, 'each is asked');
    cmp_ok(scalar(grep { /GBA1162/ } @lines), '>=', 1, 'until that is known');
    is(outcome($scene->ask($scene->ue([1]))), '200 protected', 'and is nothing to the UEs of another BSF');
    asked();
    $scene->log->look;
}

# ---- redirects (TS 29.500 6.10.9, RFC 9110 15.4.8) ----

my $path = '/nbsp-gba/v1/bootstrapping-info-retrieval';
sub led {
    my ($name, $status, $location, $wanted, $who, %more) = @_;
    my $domain = $wanted =~ /\A200/ ? 'led' : 'alone';
    my $ue = $scene->ue([1], domain => "$domain.home1.net", bsf => $bsf{ $more{to} // 'led' });
    asked();
    $bsf{led}->next({ status => $status, fields => [['Location', $location]] });
    $scene->row($name, $scene->ask($ue), wanted => $wanted, tags => $wanted =~ /200/ ? [] : [qr/\AGBA11[0-9]{2}\z/]);
    my %seen = map { $_ => $bsf{$_}->look->{calls} } sort keys %bsf;
    is(join(' ', map { ($_) x @{ $seen{$_} } } sort keys %seen), $who, "$name: who is asked");
    $bsf{led}->next;
    my @bodies = map { $_->{body} } map { @$_ } values %seen;
    is(scalar(grep { $_ ne $bodies[0] } @bodies), 0, "$name: the body is the same") if @bodies > 1;
    return;
}
for my $status (307, 308) {
    led("$status to another address of his", $status, $bsf{second}->url . $path, '200 protected', 'led second', to => 'second');
    led("$status to a host of GBABsfRedirect", $status, $bsf{a}->url . $path, '200 protected', 'a led', to => 'a');
    led("$status to another path there", $status, $bsf{a}->url . "/set/7$path", '200 protected', 'a led', to => 'a');
    led("$status to a path", $status, "/set/7$path", '200 protected', 'led led');
}
my $down = '503 retry 30';
led('307 to another port', 307, 'http://127.0.0.1:' . $else->port . $path, $down, 'led');
led('307 to another BSF that is not his', 307, $bsf{c}->url . $path, $down, 'led');
led('307 to another name of the same', 307, 'http://localhost:' . $bsf{a}->port . $path, $down, 'led');
led('307 to a name with a user', 307, 'http://127.0.0.1:' . $bsf{a}->port . '@localhost:' . $else->port . $path, $down, 'led');
led('307 to a file', 307, 'file:///etc/passwd', $down, 'led');
led('307 to something else', 307, "gopher://127.0.0.1:$dead/x", $down, 'led');
led('307 with a line end', 307, $bsf{a}->url . "$path\tx", $down, 'led');
led('302 is no redirect here', 302, $bsf{a}->url . $path, $down, 'led');
is($else->count, 0, 'no redirect leads where nobody configured');
{
    my $ue = $scene->ue([1], domain => 'led.home1.net', bsf => $bsf{second});
    asked();
    $bsf{led}->next({ status => 307, fields => [['Location', 'http://127.0.0.1:' . $else->port . $path]] });
    is(outcome($scene->ask($ue)), '200 protected', 'an address that leads astray is as good as one that does not answer');
    is(asked(), 'led second', 'the next is asked');
    $scene->log->look;
    $ue = $scene->ue([1], domain => 'alone.home1.net', bsf => $bsf{led});
    $bsf{led}->always({ status => 307, fields => [['Location', $bsf{led}->url . $path]] });
    asked();
    is(outcome($scene->ask($ue)), $down, 'a redirect to itself');
    cmp_ok(scalar($bsf{led}->calls), '<=', 10, 'ends');
    $bsf{led}->rightly;
    $scene->log->look;
}

# ---- a Unix socket ----
{
    my $ue = $scene->ue([1], domain => 'x.visited.net', bsf => $bsf{b});
    my $before = $bsf{b}->look->{connections};
    is(outcome($scene->ask($ue)), '200 protected', 'over a Unix socket');
    is($bsf{b}->look->{connections}, $before, 'on the connection that was there') if $before;
    $bsf{b}->stop;
    is(outcome($scene->ask($scene->ue([1], domain => 'x.visited.net', bsf => $bsf{a}))), $down, 'it is gone');
    $bsf{b}->spawn;
    my $last;
    for (1 .. 50) {
        $last = outcome($scene->ask($scene->ue([1], domain => 'x.visited.net', bsf => $bsf{b})));
        last if $last =~ /200/;
        sleep 0.2;
    }
    is($last, '200 protected', 'and back');
    $scene->log->look;
}
$scene->finish;
unlink "$tmp/zn-bsf.sock";
done_testing;
