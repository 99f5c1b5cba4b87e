// How fast lanes start jobs.

#include "broker/core/paces.h"

#include "tests/support/test.h"

#include <stdlib.h>

enum { LANE = 2 };

static struct paces made;

static struct paces *new_paces(void)
{
    struct limits limits = {.lane_count_max = 4};
    free(made.lanes);
    void *memory = calloc(1, paces_size(&limits));
    EXPECT(memory != NULL);
    paces_init(&made, memory, &limits);
    return &made;
}

// `count` starts, one each `span` ms, others waiting behind each.
static when_ms run(struct paces *paces, when_ms from, uint32_t count, when_ms span)
{
    for (uint32_t i = 0; i < count; i++, from += span)
        paces_start(paces, LANE, from, false);
    return from - span;
}

TEST(paces, nothing_is_known_before_a_few_have_started)
{
    struct paces *paces = new_paces();
    EXPECT_EQ(paces_wait_ms(paces, LANE, 1, 0), WHEN_NEVER);
    when_ms last = run(paces, 100, 4, 250); // the first one opens the count
    EXPECT_EQ(paces_wait_ms(paces, LANE, 1, last), WHEN_NEVER);
    paces_start(paces, LANE, last + 250, false);
    EXPECT_EQ(paces_wait_ms(paces, LANE, 1, last + 250), 250);
    EXPECT_EQ(paces_wait_ms(paces, LANE, 10, last + 250), 2500);
    EXPECT_EQ(paces_wait_ms(paces, LANE - 1, 1, last), WHEN_NEVER);
}

TEST(paces, starts_in_one_batch_count_but_those_that_begin_the_wait)
{
    struct paces *paces = new_paces();
    for (uint32_t i = 0; i < 50; i++)
        paces_start(paces, LANE, 1000, false);
    for (when_ms now = 3000; now <= 9000; now += 2000)
        for (uint32_t i = 0; i < 8; i++)
            paces_start(paces, LANE, now, false);
    EXPECT_EQ(paces_wait_ms(paces, LANE, 8, 9000), 2000);
}

TEST(paces, time_without_anybody_waiting_does_not_count)
{
    struct paces *paces = new_paces();
    when_ms last = run(paces, 0, 9, 500);
    paces_start(paces, LANE, last + 500, true);
    // Alone, and long after: it waited for nobody.
    paces_start(paces, LANE, last + 100 * 1000, true);
    EXPECT_EQ(paces_wait_ms(paces, LANE, 2, last + 100 * 1000), 1000);
    // The next wait adds to what is known; one that ends in a cancel leaves what it has not summed up.
    when_ms again = run(paces, 200 * 1000, 5, 500);
    paces_rest(paces, LANE);
    EXPECT_EQ(paces_wait_ms(paces, LANE, 2, again), 1000);
}

TEST(paces, a_new_pace_is_learnt_and_the_old_one_forgotten)
{
    struct paces *paces = new_paces();
    when_ms last = run(paces, 0, 1000, 100);
    EXPECT_EQ(paces_wait_ms(paces, LANE, 10, last), 1000);
    // Both bounds are passed again and again meanwhile.
    static_assert(PACES_SPAN_MS < 20 * 1000 && PACES_STARTS < 20, "not by a fifth of it");
    last = run(paces, last + 1000, 100, 1000);
    when_ms wait = paces_wait_ms(paces, LANE, 10, last);
    EXPECT(wait > 9000 && wait <= 10000);
}

TEST(paces, a_standstill_is_no_pace)
{
    struct paces *paces = new_paces();
    when_ms last = run(paces, 0, 20, 1000);
    EXPECT_EQ(paces_wait_ms(paces, LANE, 1, last + PACES_GAP_MS + 1), WHEN_NEVER);
    // What comes after it is measured as if there had been none.
    paces_start(paces, LANE, last + PACES_GAP_MS + 1, false);
    when_ms now = run(paces, last + PACES_GAP_MS + 1, 20, 1000);
    EXPECT_EQ(paces_wait_ms(paces, LANE, 1, now), 1000);
}

TEST(paces, a_slow_wait_shows_before_the_next_start)
{
    struct paces *paces = new_paces();
    when_ms last = run(paces, 0, 11, 1000);
    EXPECT_EQ(paces_wait_ms(paces, LANE, 1, last), 1000);
    EXPECT_EQ(paces_wait_ms(paces, LANE, 1, last + 90 * 1000), 10 * 1000);
}

TEST(paces, the_number_of_another_lane_begins_anew)
{
    struct paces *paces = new_paces();
    when_ms last = run(paces, 0, 20, 1000);
    paces_forget(paces, LANE);
    EXPECT_EQ(paces_wait_ms(paces, LANE, 1, last), WHEN_NEVER);
}

TEST(paces, the_longest_wait_of_the_most_jobs_does_not_overflow)
{
    struct paces *paces = new_paces();
    when_ms last = run(paces, 0, 17, PACES_GAP_MS);
    EXPECT_EQ(paces_wait_ms(paces, LANE, UINT32_MAX, last), (when_ms)UINT32_MAX * PACES_GAP_MS);
}
