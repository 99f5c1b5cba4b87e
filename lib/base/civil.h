#pragma once

// The Gregorian calendar, for moments as text and for schedules: days since 1970-01-01 to year,
// month and day, and back. From the year 0 on. Pure.

#include <stdint.h>

struct civil {
    int64_t year;
    int64_t month; // 1 … 12
    int64_t day;   // 1 … 31
};

// `civil` is a day that exists, in the year 0 or later.
int64_t civil_to_days(struct civil civil);
// The day `days` days after 1970-01-01 (before it when negative, but not before the year 0).
struct civil civil_of_days(int64_t days);
// Days of a month, 28 … 31.
int64_t civil_month_len(int64_t year, int64_t month);
// 0 Sunday … 6 Saturday.
int64_t civil_weekday(int64_t days);
