"""Dry runs over HTTP, against a real broker: told is what the same request gets without."""

import json

from gateway_queues import Bench
from support_cli import Place


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


if __name__ == "__main__":
    with Place() as place:
        bench = Bench(place)
        for test in (one_job_is_told_its_verdict, refusals_are_those_of_a_submission, many_are_told_by_record):
            test(bench)
            print("ok", test.__name__)
