// Batches are sealed, by their submitter or by time, and finish once.

#include "tests/support/story.h"

static struct msg_submit_job member(uint32_t number)
{
    struct msg_submit_job job = story_job(number);
    job.batch_id = story_id(90);
    return job;
}

TEST(seal, a_batch_finishes_when_it_is_sealed_and_all_have_ended)
{
    struct story *story = story_new();
    story_submit(story, member(1));
    story_worker(story, 11, "mail", 1);
    (void)story_told(story);
    story_at(story, 5);
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[5] write 1 succeeded v3\n"
                        "[5] batch 90 v3: 1 succeeded\n"
                        "[5] send worker 1: finished 1 ok\n");
    story_at(story, 8);
    story_seal(story, 90);
    EXPECT_STORY(story, "[8] batch 90 v4: 1 succeeded sealed finished 8\n"
                        "[8] send client: batch 90 v4 sealed finished\n");
    story_at(story, 9);
    story_seal(story, 90); // said again
    EXPECT_STORY(story, "[9] send client: batch 90 v4 sealed finished\n");
    story_free(story);
}

TEST(seal, the_last_end_finishes_a_sealed_batch)
{
    struct story *story = story_new();
    story_submit(story, member(1));
    story_submit(story, member(2));
    story_seal(story, 90);
    story_act(story, ACT_CANCEL, 1);
    (void)story_told(story);
    story_at(story, 7);
    story_act(story, ACT_CANCEL, 2);
    EXPECT_STORY(story, "[7] write 2 cancelled v2\n"
                        "[7] batch 90 v5: 2 cancelled sealed finished 7\n"
                        "[7] send client: acted cancelled v2\n");
    story_free(story);
}

TEST(seal, nobody_knows_a_batch_without_members)
{
    struct story *story = story_new();
    story_seal(story, 90);
    EXPECT_STORY(story, "[0] send client: batch 90 not-found\n");
    story_free(story);
}

TEST(seal, time_seals_what_nobody_has_sealed)
{
    struct limits limits = story_limits();
    limits.batch_seal_ms = 100;
    struct story *story = story_new_with(&limits);
    story_submit(story, member(1));
    story_at(story, 60);
    story_submit(story, member(2));
    (void)story_told(story);
    EXPECT_EQ(core_wait_ms(story->core, story->now), 100);
    story_at(story, 159);
    story_tick(story);
    EXPECT_STORY(story, "");
    story_at(story, 160);
    story_tick(story);
    EXPECT_STORY(story, "[160] batch 90 v3: 2 queued sealed\n");
    EXPECT_EQ(core_wait_ms(story->core, story->now), WHEN_NEVER);
    story_free(story);
}

TEST(seal, a_restart_gives_the_time_anew)
{
    struct limits limits = story_limits();
    limits.batch_seal_ms = 100;
    struct story *story = story_new_with(&limits);
    story_submit(story, member(1));
    story_at(story, 90);
    story_restart(story);
    EXPECT_EQ(core_wait_ms(story->core, story->now), 100);
    story_at(story, 190);
    story_tick(story);
    EXPECT(strstr(story_told(story), "batch 90 v2: 1 queued sealed\n") != NULL);
    story_restart(story);
    story_act(story, ACT_CANCEL, 1);
    EXPECT(strstr(story_told(story), "batch 90 v3: 1 cancelled sealed finished 190\n") != NULL);
    story_free(story);
}

TEST(seal, a_new_member_opens_a_batch_and_its_finish_stays)
{
    struct story *story = story_new();
    story_submit(story, member(1));
    story_seal(story, 90);
    story_at(story, 3);
    story_act(story, ACT_CANCEL, 1);
    (void)story_told(story);
    story_at(story, 4);
    story_submit(story, member(2));
    EXPECT_STORY(story, "[4] write 2 queued v1\n"
                        "[4] batch 90 v4: 1 queued 1 cancelled finished 3\n"
                        "[4] send client: submitted 2 queued\n");
    story_at(story, 5);
    story_restart(story);
    (void)story_told(story);
    story_act(story, ACT_CANCEL, 2);
    story_seal(story, 90);
    EXPECT(strstr(story_told(story), "batch 90 v6: 2 cancelled sealed finished 3\n") != NULL);
    story_free(story);
}

// --- what a batch is made of ---

static struct msg_submit_job printed(uint32_t number, uint64_t fingerprint)
{
    struct msg_submit_job job = member(number);
    job.batch_fingerprint = fingerprint;
    return job;
}

TEST(seal, another_body_joins_no_batch_and_the_same_one_does)
{
    struct story *story = story_new();
    struct id id = story_id(90);
    char name[ID_TEXT_LEN + 1];
    id_to_text(&id, name);
    story_submit(story, printed(1, 5));
    (void)story_told(story);
    // Neither what is new nor what is known: all of it is another body's.
    story_submit(story, printed(2, 6));
    const char *told = story_told(story);
    EXPECT(
        strstr(told, "[0] send client: submitted 2 key-reused (another body was sent as batch ") ==
        told);
    EXPECT(strstr(told, name) != NULL);
    story_submit(story, printed(1, 6));
    EXPECT(strstr(story_told(story), "submitted 1 key-reused (another") != NULL);
    story_submit(story, printed(1, 5));
    EXPECT_STORY(story, "[0] send client: submitted 1 replayed queued\n");
    // A part of the same body that comes late, and who says nothing of a body.
    story_submit(story, printed(3, 5));
    EXPECT(strstr(story_told(story), "submitted 3 queued\n") != NULL);
    story_submit(story, member(4));
    EXPECT(strstr(story_told(story), "submitted 4 queued\n") != NULL);
    story_restart(story);
    (void)story_told(story);
    story_submit(story, printed(5, 6));
    EXPECT(strstr(story_told(story), "submitted 5 key-reused (another") != NULL);
    story_free(story);
}

TEST(seal, a_batch_that_was_told_nothing_takes_all)
{
    struct story *story = story_new();
    story_submit(story, member(1));
    story_submit(story, printed(2, 5));
    story_submit(story, printed(3, 6));
    EXPECT_EQ(story_figures(story).submitted, 3);
    EXPECT_EQ(story_figures(story).refused, 0);
    story_free(story);
}

TEST(seal, what_another_tenant_sends_is_nobodys_business)
{
    struct story *story = story_new();
    story_submit(story, printed(1, 5));
    struct msg_submit_job job = printed(2, 6);
    story->tenant = job.tenant = slice_of_text("acme");
    story_submit(story, job);
    EXPECT_EQ(story_figures(story).submitted, 2);
    story_free(story);
}

// Windows are 2 s.
TEST(seal, an_id_stays_its_batchs_when_the_members_are_gone)
{
    struct story *story = story_new();
    struct msg_submit_job first = printed(101, 5);
    first.keep_s = 1;
    story_submit(story, first);
    story_seal(story, 90);
    story_act(story, ACT_CANCEL, 101);
    story_at(story, 1000);
    story_remove(story, 1);
    EXPECT(strstr(story_told(story), "batch 90 v4: 1 removed sealed finished 0\n") != NULL);
    EXPECT_EQ(core_wait_ms(story->core, story->now), 1000);
    story_restart(story);
    story_submit(story, printed(102, 6));
    EXPECT(strstr(story_told(story), "submitted 102 key-reused (another") != NULL);
    story_at(story, 1999);
    story_tick(story);
    EXPECT_STORY(story, "");
    story_at(story, 2000);
    story_tick(story);
    EXPECT_STORY(story, "[2000] drop batch 90 v5: 1 removed sealed finished 0\n");
    story_submit(story, printed(102, 6));
    EXPECT(strstr(story_told(story), "submitted 102 queued\n") != NULL);
    story_submit(story, printed(103, 5));
    EXPECT(strstr(story_told(story), "submitted 103 key-reused (another") != NULL);
    story_free(story);
}

TEST(seal, the_last_member_that_joins_decides_how_long_an_id_is_taken)
{
    struct story *story = story_new();
    struct msg_submit_job jobs[] = {printed(101, 5), printed(102, 5)};
    jobs[0].keep_s = jobs[1].keep_s = 1;
    story_submit(story, jobs[0]);
    story_at(story, 500);
    story_submit(story, jobs[1]);
    story_seal(story, 90);
    story_act(story, ACT_CANCEL, 101);
    story_act(story, ACT_CANCEL, 102);
    story_at(story, 1500);
    story_remove(story, 1);
    story_remove(story, 2);
    EXPECT_EQ(core_wait_ms(story->core, story->now), 1000);
    story_free(story);
}
