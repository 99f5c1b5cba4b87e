"""Prefer: wait=N on a submission, against a pretended broker."""

import concurrent.futures
import json
import re
import socket
import time
import unittest
import uuid

from lib_broker import pb
from lib_gateway import AtPretendedBroker, wait_for


class Prefer(AtPretendedBroker):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pool = concurrent.futures.ThreadPoolExecutor(4)

    @classmethod
    def tearDownClass(cls):
        cls.pool.shutdown()
        super().tearDownClass()

    def submitted(self, kind):
        """The id of the job of this type, once the broker has it and somebody waits for it."""
        def found():
            with self.broker.lock:
                ids = [job["id"] for job in self.broker.jobs.values() if job["wire"].type == kind]
                waits = [ask for _, _, ask in self.broker.waiting if ids and ask.status.job_id == ids[0]]
            return ids[0] if waits else None
        wait_for(f"a waited-for {kind}", found)
        return found()

    def test_the_end_is_the_answer_when_it_comes_in_time(self):
        asked = self.pool.submit(self.gateway.submit, {"type": "in-time"}, Prefer="wait=30", Idempotency_Key="in-time")
        job_id = self.submitted("in-time")
        self.broker.finish(job_id, b'{"ok":true}')
        answer = asked.result()
        self.assertEqual((answer.status, answer.json["status"], answer.json["result"]), (200, "succeeded", {"ok": True}))
        self.assertEqual(answer.headers["Preference-Applied"], "wait=30")
        self.assertEqual(answer.headers["Location"], f"/v1/jobs/{uuid.UUID(bytes=job_id)}")
        self.assertEqual(answer.headers["ETag"], '"2"')
        again = self.gateway.submit({"type": "in-time"}, Prefer="wait=30", Idempotency_Key="in-time")
        self.assertEqual((again.status, again.headers["Idempotency-Replayed"], again.json), (200, "true", answer.json))

    def test_without_an_end_it_is_stored_and_told_so(self):
        began = time.monotonic()
        answer = self.gateway.submit({"type": "too-slow"}, Prefer="respond-async, wait=1")
        self.assertGreaterEqual(time.monotonic() - began, 1)
        self.assertEqual((answer.status, answer.json["status"], answer.json["durability"]), (202, "queued", "flushed"))
        self.assertEqual(answer.headers["Preference-Applied"], "wait=1")

    def test_a_wait_is_bounded(self):
        asked = self.pool.submit(self.gateway.submit, {"type": "for-ever"}, Prefer="wait=99999999999")
        self.broker.finish(self.submitted("for-ever"), state=pb.STATE_DEAD, failure=("k", "m", "d"))
        answer = asked.result()
        self.assertEqual((answer.status, answer.json["status"], answer.headers["Preference-Applied"]), (200, "dead", "wait=60"))

    def test_what_is_not_understood_is_not_applied(self):
        for header in ("wait=soon", "wait=0", "return=minimal"):
            answer = self.gateway.submit({"type": "plain"}, Prefer=header)
            self.assertEqual((answer.status, answer.headers["Preference-Applied"]), (202, None), header)

    def waiting(self):
        text = self.gateway.ask("GET", "/metrics").body.decode()
        return int(re.search(r"^weft_gateway_waiting_requests (\d+)$", text, re.M)[1])

    def test_a_client_that_goes_away_frees_its_place(self):
        before = self.waiting()
        body = json.dumps({"type": "left"}).encode()
        with socket.create_connection(self.gateway.address) as client:
            client.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nPrefer: wait=60\r\n"
                           b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            job_id = self.submitted("left")
            self.assertEqual(self.waiting(), before + 1)
            began = time.monotonic()
        wait_for("the place is free", lambda: self.waiting() == before)
        self.assertLess(time.monotonic() - began, 30, "long before the wait is over")
        wait_for("nobody asks for it", lambda: not any(ask.status.job_id == job_id for _, _, ask in self.broker.waiting))


if __name__ == "__main__":
    unittest.main()
