#!/usr/bin/env bash
# What `make run` shows: real input, two workers, three kills, and the same file once more. Serves
# until Ctrl-C, or ends by itself with ONCE=1. Leaves nothing running and nothing on disk.
#
#   ONCE=1          end after the table; the exit status says whether every figure is right
#   DPKG_STATUS=…   another file of Debian's package records
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
export WEFT_BIN=${WEFT_BIN:-$here/../../build/weft}
python=/usr/bin/python3
[[ -x $python ]] || python=python3

if [[ ! -x $WEFT_BIN ]]; then
    echo "demo: $WEFT_BIN is missing; type 'make build'" >&2
    exit 1
fi
if ! "$python" -c 'import sqlite3' 2>/dev/null; then
    echo "demo: python3 with sqlite3 is missing; type 'make deps'" >&2
    exit 1
fi
exec "$python" -B "$here/demo.py"
