"""Schedules over HTTP and from the command line, against a real broker."""

import json
import urllib.error
import urllib.request

from support_cli import Place


class Bench:
    def __init__(self, place):
        self.place = place
        self.dev = place.dev().ready()
        self.url = self.dev.at["http"]

    def weft(self, *words, **more):
        return self.place.weft("schedule", *words, WEFT_BROKER=self.dev.at["zmq"], **more)

    def http(self, method, path, body=None, kind="application/json"):
        """(status, parsed body)"""
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        request = urllib.request.Request(self.url + path, data=data, method=method, headers={"Content-Type": kind})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.loads(refusal.read())


NIGHTLY = {"cron": "0 3 * * *", "time_zone": "Europe/Berlin", "overlap": "queue", "catch_up": "all", "jitter": "30s",
           "job": {"type": "report", "queue": "q", "payload": {"a": [1, 2]}, "priority": 1, "ttl": "1h", "timeout": "5m",
                   "retry": {"max_attempts": 3, "factor": 1.5, "within": "2d"}, "unique": {"key": "u", "for": "1m"},
                   "keep": "1d"}}


def what_was_put_is_got(bench):
    """Told as it was given: mapping only."""
    status, put = bench.http("PUT", "/v1/schedules/nightly?next=3", NIGHTLY)
    assert status == 200, put
    assert len(put["next"]) == 3 and put["generation"] == 1 and put["paused"] is False, put
    status, got = bench.http("GET", "/v1/schedules/nightly?next=3")
    assert (status, got) == (200, put), got
    for name, value in NIGHTLY.items():
        assert got[name] == value, (name, got[name])
    assert bench.http("GET", "/v1/schedules/nightly")[1]["next"] == put["next"][:1]
    assert bench.http("PUT", "/v1/schedules/nightly", NIGHTLY)[1]["generation"] == 1
    assert bench.http("PUT", "/v1/schedules/nightly", {**NIGHTLY, "jitter": "31s"})[1]["generation"] == 2


def a_job_that_breaks_its_schema_names_the_violations(bench):
    schema = {"type": "object", "required": ["to"]}
    assert bench.http("PUT", "/v1/types/mail.send", {"schema": schema})[0] == 200
    body = {"cron": "@daily", "job": {"type": "mail.send", "payload": {}}}
    status, of_schedule = bench.http("PUT", "/v1/schedules/mail", body)
    assert status == 422 and bench.http("GET", "/v1/schedules/mail")[0] == 404, of_schedule
    assert [v["schema_path"] for v in of_schedule["violations"]] == ["/required"], of_schedule
    _, of_job = bench.http("POST", "/v1/jobs", body["job"])
    assert of_job["violations"] == of_schedule["violations"], (of_job, of_schedule)


def what_is_wrong_is_named(bench):
    job = {"type": "a"}
    for body, word in (({"cron": "0 25 * * *", "job": job}, 'hour "25": the largest is 23'),
                       ({"cron": "@daily", "time_zone": "Mars", "job": job}, "no such time zone"),
                       ({"cron": "@daily"}, "job: missing; it is what each moment submits"),
                       ({"cron": "@daily", "job": {"type": "a", "key": "k"}}, "job: no job_id and no key"),
                       ({"cron": "@daily", "job": {"type": "a", "delay": "5m"}}, "job: no delay"),
                       ({"crom": "@daily", "job": job}, "did you mean cron?"),
                       ({"cron": "@daily", "job": {"type": "A"}}, "type: 1 to 128"),
                       ({"cron": "@daily", "jitter": "25h", "job": job}, "jitter: at most 24 hours")):
        status, problem = bench.http("PUT", "/v1/schedules/wrong", body)
        assert status == 400 and word in problem["detail"], problem
    assert bench.http("PUT", "/v1/schedules/wrong", b"{", )[0] == 400
    assert bench.http("PUT", "/v1/schedules/wrong", b"a", "text/plain")[0] == 415
    assert bench.http("PUT", "/v1/schedules/Wrong", {"cron": "@daily", "job": job})[0] == 400
    assert bench.http("PUT", "/v1/schedules/wrong?next=101", NIGHTLY)[0] == 400
    assert bench.http("GET", "/v1/schedules/wrong")[0] == 404
    assert bench.http("GET", "/v1/schedules/wrong:pause")[0] == 404
    assert bench.http("POST", "/v1/schedules/wrong:pause")[0] == 404
    assert bench.http("POST", "/v1/schedules/wrong:stop")[0] == 404
    assert bench.http("DELETE", "/v1/schedules/wrong")[0] == 404
    assert bench.http("GET", "/v1/schedules?cursor=%20")[0] == 400
    assert bench.http("PATCH", "/v1/schedules/wrong")[0] == 405


def a_dry_run_stores_nothing(bench):
    status, said = bench.http("PUT", "/v1/schedules/dry?dry_run=true&next=2", NIGHTLY)
    assert status == 200 and said["dry_run"] is True and len(said["next"]) == 2, said
    assert bench.http("GET", "/v1/schedules/dry")[0] == 404
    answer = bench.weft("set", "dry", "a", "--cron", "@daily", "--dry-run")
    assert answer.returncode == 0 and "next" in answer.stdout, answer
    assert bench.http("GET", "/v1/schedules/dry")[0] == 404


def pause_and_resume_and_delete(bench):
    status, said = bench.http("PUT", "/v1/schedules/p", {**NIGHTLY, "paused": True})
    assert status == 200 and said["next"] == [], said
    bench.http("PUT", "/v1/schedules/p", NIGHTLY)
    status, said = bench.http("POST", "/v1/schedules/p:pause")
    assert status == 200 and said["paused"] is True and said["next"] == [], said
    status, said = bench.http("POST", "/v1/schedules/p:resume?next=2")
    assert status == 200 and said["paused"] is False and len(said["next"]) == 2, said
    assert bench.http("DELETE", "/v1/schedules/p") == (204, None)
    assert bench.http("GET", "/v1/schedules/p")[0] == 404


def lists_come_in_pages(bench):
    for name in ("z1", "z2", "z3"):
        bench.http("PUT", f"/v1/schedules/{name}", {"cron": "@hourly", "job": {"type": "z"}})
    _, page = bench.http("GET", "/v1/schedules?limit=2&cursor=z0")
    assert [s["schedule_id"] for s in page["schedules"]] == ["z1", "z2"] and page["cursor"] == "z2", page
    assert page["schedules"][0]["type"] == "z" and "next_at" in page["schedules"][0], page
    _, page = bench.http("GET", "/v1/schedules?cursor=z2")
    assert [s["schedule_id"] for s in page["schedules"]] == ["z3"] and "cursor" not in page, page


def the_command_does_the_same(bench):
    """Told as it was given: mapping only."""
    answer = bench.weft("set", "cli.one", "report", '{"a":1}', "--cron", "0 3 * * mon-fri", "--zone", "America/New_York",
                        "--overlap", "allow", "--catch-up", "none", "--jitter", "1m", "--max-attempts", "2", "--next", "2")
    assert answer.returncode == 0 and "America/New_York" in answer.stdout, answer
    _, got = bench.http("GET", "/v1/schedules/cli.one")
    assert (got["overlap"], got["catch_up"], got["jitter"]) == ("allow", "none", "1m"), got
    assert got["job"]["payload"] == {"a": 1} and got["job"]["retry"] == {"max_attempts": 2}, got
    shown = json.loads(bench.weft("show", "cli.one", "--next", "1", "-o", "json").stdout)
    assert shown == got, (shown, got)
    assert "cli.one" in bench.weft("list").stdout
    assert bench.weft("pause", "cli.one").stdout == "cli.one paused\n"
    assert json.loads(bench.weft("resume", "cli.one", "-o", "json").stdout)["paused"] is False
    assert bench.weft("delete", "cli.one").returncode == 0
    answer = bench.weft("show", "cli.one")
    assert answer.returncode == 4 and "knows no schedule cli.one" in answer.stderr, answer
    answer = bench.weft("set", "cli.one", "report", "--cron", "0 25 * * *")
    assert answer.returncode == 1 and 'hour "25"' in answer.stderr, answer
    assert bench.weft("set", "cli.one", "report").returncode == 64
    assert bench.weft("show", "Not.An.Id").returncode == 64


def main():
    with Place() as place:
        bench = Bench(place)
        for test in (what_was_put_is_got, a_job_that_breaks_its_schema_names_the_violations, what_is_wrong_is_named,
                     a_dry_run_stores_nothing, pause_and_resume_and_delete, lists_come_in_pages,
                     the_command_does_the_same):
            print(test.__name__, flush=True)
            test(bench)


if __name__ == "__main__":
    main()
