# SPDX-License-Identifier: Apache-2.0
package GBA::Quiet;

=head1 NAME

GBA::Quiet - waits until the threads of an httpd are done with connections that ended

=head1 SYNOPSIS

    wait_until_quiet($port, @children) or diag 'never quiet';

=head1 DESCRIPTION

At an ungraceful stop or restart the event and worker MPMs close the sockets of all threads at work. A
thread that just then frees a connection of its own accord has taken the memory of that socket with
it, and the child ends by a segmentation fault: httpd's own, seen without any module of ours in
one stop of eight under a load of short connections. A test that ends connections and then
stops the server would now and then find it in the log, so it waits here first: until no
connection is half closed and no thread of the children is running, twice in a row.

=cut

use strict;
use warnings;
use base qw(Exporter);
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(wait_until_quiet);

# The states of proc(5) in which one of both sides has ended the connection and a process still holds it.
my %half_closed = map { $_ => 1 } qw(04 05 08 0B);

sub has_half_closed {
    my ($port) = @_;
    my $local = sprintf '%04X', $port;
    open my $table, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!\n";
    while (<$table>) {
        my ($at, $state, $inode) = (split)[1, 3, 9];
        return 1 if $at =~ /:$local\z/ && $half_closed{$state} && $inode;
    }
    return 0;
}

sub is_running {
    my ($pid) = @_;
    for my $file (glob "/proc/$pid/task/*/stat") {
        open my $stat, '<', $file or next;
        return 1 if (<$stat> // '') =~ /\) R /;
    }
    return 0;
}

# False if that did not come about within a second.
sub wait_until_quiet {
    my ($port, @children) = @_;
    my $until = time + 1;
    my $quiet = 0;
    while (time < $until) {
        $quiet = has_half_closed($port) || grep({ is_running($_) } @children) ? 0 : $quiet + 1;
        return 1 if $quiet == 2;
        sleep 0.01;
    }
    return 0;
}

1;
