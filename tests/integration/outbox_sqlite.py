"""`weft outbox` with SQLite."""

import os
import re
import unittest

from lib_broker import ROOT
from lib_outbox import job_id
from lib_outbox_claims import Claims


class Outbox(Claims):
    kind = "sqlite"

    def test_vectors_of_the_page(self):
        with open(os.path.join(ROOT, "docs", "outbox.md"), encoding="utf-8") as page:
            found = re.findall(r"^\| `([0-9a-f-]+)` \| (\d+) \| `(\w+)` \| `(\w+)` \| `([0-9a-f-]+)` \|$", page.read(), re.M)
        self.assertEqual(len(found), 3)
        for outbox_id, row, tenant, queue, expected in found:
            self.assertEqual(job_id(outbox_id, row, tenant, queue), expected)


def load_tests(loader, _tests, _pattern):
    return loader.loadTestsFromTestCase(Outbox)


if __name__ == "__main__":
    unittest.main()
