#!/usr/bin/env python3
"""The gateway behind nginx, with the configuration of docs/http-api.md: followed, polled, filled and attacked through it."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import unittest

from gateway_bad_input import CASES, HOST, post
from lib_broker import PATIENCE_S, ROOT
from lib_gateway import Answer, Gateway, PretendedBroker, wait_for

NDJSON = {"Content-Type": "application/x-ndjson"}
# One process in front, which logs to its own folder and listens on a socket there.
AROUND = """
daemon off; master_process off; pid nginx.pid; error_log errors.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
    server {{
        listen unix:door;
        {location}
    }}
}}
"""


def location():
    with open(os.path.join(ROOT, "docs", "http-api.md"), encoding="utf-8") as page:
        return re.search(r"^```\n(location .*?)^```", page.read(), re.M | re.S)[1]


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("proxy.example", timeout=PATIENCE_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(self.path)


class BehindNginx(unittest.TestCase):
    def setUp(self):
        self.broker = PretendedBroker()
        self.addCleanup(self.broker.close)
        self.gateway = Gateway(self.broker.endpoint)
        self.addCleanup(lambda: self.gateway.close())  # the last one
        self.gateway.wait_ready()
        holder = tempfile.TemporaryDirectory(prefix="weft-proxy-")
        self.addCleanup(holder.cleanup)
        self.door = os.path.join(holder.name, "door")
        ours = location().replace("127.0.0.1:7410", "{}:{}".format(*self.gateway.address))
        self.assertIn(str(self.gateway.address[1]), ours)
        with open(os.path.join(holder.name, "nginx.conf"), "w", encoding="utf-8") as file:
            file.write(AROUND.format(location=ours).replace("unix:door", f"unix:{self.door}"))
        self.nginx = subprocess.Popen(["nginx", "-p", holder.name, "-c", "nginx.conf", "-e", "errors.log"],
                                      stderr=subprocess.PIPE, env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})
        self.addCleanup(self.end_nginx)
        wait_for("nginx listens", lambda: self.nginx.poll() is not None or os.path.exists(self.door))
        self.assertIsNone(self.nginx.poll())

    def end_nginx(self):
        self.nginx.send_signal(signal.SIGTERM)
        self.nginx.communicate(timeout=PATIENCE_S)

    def ask(self, method, path, body=None, headers=None, connection=None):
        connection = connection or Connection(self.door)
        connection.request(method, path, body=body, headers=headers or {})
        answer = Answer(connection.getresponse())
        connection.close()
        return answer

    def submit(self, kind, **headers):
        return self.ask("POST", "/v1/jobs", json.dumps({"type": kind}), {"Content-Type": "application/json", **headers})

    def test_a_job_is_submitted_polled_and_followed(self):
        made = self.submit("a.b", **{"Idempotency-Key": "k"})
        self.assertEqual(made.status, 202)
        self.assertTrue(made.json["status_url"].startswith("/v1/jobs/"))  # whatever the proxy is called
        self.assertTrue(made.headers["Location"].startswith("/v1/jobs/"))
        job = next(iter(self.broker.jobs.values()))
        events = Connection(self.door)
        self.addCleanup(events.close)
        events.request("GET", made.json["events_url"], headers={"Accept": "text/event-stream"})
        stream = events.getresponse()
        self.assertEqual(stream.status, 200)
        heard = b""
        while b"queued" not in heard:  # it is here while the stream goes on: nothing is held back
            heard += stream.readline()
        poll = Connection(self.door)
        poll.request("GET", made.json["status_url"] + "?wait=30s", headers={"If-None-Match": 'W/"x"'})
        self.broker.finish(job["id"], b'{"n":1}')
        self.assertIn(Answer(poll.getresponse()).json["status"], ("queued", "succeeded"))
        poll.close()
        while b"succeeded" not in heard:
            line = stream.readline()
            self.assertNotEqual(line, b"")
            heard += line
        again = self.ask("GET", made.json["status_url"])
        self.assertEqual((again.json["status"], again.json["result"]), ("succeeded", {"n": 1}))
        self.assertEqual(self.ask("GET", made.json["status_url"], headers={"If-None-Match": again.headers["ETag"]}).status, 304)

    def test_bulk_in_chunks_and_of_full_size_goes_through(self):
        lines = [json.dumps({"type": "bulk", "payload": "x" * 5800}).encode() + b"\n"] * 10000
        size = sum(map(len, lines))
        self.assertGreater(size, 55 << 20)
        answer = self.ask("POST", "/v1/batches", iter(lines), NDJSON)  # http.client sends these in chunks
        self.assertEqual((answer.status, len(self.broker.jobs)), (202, 10000))
        too_much = self.ask("POST", "/v1/batches", b"x" * ((64 << 20) + 1), NDJSON)
        self.assertEqual((too_much.status, len(self.broker.jobs)), (413, 10000))

    def test_the_token_is_handed_on(self):
        token = self.gateway.token("svc", "--scopes", "submit")
        wait_for("the list is read", lambda: self.submit("a").status == 401)
        stored = len(self.broker.jobs)
        self.assertEqual(self.submit("a", Authorization=f"Bearer {token}").status, 202)
        self.assertEqual(self.submit("a", Authorization="Bearer nobody", **{"X-Forwarded-User": "svc"}).status, 401)
        self.assertEqual(len(self.broker.jobs), stored + 1)

    def test_a_gateway_that_starts_anew_is_found_again(self):
        self.assertEqual(self.submit("before").status, 202)
        self.gateway.close()
        self.assertEqual(self.submit("between").status, 502)
        self.gateway = Gateway(self.broker.endpoint, http_address="{}:{}".format(*self.gateway.address))
        self.gateway.wait_ready()
        self.assertEqual(self.submit("after").status, 202)

    def raw(self, data):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE_S)
            connection.connect(self.door)
            heard = b""
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                while part := connection.recv(65536):
                    heard += part
            except (ConnectionResetError, BrokenPipeError):
                pass
            return heard

    def test_nothing_is_smuggled_through(self):
        """However the two may read a request: no more is stored than the client was told of."""
        hidden = post(b'{"type":"smuggled"}')
        vectors = [data for _, data, _ in CASES if len(data) < 100000] + [
            post(hidden, head=b"Content-Type: application/json\r\n" + line) for line in (
                b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: xchunked\r\n", b"Transfer_Encoding: chunked\r\n",
                b"Transfer-Encoding:\tchunked\r\n", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
                b"X: y\r\nContent-Length: 0\r\n", b"Connection: Content-Length\r\n", b"Upgrade: h2c\r\nConnection: Upgrade\r\n",
                b"Expect: 100-continue\r\n", b"\x0bContent-Length: 0\r\n")] + [
            b"GET /livez HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(hidden) + hidden,
            b"POST /v1/batches HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n"]
        told = 0
        for data in vectors:
            heard = self.raw(data)
            told += heard.count(b"HTTP/1.1 202")
            self.assertEqual(self.ask("GET", "/livez").body, b"live\n")
        singles = [job for job in self.broker.jobs.values() if not job["wire"].batch_id]
        self.assertLessEqual(len(singles), told)
        self.assertNotIn("smuggled", {job["wire"].type for job in self.broker.jobs.values()})


if __name__ == "__main__":
    unittest.main()
