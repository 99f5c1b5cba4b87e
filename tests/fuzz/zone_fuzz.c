// Files of the zone database: what is read covers all time with stretches that meet, and any
// expression finds its way through them.
//
// links: weft_base

#include "lib/base/zone.h"

#include "lib/base/check.h"
#include "lib/base/cron.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk_stretches(const struct zone *zone)
{
    int64_t at_s = -62000000000;
    for (unsigned i = 0; i < 2 * ZONE_CHANGES_MAX; i++) {
        struct zone_span span = zone_span_at(zone, at_s);
        CHECK(span.from_s <= at_s && at_s < span.until_s);
        CHECK(span.offset_s >= -ZONE_OFFSET_MAX_S && span.offset_s <= ZONE_OFFSET_MAX_S);
        if (span.until_s > 200000000000)
            return;
        at_s = span.until_s;
    }
}

static void walk_moments(const struct zone *zone)
{
    static const char *const texts[] = {"* * * * *", "*/30 2 * * *", "0 0 29 2 *"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct cron cron;
        struct cron_problem problem;
        err e = cron_parse(slice_of_text(texts[i]), &cron, &problem);
        CHECK(e == OK);
        when_ms at = zone->count > 0 && zone->at[0] > 0 && zone->at[0] < 200000000000
                         ? (when_ms)zone->at[0] * 1000 - 1
                         : 0;
        for (unsigned k = 0; k < 16 && at != WHEN_NEVER; k++) {
            when_ms next = cron_next(&cron, zone, at);
            CHECK(next > at);
            at = next;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zone zone = {.count = 7};
    if (zone_decode(slice_of(data, size), &zone) != OK) {
        CHECK(zone.count == 7);
        return 0;
    }
    CHECK(zone.count <= ZONE_CHANGES_MAX);
    walk_stretches(&zone);
    walk_moments(&zone);
    return 0;
}
