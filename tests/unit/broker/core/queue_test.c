// What is set for a queue: durable before it is answered, for waiting jobs where it can be, for
// new ones by default.

#include "tests/support/story.h"

static void set(struct story *story, const char *queue, struct msg_queue_settings settings)
{
    const struct msg msg = {.kind = MSG_QUEUE_SET,
                            .queue_set = {.queue = slice_of_text(queue), .settings = settings}};
    story_say(story, STORY_CLIENT, &msg);
}

static struct msg_submit_job job_in(const char *queue, uint32_t number)
{
    struct msg_submit_job job = story_job(number);
    job.queue = slice_of_text(queue);
    return job;
}

TEST(queue, is_set_durably_and_answered_whole)
{
    struct story *story = story_new();
    (void)story_told(story);
    story->shows_all = true;
    set(story, "default", (struct msg_queue_settings){.weight = 3, .open_max = 5});
    set(story, "default", (struct msg_queue_settings){.weight = 3, .open_max = 5}); // so already
    set(story, "default", (struct msg_queue_settings){0});
    EXPECT_STORY(story, "[0] queue default: weight 3 open_max 5\n"
                        "[0] ledger epoch 1 next 1\n"
                        "[0] send client: queue default: weight 3 open_max 5\n"
                        "[0] send client: queue default: weight 3 open_max 5\n"
                        "[0] queue default:\n"
                        "[0] ledger epoch 1 next 1\n"
                        "[0] send client: queue default:\n");
    story_free(story);
}

static void change(struct story *story, uint32_t named, struct msg_queue_settings settings)
{
    const struct msg msg = {
        .kind = MSG_QUEUE_SET,
        .queue_set = {.queue = slice_of_text("default"), .settings = settings, .named = named}};
    story_say(story, STORY_CLIENT, &msg);
}

TEST(queue, what_is_not_named_stays_as_it_was)
{
    struct story *story = story_new();
    change(story, 1u << QUEUE_WEIGHT, (struct msg_queue_settings){.weight = 3});
    change(story, QUEUE_RATE, (struct msg_queue_settings){.rate = {5, 1000}, .weight = 9});
    struct msg_queue_settings *is = &story->store.queues[0].settings;
    EXPECT(is->weight == 3 && is->rate.count == 5 && is->rate.per_ms == 1000);
    story_restart(story);
    change(story, 1u << QUEUE_KEEP | 1u << QUEUE_WEIGHT,
           (struct msg_queue_settings){.defaults.keep_s = 7});
    EXPECT(is->weight == 0 && is->rate.count == 5 && is->defaults.keep_s == 7);
    (void)story_told(story);
    change(story, 1u << QUEUE_KEEP, (struct msg_queue_settings){.defaults.keep_s = 7});
    EXPECT_STORY(
        story,
        "[0] send client: queue default: rate 5/1000 ms\n"); // so already: nothing is written
    set(story, "default", (struct msg_queue_settings){.open_max = 2});
    EXPECT(is->open_max == 2 && is->rate.count == 0 && is->defaults.keep_s == 0);
    story_free(story);
}

TEST(queue, each_setting_is_changed_by_its_own_number)
{
    struct story *story = story_new();
    for (unsigned no = QUEUE_WEIGHT; no <= QUEUE_KEY_RATE_PER; no++) {
        uint32_t numbers[16];
        for (unsigned i = 0; i < 16; i++)
            numbers[i] = 1;
        struct msg_queue_settings ones;
        memcpy(&ones, numbers, sizeof ones);
        set(story, "default", (struct msg_queue_settings){0});
        change(story, 1u << no, ones);
        memcpy(numbers, &story->store.queues[0].settings, sizeof numbers);
        unsigned sum = 0;
        for (unsigned i = 0; i < 16; i++)
            sum += numbers[i];
        EXPECT_EQ(sum, 1);
    }
    const struct msg_queue_settings *is = &story->store.queues[0].settings;
    EXPECT_EQ(is->key_rate.per_ms, 1);
    story_free(story);
}

TEST(queue, what_is_changed_has_to_fit_what_stays)
{
    struct story *story = story_new();
    set(story, "default", (struct msg_queue_settings){.defaults.retry_longest_ms = 1000});
    (void)story_told(story);
    change(story, 1u << QUEUE_RETRY_FIRST,
           (struct msg_queue_settings){.defaults.retry_first_ms = 2000});
    EXPECT_STORY(story, "[0] send client: queue bad-field (retry: first must not be longer than "
                        "longest)\n");
    change(story, 1u << QUEUE_RETRY_FIRST | 1u << QUEUE_RETRY_LONGEST,
           (struct msg_queue_settings){.defaults.retry_first_ms = 2000});
    EXPECT_EQ(story->store.queues[0].settings.defaults.retry_first_ms, 2000);
    story_free(story);
}

TEST(queue, with_as_many_open_jobs_as_it_may_takes_no_more)
{
    struct story *story = story_new();
    set(story, "default", (struct msg_queue_settings){.open_max = 1});
    (void)story_told(story);
    story_submit(story, story_job(1));
    story_submit(story, story_job(2));
    story_submit(story, job_in("other", 3));
    story_submit(story, story_job(1)); // a replay is no new job
    EXPECT_STORY(
        story,
        "[0] write 1 queued v1\n"
        "[0] send client: submitted 1 queued\n"
        "[0] send client: submitted 2 full (open_max: the queue has as many unfinished jobs as "
        "it may)\n"
        "[0] write 3 queued v1\n"
        "[0] send client: submitted 3 queued\n"
        "[0] send client: submitted 1 replayed queued\n");
    story_restart(story); // it is still set, and still counted
    (void)story_told(story);
    story_submit(story, story_job(2));
    story_act(story, ACT_CANCEL, 1);
    story_submit(story, story_job(2));
    EXPECT_STORY(
        story,
        "[0] send client: submitted 2 full (open_max: the queue has as many unfinished jobs as "
        "it may)\n"
        "[0] write 1 cancelled v2\n"
        "[0] send client: acted cancelled v2\n"
        "[0] write 2 queued v1\n"
        "[0] send client: submitted 2 queued\n");
    story_free(story);
}

TEST(queue, a_tenant_with_as_many_open_jobs_as_its_quota_gets_no_more)
{
    struct limits limits = story_limits();
    limits.tenant_open_max = 2;
    struct story *story = story_new_with(&limits);
    struct msg_submit_job second = job_in("other", 2);
    second.tenant_open_max = 1; // the lower one counts
    story_submit(story, story_job(1));
    story_submit(story, second);
    second.tenant_open_max = 7;
    story_submit(story, second);
    (void)story_told(story);
    story_submit(story, story_job(3));
    story_submit(story, second); // a replay is no new job
    story_restart(story);        // they are still counted
    story_submit(story, story_job(3));
    story->tenant = slice_of_text("another"); // has its own
    struct msg_submit_job anothers = story_job(4);
    anothers.tenant = story->tenant;
    story_submit(story, anothers);
    story->tenant = (struct slice){0};
    story_act(story, ACT_CANCEL, 1);
    story_submit(story, story_job(3));
    EXPECT_STORY(story, "[0] send client: submitted 3 quota (--open-jobs, --tenant-open-max: the "
                        "tenant has as many "
                        "unfinished jobs as it may)\n"
                        "[0] send client: submitted 2 replayed queued\n"
                        "[0] send client: submitted 3 quota (--open-jobs, --tenant-open-max: the "
                        "tenant has as many "
                        "unfinished jobs as it may)\n"
                        "[0] write 4 queued v1\n"
                        "[0] send client: submitted 4 queued\n"
                        "[0] write 1 cancelled v2\n"
                        "[0] send client: acted cancelled v2\n"
                        "[0] write 3 queued v1\n"
                        "[0] send client: submitted 3 queued\n");
    story_free(story);
}

TEST(queue, a_dead_job_is_not_retried_beyond_the_quota)
{
    struct limits limits = story_limits();
    limits.tenant_open_max = 1;
    struct story *story = story_new_with(&limits);
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(1));
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_DEAD);
    struct msg_submit_job later = story_job(2);
    later.delay_ms = 1000;
    story_submit(story, later);
    (void)story_told(story);
    story_act(story, ACT_RETRY, 1);
    EXPECT_STORY(story, "[0] send client: acted quota (--open-jobs, --tenant-open-max: the tenant "
                        "has as many unfinished "
                        "jobs as it may)\n");
    story_free(story);
}

TEST(queue, a_dead_job_is_not_retried_into_a_full_one)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    set(story, "default", (struct msg_queue_settings){.open_max = 1});
    story_submit(story, story_job(1));
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_DEAD);
    struct msg_submit_job later = story_job(2);
    later.delay_ms = 1000;
    story_submit(story, later);
    (void)story_told(story);
    story_act(story, ACT_RETRY, 1);
    EXPECT_STORY(story, "[0] send client: acted full (open_max: the queue has as many unfinished "
                        "jobs as it may)\n");
    story_free(story);
}

static const struct policy *policy_of(const struct story *story, uint32_t number)
{
    struct id id = story_id(number);
    for (uint32_t i = 0; i < story->store.job_count; i++)
        if (id_equal(&story->store.jobs[i].id, &id))
            return &story->store.policies[story->store.jobs[i].policy];
    return NULL;
}

TEST(queue, defaults_are_for_jobs_that_do_not_say)
{
    struct story *story = story_new();
    story_submit(story, story_job(1));
    set(story, "default",
        (struct msg_queue_settings){.defaults = {.timeout_ms = 11,
                                                 .max_attempts = 12,
                                                 .max_crashes = 13,
                                                 .retry_first_ms = 14,
                                                 .retry_longest_ms = 15,
                                                 .retry_factor_milli = 1600,
                                                 .retry_within_s = 17,
                                                 .keep_s = 18}});
    story_submit(story, story_job(2));
    struct msg_submit_job own = story_job(3);
    own.timeout_ms = 21;
    own.keep_s = 28;
    story_submit(story, own);
    story_submit(story, job_in("other", 4));
    const struct policy *policy = policy_of(story, 2);
    EXPECT_EQ(policy->timeout_ms, 11);
    EXPECT_EQ(policy->max_attempts, 12);
    EXPECT_EQ(policy->max_crashes, 13);
    EXPECT_EQ(policy->retry_first_ms, 14);
    EXPECT_EQ(policy->retry_longest_ms, 15);
    EXPECT_EQ(policy->retry_factor_milli, 1600);
    EXPECT_EQ(policy->retry_within_s, 17);
    EXPECT_EQ(policy->keep_s, 18);
    EXPECT_EQ(policy_of(story, 3)->timeout_ms, 21);
    EXPECT_EQ(policy_of(story, 3)->keep_s, 28);
    EXPECT_EQ(policy_of(story, 3)->max_attempts, 12);
    // Jobs of before, and of other queues, have the broker's.
    EXPECT_EQ(policy_of(story, 1)->timeout_ms, 1000);
    EXPECT_EQ(policy_of(story, 4)->max_attempts, LIMITS_ATTEMPTS_DEFAULT);
    story_free(story);
}

// Three turns for one, of jobs that wait already, and after a restart too.
TEST(queue, weight_holds_for_jobs_that_wait)
{
    struct story *story = story_new();
    for (uint32_t i = 0; i < 7; i++) {
        story_submit(story, job_in("a", 10 + i));
        story_submit(story, job_in("b", 20 + i));
    }
    set(story, "b", (struct msg_queue_settings){.weight = 3});
    story_restart(story);
    (void)story_told(story);
    story_hello(story, 11, 1, NULL);
    (void)story_told(story);
    story->only_grants = true;
    story_ready(story, 11, "mail", 8);
    EXPECT_STORY(story, "[0] job 10 to worker 1 token 2.1 attempt 1\n"
                        "[0] job 20 to worker 1 token 2.2 attempt 1\n"
                        "[0] job 21 to worker 1 token 2.3 attempt 1\n"
                        "[0] job 22 to worker 1 token 2.4 attempt 1\n"
                        "[0] job 23 to worker 1 token 2.5 attempt 1\n" // a tie
                        "[0] job 11 to worker 1 token 2.6 attempt 1\n"
                        "[0] job 24 to worker 1 token 2.7 attempt 1\n"
                        "[0] job 25 to worker 1 token 2.8 attempt 1\n");
    story_free(story);
}

static void act(struct story *story, enum act_kind kind, const char *queue, enum direction ways)
{
    const struct msg msg = {
        .kind = MSG_ACT, .act = {.kind = kind, .queue = slice_of_text(queue), .direction = ways}};
    story_say(story, STORY_CLIENT, &msg);
}

TEST(queue, paused_in_takes_no_jobs_and_gives_those_it_has)
{
    struct story *story = story_new();
    story_submit(story, story_job(1));
    (void)story_told(story);
    act(story, ACT_PAUSE, "default", DIRECTION_IN);
    story_submit(story, story_job(2));
    story_submit(story, story_job(1)); // a replay is no new job
    story_submit(story, job_in("other", 3));
    story_worker(story, 11, "mail", 1);
    EXPECT_STORY(story, "[0] send client: acted paused in\n"
                        "[0] send client: submitted 2 paused (the queue takes no jobs until it is "
                        "resumed; send the same again later)\n"
                        "[0] send client: submitted 1 replayed queued\n"
                        "[0] write 3 queued v1\n"
                        "[0] send client: submitted 3 queued\n");
    story_restart(story);
    (void)story_told(story);
    story_submit(story, story_job(2));
    act(story, ACT_RESUME, "default", DIRECTION_NONE);
    story_submit(story, story_job(2));
    EXPECT_STORY(story, "[0] send client: submitted 2 paused (the queue takes no jobs until it is "
                        "resumed; send the same again later)\n"
                        "[0] send client: acted paused nothing\n"
                        "[0] write 2 queued v1\n"
                        "[0] send client: submitted 2 queued\n");
    story_free(story);
}

TEST(queue, paused_out_gives_no_jobs_also_after_a_restart)
{
    struct story *story = story_new();
    story_submit(story, story_job(1));
    act(story, ACT_PAUSE, "default", DIRECTION_OUT);
    story_submit(story, story_job(2));
    story_submit(story, job_in("other", 3));
    story_restart(story);
    (void)story_told(story);
    story->only_grants = true;
    story_worker(story, 11, "mail", 3);
    act(story, ACT_RESUME, "default", DIRECTION_IN); // the other way
    EXPECT_STORY(story, "");
    act(story, ACT_RESUME, "default", DIRECTION_OUT);
    EXPECT_STORY(story, "[0] job 1 to worker 1 token 2.2 attempt 1\n"
                        "[0] job 2 to worker 1 token 2.3 attempt 1\n");
    story_free(story);
}

TEST(queue, running_jobs_of_a_paused_queue_end_or_come_back_and_wait)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 2);
    story_submit(story, story_job(1));
    story_submit(story, story_job(2));
    act(story, ACT_PAUSE, "default", DIRECTION_NONE);
    (void)story_told(story);
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_finish(story, 11, story_held(2, story_token(1, 2)), OUTCOME_INTERRUPTED);
    EXPECT_STORY(story, "[0] write 1 succeeded v3\n"
                        "[0] send worker 1: finished 1 ok\n"
                        "[0] write 2 queued v3 e0 c0 i1\n"
                        "[0] send worker 1: finished 2 ok\n");
    story_free(story);
}

TEST(queue, draining_closes_the_way_in_and_opens_the_way_out)
{
    struct story *story = story_new();
    story_submit(story, story_job(1));
    act(story, ACT_PAUSE, "default", DIRECTION_OUT);
    story_worker(story, 11, "mail", 1);
    (void)story_told(story);
    act(story, ACT_DRAIN, "default", DIRECTION_NONE);
    EXPECT_STORY(story, "[0] write 1 running v2\n"
                        "[0] send client: acted paused in\n"
                        "[0] job 1 to worker 1 token 1.1 attempt 1\n");
    act(story, ACT_DRAIN, "default", DIRECTION_NONE);
    story->shows_all = true; // it is so already: nothing is written
    act(story, ACT_DRAIN, "default", DIRECTION_NONE);
    EXPECT_STORY(story, "[0] send client: acted paused in\n[0] send client: acted paused in\n");
    story_free(story);
}

TEST(queue, a_queue_that_nobody_has_named_is_not_paused)
{
    struct story *story = story_new();
    (void)story_told(story);
    act(story, ACT_PAUSE, "nope", DIRECTION_NONE);
    EXPECT_STORY(story, "[0] send client: acted not-found (no job and no setting has named this "
                        "queue yet)\n");
    story_free(story);
}

TEST(queue, a_full_table_of_queues_is_told)
{
    struct story *story = story_new();
    set(story, "a", (struct msg_queue_settings){.weight = 1});
    set(story, "b", (struct msg_queue_settings){.weight = 1});
    set(story, "c", (struct msg_queue_settings){.weight = 1});
    set(story, "d", (struct msg_queue_settings){.weight = 1});
    (void)story_told(story);
    set(story, "e", (struct msg_queue_settings){.weight = 1});
    EXPECT_STORY(story,
                 "[0] send client: queue full (queue_count_max: too many different queues)\n");
    story_free(story);
}

TEST(queue, what_intake_refuses_changes_nothing)
{
    struct story *story = story_new();
    (void)story_told(story);
    const struct msg msg = {.kind = MSG_QUEUE_SET,
                            .queue_set = {.queue = slice_of_text("a"),
                                          .verdict = ERR_BAD_FIELD,
                                          .detail = slice_of_text("weight: 1 to 1,000")}};
    story_say(story, STORY_CLIENT, &msg);
    EXPECT_STORY(story, "[0] send client: queue bad-field (weight: 1 to 1,000)\n");
    EXPECT_EQ(story->store.queues[0].queue.len, 0);
    story_free(story);
}
