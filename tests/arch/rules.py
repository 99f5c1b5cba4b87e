"""Rules that read text. Each takes a tree and yields what is wrong, as "path:line: sentence"."""

import json
import os
import re

import tables

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:work|root)/")


def includes(tree, path):
    for number, line in tree.lines(path):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) == '"', match.group(2)


def product(tree, endings=(".c", ".h")):
    return tree.below(tables.PRODUCT, endings)


def layer_of(path):
    """The row of the table that `path` belongs to: the longest folder that contains it."""
    fitting = [folder for folder in tables.LAYERS if path.startswith(folder + "/")]
    return max(fitting, key=len) if fitting else None


def is_third_party(header):
    return any(header.startswith(prefix) for prefix in tables.SEAMS)


def include_graph(tree):
    for path in product(tree):
        layer = layer_of(path)
        if layer is None:
            yield f"{path}:1: the folder is not in the table of layers (tests/arch/tables.py)"
            continue
        allowed = [layer] + tables.LAYERS[layer]
        for number, is_own, header in includes(tree, path):
            if not is_own or is_third_party(os.path.basename(header)):
                continue
            if header not in tree.known:
                yield f"{path}:{number}: no such file from the project root: {header}"
            elif not any(header == a or header.startswith(a + "/") for a in allowed):
                yield f"{path}:{number}: {layer} may not include {header}"


def pure_libc(tree):
    for path in tree.below(tables.PURE, (".c", ".h")):
        if path == "lib/base/banned.h":
            continue
        allowed = tables.BASE_LIBC if path.startswith("lib/base/") else tables.PURE_LIBC
        for number, is_own, header in includes(tree, path):
            if not is_own and header not in allowed and not is_third_party(header):
                yield f"{path}:{number}: a pure file may not include <{header}>"


def third_party_seams(tree):
    for prefix, (places, file_count_max) in tables.SEAMS.items():
        users = []
        for path in product(tree):
            for number, _, header in includes(tree, path):
                if not os.path.basename(header).startswith(prefix) and not header.startswith(prefix):
                    continue
                users.append(path)
                if not any(path.startswith(place) for place in places):
                    yield f"{path}:{number}: {header} belongs behind its seam ({', '.join(places) or 'tests'})"
        if file_count_max is not None and len(set(users)) > max(file_count_max, 0) and places:
            yield f"{sorted(set(users))[-1]}:1: {prefix} has more than one file: {', '.join(sorted(set(users)))}"


def stems(tree, path):
    """The prefixes that exports of a file may have."""
    if path in tables.STEM_EXCEPTIONS:
        return tables.STEM_EXCEPTIONS[path]
    if path.startswith(tables.SDK + "/"):
        return ("weft_",)
    folder, stem = os.path.dirname(path), os.path.basename(path)[:-2]
    found = [stem]
    # One implementation of an interface: store_lmdb.c exports the store_* of store.h.
    parent = stem.rsplit("_", 1)[0]
    if f"{folder}/{stem}.h" not in tree.known and f"{folder}/{parent}.h" in tree.known:
        found.append(parent)
    return tuple(found)


def exported_names(tree):
    for function in tree.functions:
        if not function.static:
            yield function.path, function.line, function.name
    yield from tree.exported_variables


def export_prefix(tree):
    paths = set(product(tree, (".c",)))
    for path, line, name in exported_names(tree):
        if path not in paths:
            continue
        allowed = stems(tree, path)
        if not any(name == a or name.startswith(a if a.endswith("_") else a + "_") for a in allowed):
            yield f"{path}:{line}: {name} is exported, but does not begin with {' or '.join(allowed)}"


def export_once(tree):
    """All folders end up in one program."""
    paths = set(product(tree, (".c",)))
    first = {}
    for path, line, name in exported_names(tree):
        if path in paths and first.setdefault(name, path) != path:
            yield f"{path}:{line}: {name} is exported by {first[name]} too"


def one_mover(tree):
    """A state changes in one function, which is called move or *_move. Copying one is no change."""
    import tree as tree_module
    assignment = re.compile(r"(?:->|\w\.)state\s*=(?!=)")
    copy = re.compile(r"(?:->|\w\.)state\s*=\s*(?:\([\w ]+\)\s*)?[\w.>-]+(?:->|\.)state;")
    for path in tree.below([p for p in tables.PURE if p != "proto"], (".c",)):
        movers = [f for f in tree.functions
                  if f.path == path and (f.name == "move" or f.name.endswith("_move"))]
        code = tree_module.without_comments(tree.text(path))
        for number, line in enumerate(code.splitlines(), 1):
            if assignment.search(copy.sub("", line)) and not any(f.line <= number <= f.end for f in movers):
                yield f"{path}:{number}: only a function named *_move may assign a state"


def unit_test_each(tree):
    for path in tree.below(tables.PURE, (".c",)):
        test = f"tests/unit/{path[:-2]}_test.c"
        if test not in tree.known:
            yield f"{path}:1: has no unit test ({test})"


def file_size(tree):
    for path in tree.files:
        if path.endswith((".c", ".h", ".py", ".sh")):
            count = tree.text(path).count("\n")
            if count > tables.FILE_LINES_MAX:
                yield f"{path}:{count}: {count} lines, at most {tables.FILE_LINES_MAX}"


def function_size(tree):
    paths = set(product(tree, (".c",)))
    for function in tree.functions:
        if function.path not in paths:
            continue
        count = function.end - function.line + 1
        if count > tables.FUNCTION_LINES_MAX:
            yield (f"{function.path}:{function.line}: {function.name} has {count} lines, "
                   f"at most {tables.FUNCTION_LINES_MAX}")
        is_callback = (function.static and function.name.startswith("on_")
                       and function.path.startswith(tuple(c + "/" for c in tables.CALLBACKS)))
        if function.parameters > tables.PARAMETERS_MAX and not is_callback:
            yield (f"{function.path}:{function.line}: {function.name} has {function.parameters} "
                   f"parameters, at most {tables.PARAMETERS_MAX}")


def words(tree):
    """No FIXME, no TODO without a number, no assertion in a comment, no path of one machine."""
    dead_check = re.compile(r"(?://|/\*)\s*(?:CHECK|CHECK_IMPLIES|assert|EXPECT\w*)\(.*\)\s*;")
    for path in tree.files:
        if path.startswith("tests/arch/") or not path.endswith((".c", ".h", ".py", ".sh", ".proto")):
            continue
        for number, line in tree.lines(path):
            if "FIXME" in line:
                yield f"{path}:{number}: FIXME does not land"
            if re.search(r"\bTODO\b(?!\(#\d+\))", line):
                yield f"{path}:{number}: a TODO needs a number: TODO(#123)"
            if path.endswith(".c") and dead_check.search(line):
                yield f"{path}:{number}: a commented-out assertion: fix it or delete it"
            if MACHINE_PATH.search(line):
                yield f"{path}:{number}: a path of one machine"


def header_guard(tree):
    for path in tree.below(tables.PRODUCT + ("tests",), (".h",)):
        if not tree.text(path).startswith("#pragma once\n"):
            yield f"{path}:1: begins with '#pragma once'"


def sleepless_units(tree):
    for path in tree.below(["tests/unit", "tests/sim"], (".c",)):
        for number, line in tree.lines(path):
            if re.search(r"\b(?:u|nano|clock_nano)?sleep\s*\(", line):
                yield f"{path}:{number}: a unit test waits for events, it does not sleep"


def skips_shown(tree):
    """unittest ends well when it has skipped; lib_skip tells ctest so."""
    for path in tree.below(["tests/integration", "tests/crash", "tests/soak"], (".py",)):
        text = tree.text(path)
        if re.search(r"\bskipTest\(|unittest\.skip|\bSkipTest\b", text) and "lib_skip" not in text:
            yield f"{path}: skips a test, and would pass as if it had run: end it with lib_skip.main()"


def code_words(tree):
    """What the documents show as code: the names a reader can copy."""
    found = set()
    for path in tree.below(["docs"], (".md",)):
        text = tree.text(path)
        pieces = re.findall(r"```.*?```", text, flags=re.S)
        pieces += re.findall(r"`([^`\n]+)`", text)
        pieces += re.findall(r"^\|([^|\n]+)\|", text, flags=re.M)
        for piece in pieces:
            found.update(word.strip("-") for word in re.findall(r"[\w-]+", piece))
    return found


def documented(tree):
    """A name that users meet is on a page."""
    words_shown = code_words(tree)
    for what, sources, pattern in tables.DOCUMENTED:
        names = {}
        for path in [f for source in sources for f in tree.match(source)]:
            for match in re.finditer(pattern, tree.text(path), flags=re.M):
                number = tree.text(path).count("\n", 0, match.start()) + 1
                names.setdefault(match.group(1), (path, number))
        missing = [name for name in names if name not in words_shown]
        if len(names) - len(missing) < tables.DOCUMENTED_AWAKE * len(names):
            continue
        for name in missing:
            yield f"{names[name][0]}:{names[name][1]}: {what} {name} is not in docs/"


def promised(tree):
    """Each promise names a check that is there: a test, or in italics a sentence of the simulator."""
    page = tree.text("docs/promises.md") if "docs/promises.md" in tree.known else ""
    said = set()
    for path in tree.match("tests/sim/*.c"):
        for literal in re.findall(r'(?:"(?:[^"\\\n]|\\.)*"\s*)+', tree.text(path)):
            said.add("".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', literal)))
    for number, line in enumerate(page.splitlines(), 1):
        row = re.match(r"\| (\d+) \|[^|]*\|(.*)\|$", line)
        if not row:
            continue
        sentences = re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", row[2])
        tests = re.findall(r"`(integration|crash|soak|power|unit)\.([\w/]+)`", row[2])
        if not sentences and not tests:
            yield f"docs/promises.md:{number}: promise {row[1]} names no check"
        for sentence in sentences:
            if sentence not in said:
                yield f"docs/promises.md:{number}: the simulator does not say '{sentence}'"
        for label, name in tests:
            if not any(f"tests/{label}/{name}{end}" in tree.known for end in (".py", ".sh", "_test.c")):
                yield f"docs/promises.md:{number}: there is no test {label}.{name}"


def handler_variables(tree):
    """What a worker tells a handler is no setting of a weft that the handler runs, and is on the page."""
    sources, pattern = tables.KEYS
    keys = {name for source in sources for path in tree.match(source)
            for name in re.findall(pattern, tree.text(path))}
    page = tree.text("docs/worker.md") if "docs/worker.md" in tree.known else ""
    for path in [f for source in tables.HANDLER_VARIABLES for f in tree.match(source)]:
        for match in re.finditer(tables.HANDLER_VARIABLE, tree.text(path)):
            number = tree.text(path).count("\n", 0, match.start()) + 1
            if match[1].lower().replace("_", "-") in keys:
                yield f"{path}:{number}: WEFT_{match[1]} is a setting too"
            if f"`WEFT_{match[1]}`" not in page:
                yield f"{path}:{number}: WEFT_{match[1]} is not in docs/worker.md"


def routes_served(tree):
    """(method, path) of the gateway's table of routes, with the line of each."""
    text = tree.text("gateway/shell/door.c") if "gateway/shell/door.c" in tree.known else ""
    for match in re.finditer(r'\.method = "(\w+)",\s*\.path = "([^"]+)"', text):
        yield match[1], match[2], text.count("\n", 0, match.start()) + 1


def described(tree):
    """Each route of the HTTP door is in its OpenAPI document, with what is refused before any route is asked; nothing else is."""
    refused_before_routes = {"400", "401", "403", "421", "429", "431"}
    served = list(routes_served(tree))
    if not served:
        return
    document = json.loads(tree.text("gateway/openapi.json"))
    told = {(method.upper(), re.sub(r"\{\w+\}(:[\w-]+)?", "*", path)): path
            for path, item in document["paths"].items() for method in item if method != "parameters"}
    for method, path, number in served:
        if not (method, path) in told:
            yield f"gateway/shell/door.c:{number}: {method} {path} is not in gateway/openapi.json"
    for (method, path), name in told.items():
        if (method, path) not in {(method, path) for method, path, _ in served}:
            yield f"gateway/openapi.json: {method} {name} is not served"
            continue
        expected = refused_before_routes | (set() if method == "GET" else {"412"})
        missing = expected - set(document["paths"][name][method.lower()].get("responses", {}))
        if name.startswith("/v1/") and missing:
            yield f"gateway/openapi.json: {method} {name} does not tell {', '.join(sorted(missing))}"


def limits_of_page(tree):
    """Line, what the row names, and all spellings of it: `name`, its flag; or the words of a row without code."""
    for number, line in tree.lines("docs/limits.md"):
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) < 3 or cells[0] == "limit" or set(cells[0]) <= {"-"}:
            continue
        flags = re.findall(r"`(--[a-z-]+)`", cells[1])
        for name in re.findall(r"`(--[\w-]+|\w+)`", cells[0]) or [cells[0]]:
            yield number, name, [name, *flags]


def tests_in(tree, path):
    text = tree.text(path)
    return ({f"{suite}.{claim}" for suite, claim in re.findall(r"^TEST\((\w+), (\w+)\)$", text, re.M)}
            | set(re.findall(r"^ *def (\w+)\(", text, re.M)))


def fault_of_test(tree, place, spellings):
    path, _, test = place.partition("::")
    if path not in tree.known or test not in tests_in(tree, path):
        return f"{place} is not there"
    if " " not in spellings[0] and not any(spelling in tree.text(path) for spelling in spellings):
        return f"{path} does not mention it"
    return None


def limits_filled(tree):
    """Each row of docs/limits.md has a named test in tests/effects/limits.txt."""
    table = "tests/effects/limits.txt"
    if "docs/limits.md" not in tree.known:
        return
    rows = {}
    for number, line in tree.lines(table) if table in tree.known else ():
        if line.strip() and not line.startswith("#"):
            name, *places = re.split(r"  +", line.strip())
            rows.setdefault(name, []).append((number, places[0] if len(places) == 1 else ""))
    for number, name, spellings in limits_of_page(tree):
        if not rows.get(name):
            yield f"docs/limits.md:{number}: no test of {name} is named in {table}"
            continue
        at, place = rows[name].pop(0)
        fault = fault_of_test(tree, place, spellings)
        if fault:
            yield f"{table}:{at}: {name}: {fault}"
    for name, left in rows.items():
        for number, _ in left:
            yield f"{table}:{number}: {name} is not (so often) in docs/limits.md"


ALL = [include_graph, pure_libc, third_party_seams, export_prefix, export_once, one_mover,
       unit_test_each, file_size, function_size, words, header_guard, sleepless_units, skips_shown, documented, promised,
       handler_variables, described, limits_filled]
