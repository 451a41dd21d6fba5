#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every member of the configuration structs is set up by the create function and merged by the
# merge function: a member that is forgotten there loses its value in a nested section.
. "$(dirname -- "$0")/tap.inc"

header=src/httpd/mod_gba_pki_config.h
source=src/httpd/mod_gba_pki_config.c

# Names of the members of struct $1, one a line: comments out, then what stands before ; , [ or :
members() {
    awk -v want="$1" '
        { text = text " " $0 }
        END {
            while (match(text, /\/\*([^*]|\*+[^*\/])*\*+\//))
                text = substr(text, 1, RSTART - 1) " " substr(text, RSTART + RLENGTH)
            if (!match(text, "struct " want " *\\{[^}]*\\}")) exit
            body = substr(text, RSTART, RLENGTH)
            sub(/^[^{]*\{/, "", body); sub(/\}$/, "", body)
            n = split(body, decl, ";")
            for (i = 1; i <= n; i++) {
                if (decl[i] ~ /\(\*/) { sub(/.*\(\* */, "", decl[i]); sub(/\).*/, "", decl[i]) }
                m = split(decl[i], part, ",")
                for (j = 1; j <= m; j++) {
                    gsub(/\[[^]]*\]|:.*/, "", part[j])
                    sub(/ +$/, "", part[j])
                    if (match(part[j], /[A-Za-z_][A-Za-z0-9_]*$/)) print substr(part[j], RSTART)
                }
            }
        }' "$header"
}

# Members of struct $1 that are structs of the same header themselves, one "type member" a line.
inner() {
    awk -v want="$1" '
        $0 ~ "struct " want " *\\{" { on = 1; next }
        on && /^\}/ { exit }
        on && $1 ~ /^mod_gba_pki_[a-z_]*_t$/ && $2 ~ /^[a-z_]+;/ { sub(/;.*/, "", $2); print $1, $2 }' "$header"
}

# The body of function $1 (house style: its braces stand in the first column).
body() {
    awk -v want="$1" '
        !on && /^[A-Za-z]/ && $0 ~ "[ *]" want "\\(" { seen = 1 }
        seen && /^\{/ { on = 1 }
        seen && /;$/ && !on { seen = 0 }
        on { print }
        on && /^\}/ { exit }' "$source"
}

for kind in dir srv; do
    struct=mod_gba_pki_${kind}_t
    names=$(members "$struct")
    at_least 2 "$(count "$names")" "members in $struct"
    create=$(body "mod_gba_pki_${kind}_create")
    merge=$(body "mod_gba_pki_${kind}_merge")
    at_least 3 "$(count "$create")" "lines in mod_gba_pki_${kind}_create"
    at_least 3 "$(count "$merge")" "lines in mod_gba_pki_${kind}_merge"
    zeroed=$(printf '%s\n' "$create" | grep -c apr_pcalloc)
    # What a struct within it holds is merged member by member: "quota.held_max".
    names="$names$newline$(inner "$struct" | while read -r type member; do
        members "$type" | sed "s/^/$member./"
    done)"
    for name in $names; do
        problem=
        test "$zeroed" -gt 0 || printf '%s\n' "$create" | grep -qwF "$name" || problem="not created"
        # Zero is a value of numbers: unset is -1.
        if printf '%s\n' "$merge" | grep -qF "MERGE_NUMBER($name)" &&
            ! printf '%s\n' "$create" | grep -wF "$name" | grep -qF -e '-1'; then
            problem="not created as -1"
        fi
        printf '%s\n' "$merge" | grep -qwF "$name" || problem="${problem:+$problem, }not merged"
        clean "$struct.$name is created and merged" "$problem"
    done
done
finish
