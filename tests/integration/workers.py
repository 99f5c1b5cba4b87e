"""Which workers are there: over the wire, over HTTP, from the shell."""

import json
import os
import subprocess
import unittest
import uuid

from lib_broker import BrokerTest, pb
from lib_gateway import Gateway


class Workers(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.client = self.peer(self.served)

    def test_all_are_listed_page_by_page(self):
        workers = [self.worker(self.served, "resize", slots=2) for _ in range(5)]
        for worker in workers:
            worker.ask(pb.Renew())  # its READY has been heard
        seen, cursor = [], 0
        while True:
            page = self.client.ask(pb.WorkerList(cursor=cursor, limit=2))
            self.assertLessEqual(len(page.workers), 2)
            seen += [line.worker_id for line in page.workers]
            cursor = page.cursor
            if cursor == 0:
                break
        self.assertEqual(sorted(seen), sorted(worker.worker_id for worker in workers))
        self.assertEqual(len(self.client.ask(pb.WorkerList(limit=64)).workers), 5)
        self.assertEqual(len(self.client.ask(pb.WorkerList(limit=1000)).workers), 5)  # as if 64

    def test_a_line_tells_what_it_serves_and_has(self):
        gateway = Gateway(self.served.zmq)
        self.addCleanup(gateway.close)
        gateway.wait_ready()
        self.assertEqual(gateway.ask("GET", "/v1/workers").json, {"workers": []})
        worker = self.worker(self.served, "resize", "send", slots=3)
        self.assertEqual(gateway.submit({"type": "send"}).status, 202)
        worker.take_jobs(1)
        worker_id = str(uuid.UUID(bytes=worker.worker_id))
        line, = gateway.ask("GET", "/v1/workers").json["workers"]
        self.assertRegex(line.pop("since"), r"^20\d\d-")
        self.assertEqual(line, {"worker_id": worker_id, "name": "test", "status": "serving", "slots": 3,
                                "running": 1, "types": ["resize", "send"]})
        self.assertEqual(gateway.ask("POST", f"/v1/workers/{worker_id}:stop").status, 202)
        page = gateway.ask("GET", "/v1/workers?limit=1").json
        self.assertEqual([line["status"] for line in page["workers"]], ["stopping"])
        self.assertEqual(gateway.ask("GET", "/v1/workers?cursor=1").json, {"workers": []})
        self.assertEqual(gateway.ask("GET", "/v1/workers?queue=a").status, 400)

    def weft(self, *words):
        done = subprocess.run([os.environ["WEFT_BIN"], *words, "--broker", self.served.zmq], capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_the_shell_shows_them(self):
        worker = self.worker(self.served, "resize", slots=3)
        worker.ask(pb.Renew())
        worker_id = str(uuid.UUID(bytes=worker.worker_id))
        head, line = self.weft("workers", "list").splitlines()
        self.assertEqual(head.split(), ["WORKER", "NAME", "STATUS", "RUNNING", "SINCE", "TYPES"])
        words = line.split()
        self.assertEqual([*words[:4], words[5]], [worker_id, "test", "serving", "0/3", "resize"])
        told = json.loads(self.weft("workers", "list", "-o", "json"))
        self.assertEqual([line["worker_id"] for line in told["workers"]], [worker_id])


if __name__ == "__main__":
    unittest.main()
