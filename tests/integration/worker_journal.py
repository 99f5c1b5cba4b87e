"""The journal: a worker that is killed between execution and acknowledgement says its outcome again
and does not run the job again."""

import os
import signal
import unittest

from lib_worker import ERR, Worker, WorkerTest, pb


class Journal(WorkerTest):
    def counting(self, **options):
        """A worker whose handler leaves one line per run in the file `runs`."""
        return self.start_sh(f"echo $WEFT_JOB_TOKEN >> {self.path('runs')}; echo 7", **options)

    def runs(self):
        with open(self.path("runs"), encoding="utf-8") as file:
            return len(file.readlines())

    def killed_at(self, failpoint):
        worker = self.counting(env={"WEFT_FAILPOINT": failpoint})
        grant = self.broker.grant()
        self.assertEqual(worker.wait(), -signal.SIGKILL)
        self.assertEqual(self.runs(), 1)
        return grant

    def hello(self):
        return [body for kind, body, _ in self.broker.heard if kind == "hello"][-1]

    def finishes(self, grant):
        self.broker.outcome(grant)
        return self.broker.outcomes[(grant.job_id, grant.token)]

    def test_killed_before_the_journal_the_outcome_is_gone(self):
        grant = self.killed_at("worker.before_journal")
        worker = self.counting()
        self.assertEqual(list(self.hello().running), [])
        # The broker gives the job again, and it runs again: nobody was told of its outcome.
        again = self.broker.grant(job_id=grant.job_id)
        finish, result = self.broker.outcome(again)
        self.assertEqual((finish.outcome, result, finish.resent), (pb.OUTCOME_SUCCEEDED, b"7", False))
        self.assertEqual(self.runs(), 2)
        self.assertEqual(self.stop(worker), 0)
        self.assertEqual(worker.stats()["resent"], 0)

    def test_killed_after_the_journal_the_outcome_is_told_again(self):
        grant = self.killed_at("worker.after_journal")
        worker = self.counting()
        self.assertEqual([(h.job_id, h.token) for h in self.hello().running],
                         [(grant.job_id, grant.token)])
        finish, result = self.broker.outcome(grant)
        self.assertEqual((finish.outcome, result, finish.resent), (pb.OUTCOME_SUCCEEDED, b"7", True))
        self.assertEqual(self.runs(), 1)
        self.assertEqual(self.stop(worker), 0)
        self.assertEqual(worker.stats()["resent"], 1)

    def test_killed_after_finish_was_sent_it_is_told_again(self):
        self.broker.forgets = {"finish"}
        grant = self.killed_at("worker.after_finish_sent")
        self.broker.forgets = set()
        worker = self.counting()
        self.broker.until("a resent outcome", lambda: any(
            job.resent for job, _ in self.broker.outcomes.get((grant.job_id, grant.token), [])))
        self.assertEqual(self.runs(), 1)
        self.assertEqual(self.stop(worker), 0)
        self.assertEqual((worker.stats()["resent"], worker.stats()["executed"]), (1, 0))

    def test_an_acknowledged_outcome_leaves_the_journal(self):
        grant = self.killed_at("worker.after_journal")
        first = self.counting()
        self.broker.outcome(grant)
        self.assertEqual(self.stop(first), 0)
        self.counting()
        self.assertEqual(list(self.hello().running), [])

    def test_every_verdict_ends_an_outcome(self):
        for error in ("ERR_STALE_LEASE", "ERR_NOT_FOUND"):
            with self.subTest(error=error):
                worker = self.counting()
                self.broker.tokens += 1
                grant_token = self.broker.tokens + 1
                job_id = os.urandom(16)
                self.broker.verdicts[(job_id, grant_token)] = ERR[error]
                grant = self.broker.grant(job_id=job_id)
                self.assertEqual(grant.token, grant_token)
                self.broker.outcome(grant)
                self.assertEqual(self.stop(worker), 0)
                self.assertEqual(worker.stats()["stale"], 1)
                again = self.counting()
                self.assertEqual(list(self.hello().running), [])
                self.assertEqual(self.stop(again), 0)

    def test_a_new_grant_of_a_journaled_success_is_answered_without_running(self):
        grant = self.killed_at("worker.after_journal")
        # The old lease has ended meanwhile; nobody answers FINISH until the new grant is there.
        self.broker.forgets = {"finish"}
        self.broker.lost_at_hello = [grant.held]
        worker = self.counting()
        again = self.broker.grant(job_id=grant.job_id)
        finish, result = self.broker.outcome(again)
        self.assertEqual((finish.outcome, result, finish.resent), (pb.OUTCOME_SUCCEEDED, b"7", True))
        self.broker.forgets = set()
        self.assertEqual(self.stop(worker), 0)
        self.assertEqual(self.runs(), 1)
        self.assertEqual(worker.stats()["answered_from_journal"], 1)

    def test_another_generation_of_the_id_runs(self):
        grant = self.killed_at("worker.after_journal")
        self.broker.forgets = {"finish"}
        self.counting()
        again = self.broker.grant(job_id=grant.job_id, generation=2)
        self.broker.forgets = set()
        self.assertFalse(self.broker.outcome(again)[0].resent)
        self.assertEqual(self.runs(), 2)

    def test_a_success_of_another_lineage_answers_no_grant(self):
        """After a restore the same id and generation may be another job; that one runs."""
        grant = self.killed_at("worker.after_journal")
        self.broker.forgets = {"finish"}
        self.broker.lineage = 2
        self.broker.lost_at_hello = [grant.held]
        self.counting()
        again = self.broker.grant(job_id=grant.job_id)
        self.broker.forgets = set()
        self.assertFalse(self.broker.outcome(again)[0].resent)
        self.assertEqual(self.runs(), 2)
        # The other one is told all the same: its grant may be from before the copy.
        self.assertTrue(self.broker.outcome(grant)[0].resent)

    def test_a_journaled_failure_does_not_answer_a_new_grant(self):
        script = f"echo x >> {self.path('runs')}; exit 3"
        worker = self.start_sh(script, env={"WEFT_FAILPOINT": "worker.after_journal"})
        grant = self.broker.grant()
        worker.wait()
        self.broker.forgets = {"finish"}
        self.start_sh(script)
        again = self.broker.grant(job_id=grant.job_id)
        self.broker.forgets = set()
        self.assertEqual(self.broker.outcome(again)[0].outcome, pb.OUTCOME_FAILED)
        self.assertEqual(self.runs(), 2)

    def test_an_outcome_without_room_waits_and_is_told_again(self):
        answer = self.broker._finish
        self.broker._finish = lambda body, block, corr: self.broker.send(pb.Error(error=ERR["ERR_DISK"]), corr)
        worker = self.counting()
        grant = self.broker.grant()
        self.broker.until("a finish", lambda: self.broker.count("finish"))
        for _ in range(5):  # a second
            self.broker.wait_next("renew")
        self.assertLess(self.broker.count("finish"), 4)
        # The journal keeps it while it waits.
        worker.signal(signal.SIGKILL)
        worker.wait()
        again = self.counting()
        self.broker.wait_next("finish")
        self.broker._finish = answer
        finish, result = self.broker.outcome(grant)
        self.assertEqual((finish.outcome, result, finish.resent), (pb.OUTCOME_SUCCEEDED, b"7", True))
        self.assertEqual(self.runs(), 1)
        self.assertEqual(self.stop(again), 0)

    def test_an_unanswered_finish_is_repeated_unchanged(self):
        self.broker.forgets = {"finish"}
        worker = self.counting()
        grant = self.broker.grant()
        twice = self.broker.until("a repetition", lambda: self.broker.outcomes.get(
            (grant.job_id, grant.token), [])[1:2])
        self.assertEqual(twice[0], self.finishes(grant)[0])
        self.broker.forgets = set()
        self.assertEqual(self.stop(worker), 0)
        self.assertEqual(worker.stats()["resent"], 0)

    def test_many_outcomes_survive_together(self):
        worker = self.counting(flags=["-c", "16"], env={"WEFT_FAILPOINT": "worker.after_journal:2"})
        self.broker.forgets = {"finish"}
        grants = [self.broker.grant()]
        self.broker.outcome(grants[0])
        grants += [self.broker.grant() for _ in range(15)]
        worker.wait()
        self.broker.forgets = set()
        again = self.counting(flags=["-c", "16"])
        named = {(h.job_id, h.token) for h in self.hello().running}
        # Those that were not named are given again; together nothing is missing.
        for grant in grants:
            if (grant.job_id, grant.token) not in named:
                self.broker.outcome(self.broker.grant(job_id=grant.job_id))
        for job_id, token in named:
            self.broker.until("an outcome", lambda key=(job_id, token): any(
                job.resent for job, _ in self.broker.outcomes.get(key, [])))
        self.assertEqual(self.stop(again), 0)
        self.assertGreaterEqual(len(named), 2)
        self.assertEqual(again.stats()["resent"], len(named))

    def test_the_worker_keeps_its_id_and_changes_its_session(self):
        self.stop(self.counting())
        first = self.hello()
        self.stop(self.counting())
        second = self.hello()
        self.assertEqual(first.worker_id, second.worker_id)
        self.assertNotEqual(first.session, second.session)

    def test_a_directory_has_one_worker(self):
        self.counting()
        second = Worker(self.broker.endpoint, self.data, ["cat"])
        self.addCleanup(second.close)
        self.assertEqual(second.wait(), 1)
        self.assertIn("another process holds it; give this one a --data of its own", second.stderr())


if __name__ == "__main__":
    unittest.main(verbosity=2)
