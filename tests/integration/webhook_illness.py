"""A receiver that falls ill and gets well again, with a real broker and a real sender: its breaker opens, one delivery
probes, and what has waited arrives in the order of its events. Their clock is the test's, so nobody waits for minutes."""

import json
import os
import threading
import time
import unittest
import uuid

import lib_receiver as receivers
from lib_broker import PATIENCE_S, BrokerTest, fresh_id, pb
from lib_clock import Clock
from lib_gateway import wait_for
from lib_notify import Key, Sender

FAULTS = 5  # in a row open the breaker
LATER = 15  # deliveries of events after that
PAUSE_S, SECOND_PAUSE_S = 15, 30  # of the breaker
RETRY_S, SECOND_RETRY_S = 5.5, 330  # the longest first pause of a delivery that has failed, and its second
MORE_S = 1  # beyond a pause


class Illness(BrokerTest):
    def setUp(self):
        super().setUp()
        self.clock = Clock(f"{self.data}/clock")
        self.key, self.secret = Key(f"{self.data}/webhook.key"), os.urandom(32)
        self.is_ill, self.gate = True, threading.Event()
        self.gate.set()
        self.receiver, self.other = receivers.Receiver(self.behave), receivers.Receiver()
        self.addCleanup(self.receiver.close)
        self.addCleanup(self.other.close)
        self.served = self.broker(env=self.clock.env)
        self.client, self.handler = self.peer(self.served), self.worker(self.served, "t")

    def start_sender(self, concurrency):
        self.sender = Sender(self.served.zmq, self.data, self.key, *(word for one in (self.receiver, self.other)
                                                                       for word in ("--allow-port", str(one.port))),
                             "--endpoint-concurrency", str(concurrency), "--attempt-timeout", "25s", env=self.clock.env)
        self.addCleanup(self.sender.close)
        self.sender.wait_ready()

    def behave(self, receiver, connection, request):
        self.gate.wait(PATIENCE_S)
        connection.sendall(receivers.answer(500 if self.is_ill else 200))

    def end_jobs(self, count, receiver=None):
        """One after the other, so that their events have an order: their ids as the bodies tell them."""
        ids = [fresh_id() for _ in range(count)]
        hook = pb.Webhook(url=(receiver or self.receiver).url(), events=1 << pb.STATE_SUCCEEDED, secret=self.key.seal(self.secret))
        for job_id in ids:
            said, = self.client.submit({"job_id": job_id, "type": "t", "webhook": hook})
            self.assertEqual(said.error, 0)
            (job, _), = self.handler.take_jobs(1)
            self.handler.finish(job)
            self.handler.serve("t", slots=1)
            self.clock.advance(0.01)
        return [str(uuid.UUID(bytes=job_id)) for job_id in ids]

    def begin_pause(self):
        """It has begun by now."""
        self.paused_at = self.now()

    def now(self):
        return time.monotonic() + self.clock.ahead_ns / 1e9

    def pass_time(self, seconds):
        """So much of the pause is over then; what the test itself has taken since is a part of that."""
        self.clock.advance(max(0, self.paused_at + seconds - self.now()))
        self.client.status(fresh_id())  # whoever is asked looks at the clock

    def figure(self, name):
        return next((float(line.split()[-1]) for line in self.sender.get().splitlines() if line.startswith(name + " ")), 0)

    def reach(self, name, value):
        wait_for(f"{name} is {value}", lambda: self.figure(name) >= value)
        self.assertEqual(self.figure(name), value)

    def snoozed(self, count):
        self.reach('weft_notify_attempts_total{end="snoozed"}', count)

    def probe(self, pause_s, held):
        """The pause is over and all are at hand, and one of them is under way; it is answered when `gate` is set."""
        asked = len(self.receiver.requests)
        self.gate.clear()
        self.pass_time(pause_s)
        self.reach("weft_notify_held", held)
        self.receiver.wait_for(asked + 1)
        self.assertEqual(self.figure("weft_notify_sending"), 1)
        self.assertEqual(len(self.receiver.requests), asked + 1, "one probes, the others wait")

    def told(self, since):
        with self.receiver.lock:
            return [json.loads(body)["data"]["job_id"] for _, _, body in self.receiver.requests[since:]]

    def fall_ill(self):
        """Five fail, the others wait: their jobs, in the order of their ends."""
        failed = self.end_jobs(FAULTS)
        self.reach('weft_notify_attempts_total{end="http_5xx"}', FAULTS)
        self.begin_pause()
        later = self.end_jobs(LATER)
        self.snoozed(LATER)
        self.assertEqual(self.figure("weft_notify_receivers_ill"), 1)
        self.pass_time(RETRY_S)
        self.snoozed(LATER + FAULTS)  # those that have failed have come again
        self.assertEqual(len(self.receiver.requests), FAULTS)
        return failed + later

    def test_one_probes_while_the_others_wait(self):
        self.start_sender(concurrency=8)
        self.fall_ill()
        self.probe(PAUSE_S + MORE_S, FAULTS + LATER)
        self.is_ill = False
        self.gate.set()
        self.receiver.wait_for(FAULTS + FAULTS + LATER)
        self.reach('weft_notify_attempts_total{end="delivered"}', FAULTS + LATER)

    def test_when_it_is_well_the_oldest_events_go_first(self):
        self.start_sender(concurrency=1)
        jobs = self.fall_ill()
        self.probe(PAUSE_S + MORE_S, FAULTS + LATER)
        self.gate.set()  # it is ill still
        self.reach('weft_notify_attempts_total{end="http_5xx"}', FAULTS + 1)
        self.begin_pause()
        self.snoozed(2 * (LATER + FAULTS) - 1)
        # Which one probes is not said. One that had failed before comes again after minutes only.
        prober, = self.told(FAULTS)
        absent = [prober] if prober in jobs[:FAULTS] else []
        here = FAULTS + LATER - len(absent)
        self.pass_time(RETRY_S)
        self.snoozed(FAULTS + LATER + here)
        self.pass_time(PAUSE_S + MORE_S)
        self.end_jobs(1, self.other)
        self.reach('weft_notify_attempts_total{end="delivered"}', 1)  # by then what was due has had its turn
        self.snoozed(FAULTS + LATER + here)
        self.assertEqual(len(self.receiver.requests), FAULTS + 1, "the second pause is twice as long")

        self.is_ill = False
        self.probe(SECOND_PAUSE_S + MORE_S, here)
        self.gate.set()
        self.receiver.wait_for(FAULTS + 1 + here)
        first, *rest = self.told(FAULTS + 1)
        self.assertEqual(rest, [job for job in jobs if job not in [first, *absent]], "the oldest events first")
        for delivery in self.deliveries()[FAULTS + 1:]:
            wait_for("its end", lambda delivery=delivery: self.ended(delivery))
        if absent:
            self.pass_time(SECOND_RETRY_S)
        self.reach('weft_notify_attempts_total{end="delivered"}', 1 + FAULTS + LATER)
        self.assertEqual(self.figure("weft_notify_receivers_ill"), 0)
        self.attempts_are_those_that_were_sent()

    def deliveries(self):
        """Of the requests, in their order."""
        with self.receiver.lock:
            return [headers["webhook-id"] for _, headers, _ in self.receiver.requests]

    def ended(self, delivery):
        said = self.client.status(uuid.UUID(delivery).bytes)
        return said if said.ended_at_ms else None

    def attempts_are_those_that_were_sent(self):
        """What waited for a receiver that was ill has used up nothing of its schedule."""
        ids = self.deliveries()
        for delivery in set(ids):
            said = wait_for("its end", lambda delivery=delivery: self.ended(delivery))
            self.assertEqual((said.state, said.errors), (pb.STATE_SUCCEEDED, ids.count(delivery) - 1))
        self.assertEqual(len(set(ids)), FAULTS + LATER)


if __name__ == "__main__":
    unittest.main()
