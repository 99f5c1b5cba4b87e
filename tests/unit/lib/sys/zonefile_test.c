// This system's zones against those of its C library.

#include "tests/support/test.h"

#include "lib/sys/zonefile.h"

#include "lib/base/prng.h"

static struct zone zone_named(const char *name)
{
    struct zone zone;
    EXPECT_EQ(zonefile_read(slice_of_text(name), &zone), OK);
    return zone;
}

static void expect_agrees(const struct zone *zone, int64_t at_s)
{
    time_t seconds = (time_t)at_s;
    struct tm tm;
    EXPECT(localtime_r(&seconds, &tm) != NULL);
    EXPECT_EQ(zone_span_at(zone, at_s).offset_s, tm.tm_gmtoff);
}

TEST(zonefile, agrees_with_the_c_library)
{
    static const char *const names[] = {"UTC",
                                        "Europe/Berlin",
                                        "Europe/Dublin",
                                        "America/New_York",
                                        "America/Santiago",
                                        "Australia/Lord_Howe",
                                        "Africa/Casablanca",
                                        "Asia/Kathmandu",
                                        "Asia/Gaza",
                                        "Pacific/Apia"};
    struct prng prng = prng_of(test_seed());
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct zone zone = zone_named(names[i]);
        EXPECT_EQ(setenv("TZ", names[i], 1), 0);
        tzset();
        // Every change from 1900 to 2200 at its second, and anywhere.
        int64_t at_s = -2208988800;
        for (unsigned changes = 0; changes < 1000 && at_s < 7258118400; changes++) {
            expect_agrees(&zone, at_s);
            expect_agrees(&zone, at_s - 1);
            struct zone_span span = zone_span_at(&zone, at_s);
            EXPECT(span.from_s <= at_s && at_s < span.until_s);
            if (span.until_s == INT64_MAX)
                break;
            at_s = span.until_s;
        }
        for (unsigned k = 0; k < 2000; k++)
            expect_agrees(&zone, (int64_t)prng_below(&prng, 7258118400));
    }
}

TEST(zonefile, changes_have_the_same_seconds_as_in_the_c_library)
{
    // Offsets only agree everywhere when no change is missed: look at each hour of a year.
    static const char *const names[] = {"Europe/Berlin", "Australia/Lord_Howe",
                                        "Africa/Casablanca"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct zone zone = zone_named(names[i]);
        EXPECT_EQ(setenv("TZ", names[i], 1), 0);
        tzset();
        for (int64_t hour = 0; hour < 24 * 366; hour++) {
            expect_agrees(&zone, 1767225600 + hour * 1800);
            expect_agrees(&zone, 4070908800 + hour * 3600);
        }
    }
}

TEST(zonefile, what_is_no_zone_is_not_found)
{
    struct zone zone;
    EXPECT_EQ(zonefile_read(slice_of_text("Europe/Atlantis"), &zone), ERR_NOT_FOUND);
    EXPECT_EQ(zonefile_read(slice_of_text("Europe"), &zone), ERR_NOT_FOUND);
    EXPECT_EQ(zonefile_read(slice_of_text("../../../etc/passwd"), &zone), ERR_MALFORMED);
    EXPECT_EQ(zonefile_read(slice_of_text("tzdata.zi"), &zone), ERR_MALFORMED);
    EXPECT_EQ(zonefile_read(slice_of_text(""), &zone), ERR_MALFORMED);
    EXPECT(strstr(zonefile_text(ERR_NOT_FOUND), "tzdata") != NULL);
    EXPECT(strstr(zonefile_text(ERR_MALFORMED), "Europe/Berlin") != NULL);
}
