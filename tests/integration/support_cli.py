"""What the tests of the command share: processes that end with their test, and waiting for events."""

import ctypes
import os
import signal
import subprocess
import tempfile
import time

from lib_port import held_port

WEFT = os.environ["WEFT_BIN"]
PATIENCE = 120  # far more than anything needs, a batch on a busy machine too; a test that waits so long has failed


def wait_for(what, question):
    """The first true answer of `question`."""
    until = time.monotonic() + PATIENCE
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > until:
            raise AssertionError(f"{what}: not within {PATIENCE} s")
        time.sleep(0.01)


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Place:
    """A directory of the test's own, and the processes in it."""

    def __enter__(self):
        self.holder = tempfile.TemporaryDirectory(prefix="weft-test-")
        self.path = self.holder.name
        self.processes = []
        return self

    def __exit__(self, kind, value, trace):
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if kind is not None:
            for name in sorted(os.listdir(self.path)):
                if name.endswith(".log"):
                    with open(os.path.join(self.path, name), encoding="utf-8", errors="replace") as file:
                        print(f"--- {name}\n{file.read()[-4000:]}")
        self.holder.cleanup()

    def spawn(self, name, *words, **environment):
        with open(os.path.join(self.path, name + ".log"), "ab") as log:
            process = subprocess.Popen(
                [WEFT, *words], cwd=self.path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=log, text=True, preexec_fn=die_with_parent,
                env=dict(os.environ, **environment))
        self.processes.append(process)
        return process

    def dev(self, name="dev", ports=None):
        """`ports`: for HTTP, orders, news and figures; without them some that its programs find again."""
        http, zmq, pub, metrics = ports or [held_port() for _ in range(4)]
        return Dev(self.spawn(name, "dev", "--data", "data", "--http", f"127.0.0.1:{http}", "--zmq",
                              f"tcp://127.0.0.1:{zmq}", "--pub", f"tcp://127.0.0.1:{pub}",
                              "--metrics", f"127.0.0.1:{metrics}"),
                   os.path.join(self.path, "data"))

    def weft(self, *words, text=None, **environment):
        return subprocess.run([WEFT, *words], cwd=self.path, input=text, capture_output=True,
                              text=True, timeout=PATIENCE, check=False,
                              env=dict(os.environ, **environment))


class Dev:
    def __init__(self, process, data):
        self.process = process
        self.data = data
        self.at = {}

    def ready(self):
        line = self.process.stdout.readline()
        assert line.startswith("ready "), f"the first line is {line!r}"
        self.at = dict(word.split("=", 1) for word in line.split()[1:])
        return self

    def pid(self, program):
        """0 while the file is not there."""
        try:
            with open(f"{self.data}/run/{program}.pid", encoding="ascii") as file:
                return int(file.read())
        except FileNotFoundError:
            return 0
