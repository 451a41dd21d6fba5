#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# httpd takes the files in conf/ as they are printed, and with their defaults written out. Only the
# places of files are moved into a temporary folder.
. "$(dirname -- "$0")/tap.inc"

module=${GBA_MODULE-}
if test -z "$module"; then
    for file in build/.libs/mod_gba_pki.so .libs/mod_gba_pki.so; do
        test ! -f "$file" || module=$top/$file
    done
fi
apxs=$(PATH=$PATH:/usr/sbin command -v apxs || PATH=$PATH:/usr/sbin command -v apxs2)
if test -z "$module" || test -z "$apxs"; then
    skip "httpd takes the files in conf/" "the module is not built (GBA_MODULE names it), or apxs is not there"
    finish
fi
httpd=${HTTPD:-$("$apxs" -q SBINDIR)/$("$apxs" -q PROGNAME)}
modules=$("$apxs" -q LIBEXECDIR)

work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
mkdir "$work/etc" "$work/lib" "$work/run"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=CA \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
    -keyout "$work/etc/ca.key" -out "$work/etc/ca.pem" >"$work/openssl" 2>&1 || note "$(cat "$work/openssl")"
chmod 600 "$work/etc/ca.key"
# Files of a BSF, which need only be of the right kind.
cp "$work/etc/ca.pem" "$work/etc/operator-ca.pem"
cp "$work/etc/ca.pem" "$work/etc/naf.pem"
cp -p "$work/etc/ca.key" "$work/etc/naf.key"
(umask 077 && echo secret >"$work/etc/naf.secret")
# The key file is the one that the page shows.
(umask 077 && awk '/^```json$/ { on = 1; next } /^```/ { on = 0 } on' docs/operations.md >"$work/etc/keys.json")
at_least 5 "$(wc -l <"$work/etc/keys.json")" "lines of key file in docs/operations.md"
(umask 077 && awk '/^```json$/ { on = 1; next } /^```/ { on = 0 } on' docs/laboratory.md >"$work/etc/subscribers.json")
at_least 5 "$(wc -l <"$work/etc/subscribers.json")" "lines of subscribers in docs/laboratory.md"
lab=$(dirname -- "$module")/mod_gba_bsf.so

try() { # NAME FILE SED-SCRIPT
    {
        printf 'ServerRoot "%s"\nServerName localhost\nListen 127.0.0.1:1\nPidFile run/pid\nErrorLog log\n' "$work"
        for name in mpm_event authn_core authz_core authz_host authz_user; do
            printf 'LoadModule %s_module %s/mod_%s.so\n' "$name" "$modules" "$name"
        done
        sed -e "s|/usr/lib/apache2/modules/mod_gba_pki.so|\"$module\"|" -e "s|/usr/lib/apache2/modules/mod_gba_bsf.so|\"$lab\"|" \
            -e "s|/etc/gba-pki|$work/etc|g" \
            -e "s|/var/lib/gba-pki|$work/lib|g" -e "$3" "$2"
    } >"$work/httpd.conf"
    if said=$("$httpd" -t -f "$work/httpd.conf" 2>&1); then
        pass "$1"
    else
        fail "$1" "$said"
    fi
}
try "httpd takes conf/gba_pki-minimal.conf" conf/gba_pki-minimal.conf ''
try "httpd takes conf/gba_pki.conf" conf/gba_pki.conf ''
try "httpd takes conf/gba_pki.conf with every default written out" conf/gba_pki.conf 's/#\(GBA\|Require gba\|<\/\{0,1\}GBABsf\)/\1/'
if test -f "$lab"; then
    try "httpd takes conf/gba_bsf_lab.conf" conf/gba_bsf_lab.conf ''
    try "httpd takes conf/gba_bsf_lab.conf with every default written out" conf/gba_bsf_lab.conf 's/#\(GBALab\)/\1/'
else
    skip "httpd takes conf/gba_bsf_lab.conf" "mod_gba_bsf is not built"
fi
finish
