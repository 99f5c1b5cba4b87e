// Moments by which jobs must start, against a search through all of them.

#include "broker/core/expiry.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { CAP = 32 };

struct bench {
    struct jobs jobs;
    struct expiry expiry;
    void *jobs_memory;
    void *expiry_memory;
};

static void make(struct bench *bench)
{
    struct limits limits = {.job_count_max = CAP};
    bench->jobs_memory = calloc(1, jobs_size(CAP));
    bench->expiry_memory = calloc(1, expiry_size(&limits));
    EXPECT(bench->jobs_memory != NULL && bench->expiry_memory != NULL);
    jobs_init(&bench->jobs, bench->jobs_memory, CAP, 1);
    expiry_init(&bench->expiry, bench->expiry_memory, &limits);
}

static void drop(struct bench *bench)
{
    free(bench->jobs_memory);
    free(bench->expiry_memory);
}

static uint32_t add(struct bench *bench, uint64_t no)
{
    struct id id = id_v7(0, 0, no);
    return jobs_add(&bench->jobs, &id, no);
}

TEST(expiry, the_first_is_found_when_its_moment_has_come_and_stays)
{
    struct bench bench;
    make(&bench);
    uint32_t late = add(&bench, 1);
    uint32_t soon = add(&bench, 2);
    EXPECT_EQ(expiry_deadline(&bench.expiry), WHEN_NEVER);
    expiry_push(&bench.expiry, &bench.jobs, late, 20);
    expiry_push(&bench.expiry, &bench.jobs, soon, 10);
    EXPECT_EQ(expiry_deadline(&bench.expiry), 10);
    EXPECT_EQ(expiry_first(&bench.expiry, 9), JOBS_NONE);
    EXPECT_EQ(expiry_first(&bench.expiry, 10), soon);
    EXPECT_EQ(expiry_first(&bench.expiry, 10), soon);
    expiry_drop(&bench.expiry, soon);
    expiry_drop(&bench.expiry, soon); // it is gone already
    EXPECT(!expiry_has(&bench.expiry, soon) && expiry_has(&bench.expiry, late));
    EXPECT_EQ(expiry_first(&bench.expiry, 30), late);
    EXPECT_DIES(expiry_push(&bench.expiry, &bench.jobs, late, 30));
    drop(&bench);
}

TEST(expiry, agrees_with_a_search_however_it_is_used)
{
    struct bench bench;
    struct prng prng = prng_of(test_seed());
    when_ms moments[CAP] = {0}; // 0: not there
    make(&bench);
    for (uint32_t i = 0; i < CAP; i++)
        (void)add(&bench, i + 1);
    for (unsigned i = 0; i < 20000; i++) {
        uint32_t slot = (uint32_t)prng_below(&prng, CAP);
        if (moments[slot] == 0) {
            moments[slot] = 1 + (when_ms)prng_below(&prng, 1000);
            expiry_push(&bench.expiry, &bench.jobs, slot, moments[slot]);
        } else {
            moments[slot] = 0;
            expiry_drop(&bench.expiry, slot);
        }
        when_ms first = WHEN_NEVER;
        for (uint32_t j = 0; j < CAP; j++)
            first = moments[j] != 0 && moments[j] < first ? moments[j] : first;
        EXPECT_EQ(expiry_deadline(&bench.expiry), first);
        EXPECT_EQ(expiry_has(&bench.expiry, slot), moments[slot] != 0);
    }
    drop(&bench);
}
