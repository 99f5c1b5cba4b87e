"""The OpenAPI document is sound and true: a linter has no word against it, and a validating proxy between a client
and the gateway finds no violation in a call of each operation. Beyond what the proxy judges, no answer may have a
member that the document does not name."""

import json
import os
import re
import socket
import subprocess
import unittest

from lib_broker import PATIENCE_S, ROOT, BrokerTest, pb
from lib_gateway import Gateway, wait_for
from lib_notify import Key
from lib_port import held_port

TOOLS = f"{ROOT}/tests/contract/node_modules/.bin"
DOCUMENT = f"{ROOT}/gateway/openapi.json"
JSON = {"Content_Type": "application/json"}


class Proxy(Gateway):
    """Asked like a gateway; it hands on what agrees with the document, both ways."""

    def __init__(self, gateway, document=DOCUMENT):
        self.address = ("127.0.0.1", held_port())
        upstream = "http://{}:{}".format(*gateway.address)
        self.process = subprocess.Popen(
            [f"{TOOLS}/prism", "proxy", document, upstream, "--errors", "-h", self.address[0], "-p",
             str(self.address[1])], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("the proxy listens", self._listens)

    def _listens(self):
        try:
            socket.create_connection(self.address, 1).close()
            return True
        except OSError:
            assert self.process.poll() is None, "the proxy has left; make deps installs it"
            return False

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)


class Document:
    def __init__(self, whole):
        self.whole = whole
        self.operations = {}  # id -> (method, pattern, operation)
        for path, item in whole["paths"].items():
            pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/:]+", re.escape(path)) + r"(\?.*)?")
            for method, operation in item.items():
                if method != "parameters":
                    self.operations[operation["operationId"]] = (method.upper(), pattern, operation)

    def operation_of(self, method, path):
        return next(name for name, (verb, pattern, _) in self.operations.items()
                    if verb == method and pattern.fullmatch(path))

    def resolve(self, schema):
        while "$ref" in schema:
            target = self.whole
            for step in schema["$ref"].split("/")[1:]:
                target = target[step]
            schema = target
        return schema

    def answer_schema(self, name, status, content_type):
        answer = self.resolve(self.operations[name][2]["responses"][str(status)])
        return answer.get("content", {}).get(content_type, {}).get("schema", {})

    def unnamed(self, schema, value, where=""):
        """Members that no schema names."""
        schema = self.resolve(schema)
        alternatives = schema.get("anyOf", [])
        if alternatives:
            return min((self.unnamed(one, value, where) for one in alternatives), key=len)
        found = []
        if isinstance(value, list):
            for item in value:
                found += self.unnamed(schema.get("items", {}), item, where + "/0")
        elif isinstance(value, dict) and "properties" in schema:
            for name, member in value.items():
                if name in schema["properties"]:
                    found += self.unnamed(schema["properties"][name], member, f"{where}/{name}")
                else:
                    found.append(f"{where}/{name}")
        return found


class Contract(BrokerTest):
    def setUp(self):
        super().setUp()
        with open(DOCUMENT, encoding="utf-8") as file:
            self.document = Document(json.load(file))
        self.called = set()

    def open(self):
        self.their_broker = self.broker()
        self.gateway = Gateway(self.their_broker.zmq, "--webhook-key", Key(f"{self.data}/webhook.key").path)
        self.addCleanup(self.gateway.close)
        self.gateway.wait_ready()
        self.proxy = Proxy(self.gateway)
        self.addCleanup(self.proxy.close)

    def call(self, status, method, path, body=None, **headers):
        """Through the proxy; what was answered agrees with the document in every member."""
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        answer = self.proxy.ask(method, path, text, **({} if body is None else JSON), **headers)
        self.assertNotIn(b"stoplight.io/prism", answer.body, f"{method} {path}: {answer.body}")
        self.assertEqual(answer.status, status, f"{method} {path}: {answer.body}")
        name = self.document.operation_of(method, path)
        self.called.add(name)
        content_type = answer.headers.get("content-type", "").split(";")[0]
        if content_type.endswith("json"):
            schema = self.document.answer_schema(name, status, content_type)
            self.assertEqual(self.document.unnamed(schema, json.loads(answer.body)), [], f"{method} {path}")
        return json.loads(answer.body) if content_type.endswith("json") else answer.body

    def test_the_linter_has_no_word_against_it(self):
        done = subprocess.run(
            [f"{TOOLS}/spectral", "lint", "--ruleset", f"{ROOT}/tests/contract/spectral.yaml", "--fail-severity", "hint",
             DOCUMENT], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_gateway_serves_it(self):
        gateway = Gateway(self.broker().zmq)
        self.addCleanup(gateway.close)
        with open(DOCUMENT, "rb") as file:
            self.assertEqual(gateway.ask("GET", "/openapi.json").body, file.read())

    def test_the_proxy_and_the_members_are_judged(self):
        """A document that is wrong in one place each is found out."""
        self.open()
        whole = json.loads(json.dumps(self.document.whole))
        whole["components"]["schemas"]["Submitted"]["properties"]["durability"] = {"enum": ["none"]}
        path = os.path.join(self.gateway.holder.name, "wrong.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(whole, file)
        proxy = Proxy(self.gateway, path)
        self.addCleanup(proxy.close)
        answer = proxy.ask("POST", "/v1/jobs", json.dumps({"type": "a"}), **JSON)
        self.assertIn(b"stoplight.io/prism", answer.body)
        del whole["components"]["schemas"]["Submitted"]["properties"]["durability"]
        submitted = self.gateway.submit({"type": "a"}).json
        schema = Document(whole).answer_schema("submitJob", 202, "application/json")
        self.assertEqual(Document(whole).unnamed(schema, submitted), ["/durability"])

    def run_one(self, worker, end=None, **fields):
        job = worker.take_jobs(1)[0][0]
        worker.finish(job, end, **fields)
        return job

    def jobs(self):
        everything = {
            "type": "a.b", "queue": "mail", "payload": {"n": [1, None, "x"]}, "priority": 2, "ttl": "2h", "timeout": "30s",
            "retry": {"max_attempts": 1, "first": "1s", "longest": "1h", "factor": 1.5, "within": "3d"},
            "unique": {"key": "u", "while": "unfinished", "for": "1h"}, "concurrency_key": "k", "order": "fifo", "cost": 2,
            "tags": ["red"], "metadata": {"a": "b"}, "keep": "1h", "delay": "1h",
            "webhook": {"url": "https://a.test/hook", "events": ["dead"], "secret": "new"}}
        waiting = self.call(202, "POST", "/v1/jobs", everything, Idempotency_Key="one")["job_id"]
        self.call(202, "POST", "/v1/jobs", everything, Idempotency_Key="one")
        self.call(422, "POST", "/v1/jobs", {"type": "other", "queue": "mail"}, Idempotency_Key="one")
        self.call(409, "POST", "/v1/jobs", everything)
        self.call(200, "GET", f"/v1/jobs/{waiting}")
        child = self.call(202, "POST", "/v1/jobs",
                          {"type": "a.b", "after": [waiting], "on_dependency_failure": "run"})["job_id"]
        self.call(200, "GET", f"/v1/jobs/{child}")
        self.call(409, "POST", f"/v1/jobs/{child}:run-now")
        self.call(200, "POST", f"/v1/jobs/{waiting}:run-now", Idempotency_Key="now")
        self.call(200, "POST", f"/v1/jobs/{waiting}:cancel", Idempotency_Key="act")
        self.call(409, "POST", f"/v1/jobs/{waiting}:retry")
        self.call(404, "GET", "/v1/jobs/01a215c4-dd30-77cc-b548-7ce30f34de6d")
        self.call(304, "GET", f"/v1/jobs/{waiting}?wait=10ms&version=1", If_None_Match='"3"')
        self.call(200, "GET", f"/v1/jobs/{waiting}/events")
        self.call(200, "GET", f"/v1/jobs/{waiting}/deliveries")
        self.call(204, "GET", f"/v1/jobs/{waiting}/events", Last_Event_ID="3")
        self.call(200, "GET", "/v1/events?since=oldest&limit=2&status=queued,scheduled,cancelled&queue=mail")
        self.call(200, "GET", "/v1/events?limit=1", Last_Event_ID="odd")
        self.call(409, "DELETE", f"/v1/jobs/{waiting}")
        self.call(200, "POST", f"/v1/jobs/{child}:cancel")
        self.call(200, "DELETE", f"/v1/jobs/{waiting}")
        self.call(410, "GET", f"/v1/jobs/{waiting}")

    def ends(self):
        worker = self.worker(self.their_broker, "work", slots=4)
        done = self.call(202, "POST", "/v1/jobs", {"type": "work", "payload": 1})["job_id"]
        self.run_one(worker, result=b'{"a":1}', content=pb.CONTENT_JSON)
        wait_for("the end", lambda: self.call(200, "GET", f"/v1/jobs/{done}")["status"] == "succeeded")
        dead = self.call(202, "POST", "/v1/jobs", {"type": "work", "retry": {"max_attempts": 1}})["job_id"]
        self.run_one(worker, pb.OUTCOME_DEAD, error_kind="E", error_message="m", error_detail="d")
        wait_for("the end", lambda: self.call(200, "GET", f"/v1/jobs/{dead}")["status"] == "dead")
        self.call(200, "GET", f"/v1/jobs/{dead}/timeline")
        self.call(200, "GET", f"/v1/jobs/{dead}/log?after=0")
        self.call(200, "POST", f"/v1/jobs/{dead}:retry")
        running = worker.take_jobs(1)[0][0]
        self.call(200, "GET", f"/v1/jobs/{dead}")
        self.call(202, "POST", f"/v1/jobs/{dead}:cancel")
        self.call(200, "GET", f"/v1/jobs/{dead}")
        worker.finish(running, pb.OUTCOME_CANCELLED)
        return worker

    def workers(self, worker):
        told = self.call(200, "GET", "/v1/workers?limit=5")["workers"]
        self.call(202, "POST", f"/v1/workers/{told[0]['worker_id']}:quiet")
        self.call(202, "POST", f"/v1/workers/{told[0]['worker_id']}:stop")
        self.call(404, "POST", "/v1/workers/01a215c4-dd30-77cc-b548-7ce30f34de6d:stop")
        worker.close()

    def many(self):
        self.call(200, "GET", "/v1/jobs?status=succeeded,dead&queue=default&type=work&limit=3")
        self.call(200, "GET", "/v1/jobs?tag=red&created_after=2026-01-01T00:00:00Z")
        self.call(200, "POST", "/v1/jobs:delete?status=succeeded&dry_run=true")
        begun = self.call(202, "POST", "/v1/jobs:delete?status=succeeded", Idempotency_Key="many")
        self.call(200, "GET", f"{begun['status_url']}?wait=10s")
        self.call(202, "POST", "/v1/jobs:cancel?tag=red&created_before=2026-01-01T00:00:00Z&rate=100")
        self.call(202, "POST", "/v1/jobs:retry?type=work")
        self.call(202, "POST", "/v1/jobs:run-now?type=work")
        slow = self.call(202, "POST", "/v1/jobs:delete?status=succeeded,dead,cancelled,expired&rate=1")["status_url"]
        self.call(200, "POST", f"{slow}:cancel")
        self.call(200, "GET", slow)
        self.call(409, "POST", f"{begun['status_url']}:cancel")
        self.call(404, "POST", "/v1/operations/01a215c4-dd30-77cc-b548-7ce30f34de6d:cancel")
        page = self.call(200, "GET", "/v1/operations?limit=1")
        self.call(200, "GET", f"/v1/operations?cursor={page['cursor']}")
        self.call(400, "GET", "/v1/operations?cursor=x")

    def batches(self):
        given = [{"type": "a.b", "key": "r1"}, {"type": "a.b", "tags": ["x"]}]
        batch = self.call(202, "POST", "/v1/batches?mode=atomic", given, Idempotency_Key="b")["status_url"]
        wait_for("sealed", lambda: self.call(200, "GET", batch)["sealed"])
        version = self.call(200, "GET", f"{batch}?wait=10ms")["version"]
        self.call(304, "GET", batch, If_None_Match=f'"{version}"')
        self.call(200, "GET", f"{batch}/items?limit=1")
        self.call(200, "GET", f"{batch}/deliveries")
        self.call(400, "GET", f"{batch}/deliveries?limit=1")
        self.call(404, "GET", "/v1/batches/01a215c4-dd30-77cc-b548-7ce30f34de6d/deliveries")
        self.call(202, "POST", f"{batch}:cancel")
        wait_for("the end", lambda: self.call(200, "GET", batch)["status"] == "finished")
        self.call(200, "GET", f"{batch}/events")
        self.call(202, "POST", f"{batch}:retry")
        self.call(202, "POST", f"{batch}:run-now")
        refused = json.dumps([{"type": "a.b", "after": ["01a215c4-dd30-77cc-b548-7ce30f34de6d"],
                               "on_dependency_failure": "run"}])
        self.call(422, "POST", "/v1/batches", refused)

    def queues(self):
        settings = {"weight": 3, "open_max": 9, "running_max": 2, "key_running_max": 1,
                    "rate": {"count": 10, "per": "1s"}, "key_rate": {"count": 5, "per": "1m"}, "timeout": "5s",
                    "retry": {"max_attempts": 2}, "keep": "1h"}
        self.call(200, "PUT", "/v1/queues/set", settings)
        self.call(200, "GET", "/v1/queues/set")
        self.call(404, "GET", "/v1/queues/none")
        self.call(422, "PUT", "/v1/queues/weft.x", {})
        self.call(200, "PATCH", "/v1/queues/set", {"weight": 4, "rate": None, "retry": {"first": "1s", "max_attempts": None}})
        self.call(422, "PATCH", "/v1/queues/weft.x", {"weight": 4})
        self.call(200, "GET", "/v1/queues?limit=1")
        self.call(200, "POST", "/v1/queues/set:pause?direction=in")
        self.call(503, "POST", "/v1/jobs", {"type": "a.b", "queue": "set"})
        self.call(200, "POST", "/v1/queues/set:resume?direction=both")
        self.call(200, "POST", "/v1/queues/set:drain")
        self.call(202, "POST", "/v1/queues/set:purge")

    def types(self):
        self.call(200, "PUT", "/v1/types/strict", {"timeout": "5s", "schema": {"required": ["n"]}})
        self.call(200, "GET", "/v1/types/strict")
        self.call(200, "PATCH", "/v1/types/strict", {"keep": "2h", "timeout": None, "retry": {"first": "1s", "within": None}})
        self.call(200, "GET", "/v1/types?limit=1")
        self.call(404, "GET", "/v1/types/none")
        self.call(422, "POST", "/v1/jobs", {"type": "strict", "payload": {}})

    def schedules(self):
        given = {"cron": "@hourly", "time_zone": "UTC", "overlap": "replace", "catch_up": "all", "jitter": "1s",
                 "paused": False, "job": {"type": "a.b", "payload": 1, "tags": ["x"], "unique": {"key": "s", "for": "1h"}}}
        self.call(200, "PUT", "/v1/schedules/s?dry_run=true&next=2", given)
        self.call(200, "PUT", "/v1/schedules/s", given)
        self.call(422, "PUT", "/v1/schedules/s", {**given, "job": {"type": "a.b", "queue": "weft.x"}})
        self.call(200, "GET", "/v1/schedules/s?next=3")
        self.call(200, "GET", "/v1/schedules?limit=1")
        self.call(200, "POST", "/v1/schedules/s:pause")
        self.call(200, "POST", "/v1/schedules/s:resume")
        self.call(204, "DELETE", "/v1/schedules/s")
        self.call(404, "GET", "/v1/schedules/s")

    def webhooks(self):
        given = {"url": "https://a.test/hook", "events": ["dead", "batch.finished"], "types": ["a.b"], "tags": ["x"],
                 "headers": {"X-Team": "ops"}, "secret": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"}
        self.call(201, "POST", "/v1/webhooks", {"url": "https://a.test/"})
        self.call(201, "PUT", "/v1/webhooks/ops", given)
        self.call(200, "PUT", "/v1/webhooks/ops", {"url": "https://a.test/other", "headers": {"X-Team": "ops"}})
        self.call(200, "GET", "/v1/webhooks/ops")
        self.call(200, "GET", "/v1/webhooks?limit=1")
        self.call(200, "POST", "/v1/webhooks/ops:rotate", {"overlap": "1h"})
        self.call(202, "POST", "/v1/webhooks/ops:test")
        self.call(200, "POST", "/v1/webhooks/ops:disable", {"reason": "moving"})
        self.call(409, "POST", "/v1/webhooks/ops:test")
        self.call(200, "POST", "/v1/webhooks/ops:enable")
        self.call(204, "DELETE", "/v1/webhooks/ops")
        self.call(404, "GET", "/v1/webhooks/ops")
        self.call(404, "POST", "/v1/webhooks/ops:rotate", {})

    def leases(self):
        self.call(202, "POST", "/v1/jobs", {"type": "pull", "payload": [1], "tags": ["x"], "metadata": {"a": "b"}})
        for verb, body in (("release", {}), ("fail", {"kind": "k", "message": "m", "detail": "d", "retry_after": "1ms"}),
                           ("finish", {"result": {"n": 1}})):
            job, = self.call(200, "POST", "/v1/leases", {"types": ["pull"], "queues": ["default"], "max": 2, "wait": "20s"})["jobs"]
            path, token = f"/v1/leases/{job['job_id']}", {"token": job["token"]}
            self.call(200, "POST", f"{path}:renew", {**token, "done": 1, "total": 2, "text": "t", "extend": "1m", "log": ["l"]})
            self.call(200, "POST", f"{path}:progress", {**token, "done": 2})
            self.call(409, "POST", f"{path}:renew", {"token": "7"})
            self.call(200, "POST", f"{path}:{verb}", {**token, **body})
        self.call(200, "POST", "/v1/leases", {"types": ["pull"]})
        self.call(422, "POST", "/v1/leases", {"types": ["pull"], "queues": ["weft.webhooks"]})

    def dry_runs(self):
        self.call(200, "POST", "/v1/jobs?dry_run=true", {"type": "a.b", "retry": {"within": "1h"}}, Idempotency_Key="dry")
        self.call(200, "POST", "/v1/jobs?dry_run=true", {"type": "strict", "payload": {}})
        self.call(200, "POST", "/v1/batches?dry_run=true", [{"type": "a.b", "key": "r1"}, {"type": "strict", "payload": {}}])

    def process(self):
        for path in ("/livez", "/readyz", "/metrics", "/openapi.json", "/"):
            self.call(200, "GET", path)

    def spool(self):
        """The broker goes: a job waits, and can be seen."""
        self.call(200, "GET", "/v1/spool/refused?limit=1")
        self.their_broker.stop()
        wait_for("the gateway knows", lambda: self.call(200, "GET", "/readyz") == b"spooling\n")
        said = self.call(202, "POST", "/v1/jobs", {"type": "a.b", "payload": 1}, Idempotency_Key="spooled")
        self.assertEqual(said["durability"], "spooled")
        self.call(200, "GET", said["status_url"])
        self.call(202, "POST", "/v1/batches", [{"type": "a.b", "batch_webhook": {"url": "https://a.test/hook", "secret": "new"}},
                                                {"type": "a.b"}])
        self.assertIn("cursor", self.call(200, "GET", "/v1/spool/waiting?limit=1"))
        self.assertEqual(self.call(200, "GET", "/v1/spool")["waiting"], 3)
        self.call(409, "DELETE", f"/v1/spool/{said['job_id']}")
        self.call(404, "DELETE", "/v1/spool/01890a5d-ac96-774b-bcce-b302099a8057")

    def test_a_call_of_each_operation_agrees(self):
        self.open()
        self.jobs()
        self.workers(self.ends())
        self.many()
        self.batches()
        self.queues()
        self.types()
        self.schedules()
        self.webhooks()
        self.leases()
        self.dry_runs()
        self.process()
        self.spool()
        self.assertEqual(set(self.document.operations) - self.called, set())


if __name__ == "__main__":
    unittest.main()
