#pragma once

// How fast an act on many may go on: a bucket of tokens, one for each job. It is empty at first, gets
// `rate` of them a second, evenly, and holds a second's worth at most. So from its beginning on at most
// rate * t are taken within any time t, and rate * (t + 1 s) after a standstill. Dispatcher; pure.

#include "lib/base/when.h"

enum { THROTTLE_SPAN_MS = 1000 };

struct throttle {
    when_ms at;    // mono, of `held`
    uint64_t held; // in thousandths of a token: a millisecond brings `rate` of them
};

// The tokens that are there. `rate` is not 0, here and below.
uint32_t throttle_has(const struct throttle *throttle, uint32_t rate, when_ms now);
// So many are there.
void throttle_take(struct throttle *throttle, uint32_t rate, uint32_t count, when_ms now);
// How long until `count` of them, at most `rate`, are there.
when_ms throttle_wait_ms(const struct throttle *throttle, uint32_t rate, uint32_t count,
                         when_ms now);
