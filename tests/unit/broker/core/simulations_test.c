// Who offers to simulate dry runs, and which are under way.

#include "broker/core/simulations.h"

#include "tests/support/test.h"

#include <stdlib.h>

enum { WORKERS = 4 };

static struct simulations made;

static struct simulations *new_simulations(void)
{
    struct limits limits = {.worker_count_max = WORKERS};
    free(made.simulators);
    made = (struct simulations){.count = 0};
    void *memory = calloc(1, simulations_size(&limits));
    EXPECT(memory != NULL);
    simulations_init(&made, memory, &limits);
    return &made;
}

static void offer(struct simulations *all, uint32_t worker, uint32_t slots, bool quiet)
{
    const struct slice types[] = {slice_of_text("a"), slice_of_text("b")};
    simulations_offer(all, worker,
                      &(struct msg_ready){.types = types,
                                          .type_count = 2,
                                          .simulates = types + 1,
                                          .simulate_count = 1,
                                          .simulation_slots = slots,
                                          .quiet = quiet});
}

static uint64_t ask(struct simulations *all, uint32_t worker, uint32_t client, when_ms ends_at)
{
    const struct simulation_under_way asked = {
        .client = client, .corr = client + 100, .worker = worker, .ends_at = ends_at};
    return simulations_ask(all, &asked)->no;
}

static uint32_t round_len(const struct simulations *all)
{
    uint32_t count = 0;
    for (uint32_t at = simulations_first(all); at != SIMULATIONS_NONE && count < 10; count++)
        at = simulations_next(all, at);
    return count;
}

TEST(simulations, those_who_offer_it_stand_in_a_ring_and_take_turns)
{
    struct simulations *all = new_simulations();
    EXPECT_EQ(simulations_first(all), SIMULATIONS_NONE);
    for (uint32_t worker = 0; worker < 3; worker++)
        offer(all, worker, 2, false);
    EXPECT_EQ(round_len(all), 3);
    EXPECT(!simulations_has_offer(all, 0, 0) && simulations_has_offer(all, 0, 1));
    for (uint32_t i = 0; i < 6; i++) {
        EXPECT_EQ(simulations_first(all), i % 3);
        (void)ask(all, i % 3, 7, 10);
    }
    EXPECT(!simulations_has_slot(all, 0));
    offer(all, 1, 2, true); // quiet
    offer(all, 2, 0, false);
    EXPECT_EQ(round_len(all), 1);
    simulations_close(all, 0);
    EXPECT_EQ(simulations_first(all), SIMULATIONS_NONE);
}

TEST(simulations, no_worker_gets_more_than_the_bound)
{
    struct simulations *all = new_simulations();
    offer(all, 0, 1000, false);
    uint32_t count = 0;
    for (; simulations_has_slot(all, 0); count++)
        (void)ask(all, 0, count, 10);
    EXPECT_EQ(count, SIMULATIONS_WORKER_MAX);
}

TEST(simulations, a_tenant_has_a_part_of_the_room_and_the_room_an_end)
{
    struct simulations *all = new_simulations();
    struct slice other = slice_of_text("acme");
    for (uint32_t worker = 0; worker < WORKERS; worker++)
        offer(all, worker, SIMULATIONS_WORKER_MAX, false);
    for (uint32_t i = 0; i < SIMULATIONS_TENANT_MAX; i++) {
        EXPECT(simulations_has_room(all, (struct slice){0}));
        (void)ask(all, 0, i, 10);
    }
    EXPECT(!simulations_has_room(all, (struct slice){0}) && simulations_has_room(all, other));
    for (uint32_t worker = 1; worker < WORKERS; worker++)
        for (uint32_t i = 0; i < SIMULATIONS_WORKER_MAX; i++)
            (void)ask(all, worker, i, 10);
    EXPECT_EQ(all->count, SIMULATIONS_MAX);
    EXPECT(!simulations_has_room(all, other));
}

TEST(simulations, credit_comes_back_by_the_word_of_the_worker_alone)
{
    struct simulations *all = new_simulations();
    uint32_t place = 0;
    offer(all, 0, 1, false);
    offer(all, 1, 1, false);
    uint64_t no = ask(all, 0, 7, 10);
    EXPECT(!simulations_answered(all, 1, no, &place)); // another worker
    EXPECT(!simulations_answered(all, 0, no + 1, &place));
    simulations_end(all, simulations_earliest(all)); // its time is over
    EXPECT(!simulations_has_slot(all, 0));
    EXPECT(simulations_answered(all, 0, no, &place) && place == SIMULATIONS_NONE);
    EXPECT(simulations_has_slot(all, 0));
    EXPECT(!simulations_answered(all, 0, no, &place)); // twice
}

TEST(simulations, what_a_worker_leaves_behind_is_due_at_once)
{
    struct simulations *all = new_simulations();
    offer(all, 0, 2, false);
    (void)ask(all, 0, 7, 50);
    (void)ask(all, 0, 8, 20);
    EXPECT_EQ(simulations_deadline(all), 20);
    EXPECT(simulations_is_asked(all, 7, 107) && !simulations_is_asked(all, 7, 108));
    simulations_close(all, 0);
    EXPECT_EQ(simulations_deadline(all), 0);
    uint32_t place = simulations_earliest(all);
    EXPECT_EQ(simulations_at(all, place)->worker, SIMULATIONS_NONE);
    simulations_forget(all, 7);
    simulations_forget(all, 8);
    EXPECT_EQ(simulations_deadline(all), WHEN_NEVER);
    EXPECT_EQ(all->count, 0);
}
