"""`weft push`, `run`, `job show` and `batch show` against a real broker and real workers."""

import json
import os
import pathlib
import pty
import signal
import subprocess
import sys
import time

from support_cli import PATIENCE, WEFT, Place, wait_for

# Fails, hangs, shouts, or counts, as its payload says.
HANDLER = """
case "$(cat)" in
'"fail"') echo "it went wrong" >&2; exit 65 ;;
'"wordy"') echo first >&2; echo 'log said on 3' >&3; while [ ! -e go-on ]; do sleep 0.01; done; printf 'no end' >&2; exit 65 ;;
'"slow"') while [ ! -e go ]; do sleep 0.01; done; echo '"late"' ;;
'"bytes"') printf '\\377\\001' ;;
'"word"') printf 'plain words' ;;
'"again"') [ "$WEFT_JOB_ATTEMPT" = 1 ] && { echo "not yet" >&2; exit 1; }
    while [ ! -e told ]; do sleep 0.01; done; echo 2 ;;
'"progress"') echo 'progress 3 10 rows' >&3; while [ ! -e go ]; do sleep 0.01; done; echo 1 ;;
*) echo '{"ok":true}' ;;
esac
"""


class Bench:
    """A dev and one worker for the type `act`."""

    def __init__(self, place):
        self.place = place
        self.dev = place.dev().ready()
        self.worker = place.spawn("worker", "worker", "act", "--broker", self.dev.at["zmq"],
                                  "--data", "worker", "-c", "4", "--", "sh", "-c", HANDLER)
        # For a_silent_broker_is_told_soon, which would have to wait for it.
        self.silent = place.spawn("silent", "push", "act", "--broker", "tcp://127.0.0.1:1", "--give-up", "2500ms")

    def weft(self, *words, **more):
        return self.place.weft(*words, WEFT_BROKER=self.dev.at["zmq"], **more)

    def json(self, *words, **more):
        answer = self.weft(*words, "-o", "json", **more)
        assert answer.returncode in (0, 1), answer
        return json.loads(answer.stdout)


def push_prints_the_id_and_show_knows_it(bench):
    pushed = bench.weft("push", "act", "{}")
    job_id = pushed.stdout.removesuffix("\n")
    assert (pushed.returncode, len(job_id), pushed.stderr) == (0, 36, ""), pushed
    shown = bench.json("job", "show", job_id, "--wait")
    assert shown["job_id"] == job_id and shown["status"] == "succeeded", shown
    assert shown["result"] == {"ok": True}, shown
    text = bench.weft("job", "show", job_id)
    assert "succeeded" in text.stdout and '{"ok":true}' in text.stdout, text


def run_prints_the_result_alone(bench):
    answer = bench.weft("run", "act", "{}")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, '{"ok":true}\n', ""), answer
    answer = bench.weft("run", "act", '"word"')
    assert (answer.returncode, answer.stdout) == (0, "plain words\n"), answer


def run_tells_each_attempt_that_fails(bench):
    process = subprocess.Popen([os.environ["WEFT_BIN"], "run", "act", '"again"', "--retry-first", "10ms",
                                "--broker", bench.dev.at["zmq"]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    bench.place.processes.append(process)
    said = process.stderr.readline()
    assert " after 1 error and 0 crashes: " in said and "not yet" in said, said
    pathlib.Path(bench.place.path, "told").touch()
    result, rest = process.communicate(timeout=PATIENCE)
    assert (process.returncode, result) == (0, "2\n"), (result, rest)


def run_ends_with_the_jobs_status(bench):
    answer = bench.weft("run", "act", '"fail"')
    assert answer.returncode == 1 and answer.stdout == "", answer
    assert answer.stderr.startswith("dead") and "it went wrong" in answer.stderr, answer
    answer = bench.weft("run", "nobody-serves-this", "--wait", "50ms")
    assert answer.returncode == 4 and "weft job show" in answer.stderr, answer
    assert bench.weft("run").returncode == 64
    assert bench.weft("run", "act", "--priority", "10").returncode == 64
    assert bench.weft("run", "NoType").returncode == 64


def payload_comes_from_anywhere(bench):
    with open(os.path.join(bench.place.path, "payload"), "w", encoding="ascii") as file:
        file.write('"word"')
    for words, text in ((("@payload",), None), (("-",), '"word"')):
        answer = bench.weft("run", "act", *words, text=text)
        assert answer.stdout == "plain words\n", answer


def same_key_is_one_job_through_both_doors(bench):
    import urllib.request
    first = bench.json("push", "act", "--key", "k-1", '{"n":1}')
    request = urllib.request.Request(
        bench.dev.at["http"] + "/v1/jobs", b'{"type":"act","payload":{"n":1}}',
        {"Content-Type": "application/json", "Idempotency-Key": "k-1"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert answer.headers["Idempotency-Replayed"] == "true", dict(answer.headers)
        assert json.load(answer)["job_id"] == first["job_id"]
    again = bench.weft("push", "act", "--key", "k-1", '{"n":1}')
    assert again.stdout == first["job_id"] + "\n" and "was there already; it is " in again.stderr, again
    other = bench.weft("push", "act", "--key", "k-1", '{"n":2}')
    assert other.returncode == 1 and "key belongs to another" in other.stderr, other


def bulk_counts_and_names_wrong_lines(bench):
    lines = [json.dumps({"type": "act", "key": f"b-{i}", "payload": i}) for i in range(600)]
    body = "\n".join(lines) + '\nnot json\n{"key":"b-x","payload":1}\n'
    pushed = bench.weft("push", "--bulk", "-", text=body)
    assert pushed.returncode == 1, pushed
    assert "line 601 is refused" in pushed.stderr, pushed.stderr
    assert "line 602 is refused" in pushed.stderr, pushed.stderr
    batch_id = pushed.stdout.removesuffix("\n")
    assert "600 accepted, 0 replayed, 2 refused" in pushed.stderr, pushed
    shown = bench.weft("batch", "show", batch_id, "--wait", "-o", "json")
    assert shown.returncode == 0, shown
    assert json.loads(shown.stdout)["counts"]["succeeded"] == 600, shown
    again = bench.weft("push", "act", "--bulk", "-", text="\n".join(lines))
    assert (again.returncode, again.stdout) == (0, "") and "0 accepted, 600 replayed" in again.stderr, again


def flags_are_defaults_for_lines(bench):
    """A push with the same key and the same options is the same job, so a replay proves the options."""
    lines = [{"type": "nobody-serves-this"}, {}, {"type": "nobody-serves-this", "queue": "own", "priority": 1,
                                                  "delay": "2h"}]
    body = "\n".join(json.dumps(dict(line, key=f"d-{i}")) for i, line in enumerate(lines))
    pushed = bench.weft("push", "other-type", "--bulk", "-", "--priority", "7", "--delay", "1h", text=body,
                        WEFT_QUEUE="from-variable")
    assert pushed.returncode == 0 and "3 accepted" in pushed.stderr, pushed
    for key, kind, queue, priority, delay in (("d-0", "nobody-serves-this", "from-variable", "7", "1h"),
                                              ("d-1", "other-type", "from-variable", "7", "1h"),
                                              ("d-2", "nobody-serves-this", "own", "1", "2h")):
        answer = bench.weft("push", kind, "--queue", queue, "--key", key, "--priority", priority, "--delay", delay)
        assert answer.returncode == 0 and "was there already" in answer.stderr, answer
    for words in (("--key", "k"), ("--content", "text"), ("act", "{}")):
        answer = bench.weft("push", *words, "--bulk", "-", text="{}\n")
        assert answer.returncode == 64, answer


def unknown_ids_are_4_and_wrong_ones_64(bench):
    answer = bench.weft("job", "show", "01890a5d-ac96-774b-bcce-b302099a8057")
    assert answer.returncode == 4 and "knows no job" in answer.stderr, answer
    answer = bench.weft("batch", "show", "01890a5d-ac96-774b-bcce-b302099a8057")
    assert answer.returncode == 4 and "knows no batch" in answer.stderr, answer
    answer = bench.weft("job", "show", "nonsense")
    assert answer.returncode == 64 and "is not an id" in answer.stderr, answer


def problem_of(answer, slug, code):
    """Standard output is one problem, and people are told as well."""
    assert answer.returncode == code and answer.stderr.startswith("weft "), answer
    problem = json.loads(answer.stdout)
    assert problem["type"] == "urn:weft:problem:" + slug, problem
    assert {"code", "title", "status", "fix"} <= set(problem), problem
    return problem


def json_also_tells_what_went_wrong(bench):
    bench.weft("push", "act", "--key", "j-1", "1")
    other = bench.weft("push", "act", "--key", "j-1", "2", "-o", "json")
    assert problem_of(other, "key-reused", 1)["holder_id"] in other.stderr, other
    assert problem_of(other, "key-reused", 1)["status"] == 422
    problem_of(bench.weft("run", "act", "--key", "j-1", "2", "-o", "json"), "key-reused", 1)
    unknown = "01890a5d-ac96-774b-bcce-b302099a8057"
    problem_of(bench.weft("job", "show", unknown, "-o", "json"), "not-found", 4)
    problem_of(bench.weft("batch", "show", unknown, "-o", "json"), "not-found", 4)
    problem_of(bench.place.weft("push", "act", "--broker", "tcp://127.0.0.1:1", "--give-up", "200ms", "-o", "json"),
               "no-broker", 4)
    late = bench.weft("run", "nobody-serves-this", "--wait", "50ms", "-o", "json")
    assert late.returncode == 4 and json.loads(late.stdout)["status"] == "queued", late
    assert f"weft job show {json.loads(late.stdout)['job_id']} --broker {bench.dev.at['zmq']}\n" in late.stderr, late


def bulk_answers_as_over_http(bench):
    pushed = bench.weft("push", "--bulk", "-", "-o", "json", text='{"type":"act","key":"h-1"}\n{"type":"A"}\nx\n')
    answer = json.loads(pushed.stdout)
    assert pushed.returncode == 1 and answer["durability"] == "flushed", pushed
    assert (answer["accepted"], answer["replayed"], answer["rejected"]) == (1, 0, 2), answer
    assert [(r["line"], r["problem"]["type"].rsplit(":", 1)[1]) for r in answer["rejections"]] == [
        (2, "bad-field"), (3, "malformed")], answer
    assert answer["status_url"] == f"/v1/batches/{answer['batch_id']}", answer
    nothing = bench.weft("push", "--bulk", "-", "-o", "json", text='{"type":"A"}\n')
    problem_of(nothing, "bad-field", 1)
    assert len(json.loads(nothing.stdout)["rejections"]) == 1, nothing


def jobs_of_a_batch_are_listed(bench):
    pushed = json.loads(bench.weft("push", "--bulk", "-", "-o", "json", text='{"type":"idle"}\n' * 3).stdout)
    listed = bench.weft("batch", "items", pushed["batch_id"], "-o", "json")
    lines = [json.loads(line) for line in listed.stdout.splitlines()]
    assert listed.returncode == 0 and [line["type"] for line in lines] == ["idle"] * 3, listed
    assert bench.weft("batch", "items", pushed["batch_id"], "--limit", "1").stdout.count("idle") == 1
    assert bench.weft("batch", "items", pushed["batch_id"], "--status", "dead", "--no-header").stdout == ""
    assert bench.weft("batch", "items", lines[0]["job_id"]).returncode == 4
    counted = bench.weft("batch", "cancel", pushed["batch_id"], "--dry-run")
    assert counted.returncode == 0 and counted.stdout.startswith("3 "), counted
    assert bench.weft("batch", "cancel", pushed["batch_id"]).returncode == 64
    ended = bench.json("batch", "cancel", pushed["batch_id"], "--yes")
    assert (ended["act"], ended["done"], ended["status"]) == ("cancel", 3, "over"), ended
    again = bench.json("batch", "retry", pushed["batch_id"], "--yes")
    assert (again["act"], again["matched"], again["status"]) == ("retry", 0, "over"), again
    assert bench.json("batch", "show", pushed["batch_id"])["counts"]["cancelled"] == 3
    assert bench.weft("batch", "items", pushed["batch_id"], "--status", "gone").returncode == 64


def bulk_may_be_all_or_nothing(bench):
    words = ("push", "--bulk", "-", "--atomic", "-o", "json")
    refused = bench.weft(*words, text='{"type":"act"}\n{"type":"A"}\n')
    problem_of(refused, "bad-field", 1)
    assert json.loads(refused.stdout)["accepted"] == 0, refused
    refused = bench.weft(*words, text='{"type":"act","key":"at-1"}\n{"type":"act","key":"at-1","payload":1}\n')
    assert [r["line"] for r in json.loads(refused.stdout)["rejections"]] == [2], refused
    pushed = bench.weft(*words, text='{"type":"act","key":"at-1"}\n' + '{"type":"act"}\n' * 999)
    assert pushed.returncode == 0 and json.loads(pushed.stdout)["accepted"] == 1000, pushed
    many = bench.weft(*words, text='{"type":"act"}\n' * 10001)
    assert many.returncode == 64 and "10000" in many.stderr, many


def a_dry_run_stores_nothing(bench):
    told = bench.weft("push", "dry.type", "--key", "dry-1", "--dry-run", "{}")
    assert (told.returncode, told.stdout) == (0, "would be queued, 0 ahead, at most 25 attempts\n"), told
    told = bench.json("push", "dry.type", "--key", "dry-1", "--dry-run", "{}")
    assert (told["would_be"], bench.weft("job", "show", told["job_id"]).returncode) == ("accepted", 4), told
    pushed = bench.weft("push", "dry.type", "--key", "dry-1", "{}").stdout.split()[0]
    told = bench.weft("push", "dry.type", "--key", "dry-1", "--dry-run", "{}")
    assert told.stdout == f"would be a replay of {pushed}, which is queued\n", told
    told = bench.weft("push", "dry.type", "--key", "dry-1", "--dry-run", "[]")
    assert told.returncode == 1 and "refused" in told.stderr, told
    lines = '{"type":"dry.type","key":"dry-1","payload":{}}\n{"type":"A"}\n{"type":"dry.type"}\n'
    told = bench.weft("push", "--bulk", "-", "--dry-run", text=lines)
    assert (told.returncode, told.stdout) == (1, "1 would be accepted, 1 replayed, 1 refused\n"), told
    told = bench.json("push", "--bulk", "-", "--dry-run", text=lines)
    assert (told["would_be"], [one["line"] for one in told["rejections"]]) == ("accepted", [2]), told


def wait_is_a_duration_for_all(bench):
    pushed = bench.weft("push", "nobody-serves-this", "{}")
    job_id = pushed.stdout.split()[0]
    for words in (("job", "show", job_id, "--wait", "50ms"), ("job", "show", "--wait=50ms", job_id)):
        answer = bench.weft(*words)
        assert answer.returncode == 4 and "not finished in time" in answer.stderr, answer
        assert "queued" in answer.stdout, answer
    answer = bench.weft("job", "show", job_id, WEFT_WAIT="50ms")
    assert answer.returncode == 4, answer
    answer = bench.weft("job", "show", job_id, "--wait=0", WEFT_WAIT="1h")
    assert answer.returncode == 0, answer
    answer = bench.weft("run", "nobody-serves-this", WEFT_WAIT="50ms")
    assert answer.returncode == 4 and "not finished in time" in answer.stderr, answer
    pushed = bench.weft("push", "--bulk", "-", text='{"type":"nobody-serves-this"}\n')
    answer = bench.weft("batch", "show", pushed.stdout.split()[0], "--wait", "50ms")
    assert answer.returncode == 4 and "unfinished" in answer.stdout, answer


def a_tenant_has_its_own_jobs(bench):
    line = '{"type":"nobody-serves-this","key":"of-a-tenant-2"}\n'
    ids = {}
    for tenant in ("acme", "default"):
        pushed = bench.weft("push", "nobody-serves-this", "--key", "of-a-tenant", "--tenant", tenant)
        assert pushed.returncode == 0, pushed
        ids[tenant] = pushed.stdout.split()[0]
        pushed = bench.weft("push", "--bulk", "-", "--tenant", tenant, text=line)
        assert pushed.returncode == 0 and "1 accepted" in pushed.stderr, pushed
    assert ids["acme"] != ids["default"], ids
    assert bench.weft("job", "show", ids["acme"]).returncode == 4
    assert bench.weft("job", "show", ids["acme"], WEFT_TENANT="acme").returncode == 0
    listed = bench.weft("jobs", "list", "--tenant", "acme").stdout
    assert ids["acme"] in listed and ids["default"] not in listed, listed
    answer = bench.weft("job", "show", ids["acme"], "--tenant", "Acme")
    assert answer.returncode == 64 and "--tenant" in answer.stderr, answer


def absent_broker_is_4_with_the_fix(bench):
    answer = bench.place.weft("push", "act", "--broker", "tcp://127.0.0.1:1", "--give-up", "200ms")
    assert answer.returncode == 4 and "weft dev" in answer.stderr, answer


def a_silent_broker_is_told_soon(bench):
    assert bench.silent.wait(PATIENCE) == 4
    with open(os.path.join(bench.place.path, "silent.log"), encoding="utf-8") as log:
        first, last = log.read().splitlines()
    assert first.endswith("no broker answers at tcp://127.0.0.1:1 yet; asking on for 2.5s (--give-up)"), first
    assert "weft dev" in last, last


def push_survives_a_killed_broker(bench):
    """The broker is gone when the question is asked; it is repeated until the next one answers."""
    bench.dev.process.send_signal(signal.SIGSTOP)
    os.kill(bench.dev.pid("broker"), signal.SIGKILL)
    process = bench.place.spawn("late-push", "push", "act", "{}", "--give-up", "60s", "-o", "json",
                                WEFT_BROKER=bench.dev.at["zmq"])
    bench.dev.process.send_signal(signal.SIGCONT)
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    shown = bench.json("job", "show", json.loads(output)["job_id"], "--wait")
    assert shown["status"] == "succeeded", shown


def progress_is_shown_on_a_terminal(bench):
    leader, follower = pty.openpty()
    process = subprocess.Popen([os.environ["WEFT_BIN"], "run", "act", '"progress"'],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=follower,
                               text=True, cwd=bench.place.path,
                               env=dict(os.environ, WEFT_BROKER=bench.dev.at["zmq"]))
    os.close(follower)
    bench.place.processes.append(process)
    seen = b""
    while b"running" not in seen:
        seen += os.read(leader, 4096)
    with open(os.path.join(bench.place.path, "go"), "w", encoding="ascii"):
        pass
    output, _ = process.communicate(timeout=PATIENCE)
    os.close(leader)
    assert (process.returncode, output) == (0, "1\n"), (process.returncode, output)


def timeline_and_log_tell_what_happened(bench):
    job_id = bench.weft("push", "act", '"wordy"').stdout.split()[0]
    process = bench.place.spawn("follow", "job", "log", job_id, "-f", WEFT_BROKER=bench.dev.at["zmq"])
    line = process.stdout.readline()
    assert "first" in line, line  # while it runs
    with open(os.path.join(bench.place.path, "go-on"), "w", encoding="ascii"):
        pass
    rest = process.stdout.read()
    process.wait(timeout=PATIENCE)
    lines = [text.split("  ", 1)[1] for text in (line + rest).splitlines()]
    assert process.returncode == 0 and sorted(lines[:2]) == ["first", "said on 3"] and lines[2:] == ["no end"], lines
    log = bench.json("job", "log", job_id)
    assert [(line["seq"], line["text"]) for line in log["lines"]] == list(enumerate(lines, 1)), log
    assert log["dropped"] == 0 and log["status"] == "dead", log
    events = bench.json("job", "timeline", job_id)["events"]
    assert [event["event"] for event in events] == ["submit", "grant", "die"], events
    assert (events[2]["outcome"], events[2]["attempt"]) == ("dead", 1) and events[2]["error"]["detail"], events
    assert events[1]["worker"] == events[2]["worker"] and events[1]["token"] == events[2]["token"], events
    assert bench.weft("job", "retry", job_id).returncode == 0
    text = bench.weft("job", "timeline", job_id).stdout
    assert "by cli" in text and "attempt 1" in text, text
    for verb in ("timeline", "log"):
        answer = bench.weft("job", verb, "01890a5d-ac96-774b-bcce-b302099a8057")
        assert answer.returncode == 4 and "knows no job" in answer.stderr, answer


def cancel_ends_a_job(bench):
    job_id = bench.weft("push", "nobody-serves-this").stdout.split()[0]
    answer = bench.weft("job", "cancel", job_id)
    assert (answer.returncode, answer.stdout) == (0, f"{job_id} cancelled\n"), answer
    assert bench.json("job", "cancel", job_id)["status"] == "cancelled"
    assert bench.weft("run", "act", "{}").returncode == 0
    done = bench.weft("push", "act", "{}").stdout.split()[0]
    bench.json("job", "show", done, "--wait")
    answer = bench.weft("job", "cancel", done)
    assert answer.returncode == 1 and "has ended" in answer.stderr, answer
    answer = bench.weft("job", "cancel", "01890a5d-ac96-774b-bcce-b302099a8057")
    assert answer.returncode == 4 and "knows no job" in answer.stderr, answer
    assert bench.weft("job", "cancel", "x").returncode == 64


def retry_and_delete_of_the_dead(bench):
    job_id = bench.weft("push", "act", '"fail"').stdout.split()[0]
    bench.json("job", "show", job_id, "--wait", "1m")
    assert bench.json("job", "retry", job_id)["status"] == "queued"
    assert bench.json("job", "show", job_id, "--wait", "1m")["status"] == "dead"
    answer = bench.weft("job", "delete", job_id)
    assert (answer.returncode, answer.stdout) == (0, f"{job_id} removed\n"), answer
    assert bench.weft("job", "retry", job_id).returncode == 4
    mortal = bench.weft("push", "nobody-serves-this", "--ttl", "1ms", "--retry-within", "1h").stdout.split()[0]
    assert bench.json("job", "show", mortal, "--wait", "1m")["status"] == "expired"


def jobs_are_listed_by_filter(bench):
    ids = [bench.weft("push", "listed", "--queue", "shelf").stdout.split()[0] for _ in range(3)]
    assert bench.weft("job", "cancel", ids[1]).returncode == 0
    answer = bench.weft("jobs", "list", "--queue", "shelf")
    header, *lines = answer.stdout.splitlines()
    assert header.split() == ["JOB", "STATUS", "CREATED", "ERRORS", "CRASHES", "QUEUE/TYPE"], answer
    assert bench.weft("jobs", "list", "--queue", "shelf", "--no-header").stdout.splitlines() == lines
    assert answer.returncode == 0 and [line.split()[0] for line in lines] == ids[::-1], answer
    assert "cancelled" in lines[1] and "shelf/listed" in lines[1], answer
    answer = bench.weft("jobs", "list", "--queue", "shelf", "--status", "queued,dead", "--limit", "0", "-o", "json")
    assert [json.loads(line)["job_id"] for line in answer.stdout.splitlines()] == [ids[2], ids[0]], answer
    answer = bench.weft("jobs", "list", "--queue", "shelf", "--limit", "2")
    assert [line.split()[0] for line in answer.stdout.splitlines()] == ["JOB", ids[2], ids[1]], answer
    answer = bench.weft("jobs", "list", "--queue", "nowhere", "--no-header")
    assert (answer.returncode, answer.stdout) == (0, ""), answer
    answer = bench.weft("jobs", "list", "--created-after", "2999-01-01T00:00:00Z", "--no-header")
    assert (answer.returncode, answer.stdout) == (0, ""), answer
    for wrong in (["--status", "done"], ["--created-after", "yesterday"], ["--limit", "-1"]):
        assert bench.weft("jobs", "list", *wrong).returncode == 64, wrong
    assert bench.weft("jobs", "list", "--queue", "A B").returncode == 1


def completion_knows_second_words(bench):
    script = 'PATH="$(dirname "$WEFT_BIN"):$PATH"; source <(weft completion bash); _weft_words "$@"'
    def words(*at):
        return subprocess.run(["bash", "-c", script, "complete", *at], stdout=subprocess.PIPE, text=True,
                              check=True).stdout.split()
    assert "jobs" in words("", "1"), words("", "1")
    assert words("jobs", "2") == ["list", "cancel", "retry", "run-now", "delete"], words("jobs", "2")
    assert words("dead", "2") == ["list", "retry", "purge"], words("dead", "2")
    assert "--status" in words("jobs", "3", "list") and "--queue" in words("push", "2", "x")


def many_are_acted_on_after_a_count(bench):
    ids = [bench.weft("push", "nobody", "{}", "--queue", "many").stdout.split()[0] for _ in range(3)]
    states = lambda: [bench.json("job", "show", job_id).get("status") for job_id in ids]
    counted = bench.weft("jobs", "cancel", "--queue", "many", "--dry-run")
    assert (counted.returncode, counted.stdout) == (0, "3 jobs fit\n"), counted
    unsure = bench.weft("jobs", "cancel", "--queue", "many")
    assert (unsure.returncode, unsure.stdout) == (64, "3 jobs fit\n") and "--yes" in unsure.stderr, unsure
    assert states() == ["queued"] * 3
    assert bench.json("jobs", "cancel", "--queue", "many", "--dry-run") == {"dry_run": True, "matched": 3}
    done = bench.weft("jobs", "cancel", "--queue", "many", "--yes")
    assert (done.returncode, done.stdout) == (0, "3 jobs done\n"), done
    assert states() == ["cancelled"] * 3
    done = bench.json("jobs", "delete", "--queue", "many", "--status", "cancelled", "--yes")
    assert (done["act"], done["status"], done["done"]) == ("delete", "over", 3), done
    operations_are_listed(bench, done["operation_id"])
    acts_have_a_rate(bench)
    lost = bench.weft("jobs", "cancel", "--yes")
    assert lost.returncode == 64 and "which jobs" in lost.stderr, lost
    assert bench.weft("jobs", "retry", "--status", "queued", "--yes").returncode == 64
    for words, what in ((("queue", "purge", "nowhere"), "queue"),
                        (("batch", "cancel", "01890a5d-ac96-774b-bcce-b302099a8057"), "batch"),
                        (("batch", "retry", "01890a5d-ac96-774b-bcce-b302099a8057"), "batch")):
        for flag in ("--yes", "--dry-run"):
            answer = bench.weft(*words, flag)
            assert answer.returncode == 4 and what in answer.stderr, answer


def acts_have_a_rate(bench):
    for _ in range(4):
        bench.weft("push", "nobody", "{}", "--queue", "slowly")
    counted = bench.weft("jobs", "cancel", "--queue", "slowly", "--rate", "20", "--dry-run")
    assert (counted.returncode, counted.stdout) == (0, "4 jobs fit\n"), counted
    begun = time.monotonic()
    done = bench.json("jobs", "cancel", "--queue", "slowly", "--rate", "20", "--yes")
    assert (done["status"], done["done"], done["rate"]) == ("over", 4, 20), done
    assert time.monotonic() - begun >= 4 / 20 - 0.002, "faster than its rate"
    assert bench.weft("operations", "show", done["operation_id"]).stdout.endswith(" --queue slowly --rate 20\n")
    assert bench.json("queue", "purge", "slowly", "--rate", "7", "--yes")["rate"] == 7
    for wrong in ("-1", "1000001", "fast"):
        answer = bench.weft("dead", "retry", "--rate", wrong, "--yes")
        assert answer.returncode == 64 and "rate" in answer.stderr, answer


def operations_are_listed(bench, last_id):
    head, last, former, *_ = bench.weft("operations", "list").stdout.splitlines()
    assert head.split() == ["OPERATION", "ACT", "STATUS", "DONE", "REFUSED", "BEGAN", "WHICH"], head
    assert last.split()[:5] == [last_id, "delete", "over", "3", "0"], last
    assert last.endswith(" --status cancelled --queue many"), last
    assert former.split()[1:5] == ["cancel", "over", "3", "0"] and former.endswith("--queue many"), former
    listed = bench.weft("operations", "list", "--limit", "1", "-o", "json").stdout
    assert [json.loads(line)["operation_id"] for line in listed.splitlines()] == [last_id], listed
    shown = bench.json("operations", "show", last_id, "--wait")
    assert (shown["act"], shown["status"], shown["matched"], shown["queue"]) == ("delete", "over", 3, "many"), shown
    unknown = bench.weft("operations", "show", "01890a5d-ac96-774b-bcce-b302099a8057")
    assert unknown.returncode == 4 and "no such operation" in unknown.stderr, unknown
    assert bench.weft("operations", "show", "nonsense").returncode == 64
    assert bench.weft("operations", "list", "--tenant", "nobody").stdout.splitlines()[1:] == []


def every_list_has_a_header_and_can_do_without(bench):
    heads = {"jobs": "JOB", "dead": "JOB", "queue": "QUEUE", "type": "TYPE", "schedule": "SCHEDULE", "webhook": "WEBHOOK",
             "workers": "WORKER", "operations": "OPERATION", "token": "TENANT"}
    bench.weft("type", "set", "listed", "--timeout", "3s")
    for verb, head in heads.items():
        listed = bench.weft(verb, "list").stdout.splitlines()
        assert listed[0].split()[0] == head, (verb, listed)
        assert bench.weft(verb, "list", "--no-header").stdout.splitlines() == listed[1:], verb
        assert not bench.weft(verb, "list", "-o", "json").stdout.startswith(head), verb
    assert ["listed", "3s", "-", "-", "-"] in [line.split() for line in bench.weft("type", "list").stdout.splitlines()]


def jobs_are_run_before_their_time(bench):
    job_id, *others = (bench.weft("push", "later", "1", "--delay", "1h").stdout.split()[0] for _ in range(3))
    assert bench.weft("job", "run-now", job_id).stdout == f"{job_id} queued\n"
    assert bench.weft("job", "run-now", job_id).stdout == f"{job_id} queued\n"
    assert "run_now" in bench.weft("job", "timeline", job_id).stdout
    child = bench.weft("push", "later", "1", "--after", job_id, "--on-dependency-failure", "run").stdout.split()[0]
    refused = bench.weft("job", "run-now", child)
    assert refused.returncode == 1 and "`after`" in refused.stderr, refused
    assert bench.weft("jobs", "run-now", "--type", "later", "--dry-run").stdout == "3 jobs fit\n"
    over = bench.json("jobs", "run-now", "--type", "later", "--yes")
    assert (over["act"], over["matched"], over["done"], over["refused"]) == ("run-now", 3, 2, 1), over
    assert {bench.json("job", "show", other)["status"] for other in others} == {"queued"}


def the_dead_are_listed_retried_purged(bench):
    job_id = bench.weft("push", "act", '"fail"', "--queue", "grave").stdout.split()[0]
    bench.weft("job", "show", job_id, "--wait")
    listed = bench.weft("dead", "list", "--queue", "grave")
    assert listed.returncode == 0 and job_id in listed.stdout, listed
    assert bench.weft("dead", "retry", "--queue", "grave", "--yes").stdout == "1 job done\n"
    assert bench.json("job", "show", job_id, "--wait")["status"] == "dead"
    assert bench.weft("dead", "purge", "--queue", "grave", "--yes").stdout == "1 job done\n"
    assert bench.weft("dead", "list", "--queue", "grave", "--no-header").stdout == ""
    tagged, other = (bench.weft("push", "act", '"fail"', "--queue", "grave", "--tag", tag).stdout.split()[0]
                     for tag in ("red", "blue"))
    for job in (tagged, other):
        bench.weft("job", "show", job, "--wait")
    listed = bench.weft("dead", "list", "--tag", "red")
    assert tagged in listed.stdout and other not in listed.stdout, listed
    assert bench.weft("dead", "retry", "--tag", "red", "--dry-run").stdout == "1 job fits\n"
    assert bench.weft("dead", "retry", "--tag", "red", "--yes").stdout == "1 job done\n"
    assert bench.json("job", "show", tagged, "--wait")["status"] == "dead"
    assert bench.weft("dead", "purge", "--tag", "red", "--yes").stdout == "1 job done\n"
    assert bench.json("job", "show", other)["status"] == "dead"
    assert bench.weft("dead", "purge", "--tag", "blue", "--yes").stdout == "1 job done\n"
    waits = bench.weft("push", "nobody", "{}", "--queue", "grave").stdout.split()[0]
    assert bench.weft("queue", "purge", "grave", "--dry-run").stdout == "1 job fits\n"
    assert bench.json("queue", "purge", "grave", "--yes")["act"] == "purge"
    assert bench.json("job", "show", waits)["status"] == "cancelled"


def workers_are_told(bench):
    worker = bench.place.spawn("other", "worker", "other", "--broker", bench.dev.at["zmq"], "--data", "other", "--",
                               "cat")
    ready = worker.stdout.readline()
    worker_id = ready.split("worker=")[1].split()[0]
    answer = bench.weft("workers", "quiet", worker_id)
    assert (answer.returncode, answer.stdout) == (0, f"{worker_id} quiet\n"), answer
    assert bench.json("workers", "stop", worker_id) == {"worker_id": worker_id, "drain": "stop"}
    assert worker.wait(PATIENCE) == 0
    answer = bench.weft("workers", "stop", "01890a5d-ac96-774b-bcce-b302099a8057")
    assert answer.returncode == 4 and "knows no worker" in answer.stderr, answer


def a_weft_in_a_handler_means_what_it_says(bench):
    """What the handler is told of its own job is nobody's --type, --queue, or --after."""
    waited = bench.json("push", "act", "{}", "--queue", "inner")["job_id"]
    other = bench.json("push", "unserved", "{}", "--tag", "seen-inside")["job_id"]
    script = """
        weft push pushed-inside {} && weft jobs list --no-header --tag seen-inside && weft jobs cancel --tag seen-inside --yes
        echo "$WEFT_JOB_TYPE $WEFT_JOB_QUEUE $WEFT_JOB_AFTER"
        """.replace("weft", f"'{WEFT}'")
    bench.place.spawn("inner", "worker", "outer", "--broker", bench.dev.at["zmq"], "--data", "inner", "--queue",
                      "inner", "--", "sh", "-c", script)
    ran = bench.weft("run", "outer", "{}", "--queue", "inner", "--after", waited, "--on-dependency-failure", "run")
    assert ran.returncode == 0, ran
    pushed, listed, counted, told = [line for line in ran.stdout.splitlines() if not line.startswith("ID")][:4]
    shown = bench.json("job", "show", pushed.split()[0])
    assert (shown["type"], shown["queue"], shown["status"]) == ("pushed-inside", "default", "queued"), shown
    assert other in listed and counted == "1 job done", ran
    assert told == f"outer inner {waited}", told


def what_would_be_passed_over_is_refused(bench):
    alone = bench.weft("push", "act", "--atomic")
    assert alone.returncode == 64 and "--bulk" in alone.stderr, alone
    job_id = bench.weft("push", "act", '"fail"').stdout.split()[0]
    bench.weft("job", "show", job_id, "--wait")
    assert bench.weft("job", "delete", job_id).returncode == 0
    gone = bench.weft("job", "show", job_id)
    assert gone.returncode == 4 and "on request" in gone.stderr, gone


def main():
    with Place() as place:
        bench = Bench(place)
        wait_for("the worker", lambda: bench.worker.stdout.readline().startswith("ready"))
        for test in (push_prints_the_id_and_show_knows_it, run_prints_the_result_alone,
                     run_tells_each_attempt_that_fails, run_ends_with_the_jobs_status, payload_comes_from_anywhere,
                     same_key_is_one_job_through_both_doors, bulk_counts_and_names_wrong_lines, flags_are_defaults_for_lines,
                     unknown_ids_are_4_and_wrong_ones_64, json_also_tells_what_went_wrong,
                     bulk_answers_as_over_http, bulk_may_be_all_or_nothing, a_dry_run_stores_nothing, jobs_of_a_batch_are_listed, wait_is_a_duration_for_all, a_tenant_has_its_own_jobs,
                     absent_broker_is_4_with_the_fix, a_silent_broker_is_told_soon,
                     push_survives_a_killed_broker, progress_is_shown_on_a_terminal,
                     timeline_and_log_tell_what_happened, cancel_ends_a_job, retry_and_delete_of_the_dead, jobs_are_listed_by_filter,
                     many_are_acted_on_after_a_count, jobs_are_run_before_their_time, every_list_has_a_header_and_can_do_without, the_dead_are_listed_retried_purged,
                     completion_knows_second_words, workers_are_told, a_weft_in_a_handler_means_what_it_says,
                     what_would_be_passed_over_is_refused):
            test(bench)
            print(f"ok {test.__name__}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
