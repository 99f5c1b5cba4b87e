"""The same handler as effect.c, for `weft worker --lines`: lib_effect.py DATABASE HISTORY WORKER."""

import json
import os
import sqlite3
import sys
import time


def tell(history, worker, what, job, n):
    """One write, so that lines of several handlers do not mix."""
    line = {"t": time.monotonic_ns(), "who": worker, "do": what, "job": job["job_id"],
            "token": job["token"], "attempt": job["attempt"], "n": n}
    os.write(history, (json.dumps(line) + "\n").encode())


def have_effect(database, job, n):
    row = (job["job_id"], int(job["token"]), n)
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO runs(job, token, n) VALUES(?, ?, ?)", row)
    database.execute("INSERT INTO effects(job, token, n) VALUES(?, ?, ?) ON CONFLICT(job) DO UPDATE"
                     " SET token=max(token, excluded.token), n=excluded.n", row)
    database.execute("COMMIT")


def main(path, history_path, worker):
    database = sqlite3.connect(path, timeout=20, isolation_level=None)
    # The process is killed, never the machine: what the kernel has is kept.
    database.execute("PRAGMA synchronous=OFF")
    history = os.open(history_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for line in sys.stdin:
        job = json.loads(line)
        n, failing, lasting_ms = (job["payload"][name] for name in ("n", "fail", "ms"))
        tell(history, worker, "run", job, n)
        answer = {"job_id": job["job_id"], "ok": False, "kind": "asked", "message": "failing as asked"}
        time.sleep(lasting_ms / 1000)  # the work
        if job["attempt"] > failing:
            have_effect(database, job, n)
            tell(history, worker, "ran", job, n)
            answer = {"job_id": job["job_id"], "ok": True, "result": {"n": n, "token": job["token"]}}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
