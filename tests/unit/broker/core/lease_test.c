// The ends of leases: who is charged, and when credit comes back.

#include "tests/support/story.h"

static const struct job_row *first(const struct story *story)
{
    return &story->store.jobs[0];
}

static struct story *granted_at(when_ms moment, struct msg_submit_job job)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_at(story, moment);
    story_submit(story, job);
    (void)story_told(story);
    return story;
}

static void tick_at(struct story *story, when_ms moment)
{
    story_at(story, moment);
    story_tick(story);
}

TEST(lease, silent_worker_loses_the_job_to_another)
{
    struct story *story = granted_at(5, story_job(7));
    story_worker(story, 12, "mail", 1);
    tick_at(story, 34);
    tick_at(story, 35);
    EXPECT_STORY(story, "[35] write 7 running v4 e0 c1 i0\n"
                        "[35] job 7 to worker 2 token 1.2 attempt 2\n");
    EXPECT_EQ(story_figures(story).leases_ended, 1);
    story_free(story);
}

TEST(lease, a_passed_lease_returns_no_credit)
{
    struct story *story = granted_at(5, story_job(7));
    tick_at(story, 35);
    story_submit(story, story_job(8));
    // The worker has one slot, and has not said that it is free.
    EXPECT_STORY(story, "[35] write 7 queued v3 e0 c1 i0\n"
                        "[35] write 8 queued v1\n"
                        "[35] send client: submitted 8 queued\n");
    EXPECT_EQ(story_figures(story).lease_count, 1);
    struct msg_held held = story_held(7, story_token(1, 1));
    story_renew(story, 11, &held); // it runs it still
    EXPECT_STORY(story, "[35] send worker 1: renewed lost 7@1.1\n");
    story_renew(story, 11, NULL); // it does not hold it any more: the worker's word
    EXPECT_STORY(story, "[35] write 7 running v4 e0 c1 i0\n"
                        "[35] send worker 1: renewed\n"
                        "[35] job 7 to worker 1 token 1.2 attempt 2\n");
    story_free(story);
}

TEST(lease, of_the_first_moments_after_a_start_is_an_interruption)
{
    struct story *story = granted_at(0, story_job(7));
    tick_at(story, 30);
    EXPECT_EQ(first(story)->interruptions, 1);
    EXPECT_EQ(first(story)->crashes, 0);
    story_free(story);
    story = granted_at(1, story_job(7));
    tick_at(story, 31);
    EXPECT_EQ(first(story)->interruptions, 0);
    EXPECT_EQ(first(story)->crashes, 1);
    story_free(story);
}

TEST(lease, passed_leases_are_crashes_with_exact_limits)
{
    struct msg_submit_job job = story_job(7);
    job.max_crashes = 2;
    struct story *story = granted_at(5, job);
    tick_at(story, 35);
    EXPECT_EQ(first(story)->state, JOB_QUEUED);
    story_renew(story, 11, NULL);
    EXPECT_EQ(first(story)->state, JOB_RUNNING);
    tick_at(story, 65);
    EXPECT_EQ(first(story)->state, JOB_DEAD);
    EXPECT_EQ(first(story)->crashes, 2);
    story_free(story);
}

TEST(lease, passed_leases_burn_attempts)
{
    struct msg_submit_job job = story_job(7);
    job.max_attempts = 1;
    struct story *story = granted_at(5, job);
    tick_at(story, 35);
    EXPECT_EQ(first(story)->state, JOB_DEAD);
    EXPECT_EQ(first(story)->crashes, 1);
    story_free(story);
}

TEST(lease, interruptions_never_kill)
{
    struct msg_submit_job job = story_job(7);
    job.max_attempts = 1;
    job.max_crashes = 1;
    struct story *story = granted_at(0, job);
    tick_at(story, 30);
    EXPECT_EQ(first(story)->state, JOB_QUEUED);
    story_free(story);
}

TEST(lease, of_a_worker_that_is_gone_leaves_nothing_behind)
{
    struct story *story = granted_at(5, story_job(7));
    story_gone(story, 11);
    EXPECT_EQ(story_figures(story).worker_count, 1); // it may come back in time
    tick_at(story, 35);
    EXPECT_EQ(story_figures(story).lease_count, 0);
    EXPECT_EQ(story_figures(story).worker_count, 0);
    EXPECT_STORY(story, "[35] write 7 queued v3 e0 c1 i0\n");
    story_free(story);
}

TEST(lease, the_end_of_a_session_gives_all_of_it_back)
{
    struct story *story = granted_at(5, story_job(7));
    tick_at(story, 35);
    story_hello(story, 21, 2, NULL); // passed: dropped without a second charge
    story_ready(story, 21, "mail", 1);
    EXPECT_STORY(story, "[35] write 7 queued v3 e0 c1 i0\n"
                        "[35] send worker 1 (2): welcome epoch 1\n"
                        "[35] write 7 running v4 e0 c1 i0\n"
                        "[35] send worker 1 (2): renewed\n"
                        "[35] job 7 to worker 1 (2) token 1.2 attempt 2\n");
    EXPECT_EQ(story_figures(story).lease_count, 1);
    story_free(story);
}

TEST(lease, names_of_others_and_of_other_jobs_do_not_hold_it)
{
    struct story *story = granted_at(5, story_job(7));
    story_worker(story, 12, "none", 1);
    tick_at(story, 35);
    (void)story_told(story);
    struct msg_held mine = story_held(7, story_token(1, 1));
    story_renew(story, 12, &mine); // another worker's name for it changes nothing
    EXPECT_EQ(story_figures(story).lease_count, 1);
    struct msg_held wrong = story_held(8, story_token(1, 1));
    story_renew(story, 11, &wrong); // the token of 7 under another id: 7 is not named
    EXPECT_STORY(story, "[35] send worker 2: renewed lost 7@1.1\n"
                        "[35] write 7 running v4 e0 c1 i0\n"
                        "[35] send worker 1: renewed lost 8@1.1\n"
                        "[35] job 7 to worker 1 token 1.2 attempt 2\n");
    story_free(story);
}
