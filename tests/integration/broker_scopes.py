"""Keys at the ZeroMQ door: every kind of message of the contract, with every scope, by its own tenant and by another.

The kinds are read from proto/weft.proto. One that has no row here fails, so nobody adds a message that is not judged.
"""

import os
import unittest
import uuid

from lib_broker import ERR, BrokerTest, fresh_id, pb
from lib_keys import Keys

SCOPES = ("submit", "read", "work", "admin")
OPEN, NOBODY = "open", "nobody"
STRANGE = b"\x01" * 16  # an id that nobody has


class Row:
    """`needed`: a scope, OPEN or NOBODY. `make(world)` gives the message; an answer may be of another kind."""

    def __init__(self, needed, make, name=None):
        self.needed, self.make, self.name = needed, make, name


def act(kind, needed, **fields):
    return Row(needed, lambda world: pb.Act(kind=kind, act_id=fresh_id(), actor="me",
                                            **{k: v(world) for k, v in fields.items()}), pb.ActKind.Name(kind))


def operate(kind, needed, name, **fields):
    return Row(needed, lambda world: pb.Operate(kind=kind, dry_run=True, **{k: v(world) for k, v in fields.items()}),
               name)


def row(needed, make):
    return [Row(needed, make)]


def nobody(message):
    return row(NOBODY, lambda world: message)


ROWS = {
    "hello": [Row(OPEN, lambda world: pb.Hello(role=pb.ROLE_CLIENT, session=7), "client"),
              Row("work", lambda world: pb.Hello(role=pb.ROLE_WORKER, session=7, worker_id=uuid.uuid4().bytes), "worker")],
    "bye": row(OPEN, lambda world: pb.Bye(reason="matrix")),
    "submit": row("submit", lambda world: pb.Submit(jobs=[pb.SubmitJob(type="t", job_id=fresh_id())], dry_run=True)),
    "batch_seal": row("submit", lambda world: pb.BatchSeal(batch_id=world.batch)),
    "ready": row("work", lambda world: pb.Ready(types=["nothing"], slots=1)),
    "renew": row("work", lambda world: pb.Renew()),
    "simulated": row("work", lambda world: pb.Simulated(ok=True)),
    "finish": row("work", lambda world: pb.Finish(jobs=[pb.FinishJob(job_id=world.job, token=1,
                                                                    outcome=pb.OUTCOME_SUCCEEDED)])),
    "status": row("read", lambda world: pb.Status(job_id=world.job)),
    "batch_status": row("read", lambda world: pb.BatchStatus(batch_id=world.batch)),
    "queue_status": row("read", lambda world: pb.QueueStatus()),
    "type_status": row("read", lambda world: pb.TypeStatus()),
    "schedule_status": row("read", lambda world: pb.ScheduleStatus(schedule_id="s")),
    "schedule_list": row("read", lambda world: pb.ScheduleList()),
    "worker_list": row("read", lambda world: pb.WorkerList()),
    "list": row("read", lambda world: pb.List()),
    "timeline": row("read", lambda world: pb.Timeline(job_id=world.job)),
    "log": row("read", lambda world: pb.Log(job_id=world.job)),
    "operation": row("read", lambda world: pb.Operation(operation_id=STRANGE)),
    "operation_list": row("read", lambda world: pb.OperationList()),
    "watch": row("read", lambda world: pb.Watch()),
    "webhook_status": row("read", lambda world: pb.WebhookStatus()),
    "act": [act(pb.ACT_CANCEL, "submit", job_id=lambda world: STRANGE),
            act(pb.ACT_RETRY, "submit", job_id=lambda world: world.job),
            act(pb.ACT_RUN_NOW, "submit", job_id=lambda world: STRANGE),
            act(pb.ACT_DELETE, "admin", job_id=lambda world: world.job),
            act(pb.ACT_QUIET, "admin", worker_id=lambda world: STRANGE),
            act(pb.ACT_STOP, "admin", worker_id=lambda world: STRANGE),
            act(pb.ACT_PAUSE, "admin", queue=lambda world: "unused"),
            act(pb.ACT_DRAIN, "admin", queue=lambda world: "unused"),
            act(pb.ACT_PURGE, "admin", queue=lambda world: "unused"),
            act(pb.ACT_RESUME, "admin", queue=lambda world: "unused")],
    "operate": [operate(pb.ACT_CANCEL, "admin", "cancel"), operate(pb.ACT_RETRY, "admin", "retry"),
                operate(pb.ACT_RUN_NOW, "admin", "run now"),
                operate(pb.ACT_RUN_NOW, "submit", "run a batch now", batch_id=lambda world: world.batch),
                operate(pb.ACT_DELETE, "admin", "delete"), operate(pb.ACT_PURGE, "admin", "purge"),
                operate(pb.ACT_CANCEL, "submit", "cancel a batch", batch_id=lambda world: world.batch),
                operate(pb.ACT_RETRY, "submit", "retry a batch", batch_id=lambda world: world.batch),
                operate(pb.ACT_DELETE, "admin", "delete a batch", batch_id=lambda world: world.batch),
                Row("admin", lambda world: pb.Operate(kind=pb.ACT_STOP, operation_id=STRANGE), "cancel an operation")],
    "queue_set": row("admin", lambda world: pb.QueueSet(queue="set", weight=2)),
    "type_set": row("admin", lambda world: pb.TypeSet(type="set", timeout_ms=1000)),
    "schedule_set": row("admin", lambda world: pb.ScheduleSet()),
    "webhook_set": row("admin", lambda world: pb.WebhookSet(
        webhook_id="set", act=pb.WEBHOOK_SET, url="https://a.test/", events=1 << pb.STATE_DEAD, secret=b"s")),
    "welcome": nobody(pb.Welcome()), "submitted": nobody(pb.Submitted()), "jobs": nobody(pb.Jobs()),
    "simulate": nobody(pb.Simulate()),
    "renewed": nobody(pb.Renewed()), "finished": nobody(pb.Finished()), "status_is": nobody(pb.StatusIs()),
    "batch_status_is": nobody(pb.BatchStatusIs()), "error": nobody(pb.Error()), "acted": nobody(pb.Acted()),
    "queue_status_is": nobody(pb.QueueStatusIs()), "type_status_is": nobody(pb.TypeStatusIs()),
    "schedule_status_is": nobody(pb.ScheduleStatusIs()), "schedule_listed": nobody(pb.ScheduleListed()),
    "worker_listed": nobody(pb.WorkerListed()), "listed": nobody(pb.Listed()), "timeline_is": nobody(pb.TimelineIs()),
    "log_is": nobody(pb.LogIs()), "operation_is": nobody(pb.OperationIs()), "event": nobody(pb.Event()),
    "operation_listed": nobody(pb.OperationListed()),
    "webhook_status_is": nobody(pb.WebhookStatusIs()),
}
UNANSWERED = {"bye"}


def kinds():
    return [field.name for field in pb.Envelope.DESCRIPTOR.oneofs[0].fields]


class World:
    def __init__(self, test, tenant):
        self.test, self.tenant = test, tenant
        self.keys = {scope: test.keys.new(f"{tenant}-{scope}", scope, tenant) for scope in SCOPES}
        self.admin = test.peer(test.served, key=test.keys.new(f"{tenant}-all", ",".join(SCOPES), tenant))
        self.batch = fresh_id()
        said, = self.admin.submit({"job_id": fresh_id(), "batch_id": self.batch, "queue": f"of-{tenant}",
                                   "delay_ms": 3600_000})
        self.job = said.job_id
        self.admin.ask(pb.BatchSeal(batch_id=self.batch))

    def state(self):
        """What the tenant has, to the last byte."""
        asked = (pb.List(), pb.QueueStatus(), pb.TypeStatus(), pb.ScheduleList(), pb.WebhookStatus(), pb.BatchStatus(batch_id=self.batch),
                 pb.Status(job_id=self.job))
        return [self.admin.ask(question).SerializeToString() for question in asked]


class Scopes(BrokerTest):
    def setUp(self):
        super().setUp()
        self.keys = Keys(os.path.join(self.data, "certs"))
        self.served = self.broker("--keys", self.keys.dir)

    def said(self, peer, message, tenant=""):
        """The number of the ERROR that answers it, or 0."""
        answer = peer.ask(message, tenant=tenant)
        return answer.error if isinstance(answer, pb.Error) else 0

    def test_every_kind_has_a_row(self):
        self.assertEqual(sorted(ROWS), sorted(kinds()))
        acts = {row.name for row in ROWS["act"]}
        self.assertEqual(acts, {name for name in pb.ActKind.keys() if name not in ("ACT_NONE",)})

    def test_what_a_key_may_not_say_is_refused_and_what_it_may_is_not(self):
        acme = World(self, "acme")
        before = acme.state()
        refused = {ERR["ERR_SCOPE"], ERR["ERR_NO_KEY"], ERR["ERR_FOREIGN_TENANT"], ERR["ERR_QUOTA"]}
        for scope in SCOPES:
            for kind in kinds():
                for wanted in ROWS[kind]:
                    # A peer for each: misdeeds are counted, and a greeting changes what a peer is.
                    peer = self.peer(self.served, key=acme.keys[scope])
                    with self.subTest(kind=kind, what=wanted.name, scope=scope):
                        message = wanted.make(acme)
                        if kind in UNANSWERED:
                            peer.send(message)
                        elif wanted.needed == NOBODY:
                            self.assertEqual(self.said(peer, message), ERR["ERR_UNSUPPORTED"])
                        elif wanted.needed in (OPEN, scope):
                            self.assertNotIn(self.said(peer, message), refused | {ERR["ERR_UNSUPPORTED"]})
                        else:
                            self.assertEqual(self.said(peer, message), ERR["ERR_SCOPE"])
                    peer.close()
            if scope != "admin":  # which sets a queue, a type and an endpoint in the end
                self.assertEqual(acme.state(), before, scope)

    def test_nobody_speaks_for_another(self):
        acme, other = World(self, "acme"), World(self, "other")
        before = acme.state()
        for kind in kinds():
            for wanted in ROWS[kind]:
                if wanted.needed == NOBODY or kind in UNANSWERED:
                    continue
                with self.subTest(kind=kind, what=wanted.name):
                    key = other.keys[wanted.needed if wanted.needed in SCOPES else "read"]
                    peer = self.peer(self.served, key=key)
                    self.assertEqual(self.said(peer, wanted.make(acme), tenant="acme"), ERR["ERR_FOREIGN_TENANT"])
                    answer = peer.ask(wanted.make(acme))
                    self.assertNotIn(b"of-acme", answer.SerializeToString())
                    if kind not in ("submit", "hello"):
                        told = answer.SerializeToString().replace(acme.job, b"", 1).replace(acme.batch, b"", 1)
                        self.assertNotIn(acme.job, told)
                        self.assertNotIn(acme.batch, told)
                    peer.close()
        # What only those may who speak for all.
        peer = self.peer(self.served, key=other.keys["read"])
        self.assertEqual(self.said(peer, pb.Watch(all_tenants=True)), ERR["ERR_FOREIGN_TENANT"])
        # A gateway is believed how long it has kept a job (SUBMIT spooled), and whose it is.
        gateway = self.peer(self.served, key=other.keys["submit"], hello=False)
        self.assertEqual(self.said(gateway, pb.Hello(role=pb.ROLE_GATEWAY, session=1)), ERR["ERR_FOREIGN_TENANT"])
        old = pb.Submit(jobs=[pb.SubmitJob(job_id=fresh_id(at_ms=1_000_000_000_000), type="t")], spooled=True)
        self.assertEqual(self.said(gateway, old), ERR["ERR_UNKNOWN_PEER"])
        client = self.peer(self.served, key=other.keys["submit"])
        self.assertEqual(self.said(client, old), ERR["ERR_BAD_FIELD"])
        notifier = self.peer(self.served, key=other.keys["work"], hello=False)
        self.assertEqual(self.said(notifier, pb.Hello(role=pb.ROLE_NOTIFIER, session=1, worker_id=STRANGE)),
                         ERR["ERR_FOREIGN_TENANT"])
        self.assertEqual(acme.state(), before)


if __name__ == "__main__":
    unittest.main()
