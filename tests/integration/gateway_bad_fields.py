"""Each field of each request with values that it may not have, made from the OpenAPI document: refused with the
field's name, nothing is stored, the next client is served."""

import json
import unittest

import jsonschema
from lib_broker import ROOT, BrokerTest
from lib_gateway import Gateway

# One of each kind, and what people get wrong.
VALUES = [None, True, -1, 0, 7, 1.5, 10**19, 1e300, "", "x", "\u2603 x", "5", "-5s", "1e3s", "9" * 40 + "d", "k" * 300, "2026-13-01T00:00:00Z",
          [], [None], ["x"], {}, {"x": None}, [[]], {"count": 0, "per": "0s"}, {"key": ""}]
JSON = {"Content_Type": "application/json"}
JOB = {"type": "a"}
# What asks for it, its schema, what is sound around the field.
LEASE = "/v1/leases/01890a5d-ac96-774b-bcce-b302099a8057"
REQUESTS = [
    ("POST", "/v1/jobs", "Job", JOB),
    ("POST", "/v1/batches?mode=atomic", "Record", JOB),
    ("PUT", "/v1/queues/q", "QueueSettings", {}),
    ("PUT", "/v1/types/t", "TypeSettings", {}),
    ("PUT", "/v1/schedules/s", "ScheduleGiven", {"cron": "@hourly", "job": JOB}),
    ("PUT", "/v1/schedules/s", "ScheduledJob", JOB),
    ("PUT", "/v1/webhooks/w", "EndpointGiven", {"url": "https://a.test/"}),
    ("POST", "/v1/webhooks/w:rotate", "EndpointRotation", {}),
    ("POST", "/v1/webhooks/w:disable", "EndpointReason", {}),
    ("POST", "/v1/leases", "LeaseWish", {"types": ["a"]}),
    ("POST", f"{LEASE}:finish", "LeaseFinish", {"token": "7"}),
    ("POST", f"{LEASE}:fail", "LeaseFail", {"token": "7"}),
    ("POST", f"{LEASE}:release", "LeaseRelease", {"token": "7"}),
    ("POST", f"{LEASE}:renew", "LeaseRenew", {"token": "7"}),
]
NESTED = ("Retry", "Unique", "Rate", "Webhook", "BatchWebhook", "ScheduledWebhook")
# Sound by the document and refused for more than it can say.
OPEN = {"payload", "after", "schema", "result"}


class BadFields(BrokerTest):
    def setUp(self):
        super().setUp()
        with open(f"{ROOT}/gateway/openapi.json", encoding="utf-8") as file:
            self.schemas = json.load(file)["components"]["schemas"]
        self.gateway = Gateway(self.broker().zmq)
        self.addCleanup(self.gateway.close)
        self.gateway.wait_ready()
        self.cases = 0

    def is_sound(self, schema, value):
        resolver = jsonschema.RefResolver("", {"components": {"schemas": self.schemas}})
        return jsonschema.Draft202012Validator(schema, resolver=resolver).is_valid(value)

    def refuse(self, request, body, name, value):
        method, path, kind, _ = request
        if kind == "Record":
            body = [body]
        if kind == "ScheduledJob":
            body = {"cron": "@hourly", "job": body}
        answer = self.gateway.ask(method, path, json.dumps(body), **JSON)
        words = f"{kind}.{name} = {value!r}: {answer.status} {answer.body}"
        self.assertIn(answer.status, (400, 413, 422), words)
        told = answer.json
        self.assertIn(name, told.get("detail", "") + json.dumps(told.get("rejections", "")), words)
        self.cases += 1

    def test_no_field_takes_what_it_may_not_have(self):
        for request in REQUESTS:
            _, _, kind, around = request
            for name, schema in self.schemas[kind]["properties"].items():
                if name in OPEN:
                    continue
                for value in VALUES:
                    is_other = name == "job" and isinstance(value, dict)  # its own fields are named
                    with self.subTest(f"{kind}.{name} = {value!r}"):
                        if not self.is_sound(schema, value) and not is_other:
                            self.refuse(request, {**around, name: value}, name, value)
                self.nested(request, name, schema)
        print(f"{self.cases} cases")
        self.assertGreater(self.cases, 500)
        for path, member in (("/v1/jobs", "jobs"), ("/v1/queues", "queues"), ("/v1/types", "types"),
                             ("/v1/schedules", "schedules"), ("/v1/webhooks", "webhooks")):
            self.assertEqual(self.gateway.ask("GET", path).json[member], [], path)
        self.assertEqual(self.gateway.submit(JOB).status, 202)

    def nested(self, request, name, schema):
        kind = schema.get("$ref", "").rpartition("/")[2]
        if kind not in NESTED:
            return
        around = {"Unique": {"key": "k", "while": "unfinished"}, "Rate": {"count": 1, "per": "1s"},
                  "Webhook": {"url": "https://a.test/"}, "ScheduledWebhook": {"endpoint": "ops"}}.get(kind, {})
        for inner, inner_schema in self.schemas[kind]["properties"].items():
            for value in VALUES:
                with self.subTest(f"{request[2]}.{name}.{inner} = {value!r}"):
                    if not self.is_sound(inner_schema, value):
                        self.refuse(request, {**request[3], name: {**around, inner: value}}, name, value)
        with self.subTest(f"{request[2]}.{name}: an unknown member"):
            self.refuse(request, {**request[3], name: {**around, "unknown": 1}}, name, "unknown")


if __name__ == "__main__":
    unittest.main()
