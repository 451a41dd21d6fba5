#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# GBAUicc: UEs that say 3gpp-gba-uicc are offered the realm of GBA_U before the usual one, and the
# realm that they answer with chooses Ks_int_NAF or Ks_ext_NAF (TS 24.109 5.2.4, TS 33.220 B.3).

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use MIME::Base64 qw(encode_base64);
use Test::More;
use GBA::CA qw(subscriber);
use GBA::Digest qw(read_challenge);
use GBA::HTTP;
use GBA::KDF qw(naf_key password);
use GBA::Log;
use GBA::Server;
use GBA::UE;

my $naf  = 'pkiportal.home1.net';
my $me   = "3GPP-bootstrapping\@$naf";
my $uicc = "3GPP-bootstrapping-uicc\@$naf";
my $both = "$uicc;$me";

# A subscriber with GBA_U: two keys from one bootstrapping.
sub smart_card {
    my ($name, $imsi) = @_;
    my $rand = GBA::CA::random_octets(16);
    my %in   = (ks => GBA::CA::random_octets(32), rand => $rand, impi => GBA::CA::impi($imsi), naf => $naf);
    return GBA::CA::entry($name, [1], impi => $in{impi}, btId => encode_base64($rand, '') . '@bsf.home1.net',
        meKeyMaterial => unpack('H*', naf_key(%in)), uiccKeyMaterial => unpack('H*', naf_key(%in, p0 => 'gba-u')));
}

my $card   = smart_card('card', 1_020_000_001);
my $plain  = subscriber('alpha');
my $pages  = Apache::Test::vars()->{documentroot};
my $server = GBA::Server->start(children => 2, subscribers => [$card], conf => <<"END");
Alias "/card" "$pages/docs"
<Location "/card">
    AuthType GBA
    Require valid-user
    GBAUicc On
</Location>
<Location "/card/off">
    GBAUicc Off
</Location>
END
my $log = GBA::Log->watch($server->error_log);

sub key { my ($subscriber, $member) = @_; return password(pack 'H*', $subscriber->{$member}) }

# ---- to whom it is offered ----

sub offered {
    my ($target, $agent) = @_;
    my $http = GBA::HTTP->connect($server->port);
    my $line = defined $agent ? "User-Agent: $agent\r\n" : '';
    $http->send("GET $target HTTP/1.1\r\nHost: $naf\r\n$line\r\n");
    my @lines = GBA::HTTP::field($http->receive('GET'), 'WWW-Authenticate');
    my %realm = map { (read_challenge($_) || { realm => 'unreadable' })->{realm} => 1 } @lines;
    return join ' and ', sort keys %realm;
}

my @agents = (
    ['gba; Release-6 3gpp-gba 3gpp-gba-uicc',  $both],
    ['3gpp-gba-uicc',                          $both],
    ['App/1.0 (3gpp-gba-uicc; x)',             $both],
    ['x/3gpp-gba-uicc',                        $both],
    ['SCEnrolmentAgent; Release-6 3gpp-gba',   $me],
    ['3gpp-gba-uicc2',                         $me],
    ['not3gpp-gba-uicc',                       $me],
    ['3gpp-gba-uic',                           $me],
    ['',                                       $me],
    [undef,                                    $me],
);
for my $row (@agents) {
    my ($agent, $realm) = @$row;
    my $name = defined $agent ? "User-Agent '$agent'" : 'no User-Agent';
    is(offered('/card/hello.txt', $agent), $realm, "GBAUicc On, $name");
    is(offered('/card/off/x',     $agent), $me,    "GBAUicc Off, $name");
    is(offered('/docs/hello.txt', $agent), $me,    "GBAUicc not said, $name");
    $log->holds($name, ('GBA0401') x 3);
}

# ---- which key ----

sub try {
    my ($subscriber, $member, $target, $realm, %more) = @_;
    my $ue = GBA::UE->new($subscriber, password => key($subscriber, $member), port => $server->port, %more);
    $ue->authenticate($target);
    my $answer = $ue->exchange('GET', $target, auth => { realm => $realm });
    return "$answer->{status} $answer->{protected}";
}

my @keys = (
    # subscriber, key, target, realm answered, outcome, tag
    [$card,  'uiccKeyMaterial', '/card/hello.txt', $uicc, '200 1'],
    [$card,  'meKeyMaterial',   '/card/hello.txt', $me,   '200 1'],
    [$card,  'meKeyMaterial',   '/card/hello.txt', $uicc, '401 0', 'GBA0419'],
    [$card,  'uiccKeyMaterial', '/card/hello.txt', $me,   '401 0', 'GBA0419'],
    [$card,  'uiccKeyMaterial', '/card/hello.txt', $both, '401 0', 'GBA0404'],    # one part, never the list
    [$card,  'uiccKeyMaterial', '/docs/hello.txt', $uicc, '401 0', 'GBA0404'],    # not offered there
    [$card,  'meKeyMaterial',   '/docs/hello.txt', $me,   '200 1'],
    [$plain, 'meKeyMaterial',   '/card/hello.txt', $me,   '200 1'],
    [$plain, 'meKeyMaterial',   '/card/hello.txt', $uicc, '401 0', 'GBA0425'],
    [$card,  'uiccKeyMaterial', '/card/hello.txt', "3GPP-bootstrapping-uicc\@other.home1.net", '401 0', 'GBA0404'],
    [$card,  'uiccKeyMaterial', '/card/hello.txt', uc $uicc, '401 0', 'GBA0404'],
);
for my $algorithm (qw(SHA-256 MD5)) {
    for my $row (@keys) {
        my ($subscriber, $member, $target, $realm, $outcome, $tag) = @$row;
        my $name = "$algorithm: $subscriber->{name} with $member under $realm at $target";
        is(try($subscriber, $member, $target, $realm, algorithm => $algorithm), $outcome, $name);
        $log->holds($name, 'GBA0401', $tag ? $tag : ());
    }
}

# A key of zeros must not stand in for a Ks_int_NAF that the BSF did not give.
{
    my $ue = GBA::UE->new($plain, password => password("\0" x 32), port => $server->port);
    $ue->authenticate('/card/hello.txt');
    my $answer = $ue->exchange('GET', '/card/hello.txt', auth => { realm => $uicc });
    is("$answer->{status} $answer->{protected}", '401 0', 'zeros are no Ks_int_NAF');
    $log->holds('zeros', qw(GBA0401 GBA0425));
}

# Both keys of one B-TID share the count of a nonce: what was used under one is used.
{
    my $ue = GBA::UE->new($card, password => key($card, 'uiccKeyMaterial'), port => $server->port);
    $ue->authenticate('/card/hello.txt');
    is($ue->exchange('GET', '/card/hello.txt', auth => { realm => $uicc, nc => '00000001' })->{status}, 200, 'Ks_int_NAF first');
    $ue->{password} = key($card, 'meKeyMaterial');
    my $again = $ue->exchange('GET', '/card/hello.txt', auth => { realm => $me, nc => '00000001' });
    is($again->{status}, 401, 'the same nc under Ks_ext_NAF is used up');
    ok($ue->take_challenge($again) && $ue->{stale}, 'stale=true');
    $log->holds('one count', qw(GBA0401 GBA0420));
}

$server->stop;
$log->finish;
done_testing;
