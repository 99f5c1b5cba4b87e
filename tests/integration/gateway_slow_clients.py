"""2,000 clients that send a little and then nothing, or a byte at a time: all are cut by the deadline, and who asks
properly meanwhile is served."""

import resource
import selectors
import socket
import time
import unittest

from lib_broker import PATIENCE_S
from lib_gateway import Gateway, PretendedBroker, wait_for

CLIENTS = 2000
HEAD = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
# How each kind begins, and whether it goes on a byte at a time.
KINDS = [
    (b"", False),                                            # says nothing
    (b"POST /v1/jo", False),                                 # stops in the first line
    (HEAD, False),                                           # stops in the head
    (HEAD + b"X-A: ", True),                                 # drips the head
    (HEAD + b"Content-Length: 1000\r\n\r\n{", False),        # stops in the body
    (HEAD + b"Content-Length: 1000\r\n\r\n{", True),         # drips the body
    (b"POST /v1/batches HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
     b"Transfer-Encoding: chunked\r\n\r\nffff\r\n{", True),  # drips a chunk
]


class Attack:
    def __init__(self, address):
        self.selector = selectors.DefaultSelector()
        self.dripping = []
        self.open = 0
        for number in range(CLIENTS):
            begin, is_dripping = KINDS[number % len(KINDS)]
            client = socket.create_connection(address, PATIENCE_S)
            client.sendall(begin)
            client.setblocking(False)
            self.selector.register(client, selectors.EVENT_READ)
            self.open += 1
            if is_dripping:
                self.dripping.append(client)

    def go_on(self, seconds):
        """A byte from each that drips; then whoever was cut is counted out."""
        for client in self.dripping:
            try:
                client.send(b"a")
            except OSError:
                pass
        until = time.monotonic() + seconds
        while self.open and (left := until - time.monotonic()) > 0:
            for key, _ in self.selector.select(left):
                self.look(key.fileobj)

    def look(self, client):
        try:
            if client.recv(65536):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.selector.unregister(client)
        client.close()
        self.dripping = [one for one in self.dripping if one is not client]
        self.open -= 1


class SlowClients(unittest.TestCase):
    def setUp(self):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self.broker = PretendedBroker()
        self.addCleanup(self.broker.close)
        self.gateway = Gateway(self.broker.endpoint, "--idle-timeout", "2s", "--head-timeout", "2s", "--body-timeout", "3s")
        self.addCleanup(self.gateway.close)
        self.gateway.wait_ready()

    def test_all_are_cut_and_nobody_else_suffers(self):
        attack = Attack(self.gateway.address)
        self.assertEqual(attack.open, CLIENTS)
        began = time.monotonic()
        served = 0
        while attack.open and time.monotonic() - began < PATIENCE_S:
            attack.go_on(0.2)
            self.assertEqual(self.gateway.submit({"type": "proper"}).status, 202)
            served += 1
        self.assertEqual(attack.open, 0, "some are still there")
        self.assertEqual(len(self.broker.jobs), served)
        self.assertGreater(served, 2, "it has lasted long enough to see")
        # The last ones leave a moment after they are cut.
        wait_for("their places", lambda: b"weft_gateway_connections 1\n" in self.gateway.ask("GET", "/metrics").body)
        figures = self.gateway.ask("GET", "/metrics").body
        self.assertIn(b"weft_gateway_deadlines_total %d\n" % CLIENTS, figures)


if __name__ == "__main__":
    unittest.main()
