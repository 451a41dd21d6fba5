# SPDX-License-Identifier: Apache-2.0
# <GBAProfile>: which one wins, what its certificates say, and what a location lays down for them.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep);
use Time::Local qw(timegm);
use GBA::CA qw(certificate new_key openssl pkcs10);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(slurp site spew);
use GBA::UE;

my $sip   = 'sip:alice@home1.net';
my %named = (uss => { gsId => 1, gsType => 1, flags => [{ flag => 1 }, { flag => 2 }],
    ueIds => [{ ueId => $sip }, { ueId => 'tel:+15550100' }] });
my %group = (uss => { gsId => 1, gsType => 1, flags => [{ flag => 1 }], nafGroup => 'gold',
    ueIds => [{ ueId => $sip }] });
my @subscribers = (
    GBA::CA::entry('one',   [1]),
    GBA::CA::entry('two',   [2]),
    GBA::CA::entry('both',  [1, 2]),
    GBA::CA::entry('odd',   [7]),
    GBA::CA::entry('named', undef, ussList => [\%named]),
    GBA::CA::entry('gold',  undef, ussList => [\%group]),
    GBA::CA::entry('old',   [1], bootstrappingInfoCreationTime => GBA::CA::instant(-7200)),
    map { GBA::CA::entry("held$_", [1]) } 1 .. 3,
);
my %entry = map { $_->{name} => $_ } @subscribers;

my $conf = <<'END';
<GBAProfile short>
    GBAProfileFlag authentication
    GBAProfileKeyUsage digitalSignature
    GBAProfileSubject CN=%{pseudonym} "O=Home \"One\"" OU=%{serial}
    GBAProfileLifetime 1d
    GBAProfileBackdate 1h
    GBAProfileExtendedKeyUsage clientAuth 1.3.6.1.5.5.7.3.17
    GBAProfilePolicy 1.3.6.1.4.1.99999.1 1.3.6.1.4.1.99999.2
    GBAProfileCRL http://crl.home1.net/one.crl
    GBAProfileOCSP http://ocsp.home1.net/
    GBAProfileCAIssuers http://ca.home1.net/ca.cer
</GBAProfile>
<GBAProfile sign>
    GBAProfileFlag 2
    GBAProfileKeyUsage nonRepudiation
</GBAProfile>
<GBAProfile named>
    GBAProfileFlag 1
    GBAProfileKeyUsage digitalSignature
    GBAProfileSubject CN=%{ueid} SERIALNUMBER=%{serial}
    GBAProfileAltName uri:%{ueid} uri:%{ueid:2}
    GBAProfileAllowIdentity On
</GBAProfile>
<GBAProfile seven>
    GBAProfileFlag 7
    GBAProfileKeyUsage digitalSignature
    GBAProfileMaxAge 1h
    GBAQuota 1
</GBAProfile>
<GBAProfile fresh>
    GBAProfileFlag 1
    GBAProfileKeyUsage digitalSignature
    GBAProfileMaxAge 1h
</GBAProfile>
<GBAProfile brief>
    GBAProfileFlag 1
    GBAProfileKeyUsage digitalSignature
    GBAProfileLifetime 60s
</GBAProfile>
LogFormat "%{X-Test}i %>s %{GBA_DECISION}e %{GBA_REASON}e %{GBA_PROFILE}e" decision
CustomLog decisions decision
<LocationMatch "^/(named|reversed|fresh|builtin|group|kept|renewed|quota)$">
    AuthType GBA
    Require valid-user
    SetHandler gba-enrol
</LocationMatch>
<Location "/named">
    GBAProfiles named
</Location>
<Location "/reversed">
    GBAProfiles sign short
</Location>
<Location "/fresh">
    GBAProfiles fresh
</Location>
<Location "/builtin">
    GBAProfiles authentication non-repudiation
</Location>
<Location "/group">
    GBANafGroup gold
</Location>
<Location "/kept">
    GBAProfiles brief
    GBARenewBefore 1s
</Location>
<Location "/renewed">
    GBAProfiles brief
    GBARenewBefore 58s
</Location>
<Location "/quota">
    GBAProfiles short seven
    GBAQuota 2
    GBAQuota 3 per 1d
</Location>
END
my $server = GBA::Server->start(conf => $conf, subscribers => \@subscribers);
my $log    = GBA::Log->watch($server->error_log);
my (%ue, $number);

sub enrol {
    my ($who, $place, $pem) = @_;
    my $ue = $ue{$who} ||= GBA::UE->new($entry{$who}, port => $server->port);
    return $ue->request('POST', "$place?response=single", type => 'application/x-pkcs10', body => $pem,
        fields => [['X-Test', 'number' . ++$number]]);
}

# The line is written when the answer is on its way.
sub last_decision {
    my $line;
    for (1 .. 100) {
        ($line) = slurp($server->dir . '/decisions') =~ /^number$number (?!401)(.*)\n/m;
        last if defined $line;
        sleep 0.05;
    }
    return $line;
}

sub key { return new_key('EC', 'P-256') }
sub seconds { my ($text) = @_; my @t = $text =~ /\d+/g; return timegm(@t[5, 4, 3, 2], $t[1] - 1, $t[0]) }

# The certificate's own words for its extensions.
sub text_of {
    my ($pem) = @_;
    my $file = spew(site()->{tmp} . "/profile.$$.pem", $pem);
    my $text = openssl('', qw(x509 -noout -text -in), $file);
    unlink $file;
    return $text;
}

# ---- which profile wins ----

my @rows = (    # who, where, wish, profile that wins, or the reason
    ['one',   '/enrol',    undef,              'short'],
    ['two',   '/enrol',    undef,              'sign'],
    ['both',  '/enrol',    undef,              'short'],
    ['both',  '/enrol',    'nonRepudiation',   'sign'],
    ['both',  '/reversed', undef,              'sign'],
    ['both',  '/reversed', 'digitalSignature', 'short'],
    ['odd',   '/enrol',    undef,              'seven'],
    ['odd',   '/reversed', undef,              undef, 'NO_FLAG'],
    ['one',   '/enrol',    'nonRepudiation',   undef, 'USAGE_NOT_ALLOWED'],
    ['named', '/named',    undef,              'named'],
    ['one',   '/builtin',  undef,              'authentication'],
    ['both',  '/builtin',  'nonRepudiation',   'non-repudiation'],
    ['old',   '/fresh',    undef,              'fresh', 'BOOTSTRAP_AGE'],
    ['one',   '/fresh',    undef,              'fresh'],
    ['gold',  '/enrol',    undef,              'short'],
    ['gold',  '/group',    undef,              'short'],
    ['one',   '/group',    undef,              'short'],
);
my %pem;
for my $row (@rows) {
    my ($who, $place, $wish, $profile, $reason) = @$row;
    my $name     = "$who at $place" . ($wish ? " wishing $wish" : '');
    my $response = enrol($who, $place, pkcs10(key(), $wish ? "keyUsage=$wish" : ()));
    is($response->{status}, $reason ? 403 : 200, "$name: status");
    like($response->{body}, qr/"refused; reason=$reason"/, "$name: reason") if $reason;
    is(last_decision(), join(' ', $response->{status}, $reason ? 'refused' : 'permitted', $reason // '-', $profile // '-'),
        "$name: decision, reason and profile in the access log");
    $pem{"$who $place"} = $response->{body} unless $reason;
    my $first = !$ue{$who}{looked_up}++;
    $log->holds($name, ('GBA0401') x $first, $reason ? 'GBA0446' : 'GBA0661');
}

# ---- what its certificates say ----

my $short = text_of($pem{'one /enrol'});
my $cert  = certificate($pem{'one /enrol'});
like($cert->{subject}, qr/\ACN = [0-9a-f]{32}, O = "?Home \\"One\\""?, OU = $cert->{serial}\z/i, 'short: subject from its templates');
is(seconds($cert->{notAfter}) - seconds($cert->{notBefore}) <= 86400 + 3600, 1, 'short: lifetime and backdate');
ok(abs(seconds($cert->{notAfter}) - time - 86400) < 900, 'short: for a day');
like($short, qr/Extended Key Usage:\s+TLS Web Client Authentication, ipsec Internet Key Exchange|Extended Key Usage:\s+TLS Web Client Authentication, 1\.3\.6\.1\.5\.5\.7\.3\.17/, 'short: extended key usage');
like($short, qr/Policy: 1\.3\.6\.1\.4\.1\.99999\.1\s+Policy: 1\.3\.6\.1\.4\.1\.99999\.2/, 'short: policies');
like($short, qr{CRL Distribution Points:.*?URI:http://crl\.home1\.net/one\.crl}s, 'short: CRL distribution point');
like($short, qr{OCSP - URI:http://ocsp\.home1\.net/}, 'short: OCSP');
like($short, qr{CA Issuers - URI:http://ca\.home1\.net/ca\.cer}, 'short: CA issuers');
unlike($short, qr/Alternative/, 'short: no alternative name');
my $named = text_of($pem{'named /named'});
like(certificate($pem{'named /named'})->{subject}, qr/\ACN = \Q$sip\E, serialNumber = /, 'named: UE identity as subject, which AllowIdentity lets it');
like($named, qr/URI:\Q$sip\E, URI:tel:\+15550100/, 'named: both UE identities as alternative names');
my $file = spew(site()->{tmp} . "/profile.$$.pem", $pem{'one /enrol'});
is(openssl('', qw(verify -x509_strict -CAfile), site()->{ca}, $file), "$file: OK\n", 'short: openssl verify -x509_strict');
unlink $file;

# ---- what a location lays down ----

my $key   = key();
my $brief = pkcs10($key);
my $first = enrol('one', '/kept', $brief);
is(enrol('one', '/kept', $brief)->{body}, $first->{body}, 'the same key before the window: the same certificate');
my $later = $first;
my $asked = 0;
# It opens two seconds after the certificate was made.
while ($later->{body} eq $first->{body} && $asked++ < 40) {
    sleep 0.5 if $asked > 1;
    $later = enrol('one', '/renewed', $brief);
}
is($later->{status}, 200, 'within it a certificate');
isnt($later->{body}, $first->{body}, 'and another one');
$log->holds('renewed', ('GBA0661') x (2 + $asked));

sub quota {
    my ($name, $who, $place, $pem, $status, $reason) = @_;
    my $response = enrol($who, $place, $pem);
    is($response->{status}, $status, "$name: status");
    like($response->{body}, qr/"refused; reason=$reason"/, "$name: reason") if $reason;
    my $fresh = !$ue{$who}{looked_up}++;
    $log->holds($name, ('GBA0401') x $fresh, $reason ? 'GBA0446' : 'GBA0661');
    return $response;
}

my $kept = key();
quota('the first of two', 'held1', '/quota', pkcs10($kept), 200);
quota('the second of two', 'held1', '/quota', pkcs10(key()), 200);
quota('the third of two', 'held1', '/quota', pkcs10(key()), 403, 'QUOTA_HELD');
quota('the first again costs nothing', 'held1', '/quota', pkcs10($kept), 200);
quota('another subscriber has a quota of his own', 'held2', '/quota', pkcs10(key()), 200);
quota("a profile's own goes before the location's", 'odd', '/quota', pkcs10(key()), 403, 'QUOTA_HELD');
quota('a location without has none', 'held1', '/enrol', pkcs10(key()), 200);

$server->stop;
$log->holds('stopping');
$log->finish;
done_testing;
