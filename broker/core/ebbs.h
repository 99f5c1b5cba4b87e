#pragma once

// How fast the unfinished jobs of a tenant end, as far as somebody asks: a tenant whose quota is used up
// is told when there may be room again. Looked at when a job is refused, so that a job that ends costs a
// count and nothing more. Dispatcher; pure. Not thread-safe.

#include "broker/core/limits.h"
#include "lib/base/when.h"

#include <stddef.h>

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
    struct ebb *tenants;
    uint32_t cap;
};

size_t ebbs_size(const struct limits *limits);
// `memory` is ebbs_size() zeroed bytes, aligned to 16.
void ebbs_init(struct ebbs *ebbs, void *memory, const struct limits *limits);

// From one end of a job to the next, in ms; 0: not known yet. `ended` counts those of the tenant and
// never goes back.
when_ms ebbs_look(struct ebbs *ebbs, uint32_t tenant, uint64_t ended, when_ms now);
