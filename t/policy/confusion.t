# SPDX-License-Identifier: Apache-2.0
# Identity confusion: a subscriber whose PKCS#10 claims to be somebody else, wants what nobody gave him, or
# is none. The certificate holds of it the public key and nothing more.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Encode ();
use File::Temp ();
use MIME::Base64 qw(encode_base64);
use Test::More;
use GBA::CA qw(certificate der_of new_key openssl spki_hash);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site slurp);
use GBA::UE;

my $marker = 'mArKeR';
my $victim = GBA::CA::entry('victim', [1, 2]);
my $thief  = GBA::CA::entry('thief', undef, ussList => [{ uss => { gsId => 1, gsType => 1, flags => [{ flag => 1 }],
    ueIds => [{ ueId => 'sip:thief@home1.net' }] } }]);
my $conf = <<'END';
GBAProfiles authentication non-repudiation
<GBAProfile named>
    GBAProfileFlag 1
    GBAProfileKeyUsage digitalSignature
    GBAProfileSubject CN=%{ueid}
    GBAProfileAltName uri:%{ueid} uri:%{ueid:2}
    GBAProfileAllowIdentity On
</GBAProfile>
<Location "/named">
    AuthType GBA
    Require valid-user
    SetHandler gba-enrol
    GBAProfiles named
</Location>
END
my $server = GBA::Server->start(conf => $conf, subscribers => [$victim, $thief], children => 2);
my $log    = GBA::Log->watch($server->error_log);
my %ue     = map { $_->{name} => GBA::UE->new($_, port => $server->port) } $victim, $thief;

sub enrol {
    my ($who, $body, $place) = @_;
    return $ue{$who}->request('POST', ($place // '/enrol') . '?response=single', type => 'application/x-pkcs10', body => $body);
}

# ---- DER, to write what no tool writes ----

sub der {
    my ($tag, @parts) = @_;
    my $content = join '', @parts;
    my $length  = length $content;
    my $head    = $length < 128 ? pack 'C', $length : $length < 256 ? pack 'CC', 0x81, $length : pack 'Cn', 0x82, $length;
    return chr($tag) . $head . $content;
}
sub seq  { return der(0x30, @_) }
sub set  { return der(0x31, @_) }
sub utf8 { my ($text) = @_; return der(0x0c, $text) }
sub bmp  { my ($text) = @_; return der(0x1e, Encode::encode('UTF-16BE', $text)) }

sub oid {
    my ($first, $second, @rest) = split /\./, $_[0];
    my $octets = chr(40 * $first + $second);
    for my $arc (@rest) {
        my @seven = ($arc & 127);
        unshift @seven, 128 | ($arc & 127) while $arc >>= 7;
        $octets .= pack 'C*', @seven;
    }
    return der(0x06, $octets);
}
sub name      { return seq(map { set(seq(oid($_->[0]), $_->[1])) } @_) }
sub extension { my ($id, $value, $critical) = @_; return seq(oid($id), $critical ? "\x01\x01\xff" : '', der(0x04, $value)) }
sub attribute { my ($id, @values) = @_; return seq(oid($id), set(@values)) }
sub wishes    { return attribute('1.2.840.113549.1.9.14', seq(@_)) }

sub public_of { my ($key) = @_; return der_of(openssl('', 'pkey', '-pubout', '-in', "$key")) }

sub sign {
    my ($key, $octets) = @_;
    my $in = File::Temp->new;
    binmode $in;
    print $in $octets;
    $in->flush;
    my $signature = `openssl dgst -sha256 -sign '$key' '$in'`;
    die "openssl dgst\n" if $?;
    return seq($octets, seq(oid('1.2.840.10045.4.3.2')), der(0x03, "\0", $signature));
}

# Of a public key that need not be the signer's.
sub request {
    my ($key, $subject, $attributes, $public) = @_;
    return sign($key, seq("\x02\x01\x00", $subject, $public // public_of($key), der(0xa0, @$attributes)));
}
sub pem { my ($der, $label) = @_; $label //= 'CERTIFICATE REQUEST'; return "-----BEGIN $label-----\n" . encode_base64($der) . "-----END $label-----\n" }

my $cn    = '2.5.4.3';
my $plain = name([$cn, utf8('plain')]);
sub key { return new_key('EC', 'P-256') }

# ---- the victim ----

my $his_key = key();
my $his_own = pem(request($his_key, $plain, []));
my $his     = enrol('victim', $his_own);
is($his->{status}, 200, 'the victim has a certificate');
my $his_cert = certificate($his->{body});
my ($his_name) = $his_cert->{subject} =~ /\ACN = ([0-9a-f]{32})\z/;
ok($his_name, 'in the name of a pseudonym');
my $my_key  = key();
my $mine    = enrol('thief', pem(request($my_key, $plain, [])));
my $my_cert = certificate($mine->{body});
isnt($my_cert->{subject}, $his_cert->{subject}, 'and the thief in that of another');
$log->holds('both', (qw(GBA0401 GBA0661)) x 2);

# ---- claims that come to nothing: a certificate is made, and says what the network says ----

my $impi = $victim->{impi};
my $uri  = der(0x86, 'sip:victim@home1.net');
my $dns  = der(0x82, "$marker.home1.net");
my $mail = der(0x81, "$marker\@home1.net");
my $upn  = der(0xa0, oid('1.3.6.1.4.1.311.20.2.3'), der(0xa0, utf8($impi)));
my $dir  = der(0xa4, name([$cn, utf8($his_name)]));
my $san  = '2.5.29.17';
my $ca   = seq("\x01\x01\xff");
my $microsoft = '1.3.6.1.4.1.311.2.1.14';    # extensionRequest by another name
my $ski  = pack 'H*', $his_cert->{ski};
my @rows = (    # name, subject, attributes
    ["the victim's pseudonym as subject", name([$cn, utf8($his_name)]), []],
    ["the victim's IMPI as subject",      name([$cn, utf8($impi)]), []],
    ['the same in UTF-16',                name([$cn, bmp($impi)]), []],
    ["the CA's subject",                  name(['2.5.4.10', utf8('Test')], [$cn, utf8('Subscriber CA')]), []],
    ['many names',                        name(map { [$_, utf8("$marker$_")] } $cn, qw(2.5.4.5 2.5.4.10 2.5.4.11 2.5.4.12 0.9.2342.19200300.100.1.1)), []],
    ['a name with a NUL',                 name([$cn, utf8("$his_name\0$marker")]), []],
    ['no name',                           seq(), []],
    ["another's alternative names",       $plain, [wishes(extension($san, seq($uri, $dns, $mail, $upn, $dir)))]],
    ['critical ones, and no subject',     seq(), [wishes(extension($san, seq($uri, $upn), 1))]],
    ["the victim's key identifiers",      $plain, [wishes(extension('2.5.29.14', der(0x04, $ski)), extension('2.5.29.35', seq(der(0x80, $ski))))]],
    ['usages of a server',                $plain, [wishes(extension('2.5.29.37', seq(oid('1.3.6.1.5.5.7.3.1'), oid('2.5.29.37.0')), 1))]],
    ['policies',                          $plain, [wishes(extension('2.5.29.32', seq(seq(oid('1.3.6.1.4.1.99999.1')))), extension('2.5.29.33', seq(seq(oid('2.5.29.32.0'), oid('2.5.29.32.0')))))]],
    ['constraints, points and addresses', $plain, [wishes(extension('2.5.29.30', seq(der(0xa0, seq($dns))), 1),
        extension('2.5.29.31', seq(seq(der(0xa0, der(0xa0, der(0x86, "http://$marker/")))))),
        extension('1.3.6.1.5.5.7.1.1', seq(seq(oid('1.3.6.1.5.5.7.48.1'), der(0x86, "http://$marker/")))))]],
    ['an extension that nobody knows',    $plain, [wishes(extension('1.3.6.1.4.1.99999.7', utf8("$marker"), 1))]],
    ["names in Microsoft's attribute",    $plain, [attribute($microsoft, seq(extension($san, seq($uri, $dns))))]],
    ['CA:FALSE',                          $plain, [wishes(extension('2.5.29.19', seq(), 1))]],
    ['a password and a name, as attributes', $plain, [attribute('1.2.840.113549.1.9.7', utf8("${marker}password")), attribute('1.2.840.113549.1.9.2', utf8("${marker}name"))]],
    ['an attribute that nobody knows',    $plain, [attribute('1.3.6.1.4.1.99999.8', utf8($impi), utf8($marker))]],
);

# What nobody but the PKCS#10 says, in octets that a certificate could have it in.
my @foreign = map { ($_, Encode::encode('UTF-16BE', $_)) } $marker, $impi, $his_name, 'victim', 'plain';

sub is_own {
    my ($response, $key, $name, $extensions) = @_;
    is("$response->{status} $response->{protected}", '200 1', "$name: a certificate, protected") or return diag($response->{body});
    my $cert = certificate($response->{body});
    is($cert->{extensions}, $extensions, "$name: the profile's extensions and no other");
    is($cert->{usage}{text}, 'Digital Signature', "$name: the profile's key usage");
    is($cert->{basic}{text}, 'CA:FALSE', "$name: no CA");
    is($cert->{issuer}, $my_cert->{issuer}, "$name: the CA's name");
    my $public = openssl('', 'pkey', '-pubout', '-in', "$key");
    is($cert->{public}, $public, "$name: the key");
    is($cert->{ski}, spki_hash($public), "$name: and its identifier");
    is($cert->{aki}, $my_cert->{aki}, "$name: the CA's identifier");
    my @there = grep { index($cert->{der}, $_) >= 0 } @foreign;
    is_deeply(\@there, [], "$name: nothing that the PKCS#10 alone said");
    return $cert;
}

for my $row (@rows) {
    my ($name, $subject, $attributes) = @$row;
    my $key      = key();
    my $response = enrol('thief', pem(request($key, $subject, $attributes)));
    my $cert     = is_own($response, $key, $name, 4);
    is($cert->{subject}, $my_cert->{subject}, "$name: the thief's own pseudonym");
    is(enrol('thief', pem(request($key, $plain, [])))->{body}, $response->{body}, "$name: and what one gets who asks for nothing");
    my @lines = $log->look;
    my @tags  = grep { defined } map { GBA::Log::tag_of($_) } @lines;
    is_deeply([grep { $_ ne 'GBA0663' } @tags], [qw(GBA0661 GBA0661)], "$name: in the log");
    is_deeply([grep { /$marker|victim/ } @lines], [], "$name: which holds nothing of it either");
}

# Where names are given, they are the network's.
for my $wish ([], [wishes(extension($san, seq($uri, $upn)))]) {
    my $key  = key();
    my $name = @$wish ? "another's names" : 'no names';
    my $cert = is_own(enrol('thief', pem(request($key, name([$cn, utf8('sip:victim@home1.net')]), $wish)), '/named'), $key, "$name where names are given", 5);
    is($cert->{subject}, 'CN = sip:thief@home1.net', "$name: the subject is the network's");
    is(scalar(() = $cert->{der} =~ /sip:thief\@home1\.net/g), 2, "$name: and so is the one alternative name");
}
$log->look;

# ---- what is refused: 403 for what a PKCS#10 may say and not get, 400 for what is none ----

my $two  = key();
my $good = request($two, $plain, []);
my $his_public = public_of($his_key);
my $spkac = do {
    my $info = seq(public_of($two), der(0x16, 'challenge'));
    encode_base64(sign($two, $info), '');
};
# RFC 4211: CertReqMessages with a template of subject, key and extensions, and the key's proof.
my $crmf = seq(seq(seq("\x02\x01\x00", seq(der(0xa5, name([$cn, utf8($impi)])), der(0xa6, substr public_of($two), 2),
    der(0xa9, extension($san, seq($uri))))), der(0x80)));
my @refused = (    # name, body, status
    ["the victim's PKCS#10",                 $his_own, 403, 'KEY_TAKEN'],
    ['CA:TRUE',                              pem(request($two, $plain, [wishes(extension('2.5.29.19', $ca, 1))])), 403, 'CA_REQUESTED'],
    ["CA:TRUE in Microsoft's attribute",     pem(request($two, $plain, [attribute($microsoft, seq(extension('2.5.29.19', $ca, 1)))])), 403, 'CA_REQUESTED'],
    ['non-repudiation, for which no flag is', pem(request($two, $plain, [wishes(extension('2.5.29.15', "\x03\x02\x06\x40", 1))])), 403, 'USAGE_NOT_ALLOWED'],
    ["the victim's key, signed by another",  pem(request($two, $plain, [], $his_public)), 400],
    ['two PKCS#10 in PEM',                   pem($good) . pem(request(key(), $plain, [])), 400],
    ["one's own and the victim's",           pem($good) . $his_own, 400],
    ["the victim's and one's own",           $his_own . pem($good), 400],
    ['a PKCS#10 and a certificate',          pem($good) . $his->{body}, 400],
    ['a certificate',                        $his->{body}, 400],
    ['a PKCS#10 that is called certificate', pem($good, 'CERTIFICATE'), 400],
    ['two PKCS#10 in DER',                   $good . $good, 400],
    ['two PKCS#10 in base64',                encode_base64($good . $good), 400],
    ['two in one PEM',                       pem($good . $good), 400],
    ['wishes twice',                         pem(request($two, $plain, [wishes(extension($san, seq($uri))), wishes(extension($san, seq($dns)))])), 400],
    ['one wish twice',                       pem(request($two, $plain, [wishes(extension($san, seq($uri)), extension($san, seq($dns)))])), 400],
    ['SPKAC',                                "SPKAC=$spkac\n", 400],
    ['SPKAC as base64 alone',                $spkac, 400],
    ['CRMF',                                 $crmf, 400],
    ['CRMF as base64',                       encode_base64($crmf), 400],
    ['CRMF that is called PKCS#10',          pem($crmf), 400],
    ['a public key',                         openssl('', 'pkey', '-pubout', '-in', "$two"), 400],
);
for my $row (@refused) {
    my ($name, $body, $status, $reason) = @$row;
    my $response = enrol('thief', $body);
    is("$response->{status} $response->{protected}", "$status 1", "$name: $status, protected");
    like($response->{body}, qr/"refused; reason=$reason"/, "$name: $reason") if $reason;
    unlike($response->{body}, qr/BEGIN CERTIFICATE|$marker|victim|\Q$impi\E/, "$name: neither a certificate nor what was sent");
    $log->holds($name, ('GBA0518') x (($reason // '') eq 'KEY_TAKEN'), qr/\AGBA\d{4}\z/);
}

# ---- and the victim has what he had ----

is(enrol('victim', $his_own)->{body}, $his->{body}, "the victim's certificate is what it was");
$log->holds('the victim again', 'GBA0661');
$server->stop;
$log->holds('stopping');
$log->finish;
done_testing;
