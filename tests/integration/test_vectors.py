#!/usr/bin/env python3
"""docs/protocol.md says what is: its ids, bytes, limits and fields are computed again from other sources."""

import glob
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


PAGE = text_of("docs/protocol.md")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.M | re.S)


def contract():
    folder = tempfile.mkdtemp(prefix="weft-proto-")
    try:
        subprocess.run(["protoc", f"--proto_path={ROOT}/proto", f"--python_out={folder}", "weft.proto"], check=True)
        sys.path.insert(0, folder)
        import weft_pb2
        return weft_pb2
    finally:
        sys.path.remove(folder)
        shutil.rmtree(folder)


pb = contract()


def put(text):
    return struct.pack(">I", len(text.encode())) + text.encode()


def blake(data):
    return int.from_bytes(hashlib.blake2b(data, digest_size=16).digest(), "big")


def slot_of(queue):
    return blake(b"weft/slot/1" + put("default") + put(queue)) >> 116


def id_of(queue, key):
    """By arithmetic on one number, so that it is another road than the example's."""
    number = blake(b"weft/id/1" + put("default") + put(queue) + put(key))
    number = number & ~(0xFFF << 116) | slot_of(queue) << 116
    number = number & ~(0xF << 76) | 8 << 76
    return uuid.UUID(int=number & ~(3 << 62) | 2 << 62)


class Ids(unittest.TestCase):
    def vectors(self):
        rows = [[cell.strip() for cell in line.split("|")] for line in blocks("vectors")[0].splitlines()]
        self.assertGreaterEqual(len(rows), 4)
        return rows

    def test_are_those_of_the_hash(self):
        for queue, key, slot, job_id in self.vectors():
            self.assertEqual((int(slot), job_id), (slot_of(queue), str(id_of(queue, key))), key)

    def test_keys_by_content_are_those_of_the_hash(self):
        def hashed(data):
            return hashlib.blake2b(data, digest_size=16).digest()
        rows = [[cell.strip() for cell in line.split("|")] for line in blocks("content")[0].splitlines()]
        self.assertGreaterEqual(len(rows), 4)
        program = text_of("tests/unit/lib/sys/mint_test.c")
        for queue, kind_of_work, kind, payload, key in rows:
            about = b"weft/content/1" + put(queue) + put(kind_of_work) + bytes([int(kind)]) + hashed(payload.encode())
            self.assertEqual(key, "content-" + hashed(about).hex(), payload)
            self.assertIn(key, program)

    def test_are_those_the_program_is_tested_with(self):
        in_c = re.findall(r'\{"([^"]+)", "([^"]+)", (\d+), "([^"]+)"\}', text_of("tests/unit/lib/sys/mint_test.c"))
        self.assertEqual([list(row) for row in in_c], self.vectors())


class Bytes(unittest.TestCase):
    def test_say_what_the_page_says(self):
        packed, block = (bytes.fromhex(text.replace("\n", " ")) for text in blocks("hex"))
        envelope = pb.Envelope.FromString(packed)
        job, = envelope.submit.jobs
        part = job.payload
        self.assertEqual(envelope.corr, 7)
        self.assertEqual(job.job_id, id_of("default", "order-1001").bytes)
        self.assertEqual((job.key, job.queue, job.type), ("order-1001", "default", "example"))
        self.assertEqual(block[part.offset:part.offset + part.length], b'{"n":7}')
        self.assertEqual((part.content, part.length), (pb.CONTENT_JSON, len(block)))
        self.assertEqual(envelope.SerializeToString(deterministic=True), packed)


def constants(path, prefix):
    """Names and values of the enum constants and macros of a header."""
    pattern = rf"^\s*(?:#define |enum {{ )?({prefix}\w+_MAX)(?: =| ) ?([^,/\n}}]+)"
    for name, value in re.findall(pattern, text_of(path), flags=re.M):
        value = re.sub(r"U?INT64_C\((\d+)\)", r"\1", value)
        value = re.sub(r"MSG_HELD_MAX", "16384", value)
        if not re.fullmatch(r"[\d\s*()+-]+", value):
            raise AssertionError(f"{path}: {name} is {value}")
        yield name, eval(value)  # digits and operators only, as checked


class Limits(unittest.TestCase):
    def test_are_those_of_the_sources(self):
        page = {name: int(value) for name, value in re.findall(r"^\| `(\w+_MAX)` \| (\d+) \|", PAGE, flags=re.M)}
        source = dict([*constants("proto/msg_limits.h", "MSG_"), *constants("proto/msg.h", "MSG_"),
                       *constants("proto/check.h", "CHECK_"), *constants("proto/check_hook.h", "CHECK_")])
        self.assertEqual(page, source)


class Fields(unittest.TestCase):
    def sections(self):
        parts = re.split(r"^### ([A-Z_]+)$", PAGE, flags=re.M)
        return dict(zip(parts[1::2], parts[2::2]))

    def named(self, message, depth=0):
        for field in message.fields:
            yield field.name
            is_item = field.message_type and field.message_type.name not in ("Part", "Held")
            # A job is described once, where it is submitted and where it is handed out; so is a line of a log.
            home = {"SubmitJob": "Submit", "LogLine": "Renew", "Job": "Jobs"}.get(field.message_type.name) if is_item else None
            is_told = home is not None and message.name != home
            if is_item and not is_told and depth == 0:
                yield from self.named(field.message_type, depth + 1)

    def test_of_every_message_are_described(self):
        sections = self.sections()
        for field in pb.Envelope.DESCRIPTOR.oneofs_by_name["body"].fields:
            section = sections[field.name.upper()].split("\n## ")[0]
            for name in self.named(field.message_type):
                if name == "jobs":
                    continue
                self.assertIn(f"`{name}`", section, f"{field.name.upper()}: {name}")

    def test_of_no_message_are_invented(self):
        known = {field.name for message in pb.DESCRIPTOR.message_types_by_name.values() for field in message.fields}
        for kind, section in self.sections().items():
            for name in re.findall(r"^\| `([a-z_]+)` \|", section.split("\n## ")[0], flags=re.M):
                self.assertIn(name, known, kind)

    def test_errors_are_those_of_the_table(self):
        text = re.sub(r'"\s+"', "", text_of("lib/base/err.h").replace("\\\n", "\n"))
        rows = re.findall(r'X\(\w+, (\d+), (\d+), (\w+),\s*"([a-z-]+)",\s*"((?:[^"\\]|\\.)+)"\)', text)
        said = re.findall(r"^\| (\d+) \| `([a-z-]+)` \| (yes|no) \| (\d+) \| (.*) \|$", PAGE, flags=re.M)
        self.assertEqual(said, [(number, slug, "yes" if retry == "true" else "no", http, means.replace('\\"', '"'))
                                for number, http, retry, slug, means in rows])

    def test_errors_have_their_numbers(self):
        table = dict(re.findall(r'X\(\w+, (\d+), \d+, \w+,\s*"([a-z-]+)"', text_of("lib/base/err.h")))
        said = re.findall(r"\b(\d+) \(?`([a-z]+(?:-[a-z]+)*)`", PAGE)
        said += re.findall(r"^\| (\d+) \| `([a-z-]+)` \|", PAGE, flags=re.M)
        self.assertGreater(len(said), 15)
        for number, slug in said:
            self.assertEqual(table.get(number), slug)

    def test_errors_of_messages_are_those_a_broker_says(self):
        """The table has all numbers, the gateway's too; what stands before it can be heard."""
        names = dict(re.findall(r'X\((\w+), (\d+), \d+, \w+,', text_of("lib/base/err.h")))
        names = {number: name for name, number in names.items()}
        sources = "".join(text_of(os.path.relpath(path, ROOT)) for folder in ("broker", "proto")
                          for path in glob.glob(f"{ROOT}/{folder}/**/*.c", recursive=True))
        page = PAGE[:PAGE.index("\n## Limits\n")]
        said = set(re.findall(r"\b(\d+) \(?`[a-z]+(?:-[a-z]+)*`", page)) | set(re.findall(r"^\| (\d+) \| `", page, re.M))
        self.assertGreater(len(said), 25)
        for number in said:
            self.assertRegex(sources, rf"\b{names[number]}\b")


if __name__ == "__main__":
    unittest.main()
