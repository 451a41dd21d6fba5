# SPDX-License-Identifier: Apache-2.0
# Responses that are no errors, by every kind of maker httpd has, each with the hash of what the UE
# gets (RFC 7616 3.5); and the spellings of credentials that deployed UEs use (RFC 7616 3.4).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use GBA::CA qw(subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Site qw(site slurp);
use GBA::UE;

my $log  = GBA::Log->watch;
my $docs = site()->{top} . '/t/htdocs/docs';

for my $algorithm (qw(SHA-256 MD5)) {
    my $ue = GBA::UE->new(subscriber('pages'), algorithm => $algorithm);
    $ue->authenticate('/docs/');
    $log->holds('challenge', 'GBA0401');
    my $get = sub {
        my ($name, $status, $target, %how) = @_;
        my $response = $ue->request(delete $how{method} // 'GET', $target, %how);
        is("$response->{status} $response->{protected}", "$status 1", "$algorithm, $name: status, protected");
        return $response;
    };

    # ---- files ----
    for my $file (qw(hello.txt empty.txt large.bin)) {
        my $whole = slurp("$docs/$file");
        my $page  = $get->($file, 200, "/docs/$file");
        ok($page->{body} eq $whole, "$algorithm, $file: the file");
        is(GBA::HTTP::field($page, 'Content-Length'), length $whole, "$algorithm, $file: length");
        my $head = $get->("HEAD $file", 200, "/docs/$file", method => 'HEAD');
        is(GBA::HTTP::field($head, 'Content-Length'), length $whole, "$algorithm, HEAD $file: length of what GET gives") if length $whole;
        my $etag = GBA::HTTP::field($page, 'ETag');
        $get->("$file, If-None-Match", 304, "/docs/$file", fields => [['If-None-Match', $etag]]);
        # A part of a body could not be verified: the whole comes instead (RFC 9110 14.2 allows that).
        for my $range ('bytes=1-3', 'bytes=-2', 'bytes=0-1,3-4', 'bytes=999999999-') {
            for my $if_range ([], ['If-Range', $etag]) {
                my $part = $get->("$file, $range @$if_range", 200, "/docs/$file", fields => [['Range', $range], @$if_range ? $if_range : ()]);
                ok($part->{body} eq $whole, "$algorithm, $file, $range @$if_range: whole");
            }
        }
    }

    # ---- content coding counts, transfer coding does not (RFC 2617 3.2.2.4) ----
    my $gzip = $get->('gzip', 200, '/gzip/text.txt', fields => [['Accept-Encoding', 'gzip']]);
    is(GBA::HTTP::field($gzip, 'Content-Encoding'), 'gzip', "$algorithm, gzip: coded");
    is(substr($gzip->{body}, 0, 2), "\x1f\x8b", "$algorithm, gzip: the hash was over the coded octets");
    my $plain = $get->('not coded', 200, '/gzip/text.txt');
    is($plain->{body}, 'compress me ' x 1000, "$algorithm, not coded: the text");
    $get->('coded, with a range', 200, '/gzip/text.txt', fields => [['Accept-Encoding', 'gzip'], ['Range', 'bytes=0-9']]);

    # ---- handlers ----
    my $forged = $get->('a handler that forges', 200, '/echo?forge');
    is($forged->{body}, "forged\n", "$algorithm, a handler that forges: Authentication-Info is ours");
    is(scalar(() = GBA::HTTP::field($get->('206 from behind', 206, '/echo?status=206'), 'WWW-Authenticate')), 0,
        "$algorithm, a challenge from behind does not pass");
    $get->("$_ from behind", $_, "/echo?status=$_") for qw(201 202 302);
    $get->('204 from behind', 204, '/echo?status=204');

    # What a handler is told, and not told (TS 24.109 7.2).
    my $me  = subscriber('pages');
    my $env = $get->('environment', 200, '/echo?env', fields => [['X-3GPP-Asserted-Identity', '"sip:boss@home1.net"'],
        ['x-3gpp-authorization-flags', '9'], ['GBA-BTID', 'somebody@home1.net'], ['X-Other', 'kept']]);
    my %env = $env->{body} =~ /^(\w+)=(.*)$/mg;
    my %told = (REMOTE_USER => $me->{btId}, AUTH_TYPE => 'GBA', HTTP_X_3GPP_ASSERTED_IDENTITY => qq("$me->{impi}"),
        HTTP_X_3GPP_AUTHORIZATION_FLAGS => '1', HTTP_X_OTHER => 'kept', GBA_BTID => $me->{btId}, GBA_IMPI => $me->{impi},
        GBA_NAF_FQDN => 'pkiportal.home1.net', GBA_QOP => 'auth-int', GBA_ALGORITHM => $algorithm);
    is($env{$_}, $told{$_}, "$algorithm, a handler is told $_") for sort keys %told;
    is_deeply([grep { /HTTP_AUTHORIZATION|HTTP_GBA/ } keys %env], [], "$algorithm, neither credentials nor what the UE made up");
    unlike($env->{body}, qr/\Q$ue->{password}\E|$me->{meKeyMaterial}|boss/i, "$algorithm, no key");
    $get->('its own identity intended', 200, '/echo?env', fields => [['X-3GPP-Intended-Identity', $_]]) for $me->{impi}, qq("$me->{impi}");
    $log->holds("$algorithm, responses");
    $get->("another's identity intended", 403, '/echo?env', fields => [['X-3GPP-Intended-Identity', '"sip:boss@home1.net"']]);
    $log->holds("$algorithm, another's identity", 'GBA0671');
}

# ---- other algorithms, other qop ----
for my $row (['/sha512/hello.txt', 'SHA-512-256', 'auth-int'], ['/sha512/hello.txt', 'SHA-256', 'auth-int'],
    ['/sha512/hello.txt', 'MD5', 'auth-int'], ['/md5/hello.txt', 'MD5', 'auth-int'], ['/sha/hello.txt', 'SHA-256', 'auth-int'],
    ['/qopauth/hello.txt', 'MD5', 'auth'], ['/qopauth/large.bin', 'SHA-256', 'auth'], ['/qopauth/hello.txt', 'SHA-256', 'auth-int'],
    ['/inherited/hello.txt', 'SHA-256', 'auth-int']) {
    my ($target, $algorithm, $qop) = @$row;
    my $ue = GBA::UE->new(subscriber('pages'), algorithm => $algorithm, qop => $qop);
    my $response = $ue->request('GET', $target);
    is("$response->{status} $response->{protected}", '200 1', "$target, $algorithm, $qop");
    $log->holds("$target, $algorithm, $qop", 'GBA0401');
}
{
    my $md5 = GBA::UE->new(subscriber('pages'), algorithm => 'MD5');
    $md5->authenticate('/docs/');
    my $response = $md5->exchange('GET', '/sha/hello.txt', auth => {});
    is("$response->{status} $response->{protected}", '401 0', 'MD5 where SHA-256 alone is offered');
    $log->holds('MD5 where it is not offered', qw(GBA0401 GBA0405));
}

# ---- spellings of credentials ----
{
    my $ue = GBA::UE->new(subscriber('pages'), algorithm => 'MD5');
    $ue->authenticate('/docs/');
    $log->holds('challenge', 'GBA0401');
    my $each = sub { my ($f) = @_; return sub { my ($p) = @_; $f->($_) for @$p } };
    my @spellings = (
        ['qop, nc and algorithm quoted', after => $each->(sub { $_[0][2] = 1 })],
        ['no algorithm: MD5',            after => sub { my ($p) = @_; @$p = grep { $_->[0] ne 'algorithm' } @$p }],
        ['the other way round',          after => sub { my ($p) = @_; @$p = reverse @$p }],
        ['names in capitals',            after => $each->(sub { $_[0][0] = uc $_[0][0] })],
        ['parameters that nobody knows', after => sub { my ($p) = @_; push @$p, ['x', 'y', 0], ['z', 'a, b', 1] }],
        ['response in capitals',         after => sub { my ($p) = @_; $_->[1] = uc $_->[1] for grep { $_->[0] eq 'response' } @$p }],
        ['nc in capitals',               nc => '0000ABCD'],
        ['nc in small letters',          nc => '0000abce'],
        ['nc far up',                    nc => 'fffffffe'],
        ['userhash=false',               after => sub { my ($p) = @_; push @$p, ['userhash', 'false', 0] }],
        ['a long cnonce',                cnonce => 'c' x 2000],
        ['a cnonce with spaces',         cnonce => ' a b '],
    );
    for my $row (@spellings) {
        my ($name, %auth) = @$row;
        $ue->authenticate('/docs/') if $name =~ /far up/;
        my $response = $ue->exchange('GET', '/docs/hello.txt', auth => \%auth);
        is("$response->{status} $response->{protected}", '200 1', $name);
        $log->holds($name, $name =~ /far up/ ? 'GBA0401' : ());
        $ue->authenticate('/docs/'), $log->holds('challenge', 'GBA0401') if exists $auth{nc};
    }
    for my $change (sub { $_[0] =~ s/, /,/gr }, sub { $_[0] =~ s/, / ,\t /gr }, sub { $_[0] =~ s/(?<=[a-z])=(?=["A-Za-z0-9])/ = /gr }, sub { $_[0] =~ s/Digest /dIGEST   /r }) {
        my $context = $ue->context('GET', '/docs/hello.txt', '', {});
        my $text    = $change->(GBA::UE::credentials($context));
        my $response = $ue->exchange('GET', '/docs/hello.txt', auth => { raw => [$text], context => $context });
        is("$response->{status} $response->{protected}", '200 1', 'white space: ' . substr $text, 0, 20);
    }
    $log->holds('white space');
}

# A query, escaped octets and double slashes: hashed as they stand on the request line.
{
    my $ue = GBA::UE->new(subscriber('pages'));
    $ue->authenticate('/echo');
    $log->holds('challenge', 'GBA0401');
    for my $target ('/echo?', '/echo?a=b&c=d', '/echo?%41', '/%65cho', '/echo//', '/echo/../echo', '/echo?a"b') {
        my $quoted = $target =~ s/"/\\"/gr;
        my $response = $ue->exchange('POST', $target, body => 'x',
            auth => { after => sub { my ($p) = @_; $_->[1] = $quoted for grep { $_->[0] eq 'uri' } @$p } });
        is("$response->{status} $response->{protected}", '200 1', "target $target");
    }
    $log->holds('targets');
}

$log->finish;
done_testing;
