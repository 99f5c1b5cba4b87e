"""`weft outbox` with PostgreSQL."""

import os
import re
import signal
import subprocess
import unittest

from lib_broker import ROOT
from lib_clock import Clock
from lib_outbox import WEFT, job_id, listed, wait_for
from lib_outbox_claims import Claims


class Outbox(Claims):
    kind = "postgresql"

    def test_the_example_of_the_page_runs(self):
        with open(os.path.join(ROOT, "docs", "outbox.md"), encoding="utf-8") as page:
            sql, = re.findall(r"^```sql\n(.*?)^```$", page.read(), re.M | re.S)
        for statement in re.split(r";\n(?=\n|CREATE TRIGGER)", sql):
            self.app.session.run(statement)
        broker = self.broker()
        self.once(broker)
        self.assertEqual(set(listed(broker.zmq)), {job_id(self.outbox_id, 1, queue="parcels")})

    def test_rows_that_commit_late_are_not_passed_over(self):
        broker = self.broker()
        late = self.database.session()
        self.addCleanup(late.close)
        late.run("BEGIN")
        (row,), = late.run("INSERT INTO weft_outbox (type) VALUES ('t') RETURNING id")
        early = self.app.put("t")
        self.assertLess(int(row), early)
        self.once(broker)
        self.assertEqual(set(listed(broker.zmq)), self.expected(early))
        late.run("COMMIT")
        self.once(broker)
        self.assertEqual(set(listed(broker.zmq)), self.expected(early, row))

    def test_a_locked_table_is_not_waited_for_without_end(self):
        broker = self.broker()
        self.app.order(1)
        other = self.database.session()
        self.addCleanup(other.close)
        other.run("BEGIN")
        other.run("LOCK TABLE weft_outbox")
        relay = self.once(broker, "--give-up", "1ms", code=4)
        self.assertIn("lock timeout", relay.stderr())
        other.run("COMMIT")
        self.once(broker)
        self.assertEqual(self.app.rows(), {})

    def test_a_server_that_stands_still_is_left(self):
        broker, clock = self.broker(), Clock(os.path.join(self.data, "clock"))
        relay = self.relay(broker, "--poll", "10ms", env=clock.env)
        relay.ready()
        (pid,), = self.app.session.run("SELECT pid FROM pg_stat_activity WHERE application_name = 'weft outbox'")
        os.kill(int(pid), signal.SIGSTOP)
        self.addCleanup(os.kill, int(pid), signal.SIGCONT)
        row = self.app.put("t")
        wait_for("the relay", lambda: clock.advance(76) or "has not answered for 75 s" in relay.stderr())
        wait_for("another connection", lambda: not self.app.rows())
        self.assertEqual(set(listed(broker.zmq)), self.expected(row))
        self.assertEqual(relay.stop(), 0)

    def test_words_that_are_no_connection_are_not_repeated(self):
        for words in ("host=here s3cret", "postgresql://user:s3cret@[here/shop", "s3cret"):
            done = subprocess.run([WEFT, "outbox", "--database", words, "--once"], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 64, done.stderr)
            self.assertIn("--database is", done.stderr)
            self.assertNotIn("s3cret", done.stderr)


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromTestCase(Outbox)


if __name__ == "__main__":
    unittest.main()
