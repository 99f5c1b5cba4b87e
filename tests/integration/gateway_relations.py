"""What jobs may ask of each other, through gateway, broker and worker."""

import os
import tempfile
import unittest

from lib_broker import Broker
from lib_gateway import Gateway, wait_for


class Relations(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory(prefix="weft-relations-")
        self.addCleanup(self.place.cleanup)
        self.broker = Broker(os.path.join(self.place.name, "broker"))
        self.addCleanup(lambda: self.broker.close())
        self.gateway = Gateway(self.broker.zmq)
        self.addCleanup(self.gateway.close)
        self.gateway.wait_ready()

    def submit(self, **fields):
        return self.gateway.submit({"type": "act", **fields})

    def status(self, answer):
        return self.gateway.ask("GET", answer.json["status_url"]).json


class Unique(Relations):
    def test_a_held_key_refuses_others_and_names_its_holder(self):
        first = self.submit(unique={"key": "k"})
        self.assertEqual(first.status, 202, first)
        self.assertEqual(self.status(first)["unique_key"], "k")
        second = self.submit(unique={"key": "k", "for": "1h"})
        self.assertEqual((second.status, second.json["code"]), (409, "WEFT-1030"), second)
        self.assertEqual(second.json["holder_id"], first.json["job_id"])
        self.assertEqual(self.submit(unique={"key": "k"}, queue="other").status, 202)
        self.broker.wait_for_metric("weft_unique_keys", 2)

    def test_the_same_submission_is_a_replay_not_a_conflict(self):
        body = {"type": "act", "unique": {"key": "k"}}
        first = self.gateway.submit(body, Idempotency_Key="one")
        again = self.gateway.submit(body, Idempotency_Key="one")
        self.assertEqual((again.status, again.json["job_id"]), (202, first.json["job_id"]))
        changed = self.gateway.submit({**body, "unique": {"key": "k", "for": "1h"}}, Idempotency_Key="one")
        self.assertEqual(changed.status, 422)

    def test_a_kept_key_outlives_the_broker_and_ends_at_its_moment(self):
        first = self.submit(unique={"key": "k", "for": "1s"})
        self.assertEqual(first.status, 202, first)
        endpoint = self.broker.zmq
        self.broker.close()
        self.broker = Broker(os.path.join(self.place.name, "broker"), "--zmq", endpoint)
        self.broker.wait_for_metric("weft_unique_keys", 1)
        wait_for("the end of the key", lambda: self.submit(unique={"key": "k"}).status == 202)

    def test_bad_keys_are_refused_by_name(self):
        for unique in ({}, {"key": ""}, {"key": " k"}, {"key": "k", "while": "queued"}, {"key": "k", "for": "0s"}):
            answer = self.submit(unique=unique)
            self.assertEqual(answer.status, 400, answer)
            self.assertIn("unique", answer.json["detail"])


if __name__ == "__main__":
    unittest.main()
