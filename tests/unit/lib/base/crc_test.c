// CRC-32C against the vectors of RFC 3720, appendix B.4, and against the polynomial itself.

#include "tests/support/test.h"

#include "lib/base/crc.h"
#include "lib/base/prng.h"

TEST(crc, vectors_of_rfc_3720)
{
    uint8_t bytes[32];
    memset(bytes, 0, sizeof bytes);
    EXPECT_EQ(crc_of(slice_of(bytes, 32)), 0x8a9136aau);
    memset(bytes, 0xff, sizeof bytes);
    EXPECT_EQ(crc_of(slice_of(bytes, 32)), 0x62a8ab43u);
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (uint8_t)i;
    EXPECT_EQ(crc_of(slice_of(bytes, 32)), 0x46dd794eu);
    for (unsigned i = 0; i < 32; i++)
        bytes[i] = (uint8_t)(31 - i);
    EXPECT_EQ(crc_of(slice_of(bytes, 32)), 0x113fdb5cu);
    static const uint8_t read_command[48] = {
        0x01, 0xc0, 0, 0, 0, 0, 0,    0, 0,    0, 0, 0,    0, 0, 0, 0,
        0x14, 0,    0, 0, 0, 0, 0x04, 0, 0,    0, 0, 0x14, 0, 0, 0, 0x18,
        0x28, 0,    0, 0, 0, 0, 0,    0, 0x02, 0, 0, 0,    0, 0, 0, 0};
    EXPECT_EQ(crc_of(slice_of(read_command, 48)), 0xd9963a56u);
}

TEST(crc, check_value_and_nothing)
{
    EXPECT_EQ(crc_of(slice_of_text("123456789")), 0xe3069283u);
    EXPECT_EQ(crc_of((struct slice){0}), 0);
}

// Bit by bit, straight from the definition.
static uint32_t slow_crc(struct slice bytes)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= bytes.data[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = (crc & 1u) != 0 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    }
    return ~crc;
}

TEST(crc, agrees_with_the_definition_at_every_length)
{
    struct prng prng = prng_of(test_seed());
    uint8_t bytes[300];
    for (size_t len = 0; len < sizeof bytes; len++) {
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)prng_next(&prng);
        EXPECT_EQ(crc_of(slice_of(bytes, len)), slow_crc(slice_of(bytes, len)));
    }
}

TEST(crc, every_flipped_bit_is_seen)
{
    uint8_t bytes[64] = {1, 2, 3};
    uint32_t whole = crc_of(slice_of(bytes, sizeof bytes));
    for (unsigned bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
        EXPECT(crc_of(slice_of(bytes, sizeof bytes)) != whole);
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
    }
}
