# SPDX-License-Identifier: Apache-2.0
package GBA::Digest;

=head1 NAME

GBA::Digest - HTTP Digest computed from RFC 7616 and RFC 2617, for tests

=head1 DESCRIPTION

Shares no code with the module under test. Arithmetic: C<digest_hash>, C<ha1>,
C<response_value>, C<rspauth_value>. Text: C<authorization> prints credentials,
C<read_challenge>, C<read_info> read what a server sent and take one spelling only:
the one that TS 24.109 prints and deployed UEs are known to survive.

=cut

use strict;
use warnings;
use Digest::MD5 ();
use Digest::SHA ();
use Exporter qw(import);

our @EXPORT_OK = qw(authorization digest_hash ha1 info_value read_challenge read_info
    response_value rspauth_value);

my %hash = (
    'MD5'         => \&Digest::MD5::md5_hex,
    'SHA-256'     => \&Digest::SHA::sha256_hex,
    'SHA-512-256' => \&Digest::SHA::sha512256_hex,
);

sub digest_hash {
    my ($algorithm, $octets) = @_;
    my $function = $hash{$algorithm} or die "no such algorithm: $algorithm\n";
    return $function->($octets);
}

# RFC 7616 3.4.2
sub ha1 {
    my (%in) = @_;
    return digest_hash($in{algorithm}, join ':', @in{qw(username realm password)});
}

# RFC 7616 3.4.1: the request hash and, with no method, rspauth of 3.5.
sub value {
    my ($method, %in) = @_;
    my $a2 = "$method:$in{uri}";
    $a2 .= ':' . digest_hash($in{algorithm}, $in{body}) if $in{qop} eq 'auth-int';
    return digest_hash($in{algorithm},
        join ':', $in{ha1} // ha1(%in), @in{qw(nonce nc cnonce qop)}, digest_hash($in{algorithm}, $a2));
}

sub response_value { my (%in) = @_; return value($in{method}, %in) }
sub rspauth_value  { my (%in) = @_; return value('',          %in) }

# The value of Authentication-Info that a response must have, to the octet (TS 24.109 table E.4-1).
sub info_value {
    my (%in) = @_;
    return sprintf 'qop=%s, rspauth="%s", cnonce="%s", nc=%s', $in{qop}, rspauth_value(%in),
        @in{qw(cnonce nc)};
}

# Credentials from a list of [name, value, quoted].
sub authorization {
    my (@parameters) = @_;
    return 'Digest ' . join ', ',
        map { my ($name, $text, $quoted) = @$_; $quoted ? qq($name="$text") : "$name=$text" } @parameters;
}

# One WWW-Authenticate value: order and quoting are fixed. Returns a hash, or nothing.
sub read_challenge {
    my ($value) = @_;
    $value =~ m{\A Digest\ realm="([^"\\]+)",\ nonce="([^"\\]+)",\ algorithm=([A-Za-z0-9-]+),
        \ qop="(auth-int|auth|auth,auth-int)",\ opaque="([^"\\]+)"(,\ stale=true)? \z}x or return;
    return {
        realm => $1, nonce => $2, algorithm => $3, qop => $4, opaque => $5, stale => $6 ? 1 : 0,
    };
}

# One Authentication-Info value. Returns a hash, or nothing.
sub read_info {
    my ($value) = @_;
    $value =~ m{\A qop=(auth-int|auth),\ rspauth="([0-9a-f]+)",\ cnonce="([^"\\]+)",\ nc=([0-9A-Fa-f]{8}) \z}x
        or return;
    return { qop => $1, rspauth => $2, cnonce => $3, nc => $4 };
}

1;
