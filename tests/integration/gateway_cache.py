"""The gateway's cache of finished statuses: what the broker is not asked again, and what is never told from it."""

import os
import threading
from collections import Counter

import zmq

from lib_beside import main_beside
from lib_broker import VERSION, Broker, BrokerTest, fresh_id, pb
from lib_clock import Clock
from lib_gateway import Gateway, wait_for


class Counting:
    """Between gateways and a broker: passes messages on and counts the questions by kind."""

    def __init__(self, endpoint):
        self.endpoint_behind = endpoint
        self.counts = Counter()
        self.questions = set()   # (kind, route, corr): the same when it is said again
        self.stopping = False
        self.is_deaf_to = set()  # kinds of answers that are swallowed
        self.holds = None        # a kind of answers that come when it is None again
        self.held = []
        self.context = zmq.Context()
        self.front = self.context.socket(zmq.ROUTER)
        self.front.linger = 0
        self.front.bind("tcp://127.0.0.1:0")
        self.endpoint = self.front.last_endpoint.decode()
        self.behind = {}
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def close(self):
        self.stopping = True
        self.thread.join()
        for socket in self.behind.values():
            socket.close()
        self.front.close()
        self.context.term()

    def _run(self):
        poller = zmq.Poller()
        poller.register(self.front, zmq.POLLIN)
        while not self.stopping:
            if self.holds is None:
                while self.held:
                    self.front.send_multipart(self.held.pop(0))
            for socket, _ in poller.poll(20):
                frames = socket.recv_multipart()
                if socket is self.front:
                    route, frames = frames[0], frames[1:]
                    asked = pb.Envelope.FromString(frames[1])
                    self.counts[asked.WhichOneof("body")] += 1
                    self.questions.add((asked.WhichOneof("body"), route, asked.corr))
                    if route not in self.behind:
                        made = self.behind[route] = self.context.socket(zmq.DEALER)
                        made.linger = 0
                        made.connect(self.endpoint_behind)
                        poller.register(made, zmq.POLLIN)
                    self.behind[route].send_multipart(frames)
                else:
                    assert frames[0] == VERSION
                    kind = pb.Envelope.FromString(frames[1]).WhichOneof("body")
                    self.counts[kind] += 1
                    route = next(route for route, behind in self.behind.items() if behind is socket)
                    if kind == self.holds:
                        self.held.append([route, *frames])
                    elif kind not in self.is_deaf_to:
                        self.front.send_multipart([route, *frames])


class Cache(BrokerTest):
    def serve(self, *flags, gateway=(), broker_env=None, **options):
        self.served = self.broker(*flags, env=broker_env)
        self.counting = Counting(self.served.zmq)
        self.addCleanup(self.counting.close)
        self.client = self.peer(self.served)
        self.gateway = self.start(*gateway, **options)

    def start(self, *flags, **options):
        gateway = Gateway(self.counting.endpoint, *flags, data=os.path.join(self.data, "gateway"), **options)
        self.addCleanup(self.end, gateway)
        gateway.wait_ready()
        self.wait_for_figure("fresh", 1, gateway)
        return gateway

    def end(self, gateway):
        if not gateway.log.closed:
            gateway.close()

    def figure(self, name, gateway=None):
        text = (gateway or self.gateway).ask("GET", "/metrics").body.decode()
        return float(text.split(f"\nweft_gateway_cache_{name} ")[1].split()[0])

    def wait_for_figure(self, name, value, gateway=None):
        def is_so():
            # A look at what nobody has renews what is known.
            (gateway or self.gateway).ask("GET", "/v1/jobs/01a215c4-dd30-77cc-b548-7ce30f34de6d")
            return self.figure(name, gateway) == value
        wait_for(f"{name} is {value}", is_so)

    def finished(self, outcome=None, result=b'{"n":7}', **fields):
        """The id of a job that has ended, as text."""
        answer = self.gateway.submit({"type": "t", **fields})
        self.assertEqual(answer.status, 202, answer)
        worker = self.worker(self.served, "t")
        (job, _), = worker.take_jobs(1)
        worker.finish(job, outcome, result=result, content=pb.CONTENT_JSON if result else 0)
        worker.close()
        return answer.json["job_id"]

    def show(self, job_id, gateway=None, **headers):
        return (gateway or self.gateway).ask("GET", f"/v1/jobs/{job_id}", **headers)

    def statuses(self):
        """How many questions for a status there were; one that is said again is the same question."""
        return sum(kind == "status" for kind, _, _ in list(self.counting.questions))

    def test_a_finished_job_is_asked_for_once(self):
        self.serve()
        job_id = self.finished(tags=["red"], metadata={"a": "b"})
        first = self.show(job_id)
        self.assertEqual((first.status, first.json["status"], first.json["result"]), (200, "succeeded", {"n": 7}))
        before, hits = self.statuses(), self.figure("hits_total")
        answers = [self.show(job_id) for _ in range(50)]
        answers += [self.gateway.ask("GET", f"/v1/jobs/{job_id}?wait=10s&version=9") for _ in range(5)]
        self.assertEqual(self.statuses(), before)
        self.assertEqual(self.figure("hits_total"), hits + 55)
        for answer in answers:
            self.assertEqual((answer.status, answer.body, answer.headers["ETag"]),
                             (200, first.body, first.headers["ETag"]))
        # Conditional, in the other format and as a stream.
        unchanged = self.show(job_id, If_None_Match=first.headers["ETag"])
        self.assertEqual((unchanged.status, unchanged.headers["ETag"]), (304, first.headers["ETag"]))
        packed = self.show(job_id, Accept="application/msgpack")
        self.assertEqual((packed.status, packed.headers["Content-Type"]), (200, "application/msgpack"))
        stream = self.gateway.ask("GET", f"/v1/jobs/{job_id}/events")
        self.assertIn(b'"status":"succeeded"', stream.body)
        self.assertEqual(self.statuses(), before)
        self.assertGreater(self.figure("hit_ratio"), 0.5)
        # After a quiet time one watch renews what is known, and still no status is asked for.
        wait_for("it is stale", lambda: self.figure("fresh") == 0)
        self.assertEqual(self.show(job_id).body, first.body)
        self.assertEqual(self.statuses(), before)

    def test_what_may_change_is_always_asked_for(self):
        self.serve()
        waiting = self.gateway.submit({"type": "else"}).json["job_id"]
        dead = self.finished(pb.OUTCOME_DEAD, result=b"")
        for job_id, status in ((waiting, "queued"), (dead, "dead")):
            before = self.statuses()
            for _ in range(3):
                self.assertEqual(self.show(job_id).json["status"], status)
            self.assertEqual(self.statuses(), before + 3)
        self.assertEqual(self.gateway.ask("POST", f"/v1/jobs/{dead}:retry").status, 200)
        self.assertIn(self.show(dead).json["status"], ("queued", "running"))

    def test_a_deleted_job_is_gone_at_once_and_elsewhere_soon(self):
        self.serve()
        other = Gateway(self.counting.endpoint)
        self.addCleanup(other.close)
        other.wait_ready()
        self.wait_for_figure("fresh", 1, other)
        for _ in range(10):
            job_id = self.finished()
            self.assertEqual([self.show(job_id, at).status for at in (self.gateway, other)], [200, 200])
            self.assertEqual(self.gateway.ask("DELETE", f"/v1/jobs/{job_id}").status, 200)
            self.assertEqual(self.show(job_id).status, 410)
            wait_for("the other has heard", lambda at=job_id: self.show(at, other).status == 410)
        self.assertEqual(self.figure("entries"), 0)

    def test_an_answer_that_was_overtaken_by_a_removal_is_not_kept(self):
        self.serve()
        job_id = self.finished()
        self.counting.holds = "status_is"
        answers = []
        thread = threading.Thread(target=lambda: answers.append(self.show(job_id)))
        thread.start()
        wait_for("it is under way", lambda: self.counting.held)
        self.client.ask(pb.Act(kind=pb.ACT_DELETE, job_id=bytes.fromhex(job_id.replace("-", "")), act_id=fresh_id()))
        wait_for("the removal is heard of", lambda: self.figure("removals_total") >= 1)
        self.counting.holds = None
        thread.join()
        self.assertEqual(answers[0].status, 200)  # as it was when it was asked for
        self.assertEqual(self.show(job_id).status, 410)
        self.assertEqual(self.figure("entries"), 0)

    def test_retention_is_seen(self):
        clock = Clock(os.path.join(self.data, "broker-clock"))
        self.serve(broker_env=clock.env)
        job_id = self.finished(keep="1m")
        self.assertEqual(self.show(job_id).status, 200)
        clock.advance(61)
        wait_for("it is gone", lambda: self.show(job_id).status in (404, 410))
        wait_for("it is forgotten", lambda: self.figure("entries") == 0)

    def serve_by_a_clock(self, **options):
        """The gateway's clocks go until it is ready; then only the test moves them."""
        clock = Clock(os.path.join(self.data, "clock"), stands=True)
        with clock.going():
            self.serve(env=clock.env, **options)
        return clock

    def renew(self, clock):
        """All that was removed until now by the gateway's clock has been heard of, and not a moment later."""
        before = self.counting.counts["event"]
        clock.advance(1)
        nobody = "01a215c4-dd30-77cc-b548-7ce30f34de6d"
        self.show(nobody)
        wait_for("the second watch is answered", lambda: self.counting.counts["event"] > before)
        self.show(nobody)  # its answer comes behind the other

    def wait_until_removed(self, job_id):
        number = bytes.fromhex(job_id.replace("-", ""))
        wait_for("it is removed", lambda: self.client.status(number).state == pb.STATE_REMOVED)

    def told(self, job_id):
        """Is it told out of the cache?"""
        before, asked = self.figure("hits_total"), self.statuses()
        self.assertEqual(self.show(job_id).status, 200)
        self.assertEqual((self.figure("hits_total"), self.statuses()), (before + 1, asked))

    def not_told(self, job_id, clock):
        """Whoever asks waits for the broker's word, as long as a question may take."""
        before, asked, answers = self.figure("hits_total"), self.statuses(), []
        self.assertEqual(self.figure("fresh"), 0)
        thread = threading.Thread(target=lambda: answers.append(self.show(job_id)))
        thread.start()
        while thread.is_alive():
            if self.statuses() == asked:  # the question for this job has its own time, which the test does not use up
                clock.advance(0.25)
            thread.join(0.05)
        self.assertEqual((answers[0].status, self.figure("hits_total")), (410, before))

    def test_what_retention_has_removed_unheard_is_told_for_less_than_trust(self):
        """STATUSES_TRUST_MS, to the millisecond."""
        brokers = Clock(os.path.join(self.data, "broker-clock"))
        clock = self.serve_by_a_clock(broker_env=brokers.env)
        job_id = self.finished(keep="1m")
        self.assertEqual(self.show(job_id).status, 200)
        self.renew(clock)
        self.counting.is_deaf_to.add("event")
        brokers.advance(61)
        self.wait_until_removed(job_id)
        clock.advance(1.999)
        self.told(job_id)
        clock.advance(0.001)
        self.not_told(job_id, clock)

    def test_what_is_known_is_as_old_as_the_question(self):
        """However late its answer comes: the removal came in between, and its own event is lost."""
        clock = self.serve_by_a_clock()
        job_id = self.finished()
        self.assertEqual(self.show(job_id).status, 200)
        self.renew(clock)
        self.counting.holds = "event"
        clock.advance(1)
        self.told(job_id)  # and asks whether there was anything else
        wait_for("the answer is under way", lambda: self.counting.held)
        self.counting.is_deaf_to.add("event")
        self.counting.holds = "nothing"
        self.client.ask(pb.Act(kind=pb.ACT_DELETE, job_id=bytes.fromhex(job_id.replace("-", "")), act_id=fresh_id()))
        clock.advance(1.5)
        self.counting.holds = None
        self.wait_for_figure("fresh", 1)
        self.told(job_id)
        clock.advance(0.499)
        self.told(job_id)
        clock.advance(0.001)
        self.not_told(job_id, clock)

    def test_an_id_that_is_used_anew_is_another_job(self):
        self.serve("--dedup-window", "1s")
        body = {"type": "t", "keep": "1s"}

        def submit(at):
            answer = self.gateway.submit(body, Idempotency_Key=f"k{at}")
            return answer.json["job_id"], answer.headers.get("Idempotency-Replayed")

        job_id, _ = submit(1)
        worker = self.worker(self.served, "t")
        (job, _), = worker.take_jobs(1)
        worker.finish(job)
        worker.close()
        self.assertEqual(self.show(job_id).json["status"], "succeeded")
        # Nobody tells the gateway of the removal, and still it does not show the former job.
        self.counting.is_deaf_to.add("event")
        wait_for("the key is free", lambda: submit(1)[1] is None)
        self.assertIn(self.show(job_id).json["status"], ("queued", "running"))

    def test_another_tenant_is_not_told(self):
        self.serve()
        tokens = {name: self.gateway.token(name, "--tenant", name, "--scopes", "submit,read,admin")
                  for name in ("default", "acme")}
        bearer = {name: {"Authorization": f"Bearer {token}"} for name, token in tokens.items()}
        job_id = self.gateway.submit({"type": "t"}, **bearer["default"]).json["job_id"]
        self.gateway.ask("POST", f"/v1/jobs/{job_id}:cancel", **bearer["default"])
        for _ in range(3):
            self.assertEqual(self.show(job_id, **bearer["default"]).status, 200)
            self.assertEqual(self.show(job_id, **bearer["acme"]).status, 404)

    def test_it_survives_a_restart_whose_gap_is_known(self):
        self.serve()
        kept, gone = self.finished(), self.finished()
        first = self.show(kept)
        self.assertEqual(self.show(gone).status, 200)
        self.gateway.close()
        # What is removed meanwhile is heard of before anything is told.
        self.client.ask(pb.Act(kind=pb.ACT_DELETE, job_id=bytes.fromhex(gone.replace("-", "")), act_id=fresh_id()))
        self.gateway = self.start()
        before = self.statuses()
        self.assertEqual(self.show(kept).body, first.body)
        self.assertEqual(self.statuses(), before)
        self.assertEqual(self.show(gone).status, 410)
        self.assertEqual((self.figure("entries"), self.figure("gaps_total")), (1, 0))

    def test_a_kill_loses_nothing_that_matters(self):
        self.serve()
        kept, gone = self.finished(), self.finished()
        self.assertEqual([self.show(kept).status, self.show(gone).status], [200, 200])
        wait_for("they are written", lambda: self.figure("written_total") == 2)
        self.client.ask(pb.Act(kind=pb.ACT_DELETE, job_id=bytes.fromhex(gone.replace("-", "")), act_id=fresh_id()))
        wait_for("it is heard of", lambda: self.figure("entries") == 1)
        self.gateway.process.kill()
        with self.assertRaisesRegex(AssertionError, "left with -9"):
            self.gateway.close()
        self.gateway = self.start()
        self.assertEqual((self.show(kept).status, self.show(gone).status), (200, 410))

    def test_another_life_of_the_broker_empties_it(self):
        self.serve()
        job_id = self.finished()
        self.assertEqual(self.show(job_id).status, 200)
        self.served.stop()
        again = Broker(self.served.data, zmq=self.served.zmq)
        self.addCleanup(again.close)
        wait_for("the gap is seen", lambda: self.figure("gaps_total") >= 2 or self.show(job_id).status == 0)
        self.assertEqual(self.show(job_id).status, 200)

    def test_a_gap_over_a_restart_empties_it(self):
        self.serve("--event-count-max", "5")
        job_id = self.finished()
        self.assertEqual(self.show(job_id).status, 200)
        self.gateway.close()
        for _ in range(6):
            self.client.submit({"job_id": fresh_id(), "queue": "other"})
        self.gateway = self.start()
        self.assertEqual(self.figure("entries"), 0)
        self.assertIn(self.figure("gaps_total"), (1, 2))  # each of the two watches may be told of it
        before = self.statuses()
        self.assertEqual(self.show(job_id).status, 200)
        self.assertEqual(self.statuses(), before + 1)

    def test_so_many_are_kept(self):
        self.serve(gateway=("--cache-max", "2"))
        ids = [self.finished() for _ in range(3)]
        for job_id in ids:
            self.assertEqual(self.show(job_id).status, 200)
        self.assertEqual((self.figure("entries"), self.figure("evicted_total")), (2, 1))
        before = self.statuses()
        self.show(ids[2])
        self.show(ids[1])
        self.assertEqual(self.statuses(), before)
        self.show(ids[0])
        self.assertEqual(self.statuses(), before + 1)

    def test_none_are_kept(self):
        self.served = self.broker()
        self.counting = Counting(self.served.zmq)
        self.addCleanup(self.counting.close)
        self.gateway = Gateway(self.counting.endpoint, "--cache-max", "0")
        self.addCleanup(self.gateway.close)
        self.gateway.wait_ready()
        job_id = self.finished()
        before = self.statuses()
        for _ in range(3):
            self.assertEqual(self.show(job_id).status, 200)
        self.assertEqual(self.statuses(), before + 3)
        self.assertEqual(self.counting.counts["watch"], 0)

    def test_a_large_result_is_not_kept(self):
        self.serve()
        job_id = self.finished(result=b'"' + b"x" * 70000 + b'"')
        before = self.statuses()
        for _ in range(2):
            self.assertEqual(len(self.show(job_id).json["result"]), 70000)
        self.assertEqual(self.statuses(), before + 2)

    def test_many_who_ask_at_once_share_a_question(self):
        self.serve()
        job_id = self.gateway.submit({"type": "else"}).json["job_id"]
        before = self.statuses()
        self.counting.is_deaf_to.add("status_is")
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(self.show(job_id))) for _ in range(20)]
        for thread in threads:
            thread.start()
        wait_for("all have asked", lambda: self.figure("shared_total") >= 19)
        self.counting.is_deaf_to.clear()  # the question is repeated
        for thread in threads:
            thread.join()
        self.assertEqual({answer.json["status"] for answer in answers}, {"queued"})
        # One for the first, and one for all who came later.
        self.assertLessEqual(self.statuses() - before, 2)


if __name__ == "__main__":
    main_beside(4)
