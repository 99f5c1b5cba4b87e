// The table of jobs, against a plain array.

#include "broker/core/jobs.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { CAP = 32, NUMBERS = 64 };

static struct id id_of(uint64_t number)
{
    return id_v7(1000, 0, number);
}

static void *make(struct jobs *jobs, uint32_t cap, uint64_t seed)
{
    void *memory = calloc(1, jobs_size(cap));
    EXPECT(memory != NULL);
    jobs_init(jobs, memory, cap, seed);
    return memory;
}

TEST(jobs, agree_with_a_plain_array)
{
    struct prng prng = prng_of(test_seed());
    struct jobs jobs;
    void *memory = make(&jobs, CAP, test_seed());
    uint32_t slots[NUMBERS];
    uint32_t count = 0;
    for (unsigned i = 0; i < NUMBERS; i++)
        slots[i] = JOBS_NONE;
    for (unsigned round = 0; round < 20000; round++) {
        uint32_t number = (uint32_t)prng_below(&prng, NUMBERS);
        struct id id = id_of(number);
        EXPECT_EQ(jobs_find(&jobs, &id), slots[number]);
        if (slots[number] != JOBS_NONE) {
            EXPECT_EQ(jobs_at(&jobs, slots[number])->no, number + 1);
            jobs_drop(&jobs, slots[number]);
            EXPECT(!jobs_is_taken(&jobs, slots[number]));
            slots[number] = JOBS_NONE;
            count--;
        } else if (jobs_has_room(&jobs)) {
            slots[number] = jobs_add(&jobs, &id, number + 1);
            count++;
        }
        EXPECT_EQ(jobs.count, count);
        EXPECT_EQ(jobs_has_room(&jobs), count < CAP);
    }
    EXPECT_EQ(jobs.used, CAP);
    free(memory);
}

TEST(jobs, a_fresh_job_is_zero_but_for_its_name)
{
    struct jobs jobs;
    void *memory = make(&jobs, 2, 1);
    struct id id = id_of(5);
    uint32_t slot = jobs_add(&jobs, &id, 9);
    jobs_at(&jobs, slot)->fingerprint = 77;
    jobs_drop(&jobs, slot);
    const struct job *job = jobs_at(&jobs, jobs_add(&jobs, &id, 10));
    EXPECT(id_equal(&job->id, &id));
    EXPECT_EQ(job->no, 10);
    EXPECT_EQ(job->fingerprint, 0);
    EXPECT_EQ(job->state, JOB_NONE);
    EXPECT_EQ(job->past, PASTS_NONE);
    free(memory);
}

TEST(jobs, more_than_there_is_room_for_stops_the_process)
{
    struct jobs jobs;
    void *memory = make(&jobs, 1, 1);
    struct id id = id_of(1);
    struct id other = id_of(2);
    EXPECT_EQ(jobs_add(&jobs, &id, 1), 0);
    EXPECT(!jobs_has_room(&jobs));
    EXPECT_DIES((void)jobs_add(&jobs, &other, 2));
    free(memory);
}

TEST(jobs, a_job_that_is_still_needed_is_not_dropped)
{
    struct jobs jobs;
    void *memory = make(&jobs, 2, 1);
    struct id id = id_of(1);
    uint32_t slot = jobs_add(&jobs, &id, 1);
    jobs_at(&jobs, slot)->is_changed = 1;
    EXPECT_DIES(jobs_drop(&jobs, slot));
    jobs_at(&jobs, slot)->is_changed = 0;
    jobs_at(&jobs, slot)->past = 3;
    EXPECT_DIES(jobs_drop(&jobs, slot));
    EXPECT_DIES((void)jobs_at(&jobs, slot + 1));
    EXPECT_DIES((void)jobs_add(&jobs, &id, 0));
    free(memory);
}
