"""The sender of webhooks is stopped (SIGSTOP) while jobs with webhooks end. Nobody waits for it: jobs are accepted and
finished with as many flushes as before, what is to be sent is bounded by the table of jobs, the sender has no more of it
than it asked for, and all of it arrives when the sender goes on, also when its leases have passed meanwhile."""

import os
import signal
import statistics
import time
import unittest
import uuid

import lib_receiver as receivers
from lib_broker import ERR, BrokerTest, fresh_id, pb
from lib_clock import Clock
from lib_gateway import wait_for
from lib_notify import Key, Sender

JOBS_MAX = 256
SLOTS = 8  # of the sender
JOBS = 20  # of a round
ROUNDS = 3
FLUSHES = 2  # of a job: accepted and handed out, ended and its delivery made
FLUSHES_MORE = 5  # of a round: what was under way when the sender was stopped, and the broker's own
LEASE_S = 30


class Stopped(BrokerTest):
    def setUp(self):
        super().setUp()
        self.clock = Clock(f"{self.data}/clock")
        self.key, self.secret = Key(f"{self.data}/webhook.key"), os.urandom(32)
        self.receiver = receivers.Receiver()
        self.addCleanup(self.receiver.close)
        self.served = self.broker("--job-count-max", str(JOBS_MAX), env=self.clock.env)
        self.client, self.handler = self.peer(self.served), self.worker(self.served, "t", slots=JOBS_MAX)
        self.sender = Sender(self.served.zmq, self.data, self.key, "--allow-port", str(self.receiver.port), "--concurrency",
                             str(SLOTS), "--attempt-timeout", "25s", env=self.clock.env)
        self.addCleanup(self.sender.close)
        self.addCleanup(self.sender.process.send_signal, signal.SIGCONT)
        self.sender.wait_ready()
        self.ended = set()

    def submit(self):
        hook = pb.Webhook(url=self.receiver.url(), events=1 << pb.STATE_SUCCEEDED, secret=self.key.seal(self.secret))
        said, = self.client.submit({"job_id": fresh_id(), "type": "t", "webhook": hook})
        return said

    def end_one(self):
        (job, _), = self.handler.take_jobs(1)
        self.assertEqual(self.handler.finish(job).error, 0)
        self.ended.add(str(uuid.UUID(bytes=job.job_id)))

    def round(self):
        """Some jobs, one after the other: how many in a second."""
        began = time.monotonic()
        for _ in range(JOBS):
            said = self.submit()
            self.assertEqual(said.error, 0)
            self.end_one()
        return JOBS / (time.monotonic() - began)

    def told(self):
        """Ids of deliveries by the job that they tell of."""
        with self.receiver.lock:
            return {headers["webhook-id"] for _, headers, _ in self.receiver.requests}

    def all_arrive(self):
        wait_for("all arrive", lambda: len(self.told()) == len(self.ended))
        wait_for("all have ended", lambda: not self.waiting())

    def waiting(self):
        """Deliveries that have not ended; a page is all of them."""
        return self.client.ask(pb.List(queue="weft.webhooks", limit=1000, states=(
            1 << pb.STATE_QUEUED | 1 << pb.STATE_RUNNING | 1 << pb.STATE_RETRYING))).jobs

    def commits(self):
        """Of figures that are as fresh as the jobs that have ended."""
        self.served.wait_for_metric("weft_webhook_deliveries_total", len(self.ended))
        return self.served.metric("weft_commits_total")

    def test_nobody_waits_for_it(self):
        running, stopped = [], []
        for _ in range(ROUNDS):
            running.append(self.round())
            self.all_arrive()
            self.sender.process.send_signal(signal.SIGSTOP)
            before = self.commits()
            stopped.append(self.round())
            self.assertLessEqual(self.commits() - before, FLUSHES * JOBS + FLUSHES_MORE)
            self.sender.process.send_signal(signal.SIGCONT)
            self.all_arrive()
        print(f"jobs a second, one after the other: {statistics.median(running):.0f} while the sender runs, "
              f"{statistics.median(stopped):.0f} while it is stopped", flush=True)

        self.sender.process.send_signal(signal.SIGSTOP)
        held = self.fill()
        self.clock.advance(LEASE_S + 1)
        wait_for("its leases pass", lambda: self.ended_leases() == held)
        self.sender.process.send_signal(signal.SIGCONT)
        self.all_arrive()
        self.assertFalse(self.client.ask(pb.List(queue="weft.webhooks", states=1 << pb.STATE_DEAD)).jobs)
        self.assertEqual(self.submit().error, 0)

    def ended_leases(self):
        self.client.status(fresh_id())  # whoever is asked looks at the clock
        return self.served.metric("weft_leases_ended_total")

    def fill(self):
        """As many as there are places for; then new jobs are refused, and no end is. Those that the sender holds."""
        count = 0
        while (said := self.submit()).error == 0:
            count += 1
            self.assertLessEqual(count, JOBS_MAX)
            self.end_one()
        self.assertEqual(said.error, ERR["ERR_FULL"])
        waiting = self.waiting()
        self.assertEqual(len(waiting), count)
        held = sum(job.state == pb.STATE_RUNNING for job in waiting)
        self.assertEqual(held, SLOTS)
        return held


if __name__ == "__main__":
    unittest.main()
