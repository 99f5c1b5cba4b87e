#!/usr/bin/env python3
"""`weft worker`: what a handler may use (--limit-…), jobs taken in advance (--prefetch), and a worker that was
stopped for a while."""

import os
import signal
import subprocess
import sys
import unittest

from lib_worker import PATIENCE_S, WorkerTest, pb

PYTHON = sys.executable


class Limits(WorkerTest):
    def end_of(self, script, *flags, program="python"):
        """Outcome, kind and error of a job under these limits."""
        words = [PYTHON, "-c", script] if program == "python" else ["sh", "-c", script]
        worker = self.start(*words, flags=flags)
        finish, result = self.broker.outcome(self.broker.grant(b"", timeout_ms=600_000))
        self.stop(worker)
        return finish.outcome, finish.error_kind, finish.error_message, result

    def test_memory(self):
        script = "kept = bytearray(200 << 20); print(len(kept))"
        outcome, kind, message, _ = self.end_of(script, "--limit-memory", "100MiB")
        self.assertEqual((outcome, kind), (pb.OUTCOME_FAILED, "exit"))
        self.assertIn("MemoryError", message)
        outcome, _, _, result = self.end_of(script, "--limit-memory", "1GiB")
        self.assertEqual((outcome, result), (pb.OUTCOME_SUCCEEDED, b"209715200"))

    def test_processor_time_is_a_crash_by_its_signal(self):
        outcome, kind, message, _ = self.end_of("while True: pass", "--limit-cpu", "1s")
        self.assertEqual((outcome, kind, message), (pb.OUTCOME_CRASHED, "signal", "killed by signal 24 (SIGXCPU)"))
        outcome, *_ = self.end_of("import signal; signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass",
                                  "--limit-cpu", "1s")
        self.assertEqual(outcome, pb.OUTCOME_CRASHED, "who ignores it is killed a second later")

    def test_files(self):
        script = "import os; print(len([os.open('/dev/null', 0) for _ in range(20)]))"
        outcome, _, message, _ = self.end_of(script, "--limit-files", "16")
        self.assertEqual(outcome, pb.OUTCOME_FAILED)
        self.assertIn("Too many open files", message)
        outcome, *_ = self.end_of(script, "--limit-files", "64")
        self.assertEqual(outcome, pb.OUTCOME_SUCCEEDED)

    def test_the_size_of_a_file(self):
        place = self.path("big")
        outcome, kind, message, _ = self.end_of(f"exec head -c 100000 /dev/zero > {place}", "--limit-file-size", "64KiB",
                                                program="sh")
        self.assertEqual((outcome, kind, message), (pb.OUTCOME_CRASHED, "signal", "killed by signal 25 (SIGXFSZ)"))
        self.assertEqual(os.path.getsize(place), 65536)

    def test_processes(self):
        # Root is above this limit; and the count is the user's, so it is one that nobody else is.
        script = ("import os\nif os.getuid() == 0: os.setgroups([]); os.setgid(54321); os.setuid(54321)\n"
                  "for n in range(8):\n    if os.fork() == 0: import time; time.sleep(60)\nprint('all')")
        outcome, _, message, _ = self.end_of(script, "--limit-processes", "4")
        self.assertEqual(outcome, pb.OUTCOME_FAILED)
        self.assertIn("Resource temporarily unavailable", message)
        if os.getuid() == 0:
            outcome, *_ = self.end_of(script, "--limit-processes", "64")
            self.assertEqual(outcome, pb.OUTCOME_SUCCEEDED)

    def test_wrong_limits_are_refused(self):
        for flags, said in [(["--limit-cpu", "5s", "--lines"], "--limit-cpu counts for a process"),
                            (["--limit-memory", "5"], "limit-memory"), (["--limit-files", "3"], "limit-files"),
                            (["-c", "200", "--prefetch", "57"], "together at most 256")]:
            done = subprocess.run([os.environ["WEFT_BIN"], "worker", "t", *flags, "--", "cat"], capture_output=True,
                                  text=True, timeout=PATIENCE_S)
            self.assertEqual(done.returncode, 64, done.stderr)
            self.assertIn(said, done.stderr)


class Prefetch(WorkerTest):
    def test_jobs_wait_in_the_worker_and_run_in_their_order(self):
        go, order = self.path("go"), self.path("order")
        self.start_sh(f"cat >> {order}; while [ ! -e {go} ]; do sleep 0.01; done", flags=["--prefetch", "3"])
        self.assertEqual(self.broker.slots, 4)
        grants = [self.broker.grant(b"%d" % n) for n in range(4)]
        self.broker.until("the first runs", lambda: os.path.exists(order))
        renewals = self.broker.count("renew")
        self.broker.until("all are renewed", lambda: self.broker.count("renew") > renewals + 1)
        self.assertEqual(len(self.broker.heard[-1][1].running), 4)
        with open(order, encoding="utf-8") as file:
            self.assertEqual(file.read(), "0", "one runs at a time")
        with open(go, "w", encoding="utf-8"):
            pass
        for grant in grants:
            self.assertEqual(self.broker.outcome(grant)[0].outcome, pb.OUTCOME_SUCCEEDED)
        with open(order, encoding="utf-8") as file:
            self.assertEqual(file.read(), "0123")

    def test_what_waits_is_given_back_at_once_when_the_worker_is_to_stop(self):
        begun = self.path("begun")
        worker = self.start_sh(f"touch {begun}; read line; sleep 60", flags=["--prefetch", "2", "--grace", "60s"])
        first, *others = [self.broker.grant(b"") for _ in range(3)]
        self.broker.until("the first runs", lambda: os.path.exists(begun))
        worker.signal(signal.SIGTERM)
        for grant in others:
            self.assertEqual(self.broker.outcome(grant)[0].outcome, pb.OUTCOME_INTERRUPTED)
        self.assertEqual(self.broker.outcomes.get((first.job_id, first.token)), None)
        worker.signal(signal.SIGTERM)
        self.assertEqual(self.broker.outcome(first)[0].outcome, pb.OUTCOME_INTERRUPTED)

    def test_lines_children_are_as_many_as_jobs_run(self):
        pids = self.path("pids")
        script = f"echo $$ >> {pids}; while read -r line; do id=${{line#*job_id\\\":\\\"}}; printf '{{\"job_id\":\"%s\",\"ok\":true}}\\n' \"${{id%%\\\"*}}\"; done"
        self.start_sh(script, flags=["--lines", "--prefetch", "7"])
        for grant in [self.broker.grant(b"{}", pb.CONTENT_JSON) for _ in range(8)]:
            self.assertEqual(self.broker.outcome(grant)[0].outcome, pb.OUTCOME_SUCCEEDED)
        with open(pids, encoding="utf-8") as file:
            self.assertEqual(len(file.readlines()), 1)


class Paused(WorkerTest):
    def test_stopped_beyond_its_lease_its_outcome_is_stale_and_it_goes_on(self):
        go = self.path("go")
        worker = self.start_sh(f"while [ ! -e {go} ]; do sleep 0.01; done; cat", flags=["-c", "2"])
        grant = self.broker.grant(b"one")
        self.broker.wait_next("renew")
        worker.signal(signal.SIGSTOP)
        self.broker.lost.append(grant.held)  # its lease is over meanwhile
        self.broker.verdicts[grant.job_id, grant.token] = 3
        with open(go, "w", encoding="utf-8"):
            pass
        worker.signal(signal.SIGCONT)
        self.assertEqual(self.broker.outcome(self.broker.grant(b"two"))[1], b"two")


if __name__ == "__main__":
    unittest.main()
