#!/usr/bin/env python3
"""The clients and workers of docs/clients are run as they stand there, and their broker is killed meanwhile."""

import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgpack
import zmq
from lib_beside import main_beside
from lib_broker import PATIENCE_S, ROOT, BrokerTest, fresh_id, pb
from lib_keys import Keys
from lib_port import held_port

NODE_MODULES = os.path.join(ROOT, "tests", "contract", "node_modules")


def blocks(page, language):
    with open(os.path.join(ROOT, "docs", "clients", page), encoding="utf-8") as file:
        return dict(re.findall(rf"^```{language} (\S+)\n(.*?)^```", file.read(), flags=re.M | re.S))


class Moody(BaseHTTPRequestHandler):
    """In front of a gateway (`server.behind`): the first request of each path gets a 503 instead of an answer."""

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.split("?")[0]
        if path not in self.server.refused:
            self.server.refused.add(path)
            self.reply(503, b'{"type": "about:blank", "status": 503}')
            return
        headers = {name: self.headers[name] for name in ("Content-Type", "Idempotency-Key") if name in self.headers}
        request = urllib.request.Request(self.server.behind + self.path, body or None, headers, method=self.command)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                self.reply(answer.status, answer.read())
        except urllib.error.HTTPError as refused:
            self.reply(refused.code, refused.read())

    do_GET = do_POST = pass_on

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Pages(BrokerTest):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(prefix="weft-clients-")
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, texts):
        for name, text in texts.items():
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                file.write(text)

    def start(self, *command, **env):
        process = subprocess.Popen(command, cwd=self.folder, env={**os.environ, **env}, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        process.said = b""  # not yet taken by line()
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        try:
            os.killpg(process.pid, signal.SIGKILL)  # a shell has its curls, too
        except ProcessLookupError:
            pass
        process.communicate(timeout=PATIENCE_S)

    def line(self, process):
        """The next one, read by hand: what a file object has in its buffer no selector tells of."""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while b"\n" not in process.said:
                if not selector.select(PATIENCE_S):
                    process.kill()
                    raise AssertionError("it said nothing:\n" + process.stderr.read())
                piece = os.read(process.stdout.fileno(), 65536)
                if not piece:
                    raise AssertionError("it ended:\n" + process.stderr.read())
                process.said += piece
        line, process.said = process.said.split(b"\n", 1)
        return line.decode().split()[:2]

    def serve(self, address=None):
        self.served = self.broker("--lease", "2s", "--renew", "100ms", "--simulate-wait", "8s", zmq=address)
        return self.served.zmq

    def kill_the_broker(self):
        address = self.served.zmq
        self.served.kill()
        self.serve(address)

    def check_payloads(self):
        """Jobs as other clients submit them: JSON as curl sends it, text, and none at all."""
        peer, values = self.peer(self.served), ({"n": 7}, "text", None)
        ids = [fresh_id() for _ in values]
        peer.submit({"job_id": ids[0], "type": "shout", "payload": b'{"n": 7}', "content": pb.CONTENT_JSON},
                    {"job_id": ids[1], "type": "shout", "payload": b"text", "content": pb.CONTENT_TEXT},
                    {"job_id": ids[2], "type": "shout"})
        for job_id, value in zip(ids, values):
            status = self.end_of(peer, job_id)
            self.assertEqual(status.state, pb.STATE_SUCCEEDED, status)
            self.assertEqual(self.result_of(peer, job_id)["took"], value)

    def result_of(self, peer, job_id):
        envelope, block = peer.answer(peer.send(pb.Status(job_id=job_id)))
        self.assertEqual(envelope.status_is.result.content, pb.CONTENT_JSON)
        return json.loads(block)

    def check_dry_runs(self):
        """The worker says what would become of a job, of one that it cannot read, too."""
        peer = self.peer(self.served)
        for payload, told in ((b'{"n":7}', b'{"would_take":{"n":7}}'), (b"\xc1", None)):
            job = pb.SubmitJob(job_id=fresh_id(), type="shout",
                               payload=pb.Part(length=len(payload), content=pb.CONTENT_JSON))
            envelope, block = peer.answer(peer.send(pb.Submit(jobs=[job], dry_run=True), payload))
            forecast = envelope.submitted.forecasts[0]
            self.assertEqual(forecast.simulation, pb.SIMULATION_OK if told else pb.SIMULATION_FAILED)
            self.assertEqual(block if told else bool(forecast.failure.kind), told or True)

    def check(self, client, worker, takes_dry_runs=True):
        """`client` and `worker` give commands for an address."""
        address, keys = self.serve(), [f"key-{n}" for n in range(12)]
        asking = self.start(*client(address), *keys)
        self.assertEqual(self.line(asking), ["stored", "key-0"])
        self.kill_the_broker()
        # The answer to the one on its way may have been lost: it is recognised then.
        for key in keys[1:]:
            said, told = self.line(asking)
            self.assertIn((said, told), [("stored", key), ("replayed", key)])
        working = self.start(*worker(address))
        self.assertEqual(self.line(working), ["ready"])
        self.assertEqual(self.line(asking), ["STATE_SUCCEEDED", "key-0"])
        self.kill_the_broker()
        for key in keys[1:]:
            self.assertEqual(self.line(asking), ["STATE_SUCCEEDED", key])
        # The worker is still there, and knows its broker.
        again = self.start(*client(address), "key-0", "one-more")
        self.assertEqual([self.line(again) for _ in range(4)], [
            ["replayed", "key-0"], ["stored", "one-more"], ["STATE_SUCCEEDED", "key-0"], ["STATE_SUCCEEDED", "one-more"]])
        self.check_payloads()
        if takes_dry_runs:
            self.check_dry_runs()
        # Killed with a job in hand it leaves it to the next one.
        os.killpg(working.pid, signal.SIGKILL)
        last = self.start(*client(address), "the-last")
        self.assertEqual(self.line(last), ["stored", "the-last"])
        self.start(*worker(address))
        self.assertEqual(self.line(last), ["STATE_SUCCEEDED", "the-last"])

    def write_python(self):
        self.write(blocks("python.md", "python"))
        subprocess.run(["protoc", f"--proto_path={ROOT}/proto", f"--python_out={self.folder}", "weft.proto"], check=True)

    def write_node(self):
        if not os.path.isdir(os.path.join(NODE_MODULES, "zeromq")):
            raise AssertionError("tests/contract/node_modules lacks zeromq: run 'make deps'")
        self.write(blocks("node.md", "js"))
        os.symlink(NODE_MODULES, os.path.join(self.folder, "node_modules"))
        shutil.copy(os.path.join(ROOT, "proto", "weft.proto"), self.folder)

    def test_python(self):
        self.write_python()
        self.check(lambda address: [sys.executable, "client.py", address],
                   lambda address: [sys.executable, "many.py", address])

    def test_python_in_about_thirty_lines(self):
        self.write_python()
        with open(os.path.join(self.folder, "worker.py"), encoding="utf-8") as file:
            self.assertLessEqual(sum(bool(line.strip()) for line in file), 35)
        self.check(lambda address: [sys.executable, "client.py", address],
                   lambda address: [sys.executable, "worker.py", address], False)
        self.check_failures()

    def check_keys(self, client, worker):
        """A worker comes back when its key, that was revoked, is allowed again."""
        keys = Keys(os.path.join(self.data, "certs"))
        work, ask = keys.new("work", "work"), keys.new("ask", "submit,read")
        served = self.broker("--keys", keys.dir, "--renew", "100ms")

        def env_of(key):
            return {"WEFT_CURVE_KEY": key.path, "WEFT_CURVE_SERVER": keys.server_file}
        working = self.start(*worker, served.zmq, **env_of(work))
        self.assertEqual(self.line(working), ["ready"])
        keys.revoke("work")
        served.wait_for_metric("weft_workers", 0)
        keys.allow("work", work.public.decode(), "work")
        self.assertEqual(self.line(working), ["ready"])
        asking = self.start(*client, served.zmq, "key-0", **env_of(ask))
        self.assertEqual([self.line(asking) for _ in range(2)], [["stored", "key-0"], ["STATE_SUCCEEDED", "key-0"]])

    def test_keys_python(self):
        self.write_python()
        self.check_keys([sys.executable, "client.py"], [sys.executable, "worker.py"])

    def test_keys_node(self):
        self.write_node()
        self.check_keys(["node", "client.mjs"], ["node", "worker.mjs"])

    def check_failures(self):
        """A job longer than its lease stays in hand; what the handler raises is an error of the job."""
        self.change("worker.py", "long.py", ('    return {"took": payload}', "    time.sleep(payload)"),
                    ("import concurrent.futures, sys", "import concurrent.futures, sys, time"), ('"shout"', '"long"'))
        self.start(sys.executable, "long.py", self.served.zmq)
        peer, ids = self.peer(self.served), [fresh_id(), fresh_id()]
        peer.submit({"job_id": ids[0], "type": "long", "payload": msgpack.packb(5), "content": pb.CONTENT_MSGPACK},  # the lease is 2 s
                    {"job_id": ids[1], "type": "long", "payload": msgpack.packb("x"), "content": pb.CONTENT_MSGPACK,
                     "max_attempts": 1})
        long, bad = (self.end_of(peer, job_id) for job_id in ids)
        self.assertEqual((long.state, long.attempt, long.crashes), (pb.STATE_SUCCEEDED, 1, 0), long)
        self.assertEqual((bad.state, bad.failure.kind), (pb.STATE_DEAD, "TypeError"), bad)

    def change(self, name, into, *changes):
        """A program of the page, with other work in it."""
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            text = file.read()
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.write({into: text})

    def check_first_jobs(self, page, *changes):
        """What the page lets a newcomer type, but for what comes from elsewhere, at another address."""
        text = blocks(page, "sh")["first-jobs"]
        for old, new in (("tcp://127.0.0.1:7400", self.serve()), *changes):
            self.assertIn(old, text)
            text = text.replace(old, new)
        path = os.path.dirname(os.environ["WEFT_BIN"]) + os.pathsep + os.environ["PATH"]
        doing = self.start("bash", "-euc", text + "wait $!\n", PATH=path, WEFT_BROKER=self.served.zmq)
        said, complaints = doing.communicate(timeout=2 * PATIENCE_S)
        self.assertEqual(doing.returncode, 0, complaints)
        lines = [line for line in said.splitlines() if line != "ready"]
        self.assertEqual(json.loads(lines[0]), {"took": {"n": 7}, "attempt": 1})
        self.assertEqual([line.split()[:2] for line in lines[1:]],
                         [["stored", "order-1001"], ["STATE_SUCCEEDED", "order-1001"]])

    def test_first_jobs_python(self):
        self.write(blocks("python.md", "python"))
        self.check_first_jobs("python.md", ("$(pkg-config --variable=protodir weft)", f"{ROOT}/proto"))

    def test_first_jobs_node(self):
        self.write_node()
        self.check_first_jobs("node.md", ("npm install zeromq@6 protobufjs\n", ""),
                              ("$(pkg-config --variable=protodir weft)", f"{ROOT}/proto"))

    def check_manners(self, command, kinds):
        """A handler that is too wordy, that is cancelled, that is late, and a worker that leaves. The work of `command`
        prints "begun" and waits until it is told to stop, but for payloads that say otherwise."""
        working = self.start(*command, self.serve())
        self.assertEqual(self.line(working), ["ready"])
        peer = self.peer(self.served)

        def submit(text, **fields):
            job_id = fresh_id()
            peer.submit({"job_id": job_id, "type": "shout", "payload": text, "content": pb.CONTENT_TEXT, **fields})
            return job_id

        def until(job_id, claim):
            status, end = pb.StatusIs(), time.monotonic() + PATIENCE_S
            while not claim(status) and time.monotonic() < end:
                status = peer.status(job_id, wait_ms=1000, version=status.version)
            self.assertTrue(claim(status), status)
            return status

        for what, kind in kinds.items():
            status = self.end_of(peer, submit(what.encode(), max_attempts=1))
            self.assertEqual((status.state, status.failure.kind), (pb.STATE_DEAD, kind), status)
            self.assertTrue(what != "odd" or status.failure.message == "é" * 512, status)
        job = submit(b"wait")
        self.assertEqual(self.line(working), ["begun"])
        peer.ask(pb.Act(kind=pb.ACT_CANCEL, job_id=job, act_id=fresh_id()))
        status = self.end_of(peer, job)
        self.assertEqual((status.state, status.cancel), (pb.STATE_CANCELLED, pb.CANCEL_ACKNOWLEDGED))
        status = self.end_of(peer, submit(b"wait", timeout_ms=300, max_attempts=1))
        self.assertEqual((status.state, status.failure.kind), (pb.STATE_DEAD, "timeout"))
        self.assertEqual(self.line(working), ["begun"])
        job = submit(b"wait")
        self.assertEqual(self.line(working), ["begun"])
        os.kill(working.pid, signal.SIGTERM)
        status = until(job, lambda status: status.interruptions == 1)
        self.assertEqual((status.state, status.errors, status.crashes), (pb.STATE_QUEUED, 0, 0))
        self.assertEqual(working.wait(PATIENCE_S), 0)
        self.served.wait_for_metric("weft_workers", 0)

    def test_manners_python(self):
        self.write_python()
        self.change("many.py", "patient.py", ("GRACE = 25 ", "GRACE = 0.1 "), (
            '    return {"took": payload, "attempt": job.attempt}',
            '    if payload == "large": return "x" * (1 << 20)\n    if payload == "odd": raise ValueError("é" * 2000)\n'
            '    if payload == "exit": sys.exit("out")\n    if payload == "object": return object()\n'
            '    print("begun", flush=True)\n    stop.wait()\n    raise Stopped()'))
        self.check_manners([sys.executable, "patient.py"],
                           {"large": "ValueError", "odd": "ValueError", "exit": "SystemExit", "object": "TypeError"})

    def test_manners_node(self):
        self.write_node()
        self.change("worker.mjs", "patient.mjs", ("GRACE = 25000", "GRACE = 100"), (
            "  return { took: payload, attempt: job.attempt };",
            '  if (payload === "large") return "x".repeat(1 << 20);\n'
            '  if (payload === "odd") throw new Error("é".repeat(2000));\n  if (payload === "exit") throw undefined;\n'
            '  console.log("begun");\n  for (;;) { stop.throwIfAborted(); await new Promise((go) => setTimeout(go, 10)); }'))
        self.check_manners(["node", "patient.mjs"], {"large": "RangeError", "odd": "Error", "exit": "Error"})

    def end_of(self, peer, job_id):
        status, end = pb.StatusIs(), time.monotonic() + PATIENCE_S
        while status.state < pb.STATE_SUCCEEDED and time.monotonic() < end:
            status = peer.status(job_id, wait_ms=1000, version=status.version)
        return status

    def test_node(self):
        self.write_node()
        self.check(lambda address: ["node", "client.mjs", address], lambda address: ["node", "worker.mjs", address])

    def check_silence(self, client):
        """A broker that lets everybody in and says nothing: after 15 s the peer connects anew."""
        with zmq.Context.instance().socket(zmq.ROUTER) as silent:
            silent.linger = 0
            address = f"tcp://127.0.0.1:{silent.bind_to_random_port('tcp://127.0.0.1')}"
            asking, routes, end = self.start(*client(address), "key"), set(), time.monotonic() + PATIENCE_S
            while len(routes) < 2:
                if not silent.poll(1000 * max(0, end - time.monotonic())):
                    asking.kill()
                    self.fail(f"it never connects anew, after {len(routes)}: {asking.communicate(timeout=PATIENCE_S)}")
                routes.add(silent.recv_multipart()[0])
            self.assertIsNone(asking.poll())

    def test_silence_python(self):
        self.write_python()
        self.check_silence(lambda address: [sys.executable, "client.py", address])

    def test_silence_node(self):
        self.write_node()
        self.check_silence(lambda address: ["node", "client.mjs", address])

    def test_curl(self):
        found = blocks("curl.md", "sh")
        dev = self.start(os.environ["WEFT_BIN"], "dev", "--data", os.path.join(self.data, "dev"), "--http", "127.0.0.1:0",
                         "--zmq", f"tcp://127.0.0.1:{held_port()}", "--pub", f"tcp://127.0.0.1:{held_port()}",
                         "--metrics", f"127.0.0.1:{held_port()}")
        with selectors.DefaultSelector() as selector:
            selector.register(dev.stdout, selectors.EVENT_READ)
            line = dev.stdout.readline() if selector.select(PATIENCE_S) else "nothing"
        url = re.search(r"http=(http://\S+)", line).group(1)
        front = self.front(url)
        shell = ["bash", "-uo", "pipefail", "-c"]
        asking = self.start(*shell, found["client"], "client", "order-1001", WEFT_URL=front)
        self.until_stored(url)
        os.kill(self.broker_of(dev.pid), signal.SIGKILL)
        self.start(*shell, found["worker"], WEFT_URL=front)
        self.assertEqual(self.line(asking), ["succeeded", "HELLO"])
        again = self.start(*shell, found["client"], "client", "order-1001", WEFT_URL=front)
        self.assertEqual(self.line(again), ["succeeded", "HELLO"])

    def front(self, url):
        front = ThreadingHTTPServer(("127.0.0.1", 0), Moody)
        front.behind, front.refused = url, set()
        threading.Thread(target=front.serve_forever, daemon=True).start()
        self.addCleanup(front.server_close)
        self.addCleanup(front.shutdown)
        return f"http://127.0.0.1:{front.server_port}"

    def broker_of(self, pid):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
            children = file.read().split()
        for child in children:
            with open(f"/proc/{child}/cmdline", encoding="utf-8") as file:
                if file.read().split("\0")[1] == "broker":
                    return int(child)
        raise AssertionError(f"no broker among {children}")

    def until_stored(self, url):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            said = subprocess.run(["curl", "-sS", f"{url}/v1/jobs"], capture_output=True, text=True)
            if said.returncode == 0 and json.loads(said.stdout).get("jobs"):
                return
        raise AssertionError("no job came")


if __name__ == "__main__":
    main_beside(3)
