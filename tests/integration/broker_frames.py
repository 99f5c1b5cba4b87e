"""What does not belong on the wire is answered or ignored, and harms nobody."""

import os
import random
import unittest

import zmq

from lib_broker import ERR, VERSION, BrokerTest, fresh_id, pb


class Frames(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.client = self.peer(self.served)

    def error(self, *frames):
        self.client.socket.send_multipart(frames)
        envelope, _ = self.client.receive()
        self.assertEqual(envelope.WhichOneof("body"), "error")
        return envelope

    def still_serves(self):
        answer, = self.peer(self.served).submit({"job_id": fresh_id()})
        self.assertEqual(answer.error, 0)

    def test_another_version_is_told_which_one_is_spoken(self):
        envelope = self.error(b"WEFT/9", pb.Envelope(corr=7).SerializeToString(), b"")
        self.assertEqual(envelope.error.error, ERR["ERR_VERSION"])
        self.assertTrue("WEFT/1" in envelope.error.detail or "WEFT/1" in envelope.error.versions)

    def test_wrong_numbers_of_frames(self):
        for frames in ([b"x"], [VERSION, b""], [VERSION, b"", b"", b"more"], [b""] * 50):
            self.assertEqual(self.error(*frames).error.error, ERR["ERR_MALFORMED"], frames)
        self.still_serves()

    def test_bytes_that_are_no_envelope(self):
        self.assertEqual(self.error(VERSION, b"\xff\xff\xff", b"").error.error, ERR["ERR_MALFORMED"])
        submit = pb.Submit(jobs=[pb.SubmitJob(type="t", payload=pb.Part(offset=5, length=10))])
        frame = pb.Envelope(corr=9, submit=submit).SerializeToString()
        envelope = self.error(VERSION, frame, b"short")
        self.assertEqual((envelope.error.error, envelope.corr), (ERR["ERR_MALFORMED"], 9))
        self.still_serves()

    def test_a_refusal_names_the_field(self):
        part = pb.Part(offset=5, length=10, content=pb.CONTENT_TEXT)
        for body, word in (
                (pb.Status(job_id=b"01a21e2c-4810-77cc-84c0-4afed82aaa31"), "job_id: an id is 16 bytes as they are, not their text"),
                (pb.Submit(jobs=[pb.SubmitJob(type="t" * 129)]), "type: 128 bytes at most"),
                (pb.Submit(jobs=[pb.SubmitJob(type="t", payload=part)]), "payload: a part lies within the block")):
            self.assertTrue(self.client.ask(body).detail.startswith(word), word)
        self.still_serves()

    def test_messages_that_a_broker_does_not_take(self):
        for body in (pb.Welcome(), pb.Jobs(), pb.Submitted(), pb.StatusIs(), pb.Error()):
            self.assertEqual(self.client.ask(body).error, ERR["ERR_UNSUPPORTED"])

    def test_a_stranger_is_asked_who_it_is(self):
        stranger = self.peer(self.served, hello=False)
        self.assertEqual(stranger.submit({"job_id": fresh_id()}).error, ERR["ERR_UNKNOWN_PEER"])
        self.assertEqual(stranger.status(fresh_id()).error, ERR["ERR_UNKNOWN_PEER"])
        welcome = stranger.say_hello()
        self.assertGreater(welcome.message_bytes_max, 0)
        self.assertGreater(welcome.jobs_per_message_max, 0)
        self.assertNotEqual(welcome.lineage, 0)
        self.assertEqual(stranger.submit({"job_id": fresh_id()})[0].error, 0)

    def test_a_client_is_no_worker(self):
        self.assertEqual(self.client.ask(pb.Ready(types=["test"], slots=1)).error,
                         ERR["ERR_BAD_FIELD"])

    def test_who_said_bye_is_a_stranger(self):
        self.client.send(pb.Bye(reason="test"))
        self.assertEqual(self.client.status(fresh_id()).error, ERR["ERR_UNKNOWN_PEER"])

    def test_more_than_the_limits_of_a_message(self):
        jobs = [pb.SubmitJob(job_id=fresh_id(), type="t")] * 1025
        answer = self.client.ask(pb.Submit(jobs=jobs))
        self.assertEqual(answer.error, ERR["ERR_TOO_LARGE"])
        payload = bytes(1024 * 1024 + 1)
        answer = self.client.submit({"job_id": fresh_id(), "payload": payload})
        self.assertEqual(answer.error, ERR["ERR_TOO_LARGE"])
        self.still_serves()

    def test_noise(self):
        seed = int.from_bytes(os.urandom(4), "big")
        print("seed", seed)
        noise = random.Random(seed)
        socket = zmq.Context.instance().socket(zmq.DEALER)
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(self.served.zmq)
        self.addCleanup(socket.close)
        for _ in range(2000):
            frames = [noise.randbytes(noise.randrange(40)) for _ in range(noise.randrange(1, 6))]
            if noise.random() < 0.5:
                frames[0] = VERSION
            socket.send_multipart(frames)
        self.still_serves()


if __name__ == "__main__":
    unittest.main()
