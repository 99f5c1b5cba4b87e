// Limits of running jobs, and rates: of a queue, of a concurrency key, by cost, over a start.

#include "broker/core/core_private.h"
#include "tests/support/story.h"

static void set(struct story *story, struct msg_queue_settings settings)
{
    const struct msg msg = {.kind = MSG_QUEUE_SET,
                            .queue_set = {.queue = slice_of_text("default"), .settings = settings}};
    story_say(story, STORY_CLIENT, &msg);
}

static struct msg_submit_job keyed(uint32_t number, uint64_t key)
{
    struct msg_submit_job job = story_job(number);
    job.concurrency_key = slice_of_text("k");
    job.key_hash = key;
    return job;
}

static struct msg_submit_job costly(uint32_t number, uint32_t cost)
{
    struct msg_submit_job job = story_job(number);
    job.cost = cost;
    return job;
}

static enum job_state state_of(const struct story *story, uint32_t number)
{
    struct id id = story_id(number);
    uint32_t slot = jobs_find(&story->core->ledger.jobs, &id);
    return slot == JOBS_NONE ? JOB_NONE
                             : (enum job_state)jobs_at(&story->core->ledger.jobs, slot)->state;
}

static enum waiting_on cause(const struct story *story, uint32_t number)
{
    struct id id = story_id(number);
    return core_waiting_on(story->core, &id);
}

static uint32_t running(const struct story *story)
{
    return (uint32_t)story->core->ledger.row.counts[JOB_RUNNING];
}

static void finish(struct story *story, uint32_t number, uint64_t counter)
{
    story_finish(story, 11, story_held(number, story_token(1, counter)), OUTCOME_SUCCEEDED);
}

static void at(struct story *story, when_ms moment)
{
    story_at(story, moment);
    story_tick(story);
}

static struct story *begin(uint32_t slots)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", slots);
    return story;
}

TEST(rate, a_queue_runs_no_more_jobs_than_it_may)
{
    struct story *story = begin(4);
    set(story, (struct msg_queue_settings){.running_max = 2});
    for (uint32_t number = 1; number <= 4; number++)
        story_submit(story, story_job(number));
    struct msg_submit_job other = story_job(5);
    other.queue = slice_of_text("other");
    story_submit(story, other);
    EXPECT_EQ(running(story), 3); // the other queue goes on
    EXPECT_EQ(state_of(story, 5), JOB_RUNNING);
    EXPECT_EQ(cause(story, 3), WAITING_QUEUE_BUSY);
    finish(story, 1, 1);
    EXPECT_EQ(state_of(story, 3), JOB_RUNNING);
    EXPECT_EQ(cause(story, 4), WAITING_QUEUE_BUSY);
    set(story, (struct msg_queue_settings){.running_max = 3}); // holds for those that wait
    EXPECT_EQ(state_of(story, 4), JOB_RUNNING);
    set(story, (struct msg_queue_settings){.running_max = 1}); // and takes nothing back
    EXPECT_EQ(running(story), 4);
    story_free(story);
}

TEST(rate, a_restart_counts_what_runs)
{
    struct story *story = begin(4);
    set(story, (struct msg_queue_settings){.running_max = 1});
    story_submit(story, story_job(1));
    story_submit(story, story_job(2));
    story_restart(story);
    story_hello(story, 12, 1, NULL);
    story_ready(story, 12, "mail", 4);
    EXPECT_EQ(cause(story, 2), WAITING_QUEUE_BUSY);
    struct msg_held held = story_held(1, story_token(1, 1));
    story_hello(story, 11, 1, &held);
    story_finish(story, 11, held, OUTCOME_SUCCEEDED);
    EXPECT_EQ(state_of(story, 2), JOB_RUNNING);
    story_free(story);
}

TEST(rate, the_queue_says_how_many_jobs_of_a_key_run)
{
    struct story *story = begin(4);
    for (uint32_t number = 1; number <= 4; number++)
        story_submit(story, keyed(number, 7));
    EXPECT_EQ(running(story), 1);
    set(story, (struct msg_queue_settings){.key_running_max = 3});
    EXPECT_EQ(running(story), 3);
    EXPECT_EQ(cause(story, 4), WAITING_KEY_BUSY);
    set(story, (struct msg_queue_settings){0}); // as the broker says again
    finish(story, 1, 1);
    EXPECT_EQ(cause(story, 4), WAITING_KEY_BUSY);
    finish(story, 2, 2);
    finish(story, 3, 3);
    EXPECT_EQ(state_of(story, 4), JOB_RUNNING);
    story_free(story);
}

TEST(rate, a_queue_starts_no_more_than_its_rate)
{
    struct story *story = begin(8);
    set(story, (struct msg_queue_settings){.rate = {.count = 2, .per_ms = 10}});
    for (uint32_t number = 1; number <= 4; number++)
        story_submit(story, story_job(number));
    EXPECT_EQ(running(story), 0); // the bucket is empty at the start
    EXPECT_EQ(cause(story, 1), WAITING_RATE_LIMITED);
    EXPECT_EQ(core_wait_ms(story->core, story->now), 5);
    at(story, 5);
    EXPECT_EQ(state_of(story, 1), JOB_RUNNING);
    EXPECT_EQ(cause(story, 2), WAITING_RATE_LIMITED);
    at(story, 9);
    EXPECT_EQ(running(story), 1);
    at(story, 10);
    EXPECT_EQ(running(story), 2);
    set(story, (struct msg_queue_settings){0}); // no bound any more
    EXPECT_EQ(running(story), 4);
    story_free(story);
}

TEST(rate, a_full_bucket_lets_a_burst_through_and_cost_counts)
{
    struct story *story = begin(8);
    set(story, (struct msg_queue_settings){.rate = {.count = 4, .per_ms = 20}});
    at(story, 20);
    story_submit(story, costly(1, 3));
    story_submit(story, costly(2, 2));
    story_submit(story, costly(3, 1));
    EXPECT_EQ(running(story), 1);
    EXPECT_EQ(cause(story, 3), WAITING_RATE_LIMITED); // a cheaper one does not overtake
    at(story, 24);
    EXPECT_EQ(running(story), 1);
    at(story, 25);
    EXPECT_EQ(state_of(story, 2), JOB_RUNNING);
    at(story, 30);
    EXPECT_EQ(state_of(story, 3), JOB_RUNNING);
    story_submit(story, costly(4, 100)); // takes the whole bucket
    at(story, 49);
    EXPECT_EQ(cause(story, 4), WAITING_RATE_LIMITED);
    at(story, 50);
    EXPECT_EQ(state_of(story, 4), JOB_RUNNING);
    story_free(story);
}

TEST(rate, a_start_gives_nothing_away_and_keeps_what_a_job_costs)
{
    struct story *story = begin(8);
    set(story, (struct msg_queue_settings){.rate = {.count = 4, .per_ms = 20}});
    story_submit(story, costly(1, 3));
    at(story, 14);
    story_restart(story);
    story_worker(story, 11, "mail", 8);
    EXPECT_EQ(cause(story, 1), WAITING_RATE_LIMITED);
    at(story, 28);
    EXPECT_EQ(running(story), 0);
    at(story, 29);
    EXPECT_EQ(state_of(story, 1), JOB_RUNNING);
    story_free(story);
}

TEST(rate, each_key_has_its_own_and_holds_up_nobody)
{
    struct story *story = begin(8);
    set(story,
        (struct msg_queue_settings){.key_running_max = 8, .key_rate = {.count = 1, .per_ms = 10}});
    at(story, 10); // buckets that nobody has taken from are full
    story_submit(story, keyed(1, 7));
    story_submit(story, keyed(2, 7));
    story_submit(story, keyed(3, 8));
    story_submit(story, story_job(4));
    EXPECT_EQ(running(story), 3);
    EXPECT_EQ(cause(story, 2), WAITING_RATE_LIMITED);
    at(story, 19);
    EXPECT_EQ(running(story), 3);
    at(story, 20);
    EXPECT_EQ(state_of(story, 2), JOB_RUNNING);
    story_free(story);
}

// Else ending all jobs of a key, or cancelling one that waits, would fill its bucket.
TEST(rate, a_key_without_jobs_is_kept_until_its_bucket_is_full)
{
    struct story *story = begin(8);
    set(story, (struct msg_queue_settings){.key_rate = {.count = 1, .per_ms = 10}});
    story_submit(story, keyed(1, 7));
    EXPECT_EQ(cause(story, 1), WAITING_RATE_LIMITED);
    story_act(story, ACT_CANCEL, 1);
    at(story, 10);
    EXPECT_EQ(story_figures(story).concurrency_key_count, 0);
    story_submit(story, keyed(2, 7));
    finish(story, 2, 1);
    EXPECT_EQ(story_figures(story).concurrency_key_count, 1);
    at(story, 12);
    story_submit(story, keyed(3, 7));
    EXPECT_EQ(cause(story, 3), WAITING_RATE_LIMITED);
    at(story, 20);
    EXPECT_EQ(state_of(story, 3), JOB_RUNNING);
    finish(story, 3, 2);
    at(story, 29);
    EXPECT_EQ(story_figures(story).concurrency_key_count, 1);
    at(story, 30);
    EXPECT_EQ(story_figures(story).concurrency_key_count, 0);
    EXPECT_EQ(core_wait_ms(story->core, story->now), WHEN_NEVER);
    story_free(story);
}

TEST(rate, kept_keys_count_against_the_table)
{
    struct story *story = begin(8); // 4 keys
    set(story, (struct msg_queue_settings){.key_rate = {.count = 1, .per_ms = 10}});
    at(story, 10);
    for (uint32_t number = 1; number <= 4; number++)
        story_submit(story, keyed(number, number));
    for (uint32_t number = 1; number <= 4; number++)
        finish(story, number, number);
    (void)story_told(story);
    story_submit(story, keyed(5, 5));
    EXPECT(strstr(story_told(story), "concurrency_key_count_max") != NULL);
    at(story, 20);
    story_submit(story, keyed(5, 5));
    EXPECT_EQ(state_of(story, 5), JOB_RUNNING);
    set(story, (struct msg_queue_settings){0}); // nobody needs the bucket any more
    finish(story, 5, 5);
    EXPECT_EQ(story_figures(story).concurrency_key_count, 0);
    story_free(story);
}
