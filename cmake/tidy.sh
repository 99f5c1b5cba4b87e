#!/usr/bin/env bash
# clang-tidy over our sources of a build (not the generated ones).
#   cmake/tidy.sh BUILD
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! run-clang-tidy -quiet -p "$1" "^$root/(lib|proto|broker|gateway|worker|cli)/" >"$log" 2>&1; then
    grep -vE '^(clang-tidy|[0-9]+ warnings? generated|Suppressed|Use -header-filter)' "$log" || true
    exit 1
fi
