// Reading what the zone database says: TZif files and the rule in their last line.
//
//   header | block with 32-bit times | header | block with 64-bit times | \n rule \n
//
//   header  "TZif" version 1 | 15 unused | isutcnt isstdcnt leapcnt timecnt typecnt charcnt, u32 each
//   block   times | one type each | types: offset i32, is_summer u8, name u8 | names | leap seconds
//           | standard/wall | UT/local

#include "lib/base/zone.h"

#include "lib/base/bytes.h"

enum {
    UNUSED_LEN = 15,
    TYPE_LEN = 6,
    TYPES_MAX = 256,
    HOURS_MAX = 167,
    OFFSET_HOURS_MAX = 24,
};

// --- rules ---

// What is left of the text; once something was wrong, everything is.
struct text {
    struct slice left;
    bool bad;
};

static uint8_t ahead(const struct text *text)
{
    return text->left.len > 0 ? text->left.data[0] : 0;
}

static void skip(struct text *text)
{
    if (text->left.len == 0)
        text->bad = true;
    else
        text->left = slice_of(text->left.data + 1, text->left.len - 1);
}

static bool take(struct text *text, char c)
{
    if (ahead(text) != (uint8_t)c)
        return false;
    skip(text);
    return true;
}

static void want(struct text *text, char c)
{
    if (!take(text, c))
        text->bad = true;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static int32_t number(struct text *text, int32_t least, int32_t most)
{
    int32_t value = 0;
    unsigned count = 0;
    for (; is_digit(ahead(text)) && count < 4; count++) {
        value = value * 10 + (ahead(text) - '0');
        skip(text);
    }
    if (count == 0 || value < least || value > most)
        text->bad = true;
    return text->bad ? least : value;
}

static bool is_name_byte(uint8_t c, bool is_quoted)
{
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_letter || (is_quoted && (is_digit(c) || c == '+' || c == '-'));
}

// Names of offsets are not kept.
static void name(struct text *text)
{
    bool is_quoted = take(text, '<');
    unsigned count = 0;
    for (; is_name_byte(ahead(text), is_quoted); count++)
        skip(text);
    if (count < 3)
        text->bad = true;
    if (is_quoted)
        want(text, '>');
}

// [+-]hh[:mm[:ss]]
static int32_t seconds(struct text *text, int32_t hours_max)
{
    bool is_negative = ahead(text) == '-';
    if (is_negative || ahead(text) == '+')
        skip(text);
    int32_t value = number(text, 0, hours_max) * 3600;
    bool has_minutes = take(text, ':');
    if (has_minutes)
        value += number(text, 0, 59) * 60;
    if (has_minutes && take(text, ':'))
        value += number(text, 0, 59);
    return is_negative ? -value : value;
}

static struct zone_day day(struct text *text)
{
    struct zone_day day = {.kind = 'n', .second = 2 * 3600};
    if (take(text, 'M')) {
        day.kind = 'M';
        day.month = (uint8_t)number(text, 1, 12);
        want(text, '.');
        day.week = (uint8_t)number(text, 1, 5);
        want(text, '.');
        day.day = (int16_t)number(text, 0, 6);
    } else if (take(text, 'J')) {
        day.kind = 'J';
        day.day = (int16_t)number(text, 1, 365);
    } else {
        day.day = (int16_t)number(text, 0, 365);
    }
    if (take(text, '/'))
        day.second = seconds(text, HOURS_MAX);
    return day;
}

static err rule(struct slice given, struct zone *zone)
{
    struct text text = {.left = given};
    name(&text);
    // The text counts hours west of Greenwich.
    zone->winter_offset = -seconds(&text, OFFSET_HOURS_MAX);
    zone->has_rule = true;
    zone->has_summer = text.left.len > 0;
    if (zone->has_summer) {
        name(&text);
        bool is_given = text.left.len > 0 && ahead(&text) != ',';
        zone->summer_offset =
            is_given ? -seconds(&text, OFFSET_HOURS_MAX) : zone->winter_offset + 3600;
        want(&text, ',');
        zone->summer_begins = day(&text);
        want(&text, ',');
        zone->winter_begins = day(&text);
    }
    return text.bad || text.left.len > 0 ? ERR_MALFORMED : OK;
}

err zone_of_rule(struct slice text, struct zone *out_zone)
{
    struct zone zone = {0};
    err e = rule(text, &zone);
    if (e != OK)
        return e;
    zone.first_offset = zone.winter_offset;
    *out_zone = zone;
    return OK;
}

// --- files ---

struct counts {
    uint32_t ut, standard, leap, change, type, name;
    uint8_t version;
};

static struct counts header(struct bytes_in *in)
{
    struct counts counts = {0};
    if (!slice_is_text(bytes_get(in, 4), "TZif"))
        in->bad = true;
    counts.version = bytes_get_u8(in);
    (void)bytes_get(in, UNUSED_LEN);
    counts.ut = bytes_get_u32(in);
    counts.standard = bytes_get_u32(in);
    counts.leap = bytes_get_u32(in);
    counts.change = bytes_get_u32(in);
    counts.type = bytes_get_u32(in);
    counts.name = bytes_get_u32(in);
    return counts;
}

static void skip_block(struct bytes_in *in, const struct counts *counts)
{
    uint64_t len = (uint64_t)counts->change * 5 + (uint64_t)counts->type * TYPE_LEN + counts->name +
                   (uint64_t)counts->leap * 8 + counts->standard + counts->ut;
    if (len > in->left.len)
        in->bad = true;
    else
        (void)bytes_get(in, (size_t)len);
}

static int32_t signed32(uint32_t value)
{
    return value > INT32_MAX ? -(int32_t)(UINT32_MAX - value) - 1 : (int32_t)value;
}

static int64_t signed64(uint64_t value)
{
    return value > INT64_MAX ? -(int64_t)(UINT64_MAX - value) - 1 : (int64_t)value;
}

static err offset_of(struct slice types, uint32_t type, int32_t *out_offset)
{
    struct bytes_in in = {.left = slice_of(types.data + (size_t)type * TYPE_LEN, TYPE_LEN)};
    int32_t offset = signed32(bytes_get_u32(&in));
    if (offset < -ZONE_OFFSET_MAX_S || offset > ZONE_OFFSET_MAX_S)
        return ERR_MALFORMED;
    *out_offset = offset;
    return OK;
}

// A change that changes only the name of the offset is left out.
static err add_change(struct zone *zone, int64_t at_s, int32_t offset)
{
    int32_t before = zone->count > 0 ? zone->offset[zone->count - 1] : zone->first_offset;
    if (offset == before)
        return OK;
    if (zone->count == ZONE_CHANGES_MAX)
        return ERR_MALFORMED;
    zone->at[zone->count] = at_s;
    zone->offset[zone->count++] = offset;
    return OK;
}

static err changes(struct slice times, struct slice kinds, struct slice types, struct zone *zone)
{
    struct bytes_in in = {.left = times};
    err e = offset_of(types, 0, &zone->first_offset);
    int64_t before_s = INT64_MIN;
    for (size_t i = 0; i < kinds.len && e == OK; i++) {
        int64_t at_s = signed64(bytes_get_u64(&in));
        if (kinds.data[i] >= types.len / TYPE_LEN || (i > 0 && at_s <= before_s))
            return ERR_MALFORMED;
        before_s = at_s;
        int32_t offset = 0;
        e = offset_of(types, kinds.data[i], &offset);
        if (e == OK)
            e = add_change(zone, at_s, offset);
    }
    return e;
}

static err block(struct bytes_in *in, const struct counts *counts, struct zone *zone)
{
    if (counts->leap > 0 || counts->type == 0 || counts->type > TYPES_MAX ||
        counts->change > ZONE_BYTES_MAX || counts->name > ZONE_BYTES_MAX ||
        counts->standard > TYPES_MAX || counts->ut > TYPES_MAX)
        return ERR_MALFORMED;
    struct slice times = bytes_get(in, (size_t)counts->change * 8);
    struct slice kinds = bytes_get(in, counts->change);
    struct slice types = bytes_get(in, (size_t)counts->type * TYPE_LEN);
    (void)bytes_get(in, (size_t)counts->name + counts->standard + counts->ut);
    return in->bad ? ERR_MALFORMED : changes(times, kinds, types, zone);
}

// The last line: "\nRULE\n", or an empty rule.
static err footer(struct slice line, struct zone *zone)
{
    if (line.len < 2 || line.data[0] != '\n' || line.data[line.len - 1] != '\n')
        return ERR_MALFORMED;
    if (line.len == 2)
        return OK;
    return rule(slice_of(line.data + 1, line.len - 2), zone);
}

err zone_decode(struct slice bytes, struct zone *out_zone)
{
    if (bytes.len > ZONE_BYTES_MAX)
        return ERR_MALFORMED;
    struct bytes_in in = {.left = bytes};
    struct counts counts = header(&in);
    if (in.bad || counts.version < '2')
        return ERR_MALFORMED;
    skip_block(&in, &counts);
    counts = header(&in);
    if (in.bad)
        return ERR_MALFORMED;
    struct zone zone = {0};
    err e = block(&in, &counts, &zone);
    if (e == OK)
        e = footer(in.left, &zone);
    if (e == OK)
        *out_zone = zone;
    return e;
}
