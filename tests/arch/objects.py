"""Rules that need the compiler. Its answers are kept by content, so that a second run is quick."""

import hashlib
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import tables

COMPILER = os.environ.get("CC", "gcc")
# Plain objects: no sanitizer, no stack protector, no position-independent code (which would turn
# tables of constant pointers into writable ones).
PLAIN = ["-std=c17", "-O0", "-fno-pic", "-fno-pie", "-fno-stack-protector", "-U_FORTIFY_SOURCE", "-w"]
FLAGS = {
    "PURE": ["-DWEFT_PURE"],
    "POSIX": ["-D_POSIX_C_SOURCE=200809L"],
    "GNU": ["-D_POSIX_C_SOURCE=200809L", "-D_GNU_SOURCE"],
}


def is_below(path, folders):
    return any(path.startswith(folder + "/") for folder in folders)


def kind_of(path):
    if is_below(path, tables.PURE):
        return "PURE"
    return "GNU" if is_below(path, tables.GNU) else "POSIX"


class Compiler:
    def __init__(self, tree, cache):
        self.tree = tree
        self.cache = os.path.abspath(cache)
        os.makedirs(cache, exist_ok=True)
        self.flags_seen = repr((COMPILER, PLAIN, FLAGS))
        self.closures = {}
        self.generated = self.contract() if "proto/weft.proto" in tree.known else None

    def read_by(self, path):
        """The project's files that compiling this one reads, itself included."""
        if path not in self.closures:
            self.closures[path] = {path}  # stands while we look, so that a circle ends
            for header in re.findall(r'^\s*#\s*include\s*"([^"]+)"', self.tree.text(path), flags=re.M):
                if header in self.tree.known:
                    self.closures[path] |= self.read_by(header)
        return self.closures[path]

    def contract(self):
        """The folder with what protoc-c makes of the wire contract."""
        key = hashlib.sha256(b"strings are bytes" + self.tree.text("proto/weft.proto").encode()).hexdigest()
        made = os.path.join(self.cache, key, "proto")
        if not os.path.exists(os.path.join(made, "weft.pb-c.h")):
            os.makedirs(made, exist_ok=True)
            # As proto/CMakeLists.txt does it: strings are bytes in C.
            with open(os.path.join(made, "weft.proto"), "w", encoding="utf-8") as file:
                file.write(re.sub(r"([ \n])string ([a-z_]+ =)", r"\1bytes \2",
                                  self.tree.text("proto/weft.proto")))
            self.run(["protoc-c", "--c_out", made, "--proto_path", made, "weft.proto"])
        return made

    def flags(self, path, is_banning=True):
        banned = "lib/base/banned.h"
        flags = FLAGS[kind_of(path)] + ["-I", self.tree.root]
        if is_banning and banned in self.tree.known:
            flags += ["-include", os.path.join(self.tree.root, banned)]
        if self.generated:
            flags += ["-isystem", self.generated, "-isystem", os.path.dirname(self.generated)]
        return flags

    def once(self, what, path, work):
        """The text that work() gives for this file, from the cache if nothing it reads has changed."""
        key = hashlib.sha256("\0".join((what, path, self.flags_seen, self.generated or "")).encode())
        for file in sorted(self.read_by(path) | ({"lib/base/banned.h"} & self.tree.known)):
            key.update(f"\0{file}\0{self.tree.text(file)}".encode())
        kept = os.path.join(self.cache, key.hexdigest())
        if os.path.exists(kept):
            with open(kept, encoding="utf-8") as file:
                return file.read()
        answer = work()
        partial = f"{kept}.{os.getpid()}"
        with open(partial, "w", encoding="utf-8") as file:
            file.write(answer)
        os.replace(partial, kept)
        return answer

    def run(self, arguments):
        done = subprocess.run(arguments, cwd=self.tree.root, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode, done.stdout

    def symbols_of(self, path):
        """What nm says of the plain object, or a line beginning with ! if it does not compile."""
        def work():
            made = os.path.join(self.cache, f"{os.getpid()}-{path.replace('/', '-')}.o")
            status, output = self.run(
                [COMPILER, *PLAIN, *self.flags(path), "-c", path, "-o", made])
            if status != 0:
                return "!" + first_error(output)
            _, listing = self.run(["nm", made])
            os.unlink(made)
            return listing
        return self.once("symbols", path, work)

    def header_alone(self, path):
        """Empty, or the first error of a file that includes nothing but this header."""
        # Without banned.h, which would lend it the declarations of <string.h>.
        def work():
            done = subprocess.run(
                [COMPILER, "-std=c17", "-w", "-Dstatic_assert=_Static_assert",
                 *self.flags(path, is_banning=False), "-fsyntax-only", "-x", "c", "-"],
                input=f'#include "{path}"\n', cwd=self.tree.root, text=True, check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            return first_error(done.stdout) if done.returncode != 0 else ""
        return self.once("alone", path, work)


def first_error(output):
    return next((line for line in output.splitlines() if "error" in line), "does not compile")


def in_parallel(function, paths):
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        return list(zip(paths, pool.map(function, paths)))


def pure_objects(compiler):
    """Pure objects call each other, mem*, strlen and check_failed; and hold no mutable globals."""
    listings = in_parallel(compiler.symbols_of, compiler.tree.below(tables.PURE, (".c",)))
    defined = set()
    for _, listing in listings:
        defined.update(re.findall(r"^[0-9a-f]+ [TRVW] (\S+)$", listing, flags=re.M))
    broken = [(path, listing[1:]) for path, listing in listings if listing.startswith("!")]
    for path, error in broken:
        yield f"{path}:1: {error}"
    if broken: # what these would define is not known, so calls cannot be judged
        return
    for path, listing in listings:
        extra = tables.WIRE_CALLS if path.startswith("proto/wire") else ()
        for kind, name in re.findall(r"^[0-9a-f ]{16} ([A-Za-z]) (\S+)$", listing, flags=re.M):
            if kind in "bBdDC":
                yield f"{path}:1: {name} is a mutable global"
            elif kind == "U" and name not in tables.PURE_CALLS and name not in defined \
                    and not name.startswith(extra or ("\0",)):
                yield f"{path}:1: calls {name}, which is not pure"


def headers_alone(compiler):
    headers = compiler.tree.below(tables.PRODUCT + ("tests/support",), (".h",))
    for path, error in in_parallel(compiler.header_alone, headers):
        if error:
            yield f"{path}:1: does not compile alone: {error}"


ALL = [pure_objects, headers_alone]
