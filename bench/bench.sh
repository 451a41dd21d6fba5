#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What authentication costs the server: CPU time per request for a static file of 40 octets without
# authentication, under mod_auth_digest (qop=auth, MD5) and under GBA (qop=auth-int, both ways), all by
# one httpd with one child, on a core of its own, in interleaved rounds. docs/performance.md reads
# the results.
#
#   bench/bench.sh                  CPU time: medians over the rounds, and their ratios to no authentication
#   bench/bench.sh instructions     instructions in user mode per request (callgrind): slow, but without noise
#   bench/bench.sh profile CASE     the same for one case, with callgrind's table of the most expensive functions
#
# Environment: GBA_BUILDDIR (a build with optimization; default: .), GBA_SRCDIR, HTTPD (default:
# found), BENCH_ROUNDS (15), BENCH_REQUESTS per case and round (8000), BENCH_CONNECTIONS (8: an
# association remembers 8 nonces), BENCH_CASES, BENCH_BASELINE (another mod_gba_pki.so: its cases
# are measured in turn with ours, under names that start with "old-"), BENCH_DIRECTIVES (more of
# httpd's directives, such as "EnableMMAP Off"), CC.
set -eu
LC_ALL=C
export LC_ALL
top=$(CDPATH='' cd -- "${GBA_SRCDIR:-$(dirname -- "$0")/..}" && pwd)
build=$(CDPATH='' cd -- "${GBA_BUILDDIR:-.}" && pwd)
rounds=${BENCH_ROUNDS:-15}
requests=${BENCH_REQUESTS:-8000}
connections=${BENCH_CONNECTIONS:-8}
cases=${BENCH_CASES:-none digest-MD5 gba-MD5 gba-SHA-256}
server_core=0
client_core=1

httpd=${HTTPD:-}
for file in /usr/sbin/apache2 /usr/sbin/httpd /usr/local/apache2/bin/httpd; do
    test -n "$httpd" || test ! -x "$file" || httpd=$file
done
modules=
for folder in /usr/lib/apache2/modules /usr/lib64/httpd/modules /usr/local/apache2/modules; do
    test -n "$modules" || test ! -d "$folder" || modules=$folder
done

die() { echo "bench: $*" >&2; exit 1; }
test -x "${httpd:-/none}" || die "no httpd: set HTTPD"
test -f "$build/.libs/mod_gba_pki.so" || die "no module in $build: build first, or set GBA_BUILDDIR"
command -v taskset >/dev/null || die "taskset is missing"

site=$(mktemp -d "${TMPDIR:-/tmp}/gba-bench.XXXXXX")
chmod 755 "$site"
parents=()
as=()
finish() {
    for pid in "${parents[@]}"; do
        kill -TERM "$pid" 2>/dev/null || continue
        for _ in $(seq 50); do kill -0 "$pid" 2>/dev/null && sleep 0.1; done
        # httpd -X under valgrind does not always hear the first.
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$site"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

# ---- the client ----
read -ra flags <<<"$(pkg-config --cflags --libs apr-1 apr-util-1 libcrypto jansson sqlite3 libcurl)"
"${CC:-cc}" -O2 -std=gnu11 -D_GNU_SOURCE -I"$top/src" "$top/bench/load.c" "$build/.libs/libgba.a" \
    -o "$site/load" "${flags[@]}" -lpthread || die "the client does not build"

# ---- the site: one file, one subscriber ----
btid='I1U8vpY3qJ0hiuZNrke/NQ==@bsf.home1.net'
naf=pkiportal.home1.net
key=$(od -An -vtx1 -N32 /dev/urandom | tr -d ' \n')
# Octets from hex by printf's own escapes.
password=$(printf '%b' "$(printf '%s' "$key" | sed 's/../\\x&/g')" | base64 -w0)
mkdir -p "$site"/htdocs/{none,digest,gba}
for folder in none digest gba; do
    printf '%039d\n' 0 >"$site/htdocs/$folder/file.txt"
done
umask 077
printf '[{"btId":"%s","nafId":{"nafFqdn":"%s","uaSecProtId":"0100000000"},"meKeyMaterial":"%s"}]\n' \
    "$btid" "$naf" "$key" >"$site/keys.json"
printf '%s:bench:%s\n' "$btid" "$(printf '%s:bench:%s' "$btid" "$password" | md5sum | cut -d' ' -f1)" \
    >"$site/htdigest"
umask 022
test "$(id -u)" -ne 0 || chown nobody "$site/htdigest"

free_port() {
    perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1)->sockport'
}

# Two kinds of server, since mod_auth_digest parses every Authorization field, also where it has no
# say: one with it, one with our module, which serves the file without authentication too.
write_conf() { # FILE PORT digest|MODULE
    local name
    {
        for name in mpm_event authn_core authz_core authz_user unixd; do
            test ! -f "$modules/mod_$name.so" || echo "LoadModule ${name}_module \"$modules/mod_$name.so\""
        done
        cat <<END
ServerName localhost
Listen 127.0.0.1:$2
PidFile "$1.pid"
DefaultRuntimeDir "$site"
ErrorLog "$1.log"
LogLevel error
DocumentRoot "$site/htdocs"
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
StartServers 1
ServerLimit 1
ThreadsPerChild 32
MinSpareThreads 1
MaxSpareThreads 32
MaxRequestWorkers 32
MaxConnectionsPerChild 0
${BENCH_DIRECTIVES:-}
<Directory />
    Options FollowSymLinks
    AllowOverride None
    Require all granted
</Directory>
END
        if test "$3" = digest; then
            cat <<END
LoadModule authn_file_module "$modules/mod_authn_file.so"
LoadModule auth_digest_module "$modules/mod_auth_digest.so"
<Location "/digest">
    AuthType Digest
    AuthName bench
    AuthDigestDomain "/digest"
    AuthUserFile "$site/htdigest"
    Require valid-user
</Location>
END
        else
            cat <<END
LoadModule gba_pki_module "$3"
GBALaboratory On
GBAKeySource "file:$site/keys.json"
GBANafFqdn $naf
<Location "/gba">
    AuthType GBA
    Require valid-user
</Location>
END
        fi
        test "$(id -u)" -ne 0 || printf 'User nobody\nGroup %s\n' "$(id -gn nobody)"
    } >"$1"
}

wait_for() { # PORT
    for _ in $(seq 300); do
        perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => shift)' "$1" && return
        sleep 0.1
    done
    cat "$site"/*.log >&2
    die "httpd does not start"
}

# What the client needs for a case.
arguments() { # CASE
    case ${1#old-} in
    none) echo "-u /none/file.txt" ;;
    digest-*) echo "-u /digest/file.txt -U $btid -q auth -a ${1#*digest-}" ;;
    gba-*) echo "-u /gba/file.txt -U $btid -q auth-int -a ${1#*gba-}" ;;
    *) die "no such case: $1" ;;
    esac
}

load() { # PORT PID REQUESTS CASE
    local words
    read -ra words <<<"$(arguments "$4")"
    BENCH_PASSWORD=$password taskset -c $client_core "$site/load" -p "$1" -P "$2" -n "$3" -c "$connections" "${words[@]}"
}

# ---- CPU time ----
start() { # NAME MODULE: sets port and child
    port=$(free_port)
    write_conf "$site/$1" "$port" "$2"
    taskset -c $server_core "$httpd" -f "$site/$1" -DFOREGROUND &
    parents+=($!)
    wait_for "$port"
    child=
    for _ in $(seq 100); do
        test -z "$child" || break
        sleep 0.1
        child=$(cat "/proc/$!/task/$!/children")
        child=${child%% *}
    done
    test -n "$child" || die "httpd has no child"
}

server_of() { # CASE
    case $1 in
    digest-*) echo digest ;;
    old-*) echo old ;;
    *) echo gba ;;
    esac
}

measure() {
    local round name which
    declare -A of_port of_child
    start gba "$build/.libs/mod_gba_pki.so"
    of_port[gba]=$port of_child[gba]=$child
    start digest digest
    of_port[digest]=$port of_child[digest]=$child
    if test -n "${BENCH_BASELINE:-}"; then
        start old "$BENCH_BASELINE"
        of_port[old]=$port of_child[old]=$child
        cases="$cases old-gba-MD5 old-gba-SHA-256"
    fi
    for round in $(seq 0 "$rounds"); do
        for name in $cases; do
            which=$(server_of "$name")
            line=$(load "${of_port[$which]}" "${of_child[$which]}" "$requests" "$name")
            # The first round warms up.
            test "$round" -eq 0 || echo "$name $line" >>"$site/results"
        done
    done
    perl -e '
        my (%cpu, %rate, @order);
        while (<>) {
            my ($name, $n, $us, $rate) = split;
            push @order, $name unless $cpu{$name};
            push @{ $cpu{$name} }, $us;
            push @{ $rate{$name} }, $rate;
        }
        sub median { my @s = sort { $a <=> $b } @_; return ($s[$#s / 2] + $s[@s / 2]) / 2 }
        printf "%-16s %13s %13s %15s %15s\n", "case", "CPU us median", "CPU us best", "ratio of rounds", "requests/s";
        for my $name (@order) {
            # The median over the rounds of a ratio within the round: what the machine did meanwhile hit both.
            my @ratio = map { $cpu{$name}[$_] / $cpu{none}[$_] } 0 .. $#{ $cpu{$name} };
            my ($best) = sort { $a <=> $b } @{ $cpu{$name} };
            printf "%-16s %13.1f %13.1f %15.2f %15.0f\n", $name, median(@{ $cpu{$name} }), $best, median(@ratio), median(@{ $rate{$name} });
        }' "$site/results"
}

# ---- instructions ----
# One httpd -X under callgrind; its counters are dumped before and after a number of requests.
start_callgrind() { # NAME digest|MODULE
    command -v valgrind >/dev/null || die "valgrind is missing"
    port=$(free_port)
    write_conf "$site/$1" "$port" "$2"
    mkdir -p "$site/out"
    # As httpd's User from the start: callgrind_control does not reach a process that changes it.
    if test "$(id -u)" -eq 0; then
        as=(setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups)
        chown -R nobody "$site"
    fi
    "${as[@]}" valgrind --tool=callgrind --callgrind-out-file="$site/out/cg" --log-file="$site/valgrind.$1" \
        "$httpd" -f "$site/$1" -X &
    child=$!
    parents+=("$child")
    wait_for "$port"
}

dump() { # NAME
    "${as[@]}" callgrind_control --dump="$1" "$child" >/dev/null || die "callgrind gives no counters"
    # The newest dump is the one just made.
    # shellcheck disable=SC2012
    last=$(ls -t "$site"/out/cg.* | head -1)
}

total() { sed -n 's/^summary: *//p; s/^totals: *//p' "$1" | tail -1; }

instructions() { # CASES
    local name which n=${BENCH_REQUESTS:-800} before
    declare -A of_port of_child
    for name in "$@"; do
        which=$(server_of "$name")
        if test -z "${of_port[$which]:-}"; then
            case $which in
            gba) start_callgrind gba "$build/.libs/mod_gba_pki.so" ;;
            old) start_callgrind old "$BENCH_BASELINE" ;;
            digest) start_callgrind digest digest ;;
            esac
            of_port[$which]=$port of_child[$which]=$child
        fi
        port=${of_port[$which]} child=${of_child[$which]}
        load "$port" 0 200 "$name" >/dev/null
        dump "warm"
        load "$port" 0 "$connections" "$name" >/dev/null
        dump "connect"
        before=$(total "$last")
        load "$port" 0 $((connections + n)) "$name" >/dev/null
        dump "$name"
        echo "$name $(((($(total "$last")) - before) / n))" >>"$site/results"
    done
}

case ${1:-time} in
time)
    measure ;;
instructions)
    # shellcheck disable=SC2086
    instructions $cases
    perl -ne '
        my ($name, $n) = split; $none //= $n;
        printf "%-16s %9d instructions per request %6.2f\n", $name, $n, $n / $none' "$site/results" ;;
profile)
    instructions "${2:?which case?}"
    for inclusive in yes no; do
        echo "inclusive=$inclusive"
        callgrind_annotate --auto=no --inclusive=$inclusive --threshold=100 "$last" 2>/dev/null |
            sed -n 's/^ *\([0-9,]* ([ 0-9.]*%)\)  [^ ]*[/:]\([^/]* \[.*\)$/\1 \2/p' | head -n "${BENCH_LINES:-100}"
    done ;;
*) die "time, instructions, or profile CASE" ;;
esac
