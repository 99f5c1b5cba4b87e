#!/usr/bin/env python3
"""Who is told of a job's end, as far as the broker goes: what a notifier gets."""

import unittest

from lib_broker import ERR, BrokerTest, fresh_id, pb

URL = "https://a.test/hook"


class Webhooks(BrokerTest):
    def submit(self, client, **fields):
        job = pb.SubmitJob(job_id=fresh_id(), type="t", **fields)
        return job.job_id, client.ask(pb.Submit(jobs=[job])).jobs[0].error

    def notifier(self, broker):
        peer = self.peer(broker, role=pb.ROLE_NOTIFIER, worker_id=b"n" * 16)
        peer.send(pb.Ready(types=["webhook"], queues=["weft.webhooks"], slots=4))
        return peer

    def test_a_webhook_is_judged(self):
        client = self.peer(self.broker())
        for given, error in (
                (pb.Webhook(events=1 << pb.STATE_DEAD), "ERR_BAD_FIELD"),
                (pb.Webhook(url="ftp://a.test/"), "ERR_BAD_FIELD"),
                (pb.Webhook(url="https://user@a.test/"), "ERR_BAD_FIELD"),
                (pb.Webhook(endpoint="No Name"), "ERR_BAD_FIELD"),
                (pb.Webhook(endpoint="ops"), "ERR_WEBHOOK"),
                (pb.Webhook(url=URL, endpoint="ops"), "ERR_WEBHOOK"),
                (pb.Webhook(url=URL, events=1 << pb.STATE_QUEUED), "ERR_MALFORMED")):
            self.assertEqual(self.submit(client, webhook=given)[1], ERR[error], given)

    def test_reserved_queues_take_no_jobs_from_outside(self):
        client = self.peer(self.broker())
        self.assertEqual(self.submit(client, queue="weft.webhooks")[1], ERR["ERR_RESERVED"])

    def test_the_end_is_told_over_a_kill(self):
        broker = self.broker()
        client = self.peer(broker)
        told, error = self.submit(client, webhook=pb.Webhook(url=URL, events=1 << pb.STATE_DEAD, secret=b"s"),
                                  traceparent="00-trace")
        self.assertEqual(error, 0)
        worker = self.worker(broker, "t", slots=2)
        (job, _), = worker.take_jobs(1)
        worker.finish(job, pb.OUTCOME_DEAD)
        broker.kill()
        broker = self.broker()
        notifier = self.notifier(broker)
        (delivery, _), = notifier.take_jobs(1)
        intent = delivery.intent
        self.assertEqual((intent.parent_id, intent.event, intent.url, intent.endpoint, intent.is_own, intent.fault,
                          intent.secret), (told, "job.dead", URL, "default", True, "", b"s"))
        self.assertEqual((delivery.queue, delivery.type, list(delivery.after)), ("weft.webhooks", "webhook", [told]))
        self.assertEqual(delivery.traceparent, "00-trace")
        status = self.peer(broker).status(told)
        self.assertEqual((status.state, status.ended_at_ms), (pb.STATE_DEAD, intent.at_ms))
        notifier.finish(delivery)
        self.assertEqual(self.peer(broker).status(delivery.job_id).state, pb.STATE_SUCCEEDED)

    def test_a_delivery_is_hurried_and_one_of_a_batch_waits_for_it(self):
        broker = self.broker()
        client = self.peer(broker)
        batch = fresh_id()
        hook = pb.Webhook(url=URL, events=1 << pb.STATE_DEAD, secret=b"s")
        self.submit(client, webhook=hook, batch_id=batch, batch_webhook=pb.Webhook(url=URL, secret=b"s"))
        self.submit(client, batch_id=batch)
        worker = self.worker(broker, "t", slots=1)
        (job, _), = worker.take_jobs(1)
        worker.finish(job, pb.OUTCOME_DEAD)
        notifier = self.notifier(broker)
        (delivery, _), = notifier.take_jobs(1)
        notifier.finish(delivery, pb.OUTCOME_FAILED, retry_after_ms=3600_000)
        which = {"kind": pb.ACT_RUN_NOW, "queue": "weft.webhooks", "operation_id": fresh_id(), "actor": "test"}
        client.ask(pb.Operate(**which))
        (again, _), = notifier.take_jobs(1)
        self.assertEqual((again.job_id, again.attempt), (delivery.job_id, 2))
        over = client.ask(pb.Operation(operation_id=which["operation_id"], wait_ms=5000))
        self.assertEqual((over.matched, over.done), (2, 1))  # the batch has not ended

    def test_a_batch_is_told_once(self):
        broker = self.broker()
        client = self.peer(broker)
        batch = fresh_id()
        hook = pb.Webhook(url=URL, secret=b"s")
        traces = ["00-first", "00-second"]
        self.assertEqual(self.submit(client, batch_webhook=hook)[1], ERR["ERR_BAD_FIELD"])
        self.assertEqual(self.submit(client, batch_id=batch, batch_webhook=pb.Webhook(url=URL, endpoint="ops"))[1],
                         ERR["ERR_WEBHOOK"])
        for _ in range(2):
            self.assertEqual(self.submit(client, batch_id=batch, batch_webhook=hook, traceparent=traces.pop(0))[1], 0)
        notifier = self.notifier(broker)
        worker = self.worker(broker, "t", slots=2)
        for job, _ in worker.take_jobs(2):
            worker.finish(job, pb.OUTCOME_DEAD)
        broker.kill()  # the ends are durable, and the batch is closed after them
        broker = self.broker()
        client = self.peer(broker)
        client.ask(pb.BatchSeal(batch_id=batch))
        notifier = self.notifier(broker)
        (delivery, _), = notifier.take_jobs(1)
        intent = delivery.intent
        finished = client.ask(pb.BatchStatus(batch_id=batch)).finished_at_ms
        self.assertEqual((intent.parent_id, intent.event, intent.generation, intent.url, intent.is_own, intent.secret,
                          intent.at_ms), (batch, "batch.finished", 0, URL, True, b"s", finished))
        self.assertEqual(delivery.traceparent, "00-first")
        notifier.finish(delivery)
        self.assertEqual(len(client.ask(pb.List(queue="weft.webhooks")).jobs), 1)

    def test_dead_deliveries_of_a_range_are_sent_again(self):
        broker = self.broker()
        client = self.peer(broker)
        worker = self.worker(broker, "t")
        notifier = self.notifier(broker)
        dead = []  # of as many moments
        while len(dead) < 3:
            told, error = self.submit(client, webhook=pb.Webhook(url=URL, secret=b"s"))
            self.assertEqual(error, 0)
            (job, _), = worker.take_jobs(1)
            worker.finish(job)
            (delivery, _), = notifier.take_jobs(1)
            notifier.finish(delivery, pb.OUTCOME_DEAD)
            at = client.status(delivery.job_id).created_at_ms
            if not dead or at > dead[-1][0]:
                dead.append((at, delivery.job_id, told))
            else:
                self.assertEqual(client.ask(pb.Act(kind=pb.ACT_DELETE, job_id=delivery.job_id, act_id=fresh_id(), actor="x")).error, 0)
        (start, first, _), (_, second, told), (end, third, _) = dead
        which = {"kind": pb.ACT_RETRY, "queue": "weft.webhooks", "created_after_ms": start, "created_before_ms": end}
        self.assertEqual(client.ask(pb.Operate(dry_run=True, **which)).matched, 1)
        operation = client.ask(pb.Operate(operation_id=fresh_id(), actor="x", **which))
        self.assertEqual(operation.error, 0, operation)
        (again, _), = notifier.take_jobs(1)
        self.assertEqual((again.job_id, again.intent.parent_id, again.intent.event), (second, told, "job.succeeded"))
        notifier.finish(again)
        self.assertEqual([client.status(job).state for job in (first, second, third)],
                         [pb.STATE_DEAD, pb.STATE_SUCCEEDED, pb.STATE_DEAD])

    def test_an_unwanted_end_is_not_told(self):
        broker = self.broker()
        client = self.peer(broker)
        self.submit(client, webhook=pb.Webhook(url=URL, events=1 << pb.STATE_DEAD, secret=b"s"))
        worker = self.worker(broker, "t")
        (job, _), = worker.take_jobs(1)
        worker.finish(job)
        said = client.ask(pb.List(queue="weft.webhooks"))
        self.assertEqual(len(said.jobs), 0)

    def test_each_attempt_stands_on_the_jobs_timeline(self):
        broker = self.broker()
        client = self.peer(broker)
        told, _ = self.submit(client, webhook=pb.Webhook(url=URL, secret=b"s"))
        worker = self.worker(broker, "t")
        (job, _), = worker.take_jobs(1)
        worker.finish(job)
        notifier = self.notifier(broker)
        (first, _), = notifier.take_jobs(1)
        notifier.finish(first, pb.OUTCOME_FAILED, error_kind="status_503", error_message="503", retry_after_ms=1)
        (second, _), = notifier.take_jobs(1)
        notifier.finish(second, pb.OUTCOME_DEAD, error_kind="gone", error_message="410")
        broker.kill()
        broker = self.broker()
        client = self.peer(broker)
        events = client.ask(pb.Timeline(job_id=told)).events
        self.assertEqual([event.event for event in events], ["submit", "grant", "succeed", "deliver", "deliver"])
        self.assertEqual([(event.attempt, event.outcome, event.failure.kind, event.state, event.version) for event in events[3:]], [
            (1, pb.OUTCOME_FAILED, "status_503", pb.STATE_SUCCEEDED, 0),
            (2, pb.OUTCOME_DEAD, "gone", pb.STATE_SUCCEEDED, 0)])
        self.assertEqual({event.delivery_id for event in events[3:]}, {first.job_id})
        self.assertGreater(events[3].due_at_ms, 0)
        # Sent again after its death, it goes on under the same id.
        client.ask(pb.Act(kind=pb.ACT_RETRY, job_id=first.job_id, act_id=fresh_id()))
        notifier = self.notifier(broker)
        (third, _), = notifier.take_jobs(1)
        notifier.finish(third)
        said = client.ask(pb.Timeline(job_id=told)).events
        self.assertEqual([event.outcome for event in said[3:]], [pb.OUTCOME_FAILED, pb.OUTCOME_DEAD, pb.OUTCOME_SUCCEEDED])

    def test_the_deliveries_of_an_end_are_listed(self):
        broker = self.broker()
        client = self.peer(broker)
        told, error = self.submit(client, webhook=pb.Webhook(url=URL, secret=b"s"))
        self.assertEqual(error, 0)
        bare, _ = self.submit(client)
        self.assertEqual(len(client.ask(pb.List(told_of=told)).jobs), 0)
        worker = self.worker(broker, "t", slots=2)
        for job, _ in worker.take_jobs(2):
            worker.finish(job)
        notifier = self.notifier(broker)
        (delivery, _), = notifier.take_jobs(1)
        listed = client.ask(pb.List(told_of=told))
        self.assertEqual([(line.job_id, line.queue, line.state) for line in listed.jobs],
                         [(delivery.job_id, "weft.webhooks", pb.STATE_RUNNING)])
        notifier.finish(delivery)
        self.assertEqual([line.state for line in client.ask(pb.List(told_of=told)).jobs], [pb.STATE_SUCCEEDED])
        words = [(event.event, event.outcome) for event in client.ask(pb.Timeline(job_id=told)).events]
        self.assertEqual(words[-1], ("deliver", pb.OUTCOME_SUCCEEDED))
        self.assertNotIn("deliver", [event.event for event in client.ask(pb.Timeline(job_id=bare)).events])
        self.assertEqual((len(client.ask(pb.List(told_of=bare)).jobs), client.ask(pb.List(told_of=bare)).error), (0, 0))
        self.assertEqual(client.ask(pb.List(told_of=told), tenant="acme").error, ERR["ERR_NOT_FOUND"])
        self.assertEqual(client.ask(pb.List(told_of=fresh_id())).error, ERR["ERR_NOT_FOUND"])
        self.assertEqual(client.ask(pb.List(told_of=told, limit=7)).error, ERR["ERR_BAD_FIELD"])

    def test_the_deliveries_of_a_batch_are_listed(self):
        broker = self.broker()
        client = self.peer(broker)
        batch = fresh_id()
        client.ask(pb.WebhookSet(act=pb.WEBHOOK_SET, webhook_id="ops", url=URL, events=1 << 10, secret=b"s"))
        for tenant in ("", "acme"):  # another tenant's of the same id
            for _ in range(2):
                job = pb.SubmitJob(job_id=fresh_id(), type="t", batch_id=batch, batch_webhook=pb.Webhook(url=URL, secret=b"s"))
                self.assertEqual(client.ask(pb.Submit(jobs=[job]), tenant=tenant).jobs[0].error, 0)
        asked = pb.List(told_of=batch, told_of_batch=True)
        waiting = client.ask(asked).jobs
        self.assertEqual([(line.queue, line.state) for line in waiting], [("weft.webhooks", pb.STATE_SCHEDULED)] * 2)
        self.assertEqual(len(client.ask(asked, tenant="acme").jobs), 1)
        broker.kill()
        broker = self.broker()
        client = self.peer(broker)
        for (job, _) in (worker := self.worker(broker, "t", slots=2)).take_jobs(2):
            worker.finish(job)
        client.ask(pb.BatchSeal(batch_id=batch))
        notifier = self.notifier(broker)
        for delivery, _ in notifier.take_jobs(2):
            self.assertEqual(delivery.intent.parent_id, batch)
            notifier.finish(delivery, pb.OUTCOME_DEAD)
        dead = client.ask(asked).jobs
        self.assertEqual({line.job_id for line in dead}, {line.job_id for line in waiting})
        self.assertEqual({line.state for line in dead}, {pb.STATE_DEAD})
        client.ask(pb.Act(kind=pb.ACT_RETRY, job_id=dead[0].job_id, act_id=fresh_id()))
        (again, _), = notifier.take_jobs(1)
        self.assertEqual(again.job_id, dead[0].job_id)
        for refused, error in ((pb.List(told_of=batch), "ERR_NOT_FOUND"), (pb.List(told_of_batch=True), "ERR_BAD_FIELD"),
                               (pb.List(told_of=again.job_id, told_of_batch=True), "ERR_NOT_FOUND")):
            self.assertEqual(client.ask(refused).error, ERR[error], refused)


if __name__ == "__main__":
    unittest.main()
