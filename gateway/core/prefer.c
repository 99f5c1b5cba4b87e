// Reading Prefer.

#include "gateway/core/prefer.h"

#include "lib/base/word.h"

// Takes the part before `separator` off the front, trimmed; those within quotes are not meant.
static struct slice take(struct slice *text, uint8_t separator)
{
    bool is_quoted = false;
    size_t len = 0;
    for (; len < text->len && (is_quoted || text->data[len] != separator); len++)
        is_quoted = is_quoted != (text->data[len] == '"');
    struct slice part = word_trim(slice_of(text->data, len));
    size_t taken = len + (len < text->len);
    *text = slice_of(text->data + taken, text->len - taken);
    return part;
}

static uint32_t seconds(struct slice text)
{
    uint32_t value = 0;
    if (text.len >= 2 && text.data[0] == '"' && text.data[text.len - 1] == '"')
        text = slice_of(text.data + 1, text.len - 2);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        value = value * 10 + (uint32_t)(text.data[i] - '0');
        if (value > PREFER_WAIT_S_MAX)
            value = PREFER_WAIT_S_MAX; // whatever else comes makes it no smaller
    }
    return value;
}

uint32_t prefer_wait_s(struct slice header)
{
    while (header.len > 0) {
        struct slice preference = take(&header, ',');
        struct slice value = take(&preference, ';'); // its parameters say nothing here
        struct slice name = take(&value, '=');
        if (word_is(name, "wait"))
            return seconds(word_trim(value));
    }
    return 0;
}
