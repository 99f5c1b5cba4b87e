#!/usr/bin/python3
"""The same seeds give the same traces, whatever stands below the simulator.

    same.py builds   without optimisation, with -O2 and with sanitizers; needs build/release and
                     build/dev (make build-release build-dev), and makes build/sim-O0 itself
    same.py stores   the model store and the product's, in a directory without a disk behind it
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


def plain_build():
    """weft-sim without optimisation and without sanitizers."""
    build = ROOT / "build/sim-O0"
    run(["cmake", "-G", "Ninja", "-S", ROOT, "-B", build, "-DCMAKE_BUILD_TYPE=None",
         "-DCMAKE_C_FLAGS=-O0 -g0"])
    run(["cmake", "--build", build, "--target", "weft-sim", "-j", str(os.cpu_count() or 1)])
    return build / "tests/weft-sim"


def builds(seeds):
    programs = {"-O2": ROOT / "build/release/tests/weft-sim",
                "sanitizers": ROOT / "build/dev/tests/weft-sim"}
    for program in programs.values():
        if not program.exists():
            sys.exit(f"same: {program} is missing; make build-release build-dev")
    expected = traces(plain_build(), seeds)
    failed = False
    for name, program in programs.items():
        found = traces(program, seeds)
        other = [seed for seed, trace in expected.items() if found[seed] != trace]
        print(f"{name}: {seeds - len(other)} of {seeds} traces are those of -O0")
        if other:
            failed = True
            print(f"  seed {other[0]}: {expected[other[0]]} with -O0, {found[other[0]]} here; "
                  "both must be built from these sources")
    return 1 if failed else 0


def stores(seeds):
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="weft-sim-", dir=fast) as folder:
        program = pathlib.Path(os.environ.get("WEFT_BUILD", ROOT / "build/release"))
        told = run([program / "tests/weft-sim", "--seeds", seeds, "--disk", folder])
    print(f"{seeds} seeds with both stores: the same traces and the same rows")
    return 0 if "no violation" in told else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["builds", "stores"])
    parser.add_argument("--seeds", type=int, default=200)
    options = parser.parse_args()
    return (builds if options.what == "builds" else stores)(options.seeds)


if __name__ == "__main__":
    sys.exit(main())
