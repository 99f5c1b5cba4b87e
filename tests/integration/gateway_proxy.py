"""nginx in front of a gateway, configured as docs/http-api.md says, but for addresses and files: TLS, kept connections,
streams, long polls, large bodies, and requests that two programs could read in two ways."""

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest

from gateway_bad_input import CASES
from gateway_tls import make_certificate
from lib_broker import PATIENCE_S, ROOT
from lib_gateway import Answer, Gateway, PretendedBroker, is_whole, wait_for

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
AROUND = """daemon off;
master_process off;
pid {place}/pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
{inner}
}}
"""
JOB = {"type": "a.b", "payload": 1}
JSON = {"Content-Type": "application/json"}


def configuration(place, certificate, address):
    """The page's two blocks, the prefix of the second beside the first's locations."""
    with open(os.path.join(ROOT, "docs", "http-api.md"), encoding="utf-8") as page:
        server, prefix = re.findall(r"^```nginx\n(.*?)^```$", page.read(), re.M | re.S)
    inner = server.rstrip().removesuffix("}") + prefix + "}\n"
    for said, used in (("listen 443 ssl;", f"listen unix:{place}/door ssl;"),
                       ("/etc/ssl/certs/jobs.example.com.pem", certificate[0]),
                       ("/etc/ssl/private/jobs.example.com.key", certificate[1]),
                       ("127.0.0.1:7410", "{}:{}".format(*address))):
        assert inner.count(said) == 1, said
        inner = inner.replace(said, used)
    return AROUND.format(place=place, inner=inner)


class Connection(http.client.HTTPConnection):
    """To the proxy, whose door is a socket of the file system: no port can be taken."""

    def __init__(self, door, context):
        super().__init__("jobs.example.com", timeout=PATIENCE_S)
        self.door, self.context = door, context

    def connect(self):
        plain = socket.socket(socket.AF_UNIX)
        plain.settimeout(PATIENCE_S)
        plain.connect(self.door)
        self.sock = self.context.wrap_socket(plain, server_hostname="localhost")


class BehindNginx(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        assert NGINX, "nginx is missing: make deps"
        holder = tempfile.TemporaryDirectory(prefix="weft-proxy-")
        cls.addClassCleanup(holder.cleanup)
        cls.certificate = make_certificate(holder.name, "proxy")
        cls.context = ssl.create_default_context(cafile=cls.certificate[0])

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="weft-proxy-")
        self.addCleanup(holder.cleanup)
        self.door = os.path.join(holder.name, "door")
        self.broker = PretendedBroker()
        self.addCleanup(self.broker.close)
        self.gateway = Gateway(self.broker.endpoint, "--hosts", "weft")  # as nginx calls it
        self.addCleanup(lambda: self.gateway.close())  # the last one
        self.gateway.wait_ready()
        settings, log = os.path.join(holder.name, "nginx.conf"), os.path.join(holder.name, "error.log")
        with open(settings, "w", encoding="utf-8") as file:
            file.write(configuration(holder.name, self.certificate, self.gateway.address))
        self.nginx = subprocess.Popen([NGINX, "-p", holder.name, "-e", log, "-c", settings], stderr=subprocess.PIPE)
        self.addCleanup(self.end_nginx)
        wait_for("nginx listens", lambda: self.nginx.poll() is not None or self.is_open())
        self.assertIsNone(self.nginx.poll())

    def is_open(self):
        """The file is there before anybody listens."""
        try:
            with socket.socket(socket.AF_UNIX) as plain:
                plain.connect(self.door)
        except OSError:
            return False
        return True

    def end_nginx(self):
        self.nginx.terminate()
        self.nginx.communicate(timeout=PATIENCE_S)

    def open(self):
        return Connection(self.door, self.context)

    def ask(self, method, path, body=None, headers=None, connection=None):
        used = connection or self.open()
        try:
            used.request(method, path, body, headers or {})
            return Answer(used.getresponse())
        finally:
            if connection is None:
                used.close()

    def raw(self, data):
        """What comes until the connection ends or an answer is whole."""
        connection = self.open()
        connection.connect()
        with connection.sock as secure:
            heard = b""
            # Who refuses need not wait for the rest.
            with contextlib.suppress(ConnectionError, ssl.SSLEOFError):
                secure.sendall(data)
            with contextlib.suppress(ConnectionError, ssl.SSLEOFError):
                while not is_whole(heard) and (part := secure.recv(65536)):
                    heard += part
            return heard

    def metric(self, name):
        return int(re.search(rf"^{name} (\d+)$", self.ask("GET", "/metrics").body.decode(), re.M)[1])

    def submits(self):
        with self.broker.lock:
            return sum(self.broker.submits)

    def submit(self, **more):
        answer = self.ask("POST", "/v1/jobs", json.dumps({**JOB, **more}), JSON)
        self.assertEqual(answer.status, 202, answer)
        return answer

    def finish_newest(self):
        with self.broker.lock:
            newest = list(self.broker.jobs)[-1]
        self.broker.finish(newest, b"7")

    def test_connections_are_kept_on_both_sides(self):
        connection = self.open()
        try:
            self.ask("GET", "/livez", connection=connection)
            before, sock = self.metric("weft_gateway_connections_total"), connection.sock
            for _ in range(50):
                answer = self.ask("POST", "/v1/jobs", json.dumps(JOB), JSON, connection=connection)
                self.assertEqual(answer.status, 202)
            self.assertIs(connection.sock, sock)
            self.assertEqual(self.metric("weft_gateway_connections_total"), before)
        finally:
            connection.close()

    def test_urls_are_right_behind_any_name(self):
        answer = self.submit()
        self.assertEqual(answer.headers["Location"], answer.json["status_url"])
        self.assertRegex(answer.json["status_url"], r"^/v1/jobs/[0-9a-f-]{36}$")
        self.assertEqual(self.ask("GET", answer.headers["Location"]).json["status"], "queued")

    def test_behind_a_prefix_the_location_leads_back(self):
        answer = self.ask("POST", "/weft/v1/jobs", json.dumps(JOB), JSON)
        self.assertEqual(answer.headers["Location"], "https://jobs.example.com/weft" + answer.json["status_url"])
        self.assertEqual(self.ask("GET", "/weft" + answer.json["status_url"]).json["job_id"], answer.json["job_id"])
        self.assertEqual(self.ask("POST", "/weft" + answer.json["cancel_url"]).headers["Content-Type"], "application/problem+json")

    def test_where_a_client_says_it_comes_from_changes_nothing(self):
        claims = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher",
                  "X-Forwarded-Prefix": "/evil", "Forwarded": "for=127.0.0.1;host=evil.example;proto=http",
                  "X-Real-IP": "127.0.0.1", "X-Original-URL": "/metrics", "X-Rewrite-URL": "/metrics",
                  "X-HTTP-Method-Override": "DELETE"}
        plain = self.submit()
        claimed = self.ask("POST", "/v1/jobs", json.dumps(JOB), {**JSON, **claims})
        self.assertEqual((claimed.status, sorted(claimed.json), sorted(claimed.headers)), (202, sorted(plain.json), sorted(plain.headers)))
        self.assertNotIn(b"evil", claimed.body + str(claimed.headers).encode())
        status = self.ask("GET", claimed.headers["Location"], headers=claims)
        self.assertEqual((status.status, status.json["job_id"]), (200, claimed.json["job_id"]))

    def test_events_come_while_the_stream_is_open(self):
        job = self.submit().json
        connection = self.open()
        connection.request("GET", job["events_url"])
        stream = connection.getresponse()
        self.assertEqual(stream.headers["Content-Type"], "text/event-stream")
        while b'"queued"' not in (line := stream.readline()):
            self.assertTrue(line)
        self.finish_newest()
        self.assertIn(b'"succeeded"', stream.read())
        connection.close()

    def test_a_long_poll_is_answered_at_the_change(self):
        job = self.submit().json
        connection = self.open()
        connection.request("GET", job["status_url"] + "?wait=60s&version=1")
        wait_for("it waits at the broker", lambda: any(ask.status.wait_ms > 1000 for _, _, ask in list(self.broker.waiting)))
        self.finish_newest()
        self.assertEqual(json.loads(connection.getresponse().read())["status"], "succeeded")
        connection.close()

    def test_a_body_in_chunks_is_taken_everywhere(self):
        """The proxy reads it whole but at /v1/batches, where the gateway takes chunks."""
        for path, status in (("/v1/jobs", 202), ("/v1/batches", 202)):
            body = json.dumps(JOB if path == "/v1/jobs" else [JOB]).encode()
            answer = self.ask("POST", path, iter((body[:5], body[5:])), JSON)
            self.assertEqual(answer.status, status, answer)

    def test_64_mib_go_through_as_they_come(self):
        before = self.submits()
        record = b'{"type":"a.b","payload":"' + b"x" * (6710 - 28) + b'"}\n'
        self.assertLess(64 * 1024 * 1024 - len(record) * 10_000, 16_384)
        answer = self.ask("POST", "/v1/batches", (record * 100 for _ in range(100)), {"Content-Type": "application/x-ndjson"})
        self.assertEqual((answer.status, answer.json["accepted"]), (202, 10_000), answer)
        self.assertEqual(self.submits() - before, 10_000)
        # Beyond, nobody reads it.
        heard = self.raw(b"POST /v1/batches HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (64 * 1024 * 1024 + 1))
        self.assertTrue(heard.startswith(b"HTTP/1.1 413"), heard)

    def test_half_a_body_stores_nothing(self):
        before = self.submits()
        connection = self.open()
        connection.connect()
        record = json.dumps({"type": "a.b", "payload": "x" * 1_000_000}).encode() + b"\n"
        connection.sock.sendall(b"POST /v1/batches HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\n"
                                b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(record), record))
        wait_for("it comes before its end", lambda: self.metric("weft_gateway_buffered_bytes") >= len(record))
        connection.close()
        wait_for("it is given up", lambda: self.metric("weft_gateway_buffered_bytes") == 0)
        self.assertEqual(self.submits(), before)

    def test_the_token_is_handed_on(self):
        def status(**headers):
            return self.ask("POST", "/v1/jobs", json.dumps(JOB), {**JSON, **headers}).status
        token = self.gateway.token("svc", "--scopes", "submit")
        wait_for("the list is read", lambda: status() == 401)
        stored = len(self.broker.jobs)
        self.assertEqual(status(Authorization=f"Bearer {token}"), 202)
        self.assertEqual(status(Authorization="Bearer nobody", **{"X-Forwarded-User": "svc"}), 401)
        self.assertEqual(len(self.broker.jobs), stored + 1)

    def test_a_gateway_that_starts_anew_is_found_again(self):
        self.submit()
        self.gateway.close()
        self.assertEqual(self.ask("POST", "/v1/jobs", json.dumps(JOB), JSON).status, 502)
        self.gateway = Gateway(self.broker.endpoint, "--hosts", "weft", http_address="{}:{}".format(*self.gateway.address))
        self.gateway.wait_ready()
        wait_for("it is asked again", lambda: self.ask("GET", "/livez").status == 200)
        self.submit()

    def test_nothing_is_upgraded(self):
        for upgrade in (b"websocket", b"h2c", b"TLS/1.2"):
            ask = (b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: %s\r\n"
                   b"HTTP2-Settings: AAMAAABkAAQAAP__\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   b"Sec-WebSocket-Version: 13\r\n\r\n" % upgrade)
            for heard in (self.raw(ask), self.gateway.raw(ask)):  # and where a proxy would hand it on
                self.assertTrue(heard.startswith(b"HTTP/1.1 200"), heard)
                self.assertTrue(heard.endswith(b"live\n"), heard)
        heard = self.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        self.assertNotIn(b"HTTP/1.1 200", heard)

    def test_no_request_hides_in_another(self):
        inner = json.dumps(JOB).encode()
        hidden = b"POST /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(inner), inner)
        chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden)
        length = b"Content-Length: %d\r\n"
        frames = {
            "length beside chunks": (length % len(chunk) + b"Transfer-Encoding: chunked\r\n", chunk),
            "a length that ends the chunks early": (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", chunk),
            "chunks that end before the length": (length % (5 + len(hidden)) + b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n" + hidden),
            "two lengths": (length % 0 + length % len(hidden), hidden),
            "a list of lengths": (b"Content-Length: 0, %d\r\n" % len(hidden), hidden),
            "a signed length": (b"Content-Length: +%d\r\n" % len(hidden), hidden),
            "a negative length": (b"Content-Length: -1\r\n", hidden),
            "an unknown coding": (length % len(hidden) + b"Transfer-Encoding: xchunked\r\n", hidden),
            "a list of codings": (length % len(hidden) + b"Transfer-Encoding: chunked, identity\r\n", hidden),
            "two codings": (length % len(hidden) + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + hidden),
            "a blank before the colon": (length % len(hidden) + b"Transfer-Encoding : chunked\r\n", hidden),
            "a tab before the coding": (length % len(hidden) + b"Transfer-Encoding:\tchunked\r\n", hidden),
            "a strange blank": (length % len(hidden) + b"Transfer-Encoding: \x0bchunked\r\n", hidden),
            "a folded line": (length % len(hidden) + b"Transfer-Encoding:\r\n chunked\r\n", hidden),
            "a bare LF": (length % len(hidden) + b"X: 1\nTransfer-Encoding: chunked\r\n", hidden),
            "a bare CR": (length % len(hidden) + b"X: 1\rTransfer-Encoding: chunked\r\n", hidden),
            "a zero byte": (length % len(hidden) + b"X: \x00\r\nTransfer-Encoding: chunked\r\n", hidden),
            "an underscore": (length % len(hidden) + b"Transfer_Encoding: chunked\r\n", hidden),
            "a size in hex of C": (b"Transfer-Encoding: chunked\r\n", b"0x%x\r\n%s\r\n0\r\n\r\n" % (len(hidden), hidden)),
            "a size that overflows": (b"Transfer-Encoding: chunked\r\n", b"1%016x\r\n%s\r\n0\r\n\r\n" % (0, hidden)),
            "an LF in an extension": (b"Transfer-Encoding: chunked\r\n", b"%x;a\n%s\r\n0\r\n\r\n" % (len(hidden), hidden)),
            "chunks as they should be": (b"Transfer-Encoding: chunked\r\n", chunk),
            "a length as it should be": (length % len(hidden), hidden),
        }
        before = self.submits()
        for path in (b"/livez", b"/v1/batches"):  # read whole by the proxy, and handed on as it comes
            for name, (lines, body) in frames.items():
                with self.subTest(name, path=path):
                    heard = self.raw(b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n%s\r\n%s" % (path, lines, body))
                    self.assertNotIn(b"HTTP/1.1 20", heard)
                    self.assertNotIn(b'"job_id"', heard)
                    # Whoever comes next on the connections that are kept gets its own answer.
                    for _ in range(3):
                        self.assertEqual(self.ask("GET", "/livez").body, b"live\n")
                    self.assertEqual(self.submits(), before)

    def test_what_the_gateway_refuses_is_refused_through_it(self):
        """No more is stored than the client was told of."""
        told = 0
        for _, data, _ in CASES:
            if len(data) < 100_000:
                told += self.raw(data).count(b"HTTP/1.1 202")
                self.assertEqual(self.ask("GET", "/livez").body, b"live\n")
        singles = [job for job in self.broker.jobs.values() if not job["wire"].batch_id]
        self.assertLessEqual(len(singles), told)

    def test_what_asks_in_a_head_asks_nothing_else(self):
        before = self.submits()
        for line in (b"GET http://127.0.0.1/v1/jobs HTTP/1.1\r\nHost: a", b"GET /livez\r\nX: HTTP/1.1\r\nHost: a",
                     b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b", b"GET /livez%0d%0aPOST HTTP/1.1\r\nHost: a"):
            heard = self.raw(line + b"\r\n\r\n")
            self.assertLessEqual(heard.count(b"HTTP/1.1 "), 1, heard)
        self.assertEqual(self.submits(), before)


if __name__ == "__main__":
    unittest.main()
