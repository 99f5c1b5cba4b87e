// Big-endian writing and reading with sticky errors.

#include "lib/base/bytes.h"

#include "lib/base/decimal.h"

void bytes_put(struct bytes_out *out, const void *data, size_t len)
{
    CHECK(out->len <= out->cap);
    if (out->full || len > out->cap - out->len) {
        out->full = true;
        return;
    }
    if (len > 0)
        memcpy(out->data + out->len, data, len);
    out->len += len;
}

static void put_number(struct bytes_out *out, uint64_t value, unsigned width)
{
    uint8_t raw[8];
    for (unsigned i = 0; i < width; i++)
        raw[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
    bytes_put(out, raw, width);
}

void bytes_put_u8(struct bytes_out *out, uint8_t value)
{
    put_number(out, value, 1);
}

void bytes_put_u16(struct bytes_out *out, uint16_t value)
{
    put_number(out, value, 2);
}

void bytes_put_u32(struct bytes_out *out, uint32_t value)
{
    put_number(out, value, 4);
}

void bytes_put_u64(struct bytes_out *out, uint64_t value)
{
    put_number(out, value, 8);
}

void bytes_put_slice(struct bytes_out *out, struct slice value)
{
    CHECK(value.len <= UINT32_MAX);
    bytes_put_u32(out, (uint32_t)value.len);
    bytes_put(out, value.data, value.len);
}

void bytes_put_text(struct bytes_out *out, const char *text)
{
    bytes_put(out, text, strlen(text));
}

void bytes_put_decimal(struct bytes_out *out, uint64_t number)
{
    char digits[DECIMAL_LEN_MAX];
    bytes_put(out, digits, decimal_put(number, digits));
}

struct slice bytes_get(struct bytes_in *in, size_t len)
{
    if (in->bad || len > in->left.len) {
        in->bad = true;
        return (struct slice){0};
    }
    struct slice got = slice_of(in->left.data, len);
    // Adding 0 to a NULL pointer is not defined, so an empty read moves nothing.
    if (len > 0)
        in->left = slice_of(in->left.data + len, in->left.len - len);
    return got;
}

static uint64_t get_number(struct bytes_in *in, unsigned width)
{
    struct slice raw = bytes_get(in, width);
    uint64_t value = 0;
    for (size_t i = 0; i < raw.len; i++)
        value = value << 8 | raw.data[i];
    return value;
}

uint8_t bytes_get_u8(struct bytes_in *in)
{
    return (uint8_t)get_number(in, 1);
}

uint16_t bytes_get_u16(struct bytes_in *in)
{
    return (uint16_t)get_number(in, 2);
}

uint32_t bytes_get_u32(struct bytes_in *in)
{
    return (uint32_t)get_number(in, 4);
}

uint64_t bytes_get_u64(struct bytes_in *in)
{
    return get_number(in, 8);
}

struct slice bytes_get_slice(struct bytes_in *in)
{
    return bytes_get(in, bytes_get_u32(in));
}

bool bytes_is_whole(const struct bytes_in *in)
{
    return !in->bad && in->left.len == 0;
}
