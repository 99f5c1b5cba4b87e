// A ring of the last deaths.

#include "worker/core/backoff.h"

bool backoff_died(struct backoff *backoff, when_ms now)
{
    // The oldest of the last five stands where the next one goes.
    uint32_t place = backoff->death_count % BACKOFF_DEATHS;
    backoff->died_at[place] = now;
    backoff->death_count++;
    uint32_t oldest = backoff->death_count % BACKOFF_DEATHS;
    bool is_often = backoff->death_count >= BACKOFF_DEATHS &&
                    now - backoff->died_at[oldest] <= BACKOFF_WINDOW_MS;
    if (backoff->pause_ms == 0 && !is_often)
        return false;
    // Once pausing, each further death doubles the pause, however far apart they are by then.
    backoff->pause_ms = backoff->pause_ms == 0
                            ? BACKOFF_FIRST_MS
                            : when_min(backoff->pause_ms * 2, BACKOFF_LONGEST_MS);
    backoff->until = now + backoff->pause_ms;
    return true;
}

void backoff_worked(struct backoff *backoff)
{
    backoff->pause_ms = 0;
}

when_ms backoff_until(const struct backoff *backoff)
{
    return backoff->until;
}
