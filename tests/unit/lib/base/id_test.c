// UUIDs of versions 7 and 8, their text, their hash.

#include "tests/support/test.h"

#include "lib/base/id.h"
#include "lib/base/prng.h"

static const char text[] = "018bcfe5-6800-7abc-8123-456789abcdef";

TEST(id, v7_has_time_slot_and_randomness_in_their_places)
{
    struct id id = id_v7(1700000000000, 0xabc, 0x0123456789abcdef);
    char out[ID_TEXT_LEN + 1];
    id_to_text(&id, out);
    EXPECT_STR(out, text);
    EXPECT_EQ(id_version(&id), 7);
    EXPECT_EQ(id_slot(&id), 0xabc);
    EXPECT_EQ(id_time(&id), 1700000000000);
    EXPECT_EQ(id.bytes[8] >> 6, 2);
}

TEST(id, v7_sorts_by_time)
{
    struct prng prng = prng_of(test_seed());
    for (unsigned i = 0; i < 1000; i++) {
        when_ms at = (when_ms)prng_below(&prng, (uint64_t)1 << 47);
        struct id early = id_v7(at, (uint16_t)prng_below(&prng, 4096), prng_next(&prng));
        struct id late = id_v7(at + 1, (uint16_t)prng_below(&prng, 4096), prng_next(&prng));
        EXPECT_EQ(memcmp(early.bytes, late.bytes, 16) < 0, true);
    }
}

TEST(id, v8_keeps_the_hash_around_slot_version_and_variant)
{
    uint8_t hash[16];
    memset(hash, 0xff, sizeof hash);
    struct id id = id_v8(0x123, hash);
    char out[ID_TEXT_LEN + 1];
    id_to_text(&id, out);
    EXPECT_STR(out, "123fffff-ffff-8fff-bfff-ffffffffffff");
    EXPECT_EQ(id_version(&id), 8);
    EXPECT_EQ(id_slot(&id), 0x123);
}

TEST(id, every_slot_comes_back)
{
    static const uint8_t hash[16] = {1, 2, 3};
    for (uint16_t slot = 0; slot <= ID_SLOT_MAX; slot++) {
        struct id seven = id_v7(slot, slot, slot);
        struct id eight = id_v8(slot, hash);
        EXPECT_EQ(id_slot(&seven), slot);
        EXPECT_EQ(id_slot(&eight), slot);
    }
}

TEST(id, what_does_not_fit_is_a_bug)
{
    static const uint8_t hash[16] = {0};
    EXPECT_DIES((void)id_v7(-1, 0, 0));
    EXPECT_DIES((void)id_v7((when_ms)1 << 48, 0, 0));
    EXPECT_DIES((void)id_v7(0, ID_SLOT_MAX + 1, 0));
    EXPECT_DIES((void)id_v8(ID_SLOT_MAX + 1, hash));
}

TEST(id, text_is_read_in_both_cases)
{
    struct id small;
    struct id capital;
    EXPECT_EQ(id_from_text(slice_of_text(text), &small), OK);
    EXPECT_EQ(id_from_text(slice_of_text("018BCFE5-6800-7ABC-8123-456789ABCDEF"), &capital), OK);
    EXPECT(id_equal(&small, &capital));
}

TEST(id, text_comes_back_for_any_bytes)
{
    struct prng prng = prng_of(test_seed());
    for (unsigned round = 0; round < 1000; round++) {
        struct id id;
        for (unsigned i = 0; i < 16; i++)
            id.bytes[i] = (uint8_t)prng_next(&prng);
        char out[ID_TEXT_LEN + 1];
        struct id back;
        id_to_text(&id, out);
        EXPECT_EQ(id_from_text(slice_of_text(out), &back), OK);
        EXPECT(id_equal(&id, &back));
    }
}

TEST(id, other_texts_are_refused_and_nothing_is_written)
{
    struct id id = {{7}};
    for (size_t i = 0; i < ID_TEXT_LEN; i++) {
        char bad[sizeof text];
        memcpy(bad, text, sizeof text);
        bad[i] = bad[i] == '-' ? '0' : 'g';
        EXPECT_EQ(id_from_text(slice_of_text(bad), &id), ERR_MALFORMED);
        EXPECT_EQ(id_from_text(slice_of(text, i), &id), ERR_MALFORMED);
    }
    EXPECT_EQ(id_from_text(slice_of_text("018bcfe5-6800-7abc-8123-456789abcdef0"), &id),
              ERR_MALFORMED);
    EXPECT_EQ(id_from_text(slice_of_text("018bcfe568007abc8123456789abcdef"), &id), ERR_MALFORMED);
    EXPECT_EQ(id_from_text(slice_of_text("{18bcfe5-6800-7abc-8123-456789abcde}"), &id),
              ERR_MALFORMED);
    EXPECT_EQ(id.bytes[0], 7);
}

TEST(id, bytes_are_sixteen)
{
    static const uint8_t bytes[17] = {1, 2, 3};
    struct id id = {{9}};
    EXPECT_EQ(id_from_bytes(slice_of(bytes, 15), &id), ERR_MALFORMED);
    EXPECT_EQ(id_from_bytes(slice_of(bytes, 17), &id), ERR_MALFORMED);
    EXPECT_EQ(id_from_bytes((struct slice){0}, &id), ERR_MALFORMED);
    EXPECT_EQ(id.bytes[0], 9);
    EXPECT_EQ(id_from_bytes(slice_of(bytes, 16), &id), OK);
    EXPECT_MEM(id.bytes, bytes, 16);
}

TEST(id, zero_is_zero_in_every_byte)
{
    for (unsigned i = 0; i < 16; i++) {
        struct id id = {{0}};
        EXPECT(id_is_zero(&id));
        id.bytes[i] = 1;
        EXPECT(!id_is_zero(&id));
        struct id zero = {{0}};
        EXPECT(!id_equal(&id, &zero));
    }
}

TEST(id, hash_depends_on_every_bit_and_on_the_seed)
{
    struct id id = id_v7(1700000000000, 1, 2);
    uint64_t hash = id_hash(&id, 5);
    EXPECT_EQ(id_hash(&id, 5), hash);
    EXPECT(id_hash(&id, 6) != hash);
    for (unsigned bit = 0; bit < 128; bit++) {
        struct id other = id;
        other.bytes[bit / 8] = (uint8_t)(other.bytes[bit / 8] ^ 1u << bit % 8);
        EXPECT(id_hash(&other, 5) != hash);
    }
}

TEST(id, hash_spreads_ids_made_in_a_row)
{
    // 4,096 ids over 256 buckets by the upper bits: 16 each; far more would be a cluster.
    unsigned counts[256] = {0};
    for (unsigned i = 0; i < 4096; i++) {
        struct id id = id_v7(1700000000000 + i / 8, 7, i);
        unsigned bucket = (unsigned)(id_hash(&id, 1) >> 32) & 255u;
        counts[bucket]++;
        EXPECT(counts[bucket] < 60);
    }
}
