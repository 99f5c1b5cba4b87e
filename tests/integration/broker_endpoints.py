#!/usr/bin/env python3
"""Webhook endpoints that are set at the broker: their life, who is told of which job, and a real sender behind."""

import json
import os
import unittest
import uuid

import lib_receiver as r
from lib_broker import ERR, BrokerTest, fresh_id, pb
from lib_notify import Key, Sender, signature

URL = "https://a.test/hook"
ENDS = sum(1 << state for state in (pb.STATE_SUCCEEDED, pb.STATE_DEAD, pb.STATE_CANCELLED, pb.STATE_EXPIRED))
DEAD = 1 << pb.STATE_DEAD
BATCH = 1 << 10


def setting(name, url=URL, events=ENDS, secret=b"sealed", act=pb.WEBHOOK_SET, **fields):
    return pb.WebhookSet(webhook_id=name, act=act, url=url, events=events, secret=secret, **fields)


def act(name, kind, **fields):
    return pb.WebhookSet(webhook_id=name, act=kind, **fields)


class Endpoints(BrokerTest):
    def set(self, client, *args, **fields):
        said = client.ask(setting(*args, **fields))
        self.assertEqual(said.error, 0, said.detail)
        return said.webhooks[0]

    def names(self, client, tenant="", **fields):
        return [line.webhook_id for line in client.ask(pb.WebhookStatus(**fields), tenant=tenant).webhooks]

    def end(self, broker, client, worker, outcome=None, **fields):
        """A job that is submitted, given and ended; its id."""
        fields.setdefault("type", "t")
        job = pb.SubmitJob(job_id=fresh_id(), **fields)
        said = client.ask(pb.Submit(jobs=[job])).jobs[0]
        self.assertEqual(said.error, 0, said.detail)
        (given, _), = worker.take_jobs(1)
        worker.finish(given, outcome)
        return job.job_id

    def notifier(self, broker, slots=16):
        peer = self.peer(broker, role=pb.ROLE_NOTIFIER, worker_id=b"n" * 16)
        peer.send(pb.Ready(types=["webhook"], queues=["weft.webhooks"], slots=slots))
        return peer

    def take_intents(self, notifier, count):
        """By job and endpoint: the deliveries."""
        return {(job.intent.parent_id, job.intent.endpoint): job for job, _ in notifier.take_jobs(count)}

    def test_its_life_survives_a_kill(self):
        broker = self.broker()
        client = self.peer(broker)
        made = client.ask(setting("ops", types="t,u", tags="billing", headers="x-team: ops"))
        line = made.webhooks[0]
        self.assertTrue(made.signs)
        self.assertEqual((line.webhook_id, line.url, line.events, line.types, line.tags, line.headers, line.generation),
                         ("ops", URL, ENDS, "t,u", "billing", "x-team: ops", 1))
        self.assertGreater(line.created_at_ms, 0)
        again = client.ask(setting("ops", types="t,u", tags="billing", headers="x-team: ops", secret=b"another"))
        self.assertEqual((again.webhooks[0].generation, again.signs), (1, False))
        self.assertEqual(self.set(client, "ops", events=DEAD).generation, 2)
        rotated = client.ask(act("ops", pb.WEBHOOK_ROTATE, secret=b"new", overlap_s=3600))
        self.assertTrue(rotated.signs)
        self.assertGreater(rotated.webhooks[0].before_until_ms, rotated.webhooks[0].rotated_at_ms)
        repeated = client.ask(act("ops", pb.WEBHOOK_ROTATE, secret=b"new", overlap_s=3600)).webhooks[0]
        self.assertEqual(repeated, rotated.webhooks[0])
        off = client.ask(act("ops", pb.WEBHOOK_DISABLE, reason="410 Gone", actor="ada")).webhooks[0]
        self.assertEqual((off.disabled, off.reason, off.generation), (True, "410 Gone", 4))
        for name in ("a", "b"):
            self.set(client, name)
        # One that has another url by now is left as it is, and nobody is told that it was switched off.
        self.assertFalse(client.ask(act("b", pb.WEBHOOK_DISABLE, url=URL + "/former", reason="410 former")).webhooks[0].disabled)
        self.assertNotIn("410 former", broker.stderr())
        self.assertTrue(client.ask(act("b", pb.WEBHOOK_DISABLE, url=URL)).webhooks[0].disabled)
        client.ask(act("a", pb.WEBHOOK_DELETE))
        log = broker.stderr()
        self.assertIn('webhook.act act=disable tenant=default webhook=ops actor=ada reason="410 Gone"', log)
        self.assertNotIn(URL, log)
        broker.kill()
        broker = self.broker()
        client = self.peer(broker)
        self.assertEqual(client.ask(pb.WebhookStatus(webhook_id="ops")).webhooks[0], off)
        self.assertEqual(self.names(client), ["b", "ops"])
        on = client.ask(act("ops", pb.WEBHOOK_ENABLE)).webhooks[0]
        self.assertEqual((on.disabled, on.reason), (False, ""))
        self.assertEqual(client.ask(act("a", pb.WEBHOOK_ENABLE)).error, ERR["ERR_NOT_FOUND"])
        broker.wait_for_metric("weft_webhook_endpoints", 2)

    def test_what_cannot_be_is_refused_and_tenants_are_apart(self):
        broker = self.broker("--endpoint-count-max", "14")
        client = self.peer(broker)
        for given, error in (
                (setting("No Name"), "ERR_BAD_FIELD"), (setting("a", url="ftp://a.test/"), "ERR_BAD_FIELD"),
                (setting("a", secret=b""), "ERR_BAD_FIELD"), (setting("a", headers="host: b"), "ERR_BAD_FIELD"),
                (setting("a", url="", events=DEAD), "ERR_BAD_FIELD"), (setting("a", events=1), "ERR_BAD_FIELD"),
                (setting("a", types="a,,b"), "ERR_BAD_FIELD"), (setting("a", tags="a b"), "ERR_BAD_FIELD"),
                (act("a", pb.WEBHOOK_NONE), "ERR_BAD_FIELD"), (act("a", pb.WEBHOOK_ROTATE), "ERR_BAD_FIELD"),
                (act("a", pb.WEBHOOK_DELETE), "ERR_NOT_FOUND"),
                (act("a", pb.WEBHOOK_ROTATE, secret=b"x", overlap_s=31 * 86400), "ERR_BAD_FIELD")):
            self.assertEqual(client.ask(given).error, ERR[error], given)
        self.assertEqual(self.names(client), [])
        for number in range(12):
            self.set(client, f"e{number:02}")
        said = client.ask(setting("e12"))
        self.assertEqual((said.error, "12" in said.detail), (ERR["ERR_FULL"], True))
        page = client.ask(pb.WebhookStatus(limit=5, after="e03"))
        self.assertEqual(([line.webhook_id for line in page.webhooks], page.is_more),
                         ([f"e{number:02}" for number in range(4, 9)], True))
        # Another tenant has its own under the same name, and its own limit.
        other = client.ask(setting("e00", url=URL + "/other"), tenant="acme").webhooks[0]
        self.assertEqual((other.generation, self.names(client, tenant="acme")), (1, ["e00"]))
        client.ask(act("e00", pb.WEBHOOK_DELETE), tenant="acme")
        self.assertEqual((self.names(client, tenant="acme"), len(self.names(client))), ([], 12))
        for name in ("a", "b"):
            client.ask(setting(name), tenant="acme")
        said = client.ask(setting("c"), tenant="acme")
        self.assertEqual((said.error, "endpoint_count_max" in said.detail), (ERR["ERR_FULL"], True))

    def test_who_wants_a_job_is_told_of_its_end(self):
        broker = self.broker()
        client = self.peer(broker)
        self.set(client, "all", headers="x-team: ops")
        self.set(client, "dead", events=DEAD)
        self.set(client, "other-type", types="u,v")
        self.set(client, "tagged", types="t,u", tags="billing,ops")
        self.set(client, "off")
        client.ask(setting("theirs"), tenant="acme")
        worker = self.worker(broker, "t")
        plain = self.end(broker, client, worker)
        billing = self.end(broker, client, worker, pb.OUTCOME_DEAD, labels=pb.Labels(tags=["x", "billing"]))
        # Who is off when the job ends is not told of it.
        client.ask(act("off", pb.WEBHOOK_DISABLE))
        late = self.end(broker, client, worker)
        notifier = self.notifier(broker)
        told = self.take_intents(notifier, 7)
        self.assertEqual(set(told), {(plain, "all"), (plain, "off"), (billing, "all"), (billing, "dead"),
                                     (billing, "tagged"), (billing, "off"), (late, "all")})
        self.assertEqual(len(client.ask(pb.List(queue="weft.webhooks")).jobs), 7)
        self.assertEqual(told[plain, "all"].intent.headers, "x-team: ops")

    def test_a_job_names_its_endpoint(self):
        broker = self.broker()
        client = self.peer(broker)
        def submit(**fields):
            job = pb.SubmitJob(job_id=fresh_id(), type="t", webhook=pb.Webhook(**fields))
            return client.ask(pb.Submit(jobs=[job])).jobs[0]
        for fields in (dict(endpoint="ops"), dict(url=URL, endpoint="ops"), dict(url=URL)):
            said = submit(**fields)
            self.assertEqual((said.error, "is not set" in said.detail), (ERR["ERR_WEBHOOK"], True), fields)
        self.set(client, "default", url="", events=0, secret=b"d")
        self.set(client, "ops", types="none", headers="x-team: ops", secret=b"o")
        self.assertEqual(submit(endpoint="default").error, ERR["ERR_WEBHOOK"])
        worker = self.worker(broker, "t")
        named = self.end(broker, client, worker, webhook=pb.Webhook(endpoint="ops"))
        own = self.end(broker, client, worker, webhook=pb.Webhook(url=URL + "/own"))
        both = self.end(broker, client, worker, webhook=pb.Webhook(url=URL + "/own", endpoint="ops"))
        sealed = self.end(broker, client, worker, webhook=pb.Webhook(url=URL + "/own", endpoint="x", secret=b"s"))
        told = self.take_intents(self.notifier(broker), 4)
        for key, url, headers, secret, is_own in (
                ((named, "ops"), URL, "x-team: ops", b"o", False), ((own, "default"), URL + "/own", "", b"d", True),
                ((both, "ops"), URL + "/own", "", b"o", True), ((sealed, "x"), URL + "/own", "", b"s", True)):
            intent = told[key].intent
            self.assertEqual((intent.url, intent.headers, intent.secret, intent.is_own, intent.fault),
                             (url, headers, secret, is_own, ""), key)

    def test_what_waits_finds_the_endpoint_as_it_is_then(self):
        broker = self.broker()
        client = self.peer(broker)
        for name in ("moved", "off", "gone"):
            self.set(client, name)
        worker = self.worker(broker, "t")
        job = self.end(broker, client, worker)
        self.set(client, "moved", url=URL + "/new")
        client.ask(act("moved", pb.WEBHOOK_ROTATE, secret=b"new", overlap_s=3600))
        client.ask(act("off", pb.WEBHOOK_DISABLE))
        client.ask(act("gone", pb.WEBHOOK_DELETE))
        test_id = fresh_id()
        for _ in range(2):
            self.assertEqual(client.ask(act("moved", pb.WEBHOOK_TEST, test_id=test_id)).error, 0)
        self.assertEqual(client.ask(act("off", pb.WEBHOOK_TEST, test_id=fresh_id())).error, ERR["ERR_CONFLICT"])
        broker.kill()
        broker = self.broker()
        notifier = self.notifier(broker)
        told = self.take_intents(notifier, 4)
        moved = told[job, "moved"].intent
        self.assertEqual((moved.url, moved.secret, moved.secret_before), (URL + "/new", b"new", b"sealed"))
        for name, word in (("off", "disabled"), ("gone", "deleted")):
            self.assertEqual((told[job, name].intent.url, word in told[job, name].intent.fault), ("", True))
        test = told[b"", "moved"]
        self.assertEqual((test.job_id, test.intent.event, test.intent.url), (test_id, "webhook.test", URL + "/new"))

    def test_what_waited_for_a_former_url_is_sent_to_the_next_at_once(self):
        broker = self.broker("--operation-count-max", "2")
        client, worker, notifier = self.peer(broker), self.worker(broker, "t"), self.notifier(broker)
        for name in ("moved", "off", "other"):
            self.set(client, name)
        self.end(broker, client, worker)
        for job, _ in notifier.take_jobs(3):
            ill = {"moved": pb.OUTCOME_SNOOZED}.get(job.intent.endpoint, pb.OUTCOME_FAILED)
            notifier.finish(job, ill, retry_after_ms=3600_000)
        self.end(broker, client, worker)
        for job, _ in notifier.take_jobs(3):
            notifier.finish(job, pb.OUTCOME_FAILED, retry_after_ms=3600_000)
        client.ask(act("off", pb.WEBHOOK_DISABLE))
        self.set(client, "off", url=URL + "/new")
        self.set(client, "moved", headers="x-team: ops")  # the same url
        self.assertEqual(len(client.ask(pb.OperationList()).operations), 0)
        self.set(client, "moved", url=URL + "/new")
        again = [job for job, _ in notifier.take_jobs(2)]
        self.assertEqual([(job.intent.endpoint, job.intent.url) for job in again], 2 * [("moved", URL + "/new")])
        self.assertEqual(sorted(job.attempt for job in again), [1, 2])
        states = (1 << pb.STATE_RETRYING) | (1 << pb.STATE_SCHEDULED)
        def waiting():
            return len(client.ask(pb.List(queue="weft.webhooks", states=states)).jobs)
        self.assertEqual(waiting(), 4)
        self.set(client, "other", url=URL + "/new")
        for job, _ in notifier.take_jobs(2):
            notifier.finish(job, pb.OUTCOME_FAILED, retry_after_ms=3600_000)
        self.set(client, "other", url=URL + "/third")  # no further act has a place: that hinders nothing
        self.assertEqual((len(client.ask(pb.OperationList()).operations), waiting()), (2, 4))

    def test_who_wants_batches_is_told_of_each_once(self):
        broker = self.broker()
        client = self.peer(broker)
        def submit(batch, type="t", tenant="", **fields):
            jobs = [pb.SubmitJob(job_id=fresh_id(), type=type, batch_id=batch, batch_index=index, **fields) for index in range(2)]
            said = client.ask(pb.Submit(jobs=jobs), tenant=tenant)
            self.assertEqual([job.error for job in said.jobs], [0, 0])
        self.set(client, "all", events=BATCH, headers="x-team: ops")
        self.set(client, "typed", events=BATCH | DEAD, types="u")
        for name in ("off", "gone"):
            self.set(client, name, events=BATCH)
        client.ask(setting("theirs", events=BATCH), tenant="acme")
        plain, typed = fresh_id(), fresh_id()
        submit(plain)
        submit(typed, "u", batch_webhook=pb.Webhook(url=URL + "/own", secret=b"s"))
        submit(plain, "u")  # one of its members would have been wanted
        self.set(client, "late", events=BATCH)
        submit(plain)
        client.ask(act("off", pb.WEBHOOK_DISABLE))
        client.ask(act("gone", pb.WEBHOOK_DELETE))
        broker.kill()
        broker = self.broker()
        client = self.peer(broker)
        worker, notifier = self.worker(broker, "t", "u", slots=8), self.notifier(broker)
        for job, _ in worker.take_jobs(8):
            worker.finish(job)
        for batch in (plain, typed):
            client.ask(pb.BatchSeal(batch_id=batch))
        told = self.take_intents(notifier, 8)
        self.assertEqual(set(told), {(plain, "all"), (plain, "off"), (plain, "gone"), (typed, "all"), (typed, "typed"),
                                     (typed, "off"), (typed, "gone"), (typed, "default")})
        self.assertEqual(len({job.job_id for job in told.values()}), 8)
        for (batch, name), job in told.items():
            fault = {"off": "disabled", "gone": "deleted"}.get(name, "")
            self.assertEqual((job.intent.event, job.intent.is_own, job.intent.at_ms, fault in job.intent.fault),
                             ("batch.finished", name == "default",
                              client.ask(pb.BatchStatus(batch_id=batch)).finished_at_ms, True), name)
        self.assertEqual((told[plain, "all"].intent.url, told[plain, "all"].intent.headers, told[plain, "all"].intent.secret,
                          told[typed, "default"].intent.url, told[plain, "off"].intent.url),
                         (URL, "x-team: ops", b"sealed", URL + "/own", ""))
        for job in told.values():
            notifier.finish(job)
        self.assertEqual(len(client.ask(pb.List(queue="weft.webhooks")).jobs), 8)

    def test_those_of_one_endpoint_are_listed_and_sent_again(self):
        broker = self.broker()
        client, worker, notifier = self.peer(broker), self.worker(broker, "t"), self.notifier(broker)
        long = "l" * 128
        for name in ("a", "ab", long):
            self.set(client, name, events=ENDS | BATCH)
        own, named = pb.Webhook(url=URL + "/own", endpoint="a"), pb.Webhook(endpoint="ab")
        for fields in ({"webhook": own}, {"batch_id": fresh_id(), "batch_webhook": named}):
            self.end(broker, client, worker, **fields)
            if "batch_id" in fields:
                client.ask(pb.BatchSeal(batch_id=fields["batch_id"]))
        told = [job for job, _ in notifier.take_jobs(10)]
        for job in told:
            notifier.finish(job, pb.OUTCOME_DEAD)
        def tagged(tag):
            which = dict(queue="weft.webhooks", tag=tag)
            listed = [job.job_id for job in client.ask(pb.List(**which)).jobs]
            self.assertEqual(client.ask(pb.Operate(kind=pb.ACT_RETRY, dry_run=True, **which)).matched, len(listed))
            return sorted(listed)
        def those(*names):
            return sorted(job.job_id for job in told if job.intent.endpoint in names and not job.intent.is_own)
        for tag, names in (("endpoint:a", ["a"]), ("endpoint:ab", ["ab"]), ("endpoint:" + 55 * "l", [long])):
            self.assertEqual((tagged(tag), len(tagged(tag))), (those(*names), 3), tag)
        operation = pb.Operate(kind=pb.ACT_RETRY, operation_id=fresh_id(), actor="x", queue="weft.webhooks", tag="endpoint:a")
        self.assertEqual(client.ask(operation).error, 0)
        self.assertEqual(sorted(job.job_id for job, _ in notifier.take_jobs(3)), those("a"))

    def test_a_real_sender_tells_a_real_receiver(self):
        broker, key, secrets = self.broker(), Key(os.path.join(self.data, "key")), [os.urandom(32), os.urandom(32)]
        client = self.peer(broker)
        def behave(receiver, connection, request):
            connection.sendall(r.answer(410 if "/gone" in request[0] else 200))
        receiver = r.Receiver(behave)
        self.addCleanup(receiver.close)
        for name in ("well", "gone"):
            self.set(client, name, url=receiver.url(f"/{name}"), secret=key.seal(secrets[0]), headers=f"x-name: {name}")
        client.ask(act("well", pb.WEBHOOK_ROTATE, secret=key.seal(secrets[1]), overlap_s=3600))
        sender = Sender(broker.zmq, self.data, key, "--allow-port", str(receiver.port), "--metrics", "off")
        self.addCleanup(sender.close)
        worker = self.worker(broker, "t")
        job = self.end(broker, client, worker)
        requests = {request[0].split()[1]: request for request in receiver.wait_for(2)}
        _, headers, body = requests["/well"]
        told = json.loads(body)
        self.assertEqual((told["type"], told["data"]["job_id"], headers["x-name"]),
                         ("job.succeeded", str(uuid.UUID(bytes=job)), "well"))
        self.assertEqual(set(headers["webhook-signature"].split()),
                         {signature(secret, headers, body) for secret in secrets})
        # The one that answers 410 is disabled before its delivery ends, so nothing more is sent there.
        gone = self.delivery(client, "dead")
        self.assertEqual(client.status(gone.job_id).failure.kind, "http_410")
        line = client.ask(pb.WebhookStatus(webhook_id="gone")).webhooks[0]
        self.assertEqual((line.disabled, line.reason), (True, "410 Gone"))
        client.ask(act("well", pb.WEBHOOK_TEST, test_id=fresh_id()))
        self.end(broker, client, worker)
        requests = receiver.wait_for(4)
        self.assertEqual({(request[0].split()[1], json.loads(request[2])["type"]) for request in requests[2:]},
                         {("/well", "webhook.test"), ("/well", "job.succeeded")})

    def delivery(self, client, state):
        """The one delivery in this state, once it is there."""
        while True:
            jobs = client.ask(pb.List(queue="weft.webhooks", states=1 << getattr(pb, "STATE_" + state.upper()))).jobs
            if jobs:
                return jobs[0]
            waiting = client.ask(pb.List(queue="weft.webhooks")).jobs
            client.status(waiting[-1].job_id, wait_ms=2000, version=waiting[-1].version)


if __name__ == "__main__":
    unittest.main()
