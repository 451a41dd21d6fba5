#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What a BSF answers and what the UE is told then (TS 29.309 6.1.3, TS 33.220 4.5.3, TS 24.109 5.2.5): a
# UE bootstraps again if the BSF says, as problem+json, that it does not know the B-TID, and at nothing
# else. The log names the cause. Each request is valid by the OpenAPI file.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Test::More;
use Time::HiRes qw(time);
use GBA::BSF;
use GBA::BSF::Scene qw(outcome);
use GBA::BSF::Schema;

my $why = GBA::BSF::Schema::missing();
plan skip_all => $why if $why;

my $bsf    = GBA::BSF->start;
my $scene  = GBA::BSF::Scene->start(bsf => $bsf, section => "GBABsfTimeout 2s 4s\nGBABsfUnknownAlarm 100\n");
my $schema = GBA::BSF::Schema->new;

# Each row is a UE of its own, so that nothing is known of it; and after it the next UE is served.
sub row {
    my ($name, $answer, $wanted, %more) = @_;
    my $most = delete $more{most} // 1;
    my $ue   = $scene->ue([1]);
    $bsf->always_of($ue->{subscriber}, $answer);
    my $begun    = time;
    my $response = $scene->ask($ue);
    # A child would have given the keeper up after 10 seconds.
    cmp_ok(time - $begun, '<', 8, "$name: GBABsfTimeout holds");
    my $seen = $bsf->look;
    $scene->row($name, $response, wanted => $wanted, %more);
    my $calls = @{ $seen->{calls} };
    ok($calls >= 1 && $calls <= $most, "$name: look-ups") or diag($calls);
    is(join('; ', map { $schema->problems($_) } @{ $seen->{calls} }), '', "$name: the request is valid");
    return if $wanted =~ /\A200/;
    return $scene->goes_on($name);
}

# ---- 200 ----
my $good = '200 protected';
row('a right answer', {}, $good);
row('a media type with a parameter', { type => 'application/json; charset=utf-8' }, $good);
row('in chunks', { chunked => 1 }, $good);
row('slow, but in time', { delay => 1.2 }, $good);
row('members that nobody knows', { with => { another => { deep => [1, undef] } } }, $good);
row('a key and nothing else', { body => '{"meKeyMaterial":"%KEY%"}' }, $good);
row('and the connection ends', { close => 1 }, $good);

# ---- 404: the only one that makes a UE bootstrap ----
my $unknown = '401 bootstrap';
my $down    = '503 retry 30';
my $failed  = [qr/\AGBA11[0-9]{2}\z/];
my $problem = 'application/problem+json';
row('404, problem+json', { status => 404, cause => 'CONTEXT_NOT_FOUND' }, $unknown, tags => $failed);
row('404, problem+json with a parameter', { status => 404, type => "$problem; charset=utf-8" }, $unknown, tags => $failed);
row('404, another spelling of the type', { status => 404, type => 'Application/Problem+JSON' }, $unknown, tags => $failed);
row('404, no such path', { status => 404, cause => 'RESOURCE_URI_STRUCTURE_NOT_FOUND' }, $down, tags => $failed, says => qr/404.*RESOURCE_URI_STRUCTURE_NOT_FOUND/);
row('404, an HTML page', { status => 404, type => 'text/html', body => '<p>no such page' }, $down, tags => $failed, says => qr/404/);
row('404, application/json', { status => 404, type => 'application/json' }, $down, tags => $failed, says => qr/404/);
row('404, no type', { status => 404, type => undef }, $down, tags => $failed, says => qr/404/);
row('404, a type that starts alike', { status => 404, type => "$problem-seq" }, $down, tags => $failed, says => qr/404/);

# ---- 403, 429, 503 ----
row('403', { status => 403, cause => 'USER_NOT_ALLOWED' }, '403', tags => $failed, says => qr/403.*USER_NOT_ALLOWED/);
row('403, an HTML page', { status => 403, type => 'text/html', body => 'no' }, '403', tags => $failed, says => qr/403/);
row('429', { status => 429, cause => 'NF_CONGESTION', fields => [['Retry-After', 7]] }, '503 retry 7', tags => $failed, says => qr/429.*NF_CONGESTION/);
row('503', { status => 503, cause => 'NF_CONGESTION', fields => [['Retry-After', 11]] }, '503 retry 11', tags => $failed, says => qr/503.*NF_CONGESTION/);
row('429 without Retry-After', { status => 429 }, $down, tags => $failed, says => qr/429/);
row('503 without Retry-After', { status => 503 }, $down, tags => $failed, says => qr/503/);
row('a Retry-After that is none', { status => 503, fields => [['Retry-After', 'soon']] }, $down, tags => $failed);
row('a Retry-After of a week', { status => 503, fields => [['Retry-After', 604800]] }, '503 retry 3600', tags => $failed);
row('a Retry-After below 0', { status => 503, fields => [['Retry-After', '-5']] }, $down, tags => $failed);

# ---- other statuses ----
for my $status (201, 204, 206, 300 .. 305, 400, 401, 402, 405, 406, 411, 413, 415, 418, 500, 501, 502, 504, 599) {
    row($status, { status => $status, cause => "CAUSE_$status", $status == 204 ? (body => '', type => undef) : () }, $down,
        tags => $failed, says => qr/\b$status\b/);
}
row('307 without Location', { status => 307 }, $down, tags => $failed, says => qr/a redirect/);
row('308 to a host that is not configured', { status => 308, fields => [['Location', 'http://127.0.0.2:9/x']] }, $down,
    tags => $failed, says => qr/127\.0\.0\.2/);

# ---- a cause is text from elsewhere ----
row('a cause with control octets', { status => 500, type => $problem, body => '{"cause":"A\n[x] GBA0001: B\u001b[0m"}' }, $down,
    tags => $failed, says => qr/500/);
row('a long cause', { status => 500, type => $problem, body => ['{"cause":"', ['x', 60000], '"}'] }, $down, tags => $failed, says => qr/500/);
row('a cause that is no text', { status => 500, type => $problem, body => '{"cause":[1]}' }, $down, tags => $failed, says => qr/500/);
row('a problem that is no JSON', { status => 500, type => $problem, body => '<p>' }, $down, tags => $failed, says => qr/500/);

# ---- not HTTP as it should be: once more over a new connection, in case the old one was stale ----
row('too slow', { delay => 9 }, $down, tags => $failed);
row('no answer', { hang => 1 }, $down, tags => $failed);
row('an endless trickle', { chunked => 1, drip => 1.4 }, $down, tags => $failed);
row('half a head', { cut => 20 }, $down, most => 2, tags => $failed);
row('half a body', { cut => 200 }, $down, most => 2, tags => $failed);
row('no HTTP', { octets => "SSH-2.0-x\r\n", cut => 100 }, $down, most => 2, tags => $failed);
row('HTTP/0.9', { octets => '{"meKeyMaterial":"%KEY%"}', cut => 100 }, $down, most => 2, tags => $failed);
row('a broken chunk', { octets => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", cut => 200 }, $down, most => 2, tags => $failed);
row('an endless head', { octets => "HTTP/1.1 200 OK\r\n" . "X-Field: 1234567890\r\n" x 20000, cut => 500000 }, $down, most => 2, tags => $failed);
row('10 MB', { body => ['{"x":"', ['x', 10 * 1024 * 1024], '"}'] }, $down, tags => $failed);
row('10 MB that are not announced', { chunked => 1, body => ['{"x":"', ['x', 10 * 1024 * 1024], '"}'] }, $down, tags => $failed);
row('10 MB of a 403', { status => 403, type => 'text/html', body => [['x', 10 * 1024 * 1024]] }, '403', tags => $failed);
row('nothing in it', { body => '' }, $down, tags => ['GBA0202'], says => qr/no JSON/);
row('another media type', { type => 'text/html' }, $down, tags => $failed, says => qr{text/html});
row('no media type', { type => undef }, $down, tags => $failed);

# A BSF that has answered nothing right is asked again when it does; known UEs were never concerned.
$scene->finish;

# ---- a BSF that has lost its data, or a portal that asks for the wrong NAF_Id ----
{
    my $lost  = GBA::BSF->start;
    my $other = GBA::BSF::Scene->start(bsf => $lost, section => "GBABsfTimeout 2s 4s\n");
    my $alarm = sub {
        my ($known, $unknown) = @_;
        my @ues = ((map { $other->ue([1]) } 1 .. $known), map { my $ue = $other->ue([1]); $lost->forget($ue->{subscriber}); $ue } 1 .. $unknown);
        $other->ask($_) for @ues;
        return grep { /GBA1163/ } $other->log->look;
    };
    is(scalar($alarm->(12, 0)), 0, 'B-TIDs that are known say nothing');
    is(scalar($alarm->(0, 12)), 0, 'nor do as many unknown ones');
    my @lines = $alarm->(0, 1);
    is(scalar(@lines), 1, 'more than half of many are an error');
    like($lines[0], qr/:error\].*GBA1163: .*BSF home does not know 13 of the 25 B-TIDs/, 'which says how many');
    is(scalar($alarm->(0, 10)), 0, 'and is told once');
    $other->finish;
}
done_testing;
