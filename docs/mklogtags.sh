#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Prints docs/log-tags.md from the source: sh docs/mklogtags.sh >docs/log-tags.md
# A tag's outcome is the BASE_ code in its call, or that of the function it is handed to; the
# status and level come from the table in src/base/base_result.c.
set -eu
LC_ALL=C
export LC_ALL
cd -- "${GBA_SRCDIR:-$(dirname -- "$0")/..}"

find src lab mod_gba_pki.c -name '*.[ch]' 2>/dev/null | sort | perl -w -e '
use strict;

my (%text, %macro, %code_of_function, %row, %site);
for my $file (map { chomp; $_ } <STDIN>) {
    open my $in, "<", $file or die "$file: $!\n";
    local $/;
    my $source = <$in>;
    $source =~ s{/\*.*?\*/}{ }gs;
    $macro{$1} = $2 while $source =~ /^#define (\w+)\s+"([^"]*)"/gm;
    $text{$file} = $source if $file =~ /\.c$/;
}

# ROW(NAME, status, level, protected, stale, ...)
while ($text{"src/base/base_result.c"} =~ /\bROW\(([A-Z0-9_]+), (\d+), ([A-Z]+), (\d), (\d),/g) {
    $row{$1} = { status => $2, level => lc $3, stale => $5 };
}
die "no rows in src/base/base_result.c\n" if !%row;

# Functions that take a tag and make the result, themselves or through another such function. Two
# files may each have one of the same name: a file sees its own first.
my %body;
for my $file (sort keys %text) {
    my $source = $text{$file};
    while ($source =~ /^[A-Za-z_][^\n;{}]*?\b(\w+)\(([^;{}]*)\)\s*^\{(.*?)^\}/gms) {
        my ($name, $params, $body) = ($1, $2, $3);
        $body{$file}{$name} = $body if $params =~ /\btag\b/;
    }
}
my %code_in;
sub code_of { my ($file, $name) = @_; return $code_in{$file}{$name} // $code_of_function{$name} }
for my $round (1 .. 3) {
    for my $file (sort keys %body) {
        for my $name (sort keys %{ $body{$file} }) {
            my $body = $body{$file}{$name};
            my $code;
            if ($body =~ /\bbase_fail\(\s*BASE_([A-Z0-9_]+),\s*tag\b/) {
                $code = $1;
            } elsif ($body =~ /\b(\w+)\([^()]*\btag\b/) {
                $code = code_of($file, $1);
            }
            next unless $code;
            $code_in{$file}{$name} = $code;
            $code_of_function{$name} //= $code;
        }
    }
}

for my $file (keys %text) {
    my $source = $text{$file};
    while ($source =~ /"(GBA\d+)((?:[^"\\]|\\.)*)"/g) {
        my ($tag, $tail, $start, $end) = ($1, $2, $-[0], $+[0]);
        my $before = substr $source, 0, $start;
        $before =~ s/.*[;{}]//s;
        my $after = substr $source, $end;
        $after =~ s/;\s*\n.*//s;
        my ($code) = $before =~ /\bBASE_([A-Z0-9_]+),\s*$/;
        if (!$code && $before =~ /(\w+)\([^()]*$/) {
            $code = code_of($file, $1);
        }
        my $told = $code && $code =~ s/^LOG_// ? $code : undef; # base_log_t: a level, no outcome
        undef $code if $told;
        my ($level) = $before =~ /\bAPLOG_(EMERG|ALERT|CRIT|ERR|WARNING|NOTICE|INFO|DEBUG|TRACE\d)\b/;
        $level ||= $told;
        my $message = $tail eq "" ? first_literals($after) : $tail . pieces($after);
        $message =~ s/^:\s*//;
        $message =~ s/%-?[0-9.*]*(?:ll|l|z|h)?[a-zA-Z]/…/g;
        $message =~ s/%…/…/g;
        $message =~ s/\\"/"/g;
        $message =~ s/([|`*<>])/\\$1/g;
        $site{$tag} = { file => $file, code => $code, level => $level, message => $message };
    }
}

# The literals that follow at once: one message in several pieces, macros among them.
sub pieces {
    my ($after) = @_;
    my $text = "";
    while ($after =~ /\G\s*(?:"((?:[^"\\]|\\.)*)"|([A-Z][A-Z0-9_]+))/gc) {
        $text .= defined $1 ? $1 : defined $macro{$2} ? $macro{$2} : "…";
    }
    return $text;
}

# The first run of literals after the tag: the detail, or what it is formatted from.
sub first_literals {
    my ($after) = @_;
    my $from = index $after, "\"";
    return $from < 0 ? "" : pieces(substr $after, $from);
}

print <<"END";
# Log tags

Every message of the module starts with a tag that stands at one place of the source.
This page is made by `docs/mklogtags.sh`; a guard compares the two.

*Outcome* is the row of the table in [operations.md](operations.md#what-each-status-means); the level is that of the
table, or, where the message belongs to no request, that of the call. Details may vary in what stands for "…".

| tag | level | outcome | status | message | source |
|---|---|---|---|---|---|
END
for my $tag (sort keys %site) {
    my $s = $site{$tag};
    my $row = $s->{code} ? $row{$s->{code}} : undef;
    my $status = $row ? $row->{status} . ($row->{stale} ? " stale" : "") : "";
    printf "| %s | %s | %s | %s | %s | `%s` |\n", $tag,
        lc($s->{level} || ($row ? $row->{level} : "")), $s->{code} || "", $status, $s->{message},
        $s->{file};
}
'
