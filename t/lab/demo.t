#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# "./quickstart demo": what it shows is what happened. It checks each step itself and ends with an error
# otherwise; here its exit code, the order of what it prints, and that it leaves no key in it.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use File::Path qw(remove_tree);
use Test::More;
use GBA::Program;
use GBA::Site qw(slurp);

plan skip_all => 'openssl or cc is not installed' if grep { system("command -v $_ >/dev/null") } qw(openssl cc);
my $home = GBA::Program->home;
my $file = $home->file('out');
delete @ENV{qw(GBA_KS GBA_KS_NAF TMPDIR)};
my $status = system "bash '$ENV{GBA_SRCDIR}/quickstart' demo >'$file' 2>&1 </dev/null";
my $out = slurp($file);
is($status, 0, 'the demo comes to its end') or diag($out);
my ($dir) = $out =~ m{rm -r (/\S+/gba-demo\.\w+)};
BAIL_OUT('no folder named') unless $dir && -d $dir;

# What is printed, in this order.
my $bootstraps = 'Ub: .* Bootstrapping request.*AKA challenge.*AUTN verified.*Answer to the AKA challenge.*Bootstrapping completed.*BSF: rspauth verified';
my $asks = 'Table E\.3\.1-1.*401 challenge.*Authenticated enrolment request';
my $zn   = 'BootstrappingInfoRequest \(PKI portal to BSF\).*"gsIds":\[1\]';
my @step = (
    ['enrolled', "Subscriber 1 bootstraps.*$bootstraps.*$asks.*Subscriber certificate.*rspauth verified.*$zn.*200 BootstrappingInfoResponse"
        . '.*"ussList".*enrolled, exit code 0.*openssl verify -x509_strict accepts it'],
    ['refused', "Subscriber 2 bootstraps.*$bootstraps.*$asks.*Table E\\.4-1.*NO_USS.*rspauth verified.*$zn.*200 Boot.*refused, exit code 1"],
    ['tampered with', "changes one octet.*$asks.*Subscriber certificate.*HTTP/1\\.1 200.*VERIFICATION FAILED.*caught, exit code 4"],
    ['blocked', "blocked him meanwhile.*$asks.*Table E\\.4-1.*NOT_AUTHORISED.*rspauth verified.*$zn.*403 ProblemDetails.*SUBSCRIBER_BLOCKED.*refused, exit code 1"],
    ['recorded', 'permit=1 reason=NONE.*permit=0 reason=NO_USS.*permit=1 reason=NONE.*permit=0 reason=NOT_AUTHORISED'],
);
my @parts = split /^==> /m, $out;
for my $row (@step) {
    my ($name, $pattern) = @$row;
    is(scalar(grep { /$pattern/s } @parts), 1, "a step shows: $name");
}
unlike($out, qr/^\S+: .*No such file/m, 'and no program complains of files');
my ($blocked) = grep { /blocked him meanwhile/ } @parts;
unlike($blocked, qr/Ub:/, 'who is blocked has not bootstrapped again: his key is as good as it was');

# Keys: those of the USIMs, and Ks.
my @secret = map { lc } map { slurp($_) =~ /"(?:k|opc|ks)": ?"([0-9a-fA-F]{32,})"/g } glob "$dir/ue*/*.json";
cmp_ok(scalar @secret, '>=', 6, 'K, OPc and Ks of both');
my $logs = join '', map { slurp($_) } glob "$dir/*/log/*";
is(scalar(grep { index(lc $out, $_) >= 0 || index(lc $logs, $_) >= 0 } @secret), 0, 'are printed and logged nowhere');
unlike($out . $logs, qr/KeyMaterial":"[0-9a-f]{64}"/, 'nor is what was derived from them');
for my $server (qw(bsf portal)) {
    ok(-d "$dir/$server" && !-e "$dir/$server/run/httpd.pid", "$server has been stopped");
}
remove_tree($dir);
done_testing;
