// Conversion between JSON and MessagePack: both walk without recursion, by the levels that the
// writer keeps open.

#include "gateway/http/convert.h"

#include "gateway/core/packed.h"
#include "gateway/core/scan.h"
#include "lib/base/check.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_LEN_MAX = 64 };

// --- JSON to MessagePack ---

// Room for names grows with the text, as a name needs at least four bytes.
static err judge(struct slice text, struct scan_value *out_value)
{
    uint32_t cap = (uint32_t)(text.len / 4 + 1);
    struct names_key *keys = malloc(cap * sizeof *keys);
    if (keys == NULL)
        return ERR_NO_MEMORY;
    struct scan scan = {.text = text, .keys = keys, .key_cap = cap};
    err e = scan_value(&scan, out_value);
    if (e == OK && !scan_is_end(&scan))
        e = ERR_MALFORMED;
    free(keys);
    return e;
}

bool convert_is_json(struct slice text)
{
    struct scan_value value;
    return text.len > 0 && text.len <= SCAN_TEXT_LEN_MAX && judge(text, &value) == OK;
}

static size_t string_end(struct slice text, size_t at)
{
    for (at++; text.data[at] != '"'; at++)
        at += text.data[at] == '\\';
    return at + 1;
}

static err put_string(struct slice raw, struct out *out, bool is_name)
{
    struct slice inside = slice_of(raw.data + 1, raw.len - 2);
    struct slice text = inside;
    uint8_t *room = NULL;
    if (inside.len > 0 && memchr(inside.data, '\\', inside.len) != NULL) {
        room = malloc(inside.len);
        if (room == NULL)
            return ERR_NO_MEMORY;
        err e = scan_decode(inside, room, inside.len, &text);
        CHECK(e == OK); // decoding never lengthens
    }
    if (is_name)
        out_name(out, text);
    else
        out_text(out, text);
    free(room);
    return OK;
}

// MessagePack only; the room of a double.
static void put_double(struct out *out, double number)
{
    uint8_t raw[9] = {0xcb};
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    for (unsigned i = 0; i < 8; i++)
        raw[1 + i] = (uint8_t)(bits >> (56 - 8 * i));
    out_raw(out, slice_of(raw, sizeof raw));
}

static void put_digits(const char *text, struct out *out)
{
    char *end;
    bool is_whole = strpbrk(text, ".eE") == NULL;
    errno = 0;
    if (is_whole && text[0] == '-') {
        long long number = strtoll(text, &end, 10);
        if (errno == 0) {
            out_signed(out, number);
            return;
        }
    } else if (is_whole) {
        unsigned long long number = strtoull(text, &end, 10);
        if (errno == 0) {
            out_unsigned(out, number);
            return;
        }
    }
    put_double(out, strtod(text, &end));
}

static err put_number(struct slice raw, struct out *out)
{
    char room[NUMBER_LEN_MAX];
    char *text = raw.len < sizeof room ? room : malloc(raw.len + 1);
    if (text == NULL)
        return ERR_NO_MEMORY;
    (void)slice_to_text(raw, text, raw.len + 1);
    put_digits(text, out);
    if (text != room)
        free(text);
    return OK;
}

// A string, number or word at `at`; the end of it.
static err put_scalar(struct slice text, size_t *at, struct out *out)
{
    uint8_t c = text.data[*at];
    size_t end = *at;
    err e = OK;
    if (c == '"') {
        end = string_end(text, *at);
        e = put_string(slice_of(text.data + *at, end - *at), out, false);
    } else {
        while (end < text.len && memchr(",]} \t\r\n", text.data[end], 7) == NULL)
            end++;
        if (c == 'n')
            out_null(out);
        else if (c == 't' || c == 'f')
            out_bool(out, c == 't');
        else
            e = put_number(slice_of(text.data + *at, end - *at), out);
    }
    *at = end;
    return e;
}

// True when the string that ends before `at` is a name.
static bool is_name(struct slice text, size_t at)
{
    while (at < text.len && memchr(" \t\r\n", text.data[at], 4) != NULL)
        at++;
    return at < text.len && text.data[at] == ':';
}

static err put_json(struct slice text, struct out *out)
{
    size_t at = 0;
    while (at < text.len) {
        uint8_t c = text.data[at];
        if (memchr(" \t\r\n,:", c, 6) != NULL) {
            at++;
        } else if (c == '{' || c == '[') {
            if (c == '{')
                out_open_object(out);
            else
                out_open_array(out);
            at++;
        } else if (c == '}' || c == ']') {
            out_close(out);
            at++;
        } else if (c == '"' && is_name(text, string_end(text, at))) {
            size_t end = string_end(text, at);
            err e = put_string(slice_of(text.data + at, end - at), out, true);
            if (e != OK)
                return e;
            at = end;
        } else {
            err e = put_scalar(text, &at, out);
            if (e != OK)
                return e;
        }
    }
    return OK;
}

err convert_json(struct slice text, struct out *out)
{
    CHECK(out->format == OUT_MSGPACK);
    struct scan_value value;
    if (text.len == 0 || text.len > SCAN_TEXT_LEN_MAX)
        return ERR_MALFORMED;
    err e = judge(text, &value);
    return e == OK ? put_json(value.raw, out) : e;
}

// --- MessagePack to JSON ---

struct step {
    const msgpack_object *object;
    uint32_t next;
};

static void put_float(struct out *out, double number)
{
    char text[NUMBER_LEN_MAX];
    if (!isfinite(number)) {
        out_null(out);
        return;
    }
    // Seventeen digits bring every double back.
    int len = snprintf(text, sizeof text, "%.17g", number);
    CHECK(len > 0 && len < (int)sizeof text);
    out_raw(out, slice_of(text, (size_t)len));
}

// Opens a container or writes the whole of anything else.
static err put_object(const msgpack_object *object, struct out *out, bool *out_opened)
{
    *out_opened = false;
    switch (object->type) {
    case MSGPACK_OBJECT_NIL: out_null(out); return OK;
    case MSGPACK_OBJECT_BOOLEAN: out_bool(out, object->via.boolean); return OK;
    case MSGPACK_OBJECT_POSITIVE_INTEGER: out_unsigned(out, object->via.u64); return OK;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER: out_signed(out, object->via.i64); return OK;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64: put_float(out, object->via.f64); return OK;
    case MSGPACK_OBJECT_STR:
        out_text(out, slice_of(object->via.str.ptr, object->via.str.size));
        return OK;
    case MSGPACK_OBJECT_BIN:
        out_bytes(out, slice_of(object->via.bin.ptr, object->via.bin.size));
        return OK;
    case MSGPACK_OBJECT_ARRAY:
        out_open_array(out);
        *out_opened = true;
        return OK;
    case MSGPACK_OBJECT_MAP:
        out_open_object(out);
        *out_opened = true;
        return OK;
    case MSGPACK_OBJECT_EXT: return ERR_MALFORMED;
    }
    return ERR_MALFORMED;
}

// The next value inside a container; NULL at its end.
static const msgpack_object *next_of(struct step *step, struct out *out)
{
    const msgpack_object *object = step->object;
    if (object->type == MSGPACK_OBJECT_ARRAY)
        return step->next < object->via.array.size ? &object->via.array.ptr[step->next++] : NULL;
    if (step->next == object->via.map.size)
        return NULL;
    const msgpack_object_kv *pair = &object->via.map.ptr[step->next++];
    // packed_value() has seen that names are text.
    out_name(out, slice_of(pair->key.via.str.ptr, pair->key.via.str.size));
    return &pair->val;
}

static err put_tree(const msgpack_object *root, struct out *out)
{
    struct step steps[PACKED_DEPTH_MAX + 1];
    uint32_t depth = 0;
    const msgpack_object *object = root;
    do {
        bool opened;
        err e = put_object(object, out, &opened);
        if (e != OK)
            return e;
        if (opened)
            steps[depth++] = (struct step){object, 0};
        for (object = NULL; depth > 0 && object == NULL;) {
            object = next_of(&steps[depth - 1], out);
            if (object == NULL) {
                out_close(out);
                depth--;
            }
        }
    } while (object != NULL);
    return OK;
}

err convert_msgpack(struct slice bytes, struct out *out)
{
    CHECK(out->format == OUT_JSON);
    size_t len;
    err e = packed_value(bytes, &len);
    if (e != OK || len != bytes.len)
        return e != OK ? e : ERR_MALFORMED;
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    size_t offset = 0;
    msgpack_unpack_return got =
        msgpack_unpack_next(&unpacked, (const char *)bytes.data, bytes.len, &offset);
    if (got == MSGPACK_UNPACK_NOMEM_ERROR)
        e = ERR_NO_MEMORY;
    else if (got != MSGPACK_UNPACK_SUCCESS && got != MSGPACK_UNPACK_EXTRA_BYTES)
        e = ERR_MALFORMED;
    if (e == OK)
        e = put_tree(&unpacked.data, out);
    msgpack_unpacked_destroy(&unpacked);
    return e;
}
