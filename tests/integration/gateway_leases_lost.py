"""What becomes of leased jobs when a gateway or the broker dies."""

import concurrent.futures
import json
import os
import time
import uuid

from lib_beside import main_beside
from lib_broker import BrokerTest, pb
from lib_clock import Clock
from lib_gateway import Gateway, wait_for

LEASE_S = 30  # of a broker that is not told otherwise
WORKER_SILENCE_LEASES = 10  # broker/shell/main.c


class Lost(BrokerTest):
    def serve_by_a_clock(self):
        """Leases pass when the test says so, however long a step of it takes."""
        self.clock = Clock(os.path.join(self.data, "clock"))
        return self.broker("--renew", "200ms", env=self.clock.env)

    def gateway(self, served):
        made = Gateway(served.zmq)
        self.addCleanup(self.close, made)
        made.wait_ready()
        return made

    def close(self, gateway):
        if gateway.process.poll() is None:
            gateway.close()
            return
        gateway.drop()

    def post(self, gateway, path, body):
        return gateway.ask("POST", path, json.dumps(body), Content_Type="application/json")

    def lease(self, gateway, **more):
        return self.post(gateway, "/v1/leases", {"types": ["t"], "wait": "30s", **more}).json["jobs"]

    def say(self, gateway, job, verb, **more):
        return self.post(gateway, f"/v1/leases/{job['job_id']}:{verb}", {"token": job["token"], **more})

    def test_a_gateway_that_dies_loses_nothing(self):
        served = self.serve_by_a_clock()
        first, second = self.gateway(served), self.gateway(served)
        job_id = first.submit({"type": "t"}).json["job_id"]
        job, = self.lease(first)
        first.process.kill()
        first.process.wait()
        self.clock.advance(LEASE_S)
        again, = self.lease(second)
        self.assertEqual(again["job_id"], job_id)
        self.assertGreater(int(again["token"]), int(job["token"]))
        self.assertEqual(self.say(second, job, "finish").status, 409)
        self.assertEqual(self.say(second, again, "finish").status, 200)
        self.assertEqual(second.ask("GET", f"/v1/jobs/{job_id}").json["status"], "succeeded")

    def test_a_gateway_that_stops_keeps_the_jobs_in_hand_and_no_others(self):
        served = self.broker("--lease", "30m", "--renew", "10m", env={"WEFT_LOG_LEVEL": "debug"})
        first = self.gateway(served)
        job_id = first.submit({"type": "t"}).json["job_id"]
        self.lease(first)
        first.process.terminate()
        first.process.wait()
        client = self.peer(served)
        (line,) = client.ask(pb.WorkerList()).workers
        self.assertEqual((line.name, line.running, line.connected), ("http", 1, False))
        self.assertIn('peer.left reason="the gateway stops"', served.stderr())
        status = client.status(uuid.UUID(job_id).bytes)
        self.assertEqual((status.state, status.interruptions), (pb.STATE_RUNNING, 0))

    def test_a_late_word_through_another_gateway_counts_and_makes_no_worker(self):
        """The work is done; only the gateway that gave it out has gone."""
        served = self.serve_by_a_clock()
        first, second = self.gateway(served), self.gateway(served)
        job_id = first.submit({"type": "t"}).json["job_id"]
        job, = self.lease(first)
        first.process.kill()
        first.process.wait()
        self.assertEqual(self.say(second, job, "finish").status, 409, "its lease goes on")
        self.clock.advance(LEASE_S)
        wait_for("the lease has passed", lambda: second.ask("GET", f"/v1/jobs/{job_id}").json["status"] != "running")
        self.clock.advance(WORKER_SILENCE_LEASES * LEASE_S)
        wait_for("its worker is forgotten", lambda: not second.ask("GET", "/v1/workers").json["workers"])
        self.assertEqual(self.say(second, job, "renew").status, 409)
        for _ in range(2):
            self.assertEqual(self.say(second, job, "finish", result=[1]).status, 200)
        self.assertEqual(self.say(second, job, "fail").status, 409)
        self.assertEqual(second.ask("GET", f"/v1/jobs/{job_id}").json["result"], [1])
        self.assertEqual(second.ask("GET", "/v1/workers").json["workers"], [])

    def test_a_lease_that_nobody_renews_passes_and_one_that_is_renewed_stays(self):
        served = self.serve_by_a_clock()
        gateway = self.gateway(served)
        for _ in range(2):
            gateway.submit({"type": "t", "timeout": "1h"})
        jobs = self.lease(gateway)
        while len(jobs) < 2:
            jobs += self.lease(gateway)
        kept, lost = jobs
        for _ in range(6):
            self.clock.advance(LEASE_S / 3)
            self.assertEqual(self.say(gateway, kept, "renew").status, 200)
        again, = self.lease(gateway)
        self.assertEqual(again["job_id"], lost["job_id"])
        answer = self.say(gateway, lost, "renew")
        self.assertEqual((answer.status, answer.json["type"]), (409, "urn:weft:problem:stale-lease"))
        self.assertEqual([self.say(gateway, job, "finish").status for job in (kept, again)], [200, 200])

    def test_leases_outlive_the_broker(self):
        served = self.broker("--renew", "200ms")
        gateway = self.gateway(served)
        job_id = gateway.submit({"type": "t"}).json["job_id"]
        job, = self.lease(gateway)
        served.kill()
        started = self.broker("--renew", "200ms", zmq=served.zmq)
        wait_for("the gateway has found it", lambda: self.say(gateway, job, "renew").status == 200)
        self.assertEqual(self.say(gateway, job, "finish", result=1).status, 200)
        # Leases have a connection of their own; the other one may come back later.
        wait_for("the result", lambda: gateway.ask("GET", f"/v1/jobs/{job_id}").json.get("result") == 1)
        self.assertEqual(started.stop(), 0)

    def test_lessor_pools_max(self):
        LESSOR_POOLS_MAX = 32
        gateway = self.gateway(self.broker())

        def known(kind):
            """Who does not wish to wait is told 503 while the connection that the types get is being made."""
            wait_for("the broker knows it", lambda: self.post(gateway, "/v1/leases", {"types": [kind]}).status == 200)
        with concurrent.futures.ThreadPoolExecutor(LESSOR_POOLS_MAX) as pool:
            for asked in [pool.submit(known, f"t{n}") for n in range(LESSOR_POOLS_MAX)]:
                asked.result()
        answer = self.post(gateway, "/v1/leases", {"types": ["one.more"]})
        self.assertEqual((answer.status, answer.headers["Retry-After"]), (429, "1"))
        began = time.monotonic()
        self.assertEqual(self.post(gateway, "/v1/leases", {"types": ["t7"]}).status, 200)
        self.assertGreaterEqual(time.monotonic() - began, 0.25, "the least that a question waits")

    def test_lessor_held_max(self):
        LESSOR_HELD_MAX = 1024
        gateway = self.gateway(self.broker())
        body = json.dumps([{"type": "t"}] * (LESSOR_HELD_MAX + 1))
        self.assertEqual(gateway.ask("POST", "/v1/batches", body, Content_Type="application/json").status, 202)
        jobs = []
        while len(jobs) < LESSOR_HELD_MAX:
            jobs += self.lease(gateway, max=64)
        self.assertEqual(len({job["job_id"] for job in jobs}), LESSOR_HELD_MAX)
        self.assertEqual(self.post(gateway, "/v1/leases", {"types": ["t"]}).status, 429)
        self.assertEqual(self.say(gateway, jobs[0], "finish").status, 200)
        self.assertEqual(len(self.lease(gateway)), 1)

    def test_without_a_broker_it_is_said_so(self):
        served = self.broker()
        gateway = self.gateway(served)
        served.kill()
        answer = self.post(gateway, "/v1/leases", {"types": ["t"], "wait": "1s"})
        self.assertEqual((answer.status, answer.json["type"]), (503, "urn:weft:problem:no-broker"))


if __name__ == "__main__":
    main_beside(3)
