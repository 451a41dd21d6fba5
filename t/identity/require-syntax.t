#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Mistakes in `Require gba-uss` are found by httpd -t: with the line, the word, and what was expected.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Apache::Test ();
use File::Temp qw(tempdir);
use Test::More;
use GBA::Server;
use GBA::Site qw(site spew);

my $dir   = tempdir('syntax.XXXXXX', DIR => site()->{tmp}, CLEANUP => 1);
my $httpd = Apache::Test::vars()->{httpd};

sub check {
    my (@lines) = @_;
    my $file = spew("$dir/httpd.conf", join "\n", GBA::Server::load(qw(mpm_event unixd authn_core authz_core)) . <<"END", @lines, "</Location>\n");
LoadModule gba_pki_module "@{[ site()->{top} ]}/.libs/mod_gba_pki.so"
ServerName 127.0.0.1
ServerRoot "$dir"
ErrorLog "$dir/error_log"
GBALaboratory On
GBANafFqdn pkiportal.home1.net
GBAKeySource "file:@{[ site()->{keys} ]}"
<Location "/x">
AuthType GBA
END
    my $said = `'$httpd' -t -f '$file' 2>&1`;
    return ($? >> 8, $said);
}

for my $line ('Require gba-uss 1', 'Require gba-uss 0', 'Require gba-uss 1 1', 'Require gba-uss 4294967295 4294967295',
    'Require gba-uss 1 1 2 3 4 5 6 7 8 9', 'Require gba-uss "1" "2"', "<RequireAll>\nRequire all granted\nRequire not gba-uss 1\n</RequireAll>") {
    my ($status, $said) = check($line);
    is($status, 0, "$line: taken") or diag($said);
}

my @mistakes = (
    # line, the word that is told, the least number
    ['Require gba-uss',                  '',            0],
    ['Require gba-uss ""',               '',            0],
    ['Require gba-uss pki',              'pki',         0],
    ['Require gba-uss -1',               '-1',          0],
    ['Require gba-uss +1',               '+1',          0],
    ['Require gba-uss 1.0',              '1.0',         0],
    ['Require gba-uss 0x1',              '0x1',         0],
    ['Require gba-uss 4294967296',       '4294967296',  0],
    ['Require gba-uss 99999999999999999999999', '99999999999999999999999', 0],
    ['Require gba-uss 1 one',            'one',         1],
    ['Require gba-uss 1 1,2',            '1,2',         1],
    ['Require gba-uss 1 1 x',            'x',           1],
    ['Require gba-uss 1 4294967296',     '4294967296',  1],
    # It would let in whoever has any flag.
    ['Require gba-uss 1 0',              '0',           1],
    ['Require gba-uss 1 1 0',            '0',           1],
);
for my $row (@mistakes) {
    my ($line, $word, $least) = @$row;
    my ($status, $said) = check($line);
    isnt($status, 0, "$line: refused");
    like($said, qr/\bline [0-9]+ of \Q$dir\E\/httpd\.conf:/, "$line: with file and line");
    like($said, qr/Require gba-uss: '\Q$word\E' given, a number from $least to 4294967295 expected/, "$line: and what is wrong");
}
done_testing;
