"""Words of the command: each `weft VERB …` that a page names is one, and what users of other systems type leads to one."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEFT = os.environ["WEFT_BIN"]


def weft(*words):
    return subprocess.run([WEFT, *words], capture_output=True, text=True, timeout=30, check=False)


def verbs_of(*words):
    """None when it is a verb itself."""
    told = weft(*words, "--help").stdout
    if not re.search(r"Usage: weft(?: \w+)? VERB|Usage: weft VERB", told):
        return None
    return set(re.findall(r"^  ([a-z][a-z-]*) ", told, re.M))


class Words(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.verbs = {verb: verbs_of(verb) for verb in verbs_of() - {"help", "version"}}

    def there_is(self, verb, rest):
        if verb in ("help", "version"):
            return True
        if verb not in self.verbs:
            return False
        below = self.verbs[verb]
        return below is None or not rest or rest in below

    def test_pages_name_verbs_that_exist(self):
        pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
        named = [(page.name, *match.groups()) for page in pages
                 for match in re.finditer(r"\bweft ([a-z]+)(?: ([a-z][a-z-]*))?", page.read_text(encoding="utf-8"))]
        self.assertGreater(len(named), 200)
        self.assertEqual([each for each in named if not self.there_is(each[1], each[2])], [])

    def test_help_knows_verbs_of_two_words_and_slips_are_told(self):
        for words in (("job", "show"), ("queue", "set"), ("push",)):
            told = weft("help", *words)
            self.assertEqual((told.returncode, told.stdout), (0, weft(*words, "--help").stdout), words)
        for words, meant in ((("jbos",), "weft jobs"), (("job", "shwo"), "weft job show"), (("help", "job", "shwo"), "weft job show")):
            told = weft(*words)
            self.assertEqual(told.returncode, 64, told)
            self.assertIn(f"did you mean '{meant}'?", told.stderr)

    def test_other_words_lead_to_verbs_that_exist(self):
        source = (ROOT / "cli/command.c").read_text(encoding="utf-8")
        others = re.findall(r'\{"weft ([a-z ]+)", "weft ([a-z ]+)"\}', source)
        self.assertGreater(len(others), 10)
        for said, meant in others:
            verb, _, rest = meant.partition(" ")
            self.assertTrue(self.there_is(verb, rest), meant)
            answer = weft(*said.split())
            self.assertEqual(answer.returncode, 64, said)
            self.assertEqual(answer.stderr, f"weft: there is no 'weft {said}'; did you mean 'weft {meant}'?\n")


if __name__ == "__main__":
    sys.exit(unittest.main())
