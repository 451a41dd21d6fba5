#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What authenticated is a subrequest that is gone before the answer is made: mod_rewrite looks ahead
# for REMOTE_USER while it translates the name. Bodies of several sizes, since what the subrequest
# had is soon used for something else.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Test::More;
use GBA::CA qw(subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site);
use GBA::UE;

my $top  = site()->{top};
my $mpm  = $ENV{GBA_MPM} || 'event';
my $cgi  = $mpm eq 'prefork' ? 'cgi' : 'cgid';
my $conf = <<"END";
ScriptAlias /p/cgi "$top/t/cgi/respond.pl"
RewriteEngine On
RewriteCond "%{LA-U:REMOTE_USER}" "."
RewriteRule "^/p/looked-ahead\$" "/p/cgi" [PT]
<Location "/p">
    AuthType GBA
    Require valid-user
</Location>
END
my $server = GBA::Server->start(children => 1, modules => [$cgi, 'rewrite'],
    conf => $conf . ($cgi eq 'cgid' ? "ScriptSock cgisock\n" : ''));
my $ue  = GBA::UE->new(subscriber('both'), port => $server->port);
$ue->authenticate('/docs/hello.txt');
my $log = GBA::Log->watch($server->error_log);
for my $size (1, 1000, 5000, 9000, 20_000, 70_000) {
    for my $field (10, 6000) {
        my $name     = "$size octets each way, a field of $field";
        my $response = eval { $ue->request('POST', "/p/looked-ahead?size=$size", body => 'x' x $size, fields => [['X-Filler', 'y' x $field]]) } || {};
        is(join(' ', map { $_ // 'none' } @{$response}{qw(status protected)}), '200 1', $name);
        is(length($response->{body} // ''), $size, "$name: the body");
    }
}
$server->stop;
$log->finish;
done_testing;
