#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The laboratory BSF behind mod_http2, as today's Zn is spoken: a portal that is told nothing of protocols asks
# it by HTTP/2, with prior knowledge and over TLS. Skipped without mod_http2 and mod_ssl.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Apache::Test ();
use Test::More;
use GBA::BSF::Front;
use GBA::LabServer;
use GBA::Log;
use GBA::Program;
use GBA::Server;
use GBA::Site qw(site slurp);

my $modules = Apache::Test::config()->apxs('LIBEXECDIR') || '/usr/lib/apache2/modules';
for (qw(http2 ssl)) { plan skip_all => "no mod_$_ (Debian: apache2-bin)" unless -e "$modules/mod_$_.so" }
plan skip_all => 'mod_http2 does not serve prefork' if ($ENV{GBA_MPM} // '') eq 'prefork';

my $pki  = GBA::BSF::Front::pki(site()->{top} . '/run/lab-http2-pki');
my $port = GBA::Server::free_port();
my $bsf  = GBA::LabServer->start(alone => 1, children => 1, modules => ['http2', 'socache_shmcb', 'ssl'], lab => <<"END");
Protocols h2c http/1.1
LogFormat "%H %>s %U" protocol
CustomLog protocol_log protocol
Listen 127.0.0.1:$port
<VirtualHost 127.0.0.1:$port>
    Protocols h2 http/1.1
    SSLEngine On
    SSLCertificateFile "$pki->{server}.pem"
    SSLCertificateKeyFile "$pki->{server}.key"
</VirtualHost>
END
my %address = (plain => 'http://127.0.0.1:' . $bsf->port, tls => "https://127.0.0.1:$port");
my $conf = join '', map { <<"END" } sort keys %address;
<GBABsf $_>
    GBABsfDomain bsf.home1.net
    GBABsfAddress $address{$_}
    GBABsfCA "$pki->{ca}.pem"
</GBABsf>
<Location "/$_">
    AuthType GBA
    Require valid-user
    GBAKeySource nbsp:$_
    SetHandler gba-enrol
</Location>
END
my $portal = GBA::Server->start(children => 2, conf => $conf);
my $log    = GBA::Log->watch($bsf->error_log);
my $told   = GBA::Log->watch($portal->error_log);
my $home   = GBA::Program->home;
my %alice  = $bsf->usim('alice');
delete @alice{qw(port bsf)};

# The same key and the same subscriber for both: a request for a certificate that is there already.
my $usim = $home->usim(%alice);
my $key  = $home->file('key.pem');
my @key  = ('--key-out', $key);
for my $name (sort keys %address) {
    my $run = $home->ue('enrol', 'http://127.0.0.1:' . $portal->port . "/$name?response=single", '--naf-fqdn', 'pkiportal.home1.net', @key,
        '--bsf', $address{plain} . '/ub', '--bsf-realm', 'bsf.home1.net', '--usim', $usim);
    is("$run->{code} " . ($run->{json}{outcome} // 'none'), '0 enrolled', "$name: enrolled") or diag($run->{err});
    $log->holds("$name: bootstrapped, asked", qw(GBA0923 GBA0930));
    $told->look;
    @key = ('--key', $key);
}
$portal->stop;
$bsf->stop;
my @asked = grep { m{/nbsp-gba/} } split /^/, slurp($bsf->dir . '/protocol_log');
is(join('', @asked), "HTTP/2.0 200 /nbsp-gba/v1/bootstrapping-info-retrieval\n" x 2, 'both by HTTP/2');
$_->finish for $log, $told;
done_testing;
