#!/usr/bin/env python3
"""What a job says of who is told of its end."""

import unittest

from lib_broker import ERR, BrokerTest, fresh_id, pb


class Webhooks(BrokerTest):
    def test_a_webhook_is_judged(self):
        client = self.peer(self.broker())
        for given, error in (
                (pb.Webhook(events=1 << pb.STATE_DEAD), "ERR_BAD_FIELD"),
                (pb.Webhook(url="ftp://a.test/"), "ERR_BAD_FIELD"),
                (pb.Webhook(url="https://user@a.test/"), "ERR_BAD_FIELD"),
                (pb.Webhook(endpoint="No Name"), "ERR_BAD_FIELD"),
                (pb.Webhook(endpoint="ops", events=1 << pb.STATE_RUNNING), "ERR_MALFORMED"),
                (pb.Webhook(url="https://a.test/", events=1 << pb.STATE_DEAD), "ERR_UNSUPPORTED")):
            said = client.ask(pb.Submit(jobs=[pb.SubmitJob(job_id=fresh_id(), type="t", webhook=given)]))
            self.assertEqual(said.jobs[0].error, ERR[error], (given, said))


if __name__ == "__main__":
    unittest.main()
