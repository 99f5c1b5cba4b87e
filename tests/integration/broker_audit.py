"""The auditor: names what was spoiled, in a stopped broker's store and in a running one's, and nothing else."""

import itertools
import json
import os
import re
import shutil
import subprocess
import time

from lib_beside import main_beside
from lib_broker import PATIENCE_S, BrokerTest, fresh_id, pb

# What is spoiled, of which job, and what is named then. Jobs 1 to 4 have succeeded with a result, 3 has a key,
# 5 is dead, 6 runs, 7 and 8 wait.
SPOILED = [
    ("counter", 1, {"segment-counts", "ledger-counts"}),
    ("queue-counter", 1, {"queue-counts"}),
    ("lost-row", 1, {"segment-counts", "id-orphan", "body-orphan", "outcome-orphan"}),
    ("lost-id", 2, {"id-missing"}),
    ("swapped-id", 1, {"id-missing", "id-orphan"}),
    ("lost-key", 3, {"key-missing"}),
    ("lost-body", 7, {"body-missing"}),
    ("doubled-finish", 2, {"finish-doubled"}),
    ("lost-holder", 6, {"job-state"}),
    ("wrong-token", 4, {"job-token", "finish-doubled"}),
    ("wrong-lane", 5, {"job-lane"}),
    ("wrong-time", 4, {"job-times", "sweep-late"}),
    ("wrong-label", 7, {"body-differs"}),
    ("flipped-bit", 8, {"damaged-record"}),
]


class Audit(BrokerTest):
    def setUp(self):
        super().setUp()
        self.place = os.path.join(self.data, "broker")

    def fill(self):
        served = self.broker()
        client = self.peer(served)
        ids = [fresh_id() for _ in range(4)]
        worker = self.worker(served, slots=6)
        client.submit({"job_id": ids[0]}, {"job_id": ids[1]}, {"key": "k"}, {"job_id": ids[2]})
        for job, _ in worker.take_jobs(4):
            worker.finish(job, result=b"done")
        client.submit({"job_id": ids[3], "payload": b"5"})
        (job, _), = worker.take_jobs(1)
        worker.finish(job, outcome=pb.OUTCOME_DEAD, error_kind="test")
        client.submit({"job_id": fresh_id()})
        worker.take_jobs(1)
        client.submit(*({"job_id": fresh_id(), "type": "other", "payload": b"waits" * 9} for _ in range(2)))
        self.assertEqual(served.stop(), 0)
        served.close()

    def audit(self, *flags):
        done = subprocess.run([os.environ["WEFT_BIN"], "audit", "--data", self.place, *flags], capture_output=True,
                              text=True, timeout=PATIENCE_S, check=False)
        return done.returncode, done.stdout, done.stderr

    def spoil(self, what, number):
        tool = os.path.join(os.environ["WEFT_BUILD"], "tests", "spoil")
        subprocess.run([tool, self.place, what, str(number)], check=True, timeout=PATIENCE_S)

    def test_a_sound_store_is_not_accused(self):
        self.fill()
        code, out, err = self.audit()
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"records +8 jobs")
        self.assertRegex(out, r"violations +0\n$")
        code, out, _ = self.audit("-o", "json")
        told = json.loads(out)
        self.assertEqual((code, told["sound"], told["records"], told["accepted"]), (0, True, 8, 8))
        self.assertEqual((told["violations"], told["kinds"]), (0, []))

    def test_what_was_spoiled_is_named_and_nothing_else(self):
        self.fill()
        whole = os.path.join(self.data, "whole")
        os.rename(self.place, whole)
        for what, number, kinds in SPOILED:
            with self.subTest(what):
                subprocess.run(["rm", "-rf", self.place], check=True)
                shutil.copytree(whole, self.place)
                self.spoil(what, number)
                code, out, _ = self.audit("--output", "json")
                told = json.loads(out)
                self.assertEqual((code, told["sound"]), (1, False))
                self.assertEqual({kind["kind"] for kind in told["kinds"]}, kinds)
                for kind in told["kinds"]:
                    self.assertTrue(kind["what"] and kind["fix"] and kind["count"] > 0)
                code, text, _ = self.audit()
                self.assertEqual(code, 1)
                self.assertTrue(all(kind in text for kind in kinds), text)

    def wait_for_rounds(self, served, count):
        client, weights = self.peer(served), itertools.cycle((1, 2))
        end = time.monotonic() + PATIENCE_S
        while served.metric("weft_audit_rounds_total") < count:
            self.assertLess(time.monotonic(), end)
            # Something is committed, else it would rest between two questions to a broker that sleeps.
            self.assertEqual(client.ask(pb.QueueSet(queue="q", weight=next(weights))).error, 0)
            time.sleep(0.1)

    def test_a_running_broker_names_it_logs_it_and_serves_on(self):
        self.fill()
        self.spoil("lost-id", 2)
        self.spoil("doubled-finish", 1)
        served = self.broker("--audit-every", "1s")
        self.wait_for_rounds(served, 3)
        for kind, least in [("id-missing", 2), ("finish-doubled", 2)]:
            self.assertGreaterEqual(served.metric(f'weft_audit_violations_total{{kind="{kind}"}}'), least)
        self.assertEqual(served.metric('weft_audit_violations_total{kind="lease-lost"}'), 0)
        self.assertGreater(served.metric("weft_audit_last_round_timestamp_seconds"), time.time() - 3600)
        self.assertEqual(served.metric("weft_audit_last_round_jobs"), 8)
        # Once for each kind, not once for each round.
        told = re.findall(r" audit\.violation kind=(\S+) count=1 ", served.stderr())
        self.assertEqual(sorted(told), ["finish-doubled", "id-missing"])
        client = self.peer(served)
        job, = client.submit({"job_id": fresh_id()})
        self.assertEqual(job.error, 0)
        checked = subprocess.run(["promtool", "check", "metrics"], input=served.get(), capture_output=True,
                                 text=True, check=False)
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""))

    def test_nobody_is_accused_under_load(self):
        served = self.broker("--audit-every", "1s", "--keep", "1s", "--lease", "200ms", "--renew", "50ms")
        client = self.peer(served)
        worker = self.worker(served, slots=64)
        rounds = 0
        while rounds < 4:
            client.submit(*({"job_id": fresh_id()} if n % 2 else {"key": os.urandom(8).hex()} for n in range(64)))
            for job, _ in worker.take_jobs(16):
                outcome = pb.OUTCOME_FAILED if job.token % 5 == 0 else pb.OUTCOME_SUCCEEDED
                worker.finish(job, outcome=outcome, result=b"done" if job.token % 2 else b"")
            rounds = served.metric("weft_audit_rounds_total")
        self.assertEqual(re.findall(r" audit\.violation .*", served.stderr()), [])
        told = re.findall(r"^weft_audit_violations_total\{.*\} (\d+)$", served.get(), re.M)
        self.assertEqual(set(told), {"0"})

    def test_its_share_of_the_processor(self):
        """WORK_US in REST_MS, however much there is to look at: a round of its own each second would take more."""
        served = self.broker("--audit-every", "1s", "--log-level", "error")
        jobs = [os.path.join(os.environ["WEFT_BUILD"], "tests", "load"), "submit", "--broker", served.zmq, "--jobs",
                "100000", "--batch", "256"]
        subprocess.run(jobs, check=True, stdout=subprocess.DEVNULL)
        begun, spent = time.monotonic(), served.metric("weft_audit_cpu_seconds_total")
        end = begun + 9  # two rests of four seconds, and more on a machine that lets it wait
        client = self.peer(served)
        while time.monotonic() < end or (served.metric("weft_audit_cpu_seconds_total") <= 0.04 and
                                         time.monotonic() < begun + PATIENCE_S):
            client.submit({"job_id": fresh_id()})  # else it would be asked two questions in each
            time.sleep(0.1)
        share = (served.metric("weft_audit_cpu_seconds_total") - spent) / (time.monotonic() - begun)
        self.assertGreater(served.metric("weft_audit_cpu_seconds_total"), 0.04)
        self.assertLess(share, 0.03)

    def test_off_is_off(self):
        served = self.broker("--audit-every", "0s")
        self.peer(served).submit({"job_id": fresh_id()})
        served.wait_for_metric("weft_submitted_total", 1)
        self.assertEqual(served.metric("weft_audit_rounds_total"), 0)

    def test_what_cannot_be_audited_says_why(self):
        code, _, err = self.audit()
        self.assertEqual(code, 4)
        self.assertIn("no store", err)
        self.assertFalse(os.path.exists(self.place))  # asking makes none
        served = self.broker()
        code, _, err = self.audit()
        self.assertEqual(code, 4)
        self.assertIn("another process", err)
        self.assertEqual(err.count(self.place), 1)
        served.stop()
        self.assertEqual(self.audit("--nonsense")[0], 64)
        code, out, _ = self.audit("--help")
        self.assertEqual(code, 0)
        self.assertIn("--data", out)


if __name__ == "__main__":
    main_beside(4)
