#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Answers what the query says: "raw=X" sends the octets X (percent-decoded) and nothing else;
# "size=N" a body of N octets; "stubborn=N" the same, and goes on whatever happens, signals and
# broken pipes included, but for no more than 60 seconds; "slow=N" N octets, ten of them in a
# second. Its pid goes into the file GBA_TEST_PID,
# if that is set. Named nph-respond.pl it is a script that speaks HTTP to the client by itself.
use strict;
use warnings;
use Time::HiRes qw(sleep);

alarm 60;
binmode STDOUT;
1 while read STDIN, my $body, 65536;
if (my $file = $ENV{GBA_TEST_PID}) {
    open my $out, '>', $file or die "$file: $!\n";
    print $out "$$\n";
    close $out;
}
my ($what, $value) = ($ENV{QUERY_STRING} // '') =~ /\A(raw|size|stubborn|slow)=(.*)\z/s or die "what?\n";
if ($what eq 'raw') {
    print $value =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger;
    exit 0;
}
local @SIG{qw(PIPE TERM HUP)} = ('IGNORE') x 3 if $what eq 'stubborn';
my $block = join '', map { chr $_ % 251 } 1 .. 65536;
$| = 1;
print "Content-Type: application/octet-stream\r\n\r\n";
if ($what eq 'slow') {
    for (1 .. $value) { print 'x' or last; sleep 0.1 }
    exit 0;
}
while ($value > 0) {
    my $n = $value < 65536 ? $value : 65536;
    $value -= $n;
    # The pipe is broken: not a reason to stop, but to be slow.
    print substr $block, 0, $n or sleep 0.01;
}
