"""A worker under test and a broker that is played by the test, so that it can be late, forgetful or
wrong at will.

WEFT_BIN names the program. Everything waits for events with a deadline far beyond what is usual.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import zmq

from lib_broker import ERR, PATIENCE_S, VERSION, fresh_id, pb
from lib_port import held_port


def bind_again(sock, endpoint):
    """The context's thread closes an old socket when it gets round to it; until then its address is
    in use, and there is no event to wait for."""
    end = time.monotonic() + 20
    while True:
        try:
            return sock.bind(endpoint)
        except zmq.ZMQError as error:
            if error.errno != zmq.EADDRINUSE or time.monotonic() > end:
                raise
            time.sleep(0.01)


def wait_for(what, claim):
    end = time.monotonic() + PATIENCE_S
    while not claim():
        if time.monotonic() > end:
            raise AssertionError(f"in vain: {what}")
        time.sleep(0.01)


class Grant:
    """What the fake broker knows of one job it gave away."""

    def __init__(self, job_id, token, generation):
        self.job_id, self.token, self.generation = job_id, token, generation

    @property
    def held(self):
        return pb.Held(job_id=self.job_id, token=self.token)


class FakeBroker:
    """A ROUTER that answers what a worker asks. `forgets` names kinds that it does not answer."""

    def __init__(self, renew_ms=200):
        self.socket = None
        self.endpoint = f"tcp://127.0.0.1:{held_port()}"
        self.open()
        self.renew_ms = renew_ms
        self.lineage = 1
        self.worker = None       # routing id of the last HELLO
        self.parted = set()      # routing ids that have said BYE since
        self.ready = set()       # routing ids that have said READY
        self.heard = []          # (kind, message, block) of everything, in order
        self.outcomes = {}       # (job id, token) -> [(FinishJob, result bytes), …]
        self.verdicts = {}       # (job id, token) -> error number of the answer
        self.lost = []           # Held to be told as lost with the next RENEWED
        self.cancels = []        # Held to be told as cancelled with every RENEWED
        self.lost_at_hello = []
        self.forgets = set()
        self.held = {}           # (job id, token) of grants that are not finished
        self.slots = 0
        self.tokens = 0

    def open(self):
        """Binds, the second time to the same port; what is known of jobs stays."""
        self.socket = zmq.Context.instance().socket(zmq.ROUTER)
        self.socket.setsockopt(zmq.LINGER, 0)
        bind_again(self.socket, self.endpoint)

    def close(self):
        self.socket.close()

    def send(self, body, corr=0, block=b""):
        envelope = pb.Envelope(corr=corr)
        name = next(f.name for f in envelope.DESCRIPTOR.fields if f.message_type is body.DESCRIPTOR)
        getattr(envelope, name).CopyFrom(body)
        self.socket.send_multipart([self.worker, VERSION, envelope.SerializeToString(), block])

    def grant(self, payload=b"", content=None, job_id=None, generation=1, timeout_ms=60000, **fields):
        self.tokens += 1
        grant = Grant(job_id or fresh_id(), self.tokens, generation)
        if content is None:
            content = pb.CONTENT_BYTES if payload else pb.CONTENT_NONE
        job = pb.Job(job_id=grant.job_id, token=grant.token, generation=generation, attempt=1,
                     timeout_ms=timeout_ms, type="test", queue="default",
                     payload=pb.Part(offset=0, length=len(payload), content=content))
        for name, value in fields.items():
            if isinstance(value, pb.Labels):
                getattr(job, name).CopyFrom(value)
            elif isinstance(value, list):
                getattr(job, name).extend(value)
            else:
                setattr(job, name, value)
        self.held[(grant.job_id, grant.token)] = job
        self.send(pb.Jobs(jobs=[job]), block=payload)
        return grant

    def cancel(self, grant):
        """Said at once, unasked, and with every RENEWED from now on."""
        self.cancels.append(grant.held)
        self.send(pb.Renewed(cancel=[grant.held]))

    def _finish(self, body, block, corr):
        answers = []
        for job in body.jobs:
            key = (job.job_id, job.token)
            part = job.result
            result = block[part.offset:part.offset + part.length]
            self.outcomes.setdefault(key, []).append((job, result))
            answers.append(pb.FinishedJob(job_id=job.job_id, token=job.token,
                                          error=self.verdicts.get(key, 0)))
            if "finish" not in self.forgets:
                self.held.pop(key, None)
        if "finish" not in self.forgets:
            self.send(pb.Finished(jobs=answers), corr)

    def _hear(self, route, envelope, block):
        kind = envelope.WhichOneof("body")
        body = getattr(envelope, kind)
        self.heard.append((kind, body, block))
        if kind == "hello":
            self.worker = route
            self.parted.discard(route)
            if kind not in self.forgets:
                self.send(pb.Welcome(broker="fake", lineage=self.lineage, epoch=1, lease_ms=30000,
                                     renew_ms=self.renew_ms, message_bytes_max=8 << 20,
                                     jobs_per_message_max=1024, lost=self.lost_at_hello),
                          envelope.corr)
        elif kind == "ready":
            self.slots = 0 if body.quiet else body.slots
            self.ready.add(route)
        elif kind == "bye":
            self.parted.add(route)
        elif kind == "renew" and route in self.parted:
            self.socket.send_multipart([route, VERSION, pb.Envelope(
                corr=envelope.corr, error=pb.Error(error=ERR["ERR_UNKNOWN_PEER"])).SerializeToString(), b""])
        elif kind == "renew" and kind not in self.forgets:
            lost, self.lost = self.lost, []
            self.send(pb.Renewed(lost=lost, cancel=self.cancels), envelope.corr)
        elif kind == "finish":
            self._finish(body, block, envelope.corr)

    def pump(self, timeout_ms=100):
        """Takes in one message; False when none came."""
        if not self.socket.poll(timeout_ms):
            return False
        route, version, envelope, block = self.socket.recv_multipart()
        assert version == VERSION
        self._hear(route, pb.Envelope.FromString(envelope), block)
        return True

    def until(self, what, claim):
        """Serves until `claim()` is true; returns what it said."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            answer = claim()
            if answer:
                return answer
            self.pump()
        raise AssertionError(f"in vain: {what}; heard {[kind for kind, _, _ in self.heard][-20:]}")

    def count(self, kind):
        return sum(1 for heard, _, _ in self.heard if heard == kind)

    def wait_next(self, kind):
        """The next message of this kind, from now on."""
        before = len(self.heard)
        return self.until(f"a {kind}", lambda: next(
            (body for heard, body, _ in self.heard[before:] if heard == kind), None))

    def outcome(self, grant):
        """The first FINISH of this grant: (FinishJob, result bytes)."""
        key = (grant.job_id, grant.token)
        return self.until("an outcome", lambda: self.outcomes.get(key))[0]


class Worker:
    """`weft worker test` in a process of its own."""

    def __init__(self, endpoint, data, program, flags=(), env=None):
        self.log = tempfile.TemporaryFile()
        self.stats_path = os.path.join(data, "stats.json")
        command = [os.environ["WEFT_BIN"], "worker", "test", "--broker", endpoint, "--data", data,
                   "--stats", self.stats_path, *flags, "--", *program]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log,
                                        env={**os.environ, **(env or {})})
        self.lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.decode())

    def stderr(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        return self.process.wait(PATIENCE_S)

    def stats(self):
        with open(self.stats_path, encoding="utf-8") as file:
            return json.load(file)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
        # The spawner has the pipe too, until it has killed what was left.
        self._reader.join(PATIENCE_S)
        self.process.stdout.close()
        self.log.close()


def is_alive(pid):
    """A zombie is dead."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class WorkerTest(unittest.TestCase):
    def setUp(self):
        self.data = tempfile.mkdtemp(prefix="weft-worker-")
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)
        self.broker = FakeBroker()
        self.addCleanup(self.broker.close)

    def start(self, *program, flags=(), env=None):
        """A worker that is READY at the fake broker. The last words of one before it may still be on
        their way, also a READY, so only a connection that is new counts."""
        before = self.broker.worker
        worker = Worker(self.broker.endpoint, self.data, program, flags, env)
        self.addCleanup(worker.close)
        try:
            self.broker.until("READY", lambda: self.broker.worker not in {before, None} and
                              self.broker.worker in self.broker.ready)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{worker.stderr()}") from error
        return worker

    def start_sh(self, script, **options):
        return self.start("sh", "-c", script, **options)

    def stop(self, worker):
        """Asks it to stop, serves it meanwhile, and returns its exit code."""
        worker.signal(signal.SIGTERM)
        return self.leave(worker)

    def leave(self, worker):
        return self.broker.until("the worker's end",
                                 lambda: [worker.process.poll()] if worker.process.poll() is not None
                                 else None)[0]

    def path(self, name):
        return os.path.join(self.data, name)

    def read_when_there(self, name):
        """The text of a file of the data directory, as soon as it has a whole line."""
        def claim():
            try:
                with open(self.path(name), encoding="utf-8") as file:
                    text = file.read()
                return text if text.endswith("\n") else None
            except FileNotFoundError:
                return None
        return self.broker.until(f"the file {name}", claim)

    def wait_dead(self, *pids):
        self.broker.until(f"the end of {pids}", lambda: not any(is_alive(pid) for pid in pids))


__all__ = ["ERR", "PATIENCE_S", "FakeBroker", "Grant", "Worker", "WorkerTest", "is_alive", "pb", "wait_for",
           "fresh_id"]
