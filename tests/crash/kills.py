#!/usr/bin/python3
"""Broker, gateway and workers die by SIGKILL, at any moment and at named places, are stopped for longer than
a lease, and their connections are cut, held back and slowed, while clients of both doors submit. Afterwards every acknowledged job has been done, once accepted,
and nothing else has happened.

    kills.py [--kills N] [--seed S] [--minutes M] [--pauses SHARE] [--spool SHARE] [--links SHARE] [--jumps SHARE]
             [--slow N] [--record FILE] [--json FILE] [--keep]

With --spool the gateway has its spool, and this share of the broker's deaths is long enough for clients to be
answered from it. With --links everything reaches the broker through wires of this script, and this share of the
moments to kill harms one of them instead. With --jumps each program has a wall clock of its own, and at this share
of them one is set, by seconds to hours, forward or back; at 1 nobody is killed, --kills counts jumps, and no lease may
pass. With none of these, 0 too, a sixth of the kills comes in a run with a spool, and a sixth in one with wires.

WEFT_BIN names the program, WEFT_BUILD its build directory. --record keeps the history, --keep the whole
directory; a failed run always keeps it and prints where. Waits for events; --minutes bounds the whole.
"""

import argparse
import collections
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

import checker
from lib_clients import Campaign, Door, Order, all_of, statuses
from lib_place import LEASE_S, Failed, History, Place

PROGRESS_S = 2.0        # the longest wait between two kills
TOLD_SHARE = 0.1        # of the victims: asked to leave instead
CHECKED_OVER_HTTP = 300
JUMPS_S = (5, 300, 3600, 6 * 3600)  # from the true time: below any window of a key and any retention
CALM_LEASE_S = 15       # where none may pass, on a machine that is busy with other things
AWAY_S = (2.5, 5)       # a broker that is missed: gateways wait for 2 s


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=int(os.environ.get("WEFT_KILLS", "48")))
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--minutes", type=float, default=None)
    parser.add_argument("--pauses", type=float, default=0.25, metavar="SHARE",
                        help="of the moments to kill: somebody is stopped for a while instead (0.25)")
    parser.add_argument("--spool", type=float, default=None, metavar="SHARE")
    parser.add_argument("--links", type=float, default=None, metavar="SHARE")
    parser.add_argument("--jumps", type=float, default=None, metavar="SHARE")
    parser.add_argument("--slow", type=int, default=29, metavar="N", help="one job in N takes 150 ms (29)")
    parser.add_argument("--record", metavar="FILE")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 31)
    if options.minutes is None:
        options.minutes = 2 + options.kills / 40
    return options


class Run:
    def __init__(self, options, folder):
        self.options = options
        self.random = random.Random(options.seed)
        self.history = History(os.path.join(folder, "history.jsonl"))
        self.is_calm = options.jumps >= 1
        self.place = Place(folder, options.seed, self.history, spools=options.spool > 0, has_links=options.links > 0,
                           has_clocks=options.jumps > 0, lease_s=CALM_LEASE_S if self.is_calm else LEASE_S)
        self.spool_books = {}
        Order.slow_each = options.slow
        self.campaign = Campaign(self.place, self.history, options.seed, options.minutes * 60)
        self.campaign.has_true_clock = options.jumps == 0
        self.actors = []
        self.paused = []        # (until when, who, what to call then)
        self.pause_count = 0
        self.jumps = collections.Counter()
        self.harms = collections.Counter()
        self.audit_rounds = 0
        self.began = time.monotonic()
        self.summary = collections.OrderedDict()

    def killed_count(self):
        return sum(program.killed_count() for program in self.place.programs)

    def check_faults(self):
        self.campaign.check_time()
        fault = self.place.fault() or next((actor.fault for actor in self.actors if actor.fault), None)
        if fault is not None:
            raise fault

    def count_effects(self):
        return self.place.sqlite.execute("SELECT count(*) FROM effects").fetchone()[0]

    # --- the three parts ---

    def kill_under_load(self):
        self.place.start()
        for program in self.place.programs if self.is_calm else []:
            program.armed_share = 0
        self.actors = all_of(self.campaign)
        for actor in self.actors:
            actor.start()
        while self.fault_count() < self.options.kills or self.is_spool_unused():
            self.campaign.done(self.count_effects())
            self.campaign.wait_for_progress(self.random.randint(0, 300), PROGRESS_S)
            self.check_faults()
            self.resume(time.monotonic())
            if self.random.random() < self.options.jumps:
                self.jump()
            elif self.random.random() < self.options.links:
                self.harm()
            elif self.random.random() < self.options.pauses:
                self.pause()
            else:
                self.kill()
        self.resume(None)
        for program in self.place.programs:
            program.armed_share = 0

    def fault_count(self):
        return sum(self.jumps.values()) if self.is_calm else self.killed_count()

    def is_spool_unused(self):
        verdicts = self.campaign.verdicts
        return self.place.spools and verdicts["spooled"] + verdicts["spooled in bulk"] == 0

    def kill(self):
        weights = {"broker": 4, "gateway": 2, "worker": 2}
        frozen = [program for _, program, _ in self.paused]
        programs = [program for program in self.place.programs if program not in frozen]
        if not programs:
            return
        victims = self.random.choices(programs, [weights[program.kind] for program in programs],
                                      k=self.random.choice([1, 1, 1, 2]))
        for victim in victims:
            # Sometimes while it starts, which is while it recovers.
            if self.random.random() < 0.85:
                self.wait_ready(victim)
            if victim is self.place.broker and self.random.random() < self.options.spool:
                victim.away_s = self.random.uniform(*AWAY_S)
            if self.random.random() < TOLD_SHARE:
                victim.tell()
            else:
                victim.kill()

    def wait_ready(self, program):
        """It may be waiting for one that is stopped."""
        while not program.is_ready.wait(0.1):
            self.check_faults()
            self.resume(time.monotonic())

    def pause(self):
        """Mostly a worker, which then comes back with outcomes of leases that have ended."""
        victim = self.random.choice(self.place.workers * 3 + [self.place.broker, self.place.gateway])
        leases = self.random.uniform(0.5, 2.5) if victim in self.place.workers else self.random.uniform(0, 1)
        self.paused.append((time.monotonic() + leases * LEASE_S, victim, victim.pause()))
        self.pause_count += 1

    def jump(self):
        """Mostly the broker's clock. A program that is started later finds it where it is."""
        clocks = self.place.clocks
        name = self.random.choice(["broker"] * 3 + sorted(clocks))
        ahead_s = self.random.choice(JUMPS_S) * self.random.uniform(-1, 1)
        self.jumps["forward" if ahead_s * 1e9 > clocks[name].wall_ahead_ns else "back"] += 1
        clocks[name].set_wall(ahead_s)

    def harm(self):
        """A wire, mostly a worker's, for up to two and a half leases."""
        link = self.random.choice(self.place.links)
        name, mend = link.harm(self.random)
        self.harms[name] += 1
        self.paused.append((time.monotonic() + self.random.uniform(0.2, 2.5) * LEASE_S, link, mend))

    def resume(self, now):
        """Those whose time has come, and wires; all of them when `now` is None."""
        for until, _, resume in self.paused:
            if now is None or now >= until:
                resume()
        self.paused = [] if now is None else [pause for pause in self.paused if pause[0] > now]

    def drain(self):
        """The clients' last questions are answered, then every job comes to its end."""
        with self.campaign.news:
            self.campaign.closing = True
            self.campaign.news.notify_all()
        for actor in self.actors:
            while actor.is_alive():
                actor.join(0.5)
                self.check_faults()
        door = Door(self.place.zmq, self.campaign.check_time)
        open_ids = [order.id for order in self.campaign.acked]
        while open_ids:
            self.check_faults()
            open_ids = [job for job, said in statuses(door, open_ids, wait_ms=500)
                        # What the spool still has is not missing.
                        if (self.place.spools if said is None else said["state"] != "succeeded")]
        door.close()
        # An armed program is killed now, so that it cannot die when it is told to stop.
        for program in self.place.programs:
            program.kill()

    def look(self):
        """How everything stands, at the end and once more after a last kill of the broker."""
        for worker in self.place.workers:
            worker.stop()
        self.place.broker.wait_ready()
        door = Door(self.place.zmq, self.campaign.check_time)
        ids = list(self.campaign.asked)
        found = statuses(door, ids)
        door.close()
        self.place.broker.is_ready.clear()
        self.place.broker.kill()
        self.place.broker.wait_ready()
        door = Door(self.place.zmq, self.campaign.check_time)
        if statuses(door, ids) != found:
            raise Failed("a job stands otherwise after a last kill of the broker")
        door.close()
        self.look_over_http(dict(found))
        self.look_into_spool()
        figures = self.place.record_figures("the end")
        self.write_down(found, figures)
        self.place.gateway.stop()
        self.place.broker.stop()
        self.audit()

    def audit(self):
        """What the auditor saw beside the kills, and over what they have left."""
        told = sorted({found[1] for found in self.place.broker.logged(r" audit\.violation (kind=\S+ .*)")})
        if told:
            raise Failed("the auditor has named:\n  " + "\n  ".join(told))
        done = subprocess.run([os.environ["WEFT_BIN"], "audit", "--data", f"{self.place.folder}/broker"],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"weft audit:\n{done.stdout}{done.stderr}")
        self.audit_rounds = sum(1 for _ in self.place.broker.logged(r" audit\.round (.*)"))
        if self.audit_rounds == 0:
            raise Failed("the auditor has made no round")

    def look_over_http(self, found):
        from lib_clients import Http
        self.place.gateway.wait_ready()
        http = Http(self.place.http_port)
        for job in self.random.sample(sorted(found), min(CHECKED_OVER_HTTP, len(found))):
            got = http.ask("GET", f"/v1/jobs/{job}")
            while got is None or got[0] in (503, 504):
                self.check_faults()
                got = http.ask("GET", f"/v1/jobs/{job}")
            said = found[job]
            if got[0] == 404 and said is None:
                continue
            status = json.loads(got[2])
            if said is None or (status["status"], status["version"], status["result"]) != (
                    said["state"], said["version"], {"n": said["n"], "token": said["token"]}):
                raise Failed(f"the doors disagree about {job}: {status} and {said}")

    def look_into_spool(self):
        """All that it took has come to the broker; nothing was refused, set aside or forgotten."""
        from lib_clients import Http
        got = Http(self.place.http_port).ask("GET", "/v1/spool")
        if got is None or got[0] != 200:
            raise Failed(f"the spool has no books: {got}")
        self.spool_books = books = json.loads(got[2])
        if books["forwarded"] != books["accepted"] or books["waiting"] or books["refused"] or books["damaged"]:
            raise Failed(f"the spool's books: {books}")
        if self.place.spools and books["accepted"] == 0:
            raise Failed("nothing was spooled: the run has shown nothing about the spool")

    def write_down(self, found, figures):
        absent = {"state": "missing", "version": 0, "token": None, "attempt": 0, "n": None}
        for job, said in found:
            self.history.line(do="final", job=job, **(said or absent))
        for job, token, n in self.place.sqlite.execute("SELECT job, token, n FROM effects"):
            self.history.line(do="effect", job=job, token=str(token), n=n)
        for job, state, version, token in self.place.transitions():
            self.history.line(do="log", job=job, state=state, version=version, token=token)
        for job, token in self.place.answered_from_journal():
            self.history.line(do="journal", job=job, token=token)
        with open(self.place.handlers, encoding="utf-8") as file:
            for text in file:
                self.history.line(**json.loads(text))
        jobs = sum(int(value) for name, value in figures.items() if name.startswith("weft_jobs{"))
        self.history.line(do="end", jobs=jobs, lines=self.history.count + 1)
        self.history.close()

    # --- what is told ---

    def count_everything(self):
        kills = collections.Counter()
        for program in self.place.programs:
            for how, count in program.kills.items():
                kills[f"{program.kind}, {how}"] += count
        runs, jobs = self.place.sqlite.execute("SELECT count(*), count(DISTINCT job) FROM runs").fetchone()
        more = self.place.sqlite.execute(
            "SELECT count(*) FROM (SELECT job FROM runs GROUP BY job HAVING count(*) > 1)").fetchone()[0]
        self.summary.update({
            "seed": self.options.seed,
            "kills": self.killed_count(),
            "stops": sum(program.stop_count for program in self.place.programs),
            "pauses": self.pause_count,
            "harms": sum(self.harms.values()),
            "jumps": sum(self.jumps.values()),
            "kills by": dict(sorted(kills.items())),
            "harms by": dict(sorted(self.harms.items())),
            "jumps by": dict(sorted(self.jumps.items())),
            "acknowledged": len(self.campaign.acked),
            "verdicts": dict(self.campaign.verdicts),
            "jobs executed": jobs,
            "executions": runs,
            "executed more than once": more,
            "outcomes resent": self.place.stats("resent"),
            "leases answered from a journal": self.place.stats("answered_from_journal"),
            "outcomes refused as stale": self.place.stats("stale"),
            "leases lost while the handler ran": self.place.stats("lost"),
            "leases that passed": sum(int(found[1]) for found in self.place.broker.logged(r" lease\.ended count=(\d+)")),
            "jobs brought by the spool": self.spool_books.get("forwarded", 0),
            "rounds of the auditor": self.audit_rounds,
        })

    def judge(self):
        self.count_everything()
        faults, counts = checker.check(checker.read(self.history.path))
        self.summary["reads"] = counts["read"]
        self.summary["lines of history"] = sum(counts.values())
        self.summary["faults"] = len(faults)
        self.summary["seconds"] = round(time.monotonic() - self.began, 1)
        if faults:
            raise Failed(f"{len(faults)} faults:\n  " + "\n  ".join(faults[:40]))
        if self.is_calm and self.summary["leases that passed"] + self.summary["outcomes refused as stale"] > 0:
            raise Failed("nobody was killed or stopped, and a lease has passed")
        if self.place.spools or self.place.links or self.place.clocks:
            return  # a run may be short; the first one shows what follows
        if self.summary["outcomes resent"] == 0:
            raise Failed("no outcome was resent: the run has shown nothing about the journal")
        for kind in ("broker", "gateway", "worker"):
            if not any(name.startswith(kind) for name in self.summary["kills by"]):
                raise Failed(f"too few kills: none of a {kind}")

    def tell(self):
        for name, value in self.summary.items():
            if isinstance(value, dict):
                print(f"{name}:")
                for part, count in value.items():
                    print(f"    {part:<38} {count:>9,}")
            else:
                print(f"{name:<42} {value:>9,}")
        sys.stdout.flush()


def campaign(options):
    folder = tempfile.mkdtemp(prefix="weft-kills-")
    print(f"seed {options.seed}, {options.kills} kills", flush=True)
    run, failed = Run(options, folder), True
    try:
        run.kill_under_load()
        run.drain()
        run.look()
        run.judge()
        failed = False
    except Failed as fault:
        print(f"FAILED: {fault}")
        print(f"everything is in {folder}; again with --seed {options.seed}")
        run.count_everything()
    finally:
        run.place.close()
        run.tell()
        if options.record and not failed:
            shutil.copyfile(run.history.path, options.record)
        if options.json:
            with open(options.json, "w", encoding="utf-8") as file:
                json.dump({**run.summary, "failed": failed}, file)
        if not failed and not options.keep:
            shutil.rmtree(folder)
    return 1 if failed else 0


def main():
    options = parse()
    if any(share is not None for share in (options.spool, options.links, options.jumps)):
        options.spool, options.links, options.jumps = options.spool or 0, options.links or 0, options.jumps or 0
        return campaign(options)
    sixth, record, told = options.kills // 6, options.record, options.json
    options.jumps = 0
    for options.kills, options.spool, options.links in ((options.kills - 2 * sixth, 0, 0), (sixth, 0.6, 0), (sixth, 0, 0.6)):
        is_first = options.spool + options.links == 0
        options.record, options.json = (record, told) if is_first else (None, None)
        if campaign(options):
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
