#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# docs/ue.md, for who makes a UE: its script by curl and a shell enrols and verifies, and believes no
# answer that is not the portal's; the values of its example are those of the vectors.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use File::Temp qw(tempdir);
use Test::More;
use GBA::CA qw(new_key pkcs10 subscriber vectors);
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site slurp spew);

my $page = slurp("$ENV{GBA_SRCDIR}/docs/ue.md");

# ---- the example ----
my ($first) = @{ vectors()->{ua_exchanges} };
my $example = $page =~ /^\| what \| value \(MD5\) \|\n(.*?)\n\n/ms ? $1 : '';
my %row     = $example =~ /^\| (.*?) \| (.*) \|$/mg;
is(scalar keys %row, 8, 'rows of the example');
is($row{username}, "`$first->{username_btid}`", 'username');
is($row{password}, "`$first->{password}`", 'password');
is($row{HA1}, "`$first->{request_steps}{ha1}`", 'HA1');
is($row{'nonce, nc, cnonce'}, join(', ', map { "`$first->{$_}`" } qw(nonce nc cnonce)), 'nonce, nc, cnonce');
is($row{'inner hash of the request'}, "H(`$first->{request_steps}{a2}`) = `$first->{request_steps}{ha2}`", 'A2 of the request');
is($row{response}, "`$first->{response}`", 'response');
is($row{'inner hash of the answer'}, "H(`$first->{reply_steps}{a2}`) = `$first->{reply_steps}{ha2}`", 'A2 of the answer');
is($row{rspauth}, "`$first->{rspauth}`", 'rspauth');

# ---- the script ----
SKIP: {
    for my $program (qw(curl openssl md5sum base64 perl)) {
        skip "$program is not installed", 1 unless grep { -x "$_/$program" } split /:/, $ENV{PATH} // '';
    }
    my $server = GBA::Server->start;
    my $log    = GBA::Log->watch($server->error_log);
    my $alpha  = subscriber('alpha');
    my $dir    = tempdir('by-hand.XXXXXX', DIR => site()->{tmp}, CLEANUP => 1);
    my ($script) = $page =~ /^```sh\n(.*?)^```/ms;
    my $port = $server->port;
    is($script =~ s{http://pkiportal\.home1\.net}{http://127.0.0.1:$port}g, 1, 'the script names the portal once');
    like($script, qr/\Q$alpha->{btId}\E/, 'and the B-TID of the vectors');
    my $key = new_key('EC', 'P-256');
    spew("$dir/ks_naf", "$alpha->{meKeyMaterial}\n", 0600);

    my $run = sub {
        my ($text, $request) = @_;
        spew("$dir/request.pem", $request);
        spew("$dir/script", "cd '$dir'\n$text");
        my $out = qx{env -i PATH='$ENV{PATH}' sh '$dir/script' 2>&1};
        return ($? >> 8, $out);
    };
    my ($status, $out) = $run->($script, pkcs10($key));
    is($status, 0, 'it ends well') or diag($out);
    like($out, qr/\A-----BEGIN CERTIFICATE-----\n.*-----END CERTIFICATE-----\n\z/s, 'it prints the certificate and nothing else');
    $log->holds('challenge, enrolled', qw(GBA0401 GBA0661));
    ($status, $out) = $run->($script, pkcs10($key, 'keyUsage=nonRepudiation'));
    is($status, 0, 'a refusal is the portal\'s too');
    like($out, qr/<meta name="gba-decision" content="refused; reason=USAGE_NOT_ALLOWED">/, 'with its reason');
    $log->holds('challenge, refused', qw(GBA0401 GBA0446));
    (my $tampered = $script) =~ s/^rspauth=/echo >>answer\nrspauth=/m;
    ($status, $out) = $run->($tampered, pkcs10($key));
    isnt($status, 0, 'one octet more, and it is believed no more');
    is($out, '', 'nothing is printed');
    $log->holds('challenge, enrolled again', qw(GBA0401 GBA0661));
    $server->stop;
    $log->holds('stopping');
    $log->finish;
}
done_testing;
