"""What a receiver reads of each end of a job, and what the job's timeline says of the attempt: by broker, gateway and sender
themselves, against what GET tells (docs/webhooks.md, What arrives)."""

import json
import os
import subprocess
import unittest

from gateway_webhooks import WebhookTest
from lib_broker import PATIENCE_S, pb
from lib_gateway import wait_for
from lib_notify import Sender

ERROR = {"kind": "boom", "message": "ä \"quoted\" line\nand another"}
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
REMEDY = "--allow-address (WEFT_ALLOW_ADDRESS) of weft notify permits its range"


class Told(WebhookTest):
    def submit(self, **fields):
        hook = self.webhook(secret="new", events=["succeeded", "dead", "cancelled", "expired"])
        return self.gateway.submit({"type": "t", "webhook": hook, **fields}, traceparent=TRACE).json["job_id"]

    def get(self, path):
        answer = self.gateway.ask("GET", path)
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def deliver_events(self, job_id):
        return wait_for("it is on the timeline", lambda: [
            event for event in self.get(f"/v1/jobs/{job_id}/timeline")["events"] if event["event"] == "deliver"])

    def end(self, job_id, **how):
        (job, _), = self.handler.take_jobs(1)
        self.handler.finish(job, **how)
        return job_id

    def ends(self):
        """Job ids by the event that tells of their end."""
        cancelled = self.submit(delay="1h")
        self.assertEqual(self.gateway.ask("POST", f"/v1/jobs/{cancelled}:cancel").status, 200)
        return {
            "job.succeeded": self.end(self.submit(payload=7, tags=["eu"]), result=b'{"n":1}', content=pb.CONTENT_JSON),
            "job.dead": self.end(self.submit(), outcome=pb.OUTCOME_DEAD, error_kind=ERROR["kind"], error_message=ERROR["message"]),
            "job.cancelled": cancelled,
            "job.expired": self.submit(type="nobody", ttl="1s"),
        }

    def test_each_end_is_told_as_get_tells_it(self):
        self.start_rest()
        ends = self.ends()
        arrived = self.arrived(len(ends))
        self.assertEqual({json.loads(body)["type"]: job_id for job_id, (_, body) in arrived.items()}, ends)
        for event, job_id in ends.items():
            headers, body = arrived[job_id]
            told, job = json.loads(body), self.get(f"/v1/jobs/{job_id}")
            self.assertEqual(told["data"], job, event)
            self.assertEqual((told["traceparent"], headers["traceparent"]), (TRACE, TRACE), event)
            self.assertEqual((told["timestamp"], told["data"]["status"]), (job["ended_at"], event.removeprefix("job.")))
            self.assertEqual({"result", "error"} & told["data"].keys(),
                             {"job.succeeded": {"result"}, "job.dead": {"error"}}.get(event, set()))
            said, = self.deliver_events(job_id)
            self.assertEqual((said["delivery"], said["attempt"], said["outcome"]), (headers["webhook-id"], 1, "succeeded"))
            self.assertNotIn("error", said)
        self.assertEqual(json.loads(arrived[ends["job.dead"]][1])["data"]["error"], ERROR)
        self.assertEqual(json.loads(arrived[ends["job.succeeded"]][1])["data"]["result"], {"n": 1})

    def test_an_address_that_is_refused_names_the_remedy(self):
        """By number it is dead at once; behind a name it may be another one the next time."""
        self.start_rest()
        self.sender.stop()
        self.sender.close()
        self.sender = Sender(self.zmq, self.data, self.key, "--allow-port", str(self.receiver.port), allowed=())
        self.addCleanup(self.sender.close)
        for host, outcome, kind in (("127.0.0.1", "dead", "bad_url"), ("localhost", "failed", "forbidden_address")):
            job_id = self.end(self.submit(webhook={"url": self.receiver.url(host=host), "secret": "new"}))
            said, *_ = self.deliver_events(job_id)
            self.assertEqual((said["outcome"], said["error"]["kind"]), (outcome, kind))
            self.assertIn(REMEDY, said["error"]["message"])
            delivery, = self.get(f"/v1/jobs/{job_id}/deliveries")["jobs"]
            self.assertEqual(self.get(f"/v1/jobs/{delivery['job_id']}")["error"], said["error"])
            shown = subprocess.run([os.environ["WEFT_BIN"], "job", "timeline", job_id, "--broker", self.zmq], check=True,
                                   capture_output=True, text=True, timeout=PATIENCE_S).stdout
            self.assertIn(f"{kind}, {said['error']['message']}", shown)
        self.assertEqual(self.receiver.connections, 0)


if __name__ == "__main__":
    unittest.main()
