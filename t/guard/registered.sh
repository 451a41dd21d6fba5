#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A test that nobody runs is worse than none: every unit test, fuzzer, guard and Apache::Test file
# is known to the build, and goes into the tarball.
. "$(dirname -- "$0")/tap.inc"

makefile=$(cat Makefile.am 2>/dev/null)
in_makefile() { # WORD: stands in Makefile.am as a word of its own
    printf '%s\n' "$makefile" | grep -qE "(^|[[:space:]=])$(printf '%s' "$1" | sed 's/[.]/[.]/g')([[:space:]]|\$)"
}

tests=$(find t/unit -name 'test_*.c' | sort)
at_least 5 "$(count "$tests")" "unit tests"
for file in $tests; do
    # automake takes NAME.c as the source of the program NAME.
    if in_makefile "${file%.c}"; then
        pass "$file is built and run"
    else
        fail "$file is built and run" "${file%.c} is not in Makefile.am"
    fi
done

fuzzers=$(find t/fuzz -name 'fuzz_*.c' | sort)
at_least 1 "$(count "$fuzzers")" "fuzzers"
for file in $fuzzers; do
    name=$(basename -- "$file" .c)
    if in_makefile "$file"; then
        pass "$file is built"
    else
        fail "$file is built" "it is not in Makefile.am"
    fi
    corpus=t/fuzz/corpus/${name#fuzz_}
    test -d "$corpus" || corpus=t/fuzz/corpus/$name
    if test -n "$(find "$corpus" -type f -size +0 2>/dev/null | head -1)"; then
        pass "$file has a corpus"
    else
        fail "$file has a corpus" "no inputs in t/fuzz/corpus/${name#fuzz_}"
    fi
done

guards=$(find t/guard -name '*.sh' | sort)
at_least 8 "$(count "$guards")" "guards"
for file in $guards; do
    if in_makefile "$file"; then pass "$file is run"; else fail "$file is run" "it is not in Makefile.am"; fi
done

# Apache::Test takes every .t below t; a folder that it prunes would hide tests.
scripts=$(find t -name '*.t' | sort)
at_least 1 "$(count "$scripts")" "Apache::Test scripts"
if test -f t/TEST.PL; then pass "t/TEST.PL is there"; else fail "t/TEST.PL is there"; fi
for file in $scripts; do
    problem=
    case $file in
    t/conf/* | t/logs/* | t/htdocs/* | t/unit/* | t/fuzz/* | t/guard/*) problem="not a place for scripts" ;;
    esac
    packed=$file
    until in_makefile "$packed"; do
        packed=$(dirname -- "$packed")
        test "$packed" != . || break
    done
    test "$packed" != . || problem="${problem:+$problem; }neither it nor a folder of it is in Makefile.am: not in the tarball"
    grep -qE 'plan |done_testing' "$file" || problem="${problem:+$problem; }it has no plan"
    clean "$file is run" "$problem"
done
finish
