#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Nbsp_GBA of the laboratory BSF (TS 29.309): the key that the UE has too, the settings that the file has
# now, and every refusal as ProblemDetails (TS 29.571).

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);
use GBA::HTTP;
use GBA::LabServer;
use GBA::Log;
use GBA::Ub;

my $true   = JSON::PP::true;
my $server = GBA::LabServer->start(alone => 1);
my $log    = GBA::Log->watch($server->error_log);
my %ue     = map { $_ => GBA::Ub->new($server->usim($_), sqn => $_ eq 'bob' ? 0x1000 : 0) } qw(alice bob carol);

# ---- success ----
my $now   = time;
my %keys  = map { $_ => $ue{$_}->bootstrap } sort keys %ue;
my $alice = $keys{alice};
$log->holds('bootstrapped', ('GBA0923') x 3);
my $answer = $server->retrieve($alice->{btid}, gsIds => [1]);
is("$answer->{status} $answer->{type}", '200 application/json', 'a NAF asks for a key');
is(GBA::HTTP::field($answer, 'Cache-Control'), 'no-store', 'which nobody may store');
like(GBA::HTTP::field($answer, 'X-GBA-Laboratory'), qr/laboratories/, 'and the answer says where such a BSF belongs');
my $info = $answer->{json};
is($info->{meKeyMaterial}, unpack('H*', $ue{alice}->naf_key($alice, 'pkiportal.home1.net')), 'it is the UE\'s (TS 33.220 B.3)');
is($info->{keyExpiryTime}, $alice->{lifetime}, 'and ends when the UE was told');
ok(abs(strptime($info->{bootstrappingInfoCreationTime}) - $now) < 10, 'made just now');
is(strptime($info->{keyExpiryTime}) - strptime($info->{bootstrappingInfoCreationTime}), 86400, 'for a day');
is($info->{gbaType}, '3G_GBA', 'of type 3G_GBA');
is($info->{impi}, 'alice@ims.home1.net', 'his identity');
is_deeply([map { $_->{uss}{gsId} } @{ $info->{ussList} }], [1], 'settings of the service that was asked for');
is_deeply($info->{ussList}[0]{uss}, { gsId => 1, gsType => 1, ueIds => [{ ueId => 'sip:alice@home1.net' }], flags => [{ flag => 1 }] }, 'as the file has them');
is_deeply([sort keys %$info], [qw(bootstrappingInfoCreationTime gbaType impi keyExpiryTime meKeyMaterial ussList)], 'and nothing else');
is_deeply([map { $_->{uss}{gsId} } @{ $server->retrieve($alice->{btid}, gsIds => [4, 9, 1])->{json}{ussList} }], [1, 4], 'two services');
ok(!exists $server->retrieve($alice->{btid}, gsIds => [9])->{json}{ussList}, 'a service he does not have: no list, never an empty one');
ok(!exists $server->retrieve($alice->{btid})->{json}{ussList}, 'none asked for: none told');
ok(!exists $server->retrieve($keys{carol}{btid}, gsIds => [1])->{json}{ussList}, 'nor for a subscriber without any');
is($server->retrieve($alice->{btid}, naf => 'PkiPortal.Home1.NET')->{json}{meKeyMaterial}, $info->{meKeyMaterial}, 'a NAF\'s name in any case');
is($server->post({ btId => $alice->{btid}, nafId => { nafFqdn => 'pkiportal.home1.net', uaSecProtId => '010001C02F' } })->{json}{meKeyMaterial},
    unpack('H*', $ue{alice}->naf_key($alice, 'pkiportal.home1.net', '010001c02f')), 'another Ua protocol, another key');
my $text   = JSON::PP::encode_json({ btId => $alice->{btid}, nafId => { nafFqdn => 'pkiportal.home1.net', uaSecProtId => '0100000000' }, new => [1] });
my $chunks = join '', map { sprintf "%x\r\n%s\r\n", length, $_ } unpack('(a20)*', $text), '';
is($server->post($chunks, fields => ['content-type: Application/JSON; charset=utf-8', 'Transfer-Encoding: chunked'])->{json}{meKeyMaterial},
    $info->{meKeyMaterial}, 'in chunks, and with a member that nobody knows');
$log->holds('each told', ('GBA0930') x 8);

# ---- GBA_U ----
my $bob = $server->retrieve($keys{bob}{btid}, gbaUAware => $true)->{json};
is($bob->{uiccKeyMaterial}, unpack('H*', $ue{bob}->naf_key($keys{bob}, 'pkiportal.home1.net', undef, 'gba-u')), 'Ks_int_NAF for a GBA_U USIM and a NAF that knows of it');
is($bob->{meKeyMaterial}, unpack('H*', $ue{bob}->naf_key($keys{bob}, 'pkiportal.home1.net')), 'beside Ks_ext_NAF');
ok(!exists $server->retrieve($keys{bob}{btid})->{json}{uiccKeyMaterial}, 'not for a NAF that does not');
ok(!exists $server->retrieve($alice->{btid}, gbaUAware => $true)->{json}{uiccKeyMaterial}, 'nor for another USIM');
$log->holds('each told', ('GBA0930') x 3);

# ---- refusals ----
my $naf  = { nafFqdn => 'pkiportal.home1.net', uaSecProtId => '0100000000' };
my $good = { btId => $alice->{btid}, nafId => $naf };
my @type = ('Content-Type: application/json');
my @refused = (
    ['an unknown B-TID', 404, 'BTID_UNKNOWN', undef, { %$good, btId => 'AAAAAAAAAAAAAAAAAAAAAA==@bsf.home1.net' }],
    ['a B-TID that is none', 404, 'BTID_UNKNOWN', undef, { %$good, btId => '' }],
    ['another NAF', 403, 'NAF_NOT_AUTHORIZED', undef, { %$good, nafId => { %$naf, nafFqdn => 'other.home1.net' } }],
    ['no JSON', 400, 'INVALID_MSG_FORMAT', '', '{"btId":'],
    ['no object', 400, 'INVALID_MSG_FORMAT', '', '[]'],
    ['nothing', 400, 'INVALID_MSG_FORMAT', '', ''],
    ['a member twice', 400, 'INVALID_MSG_FORMAT', '', '{"btId":"a","btId":"b"}'],
    ['no btId', 400, 'MANDATORY_IE_MISSING', '/btId', { nafId => $naf }],
    ['btId a number', 400, 'MANDATORY_IE_INCORRECT', '/btId', { %$good, btId => 1 }],
    ['no nafId', 400, 'MANDATORY_IE_MISSING', '/nafId', { btId => 'a' }],
    ['nafId a string', 400, 'MANDATORY_IE_INCORRECT', '/nafId', { btId => 'a', nafId => 'b' }],
    ['no nafFqdn', 400, 'MANDATORY_IE_MISSING', '/nafId/nafFqdn', { btId => 'a', nafId => { uaSecProtId => '0100000000' } }],
    ['no uaSecProtId', 400, 'MANDATORY_IE_MISSING', '/nafId/uaSecProtId', { btId => 'a', nafId => { nafFqdn => 'a.b' } }],
    ['a short uaSecProtId', 400, 'MANDATORY_IE_INCORRECT', '/nafId', { btId => 'a', nafId => { %$naf, uaSecProtId => '01' } }],
    ['a name that is none', 400, 'MANDATORY_IE_INCORRECT', '/nafId', { btId => 'a', nafId => { %$naf, nafFqdn => 'a b' } }],
    ['gbaUAware a string', 400, 'OPTIONAL_IE_INCORRECT', '/gbaUAware', { %$good, gbaUAware => 'true' }],
    ['gsIds empty', 400, 'OPTIONAL_IE_INCORRECT', '/gsIds', { %$good, gsIds => [] }],
    ['gsIds no list', 400, 'OPTIONAL_IE_INCORRECT', '/gsIds', { %$good, gsIds => 1 }],
    ['gsIds of strings', 400, 'OPTIONAL_IE_INCORRECT', '/gsIds', { %$good, gsIds => ['1'] }],
    ['gsIds too large', 400, 'OPTIONAL_IE_INCORRECT', '/gsIds', { %$good, gsIds => [4294967296] }],
    ['GET', 405, 'METHOD_NOT_ALLOWED', undef, '', method => 'GET', fields => []],
    ['no length', 411, 'INCORRECT_LENGTH', 'header Content-Length', '', fields => [@type]],
    ['too long', 413, 'PAYLOAD_TOO_LARGE', undef, ' ' x 20_000],
    ['another type', 415, 'UNSUPPORTED_MEDIA_TYPE', 'header Content-Type', '{}', fields => ['Content-Type: text/plain', 'Content-Length: 2']],
    ['no type', 415, 'UNSUPPORTED_MEDIA_TYPE', 'header Content-Type', '{}', fields => ['Content-Length: 2']],
    ['push', 501, 'NOT_IMPLEMENTED', undef, '{}', target => '/nbsp-gba/v1/push-info-retrieval'],
);
for my $row (@refused) {
    my ($name, $status, $cause, $param, $body, @option) = @$row;
    my $got = $server->post($body, @option);
    is("$got->{status} $got->{type}", "$status application/problem+json", "$name: $status, problem+json");
    my $problem = $got->{json} || {};
    is_deeply([@{$problem}{qw(status cause)}], [$status, $cause], "$name: $cause");
    is_deeply($problem->{invalidParams}, defined $param ? [{ param => $param, reason => $problem->{detail} }] : undef, "$name: what was wrong");
    ok(length $problem->{title} && length $problem->{detail}, "$name: for people too");
    is(GBA::HTTP::field($got, 'Allow'), $status == 405 ? 'POST' : undef, "$name: Allow");
    $log->holds($name, 'GBA0910');
}
for my $target (qw(/nbsp-gba/v1/other /nbsp-gba/v1)) {
    my $got = $server->post($good, target => $target);
    is($got->{status}, 404, "$target: not found");
    unlike($got->{type}, qr/json/, 'and not in the words for an unknown B-TID');
}

# ---- the file, as it is now ----
$server->write_subscribers(alice => { blocked => $true });
is(join(' ', @{ $server->retrieve($alice->{btid})->{json} }{qw(status cause)}), '403 SUBSCRIBER_BLOCKED', 'blocked after he has bootstrapped');
$server->write_subscribers(alice => { ussList => [] });
$answer = $server->retrieve($alice->{btid}, gsIds => [1]);
is($answer->{status}, 200, 'no more blocked');
ok(!exists $answer->{json}{ussList}, 'but without settings any more');
is($answer->{json}{meKeyMaterial}, $info->{meKeyMaterial}, 'with the same key');
$server->write_subscribers(alice => { impi => 'alicia@ims.home1.net' });
is($server->retrieve($alice->{btid})->{json}{cause}, 'SUBSCRIBER_BLOCKED', 'who is not in the file any more is refused');
$server->write_subscribers;
my $first = $alice;
my $newer = $ue{alice}->bootstrap;
isnt($newer->{btid}, $first->{btid}, 'a new bootstrapping has a new B-TID');
is($server->retrieve($_->{btid})->{status}, 200, 'and the old one lives on to its end') for $newer, $first;
$log->look;

# ---- shared and kept ----
is(scalar(grep { $server->retrieve($alice->{btid})->{status} == 200 } 1 .. 12), 12, 'every child knows it');
$server->graceful;
is(scalar(grep { $server->retrieve($alice->{btid})->{status} == 200 } 1 .. 12), 12, 'after a graceful restart too');
$log->look;
$log->finish;

# ---- short lives, and bounds ----
$server = GBA::LabServer->start(alone => 1, lab => "GBALabKeyLifetime 6s\nGBALabMaxBootstrappings 16\nGBALabNaf *\nLogLevel gba_bsf:trace8\n");
$log    = GBA::Log->watch($server->error_log);
my $ue  = GBA::Ub->new($server->usim('alice'));
my $short = $ue->bootstrap;
my $end   = strptime($short->{lifetime});
$answer = $server->retrieve($short->{btid}, naf => 'any.home1.net');
is($answer->{status}, 200, 'a key of six seconds');
my @traced = grep { /GBA0931/ } $log->look;
is(scalar @traced, 2, 'request and answer can be traced');
like($traced[1], qr{"meKeyMaterial":"\(64 hex digits\)"}, 'with the key masked') or diag(@traced);
unlike("@traced", qr/$answer->{json}{meKeyMaterial}/, 'and nowhere else');
is(strptime($answer->{json}{keyExpiryTime}) - strptime($answer->{json}{bootstrappingInfoCreationTime}), 6, 'says so');
sleep $end - time - 0.3 if $end - time > 0.3;
my $last = $server->retrieve($short->{btid})->{status};
# What was answered after the end may say either.
is($last, 200, 'lives to its end') if time < $end;
sleep $end - time + 0.1 if $end > time - 0.1;
is($server->retrieve($short->{btid})->{json}{cause}, 'BTID_UNKNOWN', 'and not beyond');
$log->look;
my @btid = map { $ue->bootstrap->{btid} } 1 .. 40;
is($ue->sqn >> 5, 41, 'no USIM is resynchronised meanwhile');
my $known = grep { $server->retrieve($_)->{status} == 200 } @btid[0 .. 38];
ok($known < 32, "older ones have made room for newer ones ($known of 39 known)");
$ue->first for 1 .. 40;
ok($ue->bootstrap, 'challenges that nobody answers block nobody');
$log->look;
$log->finish;

sub strptime {
    my ($text) = @_;
    my ($y, $m, $d, $h, $min, $s) = $text =~ /\A(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z\z/ or die "no date-time: $text\n";
    require Time::Local;
    return Time::Local::timegm($s, $min, $h, $d, $m - 1, $y);
}

done_testing;
