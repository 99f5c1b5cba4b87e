"""Webhooks from the request to the receiver: gateway, broker, sender, and a receiver that verifies with the npm
package `standardwebhooks`."""

import base64
import json
import os
import subprocess
import unittest
import uuid

from hook_signatures import judge
from lib_broker import PATIENCE_S, BrokerTest, pb
from lib_gateway import Gateway, wait_for
from lib_notify import Key, Sender
from lib_receiver import Receiver

MSGPACK = "application/msgpack"


def secret_bytes(text):
    assert text.startswith("whsec_"), text
    return base64.b64decode(text[6:], validate=True)


class WebhookTest(BrokerTest):
    """All of it, with one key."""

    def setUp(self):
        super().setUp()
        self.zmq = f"ipc://{self.data}/door"
        self.key = Key(f"{self.data}/webhook.key")
        self.gateway = self.start_gateway("--webhook-key", self.key.path)
        self.receiver = Receiver()
        self.addCleanup(self.receiver.close)

    def start_gateway(self, *flags, **options):
        gateway = Gateway(self.zmq, *flags, **options)
        self.addCleanup(gateway.close)
        return gateway

    def start_rest(self):
        self.served = self.broker("--zmq", self.zmq)
        self.sender = Sender(self.zmq, self.data, self.key, "--allow-port", str(self.receiver.port))
        self.addCleanup(self.sender.close)
        self.sender.wait_ready()
        self.handler = self.worker(self.served, "t", slots=64)
        self.gateway.wait_ready()

    def webhook(self, **fields):
        return {"url": self.receiver.url("/hook"), **fields}

    def finish(self, count=1, **how):
        for job, _ in self.handler.take_jobs(count):
            self.handler.finish(job, **how)

    def arrived(self, count):
        """All requests so far, by the id of the job that they tell of."""
        told = {}
        for _, headers, body in self.receiver.wait_for(count):
            told[json.loads(body)["data"]["job_id"]] = (headers, body.decode())
        return told

    def verify(self, *cases):
        """(secret, headers, body), the secret as people see it."""
        said = judge([(secret_bytes(secret), headers, body) for secret, headers, body in cases])
        self.assertEqual(said, ["ok"] * len(cases))


class Submissions(WebhookTest):
    def test_each_way_to_ask_is_told(self):
        own = "whsec_" + base64.b64encode(bytes(range(40))).decode()
        # Nobody there yet: this one waits in the spool.
        spooled = self.gateway.submit({"type": "t", "webhook": self.webhook(secret="new")}, Idempotency_Key="spooled").json
        self.assertEqual(spooled["status"], "spooled")
        self.start_rest()
        asked = {"type": "t", "payload": 7, "webhook": self.webhook(events=["succeeded"], secret="new")}
        tried = self.gateway.ask("POST", "/v1/jobs?dry_run=true", json.dumps(asked), Content_Type="application/json")
        self.assertEqual((tried.status, tried.json["would_be"]), (200, "accepted"))
        self.assertNotIn("whsec_", tried.body.decode())
        first = self.gateway.submit(asked, Idempotency_Key="k").json
        again = self.gateway.submit(asked, Idempotency_Key="k")
        self.assertEqual((again.headers["Idempotency-Replayed"], again.json["webhook"]), ("true", first["webhook"]))
        asked["webhook"]["events"] = ["dead"]
        self.assertEqual(self.gateway.submit(asked, Idempotency_Key="k").status, 422)
        given = self.gateway.submit({"type": "t", "webhook": self.webhook(secret=own)}).json
        self.assertNotIn("webhook", given)
        packed = self.gateway.ask(
            "POST", "/v1/jobs", b"\x82\xa4type\xa1t\xa7webhook\x82\xa3url" + bytes([0xd9, len(self.receiver.url("/hook"))]) +
            self.receiver.url("/hook").encode() + b"\xa6secret\xa3new", Content_Type=MSGPACK).json
        secrets = {spooled["job_id"]: spooled["webhook"]["secret"], first["job_id"]: first["webhook"]["secret"],
                   given["job_id"]: own, packed["job_id"]: packed["webhook"]["secret"]}
        self.assertEqual(len(set(secrets.values())), 4)
        records = [{"type": "t", "webhook": self.webhook(secret="new")}, {"type": "t", "webhook": self.webhook(secret="new")}]
        for body, flags in ((json.dumps(records), "?mode=atomic"), ("\n".join(map(json.dumps, records)), "")):
            kind = "application/json" if flags else "application/x-ndjson"
            batch = self.gateway.ask("POST", "/v1/batches" + flags, body, Content_Type=kind)
            self.assertEqual(batch.status, 202, batch)
            items = self.gateway.ask("GET", f"/v1/batches/{batch.json['batch_id']}/items").json["jobs"]
            secrets |= {item["job_id"]: batch.json["webhook"]["secret"] for item in items}
        pushed = subprocess.run(
            [os.environ["WEFT_BIN"], "push", "t", "--broker", self.zmq, "--webhook", self.receiver.url("/hook"),
             "--webhook-secret", "new", "--webhook-key", self.key.path, "-o", "json"],
            check=True, capture_output=True, timeout=PATIENCE_S)
        told = json.loads(pushed.stdout)
        secrets[told["job_id"]] = told["webhook"]["secret"]
        self.assertEqual(len(secrets), 9)
        self.finish(9, result=b'{"n":1}', content=pb.CONTENT_JSON)
        arrived = self.arrived(9)
        self.assertEqual(arrived.keys(), secrets.keys())
        self.verify(*((secrets[job_id], *arrived[job_id]) for job_id in secrets))
        body = json.loads(arrived[first["job_id"]][1])
        self.assertEqual((body["type"], body["data"]["result"]), ("job.succeeded", {"n": 1}))
        path = f"/v1/jobs/{first['job_id']}/deliveries"
        delivery, = wait_for("it is told", lambda: [line for line in self.gateway.ask("GET", path).json["jobs"]
                                                    if line["status"] == "succeeded"])
        self.assertEqual(delivery["job_id"], arrived[first["job_id"]][0]["webhook-id"])
        told = subprocess.run([os.environ["WEFT_BIN"], "job", "deliveries", first["job_id"], "--broker", self.zmq], check=True,
                              capture_output=True, text=True, timeout=PATIENCE_S).stdout
        self.assertTrue(told.startswith(delivery["job_id"]), told)

    def test_what_cannot_be_is_told_at_once(self):
        self.start_rest()
        without = self.start_gateway("--webhook-key", f"{self.data}/none")
        without.wait_ready()
        refused = without.submit({"type": "t", "webhook": self.webhook(secret="new")})
        self.assertEqual(refused.status, 400)
        self.assertIn("webhook.secret cannot be sealed: this gateway has no key", refused.json["detail"])
        for url, words in (("https://a.test:0/", "the port is no number from 1 to 65535"),
                           ("https://0x7f.1.1.1.1/", "the host is no name and no address")):
            refused = self.gateway.submit({"type": "t", "webhook": {"url": url}})
            self.assertEqual((refused.status, refused.json["detail"]), (400, f"webhook.url cannot be sent to: {words}"))
        refused = self.gateway.submit({"type": "t", "webhook": {"endpoint": "nobody"}})
        self.assertEqual((refused.status, refused.json["type"]), (422, "urn:weft:problem:webhook"), refused)
        records = [{"type": "t", "webhook": {"url": "https://a.test/", "events": ["dea"]}}, {"type": "t"}]
        partly = self.gateway.ask("POST", "/v1/batches", json.dumps(records), Content_Type="application/json").json
        self.assertEqual(partly["rejections"][0]["line"], 1)
        self.assertIn("did you mean dead?", partly["rejections"][0]["problem"]["detail"])
        for flags, words in ((["--webhook-secret", "x"], "--webhook-secret must be"),
                             (["--webhook", "ftp://x/"], "--webhook cannot be sent to"),
                             (["--webhook", "https://a.test/", "--webhook-events", "ded"], "did you mean dead?"),
                             (["--webhook-events", "dead"], "needs a url"),
                             (["--webhook", "https://a.test/", "--webhook-secret", "new", "--webhook-key",
                               f"{self.data}/none"], "is not there")):
            done = subprocess.run([os.environ["WEFT_BIN"], "push", "t", "--broker", self.zmq, *flags], check=False,
                                  capture_output=True, text=True, timeout=PATIENCE_S)
            self.assertEqual(done.returncode, 64, done)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
