#!/usr/bin/python3
"""Checks the history of a campaign: checker.py HISTORY…

A history has one JSON line per event, `t` being nanoseconds of the machine's monotonic clock:

    {"t","who","call","do":"submit","jobs":[[id, key or null, n], …]}       a client asks
    {"t","who","call","do":"read","jobs":[id]}
    {"t","who","call","end":"ok","jobs":[[id, "accepted" | "replayed" | "stored"], …]}   of a submit
    {"t","who","call","end":"ok","state","version","token"}                 of a read
    {"t","who","call","end":"missing" | "unknown" | "refused","code"}
    {"t","who","do":"run" | "ran","job","token","attempt","n"}              a handler began, had done its work
    {"t","do":"log","job","state","version","token"}                        the broker's log, in its order
    {"t","do":"journal","job","token"}                                      a worker answered this lease from its journal
    {"t","do":"effect","job","token","n"}                                   a row of the handlers' database
    {"t","do":"figure","at","name","value"}                                 a metric
    {"t","do":"final","job","state","version","token","attempt","n"}        how each job stands at the end
    {"t","do":"end","jobs":N,"lines":L}                                     the broker's count of jobs, and all lines

`n` is what the job is about; the handler's result and its effect repeat it. A call is one client's question; it
may have been repeated on the wire until it was answered.
"""

import collections
import json
import sys

NEXT = {  # what may be seen after a state, at a higher version
    "scheduled": {"scheduled", "queued", "running", "retrying", "succeeded"},
    # A grant that comes back for the second time waits for a second.
    "queued": {"scheduled", "queued", "running", "retrying", "succeeded"},
    "running": {"scheduled", "queued", "running", "retrying", "succeeded"},
    "retrying": {"scheduled", "queued", "running", "retrying", "succeeded"},
    "succeeded": set(),
}
STORED = {"accepted", "replayed", "stored"}


class Job:
    """All that the history tells of one job."""

    def __init__(self):
        self.asked = {}                 # n -> [how each call with it ended]
        self.accepted_count = 0
        self.stored_n = set()           # what was acknowledged
        self.stored_at = None           # end of the first call that did
        self.keys = set()
        self.reads = []                 # (begin, end, version or None, state, token)
        self.log = []                   # (state, version, token)
        self.runs = collections.Counter()   # token -> handlers that began with it
        self.ran = {}                   # token -> n
        self.answered = set()           # tokens that were answered with the outcome of an earlier one
        self.attempts = set()
        self.effects = []
        self.finals = []


class Checker:
    def __init__(self):
        self.faults = []
        self.jobs = collections.defaultdict(Job)
        self.ids_of_key = collections.defaultdict(set)
        self.open = {}
        self.figures = []
        self.ends = []
        self.line_count = 0
        self.counts = collections.Counter()

    def fault(self, kind, text):
        self.faults.append(f"{kind}: {text}")

    # --- reading ---

    def take(self, line):
        self.line_count += 1
        if "end" in line:
            return self._take_end(line)
        kind = line.get("do")
        take = {"submit": self._take_call, "read": self._take_call, "run": self._take_run,
                "ran": self._take_ran, "log": self._take_log, "journal": self._take_journal,
                "effect": self._take_effect, "final": self._take_final, "figure": self.figures.append, "end": self.ends.append}.get(kind)
        if take is None:
            return self.fault("odd line", f"{line}")
        self.counts[kind] += 1
        return take(line)

    def _take_call(self, line):
        call = (line["who"], line["call"])
        if call in self.open:
            self.fault("odd line", f"call {call} began twice")
        self.open[call] = line

    def _take_end(self, line):
        call = (line["who"], line["call"])
        began = self.open.pop(call, None)
        if began is None or began["t"] > line["t"]:
            return self.fault("odd line", f"call {call} ended before it began")
        self.counts[line["end"]] += 1
        if began["do"] == "submit":
            return self._take_submitted(began, line)
        return self._take_read(began, line)

    def _take_submitted(self, began, line):
        verdicts = line.get("jobs", [])
        if line["end"] == "ok" and len(verdicts) != len(began["jobs"]):
            self.fault("odd line", f"{len(verdicts)} verdicts for {len(began['jobs'])} jobs")
        for place, (job_id, key, n) in enumerate(began["jobs"]):
            job = self.jobs[job_id]
            verdict = verdicts[place] if place < len(verdicts) else None
            job.asked.setdefault(n, []).append(line["end"])
            if key is not None:
                job.keys.add(key)
                self.ids_of_key[key].add(verdict[0] if verdict else job_id)
            if verdict:
                self._take_verdict(job_id, n, verdict, line["t"])

    def _take_verdict(self, job_id, n, verdict, at):
        said, word = verdict
        if said != job_id:
            self.fault("wrong id", f"{job_id} was submitted and {said} answered")
        if word not in STORED:
            self.fault("odd line", f"the verdict {word}")
        job = self.jobs[job_id]
        job.accepted_count += word == "accepted"
        job.stored_n.add(n)
        job.stored_at = at if job.stored_at is None else min(job.stored_at, at)

    def _take_read(self, began, line):
        job = self.jobs[began["jobs"][0]]
        if line["end"] == "ok":
            job.reads.append((began["t"], line["t"], line["version"], line["state"], line["token"]))
        elif line["end"] == "missing":
            job.reads.append((began["t"], line["t"], None, "missing", None))

    def _take_run(self, line):
        job = self.jobs[line["job"]]
        job.runs[line["token"]] += 1
        job.attempts.add(line["attempt"])

    def _take_ran(self, line):
        if self.jobs[line["job"]].ran.setdefault(line["token"], line["n"]) != line["n"]:
            self.fault("mixed", f"{line['job']} ran with two bodies")

    def _take_log(self, line):
        self.jobs[line["job"]].log.append((line["state"], line["version"], line["token"]))

    def _take_journal(self, line):
        self.jobs[line["job"]].answered.add(line["token"])

    def _take_effect(self, line):
        self.jobs[line["job"]].effects.append(line)

    def _take_final(self, line):
        self.jobs[line["job"]].finals.append(line)

    # --- judging ---

    def judge(self):
        for call in self.open:
            self.fault("odd line", f"call {call} has no end")
        for key, ids in self.ids_of_key.items():
            if len(ids) > 1:
                self.fault("two jobs", f"the key {key} has {sorted(ids)}")
        for job_id, job in self.jobs.items():
            self._judge_job(job_id, job)
        self._judge_whole()
        return self.faults

    def _judge_job(self, job_id, job):
        if not job.asked:
            return self.fault("unexpected", f"{job_id} was never submitted")
        if len(job.finals) != 1:
            return self.fault("odd line", f"{job_id} stands {len(job.finals)} times at the end")
        final = job.finals[0]
        self._judge_submits(job_id, job, final)
        if final["state"] == "missing":
            return self._judge_absent(job_id, job)
        self._judge_finish(job_id, job, final)
        self._judge_log(job_id, job, final)
        self._judge_reads(job_id, job, final)
        self._judge_runs(job_id, job, final)
        return self._judge_effect(job_id, job, final)

    def _judge_submits(self, job_id, job, final):
        if len(job.keys) > 1:
            self.fault("two keys", f"{job_id} has {sorted(job.keys)}")
        if job.accepted_count > 1:
            self.fault("accepted twice", job_id)
        if len(job.stored_n) > 1:
            self.fault("key reused", f"{job_id} was acknowledged for the bodies {sorted(job.stored_n)}")
        if job.stored_n and final["state"] == "missing":
            self.fault("lost", f"{job_id} was acknowledged")
        if not job.stored_n and final["state"] != "missing":
            if all(end == "refused" for ends in job.asked.values() for end in ends):
                self.fault("refused and stored", job_id)

    def _judge_absent(self, job_id, job):
        if job.runs or job.effects or job.log or any(read[2] is not None for read in job.reads):
            self.fault("unexpected", f"{job_id} is not there, but something has seen it")

    def _judge_finish(self, job_id, job, final):
        """Exactly one accepted finish, and of a handler that has done its work."""
        if final["state"] != "succeeded":
            return self.fault("unfinished", f"{job_id} is {final['state']} at the end")
        bodies = job.stored_n or set(job.asked)
        if final["n"] not in bodies or len(bodies) > 1 and final["n"] is None:
            self.fault("mixed", f"{job_id} is about {bodies} and its result about {final['n']}")
        if job.ran.get(final["token"]) != final["n"]:
            self.fault("unexpected", f"{job_id} has the result of token {final['token']}, which did not run")
        accepted = {(version, token) for state, version, token in job.log if state == "succeeded"}
        if len(accepted) > 1 or any(version != final["version"] for version, _ in accepted):
            self.fault("finished twice", f"{job_id}: {sorted(accepted)}, at the end {final['version']}")
        if not {token for _, token in accepted} <= {final["token"]} | job.answered:
            self.fault("finished twice", f"{job_id}: {sorted(accepted)} and the result of {final['token']}")
        return None

    def _judge_log(self, job_id, job, final):
        before = None
        highest = max(int(token or 0) for token in {final["token"]} | job.answered)
        for entry in job.log:
            if before is not None and entry[1] <= before[1]:
                self.fault("backwards", f"{job_id}: version {entry[1]} after {before[1]} in the log")
            elif before is not None and entry[0] not in NEXT.get(before[0], set()):
                self.fault("backwards", f"{job_id}: {entry[0]} after {before[0]} in the log")
            if before is not None and int(entry[2]) < int(before[2]):
                self.fault("backwards", f"{job_id}: token {entry[2]} after {before[2]} in the log")
            if int(entry[2]) > highest:
                self.fault("stale finish", f"{job_id}: token {entry[2]} was granted, {final['token']} finished")
            before = entry
        if before is not None and before[1] > final["version"]:
            self.fault("backwards", f"{job_id}: version {before[1]} in the log, {final['version']} at the end")

    def _judge_reads(self, job_id, job, final):
        state_of = {version: state for state, version, _ in job.log}
        state_of.setdefault(final["version"], final["state"])
        reads = sorted(job.reads)
        by_end = sorted(job.reads, key=lambda read: read[1])
        at = 0
        seen = 0
        for begin, _, version, state, token in reads:
            while at < len(by_end) and by_end[at][1] < begin:
                seen = max(seen, by_end[at][2] or 0)
                at += 1
            if version is None:
                if job.stored_at is not None and job.stored_at < begin or seen:
                    self.fault("lost", f"{job_id} was not found by a reader")
                continue
            if version < seen:
                self.fault("backwards", f"{job_id}: a reader saw version {version} after {seen}")
            if version > final["version"]:
                self.fault("backwards", f"{job_id}: a reader saw {version}, at the end it is {final['version']}")
            if state_of.setdefault(version, state) != state:
                self.fault("two states", f"{job_id}: version {version} is {state} and {state_of[version]}")
            if state == "succeeded" and (version, token) != (final["version"], final["token"]):
                self.fault("finished twice", f"{job_id}: a reader saw {version, token} succeeded")

    def _judge_runs(self, job_id, job, final):
        for token, count in job.runs.items():
            if count > 1:
                self.fault("ran twice", f"{job_id}: {count} handlers began with token {token}")
        for token in job.ran:
            if token not in job.runs:
                self.fault("odd line", f"{job_id}: token {token} ended without having begun")
        if job.attempts and max(job.attempts) > final["attempt"]:
            self.fault("miscounted", f"{job_id}: attempt {max(job.attempts)} ran, {final['attempt']} are counted")

    def _judge_effect(self, job_id, job, final):
        if len(job.effects) != 1:
            return self.fault("effect", f"{job_id} has {len(job.effects)} rows in the handlers' database")
        effect = job.effects[0]
        if effect["n"] != final["n"] or effect["token"] not in job.runs or \
                any(int(token) > int(effect["token"]) for token in job.ran):
            self.fault("effect", f"{job_id}: the row of token {effect['token']} is about {effect['n']}")
        return None

    def _judge_whole(self):
        for figure in self.figures:
            if figure["value"] != 0:
                self.fault("conservation", f"{figure['name']} is {figure['value']} at {figure['at']}")
        if not self.figures:
            self.fault("odd line", "there are no figures")
        if len(self.ends) != 1:
            return self.fault("odd line", f"{len(self.ends)} last lines")
        stored = sum(job.finals[0]["state"] != "missing" for job in self.jobs.values() if job.finals)
        if self.ends[0]["jobs"] != stored:
            self.fault("conservation", f"the broker counts {self.ends[0]['jobs']} jobs, {stored} were found")
        if self.ends[0]["lines"] != self.line_count:
            self.fault("odd line", f"{self.line_count} lines of {self.ends[0]['lines']}")
        return None


def check(lines):
    """The faults of a history, as sentences; and its counts."""
    checker = Checker()
    for line in sorted(lines, key=lambda line: line["t"]):
        checker.take(line)
    return checker.judge(), checker.counts


def read(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def main(paths):
    if not paths:
        sys.exit(__doc__)
    is_good = True
    for path in paths:
        faults, counts = check(read(path))
        print(f"{path}: {len(faults)} faults; " + ", ".join(f"{n} {name}" for name, n in sorted(counts.items())))
        print("".join(f"  {fault}\n" for fault in faults[:50]), end="")
        is_good = is_good and not faults
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
