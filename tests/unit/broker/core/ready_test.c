// The ready lists: order by due time and priority, ageing, removal from the middle.

#include "broker/core/ready.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { CAP = 32, LANES = 2, STEP = 100 };

struct bench {
    struct jobs jobs;
    struct ready ready;
    void *jobs_memory;
    void *ready_memory;
};

static void make(struct bench *bench)
{
    struct limits limits = {.job_count_max = CAP, .lane_count_max = LANES, .age_step_ms = STEP};
    bench->jobs_memory = calloc(1, jobs_size(CAP));
    bench->ready_memory = calloc(1, ready_size(&limits));
    EXPECT(bench->jobs_memory != NULL && bench->ready_memory != NULL);
    jobs_init(&bench->jobs, bench->jobs_memory, CAP, 1);
    ready_init(&bench->ready, bench->ready_memory, &limits, &bench->jobs);
}

static void drop(struct bench *bench)
{
    free(bench->jobs_memory);
    free(bench->ready_memory);
}

struct kind {
    uint16_t lane;
    unsigned priority;
    when_ms at;
};

static uint32_t push(struct bench *bench, uint64_t no, struct kind kind)
{
    struct id id = id_v7(0, 0, no);
    uint32_t slot = jobs_add(&bench->jobs, &id, no);
    struct job *job = jobs_at(&bench->jobs, slot);
    job_move(job, JOB_SUBMIT);
    job->lane = kind.lane;
    job->priority = kind.priority & 15u;
    job->at = kind.at;
    ready_push(&bench->ready, slot);
    return slot;
}

static uint64_t take(struct bench *bench, uint32_t lane)
{
    uint32_t slot = ready_best(&bench->ready, lane);
    if (slot == READY_NONE)
        return 0;
    uint64_t no = jobs_at(&bench->jobs, slot)->no;
    ready_drop(&bench->ready, slot);
    jobs_drop(&bench->jobs, slot);
    return no;
}

TEST(ready, one_priority_is_first_in_first_out)
{
    struct bench bench;
    make(&bench);
    for (uint64_t no = 1; no <= 3; no++)
        (void)push(&bench, no, (struct kind){.priority = 4, .at = 10});
    EXPECT_EQ(take(&bench, 0), 1);
    EXPECT_EQ(take(&bench, 0), 2);
    EXPECT_EQ(take(&bench, 0), 3);
    EXPECT_EQ(take(&bench, 0), 0);
    drop(&bench);
}

TEST(ready, the_smaller_priority_goes_first_while_both_are_young)
{
    struct bench bench;
    make(&bench);
    (void)push(&bench, 1, (struct kind){.priority = 9, .at = 0});
    (void)push(&bench, 2, (struct kind){.priority = 0, .at = 9 * STEP - 1});
    EXPECT_EQ(take(&bench, 0), 2);
    // Nine steps later the old one is not passed any more, not even by the first priority.
    (void)push(&bench, 3, (struct kind){.priority = 0, .at = 9 * STEP + 1});
    EXPECT_EQ(take(&bench, 0), 1);
    EXPECT_EQ(take(&bench, 0), 3);
    drop(&bench);
}

TEST(ready, the_lowest_priority_is_not_starved)
{
    struct bench bench;
    make(&bench);
    (void)push(&bench, 1, (struct kind){.priority = 9, .at = 0});
    uint64_t passed = 0;
    // A stream of urgent jobs, one every 10 ms, each taken at once.
    for (uint64_t no = 2; passed < 1000; no++, passed++) {
        (void)push(&bench, no, (struct kind){.priority = 0, .at = (when_ms)passed * 10});
        if (take(&bench, 0) == 1)
            break;
    }
    EXPECT_EQ(passed, 9 * STEP / 10 + 1);
    drop(&bench);
}

TEST(ready, lanes_do_not_see_each_other)
{
    struct bench bench;
    make(&bench);
    (void)push(&bench, 1, (struct kind){.lane = 1, .at = 5});
    EXPECT_EQ(ready_count(&bench.ready, 0), 0);
    EXPECT_EQ(ready_count(&bench.ready, 1), 1);
    EXPECT_EQ(ready_count(&bench.ready, 9), 0); // no job has named it yet
    EXPECT_EQ(ready_best(&bench.ready, 9), READY_NONE);
    EXPECT_EQ(ready_oldest(&bench.ready, 0), WHEN_NEVER);
    EXPECT_EQ(ready_oldest(&bench.ready, 1), 5);
    EXPECT_EQ(ready_oldest(&bench.ready, 9), WHEN_NEVER);
    EXPECT_EQ(take(&bench, 0), 0);
    EXPECT_EQ(take(&bench, 1), 1);
    drop(&bench);
}

// The slot that must be next: smallest key, then smaller priority, then entered first.
static uint32_t best_of(const struct bench *bench, const uint64_t *entered, uint32_t lane)
{
    uint32_t best = READY_NONE;
    for (uint32_t slot = 0; slot < bench->jobs.used; slot++) {
        if (!jobs_is_taken(&bench->jobs, slot) || jobs_at(&bench->jobs, slot)->lane != lane)
            continue;
        if (best == READY_NONE) {
            best = slot;
            continue;
        }
        const struct job *job = jobs_at(&bench->jobs, slot);
        const struct job *first = jobs_at(&bench->jobs, best);
        when_ms difference = job->at + job->priority * STEP - first->at - first->priority * STEP;
        if (difference == 0)
            difference = (when_ms)job->priority - (when_ms)first->priority;
        if (difference < 0 || (difference == 0 && entered[slot] < entered[best]))
            best = slot;
    }
    return best;
}

TEST(ready, agree_with_a_plain_search)
{
    struct prng prng = prng_of(test_seed());
    struct bench bench;
    make(&bench);
    uint64_t entered[CAP] = {0};
    when_ms now = 0;
    for (uint64_t round = 1; round < 20000; round++) {
        now += (when_ms)prng_below(&prng, 5);
        uint32_t any = (uint32_t)prng_below(&prng, CAP);
        if (jobs_has_room(&bench.jobs) && prng_chance(&prng, 55)) {
            struct kind kind = {.lane = (uint16_t)prng_below(&prng, LANES),
                                .priority = (unsigned)prng_below(&prng, READY_PRIORITIES),
                                .at = now};
            entered[push(&bench, round, kind)] = round;
        } else if (jobs_is_taken(&bench.jobs, any)) {
            ready_drop(&bench.ready, any);
            jobs_drop(&bench.jobs, any);
        }
        for (uint32_t lane = 0; lane < LANES; lane++)
            EXPECT_EQ(ready_best(&bench.ready, lane), best_of(&bench, entered, lane));
    }
    drop(&bench);
}

TEST(ready, sorting_orders_by_due_time_then_number)
{
    struct prng prng = prng_of(test_seed());
    for (uint32_t count = 0; count <= CAP; count++) {
        struct bench bench;
        make(&bench);
        for (uint64_t no = 1; no <= count; no++)
            push(&bench, no,
                 (struct kind){.lane = (uint16_t)(no % LANES),
                               .at = (when_ms)prng_below(&prng, 10)});
        ready_sort(&bench.ready);
        uint32_t left = count;
        for (uint32_t lane = 0; lane < LANES; lane++) {
            when_ms before = 0;
            uint64_t before_no = 0;
            for (; ready_count(&bench.ready, lane) > 0; left--) {
                uint32_t slot = ready_best(&bench.ready, lane);
                const struct job *job = jobs_at(&bench.jobs, slot);
                EXPECT(job->at > before || (job->at == before && job->no > before_no));
                before = job->at;
                before_no = job->no;
                // From the middle and the end, too, the links must hold.
                ready_drop(&bench.ready, slot);
            }
        }
        EXPECT_EQ(left, 0);
        drop(&bench);
    }
}

TEST(ready, a_sorted_list_takes_and_gives_as_before)
{
    struct bench bench;
    make(&bench);
    uint32_t late = push(&bench, 1, (struct kind){.at = 9});
    push(&bench, 2, (struct kind){.at = 3});
    push(&bench, 3, (struct kind){.at = 5});
    ready_sort(&bench.ready);
    ready_drop(&bench.ready, late);
    push(&bench, 4, (struct kind){.at = 9});
    EXPECT_EQ(take(&bench, 0), 2);
    EXPECT_EQ(take(&bench, 0), 3);
    EXPECT_EQ(take(&bench, 0), 4);
    EXPECT_EQ(take(&bench, 0), 0);
    drop(&bench);
}

TEST(ready, knows_whether_a_job_stands_in_its_list)
{
    struct bench bench;
    make(&bench);
    uint32_t slots[3];
    for (uint64_t no = 1; no <= 3; no++)
        slots[no - 1] = push(&bench, no, (struct kind){.priority = 4, .at = 10});
    for (unsigned i = 0; i < 3; i++)
        EXPECT(ready_has(&bench.ready, slots[i]));
    ready_drop(&bench.ready, slots[1]);
    EXPECT(ready_has(&bench.ready, slots[0]) && ready_has(&bench.ready, slots[2]));
    EXPECT(!ready_has(&bench.ready, slots[1]));
    ready_drop(&bench.ready, slots[0]);
    ready_drop(&bench.ready, slots[2]);
    EXPECT(!ready_has(&bench.ready, slots[0]) && !ready_has(&bench.ready, slots[2]));
    jobs_at(&bench.jobs, slots[0])->lane = LANES;
    EXPECT(!ready_has(&bench.ready, slots[0]));
    drop(&bench);
}

TEST(ready, misuse_stops_the_process)
{
    struct bench bench;
    make(&bench);
    uint32_t slot = push(&bench, 1, (struct kind){.at = 0});
    ready_drop(&bench.ready, slot);
    EXPECT_DIES(ready_drop(&bench.ready, slot)); // it is in no list
    job_move(jobs_at(&bench.jobs, slot), JOB_GRANT);
    EXPECT_DIES(ready_push(&bench.ready, slot));
    drop(&bench);
}
