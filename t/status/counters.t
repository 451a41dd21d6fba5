#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# gba-status counts each request once, whatever way it went, and loses none: traffic of each kind that
# is known, alone, by many at once, and over graceful restarts, under each MPM.
#
# GBA_STATUS_REQUESTS: how many requests the crowd sends (160; with GBA_TORTURE=1 4000). GBA_MPM: this
# MPM only.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use POSIX ();
use Apache::Test ();
use Test::More;
use Time::HiRes qw(sleep time);
use GBA::CA qw(new_key pkcs10 subscriber);
use GBA::Crowd;
use GBA::HTTP;
use GBA::Log;
use GBA::Prometheus;
use GBA::Server;
use GBA::Site qw(site slurp spew);
use GBA::UE;

my $requests = $ENV{GBA_STATUS_REQUESTS} || ($ENV{GBA_TORTURE} ? 4000 : 160);
my $clients  = 8;
my $hello    = '/docs/hello.txt';
my @members  = map { GBA::CA::entry("crowd-$_", [1]) } 1 .. $clients;

# Pages that include others: three of a protected place, twice.
my $pages = site()->{top} . '/run/including';
-d $pages or mkdir $pages, 0755 or die "$pages: $!\n";
spew("$pages/page.html", qq(<!--#include virtual="$hello" -->) x 3);

my $conf = <<"END";
<Location "/status">
    SetHandler gba-status
    Require ip 127.0.0.1
</Location>
Alias /inside "$pages"
Alias /outside "$pages"
<LocationMatch "^/(inside|outside)/">
    Options +Includes
    SetOutputFilter INCLUDES
</LocationMatch>
<LocationMatch "^/(inside|denied|small|capped|page-401)(/|\$)">
    AuthType GBA
    Require valid-user
</LocationMatch>
# Both lead to another protected place: the same transaction.
<Location "/denied">
    AuthMerging Off
    Require user somebody.else
    ErrorDocument 403 $hello
</Location>
<Location "/page-401">
    ErrorDocument 401 $hello
</Location>
<Location "/small">
    GBARequestBody 1000 100
</Location>
Alias /capped "@{[ Apache::Test::vars()->{documentroot} ]}/docs"
<Location "/capped">
    GBAResponseBody 1K
</Location>
<Location "/open-enrol">
    SetHandler gba-enrol
</Location>
END

my ($server, %want, %known);

# ---- what is expected ----

sub count { my ($series, $by) = @_; $want{$series} += $by // 1; return }
sub fails { my ($result) = @_; return count(qq(gba_failures_total{result="$result"})) }
sub asks  { my ($result) = @_; return count(qq(gba_lookups_total{result="$result"})) }
sub called { return count('gba_lookup_duration_seconds_count') }

# An authentication: 401 comes with a challenge.
sub authn {
    my ($result, $by) = @_;
    my %stale = map { $_ => 1 } qw(NONCE_INVALID NONCE_REPLAYED WINDOW_GONE);
    my %other = map { $_ => 1 } qw(OK MALFORMED URI_MISMATCH BODY_OVER_CAP BODY_BROKEN KEYSOURCE_DOWN);
    count(qq(gba_authentications_total{result="$result"}), $by);
    count(sprintf('gba_challenges_total{stale="%s"}', $stale{$result} ? 'true' : 'false'), $by) unless $other{$result};
    count('gba_replays_total', $by) if $result eq 'NONCE_REPLAYED';
    return;
}

# The keeper is asked once for each UE; then it is known.
sub knows {
    my ($name) = @_;
    return if $known{$name}++;
    asks('OK');
    return called();
}

# Alone as it is, in a commit of its own.
sub count_job {
    count($_) for qw(gba_commit_jobs_sum gba_commit_jobs_count gba_commit_duration_seconds_count);
    return;
}

# What was recorded.
sub decided {
    my ($reason) = @_;
    count(qq(gba_decisions_total{reason="$reason"}));
    count_job();
    return $reason eq 'NONE' ? count('gba_issued_total{profile="authentication"}') : fails('ENROL_REFUSED');
}

# ---- what is told ----

sub get {
    my ($target, @fields) = @_;
    my $http = GBA::HTTP->connect($server->port);
    $http->send(join "\r\n", "GET $target HTTP/1.1", 'Host: pkiportal.home1.net', 'Connection: close', @fields, '', '');
    return $http->receive('GET');
}

sub metrics { return GBA::Prometheus::parse(get('/status')->{body}) }

# Every number that only rises, and nothing else, stands where it should.
sub told {
    my ($name) = @_;
    my $metrics = eval { metrics() };
    ok($metrics, "$name: well-formed") or return diag($@);
    my %value = %{ $metrics->{value} };
    my @rising = grep { /_total(?:\{|\z)|_count\z|\Agba_commit_jobs_sum\z/ } keys %value;
    my @wrong = map { sprintf "%s is %s, not %d", $_, $value{$_} // 'not there', $want{$_} // 0 }
        grep { !defined $value{$_} || $value{$_} != ($want{$_} // 0) } sort(keys %{ { map { $_ => 1 } @rising, keys %want } });
    ok(!@wrong, "$name: exactly these numbers") or diag(map { "$_\n" } @wrong);
    return $metrics;
}


# ---- traffic, each kind once ----

sub is_status {
    my ($response, $wanted, $name) = @_;
    return is("$response->{status} $response->{protected}", $wanted, $name);
}

sub visit {
    my ($ue, $name, $target, $wanted, %option) = @_;
    my $response = $ue->exchange($option{method} // 'GET', $target, fresh => 1, auth => {}, %option);
    is_status($response, $wanted, $name);
    return $response;
}

sub authentications {
    my ($ue) = @_;
    my $stranger = sprintf 'stranger-%d@bsf.home1.net', rand 1e9;
    $ue->authenticate($hello);
    authn('NO_CREDENTIALS');
    knows('both');
    my $first = visit($ue, 'right', $hello, '200 1');
    authn('OK');
    visit($ue, 'the same again', $hello, '401 0', auth => { context => $first->{context} });
    authn('NONCE_REPLAYED');
    my @rows = (
        [WRONG_HASH    => '401 0', { password => 'wrong' }],
        [NOT_OFFERED   => '401 0', { realm => '3GPP-bootstrapping@other.home1.net' }],
        [NONCE_INVALID => '401 0', { nonce => 'QUJD' }],
        [URI_MISMATCH  => '400 0', { uri => '/elsewhere' }],
        [MALFORMED     => '400 0', { raw => ['Digest username='] }],
        [UNKNOWN_BTID  => '401 0', { username => $stranger }],
        [UNKNOWN_BTID  => '401 0', { username => $stranger }],
    );
    for my $row (@rows) {
        visit($ue, lc $row->[0], $hello, $row->[1], auth => $row->[2]);
        authn($row->[0]);
    }
    asks('UNKNOWN_BTID') for 1, 2;
    called();    # the second time from memory
    visit($ue, 'a large body', '/small/x', '413 0', method => 'POST', body => 'x' x 2000);
    authn('BODY_OVER_CAP');
    visit($ue, 'a body of two ends', $hello, '400 0', method => 'POST', body => 'x', fields => [['Transfer-Encoding', 'chunked']]);
    authn('BODY_BROKEN');
    my $late = GBA::UE->new(subscriber('expired'), port => $server->port);
    $late->authenticate($hello);
    authn('NO_CREDENTIALS');
    knows('expired');
    visit($late, 'an old key', $hello, '401 0');
    authn('EXPIRED_KEY');
    return;
}

# Several requests of httpd's own to a request of the UE's.
sub inside_httpd {
    my ($ue) = @_;
    my $page = visit($ue, 'a page with inclusions', '/inside/page.html', '200 1');
    is($page->{body}, "hello\n" x 3, 'that are there');
    authn('OK');
    visit($ue, 'an error page of a protected place', '/denied/x', '403 1');
    authn('OK');
    fails('REQUIRE_REFUSED');
    is(get('/page-401/x')->{status}, 401, 'a protected page for the 401');
    authn('NO_CREDENTIALS');
    is(get('/outside/page.html')->{status}, 200, 'an open page that includes protected ones');
    fails('INHERIT_REFUSED');
    visit($ue, 'a response over the cap', '/capped/large.bin', '500 1');
    authn('OK');
    fails('RESPONSE_OVER_CAP');
    is(get('/open-enrol')->{status}, 500, 'a handler without authentication');
    fails('NO_CONTEXT');
    return;
}

sub enrol {
    my ($name, $who, $wanted, %option) = @_;
    my $ue = ref $who ? $who : GBA::UE->new(subscriber($who), port => $server->port);
    my $response = $ue->request('POST', '/enrol' . ($option{query} // ''), type => $option{type} // 'application/x-pkcs10', body => $option{body}, fresh => 1);
    is($response->{status}, $wanted, $name);
    if (!ref $who) {
        authn('NO_CREDENTIALS');
        knows($who);
    }
    return authn('OK');
}

sub enrolments {
    my ($ue) = @_;
    my $mine = pkcs10(new_key('EC', 'P-256'));
    enrol('a certificate', $ue, 200, body => $mine);
    decided('NONE');
    count('gba_sign_duration_seconds_count');
    enrol('the same again', $ue, 200, body => $mine);
    decided('NONE');
    enrol('a key of another', 'signer', 403, body => $mine);
    decided('KEY_TAKEN');
    enrol('a subscriber without settings', 'no-uss', 403, body => $mine);
    decided('NO_USS');
    enrol('without flags', 'no-flag', 403, body => $mine);
    decided('NO_FLAG');
    enrol('without identity', 'nobody', 403, body => $mine);
    decided('NO_IDENTITY');
    enrol('a small key', $ue, 403, body => pkcs10(new_key('RSA', 1024)));
    decided('KEY_SIZE');
    enrol('nonsense', $ue, 400, body => 'nonsense');
    fails('BAD_PKCS10');
    enrol('another type', $ue, 415, body => $mine, type => 'text/plain');
    fails('BAD_MEDIA_TYPE');
    enrol('another kind of response', $ue, 400, body => $mine, query => '?response=nothing');
    fails('BAD_RESPONSE_KIND');
    visit($ue, 'another method', '/enrol', '405 1');
    authn('OK');
    fails('BAD_METHOD');
    return;
}

sub all_kinds {
    my $ue = GBA::UE->new(subscriber('both'), port => $server->port);
    authentications($ue);
    inside_httpd($ue);
    return enrolments($ue);
}

# Nobody can be found in what is told: no B-TID, no identity, no name of a NAF, no key.
sub tells_of_nobody {
    my ($name) = @_;
    for my $query ('', '?json', '?health') {
        my $body = get("/status$query")->{body};
        my @found = $body =~ /[^\n]*(?:\@|home1|3gpp|sip:|imsi|stranger|crowd-)[^\n]*/gi;
        ok(length $body && !@found, "$name: /status$query names nobody") or diag(@found);
        my @long = $body =~ /[0-9A-Fa-f]{24,}|[A-Za-z0-9+\/]{40,}/g;
        ok(!@long, "$name: /status$query has nothing like a key") or diag(@long);
    }
    return;
}

# ---- many at once: each job is a right request, and the same once more ----

sub client {
    my ($i) = @_;
    my $ue = GBA::UE->new($members[$i], port => $server->port);
    my $started = 0;
    return sub {
        $ue->authenticate($hello) unless $started++;
        my $right = $ue->exchange('GET', $hello, auth => {}, fresh => 1, fields => [['X-Test', 'crowd']]);
        my $again = $ue->exchange('GET', $hello, auth => { context => $right->{context} }, fresh => 1);
        return $right->{status} * 1000 + $again->{status};
    };
}

# How many of the clients have had something to do is told by the challenges that they asked for.
sub crowd {
    my ($name) = @_;
    my $crowd = GBA::Crowd->new($clients, \&client);
    my @answers = $crowd->do(1 .. $requests);
    is($crowd->finish, 0, "$name: no client saw a wrong answer");
    is(scalar(grep { $_->[1] == 200_401 } @answers), $requests, "$name: taken once, and once refused");
    authn('OK', $requests);
    authn('NONCE_REPLAYED', $requests);
    return;
}

# What depends on which client was free: asked of the server, and bounded.
sub who_came {
    my ($name) = @_;
    my $value = metrics()->{value};
    my %new;
    for my $series ('gba_authentications_total{result="NO_CREDENTIALS"}', 'gba_challenges_total{stale="false"}') {
        $new{ $value->{$series} - ($want{$series} // 0) }++;
        $want{$series} = $value->{$series};
    }
    my ($came) = keys %new;
    ok(keys %new == 1 && $came >= 1 && $came <= $clients, "$name: $came clients came, each challenged once");
    for my $series ('gba_lookups_total{result="OK"}', 'gba_lookup_duration_seconds_count') {
        my $asked = $value->{$series} - ($want{$series} // 0);
        ok($asked >= 0 && $asked <= $came, "$name: $series: each UE is looked up at most once");
        $want{$series} = $value->{$series};
    }
    return;
}

# ---- restarts ----

# An old keeper signs the ends of its chains when it goes, which is a job more if it has decided something.
sub old_keeper_gone {
    my ($has_decided) = @_;
    my $until = time + 20;
    my $path  = $server->dir;
    my $keepers = sub {
        return scalar grep { (eval { slurp("$_/comm") } // '') eq "gba-keeper\n" && index(eval { slurp("$_/cmdline") } // '', $path) >= 0 } glob '/proc/[0-9]*';
    };
    sleep 0.1 until $keepers->() == 1 || time > $until;
    is($keepers->(), 1, 'one keeper is left');
    count_job() if $has_decided;
    return;
}

# While the crowd is at it. How often it was sent, until the next generation answered.
sub crowd_over_restart {
    my ($name, $generation) = @_;
    my ($rounds, $until) = (0, time + 30);
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        sleep 0.05;
        kill 'USR1', $server->pid;
        POSIX::_exit(0);
    }
    do {
        crowd($name);
        who_came($name);
        $rounds++;
    } until metrics()->{value}{gba_generation} == $generation || time > $until;
    waitpid $pid, 0;
    old_keeper_gone(1);
    return $rounds;
}

for my $mpm ($ENV{GBA_MPM} || qw(event worker prefork)) {
    (%want, %known) = ();
    $server = GBA::Server->start(mpm => $mpm, children => 3, threads => 4, conf => $conf, modules => [qw(include authz_host)],
        subscribers => \@members, log_level => 'warn include:crit authz_core:crit');
    my $log = GBA::Log->watch($server->error_log);
    my @kinds = qw(GBA0420 GBA0518 GBA0644 GBA0644 GBA0644 GBA0652 GBA0662);
    my @crowd = ('GBA0420') x $requests;

    my $metrics = told("$mpm: at first");
    is($metrics->{value}{gba_generation}, 1, "$mpm: the first generation");
    all_kinds();
    told("$mpm: each kind once");
    tells_of_nobody("$mpm: each kind once");
    count_job();    # that of ?health
    $log->holds("$mpm: each kind once", @kinds);

    crowd("$mpm: many at once");
    who_came("$mpm: many at once");
    told("$mpm: many at once");
    my %pids = map { $_ => 1 } slurp($server->access_log) =~ /^([0-9]+) 200 crowd$/mg;
    cmp_ok(scalar(keys %pids), '>=', 2, "$mpm: several children served them");

    $server->graceful;
    old_keeper_gone(1);
    $metrics = told("$mpm: after a graceful restart: nothing is lost");
    is($metrics->{value}{gba_generation}, 2, "$mpm: the second generation");
    all_kinds();
    told("$mpm: and counting goes on");
    $log->holds("$mpm: restarted", 'GBA0616', @crowd, @kinds);

    my $rounds = crowd_over_restart("$mpm: many at once over a graceful restart", 3);
    $metrics = told("$mpm: many at once over a graceful restart");
    is($metrics->{value}{gba_generation}, 3, "$mpm: the third generation");
    $server->restart;
    old_keeper_gone(0);
    $metrics = told("$mpm: after a hard restart: nothing is lost");
    is($metrics->{value}{gba_generation}, 4, "$mpm: the fourth generation");
    $server->stop;
    $log->finish('GBA0616', 'GBA0616', map { @crowd } 1 .. $rounds);
}

done_testing;
