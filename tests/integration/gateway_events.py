"""Event streams of jobs and batches: each change as it comes, resumed where a client lost it."""

import http.client
import json
import unittest

from lib_broker import PATIENCE_S, BrokerTest, pb
from lib_gateway import Gateway, wait_for


class Stream:
    """A client of an event stream, by the rules of the standard."""

    def __init__(self, gateway, path, **headers):
        self.connection = http.client.HTTPConnection(*gateway.address, timeout=PATIENCE_S)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request("GET", path, headers=named)
        self.answer = self.connection.getresponse()
        self.status = self.answer.status
        self.last_id = None

    def close(self):
        self.connection.close()

    def read(self):
        """The next (event, data), or None when the stream has ended."""
        name, data = "message", []
        while line := self.answer.readline():
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "" and data:
                return name, json.loads("\n".join(data))
            if field == "event":
                name = value
            if field == "data":
                data.append(value)
            if field == "id":
                self.last_id = value
        return None

    def read_all(self):
        return list(iter(self.read, None))


class Events(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.gateway = Gateway(self.served.zmq)
        self.addCleanup(self.gateway.close)
        self.gateway.wait_ready()

    def stream(self, path, **headers):
        stream = Stream(self.gateway, path, **headers)
        self.addCleanup(stream.close)
        return stream

    def submit(self, **fields):
        answer = self.gateway.submit({"type": "t", **fields})
        self.assertEqual(answer.status, 202, answer)
        return answer.json

    def streams_open(self):
        text = self.gateway.ask("GET", "/metrics").body.decode()
        return int(text.split("\nweft_gateway_streams ")[1].split()[0])

    def test_each_change_is_told_until_the_end(self):
        job = self.submit()
        stream = self.stream(job["events_url"])
        self.assertEqual((stream.status, stream.answer.headers["Content-Type"]), (200, "text/event-stream"))
        self.assertEqual(stream.answer.headers["Cache-Control"], "no-store")
        self.assertEqual(stream.answer.headers["X-Accel-Buffering"], "no")
        name, seen = stream.read()
        self.assertEqual((name, seen["status"], stream.last_id), ("status", "queued", str(seen["version"])))
        worker = self.worker(self.served, "t")
        (granted, _), = worker.take_jobs(1)
        self.assertEqual(stream.read()[1]["status"], "running")
        worker.finish(granted, result=b'{"pretty":\r\n [1,\n2]}', content=pb.CONTENT_JSON)
        name, seen = stream.read()
        self.assertEqual((seen["status"], seen["result"]), ("succeeded", {"pretty": [1, 2]}))
        self.assertIsNone(stream.read())
        # Nothing is to come, which a standard client takes as "do not ask again".
        again = self.stream(job["events_url"], Last_Event_ID=stream.last_id)
        self.assertEqual((again.status, again.answer.read()), (204, b""))
        wait_for("no stream is open", lambda: self.streams_open() == 0)

    def test_what_was_missed_is_told(self):
        job = self.submit(retry={"max_attempts": 2, "first": "1ms", "longest": "1ms"})
        stream = self.stream(job["status_url"], Accept="text/event-stream")
        self.assertEqual(stream.read()[1]["status"], "queued")
        stream.close()
        worker = self.worker(self.served, "t")
        for n in (1, 2):
            (granted, _), = worker.take_jobs(1)
            worker.finish(granted, pb.OUTCOME_FAILED, error_kind="exit", error_message=f"status {n}")
        resumed = self.stream(job["events_url"], Last_Event_ID=stream.last_id)
        told = resumed.read_all()
        self.assertEqual([data["event"] for name, data in told if name == "transition"], ["grant", "fail", "grant", "die"])
        self.assertEqual([(name, data["status"]) for name, data in told[-1:]], [("status", "dead")])
        # An id that no stream has given is as good as none.
        for nonsense in ("0", "x", "99"):
            self.assertEqual([data["status"] for _, data in self.stream(job["events_url"], Last_Event_ID=nonsense).read_all()]
                             or ["dead"], ["dead"], nonsense)

    def test_a_batch_is_followed_to_its_end(self):
        body = b'{"type":"t"}\n{"type":"t"}\n'
        batch = self.gateway.ask("POST", "/v1/batches", body, Content_Type="application/x-ndjson").json
        stream = self.stream(batch["events_url"])
        self.assertEqual(stream.read()[1]["counts"]["queued"], 2)
        worker = self.worker(self.served, "t", slots=2)
        for granted, _ in worker.take_jobs(2):
            worker.finish(granted)
        told = stream.read_all()
        self.assertEqual(told[-1][1]["counts"]["succeeded"], 2)
        self.assertEqual(self.stream(batch["events_url"], Last_Event_ID=stream.last_id).status, 204)

    def test_a_removed_job_ends_its_stream(self):
        job = self.submit()
        stream = self.stream(job["events_url"])
        self.assertEqual(stream.read()[0], "status")
        # An ended job has no stream that goes on, so a second client removes it in between.
        self.gateway.ask("POST", job["cancel_url"])
        self.assertEqual([data["status"] for _, data in stream.read_all()], ["cancelled"])
        self.assertEqual(self.gateway.ask("DELETE", job["status_url"]).status, 200)
        self.assertEqual(self.stream(job["events_url"]).status, 410)

    def test_a_stream_outlives_the_broker(self):
        job = self.submit()
        stream = self.stream(job["events_url"])
        self.assertEqual(stream.read()[1]["status"], "queued")
        port = self.served.zmq
        self.served.kill()
        self.served = self.broker("--zmq", port)
        worker = self.worker(self.served, "t")
        (granted, _), = worker.take_jobs(1)
        worker.finish(granted)
        self.assertEqual(stream.read_all()[-1][1]["status"], "succeeded")

    def test_clients_that_go_are_noticed_and_a_stop_ends_the_others(self):
        job = self.submit()
        streams = [self.stream(job["events_url"]) for _ in range(20)]
        for stream in streams:
            stream.read()
        self.assertEqual(self.streams_open(), 20)
        for stream in streams[:15]:
            stream.close()
        # A change finds most of them gone; the first write after a close may still be taken.
        worker = self.worker(self.served, "t")
        (granted, _), = worker.take_jobs(1)
        held = [pb.Held(job_id=granted.job_id, token=granted.token)]
        def gone():
            worker.ask(pb.Renew(running=held, progress=[pb.Progress(job_id=granted.job_id, token=granted.token, done=1)]))
            return self.streams_open() == 5
        wait_for("the gone are noticed", gone)
        self.gateway.process.terminate()
        self.assertEqual(self.gateway.process.wait(PATIENCE_S), 0)
        for stream in streams[15:]:
            stream.read_all()

    def test_what_cannot_be_followed_is_said(self):
        self.assertEqual(self.stream("/v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057/events").status, 404)
        self.assertEqual(self.stream("/v1/jobs/7/events").status, 404)
        self.assertEqual(self.stream("/v1/batches/01890a5d-ac96-774b-bcce-b302099a8057/events").status, 404)
        self.assertEqual(self.stream(self.submit()["events_url"] + "?wait=1s").status, 400)


if __name__ == "__main__":
    unittest.main()
