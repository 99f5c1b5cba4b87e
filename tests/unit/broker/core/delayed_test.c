// Jobs that wait for a moment, against a search through all of them.

#include "broker/core/delayed.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { CAP = 32 };

struct bench {
    struct jobs jobs;
    struct delayed delayed;
    void *jobs_memory;
    void *delayed_memory;
};

static void make(struct bench *bench)
{
    struct limits limits = {.job_count_max = CAP};
    bench->jobs_memory = calloc(1, jobs_size(CAP));
    bench->delayed_memory = calloc(1, delayed_size(&limits));
    EXPECT(bench->jobs_memory != NULL && bench->delayed_memory != NULL);
    jobs_init(&bench->jobs, bench->jobs_memory, CAP, 1);
    delayed_init(&bench->delayed, bench->delayed_memory, &limits);
}

static void drop(struct bench *bench)
{
    free(bench->jobs_memory);
    free(bench->delayed_memory);
}

static uint32_t push(struct bench *bench, uint64_t no, when_ms due_at)
{
    struct id id = id_v7(0, 0, no);
    uint32_t slot = jobs_add(&bench->jobs, &id, no);
    struct job *job = jobs_at(&bench->jobs, slot);
    job_move(job, JOB_SUBMIT_LATER);
    job->at = due_at;
    delayed_push(&bench->delayed, &bench->jobs, slot);
    return slot;
}

TEST(delayed, equal_times_keep_the_order_of_numbers)
{
    struct bench bench;
    make(&bench);
    uint32_t late = push(&bench, 2, 10);
    uint32_t early = push(&bench, 1, 10);
    EXPECT_EQ(delayed_take(&bench.delayed, 9), JOBS_NONE);
    EXPECT_EQ(delayed_deadline(&bench.delayed), 10);
    EXPECT_EQ(delayed_take(&bench.delayed, 10), early);
    EXPECT_EQ(delayed_take(&bench.delayed, 10), late);
    EXPECT_EQ(delayed_take(&bench.delayed, 10), JOBS_NONE);
    EXPECT_EQ(delayed_deadline(&bench.delayed), WHEN_NEVER);
    drop(&bench);
}

// The slot that must come next, by a plain search.
static uint32_t first_of(const struct bench *bench)
{
    uint32_t best = JOBS_NONE;
    for (uint32_t slot = 0; slot < bench->jobs.used; slot++) {
        if (!jobs_is_taken(&bench->jobs, slot))
            continue;
        const struct job *job = jobs_at(&bench->jobs, slot);
        const struct job *first = best == JOBS_NONE ? NULL : jobs_at(&bench->jobs, best);
        if (first == NULL || job->at < first->at || (job->at == first->at && job->no < first->no))
            best = slot;
    }
    return best;
}

TEST(delayed, agree_with_a_plain_search)
{
    struct prng prng = prng_of(test_seed());
    struct bench bench;
    make(&bench);
    uint64_t no = 1;
    when_ms now = 0;
    for (unsigned round = 0; round < 20000; round++) {
        now += (when_ms)prng_below(&prng, 2);
        if (jobs_has_room(&bench.jobs) && prng_chance(&prng, 50)) {
            (void)push(&bench, no++, now + (when_ms)prng_below(&prng, 40));
            continue;
        }
        uint32_t first = first_of(&bench);
        when_ms due = first == JOBS_NONE ? WHEN_NEVER : jobs_at(&bench.jobs, first)->at;
        EXPECT_EQ(delayed_deadline(&bench.delayed), due);
        uint32_t taken = delayed_take(&bench.delayed, now);
        EXPECT_EQ(taken, due <= now ? first : JOBS_NONE);
        if (taken != JOBS_NONE)
            jobs_drop(&bench.jobs, taken);
    }
    drop(&bench);
}

TEST(delayed, every_job_there_may_be_fits)
{
    struct bench bench;
    make(&bench);
    for (uint64_t no = 1; no <= CAP; no++)
        (void)push(&bench, no, 5);
    EXPECT_DIES(delayed_push(&bench.delayed, &bench.jobs, 0));
    drop(&bench);
}

TEST(delayed, knows_who_waits_here)
{
    struct bench bench;
    make(&bench);
    uint32_t late = push(&bench, 1, 9);
    uint32_t early = push(&bench, 2, 5);
    EXPECT(delayed_has(&bench.delayed, late) && delayed_has(&bench.delayed, early));
    EXPECT_EQ(delayed_take(&bench.delayed, 5), early);
    EXPECT(delayed_has(&bench.delayed, late) && !delayed_has(&bench.delayed, early));
    drop(&bench);
}

TEST(delayed, only_waiting_jobs_are_taken_in)
{
    struct bench bench;
    make(&bench);
    uint32_t slot = push(&bench, 1, 5);
    job_move(jobs_at(&bench.jobs, slot), JOB_DUE);
    EXPECT_DIES(delayed_push(&bench.delayed, &bench.jobs, slot));
    drop(&bench);
}

TEST(delayed, any_of_them_can_leave)
{
    struct bench bench;
    make(&bench);
    uint32_t slots[CAP];
    for (uint32_t i = 0; i < CAP; i++)
        slots[i] = push(&bench, i + 1, 100 - i);
    for (uint32_t i = 0; i < CAP; i += 2)
        delayed_drop(&bench.delayed, slots[i]);
    for (uint32_t i = CAP; i-- > 0;)
        if (i % 2 == 1)
            EXPECT_EQ(delayed_take(&bench.delayed, 1000), slots[i]);
    EXPECT_EQ(delayed_deadline(&bench.delayed), WHEN_NEVER);
    drop(&bench);
}
