# SPDX-License-Identifier: Apache-2.0
package GBA::Recorder;

=head1 NAME

GBA::Recorder - a back end for mod_proxy_http that keeps exactly what it was sent

=head1 SYNOPSIS

    my $back = GBA::Recorder->start;
    ... ProxyPass "/x" "http://127.0.0.1:PORT/x" with $back->port ...
    my $seen = $back->last_request;    # { head => ..., body => ... }, or nothing
    is($back->count, 1);
    $back->stop;

=head1 DESCRIPTION

A process of its own, on a free port of 127.0.0.1, that ends with its parent. It serves one request
per connection, reads bodies by Content-Length or chunked, writes head and body into a folder
below C<tmp> of the run, and then answers 200 with the length of the body.

=cut

use strict;
use warnings;
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX ();
use GBA::Site qw(site slurp spew);

sub port { return $_[0]{port} }

sub start {
    my ($class) = @_;
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64, ReuseAddr => 1)
        or die "no free port on 127.0.0.1: $@\n";
    my $self = bless {
        port => $listen->sockport, owner => $$,
        dir  => tempdir('recorder.XXXXXX', DIR => site()->{tmp}, CLEANUP => 1),
    }, $class;
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        $SIG{TERM} = 'DEFAULT';
        eval { $self->serve($listen); 1 } or print STDERR "# back end: $@";
        POSIX::_exit(0);
    }
    $self->{pid} = $pid;
    return $self;
}

sub serve {
    my ($self, $listen) = @_;
    my $number = 0;
    while (1) {
        my $parent = getppid;
        return if $parent != $self->{owner};
        vec(my $ready = '', fileno $listen, 1) = 1;
        next unless select $ready, undef, undef, 1;
        my $client = $listen->accept or next;
        my ($head, $body) = eval { read_request($client) } or next;
        # Renamed when it is whole, so that whoever counts sees whole ones only.
        spew("$self->{dir}/new.body", $body);
        spew("$self->{dir}/new.head", $head);
        $number++;
        rename "$self->{dir}/new.$_", "$self->{dir}/$number.$_" for qw(body head);
        my $text = length($body) . " octets\n";
        print $client "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " . length($text) . "\r\nConnection: close\r\n\r\n$text";
        close $client;
    }
}

sub read_request {
    my ($client) = @_;
    binmode $client;
    my ($head, $body) = ('', '');
    while (defined(my $line = <$client>)) {
        last if $line eq "\r\n";
        $head .= $line;
    }
    if ($head =~ /^Transfer-Encoding: chunked\r$/mi) {
        while (defined(my $line = <$client>)) {
            $line =~ /\A([0-9A-Fa-f]{1,8})(?:;[^\r]*)?\r\n\z/ or die "no chunk size: $line";
            my $size = hex $1;
            last if $size == 0;
            read($client, my $chunk, $size + 2) == $size + 2 or die "short\n";
            $body .= substr $chunk, 0, $size;
        }
        while (defined(my $line = <$client>)) {
            last if $line eq "\r\n";
            $head .= "trailer: $line";
        }
    }
    elsif ($head =~ /^Content-Length: ([0-9]+)\r$/mi) {
        my $length = $1;
        read($client, $body, $length) == $length or die "short\n" if $length;
    }
    return ($head, $body);
}

sub count {
    my ($self) = @_;
    return scalar(() = glob "$self->{dir}/*.head");
}

sub last_request {
    my ($self) = @_;
    my $n = $self->count or return;
    return { head => slurp("$self->{dir}/$n.head"), body => slurp("$self->{dir}/$n.body") };
}

sub stop {
    my ($self) = @_;
    return unless $self->{pid} && $self->{owner} == $$;
    kill 'TERM', $self->{pid};
    waitpid $self->{pid}, 0;
    delete $self->{pid};
    return;
}

sub DESTROY { local ($?, $!, $@); return $_[0]->stop }

1;
