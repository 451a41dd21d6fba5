#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# gba-status as a handler: who may see it, in which forms, by which methods; and ?health, which is
# right when all is well, when the keeper is dead or hangs, when a ledger cannot be written or has no
# room, and when there is nothing that could be wrong.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use JSON::PP ();
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);
use GBA::CA qw(make_ca new_key openssl pkcs10 subscriber);
use GBA::HTTP;
use GBA::Keeper;
use GBA::Log;
use GBA::Prometheus;
use GBA::Server;
use GBA::Site qw(site slurp spew);
use GBA::UE;

my $site = site();
my $ca   = "$site->{top}/run/second-ca.pem";
make_ca($ca, "$site->{top}/run/second-ca.key");
# Two pairs: the server's, and one by another CA in a section in a section.
my $conf = <<"END";
<Location "/status">
    SetHandler gba-status
    Require ip 127.0.0.1
</Location>
<Location "/closed-status">
    SetHandler gba-status
    Require ip 192.0.2.1
</Location>
<Location "/ue-status">
    SetHandler gba-status
    AuthType GBA
    Require valid-user
</Location>
<Directory "/nowhere">
    <Files "x">
        GBAIssuer "$ca" "$site->{top}/run/second-ca.key"
    </Files>
</Directory>
END
my $server = GBA::Server->start(children => 2, conf => $conf, modules => ['authz_host'], log_level => 'warn');
my $log    = GBA::Log->watch($server->error_log);

sub ask {
    my ($method, $target, @fields) = @_;
    my $http = GBA::HTTP->connect($server->port);
    $http->send(join "\r\n", "$method $target HTTP/1.1", 'Host: pkiportal.home1.net', 'Connection: close', @fields, '', '');
    return $http->receive($method);
}
sub field { my ($response, $name) = @_; return join '|', GBA::HTTP::field($response, $name) }

# ---- the reader reads strictly ----
my $counter = "# HELP a_total A.\n# TYPE a_total counter\n";
my $buckets = "# HELP h H.\n# TYPE h histogram\n";
my $good    = $counter . qq(a_total{x="1"} 1\n) . $buckets . qq(h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\n);
ok(eval { GBA::Prometheus::parse($good) }, 'the reader takes what is right') or diag($@);
for my $row (
    ['a sample without TYPE' => 'b 1'], ['a sample twice' => $counter . "a_total 1\na_total 1"],
    ['a TYPE without HELP' => '# TYPE a_total counter'], ['a HELP twice' => "$counter$counter"],
    ['counts that fall' => $good =~ s/(le="1"\}) 1/$1 3/r], ['a last bucket that is not the count' => $good =~ s/h_count 2/h_count 3/r],
    ['no bucket for all' => $good =~ s/.*Inf.*\n//r], ['no sum' => $good =~ s/h_sum.*\n//r],
    ['a counter below 0' => "${counter}a_total -1"], ['a label without quotes' => "${counter}a_total{x=1} 1"],
    ['an empty line' => "$good\n"], ['no new-line' => "$good# HELP"],
) {
    my ($name, $bad) = @$row;
    $bad .= "\n" unless $bad =~ /\n\z/ || $name eq 'no new-line';
    ok(!eval { GBA::Prometheus::parse($bad) }, "the reader refuses $name");
}

# ---- forms ----
my $text = 'text/plain; version=0.0.4; charset=utf-8';
for my $row (
    ['?prometheus', $text], ['?json', 'application/json'], ['', $text],
    ['', $text, 'Accept: */*'], ['', 'application/json', 'Accept: application/json'],
    ['', 'application/json', 'Accept: text/html', 'Accept: Application/JSON;q=0.5'],
    ['', $text, 'Accept: application/json;q=0.5, text/plain;version=0.0.4'],
    ['', $text, 'Accept: application/jsonx'], ['?prometheus', $text, 'Accept: application/json'],
    ['?json', 'application/json', 'Accept: text/plain'],
) {
    my ($query, $type, @fields) = @$row;
    my $name = join ' ', "/status$query", @fields;
    my $response = ask('GET', "/status$query", @fields);
    is($response->{status}, 200, "$name: 200");
    is(field($response, 'Content-Type'), $type, "$name: $type");
    is(field($response, 'Cache-Control'), 'no-store', "$name: is not stored");
    is(join('', map { field($response, $_) } qw(ETag Last-Modified Expires)), '', "$name: and has nothing for caches");
    is(field($response, 'Authentication-Info'), '', "$name: and not protected: nobody authenticated");
    if ($type eq $text) { ok(eval { GBA::Prometheus::parse($response->{body}) }, "$name: well-formed") or diag($@) }
    else                { ok(eval { JSON::PP::decode_json($response->{body}) }, "$name: well-formed") or diag($@) }
}
my $json = JSON::PP::decode_json(ask('GET', '/status?json')->{body});
my $told = GBA::Prometheus::parse(ask('GET', '/status')->{body});
is_deeply([sort keys %$json], [sort @{ $told->{names} }], 'both tell of the same');
is_deeply({ map { $_ => $json->{$_}{type} } keys %$json }, $told->{type}, 'by the same types');

# ---- what is told of the server ----
my ($end) = openssl(slurp($site->{ca}), qw(x509 -noout -enddate -dateopt iso_8601)) =~ /notAfter=(.*?)\n/;
my ($y, $m, $d, $H, $M, $S) = $end =~ /([0-9]+)/g;
require Time::Local;
is($told->{value}{'gba_ca_not_after_timestamp_seconds{ca="1",file="ca.pem"}'}, Time::Local::timegm($S, $M, $H, $d, $m - 1, $y), 'the end of the CA, as openssl reads it');
ok($told->{value}{'gba_ca_not_after_timestamp_seconds{ca="2",file="second-ca.pem"}'} > time, 'and of the other');
is($told->{value}{'gba_ledger_up{ledger="1",file="ledger.db"}'}, 1, 'the ledger is up');
is($told->{value}{gba_associations_capacity}, 16384, 'room for associations: the default');
is($told->{value}{gba_associations}, 0, 'none is there yet');
like(join(' ', keys %{ $told->{value} }), qr/gba_build_info\{version="[0-9]+\.[0-9]+\.[0-9]+[^"]*"\}/, 'the version');

# ---- methods, queries, strangers ----
for my $query ('', '?json', '?health') {
    my $get  = ask('GET', "/status$query");
    my $head = ask('HEAD', "/status$query");
    is($head->{status}, 200, "HEAD$query");
    is($head->{body}, '', "HEAD$query: no body");
    is(field($head, 'Content-Type'), field($get, 'Content-Type'), "HEAD$query: as GET");
}
for my $method (qw(POST PUT DELETE OPTIONS PATCH)) {
    my $response = ask($method, '/status', 'Content-Length: 0');
    is($response->{status}, 405, "$method: 405");
    is(join(',', sort grep { !/TRACE|OPTIONS/ } split /[, ]+/, field($response, 'Allow')), 'GET,HEAD', "$method: what is allowed");
}
is(ask('GET', "/status?$_")->{status}, 400, "?$_: 400") for qw(Json health=1 x jsonx);
is(ask('GET', "/closed-status$_")->{status}, 403, "refused by Require$_") for '', '?json', '?health';
my $ue = GBA::UE->new(subscriber('both'), port => $server->port);
my $mine = $ue->request('GET', '/ue-status?json');
is("$mine->{status} $mine->{protected}", '200 1', 'behind AuthType GBA: protected like everything there');
is(ask('GET', '/ue-status')->{status}, 401, 'and for UEs only');
$told = GBA::Prometheus::parse(ask('GET', '/status')->{body});
is($told->{value}{gba_associations}, 1, 'an association is there');
$log->holds('none of that is worth a word', ('AH01630') x 3);

# ---- health ----
sub health {
    my $response = ask('GET', '/status?health');
    my $body = eval { JSON::PP::decode_json($response->{body}) } || {};
    my $pairs = join ' ', map { "$_->{ca_file}:$_->{ledger_file}:" . ($_->{ok} ? 'ok' : $_->{result}) } @{ $body->{pairs} || [] };
    return ("$response->{status} " . ($body->{ok} ? 'ok' : 'not ok'), $pairs, $response);
}

# The file's name may stand in the answer, its folders may not.
sub is_ill {
    my ($name, $ill) = @_;
    my ($status, $pairs, $response) = health();
    is($status, '503 not ok', "$name: 503");
    is($pairs, $ill, "$name: and which");
    is(field($response, 'Retry-After'), 30, "$name: come again");
    is(field($response, 'Cache-Control'), 'no-store', "$name: not stored");
    unlike($response->{body}, qr{/}, "$name: no path");
    return;
}

sub waits_for {
    my ($name, $wanted) = @_;
    my $until = time + 20;
    sleep 0.1 until $wanted->() || time > $until;
    return ok($wanted->(), $name);
}

sub keepers {
    return grep { (eval { slurp("/proc/$_/comm") } // '') eq "gba-keeper\n" && index(eval { slurp("/proc/$_/cmdline") } // '', $server->dir) >= 0 }
        map { m{([0-9]+)/comm} } glob '/proc/[0-9]*/comm';
}

my $both = 'ca.pem:ledger.db:ok second-ca.pem:ledger.db:ok';
my $none = 'ca.pem:ledger.db:STORE_DOWN second-ca.pem:ledger.db:STORE_DOWN';
is(join(' ', (health())[0, 1]), "200 ok $both", 'all is well, for both CAs');
my $before = GBA::Prometheus::parse(ask('GET', '/status')->{body});
health();
my $after = GBA::Prometheus::parse(ask('GET', '/status')->{body});
is($after->{value}{gba_commit_jobs_sum} - $before->{value}{gba_commit_jobs_sum}, 2, 'each examination wrote, once for each pair');
is($after->{value}{gba_sign_duration_seconds_count}, 0, 'but signed no certificate');

# ---- the keeper is dead ----
my ($keeper) = keepers();
my ($warden) = slurp("/proc/$keeper/status") =~ /^PPid:\s*([0-9]+)/m;
kill 'STOP', $warden;
kill 'KILL', $keeper;
waits_for('the keeper is gone', sub { !grep { slurp("/proc/$_/stat") !~ / Z / } keepers() });
is_ill('no keeper', $none);
is($ue->request('POST', '/enrol', type => 'application/x-pkcs10', body => pkcs10(new_key('EC', 'P-256')))->{status}, 503, 'nor can a UE enrol');
kill 'CONT', $warden;
waits_for('a new keeper: well again', sub { (health())[0] eq '200 ok' });
my $restarted = GBA::Prometheus::parse(ask('GET', '/status')->{body});
is($restarted->{value}{gba_keeper_restarts_total}, 1, 'and the restart was counted');
is($restarted->{value}{'gba_failures_total{result="STORE_DOWN"}'}, 1, 'as was the UE that came in vain');
my @said = $log->look;
is(scalar(grep { /GBA0720/ } @said), 1, 'the log has its end');
ok(scalar(grep { /GBA052[0-9]: health: STORE_DOWN: CA \S+\/second-ca\.pem, ledger \S+\/ledger\.db: / } @said), 'and what failed, with the paths');
is(scalar(grep { GBA::Log::is_loud($_) && !/GBA0720|GBA052[02]/ } @said), 0, 'and nothing else') or diag(@said);

# ---- the keeper hangs ----
# A child waits 10 seconds for an answer, and then asks for no other pair.
($keeper) = keepers();
ok(GBA::Keeper::stand_still($keeper), 'it stands still');
my $asked = time;
is_ill('a keeper that hangs', $none);
my $took = time - $asked;
cmp_ok($took, '<', 15, 'told within the deadline of one question, whatever the number of pairs');
kill 'CONT', $keeper;
waits_for('it goes on: well again', sub { (health())[0] eq '200 ok' });
is(join(' ', keepers()), $keeper, 'the same keeper');
@said = $log->look;
is(scalar(grep { /GBA0523: health: STORE_DOWN: CA \S+\/ca\.pem, / } @said), 1, 'the log has the one that was late');
is(scalar(grep { /GBA1606: health: STORE_DOWN: CA \S+\/second-ca\.pem, / } @said), 1, 'and the one that was not asked');
is(scalar(grep { GBA::Log::is_loud($_) && !/GBA0523|GBA1606/ } @said), 0, 'and nothing else') or diag(@said);

# ---- there is no room for the ledger ----
# No file of the keeper may grow: what a full disk is to it. Its own user may say so.
sub grow {
    my ($size) = @_;
    my ($uid, $gid) = map { slurp("/proc/$keeper/status") =~ /^$_:\s*([0-9]+)/m } qw(Uid Gid);
    my $pid = fork // die "fork: $!\n";
    return waitpid($pid, 0) && $? if $pid;
    ($(, $)) = ($gid, "$gid $gid") if $> == 0;
    ($<, $>) = ($uid, $uid) if $> == 0;
    exec 'prlimit', "--pid=$keeper", "--fsize=$size:" or POSIX::_exit(1);
}
SKIP: {
    skip 'no prlimit', 11 if system('prlimit --version >/dev/null 2>&1');
    is(grow(1), 0, 'no file may grow');
    is_ill('no room', $none);
    is(GBA::Prometheus::parse(ask('GET', '/status')->{body})->{value}{'gba_ledger_up{ledger="1",file="ledger.db"}'}, 0, 'no room: the ledger is down');
    is(grow('unlimited'), 0, 'files may grow again');
    waits_for('room again: well again', sub { (health())[0] eq '200 ok' });
    is(GBA::Prometheus::parse(ask('GET', '/status')->{body})->{value}{'gba_ledger_up{ledger="1",file="ledger.db"}'}, 1, 'room again: the ledger is up');
    is(join(' ', keepers()), $keeper, 'by the same keeper');
    @said = $log->look;
    is(scalar(grep { GBA::Log::is_loud($_) && !/: health: STORE_DOWN: / } @said), 0, 'and the log has nothing else') or diag(@said);
}

# ---- the ledger cannot be written ----
# Put in its place: the same, read-only, of somebody else where that can be.
my $ledger = $server->dir . '/ledger/ledger.db';
rename $ledger, "$ledger.aside" or die "$ledger: $!\n";
spew($ledger, slurp("$ledger.aside"), 0444);
is_ill('a ledger that cannot be written', $none);
is(GBA::Prometheus::parse(ask('GET', '/status')->{body})->{value}{'gba_ledger_up{ledger="1",file="ledger.db"}'}, 0, 'the ledger is down');
unlink $ledger;
is_ill('no ledger at all', $none);
rename "$ledger.aside", $ledger or die "$ledger: $!\n";
waits_for('put back: well again', sub { (health())[0] eq '200 ok' });
is(GBA::Prometheus::parse(ask('GET', '/status')->{body})->{value}{'gba_ledger_up{ledger="1",file="ledger.db"}'}, 1, 'the ledger is up');
@said = $log->look;
ok(scalar(grep { /health: STORE_DOWN/ } @said), 'the log says what failed');
is(scalar(grep { GBA::Log::is_loud($_) && !/: health: STORE_DOWN: / } @said), 0, 'and nothing else') or diag(@said);
$server->stop;
$log->finish;

# ---- a server that has nothing but its status ----
{
    package Bare;
    our @ISA = ('GBA::Server');
    sub configuration {
        my ($self) = @_;
        my $text = $self->SUPER::configuration;
        $text =~ s/^GBA.*\n//mg;
        $text =~ s/^<Location(?:Match)? "[^"]*(?:docs|enrol)[^"]*">.*?^<\/Location(?:Match)?>\n//msg;
        return $text;
    }
}
$server = Bare->start(children => 2, modules => ['authz_host'], conf => <<'END');
<Location "/status">
    SetHandler gba-status
    Require ip 127.0.0.1
</Location>
END
unlike(slurp($server->dir . '/httpd.conf'), qr/^\s*GBA/m, 'a server without one of our directives');
ok(!keepers(), 'has no keeper');
my $log_of_bare = slurp($server->error_log);
like($log_of_bare, qr/GBA1605: /, 'is warned that there is nothing to watch');
is(scalar(grep { GBA::Log::is_loud($_) && !/GBA1605/ } split /^/, $log_of_bare), 0, 'of that alone');
$told = eval { GBA::Prometheus::parse(ask('GET', '/status')->{body}) };
is($told->{value}{gba_generation}, 1, 'and tells its status');
is(join('', (health())[0, 1]), '200 ok', 'nothing can be wrong');
$server->stop;

# ---- a server that only authenticates: without its keeper nobody new can ----
{
    package Verifier;
    our @ISA = ('GBA::Server');
    sub configuration {
        my ($self) = @_;
        my $text = $self->SUPER::configuration;
        $text =~ s/^GBA(?:Issuer|Ledger).*\n//mg;
        $text =~ s/^<Location "\/enrol">.*?^<\/Location>\n//msg;
        return $text;
    }
}
$server = Verifier->start(children => 1, modules => ['authz_host'], log_level => 'warn', conf => <<'END');
<Location "/status">
    SetHandler gba-status
    Require ip 127.0.0.1
</Location>
END
$log = GBA::Log->watch($server->error_log);
is(join('', (health())[0, 1]), '200 ok', 'a key source alone: well');
is(ask('GET', '/status?health')->{body}, qq({"ok":true,"keeper":true,"pairs":[]}\n), 'since the keeper answers');
($warden) = GBA::Keeper->of($server)->processes('gba-warden');
kill 'STOP', $warden;
kill 'KILL', keepers();
waits_for('the keeper is dead', sub { !keepers() });
is_ill('a key source alone, and no keeper', '');
is(ask('GET', '/status?health')->{body}, qq({"ok":false,"keeper":false,"pairs":[]}\n), 'which is said');
kill 'CONT', $warden;
waits_for('another one comes: well again', sub { (health())[0] eq '200 ok' });
@said = $log->look;
ok(scalar(grep { /health: STORE_DOWN: the keeper: / } @said), 'the log says what failed');
is(scalar(grep { GBA::Log::is_loud($_) && !/: health: STORE_DOWN: |GBA0720/ } @said), 0, 'and nothing else') or diag(@said);
$server->stop;
$log->finish;

# ---- a CA that has ended: told when httpd starts, and whoever asks hears it ----
my $ended   = "$site->{top}/run/ended-ca.pem";
my $old_key = new_key('EC', 'P-256');
my $wish = openssl('', qw(req -new -subj /CN=ended -addext), 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign', '-key', "$old_key");
openssl($wish, qw(x509 -req -days -1 -copy_extensions copy -signkey), "$old_key", '-out', $ended);
$server = GBA::Server->start(children => 1, modules => ['authz_host'], log_level => 'warn', conf => <<"END");
<Location "/status">
    SetHandler gba-status
    Require ip 127.0.0.1
</Location>
<Location "/late">
    GBAIssuer "$ended" "$old_key"
</Location>
END
like(slurp($server->error_log), qr/GBA1850: .* GBAIssuer: \Q$ended\E holds from/, 'the log tells of a CA that has ended');
my $answer = ask('GET', '/status?health');
is($answer->{status}, 503, 'and ?health of its pair');
like($answer->{body}, qr/"ca_file":"ended-ca\.pem".*"result":"STORE_DOWN","tag":"GBA0532"/, 'with the reason');
like($answer->{body}, qr/"ca_file":"ca\.pem".*"ok":true/, 'the other is well');
$server->stop;

done_testing;
