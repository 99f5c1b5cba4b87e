"""Programs that are killed and started again: broker, gateway, workers, and where they live."""

import json
import os
import random
import re
import selectors
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))
from lib_clock import Clock  # noqa: E402  (found through the line above)
from lib_link import Link  # noqa: E402  (found through the line above)

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE_S = 60
LEASE_S = 2
CLIENTS, GATEWAY, LINKS = 4, 5, 5  # behind workers 1 to 3

FAILPOINTS = {
    "broker": ["store.before_commit", "store.after_commit", "broker.before_commit",
               "broker.after_commit", "broker.before_release"],
    "gateway": ["gateway.before_answer", "gateway.after_submit"],
    "spooler": ["spool.before_flush", "spool.after_flush", "spool.after_submitted", "spool.after_removal"],
    "worker": ["worker.before_journal", "worker.after_journal", "worker.after_finish_sent"],
}


class Failed(Exception):
    """The run has shown a fault; the text says which."""


def free_port():
    """Below the ports that the kernel gives to outgoing connections: while a program is down, a peer
    that connects again and again must not be given this very port as its own end."""
    while True:
        port = random.SystemRandom().randrange(15000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Program:
    """One program that is started again whenever it has died, until `close`. A thread of its own waits
    for its death, so that a kill by a failpoint is seen like one from outside."""

    def __init__(self, name, folder, command, seed, env=None):
        self.name, self.kind = name, name.rstrip("0123456789")
        self.command, self.env = command, env or {}
        self.log_path = os.path.join(folder, f"{name}.log")
        self.random = random.Random(f"{seed} {name}")
        self.armed_share = 0.35         # of starts, with a failpoint
        self.failpoints = FAILPOINTS[self.kind]
        self.away_s = 0                 # after the next death, nobody is there for so long
        self.kills = {}                 # how it died -> count
        self.starts = 0
        self.words = {}                 # of the ready line
        self.at_ready = lambda program: None
        self.fault = None
        self.is_closing = False
        self.is_told, self.stop_count = False, 0
        self.process = None
        self.is_ready = threading.Event()
        self.changed = threading.Condition()
        self.gone = threading.Event()   # set when nobody waits for it any more
        self.thread = threading.Thread(target=self._live, name=name, daemon=True)
        self.thread.start()

    def session_command(self):
        """Dies with this script, however it ends."""
        return ["setpriv", "--pdeathsig", "KILL", "--"] + [word.replace("{session}", str(self.starts))
                                                           for word in self.command]

    def _start(self):
        """Returns the failpoint it is armed with, or None."""
        self.starts += 1
        self.is_told = False
        env, failpoint = {**os.environ, **self.env}, None
        if self.starts > 1 and self.random.random() < self.armed_share:
            failpoint = self.random.choice(self.failpoints)
            env["WEFT_FAILPOINT"] = f"{failpoint}:{self.random.randint(1, 25)}"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.session_command(), env=env, stdout=subprocess.PIPE,
                                            stderr=log, stdin=subprocess.DEVNULL)
        return failpoint

    def _read_ready(self, process):
        """Waits for the ready line; false when the process died before."""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if not selector.select(PATIENCE_S):
                raise Failed(f"{self.name} was not ready within {PATIENCE_S} s: see {self.log_path}")
        line = process.stdout.readline().decode()
        if not line.startswith("ready "):
            return False
        self.words = dict(word.split("=", 1) for word in line.split()[1:] if "=" in word)
        return True

    def _live_once(self):
        failpoint = self._start()
        process = self.process
        if self._read_ready(process):
            self.at_ready(self)
            self.is_ready.set()
        for _ in process.stdout:
            pass
        code = process.wait(PATIENCE_S)
        self.is_ready.clear()
        process.stdout.close()
        if self.is_closing and code == 0:
            return
        # Told before it had its handlers, it dies of the signal.
        if self.is_told and code in (0, -signal.SIGTERM):
            self.stop_count += 1
            return
        if code != -signal.SIGKILL:
            raise Failed(f"{self.name} ended by itself with {code}: see {self.log_path}")
        how = failpoint if failpoint and self._died_of(failpoint) else "any moment"
        with self.changed:
            self.kills[how] = self.kills.get(how, 0) + 1
            self.changed.notify_all()

    def _died_of(self, failpoint):
        with open(self.log_path, "rb") as log:
            log.seek(max(0, os.path.getsize(self.log_path) - 4096))
            last = log.read().decode(errors="replace").rstrip().rsplit("\n", 1)[-1]
        return "failpoint.hit" in last and f"name={failpoint}" in last

    def _live(self):
        try:
            while not self.is_closing:
                self._live_once()
                self.gone.wait(self.away_s)
                self.away_s = 0
        except Exception as fault:  # told by the main thread
            self.fault = fault
            with self.changed:
                self.changed.notify_all()

    def kill(self):
        process = self.process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGKILL)

    def tell(self):
        """Asks it to leave; it is started again like one that was killed."""
        process = self.process
        if process is not None and process.poll() is None:
            self.is_told = True
            process.send_signal(signal.SIGTERM)

    def pause(self):
        """Freezes it until the returned function is called."""
        process = self.process
        if process is None or process.poll() is not None:
            return lambda: None
        process.send_signal(signal.SIGSTOP)
        return lambda: process.send_signal(signal.SIGCONT) if process.poll() is None else None

    def wait_ready(self):
        if not self.is_ready.wait(PATIENCE_S):
            raise Failed(f"{self.name} is not ready: {self.fault}")

    def logged(self, pattern):
        """What fits, in all its lives."""
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            yield from filter(None, map(re.compile(pattern).search, log))

    def killed_count(self):
        return sum(self.kills.values())

    def stop(self):
        """Asks it to leave; it must do so with 0."""
        self.wait_ready()
        self.is_closing = True
        self.process.send_signal(signal.SIGTERM)
        self.thread.join(PATIENCE_S)
        if self.thread.is_alive():
            raise Failed(f"{self.name} does not stop: see {self.log_path}")
        if self.fault is not None:
            raise self.fault

    def close(self):
        self.is_closing = True
        self.gone.set()
        self.kill()
        self.thread.join(PATIENCE_S)


class Place:
    """One directory with a broker, a gateway, three workers and an SQLite file for the effects. With `has_links`
    gateway, workers and clients each have a wire of their own to the broker; with `has_clocks` each program has a wall
    clock of its own."""

    def __init__(self, folder, seed, history, spools=False, has_links=False, has_clocks=False, lease_s=LEASE_S):
        self.folder, self.history, self.seed, self.spools = folder, history, seed, spools
        self.database = os.path.join(folder, "effects.db")
        self.handlers = os.path.join(folder, "handlers.jsonl")
        self.http_port = free_port()
        port = free_port()
        self.zmq = f"tcp://127.0.0.1:{port}"
        self.links = [Link(port) for _ in range(LINKS if has_links else 0)]
        # Stays open: the last one to close the file would throw its log away.
        self.sqlite = sqlite3.connect(self.database, timeout=30)
        self.sqlite.execute("PRAGMA journal_mode=WAL")
        self.sqlite.executescript("CREATE TABLE runs(job TEXT, token INTEGER, n INTEGER);"
                                  "CREATE TABLE effects(job TEXT PRIMARY KEY, token INTEGER, n INTEGER)")
        self.programs = []
        self.has_clocks, self.lease_s = has_clocks, lease_s
        self.clocks = {}  # by name of the program

    def start(self):
        weft = os.environ["WEFT_BIN"]
        self.broker = self._program(
            "broker", [weft, "broker", "--zmq", self.zmq, "--pub", "tcp://127.0.0.1:0", "--data",
                       f"{self.folder}/broker", "--lease", f"{self.lease_s}s", "--renew", "250ms", "--audit-every", "1s",
                       "--log-level", "debug"])
        self.broker.at_ready = lambda program: self.record_figures(f"start {program.starts}")
        self.gateway = self._program(
            "gateway", [weft, "gateway", "--http", f"127.0.0.1:{self.http_port}", "--broker",
                        self.endpoint(GATEWAY), "--data", f"{self.folder}/gateway", "--spool", "on" if self.spools else "off"])
        if self.spools:
            self.gateway.failpoints = self.gateway.failpoints + FAILPOINTS["spooler"]
        effect = os.path.join(os.environ["WEFT_BUILD"], "tests", "effect")
        lines = [sys.executable, f"{HERE}/lib_effect.py", self.database, self.handlers]
        self.workers = [self._worker(1, ["-c", "2", "--", effect, self.database, self.handlers]),
                        self._worker(2, ["-c", "4", "--lines", "--", *lines, "worker2"]),
                        self._worker(3, ["-c", "2", "--lines", "--", *lines, "worker3"])]
        for program in self.programs:
            program.wait_ready()

    def endpoint(self, number):
        """Where the broker is reached: worker 1 to 3, clients, the gateway."""
        return self.links[number % LINKS].endpoint if self.links else self.zmq

    def _program(self, name, command, env=None):
        if self.has_clocks:
            self.clocks[name] = Clock(os.path.join(self.folder, f"{name}.clock"))
            env = {**(env or {}), **self.clocks[name].env}
        program = Program(name, self.folder, command, self.seed, env)
        self.programs.append(program)
        return program

    def _worker(self, number, tail):
        name = f"worker{number}"
        data = f"{self.folder}/{name}"
        command = [os.environ["WEFT_BIN"], "worker", "effect", "--name", name, "--broker", self.endpoint(number),
                   "--data", data, "--stats", data + "-{session}.stats", *tail]
        return self._program(name, command, {"EFFECT_WORKER": name})

    # --- figures ---

    def figures(self):
        with urllib.request.urlopen(self.broker.words["metrics"], timeout=PATIENCE_S) as answer:
            text = answer.read().decode()
        return {name: float(value) for name, value in re.findall(r"^(\w+(?:\{[^}]*\})?) (\S+)$", text, re.M)}

    def record_figures(self, at):
        """A broker that is killed meanwhile has no figures."""
        try:
            figures = self.figures()
        except OSError:
            return None
        for name in ("weft_conservation_difference", "weft_store_violations_total", "weft_store_damaged_total"):
            self.history.line(do="figure", at=at, name=name, value=figures[name])
        return figures

    def stats(self, name):
        """A counter of all workers in all their lives. A killed worker's last second is not in it, so
        this is a lower bound."""
        total = 0
        for entry in os.listdir(self.folder):
            if not entry.endswith(".stats"):
                continue
            try:
                with open(os.path.join(self.folder, entry), encoding="utf-8") as file:
                    total += json.load(file)[name]
            except ValueError:
                continue  # killed while it wrote
        return total

    def transitions(self):
        """What the broker's log tells, in its order: (job, state, version, token)."""
        for found in self.broker.logged(r" job\.(\w+) job=(\S+) version=(\d+) token=(\d+) "):
            yield found[2], found[1], int(found[3]), found[4]

    def answered_from_journal(self):
        """(job, token) of leases that a worker had the outcome of already."""
        for worker in self.workers:
            for found in worker.logged(r" job\.answered_from_journal job=(\S+) token=(\d+)"):
                yield found[1], found[2]

    def fault(self):
        return next((program.fault for program in self.programs if program.fault), None)

    def close(self):
        for program in reversed(self.programs):
            program.close()
        for link in self.links:
            link.close()
        self.sqlite.close()


class History:
    """One JSON line per event, in a file. Any thread."""

    def __init__(self, path):
        self.path, self.lock, self.count = path, threading.Lock(), 0
        self.file = open(path, "w", encoding="utf-8")

    def line(self, **fields):
        fields = {"t": time.monotonic_ns(), **fields}
        text = json.dumps(fields, separators=(",", ":"))
        with self.lock:
            self.count += 1
            self.file.write(text + "\n")

    def close(self):
        self.file.close()
