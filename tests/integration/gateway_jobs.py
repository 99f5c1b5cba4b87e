"""Single jobs through the gateway against a pretended broker."""

import json
import re
import threading
import time
import unittest
import uuid

from lib_beside import main_beside
from lib_broker import ERR, pb
from lib_gateway import AtPretendedBroker, Gateway, PretendedBroker, derived_id, wait_for

MSGPACK = "application/msgpack"


class Jobs(AtPretendedBroker):
    def job_of(self, answer):
        return self.broker.jobs[uuid.UUID(answer.json["job_id"]).bytes]

    def test_a_job_is_stored_and_described(self):
        answer = self.gateway.submit({"type": "invoice.render", "payload": {"invoice": 7}})
        self.assertEqual(answer.status, 202, answer)
        body = answer.json
        self.assertEqual(body["status"], "queued")
        self.assertEqual((body["type"], body["queue"], body["durability"]), ("invoice.render", "default", "flushed"))
        self.assertEqual(answer.headers["Location"], "/v1/jobs/" + body["job_id"])
        self.assertEqual(body["status_url"], answer.headers["Location"])
        self.assertEqual(answer.headers["Retry-After"], "1")
        self.assertRegex(body["created_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(uuid.UUID(body["job_id"]).version, 7)

    def test_every_field_reaches_the_broker(self):
        """As it should be, mapping only: gateway_effects.py shows what each does."""
        answer = self.gateway.submit({
            "type": "a", "queue": "q", "payload": None, "priority": 0, "delay": "5m", "timeout": "30s", "keep": "2h",
            "retry": {"max_attempts": 3, "max_crashes": 2, "first": "1s", "longest": "1h", "factor": 1.5}},
            traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        self.assertEqual(answer.json["status"], "scheduled")
        wire = self.job_of(answer)["wire"]
        self.assertEqual((wire.type, wire.queue, wire.priority, wire.delay_ms), ("a", "q", 0, 300000))
        self.assertEqual(wire.WhichOneof("priority_given"), "priority")
        self.assertEqual((wire.timeout_ms, wire.keep_s, wire.max_attempts, wire.max_crashes), (30000, 7200, 3, 2))
        self.assertEqual((wire.retry_first_ms, wire.retry_longest_ms, wire.retry_factor_milli), (1000, 3600000, 1500))
        self.assertEqual(wire.traceparent[:2], "00")

    def test_the_payload_stays_as_it_was_sent(self):
        payload = b'{ "a" : [1.50, 1e2, "\\u00e9\xc3\xa9"],\n "b":123456789012345678901234567890 }'
        answer = self.gateway.ask("POST", "/v1/jobs", b'{"payload":' + payload + b',"type":"a"}',
                                  Content_Type="application/json")
        self.assertEqual(self.job_of(answer)["payload"], payload)
        self.assertEqual(self.job_of(answer)["wire"].payload.content, pb.CONTENT_JSON)

    def test_message_pack_is_understood_and_its_payload_kept(self):
        body = b"\x82\xa4type\xa1z\xa7payload\x81\xa1k\xc4\x01\xff"
        answer = self.gateway.ask("POST", "/v1/jobs", body, Content_Type=MSGPACK)
        self.assertEqual(answer.status, 202, answer)
        self.assertEqual(self.job_of(answer)["payload"], b"\x81\xa1k\xc4\x01\xff")
        self.assertEqual(self.job_of(answer)["wire"].payload.content, pb.CONTENT_MSGPACK)

    def test_answers_may_be_message_pack(self):
        answer = self.gateway.submit({"type": "a"}, Accept=MSGPACK)
        self.assertEqual(answer.headers["Content-Type"], MSGPACK)
        self.assertEqual(answer.body[0], 0xDF)
        self.assertIn(b"\xa6status\xa6queued", answer.body)

    def test_a_key_is_one_job(self):
        key = "order/7 \"x\""
        first = self.gateway.submit({"type": "a", "payload": 1}, Idempotency_Key=key)
        again = self.gateway.submit({"type": "a", "payload": 1}, Idempotency_Key=key)
        self.assertEqual((first.status, again.status), (202, 202))
        self.assertEqual(first.json, again.json)
        self.assertIsNone(first.headers["Idempotency-Replayed"])
        self.assertEqual(again.headers["Idempotency-Replayed"], "true")
        self.assertIn("dedup_until", first.json)
        other = self.gateway.submit({"type": "a", "payload": 2}, Idempotency_Key=key)
        self.assertEqual((other.status, other.json["code"], other.json["holder_id"]), (422, "WEFT-1005", first.json["job_id"]))

    def test_a_client_can_derive_the_id(self):
        answer = self.gateway.submit({"type": "a", "queue": "mail"}, Idempotency_Key="k-1")
        got = uuid.UUID(answer.json["job_id"])
        full, slot = derived_id("mail", "k-1")
        self.assertEqual(got.version, 8)
        # Slot first, then the hash, around the bits of version and variant.
        self.assertEqual(got.bytes[0] << 4 | got.bytes[1] >> 4, slot)
        self.assertEqual(got.bytes[9:], full[9:])

    def test_the_state_is_told_with_its_version(self):
        path = self.gateway.submit({"type": "a"}).json["status_url"]
        answer = self.gateway.ask("GET", path)
        self.assertEqual((answer.status, answer.headers["ETag"], answer.json["version"]), (200, '"1"', 1))
        self.assertEqual(self.gateway.ask("GET", path, If_None_Match='"1"').status, 304)
        for named in ('"7", "1"', 'W/"1",W/"2"', "*"):
            self.assertEqual(self.gateway.ask("GET", path, If_None_Match=named).status, 304, named)
        for named in ('"9"', '"11"', '"9", "2"', "1"):
            self.assertEqual(self.gateway.ask("GET", path, If_None_Match=named).status, 200, named)
        head = self.gateway.ask("HEAD", path)
        self.assertEqual((head.status, head.body, head.headers["ETag"]), (200, b"", '"1"'))

    def test_caches_are_told_what_they_may_keep(self):
        """Nothing without asking: a state changes, and what is not known may come."""
        path = self.gateway.submit({"type": "a"}).json["status_url"]
        for headers in ({}, {"If_None_Match": '"1"'}, {"Accept": "application/msgpack"}):
            answer = self.gateway.ask("GET", path, **headers)
            self.assertEqual((answer.headers["Cache-Control"], answer.headers["Vary"]), ("private, no-cache", "Accept"))
        unknown = self.gateway.ask("GET", f"/v1/jobs/{uuid.uuid4()}")
        self.assertEqual((unknown.status, unknown.headers["Cache-Control"]), (404, "no-store"))

    def test_unknown_jobs(self):
        self.assertEqual(self.gateway.ask("GET", f"/v1/jobs/{uuid.uuid4()}").status, 404)
        answer = self.gateway.submit({"type": "a"})
        self.broker.finish(uuid.UUID(answer.json["job_id"]).bytes, state=pb.STATE_REMOVED)
        self.assertEqual(self.gateway.ask("GET", answer.json["status_url"]).status, 410)

    def finished(self, result, content, **headers):
        answer = self.gateway.submit({"type": "a"})
        self.broker.finish(uuid.UUID(answer.json["job_id"]).bytes, result, content)
        return self.gateway.ask("GET", answer.json["status_url"], **headers)

    def test_results_of_each_kind_in_json(self):
        cases = [(b'{"a": [1.50]}', pb.CONTENT_JSON, {"a": [1.5]}, None),
                 (b"caf\xc3\xa9\n", pb.CONTENT_TEXT, "café\n", None),
                 (b"\xff\x00", pb.CONTENT_BYTES, "/wA=", "base64"),
                 (b"\x81\xa1a\x92\x01\xc0", pb.CONTENT_MSGPACK, {"a": [1, None]}, None),
                 (b'{"broken"', pb.CONTENT_JSON, "eyJicm9rZW4i", "base64")]
        for result, content, wanted, encoding in cases:
            body = self.finished(result, content).json
            self.assertEqual((body["result"], body.get("result_encoding")), (wanted, encoding))
        self.assertNotIn("result", self.finished(b"", pb.CONTENT_NONE).json)

    def test_results_in_message_pack(self):
        for result, content, wanted in [
                (b'{"a":[1,null]}', pb.CONTENT_JSON, b"\xa6result\xdf\0\0\0\x01\xa1a\xdd\0\0\0\x02\x01\xc0"),
                (b"\x81\xa1a\xc3", pb.CONTENT_MSGPACK, b"\xa6result\x81\xa1a\xc3"),
                (b"\xff", pb.CONTENT_BYTES, b"\xa6result\xc6\0\0\0\x01\xff")]:
            answer = self.finished(result, content, Accept=MSGPACK)
            self.assertEqual(answer.headers["Content-Type"], MSGPACK)
            self.assertIn(wanted, answer.body)

    def test_a_failure_is_told(self):
        answer = self.gateway.submit({"type": "a"})
        self.broker.finish(uuid.UUID(answer.json["job_id"]).bytes, state=pb.STATE_DEAD,
                           failure=("exit", "exit code 1", "Traceback \"x\"\n"))
        body = self.gateway.ask("GET", answer.json["status_url"]).json
        self.assertEqual(body["status"], "dead")
        self.assertEqual(body["error"], {"kind": "exit", "message": "exit code 1", "detail": "Traceback \"x\"\n"})

    def test_a_wait_ends_with_the_job(self):
        answer = self.gateway.submit({"type": "a"})
        got = []
        waiter = threading.Thread(
            target=lambda: got.append(self.gateway.ask("GET", answer.json["status_url"] + "?wait=60s")))
        started = time.monotonic()
        waiter.start()
        wait_for("the broker has the question",
                 lambda: any(ask.status.wait_ms > 0 for _, _, ask in list(self.broker.waiting)))
        self.broker.finish(uuid.UUID(answer.json["job_id"]).bytes, b"7", pb.CONTENT_JSON)
        waiter.join()
        self.assertEqual((got[0].json["status"], got[0].json["result"]), ("succeeded", 7))
        self.assertLess(time.monotonic() - started, 55, "before the wait is over")

    def test_a_wait_without_a_change_ends_in_time(self):
        path = self.gateway.submit({"type": "a"}).json["status_url"]
        self.assertEqual(self.gateway.ask("GET", path + "?wait=100ms").json["status"], "queued")
        self.assertEqual(self.gateway.ask("GET", path + "?wait=100ms", If_None_Match='"1"').status, 304)
        self.assertEqual(self.gateway.ask("GET", path + "?wait=30s&version=0").status, 200)

    def test_refusals_of_the_broker_keep_their_status_and_time(self):
        for name, status in (("ERR_FULL", 429), ("ERR_DISK", 507), ("ERR_ID_TOO_OLD", 422), ("ERR_TOO_LARGE", 413)):
            self.broker.refusal = (ERR[name], 2500, "the queue is full")
            answer = self.gateway.submit({"type": "a"})
            self.assertEqual(answer.status, status)
            self.assertEqual(answer.json["detail"], "the queue is full")
            if status in (429, 507):
                self.assertEqual(answer.headers["Retry-After"], "3")

    def test_many_at_once_share_messages(self):
        before = len(self.broker.submits)
        codes = []
        threads = [threading.Thread(target=lambda: codes.append(self.gateway.submit({"type": "a"}).status))
                   for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(codes, [202] * 100)
        self.assertEqual(sum(self.broker.submits[before:]), 100)

    def test_what_operators_look_at(self):
        self.assertEqual(self.gateway.ask("GET", "/livez").body, b"live\n")
        self.assertEqual(self.gateway.ask("GET", "/readyz").status, 200)
        index = self.gateway.ask("GET", "/").json
        self.assertIn("/v1/jobs", index.values())
        self.assertIn("POST /v1/leases/*", index["routes"])
        answer = self.gateway.ask("GET", "/metrics")
        text = answer.body.decode()
        self.assertIn("weft_gateway_broker_connected 1\n", text)
        self.assertRegex(text, r'weft_gateway_requests_total\{route="other",status="200"\} \d+')
        for name in re.findall(r"^# TYPE (\S+)", text, re.M):
            self.assertTrue(name.startswith("weft_gateway_"), name)

    def test_wrong_methods_are_told_the_right_ones(self):
        answer = self.gateway.ask("DELETE", "/v1/jobs")
        self.assertEqual((answer.status, answer.headers["Allow"]), (405, "POST, GET, HEAD"))
        answer = self.gateway.ask("POST", f"/v1/jobs/{uuid.uuid4()}", b"")
        self.assertEqual((answer.status, answer.headers["Allow"]), (405, "GET, HEAD, DELETE"))


class WithoutBroker(unittest.TestCase):
    """The broker is silent, or goes away and comes back at the same place."""

    def both(self):
        broker = PretendedBroker()
        gateway = Gateway(broker.endpoint, "--spool", "off")
        self.addCleanup(gateway.close)
        gateway.wait_ready()
        return broker, gateway

    def test_silence_is_504(self):
        broker, gateway = self.both()
        self.addCleanup(broker.close)
        broker.is_silent = True
        answer = gateway.submit({"type": "a"})
        self.assertEqual((answer.status, answer.json["code"]), (504, "WEFT-1015"))
        self.assertIn("Retry-After", answer.headers)
        self.assertEqual(broker.jobs, {})

    def test_what_is_known_is_replayed(self):
        broker, gateway = self.both()
        stored = gateway.submit({"type": "a", "payload": 1}, Idempotency_Key="k")
        batch = gateway.ask("POST", "/v1/batches", b'{"type":"a"}\n', Content_Type="application/x-ndjson",
                            Idempotency_Key="b")
        self.assertEqual((stored.status, batch.status), (202, 202))
        wait_for("the keys are on disk",
                 lambda: b"weft_gateway_keys 2\n" in gateway.ask("GET", "/metrics").body)
        broker.close()

        # The answer never contradicts what is known, and never promises what is not.
        again = gateway.submit({"type": "a", "payload": 1}, Idempotency_Key="k")
        self.assertEqual((again.status, again.headers["Idempotency-Replayed"]), (202, "true"), again)
        self.assertEqual(again.json, stored.json)
        self.assertEqual(gateway.submit({"type": "a", "payload": 2}, Idempotency_Key="k").status, 422)
        same = gateway.ask("POST", "/v1/batches", b'{"type":"a"}\n', Content_Type="application/x-ndjson",
                           Idempotency_Key="b")
        self.assertEqual((same.status, same.json["replayed"]), (202, 1), same)

    def test_what_is_not_known_is_refused_at_once(self):
        broker, gateway = self.both()
        broker.close()
        wait_for("the gateway knows that it is alone", lambda: gateway.ask("GET", "/readyz").status == 503)
        begun = time.monotonic()
        fresh = gateway.submit({"type": "a"})
        self.assertEqual(fresh.status, 503)
        self.assertIn("Retry-After", fresh.headers)
        self.assertLess(time.monotonic() - begun, 7)  # it waits for 2, and not for the 10 of one that was sent
        self.assertEqual(gateway.ask("GET", f"/v1/jobs/{uuid.uuid4()}").status, 503)

        broker = PretendedBroker(broker.endpoint)
        self.addCleanup(broker.close)
        gateway.wait_ready()
        self.assertEqual(gateway.submit({"type": "a"}).status, 202)

    def test_an_absent_broker_is_told_once_each_time(self):
        broker = PretendedBroker()
        endpoint = broker.endpoint
        broker.close()
        gateway = Gateway(endpoint, "--spool", "off")
        self.addCleanup(gateway.close)
        told = f"warn gateway.no_broker broker={endpoint} jobs=refused"
        wait_for("the first word", lambda: gateway.stderr().count(told) == 1)

        def figures():
            text = gateway.ask("GET", "/metrics").body.decode()
            return {name: int(value) for name, value in re.findall(r"^(weft_gateway_no_broker_\w+) (\d+)$", text, re.M)}
        # Nobody waits any more for one that is long away.
        before = figures()
        for _ in range(50):
            answers = gateway.ask("GET", f"/v1/jobs/{uuid.uuid4()}"), gateway.submit({"type": "a"})
            self.assertEqual([answer.status for answer in answers], [503, 503])
            self.assertEqual([answer.headers["Retry-After"] for answer in answers], ["1", "1"])
        after = figures()
        self.assertGreaterEqual(after["weft_gateway_no_broker_total"], before["weft_gateway_no_broker_total"] + 100)
        self.assertEqual(after["weft_gateway_no_broker_waits_total"], before["weft_gateway_no_broker_waits_total"])
        broker = PretendedBroker(endpoint)
        gateway.wait_ready()
        self.assertEqual(gateway.submit({"type": "a"}).status, 202)
        broker.close()
        wait_for("nobody asks, and it is known", lambda: gateway.ask("GET", "/readyz").status == 503)
        wait_for("the second word", lambda: gateway.stderr().count(told) == 2)
        broker = PretendedBroker(endpoint)
        self.addCleanup(broker.close)
        gateway.wait_ready()
        self.assertEqual(gateway.stderr().count("gateway.no_broker"), 2)

    def test_a_short_absence_is_not_noticed(self):
        broker = PretendedBroker()
        endpoint = broker.endpoint
        broker.close()
        gateway = Gateway(endpoint)
        self.addCleanup(gateway.close)
        got = []
        client = threading.Thread(target=lambda: got.append(gateway.submit({"type": "a"})))
        client.start()
        broker = PretendedBroker(endpoint)
        self.addCleanup(broker.close)
        client.join()
        self.assertEqual(got[0].status, 202, got[0])

    def test_a_stopping_gateway_answers_what_is_under_way(self):
        broker = PretendedBroker()
        self.addCleanup(broker.close)
        gateway = Gateway(broker.endpoint)
        gateway.wait_ready()
        path = gateway.submit({"type": "a"}).json["status_url"]
        got = []
        waiter = threading.Thread(target=lambda: got.append(gateway.ask("GET", path + "?wait=60s")))
        waiter.start()
        wait_for("the broker has the question",
                 lambda: any(ask.status.wait_ms > 0 for _, _, ask in list(broker.waiting)))
        gateway.close()
        waiter.join()
        self.assertIn(got[0].status, (503, 504))

    def test_only_loopback_is_served(self):
        with self.assertRaises(AssertionError):
            Gateway("tcp://127.0.0.1:1", "--http", "0.0.0.0:0")


if __name__ == "__main__":
    main_beside(6)
