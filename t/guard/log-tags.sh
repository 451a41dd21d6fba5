#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Log tags: four digits, one call site each, in the range of their layer, and the page that lists
# them is what its generator prints.
. "$(dirname -- "$0")/tap.inc"

# "FILE GBAnnnn" for each tag that starts a string literal.
sites=$(product_sources | grep '\.c$' | xargs grep -oE '"GBA[0-9]+' /dev/null | sed 's/:"/ /' | sort)
tags=$(printf '%s\n' "$sites" | awk 'NF { print $2 }' | sort)
at_least 20 "$(count "$tags")" "log tags"

twice=$(printf '%s\n' "$tags" | uniq -d)
clean "every tag has one call site" "$(for tag in $twice; do printf '%s\n' "$sites" | grep " $tag\$"; done)"
clean "every tag has four digits" "$(printf '%s\n' "$sites" | awk 'NF && $2 !~ /^GBA[0-9][0-9][0-9][0-9]$/')"

range() { # FILE: the first two digits that its layer may use: those from the first to the second, and
    # from the third to the fourth if there are such
    case $1 in
    src/base/*) echo 00 00 ;;
    src/digest/*) echo 01 01 ;;
    src/gba/*) echo 02 02 ;;
    src/pki/*) echo 03 03 15 15 ;;
    src/portal/*) echo 04 04 ;;
    src/keeper/*) echo 05 05 10 14 ;;
    src/httpd/* | mod_gba_pki.c) echo 06 08 16 19 ;;
    *) echo 09 09 ;;
    esac
}
for file in $(printf '%s\n' "$sites" | awk 'NF { print $1 }' | uniq); do
    # shellcheck disable=SC2046  # two words are meant
    set -- $(range "$file")
    clean "$file keeps to GBA$1xx to GBA$2xx${3:+ and GBA$3xx to GBA$4xx}" "$(printf '%s\n' "$sites" |
        awk -v f="$file" -v lo="$1" -v hi="$2" -v lo2="${3:-$1}" -v hi2="${4:-$2}" '
            $1 == f { n = substr($2, 4, 2); if ((n < lo || n > hi) && (n < lo2 || n > hi2)) print $2 }')"
done

# Every message that httpd logs for us carries a tag.
untagged=$(find src/httpd lab mod_gba_pki.c -name '*.c' 2>/dev/null | sort | while read -r file; do
    awk -v file="$file" '
        /(^|[^A-Za-z_])ap_log_[a-z]?error\(/ { call = 1; text = ""; line = FNR }
        call { text = text $0 }
        call && /;/ { if (text !~ /"GBA[0-9]/ && text !~ /%s/) print file ":" line; call = 0 }' "$file"
done)
clean "every message to httpd's log carries a tag" "$untagged"

if difference=$(sh docs/mklogtags.sh | diff docs/log-tags.md - 2>&1); then
    pass "docs/log-tags.md is what docs/mklogtags.sh prints"
else
    fail "docs/log-tags.md is what docs/mklogtags.sh prints" "$(printf '%s\n' "$difference" | head -20)"
fi
finish
