"""The same keys from 64 clients at once through two gateways: each key is one job, whoever came first.

WEFT_KEYS says how many keys; make prove takes 10,000.
"""

import os
import re
import selectors
import socket
import unittest

from lib_broker import PATIENCE_S, BrokerTest
from lib_gateway import Gateway

CLIENTS = 64
KEYS = int(os.environ.get("WEFT_KEYS", "500"))
WINDOW = 8  # requests that a client has under way


class Client:
    """Asks for one key after the other, and keeps the ids that it is told."""

    def __init__(self, address, keys):
        self.socket = socket.create_connection(address, PATIENCE_S)
        self.keys = iter(keys)
        self.ids = []
        self.replayed = 0
        self.heard = b""
        self.ask(WINDOW)

    def ask(self, count):
        data = b""
        for _, key in zip(range(count), self.keys):
            body = b'{"type":"once","payload":"%s"}' % key
            data += (b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: %s\r\n"
                     b"Content-Length: %d\r\n\r\n%s" % (key, len(body), body))
        self.socket.sendall(data)

    def listen(self):
        part = self.socket.recv(65536)
        assert part, "the gateway hung up"
        self.heard += part
        answers = self.heard.split(b"HTTP/1.1 ")
        while len(answers) > 1 and (len(answers) > 2 or answers[1].endswith(b"}")):
            self.take(answers.pop(1))
        self.heard = b"HTTP/1.1 ".join(answers)

    def take(self, answer):
        assert answer.startswith(b"202"), answer
        self.ids.append(re.search(rb'"job_id":"([^"]+)"', answer)[1])
        self.replayed += b"Idempotency-Replayed: true" in answer
        self.ask(1)


class SameKey(BrokerTest):
    def client(self, *arguments):
        client = Client(*arguments)
        self.addCleanup(client.socket.close)
        return client

    def test_each_key_is_one_job(self):
        broker = self.broker()
        gateways = [Gateway(broker.zmq), Gateway(broker.zmq)]
        for gateway in gateways:
            self.addCleanup(gateway.close)
            gateway.wait_ready()
        keys = [b"order-%d" % number for number in range(KEYS)]
        clients = [self.client(gateways[number % 2].address, keys) for number in range(CLIENTS)]
        with selectors.DefaultSelector() as selector:
            for client in clients:
                selector.register(client.socket, selectors.EVENT_READ, client)
            left = set(clients)
            while left:
                heard = selector.select(PATIENCE_S)
                self.assertTrue(heard, f"{len(left)} clients have not got all answers, and no more come")
                for key, _ in heard:
                    key.data.listen()
                    if len(key.data.ids) == KEYS:
                        left.discard(key.data)
        self.assertEqual({tuple(client.ids) for client in clients}, {tuple(clients[0].ids)})
        self.assertEqual(len(set(clients[0].ids)), KEYS)
        self.assertEqual(sum(client.replayed for client in clients), KEYS * (CLIENTS - 1))
        broker.wait_for_metric("weft_submitted_total", KEYS)


if __name__ == "__main__":
    unittest.main()
