# SPDX-License-Identifier: Apache-2.0
package GBA::Backend;

=head1 NAME

GBA::Backend - a server behind mod_proxy that says exactly what it is told to

=head1 SYNOPSIS

    my $backend = GBA::Backend->start(
        '/ok'   => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        '/long' => sub { my ($socket) = @_; print $socket "..." for 1 .. 1000 },
    );
    ... "http://127.0.0.1:" . $backend->port ...

=head1 DESCRIPTION

One process that answers one request per connection, one after the other, on a free port of
127.0.0.1. Octets that a path stands for are sent as they are, and the connection ends; a function
gets the socket and the request. C</request> answers with the head of the request as it came.
It ends with the script, or after five minutes.

=cut

use strict;
use warnings;
use IO::Socket::INET;
use POSIX ();

sub start {
    my ($class, %answer) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16, ReuseAddr => 1)
        or die "no free port on 127.0.0.1: $@\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        alarm 300;
        local $SIG{PIPE} = 'IGNORE';
        local @SIG{qw(TERM INT HUP ALRM)} = (sub { POSIX::_exit(0) }) x 4;
        while (my $socket = $listener->accept) {
            eval { serve($socket, \%answer); 1 } or print STDERR "# back end: $@";
            close $socket;
        }
        POSIX::_exit(0);
    }
    return bless { port => $listener->sockport, pid => $pid, owner => $$ }, $class;
}

sub port { return $_[0]{port} }

sub read_request {
    my ($socket) = @_;
    my ($head, $body) = ('', '');
    while ($head !~ /\r\n\r\n\z/) { defined(my $line = <$socket>) or return; $head .= $line }
    my ($length) = $head =~ /^Content-Length: ([0-9]+)\r$/mi;
    read $socket, $body, $length if $length;
    while ($head =~ /^Transfer-Encoding: chunked\r$/mi) {
        my $size = hex(<$socket> // 0);
        read $socket, my $chunk, $size + 2;
        last unless $size;
        $body .= substr $chunk, 0, $size;
    }
    return ($head, $body);
}

sub serve {
    my ($socket, $answer) = @_;
    binmode $socket;
    my ($head, $body) = read_request($socket) or return;
    my ($path) = $head =~ m{\A\S+ ([^ ?]+)} or return;
    my $said = $answer->{$path} // "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    $said = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n$head$body" if $path eq '/request';
    return $said->($socket, $head, $body) if ref $said;
    print $socket $said;
    $socket->flush;
    return shutdown $socket, 1;
}

sub DESTROY {
    my ($self) = @_;
    return if $self->{owner} != $$;
    local ($?, $!);
    kill 'TERM', $self->{pid} and waitpid $self->{pid}, 0;
    return;
}

1;
