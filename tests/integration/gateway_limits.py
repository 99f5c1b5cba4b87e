"""What bounds a gateway: at each limit it still serves, one past it it says so, and afterwards it serves again."""

import json
import re
import select
import socket
import threading
import unittest

from lib_broker import PATIENCE_S
from lib_gateway import Gateway, PretendedBroker, is_whole, wait_for

BULK_RECORDS_MAX, BULK_BODY_LEN_MAX, BULK_LOADS_MAX = 10_000, 64 << 20, 64
GATHER_JOBS_MAX, GATHER_BYTES_MAX, COURIER_FLIGHT_MAX = 256, 4 << 20, 4
PAYLOAD = 1 << 20


def post(path, body, kind, more=""):
    return (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n").encode() + body


def bulk(body):
    return post("/v1/batches", body, "application/x-ndjson")


def single(body, more=""):
    return post("/v1/jobs", body, "application/json", more)


class Limits(unittest.TestCase):
    def setUp(self):
        self.broker = PretendedBroker()
        self.addCleanup(self.broker.close)

    def start(self, *flags):
        gateway = Gateway(self.broker.endpoint, *flags)
        self.addCleanup(gateway.close)
        gateway.wait_ready()
        return gateway

    def call(self, gateway):
        line = socket.create_connection(gateway.address, timeout=PATIENCE_S)
        self.addCleanup(line.close)
        return line

    def hear(self, line):
        heard = b""
        while not is_whole(heard):
            part = line.recv(65536)
            if not part:
                break
            heard += part
        return heard

    def test_connections_max(self):
        gateway = self.start("--connections-max", "4")
        lines = [self.call(gateway) for _ in range(4)]
        for line in lines:
            line.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertIn(b" 200 ", self.hear(line))
        # One more waits while all of these stay …
        more = self.call(gateway)
        more.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for line in lines:
            line.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertIn(b" 200 ", self.hear(line))
        more.settimeout(0.3)
        self.assertRaises(TimeoutError, more.recv, 1)
        # … and is served when one has gone.
        lines.pop().close()
        more.settimeout(PATIENCE_S)
        self.assertIn(b" 200 ", self.hear(more))

    def test_buffered_max(self):
        gateway = self.start("--buffered-max", "1MiB")
        body = b'{"type":"a","payload":"' + b"x" * 1_000_000 + b'"}\n'
        slow = self.call(gateway)
        slow.sendall(bulk(body)[:-1])
        wait_for("all is taken", lambda: b"weft_gateway_buffered_bytes 10000" in gateway.ask("GET", "/metrics").body)
        refused = gateway.submit({"type": "a", "payload": "y" * 100_000})
        self.assertEqual((refused.status, "Retry-After" in refused.headers), (503, True), refused)
        slow.sendall(body[-1:])
        self.assertIn(b" 202 ", self.hear(slow))
        wait_for("room", lambda: gateway.submit({"type": "a", "payload": "y" * 100_000}).status == 202)

    def test_bulk_records_max(self):
        gateway = self.start()
        line = b'{"type":"a"}\n'
        answer = gateway.ask("POST", "/v1/batches", line * (BULK_RECORDS_MAX + 1), Content_Type="application/x-ndjson")
        self.assertEqual((answer.status, len(self.broker.jobs)), (413, 0), answer)
        self.assertIn("at most 10000 records", answer.json["detail"])
        answer = gateway.ask("POST", "/v1/batches", line * BULK_RECORDS_MAX, Content_Type="application/x-ndjson")
        self.assertEqual((answer.status, answer.json["accepted"]), (202, BULK_RECORDS_MAX))

    def test_bulk_body_len_max(self):
        gateway = self.start()
        frame = len(json.dumps({"type": "a", "payload": ""})) + 1
        line = json.dumps({"type": "a", "payload": "x" * (PAYLOAD // 2 - frame)}).encode() + b"\n"
        body = line * (BULK_BODY_LEN_MAX // len(line))
        self.assertEqual(len(body), BULK_BODY_LEN_MAX)
        answer = gateway.ask("POST", "/v1/batches", body, Content_Type="application/x-ndjson")
        self.assertEqual((answer.status, answer.json["accepted"]), (202, 128))
        heard = gateway.raw(bulk(body + b"\n")[:1000])  # by what its head says
        self.assertIn(b" 413 ", heard)
        self.assertEqual(len(self.broker.jobs), 128)

    def test_bulk_loads_max(self):
        gateway = self.start()
        self.broker.is_silent = True
        lines = [self.call(gateway) for _ in range(BULK_LOADS_MAX + 1)]
        for line in lines:
            line.sendall(bulk(b'{"type":"a"}\n'))
        heard = [None] * len(lines)

        def listen(i):
            heard[i] = self.hear(lines[i])
        ears = [threading.Thread(target=listen, args=(i,)) for i in range(len(lines))]
        for ear in ears:
            ear.start()
        wait_for("the refusal", lambda: any(heard))
        refused, = (answer for answer in heard if answer)
        self.assertIn(b" 503 ", refused)
        self.broker.is_silent = False
        for ear in ears:
            ear.join()
        self.assertEqual(sum(b" 202 " in answer for answer in heard), BULK_LOADS_MAX)

    def fill_flight(self, gateway, more=""):
        """As many SUBMIT as may be unanswered."""
        lines = [self.call(gateway) for _ in range(COURIER_FLIGHT_MAX)]
        self.broker.is_silent = True
        for count, line in enumerate(lines, 1):
            line.sendall(single(b'{"type":"a"}', more))
            wait_for("the broker has it", lambda: len(self.submits()) == count)  # pylint: disable=cell-var-from-loop
        return lines

    def submits(self):
        """corr of each SUBMIT, said again or not: how many jobs, how many bytes."""
        with self.broker.lock:
            return {corr: size for kind, corr, *size in self.broker.heard if kind == "submit"}

    def test_courier_flight_max(self):
        gateway = self.start()
        self.fill_flight(gateway)
        waiting = self.call(gateway)
        waiting.sendall(single(b'{"type":"late"}'))
        asking = self.call(gateway)
        asking.sendall(b"GET /v1/jobs/01890000-0000-7000-8000-000000000000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        # Questions pass by: this one comes after the fifth job, which is not there.
        wait_for("the question", lambda: any(kind == "status" for kind, *_ in list(self.broker.heard)))
        self.assertEqual(len(self.submits()), COURIER_FLIGHT_MAX)
        self.broker.is_silent = False
        self.assertIn(b" 202 ", self.hear(waiting))
        self.assertEqual(len(self.submits()), COURIER_FLIGHT_MAX + 1)

    def test_tenants_do_not_wait_for_each_other(self):
        gateway = self.start("--spool", "off")  # whose messages would come later
        tenants = [f"t{no}" for no in range(2 * COURIER_FLIGHT_MAX)]
        named = [f"Authorization: Bearer {gateway.token(tenant, '--tenant', tenant)}\r\n" for tenant in tenants]
        flight = self.fill_flight(gateway, named[0])
        for more in named:
            self.call(gateway).sendall(single(b'{"type":"a"}', more))
        # All of them wait when this question has passed by.
        self.call(gateway).sendall(f"GET /v1/jobs/01890000-0000-7000-8000-000000000000 HTTP/1.1\r\nHost: localhost\r\n{named[0]}\r\n".encode())
        wait_for("the question", lambda: any(kind == "status" for kind, *_ in list(self.broker.heard)))
        self.assertEqual(len(self.submits()), COURIER_FLIGHT_MAX)
        # One answer lets all of them go, while the others of the flight still wait for theirs.
        self.broker.spoken_to.add(next(iter(self.submits())))
        wait_for("a message of each", lambda: len(self.submits()) >= COURIER_FLIGHT_MAX + len(tenants))
        self.assertEqual(select.select(flight[1:], [], [], 0)[0], [])

    def crowd(self, gateway, bodies):
        """Jobs that wait while nothing more may be sent; how they were put into messages then."""
        self.fill_flight(gateway)
        lines = [self.call(gateway) for _ in bodies]
        for line, body in zip(lines, bodies):
            line.sendall(single(body))
        waiting = re.compile(rb"^weft_gateway_waiting_requests (\d+)$", re.M)
        wait_for("all wait", lambda: int(waiting.search(gateway.ask("GET", "/metrics").body)[1]) >=
                 COURIER_FLIGHT_MAX + len(bodies))
        self.broker.is_silent = False
        for line in lines:
            self.assertIn(b" 202 ", self.hear(line))
        return list(self.submits().values())[COURIER_FLIGHT_MAX:]

    def test_gather_jobs_max(self):
        sizes = self.crowd(self.start(), [b'{"type":"a"}'] * (GATHER_JOBS_MAX + 1))
        self.assertEqual([jobs for jobs, _ in sizes], [GATHER_JOBS_MAX, 1])

    def test_gather_bytes_max(self):
        body = b'{"type":"a","payload":"' + b"x" * (PAYLOAD - 2) + b'"}'
        sizes = self.crowd(self.start(), [body] * (GATHER_BYTES_MAX // PAYLOAD + 1))
        self.assertEqual([size for _, size in sizes], [GATHER_BYTES_MAX, PAYLOAD])


if __name__ == "__main__":
    unittest.main()
