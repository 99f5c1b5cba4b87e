"""What each field of a request does, sent over HTTP to a gateway and seen at a worker or in the job's course."""

import json
import os
import time
from datetime import datetime, timedelta, timezone

from lib_beside import main_beside
from lib_broker import PATIENCE_S, BrokerTest, pb
from lib_gateway import Gateway, wait_for


def ms_of(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000


class Effects(BrokerTest):
    def start(self, *flags, **options):
        served = self.broker("--renew", "200ms", *flags, **options)
        self.gateway = Gateway(served.zmq)
        self.gateway.wait_ready()
        return served

    def again(self, *flags, **options):
        self.served.stop()
        self.gateway.close()
        self.served = self.start(*flags, **options)

    def setUp(self):
        super().setUp()
        self.served = self.start()
        self.addCleanup(lambda: self.gateway.close())

    def submit(self, **job):
        """Its path."""
        answer = self.gateway.submit({"type": "test", **job})
        self.assertEqual(answer.status, 202, answer)
        return answer.json["status_url"]

    def status(self, path):
        return self.gateway.ask("GET", path).json

    def put(self, path, body):
        answer = self.gateway.ask("PUT", path, json.dumps(body).encode(), Content_Type="application/json")
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def take(self, worker):
        (job, payload), = worker.take_jobs(1)
        return job, payload

    def after(self, outcome, **job):
        """The status of a job after its first attempt."""
        path = self.submit(**job)
        worker = self.worker(self.served)
        worker.finish(self.take(worker)[0], outcome)
        worker.send(pb.Bye())
        return self.status(path)


class OfAJob(Effects):
    def test_type_and_queue_choose_the_worker_and_payload_is_what_it_gets(self):
        self.submit(type="render", queue="q", payload={"n": [1, 2]})
        self.submit(type="render", payload="of the default queue")
        self.submit(queue="q", payload="of another type")
        worker = self.peer(self.served, role=pb.ROLE_WORKER, worker_id=b"w" * 16)
        worker.send(pb.Ready(types=["render"], queues=["q"], slots=4))
        job, payload = self.take(worker)
        self.assertEqual((job.type, job.queue, json.loads(payload)), ("render", "q", {"n": [1, 2]}))
        worker.ask(pb.Renew())  # answered after all that was granted before
        self.assertNotIn("jobs", [envelope.WhichOneof("body") for envelope, _ in worker.unasked])

    def test_priority_decides_who_is_first(self):
        for priority in (5, 0, 9):
            self.submit(priority=priority, payload=priority)
        worker = self.worker(self.served, slots=3)
        self.assertEqual([int(payload) for _, payload in worker.take_jobs(3)], [0, 5, 9])

    def test_delay_and_run_at_are_waited_for(self):
        run_at = datetime.now(timezone.utc) + timedelta(milliseconds=600)
        due = {"delay": time.time() + 0.3, "run_at": run_at.timestamp()}
        worker = self.worker(self.served, slots=2)
        self.submit(delay="300ms", payload="delay")
        self.submit(run_at=run_at.isoformat(timespec="milliseconds"), payload="run_at")
        for _ in due:
            _, payload = self.take(worker)
            self.assertGreaterEqual(time.time() + 0.005, due[json.loads(payload)])  # a clock may slew

    def test_timeout_ends_an_attempt(self):
        self.again("--deadline-grace", "100ms")
        path = self.submit(timeout="400ms", retry={"max_attempts": 1})
        worker = self.worker(self.served)
        job, _ = self.take(worker)
        self.assertEqual(job.timeout_ms, 400)
        held = [pb.Held(job_id=job.job_id, token=job.token)]
        wait_for("the end", lambda: worker.ask(pb.Renew(running=held)) and self.status(path)["status"] == "dead")
        self.assertEqual(self.status(path)["error"]["kind"], "timeout")

    def test_keep_is_how_long_it_stays(self):
        said = self.after(pb.OUTCOME_SUCCEEDED, keep="1s")
        self.assertEqual(said["status"], "succeeded")
        wait_for("its removal", lambda: self.gateway.ask("GET", f"/v1/jobs/{said['job_id']}").status == 410)

    def test_retry_first_and_factor_and_longest_are_the_pauses(self):
        def pauses(**retry):
            path = self.submit(retry={"first": "500ms", "factor": 100, **retry})
            worker = self.worker(self.served)
            said = []
            for _ in range(2):
                worker.finish(self.take(worker)[0], pb.OUTCOME_FAILED)
                failed = [event for event in self.status(path + "/timeline")["events"] if event["event"] == "fail"][-1]
                said.append(ms_of(failed["due_at"]) - ms_of(failed["at"]))
            worker.send(pb.Bye())
            return said
        first, second = pauses()  # half of it, and up to as much again
        self.assertTrue(250 <= first <= 500 and 25_000 <= second <= 50_000, (first, second))
        first, second = pauses(longest="20s")
        self.assertTrue(250 <= first <= 500 and 10_000 <= second <= 20_000, (first, second))

    def test_retry_max_attempts_and_max_crashes_and_within_end_it(self):
        # Those that are to be retried are not before the end of the test.
        self.assertEqual(self.after(pb.OUTCOME_FAILED, retry={"max_attempts": 2, "first": "1h"})["status"], "retrying")
        self.assertEqual(self.after(pb.OUTCOME_FAILED, retry={"max_attempts": 1})["status"], "dead")
        self.assertEqual(self.after(pb.OUTCOME_CRASHED, retry={"max_crashes": 2, "first": "1h"})["status"], "retrying")
        self.assertEqual(self.after(pb.OUTCOME_CRASHED, retry={"max_crashes": 1})["status"], "dead")
        self.assertEqual(self.after(pb.OUTCOME_FAILED, retry={"first": "1h", "within": "2h"})["status"], "retrying")
        self.assertEqual(self.after(pb.OUTCOME_FAILED, retry={"first": "1m", "within": "1s"})["status"], "dead")

    def test_concurrency_key_runs_one_and_order_lets_a_failed_one_block(self):
        for order, second in (("fifo", "queued"), ("fifo-skip", "running")):
            job = {"type": order, "concurrency_key": order, "order": order, "retry": {"first": "1m"}}
            paths = [self.submit(**job) for _ in range(2)]
            worker = self.worker(self.served, order, slots=2)
            first, _ = self.take(worker)
            self.assertEqual((self.status(paths[1])["status"], self.status(paths[1])["waiting_on"]), ("queued", "key_busy"))
            worker.finish(first, pb.OUTCOME_FAILED)
            worker.ask(pb.Renew())
            self.assertEqual([self.status(path)["status"] for path in paths], ["retrying", second])

    def test_unique_while_ends_with_the_job_and_for_does_not(self):
        for span, code in (({"while": "unfinished"}, 202), ({"for": "1h"}, 409)):
            job = {"unique": {"key": json.dumps(span), **span}}
            self.submit(**job)
            self.assertEqual(self.gateway.submit({"type": "test", **job, "payload": 1}).status, 409)
            self.after(pb.OUTCOME_SUCCEEDED)
            self.assertEqual(self.gateway.submit({"type": "other", **job, "payload": 1}).status, code)


class OfAQueueOrType(Effects):
    def test_timeout_and_retry_and_keep_hold_for_jobs_that_do_not_say(self):
        for path, job in (("/v1/queues/q", {"queue": "q"}), ("/v1/types/t", {"type": "t"})):
            with self.subTest(path):
                self.put(path, {"timeout": "61s", "retry": {"max_attempts": 1}, "keep": "1s"})
                worker = self.worker(self.served, job.get("type", "test"), slots=1)
                status_url = self.submit(**job)
                taken, _ = self.take(worker)
                self.assertEqual(taken.timeout_ms, 61_000)
                worker.finish(taken, pb.OUTCOME_FAILED)
                self.assertEqual(self.status(status_url)["status"], "dead")
                wait_for("its removal", lambda: self.gateway.ask("GET", status_url).status == 410)  # pylint: disable=cell-var-from-loop

    def test_weight_is_a_share(self):
        self.put("/v1/queues/b", {"weight": 3})
        for i in range(16):
            self.submit(queue="ab"[i % 2])
        queues = [job.queue for job, _ in self.worker(self.served, slots=8).take_jobs(8)]
        self.assertEqual((queues.count("a"), queues.count("b")), (2, 6))

    def held(self, settings, run, *jobs):
        """Of these jobs so many run; why the last one waits."""
        self.put("/v1/queues/q", settings)
        paths = [self.submit(queue="q", **job) for job in jobs]
        worker = self.worker(self.served, slots=len(jobs))
        worker.take_jobs(run)
        worker.ask(pb.Renew())
        told = [self.status(path) for path in paths]
        self.assertEqual([one["status"] for one in told].count("running"), run, told)
        return told[-1]["waiting_on"]

    def test_running_max(self):
        self.assertEqual(self.held({"running_max": 2}, 2, {}, {}, {}), "queue_busy")

    def test_key_running_max(self):
        key = {"concurrency_key": "k"}
        self.assertEqual(self.held({"key_running_max": 2}, 2, key, key, key), "key_busy")

    def test_rate_and_cost(self):
        dear = {"cost": 1000}
        self.assertEqual(self.held({"rate": {"count": 1000, "per": "1m"}}, 1, {}, dear), "rate_limited")

    def test_key_rate(self):
        key = {"concurrency_key": "k", "cost": 1000}
        settings = {"key_rate": {"count": 1000, "per": "1h"}, "key_running_max": 9}
        self.assertEqual(self.held(settings, 1, {}, key), "rate_limited")


class OfASchedule(Effects):
    """A broker that comes back four hours later, by its clock."""

    HOURS = 4

    def schedule(self, name):
        return self.gateway.ask("GET", f"/v1/schedules/{name}").json

    def settled(self, name, count):
        """Its counters, when so many moments are decided."""
        def told():
            is_now = self.schedule(name)
            return is_now["fired"] + is_now["skipped"] >= count and is_now
        return wait_for(name, told)

    def test_all_of_them(self):
        now = datetime.now(timezone.utc)
        minute = (now + timedelta(minutes=30)).minute  # four moments are missed
        hour = (now + timedelta(hours=2)).hour
        every = {"cron": f"{minute} * * * *", "catch_up": "all", "overlap": "allow"}
        for name, given in (
                ("every", {}), ("latest", {"catch_up": "latest"}), ("none", {"catch_up": "none"}),
                ("skip", {"overlap": "skip"}), ("paused", {"paused": True}),
                ("tokyo", {"cron": f"{minute} {(hour + 9) % 24} * * *", "time_zone": "Asia/Tokyo"}),
                ("utc", {"cron": f"{minute} {(hour + 9) % 24} * * *"}),
                *((f"spread-{no}", {"catch_up": "latest", "jitter": "24h"}) for no in range(8))):
            job = {"type": name, "queue": "q", "payload": {"of": name}, "priority": 1, "tags": ["tick"],
                   "metadata": {"by": "clock"}}
            self.put(f"/v1/schedules/{name}", {**every, **given, "job": job})
        self.again(env={
            "LD_PRELOAD": os.path.join(os.environ["WEFT_BUILD"], "tests", "clock_preload.so"),
            "WEFT_TEST_AHEAD_S": str(self.HOURS * 3600),
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"})
        wait_for("the moments", lambda: self.schedule("every")["fired"] == self.HOURS)
        # cron and time_zone: by the clock of Tokyo the hour was there, by UTC it was not.
        self.assertEqual(self.settled("tokyo", 1)["fired"], 1)
        self.assertEqual(self.schedule("utc")["fired"], 0)
        # catch_up, overlap, paused
        self.assertEqual(self.settled("latest", 1)["fired"], 1)
        self.assertEqual(self.schedule("none")["fired"], 0)
        said = self.settled("skip", self.HOURS)
        self.assertEqual((said["fired"], said["skipped"]), (1, self.HOURS - 1))
        self.assertEqual(self.schedule("paused")["fired"], 0)
        # job
        worker = self.worker(self.served, "every", slots=self.HOURS)
        made = worker.take_jobs(self.HOURS)
        self.assertEqual({(job.type, job.queue, payload) for job, payload in made}, {("every", "q", b'{"of": "every"}')})
        for job, _ in made:
            self.assertEqual((list(job.labels.tags), dict(job.labels.metadata)), (["tick"], {"by": "clock"}))
        # jitter: by its name one may be due at once
        due = {self.status("/v1/jobs/" + self.settled(f"spread-{no}", 1)["last_job_id"]).get("due_at") for no in range(8)} - {None}
        self.assertGreater(len(due), 1)
        last = ms_of(self.schedule("spread-0")["last_at"])
        self.assertTrue(all(last < ms_of(moment) <= last + 24 * 3600_000 for moment in due), due)


if __name__ == "__main__":
    main_beside(4)
