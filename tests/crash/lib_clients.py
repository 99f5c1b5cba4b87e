"""Clients of both doors that repeat until they are answered, and readers; each writes its history."""

import collections
import hashlib
import http.client
import itertools
import json
import os
import random
import struct
import sys
import threading
import time
import uuid

import zmq

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "integration"))

from lib_broker import ERR, VERSION, pb  # noqa: E402  (found through the line above)
from lib_place import CLIENTS, Failed  # noqa: E402

RETRY = {"max_attempts": 1000, "max_crashes": 10000, "first": "20ms", "longest": "200ms"}
OPEN_MAX = 1500             # acknowledged and not yet done: clients wait
HTTP_PATIENCE_S = 3
REPEAT_MS = 250


# --- ids, as docs/protocol.md derives them ---

def _put(text):
    return struct.pack(">I", len(text.encode())) + text.encode()


def _blake(*parts):
    return bytearray(hashlib.blake2b(b"".join(parts), digest_size=16).digest())


def keyed_id(queue, key):
    raw = _blake(b"weft/id/1", _put("default"), _put(queue), _put(key))
    slot = _blake(b"weft/slot/1", _put("default"), _put(queue))
    raw[0], raw[1] = slot[0], slot[1] & 0xF0 | raw[1] & 0x0F
    raw[6], raw[8] = 0x80 | raw[6] & 0x0F, 0x80 | raw[8] & 0x3F
    return str(uuid.UUID(bytes=bytes(raw)))


def fresh_id(queue):
    slot = int.from_bytes(_blake(b"weft/slot/1", _put("default"), _put(queue))[:2], "big") >> 4
    raw = bytearray(int(time.time() * 1000).to_bytes(6, "big") + os.urandom(10))
    raw[6], raw[7] = 0x70 | slot >> 8, slot & 0xFF
    raw[8] = 0x80 | raw[8] & 0x3F
    return str(uuid.UUID(bytes=bytes(raw)))


class Order:
    """One submission: what it asks for follows from its number."""

    slow_each = 29

    def __init__(self, n, key=None):
        self.n, self.key = n, key
        self.queue = "mail" if n % 3 == 0 else "default"
        self.id = keyed_id(self.queue, key) if key else fresh_id(self.queue)
        work = {"n": n, "fail": 1 if n % 17 == 0 else 0, "ms": 150 if n % self.slow_each == 0 else 0}
        self.payload = json.dumps(work, separators=(",", ":"))

    def with_key_of(self, other):
        """Another body under the same key: must be refused."""
        clash = Order(self.n, None)
        clash.key, clash.queue, clash.id = other.key, other.queue, other.id
        return clash

    @property
    def noted(self):
        return [self.id, self.key and f"{self.queue}/{self.key}", self.n]

    def as_json(self):
        return {"type": "effect", "queue": self.queue, "payload": json.loads(self.payload), "retry": RETRY}

    def text(self, **more):
        return json.dumps({**more, **self.as_json()}, separators=(",", ":"))


class Campaign:
    """What clients share. Its lock is `news`, told whenever something was acknowledged or done."""

    def __init__(self, place, history, seed, seconds):
        self.place, self.history, self.seed = place, history, seed
        self.deadline = time.monotonic() + seconds
        self.news = threading.Condition()
        self.numbers = itertools.count(1)
        self.closing = False
        self.acked = []             # orders, in order of their first acknowledgement
        self.acked_ids = set()
        self.readable = []          # of them, those that a broker has: both doors know them
        self.asked = {}             # job id -> order, of everything that was ever sent
        self.shared = collections.deque(maxlen=64)  # orders that two clients submit at once
        self.done_count = 0
        self.verdicts = collections.Counter()
        self.has_true_clock = True

    def check_time(self):
        if time.monotonic() > self.deadline:
            raise Failed("the time is over")

    def new_order(self, rng, may_be_fresh):
        with self.news:
            if self.shared and rng.random() < 0.5:
                return self.shared.popleft()
            n = next(self.numbers)
        # The id of one without a key is of its moment, which the broker must not take for another.
        is_fresh = may_be_fresh and self.has_true_clock and rng.random() < 0.4
        order = Order(n, None if is_fresh else f"{self.seed}-{n}")
        if order.key and rng.random() < 0.1:
            with self.news:
                self.shared.append(order)
        return order

    def old_order(self, rng):
        with self.news:
            order = rng.choice(self.acked) if self.acked else None
        return order if order is not None and order.key else None

    def asks(self, orders):
        with self.news:
            for order in orders:
                self.asked.setdefault(order.id, order)

    def acknowledged(self, orders, verdict, is_spooled=False):
        with self.news:
            fresh = [order for order in orders if order.id not in self.acked_ids]
            self.acked.extend(fresh)
            self.readable.extend([] if is_spooled else fresh)
            self.acked_ids.update(order.id for order in orders)
            self.verdicts[verdict] += len(orders)
            self.news.notify_all()

    def done(self, count):
        with self.news:
            self.done_count = count
            self.news.notify_all()

    def wait_for_room(self):
        """Until not too much is open; false when the campaign closes."""
        with self.news:
            self.news.wait_for(lambda: self.closing or len(self.acked) - self.done_count < OPEN_MAX)
            return not self.closing

    def wait_for_progress(self, count, seconds):
        """Until so many more were acknowledged or done, or the time has passed."""
        with self.news:
            want = len(self.acked) + self.done_count + count
            self.news.wait_for(lambda: len(self.acked) + self.done_count >= want, timeout=seconds)


class Actor(threading.Thread):
    """A client or reader: `step` again and again until the campaign closes."""

    def __init__(self, campaign, name):
        super().__init__(name=name, daemon=True)
        self.campaign, self.fault, self.calls = campaign, None, 0
        self.random = random.Random(f"{campaign.seed} {name}")

    def run(self):
        try:
            while self.campaign.wait_for_room():
                self.step()
        except Exception as fault:  # told by the main thread
            self.fault = fault

    def begin(self, do, jobs):
        self.calls += 1
        self.campaign.check_time()
        self.campaign.history.line(who=self.name, call=self.calls, do=do, jobs=jobs)

    def end(self, how, **more):
        self.campaign.history.line(who=self.name, call=self.calls, end=how, **more)

    def pick_job(self):
        with self.campaign.news:
            if not self.campaign.readable:
                return None
            # Young ones change.
            last = len(self.campaign.readable) - 1
            return self.campaign.readable[max(0, last - int(self.random.expovariate(1 / 200)))].id


class Http:
    """One connection, made again when it is gone."""

    def __init__(self, port):
        self.port, self.connection = port, None

    def ask(self, method, path, body=None, headers=None):
        """(status, headers, bytes), or None when it is unknown what happened."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HTTP_PATIENCE_S)
            self.connection.request(method, path, body, headers or {})
            answer = self.connection.getresponse()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException):
            if self.connection is not None:
                self.connection.close()
            self.connection = None
            return None


class HttpActor(Actor):
    def __init__(self, campaign, name):
        super().__init__(campaign, name)
        self.http = Http(campaign.place.http_port)
        self.pause = threading.Event()

    def breathe(self):
        """Nobody serves: a moment, so that a refused connection does not burn a core."""
        self.pause.wait(0.02)


class SingleClient(HttpActor):
    """POST /v1/jobs with Idempotency-Key."""

    def step(self):
        order = self.campaign.new_order(self.random, may_be_fresh=False)
        if self.random.random() < 0.12:
            old = self.campaign.old_order(self.random)
            # A spool may take another body, and tell later that it was refused.
            is_same = self.campaign.place.spools or self.random.random() < 0.7
            order = order if old is None else old if is_same else order.with_key_of(old)
        self.submit(order, may_abandon=self.random.random() < 0.5)

    def submit(self, order, may_abandon):
        self.campaign.asks([order])
        only_refused = may_abandon and self.campaign.asked[order.id] is order
        while True:
            self.begin("submit", [order.noted])
            got = self.http.ask("POST", "/v1/jobs", order.text(),
                                {"Content-Type": "application/json", "Idempotency-Key": order.key})
            if got is None or got[0] == 504:
                self.end("unknown")
                only_refused = False
                self.breathe()
                continue
            status, headers, body = got
            if status == 202:
                said = json.loads(body)
                is_spooled = said["durability"] == "spooled"
                verdict = "replayed" if headers.get("Idempotency-Replayed") else "accepted"
                # A broker may have taken it before, or take it from somebody else.
                self.end("ok", jobs=[[said["job_id"], "stored" if is_spooled else verdict]])
                return self.campaign.acknowledged([order], "spooled" if is_spooled else verdict, is_spooled)
            self.end("refused", code=status)
            if status == 422 or (only_refused and status == 503):
                # "Stored nothing": whoever gives up here must not find a job later.
                self.campaign.verdicts[f"refused with {status}"] += 1
                return None
            if status not in (503, 429):
                raise Failed(f"{status} to a good request: {body.decode()}")
            self.breathe()


class BulkClient(HttpActor):
    """POST /v1/batches with a key for each record."""

    def step(self):
        count = self.random.randint(10, 60)
        orders = [self.campaign.new_order(self.random, may_be_fresh=False) for _ in range(count)]
        orders = list({order.id: order for order in orders}.values())
        body = "".join(order.text(key=order.key) + "\n" for order in orders)
        self.campaign.asks(orders)
        while True:
            self.begin("submit", [order.noted for order in orders])
            got = self.http.ask("POST", "/v1/batches", body, {"Content-Type": "application/x-ndjson"})
            if got is None or got[0] == 504:
                self.end("unknown")
            elif got[0] == 202 and json.loads(got[2])["rejected"] == 0:
                is_spooled = json.loads(got[2])["durability"] == "spooled"
                self.end("ok", jobs=[[order.id, "stored"] for order in orders])
                return self.campaign.acknowledged(orders, "spooled in bulk" if is_spooled else "stored in bulk",
                                                  is_spooled)
            elif got[0] in (202, 503, 429):
                self.end("unknown")  # some are stored and others are not
            else:
                raise Failed(f"{got[0]} to a good bulk request: {got[2].decode()}")
            self.breathe()


class HttpReader(HttpActor):
    def step(self):
        job = self.pick_job()
        if job is None:
            return self.breathe()
        wait = self.random.choice(["", "?wait=100ms", "?wait=400ms"])
        self.begin("read", [job])
        got = self.http.ask("GET", f"/v1/jobs/{job}{wait}")
        if got is not None and got[0] == 200:
            status = json.loads(got[2])
            if status["status"] == "spooled":
                self.end("unknown")  # it came to the broker another way, and the gateway brings its own
                return self.breathe()
            self.end("ok", state=status["status"], version=status["version"],
                     token=status.get("result", {}).get("token"))
        elif got is not None and got[0] in (404, 410):
            self.end("missing")
        elif got is None or got[0] in (503, 504):
            self.end("unknown")
            self.breathe()
        else:
            raise Failed(f"{got[0]} to a good question: {got[2].decode()}")
        return None


class Door:
    """The ZeroMQ door: asks until it is answered, and says HELLO when it is told to."""

    def __init__(self, endpoint, check_time):
        self.check_time, self.corr = check_time, 0
        self.session = int.from_bytes(os.urandom(8), "big") or 1
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        for option, value in ((zmq.LINGER, 0), (zmq.IMMEDIATE, 1), (zmq.RECONNECT_IVL, 20),
                              (zmq.RECONNECT_IVL_MAX, 100)):
            self.socket.setsockopt(option, value)
        self.socket.connect(endpoint)

    def _send(self, envelope, block):
        try:
            self.socket.send_multipart([VERSION, envelope.SerializeToString(), block], zmq.NOBLOCK)
        except zmq.Again:
            pass  # nobody is there; it is repeated

    def _hello(self):
        self._send(pb.Envelope(corr=1 << 60, hello=pb.Hello(role=pb.ROLE_CLIENT, name="kills",
                                                            session=self.session)), b"")

    def ask_all(self, questions, wait_ms=0):
        """Asks many at once, which may take `wait_ms` rightly. `questions` are (field, message, block);
        the answers come in their order."""
        waiting, answers = {}, {}
        for field, message, block in questions:
            self.corr += 1
            waiting[self.corr] = (pb.Envelope(corr=self.corr, **{field: message}), block)
        corrs = list(waiting)
        while waiting:
            self.check_time()
            for envelope, block in waiting.values():
                self._send(envelope, block)
            self._collect(waiting, answers, REPEAT_MS + wait_ms)
        return [answers[corr] for corr in corrs]

    def _collect(self, waiting, answers, patience_ms):
        """Until all are answered or nothing has come for a while."""
        while waiting and self.socket.poll(patience_ms):
            _, packed, block = self.socket.recv_multipart()
            envelope = pb.Envelope.FromString(packed)
            kind = envelope.WhichOneof("body")
            if kind == "error" and envelope.error.error == ERR["ERR_UNKNOWN_PEER"]:
                self._hello()
            elif kind == "welcome":
                for question in waiting.values():
                    self._send(*question)
            elif kind == "error" and envelope.error.error == ERR["ERR_FULL"]:
                pass  # too much at once; it is repeated
            elif kind == "error":
                raise Failed(f"refused: {envelope.error}")
            elif waiting.pop(envelope.corr, None):
                answers[envelope.corr] = (getattr(envelope, kind), block)

    def ask(self, field, message, block=b"", wait_ms=0):
        return self.ask_all([(field, message, block)], wait_ms)[0]

    def close(self):
        self.socket.close()


def _said(status, block):
    """A STATUS_IS as the words of the history."""
    part = status.result
    result = block[part.offset:part.offset + part.length]
    return {"state": pb.State.Name(status.state)[6:].lower(), "version": status.version,
            "token": json.loads(result).get("token") if result else None,
            "n": json.loads(result).get("n") if result else None}


def statuses(door, ids, wait_ms=0):
    """[(id, words of the history or None)] of many jobs, asked in pieces."""
    found = []
    for at in range(0, len(ids), 256):
        piece = ids[at:at + 256]
        answers = door.ask_all([("status", pb.Status(job_id=uuid.UUID(job).bytes, wait_ms=wait_ms), b"")
                                for job in piece], wait_ms)
        for job, (status, block) in zip(piece, answers):
            if status.error not in (0, ERR["ERR_NOT_FOUND"]):
                raise Failed(f"error {status.error} for the status of {job}")
            found.append((job, None if status.error else {**_said(status, block), "attempt": status.attempt}))
    return found


class ZmqActor(Actor):
    def __init__(self, campaign, name):
        super().__init__(campaign, name)
        self.door = Door(campaign.place.endpoint(CLIENTS), campaign.check_time)


class ZmqClient(ZmqActor):
    """SUBMIT, keyed and not; now and then what another door has submitted already."""

    def step(self):
        orders = [self.campaign.new_order(self.random, may_be_fresh=True)
                  for _ in range(self.random.choice([1, 1, 3, 20]))]
        old = self.campaign.old_order(self.random)
        if old is not None and self.random.random() < 0.2:
            orders.append(old)
        orders = list({order.id: order for order in orders}.values())
        self.campaign.asks(orders)
        self.begin("submit", [order.noted for order in orders])
        answer, _ = self.door.ask("submit", *self.message(orders))
        if any(job.error for job in answer.jobs):
            raise Failed(f"a good job was refused: {answer}")
        self.end("ok", jobs=[[str(uuid.UUID(bytes=job.job_id)), "replayed" if job.replayed else "accepted"]
                             for job in answer.jobs])
        for order, job in zip(orders, answer.jobs):
            self.campaign.acknowledged([order], "replayed" if job.replayed else "accepted")

    @staticmethod
    def message(orders):
        body, block = pb.Submit(), b""
        for order in orders:
            payload = order.payload.encode()
            job = body.jobs.add(job_id=uuid.UUID(order.id).bytes, key=order.key or "", queue=order.queue,
                                type="effect", max_attempts=RETRY["max_attempts"],
                                max_crashes=RETRY["max_crashes"], retry_first_ms=20, retry_longest_ms=200)
            job.payload.CopyFrom(pb.Part(offset=len(block), length=len(payload), content=pb.CONTENT_JSON))
            block += payload
        return body, block


class ZmqReader(ZmqActor):
    def step(self):
        job = self.pick_job()
        if job is None:
            return
        self.begin("read", [job])
        wait_ms = self.random.choice([0, 0, 100])
        status, block = self.door.ask("status", pb.Status(job_id=uuid.UUID(job).bytes, wait_ms=wait_ms),
                                      wait_ms=wait_ms)
        if status.error:
            self.end("missing")
        else:
            said = _said(status, block)
            self.end("ok", state=said["state"], version=said["version"], token=said["token"])


def all_of(campaign):
    return [SingleClient(campaign, "http1"), SingleClient(campaign, "http2"), BulkClient(campaign, "bulk1"),
            ZmqClient(campaign, "zmq1"), ZmqClient(campaign, "zmq2"), HttpReader(campaign, "reader1"),
            ZmqReader(campaign, "reader2")]
