#!/usr/bin/env python3
"""Can each rule find anything? Plants one violation at a time in a small clean tree."""

import os
import sys
import tempfile

sys.dont_write_bytecode = True

import objects
import rules
from arch import findings_of
from tree import Tree

CLEAN = {
    "lib/base/banned.h": "#pragma once\n#include <string.h>\n#pragma GCC poison strcpy\n",
    "lib/base/check.h": "#pragma once\n_Noreturn void check_failed(const char *file, int line, "
                        "const char *fact);\n#define CHECK(fact) ((fact) ? (void)0 : "
                        "check_failed(__FILE__, __LINE__, #fact))\n",
    "lib/base/err.h": '#pragma once\n#define ERR_TABLE(X) \\\n'
                      '    X(ERR_FULL, 4, 429, true, "full", "a limit is reached")\n',
    "lib/base/ring.h": "#pragma once\n#include <stdint.h>\nuint32_t ring_next(uint32_t at);\n",
    "lib/base/ring.c": '#include "lib/base/ring.h"\n#include "lib/base/check.h"\n\n'
                       "static const struct {\n    int size;\n} sizes[] = {{1}};\n\n"
                       'static const char *const ring_names[] = {"a", "b"};\n\n'
                       "uint32_t ring_next(uint32_t at)\n{\n    CHECK(ring_names[at & 1u] != 0);\n"
                       "    return at + 1u;\n}\n",
    "tests/unit/lib/base/ring_test.c": '#include "lib/base/ring.h"\n',
    "lib/sys/clock.h": "#pragma once\nint clock_now(void);\n",
    "broker/core/job.h": '#pragma once\n#include "lib/base/ring.h"\nstruct job {\n    int state;\n};\n'
                         "void job_move(struct job *job, int to);\n",
    "broker/core/job.c": '#include "broker/core/job.h"\n\nvoid job_move(struct job *job, int to)\n{\n'
                         "    job->state = to;\n}\n",
    "tests/unit/broker/core/job_test.c": '#include "broker/core/job.h"\n\nTEST(job, fills)\n{\n'
                                         "    limits.job_count_max = 3;\n}\n",
    "broker/store/store.h": "#pragma once\nint store_open(void);\n",
    "broker/store/store_lmdb.c": '#include "broker/store/store.h"\n\nint store_open(void)\n{\n'
                                 "    return 0;\n}\n",
    "gateway/core/map.h": "#pragma once\nint map_one(int code);\n",
    "broker/core/limits.h": "#pragma once\n#include <stdint.h>\nstruct limits {\n"
                            "    uint32_t job_count_max;\n};\n",
    "cli/verbs.c": 'static const struct verb verbs[] = {\n    {"push", verbs_push, "submit"},\n};\n'
                   'static const struct config_key keys[] = {\n    {"lease", CONFIG_DURATION},\n};\n',
    "broker/shell/metrics.c": 'static const char text[] = "# TYPE weft_jobs gauge";\n'
                              "int metrics_len(void);\nint metrics_len(void)\n{\n"
                              "    return (int)sizeof text;\n}\n",
    "gateway/shell/door.c": 'static const struct http_route routes[] = {\n'
                            '    {.method = "GET", .path = "/v1/jobs/*"},\n};\n'
                            "int door_open(void);\nint door_open(void)\n{\n"
                            "    return (int)sizeof routes;\n}\n",
    "gateway/openapi.json": '{"paths": {"/v1/jobs/{job_id}": {"parameters": [], "get": {"responses": {"400": {}, "401": {}, '
                            '"403": {}, "421": {}, "429": {}, "431": {}}}}}}\n',
    "docs/limits.md": "| limit | flag | default |\n|---|---|---|\n| `job_count_max` | `--job-count-max` | 10 |\n"
                      "| slots of a worker | | 4 |\n| `RING_MAX` | `lib/base/ring.h` | 8 |\n",
    "tests/effects/limits.txt": "# limit  test\njob_count_max  tests/unit/broker/core/job_test.c::job.fills\n"
                                "slots of a worker  tests/unit/broker/core/job_test.c::job.fills\n"
                                "RING_MAX  tests/integration/ring.py::test_ring\n",
    "tests/integration/ring.py": "RING_MAX = 8\n\n\ndef test_ring():\n    pass\n",
    "tests/sim/watch.c": 'static const char text[] = "what is said "\n                           "is stored";\n'
                         "int watch_len(void);\nint watch_len(void)\n{\n    return (int)sizeof text;\n}\n",
    "docs/promises.md": "| 1 | **Stored.** | the simulator: *what is said is stored* · `integration.ring` |\n",
    "docs/all.md": "| name | |\n|---|---|\n| full | a limit is reached |\n`job_count_max` is 10\n"
                   "```\nweft push --lease 30s\nweft_jobs{state=\"queued\"} 1\n```\n",
}

LONG_BODY = "".join(f"    (void){n};\n" for n in range(60))

# rule, file, text to append (or the whole of a new file), part of the sentence expected
PLANTS = [
    ("include_graph", "broker/core/job.c", '#include "lib/sys/clock.h"\n', "may not include"),
    ("include_graph", "broker/store/store_lmdb.c", '#include "gateway/core/map.h"\n', "may not include"),
    ("include_graph", "broker/core/job.c", '#include "job.h"\n', "no such file"),
    ("include_graph", "lib/common/all.h", "#pragma once\n", "not in the table"),
    ("pure_libc", "broker/core/job.c", "#include <time.h>\n", "<time.h>"),
    ("pure_libc", "lib/base/ring.h", "#include <limits.h>\n", "<limits.h>"),
    ("third_party_seams", "broker/store/store_lmdb.c", "#include <lmdb.h>\n", "behind its seam"),
    ("third_party_seams", "broker/shell/turn.c", "#include <zmq.h>\n", "behind its seam"),
    ("third_party_seams", "gateway/http/twice.c", "#include <msgpack.h>\n", "more than one file"),
    ("export_prefix", "lib/base/ring.c", "int wheel(void);\nint wheel(void)\n{\n    return 1;\n}\n",
     "wheel is exported"),
    ("export_prefix", "lib/base/ring.c", "int ringer;\n", "ringer is exported"),
    ("export_once", "gateway/core/job.c", "int job_move(void)\n{\n    return 1;\n}\n", "too"),
    ("one_mover", "broker/core/job.c",
     "static void hurry(struct job *job)\n{\n    job->state = 3;\n}\n", "may assign a state"),
    ("unit_test_each", "broker/core/lease.c", "\n", "no unit test"),
    ("file_size", "lib/base/ring.c", "\n" * 600, "lines, at most 600"),
    ("function_size", "lib/base/ring.c", "static void ring(void)\n{\n" + LONG_BODY + "}\n", "at most 60"),
    ("function_size", "lib/base/ring.c",
     "static int six(int a, int b, int c, int d, int e, int f)\n{\n    return a;\n}\n", "6 parameters"),
    ("words", "lib/base/ring.c", "// FIX" "ME later\n", "FIXME"),
    ("words", "lib/base/ring.c", "// TO" "DO: later\n", "needs a number"),
    ("words", "lib/base/ring.c", "// CHECK(at > 0);\n", "commented-out"),
    ("words", "deploy/x.sh", "cd /" "root/x\n", "one machine"),
    ("header_guard", "lib/base/pool.h", "int pool_len;\n", "pragma once"),
    ("sleepless_units", "tests/unit/lib/base/ring_test.c", "void f(void) { usleep(1); }\n", "sleep"),
    ("skips_shown", "tests/integration/x.py", "class X:\n    def setUp(self):\n        self.skipTest('no root')\n", "as if it had run"),
    ("documented", "lib/base/err.h", '#define MORE(X) X(ERR_NEW, 9, 500, false, "brand-new", "")\n',
     "error brand-new"),
    ("documented", "broker/core/limits.h", "struct more {\n    uint32_t serve_count_max;\n};\n",
     "limit serve_count_max"),
    ("documented", "cli/verbs.c",
     'static const struct config_key more[] = {\n    {.key = "colour", .type = CONFIG_BOOL},\n};\n',
     "configuration key colour"),
    ("documented", "cli/verbs.c", 'static const struct verb more[] = {\n    {"pull", verbs_pull, ""},\n};\n',
     "verb pull"),
    ("documented", "broker/shell/metrics.c", '// "# TYPE weft_more counter"\n', "metric weft_more"),
    ("handler_variables", "worker/shell/crew.c", 'static const char name[] = "WEFT_LEASE=%s";\n',
     "WEFT_LEASE is a setting too"),
    ("handler_variables", "worker/shell/crew.c", 'static const char name[] = "WEFT_JOB_ID=%s";\n',
     "WEFT_JOB_ID is not in docs/worker.md"),
    ("promised", "docs/promises.md", "| 2 | **Soon.** | looked at |\n", "promise 2 names no check"),
    ("promised", "docs/promises.md", "| 2 | **Soon.** | *what is said is so* |\n", "does not say 'what is said is so'"),
    ("promised", "docs/promises.md", "| 2 | **Soon.** | `crash.rings` |\n", "there is no test crash.rings"),
    ("described", "gateway/shell/door.c", 'static const struct http_route more[] = {\n'
     '    {.method = "POST",\n     .path = "/v1/jobs/*"},\n};\n', "POST /v1/jobs/* is not in"),
    ("limits_filled", "docs/limits.md", "| `RING_MIN` | | 1 |\n", "no test of RING_MIN"),
    ("limits_filled", "docs/limits.md", "| `RING_MAX` | | 9 |\n", "no test of RING_MAX"),
    ("limits_filled", "tests/effects/limits.txt", "RING_MIN  tests/integration/ring.py::test_ring\n",
     "RING_MIN is not"),
    ("limits_filled", "docs/limits.md", "| `A_MAX` | | 1 |\n", "A_MAX: tests/unit/gone_test.c::a.b is not there"),
    ("limits_filled", "docs/limits.md", "| `B_MAX` | | 1 |\n", "B_MAX: tests/integration/ring.py::test_no is not"),
    ("limits_filled", "docs/limits.md", "| `C_MAX` | | 1 |\n", "C_MAX: tests/integration/ring.py does not mention"),
    ("pure_objects", "lib/base/ring.c", "int puts(const char *s);\nint ring_say(void);\n"
     'int ring_say(void)\n{\n    return puts("x");\n}\n', "calls puts"),
    ("pure_objects", "lib/base/ring.c", "int ring_count(void);\nint ring_count(void)\n{\n"
     "    static int count;\n    return ++count;\n}\n", "mutable global"),
    ("pure_objects", "lib/base/ring.c", "char *ring_cut(char *a);\nchar *ring_cut(char *a)\n{\n"
     '    return strcpy(a, "x");\n}\n', "poisoned"),
    ("headers_alone", "lib/base/ring.h", "size_t ring_len(void);\n", "does not compile alone"),
]
# A second file for plants that need one.
COMPANIONS = {"gateway/http/twice.c": {"gateway/http/once.c": "#include <msgpack.h>\n"}}
# Tests that are not there, or that do not mention their limit.
COMPANIONS["docs/limits.md"] = {"tests/effects/limits.txt": CLEAN["tests/effects/limits.txt"] +
                                "A_MAX  tests/unit/gone_test.c::a.b\nB_MAX  tests/integration/ring.py::test_no\n"
                                "C_MAX  tests/integration/ring.py::test_ring\n"}


def write(root, files):
    for path, text in files.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)


def findings_in(files, cache, only=()):
    with tempfile.TemporaryDirectory() as root:
        write(root, files)
        return findings_of(Tree(root), cache, only)


def failures(cache):
    clean = findings_in(CLEAN, cache)
    for rule, sentence in clean:
        yield f"the clean tree fails {rule}: {sentence}"
    for rule, path, text, expected in PLANTS:
        files = dict(CLEAN, **COMPANIONS.get(path, {}))
        files[path] = files.get(path, "") + text
        found = findings_in(files, cache, (rule,))
        if not any(expected in sentence for _, sentence in found):
            yield f"{rule} does not see {expected!r} planted in {path}: {found}"
    planted = {rule for rule, *_ in PLANTS}
    for rule in rules.ALL + objects.ALL:
        if rule.__name__ not in planted:
            yield f"{rule.__name__} has no planted violation"


def main():
    with tempfile.TemporaryDirectory() as cache:
        failed = list(failures(cache))
    for sentence in failed:
        print(sentence)
    print(f"{len(PLANTS)} plants, {len(failed)} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
