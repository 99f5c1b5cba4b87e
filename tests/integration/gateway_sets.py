"""Batches as sets, through gateway and broker."""

import os
import tempfile
import unittest

from lib_broker import Broker
from lib_gateway import Gateway, wait_for
from lib_worker import Worker

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

    def test_the_jobs_of_a_batch_are_listed(self):
        self.push('{"type":"a"}')
        batch = self.push(*['{"type":"b","queue":"q%d"}' % n for n in range(5)]).json
        items = batch["status_url"] + "/items"
        listed = self.gateway.ask("GET", items + "?limit=3")
        self.assertEqual((listed.status, [job["queue"] for job in listed.json["jobs"]]), (200, ["q4", "q3", "q2"]))
        rest = self.gateway.ask("GET", items + "?cursor=" + listed.json["cursor"]).json
        self.assertEqual(([job["queue"] for job in rest["jobs"]], "cursor" in rest), (["q1", "q0"], False))
        self.gateway.ask("POST", rest["jobs"][0]["status_url"] + ":cancel")
        self.assertEqual([job["queue"] for job in self.gateway.ask("GET", items + "?status=cancelled").json["jobs"]], ["q1"])
        self.assertEqual([job["batch_index"] for job in listed.json["jobs"] + rest["jobs"]], [4, 3, 2, 1, 0])
        self.assertNotIn("batch_index", self.gateway.ask("GET", "/v1/jobs").json["jobs"][0])
        for unknown in ("/v1/batches/01890a5d-ac96-774b-bcce-b302099a8057/items", "/v1/batches/x/items"):
            self.assertEqual(self.gateway.ask("GET", unknown).status, 404)

    def operation(self, path, **headers):
        answer = self.gateway.ask("POST", path, **headers)
        self.assertIn(answer.status, (200, 202), answer)
        self.assertEqual(answer.headers["Location"], answer.json["status_url"])
        seen = self.gateway.ask("GET", answer.json["status_url"] + "?wait=30s").json
        self.assertEqual(seen["status"], "over", seen)
        return seen

    def test_all_jobs_of_a_batch_are_cancelled(self):
        other = self.push('{"type":"a"}').json
        batch = self.push(*['{"type":"a"}'] * 700).json
        counted = self.gateway.ask("POST", batch["status_url"] + ":cancel?dry_run=true")
        self.assertEqual((counted.status, counted.json["matched"]), (200, 700), counted)
        seen = self.operation(batch["status_url"] + ":cancel", Idempotency_Key="stop")
        self.assertEqual((seen["act"], seen["matched"], seen["done"]), ("cancel", 700, 700), seen)
        self.assertEqual(self.operation(batch["status_url"] + ":cancel", Idempotency_Key="stop"), seen)
        status = self.gateway.ask("GET", batch["status_url"] + "?wait=30s").json
        self.assertEqual((status["status"], status["counts"]["cancelled"]), ("finished", 700))
        self.assertEqual(self.gateway.ask("GET", other["status_url"]).json["counts"]["queued"], 1)
        seen = self.operation(batch["status_url"] + ":retry")
        self.assertEqual((seen["act"], seen["matched"]), ("retry", 0))

    def test_the_dead_jobs_of_a_batch_live_again(self):
        batch = self.push('{"type":"test"}', '{"type":"test","queue":"bad"}', '{"type":"test","queue":"bad"}').json
        def worker(name, script):
            return Worker(self.broker.zmq, os.path.join(self.place.name, name), ["sh", "-c", script])
        first = worker("w1", 'test "$WEFT_JOB_QUEUE" != bad || exit 65')
        self.addCleanup(first.close)
        wait_for("the end", lambda: self.gateway.ask("GET", batch["status_url"]).json["counts"]["dead"] == 2)
        ended = self.gateway.ask("GET", batch["status_url"] + "?wait=30s").json
        first.close()
        seen = self.operation(batch["status_url"] + ":retry")
        self.assertEqual((seen["matched"], seen["done"]), (2, 2), seen)
        second = worker("w2", "exit 0")
        self.addCleanup(second.close)
        wait_for("success", lambda: self.gateway.ask("GET", batch["status_url"]).json["counts"]["succeeded"] == 3)
        self.assertEqual(self.gateway.ask("GET", batch["status_url"]).json["finished_at"], ended["finished_at"])

    def test_acts_on_batches_are_refused_by_name(self):
        batch = "/v1/batches/01890a5d-ac96-774b-bcce-b302099a8057"
        for path, status in ((batch, 404), (batch + ":stop", 404), ("/v1/batches/x:cancel", 404),
                             (batch + ":cancel?wait=1s", 400)):
            self.assertEqual(self.gateway.ask("POST", path).status, status, path)
        self.assertEqual(self.gateway.ask("GET", "/v1/operations/01890a5d-ac96-774b-bcce-b302099a8057").status, 404)
        self.assertEqual(self.gateway.ask("POST", batch + ":cancel", Idempotency_Key="").status, 400)

    def test_a_job_waits_for_a_batch(self):
        batch = self.push('{"type":"a"}', '{"type":"a"}').json
        child = self.gateway.submit({"type": "c", "after": [batch["batch_id"]], "on_dependency_failure": "run"})
        self.assertEqual((child.status, child.json["status"]), (202, "scheduled"), child)
        jobs = self.gateway.ask("GET", batch["status_url"] + "/items").json["jobs"]
        self.gateway.ask("POST", jobs[0]["status_url"] + ":cancel")
        self.assertEqual(self.gateway.ask("DELETE", jobs[0]["status_url"]).status, 409)
        doomed = self.gateway.submit({"type": "c", "after": [batch["batch_id"]], "on_dependency_failure": "cancel"})
        endpoint = self.broker.zmq
        self.broker.close()
        self.broker = Broker(os.path.join(self.place.name, "broker"), "--zmq", endpoint)
        self.gateway.wait_ready()
        wait_for("the seal", lambda: self.gateway.ask("GET", batch["status_url"]).json.get("sealed"))
        self.assertEqual(self.gateway.ask("GET", child.json["status_url"]).json["status"], "scheduled")
        self.gateway.ask("POST", jobs[1]["status_url"] + ":cancel")
        for job, status in ((child, "queued"), (doomed, "cancelled")):
            wait_for(status, lambda job=job, status=status:
                     self.gateway.ask("GET", job.json["status_url"]).json["status"] == status)
        none = self.gateway.submit({"type": "c", "after": ["01890a5d-ac96-774b-bcce-b302099a8057"], "on_dependency_failure": "run"})
        self.assertEqual(none.status, 422)

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
        # A gateway that heard no answer within its ten seconds says so, and the same is stored once.
        wait_for("16 MB are stored", lambda: self.push(*large[:16], path=path, Idempotency_Key="large").status == 202)
        wait_for("the seal", lambda: self.gateway.ask("GET", answer.json["status_url"]).json["sealed"])


if __name__ == "__main__":
    unittest.main()
