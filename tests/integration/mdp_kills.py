#!/usr/bin/python3
"""The tutorial of docs/majordomo.md runs, and its worker, the front and the broker are killed under load.

    mdp_kills.py [--kills N] [--seed S]

Each Titanic request that was answered 200 has its reply in the end.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time

from lib_broker import Broker, PATIENCE_S, ROOT
from lib_mdp import Client, Front, wait_for


def programs(place):
    """The Python blocks of the page, as files."""
    with open(os.path.join(ROOT, "docs", "majordomo.md"), encoding="utf-8") as page:
        found = re.findall(r"^```python (\S+)\n(.*?)^```$", page.read(), re.M | re.S)
    for name, text in found:
        with open(os.path.join(place, name), "w", encoding="utf-8") as file:
            file.write(text)
    assert sorted(name for name, _ in found) == ["client.py", "titanic.py", "worker.py"], found


class System:
    def __init__(self, place):
        self.place = place
        self.broker = Broker(os.path.join(place, "broker"), "--lease", "1s", "--renew", "200ms")
        self.front = Front(self.broker.zmq, "--heartbeat", "200ms", "--log-level", "error")
        self.workers = [self.worker() for _ in range(2)]

    def program(self, name, *words):
        return [sys.executable, os.path.join(self.place, name), self.front.endpoint, *words]

    def worker(self):
        return subprocess.Popen(self.program("worker.py", "shout"))

    def run(self, name, *words):
        done = subprocess.run(self.program(name, *words), capture_output=True, text=True, timeout=2 * PATIENCE_S,
                              check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def kill_worker(self):
        dead = self.workers.pop(0)
        dead.kill()
        dead.wait()
        self.workers.append(self.worker())

    def kill_front(self):
        endpoint = self.front.endpoint
        self.front.kill()
        self.front.close()
        self.front = Front(self.broker.zmq, "--heartbeat", "200ms", "--log-level", "error", listen=endpoint)

    def kill_broker(self):
        endpoint = self.broker.zmq
        self.broker.kill()
        self.broker.close()
        self.broker = Broker(self.broker.data, "--lease", "1s", "--renew", "200ms", zmq=endpoint)
        assert self.broker.is_ready, self.broker.stderr()

    def ask(self, *body):
        """A reply, or None when there was none in time."""
        client = Client(self.front.endpoint)
        try:
            return client.ask(*body, patience_s=2)
        finally:
            client.close()

    def close(self):
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.front.close()
        self.broker.close()


def campaign(system, kills, choose):
    tickets = {}
    victims = [system.kill_worker, system.kill_front, system.kill_broker]
    for number in range(kills):
        for _ in range(5):
            word = f"word{len(tickets)}"
            reply = system.ask(b"titanic.request", b"shout", word.encode())
            if reply and reply[0] == b"200":
                tickets[reply[1]] = word.upper().encode()
        time.sleep(choose.random() * 0.1)  # some work between two kills
        victims[number % 3]()
    for ticket, word in tickets.items():
        wait_for("a reply", lambda: system.ask(b"titanic.reply", ticket) == [b"200", word])
    assert len(tickets) > kills, "too little work to say anything"
    assert system.broker.metric("weft_conservation_difference") == 0
    print(f"{kills} kills, {len(tickets)} Titanic requests, each with its reply")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--kills", type=int, default=9)
    parser.add_argument("--seed", type=int, default=None)
    asked = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if asked.seed is None else asked.seed
    print(f"--seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="weft-mdp-") as place:
        programs(place)
        system = System(place)
        try:
            assert system.run("client.py", "a", "b") == "A B"
            assert system.run("titanic.py") == "HELLO"
            campaign(system, asked.kills, random.Random(seed))
        finally:
            system.close()


if __name__ == "__main__":
    main()
