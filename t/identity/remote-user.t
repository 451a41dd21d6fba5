#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# GBARemoteUser: who REMOTE_USER is, for what runs in a location and for the access log.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Test::More;
use GBA::CA qw(certificate new_key pkcs10);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site slurp);
use GBA::UE;

my $imsi = 1_040_000_001;
sub uss { my ($type, @ids) = @_; return { uss => { gsId => $type, gsType => $type, ueIds => [map { { ueId => $_ } } @ids], flags => [{ flag => 1 }] } } }
sub entry { my ($name, %more) = @_; return ($name => GBA::CA::entry($name, undef, impi => GBA::CA::impi($imsi++), %more)) }
my %subscriber = (
    entry('full',   ussList => [uss(4, 'sip:first@home1.net', 'tel:+15550001'), uss(1, 'sip:second@home1.net')]),
    entry('other',  ussList => [uss(1, 'sip:other@home1.net')]),
    entry('plain'),
    entry('no-impi', impi => undef, ussList => [uss(1, 'sip:only@home1.net')]),
    entry('foreign', impi => undef, ussList => [uss(4, 'sip:game@home1.net')]),
    entry('nobody',  impi => undef),
    map { entry("down-$_", ussList => [uss(1, "sip:$_\@home1.net")]) } 1 .. 3,
);

my $cgi    = (($ENV{GBA_MPM} || 'event') eq 'prefork') ? 'cgi' : 'cgid';
my $script = site()->{top} . '/t/cgi/echo.pl';
my $server = GBA::Server->start(children => 2, modules => [$cgi], subscribers => [values %subscriber], conf => <<"END");
ScriptAliasMatch "^/who/" "$script"
LogFormat "%{X-Mark}i %>s %u %U" users
CustomLog "users" users
<Location "/who">
    AuthType GBA
    Require valid-user
</Location>
<Location "/who/btid">
    GBARemoteUser btid
</Location>
<Location "/who/impi">
    GBARemoteUser impi
</Location>
<Location "/who/ueid">
    GBARemoteUser UEID
</Location>
<Location "/who/pseudonym">
    GBARemoteUser pseudonym
</Location>
# The same subscribers in another ledger have other names.
<Location "/who/pseudonym/elsewhere">
    GBALedger "sqlite:ledger/elsewhere.db"
</Location>
<Location "/who/pseudonym/down">
    GBALedger "sqlite:ledger/down.db"
</Location>
<Location "/who/impi/one">
    Require user $subscriber{full}{impi}
</Location>
END
my $log = GBA::Log->watch($server->error_log);
my %ue  = map { $_ => GBA::UE->new($subscriber{$_}, port => $server->port) } keys %subscriber;

my $mark = 0;    # of the last request
sub marked { return fields => [['X-Mark', ++$mark]] }

sub who {
    my ($name, $place) = @_;
    my $answer = $ue{$name}->request('GET', "/who/$place?env", marked());
    my ($user) = $answer->{body} =~ /^REMOTE_USER=(.*)$/m;
    my ($type) = $answer->{body} =~ /^AUTH_TYPE=(.*)$/m;
    is($type, 'GBA', "$name at $place: AUTH_TYPE") if $answer->{status} == 200;
    return ($answer, "$answer->{status} $answer->{protected} " . ($user // '-'));
}

# The access log's line for the last request: it is written after the answer was sent.
sub logged {
    for (1 .. 250) {
        return $1 if slurp($server->dir . '/users') =~ /^$mark (.*)\n/m;
        select undef, undef, undef, 0.02;
    }
    return 'nothing';
}

# ---- what is known at once ----
for my $name (qw(full plain no-impi foreign nobody)) {
    my $s = $subscriber{$name};
    my ($first) = map { $_->{uss}{ueIds}[0]{ueId} } @{ $s->{ussList} || [] };
    for my $row (['default', $s->{btId}], ['btid', $s->{btId}], ['impi', $s->{impi}], ['ueid', $first]) {
        my ($place, $user) = @$row;
        my ($answer, $got) = who($name, $place);
        is($got, defined $user ? "200 1 $user" : '403 1 -', "$name at $place");
        is(logged(), defined $user ? "200 $user /who/$place" : "403 - /who/$place", "$name at $place: access log");
        $log->holds("$name at $place", $place eq 'default' ? 'GBA0401' : (), defined $user ? () : 'GBA0670');
    }
}

# Nobody is named where nobody is authenticated.
{
    my $ue = GBA::UE->new($subscriber{full}, port => $server->port);
    my $answer = $ue->exchange('GET', '/who/btid', auth => 0, marked());
    $ue->take_challenge($answer);
    is(logged(), '401 - /who/btid', 'a challenge: access log');
    $ue->exchange('GET', '/who/btid', auth => { password => 'wrong' }, marked());
    is(logged(), '401 - /who/btid', 'a wrong response: access log');
    $log->holds('nobody', qw(GBA0401 GBA0419));
}

# Require user asks for the same name.
is((who('full', 'impi/one'))[1],  "200 1 $subscriber{full}{impi}", 'Require user: the one');
is((who('plain', 'impi/one'))[1], '403 1 -',                       'Require user: another');
$log->holds('Require user', qw(GBA0642 AH01631));

# ---- the pseudonym ----
sub enrol {
    my ($name) = @_;
    my $pem = pkcs10(new_key('EC', 'P-256'));
    my $answer = $ue{$name}->request('POST', '/enrol', type => 'application/x-pkcs10', body => $pem);
    is($answer->{status}, 200, "$name enrols");
    return certificate($answer->{body})->{subject} =~ /CN ?= ?([^,\/]+)/ ? $1 : 'none';
}

my %name;
for my $who (qw(full other no-impi)) {
    # One is named before the certificate is made, the others after.
    ($name{$who}) = (who($who, 'pseudonym'))[1] =~ /\A200 1 ([0-9a-f]{32})\z/ if $who eq 'full';
    my $cn = enrol($who);
    my ($answer, $got) = who($who, 'pseudonym');
    is($got, "200 1 $cn", "$who: the CN of the certificate");
    is(logged(), "200 $cn /who/pseudonym", "$who: access log");
    is($name{$who}, $cn, "$who: and so before enrolment") if $who eq 'full';
    $name{$who} = $cn;
    is((who($who, 'pseudonym'))[1], "200 1 $cn", "$who: and again");
}
is(scalar keys %{ { reverse %name } }, 3, 'three subscribers, three names');
$log->holds('pseudonyms', ('GBA0401') x 1, ('GBA0661') x 3);

for my $who (qw(foreign nobody)) {
    is((who($who, 'pseudonym'))[1], '403 1 -', "$who: no identity for a pseudonym");
    is(logged(), '403 - /who/pseudonym', "$who: access log");
    $log->holds("$who: pseudonym", 'GBA0670');
}

# What one ledger calls a subscriber is not told where another one is in force.
{
    my ($answer, $got) = who('full', 'pseudonym/elsewhere');
    my ($elsewhere) = $got =~ /\A200 1 (.+)\z/;
    ok($elsewhere && $elsewhere ne $name{full}, 'another ledger, another name');
    is((who('full', 'pseudonym'))[1],           "200 1 $name{full}",  'the first is still the first there');
    is((who('full', 'pseudonym/elsewhere'))[1], "200 1 $elsewhere",   'and the other here');
    $log->holds('two ledgers');
}

# ---- the ledger down ----
{
    my ($kept) = (who('down-1', 'pseudonym/down'))[1] =~ /\A200 1 (.+)\z/;
    ok($kept, 'a name while the ledger is up');
    $log->holds('the ledger up', 'GBA0401');
    my $file = $server->dir . '/ledger/down.db';
    rename $file, "$file.away" or die "$file: $!\n";
    for my $who (qw(down-2 down-3)) {
        my ($answer, $got) = who($who, 'pseudonym/down');
        is($got, '503 1 -', "$who: the ledger is down");
        like(GBA::HTTP::field($answer, 'Retry-After'), qr/\A[1-9][0-9]*\z/, "$who: Retry-After");
        is(scalar(() = GBA::HTTP::field($answer, 'WWW-Authenticate')), 0, "$who: no challenge");
        is(logged(), '503 - /who/pseudonym/down', "$who: access log");
        $log->holds("$who: down", 'GBA0401', qr/\AGBA05[0-9]{2}\z/);
    }
    is((who('down-1', 'pseudonym/down'))[1], "200 1 $kept", 'who was named stays named: the name never changes');
    rename "$file.away", $file or die "$file: $!\n";
    like((who('down-2', 'pseudonym/down'))[1], qr/\A200 1 [0-9a-fA-F]{32}\z/, 'up again, without a restart');
    $log->holds('up again');
}

$server->stop;
$log->finish;
done_testing;
