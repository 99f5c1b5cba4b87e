#!/usr/bin/env python3
"""Replays docs/transcript.md against a broker: what is written there is said, and what comes back must be what is written.

Every kind of message of the contract must be in it. `--record` says the lines with an arrow to the right again and writes
what comes back.
"""

import os
import re
import sys
import time
import unittest

from google.protobuf import text_format

from lib_broker import PATIENCE_S, ROOT, BrokerTest, Peer, pb

PAGE = os.path.join(ROOT, "docs", "transcript.md")
LINE = re.compile(r"^(\w+) (→|←) (\d+) (\w+) \{(.*)\}(?: block \"(.*)\")?$")
# What differs from run to run is left out of the page.
FLEETING = {"lineage", "broker", "position", "index", "elapsed_ms", "retry_after_ms"}


def steady(message):
    """Without moments and what else is another one in each run."""
    for field, value in message.ListFields():
        if field.name in FLEETING or field.name.endswith(("_at_ms", "at_ms", "_until_ms", "_until", "due_ms")):
            message.ClearField(field.name)
        elif field.message_type is not None:
            for inner in value if field.label == field.LABEL_REPEATED else [value]:
                steady(inner)
    return message


def lines():
    with open(PAGE, encoding="utf-8") as page:
        block = re.search(r"^```transcript\n(.*?)^```", page.read(), re.M | re.S)[1]
    return [line for line in block.splitlines() if line and not line.startswith("#")]


def written(peer, arrow, envelope, block):
    kind = envelope.WhichOneof("body")
    body = text_format.MessageToString(steady(getattr(envelope, kind)), as_one_line=True)
    tail = f' block "{text_format.text_encoding.CEscape(block, False)}"' if block else ""
    return f"{peer} {arrow} {envelope.corr} {kind} {{ {body} }}{tail}".replace("{  }", "{}")


class Transcript(BrokerTest):
    def setUp(self):
        super().setUp()
        self.served = self.broker("--renew", "10m", "--lease", "30m")
        self.peers, self.heard = {}, {}

    def peer_named(self, name):
        if name not in self.peers:
            self.peers[name], self.heard[name] = self.peer(self.served, hello=False), []
        return self.peers[name]

    def say(self, line):
        name, _, corr, kind, text, block = LINE.match(line).groups()
        field = pb.Envelope.DESCRIPTOR.fields_by_name[kind]
        body = text_format.Parse(text, getattr(pb, field.message_type.name)())
        data = text_format.text_encoding.CUnescape(block) if block else b""
        self.peer_named(name).send(body, data, corr=int(corr))

    def hear(self, name, corr, kind):
        """The next message of this corr and kind; others are kept."""
        end = time.monotonic() + PATIENCE_S
        while True:
            for at, (envelope, _) in enumerate(self.heard[name]):
                if (envelope.corr, envelope.WhichOneof("body")) == (corr, kind):
                    return self.heard[name].pop(at)
            got = self.peers[name].receive(max(0, end - time.monotonic()))
            self.assertIsNotNone(got, f"{name} never hears {corr} {kind}; kept: {self.heard[name]}")
            self.heard[name].append(got)

    def expect(self, line):
        name, _, corr, kind, _, _ = LINE.match(line).groups()
        if kind == "bye":
            self.served.process.terminate()
        return written(name, "←", *self.hear(name, int(corr), kind))

    def test_the_page_is_what_is_said(self):
        for line in lines():
            with self.subTest(line):
                if " → " in line:
                    self.say(line)
                else:
                    self.assertEqual(self.expect(line), line)

    def test_every_kind_is_in_it(self):
        kinds = {LINE.match(line)[4] for line in lines()}
        known = {field.name for field in pb.Envelope.DESCRIPTOR.oneofs[0].fields}
        self.assertEqual(sorted(known - kinds), [])

    def test_a_peer_counts_its_requests(self):
        said = {}
        for line in lines():
            name, arrow, corr, kind = LINE.match(line).groups()[:4]
            if arrow == "→" and kind != "simulated":  # that answers, with the broker's number
                said.setdefault(name, []).append(int(corr))
        self.assertEqual(said, {name: list(range(1, len(corrs) + 1)) for name, corrs in said.items()})


def record():
    """Says the lines again; of an answer only peer, number and kind are taken from the page."""
    test = Transcript("test_the_page_is_what_is_said")
    test.setUp()
    told = []
    for line in lines():
        if " → " in line:
            test.say(line)
            told.append(line)
        else:
            told.append(test.expect(line))
    test.doCleanups()
    with open(PAGE, encoding="utf-8") as page:
        text = page.read()
    text = re.sub(r"(^```transcript\n).*?(^```)", lambda m: m[1] + "\n".join(told) + "\n" + m[2], text, flags=re.M | re.S)
    with open(PAGE, "w", encoding="utf-8") as page:
        page.write(text)


if __name__ == "__main__":
    if "--record" in sys.argv:
        record()
    else:
        unittest.main()
