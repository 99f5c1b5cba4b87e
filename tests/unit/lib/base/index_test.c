// Linear hashing against an array of what should be in it.

#include "tests/support/test.h"

#include "lib/base/index.h"
#include "lib/base/prng.h"

#include <stdlib.h>
#include <string.h>

enum { CAP = 500, UNTOUCHED = 0xa5 };

static void *memory_of(uint32_t cap)
{
    void *memory = test_malloc(index_size(cap));
    memset(memory, UNTOUCHED, index_size(cap));
    return memory;
}

static bool has(const struct index *index, uint32_t slot, uint64_t hash)
{
    for (uint32_t at = index_first(index, hash); at != INDEX_NONE; at = index_next(index, at)) {
        if (at == slot)
            return true;
    }
    return false;
}

static unsigned matches(const struct index *index, uint64_t hash)
{
    unsigned count = 0;
    for (uint32_t at = index_first(index, hash); at != INDEX_NONE; at = index_next(index, at))
        count++;
    return count;
}

TEST(index, agrees_with_an_array)
{
    void *memory = memory_of(CAP);
    struct index index;
    index_init(&index, memory, CAP);
    struct prng prng = prng_of(test_seed());
    uint64_t hashes[CAP];
    bool present[CAP] = {false};
    for (unsigned step = 0; step < 50000; step++) {
        // Waves of growth and shrinking.
        bool is_growing = step / 5000 % 2 == 0;
        uint32_t slot = (uint32_t)prng_below(&prng, CAP);
        if (!present[slot] && (is_growing || prng_chance(&prng, 20))) {
            hashes[slot] = prng_next(&prng) & 0xffffff3f00000000u;
            index_add(&index, slot, hashes[slot]);
            present[slot] = true;
        } else if (present[slot] && (!is_growing || prng_chance(&prng, 20))) {
            EXPECT(has(&index, slot, hashes[slot]));
            index_drop(&index, slot, hashes[slot]);
            present[slot] = false;
            EXPECT(!has(&index, slot, hashes[slot]));
        }
        if (step % 1000 != 0)
            continue;
        uint32_t count = 0;
        for (uint32_t i = 0; i < CAP; i++) {
            count += present[i];
            EXPECT(!present[i] || has(&index, i, hashes[i]));
        }
        EXPECT_EQ(index.count, count);
    }
    test_free(memory);
}

TEST(index, can_be_filled_to_its_cap_and_no_further)
{
    void *memory = memory_of(CAP);
    struct index index;
    index_init(&index, memory, CAP);
    struct prng prng = prng_of(1);
    for (uint32_t slot = 0; slot < CAP; slot++)
        index_add(&index, slot, prng_next(&prng));
    EXPECT_EQ(index.count, CAP);
    EXPECT_EQ(index.bucket_count, CAP);
    prng = prng_of(1);
    for (uint32_t slot = 0; slot < CAP; slot++)
        EXPECT(has(&index, slot, prng_next(&prng)));
    EXPECT_DIES(index_add(&index, 0, 7));
    EXPECT_DIES(index_add(&index, CAP, 7));
    test_free(memory);
}

TEST(index, prepared_buckets_hold_and_grow_like_others)
{
    enum { PREPARED = CAP / 3 };
    void *memory = memory_of(CAP);
    struct index index;
    index_init(&index, memory, CAP);
    index_prepare(&index, PREPARED);
    EXPECT_EQ(index.bucket_count, PREPARED);
    for (uint32_t slot = 0; slot < CAP; slot++)
        index_add(&index, slot, prng_mix(slot));
    for (uint32_t slot = 0; slot < CAP; slot++)
        EXPECT(has(&index, slot, prng_mix(slot)));
    EXPECT_EQ(index.bucket_count, CAP);
    test_free(memory);
}

TEST(index, preparing_a_filled_index_is_a_bug)
{
    void *memory = memory_of(8);
    struct index index;
    index_init(&index, memory, 8);
    index_add(&index, 0, 1);
    EXPECT_DIES(index_prepare(&index, 4));
    test_free(memory);
}

TEST(index, one_slot_works)
{
    void *memory = memory_of(1);
    struct index index;
    index_init(&index, memory, 1);
    EXPECT_EQ(index_first(&index, 5), INDEX_NONE);
    index_add(&index, 0, UINT64_MAX);
    EXPECT(has(&index, 0, UINT64_MAX));
    index_drop(&index, 0, UINT64_MAX);
    EXPECT_EQ(index_first(&index, UINT64_MAX), INDEX_NONE);
    test_free(memory);
}

TEST(index, equal_hashes_are_all_found)
{
    void *memory = memory_of(CAP);
    struct index index;
    index_init(&index, memory, CAP);
    for (uint32_t slot = 0; slot < CAP; slot++)
        index_add(&index, slot, 0x1234567800000000u);
    EXPECT_EQ(matches(&index, 0x1234567800000000u), CAP);
    for (uint32_t slot = 0; slot < CAP; slot += 2)
        index_drop(&index, slot, 0x1234567800000000u);
    EXPECT_EQ(matches(&index, 0x1234567800000000u), CAP / 2);
    test_free(memory);
}

TEST(index, memory_never_needed_is_never_touched)
{
    enum { MANY = 100000, USED = 1000 };
    uint8_t *memory = memory_of(MANY);
    struct index index;
    index_init(&index, memory, MANY);
    struct prng prng = prng_of(test_seed());
    for (uint32_t slot = 0; slot < USED; slot++)
        index_add(&index, slot, prng_next(&prng));
    size_t links = USED * sizeof(struct index_link);
    size_t heads = (size_t)((const uint8_t *)index.heads - memory);
    for (size_t i = links; i < heads; i++)
        EXPECT_EQ(memory[i], UNTOUCHED);
    for (size_t i = heads + USED * sizeof(uint32_t); i < index_size(MANY); i++)
        EXPECT_EQ(memory[i], UNTOUCHED);
    test_free(memory);
}

TEST(index, chains_stay_short)
{
    void *memory = memory_of(CAP);
    struct index index;
    index_init(&index, memory, CAP);
    struct prng prng = prng_of(test_seed());
    uint32_t longest = 0;
    for (uint32_t slot = 0; slot < CAP; slot++)
        index_add(&index, slot, prng_next(&prng));
    for (uint32_t bucket = 0; bucket < index.bucket_count; bucket++) {
        uint32_t len = 0;
        for (uint32_t at = index.heads[bucket]; at != INDEX_NONE; at = index.links[at].next)
            len++;
        longest = len > longest ? len : longest;
    }
    EXPECT(longest <= 16);
    test_free(memory);
}

TEST(index, dropping_what_is_not_there_is_a_bug)
{
    void *memory = memory_of(4);
    struct index index;
    index_init(&index, memory, 4);
    index_add(&index, 1, 7);
    EXPECT_DIES(index_drop(&index, 2, 7));
    EXPECT_DIES(index_init(&index, memory, 0));
    test_free(memory);
}

// Warming changes nothing, whatever is in it.
TEST(index, warming_reads_only)
{
    void *memory = memory_of(CAP);
    struct index index;
    index_init(&index, memory, CAP);
    for (uint32_t slot = 0; slot < CAP; slot++) {
        uint64_t hash = (uint64_t)slot * 0x9e3779b97f4a7c15u;
        index_warm_bucket(&index, hash);
        index_warm_slot(&index, hash);
        EXPECT(!has(&index, slot, hash));
        index_add(&index, slot, hash);
        index_warm_bucket(&index, hash);
        index_warm_slot(&index, hash);
        EXPECT(has(&index, slot, hash));
    }
    EXPECT_EQ(index.count, CAP);
    test_free(memory);
}
