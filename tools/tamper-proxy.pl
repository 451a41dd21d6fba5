#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# tamper-proxy.pl --to PORT [options]: somebody between UE and portal.
#
# Listens on 127.0.0.1, passes each HTTP/1.1 request on to 127.0.0.1:PORT and changes the final
# answer (any status but 401) as told. Prints the port it listens on as its first line.
# For the demonstration and the tests: one request per connection, one connection at a time.
use strict;
use warnings;
use Getopt::Long ();
use IO::Socket::INET ();

my $USAGE = <<'END';
usage: tamper-proxy.pl --to PORT [--port PORT] [--serve N] [--seconds N]
                       [--flip-body] [--status CODE] [--drop-info] [--double-info]
                       [--forge-info]
  --to PORT      where the portal listens
  --port PORT    where we listen; 0 (default) takes a free port
  --flip-body    changes one octet of a final answer's body
  --status CODE  replaces a final answer's status code
  --drop-info    removes Authentication-Info from a final answer
  --double-info  sends a final answer's Authentication-Info twice
  --forge-info   changes one digit of a final answer's rspauth
  --serve N      exits after N requests
  --seconds N    exits after N seconds (default 60)
END

my $HEAD_MAX = 64 * 1024;
my $BODY_MAX = 16 * 1024 * 1024;

my %opt = (port => 0, seconds => 60, serve => 0);
Getopt::Long::GetOptions(\%opt, 'to=i', 'port=i', 'serve=i', 'seconds=i', 'flip-body',
    'status=i', 'drop-info', 'double-info', 'forge-info', 'help')
    or die $USAGE;
if ($opt{help}) { print $USAGE; exit 0 }
die $USAGE unless $opt{to} && !@ARGV;

$SIG{TERM} = $SIG{INT} = $SIG{ALRM} = sub { exit 0 };
$SIG{PIPE} = 'IGNORE';
alarm $opt{seconds};

my $listen = IO::Socket::INET->new(
    LocalAddr => '127.0.0.1', LocalPort => $opt{port}, Listen => 16, ReuseAddr => 1)
    or die "tamper-proxy: cannot listen: $!\n";
$| = 1;
print $listen->sockport, "\n";

for (my $served = 0; !$opt{serve} || $served < $opt{serve};) {
    my $client = $listen->accept or next;
    # A request that cannot be carried ends its connection, never the proxy.
    my $carried = eval { serve($client) };
    warn "tamper-proxy: $@" unless defined $carried;
    $served += defined $carried ? $carried : 1;
    close $client;
}

# Carries one request. Returns 1, or 0 if the connection was closed without one.
sub serve {
    my ($client) = @_;
    my $request = read_message($client, undef) or return 0;
    my $portal = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $opt{to})
        or die "cannot connect to port $opt{to}: $!\n";
    drop_fields($request, 'connection', 'transfer-encoding', 'content-length');
    push @{ $request->{fields} }, 'Connection: close', 'Content-Length: ' . length $request->{body};
    # The portal may answer and close before it has read the body: not an error.
    print $portal to_text($request);
    $portal->flush;
    my ($method) = $request->{start} =~ /^(\S+)/;
    my $answer = read_answer($portal, $method) or die "no answer\n";
    tamper($answer) if $answer->{status} != 401;
    send_answer($client, $answer);
    return 1;
}

# Skips interim answers.
sub read_answer {
    my ($portal, $method) = @_;
    while (my $answer = read_message($portal, $method)) {
        return $answer if $answer->{status} >= 200;
    }
    return;
}

sub tamper {
    my ($answer) = @_;
    my @info = grep { /^authentication-info:/i } @{ $answer->{fields} };
    $answer->{start} =~ s/^(\S+) \d{3}/$1 $opt{status}/ if $opt{status};
    drop_fields($answer, 'authentication-info') if $opt{'drop-info'};
    push @{ $answer->{fields} }, @info          if $opt{'double-info'};
    if ($opt{'forge-info'}) {
        s/(rspauth="[0-9a-f]*)([0-9a-f])"/$1 . ($2 eq '0' ? 1 : 0) . '"'/e for @{ $answer->{fields} };
    }
    flip(\$answer->{body})                      if $opt{'flip-body'};
}

# Changes the case of the last letter: a change that no parser of pages or base64 notices.
sub flip {
    my ($body) = @_;
    return if $$body =~ s/([A-Za-z])([^A-Za-z]*)\z/($1 ^ ' ') . $2/e;
    substr($$body, -1) ^= "\1" if length $$body;
}

sub send_answer {
    my ($client, $answer) = @_;
    my $bodiless = $answer->{bodiless};
    drop_fields($answer, 'connection', 'transfer-encoding', $bodiless ? () : 'content-length');
    push @{ $answer->{fields} }, 'Connection: close';
    push @{ $answer->{fields} }, 'Content-Length: ' . length $answer->{body} unless $bodiless;
    print $client to_text($answer);
    $client->flush;
}

sub drop_fields {
    my ($message, @names) = @_;
    my $names = join '|', map { quotemeta } @names;
    @{ $message->{fields} } = grep { !/^(?:$names):/i } @{ $message->{fields} };
}

sub to_text {
    my ($message) = @_;
    return join("\r\n", $message->{start}, @{ $message->{fields} }, '', '') . $message->{body};
}

# A whole message with its transfer coding removed; nothing if the connection is at its end.
# $method is that of the request which the message answers; undef if it is a request.
sub read_message {
    my ($from, $method) = @_;
    my $head = read_head($from);
    return unless defined $head;
    my ($start, @fields) = split /\r?\n/, $head;
    my %message = (start => $start, fields => \@fields, body => '');
    if (defined $method) {
        ($message{status}) = $start =~ m{^HTTP/1\.[01] (\d{3})} or die "no status line\n";
        $message{bodiless} = $method eq 'HEAD' || $message{status} =~ /^(?:1..|204|304)$/;
        return \%message if $message{bodiless};
    }
    $message{body} = read_body($from, \%message, defined $method);
    return \%message;
}

sub read_head {
    my ($from) = @_;
    my $head = '';
    while (defined(my $line = readline $from)) {
        return $head if $line =~ /^\r?\n\z/ && length $head;
        $head .= $line if $line !~ /^\r?\n\z/;
        die "head too long\n" if length $head > $HEAD_MAX;
    }
    return;
}

sub field {
    my ($message, $name) = @_;
    for (@{ $message->{fields} }) {
        return $1 if /^\Q$name\E:[ \t]*(.*?)[ \t]*$/i;
    }
    return;
}

sub read_body {
    my ($from, $message, $is_answer) = @_;
    my $coding = field($message, 'Transfer-Encoding');
    return read_chunked($from, $message) if defined $coding && $coding =~ /chunked$/i;
    my $length = field($message, 'Content-Length');
    return read_exactly($from, $length) if defined $length;
    return '' unless $is_answer;
    local $/;
    my $rest = readline $from;
    return defined $rest ? $rest : '';
}

sub read_exactly {
    my ($from, $length) = @_;
    die "bad length\n" unless $length =~ /^\d{1,9}$/ && $length <= $BODY_MAX;
    my $body = '';
    while (length $body < $length) {
        my $got = read $from, $body, $length - length $body, length $body;
        die "body ended early\n" unless $got;
    }
    return $body;
}

# Trailers become fields: the answer goes on with a Content-Length.
sub read_chunked {
    my ($from, $message) = @_;
    my $body = '';
    while (1) {
        my $line = readline $from;
        die "bad chunk\n" unless defined $line && $line =~ /^([0-9A-Fa-f]{1,7})[ \t]*(?:;.*)?\r?\n$/;
        my $length = hex $1 or last;
        $body .= read_exactly($from, $length);
        readline $from;
        die "body too long\n" if length $body > $BODY_MAX;
    }
    while (defined(my $line = readline $from)) {
        $line =~ s/\r?\n\z//;
        last if $line eq '';
        push @{ $message->{fields} }, $line;
    }
    return $body;
}
