#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What a handler behind the portal sees and may say. QUERY_STRING picks: "body" sends the body back,
# "hash" its length and SHA-256, "env" the environment, "status=N" that status, "forge" header fields
# that only the portal may send.
use strict;
use warnings;
use Digest::SHA;

binmode STDIN;
binmode STDOUT;
my $query = $ENV{QUERY_STRING} // '';
my $sha   = Digest::SHA->new(256);
my ($length, $body) = (0, '');
while (read STDIN, my $octets, 65536) {
    $sha->add($octets);
    $length += length $octets;
    $body .= $octets if $query eq 'body';
}
if ($query eq 'body') {
    print "Content-Type: application/octet-stream\r\n\r\n", $body;
}
elsif ($query eq 'env') {
    print "Content-Type: text/plain\r\n\r\n", map { "$_=$ENV{$_}\n" } sort keys %ENV;
}
elsif ($query =~ /\Astatus=([0-9]{3})\z/) {
    print "Status: $1\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Type: text/plain\r\n\r\nstatus $1\n";
}
elsif ($query eq 'forge') {
    print "Authentication-Info: qop=auth-int, rspauth=\"00\"\r\nContent-Type: text/plain\r\n\r\nforged\n";
}
else {
    printf "Content-Type: text/plain\r\n\r\nlength=%d sha256=%s\n", $length, $sha->hexdigest;
}
