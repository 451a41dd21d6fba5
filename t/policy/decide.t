# SPDX-License-Identifier: Apache-2.0
# gba-decide: what an enrolment would come to, with the configuration, rules and records in force;
# and that asking changes nothing.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP ();
use Test::More;
use GBA::CA qw(new_key pkcs10);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site slurp);
use GBA::UE;

my $json = JSON::PP->new->canonical;
my $some = GBA::CA::entry('some', [1]);
my $conf = <<'END';
<Location "/decide">
    SetHandler gba-decide
</Location>
<Location "/strict">
    AuthType GBA
    Require valid-user
    SetHandler gba-enrol
    GBANafGroup gold
    GBAQuota 1
    GBAEnrolRule require "%{GBA_KEY_TYPE} == 'EC'" "EC only."
    GBAEnrolRule deny "%{GBA_UE_IDENTITY} =~ /blocked/" "Blocked by name." dryrun
</Location>
<Location "/closed">
    Require all denied
    SetHandler gba-enrol
</Location>
END
my $server = GBA::Server->start(conf => $conf, subscribers => [$some]);
my $log    = GBA::Log->watch($server->error_log);
my $http;

sub ask {
    my ($body, %option) = @_;
    my $text   = ref $body ? $json->encode($body) : $body;
    my $type   = $option{type} // 'application/json';
    my $method = $option{method} // 'POST';
    $http = GBA::HTTP->connect($server->port);
    $http->send("$method /decide HTTP/1.1\r\nHost: pkiportal.home1.net\r\nConnection: close\r\nContent-Type: $type\r\n"
        . 'Content-Length: ' . length($text) . "\r\n\r\n$text");
    my $response = $http->receive($method);
    $response->{json} = eval { $json->decode($response->{body}) };
    return $response;
}

my $ec  = pkcs10(new_key('EC',  'P-256'));
my $rsa = pkcs10(new_key('RSA', 2048));
my $impi = $some->{impi};

sub case {
    my (%more) = @_;
    my $identity = delete $more{identity} // $impi;
    my $flags    = delete $more{flags}    // [1];
    my %uss      = (gsId => 1, gsType => 1, (@$flags ? (flags => [map { { flag => $_ } } @$flags]) : ()), ueIds => [{ ueId => $identity }]);
    $uss{nafGroup} = delete $more{group} if $more{group};
    return { location => '/strict', csr => $ec, subscriber => { impi => $impi, ussList => [{ uss => \%uss }] }, %more };
}

# ---- every decision ----

my @rows = (    # name, case, decision, reason, profile
    ['permitted',            case(),                                  'permitted', undef,               'authentication'],
    ['no flag',              case(flags => []),                       'refused',   'NO_FLAG',           undef],
    ['other group',          case(group => 'lead'),                   'refused',   'NAF_GROUP',         undef],
    ['rule',                 case(csr => $rsa),                       'refused',   'RULE',              'authentication'],
    ['without that rule',    case(csr => $rsa, location => '/enrol'), 'permitted', undef,               'authentication'],
    ['dry run of a rule',    case(identity => 'sip:blocked@h'),       'permitted', undef,               'authentication'],
    ['UICC key',             case(key => 'UICC'),                     'permitted', undef,               'authentication'],
    ['no identity',          { location => '/enrol', csr => $ec, subscriber => {} }, 'refused', 'NO_IDENTITY', undef],
    ['where nobody may',     case(location => '/closed'),             'permitted', undef,               'authentication'],
    ['no PKCS#10',           case(csr => 'AAAA'),                     'failed',    undef,               undef],
);
for my $row (@rows) {
    my ($name, $case, $decision, $reason, $profile) = @$row;
    my $response = ask($case);
    my $told     = $response->{json};
    is($response->{status}, 200, "$name: status");
    like(GBA::HTTP::field($response, 'Content-Type'), qr{\Aapplication/json}, "$name: JSON");
    is($told->{decision}, $decision, "$name: decision") or diag($response->{body});
    is($told->{reason},   $reason,   "$name: reason");
    is($told->{profile},  $profile,  "$name: profile");
    is(ref $told->{checks}, 'ARRAY', "$name: checks");
    is_deeply([grep { !defined $_->{check} || !defined $_->{input} || !length $_->{result} } @{ $told->{checks} }], [], "$name: each with input and result");
    if ($decision eq 'refused') {
        is($told->{checks}[-1]{result}, $reason, "$name: the last check is the one that refuses");
        ok(length $told->{publicText}, "$name: what a user would read");
        is($told->{status}, 403, "$name: what a UE would get");
    }
}
$log->holds('asking logs the dry run of a rule alone', 'GBA1741');

# What docs/gba-decide.md shows is what is answered there.
{
    my ($who, $shown) = slurp("$ENV{GBA_SRCDIR}/docs/gba-decide.md") =~ /^```json\n(.*?)^```/gms;
    my $told = ask({ location => '/enrol', csr => pkcs10(new_key('RSA', 2048), 'keyUsage=nonRepudiation'), subscriber => $json->decode($who) })->{json};
    $_->{checks}[0]{input} =~ s/\A\d+/N/ for $told, $shown = $json->decode($shown);
    is_deeply($told, $shown, 'the example of the page');
}

# ---- the same way as a UE's: records count, and asking leaves none ----

my $ue  = GBA::UE->new($some, port => $server->port);
my $key = new_key('EC', 'P-256');
is(ask(case())->{json}{held}, 0, 'nothing is held before, however often one asked');
is($ue->request('POST', '/strict', type => 'application/x-pkcs10', body => pkcs10($key))->{status}, 200, 'a UE enrols');
$log->holds('enrolled', qw(GBA0401 GBA0661));
my $full = ask(case())->{json};
is("$full->{decision} $full->{reason} $full->{held}", 'refused QUOTA_HELD 1', 'then the quota is full for another key');
is(ask(case(csr => pkcs10($key)))->{json}{decision}, 'permitted', 'the same key would get the same certificate');
my $refused = $ue->request('POST', '/strict', type => 'application/x-pkcs10', body => $ec);
like("$refused->{status} $refused->{body}", qr/\A403 .*QUOTA_HELD/s, 'and a UE is told the same');
$log->holds('refused', 'GBA0446');

# ---- what is no question ----

my @wrong = (    # name, body, status, what it says
    ['no JSON',              'x',                                         400, qr/no JSON/],
    ['a list',               '[]',                                        400, qr/an object expected/],
    ['no location',          { csr => $ec, subscriber => {} },            400, qr/location: a path expected/],
    ['a location elsewhere', case(location => '/nowhere'),                400, qr/location: there is no gba-enrol/],
    ['a URL as location',    case(location => 'http://h/enrol'),          400, qr/location: a path expected/],
    ['no csr',               { location => '/enrol', subscriber => {} },  400, qr/csr: a PKCS#10/],
    ['no subscriber',        { location => '/enrol', csr => $ec },        400, qr/subscriber: an object expected/],
    ['a bad setting',        { location => '/enrol', csr => $ec, subscriber => { ussList => 1 } }, 400, qr/subscriber: ussList/],
    ['an unknown member',    case(colour => 'red'),                       400, qr/colour: no such member/],
    ['a key that is none',   case(key => 'SIM'),                          400, qr/key: ME or UICC/],
    ['a member twice',       '{"location":"/enrol","location":"/enrol"}', 400, qr/location: there twice/],
);
for my $row (@wrong) {
    my ($name, $body, $status, $said) = @$row;
    my $response = ask($body);
    is($response->{status}, $status, "$name: status");
    is($response->{json}{decision}, 'failed', "$name: no decision");
    is($response->{json}{status},   400,      "$name: which is the question's fault");
    like($response->{json}{detail}, $said, "$name: says what is wrong");
    $log->holds($name, qr/\AGBA(?:0460|1751|02\d\d)\z/);
}
is(ask('{}', type => 'text/plain')->{status}, 415, 'another media type: 415');
is(ask(' ' x (128 * 1024 + 1))->{status}, 413, 'over 128 KiB: 413');
my $got = ask('', method => 'GET');
like("$got->{status} " . GBA::HTTP::field($got, 'Allow'), qr/\A405 POST\b/, 'GET: 405 with Allow');

$server->stop;
$log->holds('stopping');
$log->finish;
done_testing;
