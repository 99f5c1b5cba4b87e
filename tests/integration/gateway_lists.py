"""GET /v1/jobs through a real broker: filters, pages, cursors."""

import unittest
from urllib.parse import urlencode

from lib_broker import BrokerTest, pb
from lib_gateway import Gateway


class Lists(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.gateway = Gateway(self.served.zmq)
        self.addCleanup(self.gateway.close)
        self.gateway.wait_ready()

    def list(self, **query):
        answer = self.gateway.ask("GET", "/v1/jobs" + ("?" + urlencode(query) if query else ""))
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def submit(self, **fields):
        answer = self.gateway.submit({"type": "t", **fields})
        self.assertEqual(answer.status, 202, answer)
        return answer.json

    def test_the_newest_come_first_page_by_page(self):
        ids = [self.submit()["job_id"] for _ in range(7)]
        seen, cursor = [], {}
        while True:
            page = self.list(limit=3, **cursor)
            self.assertLessEqual(len(page["jobs"]), 3)
            seen += [job["job_id"] for job in page["jobs"]]
            # What comes in between is newer than every page to come.
            self.submit()
            if "cursor" not in page:
                break
            cursor = {"cursor": page["cursor"]}
        self.assertEqual(seen, ids[::-1])

    def test_filters(self):
        mail = self.submit(queue="mail", type="send")
        later = self.submit(queue="mail", type="send", delay="1h")
        other = self.submit(queue="other")
        self.assertEqual([job["job_id"] for job in self.list(queue="mail")["jobs"]],
                         [later["job_id"], mail["job_id"]])
        self.assertEqual([job["job_id"] for job in self.list(status="scheduled")["jobs"]], [later["job_id"]])
        self.assertEqual([job["job_id"] for job in self.list(status="scheduled,queued", type="t")["jobs"]],
                         [other["job_id"]])
        self.assertEqual(self.list(created_before=mail["created_at"])["jobs"], [])
        self.assertEqual(len(self.list(created_after="2020-01-01T00:00:00+01:00")["jobs"]), 3)
        job, = self.list(status="scheduled")["jobs"]
        status = self.gateway.ask("GET", job["status_url"]).json
        for name in ("job_id", "type", "queue", "status", "version", "priority", "created_at", "due_at"):
            self.assertEqual(job[name], status[name], name)

    def test_dead_jobs_are_found_among_others(self):
        worker = self.worker(self.served, "t", slots=3)
        ids = [self.submit(payload=i)["job_id"] for i in range(3)]
        for job, payload in worker.take_jobs(3):
            outcome = pb.OUTCOME_DEAD if payload == b"1" else pb.OUTCOME_SUCCEEDED
            worker.finish(job, outcome=outcome, error_kind="bad", error_message="no")
        dead, = self.list(status="dead")["jobs"]
        self.assertEqual((dead["job_id"], dead["errors"]), (ids[1], 1))

    def test_wrong_questions_are_refused(self):
        for query in ("status=done", "queue=A", "queue=", "limit=0", "limit=1001", "cursor=x", "created_after=now",
                      "what=1", "queue=a&queue=b", "status=%", "type=" + "a" * 300):
            answer = self.gateway.ask("GET", "/v1/jobs?" + query)
            self.assertEqual((answer.status, answer.headers["Content-Type"]), (400, "application/problem+json"), query)
            if query != "status=%":
                self.assertIn(query.split("=")[0], answer.json["detail"])
        self.assertEqual(self.gateway.ask("PUT", "/v1/jobs").status, 405)


if __name__ == "__main__":
    unittest.main()
