#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What the portal knows of a subscriber grows old: settings are asked for anew before a certificate is
# issued (GBASettingsMaxAge), a bootstrapping has an end (GBAAssociationMaxAge; TS 33.220 4.3.2), and of
# several Ua security protocol identifiers each is asked for once.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Apache::Test ();
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep);
use GBA::BSF;
use GBA::BSF::Scene qw(outcome);
use GBA::CA;
use GBA::HTTP;

my $age   = 4;
my $docs  = Apache::Test::vars()->{documentroot} . '/docs';
my $bsf   = GBA::BSF->start;
my $scene = GBA::BSF::Scene->start(bsf => $bsf, section => "GBABsfTimeout 2s 4s\n", conf => <<"END");
GBASettingsMaxAge ${age}s
Alias /short "$docs"
Alias /two "$docs"
<LocationMatch "^/(short|two)(/|\$)">
    AuthType GBA
    Require valid-user
</LocationMatch>
Alias /third "$docs"
<Location "/third">
    AuthType GBA
    Require gba-uss 3
</Location>
<Location "/short">
    GBAAssociationMaxAge 6s
</Location>
<Location "/two">
    GBAUaProtocol pki digest hex:0100000077
</Location>
END
my @issued = (tags => [qr/\AGBA066[0-9]\z/]);

# The body of a call as an object.
sub asked { my ($call) = @_; return JSON::PP::decode_json($call->{body}) }

# ---- what is asked for ----
{
    my $ue = $scene->ue([1]);
    $scene->ask($ue);
    my ($call) = $bsf->calls;
    my $body = asked($call);
    is($body->{btId}, $ue->{username}, 'a look-up has the B-TID to the letter');
    is_deeply($body->{nafId}, { nafFqdn => 'pkiportal.home1.net', uaSecProtId => '0100000000' }, 'and the NAF_Id');
    is_deeply($body->{gsIds}, [1, 3], 'and asks for the settings of PKI portals, and of the service that a location requires');
    $scene->log->look;
}

{
    my $uss = sub { my ($who, $type) = @_; my $uss = GBA::CA::uss($who, 1); $uss->{uss}{gsType} = $uss->{uss}{gsId} = $type; return $uss };
    my $ue    = $scene->ue([1], ussList => [$uss->('sip:third@home1.net', 3)]);
    my $other = $scene->ue([1], ussList => [$uss->('sip:other@home1.net', 4)]);
    is(outcome($scene->ask($ue, '/third/hello.txt')), '200 protected', 'whose settings have that service is let in');
    is(outcome($scene->ask($other, '/third/hello.txt')), '403 protected', 'who has another is not');
    $bsf->look;
    $scene->log->look;
}

# ---- GBASettingsMaxAge ----

# A UE who has enrolled once.
sub enrolled_before {
    my ($flags) = @_;
    my $ue = $scene->ue($flags);
    is(outcome($scene->enrol($ue)), '200 protected', 'enrolled');
    $bsf->look;
    return $ue;
}

sub grow_old {
    sleep $age + 0.3;
    $scene->log->look;
    return $bsf->look;
}

{
    my $ue = $scene->ue([1]);
    $scene->row('the first enrolment', $scene->enrol($ue), wanted => '200 protected', @issued, calls => 1);
    $scene->row('at once again', $scene->enrol($ue), wanted => '200 protected', @issued, calls => 0);
    grow_old();
    $scene->row('old settings matter to no page', $scene->ask($ue), wanted => '200 protected', calls => 0);
    $scene->row('but to a certificate', $scene->enrol($ue), wanted => '200 protected', @issued, calls => 1);
    $scene->row('and are fresh then', $scene->enrol($ue), wanted => '200 protected', @issued, calls => 0);
}

my $refused = '403 protected';
my $down    = '503 retry 30 protected';
my %row = (
    'his settings are gone' => { do => sub { $bsf->settings($_[0], ussList => undef) }, wanted => $refused },
    'his flag is gone'      => { do => sub { $bsf->settings($_[0], ussList => [GBA::CA::uss($_[0]{impi})]) }, wanted => $refused },
    'the BSF says 403'      => { do => sub { $bsf->always_of($_[0], { status => 403, cause => 'USER_NOT_ALLOWED' }) }, wanted => $refused,
        says => qr/USER_NOT_ALLOWED/ },
    'the BSF says 404'      => { do => sub { $bsf->forget($_[0]) }, wanted => '401 bootstrap' },
    'the BSF says 500'      => { do => sub { $bsf->always_of($_[0], { status => 500 }) }, wanted => $down },
    'the BSF says 503'      => { do => sub { $bsf->always_of($_[0], { status => 503, fields => [['Retry-After', 9]] }) }, wanted => '503 retry 9 protected' },
    'the BSF says nothing'  => { do => sub { $bsf->always_of($_[0], { hang => 1 }) }, wanted => $down },
    'the BSF breaks JSON'   => { do => sub { $bsf->always_of($_[0], { body => '{' }) }, wanted => $down, says => qr/no JSON/ },
    'he may more now'       => { do => sub { $bsf->settings($_[0], ussList => [GBA::CA::uss($_[0]{impi}, 1, 2)]) }, wanted => '200 protected' },
);
my %ue = map { $_ => enrolled_before([1]) } sort keys %row;
$row{$_}{do}->($ue{$_}{subscriber}) for keys %row;
is(outcome($scene->ask($ue{$_})), '200 protected', "before they are old: $_") for sort keys %row;
grow_old();
for my $name (sort keys %row) {
    my $row = $row{$name};
    $scene->row("$name: pages", $scene->ask($ue{$name}), wanted => '200 protected', calls => 0);
    my $response = $scene->enrol($ue{$name});
    is(outcome($response), $row->{wanted}, "$name: the UE is told");
    unlike($response->{body}, qr/BEGIN CERTIFICATE/, "$name: no certificate") unless $row->{wanted} =~ /\A200/;
    my @lines = $scene->log->look;
    like(join('', @lines), $row->{says}, "$name: the log says why") if $row->{says};
    is(scalar($bsf->calls), 1, "$name: asked once");
}
# A B-TID that the BSF has forgotten is unknown here too, whatever is asked for; the others go on.
is(outcome($scene->ask($ue{'the BSF says 404'})), '401 bootstrap', '404: afterwards pages too');
is(outcome($scene->ask($ue{$_})), '200 protected', "$_: pages afterwards") for 'the BSF says 500', 'his flag is gone';

# ---- the BSF away: no certificate, but every page ----
{
    my $ue = enrolled_before([1]);
    grow_old();
    $bsf->stop;
    is(outcome($scene->enrol($ue)), $down, 'the BSF is away: no certificate');
    is(outcome($scene->ask($ue)), '200 protected', 'the BSF is away: pages go on');
    $bsf->spawn;
    my $response;
    for (1 .. 50) { $response = $scene->enrol($ue); last if $response->{status} == 200; sleep 0.2 }
    is(outcome($response), '200 protected', 'the BSF is back: certificates again');
    $scene->log->look;
    $bsf->look;
}

# ---- GBAAssociationMaxAge ----
{
    my $aged = $scene->ue([1], bootstrappingInfoCreationTime => GBA::CA::instant(-25 * 3600));
    $scene->row('bootstrapped too long ago', $scene->ask($aged), wanted => '401 bootstrap', tags => ['GBA0409'], calls => 1);
    my $expired = $scene->ue([1], keyExpiryTime => GBA::CA::instant(-10));
    $scene->row('expired', $scene->ask($expired), wanted => '401 bootstrap', tags => ['GBA0408'], calls => 1);
    my $page  = '/short/hello.txt';
    my $ue    = $scene->ue([1], bootstrappingInfoCreationTime => GBA::CA::instant(0));
    my $quiet = $scene->ue([1], bootstrappingInfoCreationTime => undef);
    $bsf->look;
    $scene->row('bootstrapped now', $scene->ask($ue, $page), wanted => '200 protected', calls => 1);
    $scene->row('without a time', $scene->ask($quiet, $page), wanted => '200 protected', calls => 1);
    sleep 6.2;
    $scene->row('6 seconds later', $scene->ask($ue, $page), wanted => '401 bootstrap', tags => ['GBA0409'], calls => 0);
    $scene->row('the same without a time', $scene->ask($quiet, $page), wanted => '401 bootstrap', tags => ['GBA0409'], calls => 0);
    $scene->row('where more is allowed', $scene->ask($ue), wanted => '200 protected', calls => 0);
    # Settings that are asked for anew make no key young again.
    $scene->row('his settings anew', $scene->enrol($quiet), wanted => '200 protected', @issued, calls => 1);
    $scene->row('the key stays as old', $scene->ask($quiet, $page), wanted => '401 bootstrap', tags => ['GBA0409'], calls => 0);
}

# ---- several identifiers ----
{
    my $page  = '/two/hello.txt';
    my @names = qw(0100000000 0100000002 0100000077);
    for my $n (0 .. 2) {
        my $ue = $scene->ue([1], ua => $names[$n]);
        $bsf->look;
        my $response = $scene->ask($ue, $page);
        my @asked = map { asked($_)->{nafId}{uaSecProtId} } $bsf->calls;
        is(outcome($response), '200 protected', "a key of $names[$n] is found");
        is("@asked", "@names[0 .. $n]", 'by trying each before it once, in order');
        is(outcome($scene->ask($ue, $page)), '200 protected', 'and once more');
        is(scalar($bsf->calls), 0, 'without a look-up');
    }
    my $wrong = $scene->ue([1], ua => '0100000099');
    $bsf->look;
    is(outcome($scene->ask($wrong, $page)), '401 bootstrap', 'a key of none of them') for 1 .. 3;
    is(join(' ', map { asked($_)->{nafId}{uaSecProtId} } $bsf->calls), "@names", 'three requests, one look-up for each identifier');
    my $nobody = $scene->ue_of({ btId => 'bm9ib2R5IGtub3dzIGl0IQ==@bsf.home1.net', meKeyMaterial => '00' x 32 });
    is(outcome($scene->ask($nobody, $page)), '401 bootstrap', 'an unknown B-TID') for 1 .. 3;
    cmp_ok(scalar($bsf->calls), '<=', 3, 'is asked for once for each identifier at most');
    $scene->log->look;
}
$scene->finish;
done_testing;
