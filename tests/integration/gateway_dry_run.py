"""Dry runs over HTTP, against a real broker: told is what the same request gets without."""

import json
import os
import sys

from gateway_queues import Bench
from support_cli import Place, wait_for


def both(bench, path, body, kind="application/json", **headers):
    """A dry run, and the same in earnest."""
    status, told, _ = bench.http("POST", path + "?dry_run=true", body, kind, **headers)
    assert status == 200 and told["dry_run"] is True, told
    return told, bench.http("POST", path, body, kind, **headers)


def one_job_is_told_its_verdict(bench):
    job = {"type": "dry.a", "queue": "dry", "retry": {"max_attempts": 4, "first": "10s", "factor": 3, "longest": "1m"}}
    key = {"Idempotency-Key": "dry_run-1"}
    status, refusal, _ = bench.http("POST", "/v1/jobs?dry_run=perhaps", job, **key)
    assert status == 400, refusal
    told, (status, made, _) = both(bench, "/v1/jobs", job, **key)
    assert (told["would_be"], told["job_id"], told["status"]) == ("accepted", made["job_id"], made["status"]), told
    assert told["retry"] == {"max_attempts": 4, "max_crashes": 5, "first": "10s", "longest": "1m", "factor": 3}, told
    assert told["retry_exact"] is True and len(told["retry_pauses"]) == 3, told
    assert told["queue_state"] == {"ahead": 0} and told["estimated_start"] == told["due_at"], told
    told, (_, again, headers) = both(bench, "/v1/jobs", job, **key)
    assert headers["Idempotency-Replayed"] == "true" and again["job_id"] == made["job_id"]
    assert (told["would_be"], told["duplicate_of"], told["created_at"]) == ("replayed", made["job_id"], made["created_at"]), told
    told, (status, problem, _) = both(bench, "/v1/jobs", {**job, "payload": 1}, **key)
    assert told["would_be"] == "refused" and told["problem"] == problem and status == 422, (told, problem)
    # Now somebody is ahead, and nobody takes jobs of this type.
    told, _ = both(bench, "/v1/jobs", {"type": "dry.a", "queue": "dry", "delay": "1h"})
    assert (told["status"], told["waiting_on"], told["queue_state"]["ahead"]) == ("scheduled", "scheduled", 1), told
    assert told["retry_exact"] is False and told["retry_pauses"][:2] == ["1s", "2s"] and "job_id" not in told, told
    told, _ = both(bench, "/v1/jobs", {"type": "dry.a", "queue": "dry"})
    assert told["waiting_on"] == "no_worker" and "estimated_start" not in told, told


def refusals_are_those_of_a_submission(bench):
    bench.http("PUT", "/v1/queues/dry.full", {"open_max": 1})
    told, _ = both(bench, "/v1/jobs", {"type": "dry.b", "queue": "dry.full"})
    assert told["queue_state"]["open_left"] == 1, told
    bench.http("PUT", "/v1/types/dry.typed", {"schema": {"required": ["to"]}})
    for job, want in (({"type": "dry.b", "queue": "dry.full"}, 429), ({"type": "dry.typed", "payload": {}}, 422),
                      ({"type": "dry.b", "after": ["01890a5d-ac96-774b-bcce-b302099a8057"], "on_dependency_failure": "run"}, 422)):
        told, (status, problem, _) = both(bench, "/v1/jobs", job)
        assert (told["would_be"], told["problem"], status) == ("refused", problem, want), (told, problem)
    status, problem, _ = bench.http("POST", "/v1/jobs?dry_run=true", {"type": "A"})
    assert status == 400, problem


def many_are_told_by_record(bench):
    bench.http("PUT", "/v1/queues/dry.many", {"open_max": 2})
    known = bench.http("POST", "/v1/jobs", {"type": "dry.c", "queue": "dry.many"}, **{"Idempotency-Key": "dry-many"})[1]
    records = [{"type": "dry.c", "queue": "dry.many", "key": "dry-many"}, {"type": "A"},
               {"type": "dry.c", "queue": "dry.many"}, {"type": "dry.c", "queue": "dry.many"}]
    body = "\n".join(json.dumps(record) for record in records).encode()
    told, (status, made, _) = both(bench, "/v1/batches", body, "application/x-ndjson")
    assert status == 202
    assert told["replays"] == [{"line": 1, "duplicate_of": known["job_id"]}], told
    for name in ("accepted", "replayed", "rejected", "rejections"):
        assert told[name] == made[name], (name, told, made)
    assert [one["line"] for one in told["rejections"]] == [2, 4] and told["would_be"] == "accepted", told
    status, told, _ = bench.http("POST", "/v1/batches?dry_run=true&mode=atomic", body, "application/x-ndjson")
    assert (status, told["would_be"], told["accepted"]) == (200, "refused", 0), told
    assert bench.http("GET", "/v1/queues/dry.many")[1]["open"] == 2
    most = b"\n".join([b'{"type":"dry.c"}'] * 10_000)
    status, told, _ = bench.http("POST", "/v1/batches?dry_run=true", most, "application/x-ndjson")
    assert (status, told["accepted"], told["rejections"]) == (200, 10_000, []), told


HANDLER = """import json, os, sys
job = json.load(sys.stdin)
if os.environ["WEFT_JOB_DRY_RUN"] != "1":
    open(job["touches"], "w").close()
if job["n"] < 0:
    sys.exit("n is below 0")
json.dump({"rows": job["n"], "type": os.environ["WEFT_JOB_TYPE"]}, sys.stdout)"""


def a_worker_simulates_what_it_is_not_given(bench):
    """Its program runs and is told so; nothing else happens, and jobs in hand take no room from it."""
    touched = os.path.join(bench.place.path, "touched")
    bench.place.spawn("worker", "worker", "dry.w", "--broker", bench.dev.at["zmq"], "--simulate", "1", "--data",
                      os.path.join(bench.place.path, "dry-worker"), "--", sys.executable, "-c", HANDLER)
    job = {"type": "dry.w", "payload": {"n": 3, "touches": touched}}
    told = wait_for("a worker that simulates", lambda: (lambda told: told if "simulated" in told else None)(
        bench.http("POST", "/v1/jobs?dry_run=true", job)[1]))
    assert told["simulated"] == {"ok": True, "result_type": "application/json", "result": {"rows": 3, "type": "dry.w"}}, told
    assert "not_simulated" not in told and told["would_be"] == "accepted", told
    job["payload"]["n"] = -1
    told = bench.http("POST", "/v1/jobs?dry_run=true", job)[1]
    assert told["simulated"]["ok"] is False and "below 0" in told["simulated"]["error"]["detail"], told
    said = bench.weft("push", "dry.w", json.dumps(job["payload"]), "--dry-run").stdout
    assert "would be queued" in said and "it would fail: exit status 1" in said, said
    said = json.loads(bench.weft("push", "dry.w", json.dumps({**job["payload"], "n": 4}), "--dry-run", "-o", "json").stdout)
    assert said["simulated"]["result"]["rows"] == 4, said
    assert not os.path.exists(touched) and bench.http("GET", "/v1/jobs?type=dry.w")[1]["jobs"] == []
    # The same in earnest.
    job["payload"]["n"] = 5
    status, done, _ = bench.http("POST", "/v1/jobs", job, Prefer="wait=20")
    assert status == 200 and done["result"]["rows"] == 5 and os.path.exists(touched), done


if __name__ == "__main__":
    with Place() as place:
        bench = Bench(place)
        for test in (one_job_is_told_its_verdict, refusals_are_those_of_a_submission, many_are_told_by_record,
                     a_worker_simulates_what_it_is_not_given):
            test(bench)
            print("ok", test.__name__)
