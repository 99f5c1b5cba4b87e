"""Stops of every kind: what was acknowledged is there afterwards."""

import os
import unittest
import uuid

from lib_broker import ERR, Broker, BrokerTest, fresh_id, pb


class Restart(BrokerTest):
    def test_kill_9_loses_nothing_that_was_answered(self):
        first = self.broker()
        client = self.peer(first)
        ids = [fresh_id() for _ in range(50)]
        payloads = {job_id: os.urandom(100) for job_id in ids}
        for job_id in ids:
            self.assertEqual(client.submit({"job_id": job_id, "payload": payloads[job_id]})[0].error, 0)
        keyed, = client.submit({"key": "k", "payload": b"1", "type": "other"})
        epoch, lineage = client.welcome.epoch, client.welcome.lineage
        first.kill()

        second = self.broker()
        client = self.peer(second)
        self.assertGreater(client.welcome.epoch, epoch)
        self.assertEqual(client.welcome.lineage, lineage)
        for job_id in ids:
            self.assertEqual(client.status(job_id).state, pb.STATE_QUEUED)
        again, = client.submit({"key": "k", "payload": b"1", "type": "other"})
        self.assertEqual((again.replayed, again.job_id), (True, keyed.job_id))
        other, = client.submit({"key": "k", "payload": b"2", "type": "other"})
        self.assertEqual(other.error, ERR["ERR_KEY_REUSED"])
        replay, = client.submit({"job_id": ids[0], "payload": payloads[ids[0]]})
        self.assertTrue(replay.replayed)
        worker = self.worker(second, slots=100)
        jobs = worker.take_jobs(50)
        self.assertEqual({job.job_id: payload for job, payload in jobs}, payloads)

    def test_a_running_job_survives_with_its_lease(self):
        worker_id = uuid.uuid4().bytes
        first = self.broker()
        client = self.peer(first)
        job_id = fresh_id()
        client.submit({"job_id": job_id})
        worker = self.worker(first, worker_id=worker_id)
        (job, _), = worker.take_jobs(1)
        first.kill()

        second = self.broker()
        held = pb.Held(job_id=job.job_id, token=job.token)
        worker = self.worker(second, worker_id=worker_id, running=[held])
        self.assertEqual(list(worker.welcome.lost), [])
        self.assertEqual(worker.finish(job).error, 0)
        status = self.peer(second).status(job_id)
        self.assertEqual((status.state, status.crashes), (pb.STATE_SUCCEEDED, 0))

    def test_what_was_finished_stays_finished(self):
        first = self.broker()
        client = self.peer(first)
        job_id = fresh_id()
        client.submit({"job_id": job_id})
        worker = self.worker(first)
        (job, _), = worker.take_jobs(1)
        self.assertEqual(worker.finish(job, result=b"42").error, 0)
        first.kill()
        second = self.broker()
        envelope, block = (lambda c: c.answer(c.send(pb.Status(job_id=job_id))))(self.peer(second))
        self.assertEqual((envelope.status_is.state, block), (pb.STATE_SUCCEEDED, b"42"))
        answer, = self.peer(second).submit({"job_id": job_id})
        self.assertEqual((answer.replayed, answer.state), (True, pb.STATE_SUCCEEDED))

    def test_kills_at_every_point_of_a_commit(self):
        for point in ("broker.before_commit", "broker.after_commit", "broker.before_release"):
            with self.subTest(point=point):
                self.data = os.path.join(self.data, point)
                os.makedirs(self.data)
                # The first commit is the new epoch's own, made before the doors open.
                nth = 1 if point == "broker.before_release" else 2
                dying = self.broker(env={"WEFT_FAILPOINT": f"{point}:{nth + 1}"})
                client = self.peer(dying)
                job_id, later = fresh_id(), fresh_id()
                self.assertEqual(client.submit({"job_id": job_id})[0].error, 0)
                client.send(pb.Submit(jobs=[pb.SubmitJob(job_id=later, type="test",
                                                      queue="default")]))
                dying.process.wait(30)
                self.assertEqual(dying.process.returncode, -9, dying.stderr())
                after = self.peer(self.broker())
                self.assertEqual(after.status(job_id).state, pb.STATE_QUEUED)
                # Unanswered is unknown: repeating it makes exactly one job of it.
                again, = after.submit({"job_id": later})
                self.assertEqual(again.error, 0)
                self.assertEqual(again.replayed, point != "broker.before_commit")

    def test_a_second_broker_on_the_same_directory_is_refused(self):
        first = self.broker()
        second = Broker(first.data)
        self.addCleanup(second.close)
        self.assertFalse(second.is_ready)
        self.assertEqual(second.process.wait(30), 1)
        self.assertIn("broker.not_started", second.stderr())
        self.assertIn("error=locked", second.stderr())
        answer, = self.peer(first).submit({"job_id": fresh_id()})
        self.assertEqual(answer.error, 0)

    def test_an_address_in_use_is_refused_with_its_flag(self):
        first = self.broker()
        self.data = os.path.join(self.data, "other")
        second = Broker(self.data, "--zmq", first.zmq)
        self.addCleanup(second.close)
        self.assertEqual(second.process.wait(30), 1)
        self.assertIn("--zmq", second.stderr())

    def test_sigterm_settles_answers_and_says_bye(self):
        first = self.broker()
        worker = self.worker(first)
        client = self.peer(first)
        job_id = fresh_id()
        client.submit({"job_id": job_id, "type": "unserved"})
        self.assertEqual(first.stop(), 0)
        envelope, _ = worker.receive()
        while envelope.WhichOneof("body") != "bye":
            envelope, _ = worker.receive()
        self.assertIn("broker.stopped", first.stderr())
        self.assertEqual(self.peer(self.broker()).status(job_id).state, pb.STATE_QUEUED)

    def test_wrong_flags_are_told(self):
        for flags in (["--no-such-flag"], ["--lease", "soon"], ["--lease", "1s", "--renew", "1s"]):
            broker = Broker(self.data, *flags)
            self.addCleanup(broker.close)
            self.assertEqual(broker.process.wait(30), 64, flags)
            self.assertIn("weft broker:", broker.stderr())


if __name__ == "__main__":
    unittest.main()
