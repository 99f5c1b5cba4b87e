"""Batches as sets, through gateway and broker."""

import os
import tempfile
import unittest

from lib_broker import Broker
from lib_gateway import Gateway, wait_for

NDJSON = "application/x-ndjson"


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

    def test_atomic_over_http_stores_all_or_none(self):
        path = "/v1/batches?mode=atomic"
        answer = self.push('{"type":"a"}', '{"type":"A"}', '{"type":"a","unique":{"key":"k"}}', path=path)
        self.assertEqual((answer.status, answer.json["accepted"], answer.json["rejected"]), (400, 0, 1), answer)
        self.assertEqual([r["line"] for r in answer.json["rejections"]], [2])
        # What only the broker can see.
        twice = ['{"type":"a","unique":{"key":"k"}}'] * 2
        answer = self.push(*twice, path=path)
        self.assertEqual((answer.status, [r["line"] for r in answer.json["rejections"]]), (409, [2]), answer)
        self.assertEqual(self.gateway.ask("GET", "/v1/jobs").json["jobs"], [])
        self.assertEqual(self.push(*twice).json["accepted"], 1)
        records = ['{"type":"a","payload":%d}' % i for i in range(10000)]
        answer = self.push(*records, path=path, Idempotency_Key="all")
        self.assertEqual((answer.status, answer.json["accepted"]), (202, 10000), answer)
        counts = self.gateway.ask("GET", answer.json["status_url"]).json
        self.assertEqual(counts["progress"]["total"], 10000)
        answer = self.push(*records, path=path, Idempotency_Key="all")
        self.assertEqual((answer.status, answer.json["replayed"]), (202, 10000), answer)
        large = ['{"type":"a","payload":"%s"}' % ("x" * 1000000)] * 17
        self.assertEqual(self.push(*large, path=path).status, 413)
        self.assertEqual(self.push(*large[:16], path=path).json["accepted"], 16)
        wait_for("the seal", lambda: self.gateway.ask("GET", answer.json["status_url"]).json["sealed"])


if __name__ == "__main__":
    unittest.main()
