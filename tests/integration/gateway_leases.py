"""Pull workers over HTTP, against a real broker: lease, renew, finish, fail, release; and what is lost."""

import base64
import concurrent.futures
import json
import socket
import time
import urllib.request

import msgpack

from gateway_queues import Bench as Queues
from support_cli import Place, wait_for


class Bench(Queues):
    def push(self, kind, payload=None, **fields):
        return self.http("POST", "/v1/jobs", {"type": kind, "payload": payload, **fields})[1]["job_id"]

    def lease(self, *types, **fields):
        status, answer, _ = self.http("POST", "/v1/leases", {"types": list(types), **fields})
        assert status == 200, answer
        return answer

    def say(self, job, verb, **fields):
        return self.http("POST", f"/v1/leases/{job['job_id']}:{verb}", {"token": job["token"], **fields})[:2]

    def status(self, job_id, **query):
        return self.http("GET", f"/v1/jobs/{job_id}" + "".join(f"?{name}={value}" for name, value in query.items()))[1]


def a_job_is_taken_and_finished(bench):
    job_id = bench.push("l.a", {"n": 7}, tags=["eu"], timeout="20s")
    answer = bench.lease("l.a", wait="60s")
    job, = answer["jobs"]
    assert (job["job_id"], job["payload"], job["attempt"], job["queue"]) == (job_id, {"n": 7}, 1, "default"), job
    assert (job["tags"], job["timeout"], answer["lease"], answer["renew"]) == (["eu"], "20s", "30s", "5s"), answer
    assert bench.status(job_id)["status"] == "running"
    assert bench.say(job, "finish", result={"ok": True}) == (200, {"job_id": job_id})
    assert bench.say(job, "finish", result={"ok": True})[0] == 200, "the same again is the same"
    ended = bench.status(job_id)
    assert (ended["status"], ended["result"]) == ("succeeded", {"ok": True}), ended
    assert bench.lease("l.a")["jobs"] == []


def another_outcome_is_told_that_it_does_not_count(bench):
    """The first word that is taken counts; whoever says another one must not believe that it does."""
    words = {"finish": {}, "fail": {"message": "it went wrong"}, "release": {"retry_after": "1h"}}
    for first in words:
        job_id = bench.push("l.o", retry={"first": "1h"})
        job, = bench.lease("l.o", wait="60s")["jobs"]
        assert bench.say(job, first, **words[first])[0] == 200
        version = bench.status(job_id)["version"]
        for second in words:
            status, answer = bench.say(job, second, **words[second])
            told = answer.get("type", "urn:weft:problem:none").rsplit(":", 1)[1]
            assert (status, told) == ((200, "none") if first == second else (409, "stale-lease")), (first, second, answer)
        assert bench.say(job, "fail", retry=False)[0] == 409, "for good is another word"
        assert bench.status(job_id)["version"] == version


def whoever_waits_gets_the_next(bench):
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        # Not as long as a lease: when one gets both jobs the other one comes back with none.
        asked = [pool.submit(bench.lease, "l.w", wait="5s", max=2) for _ in range(2)]
        ids = {bench.push("l.w", n) for n in range(2)}
        got = [job for one in asked for job in one.result()["jobs"]]
        # One that came back with both jobs leaves the other one waiting for the next.
        while len(got) < 2:
            got += bench.lease("l.w", wait="60s")["jobs"]
    assert {job["job_id"] for job in got} == ids, got
    for job in got:
        assert bench.say(job, "finish")[0] == 200


def many_at_once_and_no_more_than_asked_for(bench):
    ids = {bench.push("l.m") for _ in range(5)}
    got = bench.lease("l.m", max=3, wait="60s")["jobs"]
    assert 1 <= len(got) <= 3
    counts = bench.http("GET", "/v1/jobs?type=l.m&status=running")[1]["jobs"]
    assert len(counts) == len(got), "nobody has what nobody asked for"
    while len(got) < 5:
        more = bench.lease("l.m", max=3, wait="60s")["jobs"]
        assert more, got
        got += more
    assert {job["job_id"] for job in got} == ids
    for job in got:
        bench.say(job, "release")


def failures_are_retried_or_not(bench):
    job_id = bench.push("l.f", retry={"first": "10ms", "max_attempts": 3})
    job, = bench.lease("l.f", wait="60s")["jobs"]
    assert bench.say(job, "fail", kind="odd", message="it went wrong", detail="line 3")[0] == 200
    job, = bench.lease("l.f", wait="60s")["jobs"]
    assert job["attempt"] == 2, job
    assert bench.say(job, "fail", message="for good", retry=False)[0] == 200
    ended = bench.status(job_id)
    assert (ended["status"], ended["errors"], ended["error"]["message"]) == ("dead", 2, "for good"), ended


def a_release_burns_nothing(bench):
    job_id = bench.push("l.r")
    job, = bench.lease("l.r", wait="60s")["jobs"]
    assert bench.say(job, "release")[0] == 200
    job, = bench.lease("l.r", wait="60s")["jobs"]
    assert job["attempt"] == 1, job
    assert bench.say(job, "release", retry_after="1h")[0] == 200
    told = bench.status(job_id)
    assert (told["status"], told["errors"], told["crashes"]) == ("scheduled", 0, 0), told


def a_renewal_tells_progress_and_hears_of_a_cancel(bench):
    job_id = bench.push("l.p")
    job, = bench.lease("l.p", wait="60s")["jobs"]
    status, answer = bench.say(job, "renew", done=3, total=10, text="rows", log=["first", "second"])
    assert (status, answer["lease"], "cancel" in answer) == (200, "30s", False), answer
    wait_for("the progress", lambda: bench.status(job_id).get("progress") == {"done": 3, "total": 10, "text": "rows"})
    lines = bench.http("GET", f"/v1/jobs/{job_id}/log")[1]["lines"]
    assert [line["text"] for line in lines] == ["first", "second"], lines
    assert bench.http("POST", f"/v1/jobs/{job_id}:cancel")[0] == 202
    status, answer = bench.say(job, "progress", done=4, total=10, extend="10s")
    assert (status, answer["cancel"]) == (200, True), answer
    assert bench.say(job, "fail", message="told to stop")[0] == 200
    assert bench.status(job_id)["status"] == "cancelled"


def only_jobs_of_its_types_and_queues_come(bench):
    bench.push("l.q", queue="l.one")
    wanted = bench.push("l.q", queue="l.two")
    bench.push("l.other", queue="l.two")
    status, answer, _ = bench.http("POST", "/v1/leases", {"types": ["l.q"], "queues": ["l.two"], "max": 9, "wait": "60s"})
    assert (status, [job["job_id"] for job in answer["jobs"]]) == (200, [wanted]), answer
    bench.say(answer["jobs"][0], "finish")


def an_extension_moves_the_deadline(bench):
    job_id = bench.push("l.e", timeout="20s")
    job, = bench.lease("l.e", wait="60s")["jobs"]
    before = bench.status(job_id)["deadline_at"]
    assert bench.say(job, "renew", extend="10m")[0] == 200
    wait_for("a later deadline", lambda: bench.status(job_id)["deadline_at"] > before)
    bench.say(job, "finish")


def what_is_not_held_is_stale(bench):
    job_id = bench.push("l.s")
    job, = bench.lease("l.s", wait="60s")["jobs"]
    wrong = {**job, "token": str(int(job["token"]) + 7)}
    for verb in ("finish", "renew"):
        status, problem = bench.say(wrong, verb)
        assert (status, problem["type"]) == (409, "urn:weft:problem:stale-lease"), problem
    assert bench.status(job_id)["status"] == "running"
    assert bench.say(job, "finish")[0] == 200
    assert bench.say({"job_id": "01890a5d-ac96-774b-bcce-b302099a8057", "token": "7"}, "finish")[0] == 404


def a_client_that_goes_away_takes_nothing_with_it(bench):
    host, port = bench.url.removeprefix("http://").split(":")
    body = b'{"types": ["l.g"], "wait": "60s"}'
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"POST /v1/leases HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                       b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        wait_for("the set is known", lambda: any(worker.get("types") == ["l.g"] and worker.get("slots")
                                                 for worker in bench.http("GET", "/v1/workers")[1]["workers"]))
    job_id = bench.push("l.g")
    job, = bench.lease("l.g", wait="60s")["jobs"]
    assert (job["job_id"], job["attempt"]) == (job_id, 1), job
    assert bench.status(job_id)["crashes"] == 0
    bench.say(job, "finish")


def the_fabrics_own_queues_are_not_lent(bench):
    status, problem, _ = bench.http("POST", "/v1/leases", {"types": ["webhook"], "queues": ["mail", "weft.webhooks"]})
    assert (status, problem["type"]) == (422, "urn:weft:problem:reserved"), problem
    assert "names that begin with 'weft.'" in problem["detail"] and "no worker gets" in problem["detail"], problem


def what_is_wrong_is_named(bench):
    for body, word in (({}, "types is missing"), ({"types": []}, "types must name one type"), ({"types": ["A"]}, "types: 1 to 128"),
                       ({"types": ["a"], "max": 65}, "max must be"), ({"types": ["a"], "wait": "61s"}, "wait is at most 60s"),
                       ({"types": ["a"], "quues": []}, "did you mean queues?"), ({"types": ["a"], "queues": "a"}, "queues must be")):
        status, problem, _ = bench.http("POST", "/v1/leases", body)
        assert (status, word in problem["detail"]) == (400, True), (body, problem)
    path = "/v1/leases/01890a5d-ac96-774b-bcce-b302099a8057"
    for verb, body, word in (("finish", {}, "token is missing"), ("finish", {"token": 7}, "token must be"),
                             ("fail", {"token": "7", "retry": 1}, "retry must be"), ("renew", {"token": "7", "result": 1}, "result does not go"),
                             ("renew", {"token": "7", "log": "a"}, "log must be"), ("renew", {"token": "7", "done": -1}, "done must be"),
                             ("release", {"token": "7", "retry_after": "x"}, "retry_after must be")):
        status, problem, _ = bench.http("POST", f"{path}:{verb}", body)
        assert (status, word in problem["detail"]) == (400, True), (verb, body, problem)
    assert bench.http("POST", f"{path}:eat", {"token": "7"})[0] == 404
    assert bench.http("POST", "/v1/leases/none:finish", {"token": "7"})[0] == 404


def payloads_come_as_they_can_be_told(bench):
    request = urllib.request.Request(bench.url + "/v1/jobs", data=b"\x82\xa4type\xa3l.b\xa7payload\xc4\x02\xff\x01", method="POST",
                                     headers={"Content-Type": "application/msgpack"})
    urllib.request.urlopen(request, timeout=60).read()
    job, = bench.lease("l.b", wait="60s")["jobs"]
    assert base64.b64decode(job["payload"]) == b"\xff\x01", job
    assert bench.say(job, "finish", result=None)[0] == 200


def messagepack_goes_both_ways(bench):
    """Wish, word and result are MessagePack, and so are the answers; what was sent in one form is told in the other."""
    def ask(path, body, **headers):
        packed = {"Content-Type": "application/msgpack", "Accept": "application/msgpack", **headers}
        request = urllib.request.Request(bench.url + path, data=msgpack.packb(body), method="POST", headers=packed)
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.headers["Content-Type"] == "application/msgpack", answer.headers
            return msgpack.unpackb(answer.read())
    made = ask("/v1/jobs", {"type": "l.pack", "payload": {"n": [1, None, "x", b"\xff"]}, "tags": ["t"]})
    job, = ask("/v1/leases", {"types": ["l.pack"], "queues": ["default"], "max": 1, "wait": "60s"})["jobs"]
    assert (job["job_id"], job["payload"]) == (made["job_id"], {"n": [1, None, "x", b"\xff"]}), job
    path, token = f"/v1/leases/{job['job_id']}", {"token": job["token"]}
    told = ask(path + ":renew", {**token, "done": 1, "total": 2, "text": "half", "log": ["a line"]})
    assert "renew" in told, told
    assert ask(path + ":finish", {**token, "result": {"sum": 3, "raw": b"\x01"}})["job_id"] == job["job_id"]
    status = bench.http("GET", made["status_url"])[1]
    assert (status["status"], status["result"], status["progress"]["text"]) == ("succeeded", {"sum": 3, "raw": "AQ=="}, "half"), status
    # JSON in, MessagePack out, and the other way round.
    bench.submit("default", type="l.pack", payload={"a": 1.5})
    job, = ask("/v1/leases", {"types": ["l.pack"], "wait": "60s"})["jobs"]
    assert job["payload"] == {"a": 1.5}, job
    assert ask(f"/v1/leases/{job['job_id']}:fail", {"token": job["token"], "kind": "k", "retry": False})["job_id"] == job["job_id"]
    ask("/v1/jobs", {"type": "l.pack", "payload": [2]})
    job, = bench.lease("l.pack", wait="60s")["jobs"]
    assert job["payload"] == [2] and bench.say(job, "finish", result=None)[0] == 200, job


TESTS = (a_job_is_taken_and_finished, another_outcome_is_told_that_it_does_not_count, whoever_waits_gets_the_next,
         many_at_once_and_no_more_than_asked_for,
         failures_are_retried_or_not, a_release_burns_nothing, a_renewal_tells_progress_and_hears_of_a_cancel,
         only_jobs_of_its_types_and_queues_come, an_extension_moves_the_deadline,
         what_is_not_held_is_stale, a_client_that_goes_away_takes_nothing_with_it, what_is_wrong_is_named,
         the_fabrics_own_queues_are_not_lent,
         payloads_come_as_they_can_be_told, messagepack_goes_both_ways)

if __name__ == "__main__":
    with Place() as place:
        bench = Bench(place)
        for test in TESTS:
            began = time.monotonic()
            test(bench)
            print("ok", test.__name__, f"{time.monotonic() - began:.1f} s", flush=True)
