// MessagePack as jansson's values. Every length is compared with the bytes that are there before
// anything is made of it.

#include "lib/schema/schema_private.h"

#include "lib/base/bytes.h"
#include "lib/base/utf8.h"

#include <math.h>

struct packed {
    struct bytes_in in;
    uint32_t container_count;
    const char *why;
};

static json_t *read_value(struct packed *packed, unsigned depth);

static json_t *refuse(struct packed *packed, const char *why)
{
    if (packed->why == NULL)
        packed->why = why;
    return NULL;
}

static json_t *known(struct packed *packed, json_t *value)
{
    return value != NULL ? value : refuse(packed, "out of memory");
}

static json_t *read_unsigned(struct packed *packed, uint64_t value)
{
    if (value > INT64_MAX)
        return known(packed, json_real((double)value));
    return known(packed, json_integer((json_int_t)value));
}

static json_t *read_real(struct packed *packed, double value)
{
    if (!isfinite(value))
        return refuse(packed, "a number is not finite");
    return known(packed, json_real(value));
}

static json_t *read_float(struct packed *packed)
{
    uint32_t bits = bytes_get_u32(&packed->in);
    float value;
    memcpy(&value, &bits, sizeof value);
    return read_real(packed, (double)value);
}

static json_t *read_double(struct packed *packed)
{
    uint64_t bits = bytes_get_u64(&packed->in);
    double value;
    memcpy(&value, &bits, sizeof value);
    return read_real(packed, value);
}

static bool read_text(struct packed *packed, uint32_t len, struct slice *out_text)
{
    struct slice text = bytes_get(&packed->in, len);
    if (packed->in.bad || utf8_valid_len(text) < len) {
        (void)refuse(packed, packed->in.bad ? "it ends too early" : "a text is not UTF-8");
        return false;
    }
    *out_text = text;
    return true;
}

static json_t *read_string(struct packed *packed, uint32_t len)
{
    struct slice text;
    if (!read_text(packed, len, &text))
        return NULL;
    return known(packed, json_stringn_nocheck(len > 0 ? (const char *)text.data : "", len));
}

// May one more array or object of `count` parts follow? Each part takes a byte at least.
static bool may_hold(struct packed *packed, uint32_t count, unsigned depth)
{
    if (packed->in.bad || count > packed->in.left.len)
        (void)refuse(packed, "it ends too early");
    else if (depth == SCHEMA_DEPTH_MAX)
        (void)refuse(packed, "it goes too deep (SCHEMA_DEPTH_MAX)");
    else if (packed->container_count == SCHEMA_CONTAINERS_MAX)
        (void)refuse(packed, "too many arrays and objects (SCHEMA_CONTAINERS_MAX)");
    packed->container_count++;
    return packed->why == NULL;
}

static json_t *read_array(struct packed *packed, uint32_t count, unsigned depth)
{
    if (!may_hold(packed, count, depth))
        return NULL;
    json_t *array = known(packed, json_array());
    for (uint32_t i = 0; i < count && packed->why == NULL; i++) {
        json_t *item = read_value(packed, depth + 1);
        if (item != NULL && json_array_append_new(array, item) != 0)
            (void)refuse(packed, "out of memory");
    }
    if (packed->why == NULL)
        return array;
    json_decref(array);
    return NULL;
}

// The length of a text whose first byte is `head`; false when it is no text.
static bool text_len(struct packed *packed, uint8_t head, uint32_t *out_len)
{
    if (head >= 0xa0 && head <= 0xbf)
        *out_len = head & 0x1f;
    else if (head == 0xd9)
        *out_len = bytes_get_u8(&packed->in);
    else if (head == 0xda)
        *out_len = bytes_get_u16(&packed->in);
    else if (head == 0xdb)
        *out_len = bytes_get_u32(&packed->in);
    else
        return false;
    return true;
}

static void read_member(struct packed *packed, json_t *object, unsigned depth)
{
    uint32_t len = 0;
    struct slice name;
    if (!text_len(packed, bytes_get_u8(&packed->in), &len)) {
        (void)refuse(packed, packed->in.bad ? "it ends too early" : "a name is not a text");
        return;
    }
    if (!read_text(packed, len, &name))
        return;
    const char *key = len > 0 ? (const char *)name.data : "";
    if (memchr(key, 0, len) != NULL || json_object_getn(object, key, len) != NULL) {
        (void)refuse(packed, "a name has a zero, or is there twice");
        return;
    }
    json_t *value = read_value(packed, depth + 1);
    if (value != NULL && json_object_setn_new_nocheck(object, key, len, value) != 0)
        (void)refuse(packed, "out of memory");
}

static json_t *read_object(struct packed *packed, uint32_t count, unsigned depth)
{
    if (!may_hold(packed, count, depth))
        return NULL;
    json_t *object = known(packed, json_object());
    for (uint32_t i = 0; i < count && packed->why == NULL; i++)
        read_member(packed, object, depth);
    if (packed->why == NULL)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *read_integer(struct packed *packed, uint8_t head)
{
    struct bytes_in *in = &packed->in;
    switch (head) {
    case 0xcc: return read_unsigned(packed, bytes_get_u8(in));
    case 0xcd: return read_unsigned(packed, bytes_get_u16(in));
    case 0xce: return read_unsigned(packed, bytes_get_u32(in));
    case 0xcf: return read_unsigned(packed, bytes_get_u64(in));
    case 0xd0: return known(packed, json_integer((int8_t)bytes_get_u8(in)));
    case 0xd1: return known(packed, json_integer((int16_t)bytes_get_u16(in)));
    case 0xd2: return known(packed, json_integer((int32_t)bytes_get_u32(in)));
    case 0xd3: return known(packed, json_integer((int64_t)bytes_get_u64(in)));
    default: break;
    }
    return refuse(packed, "binary data and extensions have no form in JSON");
}

// Those heads that hold a part of the value themselves.
static json_t *read_short(struct packed *packed, uint8_t head, unsigned depth)
{
    if (head <= 0x7f)
        return known(packed, json_integer(head));
    if (head >= 0xe0)
        return known(packed, json_integer((int8_t)head));
    return head <= 0x8f ? read_object(packed, head & 0x0f, depth)
                        : read_array(packed, head & 0x0f, depth);
}

static json_t *read_value(struct packed *packed, unsigned depth)
{
    struct bytes_in *in = &packed->in;
    uint8_t head = bytes_get_u8(in);
    uint32_t len = 0;
    if (in->bad)
        return refuse(packed, "it ends too early");
    if (head <= 0x9f || head >= 0xe0)
        return read_short(packed, head, depth);
    if (text_len(packed, head, &len))
        return read_string(packed, len);
    json_t *value = NULL;
    switch (head) {
    case 0xc0: return json_null();
    case 0xc2: return json_false();
    case 0xc3: return json_true();
    case 0xca: value = read_float(packed); break;
    case 0xcb: value = read_double(packed); break;
    case 0xdc: return read_array(packed, bytes_get_u16(in), depth);
    case 0xdd: return read_array(packed, bytes_get_u32(in), depth);
    case 0xde: return read_object(packed, bytes_get_u16(in), depth);
    case 0xdf: return read_object(packed, bytes_get_u32(in), depth);
    default: value = read_integer(packed, head); break;
    }
    if (!in->bad)
        return value;
    json_decref(value);
    return refuse(packed, "it ends too early");
}

json_t *schema_packed_read(struct slice bytes, const char **out_why)
{
    struct packed packed = {.in = {.left = bytes}};
    json_t *value = read_value(&packed, 0);
    if (value != NULL && !bytes_is_whole(&packed.in)) {
        json_decref(value);
        value = refuse(&packed, "something follows it");
    }
    *out_why = packed.why;
    return value;
}
