// The table of keys, against a plain array; keys that share a hash are all candidates.

#include "broker/core/keys.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { CAP = 24, NUMBERS = 48 };

static struct id id_of(uint32_t number)
{
    uint8_t hash[16] = {0};
    hash[15] = (uint8_t)number;
    return id_v8(1, hash);
}

static void *make(struct keys *keys, uint32_t cap)
{
    void *memory = calloc(1, keys_size(cap));
    EXPECT(memory != NULL);
    keys_init(keys, memory, cap, test_seed());
    return memory;
}

static unsigned candidates(const struct keys *keys, const struct id *id, uint64_t job_no)
{
    unsigned count = 0;
    for (uint32_t at = keys_first(keys, id); at != INDEX_NONE; at = keys_next(keys, at))
        count += keys_job_no(keys, at) == job_no;
    return count;
}

TEST(keys, agree_with_a_plain_array)
{
    struct prng prng = prng_of(test_seed());
    struct keys keys;
    void *memory = make(&keys, CAP);
    uint64_t held[NUMBERS] = {0};
    uint64_t next = 1;
    uint32_t count = 0;
    for (unsigned round = 0; round < 20000; round++) {
        uint32_t number = (uint32_t)prng_below(&prng, NUMBERS);
        struct id id = id_of(number);
        if (held[number] != 0) {
            EXPECT_EQ(candidates(&keys, &id, held[number]), 1);
            keys_drop(&keys, &id, held[number]);
            EXPECT_EQ(candidates(&keys, &id, held[number]), 0);
            held[number] = 0;
            count--;
        } else if (keys_has_room(&keys)) {
            held[number] = next++;
            keys_add(&keys, &id, held[number]);
            count++;
        }
        EXPECT_EQ(keys.index.count, count);
        EXPECT_EQ(keys_has_room(&keys), count < CAP);
    }
    free(memory);
}

TEST(keys, equal_ids_are_told_apart_by_their_job)
{
    struct keys keys;
    void *memory = make(&keys, 4);
    struct id id = id_of(7);
    keys_add(&keys, &id, 10);
    keys_add(&keys, &id, 20);
    keys_drop(&keys, &id, 10);
    EXPECT_EQ(candidates(&keys, &id, 10), 0);
    EXPECT_EQ(candidates(&keys, &id, 20), 1);
    free(memory);
}

TEST(keys, a_full_table_and_an_unknown_key_stop_the_process)
{
    struct keys keys;
    void *memory = make(&keys, 1);
    struct id id = id_of(1);
    struct id other = id_of(2);
    keys_add(&keys, &id, 1);
    EXPECT(!keys_has_room(&keys));
    EXPECT_DIES(keys_add(&keys, &other, 2));
    EXPECT_DIES(keys_drop(&keys, &id, 2));
    EXPECT_DIES(keys_drop(&keys, &other, 1));
    free(memory);
}
