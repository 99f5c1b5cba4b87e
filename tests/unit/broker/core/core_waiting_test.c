// Why a job does not run, in each state and for each cause.

#include "broker/core/core_private.h"
#include "tests/support/story.h"

static enum waiting_on cause(const struct story *story, uint32_t number)
{
    struct id id = story_id(number);
    return core_waiting_on(story->core, &id);
}

static struct msg_held run(uint32_t number, uint64_t counter)
{
    return story_held(number, story_token(1, counter));
}

TEST(core_waiting, a_queued_job_waits_for_a_worker_or_for_its_credit)
{
    struct story *story = story_new();
    story_submit(story, story_job(1));
    story_submit(story, story_job(2));
    EXPECT_EQ(cause(story, 1), WAITING_NO_WORKER);
    story_worker(story, 12, "other", 1);
    EXPECT_EQ(cause(story, 1), WAITING_NO_WORKER);
    story_worker(story, 11, "mail", 1);
    EXPECT_EQ(cause(story, 1), WAITING_NONE); // it runs
    EXPECT_EQ(cause(story, 2), WAITING_NO_CREDIT);
    story_finish(story, 11, run(1, 1), OUTCOME_SUCCEEDED);
    EXPECT_EQ(cause(story, 1), WAITING_NONE); // it has ended
    EXPECT_EQ(cause(story, 2), WAITING_NONE);
    EXPECT_EQ(cause(story, 3), WAITING_NONE); // nobody knows it
    story_free(story);
}

TEST(core_waiting, a_worker_that_takes_no_more_is_none)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(1));
    story_submit(story, story_job(2));
    EXPECT_EQ(cause(story, 2), WAITING_NO_CREDIT);
    static const struct slice type = {.data = (const uint8_t *)"mail", .len = 4};
    struct msg ready = {.kind = MSG_READY,
                        .ready = {.types = &type, .type_count = 1, .slots = 1, .quiet = true}};
    story_say(story, 11, &ready);
    EXPECT_EQ(cause(story, 2), WAITING_NO_WORKER);
    ready.ready.quiet = false;
    story_say(story, 11, &ready);
    EXPECT_EQ(cause(story, 2), WAITING_NO_CREDIT);
    ready.ready.slots = 0;
    story_say(story, 11, &ready);
    EXPECT_EQ(cause(story, 2), WAITING_NO_WORKER);
    ready.ready.slots = 1;
    story_say(story, 11, &ready);
    workers_drain(&story->core->workers, workers_of_peer(&story->core->workers, 11), DRAIN_QUIET);
    EXPECT_EQ(cause(story, 2), WAITING_NO_WORKER);
    story_gone(story, 11);
    EXPECT_EQ(cause(story, 2), WAITING_NO_WORKER);
    story_worker(story, 12, "mail", 1);
    EXPECT_EQ(cause(story, 2), WAITING_NONE);
    story_free(story);
}

TEST(core_waiting, a_lane_that_comes_later_has_its_workers_too)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(1));
    struct msg_submit_job job = story_job(2);
    job.queue = slice_of_text("late");
    story_submit(story, job);
    EXPECT_EQ(cause(story, 2), WAITING_NO_CREDIT);
    story_free(story);
}

TEST(core_waiting, a_free_worker_does_not_help_while_no_lease_is_left)
{
    struct limits limits = story_limits();
    limits.lease_count_max = 1;
    struct story *story = story_new_with(&limits);
    story_worker(story, 11, "mail", 4);
    story_submit(story, story_job(1));
    story_submit(story, story_job(2));
    EXPECT_EQ(cause(story, 2), WAITING_NO_CREDIT);
    story_free(story);
}

TEST(core_waiting, what_is_handed_out_at_the_batchs_end_waits_for_nothing)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 2);
    story_submit(story, story_job(1));
    story_open(story);
    story_submit(story, story_job(2));
    EXPECT_EQ(cause(story, 2), WAITING_NONE);
    story_close(story);
    story_free(story);
}

TEST(core_waiting, a_key_is_busy_until_its_job_has_ended)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 4);
    for (uint32_t number = 1; number <= 3; number++) {
        struct msg_submit_job job = story_job(number);
        job.concurrency_key = slice_of_text("k");
        job.key_hash = 7;
        job.order = ORDER_FIFO;
        story_submit(story, job);
    }
    EXPECT_EQ(cause(story, 2), WAITING_KEY_BUSY);
    story_finish(story, 11, run(1, 1), OUTCOME_FAILED);
    EXPECT_EQ(cause(story, 1), WAITING_BACKOFF);
    EXPECT_EQ(cause(story, 2), WAITING_KEY_BUSY); // its line waits for the retry
    story_act(story, ACT_CANCEL, 1);
    EXPECT_EQ(cause(story, 1), WAITING_NONE);
    EXPECT_EQ(cause(story, 2), WAITING_NONE);
    EXPECT_EQ(cause(story, 3), WAITING_KEY_BUSY);
    story_free(story);
}

TEST(core_waiting, jobs_of_a_paused_queue_wait_for_its_resumption)
{
    struct story *story = story_new();
    struct msg msg = {.kind = MSG_ACT,
                      .act = {.kind = ACT_PAUSE, .queue = slice_of_text("default")}};
    story_submit(story, story_job(1));
    EXPECT_EQ(cause(story, 1), WAITING_NO_WORKER);
    story_say(story, STORY_CLIENT, &msg);
    EXPECT_EQ(cause(story, 1), WAITING_PAUSED);
    story_worker(story, 11, "mail", 1);
    EXPECT_EQ(cause(story, 1), WAITING_PAUSED);
    msg.act.kind = ACT_DRAIN;
    story_say(story, STORY_CLIENT, &msg);
    EXPECT_EQ(cause(story, 1), WAITING_NONE);
    story_free(story);
}

TEST(core_waiting, a_scheduled_job_waits_for_its_time_or_for_others)
{
    struct story *story = story_new();
    struct msg_submit_job late = story_job(1);
    late.delay_ms = 50;
    story_submit(story, late);
    struct id parent = story_id(1);
    struct msg_submit_job child = story_job(2);
    child.after = (struct msg_ids){.items = &parent, .count = 1};
    child.on_dependency_failure = ON_FAILURE_RUN;
    child.delay_ms = 10;
    story_submit(story, child);
    EXPECT_EQ(cause(story, 1), WAITING_SCHEDULED);
    EXPECT_EQ(cause(story, 2), WAITING_DEPENDENCY);
    story_act(story, ACT_CANCEL, 1);
    story_tick(story);
    EXPECT_EQ(cause(story, 2), WAITING_SCHEDULED);
    story_at(story, 10);
    story_tick(story);
    EXPECT_EQ(cause(story, 2), WAITING_NO_WORKER);
    story_free(story);
}
