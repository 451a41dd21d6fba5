# SPDX-License-Identifier: Apache-2.0
# Mistakes in the configuration: `httpd -t` finds each, makes nothing, and says where (file and line),
# what was written, and what was expected.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Apache::Test ();
use File::Temp qw(tempdir);
use Test::More;
use GBA::CA qw(make_ca new_key openssl subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site slurp spew);
use GBA::UE;

my $site   = site();
my $folder = tempdir('refused.XXXXXX', DIR => $site->{tmp}, CLEANUP => 1);
chmod 0755, $folder;
my $httpd = Apache::Test::vars()->{httpd};
my @wrapper = split ' ', $ENV{GBA_HTTPD_WRAPPER} // '';

# What every configuration here begins with; the line of the mistake is the one after it.
my $head = GBA::Server::load(qw(mpm_event unixd authn_core authz_core alias)) . <<"END";
LoadModule gba_pki_module "$site->{top}/.libs/mod_gba_pki.so"
Listen 127.0.0.1:1
ServerName pkiportal.home1.net
ServerRoot "$folder"
PidFile "$folder/httpd.pid"
DefaultRuntimeDir "$folder"
ErrorLog "$folder/error_log"
END
my $lines = () = $head =~ /\n/g;

# [whether httpd takes it, what it says]
sub ask_httpd {
    my ($text, %env) = @_;
    spew("$folder/httpd.conf", $head . $text);
    local @ENV{keys %env} = values %env;
    local $ENV{LD_PRELOAD} = $env{LD_PRELOAD} // $ENV{GBA_HTTPD_PRELOAD} // '';
    my $said = qx{@wrapper $httpd -t -f "$folder/httpd.conf" 2>&1};
    return ($? == 0, $said);
}

# In one line, as the directive's function says it.
sub mistake {
    my ($line, $value, $expected, %option) = @_;
    my ($directive) = $line =~ /\A(\S+)/;
    my ($taken, $said) = ask_httpd(($option{before} // '') . "$line\n" . ($option{after} // ''), %{ $option{env} || {} });
    my $number = $lines + 1 + (() = ($option{before} // '') =~ /\n/g);
    ok(!$taken, "$line: refused");
    like($said, qr/line $number of \Q$folder\E\/httpd\.conf:\n\Q$directive\E: '\Q$value\E' given, $expected expected/, "$line: file, line, value, expected");
    return;
}

# With httpd's own words.
sub refused {
    my ($name, $text, $wanted, %env) = @_;
    my ($taken, $said) = ask_httpd($text, %env);
    ok(!$taken, "$name: refused");
    like($said, $wanted, "$name: said why");
    return;
}

sub taken {
    my ($name, $text, %env) = @_;
    my ($taken, $said) = ask_httpd($text, %env);
    ok($taken, "$name: taken") or diag($said);
    return;
}

taken('nothing', '');

# ---- one argument that is wrong ----
mistake("GBANafFqdn $_", $_, qr/a fully qualified domain name without a trailing dot/) for qw(portal .home1.net home1..net pki_portal.home1.net pkiportal.home1.net. -a.home1.net), 'x' x 64 . '.net';
mistake("GBAUaProtocol $_", $_, qr/'pki', 'digest', 'tls' or 'hex:' and ten hex digits/) for qw(PKI TLS hex: hex:01 hex:01000000000 hex:010000000g);
mistake('GBAUaProtocol pki hex:0100000000', 'hex:0100000000', qr/each identifier once/);
mistake('GBAUaProtocol pki digest hex:0100000003 hex:0100000004 hex:0100000005', 'hex:0100000005', qr/at most four identifiers/);
mistake("GBAKeySource $_", $_, qr/'file:' and a path, or 'nbsp:' and names of <GBABsf> sections or addresses/) for qw(keys.json FILE:keys.json https://bsf.home1.net);
mistake('GBAKeySource file:', 'file:', qr/'file:' and a path.*/);
mistake("GBAKeySource $_", (split)[-1], qr/names of <GBABsf> sections, or addresses, not both/) for 'nbsp:', 'nbsp:home nbsp:https://bsf.home1.net', 'nbsp:a/b';
mistake('GBAKeySource nbsp:home home', 'home', qr/each section once/);

# ---- BSFs ----
my $address = "GBABsfAddress https://bsf.home1.net\n";
sub in_bsf {
    my ($line, $value, $expected) = @_;
    return mistake($line, $value, qr/$expected.*/, before => "<GBABsf home>\n$address", after => "</GBABsf>\n");
}
refused("$_ outside of a section", "$_\n", qr/line @{[ $lines + 1 ]} of .*\n.*: only inside <GBABsf NAME>/)
    for 'GBABsfDomain *', 'GBABsfAddress https://bsf.home1.net', 'GBABsfProtocol h2', 'GBABsfCA ca.pem', 'GBABsfCertificate a b',
    'GBABsfToken https://bsf.home1.net/t a b', 'GBABsfTimeout 1s 2s', 'GBABsfRedirect bsf.home1.net', 'GBABsfUnknownAlarm 1';
refused("<GBABsf$_", "<GBABsf$_\n$address</GBABsf>\n", qr/given, one name of letters, digits, '-', '_', '\.' and '>' expected/) for '>', ' a b>', ' a/b>', ' "">';
refused('a section inside another', "<GBABsf a>\n$address<GBABsf b>\n$address</GBABsf>\n</GBABsf>\n", qr/no section inside another/);
refused('two of one name', "<GBABsf a>\n$address</GBABsf>\n<GBABsf a>\n$address</GBABsf>\n", qr/a name that no other section has/);
refused('no address', "<GBABsf a>\nGBABsfDomain *\n</GBABsf>\n", qr/a GBABsfAddress in it/);
in_bsf("GBABsfDomain $_", $_, qr/a domain such as/) for '*home1.net', 'home1', '*.', 'a..b', 'bsf.*.net', 'bsf.home1.net:443';
in_bsf('GBABsfDomain bsf.home1.net BSF.home1.net', 'BSF.home1.net', qr/each domain once/);
in_bsf("GBABsfAddress $_", $_, qr{https://HOST\[:PORT\]}) for 'bsf.home1.net', 'ftp://bsf.home1.net', 'https://', 'https://a@bsf.home1.net', 'https://bsf.home1.net:0',
    'https://bsf.home1.net:65536', 'https://bsf.home1.net?x', 'https://bsf.home1.net/../x', 'https://-a', 'unix:run/zn', 'unix:/' . 'x' x 107;
in_bsf('GBABsfAddress https://bsf.home1.net', 'https://bsf.home1.net', qr/each address once/);
in_bsf("GBABsfProtocol $_", $_, qr{h2 or http/1\.1}) for qw(h3 h2c http/1.0 2);
in_bsf("GBABsfTimeout $_ 5s", $_, qr/a time such as 2s, at most 8s/) for qw(0s 9s 2 x);
in_bsf("GBABsfTimeout 2s $_", $_, qr/a time such as 5s, not below the first and at most 8s/) for qw(1s 9s 5);
in_bsf("GBABsfRedirect $_", $_, qr/HOST or HOST:PORT/) for 'https://bsf.home1.net', 'a:0', 'a:b', 'a/b';
in_bsf("GBABsfUnknownAlarm $_", $_, qr/a percentage from 0 to 100/) for qw(101 -1 50% x);
in_bsf('GBABsfToken https://bsf.home1.net/t a', 'https://bsf.home1.net/t', qr/a token URL, a client id, the file of its secret/);
in_bsf('GBABsfToken bsf.home1.net a b', 'bsf.home1.net', qr{https://HOST\[:PORT\]/PATH});
refused('no such section', "<Location /x>\nGBAKeySource nbsp:home\n</Location>\n", qr/GBA1712: .*there is no <GBABsf home>/);
refused('one domain in two', join('', map { "<GBABsf $_>\nGBABsfDomain *.home1.net\n$address</GBABsf>\n" } qw(a b)) . "<Location /x>\nGBAKeySource nbsp:a b\n</Location>\n",
    qr/GBA1711: .*\*\.home1\.net belongs to both a and b/);
refused('keys in clear text', "<GBABsf a>\nGBABsfAddress http://bsf.home1.net\n</GBABsf>\n", qr/GBA1710: .*clear text/);
refused('a token in clear text', "<GBABsf a>\n${address}GBABsfToken http://bsf.home1.net/t a b\n</GBABsf>\n", qr/GBA1710: .*clear text/);
taken("clear text that stays here: $_", "<GBABsf a>\nGBABsfAddress $_\n</GBABsf>\n") for 'http://127.0.0.1:1', 'http://[::1]:1/p', 'unix:/run/zn.sock', 'unix:/run/zn.sock:/p';
taken('clear text in a laboratory', "GBALaboratory On\n<GBABsf a>\nGBABsfAddress http://bsf.home1.net\n</GBABsf>\n");
taken('everything', "<GBABsf a>\n${address}GBABsfDomain bsf.home1.net *.home1.net *\nGBABsfProtocol HTTP/1.1\nGBABsfTimeout 500ms 8s\nGBABsfRedirect a b:1\n"
    . "GBABsfUnknownAlarm 100\n</GBABsf>\n<Location /x>\nGBAKeySource nbsp:a\n</Location>\n<Location /y>\nGBAKeySource nbsp:https://a unix:/b\n</Location>\n");
{
    my ($name) = ('bsf');
    make_ca("$folder/$name.pem", "$folder/$name.key");
    make_ca("$folder/other.pem", "$folder/other.key");
    spew("$folder/not.pem", "no certificate\n");
    spew("$folder/secret", "s\n", 0600);
    spew("$folder/open", "s\n", 0644);
    spew("$folder/empty", "\n", 0600);
    my $bsf = sub { "<GBABsf a>\n$address$_[0]\n</GBABsf>\n" };
    refused("files: $_->[0]", $bsf->($_->[0]), $_->[1]) for
        ['GBABsfCA none.pem',                  qr/GBA1\d{3}: .*none\.pem/],
        ['GBABsfCA not.pem',                   qr/GBA1126: .*not\.pem/],
        ['GBABsfCertificate not.pem bsf.key',  qr/GBA1127: .*not\.pem/],
        ['GBABsfCertificate bsf.pem not.pem',  qr/GBA112[28]: .*not\.pem/],
        ['GBABsfCertificate bsf.pem other.key', qr/GBA1129: .*other\.key/],
        ['GBABsfToken https://a/t a open',     qr/GBA1122: .*open/],
        ['GBABsfToken https://a/t a empty',    qr/GBA1130: .*empty/],
        ['GBABsfToken https://a/t a none',     qr/GBA1\d{3}: .*none/];
    taken('files', $bsf->("GBABsfCA bsf.pem\nGBABsfCertificate bsf.pem bsf.key\nGBABsfToken https://a/t a secret scope"));
}
mistake("GBASettingsMaxAge $_", $_, qr/a number with .*/) for qw(x 5 -1s);

mistake("GBAAlgorithms $_", $_, qr/SHA-256, SHA-512-256 or MD5/) for 'SHA-1', 'SHA256', 'MD5-sess', 'md', 'MD5,SHA-256';
mistake('GBAAlgorithms MD5 SHA-256 MD5', 'MD5', qr/each algorithm once/);
mistake("GBAQop $_", $_, qr/auth-int or auth/) for 'none', 'AUTH', 'auth-conf', 'auth,auth-int';
mistake('GBAQop auth auth', 'auth', qr/each value once/);
mistake("GBAAllowType $_", $_, qr/3G, 2G or Digest/) for qw(4G 3G_GBA any);
mistake("GBARemoteUser $_", $_, qr/btid, impi, ueid or pseudonym/) for qw(user imsi none);
for my $directive (qw(GBANonceLifetime GBAAssociationMaxAge GBARefusalExpires)) {
    mistake("$directive $_", $_, qr/a number with ms, s, m, h or d, above 0 and at most 366d/) for qw(10 0 0s -1s 1w 1.5h 367d m 99999999999999999999d 10M);
}
mistake("GBAAssociations $_", $_, qr/a number from 16 to 4194304/) for qw(15 4194305 0 -1 1K many 0x100);
for my $directive (qw(GBARequestBody GBAResponseBody)) {
    mistake("$directive $_", $_, qr/a size such as 1M, above 0/) for qw(0 -1 1T 1MB M 1.5M 99999999999999999999);
    mistake("$directive 1M $_", $_, qr/a size such as 64K/) for qw(-1 x 64KB);
}
refused('GBAIssuer with an empty path', qq(GBAIssuer "" ca.key\n), qr/line @{[ $lines + 1 ]} of .*:\nGBAIssuer takes two or three arguments/);
mistake("GBALedger $_", $_, qr/'sqlite:' and a path/) for qw(ledger.db sqlite: postgresql:x);

# ---- profiles ----
my $unlocked = "GBAProfileFlag 1\nGBAProfileKeyUsage digitalSignature\n";
my $lined    = qr/line @{[ $lines + 1 ]} of \Q$folder\E\/httpd\.conf:\n/;

sub in_profile {
    my ($line, $value, $expected) = @_;
    return mistake($line, $value, $expected, before => "<GBAProfile one>\n$unlocked", after => "</GBAProfile>\n");
}

# What is found where the section ends: the line is the one where it begins.
sub profile {
    my ($name, $inner, $expected) = @_;
    return refused("a profile $name", "<GBAProfile one>\n$inner</GBAProfile>\n", qr/$lined<GBAProfile: 'one' given, $expected expected/);
}

refused("$_ outside of a section", "$_\n", qr/$lined\S+: only inside <GBAProfile NAME>/)
    for 'GBAProfileFlag 1', 'GBAProfileKeyUsage digitalSignature', 'GBAProfileSubject CN=x', 'GBAProfileAltName uri:x:y', 'GBAProfileExtendedKeyUsage clientAuth',
    'GBAProfilePolicy 1.2.3', 'GBAProfileLifetime 1d', 'GBAProfileBackdate 1m', 'GBAProfileMaxAge 1h', 'GBAProfileCRL http://h/', 'GBAProfileOCSP http://h/',
    'GBAProfileCAIssuers http://h/', 'GBAProfileAllowIdentity On';
refused("$_ inside a section", "<GBAProfile one>\n$unlocked$_\n</GBAProfile>\n", qr/line @{[ $lines + 4 ]} of .*:\n\S+: not inside <GBAProfile>/)
    for 'GBAQop auth', 'GBANafGroup x', 'GBAProfiles authentication', 'GBAEnrolRule deny true no', 'ServerName x.home1.net', "<Location /x>\n</Location>";
refused("<GBAProfile$_->[0]", "<GBAProfile$_->[0]\n$unlocked</GBAProfile>\n", qr/$lined<GBAProfile: '$_->[1]' given, one name of at most 63 characters and '>' expected/)
    for ['>', '>'], [' one two>', 'one two>'], [' "">', '"">'], [' ' . 'x' x 64 . '>', 'x' x 64 . '>'];
refused("<GBAProfile $_>", "<GBAProfile $_>\n$unlocked</GBAProfile>\n", qr/$lined<GBAProfile: '\Q$_\E' given, a name of letters, digits, '\.', '_' and '-' expected/) for 'a/b', 'a%b', 'a:b', 'a=b';
refused('a profile twice', "<GBAProfile one>\n$unlocked</GBAProfile>\n<GBAProfile one>\n$unlocked</GBAProfile>\n", qr/line @{[ $lines + 5 ]} of .*:\n<GBAProfile: 'one' given, a name that no other section has expected/);
refused('a profile in a profile', "<GBAProfile one>\n$unlocked<GBAProfile two>\n$unlocked</GBAProfile>\n</GBAProfile>\n", qr/line @{[ $lines + 4 ]} of .*:\n<GBAProfile: 'two' given, no section inside another expected/);
refused('a profile in a location', "<Location /x>\n<GBAProfile one>\n$unlocked</GBAProfile>\n</Location>\n", qr/line @{[ $lines + 2 ]} of .*:\n<GBAProfile (?:cannot occur|not allowed)/);
profile('without a flag',  "GBAProfileKeyUsage digitalSignature\n", qr/a GBAProfileFlag in it/);
profile('without a usage', "GBAProfileFlag 1\n",                    qr/a GBAProfileKeyUsage in it/);
in_profile("GBAProfileFlag $_", $_, qr/authentication, non-repudiation, or a number above 0/) for qw(0 -1 4294967296 Authentication 1x);
in_profile("GBAProfileKeyUsage $_", $_, qr/digitalSignature or nonRepudiation/) for qw(digitalsignature keyCertSign cRLSign keyEncipherment);
in_profile(qq(GBAProfileSubject "$_"), $_, qr/CN, O, OU, C, L, ST, SERIALNUMBER or UID, '=', and a value .*/)
    for 'pseudonym', 'emailAddress=a@b', 'CN', 'CN=', 'C=NLD', 'CN=%{imsi}', 'CN=%{ueid:0}', 'CN=%{ueid:100}', 'CN=%', 'CN=%{pseudonym', 'CN=' . 'x' x 65;
in_profile(qq(GBAProfileSubject "CN=a\tb"), 'CN=a\tb', qr/CN, O, .*/);
in_profile('GBAProfileSubject O=' . 'x' x 190, 'O=' . 'x' x 190, qr/1 to 191 octets/);
in_profile("GBAProfileAltName $_", $_, qr/1 to 191 octets/) for 'uri:urn:' . 'x' x 184;
in_profile("GBAProfileAltName $_", $_, qr/'uri:', .*/) for 'uri:urn:x:' . '%{serial}' x 11 . 'x' x 25;    # 383 octets when it is filled in
in_profile("GBAProfilePolicy $_", $_, qr/1 to 63 octets/) for '1.2' . '.11' x 20 . '.';
in_profile('GBAProfileSubject ' . join(' ', map { "OU=$_" } 1 .. 7), 'OU=7', qr/at most 6 of them/);
in_profile("GBAProfileAltName $_", $_, qr/'uri:', 'email:' or 'dns:', and a name of that kind.*/) for qw(ip:127.0.0.1 x uri: uri:x email:a dns:-a dns:a_b uri:%{x} URI:urn:a:b);
in_profile('GBAProfileAltName ' . join(' ', map { "dns:h$_.home1.net" } 1 .. 5), 'dns:h5.home1.net', qr/at most 4 of them/);
in_profile('GBAProfileAltName dns:a.net dns:a.net', 'dns:a.net', qr/each once/);
in_profile("GBAProfileExtendedKeyUsage $_", $_, qr/clientAuth, emailProtection, codeSigning, ipsecIKE, or an object identifier other than OCSPSigning's/)
    for qw(clientauth serverAuth 1 1. 3.1.2 1.40 1.2.03 1..2 1.3.6.1.5.5.7.3.9);
in_profile("GBAProfilePolicy $_", $_, qr/an object identifier such as 1\.3\.6\.1\.4\.1\.99999\.1/) for qw(policy 1 1.2. 2.a 1.2.3x);
in_profile('GBAProfilePolicy 1.2.3 1.2.3', '1.2.3', qr/each once/);
in_profile('GBAProfilePolicy 1.2.3 1.2.4 1.2.5 1.2.6 1.2.7', '1.2.7', qr/at most 4 of them/);
in_profile("GBAProfileCRL $_", $_, qr/a URL with http:, https:, ldap: or ldaps:/) for qw(crl.home1.net ftp://h/ http:// http:/x file:///x);
in_profile('GBAProfileCRL http://a/ http://b/ http://c/', 'http://c/', qr/at most 2 of them/);
in_profile('GBAProfileCRL http://h/' . 'x' x 250, 'http://h/' . 'x' x 250, qr/1 to 255 octets/);
for my $directive (qw(GBAProfileOCSP GBAProfileCAIssuers)) {
    in_profile("$directive $_", $_, qr/a URL with http: or https: \(of the CA's certificate also ldap:\)/) for qw(h ftp://h/ http://);
    refused("$directive twice", "<GBAProfile one>\n$unlocked$directive http://a/\n$directive http://b/\n</GBAProfile>\n",
        qr/line @{[ $lines + 5 ]} of .*:\n$directive: 'http:\/\/b\/' given, at most 1 of them expected/);
}
in_profile('GBAProfileOCSP ldap://h/', 'ldap://h/', qr/a URL with http: or https:.*/);
in_profile("GBAProfileLifetime $_", $_, qr/a number with s, m, h or d, from 1s to 3653d/) for qw(0 0s 999ms 10 3654d -1d 1y);
for my $directive (qw(GBAProfileBackdate GBAProfileMaxAge)) { in_profile("$directive $_", $_, qr/a number with ms, s, m, h or d, at most 3653d/) for qw(10 3654d -1d x) }
refused('GBAProfileAllowIdentity Maybe', "<GBAProfile one>\n${unlocked}GBAProfileAllowIdentity Maybe\n</GBAProfile>\n", qr/line @{[ $lines + 4 ]} of .*:\nGBAProfileAllowIdentity must be On or Off/);
my $allow = qr/GBAProfileAllowIdentity On where a template names IMPI or UE identities/;
profile("with $_", "$unlocked$_\n", $allow) for 'GBAProfileSubject CN=%{impi}', 'GBAProfileSubject CN=x UID=%{ueid}', 'GBAProfileAltName uri:%{ueid:2}',
    "GBAProfileAllowIdentity On\nGBAProfileSubject CN=%{ueid}\nGBAProfileAllowIdentity Off";
my $shorter = qr/a GBARenewBefore that is shorter than the GBAProfileLifetime/;
profile("with $_->[0] and $_->[1]", "$unlocked$_->[0]\n$_->[1]\n", $shorter)
    for ['GBAProfileLifetime 1d', 'GBARenewBefore 1d'], ['GBARenewBefore 365d', ''], ['GBARenewBefore 2h', 'GBAProfileLifetime 1h'];
in_profile("GBARenewBefore $_", $_, qr/a number with ms, s, m, h or d, above 0 .*/) for qw(0 3653d x);
taken('a profile with everything', "<GBAProfile every.thing_1>\n${unlocked}GBAProfileKeyUsage nonRepudiation\nGBAProfileAltName uri:%{ueid} email:%{ueid:99} dns:%{pseudonym}.home1.net\n"
    . qq(GBAProfileAllowIdentity On\nGBAProfileSubject CN=%{pseudonym} "O=100%% Home" C=NL\nGBAProfileExtendedKeyUsage clientAuth ipsecIKE 1.2.3\nGBAProfilePolicy 2.5.29.32.0\n)
    . "GBAProfileCRL http://h/crl ldap://h/cn=x\nGBAProfileOCSP https://h/\nGBAProfileCAIssuers ldap://h/cn=x\nGBAProfileLifetime 3653d\nGBAProfileBackdate 0s\nGBAProfileMaxAge 1h\n"
    . "GBARenewBefore 3652d\nGBAQuota 1\nGBAQuota 2 per 1h\n</GBAProfile>\n<VirtualHost *:2>\n<GBAProfile short>\n${unlocked}GBAProfileLifetime 1s\n</GBAProfile>\n</VirtualHost>\n");

taken("a profile with $_->[0] " . length($_->[1]) . ' octets long', "<GBAProfile $_->[2]>\n$unlocked$_->[0] $_->[1]\n</GBAProfile>\n")
    for ['GBAProfileAltName', 'uri:urn:x:' . 'y' x 181, 'x' x 63], ['GBAProfileAltName', 'uri:urn:x:' . '%{serial}' x 11 . 'x' x 24, 'one'],
    ['GBAProfilePolicy', '1.2' . '.11' x 20, 'one'], ['GBAProfileCRL', 'http://h/' . 'x' x 246, 'one'], ['GBAProfileOCSP', 'http://h/' . 'x' x 246, 'one'];
mistake('GBAProfiles', '', qr/names of <GBAProfile> sections, in order/);
mistake('GBAProfiles authentication authentication', 'authentication', qr/each profile once/);
refused('GBAProfiles naming none', "GBAProfiles authentication other\n", qr/GBA1730: \Q$folder\E\/httpd\.conf line @{[ $lines + 1 ]}: GBAProfiles: there is no <GBAProfile other>/);
taken('GBAProfiles before the section', "<Location /x>\nGBAProfiles one non-repudiation\n</Location>\n<GBAProfile one>\n$unlocked</GBAProfile>\n");
refused('GBANafGroup of nothing', qq(GBANafGroup ""\n), qr/${lined}GBANafGroup takes one argument/);
mistake('GBANafGroup ' . 'x' x 256, 'x' x 256, qr/the name of a NAF group, at most 255 octets/);
my $quota = qr/Off, or a number from 1 to 1000000, alone or with 'per' and a time such as 1d/;
mistake("GBAQuota $_->[0]", $_->[1], $quota)
    for ['', ''], [0, 0], [-1, -1], [1000001, 1000001], ['On', 'On'], ['1.5', '1.5'], ['1 per', 1], ['1 per 1d 2', 1], ['1 each 1d', 'each'], ['0 per 1d', 0], ['Off per 1d', 'Off'],
    ['1 per 0s', '0s'], ['1 per 1', 1], ['1 per 3654d', '3654d'], ['1 per day', 'day'];
in_profile('GBAQuota 0', 0, $quota);
taken('quotas', "GBAQuota 1000000\nGBAQuota 1 PER 3653d\n<Location /x>\nGBAQuota off\n</Location>\n");

# ---- rules ----
my $words = qr/deny or require, an expression, a reason, and maybe dryrun/;
mistake("GBAEnrolRule $_->[0]", $_->[1], $words) for ['', ''], ['deny', 'deny'], ['deny true', 'deny'], ['deny true no dryrun now', 'deny'];
mistake("GBAEnrolRule $_ true no", $_, qr/deny or require: a rule can only narrow/) for qw(allow permit Deny grant);
mistake("GBAEnrolRule deny true no $_", $_, qr/dryrun or nothing/) for qw(dry-run DryRun On);
my $reason = qr/a reason that a user may read, UTF-8, at most 255 octets/;
mistake("GBAEnrolRule deny true $_->[0]", $_->[1], $reason)
    for [qq("a\tb"), 'a\tb'], [qq("\e[2J"), '\x1b[2J'], [qq("\xc3x"), '\xc3x'], ['x' x 256, 'x' x 256];    # as httpd prints them
refused("the expression $_", "GBAEnrolRule deny \"$_\" no\n", qr/${lined}GBAEnrolRule: '\Q$_\E': \S/)
    for 'true &&', '(true', '%{GBA_KEY_BITS} -lt', "%{GBA_KEY_TYPE} == 'RSA", 'nonsense', '-nonsense x';
refused("the variable $_", "GBAEnrolRule deny \"%{$_} == 'x'\" no\n", qr/${lined}GBAEnrolRule: '%\{$_\} == 'x'': .*'$_'/) for qw(GBA_KEY GBA_KEY_TYPES GBA_PASSWORD);
refused('a variable of rules elsewhere', "<Location /x>\nRequire expr \"%{GBA_KEY_TYPE} == 'x'\"\n</Location>\n", qr/line @{[ $lines + 2 ]} of .*\n.*'GBA_KEY_TYPE'/);
taken('rules', join '', map { qq(GBAEnrolRule deny "%{GBA_$_} == 'x' && %{REMOTE_ADDR} -ipmatch '10.0.0.0/8'" "Kein Zugang f\xc3\xbcr <Sie> & 'uns'." dryrun\n) }
    qw(KEY_TYPE KEY_BITS KEY_CURVE KEY_USAGE PROFILE TYPE KEY_PLACE UE_IDENTITY UE_IDENTITIES IMPI BTID NAF_GROUP CERTIFICATES_HELD));

# ---- in .htaccess' and other places: the message has the place that is wrong ----
mistake('GBAQop none', 'none', qr/auth-int or auth/, before => "<Location \"/x\">\n", after => "</Location>\n");
mistake('GBAQop none', 'none', qr/auth-int or auth/, before => "<VirtualHost *:2>\n<Directory \"/x\">\n", after => "</Directory>\n</VirtualHost>\n");

# ---- On or Off, arguments too few or too many: httpd's own words ----
my $where = qr/line @{[ $lines + 1 ]} of \Q$folder\E\/httpd\.conf:\n/;
refused("$_ Maybe", "$_ Maybe\n", qr/$where$_ must be On or Off/) for qw(GBALaboratory GBARelaxedUri GBANextNonce GBAUicc);
refused("$_ without arguments", "$_\n", qr/$where$_ (?:takes|requires|must be)/)
    for qw(GBANafFqdn GBAUaProtocol GBALaboratory GBAAlgorithms GBAQop GBAAllowType GBARemoteUser GBANonceLifetime GBAAssociations
    GBAAssociationMaxAge GBARelaxedUri GBANextNonce GBAUicc GBARequestBody GBAResponseBody GBAIssuer GBALedger GBARefusalExpires);
refused("$_ with too many", "$_ 1 2 3 4\n", qr/$where$_ (?:takes|must be)/)
    for qw(GBANafFqdn GBALaboratory GBARemoteUser GBANonceLifetime GBAAssociations GBARequestBody GBAResponseBody GBAIssuer GBALedger GBARefusalExpires);

# ---- where a directive may stand ----
refused("$_ in a virtual host", "<VirtualHost *:2>\n$_ 64\n</VirtualHost>\n", qr/line @{[ $lines + 2 ]} of .*:\n$_ (?:cannot occur|not allowed)/) for qw(GBAAssociations GBALookupRate GBAKeeper GBAKeeperThreads GBAKeeperTimeout GBAKeeperUser GBAIssuerPassphrase);
refused("$_->[0] in a location", "<Location \"/x\">\n$_->[0] $_->[1]\n</Location>\n", qr/line @{[ $lines + 2 ]} of .*:\n$_->[0] (?:cannot occur|not allowed)/)
    for ['GBAAssociations', 64], ['GBALaboratory', 'On'], ['GBALookupRate', 10], ['GBAKeeper', 'x'], ['GBAKeeperThreads', 4], ['GBAKeeperTimeout', '4s'], ['GBAKeeperUser', 'nobody'], ['GBAIssuerPassphrase', 'file:x'];

# ---- lists: httpd ends one at an empty argument, or drops it; a variable without a value is one ----
my @lists = (    # a section, the line before the empty argument, and behind it
    ['', 'GBAUaProtocol pki', 'digest'], ['', 'GBAKeySource nbsp:https://a', 'https://b'], ['', 'GBAAlgorithms SHA-256', 'MD5'], ['', 'GBAQop auth-int', 'auth'],
    ['', 'GBAAllowType 3G', '2G'], ['', 'GBARequestBody 1M', ''], ['', 'GBAResponseBody 1M', ''], ['', 'GBAProfiles authentication', 'non-repudiation'],
    ['', 'GBAQuota 1', 'per 1d'], ['', 'GBAEnrolRule deny true no', 'dryrun'], ['', 'GBAEnrolRule deny', 'no'], ['', 'GBAIssuerPassphrase exec:/bin/true', 'x'], ['', 'GBAKeySource nbsp:https://a', ''],
    ['Profile', 'GBAProfileSubject CN=a', 'O=b'], ['Profile', 'GBAProfileAltName dns:a.net', 'dns:b.net'], ['Profile', 'GBAProfileExtendedKeyUsage clientAuth', '1.2.3'],
    ['Profile', 'GBAProfilePolicy 1.2.3', '1.2.4'], ['Profile', 'GBAProfileCRL http://a/', 'http://b/'], ['Profile', 'GBAQuota 1', 'per 1d'],
    ['Bsf', 'GBABsfDomain a.net', 'b.net'], ['Bsf', 'GBABsfAddress https://a', 'https://b'], ['Bsf', 'GBABsfToken https://a/t a b', 'c'], ['Bsf', 'GBABsfRedirect a', 'b'],
);
my %inside = ('' => '', Profile => "<GBAProfile one>\n$unlocked", Bsf => "<GBABsf one>\n$address");
for my $row (@lists) {
    my ($section, $before, $behind) = @$row;
    my @around = $section ? (before => $inside{$section}, after => "</GBA$section>\n") : ();
    mistake("$before $_ $behind", '', qr/no empty argument/, @around, env => { LACKING => '' }) for '""', q(''), '"${LACKING}"';
}
my %has_row = map { $_ => 1 } 'GBAIssuer', map { $_->[1] =~ /\A(\w+)/ } @lists;
my @take = slurp("$ENV{GBA_SRCDIR}/src/httpd/mod_gba_pki_commands.c") =~ /AP_INIT_(?:ITERATE|TAKE_ARGV|TAKE12|TAKE23)\(\s*"(\w+)"/g;
is_deeply([grep { !$has_row{$_} } @take], [], 'a row for each directive that takes a list');
mistake('GBAProfiles ' . join(' ', map { "p$_" } 1 .. 65), 'p65', qr/at most 64 arguments/);
refused('GBALabNaf with an empty argument', qq(LoadModule gba_bsf_module "$ENV{GBA_BUILDDIR}/.libs/mod_gba_bsf.so"\nGBALabNaf a.net "" b.net\n), qr/GBALabNaf: '' given, no empty argument expected/);
refused("Require gba-uss $_", "<Location \"/x\">\nRequire gba-uss $_\n</Location>\n", qr/Require gba-uss: '' given, a number from [01] to 4294967295 expected/)
    for '""', '1 "" 2', '1 ""', q(1 2 '');

# ---- Require gba-uss ----
refused("Require gba-uss $_", "<Location \"/x\">\nRequire gba-uss $_\n</Location>\n", qr/line @{[ $lines + 2 ]} of .*\n?.*Require gba-uss: '[^']*' given, a number from [01] to 4294967295 expected/)
    for 'x', '-1', '4294967296', '1 x', '1 0x1';

# ---- what a directive names ----
my $lab = "GBALaboratory On\n";

# The message of what is loaded after all lines are read.
sub unusable {
    my ($name, $directive, $value, $why, %option) = @_;
    my $before = $option{before} // $lab;
    my $number = $lines + 1 + (() = $before =~ /\n/g);
    my ($taken, $said) = ask_httpd("$before$directive $value\n" . ($option{after} // ''));
    ok(!$taken, "$name: refused");
    like($said, qr/GBA[0-9]{4}: \Q$folder\E\/httpd\.conf line $number: $directive: .*$why/, "$name: file, line, why");
    return;
}

sub key_file { my ($name, $text, $mode) = @_; spew("$folder/$name", $text, $mode // 0600); return qq("file:$folder/$name") }
my $keys = slurp($site->{keys});
my $good = key_file('good.json', $keys);
taken('a key file', "${lab}GBAKeySource $good\n");
taken('a key file, by a path relative to ServerRoot', "${lab}GBAKeySource file:good.json\n");
unusable('no key file', 'GBAKeySource', '"file:nowhere.json"', qr/nowhere\.json: .*No such file/);
unusable('a key file for all to read', 'GBAKeySource', key_file('open.json', $keys, 0644), qr/open\.json: .*chmod 0600/);
unusable('a key file for the group to read', 'GBAKeySource', key_file('group.json', $keys, 0640), qr/group\.json: .*chmod 0600/);
unusable('a key file that is a folder', 'GBAKeySource', '"file:."', qr/not a regular file/);
unusable('a key file that is empty', 'GBAKeySource', key_file('empty.json', ''), qr/empty\.json: /);
unusable('a key file without an end', 'GBAKeySource', key_file('cut.json', substr $keys, 0, -3), qr/cut\.json: no JSON: .*line [0-9]+/);
unusable('a key file that is no array', 'GBAKeySource', key_file('object.json', '{}'), qr/object\.json: an array expected/);
unusable('a key file with a short key', 'GBAKeySource', key_file('short.json', $keys =~ s/"meKeyMaterial" : "\K../""/r =~ s/""//r), qr/short\.json: entry 0: meKeyMaterial: 64 hex digits expected/);
unusable('a key file with an unfit B-TID', 'GBAKeySource', key_file('btid.json', $keys =~ s/"btId" : "[^"]*"/"btId" : "x"/r), qr/btid\.json: entry 0: btId: a B-TID expected/);
unusable('a key file outside of a laboratory', 'GBAKeySource', $good, qr/needs GBALaboratory On/, before => '');
unusable('GBALaboratory Off', 'GBAKeySource', $good, qr/needs GBALaboratory On/, before => "GBALaboratory Off\n");
unusable('GBALaboratory Off in the virtual host', 'GBAKeySource', $good, qr/needs GBALaboratory On/,
    before => "${lab}<VirtualHost *:2>\nGBALaboratory Off\n", after => "</VirtualHost>\n");
taken('GBALaboratory On in the virtual host alone', "<VirtualHost *:2>\nGBALaboratory On\nGBAKeySource $good\n</VirtualHost>\n");
taken('GBALaboratory On, inherited by the virtual host', "$lab<VirtualHost *:2>\nGBAKeySource $good\n</VirtualHost>\n");
unusable('GBALaboratory On in another virtual host', 'GBAKeySource', $good, qr/needs GBALaboratory On/,
    before => "<VirtualHost *:2>\nGBALaboratory On\n</VirtualHost>\n");

my ($ca, $key) = @$site{qw(ca ca_key)};
make_ca("$folder/other.pem", "$folder/other.key");
my $end_key = new_key('EC', 'P-256');
openssl('', qw(req -x509 -new -days 9 -subj /CN=end -addext), 'basicConstraints=critical,CA:FALSE', '-key', "$end_key", '-out', "$folder/end.pem");
openssl('', qw(req -x509 -new -days 9 -subj /CN=end -addext), 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,cRLSign', '-key', "$end_key", '-out', "$folder/mute.pem");
openssl(slurp("$folder/other.key"), qw(pkey -aes128 -passout pass:secret -out), "$folder/locked.key");
spew("$folder/text.pem", "no certificate\n");
spew("$folder/text.key", "no key\n", 0600);
taken('a CA', qq(GBAIssuer "$ca" "$key"\n));
# A location that nobody can get into is said and taken.
{
    my $location = "<Location />\nAuthType GBA\n</Location>\n";
    like((ask_httpd($location))[1], qr/GBA1852: AuthType GBA is configured, but no GBAKeySource/, 'AuthType GBA alone: said');
    my ($taken, $said) = ask_httpd("${lab}GBAKeySource $good\n$location");
    ok($taken && $said !~ /GBA1852/, 'with a GBAKeySource: nothing');
}
# One that has ended is said and taken: httpd has more to do than to enrol.
{
    my $request = openssl('', qw(req -new -subj /CN=ended -addext), 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign', '-key', "$end_key");
    openssl($request, qw(x509 -req -days -1 -copy_extensions copy -signkey), "$end_key", '-out', "$folder/ended.pem");
    my ($taken, $said) = ask_httpd(qq(GBAIssuer "ended.pem" "$end_key"\n));
    ok($taken, 'a CA that has ended: taken');
    like($said, qr/GBA1850: \Q$folder\E\/httpd\.conf line @{[$lines + 1]}: GBAIssuer: \S+ended\.pem holds from .* to .*, not now/, 'and said');
    unlike((ask_httpd(qq(GBAIssuer "$ca" "$key"\n)))[1], qr/GBA1850/, 'of one that holds nothing is said');
}
unusable('no CA certificate', 'GBAIssuer', qq("nowhere.pem" "$key"), qr/nowhere\.pem does not exist/);
unusable('no CA key', 'GBAIssuer', qq("$ca" "nowhere.key"), qr/nowhere\.key does not exist/);
unusable('a key of another CA', 'GBAIssuer', qq("$ca" "other.key"), qr/other\.key is not the key of the CA certificate/);
unusable('a CA that is none', 'GBAIssuer', qq("end.pem" "$end_key"), qr/end\.pem is no CA certificate: basicConstraints/);
unusable('a CA that may not sign', 'GBAIssuer', qq("mute.pem" "$end_key"), qr/mute\.pem may not sign certificates/);
unusable('a certificate that is text', 'GBAIssuer', qq("text.pem" "$key"), qr/text\.pem holds no PEM certificate/);
unusable('a key that is text', 'GBAIssuer', qq("$ca" "text.key"), qr/text\.key holds no PEM private key/);
unusable('a key with a passphrase', 'GBAIssuer', qq("other.pem" "locked.key"), qr/locked\.key is encrypted: it needs a GBAIssuerPassphrase/);

spew("$folder/pass", "secret\n", 0600);
spew("$folder/wrong", "hidden\n", 0600);
spew("$folder/open", "secret\n", 0644);
spew("$folder/ask", "#!/bin/sh\ntest \"\$2\" = '$folder/locked.key' && echo \$1\n", 0700);
my $locked = qq(GBAIssuer "other.pem" "locked.key"\n);
taken("its passphrase from $_", "GBAIssuerPassphrase $_\n$locked") for 'file:pass', qq("file:$folder/pass"), 'exec:ask secret';
taken('a passphrase that no key needs', qq(GBAIssuerPassphrase file:nowhere\nGBAIssuer "$ca" "$key"\n));
unusable("its passphrase from $_->[0]", 'GBAIssuer', '"other.pem" "locked.key"', $_->[1], before => "GBAIssuerPassphrase $_->[0]\n")
    for ['file:wrong', qr/is encrypted, and not with the passphrase given/], ['file:nowhere', qr/nowhere does not exist/], ['file:open', qr/open may be used by others/],
    ['exec:ask hidden', qr/is encrypted, and not with the passphrase given/], ['exec:pass', qr/pass cannot be executed/], ['exec:/bin/false', qr{/bin/false ended with status 1}];
chmod 0640, "$folder/other.key";
unusable('a key that the group may read', 'GBAIssuer', '"other.pem" "other.key"', qr/other\.key may be used by others than its owner: chmod 0600/);

# ---- what would keep the keeper from starting ----
sub no_keeper {
    my ($name, $text, $why) = @_;
    my ($taken, $said) = ask_httpd($text . qq(GBAIssuer "$ca" "$key"\n));
    ok(!$taken, "$name: refused");
    like($said, $why, "$name: why");
    return;
}
mkdir "$folder/shared", 0755 or die "$folder: $!\n";
mkdir "$folder/own", 0700 or die "$folder: $!\n";
spew("$folder/file", '');
no_keeper('GBAKeeper in no folder', "GBAKeeper nowhere/keeper\n", qr{GBA1650: GBAKeeper: the folder \Q$folder\E/nowhere/, which is to hold .* is not there});
no_keeper('GBAKeeper for all to enter', "GBAKeeper shared\n", qr/GBA1652: GBAKeeper: .*shared is no folder with mode 0700/);
no_keeper('GBAKeeper that is a file', "GBAKeeper file\n", qr/GBA1652: GBAKeeper: .*file is no folder with mode 0700/);
mkdir "$folder/" . 'x' x 90 or die "$folder: $!\n";
no_keeper('a runtime folder with too long a path', 'DefaultRuntimeDir ' . 'x' x 90 . "\n", qr/GBA1651: the keeper's folder .* set GBAKeeper/);
taken('GBAKeeper that is there', qq(GBAKeeper own\nGBAIssuer "$ca" "$key"\n));
taken('GBAKeeper that can be made', qq(GBAKeeper new\nGBAIssuer "$ca" "$key"\n));
ok(!-e "$folder/new", 'and httpd -t has not made it');
mistake('GBAKeeper ' . 'x' x 90, 'x' x 90, qr/a path of at most 83 octets/);
mistake('GBAKeeperUser root', 'root', qr/the name of a user other than root/);
mistake('GBAKeeperUser no-such-user', 'no-such-user', qr/the name of a user other than root/);
mistake("GBALookupRate $_", $_, qr/a number from 1 to 100000/) for qw(0 100001 -1 ten 1.5);
mistake("GBAKeeperThreads $_", $_, qr/a number from 1 to 1024/) for qw(0 1025 -1 some);
mistake("GBAKeeperTimeout $_", $_, qr/a number with ms, s, m, h or d, above 0 and at most 366d/) for qw(0 10 -1s 367d);
mistake("GBARenewBefore $_", $_, qr/a number with ms, s, m, h or d, above 0 and below a certificate's lifetime \(365d\)/) for qw(30 0d 365d 366d -1d);
mistake("GBAIssuerPassphrase $_", $_, qr/'file:' and a path, or 'exec:' and a program's path/) for qw(pass file: exec: builtin);
mistake('GBAIssuerPassphrase file:a b', 'file:a', qr/'file:' and a path, or 'exec:' and a program's path/);

unusable('a chain of somebody else', 'GBAIssuer', qq("$ca" "$key" "other.pem"), qr/other\.pem is out of order/);
unusable('no chain', 'GBAIssuer', qq("$ca" "$key" "nowhere.pem"), qr/nowhere\.pem does not exist/);
unusable('no folder for the ledger', 'GBALedger', '"sqlite:nowhere/ledger.db"', qr/folder .*nowhere\/? is not there/);
taken('a folder for the ledger', "GBALedger sqlite:$folder/ledger.db\n");
# To the keeper's user.
sub hand_over { my ($path) = @_; return $> != 0 || chown(scalar getpwnam site()->{user}, scalar getgrnam site()->{group}, $path) || die "$path: $!\n" }
my $user = $> == 0 ? "User $site->{user}\nGroup $site->{group}\n" : '';
SKIP: {
    skip 'no sqlite3 program (Debian: sqlite3)', 1 unless grep { -x "$_/sqlite3" } split /:/, $ENV{PATH};
    my $ledgers = "$folder/ledgers with a ?#%";
    mkdir $ledgers, 0755 or die "$ledgers: $!\n";
    hand_over($ledgers);
    my @rows = (    # name, SQL, what is wrong with it
        ['older.db',   ".read $site->{top}/t/vectors/ledger-v1/ledger.sql",                       qr/older than version 2 .*gba-pkictl ledger upgrade/],
        ['newer.db',   ".read $site->{top}/t/vectors/ledger-v1/ledger.sql\nUPDATE meta SET schema_version = 99;", qr/version 99, newer than version 2/],
        ['foreign.db', 'CREATE TABLE t (a);',                                                     qr/not a ledger of this program/],
    );
    for my $row (@rows) {
        my ($name, $sql, $why) = @$row;
        open my $pipe, '|-', 'sqlite3', "$ledgers/$name" or die "sqlite3: $!\n";
        print $pipe "$sql\n";
        close $pipe or die "sqlite3 failed\n";
        chmod 0600, "$ledgers/$name" or die "$name: $!\n";
        hand_over("$ledgers/$name");
        unusable($name, 'GBALedger', qq("sqlite:$ledgers/$name"), $why, before => $user);
    }
    spew("$ledgers/text.db", "no database\n" x 100);
    hand_over("$ledgers/text.db");
    unusable('text.db', 'GBALedger', qq("sqlite:$ledgers/text.db"), qr/not an SQLite database/, before => $user);
    spew("$ledgers/empty.db", '');
    hand_over("$ledgers/empty.db");
    taken('an empty file', qq(${user}GBALedger "sqlite:$ledgers/empty.db"\n));
    spew("$ledgers/older.db-wal", 'x');
    taken('one that somebody uses', qq(${user}GBALedger "sqlite:$ledgers/older.db"\n));
    unlink "$ledgers/older.db-wal";
    opendir my $dir, $ledgers or die "$ledgers: $!\n";
    is(join(' ', sort grep { !/\A\./ } readdir $dir), 'empty.db foreign.db newer.db older.db text.db', 'and nothing was made');
}
SKIP: {
    skip 'root alone has folders that another user may not write', 6 if $> != 0;
    my $roots = "$folder/roots";
    mkdir $roots, 0755 or die "$roots: $!\n";
    unusable('a folder that is root\'s', 'GBALedger', qq("sqlite:$roots/new.db"), qr/its folder may not be written by who keeps it \(GBAKeeperUser\): Permission denied/, before => $user);
    hand_over($roots);
    taken('a folder that is the keeper\'s', qq(${user}GBALedger "sqlite:$roots/new.db"\n));
    spew("$roots/old.db", '', 0644);
    unusable('a file that is root\'s', 'GBALedger', qq("sqlite:$roots/old.db"), qr/ it may not be written by who keeps it \(GBAKeeperUser\): Permission denied/, before => $user);
    ok(!-e "$roots/new.db", 'and nothing was made');
}
ok(!-e "$folder/ledger.db", 'and httpd -t has not made the ledger');
ok(!-e "$folder/error_log", 'nor a log');

# ---- OpenSSL without MD5 (FIPS) ----
{
    # No provider has the property that is asked for: nothing can be had.
    spew("$folder/openssl.cnf", "openssl_conf = init\n[init]\nalg_section = alg\n[alg]\ndefault_properties = fips=yes\n");
    mistake("GBAAlgorithms $_", $_, qr/an algorithm that this host's OpenSSL provides \(FIPS mode\?\)/, env => { OPENSSL_CONF => "$folder/openssl.cnf" }) for qw(MD5 SHA-256);
}
SKIP: {
    # As a FIPS provider is: SHA-256 is there, MD5 is not.
    spew("$folder/fips.c", <<'END');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <strings.h>
#include <openssl/evp.h>
EVP_MD *EVP_MD_fetch(OSSL_LIB_CTX *ctx, const char *name, const char *properties)
{
    EVP_MD *(*next)(OSSL_LIB_CTX *, const char *, const char *);
    next = (EVP_MD *(*)(OSSL_LIB_CTX *, const char *, const char *))dlsym(RTLD_NEXT, "EVP_MD_fetch");
    return strcasecmp(name, "MD5") == 0 ? NULL : next(ctx, name, properties);
}
END
    skip 'no C compiler, or an httpd with a preload of its own', 8
        if $ENV{GBA_HTTPD_PRELOAD} || system("cc -shared -fPIC -o $folder/fips.so $folder/fips.c -ldl 2>$folder/err") != 0;
    my %env = (LD_PRELOAD => "$folder/fips.so");
    mistake('GBAAlgorithms SHA-256 MD5', 'MD5', qr/an algorithm that this host's OpenSSL provides \(FIPS mode\?\)/, env => \%env);
    taken('without MD5: SHA-256', "GBAAlgorithms SHA-256\n", %env);
    taken('without MD5: the default', "${lab}GBAKeySource $good\n", %env);
    my $server = GBA::Server->start(children => 1, env => \%env);
    my $ue     = GBA::UE->new(subscriber('bodies'), port => $server->port);
    my $answer = $ue->authenticate('/docs/hello.txt');
    is(join(' ', map { /algorithm=([^,]+)/ } GBA::HTTP::field($answer, 'WWW-Authenticate')), 'SHA-256', 'without MD5: the default offers SHA-256 alone');
    my $log = GBA::Log->watch($server->error_log);
    my $response = $ue->exchange('GET', '/docs/hello.txt', auth => {});
    is("$response->{status} $response->{protected}", '200 1', 'without MD5: SHA-256 works');
    my $md5 = $ue->exchange('GET', '/docs/hello.txt', auth => { algorithm => 'MD5' });
    is("$md5->{status} $md5->{protected}", '401 0', 'without MD5: MD5 is not offered');
    $log->holds('MD5 where it is not offered', 'GBA0405');
    $server->stop;
    $log->finish;
}

done_testing;
