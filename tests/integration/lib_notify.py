"""A sender of webhooks under test, and a broker that is played by the test."""

import base64
import ctypes
import hashlib
import hmac
import os
import selectors
import signal
import subprocess
import tempfile
import urllib.request

from lib_broker import PATIENCE_S, fresh_id, pb
from lib_worker import FakeBroker

SODIUM = ctypes.CDLL("libsodium.so.23")
STATES = {"running": pb.STATE_RUNNING, "succeeded": pb.STATE_SUCCEEDED, "dead": pb.STATE_DEAD, "cancelled": pb.STATE_CANCELLED, "expired": pb.STATE_EXPIRED}


class Key:
    """The file under whose key secrets are sealed, as lib/sys/seal.h describes it."""

    def __init__(self, path):
        self.path, self.bytes = path, os.urandom(32)
        with open(path, "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as out:
            out.write(f"weft-seal-1 {self.bytes.hex()}\n")

    def seal(self, secret):
        nonce, box = os.urandom(24), ctypes.create_string_buffer(16 + len(secret))
        assert SODIUM.crypto_secretbox_easy(box, secret, ctypes.c_ulonglong(len(secret)), nonce, self.bytes) == 0
        return b"\x01" + nonce + box.raw


def signature(secret, headers, body):
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


class Sender:
    """`weft notify` in a process of its own."""

    def __init__(self, endpoint, folder, key, *flags, allowed=("127.0.0.0/8",), env=None):
        self.log = tempfile.TemporaryFile()
        command = [os.environ["WEFT_BIN"], "notify", "--broker", endpoint, "--data", f"{folder}/notify",
                   "--webhook-key", key.path, "--allow-http",
                   *(word for spread in allowed for word in ("--allow-address", spread)), *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log,
                                        env={**os.environ, **(env or {})})

    def wait_ready(self):
        """Its first line, as words."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(PATIENCE_S), "it said nothing:\n" + self.stderr()
        line = self.process.stdout.readline().decode()
        assert line.startswith("ready "), line + self.stderr()
        self.words = dict(word.split("=", 1) for word in line.split()[1:])
        return self.words

    def stderr(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def get(self, path="/metrics"):
        with urllib.request.urlopen(self.words["metrics"] + path, timeout=PATIENCE_S) as answer:
            return answer.read().decode()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def close(self):
        if self.process.poll() is None:
            self.kill()
        self.process.stdout.close()
        self.log.close()


class NotifyBroker(FakeBroker):
    """Leases deliveries to the sender and knows the jobs that they tell of."""

    def __init__(self, key):
        super().__init__()
        self.key, self.secret = key, os.urandom(32)
        self.parents = {}   # (tenant, id) -> StatusIs or BatchStatusIs
        self.disabled = []  # (tenant, endpoint, number of outcomes told before)
        self.moved = set()  # urls that no endpoint has any more
        self.disable_error = 0  # what is answered to it
        self.role = None
        self.asked = 0

    def _hear(self, route, envelope, block):
        kind = envelope.WhichOneof("body")
        body = getattr(envelope, kind)
        asker, sender = route, self.worker
        if kind == "hello" and body.role == pb.ROLE_NOTIFIER:
            self.role = body.role
            super()._hear(route, envelope, block)
        elif kind in ("hello", "status", "batch_status", "webhook_set"):
            self.worker = asker  # whom send() means
            if kind == "hello":
                super()._hear(route, envelope, block)
            else:
                self.heard.append((kind, body, block))
                self._answer(kind, body, envelope)
            self.worker = sender
        else:
            super()._hear(route, envelope, block)

    def _answer(self, kind, body, envelope):
        if kind == "webhook_set":
            assert body.act == pb.WEBHOOK_DISABLE, body
            self.disabled.append((envelope.tenant, body.webhook_id, len(self.outcomes)))
            line = pb.WebhookLine(webhook_id=body.webhook_id, disabled=body.url not in self.moved)
            self.send(pb.WebhookStatusIs(error=self.disable_error, webhooks=[] if self.disable_error else [line]), envelope.corr)
            return
        self.asked += 1
        parent_id = body.job_id if kind == "status" else body.batch_id
        missing = (pb.StatusIs if kind == "status" else pb.BatchStatusIs)(error=6)
        known, block = self.parents.get((envelope.tenant, parent_id), (missing, b""))
        self.send(known, envelope.corr, block)

    def parent(self, state="succeeded", result=b'{"n": 7}', tenant="acme"):
        job_id = fresh_id()
        status = pb.StatusIs(job_id=job_id, type="invoice.render", queue="default", state=STATES[state], version=4,
                             created_at_ms=1764576000000, ended_at_ms=1764576001000,
                             result=pb.Part(offset=0, length=len(result), content=pb.CONTENT_JSON))
        self.parents[tenant, job_id] = (status, result)
        return job_id

    def deliver(self, url, event="job.succeeded", parent=None, attempt=1, tenant="acme", **fields):
        """Leases a delivery; the parent is made unless it is given."""
        if parent is None:
            parent = self.parent(event.rsplit(".", 1)[-1], tenant=tenant)
        fields.setdefault("secret", self.key.seal(self.secret))
        fields.setdefault("endpoint", "books")
        fields.setdefault("at_ms", 1764576001000)
        intent = pb.Intent(parent_id=parent, generation=1, event=event, url=url, tenant=tenant, **fields)
        self.tokens += 1
        job = pb.Job(job_id=fresh_id(), token=self.tokens, generation=1, attempt=attempt, timeout_ms=60000,
                     type="webhook", queue="weft.webhooks", intent=intent,
                     traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        self.held[(job.job_id, job.token)] = job
        self.send(pb.Jobs(jobs=[job]))
        return job

    def finish_of(self, job):
        """What the sender has told about this delivery."""
        key = (job.job_id, job.token)
        return self.until("a FINISH", lambda: self.outcomes.get(key))[0][0]
