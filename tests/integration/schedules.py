"""Schedules over the wire: what is given, what is refused, and what each minute brings."""

import os
import time
import unittest

from lib_broker import ERR, PATIENCE_S, BrokerTest, fresh_id, pb
from lib_clock import Clock

MINUTE_MS = 60000


def minute_of(at_ms):
    return at_ms // MINUTE_MS * MINUTE_MS


def clock_ahead(ahead_s):
    return {"LD_PRELOAD": os.path.join(os.environ["WEFT_BUILD"], "tests", "clock_preload.so"),
            "WEFT_TEST_AHEAD_S": str(ahead_s),
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}


class Schedules(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.client = self.peer(self.served)

    def set(self, schedule_id, cron="0 3 * * *", payload=b"", client=None, job=None, **fields):
        body = pb.ScheduleSet(schedule_id=schedule_id, act=pb.SCHEDULE_SET, cron=cron,
                              jobs=[pb.SubmitJob(**{"type": "tick", **(job or {})})], **fields)
        if payload:
            body.jobs[0].payload.CopyFrom(pb.Part(length=len(payload), content=pb.CONTENT_JSON))
        return (client or self.client).ask(body, payload)

    def act(self, schedule_id, act):
        return self.client.ask(pb.ScheduleSet(schedule_id=schedule_id, act=act))

    def status(self, schedule_id, next_count=0, client=None):
        return (client or self.client).ask(pb.ScheduleStatus(schedule_id=schedule_id, next_count=next_count))

    def test_what_was_given_is_told_with_defaults(self):
        """And kept: mapping only."""
        made = self.set("nightly", payload=b'{"a":1}', next_count=2, zone="Europe/Berlin", job={"queue": "q"})
        self.assertEqual((made.error, made.detail), (0, ""))
        self.assertEqual(made.generation, 1)
        self.assertEqual(len(made.next), 2)
        said = self.status("nightly", 2)
        self.assertEqual(said, made)
        self.assertEqual(said.overlap, pb.OVERLAP_SKIP)
        self.assertEqual(said.catch_up, pb.CATCH_UP_LATEST)
        self.assertEqual((said.jobs[0].type, said.jobs[0].queue), ("tick", "q"))
        self.assertEqual(said.jobs[0].payload.length, 7)
        self.assertEqual(self.set("nightly", payload=b'{"a":1}', zone="Europe/Berlin", job={"queue": "q"}).generation, 1)
        self.assertEqual(self.set("nightly", payload=b'{"a":2}', zone="Europe/Berlin", job={"queue": "q"}).generation, 2)

    def test_what_is_wrong_is_named(self):
        for fields, word in ((dict(cron="61 * * * *"), 'minute "61"'), (dict(cron="* * *"), "five fields"),
                             (dict(zone="Europe/Atlantis"), "no such time zone"), (dict(zone="../passwd"), "time zone"),
                             (dict(job={"key": "k"}), "job: no job_id and no key"), (dict(job={"type": "T"}), "type"),
                             (dict(jitter_ms=86400001), "jitter"), (dict(next_count=101), "next")):
            said = self.set("bad", **fields)
            self.assertEqual(said.error, ERR["ERR_BAD_FIELD"], fields)
            self.assertIn(word, said.detail)
        self.assertEqual(self.set("Bad").error, ERR["ERR_BAD_FIELD"])
        self.assertEqual(self.status("bad").error, ERR["ERR_NOT_FOUND"])
        self.assertEqual(self.act("bad", pb.SCHEDULE_PAUSE).error, ERR["ERR_NOT_FOUND"])

    def test_a_dry_run_changes_nothing(self):
        said = self.set("dry", cron="*/5 * * * *", next_count=3, dry_run=True)
        self.assertEqual((said.error, len(said.next), said.generation), (0, 3, 0))
        self.assertEqual(said.next[1].at_ms - said.next[0].at_ms, 5 * MINUTE_MS)
        self.assertEqual(self.status("dry").error, ERR["ERR_NOT_FOUND"])

    def test_pause_resume_delete(self):
        self.set("p")
        self.assertEqual(self.act("p", pb.SCHEDULE_PAUSE).error, 0)
        said = self.status("p", next_count=3)
        self.assertTrue(said.paused)
        self.assertEqual(len(said.next), 0)
        self.assertEqual(self.act("p", pb.SCHEDULE_PAUSE).error, 0)
        self.assertEqual(self.act("p", pb.SCHEDULE_RESUME).error, 0)
        self.assertEqual(len(self.status("p", 3).next), 3)
        self.assertEqual(self.act("p", pb.SCHEDULE_DELETE).error, 0)
        self.assertEqual(self.status("p").error, ERR["ERR_NOT_FOUND"])

    def test_the_list_goes_by_id_in_pages(self):
        for name in ("c", "a", "b"):
            self.set(name, paused=name == "b")
        page = self.client.ask(pb.ScheduleList(limit=2))
        self.assertEqual([line.schedule_id for line in page.schedules], ["a", "b"])
        self.assertTrue(page.is_more)
        self.assertEqual((page.schedules[0].type, page.schedules[0].queue), ("tick", "default"))
        self.assertGreater(page.schedules[0].next_at_ms, 0)
        self.assertEqual(page.schedules[1].next_at_ms, 0)
        page = self.client.ask(pb.ScheduleList(after="b"))
        self.assertEqual([line.schedule_id for line in page.schedules], ["c"])
        self.assertFalse(page.is_more)
        self.assertEqual(self.client.ask(pb.ScheduleList(limit=257)).error, ERR["ERR_BAD_FIELD"])

    def test_the_table_has_a_limit(self):
        served = self.broker_elsewhere("--schedule-count-max", "1")
        client = self.peer(served)
        self.assertEqual(self.set("a", client=client).error, 0)
        said = self.set("b", client=client)
        self.assertEqual(said.error, ERR["ERR_FULL"])
        self.assertIn("schedule_count_max", said.detail)

    def test_every_zone_of_the_database_has_room(self):
        names = [os.path.relpath(os.path.join(folder, name), "/usr/share/zoneinfo")
                 for folder, _, files in os.walk("/usr/share/zoneinfo") for name in files]
        self.assertGreater(len(names), 300)
        errors = {name: self.set("z", zone=name, dry_run=True).error for name in names if len(name) <= 64}
        self.assertEqual(set(errors.values()), {0, ERR["ERR_BAD_FIELD"]})
        self.assertEqual({errors.get(name, 0) for name in ("Europe/Berlin", "Pacific/Auckland", "UTC")}, {0})

    def broker_elsewhere(self, *flags):
        self.data += "-2"
        return self.broker(*flags)


class Minutes(BrokerTest):
    """A broker lives through a minute, and is dead during the next, by a clock that has just begun one whenever
    something is to be done before the next."""

    def setUp(self):
        super().setUp()
        self.clock = Clock(os.path.join(self.data, "clock"))

    def now_ms(self):
        return int(time.time() * 1000 + self.clock.ahead_ns / 1e6)

    def begin_minute(self):
        """When the next one has begun, which is now."""
        at_ms = minute_of(self.now_ms()) + MINUTE_MS
        self.clock.advance((at_ms - self.now_ms()) / 1000 + 0.01)
        return at_ms

    def set(self, client, name, **fields):
        body = pb.ScheduleSet(schedule_id=name, act=pb.SCHEDULE_SET, cron="* * * * *",
                              jobs=[pb.SubmitJob(type=name)], **fields)
        self.assertEqual(client.ask(body).error, 0)

    def wait_made(self, client, name, count):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            said = client.ask(pb.ScheduleStatus(schedule_id=name))
            if said.fired >= count:
                return said
            time.sleep(0.1)
        self.fail(f"{name} made nothing")

    def wait_fired(self, client, name, count):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            said = client.ask(pb.ScheduleStatus(schedule_id=name))
            if said.fired + said.skipped >= count or said.held_at_ms != 0:
                return said
            time.sleep(0.1)
        self.fail(f"{name} made nothing")

    def test_each_minute_once_over_a_crash(self):
        began_at = self.begin_minute()
        served = self.broker(env=self.clock.env)
        client = self.peer(served)
        self.set(client, "run")
        self.set(client, "paused", paused=True)
        self.set(client, "beside", overlap=pb.OVERLAP_ALLOW)
        self.set(client, "wait", overlap=pb.OVERLAP_QUEUE)
        self.set(client, "instead", overlap=pb.OVERLAP_REPLACE)
        worker = self.worker(served, "run")
        first_at = self.begin_minute()
        self.assertEqual(first_at, began_at + MINUTE_MS)
        said = self.wait_fired(client, "run", 1)
        (job, _), = worker.take_jobs(1)
        self.assertEqual((said.last_job_id, said.last_at_ms), (job.job_id, first_at))
        self.assertEqual(client.ask(pb.ScheduleStatus(schedule_id="paused")).fired, 0)
        served.wait_for_metric("weft_schedules", 5)
        replaced_id = self.wait_fired(client, "instead", 1).last_job_id

        # The job runs on; the next minute passes while nobody is there.
        self.set(client, "gone", catch_up=pb.CATCH_UP_NONE)
        served.kill()
        next_at = self.begin_minute()
        served = self.broker(env=self.clock.env)
        client = self.peer(served)
        after = self.wait_fired(client, "run", 2)
        self.assertEqual((after.fired, after.skipped), (1, 1))  # its job is unfinished still
        self.assertEqual(after.last_at_ms, next_at)
        beside = self.wait_fired(client, "beside", 2)
        self.assertEqual((beside.fired, beside.skipped), (2, 0))
        instead = self.wait_fired(client, "instead", 2)
        self.assertEqual((instead.fired, instead.skipped), (2, 0))
        self.assertEqual(client.status(instead.last_job_id).state, pb.STATE_QUEUED)
        self.assertEqual(client.status(replaced_id).state, pb.STATE_CANCELLED)
        said = client.ask(pb.Timeline(job_id=replaced_id)).events[-1]
        self.assertEqual((said.event, said.actor, said.reason),
                         ("cancel", "schedule:instead", "replaced by the next moment"))
        held = self.wait_fired(client, "wait", 2)
        self.assertEqual((held.fired, held.skipped, held.held_at_ms), (1, 0, after.last_at_ms))
        client.ask(pb.Act(kind=pb.ACT_CANCEL, job_id=held.last_job_id, act_id=b"1" * 16))
        self.assertEqual(self.wait_made(client, "wait", 2).held_at_ms, 0)
        # At most a minute late is on time.
        self.assertEqual(self.wait_fired(client, "gone", 1).fired, 1)
        self.assertEqual(served.metric("weft_conservation_difference"), 0)
        self.assertEqual(served.metric("weft_store_violations_total"), 0)


class Missed(BrokerTest):
    """A broker that comes back hours later, by its clock."""

    HOUR_MS = 3600 * 1000
    SPREAD = [f"spread-{no}" for no in range(8)]

    def setUp(self):
        super().setUp()
        begun_at = minute_of(int(time.time() * 1000))
        self.last_at_ms = begun_at + self.HOUR_MS * 7 // 2  # the fourth of its moments
        self.minute = begun_at // MINUTE_MS % 60 + 30
        client = self.peer(served := self.broker())
        for name, catch_up in (("none", pb.CATCH_UP_NONE), ("latest", pb.CATCH_UP_LATEST), ("all", pb.CATCH_UP_ALL)):
            self.set(client, name, catch_up=catch_up)
        self.set(client, "sharp", jitter_ms=0)
        hour = begun_at // self.HOUR_MS + 2 + 9  # in two hours, by the clock of Tokyo
        for name, zone in (("tokyo", "Asia/Tokyo"), ("utc", "")):
            self.set(client, name, cron=f"{self.minute % 60} {hour % 24} * * *", zone=zone)
        for name in self.SPREAD:
            self.set(client, name, jitter_ms=24 * self.HOUR_MS)
        served.stop()
        self.served = self.hours_later()
        self.client = self.peer(self.served)

    def hours_later(self, *flags):
        return self.broker(*flags, env=clock_ahead(4 * 3600))

    def set(self, client, name, **fields):
        body = pb.ScheduleSet(**{"schedule_id": name, "act": pb.SCHEDULE_SET, "cron": f"{self.minute % 60} * * * *",
                                 "overlap": pb.OVERLAP_ALLOW, **fields}, jobs=[pb.SubmitJob(type=name, priority=1)])
        body.jobs[0].payload.CopyFrom(pb.Part(length=len(name), content=pb.CONTENT_TEXT))
        self.assertEqual(client.ask(body, name.encode()).error, 0)

    def wait_last(self, name):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            said = self.client.ask(pb.ScheduleStatus(schedule_id=name))
            if said.last_at_ms == self.last_at_ms:
                return said
            time.sleep(0.1)
        self.fail(f"{name} made nothing")

    def test_cron_and_zone_say_when_and_jobs_what(self):
        """And `schedule_id` whose it is."""
        self.assertEqual(self.wait_last("all").fired, 4)
        end = time.monotonic() + PATIENCE_S
        while self.client.ask(pb.ScheduleStatus(schedule_id="tokyo")).fired == 0:
            self.assertLess(time.monotonic(), end)
        self.assertEqual(self.client.ask(pb.ScheduleStatus(schedule_id="utc")).fired, 0)
        jobs = self.worker(self.served, "all", slots=4).take_jobs(4)
        self.assertEqual({(job.type, payload) for job, payload in jobs}, {("all", b"all")})

    def test_catch_up_says_how_many_missed_moments_count(self):
        self.assertEqual(self.wait_last("latest").fired, 1)
        self.assertEqual(self.wait_last("all").fired, 4)
        self.assertEqual(self.client.ask(pb.ScheduleStatus(schedule_id="none")).fired, 0)

    def test_a_full_broker_is_told_once_and_tries_again(self):
        self.data += "-2"
        client = self.peer(served := self.broker())
        for name in ("a", "b"):
            self.set(client, name, catch_up=pb.CATCH_UP_LATEST)
        job_id = fresh_id()
        client.submit({"job_id": job_id})
        served.stop()
        served = self.hours_later("--job-count-max", "1")
        end = time.monotonic() + PATIENCE_S
        while served.metric("weft_moments_deferred_total") < 4:
            self.assertLess(time.monotonic(), end)
        self.assertEqual(served.stderr().count(" schedule.full "), 1)
        self.client = self.peer(served)
        self.client.ask(pb.Act(kind=pb.ACT_CANCEL, job_id=job_id, act_id=fresh_id()))
        while served.metric('weft_moments_total{verdict="fired"}') < 1:
            self.assertLess(time.monotonic(), end)

    def test_jitter_ms_moves_the_jobs_apart(self):
        self.assertEqual(self.client.status(self.wait_last("sharp").last_job_id).state, pb.STATE_QUEUED)
        due = {self.client.status(self.wait_last(name).last_job_id).due_at_ms for name in self.SPREAD} - {0}
        self.assertGreater(len(due), 1)  # by its name one may be due at once
        self.assertGreater(min(due), self.last_at_ms)
        self.assertLessEqual(max(due), self.last_at_ms + 24 * self.HOUR_MS)


if __name__ == "__main__":
    unittest.main()
