"""Batches as sets: sealed, finished once, whatever dies in between."""

import os
import tempfile
import unittest
import uuid

from lib_broker import Broker, BrokerTest, ERR, fresh_id, pb
from lib_gateway import Gateway, wait_for

NDJSON = "application/x-ndjson"


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


class OverHttp(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory(prefix="weft-batches-")
        self.addCleanup(self.place.cleanup)
        self.broker = Broker(os.path.join(self.place.name, "broker"))
        self.addCleanup(lambda: self.broker.close())
        self.gateway = Gateway(self.broker.zmq)
        self.addCleanup(self.gateway.close)
        self.gateway.wait_ready()

    def push(self, *records, path="/v1/batches", **headers):
        body = "".join(record + "\n" for record in records).encode()
        return self.gateway.ask("POST", path, body, Content_Type=NDJSON, **headers)

    def test_a_batch_is_sealed_and_finished(self):
        batch = self.push('{"type":"a"}', '{"type":"a"}').json
        wait_for("the seal", lambda: self.gateway.ask("GET", batch["status_url"]).json["sealed"])
        self.assertNotIn("finished_at", self.gateway.ask("GET", batch["status_url"]).json)
        jobs = self.gateway.ask("GET", "/v1/jobs").json["jobs"]
        for job in jobs:
            self.gateway.ask("POST", job["status_url"] + ":cancel")
        seen = self.gateway.ask("GET", batch["status_url"] + "?wait=30s").json
        self.assertEqual((seen["status"], seen["progress"]), ("finished", {"done": 2, "total": 2}))
        self.assertIn("finished_at", seen)


if __name__ == "__main__":
    unittest.main()
