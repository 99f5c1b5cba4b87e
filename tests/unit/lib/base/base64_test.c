// Base64, both ways.

#include "lib/base/base64.h"

#include "tests/support/test.h"

static uint8_t room[64];
static size_t len;

static err get(const char *text)
{
    return base64_get(slice_of_text(text), room, sizeof room, &len);
}

TEST(base64, the_vectors_of_rfc_4648)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char text[16];
        struct slice bytes = slice_of_text(pairs[i][0]);
        base64_put(bytes, text);
        EXPECT_EQ(base64_len(bytes.len), strlen(pairs[i][1]));
        EXPECT(memcmp(text, pairs[i][1], strlen(pairs[i][1])) == 0);
        EXPECT_EQ(get(pairs[i][1]), OK);
        EXPECT(slice_is_text(slice_of(room, len), pairs[i][0]));
    }
}

TEST(base64, every_byte_comes_back)
{
    for (unsigned i = 0; i < 256; i++) {
        const uint8_t bytes[] = {(uint8_t)i, (uint8_t)(255 - i), (uint8_t)(i * 7), (uint8_t)i};
        char text[9] = {0};
        base64_put(slice_of(bytes, sizeof bytes), text);
        EXPECT_EQ(get(text), OK);
        EXPECT_EQ(len, sizeof bytes);
        EXPECT(memcmp(room, bytes, sizeof bytes) == 0);
    }
}

TEST(base64, another_writing_is_refused)
{
    static const char *const wrong[] = {
        "Zg",    "Zg=",  "Zg===",    "Z===", "====", "Zh==", "Zm9=",
        "Zm 9v", "Zm9-", "Zg==Zg==", "Zm9_", "=Zm9", "Z=m9", "\x80m9v"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        EXPECT_EQ(get(wrong[i]), ERR_MALFORMED);
    len = 77;
    EXPECT_EQ(base64_get(slice_of_text("Zm9vYg=="), room, 3, &len), ERR_TOO_LARGE);
    EXPECT_EQ(len, 77);
}
