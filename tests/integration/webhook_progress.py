"""Webhooks of progress: few for a job that says much, in order, none that begins after its end."""

import json
import os
import subprocess
import threading
import unittest
from datetime import datetime

import lib_receiver as receivers
from gateway_webhooks import WebhookTest, secret_bytes
from lib_broker import PATIENCE_S, pb
from lib_gateway import wait_for
from lib_notify import signature

WORDS = 1000
# A thousand words in three seconds.
TALKER = f"""import os, time
with os.fdopen(3, "w", buffering=1) as control:
    for done in range(1, {WORDS} + 1):
        control.write(f"progress {{done}} {WORDS} word {{done}}\\n")
        time.sleep(0.003)
"""


class Progress(WebhookTest):
    def told(self, path):
        """Bodies that have come to this path, in the order of their coming."""
        with self.receiver.lock:
            requests = list(self.receiver.requests)
        return [json.loads(body) for first, _, body in requests if first.split()[1] == path]

    def ended(self, path):
        return any(body["type"] == "job.succeeded" for body in self.told(path))

    def status(self, job_id):
        return self.gateway.ask("GET", f"/v1/jobs/{job_id}").json

    def say(self, job, done):
        """Stored at once, however soon it comes: it asks for a little more time with each word."""
        word = pb.Progress(job_id=job.job_id, token=job.token, done=done, total=WORDS, extend_ms=done)
        self.handler.ask(pb.Renew(running=[pb.Held(job_id=job.job_id, token=job.token)], progress=[word]))

    def deliveries(self):
        return self.gateway.ask("GET", "/v1/jobs?queue=weft.webhooks").json["jobs"]

    def metric(self, outcome):
        return self.served.metric(f'weft_webhook_progress_total{{outcome="{outcome}"}}')

    def run_talker(self):
        worker = subprocess.Popen(
            [os.environ["WEFT_BIN"], "worker", "talk", "--broker", self.zmq, "--data", f"{self.data}/talker", "--",
             "/usr/bin/python3", "-c", TALKER], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def stop():
            worker.terminate()
            worker.wait(PATIENCE_S)
        self.addCleanup(stop)

    def test_a_thousand_words_bring_few_and_then_the_end(self):
        self.start_rest()
        endpoint = {"url": self.receiver.url("/ends"), "events": ["progress", "succeeded"], "types": ["talk"]}
        made = self.gateway.ask("PUT", "/v1/webhooks/all", json.dumps(endpoint), Content_Type="application/json")
        self.assertEqual((made.status, made.json["events"]), (201, ["progress", "succeeded"]))
        deaf = {"url": self.receiver.url("/deaf"), "events": ["dead"], "types": ["talk"]}
        self.assertEqual(self.gateway.ask("PUT", "/v1/webhooks/deaf", json.dumps(deaf), Content_Type="application/json").status, 201)
        job = self.gateway.submit({"type": "talk", "timeout": "60s", "webhook": {
            "url": self.receiver.url("/own"), "events": ["progress", "succeeded"], "secret": "new"}}).json
        self.run_talker()
        for path in ("/own", "/ends"):
            wait_for("the end is told", lambda path=path: self.ended(path))
        status = self.status(job["job_id"])
        ran_ms = self.ran_ms(status)
        for path in ("/own", "/ends"):
            bodies = self.told(path)
            progress = [body["data"] for body in bodies if body["type"] == "job.progress"]
            self.assertGreaterEqual(len(progress), 1)
            self.assertLessEqual(len(progress), ran_ms // 1000 + 2)  # a round each second, the first at once
            self.assertEqual({data["status"] for data in progress}, {"running"})
            versions = [data["version"] for data in progress]
            self.assertEqual(versions, sorted(versions))
            done = [data["progress"]["done"] for data in progress]
            self.assertEqual(done, sorted(done))
            end, = (body["data"] for body in bodies if body["type"] == "job.succeeded")
            self.assertGreater(end["version"], versions[-1])
            self.assertEqual(end["job_id"], job["job_id"])
        self.assertEqual(self.told("/deaf"), [])
        with self.receiver.lock:
            own = [(headers, body) for first, headers, body in self.receiver.requests if "/own" in first]
        for headers, body in own:
            self.assertEqual(headers["webhook-signature"], signature(secret_bytes(job["webhook"]["secret"]), headers, body))
        self.assertEqual(len({headers["webhook-id"] for headers, _ in own}), len(own))
        told = sum(body["type"] == "job.progress" for path in ("/own", "/ends") for body in self.told(path))
        wait_for("it is counted", lambda: self.metric("accepted") >= told)
        self.assertEqual(self.metric("left_out"), 0)

    @staticmethod
    def ran_ms(status):
        started, ended = (datetime.fromisoformat(status[name].replace("Z", "+00:00")) for name in ("started_at", "ended_at"))
        return (ended - started).total_seconds() * 1000

    def test_a_receiver_that_is_slow_is_told_of_the_newest_and_never_of_two_at_once(self):
        go, under_way, most, lock = threading.Event(), [0], [0], threading.Lock()

        def behave(_, connection, request):
            is_progress = json.loads(request[2])["type"] == "job.progress"
            with lock:
                under_way[0] += is_progress
                most[0] = max(most[0], under_way[0])
            go.wait(PATIENCE_S)
            with lock:
                under_way[0] -= is_progress
            connection.sendall(receivers.answer(200))
        self.receiver.behave = behave
        self.start_rest()
        job_id = self.gateway.submit({"type": "t", "timeout": "60s",
                                      "webhook": self.webhook(events=["progress", "succeeded"], secret="new")}).json["job_id"]
        (job, _), = self.handler.take_jobs(1)
        self.say(job, 1)
        self.receiver.wait_for(1)
        for done in range(2, 20):
            self.say(job, done)
        self.assertEqual(len(self.deliveries()), 1)
        go.set()
        first, second = (json.loads(body)["data"]["progress"]["done"] for _, _, body in self.receiver.wait_for(2))
        self.assertEqual((first, second), (1, 19))
        self.handler.finish(job)
        bodies = [json.loads(body) for _, _, body in self.receiver.wait_for(3)]
        self.assertEqual([body["type"] for body in bodies], ["job.progress", "job.progress", "job.succeeded"])
        self.assertEqual(bodies[-1]["data"]["job_id"], job_id)
        self.assertEqual(most[0], 1)
        wait_for("all have ended", lambda: {line["status"] for line in self.deliveries()} == {"succeeded"})
        self.assertEqual(self.gateway.ask("GET", f"/v1/jobs/{job_id}/deliveries").json["jobs"][0]["status"], "succeeded")
        self.assertEqual(len(self.gateway.ask("GET", f"/v1/jobs/{job_id}/deliveries").json["jobs"]), 1)

    def test_what_has_failed_is_not_tried_again_after_the_end(self):
        def behave(_, connection, request):
            is_progress = json.loads(request[2])["type"] == "job.progress"
            connection.sendall(receivers.answer(500 if is_progress else 200))
        self.receiver.behave = behave
        self.start_rest()
        job_id = self.gateway.submit({"type": "t", "timeout": "60s",
                                      "webhook": self.webhook(events=["progress", "succeeded"], secret="new")}).json["job_id"]
        (job, _), = self.handler.take_jobs(1)
        self.say(job, 1)
        wait_for("it has failed", lambda: {line["status"] for line in self.deliveries()} == {"retrying"})
        self.handler.finish(job)
        wait_for("the end is told", lambda: self.ended("/hook"))
        wait_for("it is cancelled", lambda: {line["status"] for line in self.deliveries()} == {"cancelled", "succeeded"})
        cancelled, = (line["job_id"] for line in self.deliveries() if line["status"] == "cancelled")
        events = self.gateway.ask("GET", f"/v1/jobs/{cancelled}/timeline").json["events"]
        self.assertIn("the job whose progress it tells has ended", [event.get("reason") for event in events])
        self.assertEqual([body["type"] for body in self.told("/hook")], ["job.progress", "job.succeeded"])
        self.assertEqual(self.status(job_id)["status"], "succeeded")

    def test_a_url_that_is_gone_is_asked_no_more(self):
        """Neither of more progress nor of the end, also after a restart; its end's delivery says so, and may be retried."""
        status = [410]

        def behave(_, connection, request):
            connection.sendall(receivers.answer(status[0]))
        self.receiver.behave = behave
        self.start_rest()
        other = self.gateway.ask("PUT", "/v1/webhooks/other", json.dumps({"url": self.receiver.url("/other"), "events": ["progress"]}),
                                 Content_Type="application/json")
        self.assertEqual(other.status, 201)
        job_id = self.gateway.submit({"type": "t", "timeout": "60s",
                                      "webhook": self.webhook(events=["progress", "succeeded"], secret="new")}).json["job_id"]
        (job, _), = self.handler.take_jobs(1)
        self.say(job, 1)
        wait_for("both have refused", lambda: [line["status"] for line in self.deliveries()] == ["dead", "dead"])
        self.assertTrue(self.gateway.ask("GET", "/v1/webhooks/other").json["disabled"])
        status[0] = 200
        self.say(job, 2)
        self.served.kill()
        self.served = self.broker("--zmq", self.zmq)
        self.handler.say_hello(running=[pb.Held(job_id=job.job_id, token=job.token)])
        self.say(job, 3)
        self.handler.finish(job)
        path = f"/v1/jobs/{job_id}/deliveries"
        told, = wait_for("its end is told nobody", lambda: [line for line in self.gateway.ask("GET", path).json.get("jobs", ())
                                                             if line["status"] == "dead"])
        error = self.status(told["job_id"])["error"]
        self.assertEqual((error["kind"], error["message"]),
                         ("endpoint", "the url has answered 410 to the job's progress; retry this delivery to ask it all the same"))
        event, = (event for event in self.gateway.ask("GET", f"/v1/jobs/{job_id}/timeline").json["events"]
                  if event["event"] == "deliver")
        self.assertEqual(event["error"], error)
        self.assertEqual([body["type"] for body in self.told("/hook") + self.told("/other")], ["job.progress", "job.progress"])
        self.assertEqual(self.gateway.ask("POST", f"/v1/jobs/{told['job_id']}:retry").status, 200)
        wait_for("it is told then", lambda: self.ended("/hook"))

    def test_a_broker_that_comes_back_tells_on(self):
        go = threading.Event()

        def behave(_, connection, request):
            go.wait(PATIENCE_S)
            connection.sendall(receivers.answer(200))
        self.receiver.behave = behave
        self.start_rest()
        self.gateway.submit({"type": "t", "timeout": "60s",
                             "webhook": self.webhook(events=["progress"], secret="new")})
        (job, _), = self.handler.take_jobs(1)
        self.say(job, 1)
        self.receiver.wait_for(1)
        self.served.kill()
        self.served = self.broker("--zmq", self.zmq)
        self.handler.say_hello(running=[pb.Held(job_id=job.job_id, token=job.token)])
        self.say(job, 2)
        go.set()
        bodies = [json.loads(body) for _, _, body in self.receiver.wait_for(2)]
        wait_for("the newest is told", lambda: any(body["data"]["progress"]["done"] == 2 for body in self.told("/hook")))
        self.assertEqual({body["type"] for body in bodies}, {"job.progress"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
