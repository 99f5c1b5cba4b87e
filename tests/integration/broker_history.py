"""A job's timeline and log over ZeroMQ: what a worker says, and what a client reads."""

import os
import unittest

from lib_broker import ERR, BrokerTest, fresh_id, pb
from lib_clock import Clock

LEASE_S = 30  # of a broker that is not told otherwise


class History(BrokerTest):
    def setUp(self):
        super().setUp()
        self.clock = Clock(os.path.join(self.data, "clock"))
        self.served = self.broker(env=self.clock.env)
        self.client = self.peer(self.served)
        self.job_id = fresh_id()

    def granted(self, **fields):
        """The job, at a worker."""
        self.assertEqual(self.client.submit({"job_id": self.job_id, **fields})[0].error, 0)
        worker = self.worker(self.served)
        (job, _), = worker.take_jobs(1)
        return worker, job

    def timeline(self):
        return self.client.ask(pb.Timeline(job_id=self.job_id))

    def log(self, after=0):
        return self.client.ask(pb.Log(job_id=self.job_id, after=after))

    @staticmethod
    def lines(job, first, *texts, **fields):
        return [pb.LogLine(job_id=job.job_id, token=job.token, seq=first + n, text=text, **fields)
                for n, text in enumerate(texts)]

    @staticmethod
    def renew(worker, job, lines):
        return worker.ask(pb.Renew(running=[pb.Held(job_id=job.job_id, token=job.token)], log=lines))

    # --- timelines ---

    def test_a_plain_course_is_told_by_the_job_itself(self):
        worker, job = self.granted()
        worker.finish(job)
        told = self.timeline()
        self.assertEqual([event.event for event in told.events], ["submit", "grant", "succeed"])
        self.assertEqual([event.state for event in told.events],
                         [pb.STATE_QUEUED, pb.STATE_RUNNING, pb.STATE_SUCCEEDED])
        self.assertEqual((told.state, told.dropped), (pb.STATE_SUCCEEDED, 0))
        self.assertEqual(told.events[1].worker_id, worker.worker_id)
        self.assertEqual({event.token for event in told.events[1:]}, {job.token})
        times = [event.at_ms for event in told.events]
        self.assertEqual(times, sorted(times))

    def test_every_attempt_is_kept_with_its_error(self):
        worker, job = self.granted(max_attempts=3, retry_first_ms=1, retry_longest_ms=1)
        for n in (1, 2, 3):
            worker.finish(job, pb.OUTCOME_FAILED, error_kind="exit", error_message=f"status {n}", error_detail=f"tail {n}")
            if n < 3:
                (job, _), = worker.take_jobs(1)
        self.served.kill()
        self.served = self.broker()
        self.client = self.peer(self.served)
        events = self.timeline().events
        self.assertEqual([event.event for event in events], ["submit", *["grant", "fail"] * 2, "grant", "die"])
        ends = [event for event in events if event.outcome]
        self.assertEqual([event.attempt for event in ends], [1, 2, 3])
        self.assertEqual([event.failure.message for event in ends], ["status 1", "status 2", "status 3"])
        self.assertEqual([event.failure.detail for event in ends], ["tail 1", "tail 2", "tail 3"])
        self.assertEqual({event.worker_id for event in ends}, {worker.worker_id})
        self.assertTrue(all(event.granted_at_ms <= event.at_ms for event in ends))
        self.assertTrue(ends[0].due_at_ms > 0 and ends[2].due_at_ms == 0)

    def test_a_passed_lease_and_an_act_say_why(self):
        worker, job = self.granted()
        version = self.client.status(self.job_id).version
        self.clock.advance(LEASE_S)
        self.client.status(self.job_id, wait_ms=20_000, version=version)
        self.assertEqual(self.timeline().events[2].reason, "the lease passed after a start of the broker"
                         if self.client.status(self.job_id).interruptions else "the lease passed without a word")
        self.client.ask(pb.Act(kind=pb.ACT_CANCEL, job_id=self.job_id, actor="ops", act_id=fresh_id()))
        self.assertEqual([event.actor for event in self.timeline().events if event.actor], ["ops"])
        worker.close()

    def test_an_unknown_job_has_neither(self):
        self.assertEqual(self.timeline().error, ERR["ERR_NOT_FOUND"])
        self.assertEqual(self.log().error, ERR["ERR_NOT_FOUND"])

    # --- logs ---

    def test_lines_of_a_renewal_are_kept_once(self):
        worker, job = self.granted()
        self.renew(worker, job, self.lines(job, 1, "one", "two", at_ms=1_700_000_000_000))
        self.renew(worker, job, self.lines(job, 1, "one", "two", "three"))
        told = self.log()
        self.assertEqual([(line.seq, line.text) for line in told.lines], [(1, "one"), (2, "two"), (3, "three")])
        self.assertEqual(told.lines[0].at_ms, 1_700_000_000_000)
        self.assertTrue(told.lines[2].at_ms > 1_700_000_000_000)  # when it came
        self.assertEqual({line.token for line in told.lines}, {job.token})
        self.assertEqual((told.count, told.state), (3, pb.STATE_RUNNING))
        self.assertEqual([line.text for line in self.log(after=2).lines], ["three"])

    def test_lines_of_nobody_are_not_kept(self):
        worker, job = self.granted()
        self.renew(worker, job, [pb.LogLine(job_id=job.job_id, token=job.token + 1, text="not its lease")])
        self.renew(worker, job, [pb.LogLine(job_id=fresh_id(), token=job.token, text="not its job")])
        self.assertEqual(self.log().count, 0)

    def test_a_finish_brings_the_last_lines(self):
        worker, job = self.granted()
        self.renew(worker, job, self.lines(job, 1, "one"))
        done = pb.FinishJob(job_id=job.job_id, token=job.token, outcome=pb.OUTCOME_INTERRUPTED)
        finish = pb.Finish(jobs=[done], log=self.lines(job, 1, "one", "two"))
        self.assertEqual(worker.ask(finish).jobs[0].error, 0)
        self.assertEqual(worker.ask(finish).jobs[0].error, ERR["ERR_STALE_LEASE"])  # it runs again
        (again, _), = worker.take_jobs(1)
        self.assertEqual(again.log_count, 2)
        self.renew(worker, again, self.lines(again, 3, "three"))
        self.assertEqual([line.text for line in self.log().lines], ["one", "two", "three"])

    def test_a_finish_brings_the_last_progress(self):
        worker, job = self.granted()
        done = pb.FinishJob(job_id=job.job_id, token=job.token, outcome=pb.OUTCOME_SUCCEEDED, progress_done=3,
                            progress_total=4, progress_text="row 3")
        self.assertEqual(worker.ask(pb.Finish(jobs=[done])).jobs[0].error, 0)
        status = self.client.status(self.job_id)
        self.assertEqual((status.progress_done, status.progress_total, status.progress_text), (3, 4, "row 3"))

    def test_a_long_log_keeps_both_ends(self):
        worker, job = self.granted()
        for first in range(1, 4001, 1000):
            self.renew(worker, job, self.lines(job, first, *(str(n) for n in range(first, first + 1000))))
        told = self.log()
        self.assertEqual(told.count, 4000)
        numbers = [line.seq for line in told.lines]
        self.assertEqual([int(line.text) for line in told.lines], numbers)
        self.assertEqual((numbers[:128], numbers[-832:]), (list(range(1, 129)), list(range(3169, 4001))))
        self.assertTrue(len(numbers) <= 1024)

    def test_a_new_line_is_a_new_version(self):
        worker, job = self.granted()
        version = self.client.status(self.job_id).version
        self.renew(worker, job, self.lines(job, 1, "one"))
        self.assertEqual(self.client.status(self.job_id, wait_ms=20_000, version=version).version, version + 1)


if __name__ == "__main__":
    unittest.main()
