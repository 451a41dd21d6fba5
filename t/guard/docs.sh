#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The pages hold: links lead somewhere, what docs/spec-map.md names is in the source, and
# docs/operations.md has the metrics that there are.
. "$(dirname -- "$0")/tap.inc"

pages='README NEWS SECURITY.md CONTRIBUTING.md'
for page in docs/*.md; do pages="$pages $page"; done
links=0
for page in $pages; do
    broken=
    targets=$(grep -oE '\]\([^)#: ]+' "$page" | sed 's/^](//')
    for link in $targets; do
        links=$((links + 1))
        test -e "$(dirname -- "$page")/$link" || broken="$broken$link$newline"
    done
    clean "links of $page lead somewhere" "$broken"
done
at_least 10 $links links

if cmp -s README README.md; then pass "README.md is README"; else fail "README.md is README"; fi

# The configuration that README prints is the minimal one without its comments.
printed=$(awk '/^LoadModule/ { on = 1 } /^```/ { on = 0 } on && NF' README)
shipped=$(grep -v '^#' conf/gba_pki-minimal.conf | grep .)
at_least 8 "$(count "$printed")" "lines of configuration in README"
if test "$printed" = "$shipped"; then
    pass "README prints conf/gba_pki-minimal.conf"
else
    fail "README prints conf/gba_pki-minimal.conf"
fi

# Rows of the map: | clause | what | `function()` … | `t/…` … |
tick='`'
names=$(grep '^|' docs/spec-map.md | grep -oE "${tick}[a-z_0-9]+\\(\\)$tick" | tr -d "$tick()" | sort -u)
at_least 20 "$(count "$names")" "functions in docs/spec-map.md"
defined=$(product_sources | xargs grep -hoE '^[A-Za-z_].*\(' /dev/null | grep -oE '[a-z_0-9]+\($' | tr -d '(' | sort -u)
defined="$defined$newline$(product_sources | xargs grep -hoE '^[A-Za-z_][A-Za-z_0-9 *]*[ *][a-z_0-9]+\(' /dev/null |
    grep -oE '[a-z_0-9]+\($' | tr -d '(' | sort -u)"
for name in $names; do
    if printf '%s\n' "$defined" | grep -qx "$name"; then
        pass "docs/spec-map.md: $name() exists"
    else
        fail "docs/spec-map.md: $name() exists"
    fi
done
# The same for files, on every page.
for page in $pages; do
    missing=
    files=$(grep -oE "$tick(src|t|tools|conf|docs|lab)/[A-Za-z0-9_./-]+$tick" "$page" | tr -d "$tick" | sort -u)
    for file in $files; do
        test -e "$file" || missing="$missing$file$newline"
    done
    clean "files that $page names exist" "$missing"
done

# The first words of the rows of the metrics' table, and what the program tells.
told=$(grep -hoE 'metric\(w, "[a-z_]+"' src/portal/*.c | grep -oE '"[a-z_]+"' | tr -d '"' | sort)
page=$(grep -oE "^\\| ${tick}gba_[^|]*" docs/operations.md | grep -vE ' [<>(=]' | grep -oE "${tick}gba_[a-z_]+" | tr -d "$tick" | sort)
at_least 10 "$(count "$told")" "metrics in the source"
if test "$told" = "$page"; then
    pass "docs/operations.md has a row for each metric, and for no other"
else
    fail "docs/operations.md has a row for each metric, and for no other" "source: $told${newline}page: $page"
fi
finish
