"""Worker and broker together: kills at each failpoint, and nothing is lost or counted twice."""

import os
import signal
import subprocess
import time
import unittest

from lib_broker import PATIENCE_S, BrokerTest, fresh_id, pb
from lib_clock import Clock
from lib_worker import Worker, wait_for

LEASE_S = 30  # of a broker that is not told otherwise
FAILPOINTS = ["worker.before_journal", "worker.after_journal", "worker.after_finish_sent"]


class Real(BrokerTest):
    def setUp(self):
        super().setUp()
        self.clock = Clock(os.path.join(self.data, "clock"))
        self.served = self.broker("--renew", "200ms", env=self.clock.env)
        self.client = self.peer(self.served)

    def work(self, script, name="one", flags=(), env=None):
        data = os.path.join(self.data, name)
        os.makedirs(data, exist_ok=True)
        worker = Worker(self.served.zmq, data, ["sh", "-c", script], flags, env)
        self.addCleanup(worker.close)
        return worker

    def submit(self, count, **fields):
        ids = [fresh_id() for _ in range(count)]
        answers = self.client.submit(*[{"job_id": i, "payload": b"p", **fields} for i in ids])
        self.assertEqual({a.error for a in answers}, {0})
        return ids

    def ended(self, job_id):
        """The status of the job as soon as it is terminal."""
        version, end = 0, time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            status = self.client.status(job_id, wait_ms=1000, version=version)
            if status.state >= pb.STATE_SUCCEEDED:
                return status
            version = status.version
        raise AssertionError(f"still in state {status.state}")

    def test_jobs_run_and_credit_comes_back(self):
        ids = self.submit(40)
        worker = self.work("cat", flags=["-c", "4"])
        self.assertEqual({self.ended(i).state for i in ids}, {pb.STATE_SUCCEEDED})
        worker.signal(signal.SIGTERM)
        self.assertEqual(worker.wait(), 0)
        self.assertEqual(worker.stats()["accepted"], 40)

    def test_the_last_progress_is_kept_also_when_the_handler_ends_at_once(self):
        ids = self.submit(4)
        self.work("for i in 1 2 3; do echo progress $i 3 row $i >&3; done; exit 0", flags=["-c", "4"])
        told = [(s.state, s.progress_done, s.progress_total, s.progress_text) for s in map(self.ended, ids)]
        self.assertEqual(told, [(pb.STATE_SUCCEEDED, 3, 3, "row 3")] * 4)

    def test_a_worker_of_a_tenant_runs_its_jobs_and_no_others(self):
        others, = self.submit(1)
        self.work("printf %s \"$WEFT_TENANT\"", flags=["--tenant", "acme"])
        self.client = self.peer(self.served, tenant="acme")
        job, = self.submit(1)
        self.assertEqual(self.ended(job).state, pb.STATE_SUCCEEDED)
        envelope, result = self.client.answer(self.client.send(pb.Status(job_id=job)))
        self.assertEqual(result, b"acme")
        self.assertEqual(self.peer(self.served).status(others).state, pb.STATE_QUEUED)

    def test_a_tenant_that_is_no_name_is_refused(self):
        said = subprocess.run([os.environ["WEFT_BIN"], "worker", "test", "--tenant", "Acme", "--", "cat"],
                              capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(said.returncode, 64)
        self.assertIn("--tenant", said.stderr)

    def test_a_worker_that_is_stopped_for_longer_than_its_lease_is_told_so(self):
        job, = self.submit(1)
        begun = os.path.join(self.data, "begun")
        one = self.work(f"echo yes > {begun}; sleep 0.2; echo one")
        wait_for("the handler", lambda: os.path.exists(begun))
        one.signal(signal.SIGSTOP)
        self.clock.advance(LEASE_S)
        self.work("echo two", name="two")
        ended = self.ended(job)
        self.assertEqual((ended.state, ended.crashes), (pb.STATE_SUCCEEDED, 1))
        one.signal(signal.SIGCONT)
        wait_for("the refusal", lambda: os.path.exists(one.stats_path) and one.stats()["stale"] + one.stats()["lost"] > 0)
        again, result = self.client.answer(self.client.send(pb.Status(job_id=job)))
        self.assertEqual((again.status_is.version, result), (ended.version, b"two\n"))

    def test_the_last_words_of_a_failed_handler_are_kept(self):
        job, = self.submit(1, max_attempts=1)
        self.work("echo why >&2; exit 7")
        status = self.ended(job)
        self.assertEqual((status.state, status.failure.kind, status.failure.message,
                          status.failure.detail), (pb.STATE_DEAD, "exit", "exit status 7: why", "why\n"))

    def test_killed_anywhere_nothing_is_lost_and_outcomes_are_resent(self):
        runs = os.path.join(self.data, "runs")
        script = f"echo $WEFT_JOB_ID >> {runs}"
        ids = self.submit(30, retry_first_ms=1, retry_longest_ms=1, max_crashes=100)
        resent = 0
        for round_ in range(9):
            failpoint = FAILPOINTS[round_ % 3]
            worker = self.work(script, flags=["-c", "2"], env={"WEFT_FAILPOINT": f"{failpoint}:2"})
            if worker.wait() != -signal.SIGKILL:
                raise AssertionError(worker.stderr())
        worker = self.work(script, flags=["-c", "2"])
        self.assertEqual({self.ended(i).state for i in ids}, {pb.STATE_SUCCEEDED})
        worker.signal(signal.SIGTERM)
        self.assertEqual(worker.wait(), 0)
        resent = worker.stats()["resent"]
        with open(runs, encoding="utf-8") as file:
            ran = file.read().split()
        print(f"jobs {len(ids)} runs {len(ran)} kills 9 resent by the last worker {resent}")
        self.assertEqual(len(set(ran)), len(ids))
        # The last kill was after FINISH was sent: its outcome was still in the journal.
        self.assertGreaterEqual(resent, 1)
        # Only a kill before the journal makes a job run again: three of them, two slots each.
        self.assertLessEqual(len(ran), len(ids) + 9 * 2)

    def test_a_journaled_outcome_is_accepted_after_the_restart(self):
        job, = self.submit(1)
        worker = self.work("echo 7", env={"WEFT_FAILPOINT": "worker.after_journal"})
        self.assertEqual(worker.wait(), -signal.SIGKILL)
        self.work("echo 8")
        status = self.ended(job)
        # The first run's result, and no crash: the job did not run again.
        self.assertEqual((status.state, status.crashes, status.attempt), (pb.STATE_SUCCEEDED, 0, 1))

    def test_the_broker_dies_and_comes_back_while_a_handler_works(self):
        zmq_door = self.served.zmq
        go = os.path.join(self.data, "go")
        job, = self.submit(1)
        worker = self.work(f"until test -e {go}; do sleep 0.02; done; echo 7")
        end = time.monotonic() + PATIENCE_S
        while self.client.status(job).state != pb.STATE_RUNNING and time.monotonic() < end:
            self.client.status(job, wait_ms=100)
        self.served.kill()
        with open(go, "w", encoding="utf-8"):
            pass
        self.served = self.broker("--zmq", zmq_door, "--renew", "200ms")
        self.client = self.peer(self.served)
        status = self.ended(job)
        self.assertEqual((status.state, status.crashes, status.attempt), (pb.STATE_SUCCEEDED, 0, 1))
        worker.signal(signal.SIGTERM)
        self.assertEqual(worker.wait(), 0)
        self.assertEqual(worker.stats()["executed"], 1)

    def test_a_drained_job_is_interrupted_and_burns_nothing(self):
        job, = self.submit(1)
        begun = os.path.join(self.data, "begun")
        worker = self.work(f"touch {begun}; exec sleep 1000", flags=["--grace", "0ms"])
        # RUNNING says that it was granted, and the worker may not have it yet.
        wait_for("the handler runs", lambda: os.path.exists(begun))
        worker.signal(signal.SIGTERM)
        self.assertEqual(worker.wait(), 0)
        self.work("echo 7", name="two")
        status = self.ended(job)
        self.assertEqual((status.state, status.attempt, status.interruptions),
                         (pb.STATE_SUCCEEDED, 1, 1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
