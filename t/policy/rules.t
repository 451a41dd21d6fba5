# SPDX-License-Identifier: Apache-2.0
# GBAEnrolRule: what rules see, in which order they speak, and that they only narrow.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use GBA::CA qw(new_key pkcs10);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site slurp);
use GBA::UE;

my $sip = 'sip:alice@home1.net';
my @subscribers = (
    GBA::CA::entry('alice', undef, ussList => [{ uss => { gsId => 1, gsType => 1, nafGroup => 'gold',
        flags => [{ flag => 1 }], ueIds => [{ ueId => $sip }, { ueId => 'tel:+15550100' }] } }]),
    GBA::CA::entry('none', undef),
    map { GBA::CA::entry($_, [1]) } qw(bob held order),
);
my %entry = map { $_->{name} => $_ } @subscribers;

# Each location: what its rules are, and whether alice is refused there, and why.
my @rows = (
    ['deny-true',     'deny "true" "Not today."',                                  'Not today.'],
    ['deny-false',    'deny "false" "Never said."'],
    ['require-true',  'require "true" "Never said."'],
    ['require-false', 'require "false" "Only on Sundays."',                        'Only on Sundays.'],
    ['type',          q(deny "%{GBA_KEY_TYPE} == 'EC' && %{GBA_KEY_BITS} -eq 256 && %{GBA_KEY_CURVE} == 'P-256'" "No P-256."), 'No P-256.'],
    ['profile',       q(deny "%{GBA_PROFILE} == 'authentication'" "Not that."),    'Not that.'],
    ['gba',           q(require "%{GBA_TYPE} == '3G' && %{GBA_KEY_PLACE} == 'ME'" "3G.")],
    ['identity',      qq(deny "%{GBA_UE_IDENTITY} == '$sip'" "Not Alice."),        'Not Alice.'],
    ['identities',    qq(deny "%{GBA_UE_IDENTITIES} == '$sip,tel:+15550100'" "Not both."), 'Not both.'],
    ['group',         q(deny "%{GBA_NAF_GROUP} == 'gold'" "Not gold."),            'Not gold.'],
    ['impi',          q(require "%{GBA_IMPI} =~ m#@ims\.mnc001# && -n %{GBA_BTID}" "Roaming.")],
    ['address',       q(deny "%{REMOTE_ADDR} -ipmatch '127.0.0.0/8'" "Not from here."), 'Not from here.'],
    ['env',           q(deny "%{reqenv:GBA_QOP} == 'auth-int'" "By environment."), 'By environment.'],
    ['usage',         q(require "%{GBA_KEY_USAGE} == ''" "No wish.")],
    ['text',          q(deny "true" "<b>Größe & \"Farbe\"</b>"),                   '&lt;b&gt;Größe &amp; &quot;Farbe&quot;&lt;/b&gt;'],
    ['dry',           'deny "true" "Would be said." dryrun'],
);
my $conf = <<'END';
<LocationMatch "^/r/">
    AuthType GBA
    Require valid-user
    SetHandler gba-enrol
    GBANafGroup gold
</LocationMatch>
<Location "/r/inner">
    GBAEnrolRule deny "%{GBA_KEY_TYPE} == 'RSA'" "Outer first."
    GBAEnrolRule deny "%{GBA_KEY_BITS} -gt 1" "Outer second."
</Location>
<Location "/r/inner/most">
    GBAEnrolRule deny "true" "Inner."
</Location>
<Location "/r/held">
    GBAEnrolRule require "%{GBA_CERTIFICATES_HELD} -lt 2" "Two are enough."
</Location>
<Location "/r/broken">
    GBAEnrolRule deny "file('/nowhere/at/all') == 'x'" "Never said."
</Location>
END
$conf .= qq(<Location "/r/$_->[0]">\nGBAEnrolRule $_->[1]\n</Location>\n) for @rows;
my $server = GBA::Server->start(conf => $conf, subscribers => \@subscribers);
my $log    = GBA::Log->watch($server->error_log);
my (%ue, %seen);

sub enrol {
    my ($who, $place, $pem) = @_;
    my $ue = $ue{$who} ||= GBA::UE->new($entry{$who}, port => $server->port);
    return $ue->request('POST', $place, type => 'application/x-pkcs10', body => $pem // pkcs10(new_key('EC', 'P-256')));
}

sub logged { my ($name, $who, @tags) = @_; return $log->holds($name, ('GBA0401') x !$seen{$who}++, @tags) }

for my $row (@rows) {
    my ($place, $rule, $text) = @$row;
    my $response = enrol('alice', "/r/$place");
    is($response->{status}, defined $text ? 403 : 200, "$place: status");
    if (defined $text) {
        like($response->{body}, qr/"refused; reason=RULE"/, "$place: reason");
        like($response->{body}, qr/\Q$text\E/, "$place: its public text, escaped");
    }
    logged($place, 'alice', defined $text ? 'GBA0446' : 'GBA0661', ('GBA1741') x ($place eq 'dry'));
}

# ---- order ----

my $order = enrol('order', '/r/inner/most');
is($order->{status}, 403, 'inner and outer: refused');
like($order->{body}, qr/Outer second\./, 'the outer rules come first, in their order');
unlike($order->{body}, qr/Inner\./, 'the first that refuses is the one that is told');
logged('inner and outer', 'order', 'GBA0446');
my @lines  = grep { /GBA0446.*order|GBA0446/ } split /\n/, slurp($server->error_log);
like($lines[-1], qr/reason=RULE; profile=authentication; by rule \S+httpd\.conf:\d+/, 'the log names the rule by file and line');

# ---- rules only narrow ----

my $none = enrol('none', '/r/require-true');
is($none->{status}, 403, 'a rule that is content with it cannot permit what the settings do not');
like($none->{body}, qr/"refused; reason=NO_USS"/, '... the reason is not the rule');
logged('not permitted anyway', 'none', 'GBA0446');

# ---- what is held ----

for my $row ([1, 200], [2, 200], [3, 403]) {
    my ($number, $status) = @$row;
    my $response = enrol('held', '/r/held');
    is($response->{status}, $status, "GBA_CERTIFICATES_HELD: certificate $number");
    logged("certificate $number", 'held', $status == 200 ? 'GBA0661' : 'GBA0446');
}

# ---- a rule that cannot be computed lets nobody through ----

my $broken = enrol('bob', '/r/broken');
is($broken->{status}, 500, 'cannot be computed: 500');
is($broken->{protected}, 1, 'cannot be computed: protected');
my $said = join '', $log->look;    # httpd's own line has no number
like($said, qr/Evaluation of expression .* failed/, 'cannot be computed: httpd says why');
like($said, qr/GBA1740: INTERNAL: rule /, 'cannot be computed: the log names the rule');

$server->stop;
$log->holds('stopping');
$log->finish;
done_testing;
