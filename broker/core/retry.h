#pragma once

// When does a failed job try again? Exponential, capped, with jitter from a hash of (job,
// attempt), so that it is the same wherever it is computed. Pure.

#include "broker/core/row.h"

// `attempt` is the one that has just failed, counted from 1. The delay is between half and the
// whole of first * factor^(attempt - 1), held at the longest.
when_ms retry_delay_ms(const struct policy *policy, const struct id *id, uint32_t attempt);
