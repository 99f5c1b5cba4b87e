#!/usr/bin/python3
"""What must not grow does not: a broker under constant churn, and one with millions of finished jobs.

    churn.py [--seconds N] [--rate N] [--keep T] [--unkeyed] [--churn-only]
        short retention under constant load: memory and file reach a plateau; then half a million finished jobs
    churn.py --finished N
        N jobs are finished and kept: the private memory stays flat

A sample is taken each second, and all of them are printed when the run fails. Jobs with keys are forgotten when
their window ends; ids without one are known for an hour, so --unkeyed needs some hours to show anything.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEFT = os.environ.get("WEFT_BIN", str(ROOT / "build/release/weft"))
LOAD = pathlib.Path(os.environ.get("WEFT_BUILD", ROOT / "build/release")) / "tests/load"
MIB = 1 << 20
FINISHED_JOBS = 500_000
FLAT_BYTES = 16 * MIB  # what ten million jobs may add, 1.7 bytes each
# What a plateau may still rise by: its samples are taken at random moments of the sweeper's rounds, of LMDB's
# pages that wait for readers, and of the allocator's.
SHARE = 1.10
SLACK = {"memory": 4 * MIB, "used": 4 * MIB, "file": 16 * MIB}


class Broker:
    def __init__(self, *flags):
        self.data = tempfile.mkdtemp(prefix="weft-soak-")
        self.process = subprocess.Popen(
            [WEFT, "broker", "--zmq", "tcp://127.0.0.1:0", "--pub", "tcp://127.0.0.1:0", "--metrics", "127.0.0.1:0",
             "--data", self.data, "--log-level", "warn", *flags], stdout=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline()
        if not ready.startswith("ready "):
            self.close()
            raise SystemExit("churn: the broker does not start")
        self.endpoint = re.search(r"zmq=(\S+)", ready)[1]
        self.metrics = re.search(r"metrics=(\S+)", ready)[1]

    def audit(self):
        """What the auditor says of what a kill leaves behind; nothing when it is sound."""
        self.process.kill()
        self.process.wait(30)
        done = subprocess.run([WEFT, "audit", "--data", self.data], capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 else f"weft audit:\n{done.stdout}{done.stderr}"

    def close(self):
        self.process.kill()
        self.process.wait(30)
        shutil.rmtree(self.data, ignore_errors=True)

    def figures(self):
        with urllib.request.urlopen(self.metrics, timeout=30) as answer:
            text = answer.read().decode()
        return {name: float(value) for name, value in re.findall(r"^(\w+(?:\{[^}]*\})?) (\S+)$", text, re.M)}

    def sample(self):
        figures = self.figures()
        rollup = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text(encoding="ascii")
        sound = all(value == 0 for name, value in figures.items()
                    if name in ("weft_store_violations_total", "weft_conservation_difference")
                    or name.startswith("weft_audit_violations_total"))
        return {"memory": int(re.search(r"^Anonymous:\s+(\d+) kB", rollup, re.M)[1]) * 1024,
                "used": int(figures["weft_store_used_bytes"]), "file": int(figures["weft_store_file_bytes"]),
                "accepted": int(figures["weft_submitted_total"]),
                "finished": int(figures['weft_jobs{state="succeeded"}']),
                "removed": int(figures['weft_jobs{state="removed"}']), "sound": sound,
                "audits": int(figures["weft_audit_rounds_total"])}

    def load(self, mode, jobs, *words):
        return subprocess.Popen([str(LOAD), mode, "--broker", self.endpoint, "--jobs", str(jobs), *words],
                                stdout=subprocess.PIPE, text=True)


def worker_of(broker, jobs):
    worker = broker.load("work", jobs, "--connections", "1")
    worker.stdout.readline()
    return worker


def end(process):
    process.kill()
    process.wait(30)
    process.stdout.close()


def line(sample, seconds):
    return (f"{seconds:5.0f} s  {sample['accepted']:>11,} accepted  {sample['removed']:>11,} removed  "
            f"memory {sample['memory'] / MIB:7.1f} MiB  store {sample['used'] / MIB:7.1f} MiB  "
            f"file {sample['file'] / MIB:7.1f} MiB")


# --- churn ---

def watch(broker, seconds, parts):
    """A sample each second, as long as all parts run."""
    samples, began = [], time.monotonic()
    while time.monotonic() - began < seconds:
        time.sleep(1)
        if any(part.poll() is not None for part in parts):
            raise SystemExit("churn: a part of the load ended early")
        samples.append((time.monotonic() - began, broker.sample()))
    return samples


def faults_of(samples, seconds):
    """Plateaus: the last third is no higher than the third before."""
    earlier = [sample for at, sample in samples if seconds / 3 <= at < seconds * 2 / 3]
    later = [sample for at, sample in samples if at >= seconds * 2 / 3]
    for name, slack in SLACK.items():
        before, after = (max(sample[name] for sample in part) for part in (earlier, later))
        if after > before * SHARE + slack:
            yield f"{name} grows: {before / MIB:.1f} MiB at most, then {after / MIB:.1f} MiB"
    first, last = samples[0][1], samples[-1][1]
    if last["removed"] < (last["accepted"] - first["accepted"]) / 2:
        yield f"retention does not keep up: {last['removed']:,} of {last['accepted']:,} removed"
    if not all(sample["sound"] for _, sample in samples):
        yield "the conservation law does not hold, or the auditor has found something"
    if last["audits"] == 0:
        yield "the auditor has made no round"


def churn(options):
    broker = Broker("--keep", options.keep, "--dedup-window", options.keep, "--audit-every", "1s")
    parts, found = [], ""
    try:
        jobs = options.rate * options.seconds * 2
        parts.append(worker_of(broker, jobs))
        parts.append(broker.load("paced", jobs, "--rate", str(options.rate), "--bytes", "256", "--connections", "1",
                                 "--keyed", "0" if options.unkeyed else "1"))
        samples = watch(broker, options.seconds, parts)
        found = broker.audit()
    finally:
        for part in parts:
            end(part)
        broker.close()
    faults = list(faults_of(samples, options.seconds)) + ([found] if found else [])
    shown = samples if faults else samples[::max(1, len(samples) // 8)]
    print("\n".join(line(sample, at) for at, sample in shown))
    print("\n".join(faults) if faults else
          f"{samples[-1][1]['accepted']} jobs came and went: memory and file stay bounded, "
          f"{samples[-1][1]['audits']} rounds of the auditor found nothing")
    return 1 if faults else 0


# --- finished jobs ---

def submit_and_wait(broker, jobs, goal):
    """Submits `jobs` and returns the sample when `goal` have finished."""
    client = broker.load("submit", jobs, "--bytes", "16", "--connections", "2")
    client.communicate()
    if client.returncode:
        raise SystemExit("churn: the load failed")
    end_at = time.monotonic() + 120
    sample = broker.sample()
    while sample["finished"] < goal and time.monotonic() < end_at:
        time.sleep(0.2)
        sample = broker.sample()
    return sample


def finished(count):
    """Nearly all memory is touched by the first jobs; from then on nothing may be added."""
    step = max(1, count // 10)
    broker = Broker("--keep", "30d", "--dedup-window", "30d")
    worker, began, rows, found = None, time.monotonic(), [], ""
    try:
        worker = worker_of(broker, 10 * step)
        for goal in range(step, 10 * step + 1, step):
            rows.append(submit_and_wait(broker, step, goal))
            print(line(rows[-1], time.monotonic() - began), flush=True)
        found = broker.audit()
    finally:
        if worker:
            end(worker)
        broker.close()
    before, after = rows[1]["memory"], rows[-1]["memory"]
    is_flat = after <= before + FLAT_BYTES and all(row["sound"] for row in rows)
    print(f"{rows[-1]['finished']} finished jobs kept, private memory {after / MIB:.1f} MiB, "
          f"{(after - before) / MIB:+.1f} MiB since a fifth of them")
    if found:
        print(found)
    if not is_flat or found or rows[-1]["finished"] < 10 * step:
        print("FAILED: that is not flat, not all have finished, or the auditor found something")
        return 1
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=int, default=45)
    parser.add_argument("--rate", type=int, default=1500)
    parser.add_argument("--keep", default="3s")
    parser.add_argument("--unkeyed", action="store_true")
    parser.add_argument("--churn-only", action="store_true", help="no finished jobs after it")
    parser.add_argument("--finished", type=int, default=0)
    options = parser.parse_args()
    if options.finished:
        return finished(options.finished)
    return churn(options) or (0 if options.churn_only else finished(FINISHED_JOBS))


if __name__ == "__main__":
    sys.exit(main())
