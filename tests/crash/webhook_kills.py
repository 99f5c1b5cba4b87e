#!/usr/bin/python3
"""The sender of webhooks and the broker die by SIGKILL, at any moment and at named places, while jobs end and
their webhooks are under way. Afterwards every acknowledged job and every finished batch has been told at the url
that it asked for and at the endpoint that wants all of them, and every attempt of one delivery had the same id.
Progress is told of some of them, and of none that has ended.

    webhook_kills.py [--kills N] [--seed S]

WEFT_BIN names the program. Waits for events.
"""

import argparse
import collections
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration"))

import lib_receiver as r
from lib_broker import Broker, Peer, fresh_id, pb
from lib_notify import Key, Sender, signature

JOBS_A_ROUND = 6
MEMBERS = 3  # of the batch of a round
WAIT_S = 240
FAILPOINTS = ("notify.before_send:3", "notify.after_answer:2")
ENDS = 1 << pb.STATE_SUCCEEDED | 1 << pb.STATE_DEAD | 1 << pb.STATE_CANCELLED | 1 << pb.STATE_EXPIRED
BATCH_FINISHED = 1 << 10
PROGRESS = 1 << pb.STATE_RUNNING
TALKER = 'for i in 1 2 3 4; do echo "progress $i 4 at $i" >&3; sleep 1; done'
ROUNDS_A_TALKER = 5


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=int(os.environ.get("WEFT_WEBHOOK_KILLS", "50")))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    return parser.parse_args()


class Run:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.random = random.Random(options.seed)
        self.key, self.secret = Key(f"{folder}/webhook.key"), os.urandom(32)
        self.receiver = r.Receiver(self.behave)
        self.broker = Broker(f"{folder}/broker")
        self.endpoint = self.broker.zmq
        self.sender = None
        self.jobs = set()
        self.batches = set()
        self.kills = collections.Counter()
        self.ids = collections.defaultdict(collections.Counter)  # (path, job) -> webhook-id -> attempts; a job or a batch
        self.unsigned = 0
        self.unfinished = 0  # batches that were told before their end
        self.words, self.late = 0, 0  # of progress; those that tell of a job that has ended
        self.rounds = 0

    def behave(self, receiver, connection, request):
        first, headers, body = request
        told = json.loads(body)
        data = told["data"]
        about = data["batch_id"] if told["type"] == "batch.finished" else data["job_id"]
        with receiver.lock:
            self.unfinished += told["type"] == "batch.finished" and data["status"] != "finished"
            if told["type"] == "job.progress":
                self.words += 1
                self.late += "ended_at" in data
            else:
                self.ids[first.split()[1], about][headers["webhook-id"]] += 1
            self.unsigned += signature(self.secret, headers, body) != headers["webhook-signature"]
        # Now and then an answer that leaves open whether it has arrived.
        if hash(headers["webhook-id"] + headers["webhook-timestamp"]) % 50 == 0:
            return r.reset(receiver, connection, request)
        connection.sendall(r.answer(200))

    # --- programs ---

    def start_sender(self, failpoint=None):
        env = {"WEFT_FAILPOINT": failpoint} if failpoint else {}
        self.sender = Sender(self.endpoint, self.folder, self.key, "--allow-port", str(self.receiver.port),
                             "--metrics", "off", "--log-level", "error", env=env)

    def restart_broker(self):
        self.broker.close()
        self.broker = Broker(f"{self.folder}/broker", zmq=self.endpoint)
        assert self.broker.is_ready, self.broker.stderr()

    def webhook(self, path="/hook"):
        return pb.Webhook(url=self.receiver.url(path), events=ENDS, secret=self.key.seal(self.secret))

    def set_endpoint(self):
        client = Peer(self.endpoint)
        said = client.ask(pb.WebhookSet(webhook_id="all", act=pb.WEBHOOK_SET, url=self.receiver.url("/all"),
                                        events=ENDS | BATCH_FINISHED, secret=self.key.seal(self.secret)))
        assert said.error == 0, said
        client.close()

    # --- the round ---

    def submit(self):
        """Jobs of a worker, and one that is cancelled while it waits."""
        client = Peer(self.endpoint)
        ids = [fresh_id() for _ in range(JOBS_A_ROUND)]
        answers = client.submit(*({"job_id": job, "type": "hook.job" if n else "hook.none", "webhook": self.webhook()}
                                  for n, job in enumerate(ids)))
        assert [answer.error for answer in answers] == [0] * len(ids), answers
        acted = client.ask(pb.Act(kind=pb.ACT_CANCEL, job_id=ids[0], act_id=fresh_id(), actor="test"))
        assert acted.error == 0, acted
        self.submit_batch(client)
        if self.rounds % ROUNDS_A_TALKER == 0:
            ids.append(self.submit_talker(client))
        self.rounds += 1
        client.close()
        self.jobs.update(ids)

    def submit_talker(self, client):
        hook = self.webhook()
        hook.events |= PROGRESS
        job = fresh_id()
        answer, = client.submit({"job_id": job, "type": "hook.talk", "webhook": hook})
        assert answer.error == 0, answer
        return job

    def submit_batch(self, client):
        """Its webhook is said with each, as any of them may be the first."""
        batch = fresh_id()
        answers = client.submit(*({"job_id": fresh_id(), "type": "hook.job", "batch_id": batch, "batch_index": n,
                                   "batch_webhook": self.webhook("/batch")} for n in range(MEMBERS)))
        assert [answer.error for answer in answers] == [0] * MEMBERS, answers
        sealed = client.ask(pb.BatchSeal(batch_id=batch))
        assert sealed.error == 0, sealed
        self.batches.add(batch)

    def kill_one(self):
        victim = self.random.random()
        if victim < 0.45:
            self.sender.kill()
            self.kills["sender"] += 1
        elif victim < 0.65:
            # It dies by itself, between deciding and sending, or between the answer and telling it.
            self.sender.kill()
            self.start_sender(self.random.choice(FAILPOINTS))
            self.kills["sender"] += 1
            self.submit()
            if self.wait_for(lambda: self.sender.process.poll() is not None, 20):
                self.kills["sender, at a place"] += 1
            else:
                self.sender.kill()
        else:
            self.broker.kill()
            self.kills["broker"] += 1
            self.restart_broker()
        if self.sender.process.poll() is not None:
            self.sender.close()
            self.start_sender()

    @staticmethod
    def wait_for(claim, seconds):
        end = time.monotonic() + seconds
        while not claim():
            if time.monotonic() > end:
                return False
            time.sleep(0.005)
        return True

    def run(self):
        self.set_endpoint()
        self.start_sender()
        workers = [self.start_worker("job", "true"), self.start_worker("talk", "sh", "-c", TALKER)]
        while sum(self.kills.values()) < self.options.kills:
            self.submit()
            self.wait_for(lambda: False, self.random.random() * 0.06)
            self.kill_one()
        told = self.wait_for(lambda: len(self.missing()) == 0, WAIT_S)
        for worker in workers:
            worker.kill()
            worker.wait()
        return told

    def start_worker(self, name, *program):
        return subprocess.Popen([os.environ["WEFT_BIN"], "worker", f"hook.{name}", "--broker", self.endpoint, "--data",
                                 f"{self.folder}/{name}", "-c", "4", "--log-level", "error", "--", *program],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def missing(self):
        with self.receiver.lock:
            wanted = [(path, job) for job in self.jobs for path in ("/hook", "/all")]
            wanted += [(path, batch) for batch in self.batches for path in ("/batch", "/all")]
            return [about for path, about in wanted if (path, str(uuid.UUID(bytes=about))) not in self.ids]

    def report(self):
        attempts = sum(sum(ids.values()) for ids in self.ids.values())
        print(f"seed       {self.options.seed}")
        print(f"kills      {sum(self.kills.values())}")
        for name, count in sorted(self.kills.items()):
            print(f"  {name}: {count}")
        print(f"jobs       {len(self.jobs)}")
        print(f"batches    {len(self.batches)}")
        print(f"attempts   {attempts}")
        print(f"more than one id {sum(len(ids) > 1 for ids in self.ids.values())}")
        print(f"unsigned   {self.unsigned}")
        print(f"progress   {self.words}")
        print(f"late       {self.late}")
        print(f"missing    {len(self.missing())}")

    def close(self):
        if self.sender is not None:
            self.sender.close()
        self.broker.close()
        self.receiver.close()


def main():
    options = parse()
    folder = tempfile.mkdtemp(prefix="weft-webhook-kills-")
    run = Run(options, folder)
    try:
        told = run.run()
        run.report()
        assert told, f"never told of: {[job.hex() for job in run.missing()][:5]}\n{run.sender.stderr()[-2000:]}"
        assert all(len(ids) == 1 for ids in run.ids.values()), "an id has changed between attempts"
        assert run.unsigned == 0
        assert run.unfinished == 0, "a batch was told before its end"
        assert run.late == 0, "progress of a job that has ended was told"
        assert run.words > 0, "no progress was told"
    finally:
        run.close()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
