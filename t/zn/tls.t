#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# "GBAUaProtocol tls": inside TLS the Ua security protocol identifier is 01 00 01 and the two octets of the
# cipher suite (TS 33.220 H.3, TS 33.222 5.3; octets from the IANA registry of TLS). Skipped without mod_ssl.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Apache::Test ();
use JSON::PP ();
use Test::More;
use GBA::BSF;
use GBA::BSF::Front;
use GBA::BSF::Scene qw(outcome);
use GBA::CA qw(new_key pkcs10);
use GBA::Server;
use GBA::Site qw(site slurp spew);
use GBA::UE;

my $modules = Apache::Test::config()->apxs('LIBEXECDIR') || '/usr/lib/apache2/modules';
plan skip_all => 'no mod_ssl (Debian: apache2-bin)' unless -e "$modules/mod_ssl.so";
plan skip_all => 'no curl (Debian: curl)' if system('curl --version >/dev/null 2>&1') != 0;

my $pki   = GBA::BSF::Front::pki(site()->{top} . '/run/zn-tls-pki');
my $docs  = Apache::Test::vars()->{documentroot} . '/docs';
my $tmp   = site()->{tmp} . '/zn-tls';
my $port  = GBA::Server::free_port();
my $bsf   = GBA::BSF->start;
my $scene = GBA::BSF::Scene->start(bsf => $bsf, modules => ['socache_shmcb', 'ssl'], conf => <<"END");
Listen 127.0.0.1:$port
Alias /tls "$docs"
Alias /either "$docs"
<LocationMatch "^/(tls|either)/">
    AuthType GBA
    Require valid-user
</LocationMatch>
<Location "/tls">
    GBAUaProtocol tls
</Location>
<Location "/either">
    GBAUaProtocol tls pki
</Location>
<Location "/enrol">
    GBAEnrolRule require "%{SSL_CIPHER} == 'TLS_AES_256_GCM_SHA384'" "Not over this suite."
</Location>
<VirtualHost 127.0.0.1:$port>
    SSLEngine On
    SSLCertificateFile "$pki->{server}.pem"
    SSLCertificateKeyFile "$pki->{server}.key"
    SSLProtocol -all +TLSv1.2 +TLSv1.3
    SSLCipherSuite ALL
</VirtualHost>
END

# One request in a TLS connection of its own, which curl makes; the credentials are ours.
sub request {
    my ($ue, $page, $suite, %option) = @_;
    my $method  = exists $option{body} ? 'POST' : 'GET';
    my $context = exists $option{context} ? $option{context} : $ue->context($method, $page, $option{body} // '', {});
    my @how     = $suite =~ /\ATLS_/ ? ('--tlsv1.3', '--tls13-ciphers', $suite) : ('--tls-max', '1.2', '--ciphers', $suite);
    push @how, '-H', 'Authorization: ' . GBA::UE::credentials($context) if $context;
    push @how, '-H', 'Content-Type: application/x-pkcs10', '--data-binary', '@' . spew("$tmp.sent", $option{body}) if exists $option{body};
    unlink "$tmp.head", "$tmp.body";
    system('curl', '-sS', '--http1.1', '--max-time', 30, '--cacert', "$pki->{ca}.pem", @how, '-D', "$tmp.head", '-o', "$tmp.body",
        "https://127.0.0.1:$port$page") == 0 or die "curl ended with $?\n";
    my ($status, @lines) = split /\r\n/, slurp("$tmp.head");
    my $response = { status => (split ' ', $status)[1], body => -e "$tmp.body" ? slurp("$tmp.body") : '',
        fields => [map { /\A([^:]+):\s*(.*)\z/ ? [$1, $2] : () } @lines] };
    $response->{protected} = GBA::UE::verify($response, $context);
    return $response;
}
sub asked { return map { JSON::PP::decode_json($_->{body})->{nafId}{uaSecProtId} } $bsf->calls }

for my $row (
    ['TLS_AES_128_GCM_SHA256',        '1301'],
    ['TLS_AES_256_GCM_SHA384',        '1302'],
    ['TLS_CHACHA20_POLY1305_SHA256',  '1303'],
    ['ECDHE-ECDSA-AES128-GCM-SHA256', 'c02b'],
    ['ECDHE-ECDSA-AES256-GCM-SHA384', 'c02c'],
    ['ECDHE-ECDSA-CHACHA20-POLY1305', 'cca9'],
    ['ECDHE-ECDSA-AES128-SHA',        'c009'],
    ['ECDHE-ECDSA-AES128-SHA256',     'c023'],
) {
    my ($suite, $code) = @$row;
    my $ue = $scene->ue([1], ua => "010001$code");
    ok($ue->take_challenge(request($ue, '/tls/hello.txt', $suite, context => undef)), "$suite: a challenge");
    $scene->log->look;
    $bsf->look;
    $scene->row($suite, request($ue, '/tls/hello.txt', $suite), wanted => '200 protected');
    is(join(' ', asked()), "010001$code", "$suite: its octets are asked for");
    # Whoever derives by another rule is found by the next in the list.
    my $other = $scene->ue([1]);
    $other->take_challenge(request($other, '/either/hello.txt', $suite, context => undef));
    $scene->log->look;
    $bsf->look;
    is(outcome(request($other, '/either/hello.txt', $suite)), '200 protected', "$suite: or that of pki");
    is(join(' ', asked()), "010001$code 0100000000", "$suite: each once, in order");
    $scene->log->look;
}

# A suite belongs to its connection.
{
    my $ue = $scene->ue([1], ua => '0100011301');
    $ue->take_challenge(request($ue, '/tls/hello.txt', 'TLS_AES_128_GCM_SHA256', context => undef));
    is(outcome(request($ue, '/tls/hello.txt', 'TLS_AES_128_GCM_SHA256')), '200 protected', 'a key of the suite');
    is(outcome(request($ue, '/tls/hello.txt', 'TLS_AES_256_GCM_SHA384')), '401 bootstrap', 'is no key on a connection of another');
    is(outcome(request($ue, '/tls/hello.txt', 'TLS_AES_128_GCM_SHA256')), '200 protected', 'and still is one on its own');
    $scene->log->look;
}

# Without TLS there is no suite: nobody is asked for one that is made up.
{
    my $ue = $scene->ue([1]);
    $bsf->look;
    my $response = $scene->ask($ue, '/either/hello.txt');
    is(outcome($response), '200 protected', 'without TLS the others of the list are left');
    is(join(' ', asked()), '0100000000', 'and they alone are asked for');
    $response = $scene->ask($scene->ue([1]), '/tls/hello.txt');
    like(outcome($response), qr/\A(?:401 bootstrap|500|403)\z/, 'where there is nothing else the UE is not let in');
    is(join(' ', asked()), '', 'and nobody is asked');
    $scene->log->look;
}
# A rule may ask for the suite; without TLS there is none.
{
    my $ue  = $scene->ue([1]);
    my $pem = pkcs10(new_key('EC', 'P-256'));
    $ue->take_challenge(request($ue, '/enrol', 'TLS_AES_128_GCM_SHA256', context => undef));
    my $refused = request($ue, '/enrol', 'TLS_AES_128_GCM_SHA256', body => $pem);
    is("$refused->{status} $refused->{protected}", '403 1', 'a rule refuses a suite');
    like($refused->{body}, qr/"refused; reason=RULE".*Not over this suite\./s, 'and says so');
    is(request($ue, '/enrol', 'TLS_AES_256_GCM_SHA384', body => $pem)->{status}, 200, 'and lets another through');
    my $plain = $ue->request('POST', '/enrol', type => 'application/x-pkcs10', body => $pem);
    like("$plain->{status} $plain->{body}", qr/\A403 .*reason=RULE/s, 'without TLS the rule finds no suite');
    $scene->log->look;
}
$scene->finish;
unlink glob "$tmp.*";
done_testing;
