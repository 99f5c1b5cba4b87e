"""Figures of `weft backup`: how fast it is, and what it leaves of the rate of submissions beside it."""

import json
import os
import shutil
import statistics
import subprocess
import sys

from servers import WEFT, Weft, run_tool

PIECE = 20000  # jobs a call of the tool, so that calls end while the backup goes on


def submit(server, jobs):
    result = run_tool(server.tool("submit") + ["--jobs", str(jobs), "--connections", "4", "--batch", "64", "--window", "8192"])
    return result["jobs"] / ((result["last_us"] - result["first_us"]) / 1e6)


def begin(server, target):
    return subprocess.Popen([WEFT, "backup", target, "--data", server.dir, "--output", "json"], stdout=subprocess.PIPE, text=True)


def end(process, target):
    told = json.loads(process.communicate(timeout=300)[0])
    if process.returncode != 0:
        sys.exit("bench: no backup was made")
    shutil.rmtree(target)
    return told


def measure(jobs, figures):
    with Weft() as server:
        target = os.path.join(server.dir, "copy")
        submit(server, jobs)
        told = end(begin(server, target), target)
        figures[f"weft backup s, {jobs:,} jobs"] = told["seconds"]
        figures["weft backup MiB/s"] = told["bytes"] / told["seconds"] / (1 << 20)
        alone = [submit(server, PIECE) for _ in range(10)]
        process, beside = begin(server, target), []
        while process.poll() is None:
            beside.append(submit(server, PIECE))
        told = end(process, target)
        figures["weft backup s, submissions beside it"] = told["seconds"]
        figures["weft submits/s, pieces of 20,000"] = statistics.median(alone)
        # The last one went on when the backup had ended.
        figures["weft submits/s, pieces of 20,000, a backup beside"] = statistics.median(beside[:-1] or beside)
