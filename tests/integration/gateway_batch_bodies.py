"""The key of a batch stands for one body: another one is refused whole, whoever comes first, through any gateway."""

import concurrent.futures
import json
import uuid

from lib_beside import main_beside
from lib_broker import BrokerTest, fresh_id
from lib_gateway import Gateway, wait_for

NDJSON = "application/x-ndjson"


def records(name, count, **more):
    """With keys of their own, so that nothing but the batch tells one body from another."""
    return [{"type": "t", "key": f"{name}-{number}", "tags": [name], **more} for number in range(count)]


def push(gateway, key, body, query=""):
    text = "".join(json.dumps(record) + "\n" for record in body).encode()
    return gateway.ask("POST", "/v1/batches" + query, text, Content_Type=NDJSON, Idempotency_Key=key)


class Bodies(BrokerTest):
    def setUp(self):
        super().setUp()
        self.endpoint = f"ipc://{self.data}/door"

    def start(self, *flags):
        self.broker_now = self.broker(*flags, zmq=self.endpoint)

    def gateway(self, *flags):
        gateway = Gateway(self.endpoint, *flags)
        self.addCleanup(gateway.close)
        return gateway

    def ready(self, *flags):
        gateway = self.gateway(*flags)
        gateway.wait_ready()
        return gateway

    def stored(self, gateway, name):
        listed = gateway.ask("GET", f"/v1/jobs?tag={name}&limit=1000")
        self.assertEqual(listed.status, 200, listed)
        return len(listed.json["jobs"])

    def refused(self, answer, batch):
        self.assertEqual((answer.status, answer.json.get("code")), (422, "WEFT-1005"), answer)
        self.assertEqual(answer.json["holder_id"], batch)
        self.assertIn(batch, answer.json["detail"])
        self.assertNotIn("rejections", answer.json)

    def replayed(self, answer, first):
        self.assertEqual(answer.status, 202, answer)
        self.assertEqual((answer.json["batch_id"], answer.json["accepted"], answer.json["rejected"]), (first["batch_id"], 0, 0))
        self.assertEqual(answer.headers["Idempotency-Replayed"], "true")

    def test_of_two_at_once_one_is_stored_and_the_other_not(self):
        self.start()
        gateways = [self.ready(), self.ready()]
        for number in range(6):
            # Several messages each, which the broker hears in turns.
            bodies = [records(f"{name}{number}", 700) for name in "ab"]
            query = "?mode=atomic" if number % 3 == 2 else ""
            key = f"load-{number}"
            with concurrent.futures.ThreadPoolExecutor() as pool:
                answers = list(pool.map(lambda i: push(gateways[i], key, bodies[i], query), (0, 1)))
            self.assertEqual(sorted(answer.status for answer in answers), [202, 422], answers)
            taken = answers.index(next(answer for answer in answers if answer.status == 202))
            first = answers[taken].json
            self.assertEqual((first["accepted"], first["rejected"]), (700, 0))
            self.refused(answers[1 - taken], first["batch_id"])
            names = [f"{name}{number}" for name in "ab"]
            self.assertEqual(self.stored(gateways[0], names[taken]), 700)
            self.assertEqual(self.stored(gateways[0], names[1 - taken]), 0)
            # Through the other one, and again.
            self.replayed(push(gateways[1 - taken], key, bodies[taken], query), first)
            self.refused(push(gateways[taken], key, bodies[1 - taken], query), first["batch_id"])

    def test_it_is_known_after_a_restart_and_by_a_new_gateway(self):
        self.start()
        mine, other = records("mine", 3), records("other", 3)
        first = push(self.ready(), "load", mine).json
        self.broker_now.kill()
        self.start()
        gateway = self.ready()
        self.refused(push(gateway, "load", other), first["batch_id"])
        self.refused(push(gateway, "load", other, "?mode=atomic"), first["batch_id"])
        # One of the first body among others, and one more of it.
        self.refused(push(gateway, "load", mine[:1] + other), first["batch_id"])
        self.refused(push(gateway, "load", mine + other[:1]), first["batch_id"])
        self.assertEqual(self.stored(gateway, "other"), 0)
        self.replayed(push(gateway, "load", mine), first)

        told = push(gateway, "load", other, "?dry_run=true")
        self.assertEqual((told.status, told.json["would_be"], told.json["rejected"]), (200, "refused", 3))
        self.assertIn(first["batch_id"], told.json["rejections"][0]["problem"]["detail"])
        self.assertEqual(push(gateway, "load", mine, "?dry_run=true").json["would_be"], "replayed")
        # Another key, and the same key of who says nothing of a key, are other batches.
        self.assertEqual(push(gateway, "load-2", other).json["accepted"], 3)

    def test_what_was_not_stored_the_first_time_comes_with_the_same_body_later(self):
        self.start()
        gateways = [self.ready(), self.ready()]
        settings = {"open_max": 2}
        asked = gateways[0].ask("PUT", "/v1/queues/narrow", json.dumps(settings), Content_Type="application/json")
        self.assertEqual(asked.status, 200, asked)
        mine = records("mine", 5, queue="narrow")
        first = push(gateways[0], "load", mine).json
        self.assertEqual((first["accepted"], first["rejected"]), (2, 3))
        gateways[0].ask("PUT", "/v1/queues/narrow", json.dumps({"open_max": 100}), Content_Type="application/json")
        self.refused(push(gateways[1], "load", records("other", 5)), first["batch_id"])
        again = push(gateways[1], "load", mine).json
        self.assertEqual((again["accepted"], again["replayed"], again["rejected"]), (3, 2, 0))
        self.assertEqual(gateways[0].ask("GET", first["status_url"]).json["counts"]["queued"], 5)

    def test_a_body_of_which_nothing_is_stored_takes_no_key(self):
        self.start()
        gateway = self.ready()
        self.assertEqual(push(gateway, "load", [{"type": "BAD"}]).status, 400)
        self.assertEqual(push(gateway, "load", records("good", 2) + [{"type": "BAD"}], "?mode=atomic").status, 400)
        self.assertEqual(push(gateway, "load", records("good", 2)).json["accepted"], 2)

    def test_a_key_is_taken_when_the_jobs_are_gone(self):
        self.start("--dedup-window", "1h")
        gateway = self.ready()
        mine = records("mine", 3)
        first = push(gateway, "load", mine).json
        path = first["status_url"]
        wait_for("the seal", lambda: gateway.ask("GET", path).json["sealed"])
        for act, state in (("cancel", "cancelled"), ("delete", "removed")):
            self.assertEqual(gateway.ask("POST", f"/v1/jobs:{act}?tag=mine").status, 202)
            wait_for(state, lambda: gateway.ask("GET", path).json["counts"][state] == 3)
        self.broker_now.kill()
        self.start("--dedup-window", "1h")
        self.refused(push(self.ready(), "load", records("other", 3)), first["batch_id"])
        self.replayed(push(gateway, "load", mine), first)
        self.assertEqual(gateway.ask("GET", path).json["counts"]["removed"], 3)

    def test_what_was_spooled_meanwhile_becomes_refusals(self):
        self.start()
        first = push(self.ready(), "load", records("mine", 2)).json
        spooling = self.ready()
        self.broker_now.kill()
        # It has heard of none of them, and knows its own.
        answer = push(spooling, "load", records("other", 2))
        self.assertEqual((answer.status, answer.json["durability"]), (202, "spooled"), answer)
        self.refused(push(spooling, "load", records("mine", 2)), first["batch_id"])
        self.start()
        wait_for("all to be brought", lambda: spooling.ask("GET", "/v1/spool").json["waiting"] == 0)
        refusals = spooling.ask("GET", "/v1/spool/refused").json["jobs"]
        self.assertEqual(len(refusals), 2)
        for refusal in refusals:
            self.assertEqual(refusal["problem"]["code"], "WEFT-1005")
            self.assertIn(first["batch_id"], refusal["problem"]["detail"])
        self.assertEqual((self.stored(spooling, "mine"), self.stored(spooling, "other")), (2, 0))


class OverZeroMQ(BrokerTest):
    def test_a_service_says_what_its_batch_is_made_of(self):
        peer = self.peer(self.broker())
        batch = uuid.uuid4().bytes
        a, b, c, d = (fresh_id() for _ in range(4))

        def say(job_id, **fields):
            return peer.submit({"job_id": job_id, "batch_id": batch, **fields})[0]

        self.assertEqual(say(a, batch_fingerprint=7).error, 0)
        self.assertEqual(say(b, batch_fingerprint=7).error, 0)
        self.assertTrue(say(a, batch_fingerprint=7).replayed)
        for job_id in (a, c):
            said = say(job_id, batch_fingerprint=8)
            self.assertEqual((said.error, said.holder_id), (5, batch))
            self.assertIn(str(uuid.UUID(bytes=batch)), said.detail)
        self.assertEqual(say(c).error, 0)  # says nothing, and is not asked
        said = peer.submit({"job_id": d, "batch_fingerprint": 8})[0]
        self.assertEqual((said.error, said.detail), (11, "batch_fingerprint: needs a batch_id"))


if __name__ == "__main__":
    main_beside(3)
