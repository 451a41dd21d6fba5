# SPDX-License-Identifier: Apache-2.0
# Every way in which authentication fails: the status, stale or not, that nothing is protected, and
# what the operator's log says.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(sleep);
use GBA::CA qw(subscriber);
use GBA::Digest qw(read_challenge);
use GBA::HTTP;
use GBA::Log;
use GBA::UE;

my $log    = GBA::Log->watch;
my $target = '/docs/hello.txt';
my $ue     = GBA::UE->new(subscriber('errors'));
$ue->authenticate($target);
$log->holds('challenge', 'GBA0401');

my $stale = qr/, stale=true\z/;

# One row: what is sent, what must come back. 401 has a challenge, always; a nonce is stale or not.
sub check {
    my ($name, $status, $is_stale, $tags, $method, $uri, %option) = @_;
    my $response = $ue->exchange($method, $uri, fresh => 1, %option);
    is("$response->{status} $response->{protected}", "$status 0", "$name: status, unprotected");
    my @challenges = GBA::HTTP::field($response, 'WWW-Authenticate');
    is(scalar @challenges, $status == 401 ? 2 : 0, "$name: challenges");
    is(scalar(grep { /$stale/ } @challenges), $is_stale ? 2 : 0, "$name: stale") if $status == 401;
    is(scalar(grep { !read_challenge($_) } @challenges), 0, "$name: well-formed") if $status == 401;
    $log->holds($name, @$tags);
    return $response;
}

# The same with a GET, and credentials that are right but for what the row replaces.
sub row { my ($name, $status, $is_stale, $tag, %auth) = @_; return check($name, $status, $is_stale, [$tag // ()], 'GET', $target, auth => \%auth) }

# Changes to the list of parameters once the response is computed.
sub drop    { my ($name) = @_; return sub { my ($p) = @_; @$p = grep { $_->[0] ne $name } @$p } }
sub add     { my (@new) = @_; return sub { my ($p) = @_; push @$p, [@new] } }
sub quoted  { my ($name, $quoted) = @_; return sub { my ($p) = @_; $_->[2] = $quoted for grep { $_->[0] eq $name } @$p } }
sub swapped { my ($name, $text) = @_; return sub { my ($p) = @_; $_->[1] = $text for grep { $_->[0] eq $name } @$p } }

# ---- no credentials, or others (RFC 9110 11.6.2) ----
row('Basic', 401, 0, 'GBA0403', raw => ['Basic ' . encode_base64('user:password', '')]);
row('Bearer', 401, 0, 'GBA0403', raw => ['Bearer abcdef']);
row('a scheme that starts like ours', 401, 0, 'GBA0403', raw => ['Digestive username="x"']);

# ---- credentials that were not offered ----
row('realm of another NAF', 401, 0, 'GBA0404', realm => '3GPP-bootstrapping@other.home1.net');
row('realm of another case', 401, 0, 'GBA0404', realm => '3GPP-bootstrapping@PKIPORTAL.home1.net');
row('realm of another kind', 401, 0, 'GBA0404', realm => '3GPP-bootstrapping-uicc@pkiportal.home1.net');
row('SHA-512-256', 401, 0, 'GBA0405', algorithm => 'SHA-512-256');
row('an algorithm that nobody knows', 401, 0, 'GBA0405', after => swapped('algorithm', 'SHA-3'));
row('MD5-sess', 401, 0, 'GBA0405', after => swapped('algorithm', 'MD5-sess'));
row('qop=auth', 401, 0, 'GBA0406', qop => 'auth');
row('a qop that nobody knows', 401, 0, 'GBA0406', after => swapped('qop', 'auth-conf'));
row('no opaque', 401, 0, 'GBA0407', after => drop('opaque'));
row('another opaque', 401, 0, 'GBA0407', opaque => '0' x 32);

# ---- credentials that are wrong ----
row('wrong password', 401, 0, 'GBA0419', password => encode_base64('x' x 32, ''));
row('empty password', 401, 0, 'GBA0419', password => '');
row('password in hex instead of base64', 401, 0, 'GBA0419', password => subscriber('errors')->{meKeyMaterial});
row('hash over another method', 401, 0, 'GBA0419', method => 'POST');
row('hash over another body', 401, 0, 'GBA0419', body => 'x');
row('response of all zeros', 401, 0, 'GBA0419', after => swapped('response', '0' x 64));
row('cnonce changed afterwards', 401, 0, 'GBA0419', after => swapped('cnonce', 'other'));
row('nc changed afterwards', 401, 0, 'GBA0419', after => swapped('nc', '000000ff'));
row("another subscriber's key", 401, 0, 'GBA0419', password => GBA::UE->new(subscriber('both'))->{password});
for my $framing ([body => 'the body as sent'], [body => 'the body as sent', chunks => ['the body as ', 'sent']]) {
    check("tampered body, $framing->[-2]", 401, 0, ['GBA0419'], 'PUT', $target, @$framing, auth => { body => 'the body as hashed' });
}
row('an unknown subscriber', 401, 0, 'GBA0590', username => encode_base64('unknown unknown!', '') . '@bsf.home1.net');
row('a subscriber of another NAF', 401, 0, 'GBA0590', username => subscriber('foreign')->{btId}, password => GBA::UE->new(subscriber('foreign'))->{password});
row('a key for another Ua protocol', 401, 0, 'GBA0590', username => subscriber('digest')->{btId}, password => GBA::UE->new(subscriber('digest'))->{password});
row("no B-TID: $_", 401, 0, 'GBA0416', username => $_) for 'Mufasa', '@bsf.home1.net', 'x@', 'a b@bsf.home1.net';

# Key-ExpiryTime and the local limit: no stale, since a new nonce would not help; and told apart in
# the log from each other and from an unknown B-TID (TS 24.109 5.2.5).
for my $row (['expired', 'GBA0408'], ['aged', 'GBA0409']) {
    my ($who, $tag) = @$row;
    row("$who key", 401, 0, $tag, username => subscriber($who)->{btId}, password => GBA::UE->new(subscriber($who))->{password});
    row("$who key, and a wrong password", 401, 0, $tag, username => subscriber($who)->{btId}, password => 'x');
}

# ---- malformed (RFC 7616 3.4: 400) ----
row("no $_", 400, 0, 'GBA0113', after => drop($_)) for qw(username realm nonce uri response qop nc cnonce);
for my $name (qw(username realm nonce uri response algorithm qop nc cnonce opaque)) {
    row("$name twice", 400, 0, 'GBA0113', after => sub { my ($p) = @_; push @$p, grep { $_->[0] eq $name } @$p });
}
row('username twice, in another case', 400, 0, 'GBA0113', after => add('UserName', 'x', 1));
row("nc=$_", 400, 0, 'GBA0113', after => swapped('nc', $_)) for qw(0000000g 1 000000001 00000000 0x000001), '+0000001', '';
row("response of $_ digits", 400, 0, 'GBA0113', after => swapped('response', 'a' x $_)) for 0, 32, 63, 65, 128;
row('response that is not hex', 400, 0, 'GBA0113', after => swapped('response', 'g' x 64));
row("$_ not quoted", 400, 0, 'GBA0113', after => quoted($_, 0)) for qw(username nonce uri);
row('an open quote', 400, 0, 'GBA0113', after => add('x', '"open', 0));
row('something after the last parameter', 400, 0, 'GBA0113', after => add('x', '1 2', 0));
row('a tab in a quoted string', 400, 0, qr/\AGBA011[13]\z/, cnonce => "a\tb");
row('an octet above 0x7e in a token', 400, 0, qr/\AGBA011[13]\z/, after => add('x', "\xff", 0));
row('userhash=true', 400, 0, 'GBA0113', after => add('userhash', 'true', 0));
row('username*', 400, 0, 'GBA0113', after => add('username*', "UTF-8''x", 0));
row('a parameter over 2048 octets', 400, 0, 'GBA0113', cnonce => 'c' x 2049);
row('a field over 8192 octets', 400, 0, qr/\AGBA011[13]\z/, after => sub { my ($p) = @_; push @$p, map { ["x$_", 'y' x 1000, 1] } 1 .. 9 });
row('nothing but the scheme', 400, 0, 'GBA0113', raw => ['Digest']);
row('Basic syntax under Digest', 400, 0, 'GBA0113', raw => ['Digest dXNlcjpwYXNz']);
# httpd's own refusal of such an octet, before any module sees the request.
row('a control octet', 400, 0, undef, cnonce => "a\x01b");
# httpd joins two fields of one name by a comma before modules see them: two credentials in either shape.
{
    my $good = GBA::UE::credentials($ue->context('GET', $target, '', {}));
    my $tag  = qr/\AGBA0(?:113|402)\z/;
    row('two Authorization fields', 400, 0, $tag, raw => [$good, $good]);
    row('two, one of another scheme last', 400, 0, $tag, raw => [$good, 'Basic eDp5']);
    row('one with two credentials', 400, 0, $tag, raw => ["$good, $good"]);
    row('two, one of another scheme first', 400, 0, 'GBA0426', raw => ['Basic eDp5', $good]);
}

# ---- uri is not the request target (RFC 7616 3.4.6) ----
row("uri $_", 400, 0, 'GBA0415', uri => $_) for '/docs/', "$target?", "$target/", '/docs/../docs/hello.txt', '/docs/hell%6f.txt',
    "http://pkiportal.home1.net$target", '*', '';
row('uri changed afterwards', 400, 0, 'GBA0415', after => swapped('uri', '/enrol'));
check('target changed on the way', 400, 0, ['GBA0415'], 'GET', '/docs/empty.txt', auth => { uri => $target });
check('query changed on the way', 400, 0, ['GBA0415'], 'GET', "$target?a=2", auth => { uri => "$target?a=1" });

# ---- the nonce: stale=true, at once and whoever asks (RFC 7616 3.3) ----
my $nonce = $ue->{nonce};
sub flipped { my ($at) = @_; my $n = $nonce; substr($n, $at, 1) = substr($n, $at, 1) eq 'A' ? 'B' : 'A'; return $n }
row('a nonce of nobody', 401, 1, 'GBA0104', nonce => 'abc');
row('a nonce of the right length', 401, 1, qr/\AGBA010[123]\z/, nonce => 'A' x 60);
row('a nonce with padding', 401, 1, 'GBA0104', nonce => "$nonce=");
row("a nonce changed at $_", 401, 1, qr/\AGBA010[123]\z/, nonce => flipped($_)) for 0, 1, 5, 14, 20, 30, 45, 59;
row('a bad nonce and a wrong password', 401, 1, qr/\AGBA010[123]\z/, nonce => flipped(20), password => 'x');
row('a bad nonce and an unknown subscriber', 401, 1, qr/\AGBA010[123]\z/, nonce => flipped(20), username => 'a@bsf.home1.net');
{
    my $other = GBA::UE->new(subscriber('foreign'));
    $other->authenticate('/other/hello.txt');
    $log->holds('challenge of the other NAF', 'GBA0401');
    row("another realm's nonce", 401, 1, 'GBA0103', nonce => $other->{nonce});
    my $there = $other->request('GET', '/other/hello.txt');
    is("$there->{status} $there->{protected}", '200 1', 'where it is good, it is good');
    $log->holds('the other NAF');
}

# ---- replay: right, but seen before ----
{
    my $replay = GBA::UE->new(subscriber('replay'));
    $replay->authenticate($target);
    my $first = $replay->exchange('GET', $target, auth => {});
    is("$first->{status} $first->{protected}", '200 1', 'the first time it is taken');
    $log->holds('the first time', 'GBA0401');
    # To every child: each is a new connection, and whichever takes it, must know.
    for my $time (2 .. 9) {
        check("time $time", 401, 1, ['GBA0420'], 'GET', $target, auth => { context => $first->{context} });
    }
    # Out of order is no replay (RFC 7616 3.4: nc is what the server makes of it), twice is.
    for my $nc (qw(00000009 00000005 00000007 0000000A 0000000b)) {
        my $response = $replay->exchange('GET', $target, auth => { nc => $nc });
        is("$response->{status} $response->{protected}", '200 1', "nc=$nc, in this order");
        check("nc=$nc again", 401, 1, ['GBA0420'], 'GET', $target, auth => { context => $response->{context} });
    }
    # The same number written otherwise, with a hash of its own, is still the same number.
    my $other = GBA::UE->new(subscriber('replay'), map { $_ => $replay->{$_} } qw(nonce realm opaque));
    for my $nc (qw(0000000a 0000000B)) {
        my $response = $other->exchange('GET', $target, fresh => 1, auth => { nc => $nc });
        is("$response->{status} $response->{protected}", '401 0', "nc=$nc is no new number");
        $log->holds("nc=$nc", 'GBA0420');
    }
    # A wrong response uses nothing up (the nc is looked at after the hash).
    check('wrong password with a new nc', 401, 0, ['GBA0419'], 'GET', $target,
        auth => { username => $replay->{username}, nonce => $replay->{nonce}, password => 'x', nc => '0000000c' });
    my $right = $replay->exchange('GET', $target, auth => { nc => '0000000c' });
    is("$right->{status} $right->{protected}", '200 1', 'the same nc with the right one');
    $log->holds('the right one');
    # Far below the highest nobody remembers: taken as seen.
    my $high = $replay->exchange('GET', $target, auth => { nc => '00100000' });
    is("$high->{status} $high->{protected}", '200 1', 'a leap upwards is taken');
    check('what was left far behind', 401, 1, ['GBA0420'], 'GET', $target,
        auth => { username => $replay->{username}, password => $replay->{password}, nonce => $replay->{nonce}, nc => '00000100' });
    # stale=true costs one round trip, not a bootstrapping.
    my $last = $replay->request('GET', $target, auth => { nc => '00000001' });
    is("$last->{status} $last->{protected}", '200 1', 'with the new nonce it goes on');
    $log->holds('a new nonce', 'GBA0420');
}

# ---- an old nonce: stale, then success with the new one ----
{
    my $slow = GBA::UE->new(subscriber('both'));
    my $page = '/short/hello.txt';
    $slow->authenticate($page);
    my $soon = $slow->exchange('GET', $page, auth => {});
    is("$soon->{status} $soon->{protected}", '200 1', 'at once it is good');
    $log->holds('at once', 'GBA0401');
    sleep 4.3;
    my $late = $slow->exchange('GET', $page, auth => {});
    is("$late->{status} $late->{protected}", '401 0', 'after its lifetime it is not');
    ok($slow->take_challenge($late) && $slow->{stale}, 'but stale');
    my $again = $slow->exchange('GET', $page, auth => {});
    is("$again->{status} $again->{protected}", '200 1', 'and the new one is good');
    $log->holds('too old', 'GBA0107');
    sleep 4.3;
    my $whole = $slow->request('GET', $page);
    is("$whole->{status} $whole->{protected}", '200 1', 'a UE that obeys stale notices nothing');
    $log->holds('too old', 'GBA0107');
}

# ---- several identifiers tried in order (TS 33.220 H.3): any of them gets in, none else ----
for my $who (qw(both digest)) {
    my $one = GBA::UE->new(subscriber($who));
    my $response = $one->request('GET', '/two-ids/hello.txt');
    is("$response->{status} $response->{protected}", '200 1', "GBAUaProtocol pki digest: $who");
}
$log->holds('two identifiers', ('GBA0401') x 2);

# ---- after all that, whoever is in the right gets in ----
my $fine = $ue->request('GET', $target);
is("$fine->{status} $fine->{protected} $fine->{body}", "200 1 hello\n", 'right credentials');
$log->finish;
done_testing;
