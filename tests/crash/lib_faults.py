"""Programs in which the k-th allocation or the k-th call to the disk fails (fault_preload.c)."""

import mmap
import os
import re
import signal
import struct

NONE, DISK, MEMORY = 0, 1, 2  # enum faults_kind
LAYOUT = "=QQQQ"              # struct faults
# What is gone through: a program, which of its calls, and whether from its beginning on or when it is ready.
SWEEPS = ("broker-memory-start", "broker-memory", "gateway-memory-start", "gateway-memory", "worker-memory-start",
          "worker-memory", "command-memory", "hostworker-memory-start", "hostworker-memory", "hostclient-memory",
          "broker-disk", "worker-disk")
# What programs and the libraries below them say when there is no memory, and when the disk refuses.
WORDS = {MEMORY: re.compile(r"memory|bad_alloc|no-memory|no thread could be started|Resource temporarily unavailable|"
                            # Checks of what was allocated; libzmq's own.
                            r'check\.failed at=\S+ fact="[^"]+ != NULL"|^Assertion failed: \S+ \(src/', re.I),
         DISK: re.compile(r"nput/output|disk|not_written|commit_failed", re.I)}
# Libraries that end a process without a word while they are begun: OpenPGM, which Debian's libzmq brings along.
SILENT = re.compile(r"/libpgm-")
TRACE = re.compile(r"^\S*\(.*\)\[0x|^fault: this call fails")


class Faults:
    """Those who are started with `env` and are called weft count and fail as arm() says, their forks with them."""

    def __init__(self, path):
        with open(path, "w+b") as file:
            file.write(bytes(struct.calcsize(LAYOUT)))
            file.flush()
            self.shared = mmap.mmap(file.fileno(), struct.calcsize(LAYOUT))
        self.kind = NONE
        self.env = {"LD_PRELOAD": os.path.join(os.environ["WEFT_BUILD"], "tests", "fault_preload.so"),
                    "WEFT_TEST_FAULTS": path}

    def _read(self):
        return struct.unpack(LAYOUT, self.shared)

    def arm(self, kind, k):
        """The k-th call from now on fails; 0: none does, and they are counted."""
        self.kind = kind
        self.shared[:] = struct.pack(LAYOUT, kind, k, 0, 0)

    def disarm(self):
        self.shared[:8] = struct.pack("=Q", NONE)

    @property
    def calls(self):
        return self._read()[2]

    @property
    def has_hit(self):
        return self._read()[3] > 0


def fault_of_end(kind, code, said):
    """What is wrong with how a process ended in which a call failed, or None."""
    if code != 0 and any(SILENT.search(line) for line in said.splitlines()):
        return None
    if code in (-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGFPE, -signal.SIGILL):
        return f"ended by signal {-code}"
    lines = [line for line in said.splitlines() if not TRACE.match(line)]
    if code != 0 and not any(WORDS[kind].search(line) for line in lines):
        return f"ended with {code} and does not say why"
    return None
