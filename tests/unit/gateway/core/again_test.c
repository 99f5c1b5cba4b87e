// When to ask again.

#include "gateway/core/again.h"

#include "tests/support/test.h"

static uint32_t of_job(enum job_state state, when_ms due_at, when_ms started_at, when_ms now)
{
    return again_job(
        &(struct msg_status_is){.state = state,
                                .created_at = 1000000,
                                .due_at = due_at,
                                .started_at = started_at,
                                .deadline_at = started_at > 0 ? started_at + 40000 : 0},
        now);
}

TEST(again, a_job_that_has_a_moment_is_worth_asking_for_then)
{
    EXPECT_EQ(of_job(JOB_SCHEDULED, 1030000, 0, 1000000), 30000);
    EXPECT_EQ(of_job(JOB_RETRYING, 1030000, 0, 1027600), 3000); // in whole seconds
    EXPECT_EQ(of_job(JOB_SCHEDULED, 1000000 + 3600000, 0, 1000000), AGAIN_MAX_MS);
    EXPECT_EQ(of_job(JOB_SCHEDULED, 1000300, 0, 1000000), AGAIN_MIN_MS);
    EXPECT_EQ(of_job(JOB_SCHEDULED, WHEN_NEVER, 0, 1000000), AGAIN_MAX_MS);
}

TEST(again, others_by_an_eighth_of_what_has_passed)
{
    EXPECT_EQ(of_job(JOB_QUEUED, 0, 0, 1000000), AGAIN_MIN_MS);
    EXPECT_EQ(of_job(JOB_QUEUED, 0, 0, 1000000 + 80000), 10000);
    EXPECT_EQ(of_job(JOB_QUEUED, 0, 0, 1000000 + 3600000), AGAIN_MAX_MS);
    EXPECT_EQ(of_job(JOB_QUEUED, 0, 0, 999000), AGAIN_MIN_MS); // another clock
    // From when it was due.
    EXPECT_EQ(of_job(JOB_RETRYING, 1060000, 0, 1000000 + 80000), 3000);
    // Since it runs, and not beyond its deadline.
    EXPECT_EQ(of_job(JOB_RUNNING, 0, 1080000, 1080000 + 24000), 3000);
    EXPECT_EQ(of_job(JOB_RUNNING, 0, 1080000, 1080000 + 38900), 2000);
    EXPECT_EQ(of_job(JOB_RUNNING, 0, 1080000, 1080000 + 48000), 6000);
}

TEST(again, what_was_submitted)
{
    struct msg_submitted_job said = {.state = JOB_QUEUED, .created_at = 1000000};
    struct msg_submit_job job = {0};
    EXPECT_EQ(again_submitted(&job, &said, 1000000), AGAIN_MIN_MS);
    EXPECT_EQ(again_submitted(&job, &said, 1000000 + 80000), 10000); // replayed
    said.state = JOB_SCHEDULED;
    job.delay_ms = 20000;
    EXPECT_EQ(again_submitted(&job, &said, 1005000), 15000);
    job.delay_ms = 0;
    job.run_at = 1045000;
    EXPECT_EQ(again_submitted(&job, &said, 1005000), 40000);
    job.delay_ms = UINT64_MAX / 2;
    EXPECT_EQ(again_submitted(&job, &said, 1005000), AGAIN_MAX_MS);
}

TEST(again, a_batch_by_its_pace)
{
    struct msg_batch_status_is batch = {.created_at = 1000000};
    batch.counts[JOB_QUEUED] = 10;
    EXPECT_EQ(again_batch(&batch, 1000000), AGAIN_MIN_MS);
    EXPECT_EQ(again_batch(&batch, 1000000 + 80000), 10000);
    batch.counts[JOB_QUEUED] = 6;
    batch.counts[JOB_DEAD] = 1;
    batch.counts[JOB_SUCCEEDED] = 3;
    EXPECT_EQ(again_batch(&batch, 1000000 + 20000), 30000);
    EXPECT_EQ(again_batch(&batch, 1000000 + 200000), AGAIN_MAX_MS);
    EXPECT_EQ(again_batch(&batch, 999000), AGAIN_MIN_MS);
    batch.counts[JOB_QUEUED] = 0; // none is left, and it is not sealed
    EXPECT_EQ(again_batch(&batch, 1000000 + 8000), AGAIN_MIN_MS);
}
