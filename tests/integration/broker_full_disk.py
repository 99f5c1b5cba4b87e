"""A disk that fills up: new work is refused, old work is finished, nothing is lost, and it heals."""

import errno
import os
import subprocess
import time
import unittest

import lib_skip
from lib_broker import ERR, PATIENCE_S, BrokerTest, fresh_id, pb
from lib_clock import Clock

MIB = 1024 * 1024
HELD_ON = ("--lease", "30m", "--timeout", "1h")  # to fill a disk takes longer than a lease, when others fill it too
# A file system of its own, in a mount namespace that only the broker is in.
SMALL_DISK = ["unshare", "--map-root-user", "--mount", "sh", "-c",
              'mount -t tmpfs -o size=160m none "$0" && head -c 60M /dev/zero >"$0/ballast" && exec "$@"']


def may_mount(folder):
    probe = subprocess.run([*SMALL_DISK[:-1], 'mount -t tmpfs none "$0"', folder],
                           capture_output=True, check=False)
    return probe.returncode == 0


def submit_until_taken(client):
    """The broker looks for room once a second."""
    end = time.monotonic() + PATIENCE_S
    answer, = client.submit({"job_id": fresh_id()})
    while answer.error == ERR["ERR_DISK"] and time.monotonic() < end:
        answer, = client.submit({"job_id": fresh_id()})
    return answer


class FullDisk(BrokerTest):
    def setUp(self):
        super().setUp()
        if not may_mount(self.data):
            self.skipTest("this user may not mount a file system in a namespace")

    def test_full_and_well_again(self):
        served = self.broker("--ahead", "16MiB", before=[*SMALL_DISK, self.data])
        client = self.peer(served)
        payload = os.urandom(MIB)
        accepted, error = [], 0
        while not error and len(accepted) < 200:
            job = {"job_id": fresh_id(), "payload": payload}
            error = client.submit(job)[0].error
            accepted += [] if error else [job]
        self.assertEqual(error, ERR["ERR_DISK"])
        self.assertGreater(len(accepted), 10)
        served.wait_for_metric("weft_store_short", 1)
        self.assertTrue(client.submit(accepted[0])[0].replayed)

        # What was accepted is handed out and finished, although the disk is full.
        worker = self.worker(served, slots=5)
        for _ in accepted:
            (job, body), = worker.take_jobs(1)
            self.assertEqual(body, payload)
            self.assertEqual(worker.finish(job).error, 0)
        served.wait_for_metric('weft_jobs{state="succeeded"}', len(accepted))

        os.remove(f"/proc/{served.process.pid}/root{self.data}/ballast")
        worker.send(pb.Bye())
        answers = submit_until_taken(client)
        self.assertEqual(answers.error, 0)
        served.wait_for_metric("weft_store_short", 0)
        self.assertIsNone(served.process.poll())
        self.assertIn("store.short", served.stderr())
        self.assertIn("store.roomy", served.stderr())

    def test_start_on_a_full_disk(self):
        holder = subprocess.Popen([*SMALL_DISK, self.data, "sh", "-c", "echo mounted; exec cat"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(holder.communicate)
        self.assertEqual(holder.stdout.readline(), b"mounted\n")
        inside = {"before": ["nsenter", f"--target={holder.pid}", "--user", "--mount",
                             "--preserve-credentials"]}
        served = self.broker("--ahead", "16MiB", **inside)
        client = self.peer(served)
        accepted = {"job_id": fresh_id()}
        self.assertEqual(client.submit(accepted)[0].error, 0)
        self.fill_up(f"/proc/{holder.pid}/root{self.data}/rest")
        served.kill()

        served = self.broker("--ahead", "16MiB", **inside)
        client = self.peer(served)
        self.assertEqual(client.submit({"job_id": fresh_id()})[0].error, ERR["ERR_DISK"])
        worker = self.worker(served)
        (job, _), = worker.take_jobs(1)
        self.assertEqual(job.job_id, accepted["job_id"])
        self.assertEqual(worker.finish(job).error, 0)

    def fill_up(self, path):
        """Until the file system has not one byte more."""
        with open(path, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError as error:
                self.assertEqual(error.errno, errno.ENOSPC)


class FullMap(BrokerTest):
    def test_refused_at_three_quarters_and_taken_after_retention(self):
        served = self.broker("--map-max", "64MiB", "--keep", "1s", *HELD_ON)
        client = self.peer(served)
        payload = os.urandom(MIB)
        count, error = 0, 0
        while not error and count < 64:
            error = client.submit({"job_id": fresh_id(), "payload": payload})[0].error
            count += not error
        self.assertEqual(error, ERR["ERR_DISK"])
        self.assertGreater(count, 40)
        worker = self.worker(served, slots=count)
        for job, _ in worker.take_jobs(count):
            self.assertEqual(worker.finish(job).error, 0)
        served.wait_for_metric('weft_jobs{state="removed"}', count)
        # Nothing else is written any more, and still the room is found.
        self.assertEqual(submit_until_taken(client).error, 0)

    def test_what_is_left_is_for_outcomes(self):
        served = self.broker("--map-max", "64MiB", *HELD_ON)
        client = self.peer(served)
        worker = self.worker(served, slots=50)
        self.assertEqual(client.submit({"job_id": fresh_id()})[0].error, 0)
        (dead, _), = worker.take_jobs(1)
        worker.finish(dead, pb.OUTCOME_DEAD)
        self.assertEqual({job.error for job in client.submit(*[{"job_id": fresh_id()} for _ in range(50)])}, {0})
        jobs = [job for job, _ in worker.take_jobs(50)]
        while client.submit({"job_id": fresh_id(), "type": "other", "payload": os.urandom(MIB)})[0].error == 0:
            pass
        # Of each of these, more than there is room for.
        running = [pb.Held(job_id=job.job_id, token=job.token) for job in jobs]
        for job in jobs:
            lines = [pb.LogLine(job_id=job.job_id, token=job.token, text="x" * 1024) for _ in range(1000)]
            worker.ask(pb.Renew(running=running, log=lines))
        self.assertEqual(client.ask(pb.Log(job_id=jobs[-1].job_id)).count, 0)
        for name in range(30):
            body = pb.ScheduleSet(schedule_id=f"s{name}", act=pb.SCHEDULE_SET, cron="0 0 1 1 *",
                                  jobs=[pb.SubmitJob(type="a", payload=pb.Part(length=MIB, content=pb.CONTENT_BYTES))])
            self.assertEqual(client.ask(body, bytes(MIB)).error, ERR["ERR_DISK"])
        act = pb.Act(kind=pb.ACT_RETRY, job_id=dead.job_id, act_id=b"1" * 16)
        self.assertEqual(client.ask(act).error, ERR["ERR_DISK"])
        for job in jobs:
            self.assertEqual(worker.finish(job, result=b"done").error, 0)
        act.kind = pb.ACT_DELETE
        self.assertEqual(client.ask(act).state, pb.STATE_REMOVED)
        self.assertIsNone(served.process.poll())

    def finish(self, worker, job, size):
        """0, or the error of the verdict or of the refusal as a whole."""
        done = pb.FinishJob(job_id=job.job_id, token=job.token, outcome=pb.OUTCOME_SUCCEEDED,
                            result=pb.Part(length=size, content=pb.CONTENT_BYTES))
        answer = worker.ask(pb.Finish(jobs=[done]), os.urandom(size))
        return answer.jobs[0].error if isinstance(answer, pb.Finished) else answer.error

    def test_a_refused_outcome_that_outlasts_its_deadline(self):
        """The broker ends the attempt meanwhile; the outcome is still taken while nobody else has the job."""
        clock = Clock(os.path.join(self.data, "clock"))
        served = self.broker("--map-max", "64MiB", *HELD_ON, "--deadline-grace", "200ms", env=clock.env)
        client = self.peer(served)
        worker = self.worker(served, slots=2)
        more = {"timeout_ms": 500, "retry_first_ms": 3600_000, "retry_longest_ms": 3600_000}
        late, over = fresh_id(), fresh_id()
        client.submit({"job_id": late, **more}, {"job_id": over, **more, "max_attempts": 1})
        jobs = {job.job_id: job for job, _ in worker.take_jobs(2)}
        count = 0
        while client.submit({"job_id": fresh_id(), "type": "other", "payload": os.urandom(MIB)})[0].error == 0:
            count += 1
        other = self.worker(served, "other", slots=count)
        for job, _ in other.take_jobs(count):  # until there is no room for such results
            if self.finish(other, job, MIB) != 0:
                break
        held = [pb.Held(job_id=job.job_id, token=job.token) for job in jobs.values()]
        for job in jobs.values():
            self.assertEqual(self.finish(worker, job, MIB), ERR["ERR_DISK"])
        clock.advance(1)
        worker.ask(pb.Renew(running=held))  # beyond its deadline no lease is made longer
        clock.advance(31 * 60)
        client.say_hello()  # so long it has said nothing
        end = time.monotonic() + PATIENCE_S
        while {client.status(job_id).state for job_id in jobs} != {pb.STATE_RETRYING, pb.STATE_DEAD}:
            worker.ask(pb.Renew(running=held))
            self.assertLess(time.monotonic(), end)
        self.assertEqual(client.status(late).failure.kind, "timeout")
        # Told once more, as a worker does, when it is smaller or there is room.
        self.assertEqual(self.finish(worker, jobs[late], 4), 0)
        self.assertEqual(client.status(late).state, pb.STATE_SUCCEEDED)
        self.assertEqual(self.finish(worker, jobs[over], 4), ERR["ERR_STALE_LEASE"])
        self.assertEqual(client.status(over).state, pb.STATE_DEAD)
        self.assertEqual(served.metric("weft_conservation_difference"), 0)

    def test_large_results_leave_room_for_small_ones(self):
        served = self.broker("--map-max", "64MiB", "--keep", "1s", *HELD_ON)
        client = self.peer(served)
        worker = self.worker(served, slots=200)
        self.assertEqual({job.error for job in client.submit(*[{"job_id": fresh_id()} for _ in range(200)])}, {0})
        jobs = [job for job, _ in worker.take_jobs(200)]
        kept = {"type": "other", "payload": os.urandom(MIB)}
        filled = 0
        while client.submit({**kept, "job_id": fresh_id()})[0].error == 0:
            filled += 1
        # Sent without waiting for answers, so that many are in one batch.
        asked = {}
        for job in jobs[:100]:
            done = pb.FinishJob(job_id=job.job_id, token=job.token, outcome=pb.OUTCOME_SUCCEEDED,
                                result=pb.Part(length=MIB, content=pb.CONTENT_BYTES))
            asked[worker.send(pb.Finish(jobs=[done]), os.urandom(MIB))] = job
        refused = []
        while asked:
            got = worker.receive()
            self.assertIsNotNone(got, f"{len(asked)} are not answered")
            job = asked.pop(got[0].corr, None)
            if job is not None and got[0].WhichOneof("body") == "error":
                self.assertEqual(got[0].error.error, ERR["ERR_DISK"])
                refused.append(job)
        self.assertTrue(60 < len(refused) < 100, len(refused))
        for job in jobs[100:]:
            self.assertEqual(self.finish(worker, job, 4), 0)
        self.assertIsNone(served.process.poll())
        # Retention makes room, and then what waited is taken.
        other = self.worker(served, "other", slots=filled)
        for job, _ in other.take_jobs(filled):
            self.assertEqual(other.finish(job).error, 0)
        served.wait_for_metric('weft_jobs{state="removed"}', 200 - len(refused) + filled)
        for job in refused[:20]:
            self.assertEqual(self.finish(worker, job, MIB), 0)


if __name__ == "__main__":
    lib_skip.main()
