#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Modules that answer by subrequests and internal redirects: mod_include, mod_negotiation,
# mod_actions, mod_rewrite per directory, mod_proxy by [P]. Authentication is never asked twice,
# the answer is protected once. With and without httpd's short-cut (see statuses.t).

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use File::Path qw(make_path);
use Test::More;
use GBA::Backend;
use GBA::CA qw(subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::Site qw(site spew);
use GBA::UE;

my $top   = site()->{top};
my $pages = "$top/run/neighbours";
my %page  = (
    'hello.txt'         => "hello\n",
    'ssi/plain.shtml'   => "A<!--#echo var=\"GBA_QOP\" -->B\n",
    'ssi/file.shtml'    => "A<!--#include file=\"part.txt\" -->B\n",
    'ssi/virtual.shtml' => "A<!--#include virtual=\"/p/hello.txt\" -->B\n",
    'ssi/nested.shtml'  => "A<!--#include virtual=\"/p/ssi/virtual.shtml\" -->B\n",
    'ssi/open.shtml'    => "A<!--#include virtual=\"/open/hello.txt\" -->B\n",
    'ssi/many.shtml'    => join('', map { "<!--#include virtual=\"/p/hello.txt\" -->" } 1 .. 50),
    'ssi/script.shtml'  => "A<!--#include virtual=\"/p/cgi?raw=Content-Type:%20text/plain%0d%0aAuthentication-Info:%20x%0d%0aWWW-Authenticate:%20Basic%0d%0a%0d%0ascript\" -->B\n",
    'ssi/refused.shtml' => "A<!--#include virtual=\"/p/denied/hello.txt\" -->B\n",
    'ssi/missing.shtml' => "A<!--#include virtual=\"/p/nothing\" -->B\n",
    'ssi/says401.shtml' => "A<!--#include virtual=\"/p/cgi?raw=Status:%20401%0d%0aWWW-Authenticate:%20Basic%0d%0a%0d%0ascript\" -->B\n",
    'ssi/realm.shtml'   => "A<!--#include virtual=\"/other/hello.txt\" -->B\n",
    'ssi/proxied.shtml' => "A<!--#include virtual=\"/p/behind/ok\" -->B\n",
    'ssi/part.txt'      => 'part',
    'ssi/empty.shtml'   => '',
    'many/page.html.en' => "english\n",
    'many/page.html.de' => "deutsch\n",
    'many/only.html.fr' => "seul\n",
    'act/x.act'         => "acted upon\n",
    'rewrite/x.txt'     => "x\n",
);
for my $name (sort keys %page) {
    my ($folder) = "$pages/$name" =~ m{(.*)/};
    make_path($folder);
    spew("$pages/$name", $page{$name});
}

my $backend = GBA::Backend->start('/ok' => "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\nAuthentication-Info: x\r\n\r\nbehind\n");
my $behind  = 'http://127.0.0.1:' . $backend->port;
my $conf    = <<"END";
ScriptAlias /p/cgi "$top/t/cgi/respond.pl"
ScriptAlias /p/echo "$top/t/cgi/echo.pl"
ScriptAlias /open/echo "$top/t/cgi/echo.pl"
Alias /p "$pages"
Alias /open "$pages"
Alias /other "$pages"
AddLanguage en .en
AddLanguage de .de
AddLanguage fr .fr
AddType text/html .html .shtml
<Location "/p">
    AuthType GBA
    Require valid-user
</Location>
<Location "/p/denied">
    Require user somebody.else
</Location>
<Location "/other">
    AuthType GBA
    Require valid-user
    GBANafFqdn other.home1.net
</Location>
<Location "/p/behind">
    ProxyPass $behind
</Location>
<Directory "$pages/ssi">
    Options +Includes
    AddOutputFilter INCLUDES .shtml
</Directory>
<Directory "$pages/many">
    Options +MultiViews
    DirectoryIndex page
</Directory>
<Directory "$pages/act">
    Action acted /open/echo virtual
    AddHandler acted .act
    Action acted-inside /p/echo virtual
    AddHandler acted-inside .acti
</Directory>
<Directory "$pages/rewrite">
    RewriteEngine On
    RewriteBase "/p/rewrite/"
    RewriteRule "^inside\$" "/p/hello.txt" [L]
    RewriteRule "^twice\$" "/p/rewrite/inside" [L]
    RewriteRule "^to-script\$" "/p/echo?hash" [L]
    RewriteRule "^to-other\$" "/other/hello.txt" [L]
    RewriteRule "^behind/(.*)\$" "$behind/\$1" [P]
    RewriteCond "%{LA-U:REMOTE_USER}" "^\$"
    RewriteRule "^nobody\$" "-" [F]
    RewriteRule "^nobody\$" "/p/hello.txt" [L]
</Directory>
END
spew("$pages/act/y.acti", "acted upon\n");

my $error  = '[an error occurred while processing this directive]';
my $upload = 'u' x 70_000;
my $hashed = qr/\Alength=70000 sha256=[0-9a-f]{64}\n\z/;
my @rows   = (
    ['SSI',                        'GET',  '/p/ssi/plain.shtml',   200, is => "Aauth-intB\n"],
    ['SSI, HEAD',                  'HEAD', '/p/ssi/plain.shtml',   200, is => ''],
    ['SSI, POST',                  'POST', '/p/ssi/plain.shtml',   200, is => "Aauth-intB\n", body => $upload],
    ['SSI of nothing',             'GET',  '/p/ssi/empty.shtml',   200, is => ''],
    ['SSI with a file',            'GET',  '/p/ssi/file.shtml',    200, is => "ApartB\n"],
    ['SSI with a page',            'GET',  '/p/ssi/virtual.shtml', 200, is => "Ahello\nB\n"],
    ['SSI in SSI',                 'GET',  '/p/ssi/nested.shtml',  200, is => "AAhello\nB\nB\n"],
    ['SSI with an open page',      'GET',  '/p/ssi/open.shtml',    200, is => "Ahello\nB\n"],
    ['SSI with fifty pages',       'GET',  '/p/ssi/many.shtml',    200, is => "hello\n" x 50],
    ['SSI with a forging script',  'GET',  '/p/ssi/script.shtml',  200, is => "AscriptB\n"],
    ['SSI with a proxied page',    'GET',  '/p/ssi/proxied.shtml', 200, is => "Abehind\nB\n"],
    ['SSI with a refused page',    'GET',  '/p/ssi/refused.shtml', 200, is => "A${error}B\n", log => ['GBA0642', 'AH01631'], says => qr/unable to include/],
    ['SSI with a missing page',    'GET',  '/p/ssi/missing.shtml', 200, is => "A${error}B\n", says => qr/unable to include/],
    ['SSI with a script of 401',   'GET',  '/p/ssi/says401.shtml', 200, is => "AscriptB\n"],
    ['SSI into another realm',     'GET',  '/p/ssi/realm.shtml',   200, is => "A${error}B\n", log => ['GBA0641'], says => qr/unable to include/],
    ['a variant',                  'GET',  '/p/many/page',         200, is => "deutsch\n", fields => [['Accept-Language', 'de']]],
    ['a variant, HEAD',            'HEAD', '/p/many/page',         200, is => '', fields => [['Accept-Language', 'en']]],
    ['a negotiated index',         'GET',  '/p/many/',             200, is => "english\n", fields => [['Accept-Language', 'en']]],
    ['no variant fits',            'GET',  '/p/many/page',         406, like => qr/page\.html\.de/, fields => [['Accept', 'image/png']], log => ['AH00690']],
    ['no such name',               'GET',  '/p/many/nothing',      404],
    ['Action',                     'GET',  '/p/act/x.act',         200, like => qr/\Alength=0 /],
    ['Action, POST',               'POST', '/p/act/x.act',         200, like => $hashed, body => $upload],
    ['Action inside',              'GET',  '/p/act/y.acti',        200, like => qr/\Alength=0 /],
    ['Action inside, POST',        'POST', '/p/act/y.acti',        200, like => $hashed, body => $upload],
    ['RewriteRule',                'GET',  '/p/rewrite/inside',    200, is => "hello\n"],
    ['RewriteRule, twice',         'GET',  '/p/rewrite/twice',     200, is => "hello\n"],
    ['RewriteRule, script',        'POST', '/p/rewrite/to-script', 200, like => $hashed, body => $upload],
    ['RewriteRule, look-ahead',    'GET',  '/p/rewrite/nobody',    200, is => "hello\n"],
    ['RewriteRule, another realm', 'GET',  '/p/rewrite/to-other',  500, log => ['GBA0641']],
    ['RewriteRule [P]',            'GET',  '/p/rewrite/behind/ok', 200, is => "behind\n"],
    ['RewriteRule [P], POST',      'POST', '/p/rewrite/behind/ok', 200, is => "behind\n", body => $upload],
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
    # What httpd logs without a number is looked for by its words.
    my @lines = $log->look;
    my @words = $more{says} ? grep { $_ =~ $more{says} } @lines : ();
    ok(@words == 1, "log: $name: $more{says}") or diag(@lines) if $more{says};
    my @problems = GBA::Log::problems([grep { !$more{says} || $_ !~ $more{says} } @lines], @{ $more{log} || [] });
    ok(!@problems, "log: $name") or diag(@problems);
    return;
}

for my $more ([], ['allowmethods']) {
    my $variant = @$more ? "with @$more" : 'plain';
    my $mpm     = $ENV{GBA_MPM} || 'event';
    my $cgi     = $mpm eq 'prefork' ? 'cgi' : 'cgid';
    my $server  = GBA::Server->start(
        children => 2, modules => [$cgi, qw(rewrite include negotiation actions proxy proxy_http), @$more],
        conf     => $conf . ($cgi eq 'cgid' ? "ScriptSock cgisock\n" : ''),
    );
    my $ue = GBA::UE->new(subscriber('both'), port => $server->port);
    $ue->authenticate('/p/hello.txt');
    my $log = GBA::Log->watch($server->error_log);
    check($variant, $ue, $log, $_) for @rows;
    $server->stop;
    $log->finish;
}
done_testing;
