// Moments to text and back, by the calendar.

#include "lib/base/moment.h"

#include "lib/base/civil.h"

enum {
    DAY_MS = 86400000,
    MINUTE_MS = 60000,
};

static char *put(char *at, int64_t number, unsigned width, char behind)
{
    for (unsigned i = width; i > 0; i--) {
        at[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
    at[width] = behind;
    return at + width + 1;
}

void moment_format(when_ms at, char out[MOMENT_TEXT_LEN + 1])
{
    CHECK(at >= 0 && at <= MOMENT_MAX);
    struct civil civil = civil_of_days(at / DAY_MS);
    int64_t ms = at % DAY_MS;
    char *place = put(out, civil.year, 4, '-');
    place = put(place, civil.month, 2, '-');
    place = put(place, civil.day, 2, 'T');
    place = put(place, ms / 3600000, 2, ':');
    place = put(place, ms / MINUTE_MS % 60, 2, ':');
    place = put(place, ms / 1000 % 60, 2, '.');
    place = put(place, ms % 1000, 3, 'Z');
    *place = '\0';
    CHECK(place == out + MOMENT_TEXT_LEN);
}

// What is left of the text; once something was wrong, everything is.
struct reader {
    struct slice left;
    bool bad;
};

static uint8_t next(struct reader *reader)
{
    if (reader->left.len == 0) {
        reader->bad = true;
        return 0;
    }
    uint8_t c = reader->left.data[0];
    reader->left = slice_of(reader->left.data + 1, reader->left.len - 1);
    return c;
}

static bool is_digit_ahead(const struct reader *reader)
{
    return reader->left.len > 0 && reader->left.data[0] >= '0' && reader->left.data[0] <= '9';
}

static void want(struct reader *reader, char c)
{
    if (next(reader) != (uint8_t)c)
        reader->bad = true;
}

static int64_t number(struct reader *reader, unsigned width)
{
    int64_t value = 0;
    for (unsigned i = 0; i < width; i++) {
        if (!is_digit_ahead(reader))
            reader->bad = true;
        value = value * 10 + (next(reader) - '0');
    }
    return reader->bad ? 0 : value;
}

// Milliseconds of ".5" or ".123456789"; 0 when there is no fraction.
static int64_t fraction(struct reader *reader)
{
    if (reader->left.len == 0 || reader->left.data[0] != '.')
        return 0;
    (void)next(reader);
    int64_t ms = 0;
    unsigned count = 0;
    for (int64_t worth = 100; is_digit_ahead(reader) && count < 9; count++, worth /= 10)
        ms += worth * (next(reader) - '0');
    if (count == 0)
        reader->bad = true;
    return ms;
}

// Milliseconds to take off for UTC.
static int64_t offset(struct reader *reader)
{
    uint8_t sign = next(reader);
    if (sign == 'Z')
        return 0;
    if (sign != '+' && sign != '-')
        reader->bad = true;
    int64_t hour = number(reader, 2);
    want(reader, ':');
    int64_t minute = number(reader, 2);
    if (hour > 23 || minute > 59)
        reader->bad = true;
    int64_t ms = (hour * 60 + minute) * MINUTE_MS;
    return sign == '+' ? ms : -ms;
}

static int64_t date(struct reader *reader)
{
    struct civil civil = {.year = number(reader, 4)};
    want(reader, '-');
    civil.month = number(reader, 2);
    want(reader, '-');
    civil.day = number(reader, 2);
    if (reader->bad || civil.month < 1 || civil.month > 12 || civil.day < 1 ||
        civil.day > civil_month_len(civil.year, civil.month)) {
        reader->bad = true;
        return 0;
    }
    return civil_to_days(civil) * DAY_MS;
}

static int64_t time_of_day(struct reader *reader)
{
    int64_t hour = number(reader, 2);
    want(reader, ':');
    int64_t minute = number(reader, 2);
    want(reader, ':');
    int64_t second = number(reader, 2);
    if (hour > 23 || minute > 59 || second > 59)
        reader->bad = true;
    return ((hour * 60 + minute) * 60 + second) * 1000;
}

err moment_parse(struct slice text, when_ms *out_at)
{
    struct reader reader = {.left = text};
    int64_t at = date(&reader);
    want(&reader, 'T');
    at += time_of_day(&reader);
    at += fraction(&reader);
    at -= offset(&reader);
    if (reader.bad || reader.left.len > 0 || at < 0 || at > MOMENT_MAX)
        return ERR_BAD_FIELD;
    *out_at = at;
    return OK;
}
