"""GET /v1/jobs/{id}/timeline and /log through a real broker."""

import unittest

from lib_broker import BrokerTest, pb
from lib_gateway import Gateway


class History(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.gateway = Gateway(self.served.zmq)
        self.addCleanup(self.gateway.close)
        self.gateway.wait_ready()
        answer = self.gateway.submit({"type": "t", "retry": {"max_attempts": 2, "first": "1ms", "longest": "1ms"}})
        self.assertEqual(answer.status, 202, answer)
        self.url = answer.json["status_url"]
        self.worker_ = self.worker(self.served, "t")

    def get(self, path, status=200, **headers):
        answer = self.gateway.ask("GET", self.url + path, **headers)
        self.assertEqual(answer.status, status, answer)
        return answer

    def test_each_attempt_is_told(self):
        for n in (1, 2):
            (job, _), = self.worker_.take_jobs(1)
            self.worker_.finish(job, pb.OUTCOME_FAILED, error_kind="exit", error_message=f"status {n}")
        answer = self.get("/timeline")
        events = answer.json["events"]
        self.assertEqual([event["event"] for event in events], ["submit", "grant", "fail", "grant", "die"])
        self.assertEqual([event["error"]["message"] for event in events if "error" in event], ["status 1", "status 2"])
        self.assertEqual([event["attempt"] for event in events[1:]], [1, 1, 2, 2])
        self.assertNotIn("ETag", answer.headers)
        self.assertEqual((answer.json["status"], answer.json["dropped"]), ("dead", 0))

    def test_lines_come_after_a_number_and_as_text(self):
        (job, _), = self.worker_.take_jobs(1)
        lines = [pb.LogLine(job_id=job.job_id, token=job.token, seq=n, text=f"row {n}") for n in (1, 2, 3)]
        self.worker_.ask(pb.Renew(running=[pb.Held(job_id=job.job_id, token=job.token)], log=lines))
        self.assertEqual([line["text"] for line in self.get("/log").json["lines"]], ["row 1", "row 2", "row 3"])
        self.assertEqual([line["seq"] for line in self.get("/log?after=2").json["lines"]], [3])
        text = self.get("/log", Accept="text/plain")
        self.assertEqual(text.body, b"row 1\nrow 2\nrow 3\n")
        self.assertTrue(text.headers["Content-Type"].startswith("text/plain"))

    def test_what_is_not_there_is_said(self):
        for path in ("/timeline", "/log"):
            unknown = self.gateway.ask("GET", "/v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057" + path)
            self.assertEqual(unknown.status, 404, unknown)
            self.assertEqual(self.gateway.ask("GET", "/v1/jobs/nonsense" + path).status, 404)
        self.get("/log?after=x", status=400)
        self.get("/timeline?after=1", status=400)


if __name__ == "__main__":
    unittest.main()
