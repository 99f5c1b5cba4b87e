"""Backpressure: credit holds for a worker that is stopped, a slow one slows nobody, and a full queue says when to come
again at both doors. Prints the figures that docs/limits.md has."""

import os
import signal
import subprocess
import time
import unittest

from lib_broker import ERR, BrokerTest, fresh_id, pb
from lib_gateway import Gateway, wait_for

CREDIT = 4
JOBS = 400


class Backpressure(BrokerTest):
    def drain(self, worker, count):
        """Takes and finishes `count` jobs; jobs a second."""
        begun = time.monotonic()
        done = 0
        while done < count:
            jobs = [job for job, _ in worker.take_jobs(1)]
            said = worker.ask(pb.Finish(jobs=[pb.FinishJob(job_id=j.job_id, token=j.token, outcome=pb.OUTCOME_SUCCEEDED)
                                              for j in jobs]))
            done += sum(row.error == 0 for row in said.jobs)
        return done / (time.monotonic() - begun)

    def held_by(self, peer, name):
        """(jobs in its hands, slots) of the worker."""
        for row in peer.ask(pb.WorkerList()).workers:
            if row.name == name:
                return row.running, row.slots
        return 0, 0

    def submit(self, client, count, **fields):
        for _ in range(count // 100):
            said = client.submit(*({"job_id": fresh_id(), **fields} for _ in range(100)))
            self.assertEqual({row.error for row in said}, {0})

    def test_a_stopped_worker_holds_its_credit_and_no_more(self):
        served = self.broker("--lease", "3s", "--renew", "500ms")
        client = self.peer(served)
        alone = self.worker(served, "test", slots=CREDIT)
        self.submit(client, JOBS)
        rate_alone = self.drain(alone, JOBS)
        alone.ask(pb.Ready(types=["test"], slots=0, quiet=True))

        stopped = subprocess.Popen([os.environ["WEFT_BIN"], "worker", "test", "-c", str(CREDIT), "--broker", served.zmq,
                                    "--data", os.path.join(self.data, "w"), "--name", "stopped", "--", "sleep", "60"],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(stopped.stdout.close)
        self.addCleanup(stopped.wait)
        self.addCleanup(stopped.kill)
        self.assertTrue(stopped.stdout.readline().startswith("ready "))
        wait_for("its credit", lambda: self.held_by(client, "stopped") == (0, CREDIT))
        stopped.send_signal(signal.SIGSTOP)
        self.addCleanup(stopped.send_signal, signal.SIGCONT)
        self.submit(client, JOBS)
        most = 0
        for _ in range(50):
            held, slots = self.held_by(client, "stopped")
            self.assertLessEqual(held, CREDIT)
            self.assertEqual(slots, CREDIT)
            most = max(most, held)
        self.assertEqual(most, CREDIT)
        # All others go to somebody else meanwhile, and those of the stopped one when their leases have passed.
        alone.ask(pb.Ready(types=["test"], slots=CREDIT))
        rate_beside = self.drain(alone, JOBS - CREDIT)
        self.drain(alone, CREDIT)
        # A passed lease gives no credit back: only the worker's word does, or the end of its session.
        self.assertEqual(self.held_by(client, "stopped"), (CREDIT, CREDIT))
        print(f"stopped worker: {most} of {JOBS} jobs held, credit {CREDIT}; another drains {rate_alone:,.0f} jobs/s "
              f"alone, {rate_beside:,.0f} beside it")

    def test_a_slow_worker_does_not_slow_others(self):
        served = self.broker()
        client = self.peer(served)
        slow = self.worker(served, "test", slots=1)
        fast = self.worker(served, "test", slots=CREDIT)
        slow_job = client.submit({"job_id": fresh_id()})[0].job_id
        self.submit(client, JOBS)
        # Whichever came first has it; the slow one sits on one job all the time.
        (kept, _), = slow.take_jobs(1)
        rate = self.drain(fast, JOBS)
        counted = client.ask(pb.List(states=1 << pb.STATE_RUNNING)).jobs
        self.assertEqual([job.job_id for job in counted], [kept.job_id])
        self.assertEqual(slow.finish(kept).error, 0)
        self.assertEqual(client.status(slow_job).state, pb.STATE_SUCCEEDED)
        print(f"slow worker: {JOBS} jobs pass it at {rate:,.0f} jobs/s")

    def test_a_full_queue_says_when_to_come_again_at_both_doors(self):
        served = self.broker("--job-count-max", "50")
        client, worker = self.peer(served), self.worker(served, "test", slots=1)
        gateway = Gateway(served.zmq, data=os.path.join(self.data, "gateway"))
        self.addCleanup(gateway.close)
        gateway.wait_ready()
        said = [client.submit({"job_id": fresh_id()})[0] for _ in range(50)]
        self.assertEqual({row.error for row in said}, {0})
        refused, = client.submit({"job_id": fresh_id()})
        self.assertEqual(refused.error, ERR["ERR_FULL"])
        self.assertGreater(refused.retry_after_ms, 0)
        answer = gateway.submit({"type": "test"})
        self.assertEqual(answer.status, 429, answer)
        self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
        # What was begun may be ended, and makes room at both.
        (job, _), = worker.take_jobs(1)
        self.assertEqual(worker.finish(job).error, 0)
        wait_for("there is room", lambda: client.submit({"job_id": fresh_id()})[0].error == 0)
        (job, _), = worker.take_jobs(1)
        self.assertEqual(worker.finish(job).error, 0)
        wait_for("there is room", lambda: gateway.submit({"type": "test"}).status == 202)
        print(f"full queue: retry after {refused.retry_after_ms} ms, Retry-After: {answer.headers['Retry-After']}")

    def accepted(self, client):
        """How many jobs its tenant has at the broker."""
        jobs = client.ask(pb.List(limit=1000)).jobs
        return len({job.job_id for job in jobs})

    def check_bound(self, served, error, problem, **headers):
        """Three unfinished jobs and no more, whoever brings the fourth; one that ends makes room for one."""
        client, worker = self.peer(served), self.worker(served, "test", slots=1)
        gateway = Gateway(served.zmq, data=os.path.join(self.data, "gateway"))
        self.addCleanup(gateway.close)
        gateway.wait_ready()
        self.assertEqual(client.submit({"job_id": fresh_id()})[0].error, 0)
        (running, _), = worker.take_jobs(1)
        self.assertEqual(gateway.submit({"type": "test"}).status, 202)
        last = gateway.submit({"type": "test"})
        self.assertEqual((last.status, {name: last.headers[name] for name in headers}), (202, headers))
        for _ in range(2):
            job_id = fresh_id()
            refused, = client.submit({"job_id": job_id})
            self.assertEqual(refused.error, error)
            self.assertGreater(refused.retry_after_ms, 0)
            self.assertEqual(client.status(job_id).error, ERR["ERR_NOT_FOUND"])
            answer = gateway.submit({"type": "test"})
            self.assertEqual((answer.status, answer.json["type"]), (429, "urn:weft:problem:" + problem))
            self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
            self.assertEqual(self.accepted(client), 3, "nothing is stored")
        stranger = self.peer(served, tenant="acme")
        self.assertEqual(stranger.submit({"job_id": fresh_id()})[0].error, 0, "another tenant has room of its own")
        # One that came over HTTP begins, and what it leaves is filled over HTTP; then the same the other way round.
        self.assertEqual(worker.finish(running).error, 0)
        self.assertEqual(gateway.submit({"type": "test"}).status, 202)
        self.assertEqual(client.submit({"job_id": fresh_id()})[0].error, error)
        (running, _), = worker.take_jobs(1)
        self.assertEqual(worker.finish(running).error, 0)
        self.assertEqual(client.submit({"job_id": fresh_id()})[0].error, 0)
        self.assertEqual(gateway.submit({"type": "test"}).status, 429)
        self.assertEqual(self.accepted(client), 5)
        return refused.retry_after_ms, answer.headers["Retry-After"]

    def test_a_tenants_open_jobs_are_bounded_at_both_doors(self):
        served = self.broker("--tenant-open-max", "3")
        retry = self.check_bound(served, ERR["ERR_QUOTA"], "quota", **{"RateLimit": '"open-jobs";r=0'})
        print("open jobs of a tenant: retry after {} ms, Retry-After: {}".format(*retry))

    def test_a_queues_open_jobs_are_bounded_at_both_doors(self):
        served = self.broker()
        self.peer(served).ask(pb.QueueSet(queue="default", open_max=3))
        retry = self.check_bound(served, ERR["ERR_FULL"], "full")
        print("open jobs of a queue: retry after {} ms, Retry-After: {}".format(*retry))


if __name__ == "__main__":
    unittest.main()
