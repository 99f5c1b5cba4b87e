// Expressions from anybody, in a zone by anybody's rule: "CRON\nRULE". What is read has a next
// moment that is later, and the moments after it come in order.
//
// links: weft_base

#include "lib/base/cron.h"

#include "lib/base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct cron *cron, const struct zone *zone)
{
    static const when_ms starts[] = {0, 1774746000000, 1793000000000, 253370764800000};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        when_ms at = starts[i];
        for (unsigned k = 0; k < 8; k++) {
            when_ms next = cron_next(cron, zone, at);
            CHECK(next > at);
            if (next == WHEN_NEVER)
                break;
            at = next;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t len = end != NULL ? (size_t)(end - data) : size;
    struct cron cron;
    struct cron_problem problem;
    if (cron_parse(slice_of(data, len), &cron, &problem) != OK) {
        char text[CRON_PROBLEM_LEN];
        cron_explain(&problem, text);
        CHECK(strlen(text) > 0);
        return 0;
    }
    struct zone zone;
    zone_set_utc(&zone);
    if (end != NULL && zone_of_rule(slice_of(end + 1, size - len - 1), &zone) != OK)
        return 0;
    walk(&cron, &zone);
    return 0;
}
