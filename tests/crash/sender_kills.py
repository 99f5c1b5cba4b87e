#!/usr/bin/python3
"""The sender of webhooks dies by SIGKILL, at any moment and at named places, and loses its broker, while
deliveries are under way. The broker is played here, so that every turn of it is quick: it keeps leases as the
real one does (webhook_kills.py has that). Afterwards every delivery has reached its receiver, under one id.

    sender_kills.py [--kills N] [--seed S]
"""

import argparse
import collections
import contextlib
import os
import random
import sys
import tempfile
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))

import lib_receiver as r
from lib_broker import pb
from lib_notify import Key, NotifyBroker, Sender, signature

FAILPOINTS = ("notify.before_send", "notify.after_answer")
MORE_KILLS_MAX = 500  # until each of them has been met


class KeepingBroker(NotifyBroker):
    """Gives a delivery out again until it has been told that it has arrived."""

    def __init__(self, key):
        super().__init__(key)
        self.waiting = []  # intents of deliveries that nobody holds
        self.leases = 0

    def _hear(self, route, envelope, block):
        body = envelope.hello if envelope.WhichOneof("body") == "hello" else None
        if body is not None and body.role == pb.ROLE_NOTIFIER:
            # Another life of the same sender, or of this broker, whose last JOBS was lost with it: what the sender
            # does not name is free at once.
            kept = {(held.job_id, held.token) for held in body.running}
            for lost in [held for held in self.held if held not in kept]:
                self.waiting.append(self.held.pop(lost))
        super()._hear(route, envelope, block)
        if envelope.WhichOneof("body") in ("ready", "finish"):
            self.give()

    def give(self):
        while self.waiting and self.worker in self.ready and len(self.held) < self.slots:
            job = self.waiting.pop(0)
            self.tokens += 1
            self.leases += 1
            job.token, job.attempt = self.tokens, 1
            self.held[job.job_id, job.token] = job
            self.send(pb.Jobs(jobs=[job]))

    def _finish(self, body, block, corr):
        for job in body.jobs:
            held = self.held.get((job.job_id, job.token))
            if held is not None and job.outcome != pb.OUTCOME_SUCCEEDED:
                self.waiting.append(held)
        super()._finish(body, block, corr)

    def add(self, url):
        job = pb.Job(job_id=os.urandom(16), generation=1, timeout_ms=60000, type="webhook", queue="weft.webhooks",
                     intent=pb.Intent(parent_id=self.parent(), generation=1, event="job.succeeded", url=url,
                                      tenant="acme", endpoint="books", at_ms=1764576001000,
                                      secret=self.key.seal(self.secret)))
        self.waiting.append(job)
        return job.job_id


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=int(os.environ.get("WEFT_SENDER_KILLS", "50")))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    options = parser.parse_args()
    chance, kills = random.Random(options.seed), collections.Counter()
    seen, unsigned = collections.defaultdict(set), []
    attempts = collections.Counter()
    print(f"seed {options.seed}", flush=True)

    def behave(receiver, connection, request):
        _, headers, body = request
        with receiver.lock:
            seen[headers["webhook-id"]].add(body)
            attempts[headers["webhook-id"]] += 1
            if signature(broker.secret, headers, body) != headers["webhook-signature"]:
                unsigned.append(headers)
        connection.sendall(r.answer(200))

    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as left:
        key = Key(f"{folder}/webhook.key")
        broker, receiver = KeepingBroker(key), r.Receiver(behave)
        deliveries = []

        def unmet():
            return [place for place in FAILPOINTS if not kills[place]]

        def start(failpoint=None):
            env = {"WEFT_FAILPOINT": f"{failpoint}:{chance.randrange(1, 6)}"} if failpoint else None
            made = Sender(broker.endpoint, folder, key, "--allow-port", str(receiver.port), "--metrics", "off",
                          "--log-level", "error", env=env)
            left.callback(lambda: made.process.poll() is None and made.kill())
            return made

        def serve_for(seconds):
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                broker.pump(5)

        sender = start()
        while sum(kills.values()) < options.kills or unmet():  # each place is met, however few kills there are
            assert sum(kills.values()) < options.kills + MORE_KILLS_MAX, f"never met: {unmet()}"
            deliveries += [broker.add(receiver.url()) for _ in range(chance.randrange(2, 12))]
            broker.give()
            serve_for(chance.random() * 0.25)
            what = chance.random()
            if what < 0.2:
                broker.close()
                broker.open()
                kills["broker"] += 1
                continue
            if what < 0.6:
                sender.close()
                place = chance.choice(unmet() or FAILPOINTS)
                sender = start(place)
                broker.until("its death", lambda: sender.process.poll() is not None or not broker.waiting and not broker.held)
                kills[place if sender.process.poll() is not None else "sender"] += 1
            else:
                kills["sender"] += 1
            sender.close()
            sender = start()
        broker.until("all told", lambda: not broker.waiting and not broker.held)
        sender.close(), broker.close(), receiver.close()

    for name, count in sorted(kills.items()):
        print(f"{name:20} {count}")
    missing = [job for job in deliveries if str(uuid.UUID(bytes=job)) not in seen]
    print(f"kills {sum(kills.values())}, deliveries {len(deliveries)}, leases {broker.leases}, attempts "
          f"{sum(attempts.values())}, missing {len(missing)}")
    assert not missing and not unsigned
    assert len(seen) == len(deliveries), "an id that nobody has given out"
    assert all(len(bodies) == 1 for bodies in seen.values()), "the same id, another body"
    # Who died after an answer has told nobody of it.
    assert sum(attempts.values()) > len(deliveries), "nothing was in the midst"


if __name__ == "__main__":
    main()
