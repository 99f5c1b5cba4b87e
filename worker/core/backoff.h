#pragma once

// Restarting a child that keeps dying: at once as long as it dies now and then, with growing
// pauses once BACKOFF_DEATHS of its deaths lie within BACKOFF_WINDOW_MS. Pure.

#include "lib/base/when.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    BACKOFF_DEATHS = 5,
    BACKOFF_WINDOW_MS = 10000,
    BACKOFF_FIRST_MS = 1000, // then twice that, and so on, up to
    BACKOFF_LONGEST_MS = 60000,
};

struct backoff {
    when_ms died_at[BACKOFF_DEATHS]; // the last ones, in a ring
    uint32_t death_count;
    when_ms pause_ms; // 0: not pausing
    when_ms until;
};

// A death. True when a pause begins.
bool backoff_died(struct backoff *backoff, when_ms now);
// It has done what it is for: the next pause is the first one again. Its deaths still count.
void backoff_worked(struct backoff *backoff);
// Not started before this moment; 0: at once.
when_ms backoff_until(const struct backoff *backoff);
