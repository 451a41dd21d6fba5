# SPDX-License-Identifier: Apache-2.0
package GBA::BSF::Schema;

=head1 NAME

GBA::BSF::Schema - what TS 29.309's OpenAPI file says of a request, by somebody else's validator

=head1 SYNOPSIS

    my @problems = GBA::BSF::Schema->new->problems($call);    # of a call that a GBA::BSF recorded

=head1 DESCRIPTION

JSON::Validator over t/vectors/TS29309_Nbsp_GBA.yaml: the part of the OpenAPI file that is about
bootstrapping-info-retrieval. Beside the body's schema it looks at method, target and media type, and at
members that the schema does not know, which it would let pass.

=cut

use strict;
use warnings;
use JSON::PP ();
use GBA::BSF::Server;
use GBA::Site qw(site);

# Why it cannot be had, or nothing.
sub missing {
    return if eval { require JSON::Validator; 1 };
    return 'no JSON::Validator (Debian: libjson-validator-perl)';
}

sub new {
    my ($class) = @_;
    require JSON::Validator;
    my $file = site()->{top} . '/t/vectors/TS29309_Nbsp_GBA.yaml';
    my $self = bless {}, $class;
    for my $name (qw(BootstrappingInfoRequest BootstrappingInfoResponse)) {
        $self->{$name} = JSON::Validator->new->schema({ '$ref' => "file://$file#/components/schemas/$name" });
    }
    return $self;
}

my %known = (top => { map { $_ => 1 } qw(btId nafId gbaUAware gsIds) }, naf => { map { $_ => 1 } qw(nafFqdn uaSecProtId) });

sub problems {
    my ($self, $call) = @_;
    my $body = eval { JSON::PP->new->utf8->decode($call->{body}) };
    return "no JSON: $@" unless defined $body;
    my @problems = map { "$_" } $self->{BootstrappingInfoRequest}->validate($body);
    push @problems, "method $call->{method}" if $call->{method} ne 'POST';
    push @problems, "target $call->{target}" if $call->{target} !~ m{/nbsp-gba/v1/bootstrapping-info-retrieval\z};
    my $type = GBA::BSF::Server::field($call, 'Content-Type') // 'none';
    push @problems, "type $type" if $type ne 'application/json';
    push @problems, map { "unknown $_" } grep { !$known{top}{$_} } keys %$body;
    push @problems, map { "unknown nafId/$_" } grep { !$known{naf}{$_} } keys %{ $body->{nafId} || {} };
    return @problems;
}

# The same of an answer's object: that what the BSF of the tests calls right is right.
sub problems_of_answer {
    my ($self, $text) = @_;
    return map { "$_" } $self->{BootstrappingInfoResponse}->validate(JSON::PP->new->utf8->decode($text));
}

1;
