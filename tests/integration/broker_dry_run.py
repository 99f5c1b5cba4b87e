"""Dry runs over the wire: what would be, and that nothing is."""

import os
import unittest

from lib_broker import ERR, BrokerTest, fresh_id, pb
from lib_clock import Clock

WAIT_S = 8  # the longest --simulate-wait


class DryRun(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.client = self.peer(self.served)

    def serve_patiently(self, **options):
        """A worker's word may take a while; it is late when a clock of the test says so."""
        self.served.stop()
        self.served = self.broker("--simulate-wait", f"{WAIT_S}s", **options)
        self.client = self.peer(self.served)

    def dry_run(self, *jobs, **more):
        return self.client.ask(pb.Submit(jobs=[pb.SubmitJob(**job) for job in jobs], dry_run=True, **more))

    def job(self, **more):
        return {"job_id": fresh_id(), "queue": "default", "type": "t", **more}

    def test_nothing_changes(self):
        job = self.job(max_attempts=2)
        told = self.dry_run(job)
        self.assertEqual((told.jobs[0].error, told.jobs[0].state), (0, pb.STATE_QUEUED))
        self.assertEqual((told.forecasts[0].max_attempts, told.forecasts[0].timeout_ms), (2, 30000))
        self.assertEqual(self.client.ask(pb.Status(job_id=job["job_id"])).error, ERR["ERR_NOT_FOUND"])
        self.assertEqual(self.dry_run(self.job(type="Not a type")).jobs[0].error, ERR["ERR_BAD_FIELD"])
        self.assertEqual(self.client.submit(job)[0].replayed, False)
        self.assertEqual(self.dry_run(job).jobs[0].replayed, True)
        self.served.wait_for_metric("weft_submitted_total", 1)
        self.assertEqual((self.served.metric("weft_refused_total"), self.served.metric("weft_replayed_total")), (0, 0))

    def test_a_schema_is_asked(self):
        schema = b'{"type": "object"}'
        self.client.ask(pb.TypeSet(type="t", schema=pb.Part(length=len(schema), content=pb.CONTENT_JSON)), schema)
        told = self.dry_run(self.job()).jobs[0]
        self.assertEqual(told.error, ERR["ERR_SCHEMA"])
        self.assertIn('"schema_path":"/type"', told.violations)

    def simulator(self, **offer):
        worker = self.peer(self.served, role=pb.ROLE_WORKER, worker_id=os.urandom(16))
        worker.ask(pb.Ready(types=["t", "u"], slots=1, **{"simulates": ["t"], "simulation_slots": 1, **offer}))
        return worker

    def begin(self, client=None, **more):
        """A dry run whose answer is to come."""
        client = client or self.client
        payload = b'{"n":7}'
        return client.send(pb.Submit(jobs=[pb.SubmitJob(**self.job(**more), payload=pb.Part(
            length=len(payload), content=pb.CONTENT_JSON))], dry_run=True), payload)

    def asked(self, worker):
        envelope, block = worker.receive()
        self.assertEqual(envelope.WhichOneof("body"), "simulate")
        return envelope, block

    def test_a_worker_says_what_would_become_of_it(self):
        self.serve_patiently()
        worker, other = self.simulator(simulates=["t"]), self.peer(self.served, role=pb.ROLE_WORKER, worker_id=os.urandom(16))
        corr = self.begin(traceparent="00-1", labels=pb.Labels(tags=["x"]))
        envelope, block = self.asked(worker)
        job, = envelope.simulate.jobs
        self.assertEqual((job.type, job.queue, job.attempt, job.token, job.traceparent, list(job.labels.tags), block),
                         ("t", "default", 1, 0, "00-1", ["x"], b'{"n":7}'))
        self.assertEqual(envelope.simulate.wait_ms, 1000 * WAIT_S)
        # Nobody else's word counts, nor one that breaks the rules.
        self.assertEqual(self.refusal(other, envelope.corr, ok=True), ERR["ERR_NOT_FOUND"])
        self.assertEqual(self.refusal(worker, envelope.corr + 1, ok=True), ERR["ERR_NOT_FOUND"])
        self.assertEqual(self.refusal(self.client, envelope.corr, ok=True), ERR["ERR_BAD_FIELD"])
        self.assertEqual(self.refusal(worker, envelope.corr, ok=True, failure=pb.Worked(kind="x")), ERR["ERR_BAD_FIELD"])
        worker.send(pb.Simulated(ok=True, result=pb.Part(length=2, content=pb.CONTENT_JSON)), b"42", corr=envelope.corr)
        answer, block = self.client.answer(corr)
        told = answer.submitted.forecasts[0]
        self.assertEqual((told.simulation, told.simulated.content, block), (pb.SIMULATION_OK, pb.CONTENT_JSON, b"42"))
        # It fails, and one of the other type is not asked about.
        corr = self.begin()
        envelope, _ = self.asked(worker)
        worker.send(pb.Simulated(failure=pb.Worked(kind="no-row", message="there is no row 7")), corr=envelope.corr)
        told = self.client.answer(corr)[0].submitted.forecasts[0]
        self.assertEqual((told.simulation, told.failure.kind), (pb.SIMULATION_FAILED, "no-row"))
        self.assertEqual(self.dry_run(self.job(type="u")).forecasts[0].simulation, pb.SIMULATION_NONE)
        self.assertEqual(list(self.client.ask(pb.List()).jobs), [])
        self.assertEqual(self.served.metric("weft_submitted_total"), 0)

    def refusal(self, peer, corr, **fields):
        peer.send(pb.Simulated(**fields), corr=corr)
        return peer.answer(corr)[0].error.error

    def test_a_worker_that_is_late_gone_or_full_keeps_nobody_waiting(self):
        clock = Clock(os.path.join(self.data, "clock"))
        self.serve_patiently(env=clock.env)
        worker = self.simulator(simulation_slots=1)
        corr = self.begin()
        envelope, _ = self.asked(worker)
        self.assertEqual(self.simulation_of(self.begin()), pb.SIMULATION_BUSY)
        clock.advance(WAIT_S)
        worker.ask(pb.Renew())  # a broker that sleeps looks at the clock when it is asked something
        self.assertEqual(self.simulation_of(corr), pb.SIMULATION_LATE)
        self.assertEqual(self.simulation_of(self.begin()), pb.SIMULATION_BUSY)
        worker.send(pb.Simulated(ok=True), corr=envelope.corr)  # late: the slot is free
        worker.ask(pb.Renew())
        corr = self.begin()
        self.asked(worker)
        worker.send(pb.Bye(reason="off"))
        self.assertEqual(self.simulation_of(corr), pb.SIMULATION_GONE)
        self.assertEqual(self.simulation_of(self.begin()), pb.SIMULATION_NONE)
        for verdict, count in (("busy", 2), ("late", 1), ("gone", 1)):
            self.served.wait_for_metric(f'weft_simulations_total{{verdict="{verdict}"}}', count)

    def simulation_of(self, corr):
        return self.client.answer(corr)[0].submitted.forecasts[0].simulation

    def test_as_many_as_an_atomic_one(self):
        jobs = [self.job() for _ in range(10_000)]
        self.assertEqual(sum(job.error for job in self.dry_run(*jobs).jobs), 0)
        self.assertEqual(self.dry_run(*jobs, atomic=True).jobs[9999].state, pb.STATE_QUEUED)


if __name__ == "__main__":
    unittest.main()
