// RFC 4231, cases 2 and 6.

#include "lib/sys/hmac.h"

#include "tests/support/test.h"

#include <string.h>

TEST(hmac, the_vectors_of_the_rfc)
{
    static const uint8_t second[] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
                                     0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
                                     0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
                                     0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
    static const uint8_t sixth[] = {0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f,
                                    0x0d, 0x8a, 0x26, 0xaa, 0xcb, 0xf5, 0xb7, 0x7f,
                                    0x8e, 0x0b, 0xc6, 0x21, 0x37, 0x28, 0xc5, 0x14,
                                    0x05, 0x46, 0x04, 0x0f, 0x0e, 0xe3, 0x7f, 0x54};
    uint8_t hmac[HMAC_LEN];
    uint8_t long_key[131];
    const struct slice pieces[] = {slice_of_text("what do ya want"), slice_of(NULL, 0),
                                   slice_of_text(" for nothing?")};
    hmac_sha256(slice_of_text("Jefe"), pieces, 3, hmac);
    EXPECT_MEM(hmac, second, HMAC_LEN);
    memset(long_key, 0xaa, sizeof long_key);
    const struct slice piece =
        slice_of_text("Test Using Larger Than Block-Size Key - Hash Key First");
    hmac_sha256(slice_of(long_key, sizeof long_key), &piece, 1, hmac);
    EXPECT_MEM(hmac, sixth, HMAC_LEN);
}

TEST(hmac, its_text_is_base64)
{
    static const uint8_t zeros[HMAC_LEN];
    char text[HMAC_TEXT_LEN + 1];
    hmac_text(zeros, text);
    EXPECT_STR(text, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
}
