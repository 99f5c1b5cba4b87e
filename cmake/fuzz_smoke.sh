#!/usr/bin/env bash
# Runs each fuzzer of a build for some seconds, beginning with its corpus. New inputs go to a
# directory of the build, never to the corpus in the tree; a crash leaves its input there.
#   cmake/fuzz_smoke.sh BUILD SECONDS
set -euo pipefail
build=$1
seconds=$2
count=0
failed=()
for fuzzer in "$build"/tests/*_fuzz; do
    [[ -x $fuzzer ]] || continue
    name=$(basename "$fuzzer" _fuzz)
    found="$build/found/$name"
    mkdir -p "$found"
    corpus=()
    [[ -d tests/fuzz/corpus/$name ]] && corpus=("tests/fuzz/corpus/$name")
    echo "== $name"
    if ! "$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -verbosity=0 -artifact_prefix="$found/" "$found" "${corpus[@]}" >"$found.log" 2>&1; then
        tail -n 60 "$found.log"
        failed+=("$name")
    fi
    grep -aE 'number_of_executed_units|average_exec_per_sec' "$found.log"
    count=$((count + 1))
done
if [[ ${#failed[@]} != 0 ]]; then
    echo "FAILED: ${failed[*]}; the inputs are in $build/found"
    exit 1
fi
echo "$count fuzzers, $seconds s each, no crash"
