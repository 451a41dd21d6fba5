#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# "Satisfy Any" of mod_access_compat lets httpd ask nobody who he is. What AuthType GBA closes stays
# closed all the same: nothing is served there without authentication.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Test::More;
use GBA::CA qw(subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site spew);
use GBA::UE;

my $top   = site()->{top};
my $pages = "$top/run/satisfy";
my $mpm   = $ENV{GBA_MPM} || 'event';
my $cgi   = $mpm eq 'prefork' ? 'cgi' : 'cgid';
mkdir $pages or die "$pages: $!\n";
spew("$pages/page.txt", "a page\n");
my $server = GBA::Server->start(children => 2, modules => [$cgi, qw(access_compat)], conf => <<"END");
@{[ $cgi eq 'cgid' ? 'ScriptSock cgisock' : '' ]}
ScriptAlias /p/cgi "$top/t/cgi/respond.pl"
Alias /p "$pages"
Alias /open "$pages"
<Location "/p">
    AuthType GBA
    Require valid-user
    Satisfy Any
    Order allow,deny
    Allow from all
</Location>
<Location "/open">
    Satisfy Any
    Order allow,deny
    Allow from all
</Location>
END
my $log = GBA::Log->watch($server->error_log);
sub get {
    my ($target) = @_;
    my $http = GBA::HTTP->connect($server->port);
    $http->send("GET $target HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    my $answer = $http->receive('GET');
    return $answer->{status};
}
for my $target ('/p/page.txt', '/p/cgi?raw=Content-Type:%20text/plain%0d%0a%0d%0ax') {
    is(get($target), 500, "$target: nothing without authentication");
    $log->holds($target, 'GBA1840');
}
is(get('/open/page.txt'), 200, 'what nobody closed is open');
$log->holds('open');
$server->stop;
$log->finish;
done_testing;
