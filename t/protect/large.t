#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A large response costs a child no memory and leaves no file behind, whoever makes it and however
# the transfer ends. Environment: GBA_LARGE (octets; 100M with GBA_TORTURE=1, else 20M).

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use File::Path qw(make_path);
use Test::More;
use Time::HiRes qw(sleep time);
use GBA::Backend;
use GBA::CA qw(subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site spew);
use GBA::UE;

plan skip_all => 'no /proc' unless -r '/proc/self/status';

my $top   = site()->{top};
my $size  = $ENV{GBA_LARGE} || ($ENV{GBA_TORTURE} ? 100 : 20) * 1024 * 1024;
my $pages = "$top/run/large";
my $spool = "$top/run/large-spool";
make_path($pages, $spool);
chmod 01777, $spool or die "$spool: $!\n";
spew("$pages/hello.txt", "hello\n");
spew("$pages/large.bin", '');
truncate "$pages/large.bin", $size or die "$!\n";
spew("$pages/large.shtml", "A<!--#include virtual=\"/p/large.bin\" -->B\n");

my $block   = 'b' x 65536;
my $backend = GBA::Backend->start(
    '/small' => "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx",
    '/large' => sub {
        my ($socket) = @_;
        print $socket "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
        for (1 .. $size / 65536) { print $socket "10000\r\n$block\r\n" or last }
        print $socket "0\r\n\r\n";
    },
);
my $conf = <<"END";
ScriptAlias /p/cgi "$top/t/cgi/respond.pl"
Alias /p "$pages"
Alias /gzip "$pages"
<LocationMatch "^/(p|b|gzip)/">
    AuthType GBA
    Require valid-user
    GBAResponseBody 200M 64K
</LocationMatch>
<Location "/b">
    ProxyPass "http://127.0.0.1:@{[ $backend->port ]}"
</Location>
<Location "/gzip">
    SetOutputFilter DEFLATE
</Location>
<Directory "$pages">
    Options +Includes
    AddOutputFilter INCLUDES .shtml
</Directory>
END

# One child: what one holds is seen in it. With mod_cgi also where mod_cgid is usual, since the
# daemon of the latter would be one more.
my $server = GBA::Server->start(
    children => 1, threads => 8, modules => [qw(cgi include filter deflate proxy proxy_http)], conf => $conf, env => { TMPDIR => $spool });
my $ue     = GBA::UE->new(subscriber('both'), port => $server->port);
$ue->authenticate('/p/hello.txt');
my $log = GBA::Log->watch($server->error_log);

# KiB, of the child that has most.
sub memory {
    my ($what) = @_;
    my $most = 0;
    for my $pid ($server->children) {
        open my $file, '<', "/proc/$pid/status" or next;
        my ($n) = map { /^$what:\s+([0-9]+) kB/ ? $1 : () } <$file>;
        $most = $n if $n && $n > $most;
    }
    return $most;
}

# Open spool files of all children.
sub held { return scalar grep { (readlink // '') =~ /gba-spool/ } map { glob "/proc/$_/fd/*" } $server->children }

sub files { opendir my $dir, $spool or die "$spool: $!\n"; return grep { !/\A\.\.?\z/ } readdir $dir }

sub wait_until {
    my ($what, $seconds) = @_;
    my $until = time + $seconds;
    sleep 0.05 while !$what->() && time < $until;
    return $what->();
}

sub nothing_left {
    my ($name) = @_;
    ok(wait_until(sub { held() == 0 }, 20), "$name: no spool file is open");
    is(join(' ', files()), '', "$name: no file in TMPDIR");
    return;
}

# ---- memory ----

my %small = (p => '/p/hello.txt', cgi => '/p/cgi?size=10', b => '/b/small', gzip => '/gzip/hello.txt');
$ue->request('GET', $small{$_}) for map { sort keys %small } 1 .. 3;
$log->holds('small ones first');

my @large = (
    ['a file',                'GET',  '/p/large.bin',       $size],
    ['a file, HEAD',          'HEAD', '/p/large.bin',       0],
    ['a script',              'GET',  "/p/cgi?size=$size",  $size],
    ['a back end, chunked',   'GET',  '/b/large',           65536 * int $size / 65536],
    ['SSI',                   'GET',  '/p/large.shtml',     $size + 3],
    ['a file, gzip refused',  'GET',  '/gzip/large.bin',    $size],
    ['a file, gzip',          'GET',  '/gzip/large.bin',    undef, [['Accept-Encoding', 'gzip']]],
);
for my $row (@large) {
    my ($name, $method, $target, $length, $fields) = @$row;
    my $before   = memory('VmRSS');
    my $response = $ue->request($method, $target, fields => $fields || []);
    is("$response->{status} $response->{protected}", '200 1', "large: $name");
    is(length $response->{body}, $length, "large: $name: all of it") if defined $length;
    my $growth = memory('VmHWM') - $before;
    cmp_ok($growth, '<', 8 * 1024, "large: $name: the child's memory grows by less than 8 MiB");
    note("large: $name: $growth KiB");
    undef $response;
    nothing_left("large: $name");
    $log->holds("large: $name");
}

# ---- how a transfer may end ----

# Sends a request of its own connection and reads nothing of the answer.
sub ask {
    my ($target) = @_;
    my $context = $ue->context('GET', $target, '', {});
    my ($head)  = $ue->octets('GET', $target, authorization => [GBA::UE::credentials($context)]);
    my $http    = GBA::HTTP->connect($server->port);
    $http->send($head);
    return ($http, $context);
}

for my $target ('/p/large.bin', "/p/cgi?size=$size", '/b/large') {
    my ($http, $context) = ask($target);
    ok(wait_until(sub { held() > 0 }, 20), "slow reader of $target: a spool file is open");
    is(join(' ', files()), '', "slow reader of $target: and has no name");
    my $response = $http->receive('GET');
    is(GBA::UE::verify($response, $context), 1, "slow reader of $target: gets it all, protected");
    undef $response;
    nothing_left("slow reader of $target");

    ($http) = ask($target);
    ok(wait_until(sub { held() > 0 }, 20), "abort of $target: a spool file is open");
    $http->close;
    nothing_left("abort of $target");
    is($ue->request('GET', '/p/hello.txt')->{status}, 200, "abort of $target: the server goes on");
}
$log->holds('slow readers and aborts');

my ($http) = ask('/p/large.bin');
ok(wait_until(sub { held() > 0 }, 20), 'kill -9: a spool file is open');
my @killed = $server->children;
kill 'KILL', @killed;
ok(wait_until(sub { !grep { kill 0, $_ } @killed }, 20), 'kill -9: the child is gone');
is(join(' ', files()), '', 'kill -9: no file in TMPDIR');
ok(wait_until(sub { grep { $_ } $server->children }, 20), 'kill -9: another child comes');
is($ue->request('GET', '/p/large.bin', fresh => 1)->{status}, 200, 'kill -9: and serves');
nothing_left('kill -9');
$http->close;

$server->stop;
$log->finish;
unlink "$pages/large.bin";
done_testing;
