#!/usr/bin/python3
"""Ten thousand workers are connected, the broker is killed with -9 and started again: how long until every one
of them is known, READY and answered, and how much memory the broker has used for that.

    herd.py [--workers N] [--seconds-max S] [--mib-max M]

A worker here is a DEALER with HELLO, READY and RENEW, as docs/protocol.md has it; it learns of the new broker
by its next RENEW, as one does that does not watch its connection. They live in some processes of this script,
because of the limit on open files. Ends with 1 when one of the bounds is passed.
"""

import argparse
import collections
import heapq
import multiprocessing
import multiprocessing.connection
import os
import random
import select
import sys
import tempfile
import time
import uuid

import zmq

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
from lib_broker import VERSION, Broker, pb  # noqa: E402

EACH_MAX = 2500  # workers in one process
PATIENCE_S = 240
UNKNOWN_PEER = 12


class Member:
    """One worker."""

    def __init__(self, context, endpoint):
        self.socket = context.socket(zmq.DEALER)
        for option, value in ((zmq.LINGER, 0), (zmq.IMMEDIATE, 1), (zmq.RECONNECT_IVL, 100),
                              (zmq.RECONNECT_IVL_MAX, 5000)):
            self.socket.setsockopt(option, value)
        self.socket.connect(endpoint)
        self.worker_id, self.session, self.corr = uuid.uuid4().bytes, random.getrandbits(63) | 1, 0
        self.epoch, self.served = 0, 0  # that it greeted; that has answered its READY

    def say(self, **body):
        self.corr += 1
        try:
            self.socket.send_multipart([VERSION, pb.Envelope(corr=self.corr, **body).SerializeToString(), b""],
                                       zmq.NOBLOCK)
        except zmq.Again:
            pass  # again at the next beat

    def hello(self):
        self.say(hello=pb.Hello(role=pb.ROLE_WORKER, name="herd", worker_id=self.worker_id, session=self.session))

    def beat(self):
        if self.epoch == 0:
            self.hello()
        else:
            self.say(renew=pb.Renew())

    def hear_all(self):
        """How often to say RENEW, if somebody has told."""
        beat_s = None
        while self.socket.getsockopt(zmq.EVENTS) & zmq.POLLIN:
            beat_s = self.hear() or beat_s
        return beat_s

    def hear(self):
        envelope = pb.Envelope.FromString(self.socket.recv_multipart()[1])
        kind = envelope.WhichOneof("body")
        if kind == "error" and envelope.error.error == UNKNOWN_PEER:
            self.hello()
        elif kind == "welcome":
            self.epoch = envelope.welcome.epoch
            self.say(ready=pb.Ready(types=["herd"], slots=1))
        elif kind == "renewed":
            self.served = self.epoch
        return envelope.welcome.renew_ms / 1000 if kind == "welcome" else None


def live(endpoint, count, told):
    """Tells (epoch, how many are served by it) whenever that has changed, until the parent ends."""
    context = zmq.Context()
    context.set(zmq.MAX_SOCKETS, count + 10)
    epoll, members, due = select.epoll(), {}, []
    for _ in range(count):
        member = Member(context, endpoint)
        members[member.socket.getsockopt(zmq.FD)] = member
        epoll.register(member.socket.getsockopt(zmq.FD), select.EPOLLIN | select.EPOLLET)
        due.append((time.monotonic() + 1 + random.uniform(0, 5), id(member), member))
    heapq.heapify(due)
    epochs, beat_s, last = collections.Counter(), 5.0, None
    while True:
        ready = [members[fd] for fd, _ in epoll.poll(0.05, count)]
        now = time.monotonic()
        while due[0][0] <= now:
            member = due[0][2]
            heapq.heapreplace(due, (now + beat_s * random.uniform(0.9, 1.1), id(member), member))
            member.beat()
            ready.append(member)  # sending takes the news of what has come
        for member in ready:
            epochs[member.served] -= 1
            beat_s = member.hear_all() or beat_s
            epochs[member.served] += 1
        seen = max(epochs), epochs[max(epochs)]
        if seen != last:
            told.send(seen)
            last = seen


def wait_for(pipes, epoch, count):
    """When all are served by a broker of this epoch, or later."""
    reached, end = dict.fromkeys(pipes, 0), time.monotonic() + PATIENCE_S
    while sum(reached.values()) < count:
        if time.monotonic() > end:
            raise SystemExit(f"epoch {epoch}: only {sum(reached.values())} of {count} workers are served")
        for pipe in multiprocessing.connection.wait(pipes, 1):
            seen, served = pipe.recv()
            reached[pipe] = served if seen >= epoch else 0
    return time.monotonic()


def memory_mib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        words = dict(line.split(":", 1) for line in file)
    return int(words["VmHWM"].split()[0]) / 1024


def run(data, workers):
    broker = Broker(os.path.join(data, "broker"))
    pipes, children = [], []
    try:
        idle = memory_mib(broker.process.pid)
        while workers > sum(count for _, count in children):
            count = min(EACH_MAX, workers - sum(count for _, count in children))
            mine, theirs = multiprocessing.Pipe(False)
            child = multiprocessing.Process(target=live, args=(broker.zmq, count, theirs), daemon=True)
            child.start()
            pipes.append(mine)
            children.append((child, count))
        wait_for(pipes, 1, workers)
        before = memory_mib(broker.process.pid)
        address, killed_at = broker.zmq, time.monotonic()
        broker.kill()
        broker.close()
        broker = Broker(os.path.join(data, "broker"), zmq=address)
        started_at = time.monotonic()
        back_at = wait_for(pipes, 2, workers)
        return {"idle": idle, "before": before, "after": memory_mib(broker.process.pid),
                "start": started_at - killed_at, "seconds": back_at - killed_at}
    finally:
        for child, _ in children:
            child.kill()
            child.join()
        broker.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--workers", type=int, default=10000)
    parser.add_argument("--seconds-max", type=float, default=30)
    parser.add_argument("--mib-max", type=float, default=600)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="weft-herd-") as data:
        took = run(data, options.workers)
    print(f"{options.workers} workers back after {took['seconds']:.1f} s (the broker itself after {took['start']:.1f} s); "
          f"broker: {took['idle']:.0f} MiB alone, {took['before']:.0f} MiB with them, {took['after']:.0f} MiB after the storm")
    return 1 if took["seconds"] > options.seconds_max or took["after"] > options.mib_max else 0


if __name__ == "__main__":
    sys.exit(main())
