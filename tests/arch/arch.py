#!/usr/bin/env python3
"""The architecture tests: layers, purity, names, sizes, documents. Under two seconds.

    arch.py [--root DIR] [--cache DIR] [RULE…]

--cache keeps the compiler's answers between runs.
"""

import argparse
import os
import sys
import tempfile

sys.dont_write_bytecode = True

import objects
import rules
from tree import Tree


def findings_of(tree, cache, only=()):
    """[(rule, sentence)] for all rules, or only those named."""
    found = []
    for rule in rules.ALL:
        if not only or rule.__name__ in only:
            found += [(rule.__name__, sentence) for sentence in rule(tree)]
    wanted = [rule for rule in objects.ALL if not only or rule.__name__ in only]
    if wanted:
        compiler = objects.Compiler(tree, cache)
        for rule in wanted:
            found += [(rule.__name__, sentence) for sentence in rule(compiler)]
    return found


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(here)))
    parser.add_argument("--cache")
    parser.add_argument("rules", nargs="*")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        tree = Tree(arguments.root)
        found = findings_of(tree, arguments.cache or scratch, arguments.rules)
    for rule, sentence in found:
        print(f"{sentence}  [{rule}]")
    count = len(rules.ALL) + len(objects.ALL)
    print(f"{count} rules, {len(tree.files)} files, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
