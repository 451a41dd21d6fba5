#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# How deployed UEs spell the Authorization field: what is taken, and what is refused and how.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Test::More;
use GBA::CA qw(subscriber);
use GBA::Digest qw(authorization response_value);
use GBA::Log;
use GBA::Server;
use GBA::UE;

my $pages  = Apache::Test::vars()->{documentroot};
my $server = GBA::Server->start(children => 2, conf => <<"END");
Alias "/sha" "$pages/docs"
<Location "/sha">
    AuthType GBA
    Require valid-user
    GBAAlgorithms SHA-256
</Location>
END
my $log   = GBA::Log->watch($server->error_log);
my $alpha = subscriber('alpha');

# ---- what is done to the parameters, [name, value, quoted] each, once the hash is made ----

sub quoted  { my ($name, $how) = @_; return sub { $_->[2] = $how for grep { $_->[0] eq $name } @{ $_[0] } } }
sub value   { my ($name, $to) = @_;  return sub { $_->[1] = $to->($_->[1]) for grep { $_->[0] eq $name } @{ $_[0] } } }
sub without { my ($name) = @_;       return sub { @{ $_[0] } = grep { $_->[0] ne $name } @{ $_[0] } } }
sub named   { my ($name, $to) = @_;  return sub { $_->[0] = $to for grep { $_->[0] eq $name } @{ $_[0] } } }
sub order   { my ($by) = @_;         return sub { @{ $_[0] } = $by->(@{ $_[0] }) } }
sub added   { my (@parameter) = @_;  return sub { push @{ $_[0] }, [@parameter] } }
sub all_of  { my (@changes) = @_;    return sub { my ($list) = @_; $_->($list) for @changes } }

my $quote_tokens = all_of(map { quoted($_, 1) } qw(algorithm qop nc));

my @rows = (
    # name, algorithm, change, status, tag of a refusal, what the hash is made with
    ['tokens as RFC 7616 3.4 has them',        'MD5',     undef,                                200],
    ['qop quoted',                             'MD5',     quoted('qop', 1),                     200],
    ['nc quoted',                              'MD5',     quoted('nc', 1),                      200],
    ['algorithm quoted',                       'MD5',     quoted('algorithm', 1),               200],
    ['all three quoted',                       'MD5',     $quote_tokens,                        200],
    ['all three quoted, SHA-256',              'SHA-256', $quote_tokens,                        200],
    ['response in capitals',                   'MD5',     value('response', sub { uc $_[0] }),  200],
    ['response in capitals, SHA-256',          'SHA-256', value('response', sub { uc $_[0] }),  200],
    ['nc in capitals',                         'MD5',     undef,                                200, undef, { nc => '00000ABC' }],
    ['nc in small letters',                    'MD5',     undef,                                200, undef, { nc => '00000abd' }],
    ['nc in capitals and quoted',              'SHA-256', quoted('nc', 1),                      200, undef, { nc => '000000CD' }],
    ['algorithm missing is MD5',               'MD5',     without('algorithm'),                 200],
    ['algorithm in small letters',             'MD5',     value('algorithm', sub { lc $_[0] }), 200],
    ['algorithm in small letters, SHA-256',    'SHA-256', value('algorithm', sub { lc $_[0] }), 200],
    ['parameter names in capitals',            'MD5',     all_of(map { named($_, uc) } qw(username realm nonce uri response qop nc cnonce opaque algorithm)), 200],
    ['parameters the other way round',         'MD5',     order(sub { reverse @_ }),            200],
    ['realm first, username last',             'MD5',     order(sub { @_[1 .. $#_, 0] }),       200],
    ['an unknown parameter',                   'MD5',     added('shiny', 'yes', 1),             200],
    ['userhash=false',                         'MD5',     added('userhash', 'false', 0),        200],
    ['cnonce with spaces before it',           'MD5',     undef,                                200, undef, { cnonce => '   1a2b3c' }],
    ['a quoted-pair in cnonce',                'MD5',     value('cnonce', sub { '\\' . $_[0] }), 200, undef, { cnonce => '1a2b3c' }],
    # and what is none of it
    ['algorithm missing, but the hash is SHA-256', 'SHA-256', without('algorithm'),             400, 'GBA0113'],
    ['qop of another case',                    'MD5',     value('qop', sub { uc $_[0] }),       401, 'GBA0406'],
    ['the whole list as qop',                  'MD5',     all_of(quoted('qop', 1), value('qop', sub { 'auth,auth-int' })), 401, 'GBA0406'],
    ['no qop',                                 'MD5',     without('qop'),                       400, 'GBA0113'],
    ['no nc',                                  'MD5',     without('nc'),                        400, 'GBA0113'],
    ['no cnonce',                              'MD5',     without('cnonce'),                    400, 'GBA0113'],
    ['no opaque',                              'MD5',     without('opaque'),                    401, 'GBA0407'],
    ['nc of seven digits',                     'MD5',     undef,                                400, 'GBA0113', { nc => '0000abe' }],
    ['nc that is no hex',                      'MD5',     undef,                                400, 'GBA0113', { nc => '0000abxe' }],
    ['nc of 0',                                'MD5',     undef,                                400, 'GBA0113', { nc => '00000000' }],
    ['algorithm of a session',                 'MD5',     value('algorithm', sub { "$_[0]-sess" }), 401, 'GBA0405'],
    ['username not quoted',                    'MD5',     quoted('username', 0),                400, 'GBA0113'],
    ['response not quoted',                    'MD5',     quoted('response', 0),                400, 'GBA0113'],
    ['response too long',                      'MD5',     value('response', sub { "$_[0]0" }),  400, 'GBA0113'],
    ['userhash=true',                          'MD5',     added('userhash', 'true', 0),         400, 'GBA0113'],
    ['nc twice',                               'MD5',     added('nc', '00000001', 0),           400, 'GBA0113'],
);
for my $row (@rows) {
    my ($name, $algorithm, $change, $status, $tag, $made) = @$row;
    my $ue = GBA::UE->new($alpha, algorithm => $algorithm, port => $server->port);
    $ue->authenticate('/docs/hello.txt');
    my $answer = $ue->exchange('GET', '/docs/hello.txt', auth => { %{ $made || {} }, after => $change });
    is("$answer->{status} $answer->{protected}", $status == 200 ? '200 1' : "$status 0", $name);
    $log->holds($name, 'GBA0401', $tag ? $tag : ());
}

# ---- white space and commas (RFC 9110 5.6.1, 11.4) ----

sub raw {
    my ($ue, $print) = @_;
    my $context = $ue->context('GET', '/docs/hello.txt', '', {});
    my @list = (
        (map { [$_, $context->{$_}, 1] } qw(username realm nonce uri)), ['algorithm', $context->{algorithm}, 0],
        ['response', response_value(%$context), 1], ['opaque', $context->{opaque}, 1],
        (map { [$_, $context->{$_}, 0] } qw(qop nc)), ['cnonce', $context->{cnonce}, 1],
    );
    return $ue->exchange('GET', '/docs/hello.txt', auth => { context => $context, raw => [$print->(@list)] });
}

sub joined {
    my ($by, $equals, @list) = @_;
    return 'Digest ' . join $by, map { $_->[0] . $equals . ($_->[2] ? qq("$_->[1]") : $_->[1]) } @list;
}

my @prints = (
    ['commas without space',    200, sub { joined(',', '=', @_) }],
    ['spaces around commas',    200, sub { joined(" \t, ", '=', @_) }],
    ['empty list elements',     200, sub { joined(', , ,', '=', @_) . ' , ' }],
    ['spaces around =',         200, sub { joined(', ', " =\t", @_) }],
    ['more than one space',     200, sub { authorization(@_) =~ s/Digest /Digest   /r }],
    ['the scheme in capitals',  200, sub { authorization(@_) =~ s/Digest/DIGEST/r }],
    ['the scheme in small letters', 200, sub { authorization(@_) =~ s/Digest/digest/r }],
    ['semicolons for commas',   400, sub { joined('; ', '=', @_) }],
    ['no comma at all',         400, sub { joined(' ', '=', @_) }],
);
for my $row (@prints) {
    my ($name, $status, $print) = @$row;
    my $ue = GBA::UE->new($alpha, port => $server->port);
    $ue->authenticate('/docs/hello.txt');
    my $answer = raw($ue, $print);
    is("$answer->{status} $answer->{protected}", $status == 200 ? '200 1' : "$status 0", $name);
    $log->holds($name, 'GBA0401', $status == 200 ? () : 'GBA0113');
}

# ---- a number is one number however it is written ----
{
    my $ue = GBA::UE->new($alpha, port => $server->port);
    $ue->authenticate('/docs/hello.txt');
    my $first = $ue->exchange('GET', '/docs/hello.txt', auth => { nc => '0000000a' });
    is("$first->{status} $first->{protected}", '200 1', 'nc=0000000a');
    my $again = $ue->exchange('GET', '/docs/hello.txt', auth => { nc => '0000000A' });
    is("$again->{status} $again->{protected}", '401 0', 'nc=0000000A after it is a replay');
    ok($ue->take_challenge($again) && $ue->{stale}, 'and stale=true');
    $log->holds('one number', qw(GBA0401 GBA0420));
}

# ---- a missing algorithm where MD5 is not offered ----
{
    my $ue = GBA::UE->new($alpha, port => $server->port);
    $ue->authenticate('/sha/hello.txt');
    $ue->{algorithm} = 'MD5';
    my $answer = $ue->exchange('GET', '/sha/hello.txt', auth => { after => without('algorithm') });
    is("$answer->{status} $answer->{protected}", '401 0', 'a missing algorithm is MD5 also where that is not offered');
    $log->holds('MD5 not offered', qw(GBA0401 GBA0405));
}

$server->stop;
$log->finish;
done_testing;
