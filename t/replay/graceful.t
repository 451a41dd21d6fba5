# SPDX-License-Identifier: Apache-2.0
# Nonces and replay windows live through restarts, and old and new children, alive side by side, see
# the same ones. A stop ends both.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use GBA::CA qw(subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(slurp);
use GBA::UE;

my $target = '/docs/hello.txt';

# A POST whose last octet is still missing: it holds its child, and is decided only once it is whole.
sub slow_start {
    my ($ue, $port, $nc, $name) = @_;
    my $context = $ue->context('POST', $target, 'slow', { nc => sprintf '%08x', $nc });
    my ($head, $body) = $ue->octets('POST', $target, body => 'slow', fields => [['X-Test', $name]],
        authorization => [GBA::UE::credentials($context)]);
    my $http = GBA::HTTP->connect($port);
    $http->send($head . substr $body, 0, 3);
    return { http => $http, context => $context };
}

sub slow_end {
    my ($slow) = @_;
    $slow->{http}->send('w');
    my $response = $slow->{http}->receive('POST');
    $response->{protected} = GBA::UE::verify($response, $slow->{context});
    return $response;
}

sub get    { my ($ue, $auth) = @_; return $ue->exchange('GET', $target, auth => $auth, fresh => 1) }
sub pid_of { my ($server, $name) = @_; return slurp($server->access_log) =~ /^([0-9]+) \d+ \Q$name\E$/m ? "$1" : 0 }

for my $mpm ($ENV{GBA_MPM} || qw(event worker prefork)) {
    my $server = GBA::Server->start(mpm => $mpm);
    my $log    = GBA::Log->watch($server->error_log);
    my $ue     = GBA::UE->new(subscriber('replay'), port => $server->port);
    $ue->authenticate($target);
    my $captured = get($ue, {});
    is($captured->{status}, 200, "$mpm: a request before the restart");
    my $nonce = $ue->{nonce};

    my %old   = map { $_ => 1 } $server->children;
    my $slow  = slow_start($ue, $server->port, 2, 'slow-2');
    my $again = slow_start($ue, $server->port, 3, 'slow-3');
    select undef, undef, undef, 0.5;    # until old children have both in hand
    $server->graceful;

    is(get($ue, { context => $captured->{context} })->{status}, 401, "$mpm: that request after the restart");
    my $next = get($ue, { nc => '00000003' });
    is($next->{status}, 200, "$mpm: the next number of the same nonce, with no new challenge");
    is($next->{context}{nonce}, $nonce, "$mpm: it is the same nonce");

    my $late = slow_end($slow);
    is("$late->{status} $late->{protected}", '200 1', "$mpm: an old child finishes what it began");
    is(slow_end($again)->{status}, 401, "$mpm: an old child refuses what a new one has accepted");
    is(get($ue, { nc => '00000002' })->{status}, 401, "$mpm: a new child refuses what an old one has accepted");
    select undef, undef, undef, 0.1;    # the log line follows the response
    ok($old{ pid_of($server, $_) }, "$mpm: $_ was an old child's") for qw(slow-2 slow-3);
    $log->holds("$mpm: the refusals", 'GBA0401', 'GBA0616', ('GBA0420') x 3);

    $server->restart;
    is(get($ue, { context => $captured->{context} })->{status}, 401, "$mpm: the first request after a hard restart");
    is(get($ue, { nc => '00000004' })->{status}, 200, "$mpm: the next number after a hard restart");
    $server->graceful for 1 .. 2;
    is(get($ue, { nc => '00000004' })->{status}, 401, "$mpm: the same one after two more");
    is(get($ue, { nc => '00000005' })->{status}, 200, "$mpm: the next one after two more");
    $log->holds("$mpm: more refusals", ('GBA0616') x 3, ('GBA0420') x 2);
    $server->stop;
    $log->finish;
}

# ---- another run knows nothing of this one's nonces ----

my $server = GBA::Server->start;
my $log    = GBA::Log->watch($server->error_log);
my $ue     = GBA::UE->new(subscriber('replay'), port => $server->port);
$ue->authenticate($target);
my $captured = get($ue, {});
is($captured->{status}, 200, 'a request before the stop');
$server->stop;
$server->spawn;
my $refused = get($ue, { context => $captured->{context} });
is($refused->{status}, 401, 'that request after a stop and a start');
like(scalar GBA::HTTP::field($refused, 'WWW-Authenticate'), qr/, stale=true\z/, 'it is stale');
is($ue->request('GET', $target, fresh => 1)->{status}, 200, 'the UE goes on with a new nonce');
is(get($ue, { context => $captured->{context} })->{status}, 401, 'that request is refused still');
$server->stop;
$log->finish('GBA0401', 'GBA0616', ('GBA0102') x 3);
done_testing;
