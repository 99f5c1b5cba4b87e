#!/usr/bin/python3
"""The k-th allocation of a program fails, or its k-th call to the disk, for every k: while it starts, and while it works.
It refuses that one thing or ends and says why; whatever it had acknowledged is there afterwards.

    faults.py [--sample N] [--only WORD] [--seed S]
    faults.py --sweep NAME [--from K] [--count N]

A sample of each sweep is run, or of those with WORD: N places of it (WEFT_FAULT_SAMPLE), drawn by --seed. --sweep goes through
one in order, from its K-th call on, and tells when there are no more. WEFT_BIN names the program, WEFT_BUILD its build directory.
"""

import argparse
import collections
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))
import lib_broker  # noqa: E402  (found through the line above)
from lib_broker import Broker, Peer, fresh_id, pb  # noqa: E402
from lib_faults import DISK, MEMORY, SWEEPS, Faults, fault_of_end  # noqa: E402
from lib_place import free_port  # noqa: E402

PATIENCE_S = 60
REPEAT_S = 1.0  # a question that was not answered
WEFT = os.environ["WEFT_BIN"]
HOST = os.path.join(os.environ["WEFT_BUILD"], "tests", "host")


class Found(Exception):
    """A call has failed, and this is what was wrong with the rest."""


class Gone(Exception):
    """The program under test has ended."""


class Process:
    """The program whose call fails. What it says goes to a file."""

    def __init__(self, command, env, log):
        self.log = log
        with open(log, "wb") as file:
            # Whose calls fail goes by the name weft.
            self.process = subprocess.Popen(["weft", *command[1:]], executable=command[0], env={**os.environ, **env},
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=file)

    def is_gone(self):
        return self.process.poll() is not None

    def first_line(self):
        """The ready line; empty when it ended before."""
        return self.process.stdout.readline().decode()

    def end(self, how="kill"):
        if not self.is_gone():
            getattr(self.process, how)()
        self.process.wait(PATIENCE_S)
        self.process.stdout.close()

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()


class Caller:
    """A peer of a broker that may end or forget while it is asked; a question is repeated, as peers do."""

    def __init__(self, zmq, process, role=None, worker_id=b""):
        self.process = process
        self.peer = Peer(zmq, role=role, worker_id=worker_id, hello=False)
        self.repeats = 0
        self.ask(pb.Hello(role=self.peer.role, name="faults", worker_id=worker_id, session=self.peer.session))

    def ask(self, body, block=b""):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            corr = self.peer.send(body, block)
            got = self._answer(corr)
            if got is not None:
                return getattr(got, got.WhichOneof("body"))
            self.repeats += 1
        raise Found("a question was not answered")

    def _answer(self, corr):
        until = time.monotonic() + REPEAT_S
        while time.monotonic() < until:
            if self.process is not None and self.process.is_gone():
                raise Gone()
            try:
                got = self.peer.receive(0.05)
            except AssertionError as odd:
                raise Found(f"a message that is none: {odd}") from odd
            if got is None:
                continue
            if got[0].corr == corr:
                return got[0]
            self.peer.unasked.append(got)
        return None

    def close(self):
        self.peer.close()


def finish_of(job, outcome):
    return pb.Finish(jobs=[pb.FinishJob(job_id=job.job_id, token=job.token, outcome=outcome)])


class BrokerSubject:
    """A client, a worker and a reader of figures at the broker under test; its store is kept from fault to fault."""

    def __init__(self, place):
        self.place, self.zmq = place, f"tcp://127.0.0.1:{free_port()}"
        self.data = os.path.join(place, "broker")
        self.acked = {}  # id -> the state that was acknowledged last

    def command(self):
        return [WEFT, "broker", "--zmq", self.zmq, "--pub", "tcp://127.0.0.1:0", "--data", self.data, "--metrics", "127.0.0.1:0"]

    def begin(self, env):
        return Process(self.command(), env, os.path.join(self.place, "broker.log"))

    def work(self, process, ready):
        words = dict(word.split("=", 1) for word in ready.split()[1:] if "=" in word)
        client = Caller(self.zmq, process)
        worker = Caller(self.zmq, process, role=pb.ROLE_WORKER, worker_id=uuid.uuid4().bytes)
        try:
            self._converse(client, worker)
            urllib.request.urlopen(words["metrics"], timeout=PATIENCE_S).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            pass  # figures may be missing once
        finally:
            client.close()
            worker.close()

    def _converse(self, client, worker):
        for _ in range(2):
            job, payload = fresh_id(), b'{"n":1}'
            body = pb.Submit()
            made = body.jobs.add(job_id=job, type="fault", queue="default")
            made.payload.CopyFrom(pb.Part(offset=0, length=len(payload), content=pb.CONTENT_JSON))
            answer = client.ask(body, payload)
            if isinstance(answer, pb.Submitted) and answer.jobs[0].error == 0:
                self.acked[job] = pb.STATE_QUEUED
        worker.peer.send(pb.Ready(types=["fault"], slots=2))
        for job, outcome, state in zip(self._take(worker), (pb.OUTCOME_SUCCEEDED, pb.OUTCOME_DEAD),
                                       (pb.STATE_SUCCEEDED, pb.STATE_DEAD)):
            answer = worker.ask(finish_of(job, outcome))
            if isinstance(answer, pb.Finished) and answer.jobs[0].error == 0:
                self.acked[job.job_id] = state
            client.ask(pb.Status(job_id=job.job_id))

    @staticmethod
    def _take(worker):
        """The jobs that come within a while: none may."""
        jobs, until = [], time.monotonic() + REPEAT_S
        while len(jobs) < 2 and time.monotonic() < until:
            if worker.process.is_gone():
                raise Gone()
            got = worker.peer.receive(0.05)
            if got is not None and got[0].WhichOneof("body") == "jobs":
                jobs += got[0].jobs.jobs
        return jobs

    def judge(self):
        """By a broker in which nothing fails."""
        broker = Broker(self.data)
        try:
            if not broker.is_ready:
                raise Found("the broker does not start afterwards:\n" + broker.stderr())
            peer = Peer(broker.zmq)
            for job, state in self.acked.items():
                said = peer.status(job)
                if said.error or state != pb.STATE_QUEUED and said.state != state:
                    raise Found(f"{uuid.UUID(bytes=job)} was {pb.State.Name(state)} and is {said}")
            peer.close()
            for name in ("weft_conservation_difference", "weft_store_violations_total", "weft_store_damaged_total"):
                if broker.metric(name) != 0:
                    raise Found(f"{name} is {broker.metric(name)}")
        finally:
            broker.close()
        # What is finished is looked at once; the rest stays.
        self.acked = {job: state for job, state in self.acked.items() if state == pb.STATE_QUEUED}


class BesideBroker:
    """Another program under test, at a broker in which nothing fails."""

    def __init__(self, place):
        self.place, self.zmq = place, f"tcp://127.0.0.1:{free_port()}"
        self.broker = Broker(os.path.join(place, "broker"), zmq=self.zmq)
        if not self.broker.is_ready:
            raise Found(self.broker.stderr())
        self.caller = Caller(self.zmq, None)
        self.acked = set()

    def begin(self, env):
        return Process(self.command(), env, os.path.join(self.place, "subject.log"))

    def judge(self):
        for job in self.acked:
            if self.caller.peer.status(job).error:
                raise Found(f"{uuid.UUID(bytes=job)} was acknowledged and is not there")
        self.acked.clear()

    def close(self):
        self.caller.close()
        self.broker.close()


class GatewaySubject(BesideBroker):
    def __init__(self, place):
        super().__init__(place)
        self.http = f"127.0.0.1:{free_port()}"
        self.keys = 0

    def command(self):
        return [WEFT, "gateway", "--http", self.http, "--broker", self.zmq, "--data", os.path.join(self.place, "gateway")]

    def _ask(self, process, method, path, body=None, **headers):
        """(status, text), or None when it is unknown."""
        if process.is_gone():
            raise Gone()
        request = urllib.request.Request(f"http://{self.http}{path}", body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()
        except OSError:
            return None

    def work(self, process, ready):
        self.keys += 1
        submit = {"Content-Type": "application/json", "Idempotency-Key": f"key-{self.keys}"}
        end = time.monotonic() + PATIENCE_S
        while (got := self._ask(process, "POST", "/v1/jobs", b'{"type":"fault","payload":{"n":1}}', **submit)) is None or got[0] != 202:
            if got is not None and got[0] not in (500, 503, 504):
                raise Found(f"a good job was refused: {got}")
            if time.monotonic() > end:
                raise Found(f"a good job was refused for ever: {got}")
        job = json.loads(got[1])["job_id"]
        self.acked.add(uuid.UUID(job).bytes)
        self._ask(process, "GET", f"/v1/jobs/{job}")
        self._ask(process, "GET", "/v1/jobs?limit=2")
        got = self._ask(process, "POST", "/v1/batches", b'{"type":"fault"}\n{"type":"fault"}\n', **{"Content-Type": "application/x-ndjson"})
        if got is not None and got[0] == 202:
            self._ask(process, "GET", f"/v1/batches/{json.loads(got[1])['batch_id']}")


class WorkerSubject(BesideBroker):
    """A handler for each job; when the worker has ended, another one on its data goes on."""

    def command(self):
        return [WEFT, "worker", "fault", "--name", "fault", "--broker", self.zmq, "--data", os.path.join(self.place, "worker"), "--", "cat"]

    def _submit(self):
        job = fresh_id()
        body = pb.Submit()
        made = body.jobs.add(job_id=job, type="fault", queue="default")
        made.payload.CopyFrom(pb.Part(offset=0, length=3, content=pb.CONTENT_JSON))
        if self.caller.ask(body, b"[1]").jobs[0].error:
            raise Found("a good job was refused")
        self.acked.add(job)

    def _open(self):
        said = [self.caller.peer.status(job) for job in self.acked]
        return "\n".join(str(one) for one in said if one.state != pb.STATE_SUCCEEDED)

    def _are_done(self):
        return all(self.caller.peer.status(job).state == pb.STATE_SUCCEEDED for job in self.acked)

    def work(self, process, ready):
        self._submit()
        self._submit()
        end = time.monotonic() + PATIENCE_S
        while not self._are_done():
            if process.is_gone():
                raise Gone()
            if time.monotonic() > end:
                raise Found(f"jobs were not done:\n{self._open()}\n{process.said()}")
            time.sleep(0.01)

    def judge(self):
        if not self._are_done():
            other = self.begin({})
            try:
                if not other.first_line():
                    raise Found("the worker does not start afterwards:\n" + other.said())
                self.work(other, "")
            finally:
                other.end()
        super().judge()


class CommandSubject(BesideBroker):
    """`weft push`: what it prints as stored is."""

    def command(self):
        return [WEFT, "push", "fault", '{"n":1}', "--broker", self.zmq]

    def work(self, process, ready):
        process.process.wait(PATIENCE_S)
        words = [word for word in ready.split()[:1] if re.fullmatch(r"[0-9a-f-]{36}", word)]  # OpenPGM speaks here, too
        if words:
            self.acked.add(uuid.UUID(words[0]).bytes)
        if not words and process.process.returncode == 0:
            raise Found("nothing was said, and it ended well")
        raise Gone()


class HostWorkerSubject(WorkerSubject):
    """A worker made with libweft (host.c)."""

    def command(self):
        return [HOST, "worker", self.zmq, os.path.join(self.place, "worker")]


class HostClientSubject(CommandSubject):
    """A client made with libweft."""

    def command(self):
        return [HOST, "client", self.zmq]


SUBJECTS = {"broker": BrokerSubject, "gateway": GatewaySubject, "worker": WorkerSubject, "command": CommandSubject,
            "hostworker": HostWorkerSubject, "hostclient": HostClientSubject}


class Sweep:
    """As its name says."""

    def __init__(self, name):
        self.subject = SUBJECTS[name.split("-")[0]]
        self.kind = MEMORY if "-memory" in name else DISK
        self.is_brief = issubclass(self.subject, CommandSubject)
        self.is_start = name.endswith("-start") or self.is_brief


# Their first calls are always among the sample: what was found there has been mended.
FOUND = {"worker-memory": 6}


class Run:
    def __init__(self, sweep, place):
        self.sweep, self.subject = sweep, sweep.subject(place)
        self.faults = Faults(os.path.join(place, "faults"))
        self.outcomes = collections.Counter()

    def close(self):
        if hasattr(self.subject, "close"):
            self.subject.close()

    def once(self, k):
        """Whether a call has failed; `k` 0: none is to."""
        self.faults.arm(self.sweep.kind, k)
        if not self.sweep.is_start:
            self.faults.disarm()
        process = self.subject.begin(self.faults.env)
        try:
            return self._once(process, k)
        finally:
            process.end()

    def _once(self, process, k):
        try:
            ready = process.first_line()
            if not self.sweep.is_start:
                self.faults.arm(self.sweep.kind, k)
            if ready or self.sweep.is_brief:
                self.subject.work(process, ready)
        except Gone:
            pass
        calls, has_hit = self.faults.calls, self.faults.has_hit
        if calls == 0:
            raise Found("no call was counted: the run would show nothing")
        self.faults.disarm()
        has_ended = process.is_gone() or not ready
        code = process.process.wait(PATIENCE_S) if has_ended else 0
        process.end()
        self._judge(process, code, has_hit)
        self.outcomes["ended" if has_ended and code != 0 else "went on"] += has_hit
        return calls, has_hit

    def _judge(self, process, code, has_hit):
        fault = fault_of_end(self.sweep.kind, code, process.said())
        if fault is not None and (has_hit or code != 0):
            raise Found(f"{fault}:\n{process.said()[-6000:]}")
        self.subject.judge()


def sweep_through(name, first, count, step=None):
    """(places tried, whether there are no more, how they ended); `step`: how far to the next, or at random."""
    with tempfile.TemporaryDirectory(prefix="weft-faults-") as place:
        run = Run(Sweep(name), place)
        k = first
        tried = 0
        try:
            while tried < count:
                _, has_hit = run.once(k)
                if not has_hit:
                    return tried, True, run.outcomes
                tried, k = tried + 1, k + (step or 1)
            return tried, False, run.outcomes
        except Found as found:
            raise Found(f"{name}, call {k}: {found}") from found
        finally:
            run.close()


def measure(name):
    with tempfile.TemporaryDirectory(prefix="weft-faults-") as place:
        run = Run(Sweep(name), place)
        try:
            return run.once(0)[0]
        finally:
            run.close()


def sample(names, count, seed):
    total = collections.Counter()
    for name in names:
        calls = measure(name)
        step = max(1, calls // count)
        first = 1 + random.Random(f"{seed} {name}").randrange(step)
        known, _, outcomes = sweep_through(name, 1, FOUND.get(name, 0))
        tried, _, more = sweep_through(name, first, count, step)
        tried, outcomes = tried + known, outcomes + more
        total.update(outcomes)
        print(f"{name:<22} {calls:>6,} calls, {tried} of them failed: " +
              ", ".join(f"{number} {what}" for what, number in sorted(outcomes.items())), flush=True)
    print(f"{sum(total.values())} places: {total['went on']} went on, {total['ended']} ended and said why")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=int(os.environ.get("WEFT_FAULT_SAMPLE", "1")))
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", default="")
    parser.add_argument("--sweep", choices=SWEEPS)
    parser.add_argument("--from", type=int, default=1, dest="first")
    parser.add_argument("--count", type=int, default=100)
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 31) if options.seed is None else options.seed
    lib_broker.PATIENCE_S = PATIENCE_S
    try:
        if options.sweep:
            tried, is_over, outcomes = sweep_through(options.sweep, options.first, options.count)
            print(f"{tried} places: {outcomes['went on']} went on, {outcomes['ended']} ended; {'no' if is_over else 'there are'} more")
        else:
            print(f"--seed {seed}", flush=True)
            sample([name for name in SWEEPS if options.only in name], options.sample, seed)
    except Found as found:
        print(f"FAILED: {found}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
