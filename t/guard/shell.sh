#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every shell script passes shellcheck.
. "$(dirname -- "$0")/tap.inc"

if ! command -v shellcheck >/dev/null 2>&1; then
    skip "shell scripts pass shellcheck" "shellcheck is not installed"
    finish
fi
# By what the first line says, so that a script without the suffix is found too.
scripts=$(grep -rlE -m1 '^#!.*[/ ](ba|da)?sh$' quickstart .ci docs t tools bench 2>/dev/null | grep -v '^t/logs/' | sort)
at_least 12 "$(count "$scripts")" "shell scripts"
for file in $scripts t/guard/tap.inc; do
    clean "$file passes shellcheck" "$(shellcheck -x -P "t/guard" "$file" 2>&1 | head -20)"
    test "$file" = t/guard/tap.inc || test -x "$file" || fail "$file may be executed"
done
finish
