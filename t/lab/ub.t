#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Ub of the laboratory BSF against a UE that knows the standards alone (TS 24.109 clause 4, TS 33.102
# 6.3, RFC 3310): bootstrapping, wrong keys, replays, resynchronisation, restarts.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More;
use GBA::HTTP;
use GBA::LabServer;
use GBA::Log;
use GBA::Ub;

my $server = GBA::LabServer->start(alone => 1);
my @start  = grep { /GBA0909: .*laborator/ } split /^/, do { local (@ARGV, $/) = $server->error_log; <> };
is(scalar @start, 1, 'it says at its start that it is for laboratories');
my $log   = GBA::Log->watch($server->error_log);
my $alice = GBA::Ub->new($server->usim('alice'));

# ---- success ----
my $first = $alice->first;
is($first->{status}, 401, 'a UE that names itself is challenged');
like(GBA::HTTP::field($first, 'X-GBA-Laboratory'), qr/laboratories/, 'by a BSF that says in each answer what it is for');
my $challenge = $first->{challenge};
ok($challenge, 'in the one spelling that UEs are known to survive');
is($challenge->{realm}, 'bsf.home1.net', 'the realm is the BSF (TS 24.109 4.2)');
is(length $challenge->{autn}, 16, 'the nonce is RAND and AUTN (RFC 3310 3.2)');
is($alice->judge($challenge), 'ok', 'the USIM knows the network by its AUTN');
my $response = $alice->answer($challenge);
is($alice->complaint($response), undef, 'a right answer: 200, its document verified by rspauth');
my %document = $alice->read_document($response->{body});
is($document{btid}, encode_base64($challenge->{rand}, '') . '@bsf.home1.net', 'the B-TID (TS 33.220 4.5.2)');
is($document{currenttime}, undef, 'no Extension unless it is asked for');
$log->holds('bootstrapped', 'GBA0923');
my %btid;
for my $name (qw(alice bob carol)) {
    my $ue = $name eq 'alice' ? $alice : GBA::Ub->new($server->usim($name), sqn => $name eq 'bob' ? 0x1000 : 0);
    my $keys = eval { $ue->bootstrap };
    ok($keys, "$name bootstraps") or diag($@);
    is($ue->rounds, 2, 'in two requests');
    ok(!$btid{ $keys->{btid} }++, 'with a B-TID of its own');
}
$log->holds('three times', ('GBA0923') x 3);
my $bob = GBA::Ub->new($server->usim('bob'), sqn => 0x1000);
is(unpack('H*', substr $bob->first->{challenge}{autn}, 6, 2), '725c', 'AMF is the file\'s');

# ---- once ----
my $again = $alice->answer($challenge);
is($again->{status}, 401, 'an answer to the same challenge again');
ok($again->{challenge} && $again->{challenge}{nonce} ne $challenge->{nonce}, 'gets another challenge');
is(GBA::HTTP::field($again, 'Authentication-Info'), undef, 'and nothing that only the right BSF knows');
$log->holds('logged', 'GBA0925');

# ---- wrong ----
my $wrong = $alice->answer($again->{challenge}, res => 'x' x 8);
is($wrong->{status}, 401, 'a wrong RES: challenged anew');
$log->holds('logged', 'GBA0924');
is($alice->answer($again->{challenge})->{status}, 401, 'and the old challenge is void for the right RES too');
$log->holds('logged', 'GBA0925');
my $stranger = GBA::Ub->new($server->usim('alice'), k => 'ff' x 16);
my $theirs = $stranger->first->{challenge};
is($stranger->judge($theirs), 'mac', 'who has another K knows that this is not his network');
is($stranger->answer($theirs)->{status}, 401, 'and is not known by it');
is(eval { $stranger->bootstrap } // $@, "the network is not who it says: mac\n", 'nor does he go on');
$log->holds('logged', 'GBA0924');
$challenge = $alice->first->{challenge};
my $carol = GBA::Ub->new($server->usim('carol'));
is($carol->answer($challenge)->{status}, 401, 'another subscriber\'s challenge is nobody else\'s');
is($alice->answer($alice->first->{challenge}, realm => 'bsf.home2.net')->{status}, 401, 'another realm');
$log->holds('logged', ('GBA0925') x 2);

# ---- malformed ----
my $nonce = encode_base64('x' x 32, '');
my @refused = (
    ['no Authorization', 'GBA0191', sub { $alice->request('GET', '/ub') }],
    ['Basic', 'GBA0191', sub { $alice->request('GET', '/ub', 'Authorization: Basic eDp5') }],
    ['two of them', 'GBA0191', sub { $alice->request('GET', '/ub', ('Authorization: Digest username="a", realm="r", nonce="", uri="/", response=""') x 2) }],
    ['MD5', 'GBA0192', sub { $alice->request('GET', '/ub', qq(Authorization: Digest username="a", realm="r", nonce="$nonce", uri="/ub", algorithm=MD5, response="@{['0' x 32]}", qop=auth-int, nc=00000001, cnonce="c")) }],
    ['a short response', 'GBA0193', sub { $alice->answer($alice->first->{challenge}, response => '00') }],
    ['qop=auth', 'GBA0194', sub { $alice->answer($alice->first->{challenge}, qop => 'auth') }],
    ['a uri that is not the target', 'GBA0928', sub { $alice->answer($alice->first->{challenge}, uri => '/') }],
);
for my $row (@refused) {
    my ($name, $tag, $do) = @$row;
    is($do->()->{status}, 400, "$name: 400");
    $log->holds($name, $tag);
}
is($alice->request('GET', '/ub', 'Content-Length: 1')->{status}, 400, 'a body: 400');
for my $method (qw(POST HEAD PUT)) {
    my $other = $alice->request($method, '/ub', 'Content-Length: 0');
    is("$other->{status} " . GBA::HTTP::field($other, 'Allow'), '405 GET', "$method: 405, and what is allowed");
}

# ---- resynchronisation (TS 33.102 6.3.5) ----
$alice = GBA::Ub->new($server->usim('alice'), sqn => 5000 << 5);
my $keys = eval { $alice->bootstrap };
ok($keys, 'a USIM that is ahead of the BSF resynchronises') or diag($@);
is($alice->rounds, 3, 'in one more request');
is($alice->sqn >> 5, 5001, 'the BSF went on from where the USIM was');
$log->holds('resynchronised', qw(GBA0922 GBA0923));
is(eval { $alice->bootstrap; $alice->rounds }, 2, 'and stays there');
$challenge = $alice->first->{challenge};
$alice->{sqn} = 9000 << 5;
is($alice->resynchronise($challenge, auts => 'x' x 14)->{status}, 401, 'a wrong AUTS');
$alice->first;
is($alice->judge($alice->first->{challenge}), 'sqn', 'moves nothing');
ok($alice->heard >> 5 < 5100, 'at all');
my $old = $alice->first->{challenge};
is($alice->resynchronise($old, response => '0' x 32)->{status}, 401, 'nor does a right one beside a wrong response');
$alice->judge($alice->first->{challenge});
ok($alice->heard >> 5 < 5100, 'at all');
$log->holds('all told', qw(GBA0921 GBA0923 GBA0924));
$alice->{sqn} = 100 << 5;
is($alice->resynchronise($alice->first->{challenge})->{status}, 401, 'a USIM that is behind, within what it takes');
$alice->judge($alice->first->{challenge});
ok($alice->heard >> 5 > 5000, 'does not set the BSF back');
$log->holds('told', 'GBA0922');

# ---- who may not ----
is($alice->first(username => 'nobody@ims.home1.net')->{status}, 403, 'an unknown IMPI: 403');
is($alice->first(username => 'x' x 300)->{status}, 403, 'a long one too');
$log->holds('unknown', ('GBA0927') x 2);

# ---- the file ----
$challenge = $alice->first->{challenge};
$server->write_subscribers(alice => { blocked => JSON::PP::true });
is($alice->first->{status}, 403, 'blocked in the file, at once');
is($alice->answer($challenge)->{status}, 403, 'in the middle of it too');
ok(eval { $carol->bootstrap }, 'others go on');
is($alice->first->{status}, 403, 'whichever child answers') for 1 .. 6;
$server->write_subscribers;
is($alice->first->{status}, 401, 'and no more once the file says so') for 1 .. 6;
$log->holds('all told', qr/GBA0923/, ('GBA0926') x 8, (qr/GBA0904/) x $log->count('GBA0904'));

# ---- restarts ----
ok(eval { $alice->bootstrap }, 'before a restart');
my $before = $alice->sqn >> 5;
$challenge = $alice->first->{challenge};
$server->graceful;
$log->look;
is($alice->complaint($alice->answer($challenge)), undef, 'a challenge of before a graceful restart is answered after it');
is(eval { $alice->bootstrap; $alice->rounds }, 2, 'and no USIM has to resynchronise');
ok($alice->sqn >> 5 > $before, 'since SQN moved forward');
$log->holds('after the restart', ('GBA0923') x 2);
$server->restart;
$log->look;
is(eval { $alice->bootstrap; $alice->rounds }, 2, 'the same over a restart');
$log->finish('GBA0923');

# ---- a broken file: each child keeps what it read last, so that here there is one ----
my $single = GBA::LabServer->start(alone => 1, children => 1);
$log   = GBA::Log->watch($single->error_log);
$alice = GBA::Ub->new($single->usim('alice'));
$carol = GBA::Ub->new($single->usim('carol'));
$single->write_subscribers(alice => { blocked => JSON::PP::true });
is($alice->first->{status}, 403, 'blocked');
$log->holds('read again', qw(GBA0904 GBA0926));
my $zero = '0' x 32;
my @broken = (
    ['no JSON', '[{'], ['nothing', ''], ['an object', '{}'],
    ['an unknown member', qq([{"impi":"a","k":"$zero","opc":"$zero","block":true}])],
    ['a member twice', qq([{"impi":"a","k":"$zero","k":"$zero","opc":"$zero"}])],
    ['a short K', qq([{"impi":"a","k":"00","opc":"$zero"}])],
    ['OP and OPc', qq([{"impi":"a","k":"$zero","opc":"$zero","op":"$zero"}])],
    ['neither', qq([{"impi":"a","k":"$zero"}])],
    ['an IMPI twice', '[' . join(',', (qq({"impi":"a","k":"$zero","opc":"$zero"})) x 2) . ']'],
    ['settings without an identity', qq([{"impi":"a","k":"$zero","opc":"$zero","ussList":[{"uss":{"gsId":1,"gsType":1}}]}])],
);
for my $row (@broken) {
    my ($name, $text) = @$row;
    $single->write_text($text);
    is($alice->first->{status}, 403, "$name in the file: who was blocked stays blocked") for 1 .. 2;
    ok(eval { $carol->bootstrap }, 'and the others go on');
    $log->holds('an error, once', qw(GBA0903 GBA0926 GBA0926 GBA0923));
}
unlink $single->file or die $single->file . ": $!\n";
is($alice->first->{status}, 403, 'no file at all: the same') for 1 .. 2;
$log->holds('an error, once', qw(GBA0903 GBA0926 GBA0926));
$single->write_subscribers;
chmod 0644, $single->file;
is($alice->first->{status}, 403, 'a file that everybody may read: the same');
$log->holds('an error', qw(GBA0903 GBA0926));
chmod 0600, $single->file;
ok(eval { $alice->bootstrap }, 'it is right again, and so is she');
$log->finish(qw(GBA0904 GBA0923));

# ---- the directives for what the standards leave open, beside the portal, under prefork ----
my $other = GBA::LabServer->start(mpm => 'prefork', lab => "GBALabUnknownStatus 404\nGBALabCurrentTime On\nGBALabKeyLifetime 1h\n");
$log   = GBA::Log->watch($other->error_log);
$alice = GBA::Ub->new($other->usim('alice'));
$keys  = eval { $alice->bootstrap };
ok($keys, 'beside mod_gba_pki, under prefork') or diag($@);
like($keys->{currenttime}, qr/^\d{4}-/, 'with currenttime (TS 24.109 C.1)');
is($alice->first(username => 'nobody@ims.home1.net')->{status}, 404, 'an unknown IMPI: 404');
ok(eval { $alice->bootstrap; 1 } && $alice->rounds == 2, 'whichever child answers') for 1 .. 8;
$log->finish(qw(GBA0923 GBA0927), ('GBA0923') x 8);

done_testing;
