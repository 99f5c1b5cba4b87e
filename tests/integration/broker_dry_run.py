"""Dry runs over the wire: what would be, and that nothing is."""

import unittest

from lib_broker import ERR, BrokerTest, fresh_id, pb


class DryRun(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
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

    def test_as_many_as_an_atomic_one(self):
        jobs = [self.job() for _ in range(10_000)]
        self.assertEqual(sum(job.error for job in self.dry_run(*jobs).jobs), 0)
        self.assertEqual(self.dry_run(*jobs, atomic=True).jobs[9999].state, pb.STATE_QUEUED)


if __name__ == "__main__":
    unittest.main()
