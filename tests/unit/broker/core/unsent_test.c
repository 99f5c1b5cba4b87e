// Station unsent: jobs that never left go back at once.

#include "tests/support/story.h"

static struct story *granted(void)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_at(story, 100); // long after the start
    story_submit(story, story_job(7));
    (void)story_told(story);
    return story;
}

TEST(unsent, a_job_whose_worker_is_gone_is_an_interruption)
{
    struct story *story = granted();
    story_gone(story, 11);
    story_unsent(story, story_held(7, story_token(1, 1)));
    EXPECT_STORY(story, "[100] write 7 queued v3 e0 c0 i1\n");
    EXPECT_EQ(story_figures(story).worker_count, 0); // it owes nothing any more
    EXPECT_EQ(story_figures(story).lease_count, 0);
    story_free(story);
}

TEST(unsent, another_worker_is_given_it_in_the_same_batch)
{
    struct story *story = granted();
    story_worker(story, 12, "mail", 1);
    story_gone(story, 11);
    story_unsent(story, story_held(7, story_token(1, 1)));
    EXPECT_STORY(story, "[100] write 7 running v4 e0 c0 i1\n"
                        "[100] job 7 to worker 2 token 1.2 attempt 1\n");
    story_free(story);
}

TEST(unsent, what_has_passed_on_is_left_alone)
{
    struct story *story = granted();
    story_unsent(story, story_held(7, story_token(1, 9))); // no such lease
    story_unsent(story, story_held(8, story_token(1, 1))); // not this job's
    EXPECT_STORY(story, "");
    EXPECT_EQ(story->store.jobs[0].state, JOB_RUNNING);
    story_free(story);
}

TEST(unsent, a_lease_that_passed_meanwhile_is_charged_once)
{
    struct story *story = granted();
    story_at(story, 130);
    story_tick(story);
    story_unsent(story, story_held(7, story_token(1, 1)));
    EXPECT_STORY(story, "[130] write 7 queued v3 e0 c1 i0\n"
                        "[130] write 7 running v4 e0 c1 i0\n"
                        "[130] job 7 to worker 1 token 1.2 attempt 2\n");
    story_free(story);
}
