// Spans to text and back, by one table of units.

#include "lib/base/duration.h"

#include "lib/base/decimal.h"

struct unit {
    const char *name;
    when_ms ms;
};

// From the largest, so that the first that divides a span gives the shortest text.
static const struct unit units[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};
enum { UNIT_COUNT = sizeof units / sizeof *units };

static const struct unit *unit_named(struct slice name)
{
    for (unsigned i = 0; i < UNIT_COUNT; i++) {
        if (slice_is_text(name, units[i].name))
            return &units[i];
    }
    return NULL;
}

// Takes the digits off the front. False when there are none, too many, or a zero leads them.
static bool take_number(struct slice *text, when_ms *out_number)
{
    when_ms number = 0;
    size_t len = 0;
    for (; len < text->len && text->data[len] >= '0' && text->data[len] <= '9'; len++) {
        if (number > DURATION_MAX_MS)
            return false;
        number = number * 10 + (text->data[len] - '0');
    }
    if (len == 0 || (len > 1 && text->data[0] == '0'))
        return false;
    *text = slice_of(text->data + len, text->len - len);
    *out_number = number;
    return true;
}

err duration_parse(struct slice text, when_ms *out_span)
{
    when_ms number;
    if (!take_number(&text, &number))
        return ERR_BAD_FIELD;
    const struct unit *unit = unit_named(text);
    if (unit == NULL || number > DURATION_MAX_MS / unit->ms)
        return ERR_BAD_FIELD;
    *out_span = number * unit->ms;
    return OK;
}

void duration_format(when_ms span, char out[DURATION_TEXT_LEN + 1])
{
    CHECK(span >= 0 && span <= DURATION_MAX_MS);
    // No time at all is "0s": every unit divides it.
    const struct unit *unit = unit_named(slice_of_text("s"));
    for (unsigned i = 0; span > 0 && i < UNIT_COUNT; i++) {
        unit = &units[i];
        if (span % unit->ms == 0)
            break;
    }
    size_t len = decimal_put((uint64_t)(span / unit->ms), out);
    memcpy(out + len, unit->name, strlen(unit->name) + 1);
}
