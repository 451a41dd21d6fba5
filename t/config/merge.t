# SPDX-License-Identifier: Apache-2.0
# Each directive, set for the server, a virtual host, a location and, where it is allowed, in
# .htaccess: what is nearest holds, whole; what is not set is inherited. Seen from outside, by what
# the portal does.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(sleep);
use Time::Local qw(timegm);
use GBA::BSF qw(bootstrapped naf_view);
use GBA::CA qw(certificate make_ca new_key pkcs10 subscriber);
use GBA::Digest qw(read_challenge);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site slurp spew);
use GBA::UE;

my $folder = tempdir('merge.XXXXXX', DIR => site()->{tmp}, CLEANUP => 1);
chmod 0755, $folder;
mkdir "$folder/$_", 0755 or die "$folder: $!\n" for qw(ht pages);
mkdir "$folder/ledger", 0700 or die "$folder: $!\n";
chown scalar getpwnam site()->{user}, scalar getgrnam site()->{group}, "$folder/ledger" if $> == 0;
for my $size (1000, 2000, 3000, 4000, 4001) { spew("$folder/$_/$size", 'x' x $size) for qw(ht pages) }

# ---- subscribers ----
my %who = (
    'pki'    => GBA::CA::entry('pki', [1]),
    'digest' => GBA::CA::entry('digest', [1], ua => '0100000002'),
    '2G'     => GBA::CA::entry('2G', [1], gbaType => '2G_GBA'),
    'Digest' => GBA::CA::entry('Digest', [1], gbaType => 'GBA_DIGEST'),
    'none'   => GBA::CA::entry('none', undef),
);
my @files = map { my $entry = GBA::CA::entry($_, [1]); $who{$_} = $entry;
    spew("$folder/$_.json", JSON::PP::encode_json([$entry]), 0600); $_ } qw(one two three);
make_ca("$folder/ca-$_.pem", "$folder/ca-$_.key") for 1 .. 3;
my $pem = pkcs10(new_key('EC', 'P-256'));
my $bsf = GBA::BSF->start(path => "$folder/bsf.sock", subscribers => [my $asked = bootstrapped('asked', [1])]);
$who{asked} = naf_view($asked);
my $asked_pem = pkcs10(new_key('EC', 'P-256'));

# ---- what a place does: one function per directive, each says it in a word ----

my ($port, $path, $challenge);

sub ue { my ($name, %option) = @_; return GBA::UE->new($who{$name}, port => $port, %option) }

# The challenges of the place.
sub challenges {
    my ($agent) = @_;
    my $http = GBA::HTTP->connect($port);
    $http->send("GET $path/1000 HTTP/1.1\r\nHost: x\r\n" . ($agent ? "User-Agent: $agent\r\n" : '') . "\r\n");
    my @lines = GBA::HTTP::field($http->receive('GET'), 'WWW-Authenticate');
    return map { { map { /\A(\w+)="?([^"]*)"?\z/ } /(\w+=(?:"[^"]*"|[^, ]+))/g } } @lines;
}

# One request with the right credentials, in whatever algorithm and qop the place offers.
sub ask {
    my ($name, $method, $target, %option) = @_;
    my ($offer) = challenges();
    my $qop = (grep { $_ eq 'auth-int' } split /,/, $offer->{qop}) ? 'auth-int' : 'auth';
    my $ue  = ue($name, algorithm => $offer->{algorithm}, qop => $qop, map { $_ => $offer->{$_} } qw(realm nonce opaque));
    $option{auth} ||= {};
    my $response = $ue->exchange($method, $path . $target, %option);
    $response->{ue} = $ue;
    return $response;
}

sub status { my $response = ask(@_); return $response->{status} }
sub enrol  { my ($name) = @_; return ask($name, 'POST', '/1000', type => 'application/x-pkcs10', body => $pem) }

sub issued {
    my $response = enrol('pki');
    return $response->{status} == 200 ? certificate($response->{body}) : { aki => $response->{status}, serial => $response->{status} };
}
sub has    { my (@names) = @_; return join ',', grep { status($_, 'GET', '/1000') == 200 } @names }

sub seconds { my ($text) = @_; my %m; @m{qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec)} = 0 .. 11;
    return $text =~ /\A\w+, (\d+) (\w+) (\d+) (\d+):(\d+):(\d+) GMT\z/ ? timegm($6, $5, $4, $1, $m{$2}, $3) : 0 }

sub hours {
    my ($response) = @_;
    my $left = seconds(scalar GBA::HTTP::field($response, 'Expires') // '') - time;
    return int(($left + 30) / 3600) . 'h';
}
sub expires { return hours(enrol('none')) }

# ---- the policy of enrolment ----

my $enrol   = "SetHandler gba-enrol\n";
my $decided = $enrol . 'Header always set X-Decided "expr=%{reqenv:GBA_PROFILE} %{reqenv:GBA_REASON}"' . "\n";

# The reason of a refusal, else the profile.
my %pem_of;
sub profile_or_reason {
    my ($name) = @_;
    $pem_of{$name} ||= pkcs10(new_key('EC', 'P-256'));
    my $response = ask($name, 'POST', '/1000', type => 'application/x-pkcs10', body => $pem_of{$name});
    my ($profile, $reason) = split / /, GBA::HTTP::field($response, 'X-Decided') // ' ';
    return $reason || $profile || $response->{status};
}

# How many keys of a subscriber of his own are certified, and what refuses the next one.
my $fresh = 0;
sub until_refused {
    my $name = 'fresh' . $fresh++ % 5;
    for my $count (0 .. 3) {
        my $response = ask($name, 'POST', '/1000', type => 'application/x-pkcs10', body => pkcs10(new_key('EC', 'P-256')));
        next if $response->{status} == 200;
        my ($reason) = $response->{body} =~ /reason=(\w+)/;
        return "$count $reason" . ($reason eq 'QUOTA_WINDOW' ? ' ' . hours($response) : '');
    }
    return 'none';
}

# Which rules there are, in the order in which they are asked.
sub rules {
    my %left = map { $_ => 1 } qw(server host location);
    my @order;
    while (%left) {
        my $response = ask('pki', 'POST', '/1000', type => 'application/x-pkcs10', body => $pem, fields => [['X-Deny', join ' ', sort keys %left]]);
        my ($by) = $response->{body} =~ /by (server|host|location)/ or last;
        push @order, $by;
        delete $left{$by};
    }
    return join ',', @order;
}

# nextnonce is taken off before GBA::UE compares the rest to the octet.
my $next;
{
    no warnings 'redefine';
    my $verify = \&GBA::UE::verify;
    *GBA::UE::verify = sub {
        my ($response) = @_;
        $next = 'Off';
        for (grep { lc $_->[0] eq 'authentication-info' } @{ $response->{fields} }) { $next = 'On' if $_->[1] =~ s/, nextnonce="[^"]{60}"\z// }
        return $verify->(@_);
    };
}

# The largest body of these that is let in.
sub body_limit {
    my ($last) = grep { status('pki', 'POST', '/1000', body => 'x' x $_) == 200 } 1000, 500, 100, 10;
    return $last // 0;
}

# From what size on a body is in a file: seen while its last octet is missing.
sub spool {
    my ($server) = @_;
    for my $size (10, 100, 500) {
        my ($offer) = challenges();
        my $ue = ue('pki', algorithm => $offer->{algorithm}, map { $_ => $offer->{$_} } qw(realm nonce opaque));
        my $context = $ue->context('POST', "$path/1000", 'x' x $size, {});
        my ($head, $body) = $ue->octets('POST', "$path/1000", body => 'x' x $size, authorization => [GBA::UE::credentials($context)]);
        my $http = GBA::HTTP->connect($port);
        $http->send($head . substr $body, 0, -1);
        for (1 .. 6) { return $size if files_open($server); sleep 0.05 }
        $http->send('x');
        $http->receive('POST');
    }
    return 'none';
}

sub files_open {
    my ($server) = @_;
    return scalar grep { (readlink($_) // '') =~ m{/gba-spool\.} } map { glob "/proc/$_/fd/*" } $server->children;
}

my $mine = quotemeta site()->{top};
my @rows = (
    { name => 'GBANafFqdn', values => [qw(A.home1.net b.home1.net c.home1.net D.home1.net)], seen => [qw(a.home1.net b.home1.net c.home1.net d.home1.net)],
        probe => sub { my ($offer) = challenges(); return $offer->{realm} =~ s/.*@//r } },
    { name => 'GBAUaProtocol', values => ['digest', 'pki', 'pki digest', 'hex:0100000002'], seen => ['digest', 'pki', 'pki,digest', 'digest'],
        probe => sub { has(qw(pki digest)) } },
    { name => 'GBAKeySource', values => [map { qq("file:$folder/$_.json") } @files], seen => \@files, probe => sub { has(@files) } },
    { name => 'GBAAlgorithms', values => ['MD5', 'SHA-256', 'SHA-512-256 MD5', 'MD5 SHA-256'], seen => ['MD5', 'SHA-256', 'SHA-512-256,MD5', 'MD5,SHA-256'],
        probe => sub { join ',', map { $_->{algorithm} } challenges() } },
    { name => 'GBAQop', values => ['auth', 'auth-int', 'auth-int auth', 'auth'], seen => ['auth', 'auth-int', 'auth,auth-int', 'auth'],
        probe => sub { my ($offer) = challenges(); return $offer->{qop} } },
    { name => 'GBANonceLifetime', values => [qw(200ms 10m 200ms 10m)], seen => [qw(stale good stale good)],
        probe => sub {
            my $ue = ue('pki');
            $ue->authenticate("$path/1000");
            sleep 0.4;
            return $ue->exchange('GET', "$path/1000", auth => {})->{status} == 200 ? 'good' : 'stale';
        } },
    { name => 'GBAAssociationMaxAge', values => [qw(30s 1h 30s 2h)], seen => [qw(401 200 401 200)], probe => sub { status('pki', 'GET', '/1000') } },
    { name => 'GBASettingsMaxAge', values => [qw(200ms 1h 200ms 2h)], seen => [qw(anew known anew known)],
        more => qq(SetHandler gba-enrol\nGBAKeySource "nbsp:unix:$folder/bsf.sock"\n), probe => sub {
            my $enrol = sub { ask('asked', 'POST', '/1000', type => 'application/x-pkcs10', body => $asked_pem)->{status} };
            $enrol->() == 200 or return 'refused';
            sleep 0.4;
            $bsf->look;
            $enrol->() == 200 or return 'refused later';
            return $bsf->calls ? 'anew' : 'known';
        } },
    { name => 'GBARelaxedUri', values => [qw(On Off On Off)], seen => [qw(200 400 200 400)],
        probe => sub { status('pki', 'GET', '/1000?query', auth => { uri => "$path/1000" }) } },
    { name => 'GBANextNonce', values => [qw(On Off On Off)], seen => [qw(On Off On Off)], probe => sub { ask('pki', 'GET', '/1000'); return $next } },
    { name => 'GBAUicc', values => [qw(On Off On Off)], seen => [qw(2 1 2 1)],
        probe => sub { my ($offer) = challenges('x; 3gpp-gba-uicc'); return scalar split /;/, $offer->{realm} } },
    { name => 'GBAAllowType', values => ['2G', '3G', '2G 3G', 'Digest'], seen => ['2G', 'pki', 'pki,2G', 'Digest'], probe => sub { has('pki', '2G', 'Digest') } },
    { name => 'GBARemoteUser', values => [qw(impi btid ueid btid)], seen => [qw(impi btid ueid btid)], modules => ['headers'],
        more => qq(Header always set X-User "expr=%{REMOTE_USER}"\n),
        probe => sub {
            my $user = GBA::HTTP::field(ask('ueid', 'GET', '/1000'), 'X-User') // '';
            my %name = ($who{ueid}{btId} => 'btid', $who{ueid}{impi} => 'impi', 'sip:one@home1.net' => 'ueid');
            return $name{$user} // "'$user'";
        } },
    { name => 'GBARequestBody', values => [qw(10 100 500)], seen => [qw(10 100 500)], probe => \&body_limit },
    { name => 'GBARequestBody (spool)', values => ['1K 9', '1K 99', '1K 499'], seen => [qw(10 100 500)], probe => \&spool },
    # Where an outer section says both and the inner one the first alone, the second is inherited.
    { name => 'GBARequestBody (spool, inherited)', values => ['1K 9', '2K', '3K 99'], seen => [10, 10, 100], probe => \&spool },
    { name => 'GBAResponseBody', values => [qw(2000 3000 4000)], seen => [qw(2000 3000 4000)],
        probe => sub { my ($last) = grep { status('pki', 'GET', "/$_") == 200 } 4001, 4000, 3000, 2000; return $last } },
    { name => 'GBAIssuer', values => [map { qq("$folder/ca-$_.pem" "$folder/ca-$_.key") } 1 .. 3],
        seen => [map { certificate(slurp("$folder/ca-$_.pem"))->{ski} } 1 .. 3], more => "SetHandler gba-enrol\n",
        probe => sub { issued()->{aki} } },
    { name => 'GBALedger', values => [map { qq("sqlite:$folder/ledger/$_.db") } 1 .. 3], seen => [1 .. 3], more => "SetHandler gba-enrol\n",
        probe => sub {
            my $serial = issued()->{serial};
            my ($n) = grep { my $n = $_; grep { index(slurp($_), pack 'H*', $serial) >= 0 || slurp($_) =~ /\Q$serial\E/i } glob "$folder/ledger/$n.db*" } 1 .. 3;
            return $n // 'none';
        } },
    # A certificate of a second's age is to be renewed at a second less than its lifetime.
    { name => 'GBARenewBefore', values => [qw(31535999s 30d 31535999s)], seen => [qw(new same new)], more => "SetHandler gba-enrol\n",
        probe => sub { my $first = issued()->{serial}; sleep 2.2; return issued()->{serial} eq $first ? 'same' : 'new' } },
    { name => 'GBAProfiles', values => ['sign', 'short sign', 'longer'], seen => [qw(NO_FLAG short longer)], more => $decided, modules => ['headers'],
        sections => join('', map { "<GBAProfile $_->[0]>\nGBAProfileFlag $_->[1]\nGBAProfileKeyUsage digitalSignature\n</GBAProfile>\n" } ['first', 1], ['longer', 1], ['short', 1], ['sign', 2]),
        probe => sub { profile_or_reason('pki') } },
    { name => 'GBANafGroup', values => [qw(silver gold lead)], seen => [qw(silver gold lead)], more => $decided, modules => ['headers'],
        probe => sub { join ',', grep { profile_or_reason($_) ne 'NAF_GROUP' } qw(silver gold lead) } },
    # Two values, each inherited by itself; the second goes with its time.
    { name => 'GBAQuota', values => ["1\nGBAQuota 9 per 1d", '2', '3'], seen => ['1 QUOTA_HELD', '2 QUOTA_HELD', '3 QUOTA_HELD'], more => $enrol, probe => \&until_refused },
    { name => 'GBAQuota (window)', values => ["9\nGBAQuota 1 per 1d", '2 per 2h', '3 per 1h'], seen => ['1 QUOTA_WINDOW 24h', '2 QUOTA_WINDOW 2h', '3 QUOTA_WINDOW 1h'], more => $enrol,
        probe => \&until_refused },
    { name => 'GBAQuota (window, inherited)', values => ['2 per 3h', '1', 'Off'], seen => ['2 QUOTA_WINDOW 3h', '1 QUOTA_HELD', 'none'], more => $enrol, probe => \&until_refused },
    { name => 'GBAQuota (held, inherited)', values => ['2', '1 per 3h', '9'], seen => ['2 QUOTA_HELD', '1 QUOTA_WINDOW 3h', '1 QUOTA_WINDOW 3h'], more => $enrol, probe => \&until_refused },
    # Joined, the outer ones first.
    { name => 'GBAEnrolRule', values => [map { qq(deny "%{HTTP:X-Deny} =~ /$_/" "by $_") } qw(server host location)], seen => ['server', 'server,host', 'server,host,location'], more => $enrol,
        probe => \&rules },
    { name => 'GBARefusalExpires', values => [qw(2h 3h 4h)], seen => [qw(2h 3h 4h)], more => "SetHandler gba-enrol\n", probe => \&expires },
);
$who{$_} = GBA::CA::entry($_, undef, ussList => [{ uss => { gsId => 1, gsType => 1, flags => [{ flag => 1 }], nafGroup => $_, ueIds => [{ ueId => "sip:$_\@home1.net" }] } }]) for qw(silver gold lead);
$who{"fresh$_"} = GBA::CA::entry("fresh$_", [1]) for 0 .. 4;
$who{ueid} = GBA::CA::entry('ueid', [1], ussList => [GBA::CA::uss('sip:one@home1.net', 1)]);

# ---- the places ----

# What the inner location sets is something else, so that setting one thing does not unset another.
sub start {
    my ($row) = @_;
    my ($directive) = $row->{name} =~ /\A(\w+)/;
    my ($server, $host, $location, $htaccess) = map { "$directive $_\n" } @{ $row->{values} };
    my $other = $directive eq 'GBANonceLifetime' ? 'GBAAssociationMaxAge 23h' : 'GBANonceLifetime 9m';
    spew("$folder/ht/.htaccess", "AuthType GBA\nRequire valid-user\n" . ($htaccess // ''));
    my %port = map { $_ => GBA::Server::free_port() } qw(host plain);
    my $aliases = join '', map { qq(Alias $_ "$folder/pages"\n) } qw(/loc/inner /loc /page);
    my $started = GBA::Server->start(children => 1, threads => 16, modules => $row->{modules} || [],
        subscribers => [map { $who{$_} } qw(pki digest 2G Digest none ueid silver gold lead), map { "fresh$_" } 0 .. 4], conf => <<"END");
@{[ $row->{sections} // '' ]}
$server
$aliases
Alias /ht "$folder/ht"
Listen 127.0.0.1:$port{host}
Listen 127.0.0.1:$port{plain}
<LocationMatch "^/(page|loc|ht)(/|\$)">
    @{[ $row->{more} // '' ]}
</LocationMatch>
<LocationMatch "^/(page|loc)(/|\$)">
    AuthType GBA
    Require valid-user
</LocationMatch>
<VirtualHost 127.0.0.1:$port{host}>
    $host
    <Location "/loc">
        $location
    </Location>
    <Location "/loc/inner">
        $other
    </Location>
</VirtualHost>
<VirtualHost 127.0.0.1:$port{plain}>
    ServerName plain.home1.net
</VirtualHost>
<Directory "$folder/ht">
    AllowOverride AuthConfig
    AcceptPathInfo On
</Directory>
END
    return ($started, \%port, defined $htaccess);
}

for my $row (@rows) {
    my ($server, $ports, $htaccess) = start($row);
    my @places = (['server', $server->port, '/page', 0], ['virtual host that says nothing', $ports->{plain}, '/page', 0],
        ['virtual host', $ports->{host}, '/page', 1], ['location', $ports->{host}, '/loc', 2],
        ['location inside that sets something else', $ports->{host}, '/loc/inner', 2]);
    push @places, ['.htaccess', $ports->{host}, '/ht', 3] if $htaccess;
    for my $place (@places) {
        (my $name, $port, $path, my $which) = @$place;
        is($row->{probe}->($server), $row->{seen}[$which], "$row->{name}, $name");
    }
    $server->stop;
}

# ---- what may not be in .htaccess is refused there: 500, and said in the log ----
{
    spew("$folder/ht/.htaccess", "AuthType GBA\nRequire valid-user\n");
    my $server = GBA::Server->start(children => 1, threads => 16, subscribers => [$who{pki}], conf => <<"END");
Alias /ht "$folder/ht"
Alias /none "$folder/ht"
Alias /nothing "$folder/ht"
<Directory "$folder/ht">
    AllowOverride AuthConfig
</Directory>
END
    ($port, $path) = ($server->port, '/ht');
    challenges();
    my $log = GBA::Log->watch($server->error_log);
    is(status('pki', 'GET', '/1000'), 200, 'AuthType GBA in .htaccess');
    $log->holds('AuthType', 'GBA0401');
    for my $line ('GBAKeySource file:x', 'GBALaboratory On', 'GBAAssociations 64', 'GBARequestBody 1K', 'GBAResponseBody 1K',
        'GBAIssuer a b', 'GBALedger sqlite:x', 'GBARefusalExpires 1d', 'GBARenewBefore 1d',
        'GBAProfiles authentication', 'GBANafGroup x', 'GBAQuota 1', 'GBAEnrolRule deny true no') {
        my ($directive) = split ' ', $line;
        spew("$folder/ht/.htaccess", "AuthType GBA\nRequire valid-user\n$line\n");
        my $response = GBA::UE->new($who{pki}, port => $port)->exchange('GET', '/ht/1000', auth => 0);
        is($response->{status}, 500, "$directive in .htaccess: refused");
        my @said = grep { /\[core:alert\]/ } $log->look;
        like("@said", qr{\.htaccess: $directive not allowed here}, "$directive in .htaccess: said so");
    }
    for my $line ('GBAQop none', 'GBAAlgorithms SHA-3', 'GBANonceLifetime 5') {
        my ($directive, $value) = split ' ', $line;
        spew("$folder/ht/.htaccess", "AuthType GBA\nRequire valid-user\n$line\n");
        my $response = GBA::UE->new($who{pki}, port => $port)->exchange('GET', '/ht/1000', auth => 0);
        is($response->{status}, 500, "$line in .htaccess: refused");
        my @said = grep { /\[core:alert\]/ } $log->look;
        like("@said", qr{\.htaccess: $directive: '$value' given, .* expected}, "$line in .htaccess: said why");
    }
    $server->stop;
    $log->finish;
}
# Where no override is allowed, httpd does not look at the file: the folder is what the server says.
{
    spew("$folder/ht/.htaccess", "AuthType GBA\nRequire valid-user\n");
    my $server = GBA::Server->start(children => 1, conf => qq(Alias /ht "$folder/ht"\n<Directory "$folder/ht">\nAllowOverride FileInfo\n</Directory>\n));
    my $http = GBA::UE->new($who{pki}, port => $server->port);
    is($http->exchange('GET', '/ht/1000', auth => 0)->{status}, 500, 'AuthType GBA in .htaccess without AllowOverride AuthConfig: refused');
    like(slurp($server->error_log), qr/AuthType not allowed here/, 'and said so');
    $server->stop;
}

# ---- GBAAssociations: how large the shared table is ----
{
    my %size;
    no warnings 'portable';
    for my $count (64, 16_384) {
        my $server = GBA::Server->start(children => 1, conf => $count == 16_384 ? '' : "GBAAssociations $count\n");
        # Answered: then it is past the first of its two passes over the configuration.
        GBA::UE->new($who{pki}, port => $server->port)->exchange('GET', '/', auth => 0);
        open my $maps, '<', '/proc/' . $server->pid . '/maps' or die "maps: $!\n";
        while (<$maps>) { /\A([0-9a-f]+)-([0-9a-f]+) rw-s / and $size{$count} += hex($2) - hex($1) }
        $server->stop;
    }
    note("segments: $size{64} and $size{16_384} octets");
    cmp_ok($size{16_384} - $size{64}, '>', 1000 * (16_384 - 64), 'GBAAssociations: the default is 16384');
}

done_testing;
