"""Runs each ```sh block of docs/http-api.md, schedules.md, relations.md, outbox.md, spool.md, webhooks.md and queues.md against a live system: the one at WEFT_URL, or `weft dev`
started from WEFT_BIN. A block fails when one of its commands does."""

import os
import re
import selectors
import signal
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE_S = 60


def blocks():
    found = []
    for name in ("http-api.md", "schedules.md", "relations.md", "outbox.md", "spool.md", "webhooks.md", "queues.md"):
        with open(os.path.join(ROOT, "docs", name), encoding="utf-8") as page:
            found += re.findall(r"^```sh\n(.*?)^```$", page.read(), re.M | re.S)
    return found


class Live:
    """`weft dev` on free ports."""

    def __enter__(self):
        self.place = tempfile.TemporaryDirectory(prefix="weft-docs-")
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [os.environ["WEFT_BIN"], "dev", "--data", os.path.join(self.place.name, "data"), "--http", "127.0.0.1:0",
             "--zmq", "tcp://127.0.0.1:0", "--pub", "tcp://127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=self.log)
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            line = self.process.stdout.readline().decode() if selector.select(PATIENCE_S) else "nothing"
        if not line.startswith("ready"):
            self.log.seek(0)
            raise AssertionError(f"weft dev said {line!r}:\n" + self.log.read().decode(errors="replace"))
        # What the examples of the command need: the program by its name, and its broker.
        os.environ["PATH"] = os.path.dirname(os.environ["WEFT_BIN"]) + ":" + os.environ["PATH"]
        os.environ["WEFT_WEBHOOK_KEY"] = os.path.join(self.place.name, "data", "webhook.key")
        os.environ["WEFT_BROKER"] = re.search(r"zmq=(\S+)", line).group(1)
        return re.search(r"http=(http://\S+)", line).group(1)

    def __exit__(self, kind, value, trace):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE_S)
        self.process.stdout.close()
        self.log.close()
        self.place.cleanup()


class Examples(unittest.TestCase):
    def run_all(self, url):
        found = blocks()
        self.assertGreaterEqual(len(found), 8)
        for text in found:
            with self.subTest(text.splitlines()[0]):
                done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], env={**os.environ, "WEFT_URL": url},
                                      capture_output=True, timeout=PATIENCE_S)
                self.assertEqual(done.returncode, 0, f"{text}\n{done.stdout.decode()}\n{done.stderr.decode()}")

    def test_each_example_runs(self):
        url = os.environ.get("WEFT_URL")
        if url:
            self.run_all(url.rstrip("/"))
            return
        with Live() as url:
            self.run_all(url)


if __name__ == "__main__":
    unittest.main()
