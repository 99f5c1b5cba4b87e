// The pre-scan of MessagePack.

#include "gateway/core/packed.h"

#include "lib/base/utf8.h"

static uint64_t big(const uint8_t *at, unsigned width)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value = value << 8 | at[i];
    return value;
}

// The forms with a length or a number behind the first byte.
struct form {
    enum packed_kind kind;
    uint8_t width;  // bytes of the number or length
    uint8_t extra;  // bytes added to the length: the type of an extension
    bool is_number; // the bytes are the value, not a length
    bool is_signed;
    uint8_t fixed_len; // of an extension of fixed size, with its type
};

// 0xc0 … 0xdf
static const struct form forms[32] = {
    [0x00] = {.kind = PACKED_NULL, .is_number = true},
    [0x02] = {.kind = PACKED_BOOL, .is_number = true},
    [0x03] = {.kind = PACKED_BOOL, .is_number = true},
    [0x04] = {.kind = PACKED_BINARY, .width = 1},
    [0x05] = {.kind = PACKED_BINARY, .width = 2},
    [0x06] = {.kind = PACKED_BINARY, .width = 4},
    [0x07] = {.kind = PACKED_EXTENSION, .width = 1, .extra = 1},
    [0x08] = {.kind = PACKED_EXTENSION, .width = 2, .extra = 1},
    [0x09] = {.kind = PACKED_EXTENSION, .width = 4, .extra = 1},
    [0x0a] = {.kind = PACKED_FLOAT, .width = 4, .is_number = true},
    [0x0b] = {.kind = PACKED_FLOAT, .width = 8, .is_number = true},
    [0x0c] = {.kind = PACKED_INTEGER, .width = 1, .is_number = true},
    [0x0d] = {.kind = PACKED_INTEGER, .width = 2, .is_number = true},
    [0x0e] = {.kind = PACKED_INTEGER, .width = 4, .is_number = true},
    [0x0f] = {.kind = PACKED_INTEGER, .width = 8, .is_number = true},
    [0x10] = {.kind = PACKED_INTEGER, .width = 1, .is_number = true, .is_signed = true},
    [0x11] = {.kind = PACKED_INTEGER, .width = 2, .is_number = true, .is_signed = true},
    [0x12] = {.kind = PACKED_INTEGER, .width = 4, .is_number = true, .is_signed = true},
    [0x13] = {.kind = PACKED_INTEGER, .width = 8, .is_number = true, .is_signed = true},
    [0x14] = {.kind = PACKED_EXTENSION, .fixed_len = 2},
    [0x15] = {.kind = PACKED_EXTENSION, .fixed_len = 3},
    [0x16] = {.kind = PACKED_EXTENSION, .fixed_len = 5},
    [0x17] = {.kind = PACKED_EXTENSION, .fixed_len = 9},
    [0x18] = {.kind = PACKED_EXTENSION, .fixed_len = 17},
    [0x19] = {.kind = PACKED_TEXT, .width = 1},
    [0x1a] = {.kind = PACKED_TEXT, .width = 2},
    [0x1b] = {.kind = PACKED_TEXT, .width = 4},
    [0x1c] = {.kind = PACKED_ARRAY, .width = 2},
    [0x1d] = {.kind = PACKED_ARRAY, .width = 4},
    [0x1e] = {.kind = PACKED_OBJECT, .width = 2},
    [0x1f] = {.kind = PACKED_OBJECT, .width = 4},
};

static uint64_t float_bits(const uint8_t *at, unsigned width)
{
    if (width == 8)
        return big(at, 8);
    uint32_t raw = (uint32_t)big(at, 4);
    float small;
    memcpy(&small, &raw, sizeof small);
    double wide = (double)small;
    uint64_t bits;
    memcpy(&bits, &wide, sizeof bits);
    return bits;
}

static void read_number(const struct form *form, const uint8_t *at, struct packed_head *head)
{
    if (form->kind == PACKED_FLOAT) {
        head->number = float_bits(at, form->width);
        return;
    }
    head->number = big(at, form->width);
    if (!form->is_signed || (at[0] & 0x80) == 0)
        return;
    head->is_negative = true;
    if (form->width < 8)
        head->number |= UINT64_MAX << (8 * form->width);
}

// One byte says it all, or all but the content.
static struct packed_head short_head(uint8_t first)
{
    struct packed_head head = {.kind = PACKED_INTEGER, .head_len = 1};
    if (first < 0x80) {
        head.number = first;
    } else if (first >= 0xe0) {
        head.number = UINT64_MAX << 8 | first;
        head.is_negative = true;
    } else if (first >= 0xa0) {
        head.kind = PACKED_TEXT;
        head.count = first & 0x1fu;
    } else {
        head.kind = first >= 0x90 ? PACKED_ARRAY : PACKED_OBJECT;
        head.count = first & 0x0fu;
    }
    return head;
}

static err long_head(struct slice bytes, struct packed_head *out_head)
{
    uint8_t first = bytes.data[0];
    const struct form *form = &forms[first - 0xc0];
    if (first == 0xc1 || bytes.len - 1 < form->width)
        return ERR_MALFORMED;
    struct packed_head head = {.kind = form->kind, .head_len = 1u + form->width};
    if (form->kind == PACKED_BOOL) {
        head.number = first & 1u;
    } else if (form->is_number) {
        read_number(form, bytes.data + 1, &head);
    } else {
        uint64_t count = form->width > 0 ? big(bytes.data + 1, form->width) : form->fixed_len;
        if (count + form->extra > UINT32_MAX)
            return ERR_MALFORMED;
        head.count = (uint32_t)(count + form->extra);
    }
    *out_head = head;
    return OK;
}

err packed_head(struct slice bytes, struct packed_head *out_head)
{
    if (bytes.len == 0)
        return ERR_MALFORMED;
    struct packed_head head;
    if (bytes.data[0] < 0xc0 || bytes.data[0] >= 0xe0) {
        head = short_head(bytes.data[0]);
    } else {
        err e = long_head(bytes, &head);
        if (e != OK)
            return e;
    }
    // Every element takes a byte at least, every member two.
    uint64_t least = head.kind == PACKED_OBJECT ? (uint64_t)head.count * 2 : head.count;
    if (least > bytes.len - head.head_len)
        return ERR_MALFORMED;
    *out_head = head;
    return OK;
}

struct level {
    uint64_t left; // values still to come; of an object names and values
    bool is_object;
};

err packed_value(struct slice bytes, size_t *out_len)
{
    struct level levels[PACKED_DEPTH_MAX + 1] = {{.left = 1}};
    uint32_t depth = 0;
    uint32_t items = 0;
    size_t at = 0;
    while (levels[0].left > 0 || depth > 0) {
        struct level *level = &levels[depth];
        if (level->left == 0) {
            depth--;
            continue;
        }
        if (++items > PACKED_ITEMS_MAX)
            return ERR_TOO_LARGE;
        bool is_name = level->is_object && level->left % 2 == 0;
        level->left--;
        struct packed_head head;
        err e = packed_head(slice_of(bytes.data + at, bytes.len - at), &head);
        if (e != OK)
            return e;
        at += head.head_len;
        if (is_name && head.kind != PACKED_TEXT)
            return ERR_MALFORMED;
        if (head.kind == PACKED_ARRAY || head.kind == PACKED_OBJECT) {
            if (depth == PACKED_DEPTH_MAX)
                return ERR_TOO_LARGE;
            bool is_object = head.kind == PACKED_OBJECT;
            levels[++depth] =
                (struct level){is_object ? (uint64_t)head.count * 2 : head.count, is_object};
            continue;
        }
        struct slice content = slice_of(bytes.data + at, head.count);
        if (head.kind == PACKED_TEXT && utf8_valid_len(content) != content.len)
            return ERR_MALFORMED;
        at += head.count;
    }
    *out_len = at;
    return OK;
}
