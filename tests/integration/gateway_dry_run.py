"""Dry runs over HTTP, against a real broker: told is what the same request gets without."""

import concurrent.futures
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
    assert [one["line"] for one in told["rejections"]] == [2, 3, 4], told
    said = bench.weft("push", "--bulk", "-", "--dry-run", "--atomic", text=body.decode())
    assert said.returncode == 1 and all(f"line {line} " in said.stderr for line in (2, 3, 4)), said
    assert said.stdout.startswith("0 would be accepted") and said.stdout.endswith(" 3 refused\n"), said
    # Its parent may be the one that nobody could read.
    child = {"type": "dry.c", "after": ["01890a5d-ac96-774b-bcce-b302099a8057"], "on_dependency_failure": "run"}
    for rest, lines_at_fault in (([{"type": "A"}], [1]), ([], [1]), ([{"type": "dry.c"}], [2])):
        _, told, _ = bench.http("POST", "/v1/batches?dry_run=true&mode=atomic", lines([*rest, child]), "application/x-ndjson")
        assert (told["would_be"], told["accepted"]) == ("refused", 0), told
        assert [one["line"] for one in told["rejections"]] == lines_at_fault, told
    assert bench.http("GET", "/v1/queues/dry.many")[1]["open"] == 2
    most = b"\n".join([b'{"type":"dry.c"}'] * 10_000)
    status, told, _ = bench.http("POST", "/v1/batches?dry_run=true", most, "application/x-ndjson")
    assert (status, told["accepted"], told["rejections"]) == (200, 10_000, []), told


PYTHON = (sys.executable, "-I", "-S", "-c")  # begins in a third of the time
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
                      os.path.join(bench.place.path, "dry-worker"), "--", *PYTHON, HANDLER)
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


def lines(records):
    return b"\n".join(json.dumps(record).encode() for record in records)


def simulate(bench, records, span="30s", more=""):
    """The answer, and what is said of each line."""
    status, told, _ = bench.http("POST", f"/v1/batches?dry_run=true&simulate={span}{more}", lines(records), "application/x-ndjson")
    assert status == 200, told
    words = {word.pop("line"): word for word in told["simulations"]}
    assert len(words) == len(told["simulations"]) and list(words) == sorted(words), told["simulations"]
    return told, words


def a_worker_simulates_many_by_line(bench):
    """query.simulate: its one slot is enough for all: who finds no room is asked again when one of ours has its word."""
    touched = os.path.join(bench.place.path, "touched-by-many")
    known = bench.http("POST", "/v1/jobs", {"type": "dry.nobody"}, **{"Idempotency-Key": "dry-simulated"})[1]
    records = [{"type": "dry.w", "payload": {"n": n, "touches": touched}} for n in range(-3, 20)]
    records += [{"type": "dry.nobody", "key": "dry-simulated"}, {"type": "Dry"}, {"type": "dry.nobody"}]
    told, words = simulate(bench, records)
    assert told["replays"] == [{"line": 24, "duplicate_of": known["job_id"]}] and told["rejections"][0]["line"] == 25, told
    assert list(words) == list(range(1, 24)), words
    for line, word in words.items():
        n = line - 4
        if n < 0:
            assert word["simulated"]["ok"] is False and "below 0" in word["simulated"]["error"]["detail"], word
        else:
            assert word == {"simulated": {"ok": True, "result_type": "application/json", "result": {"rows": n, "type": "dry.w"}}}, word
    assert not os.path.exists(touched)
    # The command says the same, in its own words too.
    push = ("push", "--bulk", "-", "--dry-run", "--simulate", "30s")
    said = bench.weft(*push, "-o", "json", text=lines(records).decode())
    assert said.returncode == 1 and {word.pop("line"): word for word in json.loads(said.stdout)["simulations"]} == words, said
    said = bench.weft(*push, text=lines(records).decode())
    assert said.stdout == ("24 would be accepted, 1 replayed, 1 refused; workers say: 20 would succeed, 3 fail, 1 without a word\n"), said
    assert "line 3 would fail: exit status 1" in said.stderr and "line 4" not in said.stderr, said
    assert not os.path.exists(touched)
    # An atomic one that would be refused asks nobody; without the word there is no such member.
    assert simulate(bench, records, more="&mode=atomic")[1] == {}
    assert "simulations" not in bench.http("POST", "/v1/batches?dry_run=true", lines(records), "application/x-ndjson")[1]
    # By itself the second record would be refused: the first is not there.
    first = bench.http("POST", "/v1/jobs?dry_run=true", {"type": "dry.w"}, **{"Idempotency-Key": "dry-alone"})[1]["job_id"]
    told, words = simulate(bench, [{"type": "dry.w", "payload": {"n": 1}, "key": "dry-alone"}, {"type": "dry.w", "after": [first], "on_dependency_failure": "run"}],
                           more="&mode=atomic")
    assert told["accepted"] == 2 and words[1]["simulated"]["ok"] and words[2] == {"not_simulated": "alone"}, told
    for flags, word in ((("--dry-run", "{}"), "of one job"), (("--bulk", "-"), "is for --dry-run")):
        said = bench.weft("push", "dry.w", "--simulate", "1s", *flags, text="")
        assert said.returncode == 64 and word in said.stderr, said


def what_is_not_asked_in_time_is_late(bench):
    records = [{"type": "dry.w", "payload": {"n": n}} for n in range(10_000)]
    told, words = simulate(bench, records, "200ms")
    assert told["accepted"] == 10_000 and list(words) == list(range(1, 10_001)), told["accepted"]
    assert words[10_000] == {"not_simulated": "late"}, words[10_000]
    said = bench.weft("push", "--bulk", "-", "--dry-run", "--simulate", "200ms", text=lines(records).decode()).stdout
    assert said.startswith("10000 would be accepted") and not said.endswith(" 0 without a word\n"), said
    told, words = simulate(bench, [{"type": "dry.nobody"}] * 2_000)
    assert (told["accepted"], words) == (2_000, {}), words
    for bad, word in (("simulate=5s", "only with dry_run"), ("dry_run=true&simulate=31s", "at most 30s"), ("dry_run=true&simulate=0s", "at most 30s")):
        status, problem, _ = bench.http("POST", "/v1/batches?" + bad, lines(records[:1]), "application/x-ndjson")
        assert status == 400 and word in problem["detail"], problem
    assert bench.http("POST", "/v1/jobs?dry_run=true&simulate=5s", records[0])[0] == 400


def wait_served(bench, kind):
    """A worker has a name before it has said what it serves."""
    wait_for("it serves", lambda: any(worker.get("types") == [kind] for worker in bench.http("GET", "/v1/workers")[1]["workers"]))


def what_workers_say_is_kept_up_to_4_mib(bench):
    """OPINION_BYTES_MAX. One after the other, for they are kept as they come; a shell, for there is no time for 72 Pythons."""
    bench.place.spawn("long", "worker", "dry.l", "--broker", bench.dev.at["zmq"], "--simulate", "1",
                      "--data", os.path.join(bench.place.path, "dry-long"), "--", "sh", "-c", "printf '%060000d' 0")
    wait_served(bench, "dry.l")
    records = [{"type": "dry.l"}] * 72
    told, words = simulate(bench, records)
    kept = 4 * 1024 * 1024 // 60_002
    assert [len(words[line]["simulated"]["result"]) for line in range(1, kept + 1)] == [60_000] * kept, told["accepted"]
    assert [words[line] for line in range(kept + 1, 73)] == [{"simulated": {"ok": True}, "left_out": True}] * (72 - kept), words[72]


COUNTING = """import json, os, sys, time
place = json.load(sys.stdin)["place"]
os.mkdir(mine := os.path.join(place, str(os.getpid())))
time.sleep(0.2)
json.dump(len(os.listdir(place)), sys.stdout)
os.rmdir(mine)"""


def eight_are_asked_at_once(bench):
    """TRIALS_AT_ONCE_MAX"""
    place = os.path.join(bench.place.path, "running")
    os.mkdir(place)
    bench.place.spawn("counting", "worker", "dry.c8", "--broker", bench.dev.at["zmq"], "--simulate", "12",
                      "--data", os.path.join(bench.place.path, "dry-counting"), "--", *PYTHON, COUNTING)
    wait_served(bench, "dry.c8")
    records = [{"type": "dry.c8", "payload": {"place": place}}] * 40
    said = json.loads(bench.weft("push", "--bulk", "-", "--dry-run", "--simulate", "30s", "-o", "json", text=lines(records).decode()).stdout)
    for told in (simulate(bench, records)[0], said):
        counts = [word["simulated"]["result"] for word in told["simulations"] if "simulated" in word]
        assert told["accepted"] == 40 and counts and 2 <= max(counts) <= 8, counts


HANGING = """import json, os, signal, sys, time
job, worker = json.load(sys.stdin), os.getppid()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(job["began"], "w").close()
while os.getppid() == worker:
    time.sleep(0.05)"""


def workers_that_are_late_or_gone_are_told(bench):
    """One that hangs is not asked again, so it holds up nobody for longer than one wait."""
    began = os.path.join(bench.place.path, "began")
    records = [{"type": "dry.h", "payload": {"began": began}}] * 20
    worker = bench.place.spawn("hanging", "worker", "dry.h", "--broker", bench.dev.at["zmq"], "--simulate", "1", "--kill-after", "60s",
                               "--data", os.path.join(bench.place.path, "dry-hanging"), "--", *PYTHON, HANGING)
    wait_served(bench, "dry.h")
    told, words = simulate(bench, records)
    assert (told["accepted"], words[1]) == (20, {"not_simulated": "late"}), words
    assert [words[line] for line in range(2, 21)] == [{"not_simulated": "busy"}] * 19, words
    worker.kill()
    worker.wait()
    os.remove(began)
    worker = bench.place.spawn("leaving", "worker", "dry.h", "--broker", bench.dev.at["zmq"], "--simulate", "1",
                               "--data", os.path.join(bench.place.path, "dry-leaving"), "--", *PYTHON, HANGING)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        def asked():
            answer = pool.submit(simulate, bench, records)
            wait_for("one of them", lambda: answer.done() or os.path.exists(began))
            return None if answer.done() else answer
        answer = wait_for("it is asked", asked)
        worker.kill()
        told, words = answer.result()
    assert told["accepted"] == 20 and {word["not_simulated"] for word in words.values()} <= {"late", "busy", "gone"}, words


if __name__ == "__main__":
    os.environ["WEFT_SIMULATE_WAIT"] = "6s"  # a program of Python is quick, but not on a machine that is busy with other tests
    with Place() as place:
        bench = Bench(place)
        for test in (one_job_is_told_its_verdict, refusals_are_those_of_a_submission, many_are_told_by_record,
                     a_worker_simulates_what_it_is_not_given, a_worker_simulates_many_by_line,
                     what_is_not_asked_in_time_is_late, what_workers_say_is_kept_up_to_4_mib, eight_are_asked_at_once,
                     workers_that_are_late_or_gone_are_told):
            test(bench)
            print("ok", test.__name__)
