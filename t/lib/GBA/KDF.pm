# SPDX-License-Identifier: Apache-2.0
package GBA::KDF;

=head1 NAME

GBA::KDF - the GBA key derivation, from TS 33.220 annex B alone

=head1 SYNOPSIS

    my $key = naf_key(ks => $ck . $ik, rand => $rand, impi => $impi,
                      naf => 'pkiportal.home1.net', ua => '0100000000');
    my $password = password($key);

All values are octet strings, C<ua> is hex. C<p0> is C<gba-me> unless given.

=cut

use strict;
use warnings;
use Digest::SHA qw(hmac_sha256);
use Exporter qw(import);
use MIME::Base64 qw(encode_base64);

our @EXPORT_OK = qw(kdf_input naf_id naf_key password);

# NAF_Id = FQDN || Ua security protocol identifier, five octets (TS 33.220 4.5.2, H.1).
sub naf_id {
    my ($fqdn, $ua) = @_;
    die "not a Ua security protocol identifier: $ua\n" unless $ua =~ /\A[0-9a-f]{10}\z/;
    return $fqdn . pack 'H10', $ua;
}

# S = FC || P0 || L0 || P1 || L1 ...: the length, two octets, follows each parameter (B.2.0).
sub kdf_input {
    my @parameters = @_;
    return join '', "\x01", map { $_ . pack 'n', length } @parameters;
}

# Ks_NAF, or Ks_int_NAF with p0 => 'gba-u' (B.3).
sub naf_key {
    my %in = (p0 => 'gba-me', ua => '0100000000', @_);
    return hmac_sha256(kdf_input($in{p0}, @in{qw(rand impi)}, naf_id(@in{qw(naf ua)})), $in{ks});
}

# The password of Digest is the base64 text of the key.
sub password { return encode_base64($_[0], '') }

1;
