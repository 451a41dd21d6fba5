#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each built module exports one symbol: two modules in one httpd must not meet by name.
. "$(dirname -- "$0")/tap.inc"

module=${GBA_MODULE-}
if test -z "$module"; then
    for file in build/.libs/mod_gba_pki.so .libs/mod_gba_pki.so; do
        test ! -f "$file" || module=$file
    done
fi
if test -z "$module"; then
    skip "the module exports one symbol" "it is not built; GBA_MODULE names it"
    finish
fi
if test ! -f "$module"; then
    fail "GBA_MODULE names a file" "$module"
    finish
fi
if ! command -v nm >/dev/null 2>&1; then
    skip "the module exports one symbol" "nm is not installed"
    finish
fi
check() { # FILE SYMBOL
    # _init, _fini and the section marks come from the linker, not from us.
    symbols=$(nm -D --defined-only "$1" | awk '{ print $NF }' |
        grep -vE '^(_init|_fini|__bss_start|_edata|_end)(@.*)?$' | sort)
    at_least 1 "$(count "$symbols")" "exported symbols of $2"
    test "$symbols" = "$2" && problem='' || problem=$symbols
    clean "the module exports $2 alone" "$problem"
}
check "$module" gba_pki_module
lab=$(dirname -- "$module")/mod_gba_bsf.so
if test -f "$lab"; then
    check "$lab" gba_bsf_module
else
    skip "the laboratory BSF exports one symbol" "it is not built"
fi
finish
