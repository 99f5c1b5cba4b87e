#include "cli/plain.h"

#include "lib/base/utf8.h"

enum {
    C1_LEAD = 0xc2, // C1 controls are U+0080 to U+009F: this byte and one below 0xa0
    C1_END = 0xa0,
    DELETE = 0x7f,
};

// Bytes at the start of `text`, which is not empty, that a terminal would obey or could not read; 0: none.
static size_t bad_len(struct slice text, size_t valid_len)
{
    uint8_t first = text.data[0];
    if (valid_len == 0 || (first < ' ' && first != '\t') || first == DELETE)
        return 1;
    return first == C1_LEAD && text.data[1] < C1_END ? 2 : 0;
}

static size_t char_len(uint8_t first)
{
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

// Takes one character off `text`, which is not empty: what stands for it.
static struct slice take(struct slice *text, size_t *valid_len)
{
    size_t bad = bad_len(*text, *valid_len);
    size_t len = bad > 0 ? bad : char_len(text->data[0]);
    struct slice shown = bad > 0 ? slice_of_text("?") : slice_of(text->data, len);
    *text = slice_of(text->data + len, text->len - len);
    *valid_len = *valid_len > 0 ? *valid_len - len : utf8_valid_len(*text);
    return shown;
}

void plain_put(FILE *out, struct slice text)
{
    size_t valid_len = utf8_valid_len(text);
    while (text.len > 0) {
        struct slice shown = take(&text, &valid_len);
        (void)fwrite(shown.data, 1, shown.len, out);
    }
}

void plain_copy(struct slice text, char *out, size_t cap)
{
    size_t valid_len = utf8_valid_len(text);
    size_t used = 0;
    while (text.len > 0) {
        struct slice shown = take(&text, &valid_len);
        if (shown.len >= cap - used)
            break;
        memcpy(out + used, shown.data, shown.len);
        used += shown.len;
    }
    out[used] = '\0';
}
