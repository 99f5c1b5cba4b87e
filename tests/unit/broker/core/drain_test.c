// Workers that are told to go quiet, or to stop.

#include "tests/support/story.h"

static void tell(struct story *story, enum act_kind kind, uint32_t worker)
{
    struct msg msg = {.kind = MSG_ACT,
                      .corr = 1,
                      .act = {.kind = kind, .worker_id = story_worker_id(worker), .act_id = {{1}}}};
    story_say(story, STORY_CLIENT, &msg);
}

TEST(drain, a_quiet_worker_gets_no_more_jobs_and_is_told_until_it_leaves)
{
    struct story *story = story_new();
    struct msg_held held = story_held(7, story_token(1, 1));
    story_worker(story, 11, "mail", 2);
    story_submit(story, story_job(7));
    (void)story_told(story);
    tell(story, ACT_QUIET, 1);
    story_submit(story, story_job(8));
    story_renew(story, 11, &held);
    story_ready(story, 11, "mail", 2); // it has not heard it yet
    EXPECT_STORY(story, "[0] send worker 1: renewed quiet\n"
                        "[0] send client: acted quiet\n"
                        "[0] write 8 queued v1\n"
                        "[0] send client: submitted 8 queued\n"
                        "[0] send worker 1: renewed quiet\n"
                        "[0] send worker 1: renewed quiet\n");
    story_finish(story, 11, held, OUTCOME_INTERRUPTED);
    EXPECT_EQ(story->store.jobs[0].state, JOB_QUEUED);
    EXPECT_EQ(story->store.jobs[0].errors + story->store.jobs[0].crashes, 0);
    (void)story_told(story);
    story_free(story);
}

TEST(drain, stopping_is_more_than_quiet_and_is_not_taken_back)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    (void)story_told(story);
    tell(story, ACT_QUIET, 1);
    tell(story, ACT_STOP, 1);
    tell(story, ACT_QUIET, 1);
    EXPECT_STORY(story, "[0] send worker 1: renewed quiet\n"
                        "[0] send client: acted quiet\n"
                        "[0] send worker 1: renewed stop\n"
                        "[0] send client: acted stop\n"
                        "[0] send worker 1: renewed stop\n"
                        "[0] send client: acted stop\n");
    story_free(story);
}

TEST(drain, its_next_session_is_a_new_one)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    tell(story, ACT_STOP, 1);
    story_hello(story, 21, 2, NULL);
    story_ready(story, 21, "mail", 1);
    story_submit(story, story_job(7));
    EXPECT_EQ(story->store.jobs[0].state, JOB_RUNNING);
    story_free(story);
}

TEST(drain, a_new_connection_is_not)
{
    struct story *story = story_new();
    struct msg_held held = story_held(7, story_token(1, 1));
    story_worker(story, 11, "mail", 2);
    story_submit(story, story_job(7));
    tell(story, ACT_QUIET, 1);
    story_hello(story, 21, 1, &held);
    (void)story_told(story);
    story_ready(story, 21, "mail", 2);
    story_submit(story, story_job(8));
    EXPECT_STORY(story, "[0] send worker 1 (2): renewed quiet\n"
                        "[0] write 8 queued v1\n"
                        "[0] send client: submitted 8 queued\n");
    story_free(story);
}

TEST(drain, nobody_is_told_that_is_not_known)
{
    struct story *story = story_new();
    tell(story, ACT_STOP, 2);
    EXPECT_STORY(story, "[0] send client: acted not-found (no such worker is connected or owes "
                        "anything; check the id)\n");
    story_free(story);
}
