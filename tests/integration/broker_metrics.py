"""Figures, health and the published tail."""

import json
import subprocess
import unittest

import zmq

from lib_broker import PATIENCE_S, BrokerTest, fresh_id, pb


class Metrics(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()

    def work(self, count):
        client = self.peer(self.served)
        ids = [fresh_id() for _ in range(count)]
        client.submit(*({"job_id": job_id} for job_id in ids))
        worker = self.worker(self.served, slots=count)
        for job, _ in worker.take_jobs(count):
            worker.finish(job)
        return ids

    def test_promtool_has_nothing_to_say(self):
        self.work(3)
        self.served.wait_for_metric('weft_finished_total{outcome="succeeded"}', 3)
        checked = subprocess.run(["promtool", "check", "metrics"], input=self.served.get(),
                                 capture_output=True, text=True, check=False)
        self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, "", ""))

    def test_the_figures_agree_with_what_was_done(self):
        self.work(5)
        client = self.peer(self.served)
        client.submit({"job_id": fresh_id(), "type": "other"})
        self.served.wait_for_metric("weft_submitted_total", 6)
        self.served.wait_for_metric('weft_jobs{state="succeeded"}', 5)
        self.served.wait_for_metric('weft_jobs{state="queued"}', 1)
        for name, value in [('weft_queue_ready{tenant="default",queue="default",type="other"}', 1),
                            ("weft_granted_total", 5), ("weft_leases", 0), ("weft_workers", 1),
                            ("weft_conservation_difference", 0), ("weft_store_violations_total", 0),
                            ("weft_store_damaged_total", 0)]:
            self.assertEqual(self.served.metric(name), value, name)
        self.assertGreater(self.served.metric("weft_commits_total"), 0)
        self.assertGreater(self.served.metric("weft_store_used_bytes"), 0)
        self.assertGreater(self.served.metric("weft_commit_seconds_count"), 0)
        self.assertGreater(self.served.metric("process_resident_memory_bytes"), 1000000)

    def test_health(self):
        self.assertEqual(self.served.get("/livez"), "alive\n")
        self.assertEqual(self.served.get("/readyz"), "ready\n")

    def test_the_tail_tells_every_transition(self):
        tail = zmq.Context.instance().socket(zmq.SUB)
        self.addCleanup(tail.close)
        tail.setsockopt(zmq.LINGER, 0)
        tail.setsockopt(zmq.SUBSCRIBE, b"default.test.")
        tail.connect(self.served.pub)
        client = self.peer(self.served)
        # The subscription arrives in its own time: submit until something is heard.
        before = []
        while not tail.poll(20):
            before.append(fresh_id().hex())
            client.submit({"job_id": bytes.fromhex(before[-1]), "type": "test"})
        job_id = fresh_id()
        client.submit({"job_id": job_id, "type": "test"})
        while True:
            self.assertTrue(tail.poll(PATIENCE_S * 1000))
            topic, body = tail.recv_multipart()
            told = json.loads(body)
            if told["job_id"].replace("-", "") not in before:
                break
        self.assertEqual(told["job_id"].replace("-", ""), job_id.hex())
        self.assertEqual(topic.decode(), f"default.test.queued.{told['job_id']}")
        self.assertEqual((told["state"], told["version"]), ("queued", 1))


if __name__ == "__main__":
    unittest.main()
