"""What is wrong is said in words that help: missing fields, wrong states, other methods, times that cannot be."""

import json
import unittest

from lib_broker import ERR, BrokerTest, fresh_id, pb
from lib_gateway import Gateway, wait_for

JSON = {"Content-Type": "application/json"}


class Words(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.gateway = Gateway(self.served.zmq)
        self.addCleanup(self.gateway.close)
        self.gateway.wait_ready()

    def said(self, status, method, path, body=None):
        answer = self.gateway.ask(method, path, json.dumps(body) if body is not None else None, **JSON)
        self.assertEqual(answer.status, status, answer)
        return answer.json["detail"]

    def test_what_is_missing_is_said_to_be_missing(self):
        self.assertIn("type: missing", self.said(400, "POST", "/v1/jobs", {}))
        self.assertIn("type: 1 to 128", self.said(400, "POST", "/v1/jobs", {"type": "A"}))
        self.assertIn("cron: missing", self.said(400, "PUT", "/v1/schedules/s", {"job": {"type": "a"}}))
        self.assertIn("job: missing", self.said(400, "PUT", "/v1/schedules/s", {"cron": "@daily"}))
        self.assertIn("types is missing", self.said(400, "POST", "/v1/leases", {}))

    def test_a_word_about_an_unknown_lease_makes_no_worker(self):
        path = "/v1/leases/01a20aac-f054-77cc-979a-b9869bc8fc87:"
        for verb, status in (("renew", 409), ("progress", 409), ("finish", 404), ("fail", 404), ("release", 404)):
            self.assertEqual(self.gateway.ask("POST", path + verb, '{"token":"5"}', **JSON).status, status, verb)
        self.assertEqual(self.gateway.ask("GET", "/v1/workers").json["workers"], [])
        self.assertEqual(len(self.peer(self.served).ask(pb.WorkerList()).workers), 0)

    def test_when_to_come_again_is_told_only_where_time_helps(self):
        twins = [{"type": "a", "unique": {"key": "twin"}}, {"type": "b", "unique": {"key": "twin"}}]
        answer = self.gateway.ask("POST", "/v1/batches?mode=atomic", json.dumps(twins), **JSON)
        self.assertEqual((answer.status, answer.headers["Retry-After"]), (409, None), answer)
        self.assertIn("an earlier record asks for this key", answer.json["detail"])
        answer = self.gateway.ask("POST", "/v1/batches", json.dumps(twins[:1]), **JSON)
        self.assertEqual((answer.status, answer.headers["Retry-After"]), (202, "1"), answer)

    def test_bodies_of_another_shape_are_told_where_they_go(self):
        job = b'{"type":"a"}'
        for path, kind, body, part in (
                ("jobs", "json", b" \n[" + job + b"]", "POST /v1/batches"), ("jobs", "json", job + b"\n" + job, "POST /v1/batches"),
                ("jobs", "json", b'{"jobs":[' + job + b"]}", "POST /v1/batches"), ("jobs", "msgpack", job, "application/json"),
                ("jobs", "json", b"\xef\xbb\xbf" + job, "byte order mark"), ("jobs", "json", b"", "the body is empty"),
                ("jobs", "json", b'"' + job.replace(b'"', b'\\"') + b'"', "encoded twice"),
                ("batches", "json", job, "POST /v1/jobs"), ("batches", "json", job + b"\n" + job, "application/x-ndjson"),
                ("batches", "x-ndjson", b"[" + job + b"]", "an array of jobs is Content-Type: application/json")):
            with self.subTest(body=body, path=path):
                answer = self.gateway.ask("POST", "/v1/" + path, body, Content_Type="application/" + kind)
                self.assertEqual(answer.status, 400, answer)
                self.assertIn(part, answer.json["detail"])

    def test_a_wrong_state_is_named_with_the_nearest(self):
        for path in ("/v1/jobs?status=queued,runing", "/v1/jobs?status=runing&limit=3"):
            self.assertEqual(self.said(400, "GET", path), "status: runing is no state; did you mean running?")
        self.assertEqual(self.said(400, "GET", "/v1/jobs?status=x"), "status: x is no state; known: scheduled, queued, running, "
                         "retrying, succeeded, dead, cancelled, expired, removed")
        self.assertIn("did you mean dead?", self.said(400, "POST", "/v1/jobs:retry?status=deat"))

    def test_many_in_the_place_of_one_and_one_in_the_place_of_many(self):
        self.assertIn("/v1/batches takes many jobs at once", self.said(400, "POST", "/v1/jobs", [{"type": "a"}]))
        self.assertIn("one object a line is application/x-ndjson", self.said(400, "POST", "/v1/batches", {"type": "a"}))
        self.assertEqual(self.said(400, "PUT", "/v1/types/a", {"max": 1}), "max is no setting of a type; known: timeout, retry, keep, schema")

    def test_an_act_tells_which_states_it_takes(self):
        for act, states, words in (("retry", "succeeded", "dead"), ("cancel", "dead,expired", "scheduled, queued, running or retrying"),
                                   ("delete", "queued", "succeeded, dead, cancelled or expired")):
            self.assertEqual(self.said(400, "POST", f"/v1/jobs:{act}?status={states}"), f"states: {act} takes jobs that are {words}")

    def test_another_method_is_told_the_right_ones(self):
        answer = self.gateway.ask("PUT", "/v1/jobs")
        self.assertEqual((answer.status, answer.headers["Allow"]), (405, "POST, GET, HEAD"))
        self.assertTrue(answer.json["detail"].endswith("allowed here: POST, GET, HEAD"), answer)
        self.assertIn("GET / lists", self.said(404, "GET", "/v1/nothing"))

    def test_a_ttl_ends_after_the_job_may_start(self):
        for job in ({"ttl": "1h", "delay": "2h"}, {"ttl": "1h", "delay": "1h"}, {"ttl": "1h", "run_at": "2999-01-01T00:00:00Z"}):
            self.assertIn("ttl: longer than delay", self.said(400, "POST", "/v1/jobs", {"type": "a", **job}))
        self.assertEqual(self.gateway.submit({"type": "a", "ttl": "2h", "delay": "1h"}).status, 202)
        self.assertEqual(self.gateway.submit({"type": "a", "ttl": "1s", "run_at": "2020-01-01T00:00:00Z"}).status, 202)
        said = self.peer(self.served).ask(pb.Submit(jobs=[pb.SubmitJob(job_id=fresh_id(), type="a", ttl_ms=5, delay_ms=5)]))
        self.assertEqual(said.jobs[0].error, ERR["ERR_BAD_FIELD"])

    def test_a_cascade_names_who_has_failed(self):
        parent = self.gateway.submit({"type": "a"}).json
        child = self.gateway.submit({"type": "a", "after": [parent["job_id"]], "on_dependency_failure": "cancel"}).json
        self.gateway.ask("POST", parent["status_url"] + ":cancel")
        wait_for("the cascade", lambda: self.gateway.ask("GET", child["status_url"]).json["status"] == "cancelled")
        events = self.gateway.ask("GET", child["status_url"] + "/timeline").json["events"]
        self.assertIn("what it waits for has failed: " + parent["job_id"], [event.get("reason") for event in events])

    def test_a_batch_tells_its_pace(self):
        batch = self.gateway.ask("POST", "/v1/batches", json.dumps([{"type": "a"}] * 4), **JSON).json
        self.assertNotIn("rate", self.gateway.ask("GET", batch["status_url"]).json)
        for job in self.gateway.ask("GET", batch["status_url"] + "/items").json["jobs"][:2]:
            self.gateway.ask("POST", job["status_url"] + ":cancel")
        seen = self.gateway.ask("GET", batch["status_url"]).json
        self.assertGreater(seen["rate"], 0)
        self.assertGreater(seen["eta"], seen["created_at"])


if __name__ == "__main__":
    unittest.main()
