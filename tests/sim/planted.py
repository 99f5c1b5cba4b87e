#!/usr/bin/python3
"""Plants each bug of tests/sim/bugs in a copy of the tree and shows that the simulator finds it.

A patch that no longer applies, a copy that does not compile and a bug that no seed finds all fail
the run, and so do transcripts of shrunk runs that are too long to read for more than a few bugs.
Only what a patch touches is compiled again. Bugs of the store are hunted with the store on disk. Those of the
gateway, of the ZeroMQ doors and of lists, which the simulator does not have, are hunted by tests of these, and only when
all are or they are named. With --check the patches are only tried on this tree, which takes a second. With --share N one in N
is hunted; which ones is drawn from the sources: the same tree hunts the same, each change others.

    planted.py [--check | --share N] [--seeds N] [--jobs N] [name ...]
"""

import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
APPLY = ["patch", "-p1", "--fuzz=0", "--no-backup-if-mismatch", "-i"]
SHRINK_TRIES = 400  # of one failing run; most are short by then
LINES_MAX = 60  # of a transcript that is read at a glance
SHORT_SHARE = 0.5  # of the transcripts that must be that short
SIMULATOR = ["weft-sim"]


class Suite:
    """The tests that hunt the bugs of some folders or files; `tools`: what the scripts need besides the program."""

    def __init__(self, folders, units, scripts, tools=()):
        self.folders, self.units, self.scripts = folders, units, scripts
        self.targets = ["weft", *tools, *units]

    def has(self, patch):
        return any(re.search(rf"^\+\+\+ b/{re.escape(folder)}[/\n]", patch.read_text(), re.M) for folder in self.folders)


SUITES = [
    Suite(["broker/store/store_view_told.c"], ["broker_store_store_view_told_test"], []),
    Suite(["gateway"], ["gateway_store_spool_test", "gateway_core_spool_plan_test"],
          ["gateway_spool.py", "gateway_spool_kills.py"], ["spool_put", "clock_preload"]),
    Suite(["broker/shell", "lib/link"], ["broker_shell_warden_test", "lib_link_link_guard_test"],
          ["broker_scopes.py", "broker_evil.py", "broker_keys.py"]),
]


def suite_of(patch):
    return next((suite for suite in SUITES if suite.has(patch)), None)


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

    def compile(self, targets):
        must(["ninja", "-C", str(self.build), *targets], self.build, "does not compile")
        return next(self.build.rglob(targets[0]))

    def with_bug(self, patch):
        """The simulator with this bug in it."""
        apply = [*APPLY, str(patch)]
        must(apply, self.tree, "the patch no longer applies")
        try:
            target = self.bin / patch.stem
            shutil.copy2(self.compile(SIMULATOR), target)
            return target
        finally:
            must([*apply, "-R"], self.tree, "the patch cannot be taken back")

    def try_suite(self, suite, patch):
        """Which test of the suite finds this bug."""
        apply = [*APPLY, str(patch)]
        must(apply, self.tree, "the patch no longer applies")
        try:
            return self.first_failing(suite, self.compile(suite.targets))
        finally:
            must([*apply, "-R"], self.tree, "the patch cannot be taken back")

    def first_failing(self, suite, program):
        env = {**os.environ, "WEFT_BIN": str(program), "WEFT_BUILD": str(self.build)}
        commands = [[str(self.build / "tests" / name)] for name in suite.units]
        commands += [["/usr/bin/python3", str(self.tree / "tests/integration" / name)] for name in suite.scripts]
        for command in commands:
            done = run(command, self.build, env=env, timeout=300)
            if done.returncode != 0:
                fault = re.search(r"^(?:FAIL|ERROR): (\w+)|FAILED  \] (\S+ \w+)", done.stdout, re.M)
                return Found(True, f"{pathlib.Path(command[-1]).name}: {(fault[1] or fault[2]) if fault else 'failed'}")
        return Found(False, f"no test of {suite.folders[0]} finds it")


class Found:
    """What the simulator said of a bug; `lines` of transcript, None when it was not shrunk."""

    def __init__(self, ok, text, lines=None):
        self.ok = ok
        self.text = text
        self.lines = lines


def hunt(program, seeds, patch):
    command = [str(program), "--seeds", str(seeds), "--shrink", str(SHRINK_TRIES)]
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="weft-planted-", dir=fast) as disk:
        if "+++ b/broker/store/" in patch.read_text():
            command += ["--disk", disk]
        found = run(command, program.parent, timeout=900)
    violation = re.search(r"VIOLATION: (.*)\n  seed (\d+)", found.stdout)
    if found.returncode == 0 or not violation:
        return Found(False, f"not found in {seeds} seeds (exit {found.returncode})")
    lines = len(re.findall(r"^\[\d+\] ", found.stdout, re.M)) or None
    rule = violation[1].replace(str(program.parent.parent / "tree") + "/", "")
    return Found(True, f"seed {violation[2]}, {lines or 'no'} lines: {rule[:80]}", lines)


def plant_all(copy, patches, options):
    """Yields (patch, Found): compiling goes on while earlier bugs are hunted."""
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        hunts = []
        for patch in patches:
            try:
                suite = suite_of(patch)
                if suite is not None:
                    hunts.append((patch, pool.submit(lambda found: found, copy.try_suite(suite, patch))))
                    continue
                hunts.append((patch, pool.submit(hunt, copy.with_bug(patch), options.seeds, patch)))
            except RuntimeError as problem:
                hunts.append((patch, pool.submit(Found, False, str(problem))))
        for patch, result in hunts:
            yield patch, result.result()


def share_of(patches, share):
    """One in `share` of the patches, by what the core, the store and the simulator are now."""
    sources = hashlib.sha256()
    for folder in ("broker/core", "broker/store", "tests/sim"):
        for path in sorted((ROOT / folder).rglob("*.[chp]*")):
            if path.is_file():
                sources.update(path.read_bytes())
    patches = [patch for patch in patches if share == 1 or suite_of(patch) is None]
    return patches[int(sources.hexdigest(), 16) % share::share]


def check(patches):
    """Whether each patch still fits this tree."""
    misfits = [patch.stem for patch in patches
               if run([*APPLY, str(patch), "--dry-run"], ROOT).returncode != 0]
    for name in misfits:
        print(f"{name}: the patch no longer applies")
    print(f"{len(patches) - len(misfits)} of {len(patches)} planted bugs fit the tree")
    return 1 if misfits else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--share", type=int, default=1)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    patches = [path for path in sorted((ROOT / "tests/sim/bugs").glob("*.patch"))
               if not options.names or any(name in path.name for name in options.names)]
    if not patches:
        sys.exit("planted: no such bug")
    if options.check:
        return check(patches)
    patches = share_of(patches, options.share)
    found = []
    with tempfile.TemporaryDirectory(prefix="weft-planted-") as name:
        for patch, one in plant_all(Copy(pathlib.Path(name)), patches, options):
            found.append(one)
            print(f"{'found ' if one.ok else 'MISSED'} {patch.stem:32} {one.text}", flush=True)
    missed = sum(not one.ok for one in found)
    simulated = sum(suite_of(patch) is None for patch in patches)
    short = sum(one.lines is not None and one.lines <= LINES_MAX for one in found)
    print(f"{len(found) - missed} of {len(found)} planted bugs found, "
          f"{short} shrunk to at most {LINES_MAX} lines")
    too_long = not options.names and short < SHORT_SHARE * simulated
    return 1 if missed or too_long else 0


if __name__ == "__main__":
    sys.exit(main())
