# SPDX-License-Identifier: Apache-2.0
# Runs last, and once more after httpd has stopped (GBA::Run): no key, no HA1 and no right response that was never sent stands in any log (LogLevel is
# trace8), page, ledger or temporary file of the whole run.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use GBA::CA qw(new_key pkcs10 subscriber);
use GBA::Leak qw(files forms search secrets);
use GBA::Log;
use GBA::Site qw(site spew);
use GBA::UE;

my $log = GBA::Log->watch;

# ---- traffic of this script's own, so that there is something to find if it runs alone ----
{
    my $ue  = GBA::UE->new(subscriber('leak'));
    my $pem = pkcs10(new_key('EC', 'P-256'));
    $ue->authenticate('/enrol');
    my %post = (type => 'application/x-pkcs10', body => $pem);
    is($ue->request('POST', '/enrol', %post)->{status}, 200, 'enrolled');
    is($ue->exchange('POST', '/enrol', %post, auth => { password => 'wrong' })->{status}, 401, 'wrong password');
    is($ue->exchange('POST', '/enrol', %post, auth => { body => 'tampered' })->{status}, 401, 'tampered body');
    my $last = $ue->exchange('GET', '/docs/hello.txt', auth => {});
    is($ue->exchange('GET', '/docs/hello.txt', auth => { context => $last->{context} })->{status}, 401, 'replay');
    my $old = GBA::UE->new(subscriber('expired'));
    $old->authenticate('/enrol');
    is($old->exchange('POST', '/enrol', %post, auth => {})->{status}, 401, 'expired');
    $log->finish(qw(GBA0401 GBA0661 GBA0419 GBA0419 GBA0420 GBA0401 GBA0408));
}

# ---- the search finds what is there ----
my $secrets = secrets();
cmp_ok(scalar(grep { /^Ks_NAF/ } keys %$secrets), '>', 10, 'keys to look for');
cmp_ok(scalar(grep { /^HA1/ } keys %$secrets), '>', 30, 'HA1s to look for');
cmp_ok(scalar(grep { /^right response/ } keys %$secrets), '>', 1, 'right responses to look for');
for my $name (sort grep { /of leak|CA|response 1$/ } keys %$secrets) {
    my $forms = forms($secrets->{$name});
    for my $form (sort keys %$forms) {
        # Across the border of two blocks.
        my $planted = spew(site()->{tmp} . '/planted', 'x' x 65_520 . "some text $forms->{$form} and more\n");
        is(scalar search({ $name => $secrets->{$name} }, $planted), 1, "$name, planted in $form: found");
        unlink $planted;
    }
}

# ---- and nothing else is there ----
my @files = files();
cmp_ok(scalar(grep { /error_log\z/ } @files), '>', 0, 'an error log was searched');
cmp_ok(scalar(grep { m{/received/} } @files), '>', 0, 'and what the UEs received');
cmp_ok(scalar(grep { m{/ledger/} } @files), '>', 0, 'and the ledger');
cmp_ok(-s site()->{error_log}, '>', 10_000, 'the error log has something in it');
is_deeply([search($secrets, @files)], [], scalar(@files) . ' files: no secret');
is_deeply([glob site()->{tmp} . '/*'], [], 'no temporary file is left');
done_testing;
