#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What is authenticated never reaches a UE inside a response that is not protected: an open page
# that includes a page behind AuthType GBA, or that a location of other demands would inherit into.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use File::Path qw(make_path);
use Test::More;
use GBA::CA qw(subscriber);
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site spew);
use GBA::UE;

my $top   = site()->{top};
my $pages = "$top/run/inclusion";
make_path("$pages/open", "$pages/p", "$pages/sha");
spew("$pages/p/hello.txt",      "behind the location\n");
spew("$pages/sha/hello.txt",    "SHA-256 only\n");
spew("$pages/open/page.shtml",  "A<!--#include virtual=\"/i/p/hello.txt\" -->B\n");
spew("$pages/p/page.shtml",     "A<!--#include virtual=\"/i/p/hello.txt\" -->B\n");
spew("$pages/p/other.shtml",    "A<!--#include virtual=\"/i/sha/hello.txt\" -->B\n");

my $conf = <<"END";
Alias /i "$pages"
<LocationMatch "^/i/(p|sha)/">
    AuthType GBA
    Require valid-user
</LocationMatch>
<Location "/i/sha">
    GBAAlgorithms SHA-256
</Location>
<Directory "$pages">
    Options +Includes
    AddOutputFilter INCLUDES .shtml
</Directory>
END

my $server = GBA::Server->start(children => 2, modules => [qw(include filter)], conf => $conf);
my $ue     = GBA::UE->new(subscriber('both'), port => $server->port, algorithm => 'MD5');
$ue->authenticate('/i/p/hello.txt');
my $log = GBA::Log->watch($server->error_log);

# mod_include says in a line of its own, without a number, that it left something out.
sub holds {
    my ($name, $left_out, @tags) = @_;
    my @lines    = $log->look;
    my @others   = grep { !/ unable to include / } @lines;
    my @problems = GBA::Log::problems(\@others, @tags);
    ok(!@problems && @lines - @others == $left_out, "log: $name") or diag(@lines);
    return;
}

my $response = $ue->request('GET', '/i/p/page.shtml');
is("$response->{status} $response->{protected}", '200 1', 'a protected page includes a protected page');
like($response->{body}, qr/\AAbehind the location\nB\n/, 'and holds it');
holds('a protected page', 0);

$response = $ue->exchange('GET', '/i/open/page.shtml', auth => {});
is("$response->{status} $response->{protected}", '200 0', 'an open page is served, unprotected');
unlike($response->{body}, qr/behind/, 'without what it would include from behind the location');
holds('an open page', 1, 'GBA0644');

$response = $ue->exchange('GET', '/i/open/page.shtml', auth => 0);
unlike($response->{body}, qr/behind/, 'nor for somebody without credentials');
holds('an open page, no credentials', 1, 'GBA0644');

$response = $ue->request('GET', '/i/p/other.shtml');
is("$response->{status} $response->{protected}", '200 1', 'a page that includes one of other algorithms');
unlike($response->{body}, qr/SHA-256 only/, 'is served without it');
holds('other algorithms', 1, 'GBA0641');

$log->finish;
done_testing();
