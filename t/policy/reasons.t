# SPDX-License-Identifier: Apache-2.0
# Every reason of docs/reasons.md, end to end: the UE's protected 403 in both forms, the access log, the
# error log, the ledger and the counters; and nothing that the UE sent comes back to it.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);
use Time::Local qw(timegm);
use GBA::BSF qw(bootstrapped naf_view);
use GBA::CA qw(new_key openssl);
use GBA::HTTP;
use GBA::Log;
use GBA::Prometheus;
use GBA::Server;
use GBA::Site qw(site slurp spew);
use GBA::UE;

my $program = "$ENV{GBA_BUILDDIR}/gba-pkictl";
plan skip_all => 'gba-pkictl is not built' unless -x $program;

# Code and public text, as the documentation has them.
my %text = slurp("$ENV{GBA_SRCDIR}/docs/reasons.md") =~ /^\| `([A-Z_]+)` \|[^|\n]*\| ([^|\n]*?) \|$/mg;
cmp_ok(scalar(keys %text), '>', 20, 'docs/reasons.md can be read');

# ---- an operator's module ----

my $folder = tempdir('reasons.XXXXXX', DIR => site()->{tmp}, CLEANUP => 1);
my ($apxs) = slurp("$ENV{GBA_BUILDDIR}/Makefile") =~ /^APXS = (\S+)$/m;
copy(site()->{top} . '/t/module/mod_gba_example.c', "$folder/mod_gba_example.c") or die "mod_gba_example.c: $!\n";
my $said = qx{cd '$folder' && '$apxs' -I '$ENV{GBA_SRCDIR}/include' -c mod_gba_example.c 2>&1};
is($?, 0, 'apxs builds the module') or diag($said);
chmod 0755, $folder, "$folder/.libs";

# ---- what the UE sends, marked ----

my $marker = 'mArKeR';
sub wish { my ($type, $size, @more) = @_; return request_of(new_key($type, $size), @more) }

sub request_of {
    my ($key, @more) = @_;
    return openssl('', qw(req -new -sha256 -key), "$key", '-subj', "/O=${marker}organisation/CN=${marker}subject",
        map { ('-addext', $_) } "subjectAltName=DNS:${marker}san.example,email:${marker}\@home1.net",
        "1.3.6.1.4.1.99999.7=ASN1:UTF8String:${marker}extension", @more);
}

sub vector { my ($name) = @_; return slurp(site()->{top} . "/t/vectors/pkcs10/$name.pem") }

# ---- one row for each reason ----

sub settings {
    my (%more) = @_;
    return (ussList => [{ uss => { gsId => 1, gsType => 1, flags => [{ flag => 1 }], ueIds => [{ ueId => 'sip:alice@home1.net' }], %more } }]);
}

my $shared = new_key('EC', 'P-256');
my @rows   = (    # reason, where, the key file's entry, what it sends, the profile that was chosen
    ['NO_IDENTITY',       'plain',  [undef, impi => undef],                          sub { wish('EC', 'P-256') }],
    ['NO_USS',            'plain',  [undef],                                         sub { wish('EC', 'P-256') }],
    ['NO_FLAG',           'plain',  [[]],                                            sub { wish('EC', 'P-256') }],
    ['USAGE_NOT_ALLOWED', 'plain',  [[1]],                                           sub { wish('EC', 'P-256', 'keyUsage=nonRepudiation') }],
    ['KEY_TYPE',          'plain',  [[1]],                                           sub { vector('ed25519') }, 'authentication'],
    ['KEY_SIZE',          'plain',  [[1]],                                           sub { vector('rsa1024') }, 'authentication'],
    ['KEY_EXPONENT',      'plain',  [[1]],                                           sub { vector('rsa2048-e3') }, 'authentication'],
    ['KEY_CURVE',         'plain',  [[1]],                                           sub { vector('secp256k1') }, 'authentication'],
    ['KEY_TAKEN',         'plain',  [[1]],                                           sub { request_of($shared) }, 'authentication'],
    ['KEY_FACTORS',       'plain',  [[1]],                                           sub { vector('rsa2058-factor-751') }, 'authentication'],
    ['KEY_ROCA',          'plain',  [[1]],                                           sub { vector('rsa2048-roca') }, 'authentication'],
    ['KEY_CLOSE_PRIMES',  'plain',  [[1]],                                           sub { vector('rsa2048-close-primes') }, 'authentication'],
    ['KEY_BLOCKED',       'plain',  [[1]],                                           sub { wish('EC', 'P-384') }, 'authentication'],
    ['CA_REQUESTED',      'plain',  [[1]],                                           sub { wish('EC', 'P-256', 'basicConstraints=critical,CA:TRUE') }, 'authentication'],
    ['KEY_CHOICE',        'plain',  [undef, settings(keyChoice => 'UICC_BASED_KEY')], sub { wish('EC', 'P-256') }],
    ['NAF_GROUP',         'group',  [undef, settings(nafGroup => 'lead')],           sub { wish('EC', 'P-256') }],
    ['BOOTSTRAP_AGE',     'fresh',  [[1], bootstrappingInfoCreationTime => GBA::CA::instant(-7200)], sub { wish('EC', 'P-256') }, 'fresh'],
    ['IDENTITY_MISSING',  'named',  [undef, settings()],                             sub { wish('EC', 'P-256') }, 'named'],
    ['RULE',              'rule',   [[1]],                                           sub { wish('EC', 'P-256') }, 'authentication'],
    ['MODULE',            'module', [[1]],                                           sub { wish('RSA', 2048) }, 'authentication'],
    ['QUOTA_HELD',        'held',   [[1]],                                           sub { wish('EC', 'P-256') }, 'authentication'],
    ['NOT_AUTHORISED',    'bsf',    undef,                                           sub { wish('EC', 'P-256') }],
    ['QUOTA_WINDOW',      'window', [[1]],                                           sub { wish('EC', 'P-256') }, 'authentication'],
);
is_deeply([sort map { $_->[0] } @rows], [sort keys %text], 'a row for every reason, and no reason without');
$text{RULE}   = 'Not on a Sunday; see &lt;https://home1.net/&gt;.';
$text{MODULE} = 'This service takes &lt;other&gt; keys.';

my %entry = map { $_->[0] => GBA::CA::entry($_->[0], @{ $_->[2] }) } grep { $_->[2] } @rows;
my @filed = values %entry;
my $known = bootstrapped('known', [1]);
my $bsf   = GBA::BSF->start(subscribers => [$known]);
$entry{NOT_AUTHORISED} = { %$known, %{ naf_view($known) } };
my $other = GBA::CA::entry('other', [1]);
my $conf  = <<"END";
LoadModule gba_example_module "$folder/.libs/mod_gba_example.so"
GBARefusalExpires 10m
GBAProfiles authentication non-repudiation
<GBAProfile fresh>
    GBAProfileFlag 1
    GBAProfileKeyUsage digitalSignature
    GBAProfileMaxAge 1h
</GBAProfile>
<GBAProfile named>
    GBAProfileFlag 1
    GBAProfileKeyUsage digitalSignature
    GBAProfileSubject CN=%{ueid:2}
    GBAProfileAllowIdentity On
</GBAProfile>
LogFormat "%{X-Test}i %>s %{GBA_DECISION}e %{GBA_REASON}e %{GBA_PROFILE}e %<{GBA_DECISION}e %<{GBA_REASON}e %<{GBA_PROFILE}e" decision
CustomLog decisions decision
<LocationMatch "^/r/">
    AuthType GBA
    Require valid-user
    SetHandler gba-enrol
</LocationMatch>
<LocationMatch "^/r/[a-z]+/text\$">
    ErrorDocument 403 "the operator's own text"
</LocationMatch>
<LocationMatch "^/r/[a-z]+/page\$">
    ErrorDocument 403 /open/refused.html
</LocationMatch>
Alias /open "$folder/open"
<GBABsf home>
    GBABsfDomain *
    GBABsfAddress @{[ $bsf->url ]}
    GBABsfProtocol http/1.1
</GBABsf>
<Location /r/bsf>
    GBAKeySource "nbsp:home"
    GBASettingsMaxAge 1s
</Location>
<Location /r/group>
    GBANafGroup gold
</Location>
<Location /r/fresh>
    GBAProfiles fresh
</Location>
<Location /r/named>
    GBAProfiles named
</Location>
<Location /r/rule>
    GBAEnrolRule deny "true" "Not on a Sunday; see <https://home1.net/>."
</Location>
<Location /r/module>
    GBAExampleKeys EC
</Location>
<Location /r/held>
    GBAQuota 1
</Location>
<Location /r/window>
    GBAQuota 1 per 5h
</Location>
<Location /status>
    SetHandler gba-status
</Location>
END
mkdir "$folder/open" or die "$folder/open: $!\n";
chmod 0755, "$folder/open";
spew("$folder/open/refused.html", "<p>the operator's own page</p>\n");

my $server = GBA::Server->start(conf => $conf, subscribers => [$other, @filed]);
my $log    = GBA::Log->watch($server->error_log);
my $ledger = $server->dir . '/ledger/ledger.db';
my $number = 0;
my $asked;    # when the last request began

# ---- asking ----

sub enrol {
    my ($ue, $place, $pem, $accept) = @_;
    $asked = time;
    delete $ue->{http};    # each connection held is a child of prefork's
    local $ue->{http};
    return $ue->request('POST', "/r/$place?response=single&x=${marker}query", type => 'application/x-pkcs10', body => $pem,
        fields => [['User-Agent', "${marker}agent/1.0"], ['X-Test', 'number' . ++$number],
            defined $accept ? ['Accept', $accept] : ()]);
}

sub ctl {
    my (@words) = @_;
    open my $out, '-|', $program, @words, '--ledger', $ledger, '--json' or die "$program: $!\n";
    my @all = map { JSON::PP::decode_json($_) } <$out>;
    close $out or die "$program @words: exit code $?\n";
    return @all;
}

sub counted {
    my ($reason) = @_;
    my $http = GBA::HTTP->connect($server->port);
    $http->send("GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    my $metrics = GBA::Prometheus::parse($http->receive('GET')->{body});
    return $metrics->{value}{qq(gba_decisions_total{reason="$reason"})};
}

# The line is written when the answer is on its way.
sub last_decision {
    for (1 .. 100) {
        my ($line) = slurp($server->dir . '/decisions') =~ /^number$number (?!401)(.*)\n/m;
        return $line if defined $line;
        sleep 0.05;
    }
    return;
}

sub seconds {
    my ($date) = @_;
    my %month;
    @month{qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec)} = 0 .. 11;
    my ($day, $name, $year, $h, $m, $s) = ($date // '') =~ /\A\w{3}, (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT\z/ or return 0;
    return timegm($s, $m, $h, $day, $month{$name}, $year);
}

sub instant { my ($text) = @_; my @t = $text =~ /\d+/g; return timegm(@t[5, 4, 3, 2], $t[1] - 1, $t[0]) }

# ---- what comes before: a key that another has, one that is blocked, quotas that are full ----

my (%ue, %pem, %certificate);
for my $row (@rows) {
    my ($reason, $place, undef, $make) = @$row;
    $ue{$reason}  = GBA::UE->new($entry{$reason}, port => $server->port);
    $pem{$reason} = $make->();
}
my $taker = GBA::UE->new($other, port => $server->port);
is(enrol($taker, 'plain', $pem{KEY_TAKEN})->{status}, 200, 'another subscriber has the key');
for my $reason (qw(QUOTA_HELD QUOTA_WINDOW)) {
    my ($row) = grep { $_->[0] eq $reason } @rows;
    is(enrol($ue{$reason}, $row->[1], wish('EC', 'P-256'))->{status}, 200, "$reason: one is permitted");
}
$log->holds('before', (qw(GBA0401 GBA0661 GBA0663)) x 3);
is(enrol($ue{NOT_AUTHORISED}, 'bsf', wish('EC', 'P-256'))->{status}, 200, 'NOT_AUTHORISED: one is permitted');
$bsf->always_of($known, { status => 403, cause => 'USER_NOT_ALLOWED' });
sleep 2.1;    # its settings grow old
$log->look;
my $file = spew("$folder/blocked.pem", $pem{KEY_BLOCKED});
is((ctl('key', 'block', '--csr', $file, '--reason', 'a test'))[0]{outcome}, 'ok', 'a key is blocked');

# ---- each reason ----

sub is_clean {
    my ($response, $name) = @_;
    my $all = join "\n", $response->{body}, map { "$_->[0]: $_->[1]" } @{ $response->{fields} };
    unlike($all, qr/$marker/i, "$name: nothing that the UE sent");
    return;
}

sub check_common {
    my ($response, $reason, $profile, $name) = @_;
    is("$response->{status} $response->{protected}", '403 1', "$name: a protected 403");
    like(join(', ', GBA::HTTP::field($response, 'Cache-Control')), qr/\bno-store\b/, "$name: nobody stores it");
    my $until = seconds(scalar GBA::HTTP::field($response, 'Expires'));
    my @want  = (int($asked) + 600, time + 601);
    if ($reason eq 'QUOTA_WINDOW') {
        my ($row) = ctl('list', '--subscriber', $entry{$reason}{impi});
        @want = map { instant($row->{issued_at}) + 5 * 3600 + $_ } -1, 1;
    }
    ok($want[0] <= $until && $until <= $want[1], "$name: Expires") or diag("$until is not within @want");
    is(last_decision(), join(' ', 403, ('refused', $reason, $profile // '-') x 2), "$name: in the access log");
    my ($line) = grep { /GBA0446/ } reverse split /\n/, slurp($server->error_log);
    like($line, qr/reason=$reason\b/, "$name: in the error log");
    like($line, qr/profile=\Q$profile\E\b/, "$name: with its profile") if defined $profile;
    return is_clean($response, $name);
}

sub check_page {
    my ($response, $reason) = @_;
    like(scalar GBA::HTTP::field($response, 'Content-Type'), qr{\Atext/html\b}, "$reason: HTML");
    like(join(', ', GBA::HTTP::field($response, 'Vary')), qr/\bAccept\b/, "$reason: Vary");
    my @decisions = $response->{body} =~ /<meta name="gba-decision" content="([^"]*)">/g;
    is_deeply(\@decisions, ["refused; reason=$reason"], "$reason: one decision element");
    like($response->{body}, qr/<p>\Q$text{$reason}\E<\/p>/, "$reason: the public text");
    return;
}

sub check_problem {
    my ($response, $reason) = @_;
    my $plain = $text{$reason} =~ s/&lt;/</gr =~ s/&gt;/>/gr;
    is(scalar GBA::HTTP::field($response, 'Content-Type'), 'application/problem+json', "$reason: problem details");
    like(join(', ', GBA::HTTP::field($response, 'Vary')), qr/\bAccept\b/, "$reason: Vary with problem details");
    my $problem = eval { JSON::PP::decode_json($response->{body}) };
    is_deeply($problem, { type => 'about:blank', title => 'Forbidden', status => 403, detail => $plain, reason => $reason },
        "$reason: the members of RFC 9457, and the reason") or diag($response->{body});
    return;
}

# A decision that is repeated within a minute is counted in its row.
sub check_ledger {
    my ($reason, $profile) = @_;
    my @found = grep { $_->{reason} eq $reason } ctl('list', '--what', 'decisions');
    is(scalar @found, 1, "$reason: one row in the audit trail");
    my $row = $found[0] || {};
    is($row->{event}, 'refused', "$reason: a refusal");
    is($row->{count}, 4, "$reason: four times");
    is($row->{btid}, $entry{$reason}{btId}, "$reason: who asked");
    is($row->{subscriber}, $reason eq 'NO_IDENTITY' ? undef : $entry{$reason}{impi}, "$reason: the subscriber");
    is($row->{profile} // '', $profile // '', "$reason: the profile");
    like($row->{profile_sha256} // '', $profile ? qr/\A[0-9a-f]{64}\z/ : qr/\A\z/, "$reason: the profile as it was");
    is($row->{serial}, undef, "$reason: no certificate");
    return;
}

for my $row (@rows) {
    my ($reason, $place, undef, undef, $profile) = @$row;
    my ($ue, $pem) = ($ue{$reason}, $pem{$reason});
    my $before = counted($reason);

    my $page = enrol($ue, $place, $pem);
    check_common($page, $reason, $profile, "$reason, page");
    check_page($page, $reason);

    my $problem = enrol($ue, $place, $pem, "text/html;q=0.5, application/problem+json, application/${marker}accept;q=0.1");
    check_common($problem, $reason, $profile, "$reason, problem details");
    check_problem($problem, $reason);

    my $own = enrol($ue, "$place/text", $pem);
    check_common($own, $reason, $profile, "$reason, ErrorDocument with a text");
    is($own->{body}, "the operator's own text", "$reason: the ErrorDocument's text");

    my $instead = enrol($ue, "$place/page", $pem);
    is("$instead->{status} $instead->{protected} $instead->{body}", "403 1 <p>the operator's own page</p>\n", "$reason: the ErrorDocument's page, protected");
    is(last_decision() =~ s/\A403 \S+ \S+ \S+ //r, join(' ', 'refused', $reason, $profile // '-'), "$reason: the access log tells the first request's");
    is_clean($instead, "$reason, ErrorDocument with a page");

    is(counted($reason) - $before, 4, "$reason: each is counted");
    check_ledger($reason, $profile);
    my $fresh = $reason =~ /\A(?:QUOTA|NOT_AUTHORISED)/ ? 0 : 1;
    $log->holds($reason, ('GBA0401') x $fresh, ('GBA0446') x 4, ('GBA0663') x (4 * is_marked($pem)),
        $reason eq 'KEY_TAKEN' ? 'GBA0518' : (), $reason eq 'NOT_AUTHORISED' ? ('GBA1103') x 4 : ());
}

# Only what has other extensions than two says that nobody looks at them.
sub is_marked { my ($pem) = @_; return openssl($pem, qw(req -noout -subject)) =~ /$marker/ ? 1 : 0 }

# ---- the profile as it was is named by its hash ----

my %hash;
push @{ $hash{ $_->{profile} } }, $_->{profile_sha256} for ctl('list');
is(scalar @{ $hash{authentication} }, 4, 'four certificates were made, before');
like($_, qr/\A[0-9a-f]{64}\z/, 'a certificate names its profile by hash') for @{ $hash{authentication} };

$server->stop;
$log->holds('stopping');
$log->finish;
done_testing;
