// Reading Content-Type and Accept.

#include "gateway/core/media.h"

#include "lib/base/word.h"

// Takes the part before `separator` off the front, trimmed.
static struct slice take(struct slice *text, char separator)
{
    const uint8_t *mark = text->len > 0 ? memchr(text->data, separator, text->len) : NULL;
    size_t len = mark != NULL ? (size_t)(mark - text->data) : text->len;
    struct slice part = word_trim(slice_of(text->data, len));
    size_t taken = len + (mark != NULL);
    if (taken > 0)
        *text = slice_of(text->data + taken, text->len - taken);
    return part;
}

static enum media type_of(struct slice type)
{
    static const struct {
        const char *name;
        enum media media;
    } types[] = {
        {"application/json", MEDIA_JSON},
        {"application/x-ndjson", MEDIA_NDJSON},
        {"application/ndjson", MEDIA_NDJSON},
        {"application/msgpack", MEDIA_MSGPACK},
        {"application/vnd.msgpack", MEDIA_MSGPACK},
        {"application/x-msgpack", MEDIA_MSGPACK},
        {"application/merge-patch+json", MEDIA_MERGE_PATCH},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (word_is(type, types[i].name))
            return types[i].media;
    }
    return MEDIA_OTHER;
}

enum media media_of(struct slice header)
{
    if (header.data == NULL)
        return MEDIA_NONE;
    enum media media = type_of(take(&header, ';'));
    while (header.len > 0) {
        struct slice value = take(&header, ';');
        struct slice name = take(&value, '=');
        if (word_is(name, "charset") && !word_is(value, "utf-8") && !word_is(value, "\"utf-8\""))
            return MEDIA_OTHER;
    }
    return media;
}

// Thousandths of a quality value; what cannot be read is 0.
static unsigned quality_of(struct slice parameters)
{
    while (parameters.len > 0) {
        struct slice value = take(&parameters, ';');
        if (!word_is(take(&value, '='), "q"))
            continue;
        value = word_trim(value);
        if (value.len == 0 || value.len > 5 || (value.len > 1 && value.data[1] != '.'))
            return 0;
        unsigned quality = value.data[0] == '1' ? 1000 : 0;
        unsigned weight = 100;
        for (size_t i = 2; i < value.len && quality < 1000; i++, weight /= 10) {
            if (value.data[i] < '0' || value.data[i] > '9')
                return 0;
            quality += weight * (unsigned)(value.data[i] - '0');
        }
        return quality;
    }
    return 1000;
}

enum media media_wanted(struct slice accept)
{
    // What names the type counts more than what covers it by a star.
    unsigned quality[2] = {0, 0};
    unsigned rank[2] = {0, 0};
    if (word_trim(accept).len == 0)
        return MEDIA_JSON;
    while (accept.len > 0) {
        struct slice range = take(&accept, ',');
        struct slice type = take(&range, ';');
        unsigned q = quality_of(range);
        enum media media = type_of(type);
        bool is_problem = word_is(type, "application/problem+json");
        bool is_part = word_is(type, "application/*");
        bool is_any = word_is(type, "*/*");
        for (unsigned i = 0; i < 2; i++) {
            bool is_named =
                media == (i == 0 ? MEDIA_JSON : MEDIA_MSGPACK) || (i == 0 && is_problem);
            unsigned r = is_named ? 3 : is_part ? 2 : is_any ? 1 : 0;
            if (r > rank[i]) {
                rank[i] = r;
                quality[i] = q;
            }
        }
    }
    if (quality[0] == 0 && quality[1] == 0)
        return MEDIA_OTHER;
    return quality[1] > quality[0] ? MEDIA_MSGPACK : MEDIA_JSON;
}

bool media_wants_events(struct slice accept)
{
    while (accept.len > 0) {
        struct slice range = take(&accept, ',');
        if (word_is(take(&range, ';'), "text/event-stream"))
            return quality_of(range) > 0;
    }
    return false;
}
