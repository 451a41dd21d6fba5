# SPDX-License-Identifier: Apache-2.0
package GBA::CA;

=head1 NAME

GBA::CA - a CA, subscribers and certificate requests for tests, by the openssl command

=head1 SYNOPSIS

    make_ca($certificate, $key);                 # two files, the key with mode 0600
    write_subscribers($path);                    # the file of "GBAKeySource file:", mode 0600
    my $s = subscriber('alpha');                 # one entry of it, by its extra member "name"
    my $key = new_key('EC', 'P-256');            # a file
    my $pem = pkcs10($key, 'keyUsage=nonRepudiation');
    my $cert = certificate($pem_text);           # what openssl says of a certificate

=head1 DESCRIPTION

Subscribers are what a BSF would tell. C<alpha> has the key of t/vectors/vectors.json; the others
get fresh ones, derived from random CK, IK and RAND by L<GBA::KDF>.

=cut

use strict;
use warnings;
use Digest::SHA qw(sha1);
use Exporter qw(import);
use File::Temp ();
use JSON::PP ();
use MIME::Base64 qw(decode_base64 encode_base64);
use POSIX qw(strftime);
use GBA::KDF qw(naf_key);
use GBA::Site qw(site slurp spew);

our @EXPORT_OK = qw(certificate der_of impi make_ca new_key openssl pkcs10 spki_hash
    subscriber subscribers vectors write_subscribers);

my $naf = 'pkiportal.home1.net';

# ---- openssl ----

# Runs openssl with a text on its standard input; dies with what it said unless it succeeds.
sub openssl {
    my ($input, @arguments) = @_;
    my $in  = File::Temp->new;
    my $err = File::Temp->new;
    binmode $in;
    print $in $input;
    $in->flush;
    my $quoted = join ' ', map { "'" . s/'/'\\''/gr . "'" } @arguments;
    my $output = `openssl $quoted <$in 2>$err`;
    die "openssl @arguments:\n" . slurp("$err") if $?;
    return $output;
}

sub new_key {
    my ($type, $size) = @_;
    my $file   = File::Temp->new(UNLINK => 1);
    my $option = $type eq 'EC' ? "ec_paramgen_curve:$size" : "rsa_keygen_bits:$size";
    openssl('', 'genpkey', '-quiet', '-algorithm', $type, '-pkeyopt', $option, '-out', "$file");
    return $file;    # an object: the file lives as long as it does
}

sub make_ca {
    my ($certificate, $key) = @_;
    my $mask = umask 077;
    openssl('', qw(req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 800),
        '-subj', '/O=Test/CN=Subscriber CA', '-addext', 'basicConstraints=critical,CA:TRUE,pathlen:0',
        '-addext', 'keyUsage=critical,keyCertSign,cRLSign', '-keyout', $key, '-out', $certificate);
    umask $mask;
    return chmod 0644, $certificate;
}

# A certificate request in PEM. The subject is a wish that nobody grants.
sub pkcs10 {
    my ($key, @extensions) = @_;
    return openssl('', 'req', '-new', '-key', "$key", '-subj', '/CN=a wish', '-sha256',
        map { ('-addext', $_) } @extensions);
}

sub der_of {
    my ($pem) = @_;
    my ($base64) = $pem =~ /-----BEGIN [A-Z0-9 ]+-----\n([A-Za-z0-9+\/=\n]+)-----END / or die "no PEM\n";
    return decode_base64($base64);
}

# ---- DER, as far as a SubjectPublicKeyInfo needs it ----

# Splits one TLV off: tag, contents, what follows.
sub tlv {
    my ($der) = @_;
    my ($tag, $length) = unpack 'CC', $der;
    my $at = 2;
    if ($length & 0x80) {
        my $n = $length & 0x7f;
        $length = hex unpack 'H*', substr $der, 2, $n;
        $at += $n;
    }
    return ($tag, substr($der, $at, $length), substr $der, $at + $length);
}

# The subject key identifier of RFC 5280 4.2.1.2 method 1: SHA-1 of the BIT STRING's contents.
sub spki_hash {
    my ($public_pem) = @_;
    my (undef, $sequence) = tlv(der_of($public_pem));
    my (undef, undef, $rest) = tlv($sequence);
    my ($tag, $bits) = tlv($rest);
    die "no BIT STRING\n" unless $tag == 3;
    return uc unpack 'H*', sha1(substr $bits, 1);
}

# ---- certificates ----

sub extension {
    my ($text, $name) = @_;
    return $text =~ /X509v3 \Q$name\E:( critical)?\s*\n\s*(\S.*?)\s*\n/ ? { critical => $1 ? 1 : 0, text => "$2" } : undef;
}

sub identifier { my ($extension) = @_; return $extension ? $extension->{text} =~ s/keyid:|://gr : undef }

sub certificate {
    my ($pem) = @_;
    my $text = openssl($pem, qw(x509 -noout -text));
    my %line = openssl($pem, qw(x509 -noout -serial -subject -issuer -dates -dateopt iso_8601)) =~ /^(\w+)=(.*)$/mg;
    return {
        %line,
        der        => der_of($pem),
        public     => openssl($pem, qw(x509 -noout -pubkey)),
        version    => $text =~ /Version: (\d+)/ ? "$1" : undef,
        algorithm  => $text =~ /Signature Algorithm: (\S+)/ ? "$1" : undef,
        usage      => extension($text, 'Key Usage'),
        basic      => extension($text, 'Basic Constraints'),
        ski        => identifier(extension($text, 'Subject Key Identifier')),
        aki        => identifier(extension($text, 'Authority Key Identifier')),
        extensions => scalar(() = $text =~ /^\s+X509v3 /mg) - ($text =~ /X509v3 extensions:/ ? 1 : 0),
    };
}

# ---- subscribers ----

sub vectors { return JSON::PP::decode_json(slurp(site()->{top} . '/t/vectors/vectors.json')) }

sub instant { my ($offset) = @_; return strftime '%Y-%m-%dT%H:%M:%SZ', gmtime time + $offset }

sub random_octets {
    my ($n) = @_;
    open my $file, '<:raw', '/dev/urandom' or die "/dev/urandom: $!\n";
    read($file, my $octets, $n) == $n or die "/dev/urandom: short\n";
    return $octets;
}

my $number = 1_010_000_000;    # an IMSI of the test network, after its leading zeros
sub impi { my ($imsi) = @_; return sprintf '%015d@ims.mnc001.mcc001.3gppnetwork.org', $imsi }

sub uss {
    my ($identity, @flags) = @_;
    my %uss = (gsId => 1, gsType => 1, ueIds => [{ ueId => $identity }]);
    $uss{flags} = [map { { flag => $_ } } @flags] if @flags;
    return { uss => \%uss };
}

# Fresh keys for a subscriber; more members replace these.
sub entry {
    my ($name, $flags, %more) = @_;
    my $rand = random_octets(16);
    my $impi = impi($number++);
    my $fqdn = delete $more{naf} // $naf;
    my $ua   = delete $more{ua}  // '0100000000';
    my $key  = naf_key(ks => random_octets(32), rand => $rand, impi => $impi, naf => $fqdn, ua => $ua);
    my %entry = (
        name            => $name,
        btId            => encode_base64($rand, '') . '@bsf.home1.net',
        nafId           => { nafFqdn => $fqdn, uaSecProtId => $ua },
        meKeyMaterial   => unpack('H*', $key),
        keyExpiryTime   => instant(8 * 3600),
        bootstrappingInfoCreationTime => instant(-60),
        gbaType         => '3G_GBA',
        impi            => $impi,
        ussList         => $flags ? [uss($impi, @$flags)] : undef,
        %more,
    );
    return { map { $_ => $entry{$_} } grep { defined $entry{$_} } keys %entry };
}

# The subscriber of the vectors: its B-TID, IMPI and key are public.
sub vector_entry {
    my ($path) = @_;
    my $vectors = JSON::PP::decode_json(slurp($path));
    my ($kdf)   = grep { $_->{name} eq 'ks_naf-33.221' } @{ $vectors->{gba_kdf} };
    return entry('alpha', [1], btId => $vectors->{nbsp_gba}{request}{btId}, meKeyMaterial => $kdf->{key},
        impi => $kdf->{impi}, ussList => [uss($kdf->{impi}, 1)]);
}

sub subscribers {
    my ($vectors) = @_;
    my $foreign = 'other.home1.net';
    return (
        vector_entry($vectors),
        entry('both',       [1, 2]),
        entry('signer',     [2]),
        entry('no-uss',     undef),
        entry('no-flag',    []),
        entry('nobody',     undef, impi => undef),
        entry('ue-id',      undef, impi => undef, ussList => [uss('sip:one@home1.net', 1)]),
        entry('expired',    [1],   keyExpiryTime => instant(-10)),
        entry('aged',       [1],   bootstrappingInfoCreationTime => instant(-25 * 3600)),
        entry('foreign',    [1],   naf => $foreign),
        entry('digest',     [1],   ua => '0100000002'),
        # Each for one script alone, where windows and nonces are counted.
        map { entry($_, [1]) } qw(replay graceful leak pages bodies errors challenge),
    );
}

sub write_subscribers {
    my ($path, $vectors) = @_;
    return spew($path, JSON::PP->new->canonical->pretty->encode([subscribers($vectors)]), 0600);
}

sub subscriber {
    my ($name) = @_;
    my ($entry) = grep { $_->{name} eq $name } @{ JSON::PP::decode_json(slurp(site()->{keys})) };
    return $entry // die "no subscriber $name\n";
}

1;
