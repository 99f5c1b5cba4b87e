// Offsets by table and by rule.

#include "tests/support/test.h"

#include "lib/base/moment.h"
#include "lib/base/zone.h"

static struct zone zone_named(const char *rule)
{
    struct zone zone;
    EXPECT_EQ(zone_of_rule(slice_of_text(rule), &zone), OK);
    return zone;
}

static int64_t at(const char *text)
{
    when_ms moment = 0;
    EXPECT_EQ(moment_parse(slice_of_text(text), &moment), OK);
    return moment / 1000;
}

static void expect_span(const struct zone *zone, const char *moment, const char *from,
                        const char *until)
{
    struct zone_span span = zone_span_at(zone, at(moment));
    EXPECT_EQ(span.from_s, at(from));
    EXPECT_EQ(span.until_s, at(until));
}

TEST(zone, utc_is_one_stretch)
{
    struct zone zone;
    zone_set_utc(&zone);
    struct zone_span span = zone_span_at(&zone, 0);
    EXPECT_EQ(span.from_s, INT64_MIN);
    EXPECT_EQ(span.until_s, INT64_MAX);
    EXPECT_EQ(span.offset_s, 0);
}

TEST(zone, rule_makes_two_stretches_a_year)
{
    struct zone zone = zone_named("CET-1CEST,M3.5.0,M10.5.0/3");
    EXPECT_EQ(zone_span_at(&zone, at("2026-01-01T00:00:00Z")).offset_s, 3600);
    EXPECT_EQ(zone_span_at(&zone, at("2026-03-29T00:59:59Z")).offset_s, 3600);
    EXPECT_EQ(zone_span_at(&zone, at("2026-03-29T01:00:00Z")).offset_s, 7200);
    EXPECT_EQ(zone_span_at(&zone, at("2026-10-25T00:59:59Z")).offset_s, 7200);
    EXPECT_EQ(zone_span_at(&zone, at("2026-10-25T01:00:00Z")).offset_s, 3600);
    expect_span(&zone, "2026-01-01T00:00:00Z", "2025-10-26T01:00:00Z", "2026-03-29T01:00:00Z");
    expect_span(&zone, "2026-07-01T00:00:00Z", "2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z");
}

TEST(zone, south_has_its_summer_over_new_year)
{
    struct zone zone = zone_named("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0");
    EXPECT_EQ(zone_span_at(&zone, at("2026-12-31T23:59:59Z")).offset_s, 39600);
    expect_span(&zone, "2027-01-01T00:00:00Z", "2026-10-03T15:30:00Z", "2027-04-03T15:00:00Z");
}

TEST(zone, days_are_counted_with_and_without_leap_days)
{
    struct zone with_j = zone_named("AAA0BBB,J60/0,J300/0");
    expect_span(&with_j, "2024-05-01T00:00:00Z", "2024-03-01T00:00:00Z", "2024-10-26T23:00:00Z");
    struct zone with_n = zone_named("AAA0BBB,59/0,299/0");
    expect_span(&with_n, "2024-05-01T00:00:00Z", "2024-02-29T00:00:00Z", "2024-10-25T23:00:00Z");
    expect_span(&with_n, "2023-05-01T00:00:00Z", "2023-03-01T00:00:00Z", "2023-10-26T23:00:00Z");
}

TEST(zone, seconds_of_a_rule_may_leave_the_day)
{
    // Godthab once changed at 22:00 on Saturday: 50 hours after Thursday.
    struct zone zone = zone_named("<-03>3<-02>,M3.4.4/50,M10.4.4/50");
    expect_span(&zone, "2026-06-01T00:00:00Z", "2026-03-28T05:00:00Z", "2026-10-24T04:00:00Z");
}

TEST(zone, summer_may_last_all_year)
{
    struct zone zone = zone_named("EST5EDT,0/0,J365/25");
    for (int64_t month = 0; month < 24; month++)
        EXPECT_EQ(zone_span_at(&zone, at("2025-01-01T05:00:00Z") + month * 30 * 86400).offset_s,
                  -4 * 3600);
}

TEST(zone, table_comes_before_the_rule)
{
    struct zone zone = zone_named("CET-1CEST,M3.5.0,M10.5.0/3");
    zone.first_offset = 3208;
    zone.count = 2;
    zone.at[0] = 1000;
    zone.offset[0] = 3600;
    zone.at[1] = at("2026-05-01T00:00:00Z");
    zone.offset[1] = 7200;
    EXPECT_EQ(zone_span_at(&zone, 999).offset_s, 3208);
    EXPECT_EQ(zone_span_at(&zone, 999).until_s, 1000);
    EXPECT_EQ(zone_span_at(&zone, 1000).offset_s, 3600);
    EXPECT_EQ(zone_span_at(&zone, 1000).from_s, 1000);
    expect_span(&zone, "2026-06-01T00:00:00Z", "2026-05-01T00:00:00Z", "2026-10-25T01:00:00Z");
    zone.has_rule = false;
    EXPECT_EQ(zone_span_at(&zone, at("2100-01-01T00:00:00Z")).offset_s, 7200);
    EXPECT_EQ(zone_span_at(&zone, at("2100-01-01T00:00:00Z")).until_s, INT64_MAX);
}

TEST(zone, name_cannot_leave_the_database)
{
    static const char *const good[] = {"UTC",
                                       "Europe/Berlin",
                                       "Etc/GMT+3",
                                       "EST5EDT",
                                       "America/Argentina/Buenos_Aires",
                                       "America/Port-au-Prince"};
    static const char *const bad[] = {"",
                                      "/etc/passwd",
                                      "../x",
                                      "Europe/../x",
                                      "Europe/",
                                      "Europe//Berlin",
                                      "a b",
                                      "a.b",
                                      "Europe/Berlin\n",
                                      "posix/UTC",
                                      "right/Europe/Berlin"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        EXPECT(zone_is_name(slice_of_text(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT(!zone_is_name(slice_of_text(bad[i])));
    char text[ZONE_NAME_MAX + 1];
    memset(text, 'a', sizeof text);
    EXPECT(zone_is_name(slice_of(text, ZONE_NAME_MAX)));
    EXPECT(!zone_is_name(slice_of(text, ZONE_NAME_MAX + 1)));
}
