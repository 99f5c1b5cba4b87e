// Tags, varints, bytes.

#include "proto/field.h"

enum { TYPE_NUMBER = 0, TYPE_BYTES = 2, TYPE_BITS = 3, GROUPS_MAX = 9 };

// Seven bits a group, the lowest first; 63 bits at most.
static uint64_t get_varint(struct bytes_in *in)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < GROUPS_MAX && !in->bad; i++) {
        uint8_t group = bytes_get_u8(in);
        value |= (uint64_t)(group & 0x7f) << (7 * i);
        if (group >= 0x80)
            continue;
        in->bad = in->bad || (group == 0 && i > 0);
        return value;
    }
    in->bad = true;
    return 0;
}

struct field field_get(struct bytes_in *in)
{
    uint64_t tag = get_varint(in);
    uint64_t value = get_varint(in);
    unsigned type = tag & ((1u << TYPE_BITS) - 1);
    struct field field = {.is_bytes = type == TYPE_BYTES, .value = value};
    in->bad = in->bad || (type != TYPE_NUMBER && type != TYPE_BYTES) || tag >> TYPE_BITS > 31;
    if (field.is_bytes && value > in->left.len)
        in->bad = true;
    if (in->bad)
        return (struct field){0};
    field.number = (uint32_t)(tag >> TYPE_BITS);
    if (field.is_bytes)
        field.bytes = bytes_get(in, (size_t)value);
    return field;
}

static void put_varint(struct bytes_out *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        bytes_put_u8(out, (uint8_t)(value | 0x80));
    bytes_put_u8(out, (uint8_t)value);
}

static size_t varint_len(uint64_t value)
{
    size_t len = 1;
    for (; value >= 0x80; value >>= 7)
        len++;
    return len;
}

size_t field_len(uint32_t number, size_t len)
{
    return varint_len((uint64_t)number << TYPE_BITS) + varint_len(len) + len;
}

void field_put_head(struct bytes_out *out, uint32_t number, size_t len)
{
    put_varint(out, (uint64_t)number << TYPE_BITS | TYPE_BYTES);
    put_varint(out, len);
}

void field_put_bytes(struct bytes_out *out, uint32_t number, struct slice bytes)
{
    field_put_head(out, number, bytes.len);
    bytes_put(out, bytes.data, bytes.len);
}

void field_put_text(struct bytes_out *out, uint32_t number, struct slice text)
{
    if (text.len > 0)
        field_put_bytes(out, number, text);
}

void field_put_number(struct bytes_out *out, uint32_t number, uint64_t value)
{
    if (value == 0)
        return;
    put_varint(out, (uint64_t)number << TYPE_BITS | TYPE_NUMBER);
    put_varint(out, value);
}
