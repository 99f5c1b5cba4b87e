"""The stream of events: what is told, from where it can be continued, and to whom."""

import os
import time
import unittest

from lib_broker import ERR, PATIENCE_S, BrokerTest, fresh_id, pb

STATES = {name[6:].lower(): number for name, number in pb.State.items()}


def place(event):
    """Where to go on behind what an EVENT has told."""
    return {"lineage": event.lineage, "epoch": event.epoch, "position": event.position, "index": event.index}


def told(event):
    return [(e.job_id, e.state) for e in event.events]


class Events(BrokerTest):
    def setUp(self):
        super().setUp()
        self.flags = ()

    def serve(self, *flags, **options):
        self.served = self.broker(*flags, **options)
        self.client = self.peer(self.served)
        self.now = place(self.client.ask(pb.Watch()))

    def watch(self, since=None, peer=None, **fields):
        return (peer or self.client).ask(pb.Watch(**(since or self.now), **fields))

    def watch_all(self, since=None, peer=None, **fields):
        """All that has happened by now."""
        events, since = [], since or self.now
        while True:
            said = self.watch(since, peer, **fields)
            self.assertFalse(said.gap)
            if not said.events:
                return events
            events += said.events
            since = place(said)

    def submit(self, peer=None, **fields):
        fields.setdefault("job_id", fresh_id())
        said, = (peer or self.client).submit(fields)
        self.assertEqual(said.error, 0)
        return said.job_id

    def test_each_change_of_a_job_is_told_in_order(self):
        self.serve()
        job_id = self.submit(queue="mail", type="send")
        worker = self.worker(self.served, "send")
        (job, _), = worker.take_jobs(1)
        worker.finish(job)
        self.client.ask(pb.Act(kind=pb.ACT_DELETE, job_id=job_id, act_id=fresh_id()))
        events = self.watch_all()
        self.assertEqual([e.state for e in events], [STATES[s] for s in ("queued", "running", "succeeded", "removed")])
        status = self.client.status(job_id)
        for event in events:
            self.assertEqual((event.job_id, event.queue, event.type, event.tenant, event.generation),
                             (job_id, "mail", "send", "", job.generation))
            self.assertLess(abs(event.at_ms - time.time() * 1000), 1000 * PATIENCE_S)
        self.assertEqual(status.state, STATES["removed"])
        versions = [e.version for e in events]
        self.assertEqual(versions, sorted(set(versions)))
        places = [(e.position, e.index) for e in events]
        self.assertEqual(places, sorted(set(places)))

    def test_a_stream_is_continued_behind_any_event(self):
        self.serve()
        for _ in range(5):
            self.submit()
        events = self.watch_all()
        self.assertEqual(len(events), 5)
        for at, event in enumerate(events):
            since = {**self.now, "position": event.position, "index": event.index}
            self.assertEqual(self.watch_all(since), events[at + 1:])

    def test_the_answer_waits_for_an_event(self):
        self.serve()
        corr = self.client.send(pb.Watch(**self.now, wait_ms=60_000))
        self.served.wait_for_metric("weft_event_watches", 1)
        job_id = self.submit(self.peer(self.served))
        event = self.client.answer(corr)[0].event
        self.assertEqual(told(event), [(job_id, STATES["queued"])])
        self.served.wait_for_metric("weft_event_watches", 0)
        # Without one it waits for so long, and tells where the stream is.
        again = self.watch(place(event), wait_ms=50)
        self.assertEqual((list(again.events), place(again)), ([], place(event)))

    def test_no_more_events_come_than_were_asked_for(self):
        self.serve()
        ids = [said.job_id for said in self.client.submit(*({"job_id": fresh_id()} for _ in range(300)))]
        first = self.watch(limit=2)
        self.assertEqual([e.job_id for e in first.events], ids[:2])
        second = self.watch(place(first), limit=3)
        self.assertEqual([e.job_id for e in second.events], ids[2:5])
        self.assertEqual(len(self.watch().events), 256)
        self.assertEqual(self.client.ask(pb.Watch(**self.now, limit=1025)).error, ERR["ERR_BAD_FIELD"])

    def test_only_what_fits_is_told(self):
        self.serve()
        mail = self.submit(queue="mail", type="send")
        web = self.submit(queue="web", type="send")
        size = self.submit(queue="mail", type="resize")
        self.client.ask(pb.Act(kind=pb.ACT_CANCEL, job_id=web, act_id=fresh_id()))

        def fitting(**fields):
            return [e.job_id for e in self.watch_all(**fields)]

        self.assertEqual(fitting(), [mail, web, size, web])
        self.assertEqual(fitting(queue="mail"), [mail, size])
        self.assertEqual(fitting(type="send"), [mail, web, web])
        self.assertEqual(fitting(job_id=web), [web, web])
        self.assertEqual(fitting(states=1 << STATES["cancelled"]), [web])
        self.assertEqual(fitting(queue="mail", type="send"), [mail])
        for wrong in ({"states": 1}, {"states": 1 << 10}, {"queue": "a b"}, {"type": "A"}):
            self.assertEqual(self.client.ask(pb.Watch(**self.now, **wrong)).error, ERR["ERR_BAD_FIELD"], wrong)

    def test_nothing_is_told_before_it_is_durable(self):
        hold = os.path.join(self.data, "hold")
        preload = os.path.join(os.environ["WEFT_BUILD"], "tests", "slow_disk_preload.so")
        asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        self.serve(env={"LD_PRELOAD": preload, "WEFT_TEST_HOLD": hold, "ASAN_OPTIONS": asan})
        other = self.peer(self.served)
        corr = self.client.send(pb.Watch(**self.now, wait_ms=60_000))
        self.served.wait_for_metric("weft_event_watches", 1)
        open(hold, "w", encoding="utf-8").close()
        job_id = fresh_id()
        submitted = other.send(pb.Submit(jobs=[pb.SubmitJob(job_id=job_id, type="test", queue="default")]))
        end = time.monotonic() + PATIENCE_S
        while not os.path.exists(hold + ".held"):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.002)
        # Its flush does not end. Many turns of the broker later nobody has heard of it.
        for _ in range(20):
            said = self.watch(peer=other)
            self.assertEqual((said.gap, list(said.events), place(said)), (False, [], self.now))
        self.assertIsNone(self.client.receive(0))
        os.remove(hold)
        self.assertEqual(other.answer(submitted)[0].submitted.jobs[0].error, 0)
        self.assertEqual(told(self.client.answer(corr)[0].event), [(job_id, STATES["queued"])])

    def test_what_is_too_old_is_a_gap(self):
        self.serve("--event-count-max", "10")
        for _ in range(10):
            self.submit()
        self.assertEqual(len(self.watch_all()), 10)
        last = self.submit()
        gap = self.watch()
        self.assertEqual((gap.gap, list(gap.events), gap.epoch), (True, [], self.now["epoch"]))
        # Behind what was dropped the stream is whole.
        oldest = {**place(gap), "position": gap.oldest_position, "index": gap.oldest_index}
        events = self.watch_all(oldest)
        self.assertEqual((len(events), events[-1].job_id), (10, last))
        self.assertEqual(place(gap)["position"], events[-1].position)
        self.assertEqual(self.watch_all(place(gap)), [])

    def test_another_life_of_the_broker_is_a_gap(self):
        self.serve()
        self.submit()
        before = place(self.watch(limit=100))
        self.served.stop()
        self.serve()
        self.assertEqual(self.now["epoch"], before["epoch"] + 1)
        self.assertTrue(self.watch(before).gap)
        self.assertTrue(self.watch({**self.now, "lineage": self.now["lineage"] ^ 1}).gap)
        self.assertTrue(self.watch({**self.now, "position": self.now["position"] + 1000}).gap)
        self.assertFalse(self.watch().gap)

    def test_a_tenant_hears_of_its_own_jobs_only(self):
        self.serve()
        acme = self.peer(self.served, tenant="acme")
        mine, theirs = self.submit(), self.submit(acme)
        self.assertEqual([e.job_id for e in self.watch_all()], [mine])
        self.assertEqual([e.job_id for e in self.watch_all(peer=acme)], [theirs])
        self.assertEqual(self.watch_all(job_id=theirs), [])
        self.assertEqual({e.tenant for e in self.watch_all(peer=acme)}, {""})
        # Only a gateway may hear of all, and then is told whose they are.
        for peer in (self.client, acme, self.worker(self.served, "else")):
            self.assertEqual(peer.ask(pb.Watch(**self.now, all_tenants=True)).error, ERR["ERR_SCOPE"])
        gateway = self.peer(self.served, role=pb.ROLE_GATEWAY)
        events = self.watch_all(peer=gateway, all_tenants=True)
        self.assertEqual([(e.job_id, e.tenant) for e in events], [(mine, "default"), (theirs, "acme")])

    def test_so_many_may_wait(self):
        self.serve("--event-watch-count-max", "2")
        waiting = [self.client.send(pb.Watch(**self.now, wait_ms=60_000)) for _ in range(2)]
        self.assertEqual(self.watch(wait_ms=60_000).error, ERR["ERR_FULL"])
        self.submit(self.peer(self.served))
        for corr in waiting:
            self.assertEqual(len(self.client.answer(corr)[0].event.events), 1)

    def test_a_question_said_again_is_answered_again(self):
        self.serve()
        question = pb.Watch(**self.now, wait_ms=60_000)
        for _ in range(3):
            self.client.send(question, corr=900)
        self.served.wait_for_metric("weft_event_watches", 1)
        self.submit(self.peer(self.served))
        first = self.client.answer(900)[0].event
        self.client.send(question, corr=900)
        self.assertEqual(self.client.answer(900)[0].event, first)


if __name__ == "__main__":
    unittest.main()
