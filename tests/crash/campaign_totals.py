#!/usr/bin/python3
"""The totals of `make prove` add up, survive, and begin again when what they stand on has changed."""

import contextlib
import io
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "prove"))

import lib_campaign  # noqa: E402  (found through the line above)


class Totals(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weft-totals-")
        self.addCleanup(folder.cleanup)
        lib_campaign.ROOT = folder.name
        lib_campaign.FOLDER = os.path.join(folder.name, "totals")
        self.write("a.c", '#include "a.h"\n')
        self.write("a.h", '#include "b.h"\n')
        self.write("b.h", "")
        self.write("b.c", "int b;\n")
        silent = contextlib.redirect_stdout(io.StringIO())
        silent.__enter__()
        self.addCleanup(silent.__exit__, None, None, None)

    def write(self, name, text):
        with open(os.path.join(lib_campaign.ROOT, name), "w", encoding="utf-8") as file:
            file.write(text)

    def campaign(self, piece=lambda totals: ({"seeds": 10}, "text", True), **more):
        return lib_campaign.Campaign("sim", "simulation", {"seeds": 25}, piece, lib_campaign.closure("a.c"), **more)

    def test_add_up_over_calls(self):
        for expected in (10, 20, 30):
            campaign = self.campaign()
            self.assertFalse(campaign.is_done())
            self.assertTrue(campaign.advance())
            self.assertEqual(campaign.totals, {"seeds": expected})
        self.assertTrue(self.campaign().is_done())

    def test_begin_again_when_a_file_behind_a_header_changes(self):
        self.campaign().advance()
        self.write("c.c", "int c;\n")
        self.assertEqual(self.campaign().totals, {"seeds": 10})
        self.write("b.c", "long b;\n")
        self.assertEqual(self.campaign().totals, {})

    def test_keep_a_violation_and_what_it_said(self):
        self.assertFalse(self.campaign(lambda totals: ({"seeds": 10}, "the cause", False)).advance())
        self.assertEqual(self.campaign().totals, {"seeds": 10, "violations": 1})
        log, = (name for name in os.listdir(lib_campaign.FOLDER) if name.endswith(".log"))
        with open(os.path.join(lib_campaign.FOLDER, log), encoding="utf-8") as file:
            self.assertEqual(file.read(), "the cause")

    def test_an_answer_without_figures_is_a_violation(self):
        def odd(totals):
            raise ValueError("no figure in: nonsense")
        self.assertFalse(self.campaign(odd).advance())
        self.assertEqual(self.campaign().totals, {"violations": 1})

    def test_a_damaged_file_is_no_total(self):
        self.campaign().advance()
        with open(os.path.join(lib_campaign.FOLDER, "sim.json"), "w", encoding="utf-8") as file:
            file.write('{"digest"')
        self.assertEqual(self.campaign().totals, {})

    def test_the_table_says_what_is_left(self):
        campaign = self.campaign()
        campaign.advance()
        row = lib_campaign.table([campaign]).splitlines()[1].split()
        self.assertEqual(row[:6], ["simulation", "seeds", "10", "25", "40.0", "%"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
