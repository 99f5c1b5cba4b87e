// From moment to moment: against a walk of the clock, minute by minute, and known cases of clocks
// that were set.

#include "tests/support/test.h"

#include "lib/base/civil.h"
#include "lib/base/cron.h"
#include "lib/base/moment.h"
#include "lib/base/prng.h"

static struct cron cron_of(const char *text)
{
    struct cron cron = {0};
    struct cron_problem problem = {0};
    EXPECT_EQ(cron_parse(slice_of_text(text), &cron, &problem), OK);
    return cron;
}

static struct zone zone_named(const char *rule)
{
    struct zone zone;
    EXPECT_EQ(zone_of_rule(slice_of_text(rule), &zone), OK);
    return zone;
}

static when_ms at(const char *text)
{
    when_ms moment = 0;
    EXPECT_EQ(moment_parse(slice_of_text(text), &moment), OK);
    return moment;
}

// The moments after `from`, without seconds, in a list: "2026-03-29T01:00 …".
static void expect_next(const char *cron_text, const char *rule, const char *from,
                        const char *expected)
{
    struct cron cron = cron_of(cron_text);
    struct zone zone = zone_named(rule);
    when_ms moment = at(from);
    char said[512] = "";
    size_t wanted = (strlen(expected) + 1) / 17;
    for (size_t i = 0; i < wanted; i++) {
        moment = cron_next(&cron, &zone, moment);
        char text[MOMENT_TEXT_LEN + 1];
        moment_format(moment, text);
        (void)snprintf(said + strlen(said), sizeof said - strlen(said), "%s%.16s", i > 0 ? " " : "",
                       text);
    }
    EXPECT_STR(said, expected);
}

#define UTC "UTC0"
#define BERLIN "CET-1CEST,M3.5.0,M10.5.0/3"
#define NEW_YORK "EST5EDT,M3.2.0,M11.1.0"
#define LORD_HOWE "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"

TEST(cron_next, follows_the_calendar)
{
    expect_next("*/20 * * * *", UTC, "2026-12-31T23:30:00Z",
                "2026-12-31T23:40 2027-01-01T00:00 2027-01-01T00:20");
    expect_next("0 0 29 2 *", UTC, "2026-01-01T00:00:00Z",
                "2028-02-29T00:00 2032-02-29T00:00 2036-02-29T00:00");
    expect_next("0 0 29 2 *", UTC, "2096-03-01T00:00:00Z", "2104-02-29T00:00");
    expect_next("30 4 31 * *", UTC, "2026-01-31T04:30:00Z", "2026-03-31T04:30 2026-05-31T04:30");
    expect_next("15 10 * * mon-fri", UTC, "2026-11-27T10:15:00Z",
                "2026-11-30T10:15 2026-12-01T10:15");
}

TEST(cron_next, moment_itself_is_not_after_itself)
{
    expect_next("0 * * * *", UTC, "2026-01-01T10:00:00Z", "2026-01-01T11:00");
    expect_next("0 * * * *", UTC, "2026-01-01T09:59:59.999Z", "2026-01-01T10:00");
    expect_next("0 * * * *", UTC, "2026-01-01T10:00:00.001Z", "2026-01-01T11:00");
    expect_next("0 0 1 1 *", UTC, "1970-01-01T00:00:00Z", "1971-01-01T00:00");
}

TEST(cron_next, either_day_field_may_match_when_both_restrict)
{
    expect_next("0 0 13 * fri", UTC, "2026-02-12T12:00:00Z",
                "2026-02-13T00:00 2026-02-20T00:00 2026-02-27T00:00 2026-03-06T00:00 "
                "2026-03-13T00:00");
    // A star with a step does not restrict: both must match.
    expect_next("0 0 13 * */5", UTC, "2026-01-01T00:00:00Z",
                "2026-02-13T00:00 2026-03-13T00:00 2026-09-13T00:00");
    expect_next("0 0 29 2 */7", UTC, "2026-01-01T00:00:00Z", "2032-02-29T00:00 2060-02-29T00:00");
}

TEST(cron_next, skipped_hour_fires_once_at_its_end)
{
    // Clocks go from 02:00 to 03:00 at 01:00 UTC.
    expect_next("30 2 * * *", BERLIN, "2026-03-28T00:00:00Z",
                "2026-03-28T01:30 2026-03-29T01:00 2026-03-30T00:30");
    expect_next("*/20 2 * * *", BERLIN, "2026-03-28T02:00:00Z",
                "2026-03-29T01:00 2026-03-30T00:00 2026-03-30T00:20");
    // 03:00 itself matches, and is the end of the gap: once.
    expect_next("*/30 * * * *", BERLIN, "2026-03-29T00:00:00Z",
                "2026-03-29T00:30 2026-03-29T01:00 2026-03-29T01:30");
    // Half an hour is skipped.
    expect_next("15 2 * * *", LORD_HOWE, "2026-10-03T00:00:00Z",
                "2026-10-03T15:30 2026-10-04T15:15");
}

TEST(cron_next, repeated_hour_fires_the_first_time_only)
{
    // Clocks go from 03:00 back to 02:00 at 01:00 UTC.
    expect_next("30 2 * * *", BERLIN, "2026-10-24T12:00:00Z", "2026-10-25T00:30 2026-10-26T01:30");
    expect_next("*/30 * * * *", BERLIN, "2026-10-24T23:45:00Z",
                "2026-10-25T00:00 2026-10-25T00:30 2026-10-25T02:00");
    expect_next("30 1 * * *", NEW_YORK, "2026-10-31T12:00:00Z",
                "2026-11-01T05:30 2026-11-02T06:30");
    // Asked between the two: it has been.
    expect_next("30 1 * * *", NEW_YORK, "2026-11-01T05:30:00Z", "2026-11-02T06:30");
    expect_next("30 1 * * *", NEW_YORK, "2026-11-01T06:10:00Z", "2026-11-02T06:30");
    // Half an hour is repeated: 01:30 to 02:00.
    expect_next("*/15 * * * *", LORD_HOWE, "2026-04-04T14:20:00Z",
                "2026-04-04T14:30 2026-04-04T14:45 2026-04-04T15:30 2026-04-04T15:45");
}

TEST(cron_next, whole_day_may_be_skipped)
{
    // Samoa had no 30 December 2011: it went from UTC-10 to UTC+14 at midnight.
    struct zone zone = {.count = 1, .first_offset = -10 * 3600};
    zone.at[0] = 1325239200; // 2011-12-30T10:00:00Z
    zone.offset[0] = 14 * 3600;
    struct cron cron = cron_of("0 12 * * *");
    when_ms moment = cron_next(&cron, &zone, at("2011-12-29T00:00:00Z"));
    EXPECT_EQ(moment, at("2011-12-29T22:00:00Z"));
    moment = cron_next(&cron, &zone, moment);
    EXPECT_EQ(moment, at("2011-12-30T10:00:00Z"));
    EXPECT_EQ(cron_next(&cron, &zone, moment), at("2011-12-30T22:00:00Z"));
}

TEST(cron_next, there_is_an_end)
{
    struct cron cron = cron_of("0 0 29 2 *");
    struct zone zone = zone_named(UTC);
    EXPECT_EQ(cron_next(&cron, &zone, at("9996-03-01T00:00:00Z")), WHEN_NEVER);
    EXPECT_EQ(cron_next(&cron, &zone, MOMENT_MAX), WHEN_NEVER);
    EXPECT_DIES(cron_next(&cron, &zone, -1));
}

// --- against the clock ---

static bool matches(const struct cron *cron, int64_t local_s)
{
    int64_t days = local_s / 86400;
    struct civil civil = civil_of_days(days);
    int64_t second = local_s % 86400;
    bool by_day = cron->days >> civil.day & 1u;
    bool by_weekday = cron->weekdays >> civil_weekday(days) & 1u;
    bool is_day =
        cron->has_days && cron->has_weekdays ? by_day || by_weekday : by_day && by_weekday;
    return is_day && (cron->months >> civil.month & 1u) && (cron->hours >> second / 3600 & 1u) &&
           (cron->minutes >> second / 60 % 60 & 1u);
}

// Looks at the clock every minute, as cron itself does, and remembers how far it has been.
static int64_t walk(const struct cron *cron, const struct zone *zone, int64_t after_s,
                    int64_t *farthest)
{
    for (int64_t at_s = after_s + 60;; at_s += 60) {
        int64_t local = at_s + zone_span_at(zone, at_s).offset_s;
        bool is_match = false;
        for (int64_t minute = *farthest + 60; minute <= local; minute += 60)
            is_match = is_match || matches(cron, minute);
        if (local > *farthest)
            *farthest = local;
        if (is_match)
            return at_s;
    }
}

TEST(cron_next, agrees_with_a_walk_of_the_clock)
{
    static const char *const rules[] = {UTC, BERLIN, NEW_YORK, LORD_HOWE,
                                        "<-03>3<-02>,M3.4.4/50,M10.4.4/50"};
    static const char *const texts[] = {"*/7 * * * *",   "30 2 * * *",  "0,30 1-3 * * *",
                                        "15 */5 * * *",  "59 23 * * 0", "0 0 1,29 * *",
                                        "5 2 25-31 * 0", "* 2 * * sun", "0 3 * 3,10,11,4 *"};
    struct prng prng = prng_of(test_seed());
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
        struct zone zone = zone_named(rules[r]);
        for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
            struct cron cron = cron_of(texts[t]);
            // From shortly before a change of the clock, or from anywhere.
            int64_t start_s = 1767225600 + (int64_t)prng_below(&prng, 366 * 24 * 60) * 60;
            struct zone_span span = zone_span_at(&zone, start_s);
            if (span.until_s != INT64_MAX && prng_chance(&prng, 80))
                start_s = span.until_s - 86400 * 2;
            int64_t at_s = start_s;
            int64_t farthest = at_s + zone_span_at(&zone, at_s).offset_s;
            // The clock may have been set back within two days before.
            int64_t before = at_s - 3 * 86400;
            for (; before < at_s; before += 60) {
                int64_t local = before + zone_span_at(&zone, before).offset_s;
                farthest = local > farthest ? local : farthest;
            }
            for (unsigned i = 0; i < 30; i++) {
                int64_t expected = walk(&cron, &zone, at_s, &farthest);
                EXPECT_EQ(cron_next(&cron, &zone, at_s * 1000), expected * 1000);
                at_s = expected;
                if (at_s > start_s + 86400 * 40)
                    break;
            }
        }
    }
}
