// Backoff with jitter.

#include "lib/base/backoff.h"

#include "lib/base/prng.h"

when_ms backoff_whole_ms(const struct backoff *backoff, uint32_t attempt)
{
    uint64_t delay = backoff->first_ms;
    uint64_t longest = backoff->longest_ms;
    // It either reaches the longest or stands still, so the loop is short.
    for (uint32_t i = 1; i < attempt && delay < longest; i++) {
        uint64_t next = delay * backoff->factor_milli / 1000;
        if (next <= delay)
            break;
        delay = next;
    }
    return (when_ms)(delay < longest ? delay : longest);
}

when_ms backoff_ms(const struct backoff *backoff, const struct id *id, uint32_t attempt)
{
    uint64_t delay = (uint64_t)backoff_whole_ms(backoff, attempt);
    uint64_t half = delay / 2;
    return (when_ms)(delay - half + prng_mix(id_hash(id, attempt)) % (half + 1));
}
