// Labels by hand: two fields, one of them with two of its own.

#include "proto/labels.h"

#include "lib/base/utf8.h"
#include "proto/field.h"

enum {
    FIELD_TAG = 1,
    FIELD_PAIR = 2,
    FIELD_NAME = 1, // of a pair
    FIELD_VALUE = 2,
};

static bool is_tag_char(uint8_t c)
{
    bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return is_word || c == '.' || c == '_' || c == '-' || c == ':' || c == '/' || c == '@';
}

bool labels_is_tag(struct slice text)
{
    if (text.len == 0 || text.len > MSG_TAG_LEN_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_tag_char(text.data[i]))
            return false;
    }
    return true;
}

int labels_compare(struct slice a, struct slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.data, b.data, len) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

// --- reading ---

static err read_tag(struct labels *labels, struct slice tag, const char **out_detail)
{
    *out_detail = "tags: at most 16";
    if (labels->tag_count == MSG_TAGS_MAX)
        return ERR_TOO_LARGE;
    *out_detail = "tags: each is " LABELS_TAG_RULE;
    if (!labels_is_tag(tag))
        return ERR_BAD_FIELD;
    *out_detail = "tags: name each once";
    for (uint32_t i = 0; i < labels->tag_count; i++)
        if (slice_equal(labels->tags[i], tag))
            return ERR_BAD_FIELD;
    labels->tags[labels->tag_count++] = tag;
    return OK;
}

static bool split_pair(struct slice bytes, struct labels_pair *out_pair)
{
    struct bytes_in in = {.left = bytes};
    bool has_name = false;
    bool has_value = false;
    while (in.left.len > 0 && !in.bad) {
        struct field field = field_get(&in);
        bool is_name = field.number == FIELD_NAME;
        if (!field.is_bytes || (!is_name && field.number != FIELD_VALUE))
            return false;
        bool *seen = is_name ? &has_name : &has_value;
        if (*seen)
            return false;
        *seen = true;
        *(is_name ? &out_pair->name : &out_pair->value) = field.bytes;
    }
    return !in.bad;
}

static err read_pair(struct labels *labels, struct slice bytes, const char **out_detail)
{
    struct labels_pair pair = {{0}, {0}};
    *out_detail = "labels: not a message Labels";
    if (!split_pair(bytes, &pair))
        return ERR_MALFORMED;
    *out_detail = "metadata: at most 32 names";
    if (labels->pair_count == MSG_METADATA_MAX)
        return ERR_TOO_LARGE;
    *out_detail = "metadata: each name is " LABELS_TAG_RULE;
    if (!labels_is_tag(pair.name))
        return ERR_BAD_FIELD;
    *out_detail = "metadata: each value is UTF-8";
    if (pair.value.len > 0 && utf8_valid_len(pair.value) != pair.value.len)
        return ERR_BAD_FIELD;
    *out_detail = "metadata: give each name once";
    for (uint32_t i = 0; i < labels->pair_count; i++)
        if (slice_equal(labels->pairs[i].name, pair.name))
            return ERR_BAD_FIELD;
    labels->pairs[labels->pair_count++] = pair;
    return OK;
}

static size_t metadata_len(const struct labels *labels)
{
    size_t len = 0;
    for (uint32_t i = 0; i < labels->pair_count; i++)
        len += labels->pairs[i].name.len + labels->pairs[i].value.len;
    return len;
}

err labels_read(struct slice packed, struct labels *out_labels, const char **out_detail)
{
    struct bytes_in in = {.left = packed};
    err e = OK;
    out_labels->tag_count = 0;
    out_labels->pair_count = 0;
    while (in.left.len > 0 && e == OK) {
        struct field field = field_get(&in);
        *out_detail = "labels: not a message Labels";
        bool is_tag = field.number == FIELD_TAG;
        if (in.bad || !field.is_bytes || (!is_tag && field.number != FIELD_PAIR))
            return ERR_MALFORMED;
        e = is_tag ? read_tag(out_labels, field.bytes, out_detail)
                   : read_pair(out_labels, field.bytes, out_detail);
    }
    if (e == OK && metadata_len(out_labels) > MSG_METADATA_LEN_MAX) {
        *out_detail = "metadata: at most 4,096 bytes of names and values";
        e = ERR_TOO_LARGE;
    }
    return e;
}

err labels_check(struct slice packed, const char **out_detail)
{
    struct labels labels;
    const char *detail = NULL;
    err e = labels_read(packed, &labels, &detail);
    if (e != OK)
        *out_detail = detail;
    return e;
}

bool labels_has_tag(struct slice packed, struct slice tag)
{
    struct bytes_in in = {.left = packed};
    while (in.left.len > 0 && !in.bad) {
        struct field field = field_get(&in);
        if (!in.bad && field.number == FIELD_TAG && field.is_bytes && slice_equal(field.bytes, tag))
            return true;
    }
    return false;
}

// --- writing ---

void labels_write(const struct labels *labels, struct bytes_out *out)
{
    for (uint32_t i = 0; i < labels->tag_count; i++)
        field_put_bytes(out, FIELD_TAG, labels->tags[i]);
    for (uint32_t i = 0; i < labels->pair_count; i++) {
        const struct labels_pair *pair = &labels->pairs[i];
        field_put_head(out, FIELD_PAIR,
                       field_len(FIELD_NAME, pair->name.len) +
                           field_len(FIELD_VALUE, pair->value.len));
        field_put_bytes(out, FIELD_NAME, pair->name);
        field_put_bytes(out, FIELD_VALUE, pair->value);
    }
}
