# SPDX-License-Identifier: Apache-2.0
# Over every restart of the same httpd a nonce lives on, and with it the memory of what was accepted:
# a request captured before is a replay afterwards, and a UE in the middle of a session notices nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep);
use GBA::CA qw(new_key pkcs10 subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Site qw(site slurp);
use GBA::UE;

my $target = '/docs/hello.txt';

sub server_pid { return slurp(site()->{pid_file}) =~ /\A([0-9]+)/ ? $1 : die "no pid\n" }

sub children {
    my ($parent) = @_;
    return grep { -e "/proc/$_" } map { m{/proc/([0-9]+)/stat} && (eval { slurp($_) } // '') =~ /\A\d+ \(.*\) \S (\d+) /s && $1 == $parent ? m{/proc/(\d+)} : () } glob '/proc/[0-9]*/stat';
}

# Sends the signal and waits until the new generation serves: httpd says so in its log.
sub restart {
    my ($signal) = @_;
    my $from = -s site()->{error_log};
    my $pid  = server_pid();
    kill $signal, $pid or die "kill $pid: $!\n";
    for (1 .. 600) {
        sleep 0.1;
        open my $file, '<:raw', site()->{error_log} or die "error log: $!\n";
        seek $file, $from, 0;
        local $/ = undef;
        next unless <$file> =~ /resuming normal operations/;
        # Its children may be a moment late.
        sleep 0.3;
        return server_pid() == $pid;
    }
    return 0;
}

# A request of which half the body is sent.
sub half_sent {
    my ($ue) = @_;
    my $body    = 'x' x 2000;
    my $context = $ue->context('POST', '/echo', $body, {});
    my ($head)  = $ue->octets('POST', '/echo', body => $body, authorization => [GBA::UE::credentials($context)]);
    my $http    = GBA::HTTP->connect(site()->{port});
    $http->send($head . substr $body, 0, 1000);
    return { http => $http, context => $context };
}

# The new generation takes the same request, whole; then the old one has it whole, and must know.
sub finish_half {
    my ($half, $ue, $log) = @_;
    my $body = $half->{context}{body};
    my $new  = $ue->exchange('POST', '/echo', fresh => 1, body => $body, auth => { context => $half->{context} });
    is("$new->{status} $new->{protected}", '200 1', 'a request sent to both generations: the new one takes it');
    $half->{http}->send(substr $body, 1000);
    my $old = $half->{http}->receive('POST');
    is($old->{status}, 401, 'and the old one, later, does not');
    is(GBA::UE::verify($old, $half->{context}), 0, 'nor protects its answer');
    $log->holds('the same request to both generations', 'GBA0420');
    return;
}

for my $signal (qw(USR1 HUP USR1)) {
    my $log = GBA::Log->watch;
    my $ue  = GBA::UE->new(subscriber('graceful'));
    my @captured;
    for my $n (1 .. 3) {
        my $response = $ue->request('GET', $target);
        is("$response->{status} $response->{protected}", '200 1', "$signal: request $n before");
        push @captured, $response->{context};
    }
    my $enrolled = $ue->request('POST', '/enrol', type => 'application/x-pkcs10', body => pkcs10(new_key('EC', 'P-256')));
    is($enrolled->{status}, 200, "$signal: enrolled before");
    # Begun before, to be finished by the old generation afterwards.
    my $half = $signal eq 'USR1' ? half_sent($ue) : undef;
    $log->holds("$signal: before", qw(GBA0401 GBA0661));

    ok(restart($signal), "$signal: restarted, the same parent");
    $log->holds("$signal: restart", 'GBA0616');

    for my $context (@captured) {
        my $again = $ue->exchange('GET', $target, fresh => 1, auth => { context => $context });
        is("$again->{status} $again->{protected}", '401 0', "$signal: captured, nc=$context->{nc}: refused");
        my $copy = GBA::UE->new(subscriber('graceful'));
        ok($copy->take_challenge($again) && $copy->{stale}, "$signal: captured, nc=$context->{nc}: stale");
        $log->holds("$signal: nc=$context->{nc}", 'GBA0420');
    }
    finish_half($half, $ue, $log) if $half;
    my $next = $ue->exchange('GET', $target, fresh => 1, auth => {});
    is("$next->{status} $next->{protected}", '200 1', "$signal: the next nc on the same nonce: taken");
    my $twice = $ue->exchange('GET', $target, fresh => 1, auth => { context => $next->{context} });
    is("$twice->{status} $twice->{protected}", '401 0', "$signal: and only once");
    my $enrol = $ue->exchange('POST', '/enrol', type => 'application/x-pkcs10', body => pkcs10(new_key('EC', 'P-256')), auth => {});
    is("$enrol->{status} $enrol->{protected}", '200 1', "$signal: and enrolment goes on");
    $log->finish(qw(GBA0420 GBA0661));
}

cmp_ok(scalar children(server_pid()), '>', 1, 'more than one child, so that they had to share');
done_testing;
