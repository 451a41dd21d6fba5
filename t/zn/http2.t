#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The BSF behind nghttpx: HTTP/2 over TLS with client certificates and by prior knowledge, both sides
# verified, look-ups multiplexed; and OAuth2 (TS 29.500 5.2, 6.7.3, 13.4.1; TS 29.309 6.1.9).

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(sleep time);
use GBA::BSF;
use GBA::BSF::Front;
use GBA::BSF::Scene qw(outcome);
use GBA::BSF::Server;
use GBA::Crowd;
use GBA::Site qw(site slurp spew);

my $why = GBA::BSF::Front::missing();
plan skip_all => $why if $why;

my $top    = site()->{top};
my $pki    = GBA::BSF::Front::pki("$top/run/zn-pki");
my $bsf    = GBA::BSF->start;
my $tls    = GBA::BSF::Front->start($bsf, tls => $pki->{server}, clients => $pki->{ca});
my $other  = GBA::BSF::Front->start($bsf, tls => $pki->{elsewhere}, clients => $pki->{ca});
my $old    = GBA::BSF::Front->start($bsf, tls => $pki->{server}, options => ['--tls-max-proto-version=TLSv1.1', '--tls-min-proto-version=TLSv1.0',
    '--ciphers=DEFAULT:@SECLEVEL=0']);
my $plain  = GBA::BSF::Front->start($bsf);
my $secret = 'correct horse+battery/staple=&%';
spew("$top/run/zn-secret", "$secret\n", 0600);
spew("$top/run/zn-wrong",  "wrong\n", 0600);
my $guarded = GBA::BSF->start;
my $nrf     = GBA::BSF->start;
my $scope   = 'nbsp-gba';

sub section {
    my ($name, $url, @lines) = @_;
    return join "\n", "<GBABsf $name>", "GBABsfDomain $name.home1.net", "GBABsfAddress $url", @lines, "GBABsfTimeout 2s 6s", "</GBABsf>", '';
}
sub cert { my ($name) = @_; return qq(GBABsfCertificate "$pki->{$name}.pem" "$pki->{$name}.key") }
my $ca       = qq(GBABsfCA "$pki->{ca}.pem");
my $other_ca = qq(GBABsfCA "$pki->{other_ca}.pem");
my $one      = 'GBABsfProtocol http/1.1';
my $at       = $guarded->url . '/oauth2/token';
my %sections = (
    tls      => section('tls',      $tls->url, $ca, cert('client')),
    one      => section('one',      $tls->url, $ca, cert('client'), $one),
    nobody   => section('nobody',   $tls->url, $ca),
    stranger => section('stranger', $tls->url, $ca, cert('stranger')),
    distrust => section('distrust', $tls->url, $other_ca, cert('client')),
    system   => section('system',   $tls->url, cert('client')),
    name     => section('name',     $other->url, $ca, cert('client')),
    old      => section('old',      $old->url, $ca),
    plain    => section('plain',    $plain->url),
    onetls   => section('onetls',   $plain->url =~ s/http:/https:/r, $ca),
    token    => section('token',    $guarded->url, $one, qq(GBABsfToken $at naf-1 "$top/run/zn-secret" $scope)),
    wrong    => section('wrong',    $guarded->url, $one, qq(GBABsfToken $at naf-1 "$top/run/zn-wrong" $scope)),
);
my $source = join ' ', map { "nbsp:$_" } sort keys %sections;
my $scene  = GBA::BSF::Scene->start(bsf => $bsf, sections => join('', map { $sections{$_} } sort keys %sections), source => $source,
    threads => 32);
my $failed = [qr/\AGBA11[0-9]{2}\z/];
my $down   = '503 retry 30';

sub ue { my ($name, @more) = @_; return $scene->ue([1], domain => "$name.home1.net", @more) }

# ---- TLS and HTTP/2 ----
{
    $scene->row('h2 over TLS, both certified', $scene->ask(ue('tls')), wanted => '200 protected', calls => 1);
    my ($line) = $tls->lines(1);
    like($line, qr{\A[0-9]+ h2 200 /nbsp-gba/v1/bootstrapping-info-retrieval CN=client\z}, 'nghttpx saw HTTP/2 and the certificate');
    $scene->row('HTTP/1.1 where it is said', $scene->ask(ue('one')), wanted => '200 protected', calls => 1);
    like(join('', $tls->lines(1)), qr{ http/1\.1 200 }, 'nghttpx saw HTTP/1.1');
    $scene->row('h2c by prior knowledge', $scene->ask(ue('plain')), wanted => '200 protected', calls => 1);
    like(join('', $plain->lines(1)), qr{\A[0-9]+ h2c? 200 }, 'nghttpx saw HTTP/2');
}
for my $row (
    ['nobody',   'no client certificate',                 qr/certificate|alert|SSL|TLS|broken pipe|reset/i],
    ['stranger', 'a client certificate of another CA',    qr/certificate|alert|SSL|TLS|broken pipe|reset/i],
    ['distrust', 'a server certificate of another CA',    qr/certificate|SSL|TLS/i],
    ['system',   'without GBABsfCA, a CA that the system does not know', qr/certificate|SSL|TLS/i],
    ['name',     'a server certificate for another name', qr/certificate|name|SSL|TLS/i],
    ['old',      'a TLS version that is no longer one',   qr/SSL|TLS|version|protocol/i],
    ['onetls',   'no TLS at all behind https:',           qr/SSL|TLS/i],
) {
    my ($name, $what, $says) = @$row;
    $scene->row($what, $scene->ask(ue($name)), wanted => $down, tags => $failed, says => $says, calls => 0);
}
$scene->row('afterwards', $scene->ask(ue('tls')), wanted => '200 protected', calls => 1);

# ---- many at once, one connection ----

# libcurl before 8.0 cannot use an h2c connection twice.
my ($libcurl) = `curl --version` =~ m{libcurl/([0-9]+)};
my $h2c_is_kept = $libcurl >= 8;
for my $row (['tls', $tls], ['plain', $plain]) {
    my ($name, $front) = @$row;
    my $number = 24;
    my @ues    = map { ue($name) } 1 .. $number;
    $scene->ask(ue($name));
    $front->lines(1);
    $bsf->look;
    $bsf->always({ delay => 2 });
    my $crowd   = GBA::Crowd->new($number, sub { return sub { return $scene->ask($ues[$_[0]])->{status} } });
    my $begun   = time;
    my @answers = $crowd->do(0 .. $number - 1);
    my $took    = time - $begun;
    is($crowd->finish, 0, "$name: $number new UEs at once: every answer is whole");
    is(scalar(grep { $_->[1] == 200 } @answers), $number, "$name: each has his key");
    my $seen = $bsf->look;
    $bsf->rightly;
    is(scalar(@{ $seen->{calls} }), $number, "$name: by a look-up of his own");
    cmp_ok($seen->{peak}, '>=', $number / 2, "$name: at the same time ($seen->{peak} of them)");
    cmp_ok($took, '<', $number, sprintf '%s: in %.1f s', $name, $took);
    my %port = map { (split)[0] => 1 } $front->lines($number);
    if ($name eq 'plain' && !$h2c_is_kept) {
        is(scalar(keys %port), $number, "$name: each over a connection of its own, with this libcurl");
    } else {
        is(scalar(keys %port), 1, "$name: over one connection");
    }
    $scene->log->look;
}

# nghttpx goes and comes: its connection is lost, and nobody is told unless there is nobody to ask.
{
    $tls->stop;
    is(outcome($scene->ask(ue('tls'))), $down, 'nghttpx is away');
    $tls->spawn;
    my $last;
    for (1 .. 50) { $last = outcome($scene->ask(ue('tls'))); last if $last =~ /200/; sleep 0.1 }
    is($last, '200 protected', 'and back');
    $tls->stop;
    $tls->spawn;
    is(outcome($scene->ask(ue('tls'))), '200 protected', 'started anew between two look-ups: nobody notices');
    $scene->log->look;
    $bsf->look;
}

# ---- OAuth2 client credentials ----

sub guarded {
    my ($name, $wanted, $calls, $tokens, %more) = @_;
    my $ue = ue($more{who} // 'token', bsf => $guarded);
    $guarded->look;
    my $response = $scene->ask($ue);
    my $seen = $guarded->look;
    $scene->row($name, $response, wanted => $wanted, tags => $wanted =~ /200/ ? $more{tags} // [] : $more{failed} // $failed, says => $more{says});
    is(scalar(@{ $seen->{calls} }), $calls, "$name: look-ups");
    is(scalar(@{ $seen->{tokens} }), $tokens, "$name: tokens asked for");
    return $seen;
}
sub bearer { my ($call) = @_; return GBA::BSF::Server::field($call, 'Authorization') // 'none' }
my @tokens;

$guarded->tokens(id => 'naf-1', secret => $secret, scope => $scope);
{
    my $seen = guarded('the first look-up', '200 protected', 1, 1);
    my ($ask) = @{ $seen->{tokens} };
    is(GBA::BSF::Server::field($ask, 'Content-Type'), 'application/x-www-form-urlencoded', 'a token is asked for by a form');
    like($ask->{body}, qr/(?:\A|&)grant_type=client_credentials(?:&|\z)/, 'with the client\'s own rights');
    like($ask->{body}, qr/(?:\A|&)scope=nbsp-gba(?:&|\z)/, 'for Nbsp_GBA');
    is($ask->{method}, 'POST', 'which is posted');
    push @tokens, bearer($seen->{calls}[0]);
    like($tokens[0], qr/\ABearer token-/, 'the look-up has it');
}
{
    my $seen = guarded('the second look-up', '200 protected', 1, 0);
    is(bearer($seen->{calls}[0]), $tokens[0], 'it is kept');
}
$guarded->revoke;
{
    my $seen = guarded('the BSF knows it no more', '200 protected', 2, 1);
    isnt(bearer($seen->{calls}[1]), $tokens[0], 'one refresh, and once more');
    guarded('and then', '200 protected', 1, 0);
}
{
    $guarded->revoke;
    my @ues   = map { ue('token', bsf => $guarded) } 1 .. 12;
    $guarded->look;
    my $crowd = GBA::Crowd->new(12, sub { return sub { return $scene->ask($ues[$_[0]])->{status} } });
    my @answers = $crowd->do(0 .. 11);
    is($crowd->finish, 0, 'a dozen at once without a good token: every answer is whole');
    is(scalar(grep { $_->[1] == 200 } @answers), 12, 'each has his key');
    my $asked = @{ $guarded->look->{tokens} };
    is($asked, 1, 'one token for them all');
    $scene->log->look;
}
{
    # Good for four seconds, and then asked for before a BSF has to complain.
    $guarded->tokens(id => 'naf-1', secret => $secret, scope => $scope, lives => 4);
    $guarded->revoke;
    guarded('a token of four seconds', '200 protected', 2, 1);
    sleep 4.2;
    guarded('after its end', '200 protected', 1, 1);
}
{
    # What it gives is never good.
    $guarded->tokens(id => 'naf-1', secret => $secret, scope => $scope, really_lives => -1);
    $guarded->revoke;
    my $seen = guarded('every token is refused', $down, 2, 1, says => qr/401/);
    $guarded->tokens(id => 'naf-1', secret => $secret, scope => $scope);
    sleep 1.2;
    my $ue = ue('token', bsf => $guarded);
    is(outcome($scene->ask($ue)), '200 protected', 'until one is good');
    $scene->log->look;
}
for my $row (
    ['400 invalid_client',      { status => 400, body => '{"error":"invalid_client"}' }, qr/invalid_client/],
    ['401',                     { status => 401, body => '{"error":"invalid_client"}' }, qr/401/],
    ['500',                     { status => 500, body => 'x', type => 'text/html' },     qr/500/],
    ['no JSON',                 { body => '<p>' },                                       qr/JSON/],
    ['no token in it',          { body => '{"token_type":"Bearer"}' },                   qr/access_token/],
    ['a token that is no text', { body => '{"access_token":1,"token_type":"Bearer"}' },  qr/access_token/],
    ['a token with a line end', { body => '{"access_token":"a\r\nX: y","token_type":"Bearer"}' }, qr/access_token/],
    ['a token of another type', { body => '{"access_token":"a","token_type":"mac"}' },   qr/token_type/],
    ['10 MB',                   { body => ['{"access_token":"', ['x', 10 * 1024 * 1024], '"}'] }, undef],
    ['no answer',               { hang => 1 },                                           undef],
) {
    my ($name, $answer, $says) = @$row;
    $guarded->revoke;
    # The old one is refused first, then no other is to be had.
    $guarded->next_token($answer);
    guarded("the token endpoint says: $name", $down, 1, 1, says => $says, failed => $name eq 'no JSON' ? ['GBA0202'] : undef);
    sleep 1.1;
    my $ue = ue('token', bsf => $guarded);
    is(outcome($scene->ask($ue)), '200 protected', "$name: a second later it is asked again");
    $scene->log->look;
}
guarded('a wrong client secret', $down, 0, 1, who => 'wrong', says => qr/invalid_client/);
{
    my $log = slurp($scene->server->error_log);
    my @bad = grep { index($log, $_) >= 0 } $secret, encode_base64("naf-1:$secret", ''), map { s/\ABearer //r } @tokens;
    is(scalar(@bad), 0, 'no log line has the client secret or a token');
}
$scene->finish;
done_testing;
