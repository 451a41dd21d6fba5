# SPDX-License-Identifier: Apache-2.0
# The 403 of TS 24.109 table E.4-1: its header fields, its decision element, its reasons.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Time::Local qw(timegm);
use GBA::CA qw(new_key pkcs10 subscriber);
use GBA::Digest qw(read_info);
use GBA::HTTP;
use GBA::Log;
use GBA::Site qw(site slurp);
use GBA::UE;

my $log = GBA::Log->watch;
my $pem = pkcs10(new_key('EC', 'P-256'));

sub enrol {
    my ($ue, $target, $body) = @_;
    return $ue->request('POST', $target, type => 'application/x-pkcs10', body => $body);
}

my %month;
@month{qw(Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec)} = 0 .. 11;

# IMF-fixdate (RFC 9110 5.6.7), or nothing.
sub seconds {
    my ($text) = @_;
    $text =~ /\A(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT\z/ or return;
    return timegm($6, $5, $4, $1, $month{$2}, $3);
}

# ---- the fields, beside the standard's own example ----

my $example  = slurp(site()->{top} . '/t/vectors/ts24109-E.4.txt');
my ($table)  = $example =~ /Table E\.4-1.*?\n(.*?)\nAuthentication-Info: This/s;
my @expected = $table =~ /^([A-Z][A-Za-z-]+): /mg;
is_deeply(\@expected, [qw(Server Content-Type Authentication-Info Date Expires)], 'the fields that the example shows');

my $ue       = GBA::UE->new(subscriber('no-uss'));
my $response = enrol($ue, '/enrol?response=single', $pem);
is($response->{status}, 403, 'status');
is($response->{reason}, 'Forbidden', 'reason phrase');
for my $name (@expected) {
    my @values = GBA::HTTP::field($response, $name);
    is(scalar @values, 1, "$name is there once");
}
like(GBA::HTTP::field($response, 'Server'), qr/\AApache/, 'Server');
like(GBA::HTTP::field($response, 'Content-Type'), qr{\Atext/html(?:;|\z)}, 'Content-Type');
ok(read_info(scalar GBA::HTTP::field($response, 'Authentication-Info')), 'Authentication-Info in the example\'s order and quoting');
is($response->{protected}, 1, 'and right');
my ($date, $expires) = map { seconds(scalar GBA::HTTP::field($response, $_)) } qw(Date Expires);
ok(defined $date && abs(time - $date) < 30, 'Date is now');
ok(defined $expires && abs($expires - $date - 86400) <= 2, 'Expires is a day later, as in the example');
like(GBA::HTTP::field($response, 'Cache-Control'), qr/\bprivate\b.*\bno-store\b/, 'Cache-Control');
$log->holds('refused', qw(GBA0401 GBA0446));

my $quick = enrol(GBA::UE->new(subscriber('no-uss')), '/quick', $pem);
($date, $expires) = map { seconds(scalar GBA::HTTP::field($quick, $_)) } qw(Date Expires);
ok(abs($expires - $date - 3600) <= 2, 'GBARefusalExpires 1h');
$log->holds('refused', qw(GBA0401 GBA0446));

# ---- the page ----

my $vectors = site()->{top} . '/t/vectors/pkcs10';
my @rows = (
    ['no-uss',  'NO_USS',            $pem],
    ['no-flag', 'NO_FLAG',           $pem],
    ['nobody',  'NO_IDENTITY',       $pem],
    ['alpha',   'USAGE_NOT_ALLOWED', slurp("$vectors/p256-wish-nonrepudiation.pem")],
    ['alpha',   'KEY_SIZE',          slurp("$vectors/rsa1024.pem")],
    ['alpha',   'KEY_EXPONENT',      slurp("$vectors/rsa2048-e3.pem")],
    ['alpha',   'KEY_CURVE',         slurp("$vectors/p521.pem")],
    ['alpha',   'KEY_CURVE',         slurp("$vectors/secp256k1.pem")],
    ['alpha',   'KEY_TYPE',          slurp("$vectors/ed25519.pem")],
    ['alpha',   'KEY_TYPE',          slurp("$vectors/dsa1024.pem")],
    ['alpha',   'KEY_FACTORS',       slurp("$vectors/rsa2058-factor-751.pem")],
    ['alpha',   'KEY_ROCA',          slurp("$vectors/rsa2048-roca.pem")],
    ['alpha',   'KEY_CLOSE_PRIMES',  slurp("$vectors/rsa2048-close-primes.pem")],
);
for my $row (@rows) {
    my ($who, $reason, $body) = @$row;
    my $subscriber = subscriber($who);
    my $answer     = enrol(GBA::UE->new($subscriber), '/enrol', $body);
    is($answer->{status}, 403, "$who, $reason: status");
    my @decision = $answer->{body} =~ /<meta name="gba-decision" content="([^"]*)">/g;
    is_deeply(\@decision, ["refused; reason=$reason"], "$who, $reason: one decision element");
    like($answer->{body}, qr{\A<!DOCTYPE html>.*</html>\n\z}s, "$who, $reason: a whole page");
    my @told = grep { defined && index($answer->{body}, $_) >= 0 } @$subscriber{qw(btId impi meKeyMaterial)};
    is_deeply(\@told, [], "$who, $reason: says nothing of the subscriber");
    $log->holds("$who, $reason", qw(GBA0401 GBA0446));
}

$log->finish;
done_testing;
