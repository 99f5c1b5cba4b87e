// Whole numbers only: held in parts of which a minute brings `count` times METER_SPAN_MS.

#include "lib/base/meter.h"

#include "lib/base/check.h"

static int64_t cap_of(const struct meter *meter)
{
    return (int64_t)meter->count * METER_SPAN_MS;
}

static void fill(struct meter *meter, when_ms now)
{
    when_ms span = now > meter->at ? now - meter->at : 0;
    int64_t room = cap_of(meter) - meter->held;
    // `room` / `count` is at most the time that fills it, and no product overflows.
    if (span > room / (int64_t)meter->count)
        meter->held += room;
    else
        meter->held += span * (int64_t)meter->count;
    meter->at = now;
}

struct meter meter_of(uint64_t count, const struct meter *former, when_ms now)
{
    CHECK(count <= METER_COUNT_MAX);
    struct meter meter = {.count = count, .at = now};
    meter.held = cap_of(&meter);
    if (count == 0 || former == NULL || former->count == 0)
        return meter;
    struct meter old = *former;
    fill(&old, now);
    int64_t used = cap_of(&old) - old.held;
    meter.held -= used;
    return meter;
}

bool meter_has(struct meter *meter, uint64_t amount, when_ms now)
{
    if (meter->count == 0)
        return true;
    fill(meter, now);
    uint64_t wanted = amount < meter->count ? amount : meter->count;
    return meter->held >= (int64_t)wanted * METER_SPAN_MS;
}

void meter_take(struct meter *meter, uint64_t amount)
{
    if (meter->count == 0)
        return;
    int64_t least = -(int64_t)METER_COUNT_MAX * METER_SPAN_MS;
    int64_t part = (int64_t)(amount < METER_COUNT_MAX ? amount : METER_COUNT_MAX) * METER_SPAN_MS;
    meter->held = meter->held - part < least ? least : meter->held - part;
}

uint64_t meter_left(const struct meter *meter)
{
    return meter->held > 0 ? (uint64_t)meter->held / METER_SPAN_MS : 0;
}

static when_ms until(const struct meter *meter, int64_t wanted)
{
    int64_t count = (int64_t)meter->count;
    return meter->held >= wanted ? 0 : (wanted - meter->held + count - 1) / count;
}

when_ms meter_wait(const struct meter *meter, uint64_t amount)
{
    CHECK(meter->count > 0);
    uint64_t wanted = amount < meter->count ? amount : meter->count;
    return until(meter, (int64_t)wanted * METER_SPAN_MS);
}

when_ms meter_full(const struct meter *meter)
{
    CHECK(meter->count > 0);
    return until(meter, cap_of(meter));
}
