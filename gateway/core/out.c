// The writer of answers.

#include "gateway/core/out.h"

#include "lib/base/base64.h"
#include "lib/base/check.h"
#include "lib/base/decimal.h"
#include "lib/base/utf8.h"

static void put(struct out *out, const void *data, size_t len)
{
    if (out->full || len > out->cap - out->len) {
        out->full = true;
        return;
    }
    if (len > 0)
        memcpy(out->data + out->len, data, len);
    out->len += len;
}

static void put_byte(struct out *out, uint8_t byte)
{
    put(out, &byte, 1);
}

static void put_chars(struct out *out, const char *text)
{
    put(out, text, strlen(text));
}

static void put_big(struct out *out, uint64_t value, unsigned width)
{
    uint8_t raw[8];
    for (unsigned i = 0; i < width; i++)
        raw[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
    put(out, raw, width);
}

// Before each value: the comma, and the count of the container it stands in.
static void begin_value(struct out *out)
{
    if (out->has_name) {
        out->has_name = false;
        return;
    }
    if (out->depth == 0)
        return;
    struct out_level *level = &out->levels[out->depth - 1];
    CHECK(!level->is_object);
    if (level->count++ > 0 && out->format == OUT_JSON)
        put_byte(out, ',');
}

static void open(struct out *out, bool is_object)
{
    CHECK(out->depth < OUT_DEPTH_MAX);
    begin_value(out);
    if (out->format == OUT_JSON)
        put_byte(out, is_object ? '{' : '[');
    else
        put_byte(out, is_object ? 0xdf : 0xdd);
    out->levels[out->depth++] = (struct out_level){is_object, 0, out->len};
    // The number of members is not known yet, so it always takes four bytes.
    if (out->format == OUT_MSGPACK)
        put_big(out, 0, 4);
}

void out_open_object(struct out *out)
{
    open(out, true);
}

void out_open_array(struct out *out)
{
    open(out, false);
}

void out_close(struct out *out)
{
    CHECK(out->depth > 0 && !out->has_name);
    const struct out_level *level = &out->levels[--out->depth];
    if (out->format == OUT_JSON) {
        put_byte(out, level->is_object ? '}' : ']');
        return;
    }
    if (out->full)
        return;
    for (unsigned i = 0; i < 4; i++)
        out->data[level->count_at + i] = (uint8_t)(level->count >> (8 * (3 - i)));
}

// The part of a JSON string that needs no escape.
static size_t plain_len(struct slice text)
{
    size_t len = 0;
    while (len < text.len && text.data[len] >= 0x20 && text.data[len] != '"' &&
           text.data[len] != '\\')
        len++;
    return len;
}

static void put_escape(struct out *out, uint8_t c)
{
    static const char digits[] = "0123456789abcdef";
    switch (c) {
    case '"': put_chars(out, "\\\""); return;
    case '\\': put_chars(out, "\\\\"); return;
    case '\n': put_chars(out, "\\n"); return;
    case '\r': put_chars(out, "\\r"); return;
    case '\t': put_chars(out, "\\t"); return;
    default: break;
    }
    put_chars(out, "\\u00");
    put_byte(out, (uint8_t)digits[c >> 4]);
    put_byte(out, (uint8_t)digits[c & 15]);
}

static void put_escaped(struct out *out, struct slice text)
{
    while (text.len > 0) {
        size_t len = plain_len(text);
        put(out, text.data, len);
        if (len < text.len)
            put_escape(out, text.data[len++]);
        text = slice_of(text.data + len, text.len - len);
    }
}

// Calls for the valid parts and the question marks between them.
static void put_valid(struct out *out, struct slice text,
                      void (*part)(struct out *out, struct slice text))
{
    while (text.len > 0) {
        size_t len = utf8_valid_len(text);
        part(out, slice_of(text.data, len));
        if (len < text.len) {
            put_byte(out, '?');
            len++;
        }
        text = slice_of(text.data + len, text.len - len);
    }
}

static void put_slice(struct out *out, struct slice text)
{
    put(out, text.data, text.len);
}

static void put_text_head(struct out *out, size_t len)
{
    CHECK(len <= UINT32_MAX);
    if (len < 32) {
        put_byte(out, (uint8_t)(0xa0 | len));
    } else if (len <= UINT8_MAX) {
        put_byte(out, 0xd9);
        put_big(out, len, 1);
    } else if (len <= UINT16_MAX) {
        put_byte(out, 0xda);
        put_big(out, len, 2);
    } else {
        put_byte(out, 0xdb);
        put_big(out, len, 4);
    }
}

static void put_string(struct out *out, struct slice text)
{
    if (out->format == OUT_MSGPACK) {
        put_text_head(out, text.len);
        put_valid(out, text, put_slice);
        return;
    }
    put_byte(out, '"');
    put_valid(out, text, put_escaped);
    put_byte(out, '"');
}

void out_name(struct out *out, struct slice name)
{
    CHECK(out->depth > 0 && !out->has_name);
    struct out_level *level = &out->levels[out->depth - 1];
    CHECK(level->is_object);
    if (level->count++ > 0 && out->format == OUT_JSON)
        put_byte(out, ',');
    put_string(out, name);
    if (out->format == OUT_JSON)
        put_byte(out, ':');
    out->has_name = true;
}

void out_text(struct out *out, struct slice text)
{
    begin_value(out);
    put_string(out, text);
}

static void put_digits(struct out *out, uint64_t value)
{
    char text[DECIMAL_LEN_MAX];
    put(out, text, decimal_put(value, text));
}

void out_unsigned(struct out *out, uint64_t value)
{
    begin_value(out);
    if (out->format == OUT_JSON) {
        put_digits(out, value);
    } else if (value < 128) {
        put_byte(out, (uint8_t)value);
    } else if (value <= UINT32_MAX) {
        put_byte(out, 0xce);
        put_big(out, value, 4);
    } else {
        put_byte(out, 0xcf);
        put_big(out, value, 8);
    }
}

void out_signed(struct out *out, int64_t value)
{
    if (value >= 0) {
        out_unsigned(out, (uint64_t)value);
        return;
    }
    begin_value(out);
    if (out->format == OUT_JSON) {
        put_byte(out, '-');
        put_digits(out, 0 - (uint64_t)value);
    } else {
        put_byte(out, 0xd3);
        put_big(out, (uint64_t)value, 8);
    }
}

void out_bool(struct out *out, bool value)
{
    begin_value(out);
    if (out->format == OUT_JSON)
        put_chars(out, value ? "true" : "false");
    else
        put_byte(out, value ? 0xc3 : 0xc2);
}

void out_null(struct out *out)
{
    begin_value(out);
    if (out->format == OUT_JSON)
        put_chars(out, "null");
    else
        put_byte(out, 0xc0);
}

static void put_base64(struct out *out, struct slice bytes)
{
    for (size_t at = 0; at < bytes.len; at += 3) {
        char four[4];
        base64_put(slice_of(bytes.data + at, bytes.len - at < 3 ? bytes.len - at : 3), four);
        put(out, four, sizeof four);
    }
}

void out_bytes(struct out *out, struct slice bytes)
{
    CHECK(bytes.len <= UINT32_MAX);
    begin_value(out);
    if (out->format == OUT_JSON) {
        put_byte(out, '"');
        put_base64(out, bytes);
        put_byte(out, '"');
    } else {
        put_byte(out, 0xc6);
        put_big(out, bytes.len, 4);
        put_slice(out, bytes);
    }
}

void out_raw(struct out *out, struct slice value)
{
    CHECK(value.len > 0);
    begin_value(out);
    put_slice(out, value);
}

void out_put_text(struct out *out, const char *name, struct slice text)
{
    out_name(out, slice_of_text(name));
    out_text(out, text);
}

void out_put_unsigned(struct out *out, const char *name, uint64_t value)
{
    out_name(out, slice_of_text(name));
    out_unsigned(out, value);
}

void out_put_digits(struct out *out, const char *name, uint64_t value)
{
    char text[DECIMAL_LEN_MAX];
    out_put_text(out, name, slice_of(text, decimal_put(value, text)));
}

void out_put_bool(struct out *out, const char *name, bool value)
{
    out_name(out, slice_of_text(name));
    out_bool(out, value);
}

struct slice out_slice(const struct out *out)
{
    return slice_of(out->data, out->len);
}
