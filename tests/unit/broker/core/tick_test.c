// Station tick: what time brings, at most LIMITS_STEP_RECORDS_MAX at once.

#include "tests/support/story.h"

TEST(tick, a_scheduled_job_is_due_at_its_time_and_not_before)
{
    struct story *story = story_new();
    struct msg_submit_job job = story_job(7);
    job.delay_ms = 10;
    story_submit(story, job);
    (void)story_told(story);
    EXPECT_EQ(core_wait_ms(story->core, story->now), 10);
    story_at(story, 9);
    story_tick(story);
    EXPECT_EQ(core_wait_ms(story->core, story->now), 1);
    story_at(story, 10);
    EXPECT_EQ(core_wait_ms(story->core, story->now), 0);
    story_tick(story);
    EXPECT_STORY(story, "[10] write 7 queued v2\n");
    EXPECT_EQ(core_wait_ms(story->core, story->now), WHEN_NEVER);
    story_free(story);
}

TEST(tick, due_jobs_wake_in_the_order_of_their_times)
{
    struct story *story = story_new();
    const uint32_t delays[] = {30, 10, 20};
    for (uint32_t i = 0; i < 3; i++) {
        struct msg_submit_job job = story_job(1 + i);
        job.delay_ms = delays[i];
        story_submit(story, job);
    }
    story_worker(story, 11, "mail", 3);
    (void)story_told(story);
    story_at(story, 30);
    story_tick(story);
    EXPECT_STORY(story, "[30] write 2 running v3\n"
                        "[30] write 3 running v3\n"
                        "[30] write 1 running v3\n"
                        "[30] job 2 to worker 1 token 1.1 attempt 1\n"
                        "[30] job 3 to worker 1 token 1.2 attempt 1\n"
                        "[30] job 1 to worker 1 token 1.3 attempt 1\n");
    story_free(story);
}

TEST(tick, leases_run_on_the_monotonic_clock_and_delays_on_store_time)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(7));
    struct msg_submit_job job = story_job(8);
    job.delay_ms = 100;
    story_submit(story, job);
    (void)story_told(story);
    // Store time jumps ahead: the delayed job is due, the lease is not.
    story->now = (struct now){.mono = 29, .store = STORY_EPOCH + 1000000};
    EXPECT_EQ(core_wait_ms(story->core, story->now), 0);
    story_tick(story);
    EXPECT_STORY(story, "[29] write 8 queued v2\n");
    EXPECT_EQ(core_wait_ms(story->core, story->now), 1);
    story->now = (struct now){.mono = 30, .store = STORY_EPOCH + 1000000};
    story_tick(story);
    EXPECT_STORY(story, "[30] write 7 queued v3 e0 c0 i1\n");
    story_free(story);
}

// Nothing of this story is stored: its rows would not fit the model.
static void forget_batch(struct story *story)
{
    (void)core_close(story->core, story->now, &story->fx);
    effects_reset(&story->fx);
    arena_reset(&story->messages);
    story->is_open = false;
}

static void submit_due_at(struct story *story, uint32_t count, uint32_t delay_ms)
{
    for (uint32_t number = 0; number < count; number++) {
        struct msg_submit_job job = story_job(1);
        job.job_id = id_v7(STORY_EPOCH, (uint16_t)number, number);
        job.delay_ms = delay_ms;
        story_open(story);
        story_submit(story, job);
        forget_batch(story);
    }
}

TEST(tick, a_step_changes_no_more_than_its_limit_and_says_that_more_is_due)
{
    struct limits limits = story_limits();
    limits.job_count_max = 300;
    struct story *story = story_new_with(&limits);
    submit_due_at(story, 260, 10);
    story_at(story, 10);
    struct command tick = {.kind = COMMAND_TICK};
    core_step(story->core, story->now, &tick, &story->fx);
    EXPECT_EQ(story_figures(story).ledger.counts[JOB_QUEUED], 256);
    EXPECT_EQ(core_wait_ms(story->core, story->now), 0);
    EXPECT_EQ(core_weight(story->core, &tick), LIMITS_STEP_RECORDS_MAX);
    (void)core_close(story->core, story->now, &story->fx);
    effects_reset(&story->fx);
    core_step(story->core, story->now, &tick, &story->fx);
    EXPECT_EQ(story_figures(story).ledger.counts[JOB_QUEUED], 260);
    EXPECT_EQ(core_wait_ms(story->core, story->now), WHEN_NEVER);
    story_free(story);
}

static uint32_t count_of(const struct effects *fx, enum write_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < fx->write_count; i++)
        count += fx->writes[i].kind == kind;
    return count;
}

TEST(tick, a_flood_of_due_jobs_leaves_the_others_their_share)
{
    struct limits limits = story_limits();
    limits.job_count_max = 1000;
    struct story *story = story_new_with(&limits);
    struct msg_submit_job holder = story_job(7);
    holder.unique_key = slice_of_text("k");
    holder.unique_hash = story_id(77);
    holder.unique_for_s = 1;
    story_open(story);
    story_submit(story, holder);
    forget_batch(story);
    submit_due_at(story, 600, 1000);
    story_at(story, 1000);
    struct command tick = {.kind = COMMAND_TICK};
    core_step(story->core, story->now, &tick, &story->fx);
    (void)core_close(story->core, story->now, &story->fx);
    EXPECT_EQ(count_of(&story->fx, DROP_UNIQUE), 1);
    EXPECT_EQ(story_figures(story).ledger.counts[JOB_SCHEDULED], 600 - 255);
    story_free(story);
}

TEST(tick, with_nothing_to_do_says_nothing)
{
    struct story *story = story_new();
    story->shows_all = true;
    story_tick(story);
    EXPECT_STORY(story, "");
    story_free(story);
}
