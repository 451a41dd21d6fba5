#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Whose certificates are believed: with GBABsfCA, and with gba-ue's --cacert, those of that file alone,
# without the CAs of the host beside it. Skipped without nghttpx or a C compiler.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use JSON::PP ();
use Test::More;
use GBA::BSF;
use GBA::BSF::Front;
use GBA::BSF::Scene;
use GBA::HostCAs;
use GBA::Site qw(site spew);

my $ue  = "$ENV{GBA_BUILDDIR}/gba-ue";
my $why = GBA::BSF::Front::missing();
plan skip_all => $why if $why;
plan skip_all => 'sanitizers and valgrind must come first' if $ENV{GBA_HTTPD_WRAPPER} || $ENV{GBA_HTTPD_PRELOAD};
my $watch = GBA::HostCAs->watch or plan skip_all => 'no C compiler';
my $pki   = GBA::BSF::Front::pki(site()->{top} . '/run/authorities-pki');
my $bsf   = GBA::BSF->start;
my $front = GBA::BSF::Front->start($bsf, tls => $pki->{server});

# ---- the keeper ----
sub portal {
    my ($ca) = @_;
    my $address = $front->url;
    return GBA::BSF::Scene->start(bsf => $bsf, env => { LD_PRELOAD => $watch->library },
        sections => "<GBABsf home>\nGBABsfDomain *\nGBABsfAddress $address\n${ca}GBABsfTimeout 2s 6s\n</GBABsf>\n");
}
for my $row (
    ['GBABsfCA',            qq(GBABsfCA "$pki->{ca}.pem"\n), qr/\A\z/,    wanted => '200 protected', calls => 1],
    ["the host's own CAs", '',                               qr/\A\S+\z/, wanted => '503 retry 30', tags => [qr/\AGBA11[0-9]{2}\z/],
        says => qr/certificate|SSL|TLS/i, calls => 0],
) {
    my ($name, $ca, $seen, %told) = @$row;
    my $scene = portal($ca);
    $watch->seen;
    $scene->row($name, $scene->ask($scene->ue([1])), %told);
    like(join(' ', $watch->seen), $seen, "$name: folders of CAs");
    $scene->{server}->stop;
    $scene->log->finish;
}

# ---- the UE ----
# The BSF has no Ub; that it was heard is seen in that nothing is said of certificates.
SKIP: {
    skip 'gba-ue is not built, or has a sanitizer', 4 if !-x $ue || qx{ldd '$ue'} =~ /lib(?:a|t)san/;
    my $usim = site()->{tmp} . '/authorities-usim.json';
    spew($usim, JSON::PP::encode_json({ impi => 'alice@ims.home1.net', k => '0' x 32, opc => '0' x 32, sqn => '0' x 12 }), 0600);
    local $ENV{LD_PRELOAD} = $watch->library;
    my $url = $front->url . '/ub';
    my $out = qx{'$ue' bootstrap '$url' --usim '$usim' --cacert '$pki->{ca}.pem' 2>&1};
    unlike($out, qr/certificate/i, 'gba-ue --cacert: the BSF is believed');
    is(join(' ', $watch->seen), '', "and the host's own CAs are not");
    $out = qx{'$ue' bootstrap '$url' --usim '$usim' 2>&1};
    like($out, qr/certificate/i, 'gba-ue without it: the BSF is not');
    isnt(join(' ', $watch->seen), '', "and the host's own CAs would be");
    unlink $usim or die "$usim: $!\n";
}
done_testing;
