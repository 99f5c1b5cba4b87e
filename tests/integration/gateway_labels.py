"""Tags and metadata of jobs through every door: what is given is stored, told, handed to handlers, and found."""

import http.client
import json
import os
import subprocess
import unittest
import uuid
from urllib.parse import urlencode

from lib_broker import ERR, PATIENCE_S, BrokerTest, fresh_id, pb
from lib_gateway import Gateway


def labels(*tags, **metadata):
    return pb.Labels(tags=tags, metadata=metadata)


class Labels(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.client = self.peer(self.served)

    def submit(self, given, **fields):
        fields.update({"labels": given} if given is not None else {})
        said, = self.client.submit({"job_id": fresh_id(), **fields})
        self.assertEqual((said.error, said.detail), (0, ""))
        return said.job_id

    def start_gateway(self):
        self.gateway = Gateway(self.served.zmq)
        self.addCleanup(self.gateway.close)
        self.gateway.wait_ready()

    def status_of(self, answer):
        self.assertEqual(answer.status, 202, answer)
        return self.gateway.ask("GET", answer.json["status_url"]).json

    def weft(self, *words):
        return subprocess.run([os.environ["WEFT_BIN"], *words, "--broker", self.served.zmq], capture_output=True,
                              text=True, timeout=PATIENCE_S)

    def told(self, message):
        return set(message.labels.tags), dict(message.labels.metadata)

    def test_they_are_told_and_handed_on_over_a_restart(self):
        given = pb.Labels(tags=["billing", "eu/1"], metadata={"k": "v", "note": "two\nlines \u00e9"})
        job_id = self.submit(given)
        plain = self.submit(None)
        worker = self.worker(self.served, slots=1)
        (job, _), = worker.take_jobs(1)
        self.assertEqual((job.job_id, self.told(job)), (job_id, self.told(self.client.status(job_id))))
        self.assertEqual(self.told(job), ({"billing", "eu/1"}, {"k": "v", "note": "two\nlines \u00e9"}))
        self.served.kill()
        self.served = self.broker()
        self.client = self.peer(self.served)
        self.assertEqual(self.told(self.client.status(job_id)), self.told(job))
        self.assertEqual(self.told(self.client.status(plain)), (set(), {}))

    def test_what_is_not_allowed_is_refused_by_name(self):
        many = [f"t{i}" for i in range(17)]
        for given, what in [(labels("a b"), "tags"), (labels(""), "tags"), (labels("a", "a"), "tags"),
                            (labels(*many), "tags"), (labels("x" * 65), "tags"), (labels(**{"a=b": "c"}), "metadata"),
                            (labels(**{"": "c"}), "metadata"),
                            (labels(**{f"n{i}": "" for i in range(33)}), "metadata"),
                            (labels(k="v" * 4096), "metadata")]:
            job_id = fresh_id()
            said, = self.client.submit({"job_id": job_id, "labels": given})
            self.assertIn(said.error, (ERR["ERR_BAD_FIELD"], ERR["ERR_TOO_LARGE"]))
            self.assertTrue(said.detail.startswith(what), said.detail)
            self.assertEqual(self.client.status(job_id).error, ERR["ERR_NOT_FOUND"])

    def test_they_are_part_of_what_a_key_stands_for_but_their_order_is_not(self):
        self.start_gateway()
        first = {"type": "t", "tags": ["a", "b"], "metadata": {"x": "1", "y": "2"}}
        answers = [self.gateway.submit(body, Idempotency_Key="k") for body in [
            first, {"type": "t", "metadata": {"y": "2", "x": "1"}, "tags": ["b", "a"]}, {**first, "tags": ["a"]},
            {**first, "metadata": {"x": "1"}}, {"type": "t"}]]
        self.assertEqual([answer.status for answer in answers], [202, 202, 422, 422, 422], answers)
        said, = self.client.submit({"key": "k", "queue": "", "type": "t",
                                    "labels": labels("b", "a", y="2", x="1")})
        self.assertTrue(said.replayed and said.error == 0, said)

    def test_a_list_and_an_act_mean_those_with_the_tag(self):
        red = [self.submit(labels("red", "x")), self.submit(labels("x", "red", k="blue"), queue="mail")]
        blue = self.submit(labels("blue", k="red"))
        plain = self.submit(None)
        listed = self.client.ask(pb.List(tag="red"))
        self.assertEqual([job.job_id for job in listed.jobs], red[::-1])
        self.assertEqual([job.job_id for job in self.client.ask(pb.List(tag="red", queue="mail")).jobs], red[1:])
        self.assertEqual(len(self.client.ask(pb.List(tag="re")).jobs), 0)
        self.assertEqual(self.client.ask(pb.List(tag="a b")).error, ERR["ERR_BAD_FIELD"])
        ask = pb.Operate(kind=pb.ACT_CANCEL, actor="test", tag="red", dry_run=True)
        self.assertEqual(self.client.ask(ask).matched, 2)
        ask.dry_run, ask.operation_id = False, os.urandom(16)
        said = self.client.ask(ask)
        while not said.is_over:
            said = self.client.ask(pb.Operation(operation_id=said.operation_id, version=said.version,
                                                wait_ms=int(PATIENCE_S * 1000)))
        self.assertEqual((said.done, said.tag), (2, "red"))
        self.assertEqual([self.client.status(job).state for job in red], [pb.STATE_CANCELLED] * 2)
        self.assertEqual([self.client.status(job).state for job in (blue, plain)], [pb.STATE_QUEUED] * 2)
        other = pb.Operate(kind=pb.ACT_CANCEL, actor="test", tag="blue", operation_id=ask.operation_id)
        self.assertEqual(self.client.ask(other).error, ERR["ERR_KEY_REUSED"])
        self.served.kill()
        self.served = self.broker()
        self.client = self.peer(self.served)
        self.assertEqual(self.client.ask(pb.Operation(operation_id=ask.operation_id)).tag, "red")

    def test_over_http(self):
        self.start_gateway()
        given = {"tags": ["billing", "eu"], "metadata": {"k": "v", "quote": "\"\\\u20ac"}}
        status = self.status_of(self.gateway.submit({"type": "t", **given}))
        self.assertEqual({name: status[name] for name in given}, given)
        self.assertNotIn("tags", self.status_of(self.gateway.submit({"type": "t", "tags": [], "metadata": {}})))
        for bad, what in [({"tags": "a"}, "tags"), ({"tags": ["a b"]}, "tags"), ({"tags": ["a", "a"]}, "tags"),
                          ({"tags": [1]}, "tags"), ({"metadata": ["a"]}, "metadata"), ({"metadata": {"k": 1}}, "metadata.k"),
                          ({"metadata": {"a b": ""}}, "metadata.a b"), ({"metadata": {"k": "v" * 4096}}, "metadata"),
                          ({"tags": [f"t{i}" for i in range(17)]}, "tags")]:
            answer = self.gateway.submit({"type": "t", **bad})
            self.assertEqual(answer.status, 400, answer)
            self.assertTrue(answer.json["detail"].startswith(what), answer.json)
        path = "/v1/jobs?" + urlencode({"tag": "eu"})
        self.assertEqual([job["job_id"] for job in self.gateway.ask("GET", path).json["jobs"]], [status["job_id"]])
        self.assertEqual(self.gateway.ask("GET", "/v1/jobs?tag=a%20b").status, 400)
        answer = self.gateway.ask("POST", "/v1/jobs:cancel?tag=eu&dry_run=true")
        self.assertEqual(answer.json["matched"], 1, answer)
        answer = self.gateway.ask("POST", "/v1/jobs:cancel?tag=eu")
        self.assertEqual(answer.json["tag"], "eu", answer)

    def test_of_a_batch_and_of_a_schedule(self):
        self.start_gateway()
        lines = [{"type": "t", "tags": ["one"]}, {"type": "t", "tags": ["no good"]}, {"type": "t", "metadata": {"k": "v"}}]
        answer = self.gateway.ask("POST", "/v1/batches", "\n".join(map(json.dumps, lines)).encode(),
                                  Content_Type="application/x-ndjson")
        self.assertEqual((answer.json["accepted"], answer.json["rejections"][0]["line"]), (2, 2), answer)
        job, = self.gateway.ask("GET", "/v1/jobs?tag=one").json["jobs"]
        self.assertEqual(self.gateway.ask("GET", job["status_url"]).json["tags"], ["one"])
        given = {"cron": "@hourly", "job": {"type": "t", "tags": ["tick"], "metadata": {"by": "clock"}}}
        answer = self.gateway.ask("PUT", "/v1/schedules/s", json.dumps(given).encode(), Content_Type="application/json")
        self.assertEqual((answer.status, answer.json["job"]["tags"]), (200, ["tick"]), answer)
        self.assertEqual(answer.json["job"]["metadata"], {"by": "clock"})
        self.served.kill()
        self.served = self.broker()
        told, = self.peer(self.served).ask(pb.ScheduleStatus(schedule_id="s")).jobs
        self.assertEqual(self.told(told), ({"tick"}, {"by": "clock"}))

    def test_the_largest_there_can_be_are_told(self):
        """Of a job with all it may have, every text of it as long as it may be and escaped."""
        self.start_gateway()
        parents = [self.submit(None) for _ in range(100)]
        given = {"type": "t" * 128, "queue": "default", "after": [str(uuid.UUID(bytes=parent)) for parent in parents],
                 "on_dependency_failure": "run", "tags": [f"{i:02}" + "t" * 62 for i in range(16)], "concurrency_key": "\\" * 255,
                 "metadata": {f"{i:02}" + "n" * 6: "\"" * 120 for i in range(32)}, "order": "fifo", "cost": 10000,
                 "unique": {"key": "\"" * 255, "while": "unfinished"}}
        self.assertEqual(sum(len(name + text) for name, text in given["metadata"].items()), 4096)
        answer = self.gateway.submit(given)
        for accept in ("application/json", "application/msgpack"):
            shown = self.gateway.ask("GET", answer.json["status_url"], Accept=accept)
            self.assertEqual((shown.status, shown.headers["Content-Type"]), (200, accept), shown)
        told = self.status_of(answer)
        for name in ("after", "tags", "concurrency_key", "metadata"):
            self.assertEqual(told[name], given[name])
        self.assertEqual(told["unique_key"], given["unique"]["key"])
        stream = http.client.HTTPConnection(*self.gateway.address, timeout=PATIENCE_S)
        self.addCleanup(stream.close)
        stream.request("GET", answer.json["events_url"])
        lines = iter(stream.getresponse().readline, b"")
        data = next(line for line in lines if line.startswith(b"data: "))
        self.assertEqual(json.loads(data.removeprefix(b"data: "))["after"], given["after"])

    def test_on_the_command_line(self):
        done = self.weft("push", "t", "--tag", "a,b", "--tag", "c", "--meta", "k=v=w", "--meta", "l=x,y")
        job_id = done.stdout.split()[0]
        shown = json.loads(self.weft("job", "show", job_id, "-o", "json").stdout)
        self.assertEqual((shown["tags"], shown["metadata"]), (["a", "b", "c"], {"k": "v=w", "l": "x,y"}))
        self.assertRegex(self.weft("job", "show", job_id).stdout, r"(?m)^tags +a\n +b\n +c\nmetadata +k=v=w\n +l=x,y$")
        other = self.weft("push", "t", "--tag", "d").stdout.split()[0]
        self.assertEqual([line.split()[0] for line in self.weft("jobs", "list", "--tag", "b", "--no-header").stdout.splitlines()], [job_id])
        self.assertEqual(self.weft("jobs", "cancel", "--tag", "b", "--yes").stdout, "1 job done\n")
        self.assertEqual(self.client.status(fresh_of(other)).state, pb.STATE_QUEUED)
        for words in (["--tag", "a b"], ["--meta", "k"], ["--meta", "a b=c"]):
            done = self.weft("push", "t", *words)
            self.assertEqual(done.returncode, 64, done)
        lines = '{"payload": 1}\n{"tags": ["own"]}\n'
        done = subprocess.run([os.environ["WEFT_BIN"], "push", "t", "--bulk", "-", "--tag", "flag", "--meta", "k=v",
                               "--broker", self.served.zmq], input=lines, capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 0, done)
        found = {tag: self.client.ask(pb.List(tag=tag)).jobs for tag in ("flag", "own")}
        self.assertEqual([len(jobs) for jobs in found.values()], [1, 1])
        self.assertEqual(self.told(self.client.status(found["own"][0].job_id)), ({"own"}, {"k": "v"}))


def fresh_of(text):
    return bytes.fromhex(text.replace("-", ""))


if __name__ == "__main__":
    unittest.main()
