#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The page that lists the reasons for a refusal is what its generator prints.
. "$(dirname -- "$0")/tap.inc"

reasons=$(grep -c '^    PKI_REASON_' src/pki/pki_policy.h)
at_least 20 "$reasons" reasons
rows=$(grep -c '^| `' docs/reasons.md)
if test "$rows" -eq $((reasons - 1)); then # all but NONE
    pass "docs/reasons.md has a row for each"
else
    fail "docs/reasons.md has a row for each" "$rows rows, $((reasons - 1)) reasons"
fi
if difference=$(sh docs/mkreasons.sh | diff docs/reasons.md - 2>&1); then
    pass "docs/reasons.md is what docs/mkreasons.sh prints"
else
    fail "docs/reasons.md is what docs/mkreasons.sh prints" "$(printf '%s\n' "$difference" | head -20)"
fi
finish
