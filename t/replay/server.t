# SPDX-License-Identifier: Apache-2.0
# An httpd of the script's own: starts, restarts, outlives a killed child, ends.

use strict;
use warnings FATAL => 'all';
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use GBA::CA qw(subscriber);
use GBA::Log;
use GBA::Server;
use GBA::UE;

for my $mpm (qw(event worker prefork)) {
    my $server = GBA::Server->start(mpm => $mpm, children => 4);
    my $log    = GBA::Log->watch($server->error_log);
    my @before = $server->children;
    cmp_ok(@before, '>=', 4, "$mpm: at least four children");

    my $ue = GBA::UE->new(subscriber('both'), port => $server->port);
    is($ue->request('GET', '/docs/hello.txt')->{status}, 200, "$mpm: a UE gets in");

    $server->graceful;
    my $pid = $server->pid;
    is($ue->request('GET', '/docs/hello.txt', fresh => 1)->{status}, 200, "$mpm: and after a graceful restart");
    my %was = map { $_ => 1 } @before;
    cmp_ok(scalar(grep { !$was{$_} } $server->children), '>=', 4, "$mpm: children of the next generation");

    $server->stop;
    ok(!kill(0, $pid), "$mpm: it is gone");
    $log->finish('GBA0401', 'GBA0616');
}
done_testing;
