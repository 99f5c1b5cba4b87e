"""Each field of a request has an effect that a peer can see. Those that other tests of this folder
show are named there; tests/effects/wire.txt says which test shows which field."""

import time
import unittest

from lib_broker import ERR, BrokerTest, fresh_id, pb


class Fields(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker(env={"WEFT_LOG_LEVEL": "debug"})
        self.client = self.peer(self.served)

    def submit(self, **fields):
        job_id = fresh_id()
        self.assertEqual(self.client.submit({"job_id": job_id, **fields})[0].error, 0)
        return job_id

    def failed_once(self, outcome=pb.OUTCOME_FAILED, said=None, **fields):
        """The status of a job after its first attempt, and when it was told."""
        job_id = self.submit(**fields)
        worker = self.worker(self.served)
        (job, _), = worker.take_jobs(1)
        worker.finish(job, outcome, **(said or {}))
        return worker, self.client.status(job_id), time.time() * 1000

    def nothing_more(self, worker):
        """True when no job comes with the answer to a renewal, which leaves after all before it."""
        worker.ask(pb.Renew())
        return "jobs" not in [envelope.WhichOneof("body") for envelope, _ in worker.unasked]

    # --- of a submission ---

    def test_priority_decides_who_is_first(self):
        ids = {n: self.submit(priority=n) for n in (9, 0, 4)}
        worker = self.worker(self.served, slots=3)
        self.assertEqual([job.job_id for job, _ in worker.take_jobs(3)], [ids[0], ids[4], ids[9]])

    def test_delay_ms_is_waited_for(self):
        status = self.client.status(self.submit(delay_ms=5000))
        self.assertEqual(status.state, pb.STATE_SCHEDULED)
        self.assertEqual(status.due_at_ms - status.created_at_ms, 5000)

    def test_run_at_ms_is_waited_for(self):
        moment = int(time.time() * 1000) + 600_000
        status = self.client.status(self.submit(run_at_ms=moment))
        self.assertEqual((status.state, status.due_at_ms), (pb.STATE_SCHEDULED, moment))

    def test_timeout_ms_is_told_to_the_worker(self):
        self.submit(timeout_ms=1234)
        (job, _), = self.worker(self.served).take_jobs(1)
        self.assertEqual(job.timeout_ms, 1234)

    def test_max_crashes_end_the_job(self):
        _, status, _ = self.failed_once(pb.OUTCOME_CRASHED, max_crashes=1)
        self.assertEqual((status.state, status.crashes), (pb.STATE_DEAD, 1))

    def test_retry_first_ms_is_the_first_pause(self):
        _, status, told = self.failed_once(retry_first_ms=100_000)
        self.assertTrue(50_000 - 5000 <= status.due_at_ms - told <= 100_000, status)

    def second_pause(self, **fields):
        worker, status, _ = self.failed_once(retry_first_ms=1000, retry_factor_milli=100_000, **fields)
        (job, _), = worker.take_jobs(1)
        worker.finish(job, pb.OUTCOME_FAILED)
        return self.client.status(status.job_id).due_at_ms - time.time() * 1000

    def test_retry_factor_milli_lets_the_pause_grow(self):
        self.assertTrue(50_000 - 5000 <= self.second_pause() <= 100_000)

    def test_retry_longest_ms_is_the_longest_pause(self):
        self.assertTrue(10_000 - 5000 <= self.second_pause(retry_longest_ms=20_000) <= 20_000)

    def test_keep_s_is_how_long_it_stays_readable(self):
        _, status, _ = self.failed_once(pb.OUTCOME_SUCCEEDED, keep_s=77)
        self.assertEqual(status.expires_at_ms - status.ended_at_ms, 77_000)

    def test_batch_id_and_batch_index_come_back(self):
        batch_id = fresh_id()
        status = self.client.status(self.submit(batch_id=batch_id, batch_index=7))
        self.assertEqual((status.batch_id, status.batch_index), (batch_id, 7))
        self.assertEqual(self.client.ask(pb.BatchStatus(batch_id=batch_id)).counts[pb.STATE_QUEUED], 1)

    def test_parts_lie_where_offset_and_length_say_and_are_what_content_says(self):
        body = pb.Submit()
        for n in (0, 1):
            body.jobs.add(job_id=fresh_id(), type="test", priority=n,
                          payload=pb.Part(offset=3 * n, length=3, content=pb.CONTENT_TEXT))
        self.client.ask(body, b"abcdef")
        jobs = self.worker(self.served, slots=2).take_jobs(2)
        self.assertEqual([payload for _, payload in jobs], [b"abc", b"def"])
        self.assertEqual({job.payload.content for job, _ in jobs}, {pb.CONTENT_TEXT})

    def holder(self, **span):
        """A job that holds the key "k", done in the meantime; what another one with it is told."""
        self.failed_once(pb.OUTCOME_SUCCEEDED, unique_key="k", **span)
        return self.client.submit({"job_id": fresh_id(), "unique_key": "k", "unique_for_s": 1})[0].error

    def test_unique_for_s_holds_on_after_the_end(self):
        self.assertEqual(self.holder(unique_for_s=600), ERR["ERR_UNIQUE"])

    def test_unique_while_unfinished_ends_with_the_job(self):
        self.submit(type="other", unique_key="a", unique_while_unfinished=True)
        second = self.client.submit({"job_id": fresh_id(), "unique_key": "a", "unique_for_s": 1})[0]
        self.assertEqual(second.error, ERR["ERR_UNIQUE"])
        self.assertEqual(self.holder(unique_while_unfinished=True), 0)

    # --- of any request ---

    def test_corr_comes_back(self):
        corr = self.client.send(pb.Status(job_id=fresh_id()), corr=4711)
        self.assertEqual(self.client.answer(corr)[0].corr, 4711)

    def test_role_decides_what_may_be_said(self):
        ready = pb.Ready(types=["test"], slots=1)
        self.assertEqual(self.client.ask(ready).error, ERR["ERR_BAD_FIELD"])
        worker = self.peer(self.served, role=pb.ROLE_WORKER, worker_id=fresh_id())
        self.assertEqual(list(worker.ask(ready).lost), [])

    def test_a_list_is_of_the_states_asked_for(self):
        waiting, later = self.submit(), self.submit(delay_ms=60_000)
        for state, job_id in ((pb.STATE_QUEUED, waiting), (pb.STATE_SCHEDULED, later)):
            listed = self.client.ask(pb.List(states=1 << state))
            self.assertEqual([job.job_id for job in listed.jobs], [job_id])

    def test_a_schedule_keeps_its_jobs_and_jitter_ms(self):
        """Told as they were given: mapping only."""
        given = pb.ScheduleSet(schedule_id="s", act=pb.SCHEDULE_SET, cron="0 3 * * *", jitter_ms=5000,
                               jobs=[pb.SubmitJob(type="tick")])
        self.assertEqual(self.client.ask(given).error, 0)
        kept = self.client.ask(pb.ScheduleStatus(schedule_id="s"))
        self.assertEqual((kept.jitter_ms, [job.type for job in kept.jobs]), (5000, ["tick"]))

    # --- of a worker ---

    def test_a_name_is_logged(self):
        self.client.ask(pb.Hello(role=pb.ROLE_CLIENT, name="the one", session=1))
        self.assertIn('peer.known role=client name="the one"', self.served.stderr())

    def test_a_greeting_keeps_to_its_rules(self):
        held = pb.Held(job_id=fresh_id(), token=1)
        for rule, hello in (("role", pb.Hello(session=1)), ("session", pb.Hello(role=pb.ROLE_CLIENT)),
                            ("session", pb.Hello(role=pb.ROLE_WORKER, worker_id=fresh_id())),
                            ("worker_id", pb.Hello(role=pb.ROLE_WORKER, session=1)),
                            ("running", pb.Hello(role=pb.ROLE_CLIENT, session=1, running=[held]))):
            stranger = self.peer(self.served, hello=False)
            refused = stranger.ask(hello)
            self.assertEqual((refused.error, refused.detail.split(":")[0]), (ERR["ERR_BAD_FIELD"], rule))
            self.assertEqual(stranger.ask(pb.List()).error, ERR["ERR_UNKNOWN_PEER"], "it is no peer by that")

    def test_a_reason_is_logged(self):
        self.client.send(pb.Bye(reason="all done"))
        self.assertEqual(self.client.status(fresh_id()).error, ERR["ERR_UNKNOWN_PEER"])
        self.assertIn('peer.left reason="all done"', self.served.stderr())

    def test_types_and_queues_choose(self):
        ids = {(t, q): self.submit(type=t, queue=q) for t in "ab" for q in "xy"}
        worker = self.peer(self.served, role=pb.ROLE_WORKER, worker_id=fresh_id())
        worker.ask(pb.Ready(types=["a"], queues=["y"], slots=9))
        (job, _), = worker.take_jobs(1)
        self.assertEqual(job.job_id, ids["a", "y"])
        self.assertTrue(self.nothing_more(worker))

    def test_queues_of_the_fabrics_own_are_a_notifiers(self):
        ready = pb.Ready(types=["a"], queues=["x", "weft.webhooks"], slots=9)
        worker = self.peer(self.served, role=pb.ROLE_WORKER, worker_id=fresh_id())
        refused = worker.ask(ready)
        self.assertEqual((refused.error, refused.detail),
                         (ERR["ERR_RESERVED"], "queues: names that begin with 'weft.' are the fabric's own, and no "
                                               "worker gets their jobs"))
        self.submit(type="a", queue="x")
        self.assertTrue(self.nothing_more(worker), "nothing of a READY that is refused counts")
        notifier = self.peer(self.served, role=pb.ROLE_NOTIFIER, worker_id=fresh_id())
        self.assertEqual(list(notifier.ask(ready).lost), [])

    def test_slot_bytes_are_credit(self):
        for _ in range(3):
            self.submit(payload=b"x" * 100)
        worker = self.peer(self.served, role=pb.ROLE_WORKER, worker_id=fresh_id())
        worker.ask(pb.Ready(types=["test"], slots=9, slot_bytes=250))
        self.assertEqual(len(worker.take_jobs(2)), 2)
        self.assertTrue(self.nothing_more(worker))

    def test_quiet_takes_no_job(self):
        self.submit()
        worker = self.peer(self.served, role=pb.ROLE_WORKER, worker_id=fresh_id())
        worker.ask(pb.Ready(types=["test"], slots=9, quiet=True))
        self.assertTrue(self.nothing_more(worker))
        worker.ask(pb.Ready(types=["test"], slots=9))
        self.assertEqual(len(worker.take_jobs(1)), 1)

    def test_progress_is_shown_with_done_total_and_text(self):
        job_id = self.submit()
        worker = self.worker(self.served)
        (job, _), = worker.take_jobs(1)
        said = pb.Progress(job_id=job.job_id, token=job.token, done=3, total=9, text="a third")
        worker.ask(pb.Renew(running=[pb.Held(job_id=job.job_id, token=job.token)], progress=[said]))
        status = self.client.status(job_id)
        self.assertEqual((status.progress_done, status.progress_total, status.progress_text), (3, 9, "a third"))
        # Of somebody else's lease nothing is believed.
        said.token += 1
        said.done = 4
        worker.ask(pb.Renew(running=[pb.Held(job_id=job.job_id, token=job.token)], progress=[said]))
        self.assertEqual(self.client.status(job_id).progress_done, 3)

    def test_retry_after_ms_is_kept(self):
        _, status, told = self.failed_once(pb.OUTCOME_SNOOZED, said={"retry_after_ms": 300_000})
        self.assertEqual((status.state, status.errors), (pb.STATE_SCHEDULED, 0))
        self.assertTrue(295_000 <= status.due_at_ms - told <= 300_000, status)

    def test_outcome_decides_what_comes_of_the_job(self):
        states = {pb.OUTCOME_SUCCEEDED: pb.STATE_SUCCEEDED, pb.OUTCOME_FAILED: pb.STATE_RETRYING,
                  pb.OUTCOME_DEAD: pb.STATE_DEAD}
        for outcome, state in states.items():
            worker, status, _ = self.failed_once(outcome, retry_first_ms=600_000)
            self.assertEqual(status.state, state)
            worker.close()

    def test_resent_outcomes_are_counted(self):
        self.failed_once(pb.OUTCOME_SUCCEEDED, said={"resent": True})
        self.served.wait_for_metric("weft_resent_outcomes_total", 1)


if __name__ == "__main__":
    unittest.main()
