# SPDX-License-Identifier: Apache-2.0
# After authentication every error is protected (TS 24.109 E.4, E.6), whoever makes it and whatever
# page an operator puts in its place. The UE here fails a script whose Authentication-Info is missing
# or wrong, so a row needs to name only status, tags and what is special.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use GBA::CA qw(der_of new_key openssl pkcs10 subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Site qw(site slurp spew);
use GBA::UE;

my $log  = GBA::Log->watch;
my $pem  = pkcs10(new_key('EC', 'P-256'));
my $der  = der_of($pem);
my $type = 'application/x-pkcs10';

# The same request with one bit of its signature changed: its proof of possession is wrong.
sub forged { my $bad = $der; substr($bad, -1) ^= "\x01"; return $bad }

# One enrolment, and the things that must hold for every row.
sub row {
    my ($ue, $name, $status, $tags, $method, $target, %option) = @_;
    my $response = $ue->request($method, $target, %option);
    is("$response->{status} $response->{protected}", "$status 1", "$name: status, protected");
    is(scalar(() = GBA::HTTP::field($response, 'WWW-Authenticate')), 0, "$name: no challenge");
    $log->holds($name, @$tags);
    return $response;
}

for my $algorithm (qw(SHA-256 MD5)) {
    my $ue = GBA::UE->new(subscriber('pages'), algorithm => $algorithm);
    $ue->authenticate('/enrol');
    $log->holds('challenge', 'GBA0401');
    my $post = sub { my ($name, $status, $tag, $body, %more) = @_; row($ue, "$algorithm, $name", $status, [$tag], 'POST', '/enrol', type => $type, body => $body, %more) };

    # ---- PKCS#10 unreadable, proof of possession wrong: 400 ----
    $post->('empty body', 400, 'GBA0300', '');
    $post->('no body', 400, 'GBA0300', undef);
    $post->($_->[0], 400, qr/\AGBA030[0-4]\z/, $_->[1]) for (
        ['a word', 'hello'], ['NULs', "\0" x 100], ['half a DER', substr $der, 0, length($der) / 2],
        ['DER and more', "$der\0"], ['two PEM blocks', $pem . $pem], ['text before the PEM', "x\n$pem"],
        ['a certificate', slurp(site()->{ca})],
        ['MD5', slurp(site()->{top} . '/t/vectors/pkcs10/rsa2048-md5.pem')]);
    $post->('proof of possession wrong', 400, 'GBA0305', forged());
    $post->('over the handler\'s cap', 413, 'GBA0442', $pem . "\n" x 16384);
    $post->('over the handler\'s cap, chunked', 413, 'GBA0442', "\n" x 20000, chunks => ["\n" x 10000, "\n" x 10000]);

    # ---- wrong method, type, response= ----
    for my $method (qw(GET HEAD PUT DELETE OPTIONS PATCH)) {
        my $response = row($ue, "$algorithm, $method", 405, ['GBA0440'], $method, '/enrol');
        # httpd itself answers TRACE, and says so.
        like(GBA::HTTP::field($response, 'Allow'), qr/\APOST(?:,TRACE)?\z/, "$algorithm, $method: Allow");
    }
    row($ue, "$algorithm, media type", 415, ['GBA0441'], 'POST', '/enrol', type => 'text/plain', body => $pem);
    row($ue, "$algorithm, response=", 400, ['GBA0361'], 'POST', '/enrol?response=all', type => $type, body => $pem);

    # ---- by httpd's own hand ----
    row($ue, "$algorithm, not found", 404, [], 'GET', '/docs/nothing.txt');
    row($ue, "$algorithm, redirect to the folder", 301, [], 'GET', '/docs');
    row($ue, "$algorithm, method on a file", 405, [], 'PUT', '/docs/hello.txt', body => 'x');
    row($ue, "$algorithm, refused by Require", 403, [qw(GBA0642 AH01631)], 'GET', '/denied/hello.txt');
    row($ue, "$algorithm, precondition", 412, [], 'GET', '/docs/hello.txt', fields => [['If-Match', '"nothing"']]);
    row($ue, "$algorithm, response over the cap", 500, ['GBA0652'], 'GET', '/capped/large.bin');
    row($ue, "$algorithm, 401 from behind", 502, ['GBA0655'], 'GET', '/echo?status=401');
    row($ue, "$algorithm, $_ from behind", $_, [], 'GET', "/echo?status=$_") for qw(400 403 404 418 500 503);
}

# ---- the operator's own pages: right over what goes out, whatever it is ----
{
    my $allowed = GBA::UE->new(subscriber('pages'));
    my $refused = GBA::UE->new(subscriber('no-uss'));
    $_->authenticate('/text-page') for $allowed, $refused;
    $log->holds('challenges', qw(GBA0401 GBA0401));
    my %page = (
        '/text-page'      => qr/\Athe operator's text\z/,
        '/local-page'     => qr/\A<p>the operator's page<\/p>\n\z/,
        '/script-page'    => qr/\A(?:length=0 .*\n)?\z/,
        '/protected-page' => qr/\Ahello\n\z|404 Not Found|Bad Request/,
        '/foreign-page'   => qr/403 Forbidden|400 Bad Request/,
    );
    for my $target (sort keys %page) {
        my @foreign = $target eq '/foreign-page' ? 'GBA0641' : ();
        my $no = row($refused, "$target, refusal", 403, ['GBA0446', @foreign], 'POST', $target, type => $type, body => $pem);
        like($no->{body}, $page{$target}, "$target: the operator's page, not ours");
        ok(GBA::HTTP::field($no, 'Expires'), "$target: Expires stays");
        my $bad = row($allowed, "$target, bad PKCS#10", 400, [qr/\AGBA030/, @foreign], 'POST', $target, type => $type, body => 'x');
        like($bad->{body}, $page{$target}, "$target: the operator's page for 400 too");
    }
    my $head = row($refused, 'HEAD with a page', 405, ['GBA0440'], 'HEAD', '/local-page');
    is($head->{body}, '', 'HEAD has no body, and its hash is that of none');
}

# ---- ledger down: 503, with the time to wait, and nothing issued ----
{
    my $ue   = GBA::UE->new(subscriber('pages'));
    my $file = site()->{ledger} . '/broken.db';
    open my $db, '+<:raw', $file or die "$file: $!\n";
    print $db 'no database any more' x 1000;
    close $db;
    unlink "$file-wal", "$file-shm";
    $ue->authenticate('/broken');
    $log->holds('challenge', 'GBA0401');
    my $down = row($ue, 'ledger down', 503, [qr/\AGBA05/], 'POST', '/broken', type => $type, body => $pem);
    like(GBA::HTTP::field($down, 'Retry-After'), qr/\A[1-9][0-9]*\z/, 'Retry-After');
    unlike($down->{body}, qr/CERTIFICATE/, 'no certificate');
}

# ---- the handler where it must not be ----
{
    my $weak = GBA::UE->new(subscriber('pages'), qop => 'auth');
    $weak->authenticate('/weak-enrol');
    $log->holds('challenge', 'GBA0401');
    row($weak, 'gba-enrol for a UE that chose qop=auth', 500, ['GBA0662'], 'POST', '/weak-enrol', type => $type, body => $pem);
    my $strong = GBA::UE->new(subscriber('pages'));
    row($strong, 'gba-enrol for one that chose auth-int', 200, [qw(GBA0401 GBA0661)], 'POST', '/weak-enrol', type => $type, body => $pem);
    for my $auth (0, { nonce => 'x', realm => 'x', opaque => 'x' }) {
        my $open = $strong->exchange('POST', '/open-enrol', type => $type, body => $pem, auth => $auth);
        is("$open->{status} $open->{protected}", '500 0', 'gba-enrol without AuthType, ' . ($auth ? 'some' : 'no') . ' credentials');
        $log->holds('gba-enrol without AuthType', 'GBA0662');
    }
}

$log->finish;
done_testing;
