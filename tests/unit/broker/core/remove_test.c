// Station remove: retention, tombstones, the end of a key's window.

#include "tests/support/story.h"

// Job `number` succeeded at moment 5; it is kept for 1 s and its key is taken for 2 s.
static struct story *succeeded(uint32_t number)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(number));
    story_at(story, 5);
    story_finish(story, 11, story_held(number, story_token(1, 1)), OUTCOME_SUCCEEDED);
    (void)story_told(story);
    return story;
}

TEST(remove, a_removed_job_leaves_a_tombstone_until_its_key_is_free)
{
    struct story *story = succeeded(100);
    story_at(story, 1004);
    story_remove(story, 1); // a millisecond too early
    story_submit(story, story_job(100));
    story_at(story, 1005);
    story_remove(story, 1);
    story_submit(story, story_job(100));
    story_remove(story, 1); // it has been
    story_at(story, 1999);
    story_remove(story, 1); // its key is taken until 2000
    EXPECT_STORY(story, "[1004] send client: submitted 100 replayed succeeded\n"
                        "[1005] drop body of 100\n"
                        "[1005] write 100 removed v4\n"
                        "[1005] send client: submitted 100 replayed removed\n");
    EXPECT_EQ(story->store.jobs[0].ended_as, JOB_SUCCEEDED);
    EXPECT_EQ(story_figures(story).key_count, 1);
    story_at(story, 2000);
    story_remove(story, 1);
    EXPECT_STORY(story, "[2000] forget 100 removed v5\n");
    EXPECT_EQ(story->store.job_count, 0);
    EXPECT_EQ(story_figures(story).key_count, 0);
    story_free(story);
}

TEST(remove, a_free_key_makes_a_new_job_of_a_later_generation)
{
    struct story *story = succeeded(100);
    story_at(story, 2000);
    story_remove(story, 1);
    struct msg_submit_job other = story_job(100);
    other.fingerprint = 999; // another body may have the key now
    story_submit(story, other);
    EXPECT_STORY(story, "[2000] drop body of 100\n"
                        "[2000] write 100 removed v4\n"
                        "[2000] forget 100 removed v5\n"
                        "[2000] write 100 running v2\n"
                        "[2000] send client: submitted 100 queued\n"
                        "[2000] job 100 to worker 1 token 1.2 attempt 1\n");
    EXPECT_EQ(story->store.jobs[0].no, 2);
    EXPECT_EQ(story_figures(story).ledger.counts[JOB_REMOVED], 1);
    story_free(story);
}

TEST(remove, and_forget_and_submit_again_in_one_batch)
{
    struct story *story = succeeded(100);
    story->lag = 2;
    story_at(story, 2000);
    story_open(story);
    story_remove(story, 1);
    story_submit(story, story_job(100));
    story_close(story);
    story_submit(story, story_job(100)); // the new one, not the old one, is replayed
    story_finish(story, 11, story_held(100, story_token(1, 2)), OUTCOME_SUCCEEDED);
    story_submit(story, story_job(100));
    story_settle(story);
    story_submit(story, story_job(100));
    EXPECT_STORY(story, "[2000] drop body of 100\n"
                        "[2000] write 100 removed v4\n"
                        "[2000] forget 100 removed v5\n"
                        "[2000] write 100 running v2\n"
                        "[2000] send client: submitted 100 queued\n"
                        "[2000] job 100 to worker 1 token 1.2 attempt 1\n"
                        "[2000] send client: submitted 100 replayed running\n"
                        "[2000] write 100 succeeded v3\n"
                        "[2000] send worker 1: finished 100 ok\n"
                        "[2000] send client: submitted 100 replayed succeeded\n"
                        "[2000] send client: submitted 100 replayed succeeded\n");
    EXPECT_EQ(story->store.job_count, 1);
    story_free(story);
}

TEST(remove, an_unsettled_removal_is_seen_by_all_that_follows)
{
    struct story *story = succeeded(100);
    story->lag = 2;
    story_at(story, 1005);
    story_remove(story, 1);
    story_submit(story, story_job(100)); // the store still says succeeded
    story_at(story, 2000);
    story_remove(story, 1);
    story_submit(story, story_job(100)); // the store still has it
    EXPECT_STORY(story, "[1005] drop body of 100\n"
                        "[1005] write 100 removed v4\n"
                        "[1005] send client: submitted 100 replayed removed\n"
                        "[2000] forget 100 removed v5\n"
                        "[2000] write 100 running v2\n"
                        "[2000] send client: submitted 100 queued\n"
                        "[2000] job 100 to worker 1 token 1.2 attempt 1\n");
    story_settle(story);
    EXPECT_EQ(story->store.job_count, 1);
    story_free(story);
}

TEST(remove, an_unkeyed_tombstone_outlasts_the_age_of_its_id)
{
    struct story *story = succeeded(7);
    story_at(story, 1005);
    story_remove(story, 1);
    (void)story_told(story);
    when_ms until = LIMITS_ID_AGE_MAX_MS + LIMITS_ID_AHEAD_MAX_MS;
    story_at(story, until - 1);
    story_remove(story, 1);
    story_submit(story, story_job(7));
    story_at(story, until);
    story_remove(story, 1);
    story_submit(story, story_job(7));
    EXPECT_STORY(story,
                 "[3899999] send client: submitted 7 replayed removed\n"
                 "[3900000] forget 7 removed v5\n"
                 "[3900000] send client: submitted 7 id-too-old (job_id: its time is at most 1 h "
                 "behind the broker's and 5 min ahead of it; created_at_ms tells the broker's)\n");
    story_free(story);
}

TEST(remove, a_job_kept_longer_than_its_window_keeps_its_key)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    struct msg_submit_job job = story_job(100);
    job.keep_s = 10;
    story_submit(story, job);
    story_finish(story, 11, story_held(100, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_at(story, 9999);
    story_remove(story, 1);
    story_submit(story, job);
    EXPECT_EQ(story_figures(story).replayed, 1);
    story_at(story, 10000);
    story_remove(story, 1); // both at once
    EXPECT_EQ(story->store.job_count, 0);
    story_free(story);
}

TEST(remove, only_what_has_ended_is_removed)
{
    struct story *story = story_new();
    story_submit(story, story_job(7));
    (void)story_told(story);
    story_at(story, 1000000000);
    story_remove(story, 1);  // queued
    story_remove(story, 99); // nobody has this number
    EXPECT_STORY(story, "");
    story_free(story);
}

TEST(remove, the_sweepers_word_may_be_about_an_earlier_job)
{
    struct story *story = succeeded(100);
    story_at(story, 2000);
    struct job_row old = story->store.jobs[0];
    story_remove(story, 1);
    story_submit(story, story_job(100));
    story_finish(story, 11, story_held(100, story_token(1, 2)), OUTCOME_SUCCEEDED);
    (void)story_told(story);
    // A store that answers from an old snapshot still knows number 1.
    story->store.jobs[story->store.job_count++] = old;
    story_at(story, 100000);
    story_remove(story, 1);
    EXPECT_STORY(story, "");
    EXPECT_EQ(story->store.jobs[0].state, JOB_SUCCEEDED);
    story_free(story);
}

TEST(remove, members_leave_their_batch_and_the_last_one_ends_it)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 2);
    struct msg_submit_job a = story_job(1);
    struct msg_submit_job b = story_job(2);
    a.batch_id = b.batch_id = story_id(90);
    story_submit_two(story, a, b);
    story_seal(story, 90);
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_at(story, 500);
    story_finish(story, 11, story_held(2, story_token(1, 2)), OUTCOME_DEAD);
    (void)story_told(story);
    story_at(story, 1000);
    story_remove(story, 1);
    EXPECT_EQ(story_figures(story).batch_count, 1);
    story_at(story, 1500);
    story_remove(story, 2);
    EXPECT_STORY(story, "[1000] drop body of 1\n"
                        "[1000] write 1 removed v4\n"
                        "[1000] batch 90 v5: 1 dead 1 removed sealed finished 500\n"
                        "[1500] drop body of 2\n"
                        "[1500] write 2 removed v4 e1 c0 i0\n"
                        "[1500] drop batch 90 v6: 2 removed sealed finished 500\n");
    EXPECT_EQ(story_figures(story).batch_count, 0);
    story_restart(story); // and no row of it is left
    EXPECT_EQ(story_figures(story).batch_count, 0);
    story_free(story);
}

TEST(remove, waits_when_the_overlay_is_full)
{
    // Room for unsettled changes: four times what a batch may change, two for each removal.
    struct limits limits = story_limits();
    limits.changed_count_max = 4;
    struct story *story = story_new_with(&limits);
    story_worker(story, 11, "mail", 1);
    for (uint32_t number = 0; number < 16; number++) {
        story_submit(story, story_job(number));
        story_finish(story, 11, story_held(number, story_token(1, number + 1)), OUTCOME_SUCCEEDED);
    }
    story_at(story, 1000);
    story_open(story);
    for (uint64_t no = 1; no <= 16; no++)
        story_remove(story, no);
    story_close(story);
    EXPECT_EQ(story_figures(story).ledger.counts[JOB_REMOVED], 15);
    story_remove(story, 16); // settled, so there is room again
    EXPECT_EQ(story_figures(story).ledger.counts[JOB_REMOVED], 16);
    story_free(story);
}
