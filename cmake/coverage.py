#!/usr/bin/env python3
"""Coverage per folder from a build with gcov, after its tests have run. Pure folders hold a floor.

    coverage.py BUILD [--files]
"""

import json
import os
import subprocess
import sys
from collections import defaultdict

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PRODUCT = ("lib", "proto", "broker", "gateway", "worker", "cli")
PURE = {"lib/base", "lib/peer", "proto", "broker/core", "gateway/core", "worker/core"}
FLOOR_LINES, FLOOR_BRANCHES = 95.0, 90.0
# The other side of an assertion is a bug; no test can take it.
ASSERTIONS = ("CHECK(", "CHECK_IMPLIES(", "UNREACHABLE(", "static_assert(")


def reports(build):
    """gcov's answer for each object that was run."""
    for folder, _, names in os.walk(build):
        data = [name for name in names if name.endswith(".gcda")]
        if data:
            answer = subprocess.run(["gcov", "--json-format", "--stdout", "-b", *data], cwd=folder,
                                    check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            for line in answer.stdout.decode().splitlines():
                yield folder, json.loads(line)


def collect(build):
    lines = defaultdict(lambda: defaultdict(int))
    branches = defaultdict(lambda: defaultdict(int))
    for folder, report in reports(build):
        for file in report["files"]:
            full = os.path.normpath(os.path.join(report.get("current_working_directory", folder),
                                                 file["file"]))
            path = os.path.relpath(full, ROOT)
            if not path.startswith(PRODUCT) or not os.path.exists(full):
                continue
            with open(full, encoding="utf-8") as source:
                text = [""] + source.read().splitlines()
            for line in file["lines"]:
                number = line["line_number"]
                lines[path][number] += line["count"]
                if not any(word in text[number] for word in ASSERTIONS):
                    for place, branch in enumerate(line["branches"]):
                        branches[path][number, place] += branch["count"]
    return lines, branches


def share(counts):
    return 100.0 * sum(count > 0 for count in counts) / len(counts) if counts else 100.0


def main():
    lines, branches = collect(os.path.abspath(sys.argv[1]))
    by_folder = defaultdict(list)
    for path in sorted(lines):
        by_folder[os.path.dirname(path)].append(path)
    low = []
    print(f"{'folder':<24}{'lines':>8}{'branches':>10}")
    for folder, paths in sorted(by_folder.items()):
        line_share = share([c for path in paths for c in lines[path].values()])
        branch_share = share([c for path in paths for c in branches[path].values()])
        is_low = folder in PURE and (line_share < FLOOR_LINES or branch_share < FLOOR_BRANCHES)
        print(f"{folder:<24}{line_share:>7.1f}%{branch_share:>9.1f}%{'  below the floor' if is_low else ''}")
        if "--files" in sys.argv:
            for path in paths:
                print(f"  {os.path.basename(path):<22}{share(list(lines[path].values())):>7.1f}%"
                      f"{share(list(branches[path].values())):>9.1f}%")
        if is_low:
            low.append(folder)
    if not by_folder:
        print("nothing was run")
    if low:
        print(f"pure folders hold {FLOOR_LINES:.0f}% of lines and {FLOOR_BRANCHES:.0f}% of branches: {', '.join(low)}")
    return 1 if low or not by_folder else 0


if __name__ == "__main__":
    sys.exit(main())
