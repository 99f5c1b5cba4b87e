"""What bounds a broker beside its tables."""

import unittest

from lib_broker import BrokerTest, fresh_id, pb


class Limits(BrokerTest):
    def test_watch_count_max(self):
        """One question more than may wait is answered at once."""
        served = self.broker("--watch-count-max", "2")
        client = self.peer(served)
        ids = [fresh_id() for _ in range(3)]
        client.submit(*({"job_id": job_id} for job_id in ids))
        waiting = [client.send(pb.Status(job_id=job_id, version=1, wait_ms=60_000)) for job_id in ids[:2]]
        said = client.status(ids[2], wait_ms=60_000, version=1)
        self.assertEqual((said.state, said.version), (pb.STATE_QUEUED, 1))
        self.assertEqual(client.unasked, [])  # the others wait
        worker = self.worker(served)
        worker.take_jobs(1)
        envelope, _ = client.answer(waiting[0])
        self.assertEqual(envelope.status_is.state, pb.STATE_RUNNING)
        # Its place is free.
        again = client.send(pb.Status(job_id=ids[2], version=1, wait_ms=60_000))
        client.ask(pb.Act(kind=pb.ACT_CANCEL, job_id=ids[2], act_id=fresh_id()))
        self.assertEqual(client.answer(again)[0].status_is.state, pb.STATE_CANCELLED)


if __name__ == "__main__":
    unittest.main()
