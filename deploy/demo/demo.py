"""Starts Weft, gives it this machine's package database, kills things, and counts. See run.sh."""

import ctypes
import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

from records import records_of

HERE = os.path.dirname(os.path.abspath(__file__))
WEFT = os.path.abspath(os.environ["WEFT_BIN"])
STATUS = os.environ.get("DPKG_STATUS", "/var/lib/dpkg/status")
TYPE = "debian.package"
RECORDS_MAX = 10000  # of one bulk request
SLOTS = 8            # of each worker
PATIENCE = 60        # seconds without any progress
IS_TERMINAL = sys.stdout.isatty()


class Failure(Exception):
    pass


def say(text):
    print(("\r\033[K" if IS_TERMINAL else "") + text, flush=True)


def die_with_parent():
    """Also when this script is killed with -9 nothing stays behind."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Fleet:
    """The processes of the demo and where they are reached."""

    def __init__(self, directory):
        self.directory = directory
        self.database = os.path.join(directory, "packages.db")
        self.data = os.path.join(directory, "weft-data")
        self.log = open(os.path.join(directory, "log"), "ab")
        self.holders = []
        self.workers = {}
        self.dev = None
        self.at = {}

    def spawn(self, words, **more):
        return subprocess.Popen([WEFT, *words], stderr=self.log, stdin=subprocess.DEVNULL,
                                start_new_session=True, preexec_fn=die_with_parent, **more)

    def address(self):
        """Nobody else gets its port while the broker is down: it is bound here, too."""
        holder = socket.socket()
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        self.holders.append(holder)
        return f"127.0.0.1:{holder.getsockname()[1]}"

    def start(self):
        self.dev = self.spawn(["dev", "--data", self.data, "--http", "127.0.0.1:0", "--zmq", f"tcp://{self.address()}",
                               "--pub", f"tcp://{self.address()}", "--metrics", self.address()],
                              stdout=subprocess.PIPE, text=True)
        line = self.dev.stdout.readline()
        if not line.startswith("ready "):
            raise Failure("weft dev did not become ready")
        self.at = dict(word.split("=", 1) for word in line.split()[1:])

    def start_worker(self, name):
        worker = self.spawn(
            ["worker", TYPE, "--broker", self.at["zmq"], "--data", f"{self.directory}/worker-{name}",
             "-c", str(SLOTS), "--lines", "--", os.path.join(HERE, "upsert"), self.database],
            stdout=subprocess.PIPE, text=True)
        self.workers[name] = worker
        if not worker.stdout.readline().startswith("ready "):
            raise Failure(f"worker {name} did not become ready")

    def kill_worker(self, name):
        worker = self.workers[name]
        worker.kill()
        worker.wait()
        return worker.pid

    def pid_of(self, program):
        with open(f"{self.data}/run/{program}.pid", encoding="ascii") as file:
            return int(file.read())

    def stop(self):
        for process in [*self.workers.values(), self.dev]:
            if process is not None and process.poll() is None:
                process.terminate()
        for process in [*self.workers.values(), self.dev]:
            if process is None:
                continue
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return self.dev.returncode if self.dev is not None else 0

    def show_log(self):
        with open(self.log.name, encoding="utf-8", errors="replace") as file:
            sys.stderr.writelines(file.readlines()[-30:])

    # --- questions ---

    def http(self, method, path, body=None, content_type=None):
        host = self.at["http"].split("://")[1]
        connection = http.client.HTTPConnection(host, timeout=PATIENCE)
        headers = {"Content-Type": content_type} if content_type else {}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, data

    def get(self, path):
        """The answer once there is one: a broker that is being restarted is waited for."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                status, data = self.http("GET", path)
                if status == 200:
                    return json.loads(data)
                if status < 500:
                    raise Failure(f"GET {path}: {status} {data[:200]!r}")
            except (OSError, http.client.HTTPException):
                pass
            if time.monotonic() > until:
                raise Failure(f"GET {path}: no answer")
            time.sleep(0.05)

    def submit(self, body):
        status, data = self.http("POST", "/v1/batches", body, "application/x-ndjson")
        if status != 202:
            raise Failure(f"POST /v1/batches: {status} {data[:400]!r}")
        return json.loads(data)

    def metric(self, name):
        """Of the broker; 0 while it is being started."""
        host, path = self.at["metrics"].split("://")[1].split("/", 1)
        connection = http.client.HTTPConnection(host, timeout=PATIENCE)
        try:
            connection.request("GET", "/" + path)
            text = connection.getresponse().read().decode()
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()
        for line in text.splitlines():
            if line.startswith(name + " "):
                return int(float(line.split()[1]))
        raise Failure(f"/metrics has no {name}")


class Ledger:
    """What the handlers have really done, as their own database tells it."""

    def __init__(self, path):
        self.database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)

    def number(self, question):
        return self.database.execute(question).fetchone()[0] or 0

    def rows(self):
        return self.number("SELECT count(*) FROM packages")

    def executions(self):
        return self.number("SELECT sum(count) FROM executions")

    def done(self):
        return self.number("SELECT count(DISTINCT job_id) FROM executions")

    def writers_max(self):
        return self.number("SELECT max(writers) FROM packages")

    def job_ids(self):
        return [row[0] for row in self.database.execute("SELECT job_id FROM packages")]


class Progress:
    """One line that is written over; on a pipe a line for every quarter."""

    def __init__(self, total):
        self.total = total
        self.quarter = 0

    def show(self, done):
        if IS_TERMINAL:
            filled = 40 * done // self.total
            print(f"\r\033[K  [{'#' * filled}{'.' * (40 - filled)}] {done} of {self.total}", end="",
                  flush=True)
        elif 4 * done // self.total > self.quarter:
            self.quarter = 4 * done // self.total
            print(f"  {done} of {self.total}", flush=True)


def wait_for_progress(ledger, progress, target):
    """Until `target` jobs are done. Fails when nothing moves."""
    last, moved_at = -1, time.monotonic()
    while True:
        done = ledger.done()
        progress.show(done)
        if done >= target:
            return
        if done != last:
            last, moved_at = done, time.monotonic()
        elif time.monotonic() - moved_at > PATIENCE:
            raise Failure(f"no progress since {done} of {progress.total}")
        time.sleep(0.003)


def wait_until(what, question):
    until = time.monotonic() + PATIENCE
    while not question():
        if time.monotonic() > until:
            raise Failure(f"{what}: not within {PATIENCE} s")
        time.sleep(0.02)


# --- the two accidents ---


def kill_worker_at_work(fleet, name):
    pid = fleet.kill_worker(name)
    say(f"  killed worker {name} (pid {pid}) with -9 while it worked; starting it again")
    fleet.start_worker(name)


def kill_broker_and_worker(fleet, ledger, name):
    """The worker has executed its jobs and has them in its journal, but there is no broker to be
    told: the new worker must tell the new broker instead of running them again. The supervisor is
    held for a moment, or it would have another broker running before the worker is done."""
    broker = fleet.pid_of("broker")
    fleet.dev.send_signal(signal.SIGSTOP)
    try:
        os.kill(broker, signal.SIGKILL)
        wait_for_stillness(ledger)
        worker = fleet.kill_worker(name)
    finally:
        fleet.dev.send_signal(signal.SIGCONT)
    say(f"  killed the broker (pid {broker}) and worker {name} (pid {worker}) with -9; weft dev "
        "starts the broker again")
    fleet.start_worker(name)
    wait_until("a new broker", lambda: fleet.pid_of("broker") != broker)
    wait_until("resent outcomes", lambda: fleet.metric("weft_resent_outcomes_total") > 0)


def wait_for_stillness(ledger):
    """Until the workers have executed all they hold."""
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < 0.3:
        now = ledger.executions()
        if now != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.01)


# --- both passes ---


def first_pass(fleet, body, total):
    started_at = time.monotonic()
    answer = fleet.submit(body)
    if answer["accepted"] != total:
        raise Failure(f"of {total} records only {answer['accepted']} were accepted")
    wait_until("the first row", lambda: os.path.exists(fleet.database))
    wait_until("the first row", lambda: has_tables(fleet.database))
    ledger = Ledger(fleet.database)
    progress = Progress(total)
    wait_for_progress(ledger, progress, total // 4)
    kill_worker_at_work(fleet, "one")
    wait_for_progress(ledger, progress, total // 2)
    # The new broker counts from zero.
    resent = fleet.metric("weft_resent_outcomes_total")
    kill_broker_and_worker(fleet, ledger, "two")
    wait_for_progress(ledger, progress, total)
    wait_until("the end of the batch", lambda: is_finished(fleet, answer["batch_id"]))
    progress.show(total)
    resent += fleet.metric("weft_resent_outcomes_total")
    return answer, ledger, resent, time.monotonic() - started_at


def has_tables(path):
    try:
        return Ledger(path).done() > 0
    except sqlite3.Error:
        return False


def is_finished(fleet, batch_id):
    return fleet.get(f"/v1/batches/{batch_id}")["status"] == "finished"


def figures_of(fleet, ledger):
    jobs = [fleet.get(f"/v1/jobs/{job_id}") for job_id in ledger.job_ids()]
    return {
        "succeeded": sum(job["status"] == "succeeded" for job in jobs),
        "rows in SQLite": ledger.rows(),
        "executions in SQLite": ledger.executions(),
        "attempts": sum(job["attempt"] for job in jobs),
        "interruptions": sum(job["interruptions"] for job in jobs),
        "conservation difference": fleet.metric("weft_conservation_difference"),
    }


def print_table(first, second):
    say("")
    print(f"  {'':26}{'first time':>14}{'same again':>14}")
    for name, value in first.items():
        print(f"  {name:26}{value:>14}{second[name]:>14}")
    print(flush=True)


def judge(first, second, ledger, total):
    """Every claim of the table; those that do not hold."""
    again = first["executions in SQLite"] - total
    claims = [
        ("each record was accepted once", first["accepted"] == total and first["replayed"] == 0),
        ("every job succeeded", first["succeeded"] == total),
        ("a row for each record", first["rows in SQLite"] == total),
        ("no row was written by two jobs", ledger.writers_max() == 1),
        ("only what was running at a kill ran again", 0 <= again <= 2 * SLOTS),
        ("the broker knows of every execution",
         first["executions in SQLite"] <= first["attempts"] + first["interruptions"]),
        ("outcomes were resent", first["resent outcomes"] > 0),
        ("the same file was replayed", second["replayed"] == total and second["accepted"] == 0),
        ("nothing new ran", all(first[name] == second[name] for name in
                                ("rows in SQLite", "executions in SQLite", "attempts"))),
        ("nothing is missing", second["conservation difference"] == 0),
    ]
    return [text for text, holds in claims if not holds]


def print_urls(fleet, batch_id, job_id):
    base = fleet.at["http"]
    print("  Without ONCE it would serve on, and these would answer:" if os.environ.get("ONCE")
          else "  See for yourself:")
    print(f"    curl -s {base}/v1/batches/{batch_id}")
    print(f"    curl -s {base}/v1/jobs/{job_id}")
    print(f"    curl -s {base}/metrics")
    print(f"    curl -s {fleet.at['metrics']}")
    print(f"    sqlite3 {fleet.database} 'SELECT name, version, token FROM packages LIMIT 5'")
    print(f"    {os.path.relpath(WEFT)} job show {job_id} --broker {fleet.at['zmq']}", flush=True)


def demo(fleet):
    body, total = records_of(STATUS, TYPE, RECORDS_MAX)
    fleet.start()
    say(f"Weft serves at {fleet.at['http']} and {fleet.at['zmq']}")
    for name in ("one", "two"):
        fleet.start_worker(name)
    say(f"Submitting {total} records of {STATUS} in one request")
    answer, ledger, resent, elapsed = first_pass(fleet, body, total)
    first = {"submitted": total, "accepted": answer["accepted"], "replayed": answer["replayed"]}
    first.update(figures_of(fleet, ledger))
    first.update({"resent outcomes": resent, "elapsed": f"{elapsed:.2f} s"})

    say("Submitting the same file again")
    started_at = time.monotonic()
    again = fleet.submit(body)
    elapsed = time.monotonic() - started_at
    second = {"submitted": total, "accepted": again["accepted"], "replayed": again["replayed"]}
    second.update(figures_of(fleet, ledger))
    second.update({"resent outcomes": 0, "elapsed": f"{elapsed:.2f} s"})

    print_table(first, second)
    wrong = judge(first, second, ledger, total)
    for text in wrong:
        print(f"  WRONG: not so: {text}")
    if not wrong:
        print("  Both workers and the broker were killed; nothing was lost, nothing was doubled.")
    rerun = first["executions in SQLite"] - total
    if not wrong and rerun > 0:
        print(f"  {rerun} ran again, because a kill met them at work; each has one row all the same.")
    print_urls(fleet, answer["batch_id"], ledger.job_ids()[0])
    return 1 if wrong else 0


def interrupt(number, frame):
    del number, frame
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, interrupt)
    directory = tempfile.mkdtemp(prefix="weft-demo-")
    fleet = Fleet(directory)
    code = 1
    try:
        code = demo(fleet)
        if not os.environ.get("ONCE"):
            print("\n  Serving until Ctrl-C.", flush=True)
            while True:
                signal.pause()
    except KeyboardInterrupt:
        say("Stopping.")
        code = code if code == 0 else 130
    except (Failure, OSError, sqlite3.Error) as error:
        say(f"demo: {error}")
        fleet.show_log()
    finally:
        stopped = fleet.stop()
        fleet.log.close()
        shutil.rmtree(directory, ignore_errors=True)
    if code == 0 and stopped != 0:
        print(f"demo: weft dev ended with {stopped}", file=sys.stderr)
        code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
