# SPDX-License-Identifier: Apache-2.0
package GBA::Keeper;

=head1 NAME

GBA::Keeper - the keeper of a server of a script's own, as a process

=head1 SYNOPSIS

    my $keeper = GBA::Keeper->of($server);
    $keeper->hold;                  # its warden starts no other for now
    kill 'KILL', $keeper->pid;
    $keeper->wait_gone;
    $keeper->go_on;
    my $pid = $keeper->wait_back;   # of the new one; 0 if it does not come

=head1 DESCRIPTION

C<pid> is that of the running keeper, 0 if there is none or more than one (after a graceful restart
the old one goes when its children have). A zombie is none. C<processes> lists the pids of this
server's processes of a name: C<gba-keeper> or C<gba-warden>.

=cut

use strict;
use warnings;
use Time::HiRes qw(sleep time);
use GBA::Site qw(slurp);

my $patience = $ENV{GBA_TIMEOUT} || 30;    # seconds

sub of {
    my ($class, $server) = @_;
    return bless { server => $server }, $class;
}

# Warden and keeper are init's, so they are known by the server's folder in their command line.
sub processes {
    my ($self, $name) = @_;
    my $dir = $self->{server}->dir;
    my @found;
    for my $comm (glob '/proc/[0-9]*/comm') {
        my ($pid) = $comm =~ /([0-9]+)/;
        next unless (eval { slurp($comm) } // '') eq "$name\n";
        my $line  = eval { slurp("/proc/$pid/cmdline") } // next;
        my $state = eval { slurp("/proc/$pid/stat") } // next;
        push @found, $pid if $line =~ m{\Q$dir\E[\0/]} && $state !~ /\) Z /;
    }
    @found = sort { $a <=> $b } @found;
    return @found;
}

sub pid {
    my ($self) = @_;
    my @keepers = $self->processes('gba-keeper');
    return @keepers == 1 ? $keepers[0] : 0;
}

sub hold  { my ($self) = @_; return kill 'STOP', $self->processes('gba-warden') }
sub go_on { my ($self) = @_; return kill 'CONT', $self->processes('gba-warden') }

sub until_true {
    my ($wanted) = @_;
    my $until = time + $patience;
    my $value;
    sleep 0.02 until ($value = $wanted->()) || time > $until;
    return $value || 0;
}

# Stops a process, and waits until each of its threads has heard of it: one on another processor may
# still answer meanwhile.
sub stand_still {
    my ($pid) = @_;
    kill 'STOP', $pid or return 0;
    return until_true(sub {
        !grep { (eval { slurp($_) } // ') T ') !~ /\) [TtZX] / } glob "/proc/$pid/task/*/stat";
    });
}

sub wait_gone {
    my ($self) = @_;
    return until_true(sub { !$self->processes('gba-keeper') });
}

# There is one keeper, it is not the one of the pid given, and it listens.
sub wait_back {
    my ($self, $former) = @_;
    return until_true(sub {
        my $pid = $self->pid;
        return $pid && $pid != ($former // 0) ? $pid : 0;
    });
}

1;
