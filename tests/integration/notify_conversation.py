"""The sender of webhooks between a broker and receivers that are both played by this test: what it sends, what
it tells, whom it does not hold up, how it leaves."""

import json
import os
import subprocess
import tempfile
import threading
import unittest
import urllib.error
import uuid

import hook_signatures
import lib_receiver as r
from lib_broker import ERR, PATIENCE_S, fresh_id, pb
from lib_clock import Clock
from lib_gateway import wait_for
from lib_notify import Key, NotifyBroker, Sender, signature

ANSWER_BYTES_MAX = 64 * 1024  # NOTIFIER_ANSWER_BYTES_MAX


def answers_with(length):
    return lambda receiver, connection, request: connection.sendall(r.answer(200, bytes(length)))


class NotifyTest(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.key = Key(f"{self.folder}/webhook.key")
        self.broker = NotifyBroker(self.key)
        self.addCleanup(self.broker.close)
        self.sender = None

    def receiver(self, behave=None):
        receiver = r.Receiver(behave)
        self.addCleanup(receiver.close)
        return receiver

    def start(self, *receivers, flags=(), env=None):
        ports = [word for receiver in receivers for word in ("--allow-port", str(receiver.port))]
        self.sender = Sender(self.broker.endpoint, self.folder, self.key, *ports, *flags, env=env)
        self.addCleanup(self.sender.close)
        self.broker.until("READY", lambda: self.broker.slots)
        self.sender.wait_ready()
        return self.sender

    def told(self, job, outcome, kind=None):
        finish = self.broker.finish_of(job)
        self.assertEqual((pb.Outcome.Name(finish.outcome), finish.error_kind or None),
                         (pb.Outcome.Name(outcome), kind), finish)
        return finish

    def figure(self, name):
        return float(next(line for line in self.sender.get().splitlines() if line.startswith(name + " ")).split()[1])

    # --- what is sent ---

    def test_a_delivery_is_the_jobs_status_signed(self):
        receiver = self.receiver()
        self.start(receiver)
        self.assertEqual(self.broker.role, pb.ROLE_NOTIFIER)
        ready = next(body for kind, body, _ in self.broker.heard if kind == "ready")
        self.assertEqual((list(ready.types), list(ready.queues)), (["webhook"], ["weft.webhooks"]))
        parent = self.broker.parent()
        job = self.broker.deliver(receiver.url("/hook?x=1"), parent=parent,
                                  headers="X-Team: billing, 7\nAuthorization: Bearer abc")
        self.told(job, pb.OUTCOME_SUCCEEDED)
        (first, headers, body), = receiver.requests
        self.assertEqual(first, "POST /hook?x=1 HTTP/1.1")
        message = json.loads(body)
        self.assertEqual((message["type"], message["timestamp"]), ("job.succeeded", "2025-12-01T08:00:01.000Z"))
        self.assertEqual(message["data"]["job_id"], str(uuid.UUID(bytes=parent)))
        self.assertEqual((message["data"]["status"], message["data"]["result"]), ("succeeded", {"n": 7}))
        self.assertEqual(message["traceparent"], job.traceparent)
        self.assertEqual(headers["traceparent"], job.traceparent)
        self.assertEqual(headers["webhook-id"], str(uuid.UUID(bytes=job.job_id)))
        self.assertEqual((headers["x-team"], headers["authorization"]), ("billing, 7", "Bearer abc"))
        self.assertEqual(headers["webhook-signature"], signature(self.broker.secret, headers, body))
        verdict, = hook_signatures.judge([(self.broker.secret, {name: headers[name] for name in (
            "webhook-id", "webhook-timestamp", "webhook-signature")}, body.decode())])
        self.assertEqual(verdict, "ok")

    def test_both_secrets_sign_while_one_is_replaced(self):
        receiver = self.receiver()
        self.start(receiver)
        before = os.urandom(32)
        job = self.broker.deliver(receiver.url(), secret_before=self.key.seal(before))
        self.told(job, pb.OUTCOME_SUCCEEDED)
        (_, headers, body), = receiver.requests
        self.assertEqual(headers["webhook-signature"].split(),
                         [signature(secret, headers, body) for secret in (self.broker.secret, before)])

    def test_the_id_is_the_same_at_every_attempt(self):
        receiver = self.receiver(r.status(500))
        self.start(receiver)
        job = self.broker.deliver(receiver.url())
        self.told(job, pb.OUTCOME_FAILED, "http_5xx")
        job.token, job.attempt = 99, 2
        self.broker.held[(job.job_id, job.token)] = job
        self.broker.send(pb.Jobs(jobs=[job]))
        self.told(job, pb.OUTCOME_FAILED, "http_5xx")
        self.assertEqual(len({headers["webhook-id"] for _, headers, _ in receiver.requests}), 1)

    def test_a_batch_and_a_test_have_their_own_bodies(self):
        receiver = self.receiver()
        self.start(receiver)
        batch = fresh_id()
        self.broker.parents["acme", batch] = (pb.BatchStatusIs(batch_id=batch, version=3, finished_at_ms=5), b"")
        job = self.broker.deliver(receiver.url(), event="batch.finished", parent=batch)
        self.told(job, pb.OUTCOME_SUCCEEDED)
        test = self.broker.deliver(receiver.url(), event="webhook.test", parent=b"")
        self.told(test, pb.OUTCOME_SUCCEEDED)
        bodies = [json.loads(body) for _, _, body in receiver.requests]
        self.assertEqual(bodies[0]["data"]["batch_id"], str(uuid.UUID(bytes=batch)))
        self.assertEqual((bodies[1]["type"], bodies[1]["data"]), ("webhook.test", {}))
        self.assertEqual(self.broker.asked, 1)

    # --- what is told ---

    def test_each_end_has_its_word_and_its_pause(self):
        cases = [(r.status(500), "http_5xx", 5000, 5500), (r.status(302, Location="http://127.0.0.1/"), "http_3xx", 5000, 5500),
                 (r.status(404), "http_4xx", 5000, 5500), (r.status(503, Retry_After="60"), "http_503", 60000, 60000),
                 (r.status(429, Retry_After="9999999"), "http_429", 86400000, 86400000), (r.reset, "broken", 5000, 5500),
                 (r.says(b"no http\r\n\r\n"), "broken", 5000, 5500), (r.slow, "timeout", 5000, 5500)]
        receivers = [self.receiver(behave) for behave, _, _, _ in cases]
        self.start(*receivers, flags=("--attempt-timeout", "6s"))
        jobs = [self.broker.deliver(receiver.url(), endpoint=f"e{n}") for n, receiver in enumerate(receivers)]
        for job, (_, kind, least, most) in zip(jobs, cases):
            finish = self.told(job, pb.OUTCOME_FAILED, kind)
            self.assertTrue(least <= finish.retry_after_ms <= most, (kind, finish.retry_after_ms))
            self.assertTrue(finish.error_message, kind)

    def test_progress_is_given_up_after_five_and_not_told_after_the_end(self):
        receiver = self.receiver(r.status(500))
        self.start(receiver)
        running, ended = self.broker.parent("running", result=b""), self.broker.parent("succeeded")
        least = [1000 * s for s in (5, 15, 30, 60)]
        for attempt, pause in enumerate(least, 1):
            job = self.broker.deliver(receiver.url(f"/{attempt}"), event="job.progress", parent=running, attempt=attempt,
                                      endpoint=f"e{attempt}")
            told = self.told(job, pb.OUTCOME_FAILED, "http_5xx").retry_after_ms
            self.assertTrue(pause <= told <= pause * 1.1, (pause, told))
        last = self.broker.deliver(receiver.url("/last"), event="job.progress", parent=running, attempt=5, endpoint="e5")
        self.told(last, pb.OUTCOME_DEAD, "http_5xx")
        self.assertEqual(json.loads(receiver.requests[-1][2])["type"], "job.progress")
        sent = len(receiver.requests)
        late = self.broker.deliver(receiver.url("/late"), event="job.progress", parent=ended, endpoint="e6")
        self.told(late, pb.OUTCOME_INTERRUPTED, "interrupted")
        self.assertEqual(len(receiver.requests), sent)

    def test_the_tenth_failure_is_the_last(self):
        receiver = self.receiver(r.status(500))
        self.start(receiver)
        ninth = self.broker.deliver(receiver.url(), attempt=9)
        tenth = self.broker.deliver(receiver.url(), attempt=10)
        self.assertGreaterEqual(self.told(ninth, pb.OUTCOME_FAILED, "http_5xx").retry_after_ms, 24 * 3600 * 1000)
        self.told(tenth, pb.OUTCOME_DEAD, "http_5xx")

    def test_the_whole_schedule_is_75_hours_and_ends_dead(self):
        receiver = self.receiver(r.status(404))  # of which no breaker opens
        self.start(receiver)
        job = self.broker.deliver(receiver.url())
        pauses = []
        while True:
            finish = self.broker.finish_of(job)
            if finish.outcome == pb.OUTCOME_DEAD:
                break
            pauses.append(finish.retry_after_ms)
            job.token, job.attempt = job.token + 1000, job.attempt + 1  # the broker's clock has gone on
            self.broker.held[job.job_id, job.token] = job
            self.broker.send(pb.Jobs(jobs=[job]))
        least = [1000 * s for s in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)]
        self.assertEqual(len(pauses), len(least))
        for pause, printed in zip(pauses, least):
            self.assertTrue(printed <= pause <= printed * 1.1, (pause, printed))
        self.assertEqual((len(receiver.requests), len({headers["webhook-id"] for _, headers, _ in receiver.requests})),
                         (10, 1))

    def test_gone_disables_the_endpoint_first(self):
        receiver = self.receiver(r.status(410))
        self.start(receiver)
        own = self.broker.deliver(receiver.url(), is_own=True)
        self.told(own, pb.OUTCOME_DEAD, "http_410")
        self.assertEqual(self.broker.disabled, [])
        job = self.broker.deliver(receiver.url(), tenant="beta")
        self.told(job, pb.OUTCOME_DEAD, "http_410")
        self.assertEqual(self.broker.disabled, [("beta", "books", 1)])
        self.broker.disable_error = ERR["ERR_SCOPE"]
        said = self.told(self.broker.deliver(receiver.url()), pb.OUTCOME_DEAD, "http_410")
        self.assertIn("could not be disabled", said.error_message)

    def test_gone_says_nothing_of_the_url_that_the_endpoint_has_by_now(self):
        gone, good = self.receiver(r.status(410)), self.receiver()
        self.start(gone, good)
        self.broker.moved.add(gone.url("/former"))
        job = self.broker.deliver(gone.url("/former"), attempt=10)
        told = self.told(job, pb.OUTCOME_SNOOZED, "http_410")
        self.assertIn("no longer has", told.error_message)
        self.assertLessEqual(told.retry_after_ms, 1000)
        job.token, job.intent.url = job.token + 1000, good.url("/next")
        self.broker.held[job.job_id, job.token] = job
        self.broker.send(pb.Jobs(jobs=[job]))
        self.told(job, pb.OUTCOME_SUCCEEDED)
        self.told(self.broker.deliver(gone.url("/still")), pb.OUTCOME_DEAD, "http_410")

    def test_what_cannot_be_sent_is_dead_and_says_why(self):
        receiver = self.receiver()
        self.start(receiver)
        fault = self.broker.deliver("", fault="the endpoint is disabled")
        self.assertEqual(self.told(fault, pb.OUTCOME_DEAD, "endpoint").error_message, "the endpoint is disabled")
        port = self.broker.deliver("http://127.0.0.1:9/")
        self.told(port, pb.OUTCOME_DEAD, "bad_url")
        address = self.broker.deliver(f"http://10.0.0.1:{receiver.port}/")
        self.assertEqual(self.told(address, pb.OUTCOME_DEAD, "bad_url").error_message,
                         "the address is not public; --allow-address (WEFT_ALLOW_ADDRESS) of weft notify permits its range")
        headers = self.broker.deliver(receiver.url(), headers="Webhook-Id: mine")
        self.told(headers, pb.OUTCOME_DEAD, "headers")
        orphan = self.broker.deliver(receiver.url(), parent=fresh_id())
        self.told(orphan, pb.OUTCOME_DEAD, "parent")
        stranger = self.broker.deliver(receiver.url(), parent=self.broker.parent(tenant="beta"), tenant="acme")
        self.told(stranger, pb.OUTCOME_DEAD, "parent")
        self.assertEqual(receiver.connections, 0)

    def test_nothing_leaves_unsigned(self):
        receiver = self.receiver()
        self.start(receiver)
        none = self.broker.deliver(receiver.url(), secret=b"")
        foreign = self.broker.deliver(receiver.url(), secret=Key(f"{self.folder}/other.key").seal(b"x" * 32))
        for job in (none, foreign):
            self.told(job, pb.OUTCOME_FAILED, "no_secret")
        self.assertEqual(receiver.connections, 0)

    def test_a_former_secret_whose_key_was_lost_hinders_nothing(self):
        receiver = self.receiver()
        self.start(receiver)
        lost = Key(f"{self.folder}/lost.key").seal(b"x" * 32)
        self.told(self.broker.deliver(receiver.url(), secret_before=lost), pb.OUTCOME_SUCCEEDED)
        (_, headers, body), = receiver.requests
        self.assertEqual(headers["webhook-signature"], signature(self.broker.secret, headers, body))

    # --- receivers that are ill ---

    def test_an_ill_receiver_is_left_alone_and_costs_no_attempt(self):
        receiver = self.receiver(r.status(500))
        good = self.receiver()
        self.start(receiver, good)
        for _ in range(5):
            self.told(self.broker.deliver(receiver.url()), pb.OUTCOME_FAILED, "http_5xx")
        later = [self.broker.deliver(receiver.url(), at_ms=1764576002000 + n) for n in range(3)]
        finishes = [self.told(job, pb.OUTCOME_SNOOZED, "receiver") for job in later]
        for finish in finishes:
            self.assertTrue(1000 < finish.retry_after_ms <= 15020, finish)
        self.assertEqual(len(receiver.requests), 5)
        self.told(self.broker.deliver(good.url()), pb.OUTCOME_SUCCEEDED)
        page = self.sender.get()
        for line in ('weft_notify_attempts_total{end="http_5xx"} 5', 'weft_notify_attempts_total{end="snoozed"} 3',
                     'weft_notify_attempts_total{end="delivered"} 1', "weft_notify_receivers_ill 1"):
            self.assertIn(line, page)
        self.assertEqual(self.sender.get("/readyz"), "ready\n")
        checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_what_a_url_has_earned_is_not_held_against_the_next(self):
        receiver = self.receiver(lambda self, connection, request: connection.sendall(
            r.answer(500 if "/ill" in request[0] else 200)))
        self.start(receiver)
        for _ in range(5):
            self.told(self.broker.deliver(receiver.url("/ill")), pb.OUTCOME_FAILED, "http_5xx")
        self.told(self.broker.deliver(receiver.url("/ill")), pb.OUTCOME_SNOOZED, "receiver")
        self.told(self.broker.deliver(receiver.url("/next")), pb.OUTCOME_SUCCEEDED)
        # URLs in jobs are one receiver for each host that one endpoint signs for, whatever is behind it …
        for number in range(5):
            self.told(self.broker.deliver(receiver.url(f"/ill/{number}"), is_own=True), pb.OUTCOME_FAILED, "http_5xx")
        self.told(self.broker.deliver(receiver.url("/next"), is_own=True), pb.OUTCOME_SNOOZED, "receiver")
        # … and however it is spelled.
        for host in ("127.1", "0x7f.0.0.1", "2130706433"):
            self.told(self.broker.deliver(receiver.url("/next", host=host), is_own=True), pb.OUTCOME_SNOOZED, "receiver")

    def test_a_name_is_one_receiver_however_it_is_spelled(self):
        gate = threading.Event()

        def wait_for_gate(receiver, connection, request):
            gate.wait(30)
            connection.sendall(r.answer(200))

        receiver = self.receiver(wait_for_gate)
        self.start(receiver, flags=("--endpoint-concurrency", "1", "--attempt-timeout", "20s"))
        jobs = [self.broker.deliver(receiver.url(host=host)) for host in ("localhost", "LOCALHOST", "LocalHost")]
        self.broker.until("a request", lambda: receiver.requests)
        asked = self.broker.asked
        jobs.append(self.broker.deliver(receiver.url(host="127.0.0.1"), endpoint="other"))
        self.broker.until("the other one's", lambda: self.broker.asked > asked and len(receiver.requests) == 2)
        self.assertEqual((len(receiver.requests), receiver.connections), (2, 2))
        gate.set()
        for job in jobs:
            self.told(job, pb.OUTCOME_SUCCEEDED)

    def test_a_slow_one_holds_up_nobody_else(self):
        slow, good = self.receiver(r.slow), self.receiver()
        self.start(slow, good, flags=("--attempt-timeout", "25s"))
        stuck = [self.broker.deliver(slow.url(), endpoint="slow") for _ in range(40)]
        for _ in range(20):
            self.told(self.broker.deliver(good.url()), pb.OUTCOME_SUCCEEDED)
        self.assertLessEqual(slow.connections, 8, "as many as --endpoint-concurrency")
        self.assertEqual(len([job for job in stuck if (job.job_id, job.token) in self.broker.held]), 40)

    def test_two_slow_ones_hold_up_nobody_else(self):
        slow, good = self.receiver(r.slow), self.receiver()
        self.start(slow, good, flags=("--attempt-timeout", "25s"))
        stuck = [self.broker.deliver(slow.url(), endpoint=f"slow{number % 2}") for number in range(64)]
        back = self.broker.until("a quarter goes back", lambda: [
            job for job in stuck if self.broker.outcomes.get((job.job_id, job.token))][15:])
        for job in back:
            self.told(job, pb.OUTCOME_SNOOZED, "receiver")
        self.told(self.broker.deliver(good.url()), pb.OUTCOME_SUCCEEDED)
        self.assertLessEqual(slow.connections, 16, "both are still at their first")

    def test_one_receiver_has_so_much_and_the_rest_goes_back(self):
        slow = self.receiver(r.slow)
        self.start(slow, flags=("--concurrency", "16", "--endpoint-concurrency", "2", "--attempt-timeout", "25s"))
        jobs = [self.broker.deliver(slow.url()) for _ in range(16)]
        back = self.broker.until("five go back", lambda: [
            job for job in jobs if self.broker.outcomes.get((job.job_id, job.token))][4:])
        self.assertTrue(back)
        for job in jobs:
            for finish, _ in self.broker.outcomes.get((job.job_id, job.token), []):
                self.assertEqual((finish.outcome, finish.error_kind), (pb.OUTCOME_SNOOZED, "receiver"))

    def test_no_second_brings_more_than_three(self):
        self.keep_rate(3, gap_ms=334)

    def test_no_second_brings_more_than_thirty(self):
        self.keep_rate(30, gap_ms=34)

    def keep_rate(self, rate, gap_ms):
        """The sender's clock stands but for what is said here: a gap rounded down and one rounded up are tried."""
        now_ms, starts_ms = 0, []

        def note(receiver, connection, request):
            starts_ms.append(now_ms)
            connection.sendall(r.answer(200))

        limited, free = self.receiver(note), self.receiver()
        clock = Clock(f"{self.folder}/clock", stands=True)
        self.start(limited, free, env=clock.env,
                   flags=("--endpoint-rate", str(rate), "--concurrency", "128", "--endpoint-concurrency", "64"))
        jobs = [self.broker.deliver(limited.url()) for _ in range(2 * rate)]
        for moment in sorted({n * step for n in range(2 * rate) for step in (1000 // rate, gap_ms)}):
            clock.advance((moment - now_ms) / 1000)
            now_ms = moment
            # Another receiver has its own pace: when this has arrived, the sender has seen what time it is.
            self.told(self.broker.deliver(free.url(), endpoint=f"at {moment}"), pb.OUTCOME_SUCCEEDED)
            limited.wait_for(moment // gap_ms + 1)
        for job in jobs:
            self.told(job, pb.OUTCOME_SUCCEEDED)
        for first, beyond in zip(starts_ms, starts_ms[rate:]):
            self.assertGreaterEqual(beyond - first, 1000, starts_ms)

    def test_an_answer_is_read_up_to_its_limit(self):
        """One that has been read whole leaves its connection to the next; either way it is delivered."""
        receivers = {length: self.receiver(answers_with(length))
                     for length in (ANSWER_BYTES_MAX, ANSWER_BYTES_MAX + 1)}
        self.start(*receivers.values())
        for length, connections in zip(receivers, (1, 2)):
            with self.subTest(length=length):
                for _ in range(2):
                    self.told(self.broker.deliver(receivers[length].url()), pb.OUTCOME_SUCCEEDED)
                self.assertEqual(receivers[length].connections, connections)

    def test_bodies_in_memory_are_bounded(self):
        gate = threading.Event()

        def wait_for_gate(receiver, connection, request):
            gate.wait(30)
            connection.sendall(r.answer(200))

        receiver = self.receiver(wait_for_gate)
        self.start(receiver, flags=("--buffered-max", "8MiB", "--endpoint-concurrency", "64"))
        text = b'"' + b"x" * ((1 << 20) - 2) + b'"'
        parents = []
        for _ in range(30):
            parent = self.broker.parent()
            status, _ = self.broker.parents["acme", parent]
            status.result.length = len(text)
            self.broker.parents["acme", parent] = (status, text)
            parents.append(parent)
        jobs = [self.broker.deliver(receiver.url(), parent=parent) for parent in parents]
        self.broker.until("eight bodies", lambda: self.figure("weft_notify_body_bytes") > 8 << 20)
        held = self.figure("weft_notify_body_bytes")
        gate.set()
        for job in jobs:
            self.told(job, pb.OUTCOME_SUCCEEDED)
        self.assertLess(held, 9 << 20)
        self.assertEqual(len(receiver.requests), 30)

    # --- leaving ---

    def readyz(self):
        try:
            return self.sender.get("/readyz")
        except urllib.error.HTTPError as refused:
            return refused.read().decode()

    def test_it_is_ready_while_the_broker_knows_it(self):
        self.start(self.receiver())
        self.broker.until("it is ready", lambda: self.readyz() == "ready\n")
        self.broker.close()
        wait_for("it is noticed", lambda: self.readyz() == "not ready\n")
        self.broker.open()
        self.broker.until("it is ready again", lambda: self.readyz() == "ready\n")

    def test_what_is_under_way_ends_and_the_rest_goes_back(self):
        gate = threading.Event()

        def wait_for_gate(receiver, connection, request):
            gate.wait(30)
            connection.sendall(r.answer(200))

        receiver = self.receiver(wait_for_gate)
        self.start(receiver, flags=("--endpoint-concurrency", "1"))
        first, second = self.broker.deliver(receiver.url()), self.broker.deliver(receiver.url(), at_ms=1764576009000)
        self.broker.until("a request", lambda: receiver.requests)
        self.sender.process.terminate()
        self.told(second, pb.OUTCOME_INTERRUPTED, "interrupted")
        gate.set()
        self.told(first, pb.OUTCOME_SUCCEEDED)
        self.broker.until("BYE", lambda: self.broker.count("bye"))
        self.assertEqual(self.sender.process.wait(30), 0)

    def test_a_drained_sender_takes_no_more(self):
        self.start(self.receiver())
        self.broker.send(pb.Renewed(drain=pb.DRAIN_QUIET))
        self.broker.until("READY without slots", lambda: self.broker.slots == 0)

    def test_a_lost_lease_is_dropped(self):
        slow, good = self.receiver(r.slow), self.receiver()
        self.start(slow, good)
        job = self.broker.deliver(slow.url())
        self.broker.until("a request", lambda: slow.requests)
        self.broker.lost = [pb.Held(job_id=job.job_id, token=job.token)]
        self.told(job, pb.OUTCOME_INTERRUPTED, "interrupted")
        self.told(self.broker.deliver(good.url()), pb.OUTCOME_SUCCEEDED)

    def test_a_variable_allows_several(self):
        receivers = [self.receiver(), self.receiver()]
        self.sender = Sender(self.broker.endpoint, self.folder, self.key, allowed=(), env={
            "WEFT_ALLOW_PORT": ",".join(str(receiver.port) for receiver in receivers),
            "WEFT_ALLOW_ADDRESS": "10.0.0.0/8, 127.0.0.1"})
        self.addCleanup(self.sender.close)
        self.broker.until("READY", lambda: self.broker.slots)
        for receiver in receivers:
            self.told(self.broker.deliver(receiver.url()), pb.OUTCOME_SUCCEEDED)

    def test_settings_are_judged(self):
        many = ",".join(str(port) for port in range(9000, 9016))
        for flags, words in ((("--allow-port", "0"), "--allow-port"), (("--allow-port", "9000,"), "is no port"),
                             (("--allow-port", many), "one too many"), (("--allow-address", "::1,"), "is no range"),
                             (("--allow-address", ",".join(17 * ["::1"])), "one too many"), (("--allow-address", "10.0.0.1/8"), "--allow-address"),
                             (("--allow-port", "x"), "--allow-port"), (("--attempt-timeout", "26s"), "--attempt-timeout"),
                             (("--concurrency", "0"), "--concurrency"), (("--endpoint-rate", "1001"), "--endpoint-rate")):
            done = subprocess.run([os.environ["WEFT_BIN"], "notify", *flags], capture_output=True, text=True, timeout=PATIENCE_S)
            self.assertEqual(done.returncode, 64, done.stderr)
            self.assertIn(words, done.stderr)
        done = subprocess.run([os.environ["WEFT_BIN"], "notify", "--help"], capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 0)
        self.assertIn("--allow-address", done.stdout)


if __name__ == "__main__":
    unittest.main()
