"""Webhooks from the request to the receiver: gateway, broker, sender, and a receiver that verifies with the npm
package `standardwebhooks`."""

import base64
import json
import os
import subprocess
import unittest
import urllib.parse
import uuid

import lib_receiver as receivers
from hook_signatures import judge
from lib_broker import PATIENCE_S, BrokerTest, pb
from lib_gateway import Gateway, wait_for
from lib_notify import Key, Sender
from schedules import clock_ahead

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
        self.receiver = receivers.Receiver()
        self.addCleanup(self.receiver.close)

    def start_gateway(self, *flags, **options):
        gateway = Gateway(self.zmq, *flags, **options)
        self.addCleanup(gateway.close)
        return gateway

    def start_rest(self, *flags, **options):
        self.served = self.broker("--zmq", self.zmq, *flags, **options)
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
        told = subprocess.run([os.environ["WEFT_BIN"], "job", "deliveries", first["job_id"], "--no-header", "--broker", self.zmq], check=True,
                              capture_output=True, text=True, timeout=PATIENCE_S).stdout
        self.assertTrue(told.startswith(delivery["job_id"]), told)

        self.what_cannot_be_is_told_at_once()

    def what_cannot_be_is_told_at_once(self):
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


class Batches(WebhookTest):
    """One webhook for each batch, by whichever door it was asked for."""

    def put(self, records, lines=False, query="", **headers):
        body = "\n".join(map(json.dumps, records)) if lines else json.dumps(records)
        return self.gateway.ask("POST", "/v1/batches" + query, body, **headers,
                                Content_Type="application/x-ndjson" if lines else "application/json")

    def push(self, records, *flags, code=0):
        done = subprocess.run([os.environ["WEFT_BIN"], "push", "--bulk", "-", "--broker", self.zmq, "--webhook-key", self.key.path,
                               *flags], input="\n".join(map(json.dumps, records)), check=False, capture_output=True, text=True,
                              timeout=PATIENCE_S)
        self.assertEqual(done.returncode, code, done)
        return done

    def told_of(self, batches):
        """Each batch once, and nothing else: what came, by batch."""
        told = {}
        for _, headers, body in self.receiver.wait_for(batches):
            self.assertEqual(json.loads(body)["type"], "batch.finished")
            told[json.loads(body)["data"]["batch_id"]] = (headers, body.decode())
        self.assertEqual(len(told), batches)
        return told

    def test_a_batch_is_told_once(self):
        own = "whsec_" + base64.b64encode(bytes(range(40))).decode()
        plain = [{"type": "t"}, {"type": "t"}]
        said = {"type": "t", "batch_webhook": self.webhook(secret="new")}
        # Nobody there yet: these wait in the spool.
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333%d-01"
        spooled = self.put([said, *plain], traceparent=trace % 1).json
        self.start_rest("--batch-seal", "1s")  # of the spooled one, which nobody closes
        secrets = {spooled["batch_id"]: spooled["webhook"]["secret"]}
        tried = self.put([said, *plain], query="?dry_run=true")
        self.assertEqual((tried.status, tried.json["accepted"]), (200, 3), tried)
        self.assertNotIn("whsec_", tried.body.decode())
        keyed = self.put([said, *plain], lines=True, Idempotency_Key="k", traceparent=trace % 2)
        self.assertEqual((keyed.status, keyed.json["accepted"]), (202, 3), keyed)
        again = self.put([said, *plain], lines=True, Idempotency_Key="k")
        self.assertEqual((again.json["replayed"], again.json["webhook"]), (3, keyed.json["webhook"]))
        secrets[keyed.json["batch_id"]] = keyed.json["webhook"]["secret"]
        # The first record is refused; what it says of the batch holds.
        given = self.put([{"type": "No", "batch_webhook": self.webhook(secret=own)}, *plain]).json
        self.assertEqual((given["accepted"], given["rejected"]), (2, 1), given)
        self.assertNotIn("webhook", given)
        secrets[given["batch_id"]] = own
        whole = self.put([said, *plain], query="?mode=atomic").json
        secrets[whole["batch_id"]] = whole["webhook"]["secret"]
        pushed = json.loads(self.push(plain, "--batch-webhook", self.receiver.url("/hook"), "--batch-webhook-secret", "new",
                                      "-o", "json").stdout)
        secrets[pushed["batch_id"]] = pushed["webhook"]["secret"]
        told = self.push(plain, "--batch-webhook", self.receiver.url("/hook"), "--batch-webhook-secret", "new")
        secrets[told.stdout.split()[0]] = told.stderr.split("told only now: ")[1].strip()
        self.assertEqual(len(secrets), 6)
        waiting = self.gateway.ask("GET", "/v1/jobs?queue=weft.webhooks").json["jobs"]
        self.assertEqual({job["status"] for job in waiting}, {"scheduled"})
        self.finish(3 + 3 + 2 + 3 + 2 + 2, result=b"1", content=pb.CONTENT_JSON)
        arrived = self.told_of(6)
        self.assertEqual(arrived.keys(), secrets.keys())
        self.verify(*((secrets[batch], *arrived[batch]) for batch in arrived))
        self.assertEqual({batch: headers.get("traceparent") for batch, (headers, _) in arrived.items()},
                         {**dict.fromkeys(secrets), spooled["batch_id"]: trace % 1, keyed.json["batch_id"]: trace % 2})
        path = f"/v1/batches/{keyed.json['batch_id']}/deliveries"
        delivery, = wait_for("it is told", lambda: [line for line in self.gateway.ask("GET", path).json["jobs"]
                                                    if line["status"] == "succeeded"])
        self.assertEqual(delivery["job_id"], arrived[keyed.json["batch_id"]][0]["webhook-id"])
        shown = subprocess.run([os.environ["WEFT_BIN"], "batch", "deliveries", keyed.json["batch_id"], "--no-header", "--broker",
                                self.zmq], check=True, capture_output=True, text=True, timeout=PATIENCE_S).stdout
        self.assertTrue(shown.startswith(delivery["job_id"]), shown)
        body = json.loads(arrived[keyed.json["batch_id"]][1])["data"]
        self.assertEqual((body["status"], body["counts"]["succeeded"]), ("finished", 3), body)
        self.what_cannot_be_is_told_at_once(plain)
        # Each batch has one delivery, whatever was said again.
        self.assertEqual(len(self.gateway.ask("GET", "/v1/jobs?queue=weft.webhooks").json["jobs"]), 6)

    def what_cannot_be_is_told_at_once(self, plain):
        seen = len(self.receiver.requests)
        url = self.receiver.url("/hook")
        for said, status, words in (
                ({"url": url, "events": ["dead"]}, 400, "batch_webhook.events is not said of a batch"),
                ({"url": url, "secrt": "new"}, 400, "batch_webhook.secrt is no field of a webhook; did you mean secret?"),
                ({"url": "https://a.test:0/"}, 400, "batch_webhook.url cannot be sent to"),
                ({"endpoint": "No Name"}, 400, "batch_webhook.endpoint: 1 to 128"),
                ({"url": url}, 422, "")):
            refused = self.put([{"type": "t", "batch_webhook": said}, *plain])
            self.assertEqual(refused.status, status, refused)
            self.assertIn(words, refused.json.get("detail", ""))
        second = self.put([plain[0], {"type": "t", "batch_webhook": {"url": url, "secret": "new"}}]).json
        self.assertEqual((second["accepted"], second["rejections"][0]["line"]), (1, 2), second)
        self.assertIn("first record", second["rejections"][0]["problem"]["detail"])
        single = self.gateway.submit({"type": "t", "batch_webhook": {"url": url, "secret": "new"}})
        self.assertEqual(single.status, 400, single)
        without = self.start_gateway("--webhook-key", f"{self.data}/none")
        without.wait_ready()
        refused = without.ask("POST", "/v1/batches", json.dumps([{"type": "t", "batch_webhook": {"url": url, "secret": "new"}}]),
                              Content_Type="application/json")
        self.assertEqual(refused.status, 400, refused)
        self.assertIn("batch_webhook.secret cannot be sealed", refused.json["detail"])
        for flags, words in ((["--batch-webhook", "ftp://x/"], "--batch-webhook cannot be sent to"),
                             (["--batch-webhook-secret", "new"], "--batch-webhook needs a url"),
                             (["--batch-webhook", url, "--batch-webhook-secret", "x"], "--batch-webhook-secret must be")):
            self.assertIn(words, self.push(plain, *flags, code=64).stderr)
        said = {"type": "t", "batch_webhook": {"url": url, "secret": "new"}}
        self.assertIn("name an endpoint here", self.push([said], code=64).stderr)
        said["batch_webhook"] = {"endpoint": "nobody"}  # and the line goes before the flag
        self.assertIn("webhook", self.push([said], "--batch-webhook", url, "--batch-webhook-secret", "new", code=1).stderr)
        single = subprocess.run([os.environ["WEFT_BIN"], "push", "t", "--broker", self.zmq, "--batch-webhook", url],
                                check=False, capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(single.returncode, 64, single)
        self.assertIn("of one job it is --webhook", single.stderr)
        self.finish()  # the one that was accepted beside the refused
        self.assertEqual(len(self.receiver.requests), seen)


class Schedules(WebhookTest):
    def put(self, path, given, status=201):
        answer = self.gateway.ask("PUT", path, json.dumps(given), Content_Type="application/json")
        self.assertEqual(answer.status, status, answer)
        return answer.json

    def test_a_job_of_a_schedule_tells_its_webhook(self):
        early = self.broker("--zmq", self.zmq)
        self.gateway.wait_ready()
        secret = self.put("/v1/webhooks/default", {})["secret"]
        job = {"type": "t", "webhook": self.webhook(events=["succeeded"])}
        self.put("/v1/schedules/tick", {"cron": "0 * * * *", "job": {**job, "webhook": self.webhook(secret="new")}}, 400)
        self.put("/v1/schedules/tick", {"cron": "0 * * * *", "job": job}, 200)
        told = self.gateway.ask("GET", "/v1/schedules/tick").json["job"]["webhook"]
        self.assertEqual(told, {**job["webhook"], "endpoint": "default"})
        early.stop()
        self.start_rest(env=clock_ahead(2 * 3600))  # the latest of the hours that it has missed
        (made, _), = self.handler.take_jobs(1)
        self.handler.finish(made)
        (job_id, arrived), = self.arrived(1).items()
        self.assertEqual(uuid.UUID(job_id).bytes, made.job_id)
        self.verify((secret, *arrived))
        self.assertEqual(json.loads(arrived[1])["type"], "job.succeeded")


class Endpoints(WebhookTest):
    def put(self, webhook_id, status=201, **given):
        answer = self.gateway.ask("PUT", f"/v1/webhooks/{webhook_id}", json.dumps(given), Content_Type="application/json")
        self.assertEqual(answer.status, status, answer)
        return answer.json

    def act(self, name, status=200, **said):
        answer = self.gateway.ask("POST", f"/v1/webhooks/{name}", json.dumps(said), Content_Type="application/json")
        self.assertEqual(answer.status, status, answer)
        return answer.json

    def show(self, webhook_id):
        return self.gateway.ask("GET", f"/v1/webhooks/{webhook_id}").json

    def submit(self, **job):
        answer = self.gateway.submit({"type": "t", **job})
        self.assertEqual(answer.status, 202, answer)
        return answer.json["job_id"]

    def told_of(self, count, first):
        """What came after the first so many: job id -> requests."""
        told = {}
        for line, headers, body in self.receiver.wait_for(first + count)[first:]:
            told.setdefault(json.loads(body)["data"].get("job_id"), []).append((line.split()[1], headers, body.decode()))
        return told

    def weft(self, *words, code=0):
        done = subprocess.run([os.environ["WEFT_BIN"], *words, "--broker", self.zmq], check=False, capture_output=True,
                              text=True, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, code, done)
        return done

    def test_all_of_them(self):
        """One system for all."""
        self.start_rest()
        for step in (self.endpoints_hear_what_fits, self.endpoints_hear_of_batches, self.both_sign_after_a_rotation, self.by_command,
                     self.one_that_is_gone_is_disabled_and_the_dead_are_sent_again):
            with self.subTest(step.__name__):
                step()

    def clear(self):
        for line in self.gateway.ask("GET", "/v1/webhooks").json["webhooks"]:
            self.assertEqual(self.gateway.ask("DELETE", f"/v1/webhooks/{line['webhook_id']}").status, 204)

    def endpoints_hear_what_fits(self):
        books = self.put("books", url=self.receiver.url("/books"), types=["t", "u"], tags=["eu"], headers={"X-Team": "a b"},
                         events=["succeeded"])
        self.assertEqual(books["header_names"], ["X-Team"])
        default = self.put("default")["secret"]
        own = "whsec_" + base64.b64encode(bytes(range(24))).decode()
        self.assertNotIn("secret", self.put("own", url=self.receiver.url("/own"), events=[], secret=own))
        fits, other = self.submit(tags=["eu"]), self.submit(tags=["us"])
        plain = self.submit(webhook={"url": self.receiver.url("/plain")})
        named = self.submit(webhook={"endpoint": "own", "events": ["succeeded"]})
        signed = self.submit(webhook={"url": self.receiver.url("/signed"), "endpoint": "own"})
        self.finish(5)
        told = self.told_of(4, 0)
        self.assertNotIn(other, told)
        self.assertEqual({job_id: [path for path, _, _ in came] for job_id, came in told.items()},
                         {fits: ["/books"], plain: ["/plain"], named: ["/own"], signed: ["/signed"]})
        self.assertEqual(told[fits][0][1]["x-team"], "a b")
        self.verify((books["secret"], *told[fits][0][1:]), (default, *told[plain][0][1:]), (own, *told[named][0][1:]),
                    (own, *told[signed][0][1:]))
        # What is told of them: never a secret again.
        kept = self.put("books", 200, url=self.receiver.url("/books"), secret=own)
        self.assertEqual((kept["secret_kept"], kept["generation"], kept["events"]),
                         (True, 2, ["succeeded", "dead", "cancelled", "expired"]))
        listed = self.gateway.ask("GET", "/v1/webhooks?limit=2").json
        self.assertEqual([line["webhook_id"] for line in listed["webhooks"]], ["books", "default"])
        self.assertEqual([line["webhook_id"] for line in
                          self.gateway.ask("GET", f"/v1/webhooks?cursor={listed['cursor']}").json["webhooks"]], ["own"])
        for seen in (json.dumps(listed), json.dumps(self.show("books")), self.weft("webhook", "show", "books").stdout,
                     self.weft("webhook", "list", "-o", "json").stdout):
            self.assertIn("books", seen)
            self.assertNotIn("whsec_", seen)
            self.assertNotIn("a b", seen)
        self.clear()

    def endpoints_hear_of_batches(self):
        """Each once, by the first record that is accepted; beside the one that the batch asks for."""
        seen = len(self.receiver.requests)
        secrets = {name: self.put(name, url=self.receiver.url(f"/{name}"), events=["batch.finished"], **filters)["secret"]
                   for name, filters in (("all", {}), ("eu", {"tags": ["eu"]}), ("u", {"types": ["u"]}))}
        asked = {"url": self.receiver.url("/asked"), "secret": "new"}
        records = [{"type": "No", "batch_webhook": asked}, {"type": "t", "tags": ["x", "eu"]}, {"type": "u"}]
        made = [self.gateway.ask("POST", f"/v1/batches?mode={mode}", json.dumps(body), Content_Type="application/json").json
                for mode, body in (("partial", records), ("atomic", records[2:] * 2))]
        self.assertEqual([batch["accepted"] for batch in made], [2, 2], made)
        for job, _ in self.handler.take_jobs(1):
            self.handler.finish(job)
        for item in self.gateway.ask("GET", "/v1/jobs?type=u").json["jobs"]:
            self.assertEqual(self.gateway.ask("POST", f"/v1/jobs/{item['job_id']}:cancel").status, 200)
        told = {}
        for line, headers, body in self.receiver.wait_for(seen + 5)[seen:]:
            told[line.split()[1], json.loads(body)["data"]["batch_id"]] = (headers, body.decode())
        mixed, plain = (batch["batch_id"] for batch in made)
        self.assertEqual(told.keys(), {("/asked", mixed), ("/all", mixed), ("/eu", mixed), ("/all", plain), ("/u", plain)})
        secrets["asked"] = made[0]["webhook"]["secret"]
        self.verify(*((secrets[path[1:]], *came) for (path, _), came in told.items()))
        body = json.loads(told["/all", plain][1])
        self.assertEqual((body["type"], body["data"]["status"], body["data"]["counts"]["cancelled"]), ("batch.finished", "finished", 2))
        self.assertEqual(len({headers["webhook-id"] for headers, _ in told.values()}), 5)
        self.clear()

    def both_sign_after_a_rotation(self):
        seen = len(self.receiver.requests)
        made = self.put("books", url=self.receiver.url("/books"))
        rotated = self.act("books:rotate", overlap="1h")
        self.assertIn("secret_before_until", rotated)
        both = self.submit()
        self.finish()
        (_, headers, body), = self.told_of(1, seen)[both]
        self.verify((made["secret"], headers, body), (rotated["secret"], headers, body))
        tried = self.act("books:test", 202)
        (_, headers, body), = self.told_of(1, seen + 1)[None]
        self.assertEqual((json.loads(body)["type"], headers["webhook-id"]), ("webhook.test", tried["job_id"]))
        wait_for("its end", lambda: self.gateway.ask("GET", tried["status_url"]).json["status"] == "succeeded")
        at_once = self.act("books:rotate", overlap="0s")
        self.assertNotIn("secret_before_until", at_once)
        only = self.submit()
        self.finish()
        (_, headers, body), = self.told_of(1, seen + 2)[only]
        self.verify((at_once["secret"], headers, body))
        self.assertNotIn(" ", headers["webhook-signature"])
        self.clear()

    def by_command(self):
        """The same verbs, from the command line."""
        key = ("--webhook-key", self.key.path, "-o", "json")
        made = json.loads(self.weft("webhook", "set", "cli", self.receiver.url("/cli"), "--events", "dead,batch.finished",
                                    "--only-types", "a,b", "--only-tags", "x", "--header", "X-A: 1", "--header", "X-B:2", *key).stdout)
        self.assertEqual((made["events"], made["types"], made["tags"], made["header_names"]),
                         (["dead", "batch.finished"], ["a", "b"], ["x"], ["X-A", "X-B"]))
        rotated = json.loads(self.weft("webhook", "rotate", "cli", "--overlap", "1h", *key).stdout)
        seen = len(self.receiver.requests)
        tried = json.loads(self.weft("webhook", "test", "cli", "-o", "json").stdout)
        (path, headers, body), = self.told_of(1, seen)[None]
        self.assertEqual((path, headers["webhook-id"], headers["x-a"], headers["x-b"]), ("/cli", tried["job_id"], "1", "2"))
        self.verify((made["secret"], headers, body), (rotated["secret"], headers, body))
        self.assertEqual(self.weft("webhook", "disable", "cli", "--reason", "moving").stdout, "cli disabled\n")
        self.assertIn("disabled       moving\n", self.weft("webhook", "show", "cli").stdout)
        self.weft("webhook", "test", "cli", code=1)
        self.assertEqual(self.weft("webhook", "enable", "cli").stdout, "cli enabled\n")
        self.assertRegex(self.weft("webhook", "list").stdout, r"(?m)^cli +enabled +dead,batch.finished {14}http://")
        self.assertIn("told only now", self.weft("webhook", "rotate", "cli", *key[:2]).stdout)
        self.assertEqual(self.weft("webhook", "delete", "cli").stdout, "cli deleted\n")
        for words, code in ((("show", "cli"), 4), (("delete", "cli"), 4), (("show", "No Name"), 64),
                            (("set", "x", "ftp://a/", *key[:2]), 64), (("set", "x", "--header", "Host: a", *key[:2]), 64),
                            (("set", "x", "https://a.test/", "--events", "ded", *key[:2]), 64),
                            (("set", "x", "https://a.test/", "--webhook-key", f"{self.data}/none"), 64),
                            (("rotate", "cli", "--webhook-secret", "x", *key[:2]), 64)):
            self.assertTrue(self.weft("webhook", *words, code=code).stderr, words)
        made = f"{self.data}/another.key"
        for code in (0, 1):  # never over one that is there
            done = subprocess.run([os.environ["WEFT_BIN"], "webhook", "key", made], check=False, capture_output=True)
            self.assertEqual(done.returncode, code, done)
        self.assertEqual(os.stat(made).st_mode & 0o777, 0o600)

    def one_that_is_gone_is_disabled_and_the_dead_are_sent_again(self):
        self.receiver.behave = receivers.status(410)
        self.put("shop", url=self.receiver.url("/shop"))
        first = self.submit()
        lost = [self.submit(webhook={"url": self.receiver.url("/own"), "secret": "new", "events": ["succeeded"]}) for _ in range(3)]
        self.finish(1)
        wait_for("it is disabled", lambda: self.show("shop")["disabled"])
        self.assertIn("410", self.show("shop")["reason"])
        refusal = self.gateway.ask("POST", "/v1/webhooks/shop:test")
        self.assertEqual((refusal.status, refusal.json["fix"]),
                         (409, "POST /v1/webhooks/{id}:enable, then try it again"))
        self.finish(3)
        dead = "/v1/jobs?queue=weft.webhooks&status=dead"
        jobs = wait_for("all are dead", lambda: (lambda jobs: jobs if len(jobs) >= 4 else None)(
            self.gateway.ask("GET", dead).json["jobs"]))
        self.assertEqual(self.act("shop:enable")["disabled"], False)
        self.receiver.behave = receivers.status(200)
        seen = len(self.receiver.requests)
        one = jobs[-1]["job_id"]  # the oldest: that of the endpoint
        self.assertEqual(self.gateway.ask("POST", f"/v1/jobs/{one}:retry").status, 200)
        (_, headers, _), = self.told_of(1, seen)[first]
        self.assertEqual(headers["webhook-id"], one)
        wait_for("it has arrived", lambda: self.gateway.ask("GET", f"/v1/jobs/{one}").json["status"] == "succeeded")
        since = urllib.parse.quote(jobs[-1]["created_at"])
        which = f"/v1/jobs:retry?queue=weft.webhooks&created_after={since}"
        preview = self.gateway.ask("POST", which + "&dry_run=true").json
        self.assertEqual(preview["matched"], 3, preview)
        self.assertEqual(len(self.receiver.requests), seen + 1)
        self.assertEqual(self.gateway.ask("POST", which).status, 202)
        self.assertEqual(self.told_of(3, seen + 1).keys(), set(lost))


if __name__ == "__main__":
    unittest.main()
