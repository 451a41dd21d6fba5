#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# mod_cache keeps nothing of what an authenticated UE was answered (RFC 9111 3.5): it does not see
# Authorization any more, which the module takes away, so it has to be told.

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
my $cache = "$top/run/cache";
my $pages = "$top/run/cached";
my $mpm   = $ENV{GBA_MPM} || 'event';
my $cgi   = $mpm eq 'prefork' ? 'cgi' : 'cgid';
mkdir $_ or die "$_: $!\n" for $cache, $pages;
chmod 0777, $cache or die "$cache: $!\n";
spew("$pages/page.txt", "a page\n");
my $says = 'raw=Content-Type:%20text/plain%0d%0aCache-Control:%20max-age=600%0d%0a%0d%0a';

for my $quick ('off', 'on') {
    my $server = GBA::Server->start(children => 2, modules => [$cgi, qw(cache cache_disk)], conf => <<"END");
@{[ $cgi eq 'cgid' ? 'ScriptSock cgisock' : '' ]}
CacheRoot "$cache"
CacheQuickHandler $quick
CacheEnable disk /
CacheDetailHeader On
ScriptAlias /p/cgi "$top/t/cgi/respond.pl"
Alias /p "$pages"
Alias /open "$pages"
<Location "/p">
    AuthType GBA
    Require valid-user
</Location>
END
    my %ue = map { $_ => GBA::UE->new(subscriber($_), port => $server->port) } qw(both alpha);
    $ue{$_}->authenticate('/p/page.txt') for sort keys %ue;
    my $log  = GBA::Log->watch($server->error_log);
    my $page = sub {
        my ($who, $target) = @_;
        my $answer = $ue{$who}->request('GET', $target);
        return ("$answer->{status} $answer->{protected}", $answer->{body}, join ' ', GBA::HTTP::field($answer, 'X-Cache-Detail'));
    };
    for my $target ('/p/page.txt', "/p/cgi?${says}one") {
        for my $who (qw(both both alpha alpha)) {
            my ($status, $body, $detail) = $page->($who, $target);
            is($status, '200 1', "CacheQuickHandler $quick: $target");
            unlike($detail, qr/hit|attempting entity save/, "CacheQuickHandler $quick: $target: not from the cache, and not into it");
        }
    }
    my @kept = grep { /\S/ } qx(find "$cache" -name "*.data");
    is(scalar @kept, 0, "CacheQuickHandler $quick: nothing is kept") or diag(@kept);
    $server->stop;
    $log->finish;
}
done_testing;
