"""`weft worker --lines`: one child per slot, one JSON line per job and per outcome."""

import base64
import json
import os
import unittest

from lib_worker import WorkerTest, pb

# What every child here begins with. `act` gets the job and writes what it likes.
CHILD = """
import json, os, signal, sys, time
def say(**words):
    print(json.dumps(words), flush=True)
for line in sys.stdin:
    job = json.loads(line)
    act = job.get("payload") if isinstance(job.get("payload"), dict) else {}
    exec(act.get("do", "say(job_id=job['job_id'], ok=True, result=[os.getpid(), job])"))
"""


class Lines(WorkerTest):
    def lines(self, flags=(), **options):
        return self.start("/usr/bin/python3", "-c", CHILD, flags=["--lines", *flags], **options)

    def do(self, what, **fields):
        return self.broker.grant(json.dumps({"do": what}).encode(), pb.CONTENT_JSON, **fields)

    def result(self, grant):
        finish, result = self.broker.outcome(grant)
        self.assertEqual(finish.outcome, pb.OUTCOME_SUCCEEDED, finish)
        self.assertEqual(finish.result.content, pb.CONTENT_JSON)
        return json.loads(result)

    def failure(self, what, **fields):
        finish, _ = self.broker.outcome(self.do(what, **fields))
        return finish

    def test_one_child_serves_many_jobs(self):
        self.lines()
        pids = set()
        for _ in range(20):
            pids.add(self.result(self.broker.grant(b"1", pb.CONTENT_JSON))[0])
        self.assertEqual(len(pids), 1)

    def test_what_a_line_says(self):
        self.lines()
        payload = b'{"a":\n [1,\r\n2]}'
        grant = self.broker.grant(payload, pb.CONTENT_JSON, attempt=2, traceparent="00-ab")
        _, job = self.result(grant)
        self.assertEqual(job["job_id"].replace("-", ""), grant.job_id.hex())
        self.assertEqual((job["token"], job["type"], job["queue"], job["attempt"]),
                         (str(grant.token), "test", "default", 2))
        self.assertEqual((job["payload"], job["traceparent"]), ({"a": [1, 2]}, "00-ab"))
        self.assertGreater(job["deadline"], 1_700_000_000_000)

    def test_a_line_has_the_labels(self):
        self.lines()
        _, job = self.result(self.broker.grant(labels=pb.Labels(tags=["a", "b"], metadata={"k": "\"v\n"})))
        self.assertEqual((job["tags"], job["metadata"]), (["a", "b"], {"k": "\"v\n"}))
        _, job = self.result(self.broker.grant())
        self.assertFalse({"tags", "metadata"} & set(job))

    def test_a_payload_that_is_not_json_comes_as_base64(self):
        self.lines()
        for payload, content, kind in [(b"\xff\x00", pb.CONTENT_BYTES, "application/octet-stream"),
                                       (b"{broken", pb.CONTENT_JSON, "application/json")]:
            _, job = self.result(self.broker.grant(payload, content))
            self.assertEqual(base64.b64decode(job["payload_base64"]), payload)
            self.assertEqual(job["content_type"], kind)
        _, job = self.result(self.broker.grant())
        self.assertIsNone(job["payload"])

    def test_large_lines_in_both_directions(self):
        self.lines()
        text = json.dumps("x" * 1_000_000).encode()
        finish, result = self.broker.outcome(self.broker.grant(
            json.dumps({"do": "say(job_id=job['job_id'], ok=True, result=job['payload']['text'])",
                        "text": "x" * 900_000}).encode(), pb.CONTENT_JSON))
        self.assertEqual((finish.outcome, len(result)), (pb.OUTCOME_SUCCEEDED, 900_002))
        self.assertLess(len(result), len(text))

    def test_as_many_children_as_jobs_at_once(self):
        self.lines(flags=["-c", "3"])
        wait = f"""
while not os.path.exists({self.path('go')!r}): time.sleep(0.01)
say(job_id=job['job_id'], ok=True, result=[os.getpid()])"""
        grants = [self.do(wait) for _ in range(3)]
        with open(self.path("go"), "w", encoding="utf-8"):
            pass
        self.assertEqual(len({self.result(grant)[0] for grant in grants}), 3)

    def test_failures(self):
        self.lines()
        finish = self.failure("say(job_id=job['job_id'], ok=False, kind='odd', message='no', "
                              "retry_after='30s')")
        self.assertEqual((finish.outcome, finish.error_kind, finish.error_message,
                          finish.retry_after_ms), (pb.OUTCOME_FAILED, "odd", "no", 30000))
        finish = self.failure("say(job_id=job['job_id'], ok=False, kind='bad', retry=False)")
        self.assertEqual((finish.outcome, finish.error_kind), (pb.OUTCOME_DEAD, "bad"))
        finish = self.failure("say(job_id=job['job_id'], ok=False)")
        self.assertEqual((finish.outcome, finish.error_kind), (pb.OUTCOME_FAILED, "error"))

    def test_a_child_that_dies_crashes_its_job_and_is_restarted(self):
        self.lines()
        finish = self.failure("os.kill(os.getpid(), signal.SIGSEGV)")
        self.assertEqual((finish.outcome, finish.error_kind), (pb.OUTCOME_CRASHED, "signal"))
        finish = self.failure("print('oh', file=sys.stderr); sys.exit(0)")
        self.assertEqual((finish.outcome, finish.error_kind), (pb.OUTCOME_CRASHED, "exit"))
        self.assertEqual(finish.error_detail, "oh\n")
        self.result(self.broker.grant(b"1", pb.CONTENT_JSON))

    def test_a_child_that_keeps_dying_is_held_back(self):
        worker = self.lines()
        for _ in range(5):
            self.assertEqual(self.failure("sys.exit(3)").outcome, pb.OUTCOME_CRASHED)
        self.assertIn("worker.child_keeps_dying", worker.stderr())
        # The next job waits for the pause and then works.
        self.result(self.broker.grant(b"1", pb.CONTENT_JSON))

    def test_an_answer_with_the_last_breath_counts(self):
        self.lines()
        finish = self.failure("say(job_id=job['job_id'], ok=True, result=1); sys.exit(1)")
        self.assertEqual(finish.outcome, pb.OUTCOME_SUCCEEDED)

    def test_nonsense_is_a_crash_and_a_new_child(self):
        self.lines()
        for nonsense in ("print('hello', flush=True)", "say(ok=True)",
                         "say(job_id='0'*8+'-0000-7000-8000-'+'0'*12, ok=True)",
                         "say(job_id=job['job_id'], ok=1)"):
            with self.subTest(nonsense=nonsense):
                finish = self.failure(nonsense + "; time.sleep(1000)")
                self.assertEqual((finish.outcome, finish.error_kind),
                                 (pb.OUTCOME_CRASHED, "protocol"))
        self.result(self.broker.grant(b"1", pb.CONTENT_JSON))

    def test_a_result_too_large_is_dead(self):
        self.lines()
        for size in (1_048_576, 3_000_000):
            finish = self.failure(f"say(job_id=job['job_id'], ok=True, result='x'*{size})")
            self.assertEqual((finish.outcome, finish.error_kind),
                             (pb.OUTCOME_DEAD, "result-too-large"))
        self.result(self.broker.grant(b"1", pb.CONTENT_JSON))

    def test_a_deadline_ends_the_child(self):
        self.lines()
        first, _ = self.result(self.broker.grant(b"1", pb.CONTENT_JSON))
        finish = self.failure("time.sleep(1000)", timeout_ms=200)
        self.assertEqual((finish.outcome, finish.error_kind), (pb.OUTCOME_FAILED, "timeout"))
        second, _ = self.result(self.broker.grant(b"1", pb.CONTENT_JSON))
        self.assertNotEqual(first, second)

    def test_words_on_descriptor_three(self):
        self.lines()
        grant = self.do(f"""
os.write(3, b'progress 1 2 half\\n')
while not os.path.exists({self.path('go')!r}): time.sleep(0.01)
say(job_id=job['job_id'], ok=True)""")
        self.broker.until("progress", lambda: any(
            body.progress and body.progress[0].text == "half"
            for kind, body, _ in self.broker.heard if kind == "renew"))
        with open(self.path("go"), "w", encoding="utf-8"):
            pass
        finish, _ = self.broker.outcome(grant)
        self.assertEqual((finish.outcome, finish.result.content), (pb.OUTCOME_SUCCEEDED, pb.CONTENT_NONE))

    def test_a_missing_program_makes_the_worker_quiet(self):
        path = self.path("program")  # is there, but what shall read it is not
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/does/not/exist\n")
        os.chmod(path, 0o755)
        worker = self.start(path, flags=["--lines"])
        finish, _ = self.broker.outcome(self.broker.grant())
        self.assertEqual((finish.outcome, finish.error_kind),
                         (pb.OUTCOME_INTERRUPTED, "missing-program"))
        self.broker.until("quiet", lambda: self.broker.slots == 0)
        self.assertEqual(self.stop(worker), 69)

    def test_children_see_the_end_of_their_input_when_the_worker_stops(self):
        worker = self.start("/usr/bin/python3", "-c",
                            CHILD + f"\nopen({self.path('bye')!r}, 'w').write('bye\\n')",
                            flags=["--lines"])
        self.result(self.broker.grant(b"1", pb.CONTENT_JSON))
        self.assertEqual(self.stop(worker), 0)
        self.assertTrue(os.path.exists(self.path("bye")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
