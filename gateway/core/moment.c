// Durations and moments. Days are counted with the usual trick: years that begin in March have
// their leap day at the end.

#include "gateway/core/moment.h"

static const when_ms span_max = (when_ms)100 * 366 * 24 * 3600 * 1000;

// Takes up to `digits_max` digits off the front; at least one must be there.
static bool take_number(struct slice *text, size_t digits_max, int64_t *out_number)
{
    int64_t number = 0;
    size_t count = 0;
    while (count < text->len && count < digits_max && text->data[count] >= '0' &&
           text->data[count] <= '9')
        number = number * 10 + (text->data[count++] - '0');
    if (count == 0)
        return false;
    *text = slice_of(text->data + count, text->len - count);
    *out_number = number;
    return true;
}

err moment_span(struct slice text, when_ms *out_span)
{
    static const struct {
        const char *unit;
        when_ms ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    int64_t number;
    if (!take_number(&text, 13, &number))
        return ERR_BAD_FIELD;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!slice_is_text(text, units[i].unit))
            continue;
        if (number > span_max / units[i].ms)
            return ERR_BAD_FIELD;
        *out_span = number * units[i].ms;
        return OK;
    }
    return ERR_BAD_FIELD;
}

struct civil {
    int64_t year, month, day, hour, minute, second, ms;
};

static int64_t days_of(const struct civil *civil)
{
    int64_t year = civil->year - (civil->month <= 2);
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month = civil->month + (civil->month > 2 ? -3 : 9);
    int64_t day_of_year = (153 * month + 2) / 5 + civil->day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int64_t days_in(int64_t year, int64_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap);
}

static bool take_char(struct slice *text, char wanted)
{
    if (text->len == 0 || (text->data[0] | 0x20) != ((uint8_t)wanted | 0x20))
        return false;
    *text = slice_of(text->data + 1, text->len - 1);
    return true;
}

// Exactly `digits` of them.
static bool take_exact(struct slice *text, size_t digits, int64_t *out_number)
{
    size_t before = text->len;
    return take_number(text, digits, out_number) && before - text->len == digits;
}

static bool take_fraction(struct slice *text, int64_t *out_ms)
{
    if (text->len == 0 || text->data[0] != '.')
        return true;
    *text = slice_of(text->data + 1, text->len - 1);
    size_t count = 0;
    int64_t ms = 0;
    for (; count < text->len && text->data[count] >= '0' && text->data[count] <= '9'; count++) {
        if (count < 3)
            ms = ms * 10 + (text->data[count] - '0');
    }
    if (count == 0 || count > 9)
        return false;
    for (size_t i = count; i < 3; i++)
        ms *= 10;
    *text = slice_of(text->data + count, text->len - count);
    *out_ms = ms;
    return true;
}

// "Z" or "+02:00" at the end, as minutes east.
static bool take_offset(struct slice text, int64_t *out_minutes)
{
    *out_minutes = 0;
    if (text.len == 1)
        return take_char(&text, 'Z');
    if (text.len != 6 || (text.data[0] != '+' && text.data[0] != '-'))
        return false;
    bool is_west = text.data[0] == '-';
    int64_t hours;
    int64_t minutes;
    text = slice_of(text.data + 1, text.len - 1);
    if (!take_exact(&text, 2, &hours) || text.data[0] != ':')
        return false;
    text = slice_of(text.data + 1, text.len - 1);
    if (!take_exact(&text, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *out_minutes = (hours * 60 + minutes) * (is_west ? -1 : 1);
    return true;
}

static bool take_dashed(struct slice *text, char separator, int64_t *out_number)
{
    if (text->len == 0 || text->data[0] != (uint8_t)separator)
        return false;
    *text = slice_of(text->data + 1, text->len - 1);
    return take_exact(text, 2, out_number);
}

err moment_read(struct slice text, when_ms *out_at)
{
    struct civil c = {0};
    int64_t offset;
    if (!take_exact(&text, 4, &c.year) || !take_dashed(&text, '-', &c.month) ||
        !take_dashed(&text, '-', &c.day) || !take_char(&text, 'T') ||
        !take_exact(&text, 2, &c.hour) || !take_dashed(&text, ':', &c.minute) ||
        !take_dashed(&text, ':', &c.second) || !take_fraction(&text, &c.ms) ||
        !take_offset(text, &offset))
        return ERR_BAD_FIELD;
    if (c.year < 1970 || c.month < 1 || c.month > 12 || c.day < 1 ||
        c.day > days_in(c.year, c.month) || c.hour > 23 || c.minute > 59 || c.second > 60)
        return ERR_BAD_FIELD;
    int64_t minutes = (days_of(&c) * 24 + c.hour) * 60 + c.minute - offset;
    when_ms at = minutes * 60000 + c.second * 1000 + c.ms;
    if (at < 0)
        return ERR_BAD_FIELD;
    *out_at = at;
    return OK;
}

static struct civil civil_of(when_ms at)
{
    int64_t days = at / 86400000 + 719468;
    int64_t ms = at % 86400000;
    int64_t era = days / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153;
    struct civil c = {
        .day = day_of_year - (153 * month + 2) / 5 + 1,
        .month = month < 10 ? month + 3 : month - 9,
        .hour = ms / 3600000,
        .minute = ms / 60000 % 60,
        .second = ms / 1000 % 60,
        .ms = ms % 1000,
    };
    c.year = year_of_era + era * 400 + (c.month <= 2);
    return c;
}

static void put_number(char *at, size_t digits, int64_t number)
{
    for (size_t i = digits; i-- > 0; number /= 10)
        at[i] = (char)('0' + number % 10);
}

void moment_write(when_ms at, char out[MOMENT_TEXT_LEN + 1])
{
    CHECK(at >= 0);
    struct civil c = civil_of(at);
    CHECK(c.year <= 9999);
    memcpy(out, "0000-00-00T00:00:00.000Z", MOMENT_TEXT_LEN + 1);
    put_number(out, 4, c.year);
    put_number(out + 5, 2, c.month);
    put_number(out + 8, 2, c.day);
    put_number(out + 11, 2, c.hour);
    put_number(out + 14, 2, c.minute);
    put_number(out + 17, 2, c.second);
    put_number(out + 20, 3, c.ms);
}
