#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The portal's own tests once more under the prefork MPM; with GBA_TORTURE=1 all of them.
srcdir=${GBA_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
scripts=(t/portal)
[ "${GBA_TORTURE:-0}" = 0 ] || scripts=()
GBA_MPM=prefork exec bash "$srcdir/t/apache.sh" "${scripts[@]}"
