// Moments against the calendar of the C library.

#include "tests/support/test.h"

#include "lib/base/moment.h"
#include "lib/base/prng.h"

#include <time.h>

static when_ms moment_of(const char *text)
{
    when_ms at = -1;
    EXPECT_EQ(moment_parse(slice_of_text(text), &at), OK);
    return at;
}

static bool is_refused(const char *text)
{
    when_ms at = 77;
    err e = moment_parse(slice_of_text(text), &at);
    return e == ERR_BAD_FIELD && at == 77;
}

TEST(moment, known_moments_are_written)
{
    static const struct {
        when_ms at;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {1709251199999, "2024-02-29T23:59:59.999Z"},
        {1709251200000, "2024-03-01T00:00:00.000Z"},
        {1796112000000, "2026-12-01T08:00:00.000Z"},
        {4107542400000, "2100-03-01T00:00:00.000Z"},
        {MOMENT_MAX, "9999-12-31T23:59:59.999Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[MOMENT_TEXT_LEN + 1];
        moment_format(rows[i].at, text);
        EXPECT_STR(text, rows[i].text);
        EXPECT_EQ(moment_of(text), rows[i].at);
    }
}

TEST(moment, agrees_with_the_c_library)
{
    struct prng prng = prng_of(test_seed());
    for (unsigned i = 0; i < 20000; i++) {
        when_ms at = (when_ms)prng_below(&prng, MOMENT_MAX + 1);
        time_t seconds = (time_t)(at / 1000);
        struct tm civil;
        char expected[64];
        EXPECT(gmtime_r(&seconds, &civil) != NULL);
        (void)snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                       civil.tm_year + 1900, civil.tm_mon + 1, civil.tm_mday, civil.tm_hour,
                       civil.tm_min, civil.tm_sec, (int)(at % 1000));
        char text[MOMENT_TEXT_LEN + 1];
        moment_format(at, text);
        EXPECT_STR(text, expected);
        EXPECT_EQ(moment_of(text), at);
    }
}

TEST(moment, every_day_follows_the_one_before)
{
    // 1970 to 2399 covers a whole cycle of leap years.
    char before[MOMENT_TEXT_LEN + 1] = "";
    for (when_ms day = 0; day < 157063; day++) {
        char text[MOMENT_TEXT_LEN + 1];
        moment_format(day * 86400000, text);
        EXPECT_EQ(strcmp(before, text) < 0, true);
        EXPECT_EQ(moment_of(text), day * 86400000);
        memcpy(before, text, sizeof text);
    }
}

TEST(moment, fractions_are_cut_to_milliseconds)
{
    when_ms whole = moment_of("2026-12-01T08:00:00Z");
    EXPECT_EQ(moment_of("2026-12-01T08:00:00.5Z"), whole + 500);
    EXPECT_EQ(moment_of("2026-12-01T08:00:00.05Z"), whole + 50);
    EXPECT_EQ(moment_of("2026-12-01T08:00:00.123Z"), whole + 123);
    EXPECT_EQ(moment_of("2026-12-01T08:00:00.123999999Z"), whole + 123);
    EXPECT_EQ(moment_of("2026-12-01T08:00:00.000000001Z"), whole);
    EXPECT(is_refused("2026-12-01T08:00:00.Z"));
    EXPECT(is_refused("2026-12-01T08:00:00.1234567890Z"));
}

TEST(moment, offsets_are_taken_off)
{
    when_ms whole = moment_of("2026-12-01T08:00:00Z");
    EXPECT_EQ(moment_of("2026-12-01T09:00:00+01:00"), whole);
    EXPECT_EQ(moment_of("2026-12-01T02:30:00-05:30"), whole);
    EXPECT_EQ(moment_of("2026-12-01T08:00:00-00:00"), whole);
    EXPECT_EQ(moment_of("2026-12-02T07:59:00.250+23:59"), whole + 250);
    EXPECT(is_refused("2026-12-01T08:00:00+24:00"));
    EXPECT(is_refused("2026-12-01T08:00:00+01:60"));
    EXPECT(is_refused("2026-12-01T08:00:00+0100"));
    EXPECT(is_refused("2026-12-01T08:00:00+01"));
    EXPECT(is_refused("2026-12-01T08:00:00"));
}

TEST(moment, offset_may_not_lead_out_of_range)
{
    EXPECT_EQ(moment_of("1970-01-01T01:00:00+01:00"), 0);
    EXPECT(is_refused("1970-01-01T00:59:59+01:00"));
    EXPECT_EQ(moment_of("1969-12-31T23:00:00-01:00"), 0);
    EXPECT(is_refused("9999-12-31T23:59:59-00:01"));
    EXPECT(is_refused("1969-12-31T23:59:59.999Z"));
    EXPECT(is_refused("0000-01-01T00:00:00Z"));
}

TEST(moment, days_and_times_that_are_not_are_refused)
{
    static const char *const bad[] = {"2026-00-01T00:00:00Z",
                                      "2026-13-01T00:00:00Z",
                                      "2026-01-00T00:00:00Z",
                                      "2026-01-32T00:00:00Z",
                                      "2026-02-29T00:00:00Z",
                                      "2100-02-29T00:00:00Z",
                                      "2026-04-31T00:00:00Z",
                                      "2026-01-01T24:00:00Z",
                                      "2026-01-01T00:60:00Z",
                                      "2026-12-31T23:59:60Z",
                                      "2026-1-01T00:00:00Z",
                                      "2026-01-01 00:00:00Z",
                                      "2026-01-01t00:00:00Z",
                                      "2026-01-01T00:00:00z",
                                      "2026-01-01",
                                      "",
                                      "2026-01-01T00:00:00ZZ",
                                      " 2026-01-01T00:00:00Z",
                                      "2026-01-01T00:00:00Z ",
                                      "+026-01-01T00:00:00Z",
                                      "20260101T000000Z",
                                      "2026-01-01T00:00Z",
                                      "2026-01-01T00:00:00,5Z",
                                      "2026-01-01T-1:00:00Z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT(is_refused(bad[i]));
    EXPECT_EQ(moment_of("2024-02-29T00:00:00Z"), 1709164800000);
    EXPECT_EQ(moment_of("2000-02-29T00:00:00Z"), 951782400000);
}

TEST(moment, every_beginning_of_a_moment_is_refused)
{
    static const char text[] = "2026-12-01T09:00:00.123+01:00";
    for (size_t len = 0; len < sizeof text - 1; len++) {
        when_ms at;
        EXPECT_EQ(moment_parse(slice_of(text, len), &at), ERR_BAD_FIELD);
    }
}

TEST(moment, moment_that_cannot_be_written_is_a_bug)
{
    char text[MOMENT_TEXT_LEN + 1];
    EXPECT_DIES(moment_format(-1, text));
    EXPECT_DIES(moment_format(MOMENT_MAX + 1, text));
}
