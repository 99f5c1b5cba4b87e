// Explicit formats: big-endian, sticky errors.

#include "tests/support/test.h"

#include "lib/base/bytes.h"
#include "lib/base/prng.h"

TEST(bytes, numbers_are_big_endian)
{
    uint8_t room[64];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    bytes_put_u8(&out, 0x01);
    bytes_put_u16(&out, 0x0203);
    bytes_put_u32(&out, 0x04050607);
    bytes_put_u64(&out, 0x08090a0b0c0d0e0f);
    bytes_put_slice(&out, slice_of_text("xy"));
    static const uint8_t golden[] = {1,  2,  3,  4,  5, 6, 7, 8, 9,   10, 11,
                                     12, 13, 14, 15, 0, 0, 0, 2, 'x', 'y'};
    EXPECT_EQ(out.len, sizeof golden);
    EXPECT_MEM(room, golden, sizeof golden);
    EXPECT(!out.full);
}

TEST(bytes, what_was_put_is_got_and_nothing_is_left)
{
    struct prng prng = prng_of(test_seed());
    for (unsigned round = 0; round < 500; round++) {
        uint64_t number = prng_next(&prng) >> prng_below(&prng, 64);
        uint8_t room[64];
        struct bytes_out out = {.data = room, .cap = sizeof room};
        bytes_put_u64(&out, number);
        bytes_put_slice(&out, slice_of(room, prng_below(&prng, 9)));
        bytes_put_u32(&out, (uint32_t)number);
        bytes_put_u16(&out, (uint16_t)number);
        bytes_put_u8(&out, (uint8_t)number);
        struct bytes_in in = {.left = slice_of(room, out.len)};
        EXPECT_EQ(bytes_get_u64(&in), number);
        EXPECT(bytes_get_slice(&in).len <= 8);
        EXPECT_EQ(bytes_get_u32(&in), (uint32_t)number);
        EXPECT_EQ(bytes_get_u16(&in), (uint16_t)number);
        EXPECT(!bytes_is_whole(&in));
        EXPECT_EQ(bytes_get_u8(&in), (uint8_t)number);
        EXPECT(bytes_is_whole(&in));
    }
}

TEST(bytes, full_out_stops_before_what_does_not_fit_and_stays_full)
{
    uint8_t room[6] = {0, 0, 0, 0, 0, 0x77};
    struct bytes_out out = {.data = room, .cap = 5};
    bytes_put_u32(&out, 1);
    bytes_put_u16(&out, 0xffff);
    EXPECT(out.full);
    EXPECT_EQ(out.len, 4);
    bytes_put_u8(&out, 0xff); // would fit, but an earlier value is missing
    EXPECT_EQ(out.len, 4);
    EXPECT_EQ(room[4], 0);
    EXPECT_EQ(room[5], 0x77);
}

TEST(bytes, exactly_full_is_not_too_full)
{
    uint8_t room[8];
    struct bytes_out out = {.data = room, .cap = 8};
    bytes_put_u64(&out, 1);
    bytes_put(&out, NULL, 0);
    EXPECT(!out.full);
}

TEST(bytes, missing_input_is_zero_and_stays_bad)
{
    static const uint8_t three[] = {1, 2, 3};
    struct bytes_in in = {.left = slice_of(three, sizeof three)};
    EXPECT_EQ(bytes_get_u32(&in), 0);
    EXPECT(in.bad);
    EXPECT_EQ(bytes_get_u8(&in), 0);
    EXPECT(!bytes_is_whole(&in));
}

TEST(bytes, length_beyond_the_input_is_bad)
{
    static const uint8_t lying[] = {0xff, 0xff, 0xff, 0xff, 'a'};
    struct bytes_in in = {.left = slice_of(lying, sizeof lying)};
    struct slice got = bytes_get_slice(&in);
    EXPECT_EQ(got.len, 0);
    EXPECT(in.bad);
}

TEST(bytes, empty_input_reads_as_nothing)
{
    struct bytes_in in = {0};
    EXPECT(bytes_is_whole(&in));
    EXPECT_EQ(bytes_get(&in, 0).len, 0);
    EXPECT(bytes_is_whole(&in));
    EXPECT_EQ(bytes_get(&in, 1).len, 0);
    EXPECT(!bytes_is_whole(&in));
}

TEST(bytes, got_bytes_are_borrowed_not_copied)
{
    static const uint8_t data[] = "abcdef";
    struct bytes_in in = {.left = slice_of(data, 6)};
    EXPECT(bytes_get(&in, 2).data == data);
    EXPECT(bytes_get(&in, 4).data == data + 2);
}
