# SPDX-License-Identifier: Apache-2.0
package GBA::BSF::Relay;

=head1 NAME

GBA::BSF::Relay - a way to a server on which connections can be lost without anybody being told

=head1 SYNOPSIS

    my $relay = GBA::BSF::Relay->start($front->port);
    ... GBABsfAddress https://127.0.0.1:@{[ $relay->port ]} ...
    $relay->lose;            # no octet goes either way any more on what is open now; what is new works
    is($relay->opened, 2);   # connections since the start

=head1 DESCRIPTION

What a firewall does that forgets a connection. It ends with the script, or after half an hour.

=cut

use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Socket qw(AF_UNIX PF_UNSPEC SOCK_STREAM);
use Time::HiRes qw(time);

sub start {
    my ($class, $to) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 128, ReuseAddr => 1) or die "no free port: $@\n";
    socketpair my $ours, my $its, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die "socketpair: $!\n";
    my $self = bless { port => $listener->sockport, to => $to, control => $ours, owner => $$ }, $class;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        close $ours;
        local @SIG{qw(TERM INT HUP PIPE)} = ('DEFAULT', 'DEFAULT', 'DEFAULT', 'IGNORE');
        eval { $self->run($listener, $its); 1 } or print STDERR "# relay: $@";
        POSIX::_exit(0);
    }
    $self->{pid} = $pid;
    return $self;
}

sub port { return $_[0]{port} }

sub tell {
    my ($self, $word) = @_;
    syswrite $self->{control}, $word;
    sysread $self->{control}, my $answer, 8 or die "the relay has gone\n";
    return unpack 'Q', $answer;
}
sub lose   { my ($self) = @_; return $self->tell('l') }
sub opened { my ($self) = @_; return $self->tell('o') }

sub DESTROY {
    my ($self) = @_;
    return unless $self->{pid} && $self->{owner} == $$;
    local ($?, $!, $@);
    kill 'TERM', $self->{pid} and waitpid $self->{pid}, 0;
    return;
}

# ---- its process ----

sub run {
    my ($self, $listener, $control) = @_;
    my ($opened, $ends) = (0, time + 1800);
    my (%other, @lost);
    while (time < $ends) {
        for my $socket (IO::Select->new($listener, $control, map { $_->[0] } values %other)->can_read(1)) {
            if ($socket == $control) {
                sysread $control, my $word, 1 or return;
                if ($word eq 'l') { push @lost, %other; %other = () }
                syswrite $control, pack 'Q', $opened;
            } elsif ($socket == $listener) {
                my $near = $listener->accept or next;
                my $far  = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $self->{to}) or next;
                @other{ fileno $near, fileno $far } = ([$near, $far], [$far, $near]);
                $opened++;
            } else {
                pass_on(\%other, $socket);
            }
        }
    }
    return;
}

# What is there at one end goes to the other; both end together.
sub pass_on {
    my ($other, $socket) = @_;
    my $pair = $other->{ fileno $socket } or return;
    my $far  = $pair->[1];
    my $n    = sysread $socket, my $octets, 65536;
    while ($n && length $octets) {
        $n = syswrite $far, $octets or last;
        substr $octets, 0, $n, '';
    }
    return if $n;
    delete @{$other}{ fileno $socket, fileno $far };
    return close($socket) && close $far;
}

1;
