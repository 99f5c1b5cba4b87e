"""Tenants over the wire: what one has, no other sees."""

import hashlib
import os
import time
import unittest

import zmq

from lib_broker import ERR, PATIENCE_S, BrokerTest, fresh_id, pb


def moment_id(tenant, schedule_id, at_ms, queue="default"):
    """As docs/protocol.md derives it."""
    def put(text):
        return len(text).to_bytes(4, "big") + text.encode()

    def number(data):
        return int.from_bytes(hashlib.blake2b(data, digest_size=16).digest(), "big")

    slot = number(b"weft/slot/1" + put(tenant) + put(queue)) >> 116
    made = number(b"weft/moment/1" + put(tenant) + put(schedule_id) + at_ms.to_bytes(8, "big"))
    made = made & ~(0xFFF << 116) | slot << 116
    made = made & ~(0xF << 76) | 8 << 76
    return (made & ~(3 << 62) | 2 << 62).to_bytes(16, "big")


class Tenants(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.acme = self.peer(self.served, tenant="acme")
        self.other = self.peer(self.served)

    def test_a_key_is_the_tenants_own(self):
        ids = [peer.submit({"key": "order-1"})[0].job_id for peer in (self.acme, self.other)]
        self.assertNotEqual(*ids)
        # Named in the request it is the same tenant as named in HELLO.
        job = pb.SubmitJob(key="order-1", queue="default", type="test")
        again = self.other.ask(pb.Submit(jobs=[job]), tenant="acme").jobs[0]
        self.assertEqual((again.replayed, again.job_id), (True, ids[0]))
        # "default" is the name of the tenant that is not named.
        again = self.acme.ask(pb.Submit(jobs=[job]), tenant="default").jobs[0]
        self.assertEqual((again.replayed, again.job_id), (True, ids[1]))

    def test_a_queue_and_a_type_are_the_tenants_own(self):
        self.assertEqual(self.acme.ask(pb.QueueSet(queue="mail", weight=3)).error, 0)
        self.assertEqual(self.acme.ask(pb.TypeSet(type="send", timeout_ms=1001)).error, 0)
        self.assertEqual(self.other.ask(pb.QueueStatus(queue="mail")).error, ERR["ERR_NOT_FOUND"])
        self.assertEqual(self.other.ask(pb.TypeStatus(type="send")).error, ERR["ERR_NOT_FOUND"])
        self.assertEqual([q.queue for q in self.other.ask(pb.QueueStatus()).queues], [])
        self.assertEqual([q.weight for q in self.acme.ask(pb.QueueStatus()).queues], [3])
        self.assertEqual([t.timeout_ms for t in self.acme.ask(pb.TypeStatus()).types], [1001])
        self.assertEqual(self.acme.ask(pb.Act(kind=pb.ACT_PAUSE, queue="mail", act_id=fresh_id())).error, 0)
        self.assertEqual(self.other.submit({"job_id": fresh_id(), "queue": "mail"})[0].error, 0)

    def test_a_job_is_as_unknown_to_others_as_what_never_was(self):
        job_id = self.acme.submit({"job_id": fresh_id(), "batch_id": fresh_id()})[0].job_id
        job = self.acme.status(job_id)
        self.assertEqual(job.error, 0)
        for ask in (lambda i: pb.Status(job_id=i), lambda i: pb.Timeline(job_id=i), lambda i: pb.Log(job_id=i),
                    lambda i: pb.Act(kind=pb.ACT_CANCEL, job_id=i, act_id=fresh_id()),
                    lambda i: pb.Act(kind=pb.ACT_RETRY, job_id=i, act_id=fresh_id()),
                    lambda i: pb.Act(kind=pb.ACT_DELETE, job_id=i, act_id=fresh_id())):
            never = fresh_id()
            said, of_never = self.other.ask(ask(job_id)), self.other.ask(ask(never))
            self.assertEqual(said.error, ERR["ERR_NOT_FOUND"])
            self.assertEqual(said.SerializeToString().replace(job_id, never), of_never.SerializeToString())
        self.assertEqual(self.other.submit({"job_id": job_id})[0].error, ERR["ERR_KEY_REUSED"])
        child = self.other.submit({"job_id": fresh_id(), "after": [job_id],
                                   "on_dependency_failure": pb.ON_FAILURE_RUN})[0]
        self.assertEqual(child.error, ERR["ERR_DEPENDENCY"])
        self.assertEqual([j.job_id for j in self.acme.ask(pb.List()).jobs], [job_id])
        self.assertEqual(list(self.other.ask(pb.List()).jobs), [])
        self.assertEqual(list(self.other.ask(pb.List(batch_id=job.batch_id)).jobs), [])
        self.assertEqual(self.acme.status(job_id), job)

    def test_a_batch_is_as_unknown_to_others_as_what_never_was(self):
        batch_id = fresh_id()
        self.acme.submit({"job_id": fresh_id(), "batch_id": batch_id})
        for ask in (lambda i: pb.BatchStatus(batch_id=i), lambda i: pb.BatchSeal(batch_id=i)):
            never = fresh_id()
            said, of_never = self.other.ask(ask(batch_id)), self.other.ask(ask(never))
            self.assertEqual(said.error, ERR["ERR_NOT_FOUND"])
            self.assertEqual(said.SerializeToString().replace(batch_id, never), of_never.SerializeToString())
        self.assertFalse(self.acme.ask(pb.BatchStatus(batch_id=batch_id)).is_sealed)
        # The same after a kill, when it is read from the store.
        self.served.kill()
        served = self.broker()
        self.assertEqual(self.peer(served).ask(pb.BatchSeal(batch_id=batch_id)).error, ERR["ERR_NOT_FOUND"])
        self.assertTrue(self.peer(served, tenant="acme").ask(pb.BatchSeal(batch_id=batch_id)).is_sealed)

    def test_two_have_batches_with_one_id(self):
        batch_id = fresh_id()
        for peer, count in ((self.acme, 1), (self.other, 2)):
            for _ in range(count):
                self.assertEqual(peer.submit({"job_id": fresh_id(), "batch_id": batch_id})[0].error, 0)
        self.assertTrue(self.other.ask(pb.BatchSeal(batch_id=batch_id)).is_sealed)
        for life in range(2):
            asked = [(peer.ask(pb.BatchStatus(batch_id=batch_id)), peer.ask(pb.List(batch_id=batch_id)))
                     for peer in (self.acme, self.other)]
            self.assertEqual([(sum(status.counts), status.is_sealed, len(listed.jobs)) for status, listed in asked],
                             [(1, False, 1), (2, True, 2)])
            # Who waits for one waits for the tenant's own; a dry run of an act on many meets nobody else's.
            self.assertEqual(self.other.ask(pb.Operate(kind=pb.ACT_CANCEL, dry_run=True,
                                                       batch_id=batch_id)).matched, 2)
            if life == 0:
                self.served.kill()
                served = self.broker()
                self.acme, self.other = self.peer(served, tenant="acme"), self.peer(served)
        after = {"after": [batch_id], "on_dependency_failure": pb.ON_FAILURE_CANCEL}
        waits = [peer.submit({"job_id": fresh_id(), **after})[0].job_id for peer in (self.acme, self.other)]
        operation_id = fresh_id()
        self.acme.ask(pb.BatchSeal(batch_id=batch_id))
        self.acme.ask(pb.Operate(kind=pb.ACT_CANCEL, operation_id=operation_id, batch_id=batch_id))
        said = self.acme.ask(pb.Status(job_id=waits[0], wait_ms=30000, version=1))
        self.assertEqual(said.state, pb.STATE_CANCELLED)
        self.assertEqual(self.other.status(waits[1]).state, pb.STATE_SCHEDULED)
        self.assertEqual(self.other.ask(pb.BatchStatus(batch_id=batch_id)).counts[pb.STATE_QUEUED], 2)

    def test_an_act_on_many_changes_its_tenants_jobs(self):
        ids = [peer.submit({"job_id": fresh_id()})[0].job_id for peer in (self.acme, self.other)]
        operation_id = fresh_id()
        self.assertEqual(self.acme.ask(pb.Operate(kind=pb.ACT_CANCEL, dry_run=True)).matched, 1)
        self.assertEqual(self.acme.ask(pb.Operate(kind=pb.ACT_CANCEL, operation_id=operation_id)).error, 0)
        said = self.acme.ask(pb.Operation(operation_id=operation_id, wait_ms=30000, version=1))
        self.assertEqual((said.is_over, said.matched, said.done), (True, 1, 1))
        self.assertEqual(self.acme.status(ids[0]).state, pb.STATE_CANCELLED)
        self.assertEqual(self.other.status(ids[1]).state, pb.STATE_QUEUED)
        said = self.other.ask(pb.Operation(operation_id=operation_id))
        self.assertEqual((said.error, said.matched), (ERR["ERR_NOT_FOUND"], 0))
        said = self.other.ask(pb.Operate(kind=pb.ACT_CANCEL, operation_id=operation_id))
        self.assertEqual((said.error, said.matched), (ERR["ERR_KEY_REUSED"], 0))

    def test_a_worker_gets_its_own_tenants_jobs(self):
        self.other.submit({"job_id": fresh_id()})
        worker_id = fresh_id()
        worker = self.worker(self.served, tenant="acme", worker_id=worker_id)
        worker.ask(pb.Renew())
        self.assertEqual([e.WhichOneof("body") for e, _ in worker.unasked if e.corr == 0], [])
        job_id = self.acme.submit({"job_id": fresh_id()})[0].job_id
        (job, _), = worker.take_jobs(1)
        self.assertEqual(job.job_id, job_id)
        # A worker of another tenant may have the same id, and knows nothing of the job.
        twin = self.worker(self.served, worker_id=worker_id)
        twin.take_jobs(1)
        self.assertEqual(twin.finish(job).error, ERR["ERR_NOT_FOUND"])
        self.assertEqual(len(self.other.ask(pb.WorkerList()).workers), 1)
        self.assertEqual(len(self.other.ask(pb.WorkerList(), tenant="nobody").workers), 0)
        stop = pb.Act(kind=pb.ACT_STOP, worker_id=worker_id, act_id=fresh_id())
        self.assertEqual(self.other.ask(stop, tenant="nobody").error, ERR["ERR_NOT_FOUND"])
        self.assertEqual(worker.finish(job).error, 0)

    def schedule(self, **fields):
        job = pb.SubmitJob(type="test")
        return pb.ScheduleSet(act=pb.SCHEDULE_SET, schedule_id="nightly", cron="0 3 * * *", jobs=[job], **fields)

    def test_a_schedule_is_as_unknown_to_others_as_what_never_was(self):
        said = self.acme.ask(self.schedule(jitter_ms=5))
        self.assertEqual((said.error, said.schedule_id, said.generation), (0, "nightly", 1))
        for ask in (pb.ScheduleStatus(schedule_id="nightly"),
                    pb.ScheduleSet(act=pb.SCHEDULE_PAUSE, schedule_id="nightly"),
                    pb.ScheduleSet(act=pb.SCHEDULE_DELETE, schedule_id="nightly")):
            self.assertEqual(self.other.ask(ask).error, ERR["ERR_NOT_FOUND"])
        # Nor by the name that it has inside the broker.
        for ask in (pb.ScheduleStatus(schedule_id="acme/nightly"),
                    pb.ScheduleSet(act=pb.SCHEDULE_DELETE, schedule_id="acme/nightly")):
            said = self.other.ask(ask)
            self.assertNotEqual(said.error, 0)
            self.assertEqual((said.generation, said.created_at_ms, said.cron), (0, 0, ""))
        self.assertEqual(list(self.other.ask(pb.ScheduleList()).schedules), [])
        self.assertEqual(self.other.ask(self.schedule()).generation, 1)
        self.assertEqual(self.other.ask(self.schedule(jitter_ms=7)).generation, 2)
        # The same after a kill, when they are read from the store.
        for life in range(2):
            for peer, jitter, generation in ((self.acme, 5, 1), (self.other, 7, 2)):
                said = peer.ask(pb.ScheduleStatus(schedule_id="nightly"))
                self.assertEqual((said.schedule_id, said.jitter_ms, said.generation), ("nightly", jitter, generation))
                listed = peer.ask(pb.ScheduleList()).schedules
                self.assertEqual([(s.schedule_id, s.jitter_ms) for s in listed], [("nightly", jitter)])
                self.assertEqual(list(peer.ask(pb.ScheduleList(after="nightly")).schedules), [])
            self.served.kill()
            self.served = self.broker()
            self.acme = self.peer(self.served, tenant="acme")
            self.other = self.peer(self.served)

    def test_a_list_of_schedules_passes_those_of_others(self):
        def put(peer, name):
            one = self.schedule()
            one.schedule_id = name
            self.assertEqual(peer.ask(one).error, 0)
        for name in ("a", "acme", "b", "-", "z"):
            put(self.acme, name)
            put(self.other, name)
        for peer in (self.acme, self.other):
            seen, after = [], ""
            while True:
                page = peer.ask(pb.ScheduleList(after=after, limit=2))
                seen += [s.schedule_id for s in page.schedules]
                if not page.is_more:
                    break
                after = seen[-1]
            self.assertEqual(seen, ["-", "a", "acme", "b", "z"])

    def test_the_job_of_a_moment_is_its_tenants(self):
        minute = int(time.time()) // 60 % 60
        hourly = self.schedule()
        hourly.cron = f"{(minute + 30) % 60} * * * *"
        for peer in (self.acme, self.other):
            self.assertEqual(peer.ask(hourly).error, 0)
        self.served.stop()
        # It comes back hours later, by its clock.
        preload = os.path.join(os.environ["WEFT_BUILD"], "tests", "clock_preload.so")
        asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        served = self.broker(env={"LD_PRELOAD": preload, "WEFT_TEST_AHEAD_S": "14400", "ASAN_OPTIONS": asan})
        seen = set()
        for tenant in ("acme", "default"):
            peer = self.peer(served, tenant=tenant)
            end = time.monotonic() + PATIENCE_S
            while not (made := peer.ask(pb.ScheduleStatus(schedule_id="nightly"))).last_job_id and time.monotonic() < end:
                time.sleep(0.05)  # no answer tells that a moment has come
            self.assertEqual([job.job_id for job in peer.ask(pb.List()).jobs], [made.last_job_id])
            self.assertEqual(made.last_job_id, moment_id(tenant, "nightly", made.last_at_ms))
            seen.add(made.last_job_id)
        self.assertEqual(len(seen), 2)

    def test_the_tail_and_the_figures_name_the_tenant(self):
        tail = zmq.Context.instance().socket(zmq.SUB)
        self.addCleanup(tail.close, 0)
        tail.setsockopt(zmq.SUBSCRIBE, b"")
        tail.connect(self.served.pub)
        seen, end = set(), time.monotonic() + PATIENCE_S
        while len(seen) < 2 and time.monotonic() < end:  # what comes before the subscription is not told
            self.acme.submit({"job_id": fresh_id()})
            self.other.submit({"job_id": fresh_id()})
            while tail.poll(20):
                seen.add(tail.recv_multipart()[0].rsplit(b".", 1)[0])
        self.assertEqual(seen, {b"acme/default.test.queued", b"default.test.queued"})
        for tenant in ("acme", "default"):
            figure = f'weft_queue_ready{{tenant="{tenant}",queue="default",type="test"}}'
            while figure not in self.served.get():  # figures are copied a few times a second
                pass
            self.assertEqual(self.served.get().count(figure), 1)

    def test_a_name_of_other_characters_is_refused(self):
        for name in ("Acme", "a/b", "a" * 129):
            said = self.other.ask(pb.WorkerList(), tenant=name)
            self.assertIn(said.error, (ERR["ERR_BAD_FIELD"], ERR["ERR_TOO_LARGE"]), name)

    def test_there_may_be_so_many(self):
        self.served.stop()
        served = self.broker("--tenant-count-max", "2")
        peer = self.peer(served)
        for name, error in (("a", 0), ("b", 0), ("c", ERR["ERR_FULL"]), ("a", 0)):
            self.assertEqual(peer.ask(pb.WorkerList(), tenant=name).error if error else
                             len(peer.ask(pb.WorkerList(), tenant=name).workers), error, name)


if __name__ == "__main__":
    unittest.main()
