// Unique keys: found by hash and by holder, given back at an end or at a moment.

#include "broker/core/uniques.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { CAP = 8 };

static struct id id_of(uint32_t number)
{
    return id_v7(1000, 0, number);
}

static struct unique_row row_of(uint64_t no, uint32_t hash, when_ms until, bool waits_end)
{
    return (struct unique_row){.no = no,
                               .job_id = id_of((uint32_t)no),
                               .hash = id_of(hash),
                               .until = until,
                               .waits_end = waits_end};
}

static void *make(struct uniques *uniques, uint32_t cap)
{
    void *memory = calloc(1, uniques_size(cap));
    EXPECT(memory != NULL);
    uniques_init(uniques, memory, cap, test_seed());
    return memory;
}

static uint32_t hold(struct uniques *uniques, struct unique_row row)
{
    uniques_hold(uniques, &row);
    return uniques_of(uniques, row.no);
}

TEST(uniques, a_key_is_found_by_its_hash_and_by_its_holder)
{
    struct uniques uniques;
    void *memory = make(&uniques, CAP);
    uint32_t at = hold(&uniques, row_of(5, 50, 0, true));
    struct id hash = id_of(50);
    struct id other = id_of(51);
    EXPECT_EQ(uniques_find(&uniques, &hash), at);
    EXPECT_EQ(uniques_find(&uniques, &other), UNIQUES_NONE);
    EXPECT_EQ(uniques_at(&uniques, at)->no, 5);
    EXPECT_EQ(uniques_of(&uniques, 6), UNIQUES_NONE);
    EXPECT_EQ(uniques_deadline(&uniques), WHEN_NEVER);
    free(memory);
}

TEST(uniques, the_end_of_its_holder_frees_a_key_that_waits_for_nothing_else)
{
    struct uniques uniques;
    void *memory = make(&uniques, CAP);
    uint32_t at = hold(&uniques, row_of(5, 50, 0, true));
    EXPECT(uniques_end(&uniques, at, 10));
    EXPECT_EQ(uniques_of(&uniques, 5), UNIQUES_NONE);
    EXPECT_EQ(uniques.count, 0);
    // Both, and the moment has passed.
    at = hold(&uniques, row_of(6, 50, 10, true));
    EXPECT_EQ(uniques_first(&uniques), UNIQUES_NONE);
    EXPECT(uniques_end(&uniques, at, 10));
    free(memory);
}

TEST(uniques, a_moment_that_is_still_to_come_is_waited_for)
{
    struct uniques uniques;
    void *memory = make(&uniques, CAP);
    uint32_t timed = hold(&uniques, row_of(5, 50, 20, false));
    uint32_t both = hold(&uniques, row_of(6, 51, 10, true));
    EXPECT_EQ(uniques_deadline(&uniques), 20);
    EXPECT(!uniques_end(&uniques, both, 5));
    EXPECT_EQ(uniques_first(&uniques), both);
    EXPECT_EQ(uniques_deadline(&uniques), 10);
    EXPECT(!uniques_end(&uniques, timed, 5));
    EXPECT(!uniques_end(&uniques, timed, 25)); // uniques_pass() does that
    uniques_pass(&uniques, both);
    uniques_pass(&uniques, timed);
    EXPECT_EQ(uniques.count, 0);
    EXPECT_EQ(uniques_deadline(&uniques), WHEN_NEVER);
    free(memory);
}

TEST(uniques, a_full_table_says_so)
{
    struct uniques uniques;
    void *memory = make(&uniques, 2);
    uint32_t first = hold(&uniques, row_of(1, 1, 0, true));
    (void)hold(&uniques, row_of(2, 2, 5, false));
    EXPECT(!uniques_has_room(&uniques));
    struct unique_row third = row_of(3, 3, 0, true);
    EXPECT_EQ(uniques_load(&uniques, &third), ERR_FULL);
    EXPECT_DIES(uniques_hold(&uniques, &third));
    EXPECT(uniques_end(&uniques, first, 1));
    EXPECT_EQ(uniques_load(&uniques, &third), OK);
    free(memory);
}

TEST(uniques, rows_that_contradict_each_other_are_damaged)
{
    struct uniques uniques;
    void *memory = make(&uniques, CAP);
    struct unique_row row = row_of(1, 1, 0, true);
    EXPECT_EQ(uniques_load(&uniques, &row), OK);
    EXPECT_EQ(uniques_load(&uniques, &row), ERR_DAMAGED);
    struct unique_row same_hash = row_of(2, 1, 0, true);
    struct unique_row same_holder = row_of(1, 2, 0, true);
    struct unique_row no_span = row_of(3, 3, 0, false);
    struct unique_row nobody = row_of(0, 4, 0, true);
    EXPECT_EQ(uniques_load(&uniques, &same_hash), ERR_DAMAGED);
    EXPECT_EQ(uniques_load(&uniques, &same_holder), ERR_DAMAGED);
    EXPECT_EQ(uniques_load(&uniques, &no_span), ERR_DAMAGED);
    EXPECT_EQ(uniques_load(&uniques, &nobody), ERR_DAMAGED);
    free(memory);
}

TEST(uniques, agree_with_a_plain_list)
{
    struct prng prng = prng_of(test_seed());
    struct uniques uniques;
    void *memory = make(&uniques, 16);
    uint64_t holders[16] = {0}; // by hash
    uint64_t next = 1;
    for (unsigned round = 0; round < 20000; round++) {
        uint32_t number = (uint32_t)prng_below(&prng, 16);
        struct id hash = id_of(number);
        uint32_t at = uniques_find(&uniques, &hash);
        EXPECT_EQ(at != UNIQUES_NONE, holders[number] != 0);
        if (at == UNIQUES_NONE) {
            holders[number] = next++;
            bool is_timed = prng_chance(&prng, 50);
            (void)hold(&uniques, row_of(holders[number], number, is_timed ? (when_ms)round + 5 : 0,
                                        !is_timed));
            continue;
        }
        EXPECT_EQ(uniques_at(&uniques, at)->no, holders[number]);
        if (uniques_at(&uniques, at)->waits_end)
            EXPECT(uniques_end(&uniques, at, round));
        else
            uniques_pass(&uniques, at);
        holders[number] = 0;
    }
    free(memory);
}
