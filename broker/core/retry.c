// Backoff with jitter.

#include "broker/core/retry.h"

#include "lib/base/prng.h"

when_ms retry_delay_ms(const struct policy *policy, const struct id *id, uint32_t attempt)
{
    uint64_t delay = policy->retry_first_ms;
    uint64_t longest = policy->retry_longest_ms;
    // It either reaches the longest or stands still, so the loop is short.
    for (uint32_t i = 1; i < attempt && delay < longest; i++) {
        uint64_t next = delay * policy->retry_factor_milli / 1000;
        if (next <= delay)
            break;
        delay = next;
    }
    if (delay > longest)
        delay = longest;
    uint64_t half = delay / 2;
    return (when_ms)(delay - half + prng_mix(id_hash(id, attempt)) % (half + 1));
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
