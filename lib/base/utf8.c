// Validation by sequences, with a quick road for plain ASCII.

#include "lib/base/utf8.h"

// Eight bytes at a time: names and keys are ASCII, and they are on the hot path.
static size_t ascii_len(struct slice text)
{
    size_t at = 0;
    for (; text.len - at >= 8; at += 8) {
        uint64_t eight;
        memcpy(&eight, text.data + at, sizeof eight);
        if ((eight & 0x8080808080808080u) != 0)
            break;
    }
    while (at < text.len && text.data[at] < 0x80)
        at++;
    return at;
}

// The second byte decides against overlong forms, surrogates and what is above U+10FFFF.
static bool second_fits(uint8_t first, uint8_t second)
{
    switch (first) {
    case 0xe0: return second >= 0xa0;
    case 0xed: return second <= 0x9f;
    case 0xf0: return second >= 0x90;
    case 0xf4: return second <= 0x8f;
    default: return true;
    }
}

// Length of the sequence that `text` begins with, 0 when it is none. `text` is not empty.
static size_t sequence_len(struct slice text)
{
    uint8_t first = text.data[0];
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    size_t len = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (len > text.len || !second_fits(first, text.data[1]))
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((text.data[i] & 0xc0u) != 0x80)
            return 0;
    }
    return len;
}

size_t utf8_valid_len(struct slice text)
{
    size_t at = ascii_len(text);
    while (at < text.len) {
        size_t len = sequence_len(slice_of(text.data + at, text.len - at));
        if (len == 0)
            break;
        at += len;
    }
    return at;
}

void utf8_repair(uint8_t *data, size_t len)
{
    size_t at = 0;
    while (at < len) {
        at += utf8_valid_len(slice_of(data + at, len - at));
        if (at < len)
            data[at++] = '?';
    }
}
