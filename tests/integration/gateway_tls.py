"""The HTTP door with TLS: a certificate of the test's own, renewed while connections stand."""

import hashlib
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
import warnings

from lib_broker import PATIENCE_S
from lib_gateway import Answer, Gateway, PretendedBroker, wait_for

JOB = {"type": "a.b", "payload": 1}


def make_certificate(place, name, above=()):
    """Files of a certificate for localhost, and of its key; `above` are those of its authority, or it is its own."""
    certificate, key = os.path.join(place, f"{name}.pem"), os.path.join(place, f"{name}.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "30",
                    "-keyout", key, "-out", certificate, *(("-CA", above[0], "-CAkey", above[1]) if above else ())], check=True, capture_output=True, timeout=PATIENCE_S)
    return certificate, key


def copy(source, target):
    with open(source, "rb") as file:
        text = file.read()
    with open(target + ".new", "wb") as file:
        file.write(text)
    os.rename(target + ".new", target)


def print_of(certificate):
    with open(certificate, encoding="ascii") as file:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()


class Secure(unittest.TestCase):
    def setUp(self):
        self.broker = PretendedBroker()
        self.addCleanup(self.broker.close)
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.place = holder.name
        self.first, self.second = make_certificate(self.place, "first"), make_certificate(self.place, "second")
        self.used = os.path.join(self.place, "used.pem"), os.path.join(self.place, "used.key")
        self.use(self.first)

    def use(self, files):
        for source, target in zip(files, self.used):
            copy(source, target)

    def gateway(self):
        gateway = Gateway(self.broker.endpoint, "--tls-certificate", self.used[0], "--tls-key", self.used[1])
        self.addCleanup(gateway.close)
        wait_for("the gateway is ready", lambda: self.ask(gateway, "GET", "/readyz").body == b"ready\n")
        return gateway

    def context(self):
        context = ssl.create_default_context()
        for certificate, _ in (self.first, self.second):
            context.load_verify_locations(certificate)
        return context

    def open(self, gateway, context=None):
        return http.client.HTTPSConnection("localhost", gateway.address[1], timeout=PATIENCE_S,
                                           context=context or self.context())

    def ask(self, gateway, method, path, body=None, **headers):
        connection = self.open(gateway)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def submit(self, gateway, job):
        return self.ask(gateway, "POST", "/v1/jobs", json.dumps(job), Content_Type="application/json")

    def shown(self, gateway):
        with socket.create_connection(gateway.address, timeout=PATIENCE_S) as plain:
            with self.context().wrap_socket(plain, server_hostname="localhost") as secure:
                return hashlib.sha256(secure.getpeercert(True)).hexdigest()

    def test_it_serves_as_without(self):
        gateway = self.gateway()
        self.assertEqual(self.submit(gateway, JOB).status, 202)
        large = {"type": "a.b", "payload": "x" * 1000000}
        self.assertEqual(self.submit(gateway, large).status, 202)
        self.assertEqual(sorted(len(job["payload"]) for job in self.broker.jobs.values()), [1, 1000002])
        connection = self.open(gateway)
        for _ in range(50):
            connection.request("GET", "/livez")
            self.assertEqual(connection.getresponse().read(), b"live\n")
        connection.close()

    def waiting(self, gateway):
        text = self.ask(gateway, "GET", "/metrics").body.decode()
        return int(re.search(r"^weft_gateway_waiting_requests (\d+)$", text, re.M)[1])

    def test_a_client_that_goes_away_frees_its_place(self):
        gateway = self.gateway()
        before = self.waiting(gateway)
        connection = self.open(gateway)
        connection.request("POST", "/v1/jobs", json.dumps(JOB), {"Content-Type": "application/json", "Prefer": "wait=60"})
        wait_for("it waits", lambda: self.waiting(gateway) == before + 1)
        began = time.monotonic()
        connection.sock.settimeout(0.1)
        try:
            connection.sock.unwrap()  # the end of TLS lies unread before that of the connection
        except OSError:
            pass  # it is not answered
        connection.close()
        wait_for("the place is free", lambda: self.waiting(gateway) == before)
        self.assertLess(time.monotonic() - began, 30, "long before the wait is over")

    def test_requests_in_one_record_are_all_answered(self):
        gateway = self.gateway()
        body = json.dumps(JOB).encode()
        post = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        with socket.create_connection(gateway.address, timeout=PATIENCE_S) as plain:
            with self.context().wrap_socket(plain, server_hostname="localhost") as secure:
                secure.sendall(post * 3 + b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                heard = b""
                while part := secure.recv(65536):
                    heard += part
        self.assertEqual(heard.count(b"HTTP/1.1 202"), 3)
        self.assertTrue(heard.endswith(b"live\n"))

    def test_what_is_not_tls_is_not_served(self):
        gateway = self.gateway()
        heard = gateway.raw(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertNotIn(b"HTTP/1.1 200", heard)
        old = self.context()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.open(gateway, old).request("GET", "/livez")
        self.assertEqual(self.ask(gateway, "GET", "/livez").status, 200)

    def test_a_renewal_cuts_nothing(self):
        gateway = self.gateway()
        job = self.submit(gateway, JOB).json
        kept, waiting, stream = self.open(gateway), self.open(gateway), self.open(gateway)
        kept.request("GET", "/livez")
        self.assertEqual(kept.getresponse().read(), b"live\n")
        waiting.request("GET", job["status_url"] + "?wait=60s&version=1")
        stream.request("GET", job["events_url"])
        events = stream.getresponse()
        self.assertIn(b"retry", events.readline())
        self.assertEqual(self.shown(gateway), print_of(self.first[0]))
        self.use(self.second)
        gateway.process.send_signal(signal.SIGHUP)
        wait_for("the new certificate", lambda: self.shown(gateway) == print_of(self.second[0]))
        kept.request("GET", "/livez")
        self.assertEqual(kept.getresponse().read(), b"live\n")
        self.broker.finish(next(iter(self.broker.jobs)), b"7")
        self.assertEqual(json.loads(waiting.getresponse().read())["status"], "succeeded")
        self.assertIn(b'"succeeded"', events.read())
        for connection in (kept, waiting, stream):
            connection.close()

    def test_a_bad_renewal_changes_nothing(self):
        gateway = self.gateway()
        bad = {"the key of another": (self.second[0], self.first[1]), "no certificate in PEM": (self.first[1], self.first[1]),
               "no private key in PEM": (self.first[0], self.first[0])}
        for why, files in bad.items():
            with self.subTest(why):
                self.use(files)
                gateway.process.send_signal(signal.SIGHUP)
                wait_for("the log has it", lambda why=why: why in gateway.stderr())
                self.assertEqual(self.shown(gateway), print_of(self.first[0]))
        os.remove(self.used[0])
        gateway.process.send_signal(signal.SIGHUP)
        wait_for("the log has it", lambda: "cannot be read" in gateway.stderr())
        self.assertEqual(self.ask(gateway, "GET", "/livez").status, 200)

    def test_chains_may_have_eight(self):
        files = [self.first]
        for level in range(8):
            files.append(make_certificate(self.place, f"level{level}", files[-1]))

        def use_chain(count):
            copy(files[count - 1][1], self.used[1])
            with open(self.used[0], "wb") as chain:
                for certificate, _ in files[count - 1::-1]:
                    with open(certificate, "rb") as file:
                        chain.write(file.read())
        use_chain(9)  # HTTP_TLS_CHAIN_MAX is 8
        with self.assertRaisesRegex(AssertionError, "more than 8 certificates"):
            self.gateway()
        use_chain(8)
        self.assertEqual(self.ask(self.gateway(), "GET", "/livez").status, 200)
        with open(self.used[0], "ab") as file:
            file.write(b"#" * (256 * 1024))  # HTTP_TLS_FILE_LEN_MAX
        with self.assertRaisesRegex(AssertionError, "longer than 256 KiB"):
            self.gateway()

    def test_it_does_not_start_with_half_of_it(self):
        self.use((self.second[0], self.first[1]))
        with self.assertRaisesRegex(AssertionError, "the key of another certificate"):
            self.gateway()
        for flag in ("--tls-certificate", "--tls-key"):
            with self.assertRaisesRegex(AssertionError, "give both or none"):
                Gateway(self.broker.endpoint, flag, self.used[0])

    def test_clients_that_never_finish_a_handshake_harm_nobody(self):
        gateway = self.gateway()
        with socket.create_connection(gateway.address, timeout=PATIENCE_S) as hello:
            hello.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40))
            for cut in (b"", b"\x16", b"\x16\x03\x01\xff\xff", b"GET / HTTP/1.1\r\n\r\n", bytes(range(256))):
                with socket.create_connection(gateway.address, timeout=PATIENCE_S) as connection:
                    connection.sendall(cut)
                self.assertEqual(self.ask(gateway, "GET", "/livez").status, 200)
        self.assertEqual(self.broker.jobs, {})


if __name__ == "__main__":
    unittest.main()
