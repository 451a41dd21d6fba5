# SPDX-License-Identifier: Apache-2.0
package GBA::Enrolling;

=head1 NAME

GBA::Enrolling - clients that enrol all the time and remember what they were given

=head1 SYNOPSIS

    my @entries   = GBA::Enrolling::entries(8);                    # subscribers for the key file
    my $server    = GBA::Server->start(subscribers => \@entries, ...);
    my $enrolling = GBA::Enrolling->new($server, @entries);
    my %outcome   = $enrolling->run(100);                          # how often each, see below
    my @received  = $enrolling->received;                          # [serial, der], ...
    is($enrolling->finish, 0, 'no client saw a wrong answer');

=head1 DESCRIPTION

A process for each subscriber; two of three requests are for a new key, the third for the last one
again, which must be answered by the same certificate if there was one. Each has a connection of its
own. Outcomes: C<certificate> (200 with a right Authentication-Info), C<again> (503 with a right
one and Retry-After), C<full> (403 by a quota, with a right one), C<broken> (the connection ended without an answer), C<wrong> (anything else;
said as a comment by C<finish>). What is received is written to a file of the client at once.

=cut

use strict;
use warnings;
use Test::More ();
use GBA::CA;
use GBA::Crowd;
use GBA::HTTP;
use GBA::Site qw(slurp);
use GBA::UE;

my @outcomes = qw(certificate again broken full wrong);

sub entries {
    my ($number) = @_;
    return map { GBA::CA::entry("enrolling-$_", [1]) } 1 .. $number;
}

sub new {
    my ($class, $server, @entries) = @_;
    my $self = bless { folder => $server->dir . "/received.$$" . int(rand 1e6), clients => scalar @entries }, $class;
    mkdir $self->{folder} or die "$self->{folder}: $!\n";
    $self->{crowd} = GBA::Crowd->new(scalar @entries, sub {
        my ($number) = @_;
        my $ue = GBA::UE->new($entries[$number], port => $server->port);
        open my $file, '>>', "$self->{folder}/$number" or die "$self->{folder}/$number: $!\n";
        $file->autoflush(1);
        return client($ue, $file);
    });
    return $self;
}

# ---- in a client ----

sub pkcs10 {
    return GBA::CA::openssl('', qw(req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null),
        '-subj', '/CN=a wish');
}

# Certificate, TBSCertificate, [0] version, serialNumber (RFC 5280 4.1).
sub serial_of {
    my ($der) = @_;
    my (undef, $certificate) = GBA::CA::tlv($der);
    my (undef, $tbs)         = GBA::CA::tlv($certificate);
    my (undef, undef, $rest) = GBA::CA::tlv($tbs);
    my (undef, $serial)      = GBA::CA::tlv($rest);
    return unpack 'H*', $serial;
}

sub outcome {
    my ($response, $error) = @_;
    return 'broken' if !$response && $error =~ /\Athe connection ended inside a/;
    die $error unless $response;
    return 'wrong' unless $response->{protected} == 1;
    return 'certificate' if $response->{status} == 200;
    return 'full' if $response->{status} == 403 && $response->{body} =~ /"refused; reason=QUOTA_WINDOW"/;
    return 'again' if $response->{status} == 503 && GBA::HTTP::field($response, 'Retry-After');
    Test::More::fail("status $response->{status}");
    return 'wrong';
}

sub client {
    my ($ue, $file) = @_;
    my ($pem, $given, $count) = ('', '', 0);
    return sub {
        ($pem, $given) = (pkcs10(), '') if $count++ % 3 < 2 || !$pem;
        my $response = eval {
            $ue->request('POST', '/enrol', type => 'application/x-pkcs10', fresh => 1, body => $pem);
        };
        my $outcome = outcome($response, $@);
        if ($outcome eq 'certificate') {
            my $der = GBA::CA::der_of($response->{body});
            print {$file} serial_of($der), ' ', unpack('H*', $der), "\n" or die "received: $!\n";
            Test::More::fail('the same key again: another certificate') if $given && $given ne $der;
            $given = $der;
        }
        my %number = map { $outcomes[$_] => $_ } 0 .. $#outcomes;
        return $number{$outcome};
    };
}

# ---- in the script ----

sub run {
    my ($self, $requests) = @_;
    my %count = map { $_ => 0 } @outcomes;
    my @answers = $self->{crowd}->do(1 .. $requests);
    $count{ $outcomes[$_->[1]] }++ for @answers;
    $count{wrong} += $requests - @answers;
    return %count;
}

sub received {
    my ($self) = @_;
    return map { my ($serial, $der) = split; [$serial, pack 'H*', $der] } map { split /\n/, slurp($_) } glob "$self->{folder}/*";
}

sub finish { my ($self) = @_; return $self->{crowd}->finish }

1;
