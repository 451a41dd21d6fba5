# SPDX-License-Identifier: Apache-2.0
package GBA::Crowd;

=head1 NAME

GBA::Crowd - several client processes that share a list of jobs, for tests

=head1 SYNOPSIS

    my $crowd = GBA::Crowd->new(8, sub {
        my ($i) = @_;                                      # in each process, once: 0 .. 7
        my $ue = GBA::UE->new(...);
        return sub { my ($job) = @_; return $ue->exchange(...)->{status} };
    });
    my @answers = $crowd->do(1 .. 256);                    # a list of [job, answer]
    is($crowd->finish, 0, 'no client saw a wrong answer');

=head1 DESCRIPTION

Jobs and answers are numbers of 32 bits. Whoever is free takes the next job; C<do> comes back when
all are answered. A test that fails in one of the processes (L<GBA::UE> verifies every response) is
printed as a comment and makes that process count in what C<finish> returns.

=cut

use strict;
use warnings;
use IO::Handle;
use IO::Select;
use POSIX ();
use Test::More ();

my $patience = 2 * ($ENV{GBA_TIMEOUT} || 30);    # seconds until the next answer

sub new {
    my ($class, $number, $factory) = @_;
    pipe my $take, my $give or die "pipe: $!\n";
    pipe my $hear, my $say  or die "pipe: $!\n";
    my @pids;
    for my $i (0 .. $number - 1) {
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            close $give;
            close $hear;
            POSIX::_exit(work($i, $factory, $take, $say) ? 0 : 1);
        }
        push @pids, $pid;
    }
    close $take;
    close $say;    # so that the end of the last process is heard
    return bless { pids => \@pids, give => $give, hear => $hear }, $class;
}

# ---- in a process of the crowd ----

# Test::More counts on in its own copy, and prints comments only. Nonzero if nothing failed.
sub work {
    my ($i, $factory, $take, $say) = @_;
    my $builder = Test::More->builder;
    my $printed = '';
    $builder->reset;
    $builder->$_(\$printed) for qw(output failure_output todo_output);
    srand;
    my $good = eval {
        my $worker = $factory->($i);
        while (sysread $take, my $job, 4) {
            syswrite $say, pack 'NN', unpack('N', $job), $worker->(unpack 'N', $job);
        }
        1;
    };
    $printed .= $@ unless $good;
    return 1 if $good && $builder->is_passing;
    print STDERR map { "# client $$: $_\n" } split /\n/, $printed;
    return 0;
}

# ---- in the script ----

sub hear {
    my ($self) = @_;
    return unless IO::Select->new($self->{hear})->can_read($patience);
    return unless sysread $self->{hear}, my $answer, 8;
    return [unpack 'NN', $answer];
}

sub do {
    my ($self, @jobs) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my ($asked, @answers) = (0);
    while (@answers < @jobs) {
        # No more in the pipe than fit into it.
        while ($asked < @jobs && $asked - @answers < 4096) {
            syswrite $self->{give}, pack 'N', $jobs[$asked++];
        }
        my $answer = $self->hear or last;
        push @answers, $answer;
    }
    return @answers;
}

# Ends the processes. How many of them failed.
sub finish {
    my ($self) = @_;
    close delete $self->{give};
    my $failed = 0;
    for my $pid (@{ $self->{pids} }) {
        waitpid $pid, 0;
        $failed++ if $?;
    }
    return $failed;
}

1;
