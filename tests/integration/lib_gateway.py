"""A gateway under test, a broker that only pretends, and HTTP by hand, for gateway_*.py.

The pretended broker keeps jobs in a dictionary and can be told to be silent, to refuse, or to go
away. Everything waits for events with a deadline far beyond what is usual.
"""

import hashlib
import http.client
import json
import os
import selectors
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import zmq

from lib_broker import DIES_WITH_TEST, ERR, PATIENCE_S, VERSION, pb
from lib_port import held_port

TERMINAL = {pb.STATE_SUCCEEDED, pb.STATE_DEAD, pb.STATE_CANCELLED, pb.STATE_EXPIRED, pb.STATE_REMOVED}


def wait_for(what, question):
    """The first true answer of `question`."""
    until = time.monotonic() + PATIENCE_S
    while not (answer := question()):
        if time.monotonic() > until:
            raise AssertionError(f"{what}: not within {PATIENCE_S} s")
        time.sleep(0.005)
    return answer


class PretendedBroker:
    """Answers HELLO, SUBMIT, STATUS and BATCH_STATUS from memory."""

    def __init__(self, endpoint=None):
        self.lock = threading.RLock()
        self.jobs = {}       # id -> dict
        self.batches = {}    # id -> list of job ids
        self.bodies = {}     # id of a batch -> fingerprint
        self.sealed = set()  # ids of batches
        self.waiting = []    # STATUS that wait: (until, route, corr, body)
        self.submits = []    # how many jobs each message carried; what is said again, as after a second without an answer, counts once
        self.heard = []      # (kind, corr, jobs, bytes of payloads) of each message, and of what is said again
        self.asked = set()   # (route, corr) of submits
        self.known = set()
        self.is_silent = False
        self.spoken_to = set()  # corrs that are answered all the same
        self.refusal = None  # (error, retry_after_ms, detail)
        self.stopping = False
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.bind(endpoint or f"tcp://127.0.0.1:{held_port()}")
        self.endpoint = self.socket.last_endpoint.decode()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def close(self):
        self.stopping = True
        self.thread.join()
        self.socket.close()
        self.context.term()

    def _run(self):
        while not self.stopping:
            if self.socket.poll(5):
                frames = self.socket.recv_multipart()
                with self.lock:
                    self._take(frames)
            with self.lock:
                self._look_at_waiting()

    def _take(self, frames):
        route, version, envelope, block = frames
        assert version == VERSION
        ask = pb.Envelope.FromString(envelope)
        kind = ask.WhichOneof("body")
        answer = pb.Envelope(corr=ask.corr)
        self.heard.append((kind, ask.corr, len(ask.submit.jobs), len(block)))
        if kind == "hello":
            self.known.add(route)
            answer.welcome.CopyFrom(pb.Welcome(broker="pretended", lineage=1, epoch=1, lease_ms=30000,
                                               renew_ms=5000, message_bytes_max=8 << 20,
                                               jobs_per_message_max=1024))
        elif route not in self.known:
            answer.error.error = ERR["ERR_UNKNOWN_PEER"]
        elif self.is_silent and ask.corr not in self.spoken_to:
            return
        elif kind == "submit":
            if (route, ask.corr) not in self.asked:
                self.asked.add((route, ask.corr))
                self.submits.append(len(ask.submit.jobs))
            answer.submitted.jobs.extend(self._store(job, block) for job in ask.submit.jobs)
        elif kind == "batch_seal":
            self.sealed.add(ask.batch_seal.batch_id)
            answer = self._batch(pb.Envelope(corr=ask.corr, batch_status=pb.BatchStatus(batch_id=ask.batch_seal.batch_id)))[0]
        elif kind in ("status", "batch_status"):
            self.waiting.append((time.monotonic() + getattr(ask, kind).wait_ms / 1000, route, ask))
            return
        else:
            answer.error.error = ERR["ERR_UNSUPPORTED"]
        self._send(route, answer)

    def _send(self, route, answer, block=b""):
        self.socket.send_multipart([route, VERSION, answer.SerializeToString(), block])

    def _store(self, job, block):
        said = pb.SubmittedJob(job_id=job.job_id)
        if self.refusal is not None:
            said.error, said.retry_after_ms, said.detail = self.refusal
            return said
        body = self.bodies.setdefault(job.batch_id, job.batch_fingerprint) if job.batch_id else 0
        if body and job.batch_fingerprint not in (0, body):
            said.error, said.holder_id = ERR["ERR_KEY_REUSED"], job.batch_id
            return said
        payload = block[job.payload.offset:job.payload.offset + job.payload.length]
        same = (job.type, job.queue, payload, job.delay_ms, job.run_at_ms)
        known = self.jobs.get(job.job_id)
        if known is None:
            known = self.jobs[job.job_id] = {
                "id": job.job_id, "wire": job, "payload": payload, "same": same, "version": 1,
                "state": pb.STATE_SCHEDULED if job.delay_ms or job.run_at_ms else pb.STATE_QUEUED,
                "created": int(time.time() * 1000), "result": b"", "content": pb.CONTENT_NONE,
                "failure": None}
            if job.batch_id:
                self.batches.setdefault(job.batch_id, []).append(job.job_id)
        elif known["same"] != same:
            said.error = ERR["ERR_KEY_REUSED"]
            return said
        else:
            said.replayed = True
        said.state = known["state"]
        said.created_at_ms = known["created"]
        said.dedup_until_ms = known["created"] + 86400000 if job.key else 0
        return said

    def finish(self, job_id, result=b"", content=pb.CONTENT_JSON, state=pb.STATE_SUCCEEDED, failure=None):
        with self.lock:
            job = self.jobs[job_id]
            job.update(state=state, result=result, content=content, failure=failure,
                       version=job["version"] + 1)
            self._look_at_waiting()

    def _look_at_waiting(self):
        now = time.monotonic()
        left = []
        for until, route, ask in self.waiting:
            kind = ask.WhichOneof("body")
            answer, block, is_done = (self._status if kind == "status" else self._batch)(ask)
            if is_done or now >= until:
                self._send(route, answer, block)
            else:
                left.append((until, route, ask))
        self.waiting = left

    def _status(self, ask):
        answer = pb.Envelope(corr=ask.corr)
        said = answer.status_is
        said.job_id = ask.status.job_id
        job = self.jobs.get(ask.status.job_id)
        if job is None:
            said.error = ERR["ERR_NOT_FOUND"]
            return answer, b"", True
        wire = job["wire"]
        said.type, said.queue, said.state = wire.type, wire.queue or "default", job["state"]
        said.version, said.priority, said.attempt = job["version"], 4, 1
        said.created_at_ms = job["created"]
        said.batch_id = wire.batch_id
        said.result.length, said.result.content = len(job["result"]), job["content"]
        if job["failure"]:
            said.failure.kind, said.failure.message, said.failure.detail = job["failure"]
        is_done = job["version"] > ask.status.version or job["state"] in TERMINAL
        return answer, job["result"], is_done

    def _batch(self, ask):
        answer = pb.Envelope(corr=ask.corr)
        said = answer.batch_status_is
        said.batch_id = ask.batch_status.batch_id
        members = self.batches.get(ask.batch_status.batch_id)
        if members is None:
            said.error = ERR["ERR_NOT_FOUND"]
            return answer, b"", True
        counts = [0] * 10
        for member in members:
            counts[self.jobs[member]["state"]] += 1
        said.counts.extend(counts)
        said.version = 1 + sum(counts[state] for state in TERMINAL)
        said.created_at_ms = 1
        said.is_sealed = said.batch_id in self.sealed
        is_done = said.version > ask.batch_status.version or said.version == 1 + len(members)
        return answer, b"", is_done


def token_verb(*words, tokens, code=0):
    done = subprocess.run([os.environ["WEFT_BIN"], "token", *words, "--tokens", tokens], check=False,
                          capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == code, done
    return done


class Gateway:
    """`weft gateway` in a process of its own, on a free port."""

    def __init__(self, broker, *flags, data=None, env=None, http_address=None, before=()):
        """`before`: words in front of the command, a program that becomes it in the end."""
        self.holder = tempfile.TemporaryDirectory(prefix="weft-gateway-")
        self.data = data or os.path.join(self.holder.name, "data")
        self.log = tempfile.TemporaryFile()
        command = [*DIES_WITH_TEST, *before, os.environ["WEFT_BIN"], "gateway", "--http",
                   http_address or f"127.0.0.1:{held_port()}", "--broker", broker, "--data", self.data, *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log,
                                        env={**os.environ, **(env or {})})
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            line = self.process.stdout.readline().decode() if selector.select(PATIENCE_S) else "nothing"
        if not line.startswith(("ready http=http://", "ready http=https://")):
            text = self.stderr()
            self.drop()
            raise AssertionError(f"the gateway said {line!r}:\n" + text)
        host, port = line.strip().split("//")[1].split(":")
        self.address = (host, int(port))

    def stderr(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def drop(self):
        """Whatever has become of it, also when it is closed already."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()
        self.holder.cleanup()

    def close(self):
        """It must leave by itself, and well."""
        text = ""
        try:
            if self.process.poll() is None:
                self.process.terminate()
            code = self.process.wait(timeout=PATIENCE_S)
            text = self.stderr()
        finally:
            self.drop()
        assert code == 0, f"the gateway left with {code}:\n{text}"

    def token(self, name, *flags):
        """A new token of this gateway."""
        return token_verb("new", name, *flags, tokens=os.path.join(self.data, "tokens")).stdout.strip()

    def revoke(self, name, *flags):
        token_verb("revoke", name, *flags, tokens=os.path.join(self.data, "tokens"))

    def wait_ready(self):
        wait_for("the gateway is ready", lambda: self.ask("GET", "/readyz").body == b"ready\n")

    def ask(self, method, path, body=None, **headers):
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE_S + 60)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body=body, headers=named)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def submit(self, job, **headers):
        return self.ask("POST", "/v1/jobs", json.dumps(job), Content_Type="application/json", **headers)

    def raw(self, data, end=False):
        """Sends bytes, reads until the answer is whole or the connection ends; what was read."""
        with socket.create_connection(self.address, timeout=PATIENCE_S) as connection:
            try:
                connection.sendall(data)
                if end:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it has answered and closed before all was sent
            heard = b""
            while not is_whole(heard):
                try:
                    part = connection.recv(65536)
                except ConnectionResetError:
                    break
                if not part:
                    break
                heard += part
            return heard


class AtPretendedBroker(unittest.TestCase):
    """One gateway at one pretended broker for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.broker = PretendedBroker()
        cls.gateway = Gateway(cls.broker.endpoint)
        cls.gateway.wait_ready()

    @classmethod
    def tearDownClass(cls):
        cls.gateway.close()
        cls.broker.close()

    def tearDown(self):
        self.broker.refusal = None
        self.broker.is_silent = False


def is_whole(heard):
    head, mark, body = heard.partition(b"\r\n\r\n")
    if not mark:
        return False
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(body) >= int(value)
    return True


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {dict(self.headers)} {self.body[:500]!r}"


def derived_id(queue, key, tenant="default"):
    """The UUID of version 8 that a client may compute (docs/protocol.md)."""
    def part(text):
        raw = text.encode()
        return len(raw).to_bytes(4, "big") + raw
    full = hashlib.blake2b(b"weft/id/1" + part(tenant) + part(queue) + part(key), digest_size=16).digest()
    slot_hash = hashlib.blake2b(b"weft/slot/1" + part(tenant) + part(queue), digest_size=16).digest()
    slot = int.from_bytes(slot_hash[:2], "big") >> 4
    return full, slot
