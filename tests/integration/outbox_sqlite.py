"""`weft outbox` with SQLite."""

import os
import re

from lib_beside import main_beside
from lib_broker import ROOT
from lib_keys import Keys
from lib_outbox import Application, Sqlite, job_id, listed, wait_for
from lib_outbox_claims import Claims


class Outbox(Claims):
    kind = "sqlite"

    def test_the_relay_speaks_curve_and_needs_to_submit_only(self):
        keys = Keys(os.path.join(self.data, "keys-of"))
        broker = self.broker("--keys", keys.dir)
        row = self.app.order(1)
        for name, scopes, code in (("reader", "read", 4), ("relay", "submit", 0)):
            key = keys.new(name, scopes=scopes)
            relay = self.once(broker, "--curve-key", key.path, "--curve-server", keys.server_file, "--give-up", "300ms",
                              code=code)
            self.assertEqual(self.app.rows(), {row: None} if code else {}, relay.stderr())

    def test_a_file_that_stands_in_place_of_another_is_read(self):
        broker = self.broker()
        relay = self.relay(broker, "--poll", "50ms")
        first = self.app.order(1)
        self.assertEqual(relay.ready()["outbox"], self.outbox_id)
        wait_for("the first file's row", lambda: not self.app.rows())
        place = os.path.join(self.data, "restored")
        os.mkdir(place)
        restored = Sqlite(place)
        app = Application(restored)
        self.addCleanup(app.close)
        second = app.order(2)
        app.session.run("PRAGMA wal_checkpoint(TRUNCATE)")
        for rest in ("-wal", "-shm"):  # as whoever brings back a backup has to
            os.remove(self.database.path + rest)
        os.rename(restored.path, self.database.path)
        expected = {*self.expected(first), job_id(app.outbox_id(), second)}
        wait_for("the other file's row", lambda: set(listed(broker.zmq)) == expected)
        self.assertIn("moved, removed or replaced", relay.stderr())

    def test_vectors_of_the_page(self):
        with open(os.path.join(ROOT, "docs", "outbox.md"), encoding="utf-8") as page:
            found = re.findall(r"^\| `([0-9a-f-]+)` \| (\d+) \| `(\w+)` \| `(\w+)` \| `([0-9a-f-]+)` \|$", page.read(), re.M)
        self.assertEqual(len(found), 3)
        for outbox_id, row, tenant, queue, expected in found:
            self.assertEqual(job_id(outbox_id, row, tenant, queue), expected)


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromTestCase(Outbox)


if __name__ == "__main__":
    main_beside(4)
