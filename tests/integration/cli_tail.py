"""weft tail: every change as it comes, from any place on, with gaps told."""

import json
import os
import subprocess
import unittest
import uuid

from lib_broker import PATIENCE_S, BrokerTest, Broker, fresh_id, pb

WEFT = os.environ["WEFT_BIN"]


class Tail(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker("--event-count-max", "20")
        self.client = self.peer(self.served)

    def tail(self, *flags, broker=None):
        return subprocess.run([WEFT, "tail", "--broker", (broker or self.served).zmq, *flags], text=True, check=False,
                              capture_output=True, timeout=PATIENCE_S)

    def follow(self, *flags):
        """A tail that goes on; its first line is there once it has begun."""
        process = subprocess.Popen([WEFT, "tail", "--broker", self.served.zmq, *flags], text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def begin(self):
        """The place where the stream is now, as text."""
        said = self.client.ask(pb.Watch())
        return f"{said.lineage:016x}-{said.epoch}-{said.position}-{said.index}"

    def submit(self, peer=None, **fields):
        return (peer or self.client).submit({"job_id": fresh_id(), **fields})[0].job_id

    def test_changes_are_told_as_they_come(self):
        since = self.begin()
        process = self.follow("--since", since)
        job_id = self.submit(queue="mail", type="send")
        line = process.stdout.readline().split()
        self.assertEqual(line[1:], ["queued", str(uuid.UUID(bytes=job_id)), "mail", "send"])
        self.client.ask(pb.Act(kind=pb.ACT_CANCEL, job_id=job_id, act_id=fresh_id()))
        self.assertEqual(process.stdout.readline().split()[1], "cancelled")

    def test_each_object_says_where_to_go_on(self):
        since = self.begin()
        ids = [str(uuid.UUID(bytes=self.submit())) for _ in range(3)]
        done = self.tail("--since", since, "--count", "3", "-o", "json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        told = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([event["job_id"] for event in told], ids)
        self.assertEqual(set(told[0]), {"id", "job_id", "type", "queue", "status", "version", "at"})
        rest = self.tail("--since", told[0]["id"], "--count", "2", "--output", "json")
        self.assertEqual([json.loads(line) for line in rest.stdout.splitlines()], told[1:])

    def test_oldest_is_all_that_is_kept(self):
        submitted = self.submit()
        done = self.tail("--since", "oldest", "--job", str(uuid.UUID(bytes=submitted)), "--count", "1", "-o", "json")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(json.loads(done.stdout)["status"], "queued")

    def test_only_what_fits_is_told(self):
        since = self.begin()
        acme = self.peer(self.served, tenant="acme")
        theirs, mail, web = self.submit(acme), self.submit(queue="mail", type="send"), self.submit(queue="web")
        self.client.ask(pb.Act(kind=pb.ACT_CANCEL, job_id=web, act_id=fresh_id()))

        def told(*flags):
            done = self.tail("--since", since, "-o", "json", *flags)
            self.assertEqual(done.returncode, 0, done.stderr)
            return [uuid.UUID(json.loads(line)["job_id"]).bytes for line in done.stdout.splitlines()]

        self.assertEqual(told("--count", "3"), [mail, web, web])
        self.assertEqual(told("--count", "1", "--queue", "web"), [web])
        self.assertEqual(told("--count", "1", "--type", "send"), [mail])
        self.assertEqual(told("--count", "2", "--job", str(uuid.UUID(bytes=web))), [web, web])
        self.assertEqual(told("--count", "1", "--status", "cancelled,removed"), [web])
        self.assertEqual(told("--count", "1", "--tenant", "acme"), [theirs])

    def test_a_gap_is_shown_and_what_is_left_is_told(self):
        since = self.begin()
        for _ in range(21):
            self.submit()
        done = self.tail("--since", since, "--count", "20", "-o", "json")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual((lines[0]["gap"], len(lines)), (True, 21))
        self.assertEqual(lines[0]["newest"], lines[-1]["id"])
        self.assertIn("a gap", self.tail("--since", since, "--count", "20").stdout.splitlines()[0])
        # And one that goes on while the broker is started again.
        process = self.follow("--since", lines[-1]["id"])
        self.submit()
        self.assertIn("queued", process.stdout.readline())
        self.served.kill()
        again = Broker(self.served.data, zmq=self.served.zmq)
        self.addCleanup(again.close)
        self.assertIn("a gap", process.stdout.readline())
        self.submit(self.peer(again))
        self.assertIn("queued", process.stdout.readline())

    def test_exit_codes(self):
        for wrong in (["--since", "7"], ["--job", "x"], ["--status", "odd"], ["--no-such-flag"]):
            done = self.tail(*wrong)
            self.assertEqual((done.returncode, done.stdout), (64, ""), wrong)
        self.assertEqual(self.tail("--queue", "a b").returncode, 1)
        since = self.begin()
        self.served.stop()
        done = self.tail("--since", since, "--give-up", "200ms")
        self.assertEqual(done.returncode, 4)
        self.assertIn(f"--since {since}", done.stderr)
        help_text = self.tail("--help").stdout
        for flag in ("--since", "--count", "--queue", "--status", "Exit codes"):
            self.assertIn(flag, help_text)


if __name__ == "__main__":
    unittest.main()
