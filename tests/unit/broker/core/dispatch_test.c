// Station dispatch: turns of lanes and workers, priorities, bytes, room.

#include "broker/core/core_private.h"

#include "tests/support/story.h"

TEST(dispatch, workers_take_turns)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 2);
    story_worker(story, 12, "mail", 2);
    for (uint32_t number = 1; number <= 5; number++)
        story_submit(story, story_job(number));
    EXPECT_STORY(story, "[0] write 1 running v2\n"
                        "[0] send client: submitted 1 queued\n"
                        "[0] job 1 to worker 1 token 1.1 attempt 1\n"
                        "[0] write 2 running v2\n"
                        "[0] send client: submitted 2 queued\n"
                        "[0] job 2 to worker 2 token 1.2 attempt 1\n"
                        "[0] write 3 running v2\n"
                        "[0] send client: submitted 3 queued\n"
                        "[0] job 3 to worker 1 token 1.3 attempt 1\n"
                        "[0] write 4 running v2\n"
                        "[0] send client: submitted 4 queued\n"
                        "[0] job 4 to worker 2 token 1.4 attempt 1\n"
                        "[0] write 5 queued v1\n"
                        "[0] send client: submitted 5 queued\n");
    story_free(story);
}

static struct msg_submit_job of_type(uint32_t number, const char *type)
{
    struct msg_submit_job job = story_job(number);
    job.type = slice_of_text(type);
    return job;
}

// A worker for two types.
static void join_for_two(struct story *story, uint32_t slots)
{
    static const struct slice types[] = {{(const uint8_t *)"mail", 4},
                                         {(const uint8_t *)"scan", 4}};
    story_hello(story, 11, 1, NULL);
    story_say(story, 11,
              &(struct msg){.kind = MSG_READY,
                            .ready = {.types = types, .type_count = 2, .slots = slots}});
}

TEST(dispatch, equally_old_jobs_of_a_queue_go_by_their_numbers_whatever_their_type)
{
    struct story *story = story_new();
    for (uint32_t number = 1; number <= 2; number++) {
        story_submit(story, of_type(number, "mail"));
        story_submit(story, of_type(number + 10, "scan"));
    }
    (void)story_told(story);
    join_for_two(story, 1);
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_finish(story, 11, story_held(11, story_token(1, 2)), OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[0] send worker 1: welcome epoch 1\n"
                        "[0] write 1 running v2\n"
                        "[0] send worker 1: renewed\n"
                        "[0] job 1 to worker 1 token 1.1 attempt 1\n"
                        "[0] write 1 succeeded v3\n"
                        "[0] write 11 running v2\n"
                        "[0] send worker 1: finished 1 ok\n"
                        "[0] job 11 to worker 1 token 1.2 attempt 1\n"
                        "[0] write 11 succeeded v3\n"
                        "[0] write 2 running v2\n"
                        "[0] send worker 1: finished 11 ok\n"
                        "[0] job 2 to worker 1 token 1.3 attempt 1\n");
    story_free(story);
}

TEST(dispatch, the_lowest_priority_is_not_starved)
{
    struct story *story = story_new(); // a step of priority is worth 10 ms
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(1)); // keeps the worker busy
    struct msg_submit_job patient = story_job(2);
    patient.priority = 9;
    story_submit(story, patient);
    uint64_t counter = 1;
    uint32_t busy = 1;
    when_ms moment = 0;
    // One urgent job every 5 ms, and one finish.
    for (uint32_t number = 3; busy != 2 && number < 60; number++) {
        story_at(story, moment += 5);
        struct msg_submit_job urgent = story_job(number);
        urgent.priority = 0;
        story_submit(story, urgent);
        story_finish(story, 11, story_held(busy, story_token(1, counter++)), OUTCOME_SUCCEEDED);
        const char *told = story_told(story);
        busy = strstr(told, "job 2 to worker 1") != NULL ? 2 : number;
        EXPECT(strstr(told, "to worker 1") != NULL);
    }
    EXPECT_EQ(busy, 2);
    EXPECT_EQ(moment, 95); // the first moment past 9 steps
    story_free(story);
}

static struct msg_submit_job of_bytes(uint32_t number, size_t len)
{
    static const uint8_t bytes[64];
    struct msg_submit_job job = story_job(number);
    job.payload.bytes = slice_of(bytes, len);
    return job;
}

TEST(dispatch, bytes_are_credit_and_a_stall_ends_with_the_next_answer)
{
    struct story *story = story_new();
    static const struct slice type = {(const uint8_t *)"mail", 4};
    story_hello(story, 11, 1, NULL);
    story_say(
        story, 11,
        &(struct msg){.kind = MSG_READY,
                      .ready = {.types = &type, .type_count = 1, .slots = 8, .slot_bytes = 50}});
    (void)story_told(story);
    story_submit(story, of_bytes(1, 30));
    story_submit(story, of_bytes(2, 21)); // 51 bytes would be out
    story_submit(story, of_bytes(3, 1));  // would fit, but its turn is behind the stalled one
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_submit(story, of_bytes(4, 60)); // too long for any room; waits until nothing is out
    story_finish(story, 11, story_held(2, story_token(1, 2)), OUTCOME_SUCCEEDED);
    story_finish(story, 11, story_held(3, story_token(1, 3)), OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[0] write 1 running v2\n"
                        "[0] send client: submitted 1 queued\n"
                        "[0] job 1 to worker 1 token 1.1 attempt 1\n"
                        "[0] write 2 queued v1\n"
                        "[0] send client: submitted 2 queued\n"
                        "[0] write 3 queued v1\n"
                        "[0] send client: submitted 3 queued\n"
                        "[0] write 1 succeeded v3\n"
                        "[0] write 2 running v2\n"
                        "[0] write 3 running v2\n"
                        "[0] send worker 1: finished 1 ok\n"
                        "[0] job 2 to worker 1 token 1.2 attempt 1\n"
                        "[0] job 3 to worker 1 token 1.3 attempt 1\n"
                        "[0] write 4 queued v1\n"
                        "[0] send client: submitted 4 queued\n"
                        "[0] write 2 succeeded v3\n"
                        "[0] send worker 1: finished 2 ok\n"
                        "[0] write 3 succeeded v3\n"
                        "[0] write 4 running v2\n"
                        "[0] send worker 1: finished 3 ok\n"
                        "[0] job 4 to worker 1 token 1.4 attempt 1\n");
    story_free(story);
}

TEST(dispatch, no_more_leases_than_the_limit)
{
    struct story *story = story_new(); // 8 leases
    for (uint32_t number = 1; number <= 10; number++)
        story_submit(story, story_job(number));
    story_worker(story, 11, "mail", 9);
    EXPECT_EQ(story_figures(story).lease_count, 8);
    EXPECT(!core_has_more(story->core)); // or the shell would close empty batches for ever
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_finish(story, 11, story_held(2, story_token(1, 2)), OUTCOME_SUCCEEDED);
    EXPECT_EQ(story_figures(story).granted, 10);
    EXPECT(!core_has_more(story->core));
    story_free(story);
}

TEST(dispatch, a_batch_without_room_for_grants_leaves_the_rest_to_the_next)
{
    struct story *story = story_new();
    story_submit_two(story, story_job(1), story_job(2));
    uint32_t cap = story->fx.grant_cap;
    story->fx.grant_cap = 1;
    story_worker(story, 11, "mail", 4);
    EXPECT_EQ(story_figures(story).granted, 1);
    EXPECT(core_has_more(story->core));
    story->fx.grant_cap = cap;
    (void)story_told(story);
    story_open(story);
    story_close(story);
    EXPECT_STORY(story, "[0] write 2 running v2\n"
                        "[0] job 2 to worker 1 token 1.2 attempt 1\n");
    EXPECT(!core_has_more(story->core));
    story_free(story);
}

TEST(dispatch, a_batch_that_may_change_no_more_jobs_grants_none)
{
    struct story *story = story_new();
    story_submit_two(story, story_job(1), story_job(2));
    story_open(story);
    story_worker(story, 11, "mail", 4);
    story->fx.load = story->fx.changed_cap - 1;
    story_close(story);
    EXPECT_EQ(story_figures(story).granted, 1);
    EXPECT(core_has_more(story->core));
    story_free(story);
}

// Jobs of `count` in this queue of this tenant; `number` is the first one's.
static void fill(struct story *story, uint32_t number, uint32_t count, struct queue_name name)
{
    for (uint32_t i = 0; i < count; i++) {
        struct msg_submit_job job = story_job(number + i);
        job.tenant = name.tenant;
        job.queue = name.queue;
        story_submit(story, job);
    }
}

// How many jobs with these numbers were granted in what was told.
static uint32_t granted_of(const char *told, uint32_t number, uint32_t count)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "] job %u to", number + i);
        found += strstr(told, text) != NULL;
    }
    return found;
}

TEST(dispatch, a_burst_of_one_queue_does_not_keep_the_others_waiting)
{
    struct limits limits = story_limits();
    limits.job_count_max = 40;
    limits.lease_count_max = 40;
    struct story *story = story_new_with(&limits);
    fill(story, 1, 20, (struct queue_name){.queue = slice_of_text("bulk")});
    fill(story, 50, 3, (struct queue_name){.queue = slice_of_text("mail")});
    (void)story_told(story);
    story_hello(story, 11, 1, NULL);
    story_ready(story, 11, "mail", 6);
    const char *told = story_told(story);
    EXPECT_EQ(granted_of(told, 1, 20), 3);
    EXPECT_EQ(granted_of(told, 50, 3), 3);
    story_free(story);
}

TEST(dispatch, a_tenant_with_many_jobs_does_not_keep_the_others_waiting)
{
    struct limits limits = story_limits();
    limits.job_count_max = 40;
    limits.lease_count_max = 8;
    struct story *story = story_new_with(&limits);
    struct slice rich = slice_of_text("rich");
    fill(story, 1, 10, (struct queue_name){.tenant = rich, .queue = slice_of_text("a")});
    fill(story, 21, 10, (struct queue_name){.tenant = rich, .queue = slice_of_text("b")});
    fill(story, 41, 4,
         (struct queue_name){.tenant = slice_of_text("poor"), .queue = slice_of_text("a")});
    (void)story_told(story);
    // Each has a worker for all its jobs; there are leases for eight.
    story_open(story);
    story->tenant = rich;
    story_hello(story, 11, 1, NULL);
    story_ready(story, 11, "mail", 30);
    story->tenant = slice_of_text("poor");
    story_hello(story, 12, 1, NULL);
    story_ready(story, 12, "mail", 30);
    story_close(story);
    const char *told = story_told(story);
    EXPECT_EQ(granted_of(told, 41, 4), 4);
    EXPECT_EQ(granted_of(told, 1, 10), 2);
    EXPECT_EQ(granted_of(told, 21, 10), 2);
    // After a restart the same tenants and queues are known again.
    story_restart(story);
    EXPECT_EQ(story->core->ledger.queues.names.count, 3);
    story_free(story);
}

TEST(dispatch, a_job_carries_what_the_worker_needs)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    struct msg_submit_job job = story_job(7);
    job.timeout_ms = 77;
    story_open(story);
    story_submit(story, job);
    (void)core_close(story->core, story->now, &story->fx);
    EXPECT_EQ(story->fx.grant_count, 1);
    const struct grant_send *grant = &story->fx.grants[0];
    EXPECT_EQ(grant->peer, 11);
    EXPECT_EQ(grant->job_no, 1);
    EXPECT_EQ(grant->job.generation, 1);
    EXPECT_EQ(grant->job.timeout_ms, 77);
    EXPECT(slice_is_text(grant->job.type, "mail") && slice_is_text(grant->job.queue, "default"));
    // Accepted in this batch, so its body need not be read from the store.
    EXPECT(grant->has_body);
    EXPECT(slice_is_text(grant->job.payload.bytes, "abc"));
    story_free(story);
}

TEST(dispatch, the_body_of_an_earlier_batch_is_left_to_the_store)
{
    struct story *story = story_new();
    story_submit(story, story_job(7));
    story_open(story);
    story_worker(story, 11, "mail", 1);
    (void)core_close(story->core, story->now, &story->fx);
    EXPECT_EQ(story->fx.grant_count, 1);
    EXPECT(!story->fx.grants[0].has_body);
    EXPECT_EQ(story->fx.grants[0].job.payload.bytes.len, 0);
    story_free(story);
}
