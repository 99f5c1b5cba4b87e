"""Acts on jobs at the broker: they are stored, told to workers, and idempotent."""

import os
import unittest

from lib_broker import ERR, BrokerTest, fresh_id, pb
from lib_clock import Clock

LEASE_S = 30  # of a broker that is not told otherwise


class Acts(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.client = self.peer(self.served)

    def serve_by_a_clock(self, *flags):
        """Leases and deadlines end when the test says so, however long a step of it takes."""
        self.served.close()
        self.clock = Clock(os.path.join(self.data, "clock"))
        self.served = self.broker(*flags, env=self.clock.env)
        self.client = self.peer(self.served)

    def submit(self, **fields):
        job_id = fresh_id()
        self.assertEqual(self.client.submit({"job_id": job_id, **fields})[0].error, 0)
        return job_id

    def act(self, kind, job_id, act_id=None):
        return self.client.ask(pb.Act(kind=kind, job_id=job_id, actor="test", act_id=act_id or os.urandom(16)))

    def cancel(self, job_id):
        return self.act(pb.ACT_CANCEL, job_id)

    def restart(self):
        self.served.close()
        self.served = self.broker()
        self.client = self.peer(self.served)

    def renew(self, worker, job):
        return worker.ask(pb.Renew(running=[pb.Held(job_id=job.job_id, token=job.token)]))

    def test_a_waiting_job_is_cancelled_for_good(self):
        for fields in ({}, {"delay_ms": 3600_000}):
            job_id = self.submit(**fields)
            acted = self.cancel(job_id)
            self.assertEqual((acted.error, acted.state, acted.cancel), (0, pb.STATE_CANCELLED, pb.CANCEL_NONE))
            self.assertEqual(self.cancel(job_id), acted)
            self.restart()
            status = self.client.status(job_id)
            self.assertEqual((status.state, status.version), (pb.STATE_CANCELLED, acted.version))
            self.assertGreater(status.expires_at_ms, status.ended_at_ms)
            self.assertEqual(self.cancel(job_id).error, 0)

    def test_a_cancelled_job_is_not_granted(self):
        job_id = self.submit()
        self.cancel(job_id)
        other = self.submit()
        worker = self.worker(self.served, slots=2)
        self.assertEqual([job.job_id for job, _ in worker.take_jobs(1)], [other])

    def test_a_worker_is_told_at_once_and_acknowledges(self):
        worker = self.worker(self.served)
        job_id = self.submit()
        (job, _), = worker.take_jobs(1)
        acted = self.cancel(job_id)
        self.assertEqual((acted.error, acted.state, acted.cancel), (0, pb.STATE_RUNNING, pb.CANCEL_REQUESTED))
        self.assertEqual(self.client.status(job_id).cancel, pb.CANCEL_REQUESTED)
        envelope, _ = worker.receive()
        self.assertEqual(envelope.corr, 0)
        self.assertEqual([(held.job_id, held.token) for held in envelope.renewed.cancel], [(job_id, job.token)])
        self.assertEqual(len(self.renew(worker, job).cancel), 1)
        self.assertEqual(worker.finish(job, pb.OUTCOME_CANCELLED).error, 0)
        status = self.client.status(job_id)
        self.assertEqual((status.state, status.cancel), (pb.STATE_CANCELLED, pb.CANCEL_ACKNOWLEDGED))
        self.assertEqual((status.errors, status.crashes), (0, 0))

    def test_the_lease_ends_a_cancel_that_nobody_heeds(self):
        self.serve_by_a_clock()
        worker = self.worker(self.served)
        job_id = self.submit()
        (job, _), = worker.take_jobs(1)
        self.cancel(job_id)
        status = self.client.status(job_id)
        while status.state == pb.STATE_RUNNING:
            self.renew(worker, job)
            self.clock.advance(LEASE_S / 3)
            status = self.client.status(job_id)
        self.assertEqual((status.state, status.cancel), (pb.STATE_CANCELLED, pb.CANCEL_FORCED))
        self.assertEqual(worker.finish(job).error, ERR["ERR_STALE_LEASE"])

    def test_a_request_survives_the_broker(self):
        worker = self.worker(self.served)
        job_id = self.submit()
        (job, _), = worker.take_jobs(1)
        self.cancel(job_id)
        self.restart()
        self.assertEqual(self.client.status(job_id).cancel, pb.CANCEL_REQUESTED)
        worker = self.peer(self.served, role=pb.ROLE_WORKER, worker_id=worker.worker_id,
                           running=[pb.Held(job_id=job_id, token=job.token)])
        self.assertEqual(len(self.renew(worker, job).cancel), 1)

    def test_what_cannot_be_done_is_refused(self):
        self.assertEqual(self.cancel(fresh_id()).error, ERR["ERR_NOT_FOUND"])
        worker = self.worker(self.served)
        job_id = self.submit()
        (job, _), = worker.take_jobs(1)
        worker.finish(job)
        acted = self.cancel(job_id)
        self.assertEqual((acted.error, acted.state), (ERR["ERR_CONFLICT"], pb.STATE_SUCCEEDED))
        for body in (pb.Act(kind=pb.ACT_CANCEL, act_id=b"1" * 16), pb.Act(kind=pb.ACT_CANCEL, job_id=job_id),
                     pb.Act(job_id=job_id, act_id=b"1" * 16)):
            self.assertEqual(self.client.ask(body).error, ERR["ERR_BAD_FIELD"])

    def dead(self, worker):
        job_id = self.submit(max_attempts=1)
        (job, _), = worker.take_jobs(1)
        worker.finish(job, pb.OUTCOME_FAILED, error_kind="test", error_message="no luck")
        self.assertEqual(self.client.status(job_id).state, pb.STATE_DEAD)
        return job_id

    def test_a_dead_job_lives_again_once_per_act(self):
        worker = self.worker(self.served)
        job_id = self.dead(worker)
        self.restart()
        act_id = os.urandom(16)
        acted = self.act(pb.ACT_RETRY, job_id, act_id)
        self.assertEqual((acted.error, acted.state), (0, pb.STATE_QUEUED))
        self.assertEqual(self.act(pb.ACT_RETRY, job_id, act_id), acted)
        self.assertEqual(self.client.status(job_id).failure.message, "no luck")
        self.restart()
        worker = self.worker(self.served)
        (job, payload), = worker.take_jobs(1)
        self.assertEqual((job.job_id, job.attempt), (job_id, 1))
        worker.finish(job, pb.OUTCOME_FAILED)
        self.assertEqual(self.act(pb.ACT_RETRY, job_id, act_id).state, pb.STATE_DEAD)
        self.assertEqual(self.act(pb.ACT_RETRY, job_id).state, pb.STATE_QUEUED)
        (job, _), = worker.take_jobs(1)
        worker.finish(job)
        self.assertEqual(self.act(pb.ACT_RETRY, job_id).error, ERR["ERR_CONFLICT"])

    def test_a_job_is_run_before_its_time_once_per_act(self):
        job_id = self.submit(delay_ms=3600_000, payload=b"seven")
        act_id = os.urandom(16)
        acted = self.act(pb.ACT_RUN_NOW, job_id, act_id)
        self.assertEqual((acted.error, acted.state), (0, pb.STATE_QUEUED))
        self.restart()
        worker = self.worker(self.served)
        (job, payload), = worker.take_jobs(1)
        self.assertEqual((job.job_id, job.attempt, payload), (job_id, 1, b"seven"))
        self.assertEqual(self.act(pb.ACT_RUN_NOW, job_id).state, pb.STATE_RUNNING)
        worker.finish(job, pb.OUTCOME_FAILED, retry_after_ms=3600_000)
        self.assertEqual(self.act(pb.ACT_RUN_NOW, job_id, act_id).state, pb.STATE_RETRYING)
        self.assertEqual(self.act(pb.ACT_RUN_NOW, job_id).error, 0)
        (job, _), = worker.take_jobs(1)
        self.assertEqual((job.job_id, job.attempt), (job_id, 2))
        worker.finish(job)
        self.assertEqual(self.act(pb.ACT_RUN_NOW, job_id).error, ERR["ERR_CONFLICT"])

    def test_a_job_that_waits_for_another_is_not_run_before_it(self):
        parent = self.submit(type="nobody")
        child = self.submit(after=[parent], on_dependency_failure=pb.ON_FAILURE_RUN)
        acted = self.act(pb.ACT_RUN_NOW, child)
        self.assertEqual((acted.error, acted.state), (ERR["ERR_CONFLICT"], pb.STATE_SCHEDULED))
        self.assertIn("`after`", acted.detail)

    def test_a_retried_job_brings_its_payload(self):
        worker = self.worker(self.served)
        job_id = self.submit(max_attempts=1, payload=b"seven")
        (job, _), = worker.take_jobs(1)
        worker.finish(job, pb.OUTCOME_DEAD)
        self.act(pb.ACT_RETRY, job_id)
        (job, payload), = worker.take_jobs(1)
        self.assertEqual((job.job_id, payload), (job_id, b"seven"))

    def test_an_ended_job_is_removed_at_once_and_its_id_stays_taken(self):
        worker = self.worker(self.served)
        job_id = self.dead(worker)
        self.assertEqual(self.act(pb.ACT_DELETE, job_id).state, pb.STATE_REMOVED)
        self.assertEqual(self.act(pb.ACT_DELETE, job_id).error, 0)
        self.assertEqual(self.client.status(job_id).error, ERR["ERR_GONE"])
        self.assertEqual(self.act(pb.ACT_RETRY, job_id).error, ERR["ERR_GONE"])
        answer, = self.client.submit({"job_id": job_id, "max_attempts": 1})
        self.assertEqual((answer.replayed, answer.state), (True, pb.STATE_REMOVED))
        waiting = self.submit(delay_ms=10000)
        self.assertEqual(self.act(pb.ACT_DELETE, waiting).error, ERR["ERR_CONFLICT"])

    def test_a_job_that_is_not_started_in_time_expires(self):
        job_id = self.submit(ttl_ms=3000)
        status = self.client.status(job_id)
        self.assertEqual(status.start_before_ms, status.created_at_ms + 3000)
        status = self.client.status(job_id, wait_ms=20000, version=status.version)
        self.assertEqual(status.state, pb.STATE_EXPIRED)
        self.assertGreaterEqual(status.ended_at_ms, status.created_at_ms + 3000)
        worker = self.worker(self.served)
        started = self.submit(ttl_ms=60000)
        self.assertEqual(worker.take_jobs(1)[0][0].job_id, started)
        self.assertEqual(self.client.status(started).start_before_ms, 0)

    def test_retry_within_bounds_the_retries(self):
        worker = self.worker(self.served)
        job_id = self.submit(max_attempts=9, retry_first_ms=3000, retry_longest_ms=3000, retry_within_s=1)
        (job, _), = worker.take_jobs(1)
        worker.finish(job, pb.OUTCOME_FAILED)
        status = self.client.status(job_id)
        self.assertEqual((status.state, status.errors), (pb.STATE_DEAD, 1))

    def test_the_broker_ends_what_outlasts_its_deadline(self):
        self.serve_by_a_clock("--deadline-grace", "100ms")
        worker = self.worker(self.served)
        job_id = self.submit(timeout_ms=60_000, max_attempts=1)
        (job, _), = worker.take_jobs(1)
        status = self.client.status(job_id)
        self.assertEqual(status.deadline_at_ms, status.started_at_ms + 60_000)
        more = pb.Progress(job_id=job_id, token=job.token, extend_ms=30_000)
        worker.ask(pb.Renew(running=[pb.Held(job_id=job_id, token=job.token)], progress=[more]))
        self.assertEqual(self.client.status(job_id).deadline_at_ms, status.deadline_at_ms + 30_000)
        while status.state != pb.STATE_DEAD:
            self.renew(worker, job)
            self.clock.advance(LEASE_S / 3)
            status = self.client.status(job_id)
        self.assertEqual((status.errors, status.crashes, status.failure.kind), (1, 0, "timeout"))
        self.assertGreaterEqual(status.ended_at_ms, status.started_at_ms + 90_050)

    def test_a_job_whose_workers_are_lost_dies_with_that_error(self):
        self.serve_by_a_clock()
        worker = self.worker(self.served)
        job_id = self.submit(max_crashes=1)
        worker.take_jobs(1)  # and says no more
        self.clock.advance(LEASE_S)
        status = self.client.status(job_id)
        while status.state != pb.STATE_DEAD:
            status = self.client.status(job_id, wait_ms=1000, version=status.version)
        self.assertEqual((status.errors, status.crashes), (0, 1))
        self.assertEqual((status.failure.kind, status.failure.message), ("lost", "the lease passed without a word"))

    def tell(self, kind, worker_id):
        return self.client.ask(pb.Act(kind=kind, worker_id=worker_id, actor="test", act_id=os.urandom(16)))

    def test_a_worker_is_told_to_go_quiet_and_gets_no_more_jobs(self):
        worker = self.worker(self.served, slots=2)
        job_id = self.submit()
        (job, _), = worker.take_jobs(1)
        self.assertEqual(self.client.status(job_id).worker_id, worker.worker_id)
        self.assertEqual(self.tell(pb.ACT_QUIET, worker.worker_id).drain, pb.DRAIN_QUIET)
        self.assertEqual(worker.receive()[0].renewed.drain, pb.DRAIN_QUIET)
        waiting = self.submit()
        self.assertEqual(self.renew(worker, job).drain, pb.DRAIN_QUIET)
        self.assertEqual(self.client.status(waiting).state, pb.STATE_QUEUED)
        self.assertEqual(self.tell(pb.ACT_STOP, worker.worker_id).drain, pb.DRAIN_STOP)
        worker.finish(job, pb.OUTCOME_INTERRUPTED)
        other = self.worker(self.served, slots=2)
        self.assertEqual({job.attempt for job, _ in other.take_jobs(2)}, {1})
        self.assertEqual(self.tell(pb.ACT_STOP, b"1" * 16).error, ERR["ERR_NOT_FOUND"])


if __name__ == "__main__":
    unittest.main()
