#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints docs/reasons.md from the table in src/pki/pki_reason.c: sh docs/mkreasons.sh >docs/reasons.md
set -eu
LC_ALL=C
export LC_ALL
cd -- "${GBA_SRCDIR:-$(dirname -- "$0")/..}"

perl -w -e '
use strict;

local $/;
my $source = <STDIN>;
my ($table) = $source =~ /\breasons\[PKI_REASONS\] = \{(.*?)\n\};/s or die "no table of reasons\n";
my $literal = qr/((?:\s*"(?:[^"\\]|\\.)*")+)/;
my @rows;
while ($table =~ /\{$literal,$literal,$literal\}/g) {
    push @rows, [map { join "", /"((?:[^"\\]|\\.)*)"/g } $1, $2, $3];
}
die "rows cannot be read\n" if @rows < 2 || @rows != (() = $table =~ /\{/g);

print <<"END";
# Why an enrolment was refused

Every reason for a 403. The code stands in the page, the log and the ledger and never changes; the last column is what
the UE\x27s user reads. This page is made by `docs/mkreasons.sh`; a guard compares the two.

| code | meaning | what the user reads |
|---|---|---|
END
printf "| `%s` | %s | %s |\n", $_->[0], $_->[2], $_->[1] for grep { $_->[0] ne "NONE" } @rows;
' <src/pki/pki_reason.c
