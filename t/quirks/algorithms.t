#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# GBAAlgorithms: a location offers any non-empty subset in any order, and takes what it offers only.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Test::More;
use GBA::CA qw(subscriber);
use GBA::Digest qw(read_challenge);
use GBA::HTTP;
use GBA::Log;
use GBA::Server;
use GBA::UE;

my @all = qw(MD5 SHA-256 SHA-512-256);

# Every ordered choice without repetition: 3 of one, 6 of two, 6 of three.
sub choices {
    my (@left) = @_;
    return map {
        my $first = $_;
        ([$first], map { [$first, @$_] } choices(grep { $_ ne $first } @left));
    } @left;
}

my @choices = choices(@all);
is(scalar @choices, 15, 'fifteen ordered choices');

my $conf = "AliasMatch \"^/choice[0-9]+/(.*)\" \"\${PAGES}/docs/\$1\"\n";
$conf .= <<"END" for 0 .. $#choices;
<Location "/choice$_/">
    AuthType GBA
    Require valid-user
    GBAAlgorithms @{ $choices[$_] }
</Location>
END

my $pages  = Apache::Test::vars()->{documentroot};
my $server = GBA::Server->start(children => 2, conf => $conf =~ s/\$\{PAGES\}/$pages/r);
my $log    = GBA::Log->watch($server->error_log);
my $alpha  = subscriber('alpha');
my $other  = { MD5 => 'SHA-256', 'SHA-256' => 'SHA-512-256', 'SHA-512-256' => 'MD5' };

# A UE of one algorithm, with the challenge of another if its own is not offered.
sub ue_of {
    my ($algorithm, $challenge) = @_;
    my $ue = GBA::UE->new($alpha, algorithm => $algorithm, port => $server->port);
    $ue->{$_} = $challenge->{$_} for qw(realm nonce opaque);
    return $ue;
}

for my $i (0 .. $#choices) {
    my @offered  = @{ $choices[$i] };
    my $target   = "/choice$i/hello.txt";
    my $response = GBA::UE->new($alpha, port => $server->port)->exchange('GET', $target, auth => 0);
    my @read     = map { read_challenge($_) } GBA::HTTP::field($response, 'WWW-Authenticate');
    is("@{[ map { $_->{algorithm} } @read ]}", "@offered", "@offered: one line each, in this order");
    $log->holds("@offered: challenge", 'GBA0401');
    my $nc = 0;    # one nonce for all lines: one count
    for my $algorithm (@all) {
        my $answer = ue_of($algorithm, $read[0])->exchange('GET', $target, auth => { nc => sprintf '%08x', ++$nc });
        if (grep { $_ eq $algorithm } @offered) {
            is("$answer->{status} $answer->{protected} $answer->{body}", "200 1 hello\n", "@offered: $algorithm is taken");
            $log->holds("@offered: $algorithm");
            next;
        }
        is("$answer->{status} $answer->{protected}", '401 0', "@offered: $algorithm is not");
        is(scalar(() = GBA::HTTP::field($answer, 'WWW-Authenticate')), scalar @offered, '... and gets the challenge again');
        $log->holds("@offered: $algorithm", 'GBA0405');
    }
}

# The algorithm is part of what is hashed: a response does not pass under another name.
for my $algorithm (@all) {
    my $ue = GBA::UE->new($alpha, algorithm => $algorithm, port => $server->port);
    my ($i) = grep { @{ $choices[$_] } == 3 } 0 .. $#choices;
    $ue->authenticate("/choice$i/hello.txt");
    my $answer = $ue->exchange('GET', "/choice$i/hello.txt", auth => { after => sub {
        $_->[1] = $other->{$algorithm} for grep { $_->[0] eq 'algorithm' } @{ $_[0] };
    } });
    my $same_length = $algorithm eq 'SHA-256';
    is($answer->{status}, $same_length ? 401 : 400, "$algorithm said to be $other->{$algorithm}: refused");
    $log->holds("$algorithm said to be $other->{$algorithm}", 'GBA0401', $same_length ? 'GBA0419' : 'GBA0113');
}

# A body goes into the hash under every algorithm.
for my $algorithm (@all) {
    my $ue = GBA::UE->new($alpha, algorithm => $algorithm, port => $server->port);
    my ($i) = grep { @{ $choices[$_] } == 3 } 0 .. $#choices;
    my $answer = $ue->request('GET', "/choice$i/text.txt", body => "some octets\0 in a GET");
    is("$answer->{status} $answer->{protected}", '200 1', "$algorithm: both bodies are hashed");
    my $changed = $ue->exchange('GET', "/choice$i/text.txt", body => 'other octets', auth => { body => 'some octets' });
    is($changed->{status}, 401, "$algorithm: another body is refused");
    $log->holds("$algorithm: bodies", 'GBA0401', 'GBA0419');
}

$server->stop;
$log->finish;
done_testing;
