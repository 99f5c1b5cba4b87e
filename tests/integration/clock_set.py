"""Clocks that are set, by hours, under a broker and a sender of webhooks: what waits goes by the time that passes. Store time
leans towards the wall clock by at most a tenth of what has passed, so spans are so far from exact and no further."""

import os
import time

import lib_receiver as receivers
from lib_beside import main_beside
from lib_broker import BrokerTest, fresh_id, pb
from lib_clock import Clock
from lib_gateway import wait_for
from lib_notify import Key, Sender, signature

HOUR_S = 3600
FAR_S, HOUR_MS = 6 * HOUR_S, 1000 * HOUR_S
MOST, LEAST = 1.1, 0.9  # of store time that passes in one of time
RETRY_S = 5.5  # the longest first pause of a delivery that has failed
SLACK_S = 300  # what the test itself may take


class ClockSet(BrokerTest):
    def setUp(self):
        super().setUp()
        self.clock = Clock(os.path.join(self.data, "clock"))

    def ask(self, broker, question):
        """By a peer of its own: one that was silent for a day is forgotten."""
        peer = self.peer(broker)
        answer = peer.ask(question)
        peer.close()
        return answer

    def state(self, broker, job_id):
        return self.ask(broker, pb.Status(job_id=job_id)).state

    def check_waiting(self, ahead_s, **wait):
        """A job that is to wait for a day from now on."""
        day_s = 24 * HOUR_S
        broker = self.broker(env=self.clock.env)
        job_id = fresh_id()
        self.assertEqual(self.peer(broker).submit({"job_id": job_id, "type": "t", **wait})[0].error, 0)
        self.clock.set_wall(ahead_s)
        self.clock.advance(day_s / MOST - SLACK_S)
        self.assertEqual(self.state(broker, job_id), pb.STATE_SCHEDULED)
        self.clock.advance(day_s * (1 / LEAST - 1 / MOST) + SLACK_S)
        wait_for("its time", lambda: self.state(broker, job_id) == pb.STATE_QUEUED)

    def test_a_delay_is_no_shorter_when_the_clock_is_set_forward(self):
        self.check_waiting(FAR_S, delay_ms=24 * HOUR_S * 1000)

    def test_a_delay_is_no_longer_when_the_clock_is_set_back(self):
        self.check_waiting(-FAR_S, delay_ms=24 * HOUR_S * 1000)

    def test_a_moment_that_was_told_is_approached_alike(self):
        self.check_waiting(FAR_S, run_at_ms=int(time.time() + 24 * HOUR_S) * 1000)

    def test_each_moment_of_a_schedule_brings_one_job(self):
        broker = self.broker(env=self.clock.env)
        said = self.ask(broker, pb.ScheduleSet(schedule_id="hourly", act=pb.SCHEDULE_SET, cron="0 * * * *", catch_up=pb.CATCH_UP_ALL,
                                         overlap=pb.OVERLAP_ALLOW, next_count=1, jobs=[pb.SubmitJob(type="tick")]))
        self.assertEqual(said.error, 0, said.detail)
        hours = 20
        for hour in range(hours):
            self.clock.set_wall(FAR_S if hour % 2 == 0 else -FAR_S)
            self.clock.advance(HOUR_S)
            self.state(broker, fresh_id())  # whoever is asked looks at the clock
        question = pb.ScheduleStatus(schedule_id="hourly")
        wait_for("its jobs", lambda: self.ask(broker, question).fired >= hours * LEAST - 1)
        told = self.ask(broker, question)
        self.assertLessEqual(told.fired, hours * MOST + 1 + SLACK_S / HOUR_S)
        self.assertEqual((told.last_at_ms % HOUR_MS, told.skipped), (0, 0))
        self.assertEqual(told.fired, told.last_at_ms // HOUR_MS - said.since_at_ms // HOUR_MS)
        self.assertEqual(len(self.ask(broker, pb.List(limit=100)).jobs), told.fired)

    def check_webhook(self, ahead_s):
        key, secret, answers = Key(f"{self.data}/webhook.key"), os.urandom(32), iter((500, 200))
        receiver = receivers.Receiver(lambda _, connection, __: connection.sendall(receivers.answer(next(answers))))
        self.addCleanup(receiver.close)
        broker = self.broker(env=self.clock.env)
        sender = Sender(broker.zmq, self.data, key, "--allow-port", str(receiver.port), env=self.clock.env)
        self.addCleanup(sender.close)
        sender.wait_ready()
        client, worker, job_id = self.peer(broker), self.worker(broker, "t"), fresh_id()
        hook = pb.Webhook(url=receiver.url(), events=1 << pb.STATE_SUCCEEDED, secret=key.seal(secret))
        self.assertEqual(client.submit({"job_id": job_id, "type": "t", "webhook": hook})[0].error, 0)
        (job, _), = worker.take_jobs(1)
        worker.finish(job)
        receiver.wait_for(1)
        self.clock.set_wall(ahead_s)
        wait_for("that it waits", lambda: [one.state for one in client.ask(pb.List(told_of=job_id)).jobs] == [pb.STATE_RETRYING])
        self.assertEqual(len(receiver.requests), 1)
        self.clock.advance(RETRY_S / LEAST)
        client.status(fresh_id())  # whoever is asked looks at the clock
        receiver.wait_for(2)
        (_, first, body), (_, second, again) = receiver.requests
        self.assertEqual((first["webhook-id"], body), (second["webhook-id"], again))
        # Receivers refuse what is minutes off: it is signed with the time of the sender's clock.
        for headers, ahead in ((first, 0), (second, ahead_s + self.clock.ahead_ns / 1e9)):
            self.assertLess(abs(int(headers["webhook-timestamp"]) - time.time() - ahead), SLACK_S)
            self.assertEqual(headers["webhook-signature"], signature(secret, headers, body))

    def test_a_second_attempt_is_made_after_its_pause_when_the_clock_is_set_back(self):
        self.check_webhook(-FAR_S)

    def test_a_second_attempt_is_made_after_its_pause_when_the_clock_is_set_forward(self):
        self.check_webhook(FAR_S)


if __name__ == "__main__":
    main_beside(3)
