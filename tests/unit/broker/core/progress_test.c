// Station progress: who is told how far a running job is, how often, and until when.

#include "tests/support/story.h"

enum { WORKER = 11, NOTIFIER = 21 };

static struct msg_submit_job told(uint32_t number, uint32_t events)
{
    struct msg_submit_job job = story_job(number);
    job.webhook_events = events;
    job.webhook_has_url = true;
    return job;
}

static void notifier(struct story *story, uint32_t slots)
{
    static const struct slice type[] = {{.data = (const uint8_t *)HOOK_TYPE, .len = 7}};
    static const struct slice queue[] = {{.data = (const uint8_t *)HOOK_QUEUE, .len = 13}};
    const struct msg_hello hello = {
        .role = ROLE_NOTIFIER, .worker_id = story_worker_id(2), .session = 1};
    const struct msg_ready ready = {
        .types = type, .type_count = 1, .queues = queue, .queue_count = 1, .slots = slots};
    story_say(story, NOTIFIER, &(struct msg){.kind = MSG_HELLO, .hello = hello});
    story_say(story, NOTIFIER, &(struct msg){.kind = MSG_READY, .ready = ready});
}

static struct story *begun(const struct limits *limits, struct msg_submit_job job)
{
    struct story *story = story_new_with(limits);
    story_worker(story, WORKER, "mail", 4);
    story_submit(story, job);
    return story;
}

static struct limits calm(void)
{
    struct limits limits = story_limits();
    limits.lease_ms = 100 * 1000;
    limits.policy_count_max = 8;
    return limits;
}

// The deliveries of progress, of which there are `count`; the last one.
static const struct job_row *telling(const struct story *story, uint32_t count)
{
    const struct job_row *last = NULL;
    uint32_t found = 0;
    for (uint32_t i = 0; i < story->store.job_count; i++) {
        const struct job_row *row = &story->store.jobs[i];
        if ((row->relations & RELATION_PARENTS) == 0 || row->priority != MSG_PRIORITY_MAX)
            continue;
        found++;
        last = row;
    }
    EXPECT_EQ(found, count);
    return last;
}

static const struct job_row *row_of(const struct story *story, uint32_t number)
{
    struct id id = story_id(number);
    for (uint32_t i = 0; i < story->store.job_count; i++)
        if (id_equal(&story->store.jobs[i].id, &id))
            return &story->store.jobs[i];
    EXPECT(false);
    return NULL;
}

static void say(struct story *story, uint32_t number, uint64_t done)
{
    story_progress(story, WORKER, story_held(number, row_of(story, number)->token), done);
}

static void end(struct story *story, uint32_t number, enum outcome outcome)
{
    story_finish(story, WORKER, story_held(number, row_of(story, number)->token), outcome);
}

// What the notifier says of the last one.
static void sent(struct story *story, uint32_t count, enum outcome outcome)
{
    const struct job_row *row = telling(story, count);
    EXPECT_EQ(row->state, JOB_RUNNING);
    story_finish(story, NOTIFIER, (struct msg_held){.job_id = row->id, .token = row->token},
                 outcome);
}

static void tick_at(struct story *story, when_ms moment)
{
    story_at(story, moment);
    story_tick(story);
}

TEST(progress, only_who_wants_it_is_told)
{
    const struct limits limits = calm();
    struct story *story = begun(&limits, told(1, 1u << JOB_SUCCEEDED));
    story_submit(story, told(2, WEBHOOK_PROGRESS));
    say(story, 1, 5);
    (void)telling(story, 0);
    say(story, 2, 5);
    const struct job_row *row = telling(story, 1);
    EXPECT_EQ(row->state, JOB_QUEUED);
    EXPECT_EQ(row->priority, MSG_PRIORITY_MAX);
    EXPECT_EQ(story_figures(story).progress_deliveries, 1);
    EXPECT_EQ(story_figures(story).deliveries, 0);
    end(story, 2, OUTCOME_SUCCEEDED); // of which it wants to hear nothing
    EXPECT_EQ(story_figures(story).deliveries, 0);
    story_free(story);
}

TEST(progress, a_burst_is_one_delivery_and_what_came_since_is_another)
{
    const struct limits limits = calm();
    struct story *story = begun(&limits, told(1, WEBHOOK_PROGRESS));
    say(story, 1, 1);
    for (when_ms at = 1000; at <= 5000; at += 1000) {
        story_at(story, at);
        say(story, 1, 2); // nobody has sent the first one yet
    }
    (void)telling(story, 1);
    notifier(story, 4);
    sent(story, 1, OUTCOME_SUCCEEDED); // it brought all that
    (void)telling(story, 1);
    story_at(story, 7000);
    say(story, 1, 3);
    EXPECT_EQ(telling(story, 2)->state, JOB_RUNNING);
    story_at(story, 8000);
    say(story, 1, 4); // on its way already
    (void)telling(story, 2);
    story_at(story, 8100);
    sent(story, 2, OUTCOME_SUCCEEDED);
    EXPECT_EQ(telling(story, 3)->state, JOB_RUNNING);
    sent(story, 3, OUTCOME_SUCCEEDED);
    (void)telling(story, 3);
    story_free(story);
}

// Progress that asks for time is stored at once, however soon it comes.
static void extend(struct story *story, uint32_t number, uint32_t extend_ms)
{
    const struct msg_progress said = {.job_id = story_id(number),
                                      .token = row_of(story, number)->token,
                                      .done = 1,
                                      .extend_ms = extend_ms};
    const struct msg_renew renew = {.progress = &said, .progress_count = 1};
    story_say(story, WORKER, &(struct msg){.kind = MSG_RENEW, .renew = renew});
}

TEST(progress, rounds_are_a_gap_apart)
{
    const struct limits limits = calm();
    struct story *story = begun(&limits, told(1, WEBHOOK_PROGRESS));
    notifier(story, 4);
    story_at(story, 2000);
    say(story, 1, 1);
    story_at(story, 2010);
    extend(story, 1, 50);
    (void)telling(story, 1);
    sent(story, 1, OUTCOME_SUCCEEDED);
    EXPECT_EQ(telling(story, 2)->state, JOB_SCHEDULED);
    EXPECT_EQ(telling(story, 2)->due_at, STORY_EPOCH + 3000);
    tick_at(story, 2999);
    EXPECT_EQ(telling(story, 2)->state, JOB_SCHEDULED);
    tick_at(story, 3000);
    sent(story, 2, OUTCOME_SUCCEEDED);
    story_at(story, 3200);
    extend(story, 1, 100);
    EXPECT_EQ(telling(story, 3)->due_at, STORY_EPOCH + 4000);
    story_free(story);
}

TEST(progress, what_waits_is_cancelled_by_the_end)
{
    const struct limits limits = calm();
    struct story *story = begun(&limits, told(1, WEBHOOK_PROGRESS | 1u << JOB_SUCCEEDED));
    say(story, 1, 1);
    end(story, 1, OUTCOME_SUCCEEDED);
    EXPECT_EQ(telling(story, 1)->state, JOB_QUEUED);
    story_tick(story);
    EXPECT_EQ(telling(story, 1)->state, JOB_CANCELLED);
    EXPECT_EQ(story_figures(story).deliveries, 1);
    story_free(story);
}

// No tick has come between.
TEST(progress, none_is_handed_out_after_the_end)
{
    const struct limits limits = calm();
    struct story *story = begun(&limits, told(1, WEBHOOK_PROGRESS));
    say(story, 1, 1);
    end(story, 1, OUTCOME_SUCCEEDED);
    notifier(story, 4);
    EXPECT_EQ(telling(story, 1)->state, JOB_CANCELLED);
    EXPECT_EQ(telling(story, 1)->token, 0);
    story_free(story);
}

TEST(progress, what_is_out_at_the_end_is_not_tried_again)
{
    const struct limits limits = calm();
    struct story *story = begun(&limits, told(1, WEBHOOK_PROGRESS));
    notifier(story, 4);
    say(story, 1, 1);
    story_at(story, 1500);
    say(story, 1, 2);
    end(story, 1, OUTCOME_SUCCEEDED);
    story_tick(story);
    sent(story, 1, OUTCOME_FAILED);
    EXPECT_EQ(telling(story, 1)->state, JOB_CANCELLED);
    story_free(story);
}

TEST(progress, a_failure_is_tried_again_and_counts_as_the_one)
{
    const struct limits limits = calm();
    struct story *story = begun(&limits, told(1, WEBHOOK_PROGRESS));
    notifier(story, 4);
    say(story, 1, 1);
    sent(story, 1, OUTCOME_FAILED);
    EXPECT_EQ(telling(story, 1)->state, JOB_RETRYING);
    story_at(story, 900);
    say(story, 1, 2);
    tick_at(story, 5000);
    sent(story, 1, OUTCOME_DEAD);
    (void)telling(story, 1); // what it said last was said before the last attempt
    story_at(story, 6000);
    say(story, 1, 3);
    EXPECT_EQ(telling(story, 2)->state, JOB_RUNNING);
    story_free(story);
}

// Whether the job had said more before the start is not known, so one more may come than need be.
TEST(progress, a_start_knows_who_is_being_told)
{
    const struct limits limits = calm();
    struct story *story = begun(&limits, told(1, WEBHOOK_PROGRESS));
    notifier(story, 4);
    say(story, 1, 1);
    EXPECT_EQ(telling(story, 1)->state, JOB_RUNNING);
    const struct msg_held out = {.job_id = telling(story, 1)->id,
                                 .token = telling(story, 1)->token};
    const struct msg_held held = story_held(1, row_of(story, 1)->token);
    story_restart(story);
    story_hello(story, WORKER, 1, &held);
    story_at(story, 3000);
    say(story, 1, 2);
    (void)telling(story, 1);
    const struct msg_hello hello = {.role = ROLE_NOTIFIER,
                                    .worker_id = story_worker_id(2),
                                    .session = 1,
                                    .running = {.items = &out, .count = 1}};
    story_say(story, NOTIFIER, &(struct msg){.kind = MSG_HELLO, .hello = hello});
    sent(story, 1, OUTCOME_SUCCEEDED);
    EXPECT_EQ(telling(story, 2)->state, JOB_QUEUED);
    story_free(story);
}

TEST(progress, what_is_left_of_it_after_a_start_is_cancelled_when_its_job_has_ended)
{
    const struct limits limits = calm();
    struct story *story = begun(&limits, told(1, WEBHOOK_PROGRESS));
    say(story, 1, 1);
    end(story, 1, OUTCOME_SUCCEEDED);
    story_restart(story);
    story_tick(story);
    EXPECT_EQ(telling(story, 1)->state, JOB_CANCELLED);
    story_free(story);
}

TEST(progress, without_room_it_is_left_out_and_counted)
{
    struct limits limits = calm();
    limits.job_count_max = 3;
    struct story *story = begun(&limits, told(1, WEBHOOK_PROGRESS | 1u << JOB_SUCCEEDED));
    story_submit(story, story_job(2)); // all three places are taken: one is kept for the end
    say(story, 1, 1);
    (void)telling(story, 0);
    EXPECT_EQ(story_figures(story).progress_left_out, 1);
    end(story, 1, OUTCOME_SUCCEEDED);
    EXPECT_EQ(story_figures(story).deliveries, 1);
    story_free(story);
}

// The last of so many.
static void revive(struct story *story, uint32_t count)
{
    const struct msg_act act = {
        .kind = ACT_RETRY, .job_id = telling(story, count)->id, .act_id = {{(uint8_t)(8 + count)}}};
    story_say(story, STORY_CLIENT, &(struct msg){.kind = MSG_ACT, .act = act});
}

TEST(progress, a_dead_one_that_is_revived_is_the_one_again)
{
    const struct limits limits = calm();
    struct story *story = begun(&limits, told(1, WEBHOOK_PROGRESS));
    notifier(story, 1);
    say(story, 1, 1);
    sent(story, 1, OUTCOME_DEAD);
    story_settle(story);
    revive(story, 1);
    story_at(story, 2000);
    say(story, 1, 2);
    (void)telling(story, 1);
    sent(story, 1, OUTCOME_DEAD); // and the job has said more meanwhile
    (void)telling(story, 2);
    end(story, 1, OUTCOME_SUCCEEDED);
    story_tick(story);
    revive(story, 2);
    story_free(story);
}

static void set_endpoint(struct story *story, const char *id, uint32_t events)
{
    const struct msg msg = {.kind = MSG_WEBHOOK_SET,
                            .webhook_set = {.act = WEBHOOK_SET,
                                            .given = {.webhook_id = slice_of_text(id),
                                                      .url = slice_of_text("https://a.test/"),
                                                      .events = events},
                                            .secret = slice_of_text("sealed")}};
    story_say(story, STORY_CLIENT, &msg);
}

TEST(progress, each_endpoint_that_wants_it_has_its_own)
{
    const struct limits limits = calm();
    struct story *story = story_new_with(&limits);
    story_worker(story, WORKER, "mail", 4);
    set_endpoint(story, "one", WEBHOOK_PROGRESS);
    set_endpoint(story, "two", WEBHOOK_PROGRESS | 1u << JOB_DEAD);
    set_endpoint(story, "ends", 1u << JOB_DEAD);
    story_submit(story, told(1, WEBHOOK_PROGRESS));
    say(story, 1, 1);
    (void)telling(story, 3);
    notifier(story, 1);
    set_endpoint(story, "two", 1u << JOB_DEAD); // from now on
    story_at(story, 1000);
    say(story, 1, 2);
    (void)telling(story, 3);
    story_free(story);
}

// The receiver of the last one has answered 410.
static void refuse(struct story *story, uint32_t count)
{
    const struct job_row *row = telling(story, count);
    EXPECT_EQ(row->state, JOB_RUNNING);
    const struct msg_finish_job said = {.job_id = row->id,
                                        .token = row->token,
                                        .outcome = OUTCOME_DEAD,
                                        .error_kind = slice_of_text(HOOK_GONE)};
    story_say(story, NOTIFIER,
              &(struct msg){.kind = MSG_FINISH, .finish = {.jobs = &said, .count = 1}});
}

TEST(progress, a_url_that_is_gone_is_told_no_more_of_it)
{
    const struct limits limits = calm();
    struct story *story = begun(&limits, told(1, WEBHOOK_PROGRESS | 1u << JOB_DEAD));
    notifier(story, 4);
    say(story, 1, 1);
    const struct msg_held held = story_held(1, row_of(story, 1)->token);
    say(story, 1, 2); // of which the next one would tell
    refuse(story, 1);
    EXPECT_EQ(row_of(story, 1)->endpoint, JOB_URL_GONE);
    say(story, 1, 3);
    (void)telling(story, 1);
    story_restart(story);
    story_hello(story, WORKER, 1, &held);
    story_at(story, 3000);
    say(story, 1, 4);
    (void)telling(story, 1);
    end(story, 1, OUTCOME_DEAD); // it is seen that nobody was told of it
    EXPECT_EQ(story_figures(story).deliveries, 1);
    story_free(story);
}

TEST(progress, a_url_that_was_gone_is_asked_in_a_second_life)
{
    const struct limits limits = calm();
    struct story *story = begun(&limits, told(1, WEBHOOK_PROGRESS));
    notifier(story, 4);
    say(story, 1, 1);
    refuse(story, 1);
    end(story, 1, OUTCOME_DEAD);
    story_settle(story);
    const struct msg_act act = {.kind = ACT_RETRY, .job_id = story_id(1), .act_id = {{9}}};
    story_say(story, STORY_CLIENT, &(struct msg){.kind = MSG_ACT, .act = act});
    EXPECT_EQ(row_of(story, 1)->endpoint, 0);
    say(story, 1, 1);
    (void)telling(story, 2);
    story_free(story);
}

TEST(progress, a_410_of_anybody_else_closes_no_url)
{
    const struct limits limits = calm();
    struct story *story = story_new_with(&limits);
    story_worker(story, WORKER, "mail", 4);
    set_endpoint(story, "one", WEBHOOK_PROGRESS);
    story_submit(story, told(1, 1u << JOB_DEAD));
    notifier(story, 4);
    say(story, 1, 1);
    refuse(story, 1); // the endpoint: its sender disables it
    EXPECT_EQ(row_of(story, 1)->endpoint, 0);
    story_free(story);
}

TEST(progress, a_second_life_is_told_of_too)
{
    const struct limits limits = calm();
    struct story *story = begun(&limits, told(1, WEBHOOK_PROGRESS));
    notifier(story, 1);
    say(story, 1, 1);
    end(story, 1, OUTCOME_DEAD);
    story_settle(story);
    story_act(story, ACT_RETRY, 1);
    story_at(story, 1000);
    say(story, 1, 1);
    (void)telling(story, 1); // the one of the first life is still out
    sent(story, 1, OUTCOME_SUCCEEDED);
    (void)telling(story, 2);
    story_free(story);
}

// However many want to be told, a heartbeat is never too large to be taken: its leases are renewed.
TEST(progress, what_one_message_brings_is_a_share_of_a_flush)
{
    struct limits limits = calm();
    limits.job_count_max = 32;
    limits.dependency_count_max = 32;
    limits.changed_count_max = 24;
    struct story *story = story_new_with(&limits);
    story_worker(story, WORKER, "mail", 4);
    set_endpoint(story, "one", WEBHOOK_PROGRESS);
    set_endpoint(story, "two", WEBHOOK_PROGRESS);
    story_submit(story, told(1, WEBHOOK_PROGRESS));
    story_submit(story, told(2, WEBHOOK_PROGRESS));
    const struct msg_progress said[] = {
        {.job_id = story_id(1), .token = row_of(story, 1)->token, .done = 1},
        {.job_id = story_id(2), .token = row_of(story, 2)->token, .done = 1}};
    const struct msg msg = {.kind = MSG_RENEW, .renew = {.progress = said, .progress_count = 2}};
    const struct command command = {.kind = COMMAND_MESSAGE, .peer = WORKER, .msg = &msg};
    EXPECT_EQ(core_weight(story->core, &command), 2 + 24 / 8);
    story_say(story, WORKER, &msg);
    (void)telling(story, 3);
    EXPECT_EQ(story_figures(story).progress_left_out, 3);
    story_free(story);
}
