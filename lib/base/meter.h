#pragma once

// A quota: so much a minute, evenly. A meter is full at first, holds a minute's worth at most, and
// may be overdrawn by what is known only afterwards; then it waits until the debt is paid. Pure.

#include "lib/base/when.h"

#include <stdbool.h>

enum { METER_SPAN_MS = 60000 };
#define METER_COUNT_MAX (UINT64_C(1) << 40)

struct meter {
    uint64_t count; // a minute, at most METER_COUNT_MAX; 0: no quota
    int64_t held;   // times METER_SPAN_MS; below zero: a debt
    when_ms at;     // of `held`
};

// A quota of `count` from now on. What `former` has used stays used; NULL: there was none.
struct meter meter_of(uint64_t count, const struct meter *former, when_ms now);
// Whether `amount` is there now. Of what is more than a minute's worth a full meter will do.
bool meter_has(struct meter *meter, uint64_t amount, when_ms now);
// Takes it, there or not; a debt is at most METER_COUNT_MAX.
void meter_take(struct meter *meter, uint64_t amount);
// What is left, as of the last look.
uint64_t meter_left(const struct meter *meter);
// How long until `amount` is there, and until the meter is full.
when_ms meter_wait(const struct meter *meter, uint64_t amount);
when_ms meter_full(const struct meter *meter);
