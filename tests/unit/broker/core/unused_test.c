// Station unused: lanes that no row carries any more make room for others.

#include "tests/support/story.h"

static struct msg_submit_job job_of(uint32_t number, const char *type)
{
    struct msg_submit_job job = story_job(number);
    job.type = slice_of_text(type);
    return job;
}

// A broker with room for one lane; job 100 of type "mail" has ended in it, and is gone.
static struct story *emptied(void)
{
    struct limits limits = story_limits();
    limits.lane_count_max = 1;
    struct story *story = story_new_with(&limits);
    story_worker(story, 11, "mail", 1);
    story_submit(story, job_of(100, "mail"));
    story_at(story, 5);
    story_finish(story, 11, story_held(100, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_at(story, 1005);
    story_remove(story, 1);
    return story;
}

static uint64_t settled(const struct story *story)
{
    return core_last_settled(story->core);
}

TEST(unused, a_lane_without_rows_makes_room)
{
    struct story *story = emptied();
    story_unused(story, settled(story)); // its tombstone carries it
    story_submit(story, job_of(101, "post"));
    story_at(story, 2000);
    story_remove(story, 1);
    (void)story_told(story);
    story_unused(story, settled(story));
    story_unused(story, settled(story)); // it has been
    story_submit(story, job_of(101, "post"));
    EXPECT_STORY(story, "[2000] drop lane 0 default/mail\n"
                        "[2000] drop queue default\n"
                        "[2000] write 101 queued v1\n"
                        "[2000] send client: submitted 101 queued\n");
    core_audit(story->core);
    story_free(story);
}

TEST(unused, a_lane_that_got_a_job_since_stays)
{
    struct story *story = emptied();
    story_at(story, 2000);
    story_remove(story, 1);
    uint64_t then = settled(story);
    story_submit(story, job_of(101, "mail"));
    story_at(story, 2001);
    story_finish(story, 11, story_held(101, story_token(1, 2)), OUTCOME_SUCCEEDED);
    (void)story_told(story);
    story_at(story, 4100);
    story_remove(story, 2);
    (void)story_told(story);
    story_unused(story, then); // seen before its acceptance, told after its end
    EXPECT_STORY(story, "");
    struct lane_figures lane;
    EXPECT(core_lane(story->core, 0, &lane));
    story_unused(story, settled(story));
    EXPECT_STORY(story, "[4100] drop lane 0 default/mail\n"
                        "[4100] drop queue default\n");
    story_free(story);
}

TEST(unused, another_lane_in_its_place_has_its_own_workers)
{
    struct story *story = emptied();
    story_at(story, 2000);
    story_remove(story, 1);
    story_unused(story, settled(story));
    story_worker(story, 12, "post", 1);
    (void)story_told(story);
    story_submit(story, job_of(101, "post"));
    story_submit(story, job_of(102, "post")); // nobody else takes it
    EXPECT_STORY(story, "[2000] write 101 running v2\n"
                        "[2000] send client: submitted 101 queued\n"
                        "[2000] job 101 to worker 2 token 1.2 attempt 1\n"
                        "[2000] write 102 queued v1\n"
                        "[2000] send client: submitted 102 queued\n");
    core_audit(story->core);
    story_free(story);
}

TEST(unused, a_restart_knows_the_lanes_that_are_left)
{
    struct story *story = emptied();
    story_at(story, 2000);
    story_remove(story, 1);
    story_unused(story, settled(story));
    story_restart(story);
    EXPECT(!core_lane(story->core, 0, &(struct lane_figures){0}));
    story_submit(story, job_of(101, "post"));
    EXPECT(core_lane(story->core, 0, &(struct lane_figures){0}));
    story_free(story);
}

TEST(unused, a_tenant_stays_while_a_batch_of_it_is_open)
{
    struct story *story = story_new();
    struct msg_submit_job job = story_job(100);
    job.batch_id = story_id(90);
    story->tenant = slice_of_text("acme");
    story_worker(story, 11, "mail", 1);
    story_submit(story, job);
    story_finish(story, 11, story_held(100, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_at(story, 5000);
    story_remove(story, 1); // its record, and what was left of it
    (void)story_told(story);
    story_unused(story, settled(story));
    EXPECT_STORY(story, "[5000] drop lane 0 default/mail\n");
    story_restart(story);
    EXPECT(slice_is_text(story->store.batches[0].tenant, "acme"));
    story_seal(story, 90); // it was the last member's
    (void)story_told(story);
    story_unused(story, settled(story));
    EXPECT_STORY(story, "[5000] drop queue default\n");
    core_audit(story->core);
    story_free(story);
}
