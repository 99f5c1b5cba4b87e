// Who is told: filters at acceptance, events and the switch at the end, room for all of it between.

#include "tests/support/story.h"

static void set(struct story *story, const char *id, uint32_t events, const char *types)
{
    const struct msg msg = {.kind = MSG_WEBHOOK_SET,
                            .webhook_set = {.act = WEBHOOK_SET,
                                            .given = {.webhook_id = slice_of_text(id),
                                                      .url = slice_of_text("https://a.test/"),
                                                      .events = events,
                                                      .types = slice_of_text(types)},
                                            .secret = slice_of_text("sealed")}};
    story_say(story, STORY_CLIENT, &msg);
}

static void act(struct story *story, enum webhook_act kind, const char *id)
{
    story_say(
        story, STORY_CLIENT,
        &(struct msg){.kind = MSG_WEBHOOK_SET,
                      .webhook_set = {.act = kind, .given = {.webhook_id = slice_of_text(id)}}});
}

static void end(struct story *story, uint32_t number, enum outcome outcome)
{
    struct id id = story_id(number);
    for (uint32_t i = 0; i < story->store.job_count; i++)
        if (id_equal(&story->store.jobs[i].id, &id)) {
            story_finish(story, 11, story_held(number, story->store.jobs[i].token), outcome);
            return;
        }
    EXPECT(false);
}

static uint64_t deliveries(const struct story *story)
{
    return story_figures(story).deliveries;
}

TEST(ledger_endpoint, filters_hold_from_acceptance_and_events_at_the_end)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 4);
    story_submit(story, story_job(1)); // before anybody wants it
    set(story, "all", 1u << JOB_DEAD | 1u << JOB_SUCCEEDED, "");
    set(story, "dead", 1u << JOB_DEAD, "mail,other");
    set(story, "other", 1u << JOB_DEAD, "other");
    story_submit_two(story, story_job(2), story_job(3));
    end(story, 1, OUTCOME_DEAD);
    EXPECT_EQ(deliveries(story), 0);
    end(story, 2, OUTCOME_DEAD);
    EXPECT_EQ(deliveries(story), 2);
    end(story, 3, OUTCOME_SUCCEEDED);
    EXPECT_EQ(deliveries(story), 3);
    story_free(story);
}

TEST(ledger_endpoint, who_is_off_gone_or_another_by_then_is_not_told)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 4);
    set(story, "off", 1u << JOB_DEAD, "");
    set(story, "gone", 1u << JOB_DEAD, "");
    story_submit(story, story_job(1));
    act(story, WEBHOOK_DISABLE, "off");
    act(story, WEBHOOK_DELETE, "gone");
    set(story, "new", 1u << JOB_DEAD, ""); // at the place of the one that is gone
    story_restart(story);
    story_worker(story, 11, "mail", 4);
    end(story, 1, OUTCOME_DEAD);
    EXPECT_EQ(deliveries(story), 0);
    story_submit(story, story_job(2));
    end(story, 2, OUTCOME_DEAD);
    EXPECT_EQ(deliveries(story), 1);
    story_free(story);
}

TEST(ledger_endpoint, a_job_that_names_one_is_told_there_once)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 4);
    set(story, "ops", 1u << JOB_DEAD | 1u << JOB_SUCCEEDED, "");
    struct msg_submit_job job = story_job(1);
    job.webhook_events = 1u << JOB_DEAD;
    job.webhook_endpoint = slice_of_text("ops");
    story_submit(story, job);
    end(story, 1, OUTCOME_DEAD);
    EXPECT_EQ(deliveries(story), 1);
    job.job_id = story_id(2);
    job.webhook_has_url = true; // goes elsewhere, and is signed by it
    story_submit(story, job);
    end(story, 2, OUTCOME_DEAD);
    EXPECT_EQ(deliveries(story), 3);
    job.job_id = story_id(3);
    job.webhook_endpoint = slice_of_text("nobody");
    (void)story_told(story);
    story_submit(story, job);
    EXPECT(strstr(story_told(story), "webhook") != NULL);
    story_free(story);
}

TEST(ledger_endpoint, a_delivery_is_told_to_nobody)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 4);
    set(story, "all", 1u << JOB_SUCCEEDED | 1u << JOB_CANCELLED, "");
    story_submit(story, story_job(1));
    end(story, 1, OUTCOME_SUCCEEDED);
    EXPECT_EQ(deliveries(story), 1);
    const struct job_row *delivery = &story->store.jobs[1];
    story_say(story, STORY_CLIENT,
              &(struct msg){.kind = MSG_ACT, .act = {.kind = ACT_CANCEL, .job_id = delivery->id}});
    EXPECT_EQ(delivery->state, JOB_CANCELLED);
    EXPECT_EQ(deliveries(story), 1);
    story_free(story);
}

TEST(ledger_endpoint, places_are_kept_over_restarts_and_given_back)
{
    struct limits limits = story_limits();
    limits.job_count_max = 4;
    struct story *story = story_new_with(&limits);
    story_worker(story, 11, "mail", 1);
    set(story, "a", 1u << JOB_DEAD, "");
    set(story, "b", 1u << JOB_DEAD, "");
    story_submit(story, story_job(1)); // three places
    story_restart(story);
    (void)story_told(story);
    story_submit(story, story_job(2));
    EXPECT(strstr(story_told(story), "job_count_max") != NULL);
    act(story, WEBHOOK_DELETE, "a");
    act(story, WEBHOOK_DELETE, "b");
    story_submit(story, story_job(2));
    EXPECT(strstr(story_told(story), "job_count_max") == NULL);
    story_worker(story, 11, "mail", 1);
    end(story, 1, OUTCOME_SUCCEEDED);
    EXPECT_EQ(deliveries(story), 0);
    for (uint32_t number = 3; number < 6; number++)
        story_submit(story, story_job(number));
    EXPECT_EQ(story->store.job_count, 5);
    story_free(story);
}

TEST(ledger_endpoint, many_that_end_at_once_are_told_over_several_batches)
{
    struct limits limits = story_limits();
    limits.job_count_max = 64;
    limits.dependency_count_max = 64;
    struct story *story = story_new_with(&limits);
    set(story, "a", 1u << JOB_EXPIRED, "");
    set(story, "b", 1u << JOB_EXPIRED, "");
    for (uint32_t number = 1; number <= 16; number++) {
        struct msg_submit_job job = story_job(number);
        job.ttl_ms = 20;
        story_submit(story, job);
    }
    story_at(story, 20);
    for (uint32_t tick = 0; tick < 16; tick++)
        story_tick(story);
    EXPECT_EQ(deliveries(story), 32);
    story_free(story);
}

// --- batches ---

enum { ENDS = 1u << JOB_SUCCEEDED | 1u << JOB_DEAD | 1u << JOB_CANCELLED | 1u << JOB_EXPIRED };

static struct msg_submit_job member(uint32_t number, uint32_t batch)
{
    struct msg_submit_job job = story_job(number);
    job.batch_id = story_id(batch);
    return job;
}

// Of this state.
static uint32_t waiting(const struct story *story, enum job_state state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < story->store.job_count; i++)
        count += (story->store.jobs[i].relations & RELATION_PARENTS) != 0 &&
                 story->store.jobs[i].state == state;
    return count;
}

TEST(ledger_endpoint, a_batch_is_told_to_those_that_want_batches_with_such_a_first_job)
{
    struct story *story = story_new();
    set(story, "all", WEBHOOK_BATCH_FINISHED, "");
    set(story, "mail", WEBHOOK_BATCH_FINISHED | 1u << JOB_DEAD, "mail");
    set(story, "other", WEBHOOK_BATCH_FINISHED, "other");
    set(story, "ends", 1u << JOB_EXPIRED, "");
    story_submit(story, member(1, 90));
    EXPECT_EQ(deliveries(story), 2);
    act(story, WEBHOOK_DELETE, "ends");
    set(story, "late", WEBHOOK_BATCH_FINISHED, ""); // the batch is there already
    story_submit(story, member(2, 90));
    EXPECT_EQ(deliveries(story), 2);
    EXPECT_EQ(waiting(story, JOB_SCHEDULED), 2);
    story_restart(story);
    story_worker(story, 11, "mail", 4);
    end(story, 1, OUTCOME_SUCCEEDED);
    end(story, 2, OUTCOME_SUCCEEDED);
    EXPECT_EQ(waiting(story, JOB_SCHEDULED), 2);
    story_say(story, STORY_CLIENT,
              &(struct msg){.kind = MSG_BATCH_SEAL, .batch_seal = {.batch_id = story_id(90)}});
    for (uint32_t tick = 0; tick < 4; tick++)
        story_tick(story);
    EXPECT_EQ(waiting(story, JOB_QUEUED), 2);
    EXPECT_EQ(deliveries(story), 0); // none since the restart
    story_free(story);
}

TEST(ledger_endpoint, a_batch_that_names_one_is_told_there_once)
{
    struct story *story = story_new();
    set(story, "ops", WEBHOOK_BATCH_FINISHED, "");
    struct msg_submit_job job = member(1, 90);
    job.batch_webhook = slice_of_text("kept as it is");
    job.batch_webhook_endpoint = slice_of_text("ops");
    story_submit(story, job);
    EXPECT_EQ(deliveries(story), 1);
    job = member(2, 91);
    job.batch_webhook = slice_of_text("kept as it is");
    job.batch_webhook_endpoint = slice_of_text("ops");
    job.batch_webhook_has_url = true; // goes elsewhere, and is signed by it
    story_submit(story, job);
    EXPECT_EQ(deliveries(story), 3);
    story_free(story);
}

TEST(ledger_endpoint, who_wants_batches_alone_keeps_no_place_for_ends)
{
    struct limits limits = story_limits();
    limits.job_count_max = 1;
    struct story *story = story_new_with(&limits);
    set(story, "all", WEBHOOK_BATCH_FINISHED, "");
    story_submit(story, story_job(1));
    EXPECT(strstr(story_told(story), "job_count_max") == NULL);
    story_worker(story, 11, "mail", 4);
    end(story, 1, OUTCOME_SUCCEEDED);
    EXPECT_EQ(deliveries(story), 0);
    story_free(story);
}

// Two of one batch, and what tells two endpoints and a url of it.
TEST(ledger_endpoint, a_batch_has_room_for_all_that_hear_of_it_or_is_refused)
{
    struct limits limits = story_limits();
    for (uint32_t short_of = 0; short_of < 3; short_of++) {
        limits.job_count_max = 5 - (short_of == 1);
        limits.dependency_count_max = 3 - (short_of == 2);
        struct story *story = story_new_with(&limits);
        set(story, "a", WEBHOOK_BATCH_FINISHED, "");
        set(story, "b", WEBHOOK_BATCH_FINISHED, "");
        struct msg_submit_job jobs[] = {member(1, 90), member(2, 90)};
        jobs[0].batch_webhook = jobs[1].batch_webhook = slice_of_text("kept as it is");
        const struct msg msg = {.kind = MSG_SUBMIT,
                                .submit = {.jobs = jobs, .count = 2, .is_atomic = true}};
        (void)story_told(story);
        story_say(story, STORY_CLIENT, &msg);
        bool is_refused = strstr(story_told(story), "_count_max") != NULL;
        EXPECT_EQ(is_refused, short_of != 0);
        EXPECT_EQ(deliveries(story), short_of == 0 ? 3 : 0);
        if (short_of != 0) { // nor alone
            story_submit(story, jobs[0]);
            EXPECT_EQ(deliveries(story), short_of == 2 ? 0 : 3);
        }
        story_free(story);
    }
}

TEST(ledger_endpoint, as_many_batches_as_a_message_makes_are_counted)
{
    struct limits limits = story_limits();
    limits.batch_count_max = limits.job_count_max = limits.dependency_count_max = 64;
    struct story *story = story_new_with(&limits);
    set(story, "a", WEBHOOK_BATCH_FINISHED | ENDS, "");
    set(story, "b", WEBHOOK_BATCH_FINISHED, "");
    set(story, "c", 1u << JOB_DEAD, "");
    struct msg_submit_job jobs[5];
    for (uint32_t i = 0; i < 5; i++)
        jobs[i] = member(1 + i, 90 + i / 2);
    jobs[4].batch_id = (struct id){0};
    jobs[2].batch_webhook = slice_of_text("kept as it is");
    const struct msg msg = {.kind = MSG_SUBMIT, .submit = {.jobs = jobs, .count = 5}};
    const struct command command = {.kind = COMMAND_MESSAGE, .peer = STORY_CLIENT, .msg = &msg};
    EXPECT_EQ(core_weight(story->core, &command), 5 + 2 + 3);
    story_say(story, STORY_CLIENT, &msg);
    EXPECT_EQ(deliveries(story), 2 + 3);
    story_free(story);
}
