#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ThreadSanitizer over the table of associations: shm_hammer.c, several processes of several threads.
# Prints TAP. A few seconds by default; with GBA_TORTURE=1 longer. Sizes by environment:
# GBA_HAMMER_PROCESSES (3; 6), GBA_HAMMER_THREADS (3; 8), GBA_HAMMER_TICKS (300; 8000: a tick is a
# millisecond of the table's clock and some forty uses of it). CC: a compiler with -fsanitize=thread.
set -u
srcdir=${GBA_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/gba-hammer.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP
export TSAN_OPTIONS="exitcode=66 ${TSAN_OPTIONS:-}"

skip() { echo "1..0 # SKIP $*"; exit 0; }

processes=3 threads=3 ticks=300
test "${GBA_TORTURE:-0}" = 0 || processes=6 threads=8 ticks=8000
processes=${GBA_HAMMER_PROCESSES:-$processes}
threads=${GBA_HAMMER_THREADS:-$threads}
ticks=${GBA_HAMMER_TICKS:-$ticks}

command -v pkg-config >/dev/null || skip "pkg-config is missing"
read -ra flags <<<"$(pkg-config --cflags --libs apr-1 apr-util-1 libcrypto jansson 2>/dev/null)"
cc=${CC:-cc}
echo 'int main(void) { return 0; }' >"$scratch/nothing.c"
$cc -fsanitize=thread "$scratch/nothing.c" -o "$scratch/nothing" 2>/dev/null ||
    skip "$cc has no ThreadSanitizer"

# Its runtime needs an address space that is laid out as it expects; where it is not, one without
# randomization helps.
run=()
"$scratch/nothing" 2>/dev/null || run=(setarch -R)
"${run[@]}" "$scratch/nothing" 2>/dev/null || skip "ThreadSanitizer does not run on this kernel"

if ! $cc -g -O1 -std=gnu11 -D_GNU_SOURCE -fsanitize=thread -I"$srcdir/src" "$srcdir"/src/base/*.c \
    "$srcdir"/src/digest/*.c "$srcdir"/src/gba/*.c "$srcdir/t/hammer/shm_hammer.c" \
    -o "$scratch/shm_hammer" "${flags[@]}" -lpthread >"$scratch/log" 2>&1; then
    sed 's/^/# /' "$scratch/log"
    echo "not ok 1 - the hammer builds"
    echo "1..1"
    exit 1
fi

# It must be able to say that something is wrong.
"${run[@]}" "$scratch/shm_hammer" race >/dev/null 2>"$scratch/log"
if test $? -eq 66 && grep -q 'WARNING: ThreadSanitizer: data race' "$scratch/log"; then
    seen=ok
else
    seen='not ok'
fi
"${run[@]}" "$scratch/shm_hammer" "$processes" "$threads" "$ticks" >"$scratch/tap" 2>"$scratch/log"
status=$?
grep -v '^1\.\.' "$scratch/tap"
points=$(grep -cE '^(not )?ok' "$scratch/tap")
echo "$seen $((points + 1)) - a race is seen where there is one"
if test -s "$scratch/log"; then
    head -n 60 "$scratch/log" | sed 's/^/# /'
    quiet='not ok'
else
    quiet=ok
fi
echo "$quiet $((points + 2)) - ThreadSanitizer has nothing to say: $processes processes of $threads threads, $ticks ticks"
echo "1..$((points + 2))"
test "$status" -eq 0 && test "$seen" = ok && test "$quiet" = ok && test "$points" -gt 0
