#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The table of directives, the reference configuration and docs/directives.md name the same
# directives, and no page speaks of one that is not there.
. "$(dirname -- "$0")/tap.inc"

table=$(find src/httpd mod_gba_pki.c -name '*.c' -exec cat {} + 2>/dev/null | tr '\n' ' ' |
    grep -oE 'AP_INIT_[A-Z0-9_]+\( *"<?[A-Za-z0-9]+"' | sed 's/.*"<\{0,1\}\(.*\)"/\1/' | sort)
at_least 10 "$(count "$table")" "directives in the table"
clean "no directive stands in the table twice" "$(printf '%s\n' "$table" | uniq -d)"

# A directive line of the reference configuration, perhaps commented out ("#GBAQop auth"), or a section.
reference=$(sed -n 's/^[[:space:]]*#\{0,1\}<\{0,1\}\(GBA[A-Za-z0-9]*\)[[:space:]].*/\1/p' conf/gba_pki.conf | sort -u)
# A section of the page.
sections=$(sed -n 's/^## \(GBA[A-Za-z0-9]*\)$/\1/p' docs/directives.md | sort)
clean "no directive has two sections in docs/directives.md" "$(printf '%s\n' "$sections" | uniq -d)"

for name in $table; do
    if printf '%s\n' "$reference" | grep -qx "$name"; then
        pass "$name is in conf/gba_pki.conf"
    else
        fail "$name is in conf/gba_pki.conf"
    fi
    if ! printf '%s\n' "$sections" | grep -qx "$name"; then
        fail "$name has a section in docs/directives.md"
        continue
    fi
    body=$(awk -v want="## $name" '$0 == want { on = 1; next } /^## / { on = 0 } on' docs/directives.md)
    missing=
    for field in Syntax Default Context Override Description Usage; do
        printf '%s\n' "$body" | grep -q "^- \*\*$field:\*\* ." || missing="$missing $field"
    done
    clean "$name has every field in docs/directives.md" "${missing:+missing:$missing}"
done

# Whatever looks like a directive, in any page or example, must be one.
for file in README NEWS SECURITY.md CONTRIBUTING.md conf/*.conf docs/*.md quickstart t/conf/*.in; do
    test -f "$file" || continue
    unknown=
    words=$(grep -oE '\bGBA[A-Z][A-Za-z]*[a-z][A-Za-z]*' "$file" | sort -u)
    for name in $words; do
        printf '%s\n' "$table" | grep -qx "$name" || unknown="$unknown$name$newline"
    done
    clean "$file names only directives that exist" "$unknown"
done
finish
