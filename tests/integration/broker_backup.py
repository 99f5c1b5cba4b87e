"""Backups of a broker that works, and what is made of them: another life of the store, which its peers tell from the first."""

import json
import os
import shutil
import signal
import stat
import subprocess
import threading
import unittest
import uuid

from lib_beside import main_beside
from lib_broker import ERR, PATIENCE_S, Broker, BrokerTest, fresh_id, pb
from lib_clock import Clock
from lib_gateway import Gateway, wait_for
from lib_worker import Worker

SPARE = 4096  # epochs and segments that every restore leaves out


class Backup(BrokerTest):
    def setUp(self):
        super().setUp()
        self.root = self.data
        self.place = os.path.join(self.root, "broker")
        self.door = f"ipc://{self.root}/door"  # nobody else takes it while no broker is there

    def path(self, name):
        return os.path.join(self.root, name)

    def weft(self, *words, code=0, env=None, **options):
        done = subprocess.run([os.environ["WEFT_BIN"], *words], capture_output=True, text=True, timeout=2 * PATIENCE_S,
                              check=False, env={**os.environ, **(env or {})}, **options)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def backup(self, name="copy", *flags, **options):
        return self.weft("backup", self.path(name), "--data", self.place, *flags, **options)

    def restore(self, name="copy", to="broker", *flags, **options):
        return self.weft("restore", self.path(name), "--data", self.path(to), *flags, **options)

    def refused(self, done, *words):
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual(done.stdout, "")

    def nothing_starts_on(self, name, *words):
        broker = Broker(self.path(name))
        self.addCleanup(broker.close)
        self.assertFalse(broker.is_ready, broker.ready)
        self.assertEqual(broker.process.wait(PATIENCE_S), 1)
        for word in words:
            self.assertIn(word, broker.stderr())

    def audit(self, name="broker"):
        told = json.loads(self.weft("audit", "--data", self.path(name), "-o", "json").stdout)
        self.assertEqual((told["sound"], told["violations"]), (True, 0), told)
        return told

    def started(self, name):
        broker = Broker(self.path(name))
        self.addCleanup(broker.close)
        self.assertTrue(broker.is_ready, broker.stderr())
        return broker

    def lose(self, broker):
        """The disk is gone with all that came after the copy."""
        broker.kill()
        shutil.rmtree(self.place)

    def filled(self, count=3):
        broker = self.broker()
        client = self.peer(broker)
        jobs = [fresh_id() for _ in range(count)]
        for said in client.submit(*({"job_id": job, "type": "later", "payload": b"x" * 900} for job in jobs)):
            self.assertEqual(said.error, 0)
        return broker, client, jobs


class Making(Backup):
    def test_under_load_what_was_acknowledged_before_is_there(self):
        broker = self.broker()
        acknowledged, stopping = [], threading.Event()
        client, worker = self.peer(broker), self.worker(broker, slots=64)

        def submit():
            while not stopping.is_set():
                jobs = [fresh_id() for _ in range(20)]
                said = client.submit(*({"job_id": job, "payload": job * 20} for job in jobs))
                acknowledged.extend(job for job, one in zip(jobs, said) if one.error == 0)

        def work():
            while not stopping.is_set():
                for job, payload in worker.take_jobs(1):
                    worker.finish(job, result=payload)

        threads = [threading.Thread(target=submit), threading.Thread(target=work)]
        for thread in threads:
            thread.start()
        try:
            wait_for("a few jobs", lambda: len(acknowledged) > 400)
            before = list(acknowledged)
            told = json.loads(self.backup("copy", "-o", "json").stdout)
            seen = len(acknowledged)
            wait_for("jobs after the copy", lambda: len(acknowledged) > seen + 100)
        finally:
            stopping.set()
            for job in (fresh_id() for _ in range(64)):  # so that a worker that waits gets one
                self.peer(broker).submit({"job_id": job})
            for thread in threads:
                thread.join(PATIENCE_S)
        self.assertGreaterEqual(told["accepted"], len(before))
        self.audit("copy")
        self.lose(broker)
        self.assertEqual(json.loads(self.restore("copy", "broker", "-o", "json").stdout)["violations"], 0)
        self.audit()
        client = self.peer(self.broker())
        for job in before:
            self.assertEqual(client.status(job).error, 0)
        there = sum(client.status(job).error == 0 for job in acknowledged)
        self.assertLessEqual(there, told["accepted"])
        self.assertLess(there, len(acknowledged))

    def test_a_stopped_broker_is_copied_too(self):
        broker, _, jobs = self.filled()
        self.assertEqual(broker.stop(), 0)
        self.assertRegex(self.backup().stdout, r"jobs +3 accepted, 3 unfinished, epoch 1\n")
        self.assertEqual(os.listdir(self.path("copy")), ["data.mdb"])
        self.assertEqual(stat.S_IMODE(os.stat(self.path("copy")).st_mode), 0o700)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("copy/data.mdb")).st_mode), 0o600)
        self.restore("copy", "other")
        self.assertEqual(self.peer(self.started("other")).status(jobs[0]).state, pb.STATE_QUEUED)

    def test_keys_are_in_it_with_their_modes_and_what_is_not_is_said(self):
        broker, _, _ = self.filled()
        self.assertRegex(self.backup("bare").stdout, r"keys +NOT IN IT: none are in .*/broker/keys\n"
                                                     r"not in it +the file of --webhook-key")
        self.refused(self.backup("none", "--keys", self.path("nowhere"), code=4), "--keys")
        keys = self.path("elsewhere")
        self.weft("key", "new", "bob", "--scopes", "work", "--keys", keys, cwd=self.root)
        self.weft("key", "limit", "default", "--open-jobs", "10", "--keys", keys)
        self.assertIn("those of " + keys, self.backup("copy", "--keys", keys).stdout)
        self.assertRegex(self.restore("copy", "new").stdout, r"keys +in its directory 'keys'")
        self.assertRegex(self.restore("bare", "new2").stdout, r"keys +NONE")
        for name in ("broker.key", "broker.pub", "quotas", "peers/bob.pub"):
            was, made = os.path.join(keys, name), self.path("new/keys/" + name)
            with open(was, "rb") as one, open(made, "rb") as two:
                self.assertEqual(one.read(), two.read())
            self.assertEqual(os.stat(was).st_mode, os.stat(made).st_mode)
        self.assertEqual(broker.stop(), 0)

    def test_what_stands_in_the_way_is_named_and_nothing_is_left(self):
        broker, _, _ = self.filled(100)
        self.backup()
        self.refused(self.backup(code=4), "copy: it exists; name a new directory")
        self.refused(self.backup("no/copy", code=4), "/no: there is no such directory; make it, or mount it")
        self.refused(self.weft("backup", self.path("other"), "--data", self.path("empty"), code=4), "there is no store")
        self.refused(self.weft("backup", self.path("other"), "--data", self.path("copy"), code=4), "this is a backup")
        self.refused(self.weft("backup", code=64), "weft backup")
        # A disk that takes no more: here a file that may not grow further.
        def small():
            import resource
            resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 10, 64 << 10))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        self.refused(self.backup("full", code=4, preexec_fn=small, restore_signals=False), "full.part/data.mdb")
        self.refused(self.restore("copy", "full", code=4, preexec_fn=small, restore_signals=False), "full/data.mdb")
        os.mkdir(self.path("left.part"))
        self.weft("backup", self.path("left"), "--data", self.place)  # it is empty, so it was nobody's
        os.makedirs(self.path("late.part/thing"))
        self.refused(self.backup("late", code=4), "late.part", "remove it")
        self.assertEqual(sorted(os.listdir(self.root)), ["broker", "copy", "late.part", "left"])
        self.assertEqual(broker.stop(), 0)

    def test_kills_at_every_step_leave_nothing_that_starts(self):
        broker, client, jobs = self.filled()
        for point in ("copy.before_mark", "backup.before_end", "backup.before_rename"):
            with self.subTest(point):
                self.backup(point, code=-9, env={"WEFT_FAILPOINT": point})
                self.assertFalse(os.path.exists(self.path(point)))
                whole = point == "backup.before_rename"
                self.nothing_starts_on(point + ".part", "this is a backup" if whole else "was not finished")
                self.refused(self.backup(point, code=4), "remove it")
                shutil.rmtree(self.path(point + ".part"))
                self.backup(point)
        self.nothing_starts_on("copy.before_mark", "this is a backup", "weft restore")
        for point in ("restore.after_copy", "restore.before_end"):
            with self.subTest(point):
                self.restore("copy.before_mark", point, code=-9, env={"WEFT_FAILPOINT": point})
                self.nothing_starts_on(point, "was not finished")
                self.refused(self.restore("copy.before_mark", point, code=4), "remove the directory")
                self.refused(self.restore(point, "other", code=4), "not finished")
                shutil.rmtree(self.path(point))
                self.restore("copy.before_mark", point)
        self.assertEqual(client.status(jobs[0]).state, pb.STATE_QUEUED)  # it has noticed nothing
        self.assertEqual(broker.stop(), 0)


class Restoring(Backup):
    def spoil(self, what, number, name="copy"):
        tool = os.path.join(os.environ["WEFT_BUILD"], "tests", "spoil")
        subprocess.run([tool, self.path(name), what, str(number)], check=True, timeout=PATIENCE_S)

    def test_a_damaged_copy_is_refused(self):
        broker, _, jobs = self.filled(40)
        self.assertEqual(broker.stop(), 0)
        shutil.copytree(self.place, self.path("copy"))  # by hand, of a stopped broker
        self.spoil("lost-id", 2)
        self.refused(self.restore("copy", "new", code=1), "weft audit", "--accept-violations")
        self.assertFalse(os.path.exists(self.path("new")))
        os.makedirs(self.path("new/lost+found"))  # the root of a file system is empty, too
        done = self.restore("copy", "new", "--accept-violations")
        self.assertRegex(done.stdout, r"records +40 jobs, 1 violations\n")
        self.backup("torn")
        os.truncate(self.path("torn/data.mdb"), os.path.getsize(self.path("torn/data.mdb")) // 2)
        self.refused(self.restore("torn", "other", code=4), "cut short")
        with open(self.path("rot"), "wb") as file:
            file.write(b"rot")
        os.mkdir(self.path("rotten"))
        shutil.copy(self.path("rot"), self.path("rotten/data.mdb"))
        self.refused(self.restore("rotten", "other", code=4), "data.mdb")
        self.refused(self.restore("nowhere", "other", code=4), "there is no store in it")
        self.refused(self.restore("copy", "broker", code=4), "it is not empty")
        self.refused(self.weft("restore", self.path("copy"), code=64), "--data")
        self.assertFalse(os.path.exists(self.path("other")))
        self.assertEqual(self.peer(self.started("new")).status(jobs[0]).state, pb.STATE_QUEUED)

    def test_a_copy_made_by_hand_gets_a_life_of_its_own(self):
        broker, client, _ = self.filled()
        first = client.welcome
        self.refused(self.restore("broker", "new", code=4), "a broker runs on it", "weft backup")
        self.assertEqual(broker.stop(), 0)
        shutil.copytree(self.place, self.path("copy"))
        told = json.loads(self.restore("copy", "new", "-o", "json").stdout)
        self.assertEqual(told["epoch_before"], first.epoch)
        self.audit("new")
        original = self.peer(self.broker()).welcome
        other = self.peer(self.started("new")).welcome
        self.assertEqual(original.lineage, first.lineage)
        self.assertEqual((other.lineage, other.epoch), (int(told["lineage"], 16), told["epoch"] + 1))
        self.assertNotEqual(other.lineage, first.lineage)
        self.assertGreaterEqual(other.epoch, first.epoch + SPARE)

    def test_what_the_lost_future_gave_out_is_not_taken_for_its_own(self):
        broker, client, (waiting, *_) = self.filled()
        held, done, keyed = fresh_id(), fresh_id(), {"key": "k", "type": "keyed", "payload": b"1"}
        worker_id = uuid.uuid4().bytes
        worker = self.worker(broker, worker_id=worker_id, slots=4)
        client.submit({"job_id": held})
        (at_work, _), = worker.take_jobs(1)
        first = client.ask(pb.Watch())
        self.backup()
        # The future that is lost: a job ends, another one is given away, a key is taken.
        client.submit({"job_id": done}, {"job_id": fresh_id()})
        for job, _ in worker.take_jobs(2):
            if job.job_id == done:
                self.assertEqual(worker.finish(job, result=b"lost").error, 0)
            else:
                lost = job
        taken, = client.submit(keyed)
        cursor = client.ask(pb.Watch())
        self.assertEqual(cursor.lineage, first.lineage)
        lineage = client.welcome.lineage
        self.lose(broker)
        self.restore()

        again = self.broker()
        client = self.peer(again)
        self.assertNotEqual(client.welcome.lineage, lineage)
        event = client.ask(pb.Watch(lineage=cursor.lineage, epoch=cursor.epoch, position=cursor.position,
                                    index=cursor.index))
        self.assertTrue(event.gap)
        # A worker that comes back: what it held at the copy is still its own, what came later is not.
        running = [pb.Held(job_id=job.job_id, token=job.token) for job in (at_work, lost)]
        worker = self.worker(again, worker_id=worker_id, slots=4, running=running)
        self.assertEqual([(one.job_id, one.token) for one in worker.welcome.lost], [(lost.job_id, lost.token)])
        self.assertNotEqual(worker.finish(lost, result=b"2").error, 0)
        self.assertEqual(worker.finish(at_work, result=b"3").error, 0)
        self.assertEqual(client.status(held).state, pb.STATE_SUCCEEDED)
        # What was accepted after the copy is not known; its key is free, and makes a job of another generation.
        self.assertEqual(client.status(done).error, ERR["ERR_NOT_FOUND"])
        other, = client.submit({**keyed, "payload": b"another body"})
        self.assertEqual((other.error, other.replayed, other.job_id), (0, False, taken.job_id))
        server = self.worker(again, "keyed", "later", "test", slots=8)
        jobs = {job.job_id: job for job, _ in server.take_jobs(4)}
        self.assertGreater(jobs[other.job_id].generation, SPARE * 4096)
        self.assertLess(jobs[waiting].generation, 4096)
        for job in jobs.values():
            self.assertGreater(job.token, max(lost.token, at_work.token))
            self.assertEqual(server.finish(job).error, 0)
        self.assertEqual(len(client.ask(pb.List()).jobs), 5)  # over the numbers left out
        self.assertEqual(again.stop(), 0)
        self.audit()

    def test_a_clock_that_is_behind_the_copy_is_not_gone_by(self):
        clock = Clock(self.path("clock"))
        clock.set_wall(11 * 60)
        broker = self.broker(env=clock.env)
        self.assertEqual(self.peer(broker).submit({"job_id": fresh_id(), "type": "later"})[0].error, 0)
        self.backup()
        self.refused(self.restore("copy", "life", code=4), "this machine's clock is not there yet", "--lost")
        self.assertFalse(os.path.exists(self.path("life")))
        told = json.loads(self.restore("copy", "life", "--lost", "1h", "-o", "json").stdout)
        self.assertEqual(told["epoch"], told["epoch_before"] + SPARE + 3600)
        clock.set_wall(2 * 60)  # nine minutes behind: no time has passed
        told = json.loads(self.restore("copy", "other", "-o", "json", env=clock.env).stdout)
        self.assertEqual(told["epoch"], told["epoch_before"] + SPARE)

    def test_two_restores_of_one_backup_are_two_lives(self):
        broker, _, _ = self.filled()
        self.backup()
        lives = [json.loads(self.restore("copy", name, "-o", "json").stdout) for name in ("one", "two")]
        self.assertNotEqual(lives[0]["lineage"], lives[1]["lineage"])
        self.assertEqual(broker.stop(), 0)


class Gateways(Backup):
    def figure(self, gateway, name):
        text = gateway.ask("GET", "/metrics").body.decode()
        return float(text.split(f"\nweft_gateway_cache_{name} ")[1].split()[0])

    def test_a_gateway_forgets_the_ends_and_keys_of_the_lost_future(self):
        broker = self.broker(zmq=self.door)
        gateway = Gateway(self.door, data=self.path("gateway"))
        self.addCleanup(gateway.close)
        gateway.wait_ready()
        body = {"type": "test", "payload": 1}
        one = gateway.submit(body, Idempotency_Key="one").json
        self.backup()
        worker = self.worker(broker, slots=4)
        (job, _), = worker.take_jobs(1)
        worker.finish(job, result=b"lost")
        url = "/v1/jobs/" + one["job_id"]
        wait_for("its end", lambda: gateway.ask("GET", url).json["status"] == "succeeded")
        wait_for("an answer from the cache", lambda: gateway.ask("GET", url) and self.figure(gateway, "hits_total") > 0)
        two = gateway.submit(body, Idempotency_Key="two").json
        self.lose(broker)
        self.restore()
        again = self.broker(zmq=self.door)
        wait_for("another life", lambda: gateway.ask("GET", url).json.get("status") == "queued")
        self.assertGreater(self.figure(gateway, "gaps_total"), 0)
        wait_for("that it is not known", lambda: gateway.ask("GET", "/v1/jobs/" + two["job_id"]).status == 404)
        said = gateway.submit({**body, "payload": 2}, Idempotency_Key="two")
        self.assertEqual((said.status, said.json["job_id"]), (202, two["job_id"]))
        self.assertNotIn("Idempotency-Replayed", said.headers)
        self.assertEqual(again.stop(), 0)

    def test_a_spool_is_brought_to_the_restored_broker(self):
        broker = self.broker(zmq=self.door)
        gateway = Gateway(self.door, data=self.path("gateway"))
        self.addCleanup(gateway.close)
        gateway.wait_ready()
        body = {"type": "test", "payload": 1}
        before = gateway.submit(body, Idempotency_Key="before").json["job_id"]
        self.backup()
        lost = gateway.submit(body, Idempotency_Key="lost").json["job_id"]
        self.lose(broker)
        self.assertEqual(gateway.submit(body, Idempotency_Key="before").json["job_id"], before)
        for number in range(20):
            said = gateway.submit({**body, "payload": number}, Idempotency_Key=f"spooled-{number}")
            self.assertEqual(said.json["durability"], "spooled")
        self.restore()
        again = self.broker(zmq=self.door)
        wait_for("an empty spool", lambda: gateway.ask("GET", "/v1/spool").json["waiting"] == 0)
        self.assertEqual(gateway.ask("GET", "/v1/spool").json["kept"], 0)
        listed = gateway.ask("GET", "/v1/jobs?limit=100").json["jobs"]
        self.assertEqual([before in (job["job_id"] for job in listed), len(listed)], [True, 21])
        self.assertEqual(gateway.ask("GET", "/v1/jobs/" + lost).status, 404)
        said = gateway.submit(body, Idempotency_Key="lost")
        self.assertEqual((said.status, said.json["job_id"]), (202, lost))
        self.assertNotIn("Idempotency-Replayed", said.headers)
        self.assertEqual(again.stop(), 0)
        self.audit()


class Workers(Backup):
    """A worker that was killed with an outcome in its journal, and meets the restored broker."""

    def work(self, **env):
        data = self.path("worker")
        os.makedirs(data, exist_ok=True)
        script = f"echo ran >> {self.path('runs')}; until [ -e {self.path('go')} ]; do sleep 0.05; done; wc -l < {self.path('runs')}"
        worker = Worker(self.door, data, ["sh", "-c", script], env=env)
        self.addCleanup(worker.close)
        return worker

    def check(self, is_taken_before_the_copy, runs):
        broker = self.broker(zmq=self.door)
        job = fresh_id()
        self.assertEqual(self.peer(broker).submit({"job_id": job, "type": "test"})[0].error, 0)
        if not is_taken_before_the_copy:
            self.backup()
        first = self.work(WEFT_FAILPOINT="worker.after_journal:1")
        wait_for("the handler", lambda: os.path.exists(self.path("runs")))
        if is_taken_before_the_copy:
            self.backup()
        self.lose(broker)
        with open(self.path("go"), "w", encoding="utf-8"):
            pass
        self.assertEqual(first.wait(), -signal.SIGKILL, first.stderr())
        self.restore()
        again = self.broker(zmq=self.door)
        second = self.work()
        client = self.peer(again)
        wait_for("its end", lambda: client.status(job).state == pb.STATE_SUCCEEDED)
        envelope, result = client.answer(client.send(pb.Status(job_id=job)))
        self.assertEqual((result, envelope.status_is.crashes), (b"%d" % runs, 0))
        second.signal(signal.SIGTERM)
        self.assertEqual((second.wait(), second.stats()["resent"]), (0, 1))
        self.assertEqual(again.stop(), 0)
        self.audit()

    def test_an_outcome_whose_grant_is_in_the_copy_is_taken(self):
        self.check(is_taken_before_the_copy=True, runs=1)

    def test_an_outcome_of_the_lost_future_answers_no_grant_of_this_life(self):
        self.check(is_taken_before_the_copy=False, runs=2)


if __name__ == "__main__":
    main_beside(4)
