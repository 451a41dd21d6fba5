#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A layer includes only those above it; httpd's headers stay in src/httpd, lab and mod_gba_pki.c.
. "$(dirname -- "$0")/tap.inc"

layers='base digest gba pki portal keeper httpd'
httpd_header='(httpd|http_[a-z0-9]+|ap_[a-z0-9_]+|util_[a-z0-9_]+|scoreboard|mpm_common|unixd|mod_(auth|ssl|core|cache|so|log_config|proxy|session|dbd|request|include|status|watchdog|unixd|http2)[a-z0-9_]*)\.h'

includes() { # FILE: "<x.h>" or "\"x.h\"", one a line
    sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*\([<"][^>"]*[>"]\).*/\1/p' "$1"
}

# Layers that the layer $1 may include: itself and those before it in the list.
allowed() {
    for layer in $layers; do
        printf '%s ' "$layer"
        test "$layer" != "$1" || return 0
    done
}

seen=0
check_file() { # FILE MAY_INCLUDE_LAYERS MAY_INCLUDE_HTTPD(yes|no)
    problems=
    for inc in $(includes "$1"); do
        name=$(printf '%s' "$inc" | tr -d '<>"')
        case $inc in
        '"config.h"') ;;
        \"*/*)
            case " $2 " in
            *" ${name%%/*} "*) ;;
            *) problems="$problems$inc: not a layer above$newline" ;;
            esac ;;
        \"*)
            near="$(dirname -- "$1")/$name include/$name"
            case $1 in t/*) near="$near tools/$name t/shim/$name" ;; esac
            found=
            for place in $near; do test ! -e "$place" || found=$place; done
            test -n "$found" || problems="$problems$inc: write \"layer/file.h\"$newline" ;;
        esac
        test "$3" = yes || ! printf '%s\n' "$name" | grep -Eqx "$httpd_header" ||
            problems="$problems$inc: a header of httpd$newline"
        case $1:$name in
        src/keeper/*:* | src/httpd/*:* | tools/*:* | t/*:*) ;;
        *:sqlite3.h | *:curl/*) problems="$problems$inc: only the keeper uses this library$newline" ;;
        src/gba/*:jansson.h | lab/*:jansson.h | src/portal/portal_inquiry.c:jansson.h) ;;
        *:jansson.h) problems="$problems$inc: only gba, the keeper, the laboratory and portal_inquiry read JSON$newline" ;;
        esac
    done
    clean "$1 includes what it may" "$problems"
    seen=$((seen + 1))
}

for layer in $layers; do
    files=$(find "src/$layer" -name '*.[ch]' 2>/dev/null | sort)
    at_least 2 "$(count "$files")" "files in src/$layer"
    may_httpd=no
    test "$layer" != httpd || may_httpd=yes
    for file in $files; do
        check_file "$file" "$(allowed "$layer")" $may_httpd
        case $(basename -- "$file") in
        "${layer}"_* | mod_gba_pki*) ;;
        *) fail "$file starts with its layer's prefix" ;;
        esac
    done
done
clean "src holds the seven layers and nothing else" \
    "$(find src -mindepth 1 -maxdepth 1 | sed 's|src/||' | grep -vxE "$(printf '%s' "$layers" | tr ' ' '|')")"
for file in $(find . -maxdepth 1 -name 'mod_*.c' | sed 's|^\./||'); do
    check_file "$file" "$layers" yes
done
for file in $(find lab -name '*.[ch]' 2>/dev/null | sort); do
    check_file "$file" "base digest gba httpd lab" yes
done
for file in $(find tools t/unit t/fuzz -name '*.[ch]' 2>/dev/null | sort); do
    more=
    case $file in t/*/*_bsf_*) more=lab ;; esac
    check_file "$file" "base digest gba pki portal keeper tools $more" no
done
at_least 40 $seen "files in all"

# An include guard is the file's own name.
for file in $(product_sources | grep '\.h$' | sort); do
    guard=$(basename -- "$file" | tr '.-' '__')
    if grep -qx "#ifndef $guard" "$file" && grep -qx "#define $guard" "$file"; then
        pass "$file has its include guard"
    else
        fail "$file has its include guard" "expected $guard"
    fi
done
finish
