// Where a job waits follows from its state alone.

#include "tests/support/story.h"

static uint32_t ready_count(const struct story *story)
{
    struct lane_figures lane;
    return core_lane(story->core, 0, &lane) ? lane.ready_count : 0;
}

TEST(wait, queued_jobs_wait_in_their_lane)
{
    struct story *story = story_new();
    story_submit(story, story_job(7));
    EXPECT_EQ(ready_count(story), 1);
    EXPECT_EQ(core_wait_ms(story->core, story->now), WHEN_NEVER);
    story_free(story);
}

TEST(wait, scheduled_and_retrying_jobs_wait_for_their_time)
{
    struct story *story = story_new();
    struct msg_submit_job job = story_job(7);
    job.delay_ms = 10;
    story_submit(story, job);
    EXPECT_EQ(ready_count(story), 0);
    EXPECT_EQ(core_wait_ms(story->core, story->now), 10);
    story_worker(story, 11, "mail", 1);
    story_at(story, 10);
    story_tick(story);
    story_finish(story, 11, story_held(7, story_token(1, 1)), OUTCOME_FAILED);
    EXPECT_EQ(story->store.jobs[0].state, JOB_RETRYING);
    EXPECT_EQ(ready_count(story), 0);
    EXPECT(core_wait_ms(story->core, story->now) >= 500);
    story_free(story);
}

TEST(wait, ended_jobs_wait_nowhere)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(7));
    story_finish(story, 11, story_held(7, story_token(1, 1)), OUTCOME_SUCCEEDED);
    EXPECT_EQ(ready_count(story), 0);
    EXPECT_EQ(core_wait_ms(story->core, story->now), WHEN_NEVER);
    EXPECT_EQ(story_figures(story).job_count, 0);
    story_free(story);
}

TEST(wait, a_job_waits_again_after_a_restart)
{
    struct story *story = story_new();
    struct msg_submit_job job = story_job(7);
    job.delay_ms = 10;
    story_submit(story, job);
    story_submit(story, story_job(8));
    story_restart(story);
    EXPECT_EQ(ready_count(story), 1);
    EXPECT_EQ(core_wait_ms(story->core, story->now), 10);
    story_free(story);
}
