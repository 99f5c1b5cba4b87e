"""A broker whose clock is hours from that of its clients: what has no key is taken all the same."""

import json
import os
import subprocess
import tempfile
import time
import unittest
import uuid

from lib_broker import ERR, PATIENCE_S, Broker, Peer, fresh_id, pb
from lib_gateway import Gateway

HOURS_S = (2 * 3600, -2 * 3600)


class ClockAhead(unittest.TestCase):
    def broker(self, ahead_s):
        place = tempfile.TemporaryDirectory(prefix="weft-clock-")
        self.addCleanup(place.cleanup)
        env = {"LD_PRELOAD": os.path.join(os.environ["WEFT_BUILD"], "tests", "clock_preload.so"),
               "WEFT_TEST_AHEAD_S": str(ahead_s),
               "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        broker = Broker(os.path.join(place.name, "broker"), env=env)
        self.addCleanup(broker.close)
        self.assertTrue(broker.is_ready, broker.stderr())
        return broker

    def gateway(self, broker):
        gateway = Gateway(broker.zmq)
        self.addCleanup(gateway.close)
        gateway.wait_ready()
        return gateway

    def weft(self, broker, *words, stdin=""):
        return subprocess.run([os.environ["WEFT_BIN"], *words, "--broker", broker.zmq], input=stdin, text=True,
                              capture_output=True, timeout=PATIENCE_S, check=False)

    def test_a_refusal_tells_the_time(self):
        for ahead_s in HOURS_S:
            peer = Peer(self.broker(ahead_s).zmq)
            self.addCleanup(peer.close)
            refused, = peer.submit({"job_id": fresh_id()})
            self.assertEqual(refused.error, ERR["ERR_ID_TOO_OLD"])
            self.assertLess(abs(refused.created_at_ms - (time.time() + ahead_s) * 1000), PATIENCE_S * 1000)
            taken, = peer.submit({"job_id": fresh_id(refused.created_at_ms)})
            self.assertEqual((taken.error, taken.state), (0, pb.STATE_QUEUED))

    def test_the_gateway_takes_what_has_no_key(self):
        records = b'{"type":"a"}\n{"type":"b","key":"k"}\n{"type":"c"}\n'
        for ahead_s in HOURS_S:
            broker = self.broker(ahead_s)
            single = self.gateway(broker)
            for _ in range(2):
                self.assertEqual(single.submit({"type": "a.b"}).status, 202)
            for query, body, count in (("", records[:13] * 3, 3), ("?mode=atomic", records, 3)):
                answer = self.gateway(broker).ask("POST", "/v1/batches" + query, body,
                                                  Content_Type="application/x-ndjson")
                self.assertEqual((answer.status, answer.json["accepted"], answer.json["rejected"]), (202, count, 0),
                                 answer)

    def test_the_command_submits_what_has_no_key(self):
        records = "".join(json.dumps(record) + "\n" for record in
                          ({"type": "a"}, {"type": "b", "key": uuid.uuid4().hex}, {"type": "c"}))
        for ahead_s in HOURS_S:
            broker = self.broker(ahead_s)
            pushed = self.weft(broker, "push", "a", "1")
            self.assertEqual(pushed.returncode, 0, pushed)
            for mode in ((), ("--atomic",)):
                pushed = self.weft(broker, "push", *mode, "--bulk", "-", stdin=records)
                self.assertEqual(pushed.returncode, 0, pushed)
                counts = pushed.stderr.removeprefix("weft push: ")
                self.assertIn(counts, ("3 accepted, 0 replayed, 0 refused\n", "2 accepted, 1 replayed, 0 refused\n"))


if __name__ == "__main__":
    unittest.main()
