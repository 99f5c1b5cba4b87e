"""An atomic bulk over HTTP, with a kill at each failpoint of gateway and broker: 0 or all records are stored, and the
same request said again stores or replays all of them."""

import concurrent.futures
import http.client
import json
import os
import tempfile
import unittest

from lib_broker import Broker, Peer, pb
from lib_clock import Clock
from lib_gateway import Gateway, wait_for

COUNT = 1500
BODY = "".join(json.dumps({"type": "nobody", "payload": n}) + "\n" for n in range(COUNT)).encode()
HEAD = {"Content-Type": "application/x-ndjson", "Idempotency-Key": "all-or-none"}
PATH = "/v1/batches?mode=atomic"

# What is stored after a kill there; None: what was sent may have arrived or not.
AT_GATEWAY = {"gateway.before_submit": 0, "gateway.after_submit": None, "gateway.before_remember": COUNT, "gateway.before_answer": COUNT}
# The first commit is the new epoch's own, made before the doors open.
AT_BROKER = {"broker.before_commit:2": 0, "store.before_commit:2": 0, "store.after_commit:2": COUNT, "broker.after_commit:2": COUNT,
             "broker.before_release": COUNT}


class Kills(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory(prefix="weft-kills-")
        self.addCleanup(self.place.cleanup)

    def broker(self, name, env=None, zmq=None):
        broker = Broker(os.path.join(self.place.name, name), env=env, zmq=zmq)
        self.addCleanup(broker.close)
        return broker

    def gateway(self, broker, **more):
        gateway = Gateway(broker.zmq, **more)
        self.addCleanup(gateway.drop)
        gateway.wait_ready()
        return gateway

    def post(self, gateway):
        """The answer, or None: it broke off."""
        try:
            return gateway.ask("POST", PATH, BODY, **HEAD)
        except (http.client.HTTPException, OSError):
            return None

    def dead(self, gateway):
        self.assertEqual(gateway.process.wait(60), -9, gateway.stderr())

    def stored(self, broker):
        peer = Peer(broker.zmq)
        try:
            said = peer.ask(pb.QueueStatus(queue="default"))
            return said.queues[0].queued if said.error == 0 else 0
        finally:
            peer.close()

    def check(self, answer, gateway, stored):
        """All there is, and nothing twice."""
        self.assertEqual((answer.status, answer.json["accepted"], answer.json["replayed"]), (202, COUNT - stored, stored), answer)
        status = gateway.ask("GET", answer.json["status_url"]).json
        self.assertEqual(status["progress"], {"done": 0, "total": COUNT})

    def test_a_gateway_that_dies(self):
        for point, expected in AT_GATEWAY.items():
            with self.subTest(point):
                broker = self.broker(point)
                dying = self.gateway(broker, env={"WEFT_FAILPOINT": point})
                self.assertIsNone(self.post(dying))
                self.dead(dying)
                if expected is None:
                    stored = self.stored(broker)
                    self.assertIn(stored, (0, COUNT))
                else:
                    wait_for("the records", lambda: self.stored(broker) == expected)
                other = self.gateway(broker)
                answer = self.post(other)
                # What was on its way may have arrived meanwhile.
                self.check(answer, other, answer.json["replayed"] if expected is None else expected)
                self.assertEqual(self.stored(broker), COUNT)
                other.close()

    def test_a_broker_that_dies(self):
        """The gateway repeats what has no answer."""
        for point, expected in AT_BROKER.items():
            with self.subTest(point), concurrent.futures.ThreadPoolExecutor() as pool:
                dying = self.broker(point, env={"WEFT_FAILPOINT": point})
                # Its time stands while there is no broker, however long two starts of one take here.
                clock = Clock(os.path.join(self.place.name, f"{point}.clock"), stands=True)
                with clock.going():
                    gateway = self.gateway(dying, env=clock.env)
                answer = pool.submit(self.post, gateway)
                self.assertEqual(dying.process.wait(60), -9, dying.stderr())
                looked_at = self.broker(point)  # elsewhere, so that nobody speaks to it
                self.assertEqual(self.stored(looked_at), expected)
                looked_at.kill()
                broker = self.broker(point, zmq=dying.zmq)
                with clock.going():
                    self.check(answer.result(60), gateway, expected)
                self.assertEqual(self.stored(broker), COUNT)
                gateway.close()


if __name__ == "__main__":
    unittest.main()
