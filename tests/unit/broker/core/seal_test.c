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
