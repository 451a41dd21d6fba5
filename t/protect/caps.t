#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# GBAResponseBody: what is over the cap, or cannot be spooled, is one protected 500, whoever writes
# and however long he goes on. Environment: GBA_ENDLESS (octets that an endless writer writes; 256M
# with GBA_TORTURE=1, else 32M).

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
use GBA::Site qw(site slurp spew);
use GBA::UE;

my $top     = site()->{top};
my $endless = $ENV{GBA_ENDLESS} || ($ENV{GBA_TORTURE} ? 256 : 32) * 1024 * 1024;
my $cap     = 100 * 1024;
my $pages   = "$top/run/caps";
make_path("$pages/ssi");
spew("$pages/over.bin",     'x' x ($cap + 1));
spew("$pages/at.bin",       'x' x $cap);
spew("$pages/spool.bin",    'x' x 1024);
spew("$pages/spooled.bin",  'x' x 1025);
spew("$pages/ssi/x.shtml",  "A<!--#include virtual=\"/p/cgi?size=$endless\" -->B\n" x 3);
spew("$pages/ssi/ok.shtml", "<!--#include virtual=\"/p/hello.txt\" -->" . 'y' x 5000);
spew("$pages/hello.txt",    "hello\n");
spew("$pages/page.html",    "<p>the operator's page</p>\n");
my $pid_file = site()->{tmp} . '/script.pid';

my $backend = GBA::Backend->start(
    '/long' => sub {
        my ($socket) = @_;
        print $socket "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n";
        for (1 .. $endless / 65536) { print $socket 'x' x 65536 or last }
    },
    '/told' => "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\nConnection: close\r\n\r\n" . 'x' x 300_000,
);
my $conf = <<"END";
ScriptAlias /p/cgi "$top/t/cgi/respond.pl"
ScriptAlias /page/cgi "$top/t/cgi/respond.pl"
Alias /p "$pages"
Alias /gzip "$pages"
Alias /tiny "$pages"
Alias /wordy "$pages"
Alias /open "$pages"
SetEnv GBA_TEST_PID "$pid_file"
<LocationMatch "^/(p|gzip|page|b|tiny|wordy)/">
    AuthType GBA
    Require valid-user
    GBAResponseBody 100K 1K
</LocationMatch>
<Location "/b">
    ProxyPass "http://127.0.0.1:@{[ $backend->port ]}"
</Location>
<Location "/gzip">
    SetOutputFilter DEFLATE
</Location>
<Location "/page">
    ErrorDocument 500 /open/page.html
</Location>
<Location "/tiny">
    GBAResponseBody 100
</Location>
<Location "/wordy">
    ErrorDocument 500 "@{[ 'w' x 5000 ]}"
    GBAResponseBody 4K
</Location>
<Directory "$pages/ssi">
    Options +Includes
    AddOutputFilter INCLUDES .shtml
</Directory>
END

my @over = (log => ['GBA0652']);
my @rows = (
    ['at the spool size',         'GET',  '/p/spool.bin',   200, is => 'x' x 1024],
    ['just spooled',              'GET',  '/p/spooled.bin', 200, is => 'x' x 1025],
    ['at the cap',                'GET',  '/p/at.bin',      200, is => 'x' x $cap],
    ['a script at the cap',       'GET',  "/p/cgi?size=$cap", 200],
    ['spooled SSI',               'GET',  '/p/ssi/ok.shtml', 200, is => "hello\n" . 'y' x 5000],
    ['one octet over the cap',    'GET',  '/p/over.bin',    500, @over],
    ['over the cap, HEAD',        'HEAD', '/p/over.bin',    500, is => '', @over],
    ['over the cap, POST',        'POST', '/p/cgi?size=200000', 500, body => 'u' x 200_000, @over],
    ['over before the coding',    'GET',  '/gzip/over.bin', 200, fields => [['Accept-Encoding', 'gzip']]],
    ['an endless script',         'GET',  "/p/cgi?size=$endless", 500, @over],
    ['a stubborn endless script', 'GET',  "/p/cgi?stubborn=$endless", 500, gone => 1, @over],
    ['with an ErrorDocument',     'GET',  "/page/cgi?size=$endless", 500, is => "<p>the operator's page</p>\n", @over],
    ['an endless back end',       'GET',  '/b/long',        500, @over],
    ['a back end with a length',  'GET',  '/b/told',        500, @over],
    # Each page that says so is over the cap too: in the end the answer is empty.
    ['no error page fits',        'GET',  '/tiny/over.bin', 500, is => '', log => [('GBA0652') x 4]],
    ['a page that fits not',      'GET',  '/tiny/nothing',  500, is => '', log => [('GBA0652') x 4]],
    ['the operator\'s page fits not', 'GET', '/wordy/over.bin', 500, is => '', log => [('GBA0652') x 4]],
    ['what fits, after that',     'GET',  '/tiny/hello.txt', 200, is => "hello\n"],
    ['SSI with endless scripts',  'GET',  '/p/ssi/x.shtml', 500, @over],
);

sub holds {
    my ($log, $name, @wanted) = @_;
    # What httpd says of a pipe that nobody reads any more differs from MPM to MPM.
    my @lines = grep { !/AH0(?:1102|1259|2550|2551)\b/ } $log->look;
    my @problems = GBA::Log::problems(\@lines, @wanted);
    ok(!@problems, "log: $name") or diag(@problems);
    return;
}

sub check {
    my ($variant, $ue, $log, $row) = @_;
    my ($what, $method, $target, $status, %more) = @$row;
    my $name     = "$variant$what";
    my $response = $ue->request($method, $target, map { ($_ => $more{$_}) } grep { exists $more{$_} } qw(fields body));
    is("$response->{status} $response->{protected}", "$status 1", $name);
    ok($response->{body} eq $more{is}, "$name: the body") if exists $more{is};
    cmp_ok(length $response->{body}, '<', 1000, "$name: not what was over") if $status == 500;
    ok(is_gone(), "$name: the script is gone") if $more{gone};
    holds($log, $name, @{ $more{log} || [] });
    return;
}

# httpd tells a script to end, and kills it where it does not.
sub is_gone {
    my ($pid) = slurp($pid_file) =~ /\A([0-9]+)\n/ or return 0;
    my $until = time + 20;
    sleep 0.1 while kill(0, $pid) && time < $until;
    return !kill 0, $pid;
}

my $mpm     = $ENV{GBA_MPM} || 'event';
my $cgi     = $mpm eq 'prefork' ? 'cgi' : 'cgid';
my @modules = ($cgi, qw(include filter deflate env proxy proxy_http));
$conf .= "ScriptSock cgisock\n" if $cgi eq 'cgid';

my $server = GBA::Server->start(children => 2, modules => \@modules, conf => $conf);
my $ue     = GBA::UE->new(subscriber('both'), port => $server->port);
$ue->authenticate('/p/hello.txt');
my $log = GBA::Log->watch($server->error_log);
check('', $ue, $log, $_) for @rows;
$server->stop;
$log->finish;

# No place for temporary files: what fits into memory goes on, the rest is a protected 500.
my $folder = "$top/run/no-room";
mkdir $folder, 0555 or die "$folder: $!\n";
$server = GBA::Server->start(children => 2, modules => \@modules, conf => $conf, env => { TMPDIR => $folder });
$ue     = GBA::UE->new(subscriber('both'), port => $server->port);
$ue->authenticate('/p/hello.txt');
$log = GBA::Log->watch($server->error_log);
SKIP: {
    skip 'children run as a user who may write everywhere', 1 if $> == 0 && site()->{user} eq 'root';
    my @full = (log => ['GBA0653']);
    check('no room: ', $ue, $log, $_) for
        ['a small file',      'GET',  '/p/hello.txt',   200, is => "hello\n"],
        ['a file to spool',   'GET',  '/p/spooled.bin', 500, @full],
        ['a script to spool', 'GET',  '/p/cgi?size=90000', 500, @full],
        ['a back end',        'GET',  '/b/told',        500, @full],
        ['HEAD',              'HEAD', '/p/spooled.bin', 500, is => '', @full],
        ['a small file again', 'GET', '/p/hello.txt',   200, is => "hello\n"];
}
$server->stop;
$log->finish;
unlink $pid_file;
done_testing;
