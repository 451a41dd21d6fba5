#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The tests in a running httpd (Apache::Test), as one TAP stream. Skipped with its reason where
# Apache::Test is not installed.
srcdir=${GBA_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
if ! perl -MApache::Test -e 1 2>/dev/null; then
    echo '1..0 # SKIP Apache::Test is not installed (Debian: libapache2-mod-perl2)'
    exit 0
fi
exec perl "$srcdir/t/TEST.PL" --tap ${GBA_BUILDDIR:+--builddir "$GBA_BUILDDIR"} "$@"
