# SPDX-License-Identifier: Apache-2.0
package GBA::BSF::Server;

=head1 NAME

GBA::BSF::Server - the process of a GBA::BSF: a small HTTP/1.1 server with one thread

=head1 DESCRIPTION

One loop over the listening socket, the control socket and the connections; an answer may be put off
while others are given. It ends when the control socket does, and after half an hour at the latest.
Bodies of requests are read by Content-Length or in chunks, up to 1 MiB.

=cut

use strict;
use warnings;
use IO::Select;
use JSON::PP ();
use MIME::Base64 qw(decode_base64);
use POSIX ();
use Time::HiRes qw(time);
use GBA::BSF ();

my $json = JSON::PP->new->canonical->ascii;
my $path = qr{/nbsp-gba/v1/bootstrapping-info-retrieval\z};
my $most = 1024 * 1024;

sub new {
    my ($class, $listener, $control, $state) = @_;
    $_->blocking(0) for $listener;
    return bless { listener => $listener, control => $control, ends => time + 1800, conns => {}, tokens => {},
        state => { next => [], next_token => [], %$state }, log => new_log(), connections => 0, at_once => 0 }, $class;
}

sub new_log { return { calls => [], tokens => [], peak => 0 } }

# ---- the loop ----

sub run {
    my ($self) = @_;
    local $SIG{PIPE} = 'IGNORE';
    while (time < $self->{ends}) {
        my $conns = $self->{conns};
        my $read  = IO::Select->new($self->{listener}, $self->{control}, map { $_->{socket} } values %$conns);
        my $write = IO::Select->new(map { $_->{socket} } grep { length $_->{out} } values %$conns);
        my ($readable, $writable) = IO::Select->select($read, $write, undef, $self->patience);
        for my $socket (@{ $readable || [] }) {
            if    ($socket == $self->{listener}) { $self->accept_all }
            elsif ($socket == $self->{control})  { $self->obey or return }
            else                                 { $self->receive(fileno $socket) }
        }
        $self->flush(fileno $_) for @{ $writable || [] };
        $self->due;
    }
    return;
}

# Seconds until something that was put off is due.
sub patience {
    my ($self) = @_;
    my ($first) = sort { $a <=> $b } map { $_->{later} ? $_->{later}[0][0] : () } values %{ $self->{conns} };
    my $left = defined $first ? $first - time : 1;
    return $left < 0 ? 0 : $left > 1 ? 1 : $left;
}

sub accept_all {
    my ($self) = @_;
    while (my $socket = $self->{listener}->accept) {
        binmode $socket;
        $socket->blocking(0);
        $self->{conns}{ fileno $socket } = { socket => $socket, in => '', out => '', number => ++$self->{connections} };
    }
    return;
}

sub drop {
    my ($self, $fd) = @_;
    my $conn = delete $self->{conns}{$fd} or return;
    $self->{at_once}-- if $conn->{busy};
    return close $conn->{socket};
}

sub receive {
    my ($self, $fd) = @_;
    my $conn = defined $fd && $self->{conns}{$fd} or return;    # it may have been dropped since it was found ready
    my $n = sysread $conn->{socket}, $conn->{in}, 65536, length $conn->{in};
    return if !defined $n && ($!{EAGAIN} || $!{EINTR});
    return $self->drop($fd) if !$n || length $conn->{in} > $most;
    return $self->serve($fd);
}

sub flush {
    my ($self, $fd) = @_;
    my $conn = defined $fd && $self->{conns}{$fd} or return;
    my $n = syswrite $conn->{socket}, $conn->{out}, 65536;
    return $self->drop($fd) if !defined $n && !$!{EAGAIN} && !$!{EINTR};
    substr $conn->{out}, 0, $n // 0, '';
    return if length $conn->{out} || $conn->{later};
    return $self->drop($fd) if $conn->{close};
    return $self->serve($fd);
}

# What was put off and is due now goes out.
sub due {
    my ($self) = @_;
    my $now = time;
    for my $fd (keys %{ $self->{conns} }) {
        my $conn = $self->{conns}{$fd};
        while ($conn->{later} && $conn->{later}[0][0] <= $now) {
            my $part = shift @{ $conn->{later} };
            $conn->{out} .= $part->[1];
            delete $conn->{later} unless @{ $conn->{later} };
        }
        if (!$conn->{later} && $conn->{busy}) { $conn->{busy} = 0; $self->{at_once}-- }
        $self->flush($fd) if !$conn->{later} && !length $conn->{out} && $conn->{close};
    }
    return;
}

# ---- the control socket ----

# 0 if the script has gone.
sub obey {
    my ($self) = @_;
    defined(my $line = readline $self->{control}) or return 0;
    my $command = $json->decode($line);
    my $answer  = {};
    $self->{state} = { %{ $self->{state} }, %{ $command->{set} } } if $command->{set};
    $self->{tokens} = {} if $command->{revoke};
    if ($command->{look}) {
        $answer = { %{ $self->{log} }, connections => $self->{connections}, open => scalar keys %{ $self->{conns} } };
        $self->{log} = new_log();
    }
    my $text = $json->encode($answer) . "\n";
    while (length $text) {
        my $n = syswrite $self->{control}, $text;
        return 0 unless $n;
        substr $text, 0, $n, '';
    }
    return 1;
}

# ---- requests ----

# One request off the octets that came; nothing if it is not whole yet.
sub read_request {
    my ($conn) = @_;
    my $end = index $conn->{in}, "\r\n\r\n";
    return if $end < 0;
    my ($first, @lines) = split /\r\n/, substr $conn->{in}, 0, $end;
    my ($method, $target) = $first =~ m{\A(\S+) (\S+) HTTP/1\.[01]\z} or return {};
    my @fields = map { /\A([^:\s]+):[ \t]*(.*?)[ \t]*\z/ ? [$1, $2] : ['', $_] } @lines;
    my $request = { method => $method, target => $target, fields => \@fields, at => time, connection => $conn->{number} };
    my ($body, $used) = read_body($request, substr $conn->{in}, $end + 4);
    return unless defined $body;
    substr $conn->{in}, 0, $end + 4 + $used, '';
    $request->{body} = $body;
    return $request;
}

sub read_body {
    my ($request, $octets) = @_;
    if ((field($request, 'Transfer-Encoding') // '') eq 'chunked') {
        my ($body, $at) = ('', 0);
        while (substr($octets, $at) =~ /\A([0-9A-Fa-f]{1,6})\r\n/) {
            my ($size, $head) = (hex $1, length($1) + 2);
            return if length $octets < $at + $head + $size + 2;
            $body .= substr $octets, $at + $head, $size;
            $at += $head + $size + 2;
            return ($body, $at) unless $size;
        }
        return;
    }
    my $length = field($request, 'Content-Length') // 0;
    return length $octets < $length ? () : (substr($octets, 0, $length), $length);
}

sub field {
    my ($request, $name) = @_;
    my ($found) = grep { lc $_->[0] eq lc $name } @{ $request->{fields} };
    return $found ? $found->[1] : undef;
}

# Answers one request of a connection; the next is looked at when that has gone out.
sub serve {
    my ($self, $fd) = @_;
    my $conn = $self->{conns}{$fd} or return;
    return if $conn->{busy} || length $conn->{out} || $conn->{close};
    # What Expect waits for.
    if (!$conn->{continued} && $conn->{in} =~ /\r\nExpect: 100-continue\r\n.*\r\n\r\n\z/si) {
        $conn->{continued} = 1;
        $conn->{out} = "HTTP/1.1 100 Continue\r\n\r\n";
        return;
    }
    my $request = read_request($conn) or return;
    $conn->{continued} = 0;
    return $self->drop($fd) unless $request->{method};
    $self->{at_once}++;
    $conn->{busy} = 1;
    $self->{log}{peak} = $self->{at_once} if $self->{at_once} > $self->{log}{peak};
    $self->send_answer($conn, $self->answer($request));
    return;
}

sub answer {
    my ($self, $request) = @_;
    if ($request->{target} eq '/oauth2/token') {
        push @{ $self->{log}{tokens} }, $request;
        return $self->token($request, shift @{ $self->{state}{next_token} });
    }
    push @{ $self->{log}{calls} }, $request;
    return problem(404, undef, 'text/html') unless $request->{target} =~ $path && $request->{method} eq 'POST';
    my $asked = eval { $json->decode($request->{body}) };
    return problem(400, 'INVALID_MSG_FORMAT') unless ref $asked eq 'HASH';
    my $said = shift @{ $self->{state}{next} } // $self->{state}{of}{ $asked->{btId} } // $self->{state}{always} // {};
    return problem(401, undef) unless $self->is_allowed($request);
    return $self->information($asked, $said);
}

# ---- answers ----

sub problem {
    my ($status, $cause, $type) = @_;
    my %body = (status => $status, title => 'a problem', defined $cause ? (cause => $cause) : ());
    return { status => $status, type => $type // 'application/problem+json', body => $json->encode(\%body) };
}

# The right answer, with what is to differ.
sub information {
    my ($self, $asked, $said) = @_;
    my $subscriber = $self->{state}{subscribers}{ $asked->{btId} };
    my $defined = exists $said->{status} || exists $said->{body} || exists $said->{octets};
    return { %{ problem(404, 'CONTEXT_NOT_FOUND') }, %$said } unless $subscriber || $defined;
    my $key = $subscriber ? GBA::BSF::key_of($subscriber, lc $asked->{nafId}{nafFqdn}, lc $asked->{nafId}{uaSecProtId}) : '';
    return { status => 200, type => 'application/json', %$said, key => $key } if exists $said->{body} || exists $said->{octets};
    return { %{ problem($said->{status}, $said->{cause}) }, %$said } if ($said->{status} // 200) != 200;
    my %object = (%{ right_object($subscriber, $asked) }, meKeyMaterial => $key, %{ $said->{with} || {} });
    delete @object{ @{ $said->{without} || [] } };
    return { status => 200, type => 'application/json', %$said, body => $json->encode(\%object) };
}

# Settings are given of those GAA services alone that are asked for (TS 33.220 4.5.3).
sub right_object {
    my ($subscriber, $asked) = @_;
    my %object = map { $_ => $subscriber->{$_} }
        grep { exists $subscriber->{$_} } qw(keyExpiryTime bootstrappingInfoCreationTime gbaType impi uiccKeyMaterial);
    my %wanted = map { $_ => 1 } @{ $asked->{gsIds} || [] };
    my @settings = grep { $wanted{ $_->{uss}{gsId} } } @{ $subscriber->{ussList} || [] };
    $object{ussList} = \@settings if @settings;
    return \%object;
}

sub text_of {
    my ($answer) = @_;
    my $body = $answer->{body} // '';
    $body = join '', map { ref ? $_->[0] x $_->[1] : $_ } @$body if ref $body;
    return $body =~ s/%KEY%/$answer->{key}/gr if defined $answer->{key};
    return $body;
}

sub octets_of {
    my ($answer) = @_;
    return ($answer->{octets}) if defined $answer->{octets};
    my $body = text_of($answer);
    my $head = "HTTP/1.1 $answer->{status} Said\r\n";
    $head .= "Content-Type: $answer->{type}\r\n" if defined $answer->{type};
    $head .= "$_->[0]: $_->[1]\r\n" for @{ $answer->{fields} || [] };
    $head .= "Connection: close\r\n" if $answer->{close};
    return ($head . 'Content-Length: ' . length($body) . "\r\n\r\n$body") unless $answer->{chunked};
    my @chunks = unpack '(a' . (int(length($body) / 4) + 1) . ')*', $body;
    return ("${head}Transfer-Encoding: chunked\r\n\r\n", (map { sprintf "%x\r\n%s\r\n", length, $_ } @chunks), "0\r\n\r\n");
}

sub send_answer {
    my ($self, $conn, $answer) = @_;
    my @parts = octets_of($answer);
    my $when  = time + ($answer->{delay} // 0);
    $conn->{close} = 1 if $answer->{close} || defined $answer->{cut};
    @parts = (substr join('', @parts), 0, $answer->{cut}) if defined $answer->{cut};
    # Never: until whoever asked goes.
    $when += 1e6 if $answer->{hang};
    my $each = $answer->{drip} // 0;
    $conn->{later} = [map { [$when + $_ * $each, $parts[$_]] } 0 .. $#parts];
    return;
}

# ---- tokens ----

sub is_allowed {
    my ($self, $request) = @_;
    return 1 unless $self->{state}{oauth};
    my ($token) = (field($request, 'Authorization') // '') =~ /\ABearer (\S+)\z/ or return 0;
    return ($self->{tokens}{$token} // 0) > time;
}

# RFC 6749 4.4.2, with the client's password in a field or in the body (2.3.1).
sub token {
    my ($self, $request, $said) = @_;
    my $oauth = $self->{state}{oauth} // {};
    my %form = map { tr/+/ /r =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger } map { split /=/, $_, 2 } split /&/, $request->{body};
    my ($basic) = (field($request, 'Authorization') // '') =~ /\ABasic (\S+)\z/;
    # Each half is form-encoded before they are joined (RFC 6749 2.3.1).
    my $who = $basic ? decode_base64($basic) =~ tr/+/ /r =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger : join ':', map { $form{$_} // '' } qw(client_id client_secret);
    my $good = ($form{grant_type} // '') eq 'client_credentials' && ($form{scope} // '') eq ($oauth->{scope} // '')
        && $who eq join ':', map { $oauth->{$_} // '' } qw(id secret);
    return { status => 400, type => 'application/json', body => '{"error":"invalid_client"}', %{ $said || {} } } unless $good;
    my $token = 'token-' . unpack 'H*', pack 'N4', map { rand 2**32 } 1 .. 4;
    my $lives = $oauth->{lives} // 3600;
    # It may say another time than that after which it refuses it.
    $self->{tokens}{$token} = time + ($oauth->{really_lives} // $lives);
    my %body = (access_token => $token, token_type => 'Bearer', expires_in => $lives, scope => $oauth->{scope});
    return { status => 200, type => 'application/json', body => $json->encode(\%body), %{ $said || {} } };
}

1;
