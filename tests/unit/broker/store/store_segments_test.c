// Staged counts become settled ones with the commit, or vanish with the abort.

#include "broker/store/store_segments.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <stdatomic.h>

static struct store_record_segment staged(struct store_segments *segments, size_t place)
{
    struct store_record_segment segment = {0};
    uint64_t no = 0;
    (void)store_segments_staged(segments, place, &no, &segment);
    return segment;
}

TEST(segments, staged_counts_settle_or_vanish)
{
    struct store_segments segments;
    store_segments_init(&segments);
    struct job_row queued = {.no = 9000, .state = JOB_QUEUED};
    struct job_row dead = {.no = 9001, .state = JOB_DEAD, .remove_at = 70};
    EXPECT_EQ(store_segments_stage(&segments, 9000, JOB_NONE, &queued), OK);
    EXPECT_EQ(store_segments_stage(&segments, 9001, JOB_NONE, &dead), OK);
    EXPECT_EQ(segments.stage_count, 1);
    EXPECT_EQ(staged(&segments, 0).counts[JOB_QUEUED], 1);
    EXPECT_EQ(staged(&segments, 0).earliest_at, 70);
    store_segments_abort(&segments);
    EXPECT_EQ(segments.stage_count, 0);
    EXPECT_EQ(segments.items[0].settled.counts[JOB_QUEUED], 0);

    EXPECT_EQ(store_segments_stage(&segments, 9000, JOB_NONE, &queued), OK);
    store_segments_settle(&segments, 1);
    EXPECT(store_segments_has_unfinished(&segments.items[0].settled));
    EXPECT_EQ(store_segments_stage(&segments, 9000, JOB_QUEUED, NULL), OK);
    uint64_t no = 0;
    struct store_record_segment segment;
    EXPECT(!store_segments_staged(&segments, 0, &no, &segment));
    EXPECT_EQ(no, 2);
    store_segments_settle(&segments, 2);
    EXPECT(!store_segments_has_unfinished(&segments.items[0].settled));
    store_segments_deinit(&segments);
}

TEST(segments, many_are_touched_by_one_batch)
{
    struct store_segments segments;
    store_segments_init(&segments);
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 1000; i++) {
            struct job_row row = {.no = i * STORE_SEGMENT_JOBS + round, .state = JOB_QUEUED};
            EXPECT_EQ(store_segments_stage(&segments, row.no, JOB_NONE, &row), OK);
        }
    }
    EXPECT_EQ(segments.stage_count, 1000);
    store_segments_settle(&segments, 1);
    for (size_t i = 0; i < 1000; i++)
        EXPECT_EQ(segments.items[i].settled.counts[JOB_QUEUED], 2);
    store_segments_deinit(&segments);
}

TEST(segments, due_ones_are_found_and_raised_only_by_a_walk_that_saw_all)
{
    struct store_segments segments;
    store_segments_init(&segments);
    struct job_row row = {.no = 3 * STORE_SEGMENT_JOBS, .state = JOB_DEAD, .remove_at = 50};
    EXPECT_EQ(store_segments_stage(&segments, row.no, JOB_NONE, &row), OK);
    store_segments_settle(&segments, 5);
    uint64_t no = 0;
    EXPECT(!store_segments_due(&segments, 0, 49, &no));
    EXPECT(store_segments_due(&segments, 0, 50, &no));
    EXPECT_EQ(no, 3);
    EXPECT(!store_segments_due(&segments, 4, 50, &no));
    store_segments_walked(&segments, 3, 4, 99); // a snapshot from before the change
    EXPECT(store_segments_due(&segments, 0, 50, &no));
    store_segments_walked(&segments, 3, 5, 99);
    EXPECT(!store_segments_due(&segments, 0, 50, &no));
    EXPECT(store_segments_due(&segments, 0, 99, &no));
    store_segments_deinit(&segments);
}

TEST(segments, the_last_one_with_a_wanted_state_is_found)
{
    struct store_segments segments;
    store_segments_init(&segments);
    struct job_row dead = {.no = 3 * STORE_SEGMENT_JOBS, .state = JOB_DEAD};
    struct job_row queued = {.no = 5 * STORE_SEGMENT_JOBS, .state = JOB_QUEUED};
    EXPECT_EQ(store_segments_stage(&segments, dead.no, JOB_NONE, &dead), OK);
    EXPECT_EQ(store_segments_stage(&segments, queued.no, JOB_NONE, &queued), OK);
    uint64_t no = 0;
    const uint32_t both = 1u << JOB_DEAD | 1u << JOB_QUEUED;
    EXPECT(!store_segments_before(&segments, UINT64_MAX, both, &no)); // staged, not settled
    store_segments_settle(&segments, 1);
    EXPECT(store_segments_before(&segments, UINT64_MAX, both, &no));
    EXPECT_EQ(no, 5);
    EXPECT(store_segments_before(&segments, 4, both, &no));
    EXPECT_EQ(no, 3);
    EXPECT(store_segments_before(&segments, UINT64_MAX, 1u << JOB_DEAD, &no));
    EXPECT_EQ(no, 3);
    EXPECT(!store_segments_before(&segments, 2, both, &no));
    EXPECT(!store_segments_before(&segments, UINT64_MAX, 1u << JOB_RUNNING, &no));
    store_segments_deinit(&segments);
}

struct walker {
    struct store_segments *segments;
    _Atomic bool is_over;
};

static void *walk_all(void *ctx)
{
    struct walker *walker = ctx;
    while (!atomic_load(&walker->is_over))
        store_segments_walked(walker->segments, 2, UINT64_MAX, 50);
    return NULL;
}

// ThreadSanitizer is who judges this.
TEST(segments, a_walk_may_tell_the_next_moment_while_a_batch_is_written)
{
    struct store_segments segments;
    struct walker walker = {.segments = &segments};
    struct job_row dead = {.no = 9000, .state = JOB_DEAD, .remove_at = 70};
    pthread_t thread;
    store_segments_init(&segments);
    EXPECT_EQ(store_segments_stage(&segments, 9000, JOB_NONE, &dead), OK);
    store_segments_settle(&segments, 1);
    EXPECT_EQ(pthread_create(&thread, NULL, walk_all, &walker), 0);
    for (uint64_t commit = 2; commit < 5000; commit++) {
        EXPECT_EQ(store_segments_stage(&segments, 9000, JOB_DEAD, &dead), OK);
        EXPECT_EQ(staged(&segments, 0).counts[JOB_DEAD], 1);
        store_segments_settle(&segments, commit);
    }
    atomic_store(&walker.is_over, true);
    EXPECT_EQ(pthread_join(thread, NULL), 0);
    EXPECT(segments.items[0].settled.earliest_at <= 70);
    store_segments_deinit(&segments);
}
