// The calendar against that of the C library.

#include "tests/support/test.h"

#include "lib/base/civil.h"

#include <time.h>

TEST(civil, agrees_with_the_c_library)
{
    // A whole cycle of leap years before and after 1970.
    for (int64_t days = -146097; days <= 146097; days++) {
        time_t seconds = (time_t)(days * 86400);
        struct tm tm;
        EXPECT(gmtime_r(&seconds, &tm) != NULL);
        struct civil civil = civil_of_days(days);
        EXPECT_EQ(civil.year, tm.tm_year + 1900);
        EXPECT_EQ(civil.month, tm.tm_mon + 1);
        EXPECT_EQ(civil.day, tm.tm_mday);
        EXPECT_EQ(civil_weekday(days), tm.tm_wday);
        EXPECT_EQ(civil_to_days(civil), days);
    }
}

TEST(civil, months_have_their_lengths)
{
    EXPECT_EQ(civil_month_len(2023, 2), 28);
    EXPECT_EQ(civil_month_len(2024, 2), 29);
    EXPECT_EQ(civil_month_len(2100, 2), 28);
    EXPECT_EQ(civil_month_len(2000, 2), 29);
    EXPECT_EQ(civil_month_len(2024, 4), 30);
    EXPECT_EQ(civil_month_len(2024, 12), 31);
}

TEST(civil, before_the_calendar_is_a_bug)
{
    EXPECT_EQ(civil_of_days(-719468).year, 0);
    EXPECT_DIES(civil_of_days(-719469));
}
