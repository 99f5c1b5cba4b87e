"""The gateway dies around each flush of its spool, and meets a full disk: nothing is lost, nothing is doubled."""

import json
import os
import signal
import subprocess
import unittest

import lib_skip
from gateway_spool import SpoolTest, books, jobs, metrics
from lib_broker import PATIENCE_S, pb

MIB = 1024 * 1024
# A file system of its own, in a mount namespace that only the gateway is in.
SMALL_DISK = ["unshare", "--map-root-user", "--mount", "sh", "-c",
              'mount -t tmpfs -o size=96m none "$0" && head -c 8M /dev/zero >"$0/ballast" && exec "$@"']


class Kills(SpoolTest):
    def submit_until_dead(self, failpoint, key):
        gateway = self.gateway(env={"WEFT_FAILPOINT": failpoint})
        with self.assertRaises(OSError):
            gateway.submit({"type": "a", "payload": 1}, Idempotency_Key=key)
        self.assertEqual(gateway.process.wait(PATIENCE_S), -signal.SIGKILL)

    def forward_until_dead(self, failpoint):
        """It may die before it serves."""
        done = subprocess.run([os.environ["WEFT_BIN"], "gateway", "--http", "127.0.0.1:0", "--broker", self.endpoint,
                               "--data", self.kept], env={**os.environ, "WEFT_FAILPOINT": failpoint}, check=False,
                              capture_output=True, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, -signal.SIGKILL, done)

    def jobs_at_broker(self, served):
        listed = self.peer(served).ask(pb.List(limit=100))
        return len(listed.jobs)

    def test_before_the_flush_nothing_is_there(self):
        self.submit_until_dead("spool.before_flush", "k")
        gateway = self.gateway()
        self.assertEqual(jobs(gateway, "waiting"), [])
        self.spool(gateway, {"type": "a", "payload": 1}, Idempotency_Key="k")
        served = self.real()
        self.forwarded(gateway, accepted=1, forwarded=1)
        self.assertEqual(self.jobs_at_broker(served), 1)

    def test_after_the_flush_the_job_is_there_though_nobody_was_told(self):
        for failpoint in ("spool.after_flush", "gateway.before_answer"):
            with self.subTest(failpoint):
                self.submit_until_dead(failpoint, failpoint)
        gateway = self.gateway()
        self.assertEqual(len(jobs(gateway, "waiting")), 2)
        again = gateway.submit({"type": "a", "payload": 1}, Idempotency_Key="spool.after_flush")
        self.assertEqual((again.status, again.headers["Idempotency-Replayed"]), (202, "true"))
        served = self.real()
        self.forwarded(gateway, accepted=2, forwarded=2)
        self.assertEqual(self.jobs_at_broker(served), 2)

    def test_a_batch_is_of_the_body_that_was_flushed(self):
        """The one whose client was told of it, or would have been."""
        def push(gateway, name):
            return gateway.ask("POST", "/v1/batches", json.dumps([{"type": name}] * 2), Content_Type="application/json",
                               Idempotency_Key="load")
        for failpoint, name in (("spool.before_flush", "lost"), ("spool.after_flush", "kept")):
            gateway = self.gateway(env={"WEFT_FAILPOINT": failpoint})
            with self.assertRaises(OSError):
                push(gateway, name)
            self.assertEqual(gateway.process.wait(PATIENCE_S), -signal.SIGKILL)
        gateway = self.gateway()
        self.assertEqual([push(gateway, name).status for name in ("lost", "kept", "other")], [422, 202, 422])
        served = self.real()
        # Killed when the broker has one of them, and this gateway does not know it: they are still of one body.
        gateway.close()
        self.forward_until_dead("spool.after_submitted")
        gateway = self.gateway(broker="ipc:///nowhere")
        self.assertEqual([push(gateway, name).status for name in ("other", "kept")], [422, 202])
        gateway.close()
        gateway = self.gateway()
        self.forwarded(gateway, accepted=2, forwarded=2)
        self.assertEqual(self.jobs_at_broker(served), 2)

    def test_between_the_brokers_answer_and_the_removal(self):
        gateway = self.gateway()
        for n in range(3):
            self.spool(gateway, {"type": "a", "payload": n}, **({"Idempotency_Key": "k"} if n == 1 else {}))
        gateway.close()
        served = self.real()
        # The broker has them, and this gateway does not know it any more, twice.
        for failpoint in ("spool.after_submitted", "spool.before_flush"):
            self.forward_until_dead(failpoint)
            self.assertEqual(self.jobs_at_broker(served), 3)
        self.forward_until_dead("spool.after_removal")
        gateway = self.gateway()
        self.assertEqual(books(gateway), {"accepted": 3, "forwarded": 3})
        self.assertEqual(metrics(gateway)["unaccounted"], 0)
        self.assertEqual(self.jobs_at_broker(served), 3)
        served.wait_for_metric("weft_submitted_total", 3)


class FullDisk(SpoolTest):
    def test_a_full_disk_refuses_and_lets_jobs_leave(self):
        os.makedirs(self.kept)
        if os.system("unshare --map-root-user --mount true 2>/dev/null") != 0:
            self.skipTest("this user may not mount a file system in a namespace")
        gateway = self.gateway(before=[*SMALL_DISK, self.kept])
        payload, taken = "x" * (MIB - 100), 0
        while (answer := gateway.submit({"type": "a", "payload": payload}, Idempotency_Key=f"k{taken}")).status == 202:
            taken += 1
            self.assertLess(taken, 96)
        self.assertEqual((answer.status, answer.json["type"]), (507, "urn:weft:problem:disk"), answer)
        self.assertIn("Retry-After", answer.headers)
        self.assertGreater(taken, 10)
        self.assertEqual(books(gateway), {"accepted": taken, "waiting": taken})
        again = gateway.submit({"type": "a", "payload": payload}, Idempotency_Key="k0")
        self.assertEqual((again.status, again.headers["Idempotency-Replayed"]), (202, "true"))
        self.pretended()
        self.forwarded(gateway, accepted=taken, forwarded=taken)
        # Room again, for whoever comes next.
        os.unlink(f"/proc/{gateway.process.pid}/root{self.kept}/ballast")
        self.assertEqual(gateway.submit({"type": "a"}).status, 202)


if __name__ == "__main__":
    lib_skip.main()
