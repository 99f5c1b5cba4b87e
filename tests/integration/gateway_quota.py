"""The quota of unfinished jobs, against a real broker: through both doors, exact, and over a kill."""

import json
import os
import unittest

from lib_broker import ERR, PATIENCE_S, BrokerTest, fresh_id, pb
from lib_clock import Clock
from lib_gateway import Gateway, token_verb

JOB = {"type": "nobody.takes", "payload": 1}


class Quota(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()

    def gateway(self):
        gateway = Gateway(self.served.zmq)
        self.addCleanup(gateway.close)
        gateway.wait_ready()
        self.token = {"Authorization": "Bearer " + gateway.token("ci", "--tenant", "acme", "--scopes", "submit,read")}
        return gateway

    def limit(self, gateway, *flags):
        token_verb("limit", "acme", *flags, tokens=os.path.join(gateway.data, "tokens"))

    def told(self, answer):
        return answer.status, answer.headers["RateLimit-Policy"], answer.headers["RateLimit"]

    def test_retry_after_is_how_fast_its_jobs_end(self):
        self.served.close()
        clock = Clock(os.path.join(self.data, "clock"), stands=True)
        self.served = self.broker(env=clock.env)
        gateway = self.gateway()
        self.limit(gateway, "--open-jobs", "2")
        ids = [gateway.submit(JOB, **self.token).json["job_id"] for _ in range(2)]

        def told():
            refused = gateway.submit(JOB, **self.token)
            self.assertEqual(refused.status, 429)
            return int(refused.headers["Retry-After"])
        self.assertEqual(told(), 1)
        # Nothing ends, so it is said to take longer and longer; then two have ended in that time.
        for _ in range(PATIENCE_S):
            clock.advance(1)
            if (span := told()) >= 3:
                break
        client = self.peer(self.served)
        for job_id in ids:
            client.ask(pb.Act(kind=pb.ACT_CANCEL, job_id=bytes.fromhex(job_id.replace("-", "")), act_id=fresh_id()),
                       tenant="acme")
        for _ in range(2):
            self.assertEqual(gateway.submit(JOB, **self.token).status, 202)
        self.assertLess(told(), span)

    def test_a_tenant_has_as_many_as_it_may_and_no_more(self):
        gateway = self.gateway()
        self.limit(gateway, "--open-jobs", "2")
        first = gateway.submit(JOB, **self.token, **{"Idempotency-Key": "one"})
        self.assertEqual(self.told(first), (202, '"open-jobs";q=2', '"open-jobs";r=1'))
        dry = gateway.ask("POST", "/v1/jobs?dry_run=true", json.dumps(JOB), **{"Content-Type": "application/json"}, **self.token)
        self.assertEqual((dry.json["would_be"], dry.json["quota_left"]), ("accepted", 1), dry)
        self.assertEqual(gateway.submit(JOB, **self.token).headers["RateLimit"], '"open-jobs";r=0')
        refused = gateway.submit(JOB, **self.token)
        self.assertEqual(self.told(refused), (429, '"open-jobs";q=2', '"open-jobs";r=0'))
        self.assertEqual(refused.json["code"], "WEFT-1037")
        self.assertIn("unfinished jobs", refused.json["detail"])
        self.assertGreaterEqual(int(refused.headers["Retry-After"]), 1)
        dry = gateway.ask("POST", "/v1/jobs?dry_run=true", json.dumps(JOB), **{"Content-Type": "application/json"}, **self.token)
        self.assertEqual((dry.json["would_be"], dry.json["problem"]), ("refused", refused.json))
        again = gateway.submit(JOB, **self.token, **{"Idempotency-Key": "one"})
        self.assertEqual((again.status, again.json["job_id"]), (202, first.json["job_id"]))
        self.served.wait_for_metric("weft_submitted_total", 2)
        # Of a batch the records that fit are taken, or none.
        self.assertEqual(gateway.ask("POST", f"/v1/jobs/{first.json['job_id']}:cancel", **self.token).status, 200)
        lines = "\n".join([json.dumps(JOB)] * 3).encode()
        head = {"Content-Type": "application/x-ndjson", **self.token}
        whole = gateway.ask("POST", "/v1/batches?mode=atomic", lines, **head)
        self.assertEqual({record["problem"]["code"] for record in whole.json["rejections"]}, {"WEFT-1037"}, whole)
        self.assertEqual((whole.status, whole.headers["RateLimit"]), (429, '"open-jobs";r=1'))
        part = gateway.ask("POST", "/v1/batches", lines, **head)
        self.assertEqual((part.status, part.json["accepted"], part.json["rejected"]), (202, 1, 2), part)
        self.assertEqual(part.headers["RateLimit"], '"open-jobs";r=0')
        self.limit(gateway)
        self.assertEqual(self.told(gateway.submit(JOB, **self.token)), (202, None, None))

    def test_it_is_counted_over_a_kill_and_at_the_other_door(self):
        client = self.peer(self.served)

        def submit(count, **more):
            jobs = [pb.SubmitJob(job_id=fresh_id(), queue="default", type="t") for _ in range(count)]
            return client.ask(pb.Submit(jobs=jobs, **more))

        said = submit(3, tenant_open_max=2)
        self.assertEqual([job.error for job in said.jobs], [0, 0, ERR["ERR_QUOTA"]])
        self.assertEqual((said.open_max, said.open_left), (2, 0))
        self.served.kill()
        self.served = self.broker("--tenant-open-max", "3")
        client = self.peer(self.served)
        said = submit(1, tenant_open_max=2)
        self.assertEqual(([job.error for job in said.jobs], said.open_max, said.open_left), ([ERR["ERR_QUOTA"]], 2, 0))
        said = submit(2)
        self.assertEqual(([job.error for job in said.jobs], said.open_max, said.open_left), ([0, ERR["ERR_QUOTA"]], 3, 0))
        client.ask(pb.Act(kind=pb.ACT_CANCEL, job_id=said.jobs[0].job_id, act_id=fresh_id()))
        told = submit(1, dry_run=True)
        self.assertEqual((told.forecasts[0].quota_left, told.open_left), (1, 1))


if __name__ == "__main__":
    unittest.main()
