// Reading an expression: a table of fields, each a list of ranges with steps.

#include "lib/base/cron.h"

#include "lib/base/civil.h"
#include "lib/base/word.h"

struct field {
    const char *name;
    const char *names; // three letters each, for the values from `names_from` on
    uint8_t least, most;
    uint8_t names_from;
    const char *too_small;
    const char *too_large;
};

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS, SUNDAY_TOO = 7 };

static const struct field fields[FIELDS] = {
    [MINUTE] = {.name = "minute", .names = "", .most = 59, .too_large = "the largest is 59"},
    [HOUR] = {.name = "hour", .names = "", .most = 23, .too_large = "the largest is 23"},
    [DAY] = {.name = "day of month",
             .names = "",
             .least = 1,
             .most = 31,
             .too_small = "the smallest is 1",
             .too_large = "the largest is 31"},
    [MONTH] = {.name = "month",
               .names = "janfebmaraprmayjunjulaugsepoctnovdec",
               .least = 1,
               .most = 12,
               .names_from = 1,
               .too_small = "the smallest is 1",
               .too_large = "the largest is 12"},
    [WEEKDAY] = {.name = "day of week",
                 .names = "sunmontuewedthufrisat",
                 .most = SUNDAY_TOO,
                 .too_large = "the largest is 7, which is Sunday as 0 is"},
};

static const struct {
    const char *name;
    const char *text;
} aliases[] = {
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
};

// One field as it is read.
struct reader {
    const struct field *field;
    struct slice left;
    struct cron_problem *problem;
};

static struct slice rest(struct slice text, size_t count)
{
    return slice_of(text.data + count, text.len - count);
}

static err refuse(struct reader *reader, struct slice part, const char *what)
{
    *reader->problem =
        (struct cron_problem){.field = reader->field->name, .what = what, .part = part};
    return ERR_BAD_FIELD;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    return word_lower(c) >= 'a' && word_lower(c) <= 'z';
}

static bool is_ahead(const struct reader *reader, char c)
{
    return reader->left.len > 0 && reader->left.data[0] == (uint8_t)c;
}

static bool take(struct reader *reader, char c)
{
    if (!is_ahead(reader, c))
        return false;
    reader->left = rest(reader->left, 1);
    return true;
}

// The value named by three letters, or -1.
static int value_named(const struct field *field, struct slice word)
{
    if (word.len != 3)
        return -1;
    for (size_t at = 0; field->names[at] != '\0'; at += 3) {
        if (word_lower(word.data[0]) == (uint8_t)field->names[at] &&
            word_lower(word.data[1]) == (uint8_t)field->names[at + 1] &&
            word_lower(word.data[2]) == (uint8_t)field->names[at + 2])
            return (int)(at / 3) + field->names_from;
    }
    return -1;
}

static err name(struct reader *reader, unsigned *out_value)
{
    size_t len = 0;
    while (len < reader->left.len && is_letter(reader->left.data[len]))
        len++;
    struct slice word = slice_of(reader->left.data, len);
    int value = value_named(reader->field, word);
    if (value < 0)
        return refuse(reader, len > 0 ? word : reader->left, "neither a number nor a known name");
    reader->left = rest(reader->left, len);
    *out_value = (unsigned)value;
    return OK;
}

static err number(struct reader *reader, unsigned *out_value)
{
    size_t len = 0;
    unsigned value = 0;
    for (; len < reader->left.len && is_digit(reader->left.data[len]); len++)
        value = value < 1000 ? value * 10 + (reader->left.data[len] - '0') : value;
    if (len == 0)
        return refuse(reader, reader->left, "a number is missing");
    *out_value = value;
    reader->left = rest(reader->left, len);
    return OK;
}

static err value(struct reader *reader, unsigned *out_value)
{
    struct slice part = reader->left;
    if (part.len > 0 && !is_digit(part.data[0]))
        return name(reader, out_value);
    unsigned value = 0;
    err e = number(reader, &value);
    part.len -= reader->left.len;
    if (e == OK && value < reader->field->least)
        return refuse(reader, part, reader->field->too_small);
    if (e == OK && value > reader->field->most)
        return refuse(reader, part, reader->field->too_large);
    *out_value = value;
    return e;
}

static err step(struct reader *reader, unsigned *out_step)
{
    struct slice part = reader->left;
    err e = number(reader, out_step);
    part.len -= reader->left.len;
    if (e == OK && *out_step == 0)
        return refuse(reader, part, "a step of 0 leads nowhere");
    // Such a step means its first value only, and is usually a mistake ("*/90" for 90 minutes).
    if (e == OK && *out_step > reader->field->most)
        return refuse(reader, part, "the step is longer than the field");
    return e;
}

struct range {
    unsigned from, to, step;
};

// "*", "5", "5-10", each with "/step" if wanted; "5/10" is from 5 to the end.
static err range_of(struct reader *reader, struct range *out_range)
{
    struct slice part = reader->left;
    bool is_weekday = reader->field->names_from == 0 && reader->field->most == SUNDAY_TOO;
    struct range range = {.from = reader->field->least, .to = reader->field->most, .step = 1};
    bool is_open = take(reader, '*');
    err e = is_open ? OK : value(reader, &range.from);
    if (is_weekday && range.from != SUNDAY_TOO)
        range.to = SUNDAY_TOO - 1;
    if (e == OK && !is_open && take(reader, '-')) {
        bool is_name = reader->left.len > 0 && is_letter(reader->left.data[0]);
        e = value(reader, &range.to);
        // "fri-sun" ends the week.
        if (e == OK && is_weekday && is_name && range.to == 0)
            range.to = SUNDAY_TOO;
    } else if (!is_open && !is_ahead(reader, '/')) {
        range.to = range.from;
    }
    if (e == OK && take(reader, '/'))
        e = step(reader, &range.step);
    if (e != OK)
        return e;
    part.len -= reader->left.len;
    if (range.from > range.to)
        return refuse(reader, part, "the range ends before it begins");
    *out_range = range;
    return OK;
}

static err list(struct reader *reader, uint64_t *out_bits)
{
    uint64_t bits = 0;
    do {
        struct range range;
        err e = range_of(reader, &range);
        if (e != OK)
            return e;
        for (unsigned value = range.from; value <= range.to; value += range.step)
            bits |= (uint64_t)1 << value;
    } while (take(reader, ','));
    if (reader->left.len > 0)
        return refuse(reader, reader->left, "not understood");
    *out_bits = bits;
    return OK;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

// Takes the next word off the text.
static struct slice word(struct slice *text)
{
    *text = word_trim(*text);
    size_t len = 0;
    while (len < text->len && !is_blank(text->data[len]))
        len++;
    struct slice word = slice_of(text->data, len);
    *text = rest(*text, len);
    return word;
}

static err whole(struct slice part, const char *what, struct cron_problem *out_problem)
{
    *out_problem = (struct cron_problem){.field = "cron", .what = what, .part = part};
    return ERR_BAD_FIELD;
}

static err split(struct slice text, struct slice words[FIELDS], struct cron_problem *out_problem)
{
    struct slice left = text;
    for (unsigned i = 0; i < FIELDS; i++) {
        words[i] = word(&left);
        if (words[i].len == 0)
            return whole(text, "five fields are wanted: minute hour day month weekday",
                         out_problem);
    }
    if (word_trim(left).len > 0)
        return whole(word_trim(left), "more than five fields; there are no seconds and no years",
                     out_problem);
    return OK;
}

// Is there any day that matches? Only a day of month can be one that no month has.
static bool has_a_day(const struct cron *cron)
{
    if (cron->has_days && cron->has_weekdays)
        return true;
    for (int64_t month = 1; month <= 12; month++) {
        uint32_t in_month = (uint32_t)(((uint64_t)2 << civil_month_len(2000, month)) - 1);
        if ((cron->months >> month & 1u) && (cron->days & in_month) != 0)
            return true;
    }
    return false;
}

static err parse_words(const struct slice words[FIELDS], struct cron *out_cron,
                       struct cron_problem *out_problem)
{
    uint64_t bits[FIELDS] = {0};
    for (unsigned i = 0; i < FIELDS; i++) {
        struct reader reader = {.field = &fields[i], .left = words[i], .problem = out_problem};
        err e = list(&reader, &bits[i]);
        if (e != OK)
            return e;
    }
    uint64_t weekdays = bits[WEEKDAY] | bits[WEEKDAY] >> SUNDAY_TOO;
    struct cron cron = {.minutes = bits[MINUTE],
                        .hours = (uint32_t)bits[HOUR],
                        .days = (uint32_t)bits[DAY],
                        .months = (uint16_t)bits[MONTH],
                        .weekdays = (uint8_t)(weekdays & 127u),
                        .has_days = words[DAY].data[0] != '*',
                        .has_weekdays = words[WEEKDAY].data[0] != '*'};
    if (!has_a_day(&cron)) {
        struct reader reader = {.field = &fields[DAY], .problem = out_problem};
        return refuse(&reader, words[DAY], "none of the months has such a day");
    }
    *out_cron = cron;
    return OK;
}

static err expand(struct slice text, struct slice *out_text, struct cron_problem *out_problem)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        if (word_is(text, aliases[i].name)) {
            *out_text = slice_of_text(aliases[i].text);
            return OK;
        }
    }
    return whole(text, "not known; there are @hourly @daily @weekly @monthly @yearly", out_problem);
}

err cron_parse(struct slice text, struct cron *out_cron, struct cron_problem *out_problem)
{
    if (text.len > CRON_TEXT_MAX)
        return whole(slice_of(text.data, 16), "longer than 255 bytes", out_problem);
    text = word_trim(text);
    err e = OK;
    if (text.len > 0 && text.data[0] == '@')
        e = expand(text, &text, out_problem);
    struct slice words[FIELDS];
    if (e == OK)
        e = split(text, words, out_problem);
    return e == OK ? parse_words(words, out_cron, out_problem) : e;
}

struct writer {
    char *out;
    size_t len;
};

static void put(struct writer *writer, struct slice text)
{
    for (size_t i = 0; i < text.len && writer->len + 1 < CRON_PROBLEM_LEN; i++) {
        bool is_plain = text.data[i] >= ' ' && text.data[i] < 127;
        writer->out[writer->len++] = is_plain ? (char)text.data[i] : '?';
    }
    writer->out[writer->len] = '\0';
}

void cron_explain(const struct cron_problem *problem, char out[CRON_PROBLEM_LEN])
{
    struct writer writer = {.out = out};
    enum { PART_MAX = 40 };
    struct slice part = problem->part;
    part.len = part.len < PART_MAX ? part.len : PART_MAX;
    put(&writer, slice_of_text(problem->field));
    put(&writer, slice_of_text(" \""));
    put(&writer, part);
    put(&writer, slice_of_text("\": "));
    put(&writer, slice_of_text(problem->what));
}
