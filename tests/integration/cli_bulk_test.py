"""What bounds `weft push --bulk`: how much goes into one message, into one file, and into the answer."""

import json
import os
import subprocess
import tempfile
import unittest

from lib_gateway import PretendedBroker

BULK_JOBS_MAX, BULK_MESSAGE_BYTES_MAX, BULK_FILE_BYTES_MAX = 256, 4 << 20, 64 << 20
BULK_REJECTIONS_MAX = 10_000
LINE = 1 << 19


class Bulk(unittest.TestCase):
    def setUp(self):
        self.broker = PretendedBroker()
        self.addCleanup(self.broker.close)

    def push(self, body, *words):
        with tempfile.NamedTemporaryFile(prefix="weft-test-") as file:
            file.write(body)
            file.flush()
            return subprocess.run([os.environ["WEFT_BIN"], "push", "--bulk", file.name, *words], capture_output=True,
                                  text=True, timeout=120, check=False,
                                  env={**os.environ, "WEFT_BROKER": self.broker.endpoint})

    @staticmethod
    def line(length):
        """A record of so many bytes without its line feed."""
        empty = len('{"type":"a","payload":""}')
        return b'{"type":"a","payload":"' + b"x" * (length - empty) + b'"}'

    def test_jobs_in_one_message(self):
        self.assertEqual(self.push(b'{"type":"a"}\n' * (2 * BULK_JOBS_MAX + 1)).returncode, 0)
        self.assertEqual(self.broker.submits, [BULK_JOBS_MAX, BULK_JOBS_MAX, 1])

    def test_bytes_in_one_message(self):
        lines = BULK_MESSAGE_BYTES_MAX // LINE
        self.assertEqual(self.push((self.line(LINE) + b"\n") * (lines + 1)).returncode, 0)
        self.assertEqual(self.broker.submits, [lines, 1])

    def test_bytes_of_the_file(self):
        body = (self.line(LINE - 1) + b"\n") * (BULK_FILE_BYTES_MAX // LINE)
        self.assertEqual(len(body), BULK_FILE_BYTES_MAX)
        done = self.push(body + b"\n")
        self.assertEqual((done.returncode, self.broker.submits), (64, []), done)
        self.assertIn("longer than 64 MiB", done.stderr)
        self.assertEqual(self.push(body).returncode, 0)
        self.assertEqual(sum(self.broker.submits), BULK_FILE_BYTES_MAX // LINE)

    def test_rejections_in_the_answer(self):
        done = self.push(b"x\n" * BULK_REJECTIONS_MAX, "-o", "json")
        told = json.loads(done.stdout)
        self.assertEqual((told["rejected"], len(told["rejections"])), (BULK_REJECTIONS_MAX, BULK_REJECTIONS_MAX))
        done = self.push(b"x\n" * (BULK_REJECTIONS_MAX + 1), "-o", "json")
        told = json.loads(done.stdout)
        self.assertEqual((told["rejected"], len(told["rejections"])), (BULK_REJECTIONS_MAX + 1, BULK_REJECTIONS_MAX))
        self.assertEqual(done.stderr.count(" is refused "), BULK_REJECTIONS_MAX + 1)
        self.assertEqual(self.broker.submits, [])


if __name__ == "__main__":
    unittest.main()
