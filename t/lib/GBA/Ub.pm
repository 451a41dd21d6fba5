# SPDX-License-Identifier: Apache-2.0
package GBA::Ub;

=head1 NAME

GBA::Ub - a UE on Ub with a software USIM, from TS 24.109 clause 4 and RFC 3310 alone

=head1 SYNOPSIS

    my $ue   = GBA::Ub->new(port => $port, target => '/ub', bsf => 'bsf.home1.net', sqn => 0,
                            impi => $impi, k => $hex, opc => $hex);
    my $keys = $ue->bootstrap;          # btid, rand, ks, lifetime; dies unless all is right
    my $key  = $ue->naf_key($keys, 'pkiportal.home1.net', '0100000000');

=head1 DESCRIPTION

C<first> names the UE and returns the response, with C<challenge> (realm, nonce, rand, autn) if it is
a 401 that holds one, in the one spelling that is known to be survived. C<judge> is the USIM: ok, mac
or sqn (whose SQN it then is stands in C<heard>). C<answer> sends credentials for a challenge; its
options replace what they are made of (C<res>, C<auts>, C<nonce>, C<uri>, C<response>, ...).
C<bootstrap> does all of it, resynchronises once where SQN is not fresh, and verifies
Authentication-Info over the document. C<rounds> tells how many requests it took.

=cut

use strict;
use warnings;
use MIME::Base64 qw(decode_base64 encode_base64);
use GBA::Digest qw(info_value response_value);
use GBA::HTTP;
use GBA::KDF ();
use GBA::Milenage qw(auts autn milenage opc);

sub new {
    my ($class, %option) = @_;
    my $self = bless { target => '/ub', sqn => 0, nc => 0, rounds => 0, %option }, $class;
    $self->{$_} = pack 'H*', $self->{$_} for grep { $self->{$_} } qw(k op opc);
    $self->{opc} //= opc(@{$self}{qw(k op)});
    return $self;
}

sub rounds { return $_[0]{rounds} }
sub sqn    { return $_[0]{sqn} }
sub heard  { return $_[0]{heard} }

# One request over a connection of its own; a list of whole fields.
sub request {
    my ($self, $method, $target, @fields) = @_;
    my $http = GBA::HTTP->connect($self->{port});
    $self->{rounds}++;
    $http->send(join "\r\n", "$method $target HTTP/1.1", 'Host: bsf.home1.net', 'User-Agent: 3gpp-gba',
        @fields, '', '');
    my $response = $http->receive($method);
    my ($text, @more) = GBA::HTTP::field($response, 'WWW-Authenticate');
    $response->{challenge} = $self->read_challenge($text) if defined $text && !@more;
    return $response;
}

sub read_challenge {
    my ($self, $text) = @_;
    my ($realm, $nonce) = $text =~
        m{\ADigest realm="([^"\\]+)", nonce="([A-Za-z0-9+/]{43}=)", algorithm=AKAv1-MD5, qop="auth-int"\z} or return;
    my ($rand, $autn) = unpack 'a16 a16', decode_base64($nonce);
    return { realm => $realm, nonce => $nonce, rand => $rand, autn => $autn };
}

sub first {
    my ($self, %replaced) = @_;
    my %p = (username => $self->{impi}, realm => $self->{bsf}, nonce => '', uri => '/', response => '', %replaced);
    return $self->request('GET', $self->{target},
        'Authorization: Digest ' . join ', ', map { qq($_="$p{$_}") } qw(username realm nonce uri response));
}

# ---- the USIM ----

sub octets { my ($sqn) = @_; return substr pack('Q>', $sqn), 2 }

# TS 33.102 6.3.3, with the one SEQ of a USIM that keeps no array.
sub judge {
    my ($self, $challenge) = @_;
    my ($k, $opc) = @{$self}{qw(k opc)};
    my ($rand, $autn) = @{$challenge}{qw(rand autn)};
    my %f   = milenage($k, $opc, $rand, "\0" x 6, "\0\0");
    my $sqn = substr($autn, 0, 6) ^ $f{f5};
    return 'mac' if autn($k, $opc, $rand, $sqn, substr $autn, 6, 2) ne $autn;
    $self->{heard} = unpack 'Q>', "\0\0$sqn";
    my ($seq, $seq_ms) = map { $_ >> 5 } $self->{heard}, $self->{sqn};
    return 'sqn' if $seq <= $seq_ms || $seq - $seq_ms > 2**28;
    $self->{sqn} = $self->{heard};
    return 'ok';
}

sub keys_of {
    my ($self, $challenge) = @_;
    my %f = milenage(@{$self}{qw(k opc)}, $challenge->{rand}, "\0" x 6, "\0\0");
    return { res => $f{f2}, ks => $f{f3} . $f{f4}, rand => $challenge->{rand} };
}

# ---- Digest ----

# What the credentials for a challenge are made of. The password is RES as octets, or nothing
# beside auts (RFC 3310 3.3, 3.4).
sub context {
    my ($self, $challenge, %replaced) = @_;
    my $res = $replaced{res} // $self->keys_of($challenge)->{res};
    return {
        username => $self->{impi}, realm => $challenge->{realm}, nonce => $challenge->{nonce},
        uri => $self->{target}, qop => 'auth-int', nc => sprintf('%08x', ++$self->{nc}),
        cnonce => sprintf('%08x%08x', rand 2**32, rand 2**32), algorithm => 'MD5', method => 'GET', body => '',
        password => $replaced{auts} ? '' : $res, %replaced,
    };
}

sub answer {
    my ($self, $challenge, %replaced) = @_;
    my $context = $self->context($challenge, %replaced);
    my %p = (%$context, response => $replaced{response} // response_value(%$context));
    my @parts = ((map { qq($_="$p{$_}") } qw(username realm nonce uri)), 'algorithm=AKAv1-MD5',
        qq(response="$p{response}"), "qop=$p{qop}", "nc=$p{nc}", qq(cnonce="$p{cnonce}"));
    push @parts, 'auts="' . encode_base64($p{auts}, '') . '"' if $p{auts};
    my $response = $self->request('GET', $p{target} // $self->{target}, 'Authorization: Digest ' . join ', ', @parts);
    $response->{context} = $context;
    return $response;
}

sub resynchronise {
    my ($self, $challenge, %replaced) = @_;
    my $auts = auts(@{$self}{qw(k opc)}, $challenge->{rand}, octets($self->{sqn}));
    return $self->answer($challenge, auts => $auts, %replaced);
}

# ---- the whole ----

# Why a 200 is not what it must be; nothing if it is (RFC 3310 3.3, TS 24.109 C.1).
sub complaint {
    my ($self, $response) = @_;
    my ($info, @more) = GBA::HTTP::field($response, 'Authentication-Info');
    my $type = GBA::HTTP::field($response, 'Content-Type') // '';
    return "status $response->{status}" if $response->{status} != 200;
    return 'not one Authentication-Info' if !defined $info || @more;
    return "Authentication-Info: $info" if $info ne info_value(%{ $response->{context} }, body => $response->{body});
    return "media type $type" if $type ne 'application/vnd.3gpp.bsf+xml';
    return "it may be stored" if (GBA::HTTP::field($response, 'Cache-Control') // '') ne 'no-store';
    return;
}

sub read_document {
    my ($self, $body) = @_;
    my ($btid, $lifetime, $time) = $body =~ m{\A<\?xml\ version="1\.0"\ encoding="UTF-8"\?>\n
        <BootstrappingInfo\ xmlns="uri:3gpp-gba">\n<btid>([^<>&]+)</btid>\n
        <lifetime>(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)</lifetime>\n
        (?:<Extension><currenttime>(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)</currenttime></Extension>\n)?
        </BootstrappingInfo>\n\z}x or die "no BootstrappingInfo: $body\n";
    return (btid => $btid, lifetime => $lifetime, currenttime => $time);
}

sub bootstrap {
    my ($self) = @_;
    $self->{rounds} = 0;
    my $challenge = $self->first->{challenge} or die "no challenge\n";
    my $verdict = $self->judge($challenge);
    if ($verdict eq 'sqn') {
        $challenge = $self->resynchronise($challenge)->{challenge} or die "no challenge after auts\n";
        $verdict = $self->judge($challenge);
    }
    die "the network is not who it says: $verdict\n" if $verdict ne 'ok';
    my $response = $self->answer($challenge);
    my $why = $self->complaint($response);
    die "bootstrapping: $why\n" if $why;
    my $keys = { %{ $self->keys_of($challenge) }, $self->read_document($response->{body}) };
    my $btid = encode_base64($keys->{rand}, '') . '@' . $self->{bsf};
    die "B-TID $keys->{btid}, not $btid\n" if $keys->{btid} ne $btid;
    return $keys;
}

sub naf_key {
    my ($self, $keys, $naf, $ua, $p0) = @_;
    return GBA::KDF::naf_key(ks => $keys->{ks}, rand => $keys->{rand}, impi => $self->{impi}, naf => $naf,
        ua => $ua // '0100000000', p0 => $p0 // 'gba-me');
}

1;
