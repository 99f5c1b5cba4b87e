// Digits, then a unit from a table.

#include "worker/core/span.h"

static const struct {
    const char *unit;
    when_ms ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

err span_number(struct slice text, uint64_t *out_number)
{
    uint64_t number = 0;
    if (text.len == 0)
        return ERR_MALFORMED;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i]))
            return ERR_MALFORMED;
        uint64_t digit = text.data[i] - (uint64_t)'0';
        if (number > (UINT64_MAX - digit) / 10)
            return ERR_MALFORMED;
        number = number * 10 + digit;
    }
    *out_number = number;
    return OK;
}

err span_parse(struct slice text, when_ms *out_ms)
{
    size_t digits = 0;
    while (digits < text.len && is_digit(text.data[digits]))
        digits++;
    uint64_t number = 0;
    err parsed = span_number(slice_of(text.data, digits), &number);
    if (parsed != OK)
        return parsed;
    struct slice unit = slice_of(text.data + digits, text.len - digits);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (!slice_is_text(unit, units[i].unit))
            continue;
        if (number > (uint64_t)(SPAN_MAX_MS / units[i].ms))
            return ERR_MALFORMED;
        *out_ms = (when_ms)number * units[i].ms;
        return OK;
    }
    return ERR_MALFORMED;
}
