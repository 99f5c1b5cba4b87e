#pragma once

// Cron expressions: five fields (minute, hour, day of month, month, day of week) or an alias such
// as "@daily", and the moments they mean in a time zone. docs/schedules.md is the user's page. Pure.
//
// A moment is the first at which the zone's clock has reached a matching minute. So an hour that
// the clock skips fires once, at the end of the gap, and one that it repeats fires the first time
// only.

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"
#include "lib/base/zone.h"

#include <stdbool.h>

enum { CRON_TEXT_MAX = 255, CRON_PROBLEM_LEN = 160 };

// A bit per value.
struct cron {
    uint64_t minutes;
    uint32_t hours;
    uint32_t days; // 1 … 31
    uint16_t months;
    uint8_t weekdays; // 0 Sunday … 6
    // A field that does not begin with "*" restricts; when both day fields do, either may match.
    bool has_days;
    bool has_weekdays;
};

// What is wrong, where.
struct cron_problem {
    const char *field; // "hour"; static
    const char *what;  // static
    struct slice part; // of the text
};

// Names of months and weekdays in English, three letters, any case. `out_cron` is untouched on
// error, `out_problem` written then only; its part is borrowed from `text`.
//   ERR_BAD_FIELD
MUST_USE err cron_parse(struct slice text, struct cron *out_cron, struct cron_problem *out_problem);

// "hour \"25\": the largest is 23", zero-terminated, cut if need be.
void cron_explain(const struct cron_problem *problem, char out[CRON_PROBLEM_LEN]);

// The first moment after `after` (of 1970 or later), or WHEN_NEVER when there is none before the
// year 9999.
when_ms cron_next(const struct cron *cron, const struct zone *zone, when_ms after);
