# SPDX-License-Identifier: Apache-2.0
package GBA::UE;

=head1 NAME

GBA::UE - a UE on Ua: HTTP Digest with a NAF key, every response verified

=head1 SYNOPSIS

    my $ue = GBA::UE->new(subscriber('alpha'), algorithm => 'MD5');
    my $response = $ue->request('POST', '/enrol', type => 'application/x-pkcs10', body => $pem);

=head1 DESCRIPTION

C<request> does what a UE does: takes the challenge of a 401, sends credentials, obeys stale=true
once, and fails the running test if the final response is not protected. C<exchange> sends one
request: C<< auth => 0 >> without credentials, C<< auth => {...} >> with them, where the hash
replaces what they are made of (C<username>, C<password>, C<realm>, C<nonce>, C<nc>, C<uri>,
C<method>, C<body>, ... all before the hash), C<after> changes the list of [name, value, quoted]
once it is made, C<raw> is a list of whole Authorization values, and C<context> what an earlier
response's C<context> was: the same credentials once more.

Whatever the method, an Authentication-Info that is there must be the one octet string that the
key, the request and the received body give, must not stand twice, must not stand on a 401, and
must not stand where nobody authenticated: anything else fails the running test. A response's
C<protected> tells: 1 or 0, or -1 if it was wrong.

Other options of a request: C<body>, C<type>, C<fields> (a list of [name, value]), C<chunks> (the
body in chunks; C<body> stays what is hashed), C<expect> (100-continue), C<fresh> (a new
connection), C<unprotected> (C<request> takes an unprotected final response).

=cut

use strict;
use warnings;
use Carp qw(croak);
use Test::More ();
use GBA::Digest qw(authorization info_value read_challenge response_value);
use GBA::HTTP;
use GBA::KDF qw(password);
use GBA::Site qw(site);

my $host = 'pkiportal.home1.net';

sub new {
    my ($class, $subscriber, %option) = @_;
    return bless {
        username  => $subscriber->{btId},
        password  => password(pack 'H*', $subscriber->{meKeyMaterial}),
        algorithm => 'SHA-256',
        qop       => 'auth-int',
        port      => site()->{port},
        nc        => 0,
        %option,
    }, $class;
}

# ---- what is sent ----

# What credentials are made of for one request.
sub context {
    my ($self, $method, $target, $body, $replaced) = @_;
    my %context = (
        (map { $_ => $self->{$_} } qw(username password realm nonce algorithm qop opaque)),
        method => $method, uri => $target, body => $body,
        cnonce => sprintf('%08x%08x', rand 2**32, rand 2**32),
        nc     => sprintf('%08x', exists $replaced->{nc} ? 0 : ++$self->{nc}),
    );
    register_unsent(%context) if exists $replaced->{password} || exists $replaced->{body};
    return { %context, map { $_ => $replaced->{$_} } grep { $_ ne 'after' } keys %$replaced };
}

# Remembers a right response that is never sent: it must not be found anywhere afterwards.
sub register_unsent {
    my (%context) = @_;
    open my $file, '>>', site()->{unsent} or die site()->{unsent} . ": $!\n";
    print $file response_value(%context), "\n";
    return close $file;
}

sub credentials {
    my ($context, $after) = @_;
    my $parameters = [
        (map { [$_, $context->{$_}, 1] } qw(username realm nonce uri)),
        ['algorithm', $context->{algorithm}, 0],
        ['response', response_value(%$context), 1],
        ['opaque',   $context->{opaque},    1],
        (map { [$_, $context->{$_}, 0] } qw(qop nc)),
        ['cnonce', $context->{cnonce}, 1],
    ];
    $after->($parameters) if $after;
    return authorization(@$parameters);
}

sub frame {
    my (%option) = @_;
    return ("Transfer-Encoding: chunked\r\n", join '',
        (map { sprintf "%x\r\n%s\r\n", length, $_ } @{ $option{chunks} }), "0\r\n\r\n")
        if $option{chunks};
    return ('', '') unless defined $option{body};
    return ('Content-Length: ' . length($option{body}) . "\r\n", $option{body});
}

# The octets of a request: head and body.
sub octets {
    my ($self, $method, $target, %option) = @_;
    my ($framing, $body) = frame(%option);
    my $head = "$method $target HTTP/1.1\r\nHost: $host\r\nUser-Agent: gba-test; Release-6 3gpp-gba\r\n";
    $head .= "Authorization: $_\r\n" for @{ $option{authorization} || [] };
    $head .= "Content-Type: $option{type}\r\n" if defined $option{type};
    $head .= "$_->[0]: $_->[1]\r\n" for @{ $option{fields} || [] };
    $head .= "Expect: 100-continue\r\n" if $option{expect};
    return ("$head$framing\r\n", $body);
}

# ---- what is received ----

sub complain {
    my ($response, $why) = @_;
    Test::More::fail("Authentication-Info: $why (status $response->{status})");
    return -1;
}

# Nonzero if the response is protected as the context of its request demands.
sub verify {
    my ($response, $context) = @_;
    my @info = GBA::HTTP::field($response, 'Authentication-Info');
    return 0 unless @info;
    return complain($response, 'nobody authenticated')        unless $context;
    return complain($response, 'on a 401')                    if $response->{status} == 401;
    return complain($response, scalar(@info) . ' of them')    if @info > 1;
    my $wanted = info_value(%$context, body => $response->{body});
    return 1 if $info[0] eq $wanted;
    complain($response, 'wrong');
    Test::More::diag("got:    $info[0]\nwanted: $wanted");
    return -1;
}

# Takes the challenge that fits this UE; nonzero if there is one.
sub take_challenge {
    my ($self, $response) = @_;
    my @challenges = grep { $_ } map { read_challenge($_) } GBA::HTTP::field($response, 'WWW-Authenticate');
    my ($mine) = grep { $_->{algorithm} eq $self->{algorithm} } @challenges;
    return 0 unless $mine;
    $self->{$_} = $mine->{$_} for qw(realm nonce opaque stale);
    $self->{nc} = 0;
    return 1;
}

# ---- one request ----

sub connection {
    my ($self, $fresh) = @_;
    delete $self->{http} if $fresh;
    return $self->{http} ||= GBA::HTTP->connect($self->{port});
}

sub exchange {
    my ($self, $method, $target, %option) = @_;
    my $replaced = $option{auth};
    my $body     = $option{body} // '';
    my $context  = $replaced ? $replaced->{context} || $self->context($method, $target, $body, $replaced) : undef;
    my $raw      = $replaced && $replaced->{raw};
    local $option{authorization} = $raw || ($context ? [credentials($context, $replaced->{after})] : []);
    my ($head, $payload) = $self->octets($method, $target, %option);
    my $http     = $self->connection($option{fresh});
    my $response = transfer($http, $method, $head, $payload, $option{expect});
    delete $self->{http} if $response->{close};
    $response->{context}   = $context;
    $response->{protected} = verify($response, $context);
    return $response;
}

sub transfer {
    my ($http, $method, $head, $payload, $expect) = @_;
    $http->send($expect ? $head : $head . $payload);
    my $continued = $expect && $http->is_continued;
    $http->send($payload) if $continued;
    my $response = $http->receive($method);
    $response->{continued} = $continued ? 1 : 0;
    return $response;
}

# A challenge for the target, without credentials and body.
sub authenticate {
    my ($self, $target) = @_;
    my $response = $self->exchange('GET', $target, auth => 0);
    croak "no challenge from $target but $response->{status}" unless $response->{status} == 401;
    $self->take_challenge($response) or croak "no challenge for $self->{algorithm} from $target";
    return $response;
}

sub request {
    my ($self, $method, $target, %option) = @_;
    my $response;
    $self->authenticate($target) unless defined $self->{nonce};
    for my $try (1, 2) {
        $response = $self->exchange($method, $target, auth => {}, %option);
        last unless $response->{status} == 401 && $self->take_challenge($response) && $self->{stale};
    }
    complain($response, "missing from the answer to $method $target")
        unless $response->{protected} || $option{unprotected};
    return $response;
}

1;
