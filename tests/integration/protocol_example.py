#!/usr/bin/env python3
"""The examples of docs/protocol.md are run as they stand there, against a broker."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

from lib_broker import PATIENCE_S, ROOT, Broker, BrokerTest


def example(name):
    """The code of the page's block ```python NAME."""
    with open(os.path.join(ROOT, "docs", "protocol.md"), encoding="utf-8") as page:
        found = re.findall(rf"^```python {name}\n(.*?)^```", page.read(), flags=re.M | re.S)
    if len(found) != 1:
        raise AssertionError(f"docs/protocol.md has {len(found)} examples called {name}")
    return found[0]


class Examples(BrokerTest):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.TemporaryDirectory(prefix="weft-example-")
        self.addCleanup(self.folder.cleanup)
        # A worker notices the end of its broker by a RENEW that is not answered.
        self.served = self.broker("--renew", "100ms", "--lease", "30m")

    def start(self, name, *arguments):
        path = os.path.join(self.folder.name, name + ".py")
        with open(path, "w", encoding="utf-8") as file:
            file.write(example("peer") + "\n\n" + example(name))
        process = subprocess.Popen([sys.executable, path, self.served.zmq, *arguments], cwd=ROOT, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=PATIENCE_S)

    def outcome(self, client):
        said, complaints = client.communicate(timeout=PATIENCE_S)
        self.assertEqual(client.returncode, 0, complaints)
        return said.splitlines()

    def test_a_job_is_submitted_done_and_recognised_again(self):
        client = self.start("client", "order-1001")
        self.assertEqual(client.stdout.readline(), "accepted 7cc54e2d-2845-8ede-933b-c09d9f66d601\n")
        worker = self.start("worker")
        self.assertEqual(worker.stdout.readline(), "serving\n")
        self.assertEqual(self.outcome(client), ['STATE_SUCCEEDED {"took":{"n":7}}'])
        again = self.start("client", "order-1001")
        self.assertEqual(self.outcome(again), ["replayed 7cc54e2d-2845-8ede-933b-c09d9f66d601",
                                               'STATE_SUCCEEDED {"took":{"n":7}}'])

    def test_a_worker_that_is_stopped_gives_back_what_it_has_not_begun(self):
        worker = self.start("worker")
        self.assertEqual(worker.stdout.readline(), "serving\n")
        # Stopped before it reads the job that it has been sent; its lease is far longer than this test.
        worker.send_signal(signal.SIGSTOP)
        client = self.start("client", "order-1001")
        self.assertEqual(client.stdout.readline(), "accepted 7cc54e2d-2845-8ede-933b-c09d9f66d601\n")
        self.served.wait_for_metric("weft_leases", 1)
        worker.send_signal(signal.SIGTERM)
        worker.send_signal(signal.SIGCONT)
        self.assertEqual(worker.wait(PATIENCE_S), 0)
        self.assertEqual(self.start("worker").stdout.readline(), "serving\n")
        self.assertEqual(self.outcome(client)[0], 'STATE_SUCCEEDED {"took":{"n":7}}')

    def test_a_watcher_is_told_of_every_change_and_of_a_gap(self):
        watcher = self.start("watcher")
        self.assertEqual(watcher.stdout.readline(), "watching\n")
        client = self.start("client", "order-1001")
        self.assertEqual(client.stdout.readline(), "accepted 7cc54e2d-2845-8ede-933b-c09d9f66d601\n")
        self.assertEqual(watcher.stdout.readline(), "7cc54e2d-2845-8ede-933b-c09d9f66d601 STATE_QUEUED\n")
        self.start("worker")
        self.outcome(client)
        for state in ("RUNNING", "SUCCEEDED"):
            self.assertEqual(watcher.stdout.readline(), f"7cc54e2d-2845-8ede-933b-c09d9f66d601 STATE_{state}\n")
        self.served.kill()
        again = Broker(self.served.data, "--renew", "100ms", "--zmq", self.served.zmq)
        self.addCleanup(again.close)
        self.assertEqual(watcher.stdout.readline(), "gap: read again what matters\n")

    def test_a_worker_serves_on_after_the_broker_was_killed(self):
        worker = self.start("worker")
        self.assertEqual(worker.stdout.readline(), "serving\n")
        self.assertEqual(self.outcome(self.start("client", "before"))[1], 'STATE_SUCCEEDED {"took":{"n":7}}')
        self.served.kill()
        late = self.start("client", "after")
        again = Broker(self.served.data, "--renew", "100ms", "--zmq", self.served.zmq)
        self.addCleanup(again.close)
        self.assertTrue(again.is_ready, again.stderr())
        self.assertEqual(self.outcome(late)[1], 'STATE_SUCCEEDED {"took":{"n":7}}')


if __name__ == "__main__":
    if not os.access(os.environ.get("WEFT_BIN", ""), os.X_OK):
        sys.exit("WEFT_BIN must name the program 'weft'")
    unittest.main()
