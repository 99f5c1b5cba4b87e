"""`make run` with ONCE=1: ends with 0, prints its table, leaves nothing running and nothing on disk."""

import glob
import os
import re
import subprocess
import sys
import tempfile

WEFT = os.environ["WEFT_BIN"]
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def row(text, name):
    found = re.search(rf"^  {name} +(\S+(?: s)?) +(\S+(?: s)?)$", text, re.MULTILINE)
    assert found, f"no row {name!r} in:\n{text}"
    return found.groups()


def processes_in(directory):
    """Those that name the directory on their command line."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                if directory.encode() in file.read():
                    found.append(path)
        except OSError:
            pass
    return found


def run(directory, **environment):
    return subprocess.run([f"{ROOT}/deploy/demo/run.sh"], capture_output=True, text=True,
                          timeout=200, check=False,
                          env=dict(os.environ, WEFT_BIN=WEFT, ONCE="1", TMPDIR=directory, **environment))


def table_is_printed_and_right():
    with tempfile.TemporaryDirectory(prefix="weft-test-") as directory:
        answer = run(directory)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        total = row(answer.stdout, "submitted")[0]
        assert int(total) > 100, total
        assert row(answer.stdout, "accepted") == (total, "0")
        assert row(answer.stdout, "replayed") == ("0", total)
        assert row(answer.stdout, "succeeded") == (total, total)
        assert row(answer.stdout, "rows in SQLite") == (total, total)
        again = row(answer.stdout, "executions in SQLite")
        assert again[0] == again[1], again
        assert int(row(answer.stdout, "resent outcomes")[0]) > 0
        assert "with -9 while it worked" in answer.stdout
        assert "curl -s http://127.0.0.1:" in answer.stdout
        assert processes_in(directory) == []
        assert os.listdir(directory) == []


def wrong_figure_is_a_failure():
    """Two stanzas of one package are one job, so not every record is accepted, and the demo says so."""
    with tempfile.TemporaryDirectory(prefix="weft-test-") as directory:
        path = os.path.join(directory, "status")
        with open(path, "w", encoding="ascii") as file:
            for i in range(40):
                file.write(f"Package: p{i}\nArchitecture: all\nVersion: 1\n\n")
            file.write("Package: p0\nArchitecture: all\nVersion: 1\n")
        answer = run(directory, DPKG_STATUS=path)
        assert answer.returncode == 1, answer.stdout + answer.stderr
        assert "of 41 records only 40 were accepted" in answer.stdout, answer.stdout
        assert processes_in(directory) == []


def main():
    for test in (table_is_printed_and_right, wrong_figure_is_a_failure):
        test()
        print(f"ok {test.__name__}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
