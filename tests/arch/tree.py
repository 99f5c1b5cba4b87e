"""The sources under test: read once, and read by ctags once."""

import fnmatch
import json
import os
import re
import subprocess
from collections import namedtuple
from functools import cached_property

SKIP = {".git", "build", "__pycache__", "weft-data", "corpus", "node_modules"}
Function = namedtuple("Function", "path name line end parameters static")


def parameter_count(signature):
    inner = signature.strip()[1:-1].strip()
    if inner in ("", "void"):
        return 0
    depth = 0
    count = 1
    for char in inner:
        depth += (char == "(") - (char == ")")
        count += char == "," and depth == 0
    return count


def without_comments(text):
    """The same text with comments and strings blanked, lines kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


class Tree:
    def __init__(self, root):
        self.root = os.path.abspath(root)
        self.files = []
        for folder, subfolders, names in os.walk(self.root):
            subfolders[:] = sorted(s for s in subfolders if s not in SKIP)
            for name in sorted(names):
                self.files.append(os.path.relpath(os.path.join(folder, name), self.root))
        self.known = set(self.files)
        self._texts = {}

    def text(self, path):
        if path not in self._texts:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
                self._texts[path] = file.read()
        return self._texts[path]

    def lines(self, path):
        return enumerate(self.text(path).splitlines(), 1)

    def match(self, pattern):
        """Files whose path fits; ** crosses folders."""
        if "**/" in pattern:
            tail = pattern.split("**/", 1)[1]
            return [f for f in self.files if fnmatch.fnmatch(os.path.basename(f), tail)]
        return [f for f in self.files
                if fnmatch.fnmatch(f, pattern) and f.count("/") == pattern.count("/")]

    def below(self, folders, endings):
        return [f for f in self.files
                if f.endswith(endings) and any(f.startswith(folder + "/") for folder in folders)]

    @cached_property
    def tags(self):
        sources = [f for f in self.files if f.endswith(".c")]
        if not sources:
            return []
        command = ["ctags", "--output-format=json", "--fields=+neSf", "--kinds-C=fv",
                   "-I", "MUST_USE,_Noreturn", "-L", "-", "-f", "-"]
        answer = subprocess.run(command, input="\n".join(sources), cwd=self.root, text=True,
                                check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return [json.loads(line) for line in answer.stdout.splitlines()]

    @cached_property
    def functions(self):
        return [Function(t["path"], t["name"], t["line"], t.get("end", t["line"]),
                         parameter_count(t.get("signature", "()")), t.get("file", False))
                for t in self.tags if t["kind"] == "function"]

    def is_static(self, tag):
        """ctags does not see 'static' in front of a struct that is spelled out before its variable."""
        lines = self.text(tag["path"]).splitlines()[:tag["line"]]
        while len(lines) > 1 and lines[-1][:1] in ("}", " ", ""):
            lines.pop()
        return tag.get("file", False) or lines[-1].startswith("static")

    @cached_property
    def exported_variables(self):
        return [(t["path"], t["line"], t["name"])
                for t in self.tags if t["kind"] == "variable" and not self.is_static(t)]
