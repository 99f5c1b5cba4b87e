#!/usr/bin/python3
"""What a burst of jobs leaves behind: their rows, and no buffers."""

import re
import time
import unittest

import lib_broker
from lib_broker import BrokerTest, fresh_id, pb

COUNT = 32768
PER_MESSAGE = 256


def anonymous_bytes(broker):
    with open(f"/proc/{broker.process.pid}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"^Anonymous:\s+(\d+) kB", file.read(), re.M)[1]) * 1024


def submission():
    return pb.Submit(jobs=[pb.SubmitJob(job_id=fresh_id(), type="test", queue="default")
                           for _ in range(PER_MESSAGE)])


class Memory(BrokerTest):
    def test_what_a_burst_has_touched_goes_back(self):
        broker = self.broker()
        client = self.peer(broker)
        burst = [submission() for _ in range(COUNT // PER_MESSAGE)]  # made before, else the broker keeps pace and may rest
        asked = [client.send(body) for body in burst]
        busy = 0
        for corr in asked:
            client.answer(corr)
            busy = max(busy, anonymous_bytes(broker))  # it may rest, and give back, before the last answer is read
        end = time.monotonic() + lib_broker.PATIENCE_S
        while anonymous_bytes(broker) > busy - 1024 * 1024 and time.monotonic() < end:
            time.sleep(0.05)
        self.assertLess(anonymous_bytes(broker), busy - 1024 * 1024)
        self.assertEqual(len(client.submit({"job_id": fresh_id()})), 1)  # and it goes on


if __name__ == "__main__":
    unittest.main()
