# SPDX-License-Identifier: Apache-2.0
# A child is killed while it holds the lock of a set, at each moment at which that could matter: the
# others go on, and what was used before is refused for ever. The module of this test has fault
# points (src/base/base_fault.h): skipped where it was not built.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep time);
use GBA::CA;
use GBA::Crowd;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site slurp spew);
use GBA::UE;

my $module = ($ENV{GBA_BUILDDIR} // '') . '/.libs/mod_gba_pki_fault.so';
plan skip_all => "no module with fault points at $module: make check builds it" unless -f $module;
unlike(slurp(site()->{top} . '/.libs/mod_gba_pki.so'), qr/GBA_FAULT_FILE/, 'the real module has no fault points');

my $target = '/docs/hello.txt';
# The child that dies removes the file first, so the folder is the children's.
my $folder = site()->{tmp} . "/fault.$$";
my $file   = "$folder/point";
mkdir $folder, 0755 or die "$folder: $!\n";
chown scalar getpwnam site()->{user}, scalar getgrnam site()->{group}, $folder if $> == 0;

# One set: whoever dies, dies with the lock that everybody needs. Below /named a pseudonym is kept
# with the association, so that one that is there already is written again.
my $pages = Apache::Test::vars()->{documentroot};
my $conf  = <<"END";
GBAAssociations 16
Alias /named "$pages/docs"
<Location /named>
    AuthType GBA
    Require valid-user
    GBARemoteUser pseudonym
</Location>
END

sub start {
    my (@entries) = @_;
    return GBA::Server->start(module => $module, conf => $conf, subscribers => \@entries,
        env => { GBA_FAULT_FILE => $file }, log_level => 'warn gba_pki:notice');
}

# 200, "stale", another status, or "dead" if the connection ended without an answer.
my $refused = 0;
sub get {
    my ($ue, $auth, $path) = @_;
    my $response = eval { $ue->exchange('GET', $path // $target, auth => $auth, fresh => 1) };
    return 'dead' if !$response && $@ =~ /\Athe connection ended inside a line/;
    die $@ unless $response;
    return $response->{status} unless $response->{status} == 401 && $ue->take_challenge($response);
    $refused++;
    return $ue->{stale} ? 'stale' : 401;
}

# How often it was told stale before it was served; 99 if it never was.
sub go_on {
    my ($ue) = @_;
    for my $stale (0 .. 3) {
        my $context = $ue->context('GET', $target, '', {});
        push @{ $ue->{used} }, $context;
        my $outcome = get($ue, { context => $context });
        return $stale if $outcome eq '200';
        last unless $outcome eq 'stale';
    }
    return 99;
}

# The children that are left of these, once one of them is gone.
sub left {
    my ($server, @before) = @_;
    my %before = map { $_ => 1 } @before;
    for (1 .. 200) {
        my @left = grep { $before{$_} } $server->children;
        return scalar @left if @left < @before;
        sleep 0.05;
    }
    return scalar @before;
}

# ---- one by one ----

# A point, who runs into it, and on which path. "known" has an association with used nonces.
my @rows = (
    ['accept-before', 'known', $target],
    ['accept-after',  'known', $target],
    ['name-before',   'known', '/named/hello.txt'],
    ['name-after',    'known', '/named/hello.txt'],
);
for my $row (@rows) {
    my ($point, $who, $path) = @$row;
    my $name    = "$point, $who UE";
    my @entries = map { GBA::CA::entry("killed-$_", [1]) } 1 .. 3;
    my $server  = start(@entries);
    my $log     = GBA::Log->watch($server->error_log);
    my ($victim, $other, $new) = map { GBA::UE->new($_, port => $server->port, used => []) } @entries;
    $_->authenticate($target) for $victim, $other, $new;
    is(go_on($_), 0, "$name: a UE gets known") for $other, $who eq 'known' ? ($victim, $victim) : ();

    my @before = $server->children;
    spew($file, "$point\n");
    my $context = $victim->context('GET', $path, '', {});
    is(get($victim, { context => $context }, $path), 'dead', "$name: a child dies");
    ok(!-e $file, "$name: at the fault point");
    is(left($server, @before), @before - 1, "$name: one child and no other");

    is(go_on($other), 0, "$name: another UE goes on and is not told stale");
    is(get($victim, { context => $context }, $path), 'stale', "$name: its request is refused");
    is(go_on($victim), 0, "$name: with the challenge of that it goes on");
    cmp_ok(go_on($new), '<=', 1, "$name: who had a challenge from before is told stale at most once");
    my @used = ($context, map { @{ $_->{used} } } $victim, $other, $new);
    is(scalar(grep { get($victim, { context => $_ }, $_->{uri}) eq '200' } @used), 0,
        "$name: none of " . @used . ' requests is accepted again');
    $server->stop;
    $log->finish((qr/\AGBA042[01]\z/) x $refused);
    $refused = 0;
}

# ---- the keeper, while it stores what it looked up ----

# Children go on, the warden starts another keeper, and what stood half-written is as if never there.
for my $point (qw(put-before put-after)) {
    my $name    = "$point, new UE";
    my @entries = map { GBA::CA::entry("keeper-$_", [1]) } 1 .. 2;
    my $server  = start(@entries);
    my ($victim, $other) = map { GBA::UE->new($_, port => $server->port, used => []) } @entries;
    $_->authenticate($target) for $victim, $other;
    is(go_on($other), 0, "$name: a UE gets known");
    my @before  = $server->children;
    my $context = $victim->context('GET', $target, '', {});
    spew($file, "$point\n");
    like(get($victim, { context => $context }), qr/\A(?:200|503|stale)\z/, "$name: it is served, told stale, or told to come again");
    ok(!-e $file, "$name: the keeper has died at the fault point");
    is_deeply([$server->children], \@before, "$name: and no child with it");
    is(go_on($other), 0, "$name: another UE goes on and is not told stale");
    my $until = time + 20;
    my $stale = 99;
    while ($stale == 99 && time < $until) { $stale = go_on($victim); sleep 0.2 if $stale == 99 }
    cmp_ok($stale, '<=', 1, "$name: it goes on too, and is told stale at most once");
    my @used = map { @{ $_->{used} } } $victim, $other;
    is(scalar(grep { get($victim, { context => $_ }, $_->{uri}) eq '200' } grep { !$_->{lost} } @used), 0,
        "$name: none of " . @used . ' requests is accepted again') if $stale < 99;
    is(scalar(() = slurp($server->error_log) =~ /GBA0720/g), 1, "$name: its end was logged");
    $server->stop;
    $refused = 0;
}

# ---- under load ----

# Eight UEs on one set. A client answers how often it was told stale in a row; 50 for a connection
# that died, which it takes as every client would: the request is lost, its number too.
for my $point (qw(accept-before accept-after)) {
    my @entries = map { GBA::CA::entry("load-$_", [1]) } 1 .. 8;
    my $server  = start(@entries);
    my @before  = $server->children;
    my $log     = GBA::Log->watch($server->error_log);
    my $crowd   = GBA::Crowd->new(8, sub {
        my ($number) = @_;
        my $ue = GBA::UE->new($entries[$number], port => $server->port);
        $ue->authenticate($target);
        return sub {
            for my $stale (0 .. 3) {
                my $outcome = get($ue, {});
                return $stale if $outcome eq '200';
                return 50 if $outcome eq 'dead';
                return 99 unless $outcome eq 'stale';
            }
            return 99;
        };
    });
    my %outcome;
    $outcome{ $_->[1] }++ for $crowd->do(1 .. 200);
    is_deeply(\%outcome, { 0 => 200 }, "$point, load: all is well before");
    spew($file, $point);
    %outcome = ();
    $outcome{ $_->[1] }++ for $crowd->do(1 .. 400);
    is($crowd->finish, 0, "$point, load: no client saw a wrong answer");
    is(left($server, @before), @before - 1, "$point, load: one child died");
    cmp_ok($outcome{50} // 0, '>=', 1, "$point, load: a connection with it");
    cmp_ok($outcome{50} // 0, '<=', 8, "$point, load: no more than it had");
    cmp_ok($outcome{1} // 0,  '<=', 8, "$point, load: each UE is told stale at most once");
    is_deeply([grep { !/\A(?:0|1|50)\z/ } keys %outcome], [], "$point, load: and every other request was served");
    $server->stop;
    $log->finish(('GBA0421') x ($outcome{1} // 0));
}
rmdir $folder;
done_testing;
