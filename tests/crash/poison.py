#!/usr/bin/python3
"""Handlers that crash, hang, say too much or nonsense, answer twice or vanish, and slow ones, beside healthy ones at the same
workers: each poison job is dead after exactly its attempts and tells why, and the healthy are unhurt.

    poison.py [--each N] [--seed S]

--each: jobs of each kind (WEFT_POISON, 3). WEFT_BIN names the program.
"""

import argparse
import collections
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))
from lib_broker import Broker, Peer, fresh_id, pb  # noqa: E402  (found through the line above)

ATTEMPTS, CRASHES = 3, 2  # that a job has
CONCURRENCY = 24
PIECE = 100               # jobs of one question
LEASE = "20s"            # a busy machine may keep a worker from its renewals for seconds

# How a job of each kind ends: its runs, its state, the kind of its failure and a word of its message.
Kind = collections.namedtuple("Kind", "type runs state kind message")
FINE = Kind(None, 1, pb.STATE_SUCCEEDED, "", "")
KINDS = {
    "crash": Kind("alone", CRASHES, pb.STATE_DEAD, "signal", "SIGSEGV"),
    "hang": Kind("alone", ATTEMPTS, pb.STATE_DEAD, "timeout", "deadline"),
    "flood": Kind("alone", 1, pb.STATE_DEAD, "result-too-large", "longer"),
    "quit": Kind("alone", ATTEMPTS, pb.STATE_DEAD, "exit", "exit status 3"),
    "slow": FINE._replace(type="alone"),
    "fine": FINE._replace(type="alone"),
    "garbage": Kind("lines", CRASHES, pb.STATE_DEAD, "protocol", "not a JSON object"),
    "stranger": Kind("lines", CRASHES, pb.STATE_DEAD, "protocol", "not asked"),
    "vanish": Kind("lines", CRASHES, pb.STATE_DEAD, "exit", "without an answer"),
    "mute": Kind("lines", ATTEMPTS, pb.STATE_DEAD, "timeout", "deadline"),
    "long": Kind("lines", 1, pb.STATE_DEAD, "result-too-large", "too long"),
    "twice": FINE._replace(type="lines"),
    "calm": FINE._replace(type="lines"),
}


class Failed(Exception):
    """The run has shown a fault; the text says which."""


class Run:
    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.runs = os.path.join(folder, "runs")
        self.broker = Broker(os.path.join(folder, "broker"), "--lease", LEASE, "--renew", "250ms")
        if not self.broker.is_ready:
            raise Failed(self.broker.stderr())
        self.workers = [self._worker("alone"), self._worker("lines", "--lines")]
        self.peer = Peer(self.broker.zmq)
        self.kind_of = {}  # id -> name of its kind

    def _worker(self, kind, *flags):
        handler = [os.path.join(HERE, "lib_poison.sh"), self.runs] + [flag[2:] for flag in flags]
        command = [os.environ["WEFT_BIN"], "worker", kind, "--name", kind, "--broker", self.broker.zmq, "--data",
                   os.path.join(self.folder, kind), "-c", str(CONCURRENCY), "--kill-after", "1s", *flags, "--", *handler]
        with open(os.path.join(self.folder, f"{kind}.log"), "wb") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)

    def submit(self):
        kinds = list(KINDS) * self.options.each
        random.Random(self.options.seed).shuffle(kinds)
        for at in range(0, len(kinds), PIECE):
            jobs = []
            for name in kinds[at:at + PIECE]:
                job = fresh_id()
                self.kind_of[job] = name
                jobs.append({"job_id": job, "type": KINDS[name].type, "payload": b'{"what":"%s"}' % name.encode(),
                             "content": pb.CONTENT_JSON, "max_attempts": ATTEMPTS, "max_crashes": CRASHES,
                             "retry_first_ms": 20, "retry_longest_ms": 100,
                             "timeout_ms": 1000 if name in ("hang", "mute") else 0})
            if any(said.error for said in self.peer.submit(*jobs)):
                raise Failed("a good job was refused")

    def wait(self):
        """Until all have come to their ends, as long as some do."""
        left, end = list(self.kind_of), time.monotonic() + 120
        while left:
            before = len(left)
            left = [job for job in left if self.peer.status(job, wait_ms=1000).state not in (pb.STATE_SUCCEEDED, pb.STATE_DEAD)]
            if len(left) < before:
                end = time.monotonic() + 120
            if time.monotonic() > end or any(worker.poll() is not None for worker in self.workers):
                raise Failed(f"no end of {collections.Counter(self.kind_of[job] for job in left)}")

    def judge(self):
        with open(self.runs, encoding="utf-8") as file:
            runs = collections.Counter(uuid.UUID(line.strip()).bytes for line in file)
        faults = [fault for job, name in self.kind_of.items() for fault in self._judge_job(job, name, runs[job])]
        if self.broker.metric("weft_conservation_difference") != 0:
            faults.append("jobs are missing")
        if faults:
            raise Failed(f"{len(faults)} faults:\n  " + "\n  ".join(faults[:40]))

    def _judge_job(self, job, name, runs):
        kind, said = KINDS[name], self.peer.status(job)
        told = f"{name}: {runs} runs, {pb.State.Name(said.state)} {said.failure.kind!r} {said.failure.message!r}, " \
               f"{said.errors} errors, {said.crashes} crashes"
        # Where a child dies of its second answer, it may take the next job with it, before or after that has said that
        # it runs. So it is run once more, unless it is one that dies of crashes: then this was one of them.
        dies_of_crashes = kind.kind in ("protocol", "exit", "signal")
        along = said.crashes if kind.type == "lines" and not dies_of_crashes else 0
        least = 1 if kind.type == "lines" and dies_of_crashes else kind.runs
        # And one whose time is over need not have come so far as to say that it runs.
        is_timed = kind.kind == "timeout" and runs < kind.runs
        if said.state != kind.state or not is_timed and not least <= runs <= kind.runs + along:
            yield told
        elif kind.state == pb.STATE_DEAD and (said.failure.kind != kind.kind or kind.message not in said.failure.message):
            yield told
        elif kind.state == pb.STATE_DEAD and kind.runs > 1 and said.errors + said.crashes != kind.runs + along:
            yield told

    def close(self):
        self.peer.close()
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.broker.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=int(os.environ.get("WEFT_POISON", "3")))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    options = parser.parse_args()
    print(f"--seed {options.seed}", flush=True)
    folder = tempfile.mkdtemp(prefix="weft-poison-")
    run = Run(folder, options)
    try:
        run.submit()
        run.wait()
        run.judge()
    except Failed as fault:
        print(f"FAILED: {fault}\neverything is in {folder}")
        return 1
    finally:
        run.close()
    shutil.rmtree(folder)
    print(f"{options.each} of each of {len(KINDS)} kinds: {', '.join(KINDS)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
