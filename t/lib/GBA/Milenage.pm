# SPDX-License-Identifier: Apache-2.0
package GBA::Milenage;

=head1 NAME

GBA::Milenage - f1 to f5* of TS 35.206 and the AKA around them, from the standards alone

=head1 SYNOPSIS

    my $opc = opc($k, $op);
    my %f   = milenage($k, $opc, $rand, $sqn, $amf);    # f1 f1s f2 f3 f4 f5 f5s
    my $autn = autn($k, $opc, $rand, $sqn, $amf);
    my $auts = auts($k, $opc, $rand, $sqn_ms);

All are octet strings. AES-128 is FIPS 197 in a few lines: slow, and nobody else's.

=cut

use strict;
use warnings;
use Exporter qw(import);

our @EXPORT_OK = qw(aes128 auts autn milenage opc);

# ---- AES-128 (FIPS 197) ----

sub xtime { my ($x) = @_; return (($x << 1) ^ ($x & 0x80 ? 0x11b : 0)) & 0xff }

sub product {
    my ($x, $y) = @_;
    my $product = 0;
    for (1 .. 8) { $product ^= $x if $y & 1; $x = xtime($x); $y >>= 1 }
    return $product;
}

# The affine transformation of the inverse in GF(2^8) (5.1.1).
my @sbox = map {
    my $x = $_;
    my ($inverse) = $x ? grep { product($x, $_) == 1 } 1 .. 255 : 0;
    my $s = 0x63;
    $s ^= (($inverse << $_) | ($inverse >> (8 - $_))) & 0xff for 0 .. 4;
    $s;
} 0 .. 255;

# Eleven round keys of 16 octets (5.2).
sub expand {
    my ($key) = @_;
    my @w = map { [unpack 'C4', $_] } unpack '(a4)4', $key;
    my $rcon = 1;
    for my $i (4 .. 43) {
        my @t = @{ $w[$i - 1] };
        if ($i % 4 == 0) {
            @t = map { $sbox[$_] } @t[1, 2, 3, 0];
            $t[0] ^= $rcon;
            $rcon = xtime($rcon);
        }
        push @w, [map { $w[$i - 4][$_] ^ $t[$_] } 0 .. 3];
    }
    return map { my $r = $_; [map { @{ $w[4 * $r + $_] } } 0 .. 3] } 0 .. 10;
}

sub mix {
    my (@s) = @_;
    return map {
        my @c = @s[4 * $_ .. 4 * $_ + 3];
        map { product($c[$_], 2) ^ product($c[($_ + 1) % 4], 3) ^ $c[($_ + 2) % 4] ^ $c[($_ + 3) % 4] } 0 .. 3;
    } 0 .. 3;
}

sub aes128 {
    my ($key, $block) = @_;
    my @round = expand($key);
    my @s     = unpack 'C16', $block;
    @s = map { $s[$_] ^ $round[0][$_] } 0 .. 15;
    for my $r (1 .. 10) {
        @s = map { $sbox[$s[$_]] } map { (5 * $_) % 16 } 0 .. 15;    # SubBytes, ShiftRows
        @s = mix(@s) if $r < 10;
        @s = map { $s[$_] ^ $round[$r][$_] } 0 .. 15;
    }
    return pack 'C16', @s;
}

# ---- Milenage (TS 35.206 4.1) ----

sub opc { my ($k, $op) = @_; return aes128($k, $op) ^ $op }

sub rotated { my ($text, $bits) = @_; return substr($text, $bits / 8) . substr($text, 0, $bits / 8) }

sub milenage {
    my ($k, $opc, $rand, $sqn, $amf) = @_;
    my $temp = aes128($k, $rand ^ $opc);
    my $in1  = ($sqn . $amf) x 2;
    my $out1 = aes128($k, $temp ^ rotated($in1 ^ $opc, 64)) ^ $opc;
    my %out;
    for ([2, 0, 1], [3, 32, 2], [4, 64, 4], [5, 96, 8]) {
        my ($n, $r, $c) = @$_;
        $out{$n} = aes128($k, rotated($temp ^ $opc, $r) ^ ("\0" x 15 . chr $c)) ^ $opc;
    }
    return (
        f1 => substr($out1, 0, 8), f1s => substr($out1, 8), f2 => substr($out{2}, 8), f3 => $out{3},
        f4 => $out{4}, f5 => substr($out{2}, 0, 6), f5s => substr($out{5}, 0, 6),
    );
}

# ---- AKA (TS 33.102 6.3) ----

sub autn {
    my ($k, $opc, $rand, $sqn, $amf) = @_;
    my %f = milenage($k, $opc, $rand, $sqn, $amf);
    return ($sqn ^ $f{f5}) . $amf . $f{f1};
}

sub auts {
    my ($k, $opc, $rand, $sqn_ms) = @_;
    my %f = milenage($k, $opc, $rand, $sqn_ms, "\0\0");
    return ($sqn_ms ^ $f{f5s}) . $f{f1s};
}

1;
