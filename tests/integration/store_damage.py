"""Damaged data files: `weft audit` and the broker say so; neither dies in silence nor stays for ever."""

import contextlib
import json
import os
import shutil
import signal
import subprocess

from lib_beside import main_beside
from lib_broker import PATIENCE_S, BrokerTest, fresh_id

PAGE = 4096


class Damage(BrokerTest):
    def setUp(self):
        super().setUp()
        self.sound = os.path.join(self.data, "broker")
        self.copy = os.path.join(self.data, "copy")
        served = self.broker()
        client = self.peer(served)
        worker = self.worker(served, slots=20)
        for n in range(2):
            client.submit(*({"job_id": fresh_id(), "type": "other", "payload": b"p" * 300, "key": f"{n}-{k}",
                             "unique_key": f"{n}-{k}"} for k in range(200)))
        client.submit(*({"job_id": fresh_id()} for _ in range(20)))
        for job, _ in worker.take_jobs(20):
            worker.finish(job, result=b"r" * 3000)
        self.assertEqual(served.stop(), 0)
        with open(os.path.join(self.sound, "data.mdb"), "rb") as file:
            self.bytes = file.read()

    def damage(self, data):
        shutil.rmtree(self.copy, ignore_errors=True)
        os.mkdir(self.copy)
        with open(os.path.join(self.copy, "data.mdb"), "wb") as file:
            file.write(data)

    def run_weft(self, *words, patience_s=PATIENCE_S):
        done = subprocess.run([os.environ["WEFT_BIN"], *words, "--data", self.copy], capture_output=True, text=True,
                              timeout=patience_s, check=False)
        return done.returncode, done.stdout, done.stderr

    def start_broker(self):
        """How it ended, or 0 when it served, and what it said."""
        shown = subprocess.Popen([os.environ["WEFT_BIN"], "broker", "--zmq", "tcp://127.0.0.1:0", "--pub",
                                  "tcp://127.0.0.1:0", "--metrics", "off", "--data", self.copy],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with shown:
            try:
                if shown.stdout.readline().startswith("ready "):
                    shown.send_signal(signal.SIGTERM)
                return shown.wait(PATIENCE_S), shown.stderr.read()
            finally:
                shown.kill()

    def without_page(self, number):
        return self.bytes[:number * PAGE] + bytes(PAGE) + self.bytes[(number + 1) * PAGE:]

    def test_a_file_cut_short_is_named_with_its_lengths(self):
        for share in (30, 50, 80):
            with self.subTest(share):
                length = len(self.bytes) * share // 100
                self.damage(self.bytes[:length])
                told = f"the store is cut short: {length} of {len(self.bytes)} bytes; restore it from a backup"
                code, out, err = self.run_weft("audit")
                self.assertEqual((code, out), (4, ""))
                self.assertIn(told, err)
                code, err = self.start_broker()
                self.assertEqual(code, 1)
                self.assertIn("broker.not_started error=damaged", err)
                self.assertIn(told, err)

    def test_lost_pages_are_named(self):
        codes = set()
        for number in range(2, len(self.bytes) // PAGE, 10):
            with self.subTest(number):
                self.damage(self.without_page(number))
                code, out, err = self.run_weft("audit", "-o", "json")
                codes.add(code)
                self.assertIn(code, (0, 1, 4), err)  # a page that is free is no loss
                self.assertEqual("restore" in err, code == 4, err)
                self.assertNotIn("make room", err)
                if out:
                    told = json.loads(out)
                    self.assertEqual((told["sound"], told["whole"]), (code == 0, code != 4))
                else:
                    self.assertEqual(code, 4)
                code, err = self.start_broker()
                if code != 0:
                    self.assertRegex(err, "broker.not_started error=damaged|disk.damaged|broker.crashed|commit_failed")
        self.assertIn(4, codes)

    def stop_reading(self):
        """`weft audit` whose reading process is stopped, if it was still there."""
        command = [os.environ["WEFT_BIN"], "audit", "--patience", "300ms", "--data", self.copy]
        # A search for leaks at its end has a child of its own, for which it would wait for ever.
        env = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
        audit = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
        with audit:
            while audit.poll() is None:
                with open(f"/proc/{audit.pid}/task/{audit.pid}/children", encoding="ascii") as children:
                    child = children.read().split()
                if child:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(child[0]), signal.SIGSTOP)
                    break
            _, err = audit.communicate(timeout=PATIENCE_S)
        return audit.returncode, err

    def test_reading_that_stands_still_is_ended(self):
        self.damage(self.bytes)
        for _ in range(50):  # until it is met while it reads
            code, err = self.stop_reading()
            if code != 0:
                break
        self.assertEqual(code, 4, err)
        self.assertIn("reading it does not go on", err)

    def test_an_empty_file_is_no_store(self):
        self.damage(b"")
        code, _, err = self.run_weft("audit")
        self.assertEqual(code, 4)
        self.assertIn("no store", err)
        self.assertEqual(os.listdir(self.copy), ["data.mdb"])


if __name__ == "__main__":
    main_beside(2)
