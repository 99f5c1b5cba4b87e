// Retry-After in both of its forms.

#include "lib/post/core/exchange.h"

#include "lib/base/civil.h"
#include "lib/base/word.h"

#define SECOND ((when_ms)1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

static bool read_digits(struct slice text, size_t at, size_t len, int64_t *out_number)
{
    int64_t number = 0;
    for (size_t i = at; i < at + len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number < EXCHANGE_WISH_MS_MAX ? 10 * number + (text.data[i] - '0') : number;
    }
    *out_number = number;
    return true;
}

static int64_t month_of(const uint8_t *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int64_t month = 0; month < 12; month++) {
        if (memcmp(name, names + 3 * month, 3) == 0)
            return month + 1;
    }
    return 0;
}

// "Sun, 06 Nov 1994 08:49:37 GMT"; -1 when it is none.
static when_ms read_date(struct slice text)
{
    static const char form[] = "Sun, 06 Nov 1994 08:49:37 GMT";
    struct civil day = {0};
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t second = 0;
    if (text.len != sizeof form - 1 || memcmp(text.data + 25, " GMT", 4) != 0 ||
        text.data[19] != ':' || text.data[22] != ':')
        return -1;
    day.month = month_of(text.data + 8);
    bool is_read = read_digits(text, 5, 2, &day.day) && read_digits(text, 12, 4, &day.year) &&
                   read_digits(text, 17, 2, &hour) && read_digits(text, 20, 2, &minute) &&
                   read_digits(text, 23, 2, &second);
    if (!is_read || day.month == 0 || day.year < 1970 || day.day < 1 ||
        day.day > civil_month_len(day.year, day.month) || hour > 23 || minute > 59 || second > 60)
        return -1;
    return civil_to_days(day) * 24 * HOUR + hour * HOUR + minute * MINUTE + second * SECOND;
}

when_ms exchange_retry_after_ms(struct slice value, when_ms wall)
{
    struct slice text = word_trim(value);
    int64_t seconds = 0;
    if (text.len == 0)
        return 0;
    if (read_digits(text, 0, text.len, &seconds))
        return when_min(seconds, EXCHANGE_WISH_MS_MAX / SECOND) * SECOND;
    when_ms date = read_date(text);
    return date > wall ? when_min(date - wall, EXCHANGE_WISH_MS_MAX) : 0;
}
