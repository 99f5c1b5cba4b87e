"""Queues over the wire: what is set, what it does, and that it is there after a kill."""

import os
import time
import unittest

from lib_broker import ERR, PATIENCE_S, BrokerTest, fresh_id, pb
from lib_clock import Clock


class Queues(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.client = self.peer(self.served)

    def restart(self):
        self.served.kill()
        self.served = self.broker()
        self.client = self.peer(self.served)

    def set(self, queue, **fields):
        return self.client.ask(pb.QueueSet(queue=queue, **fields))

    def status(self, queue):
        return self.client.ask(pb.QueueStatus(queue=queue))

    def submit(self, queue, **fields):
        job_id = fresh_id()
        said, = self.client.submit({"job_id": job_id, "queue": queue, **fields})
        return said.error, said, job_id

    def test_what_is_set_is_told_and_survives(self):
        """As it was given: mapping only."""
        given = dict(weight=3, open_max=9, timeout_ms=1001, max_attempts=2, max_crashes=3, retry_first_ms=4,
                     retry_longest_ms=5, retry_factor_milli=1500, retry_within_s=7, keep_s=8,
                     running_max=10, key_running_max=11, rate_count=12, rate_per_ms=13, key_rate_count=14,
                     key_rate_per_ms=15)
        said = self.set("mail", **given)
        self.assertEqual((said.error, len(said.queues)), (0, 1))
        for name, value in given.items():
            self.assertEqual(getattr(said.queues[0], name), value, name)
        self.assertEqual(self.set("mail", **given), said)
        self.assertEqual(self.status("mail"), said)
        self.restart()
        self.assertEqual(self.status("mail"), said)
        self.assertEqual(self.set("mail").queues[0], pb.Queue(queue="mail"))
        self.restart()
        self.assertEqual(self.status("mail").queues[0], pb.Queue(queue="mail"))

    def test_what_is_wrong_is_named(self):
        for fields, word in ((dict(weight=1001), "weight"), (dict(timeout_ms=2**31), "timeout"),
                             (dict(retry_first_ms=2, retry_longest_ms=1), "retry: first"), (dict(keep_s=2**31), "keep"),
                             (dict(rate_count=1), "rate:"), (dict(key_rate_per_ms=1), "key_rate"),
                             (dict(rate_count=1, rate_per_ms=86_400_001), "rate:")):
            said = self.set("mail", **fields)
            self.assertEqual(said.error, ERR["ERR_BAD_FIELD"], fields)
            self.assertIn(word, said.detail)
        self.assertEqual(self.set("Mail").error, ERR["ERR_BAD_FIELD"])
        self.assertEqual(self.status("mail").error, ERR["ERR_NOT_FOUND"])

    def set_schema(self, kind, schema, content=pb.CONTENT_JSON):
        return self.client.ask(pb.TypeSet(type=kind, schema=pb.Part(length=len(schema), content=content)), schema)

    def test_who_changes_one_setting_leaves_the_others(self):
        self.set("q", weight=3, open_max=7)
        said, = self.set("q", rate_count=5, rate_per_ms=1000, weight=9, named=1 << 14 | 1 << 15).queues
        self.assertEqual((said.weight, said.open_max, said.rate_count), (3, 7, 5))
        self.restart()
        said, = self.set("q", named=1 << 3).queues
        self.assertEqual((said.weight, said.open_max, said.rate_count), (3, 0, 5))
        self.assertEqual(self.set("q", named=1).error, ERR["ERR_BAD_FIELD"])
        self.assertEqual(self.set("q", weight=1).queues[0].rate_count, 0)

    def test_who_changes_one_setting_of_a_type_leaves_the_others(self):
        schema = b'{"required": ["to"], "type": "object"}'
        self.client.ask(pb.TypeSet(type="n", timeout_ms=3, keep_s=4, schema=pb.Part(length=len(schema), content=pb.CONTENT_JSON)), schema)
        said, = self.client.ask(pb.TypeSet(type="n", timeout_ms=5, max_attempts=9, named=1 << 4)).types
        self.assertEqual((said.timeout_ms, said.keep_s, said.max_attempts, said.schema.length), (5, 4, 0, len(schema)))
        self.restart()
        self.assertEqual(self.client.ask(pb.TypeStatus(type="n")).types[0], said)
        self.assertEqual(self.submit("q", type="n", payload=b"[]")[0], ERR["ERR_SCHEMA"])
        self.assertEqual(self.client.ask(pb.TypeSet(type="n", named=1)).error, ERR["ERR_BAD_FIELD"])
        said, = self.client.ask(pb.TypeSet(type="n", named=1 << 12 | 1 << 11)).types
        self.assertEqual((said.timeout_ms, said.keep_s, said.schema.length), (5, 0, 0))
        self.assertEqual(self.submit("q", type="n", payload=b"[]")[0], 0)

    def test_a_schema_of_a_type(self):
        schema = b'{"required": ["to"], "type": "object"}'
        _, _, known = self.submit("q", type="s", payload=b"x")
        self.assertEqual(self.set_schema("s", schema).error, 0)
        self.assertEqual(self.set_schema("s", schema, pb.CONTENT_MSGPACK).detail, "schema: it has to be JSON")
        self.assertIn("schema/type: ", self.set_schema("s", b'{"type": "objct"}').detail)
        for _ in range(2):
            error, said, _ = self.submit("q", type="s", payload=b"x")
            self.assertEqual((error, said.detail), (
                ERR["ERR_SCHEMA"], "payload: its type has a schema, so it has to be JSON or MessagePack"))
            error, said, _ = self.submit("q", type="s")
            self.assertEqual((error, said.detail), (ERR["ERR_SCHEMA"], "payload: expected an object, found null"))
            self.assertIn('"schema_path":"/type"', said.violations)
            said, = self.client.submit({"job_id": known, "queue": "q", "type": "s", "payload": b"x"})
            self.assertEqual((said.error, said.replayed), (0, True))
            envelope, block = self.client.answer(self.client.send(pb.TypeStatus(type="s")))
            part = envelope.type_status_is.types[0].schema
            self.assertEqual(block[part.offset:part.offset + part.length], schema)
            self.assertFalse(self.client.ask(pb.TypeStatus()).types[0].HasField("schema"))
            self.restart()
        self.client.ask(pb.TypeSet(type="s"))
        self.assertEqual(self.submit("q", type="s")[0], 0)

    def test_defaults_of_a_type(self):
        given = dict(timeout_ms=61_000, max_attempts=1, max_crashes=3, retry_first_ms=4, retry_longest_ms=5,
                     retry_factor_milli=1500, retry_within_s=7, keep_s=5000)
        said = self.client.ask(pb.TypeSet(type="a", **given))
        self.assertEqual((said.error, said.types[0]), (0, pb.Type(type="a", **given)))
        self.client.ask(pb.TypeSet(type="b"))
        self.set("q", timeout_ms=7000, max_attempts=2)
        self.restart()
        self.assertEqual(self.client.ask(pb.TypeStatus(type="a")), said)
        page = self.client.ask(pb.TypeStatus(limit=1))
        self.assertEqual(([line.type for line in page.types], page.is_more), (["a"], True))
        page = self.client.ask(pb.TypeStatus(after="a"))
        self.assertEqual(([line.type for line in page.types], page.is_more), (["b"], False))
        worker = self.worker(self.served, "a", "other", slots=2)
        for kind, timeout_ms, state in (("a", 61_000, pb.STATE_DEAD), ("other", 7000, pb.STATE_RETRYING)):
            job_id = self.submit("q", type=kind)[2]
            (job, _), = worker.take_jobs(1)
            worker.finish(job, pb.OUTCOME_FAILED)
            status = self.client.status(job_id)
            self.assertEqual((job.timeout_ms, status.state), (timeout_ms, state))
        self.assertEqual(self.client.ask(pb.TypeStatus(type="c")).error, ERR["ERR_NOT_FOUND"])
        self.assertEqual(self.client.ask(pb.TypeSet(type="A")).error, ERR["ERR_BAD_FIELD"])
        self.assertEqual(self.client.ask(pb.TypeSet(type="a", keep_s=2**31)).error, ERR["ERR_BAD_FIELD"])

    def test_jobs_are_counted_by_state(self):
        worker = self.worker(self.served, "a", slots=2)
        self.submit("q", type="a")
        (job, _), = worker.take_jobs(1)
        self.submit("q", type="b")
        self.submit("q", type="b", delay_ms=3600_000)
        line = self.status("q").queues[0]
        self.assertEqual((line.running, line.queued, line.scheduled, line.succeeded), (1, 1, 1, 0))
        worker.finish(job)
        line = self.status("q").queues[0]
        self.assertEqual((line.running, line.queued, line.scheduled, line.succeeded), (0, 1, 1, 1))
        self.restart()
        self.assertEqual(self.status("q").queues[0], line)
        for name in ("weft_store_violations_total", "weft_queue_conservation_difference"):
            self.assertEqual(self.served.metric(name), 0)
        for name in ('weft_queue_jobs{tenant="default",queue="q",state="succeeded"}',
                     'weft_tenant_jobs{tenant="default",state="succeeded"}'):
            self.served.wait_for_metric(name, 1)

    def test_the_list_goes_by_name_in_pages(self):
        for name in ("c", "a", "d", "b"):
            self.submit(name)
        page = self.client.ask(pb.QueueStatus(limit=3))
        self.assertEqual([line.queue for line in page.queues], ["a", "b", "c"])
        self.assertTrue(page.is_more)
        page = self.client.ask(pb.QueueStatus(limit=3, after="c"))
        self.assertEqual([line.queue for line in page.queues], ["d"])
        self.assertFalse(page.is_more)
        self.assertEqual(self.client.ask(pb.QueueStatus(limit=257)).error, ERR["ERR_BAD_FIELD"])

    def test_a_full_queue_refuses_and_others_go_on(self):
        self.set("q", open_max=2)
        ids = [self.submit("q")[2] for _ in range(2)]
        for _ in range(2):
            error, said, _ = self.submit("q")
            self.assertEqual(error, ERR["ERR_FULL"])
            self.assertIn("open_max", said.detail)
            self.assertGreater(said.retry_after_ms, 0)
            self.assertEqual(self.submit("other")[0], 0)
            again, = self.client.submit({"job_id": ids[0], "queue": "q"})
            self.assertTrue(again.replayed)
            self.restart()
        self.client.ask(pb.Act(kind=pb.ACT_CANCEL, job_id=ids[0], act_id=fresh_id()))
        self.assertEqual(self.submit("q")[0], 0)
        self.assertEqual(self.submit("q")[0], ERR["ERR_FULL"])
        self.set("q", open_max=3)
        self.assertEqual(self.submit("q")[0], 0)

    def test_a_full_queue_says_how_fast_its_jobs_end(self):
        self.served.close()
        clock = Clock(os.path.join(self.data, "clock"), stands=True)
        self.served = self.broker(env=clock.env)
        self.client = self.peer(self.served)
        self.set("q", open_max=1)
        job_id = self.submit("q")[2]

        def told():
            error, said, _ = self.submit("q")
            self.assertEqual(error, ERR["ERR_FULL"])
            return said.retry_after_ms
        self.assertEqual(told(), 1000)
        for _ in range(PATIENCE_S):
            clock.advance(1)
            if (span := told()) >= 2000:  # none ends
                break
        self.client.ask(pb.Act(kind=pb.ACT_CANCEL, job_id=job_id, act_id=fresh_id()))
        self.assertEqual(self.submit("q")[0], 0)
        self.assertLessEqual(abs(told() - span), 1000)  # one in this time

    def act(self, kind, queue, direction=0):
        return self.client.ask(pb.Act(kind=kind, queue=queue, direction=direction, act_id=fresh_id()))

    def test_a_queue_that_is_paused_takes_or_gives_no_jobs(self):
        queue, direction = "q", pb.DIRECTION_IN
        first = self.submit(queue)[2]
        self.assertEqual(self.act(pb.ACT_PAUSE, queue, direction).paused, pb.DIRECTION_IN)
        self.assertEqual(self.act(pb.ACT_PAUSE, "q").paused, pb.DIRECTION_BOTH)
        self.restart()
        self.assertEqual(self.status("q").queues[0].paused, pb.DIRECTION_BOTH)
        error, said, _ = self.submit("q")
        self.assertEqual(error, ERR["ERR_PAUSED"])
        self.assertGreater(said.retry_after_ms, 0)
        self.assertEqual(self.act(pb.ACT_RESUME, "q", pb.DIRECTION_IN).paused, pb.DIRECTION_OUT)
        self.assertEqual(self.submit("q")[0], 0)
        other = self.submit("other")[2]
        worker = self.worker(self.served, "test", slots=3)
        self.assertEqual([job.job_id for job, _ in worker.take_jobs(1)], [other])
        self.assertEqual(self.act(pb.ACT_DRAIN, "q").paused, pb.DIRECTION_IN)
        self.assertEqual(worker.take_jobs(2)[0][0].job_id, first)
        self.assertEqual(self.submit("q")[0], ERR["ERR_PAUSED"])
        self.assertEqual(self.act(pb.ACT_RESUME, "q").paused, pb.DIRECTION_NONE)
        self.assertEqual(self.submit("q")[0], 0)

    def test_acts_on_queues_that_make_no_sense(self):
        self.submit("q")
        self.assertEqual(self.act(pb.ACT_PAUSE, "nope").error, ERR["ERR_NOT_FOUND"])
        for act in ((pb.ACT_PAUSE, ""), (pb.ACT_PAUSE, "Q"), (pb.ACT_DRAIN, "q", pb.DIRECTION_IN)):
            self.assertEqual(self.act(*act).error, ERR["ERR_BAD_FIELD"], act)

    # Who asks first is not told; how many of eight are whose is.
    def test_weight_is_a_share(self):
        for i in range(16):
            self.submit(("a", "b")[i % 2])
        self.set("b", weight=3)
        worker = self.worker(self.served, "test", slots=8)
        queues = [job.queue for job, _ in worker.take_jobs(8)]
        self.assertEqual((queues.count("a"), queues.count("b")), (2, 6))

    def test_defaults_of_the_queue_hold_for_jobs_that_do_not_say(self):
        self.set("q", timeout_ms=61_000, max_attempts=1, keep_s=5000)
        self.set("slow", retry_first_ms=100_000, retry_longest_ms=100_000, retry_factor_milli=1000, max_crashes=1)
        self.set("short", retry_first_ms=100_000, retry_within_s=1)
        worker = self.worker(self.served, "test", slots=8)

        def fail(queue, outcome=pb.OUTCOME_FAILED, **fields):
            job_id = self.submit(queue, **fields)[2]
            (job, _), = worker.take_jobs(1)
            worker.finish(job, outcome)
            return job, self.client.status(job_id)

        job, status = fail("q")
        self.assertEqual((job.timeout_ms, status.state), (61_000, pb.STATE_DEAD))
        self.assertAlmostEqual(status.expires_at_ms - status.ended_at_ms, 5000_000, delta=1)
        job, status = fail("q", timeout_ms=7000, max_attempts=2, retry_first_ms=100_000)
        self.assertEqual((job.timeout_ms, status.state), (7000, pb.STATE_RETRYING))
        _, status = fail("slow")
        self.assertEqual(status.state, pb.STATE_RETRYING)
        self.assertGreater(status.due_at_ms, time.time() * 1000 + 45_000)
        self.assertEqual(fail("slow", pb.OUTCOME_CRASHED)[1].state, pb.STATE_DEAD)
        self.assertEqual(fail("short")[1].state, pb.STATE_DEAD)
        self.assertEqual(fail("other")[1].state, pb.STATE_RETRYING)


if __name__ == "__main__":
    unittest.main()
