#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The environment GBA_*: of what runs in a location, by whatever way the request comes there.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use File::Temp qw(tempdir);
use Test::More;
use GBA::CA qw(subscriber);
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site slurp spew);
use GBA::UE;

my $imsi = 1_060_000_001;
sub uss {
    my ($type, $ids, @flags) = @_;
    my %uss = (gsId => $type, gsType => $type, ueIds => [map { { ueId => $_ } } @$ids]);
    $uss{flags} = [map { { flag => $_ } } @flags] if @flags;
    return { uss => \%uss };
}
sub entry { my ($name, %more) = @_; return ($name => GBA::CA::entry($name, undef, impi => GBA::CA::impi($imsi++), %more)) }
my %subscriber = (
    entry('full', keyExpiryTime => '2099-01-02T03:04:05Z', ussList =>
        [uss(1, ['sip:one@home1.net', 'tel:+15550001'], 1, 2), uss(4, ['sip:one@home1.net', 'sip:"x"@home1.net'], 2)]),
    entry('bare', map { $_ => undef } qw(keyExpiryTime bootstrappingInfoCreationTime gbaType impi)),
    entry('2g',     gbaType => '2G_GBA'),
    entry('digest', gbaType => 'GBA_DIGEST', ua => '0100000002'),
);
my $born = $subscriber{full}{bootstrappingInfoCreationTime};

# ---- pages, and locations around one CGI script ----
my $pages = tempdir('pages.XXXXXX', DIR => site()->{tmp}, CLEANUP => 1);
chmod 0755, $pages or die "$pages: $!\n";
spew("$pages/ways.shtml", <<'END');
echo=<!--#echo encoding="none" var="GBA_BTID" -->
<!--#include virtual="/env/in?env" -->
after=<!--#if expr="http('X-3GPP-Asserted-Identity') == '%{env:GBA_UE_IDS}'" -->same<!--#else -->other<!--#endif -->
END

my $cgi    = (($ENV{GBA_MPM} || 'event') eq 'prefork') ? 'cgi' : 'cgid';
my $script = site()->{top} . '/t/cgi/echo.pl';
my $server = GBA::Server->start(children => 2, modules => [$cgi, qw(include rewrite filter setenvif actions)],
    subscribers => [values %subscriber], conf => <<"END");
ScriptAliasMatch "^/(env|open)/" "$script"
Alias "/pages" "$pages"
LogFormat "%{X-Mark}i %{X-3GPP-Asserted-Identity}i" heard
CustomLog "heard" heard
<LocationMatch "^/(env|pages)/">
    AuthType GBA
    Require valid-user
    GBAQop auth-int auth
    GBAUaProtocol pki digest
    GBAAllowType 3G 2G Digest
    CGIPassAuth On
</LocationMatch>
<Location "/pages">
    Options +Includes
    AddType text/html .shtml
    AddOutputFilter INCLUDES .shtml
    RewriteEngine On
    RewriteRule "to-script\$" "/env/in?env" [PT]
    RewriteRule "to-open\$" "/open/out?env" [PT]
</Location>
<Location "/pages/error-in">
    ErrorDocument 404 /env/in?env
</Location>
<Location "/pages/error-out">
    ErrorDocument 404 /open/out?env
</Location>
<Location "/pages/impi">
    GBARemoteUser impi
</Location>
# An environment that was there before, whoever set it: what the BSF does not say is not there.
<Location "/env/before">
    SetEnvIf Request_Method . GBA_IMPI=forged GBA_FLAGS=forged GBA_BTID=forged
</Location>
END
my $log = GBA::Log->watch($server->error_log);
my %ue  = map { $_ => GBA::UE->new($subscriber{$_}, port => $server->port) } keys %subscriber;
$ue{$_}->authenticate('/env/in') for sort keys %ue;
$log->holds('challenges', ('GBA0401') x keys %ue);

sub environment {
    my ($body, $pattern) = @_;
    my %all = $body =~ /^([A-Za-z0-9_]+)=(.*)$/mg;
    return { map { $_ => $all{$_} } grep { /$pattern/ } keys %all };
}

sub get {
    my ($name, $target, %option) = @_;
    my $answer = $ue{$name}->request('GET', $target, %option);
    return ($answer, environment($answer->{body}, qr/GBA_/));
}

# ---- what is told ----
my %common = (GBA_NAF_FQDN => 'pkiportal.home1.net', GBA_UA_PROTOCOL => '0100000000', GBA_QOP => 'auth-int', GBA_ALGORITHM => 'SHA-256');
sub seconds { my ($text) = @_; require Time::Local; my ($y, $mo, $d, $h, $mi, $s) = $text =~ /\d+/g; return Time::Local::timegm($s, $mi, $h, $d, $mo - 1, $y) }
sub identity_of { my ($s) = @_; return (GBA_BTID => $s->{btId}, GBA_IMPI => $s->{impi}, GBA_KEY_EXPIRES => seconds($s->{keyExpiryTime}), GBA_BOOTSTRAPPED => seconds($s->{bootstrappingInfoCreationTime})) }
my %told = (
    full   => { %common, GBA_TYPE => '3G', identity_of($subscriber{full}), GBA_KEY_EXPIRES => 4071006245,
                GBA_UE_IDS => '"sip:one@home1.net", "tel:+15550001"', GBA_FLAGS => '1, 2' },
    bare   => { %common, GBA_TYPE => '3G', GBA_BTID => $subscriber{bare}{btId} },
    '2g'   => { %common, GBA_TYPE => '2G', identity_of($subscriber{'2g'}) },
    digest => { %common, GBA_TYPE => 'Digest', identity_of($subscriber{digest}), GBA_UA_PROTOCOL => '0100000002' },
);
for my $name (sort keys %told) {
    my ($answer, $got) = get($name, '/env/in?env');
    is("$answer->{status} $answer->{protected}", '200 1', "$name: served");
    is_deeply($got, $told{$name}, "$name: the environment") or diag(explain($got));
    $log->holds($name);
}
for my $row (['MD5', 'auth-int'], ['MD5', 'auth'], ['SHA-256', 'auth']) {
    my ($algorithm, $qop) = @$row;
    my $ue = GBA::UE->new($subscriber{full}, algorithm => $algorithm, qop => $qop, port => $server->port);
    my $got = environment($ue->request('GET', '/env/in?env')->{body}, qr/GBA_/);
    is_deeply($got, { %{ $told{full} }, GBA_ALGORITHM => $algorithm, GBA_QOP => $qop }, "$algorithm, $qop: the environment says so");
    $log->holds("$algorithm, $qop", 'GBA0401');
}

# ---- what the UE says is not heard ----
{
    my @fields = (['GBA-Impi', 'x'], ['GBA_IMPI', 'x'], ['gba-btid', 'x'], ['X-3GPP-Authorization-Flags', '9'], ['X-3GPP-Asserted-Identity', 'x']);
    my $answer = $ue{bare}->request('GET', '/env/in?env', fields => [@fields]);
    is_deeply(environment($answer->{body}, qr/GBA_|3GPP|AUTHORIZATION/), $told{bare}, 'forged fields are no environment, and there is no Authorization');
    my ($before, $got) = get('bare', '/env/before?env');
    is_deeply($got, $told{bare}, 'what was there before is replaced or removed');
    ($before, $got) = get('full', '/env/before?env');
    is_deeply($got, $told{full}, 'what was there before is replaced');
    $log->holds('forged');
}

# ---- ways to the script ----
{
    my ($answer, $got) = get('full', '/pages/to-script');
    is_deeply(environment($answer->{body}, qr/\A(?:GBA_|REMOTE_USER)/), { %{ $told{full} }, REMOTE_USER => $told{full}{GBA_BTID} },
        'an internal redirect: the same environment');
    my %old = %{ environment($answer->{body}, qr/REDIRECT_GBA_/) };
    is_deeply({ map { s/\AREDIRECT_//r => $old{$_} } keys %old }, $told{full}, 'and what it was before the redirect');
    is($answer->{protected}, 1, 'protected');
    $log->holds('an internal redirect');
}
for my $way (['/pages/error-in/nothing', 404], ['/pages/impi/to-script', 200]) {
    my ($target, $status) = @$way;
    my ($answer) = get('full', $target);
    is("$answer->{status} $answer->{protected}", "$status 1", "$target: served");
    is_deeply(environment($answer->{body}, qr/\AGBA_/), $told{full}, "$target: the same environment");
    is(environment($answer->{body}, qr/\AREMOTE_USER\z/)->{REMOTE_USER}, $told{full}{GBA_BTID}, "$target: the name is that of where it runs");
    $log->holds($target);
}
for my $target ('/pages/to-open', '/pages/error-out/nothing') {
    my ($answer) = get('full', $target);
    is($answer->{protected}, 1, "$target: an open location that an authenticated request leads to");
    is_deeply(environment($answer->{body}, qr/\A(?:GBA_|REMOTE_USER|HTTP_X_3GPP)/), {}, "$target: is told nothing, it has no AuthType GBA");
    $log->holds($target);
}
for my $auth (0, { nonce => 'x', realm => 'x', opaque => 'x' }) {
    my $answer = $ue{full}->exchange('GET', '/open/out?env', auth => $auth, fields => [['GBA_IMPI', 'x'], ['GBA-IMPI', 'x']]);
    is_deeply(environment($answer->{body}, qr/\A(?:GBA_|REDIRECT_GBA_|REMOTE_USER)/), {}, 'an open location: nothing');
}
$log->holds('an open location');

# ---- a page with a subrequest ----
{
    my ($answer, $got) = get('full', '/pages/ways.shtml', fields => [['X-Mark', 'ways']]);
    is("$answer->{status} $answer->{protected}", '200 1', 'a page with a subrequest');
    is_deeply(environment($answer->{body}, qr/\AGBA_/), $told{full}, "the script's environment");
    is(environment($answer->{body}, qr/\Aecho\z/)->{echo}, $told{full}{GBA_BTID}, "and the page's own");
    is(environment($answer->{body}, qr/\Aafter\z/)->{after}, 'same', 'the field for application servers, after the subrequest');
    my $line = '';
    for (1 .. 250) {
        ($line) = slurp($server->dir . '/heard') =~ /^ways (.*)\n/m and last;
        select undef, undef, undef, 0.02;
    }
    # mod_log_config escapes quotation marks.
    is($line =~ s/\\"/"/gr, $told{full}{GBA_UE_IDS}, 'and when the request is logged');
    $log->holds('a subrequest');
}

$server->stop;
$log->finish;
done_testing;
