// Backoff with jitter.

#include "broker/core/retry.h"

#include "lib/base/backoff.h"

when_ms retry_delay_ms(const struct policy *policy, const struct id *id, uint32_t attempt)
{
    const struct backoff backoff = {policy->retry_first_ms, policy->retry_longest_ms,
                                    policy->retry_factor_milli};
    return backoff_ms(&backoff, id, attempt);
}

bool retry_is_over(const struct retry_case *burnt)
{
    const struct policy *policy = burnt->policy;
    const struct past *past = burnt->past;
    when_ms within_ms = (when_ms)policy->retry_within_s * 1000;
    if (within_ms > 0 && burnt->due_at > when_after(burnt->job->accepted_at, within_ms))
        return true;
    return past->errors + past->crashes + 1u >= policy->max_attempts ||
           (burnt->is_crash && past->crashes + 1u >= policy->max_crashes);
}
