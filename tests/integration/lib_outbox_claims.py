"""What holds of `weft outbox` with any database; outbox_postgresql.py and outbox_sqlite.py run it with theirs."""

import json
import os
import subprocess

from lib_broker import BrokerTest, pb
from lib_outbox import Application, KINDS, Lost, Relay, WEFT, job_id, listed, shown, wait_for


class Claims(BrokerTest):
    kind = None  # of the database

    def setUp(self):
        super().setUp()
        self.database = KINDS[self.kind](self.data)
        self.addCleanup(self.database.close)
        self.app = Application(self.database)
        self.addCleanup(self.app.close)
        self.outbox_id = self.app.outbox_id()

    def relay(self, broker, *flags, **options):
        relay = Relay(self.database, broker.zmq, *flags, **options)
        self.addCleanup(relay.close)
        return relay

    def once(self, broker, *flags, code=0):
        relay = self.relay(broker, "--once", *flags)
        self.assertEqual(relay.wait(), code, relay.stderr())
        return relay

    def expected(self, *rows, queue="default"):
        return {job_id(self.outbox_id, row, queue=queue) for row in rows}

    def test_what_is_committed_becomes_a_job_and_what_is_rolled_back_none(self):
        broker = self.broker()
        kept = [self.app.order(number) for number in range(3)]
        self.app.order(3, commits=False)
        self.once(broker)
        self.assertEqual(set(listed(broker.zmq)), self.expected(*kept))
        self.assertEqual(self.app.rows(), {})
        # A running relay hears of a commit; poll is far beyond the test's patience.
        relay = self.relay(broker, "--poll", "1h", "--stats", os.path.join(self.data, "stats"))
        self.assertEqual(relay.ready(), {"outbox": self.outbox_id, "database": self.kind, "broker": broker.zmq})
        kept.append(self.app.order(4))
        wait_for("the relay", lambda: not self.app.rows())
        self.assertEqual(set(listed(broker.zmq)), self.expected(*kept))
        self.assertEqual(relay.stop(), 0)
        with open(os.path.join(self.data, "stats"), encoding="ascii") as file:
            self.assertEqual(json.load(file)["relayed"], 1)

    def test_options_are_those_of_the_http_door(self):
        broker = self.broker()
        row = self.app.put("mail.send", '{"to": "a@b"}', "mail",
                           '{"priority": 2, "delay": "1h", "tags": ["x"], "metadata": {"k": "v"}}')
        self.once(broker)
        job = shown(broker.zmq, job_id(self.outbox_id, row, queue="mail"))
        self.assertEqual((job["type"], job["queue"], job["priority"], job["status"], job["tags"], job["metadata"]),
                         ("mail.send", "mail", 2, "scheduled", ["x"], {"k": "v"}))
        self.app.put("mail.send", '"text"')
        self.once(broker)
        worker = self.worker(broker, "mail.send")
        (_, payload), = worker.take_jobs(1)
        self.assertEqual(payload, b'"text"')

    def test_a_kill_between_the_answer_and_the_removal_makes_no_second_job(self):
        broker = self.broker()
        row = self.app.order(1)
        relay = self.relay(broker, failpoint="outbox.submitted")
        self.assertEqual(relay.wait(), -9)
        self.assertEqual(set(listed(broker.zmq)), self.expected(row), "the job is stored")
        self.assertEqual(self.app.rows(), {row: None}, "and its row is there")
        stats = os.path.join(self.data, "stats")
        self.once(broker, "--stats", stats)
        self.assertEqual(set(listed(broker.zmq)), self.expected(row))
        self.assertEqual(self.app.rows(), {})
        with open(stats, encoding="ascii") as file:
            told = json.load(file)
        self.assertEqual((told["relayed"], told["replayed"]), (0, 1))

    def test_a_kill_before_the_question_loses_nothing(self):
        broker = self.broker()
        row = self.app.order(1)
        self.assertEqual(self.relay(broker, failpoint="outbox.fetched").wait(), -9)
        self.assertEqual((listed(broker.zmq), self.app.rows()), ({}, {row: None}))
        self.once(broker)
        self.assertEqual((set(listed(broker.zmq)), self.app.rows()), (self.expected(row), {}))

    def test_refused_rows_stay_with_their_error_and_hold_up_nobody(self):
        broker = self.broker()
        strict = os.path.join(self.data, "strict.json")
        with open(strict, "w", encoding="ascii") as file:
            file.write('{"required": ["n"]}')
        subprocess.run([WEFT, "type", "set", "strict", "--schema", strict, "--broker", broker.zmq], check=True,
                       capture_output=True)
        bad = {
            self.app.put("No Type", "1"): "bad-field",
            self.app.put("t", "1", options='{"prioritty": 1}'): "bad-field",
            self.app.put("t", "1", options='{"queue": "other"}'): "bad-field",
            self.app.put("t", "1", options='{"payload": 2}'): "bad-field",
            self.app.put("t", '"' + "x" * (1 << 20) + '"'): "too-large",
            self.app.put("t", "1", options='{"tags": ["' + "x" * (17 << 10) + '"]}'): "too-large",
            self.app.put("t", "1", queue="q" * 2000): "bad-field",
            self.app.put("strict", '{"m": 1}'): "schema",
            self.app.put("t", '{"a": 1, "a": 2}'): "malformed",
        }
        good = self.app.order(1)
        self.once(broker, code=1)
        self.assertEqual(self.app.rows(), bad)
        self.assertEqual(set(listed(broker.zmq)), self.expected(good))
        self.assertEqual(self.app.session.run("SELECT error FROM weft_outbox WHERE error_code = 'bad-field' "
                                              "ORDER BY id LIMIT 1 OFFSET 1"),
                         [("prioritty is no field of a job; did you mean priority?",)])
        # A mended one goes its way.
        row = next(row for row, slug in bad.items() if slug == "schema")
        self.app.session.run("UPDATE weft_outbox SET payload = '{\"n\": 1}', refused_at = NULL, error_code = NULL, "
                             "error = NULL WHERE id = ?1", row)
        self.once(broker)
        self.assertNotIn(row, self.app.rows())
        self.assertEqual(set(listed(broker.zmq)), self.expected(good, row))

    def test_an_open_row_cannot_be_changed(self):
        row = self.app.order(1)
        with self.assertRaisesRegex(Lost, "only after it was refused"):
            self.app.session.run("UPDATE weft_outbox SET payload = '1' WHERE id = ?1", row)

    def test_a_full_queue_waits_and_the_others_go_on(self):
        broker = self.broker()
        limit = [WEFT, "queue", "set", "narrow", "--broker", broker.zmq]
        subprocess.run([*limit, "--open-max", "2"], check=True, capture_output=True)
        narrow = [self.app.put("t", "1", "narrow") for _ in range(300)]  # more than SOURCE_ROWS_MAX
        relay = self.relay(broker)
        relay.ready()
        wait_for("two of them", lambda: len(self.app.rows()) == 298)
        wide = self.app.put("t", "1", "wide")
        wait_for("the other queue", lambda: wide not in self.app.rows())
        self.assertEqual(set(self.app.rows().values()), {None}, "nothing is refused")
        subprocess.run([*limit, "--open-max", "1000"], check=True, capture_output=True)
        wait_for("all of them", lambda: not self.app.rows())
        self.assertEqual(set(listed(broker.zmq)), self.expected(*narrow, queue="narrow")
                         | self.expected(wide, queue="wide"))

    def test_a_queue_that_waited_once_leaves_its_place_to_the_next(self):
        """Of PARKED_COUNT_MAX, 64."""
        broker = self.broker()
        client = self.peer(broker)

        def tell(kind, *queues):
            for queue in queues:
                client.ask(pb.QueueSet(queue=queue, weight=2))  # else it is not known yet
                said = client.ask(pb.Act(kind=kind, queue=queue, direction=pb.DIRECTION_IN, act_id=os.urandom(16)))
                self.assertEqual(said.error, 0)

        def put(queue, count):
            self.app.session.run("BEGIN")
            made = [self.app.put("t", "1", queue) for _ in range(count)]
            self.app.session.run("COMMIT")
            return made

        queues = [f"once-{n}" for n in range(64)]
        tell(pb.ACT_PAUSE, *queues, "later")
        rows = [put(queue, 1)[0] for queue in queues]
        free, = put("free", 1)
        self.relay(broker).ready()
        wait_for("the free queue", lambda: free not in self.app.rows())
        self.assertEqual(sorted(self.app.rows()), rows)
        tell(pb.ACT_RESUME, *queues)
        wait_for("those that waited", lambda: not self.app.rows())
        rows = put("later", 300)  # more than SOURCE_ROWS_MAX
        free, = put("free", 1)
        wait_for("the free queue", lambda: free not in self.app.rows())
        self.assertEqual(sorted(self.app.rows()), rows)

    def test_long_payloads_go_in_several_messages(self):
        broker = self.broker()
        rows = [self.app.put("t", '"' + "x" * 1000000 + '"') for _ in range(30)]  # MSG_BYTES_MAX is 24 MiB
        stats = os.path.join(self.data, "stats")
        self.once(broker, "--stats", stats)
        self.assertEqual(set(listed(broker.zmq)), self.expected(*rows))
        with open(stats, encoding="ascii") as file:
            told = json.load(file)
        # SOURCE_BYTES_MAX; one that found no answer in time is fetched once more
        self.assertEqual(told["batches"] - told["broker_lost"], 6)

    def test_several_relays_share_the_work(self):
        broker = self.broker()
        rows = []
        self.app.session.run("BEGIN")
        for number in range(1000):
            rows.append(self.app.put("t", str(number)))
        relays = [self.relay(broker) for _ in range(3)]
        for relay in relays:
            relay.ready()
        self.app.session.run("COMMIT")
        wait_for("all rows", lambda: not self.app.rows())
        self.assertEqual(set(listed(broker.zmq)), self.expected(*rows))

    def test_without_broker_or_outbox_it_says_so(self):
        self.app.order(1)
        relay = Relay(self.database, "tcp://127.0.0.1:1", "--once", "--give-up", "1ms")
        self.addCleanup(relay.close)
        self.assertEqual(relay.wait(), 4)
        self.assertIn("outbox.given_up", relay.stderr())
        self.app.session.run("DROP TABLE weft_outbox_identity")
        relay = Relay(self.database, "tcp://127.0.0.1:1", "--once")
        self.addCleanup(relay.close)
        self.assertEqual(relay.wait(), 1)
        self.assertIn(f"weft outbox schema {self.kind}", relay.stderr())
