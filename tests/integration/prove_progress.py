"""What `make prove` says while it runs: a campaign may take minutes until its first words."""

import importlib.machinery
import importlib.util
import io
import pathlib
import sys
import tempfile
import threading
import unittest
from contextlib import redirect_stdout

PROVE = pathlib.Path(__file__).resolve().parents[1] / "prove"
sys.path.insert(0, str(PROVE))
import lib_campaign  # noqa: E402


def load_run():
    loader = importlib.machinery.SourceFileLoader("prove_run", str(PROVE / "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("prove_run", loader))
    loader.exec_module(module)
    return module


class Heard(io.StringIO):
    """Lets who writes be waited for."""

    def __init__(self, words):
        super().__init__()
        self.words, self.heard = words, threading.Event()
        self.beside = set()  # how many threads there were when the figure was told

    def write(self, text):
        if "10 kills" in text:
            self.beside.add(threading.active_count())
        written = super().write(text)
        if self.words in self.getvalue():
            self.heard.set()
        return written


class Progress(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)
        lib_campaign.FOLDER = self.place.name
        sys.dont_write_bytecode = True

    def test_a_piece_is_told_before_it_ends_and_with_what_is_left(self):
        run = load_run()
        out = Heard("runs, for")

        def piece(_):
            self.assertTrue(out.heard.wait(60), out.getvalue())
            return {"kills": 10}, "", True

        self.addCleanup(setattr, lib_campaign.Ticker, "TELL_S", lib_campaign.Ticker.TELL_S)
        lib_campaign.Ticker.TELL_S = 0.01
        chosen = [lib_campaign.Campaign("one", "kill -9", {"kills": 10}, piece, []),
                  lib_campaign.Campaign("two", "done", {"x": 0}, piece, [])]
        with redirect_stdout(out):
            self.assertEqual(run.work(chosen, 300), [])
        lines = out.getvalue().splitlines()
        self.assertIn("2 campaigns, 1 of them have reached their figures; the others take turns for 5 min", lines[0])
        self.assertRegex(lines[1], r"kill -9: begins, at 0 of 10 kills; 5 min and 1 campaigns left")
        self.assertRegex(lines[2], r"^kill -9: runs, for 0 s$")
        self.assertIn("10 kills", lines[-1])
        self.assertEqual(out.beside, {1}, "nobody else writes what would come into or behind the verdict")


if __name__ == "__main__":
    unittest.main()
