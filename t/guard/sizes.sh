#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# No function over 100 lines, no file of 600 lines or more. Functions over 60 lines are told.
. "$(dirname -- "$0")/tap.inc"

files=$(all_sources | sort)
at_least 40 "$(count "$files")" "C files"

# "LINES FILE:LINE NAME" for each function: in the house style its braces stand in the first column,
# and its name is the last word before a parenthesis in the lines above.
functions=$(for file in $files; do
    awk -v file="$file" '
        /^[A-Za-z_].*\(/ && !open { head = $0; start = FNR }
        /^\{/ { open = 1 }
        /^\}/ && open {
            name = head; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
            print FNR - start + 1, file ":" start, name
            open = 0
        }' "$file"
done)
at_least 100 "$(count "$functions")" "functions"
for file in $files; do
    clean "$file has no function over 100 lines" "$(printf '%s\n' "$functions" |
        awk -v f="$file:" '$1 > 100 && index($2, f) == 1 { print $3 ": " $1 " lines" }')"
    lines=$(wc -l <"$file")
    if test "$lines" -lt 600; then
        pass "$file is under 600 lines"
    else
        fail "$file is under 600 lines" "it has $lines"
    fi
done
long=$(printf '%s\n' "$functions" | awk '$1 > 60 { print $2 " " $3 ": " $1 " lines" }')
test -z "$long" || note "over 60 lines:$newline$long"
finish
