# SPDX-License-Identifier: Apache-2.0
# What the UE may ask for by response= (TS 24.109 6.2.1, E.3.1), and by which media type.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use GBA::CA qw(new_key pkcs10 subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::UE;

my $log = GBA::Log->watch;
my $ue  = GBA::UE->new(subscriber('both'));
my $pem = pkcs10(new_key('EC', 'P-256'));
$ue->authenticate('/enrol');
$log->holds('challenge', 'GBA0401');

my @targets = (
    ['/enrol?response=single',                 200, 'GBA0661'],    # E.3.1
    ['/enrol',                                 200, 'GBA0661'],
    ['/enrol?',                                200, 'GBA0661'],
    ['/enrol?other=1&response=single',         200, 'GBA0661'],
    ['/enrol?responses=chain&response=single', 200, 'GBA0661'],
    ['/enrol?response=pointer',                400, 'GBA0362'],
    ['/enrol?response=chain',                  400, 'GBA0362'],
    ['/enrol?response=',                       400, 'GBA0361'],
    ['/enrol?response',                        400, 'GBA0361'],
    ['/enrol?response=Single',                 400, 'GBA0361'],
    ['/enrol?response=singl%65',               400, 'GBA0361'],
    ['/enrol?response=certificate',            400, 'GBA0361'],
    ['/enrol?response=single&response=single', 400, 'GBA0360'],
    ['/enrol?response=single&response=chain',  400, 'GBA0360'],
);
for my $row (@targets) {
    my ($target, $status, $tag) = @$row;
    my $response = $ue->request('POST', $target, type => 'application/x-pkcs10', body => $pem);
    is("$response->{status} $response->{protected}", "$status 1", $target);
    is(GBA::HTTP::field($response, 'Content-Type'), 'application/x-x509-user-cert', "$target: media type") if $status == 200;
    $log->holds($target, $tag);
}

# RFC 9110 8.3.1: type and subtype in any case, parameters allowed.
my @types = (
    ['application/x-pkcs10',               200],
    ['Application/X-PKCS10',               200],
    ['application/x-pkcs10; charset=utf8', 200],
    ['application/x-pkcs10 ;a=b',          200],
    ['application/x-pkcs10x',              415],
    ['application/x-pkcs1',                415],
    ['application/pkcs10',                 415],
    ['application/x-www-form-urlencoded',  415],
    ['text/plain; application/x-pkcs10',   415],
    ['',                                   415],
    [undef,                                415],
);
for my $row (@types) {
    my ($type, $status) = @$row;
    my $name     = defined $type ? "Content-Type: '$type'" : 'no Content-Type';
    my $response = $ue->request('POST', '/enrol', type => $type, body => $pem);
    is("$response->{status} $response->{protected}", "$status 1", $name);
    $log->holds($name, $status == 200 ? 'GBA0661' : 'GBA0441');
}

$log->finish;
done_testing;
