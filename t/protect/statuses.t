#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Every status, whoever makes it, leaves with a right Authentication-Info: files, mod_dir,
# mod_rewrite, ErrorDocument, CGI, refusals. Once with httpd's short-cut for authentication in
# internal redirects, once without (mod_allowmethods switches it off).

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use File::Copy qw(copy);
use File::Path qw(make_path);
use POSIX qw(strftime);
use Test::More;
use GBA::CA qw(subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site spew);
use GBA::UE;

my $top   = site()->{top};
my $pages = "$top/run/statuses";
my $itself = 'HTTP/1.1%20200%20OK%0d%0aContent-Length:%202%0d%0a%0d%0aok';
my %page  = (
    'hello.txt'        => "hello\n",
    'empty.txt'        => '',
    'long.txt'         => join('', map { "line $_ of a text that can be compressed\n" } 1 .. 5000),
    'secret.txt'       => "nobody may read it\n",
    'dir/index.html'   => "<p>index</p>\n",
    'bare/nothing.txt' => "not an index\n",
    'old/x.txt'        => "moved\n",
);
for my $name (sort keys %page) {
    my ($folder) = "$pages/$name" =~ m{(.*)/};
    make_path($folder);
    spew("$pages/$name", $page{$name});
}
copy("$top/t/cgi/respond.pl", "$pages/nph-respond.pl") && chmod 0755, "$pages/nph-respond.pl" or die "$!\n";
chmod 0000, "$pages/secret.txt" or die "$!\n";

# In all of /p a UE must authenticate; in /open nobody.
my $conf = <<"END";
ScriptAlias /p/cgi "$top/t/cgi/respond.pl"
ScriptAlias /p/nph "$pages/nph-respond.pl"
ScriptAlias /open/nph "$pages/nph-respond.pl"
ScriptAlias /open/cgi "$top/t/cgi/respond.pl"
Alias /p/gzip "$pages"
Alias /p/headers "$pages"
Alias /p "$pages"
Alias /open "$pages"
Timeout 20
<Location "/p">
    AuthType GBA
    Require valid-user
    FileETag MTime Size
</Location>
<Directory "$pages/bare">
    DirectoryIndex disabled
</Directory>
<Location "/p/denied">
    Require user somebody.else
</Location>
<Location "/p/denied-any">
    <RequireAny>
        Require user somebody.else
        Require gba-uss 999
    </RequireAny>
</Location>
<Location "/p/denied-all">
    <RequireAll>
        Require valid-user
        Require not method GET
    </RequireAll>
</Location>
<Location "/p/denied-host">
    <RequireAll>
        Require valid-user
        Require ip 192.0.2.1
    </RequireAll>
</Location>
<Directory "$pages/old">
    RewriteEngine On
    RewriteRule "^x\\.txt\$" "http://pkiportal.home1.net/p/hello.txt" [R=302,L]
    RewriteRule "^inside\\.txt\$" "/p/hello.txt" [L]
    RewriteRule "^gone\$" "-" [G]
    RewriteRule "^forbidden\$" "-" [F]
</Directory>
RewriteEngine On
RewriteRule "^/p/early\$" "http://pkiportal.home1.net/p/hello.txt" [R=302,L]
RewriteCond "%{LA-U:REMOTE_USER}" "."
RewriteRule "^/p/looked-ahead\$" "/p/hello.txt" [PT]
<Location "/p/text">
    ErrorDocument 404 "the operator's text"
    ErrorDocument 403 "the operator's text"
</Location>
<Location "/p/page">
    ErrorDocument 404 /open/hello.txt
</Location>
<Location "/p/protected-page">
    ErrorDocument 404 /p/hello.txt
</Location>
<Location "/p/no-page">
    ErrorDocument 404 /p/nowhere.txt
</Location>
<Location "/p/script">
    ErrorDocument 404 /open/cgi?raw=Status:%20404%0d%0aContent-Type:%20text/plain%0d%0a%0d%0ascript
</Location>
<Location "/p/script-401">
    ErrorDocument 404 /open/cgi?raw=Status:%20401%0d%0aWWW-Authenticate:%20Basic%0d%0a%0d%0ascript
    ErrorDocument 502 /open/cgi?raw=Status:%20401%0d%0aWWW-Authenticate:%20Basic%0d%0a%0d%0ascript
</Location>
<Location "/p/past">
    ErrorDocument 404 "/open/nph?raw=$itself"
</Location>
<Location "/p/elsewhere">
    ErrorDocument 404 http://pkiportal.home1.net/elsewhere
</Location>
<Location "/p/refused-page">
    ErrorDocument 404 /p/denied/hello.txt
</Location>
<Location "/p/gzip">
    SetOutputFilter DEFLATE
</Location>
<Location "/p/headers">
    Header set Authentication-Info forged
    Header always set Authentication-Info forged
    Header always add WWW-Authenticate "Basic realm=x"
    Header set WWW-Authenticate "Basic realm=x"
</Location>
<Location "/p/fallback">
    FallbackResource /p/hello.txt
</Location>
END

# What a script says, as the target that makes it say so.
sub script { my ($raw) = @_; return '/p/cgi?raw=' . ($raw =~ s/([^A-Za-z0-9])/sprintf '%%%02x', ord $1/ger) }
sub status { my ($line, $body) = @_; return script("Status: $line\r\nContent-Type: text/plain\r\n\r\n" . ($body // "made by a script\n")) }

my $forged = 'qop=auth-int, rspauth="00000000000000000000000000000000", cnonce="x", nc=00000001';
my @plain = ('text/plain', '');

# Name, method, target, status; then: fields, body (of the request); is (the body), like (it),
# has (a field and what it must match), log (tags).
my @rows = (
    ['a file',                    'GET',  '/p/hello.txt', 200, is => "hello\n"],
    ['an empty file',             'GET',  '/p/empty.txt', 200, is => ''],
    ['HEAD of a file',            'HEAD', '/p/hello.txt', 200, is => '', has => ['Content-Length', qr/\A6\z/]],
    ['HEAD of nothing',           'HEAD', '/p/nothing',   404, is => ''],
    ['OPTIONS',                   'OPTIONS', '/p/hello.txt', 200, has => ['Allow', qr/GET/]],
    ['PUT to a file',             'PUT',  '/p/hello.txt', 405, body => 'x' x 3000, has => ['Allow', qr/GET/]],
    ['a range',                   'GET',  '/p/hello.txt', 200, is => "hello\n", fields => [['Range', 'bytes=1-2']]],
    ['two ranges',                'GET',  '/p/hello.txt', 200, is => "hello\n", fields => [['Range', 'bytes=0-1,3-4']]],
    ['a range that is not there', 'GET',  '/p/hello.txt', 200, is => "hello\n", fields => [['Range', 'bytes=90-91']]],
    ['a range of old',            'GET',  '/p/hello.txt', 200, is => "hello\n", fields => [['Request-Range', 'bytes=1-2']]],
    ['If-Range',                  'GET',  '/p/hello.txt', 200, is => "hello\n",
        fields => [['Range', 'bytes=1-2'], ['If-Range', '"x"']]],
    ['If-Match',                  'GET',  '/p/hello.txt', 412, fields => [['If-Match', '"x"']]],
    ['If-Modified-Since',         'GET',  '/p/hello.txt', 304, is => '',
        fields => [['If-Modified-Since', strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime)]]],
    ['If-None-Match',             'GET',  '/p/hello.txt', 304, is => '', fields => [['If-None-Match', '*']]],
    ['If-None-Match, HEAD',       'HEAD', '/p/hello.txt', 304, is => '', fields => [['If-None-Match', '*']]],
    ['nothing there',             'GET',  '/p/nothing',   404],
    ['a file nobody may read',    'GET',  '/p/secret.txt', 403, log => ['AH00132']],
    ['a folder without index',    'GET',  '/p/bare/',     403, log => ['AH01276']],
    # mod_dir and mod_rewrite
    ['a folder without slash',    'GET',  '/p/dir',       301, has => ['Location', qr{/p/dir/\z}]],
    ['an index',                  'GET',  '/p/dir/',      200, is => "<p>index</p>\n"],
    ['FallbackResource',          'GET',  '/p/fallback/x', 200, is => "hello\n"],
    ['RewriteRule to elsewhere',  'GET',  '/p/old/x.txt', 302, has => ['Location', qr{\Ahttp://pkiportal.home1.net/p/hello.txt\z}]],
    ['RewriteRule, internal',     'GET',  '/p/old/inside.txt', 200, is => "hello\n"],
    ['RewriteRule [G]',           'GET',  '/p/old/gone',  410],
    ['RewriteRule [F]',           'GET',  '/p/old/forbidden', 403],
    ['a look-ahead subrequest before authentication', 'GET', '/p/looked-ahead', 200, is => "hello\n"],
    # Require
    ['Require user',              'GET',  '/p/denied/hello.txt', 403, log => ['GBA0642', 'AH01631']],
    ['Require user, HEAD',        'HEAD', '/p/denied/hello.txt', 403, log => ['GBA0642', 'AH01631']],
    ['Require user, POST',        'POST', '/p/denied/hello.txt', 403, body => 'x' x 70_000, log => ['GBA0642', 'AH01631']],
    ['RequireAny',                'GET',  '/p/denied-any/hello.txt', 403, log => ['GBA0642', 'AH01631']],
    # ErrorDocument
    ['ErrorDocument, text',             'GET',  '/p/text/x', 404, is => "the operator's text"],
    ['ErrorDocument, text, HEAD',       'HEAD', '/p/text/x', 404, is => ''],
    ['ErrorDocument, open page',        'GET',  '/p/page/x', 404, is => "hello\n"],
    ['ErrorDocument, open page, POST',  'POST', '/p/page/x', 404, is => "hello\n", body => 'y' x 100],
    ['ErrorDocument, protected page',   'GET',  '/p/protected-page/x', 404, is => "hello\n"],
    ['ErrorDocument, missing page',     'GET',  '/p/no-page/x', 404, like => qr/Additionally/],
    ['ErrorDocument, refused page',     'GET',  '/p/refused-page/x', 404, like => qr/Additionally/, log => ['GBA0642', 'AH01631']],
    ['ErrorDocument, script',           'GET',  '/p/script/x', 404, is => 'script'],
    ['ErrorDocument, script that says 401', 'GET', '/p/script-401/x', 404, like => qr/Additionally, a 401/, log => ['GBA0655']],
    ['ErrorDocument, elsewhere',        'GET',  '/p/elsewhere/x', 302, has => ['Location', qr{\Ahttp://pkiportal.home1.net/elsewhere\z}]],
    # handlers
    (map { ["a script's $_->[0]", 'GET', status("$_->[0] Said So"), $_->[1] // $_->[0], @$_[2 .. $#$_]] }
        [200, undef, is => "made by a script\n"], [201], [202], [203], [204, undef, is => ''], [205], [300], [400], [403], [404],
        [409], [410], [413], [416], [418], [422], [429], [500], [501], [502], [503], [504], [507],
        [304, undef, is => ''], [401, 502, log => ['GBA0655']]),
    ["a script's own 206", 'GET', script("Status: 206\r\nContent-Range: bytes 1-2/6\r\nContent-Type: text/plain\r\n\r\nel"), 206, is => 'el'],
    ["a script's 301",     'GET', script("Status: 301\r\nLocation: http://pkiportal.home1.net/x\r\n\r\n"), 301],
    ["a script's 302",     'GET', script("Location: http://pkiportal.home1.net/x\r\n\r\n"), 302],
    ["a script's 307",     'GET', script("Status: 307\r\nLocation: http://pkiportal.home1.net/x\r\n\r\n"), 307],
    ["a script's local redirect", 'GET', script("Location: /p/hello.txt\r\n\r\n"), 200, is => "hello\n"],
    ["a script's empty body",     'GET', script("Content-Type: text/plain\r\n\r\n"), 200, is => ''],
    ["a script's HEAD",           'HEAD', status(200), 200, is => ''],
    ["a script's HEAD, 403",      'HEAD', status(403), 403, is => ''],
    ["a script's 401, HEAD",      'HEAD', status(401), 502, is => '', log => ['GBA0655']],
    ["a script's 401, POST",      'POST', status(401), 502, body => 'x' x 300_000, log => ['GBA0655']],
    ['a script without header',   'GET', script("no header\n"), 500, says => qr/malformed header/],
    ['a script without anything', 'GET', script(''), 500, says => qr/End of script output/],
    ["a script's 100",            'GET', status(100), 502, log => ['GBA0656']],
    ["a script's 103",            'GET', status(103), 502, log => ['GBA0656']],
    ['a script that forges Authentication-Info', 'GET',
        script("Authentication-Info: $forged\r\nauthentication-INFO: x\r\nContent-Type: text/plain\r\n\r\nforged"), 200, is => 'forged'],
    ['a script that forges it on an error', 'GET',
        script("Status: 500\r\nAuthentication-Info: $forged\r\nWWW-Authenticate: Digest realm=\"x\"\r\n\r\n"), 500],
    ['a script that challenges', 'GET',
        script("WWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\nWww-authenticate: Basic\r\nContent-Type: text/plain\r\n\r\nforged"), 200, is => 'forged'],
    ['a script that challenges with 401', 'GET',
        script("Status: 401\r\nAuthentication-Info: $forged\r\nWWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\n\r\n"), 502, log => ['GBA0655']],
    ['a script that forges it on 304', 'GET',
        script("Status: 304\r\nAuthentication-Info: $forged\r\nWWW-Authenticate: Basic\r\n\r\n"), 304],
    ['a script that writes past all filters', 'GET', "/p/nph?raw=$itself", 500, log => ['GBA0657']],
    ['the same as an ErrorDocument',          'GET', '/p/past/x', 404, like => qr/Additionally/, log => ['GBA0657']],
    ['a field that nobody may send', 'GET', script("X-Bad: a\x01b\r\nContent-Type: text/plain\r\n\r\nx"), 500, log => [qr/AH02430/]],
    ['mod_headers sets both',            'GET', '/p/headers/hello.txt', 200, is => "hello\n"],
    ['mod_headers sets both on a 404',   'GET', '/p/headers/nothing',   404],
    # content codings
    ['gzip',              'GET',  '/p/gzip/long.txt',  200, fields => [['Accept-Encoding', 'gzip']], has => ['Content-Encoding', qr/\Agzip\z/]],
    ['gzip, HEAD',        'HEAD', '/p/gzip/long.txt',  200, fields => [['Accept-Encoding', 'gzip']], is => ''],
    ['gzip not wanted',   'GET',  '/p/gzip/long.txt',  200, is => $page{'long.txt'}],
    ['gzip with a range', 'GET',  '/p/gzip/long.txt',  200, fields => [['Accept-Encoding', 'gzip'], ['Range', 'bytes=1-5']],
        has => ['Content-Encoding', qr/\Agzip\z/]],
    ['gzip of a 404',     'GET',  '/p/gzip/nothing',   404, fields => [['Accept-Encoding', 'gzip']]],
    ['gzip, 304',         'GET',  '/p/gzip/long.txt',  304, is => '', fields => [['Accept-Encoding', 'gzip'], ['If-None-Match', '*']]],
);

sub check {
    my ($variant, $ue, $log, $row) = @_;
    my ($what, $method, $target, $status, %more) = @$row;
    my $name     = "$variant: $what";
    my $response = $ue->request($method, $target, map { ($_ => $more{$_}) } grep { exists $more{$_} } qw(fields body));
    is("$response->{status} $response->{protected}", "$status 1", $name);
    is(scalar(() = GBA::HTTP::field($response, 'WWW-Authenticate')), 0, "$name: no challenge");
    is($response->{body}, $more{is}, "$name: the body") if exists $more{is};
    like($response->{body}, $more{like}, "$name: the body") if $more{like};
    like(GBA::HTTP::field($response, $more{has}[0]) // '', $more{has}[1], "$name: $more{has}[0]") if $more{has};
    # What httpd logs without a number is looked for by its words.
    my @lines = $more{says} ? $log->look : ();
    ok((grep { /$more{says}/ } @lines) == 1 && !(grep { GBA::Log::is_loud($_) && !/$more{says}/ } @lines), "log: $name") if @lines;
    $log->holds($name, @{ $more{log} || [] }) unless @lines;
    return $response;
}

for my $more ([], ['allowmethods']) {
    my $variant = @$more ? "with @$more" : 'plain';
    my $mpm     = $ENV{GBA_MPM} || 'event';
    my $cgi     = $mpm eq 'prefork' ? 'cgi' : 'cgid';
    my $server  = GBA::Server->start(
        children => 2, modules => [$cgi, qw(rewrite headers filter deflate autoindex authz_host), @$more],
        conf     => $conf . ($cgi eq 'cgid' ? "ScriptSock cgisock\n" : ''),
    );
    my $ue = GBA::UE->new(subscriber('both'), port => $server->port);
    $ue->authenticate('/p/hello.txt');
    my $log = GBA::Log->watch($server->error_log);
    check($variant, $ue, $log, $_) for @rows;

    # What httpd answers before it asks who somebody is cannot be protected: mod_rewrite in server
    # context, and a Require that would refuse anybody.
    my $response = $ue->exchange('GET', '/p/early', auth => {});
    is("$response->{status} $response->{protected}", '302 0', "$variant: a redirect in server context");
    $log->holds("$variant: a redirect in server context");
    for my $target ('/p/denied-host/hello.txt', '/p/denied-all/hello.txt') {
        $response = $ue->exchange('GET', $target, auth => {});
        is("$response->{status} $response->{protected}", '403 0', "$variant: refused whoever it is: $target");
        $log->holds("$variant: refused whoever it is: $target", 'AH01630');
    }

    $server->stop;
    $log->finish;
}
chmod 0644, "$pages/secret.txt";
done_testing;
