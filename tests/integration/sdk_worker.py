#!/usr/bin/env python3
"""Workers and clients made with libweft (sdk_probe.c, sdk_client_probe.c, sdk_crowd_probe.c): each way a job may go, the journal,
stopping, and everything that a client may ask."""

import os
import re
import signal
import subprocess
import threading
import time
import unittest
import uuid

from lib_broker import PATIENCE_S, BrokerTest, fresh_id, pb

PROBE = os.path.join(os.environ["WEFT_BUILD"], "tests", "sdk_probe")


class Probe:
    """A process of sdk_probe, and the lines that it prints."""

    def __init__(self, broker, data="-", concurrency=2, prefetch=0, env=None):
        self.process = subprocess.Popen([PROBE, broker, data, str(concurrency), str(prefetch)], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env={**os.environ, **(env or {})})
        self.lines, self.complaints = [], []
        self.heard, self.threads = threading.Condition(), []
        for stream, kept in ((self.process.stdout, self.lines), (self.process.stderr, self.complaints)):
            self.threads.append(threading.Thread(target=self._listen, args=(stream, kept), daemon=True))
            self.threads[-1].start()

    def _listen(self, stream, kept):
        for line in stream:
            with self.heard:
                kept.append(line.rstrip("\n"))
                self.heard.notify_all()

    def wait_for(self, begin, count=1):
        with self.heard:
            if not self.heard.wait_for(lambda: self.count(begin) >= count, PATIENCE_S):
                raise AssertionError(f"no {count} × {begin!r} in {self.lines}, {self.complaints}")

    def count(self, begin):
        return sum(line.startswith(begin) for line in self.lines + self.complaints)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)
        for thread in self.threads:
            thread.join(PATIENCE_S)
        self.process.stdout.close()
        self.process.stderr.close()


class Sdk(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker("--renew", "200ms")
        self.client = self.peer(self.served)

    def work(self, *arguments, **more):
        probe = Probe(self.served.zmq, *arguments, **more)
        self.addCleanup(probe.close)
        probe.wait_for("ready")
        return probe

    def submit(self, kind, payload=b"{}", **fields):
        job_id = fresh_id()
        answer, = self.client.submit({"job_id": job_id, "type": kind, "payload": payload,
                                      "content": pb.CONTENT_JSON, **fields})
        self.assertEqual(answer.error, 0, answer)
        return job_id

    def until(self, job_id, claim):
        version, end = 0, time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            status = self.client.status(job_id, wait_ms=1000, version=version)
            if claim(status):
                return status
            version = status.version
        raise AssertionError(f"in vain: {status}")

    def ended(self, job_id):
        return self.until(job_id, lambda status: status.state >= pb.STATE_SUCCEEDED)

    def test_each_way_a_handler_may_end(self):
        self.work()
        job = self.submit("echo", b'{"a":1}')
        self.assertEqual(self.ended(job).state, pb.STATE_SUCCEEDED)
        _, result = self.client.answer(self.client.send(pb.Status(job_id=job)))
        self.assertEqual(result, b'{"a":1}')
        for kind, payload, said in [
                ("fail", b"{}", ("odd", "row 7 is odd")),
                ("blank", b"{}", ("result-content", "the result has bytes and no content: say which, or use "
                                                    "weft_json(), weft_text()")),
                ("dead", b'{"row":"x\\u00e9"}', ("no-such-row", "no row xé")),
                ("dead", b'{"row":5}', ("payload", 'the payload has no string "row"')),
                ("dead", b'[]', ("payload", 'the payload has no string "row"')),
                ("dead", b'{"row":"a\\u0000b"}', ("payload", 'the payload has no string without a zero in it "row"')),
                ("number", b'{"n":"5"}', ("payload", 'the payload has no integer "n"')),
                ("number", b'{"n":1e400}', ("payload", 'the payload has no integer "n"'))]:
            status = self.ended(self.submit(kind, payload, max_attempts=1))
            self.assertEqual((status.state, status.failure.kind, status.failure.message), (pb.STATE_DEAD, *said))
        many = b"{" + b"".join(b'"m%d":%d,' % (n, n) for n in range(3000)) + b'"n":21}'
        for payload in (b'{"n":21}', b'{"\\u006e":21}', many):
            self.assertEqual(self.result_of("number", payload), b'{"twice":42}')

    def result_of(self, kind, payload=b"{}", **fields):
        job = self.submit(kind, payload, **fields)
        self.assertEqual(self.ended(job).state, pb.STATE_SUCCEEDED)
        return self.client.answer(self.client.send(pb.Status(job_id=job)))[1]

    def test_a_member_is_looked_for_in_json_only(self):
        self.work()
        status = self.ended(self.submit("dead", b'{"row":"x"}', content=pb.CONTENT_TEXT))
        self.assertEqual(status.failure.message, 'the payload has no string "row": it is not JSON')

    def test_what_came_with_the_job_is_shown(self):
        self.work()
        parents = [self.submit("echo") for _ in range(2)]
        began = 1000 * time.time()
        shown = self.result_of("show", traceparent="00-aa-bb-01", queue="mail", timeout_ms=5000, after=parents,
                               on_dependency_failure=pb.ON_FAILURE_RUN, labels=pb.Labels(
                                   tags=["red", "a:b/c@d"], metadata={"who": "Jörg Ä", "empty": ""})).decode()
        token, generation, deadline = (int(re.search(rf" {word}=(\d+)", shown)[1])
                                       for word in ("token", "generation", "deadline"))
        self.assertTrue(token > 0 and generation > 0, shown)
        self.assertTrue(began + 3600 * 1000 <= deadline <= 1000 * time.time() + 3600 * 1000, shown)
        self.assertRegex(shown, r"^type=show queue=mail trace=00-aa-bb-01 ")
        ids = "".join(f" after={uuid.UUID(bytes=parent)}" for parent in parents)
        self.assertIn(f"{ids} tag=red tag=a:b/c@d ", shown)
        self.assertIn(" who=Jörg Ä", shown)
        self.assertIn(" empty=", shown)
        self.assertTrue(shown.endswith(" who:Jörg Ä none:1"), shown)
        bare = self.result_of("show").decode()
        self.assertRegex(bare, r"^type=show queue=default trace= token=\d+ generation=\d+ deadline=\d+ who: none:1$")

    def test_a_deadline_is_told_as_it_is(self):
        self.work()
        began = 1000 * time.time()
        shown = self.result_of("show", timeout_ms=2 * 3600 * 1000).decode()  # the extension asks for less
        deadline = int(re.search(r" deadline=(\d+)", shown)[1])
        self.assertTrue(began + 2 * 3600 * 1000 <= deadline <= 1000 * time.time() + 2 * 3600 * 1000, shown)

    def test_a_value_that_means_nothing_is_an_error_that_says_so(self):
        self.work()
        for number, said in [(4, "the handler returned 4: WEFT_JOB_SNOOZED without weft_job_snooze(), which says for how long"),
                             (3, "the handler returned 3: WEFT_JOB_CANCELLED, and nobody had asked it to stop"),
                             (42, "the handler returned 42: that is no WEFT_JOB_ value"),
                             (-1, "the handler returned -1: that is no WEFT_JOB_ value")]:
            status = self.ended(self.submit("odd", b'{"n":%d}' % number, max_attempts=2, retry_first_ms=1))
            self.assertEqual((status.state, status.errors, status.failure.kind, status.failure.message),
                             (pb.STATE_DEAD, 2, "bad-return", said))
        for number, kind in (1, "failed"), (2, "permanent"):
            status = self.ended(self.submit("odd", b'{"n":%d}' % number, max_attempts=1))
            self.assertEqual((status.state, status.failure.kind, status.failure.message), (pb.STATE_DEAD, kind, ""))

    def test_a_result_that_cannot_be_one_is_not_lost_in_silence(self):
        self.work()
        for what, kind in [("large", "result-too-large"), ("json", "result-not-json"), ("null", "result-not-json"),
                           ("text", "result-content"), ("nothing", "result-content")]:
            status = self.ended(self.submit("careless", b'{"what":"%s","then":""}' % what.encode()))
            self.assertEqual((status.state, status.failure.kind), (pb.STATE_DEAD, kind))
            self.assertEqual(self.result_of("careless", b'{"what":"%s","then":"better"}' % what.encode()), b"1")

    def test_what_is_said_last_counts(self):
        self.work()
        status = self.ended(self.submit("wavering", max_attempts=2, retry_first_ms=1))
        self.assertEqual((status.state, status.errors, status.failure.kind, status.failure.message),
                         (pb.STATE_DEAD, 2, "failed", "at once"))

    def test_what_is_given_back_does_not_come_again_at_once_and_burns_nothing(self):
        probe = self.work()
        job = self.submit("back", b'{"file":"/"}')
        status = self.ended(job)
        self.assertGreaterEqual(status.started_at_ms - status.created_at_ms, 1000)
        self.assertEqual((status.state, status.attempt, status.errors, probe.count("back")), (pb.STATE_SUCCEEDED, 1, 0, 2))

    def test_what_is_given_back_by_one_that_leaves_goes_elsewhere_at_once(self):
        probe = self.work()
        go = os.path.join(self.data, "go")
        job = self.submit("back", b'{"file":"%s"}' % go.encode())
        probe.wait_for("back")
        probe.process.send_signal(signal.SIGUSR1)
        probe.wait_for("1 worker.quiet")
        with open(go, "w", encoding="utf-8"):
            pass
        status = self.until(job, lambda status: status.interruptions == 1)
        self.assertEqual((status.state, status.failure.kind), (pb.STATE_QUEUED, "interrupted"))

    def test_a_retry_burns_an_attempt_and_a_snooze_none(self):
        self.work()
        status = self.ended(self.submit("again", retry_first_ms=1, retry_longest_ms=1))
        self.assertEqual((status.state, status.attempt, status.errors), (pb.STATE_SUCCEEDED, 2, 1))
        status = self.ended(self.submit("snooze"))
        self.assertEqual((status.state, status.attempt, status.errors), (pb.STATE_SUCCEEDED, 1, 0))

    def test_progress_and_log_lines_arrive(self):
        self.work()
        job = self.submit("tell")
        status = self.ended(job)
        self.assertEqual((status.progress_done, status.progress_total, status.progress_text), (3, 4, "row 3"))
        envelope, _ = self.client.answer(self.client.send(pb.Log(job_id=job)))
        self.assertEqual([line.text for line in envelope.log_is.lines], ["line 1", "line 2", "line 3"])

    def test_a_cancel_reaches_the_handler(self):
        probe = self.work()
        job = self.submit("patient")
        probe.wait_for("patient")
        acted = self.client.ask(pb.Act(kind=pb.ACT_CANCEL, job_id=job, act_id=fresh_id()))
        self.assertEqual(acted.error, 0, acted)
        self.assertEqual(self.ended(job).state, pb.STATE_CANCELLED)

    def test_a_deadline_ends_a_handler_that_listens_and_gives_up_one_that_does_not(self):
        probe = self.work("-", 1)
        status = self.ended(self.submit("patient", timeout_ms=100, max_attempts=1))
        self.assertEqual((status.state, status.failure.kind), (pb.STATE_DEAD, "timeout"))
        go = os.path.join(self.data, "go")
        job = self.submit("deaf", b'{"file":"%s"}' % go.encode(), timeout_ms=1000, max_attempts=1)
        status = self.ended(job)
        self.assertEqual((status.state, status.failure.kind), (pb.STATE_DEAD, "timeout"))
        # Its only thread is still busy: until the handler returns the worker takes no job.
        probe.wait_for("3 job.abandoned")
        after = self.submit("echo")
        self.until(after, lambda s: s.waiting_on == pb.WAITING_NO_WORKER)
        self.assertEqual(probe.count("returned"), 0)
        with open(go, "w", encoding="utf-8"):
            pass
        self.assertEqual(self.ended(after).state, pb.STATE_SUCCEEDED)
        self.assertEqual(self.client.status(job).state, pb.STATE_DEAD)

    def give_up(self, probe, count=1):
        """So many handlers of the probe's that never return."""
        for _ in range(count):
            job = self.submit("deaf", b'{"file":"/nowhere"}', timeout_ms=100, max_attempts=1)
            self.assertEqual(self.ended(job).state, pb.STATE_DEAD)
        probe.wait_for("3 job.abandoned", count)

    def test_a_handler_that_never_returns_holds_up_no_other_job(self):
        probe = self.work("-", 3)
        self.give_up(probe, 2)
        for _ in range(3):  # by the thread that is left
            self.assertEqual(self.ended(self.submit("echo")).state, pb.STATE_SUCCEEDED)
        self.give_up(probe)
        after = self.submit("echo")
        other = self.work("-", 1)
        self.assertEqual(self.ended(after).state, pb.STATE_SUCCEEDED)
        self.assertEqual((probe.count("echo"), other.count("echo")), (3, 1))

    def test_what_came_in_advance_goes_elsewhere_when_no_thread_comes_back(self):
        deaf = self.submit("deaf", b'{"file":"/nowhere"}', timeout_ms=700, max_attempts=1, priority=0)
        after = self.submit("echo")
        probe = self.work("-", 1, 1)  # takes both
        self.assertEqual(self.ended(deaf).state, pb.STATE_DEAD)
        status = self.until(after, lambda status: status.interruptions == 1)
        self.assertEqual(status.state, pb.STATE_QUEUED)
        other = self.work("-", 1)
        self.assertEqual(self.ended(after).state, pb.STATE_SUCCEEDED)
        self.assertEqual((probe.count("echo"), other.count("echo")), (0, 1))

    def test_a_handler_may_ask_for_more_time(self):
        probe = self.work()
        go = os.path.join(self.data, "go")
        job = self.submit("longer", b'{"file":"%s"}' % go.encode(), timeout_ms=60_000, max_attempts=1)
        probe.wait_for("longer")
        self.until(job, lambda s: s.deadline_at_ms - s.started_at_ms > 3000 * 1000)
        with open(go, "w", encoding="utf-8"):
            pass
        self.assertEqual(self.ended(job).state, pb.STATE_SUCCEEDED)

    def test_as_many_jobs_at_once_as_there_are_threads(self):
        probe = self.work("-", 3)
        jobs = [self.submit("patient") for _ in range(4)]
        probe.wait_for("patient", 3)
        states = sorted(self.client.status(job).state for job in jobs)
        self.assertEqual(states, [pb.STATE_QUEUED] + 3 * [pb.STATE_RUNNING])

    def test_jobs_are_taken_in_advance(self):
        probe = self.work("-", 1, 2)
        jobs = [self.submit("patient") for _ in range(4)]
        probe.wait_for("patient")
        self.until(jobs[2], lambda status: status.state == pb.STATE_RUNNING)  # it waits at the worker
        self.assertEqual((probe.count("patient"), self.client.status(jobs[3]).state), (1, pb.STATE_QUEUED))
        self.client.ask(pb.Act(kind=pb.ACT_CANCEL, job_id=jobs[0], act_id=fresh_id()))
        probe.wait_for("patient", 2)

    def try_it(self, n):
        payload = b'{"n":%d}' % n
        corr = self.client.send(pb.Submit(dry_run=True, jobs=[pb.SubmitJob(
            job_id=fresh_id(), type="number", payload=pb.Part(length=len(payload), content=pb.CONTENT_JSON))]), payload)
        answer, block = self.client.answer(corr)
        return answer.submitted.forecasts[0], block

    def test_dry_runs_are_answered_beside_the_jobs(self):
        self.served.close()
        self.served = self.broker("--simulate-wait", "8s")
        self.client = self.peer(self.served)
        probe = self.work("-", 1)
        self.submit("patient", timeout_ms=3600_000)
        probe.wait_for("patient")  # the only thread for jobs
        told, block = self.try_it(7)
        self.assertEqual((told.simulation, block), (pb.SIMULATION_OK, b'{"would":true}'))
        told, _ = self.try_it(-7)
        self.assertEqual((told.simulation, told.failure.kind), (pb.SIMULATION_FAILED, "negative"))
        # One that takes too long is asked to stop, and what it says then is heard by nobody.
        told, _ = self.try_it(60_000)
        self.assertIn(told.simulation, {pb.SIMULATION_LATE, pb.SIMULATION_FAILED})
        self.assertEqual(self.try_it(7)[0].simulation, pb.SIMULATION_OK)
        self.assertEqual(probe.count("number"), 0)

    def test_told_to_stop_it_gives_back_what_runs(self):
        probe = self.work()
        job = self.submit("patient")
        probe.wait_for("patient")
        probe.process.send_signal(signal.SIGTERM)
        probe.wait_for("left 0")
        probe.wait_for("again 26")  # once for each worker
        status = self.until(job, lambda s: s.interruptions == 1)
        self.assertEqual((status.state, status.errors, status.crashes), (pb.STATE_QUEUED, 0, 0))
        self.assertEqual(probe.process.wait(PATIENCE_S), 0)

    def test_quiet_it_takes_no_more_jobs(self):
        probe = self.work()
        probe.process.send_signal(signal.SIGUSR1)
        probe.wait_for("1 worker.quiet")
        job = self.submit("echo")
        other = self.work()
        self.assertEqual(self.ended(job).state, pb.STATE_SUCCEEDED)
        self.assertEqual((probe.count("echo"), other.count("echo")), (0, 1))

    def test_a_broker_killed_under_it_loses_nothing(self):
        probe = self.work("-", 2)
        jobs = [self.submit("again", retry_first_ms=1, retry_longest_ms=1) for _ in range(20)]
        probe.wait_for("again")
        address = self.served.zmq
        self.served.kill()
        self.served = self.broker("--renew", "200ms", zmq=address)
        self.client = self.peer(self.served)
        self.assertEqual({self.ended(job).state for job in jobs}, {pb.STATE_SUCCEEDED})

    def test_killed_between_journal_and_finish_it_does_not_run_the_job_again(self):
        home = os.path.join(self.data, "worker")
        job = self.submit("echo")
        first = Probe(self.served.zmq, home, env={"WEFT_FAILPOINT": "worker.after_journal"})
        self.addCleanup(first.close)
        self.assertEqual(first.process.wait(PATIENCE_S), -signal.SIGKILL)
        second = self.work(home)
        self.assertEqual(self.ended(job).state, pb.STATE_SUCCEEDED)
        self.assertEqual((first.count("echo"), second.count("echo")), (1, 0))

    def asks(self, *words, probe="sdk_client_probe"):
        program = os.path.join(os.path.dirname(PROBE), probe)
        done = subprocess.run([program, self.served.zmq, *words], capture_output=True, text=True, timeout=2 * PATIENCE_S)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_everything_that_a_client_may_ask(self):
        self.client.ask(pb.WebhookSet(webhook_id="default", act=pb.WEBHOOK_SET, url="https://a.test/", secret=b"sealed"))
        self.assertEqual(self.asks(), "all\n")

    def test_a_client_is_told_what_workers_say_of_many(self):
        self.work()
        self.assertEqual(self.asks("many"), "many\n")

    def test_a_crowd_in_one_process_leaves_nothing_behind(self):
        self.assertEqual(self.asks("200", probe="sdk_crowd_probe"), "all\n")

    def test_all_threads_together_are_at_most_256(self):
        """Two of them are for dry runs."""
        for concurrency, prefetch, said in ((254, 0, "ready"), (1, 254, "left 11"), (255, 0, "left 11"), (256, 1, "refused 11")):
            probe = Probe(self.served.zmq, "-", concurrency, prefetch)
            self.addCleanup(probe.close)
            probe.wait_for(said)

    def test_one_process_has_a_data_directory(self):
        home = os.path.join(self.data, "worker")
        self.work(home)
        other = Probe(self.served.zmq, home)
        self.addCleanup(other.close)
        self.assertEqual(other.process.wait(PATIENCE_S), 2)
        other.wait_for("refused 18")


if __name__ == "__main__":
    unittest.main()
