// Unique keys in the life of jobs.

#include "tests/support/story.h"

static struct msg_submit_job with_key(uint32_t number, uint32_t for_s, bool while_unfinished)
{
    struct msg_submit_job job = story_job(number);
    job.unique_key = slice_of_text("k");
    job.unique_hash = story_id(77);
    job.unique_for_s = for_s;
    job.unique_while_unfinished = while_unfinished;
    return job;
}

TEST(unique, while_its_holder_is_unfinished_others_are_refused)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit_two(story, with_key(1, 0, true), with_key(2, 0, true));
    story_submit(story, with_key(1, 0, true)); // the holder itself is a replay
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_submit(story, with_key(3, 0, true));
    EXPECT_STORY(story,
                 "[0] hold unique key 77 of 1 while unfinished\n"
                 "[0] write 1 running v2\n"
                 "[0] send client: submitted 1 queued, 2 unique (unique: an earlier job holds this "
                 "key)\n"
                 "[0] job 1 to worker 1 token 1.1 attempt 1\n"
                 "[0] send client: submitted 1 replayed running\n"
                 "[0] give back unique key 77 of 1 while unfinished\n"
                 "[0] write 1 succeeded v3\n"
                 "[0] send worker 1: finished 1 ok\n"
                 "[0] hold unique key 77 of 3 while unfinished\n"
                 "[0] write 3 running v2\n"
                 "[0] send client: submitted 3 queued\n"
                 "[0] job 3 to worker 1 token 1.2 attempt 1\n");
    story_free(story);
}

TEST(unique, for_a_time_it_is_held_whatever_its_holder_does)
{
    struct story *story = story_new();
    story_submit(story, with_key(1, 1, false));
    story_at(story, 999);
    story_submit(story, with_key(2, 1, false));
    story_at(story, 1000);
    story_submit(story, with_key(3, 1, false)); // no tick has seen the moment yet
    EXPECT_STORY(story, "[0] hold unique key 77 of 1 until 1000\n"
                        "[0] write 1 queued v1\n"
                        "[0] send client: submitted 1 queued\n"
                        "[999] send client: submitted 2 unique (unique: an earlier job holds this "
                        "key)\n"
                        "[1000] give back unique key 77 of 1 until 1000\n"
                        "[1000] hold unique key 77 of 3 until 2000\n"
                        "[1000] write 3 queued v1\n"
                        "[1000] send client: submitted 3 queued\n");
    story_free(story);
}

TEST(unique, a_tick_gives_back_what_has_passed)
{
    struct story *story = story_new();
    story_submit(story, with_key(1, 1, false));
    EXPECT_EQ(core_wait_ms(story->core, story->now), 1000);
    (void)story_told(story);
    story_at(story, 1000);
    story_tick(story);
    EXPECT_STORY(story, "[1000] give back unique key 77 of 1 until 1000\n");
    EXPECT_EQ(story_figures(story).unique_count, 0);
    EXPECT_EQ(core_wait_ms(story->core, story->now), WHEN_NEVER);
    story_free(story);
}

// Told of the moments at which another submission is accepted.
static void expect_held_until_both(struct story *story)
{
    story_at(story, 500);
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_settle(story);
    story_restart(story);
    (void)story_told(story);
    story_at(story, 999);
    story_submit(story, with_key(2, 0, true));
    story_at(story, 1000);
    story_submit(story, with_key(3, 0, true));
    EXPECT_STORY(story, "[999] send client: submitted 2 unique (unique: an earlier job holds this "
                        "key)\n"
                        "[1000] give back unique key 77 of 1 until 1000\n"
                        "[1000] hold unique key 77 of 3 while unfinished\n"
                        "[1000] write 3 queued v1\n"
                        "[1000] send client: submitted 3 queued\n");
}

TEST(unique, both_spans_mean_the_later_of_the_two_also_after_a_restart)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, with_key(1, 1, true));
    expect_held_until_both(story);
    story_free(story);

    story = story_new();
    story_submit(story, with_key(1, 1, true));
    story_restart(story);
    (void)story_told(story);
    story_at(story, 2000);
    story_submit(story, with_key(2, 0, true));
    EXPECT_STORY(story, "[2000] send client: submitted 2 unique (unique: an earlier job holds this "
                        "key)\n");
    EXPECT_EQ(story_figures(story).unique_count, 1);
    story_free(story);
}

TEST(unique, a_full_table_refuses_and_a_restart_keeps_it)
{
    struct story *story = story_new();
    for (uint32_t i = 1; i <= 4; i++) {
        struct msg_submit_job job = with_key(i, 0, true);
        job.unique_hash = story_id(70 + i);
        if (i == 4)
            (void)story_told(story);
        story_submit(story, job);
    }
    EXPECT_STORY(story, "[0] send client: submitted 4 full (unique_count_max: too many unique keys "
                        "are held)\n");
    story_restart(story);
    EXPECT_EQ(story_figures(story).unique_count, 3);
    struct limits limits = story_limits();
    limits.unique_count_max = 2;
    EXPECT_EQ(story_reload(story, &limits), ERR_FULL);
    story_free(story);
}

// --- a second life ---

static struct story *with_dead(struct msg_submit_job job)
{
    struct story *story = story_new();
    job.max_attempts = 1;
    story_worker(story, 11, "mail", 1);
    story_submit(story, job);
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_DEAD);
    story_gone(story, 11);
    (void)story_told(story);
    return story;
}

TEST(unique, a_retried_job_takes_its_key_again)
{
    struct story *story = with_dead(with_key(1, 0, true));
    story_act(story, ACT_RETRY, 1);
    story_restart(story);
    story_submit(story, with_key(2, 0, true));
    EXPECT_STORY(story, "[0] hold unique key 77 of 1 while unfinished\n"
                        "[0] write 1 queued v4\n"
                        "[0] send client: acted queued v4\n"
                        "[0] send client: submitted 2 unique (unique: an earlier job holds this "
                        "key)\n");
    story_worker(story, 21, "mail", 1);
    story_finish(story, 21, story_held(1, story_token(2, 1)), OUTCOME_SUCCEEDED);
    EXPECT_EQ(story_figures(story).unique_count, 0);
    story_free(story);
}

TEST(unique, a_retry_is_refused_while_another_job_holds_its_key)
{
    struct story *story = with_dead(with_key(1, 0, true));
    story_submit(story, with_key(2, 0, true));
    (void)story_told(story);
    story_act(story, ACT_RETRY, 1);
    EXPECT_STORY(story, "[0] send client: acted unique (another job holds its unique key now)\n");
    EXPECT_EQ(story_figures(story).unique_count, 1);
    story_free(story);
}

TEST(unique, a_key_still_held_for_its_time_waits_for_the_next_end_too)
{
    struct story *story = with_dead(with_key(1, 1, true));
    story_act(story, ACT_RETRY, 1);
    story_at(story, 2000);
    story_tick(story);
    story_submit(story, with_key(2, 0, true));
    EXPECT_STORY(story, "[0] write 1 queued v4\n"
                        "[0] send client: acted queued v4\n"
                        "[2000] send client: submitted 2 unique (unique: an earlier job holds this "
                        "key)\n");
    story_free(story);
}

TEST(unique, a_key_for_a_time_only_is_not_taken_again)
{
    struct story *story = with_dead(with_key(1, 1, false));
    story_at(story, 1000);
    story_submit(story, with_key(2, 1, false));
    (void)story_told(story);
    story_act(story, ACT_RETRY, 1);
    EXPECT_STORY(story, "[1000] write 1 queued v4\n"
                        "[1000] send client: acted queued v4\n");
    story_free(story);
}

TEST(unique, a_retry_finds_no_room_for_its_key)
{
    struct story *story = with_dead(with_key(1, 0, true));
    for (uint32_t i = 2; i <= 4; i++) {
        struct msg_submit_job job = with_key(i, 0, true);
        job.unique_hash = story_id(70 + i);
        story_submit(story, job);
    }
    (void)story_told(story);
    story_act(story, ACT_RETRY, 1);
    EXPECT_STORY(story, "[0] send client: acted full (unique_count_max: too many unique keys are "
                        "held)\n");
    story_free(story);
}
