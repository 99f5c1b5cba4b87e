#!/usr/bin/python3
"""Plants each bug of tests/sim/bugs in a copy of the tree and shows that the simulator finds it.

A patch that no longer applies, a copy that does not compile and a bug that no seed finds all fail
the run. Only what a patch touches is compiled again.

    planted.py [--seeds N] [--jobs N] [name ...]
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(command, folder, **more):
    return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)


def must(command, folder, what):
    done = run(command, folder)
    if done.returncode != 0:
        raise RuntimeError(f"{what}:\n{done.stdout[-3000:]}")


class Copy:
    """A copy of the tree with a build of its own; one bug at a time stands in it."""

    def __init__(self, folder):
        self.tree = folder / "tree"
        self.build = folder / "build"
        self.bin = folder / "bin"
        self.bin.mkdir()
        shutil.copytree(ROOT, self.tree, symlinks=True,
                        ignore=shutil.ignore_patterns("build", ".git", "node_modules"))
        must(["cmake", "-G", "Ninja", "-S", str(self.tree), "-B", str(self.build),
              "-DCMAKE_BUILD_TYPE=RelWithDebInfo"], folder, "cmake failed")
        self.compile()

    def compile(self):
        must(["ninja", "-C", str(self.build), "weft-sim"], self.build, "does not compile")
        return next(self.build.rglob("weft-sim"))

    def with_bug(self, patch):
        """The simulator with this bug in it."""
        apply = ["patch", "-p1", "--fuzz=0", "--no-backup-if-mismatch", "-i", str(patch)]
        must(apply, self.tree, "the patch no longer applies")
        try:
            target = self.bin / patch.stem
            shutil.copy2(self.compile(), target)
            return target
        finally:
            must([*apply, "-R"], self.tree, "the patch cannot be taken back")


def hunt(program, seeds):
    found = run([str(program), "--seeds", str(seeds)], program.parent, timeout=900)
    violation = re.search(r"VIOLATION: (.*)\n  seed (\d+)", found.stdout)
    if found.returncode == 0 or not violation:
        return False, f"not found in {seeds} seeds (exit {found.returncode})"
    return True, f"seed {violation[2]}: {violation[1][:90]}"


def plant_all(copy, patches, options):
    """Yields (patch, found, text): compiling goes on while earlier bugs are hunted."""
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        hunts = []
        for patch in patches:
            try:
                hunts.append((patch, pool.submit(hunt, copy.with_bug(patch), options.seeds)))
            except RuntimeError as problem:
                hunts.append((patch, pool.submit(lambda text=str(problem): (False, text))))
        for patch, result in hunts:
            yield patch, *result.result()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    patches = [path for path in sorted((ROOT / "tests/sim/bugs").glob("*.patch"))
               if not options.names or any(name in path.name for name in options.names)]
    if not patches:
        sys.exit("planted: no such bug")
    missed = 0
    with tempfile.TemporaryDirectory(prefix="weft-planted-") as name:
        for patch, found, text in plant_all(Copy(pathlib.Path(name)), patches, options):
            missed += not found
            print(f"{'found ' if found else 'MISSED'} {patch.stem:32} {text}", flush=True)
    print(f"{len(patches) - missed} of {len(patches)} planted bugs found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
