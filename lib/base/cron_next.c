// From a moment to the next one that an expression means, by the zone's clock.

#include "lib/base/cron.h"

#include "lib/base/check.h"
#include "lib/base/civil.h"

enum {
    MINUTE_S = 60,
    HOUR_MINUTES = 60,
    DAY_HOURS = 24,
    DAY_MINUTES = 24 * 60,
    SET_BACK_MAX_S = 2 * ZONE_OFFSET_MAX_S,
    // Of the table, and a few by the rule.
    SPANS_MAX = ZONE_CHANGES_MAX + 16,
    // The calendar repeats after 400 years: what has not matched then never will.
    MONTHS_MAX = 400 * 12 + 1,
    YEAR_LAST = 9998,
};

static int64_t floor_div(int64_t value, int64_t by)
{
    return value / by - (value % by < 0 ? 1 : 0);
}

// --- the calendar ---

// The first matching minute of a day at or after `from`, or -1.
static int64_t minute_in_day(const struct cron *cron, int64_t from)
{
    for (int64_t hour = from / HOUR_MINUTES; hour < DAY_HOURS; hour++) {
        if ((cron->hours >> hour & 1u) == 0)
            continue;
        int64_t minute = hour == from / HOUR_MINUTES ? from % HOUR_MINUTES : 0;
        for (; minute < HOUR_MINUTES; minute++)
            if (cron->minutes >> minute & 1u)
                return hour * HOUR_MINUTES + minute;
    }
    return -1;
}

static bool is_day(const struct cron *cron, int64_t day_of_month, int64_t days)
{
    bool by_day = cron->days >> day_of_month & 1u;
    bool by_weekday = cron->weekdays >> civil_weekday(days) & 1u;
    if (cron->has_days && cron->has_weekdays)
        return by_day || by_weekday;
    return by_day && by_weekday;
}

// The first matching minute at or after day `from.day` of its month and `minute` of that day,
// within the month; -1 when there is none.
static int64_t minute_in_month(const struct cron *cron, struct civil from, int64_t minute)
{
    int64_t len = civil_month_len(from.year, from.month);
    for (; from.day <= len; from.day++) {
        int64_t days = civil_to_days(from);
        int64_t found = is_day(cron, from.day, days) ? minute_in_day(cron, minute) : -1;
        if (found >= 0)
            return days * DAY_MINUTES + found;
        minute = 0;
    }
    return -1;
}

// The first matching minute of the calendar at or after `from`, both in minutes since 1970 by the
// local clock; INT64_MAX when there is none.
static int64_t next_minute(const struct cron *cron, int64_t from)
{
    struct civil civil = civil_of_days(floor_div(from, DAY_MINUTES));
    int64_t minute = from - civil_to_days(civil) * DAY_MINUTES;
    for (unsigned i = 0; i < MONTHS_MAX && civil.year <= YEAR_LAST; i++) {
        int64_t found = -1;
        if (cron->months >> civil.month & 1u)
            found = minute_in_month(cron, civil, minute);
        if (found >= 0)
            return found;
        civil = civil.month == 12
                    ? (struct civil){.year = civil.year + 1, .month = 1, .day = 1}
                    : (struct civil){.year = civil.year, .month = civil.month + 1, .day = 1};
        minute = 0;
    }
    return INT64_MAX;
}

// --- the clock ---

// The first local second that the clock had not reached by `at_s`, though it may have been set
// back since.
static int64_t unreached(const struct zone *zone, int64_t at_s)
{
    struct zone_span span = zone_span_at(zone, at_s);
    int64_t least = at_s + span.offset_s + 1;
    for (unsigned i = 0; i < SPANS_MAX && span.from_s > at_s - SET_BACK_MAX_S; i++) {
        int64_t end_s = span.from_s;
        span = zone_span_at(zone, end_s - 1);
        if (end_s + span.offset_s > least)
            least = end_s + span.offset_s;
    }
    return least;
}

// The first second after `after_s` at which the clock has reached `local_s`, which it had not by
// then.
static int64_t reached_at(const struct zone *zone, int64_t after_s, int64_t local_s)
{
    int64_t from_s = local_s - ZONE_OFFSET_MAX_S;
    struct zone_span span = zone_span_at(zone, from_s > after_s ? from_s : after_s);
    for (unsigned i = 0; i < SPANS_MAX; i++) {
        int64_t at_s = local_s - span.offset_s;
        if (at_s < span.until_s)
            return at_s > span.from_s ? at_s : span.from_s;
        span = zone_span_at(zone, span.until_s);
    }
    UNREACHABLE();
}

when_ms cron_next(const struct cron *cron, const struct zone *zone, when_ms after)
{
    CHECK(after >= 0);
    int64_t after_s = after / 1000;
    int64_t least = unreached(zone, after_s);
    int64_t minute = next_minute(cron, floor_div(least + MINUTE_S - 1, MINUTE_S));
    if (minute == INT64_MAX)
        return WHEN_NEVER;
    int64_t at_s = reached_at(zone, after_s, minute * MINUTE_S);
    CHECK(at_s > after_s);
    return at_s * 1000;
}
