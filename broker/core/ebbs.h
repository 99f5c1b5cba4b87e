#pragma once

// How fast the unfinished jobs of a tenant, or of a queue, end, as far as somebody asks: whose quota is
// used up, or whose queue is full, is told when there may be room again. Looked at when a job is refused, so that a job that ends costs a
// count and nothing more. Dispatcher; pure. Not thread-safe.

#include "lib/base/when.h"

#include <stddef.h>
#include <stdint.h>

enum {
    EBBS_LOOK_MS = 1000,          // between two looks that count
    EBBS_GAP_MS = 600 * 1000,     // an older look tells nothing
    EBBS_RETRY_MIN_MS = 1000,     // what a client is told, at least …
    EBBS_RETRY_MAX_MS = 60 * 1000 // … and at most
};

struct ebb {
    when_ms since;   // mono: the last look that counted; 0: none
    uint64_t ended;  // jobs, up to then
    when_ms span_ms; // from one end to the next, in the time before; 0: not known
};

struct ebbs {
    struct ebb *items;
    uint32_t cap;
};

size_t ebbs_size(uint32_t cap);
// `memory` is ebbs_size() zeroed bytes, aligned to 16.
void ebbs_init(struct ebbs *ebbs, void *memory, uint32_t cap);

// From one end of a job to the next, in ms; 0: not known yet. `ended` counts those of number `no`; a
// lower count than before is another's, who has the number now.
when_ms ebbs_look(struct ebbs *ebbs, uint32_t no, uint64_t ended, when_ms now);
