# SPDX-License-Identifier: Apache-2.0
# The main job: a certificate for who may have one (TS 24.109 E.3.1), a refusal for who may not
# (E.4), and that neither tells more than it must.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Digest::MD5 ();
use Digest::SHA ();
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::Local qw(timegm);
use GBA::CA qw(certificate new_key openssl pkcs10 spki_hash subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Site qw(site slurp spew);
use GBA::UE;

my $log  = GBA::Log->watch;
my $p256 = new_key('EC', 'P-256');
my $ca   = certificate(slurp(site()->{ca}));

sub enrol {
    my ($ue, $pem, $target) = @_;
    return $ue->request('POST', $target // '/enrol?response=single', type => 'application/x-pkcs10', body => $pem);
}

sub seconds { my ($text) = @_; my @t = $text =~ /\d+/g; return timegm(@t[5, 4, 3, 2], $t[1] - 1, $t[0]) }

# Everything that a subscriber certificate must be (RFC 5280; TS 33.221 4.1 for the name).
sub check_certificate {
    my ($name, $pem, $key, $usage) = @_;
    my $cert = certificate($pem);
    my $file = spew(site()->{tmp} . "/cert.$$.pem", $pem);
    is(openssl('', qw(verify -x509_strict -CAfile), site()->{ca}, $file), "$file: OK\n", "$name: openssl verify -x509_strict");
    unlink $file;
    my $public = openssl('', 'pkey', '-in', "$key", '-pubout');
    is($cert->{public}, $public, "$name: the UE's own key");
    is($cert->{version}, 3, "$name: version 3");
    like($cert->{serial}, qr/\A(?!00)[0-7][0-9A-F]{31}\z/, "$name: serial of 16 octets, top bit clear");
    is($cert->{ski}, spki_hash($public), "$name: subject key identifier is the SHA-1 of the key");
    is($cert->{aki}, $ca->{ski}, "$name: authority key identifier is the CA's");
    is($cert->{issuer}, $ca->{subject}, "$name: issuer");
    is_deeply($cert->{usage}, { critical => 1, text => $usage }, "$name: key usage");
    is_deeply($cert->{basic}, { critical => 1, text => 'CA:FALSE' }, "$name: basic constraints");
    is($cert->{extensions}, 4, "$name: and no other extension");
    is($cert->{algorithm}, 'ecdsa-with-SHA256', "$name: signature algorithm");
    like($cert->{subject}, qr/\ACN = [0-9a-f]{32}\z/, "$name: subject is a pseudonym");
    my ($from, $to) = map { seconds($_) } @$cert{qw(notBefore notAfter)};
    my $earliest = seconds($ca->{notBefore});
    my $wanted   = time - 300 > $earliest ? time - 300 : $earliest;
    ok(abs($wanted - $from) < 60, "$name: backdated five minutes, or to the CA's own beginning");
    ok(abs(time + 365 * 86400 - $to) < 60, "$name: for a year");
    return $cert;
}

# ---- both ways to begin ----

# 33.221 step 1: an empty request first, then the PKCS#10.
my $alpha = GBA::UE->new(subscriber('alpha'));
$alpha->authenticate('/enrol?response=single');
my $first = enrol($alpha, pkcs10($p256));
is($first->{status}, 200, 'empty request first: enrolled');
is(GBA::HTTP::field($first, 'Content-Type'), 'application/x-x509-user-cert', 'media type');
like(GBA::HTTP::field($first, 'Cache-Control'), qr/no-store/, 'not to be stored');
like($first->{body}, qr/\A-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+\/=\n]+\n-----END CERTIFICATE-----\n\z/, 'one PEM block');
my $one = check_certificate('first', $first->{body}, $p256, 'Digital Signature');
$log->holds('issued', qw(GBA0401 GBA0661));

# 24.109 E.3.1: the whole request at once, and again with credentials.
my $eager   = GBA::UE->new(subscriber('alpha'), algorithm => 'MD5');
my $another = new_key('EC', 'P-256');
my $refused = $eager->exchange('POST', '/enrol?response=single', type => 'application/x-pkcs10', body => pkcs10($another), auth => 0);
is($refused->{status}, 401, 'whole request first: challenged');
ok($eager->take_challenge($refused), 'with a challenge for MD5');
my $second = enrol($eager, pkcs10($another));
is($second->{status}, 200, 'whole request first: enrolled');
my $two = check_certificate('second', $second->{body}, $another, 'Digital Signature');
$log->holds('issued', qw(GBA0401 GBA0661));

is($two->{subject}, $one->{subject}, 'one subscriber, one pseudonym');
isnt($two->{serial}, $one->{serial}, 'and two serials');

# The same key again: the answer was lost on its way, or the UE asks twice.
my $again = enrol($eager, pkcs10($p256));
is($again->{body}, $first->{body}, 'the same key again: the same certificate, octet for octet');
$log->holds('the same certificate', 'GBA0661');

# The key of one is nobody else's.
my $thief = GBA::UE->new(subscriber('both'));
$thief->authenticate('/enrol?response=single');
my $taken = enrol($thief, pkcs10($p256));
is("$taken->{status} $taken->{protected}", '403 1', 'another subscriber with the same key: refused');
like($taken->{body}, qr/"refused; reason=KEY_TAKEN"/, 'and told why');
$log->holds('key taken', qw(GBA0401 GBA0518 GBA0446));

# ---- what the flags unlock, and what a wish does (TS 29.109: 1 authentication, 2 non-repudiation) ----

my ($signature, $repudiation) = ('Digital Signature', 'Non Repudiation');
my @wishes = (
    ['alpha',  'flag 1, no wish',                   $signature],
    ['alpha',  'flag 1, digitalSignature',          $signature,   'keyUsage=digitalSignature'],
    ['alpha',  'flag 1, nonRepudiation',            'USAGE_NOT_ALLOWED', 'keyUsage=nonRepudiation'],
    ['alpha',  'flag 1, both',                      $signature,   'keyUsage=digitalSignature,nonRepudiation'],
    ['signer', 'flag 2, no wish',                   $repudiation],
    ['signer', 'flag 2, nonRepudiation',            $repudiation, 'keyUsage=critical,nonRepudiation'],
    ['signer', 'flag 2, digitalSignature',          'USAGE_NOT_ALLOWED', 'keyUsage=digitalSignature'],
    ['both',   'both flags, no wish',               $signature],
    ['both',   'both flags, nonRepudiation',        $repudiation, 'keyUsage=nonRepudiation'],
    ['both',   'both flags, both',                  $signature,   'keyUsage=digitalSignature,nonRepudiation'],
    ['both',   'both flags, other extensions',      $signature,   'basicConstraints=CA:FALSE', 'subjectAltName=email:a@b.example'],
    ['both',   'both flags, CA:TRUE',               'CA_REQUESTED', 'basicConstraints=critical,CA:TRUE'],
    ['ue-id',  'an UE identity instead of an IMPI', $signature],
);
my (%ue, %subject);
for my $row (@wishes) {
    my ($who, $name, $usage, @extensions) = @$row;
    my $ue       = $ue{$who} ||= GBA::UE->new(subscriber($who));
    my $key      = new_key('EC', 'P-256');
    my $response = enrol($ue, pkcs10($key, @extensions));
    my $refused  = $usage =~ /\A[A-Z_]+\z/;
    is($response->{status}, $refused ? 403 : 200, "$name: status");
    if (!$refused) {
        my $cert = check_certificate($name, $response->{body}, $key, $usage);
        push @{ $subject{$who} }, $cert->{subject};
    }
    else {
        like($response->{body}, qr/"refused; reason=$usage"/, "$name: reason");
    }
    my $fresh = @{ $subject{$who} || [] } + $refused == 1 && !$ue->{seen}++;
    my $ignored = grep { /\AsubjectAltName=/ } @extensions;
    $log->holds($name, ('GBA0401') x !!$fresh, ('GBA0663') x $ignored, $refused ? 'GBA0446' : 'GBA0661');
}
for my $who (sort keys %subject) {
    my %names = map { $_ => 1 } @{ $subject{$who} };
    is(scalar keys %names, 1, "$who: one pseudonym in all certificates");
}
is($subject{alpha}[0], $one->{subject}, 'also over sessions');
my %all = map { $_->[0] => 1 } values %subject;
is(scalar keys %all, scalar keys %subject, 'different subscribers, different pseudonyms');

# ---- kinds of key, forms of PKCS#10 ----

{
    my $rsa = new_key('RSA', 2048);
    my $ue  = GBA::UE->new(subscriber('both'));
    my $response = enrol($ue, pkcs10($rsa));
    check_certificate('RSA', $response->{body}, $rsa, $signature);
    my $p384 = new_key('EC', 'P-384');
    check_certificate('P-384', enrol($ue, pkcs10($p384))->{body}, $p384, $signature);
    # E.3.1 prints its armour with a space after the dashes.
    my $key    = new_key('EC', 'P-256');
    my $pem    = pkcs10($key);
    my $der    = openssl($pem, qw(req -outform DER));
    my @bodies = (['spaced armour', $pem =~ s/-----(BEGIN|END) (.*?)-----/----- $1 $2 -----/gr],
        ['DER', $der], ['bare base64', encode_base64($der)]);
    for my $form (@bodies) {
        my $answer = enrol($ue, $form->[1]);
        is($answer->{status}, 200, "$form->[0]: enrolled");
        check_certificate($form->[0], $answer->{body}, $key, $signature) if $answer->{status} == 200;
    }
    $log->holds('forms', 'GBA0401', ('GBA0661') x 5);
}

# ---- what the certificate must not give away (TS 33.221 4.1) ----

# All texts by which somebody could guess or test who it is.
sub traces {
    my ($subscriber) = @_;
    my $impi = $subscriber->{impi};
    my ($imsi, $domain) = split /@/, $impi;
    my ($btid, $realm) = ($subscriber->{btId}, '3GPP-bootstrapping@pkiportal.home1.net');
    my ($rand) = split /@/, $btid;
    my %trace = (impi => $impi, imsi => $imsi, 'imsi without zeros' => $imsi =~ s/^0+//r, btid => $btid, rand => $rand,
        'home network' => $domain);
    my @salts = ('', $btid, $rand, $realm, 'pkiportal.home1.net', $subscriber->{meKeyMaterial}, pack('H*', $subscriber->{meKeyMaterial}));
    my %hash = (MD5 => \&Digest::MD5::md5, SHA1 => \&Digest::SHA::sha1, SHA256 => \&Digest::SHA::sha256);
    for my $text ($impi, $imsi, $btid) {
        for my $salt (@salts) {
            for my $input ($text, "$salt:$text", "$text:$salt", "$salt$text", "$text$salt") {
                for my $h (keys %hash) {
                    $trace{"$h of '" . ($input =~ s/[^ -~]/?/gr) . "'"} = $hash{$h}->($input);
                }
            }
        }
    }
    return \%trace;
}

# Octets as they are, in hex and in base64; cut to 16 octets, which is what a pseudonym could hold.
sub forms {
    my ($octets) = @_;
    my $cut = length $octets > 16 ? substr $octets, 0, 16 : $octets;
    my $hex = unpack 'H*', $cut;
    my $base64 = substr encode_base64($octets, ''), 0, int(length($cut) * 4 / 3);
    return ($cut, $hex, uc $hex, $base64, $base64 =~ tr{+/}{-_}r);
}

sub found {
    my ($der, $traces) = @_;
    return grep { my $name = $_; grep { index($der, $_) >= 0 } forms($traces->{$name}) } sort keys %$traces;
}
{
    my $traces  = traces(subscriber('alpha'));
    my $planted = (values %$traces)[0];
    cmp_ok(scalar keys %$traces, '>', 200, 'many traces to look for');
    my ($hash) = grep { /^SHA256/ } sort keys %$traces;
    is_deeply([found('....' . unpack('H*', substr $traces->{$hash}, 0, 16) . '....', $traces)], [$hash], 'a planted hash is found');
    is_deeply([found($one->{der} . $traces->{imsi}, $traces)], ['imsi', 'imsi without zeros'], 'a planted IMSI is found');
    is_deeply([found($_->{der}, $traces)], [], 'the certificate says nothing of the subscriber') for $one, $two;
    my $wish = certificate(enrol($ue{alpha}, pkcs10($p256))->{body});
    unlike($wish->{subject}, qr/wish/, 'and nothing that the PKCS#10 wished');
    $log->holds('issued', 'GBA0661');
}

$log->finish;
done_testing;
