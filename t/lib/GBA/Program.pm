# SPDX-License-Identifier: Apache-2.0
package GBA::Program;

=head1 NAME

GBA::Program - the gba-ue that was built, and somebody between it and its peers

=head1 SYNOPSIS

    my $home = GBA::Program->home;                           # a folder of this UE's own
    my $run  = $home->ue('bootstrap', $url, '--usim', $home->usim(impi => $impi, k => $hex, opc => $hex));
    is($run->{code}, 0);                                     # also json, out, err
    my $port = $home->tamper($server->port, '--forge-info'); # tools/tamper-proxy.pl

=head1 DESCRIPTION

C<ue> runs gba-ue with C<--json>; what it prints for people (C<--trace>) is in C<err>. What C<tamper>
starts ends with the script, by its pid.

=cut

use strict;
use warnings;
use File::Temp qw(tempdir);
use JSON::PP ();
use POSIX ();
use GBA::Site qw(slurp spew);

my $top = $ENV{GBA_SRCDIR};
my @started;

sub home {
    my ($class) = @_;
    return bless { dir => tempdir(CLEANUP => 1), files => 0 }, $class;
}

# The path of a file that is not there yet.
sub file {
    my ($self, $name) = @_;
    return sprintf '%s/%d-%s', $self->{dir}, ++$self->{files}, $name;
}

sub usim {
    my ($self, %member) = @_;
    return spew($self->file('usim.json'), JSON::PP->new->canonical->encode(\%member), 0600);
}

sub ue {
    my ($self, @word) = @_;
    my ($out, $err) = map { $self->file($_) } qw(out err);
    my @command = ("$ENV{GBA_BUILDDIR}/gba-ue", @word, '--json');
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        delete @ENV{qw(GBA_KS GBA_KS_NAF)};
        open STDOUT, '>', $out or POSIX::_exit(127);
        open STDERR, '>', $err or POSIX::_exit(127);
        exec {$command[0]} @command or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    my %run = (code => $? & 127 ? "signal $?" : $? >> 8, out => slurp($out), err => slurp($err));
    $run{json} = eval { JSON::PP::decode_json($run{out}) } || {};
    return \%run;
}

sub tamper {
    my ($self, $port, @how) = @_;
    my $said = $self->file('port');
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDOUT, '>', $said or POSIX::_exit(127);
        exec $^X, "$top/tools/tamper-proxy.pl", '--to', $port, @how or POSIX::_exit(127);
    }
    push @started, [$$, $pid];
    for (1 .. 100) {
        return $1 if -e $said && slurp($said) =~ /\A([0-9]+)\n/;
        select undef, undef, undef, 0.05;
    }
    die "tamper-proxy.pl does not start\n";
}

END {
    my $status = $?;
    for (grep { $_->[0] == $$ } @started) {
        kill 'TERM', $_->[1];
        waitpid $_->[1], 0;
    }
    $? = $status;
}

1;
