"""Batches as sets: sealed, finished once, stored whole; whatever dies in between."""

import os
import unittest
import uuid

from lib_broker import BrokerTest, ERR, fresh_id, pb


class Sealed(BrokerTest):
    def setUp(self):
        super().setUp()
        self.batch_id = uuid.uuid4().bytes

    def status(self, client, **more):
        return client.ask(pb.BatchStatus(batch_id=self.batch_id, **more))

    def submit(self, client, count=1, **fields):
        return client.submit(*({"job_id": fresh_id(), "batch_id": self.batch_id, "type": "b", **fields}
                               for _ in range(count)))

    def test_a_batch_finishes_once_and_over_kills(self):
        broker = self.broker()
        client = self.peer(broker)
        self.submit(client, 2)
        worker = self.worker(broker, "b", slots=2)
        first, second = (job for job, _ in worker.take_jobs(2))
        worker.finish(first)
        self.assertFalse(self.status(client).is_sealed)
        sealed = client.ask(pb.BatchSeal(batch_id=self.batch_id))
        self.assertEqual((sealed.error, sealed.is_sealed, sealed.finished_at_ms), (0, True, 0))
        self.assertEqual(client.ask(pb.BatchSeal(batch_id=self.batch_id)), sealed)
        worker.finish(second, pb.OUTCOME_DEAD)
        finished = self.status(client, wait_ms=60000, version=sealed.version)
        self.assertGreater(finished.finished_at_ms, 0)
        broker.kill()
        broker = self.broker()
        client = self.peer(broker)
        self.assertEqual(self.status(client), finished)
        client.ask(pb.Act(kind=pb.ACT_RETRY, job_id=second.job_id, act_id=fresh_id()))
        worker = self.worker(broker, "b")
        (job, _), = worker.take_jobs(1)
        worker.finish(job)
        again = self.status(client, wait_ms=60000, version=finished.version + 2)
        self.assertEqual((again.counts[pb.STATE_SUCCEEDED], again.finished_at_ms), (2, finished.finished_at_ms))

    def test_an_unknown_batch_is_not_sealed(self):
        client = self.peer(self.broker())
        self.assertEqual(client.ask(pb.BatchSeal(batch_id=self.batch_id)).error, ERR["ERR_NOT_FOUND"])

    def test_time_seals_what_its_submitter_left(self):
        broker = self.broker("--batch-seal", "500ms")
        client = self.peer(broker)
        self.submit(client)
        status = self.status(client, wait_ms=60000, version=1)
        self.assertEqual((status.version, status.is_sealed), (2, True))

    def test_a_late_job_opens_it_again(self):
        broker = self.broker()
        client = self.peer(broker)
        self.submit(client)
        client.ask(pb.BatchSeal(batch_id=self.batch_id))
        self.submit(client)
        self.assertFalse(self.status(client).is_sealed)
        self.assertTrue(client.ask(pb.BatchSeal(batch_id=self.batch_id)).is_sealed)


class Items(BrokerTest):
    def test_the_jobs_of_a_batch_are_listed(self):
        client = self.peer(self.broker())
        batch_id = fresh_id()
        self.assertEqual(client.ask(pb.List(batch_id=batch_id)).error, ERR["ERR_NOT_FOUND"])
        jobs = [fresh_id() for _ in range(9)]
        for n, job_id in enumerate(jobs):
            client.submit({"job_id": job_id, "type": "t", "batch_id": batch_id if n % 3 == 1 else b""})
        listed = client.ask(pb.List(batch_id=batch_id))
        self.assertEqual([job.job_id for job in listed.jobs], [jobs[7], jobs[4], jobs[1]])
        self.assertEqual(listed.cursor, 0)
        page = client.ask(pb.List(batch_id=batch_id, limit=2))
        rest = client.ask(pb.List(batch_id=batch_id, limit=2, cursor=page.cursor))
        self.assertEqual([job.job_id for job in rest.jobs], [jobs[1]])
        client.ask(pb.Act(kind=pb.ACT_CANCEL, job_id=jobs[4], act_id=fresh_id()))
        listed = client.ask(pb.List(batch_id=batch_id, states=1 << pb.STATE_CANCELLED))
        self.assertEqual([job.job_id for job in listed.jobs], [jobs[4]])


class Atomic(BrokerTest):
    def jobs(self, count, **fields):
        return [pb.SubmitJob(job_id=fresh_id(), type="test", queue="default", **fields) for _ in range(count)]

    def test_atomic_is_all_or_none(self):
        client = self.peer(self.broker())
        jobs = self.jobs(3)
        jobs[1].type = "Bad"
        answer = client.ask(pb.Submit(jobs=jobs, atomic=True))
        self.assertEqual([job.error for job in answer.jobs],
                         [ERR["ERR_ATOMIC"], ERR["ERR_BAD_FIELD"], ERR["ERR_ATOMIC"]])
        self.assertEqual(client.status(jobs[0].job_id).error, ERR["ERR_NOT_FOUND"])
        jobs[1].type = "good"
        answer = client.ask(pb.Submit(jobs=jobs, atomic=True))
        self.assertEqual([job.error for job in answer.jobs], [0, 0, 0])
        answer = client.ask(pb.Submit(jobs=jobs + self.jobs(1), atomic=True))
        self.assertEqual([job.replayed for job in answer.jobs], [True, True, True, False])

    def test_limits_of_one_message(self):
        client = self.peer(self.broker())
        self.assertEqual(client.ask(pb.Submit(jobs=self.jobs(1025))).error, ERR["ERR_TOO_LARGE"])
        answer = client.ask(pb.Submit(jobs=self.jobs(10000), atomic=True))
        self.assertEqual((len(answer.jobs), sum(job.error for job in answer.jobs)), (10000, 0))
        self.assertEqual(client.ask(pb.Submit(jobs=self.jobs(10001), atomic=True)).error, ERR["ERR_TOO_LARGE"])
        seventeen = [pb.Part(offset=n << 20, length=1 << 20, content=pb.CONTENT_BYTES) for n in range(17)]
        jobs = [pb.SubmitJob(job_id=fresh_id(), type="test", queue="default", payload=part) for part in seventeen]
        self.assertEqual(client.ask(pb.Submit(jobs=jobs, atomic=True), bytes(17 << 20)).error, ERR["ERR_TOO_LARGE"])
        answer = client.ask(pb.Submit(jobs=jobs[:16], atomic=True), bytes(16 << 20))
        self.assertEqual([job.error for job in answer.jobs], [0] * 16)

    def test_a_full_table_refuses_all(self):
        client = self.peer(self.broker("--job-count-max", "100"))
        jobs = self.jobs(101)
        answer = client.ask(pb.Submit(jobs=jobs, atomic=True))
        self.assertEqual([job.error for job in answer.jobs], [ERR["ERR_ATOMIC"]] * 100 + [ERR["ERR_FULL"]])
        answer = client.ask(pb.Submit(jobs=jobs[:100], atomic=True))
        self.assertEqual(sum(job.error for job in answer.jobs), 0)

    def test_a_kill_at_any_point_leaves_all_or_none(self):
        for point in ("broker.before_commit", "store.before_commit", "store.after_commit", "broker.after_commit",
                      "broker.before_release"):
            with self.subTest(point=point):
                self.data = os.path.join(self.data, point)
                os.makedirs(self.data)
                # The first commit is the new epoch's own, made before the doors open.
                nth = 1 if point == "broker.before_release" else 2
                dying = self.broker(env={"WEFT_FAILPOINT": f"{point}:{nth}"})
                batch_id, jobs = fresh_id(), self.jobs(2000)
                for job in jobs:
                    job.batch_id = batch_id
                self.peer(dying).send(pb.Submit(jobs=jobs, atomic=True))
                self.assertEqual(dying.process.wait(30), -9, dying.stderr())
                client = self.peer(self.broker())
                stored = 0 if point.endswith(".before_commit") else 2000
                self.assertEqual(sum(client.ask(pb.BatchStatus(batch_id=batch_id)).counts), stored)
                answer = client.ask(pb.Submit(jobs=jobs, atomic=True))
                self.assertEqual(sum(job.replayed for job in answer.jobs), stored)
                self.assertEqual(sum(client.ask(pb.BatchStatus(batch_id=batch_id)).counts), 2000)


if __name__ == "__main__":
    unittest.main()
