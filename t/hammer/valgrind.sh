#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# valgrind over the tests: no memory error in any process, and nothing lost for good by our code.
# Prints TAP. By default a few unit tests, and httpd for one script of enrolments and refusals; with
# GBA_TORTURE=1 all unit tests that it can watch and every script. Or by environment: GBA_VALGRIND_UNITS
# ("test_digest_hash ..."), GBA_VALGRIND_SCRIPTS ("t/portal/challenge.t ..."). What valgrind says is
# read from its logs, so that a test which passes in spite of an error is no pass here.
set -u
srcdir=${GBA_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
builddir=$(cd "${GBA_BUILDDIR:-.}" && pwd)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/gba-valgrind.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM HUP
export GBA_SRCDIR="$srcdir"

skip() { echo "1..0 # SKIP $*"; exit 0; }
count=0 failed=0
point() { # RESULT NAME: RESULT is 0 for a pass
    count=$((count + 1))
    if test "$1" -eq 0; then
        echo "ok $count - $2"
    else
        failed=$((failed + 1))
        echo "not ok $count - $2"
    fi
}

command -v valgrind >/dev/null || skip "valgrind is missing"
test -f "$builddir/.libs/libgba.a" || skip "no libgba.a in $builddir: build first, or set GBA_BUILDDIR"
read -ra flags <<<"$(pkg-config --cflags --libs apr-1 apr-util-1 libcrypto jansson sqlite3 libcurl)"
common="--leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=none --keep-debuginfo=yes --num-callers=40 --vgdb=no"

# What a log holds against us, one record after another: errors of memory whosever they are, and
# definite leaks through our code.
complaints() { # LOG...
    perl -e '
        my $ours = qr/\b(?:mod_gba_pki|base_|digest_|gba_|pki_|portal_|keeper_)\w*/;
        for my $file (@ARGV) {
            open my $log, "<", $file or die "$file: $!\n";
            # Several processes may share a log: each line says whose it is.
            my %said;
            while (my $line = <$log>) {
                $said{$1} .= "$2\n" if $line =~ /^(?:==|--)(\d+)(?:==|--) ?(.*)$/;
            }
            for my $record (map { split /\n\s*\n/, $said{$_} } sort keys %said) {
                next unless $record =~ /^\s+(?:at|by) 0x/m;
                next if $record =~ /default action of signal 15 /; # it was told to go
                next if $record =~ /definitely lost/ && $record !~ /(?:at|by) 0x\w+: $ours/;
                print "$file:\n$record\n\n";
            }
        }' "$@"
}

judge() { # NAME LOG...
    local said
    said=$(complaints "${@:2}")
    test -z "$said" || printf '%s\n' "$said" | head -n 60 | sed 's/^/# /'
    point "$(test -z "$said"; echo $?)" "$1"
}

# ---- unit tests, built here without sanitizers ----
unit_test() { # NAME
    local program=$scratch/$1 sources=()
    case $1 in
    test_ue_* | test_ctl_* | test_tool_*) sources=("$srcdir"/tools/{ctl,tool,ue}_*.c) ;;
    test_bsf_*) sources=("$srcdir/lab/${1#test_}.c" -I"$srcdir" -I"$(apxs -q INCLUDEDIR)") ;;
    # The first two are about kill -9 at a step of the library's variant with fault points, the third
    # executes itself: valgrind would see the one end, and nothing of the other.
    test_keeper_issuer_kill | test_keeper_power_cut | test_keeper_secret) return ;;
    esac
    if ! ${CC:-cc} -g -O1 -std=gnu11 -D_GNU_SOURCE -I"$builddir" -I"$srcdir/src" -I"$srcdir/tools" \
        "$srcdir/t/unit/$1.c" "${sources[@]}" "$builddir/.libs/libgba.a" -o "$program" "${flags[@]}" \
        -lpthread >"$scratch/log" 2>&1; then
        sed 's/^/# /' "$scratch/log"
        point 1 "$1 builds"
        return
    fi
    # shellcheck disable=SC2086
    (cd "$scratch" && valgrind -q $common --child-silent-after-fork=yes --log-file="$scratch/$1.vg" \
        "$program" >"$scratch/log" 2>&1)
    local status=$?
    test "$status" -eq 0 || grep -vE '^ok' "$scratch/log" | head -n 20 | sed 's/^/# /'
    point "$status" "$1 passes under valgrind"
    judge "$1: no memory error, nothing lost" "$scratch/$1.vg"
    rm -f "$program"
}

# ---- httpd ----
run_scripts() { # SCRIPT...
    local log=$scratch/httpd status
    # One log, open already: a process that has changed its user could not make one, and would end.
    exec 9>>"$log"
    # All scripts, but each in its usual size: valgrind multiplies it already.
    # shellcheck disable=SC2086
    GBA_TORTURE=0 GBA_TIMEOUT=${GBA_TIMEOUT:-120} \
        GBA_HTTPD_WRAPPER="valgrind $common --log-fd=9" \
        perl "$srcdir/t/TEST.PL" --builddir "$builddir" --tap "$@" >"$scratch/log" 2>&1
    status=$?
    exec 9>&-
    test "$status" -eq 0 || grep -vE '^ok' "$scratch/log" | tail -n 40 | sed 's/^/# /'
    point "$status" "httpd under valgrind passes ${*:-every script}"
    # The parent and its children: with fewer, it was not valgrind that ran.
    point "$(test "$(grep -c 'ERROR SUMMARY' "$log")" -ge 3; echo $?)" "valgrind watched httpd and its children"
    judge "httpd: no memory error, nothing lost" "$log"
}

units='test_base_shmtable test_digest_credentials test_digest_nonce test_gba_json test_pki_pkcs10 test_portal_authn'
scripts='t/portal/enrol-and-refuse.t t/portal/authn-errors.t'
if test "${GBA_TORTURE:-0}" != 0; then
    units=$(cd "$srcdir/t/unit" && echo test_*.c)
    units=${units//.c/}
    scripts=
fi
for name in ${GBA_VALGRIND_UNITS-$units}; do unit_test "$name"; done
if perl -MApache::TestRun -e 1 2>/dev/null; then
    # shellcheck disable=SC2086
    run_scripts ${GBA_VALGRIND_SCRIPTS-$scripts}
else
    echo "# Apache::Test is missing: httpd is left out"
fi
echo "1..$count"
test "$failed" -eq 0
