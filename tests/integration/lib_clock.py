"""A clock that a test moves, for programs that run with clock_preload.so: an hour is over when the test says so."""

import contextlib
import mmap
import os
import struct
import threading
import time


class Clock:
    """All clocks of those who are started with `env` are ahead of the real ones by what advance() has added;
    one that `stands` shows nothing but that. The wall clock is where set_wall() puts it beside that."""

    def __init__(self, path, stands=False):
        with open(path, "w+b") as file:
            file.write(bytes(24))
            file.flush()
            self.shared = mmap.mmap(file.fileno(), 24)
        self.ahead_ns, self.stands, self.wall_ahead_ns = 0, stands, 0
        self.env = {"LD_PRELOAD": os.path.join(os.environ["WEFT_BUILD"], "tests", "clock_preload.so"),
                    "WEFT_TEST_CLOCK": path,
                    "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        self.advance(0)

    def advance(self, seconds):
        self.ahead_ns += int(seconds * 1e9)
        self._write()

    def set_wall(self, ahead_s):
        """From the real one; it jumps."""
        self.wall_ahead_ns = int(ahead_s * 1e9)
        self._write()

    def _write(self):
        self.shared[:] = struct.pack("=qqq", self.ahead_ns, self.stands, self.wall_ahead_ns)

    @contextlib.contextmanager
    def going(self):
        """One that stands goes with the real one inside of this: until a program is ready, say."""
        began, ahead_ns, is_over = time.monotonic_ns(), self.ahead_ns, threading.Event()

        def go():
            while not is_over.wait(0.005):
                self.advance((time.monotonic_ns() - began + ahead_ns - self.ahead_ns) / 1e9)
        thread = threading.Thread(target=go)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()
