"""`weft worker --http`: jobs posted to a service that answers well, badly, slowly, too much or not at all."""

import base64
import hashlib
import hmac
import json
import os
import re
import signal
import socket
import stat
import subprocess
import threading
import unittest
import uuid

import lib_receiver as r
from lib_broker import PATIENCE_S, ROOT, BrokerTest, fresh_id, pb
from lib_port import held_port
from lib_worker import Worker, WorkerTest, wait_for

MIB = 1 << 20


def secrets_of(path):
    with open(path, encoding="ascii") as file:
        return [base64.b64decode(line.removeprefix("whsec_")) for line in file.read().split()]


def signature(secret, headers, body):
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


def echo(receiver, connection, request):
    connection.sendall(r.answer(200, request[2]))


def word(text):
    """An interim answer with a word for the worker."""
    return f"HTTP/1.1 102 Processing\r\nweft-word: {text}\r\n\r\n".encode()


class Http(WorkerTest):
    def service(self, behave=echo, **options):
        service = r.Receiver(behave, **options)
        self.addCleanup(service.close)
        return service

    def work(self, service, *flags, path="/do?x=1"):
        return self.start(flags=("--http", service.url(path), *flags))

    def outcome_of(self, **fields):
        return self.broker.outcome(self.broker.grant(**fields))

    def test_a_job_is_a_signed_request_and_its_answer_the_result(self):
        service = self.service()
        worker = self.work(service)
        labels, after = pb.Labels(tags=["a", "b"], metadata={"who": "Zoë 😀"}), [fresh_id(), fresh_id()]
        grant = self.broker.grant(b'{"n": 1}', pb.CONTENT_JSON, generation=3, labels=labels, after=after,
                                  traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        job, result = self.broker.outcome(grant)
        self.assertEqual((job.outcome, job.result.content, result), (pb.OUTCOME_SUCCEEDED, pb.CONTENT_JSON, b'{"n": 1}'))
        (line, headers, body), = service.requests
        self.assertEqual((line, body), ("POST /do?x=1 HTTP/1.1", b'{"n": 1}'))
        job_id = headers["weft-job-id"]
        self.assertEqual(job_id.replace("-", ""), grant.job_id.hex())
        expected = {"content-type": "application/json", "user-agent": "weft-worker", "webhook-id": f"{job_id}.3",
                    "weft-job-type": "test", "weft-job-queue": "default", "weft-job-attempt": "1",
                    "weft-job-token": str(grant.token), "weft-job-tags": "a b", "weft-tenant": "default",
                    "weft-job-after": " ".join(str(uuid.UUID(bytes=job_id)) for job_id in after),
                    "weft-job-metadata": r'{"who":"Zo\u00eb \ud83d\ude00"}',
                    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
        self.assertEqual({name: headers.get(name) for name in expected}, expected)
        self.assertGreater(int(headers["weft-job-deadline"]), 1000 * int(headers["webhook-timestamp"]))
        # The secret (SECRET_LEN_MIN to SECRET_LEN_MAX bytes) was made at the first start, and nobody else may read it.
        secret_file = self.path("http-secret")
        self.assertEqual(stat.S_IMODE(os.stat(secret_file).st_mode), 0o600)
        self.assertEqual(headers["webhook-signature"], signature(secrets_of(secret_file)[0], headers, body))
        self.assertEqual(self.stop(worker), 0)

    def test_each_kind_of_payload_says_what_it_is(self):
        service = self.service()
        self.work(service, "-c", "4")
        given = [(b"text", pb.CONTENT_TEXT, "text/plain; charset=utf-8"), (b"\xff\0", pb.CONTENT_BYTES, "application/octet-stream"),
                 (b"", pb.CONTENT_NONE, "application/octet-stream"), (b"\x93\1\2\3", pb.CONTENT_MSGPACK, "application/msgpack")]
        grants = [self.broker.grant(payload, content) for payload, content, _ in given]
        results = [self.broker.outcome(grant)[1] for grant in grants]
        self.assertEqual(results, [payload for payload, _, _ in given])
        by_body = {body: headers["content-type"] for _, headers, body in service.requests}
        self.assertEqual(by_body, {payload: name for payload, _, name in given})

    def test_two_secrets_make_two_signatures(self):
        secrets = [bytes(range(24)), bytes(range(64))]
        path = self.path("secrets")
        with open(path, "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.writelines(f"whsec_{base64.b64encode(secret).decode()}\n" for secret in secrets)
        service = self.service()
        self.work(service, "--http-secret", path)
        self.outcome_of(payload=b"x")
        _, headers, body = service.requests[0]
        self.assertEqual(headers["webhook-signature"], " ".join(signature(s, headers, body) for s in secrets))

    def test_each_answer_has_its_outcome(self):
        service = self.service()
        self.work(service)
        failed, dead, crashed, snoozed = (pb.OUTCOME_FAILED, pb.OUTCOME_DEAD, pb.OUTCOME_CRASHED, pb.OUTCOME_SNOOZED)
        rows = [
            (lambda _, c, q: c.sendall(r.answer(422, b"no row\nx")), dead, "permanent", 0, "HTTP status 422: no row"),
            (r.status(404), failed, "http", 0, "HTTP status 404"),
            (r.status(500, Retry_After="7"), failed, "http", 7000, "HTTP status 500"),
            (r.status(503, Retry_After="2"), snoozed, "busy", 2000, "HTTP status 503"),
            (r.status(429), failed, "busy", 0, "HTTP status 429"),
            (r.status(307, Location=service.url("/else")), failed, "http", 0, "HTTP status 307: redirects"),
            (r.reset, crashed, "broken", 0, ""),
            (r.says(b"HTTP/9 nonsense\r\n\r\n"), crashed, "broken", 0, ""),
            (r.says(b""), crashed, "broken", 0, ""),
            (r.says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), crashed, "broken", 0, ""),
            (r.huge_head, crashed, "broken", 0, ""),
            (r.huge, dead, "result-too-large", 0, "the answer is longer than 1 MiB"),
            (lambda _, c, q: c.sendall(r.answer(200, b"x" * (MIB + 1))), dead, "result-too-large", 0, ""),
            (lambda _, c, q: c.sendall(r.answer(500, b"\xff" * 2 * MIB)), failed, "http", 0, "HTTP status 500: ???"),
        ]
        for behave, outcome, kind, retry_after_ms, message in rows:
            service.behave = behave
            job, _ = self.outcome_of(payload=b"p")
            self.assertEqual((job.outcome, job.error_kind, job.retry_after_ms), (outcome, kind, retry_after_ms), job)
            self.assertTrue(job.error_message.startswith(message), job)
        # What a redirect names was never asked for. One that was kept and then broke without a word may
        # have been closed before: libcurl asks once more, and so it was with one of them.
        self.assertEqual({line for line, _, _ in service.requests}, {"POST /do?x=1 HTTP/1.1"})
        self.assertIn(len(service.requests), (len(rows), len(rows) + 1))
        service.behave = lambda _, c, q: c.sendall(r.answer(200, b"y" * MIB))
        job, result = self.outcome_of(payload=b"z" * MIB)
        self.assertEqual((job.outcome, len(result)), (pb.OUTCOME_SUCCEEDED, MIB))

    def test_a_deadline_a_cancel_and_a_lost_lease_close_the_connection(self):
        gone = threading.Semaphore(0)

        def hang(receiver, connection, request):
            try:
                connection.recv(1)
            finally:
                gone.release()
            return False

        service = self.service(hang)
        worker = self.work(service, "--grace", "100ms")
        late = self.broker.grant(b"late", timeout_ms=3000)
        self.broker.until("the request", lambda: len(service.requests) == 1)
        job, _ = self.broker.outcome(late)
        self.assertEqual((job.outcome, job.error_kind), (pb.OUTCOME_FAILED, "timeout"))
        grant = self.broker.grant(b"cancelled")
        self.broker.until("the request", lambda: len(service.requests) == 2)
        self.broker.cancel(grant)
        self.assertEqual(self.broker.outcome(grant)[0].outcome, pb.OUTCOME_CANCELLED)
        lost = self.broker.grant(b"lost")
        self.broker.until("the request", lambda: len(service.requests) == 3)
        self.broker.lost = [lost.held]
        self.broker.until("its end", lambda: gone._value == 3)
        # Told to leave while one is under way: it is interrupted when the grace is over.
        last = self.broker.grant(b"last")
        self.broker.until("the request", lambda: len(service.requests) == 4)
        self.assertEqual(self.stop(worker), 0)
        self.assertEqual(self.broker.outcome(last)[0].outcome, pb.OUTCOME_INTERRUPTED)
        for _ in range(4):
            self.assertTrue(gone.acquire(timeout=PATIENCE_S))

    def test_all_metadata_and_ids_fit(self):
        service = self.service()
        self.work(service)
        metadata = {f"name-{n:02}": "\1" * 121 for n in range(32)}
        after = [fresh_id() for _ in range(100)]
        self.outcome_of(payload=b"p", labels=pb.Labels(metadata=metadata), after=after)
        (_, headers, _), = service.requests
        self.assertEqual(json.loads(headers["weft-job-metadata"]), metadata)
        self.assertEqual(len(headers["weft-job-after"].split()), 100)

    def test_words_before_the_answer(self):
        told = threading.Event()

        def behave(receiver, connection, request):
            connection.sendall(word("log row 7 is odd") + word("nonsense") + word("extend 120s") + word("progress 40 100 row 40"))
            self.assertTrue(told.wait(PATIENCE_S))
            connection.sendall(word("progress 100 100") + r.answer(200, b"done"))

        service = self.service(behave)
        self.work(service)
        grant = self.broker.grant(b"p", timeout_ms=60_000)
        progress = self.broker.until("progress", lambda: next(
            (list(body.progress) for kind, body, _ in self.broker.heard if kind == "renew" and body.progress), None))
        self.assertEqual((progress[0].done, progress[0].total, progress[0].text), (40, 100, "row 40"))
        self.assertEqual((progress[0].job_id, progress[0].token), (grant.job_id, grant.token))
        self.assertGreater(progress[0].extend_ms, 50000)
        told.set()
        job, result = self.broker.outcome(grant)
        self.assertEqual((job.outcome, result, job.progress_done), (pb.OUTCOME_SUCCEEDED, b"done", 100))
        lines = [line.text for kind, body, _ in self.broker.heard if kind in ("renew", "finish") for line in body.log]
        self.assertEqual(set(lines), {"row 7 is odd"})

    def test_words_may_be_many(self):
        """More than fits into the head of an answer, 16 KiB; libcurl's bound of all heads together is 300 KiB."""
        def behave(receiver, connection, request):
            for n in range(30):
                connection.sendall(b"".join(word(f"progress {100 * n + m} 3000 row of many") for m in range(100)))
            connection.sendall(r.answer(200, b"done"))

        self.work(self.service(behave))
        job, result = self.outcome_of(payload=b"p")
        self.assertEqual((job.outcome, result, job.progress_done), (pb.OUTCOME_SUCCEEDED, b"done", 2999), job)

    def test_who_takes_no_connection_is_away(self):
        """The kernel answers nobody when a backlog is full: after 10 s (CONNECT_MS) the job goes back."""
        with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as waiting:
            waiting.connect(full.getsockname())  # nobody accepts it
            self.start(flags=("--http", f"http://127.0.0.1:{full.getsockname()[1]}/"))
            job, _ = self.outcome_of(payload=b"p")
        self.assertEqual((job.outcome, job.error_kind, job.retry_after_ms), (pb.OUTCOME_SNOOZED, "no-service", 1000), job)
        self.assertIn("timeout", job.error_message.lower())

    def test_a_drip_ends_at_the_deadline(self):
        for behave in (r.drip, r.drip_head, r.endless_interim):
            with self.subTest(behave=behave.__name__):
                service = self.service(behave)
                worker = self.work(service)
                job, _ = self.outcome_of(payload=b"p", timeout_ms=300)
                self.assertIn((job.outcome, job.error_kind),
                              [(pb.OUTCOME_FAILED, "timeout"), (pb.OUTCOME_CRASHED, "broken")])
                self.assertEqual(self.stop(worker), 0)

    def test_concurrency_is_what_c_says(self):
        all_there = threading.Barrier(8)

        def meet(receiver, connection, request):
            all_there.wait(PATIENCE_S)
            connection.sendall(r.answer(204))

        service = self.service(meet)
        self.work(service, "-c", "8")
        grants = [self.broker.grant(b"%d" % i) for i in range(8)]
        outcomes = [self.broker.outcome(grant)[0].outcome for grant in grants]
        self.assertEqual(outcomes, [pb.OUTCOME_SUCCEEDED] * 8)
        # Connections are kept.
        again = [self.broker.grant(b"%d" % i) for i in range(8)]
        for grant in again:
            self.broker.outcome(grant)
        self.assertLessEqual(service.connections, 9)

    def test_a_service_that_is_away_costs_no_attempt(self):
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))  # not listening: refused
            port = held.getsockname()[1]
            worker = self.start(flags=("--http", f"http://127.0.0.1:{port}/", "-c", "2"))
            job, _ = self.outcome_of(payload=b"p")
            self.assertEqual((job.outcome, job.error_kind, job.retry_after_ms),
                             (pb.OUTCOME_SNOOZED, "no-service", 1000), job)
            for pause_ms in (2000, 4000, 8000):
                waiting = self.broker.grant(b"q")  # waits for the pause, then probes in vain
                job, _ = self.broker.outcome(waiting)
                self.assertEqual((job.error_kind, job.retry_after_ms), ("no-service", pause_ms), job)
            last = self.broker.grant(b"r")  # held back while the worker pauses, given back when it leaves
            self.broker.wait_next("renew")
            self.assertEqual(self.stop(worker), 0)
            self.assertEqual(self.broker.outcome(last)[0].outcome, pb.OUTCOME_INTERRUPTED)
        self.assertEqual(worker.stderr().count("worker.no_service"), 1)

    def test_a_service_that_comes_back_is_found(self):
        port = held_port()
        worker = self.start(flags=("--http", f"http://127.0.0.1:{port}/"))
        self.outcome_of(payload=b"p")
        self.service(port=port)
        job, _ = self.outcome_of(payload=b"q")
        self.assertEqual(job.outcome, pb.OUTCOME_SUCCEEDED)
        wait_for("the word of the log", lambda: "worker.service_back" in worker.stderr())

    def test_wrong_settings_say_what_is_right(self):
        secret = self.path("open")
        with open(secret, "w", encoding="ascii") as file:
            file.write("whsec_" + base64.b64encode(bytes(32)).decode())
        os.chmod(secret, 0o644)
        short = self.path("short")
        with open(short, "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write("whsec_AAAA\n")
        url = ("--http", "http://127.0.0.1:1/")
        rows = [
            (("--http", "ftp://x/"), 64, "it begins neither with https:// nor with http://"),
            (("--http", "http://me:pw@x/"), 64, "no user name or password"),
            ((*url, "--lines"), 64, "--lines is about programs"),
            ((*url, "--limit-cpu", "1s"), 64, "--limit-cpu is about programs"),
            ((*url, "--simulate", "1"), 64, "--simulate is for programs"),
            ((*url, "--", "cat"), 64, "a program or --http, not both"),
            (("--ca-file", "x", "--", "cat"), 64, "are for --http URL"),
            ((), 64, "or --http URL"),
            ((*url, "--http-secret", secret), 1, "chmod 600"),
            ((*url, "--http-secret", short), 1, "24 to 64 bytes"),
            ((*url, "--http-secret", self.path("none")), 1, "none"),
        ]
        for flags, code, words in rows:
            with self.subTest(flags=flags):
                said = subprocess.run([os.environ["WEFT_BIN"], "worker", "test", "--data", self.path("x"), *flags],
                                      capture_output=True, text=True, timeout=PATIENCE_S)
                self.assertEqual(said.returncode, code, said.stderr)
                self.assertIn(words, said.stderr)


class Real(BrokerTest):
    """With a broker: worker and broker are killed, and each job is done."""

    def test_the_service_of_the_page_runs_as_it_stands_there(self):
        with open(os.path.join(ROOT, "docs", "worker.md"), encoding="utf-8") as file:
            section = file.read().split("## --http", 1)[1]
        program, commands = (re.search(rf"^```{kind}\n(.*?)^```", section, re.M | re.S).group(1) for kind in ("python", "sh"))
        with open(os.path.join(self.data, "service.py"), "w", encoding="utf-8") as file:
            file.write(program)
        port = held_port()
        env = {**os.environ, "WEFT_BROKER": self.broker().zmq,
               "PATH": f"{os.path.dirname(os.environ['WEFT_BIN'])}:{os.environ['PATH']}"}
        shell = subprocess.Popen(["sh", "-c", commands.replace("8080", str(port))], cwd=self.data, env=env, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            self.assertIn("HELLO\n", iter(shell.stdout.readline, ""))
        finally:
            os.killpg(shell.pid, signal.SIGKILL)
            shell.communicate()

    def test_kills_lose_nothing(self):
        data = os.path.join(self.data, "worker")
        os.makedirs(data)
        served = self.broker("--lease", "2s", "--renew", "200ms")
        service = r.Receiver(echo)
        self.addCleanup(service.close)
        flags = ["--http", service.url(), "-c", "8"]
        ids = [fresh_id() for _ in range(200)]
        answers = self.peer(served).submit(*[{"job_id": i, "payload": i} for i in ids])
        self.assertEqual({a.error for a in answers}, {0})
        worker = Worker(served.zmq, data, [], flags)
        for hits in (1, 20, 40):  # killed between an answer and its journal
            worker.close()
            worker = Worker(served.zmq, data, [], flags, {"WEFT_FAILPOINT": f"worker.after_answer:{hits}"})
            self.addCleanup(worker.close)
            self.assertNotEqual(worker.wait(), 0)
        worker = Worker(served.zmq, data, [], flags)
        self.addCleanup(worker.close)
        service.wait_for(120, PATIENCE_S)
        served.kill()
        served = self.broker("--lease", "2s", "--renew", "200ms", zmq=served.zmq)
        client = self.peer(served)
        for job_id in ids:
            status, version = None, 0
            while status is None or status.state < pb.STATE_SUCCEEDED:
                status = client.status(job_id, wait_ms=2000, version=version)
                version = status.version
            self.assertEqual((status.state, status.errors), (pb.STATE_SUCCEEDED, 0))
        done = {body for _, _, body in service.requests}
        self.assertEqual(done, set(ids))
        names = {(headers["weft-job-id"], headers["webhook-id"]) for _, headers, _ in service.requests}
        self.assertEqual(len(names), len(ids), "one for each job, whatever is repeated")
        for job_id, name in names:  # the first job of a broker, too
            self.assertRegex(name, rf"^{job_id}\.[1-9][0-9]*$")


if __name__ == "__main__":
    unittest.main()
