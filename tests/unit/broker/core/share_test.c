// Whose turn it is: weights, urgency, and nobody saves up turns.

#include "broker/core/share.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

#include <stdlib.h>

struct bench {
    struct queues queues;
    struct lanes lanes;
    struct share share;
    void *memory[3];
};

static void make(struct bench *bench)
{
    struct limits limits = {.tenant_count_max = 3, .queue_count_max = 8, .lane_count_max = 16};
    bench->memory[0] = calloc(1, queues_size(&limits));
    bench->memory[1] = calloc(1, lanes_size(limits.lane_count_max));
    bench->memory[2] = calloc(1, share_size(&limits));
    queues_init(&bench->queues, bench->memory[0], &limits, test_seed());
    lanes_init(&bench->lanes, bench->memory[1], limits.lane_count_max, &bench->queues, test_seed());
    share_init(&bench->share, bench->memory[2], &limits, &bench->lanes);
}

static void drop(struct bench *bench)
{
    for (unsigned i = 0; i < 3; i++)
        free(bench->memory[i]);
}

static uint32_t queue(struct bench *bench, const char *tenant, const char *name)
{
    return queues_add(&bench->queues, (struct queue_name){.tenant = slice_of_text(tenant),
                                                          .queue = slice_of_text(name)});
}

static uint32_t lane(struct bench *bench, uint32_t in, const char *type, when_ms urgency)
{
    uint32_t no = lanes_add(&bench->lanes, in, slice_of_text(type));
    share_set_urgency(&bench->share, no, urgency, no);
    return no;
}

static uint32_t serve(struct bench *bench)
{
    uint32_t next = share_next(&bench->share);
    if (next != SHARE_NONE)
        share_serve(&bench->share, next);
    return next;
}

TEST(share, nothing_waits)
{
    struct bench bench;
    make(&bench);
    EXPECT_EQ(share_next(&bench.share), SHARE_NONE);
    uint32_t a = lane(&bench, queue(&bench, "", "q"), "a", 5);
    EXPECT_EQ(share_next(&bench.share), a);
    share_set_urgency(&bench.share, a, WHEN_NEVER, a);
    EXPECT_EQ(share_next(&bench.share), SHARE_NONE);
    drop(&bench);
}

TEST(share, the_most_urgent_lane_of_a_queue_is_next)
{
    struct bench bench;
    make(&bench);
    uint32_t q = queue(&bench, "", "q");
    uint32_t a = lane(&bench, q, "a", 5);
    uint32_t b = lane(&bench, q, "b", 4);
    EXPECT_EQ(serve(&bench), b);
    EXPECT_EQ(serve(&bench), b); // still the most urgent
    share_set_urgency(&bench.share, b, 6, b);
    EXPECT_EQ(serve(&bench), a);
    share_park(&bench.share, a);
    EXPECT_EQ(serve(&bench), b);
    share_unpark(&bench.share, a);
    EXPECT_EQ(serve(&bench), a);
    drop(&bench);
}

TEST(share, queues_are_served_by_their_weights)
{
    struct bench bench;
    make(&bench);
    uint32_t counts[3] = {0};
    uint32_t lanes[3];
    static const uint32_t weights[] = {1, 2, 5};
    for (uint32_t i = 0; i < 3; i++) {
        static const char *const names[] = {"x", "y", "z"};
        uint32_t q = queue(&bench, "", names[i]);
        lanes[i] = lane(&bench, q, "t", 0);
        share_set_weight(&bench.share, q, weights[i]);
    }
    for (uint32_t round = 1; round <= 800; round++) {
        uint32_t next = serve(&bench);
        for (uint32_t i = 0; i < 3; i++)
            counts[i] += lanes[i] == next;
        // Never further than one job from its part.
        for (uint32_t i = 0; i < 3; i++) {
            int64_t off = (int64_t)counts[i] * 8 - (int64_t)round * weights[i];
            EXPECT(off > -16 && off < 16);
        }
    }
    EXPECT(counts[0] >= 99 && counts[0] <= 101);
    EXPECT(counts[2] >= 499 && counts[2] <= 501);
    drop(&bench);
}

TEST(share, a_tenant_with_many_queues_gets_no_more_than_one_with_few)
{
    struct bench bench;
    make(&bench);
    static const char *const names[] = {"x", "y", "z", "u"};
    uint32_t lone = lane(&bench, queue(&bench, "a", "x"), "t", 0);
    for (uint32_t i = 0; i < 4; i++)
        (void)lane(&bench, queue(&bench, "b", names[i]), "t", 0);
    uint32_t count = 0;
    for (uint32_t round = 0; round < 100; round++)
        count += serve(&bench) == lone;
    EXPECT_EQ(count, 50);
    drop(&bench);
}

TEST(share, who_was_idle_has_saved_up_nothing)
{
    struct bench bench;
    make(&bench);
    uint32_t x = queue(&bench, "", "x");
    uint32_t a = lane(&bench, x, "t", 0);
    uint32_t b = lane(&bench, queue(&bench, "", "y"), "t", WHEN_NEVER);
    for (uint32_t round = 0; round < 50; round++)
        EXPECT_EQ(serve(&bench), a);
    share_set_urgency(&bench.share, b, 0, b);
    uint32_t count = 0;
    for (uint32_t round = 0; round < 20; round++)
        count += serve(&bench) == b;
    EXPECT(count >= 10 && count <= 11);
    drop(&bench);
}

// Two queues share a busy worker and a third has workers of its own. Whenever the busy one is free,
// the passes of both are behind; being lifted must not make the same one first each time.
TEST(share, queues_that_wait_for_one_worker_take_turns)
{
    struct bench bench;
    make(&bench);
    uint32_t a = lane(&bench, queue(&bench, "", "a"), "slow", 0);
    uint32_t b = lane(&bench, queue(&bench, "", "b"), "slow", 0);
    uint32_t c = lane(&bench, queue(&bench, "", "c"), "quick", 0);
    uint32_t served_a = 0;
    for (uint32_t round = 0; round < 100; round++) {
        share_park(&bench.share, a);
        share_park(&bench.share, b);
        for (uint32_t i = 0; i < 10; i++)
            EXPECT_EQ(serve(&bench), c);
        share_unpark(&bench.share, a);
        share_unpark(&bench.share, b);
        share_park(&bench.share, c);
        uint32_t next = serve(&bench);
        EXPECT(next == a || next == b);
        served_a += next == a;
        share_unpark(&bench.share, c);
    }
    EXPECT_EQ(served_a, 50);
    drop(&bench);
}

TEST(share, a_closed_queue_is_passed_over)
{
    struct bench bench;
    make(&bench);
    uint32_t x = queue(&bench, "", "x");
    uint32_t a = lane(&bench, x, "t", 0);
    uint32_t b = lane(&bench, queue(&bench, "", "y"), "t", 0);
    share_close(&bench.share, x, true);
    for (uint32_t round = 0; round < 5; round++)
        EXPECT_EQ(serve(&bench), b);
    share_close(&bench.share, x, false);
    EXPECT_EQ(serve(&bench), a);
    drop(&bench);
}

TEST(share, a_served_lane_may_have_become_empty)
{
    struct bench bench;
    make(&bench);
    uint32_t a = lane(&bench, queue(&bench, "", "x"), "t", 0);
    share_set_urgency(&bench.share, a, WHEN_NEVER, a); // its only job was just taken
    share_serve(&bench.share, a);
    EXPECT_EQ(share_next(&bench.share), SHARE_NONE);
    EXPECT_DIES(share_set_weight(&bench.share, 0, 0));
    drop(&bench);
}

TEST(share, every_change_leaves_it_sound)
{
    struct bench bench;
    make(&bench);
    struct prng prng = prng_of(test_seed());
    static const char *const tenants[] = {"a", "b", "c"};
    static const char *const names[] = {"x", "y"};
    static const char *const types[] = {"t", "u"};
    for (uint32_t i = 0; i < 12; i++) {
        const char *tenant = tenants[i / 4];
        struct queue_name name = {.tenant = slice_of_text(tenant),
                                  .queue = slice_of_text(names[i / 2 % 2])};
        uint32_t q = queues_find(&bench.queues, name);
        if (q == QUEUES_NONE)
            q = queue(&bench, tenant, names[i / 2 % 2]);
        (void)lane(&bench, q, types[i % 2], WHEN_NEVER);
    }
    for (uint32_t round = 0; round < 20000; round++) {
        uint32_t any = (uint32_t)prng_below(&prng, 12);
        switch (prng_below(&prng, 6)) {
        case 0: share_park(&bench.share, any); break;
        case 1: share_unpark(&bench.share, any); break;
        case 2: share_close(&bench.share, any / 2, prng_chance(&prng, 30)); break;
        case 3: share_set_urgency(&bench.share, any, WHEN_NEVER, any); break;
        case 4: (void)serve(&bench); break;
        default: share_set_urgency(&bench.share, any, (when_ms)prng_below(&prng, 50), any); break;
        }
        for (uint32_t i = 0; i < 12; i++)
            EXPECT(share_is_sound(&bench.share, i));
        uint32_t next = share_next(&bench.share);
        EXPECT(next == SHARE_NONE || share_urgency(&bench.share, next) != WHEN_NEVER);
    }
    drop(&bench);
}

TEST(share, a_number_that_is_given_again_owes_nothing)
{
    struct bench bench;
    make(&bench);
    uint32_t queue_a = queue(&bench, "a", "q");
    uint32_t a = lane(&bench, queue_a, "t", 1);
    share_set_weight(&bench.share, queue_a, 5);
    for (unsigned i = 0; i < 9; i++)
        EXPECT_EQ(serve(&bench), a);
    EXPECT_DIES(share_forget_queue(&bench.share, queue_a)); // it stands in a heap
    share_set_urgency(&bench.share, a, WHEN_NEVER, 0);
    share_forget(&bench.share, a);
    share_forget_queue(&bench.share, queue_a);
    share_forget_tenant(&bench.share, queues_tenant(&bench.queues, queue_a));
    share_forget_queue(&bench.share, 7); // no job has waited in it
    share_forget_tenant(&bench.share, 2);
    EXPECT_EQ(bench.share.queue_nodes[queue_a].key, 0);
    EXPECT_EQ(bench.share.queues[queue_a].weight, 1);
    share_set_urgency(&bench.share, a, 1, 1);
    EXPECT_EQ(serve(&bench), a);
    EXPECT(share_is_sound(&bench.share, a));
    drop(&bench);
}
