#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The table of directives, the reference configuration and docs/directives.md name the same
# directives; the laboratory's table and docs/laboratory.md do; and no page speaks of one that is not
# there.
. "$(dirname -- "$0")/tap.inc"

directives() { # PLACE...: the names in the tables of directives there
    find "$@" -name '*.c' -exec cat {} + 2>/dev/null | tr '\n' ' ' |
        grep -oE 'AP_INIT_[A-Z0-9_]+\( *"<?[A-Za-z0-9]+"' | sed 's/.*"<\{0,1\}\(.*\)"/\1/' | sort
}
table=$(directives src/httpd mod_gba_pki.c)
at_least 10 "$(count "$table")" "directives in the table"
lab_table=$(directives lab)
at_least 5 "$(count "$lab_table")" "directives of the laboratory"
clean "no directive stands in a table twice" "$(printf '%s\n%s\n' "$table" "$lab_table" | sort | uniq -d)"
clean "those of the laboratory start with GBALab" "$(printf '%s\n' "$lab_table" | grep -v '^GBALab[A-Z]')"

# A directive line of the reference configuration, perhaps commented out ("#GBAQop auth"), or a section.
reference=$(sed -n 's/^[[:space:]]*#\{0,1\}<\{0,1\}\(GBA[A-Za-z0-9]*\)[[:space:]].*/\1/p' conf/gba_pki.conf | sort -u)
for name in $table; do
    if printf '%s\n' "$reference" | grep -qx "$name"; then
        pass "$name is in conf/gba_pki.conf"
    else
        fail "$name is in conf/gba_pki.conf"
    fi
done

described() { # PAGE NAME...: each has one section of the page, with every field
    page=$1
    shift
    sections=$(sed -n 's/^## \(GBA[A-Za-z0-9]*\)$/\1/p' "$page" | sort)
    clean "no directive has two sections in $page" "$(printf '%s\n' "$sections" | uniq -d)"
    for name in "$@"; do
        if ! printf '%s\n' "$sections" | grep -qx "$name"; then
            fail "$name has a section in $page"
            continue
        fi
        body=$(awk -v want="## $name" '$0 == want { on = 1; next } /^## / { on = 0 } on' "$page")
        missing=
        for field in Syntax Default Context Override Description Usage; do
            printf '%s\n' "$body" | grep -q "^- \*\*$field:\*\* ." || missing="$missing $field"
        done
        clean "$name has every field in $page" "${missing:+missing:$missing}"
    done
}
# shellcheck disable=SC2086  # one word each
described docs/directives.md $table
# shellcheck disable=SC2086
described docs/laboratory.md $lab_table

# What the table lets httpd take, and where, is what the page says: an argument may be repeated or not,
# in a directory or not, in .htaccess or not.
rows() { # PLACE...: "KIND NAME" and what stands before the help, on one line each
    find "$@" -name '*.c' -exec cat {} + 2>/dev/null | tr '\n' ' ' |
        grep -oE 'AP_INIT_[A-Z0-9_]+\( *"<?[A-Za-z0-9]+"[^"]*' | sed 's/^AP_INIT_\([A-Z0-9_]*\)( *"<\{0,1\}\([A-Za-z0-9]*\)"/\1 \2 /'
}
field() { # PAGE NAME FIELD
    awk -v want="## $2" -v field="- **$3:** " '$0 == want { on = 1; next } /^## / { on = 0 }
        on && index($0, field) == 1 { print substr($0, length(field) + 1) }' "$1"
}
agrees() { # PAGE, rows on standard input
    page=$1
    while read -r kind name how; do
        may='' many='' where=none
        case $how in *OR_AUTHCFG*) may='directory' where=AuthConfig ;; *ANYWHERE* | *ACCESS_CONF*) may='directory' ;; esac
        case $kind in ITERATE) many=yes ;; TAKE_ARGV | RAW_ARGS) many=perhaps ;; esac
        case $(field "$page" "$name" Syntax) in
        *…*) test -n "$many" || echo "$name: Syntax repeats an argument" ;;
        *) test "$many" != yes || echo "$name: Syntax repeats no argument" ;;
        esac
        case $(field "$page" "$name" Context) in
        *directory*) test -n "$may" || echo "$name: Context says directory" ;;
        *) test -z "$may" || echo "$name: Context does not say directory" ;;
        esac
        test "$(field "$page" "$name" Override)" = "$where" || echo "$name: Override is not $where"
    done
}
at_least 10 "$(count "$(rows src/httpd mod_gba_pki.c)")" "rows of the table"
clean "docs/directives.md agrees with the table on arguments and contexts" "$(rows src/httpd mod_gba_pki.c | agrees docs/directives.md)"
clean "docs/laboratory.md does" "$(rows lab | agrees docs/laboratory.md)"

# Whatever looks like a directive, in any page or example, must be one.
for file in README NEWS SECURITY.md CONTRIBUTING.md conf/*.conf docs/*.md quickstart t/conf/*.in; do
    test -f "$file" || continue
    unknown=
    words=$(grep -oE '\bGBA[A-Z][A-Za-z]*[a-z][A-Za-z]*' "$file" | sort -u)
    for name in $words; do
        printf '%s\n%s\n' "$table" "$lab_table" | grep -qx "$name" || unknown="$unknown$name$newline"
    done
    clean "$file names only directives that exist" "$unknown"
done
finish
