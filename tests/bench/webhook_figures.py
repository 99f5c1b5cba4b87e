"""Figures of webhooks: what a waiting delivery costs, how fast they go to a receiver that answers at once, how soon
an end is told under load, and that a sender which stands still hinders no submission."""

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile

from servers import ROOT, TOOLS, WEFT, Weft, last_json

RATE = 500  # ends a second while haste is measured


class Sink:
    """A receiver; wait(n) tells of the next n requests."""

    def __init__(self):
        self.process = subprocess.Popen([str(TOOLS / "hook_sink")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = re.search(r"http=(\S+)", self.process.stdout.readline())[1]

    def wait(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


class Bench:
    """A broker with one endpoint that wants every success, its receiver, and a sender when it is started."""

    def __init__(self, server, sink, folder):
        from lib_broker import Peer, pb
        from lib_notify import Key
        self.server, self.sink, self.folder, self.key, self.sender = server, sink, folder, Key(f"{folder}/key"), None
        client = Peer(server.endpoint)
        said = client.ask(pb.WebhookSet(webhook_id="bench", act=pb.WEBHOOK_SET, url=sink.url + "/hook",
                                        events=1 << pb.STATE_SUCCEEDED, secret=self.key.seal(os.urandom(32))))
        client.close()
        if said.error:
            sys.exit(f"bench: the endpoint is refused: {said.detail}")

    def send(self):
        from lib_notify import Sender
        self.sender = Sender(self.server.endpoint, self.folder, self.key, "--allow-port", self.sink.url.rsplit(":", 1)[1],
                             "--log-level", "error", "--endpoint-concurrency", "64", "--metrics", "off")
        self.sender.wait_ready()

    def work(self, jobs):
        words = ["--jobs", str(jobs), "--connections", "1", "--window", "1024", "--slots", "1024"]
        process = subprocess.Popen(self.server.tool("work") + words, stdout=subprocess.PIPE, text=True)
        if process.stdout.readline().strip() != "ready":
            sys.exit("bench: the worker is not ready")
        return process

    def submit(self, jobs, *words, mode="submit"):
        done = subprocess.run(self.server.tool(mode) + ["--jobs", str(jobs), *words], stdout=subprocess.PIPE, text=True,
                              check=True, timeout=300)
        return last_json(done.stdout)

    def submit_many(self, jobs):
        """Jobs a second that are acknowledged."""
        said = self.submit(jobs, "--connections", "4", "--batch", "64", "--window", "4096")
        return said["jobs"] / ((said["last_us"] - said["first_us"]) / 1e6)

    def end_many(self, jobs):
        """Submitted and ended at once; submissions a second."""
        worker = self.work(jobs)
        rate = self.submit_many(jobs)
        worker.communicate(timeout=300)
        return rate


def measure_waiting(bench, jobs, figures):
    first = jobs // 2  # after which what a burst touches has been touched
    bench.end_many(first)
    before = bench.server.resting_bytes()
    bench.end_many(jobs)
    figures["weft memory, bytes a waiting delivery"] = (bench.server.resting_bytes() - before) / jobs
    bench.send()
    seen = bench.sink.wait(first + jobs)
    figures["weft webhooks/s to a receiver on loopback"] = (first + jobs) / seen["seconds"]


def measure_haste(bench, seconds, figures):
    worker = bench.work(RATE * seconds)
    bench.submit(RATE * seconds, "--rate", str(RATE), mode="paced")
    worker.communicate(timeout=300)
    seen = bench.sink.wait(RATE * seconds)
    figures[f"weft end to first attempt, p50 ms at {RATE}/s"] = seen["p50_ms"]
    figures[f"weft end to first attempt, p99 ms at {RATE}/s"] = seen["p99_ms"]


def measure_stop(bench, jobs, figures):
    """Ends are told all the time. In turns, so that what else this machine does hinders both."""
    rates = {"runs": [], "is stopped": []}
    for _ in range(5):
        for name, number in (("runs", signal.SIGCONT), ("is stopped", signal.SIGSTOP)):
            bench.sender.process.send_signal(number)
            rates[name].append(bench.end_many(jobs))
    bench.sender.process.send_signal(signal.SIGCONT)
    for name, seen in rates.items():
        figures[f"weft submits/s while the sender {name}"] = statistics.median(seen)
    figures["weft submits while the sender is stopped, of those while it runs"] = statistics.median(
        stopped / running for running, stopped in zip(rates["runs"], rates["is stopped"]))


def measure(jobs, figures):
    os.environ["WEFT_BIN"] = WEFT
    sys.path.insert(0, str(ROOT / "tests/integration"))
    sink = Sink()
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as folder, Weft() as server:
        bench = Bench(server, sink, folder)
        measure_waiting(bench, jobs, figures)
        measure_haste(bench, 5, figures)
        measure_stop(bench, jobs * 2, figures)
        bench.sender.close()
    sink.close()
