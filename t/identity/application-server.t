#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# TS 24.109 clause 7: what an application server behind the location is told of the UE, and that it
# is told nothing of that by the UE itself.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Test::More;
use GBA::Recorder;
use GBA::CA;
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::UE;

my ($asserted, $flags, $intended) = map { "X-3GPP-$_" } qw(Asserted-Identity Authorization-Flags Intended-Identity);

my $imsi = 1_050_000_001;
sub uss {
    my ($type, $ids, @flags) = @_;
    my %uss = (gsId => $type, gsType => $type, ueIds => [map { { ueId => $_ } } @$ids]);
    $uss{flags} = [map { { flag => $_ } } @flags] if @flags;
    return { uss => \%uss };
}
sub entry { my ($name, @uss) = @_; return ($name => GBA::CA::entry($name, undef, impi => GBA::CA::impi($imsi++), @uss ? (ussList => [@uss]) : ())) }
my %subscriber = (
    entry('one',    uss(1, ['sip:one@home1.net'], 1)),
    entry('many',   uss(1, ['sip:one@home1.net', 'tel:+15550001'], 1, 2),
                    uss(4, ['sip:one@home1.net', 'sip:a,b;c=d@home1.net', 'sip:"x", "sip:boss"@home1.net'], 2, 4294967295)),
    entry('no-flag', uss(1, ['sip:noflag@home1.net'])),
    entry('none'),
);

my $back   = GBA::Recorder->start;
my $server = GBA::Server->start(children => 2, modules => [qw(proxy proxy_http)], subscribers => [values %subscriber], conf => <<"END");
ProxyPass "/app" "http://127.0.0.1:@{[ $back->port ]}/app" disablereuse=on
ProxyPass "/open" "http://127.0.0.1:@{[ $back->port ]}/open" disablereuse=on
<LocationMatch "^/app">
    AuthType GBA
    Require valid-user
</LocationMatch>
END
my $log = GBA::Log->watch($server->error_log);
my %ue  = map { $_ => GBA::UE->new($subscriber{$_}, port => $server->port) } keys %subscriber;
$ue{$_}->authenticate('/app') for sort keys %ue;
$log->holds('challenges', ('GBA0401') x keys %ue);

# What the application server was sent: all fields that some reader may take for one of these names.
sub heard {
    my ($head) = @_;
    my @heard;
    for my $line ($head =~ /^(.*?)\r?\n/mg) {
        my ($name, $value) = $line =~ /\A([^:\s]+):[ \t]*(.*)\z/ or next;
        push @heard, "$name: $value" if $name =~ /\A(?:x.?3gpp|gba|authorization|range|if.range|request.range)/i;
    }
    return join "\n", sort @heard;
}

sub ask {
    my ($name, @fields) = @_;
    my $before = $back->count;
    my $answer = $ue{$name}->request('GET', '/app', fields => [@fields]);
    my $heard  = $back->count > $before ? heard($back->last_request->{head}) : 'nothing';
    return ("$answer->{status} $answer->{protected}", $heard, $answer);
}

# ---- what it is told ----
my %told = (
    one       => qq($asserted: "sip:one\@home1.net"\n$flags: 1),
    # Once each; a name that could be read as two is not asserted.
    many      => qq($asserted: "sip:one\@home1.net", "tel:+15550001", "sip:a,b;c=d\@home1.net"\n$flags: 1, 2, 4294967295),
    'no-flag' => qq($asserted: "sip:noflag\@home1.net"),
    none      => '',
);
for my $name (sort keys %told) {
    my ($status, $heard) = ask($name);
    is($status, '200 1', "$name: served");
    is($heard, $told{$name}, "$name: what the application server is told");
    $log->holds($name);
}

# ---- what the UE says of itself is not heard, however it is written ----
my @forged = map { my $n = $_; map { [$_] } ([$n, 'x'], [lc $n, 'x'], [uc $n, 'x'], [$n =~ tr/-/_/r, 'x'], [$n =~ s/-(?=\w+\z)/_/r, 'x'],
    [$n =~ tr/-/./r, 'x'], [$n =~ tr/-/~/r, 'x'], [$n, ''], [$n, '"sip:one@home1.net"']) } $asserted, $flags;
push @forged,
    [[$asserted, '"sip:boss@home1.net"'], [$asserted, '"sip:boss@home1.net"']],
    [[$asserted, 'a'], [lc $asserted, 'b'], [$asserted =~ tr/-/_/r, 'c']],
    [[$flags, '7'], [uc $flags, '8']],
    [['GBA-Impi', 'x']], [['gba_btid', 'x']], [['GBA.Flags', 'x']],
    [['X_3GPP_Intended_Identity', '"sip:boss@home1.net"']], [['X-3GPP-Intended_Identity', 'sip:boss@home1.net']],
    [['Range', 'bytes=0-0'], ['If-Range', '"x"'], ['Request-Range', 'bytes=0-0']];
for my $fields (@forged) {
    my $name = join ', ', map { "$_->[0]: $_->[1]" } @$fields;
    for my $who (qw(one none)) {
        my ($status, $heard) = ask($who, @$fields);
        is($status, '200 1', "$who says $name: served");
        is($heard, $told{$who}, "$who says $name: not heard");
    }
    $log->holds($name);
}

# ---- Connection names fields that end here (RFC 9110 7.6.1): not the portal's ----
my @connection = (
    [$asserted], ["$asserted, $flags"], [lc($asserted) . ',' . uc $flags], ["close, $asserted"], ["$asserted;$flags"],
    ["$asserted", $flags], ["keep-alive, $asserted , X-Test,$flags"], [",, $asserted"], [$asserted =~ tr/-/_/r],
);
for my $values (@connection) {
    my $name = join ' and ', map { "Connection: $_" } @$values;
    my ($status, $heard, $answer) = ask('one', map { ['Connection', $_] } @$values);
    is($status, '200 1', "$name: served");
    is($heard, $told{one}, "$name: what is told is told");
    is($answer->{close} ? 1 : 0, $name =~ /close/ ? 1 : 0, "$name: the connection ends if that was asked for");
    $log->holds($name);
}
{
    my ($status) = ask('one', ['Connection', 'X-Hop'], ['X-Hop', 'here']);
    unlike($back->last_request->{head}, qr/^X-Hop/mi, 'other fields named in Connection do end here');
    $log->holds('X-Hop');
}

# 4000 options in as many octets as httpd takes: copied whenever one more is found they would be
# 24 MiB.
sub peak {
    my $most = 0;
    for my $pid ($server->children) {
        open my $file, '<', "/proc/$pid/status" or next;
        my ($n) = map { /^VmHWM:\s+([0-9]+) kB/ ? $1 : () } <$file>;
        $most = $n if $n && $n > $most;
    }
    return $most;
}
{
    $ue{one}->request('GET', '/docs/hello.txt') for 1 .. 4;
    my $before = peak();
    my $answer = $ue{one}->request('GET', '/docs/hello.txt', fields => [['Connection', 'a,' x 4000]]);
    is("$answer->{status} $answer->{protected}", '200 1', 'Connection of 4000 options: served');
    cmp_ok(peak() - $before, '<', 12 * 1024, 'Connection of 4000 options: at most 12 MiB (KiB)');
    $log->holds('Connection of 4000 options');
}

# ---- the identity that the UE intends to use ----
my $first = '"sip:one@home1.net"';
my @wishes = (
    # who, what is sent, taken
    ['one',     'sip:one@home1.net',                        1],
    ['one',     $first,                                     1],
    ['many',    '"tel:+15550001"',                          1, '"tel:+15550001"'],
    ['many',    'tel:+15550001',                            1, '"tel:+15550001"'],
    ['many',    '"sip:a,b;c=d@home1.net"',                  1, '"sip:a,b;c=d@home1.net"'],
    ['one',     '"tel:+15550001"',                          0],
    ['one',     'sip:boss@home1.net',                       0],
    ['one',     '"sip:boss@home1.net"',                     0],
    ['one',     '',                                         0],
    ['one',     '""',                                       0],
    ['one',     '"',                                        0],
    ['one',     '"sip:one@home1.net',                       0],
    ['one',     'sip:one@home1.net"',                       0],
    ['one',     '"sip:one@home1.net", "sip:boss@home1.net"', 0],
    ['one',     'sip:one@home1.net, sip:boss@home1.net',    0],
    ['one',     'SIP:ONE@HOME1.NET',                        0],
    ['one',     'sip:one@home1.net2',                       0],
    ['one',     'sip:one',                                  0],
    ['one',     "'sip:one\@home1.net'",                     0],
    ['one',     $subscriber{one}{impi},                     0],
    ['many',    'sip:"x", "sip:boss"@home1.net',            0],
    ['none',    'sip:one@home1.net',                        0],
    ['none',    '""',                                       0],
);
for my $row (@wishes) {
    my ($who, $value, $taken, $heard_as) = @$row;
    my $name = "$who intends $value";
    my ($status, $heard) = ask($who, [$intended, $value]);
    is($status, $taken ? '200 1' : '403 1', $name);
    is($heard, $taken ? "$told{$who}\n$intended: " . ($heard_as // $first) : 'nothing', "$name: what is heard");
    $log->holds($name, $taken ? () : 'GBA0671');
}
my @doubled = (
    ['twice the same',           [$intended, $first], [$intended, $first]],
    ['a right and a wrong one',  [$intended, $first], [lc $intended, '"sip:boss@home1.net"']],
    ['a wrong and a right one',  [uc $intended, '"sip:boss@home1.net"'], [$intended, $first]],
);
for my $row (@doubled) {
    my ($name, @fields) = @$row;
    my ($status, $heard) = ask('one', @fields);
    is("$status $heard", '403 1 nothing', "intends $name");
    $log->holds($name, 'GBA0671');
}
{
    my ($status, $heard) = ask('one', [$intended, $first], [$intended =~ tr/-/_/r, '"sip:boss@home1.net"']);
    is("$status $heard", "200 1 $told{one}\n$intended: $first", 'one that was checked, and one that only looks like it');
    $log->holds('looks like it');
}

# ---- outside the location nobody is told anything, and nothing is taken away ----
{
    my $answer = $ue{one}->exchange('GET', '/open', auth => 0, fields => [['X-Test', 'yes']]);
    is("$answer->{status} $answer->{protected}", '200 0', 'an open location');
    my $head = $back->last_request->{head};
    is(heard($head), '', 'is told nothing');
    like($head, qr/^X-Test: yes\r$/m, 'and other fields pass');
    $log->holds('open');
}

# ---- a request with a body: what is told comes with it ----
{
    my $answer = $ue{one}->request('POST', '/app', body => 'octets', type => 'text/plain', fields => [[$asserted, 'x']]);
    is("$answer->{status} $answer->{protected}", '200 1', 'POST');
    is(heard($back->last_request->{head}), $told{one}, 'POST: told the same');
    is($back->last_request->{body}, 'octets', 'POST: the body is there');
    $log->holds('POST');
}

$server->stop;
$back->stop;
$log->finish;
done_testing;
