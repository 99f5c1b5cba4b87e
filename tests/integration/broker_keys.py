"""Keys at the ZeroMQ doors: who gets in, who is cut off, and what each may say."""

import contextlib
import json
import os
import re
import sqlite3
import stat
import subprocess
import tempfile
import time
import uuid

import zmq
import zmq.utils.monitor as monitors

from lib_beside import main_beside
from lib_broker import ERR, PATIENCE_S, ROOT, Broker, BrokerTest, Peer, fresh_id, pb
from lib_clock import Clock
from lib_gateway import wait_for
from lib_keys import Keys


def is_let_in(endpoint, key=None, kind=zmq.DEALER):
    """True when the handshake succeeds, False when it is refused."""
    socket = zmq.Context.instance().socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    if key is not None:
        socket.curve_publickey, socket.curve_secretkey, socket.curve_serverkey = key.public, key.secret, key.server
    watch = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH |
                                      zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL)
    try:
        socket.connect(endpoint)
        assert watch.poll(PATIENCE_S * 1000), "nothing happened"
        return monitors.recv_monitor_message(watch)["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED
    finally:
        socket.disable_monitor()
        socket.close()


class Doors(BrokerTest):
    def setUp(self):
        super().setUp()
        self.keys = Keys(os.path.join(self.data, "certs"))

    def locked(self, *flags, **options):
        return self.broker("--keys", self.keys.dir, *flags, **options)

    def test_in_the_clear_only_loopback_is_served(self):
        for flag, other in (("--zmq", ()), ("--pub", ("--zmq", "tcp://127.0.0.1:0"))):
            broker = Broker(os.path.join(self.data, "b"), *other, flag, "tcp://0.0.0.0:0")
            self.addCleanup(broker.close)
            self.assertFalse(broker.is_ready)
            self.assertEqual(broker.process.wait(PATIENCE_S), 1)
            self.assertIn(f"{flag} tcp://0.0.0.0:0: in the clear only loopback addresses are served", broker.stderr())
            self.assertIn("weft key new NAME", broker.stderr())
        # libzmq binds what stands behind a second port.
        broker = Broker(os.path.join(self.data, "b"), zmq="tcp://127.0.0.1:0;0.0.0.0:0")
        self.addCleanup(broker.close)
        self.assertFalse(broker.is_ready)
        served = self.locked(zmq="tcp://0.0.0.0:0")
        self.assertIn("0.0.0.0", served.zmq)

    def test_who_has_no_key_of_the_directory_does_not_get_in(self):
        served = self.locked()
        self.assertFalse(is_let_in(served.zmq))
        self.assertFalse(is_let_in(served.zmq, self.keys.stranger()))
        key = self.keys.new("late")  # while the broker runs
        self.assertTrue(is_let_in(served.zmq, key))
        wrong = self.keys.new("wrong")
        wrong.server = self.keys.stranger().public
        self.assertFalse(is_let_in(served.zmq, wrong))
        self.assertFalse(is_let_in(served.zmq, self.keys.stranger()))
        served.wait_for_metric("weft_keys_refused_total", 2)
        self.assertEqual(self.peer(served, key=key).submit({"job_id": fresh_id()})[0].error, 0)
        served.kill()
        self.assertTrue(is_let_in(self.locked().zmq, key))

    def test_the_tail_is_for_keys_of_all_tenants_that_may_read(self):
        served = self.locked()
        for tenant, scopes, is_in in (("*", "read", True), ("*", "submit,work,admin", False), ("acme", "read", False)):
            key = self.keys.new(f"k{tenant == '*'}-{scopes[0]}".lower(), scopes, tenant)
            self.assertTrue(is_let_in(served.zmq, key))
            self.assertEqual(is_let_in(served.pub, key, zmq.SUB), is_in, (tenant, scopes))
        self.assertFalse(is_let_in(served.pub, None, zmq.SUB))

    def subscribe(self, served, key):
        socket = zmq.Context.instance().socket(zmq.SUB)
        self.addCleanup(socket.close)
        socket.linger = 0
        socket.curve_publickey, socket.curve_secretkey, socket.curve_serverkey = key.public, key.secret, key.server
        socket.subscribe(b"")
        watch = socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH)
        self.addCleanup(socket.disable_monitor)
        socket.connect(served.pub)
        self.assertEqual(self.knocks(watch), zmq.EVENT_HANDSHAKE_SUCCEEDED)
        return socket, watch

    def knocks(self, watch):
        self.assertTrue(watch.poll(PATIENCE_S * 1000), "it was not cut")
        return monitors.recv_monitor_message(watch)["event"]

    def check_tail_is_closed_to(self, name, *flags, end, door="tcp://127.0.0.1:0", **options):
        """`end` takes the key the right to listen: it is cut and not let in again; another one comes back and hears on."""
        served = self.locked("--pub", door, **options)
        self.assertEqual(served.pub[:6], door[:6])
        client = self.peer(served, key=self.keys.new(f"{name}-client"))
        stays = self.keys.new(f"{name}-stays", "read", "*")
        goes = self.keys.new(name, "read", "*", *flags)
        (_, gone), (sound, back) = self.subscribe(served, goes), self.subscribe(served, stays)
        end()
        self.assertEqual(self.knocks(gone), zmq.EVENT_HANDSHAKE_FAILED_AUTH)
        self.assertEqual(self.knocks(back), zmq.EVENT_HANDSHAKE_SUCCEEDED)
        for _ in range(PATIENCE_S * 10):  # it subscribes a moment after the handshake
            client.submit({"job_id": fresh_id()})
            if sound.poll(100):
                break
        self.assertIn(b".queued.", sound.recv_multipart(zmq.NOBLOCK)[0])
        served.kill()

    def test_a_key_that_may_not_listen_any_more_is_cut_from_the_tail(self):
        self.check_tail_is_closed_to("revoked", end=lambda: self.keys.revoke("revoked"))
        self.check_tail_is_closed_to("local", end=lambda: self.keys.revoke("local"),
                                     door="ipc://" + os.path.join(self.data, "tail"))
        public = os.path.join(self.keys.dir, "peers", "other.pub")
        self.check_tail_is_closed_to("other", end=lambda: self.keys.allow("other", public, "read", "acme"))
        public = os.path.join(self.keys.dir, "peers", "scope.pub")
        self.check_tail_is_closed_to("scope", end=lambda: self.keys.allow("scope", public, "work", "*"))
        clock = Clock(os.path.join(self.data, "clock"))
        self.check_tail_is_closed_to("brief", "--expires", "1m", end=lambda: clock.advance(61), env=clock.env)

    def test_secrets_are_their_owners(self):
        served = self.locked()
        key = self.keys.new("ci", "read", "acme")
        for path in (key.path, os.path.join(self.keys.dir, "broker.key")):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        for folder, _, names in os.walk(self.keys.dir):
            for name in names:
                if name != "broker.key":
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        self.assertNotIn("secret-key", file.read(), name)
        said = self.keys.weft("new", "ci", "--keys", self.keys.dir, code=1)
        self.assertIn("is there already", said.stderr)
        said = self.keys.weft("new", "ci", "--secret", "other", "--keys", self.keys.dir, code=1)
        self.assertIn("allowed already", said.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.keys.place, "other")))
        self.assertNotIn(key.secret.decode(), served.stderr())

    def test_files_that_are_no_certificate_let_nobody_in_and_lock_nobody_out(self):
        good = self.keys.new("good")
        twin = self.keys.stranger()
        self.keys.allow("one", twin.public.decode())
        self.keys.allow("two", twin.public.decode())
        peers = os.path.join(self.keys.dir, "peers")
        with open(os.path.join(peers, "bad.pub"), "w", encoding="utf-8") as file:
            file.write("curve\n    public-key = \"short\"\n")
        with open(os.path.join(peers, "good.pub"), encoding="utf-8") as file:
            other_name = file.read()
        served = self.locked()
        self.assertTrue(is_let_in(served.zmq, good))
        self.assertFalse(is_let_in(served.zmq, twin))
        self.assertIn("keys.skipped count=3", served.stderr())
        self.assertEqual([k["name"] for k in self.keys.list()["keys"]], ["good"])
        self.keys.revoke("two")
        self.assertTrue(is_let_in(served.zmq, twin))
        # A certificate under another name than its own is nobody's; two of one key are nobody's.
        with open(os.path.join(peers, "copy.pub"), "w", encoding="utf-8") as file:
            file.write(other_name)
        wait_for("the copy is skipped", lambda: served.stderr().count("last=copy.pub"))
        self.assertTrue(is_let_in(served.zmq, good))

    def test_a_revoked_worker_is_cut_off_and_its_jobs_go_by_the_rules_of_leases(self):
        clock = Clock(os.path.join(self.data, "clock"))
        served = self.locked(env=clock.env)
        clients, workers = self.keys.new("clients"), self.keys.new("w1", "work")
        client = self.peer(served, key=clients)
        worker = self.worker(served, key=workers)
        job_id = client.submit({"job_id": fresh_id()})[0].job_id
        (job, _), = worker.take_jobs(1)
        watch = worker.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_FAILED_AUTH)
        self.addCleanup(worker.socket.disable_monitor)
        self.keys.revoke("w1")
        for event in (zmq.EVENT_DISCONNECTED, zmq.EVENT_HANDSHAKE_FAILED_AUTH):
            self.assertTrue(watch.poll(PATIENCE_S * 1000))
            self.assertEqual(monitors.recv_monitor_message(watch)["event"], event)
        served.wait_for_metric("weft_peers_cut_total", 1)
        clock.advance(61)
        served.wait_for_metric("weft_workers", 0)
        other = self.worker(served, key=self.keys.new("w2", "work"))
        (again, _), = other.take_jobs(1)
        self.assertEqual(again.job_id, job_id)
        self.assertGreater(again.token, job.token)
        self.assertEqual(other.finish(again).error, 0)
        self.assertEqual(client.status(job_id).state, pb.STATE_SUCCEEDED)
        self.assertEqual(client.status(job_id).version, client.status(job_id).version)

    def test_a_key_that_expires_ends_by_itself(self):
        clock = Clock(os.path.join(self.data, "clock"))
        served = self.locked(env=clock.env)
        key = self.keys.new("brief", "read", "default", "--expires", "1m")
        self.peer(served, key=key)
        served.wait_for_metric("weft_peers", 1)
        clock.advance(61)
        served.wait_for_metric("weft_peers_cut_total", 1)
        self.assertFalse(is_let_in(served.zmq, key))

    def test_new_scopes_count_from_the_next_message_on(self):
        served = self.locked()
        key = self.keys.new("ci", "read")
        peer = self.peer(served, key=key)
        refused = peer.ask(pb.Submit(jobs=[pb.SubmitJob(type="t", job_id=fresh_id())]))
        self.assertEqual((refused.error, refused.detail),
                         (ERR["ERR_SCOPE"], 'the key has not the scope "submit"'))
        self.keys.allow("ci", key.public.decode(), "submit")
        wait_for("the scopes count", lambda: served.stderr().count("keys.read") > 2)
        self.assertEqual(peer.submit({"job_id": fresh_id()})[0].error, 0)
        self.assertEqual(peer.ask(pb.List()).error, ERR["ERR_SCOPE"])
        # Another tenant makes it another peer: what it was is over.
        self.keys.allow("ci", key.public.decode(), "submit,read", "acme")
        served.wait_for_metric("weft_peers_cut_total", 1)
        again = self.peer(served, key=key)
        self.assertEqual(list(again.ask(pb.List()).jobs), [])

    def test_a_key_that_begins_with_a_dash_is_no_flag(self):
        # Z85 has 85 letters, and the dash is one.
        keys, publics = Keys(os.path.join(self.data, "dashes")), ("-+o7j[C#6K(6CDHQA1}frAw+Av?32KP>D7oQ=XoL", 8 * "--abc")
        for name, public in zip(("one", "two"), publics):
            keys.allow(name, public)
        told = json.loads(keys.weft("list", "--keys", keys.dir, "-o", "json").stdout)["keys"]
        self.assertEqual(tuple(key["public_key"] for key in told), publics)
        self.assertIn("there is no flag", keys.allow("three", "-" + publics[0], code=64).stderr)
        self.assertIn("-" + publics[0], keys.weft("allow", "three", "--keys", keys.dir, "--", "-" + publics[0], code=1).stderr)

    def test_a_key_speaks_for_its_tenant(self):
        served = self.locked()
        acme = self.peer(served, key=self.keys.new("acme", tenant="acme"))
        job_id = acme.submit({"job_id": fresh_id()})[0].job_id
        self.assertEqual(acme.ask(pb.Status(job_id=job_id), tenant="acme").error, 0)
        for tenant in ("other", "default", "*"):
            said = acme.ask(pb.Status(job_id=job_id), tenant=tenant)
            self.assertEqual((said.error, type(said)), (ERR["ERR_FOREIGN_TENANT"], pb.Error))
        hello = self.peer(served, key=self.keys.new("acme2", tenant="acme"), hello=False, tenant="other").say_hello()
        self.assertEqual(hello.error, ERR["ERR_FOREIGN_TENANT"])
        every = self.peer(served, key=self.keys.new("gateway", tenant="*"))
        self.assertEqual(every.ask(pb.Status(job_id=job_id)).error, ERR["ERR_NOT_FOUND"])
        self.assertEqual(every.ask(pb.Status(job_id=job_id), tenant="acme").error, 0)

    def test_a_session_is_its_keys(self):
        served = self.locked()
        one, two = self.keys.new("one"), self.keys.new("two", tenant="acme")
        # No routing id of one's own: whoever knew it could wait for it to become free.
        mine = self.peer(served, key=one, route=b"mine", hello=False)
        self.assertEqual(mine.say_hello().error, ERR["ERR_UNSUPPORTED"])
        # The same worker id under another key of the tenant does not end the session.
        worker_id = uuid.uuid4().bytes
        worker = self.worker(served, key=one, worker_id=worker_id)
        worker.ask(pb.Renew())
        thief = self.peer(served, key=self.keys.new("three"), role=pb.ROLE_WORKER, worker_id=worker_id, hello=False)
        self.assertEqual(thief.say_hello().error, ERR["ERR_CONFLICT"])
        self.assertIsInstance(worker.ask(pb.Renew()), pb.Renewed)
        # Nor does a notifier's, which is of no tenant and shares its ids with the default one; nor another its own.
        sender = self.keys.new("sender", tenant="*")
        notifier = self.peer(served, key=sender, role=pb.ROLE_NOTIFIER, worker_id=worker_id, hello=False)
        self.assertEqual(notifier.say_hello().error, ERR["ERR_CONFLICT"])
        notifier.worker_id = uuid.uuid4().bytes
        self.assertIsInstance(notifier.say_hello(), pb.Welcome)
        thief_of_all = self.peer(served, key=self.keys.new("four", tenant="*"), role=pb.ROLE_NOTIFIER,
                                 worker_id=notifier.worker_id, hello=False)
        self.assertEqual(thief_of_all.say_hello().error, ERR["ERR_CONFLICT"])
        self.assertIsInstance(notifier.ask(pb.Renew()), pb.Renewed)
        notifier.send(pb.Bye())
        served.wait_for_metric("weft_workers", 1)
        # Another tenant's worker may have the same id, and the same key a new session.
        self.worker(served, key=two, worker_id=worker_id)
        self.worker(served, key=one, worker_id=worker_id)
        served.wait_for_metric("weft_workers", 2)
        self.keys.revoke("one")
        served.wait_for_metric("weft_workers", 1)
        self.assertIsInstance(thief.say_hello(), pb.Welcome)

    def test_quotas_are_the_tenants_and_count_at_once(self):
        served = self.locked()
        self.keys.limit("acme", "--requests", "3", "--bytes", "1000")
        wait_for("the quotas count", lambda: served.stderr().count("quotas=1") == 1)
        first, second = (self.peer(served, key=self.keys.new(name, tenant="acme")) for name in ("a", "b"))
        other = self.peer(served, key=self.keys.new("other"))
        for peer in (first, second, first):
            self.assertIsInstance(peer.ask(pb.List()), pb.Listed)
        for peer in (first, second):
            said = peer.ask(pb.List())
            self.assertEqual(said.error, ERR["ERR_QUOTA"])
            self.assertTrue(0 < said.retry_after_ms <= 20000, said)
        self.assertIsInstance(other.ask(pb.List()), pb.Listed)
        # A worker's words cost nothing: what was begun may be ended.
        worker = self.worker(served, key=self.keys.new("w", tenant="acme"))
        self.assertIsInstance(worker.ask(pb.Renew()), pb.Renewed)
        served.wait_for_metric("weft_quota_refused_total", 2)
        self.keys.limit("acme", "--bytes", "1000")
        wait_for("the quotas count", lambda: served.stderr().count("quotas=1") > 3)
        self.assertEqual(first.submit({"job_id": fresh_id(), "payload": b"x" * 900})[0].error, 0)
        said = first.submit({"job_id": fresh_id(), "payload": b"x" * 900})
        self.assertEqual(said.error, ERR["ERR_QUOTA"])
        self.assertTrue(40000 < said.retry_after_ms <= 60000, said)
        self.keys.limit("acme", "--open-jobs", "1")
        wait_for("the quotas count", lambda: served.stderr().count("quotas=1") > 4)
        (refused,) = first.submit({"job_id": fresh_id()})
        self.assertEqual(refused.error, ERR["ERR_QUOTA"])
        self.keys.limit("acme")
        self.assertEqual(self.keys.list()["quotas"], [])


class Programs(BrokerTest):
    """Gateway, worker and command by their flags."""

    def setUp(self):
        super().setUp()
        self.keys = Keys(os.path.join(self.data, "certs"))
        self.keys.new("admin")
        self.served = self.broker("--keys", self.keys.dir)

    def start(self, *words, program=os.environ["WEFT_BIN"]):
        """What it says on stderr is told by said()."""
        with tempfile.NamedTemporaryFile(dir=self.data, delete=False) as log:
            process = subprocess.Popen([program, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                       text=True, cwd=self.data, bufsize=1)
        process.log = log.name
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    @staticmethod
    def said(process):
        with open(process.log, encoding="utf-8") as log:
            return log.read()

    def run_weft(self, *words, code=0):
        done = subprocess.run([os.environ["WEFT_BIN"], *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=PATIENCE_S, check=False, cwd=self.data)
        self.assertEqual(done.returncode, code, done)
        return done

    def test_the_page_in_five_lines(self):
        with open(os.path.join(ROOT, "docs", "security.md"), encoding="utf-8") as file:
            commands, = re.findall(r"^```sh\n(.*?)^```", file.read(), re.M | re.S)
        env = {**os.environ, "TMPDIR": self.data, "PATH": f"{os.path.dirname(os.environ['WEFT_BIN'])}:{os.environ['PATH']}"}
        done = subprocess.run(["sh", "-ec", commands], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=PATIENCE_S, check=False, cwd=self.data, env=env)
        self.assertEqual(done.returncode, 0, done)
        listed = done.stdout.splitlines()[-3:]
        for name, words in (("gateway", "submit,read,work,admin"), ("worker-1", "acme"), ("ci", "submit,read")):
            self.assertTrue(any(name in line and words in line for line in listed), done.stdout)

    def test_a_worker_and_a_command_with_keys(self):
        worker_key = self.keys.new("w", "work", "acme")
        ci = self.keys.new("ci", "submit,read", "acme")
        worker = self.start("worker", "hello", "--broker", self.served.zmq, *self.keys.flags(worker_key), "--",
                            "sh", "-c", "echo $WEFT_TENANT ${WEFT_CURVE_KEY##*/}")
        self.assertTrue(worker.stdout.readline().startswith("ready "))
        # The tenant is the key's, unless another is named.
        done = self.run_weft("run", "hello", "--broker", self.served.zmq, *self.keys.flags(ci))
        self.assertIn("acme w.key", done.stdout)
        done = self.run_weft("run", "hello", "--broker", self.served.zmq, "--tenant", "other", *self.keys.flags(ci), code=1)
        self.assertIn("another tenant", done.stderr)
        done = self.run_weft("push", "hello", "--broker", self.served.zmq, code=4)
        self.assertIn("does not serve in the clear; give --curve-key and --curve-server", done.stderr)
        self.assertNotIn("this key", done.stderr)
        done = self.run_weft("push", "hello", "--broker", self.served.zmq, "--curve-key", ci.path, "--curve-server",
                             self.keys.stranger().public.decode(), code=4)
        self.assertIn("--curve-server is not its public key", done.stderr)
        done = self.run_weft("push", "hello", "--broker", self.served.zmq, *self.keys.flags(worker_key), code=1)
        self.assertEqual(done.stderr, 'weft push: the key has not the scope "submit"; use one that has it\n')
        stranger = self.keys.new("gone")
        self.keys.revoke("gone")
        done = self.run_weft("push", "hello", "--broker", self.served.zmq, *self.keys.flags(stranger), code=4)
        self.assertIn("does not let this side in: the key of --curve-key is not allowed there, or not any more", done.stderr)
        self.assertIn("weft key list", done.stderr)
        self.assertIn("weft key allow", done.stderr)
        for words, sentence in (
                (("--curve-key", ci.path), "give both or none"),
                (("--curve-key", "/nowhere", "--curve-server", self.keys.server_file), "there is no such file"),
                (("--curve-key", self.keys.server_file, "--curve-server", self.keys.server_file), "has no secret key"),
                (("--curve-key", __file__, "--curve-server", self.keys.server_file), "no certificate")):
            done = self.run_weft("push", "hello", "--broker", self.served.zmq, *words, code=64)
            self.assertIn(sentence, done.stderr)

    def test_a_gateway_and_a_worker_whose_key_is_allowed_later_come_in_by_themselves(self):
        self.keys.weft("new", "gw", "--apart")
        self.keys.weft("new", "wk", "--apart")
        place = self.keys.place
        flags = [("--curve-key", os.path.join(place, f"{name}.key"), "--curve-server", self.keys.server_file)
                 for name in ("gw", "wk")]
        gateway = self.start("gateway", "--http", "127.0.0.1:0", "--broker", self.served.zmq, "--data", "gw", *flags[0])
        worker = self.start("worker", "hello", "--broker", self.served.zmq, *flags[1], "--", "cat")
        url = gateway.stdout.readline().split("http=")[1].strip()

        def status():
            done = subprocess.run(["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", f"{url}/v1/queues"],
                                  stdout=subprocess.PIPE, timeout=PATIENCE_S, check=True, text=True)
            return done.stdout
        self.assertEqual(status(), "503")
        self.keys.allow("gw", os.path.join(place, "gw.pub"), "submit,read,work,admin", "*")
        self.keys.allow("wk", os.path.join(place, "wk.pub"), "work")
        wait_for("the gateway is in", lambda: status() == "200")
        self.assertTrue(worker.stdout.readline().startswith("ready "))
        for process, who in ((gateway, "gateway"), (worker, "worker")):  # the broker was there all the time
            self.assertEqual(self.said(process).count(f"error {who}.refused broker={self.served.zmq} error=no-key"), 1)
            self.assertNotIn(f"{who}.no_broker", self.said(process))
        done = subprocess.run(["curl", "-s", f"{url}/v1/jobs", "-H", "Prefer: wait=20", "-H",
                               "Content-Type: application/json", "-d", '{"type": "hello", "payload": {"a": 1}}'],
                              stdout=subprocess.PIPE, timeout=PATIENCE_S, check=True, text=True)
        self.assertIn('"succeeded"', done.stdout)

    def test_whose_key_is_revoked_is_told_so_and_what_helps(self):
        worker_key, client_key, gateway_key = self.keys.new("w", "work"), self.keys.new("c"), self.keys.new("g", tenant="*")
        worker = self.start("worker", "hello", "--broker", self.served.zmq, *self.keys.flags(worker_key), "--", "cat")
        gateway = self.start("gateway", "--http", "127.0.0.1:0", "--broker", self.served.zmq, "--data", "gw",
                             *self.keys.flags(gateway_key))
        self.assertTrue(worker.stdout.readline().startswith("ready "))
        wait_for("the gateway is in", lambda: "gateway.welcomed" in self.said(gateway))
        client = self.start(self.served.zmq, client_key.path, self.keys.server_file,
                            program=os.path.join(os.environ["WEFT_BUILD"], "tests", "sdk_client_probe"))

        def asked():
            client.stdin.write("\n")
            return client.stdout.readline()
        self.assertEqual(asked(), "ok: \n")
        for name in "wcg":
            self.keys.revoke(name)
        for process, who in ((gateway, "gateway"), (worker, "worker")):
            wait_for(f"{who} is told", lambda process=process, who=who: f"{who}.refused" in self.said(process))
            line, = re.findall(rf"^.* error {who}\.refused .*$", self.said(process), re.M)
            for word in (f"broker={self.served.zmq}", "error=no-key", "weft key list", "weft key allow"):
                self.assertIn(word, line)
        for _ in range(2):
            self.assertRegex(asked(), "^no-key: .*'weft key list'.*'weft key allow'")
        # And back without a new start.
        self.keys.allow("c", client_key.public.decode())
        self.keys.allow("g", gateway_key.public.decode(), "submit,read,work,admin", "*")
        wait_for("the client is let in", lambda: asked() == "ok: \n")
        wait_for("the gateway is in, though nobody asks it", lambda: self.said(gateway).count("gateway.welcomed") == 2)
        # A broker that has gone is told as that, also to whom it had refused.
        self.served.kill()
        for process, who in ((gateway, "gateway"), (worker, "worker")):
            wait_for(f"{who} misses it", lambda process=process, who=who: f"{who}.no_broker" in self.said(process))
            self.assertEqual(self.said(process).count(f"{who}.refused"), 1)

    def test_the_front_and_the_relay_are_told_so_too_and_come_back(self):
        front_key, relay_key, asker = self.keys.new("f"), self.keys.new("r"), self.keys.new("asker", "read")
        front = self.start("mdp", "--listen-mdp", "tcp://127.0.0.1:0", "--broker", self.served.zmq, *self.keys.flags(front_key))
        self.assertTrue(front.stdout.readline().startswith("ready "))
        path = os.path.join(self.data, "db")
        with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=PATIENCE_S)) as database:
            database.executescript(self.run_weft("outbox", "schema", "sqlite").stdout)
            relay = self.start("outbox", "--database", f"sqlite:{path}", "--broker", self.served.zmq, "--poll", "100ms",
                               *self.keys.flags(relay_key))
            self.assertTrue(relay.stdout.readline().startswith("ready "))
            for name in "fr":
                self.keys.revoke(name)
            database.execute("INSERT INTO weft_outbox (type) VALUES ('hello')")
            for process, event in ((front, "mdp.refused"), (relay, "outbox.refused")):
                wait_for(event, lambda process=process, event=event: event in self.said(process))
                line, = re.findall(rf"^.* error {event} .*$", self.said(process), re.M)
                self.assertRegex(line, "error=no-key .*weft key list.*weft key allow")
            self.keys.allow("r", relay_key.public.decode())
            peer = self.peer(self.served, key=asker)
            wait_for("the row is a job", lambda: len(peer.ask(pb.List()).jobs) == 1)
            self.assertEqual(self.said(relay).count("outbox.refused"), 1)

    def test_a_change_of_the_keys_is_told_once(self):
        def told():
            return re.findall(r"keys\.read (.*)", self.served.stderr())
        before, expected = len(told()), []
        for change, line in ((lambda: self.keys.new("w"), "count=2 quotas=0"),
                             (lambda: self.keys.revoke("w"), "count=1 quotas=0"),
                             (lambda: self.keys.limit("acme", "--requests", "3"), "count=1 quotas=1"),
                             (lambda: self.keys.new("last"), "count=2 quotas=1")):
            change()
            expected.append(line)
            wait_for("it is read", lambda line=line: told()[-1] == line)
        self.assertEqual(told()[before:], expected)


if __name__ == "__main__":
    main_beside(4)
