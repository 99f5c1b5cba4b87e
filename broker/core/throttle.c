// Whole numbers only, so that nothing is rounded: a second brings `rate` thousandths a millisecond.

#include "broker/core/throttle.h"

#include "lib/base/check.h"

// A time before the last one brings nothing.
static uint64_t held_at(const struct throttle *throttle, uint32_t rate, when_ms now)
{
    CHECK(rate > 0);
    uint64_t most = (uint64_t)rate * THROTTLE_SPAN_MS;
    when_ms span = now > throttle->at ? now - throttle->at : 0;
    if (span >= THROTTLE_SPAN_MS)
        return most;
    uint64_t held = throttle->held + (uint64_t)span * rate;
    return held < most ? held : most;
}

uint32_t throttle_has(const struct throttle *throttle, uint32_t rate, when_ms now)
{
    return (uint32_t)(held_at(throttle, rate, now) / THROTTLE_SPAN_MS);
}

void throttle_take(struct throttle *throttle, uint32_t rate, uint32_t count, when_ms now)
{
    uint64_t held = held_at(throttle, rate, now);
    uint64_t taken = (uint64_t)count * THROTTLE_SPAN_MS;
    CHECK(taken <= held);
    throttle->held = held - taken;
    throttle->at = now > throttle->at ? now : throttle->at;
}

when_ms throttle_wait_ms(const struct throttle *throttle, uint32_t rate, uint32_t count,
                         when_ms now)
{
    CHECK(count <= rate);
    uint64_t held = held_at(throttle, rate, now);
    uint64_t wanted = (uint64_t)count * THROTTLE_SPAN_MS;
    return held >= wanted ? 0 : (when_ms)((wanted - held + rate - 1) / rate);
}
