// The core's face: start, restart, loading, figures, the end of a batch.

#include "tests/support/story.h"

#include "lib/base/prng.h"

#include <stdlib.h>

TEST(core, a_fresh_one_begins_its_first_epoch)
{
    struct story *story = story_new();
    EXPECT_EQ(story->store.ledger.epoch, 1);
    EXPECT_EQ(story_figures(story).ledger.job_no_next, 1);
    story->shows_all = true;
    story_at(story, 5);
    story_restart(story);
    EXPECT_STORY(story, "[5] ledger epoch 2 next 1\n"); // durable before anything is granted
    story_free(story);
}

TEST(core, everything_a_batch_wants_is_in_its_writes)
{
    struct story *story = story_new();
    story->shows_all = true;
    story_worker(story, 11, "mail", 1);
    struct msg_submit_job job = story_job(7);
    job.batch_id = story_id(90);
    story_submit(story, job);
    story_finish(story, 11, story_held(7, story_token(1, 1)), OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[0] lane 0 default/mail\n"
                        "[0] policy 0\n"
                        "[0] body of no 1\n"
                        "[0] write 7 running v2\n"
                        "[0] batch 90 v1: 1 running\n"
                        "[0] queue default: running 1\n"
                        "[0] ledger epoch 1 next 2\n"
                        "[0] send client: submitted 7 queued\n"
                        "[0] job 7 to worker 1 token 1.1 attempt 1\n"
                        "[0] outcome 1 of no 1\n"
                        "[0] write 7 succeeded v3\n"
                        "[0] batch 90 v2: 1 succeeded\n"
                        "[0] queue default: succeeded 1\n"
                        "[0] ledger epoch 1 next 2\n"
                        "[0] send worker 1: finished 7 ok\n");
    story_free(story);
}

TEST(core, a_batch_that_changes_nothing_writes_nothing)
{
    struct story *story = story_new();
    story->shows_all = true;
    story_client(story, 2);
    EXPECT_STORY(story, "[0] send client 2: welcome epoch 1\n");
    story_free(story);
}

TEST(core, a_restart_counts_leases_in_full_and_keeps_their_workers)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_at(story, 5);
    story_submit(story, story_job(7));
    story_at(story, 30);
    story_restart(story); // the lease would have ended at 35
    EXPECT_EQ(core_wait_ms(story->core, story->now), 30);
    (void)story_told(story);
    struct msg_held held = story_held(7, story_token(1, 1));
    story_at(story, 59);
    story_hello(story, 11, 1, &held);
    story_finish(story, 11, held, OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[59] send worker 1: welcome epoch 2\n"
                        "[59] write 7 succeeded v3\n"
                        "[59] send worker 1: finished 7 ok\n");
    story_free(story);
}

TEST(core, a_lease_that_ends_after_a_restart_is_an_interruption)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_at(story, 5);
    story_submit(story, story_job(7));
    story_restart(story);
    (void)story_told(story);
    story_at(story, 35);
    story_tick(story);
    EXPECT_STORY(story, "[35] write 7 queued v3 e0 c0 i1\n");
    EXPECT_EQ(story_figures(story).worker_count, 0); // it never came back
    story_free(story);
}

TEST(core, tokens_grow_over_restarts)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(7));
    story_submit(story, story_job(8));
    story_restart(story);
    (void)story_told(story);
    story_worker(story, 12, "mail", 2);
    EXPECT_EQ(story->store.jobs[1].token, story_token(2, 1));
    EXPECT(story->store.jobs[1].token > story->store.jobs[0].token);
    // What was granted before the restart may still be finished.
    struct msg_held held = story_held(7, story_token(1, 1));
    story_hello(story, 11, 1, &held);
    story_finish(story, 11, held, OUTCOME_SUCCEEDED);
    EXPECT_EQ(story->store.jobs[0].state, JOB_SUCCEEDED);
    story_free(story);
}

TEST(core, what_was_not_durable_never_happened)
{
    struct story *story = story_new();
    story->lag = 2;
    story_submit(story, story_job(100));
    story_settle(story);
    story_submit(story, story_job(101)); // nobody has been answered yet
    story_restart(story);
    (void)story_told(story);
    story_submit(story, story_job(100));
    story_submit(story, story_job(101));
    EXPECT_STORY(story, "[0] send client: submitted 100 replayed queued\n"
                        "[0] write 101 queued v1\n"
                        "[0] send client: submitted 101 queued\n");
    story_free(story);
}

TEST(core, keys_of_ended_jobs_are_known_after_a_restart)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(100));
    story_finish(story, 11, story_held(100, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_restart(story);
    (void)story_told(story);
    struct msg_submit_job other = story_job(100);
    other.fingerprint++;
    story_submit(story, story_job(100));
    story_submit(story, other);
    EXPECT_STORY(story, "[0] send client: submitted 100 replayed succeeded\n"
                        "[0] send client: submitted 100 key-reused\n");
    story_free(story);
}

// A random day of a broker with one worker; returns what it did.
static void live(struct story *story, uint64_t seed, bool restarts)
{
    struct prng prng = prng_of(seed);
    uint64_t counter = 0;
    for (uint32_t number = 1; number < 60; number++) {
        story_at(story, story->now.mono + 10);
        struct msg_submit_job job = story_job(number);
        job.delay_ms = prng_below(&prng, 20);
        job.batch_id = prng_chance(&prng, 50) ? story_id(90 + number % 2) : (struct id){{0}};
        story_submit(story, job);
        story_tick(story);
        if (restarts && prng_chance(&prng, 10))
            story_restart(story);
        story_finish(story, 11, story_held(number, ++counter),
                     prng_chance(&prng, 50) ? OUTCOME_SUCCEEDED : OUTCOME_FAILED);
    }
}

TEST(core, recovering_twice_is_recovering_once)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    live(story, test_seed(), true);
    story_restart(story);
    struct core_figures once = story_figures(story);
    story_restart(story);
    struct core_figures twice = story_figures(story);
    EXPECT_EQ(twice.ledger.epoch, once.ledger.epoch + 1);
    EXPECT_EQ(twice.ledger.accepted, once.ledger.accepted);
    EXPECT_MEM(twice.ledger.counts, once.ledger.counts, sizeof once.ledger.counts);
    EXPECT_EQ(twice.job_count, once.job_count);
    EXPECT_EQ(twice.lease_count, once.lease_count);
    EXPECT_EQ(twice.batch_count, once.batch_count);
    story_free(story);
}

TEST(core, the_same_commands_give_the_same_digest_and_others_another)
{
    struct story *a = story_new();
    struct story *b = story_new();
    struct story *c = story_new();
    live(a, test_seed(), false);
    live(b, test_seed(), false);
    live(c, test_seed() + 1, false);
    EXPECT(story_figures(a).ledger.digest == story_figures(b).ledger.digest);
    EXPECT(story_figures(a).ledger.digest != story_figures(c).ledger.digest);
    story_free(a);
    story_free(b);
    story_free(c);
}

TEST(core, a_store_above_the_limits_is_refused)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 4);
    for (uint32_t number = 0; number < 3; number++) {
        struct msg_submit_job job = story_job(100 + number);
        job.timeout_ms = 1 + number;
        job.batch_id = story_id(90 + number);
        job.queue = slice_of_text(number == 0 ? "a" : "b");
        story_submit(story, job);
    }
    struct limits limits = story_limits();
    limits.job_count_max = 2;
    EXPECT_EQ(story_reload(story, &limits), ERR_FULL);
    limits = story_limits();
    limits.key_count_max = 2;
    EXPECT_EQ(story_reload(story, &limits), ERR_FULL);
    limits = story_limits();
    limits.lane_count_max = 1;
    EXPECT_EQ(story_reload(story, &limits), ERR_FULL);
    limits = story_limits();
    limits.policy_count_max = 2;
    EXPECT_EQ(story_reload(story, &limits), ERR_FULL);
    limits = story_limits();
    limits.batch_count_max = 2;
    EXPECT_EQ(story_reload(story, &limits), ERR_FULL);
    limits = story_limits();
    limits.lease_count_max = 2;
    EXPECT_EQ(story_reload(story, &limits), ERR_FULL);
    limits = story_limits();
    EXPECT_EQ(story_reload(story, &limits), OK);
    EXPECT_EQ(story_figures(story).job_count, 3);
    story_free(story);
}

TEST(core, more_workers_than_the_limit_are_refused_too)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_worker(story, 12, "mail", 1);
    story_submit_two(story, story_job(1), story_job(2)); // one for each
    struct limits limits = story_limits();
    limits.worker_count_max = 1;
    EXPECT_EQ(story_reload(story, &limits), ERR_FULL);
    story_free(story);
}

TEST(core, a_command_without_room_stops_the_process)
{
    struct story *story = story_new();
    story->fx.load = story->fx.changed_cap;
    EXPECT_DIES(story_submit(story, story_job(7)));
    story_free(story);
}

TEST(core, a_message_that_is_not_for_a_broker_is_refused)
{
    struct story *story = story_new();
    story_say(story, STORY_CLIENT, &(struct msg){.kind = MSG_WELCOME});
    EXPECT_STORY(story,
                 "[0] send client: error unsupported (this kind of message is not for a broker)\n");
    story_free(story);
}

TEST(core, figures_tell_what_is_there)
{
    struct story *story = story_new();
    story_submit(story, story_job(100));
    story_at(story, 50);
    story_submit(story, story_job(8));
    struct core_figures figures = story_figures(story);
    EXPECT_EQ(figures.submitted, 2);
    EXPECT_EQ(figures.job_count, 2);
    EXPECT_EQ(figures.key_count, 1);
    EXPECT_EQ(figures.lane_count, 1);
    EXPECT_EQ(figures.oldest_due_at, STORY_EPOCH);
    struct lane_figures lane;
    EXPECT(core_lane(story->core, 0, &lane));
    EXPECT_EQ(lane.ready_count, 2);
    EXPECT_EQ(lane.worker_count, 0);
    EXPECT(slice_is_text(lane.lane.type, "mail"));
    EXPECT(!core_lane(story->core, 1, &lane));
    story_free(story);
}

TEST(core, memory_is_what_its_size_says)
{
    struct limits limits = story_limits();
    size_t size = core_size(&limits);
    // Guard bytes behind it stay untouched.
    uint8_t *memory = aligned_alloc(64, (size + 64 + 63) / 64 * 64);
    EXPECT(memory != NULL);
    memset(memory, 0, size);
    memset(memory + size, 0xa5, 64);
    struct known known = {0};
    (void)core_init(memory, &limits, &known, 1);
    for (unsigned i = 0; i < 64; i++)
        EXPECT_EQ(memory[size + i], 0xa5);
    free(memory);
}

TEST(core, the_worst_batch_fits_its_room)
{
    // Each job of one message brings a lane, a policy and a batch of its own, is granted and ends
    // in the same batch of commands.
    enum { COUNT = 40 };
    struct limits limits = story_limits();
    limits.job_count_max = limits.lane_count_max = limits.policy_count_max = COUNT;
    limits.batch_count_max = limits.lease_count_max = limits.serve_count_max = COUNT;
    limits.queue_count_max = COUNT;
    struct story *story = story_new_with(&limits);
    story_worker(story, 11, "mail", COUNT);
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    struct msg_submit_job jobs[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        jobs[i] = story_job(i);
        jobs[i].queue = slice_of(letters + i, 1);
        jobs[i].timeout_ms = 1 + i;
        jobs[i].batch_id = story_id(1000 + i);
    }
    story->fx.changed_cap = 2 * COUNT; // the message, and what dispatch may change
    story->fx.write_cap = effects_write_cap(story->fx.changed_cap);
    story_say(story, STORY_CLIENT,
              &(struct msg){.kind = MSG_SUBMIT, .submit = {.jobs = jobs, .count = COUNT}});
    struct core_figures figures = story_figures(story);
    EXPECT_EQ(figures.granted, COUNT);
    EXPECT_EQ(figures.lane_count, COUNT);
    EXPECT_EQ(figures.batch_count, COUNT);
    EXPECT_EQ(story->store.policy_count, COUNT);
    EXPECT_EQ(story->store.job_count, COUNT);
    story_free(story);
}

TEST(core, batches_may_change_and_end_all_at_once)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 3);
    for (uint32_t i = 0; i < 3; i++) {
        struct msg_submit_job job = story_job(1 + i);
        job.batch_id = story_id(90 + i);
        story_submit(story, job);
        story_seal(story, 90 + i);
    }
    for (uint32_t i = 0; i < 3; i++)
        story_finish(story, 11, story_held(1 + i, story_token(1, 1 + i)), OUTCOME_SUCCEEDED);
    (void)story_told(story);
    story_at(story, 1000);
    story_open(story);
    for (uint64_t no = 1; no <= 3; no++)
        story_remove(story, no);
    // A new member in the same batch of commands keeps its batch.
    struct msg_submit_job late = story_job(9);
    late.batch_id = story_id(91);
    story_submit(story, late);
    story_close(story);
    EXPECT_EQ(story_figures(story).batch_count, 1);
    const char *told = story_told(story);
    EXPECT(strstr(told, "drop batch 90 v4: 1 removed sealed finished 0\n") != NULL);
    EXPECT(strstr(told, "] batch 91 v4: 1 running 1 removed finished 0\n") != NULL);
    EXPECT(strstr(told, "drop batch 92 v4: 1 removed sealed finished 0\n") != NULL);
    story_restart(story);
    EXPECT_EQ(story_figures(story).batch_count, 1);
    story_free(story);
}
