#!/usr/bin/env python3
"""libweft as its users get it: installed under a prefix of its own, found by pkg-config and by CMake, the
programs of docs/libweft.md compiled against it and run; its names, its sizes, its man pages."""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import uuid

from lib_broker import PATIENCE_S, ROOT, BrokerTest, fresh_id, pb

BUILD = os.environ["WEFT_BUILD"]
PAGE = os.path.join(ROOT, "docs", "libweft.md")
ABI = os.path.join(ROOT, "tests", "integration", "sdk_abi.txt")


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **more)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def cached(name):
    with open(os.path.join(BUILD, "CMakeCache.txt"), encoding="utf-8") as cache:
        return re.search(rf"^{name}:\w+=(.*)$", cache.read(), flags=re.M).group(1)


def examples():
    with open(PAGE, encoding="utf-8") as page:
        text = page.read()
    found = dict(re.findall(r"^```c (\w+\.c)\n(.*?)^```", text, flags=re.M | re.S))
    found["first-jobs"], = re.findall(r"^```sh first-jobs\n(.*?)^```", text, flags=re.M | re.S)
    found["CMakeLists.txt"], = re.findall(r"^```cmake\n(.*?)^```", text, flags=re.M | re.S)
    return found


def header_names():
    text = ""
    for path in sorted(glob.glob(os.path.join(ROOT, "worker", "sdk", "weft", "*.h"))):
        with open(path, encoding="utf-8") as header:
            text += header.read()
    return text, sorted(re.findall(r"WEFT_API[^;]*?\b(weft_\w+)\s*\(", text))


class Package(BrokerTest):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="weft-package-")
        cls.prefix = os.path.join(cls.folder, "prefix")
        run("cmake", "--install", BUILD, "--prefix", cls.prefix, "--component", "libweft")
        lib, = glob.glob(os.path.join(cls.prefix, "lib*", "**", "libweft.so.0"), recursive=True)
        cls.lib = os.path.dirname(lib)
        cls.env = {**os.environ, "PKG_CONFIG_PATH": os.path.join(cls.lib, "pkgconfig"), "LD_LIBRARY_PATH": cls.lib}
        # A program for a sanitized library is sanitized too.
        sanitize = cached("WEFT_SANITIZE")
        cls.sane = [f"-fsanitize={sanitize}"] if sanitize else []
        for name, text in examples().items():
            with open(os.path.join(cls.folder, name), "w", encoding="utf-8") as file:
                file.write(text)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def compile(self, name):
        """As docs/libweft.md says it, and with every warning."""
        program = os.path.join(self.folder, name)
        said = run("pkg-config", "--cflags", "--libs", "weft", env=self.env).split()
        run("cc", "-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow",
            "-Wstrict-prototypes", "-Werror", *self.sane, "-o", program, program + ".c", *said, env=self.env)
        return program

    def start(self, *command):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.env)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=PATIENCE_S)

    def test_the_examples_work_and_a_kill_of_the_broker_does_not_disturb_them(self):
        served = self.broker("--renew", "200ms")
        push = self.start(self.compile("push"), served.zmq)
        self.assertEqual(push.stdout.readline(), "stored " + self.id_of_key("order-1001") + "\n")
        address = served.zmq
        served.kill()
        served = self.broker("--renew", "200ms", zmq=address)
        resize = self.start(self.compile("resize"), served.zmq, os.path.join(self.data, "worker"))
        said, complaints = push.communicate(timeout=PATIENCE_S)
        self.assertEqual((push.returncode, said), (0, 'succeeded {"ok":true}\n'), complaints)
        resize.terminate()
        _, complaints = resize.communicate(timeout=PATIENCE_S)
        self.assertEqual(resize.returncode, 0, complaints)

    def test_the_first_ten_minutes(self):
        """What the page lets a newcomer type, at another address; it waits for the last worker to leave."""
        served = self.broker("--renew", "200ms")
        with open(os.path.join(self.folder, "first-jobs"), encoding="utf-8") as file:
            text = file.read().replace("tcp://127.0.0.1:7400", served.zmq).replace("cc -o", " ".join(["cc", *self.sane, "-o"]))
        path = os.path.dirname(os.environ["WEFT_BIN"]) + os.pathsep + os.environ["PATH"]
        said = run("bash", "-euc", text + "wait $!\n", cwd=self.folder,
                   env={**self.env, "PATH": path, "WEFT_BROKER": served.zmq}).split()
        self.assertEqual(said, ['{"ok":true}', self.id_of_key("dog"), '{"ok":true}'])

    def test_a_handler_sees_all_that_comes_with_a_job(self):
        source = os.path.join(self.folder, "seer.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write("""#include <weft/worker.h>
#include <stdio.h>
static weft_worker *worker;
static int see(weft_job *job, void *ctx)
{
    (void)ctx;
    for (const char *const *id = weft_job_after(job); *id != NULL; id++)
        printf("after %s\\n", *id);
    for (const char *const *tag = weft_job_tags(job); *tag != NULL; tag++)
        printf("tag %s\\n", *tag);
    for (const struct weft_pair *pair = weft_job_metadata(job); pair->name != NULL; pair++)
        printf("%s=%s\\n", pair->name, pair->value);
    printf("%s %d %d\\n", weft_job_metadata_value(job, "who"), weft_job_deadline(job) > 0, weft_job_generation(job) > 0);
    weft_worker_stop(worker);
    return WEFT_JOB_SUCCEEDED;
}
int main(int argc, char **argv)
{
    struct weft_worker_options options = WEFT_WORKER_OPTIONS_INIT;
    options.broker = argc > 1 ? argv[1] : NULL;
    if (weft_worker_new(&options, &worker, NULL) != 0 || weft_worker_handle(worker, "see", see, NULL) != 0)
        return 2;
    int result = weft_worker_run(worker, NULL);
    weft_worker_free(worker);
    return result;
}
""")
        served = self.broker("--renew", "200ms")
        client, parent = self.peer(served), fresh_id()
        client.submit({"job_id": parent, "type": "nobody"})
        client.ask(pb.Act(kind=pb.ACT_CANCEL, job_id=parent, act_id=fresh_id()))
        client.submit({"job_id": fresh_id(), "type": "see", "after": [parent], "on_dependency_failure": pb.ON_FAILURE_RUN,
                       "labels": pb.Labels(tags=["red"], metadata={"who": "me"})})
        said = run(self.compile("seer"), served.zmq, env=self.env).splitlines()
        self.assertEqual(said, [f"after {uuid.UUID(bytes=parent)}", "tag red", "who=me", "me 1 1"])

    def id_of_key(self, key):
        source = os.path.join(self.folder, "id.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write('#include <weft/weft.h>\n#include <stdio.h>\nint main(void) { char id[WEFT_ID_SIZE];'
                       f' int e = weft_id_of_key(NULL, NULL, "{key}", id); puts(id); return e; }}\n')
        return run(self.compile("id"), env=self.env).strip()

    def test_ids_are_those_of_the_specification(self):
        self.assertEqual(self.id_of_key("order-1001"), "7cc54e2d-2845-8ede-933b-c09d9f66d601")

    def test_without_a_broker_it_says_so(self):
        push = self.compile("push")
        source = push + ".c"
        with open(source, encoding="utf-8") as file:
            text = file.read().replace("options.broker =", "options.timeout_ms = 300;\n    options.broker =")
        with open(os.path.join(self.folder, "hasty.c"), "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run([self.compile("hasty"), "tcp://127.0.0.1:9"], capture_output=True, text=True,
                              env=self.env, timeout=PATIENCE_S)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("(no-broker)", done.stderr)

    def test_it_tells_one_version_everywhere(self):
        source = os.path.join(self.folder, "version.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write("#include <weft/weft.h>\n#include <stdio.h>\nint main(void) { return puts(weft_version()) < 0; }\n")
        version = cached("CMAKE_PROJECT_VERSION")
        self.assertEqual(run(self.compile("version"), env=self.env).strip(), version)
        self.assertEqual(run("pkg-config", "--modversion", "weft", env=self.env).strip(), version)
        self.assertTrue(os.path.samefile(os.path.join(self.lib, f"libweft.so.{version}"),
                                         os.path.join(self.lib, "libweft.so.0")))

    def test_make_install_builds_what_it_installs(self):
        said = run("make", "-n", "-C", ROOT, "install", "PREFIX=/elsewhere")
        self.assertRegex(said, r"cmake --build --preset release --target weft weft_shared ")
        for component in ("weft", "libweft"):
            self.assertIn(f"cmake --install build/release --prefix /elsewhere --component {component}\n", said)

    def test_cmake_finds_it(self):
        flags = " ".join(self.sane)
        run("cmake", "-S", self.folder, "-B", os.path.join(self.folder, "build"), f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DCMAKE_C_FLAGS={flags}", env=self.env)
        run("cmake", "--build", os.path.join(self.folder, "build"), env=self.env)
        self.assertTrue(os.access(os.path.join(self.folder, "build", "resize"), os.X_OK))

    def test_the_headers_are_cxx_too_and_each_stands_alone(self):
        for name in ("weft", "client", "worker"):
            run("clang", "-x", "c++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-Wno-c99-extensions", "-nostdinc++",
                "-fsyntax-only", "-I", os.path.join(self.prefix, "include"), "-include", f"weft/{name}.h", "/dev/null")

    def test_nothing_but_the_names_of_the_map_is_visible(self):
        lib = os.path.join(self.lib, "libweft.so.0")
        shown = run("nm", "-D", "--defined-only", lib).split("\n")
        shown = sorted(line.split()[2].split("@")[0] for line in shown if " T " in line or " D " in line or " B " in line)
        with open(os.path.join(ROOT, "worker", "sdk", "package", "weft.map"), encoding="utf-8") as file:
            mapped = re.findall(r"^    (weft_\w+);", file.read(), flags=re.M)
        self.assertEqual(shown, mapped)
        self.assertEqual(shown, header_names()[1])
        self.assertIn("soname: [libweft.so.0]", run("readelf", "-d", lib))

    def test_it_has_no_globals(self):
        """Nothing is written to while it runs but the start of libsodium, once in a process. The other four are
        the settings of a program, which no function of the library sets."""
        lib = os.path.join(self.lib, "libweft.so.0")
        names = re.findall(r"^(\S+) *\|.*\| *OBJECT\|.*\|\.t?(?:data|bss) *$", run("nm", "-f", "sysv", lib), flags=re.M)
        of_compiler = re.compile(r"completed\.0|__TMC_END__|__dso_handle|__cpu_\w+|__odr_asan\S+|___asan\S+")
        self.assertEqual(sorted(name for name in names if not of_compiler.fullmatch(name)),
                         ["armed", "hits_left", "known", "level_least", "once.0"])

    def test_sizes_and_offsets_are_those_that_programs_were_built_with(self):
        text, _ = header_names()
        lines = []
        for name, body in re.findall(r"^struct (weft_\w+) \{\n(.*?)^\};", text, flags=re.M | re.S):
            lines.append(f'printf("{name} %zu\\n", sizeof(struct {name}));')
            body = re.sub(r"//[^\n]*", "", body)
            for field in re.findall(r"(\w+)(?:\[[^\]]*\])*;|\(\*(\w+)\)\(", body):
                field = field[0] or field[1]
                lines.append(f'printf("{name}.{field} %zu\\n", offsetof(struct {name}, {field}));')
        source = os.path.join(self.folder, "sizes.c")
        with open(source, "w", encoding="utf-8") as file:
            file.write("#include <stdio.h>\n#include <weft/client.h>\n#include <weft/worker.h>\nint main(void)\n{\n"
                       + "\n".join(lines) + "\n}\n")
        is_now = run(self.compile("sizes"), env=self.env)
        if "--record" in sys.argv:
            with open(ABI, "w", encoding="utf-8") as file:
                file.write(is_now)
        with open(ABI, encoding="utf-8") as file:
            self.assertEqual(is_now, file.read(), "programs that were built before would break")

    def test_each_function_has_a_man_page_without_a_fault(self):
        folder = os.path.join(self.prefix, "share", "man")
        for page in glob.glob(os.path.join(folder, "man3", "*.3")):
            done = subprocess.run(["groff", "-man", "-s", "-Tutf8", "-ww", "-z", page], capture_output=True, text=True,
                                  cwd=folder)
            self.assertEqual((done.returncode, done.stderr), (0, ""), page)
        for name in header_names()[1]:  # what `man NAME` shows has it in its synopsis
            shown = run("groff", "-man", "-s", "-P-cbou", "-Tascii", os.path.join(folder, "man3", f"{name}.3"), cwd=folder)
            synopsis = re.search(r"^SYNOPSIS\n(.*?)^DESCRIPTION", shown, flags=re.M | re.S)
            self.assertTrue(synopsis and re.search(rf"\b{name}\(", synopsis[1]), (name, shown[:500]))

    def test_each_option_has_a_word_in_its_man_page(self):
        found = re.findall(r"^struct weft_(worker|client)_options \{\n(.*?)^\};", header_names()[0], flags=re.M | re.S)
        self.assertEqual(len(found), 2)
        for which, body in found:
            page = os.path.join(self.prefix, "share", "man", "man3", f"weft_{which}.3")
            told = re.search(r"^OPTIONS\n(.*?)^SEE ALSO", run("groff", "-man", "-P-cbou", "-Tascii", page), flags=re.M | re.S)[1]
            options = re.findall(r"(\w+);|\(\*(\w+)\)\(", re.sub(r"//[^\n]*", "", body))
            self.assertGreater(len(options), 5)
            for name in {one or other for one, other in options} - {"size"}:
                self.assertRegex(told, rf"\b{name}\b", which)

    def test_the_contract_comes_with_it_and_with_the_programs(self):
        """A service in another language compiles what is installed; docs/clients/python.md tells where it is."""
        programs = os.path.join(self.folder, "programs")
        run("cmake", "--install", BUILD, "--prefix", programs, "--component", "weft")
        told = run("pkg-config", "--variable=protodir", "weft", env=self.env).strip()
        self.assertTrue(os.path.samefile(told, os.path.join(self.prefix, "share", "weft")))
        with open(os.path.join(ROOT, "proto", "weft.proto"), encoding="utf-8") as file:
            contract = file.read()
        for place in (told, os.path.join(programs, "share", "weft")):
            with open(os.path.join(place, "weft.proto"), encoding="utf-8") as file:
                self.assertEqual(file.read(), contract)
            run("protoc", f"--proto_path={place}", f"--python_out={self.folder}", "weft.proto")
            run("/usr/bin/python3", "-c", "import weft_pb2 as w; assert w.Envelope(hello=w.Hello(name='x'))",
                cwd=self.folder)


if __name__ == "__main__":
    unittest.main(argv=[word for word in sys.argv if word != "--record"])
