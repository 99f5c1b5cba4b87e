"""Webhooks: deliveries a second, how soon after the end of a job, memory of those that wait, and what a stopped
sender costs those who submit."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

from servers import ROOT, TOOLS, WEFT, Server, Weft, last_json, run_tool

sys.path.insert(0, str(ROOT / "tests/integration"))

PENDING = 20000
RATE = 500
SECONDS = 5
SUBMITS = 200000


class Sink(Server):
    """A receiver in C that answers 200."""

    def start(self):
        self.process = subprocess.Popen([str(TOOLS / "hook_sink")], stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().split()[1]

    def result(self):
        self.process.send_signal(signal.SIGTERM)
        text = self.process.stdout.read()
        self.process.wait(30)
        return last_json(text)


class Sender(Server):
    def __init__(self, broker, key, sink):
        super().__init__()
        self.words = ["--broker", broker.endpoint, "--webhook-key", key.path, "--allow-http", "--allow-address",
                      "127.0.0.1", "--allow-port", sink.address.rpartition(":")[2]]

    def start(self):
        self.process = subprocess.Popen(
            [WEFT, "notify", *self.words, "--data", self.dir, "--log-level", "error", "-c", "256",
             "--endpoint-concurrency", "64"], stdout=subprocess.PIPE, text=True)
        self.metrics = re.search(r"metrics=(\S+)", self.process.stdout.readline())[1]

    def delivered(self):
        with urllib.request.urlopen(self.metrics + "/metrics", timeout=10) as answer:
            found = re.search(r'^weft_notify_attempts_total\{end="delivered"\} (\d+)$', answer.read().decode(), re.M)
        return int(found[1]) if found else 0

    def wait_delivered(self, count):
        end = time.monotonic() + 300
        while self.delivered() < count:
            if time.monotonic() > end:
                sys.exit(f"bench: {self.delivered()} of {count} webhooks in 300 s")
            time.sleep(0.05)


def set_endpoint(broker, key, sink):
    from lib_broker import Peer, pb
    client = Peer(broker.endpoint)
    answer = client.ask(pb.WebhookSet(webhook_id="bench", act=pb.WEBHOOK_SET, url=f"http://{sink.address}/",
                                      events=1 << pb.STATE_SUCCEEDED, secret=key.seal(os.urandom(32))))
    if answer.error != 0:
        sys.exit(f"bench: no endpoint: {answer}")
    client.close()


def work(broker, jobs):
    process = subprocess.Popen(broker.tool("work") + ["--jobs", str(jobs), "--connections", "1", "--window", "1024",
                                                      "--slots", "1024"], stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    return process


def submit(broker, jobs):
    return run_tool(broker.tool("submit") + ["--jobs", str(jobs), "--connections", "4", "--batch", "64",
                                             "--window", "8192"])


def measure_backlog(key, figures):
    """Many wait before the sender comes."""
    with Sink() as sink, Weft() as broker:
        submit(broker, 1000)
        work(broker, 1000).wait(300)
        bare = broker.resting_bytes()
        submit(broker, PENDING)
        work(broker, PENDING).wait(300)
        plain = broker.resting_bytes() - bare
        set_endpoint(broker, key, sink)
        before = broker.resting_bytes()
        submit(broker, PENDING)
        work(broker, PENDING).wait(300)
        figures["weft memory, bytes a pending delivery"] = (broker.resting_bytes() - before - plain) / PENDING
        with Sender(broker, key, sink) as sender:
            began = time.monotonic()
            sender.wait_delivered(PENDING)
            figures["weft deliveries/s of a backlog"] = PENDING / (time.monotonic() - began)
            figures["weft sender memory, bytes a delivery in hand"] = sender.anonymous_bytes() / 256
            cpu = sender.cpu_seconds()
            figures["weft sender CPU, µs a delivery"] = cpu * 1e6 / PENDING


def measure_delay(key, figures):
    with Sink() as sink, Weft() as broker:
        set_endpoint(broker, key, sink)
        with Sender(broker, key, sink) as sender:
            jobs = RATE * SECONDS
            process = work(broker, jobs)
            run_tool(broker.tool("paced") + ["--jobs", str(jobs), "--rate", str(RATE)])
            process.wait(300)
            sender.wait_delivered(jobs)
            result = sink.result()
            figures[f"weft finish → first attempt p50 ms at {RATE}/s"] = result["p50_ms"]
            figures[f"weft finish → first attempt p99 ms at {RATE}/s"] = result["p99_ms"]


def measure_stopped(key, figures):
    """The same submissions with a sender that serves and with one that is stopped in the midst of its leases."""
    rates = {}
    for name in ("serves", "stopped"):
        with Sink() as sink, Weft() as broker:
            set_endpoint(broker, key, sink)
            with Sender(broker, key, sink) as sender:
                if name == "stopped":
                    sender.process.send_signal(signal.SIGSTOP)
                submit(broker, 1000)
                work(broker, 1000).wait(300)
                if name == "serves":
                    sender.wait_delivered(1000)
                result = submit(broker, SUBMITS)
                rates[name] = result["jobs"] / ((result["last_us"] - result["first_us"]) / 1e6)
                sender.process.send_signal(signal.SIGCONT)
    figures["weft submits/s, sender stopped ÷ serving"] = rates["stopped"] / rates["serves"]


def measure_round(figures):
    from lib_notify import Key
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        key = Key(f"{folder}/webhook.key")
        measure_backlog(key, figures)
        measure_delay(key, figures)
        measure_stopped(key, figures)


if __name__ == "__main__":
    told = {}
    measure_round(told)
    for label, value in told.items():
        print(f"{label:60} {value:12,.2f}")
