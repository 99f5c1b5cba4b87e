#!/usr/bin/python3
"""A day of reconnects in some minutes: the connections of a real `weft worker` are cut again and again, its broker
is killed with -9 and started again, the worker is stopped for longer than its lease. After each blow a job goes
through; in the end every job has succeeded, and the worker holds no more descriptors and memory than it did early.
Each time that a job went back is counted by the reason in its timeline, and must have one of those that blows have.

    reconnects.py [--minutes M] [--seed S]

Ends with 1 when a job is lost or ends otherwise, or when the worker has grown.
"""

import argparse
import collections
import os
import random
import signal
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
from lib_broker import Broker, Peer, fresh_id, pb  # noqa: E402
from lib_link import Link  # noqa: E402
from lib_worker import Worker  # noqa: E402

LEASE_S = 2
BLOWS = ["cut"] * 95 + ["kill"] * 4 + ["stop"]
WARM_BLOWS = 100  # by then caches are full
DESCRIPTORS_MORE_MAX, MIB_MORE_MAX = 8, 16
PATIENCE_S = 60
# What a cut, a kill or a stop does to jobs in hand or on their way: they go back, most at no cost.
BACK = {
    "the worker's connection lost it": "were lost on the way with their connection",
    "it never left the broker": "never left the broker",
    "the lease passed without a word": "had a lease that passed",
    "the lease passed after a start of the broker": "had a lease that passed after a start of the broker",
    "the worker came back without it after a start of the broker": "were granted by a broker that died",
}


class Run:
    def __init__(self, folder, seed):
        self.folder, self.random = folder, random.Random(seed)
        self.broker = self.start_broker("tcp://127.0.0.1:0")
        self.link = Link(int(self.broker.zmq.rsplit(":", 1)[1]))
        os.makedirs(f"{folder}/worker")
        self.worker = Worker(self.link.endpoint, f"{folder}/worker", ["cat"], ["-c", "4", "--log-level", "error"])
        self.client = Peer(self.broker.zmq)
        self.jobs, self.counts, self.back = [], collections.Counter(), collections.Counter()

    def start_broker(self, endpoint):
        return Broker(f"{self.folder}/broker", "--lease", f"{LEASE_S}s", "--renew", "200ms", zmq=endpoint)

    def kill(self):
        endpoint = self.broker.zmq
        self.broker.close()
        self.client.close()
        self.broker = self.start_broker(endpoint)
        self.client = Peer(endpoint)

    def stop(self):
        """Longer than a lease: what it holds is given away, or to itself again when it is back."""
        self.worker.signal(signal.SIGSTOP)
        time.sleep(1.5 * LEASE_S)
        self.worker.signal(signal.SIGCONT)

    def submit(self, count):
        ids = [fresh_id() for _ in range(count)]
        answers = self.client.submit(*({"job_id": job_id, "payload": job_id} for job_id in ids))
        assert {answer.error for answer in answers} == {0}, answers
        self.jobs += ids
        return ids

    def wait_for(self, job_id):
        end, version, status = time.monotonic() + PATIENCE_S, 0, None
        while status is None or status.state < pb.STATE_SUCCEEDED:
            if time.monotonic() > end:
                raise AssertionError(f"a job is not done after {PATIENCE_S} s\n{self.worker.stderr()}")
            status = self.client.status(job_id, wait_ms=1000, version=version)
            version = status.version
        assert (status.state, status.errors) == (pb.STATE_SUCCEEDED, 0), status
        return status

    def judge(self, job_id):
        """Once for each job, when all is over."""
        status = self.wait_for(job_id)
        timeline = self.client.ask(pb.Timeline(job_id=job_id))
        reasons = [event.reason or event.failure.message or str(event) for event in timeline.events
                   if event.event in ("return", "fail")]
        self.back.update(reasons)
        assert timeline.dropped or len(reasons) == status.crashes + status.interruptions, (status, timeline)
        self.counts["crashes"] += status.crashes
        self.counts["interruptions"] += status.interruptions

    def blow(self):
        kind = self.random.choice(BLOWS)
        self.submit(self.random.randint(1, 4))
        time.sleep(self.random.uniform(0, 0.02))  # somewhere in the middle of it
        {"cut": self.link.cut, "kill": self.kill, "stop": self.stop}[kind]()
        self.counts[kind] += 1
        self.wait_for(self.submit(1)[0])

    def size(self):
        pid = self.worker.process.pid
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20
        return len(os.listdir(f"/proc/{pid}/fd")), resident

    def close(self):
        self.client.close()
        self.worker.close()
        self.broker.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    end, blows, early = time.monotonic() + 60 * options.minutes, 0, None
    with tempfile.TemporaryDirectory(prefix="weft-reconnects-") as folder:
        run = Run(folder, options.seed)
        try:
            while time.monotonic() < end or early is None:
                run.blow()
                blows += 1
                early = run.size() if blows == WARM_BLOWS else early
            for job_id in run.jobs:
                run.judge(job_id)
            late = run.size()
        finally:
            run.close()
    print(f"{blows} reconnects, {run.counts['kill']} of them kills of the broker, {run.counts['stop']} stops of the worker; "
          f"{len(run.jobs)} jobs succeeded with {run.counts['crashes']} crashes and "
          f"{run.counts['interruptions']} interruptions; descriptors {early[0]} then {late[0]}, MiB {early[1]} then {late[1]}")
    print("went back: " + ", ".join(f"{count} {BACK.get(reason, repr(reason))}" for reason, count in run.back.most_common()))
    has_grown = late[0] > early[0] + DESCRIPTORS_MORE_MAX or late[1] > early[1] + MIB_MORE_MAX
    return 1 if has_grown or set(run.back) - set(BACK) else 0


if __name__ == "__main__":
    sys.exit(main())
