"""Concurrency keys over HTTP, with a real broker behind the gateway."""

import json
import os
import subprocess
import tempfile
import unittest

from lib_broker import Broker
from lib_gateway import Gateway


class Sharing(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory(prefix="weft-sharing-")
        self.addCleanup(self.place.cleanup)
        self.broker = Broker(os.path.join(self.place.name, "broker"))
        self.addCleanup(lambda: self.broker.close())
        self.gateway = Gateway(self.broker.zmq)
        self.addCleanup(self.gateway.close)
        self.gateway.wait_ready()

    def test_a_key_and_its_order_are_told(self):
        """As they were given: mapping only."""
        answer = self.gateway.submit({"type": "act", "concurrency_key": "tenant-42", "order": "fifo-skip"})
        self.assertEqual(answer.status, 202, answer)
        status = self.gateway.ask("GET", answer.json["status_url"]).json
        self.assertEqual((status["concurrency_key"], status["order"]), ("tenant-42", "fifo-skip"))
        self.broker.wait_for_metric("weft_concurrency_keys", 1)

    def test_a_job_says_why_it_waits(self):
        for more, cause in [({}, "no_worker"), ({"delay": "1h"}, "scheduled")]:
            answer = self.gateway.submit({"type": "act", **more})
            status = self.gateway.ask("GET", answer.json["status_url"]).json
            self.assertEqual(status["waiting_on"], cause)
            shown = subprocess.run([os.environ["WEFT_BIN"], "job", "show", answer.json["job_id"], "--broker",
                                    self.broker.zmq], capture_output=True, text=True, timeout=30, check=True)
            self.assertRegex(shown.stdout, rf"(?m)^waiting on +{cause}$")

    def test_limits_of_a_queue(self):
        """Told as they were given: mapping only."""
        given = {"running_max": 3, "key_running_max": 2, "rate": {"count": 100, "per": "1m"},
                 "key_rate": {"count": 1, "per": "1h"}}
        path = "/v1/queues/default"
        answer = self.gateway.ask("PUT", path, json.dumps(given).encode(), Content_Type="application/json")
        self.assertEqual(answer.status, 200, answer)
        told = self.gateway.ask("GET", path).json
        self.assertEqual({name: told[name] for name in given}, given)
        status_url = self.gateway.submit({"type": "act", "cost": 7}).json["status_url"]
        self.assertEqual(self.gateway.ask("GET", status_url).json["cost"], 7)
        done = subprocess.run([os.environ["WEFT_BIN"], "queue", "set", "default", "--broker", self.broker.zmq,
                               "--running-max", "4", "--key-running-max", "5", "--rate", "6/7s", "--key-rate", "8/9m"],
                              capture_output=True, text=True, timeout=30, check=True)
        self.assertRegex(done.stdout, r"(?m)^rate +6/7s$")
        told = self.gateway.ask("GET", path).json
        self.assertEqual((told["running_max"], told["key_running_max"], told["rate"], told["key_rate"]),
                         (4, 5, {"count": 6, "per": "7s"}, {"count": 8, "per": "9m"}))

    def test_an_order_without_a_key_is_refused_by_name(self):
        answer = self.gateway.submit({"type": "act", "order": "fifo"})
        self.assertEqual(answer.status, 400, answer)
        self.assertIn("order", answer.json["detail"])


if __name__ == "__main__":
    unittest.main()
