#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Replays every fuzz target's corpus through its standalone program and prints one TAP stream.
# A target without a corpus, or no target at all, is a failure.
srcdir=${GBA_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
builddir=${GBA_BUILDDIR:-.}
count=0

say() { # say ok|not-ok NAME
    count=$((count + 1))
    if [ "$1" = ok ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

for source in "$srcdir"/t/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    name=${name#fuzz_}
    corpus=$srcdir/t/fuzz/corpus/$name
    inputs=$(find "$corpus" -type f 2>/dev/null | wc -l)
    if [ "$inputs" -eq 0 ]; then
        say not-ok "$name has no corpus"
    elif output=$("$builddir/t/fuzz/replay_$name" "$corpus" 2>&1); then
        say ok "$name: $inputs inputs"
    else
        echo "$output" | tail -n 40 | sed 's/^/# /'
        say not-ok "$name: $inputs inputs"
    fi
done
[ "$count" -gt 0 ] || say not-ok 'there are fuzz targets'
echo "1..$count"
