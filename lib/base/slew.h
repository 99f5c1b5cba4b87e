#pragma once

// The arithmetic of store time: a clock that never goes back, advances with the machine's own
// count of passed time, and leans towards the wall clock by at most a tenth of it. Pure. Not
// thread-safe.

#include "lib/base/err.h"
#include "lib/base/when.h"

#include <stdbool.h>

#define SLEW_JUMP_TOLD_MS ((when_ms)24 * 3600 * 1000)
#define SLEW_BEHIND_TOLD_MS ((when_ms)1000)
#define SLEW_JUMP_MAX_MS (30 * SLEW_JUMP_TOLD_MS)

struct slew {
    when_ms boot_last; // the machine's count at the last reading
    when_ms store;     // the answer of the last reading
    int64_t tenths;    // passed time not yet turned into leave to lean, below 10 ms
};

// Both clocks, read at the same moment.
struct slew_clocks {
    when_ms boot; // counts from the machine's start, sleep included
    when_ms wall; // may jump
};

// How far a start from `stored_last` leads ahead: 0 when the wall is not ahead or nothing was
// stored (`stored_last` is 0).
when_ms slew_jump_ms(when_ms wall, when_ms stored_last);

// Starts at the later of `stored_last` and the wall: the only jump there ever is.
struct slew slew_start(struct slew_clocks clocks, when_ms stored_last);

// Store time now; at least the answer before. A `boot` that went back counts as no time passed.
when_ms slew_now(struct slew *slew, struct slew_clocks clocks);
