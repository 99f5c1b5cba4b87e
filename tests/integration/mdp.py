"""`weft mdp` with peers written from the RFCs."""

import json
import os
import subprocess
import threading
import uuid

import zmq

from lib_beside import main_beside
from lib_broker import BrokerTest
from lib_clock import Clock
from lib_keys import Keys
from lib_mdp import Client, Client2, DISCONNECT, Front, WEFT, Worker, Worker2, wait_for

BEAT = ("--heartbeat", "200ms")


class Majordomo(BrokerTest):
    def front(self, broker, *flags, **options):
        front = Front(broker.zmq, *BEAT, *flags, **options)
        self.addCleanup(front.close)
        return front

    def client(self, front, kind=Client):
        client = kind(front.endpoint)
        self.addCleanup(client.close)
        return client

    def mdp_worker(self, front, service=b"echo", kind=Worker):
        worker = kind(front.endpoint, service)
        self.addCleanup(worker.close)
        return worker

    def serve(self, worker, count, answer=lambda body: body):
        def work():
            for _ in range(count):
                client, body = worker.take()
                worker.reply(client, *answer(body))
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 30)

    def jobs(self, broker):
        done = subprocess.run([WEFT, "jobs", "list", "-o", "json", "--broker", broker.zmq], check=True,
                              capture_output=True, text=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_a_request_is_a_job_and_its_reply_the_result(self):
        broker = self.broker()
        front = self.front(broker)
        client = self.client(front)
        self.serve(self.mdp_worker(front), 4)
        for body in ([b"one"], [b"many", b"", b"\0\xff", b"x" * 70000], [b""], [b"1", b"2"] * 20):
            self.assertEqual(client.ask(b"echo", *body), body)
            self.assertEqual(client.service, b"echo")
        self.assertEqual([job["status"] for job in self.jobs(broker)], ["succeeded"] * 4)
        self.assertEqual(front.stop(), 0)

    def test_version_2_with_partial_replies_and_both_versions_together(self):
        broker = self.broker()
        front = self.front(broker)
        client, worker = self.client(front, Client2), self.mdp_worker(front, kind=Worker2)
        client.send(b"echo", b"a", b"b")
        address, body = worker.take()
        self.assertEqual(body, [b"a", b"b"])
        worker.partial(address, b"half")
        self.assertEqual(client.receive(), (False, [b"half"]))
        worker.reply(address, b"whole")
        self.assertEqual(client.receive(), (True, [b"whole"]))
        self.serve(worker, 1)
        self.assertEqual(self.client(front).ask(b"echo", b"old"), [b"old"])

    def test_a_worker_speaks_of_its_own_request_only(self):
        broker = self.broker()
        front = self.front(broker)
        clients = [self.client(front, Client2) for _ in range(2)]
        workers = [self.mdp_worker(front, kind=Worker2) for _ in range(2)]
        addresses = {}
        for client, word in zip(clients, (b"mine", b"yours")):
            client.send(b"echo", word)
        for worker in workers:
            address, (word,) = worker.take()
            addresses[word] = address, worker
        (mine, first), (yours, second) = addresses[b"mine"], addresses[b"yours"]
        first.partial(yours, b"false part")
        first.reply(yours, b"false")
        first.partial(mine, b"true part")
        first.reply(mine, b"true")
        self.assertEqual(clients[0].receive(), (False, [b"true part"]))
        self.assertEqual(clients[0].receive(), (True, [b"true"]))
        # What was said before was heard before.
        second.reply(yours, b"its own")
        self.assertEqual(clients[1].receive(), (True, [b"its own"]))
        self.assertIn("mdp.reply_unasked", front.stderr())

    def test_how_long_requests_wait_and_replies_are_kept(self):
        broker = self.broker()
        front = self.front(broker, "--ttl", "90s", "--keep", "40s", "--titanic-keep", "2d")
        client, peer, ids = self.client(front), self.peer(broker), []
        client.send(b"echo", b"plain")
        job_id = uuid.UUID(wait_for("the job", lambda: self.jobs(broker))[0]["job_id"]).bytes
        ids.append(job_id)
        other = self.client(front)
        ids.append(uuid.UUID(other.ask(b"titanic.request", b"echo", b"kept")[1].decode()).bytes)
        waits = [peer.status(job_id) for job_id in ids]
        self.assertEqual([status.start_before_ms and status.start_before_ms - status.created_at_ms for status in waits],
                         [90000, 0])
        self.serve(self.mdp_worker(front), 2)
        self.assertEqual(client.receive(), [b"plain"])
        wait_for("the reply", lambda: other.ask(b"titanic.reply", str(uuid.UUID(bytes=ids[1])).encode()) == [b"200", b"kept"])
        ended = [peer.status(job_id) for job_id in ids]
        self.assertEqual([status.expires_at_ms - status.ended_at_ms for status in ended], [40000, 2 * 86400000])

    def test_mmi(self):
        broker = self.broker()
        front = self.front(broker)
        client = self.client(front)
        self.assertEqual(client.ask(b"mmi.service", b"echo"), [b"404"])
        self.serve(self.mdp_worker(front), 1)  # a silent one is gone soon
        wait_for("the service", lambda: client.ask(b"mmi.service", b"echo") == [b"200"])
        self.assertEqual(client.ask(b"mmi.service", b"titanic.reply"), [b"200"])
        self.assertEqual(client.ask(b"mmi.weather"), [b"501"])
        self.assertEqual(client.ask(b"echo", b"last"), [b"last"])

    def test_titanic_keeps_a_reply_until_it_is_closed(self):
        broker = self.broker()
        front = self.front(broker)
        client = self.client(front)
        code, ticket = client.ask(b"titanic.request", b"echo", b"a", b"b")
        self.assertEqual(code, b"200")
        self.assertEqual(client.ask(b"titanic.reply", ticket), [b"300"])
        # Neither broker nor front needs to live between request and reply.
        broker.kill()
        front.kill()
        broker = self.broker()
        front = self.front(broker)
        client = self.client(front)
        self.serve(self.mdp_worker(front), 1)
        wait_for("the reply", lambda: client.ask(b"titanic.reply", ticket) == [b"200", b"a", b"b"])
        self.assertEqual(client.ask(b"titanic.reply", ticket), [b"200", b"a", b"b"], "again")
        self.assertEqual(client.ask(b"titanic.close", ticket), [b"200"])
        self.assertEqual(client.ask(b"titanic.reply", ticket), [b"400"])
        self.assertEqual(client.ask(b"titanic.close", ticket), [b"200"], "again")
        self.assertEqual(client.ask(b"titanic.reply", b"no id"), [b"400"])
        self.assertEqual(client.ask(b"titanic.request"), [b"500"])
        self.assertEqual(client.ask(b"titanic.request", b"No Service", b"1"), [b"500"])

    def test_titanic_close_of_an_unfinished_request_ends_it(self):
        broker = self.broker()
        front = self.front(broker)
        client = self.client(front)
        _, ticket = client.ask(b"titanic.request", b"echo", b"a")
        self.assertEqual(client.ask(b"titanic.close", ticket), [b"200"])
        self.assertEqual(client.ask(b"titanic.reply", ticket), [b"400"])

    def test_a_worker_that_dies_at_work_loses_the_job_to_another(self):
        broker = self.broker()
        front = self.front(broker)
        client = self.client(front)
        first = self.mdp_worker(front)
        client.send(b"echo", b"hot")
        _, body = first.take()
        self.assertEqual(body, [b"hot"])
        first.socket.close()
        self.serve(self.mdp_worker(front), 1)
        self.assertEqual(client.receive(), [b"hot"])
        self.assertEqual(self.jobs(broker)[0]["status"], "succeeded")

    def test_a_worker_that_leaves_burns_no_attempt(self):
        broker = self.broker()
        front = self.front(broker)
        client = self.client(front)
        first = self.mdp_worker(front)
        client.send(b"echo", b"hot")
        first.take()
        first.say(DISCONNECT)
        second = self.mdp_worker(front)
        address, _ = second.take()
        second.reply(address, b"done")
        self.assertEqual(client.receive(), [b"done"])
        shown = json.loads(subprocess.run([WEFT, "job", "show", address.decode(), "-o", "json", "--broker", broker.zmq],
                                          check=True, capture_output=True, text=True).stdout)
        self.assertEqual((shown["crashes"], shown["errors"], shown["interruptions"]), (0, 0, 1))

    def test_a_silent_worker_is_gone_and_a_busy_one_may_be_silent(self):
        broker = self.broker()
        front = self.front(broker)
        client = self.client(front)
        busy = self.mdp_worker(front)
        client.send(b"echo", b"slow")
        address, _ = busy.take()
        silent = self.mdp_worker(front, b"other")  # never reads, and does not beat when it is known
        wait_for("the other", lambda: self.client(front).ask(b"mmi.service", b"other") == [b"200"] or
                 silent.say(silent.heartbeat))
        wait_for("its end", lambda: self.client(front).ask(b"mmi.service", b"other") == [b"404"])
        busy.reply(address, b"late")  # it has been silent for longer than that
        self.assertEqual(client.receive(), [b"late"])

    def test_broker_killed_at_work(self):
        broker = self.broker()
        front = self.front(broker)
        client, worker = self.client(front), self.mdp_worker(front)
        client.send(b"echo", b"x")
        address, body = worker.take()
        endpoint = broker.zmq
        broker.kill()
        worker.reply(address, *body)
        self.broker(zmq=endpoint)
        self.assertEqual(client.receive(), [b"x"])

    def test_a_reply_outlasts_its_worker_and_the_absence_of_the_broker(self):
        clock = Clock(os.path.join(self.data, "clock"))
        broker = self.broker()
        front = self.front(broker, env=clock.env)
        client, worker = self.client(front), self.mdp_worker(front)
        client.send(b"echo", b"x")
        address, body = worker.take()
        broker.kill()
        worker.reply(address, *body)
        worker.close()
        wait_for("it is missed", lambda: "worker.quiet" in front.stderr() or "worker.stopping" in front.stderr())
        clock.advance(10)  # by now a worker with a journal has left (PHASE_LEAVE_MS)
        self.broker(zmq=broker.zmq)
        self.assertEqual(client.receive(), [b"x"])

    def test_front_killed_at_work(self):
        clock = Clock(os.path.join(self.data, "clock"))
        broker = self.broker(env=clock.env)
        front = self.front(broker)
        client, worker = self.client(front), self.mdp_worker(front)
        code, ticket = client.ask(b"titanic.request", b"echo", b"x")
        self.assertEqual(code, b"200")
        worker.take()
        front.kill()
        clock.advance(30)  # its lease
        self.front(broker, listen=front.endpoint)
        address, body = worker.take()  # it has come back by itself
        worker.reply(address, *body)
        fresh = self.client(front)
        wait_for("the reply", lambda: fresh.ask(b"titanic.reply", ticket) == [b"200", b"x"])

    def test_other_doors_see_plain_jobs(self):
        broker = self.broker()
        front = self.front(broker)
        self.serve(self.mdp_worker(front, b"up"), 1, lambda body: [body[0].upper()])
        done = subprocess.run([WEFT, "run", "up", "--broker", broker.zmq, '"words"'], check=True, capture_output=True,
                              text=True)
        self.assertEqual(done.stdout.strip(), '"WORDS"')

    def test_one_front_takes_so_many_workers(self):
        broker = self.broker()
        front = Front(broker.zmq, "--heartbeat", "1m")  # nobody is silent for too long
        self.addCleanup(front.close)
        poller = zmq.Poller()
        for _ in range(65):  # HANDS_MAX and one
            poller.register(self.mdp_worker(front).socket, zmq.POLLIN)
        told = [socket.recv_multipart() for socket, _ in poller.poll(30000)]
        self.assertEqual(told, [[b"", b"MDPW01", DISCONNECT]])

    def test_one_front_takes_so_many_requests(self):
        broker = self.broker()
        front = self.front(broker)
        client = self.client(front, Client2)
        for number in range(1024):  # FRONT_REQUESTS_MAX
            client.send(b"nobody", str(number).encode())
        client.send(b"mmi.service", b"nobody")
        wait_for("the drop", lambda: "mdp.request_dropped" in front.stderr())
        self.assertIsNone(client.receive(0))

    def test_the_front_speaks_curve_to_its_broker(self):
        keys = Keys(os.path.join(self.data, "keys-of"))
        key = keys.new("front", scopes="submit,read,work,admin")
        front = self.front(self.broker("--keys", keys.dir), "--curve-key", key.path, "--curve-server", keys.server_file)
        client = self.client(front)
        self.serve(self.mdp_worker(front), 1)
        self.assertEqual(client.ask(b"echo", b"sealed"), [b"sealed"])

    def test_nonsense_is_passed_over(self):
        broker = self.broker()
        front = self.front(broker)
        junk = self.client(front, Client2)
        for frames in ([b""], [b"MDPC01"], [b"MDPC09", b"s"], [b"", b"MDPW01"], [b"", b"MDPW01", b"\7"],
                       [b"MDPW01", b"\3", b"x", b"y"], [b"", b"MDPW01", b"\1", b""], [b"", b"MDPW01", b"\1", b"s" * 200],
                       [b"MDPC01", b"s"] + [b"x"] * 60, [b"x"] * 500, [b"MDPC02", b"\2", b"s"], [b"MDPC01", b"No Name", b"x"]):
            junk.socket.send_multipart(frames)
        client = self.client(front)
        self.assertEqual(client.ask(b"mmi.service", b"none"), [b"404"])
        self.assertEqual(self.jobs(broker), [])

    def test_a_frame_that_is_too_long_cuts_its_peer(self):
        broker = self.broker()
        front = self.front(broker)
        rude = self.client(front, Client2)
        rude.send(b"mmi.service", b"x" * (1024 * 1024 + 1))  # FRONT_FRAME_BYTES_MAX
        client = self.client(front)
        self.assertEqual(client.ask(b"mmi.service", b"x" * 1024 * 1024), [b"404"])
        self.assertIsNone(rude.receive(0))

    def test_only_loopback_is_served_in_the_clear(self):
        done = subprocess.run([WEFT, "mdp", "--listen-mdp", "tcp://0.0.0.0:0"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 64)
        self.assertIn("--in-clear", done.stderr)


if __name__ == "__main__":
    main_beside(4)
