#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Digest clients that others wrote, as far as they are here: curl and nghttp (also over HTTP/2 in
# clear text), Apache HttpClient 5, Python requests. None of them verifies the response, so this
# script does, from the Authorization that each of them made.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use File::Temp qw(tempdir);
use MIME::Base64 qw(decode_base64);
use POSIX ();
use Test::More;
use GBA::CA qw(certificate new_key pkcs10 subscriber);
use GBA::Digest qw(authorization info_value response_value);
use GBA::HTTP;
use GBA::KDF qw(password);
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site slurp spew);
use GBA::UE;

my %location = (md5 => ['MD5', 'auth-int'], sha => ['SHA-256', 'auth-int'], 'md5-auth' => ['MD5', 'auth auth-int'], 'sha-auth' => ['SHA-256', 'auth auth-int']);
my $pages = Apache::Test::vars()->{documentroot};
my $conf  = "Protocols h2c http/1.1\nAliasMatch \"^/(?:md5|sha)(?:-auth)?/(?!enrol)(.*)\" \"$pages/docs/\$1\"\n";
$conf .= <<"END" for sort keys %location;
<Location "/$_/">
    AuthType GBA
    Require valid-user
    GBAAlgorithms $location{$_}[0]
    GBAQop $location{$_}[1]
</Location>
<Location "/$_/enrol">
    SetHandler gba-enrol
</Location>
END

# mod_http2 is not for prefork.
my $server   = GBA::Server->start(mpm => 'event', children => 2, modules => ['http2'], conf => $conf);
my $log      = GBA::Log->watch($server->error_log);
my $alpha    = subscriber('alpha');
my $password = password(pack 'H*', $alpha->{meKeyMaterial});
my $base     = 'http://127.0.0.1:' . $server->port;
my $dir      = tempdir('interop.XXXXXX', DIR => site()->{tmp}, CLEANUP => 1);

sub find_program { my ($name) = @_; return (grep { -x } map { "$_/$name" } split /:/, $ENV{PATH} // '')[0] }

# Runs a program without a shell; nothing secret is among its arguments. Its output, or nothing.
sub run {
    my ($input, @command) = @_;
    my ($in, $out) = ("$dir/in", "$dir/out");
    spew($in, $input, 0600);
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        open STDIN,  '<', $in  or POSIX::_exit(127);
        open STDOUT, '>', $out or POSIX::_exit(127);
        open STDERR, '>&', \*STDOUT or POSIX::_exit(127);
        delete @ENV{ grep { /\A(?:\w+_proxy|PERL5OPT|GBA_RECEIVED)\z/i } keys %ENV };
        exec {$command[0]} @command or POSIX::_exit(127);
    }
    waitpid $pid, 0;
    my $output = slurp($out);
    return $output if $? == 0;
    diag("$command[0] ended with $?:\n", substr $output, 0, 2000);
    return;
}

# ---- what any client's exchange must be ----

sub parameters {
    my ($authorization) = @_;
    my %of;
    $of{ lc $1 } = defined $2 ? $2 =~ s/\\(.)/$1/gr : $3 while $authorization =~ /(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g;
    return (algorithm => 'MD5', %of);
}

# One exchange: status, authorization, info, body; and what it should have been.
sub exchange_is {
    my ($name, $got, %want) = @_;
    return fail("$name: an Authorization was sent") unless ($got->{authorization} // '') =~ /\ADigest /;
    my %made = parameters($got->{authorization});
    is($got->{status}, $want{status} // 200, "$name: status");
    is($made{$_}, $want{$_}, "$name: $_") for grep { exists $want{$_} } qw(algorithm qop uri username);
    is($got->{body}, $want{body}, "$name: body") if exists $want{body};
    my $wanted = eval { info_value(%made, password => $password, body => $got->{body}) };
    return is($got->{info}, $wanted, "$name: Authentication-Info");
}

# ---- curl ----

sub curl {
    my ($curl, $target, @options) = @_;
    my $config = qq(user = "$alpha->{btId}:$password"\n);
    my $trace  = run($config, $curl, qw(-sS --digest -v -K - -m 20 -o), "$dir/body", '-D', "$dir/head", @options, "$base$target") // '';
    my @sent   = $trace =~ /^> authorization: (.*?)\r?$/mgi;
    my @heads  = split /\r\n\r\n/, slurp("$dir/head");
    my %got    = (authorization => $sent[-1], body => -e "$dir/body" ? slurp("$dir/body") : '');
    ($got{status}, $got{version}) = ($2, $1) if ($heads[-1] // '') =~ m{\AHTTP/([0-9.]+) ([0-9]{3})};
    ($got{info}) = ($heads[-1] // '') =~ /^authentication-info: (.*?)\r?$/mi;
    # With --head curl takes the fields for the content.
    $got{body} = '' if grep { $_ eq '--head' } @options;
    unlink "$dir/body", "$dir/head";
    return \%got;
}

# Whether this curl can ask twice on one connection of HTTP/2 in clear text: 7.88 fails, whatever the server.
sub has_prior_knowledge {
    my ($curl, @options) = @_;
    return system("'$curl' -sf -m 20 @options -o '$dir/null' -o '$dir/null' '$base/index.html' '$base/index.html' >'$dir/null' 2>&1") == 0;
}

sub try_curl {
    my $curl = find_program('curl') or skip 'curl is not installed', 1;
    my ($features) = (run('', $curl, '--version') // '') =~ /^Features: (.*)$/m;
    my @versions = (['over HTTP/1.1', '1.1', '--http1.1']);
    # The Upgrade that it offers would run the request again as an HTTP/2 one, and is not followed.
    push @versions, ['offering Upgrade', '1.1', '--http2'] if ($features // '') =~ /\bHTTP2\b/;
    curl_by(@$_, $curl) for @versions;
    SKIP: {
        my $option = '--http2-prior-knowledge';
        skip 'this curl has no HTTP/2', 1 if @versions == 1;
        skip 'this curl cannot use a connection of HTTP/2 in clear text twice', 1 unless has_prior_knowledge($curl, $option);
        curl_by('over HTTP/2', '2', $option, $curl);
    }
    return;
}

sub curl_by {
    my ($version, $number, $option, $curl) = @_;
    for my $place (sort keys %location) {
        my ($algorithm, $qop) = @{ $location{$place} };
        my $name = "curl $version, /$place/";
        my %want = (algorithm => $algorithm, qop => $qop =~ /\A(\S+)/, username => $alpha->{btId});
        my $got  = curl($curl, "/$place/hello.txt?a=b", $option);
        exchange_is("$name GET", $got, %want, uri => "/$place/hello.txt?a=b", body => "hello\n");
        is($got->{version}, $number, "$name GET: version");
        exchange_is("$name 404", curl($curl, "/$place/nothing", $option), %want, status => 404);
        exchange_is("$name HEAD", curl($curl, "/$place/hello.txt", $option, '--head'), %want, body => '');
        $log->holds($name, ('GBA0401') x 3);
    }
    exchange_is("curl $version, of two algorithms", curl($curl, '/docs/hello.txt', $option), body => "hello\n");
    $log->holds("curl $version, of two", 'GBA0401');
    return;
}

# ---- nghttp: it sends what it is given, over HTTP/2 ----

sub try_nghttp {
    my $nghttp = find_program('nghttp') or skip 'nghttp is not installed (Debian: nghttp2-client)', 1;
    for my $algorithm (qw(SHA-256 MD5)) {
        my $ue = GBA::UE->new($alpha, algorithm => $algorithm, port => $server->port);
        $ue->authenticate('/docs/hello.txt');
        my $context = $ue->context('GET', '/docs/hello.txt', '', {});
        my $field = authorization((map { [$_, $context->{$_}, 1] } qw(username realm nonce uri)), ['algorithm', $algorithm, 0],
            ['response', response_value(%$context), 1], ['opaque', $context->{opaque}, 1],
            (map { [$_, $context->{$_}, 0] } qw(qop nc)), ['cnonce', $context->{cnonce}, 1]);
        for my $again (0, 1) {
            my $said = run('', $nghttp, qw(-v -t 20), '-H', "authorization: $field", "$base/docs/hello.txt") // '';
            $said =~ s/\e\[[0-9;]*m//g;
            my %got = (authorization => $field, body => "hello\n");
            ($got{status}) = $said =~ /:status: ([0-9]{3})/;
            ($got{info})   = $said =~ /authentication-info: (.*)$/m;
            if (!$again) {
                like($said, qr/^hello$/m, "nghttp, $algorithm: body");
                exchange_is("nghttp, $algorithm", \%got);
                $log->holds("nghttp, $algorithm", 'GBA0401');
                next;
            }
            is($got{status}, 401, "nghttp, $algorithm: the same once more is a replay");
            is($got{info}, undef, "nghttp, $algorithm: and not vouched for");
            like($said, qr/www-authenticate: Digest .*stale=true/, "nghttp, $algorithm: stale");
            $log->holds("nghttp, $algorithm: replay", 'GBA0420');
        }
    }
    return;
}

# ---- Apache HttpClient 5 ----

sub compile {
    my $javac = find_program('javac') or return (undef, 'javac is not installed (Debian: default-jdk-headless)');
    my @jars  = map { "/usr/share/java/$_.jar" } qw(httpclient5 httpcore5 httpcore5-h2 slf4j-api slf4j-nop);
    for my $jar (@jars[0, 1, 3]) { return (undef, "$jar is missing (Debian: libhttpclient5-java)") unless -f $jar }
    my $path = join ':', $dir, grep { -f } @jars;
    my $said = run('', $javac, '-d', $dir, '-cp', $path, "$Bin/DigestClient.java");
    ok(defined $said, 'DigestClient.java compiles');
    return defined $said ? $path : (undef, 'it does not compile');
}

sub try_httpclient {
    my $java = find_program('java') or skip 'java is not installed', 1;
    my ($path, $why) = compile();
    skip $why, 1 unless $path;
    my $octets = spew("$dir/octets", join('', map { chr } 0 .. 255) x 300);
    my $empty  = spew("$dir/empty", '');
    my $pem    = spew("$dir/pem", pkcs10(new_key('EC', 'P-256')));
    for my $place (qw(md5 sha md5-auth sha-auth)) {
        my ($algorithm) = @{ $location{$place} };
        my $qop  = $place =~ /auth/ ? 'auth' : 'auth-int';
        my @rows = (
            # what is asked, status, the qop that it chooses (auth-int with a body wherever it is offered), the log
            [['GET',  "/$place/hello.txt"],                    200, $qop,       'GBA0401'],
            [['POST', "/$place/enrol?response=single", $pem],  200, 'auth-int', 'GBA0401', 'GBA0661'],
            [['POST', "/$place/enrol", $octets],               413, 'auth-int', 'GBA0401', qr/\AGBA0/],
            [['POST', "/$place/enrol", $empty],                400, 'auth-int', 'GBA0401', qr/\AGBA0/],
            [['GET',  "/$place/nothing?x=%41"],                404, $qop,       'GBA0401'],
        );
        my $said = run("$alpha->{btId}\n$password\n", $java, '-cp', $path, 'DigestClient', $base, map { @{ $_->[0] } } @rows) // '';
        my @lines = grep { /\t/ } split /\n/, $said;
        is(scalar @lines, scalar @rows, "HttpClient 5, /$place/: an answer to each request");
        for my $row (@rows) {
            my ($asked, $status, $chosen) = @$row;
            my ($got_status, $authorization, $info, $body) = split /\t/, (shift @lines // "0\t\t\t"), -1;
            my $name = "HttpClient 5, @$asked[0, 1]" . ($asked->[2] ? ' of ' . -s $asked->[2] : '');
            exchange_is($name, { status => $got_status, authorization => $authorization, info => $info, body => decode_base64($body) },
                status => $status, algorithm => $algorithm, qop => $chosen, uri => $asked->[1]);
            ok(certificate(decode_base64($body))->{subject}, "$name: a certificate") if $body && $asked->[1] =~ /single/ && $got_status == 200;
        }
        $log->holds("HttpClient 5, /$place/", map { @$_[3 .. $#$_] } @rows);
    }
    return;
}

# ---- Python requests: qop=auth only ----

my $python = <<'END';
import base64, sys
import requests
from requests.auth import HTTPDigestAuth
user, password = sys.stdin.read().split("\n")[:2]
session = requests.Session()
session.trust_env = False
session.auth = HTTPDigestAuth(user, password)
for what in sys.argv[2:]:
    method, target = what.split(" ")
    r = session.request(method, sys.argv[1] + target, data=b"a body" if method == "POST" else None, timeout=20)
    print(r.status_code, r.request.headers.get("Authorization", "none"), r.headers.get("Authentication-Info", "none"),
          base64.b64encode(r.content).decode(), sep="\t")
END

sub try_requests {
    my $interpreter = find_program('python3') or skip 'python3 is not installed', 1;
    skip 'Python has no requests (Debian: python3-requests)', 1 if system("'$interpreter' -c 'import requests' >'$dir/null' 2>&1") != 0;
    spew("$dir/client.py", $python);
    for my $place (qw(md5-auth sha-auth)) {
        my ($algorithm) = @{ $location{$place} };
        my @rows  = (["GET /$place/hello.txt?a=b", 200], ["HEAD /$place/hello.txt", 200], ["GET /$place/nothing", 404], ["POST /$place/hello.txt", 200]);
        my $said  = run("$alpha->{btId}\n$password\n", $interpreter, "$dir/client.py", $base, map { $_->[0] } @rows) // '';
        my @lines = split /\n/, $said;
        for my $row (@rows) {
            my ($what, $status) = @$row;
            my ($got_status, $authorization, $info, $body) = split /\t/, (shift @lines // "0\t\t\t"), -1;
            exchange_is("requests, $what", { status => $got_status, authorization => $authorization, info => $info, body => decode_base64($body) },
                status => $status, algorithm => $algorithm, qop => 'auth', uri => $what =~ / (.*)/);
        }
        # One nonce serves them all.
        $log->holds("requests, /$place/", 'GBA0401');
    }
    return;
}

SKIP: { try_curl() }
SKIP: { try_nghttp() }
SKIP: { try_httpclient() }
SKIP: { try_requests() }

$server->stop;
$log->finish;
done_testing;
