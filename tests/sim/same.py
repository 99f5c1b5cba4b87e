#!/usr/bin/python3
"""The same seeds give the same traces, whatever stands below the simulator.

    same.py builds   with -O2, and with -O1 and sanitizers; needs build/release and
                     build/dev (make build-release build-dev)
    same.py stores   the model store and, for one seed in five, the product's in a directory without a disk behind it
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(command):
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        sys.exit(f"same: {command[0]} failed:\n{done.stdout[-4000:]}")
    return done.stdout


def traces(program, seeds):
    """The trace of each seed, by seed."""
    pairs = (line.split() for line in run([program, "--seeds", seeds, "--traces"]).splitlines())
    found = {pair[0]: pair[1] for pair in pairs if len(pair) == 2 and len(pair[1]) == 16}
    if len(found) != seeds:
        sys.exit(f"same: {program} printed {len(found)} traces of {seeds}")
    return found


def builds(seeds):
    programs = [ROOT / "build" / preset / "tests/weft-sim" for preset in ("release", "dev")]
    for program in programs:
        if not program.exists():
            sys.exit(f"same: {program} is missing; make build-release build-dev")
    expected, found = (traces(program, seeds) for program in programs)
    other = [seed for seed, trace in expected.items() if found[seed] != trace]
    print(f"{seeds - len(other)} of {seeds} traces are the same with -O2, and with -O1 and sanitizers")
    if other:
        print(f"  seed {other[0]}: {expected[other[0]]} with -O2, {found[other[0]]} with -O1; "
              "both must be built from these sources")
    return 1 if other else 0


def stores(seeds):
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="weft-sim-", dir=fast) as folder:
        program = pathlib.Path(os.environ.get("WEFT_BUILD", ROOT / "build/release"))
        return subprocess.run([program / "tests/weft-sim", "--seeds", str(seeds), "--disk", folder, "--disk-every", "5"],
                              stdin=subprocess.DEVNULL).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["builds", "stores"])
    parser.add_argument("--seeds", type=int, default=200)
    options = parser.parse_args()
    return (builds if options.what == "builds" else stores)(options.seeds)


if __name__ == "__main__":
    sys.exit(main())
