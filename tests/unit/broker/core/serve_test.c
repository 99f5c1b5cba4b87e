// Station serve: READY and its limits.

#include "tests/support/story.h"

TEST(serve, is_answered_so_that_a_lost_one_is_repeated)
{
    struct story *story = story_new();
    story_hello(story, 11, 1, NULL);
    story_ready(story, 11, "mail", 1);
    story_ready(story, 11, "mail", 1);
    EXPECT_STORY(story, "[0] send worker 1: welcome epoch 1\n"
                        "[0] send worker 1: renewed\n"
                        "[0] send worker 1: renewed\n");
    story_free(story);
}

TEST(serve, a_repeated_ready_gives_no_credit_twice)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(7));
    story_ready(story, 11, "mail", 1);
    story_submit(story, story_job(8));
    EXPECT_EQ(story_figures(story).granted, 1);
    story_ready(story, 11, "mail", 2); // one more
    EXPECT_EQ(story_figures(story).granted, 2);
    story_ready(story, 11, "mail", 0); // what is out stays out
    EXPECT_EQ(story_figures(story).lease_count, 2);
    story_free(story);
}

TEST(serve, before_a_ready_a_worker_is_given_nothing)
{
    struct story *story = story_new();
    story_hello(story, 11, 1, NULL);
    story_submit(story, story_job(7));
    EXPECT_EQ(story_figures(story).granted, 0);
    story_free(story);
}

TEST(serve, quiet_means_nothing_more)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 2);
    story_submit(story, story_job(7));
    static const struct slice type = {(const uint8_t *)"mail", 4};
    story_say(story, 11,
              &(struct msg){.kind = MSG_READY,
                            .ready = {.types = &type, .type_count = 1, .slots = 2, .quiet = true}});
    story_submit(story, story_job(8));
    EXPECT_EQ(story_figures(story).granted, 1);
    story_ready(story, 11, "mail", 2);
    EXPECT_EQ(story_figures(story).granted, 2);
    story_free(story);
}

TEST(serve, slots_are_cut_to_a_quarter_of_a_batch)
{
    struct limits limits = story_limits();
    limits.job_count_max = 200;
    limits.lease_count_max = 200;
    struct story *story = story_new_with(&limits);
    story_worker(story, 11, "mail", 1000);
    for (uint32_t number = 100; number < 108; number++)
        story_submit(story, story_job(number));
    for (uint32_t number = 0; number < 100; number++)
        story_submit(story, story_job(number));
    EXPECT_EQ(story_figures(story).granted, 108);
    for (uint32_t number = 0; number < 40; number++) {
        struct msg_submit_job job = story_job(0);
        job.job_id = id_v7(STORY_EPOCH, 1, number);
        story_submit(story, job);
    }
    EXPECT_EQ(story_figures(story).granted, 512 / 4);
    story_free(story);
}

TEST(serve, more_pairs_than_the_limit_are_refused)
{
    struct limits limits = story_limits();
    limits.serve_count_max = 1;
    struct story *story = story_new_with(&limits);
    story_submit(story, story_job(7)); // the lane exists
    story_worker(story, 11, "mail", 1);
    story_hello(story, 12, 1, NULL);
    (void)story_told(story);
    story_ready(story, 12, "mail", 1);
    EXPECT_STORY(
        story, "[0] send worker 2: error full (serve_count_max: too many (worker, lane) pairs)\n");
    // The first one is not shut out by what it has itself.
    story_ready(story, 11, "mail", 1);
    EXPECT_STORY(story, "[0] send worker 1: renewed\n");
    story_free(story);
}

TEST(serve, only_workers_say_it)
{
    struct story *story = story_new();
    story_ready(story, STORY_CLIENT, "mail", 1);
    story_renew(story, STORY_CLIENT, NULL);
    story_finish(story, STORY_CLIENT, story_held(7, 1), OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[0] send client: error bad-field (role: only a worker says this)\n"
                        "[0] send client: error bad-field (role: only a worker says this)\n"
                        "[0] send client: error bad-field (role: only a worker says this)\n");
    story_free(story);
}
