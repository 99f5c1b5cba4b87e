#pragma once

// Time as a value. Pure: nothing here reads a clock; moments arrive as parameters.

#include <stdint.h>

// A moment or a span in milliseconds. Stored moments count from 1970-01-01 UTC.
typedef int64_t when_ms;

#define WHEN_NEVER INT64_MAX

// The two clocks of a batch, read once at intake.
struct now {
    when_ms mono;  // monotonic: leases, heartbeats
    when_ms store; // store time: everything stored; never goes back
};

static inline when_ms when_min(when_ms a, when_ms b)
{
    return a < b ? a : b;
}

// `start` + `span`, held at WHEN_NEVER. Both are not negative.
static inline when_ms when_after(when_ms start, when_ms span)
{
    return span > WHEN_NEVER - start ? WHEN_NEVER : start + span;
}
