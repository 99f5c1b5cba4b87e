"""Cancelled jobs at `weft worker`: handlers are told, and what comes of it."""

import json
import os
import unittest

from lib_worker import WorkerTest, pb

# A child that works on and looks whether it is to stop; one that only reads jobs.
AWARE = """
import json, os, select, sys
def say(**words):
    print(json.dumps(words), flush=True)
while line := sys.stdin.readline():
    job = json.loads(line)
    if "cancel" in job:
        continue
    if job["payload"] == "quick":
        say(job_id=job["job_id"], ok=True, result=os.getpid())
        continue
    open("begun", "w").write("yes\\n")
    word = json.loads(sys.stdin.readline())
    assert word == {"cancel": job["job_id"], "token": job["token"]}, word
    say(job_id=job["job_id"], ok=False, cancelled=True)
"""

NAIVE = """
import json, os, select, sys
while line := os.read(0, 65536):
    job = json.loads(line)
    if job["payload"] == "slow":
        open("begun", "w").write("yes\\n")
        select.select([0], [], [])  # the line is there, and is not read
    print(json.dumps({"job_id": job["job_id"], "ok": True, "result": os.getpid()}), flush=True)
"""

DEAF = """
import json, sys, time
for line in sys.stdin:
    job = json.loads(line)
    if job["payload"] == "quick":
        print(json.dumps({"job_id": job["job_id"], "ok": True}), flush=True)
        continue
    open("begun", "w").write("yes\\n")
    time.sleep(600)
"""


class Cancel(WorkerTest):
    def begun(self, payload=b""):
        grant = self.broker.grant(payload, pb.CONTENT_TEXT if payload else pb.CONTENT_NONE)
        self.read_when_there("begun")
        return grant

    def in_data(self, script):
        return f"import os; os.chdir({self.data!r})\n{script}"

    def lines(self, script, *flags):
        return self.start("/usr/bin/python3", "-c", self.in_data(script), flags=["--lines", *flags])

    def test_a_handler_is_stopped_and_its_job_cancelled(self):
        worker = self.start_sh(f"echo yes > {self.path('begun')}; sleep 600; exit 3")
        grant = self.begun()
        self.broker.cancel(grant)
        finish, _ = self.broker.outcome(grant)
        self.assertEqual((finish.outcome, finish.error_kind), (pb.OUTCOME_CANCELLED, "cancelled"))
        self.assertEqual(self.stop(worker), 0)
        self.assertEqual(worker.stats()["cancelled"], 1)

    def test_any_exit_but_0_is_cancelled_and_0_a_success(self):
        for code, outcome in ((9, pb.OUTCOME_CANCELLED), (0, pb.OUTCOME_SUCCEEDED)):
            with self.subTest(code=code):
                worker = self.start_sh(f"trap 'echo late; exit {code}' TERM; echo yes > {self.path('begun')}; "
                                       "while :; do sleep 0.05; done")
                grant = self.begun()
                self.broker.cancel(grant)
                finish, result = self.broker.outcome(grant)
                self.assertEqual(finish.outcome, outcome)
                self.assertEqual(result, b"late\n" if code == 0 else b"")
                self.stop(worker)
                os.remove(self.path("begun"))

    def test_who_does_not_listen_is_killed(self):
        self.start_sh(f"trap '' TERM; echo yes > {self.path('begun')}; while :; do sleep 0.05; done",
                      flags=["--kill-after", "100ms"])
        grant = self.begun()
        self.broker.cancel(grant)
        self.assertEqual(self.broker.outcome(grant)[0].outcome, pb.OUTCOME_CANCELLED)

    def test_a_cancel_in_an_answer_is_as_good(self):
        self.start_sh(f"echo yes > {self.path('begun')}; sleep 600")
        grant = self.begun()
        self.broker.cancels.append(grant.held)
        self.assertEqual(self.broker.outcome(grant)[0].outcome, pb.OUTCOME_CANCELLED)

    def test_a_job_that_waits_in_the_worker_is_cancelled(self):
        self.start_sh(f"echo yes > {self.path('begun')}; while :; do sleep 0.05; done", flags=["-c", "2"])
        first = self.begun()
        twin = self.broker.grant(job_id=first.job_id, generation=1)  # waits until the first is gone
        self.broker.cancel(twin)
        self.assertEqual(self.broker.outcome(twin)[0].outcome, pb.OUTCOME_CANCELLED)

    def test_a_child_that_knows_the_line_lives_on(self):
        self.lines(AWARE)
        pid = json.loads(self.broker.outcome(self.broker.grant(b"quick", pb.CONTENT_TEXT))[1])
        grant = self.begun(b"slow")
        self.broker.cancel(grant)
        self.assertEqual(self.broker.outcome(grant)[0].outcome, pb.OUTCOME_CANCELLED)
        later = self.broker.outcome(self.broker.grant(b"quick", pb.CONTENT_TEXT))
        self.assertEqual(json.loads(later[1]), pid)

    def test_a_child_that_answers_without_it_is_replaced(self):
        self.lines(NAIVE)
        grant = self.begun(b"slow")
        self.broker.cancel(grant)
        finish, result = self.broker.outcome(grant)
        self.assertEqual(finish.outcome, pb.OUTCOME_SUCCEEDED)
        later, pid = self.broker.outcome(self.broker.grant(b"quick", pb.CONTENT_TEXT))
        self.assertEqual(later.outcome, pb.OUTCOME_SUCCEEDED)
        self.assertNotEqual(pid, result)

    def test_a_child_that_does_not_answer_is_killed(self):
        self.lines(DEAF, "--kill-after", "100ms")
        grant = self.begun(b"slow")
        self.broker.cancel(grant)
        self.assertEqual(self.broker.outcome(grant)[0].outcome, pb.OUTCOME_CANCELLED)
        later = self.broker.outcome(self.broker.grant(b"quick", pb.CONTENT_TEXT))[0]
        self.assertEqual(later.outcome, pb.OUTCOME_SUCCEEDED)


if __name__ == "__main__":
    unittest.main()
