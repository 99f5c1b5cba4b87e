// Deliveries of progress: found by receiver and by slot; rounds.

#include "broker/core/bulletins.h"

#include "tests/support/test.h"

#include <stdlib.h>

enum { SLOT = 3, NOW = 1000 * 1000 };

static struct id id_of(uint32_t number)
{
    return id_v7(1000, 0, number);
}

static void *make(struct bulletins *bulletins, uint32_t cap)
{
    const struct limits limits = {.job_count_max = 8, .lease_count_max = cap};
    void *memory = calloc(1, bulletins_size(&limits));
    EXPECT(memory != NULL);
    bulletins_init(bulletins, memory, &limits, test_seed());
    return memory;
}

TEST(bulletins, found_by_receiver_and_by_slot)
{
    struct bulletins bulletins;
    void *memory = make(&bulletins, 2);
    struct id job = id_of(1);
    struct id other = id_of(2);
    EXPECT_EQ(bulletins_find(&bulletins, &job, 7), BULLETINS_NONE);
    bulletins_add(&bulletins, &(struct bulletin){.parent = job, .receiver = 7, .slot = SLOT});
    EXPECT(bulletins_has_room(&bulletins));
    bulletins_add(&bulletins, &(struct bulletin){.parent = job, .receiver = 8, .slot = SLOT + 1});
    EXPECT(!bulletins_has_room(&bulletins));
    EXPECT_EQ(bulletins_find(&bulletins, &other, 7), BULLETINS_NONE);
    EXPECT_EQ(bulletins_of(&bulletins, SLOT + 2), BULLETINS_NONE);
    uint32_t no = bulletins_find(&bulletins, &job, 7);
    EXPECT_EQ(bulletins_of(&bulletins, SLOT), no);
    EXPECT(!bulletins_at(&bulletins, no)->is_behind);
    bulletins_drop(&bulletins, no);
    EXPECT_EQ(bulletins_find(&bulletins, &job, 7), BULLETINS_NONE);
    EXPECT_EQ(bulletins_of(&bulletins, SLOT), BULLETINS_NONE);
    EXPECT(bulletins_find(&bulletins, &job, 8) != BULLETINS_NONE);
    bulletins_add(&bulletins, &(struct bulletin){.parent = other, .receiver = 7, .slot = SLOT});
    EXPECT_EQ(bulletins_of(&bulletins, SLOT), no);
    free(memory);
}

TEST(bulletins, rounds_of_a_job_are_a_gap_apart)
{
    struct bulletins bulletins;
    void *memory = make(&bulletins, 2);
    EXPECT_EQ(bulletins_round(&bulletins, SLOT, NOW), NOW);
    EXPECT_EQ(bulletins_round(&bulletins, SLOT, NOW), NOW + BULLETINS_GAP_MS);
    EXPECT_EQ(bulletins_round(&bulletins, SLOT, NOW + 1), NOW + BULLETINS_GAP_MS); // the same
    EXPECT_EQ(bulletins_round(&bulletins, SLOT, NOW + BULLETINS_GAP_MS),
              NOW + 2 * BULLETINS_GAP_MS);
    EXPECT_EQ(bulletins_round(&bulletins, SLOT, NOW + 3 * BULLETINS_GAP_MS),
              NOW + 3 * BULLETINS_GAP_MS);
    EXPECT_EQ(bulletins_round(&bulletins, SLOT + 1, NOW), NOW);
    bulletins_forget(&bulletins, SLOT + 1);
    EXPECT_EQ(bulletins_round(&bulletins, SLOT + 1, NOW), NOW);
    free(memory);
}

TEST(bulletins, an_old_round_is_none_however_long_ago)
{
    struct bulletins bulletins;
    void *memory = make(&bulletins, 2);
    when_ms wrap = (when_ms)1 << 32;
    for (when_ms later = BULLETINS_GAP_MS; later < wrap; later += wrap / 64) {
        (void)bulletins_round(&bulletins, SLOT, NOW);
        EXPECT_EQ(bulletins_round(&bulletins, SLOT, NOW + later), NOW + later);
        bulletins_forget(&bulletins, SLOT);
    }
    // A moment whose low half is zero counts too.
    EXPECT_EQ(bulletins_round(&bulletins, SLOT, wrap), wrap);
    EXPECT(bulletins_round(&bulletins, SLOT, wrap + 1) > wrap + BULLETINS_GAP_MS / 2);
    free(memory);
}
