#!/usr/bin/python3
"""Plants each bug of tests/sim/bugs in a copy of what it touches and shows that the simulator finds it.

A patch that no longer applies, one that does not compile and a bug that no seed finds all fail
the run, and so do transcripts of shrunk runs that are too long to read for more than a few bugs.
Only what a patch touches is compiled, and linked with the rest of the release build, which is made when it is missing.
Bugs of the store are hunted with the store on disk. Those of its restore, of lib/disk, of the gateway, of
libweft, of the worker's shell and journal, of the sender of webhooks, of the outbox, of the ZeroMQ doors and of lists, which the simulator does not have,
are hunted by tests of these, and only when all are or they are named. With --check the patches are only tried on this
tree, which takes a second. With --share N one in N is hunted; which ones is drawn from the sources: the same tree hunts
the same, each change others.

    planted.py [--check | --share N] [--seeds N] [--jobs N] [name ...]
"""

import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
APPLY = ["patch", "-p1", "--fuzz=0", "--no-backup-if-mismatch", "-i"]
SHRINK_TRIES = 400  # of one failing run; most are short by then
LINES_MAX = 60  # of a transcript that is read at a glance
SHORT_SHARE = 0.5  # of the transcripts that must be that short
SIMULATOR = "tests/weft-sim"
SKIPPED = 77  # of a script that this machine cannot run (lib_skip.py)


class Suite:
    """The tests that hunt the bugs of some folders or files; `tools`: what the scripts need besides the program."""

    def __init__(self, folders, units, scripts, tools=()):
        self.folders, self.scripts = folders, scripts
        self.units = [f"tests/{name}" for name in units]
        self.targets = [*self.units, *(f"tests/{name}" for name in tools)]

    def has(self, patch):
        return any(re.search(rf"^\+\+\+ b/{re.escape(folder)}[/\n]", patch.read_text(), re.M) for folder in self.folders)


SUITES = [
    Suite(["broker/store/store_restore.c", "lib/disk"], ["broker_store_store_restore_test", "lib_disk_disk_copy_test"],
          ["broker_backup.py"], ["spoil"]),
    Suite(["worker/core/outbox.c"], ["worker_core_outbox_test"], ["worker_journal.py"]),
    Suite(["broker/store/store_view_told.c"], ["broker_store_store_view_told_test"], []),
    Suite(["notify", "lib/post"], [], ["notify_conversation.py", "hook_receivers.py", "hook_rebinding.py", "webhook_illness.py",
                                       "webhook_told.py"], ["hook_post", "clock_preload.so"]),
    Suite(["outbox"], [], ["outbox_sqlite.py", "outbox_postgresql.py"]),
    Suite(["worker/sdk", "worker/core/jsontext.c"], ["worker_core_jsontext_test"], ["sdk_worker.py"],
          ["sdk_probe", "sdk_client_probe", "sdk_crowd_probe"]),
    Suite(["worker/shell/handler.c"], [], ["../crash/faults.py"], ["fault_preload.so"]),
    Suite(["worker/shell"], [], ["worker_stop.py", "worker_cancel.py", "worker_handlers.py"]),
    Suite(["worker/core/outcome.c"], [], ["../crash/poison.py"]),
    Suite(["lib/sys/clock.c"], [], ["../crash/clock_jumps.py"], ["clock_preload.so", "effect"]),
    Suite(["worker/journal"], ["worker_journal_journal_fault_test"], []),
    Suite(["gateway/core/queue.c"], ["gateway_core_queue_test"], []),
    Suite(["gateway/shell/door.c"], [], ["gateway_tenants.py", "gateway_tokens.py"]),
    Suite(["gateway"], ["gateway_store_spool_test", "gateway_store_spool_fault_test", "gateway_core_spool_plan_test"],
          ["gateway_spool.py", "gateway_spool_kills.py"], ["spool_put", "clock_preload.so"]),
    Suite(["broker/shell", "lib/link"], ["broker_shell_ticks_test", "broker_shell_warden_test", "lib_link_link_guard_test"],
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


def command_of(line):
    """The words of a build command, without the shell around it."""
    words = shlex.split(line)
    return [word for word in words if word != "&&"][1:-1] if words[0] == ":" else words


def without(words, options):
    """`words` without these options and the word after each."""
    left = iter(words)
    return [word for word in left if word not in options or next(left) is None]


class Build:
    """The release build of this tree; a bug is an object more, linked before its libraries."""

    def __init__(self):
        self.folder = ROOT / "build/release"
        if not (self.folder / "build.ninja").exists():
            must(["cmake", "--preset", "release"], ROOT, "cmake failed")
        self.made = set()
        self.lock = threading.Lock()
        self.one_suite = threading.Lock()  # their scripts have both cores

    def commands(self, target):
        """How the target is compiled: {source: words}; and how it is linked. It is up to date then."""
        with self.lock:
            if target not in self.made:
                must(["ninja", "-C", str(self.folder), target], self.folder, "does not compile")
                self.made.add(target)
        told = run(["ninja", "-C", str(self.folder), "-t", "commands", target], self.folder).stdout.splitlines()
        compiles = [command_of(line) for line in told if " -c " in line]
        return {words[words.index("-c") + 1]: words for words in compiles}, command_of(told[-1])


class Planted:
    """The programs with one bug in them, in a folder of its own."""

    def __init__(self, build, patch, folder):
        self.build, self.folder = build, folder
        self.objects = {}
        self.tree = folder / "tree"
        for name in re.findall(r"^\+\+\+ b/(\S+)", patch.read_text(), re.M):
            if not name.endswith(".c"):
                raise RuntimeError(f"{name}: only a .c may have a bug")
            (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.tree / name)
        must([*APPLY, str(patch)], self.tree, "the patch no longer applies")

    def compile(self, words, source):
        """The object of this source with the bug."""
        if source not in self.objects:
            name = self.folder / f"{len(self.objects)}.o"
            words = without(words, ["-MT", "-MF", "-o", "-c"])
            # A bug may leave a function without a caller.
            must([*words, "-Wno-error", "-o", str(name), "-c", str(self.tree / source)], self.build.folder,
                 "does not compile")
            self.objects[source] = str(name)
        return self.objects[source]

    def link(self, target):
        """The program with the bug, at its place below a folder that is like a build's."""
        compiles, words = self.build.commands(target)
        program = self.folder / "build" / target
        program.parent.mkdir(parents=True, exist_ok=True)
        words[words.index("-o") + 1] = str(program)
        for path in sorted(self.tree.rglob("*.c")):
            source = str(path.relative_to(self.tree))
            compiled = compiles.get(str(ROOT / source))
            if compiled is None:
                continue
            thing = self.compile(compiled, source)
            plain = compiled[compiled.index("-o") + 1]
            if plain in words:
                words[words.index(plain)] = thing
            else:  # its library has it, too; who comes first is taken
                words.insert(words.index("-o"), thing)
        must(words, self.build.folder, "does not link")
        return program

    def try_suite(self, suite):
        """Which test of the suite finds this bug."""
        program = self.link("weft")
        for target in suite.targets:
            self.link(target)
        env = {**os.environ, "WEFT_BIN": str(program), "WEFT_BUILD": str(self.folder / "build")}
        commands = [[str(self.folder / "build" / name)] for name in suite.units]
        commands += [["/usr/bin/python3", str(ROOT / "tests/integration" / name)] for name in suite.scripts]
        for command in commands:
            done = run(command, self.folder, env=env, timeout=300)
            if done.returncode not in (0, SKIPPED):
                fault = re.search(r"^(?:FAIL|ERROR): (\w+)|FAILED  \] (\S+ \w+)", done.stdout, re.M)
                return Found(True, f"{pathlib.Path(command[-1]).name}: {(fault[1] or fault[2]) if fault else 'failed'}")
        return Found(False, f"no test of {suite.folders[0]} finds it")


class Found:
    """What the simulator said of a bug; `lines` of transcript, None when it was not shrunk."""

    def __init__(self, ok, text, lines=None):
        self.ok = ok
        self.text = text
        self.lines = lines


def hunt(program, seeds, patch, disk):
    command = [str(program), "--seeds", str(seeds), "--shrink", str(SHRINK_TRIES)]
    if "+++ b/broker/store/" in patch.read_text():
        command += ["--disk", str(disk)]
    found = run(command, program.parent, timeout=900)
    violation = re.search(r"VIOLATION: (.*)\n  seed (\d+)", found.stdout)
    if found.returncode == 0 or not violation:
        return Found(False, f"not found in {seeds} seeds (exit {found.returncode})")
    lines = len(re.findall(r"^\[\d+\] ", found.stdout, re.M)) or None
    rule = re.sub(r"\S*/tree/", "", violation[1])
    return Found(True, f"seed {violation[2]}, {lines or 'no'} lines: {rule[:80]}", lines)


def plant(build, patch, options):
    """Whether this bug is found."""
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    try:
        with tempfile.TemporaryDirectory(prefix="weft-planted-") as name, \
                tempfile.TemporaryDirectory(prefix="weft-planted-", dir=fast) as disk:
            planted = Planted(build, patch, pathlib.Path(name))
            suite = suite_of(patch)
            if suite is not None:
                with build.one_suite:
                    return planted.try_suite(suite)
            return hunt(planted.link(SIMULATOR), options.seeds, patch, disk)
    except RuntimeError as problem:
        return Found(False, str(problem))


def plant_all(build, patches, options):
    """Yields (patch, Found), in the order of the patches."""
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        yield from zip(patches, pool.map(lambda patch: plant(build, patch, options), patches))


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
    for patch, one in plant_all(Build(), patches, options):
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
