// Documents of both formats behind one face.

#include "gateway/core/doc.h"

#include "gateway/core/packed.h"
#include "lib/base/bytes.h"

static void tell(char out_fault[DOC_FAULT_LEN], const char *fault, size_t at)
{
    struct bytes_out out = {.data = (uint8_t *)out_fault, .cap = DOC_FAULT_LEN - 1};
    bytes_put_text(&out, "at byte ");
    bytes_put_decimal(&out, at);
    bytes_put_text(&out, ": ");
    bytes_put_text(&out, fault);
    out_fault[out.len] = '\0';
}

// --- JSON ---

static err decode(struct slice raw, struct arena *arena, struct slice *out_text)
{
    if (raw.len == 0 || memchr(raw.data, '\\', raw.len) == NULL) {
        *out_text = raw;
        return OK;
    }
    uint8_t *room = arena_take(arena, raw.len);
    return room != NULL ? scan_decode(raw, room, raw.len, out_text) : ERR_TOO_LARGE;
}

static err take_json(const struct scan_member *found, const struct doc_room *room,
                     struct doc_member *out)
{
    out->value = (struct doc_value){DOC_JSON, found->value.raw};
    return decode(found->name, room->arena, &out->name);
}

static err read_json(struct slice text, const struct doc_room *room, struct doc_members *members,
                     char out_fault[DOC_FAULT_LEN])
{
    struct scan scan = {.text = text, .keys = room->keys, .key_cap = room->key_cap};
    struct scan_member found[DOC_MEMBERS_MAX];
    err e = scan_members(&scan, found, DOC_MEMBERS_MAX, &members->count);
    if (e == OK && !scan_is_end(&scan)) {
        scan.fault = "more text follows the object";
        e = ERR_MALFORMED;
    }
    for (uint32_t i = 0; e == OK && i < members->count; i++) {
        e = take_json(&found[i], room, &members->items[i]);
        if (e != OK)
            scan.fault = "too much to decode";
    }
    struct scan whole = {.text = text};
    if (e != OK && scan_is_end(&whole))
        (void)slice_to_text(slice_of_text("it is empty; an object is expected"), out_fault,
                            DOC_FAULT_LEN);
    else if (e != OK)
        tell(out_fault, scan.fault, scan.at);
    return e == ERR_FULL ? ERR_BAD_FIELD : e;
}

static struct scan_value json_value(struct doc_value value)
{
    // It has been judged, so a walk over it needs room for names only.
    struct scan_value found = {.kind = SCAN_NULL, .raw = value.raw};
    switch (value.raw.data[0]) {
    case '"': found.kind = SCAN_STRING; break;
    case '{': found.kind = SCAN_OBJECT; break;
    case '[': found.kind = SCAN_ARRAY; break;
    case 't': found.kind = SCAN_TRUE; break;
    case 'f': found.kind = SCAN_FALSE; break;
    case 'n': break;
    default: found.kind = SCAN_NUMBER; break;
    }
    return found;
}

// --- MessagePack ---

static err take_packed(struct slice bytes, size_t *at, struct doc_members *members,
                       const char **out_fault)
{
    struct packed_head name_head;
    size_t value_len;
    err e = packed_head(slice_of(bytes.data + *at, bytes.len - *at), &name_head);
    CHECK(e == OK && name_head.kind == PACKED_TEXT);
    struct slice name = slice_of(bytes.data + *at + name_head.head_len, name_head.count);
    *at += name_head.head_len + name_head.count;
    e = packed_value(slice_of(bytes.data + *at, bytes.len - *at), &value_len);
    CHECK(e == OK);
    *out_fault = "too many members";
    if (members->count == DOC_MEMBERS_MAX)
        return ERR_BAD_FIELD;
    members->items[members->count++] = (struct doc_member){
        .name = name,
        .value = {DOC_MSGPACK, slice_of(bytes.data + *at, value_len)},
    };
    *at += value_len;
    return OK;
}

static err read_packed(struct slice bytes, const struct doc_room *room, struct doc_members *members,
                       char out_fault[DOC_FAULT_LEN])
{
    struct packed_head head;
    size_t len = 0;
    size_t at = 0;
    const char *fault = "this is not MessagePack, or too deep or too large";
    err e = packed_value(bytes, &len);
    if (e == OK && len != bytes.len) {
        fault = "more bytes follow the object";
        at = len;
        e = ERR_MALFORMED;
    }
    if (e == OK)
        e = packed_head(bytes, &head);
    if (e == OK && head.kind != PACKED_OBJECT) {
        fault = "an object is expected";
        e = ERR_BAD_FIELD;
    }
    if (e == OK) {
        at = head.head_len;
        e = packed_names(bytes, room->keys, room->key_cap);
        fault = e == ERR_TOO_LARGE ? "too many names in the objects open here"
                                   : "a name occurs twice in one object";
    }
    for (uint32_t i = 0; e == OK && i < head.count; i++)
        e = take_packed(bytes, &at, members, &fault);
    if (e != OK)
        tell(out_fault, fault, at);
    return e;
}

err doc_read(struct doc_value object, const struct doc_room *room, struct doc_members *members,
             char out_fault[DOC_FAULT_LEN])
{
    members->count = 0;
    if (object.format == DOC_JSON)
        return read_json(object.raw, room, members, out_fault);
    return read_packed(object.raw, room, members, out_fault);
}

// --- values ---

err doc_text(struct doc_value value, struct arena *arena, struct slice *out_text)
{
    if (value.format == DOC_JSON) {
        struct scan_value found = json_value(value);
        if (found.kind != SCAN_STRING)
            return ERR_BAD_FIELD;
        return decode(scan_inside(&found), arena, out_text) == OK ? OK : ERR_BAD_FIELD;
    }
    struct packed_head head;
    if (packed_head(value.raw, &head) != OK || head.kind != PACKED_TEXT)
        return ERR_BAD_FIELD;
    *out_text = slice_of(value.raw.data + head.head_len, head.count);
    return OK;
}

static err json_texts(struct doc_value value, struct arena *arena, struct slice *texts,
                      uint32_t cap, uint32_t *out_count)
{
    // Elements are texts, so no object is open at any time and no name needs room.
    struct scan scan = {.text = value.raw};
    bool at_start = true;
    bool more = json_value(value).kind == SCAN_ARRAY;
    if (!more)
        return ERR_BAD_FIELD;
    uint32_t count = 0;
    for (;;) {
        struct scan_value found;
        if (scan_element(&scan, &at_start, &more, &found) != OK)
            return ERR_BAD_FIELD;
        if (!more)
            break;
        if (count == cap)
            return ERR_TOO_LARGE;
        struct doc_value element = {.format = DOC_JSON, .raw = found.raw};
        if (doc_text(element, arena, &texts[count++]) != OK)
            return ERR_BAD_FIELD;
    }
    *out_count = count;
    return OK;
}

static err packed_texts(struct doc_value value, struct slice *texts, uint32_t cap,
                        uint32_t *out_count)
{
    struct packed_head head;
    if (packed_head(value.raw, &head) != OK || head.kind != PACKED_ARRAY)
        return ERR_BAD_FIELD;
    if (head.count > cap)
        return ERR_TOO_LARGE;
    size_t at = head.head_len;
    for (uint32_t i = 0; i < head.count; i++) {
        struct packed_head text;
        struct slice left = slice_of(value.raw.data + at, value.raw.len - at);
        if (packed_head(left, &text) != OK || text.kind != PACKED_TEXT)
            return ERR_BAD_FIELD;
        texts[i] = slice_of(left.data + text.head_len, text.count);
        at += text.head_len + text.count;
    }
    *out_count = head.count;
    return OK;
}

err doc_texts(struct doc_value value, struct arena *arena, struct slice *texts, uint32_t cap,
              uint32_t *out_count)
{
    return value.format == DOC_JSON ? json_texts(value, arena, texts, cap, out_count)
                                    : packed_texts(value, texts, cap, out_count);
}

// Digits with a sign; neither fraction nor exponent.
static err json_integer(struct slice raw, int64_t *out_number)
{
    bool is_negative = raw.data[0] == '-';
    size_t at = is_negative ? 1 : 0;
    if (raw.len - at < 1 || raw.len - at > 18)
        return ERR_BAD_FIELD;
    int64_t number = 0;
    for (; at < raw.len; at++) {
        if (raw.data[at] < '0' || raw.data[at] > '9')
            return ERR_BAD_FIELD;
        number = number * 10 + (raw.data[at] - '0');
    }
    *out_number = is_negative ? -number : number;
    return OK;
}

err doc_integer(struct doc_value value, int64_t *out_number)
{
    if (value.format == DOC_JSON)
        return json_integer(value.raw, out_number);
    struct packed_head head;
    if (packed_head(value.raw, &head) != OK || head.kind != PACKED_INTEGER)
        return ERR_BAD_FIELD;
    if (!head.is_negative && head.number > INT64_MAX)
        return ERR_BAD_FIELD;
    *out_number = (int64_t)head.number;
    return OK;
}

enum { MILLI_MAX = 1000000000 };

static err json_milli(struct slice raw, uint32_t *out_milli)
{
    uint64_t milli = 0;
    size_t decimals = 0;
    bool has_point = false;
    for (size_t at = 0; at < raw.len; at++) {
        uint8_t c = raw.data[at];
        if (c == '.') {
            has_point = true;
            continue;
        }
        if (c < '0' || c > '9' || (has_point && decimals == 3 && c != '0'))
            return ERR_BAD_FIELD;
        if (has_point && decimals == 3)
            continue;
        decimals += has_point;
        milli = milli * 10 + (uint64_t)(c - '0');
        if (milli > MILLI_MAX)
            return ERR_BAD_FIELD;
    }
    for (; decimals < 3; decimals++)
        milli *= 10;
    if (milli > MILLI_MAX)
        return ERR_BAD_FIELD;
    *out_milli = (uint32_t)milli;
    return OK;
}

err doc_milli(struct doc_value value, uint32_t *out_milli)
{
    if (value.format == DOC_JSON)
        return json_milli(value.raw, out_milli);
    struct packed_head head;
    double number;
    if (packed_head(value.raw, &head) != OK)
        return ERR_BAD_FIELD;
    if (head.kind == PACKED_INTEGER)
        number = (double)head.number;
    else if (head.kind == PACKED_FLOAT)
        memcpy(&number, &head.number, sizeof number);
    else
        return ERR_BAD_FIELD;
    // Written so that what is not a number fails too.
    if (head.is_negative || !(number >= 0 && number <= (double)MILLI_MAX / 1000))
        return ERR_BAD_FIELD;
    // Rounded: 1.1 has no exact form in two's powers.
    uint32_t milli = (uint32_t)(number * 1000 + 0.5);
    double rest = number * 1000 - (double)milli;
    if (rest > 0.0001 || rest < -0.0001)
        return ERR_BAD_FIELD;
    *out_milli = milli;
    return OK;
}

static bool is_of(struct doc_value value, enum scan_kind json, enum packed_kind packed)
{
    struct packed_head head;
    if (value.format == DOC_JSON)
        return json_value(value).kind == json;
    return packed_head(value.raw, &head) == OK && head.kind == packed;
}

bool doc_is_object(struct doc_value value)
{
    return is_of(value, SCAN_OBJECT, PACKED_OBJECT);
}

bool doc_is_array(struct doc_value value)
{
    return is_of(value, SCAN_ARRAY, PACKED_ARRAY);
}

bool doc_is_null(struct doc_value value)
{
    return value.format == DOC_JSON ? value.raw.data[0] == 'n' : value.raw.data[0] == 0xc0;
}

err doc_bool(struct doc_value value, bool *out_bool)
{
    bool is_json = value.format == DOC_JSON;
    uint8_t first = value.raw.data[0];
    if (first != (is_json ? 't' : 0xc3) && first != (is_json ? 'f' : 0xc2))
        return ERR_BAD_FIELD;
    *out_bool = first == (is_json ? 't' : 0xc3);
    return OK;
}
