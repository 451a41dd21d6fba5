#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sources name their licence, and nothing names a place that exists on one machine only.
. "$(dirname -- "$0")/tap.inc"

# Everything that we wrote: not what a build or a test run left, nor binary inputs of the fuzzers.
written=$(find . \( -name .git -o -path './build*' -o -path ./_build -o -path ./_inst -o -path ./m4 \
    -o -path ./autom4te.cache -o -path ./t/logs -o -path ./t/fuzz/corpus -o -name .libs -o -name .deps \) -prune \
    -o -type f -print | sed 's|^\./||' |
    grep -vxE 'config\.h|t/conf/[a-z_]+\.(conf|pm)|t/TEST|t/SMOKE' | sort)

sources=$(printf '%s\n' "$written" |
    grep -E '\.(c|h|sh|inc|pl|pm|PL|t|ac|am)$|^quickstart$|^\.ci/run$')
at_least 50 "$(count "$sources")" "source files"
for file in $sources; do
    head -3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2\.0' && problem='' ||
        problem="no SPDX line at its head"
    clean "$file names its licence" "$problem"
done
for file in $(printf '%s\n' "$sources" | grep -E '\.[ch]$'); do
    test "$(head -1 "$file")" = '/* SPDX-License-Identifier: Apache-2.0 */' ||
        fail "the licence is the first line of $file"
done

# Written in two halves each, so that this file does not find itself.
places='/wor''k/|/tmp/hel''pers|\.\./shar''ed|/ro''ot/|/home/[a-z]'
texts=$(printf '%s\n' "$written" |
    grep -E '\.(c|h|sh|inc|pl|pm|PL|t|ac|am|md|conf|in|txt|json)$|^(quickstart|README|NEWS|\.ci/run|\.gitignore)$')
at_least 60 "$(count "$texts")" "texts"
for file in $texts; do
    clean "$file names no place of one machine" "$(grep -nE "$places" "$file" | cut -c1-120 | head -5)"
done
finish
