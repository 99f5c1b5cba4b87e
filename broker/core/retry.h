#pragma once

// When does a failed job try again? Exponential, capped, with jitter from a hash of (job,
// attempt), so that it is the same wherever it is computed. Pure.

#include "broker/core/job.h"
#include "broker/core/pasts.h"

// `attempt` is the one that has just failed, counted from 1. The delay is between half and the
// whole of first * factor^(attempt - 1), held at the longest.
when_ms retry_delay_ms(const struct policy *policy, const struct id *id, uint32_t attempt);

// A burnt attempt, not counted yet.
struct retry_case {
    const struct policy *policy;
    const struct job *job;
    const struct past *past;
    bool is_crash;
    when_ms due_at; // when the next attempt would begin
};

// Is there none? The last error or crash, or the next attempt would be later than the job's
// options let it.
bool retry_is_over(const struct retry_case *burnt);
