#!/usr/bin/python3
"""The checker's own test: recorded histories are good, every mutant of them is not.

    mutants.py [--each N] [--seed S] [HISTORY…]     N mutants of each kind from each history
    mutants.py --excerpt HISTORY OUT                a small history of its most eventful jobs

Each kind of mutant breaks one promise in one place. Changes that a history may have for other reasons
(a line of the broker's log that was lost with the broker, an attempt that nobody knows the end of) must
not be reported.
"""

import argparse
import collections
import copy
import glob
import json
import os
import random
import sys

import checker

HERE = os.path.dirname(os.path.abspath(__file__))


def of(lines, **fields):
    """The lines with these values."""
    return [line for line in lines if all(line.get(name) == value for name, value in fields.items())]


def ends(lines, how, do):
    """(begin, end) of calls."""
    begins = {(line["who"], line["call"]): line for line in lines if line.get("do") in ("submit", "read")}
    return [(begins[line["who"], line["call"]], line) for line in lines
            if line.get("end") == how and begins[line["who"], line["call"]]["do"] == do]


def recount(lines):
    end, = of(lines, do="end")
    end["lines"] = len(lines)


def drop(lines, line):
    lines.remove(line)
    recount(lines)


def insert(lines, line):
    lines.insert(0, line)
    recount(lines)


def finals(lines):
    return [line for line in of(lines, do="final") if line["state"] == "succeeded"]


def stored(lines):
    """Verdicts that stored something."""
    return [verdict for _, end in ends(lines, "ok", "submit") for verdict in end["jobs"]]


# --- the kinds: each takes the lines and a random source and changes one thing ---

def completion_dropped(lines, rng):
    drop(lines, rng.choice([line for line in lines if "end" in line]))


def invocation_dropped(lines, rng):
    drop(lines, rng.choice([line for line in lines if line.get("do") in ("submit", "read")]))


def line_dropped_silently(lines, rng):
    lines.remove(rng.choice(of(lines, do="log")))


def job_lost(lines, rng):
    rng.choice(finals(lines)).update(state="missing", version=0, token=None, n=None)


def job_never_done(lines, rng):
    rng.choice(finals(lines))["state"] = rng.choice(["queued", "running", "retrying", "dead"])


def job_unheard_of(lines, rng):
    final = rng.choice(finals(lines))
    insert(lines, {**final, "job": "0" + final["job"][1:] if final["job"][0] != "0" else "1" + final["job"][1:]})


def run_unheard_of(lines, rng):
    run = rng.choice(of(lines, do="run"))
    insert(lines, {**run, "job": "nobody"})


def answered_id_changed(lines, rng):
    verdict, other = rng.choice(stored(lines)), rng.choice(stored(lines))
    while other[0] == verdict[0]:
        other = rng.choice(stored(lines))
    verdict[0] = other[0]


def key_of_two_jobs(lines, rng):
    _, end = rng.choice([(begin, end) for begin, end in ends(lines, "ok", "submit")
                         if any(job[1] for job in begin["jobs"])])
    for verdict in end["jobs"]:
        verdict[0] = verdict[0][:-1] + ("0" if verdict[0][-1] != "0" else "1")


def accepted_twice(lines, rng):
    begin, end = rng.choice([(begin, end) for begin, end in ends(lines, "ok", "submit")
                             if any(verdict[1] == "accepted" for verdict in end["jobs"])])
    begin, end = {**begin, "call": -1}, {**end, "call": -1}
    lines += [begin, end]
    recount(lines)


def other_body_stored(lines, rng):
    begin, end = rng.choice([(begin, end) for begin, end in ends(lines, "ok", "submit") if begin["jobs"][0][1]])
    begin, end = copy.deepcopy({**begin, "call": -1}), copy.deepcopy({**end, "call": -1})
    for job, verdict in zip(begin["jobs"], end["jobs"]):
        job[2], verdict[1] = job[2] + 1000000, "replayed"
    lines += [begin, end]
    recount(lines)


def refused_but_stored(lines, rng):
    """All calls for a job that exists say that nothing was stored."""
    only = collections.defaultdict(list)
    for begin, end in [pair for how in ("ok", "unknown", "refused") for pair in ends(lines, how, "submit")]:
        for job in begin["jobs"]:
            only[job[0]].append((begin, end))
    there = {line["job"] for line in finals(lines)}
    job = rng.choice([job for job, calls in sorted(only.items())
                      if job in there and all(len(begin["jobs"]) == 1 for begin, _ in calls)])
    for _, end in only[job]:
        end.pop("jobs", None)
        end.update(end="refused", code=503)


def finished_twice_in_log(lines, rng):
    log = rng.choice(of(lines, do="log", state="succeeded"))
    insert(lines, {**log, "t": log["t"] + 1, "version": log["version"] + 1})


def finished_by_another_token(lines, rng):
    log = rng.choice(of(lines, do="log", state="succeeded"))
    log["token"] = str(int(log["token"]) - 1)


def result_of_another_token(lines, rng):
    final = rng.choice(finals(lines))
    final["token"] = str(int(final["token"]) + rng.choice([-1, 1]))


def newer_token_granted(lines, rng):
    log = rng.choice(of(lines, do="log", state="running"))
    log["token"] = str(int(log["token"]) + (1 << 40))


def result_of_another_job(lines, rng):
    rng.choice(finals(lines))["n"] += 1


def log_goes_backwards(lines, rng):
    by_job = collections.defaultdict(list)
    for line in of(lines, do="log"):
        by_job[line["job"]].append(line)
    entries = rng.choice([entries for _, entries in sorted(by_job.items()) if len(entries) > 1])
    at = rng.randrange(len(entries) - 1)
    first, second = entries[at], entries[at + 1]
    first["version"], second["version"] = second["version"], first["version"]


def left_its_end(lines, rng):
    by_job = collections.defaultdict(list)
    for line in of(lines, do="log"):
        by_job[line["job"]].append(line)
    entries = rng.choice([entries for _, entries in sorted(by_job.items()) if len(entries) > 1])
    entries[rng.randrange(len(entries) - 1)]["state"] = "succeeded"


def reads_of(lines):
    """Successive reads of one job: [(begin, end)] with none beginning before the one before has ended."""
    by_job = collections.defaultdict(list)
    for begin, end in ends(lines, "ok", "read"):
        by_job[begin["jobs"][0]].append((begin, end))
    return sorted(by_job.items())


def read_goes_backwards(lines, rng):
    pairs = []
    for _, calls in reads_of(lines):
        calls.sort(key=lambda call: call[0]["t"])
        pairs += [(one, two) for one, two in zip(calls, calls[1:])
                  if one[1]["t"] < two[0]["t"] and one[1]["version"] < two[1]["version"]]
    (_, one), (_, two) = rng.choice(pairs)
    for name in ("version", "state", "token"):
        one[name], two[name] = two[name], one[name]


def read_saw_another_state(lines, rng):
    known = {(line["job"], line["version"]) for line in of(lines, do="log") + finals(lines)}
    end = rng.choice([end for begin, end in ends(lines, "ok", "read")
                      if (begin["jobs"][0], end["version"]) in known])
    end["state"] = "queued" if end["state"] != "queued" else "running"


def read_saw_the_future(lines, rng):
    rng.choice([end for _, end in ends(lines, "ok", "read")])["version"] += 1000


def read_missed_it(lines, rng):
    end = rng.choice([end for _, end in ends(lines, "ok", "read")])
    for name in ("state", "version", "token"):
        del end[name]
    end["end"] = "missing"


def read_another_result(lines, rng):
    end = rng.choice([end for _, end in ends(lines, "ok", "read") if end["state"] == "succeeded"])
    end["token"] = str(int(end["token"]) + 1)


def effect_missing(lines, rng):
    drop(lines, rng.choice(of(lines, do="effect")))


def effect_doubled(lines, rng):
    insert(lines, dict(rng.choice(of(lines, do="effect"))))


def effect_of_another_job(lines, rng):
    rng.choice(of(lines, do="effect"))["n"] += 1


def effect_of_an_older_token(lines, rng):
    effect = rng.choice(of(lines, do="effect"))
    effect["token"] = str(int(effect["token"]) - 1)


def ran_twice_with_a_token(lines, rng):
    insert(lines, dict(rng.choice(of(lines, do="run"))))


def never_ran(lines, rng):
    job = rng.choice(finals(lines))["job"]
    for line in [line for line in lines if line.get("do") in ("run", "ran") and line["job"] == job]:
        lines.remove(line)
    recount(lines)


def attempt_not_counted(lines, rng):
    run = rng.choice(of(lines, do="run"))
    run["attempt"] += 100


def something_is_missing_in_the_broker(lines, rng):
    rng.choice(of(lines, do="figure"))["value"] = rng.choice([-1, 1])


def broker_counts_another_number(lines, rng):
    of(lines, do="end")[0]["jobs"] += rng.choice([-1, 1])


BROKEN = [completion_dropped, invocation_dropped, line_dropped_silently, job_lost, job_never_done, job_unheard_of,
          run_unheard_of, answered_id_changed, key_of_two_jobs, accepted_twice, other_body_stored,
          refused_but_stored, finished_twice_in_log, finished_by_another_token, result_of_another_token,
          newer_token_granted, result_of_another_job, log_goes_backwards, left_its_end, read_goes_backwards,
          read_saw_another_state, read_saw_the_future, read_missed_it, read_another_result, effect_missing,
          effect_doubled, effect_of_another_job, effect_of_an_older_token, ran_twice_with_a_token, never_ran,
          attempt_not_counted, something_is_missing_in_the_broker, broker_counts_another_number]


# --- changes that break nothing ---

def log_line_lost(lines, rng):
    drop(lines, rng.choice(of(lines, do="log")))


def end_not_known(lines, rng):
    """One more attempt at what was stored, and nobody knows its end."""
    begin, end = rng.choice(ends(lines, "ok", "submit"))
    lines += [{**begin, "call": -1}, {"t": end["t"], "who": end["who"], "call": -1, "end": "unknown"}]
    recount(lines)


def one_more_replay(lines, rng):
    begin, end = rng.choice(ends(lines, "ok", "submit"))
    lines += [{**begin, "call": -1}, {**end, "call": -1, "jobs": [[job, "replayed"] for job, _ in end["jobs"]]}]
    recount(lines)


def handler_killed_at_once(lines, rng):
    """A lease whose handler died before it had done anything, and of which the log knows nothing."""
    run = rng.choice(of(lines, do="run"))
    insert(lines, {**run, "token": str(int(run["token"]) - 1)})


def answered_from_journal(lines, rng):
    """The lease that finished is a later one of the same worker, which had the outcome already."""
    log = rng.choice(of(lines, do="log", state="succeeded"))
    log["token"] = str(int(log["token"]) + 1)
    insert(lines, {"t": log["t"], "do": "journal", "job": log["job"], "token": log["token"]})


def shuffled(lines, rng):
    logs = of(lines, do="log")
    others = [line for line in lines if line.get("do") != "log"]
    rng.shuffle(others)
    lines[:] = others + logs


HARMLESS = [log_line_lost, end_not_known, one_more_replay, handler_killed_at_once, answered_from_journal,
            shuffled]


# --- excerpts ---

def eventful(lines):
    """Some jobs of each sort that is worth having."""
    reads, runs, calls, states = (collections.Counter() for _ in range(4))
    for line in lines:
        kind = line.get("do")
        for job in line.get("jobs", []) if kind in ("read", "submit") else []:
            (reads if kind == "read" else calls)[job if kind == "read" else job[0]] += 1
        runs[line.get("job")] += kind == "run"
        states[line.get("job")] += kind == "log"
    singles = [line["jobs"][0][0] for line in lines if line.get("do") == "submit" and len(line["jobs"]) == 1]
    missing = [line["job"] for line in of(lines, do="final", state="missing")]
    chosen = set(missing[:4]) | set(singles[:12])
    for counter in (reads, runs, calls, states):
        counter.pop(None, None)
        chosen.update(job for job, _ in counter.most_common(12))
    return chosen


def excerpt(lines, chosen):
    kept = []
    calls = {}
    for line in lines:
        if line.get("do") == "submit":
            places = [place for place, job in enumerate(line["jobs"]) if job[0] in chosen]
            calls[line["who"], line["call"]] = places
            if places:
                kept.append({**line, "jobs": [line["jobs"][place] for place in places]})
        elif line.get("do") == "read":
            calls[line["who"], line["call"]] = line["jobs"][0] in chosen
            if line["jobs"][0] in chosen:
                kept.append(line)
        elif "end" in line:
            places = calls[line["who"], line["call"]]
            if places:
                part = {"jobs": [line["jobs"][place] for place in places]} if "jobs" in line else {}
                kept.append({**line, **part})
        elif line.get("job") in chosen or line.get("do") == "figure" and line["at"] in ("start 1", "the end"):
            kept.append(line)
    count = sum(line.get("do") == "final" and line["state"] != "missing" for line in kept)
    return kept + [{**of(lines, do="end")[0], "jobs": count, "lines": len(kept) + 1}]


# --- main ---

def test(path, options):
    """(mutants, missed, alarms)"""
    lines = checker.read(path)
    faults, _ = checker.check(copy.deepcopy(lines))
    if faults:
        sys.exit(f"{path} itself is bad: {faults[:5]}")
    caught, missed, alarms = 0, [], []
    for kind in BROKEN + HARMLESS:
        for number in range(options.each):
            mutant = copy.deepcopy(lines)
            kind(mutant, random.Random(f"{options.seed} {kind.__name__} {number}"))
            faults, _ = checker.check(mutant)
            name = f"{os.path.basename(path)}: {kind.__name__}, --seed {options.seed}, number {number}"
            if kind in HARMLESS and faults:
                alarms.append(f"{name}: {faults[0]}")
            elif kind in BROKEN and not faults:
                missed.append(name)
            else:
                caught += kind in BROKEN
    return caught, missed, alarms


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--excerpt", nargs=2, metavar=("HISTORY", "OUT"))
    parser.add_argument("histories", nargs="*")
    options = parser.parse_args()
    if options.excerpt:
        lines = sorted(checker.read(options.excerpt[0]), key=lambda line: line["t"])
        with open(options.excerpt[1], "w", encoding="utf-8") as out:
            for line in excerpt(lines, eventful(lines)):
                out.write(json.dumps(line, separators=(",", ":")) + "\n")
        return 0
    paths = options.histories or sorted(glob.glob(f"{HERE}/histories/*.jsonl"))
    results = [test(path, options) for path in paths]
    caught = sum(result[0] for result in results)
    wrong = [f"MISSED {name}" for result in results for name in result[1]]
    wrong += [f"FALSE ALARM {name}" for result in results for name in result[2]]
    print("\n".join(wrong[:40] + [f"{len(paths)} histories, {len(BROKEN)} kinds of mutants: {caught} caught, "
                                  f"{len(wrong)} wrong; {len(HARMLESS)} kinds of harmless changes"]))
    return 0 if paths and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
