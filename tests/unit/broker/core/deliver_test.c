// Station deliver: who is told of a job's end.

#include "tests/support/story.h"

enum { ENDS = 1u << JOB_SUCCEEDED | 1u << JOB_DEAD | 1u << JOB_CANCELLED | 1u << JOB_EXPIRED };

static struct msg_submit_job told(uint32_t number, uint32_t events)
{
    struct msg_submit_job job = story_job(number);
    job.webhook_events = events;
    return job;
}

// The rows of deliveries, of which there are `count`; the last one.
static const struct job_row *delivery(const struct story *story, uint32_t count)
{
    const struct job_row *last = NULL;
    uint32_t found = 0;
    for (uint32_t i = 0; i < story->store.job_count; i++) {
        const struct job_row *row = &story->store.jobs[i];
        if ((row->relations & RELATION_PARENTS) == 0)
            continue;
        found++;
        last = row;
    }
    EXPECT_EQ(found, count);
    return last;
}

static void notifier(struct story *story, uint32_t peer)
{
    story_say(
        story, peer,
        &(struct msg){
            .kind = MSG_HELLO,
            .hello = {.role = ROLE_NOTIFIER, .worker_id = story_worker_id(peer), .session = 1}});
    static const struct slice type[] = {{.data = (const uint8_t *)HOOK_TYPE, .len = 7}};
    static const struct slice queue[] = {{.data = (const uint8_t *)HOOK_QUEUE, .len = 13}};
    story_say(
        story, peer,
        &(struct msg){
            .kind = MSG_READY,
            .ready = {
                .types = type, .type_count = 1, .queues = queue, .queue_count = 1, .slots = 4}});
}

TEST(deliver, an_end_that_is_told_makes_a_delivery_in_the_same_batch)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 2);
    story_submit_two(story, told(1, 1u << JOB_SUCCEEDED), story_job(2));
    (void)delivery(story, 0);
    story->lag = 1; // what is not closed is not stored
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_settle(story);
    const struct job_row *row = delivery(story, 1);
    EXPECT_EQ(row->state, JOB_QUEUED);
    EXPECT_EQ(id_version(&row->id), 7);
    EXPECT_EQ(story->store.jobs[0].state, JOB_SUCCEEDED);
    story_finish(story, 11, story_held(2, story_token(1, 2)), OUTCOME_SUCCEEDED);
    story_settle(story);
    (void)delivery(story, 1);
    EXPECT_EQ(story_figures(story).deliveries, 1);
    story_free(story);
}

TEST(deliver, only_the_wanted_ends_are_told)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, told(1, 1u << JOB_DEAD));
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    (void)delivery(story, 0);
    story_submit(story, told(2, 1u << JOB_DEAD));
    story_finish(story, 11, story_held(2, story_token(1, 2)), OUTCOME_DEAD);
    (void)delivery(story, 1);
    story_free(story);
}

TEST(deliver, cancelled_and_expired_are_ends_too)
{
    struct story *story = story_new();
    struct msg_submit_job mortal = told(1, ENDS);
    mortal.ttl_ms = 20;
    story_submit(story, mortal);
    story_submit(story, told(2, ENDS));
    story_at(story, 20);
    story_tick(story);
    (void)delivery(story, 1);
    story_say(story, STORY_CLIENT,
              &(struct msg){.kind = MSG_ACT, .act = {.kind = ACT_CANCEL, .job_id = story_id(2)}});
    (void)delivery(story, 2);
    story_free(story);
}

TEST(deliver, a_second_life_is_told_anew)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, told(1, ENDS));
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_DEAD);
    struct id first = delivery(story, 1)->id;
    story_say(story, STORY_CLIENT,
              &(struct msg){.kind = MSG_ACT,
                            .act = {.kind = ACT_RETRY, .job_id = story_id(1), .act_id = {{9}}}});
    story_finish(story, 11, story_held(1, story_token(1, 2)), OUTCOME_SUCCEEDED);
    EXPECT(!id_equal(&delivery(story, 2)->id, &first));
    story_free(story);
}

TEST(deliver, its_place_is_kept_over_restarts)
{
    struct limits limits = story_limits();
    limits.job_count_max = 3;
    struct story *story = story_new_with(&limits);
    story_worker(story, 11, "mail", 1);
    story_submit(story, told(1, ENDS)); // two places
    story_submit(story, story_job(2));
    (void)story_told(story);
    story_submit(story, story_job(3));
    EXPECT(strstr(story_told(story), "job_count_max") != NULL);
    story_restart(story);
    (void)story_told(story);
    story_submit(story, story_job(3));
    EXPECT(strstr(story_told(story), "job_count_max") != NULL);
    story_worker(story, 11, "mail", 1);
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    (void)delivery(story, 1);
    story_free(story);
}

TEST(deliver, one_that_asks_for_a_place_too_many_is_refused)
{
    struct limits limits = story_limits();
    limits.job_count_max = 1;
    struct story *story = story_new_with(&limits);
    story_submit(story, told(1, ENDS));
    EXPECT(strstr(story_told(story), "job_count_max") != NULL);
    limits.job_count_max = 16;
    limits.dependency_count_max = 1;
    story_free(story);
    story = story_new_with(&limits);
    story_submit(story, told(1, ENDS));
    (void)story_told(story);
    story_submit(story, told(2, ENDS));
    EXPECT(strstr(story_told(story), "dependency_count_max") != NULL);
    story_free(story);
}

// Its own lane and that of its deliveries; what is there already needs no room.
TEST(deliver, their_way_takes_the_lanes_that_are_missing)
{
    struct limits limits = story_limits();
    limits.lane_count_max = limits.queue_count_max = 2;
    struct story *story = story_new_with(&limits);
    story_submit(story, story_job(1));
    story_submit(story, told(2, ENDS));
    EXPECT_EQ(story_figures(story).submitted, 2);
    story_submit(story, told(3, ENDS));
    EXPECT_EQ(story_figures(story).submitted, 3);
    story_free(story);
    limits.lane_count_max = 1;
    story = story_new_with(&limits);
    story_submit(story, story_job(1));
    (void)story_told(story);
    story_submit(story, told(2, ENDS));
    EXPECT(strstr(story_told(story), "lane_count_max") != NULL);
    story_free(story);
}

TEST(deliver, their_options_have_a_place_or_the_job_is_refused)
{
    struct limits limits = story_limits();
    limits.policy_count_max = 1;
    struct story *story = story_new_with(&limits);
    story_submit(story, told(1, ENDS));
    EXPECT(strstr(story_told(story), "policy_count_max") != NULL);
    story_submit(story, story_job(2));
    (void)story_told(story);
    story_submit(story, told(3, ENDS)); // its own options are there
    EXPECT(strstr(story_told(story), "policy_count_max") != NULL);
    EXPECT_EQ(story_figures(story).submitted, 1);
    story_free(story);
}

static struct msg_submit_job member(uint32_t number)
{
    struct msg_submit_job job = story_job(number);
    job.batch_id = story_id(90);
    job.batch_webhook = slice_of_text("kept as it is");
    return job;
}

// It is let go, and is due.
static void release(struct story *story)
{
    story_tick(story);
    story_tick(story);
}

static void seal(struct story *story)
{
    story_say(story, STORY_CLIENT,
              &(struct msg){.kind = MSG_BATCH_SEAL, .batch_seal = {.batch_id = story_id(90)}});
    release(story);
}

TEST(deliver, a_batch_is_told_when_the_last_of_its_members_has_ended)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 2);
    story_submit_two(story, member(1), member(2));
    struct id id = delivery(story, 1)->id;
    EXPECT_EQ(delivery(story, 1)->state, JOB_SCHEDULED);
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_restart(story);
    seal(story);
    EXPECT_EQ(delivery(story, 1)->state, JOB_SCHEDULED);
    story_worker(story, 11, "mail", 2);
    story_finish(story, 11, story_held(2, story_token(2, 1)), OUTCOME_DEAD);
    release(story);
    EXPECT_EQ(delivery(story, 1)->state, JOB_QUEUED);
    EXPECT(id_equal(&delivery(story, 1)->id, &id));
    story_free(story);
}

TEST(deliver, a_batch_is_told_once_also_when_it_lives_again)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, member(1));
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_DEAD);
    EXPECT_EQ(delivery(story, 1)->state, JOB_SCHEDULED);
    seal(story); // later than its last end
    EXPECT_EQ(delivery(story, 1)->state, JOB_QUEUED);
    story_say(story, STORY_CLIENT,
              &(struct msg){.kind = MSG_ACT,
                            .act = {.kind = ACT_RETRY, .job_id = story_id(1), .act_id = {{9}}}});
    story_finish(story, 11, story_held(1, story_token(1, 2)), OUTCOME_SUCCEEDED);
    story_submit(story, member(2));
    seal(story);
    EXPECT_EQ(delivery(story, 1)->state, JOB_QUEUED);
    story_free(story);
}

TEST(deliver, members_of_a_batch_that_is_told_may_wait_for_each_other)
{
    struct story *story = story_new();
    struct msg_submit_job second = member(2);
    struct id parent = story_id(1);
    second.after = (struct msg_ids){.items = &parent, .count = 1};
    second.on_dependency_failure = ON_FAILURE_CANCEL;
    story_submit(story, member(1));
    (void)story_told(story);
    story_submit(story, second);
    EXPECT(strstr(story_told(story), "dependency") == NULL);
    struct msg_submit_job third = story_job(3);
    parent = story->store.jobs[1].id;
    EXPECT_EQ(story->store.jobs[1].relations, RELATION_PARENTS);
    third.after = second.after;
    third.on_dependency_failure = ON_FAILURE_RUN;
    story_submit(story, third); // for the delivery
    EXPECT(strstr(story_told(story), "dependency") != NULL);
    story_free(story);
}

TEST(deliver, a_batch_that_is_told_needs_two_places)
{
    struct limits limits = story_limits();
    limits.job_count_max = 1;
    struct story *story = story_new_with(&limits);
    story_submit(story, member(1));
    EXPECT(strstr(story_told(story), "job_count_max") != NULL);
    (void)delivery(story, 0);
    story_free(story);
}

TEST(deliver, it_counts_in_no_quota_of_open_jobs)
{
    struct limits limits = story_limits();
    limits.tenant_open_max = 1;
    struct story *story = story_new_with(&limits);
    story_worker(story, 11, "mail", 1);
    story_submit(story, told(1, ENDS));
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    (void)delivery(story, 1);
    (void)story_told(story);
    story_submit(story, story_job(2));
    EXPECT(strstr(story_told(story), "quota") == NULL);
    story_restart(story);
    story_submit(story, story_job(3));
    EXPECT(strstr(story_told(story), "quota") != NULL);
    EXPECT_EQ(story_figures(story).refused, 1);
    story_free(story);
}

TEST(deliver, only_a_notifier_gets_them_of_every_tenant)
{
    struct story *story = story_new();
    story->tenant = slice_of_text("acme");
    story_worker(story, 21, HOOK_TYPE, 4); // of the tenant itself: nothing
    story_worker(story, 11, "mail", 1);
    story_submit(story, told(1, ENDS));
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    EXPECT_EQ(delivery(story, 1)->state, JOB_QUEUED);
    notifier(story, 31);
    const struct job_row *row = delivery(story, 1);
    EXPECT_EQ(row->state, JOB_RUNNING);
    struct msg_held held = {.job_id = row->id, .token = row->token};
    story_finish(story, 11, held, OUTCOME_SUCCEEDED); // not its worker's to say
    EXPECT_EQ(delivery(story, 1)->state, JOB_RUNNING);
    story_restart(story);
    story_say(story, 31,
              &(struct msg){.kind = MSG_HELLO,
                            .hello = {.role = ROLE_NOTIFIER,
                                      .worker_id = story_worker_id(31),
                                      .session = 1,
                                      .running = {&held, 1}}});
    story_finish(story, 31, held, OUTCOME_SUCCEEDED);
    EXPECT_EQ(delivery(story, 1)->state, JOB_SUCCEEDED);
    story_free(story);
}

// After a start its notifier has not come back yet, and is one all the same.
TEST(deliver, its_lease_is_known_to_nobody_else_after_a_start_either)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, told(1, ENDS));
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    notifier(story, 31);
    const struct job_row *row = delivery(story, 1);
    struct msg_held held = {.job_id = row->id, .token = row->token};
    for (int starts = 0; starts < 2; starts++) {
        story_worker(story, 12, "mail", 1);
        (void)story_told(story);
        story_finish(story, 12, held, OUTCOME_SUCCEEDED);
        EXPECT(strstr(story_told(story), "not-found") != NULL);
        story_restart(story);
    }
    story_free(story);
}

TEST(deliver, the_job_is_kept_until_its_delivery_has_ended)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, told(1, ENDS));
    story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
    const struct msg remove = {.kind = MSG_ACT, .act = {.kind = ACT_DELETE, .job_id = story_id(1)}};
    story_say(story, STORY_CLIENT, &remove);
    EXPECT_EQ(story->store.jobs[0].state, JOB_SUCCEEDED);
    notifier(story, 31);
    struct job_row row = *delivery(story, 1);
    story_finish(story, 31, (struct msg_held){.job_id = row.id, .token = row.token},
                 OUTCOME_SUCCEEDED);
    story_say(story, STORY_CLIENT, &remove);
    EXPECT_EQ(story->store.jobs[0].state, JOB_REMOVED);
    story_free(story);
}

// "endpoint:" and as much of the id as a tag holds, behind a head of two bytes.
TEST(deliver, the_tag_names_the_endpoint)
{
    static char id[MSG_NAME_LEN_MAX + 1];
    for (size_t len = 1; len <= MSG_NAME_LEN_MAX; len++) {
        struct story *story = story_new();
        memset(id, 'e', len);
        id[len] = 0;
        struct msg_webhook_set set = {.act = WEBHOOK_SET,
                                      .given = {.webhook_id = slice_of(id, len),
                                                .url = slice_of_text("https://a.test/"),
                                                .events = ENDS},
                                      .secret = slice_of_text("sealed")};
        story_say(story, STORY_CLIENT, &(struct msg){.kind = MSG_WEBHOOK_SET, .webhook_set = set});
        story_submit(story, story_job(1));
        story_worker(story, 11, "mail", 1);
        story_finish(story, 11, story_held(1, story_token(1, 1)), OUTCOME_SUCCEEDED);
        const struct job_row *row = delivery(story, 1);
        EXPECT_EQ(story->store.bodies[row->no].labels.len, 2 + (len < 55 ? 9 + len : 64));
        EXPECT((row->relations & RELATION_LABELS) != 0);
        story_free(story);
    }
}
