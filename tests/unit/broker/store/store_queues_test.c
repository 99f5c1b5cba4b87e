// The counts of queues, worked out from their jobs.
// links: weft_broker_store

#include "broker/store/store_queues.h"
#include "tests/support/test.h"

static struct store_queues queues;

static void make(void)
{
    EXPECT_EQ(store_queues_init(&queues), OK);
    store_queues_lane(&queues, 0, 0);
    store_queues_lane(&queues, 1, 40);
    store_queues_lane(&queues, 2, 40);
}

// A new one.
static struct queue_row row_of(uint16_t no, uint64_t queued, uint64_t running)
{
    struct queue_row row = {.no = no, .accepted = queued + running};
    row.counts[JOB_QUEUED] = queued;
    row.counts[JOB_RUNNING] = running;
    return row;
}

static void stage(struct queue_row row)
{
    EXPECT_EQ(store_queues_stage(&queues, &row), OK);
}

TEST(store_queues, a_row_moves_as_its_jobs_do)
{
    make();
    struct queue_row row = row_of(40, 2, 0);
    EXPECT_EQ(store_queues_load(&queues, &row), OK);
    store_queues_move(&queues, 1, JOB_QUEUED, JOB_RUNNING);
    store_queues_move(&queues, 2, JOB_NONE, JOB_QUEUED);
    stage(row_of(40, 2, 1));
    EXPECT(store_queues_settle(&queues, false));
    store_queues_move(&queues, 2, JOB_QUEUED, JOB_RUNNING);
    stage(row_of(40, 2, 1)); // as before
    EXPECT(!store_queues_settle(&queues, false));
    store_queues_deinit(&queues);
}

TEST(store_queues, a_row_that_is_not_written_is_missed)
{
    make();
    struct queue_row row = row_of(0, 1, 0);
    EXPECT_EQ(store_queues_load(&queues, &row), OK);
    store_queues_move(&queues, 0, JOB_QUEUED, JOB_RUNNING);
    EXPECT(!store_queues_settle(&queues, false));
    EXPECT(store_queues_settle(&queues, false)); // told once
    store_queues_deinit(&queues);
}

TEST(store_queues, each_queue_obeys_the_law_by_itself)
{
    make();
    struct queue_row one = row_of(0, 1, 0);
    struct queue_row other = row_of(40, 1, 0);
    one.accepted = 2;
    other.accepted = 0;
    stage(one);
    stage(other);
    EXPECT(!store_queues_settle(&queues, true));
    store_queues_deinit(&queues);
}

TEST(store_queues, nothing_is_said_of_what_is_not_known)
{
    make();
    store_queues_move(&queues, 1, JOB_QUEUED, JOB_RUNNING); // before its first row
    EXPECT(store_queues_settle(&queues, false));
    stage(row_of(40, 5, 5));
    EXPECT(store_queues_settle(&queues, false));
    store_queues_move(&queues, 1, JOB_QUEUED, JOB_RUNNING);
    stage(row_of(40, 5, 5));
    EXPECT(store_queues_settle(&queues, true)); // an old row was damaged
    store_queues_deinit(&queues);
}

TEST(store_queues, what_was_aborted_never_happened)
{
    make();
    struct queue_row row = row_of(0, 1, 0);
    EXPECT_EQ(store_queues_load(&queues, &row), OK);
    store_queues_move(&queues, 0, JOB_QUEUED, JOB_RUNNING);
    stage(row_of(0, 7, 7));
    store_queues_abort(&queues);
    store_queues_move(&queues, 0, JOB_QUEUED, JOB_RUNNING);
    stage(row_of(0, 0, 1));
    EXPECT(store_queues_settle(&queues, false));
    store_queues_deinit(&queues);
}

TEST(store_queues, the_next_of_a_number_counts_from_its_own_row)
{
    make();
    struct queue_row row = row_of(3, 0, 0);
    row.accepted = row.counts[JOB_REMOVED] = 5;
    EXPECT_EQ(store_queues_load(&queues, &row), OK);
    store_queues_drop(&queues, 3);
    EXPECT(store_queues_settle(&queues, false));
    stage(row_of(3, 1, 0));
    EXPECT(store_queues_settle(&queues, false));
    store_queues_drop(&queues, 60); // nothing is known of it
    stage(row_of(3, 1, 1));         // and then it is held against its jobs again
    EXPECT(!store_queues_settle(&queues, false));
    store_queues_deinit(&queues);
}
