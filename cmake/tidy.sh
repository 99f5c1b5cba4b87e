#!/usr/bin/env bash
# clang-tidy over our sources of a build (not the generated ones). --quick leaves out clang's path
# analysis, which takes nine tenths of the time.
#   cmake/tidy.sh BUILD [--quick]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
checks=()
[[ "${2:-}" == --quick ]] && checks=("-checks=-clang-analyzer-*")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! run-clang-tidy -quiet -p "$1" "${checks[@]}" "^$root/(lib|proto|broker|gateway|worker|outbox|mdp|notify|cli)/" >"$log" 2>&1; then
    grep -vE '^(clang-tidy|[0-9]+ warnings? generated|Suppressed|Use -header-filter)' "$log" || true
    exit 1
fi
