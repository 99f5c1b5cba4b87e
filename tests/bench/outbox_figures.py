"""Figures of `weft outbox`: rows of a filled outbox to durable jobs, and what that flushes at the broker."""

import os
import subprocess
import sys
import tempfile
import time

from servers import ROOT, WEFT, Weft

ROWS = {
    "postgresql": "INSERT INTO weft_outbox (type, payload) SELECT 'bench', json_build_object('n', n) "
                  "FROM generate_series(1, ?1::int) n",
    # Python's SQLite has no generate_series().
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ?1) "
              "INSERT INTO weft_outbox (type, payload) SELECT 'bench', json_object('n', n) FROM s",
}


def measure(rows, figures):
    os.environ["WEFT_BIN"] = WEFT
    sys.path.insert(0, str(ROOT / "tests/integration"))
    import lib_outbox

    for kind, make in lib_outbox.KINDS.items():
        with tempfile.TemporaryDirectory(prefix="weft-bench-") as place, Weft() as server:
            database = make(place)
            app = lib_outbox.Application(database)
            app.session.run(ROWS[kind], rows)
            before = server.metric("weft_commits_total")
            began = time.monotonic()
            subprocess.run([WEFT, "outbox", "--once", "--database", database.url, "--broker", server.endpoint,
                            "--log-level", "error"], check=True, stdout=subprocess.DEVNULL)
            figures[f"weft outbox rows/s, {kind}"] = rows / (time.monotonic() - began)
            figures[f"weft outbox flushes a row, {kind}"] = (server.metric("weft_commits_total") - before) / rows
            if app.rows():
                sys.exit("bench: the outbox is not empty")
            app.close()
