#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Require gba-uss TYPE [FLAG...]: any one of the flags, alone and nested. Who is refused gets a
# protected 403, whatever else is configured: a 401 would send a UE into bootstrapping in a loop.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Test::More;
use GBA::CA;
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::UE;

my $imsi = 1_070_000_001;
sub uss { my ($type, @flags) = @_; return { uss => { gsId => $type, gsType => $type, ueIds => [{ ueId => 'sip:x@home1.net' }], @flags ? (flags => [map { { flag => $_ } } @flags]) : () } } }
sub entry { my ($name, @uss) = @_; return ($name => GBA::CA::entry($name, undef, impi => GBA::CA::impi($imsi++), @uss ? (ussList => [@uss]) : ())) }
my %subscriber = (
    entry('a', uss(1, 1)),
    entry('b', uss(1, 1, 2)),
    entry('c', uss(1)),
    entry('d', uss(4, 7)),
    entry('e'),
    entry('f', uss(1, 2), uss(4, 1)),
    # A flag of 0 is a flag like others, and none that can be asked for.
    entry('z', uss(4, 0)),
);

my @rows = (
    # who gets in, the lines
    ['abcf',    'Require gba-uss 1'],
    ['ab',      'Require gba-uss 1 1'],
    ['bf',      'Require gba-uss 1 2'],
    ['abf',     'Require gba-uss 1 1 2'],
    ['abf',     'Require gba-uss 1 2 1 9'],
    ['dfz',     'Require gba-uss 4'],
    ['f',       'Require gba-uss 4 1'],
    ['d',       'Require gba-uss "4" "7"'],
    ['',        'Require gba-uss 1 4294967295'],
    ['',        'Require gba-uss 0'],
    ['',        'Require gba-uss 9'],
    ['b',       '<RequireAll>', 'Require gba-uss 1 1', 'Require gba-uss 1 2', '</RequireAll>'],
    ['bdf',     '<RequireAny>', 'Require gba-uss 1 2', 'Require gba-uss 4 7', '</RequireAny>'],
    ['bdf',     'Require gba-uss 1 2', 'Require gba-uss 4 7'],
    ['acdez',   '<RequireAll>', 'Require valid-user', '<RequireNone>', 'Require gba-uss 1 2', '</RequireNone>', '</RequireAll>'],
    ['acdez',   '<RequireAll>', 'Require all granted', '<RequireNone>', 'Require gba-uss 1 2', '</RequireNone>', '</RequireAll>'],
    ['acdez',   '<RequireAll>', 'Require all granted', 'Require not gba-uss 1 2', '</RequireAll>'],
    ['ez',      '<RequireAll>', 'Require all granted', '<RequireNone>', 'Require gba-uss 1', 'Require gba-uss 4 7', '</RequireNone>', '</RequireAll>'],
    ['adfz',    '<RequireAny>', '<RequireAll>', 'Require gba-uss 1 1', 'Require not gba-uss 1 2', '</RequireAll>', 'Require gba-uss 4', '</RequireAny>'],
    ['ab',      '<RequireAny>', 'Require all denied', 'Require gba-uss 1 1', '</RequireAny>'],
    ['abcf',    '<RequireAll>', 'Require all granted', 'Require gba-uss 1', '</RequireAll>'],
    ['abcdefz', '<RequireAny>', 'Require ip 127.0.0.1', 'Require gba-uss 9', '</RequireAny>'],
    ['abcf',    '<RequireAll>', 'Require ip 127.0.0.1', 'Require gba-uss 1', '</RequireAll>'],
    ['abce',    '<RequireAny>', "Require user $subscriber{e}{btId}", 'Require gba-uss 1 1', '<RequireAll>', 'Require gba-uss 1', 'Require not gba-uss 1 2', '</RequireAll>', '</RequireAny>'],
    ['ab',      'AuthzSendForbiddenOnFailure On', 'Require gba-uss 1 1'],
);

my $pages = Apache::Test::vars()->{documentroot};
my $conf  = "AliasMatch \"^/(?:row[0-9]+|type)/(?:below/)?(.*)\" \"$pages/docs/\$1\"\n";
for my $i (0 .. $#rows) {
    my (undef, @lines) = @{ $rows[$i] };
    $conf .= join "\n", "<Location \"/row$i/\">", 'AuthType GBA', @lines, "</Location>\n";
}
$conf .= <<'END';
<Location "/type/">
    AuthType GBA
    Require gba-uss 1
</Location>
<Location "/type/closed/">
    <RequireAll>
        Require not ip 127.0.0.1
        Require gba-uss 1
    </RequireAll>
</Location>
<Location "/type/below/">
    AuthMerging And
    Require gba-uss 1 2
</Location>
END

# mod_allowmethods changes how often httpd asks (it has no part in authentication per configuration).
for my $more ([], ['allowmethods']) {
    my $with   = @$more ? "with mod_@$more" : 'alone';
    my $server = GBA::Server->start(children => 2, modules => ['authz_host', @$more], subscribers => [values %subscriber], conf => $conf);
    my $log    = GBA::Log->watch($server->error_log);
    my %ue     = map { $_ => GBA::UE->new($subscriber{$_}, port => $server->port) } keys %subscriber;
    $ue{$_}->authenticate('/type/hello.txt') for sort keys %ue;
    $log->holds('challenges', ('GBA0401') x keys %ue);
    for my $i (0 .. $#rows) {
        my ($in, @lines) = @{ $rows[$i] };
        my $name  = "$with: " . join '; ', @lines;
        my $stranger = $ue{a}->exchange('GET', "/row$i/hello.txt", auth => 0);
        is("$stranger->{status} $stranger->{protected}", '401 0', "$name: a stranger is challenged");
        my %answer = map { $_ => $ue{$_}->request('GET', "/row$i/hello.txt") } sort keys %ue;
        is(join('', grep { "$answer{$_}{status} $answer{$_}{protected}" eq '200 1' } sort keys %answer), $in, "$name: who gets in");
        my $out = grep { "$answer{$_}{status} $answer{$_}{protected}" eq '403 1' } keys %answer;
        is($out, keys(%answer) - length $in, '... and the others get a protected 403');
        is(scalar(grep { GBA::HTTP::field($_, 'WWW-Authenticate') } values %answer), 0, '... without a challenge');
        $log->holds($name, 'GBA0401', $lines[0] =~ /Forbidden/ ? () : ('GBA0642') x $out, ('AH01631') x $out);
    }
    for my $row (['a', 403], ['b', 404], ['d', 403], ['f', 404]) {
        my ($who, $status) = @$row;
        my $answer = $ue{$who}->request('GET', '/type/below/nothing');
        is("$answer->{status} $answer->{protected}", "$status 1", "$with: AuthMerging And: $who");
        $log->holds("$with: AuthMerging And: $who", $status == 403 ? qw(GBA0642 AH01631) : ());
    }
    # Closed to everybody who comes this way: httpd says so before anybody is authenticated.
    for my $auth (0, {}) {
        my $answer = $ue{a}->exchange('GET', '/type/closed/x', auth => $auth);
        is("$answer->{status} $answer->{protected}", '403 0', "$with: closed to an address, not to a UE");
        $log->holds("$with: closed", 'AH01630');
    }
    $server->stop;
    $log->finish;
}
done_testing;
