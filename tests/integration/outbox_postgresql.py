"""`weft outbox` with PostgreSQL."""

import os
import re
import unittest

from lib_broker import ROOT
from lib_outbox import job_id, listed
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


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromTestCase(Outbox)


if __name__ == "__main__":
    unittest.main()
