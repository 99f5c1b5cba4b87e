"""Runs the tests of a module beside each other, for modules whose tests mostly wait.

Each test has its processes and directories to itself, so nothing is shared but the processor. At the end of
a module, in place of unittest.main():

    main_beside(4)
"""

import io
import os
import sys
import unittest


def units_of(suite):
    """Tests that may run beside each other: each of its own, but a class with a common start as a whole."""
    for test in suite:
        if not isinstance(test, unittest.TestSuite):
            yield test
            continue
        first = next(iter(test), None)
        is_shared = isinstance(first, unittest.TestCase) and \
            type(first).setUpClass.__func__ is not unittest.TestCase.setUpClass.__func__
        if is_shared:
            yield test
        else:
            yield from units_of(test)


class Result:
    def __init__(self, is_good):
        self.is_good = is_good

    def wasSuccessful(self):  # the name that unittest asks for
        return self.is_good


class Beside:
    """A runner of unittest: `count` processes take the tests, one after the other, from a pipe."""

    def __init__(self, count):
        self.count = count

    def run(self, suite):
        units = list(units_of(suite))
        assert 0 < len(units) <= 256, len(units)  # the number of one is a byte
        choice, offer = os.pipe()
        os.write(offer, bytes(range(len(units))))
        os.close(offer)
        sys.stdout.flush()
        workers = [self.worker(units, choice) for _ in range(min(self.count, len(units)))]
        os.close(choice)
        codes = [os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) for worker in workers]
        return Result(not any(codes))

    @staticmethod
    def worker(units, choice):
        if worker := os.fork():
            return worker
        code = 1
        try:
            code = Beside.work(units, choice)
            sys.stdout.flush()
        finally:
            os._exit(code)

    @staticmethod
    def work(units, choice):
        code = 0
        while number := os.read(choice, 1):
            told = io.StringIO()
            result = unittest.TextTestRunner(stream=told, verbosity=2).run(units[number[0]])
            os.write(2, told.getvalue().encode())  # at once, so that the lines of two do not mix
            if not result.wasSuccessful():
                code = 1
        return code


def main_beside(count):
    unittest.main(testRunner=Beside(count))
