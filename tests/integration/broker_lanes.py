"""Names of queues' types make room for others when no job is kept that has them."""

import time
import unittest

from lib_broker import ERR, PATIENCE_S, BrokerTest, fresh_id, pb


class Lanes(BrokerTest):
    def run_one(self, served, name, queue=""):
        self.assertEqual(self.peer(served).submit({"key": name, "type": name, "queue": queue})[0].error, 0)
        worker = self.worker(served, name)
        job, _ = worker.take_jobs(1)[0]
        self.assertEqual(worker.finish(job).error, 0)
        worker.send(pb.Bye())

    def accept(self, client, name, queue=""):
        end = time.monotonic() + 3 * PATIENCE_S
        while True:
            error = client.submit({"job_id": fresh_id(), "type": name, "queue": queue})[0].error
            if error != ERR["ERR_FULL"] or time.monotonic() > end:
                return error
            time.sleep(0.2)

    def test_a_ninth_type_of_eight_is_taken_when_the_others_are_gone(self):
        flags = ["--lane-count-max", "8", "--keep", "1s", "--dedup-window", "1s"]
        served = self.broker(*flags)
        client = self.peer(served)
        for i in range(8):
            self.run_one(served, f"type-{i}")
        self.assertEqual(self.accept(client, "type-8"), 0)
        # What is there keeps its name, over a restart too.
        served.kill()
        served = self.broker(*flags)
        client = self.peer(served)
        served.wait_for_metric('weft_queue_ready{tenant="default",queue="default",type="type-8"}', 1)
        self.assertEqual(self.accept(client, "type-9"), 0)

    def test_a_queue_that_nothing_needs_makes_room(self):
        flags = ["--queue-count-max", "4", "--keep", "1s", "--dedup-window", "1s"]
        served = self.broker(*flags)
        client = self.peer(served)
        client.ask(pb.QueueSet(queue="kept", weight=3))
        for i in range(3):
            self.run_one(served, "test", f"queue-{i}")
        self.assertEqual(self.accept(client, "test", "queue-3"), 0)
        self.assertEqual(client.ask(pb.QueueStatus(queue="queue-0")).error, ERR["ERR_NOT_FOUND"])
        served.kill()
        served = self.broker(*flags)
        client = self.peer(served)
        self.assertEqual(client.ask(pb.QueueStatus(queue="kept")).queues[0].weight, 3)
        self.assertEqual(client.ask(pb.QueueStatus(queue="queue-3")).queues[0].queued, 1)
        self.assertEqual(client.ask(pb.QueueStatus(queue="queue-0")).error, ERR["ERR_NOT_FOUND"])


if __name__ == "__main__":
    unittest.main()
