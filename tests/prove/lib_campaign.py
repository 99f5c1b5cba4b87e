"""Totals that add up from call to call, as long as nothing has changed on which they stand."""

import datetime
import hashlib
import json
import os
import re
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "build", "prove")
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)


def say(text):
    print(f"{datetime.datetime.now():%H:%M:%S} {text}", flush=True)


def files_below(path):
    whole = os.path.join(ROOT, path)
    if os.path.isfile(whole):
        return [whole]
    return [os.path.join(folder, name) for folder, _, names in os.walk(whole) for name in names
            if "__pycache__" not in folder]


def closure(source):
    """A C file, what it includes of ours, and the .c beside each such header, again and again."""
    found, waiting = set(), [source]
    while waiting:
        path = waiting.pop()
        if path in found or not os.path.isfile(os.path.join(ROOT, path)):
            continue
        found.add(path)
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            waiting += INCLUDE.findall(file.read())
        if path.endswith(".h"):
            waiting.append(path[:-2] + ".c")
    return sorted(found)


def digest(paths):
    hashed = hashlib.blake2b(digest_size=16)
    for path in sorted(file for path in paths for file in files_below(path)):
        with open(path, "rb") as file:
            content = file.read()
        hashed.update(f"{os.path.relpath(path, ROOT)} {len(content)}\n".encode() + content)
    return hashed.hexdigest()


def span(seconds):
    """As people say it: 45 s, 12 min."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


class Ticker:
    """Says what is under way while a piece runs, for its own words come only at its end: every TELL_S seconds, on a
    terminal each second over the line before."""

    TELL_S = 30

    def __init__(self, what, out=None):
        self.what, self.out = what, out if out is not None else sys.stdout
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        began, is_terminal = time.monotonic(), self.out.isatty()
        while not self.is_over.wait(1 if is_terminal else self.TELL_S):
            line = f"{self.what}, for {span(time.monotonic() - began)}"
            self.out.write(f"\r\033[K{line}" if is_terminal else f"{line}\n")
            self.out.flush()
        if is_terminal:
            self.out.write("\r\033[K")
            self.out.flush()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()


class Campaign:
    """`piece(totals)` runs for some seconds and returns (figures to add, text, went well). With `once` one
    piece is all there is to do."""

    def __init__(self, name, title, goals, piece, sources, once=False):
        self.name, self.title, self.goals, self.piece, self.once = name, title, goals, piece, once
        self.path = os.path.join(FOLDER, f"{name}.json")
        self.digest = digest(sources)
        self.totals, self.seconds, self.last = self._read()

    def _read(self):
        try:
            with open(self.path, encoding="utf-8") as file:
                kept = json.load(file)
        except (FileNotFoundError, ValueError):
            return {}, 0.0, None
        if kept["digest"] != self.digest:
            say(f"{self.title}: what it stands on has changed; it begins again")
            return {}, 0.0, None
        return kept["totals"], kept["seconds"], kept["last"]

    def _write(self):
        os.makedirs(FOLDER, exist_ok=True)
        fresh = self.path + ".new"
        with open(fresh, "w", encoding="utf-8") as file:
            json.dump({"digest": self.digest, "totals": self.totals, "seconds": round(self.seconds, 1),
                       "last": self.last}, file, indent=1)
        os.replace(fresh, self.path)

    def is_done(self):
        if self.once:
            return self.last is not None
        return all(self.totals.get(name, 0) >= goal for name, goal in self.goals.items())

    def progress(self):
        return ", ".join(f"{self.totals.get(name, 0):,} of {goal:,} {name}" for name, goal in self.goals.items())

    def advance(self):
        """One piece; false when it has found something."""
        began = time.monotonic()
        try:
            with Ticker(f"{self.title}: runs"):
                figures, text, is_good = self.piece(self.totals)
        except ValueError as odd:
            figures, text, is_good = {}, str(odd), False
        self.seconds += time.monotonic() - began
        self.last = f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC"
        for name, value in figures.items():
            self.totals[name] = self.totals.get(name, 0) + value
        if not is_good:
            self.totals["violations"] = self.totals.get("violations", 0) + 1
            log = self.path.replace(".json", f"-{int(time.time())}.log")
            os.makedirs(FOLDER, exist_ok=True)
            with open(log, "w", encoding="utf-8") as file:
                file.write(text)
            say(f"{self.title}: FAILED, see {os.path.relpath(log, ROOT)}")
        else:
            say(f"{self.title}: " + ", ".join(f"{self.totals[name]:,} {name}" for name in self.goals))
        self._write()
        return is_good


def table(campaigns):
    rows = [("proof", "figure", "reached", "to reach", "", "violations", "time")]
    for campaign in campaigns:
        for place, (name, goal) in enumerate(campaign.goals.items()):
            reached = campaign.totals.get(name, 0)
            share = f"{100 * reached / goal:.1f} %" if reached < goal else "reached"
            rows.append((campaign.title if place == 0 else "", name, f"{reached:,}", f"{goal:,}", share,
                         str(campaign.totals.get("violations", 0)) if place == 0 else "",
                         f"{campaign.seconds:.0f} s" if place == 0 else ""))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) if column < 2 else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
