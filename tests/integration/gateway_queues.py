"""Queues over HTTP and from the command line, against a real broker."""

import json
import pathlib
import tempfile
import urllib.error
import urllib.request

import jsonschema

from support_cli import Place


class Bench:
    def __init__(self, place):
        self.place = place
        self.dev = place.dev().ready()
        self.url = self.dev.at["http"]

    def weft(self, *words, **more):
        return self.place.weft(*words, WEFT_BROKER=self.dev.at["zmq"], **more)

    def http(self, method, path, body=None, kind="application/json", **headers):
        """(status, parsed body, headers)"""
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        request = urllib.request.Request(self.url + path, data=data, method=method, headers={"Content-Type": kind, **headers})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None, answer.headers
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.loads(refusal.read()), refusal.headers

    def submit(self, queue, **fields):
        return self.http("POST", "/v1/jobs", {"type": "nobody", "queue": queue, **fields})


GIVEN = {"weight": 3, "open_max": 2, "timeout": "2s", "keep": "1h",
         "retry": {"max_attempts": 4, "max_crashes": 2, "first": "5s", "longest": "1m", "factor": 1.5, "within": "1d"}}


def what_is_put_is_got(bench):
    """Told as it was given: mapping only."""
    status, put, _ = bench.http("PUT", "/v1/queues/mail", GIVEN)
    assert status == 200, put
    assert {name: put[name] for name in GIVEN} == GIVEN, put
    assert (put["queue"], put["open"], put["queue_url"]) == ("mail", 0, "/v1/queues/mail"), put
    assert bench.http("GET", "/v1/queues/mail")[:2] == (200, put)
    assert bench.http("PUT", "/v1/queues/mail", GIVEN)[:2] == (200, put)
    # Whole: what is not given is not set any more.
    _, put, _ = bench.http("PUT", "/v1/queues/mail", {"open_max": 2})
    assert "retry" not in put and "keep" not in put and put["weight"] == 1, put


def a_patch_keeps_the_rest(bench):
    bench.http("PUT", "/v1/queues/patched", GIVEN)
    status, told, _ = bench.http("PATCH", "/v1/queues/patched", {"weight": 5, "keep": None, "retry": {"first": "6s", "within": None}})
    retry = {name: value for name, value in GIVEN["retry"].items() if name != "within"}
    assert status == 200 and (told["weight"], told["open_max"], told["timeout"]) == (5, 2, "2s"), told
    assert "keep" not in told and told["retry"] == {**retry, "first": "6s"}, told
    assert bench.http("GET", "/v1/queues/patched")[1] == told
    # What the flags of the command and a patch name is changed by both.
    bench.weft("queue", "set", "patched", "--open-max", "9")
    told = bench.http("PATCH", "/v1/queues/patched", {"rate": {"count": 1, "per": "1s"}})[1]
    assert (told["open_max"], told["rate"], told["weight"]) == (9, {"count": 1, "per": "1s"}, 5), told
    # Judged together with what stays: a first pause that is longer than the longest.
    status, problem, _ = bench.http("PATCH", "/v1/queues/patched", {"retry": {"first": "2m"}})
    assert (status, problem["detail"]) == (400, "retry: first must not be longer than longest"), problem
    for body, word in (({}, "name what is to be set"), ({"weight": 0}, "weight must be"), ({"paused": None}, "paused is no setting")):
        status, problem, _ = bench.http("PATCH", "/v1/queues/patched", body)
        assert (status, word in problem["detail"]) == (400, True), (body, problem)
    assert bench.http("PATCH", "/v1/queues/patched", {"weight": 2}, **{"If-Match": "*"})[0] == 412
    assert bench.http("PATCH", "/v1/queues/weft.x", {"weight": 2})[0] == 422
    assert bench.http("GET", "/v1/queues/patched")[1]["weight"] == 5
    # As a job and PUT do, it makes a queue that nobody has named yet.
    assert bench.http("PATCH", "/v1/queues/fresh", {"weight": 2})[1]["weight"] == 2
    # By the name of RFC 7396; which is no form of anything else.
    patch = "application/merge-patch+json"
    assert bench.http("PATCH", "/v1/queues/fresh", {"weight": 3}, patch)[1]["weight"] == 3
    assert bench.http("PUT", "/v1/queues/fresh", {"weight": 4}, patch)[0] == 415
    assert bench.http("POST", "/v1/jobs", {"type": "t"}, patch)[0] == 415


def what_is_wrong_is_named(bench):
    for body, word in (({"weight": 0}, "weight must be"), ({"open_max": 1.5}, "open_max must be"),
                       ({"timeout": "8d"}, "timeout: at most 7 days"), ({"retry": {"factor": 0.5}}, "retry.factor must be"),
                       ({"keep": 5}, "keep must be"), ({"open_mx": 1}, "did you mean open_max?")):
        status, problem, _ = bench.http("PUT", "/v1/queues/wrong", body)
        assert (status, word in problem["detail"]) == (400, True), (body, problem)
    assert bench.http("PUT", "/v1/queues/Wrong", {})[0] == 400
    assert bench.http("PUT", "/v1/queues/wrong", b"weight=1", "text/plain")[0] == 415
    status, problem, _ = bench.http("GET", "/v1/queues/wrong")
    assert status == 404 and "queue" in problem["detail"] and "queues" in problem["fix"], problem
    assert bench.http("DELETE", "/v1/queues/wrong")[0] == 405
    status, problem, _ = bench.http("PUT", "/v1/queues/weft.x", {})
    assert (status, problem["type"]) == (422, "urn:weft:problem:reserved"), problem
    refused = bench.weft("queue", "set", "weft.x", "--weight", "2")
    assert refused.returncode == 1 and "names that begin with 'weft.' are the fabric's own" in refused.stderr, refused
    assert bench.http("GET", "/v1/queues/weft.x")[0] == 404


def a_full_queue_is_a_429(bench):
    bench.http("PUT", "/v1/queues/mail", {"open_max": 2})
    assert [bench.submit("mail")[0] for _ in range(2)] == [202, 202]
    status, problem, headers = bench.submit("mail")
    assert (status, "open_max" in problem["detail"]) == (429, True), problem
    assert int(headers["Retry-After"]) >= 1
    _, got, _ = bench.http("GET", "/v1/queues/mail")
    assert (got["open"], got["counts"]["queued"]) == (2, 2), got


def a_pause_is_a_503(bench):
    job = bench.submit("p")[1]["status_url"]
    assert "paused" not in bench.http("GET", "/v1/queues/p")[1]
    for direction, told in (("", "both"), ("?direction=in", "in"), ("?direction=out", "out")):
        status, queue, _ = bench.http("POST", "/v1/queues/p:pause" + direction)
        assert (status, queue["paused"], queue["queue"]) == (200, told, "p"), queue
        status, problem, headers = bench.submit("p")
        assert status == (503 if told != "out" else 202), problem
        if told != "in":
            assert bench.http("GET", job)[1]["waiting_on"] == "paused"
        assert told == "out" or (problem["type"].endswith(":paused") and int(headers["Retry-After"]) > 0), problem
        status, queue, _ = bench.http("POST", "/v1/queues/p:resume")
        assert status == 200 and "paused" not in queue, queue
    assert bench.http("POST", "/v1/queues/p:drain")[1]["paused"] == "in"
    bench.http("PUT", "/v1/queues/p", {"weight": 2})
    assert bench.http("GET", "/v1/queues/p")[1]["paused"] == "in"
    assert bench.http("POST", "/v1/queues/p:pause?direction=up")[0] == 400
    assert bench.http("POST", "/v1/queues/p:drain?direction=in")[0] == 400
    assert bench.http("POST", "/v1/queues/p:stop")[0] == 404
    assert bench.http("POST", "/v1/queues/none:pause")[0] == 404


def a_pause_from_the_command_line(bench):
    bench.submit("c")
    answer = bench.weft("queue", "pause", "c", "--direction", "out")
    assert answer.returncode == 0 and "paused         out" in answer.stdout, answer
    assert json.loads(bench.weft("queue", "drain", "c", "-o", "json").stdout)["paused"] == "in"
    answer = bench.weft("push", "nobody", "--queue", "c")
    assert answer.returncode == 1 and "takes no jobs" in answer.stderr, answer
    answer = bench.weft("queue", "resume", "c")
    assert answer.returncode == 0 and "paused" not in answer.stdout, answer
    answer = bench.weft("queue", "pause", "none")
    assert answer.returncode == 4 and "knows no queue none" in answer.stderr, answer


def types_have_defaults(bench):
    """Told as they were given: mapping only."""
    given = {"timeout": "3s", "keep": "2h", "retry": {"max_attempts": 2}}
    status, put, _ = bench.http("PUT", "/v1/types/t.a", given)
    assert (status, put) == (200, {"type": "t.a", **given, "type_url": "/v1/types/t.a"}), put
    assert bench.http("GET", "/v1/types/t.a")[:2] == (200, put)
    status, problem, _ = bench.http("PUT", "/v1/types/t.a", {"timeot": "3s"})
    assert (status, problem["detail"]) == (400, "timeot is no setting of a type; did you mean timeout?"), problem
    assert bench.http("GET", "/v1/types/none")[0] == 404
    answer = bench.weft("type", "set", "t.b", "--timeout", "4s", "-o", "json")
    assert answer.returncode == 0 and json.loads(answer.stdout)["timeout"] == "4s", answer
    assert "timeout        4s" in bench.weft("type", "show", "t.b").stdout
    _, page, _ = bench.http("GET", "/v1/types?limit=1")
    assert [line["type"] for line in page["types"]] == ["t.a"] and page["cursor"] == "t.a", page
    listed = bench.weft("type", "list", "-o", "json")
    assert [line["type"] for line in json.loads(listed.stdout)["types"]] == ["t.a", "t.b"], listed
    assert bench.weft("type", "show", "none").returncode == 4
    assert bench.weft("type", "set", "Not.A.Name").returncode == 64


SCHEMA = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}


def a_patch_of_a_type_keeps_the_rest(bench):
    given = {"timeout": "3s", "keep": "2h", "retry": {"first": "5s", "longest": "1m"}, "schema": SCHEMA}
    bench.http("PUT", "/v1/types/t.p", given)
    status, told, _ = bench.http("PATCH", "/v1/types/t.p", {"timeout": "4s", "keep": None, "retry": {"longest": None, "factor": 2}})
    assert (status, told) == (200, {"type": "t.p", "timeout": "4s", "retry": {"first": "5s", "factor": 2}, "schema": SCHEMA,
                                    "type_url": "/v1/types/t.p"}), told
    assert bench.http("GET", "/v1/types/t.p")[1] == told
    assert bench.http("POST", "/v1/jobs", {"type": "t.p", "payload": {"to": 7}})[0] == 422
    for body, status, word in (({}, 400, "name what is to be set"), ({"retry": {}}, 400, "name what is to be set"),
                               ({"retry": {"longest": "4s"}}, 400, "retry: first must not be longer than longest"),
                               ({"schema": {"type": "strin"}}, 400, "schema/type: "), ({"shema": None}, 400, "did you mean schema?"),
                               ({"timeout": "8d"}, 400, "timeout: at most 7 days")):
        answer = bench.http("PATCH", "/v1/types/t.p", body)
        assert (answer[0], word in answer[1]["detail"]) == (status, True), (body, answer)
    assert bench.http("GET", "/v1/types/t.p")[1] == told
    # The command says the same, and by its flags.
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write('{"type": "array"}')
        file.flush()
        assert bench.weft("type", "set", "t.p", "--schema", file.name, "--unset", "retry-first,retry-factor").returncode == 0
    answer = bench.weft("type", "set", "t.p", "--keep", "3h", "-o", "json")
    assert json.loads(answer.stdout) == {"type": "t.p", "timeout": "4s", "keep": "3h", "schema": {"type": "array"},
                                         "type_url": "/v1/types/t.p"}, answer
    for words, word in (((), "--timeout 10s, or --unset schema"), (("--unset", "shema"), "did you mean schema?"),
                        (("--keep", "1h", "--unset", "keep"), "given and taken away"), (("--schema", ""), "cannot be read")):
        answer = bench.weft("type", "set", "t.p", *words)
        assert (answer.returncode, word in answer.stderr) == (64, True), (words, answer)
    assert bench.http("PATCH", "/v1/types/t.p", {"schema": None})[1] == {
        "type": "t.p", "timeout": "4s", "keep": "3h", "type_url": "/v1/types/t.p"}
    assert bench.http("POST", "/v1/jobs", {"type": "t.p", "payload": 7})[0] == 202
    answer = bench.weft("type", "set", "t.p", "--unset", "all", "-o", "json")
    assert json.loads(answer.stdout) == {"type": "t.p", "type_url": "/v1/types/t.p"}, answer


def schemas_of_schemas(bench):
    """A meta-schema is no part of the broker; where it is put beside the schema, it is found."""
    place = pathlib.Path(jsonschema.__file__).parent / "schemas"
    vocabularies = json.loads((place / "vocabularies.json").read_text(encoding="utf-8"))
    for name, uri, key, more in (("draft7", "http://json-schema.org/draft-07/schema#", "definitions", {}),
                                 ("draft2020-12", "https://json-schema.org/draft/2020-12/schema", "$defs",
                                  {uri: one for uri, one in vocabularies.items() if "/2020-12/" in uri})):
        schema = {"$schema": uri, "allOf": [{"$ref": uri}]}
        status, problem, _ = bench.http("PUT", "/v1/types/t.meta", {"schema": schema})
        assert status == 400 and problem["detail"].endswith(f"not followed: {uri}; put it into {key}, with its $id"), problem
        schema[key] = {"meta": json.loads((place / f"{name}.json").read_text(encoding="utf-8")), **more}
        status, put, _ = bench.http("PUT", "/v1/types/t.meta", {"schema": schema})
        assert status == 200, put
        for payload, wrong in ((True, None), ({"type": "object"}, None), ({"properties": {"a": {"minimum": "x"}}}, "/properties/a/minimum")):
            told = bench.http("POST", "/v1/jobs?dry_run=true", {"type": "t.meta", "payload": payload})[1]
            paths = [one["path"] for one in told.get("problem", {"violations": []})["violations"]]
            assert paths == ([wrong] if wrong else []), told


def types_have_schemas(bench):
    job = {"type": "t.s", "payload": {"to": 7}}
    key = {"type": "t.s", "payload": {"before": 1}}
    first = bench.http("POST", "/v1/jobs", key, **{"Idempotency-Key": "s1"})
    assert first[0] == 202, first
    status, put, _ = bench.http("PUT", "/v1/types/t.s", {"schema": SCHEMA, "keep": "1h"})
    assert (status, put["schema"]) == (200, SCHEMA), put
    assert bench.http("GET", "/v1/types/t.s")[:2] == (200, put)
    again = bench.http("POST", "/v1/jobs", key, **{"Idempotency-Key": "s1"})
    assert (again[0], again[1]["job_id"]) == (202, first[1]["job_id"]), again
    assert bench.http("POST", "/v1/jobs", {**job, "payload": {"to": "a"}})[0] == 202
    status, problem, _ = bench.http("POST", "/v1/jobs", job)
    assert (status, problem["code"]) == (422, "WEFT-1034"), problem
    assert problem["violations"] == [{"path": "/to", "schema_path": "/properties/to/type",
                                      "message": "expected a string, found an integer"}], problem
    status, said, _ = bench.http("POST", "/v1/batches", json.dumps([job, {**job, "payload": {"to": "b"}}]).encode())
    assert status == 202 and [line["problem"]["violations"][0]["path"] for line in said["rejections"]] == ["/to"], said
    status, problem, _ = bench.http("PUT", "/v1/schedules/s1", {"cron": "@hourly", "job": job})
    assert (status, problem["detail"]) == (422, "payload/to: expected a string, found an integer"), problem
    status, problem, _ = bench.http("PUT", "/v1/types/t.s", {"schema": {"properties": {"to": {"minLength": "1"}}}})
    assert status == 400 and problem["detail"].startswith("schema/properties/to/minLength: "), problem
    assert bench.http("GET", "/v1/types/t.s")[:2] == (200, put)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"type": "array"}, file)
        file.flush()
        answer = bench.weft("type", "set", "t.c", "--schema", file.name, "-o", "json")
    assert answer.returncode == 0 and json.loads(answer.stdout)["schema"] == {"type": "array"}, answer
    answer = bench.weft("push", "t.c", "{}")
    assert answer.returncode == 1 and "expected an array" in answer.stderr, answer
    assert bench.weft("type", "set", "t.c", "--schema", "/none").returncode == 64
    assert "schema" not in bench.http("PUT", "/v1/types/t.s", {"keep": "1h"})[1]
    assert bench.http("POST", "/v1/jobs", job)[0] == 202


def lists_come_in_pages(bench):
    for name in ("z1", "z2", "z3"):
        assert bench.submit(name)[0] == 202
    _, page, _ = bench.http("GET", "/v1/queues?limit=2&cursor=z0")
    assert [queue["queue"] for queue in page["queues"]] == ["z1", "z2"] and page["cursor"] == "z2", page
    _, page, _ = bench.http("GET", "/v1/queues?cursor=z2")
    assert [queue["queue"] for queue in page["queues"]] == ["z3"] and "cursor" not in page, page


def the_command_does_the_same(bench):
    """Told as it was given: mapping only."""
    answer = bench.weft("queue", "set", "cli", "--weight", "5", "--open-max", "7", "--timeout", "3s", "--max-attempts", "2",
                        "--max-crashes", "1", "--retry-first", "1s", "--retry-longest", "9s", "--retry-factor", "3",
                        "--retry-within", "1h", "--keep", "2d", "-o", "json")
    assert answer.returncode == 0, answer
    _, got, _ = bench.http("GET", "/v1/queues/cli")
    assert json.loads(answer.stdout) == got, (answer, got)
    assert got["retry"] == {"max_attempts": 2, "max_crashes": 1, "first": "1s", "longest": "9s", "factor": 3,
                            "within": "1h"}, got
    assert (got["weight"], got["open_max"], got["timeout"], got["keep"]) == (5, 7, "3s", "2d"), got
    changed = json.loads(bench.weft("queue", "set", "cli", "--weight", "6", "--unset", "open-max,timeout", "-o", "json").stdout)
    left = {name: value for name, value in got.items() if name not in ("open_max", "timeout")}
    assert changed == {**left, "weight": 6}, (changed, got)
    assert json.loads(bench.weft("queue", "set", "cli", "--rate", "5/1m", "--unset", "all", "-o", "json").stdout)["rate"] == {"count": 5, "per": "1m"}
    rest = json.loads(bench.weft("queue", "set", "cli", "--retry-longest", "9s", "--retry-first", "1s", "--unset", "rate", "-o", "json").stdout)
    assert "rate" not in rest and "keep" not in rest and rest["retry"] == {"first": "1s", "longest": "9s"}, rest
    for words, what in (((), "name what"), (("--unset", "wieght"), "did you mean weight?"),
                        (("--unset", "rate", "--rate", "1/1s"), "taken away")):
        refused = bench.weft("queue", "set", "cli", *words)
        assert refused.returncode == 64 and what in refused.stderr, refused
    shown = bench.weft("queue", "show", "cli")
    assert shown.returncode == 0 and "retry longest  9s" in shown.stdout, shown
    listed = bench.weft("queue", "list")
    assert [line.split()[0] for line in listed.stdout.splitlines()[:3]] == ["QUEUE", "c", "cli"], listed
    assert "z3" in json.dumps(json.loads(bench.weft("queue", "list", "-o", "json").stdout)), listed
    answer = bench.weft("queue", "show", "none")
    assert answer.returncode == 4 and "knows no queue none" in answer.stderr, answer
    answer = bench.weft("queue", "set", "cli", "--retry-longest", "500ms")
    assert answer.returncode == 1 and "retry: first" in answer.stderr, answer
    assert bench.weft("queue", "set", "cli", "--weight", "0").returncode == 64
    assert bench.weft("queue", "show", "Not.A.Name").returncode == 64


def main():
    with Place() as place:
        bench = Bench(place)
        for test in (what_is_put_is_got, a_patch_keeps_the_rest, what_is_wrong_is_named, a_full_queue_is_a_429, types_have_defaults, types_have_schemas, a_patch_of_a_type_keeps_the_rest, schemas_of_schemas,
                     lists_come_in_pages,
                     a_pause_is_a_503, a_pause_from_the_command_line, the_command_does_the_same):
            print(test.__name__, flush=True)
            test(bench)


if __name__ == "__main__":
    main()
