"""Who may use the HTTP door: tokens that are made, revoked, expire and get lost while it serves."""

import concurrent.futures
import http.client
import json
import os
import subprocess
import tempfile
import unittest

from lib_broker import PATIENCE_S
from lib_clock import Clock
from lib_gateway import Gateway, PretendedBroker, token_verb, wait_for

JOB = {"type": "a.b", "payload": 1}
NO_TOKEN, SCOPE, MISDIRECTED = "WEFT-1035", "WEFT-1036", "WEFT-1062"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}

TOKEN_COUNT_MAX = 4096


class Tokens(unittest.TestCase):
    def setUp(self):
        self.broker = PretendedBroker()
        self.addCleanup(self.broker.close)

    def gateway(self, *flags, **options):
        gateway = Gateway(self.broker.endpoint, *flags, **options)
        self.addCleanup(gateway.close)
        gateway.wait_ready()
        return gateway

    def refused(self, answer, status, code, challenge):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.json["code"], code)
        self.assertEqual(answer.headers["WWW-Authenticate"], challenge)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")

    def test_from_the_first_token_on_all_need_one(self):
        gateway = self.gateway()
        self.assertEqual(gateway.submit(JOB).status, 202)
        token = gateway.token("ci")
        self.refused(gateway.submit(JOB), 401, NO_TOKEN, 'Bearer realm="weft"')
        self.assertEqual(gateway.submit(JOB, **bearer(token)).status, 202)
        self.assertEqual(gateway.submit(JOB, Authorization="bearer  " + token).status, 202)
        for path in ("/livez", "/readyz", "/"):
            self.assertEqual(gateway.ask("GET", path).status, 200, path)
        self.assertEqual(len(self.broker.jobs), 3)

    def test_without_tokens_no_page_of_another_site_is_served(self):
        """What a browser sends for a page that names this door; a program says nothing of the kind."""
        gateway = self.gateway()
        for site in ("cross-site", "same-site", ""):
            said = {"Sec_Fetch_Site": site}
            for method, path in (("POST", "/v1/jobs:cancel?status=queued"), ("GET", "/v1/jobs"), ("GET", "/metrics")):
                self.refused(gateway.ask(method, path, **said), 401, NO_TOKEN, 'Bearer realm="weft"')
            self.assertEqual(gateway.ask("GET", "/livez", **said).status, 200)
            self.assertEqual(gateway.submit(JOB, **said).status, 401)
        self.assertEqual(self.broker.jobs, {})
        for site in ("same-origin", "none"):
            self.assertEqual(gateway.submit(JOB, Sec_Fetch_Site=site).status, 202)
        token = gateway.token("ci")  # which no page has unless it was given one
        self.assertEqual(gateway.submit(JOB, **bearer(token), Sec_Fetch_Site="cross-site").status, 202)

    def test_without_tokens_only_names_of_this_machine_are_served(self):
        """A page may have a name that its owner lets point at this machine: it is no other site then."""
        gateway = self.gateway()
        page = {"Sec_Fetch_Site": "same-origin", "Host": "evil.example:7410"}
        for method, path in (("POST", "/v1/jobs:cancel?status=queued"), ("GET", "/v1/jobs"), ("GET", "/metrics")):
            answer = gateway.ask(method, path, **page)
            self.assertEqual((answer.status, answer.json["code"]), (421, MISDIRECTED), answer)
            self.assertEqual(answer.json["detail"], 'the Host is "evil.example:7410"')
            self.assertIn("--hosts", answer.json["fix"])
        self.assertEqual(gateway.submit(JOB, **page).status, 421)
        self.assertEqual(gateway.ask("GET", "/livez", **page).status, 200)
        self.assertEqual(self.broker.jobs, {})
        for host in ("localhost", "LOCALHOST:80", "weft.localhost", "127.3.2.1:7410", "[::1]:7410"):
            self.assertEqual(gateway.submit(JOB, Host=host).status, 202, host)
        token = gateway.token("ci")  # which no page has unless it was given one
        self.assertEqual(gateway.submit(JOB, **bearer(token), Host="evil.example").status, 202)
        self.assertEqual(gateway.submit(JOB, Host="evil.example").status, 401)

    def test_names_that_are_given_are_served(self):
        gateway = self.gateway("--hosts", "weft, jobs.example.com")
        token = None
        for _ in range(2):  # without tokens and with them
            said = bearer(token) if token else {}
            for host in ("weft", "Jobs.Example.com:443", "localhost"):
                self.assertEqual(gateway.submit(JOB, **said, Host=host).status, 202, host)
            for host in ("example.com", "weft.example.com", "evil.example"):
                self.assertEqual(gateway.submit(JOB, **said, Host=host).status, 421, host)
            token = token or gateway.token("ci")
        for hosts in ("weft:80", "http://weft", "*", "weft,"):
            with self.assertRaisesRegex(AssertionError, "--hosts: names or addresses without a port"):
                Gateway(self.broker.endpoint, "--hosts", hosts)

    def test_what_is_no_token_is_refused(self):
        gateway = self.gateway()
        token = gateway.token("ci")
        challenge = 'Bearer realm="weft", error="invalid_token"'
        for header in (token, "Basic " + token, "Bearer", "Bearer ", "Bearer x", f"Bearer {token}x",
                       f"Bearer {token[:-1]}", f"Bearer {token} {token}", f"Bearer {token.upper()}",
                       f"Bearer {token},", "Bearer " + "x" * 8000):
            with self.subTest(header):
                self.refused(gateway.submit(JOB, Authorization=header), 401, NO_TOKEN, challenge)
        twice = gateway.raw(f"GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
                            f"authorization: Bearer {token}\r\n\r\n".encode())
        self.assertTrue(twice.startswith(b"HTTP/1.1 401"), twice)
        self.assertEqual(self.broker.jobs, {})

    def test_a_scope_that_is_missing_is_named(self):
        gateway = self.gateway()
        reader, writer = gateway.token("reader", "--scopes", "read"), gateway.token("writer", "--scopes", "submit,work")
        answer = gateway.submit(JOB, **bearer(reader))
        self.refused(answer, 403, SCOPE, 'Bearer realm="weft", error="insufficient_scope", scope="submit"')
        self.assertEqual(answer.json["detail"], 'the token "reader" has not the scope "submit"')
        job = gateway.submit(JOB, **bearer(writer)).json
        self.assertEqual(gateway.ask("GET", job["status_url"], **bearer(reader)).status, 200)
        self.assertEqual(gateway.ask("GET", job["status_url"], **bearer(writer)).status, 403)
        self.assertEqual(gateway.ask("GET", "/metrics", **bearer(reader)).status, 403)

    def test_a_revoked_token_is_none_at_once(self):
        gateway = self.gateway()
        first, second = gateway.token("first"), gateway.token("second")
        self.assertEqual(gateway.submit(JOB, **bearer(first)).status, 202)
        gateway.revoke("first")
        self.assertEqual(gateway.submit(JOB, **bearer(first)).status, 401)
        self.assertEqual(gateway.submit(JOB, **bearer(second)).status, 202)
        gateway.revoke("second")
        self.assertEqual(gateway.submit(JOB).status, 401, "an empty list opens nothing")

    def test_a_token_expires(self):
        place = tempfile.TemporaryDirectory(prefix="weft-clock-")
        self.addCleanup(place.cleanup)
        clock = Clock(os.path.join(place.name, "clock"))
        gateway = self.gateway(env=clock.env)
        token = gateway.token("short", "--expires", "1h")
        self.assertEqual(gateway.submit(JOB, **bearer(token)).status, 202)
        clock.advance(3600)
        wait_for("the token has expired", lambda: gateway.submit(JOB, **bearer(token)).status == 401)

    def test_a_list_that_is_lost_or_damaged_opens_nothing(self):
        gateway = self.gateway()
        token = gateway.token("ci")
        path = os.path.join(gateway.data, "tokens", "list")
        self.assertEqual(gateway.submit(JOB, **bearer(token)).status, 202)
        with open(path, "r+b") as file:
            whole = file.read()
        with open(path, "wb") as file:
            file.write(whole.replace(b" ci ", b" di "))
        self.assertEqual(gateway.submit(JOB, **bearer(token)).status, 202, "the last good list holds")
        self.assertEqual(gateway.submit(JOB).status, 401)
        self.assertIn("gateway.tokens_unread", gateway.stderr())
        os.remove(path)
        self.assertEqual(gateway.submit(JOB, **bearer(token)).status, 401)
        self.assertEqual(gateway.submit(JOB).status, 401)
        self.assertIn("gateway.tokens_gone", gateway.stderr())

    def test_a_damaged_list_keeps_a_gateway_from_starting(self):
        with tempfile.TemporaryDirectory() as tokens:
            with open(os.path.join(tokens, "list"), "wb") as file:
                file.write(b"weft-tokens 1\ntoken x\n")
            with self.assertRaisesRegex(AssertionError, "--tokens: the list cannot be read"):
                Gateway(self.broker.endpoint, "--tokens", tokens)
            token_verb("list", tokens=tokens, code=1)

    def test_other_addresses_are_served_with_tokens_only(self):
        with tempfile.TemporaryDirectory() as tokens:
            with self.assertRaisesRegex(AssertionError, "only loopback addresses are served"):
                Gateway(self.broker.endpoint, "--tokens", tokens, http_address="0.0.0.0:0")
            token = token_verb("new", "ci", tokens=tokens).stdout.strip()
            gateway = self.gateway("--tokens", tokens, http_address="0.0.0.0:0")
            self.assertEqual(gateway.submit(JOB).status, 401)
            self.assertEqual(gateway.submit(JOB, **bearer(token)).status, 202)

    def test_a_stranger_is_refused_before_his_body(self):
        gateway = self.gateway()
        gateway.token("ci")
        head = b"POST /v1/batches HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: 60000000\r\n\r\n"
        heard = gateway.raw(head)
        self.assertTrue(heard.startswith(b"HTTP/1.1 401"), heard)

    def test_a_stream_lives_on_when_its_token_is_revoked(self):
        gateway = self.gateway()
        token = gateway.token("ci")
        job = gateway.submit(JOB, **bearer(token)).json
        reading = subprocess.Popen(["curl", "-sSN", "-H", f"Authorization: Bearer {token}",
                                    "http://%s:%d%s" % (*gateway.address, job["events_url"])],
                                   stdout=subprocess.PIPE)
        try:
            self.assertIn(b"retry", reading.stdout.readline())
            gateway.revoke("ci")
            self.assertEqual(gateway.submit(JOB, **bearer(token)).status, 401)
            self.broker.finish(next(iter(self.broker.jobs)), b"1")
            self.assertIn(b"succeeded", reading.communicate(timeout=60)[0])
        finally:
            reading.kill()
            reading.wait()
            reading.stdout.close()


class Quotas(unittest.TestCase):
    def setUp(self):
        self.broker = PretendedBroker()
        self.addCleanup(self.broker.close)
        self.gateway = Gateway(self.broker.endpoint)
        self.addCleanup(self.gateway.close)
        self.gateway.wait_ready()
        self.acme = bearer(self.gateway.token("ci", "--tenant", "acme"))
        self.again = bearer(self.gateway.token("other", "--tenant", "acme"))
        self.other = bearer(self.gateway.token("ci"))

    def limit(self, *flags):
        token_verb("limit", "acme", *flags, tokens=os.path.join(self.gateway.data, "tokens"))

    def test_a_stream_tells_them_too(self):
        self.limit("--requests", "100")
        url = self.gateway.submit(JOB, **self.acme).json["events_url"]
        stream = http.client.HTTPConnection(*self.gateway.address, timeout=PATIENCE_S)
        self.addCleanup(stream.close)
        stream.request("GET", url, headers=self.acme)
        answer = stream.getresponse()
        self.assertEqual((answer.status, answer.headers["Content-Type"], answer.headers["RateLimit-Policy"]),
                         (200, "text/event-stream", '"requests";q=100;w=60'))
        self.assertRegex(answer.headers["RateLimit"], r'^"requests";r=98;t=\d+$')

    def test_requests_of_all_tokens_of_a_tenant_count_together(self):
        self.assertIsNone(self.gateway.submit(JOB, **self.acme).headers["RateLimit"])
        self.limit("--requests", "4")
        for left, who in ((3, self.acme), (2, self.again), (1, self.acme), (0, self.again)):
            answer = self.gateway.submit(JOB, **who)
            self.assertEqual(answer.status, 202, answer)
            self.assertEqual(answer.headers["RateLimit-Policy"], '"requests";q=4;w=60')
            self.assertRegex(answer.headers["RateLimit"], f'^"requests";r={left};t=[1-6][0-9]$')
        stored = len(self.broker.jobs)
        answer = self.gateway.submit(JOB, **self.acme)
        self.assertEqual((answer.status, answer.json["code"]), (429, "WEFT-1037"), answer)
        self.assertEqual(answer.json["detail"], "requests: the tenant acme may have 4 a minute")
        self.assertIn(int(answer.headers["Retry-After"]), range(10, 16))
        self.assertEqual(answer.headers["RateLimit"].split(";t=")[0], '"requests";r=0')
        self.assertEqual(len(self.broker.jobs), stored)
        self.assertEqual(self.gateway.submit(JOB, **self.other).status, 202, "another tenant")
        self.assertEqual(self.gateway.ask("GET", "/livez").status, 200)
        self.limit("--requests", "6")  # what was used stays used
        self.assertEqual([self.gateway.submit(JOB, **self.acme).status for _ in range(3)], [202, 202, 429])
        self.limit()
        self.assertEqual(self.gateway.submit(JOB, **self.acme).status, 202)

    def test_bytes_count_before_they_come(self):
        self.limit("--bytes", "1000", "--requests", "100")
        job = {**JOB, "payload": "x" * 550}
        answer = self.gateway.submit(job, **self.acme)
        self.assertEqual(answer.status, 202, answer)
        self.assertEqual(answer.headers["RateLimit-Policy"], '"requests";q=100;w=60, "bytes";q=1000;w=60;qu="content-bytes"')
        heard = self.gateway.raw(f"POST /v1/batches HTTP/1.1\r\nHost: localhost\r\nAuthorization: {self.acme['Authorization']}\r\n"
                                 "Content-Type: application/json\r\nContent-Length: 60000000\r\n\r\n".encode())
        self.assertTrue(heard.startswith(b"HTTP/1.1 429"), heard)
        self.assertIn(b"bytes: the tenant acme may have 1000 a minute", heard)
        self.assertEqual(self.gateway.submit(JOB, **self.acme).status, 202, "a small one has room")

    def test_chunks_are_paid_for_afterwards(self):
        self.limit("--bytes", "1000")
        token = self.acme["Authorization"]
        body = json.dumps([{**JOB, "payload": "x" * 2000}]).encode()
        heard = self.gateway.raw(f"POST /v1/batches HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\n"
                                 f"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n".encode()
                                 + body + b"\r\n0\r\n\r\n")
        self.assertTrue(heard.startswith(b"HTTP/1.1 202"), heard)
        answer = self.gateway.submit(JOB, **self.acme)
        self.assertEqual(answer.status, 429, answer)
        self.assertIn(int(answer.headers["Retry-After"]), range(60, 75))

    def test_a_quota_comes_back(self):
        self.limit("--requests", "60")
        for _ in range(60):
            self.gateway.ask("GET", "/v1/none", **self.acme)  # reaches no route, costs nothing
        statuses = [self.gateway.submit(JOB, **self.acme).status for _ in range(62)]
        self.assertEqual(statuses[:60], [202] * 60)
        wait_for("one more", lambda: self.gateway.submit(JOB, **self.acme).status == 202)


class Verbs(unittest.TestCase):
    def setUp(self):
        self.holder = tempfile.TemporaryDirectory()
        self.addCleanup(self.holder.cleanup)
        self.tokens = os.path.join(self.holder.name, "below", "tokens")

    def verb(self, *words, code=0):
        return token_verb(*words, tokens=self.tokens, code=code)

    def test_the_secret_is_kept_nowhere(self):
        made = json.loads(self.verb("new", "ci", "--tenant", "acme", "--scopes", "admin,read", "--expires", "1h", "-o", "json").stdout)
        self.assertEqual(sorted(made), ["created_at", "expires_at", "name", "scopes", "tenant", "token"])
        self.assertEqual((made["name"], made["tenant"], made["scopes"]), ("ci", "acme", ["read", "admin"]))
        self.assertRegex(made["token"], "^weft_[A-Za-z0-9_-]{43}$")
        with open(os.path.join(self.tokens, "list"), encoding="ascii") as file:
            text = file.read()
        self.assertNotIn(made["token"][5:], text)
        self.assertEqual(os.stat(os.path.join(self.tokens, "list")).st_mode & 0o777, 0o600)
        listed, = json.loads(self.verb("list", "-o", "json").stdout)["tokens"]
        self.assertEqual(listed, {name: value for name, value in made.items() if name != "token"})

    def test_a_list_that_nobody_reads_is_told(self):
        with tempfile.TemporaryDirectory() as place:
            def said(*words):
                done = subprocess.run([os.environ["WEFT_BIN"], *words], cwd=place, check=False, capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 0, done)
                return done.stderr
            tokens = os.path.join(place, "weft-data/gateway/tokens")
            self.assertIn(f"no gateway runs on {os.path.dirname(tokens)}", said("token", "new", "ci"))
            self.assertIn(f"--tokens {tokens}", said("token", "list"))
            self.assertEqual(said("token", "new", "other", "--tokens", "weft-data/gateway/tokens"), "")
            with open(os.path.join(place, "weft-data/gateway/lock"), "w", encoding="ascii") as file:
                file.write(f"{os.getpid()}\n")  # as a gateway that runs there
            self.assertEqual(said("token", "new", "third"), "")
            keys = os.path.join(place, "weft-data/broker/keys")
            self.assertIn("no broker runs on", said("key", "new", "ci"))
            self.assertIn(f"is new: a broker reads it when it is started with --keys {place}/keys", said("key", "new", "two", "--keys", "keys"))
            self.assertEqual(said("key", "new", "three", "--keys", keys), "")
            self.assertEqual(said("key", "new", "four", "--apart"), "")

    def test_names_are_of_their_tenant(self):
        for tenant in ("acme", "default"):
            self.verb("new", "ci", "--tenant", tenant)
            self.assertIn("has a token", self.verb("new", "ci", "--tenant", tenant, code=1).stderr)
        self.assertEqual(len(self.verb("list").stdout.splitlines()), 3)
        self.verb("revoke", "ci", "--tenant", "acme")
        self.assertIn("has no token", self.verb("revoke", "ci", "--tenant", "acme", code=4).stderr)
        self.assertRegex(self.verb("list").stdout.splitlines()[1], "^default +ci +submit,read ")

    def test_slips_are_told(self):
        for words in (["new"], ["new", "Ci"], ["new", "ci", "--scopes", "all"], ["new", "ci", "--scopes", ""],
                      ["new", "ci", "--tenant", "a/b"], ["new", "ci", "--expires", "0s"], ["revoke"], ["lost"],
                      ["list", "x"], ["limit"], ["limit", "A"], ["limit", "a", "--requests", "0"]):
            self.verb(*words, code=64)
        self.assertFalse(os.path.exists(self.tokens))

    def test_a_limit_is_set_whole(self):
        self.verb("limit", "acme", "--requests", "600", "--bytes", "1MiB")
        self.verb("limit", "default", "--bytes", "5KiB")
        self.verb("new", "ci")
        told = json.loads(self.verb("limit", "acme", "--requests", "7", "-o", "json").stdout)
        self.assertEqual(told, {"tenant": "acme", "requests": 7})
        listed = json.loads(self.verb("list", "-o", "json").stdout)
        self.assertEqual(listed["quotas"], [told, {"tenant": "default", "bytes": 5120}])
        self.assertEqual(len(listed["tokens"]), 1)
        self.assertEqual(self.verb("list").stdout.splitlines()[-1].split(), "default 5120 bytes a minute".split())
        told = json.loads(self.verb("limit", "acme", "--open-jobs", "9", "-o", "json").stdout)
        self.assertEqual(told, {"tenant": "acme", "open_jobs": 9})
        self.assertIn("acme 9 unfinished jobs", " ".join(self.verb("list").stdout.split()))
        self.verb("limit", "acme")
        self.verb("limit", "nobody")
        self.assertEqual(len(json.loads(self.verb("list", "-o", "json").stdout)["quotas"]), 1)

    def test_many_at_once_lose_nothing(self):
        """Each waits for the others, TOKEN_FILE_LOCK_MS at most; who was told that it has waited in vain comes again."""
        def new(i):
            while True:
                done = subprocess.run([os.environ["WEFT_BIN"], "token", "new", f"t{i}", "--tokens", self.tokens], check=False,
                                      capture_output=True, text=True, timeout=PATIENCE_S)
                if done.returncode == 0:
                    return done.stdout
                self.assertIn("another process", done.stderr)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            self.assertEqual(len(set(pool.map(new, range(16)))), 16)
        self.assertEqual(len(json.loads(self.verb("list", "-o", "json").stdout)["tokens"]), 16)

    def test_there_are_so_many_and_no_more(self):
        self.verb("new", "first")
        path = os.path.join(self.tokens, "list")
        with open(path, encoding="ascii") as file:
            head, line = file.readlines()
        with open(path, "w", encoding="ascii") as file:
            file.write(head + line * TOKEN_COUNT_MAX)
        self.assertIn("all there may be", self.verb("new", "one.more", code=1).stderr)
        with open(path, "a", encoding="ascii") as file:
            file.write(line)
        self.verb("list", code=1)
        os.remove(path)
        self.verb("limit", "acme", "--requests", "1")
        with open(path, encoding="ascii") as file:
            head, line = file.readlines()
        with open(path, "w", encoding="ascii") as file:
            file.write(head + line * 4096)  # TOKEN_QUOTA_COUNT_MAX
        self.assertIn("all there may be", self.verb("limit", "one.more", "--bytes", "1", code=1).stderr)


if __name__ == "__main__":
    unittest.main()
