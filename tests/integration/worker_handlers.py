"""Handlers of `weft worker`: what they are given, what they say, how they end."""

import json
import os
import signal
import unittest

from lib_worker import WorkerTest, is_alive, pb


class Handlers(WorkerTest):
    def run_one(self, script, payload=b"", flags=(), **job):
        self.start_sh(script, flags=flags)
        return self.broker.outcome(self.broker.grant(payload, **job))

    def test_payload_on_stdin_and_result_on_stdout(self):
        finish, result = self.run_one("cat", b"some bytes")
        self.assertEqual(finish.outcome, pb.OUTCOME_SUCCEEDED)
        self.assertEqual(result, b"some bytes")
        self.assertFalse(finish.resent)

    def test_a_handler_need_not_read_its_stdin(self):
        finish, result = self.run_one("echo done", b"x" * 1_000_000)
        self.assertEqual((finish.outcome, result), (pb.OUTCOME_SUCCEEDED, b"done\n"))

    def test_a_payload_larger_than_a_pipe(self):
        finish, result = self.run_one("wc -c", b"x" * 1_000_000)
        self.assertEqual((finish.outcome, result.strip()), (pb.OUTCOME_SUCCEEDED, b"1000000"))

    def test_kinds_of_results(self):
        self.start_sh("cat", flags=["-c", "8"])
        for payload, content, sent in [
                (b"", pb.CONTENT_NONE, b""),
                (b' {"a": [1, 2]}\n', pb.CONTENT_JSON, b'{"a": [1, 2]}'),
                (b"42", pb.CONTENT_JSON, b"42"),
                (b'{"a": 1,}', pb.CONTENT_TEXT, b'{"a": 1,}'),
                (b"NaN", pb.CONTENT_TEXT, b"NaN"),
                ("größer\n".encode(), pb.CONTENT_TEXT, "größer\n".encode()),
                (b"\xff\xfe\x00", pb.CONTENT_BYTES, b"\xff\xfe\x00"),
        ]:
            with self.subTest(payload=payload):
                finish, result = self.broker.outcome(self.broker.grant(payload))
                self.assertEqual(finish.outcome, pb.OUTCOME_SUCCEEDED)
                self.assertEqual((finish.result.content, result), (content, sent))

    def test_a_result_too_large_is_dead(self):
        self.start_sh("head -c $(cat) /dev/zero | tr '\\0' a")
        finish, result = self.broker.outcome(self.broker.grant(b"1048576"))
        self.assertEqual((finish.outcome, len(result)), (pb.OUTCOME_SUCCEEDED, 1048576))
        finish, result = self.broker.outcome(self.broker.grant(b"1048577"))
        self.assertEqual((finish.outcome, finish.error_kind), (pb.OUTCOME_DEAD, "result-too-large"))
        self.assertEqual(result, b"")

    def test_exit_codes(self):
        self.start_sh('read n; echo "last words" >&2; exit $n', flags=["-c", "4"])
        failed, dead = pb.OUTCOME_FAILED, pb.OUTCOME_DEAD
        for code, outcome, kind in [(1, failed, "exit"), (2, failed, "exit"), (255, failed, "exit"),
                                    (65, dead, "permanent"), (100, dead, "permanent"),
                                    (75, failed, "tempfail"), (64, failed, "exit"),
                                    (125, failed, "exit")]:
            with self.subTest(code=code):
                finish, _ = self.broker.outcome(self.broker.grant(b"%d\n" % code))
                self.assertEqual((finish.outcome, finish.error_kind), (outcome, kind))
                self.assertEqual(finish.error_message, f"exit status {code}: last words")
                self.assertEqual(finish.error_detail, "last words\n")

    def test_a_signal_is_a_crash(self):
        finish, _ = self.run_one("kill -SEGV $$")
        self.assertEqual((finish.outcome, finish.error_kind), (pb.OUTCOME_CRASHED, "signal"))
        self.assertEqual(finish.error_message, "killed by signal 11 (SIGSEGV)")

    def test_only_the_tail_of_stderr_is_told(self):
        finish, _ = self.run_one("yes é | head -c 200000 >&2; echo the end >&2; exit 1")
        self.assertLessEqual(len(finish.error_detail.encode()), 16384)
        self.assertGreater(len(finish.error_detail), 10000)
        self.assertTrue(finish.error_detail.endswith("the end\n"))

    def test_odd_bytes_on_stderr_are_repaired(self):
        finish, _ = self.run_one(r"printf 'a\377b' >&2; exit 1")
        self.assertEqual(finish.error_detail, "a?b")

    def test_environment(self):
        finish, result = self.run_one("env", timeout_ms=5000, traceparent="00-ab-cd-01", attempt=3)
        self.assertEqual(finish.outcome, pb.OUTCOME_SUCCEEDED)
        seen = dict(line.split("=", 1) for line in result.decode().splitlines() if "=" in line)
        job = finish.job_id.hex()
        self.assertEqual(seen["WEFT_JOB_ID"].replace("-", ""), job)
        self.assertEqual((seen["WEFT_JOB_TYPE"], seen["WEFT_JOB_QUEUE"]), ("test", "default"))
        self.assertEqual((seen["WEFT_JOB_ATTEMPT"], seen["WEFT_JOB_TOKEN"]), ("3", str(finish.token)))
        self.assertEqual((seen["TRACEPARENT"], seen["WEFT_JOB_DRY_RUN"]), ("00-ab-cd-01", "0"))
        self.assertGreater(int(seen["WEFT_JOB_DEADLINE"]), 1_700_000_000_000)
        self.assertNotIn("WEFT_FAILPOINT", seen)
        self.assertEqual(seen["WEFT_BROKER"], self.broker.endpoint)

    def test_labels_in_the_environment(self):
        metadata = {"k": "v", "odd": "\"\n\u20ac", "long": "\1" * 4000}
        _, result = self.run_one("echo \"$WEFT_JOB_TAGS\"; echo \"$WEFT_JOB_METADATA\"",
                                 labels=pb.Labels(tags=["a", "b:c"], metadata=metadata))
        tags, told = result.decode().splitlines()
        self.assertEqual((tags.split(" "), json.loads(told)), (["a", "b:c"], metadata))
        _, result = self.broker.outcome(self.broker.grant())
        self.assertEqual(result.split(), [b"{}"])

    def test_nothing_but_four_descriptors(self):
        finish, result = self.run_one("ls /proc/$$/fd")
        self.assertEqual(finish.outcome, pb.OUTCOME_SUCCEEDED)
        self.assertEqual(set(result.decode().split()) - {"10", "255"}, {"0", "1", "2", "3"})

    def test_a_deadline_ends_a_handler_with_sigterm(self):
        finish, _ = self.run_one("echo $$; trap 'exit 0' TERM; while :; do sleep 0.05; done",
                                 timeout_ms=300)
        self.assertEqual((finish.outcome, finish.error_kind), (pb.OUTCOME_FAILED, "timeout"))

    def test_sigkill_follows_sigterm(self):
        finish, _ = self.run_one("trap '' TERM; while :; do sleep 0.05; done", timeout_ms=200,
                                 flags=["--kill-after", "200ms"])
        self.assertEqual((finish.outcome, finish.error_kind), (pb.OUTCOME_FAILED, "timeout"))

    def test_a_deadline_can_be_extended(self):
        finish, result = self.run_one("echo extend 60s >&3; sleep 2.5; echo late", timeout_ms=2000)
        self.assertEqual((finish.outcome, result), (pb.OUTCOME_SUCCEEDED, b"late\n"))

    def test_progress_is_told_with_renew(self):
        self.start_sh(f"echo progress 40 100 row 40 >&3; echo nonsense >&3; "
                      f"until test -e {self.path('go')}; do sleep 0.02; done")
        grant = self.broker.grant()
        progress = self.broker.until("progress", lambda: next(
            (list(body.progress) for kind, body, _ in self.broker.heard
             if kind == "renew" and body.progress), None))
        self.assertEqual((progress[0].done, progress[0].total, progress[0].text), (40, 100, "row 40"))
        self.assertEqual((progress[0].job_id, progress[0].token), (grant.job_id, grant.token))
        with open(self.path("go"), "w", encoding="utf-8"):
            pass
        self.assertEqual(self.broker.outcome(grant)[0].outcome, pb.OUTCOME_SUCCEEDED)

    def test_what_a_handler_leaves_behind_is_killed(self):
        finish, result = self.run_one("sleep 1000 & echo $!")
        self.assertEqual(finish.outcome, pb.OUTCOME_SUCCEEDED)
        self.wait_dead(int(result))

    def program(self, mode=0o755):
        path = self.path("program")
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\n")
        os.chmod(path, mode)
        return path

    def test_a_missing_program_is_noticed_at_the_start(self):
        worker = self.start("/does/not/exist")
        self.assertEqual(self.broker.slots, 0)  # it says quiet, and no job has to find out
        self.assertIn("error worker.no_program program=/does/not/exist why=\"No such file", worker.stderr())
        finish, _ = self.broker.outcome(self.broker.grant())
        self.assertEqual((finish.outcome, finish.error_kind), (pb.OUTCOME_INTERRUPTED, "interrupted"))
        self.assertEqual(self.stop(worker), 69)
        self.assertEqual(worker.stderr().count("worker.no_program"), 1)
        self.assertFalse([line for line in worker.lines if line.startswith("ready")])

    def test_a_program_that_may_not_run_is_missing_too(self):
        for name in (self.program(mode=0o644), "no-such-program-on-the-path"):
            with self.subTest(name):
                worker = self.start(name)
                self.assertEqual(self.broker.slots, 0)
                self.assertEqual(self.stop(worker), 69)

    def test_a_program_that_goes_missing_makes_the_worker_quiet(self):
        worker = self.start(self.program())
        self.assertEqual(self.broker.slots, 1)
        os.remove(self.path("program"))
        finish, _ = self.broker.outcome(self.broker.grant())
        self.assertEqual((finish.outcome, finish.error_kind),
                         (pb.OUTCOME_INTERRUPTED, "missing-program"))
        self.assertIn("No such file", finish.error_detail)
        self.broker.until("quiet", lambda: self.broker.slots == 0)
        # A job that was on its way goes back untouched.
        finish, _ = self.broker.outcome(self.broker.grant())
        self.assertEqual((finish.outcome, finish.error_kind), (pb.OUTCOME_INTERRUPTED, "interrupted"))
        self.assertEqual(self.stop(worker), 69)
        self.assertIn("error worker.no_program", worker.stderr())

    def test_a_tool_missing_inside_a_handler_is_its_own_failure(self):
        worker = self.start_sh("no-such-tool-at-all")
        for _ in range(2):  # and the worker goes on
            finish, _ = self.broker.outcome(self.broker.grant())
            self.assertEqual((finish.outcome, finish.error_kind), (pb.OUTCOME_FAILED, "exit"))
            self.assertTrue(finish.error_message.startswith("exit status 127: "), finish)
        self.assertEqual(self.stop(worker), 0)
        self.assertNotIn("worker.no_program", worker.stderr())

    def test_as_many_at_once_as_slots_and_no_more(self):
        worker = self.start_sh(f"until test -e {self.path('go')}; do sleep 0.02; done",
                               flags=["--concurrency", "3"])
        self.assertEqual(self.broker.slots, 3)
        grants = [self.broker.grant() for _ in range(3)]
        self.broker.until("three at work", lambda: os.path.exists(worker.stats_path) and
                          worker.stats()["executed"] == 3)
        # One more than was granted: it goes back and does not run.
        finish, _ = self.broker.outcome(self.broker.grant())
        self.assertEqual(finish.outcome, pb.OUTCOME_SNOOZED)
        with open(self.path("go"), "w", encoding="utf-8"):
            pass
        for grant in grants:
            self.assertEqual(self.broker.outcome(grant)[0].outcome, pb.OUTCOME_SUCCEEDED)
        self.assertEqual(self.stop(worker), 0)
        self.assertEqual(worker.stats()["executed"], 3)

    def test_a_lease_granted_twice_runs_once(self):
        worker = self.start_sh(f"echo run >> {self.path('runs')}; sleep 0.2")
        grant = self.broker.grant()
        job = self.broker.held[(grant.job_id, grant.token)]
        self.broker.send(pb.Jobs(jobs=[job]))
        self.broker.outcome(grant)
        self.broker.send(pb.Jobs(jobs=[job]))
        self.assertEqual(self.stop(worker), 0)
        self.assertEqual(worker.stats()["executed"], 1)
        with open(self.path("runs"), encoding="utf-8") as runs:
            self.assertEqual(runs.read(), "run\n")

    def test_a_lost_lease_kills_the_handler(self):
        self.start_sh(f"echo $$ > {self.path('pid')}; exec sleep 1000")
        grant = self.broker.grant()
        pid = int(self.read_when_there("pid"))
        self.broker.lost = [grant.held]
        finish, _ = self.broker.outcome(grant)
        # Nothing is said about it but that its place is free again.
        self.assertEqual((finish.outcome, finish.error_message),
                         (pb.OUTCOME_INTERRUPTED, "the lease was lost"))
        self.assertFalse(is_alive(pid))

    def test_a_new_lease_of_a_running_job_ends_the_old_one_first(self):
        worker = self.start_sh("echo $WEFT_JOB_TOKEN $$; exec sleep 1000", flags=["-c", "2"])
        old = self.broker.grant()
        self.broker.until("at work", lambda: worker.stats()["executed"] == 1)
        new = self.broker.grant(job_id=old.job_id, timeout_ms=200)
        self.assertEqual(self.broker.outcome(old)[0].error_message, "the lease was lost")
        self.assertEqual(self.broker.outcome(new)[0].error_kind, "timeout")

    def test_killing_the_worker_kills_its_handlers(self):
        worker = self.start_sh(
            f"sleep 1000 & echo $$ $! > {self.path('pids')}; trap '' TERM INT HUP; wait")
        self.broker.grant()
        pids = [int(word) for word in self.read_when_there("pids").split()]
        worker.signal(signal.SIGKILL)
        worker.wait()
        self.wait_dead(*pids)

    def test_handlers_that_outlive_worker_and_spawner_are_killed_at_restart(self):
        worker = self.start_sh(f"setsid sleep 1000 & echo $! > {self.path('pids')}; wait")
        self.broker.grant()
        pid = int(self.read_when_there("pids"))
        with open(f"/proc/{worker.process.pid}/task/{worker.process.pid}/children",
                  encoding="utf-8") as file:
            spawner = int(file.read().split()[0])
        os.kill(worker.process.pid, signal.SIGSTOP)
        os.kill(spawner, signal.SIGKILL)
        worker.signal(signal.SIGKILL)
        worker.wait()
        self.assertTrue(is_alive(pid))
        again = self.start_sh("cat")
        self.wait_dead(pid)
        self.assertIn("worker.leftovers_killed", again.stderr())

    def test_a_dead_spawner_ends_the_worker_and_its_handlers(self):
        worker = self.start_sh(f"echo $$ > {self.path('pid')}; exec sleep 1000")
        self.broker.grant()
        pid = int(self.read_when_there("pid"))
        with open(f"/proc/{worker.process.pid}/task/{worker.process.pid}/children",
                  encoding="utf-8") as file:
            os.kill(int(file.read().split()[0]), signal.SIGKILL)
        self.assertEqual(self.leave(worker), 1)
        self.wait_dead(pid)


if __name__ == "__main__":
    unittest.main(verbosity=2)
