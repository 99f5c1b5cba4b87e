"""Stopping a worker, losing its broker, and finding it again."""

import os
import signal
import unittest

from lib_clock import Clock
from lib_worker import Worker, WorkerTest, pb, wait_for


class Stop(WorkerTest):
    def waiting(self, **options):
        """A handler that works until the file `go` is there."""
        return self.start_sh(f"echo > {self.path('at-work')}; until test -e {self.path('go')}; do "
                             "sleep 0.02; done; echo done", **options)

    def go(self):
        with open(self.path("go"), "w", encoding="utf-8"):
            pass

    def test_sigterm_lets_running_jobs_finish(self):
        worker = self.waiting()
        grant = self.broker.grant()
        self.read_when_there("at-work")
        worker.signal(signal.SIGTERM)
        self.broker.until("quiet", lambda: self.broker.slots == 0)
        self.go()
        self.assertEqual(self.broker.outcome(grant)[0].outcome, pb.OUTCOME_SUCCEEDED)
        self.assertEqual(self.leave(worker), 0)
        self.assertEqual(self.broker.heard[-1][0], "renew")  # the proof of BYE
        self.assertEqual(self.broker.count("bye"), 1)

    def test_jobs_that_cross_bye_are_begun_by_nobody(self):
        clock = Clock(self.path("clock"), stands=True)
        with clock.going():
            worker = self.start_sh(f"echo > {self.path('at-work')}", env={"WEFT_LOG_LEVEL": "debug", **clock.env})
        # By its clock, which stands, it waits for the answer to its last RENEW however late that comes.
        worker.signal(signal.SIGTERM)
        bye = self.broker.wait_next("bye")
        self.assertEqual((list(bye.running), bye.is_all), ([], True))
        # In the pipe before the answer to the RENEW that follows.
        self.broker.grant()
        self.assertEqual(self.leave(worker), 0)
        self.assertFalse(os.path.exists(self.path("at-work")))
        self.assertEqual((worker.stats()["executed"], self.broker.outcomes), (0, {}))
        self.assertNotIn("worker.bye_unanswered", worker.stderr())

    def test_after_the_grace_jobs_are_interrupted(self):
        worker = self.waiting(flags=["--grace", "100ms"])
        grant = self.broker.grant()
        self.read_when_there("at-work")
        worker.signal(signal.SIGTERM)
        finish, _ = self.broker.outcome(grant)
        self.assertEqual((finish.outcome, finish.error_message),
                         (pb.OUTCOME_INTERRUPTED, "the worker was stopped"))
        self.assertEqual(self.leave(worker), 0)

    def test_a_second_sigterm_stops_at_once(self):
        worker = self.start_sh(f"trap '' TERM; echo > {self.path('at-work')}; "
                               "while :; do sleep 0.02; done")
        grant = self.broker.grant()
        self.read_when_there("at-work")
        worker.signal(signal.SIGTERM)
        self.broker.until("quiet", lambda: self.broker.slots == 0)
        worker.signal(signal.SIGTERM)
        self.assertEqual(self.broker.outcome(grant)[0].outcome, pb.OUTCOME_INTERRUPTED)
        self.assertEqual(self.leave(worker), 0)

    def test_quiet_takes_no_more_jobs_and_stays(self):
        for number in (signal.SIGTSTP, signal.SIGUSR1):
            with self.subTest(signal=number):
                worker = self.start_sh("cat")
                worker.signal(number)
                self.broker.until("quiet", lambda: self.broker.slots == 0)
                self.broker.wait_next("renew")
                self.assertIsNone(worker.process.poll())
                self.assertEqual(self.stop(worker), 0)

    def test_outcomes_wait_for_their_answer_before_leaving(self):
        self.broker.forgets = {"finish"}
        worker = self.start_sh("echo 1")
        grant = self.broker.grant()
        self.broker.outcome(grant)
        worker.signal(signal.SIGTERM)
        self.broker.until("quiet", lambda: self.broker.slots == 0)
        self.broker.forgets = set()
        self.assertEqual(self.leave(worker), 0)
        self.assertEqual(worker.stats()["accepted"], 1)

    def test_a_worker_leaves_although_nobody_answers(self):
        worker = self.start_sh("echo 1")
        grant = self.broker.grant()
        self.broker.forgets = {"finish"}
        self.broker.outcome(grant)
        worker.signal(signal.SIGTERM)
        self.assertEqual(self.leave(worker), 0)
        self.assertIn("outcomes_kept=1", worker.stderr())
        bye = [body for kind, body, _ in self.broker.heard if kind == "bye"][-1]
        self.assertEqual((list(bye.running), bye.is_all), ([grant.held], True))

    def test_the_heartbeat_comes_without_jobs_too(self):
        self.start_sh("cat")
        self.assertEqual(list(self.broker.wait_next("renew").running), [])

    def test_the_heartbeat_names_what_runs(self):
        self.waiting()
        grant = self.broker.grant()
        self.read_when_there("at-work")
        running = self.broker.wait_next("renew").running
        self.assertEqual([(h.job_id, h.token) for h in running], [(grant.job_id, grant.token)])
        self.go()
        self.broker.outcome(grant)

    def test_an_unknown_worker_says_hello_again_and_keeps_its_jobs(self):
        self.waiting()
        grant = self.broker.grant()
        self.read_when_there("at-work")
        before = self.broker.count("hello")
        self.broker.send(pb.Error(error=12))  # ERR_UNKNOWN_PEER
        self.broker.until("HELLO", lambda: self.broker.count("hello") > before)
        hello = [body for kind, body, _ in self.broker.heard if kind == "hello"][-1]
        self.assertEqual([h.token for h in hello.running], [grant.token])
        self.broker.wait_next("ready")
        self.go()
        self.assertEqual(self.broker.outcome(grant)[0].outcome, pb.OUTCOME_SUCCEEDED)

    def test_a_job_lost_at_hello_is_killed(self):
        self.waiting()
        grant = self.broker.grant()
        self.read_when_there("at-work")
        self.broker.lost_at_hello = [grant.held]
        self.broker.send(pb.Error(error=12))
        self.assertEqual(self.broker.outcome(grant)[0].error_message, "the lease was lost")

    def test_a_newer_lease_of_a_job_waits_for_the_end_of_the_older_ones_handler(self):
        story = self.path("story")
        self.start_sh(f"trap '' TERM; echo begin $WEFT_JOB_TOKEN >> {story}; "
                      f"until test -e {self.path('go')}; do sleep 0.02; done; echo end $WEFT_JOB_TOKEN >> {story}",
                      flags=["-c", "3"])
        older = self.broker.grant()
        self.read_when_there("story")
        newer = self.broker.grant(job_id=older.job_id)
        other = self.broker.grant()  # begins, so the newer one could have
        self.broker.until("another job's handler", lambda: len(self.read_when_there("story").splitlines()) > 1)
        self.assertEqual(self.read_when_there("story").split(), ["begin", str(older.token), "begin", str(other.token)])
        self.go()
        self.broker.outcome(newer)
        lines = self.read_when_there("story").splitlines()
        self.assertLess(lines.index(f"end {older.token}"), lines.index(f"begin {newer.token}"))
        self.assertEqual(self.broker.outcome(older)[0].error_message, "the lease was lost")

    def test_a_broker_that_comes_back_gets_the_outcome(self):
        worker = self.waiting()
        grant = self.broker.grant()
        self.read_when_there("at-work")
        self.broker.close()
        self.go()
        self.broker.open()
        self.assertEqual(self.broker.outcome(grant)[0].outcome, pb.OUTCOME_SUCCEEDED)
        self.assertEqual(self.stop(worker), 0)

    def test_an_absent_broker_is_told_once_each_time(self):
        self.broker.close()
        worker = Worker(self.broker.endpoint, self.data, ["cat"])
        self.addCleanup(worker.close)
        told = f"warn worker.no_broker broker={self.broker.endpoint} "
        wait_for("the first word", lambda: worker.stderr().count(told) == 1)
        self.broker.open()
        self.broker.wait_next("ready")
        self.broker.close()
        wait_for("the second word", lambda: worker.stderr().count(told) == 2)
        self.broker.open()
        self.broker.wait_next("ready")
        self.assertEqual(self.stop(worker), 0)
        self.assertEqual(worker.stderr().count("worker.no_broker"), 2)

    def test_more_jobs_than_slots_are_put_off_and_the_broker_hears_what_is_in_hand(self):
        self.broker.renew_ms = 600000
        worker = self.waiting()
        first = self.broker.grant()
        self.read_when_there("at-work")
        renews = self.broker.count("renew")
        second = self.broker.grant()
        finish, _ = self.broker.outcome(second)
        self.assertEqual((finish.outcome, finish.retry_after_ms), (pb.OUTCOME_SNOOZED, 1000))
        self.broker.until("a RENEW before its time", lambda: self.broker.count("renew") > renews)
        held = [body for kind, body, _ in self.broker.heard if kind == "renew"][-1].running
        self.assertIn(first.held, held)
        # What it learns by the answer frees the slot.
        self.broker.lost.append(first.held)
        third = self.broker.grant()
        self.assertEqual(self.broker.outcome(third)[0].outcome, pb.OUTCOME_SNOOZED)
        self.assertEqual(self.broker.outcome(first)[0].outcome, pb.OUTCOME_INTERRUPTED)
        last = self.broker.grant()
        self.go()
        self.assertEqual(self.broker.outcome(last)[0].outcome, pb.OUTCOME_SUCCEEDED)
        self.assertEqual(self.stop(worker), 0)

    def test_the_first_line_says_ready(self):
        worker = self.start_sh("cat")
        self.broker.until("a line", lambda: worker.lines)
        words = worker.lines[0].split()
        self.assertEqual(words[0], "ready")
        self.assertIn("types=test", words)
        with open(self.path("worker-id"), encoding="utf-8") as file:
            self.assertIn("worker=" + file.read().strip(), words)

    def test_sigusr2_prints_the_counters(self):
        worker = self.start_sh("cat")
        worker.signal(signal.SIGUSR2)
        self.broker.until("a line", lambda: any(line.startswith("stats {") for line in worker.lines))

    def test_usage(self):
        for flags, program, sentence in [
                ([], [], "what shall run?"),
                (["--queue", "a b"], ["cat"], "is not a name"),
                (["-c", "0"], ["cat"], "concurrency"),
                (["--wrong"], ["cat"], "there is no flag --wrong")]:
            with self.subTest(flags=flags):
                worker = Worker(self.broker.endpoint, self.data, program, flags)
                self.addCleanup(worker.close)
                self.assertEqual(worker.wait(), 64)
                self.assertIn(sentence, worker.stderr())
        self.assertFalse(os.path.exists(self.path("worker-id")))

    def told(self, drain):
        self.broker.send(pb.Renewed(drain=drain))

    def test_told_to_go_quiet_it_takes_no_more_jobs(self):
        self.start_sh("cat")
        self.told(pb.DRAIN_QUIET)
        self.broker.until("quiet", lambda: self.broker.heard[-1][0] == "ready" and self.broker.heard[-1][1].quiet
                          or any(kind == "ready" and body.quiet for kind, body, _ in self.broker.heard))
        finish, _ = self.broker.outcome(self.broker.grant())
        self.assertEqual(finish.outcome, pb.OUTCOME_INTERRUPTED)

    def test_told_to_stop_it_finishes_what_runs_and_leaves(self):
        worker = self.start_sh(f"echo yes > {self.path('begun')}; while [ ! -e {self.path('go')} ]; do sleep 0.02; done")
        grant = self.broker.grant()
        self.read_when_there("begun")
        self.told(pb.DRAIN_STOP)
        self.told(pb.DRAIN_STOP)  # said again it is not "at once"
        self.broker.until("quiet", lambda: any(kind == "ready" and body.quiet for kind, body, _ in self.broker.heard))
        with open(self.path("go"), "w", encoding="ascii"):
            pass
        self.assertEqual(self.broker.outcome(grant)[0].outcome, pb.OUTCOME_SUCCEEDED)
        self.assertEqual(self.leave(worker), 0)

    def test_the_last_words_of_one_worker_do_not_make_the_next_one_ready(self):
        first = self.start_sh("exit 0")
        first.signal(signal.SIGTERM)
        first.wait()  # what it said is not heard yet
        self.start_sh("exit 0")
        self.assertEqual(self.broker.outcome(self.broker.grant())[0].outcome, pb.OUTCOME_SUCCEEDED)


if __name__ == "__main__":
    unittest.main(verbosity=2)
