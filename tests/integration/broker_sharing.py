"""Concurrency keys and their orders, through the broker's door."""

import os
import unittest

from lib_broker import BrokerTest, fresh_id, pb
from lib_clock import Clock


class SharingTest(BrokerTest):
    def submit(self, **fields):
        job_id = fresh_id()
        self.assertEqual(self.client.submit({"job_id": job_id, **fields})[0].error, 0)
        return job_id

    def set(self, **settings):
        self.assertEqual(self.client.ask(pb.QueueSet(queue="default", **settings)).error, 0)

    def waiting_on(self, job_id):
        return pb.WaitingOn.Name(self.client.status(job_id).waiting_on)


class Sharing(SharingTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.client = self.peer(self.served)

    def taken(self, worker, count):
        return [job for job, _ in worker.take_jobs(count)]

    def test_one_job_of_a_concurrency_key_runs_at_once(self):
        first, second = (self.submit(concurrency_key="tenant-42") for _ in range(2))
        other = self.submit(concurrency_key="tenant-43")
        plain = self.submit()
        worker = self.worker(self.served, slots=4)
        jobs = self.taken(worker, 3)
        self.assertEqual([job.job_id for job in jobs], [first, other, plain])
        status = self.client.status(second)
        self.assertEqual((status.state, status.concurrency_key), (pb.STATE_QUEUED, "tenant-42"))
        worker.finish(jobs[0])
        self.assertEqual(self.taken(worker, 1)[0].job_id, second)

    def in_order(self, order):
        """Ids of three jobs of one key, the first of which fails once, and a worker."""
        ids = [self.submit(concurrency_key="k", order=order, priority=9 - n, retry_first_ms=300, retry_longest_ms=300)
               for n in range(3)]
        worker = self.worker(self.served, slots=4)
        job, = self.taken(worker, 1)
        self.assertEqual(job.job_id, ids[0])
        worker.finish(job, pb.OUTCOME_FAILED)
        return ids, worker

    def finish_all(self, worker, count):
        order = []
        for _ in range(count):
            job, = self.taken(worker, 1)
            order.append(job.job_id)
            worker.finish(job)
        return order

    def test_fifo_waits_for_the_retry_of_its_head(self):
        ids, worker = self.in_order(pb.ORDER_FIFO)
        self.assertEqual(self.client.status(ids[1]).order, pb.ORDER_FIFO)
        self.assertEqual(self.finish_all(worker, 3), ids)

    def test_fifo_skip_passes_it(self):
        ids, worker = self.in_order(pb.ORDER_FIFO_SKIP)
        job, = self.taken(worker, 1)
        self.assertEqual(job.job_id, ids[1])
        worker.finish(job)
        self.assertEqual(sorted(self.finish_all(worker, 2)), sorted([ids[0], ids[2]]))

    def test_the_status_says_why_a_job_waits(self):
        first, second = (self.submit(concurrency_key="k", order=pb.ORDER_FIFO, retry_first_ms=60000) for _ in range(2))
        self.assertEqual(self.waiting_on(first), "WAITING_NO_WORKER")
        later = self.submit(delay_ms=60000)
        child = self.submit(after=[second], on_dependency_failure=pb.ON_FAILURE_RUN)
        self.assertEqual(self.waiting_on(later), "WAITING_SCHEDULED")
        self.assertEqual(self.waiting_on(child), "WAITING_DEPENDENCY")
        worker = self.worker(self.served, slots=1)
        job, = self.taken(worker, 1)
        plain = self.submit()
        self.assertEqual(self.waiting_on(first), "WAITING_NONE")
        self.assertEqual(self.waiting_on(second), "WAITING_KEY_BUSY")
        self.assertEqual(self.waiting_on(plain), "WAITING_NO_CREDIT")
        worker.finish(job, pb.OUTCOME_FAILED)
        self.assertEqual(self.waiting_on(first), "WAITING_BACKOFF")
        self.assertEqual(self.waiting_on(second), "WAITING_KEY_BUSY")
        self.finish_all(worker, 1)
        self.assertEqual(self.waiting_on(plain), "WAITING_NONE")

    def test_a_question_that_waits_is_told_why_in_the_end(self):
        job_id = self.submit()
        status = self.client.status(job_id, wait_ms=300, version=1)
        self.assertEqual((status.version, status.waiting_on), (1, pb.WAITING_NO_WORKER))

    def test_a_queue_runs_as_many_jobs_as_it_may(self):
        self.set(running_max=2)
        worker = self.worker(self.served, slots=4)
        ids = [self.submit() for _ in range(3)]
        jobs = self.taken(worker, 2)
        self.assertEqual(self.waiting_on(ids[2]), "WAITING_QUEUE_BUSY")
        worker.finish(jobs[0])
        self.assertEqual(self.taken(worker, 1)[0].job_id, ids[2])

    def test_a_queue_says_how_many_jobs_of_a_key_run(self):
        self.set(key_running_max=2)
        worker = self.worker(self.served, slots=4)
        ids = [self.submit(concurrency_key="k") for _ in range(3)]
        jobs = self.taken(worker, 2)
        self.assertEqual(self.waiting_on(ids[2]), "WAITING_KEY_BUSY")
        worker.finish(jobs[1])
        self.assertEqual(self.taken(worker, 1)[0].job_id, ids[2])

    def test_an_order_needs_a_key(self):
        answer, = self.client.submit({"job_id": fresh_id(), "order": pb.ORDER_FIFO})
        self.assertIn("concurrency_key", answer.detail)


class Rates(SharingTest):
    """The broker's clock stands but for what a test adds, so what a bucket has by now is known. It is empty at the start."""

    def setUp(self):
        super().setUp()
        self.clock = Clock(os.path.join(self.data, "clock"), stands=True)
        self.served = self.broker(env=self.clock.env)
        self.client = self.peer(self.served)

    def started(self, worker, seconds):
        """The jobs that have come when so much more time has passed."""
        self.clock.advance(seconds)
        for _ in range(2):  # the first wakes the broker, the second is answered after what it has granted then
            worker.ask(pb.Renew())
        come = [job.job_id for envelope, _ in worker.unasked for job in envelope.jobs.jobs]
        worker.unasked = []
        return come

    def test_a_rate_spreads_the_starts(self):
        self.set(rate_count=5, rate_per_ms=1000)
        worker = self.worker(self.served, slots=16)
        ids = [self.submit() for _ in range(12)]
        self.assertEqual(self.waiting_on(ids[0]), "WAITING_RATE_LIMITED")
        self.assertEqual(self.started(worker, 0.199), [])
        self.assertEqual(self.started(worker, 0.001), ids[:1])
        self.assertEqual(self.started(worker, 0.4), ids[1:3])
        self.assertEqual(self.started(worker, 0.4), ids[3:5])
        self.assertEqual(self.started(worker, 60), ids[5:10], "no more than the bucket holds")

    def test_a_job_takes_its_cost_from_the_rate(self):
        self.set(rate_count=5, rate_per_ms=1000)
        worker = self.worker(self.served, slots=16)
        ids = [self.submit(cost=5) for _ in range(3)]
        self.assertEqual(self.client.status(ids[0]).cost, 5)
        for job_id in ids:
            self.assertEqual(self.started(worker, 0.999), [])
            self.assertEqual(self.started(worker, 0.001), [job_id])

    def test_each_key_has_its_rate(self):
        self.set(key_rate_count=2, key_rate_per_ms=1000, key_running_max=16)
        worker = self.worker(self.served, slots=16)
        limited = [self.submit(concurrency_key="k") for _ in range(4)]
        plain = self.submit()
        self.assertEqual(self.waiting_on(limited[0]), "WAITING_RATE_LIMITED")
        self.assertEqual(self.started(worker, 0), [plain])
        self.assertEqual(self.started(worker, 1), limited[:2])
        self.assertEqual(self.started(worker, 1), limited[2:])


if __name__ == "__main__":
    unittest.main()
