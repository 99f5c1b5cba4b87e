// Days and civil dates by counting years from the first of March, so that the leap day is the last
// day of its year.

#include "lib/base/civil.h"

#include "lib/base/check.h"

#include <stdbool.h>

enum {
    DAYS_PER_ERA = 146097, // 400 years
    DAYS_TO_1970 = 719468, // from 0000-03-01
    WEEK_DAYS = 7,
    THURSDAY = 4, // 1970-01-01
};

int64_t civil_to_days(struct civil civil)
{
    int64_t year = civil.month > 2 ? civil.year : civil.year - 1;
    int64_t month = civil.month > 2 ? civil.month - 3 : civil.month + 9;
    int64_t era = year / 400;
    int64_t year_of_era = year % 400;
    int64_t day_of_year = (153 * month + 2) / 5 + civil.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

struct civil civil_of_days(int64_t days)
{
    CHECK(days >= -DAYS_TO_1970);
    days += DAYS_TO_1970;
    int64_t day_of_era = days % DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    int64_t year = year_of_era + days / DAYS_PER_ERA * 400;
    return (struct civil){.year = month < 10 ? year : year + 1,
                          .month = month < 10 ? month + 3 : month - 9,
                          .day = day_of_year - (153 * month + 2) / 5 + 1};
}

int64_t civil_month_len(int64_t year, int64_t month)
{
    static const uint8_t lens[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && is_leap ? 29 : lens[month - 1];
}

int64_t civil_weekday(int64_t days)
{
    int64_t weekday = (days + THURSDAY) % WEEK_DAYS;
    return weekday < 0 ? weekday + WEEK_DAYS : weekday;
}
