"""Bulk requests through the gateway against a pretended broker."""

import concurrent.futures
import json
import socket
import threading
import time
import unittest
import uuid

from lib_beside import main_beside
from lib_broker import ERR, pb
from lib_gateway import AtPretendedBroker, Gateway, PretendedBroker, is_whole, wait_for

NDJSON = "application/x-ndjson"


def lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records).encode()


class Batches(AtPretendedBroker):
    def push(self, body, kind=NDJSON, path="/v1/batches", **headers):
        return self.gateway.ask("POST", path, body, Content_Type=kind, **headers)

    def test_ten_thousand_records_in_few_messages(self):
        before, messages = len(self.broker.jobs), len(self.broker.submits)
        answer = self.push(b"".join(b'{"type":"a","payload":%d}\n' % i for i in range(10000)))
        self.assertEqual(answer.status, 202, answer)
        body = answer.json
        self.assertEqual((body["accepted"], body["replayed"], body["rejected"]), (10000, 0, 0))
        self.assertEqual(body["rejections"], [])
        self.assertEqual(answer.headers["Location"], body["status_url"])
        self.assertEqual(len(self.broker.jobs) - before, 10000)
        self.assertLessEqual(max(self.broker.submits[messages:]), 256)
        self.assertLessEqual(len(self.broker.submits) - messages, 60)

    def test_an_array_does_the_same(self):
        answer = self.push(b'[ {"type":"a"}, {"type":"b","payload":[1,2]} ]', "application/json")
        self.assertEqual((answer.status, answer.json["accepted"]), (202, 2))

    def test_chunks_are_joined(self):
        body = lines({"type": "a"}, {"type": "b"})
        request = (b"POST /v1/batches HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
                   b"Transfer-Encoding: chunked\r\n\r\n")
        request += b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
        heard = self.gateway.raw(request)
        self.assertTrue(heard.startswith(b"HTTP/1.1 202"), heard)
        self.assertIn(b'"accepted":2', heard)

    def test_bad_records_are_told_by_line_and_the_others_stored(self):
        body = (b'{"type":"a"}\n' b"\n" b'{"type":"A"}\n' b"not json\n" b'{"type":"b","dedup":"never"}\n'
                b'{"type":"b","typ":1}\r\n' b'  {"type":"c"}  ')
        answer = self.push(body)
        self.assertEqual(answer.status, 202)
        told = {r["line"]: r["problem"] for r in answer.json["rejections"]}
        self.assertEqual(list(told), [3, 4, 5, 6])
        self.assertEqual([told[line]["status"] for line in told], [400] * 4)
        self.assertIn("type", told[3]["detail"])
        self.assertIn("at byte", told[4]["detail"])
        self.assertIn("dedup must be", told[5]["detail"])
        self.assertIn("no field", told[6]["detail"])
        self.assertEqual((answer.json["accepted"], answer.json["rejected"]), (2, 4))

    def test_nothing_good_is_an_error_with_all_verdicts(self):
        answer = self.push(b'{"type":"A"}\nx\n')
        self.assertEqual((answer.status, answer.headers["Content-Type"]), (400, "application/problem+json"))
        body = answer.json
        self.assertEqual((body["status"], body["accepted"], len(body["rejections"])), (400, 0, 2))
        self.broker.refusal = (ERR["ERR_FULL"], 1000, "full")
        answer = self.push(lines({"type": "a"}))
        self.assertEqual((answer.status, answer.json["rejections"][0]["problem"]["detail"]), (429, "full"))

    def test_keys_of_records(self):
        body = lines({"type": "a", "key": "r1", "payload": 1}, {"type": "a", "key": "r2"}, {"type": "a", "key": "r1", "payload": 1},
                     {"type": "a", "key": "r1", "payload": 2})
        first = self.push(body).json
        self.assertEqual((first["accepted"], first["replayed"], first["rejected"]), (2, 1, 1))
        self.assertEqual((first["rejections"][0]["line"], first["rejections"][0]["problem"]["status"]), (4, 422))
        again = self.push(body).json
        self.assertEqual((again["accepted"], again["replayed"], again["rejected"]), (0, 3, 1))
        self.assertNotIn("status_url", again)

    def test_the_key_of_a_batch_names_it_and_its_records(self):
        body = lines({"type": "a"}, {"type": "b"}, {"type": "c", "key": "own"})
        first = self.push(body, Idempotency_Key="load-1")
        again = self.push(body, Idempotency_Key="load-1")
        self.assertEqual(first.json["batch_id"], again.json["batch_id"])
        self.assertEqual(uuid.UUID(first.json["batch_id"]).version, 8)
        self.assertEqual((again.json["accepted"], again.json["replayed"]), (0, 3))
        self.assertEqual(again.headers["Idempotency-Replayed"], "true")
        keys = sorted(self.broker.jobs[job]["wire"].key
                      for job in self.broker.batches[uuid.UUID(first.json["batch_id"]).bytes])
        self.assertEqual(keys, ["load-1#1", "load-1#2", "own"])
        for key in ("", "k" * 250, "é".encode("latin-1")):
            self.assertEqual(self.push(body, Idempotency_Key=key).status, 400)

    def test_another_body_under_a_known_key_stores_nothing(self):
        gateway = Gateway(self.broker.endpoint)
        self.addCleanup(gateway.close)
        gateway.wait_ready()

        def push(*records):
            return gateway.ask("POST", "/v1/batches", lines(*records), Content_Type=NDJSON,
                               Idempotency_Key="load-2")

        push({"type": "a"})
        before = len(self.broker.jobs)
        answer = push({"type": "a"}, {"type": "b"})
        self.assertEqual((answer.status, answer.json["code"]), (422, "WEFT-1005"))
        self.assertEqual(len(self.broker.jobs), before)
        self.assertEqual(push({"type": "a"}).status, 202)

    def test_members_know_their_batch(self):
        answer = self.push(lines({"type": "a"}, {"type": "b"}))
        batch = uuid.UUID(answer.json["batch_id"])
        wires = [self.broker.jobs[job]["wire"] for job in self.broker.batches[batch.bytes]]
        self.assertEqual([wire.batch_index for wire in wires], [0, 1])
        status = self.gateway.ask("GET", f"/v1/jobs/{uuid.UUID(bytes=wires[0].job_id)}").json
        self.assertEqual(status["batch_id"], str(batch))

    def test_a_batch_is_followed_to_its_end(self):
        answer = self.push(lines({"type": "a"}, {"type": "b"}))
        path = answer.json["status_url"]
        body = self.gateway.ask("GET", path).json
        self.assertEqual((body["status"], body["counts"]["queued"], body["progress"]), ("unfinished", 2, {"done": 0, "total": 2}))
        wait_for("the seal", lambda: self.gateway.ask("GET", path).json["sealed"])
        got = []
        waiter = threading.Thread(target=lambda: got.append(self.gateway.ask("GET", path + "?wait=30s")))
        waiter.start()
        wait_for("the broker has the question",
                 lambda: any(ask.batch_status.wait_ms > 0 for _, _, ask in list(self.broker.waiting)))
        members = self.broker.batches[uuid.UUID(answer.json["batch_id"]).bytes]
        self.broker.finish(members[0])
        waiter.join()
        self.assertEqual(got[0].json["progress"]["done"], 1)
        self.broker.finish(members[1], state=pb.STATE_DEAD)
        answer = self.gateway.ask("GET", path)
        self.assertEqual((answer.json["status"], answer.json["counts"]["dead"]), ("finished", 1))
        self.assertEqual(self.gateway.ask("GET", path, If_None_Match=answer.headers["ETag"]).status, 304)
        self.assertEqual(self.gateway.ask("GET", f"/v1/batches/{uuid.uuid4()}").status, 404)

    def test_a_batch_is_sealed_when_its_records_have_their_verdicts(self):
        body = lines({"type": "a"}, {"type": "A"})
        answer = self.push(body, Idempotency_Key="sealed-1")
        wait_for("the seal", lambda: uuid.UUID(answer.json["batch_id"]).bytes in self.broker.sealed)
        self.broker.sealed.clear()
        self.push(body, Idempotency_Key="sealed-1")  # all are known: the seal may have been lost
        wait_for("the seal", lambda: uuid.UUID(answer.json["batch_id"]).bytes in self.broker.sealed)

    def test_a_body_is_read_whole_before_anything_is_stored(self):
        before = len(self.broker.jobs)
        body = lines(*({"type": "a"} for _ in range(100)))
        head = (b"POST /v1/batches HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body))
        with socket.create_connection(self.gateway.address, timeout=30) as connection:
            connection.sendall(head + body[:-1])
            # Another request is served meanwhile, so the gateway has had its turn.
            self.assertEqual(self.gateway.ask("GET", "/livez").status, 200)
            self.assertEqual(len(self.broker.jobs), before)
            connection.sendall(body[-1:])
            heard = b""
            while not is_whole(heard):
                heard += connection.recv(65536)
        self.assertIn(b'"accepted":100', heard)

    def test_large_payloads_are_spread_over_messages(self):
        body = lines(*({"type": "a", "payload": "x" * 900000} for _ in range(20)))
        answer = self.push(body)
        self.assertEqual((answer.status, answer.json["accepted"]), (202, 20))

    def test_a_payload_beyond_the_cap_is_one_bad_record(self):
        answer = self.push(lines({"type": "a"}, {"type": "a", "payload": "x" * (1 << 20)}))
        self.assertEqual(answer.status, 202)
        self.assertEqual((answer.json["accepted"], answer.json["rejections"][0]["problem"]["status"]), (1, 413))

    def test_singles_are_not_kept_waiting_by_bulk(self):
        body = b"".join(b'{"type":"a","payload":%d}\n' % i for i in range(10000))
        pusher = threading.Thread(target=lambda: self.push(body))
        pusher.start()
        started = time.monotonic()
        self.assertEqual(self.gateway.submit({"type": "single"}).status, 202)
        self.assertLess(time.monotonic() - started, 15)
        pusher.join()


class Silent(unittest.TestCase):
    def test_a_refused_record_is_not_forgotten_while_the_broker_is_silent(self):
        broker = PretendedBroker()
        self.addCleanup(broker.close)
        gateway = Gateway(broker.endpoint)
        self.addCleanup(gateway.close)
        gateway.wait_ready()

        def push(key, *records):
            return gateway.ask("POST", "/v1/batches", lines(*records), Content_Type=NDJSON,
                               Idempotency_Key=key)

        def notes(count):
            written = b"\nweft_gateway_keys_written_total %d\n" % count
            wait_for("the key's note", lambda: written in gateway.ask("GET", "/metrics").body)

        push("load-3", {"type": "a", "key": "taken", "payload": 1})
        mixed = [{"type": "a", "key": "taken", "payload": 2}, {"type": "a", "key": "free"}]
        answer = push("load-4", *mixed)
        self.assertEqual((answer.json["accepted"], answer.json["rejected"]), (1, 1))
        notes(2)
        broker.is_silent = True
        with concurrent.futures.ThreadPoolExecutor() as pool:  # each waits as long as a silent broker is waited for
            good = pool.submit(push, "load-3", {"type": "a", "key": "taken", "payload": 1})
            bad = pool.submit(push, "load-4", *mixed)
        self.assertEqual(good.result().status, 202)
        self.assertIn(bad.result().status, (503, 504))


if __name__ == "__main__":
    main_beside(2)
