# SPDX-License-Identifier: Apache-2.0
# Many uploads at once: what the children hold while they come in is bounded by the spool size, and
# what they keep afterwards is small. Sizes, by environment:
#   GBA_UPLOADS      uploads at once (32; with GBA_TORTURE=1: 256)
#   GBA_UPLOAD_SIZE  octets of each (1048576)
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep);
use GBA::CA qw(subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site);
use GBA::UE;

my $count = $ENV{GBA_UPLOADS}     || ($ENV{GBA_TORTURE} ? 256 : 32);
my $size  = $ENV{GBA_UPLOAD_SIZE} || 1_048_576;
# kB, of all children together: 32 MB for 256. Bodies held in memory would be 1 MB each.
my $bound = 8192 + 96 * $count;

# Never more children than at the start, so that growth is growth.
my $mpm      = $ENV{GBA_MPM} || 'event';
my $children = $mpm eq 'prefork' ? $count + 4 : 4;
my $threads  = int(($count + 3) / 4) + 4;
my $limits   = $mpm eq 'prefork' ? "MinSpareServers 1\nMaxSpareServers @{[ $children + 1 ]}\nServerLimit $children\nMaxRequestWorkers $children\n" : "MinSpareThreads 1\n";
my $server = GBA::Server->start(children => $children, threads => $threads, conf => <<"END");
$limits
GBARequestBody 2M
END

# Private memory of a child, kB: what fork shares is nobody's growth.
sub private {
    my ($pid) = @_;
    open my $file, '<', "/proc/$pid/smaps_rollup" or return 0;
    my $sum = 0;
    while (<$file>) { $sum += $1 if /^Private_(?:Clean|Dirty):\s+([0-9]+) kB/ }
    return $sum;
}

sub memory {
    my $sum = 0;
    $sum += private($_) for $server->children;
    return $sum;
}

# Files that have no name any more: where the bodies are.
sub spools {
    my $n = 0;
    for my $pid ($server->children) {
        $n += grep { (readlink($_) // '') =~ m{/gba-spool\.} } glob "/proc/$pid/fd/*";
    }
    return $n;
}

my $body = join '', map { pack 'N', $_ } 1 .. $size / 4;
my $ue   = GBA::UE->new(subscriber('bodies'), port => $server->port);
$ue->authenticate('/docs/hello.txt');

# As many requests at once, each but for its last octet before any is finished.
sub round {
    my ($content, $framing, $meanwhile) = @_;
    my $last;
    my @option  = $framing eq 'chunked' ? (chunks => [unpack '(a30000)*', $content]) : ();
    my @uploads = map {
        my $context = $ue->context('GET', '/docs/hello.txt', $content, {});
        my ($head, $octets) = $ue->octets('GET', '/docs/hello.txt', body => $content, @option, authorization => [GBA::UE::credentials($context)]);
        my $http = GBA::HTTP->connect($server->port);
        $http->send($head . substr $octets, 0, -1);
        $last = substr $octets, -1;
        { context => $context, http => $http };
    } 1 .. $count;
    $meanwhile->() if $meanwhile;
    my %outcome;
    for my $upload (@uploads) {
        $upload->{http}->send($last);
        my $response = $upload->{http}->receive('GET');
        $outcome{"$response->{status} " . GBA::UE::verify($response, $upload->{context})}++;
        $upload->{http}->close;
    }
    return join ', ', map { "$outcome{$_} times $_" } sort keys %outcome;
}

sub wait_for {
    my ($what) = @_;
    for (1 .. 200) { return 1 if $what->(); sleep 0.05 }
    return 0;
}

# So that what is made only once is made already.
is(round('small', 'Content-Length'), "$count times 200 1", 'warm');
my $log    = GBA::Log->watch($server->error_log);
my @before = $server->children;
my $before = memory();
for my $framing ('Content-Length', 'chunked') {
    my $meanwhile;
    my $outcome = round($body, $framing, sub {
        ok(wait_for(sub { spools() == $count }), "$framing: $count bodies, each in a file") or diag(spools());
        sleep 0.5;
        $meanwhile = memory() - $before;
    });
    is($outcome, "$count times 200 1", "$framing: $count uploads of $size octets");
    ok(wait_for(sub { spools() == 0 }), "$framing: no file is left open");
    is(join(',', glob site()->{tmp} . '/gba-spool.*'), '', "$framing: no file is left in the folder");
    my $growth = memory() - $before;
    note("$framing: growth of all children: $meanwhile kB meanwhile, $growth kB afterwards");
    cmp_ok($meanwhile, '<', 1.5 * $bound, "$framing: growth meanwhile, kB");
    cmp_ok($growth, '<', $bound, "$framing: growth afterwards, kB");
}
is(join(',', $server->children), join(',', @before), 'the same children');

# Clients that go away in the middle leave nothing behind either.
{
    my @gone = map {
        my $context = $ue->context('GET', '/docs/hello.txt', $body, {});
        my ($head)  = $ue->octets('GET', '/docs/hello.txt', body => $body, authorization => [GBA::UE::credentials($context)]);
        my $http = GBA::HTTP->connect($server->port);
        $http->send($head . substr $body, 0, $size / 2);
        $http;
    } 1 .. 8;
    ok(wait_for(sub { spools() == 8 }), 'eight bodies, half of each');
    $_->close for @gone;
    ok(wait_for(sub { spools() == 0 }), 'the clients went away, and so did the files');
    sleep 0.2;
    $log->holds('gone', ('GBA0632') x 8);
}

$server->stop;
$log->finish;
done_testing;
