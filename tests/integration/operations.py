"""Acts on many jobs at the broker: durable operations that say how far they have come."""

import os
import time
import unittest

from lib_broker import ERR, PATIENCE_S, BrokerTest, fresh_id, pb


class Operations(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.client = self.peer(self.served)

    def submit(self, **fields):
        return self.submit_many(1, **fields)[0]

    def submit_many(self, count, **fields):
        jobs = [{"job_id": fresh_id(), **fields} for _ in range(count)]
        for at in range(0, count, 1000):
            for said in self.client.submit(*jobs[at:at + 1000]):
                self.assertEqual((said.error, said.detail), (0, ""))
        return [job["job_id"] for job in jobs]

    def operate(self, kind, **fields):
        body = pb.Operate(kind=kind, actor="test", **fields)
        if not body.dry_run and not body.operation_id:
            body.operation_id = os.urandom(16)
        return self.client.ask(body)

    def wait(self, said):
        """Until it is over."""
        self.assertEqual((said.error, said.detail), (0, ""))
        while not said.is_over:
            said = self.client.ask(pb.Operation(operation_id=said.operation_id, version=said.version,
                                                wait_ms=int(PATIENCE_S * 1000)))
            self.assertEqual(said.error, 0)
        return said

    def state(self, job_id):
        return self.client.status(job_id).state

    def restart(self):
        self.served.kill()
        self.served = self.broker()
        self.client = self.peer(self.served)

    def dead_ones(self, count):
        jobs = self.submit_many(count)
        worker = self.worker(self.served, slots=count)
        for job, _ in worker.take_jobs(count):
            worker.finish(job, pb.OUTCOME_DEAD)
        worker.ask(pb.Ready(types=["test"], slots=0))
        return jobs

    def test_each_kind_does_what_it_says(self):
        dead = self.dead_ones(3)
        waiting = self.submit(type="other", delay_ms=3600_000)
        over = self.wait(self.operate(pb.ACT_RETRY))
        self.assertEqual((over.matched, over.done, over.kind, over.states), (3, 3, pb.ACT_RETRY, 1 << pb.STATE_DEAD))
        self.assertEqual({self.state(job) for job in dead}, {pb.STATE_QUEUED})
        over = self.wait(self.operate(pb.ACT_PURGE, type="other"))
        self.assertEqual((over.matched, over.done), (1, 1))
        self.assertEqual(self.state(waiting), pb.STATE_CANCELLED)
        self.assertEqual(self.wait(self.operate(pb.ACT_CANCEL)).done, 3)
        self.assertEqual({self.state(job) for job in dead}, {pb.STATE_CANCELLED})
        self.assertEqual(self.wait(self.operate(pb.ACT_DELETE)).done, 4)
        self.assertEqual({self.client.status(job).error for job in dead + [waiting]}, {ERR["ERR_GONE"]})

    def test_a_running_job_is_asked_to_stop_but_not_by_a_purge(self):
        job_id = self.submit()
        worker = self.worker(self.served)
        worker.take_jobs(1)
        self.assertEqual(self.wait(self.operate(pb.ACT_PURGE)).matched, 0)
        self.assertEqual(self.client.status(job_id).cancel, pb.CANCEL_NONE)
        self.assertEqual(self.wait(self.operate(pb.ACT_CANCEL)).done, 1)
        self.assertEqual(self.client.status(job_id).cancel, pb.CANCEL_REQUESTED)
        envelope, _ = worker.receive()
        self.assertEqual(envelope.renewed.cancel[0].job_id, job_id)

    def test_many_go_step_by_step_over_a_kill(self):
        jobs = self.submit_many(5000)
        said = self.operate(pb.ACT_CANCEL)
        self.assertEqual((said.upto, said.is_over), (5000, False))
        self.restart()
        later = self.submit()
        over = self.wait(self.client.ask(pb.Operation(operation_id=said.operation_id)))
        self.assertEqual((over.matched, over.done, over.cursor), (5000, 5000, 0))
        self.assertGreaterEqual(over.version, 20)
        self.assertEqual({self.state(job) for job in jobs[::250]}, {pb.STATE_CANCELLED})
        self.assertEqual(self.state(later), pb.STATE_QUEUED)
        self.served.wait_for_metric("weft_operations_running", 0)

    def test_said_again_it_is_the_same_operation(self):
        self.submit()
        operation_id = os.urandom(16)
        over = self.wait(self.operate(pb.ACT_CANCEL, operation_id=operation_id))
        later = self.submit()
        self.restart()
        self.assertEqual(self.operate(pb.ACT_CANCEL, operation_id=operation_id), over)
        self.assertEqual(self.state(later), pb.STATE_QUEUED)
        self.assertEqual(self.operate(pb.ACT_DELETE, operation_id=operation_id).error, ERR["ERR_KEY_REUSED"])
        self.assertEqual(self.client.ask(pb.Operation(operation_id=os.urandom(16))).error, ERR["ERR_NOT_FOUND"])

    def test_who_did_it_is_told_in_the_timelines(self):
        job_id = self.submit()
        self.assertEqual(self.wait(self.operate(pb.ACT_CANCEL)).actor, "test")
        event = self.client.ask(pb.Timeline(job_id=job_id)).events[-1]
        self.assertEqual((event.event, event.actor), ("cancel", "test"))

    def test_only_what_fits_is_changed(self):
        first = self.submit(queue="mail", type="a")
        moment = self.client.status(first).created_at_ms
        mails = [first, self.submit(queue="mail", type="b"), self.submit(queue="mail", type="a", delay_ms=3600_000)]
        other = self.submit(queue="news", type="a")
        self.assertEqual(self.wait(self.operate(pb.ACT_CANCEL, created_before_ms=moment)).matched, 0)
        self.assertEqual(self.wait(self.operate(pb.ACT_CANCEL, created_after_ms=moment + 3600_000)).matched, 0)
        over = self.wait(self.operate(pb.ACT_CANCEL, queue="mail", type="a", states=1 << pb.STATE_QUEUED))
        self.assertEqual(over.done, 1)
        self.assertEqual([self.state(job) for job in mails + [other]],
                         [pb.STATE_CANCELLED, pb.STATE_QUEUED, pb.STATE_SCHEDULED, pb.STATE_QUEUED])

    def test_a_list_and_an_operation_of_one_batch(self):
        batch_id = os.urandom(16)
        members = [self.submit(batch_id=batch_id, batch_index=i) for i in range(3)]
        other = self.submit()
        listed = self.client.ask(pb.List(batch_id=batch_id))
        self.assertEqual([job.job_id for job in listed.jobs], members[::-1])
        for is_dry in (True, False):
            self.assertEqual(self.operate(pb.ACT_CANCEL, batch_id=os.urandom(16), dry_run=is_dry).error,
                             ERR["ERR_NOT_FOUND"])
        over = self.wait(self.operate(pb.ACT_CANCEL, batch_id=batch_id))
        self.assertEqual((over.done, over.batch_id), (3, batch_id))
        self.assertEqual({self.state(job) for job in members}, {pb.STATE_CANCELLED})
        self.assertEqual(self.state(other), pb.STATE_QUEUED)

    def test_a_dry_run_only_counts(self):
        jobs = self.submit_many(10500)
        self.submit(type="other")
        said = self.operate(pb.ACT_CANCEL, type="test", dry_run=True)
        self.assertEqual((said.error, said.matched, said.is_over), (0, 9999, False))
        rest = self.operate(pb.ACT_CANCEL, type="test", dry_run=True, cursor=said.cursor)
        self.assertEqual((rest.matched, rest.is_over), (501, True))
        self.assertEqual(self.operate(pb.ACT_RETRY, dry_run=True).matched, 0)
        self.assertEqual(self.state(jobs[0]), pb.STATE_QUEUED)

    def test_its_end_is_waited_for(self):
        self.submit_many(2000)
        said = self.operate(pb.ACT_CANCEL)
        first = self.client.ask(pb.Operation(operation_id=said.operation_id, version=said.version, wait_ms=60000))
        self.assertGreater(first.version, said.version)
        self.assertEqual(self.wait(first).done, 2000)

    def test_a_rate_is_never_passed_and_lasts_over_a_kill(self):
        """Whatever the machine is busy with: more than the rate brings in the time since it was asked for is never met."""
        jobs, rate = self.submit_many(40), 50
        begun = time.monotonic()

        def look(said):
            self.assertEqual((said.error, said.rate), (0, rate))
            self.assertLessEqual(said.matched, (time.monotonic() - begun + 0.002) * rate)  # the broker's clock is in ms
            return said

        said = look(self.operate(pb.ACT_CANCEL, rate=rate))
        while said.matched < 10:
            said = look(self.client.ask(pb.Operation(operation_id=said.operation_id, version=said.version, wait_ms=60000)))
        self.restart()
        while not said.is_over:
            said = look(self.client.ask(pb.Operation(operation_id=said.operation_id, version=said.version, wait_ms=60000)))
        self.assertEqual((said.matched, said.done), (40, 40))
        self.assertEqual({self.state(job) for job in jobs}, {pb.STATE_CANCELLED})

    def test_one_with_a_rate_holds_up_nobody_and_rests(self):
        slow, fast = self.submit_many(600, type="slow"), self.submit_many(600, type="fast")
        operation_id = os.urandom(16)
        ask = dict(operation_id=operation_id, type="slow", rate=1)
        self.assertFalse(self.operate(pb.ACT_CANCEL, **ask).is_over)
        self.assertEqual(self.wait(self.operate(pb.ACT_CANCEL, type="fast")).done, len(fast))
        said = self.operate(pb.ACT_CANCEL, **ask)  # 600 of them take ten minutes
        self.assertEqual((said.error, said.is_over), (0, False))
        self.assertLess(said.matched, len(slow))
        self.assertEqual(self.operate(pb.ACT_CANCEL, **{**ask, "rate": 2}).error, ERR["ERR_KEY_REUSED"])
        dry = self.operate(pb.ACT_CANCEL, type="slow", rate=1, dry_run=True)
        self.assertEqual((dry.matched + said.matched >= len(slow) - 1, dry.is_over), (True, True))

    def test_one_that_rests_costs_nothing(self):
        """A broker that asks again and again whether its time has come would use all the time there is."""
        self.submit_many(4)
        said = self.operate(pb.ACT_CANCEL, rate=2)
        begun, spent = time.monotonic(), self.processor_time()
        self.assertEqual(self.wait(said).done, 4)
        self.assertLess(self.processor_time() - spent, (time.monotonic() - begun) / 2)

    def processor_time(self):
        with open(f"/proc/{self.served.process.pid}/stat", encoding="ascii") as stat:
            ticks = stat.read().rsplit(")", 1)[1].split()[11:13]
        return sum(int(count) for count in ticks) / os.sysconf("SC_CLK_TCK")

    def cancel(self, operation_id, **fields):
        return self.client.ask(pb.Operate(kind=pb.ACT_STOP, operation_id=operation_id, **{"actor": "boss", **fields}))

    def slow_one(self, count, least):
        """One that goes on for minutes and has met some."""
        self.submit_many(count)
        said = self.operate(pb.ACT_CANCEL, rate=20)
        while said.matched < least:
            said = self.client.ask(pb.Operation(operation_id=said.operation_id, version=said.version, wait_ms=60000))
        return said

    def cancelled_jobs(self):
        listed = self.client.ask(pb.List(states=1 << pb.STATE_CANCELLED, limit=1000))
        return len(listed.jobs)

    def test_a_cancelled_one_is_over_where_it_stands_and_a_kill_changes_nothing(self):
        said = self.slow_one(12000, 4)
        waiter = self.peer(self.served)
        waiter.send(pb.Operation(operation_id=said.operation_id, version=0xffffffff, wait_ms=300000))
        over = self.cancel(said.operation_id)
        self.assertEqual((over.error, over.is_over, over.cancelled_by, over.actor), (0, True, "boss", "test"))
        self.assertTrue(0 < over.cursor < over.upto and over.ended_at_ms > 0, over)
        self.assertEqual(over.done, self.cancelled_jobs())
        envelope, _ = waiter.receive()  # who waited for the end is told
        self.assertEqual(envelope.operation_is, over)
        self.served.wait_for_metric("weft_operations_running", 0)
        self.restart()
        self.assertEqual(self.client.ask(pb.Operation(operation_id=said.operation_id)), over)
        self.assertEqual(self.wait(self.operate(pb.ACT_PURGE, type="none")).matched, 0)  # others go on
        self.assertEqual(over.done, self.cancelled_jobs())
        # Again, and by who began it: as it is.
        self.assertEqual(self.cancel(said.operation_id, actor="another"), over)
        self.assertEqual(self.operate(pb.ACT_CANCEL, operation_id=said.operation_id, rate=20), over)
        self.assertEqual([one.operation_id for one in self.client.ask(pb.OperationList()).operations if one.cancelled_by],
                         [said.operation_id])

    def test_only_what_goes_on_is_cancelled(self):
        over = self.wait(self.operate(pb.ACT_CANCEL))
        said = self.cancel(over.operation_id)
        self.assertEqual((said.error, said.detail), (ERR["ERR_CONFLICT"], "the operation is over"))
        self.assertEqual(self.cancel(os.urandom(16)).error, ERR["ERR_NOT_FOUND"])
        for fields in (dict(queue="mail"), dict(states=1 << pb.STATE_QUEUED), dict(dry_run=True), dict(rate=1)):
            said = self.cancel(over.operation_id, **fields)
            self.assertEqual(said.error, ERR["ERR_BAD_FIELD"], fields)
            self.assertIn("kind", said.detail)
        said = self.client.ask(pb.Operate(kind=pb.ACT_STOP))
        self.assertIn("operation_id", said.detail)

    def test_many_are_cancelled_while_they_go_as_fast_as_they_can(self):
        """The readers look for the next jobs of one that is cancelled meanwhile: none is done, and no other is held up."""
        self.submit_many(6000, type="many")
        seen = 0
        for _ in range(8):
            said = self.operate(pb.ACT_CANCEL, type="many")
            over = self.cancel(said.operation_id)
            if over.error == ERR["ERR_CONFLICT"]:
                break
            seen += 1
            self.assertEqual((over.error, over.is_over), (0, True))
            again = self.client.ask(pb.Operation(operation_id=said.operation_id, version=over.version, wait_ms=60000))
            self.assertEqual(again, over)
        self.assertGreater(seen, 0)
        self.submit_many(10, type="few")
        self.assertEqual(self.wait(self.operate(pb.ACT_CANCEL, type="few")).done, 10)
        self.assertNotIn("operation.unreadable", self.served.stderr())

    def test_what_is_wrong_is_named(self):
        for fields, word in ((dict(kind=pb.ACT_QUIET), "kind"), (dict(states=1 << pb.STATE_DEAD), "states"),
                             (dict(queue="A b"), "queue"), (dict(rate=1000001), "rate"), (dict(created_after_ms=-1), "created_after")):
            said = self.operate(fields.pop("kind", pb.ACT_CANCEL), **fields)
            self.assertEqual(said.error, ERR["ERR_BAD_FIELD"], fields)
            self.assertIn(word, said.detail)
        said = self.client.ask(pb.Operate(kind=pb.ACT_CANCEL))
        self.assertIn("operation_id", said.detail)
        said = self.client.ask(pb.Act(kind=pb.ACT_PURGE, job_id=self.submit(), act_id=os.urandom(16)))
        self.assertIn("kind", said.detail)

    def test_there_is_room_for_so_many(self):
        self.served.close()
        self.served = self.broker("--operation-count-max", "2")
        self.client = self.peer(self.served)
        for _ in range(2):
            self.assertEqual(self.operate(pb.ACT_CANCEL).error, 0)
        said = self.operate(pb.ACT_CANCEL)
        self.assertEqual(said.error, ERR["ERR_FULL"])
        self.assertIn("operation_count_max", said.detail)


if __name__ == "__main__":
    unittest.main()
