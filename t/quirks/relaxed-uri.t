#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# GBARelaxedUri: UEs that drop the query from uri, or put a "/" behind it. Off unless it is said.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Test::More;
use GBA::CA qw(subscriber);
use GBA::Log;
use GBA::Server;
use GBA::UE;

my $pages  = Apache::Test::vars()->{documentroot};
my $server = GBA::Server->start(children => 2, conf => <<"END");
Alias "/relaxed" "$pages/docs"
<Location "/relaxed">
    AuthType GBA
    Require valid-user
    GBARelaxedUri On
</Location>
<Location "/relaxed/not/here">
    GBARelaxedUri Off
</Location>
END
my $log = GBA::Log->watch($server->error_log);

# Path and query of the target, what the UE writes as uri, and whether GBARelaxedUri takes it.
my @rows = (
    ['/hello.txt',      '/hello.txt',       1, 'the target itself'],
    ['/hello.txt?a=b',  '/hello.txt?a=b',   1, 'the target itself, with a query'],
    ['/hello.txt?a=b',  '/hello.txt',       1, 'the query dropped'],
    ['/hello.txt?',     '/hello.txt',       1, 'an empty query dropped'],
    ['/hello.txt',      '/hello.txt/',      1, '"/" behind'],
    ['/hello.txt?a=b',  '/hello.txt/',      1, 'the query dropped and "/" behind'],
    ['/hello.txt?a=b',  '/hello.txt?a=b/',  1, '"/" behind the query'],
    # what no UE was seen to do stays a mismatch
    ['/hello.txt',      '/hello.txt?a=b',   0, 'a query that was not sent'],
    ['/hello.txt?a=b',  '/hello.txt?a=c',   0, 'another query'],
    ['/hello.txt?a=b',  '/hello.txt?a',     0, 'half of the query'],
    ['/hello.txt?a=b',  '/hello.txt?',      0, 'the query dropped but for its mark'],
    ['/hello.txt',      '/hello.txt//',     0, 'two "/" behind'],
    ['/hello.txt',      '/hello.tx',        0, 'a shorter path'],
    ['/hello.txt',      '/hello.txtx',      0, 'a longer path'],
    ['/hello.txt',      '/hello.txT',       0, 'a path of another case'],
    ['/hello.txt?a=b',  '/hello.txtx',      0, 'the query dropped and a longer path'],
    ['/hello.txt?a=b',  '/hello.txt?a=bx',  0, 'a longer query'],
    ['/hello.txt',      '/empty.txt',       0, 'another path'],
    ['/hello.txt?/',    '/hello.txt/',      1, '"/" where the query was one'],
    ['/hello.txt/',     '/hello.txt',       0, '"/" dropped'],
);

sub try {
    my ($target, $uri) = @_;
    my $ue = GBA::UE->new(subscriber('alpha'), port => $server->port);
    $ue->authenticate($target);
    my $answer = $ue->exchange('GET', $target, auth => { uri => $uri });
    return "$answer->{status} $answer->{protected}";
}

for my $row (@rows) {
    my ($target, $uri, $taken, $name) = @$row;
    # The file is found with a "/" behind its name, too, or not; that is not the question here.
    my $fine = $target =~ m{/\z} && $target !~ /\?/ ? qr/\A404 1\z/ : qr/\A200 1\z/;
    my $want = $taken ? $fine : qr/\A400 0\z/;
    like(try("/relaxed$target", "/relaxed$uri"), $want, "On: $name");
    $log->holds("On: $name", 'GBA0401', $taken ? () : 'GBA0415');
    my $strict = $target eq $uri;
    is(try("/docs$target", "/docs$uri"), $strict ? '200 1' : '400 0', "off: $name");
    $log->holds("off: $name", 'GBA0401', $strict ? () : 'GBA0415');
}

is(try('/relaxed/not/here?a=b', '/relaxed/not/here'), '400 0', 'Off again further down');
$log->holds('Off again', qw(GBA0401 GBA0415));

# The hash is over what the UE wrote: a relaxed uri does not relax the hash.
{
    my $ue = GBA::UE->new(subscriber('alpha'), port => $server->port);
    $ue->authenticate('/relaxed/hello.txt?a=b');
    my $answer = $ue->exchange('GET', '/relaxed/hello.txt?a=b', auth => { uri => '/relaxed/hello.txt?a=b', after => sub {
        $_->[1] = '/relaxed/hello.txt' for grep { $_->[0] eq 'uri' } @{ $_[0] };
    } });
    is($answer->{status}, 401, 'a uri that was not hashed is refused');
    $log->holds('not hashed', qw(GBA0401 GBA0419));
}

$server->stop;
$log->finish;
done_testing;
