"""Submitting: durable answers, replays, refusals."""

import hashlib
import struct
import time
import unittest

from lib_broker import ERR, BrokerTest, fresh_id, pb


def keyed_id(queue, key, tenant=b"default"):
    """As docs/protocol.md derives it, written anew."""
    def hashed(label, *parts):
        text = label + b"".join(struct.pack(">I", len(p)) + p for p in parts)
        return hashlib.blake2b(text, digest_size=16).digest()
    slot = int.from_bytes(hashed(b"weft/slot/1", tenant, queue)[:2], "big") >> 4
    raw = bytearray(hashed(b"weft/id/1", tenant, queue, key))
    raw[0] = slot >> 4
    raw[1] = (slot & 0x0F) << 4 | (raw[1] & 0x0F)
    raw[6] = 0x80 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    return bytes(raw)


class Submit(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.client = self.peer(self.served)

    def test_an_unkeyed_job_is_stored_and_told(self):
        job_id = fresh_id()
        answer, = self.client.submit({"job_id": job_id, "payload": b"hello"})
        self.assertEqual((answer.error, answer.replayed, answer.state), (0, False, pb.STATE_QUEUED))
        status = self.client.status(job_id)
        self.assertEqual((status.error, status.state), (0, pb.STATE_QUEUED))
        self.assertEqual((status.type, status.queue), ("test", "default"))
        self.assertEqual(status.created_at_ms, answer.created_at_ms)

    def test_names_that_vanish_from_a_path_are_taken_no_longer(self):
        for dots in (".", ".."):
            for named in ({"queue": dots, "type": "t"}, {"type": dots}):
                said = self.client.submit({"job_id": fresh_id(), **named})[0]
                self.assertEqual((said.error, said.detail.endswith("but not . or ..")), (ERR["ERR_BAD_FIELD"], True), named)
            for made in (pb.Submit(jobs=[pb.SubmitJob(job_id=fresh_id(), type="t")]), pb.QueueSet(queue="q"),
                         pb.TypeSet(type="t"), pb.WebhookSet(webhook_id="w", act=pb.WEBHOOK_SET),
                         pb.ScheduleSet(schedule_id="s", act=pb.SCHEDULE_SET, cron="@daily", jobs=[pb.SubmitJob(type="t")])):
                refused = self.client.ask(made, tenant=dots)
                self.assertEqual((refused.error, refused.detail),
                                 (ERR["ERR_BAD_FIELD"], "tenant: 1 to 128 of a-z 0-9 . _ -, but not . or .."))
            peer = self.peer(self.served, tenant=dots)  # it may look, and a submission says no tenant of its own
            self.assertEqual(peer.ask(pb.Submit(jobs=[pb.SubmitJob(job_id=fresh_id(), type="t")])).error, ERR["ERR_BAD_FIELD"])

    def test_what_has_such_a_name_is_still_served(self):
        """Brokers before took them, and a gateway may have promised to keep such a job."""
        gateway = self.peer(self.served, role=pb.ROLE_GATEWAY)
        job = pb.SubmitJob(job_id=fresh_id(), queue=".", type="..")
        self.assertEqual(gateway.ask(pb.Submit(jobs=[job], spooled=True), tenant="..").jobs[0].error, 0)
        client = self.peer(self.served, tenant="..")
        self.assertEqual([line.job_id for line in client.ask(pb.List(queue=".", type="..")).jobs], [job.job_id])
        self.assertEqual(client.ask(pb.QueueStatus(queue=".")).queues[0].queued, 1)
        for kind in (pb.ACT_PAUSE, pb.ACT_RESUME):
            self.assertEqual(client.ask(pb.Act(kind=kind, queue=".", act_id=fresh_id())).error, 0)
        worker = self.peer(self.served, role=pb.ROLE_WORKER, worker_id=fresh_id(), tenant="..")
        worker.ask(pb.Ready(types=[".."], queues=["."], slots=1))
        (given, _), = worker.take_jobs(1)
        worker.finish(given)
        self.assertEqual(client.status(job.job_id).state, pb.STATE_SUCCEEDED)

    def test_only_a_gateway_may_say_that_a_job_was_spooled(self):
        old = (int(time.time() * 1000) - 86400_000).to_bytes(6, "big") + b"\x70" + fresh_id()[7:]
        job = pb.SubmitJob(job_id=old, type="test", queue="default")
        gateway = self.peer(self.served, role=pb.ROLE_GATEWAY)
        answer = self.client.ask(pb.Submit(jobs=[job], spooled=True))
        self.assertEqual(answer.error, ERR["ERR_BAD_FIELD"])
        self.assertEqual(self.client.ask(pb.Submit(jobs=[job])).jobs[0].error, ERR["ERR_ID_TOO_OLD"])
        self.assertEqual(gateway.ask(pb.Submit(jobs=[job])).jobs[0].error, ERR["ERR_ID_TOO_OLD"])
        said = gateway.ask(pb.Submit(jobs=[job], spooled=True)).jobs[0]
        self.assertEqual((said.error, said.replayed), (0, False))
        # Known for the whole window, not only for the hour that its age would let it in.
        self.assertGreater(said.dedup_until_ms, said.created_at_ms + 23 * 3600_000)
        self.assertTrue(gateway.ask(pb.Submit(jobs=[job], spooled=True)).jobs[0].replayed)

    def test_the_same_submission_is_answered_with_the_same_job(self):
        job = {"job_id": fresh_id(), "payload": b"1"}
        first, = self.client.submit(job)
        again, = self.client.submit(job)
        self.assertTrue(again.replayed)
        self.assertEqual(again.created_at_ms, first.created_at_ms)
        twice = self.client.submit(dict(job, job_id=fresh_id()), job, job)
        self.assertEqual([a.replayed for a in twice], [False, True, True])
        self.served.wait_for_metric("weft_submitted_total", 2)

    def test_a_key_belongs_to_its_first_submission(self):
        first, = self.client.submit({"key": "invoice-7", "payload": b"1"})
        self.assertEqual(first.error, 0)
        self.assertEqual(first.job_id, keyed_id(b"default", b"invoice-7"))
        again, = self.client.submit({"key": "invoice-7", "payload": b"1", "job_id": first.job_id})
        self.assertEqual((again.error, again.replayed, again.job_id), (0, True, first.job_id))
        other, = self.client.submit({"key": "invoice-7", "payload": b"2"})
        self.assertEqual(other.error, ERR["ERR_KEY_REUSED"])
        elsewhere, = self.client.submit({"key": "invoice-7", "queue": "other", "payload": b"2"})
        self.assertEqual(elsewhere.error, 0)
        self.assertNotEqual(elsewhere.job_id, first.job_id)

    def test_an_id_that_is_not_the_keys_is_refused(self):
        answer, = self.client.submit({"key": "a", "job_id": keyed_id(b"default", b"b")})
        self.assertEqual(answer.error, ERR["ERR_ID_MISMATCH"])
        self.assertEqual(self.client.status(keyed_id(b"default", b"a")).error, ERR["ERR_NOT_FOUND"])

    def test_an_unkeyed_id_must_be_of_version_7_and_young(self):
        hour_ms = 3600 * 1000
        old = fresh_id(int(time.time() * 1000) - hour_ms - 60 * 1000)
        answers = self.client.submit({"job_id": keyed_id(b"default", b"x")}, {}, {"job_id": old})
        self.assertEqual([a.error for a in answers],
                         [ERR["ERR_BAD_FIELD"], ERR["ERR_BAD_FIELD"], ERR["ERR_ID_TOO_OLD"]])

    def test_one_bad_job_does_not_harm_its_neighbours(self):
        good = [{"job_id": fresh_id()} for _ in range(3)]
        bad = {"job_id": fresh_id(), "type": "Not A Name"}
        answers = self.client.submit(good[0], bad, good[1], good[2])
        self.assertEqual([a.error for a in answers], [0, ERR["ERR_BAD_FIELD"], 0, 0])
        self.assertIn("type", answers[1].detail)
        self.assertEqual(self.client.status(bad["job_id"]).error, ERR["ERR_NOT_FOUND"])

    def test_no_queue_is_the_default_queue(self):
        job_id = fresh_id()
        self.assertEqual(self.client.submit({"job_id": job_id, "queue": ""})[0].error, 0)
        self.assertEqual(self.client.status(job_id).queue, "default")
        by_name, = self.client.submit({"key": "k", "queue": "default"})
        by_silence, = self.client.submit({"key": "k", "queue": ""})
        self.assertEqual(by_name.job_id, by_silence.job_id)

    def test_many_jobs_in_one_message(self):
        answers = self.client.submit(*({"job_id": fresh_id()} for _ in range(1024)))
        self.assertEqual({a.error for a in answers}, {0})
        self.assertEqual(len(answers), 1024)
        self.served.wait_for_metric('weft_jobs{state="queued"}', 1024)

    def test_a_limit_refuses_and_says_which(self):
        small = self.broker_with_two_jobs()
        answers = self.peer(small).submit(*({"job_id": fresh_id()} for _ in range(3)))
        self.assertEqual([a.error for a in answers], [0, 0, ERR["ERR_FULL"]])
        self.assertIn("job_count_max", answers[2].detail)
        self.assertGreater(answers[2].retry_after_ms, 0)

    def broker_with_two_jobs(self):
        self.data += "-small"
        return self.broker("--job-count-max", "2")


if __name__ == "__main__":
    unittest.main()
