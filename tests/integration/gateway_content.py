"""Jobs that are known by their content: one job, whoever derives the key, at both doors."""

import hashlib
import json
import struct
import unittest
import uuid

from lib_broker import BrokerTest, pb
from lib_gateway import Gateway, derived_id

PAYLOAD = '{"invoice": 7}'


def content_key(queue, kind_of_work, payload, kind=2):
    """As docs/protocol.md has it."""
    def put(text):
        return struct.pack(">I", len(text.encode())) + text.encode()

    def hashed(data):
        return hashlib.blake2b(data, digest_size=16).digest()
    about = b"weft/content/1" + put(queue) + put(kind_of_work) + bytes([kind]) + hashed(payload.encode())
    return "content-" + hashed(about).hex()


def id_of(key):
    full, slot = derived_id("default", key)
    number = int.from_bytes(full, "big") & ~(0xFFF << 116) | slot << 116
    number = number & ~(0xF << 76) | 8 << 76
    return str(uuid.UUID(int=number & ~(3 << 62) | 2 << 62))


class Content(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.gateway = Gateway(self.served.zmq)
        self.addCleanup(self.gateway.close)
        self.gateway.wait_ready()

    def post(self, path, text, kind="application/json", **headers):
        return self.gateway.ask("POST", path, text.encode(), **{"Content-Type": kind, **headers})

    def job(self, payload=PAYLOAD, queue="default", more=""):
        return f'{{"type": "bill", "queue": "{queue}", "dedup": "content", "payload": {payload}{more}}}'

    def test_the_same_content_is_the_same_job(self):
        first = self.post("/v1/jobs", self.job())
        self.assertEqual((first.status, first.headers["Idempotency-Replayed"]), (202, None), first)
        again = self.post("/v1/jobs", self.job())
        self.assertEqual((again.json["job_id"], again.headers["Idempotency-Replayed"]), (first.json["job_id"], "true"))
        # A client computes the same.
        key = content_key("default", "bill", PAYLOAD)
        self.assertEqual(first.json["job_id"], id_of(key))
        by_key = self.post("/v1/jobs", self.job().replace('"dedup": "content", ', ""), **{"Idempotency-Key": key})
        self.assertEqual((by_key.status, by_key.json["job_id"]), (202, first.json["job_id"]))
        client = self.peer(self.served)
        said = client.ask(pb.Submit(jobs=[pb.SubmitJob(key=key, queue="default", type="bill", payload=pb.Part(
            length=len(PAYLOAD), content=pb.CONTENT_JSON))]), PAYLOAD.encode())
        self.assertEqual((said.jobs[0].error, said.jobs[0].replayed), (0, True))
        # Other bytes, another queue: another job. Other options: not the same submission.
        others = {self.post("/v1/jobs", self.job(payload)).json["job_id"] for payload in ('{"invoice":7}', "8", '"8"')}
        others.add(self.post("/v1/jobs", self.job(queue="mail")).json["job_id"])
        self.assertEqual(len(others | {first.json["job_id"]}), 5)
        self.assertEqual(self.post("/v1/jobs", self.job(more=', "priority": 1')).status, 422)

    def test_records_of_a_batch(self):
        first = self.post("/v1/jobs", self.job())
        lines = "\n".join([self.job(), self.job("1"), self.job("1"), json.dumps({"type": "bill", "payload": 1})])
        said = self.post("/v1/batches", lines, "application/x-ndjson", **{"Idempotency-Key": "batch"})
        self.assertEqual((said.status, said.json["accepted"], said.json["replayed"]), (202, 2, 2), said)
        self.assertEqual(self.gateway.ask("GET", first.json["status_url"]).status, 200)

    def test_beside_a_key_it_is_refused(self):
        refused = self.post("/v1/jobs", self.job(), **{"Idempotency-Key": "a"})
        self.assertEqual((refused.status, refused.json["detail"]), (400, "dedup and Idempotency-Key exclude each other"))
        said = self.post("/v1/batches", self.job(more=', "key": "a"'), "application/x-ndjson")
        self.assertEqual(said.json["rejections"][0]["problem"]["detail"], "key and dedup exclude each other")
        put = self.gateway.ask("PUT", "/v1/schedules/s", json.dumps({"cron": "@daily", "job": json.loads(self.job())}),
                               **{"Content-Type": "application/json"})
        self.assertIn("job.dedup", put.json["detail"])


if __name__ == "__main__":
    unittest.main()
