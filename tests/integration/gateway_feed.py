"""GET /v1/events: all that happens to a tenant's jobs, from any event on, with gaps told."""

import unittest

from gateway_events import Stream
from lib_broker import Broker, BrokerTest, pb
from lib_gateway import Gateway, wait_for


class Feed(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker("--event-count-max", "20")
        self.gateway = Gateway(self.served.zmq)
        self.addCleanup(self.gateway.close)
        self.gateway.wait_ready()

    def stream(self, path="/v1/events", **headers):
        stream = Stream(self.gateway, path, **headers)
        self.addCleanup(stream.close)
        return stream

    def submit(self, token=None, **fields):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = self.gateway.submit({"type": "t", **fields}, **headers)
        self.assertEqual(answer.status, 202, answer)
        return answer.json["job_id"]

    def all(self, query="", **headers):
        """What is told of one job and one more, which ends the stream."""
        stream = self.stream(f"/v1/events?since=oldest{query}", **headers)
        self.assertEqual(stream.status, 200)
        return [data for _, data in stream.read_all()]

    def test_a_place_is_never_ahead_of_what_was_told(self):
        """A client that is cut before the first old event has the place that the stream began with, and misses nothing."""
        job_id = self.submit()
        self.submit(queue="other")
        beat = self.stream("/v1/events?since=oldest&queue=none").answer
        beat.readline(), beat.readline()  # retry, and the blank line behind it
        place = beat.readline().decode().removeprefix("id: ").strip()
        self.submit()  # what would come first if that place were ahead
        name, event = self.stream("/v1/events?since=oldest&limit=1", Last_Event_ID=place).read()
        self.assertEqual((name, event["job_id"]), ("status", job_id))

    def test_each_change_is_told_as_it_comes(self):
        stream = self.stream()
        self.assertEqual((stream.status, stream.answer.headers["Content-Type"]), (200, "text/event-stream"))
        job_id = self.submit(queue="mail")
        name, event = stream.read()
        self.assertEqual((name, event["job_id"], event["status"], event["queue"], event["type"], event["version"]),
                         ("status", job_id, "queued", "mail", "t", 1))
        self.assertEqual(stream.last_id, event["id"])
        worker = self.worker(self.served, "t")
        (job, _), = worker.take_jobs(1)
        self.assertEqual(stream.read()[1]["status"], "running")
        worker.finish(job)
        self.assertEqual(stream.read()[1]["status"], "succeeded")
        self.assertEqual(self.gateway.ask("DELETE", f"/v1/jobs/{job_id}").status, 200)
        self.assertEqual(stream.read()[1]["status"], "removed")

    def test_a_stream_goes_on_behind_any_event(self):
        ids = [self.submit() for _ in range(4)]
        told = self.all("&limit=4")
        self.assertEqual([event["job_id"] for event in told], ids)
        again = self.stream("/v1/events?limit=2", Last_Event_ID=told[1]["id"]).read_all()
        self.assertEqual([data for _, data in again], told[2:])
        by_query = self.stream(f"/v1/events?limit=3&since={told[0]['id']}").read_all()
        self.assertEqual([data for _, data in by_query], told[1:])
        # What a client asks with again is newer than its URL.
        both = self.stream(f"/v1/events?limit=1&since={told[0]['id']}", Last_Event_ID=told[2]["id"]).read_all()
        self.assertEqual([data for _, data in both], told[3:])

    def test_a_gap_is_an_event(self):
        self.submit()
        first = self.all("&limit=1")[0]["id"]
        ids = [self.submit() for _ in range(21)]
        name, gap = (stream := self.stream(Last_Event_ID=first)).read()
        self.assertEqual((name, gap["gap"], stream.last_id), ("gap", True, gap["oldest"]))
        told = [stream.read()[1] for _ in range(20)]
        self.assertEqual([event["job_id"] for event in told], ids[1:])
        self.assertEqual(gap["newest"], told[-1]["id"])
        # So is a place that cannot be read, and another life of the broker.
        self.assertEqual(self.stream("/v1/events?limit=1", Last_Event_ID="17").read_all()[0][0], "gap")
        self.served.kill()
        again = Broker(self.served.data, zmq=self.served.zmq)
        self.addCleanup(again.close)
        self.assertEqual(stream.read()[0], "gap")
        job_id = self.submit()
        self.assertEqual(stream.read()[1]["job_id"], job_id)

    def test_only_what_fits_is_told(self):
        mail, web = self.submit(queue="mail"), self.submit(queue="web", type="w")
        self.gateway.ask("POST", f"/v1/jobs/{web}:cancel")
        told = [(event["job_id"], event["status"]) for event in self.all("&limit=3")]
        self.assertEqual(told, [(mail, "queued"), (web, "queued"), (web, "cancelled")])
        for query in ("&queue=web&limit=2", "&type=w&limit=2"):
            self.assertEqual([event["job_id"] for event in self.all(query)], [web, web])
        self.assertEqual([event["job_id"] for event in self.all("&status=cancelled,removed&limit=1")], [web])
        for wrong in ("since=7", "status=odd", "queue=a%20b", "limit=0", "wait=1s"):
            answer = self.gateway.ask("GET", f"/v1/events?{wrong}")
            self.assertEqual(answer.status, 400, answer)

    def test_a_tenant_hears_of_its_own_jobs_only(self):
        acme = self.gateway.token("acme", "--tenant", "acme", "--scopes", "submit,read")
        other = self.gateway.token("other", "--tenant", "other", "--scopes", "submit,read")
        work = self.gateway.token("work", "--tenant", "acme", "--scopes", "submit,work")
        wait_for("tokens are known", lambda: self.gateway.ask("GET", "/v1/events?limit=1").status == 401)
        self.assertEqual(self.gateway.ask("GET", "/v1/events", Authorization=f"Bearer {work}").status, 403)
        streams = {name: self.stream(Authorization=f"Bearer {token}") for name, token in (("acme", acme), ("other", other))}
        ids = {name: self.submit(token) for name, token in (("acme", acme), ("other", other), ("acme2", acme))}
        self.assertEqual([streams["acme"].read()[1]["job_id"] for _ in range(2)], [ids["acme"], ids["acme2"]])
        event = streams["other"].read()[1]
        self.assertEqual(event["job_id"], ids["other"])
        self.assertNotIn("tenant", event)
        # Neither from the place of another's event.
        told = self.all("&limit=1", Authorization=f"Bearer {other}")
        self.assertEqual([event["job_id"] for event in told], [ids["other"]])

    def test_a_client_that_has_gone_is_noticed(self):
        def streams():
            text = self.gateway.ask("GET", "/metrics").body.decode()
            return int(text.split("\nweft_gateway_streams ")[1].split()[0])

        stream = self.stream()
        wait_for("it is open", lambda: streams() == 1)
        stream.close()
        stream.answer.close()

        def gone():
            self.submit()  # what is told to nobody
            return streams() == 0
        wait_for("it is closed", gone)


if __name__ == "__main__":
    unittest.main()
