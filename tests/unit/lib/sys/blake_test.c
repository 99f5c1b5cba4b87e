// BLAKE2b with a digest of 16 bytes, against values that Python's hashlib gives.

#include "tests/support/test.h"

#include "lib/sys/blake.h"

TEST(blake, known_hashes)
{
    static const uint8_t nothing[16] = {0xca, 0xe6, 0x69, 0x41, 0xd9, 0xef, 0xbd, 0x40,
                                        0x4e, 0x4d, 0x88, 0x75, 0x8e, 0xa6, 0x76, 0x70};
    static const uint8_t abc[16] = {0xcf, 0x4a, 0xb7, 0x91, 0xc6, 0x2b, 0x8d, 0x2b,
                                    0x21, 0x09, 0xc9, 0x02, 0x75, 0x28, 0x78, 0x16};
    uint8_t hash[16];
    blake_hash16((struct slice){0}, hash);
    EXPECT_MEM(hash, nothing, 16);
    blake_hash16(slice_of_text("abc"), hash);
    EXPECT_MEM(hash, abc, 16);
}

TEST(blake, long_hash)
{
    static const uint8_t abc[32] = {0xbd, 0xdd, 0x81, 0x3c, 0x63, 0x42, 0x39, 0x72,
                                    0x31, 0x71, 0xef, 0x3f, 0xee, 0x98, 0x57, 0x9b,
                                    0x94, 0x96, 0x4e, 0x3b, 0xb1, 0xcb, 0x3e, 0x42,
                                    0x72, 0x62, 0xc8, 0xc0, 0x68, 0xd5, 0x23, 0x19};
    uint8_t hash[32];
    blake_hash32(slice_of_text("abc"), hash);
    EXPECT_MEM(hash, abc, 32);
    EXPECT(blake_is_same(hash, abc, 32));
    hash[31] ^= 1;
    EXPECT(!blake_is_same(hash, abc, 32));
}

TEST(blake, number_is_the_first_half_of_the_hash_of_both_parts)
{
    EXPECT_EQ(blake_u64(slice_of_text("abc"), (struct slice){0}), (intmax_t)0xcf4ab791c62b8d2bu);
    EXPECT_EQ(blake_u64(slice_of_text("a"), slice_of_text("bc")), (intmax_t)0xcf4ab791c62b8d2bu);
    EXPECT_EQ(blake_u64((struct slice){0}, slice_of_text("abc")), (intmax_t)0xcf4ab791c62b8d2bu);
}

TEST(blake, random_bytes_are_not_the_same_twice)
{
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};
    blake_random(a, sizeof a);
    blake_random(b, sizeof b);
    EXPECT(memcmp(a, b, sizeof a) != 0);
}
