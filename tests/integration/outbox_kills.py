#!/usr/bin/python3
"""kill -9 of relay, broker, application and database under load: orders committed = jobs made.

    outbox_kills.py [--kills N] [--seed S] [--kind sqlite|postgresql]

Two writers put orders and their jobs into the database, one transaction each, and roll some back; two relays carry
the jobs to a broker. All of them are killed at any moment, the relays also by failpoints before and after the
broker's answer. In the end each order in the database has its one job, and there is no other job.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time

from lib_outbox import Application, Broker, KINDS, Lost, Postgresql, Relay, Sqlite, job_id, listed

FAILPOINTS = ("outbox.fetched", "outbox.submitted", "outbox.settled")


def write(kind, url, first, seed):
    """A writer: a process of its own, until it is killed."""
    choose = random.Random(seed)
    database = KINDS[kind].__new__(KINDS[kind])
    database.url = url
    database.path = url.partition(":")[2]
    number = first
    app = None
    while True:
        number += 1
        try:
            app = app or Application(database)
            app.order(number, commits=choose.random() < 0.8)
        except Lost:
            if app is not None:
                app.close()
            app = None
        time.sleep(choose.random() * 0.004)


class Writer:
    def __init__(self, database, number):
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--write", database.url, "--kind",
                                         database.kind, "--first", str(number * 1000000), "--seed", str(number)])

    def kill(self):
        self.process.kill()
        self.process.wait()


class Campaign:
    def __init__(self, kind, place, choose):
        self.choose = choose
        self.place = place
        self.kind = kind
        self.database = KINDS[kind](place)
        self.broker = Broker(os.path.join(place, "broker"))
        self.lives = 0
        self.killed = {}
        self.writers = [self.writer() for _ in range(2)]
        self.relays = [self.relay() for _ in range(2)]

    def writer(self):
        self.lives += 1
        return Writer(self.database, self.lives)

    def relay(self):
        failpoint = None
        if not self.killed.get("outbox.submitted"):  # this one must be met
            failpoint = f"outbox.submitted:{self.choose.randint(1, 3)}"
        elif self.choose.random() < 0.6:
            failpoint = f"{self.choose.choice(FAILPOINTS)}:{self.choose.randint(1, 12)}"
        relay = Relay(self.database, self.broker.zmq, "--poll", "100ms", "--log-level", "error", failpoint=failpoint)
        relay.failpoint = failpoint and failpoint.partition(":")[0]
        return relay

    def count(self, who):
        self.killed[who] = self.killed.get(who, 0) + 1

    def bury(self):
        """Relays that killed themselves; anything else that ends one is a fault."""
        for place, relay in enumerate(self.relays):
            code = relay.process.poll()
            if code is None:
                continue
            if code != -9 or relay.failpoint is None:
                raise AssertionError(f"a relay ended with {code}:\n{relay.stderr()}")
            self.count(relay.failpoint)
            relay.close()
            self.relays[place] = self.relay()

    def kill_relay(self):
        place = self.choose.randrange(2)
        self.relays[place].close()
        self.relays[place] = self.relay()

    def kill_broker(self):
        endpoint = self.broker.zmq
        self.broker.kill()
        self.broker.close()
        self.broker = Broker(self.broker.data, zmq=endpoint)
        assert self.broker.is_ready, self.broker.stderr()

    def kill_application(self):
        place = self.choose.randrange(2)
        self.writers[place].kill()
        self.writers[place] = self.writer()

    def kill_database(self):
        Postgresql.cluster.kill()
        Postgresql.cluster.start()

    def run(self, kills):
        victims = [self.kill_relay, self.kill_relay, self.kill_broker, self.kill_application]
        if self.kind == Postgresql.kind:
            victims.append(self.kill_database)
        self.choose.shuffle(victims)
        asked = 0
        while sum(self.killed.values()) < kills or not self.killed.get("outbox.submitted"):
            time.sleep(0.05 + self.choose.random() * 0.15)  # some work between two kills
            victim = victims[asked % len(victims)]
            asked += 1
            victim()
            self.count(victim.__name__)
            self.bury()

    def stop(self):
        for one in self.writers + self.relays:
            one.kill()
        for relay in self.relays:
            relay.close()

    def judge(self):
        """The number of orders, or AssertionError."""
        last = Relay(self.database, self.broker.zmq, "--once", "--log-level", "error")
        code = last.wait()
        assert code == 0, f"{code}: {last.stderr()}"
        last.close()
        app = Application(self.database)
        outbox_id = app.outbox_id()
        orders = {job_id(outbox_id, row) for row, in app.session.run("SELECT outbox_id FROM orders")}
        jobs = set(listed(self.broker.zmq))
        assert not app.rows(), f"left: {app.rows()}"
        app.close()
        assert not orders - jobs, f"{len(orders - jobs)} of {len(orders)} orders have no job"
        assert not jobs - orders, f"{len(jobs - orders)} of {len(jobs)} jobs have no order"
        assert self.broker.metric("weft_conservation_difference") == 0
        return len(orders)

    def close(self):
        self.stop()
        self.broker.close()
        self.database.close()


def campaign(kind, kills, seed):
    with tempfile.TemporaryDirectory(prefix="weft-outbox-") as place:
        one = Campaign(kind, place, random.Random(seed))
        try:
            one.run(kills)
            one.stop()
            orders = one.judge()
        finally:
            one.close()
    told = " ".join(f"{who}={count}" for who, count in sorted(one.killed.items()))
    print(f"{kind}: {sum(one.killed.values())} kills, {orders} orders, each with its one job; {told}", flush=True)
    assert orders > kills, "too little work to say anything"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--kills", type=int, default=12, help="with each kind of database")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--kind", choices=[Sqlite.kind, Postgresql.kind])
    parser.add_argument("--write", help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if asked.seed is None else asked.seed
    if asked.write:
        write(asked.kind, asked.write, asked.first, seed)
    print(f"--seed {seed}", flush=True)
    for kind in [asked.kind] if asked.kind else [Sqlite.kind, Postgresql.kind]:
        campaign(kind, asked.kills, seed)


if __name__ == "__main__":
    main()
