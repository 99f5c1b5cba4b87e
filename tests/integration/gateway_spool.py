"""The spool: what is accepted while no broker answers, and brought to it later."""

import json
import os
import re
import subprocess
import time
import uuid

from lib_beside import main_beside
from lib_broker import PATIENCE_S, BrokerTest, pb
from lib_clock import Clock
from lib_gateway import Gateway, PretendedBroker, derived_id, token_verb, wait_for

# Of gateway/shell/spool_forward.h.
SPOOL_WINDOW_JOBS_MAX = 256
SPOOL_WINDOW_BYTES_MAX = 4 << 20
SPOOL_WINDOW_LOOK_MAX = 4096
BOOKS = ("accepted", "forwarded", "waiting", "refused", "damaged", "kept", "deleted")


def books(gateway, **headers):
    answer = gateway.ask("GET", "/v1/spool", **headers)
    assert answer.status == 200, answer
    told = answer.json
    # The law, and the metrics that tell the same.
    assert told["accepted"] == sum(told[name] for name in ("forwarded", "waiting", "refused", "damaged")), told
    assert told["refused"] == told["kept"] + told["deleted"], told
    return {name: told[name] for name in BOOKS if told[name]}


def metrics(gateway):
    text = gateway.ask("GET", "/metrics").body.decode()
    return {name: int(value) for name, value in re.findall(r"^weft_gateway_spool_(\w+) (\d+)$", text, re.M)}


def jobs(gateway, place, **headers):
    answer = gateway.ask("GET", f"/v1/spool/{place}", **headers)
    assert answer.status == 200, answer
    return answer.json["jobs"]


class SpoolTest(BrokerTest):
    """A gateway that has its broker's address, and perhaps no broker."""

    def setUp(self):
        super().setUp()
        self.endpoint = f"ipc://{self.data}/door"
        self.kept = os.path.join(self.data, "gateway")

    def gateway(self, *flags, broker=None, **options):
        options.setdefault("data", self.kept)
        gateway = Gateway(broker or self.endpoint, *flags, **options)
        self.addCleanup(self.end, gateway)
        return gateway

    @staticmethod
    def end(gateway):
        if gateway.process.poll() is None:
            gateway.close()
        else:
            gateway.drop()

    def real(self, *flags):
        return self.broker(*flags, zmq=self.endpoint)

    def pretended(self):
        broker = PretendedBroker(self.endpoint)
        self.addCleanup(broker.close)
        return broker

    def forwarded(self, gateway, **left):
        """Waits until nothing waits any more."""
        wait_for("the spool is empty", lambda: "waiting" not in books(gateway))
        self.assertEqual(metrics(gateway)["unaccounted"], 0)
        self.assertEqual(books(gateway), left)

    def spool(self, gateway, job, **headers):
        answer = gateway.submit(job, **headers)
        self.assertEqual((answer.status, answer.json.get("durability")), (202, "spooled"), answer)
        self.assertEqual(answer.headers["Location"], answer.json["status_url"])
        return answer.json


class Single(SpoolTest):
    def test_a_job_is_taken_shown_and_brought_to_the_broker(self):
        gateway = self.gateway()
        said = self.spool(gateway, {"type": "a.b", "queue": "mail", "payload": {"n": 1}, "tags": ["x"]})
        self.assertEqual((said["status"], said["type"], said["queue"]), ("spooled", "a.b", "mail"))
        shown = gateway.ask("GET", said["status_url"])
        self.assertEqual((shown.status, shown.json), (200, said))
        self.assertIn("Retry-After", shown.headers)
        self.assertEqual(gateway.ask("GET", f"/v1/jobs/{uuid.uuid4()}").status, 503)
        self.assertEqual(gateway.ask("GET", "/readyz").body, b"spooling\n")
        self.assertEqual(jobs(gateway, "waiting"), [said])
        self.assertEqual(jobs(gateway, "refused"), [])
        # Nothing of it is only in memory.
        gateway.process.kill()
        gateway.process.wait(PATIENCE_S)
        gateway = self.gateway()
        self.assertEqual(jobs(gateway, "waiting"), [said])
        served = self.real()
        self.forwarded(gateway, accepted=1, forwarded=1)
        status = gateway.ask("GET", said["status_url"]).json
        self.assertEqual((status["status"], status["type"], status["queue"], status["tags"]),
                         ("queued", "a.b", "mail", ["x"]))
        worker = self.peer(served, role=pb.ROLE_WORKER, worker_id=uuid.uuid4().bytes)
        worker.serve("a.b")
        (job, payload), = worker.take_jobs(1)
        self.assertEqual((str(uuid.UUID(bytes=job.job_id)), payload), (said["job_id"], b'{"n": 1}'))

    def test_a_key_is_one_job_and_another_body_is_refused(self):
        gateway = self.gateway()
        first = self.spool(gateway, {"type": "a", "payload": 1}, Idempotency_Key="k")
        again = gateway.submit({"type": "a", "payload": 1}, Idempotency_Key="k")
        self.assertEqual((again.status, again.json), (202, first))
        self.assertEqual(again.headers["Idempotency-Replayed"], "true")
        other = gateway.submit({"type": "a", "payload": 2}, Idempotency_Key="k")
        self.assertEqual((other.status, other.json["code"], other.json["holder_id"]), (422, "WEFT-1005", first["job_id"]))
        self.assertEqual(books(gateway), {"accepted": 1, "waiting": 1})
        full, slot = derived_id("default", "k")
        self.assertEqual(uuid.UUID(first["job_id"]).bytes[9:], full[9:])
        self.assertEqual(int(first["job_id"].replace("-", "")[:3], 16), slot)
        self.real()
        self.forwarded(gateway, accepted=1, forwarded=1)
        late = gateway.submit({"type": "a", "payload": 1}, Idempotency_Key="k")
        self.assertEqual((late.json["job_id"], late.json["durability"]), (first["job_id"], "flushed"))
        self.assertEqual(late.headers["Idempotency-Replayed"], "true")

    def test_spooled_at_one_gateway_sent_through_another_then_drained_is_one_job(self):
        served = self.broker()
        away, there = self.gateway(), self.gateway(broker=served.zmq, data=os.path.join(self.data, "b"))
        there.wait_ready()
        spooled = self.spool(away, {"type": "a", "payload": 7}, Idempotency_Key="once")
        sent = there.submit({"type": "a", "payload": 7}, Idempotency_Key="once")
        self.assertEqual((sent.status, sent.json["durability"]), (202, "flushed"))
        self.assertEqual(sent.json["job_id"], spooled["job_id"])
        self.spool(away, {"type": "a", "payload": 8})
        away.close()
        drained = self.drain(served.zmq)
        self.assertEqual((drained.returncode, drained.stdout),
                         (0, "drained forwarded=2 refused=0 waiting=0 kept=0\n"), drained.stderr)
        listed = there.ask("GET", "/v1/jobs").json["jobs"]
        self.assertEqual(sum(job["job_id"] == sent.json["job_id"] for job in listed), 1)
        self.assertEqual(len(listed), 2)
        served.wait_for_metric("weft_submitted_total", 2)

    def drain(self, broker):
        return subprocess.run([os.environ["WEFT_BIN"], "gateway", "--drain", "--broker", broker, "--data", self.kept],
                              check=False, capture_output=True, text=True, timeout=PATIENCE_S)

    def test_a_drain_tells_what_it_cannot_bring_away(self):
        served = self.broker()
        away, there = self.gateway(), self.gateway(broker=served.zmq, data=os.path.join(self.data, "b"))
        there.wait_ready()
        self.spool(away, {"type": "a", "payload": 7}, Idempotency_Key="once")
        there.submit({"type": "a", "payload": "other"}, Idempotency_Key="once")
        away.close()
        drained = self.drain(served.zmq)
        self.assertEqual((drained.returncode, drained.stdout),
                         (1, "drained forwarded=0 refused=1 waiting=0 kept=1\n"), drained.stderr)

    def test_what_cannot_be_read_any_more_is_a_refusal_and_a_drain_ends(self):
        served = self.broker()
        away = self.gateway()
        self.spool(away, {"type": "a", "payload": 1})
        away.close()
        put = subprocess.run([os.path.join(os.environ["WEFT_BUILD"], "tests", "spool_put"),
                              os.path.join(self.kept, "spool"), "default"], check=True, stdout=subprocess.PIPE, text=True)
        drained = self.drain(served.zmq)
        self.assertEqual((drained.returncode, drained.stdout),
                         (1, "drained forwarded=1 refused=1 waiting=0 kept=1\n"), drained.stderr)
        gateway = self.gateway(broker=served.zmq)
        refused, = jobs(gateway, "refused")
        self.assertEqual((refused["job_id"], refused["problem"]["type"]),
                         (put.stdout.strip(), "urn:weft:problem:damaged"))
        self.assertEqual(gateway.ask("GET", refused["status_url"]).json, refused)
        self.assertEqual(gateway.ask("DELETE", f"/v1/spool/{refused['job_id']}").status, 204)
        self.assertEqual(books(gateway), {"accepted": 2, "forwarded": 1, "refused": 1, "deleted": 1})

    def test_old_ids_are_taken_from_a_spool(self):
        preload = {"LD_PRELOAD": os.path.join(os.environ["WEFT_BUILD"], "tests", "clock_preload.so"),
                   "WEFT_TEST_AHEAD_S": str(-3 * 3600),
                   "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        gateway = self.gateway(env=preload)
        said = self.spool(gateway, {"type": "a"})
        minted = int(said["job_id"].replace("-", "")[:12], 16) / 1000
        self.assertGreater(time.time() - minted, 2 * 3600)
        self.real()
        self.forwarded(gateway, accepted=1, forwarded=1)
        self.assertEqual(gateway.ask("GET", said["status_url"]).json["status"], "queued")

    # What asks about a job in another way than GET, and what changes it.
    ASKED = (("GET", "/timeline", {}), ("GET", "/log", {}), ("GET", "/events", {}),
             ("GET", "", {"Accept": "text/event-stream"}), ("GET", "/events", {"Last-Event-ID": "1"}),
             ("POST", ":cancel", {}), ("POST", ":retry", {}), ("DELETE", "", {}))

    def test_what_cannot_be_asked_of_a_spooled_job_says_that_it_is_spooled(self):
        clock = Clock(os.path.join(self.data, "clock"), stands=True)
        with clock.going():
            gateway = self.gateway(env=clock.env)
            said = self.spool(gateway, {"type": "a"})
        # Its clock stands: whoever waited for a broker would wait for ever.
        for method, path, headers in self.ASKED:
            answer = gateway.ask(method, said["status_url"] + path, **headers)
            self.assertEqual((answer.status, answer.json["type"]), (409, "urn:weft:problem:spooled"), (method, path))
            self.assertIn("Retry-After", answer.headers)
            self.assertIn("GET /v1/jobs/{id}", answer.json["fix"])
        self.assertEqual(jobs(gateway, "waiting"), [said])
        with clock.going():
            unknown = gateway.ask("POST", f"/v1/jobs/{uuid.uuid4()}:cancel")
            self.assertEqual((unknown.status, unknown.json["type"]), (503, "urn:weft:problem:no-broker"))
            self.real()
            self.forwarded(gateway, accepted=1, forwarded=1)
            self.assertEqual(gateway.ask("POST", said["cancel_url"]).json["status"], "cancelled")

    def test_the_wish_to_wait_ends_with_the_spool(self):
        gateway = self.gateway()
        answer = gateway.submit({"type": "a"}, Prefer="wait=30")
        self.assertEqual((answer.status, answer.json["status"]), (202, "spooled"))
        self.assertNotIn("Preference-Applied", answer.headers)


class Bounds(SpoolTest):
    def test_off_refuses(self):
        gateway = self.gateway("--spool", "off")
        answer = gateway.submit({"type": "a"})
        self.assertEqual((answer.status, answer.json["type"]), (503, "urn:weft:problem:no-broker"))
        self.assertIn("Retry-After", answer.headers)
        self.assertEqual(gateway.ask("GET", "/readyz").status, 503)
        self.assertEqual(books(gateway), {})

    def test_a_full_spool_refuses_and_has_room_again(self):
        gateway = self.gateway("--spool-max", "64KiB")
        taken = 0
        while (answer := gateway.submit({"type": "a", "payload": "x" * 9000}, Idempotency_Key=f"k{taken}")).status == 202:
            taken += 1
        self.assertEqual((answer.status, answer.json["type"]), (503, "urn:weft:problem:spool-full"))
        self.assertEqual(answer.headers["Retry-After"], "5")
        self.assertEqual(taken, 7)
        # What it has it still knows, and what is small still fits.
        again = gateway.submit({"type": "a", "payload": "x" * 9000}, Idempotency_Key="k0")
        self.assertEqual((again.status, again.headers["Idempotency-Replayed"]), (202, "true"))
        self.assertEqual(gateway.submit({"type": "a"}).status, 202)
        figures = metrics(gateway)
        self.assertLessEqual(figures["bytes"], figures["bytes_max"])
        broker = self.pretended()
        self.forwarded(gateway, accepted=8, forwarded=8)
        self.assertEqual(len(broker.jobs), 8)
        self.assertEqual(metrics(gateway)["bytes"], 0)

    def test_jobs_come_in_their_order_a_window_at_a_time(self):
        gateway = self.gateway()
        for batch in range(3):
            lines = "".join(json.dumps({"type": "a", "payload": 200 * batch + n}) + "\n" for n in range(200))
            answer = gateway.ask("POST", "/v1/batches", lines, Content_Type="application/x-ndjson")
            self.assertEqual((answer.status, answer.json["durability"]), (202, "spooled"), answer)
        broker = self.pretended()
        self.forwarded(gateway, accepted=600, forwarded=600)
        self.assertEqual([int(job["payload"]) for job in broker.jobs.values()], list(range(600)))
        self.assertLessEqual(max(broker.submits), SPOOL_WINDOW_JOBS_MAX)
        self.assertEqual(sum(broker.submits), 600)

    def test_large_jobs_come_in_smaller_windows(self):
        gateway = self.gateway()
        lines = "".join(json.dumps({"type": "a", "payload": "x" * 1000000}) + "\n" for _ in range(9))
        self.assertEqual(gateway.ask("POST", "/v1/batches", lines, Content_Type="application/x-ndjson").json["accepted"], 9)
        broker = self.pretended()
        self.forwarded(gateway, accepted=9, forwarded=9)
        fits = SPOOL_WINDOW_BYTES_MAX // 1000000
        self.assertEqual(broker.submits, [fits, fits, 1])

    def test_many_jobs_of_a_held_queue_are_passed(self):
        gateway = self.gateway()
        self.assertGreater(5000, SPOOL_WINDOW_LOOK_MAX)
        lines = '{"type":"a","queue":"full"}\n' * 5000 + '{"type":"a","queue":"free"}\n'
        self.assertEqual(gateway.ask("POST", "/v1/batches", lines, Content_Type="application/x-ndjson").json["accepted"], 5001)
        broker = PretendedBroker(self.endpoint)
        self.addCleanup(broker.close)
        store = broker._store
        broker._store = lambda job, block: (store(job, block) if job.queue == "free" else
                                            pb.SubmittedJob(job_id=job.job_id, error=4, retry_after_ms=60000))
        wait_for("the job behind them is there", lambda: books(gateway).get("forwarded") == 1)
        # They were not all sent for that.
        self.assertEqual(sum(broker.submits), SPOOL_WINDOW_JOBS_MAX + 1)

    def test_a_queue_that_is_full_does_not_hold_up_the_others(self):
        gateway = self.gateway()
        full = [self.spool(gateway, {"type": "a", "queue": "full", "payload": n}) for n in range(2)]
        self.spool(gateway, {"type": "a", "queue": "free", "payload": 9})
        keyed = {"type": "a", "queue": "full", "payload": 2}
        full.append(self.spool(gateway, keyed, Idempotency_Key="k"))
        broker = self.pretended()
        store = broker._store
        is_full = True

        def judge(job, block):
            if job.queue == "full" and is_full:
                return pb.SubmittedJob(job_id=job.job_id, error=4, retry_after_ms=100, detail="full")
            return store(job, block)
        broker._store = judge
        wait_for("the other queue's job is there", lambda: books(gateway).get("forwarded") == 1)
        self.assertEqual(jobs(gateway, "waiting"), full)
        # While somebody waits, nobody can be sure of a job that is not known.
        unknown = gateway.ask("GET", f"/v1/jobs/{uuid.uuid4()}")
        self.assertEqual((unknown.status, unknown.json["type"]), (404, "urn:weft:problem:unknown-yet"))
        self.assertIn("Retry-After", unknown.headers)
        self.assertEqual(gateway.ask("GET", full[0]["status_url"]).json["status"], "spooled")
        self.assertEqual(gateway.ask("GET", f"/v1/batches/{uuid.uuid4()}").json["type"], "urn:weft:problem:unknown-yet")
        other = gateway.submit({**keyed, "payload": 3}, Idempotency_Key="k")
        self.assertEqual((other.status, other.json["code"]), (422, "WEFT-1005"))
        is_full = False
        self.forwarded(gateway, accepted=4, forwarded=4)
        self.assertEqual([int(job["payload"]) for job in broker.jobs.values()], [9, 0, 1, 2])
        self.assertEqual(gateway.ask("GET", f"/v1/jobs/{uuid.uuid4()}").json["type"], "urn:weft:problem:not-found")

    def test_a_broker_that_goes_while_it_is_told_hears_it_again(self):
        gateway = self.gateway()
        said = self.spool(gateway, {"type": "a", "payload": 1})
        broker = PretendedBroker(self.endpoint)
        broker.is_silent = True
        wait_for("it has heard of the job", lambda: any(kind == "submit" for kind, *_ in broker.heard))
        self.assertEqual(books(gateway), {"accepted": 1, "waiting": 1})
        wait_for("it has not answered", lambda: "gateway.spool_not_forwarded" in gateway.stderr())
        self.assertEqual(books(gateway), {"accepted": 1, "waiting": 1})
        broker.close()
        broker = self.pretended()
        self.forwarded(gateway, accepted=1, forwarded=1)
        self.assertEqual([uuid.UUID(bytes=i) for i in broker.jobs], [uuid.UUID(said["job_id"])])


class Refusals(SpoolTest):
    def test_a_refusal_is_kept_until_somebody_deletes_it(self):
        gateway = self.gateway()
        bad = self.spool(gateway, {"type": "strict", "payload": {"n": "no number"}})
        good = self.spool(gateway, {"type": "strict", "payload": {"n": 7}})
        served = self.broker()
        there = self.gateway(broker=served.zmq, data=os.path.join(self.data, "b"))
        there.wait_ready()
        schema = {"schema": {"type": "object", "properties": {"n": {"type": "integer"}}}}
        self.assertEqual(there.ask("PUT", "/v1/types/strict", json.dumps(schema), Content_Type="application/json").status, 200)
        gateway.close()
        gateway = self.gateway(broker=served.zmq)
        self.forwarded(gateway, accepted=2, forwarded=1, refused=1, kept=1)
        shown = gateway.ask("GET", bad["status_url"])
        self.assertEqual((shown.status, shown.json["status"], shown.json["problem"]["type"]),
                         (200, "refused", "urn:weft:problem:schema"), shown)
        self.assertEqual(jobs(gateway, "refused"), [shown.json])
        cancelled = gateway.ask("POST", bad["cancel_url"])
        self.assertEqual((cancelled.status, cancelled.json["type"]), (409, "urn:weft:problem:conflict"))
        self.assertIn("DELETE /v1/spool/{id}", cancelled.json["fix"])
        self.assertEqual(gateway.ask("GET", good["status_url"]).json["status"], "queued")
        self.assertEqual(metrics(gateway)["refusals"], 1)
        # It is there after a restart, and not for another's asking.
        gateway.close()
        gateway = self.gateway(broker=served.zmq)
        gateway.wait_ready()
        self.assertEqual([job["job_id"] for job in jobs(gateway, "refused")], [bad["job_id"]])
        self.assertEqual(gateway.ask("DELETE", f"/v1/spool/{good['job_id']}").status, 404)
        self.assertEqual(gateway.ask("DELETE", "/v1/spool/nonsense").status, 404)
        self.assertEqual(gateway.ask("DELETE", f"/v1/spool/{bad['job_id']}").status, 204)
        self.assertEqual(gateway.ask("DELETE", f"/v1/spool/{bad['job_id']}").status, 404)
        self.assertEqual(jobs(gateway, "refused"), [])
        self.assertEqual(gateway.ask("GET", bad["status_url"]).status, 404)
        self.assertEqual(books(gateway), {"accepted": 2, "forwarded": 1, "refused": 1, "deleted": 1})

    def test_a_key_that_is_taken_elsewhere_is_a_refusal(self):
        served = self.broker()
        away, there = self.gateway(), self.gateway(broker=served.zmq, data=os.path.join(self.data, "b"))
        there.wait_ready()
        spooled = self.spool(away, {"type": "a", "payload": 1}, Idempotency_Key="k")
        self.assertEqual(there.submit({"type": "a", "payload": 2}, Idempotency_Key="k").status, 202)
        away.close()
        back = self.gateway(broker=served.zmq)
        self.forwarded(back, accepted=1, refused=1, kept=1)
        # The job of that id is the other's; the refusal is in the list.
        self.assertEqual(back.ask("GET", spooled["status_url"]).json["status"], "queued")
        self.assertEqual(jobs(back, "refused")[0]["problem"]["type"], "urn:weft:problem:key-reused")
        # And the key is the other's, whatever is kept here.
        again = back.submit({"type": "a", "payload": 2}, Idempotency_Key="k")
        self.assertEqual((again.status, again.headers["Idempotency-Replayed"]), (202, "true"))

    def test_a_job_that_waits_is_not_deleted(self):
        gateway = self.gateway()
        said = self.spool(gateway, {"type": "a"})
        answer = gateway.ask("DELETE", f"/v1/spool/{said['job_id']}")
        self.assertEqual((answer.status, answer.json["type"]), (409, "urn:weft:problem:conflict"))
        self.assertEqual(jobs(gateway, "waiting"), [said])

    def test_lists_have_pages(self):
        gateway = self.gateway()
        said = [self.spool(gateway, {"type": "a", "payload": n}) for n in range(5)]
        seen, query = [], "?limit=2"
        while query:
            page = gateway.ask("GET", "/v1/spool/waiting" + query).json
            self.assertLessEqual(len(page["jobs"]), 2)
            seen += page["jobs"]
            query = f"?limit=2&cursor={page['cursor']}" if "cursor" in page else ""
        self.assertEqual(seen, said)
        for path in ("/v1/spool/waiting?limit=257", "/v1/spool/waiting?limit=0", "/v1/spool/waiting?odd=1"):
            self.assertEqual(gateway.ask("GET", path).status, 400)
        self.assertEqual(gateway.ask("GET", "/v1/spool/elsewhere").status, 405)


class Bulk(SpoolTest):
    @staticmethod
    def push(gateway, *records, query="", **headers):
        lines = "".join(json.dumps(record) + "\n" for record in records)
        return gateway.ask("POST", "/v1/batches" + query, lines, Content_Type="application/x-ndjson", **headers)

    def test_the_good_records_are_spooled_and_the_batch_is_there_later(self):
        gateway = self.gateway()
        records = [{"type": "a", "payload": 1}, {"type": "B"}, {"type": "a", "key": "own", "payload": 3}]
        first = self.push(gateway, *records, Idempotency_Key="load")
        self.assertEqual((first.status, first.json["durability"], first.json["accepted"], first.json["rejected"]),
                         (202, "spooled", 2, 1), first)
        self.assertEqual(first.json["rejections"][0]["line"], 2)
        again = self.push(gateway, *records, Idempotency_Key="load")
        self.assertEqual((again.json["accepted"], again.json["replayed"], again.json["batch_id"]),
                         (0, 2, first.json["batch_id"]))
        self.assertEqual(again.headers["Idempotency-Replayed"], "true")
        for other in ([{"type": "a", "payload": "other"}], [*records, {"type": "a"}], records[:1],
                      [{**record, "key": f"own-{n}"} for n, record in enumerate(records)]):
            refused = self.push(gateway, *other, Idempotency_Key="load")
            self.assertEqual((refused.status, refused.json["code"], refused.json["holder_id"]),
                             (422, "WEFT-1005", first.json["batch_id"]), refused)
        self.assertEqual(books(gateway), {"accepted": 2, "waiting": 2})
        self.real("--batch-seal", "1h")
        self.forwarded(gateway, accepted=2, forwarded=2)
        wait_for("the seal", lambda: gateway.ask("GET", first.json["status_url"]).json["sealed"])
        batch = gateway.ask("GET", first.json["status_url"]).json
        self.assertEqual(batch["counts"]["queued"], 2)
        items = gateway.ask("GET", first.json["status_url"] + "/items").json["jobs"]
        self.assertEqual(len(items), 2)

    def test_another_body_is_refused_while_the_first_one_waits_for_its_queue(self):
        gateway = self.gateway()
        first = self.push(gateway, {"type": "a", "queue": "full"}, {"type": "a"}, Idempotency_Key="load")
        self.spool(gateway, {"type": "a", "queue": "full", "payload": 1}, Idempotency_Key="one")
        broker = self.pretended()
        store = broker._store
        broker._store = lambda job, block: store(job, block) if job.queue != "full" else pb.SubmittedJob(
            job_id=job.job_id, error=4, retry_after_ms=100, detail="full")
        wait_for("what may leave has left", lambda: books(gateway).get("forwarded") == 1)
        heard = len(broker.jobs)
        for query in ("", "?mode=atomic", "?dry_run=true"):
            refused = self.push(gateway, {"type": "b"}, query=query, Idempotency_Key="load")
            self.assertEqual((refused.status, refused.json["holder_id"]), (422, first.json["batch_id"]), refused)
        self.assertEqual(len(broker.jobs), heard)
        # So is a record whose own key is a spooled job's; the same one is not.
        mixed = self.push(gateway, {"type": "a", "key": "new"}, {"type": "a", "queue": "full", "key": "one", "payload": 2})
        self.assertEqual((mixed.status, mixed.json["accepted"]), (202, 1), mixed)
        self.assertEqual([(one["line"], one["problem"]["code"]) for one in mixed.json["rejections"]], [(2, "WEFT-1005")])
        broker._store = store
        same = self.push(gateway, {"type": "a", "queue": "full", "key": "one", "payload": 1})
        self.assertEqual((same.status, same.json["rejected"]), (202, 0), same)
        self.forwarded(gateway, accepted=3, forwarded=3)
        self.assertEqual(sum(job["wire"].type == "b" for job in broker.jobs.values()), 0)

    def test_another_body_is_refused_when_the_first_one_was_brought_and_the_broker_has_gone(self):
        gateway = self.gateway()
        body = [{"type": "a", "key": "own"}, {"type": "a"}]
        first = self.push(gateway, *body, Idempotency_Key="load").json
        served = self.real()
        self.forwarded(gateway, accepted=2, forwarded=2)
        wait_for("its keys are written down", lambda: b"weft_gateway_keys 3" in gateway.ask("GET", "/metrics").body)
        served.kill()
        other = self.push(gateway, {"type": "b"}, Idempotency_Key="load")
        self.assertEqual((other.status, other.json["holder_id"]), (422, first["batch_id"]), other)
        same = self.push(gateway, *body, Idempotency_Key="load")
        self.assertEqual((same.status, same.json["durability"], same.json["batch_id"]),
                         (202, "spooled", first["batch_id"]), same)
        served = self.real()
        self.forwarded(gateway, accepted=4, forwarded=4)
        self.assertEqual(len(self.peer(served).ask(pb.List(limit=9)).jobs), 2)

    def test_an_atomic_one_is_the_brokers_to_judge(self):
        gateway = self.gateway()
        answer = self.push(gateway, {"type": "a"}, {"type": "a"}, query="?mode=atomic")
        self.assertEqual((answer.status, answer.json["type"]), (503, "urn:weft:problem:no-broker"))
        self.assertIn("with mode=partial its records go into the spool", answer.json["detail"])
        self.assertEqual(self.push(gateway, {"type": "a"}, query="?dry_run=true").status, 503)
        self.assertEqual(gateway.ask("POST", "/v1/jobs?dry_run=true", '{"type":"a"}', Content_Type="application/json").status, 503)
        self.assertEqual(books(gateway), {})

    def test_what_has_no_room_is_refused_whole(self):
        gateway = self.gateway("--spool-max", "64KiB")
        answer = self.push(gateway, *[{"type": "a", "payload": "x" * 9000}] * 8)
        self.assertEqual((answer.status, answer.json["type"], answer.headers["Retry-After"]),
                         (503, "urn:weft:problem:spool-full", "5"))
        self.assertEqual(books(gateway), {})


class Tenants(SpoolTest):
    def test_each_sees_its_own_and_has_its_own_at_the_broker(self):
        gateway = self.gateway()
        tokens = {name: gateway.token(name, "--tenant", name, "--scopes", "submit,read,admin") for name in ("acme", "zoo")}
        bearer = {name: {"Authorization": f"Bearer {token}"} for name, token in tokens.items()}
        said = {name: self.spool(gateway, {"type": "a", "payload": name}, Idempotency_Key="same", **bearer[name])
                for name in tokens}
        self.assertNotEqual(said["acme"]["job_id"], said["zoo"]["job_id"])
        self.assertEqual(jobs(gateway, "waiting", **bearer["acme"]), [said["acme"]])
        for path in ("", "/timeline"):
            self.assertEqual(gateway.ask("GET", said["zoo"]["status_url"] + path, **bearer["acme"]).status, 503)
        self.assertEqual(gateway.ask("DELETE", f"/v1/spool/{said['zoo']['job_id']}", **bearer["acme"]).status, 404)
        self.real()
        wait_for("the spool is empty", lambda: "waiting" not in books(gateway, **bearer["acme"]))
        for mine, other in (("acme", "zoo"), ("zoo", "acme")):
            self.assertEqual(gateway.ask("GET", said[mine]["status_url"], **bearer[mine]).json["status"], "queued")
            self.assertEqual(gateway.ask("GET", said[other]["status_url"], **bearer[mine]).status, 404)

    def test_no_tenant_takes_more_than_its_share(self):
        share = ("--spool-tenant-max", "64KiB")
        gateway = self.gateway(*share)
        bearer = {name: {"Authorization": "Bearer " + gateway.token(name, "--tenant", name, "--scopes", "submit,read,admin")}
                  for name in ("acme", "zoo")}
        job = {"type": "a", "payload": "x" * 9000}
        for _ in range(7):
            self.spool(gateway, job, **bearer["acme"])
        gateway.close()
        gateway = self.gateway(*share)  # it counts anew
        over = gateway.submit(job, **bearer["acme"])
        self.assertEqual((over.status, over.json["type"], over.headers["Retry-After"]),
                         (503, "urn:weft:problem:spool-share", "5"))
        lines = (json.dumps(job) + "\n") * 2
        bulk = gateway.ask("POST", "/v1/batches", lines, Content_Type="application/x-ndjson", **bearer["acme"])
        self.assertEqual((bulk.status, bulk.json["type"]), (503, "urn:weft:problem:spool-share"))
        self.spool(gateway, job, **bearer["zoo"])
        self.spool(gateway, {"type": "small"}, **bearer["acme"])
        broker = PretendedBroker(self.endpoint)
        wait_for("the spool is empty", lambda: "waiting" not in books(gateway, **bearer["zoo"]))
        self.assertEqual(books(gateway, **bearer["zoo"]), {"accepted": 9, "forwarded": 9})
        broker.close()
        wait_for("it is noticed", lambda: gateway.ask("GET", "/readyz").body == b"spooling\n")
        for _ in range(7):
            self.spool(gateway, job, **bearer["acme"])

    def test_a_quota_of_open_jobs_holds_for_what_was_spooled(self):
        gateway = self.gateway()
        bearer = {"Authorization": "Bearer " + gateway.token("a", "--tenant", "acme", "--scopes", "submit,read,admin")}
        token_verb("limit", "acme", "--open-jobs", "2", tokens=os.path.join(self.kept, "tokens"))
        for n in range(3):
            self.spool(gateway, {"type": "a", "payload": n}, **bearer)
        served = self.real()
        wait_for("two are there", lambda: books(gateway, **bearer).get("forwarded") == 2)
        left, = jobs(gateway, "waiting", **bearer)
        for method, path, headers in Single.ASKED:
            self.assertEqual(gateway.ask(method, left["status_url"] + path, **headers, **bearer).json["type"],
                             "urn:weft:problem:spooled", (method, path))
        worker = self.peer(served, role=pb.ROLE_WORKER, worker_id=uuid.uuid4().bytes, tenant="acme")
        worker.serve("a")
        (job, payload), = worker.take_jobs(1)
        self.assertEqual(payload, b"0")
        worker.finish(job)
        wait_for("the third is there", lambda: books(gateway, **bearer).get("forwarded") == 3)
        self.assertEqual(gateway.ask("GET", left["status_url"], **bearer).status, 200)


if __name__ == "__main__":
    main_beside(8)
