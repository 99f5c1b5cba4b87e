"""Concurrency keys over HTTP, with a real broker behind the gateway."""

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

    def test_an_order_without_a_key_is_refused_by_name(self):
        answer = self.gateway.submit({"type": "act", "order": "fifo"})
        self.assertEqual(answer.status, 400, answer)
        self.assertIn("order", answer.json["detail"])


if __name__ == "__main__":
    unittest.main()
