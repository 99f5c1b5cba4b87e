#!/usr/bin/python3
"""No field without effect: every field of a request has a named test that shows what it does.

The fields come from the contract (proto/weft.proto: what a broker is asked) and from the gateway's own
tables (gateway/core/*.c). wire.txt and http.txt beside this file name a test for each: `field  file::test`. A test
that is missing, that does not mention the field, or whose field is gone fails. So does one that only shows where a
field goes: such a test says "mapping only" of itself.

    effects.py [--suggest]     prints rows for fields that have none, when a test mentions them
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


# --- the fields ---

def contract():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "weft.pb"
        subprocess.run(["protoc", f"--proto_path={ROOT}/proto", f"--descriptor_set_out={path}", "weft.proto"],
                       check=True)
        return descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes()).file[0]


def asked_of_a_broker():
    """Names of the messages that docs/protocol.md sends to a broker, as HELLO."""
    page = (ROOT / "docs/protocol.md").read_text(encoding="utf-8")
    sections = re.findall(r"^### ([A-Z_]+)\n+([^\n]*)", page, re.M)
    return {name for name, first in sections if re.search(r"→ broker\b", first)}


def wire_fields():
    """`Message.field` of everything a broker may be asked, nested messages included."""
    file = contract()
    messages = {message.name: message for message in file.message_type}
    asked = asked_of_a_broker()
    bodies = [field for field in messages["Envelope"].field if field.name not in ("corr", "tenant")]
    unknown = asked - {body.name.upper() for body in bodies}
    if unknown:
        sys.exit(f"effects: docs/protocol.md describes {', '.join(sorted(unknown))}, the contract does not")
    todo = [body.type_name.split(".")[-1] for body in bodies if body.name.upper() in asked]
    fields, seen = {"Envelope.corr", "Envelope.tenant"}, set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for field in messages[name].field:
            fields.add(f"{name}.{field.name}")
            nested = field.type_name.split(".")[-1]
            if nested in messages:
                todo.append(nested)
    return fields


def http_fields():
    """`table.name` of the gateway's tables of fields and of query parameters that this version does."""
    fields = set()
    for path in sorted((ROOT / "gateway/core").glob("*.c")):
        text = path.read_text(encoding="utf-8")
        for table, rows in re.findall(r"struct field (\w+)_fields\[\] = \{(.*?)\n\};", text, re.S):
            for name, reader in re.findall(r'\{"([a-z_]+)",\s*(\w+)', rows):
                if reader != "NULL":
                    fields.add(f"{table}.{name}")
        for rows in re.findall(r"names\[QUERY_NAMES\] = \{(.*?)\n\};", text, re.S):
            fields |= {f"query.{name}" for name in re.findall(r'"([a-z_]+)"', rows)}
        for rows in re.findall(r"char \*const (?:wish|word)_names\[\] = \{(.*?)\};", text, re.S):
            fields |= {f"lease.{name}" for name in re.findall(r'"([a-z_]+)"', rows)}
    return fields


# --- the tests ---

def tests_of(path):
    """Name and body of each test of a file; several of one name in Python are one."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".c":
        found = re.findall(r"^TEST\((\w+), (\w+)\)\n\{(.*?)^\}", text, re.M | re.S)
        return {f"{suite}.{claim}": body for suite, claim, body in found}
    bodies = {}
    for _, name, body in re.findall(r"^( *)def (\w+)(\(.*?)(?=^ {0,4}(?:def|class|if|@)\b|\Z)", text, re.M | re.S):
        bodies[name] = bodies.get(name, "") + name + body
    return bodies


MAPPING = "mapping only"


def speaks_of_wire(body, name):
    """Structs in C leave the unit of moments out."""
    shorter = re.sub(r"_ms$", "", name)
    return re.search(rf"(?<![A-Za-z0-9])({name}|{shorter})(?![A-Za-z0-9])", body)


def speaks_of_http(body, name):
    """In a document, behind a question mark, or as an argument that becomes one of both."""
    return re.search(rf"[\"'?&]{name}[\"'=\\\\]|\b{name}=", body)


class Tests:
    """The tests that may show effects: `speaks_of` says whether a body mentions a field."""

    def __init__(self, patterns, speaks_of, root=ROOT):
        self.patterns = patterns
        self.speaks_of = speaks_of
        self.root = root
        self.files = {}

    def bodies(self, name):
        if name not in self.files:
            path = self.root / name
            self.files[name] = tests_of(path) if path.exists() else None
        return self.files[name]

    def fault(self, field, place):
        """What is wrong with a row, or None."""
        name, _, test = place.partition("::")
        if not any(pathlib.PurePath(name).match(f"tests/{pattern}") for pattern in self.patterns):
            return f"{name} is not where such tests are ({', '.join(self.patterns)})"
        bodies = self.bodies(name)
        if bodies is None:
            return f"{name} is not there"
        if test not in bodies:
            return f"{name} has no test {test}"
        if not self.speaks_of(bodies[test], field.split(".")[-1]):
            return f"{test} does not mention it"
        if MAPPING in bodies[test]:
            return f"{test} shows where it goes, not what it does"
        return None

    def suggestion(self, field):
        for pattern in self.patterns:
            for path in sorted((ROOT / "tests").glob(pattern)):
                name = str(path.relative_to(ROOT))
                for test, body in self.bodies(name).items():
                    is_test = path.suffix == ".c" or test.startswith("test_")
                    if is_test and MAPPING not in body and self.speaks_of(body, field.split(".")[-1]):
                        return f"{name}::{test}"
        return None


# --- the tables ---

def read_table(name):
    rows = {}
    for number, line in enumerate((HERE / name).read_text(encoding="utf-8").splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2 or words[0] in rows:
            sys.exit(f"effects: {name}:{number} is no row: `field  file::test`, one for each field")
        rows[words[0]] = words[1]
    return rows


def check(name, fields, tests, suggest):
    rows = read_table(name)
    faults = 0
    for field in sorted(fields - rows.keys()):
        faults += 1
        place = tests.suggestion(field) if suggest else None
        print(f"{field}  {place}" if place else
              f"{field} has no test of its effect: write one and name it in tests/effects/{name}")
    for field in sorted(rows.keys() - fields):
        faults += 1
        print(f"{field} in tests/effects/{name} is no field of a request (any more)")
    for field in sorted(rows.keys() & fields):
        fault = tests.fault(field, rows[field])
        if fault:
            faults += 1
            print(f"{field} in tests/effects/{name}: {fault}")
    return faults


def check_itself():
    """A test of each kind that shows nothing is planted and must be found."""
    planted = {"unit/a_test.c": 'TEST(a, echo)\n{\n    // The key: mapping only.\n    EXPECT(job.key);\n}\n'
                                "TEST(a, mute)\n{\n    EXPECT(true);\n}\nTEST(a, good)\n{\n    EXPECT(job.key);\n}\n",
               "unit/b.py": 'def test_echo():\n    """key: mapping only."""\n\n\ndef test_good():\n    ask("key")\n'}
    wanted = {"a_test.c::a.echo": "not what it does", "a_test.c::a.mute": "does not mention", "a_test.c::a.good": None,
              "a_test.c::a.gone": "has no test", "b.py::test_echo": "not what it does", "b.py::test_good": None,
              "c.py::test_good": "is not there", "d.sh::test": "is not where"}
    with tempfile.TemporaryDirectory() as folder:
        tests = Tests(("unit/*_test.c", "unit/*.py"), speaks_of_wire, pathlib.Path(folder))
        (tests.root / "tests/unit").mkdir(parents=True)
        for name, text in planted.items():
            (tests.root / "tests" / name).write_text(text, encoding="utf-8")
        for place, word in wanted.items():
            fault = tests.fault("job.key", f"tests/unit/{place}")
            if (word or "") not in (fault or "") or (word is None) != (fault is None):
                sys.exit(f"effects: {place} was found to be {fault!r}, not {word!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--suggest", action="store_true")
    options = parser.parse_args()
    check_itself()
    brokers = Tests(("integration/*.py",
                     "unit/broker/core/*_test.c"), speaks_of_wire)
    gateways = Tests(("integration/gateway_*.py", "unit/gateway/core/*_test.c"), speaks_of_http)
    wire, http = wire_fields(), http_fields()
    faults = (check("wire.txt", wire, brokers, options.suggest) +
              check("http.txt", http, gateways, options.suggest))
    print(f"{len(wire)} fields of the wire, {len(http)} of HTTP, {faults} without a test of their effect")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
