// Counts faults in a row.

#include "gateway/hooks/core/breaker.h"

#include "lib/base/check.h"

static void breaker_move(struct breaker *breaker, enum breaker_state to)
{
    static const bool may[3][3] = {
        [BREAKER_CLOSED] = {[BREAKER_OPEN] = true},
        [BREAKER_OPEN] = {[BREAKER_HALF] = true, [BREAKER_CLOSED] = true},
        [BREAKER_HALF] = {[BREAKER_OPEN] = true, [BREAKER_CLOSED] = true},
    };
    CHECK(may[breaker->state][to]);
    breaker->state = to;
}

bool breaker_lets(const struct breaker *breaker, when_ms now)
{
    switch (breaker->state) {
    case BREAKER_CLOSED: return true;
    case BREAKER_OPEN: return now >= breaker->until;
    case BREAKER_HALF: return false;
    }
    UNREACHABLE();
}

void breaker_begin(struct breaker *breaker, when_ms now)
{
    CHECK(breaker_lets(breaker, now));
    if (breaker->state == BREAKER_OPEN)
        breaker_move(breaker, BREAKER_HALF);
}

static void open(struct breaker *breaker, when_ms now)
{
    uint32_t twice = 2 * breaker->pause_ms;
    breaker->pause_ms = breaker->pause_ms == 0             ? BREAKER_PAUSE_FIRST_MS
                        : twice > BREAKER_PAUSE_LONGEST_MS ? BREAKER_PAUSE_LONGEST_MS
                                                           : twice;
    breaker->until = when_after(now, breaker->pause_ms);
    breaker_move(breaker, BREAKER_OPEN);
}

void breaker_end(struct breaker *breaker, when_ms now, bool is_fault)
{
    if (!is_fault) {
        breaker->fault_count = 0;
        breaker->pause_ms = 0;
        if (breaker->state != BREAKER_CLOSED)
            breaker_move(breaker, BREAKER_CLOSED);
        return;
    }
    breaker->fault_count++;
    // One that was under way when it opened says nothing new.
    if (breaker->state == BREAKER_HALF ||
        (breaker->state == BREAKER_CLOSED && breaker->fault_count >= BREAKER_FAULTS))
        open(breaker, now);
}

void breaker_void(struct breaker *breaker, when_ms now)
{
    if (breaker->state != BREAKER_HALF)
        return;
    breaker->until = now;
    breaker_move(breaker, BREAKER_OPEN);
}

when_ms breaker_wait_ms(const struct breaker *breaker, when_ms now)
{
    switch (breaker->state) {
    case BREAKER_CLOSED: return 0;
    case BREAKER_OPEN: return breaker->until > now ? breaker->until - now : 0;
    case BREAKER_HALF: return breaker->pause_ms;
    }
    UNREACHABLE();
}
