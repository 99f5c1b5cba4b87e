"""Tenants over the wire: what one has, no other sees."""

import unittest

from lib_broker import ERR, BrokerTest, fresh_id, pb


class Tenants(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.acme = self.peer(self.served, tenant="acme")
        self.other = self.peer(self.served)

    def test_a_key_is_the_tenants_own(self):
        ids = [peer.submit({"key": "order-1"})[0].job_id for peer in (self.acme, self.other)]
        self.assertNotEqual(*ids)
        # Named in the request it is the same tenant as named in HELLO.
        job = pb.SubmitJob(key="order-1", queue="default", type="test")
        again = self.other.ask(pb.Submit(jobs=[job]), tenant="acme").jobs[0]
        self.assertEqual((again.replayed, again.job_id), (True, ids[0]))
        # "default" is the name of the tenant that is not named.
        again = self.acme.ask(pb.Submit(jobs=[job]), tenant="default").jobs[0]
        self.assertEqual((again.replayed, again.job_id), (True, ids[1]))

    def test_a_queue_and_a_type_are_the_tenants_own(self):
        self.assertEqual(self.acme.ask(pb.QueueSet(queue="mail", weight=3)).error, 0)
        self.assertEqual(self.acme.ask(pb.TypeSet(type="send", timeout_ms=1001)).error, 0)
        self.assertEqual(self.other.ask(pb.QueueStatus(queue="mail")).error, ERR["ERR_NOT_FOUND"])
        self.assertEqual(self.other.ask(pb.TypeStatus(type="send")).error, ERR["ERR_NOT_FOUND"])
        self.assertEqual([q.queue for q in self.other.ask(pb.QueueStatus()).queues], [])
        self.assertEqual([q.weight for q in self.acme.ask(pb.QueueStatus()).queues], [3])
        self.assertEqual([t.timeout_ms for t in self.acme.ask(pb.TypeStatus()).types], [1001])
        self.assertEqual(self.acme.ask(pb.Act(kind=pb.ACT_PAUSE, queue="mail", act_id=fresh_id())).error, 0)
        self.assertEqual(self.other.submit({"job_id": fresh_id(), "queue": "mail"})[0].error, 0)

    def test_a_name_of_other_characters_is_refused(self):
        for name in ("Acme", "a/b", "a" * 129):
            said = self.other.ask(pb.WorkerList(), tenant=name)
            self.assertIn(said.error, (ERR["ERR_BAD_FIELD"], ERR["ERR_TOO_LARGE"]), name)

    def test_there_may_be_so_many(self):
        self.served.stop()
        served = self.broker("--tenant-count-max", "2")
        peer = self.peer(served)
        for name, error in (("a", 0), ("b", 0), ("c", ERR["ERR_FULL"]), ("a", 0)):
            self.assertEqual(peer.ask(pb.WorkerList(), tenant=name).error if error else
                             len(peer.ask(pb.WorkerList(), tenant=name).workers), error, name)


if __name__ == "__main__":
    unittest.main()
