// Three bytes, four characters.

#include "lib/base/base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { NO_DIGIT = 64 };

void base64_put(struct slice bytes, char *out)
{
    for (size_t at = 0; at < bytes.len; at += 3) {
        size_t count = bytes.len - at < 3 ? bytes.len - at : 3;
        uint32_t group = 0;
        for (size_t i = 0; i < 3; i++)
            group = group << 8 | (i < count ? bytes.data[at + i] : 0u);
        for (size_t i = 0; i < 4; i++)
            *out++ = i <= count ? digits[group >> (18 - 6 * i) & 63] : '=';
    }
}

static uint32_t value_of(uint8_t c)
{
    const char *at = c != 0 ? memchr(digits, c, sizeof digits - 1) : NULL;
    return at != NULL ? (uint32_t)(at - digits) : NO_DIGIT;
}

// The last group has one or two characters less.
static size_t padding_of(struct slice text)
{
    if (text.len == 0 || text.data[text.len - 1] != '=')
        return 0;
    return text.data[text.len - 2] == '=' ? 2 : 1;
}

err base64_get(struct slice text, uint8_t *room, size_t cap, size_t *out_len)
{
    if (text.len % 4 != 0)
        return ERR_MALFORMED;
    size_t padding = padding_of(text);
    size_t len = text.len / 4 * 3 - padding;
    if (len > cap)
        return ERR_TOO_LARGE;
    for (size_t at = 0; at < text.len; at += 4) {
        size_t given = at + 4 == text.len ? 4 - padding : 4;
        uint32_t group = 0;
        for (size_t i = 0; i < 4; i++) {
            uint32_t value = i < given ? value_of(text.data[at + i]) : 0;
            if (value == NO_DIGIT)
                return ERR_MALFORMED;
            group = group << 6 | value;
        }
        if ((group & ((1u << 8 * (4 - given)) - 1)) != 0)
            return ERR_MALFORMED;
        for (size_t i = 0; i + 1 < given; i++)
            room[at / 4 * 3 + i] = (uint8_t)(group >> (16 - 8 * i));
    }
    *out_len = len;
    return OK;
}
