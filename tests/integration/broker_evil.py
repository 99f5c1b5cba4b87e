"""Peers that do not keep to the protocol: each is refused or cut off and counted, and nobody else is hurt.

Random sequences of well-formed messages are in tests/unit/broker/core/evil_test.c.
"""

import os
import random
import socket
import struct
import unittest
import uuid

from lib_broker import ERR, PATIENCE_S, VERSION, BrokerTest, fresh_id, pb
from lib_keys import Keys

MIB = 1 << 20


class Raw:
    """ZMTP 3.0 in the clear, by hand: what no library sends."""

    def __init__(self, endpoint):
        host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), PATIENCE_S)
        self.socket.sendall(b"\xff" + bytes(7) + b"\x01\x7f\x03\x00NULL" + bytes(16 + 1 + 31))
        body = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"
        self.socket.sendall(b"\x04" + bytes([len(body)]) + body)

    def frame(self, data, more):
        self.socket.sendall(bytes([2 | bool(more)]) + struct.pack(">Q", len(data)) + data)

    def close(self):
        self.socket.close()


class Evil(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.witness = self.peer(self.served)

    def healthy(self):
        self.assertEqual(self.witness.submit({"job_id": fresh_id()})[0].error, 0)

    def resident(self):
        with open(f"/proc/{self.served.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def test_a_message_that_never_ends_is_cut_and_memory_is_capped(self):
        before, most, sent = self.resident(), 0, 0
        evil = Raw(self.served.zmq)
        self.addCleanup(evil.close)
        chunk = bytes(MIB)
        with self.assertRaises(OSError):
            while sent < 8 << 30:
                evil.frame(chunk, more=True)
                sent += MIB
                most = max(most, self.resident()) if sent % (16 * MIB) == 0 else most
        self.served.wait_for_metric("weft_peers_cut_total", 1)
        self.healthy()
        # The cap, and what came while nobody looked.
        self.assertLess(max(0, most - before), 2048 * MIB)
        self.assertLess(sent, 4096 * MIB)
        print(f"endless frames: cut after {sent // MIB} MiB, {max(0, most - before) // MIB} MiB resident at most")

    def test_a_frame_that_is_too_large_ends_the_connection(self):
        evil = Raw(self.served.zmq)
        self.addCleanup(evil.close)
        with self.assertRaises(OSError):
            evil.socket.sendall(b"\x02" + struct.pack(">Q", 1 << 40))
            for _ in range(64):
                evil.socket.sendall(bytes(MIB))
        self.healthy()

    def test_who_is_silent_is_asked_for_a_sign_of_life(self):
        """After 10 s, so that a connection whose other end has vanished does not stay for ever."""
        silent = Raw(self.served.zmq)
        self.addCleanup(silent.close)
        heard = b""
        while b"\x04PING" not in heard:
            piece = silent.socket.recv(4096)
            self.assertNotEqual(piece, b"", "the connection was closed unasked")
            heard += piece

    def test_nonsense_is_borne_a_hundred_times_and_then_cut(self):
        kinds = ([b"WEFT/1", b"\xff" * 9, b""], [b"WEFT/0", b"", b""], [b"x"], [b"a", b"b", b"c", b"d"])
        for count, frames in enumerate(kinds, 1):
            evil = self.peer(self.served, hello=False)
            for _ in range(150):  # what is left behind the cut must not be enough for another one
                evil.socket.send_multipart(frames)
            self.served.wait_for_metric("weft_peers_cut_total", count)
            self.healthy()

    def test_messages_in_the_wrong_direction_are_cut(self):
        evil = self.peer(self.served)
        for _ in range(101):
            evil.send(pb.Welcome())
        self.served.wait_for_metric("weft_peers_cut_total", 1)
        self.healthy()

    def test_mistakes_of_sound_peers_are_not_cut(self):
        peer = self.peer(self.served)
        for _ in range(150):
            self.assertEqual(peer.ask(pb.Status(job_id=fresh_id())).error, ERR["ERR_NOT_FOUND"])
            self.assertEqual(peer.ask(pb.Ready(types=["A B"], slots=1)).error, ERR["ERR_BAD_FIELD"])
        stranger = self.peer(self.served, hello=False)  # as everybody is after a restart of the broker
        for _ in range(150):
            self.assertEqual(stranger.ask(pb.List()).error, ERR["ERR_UNKNOWN_PEER"])
        self.assertEqual(self.served.metric("weft_peers_cut_total"), 0)

    def test_greetings_credit_and_tokens(self):
        worker_id = uuid.uuid4().bytes
        evil = self.peer(self.served, role=pb.ROLE_WORKER, worker_id=worker_id)
        for _ in range(20):
            self.assertIsInstance(evil.say_hello(), pb.Welcome)
        # Credit below nothing is a huge number on the wire, and refused.
        for slots in (0xFFFFFFFF, 1 << 31, 100000):
            self.assertEqual(evil.ask(pb.Ready(types=["test"], slots=slots)).error, ERR["ERR_BAD_FIELD"])
        self.witness.submit(*({"job_id": fresh_id()} for _ in range(8)))
        self.assertIsInstance(evil.ask(pb.Renew()), pb.Renewed)
        self.assertEqual([e.WhichOneof("body") for e, _ in evil.unasked if e.WhichOneof("body") == "jobs"], [])
        worker = self.worker(self.served, slots=2)
        jobs = [job for job, _ in worker.take_jobs(2)]
        # Another worker's tokens, and tokens of nobody's.
        evil.serve("nothing")
        for job in jobs:
            for token in (job.token, job.token + 1, 0, 2 ** 64 - 1):
                done = pb.FinishJob(job_id=job.job_id, token=token, outcome=pb.OUTCOME_SUCCEEDED)
                said = evil.ask(pb.Finish(jobs=[done]))
                self.assertNotEqual(said.error if isinstance(said, pb.Error) else said.jobs[0].error, 0)
            self.assertEqual(self.witness.status(job.job_id).state, pb.STATE_RUNNING)
            self.assertEqual(worker.finish(job).error, 0)

    def test_a_greeting_as_a_client_ends_the_work_of_a_peer(self):
        worker_id = uuid.uuid4().bytes
        peer = self.worker(self.served, worker_id=worker_id)
        job_id = self.witness.submit({"job_id": fresh_id()})[0].job_id
        peer.take_jobs(1)
        peer.role = pb.ROLE_CLIENT
        self.assertIsInstance(peer.say_hello(), pb.Welcome)
        (again, _), = self.worker(self.served).take_jobs(1)
        self.assertEqual(again.job_id, job_id)

    def test_other_tenants_tokens(self):
        keys = Keys(os.path.join(self.data, "certs"))
        acme, other = keys.new("acme", tenant="acme"), keys.new("other", tenant="other")
        served = self.broker("--keys", keys.dir, "--data", os.path.join(self.data, "locked"))
        client = self.peer(served, key=acme)
        job_id = client.submit({"job_id": fresh_id()})[0].job_id
        worker = self.worker(served, key=acme)
        (job, _), = worker.take_jobs(1)
        thief = self.worker(served, key=other)
        done = pb.FinishJob(job_id=job.job_id, token=job.token, outcome=pb.OUTCOME_SUCCEEDED)
        never = pb.FinishJob(job_id=fresh_id(), token=job.token + 1000, outcome=pb.OUTCOME_SUCCEEDED)
        told, of_never = (thief.ask(pb.Finish(jobs=[one])).jobs[0].error for one in (done, never))
        self.assertEqual(told, of_never)
        self.assertNotEqual(told, 0)
        self.assertEqual(client.status(job_id).state, pb.STATE_RUNNING)
        for _ in range(101):
            thief.send(pb.Status(job_id=job_id), tenant="acme")
        served.wait_for_metric("weft_peers_cut_total", 1)
        self.assertEqual(worker.finish(job).error, 0)

    def test_random_bytes_behind_a_greeting(self):
        chance = random.Random(7)
        for _ in range(60):
            evil = self.peer(self.served, hello=False)
            evil.say_hello()
            for _ in range(20):
                envelope = pb.Envelope(corr=1, submit=pb.Submit(jobs=[pb.SubmitJob(type="t")])).SerializeToString()
                mangled = bytearray(envelope)
                for _ in range(chance.randrange(1, 4)):
                    mangled[chance.randrange(len(mangled))] = chance.randrange(256)
                evil.socket.send_multipart([VERSION, bytes(mangled), bytes(chance.randrange(64))])
            evil.close()
        self.healthy()


if __name__ == "__main__":
    unittest.main()
