"""Servers that are measured, each a process with a data directory of its own."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEFT = os.environ.get("WEFT_BIN", str(ROOT / "build/release/weft"))
TOOLS = pathlib.Path(os.environ.get("WEFT_BUILD", str(ROOT / "build/release"))) / "tests"
BYTES = 256  # of a job over ZeroMQ


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def last_json(text):
    return json.loads([line for line in text.splitlines() if line.startswith("{")][-1])


class Server:
    """A process with a data directory of its own; ended by its own handle only."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="weft-bench-")
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop(signal.SIGTERM)
        shutil.rmtree(self.dir, ignore_errors=True)

    def stop(self, number):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(30)

    def anonymous_bytes(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return int(re.search(r"^Anonymous:\s+(\d+) kB", text, re.M)[1]) * 1024

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resting_bytes(self):
        """Once what a burst has touched has gone back to the system."""
        busy = self.anonymous_bytes()
        end = time.monotonic() + 5
        while self.anonymous_bytes() >= busy and time.monotonic() < end:
            time.sleep(0.05)
        return self.anonymous_bytes()


class Weft(Server):
    name = "weft"
    flags = ()

    def start(self, endpoint="tcp://127.0.0.1:0"):
        started = time.monotonic()
        self.process = subprocess.Popen(
            [WEFT, "broker", "--zmq", endpoint, "--pub", "tcp://127.0.0.1:0",
             "--metrics", "127.0.0.1:0", "--data", self.dir, "--log-level", "warn", *self.flags],
            stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        self.ready_seconds = time.monotonic() - started
        self.endpoint = re.search(r"zmq=(\S+)", line)[1]
        self.metrics = re.search(r"metrics=(\S+)", line)[1]

    def tool(self, mode):
        return [str(TOOLS / "load"), mode, "--broker", self.endpoint, "--bytes", str(BYTES)]

    def metric(self, name):
        with urllib.request.urlopen(self.metrics, timeout=10) as answer:
            text = answer.read().decode()
        return float(re.search(rf"^{name} (\S+)$", text, re.M)[1])


class Redis(Server):
    name = "redis"

    def start(self):
        self.port = free_port()
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "yes", "--appendfsync", "always", "--dir", self.dir],
            stdout=subprocess.DEVNULL)
        while self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.01)
        sys.exit("bench: redis-server does not start")

    def tool(self, mode):
        return [str(TOOLS / "load_redis"), mode, "--port", str(self.port), "--bytes", str(BYTES)]


class Gateway(Server):
    """In front of a broker."""

    def __init__(self, broker, *flags):
        super().__init__()
        self.broker = broker
        self.flags = flags

    def start(self):
        self.process = subprocess.Popen(
            [WEFT, "gateway", "--http", "127.0.0.1:0", "--broker", self.broker.endpoint,
             "--data", self.dir, "--log-level", "warn", *self.flags],
            stdout=subprocess.PIPE, text=True)
        self.url = re.search(r"http=(\S+)", self.process.stdout.readline())[1]
        self.address = ("127.0.0.1", int(self.url.rpartition(":")[2]))


class HttpFloor(Server):
    """The same HTTP library, answering from memory."""

    def start(self):
        self.process = subprocess.Popen([str(TOOLS / "http_floor")], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.url = re.search(r"http=(\S+)", self.process.stdout.readline())[1]


def run_tool(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(command)}\n{done.stderr}")
    return last_json(done.stdout)
