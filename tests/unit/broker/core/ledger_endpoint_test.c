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
