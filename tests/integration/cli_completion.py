"""Completion in a real fish: verbs with what the help says of them, second words, flags, and files where they may be."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import lib_skip

WEFT = pathlib.Path(os.environ["WEFT_BIN"])


class Completion(unittest.TestCase):
    def fish(self, line):
        """{word: what is said of it}, in a directory with one file."""
        if shutil.which("fish") is None:
            self.skipTest("fish is not installed")
        with tempfile.TemporaryDirectory() as home:
            work = pathlib.Path(home, "work")
            work.mkdir()
            (work / "payload").touch()
            told = subprocess.run(["fish", "--no-config", "-c", "weft completion fish | source; complete -C $argv[1]", line],
                                  capture_output=True, text=True, timeout=60, check=True, cwd=work,
                                  env={**os.environ, "HOME": home, "PATH": f"{WEFT.parent}:{os.environ['PATH']}"})
        self.assertEqual(told.stderr, "")
        return dict(each.partition("\t")[::2] for each in told.stdout.splitlines())

    def test_verbs_and_second_words_alone(self):
        self.assertEqual(self.fish("weft pu"), {"push": "submits a job, or a file of jobs (--bulk)"})
        self.assertNotIn("payload", self.fish("weft "))
        self.assertEqual(set(self.fish("weft jobs ")), {"list", "cancel", "retry", "run-now", "delete"})
        self.assertEqual(set(self.fish("weft completion ")), {"bash", "zsh", "fish"})
        self.assertIn("jobs", self.fish("weft help jo"))

    def test_flags_of_the_verb(self):
        self.assertEqual(set(self.fish("weft push x --ke")), {"--keep", "--key"})
        self.assertEqual(set(self.fish("weft jobs list --st")), {"--status"})
        self.assertEqual(set(self.fish("weft schedule set nightly a.b --cr")), {"--cron"})
        self.assertIn("--output", self.fish("weft push --o"))
        self.assertEqual(self.fish("weft nix --"), {})

    def test_files_where_a_word_may_be_one(self):
        self.assertEqual(set(self.fish("weft push --bulk pay")), {"payload"})


class Help(unittest.TestCase):
    def test_each_script_says_how_it_is_loaded(self):
        for shell, words in (("bash", "source <(weft completion bash)"), ("zsh", "source <(weft completion zsh)"),
                             ("fish", "weft completion fish | source")):
            script, told, wrong = (subprocess.run([WEFT, "completion", shell, *more], capture_output=True, text=True, timeout=30,
                                                  check=False) for more in ((), ("--help",), ("x",)))
            self.assertEqual((script.returncode, told.returncode, wrong.returncode), (0, 0, 64), shell)
            self.assertIn(words, "".join(script.stdout.splitlines()[:2]))
            self.assertTrue(told.stdout.startswith(f"Usage: weft completion {shell}\n"), told)


if __name__ == "__main__":
    lib_skip.main()
