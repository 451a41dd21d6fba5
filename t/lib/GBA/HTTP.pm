# SPDX-License-Identifier: Apache-2.0
package GBA::HTTP;

=head1 NAME

GBA::HTTP - one HTTP/1.1 connection over a plain socket, for tests

=head1 SYNOPSIS

    my $http = GBA::HTTP->connect($port);
    $http->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    my $response = $http->receive('GET');

=head1 DESCRIPTION

Sends exactly the octets that it is given. C<receive> reads one response strictly: status line,
fields without folding, and a body by Content-Length, chunked, or up to the end of the connection;
it dies at anything else. A response is a hash: C<status>, C<fields> (a list of [name, value] in
order), C<body>, C<interim> (the 1xx before it), C<close> (the connection ends with it).
Everything received is also appended to the folder C<$ENV{GBA_RECEIVED}>, for the search for leaks.

=cut

use strict;
use warnings;
use IO::Socket::INET;
use IO::Select;
use Time::HiRes qw(time);

my $patience = $ENV{GBA_TIMEOUT} || 30;    # seconds that one response may take
my $kept     = 1024 * 1024;                # octets of one response that go to GBA_RECEIVED

sub connect {
    my ($class, $port) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Proto => 'tcp')
        or die "cannot connect to port $port: $@\n";
    binmode $socket;
    return bless { socket => $socket, buffer => '', ended => 0 }, $class;
}

sub send {
    my ($self, $octets) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $at = 0;
    while ($at < length $octets) {
        my $n = syswrite $self->{socket}, $octets, 65536, $at;
        return 0 unless defined $n;    # the server closed: its answer may still be readable
        $at += $n;
    }
    return 1;
}

sub finish_sending { my ($self) = @_; return shutdown $self->{socket}, 1 }
sub close          { my ($self) = @_; return CORE::close delete $self->{socket} }

# Nonzero if the server has ended the connection and nothing is left to read.
sub is_ended {
    my ($self) = @_;
    my $until = time + $patience;
    while (!$self->{ended} && $self->{buffer} eq '' && time < $until) {
        last unless IO::Select->new($self->{socket})->can_read(0.5);
        $self->more($until);
    }
    return $self->{ended} && $self->{buffer} eq '';
}

sub more {
    my ($self, $until) = @_;
    my $left = $until - time;
    die "no answer in time\n" if $left <= 0 || !IO::Select->new($self->{socket})->can_read($left);
    my $n = sysread $self->{socket}, $self->{buffer}, 65536, length $self->{buffer};
    $self->{ended} = 1 unless $n;
    return $n;
}

sub take {
    my ($self, $length) = @_;
    my $octets = substr $self->{buffer}, 0, $length, '';
    $self->{raw} .= substr $octets, 0, $kept - length $self->{raw} if length $self->{raw} < $kept;
    return $octets;
}

sub line {
    my ($self) = @_;
    my $at;
    while (($at = index $self->{buffer}, "\n") < 0) {
        die "the connection ended inside a line\n" unless $self->more($self->{until});
    }
    my $line = $self->take($at + 1);
    $line =~ s/\r\n\z// or die "a line without CR LF: $line";
    die "a control octet in a line: $line\n" if $line =~ /[\x00-\x08\x0a-\x1f\x7f]/;
    return $line;
}

sub octets {
    my ($self, $length) = @_;
    while (length $self->{buffer} < $length) {
        die "the connection ended inside a body\n" unless $self->more($self->{until});
    }
    return $self->take($length);
}

sub fields {
    my ($self) = @_;
    my @fields;
    while ((my $line = $self->line) ne '') {
        $line =~ /\A([!#\$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*\z/ or die "no field: $line\n";
        push @fields, [$1, $2];
    }
    return \@fields;
}

sub chunked {
    my ($self) = @_;
    my $body = '';
    while (1) {
        my $size = $self->line;
        $size =~ /\A[0-9A-Fa-f]{1,8}\z/ or die "no chunk size: $size\n";
        last if hex $size == 0;
        $body .= $self->octets(hex $size);
        $self->line eq '' or die "a chunk is longer than it says\n";
    }
    die "trailers were not asked for\n" if @{ $self->fields };
    return $body;
}

sub body {
    my ($self, $method, $response) = @_;
    my @length = field($response, 'Content-Length');
    my @coding = field($response, 'Transfer-Encoding');
    die "two lengths\n" if @length > 1 || @coding > 1 || (@length && @coding);
    return '' if $method eq 'HEAD' || $response->{status} =~ /\A(?:1..|204|304)\z/;
    if (@coding) {
        $coding[0] eq 'chunked' or die "a strange transfer coding: $coding[0]\n";
        return $self->chunked;
    }
    if (@length) {
        $length[0] =~ /\A[0-9]{1,12}\z/ or die "no length: $length[0]\n";
        return $self->octets($length[0]);
    }
    die "a body without an end\n" unless $response->{close};
    1 while $self->more($self->{until});
    return $self->take(length $self->{buffer});
}

sub head {
    my ($self) = @_;
    my $line = $self->line;
    $line =~ m{\AHTTP/1\.1 ([1-5][0-9][0-9]) (.*)\z} or die "no status line: $line\n";
    my $response = { status => $1, reason => $2, fields => $self->fields };
    $response->{close} = grep { lc eq 'close' } field($response, 'Connection');
    return $response;
}

# Waits for the answer to "Expect: 100-continue". Nonzero if it says go on; else the final
# response is still to be received.
sub is_continued {
    my ($self) = @_;
    $self->{until} = time + $patience;
    $self->{raw}   = '';
    until ($self->{buffer} =~ /\r\n/) {
        die "the connection ended without an answer\n" unless $self->more($self->{until});
    }
    return 0 unless $self->{buffer} =~ m{\AHTTP/1\.1 100 };
    $self->head;
    return 1;
}

sub receive {
    my ($self, $method) = @_;
    my @interim;
    $self->{until} = time + $patience;
    $self->{raw}   = '';
    my $response = $self->head;
    while ($response->{status} < 200) {
        push @interim, $response->{status};
        $response = $self->head;
    }
    $response->{interim} = \@interim;
    $response->{body}    = $self->body($method, $response);
    $self->keep;
    return $response;
}

sub keep {
    my ($self) = @_;
    return unless $ENV{GBA_RECEIVED};
    open my $file, '>>:raw', "$ENV{GBA_RECEIVED}/received.$$" or die "GBA_RECEIVED: $!\n";
    print $file $self->{raw}, "\n";
    return CORE::close $file;
}

# The values of a field, in order; in scalar context the first.
sub field {
    my ($response, $name) = @_;
    my @values = map { $_->[1] } grep { lc $_->[0] eq lc $name } @{ $response->{fields} };
    return wantarray ? @values : $values[0];
}

1;
