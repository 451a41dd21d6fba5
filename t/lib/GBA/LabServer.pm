# SPDX-License-Identifier: Apache-2.0
package GBA::LabServer;

=head1 NAME

GBA::LabServer - a GBA::Server that is a laboratory BSF, alone or beside the portal

=head1 SYNOPSIS

    my $server = GBA::LabServer->start(alone => 1, lab => "GBALabKeyLifetime 3s\n");
    my $ue     = GBA::Ub->new($server->usim('alice'));
    $server->write_subscribers(alice => { blocked => JSON::PP::true });
    my $answer = $server->retrieve(btId => ..., nafId => {...});

=head1 DESCRIPTION

Ub is at F</ub>, Nbsp_GBA below F</nbsp-gba/v1>; the BSF is bsf.home1.net and its NAF
pkiportal.home1.net. Further options of C<start>: C<lab>, more of its configuration; C<alone>,
without mod_gba_pki. Subscribers are alice (OP, and settings of two services), bob (OPc, GBA_U, SQN
and AMF of his own) and carol (no settings). C<write_subscribers> replaces the file at once and
changes members of those named; C<write_text> puts any text there.

=cut

use strict;
use warnings;
use base qw(GBA::Server);
use File::Copy qw(copy);
use JSON::PP ();
use GBA::HTTP;
use GBA::Milenage qw(opc);
use GBA::Site qw(site spew);

my @subscriber = (
    {   impi => 'alice@ims.home1.net', k => '465b5ce8b199b49faa5f0a2ee238a6bc', op => 'cdc202d5123e20f62b6d676ac72cb318',
        ussList => [map { { uss => { gsId => $_, gsType => $_, ueIds => [{ ueId => 'sip:alice@home1.net' }], flags => [{ flag => 1 }] } } } 1, 4] },
    {   impi => 'bob@ims.home1.net', k => 'fec86ba6eb707ed08905757b1bb44b8f', opc => '1006020f0a478bf6b699f15c062e42b3',
        amf => '725c', sqn => '000000001000', gbaU => JSON::PP::true,
        ussList => [{ uss => { gsId => 1, gsType => 1, ueIds => [{ ueId => 'sip:bob@home1.net' }] } }] },
    {   impi => 'carol@ims.home1.net', k => '9e5944aea94b81165c82fbf9f32db751', opc => 'a64a507ae1a2a98bb88eb4210135dc87' },
);

sub module_file {
    my $file = "$ENV{GBA_BUILDDIR}/.libs/mod_gba_bsf.so";
    -f $file or die "$file: build first\n";
    return $file;
}

sub make_folder {
    my ($self) = @_;
    $self->SUPER::make_folder;
    copy(module_file(), "$self->{dir}/mod_gba_bsf.so") or die "mod_gba_bsf.so: $!\n";
    return $self->write_subscribers;
}

sub file { return "$_[0]{dir}/subscribers.json" }

sub write_text {
    my ($self, $text) = @_;
    my $new = $self->file . '.new';
    spew($new, $text, 0600);
    chown scalar getpwnam site()->{user}, scalar getgrnam site()->{group}, $new if $> == 0;
    return rename $new, $self->file;
}

sub write_subscribers {
    my ($self, %changed) = @_;
    my @list = map { my ($name) = $_->{impi} =~ /^(\w+)/; +{ %$_, %{ $changed{$name} || {} } } } @subscriber;
    return $self->write_text(JSON::PP->new->canonical->pretty->encode(\@list));
}

# What GBA::Ub wants to know of a subscriber.
sub usim {
    my ($self, $name) = @_;
    my ($found) = grep { $_->{impi} =~ /^\Q$name\E@/ } @subscriber;
    return (port => $self->port, bsf => 'bsf.home1.net', map { $_ => $found->{$_} } grep { $found->{$_} } qw(impi k op opc));
}

sub lab_configuration {
    my ($self) = @_;
    return <<"END";
LoadModule gba_bsf_module "$self->{dir}/mod_gba_bsf.so"
GBALabName bsf.home1.net
GBALabSubscribers "@{[ $self->file ]}"
GBALabNaf pkiportal.home1.net
<Location "/ub">
    SetHandler gba-bsf-ub
</Location>
<Location "/nbsp-gba/v1">
    SetHandler gba-bsf-nbsp
</Location>
LogLevel gba_bsf:debug
@{[ $self->{lab} // '' ]}
END
}

sub configuration {
    my ($self) = @_;
    my $text = $self->SUPER::configuration;
    if ($self->{alone}) {
        $text =~ s/^LoadModule gba_pki_module .*\n//m;
        $text =~ s{^GBALaboratory .*?SetHandler gba-enrol\n</Location>\n}{}ms;
        $text =~ s/gba_pki:trace8//g;
    }
    return $text . $self->lab_configuration;
}

# ---- Nbsp_GBA ----

# One POST; body is text, or a structure that becomes JSON. Returns the response, with json where
# its media type says so.
sub post {
    my ($self, $body, %option) = @_;
    my $text   = ref $body ? JSON::PP->new->canonical->encode($body) : $body;
    my $target = $option{target} // '/nbsp-gba/v1/bootstrapping-info-retrieval';
    my $method = $option{method} // 'POST';
    my $http   = GBA::HTTP->connect($self->port);
    my @fields = @{ $option{fields} // ['Content-Type: application/json', 'Content-Length: ' . length $text] };
    $http->send(join("\r\n", "$method $target HTTP/1.1", 'Host: bsf.home1.net', @fields, '', '') . $text);
    my $response = $http->receive($method);
    my $type = GBA::HTTP::field($response, 'Content-Type') // '';
    $response->{type} = $type;
    $response->{json} = JSON::PP::decode_json($response->{body}) if $type =~ m{^application/(?:problem\+)?json$};
    return $response;
}

sub retrieve {
    my ($self, $btid, %more) = @_;
    my $naf = delete $more{naf} // 'pkiportal.home1.net';
    return $self->post({ btId => $btid, nafId => { nafFqdn => $naf, uaSecProtId => '0100000000' }, %more });
}

1;
