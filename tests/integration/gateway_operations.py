"""Acts on many jobs over HTTP: a filter, a count first, progress."""

import time
import unittest
from urllib.parse import urlencode

from lib_broker import BrokerTest
from lib_gateway import Gateway


class Operations(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker()
        self.gateway = Gateway(self.served.zmq)
        self.addCleanup(self.gateway.close)
        self.gateway.wait_ready()

    def submit(self, **fields):
        answer = self.gateway.submit({"type": "t", **fields})
        self.assertEqual(answer.status, 202, answer)
        return answer.json["status_url"]

    def act(self, path, key=None, **query):
        headers = {"Idempotency_Key": key} if key else {}
        return self.gateway.ask("POST", path + ("?" + urlencode(query) if query else ""), **headers)

    def over(self, answer):
        self.assertIn(answer.status, (200, 202), answer)
        self.assertEqual(answer.headers["location"], answer.json["status_url"])
        said = self.gateway.ask("GET", answer.json["status_url"] + "?wait=30s")
        self.assertEqual((said.status, said.json["status"]), (200, "over"), said)
        return said.json

    def status(self, url):
        return self.gateway.ask("GET", url).json["status"]

    def test_cancel_delete_and_what_they_count(self):
        mails = [self.submit(queue="mail"), self.submit(queue="mail", delay="1h")]
        other = self.submit()
        counted = self.act("/v1/jobs:cancel", queue="mail", dry_run="true")
        self.assertEqual((counted.status, counted.json), (200, {"dry_run": True, "matched": 2}))
        self.assertEqual(self.status(mails[0]), "queued")
        said = self.over(self.act("/v1/jobs:cancel", queue="mail"))
        self.assertEqual((said["act"], said["matched"], said["done"], said["refused"]), ("cancel", 2, 2, 0))
        self.assertEqual((said["queue"], said["actor"]), ("mail", "http"))
        self.assertEqual(said["progress"]["done"], said["progress"]["total"])
        self.assertEqual([self.status(url) for url in mails + [other]], ["cancelled", "cancelled", "queued"])
        self.assertEqual(self.over(self.act("/v1/jobs:delete", status="cancelled,dead"))["done"], 2)
        self.assertEqual(self.gateway.ask("GET", mails[0]).status, 410)
        self.assertEqual(self.over(self.act("/v1/jobs:retry", status="dead"))["matched"], 0)

    def test_they_are_listed_page_by_page(self):
        """A cursor is before_ms and before_id of OPERATION_LIST."""
        self.assertEqual(self.gateway.ask("GET", "/v1/operations").json, {"operations": []})
        made = [self.over(self.act("/v1/jobs:cancel", key=f"k{i}", type=f"t{i}"))["operation_id"] for i in range(5)]
        path, seen, pages = "/v1/operations?limit=2", [], 0
        while path:
            page = self.gateway.ask("GET", path).json
            seen += [one["operation_id"] for one in page["operations"]]
            path = f"/v1/operations?limit=2&cursor={page['cursor']}" if "cursor" in page else None
            if pages == 0:  # what begins later moves nothing
                made.append(self.over(self.act("/v1/jobs:cancel", key="later", type="later"))["operation_id"])
            pages += 1
        self.assertEqual((pages, seen), (3, made[4::-1]))
        whole = self.gateway.ask("GET", "/v1/operations").json["operations"]
        self.assertEqual([one["operation_id"] for one in whole], made[::-1])
        self.assertEqual(whole[0], self.gateway.ask("GET", whole[0]["status_url"]).json)
        for wrong in ("cursor=x", "cursor=1.x", "cursor=.01890a5d-ac96-774b-bcce-b302099a8057", "limit=257", "status=dead"):
            self.assertEqual(self.gateway.ask("GET", "/v1/operations?" + wrong).status, 400, wrong)

    def test_a_rate_is_obeyed_and_told(self):
        jobs, rate = [self.submit(queue="mail") for _ in range(8)], 20
        counted = self.act("/v1/jobs:cancel", queue="mail", rate=rate, dry_run="true")
        self.assertEqual((counted.status, counted.json), (200, {"dry_run": True, "matched": 8}))
        begun = time.monotonic()
        said = self.act("/v1/jobs:cancel", queue="mail", rate=rate)
        self.assertEqual((said.status, said.json["rate"], said.json["status"]), (202, rate, "running"))
        while said.json["status"] == "running":
            said = self.gateway.ask("GET", said.json["status_url"] + f"?wait=30s&version={said.json['version']}")
            self.assertEqual((said.status, said.json["rate"]), (200, rate))
            self.assertLessEqual(said.json["matched"], (time.monotonic() - begun + 0.002) * rate)
            progress = said.json["progress"]
            self.assertEqual(progress["total"] - progress["done"], 8 - said.json["matched"], said.json)
        self.assertEqual(said.json["done"], 8)
        self.assertEqual({self.status(url) for url in jobs}, {"cancelled"})
        self.assertNotIn("rate", self.over(self.act("/v1/jobs:delete", queue="mail")))

    def test_a_rate_that_is_none_is_refused_and_nothing_is_stored(self):
        self.submit(queue="mail")
        for path, query in (("/v1/jobs:cancel", {"queue": "mail"}), ("/v1/jobs:retry", {"queue": "mail"}),
                            ("/v1/queues/mail:purge", {}),
                            ("/v1/batches/01890a5d-ac96-774b-bcce-b302099a8057:cancel", {})):
            for wrong in ("0", "-1", "1000001", "1.5", "10/s", "", "99999999999999999999"):
                with self.subTest(path, rate=wrong):
                    answer = self.act(path, rate=wrong, **query)
                    self.assertEqual(answer.status, 400, answer)
                    self.assertIn("the parameter rate must be a whole number of jobs a second, from 1 to 1000000",
                                  answer.json["detail"])
        self.assertEqual(self.gateway.ask("GET", "/v1/operations").json, {"operations": []})
        self.assertEqual(self.act("/v1/queues/mail:purge", rate=1000000).status, 202)

    def test_a_queue_is_purged(self):
        waits, other = self.submit(queue="mail", delay="1h"), self.submit()
        self.assertEqual(self.act("/v1/queues/mail:purge", dry_run="true").json["matched"], 1)
        said = self.over(self.act("/v1/queues/mail:purge"))
        self.assertEqual((said["act"], said["done"], said["queue"]), ("purge", 1, "mail"))
        self.assertEqual([self.status(waits), self.status(other)], ["cancelled", "queued"])

    def test_one_that_goes_on_is_cancelled_where_it_stands(self):
        jobs = [self.submit(queue="mail") for _ in range(30)]
        begun = self.act("/v1/jobs:cancel", key="slow", queue="mail", rate=1)
        url = begun.json["status_url"]
        first = self.gateway.ask("GET", f"{url}?version=1&wait=30s").json  # one is done
        self.assertEqual(first["status"], "running")
        self.assertGreaterEqual(first["done"], 1)
        said = self.act(f"{url}:cancel")
        self.assertEqual((said.status, said.json["status"], said.json["cancelled_by"]), (200, "cancelled", "http"), said)
        self.assertNotIn("location", said.headers)
        self.assertLess(said.json["progress"]["done"], said.json["progress"]["total"])
        self.assertIn("ended_at", said.json)
        states = [self.status(job) for job in jobs]
        self.assertEqual(states.count("cancelled"), said.json["done"])
        self.assertEqual(states.count("queued"), len(jobs) - said.json["done"])
        self.assertEqual(self.act(f"{url}:cancel").json, said.json)
        self.assertEqual(self.gateway.ask("GET", f"{url}?wait=30s").json, said.json)
        again = self.act("/v1/jobs:cancel", key="slow", queue="mail", rate=1)
        self.assertEqual((again.status, again.json), (200, said.json))
        self.assertEqual(self.over(self.act("/v1/jobs:cancel", queue="mail"))["done"], len(jobs) - said.json["done"])

    def test_one_that_is_over_or_unknown_is_not_cancelled(self):
        url = self.over(self.act("/v1/jobs:cancel", queue="mail"))["status_url"]
        answer = self.act(f"{url}:cancel")
        self.assertEqual((answer.status, answer.json["detail"]), (409, "the operation is over"), answer)
        self.assertIn("GET the operation", answer.json["fix"])
        for path, status, word in ((f"{url}:stop", 404, "{id}:cancel"), (url, 404, "{id}:cancel"),
                                   ("/v1/operations/x:cancel", 404, "an id looks like"),
                                   ("/v1/operations/01890a5d-ac96-774b-bcce-b302099a8057:cancel", 404, "no such operation")):
            with self.subTest(path):
                answer = self.act(path)
                self.assertEqual(answer.status, status, answer)
                self.assertIn(word, answer.json["detail"])
        self.assertEqual(self.act(f"{url}:cancel", rate=5).status, 400)

    def test_what_is_not_known_is_not_acted_on(self):
        for path in ("/v1/queues/nowhere:purge", "/v1/batches/01890a5d-ac96-774b-bcce-b302099a8057:cancel",
                     "/v1/batches/01890a5d-ac96-774b-bcce-b302099a8057:retry"):
            for query in ({}, {"dry_run": "true"}):
                with self.subTest(path, **query):
                    answer = self.act(path, **query)
                    self.assertEqual((answer.status, answer.json["type"]), (404, "urn:weft:problem:not-found"), answer)
                    self.assertIn("queue" if "queues" in path else "batch", answer.json["detail"])
                    self.assertEqual("check the name" in answer.json["fix"], "queues" in path, answer.json)

    def test_a_key_makes_it_the_same_operation(self):
        self.submit()
        first = self.over(self.act("/v1/jobs:cancel", key="once", type="t"))
        later = self.submit()
        again = self.act("/v1/jobs:cancel", key="once", type="t")
        self.assertEqual((again.status, again.json), (200, first))
        self.assertEqual(self.status(later), "queued")
        self.assertEqual(self.act("/v1/jobs:delete", key="once", type="t").status, 422)

    def test_what_is_wrong_is_named(self):
        for path, query, word in (("/v1/jobs:cancel", {}, "which jobs"), ("/v1/jobs:retry", {"status": "queued"}, "states"),
                                  ("/v1/jobs:cancel", {"queue": "A"}, "queue"), ("/v1/jobs:cancel", {"limit": 3}, "limit"),
                                  ("/v1/jobs:cancel", {"queue": "q", "cursor": 5}, "cursor"),
                                  ("/v1/queues/mail:purge", {"queue": "q"}, "queue")):
            answer = self.act(path, **query)
            self.assertEqual(answer.status, 400, answer)
            self.assertIn(word, answer.json["detail"])
        self.assertEqual(self.gateway.ask("GET", "/v1/operations/01890a5d-ac96-774b-bcce-b302099a8057").status, 404)
        self.assertEqual(self.gateway.ask("GET", "/v1/operations/x").status, 404)


if __name__ == "__main__":
    unittest.main()
