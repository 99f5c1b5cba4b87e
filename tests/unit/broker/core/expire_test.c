// Station expire: jobs that are not started in time.

#include "tests/support/story.h"

static struct msg_submit_job mortal(uint32_t number, uint64_t ttl_ms)
{
    struct msg_submit_job job = story_job(number);
    job.ttl_ms = ttl_ms;
    return job;
}

TEST(expire, a_queued_job_expires_when_its_ttl_has_passed)
{
    struct story *story = story_new();
    story_submit(story, mortal(7, 20));
    (void)story_told(story);
    EXPECT_EQ(core_wait_ms(story->core, story->now), 20);
    story_at(story, 19);
    story_tick(story);
    EXPECT_STORY(story, "");
    story_at(story, 20);
    story_tick(story);
    EXPECT_STORY(story, "[20] write 7 expired v2\n");
    EXPECT_EQ(story->store.jobs[0].ended_at, STORY_EPOCH + 20);
    EXPECT_EQ(story->store.jobs[0].remove_at, STORY_EPOCH + 20 + 1000);
    EXPECT_EQ(story_figures(story).expired, 1);
    story_free(story);
}

TEST(expire, a_job_that_is_due_too_late_expires_before)
{
    struct story *story = story_new();
    struct msg_submit_job job = mortal(7, 20);
    job.delay_ms = 50;
    story_submit(story, job);
    (void)story_told(story);
    story_at(story, 60); // both moments have passed
    story_tick(story);
    EXPECT_STORY(story, "[60] write 7 expired v2\n");
    story_free(story);
}

TEST(expire, a_job_that_was_started_has_no_ttl_any_more)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_at(story, 5);
    story_submit(story, mortal(7, 20));
    story_finish(story, 11, story_held(7, story_token(1, 1)), OUTCOME_INTERRUPTED);
    story_gone(story, 11);
    (void)story_told(story);
    story_at(story, 25);
    story_tick(story);
    EXPECT_EQ(story->store.jobs[0].state == JOB_EXPIRED, false);
    story_free(story);
}

TEST(expire, no_worker_gets_a_job_whose_ttl_has_passed)
{
    struct story *story = story_new();
    story_submit_two(story, mortal(7, 20), story_job(8));
    (void)story_told(story);
    story_at(story, 20); // no tick has come yet
    story_worker(story, 11, "mail", 1);
    EXPECT_EQ(story->store.jobs[0].state, JOB_EXPIRED);
    EXPECT_EQ(story->store.jobs[1].state, JOB_RUNNING);
    story_free(story);
}

TEST(expire, the_moment_survives_the_broker)
{
    struct story *story = story_new();
    story_submit(story, mortal(7, 20));
    story_restart(story);
    (void)story_told(story);
    EXPECT_EQ(core_wait_ms(story->core, story->now), 20);
    story_at(story, 20);
    story_tick(story);
    EXPECT_STORY(story, "[20] write 7 expired v2\n");
    story_free(story);
}

TEST(expire, a_cancelled_one_does_not_expire)
{
    struct story *story = story_new();
    story_submit(story, mortal(7, 20));
    story_act(story, ACT_CANCEL, 7);
    (void)story_told(story);
    EXPECT_EQ(core_wait_ms(story->core, story->now), WHEN_NEVER);
    story_free(story);
}
