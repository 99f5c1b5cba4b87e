"""Workers: jobs, credit, finishes, retries, lost workers, and whoever waits for the outcome."""

import os
import unittest
import uuid

from lib_broker import ERR, BrokerTest, fresh_id, pb
from lib_clock import Clock

LEASE_S = 30  # of a broker that is not told otherwise


class Worker(BrokerTest):
    def setUp(self):
        super().setUp()
        self.clock = Clock(os.path.join(self.data, "clock"))
        self.served = self.broker(env=self.clock.env)
        self.client = self.peer(self.served)

    def submit(self, count=1, **fields):
        jobs = [{"job_id": fresh_id(), **fields} for _ in range(count)]
        self.assertEqual({a.error for a in self.client.submit(*jobs)}, {0})
        return [job["job_id"] for job in jobs]

    def test_a_job_goes_to_a_worker_and_its_result_back(self):
        worker = self.worker(self.served)
        job_id, = self.submit(payload=b"seven", traceparent="00-trace")
        (job, payload), = worker.take_jobs(1)
        self.assertEqual((job.job_id, payload, job.attempt), (job_id, b"seven", 1))
        self.assertEqual((job.type, job.queue, job.traceparent), ("test", "default", "00-trace"))
        self.assertEqual(self.client.status(job_id).state, pb.STATE_RUNNING)
        self.assertEqual(worker.finish(job, result=b"done").error, 0)
        answer, block = self.client.answer(self.client.send(pb.Status(job_id=job_id)))
        status = answer.status_is
        self.assertEqual(status.state, pb.STATE_SUCCEEDED)
        part = status.result
        self.assertEqual(block[part.offset:part.offset + part.length], b"done")

    def test_a_job_of_an_earlier_batch_brings_its_body(self):
        bodies = [bytes([n]) * 1000 for n in range(20)]
        ids = [self.submit(payload=body)[0] for body in bodies]
        worker = self.worker(self.served, slots=20)
        jobs = worker.take_jobs(20)
        self.assertEqual({job.job_id: payload for job, payload in jobs}, dict(zip(ids, bodies)))

    def test_never_more_jobs_than_granted(self):
        self.submit(10)
        worker = self.worker(self.served, slots=3)
        jobs = worker.take_jobs(3)
        # The answer to a renewal leaves after everything decided before it.
        renewed = worker.ask(pb.Renew(running=[pb.Held(job_id=j.job_id, token=j.token)
                                               for j, _ in jobs]))
        self.assertEqual(list(renewed.lost), [])
        self.assertNotIn("jobs", [envelope.WhichOneof("body") for envelope, _ in worker.unasked])
        worker.finish(jobs[0][0])
        self.assertEqual(len(worker.take_jobs(1)), 1)
        self.served.wait_for_metric("weft_leases", 3)

    def test_many_jobs_come_in_several_messages(self):
        ids = self.submit(1000)
        worker = self.worker(self.served, slots=1000)
        self.assertEqual({job.job_id for job, _ in worker.take_jobs(1000)}, set(ids))

    def test_a_finish_is_accepted_once_and_answered_again(self):
        worker = self.worker(self.served)
        job_id, = self.submit()
        (job, _), = worker.take_jobs(1)
        self.assertEqual(worker.finish(job).error, 0)
        version = self.client.status(job_id).version
        self.assertEqual(worker.finish(job).error, 0)
        self.assertEqual(worker.finish(job, outcome=pb.OUTCOME_FAILED).error, ERR["ERR_STALE_LEASE"])
        self.assertEqual(self.client.status(job_id).version, version)
        job.token += 1
        self.assertEqual(worker.finish(job).error, ERR["ERR_STALE_LEASE"])
        job.job_id = fresh_id()
        self.assertEqual(worker.finish(job).error, ERR["ERR_NOT_FOUND"])

    def test_a_failed_job_is_tried_again_and_dies_at_its_limit(self):
        worker = self.worker(self.served)
        job_id, = self.submit(max_attempts=2, retry_first_ms=1, retry_longest_ms=1)
        for attempt in (1, 2):
            (job, _), = worker.take_jobs(1)
            self.assertEqual(job.attempt, attempt)
            worker.finish(job, pb.OUTCOME_FAILED, error_kind="test", error_message="no luck",
                          error_detail="the last words")
        status = self.client.status(job_id)
        self.assertEqual((status.state, status.errors), (pb.STATE_DEAD, 2))
        self.assertEqual((status.failure.kind, status.failure.message, status.failure.detail),
                         ("test", "no luck", "the last words"))
        self.assertIn("job.dead", self.served.stderr())

    def test_a_silent_workers_job_goes_to_another(self):
        silent = self.worker(self.served)
        job_id, = self.submit()
        (lost, _), = silent.take_jobs(1)
        self.clock.advance(LEASE_S)
        other = self.worker(self.served)
        (job, _), = other.take_jobs(1)
        self.assertEqual(job.job_id, job_id)
        self.assertGreater(job.token, lost.token)
        self.assertEqual(silent.finish(lost).error, ERR["ERR_STALE_LEASE"])
        self.assertEqual(other.finish(job).error, 0)
        self.served.wait_for_metric("weft_stale_finishes_total", 1)
        self.assertIn("lease.ended count=1", self.served.stderr())

    def test_jobs_for_a_connection_that_is_gone_go_elsewhere_at_once(self):
        patient = self.broker_of_its_own("--lease", "60s")
        client = self.peer(patient)
        # Whether the broker has noticed the end of the connection yet is up to the network; when
        # it has, the job does not wait for its lease.
        for attempt in range(20):
            kind = f"kind-{attempt}"
            gone = self.worker(patient, kind)
            self.assertEqual(gone.receive()[0].WhichOneof("body"), "renewed")
            gone.close()
            client.submit({"job_id": fresh_id(), "type": kind})
            other = self.worker(patient, kind)
            self.assertEqual(other.receive()[0].WhichOneof("body"), "renewed")
            if other.receive(patience_s=2) is not None:
                return
        self.fail("every job waited for its lease")

    def broker_of_its_own(self, *flags):
        self.data += "-own"
        return self.broker(*flags)

    def test_a_new_session_keeps_the_jobs_it_names_and_loses_the_others(self):
        worker_id = uuid.uuid4().bytes
        worker = self.worker(self.served, slots=2, worker_id=worker_id)
        self.submit(2)
        (kept, _), (forgotten, _) = worker.take_jobs(2)
        again = self.worker(self.served, slots=2, worker_id=worker_id,
                            running=[pb.Held(job_id=kept.job_id, token=kept.token),
                                     pb.Held(job_id=kept.job_id, token=kept.token + 1000)])
        self.assertEqual([held.token for held in again.welcome.lost], [kept.token + 1000])
        (job, _), = again.take_jobs(1)
        self.assertEqual(job.job_id, forgotten.job_id)
        self.assertEqual(again.finish(kept).error, 0)


class Leaving(BrokerTest):
    """Leases last longer than any test."""

    def setUp(self):
        super().setUp()
        self.served = self.broker("--lease", "30m", "--renew", "10m")
        self.client = self.peer(self.served)
        self.leaver = self.worker(self.served, slots=2)
        ids = [fresh_id(), fresh_id()]
        self.client.submit(*({"job_id": job_id} for job_id in ids))
        self.first, self.second = (job for job, _ in self.leaver.take_jobs(2))

    def told(self, job):
        status = self.client.status(job.job_id)
        return status.state, status.attempt, status.crashes, status.interruptions

    def test_who_leaves_gives_back_at_once_what_it_does_not_name(self):
        named = pb.Held(job_id=self.second.job_id, token=self.second.token)
        self.leaver.send(pb.Bye(running=[named], is_all=True))
        (again, _), = self.worker(self.served).take_jobs(1)
        self.assertEqual((again.job_id, again.attempt), (self.first.job_id, 1))
        self.assertEqual(self.told(self.first), (pb.STATE_RUNNING, 1, 0, 1))
        self.assertEqual(self.told(self.second), (pb.STATE_RUNNING, 1, 0, 0))
        # It comes back with what it named; what it gave back is somebody else's.
        old = pb.Held(job_id=self.first.job_id, token=self.first.token)
        welcome = self.leaver.say_hello([named, old])
        self.assertEqual([held.token for held in welcome.lost], [old.token])
        self.assertEqual(self.leaver.finish(self.second).error, 0)
        self.assertEqual(self.leaver.finish(self.first).error, ERR["ERR_STALE_LEASE"])

    def test_a_word_that_comes_after_it_counts_once(self):
        self.leaver.send(pb.Bye(is_all=True))
        self.leaver.say_hello()
        self.assertEqual(self.told(self.first), (pb.STATE_QUEUED, 1, 0, 1))
        self.assertEqual([self.leaver.finish(self.first).error for _ in range(2)], [0, 0])
        self.assertEqual(self.told(self.first)[0], pb.STATE_SUCCEEDED)

    def test_a_bye_that_does_not_say_that_it_is_all_leaves_leases_alone(self):
        self.leaver.send(pb.Bye())
        self.leaver.say_hello([pb.Held(job_id=job.job_id, token=job.token) for job in (self.first, self.second)])
        self.assertEqual([self.told(job) for job in (self.first, self.second)], [(pb.STATE_RUNNING, 1, 0, 0)] * 2)


class Wait(BrokerTest):
    def setUp(self):
        super().setUp()
        self.clock = Clock(os.path.join(self.data, "clock"))
        self.served = self.broker(env=self.clock.env)
        self.client = self.peer(self.served)
        self.job_id = fresh_id()
        self.client.submit({"job_id": self.job_id})

    def test_a_question_waits_for_the_next_version(self):
        version = self.client.status(self.job_id).version
        corr = self.client.send(pb.Status(job_id=self.job_id, wait_ms=60000, version=version))
        repeated = self.client.send(pb.Status(job_id=self.job_id, wait_ms=60000, version=version),
                                    corr=corr)
        self.assertEqual(repeated, corr)
        self.served.wait_for_metric("weft_watches", 1)
        worker = self.worker(self.served)
        (job, _), = worker.take_jobs(1)
        envelope, _ = self.client.answer(corr)
        self.assertEqual(envelope.status_is.state, pb.STATE_RUNNING)
        done = self.client.send(pb.Status(job_id=self.job_id, wait_ms=60000,
                                          version=envelope.status_is.version))
        worker.finish(job)
        envelope, _ = self.client.answer(done)
        self.assertEqual(envelope.status_is.state, pb.STATE_SUCCEEDED)
        self.served.wait_for_metric("weft_watches", 0)
        self.assertEqual(self.client.unasked, [])

    def test_what_waits_is_counted_though_nothing_is_committed(self):
        """And so is what was refused."""
        self.served.wait_for_metric("weft_submitted_total", 1)  # by now all figures are told that there were
        version = self.client.status(self.job_id).version
        corr = self.client.send(pb.Status(job_id=self.job_id, wait_ms=60000, version=version))
        self.served.wait_for_metric("weft_watches", 1)
        self.clock.advance(60)
        self.client.status(fresh_id())  # whoever is asked looks at the clock
        self.assertEqual(self.client.answer(corr)[0].status_is.version, version)
        self.served.wait_for_metric("weft_watches", 0)
        self.assertEqual(self.client.ask(pb.Status(job_id=b"odd")).error, ERR["ERR_MALFORMED"])
        self.served.wait_for_metric("weft_messages_refused_total", 1)

    def test_an_ended_job_is_answered_at_once(self):
        worker = self.worker(self.served)
        (job, _), = worker.take_jobs(1)
        worker.finish(job)
        version = self.client.status(self.job_id).version
        status = self.client.status(self.job_id, wait_ms=60000, version=version + 10)
        self.assertEqual(status.state, pb.STATE_SUCCEEDED)

    def test_the_time_ends_the_wait_with_what_is(self):
        version = self.client.status(self.job_id).version
        status = self.client.status(self.job_id, wait_ms=50, version=version)
        self.assertEqual((status.state, status.version), (pb.STATE_QUEUED, version))

    def test_an_unknown_job_is_answered_at_once(self):
        self.assertEqual(self.client.status(fresh_id(), wait_ms=60000).error, ERR["ERR_NOT_FOUND"])

    def test_a_batch_is_waited_for(self):
        batch_id = uuid.uuid4().bytes
        jobs = [{"job_id": fresh_id(), "batch_id": batch_id, "batch_index": n, "type": "b"}
                for n in range(3)]
        self.client.submit(*jobs)
        status = self.client.ask(pb.BatchStatus(batch_id=batch_id))
        self.assertEqual(status.counts[pb.STATE_QUEUED], 3)
        worker = self.worker(self.served, "b", slots=3)
        for job, _ in worker.take_jobs(3):
            worker.finish(job)
        while status.counts[pb.STATE_SUCCEEDED] < 3:
            before = status.version
            status = self.client.ask(pb.BatchStatus(batch_id=batch_id, wait_ms=60000,
                                                    version=before))
            self.assertGreater(status.version, before)


if __name__ == "__main__":
    unittest.main()
