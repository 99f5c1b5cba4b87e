"""What jobs may ask of each other, through gateway, broker and worker."""

import json
import os
import subprocess
import tempfile
import unittest

from lib_beside import main_beside
from lib_broker import Broker
from lib_clock import Clock
from lib_gateway import Gateway, wait_for
from lib_worker import Worker


class Relations(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory(prefix="weft-relations-")
        self.addCleanup(self.place.cleanup)
        self.broker = Broker(os.path.join(self.place.name, "broker"))
        self.addCleanup(lambda: self.broker.close())
        self.gateway = Gateway(self.broker.zmq)
        self.addCleanup(self.gateway.close)
        self.gateway.wait_ready()

    def submit(self, **fields):
        return self.gateway.submit({"type": "test", **fields})

    def status(self, answer):
        return self.gateway.ask("GET", answer.json["status_url"]).json

    def told(self, answer):
        events = self.gateway.ask("GET", answer.json["status_url"] + "/timeline").json["events"]
        return [(event["event"], event["status"]) for event in events]


class Unique(Relations):
    def test_a_held_key_refuses_others_and_names_its_holder(self):
        first = self.submit(unique={"key": "k"})
        self.assertEqual(first.status, 202, first)
        self.assertEqual(self.status(first)["unique_key"], "k")
        second = self.submit(unique={"key": "k", "for": "1h"})
        self.assertEqual((second.status, second.json["code"]), (409, "WEFT-1030"), second)
        self.assertEqual(second.json["holder_id"], first.json["job_id"])
        self.assertEqual(self.submit(unique={"key": "k"}, queue="other").status, 202)
        self.broker.wait_for_metric("weft_unique_keys", 2)

    def test_the_same_submission_is_a_replay_not_a_conflict(self):
        body = {"type": "test", "unique": {"key": "k"}}
        first = self.gateway.submit(body, Idempotency_Key="one")
        again = self.gateway.submit(body, Idempotency_Key="one")
        self.assertEqual((again.status, again.json["job_id"]), (202, first.json["job_id"]))
        changed = self.gateway.submit({**body, "unique": {"key": "k", "for": "1h"}}, Idempotency_Key="one")
        self.assertEqual(changed.status, 422)

    def test_a_kept_key_outlives_the_broker_and_ends_at_its_moment(self):
        first = self.submit(unique={"key": "k", "for": "1h"})
        self.assertEqual(first.status, 202, first)
        endpoint = self.broker.zmq
        self.broker.close()
        clock = Clock(os.path.join(self.place.name, "clock"))
        self.broker = Broker(os.path.join(self.place.name, "broker"), "--zmq", endpoint, env=clock.env)
        self.broker.wait_for_metric("weft_unique_keys", 1)
        clock.advance(3600)
        wait_for("the end of the key", lambda: self.submit(unique={"key": "k"}).status == 202)

    def test_a_retried_job_takes_its_key_again_or_is_told_who_holds_it(self):
        failing = Worker(self.broker.zmq, os.path.join(self.place.name, "failing"), ["sh", "-c", "exit 65"])
        self.addCleanup(failing.close)
        first = self.submit(unique={"key": "k"})
        wait_for("its death", lambda: self.status(first)["status"] == "dead")
        failing.close()
        retry = first.json["status_url"] + ":retry"
        second = self.submit(unique={"key": "k"})
        refused = self.gateway.ask("POST", retry)
        self.assertEqual((refused.status, refused.json["code"]), (409, "WEFT-1030"), refused)
        self.assertEqual(refused.json["holder_id"], second.json["job_id"])
        self.assertEqual(self.gateway.ask("POST", second.json["status_url"] + ":cancel").status, 200)
        self.assertEqual(self.gateway.ask("POST", retry).status, 200)
        third = self.submit(unique={"key": "k"})
        self.assertEqual((third.status, third.json["holder_id"]), (409, first.json["job_id"]), third)

    def test_bad_keys_are_refused_by_name(self):
        for unique in ({}, {"key": ""}, {"key": " k"}, {"key": "k", "while": "queued"}, {"key": "k", "for": "0s"}):
            answer = self.submit(unique=unique)
            self.assertEqual(answer.status, 400, answer)
            self.assertIn("unique", answer.json["detail"])


class After(Relations):
    def worker(self):
        worker = Worker(self.broker.zmq, os.path.join(self.place.name, "worker"),
                        ["sh", "-c", 'test "$WEFT_JOB_QUEUE" != bad || exit 65; echo "\\"$WEFT_JOB_AFTER\\""'])
        self.addCleanup(worker.close)
        return worker

    def ended(self, answer):
        return self.gateway.ask("GET", answer.json["status_url"] + "?wait=30s").json

    def test_a_job_runs_after_those_it_waits_for_and_is_told_their_ids(self):
        first = self.submit()
        second = self.submit()
        both = [first.json["job_id"], second.json["job_id"]]
        child = self.submit(after=both, on_dependency_failure="cancel")
        self.assertEqual((child.status, child.json["status"]), (202, "scheduled"), child)
        status = self.status(child)
        self.assertEqual((status["after"], status["on_dependency_failure"]), (both, "cancel"))
        self.broker.wait_for_metric("weft_dependencies", 2)
        self.assertEqual(self.told(child), [("submit_later", "scheduled")])
        self.worker()
        wait_for("the child", lambda: self.status(child)["status"] == "succeeded")
        self.assertEqual(self.status(child)["result"], " ".join(both))
        self.assertGreaterEqual(self.status(child)["started_at"], self.status(first)["ended_at"])
        self.assertEqual(self.told(child), [("submit_later", "scheduled"), ("grant", "running"), ("succeed", "succeeded")])
        self.assertEqual(self.told(first)[0], ("submit", "queued"))
        self.broker.wait_for_metric("weft_dependencies", 0)

    def test_a_failure_cancels_or_not_as_asked_also_after_a_restart(self):
        parent = self.submit(queue="bad")
        cancelled = self.submit(after=[parent.json["job_id"]], on_dependency_failure="cancel")
        later = self.submit(after=[cancelled.json["job_id"]], on_dependency_failure="cancel")
        run = self.submit(after=[parent.json["job_id"]], on_dependency_failure="run")
        endpoint = self.broker.zmq
        self.broker.close()
        self.broker = Broker(os.path.join(self.place.name, "broker"), "--zmq", endpoint)
        self.broker.wait_for_metric("weft_dependencies", 3)
        self.worker()
        wait_for("the run", lambda: self.status(run)["status"] == "succeeded")
        wait_for("the cascade", lambda: self.status(later)["status"] == "cancelled")
        self.assertEqual(self.status(cancelled)["status"], "cancelled")

    def test_more_children_than_fit_one_step_are_cancelled_and_released(self):
        parent = self.gateway.submit({"type": "test", "queue": "bad"}, Idempotency_Key="p").json["job_id"]
        rows = [{"type": "test", "key": f"c{i}", "after": [parent], "on_dependency_failure": "cancel"} for i in range(700)]
        rows += [{"type": "none", "key": f"r{i}", "after": [parent], "on_dependency_failure": "run"} for i in range(300)]
        body = "".join(json.dumps(row) + "\n" for row in rows).encode()
        answer = self.gateway.ask("POST", "/v1/batches", body, Content_Type="application/x-ndjson")
        self.assertEqual((answer.status, answer.json["accepted"]), (202, 1000), answer)
        self.broker.wait_for_metric("weft_dependencies", 1000)
        self.worker()

        def counts():
            return self.gateway.ask("GET", answer.json["status_url"]).json["counts"]

        wait_for("all children", lambda: counts()["scheduled"] == 0)
        self.assertEqual((counts()["cancelled"], counts()["queued"]), (700, 300))
        self.broker.wait_for_metric("weft_dependencies", 300)

    def test_bad_dependencies_store_nothing(self):
        known = self.submit().json["job_id"]
        unknown = "01890a5d-ac96-774b-bcce-b302099a8057"
        answer = self.submit(after=[unknown], on_dependency_failure="run")
        self.assertEqual((answer.status, answer.json["code"]), (422, "WEFT-1031"), answer)
        self.assertIn(unknown, answer.json["detail"])
        for fields in ({"after": [known]}, {"on_dependency_failure": "run"}, {"after": [], "on_dependency_failure": "run"},
                       {"after": ["x"], "on_dependency_failure": "run"}, {"after": [known] * 2, "on_dependency_failure": "run"},
                       {"after": [known], "on_dependency_failure": "never"}):
            answer = self.submit(**fields)
            self.assertEqual(answer.status, 400, answer)
            self.assertRegex(answer.json["detail"], "after|on_dependency_failure")

    def test_the_command_submits_both(self):
        parent = self.submit().json["job_id"]
        weft = os.environ["WEFT_BIN"]

        def push(*words):
            return subprocess.run([weft, "push", "test", "--broker", self.broker.zmq, *words], text=True, capture_output=True)

        child = push("--after", parent, "--on-dependency-failure", "cancel", "--unique", "k", "--unique-for", "1h")
        self.assertEqual(child.returncode, 0, child)
        shown = subprocess.run([weft, "job", "show", child.stdout.split()[0], "--broker", self.broker.zmq], text=True,
                               capture_output=True)
        self.assertIn("status         scheduled\n", shown.stdout)
        self.assertIn("unique key     k\n", shown.stdout)
        self.assertIn("after          " + parent, shown.stdout)
        for words in (("--after", parent), ("--after", "x,y", "--on-dependency-failure", "run"), ("--unique-for", "1h")):
            self.assertEqual(push(*words).returncode, 64, words)
        held = push("--unique", "k")
        self.assertEqual(held.returncode, 1)
        self.assertIn("another job holds the unique key", held.stderr)
        self.assertIn("its holder is " + child.stdout.split()[0], held.stderr)
        told = json.loads(push("--unique", "k", "-o", "json").stdout)
        self.assertEqual((told["code"], told["holder_id"]), ("WEFT-1030", child.stdout.split()[0]))


if __name__ == "__main__":
    main_beside(3)
