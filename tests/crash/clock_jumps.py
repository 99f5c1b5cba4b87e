#!/usr/bin/python3
"""kills.py where nobody is killed: each program's wall clock is set, forward and back, by up to six hours, under load. No lease
passes early, no key makes a second job, and nothing is lost.

    clock_jumps.py [words of kills.py]
"""

import os
import sys

import kills

if __name__ == "__main__":
    sys.argv[1:1] = ["--jumps", "1", "--kills", os.environ.get("WEFT_JUMPS", "6")]
    sys.exit(kills.main())
