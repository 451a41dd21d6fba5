# SPDX-License-Identifier: Apache-2.0
# Bodies that do not come in time: 408, nothing accepted, nobody waits longer than the operator said.
# In the server of the run that is RequestReadTimeout body=3,MinRate=500; then Timeout alone.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::HiRes qw(sleep time);
use GBA::CA qw(subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site);
use GBA::UE;

my $who    = subscriber('bodies');
my $target = '/echo?body';
my $chunked = ['Transfer-Encoding', 'chunked'];

# Sends a head and the beginning of a body, and leaves it at that.
sub begin {
    my ($ue, $fields, $octets) = @_;
    my $context = $ue->context('POST', $ue->{target}, 'a' x 1000, {});
    my ($head)  = $ue->octets('POST', $ue->{target}, fields => $fields, authorization => [GBA::UE::credentials($context)]);
    my $http    = GBA::HTTP->connect($ue->{port});
    $http->send($head . $octets);
    return { context => $context, http => $http, since => time };
}

sub check {
    my ($name, $begun, $status) = @_;
    my $response = $begun->{http}->receive('POST');
    my $waited   = time - $begun->{since};
    is("$response->{status} " . GBA::UE::verify($response, $begun->{context}), "$status 0", "$name: $status, unprotected");
    ok($begun->{http}->is_ended, "$name: the end");
    cmp_ok($waited, '>', 1.5, "$name: not at once");
    cmp_ok($waited, '<', 12, "$name: nor for ever");
    is(scalar(GBA::HTTP::field($response, 'WWW-Authenticate')) // 'none', 'none', "$name: no challenge");
    return;
}

# httpd makes no difference between trailers that do not come and broken ones.
my @rows = (
    ['nothing comes',          [['Content-Length', 1000]], ''],
    ['half of it comes',       [['Content-Length', 1000]], 'a' x 500],
    ['a chunk does not end',   [$chunked],                 "3e8\r\naaaa"],
    ['no more chunks come',    [$chunked],                 "4\r\naaaa\r\n"],
    ['the trailers never end', [$chunked],                 "3e8\r\n" . 'a' x 1000 . "\r\n0\r\n", 400],
);

# All at once, so that they wait together.
sub stall {
    my ($log, $ue) = @_;
    my @begun = map { begin($ue, @$_[1, 2]) } @rows;
    check($rows[$_][0], $begun[$_], $rows[$_][3] // 408) for 0 .. $#rows;
    $log->holds('slow', ('GBA0631') x (@rows - 1), 'GBA0632');
    # Nothing was accepted: each nc is still unused.
    for my $i (0 .. $#rows) {
        my $whole = $ue->exchange('POST', $ue->{target}, body => 'a' x 1000, fresh => 1, auth => { context => $begun[$i]{context} });
        is("$whole->{status} $whole->{protected}", '200 1', "$rows[$i][0]: the same credentials with the whole body");
    }
    $log->holds('whole');
    return;
}

# ---- mod_reqtimeout ----
{
    my $log = GBA::Log->watch;
    my $ue  = GBA::UE->new($who, target => $target);
    $ue->authenticate($target);
    $log->holds('challenge', 'GBA0401');
    # In drops, each in time and all of them together too slow.
    my $drops = begin($ue, [['Content-Length', 1000]], '');
    for (1 .. 12) { sleep 0.3; $drops->{http}->send('aa') }
    check('a drop now and then', $drops, 408);
    $log->holds('drops', 'GBA0631');
    stall($log, $ue);

    # Slow, but within what the operator allows.
    my $slow = begin($ue, [['Content-Length', 1000]], '');
    for (1 .. 4) { sleep 0.2; $slow->{http}->send('a' x 250) }
    my $response = $slow->{http}->receive('POST');
    is("$response->{status} " . GBA::UE::verify($response, $slow->{context}), '200 1', 'slow, but in time');
    $log->holds('in time');

    # Who is not authenticated is not waited for: neither for a large body nor for one without a length.
    for my $framing (['Content-Length', 100_000], $chunked) {
        for my $authorization ([], [authorization => ['Basic eDp5']]) {
            my $since = time;
            my ($head) = $ue->octets('POST', $target, fields => [$framing], @$authorization);
            my $http = GBA::HTTP->connect(site()->{port});
            $http->send($head);
            my $answer = $http->receive('POST');
            is($answer->{status}, 401, "no body, no credentials, @$framing: challenged");
            cmp_ok(time - $since, '<', 2.5, "no body, no credentials, @$framing: at once");
            ok($answer->{close} && $http->is_ended, "no body, no credentials, @$framing: the end");
            $log->holds('challenge', @$authorization ? 'GBA0403' : 'GBA0401');
        }
    }
    $log->finish;
}

# ---- Timeout alone ----
{
    my $server = GBA::Server->start(children => 1, threads => 16, modules => ['reflector'], conf => <<'END');
<IfModule !prefork.c>
    MinSpareThreads 1
</IfModule>
Timeout 2
<Location "/slow">
    SetHandler reflector
    AuthType GBA
    Require valid-user
</Location>
END
    my $ue = GBA::UE->new($who, port => $server->port, target => '/slow');
    $ue->authenticate('/slow');
    my $log = GBA::Log->watch($server->error_log);
    stall($log, $ue);
    $server->stop;
    $log->finish;
}

done_testing;
