"""Majordomo peers written from the RFCs (7, 8, 9, 18) for the tests of `weft mdp`; nothing here is Weft's."""

import os
import selectors
import signal
import subprocess
import tempfile
import time

import zmq

from lib_broker import PATIENCE_S
from lib_port import held_port

WEFT = os.environ["WEFT_BIN"]
READY, REQUEST, REPLY, HEARTBEAT, DISCONNECT = b"\1", b"\2", b"\3", b"\4", b"\5"  # RFC 7
PARTIAL2, FINAL2, HEARTBEAT2, DISCONNECT2 = b"\3", b"\4", b"\5", b"\6"  # RFC 18


class Front:
    """`weft mdp` in a process of its own."""

    def __init__(self, broker, *flags, listen=None, env=None):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen([WEFT, "mdp", "--listen-mdp", listen or f"tcp://127.0.0.1:{held_port()}",
                                         "--broker", broker, *flags],
                                        stdout=subprocess.PIPE, stderr=self.log, env={**os.environ, **(env or {})})
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            assert selector.select(PATIENCE_S), self.stderr()
        line = self.process.stdout.readline().decode()
        assert line.startswith("ready mdp="), self.stderr()
        self.endpoint = line.split()[1].partition("=")[2]

    def stderr(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def close(self):
        if self.process.poll() is None:
            self.kill()
        self.process.stdout.close()
        self.log.close()


class Client:
    """RFC 7's client on a REQ socket."""

    def __init__(self, endpoint):
        self.socket = zmq.Context.instance().socket(zmq.REQ)
        self.socket.linger = 0
        self.socket.connect(endpoint)

    def send(self, service, *body):
        self.socket.send_multipart([b"MDPC01", service, *body])

    def receive(self, patience_s=PATIENCE_S):
        """The body of the reply, or None in time."""
        if not self.socket.poll(patience_s * 1000):
            return None
        frames = self.socket.recv_multipart()
        assert frames[0] == b"MDPC01", frames
        self.service = frames[1]
        return frames[2:]

    def ask(self, service, *body, patience_s=PATIENCE_S):
        self.send(service, *body)
        return self.receive(patience_s)

    def close(self):
        self.socket.close()


class Client2:
    """RFC 18's client on a DEALER socket."""

    def __init__(self, endpoint):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(endpoint)

    def send(self, service, *body):
        self.socket.send_multipart([b"MDPC02", b"\1", service, *body])

    def receive(self, patience_s=PATIENCE_S):
        """(is final, body), or None in time."""
        if not self.socket.poll(patience_s * 1000):
            return None
        frames = self.socket.recv_multipart()
        assert frames[0] == b"MDPC02" and frames[1] in (b"\2", b"\3"), frames
        return frames[1] == b"\3", frames[3:]

    def close(self):
        self.socket.close()


class Worker:
    """RFC 7's worker. It beats only while it waits, as that of the Guide."""

    header = b"MDPW01"
    heartbeat, disconnect, final = HEARTBEAT, DISCONNECT, REPLY

    def __init__(self, endpoint, service, heartbeat_s=0.2):
        self.endpoint, self.service, self.heartbeat_s = endpoint, service, heartbeat_s
        self.socket = None
        self.connect()

    def connect(self):
        if self.socket is not None:
            self.socket.close()
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(self.endpoint)
        self.say(READY, self.service)
        self.liveness = 3
        self.beat_at = time.monotonic() + self.heartbeat_s

    def say(self, command, *frames):
        self.socket.send_multipart([b"", self.header, command, *frames])

    def take(self, patience_s=PATIENCE_S):
        """The next request's (client, body), connecting anew as the RFC says; None in time."""
        end = time.monotonic() + patience_s
        while time.monotonic() < end:
            if self.socket.poll(self.heartbeat_s * 1000):
                frames = self.socket.recv_multipart()
                assert frames[0] == b"" and frames[1] == self.header, frames
                self.liveness = 3
                if frames[2] == REQUEST:
                    assert frames[4] == b"", frames
                    return frames[3], frames[5:]
                if frames[2] == self.disconnect:
                    self.connect()
            else:
                self.liveness -= 1
                if self.liveness == 0:
                    self.connect()
            if time.monotonic() > self.beat_at:
                self.say(self.heartbeat)
                self.beat_at = time.monotonic() + self.heartbeat_s
        return None

    def reply(self, client, *body):
        self.say(self.final, client, b"", *body)

    def close(self):
        self.socket.close()


class Worker2(Worker):
    """RFC 18's."""

    header = b"MDPW02"
    heartbeat, disconnect, final = HEARTBEAT2, DISCONNECT2, FINAL2

    def partial(self, client, *body):
        self.say(PARTIAL2, client, b"", *body)


def wait_for(what, question):
    until = time.monotonic() + PATIENCE_S
    while not (answer := question()):
        if time.monotonic() > until:
            raise AssertionError(f"{what}: not within {PATIENCE_S} s")
        time.sleep(0.01)
    return answer
