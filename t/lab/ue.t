#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The whole chain with our own programs at each end: gba-ue bootstraps with the laboratory BSF (Ub),
# the portal asks that BSF for the key (Zn: Nbsp_GBA), and gba-ue enrols (Ua). No key is copied by hand.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep);
use GBA::CA ();
use GBA::KDF ();
use GBA::LabServer;
use GBA::Log;
use GBA::Program;
use GBA::Server;
use GBA::Site qw(site slurp spew);

my $true = JSON::PP::true;
my $life = 3;
# Three BSFs of one name: one whose keys live for a day, one whose keys live for seconds, and one that
# knows none of the others' B-TIDs.
my %bsf = (
    day     => GBA::LabServer->start(alone => 1, children => 1),    # each child reads a changed file itself
    short   => GBA::LabServer->start(alone => 1, children => 1, lab => "GBALabKeyLifetime ${life}s\n"),
    foreign => GBA::LabServer->start(alone => 1, children => 1),
);
my $sources = join '', map { <<"END" } sort keys %bsf;
<GBABsf $_>
    GBABsfDomain bsf.home1.net
    GBABsfAddress http://127.0.0.1:@{[ $bsf{$_}->port ]}
    GBABsfProtocol http/1.1
    GBABsfTimeout 2s 5s
</GBABsf>
<Location "/$_">
    AuthType GBA
    Require valid-user
    GBAKeySource nbsp:$_
    SetHandler gba-enrol
</Location>
END
my $portal = GBA::Server->start(children => 2, conf => "${sources}GBASettingsMaxAge 1s\n");
my %log  = map { $_ => GBA::Log->watch($bsf{$_}->error_log) } sort keys %bsf;
my $told = GBA::Log->watch($portal->error_log);
my $home = GBA::Program->home;
my @trace;

sub usim {
    my ($name, %member) = @_;
    my %of = $bsf{day}->usim($name);
    delete @of{qw(port bsf)};
    return $home->usim(%of, %member);
}

sub ub { my ($which, $port) = @_; return 'http://127.0.0.1:' . ($port // $bsf{$which}->port) . '/ub' }

sub bootstrap {
    my ($which, @option) = @_;
    my $run = $home->ue('bootstrap', ub($which), '--bsf-realm', 'bsf.home1.net', '--trace', @option);
    push @trace, $run->{err};
    return $run;
}

sub enrol {
    my ($which, @option) = @_;
    my @key = grep({ /\A--key(?:-out)?\z/ } @option) ? () : ('--key-out', $home->file('key.pem'));
    my $run = $home->ue('enrol', 'http://127.0.0.1:' . $portal->port . "/$which?response=single", '--naf-fqdn', 'pkiportal.home1.net',
        @key, '--trace', @option);
    push @trace, $run->{err};
    return $run;
}

# What makes enrol bootstrap too.
sub over { my ($which, $usim, $port) = @_; return ('--bsf', ub($which, $port), '--bsf-realm', 'bsf.home1.net', '--usim', $usim) }

sub is_outcome {
    my ($run, $code, $outcome, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    is("$run->{code} " . ($run->{json}{outcome} // 'none'), "$code $outcome", $name) or diag($run->{err});
    return $run;
}

# ---- success ----
{
    my $alice = usim('alice');
    my $kept  = $home->file('bootstrapping.json');
    my $run   = is_outcome(bootstrap(day => '--usim', $alice, '--out', $kept), 0, 'bootstrapped', 'bootstrapped');
    $log{day}->holds('the BSF says so', 'GBA0923');
    is((stat $kept)[2] & 07777, 0600, 'what is kept is nobody else\'s');
    my $boot = JSON::PP::decode_json(slurp($kept));
    my $info = $bsf{day}->retrieve($boot->{btid})->{json};
    my $key  = GBA::KDF::naf_key(ks => pack('H*', $boot->{ks}), rand => pack('H*', $boot->{rand}), impi => $boot->{impi}, naf => 'pkiportal.home1.net');
    is($info->{meKeyMaterial}, unpack('H*', $key), 'UE and BSF have the same Ks (TS 33.220 B.3)');
    is($info->{keyExpiryTime}, $boot->{expires}, 'and mean the same end of it');
    is($run->{json}{$_}, $boot->{$_}, "the report has its $_") for qw(btid expires);
    $log{day}->look;
    $run = is_outcome(enrol(day => '--bootstrapping', $kept), 0, 'enrolled', 'and enrols with it');
    is($run->{json}{verified}, $true, 'verified');
    like($run->{json}{certificate}, qr/BEGIN CERTIFICATE/, 'a certificate');
    $told->holds('issued', 'GBA0401', qr/GBA066[0-9]/);
    $log{day}->holds('the portal had the key from the BSF', 'GBA0930');
    is_outcome(enrol(day => over(day => usim('alice', sqn => JSON::PP::decode_json(slurp($alice))->{sqn}))), 0, 'enrolled', 'bootstrapped and enrolled in one go');
    $log{day}->holds('bootstrapped, asked', qw(GBA0923 GBA0930));
    $told->look;
}

# ---- wrong keys, wrong names ----
{
    my $usim = usim('alice', k => 'f' x 32);
    my $run  = is_outcome(bootstrap(day => '--usim', $usim), 4, 'verification-failed', 'another K: this is not my network');
    like($run->{json}{detail}, qr/AUTN/, 'told');
    is(JSON::PP::decode_json(slurp($usim))->{sqn}, undef, 'and nothing was accepted');
    is_outcome(enrol(day => over(day => $usim)), 4, 'verification-failed', 'no enrolment either');
    is_outcome(bootstrap(day => '--usim', usim('alice', impi => 'nobody@ims.home1.net')), 3, 'authentication-refused', 'an IMPI that the BSF does not know');
    $log{day}->holds('and it was told nothing of it', 'GBA0927');
    $run = $home->ue('bootstrap', ub('day'), '--bsf-realm', 'bsf.home2.net', '--usim', usim('alice'));
    is_outcome($run, 3, 'authentication-refused', 'a BSF of another name');
    $log{day}->look;
}

# ---- SQN ----
{
    my $usim = usim('carol', sqn => '000000100000');
    my $run = is_outcome(enrol(day => over(day => $usim)), 1, 'refused', 'a USIM that is ahead of its network');
    like($run->{err}, qr/resynchronising/, 'resynchronises');
    $log{day}->holds('once', qw(GBA0922 GBA0923 GBA0930));
    like($run->{err}, qr/auts="/, 'by auts');
    my $sqn = JSON::PP::decode_json(slurp($usim))->{sqn};
    cmp_ok(hex $sqn, '>', 0x100000, 'what it accepted then is kept');
    $run = bootstrap(day => '--usim', $usim);
    unlike($run->{err}, qr/resynchronising/, 'the next one needs none');
    cmp_ok(hex JSON::PP::decode_json(slurp($usim))->{sqn}, '>', hex $sqn, 'and moves it on');
    $log{day}->holds('at once', 'GBA0923');
    $told->look;
}

# ---- what is changed on the way from the BSF ----
for my $row (['--forge-info', 4], ['--drop-info', 4], ['--double-info', 4], ['--flip-body', 4], ['--status=403', 6], ['--status=500', 6]) {
    my ($how, $code) = @$row;
    my $kept  = $home->file('bootstrapping.json');
    my $port = $home->tamper($bsf{day}->port, $how);
    my $run  = $home->ue('bootstrap', ub(undef, $port), '--bsf-realm', 'bsf.home1.net', '--usim', usim('bob', sqn => '000000001000'), '--out', $kept);
    is($run->{code}, $code, "$how: not believed") or diag($run->{err});
    ok(!-e $kept, "$how: and not kept");
    $log{day}->look;
}
{
    my $port = $home->tamper($bsf{day}->port, '--forge-info');
    is_outcome(enrol(day => over(undef, usim('bob', sqn => '000000001000'), $port)), 4, 'verification-failed', 'no enrolment with such a key');
    $log{day}->look;
    $told->holds('the portal has not heard of it');
}

# ---- a key of seconds ----
sub prolonged {
    my ($file) = @_;
    my $boot = JSON::PP::decode_json(slurp($file));
    return spew($home->file('bootstrapping.json'), JSON::PP::encode_json({ %$boot, expires => '2999-01-01T00:00:00Z' }), 0600);
}

sub is_good { my ($file) = @_; return -e $file && GBA::CA::instant(0) lt JSON::PP::decode_json(slurp($file))->{expires} }

# On a slow machine a key of seconds may be over before the enrolment is: then once more, from the start. What is
# done returns the run and the file of its bootstrapping.
sub in_time {
    my ($do) = @_;
    my ($run, $file);
    for (1 .. 5) {
        $_->look for $log{short}, $told;
        ($run, $file) = $do->();
        last if $run->{code} != 3 || is_good($file);
    }
    return ($run, $file);
}
{
    my $alice = usim('alice');
    my ($run, $kept) = in_time(sub {
        my $file = $home->file('bootstrapping.json');
        is_outcome(bootstrap(short => '--usim', $alice, '--out', $file), 0, 'bootstrapped', "a key of $life seconds");
        return (enrol(short => '--bootstrapping', $file), $file);
    });
    is_outcome($run, 0, 'enrolled', 'enrols within them');
    sleep 0.2 while is_good($kept);
    $_->look for $log{short}, $told;
    $run = is_outcome(enrol(short => '--bootstrapping', $kept), 3, 'authentication-refused', 'afterwards the UE knows itself that it is over');
    like($run->{json}{detail}, qr/bootstrap again/, 'and says what to do');
    $told->holds('without asking anybody');
    my $stubborn = prolonged($kept);
    $run = is_outcome(enrol(short => '--bootstrapping', $stubborn), 3, 'authentication-refused', 'a UE that does not is told by the portal');
    like($run->{json}{detail}, qr/bootstrap again/, 'the same');
    unlike($run->{err}, qr/stale=true/, 'by a plain challenge (TS 24.109 5.2.5)');

    # The renegotiation indication: once more over Ub, and then it goes on.
    ($run, $stubborn) = in_time(sub {
        my $file = prolonged($kept);
        return (enrol(short => '--bootstrapping', $file, over(short => $alice)), $file);
    });
    is_outcome($run, 0, 'enrolled', 'one with a BSF bootstraps again');
    is(scalar(() = $run->{err} =~ /the portal asks for a new bootstrapping/g), 1, 'once');
    isnt(JSON::PP::decode_json(slurp($stubborn))->{btid}, JSON::PP::decode_json(slurp($kept))->{btid}, 'and keeps the new one');
    is($log{short}->count('GBA0923'), 1, 'the BSF saw one');
    ($run) = in_time(sub {
        my $file = spew($home->file('bootstrapping.json'), slurp($kept), 0600);
        return (enrol(short => '--bootstrapping', $file, over(short => $alice)), $file);
    });
    is_outcome($run, 0, 'enrolled', 'one that knows that it is over asks the BSF first');
    unlike($run->{err}, qr/the portal asks/, 'not the portal');
    my $new;
    ($run, $new) = in_time(sub {
        my $file = $home->file('bootstrapping.json');
        return (enrol(short => '--bootstrapping', $file, over(short => $alice)), $file);
    });
    is_outcome($run, 0, 'enrolled', 'where nothing was kept yet');
    ok(-e $new, 'something is now');
    $_->look for $log{short}, $told;
}

# ---- a portal that accepts no key at all ----
{
    my $alice = usim('alice', sqn => '000000200000');
    my $run = is_outcome(enrol(foreign => over(day => $alice)), 3, 'authentication-refused', 'a portal that asks another BSF');
    is($log{day}->count('GBA0923'), 2, 'two bootstrappings, never a third');
    $log{day}->look;
    is($log{foreign}->count('GBA0910'), 2, 'two look-ups');
    $_->look for $log{foreign}, $told;
}

# ---- blocked between two enrolments ----
{
    my $alice = usim('alice', sqn => '000000300000');
    my $kept  = $home->file('bootstrapping.json');
    my $key   = $home->file('key.pem');
    is_outcome(enrol(day => '--bootstrapping', $kept, over(day => $alice), '--key-out', $key), 0, 'enrolled', 'enrolled');
    $bsf{day}->write_subscribers(alice => { blocked => $true });
    sleep 1.5;
    $_->look for $log{day}, $told;
    my $run = is_outcome(enrol(day => '--bootstrapping', $kept, '--key', $key), 1, 'refused', 'blocked at the BSF: refused, although his key is still good');
    is($run->{json}{verified}, $true, 'and he can prove it');
    is($run->{json}{reason}, 'NOT_AUTHORISED', 'and is told why');
    $log{day}->holds('by the BSF', qw(GBA0904 GBA0910));
    $told->look;
    is_outcome(bootstrap(day => '--usim', $alice), 3, 'authentication-refused', 'nor can he bootstrap anew');
    $log{day}->holds('by the BSF', 'GBA0926');
    $bsf{day}->write_subscribers(alice => { ussList => [] });
    is_outcome(enrol(day => '--bootstrapping', $kept, '--key', $key), 1, 'refused', 'without settings: refused too');
    $bsf{day}->write_subscribers;
    sleep 1.5;
    is_outcome(enrol(day => '--bootstrapping', $kept, '--key', $key), 0, 'enrolled', 'let in again');
    $log{day}->look;
    $told->look;
}

# ---- what is printed ----
{
    my $secret = join '|', map { my %of = $bsf{day}->usim($_); grep { defined } @of{qw(k op opc)} } qw(alice bob carol);
    is(scalar(grep { /$secret/i } @trace), 0, 'no K, OP or OPc in any trace');
    my ($whole) = grep { /E\.3\.1/ && /Ub:/ } @trace;
    like($whole, qr/$_/, "a trace shows: $_")
        for 'Initial enrolment request', 'AKA challenge', 'Bootstrapping completed', 'Subscriber certificate';
}
$portal->stop;
$_->stop for values %bsf;
$_->finish for @log{sort keys %log}, $told;
done_testing;
