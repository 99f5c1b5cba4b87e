"""A broker under test and peers that speak its protocol, for the tests of this folder.

WEFT_BIN names the program. Everything waits for events with a deadline far beyond what is usual.
"""

import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
import uuid

import zmq

from lib_port import held_port

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE_S = 60
VERSION = b"WEFT/1"
DIES_WITH_TEST = ("setpriv", "--pdeathsig", "KILL", "--")  # however the test ends


def _contract():
    """The messages of proto/weft.proto, generated for this run."""
    folder = tempfile.mkdtemp(prefix="weft-proto-")
    try:
        subprocess.run(["protoc", f"--proto_path={ROOT}/proto", f"--python_out={folder}", "weft.proto"],
                       check=True)
        sys.path.insert(0, folder)
        import weft_pb2
        return weft_pb2
    finally:
        sys.path.remove(folder)
        shutil.rmtree(folder)


pb = _contract()


def _errors():
    """Wire numbers by name, from the one table."""
    import re
    with open(f"{ROOT}/lib/base/err.h", encoding="utf-8") as table:
        return {name: int(number) for name, number in re.findall(r"X\((\w+),\s*(\d+),", table.read())}


ERR = _errors()


def fresh_id(at_ms=None):
    """A UUID of version 7."""
    at_ms = int(time.time() * 1000) if at_ms is None else at_ms
    raw = bytearray(at_ms.to_bytes(6, "big") + os.urandom(10))
    raw[6] = 0x70 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    return bytes(raw)


class Broker:
    """`weft broker` in a process of its own, on free ports."""

    def __init__(self, data, *flags, env=None, before=(), zmq=None):
        """`before`: words in front of the command, a program that becomes it in the end."""
        zmq = zmq or f"tcp://127.0.0.1:{held_port()}"
        self.data = data
        self.log = tempfile.TemporaryFile()
        command = [*DIES_WITH_TEST, *before, os.environ["WEFT_BIN"], "broker", "--zmq", zmq, "--pub",
                   "tcp://127.0.0.1:0", "--metrics", "127.0.0.1:0", "--data", data, *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log,
                                        env={**os.environ, **(env or {})})
        try:
            self.ready = self._first_line()
        except AssertionError:
            self.close()
            raise
        words = dict(word.split("=", 1) for word in self.ready.split()[1:])
        self.zmq, self.pub, self.metrics_url = (words.get(k) for k in ("zmq", "pub", "metrics"))

    def _first_line(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(PATIENCE_S):
                raise AssertionError("the broker said nothing:\n" + self.stderr())
        return self.process.stdout.readline().decode()

    @property
    def is_ready(self):
        return self.ready.startswith("ready ")

    def stderr(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE_S)

    def stop(self):
        """Asks it to stop and returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        self.log.close()

    def get(self, path="/metrics"):
        base = self.metrics_url.rsplit("/", 1)[0]
        with urllib.request.urlopen(base + path, timeout=PATIENCE_S) as answer:
            return answer.read().decode()

    def metric(self, name):
        if (value := self._figure(name)) is None:
            raise AssertionError(f"no metric {name}")
        return value

    def _figure(self, name):
        for line in self.get().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
        return None

    def wait_for_metric(self, name, value):
        """Figures are copied a few times a second, so a fresh one, or a new one, may take a moment."""
        end = time.monotonic() + PATIENCE_S
        while (seen := self._figure(name)) != value:
            if time.monotonic() > end:
                raise AssertionError(f"{name} is {seen}, not {value}")
            time.sleep(0.01)


class Peer:
    """A DEALER with a role. `part` values of a message are given as bytes."""

    def __init__(self, endpoint, role=None, worker_id=b"", hello=True, running=(), tenant="", key=None, route=None):
        """`key`: of lib_keys.py; without one in the clear. `route`: a routing id of its own."""
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        if key is not None:
            self.socket.curve_publickey, self.socket.curve_secretkey = key.public, key.secret
            self.socket.curve_serverkey = key.server
        if route is not None:
            self.socket.setsockopt(zmq.ROUTING_ID, route)
        self.socket.connect(endpoint)
        self.role = pb.ROLE_CLIENT if role is None else role
        self.worker_id = worker_id
        self.tenant = tenant  # named in HELLO
        self.session = int.from_bytes(os.urandom(8), "big")
        self.corr = 0
        self.unasked = []  # messages that answered nothing: JOBS, BYE
        self.welcome = self.say_hello(running) if hello else None

    def close(self):
        self.socket.close()

    def send(self, body, block=b"", corr=None, tenant=""):
        """`body` is one message of the envelope's oneof. Returns the corr."""
        if corr is None:
            self.corr += 1
            corr = self.corr
        envelope = pb.Envelope(corr=corr, tenant=tenant)
        field = next(f for f in envelope.DESCRIPTOR.oneofs[0].fields
                     if f.message_type == body.DESCRIPTOR)
        getattr(envelope, field.name).CopyFrom(body)
        self.socket.send_multipart([VERSION, envelope.SerializeToString(), block])
        return corr

    def receive(self, patience_s=PATIENCE_S):
        """The next (envelope, block), or None in time."""
        if not self.socket.poll(patience_s * 1000):
            return None
        frames = self.socket.recv_multipart()
        assert len(frames) == 3 and frames[0] == VERSION, frames
        return pb.Envelope.FromString(frames[1]), frames[2]

    def answer(self, corr):
        """Waits for the answer to `corr`; what comes before and answers nothing is kept."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            got = self.receive(max(0, end - time.monotonic()))
            if got is None:
                break
            if got[0].corr == corr:
                return got
            self.unasked.append(got)
        raise AssertionError("no answer")

    def ask(self, body, block=b"", tenant=""):
        envelope, block = self.answer(self.send(body, block, tenant=tenant))
        return getattr(envelope, envelope.WhichOneof("body"))

    def say_hello(self, running=()):
        return self.ask(pb.Hello(role=self.role, name="test", worker_id=self.worker_id,
                                 session=self.session, running=running), tenant=self.tenant)

    def submit(self, *jobs):
        """Jobs are SubmitJob messages or dicts of their fields, `payload` given as bytes."""
        body, block = pb.Submit(), b""
        for job in jobs:
            fields = dict(job)
            payload, content = fields.pop("payload", b""), fields.pop("content", pb.CONTENT_BYTES)
            made = body.jobs.add(type="test", queue="default")
            for name, value in fields.items():
                if isinstance(value, list):
                    getattr(made, name).extend(value)
                elif isinstance(value, (pb.Labels, pb.Webhook)):
                    getattr(made, name).CopyFrom(value)
                else:
                    setattr(made, name, value)
            if payload:
                made.payload.CopyFrom(pb.Part(offset=len(block), length=len(payload), content=content))
                block += payload
        answer = self.ask(body, block)
        return list(answer.jobs) if isinstance(answer, pb.Submitted) else answer

    def status(self, job_id, wait_ms=0, version=0):
        return self.ask(pb.Status(job_id=job_id, wait_ms=wait_ms, version=version))

    # --- workers ---

    def serve(self, *types, slots=1):
        self.send(pb.Ready(types=types or ["test"], slots=slots))

    def take_jobs(self, count):
        """The next `count` jobs as (Job, payload)."""
        jobs = []
        waiting, self.unasked = self.unasked, []
        while len(jobs) < count:
            got = waiting.pop(0) if waiting else self.receive()
            assert got is not None, f"{len(jobs)} of {count} jobs came"
            envelope, block = got
            if envelope.WhichOneof("body") == "jobs":
                for job in envelope.jobs.jobs:
                    part = job.payload
                    jobs.append((job, block[part.offset:part.offset + part.length]))
            else:
                self.unasked.append(got)
        self.unasked += waiting
        return jobs

    def finish(self, job, outcome=None, result=b"", content=pb.CONTENT_TEXT, **fields):
        outcome = pb.OUTCOME_SUCCEEDED if outcome is None else outcome
        done = pb.FinishJob(job_id=job.job_id, token=job.token, outcome=outcome, **fields)
        if result:
            done.result.CopyFrom(pb.Part(offset=0, length=len(result), content=content))
        return self.ask(pb.Finish(jobs=[done]), result).jobs[0]


class BrokerTest(unittest.TestCase):
    """Each test has a data directory and brokers that end with it."""

    def setUp(self):
        self.data = tempfile.mkdtemp(prefix="weft-test-")
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)

    def broker(self, *flags, **options):
        broker = Broker(os.path.join(self.data, "broker"), *flags, **options)
        self.addCleanup(broker.close)
        if not broker.is_ready:
            raise AssertionError("not ready:\n" + broker.stderr())
        return broker

    def peer(self, broker, **options):
        peer = Peer(broker.zmq, **options)
        self.addCleanup(peer.close)
        return peer

    def worker(self, broker, *types, slots=1, **options):
        options.setdefault("worker_id", uuid.uuid4().bytes)
        peer = self.peer(broker, role=pb.ROLE_WORKER, **options)
        peer.serve(*types, slots=slots)
        return peer
