// The second look at MessagePack: that no object has a name twice.

#include "gateway/core/packed.h"

#include "lib/base/check.h"

struct open {
    uint64_t left;  // values still to come; of an object names and values
    uint32_t first; // of its names, among the keys
    bool is_object;
};

static struct slice name_at(const struct slice *bytes, uint32_t at)
{
    struct packed_head head;
    err e = packed_head(slice_of(bytes->data + at, bytes->len - at), &head);
    CHECK(e == OK && head.kind == PACKED_TEXT);
    return slice_of(bytes->data + at + head.head_len, head.count);
}

static int compare(const void *ctx, struct names_key a, struct names_key b)
{
    struct slice left = name_at(ctx, a.at);
    struct slice right = name_at(ctx, b.at);
    if (left.len != right.len)
        return left.len < right.len ? -1 : 1;
    return left.len == 0 ? 0 : memcmp(left.data, right.data, left.len);
}

static struct names_key key_of(const struct slice *bytes, uint32_t at)
{
    struct names_key key = {.hash = NAMES_HASH, .at = at};
    struct slice name = name_at(bytes, at);
    for (size_t i = 0; i < name.len; i++)
        key.hash = names_hash_more(key.hash, name.data[i]);
    return key;
}

// Behind a value; of an array or object, behind its head, and it is open then.
static void enter(struct slice bytes, size_t *at, struct open *open)
{
    struct packed_head head;
    err e = packed_head(slice_of(bytes.data + *at, bytes.len - *at), &head);
    CHECK(e == OK);
    *at += head.head_len;
    open->is_object = head.kind == PACKED_OBJECT;
    open->left = 0;
    if (open->is_object || head.kind == PACKED_ARRAY)
        open->left = open->is_object ? (uint64_t)head.count * 2 : head.count;
    else
        *at += head.count;
}

err packed_names(struct slice bytes, struct names_key *keys, uint32_t cap)
{
    const struct names names = {compare, &bytes};
    struct open opens[PACKED_DEPTH_MAX + 2];
    uint32_t depth = 0;
    uint32_t count = 0;
    size_t at = 0;
    if (bytes.len > UINT32_MAX)
        return ERR_TOO_LARGE;
    enter(bytes, &at, &opens[0]);
    for (opens[0].first = 0;;) {
        struct open *open = &opens[depth];
        if (open->left == 0) {
            if (open->is_object &&
                names_has_double(&names, keys + open->first, count - open->first))
                return ERR_MALFORMED;
            count = open->first;
            if (depth-- == 0)
                return OK;
            continue;
        }
        if (open->is_object && open->left % 2 == 0) {
            if (count == cap)
                return ERR_TOO_LARGE;
            keys[count++] = key_of(&bytes, (uint32_t)at);
        }
        open->left--;
        CHECK(depth <= PACKED_DEPTH_MAX);
        opens[++depth].first = count;
        enter(bytes, &at, &opens[depth]);
    }
}
