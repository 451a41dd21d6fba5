#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# GBANextNonce: UEs that want a nextnonce get one that is good, and those that ignore it lose nothing.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Test::More;
use GBA::CA qw(subscriber);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::UE;

# Takes nextnonce out of an Authentication-Info before GBA::UE verifies what is left of it.
my $verify = \&GBA::UE::verify;
my $with_nextnonce = sub {
    my ($response, $context) = @_;
    for my $field (grep { lc $_->[0] eq 'authentication-info' } @{ $response->{fields} }) {
        $response->{nextnonce} = $1 if $field->[1] =~ s/, nextnonce="([A-Za-z0-9_-]{60})"\z//;
    }
    return $verify->($response, $context);
};

my $pages  = Apache::Test::vars()->{documentroot};
my $server = GBA::Server->start(children => 2, conf => <<"END");
Alias "/next" "$pages/docs"
<Location "/next">
    AuthType GBA
    Require valid-user
    GBANextNonce On
</Location>
<Location "/next/short">
    GBANonceLifetime 2s
</Location>
<Location "/next/denied">
    Require user somebody.else
</Location>
<Location "/next/off">
    GBANextNonce Off
</Location>
END
my $log = GBA::Log->watch($server->error_log);

sub get {
    my ($ue, $target, %auth) = @_;
    no warnings 'redefine';
    local *GBA::UE::verify = $with_nextnonce;
    return $ue->exchange('GET', $target, auth => {%auth});
}

sub ue {
    my ($target, %option) = @_;
    my $ue = GBA::UE->new(subscriber('both'), port => $server->port, %option);
    $ue->authenticate($target);
    return $ue;
}

# ---- a UE that follows it, whether it counts on or begins anew ----
for my $algorithm (qw(SHA-256 MD5)) {
    my $ue    = ue('/next/hello.txt', algorithm => $algorithm);
    my %nonce = ($ue->{nonce} => 1);
    for my $nc (1, 1, 2, 7, 1) {
        my $answer = get($ue, '/next/hello.txt', nc => sprintf '%08x', $nc);
        is("$answer->{status} $answer->{protected}", '200 1', "$algorithm: nc=$nc under a fresh nonce");
        ok($answer->{nextnonce} && !$nonce{ $answer->{nextnonce} }++, '... and the next is another');
        $ue->{nonce} = $answer->{nextnonce};
    }
    is(get($ue, '/docs/hello.txt', nc => '00000009')->{nextnonce}, undef, 'none where it is not On');
    is(get($ue, '/next/off/x',     nc => '0000000a')->{nextnonce}, undef, 'none where it is Off');
    $log->holds("$algorithm: followed", 'GBA0401');
}

# ---- a UE that ignores it ----
{
    my $ue = ue('/next/hello.txt');
    for my $nc (1 .. 12) {
        my $answer = get($ue, '/next/hello.txt', nc => sprintf '%08x', $nc);
        is("$answer->{status} $answer->{protected}", '200 1', "ignored: nc=$nc of the old nonce");
    }
    my $again = get($ue, '/next/hello.txt', nc => '0000000c');
    is("$again->{status} $again->{protected}", '401 0', 'a replay stays a replay');
    is($again->{nextnonce}, undef, 'and is not told a next nonce');
    $log->holds('ignored', qw(GBA0401 GBA0420));
}

# ---- a UE that uses both for a while ----
{
    my $ue   = ue('/next/hello.txt');
    my $old  = $ue->{nonce};
    my $next = get($ue, '/next/hello.txt', nc => '00000001')->{nextnonce};
    for my $nc (2 .. 5) {
        for my $nonce ($old, $next) {
            is(get($ue, '/next/hello.txt', nonce => $nonce, nc => sprintf '%08x', $nc)->{status}, 200,
                "nc=$nc of the " . ($nonce eq $old ? 'old' : 'next'));
        }
    }
    $log->holds('both', 'GBA0401');
}

# ---- on refusals too, and with a life of its own ----
{
    my $ue     = ue('/next/denied/x');
    my $answer = get($ue, '/next/denied/x', nc => '00000001');
    is("$answer->{status} $answer->{protected}", '403 1', 'a protected refusal');
    is(get($ue, '/next/hello.txt', nonce => $answer->{nextnonce}, nc => '00000001')->{status}, 200, 'has a good nextnonce');
    $log->holds('refusal', 'GBA0401', 'GBA0642', 'AH01631');
}
{
    my $ue = ue('/next/short/x');
    sleep 1;
    my $answer = get($ue, '/next/short/x', nc => '00000001');
    is($answer->{status}, 404, 'a nonce near its end');
    sleep 2;
    my $late = get($ue, '/next/short/x', nc => '00000002');
    ok($late->{status} == 401 && $ue->take_challenge($late) && $ue->{stale}, 'is stale after it');
    my $fresh = ue('/next/short/x');
    my $next  = get($fresh, '/next/short/x', nc => '00000001')->{nextnonce};
    sleep 1;
    is(get($fresh, '/next/short/x', nonce => $next, nc => '00000001')->{status}, 404, 'the next one lives from when it was made');
    $log->holds('lives', 'GBA0401', 'GBA0401', qr/\AGBA01[0-9]{2}\z/);
}

$server->stop;
$log->finish;
done_testing;
