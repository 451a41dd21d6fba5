#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What "make dist" packs is the source: all of it, and nothing that was made from it here.
. "$(dirname -- "$0")/tap.inc"

build=${GBA_BUILDDIR-}
if test -z "$build" && test -f build/Makefile; then build=$top/build; fi
if test -z "$build"; then
    skip "the tarball is the source" "nothing is built (GBA_BUILDDIR names the folder)"
    finish
fi

work=$(mktemp -d) || exit 99
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
unset MAKEFLAGS MAKELEVEL MFLAGS
if make -C "$build" distdir distdir="$work/tree" >"$work/said" 2>&1; then
    pass "make distdir"
else
    fail "make distdir" "$(tail -n 20 "$work/said")"
    finish
fi
packed=$(cd "$work/tree" && find . -type f | sed 's|^\./||' | sort)
at_least 500 "$(count "$packed")" "files in the tarball"
clean "no objects" "$(printf '%s\n' "$packed" | grep -E '\.(l?[oa]|so|gc..|trs|log|Pl?o)$|(^|/)\.(deps|libs)/')"
# shellcheck disable=SC2016  # perl's variables
clean "no programs" "$(cd "$work/tree" && printf '%s\n' "$packed" |
    perl -lne 'open my $in, "<", $_ or die "$_: $!"; read $in, my $head, 4; print if $head eq "\x7fELF"')"
if tracked=$(git -c core.quotePath=false ls-files 2>/dev/null) && test -n "$tracked"; then
    printf '%s\n' "$packed" >"$work/packed"
    clean "every file of the repository" "$(printf '%s\n' "$tracked" | grep -vx '.gitignore' | sort |
        comm -23 - "$work/packed" | while read -r file; do test ! -f "$file" || echo "$file"; done)"
else
    skip "every file of the repository" "this is no repository"
fi
finish
