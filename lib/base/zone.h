#pragma once

// Time zones: how far local time is from UTC, and since when. Decoded from the files of the zone
// database (TZif, RFC 9636) or from a rule alone (POSIX TZ, "CET-1CEST,M3.5.0,M10.5.0/3"). No
// leap seconds. Pure.

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"

#include <stdbool.h>

enum {
    ZONE_CHANGES_MAX = 512,     // no zone of the database has more than 250
    ZONE_BYTES_MAX = 64 * 1024, // of a file; the longest has 4 KiB
    ZONE_OFFSET_MAX_S = 26 * 3600,
};

// When a half of the year begins, in its own local time.
struct zone_day {
    char kind;     // 'M' the week-th weekday of a month, 'J' a day without leap days, 'n' with them
    uint8_t month; // M: 1 … 12
    uint8_t week;  // M: 1 … 5, the last
    int16_t day;   // M: 0 Sunday … 6; J: 1 … 365; n: 0 … 365
    int32_t second; // after midnight, within a week before or after
};

struct zone {
    uint32_t count;               // changes that are known one by one
    int64_t at[ZONE_CHANGES_MAX]; // seconds since 1970, UTC, ascending
    int32_t offset[ZONE_CHANGES_MAX];
    int32_t first_offset; // before all of them
    // After the last of them; `has_summer` false: the winter offset, for ever. `has_rule` false:
    // the last offset, for ever.
    bool has_rule;
    bool has_summer;
    int32_t winter_offset; // seconds east of UTC
    int32_t summer_offset;
    struct zone_day summer_begins;
    struct zone_day winter_begins;
};

// A stretch of time with one offset.
struct zone_span {
    int64_t from_s;  // seconds since 1970, UTC; INT64_MIN: always
    int64_t until_s; // the first second of the next stretch; INT64_MAX: never
    int32_t offset_s;
};

// UTC, which needs no file.
void zone_set_utc(struct zone *out_zone);

// A file of version 2 or later. `out_zone` is untouched on error.
//   ERR_MALFORMED   the bytes do not follow the format, or have leap seconds
MUST_USE err zone_decode(struct slice bytes, struct zone *out_zone);

// A zone that is nothing but a rule.
//   ERR_MALFORMED   not a POSIX TZ text; a summer time needs its two days
MUST_USE err zone_of_rule(struct slice text, struct zone *out_zone);

// The stretch that contains the second `at_s`, which is in the years 3 to 9999.
struct zone_span zone_span_at(const struct zone *zone, int64_t at_s);

// May this be the name of a zone ("Europe/Berlin", "Etc/GMT+3")? Letters, digits, "+-_" and "/"
// between names, at most ZONE_NAME_MAX: never a way out of the database's directory.
bool zone_is_name(struct slice text);
enum { ZONE_NAME_MAX = 64 };
