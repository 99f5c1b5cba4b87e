"""What is over is removed: bodies by retention, keys by their window."""

import os
import subprocess
import time

from lib_beside import main_beside
from lib_broker import ERR, PATIENCE_S, BrokerTest, fresh_id, pb
from lib_gateway import wait_for

LOAD = os.path.join(os.environ["WEFT_BUILD"], "tests", "load")


class Retention(BrokerTest):
    def finished_job(self, broker, **fields):
        """A job that is done, keyed unless told otherwise; its SubmitJob fields."""
        client = self.peer(broker)
        fields = {"payload": b"1", "type": "r", **fields}
        answer, = client.submit(fields)
        self.assertEqual(answer.error, 0)
        worker = self.worker(broker, "r")
        (job, _), = worker.take_jobs(1)
        self.assertEqual(worker.finish(job, result=b"done").error, 0)
        worker.send(pb.Bye())  # a worker that comes later shall get what comes later
        return {**fields, "job_id": answer.job_id}

    def wait_gone(self, broker, client, job_id, count, error="ERR_GONE"):
        """The figure is of what is decided, the answer of what is on the disk."""
        broker.wait_for_metric('weft_jobs{state="removed"}', count)
        wait_for("it is gone", lambda: client.status(job_id).error == ERR[error])

    def test_a_kept_job_goes_and_its_key_stays_taken(self):
        served = self.broker("--keep", "1s")
        job = self.finished_job(served, key="k")
        client = self.peer(served)
        self.wait_gone(served, client, job["job_id"], 1)
        again, = client.submit(job)
        self.assertEqual((again.error, again.replayed, again.state), (0, True, pb.STATE_REMOVED))
        other, = client.submit({**job, "payload": b"2"})
        self.assertEqual(other.error, ERR["ERR_KEY_REUSED"])
        self.assertEqual(served.metric("weft_conservation_difference"), 0)
        self.assertEqual(served.metric("weft_store_violations_total"), 0)

    def test_a_key_whose_window_is_over_makes_a_new_job(self):
        served = self.broker("--keep", "1s", "--dedup-window", "1s")
        job = self.finished_job(served, key="k")
        served.wait_for_metric("weft_keys", 0)
        client = self.peer(served)
        self.wait_gone(served, client, job["job_id"], 1, "ERR_NOT_FOUND")
        again, = client.submit({**job, "payload": b"other"})
        self.assertEqual((again.error, again.replayed, again.state), (0, False, pb.STATE_QUEUED))
        self.assertEqual(again.job_id, job["job_id"])
        (granted, payload), = self.worker(served, "r").take_jobs(1)
        self.assertEqual(payload, b"other")
        self.assertGreater(granted.generation, 1)

    def test_hundreds_go_in_pieces(self):
        served = self.broker("--keep", "1s")
        client = self.peer(served)
        client.submit(*({"job_id": fresh_id(), "type": "r"} for _ in range(1000)))
        worker = self.worker(served, "r", slots=1000)
        jobs = [job for job, _ in worker.take_jobs(1000)]
        worker.ask(pb.Finish(jobs=[pb.FinishJob(job_id=job.job_id, token=job.token,
                                                outcome=pb.OUTCOME_SUCCEEDED) for job in jobs]))
        self.wait_gone(served, client, jobs[-1].job_id, 1000)

    def test_jobs_that_are_waited_for_do_not_hold_up_those_behind(self):
        # Each child waits for 100 that are done, and for one that nobody takes.
        served = self.broker("--keep", "1s", "--log-level", "error")
        client = self.peer(served)
        awaited = {"job_id": fresh_id(), "type": "never"}
        parents = [[fresh_id() for _ in range(99)] for _ in range(100)]
        self.assertEqual(client.submit(awaited)[0].error, 0)
        for ids in parents:
            client.submit(*({"job_id": job_id, "type": "r"} for job_id in ids))
        child = {"type": "never", "on_dependency_failure": pb.ON_FAILURE_RUN}
        children = client.submit(*({**child, "job_id": fresh_id(), "after": [awaited["job_id"], *ids]} for ids in parents))
        self.assertEqual({answer.error for answer in children}, {0})
        worker = self.worker(served, "r", slots=1000)
        left = 9900
        while left > 0:
            done = [pb.FinishJob(job_id=job.job_id, token=job.token, outcome=pb.OUTCOME_SUCCEEDED)
                    for job, _ in worker.take_jobs(1)]
            worker.ask(pb.Finish(jobs=done))
            left -= len(done)
        worker.send(pb.Bye())
        self.finished_job(served, job_id=fresh_id())
        begun = time.monotonic()
        served.wait_for_metric('weft_jobs{state="removed"}', 1)
        # A second of retention; SWEEP_REST_MS, not SWEEP_PINNED_REST_MS, for each 256 of 9,900 would be half a minute.
        self.assertLess(time.monotonic() - begun, 12)
        self.assertEqual(served.metric('weft_jobs{state="succeeded"}'), 9900)

    def load(self, served, mode, jobs, *words):
        process = subprocess.Popen([LOAD, mode, "--broker", served.zmq, "--jobs", str(jobs), *words],
                                   stdout=subprocess.PIPE)
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        process.kill()
        process.wait()
        process.stdout.close()

    def test_old_jobs_go_while_batches_are_full_of_new_ones(self):
        # A batch may change 1,280 jobs: four messages leave room for 256 more, not for the 512
        # changes that removing 256 jobs may make.
        served = self.broker("--keep", "1s", "--changed-count-max", "1280", "--log-level", "error")
        old = 20000
        worker = self.load(served, "work", old, "--connections", "1", "--slots", "320")
        self.assertEqual(worker.stdout.readline(), b"ready\n")
        crowd = ["--connections", "8", "--batch", "256", "--window", "40000"]
        self.assertEqual(self.load(served, "submit", old, *crowd).wait(PATIENCE_S), 0)
        self.assertEqual(worker.wait(PATIENCE_S), 0)
        removed = 0
        while removed < old:
            self.assertEqual(self.load(served, "submit", old, *crowd).wait(PATIENCE_S), 0)
            removed = served.metric('weft_jobs{state="removed"}')
        self.assertEqual(served.metric("weft_store_violations_total"), 0)

    def test_removal_survives_a_restart(self):
        first = self.broker("--keep", "1s")
        job = self.finished_job(first, key="k")
        self.wait_gone(first, self.peer(first), job["job_id"], 1)
        first.kill()
        second = self.broker("--keep", "1s")
        client = self.peer(second)
        self.assertEqual(client.status(job["job_id"]).error, ERR["ERR_GONE"])
        self.assertEqual(client.submit(job)[0].state, pb.STATE_REMOVED)
        second.wait_for_metric('weft_jobs{state="removed"}', 1)


if __name__ == "__main__":
    main_beside(3)
