#pragma once

// How fast each lane starts jobs while others wait behind them: what an estimate of a job's start
// rests on. Dispatcher; pure. Not thread-safe.
//
// Only time in which somebody waits counts, from the start that left others waiting to the last one of
// them. Times and starts are summed, and both sums shrink by an eighth when they hold more than
// PACES_SPAN_MS and PACES_STARTS: a moving average over about so much waiting. A wait without any start
// that is longer than PACES_GAP_MS is a standstill and no pace.

#include "broker/core/limits.h"
#include "lib/base/when.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    PACES_FOLD_MS = 1000,      // starts are summed up no more often, while somebody waits
    PACES_SPAN_MS = 10 * 1000, // of waiting is remembered at least …
    PACES_STARTS = 16,         // … and so many starts
    PACES_STARTS_MIN = 4,      // fewer tell nothing
    PACES_GAP_MS = 600 * 1000, // an older one tells nothing either
};

struct pace {
    when_ms opened_at;     // mono: somebody waits since
    when_ms since;         // mono: until then all is summed up
    uint64_t spent_ms;     // of waiting …
    uint64_t starts_milli; // … and the starts in it
    uint32_t fresh;        // starts after `since`
    bool is_open;          // somebody waits
};

struct paces {
    struct pace *lanes;
    uint32_t cap;
};

size_t paces_size(const struct limits *limits);
// `memory` is paces_size() zeroed bytes, aligned to 16.
void paces_init(struct paces *paces, void *memory, const struct limits *limits);

// A job of the lane starts. `is_last`: nobody waits behind it.
void paces_start(struct paces *paces, uint32_t lane, when_ms now, bool is_last);
// Nobody waits in the lane any more. What was not summed up is left out.
void paces_rest(struct paces *paces, uint32_t lane);
// The number is another lane's from now on.
void paces_forget(struct paces *paces, uint32_t lane);

// How long until so many more jobs of the lane have started, in ms; WHEN_NEVER: not known.
when_ms paces_wait_ms(const struct paces *paces, uint32_t lane, uint64_t count, when_ms now);
