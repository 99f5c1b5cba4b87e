"""Tenants at the HTTP door: every endpoint of the table of routes, with every scope, by its own tenant and by another.

The endpoints are read from gateway/shell/door.c. One that has no expectation here fails, so nobody adds an endpoint
that is not judged.
"""

import json
import os
import re
import threading
import unittest
import urllib.parse
import uuid

from lib_broker import BrokerTest
from lib_gateway import Gateway, derived_id, wait_for
from lib_notify import Key

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCOPES = ("submit", "read", "work", "admin")
OPEN = "GUARD_OPEN"
JSON = {"Content_Type": "application/json"}


def routes():
    """{"GET /v1/jobs/*": "read"}: what the table says."""
    with open(os.path.join(ROOT, "gateway", "shell", "door.c"), encoding="utf-8") as file:
        text = file.read()
    rows = re.findall(r"\[ROUTE_\w+\] = \{(.*?)\}", text, re.S)
    found = {}
    for row in rows:
        method, path = re.search(r'\.method = "(\w+)"', row), re.search(r'\.path = "([^"]+)"', row)
        mark = re.search(r"\.mark = (\w+)", row)
        assert method and path and mark, row
        found[f"{method[1]} {path[1]}"] = mark[1] if mark[1] == OPEN else mark[1].removeprefix("SCOPE_").lower()
    assert len(found) == len(rows) >= 35
    return found


class World:
    """A tenant with something of everything."""

    def __init__(self, test, tenant):
        self.gateway, self.tenant = test.gateway, tenant
        self.tokens = {scope: test.gateway.token(scope, "--tenant", tenant, "--scopes", scope) for scope in SCOPES}
        self.tokens["all"] = test.gateway.token("all", "--tenant", tenant, "--scopes", ",".join(SCOPES))
        self.secret = f"of-{tenant}"  # a name of its own
        self.worker = test.worker(test.served, self.secret, tenant=tenant)
        self.job = self.submit(self.secret)
        self.over = self.submit(self.secret)
        self.good("POST", f"/v1/jobs/{self.over}:cancel")
        self.batch = self.good("POST", "/v1/batches", [{"type": "t", "queue": self.secret, "delay": "1h"}])["batch_id"]
        self.good("PUT", f"/v1/queues/{self.secret}", {"weight": 7})
        self.good("PUT", f"/v1/types/{self.secret}", {"timeout": "77s"})
        self.good("PUT", f"/v1/schedules/{self.secret}", {"cron": "@yearly", "job": {"type": self.secret}})
        self.good("PUT", f"/v1/webhooks/{self.secret}", {"url": f"https://{self.secret}.test/"})
        self.operation = self.good("POST", f"/v1/jobs:retry?queue={self.secret}&status=dead")["operation_id"]
        # What still goes on by itself would look like another's deed.
        self.good("GET", f"/v1/operations/{self.operation}?wait=60s")
        wait_for("the batch is sealed", lambda: self.good("GET", f"/v1/batches/{self.batch}")["sealed"])
        self.names = {self.secret, self.job, self.over, self.batch, self.operation}

    def ask(self, method, path, body=None, scope="all", **headers):
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            headers = {**JSON, **headers}
        token = {"Authorization": f"Bearer {self.tokens[scope]}"} if scope else {}
        answer = self.gateway.ask(method, path, body, **token, **headers)
        while answer.status == 503 and "Retry-After" in answer.headers:  # a lease's own connection is not there yet
            answer = self.gateway.ask(method, path, body, **token, **headers)
        return answer

    def good(self, *args, **named):
        answer = self.ask(*args, **named)
        assert answer.status < 300, (args, answer)
        return answer.json

    def submit(self, queue):
        return self.good("POST", "/v1/jobs", {"type": "t", "queue": queue, "delay": "1h"})["job_id"]

    def state(self):
        """All that the tenant can see of its own."""
        paths = [f"/v1/jobs/{self.job}", f"/v1/jobs/{self.over}", f"/v1/batches/{self.batch}", f"/v1/batches/{self.batch}/items",
                 f"/v1/queues/{self.secret}", f"/v1/types/{self.secret}", f"/v1/schedules/{self.secret}", f"/v1/webhooks/{self.secret}",
                 f"/v1/operations/{self.operation}", f"/v1/jobs/{self.job}/timeline", f"/v1/jobs/{self.over}/log",
                 "/v1/jobs", "/v1/queues", "/v1/types", "/v1/schedules", "/v1/webhooks", "/v1/workers"]
        return {path: self.good("GET", path) for path in paths}


def worker_id(world):
    return str(uuid.UUID(bytes=bytes(world.worker.worker_id)))


class Case:
    """`path` and `body` for the things of a world. `own`: the status for their owner; `foreign`: for another tenant."""

    def __init__(self, path, own, foreign, body=None):
        self.path, self.own, self.foreign, self.body = path, own, foreign, body


def accepted(status):
    """What is done at once has 200 where 202 is expected."""
    return {status, 200} if status == 202 else {status}


def at(template):
    return lambda world: template.format(w=world, worker=worker_id(world) if "{worker}" in template else "")


# In the order of the table: PUT stands before what acts on a queue and what deletes a schedule, and the other tenant then
# has one of the same name, its own. What is not known has no jobs to act on, so acts on many are taken and do nothing.
CASES = {
    "GET /livez": Case(at("/livez"), 200, 200),
    "GET /readyz": Case(at("/readyz"), 200, 200),
    "GET /openapi.json": Case(at("/openapi.json"), 200, 200),
    "GET /": Case(at("/"), 200, 200),
    "GET /metrics": Case(at("/metrics"), 200, 200),
    "POST /v1/jobs": Case(at("/v1/jobs"), 202, 202, {"type": "t", "delay": "1h"}),
    "GET /v1/jobs": Case(at("/v1/jobs?queue={w.secret}"), 200, 200),
    "GET /v1/jobs/*": Case(at("/v1/jobs/{w.job}"), 200, 404),
    "GET /v1/jobs/*/events": Case(at("/v1/jobs/{w.over}/events"), 200, 404),
    "GET /v1/jobs/*/timeline": Case(at("/v1/jobs/{w.job}/timeline"), 200, 404),
    "GET /v1/jobs/*/log": Case(at("/v1/jobs/{w.job}/log"), 200, 404),
    "GET /v1/jobs/*/deliveries": Case(at("/v1/jobs/{w.over}/deliveries"), 200, 404),
    "POST /v1/jobs/*": Case(at("/v1/jobs/{w.job}:cancel"), 200, 404),
    "DELETE /v1/jobs/*": Case(at("/v1/jobs/{w.over}"), 200, 404),
    "GET /v1/workers": Case(at("/v1/workers"), 200, 200),
    "POST /v1/workers/*": Case(at("/v1/workers/{worker}:quiet"), 202, 404),
    "GET /v1/operations": Case(at("/v1/operations?limit=9"), 200, 200),
    "POST /v1/jobs:cancel": Case(at("/v1/jobs:cancel?queue={w.secret}"), 202, 202),
    "POST /v1/jobs:retry": Case(at("/v1/jobs:retry?queue={w.secret}"), 202, 202),
    "POST /v1/jobs:run-now": Case(at("/v1/jobs:run-now?queue={w.secret}"), 202, 202),
    "POST /v1/jobs:delete": Case(at("/v1/jobs:delete?queue={w.secret}"), 202, 202),
    "GET /v1/operations/*": Case(at("/v1/operations/{w.operation}"), 200, 404),
    "POST /v1/operations/*": Case(at("/v1/operations/{w.operation}:cancel"), 409, 404),
    "POST /v1/batches": Case(at("/v1/batches"), 202, 202, [{"type": "t", "delay": "1h"}]),
    "GET /v1/batches/*": Case(at("/v1/batches/{w.batch}"), 200, 404),
    "GET /v1/batches/*/events": Case(at("/v1/batches/{w.batch}/events"), 200, 404),
    "GET /v1/batches/*/items": Case(at("/v1/batches/{w.batch}/items"), 200, 404),
    "GET /v1/batches/*/deliveries": Case(at("/v1/batches/{w.batch}/deliveries"), 200, 404),
    "POST /v1/batches/*": Case(at("/v1/batches/{w.batch}:cancel"), 202, 404),
    "GET /v1/schedules": Case(at("/v1/schedules"), 200, 200),
    "GET /v1/schedules/*": Case(at("/v1/schedules/{w.secret}"), 200, 404),
    "PUT /v1/schedules/*": Case(at("/v1/schedules/{w.secret}"), 200, 200, {"cron": "@monthly", "job": {"type": "t"}}),
    "POST /v1/schedules/*": Case(at("/v1/schedules/{w.secret}:pause"), 200, 404),
    "DELETE /v1/schedules/*": Case(at("/v1/schedules/{w.secret}"), 204, 204),
    "GET /v1/webhooks": Case(at("/v1/webhooks"), 200, 200),
    "POST /v1/webhooks": Case(at("/v1/webhooks"), 201, 201, {}),
    "GET /v1/webhooks/*": Case(at("/v1/webhooks/{w.secret}"), 200, 404),
    "PUT /v1/webhooks/*": Case(at("/v1/webhooks/{w.secret}"), 200, 201, {"url": "https://other.test/", "tags": ["x"]}),
    "POST /v1/webhooks/*": Case(at("/v1/webhooks/{w.secret}:disable"), 200, 404),
    "DELETE /v1/webhooks/*": Case(at("/v1/webhooks/{w.secret}"), 204, 204),
    "GET /v1/queues": Case(at("/v1/queues"), 200, 200),
    "GET /v1/queues/*": Case(at("/v1/queues/{w.secret}"), 200, 404),
    "PUT /v1/queues/*": Case(at("/v1/queues/{w.secret}"), 200, 200, {"weight": 3}),
    "PATCH /v1/queues/*": Case(at("/v1/queues/{w.secret}"), 200, 200, {"weight": 4}),
    "POST /v1/queues/*": Case(at("/v1/queues/{w.secret}:pause"), 200, 200),
    "GET /v1/types": Case(at("/v1/types"), 200, 200),
    "GET /v1/types/*": Case(at("/v1/types/{w.secret}"), 200, 404),
    "PUT /v1/types/*": Case(at("/v1/types/{w.secret}"), 200, 200, {"timeout": "3s"}),
    "PATCH /v1/types/*": Case(at("/v1/types/{w.secret}"), 200, 200, {"timeout": "4s"}),
    "GET /v1/events": Case(at("/v1/events?since=oldest&limit=1"), 200, 200),
    "GET /v1/spool": Case(at("/v1/spool"), 200, 200),
    "GET /v1/spool/waiting": Case(at("/v1/spool/waiting"), 200, 200),
    "GET /v1/spool/refused": Case(at("/v1/spool/refused"), 200, 200),
    "DELETE /v1/spool/*": Case(at("/v1/spool/{w.job}"), 404, 404),
    "POST /v1/leases": Case(at("/v1/leases"), 200, 200, {"types": ["t"]}),
    "POST /v1/leases/*": Case(at("/v1/leases/{w.job}:finish"), 409, 404, {"token": "7"}),
}


class Matrix(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.gateway = Gateway(self.served.zmq, "--webhook-key", Key(f"{self.data}/webhook.key").path)
        self.addCleanup(self.gateway.close)
        self.gateway.wait_ready()

    def test_every_endpoint_has_an_expectation(self):
        self.assertEqual(set(routes()), set(CASES))

    def test_the_document_names_the_scopes(self):
        with open(os.path.join(ROOT, "gateway", "openapi.json"), encoding="utf-8") as file:
            paths = json.load(file)["paths"]
        for path, item in paths.items():
            for method in set(item) - {"parameters"}:
                needed = routes()[f"{method.upper()} " + re.sub(r"\{\w+\}(:[\w-]+)?", "*", path)]
                said = item[method].get("security", OPEN)
                self.assertEqual(said, OPEN if needed == OPEN else [{needed: []}, {}], f"{method} {path}")
                self.assertEqual({"401", "403"} <= set(item[method]["responses"]), needed != OPEN, f"{method} {path}")

    def test_only_the_scope_opens_an_endpoint(self):
        acme = World(self, "acme")
        before = acme.state()
        for route, needed in routes().items():
            method, path = route.split()[0], CASES[route].path(acme)
            for scope in (None, *SCOPES):
                if scope == needed:
                    continue
                with self.subTest(route=route, scope=scope):
                    answer = acme.ask(method, path, CASES[route].body, scope=scope)
                    if needed == OPEN:
                        self.assertEqual(answer.status, CASES[route].own, answer)
                    elif scope is None:
                        self.assertEqual(answer.status, 401, answer)
                    else:
                        self.assertEqual((answer.status, answer.json["code"]), (403, "WEFT-1036"), answer)
                        self.assertIn(f'scope="{needed}"', answer.headers["WWW-Authenticate"])
        self.assertEqual(acme.state(), before)
        # With it, and nothing else, they work: acts after the questions, ends after the acts.
        order = {"GET": 0, "PUT": 1, "PATCH": 2, "POST": 3, "DELETE": 4}
        # That on one batch before those on many jobs, which end and remove its members.
        for route, needed in sorted(routes().items(), key=lambda row: (order[row[0].split()[0]],
                                                                      row[0] != "POST /v1/batches/*")):
            if needed != OPEN and not route.endswith("/batches/*/events"):  # which does not end
                with self.subTest(route=route, scope=needed):
                    answer = acme.ask(route.split()[0], CASES[route].path(acme), CASES[route].body, scope=needed)
                    self.assertIn(answer.status, accepted(CASES[route].own), answer)

    def test_nobody_sees_or_changes_what_is_anothers(self):
        acme = World(self, "acme")
        for other in (World(self, "other"), World(self, "default")):
            before = acme.state()
            for route in routes():
                method, path = route.split()[0], CASES[route].path(acme)
                with self.subTest(route=route, tenant=other.tenant):
                    answer = other.ask(method, path, CASES[route].body)
                    self.assertIn(answer.status, accepted(CASES[route].foreign), answer)
                    told = urllib.parse.unquote(path)
                    for name in acme.names:
                        if name not in told:
                            self.assertNotIn(name.encode(), answer.body)
            self.assertEqual(acme.state(), before)
            answer = other.ask("GET", "/v1/jobs?limit=1000").json
            self.assertFalse({job["job_id"] for job in answer["jobs"]} & acme.names)

    def test_a_cursor_of_anothers_reads_ones_own(self):
        """It is a place and no right: whoever has it, or guesses one, is told of what is theirs behind it."""
        acme, other = World(self, "acme"), World(self, "other")
        for world in (acme, other):
            for n in range(3):
                world.names.add(world.submit(world.secret))
                for kind in ("queues", "types"):
                    world.good("PUT", f"/v1/{kind}/{world.secret}-{n}", {})
                world.good("PUT", f"/v1/schedules/{world.secret}-{n}", {"cron": "@yearly", "job": {"type": world.secret}})
                world.good("PUT", f"/v1/webhooks/{world.secret}-{n}", {"url": f"https://{world.secret}.test/"})
                world.good("POST", f"/v1/jobs:retry?queue={world.secret}&status=dead")
        found = 0
        for path in ("/v1/jobs", f"/v1/batches/{acme.batch}/items", "/v1/workers", "/v1/operations", "/v1/queues", "/v1/types",
                     "/v1/schedules", "/v1/webhooks", "/v1/spool/waiting", "/v1/spool/refused"):
            page, cursors = acme.good("GET", f"{path}?limit=1"), set()
            while "cursor" in page:
                cursors.add(page["cursor"])
                page = acme.good("GET", f"{path}?limit=1&cursor={urllib.parse.quote(page['cursor'])}")
            found += bool(cursors)
            numbers = {int(cursor) for cursor in cursors if cursor.isdigit()}
            for cursor in cursors | {str(number + step) for number in numbers for step in (-1, 1, 1 << 40)}:
                with self.subTest(path=path, cursor=cursor):
                    answer = other.ask("GET", f"{path}?cursor={urllib.parse.quote(cursor)}")
                    self.assertIn(answer.status, (200, 400, 404), answer)
                    for name in acme.names:
                        self.assertNotIn(name.encode(), answer.body)
            for number in numbers if path == "/v1/jobs" else ():
                counted = other.good("POST", f"/v1/jobs:cancel?queue={acme.secret}&dry_run=true&cursor={number}")
                self.assertEqual(counted["matched"], 0)
        self.assertGreaterEqual(found, 6)

    def test_a_key_is_the_tenants_own(self):
        for tenant in ("acme", "other", "default"):
            world = World(self, tenant)
            job = {"type": tenant, "queue": "q"}
            answer = world.ask("POST", "/v1/jobs", job, Idempotency_Key="one")
            self.assertEqual(answer.status, 202, answer)
            self.assertIsNone(answer.headers["Idempotency-Replayed"])
            full, _ = derived_id("q", "one", tenant)
            self.assertEqual(answer.json["job_id"].replace("-", "")[3:12], full.hex()[3:12])
            again = world.ask("POST", "/v1/jobs", job, Idempotency_Key="one")
            self.assertEqual(again.headers["Idempotency-Replayed"], "true")
            self.assertEqual(again.json["job_id"], answer.json["job_id"])
            batch = world.ask("POST", "/v1/batches", [job], Idempotency_Key="many")
            self.assertEqual((batch.status, batch.json["accepted"]), (202, 1), batch)
            operation = world.ask("POST", "/v1/jobs:cancel?queue=q&status=queued", Idempotency_Key="act")
            self.assertLess(operation.status, 300, operation)
            over = world.good("GET", operation.json["status_url"] + "?wait=30s")
            self.assertEqual((over["status"], over["done"]), ("over", 2))

    def test_the_actor_is_the_tokens_name(self):
        acme = World(self, "acme")
        self.assertEqual(acme.ask("POST", f"/v1/jobs/{acme.job}:cancel", scope="submit").status, 200)
        events = acme.good("GET", f"/v1/jobs/{acme.job}/timeline")["events"]
        self.assertEqual([event["actor"] for event in events if "actor" in event], ["submit"])

    def test_tenants_that_submit_at_once_are_not_mixed(self):
        worlds = [World(self, tenant) for tenant in ("acme", "other", "default")]
        made = {world.tenant: set() for world in worlds}

        def submit(world):
            for _ in range(100):
                made[world.tenant].add(world.submit("crowd"))
        threads = [threading.Thread(target=submit, args=(world,)) for world in worlds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for world in worlds:
            listed = {job["job_id"] for job in world.good("GET", "/v1/jobs?queue=crowd&limit=1000")["jobs"]}
            self.assertEqual(listed, made[world.tenant])
            self.assertEqual(len(listed), 100)


if __name__ == "__main__":
    unittest.main()
