#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# GBAAllowType: which kinds of bootstrapping a location lets in. A refusal is protected, since the
# key was right.

use strict;
use warnings FATAL => 'all';
use FindBin qw($Bin);
use lib "$Bin/../lib";
use Test::More;
use GBA::CA qw(new_key pkcs10);
use GBA::Log;
use GBA::Server;
use GBA::UE;

# gbaType of TS 29.309; one that is not said is 3G.
my %said = ('3G' => '3G_GBA', '2G' => '2G_GBA', Digest => 'GBA_DIGEST', unsaid => undef, new => '6G_GBA');
my $imsi = 1_030_000_001;
my %subscriber = map {
    $_ => GBA::CA::entry("type-$_", [1], gbaType => $said{$_}, impi => GBA::CA::impi($imsi++))
} sort keys %said;

my @locations = (
    # directive, who gets in
    ['',                          qw(3G unsaid)],
    ['GBAAllowType 3G',           qw(3G unsaid)],
    ['GBAAllowType 2G',           qw(2G)],
    ['GBAAllowType Digest',       qw(Digest)],
    ['GBAAllowType 3G 2G',        qw(2G 3G unsaid)],
    ['GBAAllowType 3g 2g digest', qw(2G 3G Digest unsaid)],
);
my $pages = Apache::Test::vars()->{documentroot};
my $conf  = "AliasMatch \"^/kind[0-9]+/(.*)\" \"$pages/docs/\$1\"\n";
$conf .= <<"END" for 0 .. $#locations;
<Location "/kind$_/">
    AuthType GBA
    Require valid-user
    $locations[$_][0]
</Location>
END
$conf .= <<'END';
<Location "/kind1/inner/">
    GBAAllowType 2G
</Location>
END
my $server = GBA::Server->start(children => 2, subscribers => [values %subscriber], conf => $conf);
my $log    = GBA::Log->watch($server->error_log);

for my $i (0 .. $#locations) {
    my ($directive, @in) = @{ $locations[$i] };
    for my $kind (sort keys %said) {
        my $name   = ($directive || 'not said') . ": $kind";
        my $ue     = GBA::UE->new($subscriber{$kind}, port => $server->port);
        my $answer = $ue->request('GET', "/kind$i/hello.txt");
        my $allowed = grep { $_ eq $kind } @in;
        is("$answer->{status} $answer->{protected}", $allowed ? '200 1' : '403 1', $name);
        $log->holds($name, 'GBA0401', $allowed ? () : 'GBA0643');
    }
}

# The innermost list holds alone.
for my $row (['3G', 403], ['2G', 404]) {
    my ($kind, $status) = @$row;
    my $answer = GBA::UE->new($subscriber{$kind}, port => $server->port)->request('GET', '/kind1/inner/nothing');
    is("$answer->{status} $answer->{protected}", "$status 1", "2G below 3G: $kind");
    $log->holds("below: $kind", 'GBA0401', $status == 403 ? 'GBA0643' : ());
}

# Enrolment is a location like others: without the directive no 2G UE gets a certificate.
{
    my $pem = pkcs10(new_key('EC', 'P-256'));
    my $ue  = GBA::UE->new($subscriber{'2G'}, port => $server->port);
    my $answer = $ue->request('POST', '/enrol', type => 'application/x-pkcs10', body => $pem);
    is("$answer->{status} $answer->{protected}", '403 1', 'no certificate after 2G GBA');
    unlike($answer->{body}, qr/BEGIN CERTIFICATE/, 'indeed none');
    $log->holds('enrolment after 2G GBA', qw(GBA0401 GBA0643));
}

$server->stop;
$log->finish;
done_testing;
