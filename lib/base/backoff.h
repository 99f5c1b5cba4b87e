#pragma once

// How long to wait after a failure: exponential, capped, with jitter from a hash of what is tried
// and how often, so that it is the same wherever it is computed. Pure.

#include "lib/base/id.h"
#include "lib/base/when.h"

struct backoff {
    uint32_t first_ms;
    uint32_t longest_ms;
    uint32_t factor_milli;
};

// The pause after attempt `attempt`, counted from 1, before jitter: first * factor^(attempt - 1),
// held at the longest.
when_ms backoff_whole_ms(const struct backoff *backoff, uint32_t attempt);
// With it: between half and the whole.
when_ms backoff_ms(const struct backoff *backoff, const struct id *id, uint32_t attempt);
