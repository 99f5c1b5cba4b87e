// Comparing and trimming words.

#include "lib/base/word.h"

uint8_t word_lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte;
}

bool word_is(struct slice text, const char *wanted)
{
    if (text.len != strlen(wanted))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (word_lower(text.data[i]) != (uint8_t)wanted[i])
            return false;
    }
    return true;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

struct slice word_trim(struct slice text)
{
    while (text.len > 0 && is_blank(text.data[0]))
        text = slice_of(text.data + 1, text.len - 1);
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}
