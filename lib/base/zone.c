// Offsets of local time: a table of changes, then the rule for all years after it.

#include "lib/base/zone.h"

#include "lib/base/check.h"
#include "lib/base/civil.h"

enum {
    DAY_S = 86400,
    // The two of each year; a day of the rule may lie a week outside its year.
    YEARS_AROUND = 2,
    EVENTS_MAX = 2 * (2 * YEARS_AROUND + 1),
};

void zone_set_utc(struct zone *out_zone)
{
    *out_zone = (struct zone){.has_rule = true};
}

// --- the rule ---

static int64_t day_of(const struct zone_day *day, int64_t year)
{
    if (day->kind != 'M') {
        int64_t first = civil_to_days((struct civil){.year = year, .month = 1, .day = 1});
        bool skips = day->kind == 'J' && day->day >= 60 && civil_month_len(year, 2) == 29;
        return first + day->day - (day->kind == 'J' ? 1 : 0) + (skips ? 1 : 0);
    }
    int64_t first = civil_to_days((struct civil){.year = year, .month = day->month, .day = 1});
    int64_t to_weekday = (day->day - civil_weekday(first) + 7) % 7;
    int64_t in_month = to_weekday + (day->week - 1) * 7;
    if (in_month >= civil_month_len(year, day->month))
        in_month -= 7;
    return first + in_month;
}

struct event {
    int64_t at_s;
    int32_t offset_s; // from then on
};

// At the same second the later call wins: summer that lasts all year ends as it begins.
static void insert(struct event *events, unsigned count, struct event event)
{
    unsigned place = count;
    for (; place > 0 && events[place - 1].at_s > event.at_s; place--)
        events[place] = events[place - 1];
    events[place] = event;
}

static unsigned events_around(const struct zone *zone, int64_t year, struct event *events)
{
    unsigned count = 0;
    for (int64_t y = year - YEARS_AROUND; y <= year + YEARS_AROUND; y++) {
        int64_t winter = day_of(&zone->winter_begins, y) * DAY_S + zone->winter_begins.second;
        int64_t summer = day_of(&zone->summer_begins, y) * DAY_S + zone->summer_begins.second;
        insert(
            events, count++,
            (struct event){.at_s = winter - zone->summer_offset, .offset_s = zone->winter_offset});
        insert(
            events, count++,
            (struct event){.at_s = summer - zone->winter_offset, .offset_s = zone->summer_offset});
    }
    return count;
}

static int64_t year_of(int64_t at_s)
{
    int64_t days = at_s / DAY_S - (at_s % DAY_S < 0 ? 1 : 0);
    return civil_of_days(days).year;
}

static struct zone_span span_by_rule(const struct zone *zone, int64_t at_s)
{
    struct zone_span span = {
        .from_s = INT64_MIN, .until_s = INT64_MAX, .offset_s = zone->winter_offset};
    if (!zone->has_summer)
        return span;
    struct event events[EVENTS_MAX];
    unsigned count = events_around(zone, year_of(at_s), events);
    CHECK(count == EVENTS_MAX && events[0].at_s <= at_s);
    for (unsigned i = 0; i < count; i++) {
        if (events[i].at_s > at_s) {
            span.until_s = events[i].at_s;
            break;
        }
        span.from_s = events[i].at_s;
        span.offset_s = events[i].offset_s;
    }
    return span;
}

// --- the table ---

// How many changes have happened by then.
static uint32_t count_until(const struct zone *zone, int64_t at_s)
{
    uint32_t low = 0;
    uint32_t high = zone->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (zone->at[middle] <= at_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// After the last change of the table the rule holds, as far as it goes back to it.
static struct zone_span span_after_table(const struct zone *zone, int64_t at_s)
{
    int64_t last_s = zone->count > 0 ? zone->at[zone->count - 1] : INT64_MIN;
    struct zone_span span = {.from_s = last_s,
                             .until_s = INT64_MAX,
                             .offset_s = zone->count > 0 ? zone->offset[zone->count - 1]
                                                         : zone->first_offset};
    if (!zone->has_rule)
        return span;
    span = span_by_rule(zone, at_s);
    if (span.from_s < last_s)
        span.from_s = last_s;
    return span;
}

struct zone_span zone_span_at(const struct zone *zone, int64_t at_s)
{
    uint32_t count = count_until(zone, at_s);
    if (count == zone->count)
        return span_after_table(zone, at_s);
    return (struct zone_span){.from_s = count > 0 ? zone->at[count - 1] : INT64_MIN,
                              .until_s = zone->at[count],
                              .offset_s = count > 0 ? zone->offset[count - 1] : zone->first_offset};
}

// --- names ---

static bool is_name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '+';
}

// The database has each zone twice more there: the same once more, and with leap seconds.
static bool is_doubled(struct slice text)
{
    enum { PREFIX_LEN = 6 };
    return text.len >= PREFIX_LEN && (memcmp(text.data, "posix/", PREFIX_LEN) == 0 ||
                                      memcmp(text.data, "right/", PREFIX_LEN) == 0);
}

bool zone_is_name(struct slice text)
{
    if (text.len == 0 || text.len > ZONE_NAME_MAX || is_doubled(text))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool is_between = i > 0 && i + 1 < text.len && text.data[i - 1] != '/';
        if (!is_name_byte(text.data[i]) && !(text.data[i] == '/' && is_between))
            return false;
    }
    return true;
}
