"""The gateway with the real broker: submit, poll, follow, and a kill of either in between."""

import os
import tempfile
import unittest

from lib_beside import main_beside
from lib_broker import Broker, Peer, pb
from lib_gateway import Gateway, wait_for


def welcomes(gateway):
    """More than one of the same broker when it was late with an answer."""
    text = gateway.ask("GET", "/metrics").body.decode()
    return int(text.split("\nweft_gateway_broker_welcomes_total ")[1].split()[0])


class Real(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory(prefix="weft-gateway-")
        self.addCleanup(self.place.cleanup)
        self.broker = Broker(os.path.join(self.place.name, "broker"))
        self.addCleanup(lambda: self.broker.close())
        self.gateway = Gateway(self.broker.zmq)
        self.addCleanup(self.gateway.close)
        self.gateway.wait_ready()

    def test_a_job_is_submitted_and_polled(self):
        answer = self.gateway.submit({"type": "a.b", "payload": {"n": 1}}, Idempotency_Key="one")
        self.assertEqual(answer.status, 202, answer)
        status = self.gateway.ask("GET", answer.json["status_url"])
        self.assertEqual((status.status, status.json["status"], status.json["type"]), (200, "queued", "a.b"))
        again = self.gateway.submit({"type": "a.b", "payload": {"n": 1}}, Idempotency_Key="one")
        self.assertEqual((again.status, again.json["job_id"]), (202, answer.json["job_id"]))
        self.assertEqual(again.headers["Idempotency-Replayed"], "true")
        other = self.gateway.submit({"type": "a.b", "payload": {"n": 2}}, Idempotency_Key="one")
        self.assertEqual((other.status, other.json["holder_id"]), (422, answer.json["job_id"]))
        late = self.gateway.submit({"type": "a.b", "delay": "1h"})
        self.assertEqual(late.json["status"], "scheduled")
        self.assertIn("due_at", self.gateway.ask("GET", late.json["status_url"]).json)

    def test_a_client_is_told_when_to_ask_again(self):
        """By the moment of a job that has one; 1 s at first for one that is about to run, none for one that has ended."""
        for fields, low, high in (({"delay": "1h"}, 60, 60), ({"delay": "40s"}, 20, 40), ({}, 1, 3)):
            answer = self.gateway.submit({"type": "a.b", **fields})
            status = self.gateway.ask("GET", answer.json["status_url"])
            for headers in (answer.headers, status.headers):
                self.assertIn(int(headers["Retry-After"]), range(low, high + 1), fields)
            told = status.json["retry_after"]
            self.assertEqual({"1m": "60s"}.get(told, told), status.headers["Retry-After"] + "s")
        self.gateway.ask("POST", answer.json["cancel_url"])
        status = self.gateway.ask("GET", answer.json["status_url"])
        self.assertEqual((status.json["status"], status.headers["Retry-After"], "retry_after" in status.json),
                         ("cancelled", None, False))

    def test_a_batch_is_submitted_and_counted(self):
        body = b"".join(b'{"type":"a","key":"k%d"}\n' % i for i in range(1000))
        answer = self.gateway.ask("POST", "/v1/batches", body, Content_Type="application/x-ndjson", Idempotency_Key="b")
        self.assertEqual((answer.status, answer.json["accepted"]), (202, 1000), answer)
        counts = self.gateway.ask("GET", answer.json["status_url"]).json
        self.assertEqual(counts["counts"]["queued"], 1000)
        again = self.gateway.ask("POST", "/v1/batches", body, Content_Type="application/x-ndjson", Idempotency_Key="b")
        self.assertEqual((again.json["accepted"], again.json["replayed"]), (0, 1000))

    def test_a_job_is_cancelled(self):
        job = self.gateway.submit({"type": "a.b"}).json
        answer = self.gateway.ask("POST", job["cancel_url"])
        self.assertEqual((answer.status, answer.json["status"]), (200, "cancelled"), answer)
        again = self.gateway.ask("POST", job["cancel_url"])
        self.assertEqual((again.status, again.json), (200, answer.json))
        self.assertEqual(self.gateway.ask("GET", job["status_url"]).json["status"], "cancelled")

    def test_a_job_with_a_ttl_expires_and_is_deleted(self):
        job = self.gateway.submit({"type": "a.b", "ttl": "50ms", "retry": {"within": "1h"}}).json
        seen = self.gateway.ask("GET", job["status_url"]).json
        self.assertTrue("start_before" in seen or seen["status"] == "expired", seen)
        wait_for("the end", lambda: self.gateway.ask("GET", job["status_url"]).json["status"] == "expired")
        for _ in range(2):
            gone = self.gateway.ask("DELETE", job["status_url"])
            self.assertEqual((gone.status, gone.json["status"]), (200, "removed"), gone)
        self.assertEqual(self.gateway.ask("GET", job["status_url"]).status, 410)

    def test_a_job_is_run_before_its_time(self):
        job = self.gateway.submit({"type": "a.b", "delay": "1h"}).json
        url = job["status_url"]
        answer = self.gateway.ask("POST", f"{url}:run-now", Idempotency_Key="now")
        self.assertEqual((answer.status, answer.json["status"]), (200, "queued"), answer)
        self.assertEqual(answer.headers["ETag"], f'"{answer.json["version"]}"')
        again = self.gateway.ask("POST", f"{url}:run-now", Idempotency_Key="now")
        self.assertEqual((again.status, again.json), (200, answer.json))
        event = self.gateway.ask("GET", f"{url}/timeline").json["events"][-1]
        self.assertEqual((event["event"], event["status"], event["actor"]), ("run_now", "queued", "http"), event)
        child = self.gateway.submit({"type": "a.b", "after": [job["job_id"]], "on_dependency_failure": "run"}).json["status_url"]
        refused = self.gateway.ask("POST", f"{child}:run-now")
        self.assertEqual((refused.status, refused.json["type"]), (409, "urn:weft:problem:conflict"), refused)
        self.assertIn("`after`", refused.json["detail"])

    def test_what_the_state_does_not_allow_is_a_conflict(self):
        url = self.gateway.submit({"type": "a.b"}).json["status_url"]
        self.assertEqual(self.gateway.ask("DELETE", url).status, 409)
        answer = self.gateway.ask("POST", f"{url}:retry")
        self.assertEqual((answer.status, answer.json["type"]), (409, "urn:weft:problem:conflict"), answer)

    def test_a_retry_with_a_key_is_done_once(self):
        url = self.gateway.submit({"type": "test", "retry": {"max_attempts": 1}}).json["status_url"]
        worker = Peer(self.broker.zmq, role=pb.ROLE_WORKER, worker_id=b"w" * 16)
        self.addCleanup(worker.close)
        worker.serve()

        def die():
            (job, _), = worker.take_jobs(1)
            self.assertEqual(worker.finish(job, pb.OUTCOME_FAILED).error, 0)
            wait_for("the death", lambda: self.gateway.ask("GET", url).json["status"] == "dead")

        def retry(**headers):
            answer = self.gateway.ask("POST", f"{url}:retry", **headers)
            return answer.status, answer.json.get("version")

        die()
        status, version = retry(Idempotency_Key="again")
        self.assertEqual(status, 200)
        self.assertEqual(retry(Idempotency_Key="again")[0], 200)  # waiting or running
        self.assertEqual(retry()[0], 409)
        die()
        self.assertEqual(retry(Idempotency_Key="again")[0], 200)
        self.assertEqual(self.gateway.ask("GET", url).json["status"], "dead")
        self.assertGreater(retry(Idempotency_Key="once more")[1], version)
        die()
        self.assertEqual(retry(Idempotency_Key="")[0], 400)
        self.assertEqual(self.gateway.ask("GET", url).json["status"], "dead")

    def test_a_key_is_one_job_at_each_gateway_over_kills_and_after_its_end(self):
        other = Gateway(self.broker.zmq)
        self.addCleanup(other.close)
        other.wait_ready()
        first = self.gateway.submit({"type": "test", "payload": 1}, Idempotency_Key="k")
        self.assertEqual((first.status, first.headers["Idempotency-Replayed"]), (202, None))

        def asked(gateway):
            """A proxy's words about the client change nothing, and every address is a path."""
            again = gateway.submit({"type": "test", "payload": 1}, Idempotency_Key="k", Forwarded="host=evil;proto=https",
                                   X_Forwarded_Host="evil", X_Forwarded_Proto="https", X_Forwarded_Prefix="/evil")
            self.assertEqual((again.status, again.json["job_id"]), (202, first.json["job_id"]))
            self.assertEqual(again.headers["Idempotency-Replayed"], "true")
            self.assertEqual(again.headers["Location"], first.headers["Location"])
            self.assertEqual(gateway.submit({"type": "test", "payload": 2}, Idempotency_Key="k").status, 422)
            return again.json["status"]
        self.assertEqual([asked(self.gateway), asked(other)], ["queued", "queued"])
        worker = Peer(self.broker.zmq, role=pb.ROLE_WORKER, worker_id=b"w" * 16)
        worker.serve()
        (job, _), = worker.take_jobs(1)
        worker.finish(job)
        worker.close()
        endpoint, data = self.broker.zmq, self.broker.data
        self.broker.kill()
        self.broker.close()
        before = [(gateway, welcomes(gateway)) for gateway in (self.gateway, other)]
        self.broker = Broker(data, "--zmq", endpoint)
        for gateway, count in before:
            wait_for("it talks to the new broker", lambda gateway=gateway, count=count: welcomes(gateway) > count)
        fresh = Gateway(endpoint)  # one that has never heard of it
        self.addCleanup(fresh.close)
        fresh.wait_ready()
        self.assertEqual([asked(self.gateway), asked(other), asked(fresh)], ["succeeded"] * 3)

    def test_workers_that_are_not_there(self):
        none = "/v1/workers/01890a5d-ac96-774b-bcce-b302099a8057"
        for path in (f"{none}:quiet", f"{none}:stop", f"{none}:dance", "/v1/workers/x:stop"):
            self.assertEqual(self.gateway.ask("POST", path).status, 404, path)

    def test_acts_that_cannot_be(self):
        url = self.gateway.submit({"type": "a.b"}).json["status_url"]
        none = "/v1/jobs/01890a5d-ac96-774b-bcce-b302099a8057"
        for path, status in ((f"{none}:cancel", 404), (f"{url}:destroy", 404), ("/v1/jobs/x:cancel", 404),
                             (f"{url}:cancel?force=1", 400), (url, 405)):
            self.assertEqual(self.gateway.ask("POST", path).status, status, path)
        self.assertEqual(self.gateway.ask("GET", url).json["status"], "queued")

    def test_keys_of_another_store_are_not_answered_from_memory(self):
        body = {"type": "a", "payload": 1}

        def repeat():
            answer = self.gateway.submit(body, Idempotency_Key="old")
            self.assertEqual(answer.status, 202, answer)
            return answer.json["durability"]

        def has_figure(text):
            return lambda: b"\n" + text + b"\n" in self.gateway.ask("GET", "/metrics").body

        self.assertEqual(repeat(), "flushed")
        wait_for("the note of the key", has_figure(b"weft_gateway_keys_written_total 1"))
        endpoint = self.broker.zmq
        self.broker.close()
        before = welcomes(self.gateway)
        self.assertEqual(repeat(), "flushed")
        self.broker = Broker(os.path.join(self.place.name, "another"), "--zmq", endpoint)
        wait_for("the new broker", lambda: welcomes(self.gateway) > before)
        self.broker.close()
        self.assertEqual(repeat(), "spooled")

    def test_what_was_acknowledged_is_there_after_a_kill_of_the_broker(self):
        urls = [self.gateway.submit({"type": "a", "payload": i}).json["status_url"] for i in range(50)]
        endpoint = self.broker.zmq
        data = self.broker.data
        self.broker.process.kill()
        self.broker.process.wait()
        self.broker.close()
        before = welcomes(self.gateway)
        self.broker = Broker(data, "--zmq", endpoint)
        wait_for("the gateway talks to the new broker", lambda: welcomes(self.gateway) > before)
        for url in urls:
            self.assertEqual(self.gateway.ask("GET", url).status, 200)


if __name__ == "__main__":
    main_beside(3)
