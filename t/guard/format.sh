#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every C file is as clang-format 14 with the checked-in .clang-format writes it. Other versions
# write other things, so without version 14 nothing can be said.
. "$(dirname -- "$0")/tap.inc"

tool=
for name in clang-format-14 clang-format; do
    "$name" --version 2>/dev/null | grep -q 'version 14\.' || continue
    tool=$name
    break
done
if test -z "$tool"; then
    skip "C files are in the house style" "clang-format 14 is not installed"
    finish
fi
files=$(all_sources | sort)
at_least 40 "$(count "$files")" "C files"
for file in $files; do
    clean "$file is in the house style" "$("$tool" --style=file --dry-run -Werror "$file" 2>&1 | head -6)"
done
finish
