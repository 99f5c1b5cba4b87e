// UTF-8 by the table of RFC 3629, checked against a decoder that is slow and plain.

#include "tests/support/test.h"

#include "lib/base/prng.h"
#include "lib/base/utf8.h"

static bool is_valid(const char *bytes, size_t len)
{
    return utf8_valid_len(slice_of(bytes, len)) == len;
}

#define VALID(literal) is_valid((literal), sizeof(literal) - 1)

TEST(utf8, sequences_at_their_borders)
{
    EXPECT(VALID(""));
    EXPECT(VALID("\0\x7f"));
    EXPECT(VALID("\xc2\x80\xdf\xbf"));
    EXPECT(VALID("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"));
    EXPECT(VALID("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
    EXPECT(!VALID("\x80"));
    EXPECT(!VALID("\xc0\x80"));         // overlong
    EXPECT(!VALID("\xc1\xbf"));         // overlong
    EXPECT(!VALID("\xe0\x9f\xbf"));     // overlong
    EXPECT(!VALID("\xed\xa0\x80"));     // a surrogate
    EXPECT(!VALID("\xf0\x8f\xbf\xbf")); // overlong
    EXPECT(!VALID("\xf4\x90\x80\x80")); // above U+10FFFF
    EXPECT(!VALID("\xf5\x80\x80\x80"));
    EXPECT(!VALID("\xff"));
}

// U+0000 … U+10FFFF by arithmetic: how many bytes, or 0.
static size_t slow_len(const uint8_t *bytes, size_t left)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = bytes[0] < 0x80       ? 1
                 : bytes[0] >> 5 == 6  ? 2
                 : bytes[0] >> 4 == 14 ? 3
                 : bytes[0] >> 3 == 30 ? 4
                                       : 0;
    if (len == 0 || len > left)
        return 0;
    uint32_t point = len == 1 ? bytes[0] : bytes[0] & (0x7fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (bytes[i] >> 6 != 2)
            return 0;
        point = point << 6 | (bytes[i] & 63u);
    }
    bool fits = point >= smallest[len] && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
    return fits ? len : 0;
}

TEST(utf8, agrees_with_arithmetic_on_every_beginning)
{
    // All pairs of first bytes, with both kinds of bytes behind them.
    static const uint8_t tails[][2] = {{0x80, 0x80}, {0xbf, 0xbf}, {0x80, 0x40}, {0x20, 0x80}};
    for (unsigned pair = 0; pair < 0x10000; pair++) {
        for (unsigned tail = 0; tail < 4; tail++) {
            uint8_t bytes[4] = {(uint8_t)(pair >> 8), (uint8_t)pair, tails[tail][0],
                                tails[tail][1]};
            size_t len = slow_len(bytes, 4);
            size_t valid = utf8_valid_len(slice_of(bytes, 4));
            EXPECT((valid == 0) == (len == 0));
            EXPECT(valid >= len);
            for (size_t cut = 1; cut < 4; cut++)
                EXPECT((utf8_valid_len(slice_of(bytes, cut)) == 0) == (slow_len(bytes, cut) == 0));
        }
    }
}

TEST(utf8, long_ascii_is_seen_whole_and_ends_at_the_first_wrong_byte)
{
    uint8_t text[64];
    memset(text, 'a', sizeof text);
    for (size_t len = 0; len < sizeof text; len++)
        EXPECT_EQ(utf8_valid_len(slice_of(text, len)), len);
    for (size_t at = 0; at < sizeof text; at++) {
        text[at] = 0xff;
        EXPECT_EQ(utf8_valid_len(slice_of(text, sizeof text)), at);
        text[at] = 'a';
    }
}

TEST(utf8, repaired_text_is_valid_and_valid_text_unchanged)
{
    struct prng prng = prng_of(test_seed());
    for (unsigned round = 0; round < 5000; round++) {
        uint8_t text[40];
        uint8_t before[40];
        size_t len = prng_below(&prng, sizeof text + 1);
        for (size_t i = 0; i < len; i++)
            text[i] = (uint8_t)(prng_chance(&prng, 50) ? prng_below(&prng, 128) : prng_next(&prng));
        memcpy(before, text, sizeof text);
        size_t valid = utf8_valid_len(slice_of(text, len));
        utf8_repair(text, len);
        EXPECT_EQ(utf8_valid_len(slice_of(text, len)), len);
        if (valid > 0)
            EXPECT_MEM(text, before, valid);
        if (valid < len)
            EXPECT_EQ(text[valid], '?');
    }
}

TEST(utf8, repair_keeps_what_is_right)
{
    char text[] = "caf\xc3\xa9 \xff\xc3 \xe2\x82 \xe2\x82\xac";
    utf8_repair((uint8_t *)text, sizeof text - 1);
    EXPECT_STR(text, "caf\xc3\xa9 ?? ?? \xe2\x82\xac");
    utf8_repair(NULL, 0);
}
