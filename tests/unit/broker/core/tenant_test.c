// What one tenant has is as unknown to another as what never was.

#include "tests/support/story.h"

static const struct slice acme = {(const uint8_t *)"acme", 4};
static const struct slice other = {(const uint8_t *)"other", 5};

// Job 7 is acme's.
static struct story *told(const char *type)
{
    struct story *story = story_new();
    struct msg_submit_job job = story_job(7);
    job.type = slice_of_text(type);
    story->tenant = acme;
    story_submit(story, job);
    (void)story_told(story);
    return story;
}

TEST(tenant, anothers_job_cannot_be_acted_on)
{
    struct story *story = told("mail");
    story->tenant = other;
    story_act(story, ACT_CANCEL, 7);
    story_act(story, ACT_RETRY, 7);
    story_act(story, ACT_DELETE, 7);
    story_act(story, ACT_CANCEL, 8);
    EXPECT_STORY(
        story, "[0] send client: acted not-found (not there, or no longer known; check the id)\n"
               "[0] send client: acted not-found (not there, or no longer known; check the id)\n"
               "[0] send client: acted not-found (not there, or no longer known; check the id)\n"
               "[0] send client: acted not-found (not there, or no longer known; check the id)\n");
    story->tenant = acme;
    story_act(story, ACT_CANCEL, 7);
    EXPECT(strstr(story_told(story), "write 7 cancelled") != NULL);
    story->tenant = other;
    story_act(story, ACT_DELETE, 7); // it has left memory
    EXPECT_STORY(
        story, "[0] send client: acted not-found (not there, or no longer known; check the id)\n");
    story_free(story);
}

TEST(tenant, anothers_id_is_reused_and_tells_nothing_of_its_job)
{
    struct story *story = told("mail");
    story->tenant = other;
    story_submit(story, story_job(7)); // the same in all but the tenant
    EXPECT_STORY(story, "[0] send client: submitted 7 key-reused\n");
    story->tenant = acme;
    story_submit(story, story_job(7));
    EXPECT_STORY(story, "[0] send client: submitted 7 replayed queued\n");
    story_free(story);
}

TEST(tenant, anothers_jobs_and_batches_are_not_waited_for)
{
    struct story *story = story_new();
    struct msg_submit_job job = story_job(7);
    job.batch_id = story_id(90);
    story->tenant = acme;
    story_submit(story, job);
    story->tenant = other;
    struct id parents[] = {story_id(7), story_id(90)};
    for (uint32_t i = 0; i < 2; i++) {
        struct msg_submit_job child = story_job(8);
        child.after = (struct msg_ids){.items = &parents[i], .count = 1};
        child.on_dependency_failure = ON_FAILURE_RUN;
        (void)story_told(story);
        story_submit(story, child);
        EXPECT(strstr(story_told(story), "submitted 8 dependency") != NULL);
    }
    story_free(story);
}

TEST(tenant, two_have_batches_with_one_id)
{
    struct story *story = story_new();
    struct msg_submit_job job = story_job(7);
    job.batch_id = story_id(90);
    story->tenant = acme;
    story_submit(story, job);
    EXPECT(slice_is_text(story->store.batches[0].tenant, "acme"));
    story->tenant = other;
    story_seal(story, 90); // not known to it
    EXPECT_EQ(story->store.batches[0].sealed_at, 0);
    (void)story_told(story);
    job.job_id = story_id(8);
    story_submit(story, job);
    EXPECT(strstr(story_told(story), "submitted 8 queued") != NULL);
    EXPECT(slice_is_text(story->store.batches[1].tenant, "other"));
    story_restart(story);
    story_seal(story, 90);
    EXPECT(story->store.batches[0].sealed_at == 0 && story->store.batches[1].sealed_at != 0);
    EXPECT_EQ(story->store.batches[0].counts[JOB_QUEUED], 1);
    EXPECT_EQ(story->store.batches[1].counts[JOB_QUEUED], 1);
    story->tenant = acme;
    story_seal(story, 90);
    EXPECT(story->store.batches[0].sealed_at != 0);
    story_free(story);
}

// Job 17 of acme waits for its batch, job 18 of the other tenant for its own of the same id.
TEST(tenant, the_end_of_a_batch_is_told_to_its_own_tenants_jobs)
{
    struct story *story = story_new();
    struct id batch = story_id(90);
    for (uint32_t i = 0; i < 2; i++) {
        story->tenant = i == 0 ? acme : other;
        struct msg_submit_job job = story_job(7 + i);
        job.batch_id = batch;
        story_submit(story, job);
        story_seal(story, 90);
        struct msg_submit_job child = story_job(17 + i);
        child.after = (struct msg_ids){.items = &batch, .count = 1};
        child.on_dependency_failure = ON_FAILURE_CANCEL;
        story_submit(story, child);
    }
    story_restart(story);
    (void)story_told(story);
    story->tenant = acme;
    story_act(story, ACT_CANCEL, 7);
    story_tick(story);
    const char *told = story_told(story);
    EXPECT(strstr(told, "write 17 cancelled") != NULL && strstr(told, "write 18") == NULL);
    story_free(story);
}

TEST(tenant, a_batch_of_the_default_one_has_no_name)
{
    struct story *story = story_new();
    struct msg_submit_job job = story_job(7);
    job.batch_id = story_id(90);
    job.tenant = slice_of_text("default");
    story_submit(story, job);
    EXPECT_EQ(story->store.batches[0].tenant.len, 0);
    story_free(story);
}

TEST(tenant, a_worker_gets_its_own_tenants_jobs_only)
{
    struct story *story = told("mail");
    story->tenant = other;
    story_worker(story, 11, "mail", 1);
    EXPECT_EQ(story_figures(story).granted, 0);
    story->tenant = acme;
    story_worker(story, 12, "mail", 1);
    EXPECT_EQ(story_figures(story).granted, 1);
    // Lanes that come later too.
    struct msg_submit_job job = story_job(8);
    job.queue = slice_of_text("new");
    story->tenant = other;
    story_submit(story, job);
    EXPECT_EQ(story_figures(story).granted, 2);
    story_free(story);
}

TEST(tenant, anothers_job_cannot_be_finished)
{
    struct story *story = told("mail");
    story_worker(story, 12, "mail", 1);
    struct msg_held held = story_held(7, story_token(1, 1));
    story->tenant = other;
    story_worker(story, 11, "mail", 1);
    (void)story_told(story);
    story_finish(story, 11, held, OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[0] send worker 1: finished 7 not-found\n");
    story_finish(story, 12, held, OUTCOME_SUCCEEDED);
    EXPECT(strstr(story_told(story), "finished 7 ok") != NULL);
    story_finish(story, 11, held, OUTCOME_SUCCEEDED); // it has left memory
    EXPECT_STORY(story, "[0] send worker 1: finished 7 not-found\n");
    story_free(story);
}

TEST(tenant, a_late_finish_is_its_tenants_only)
{
    struct story *story = told("mail");
    story_worker(story, 12, "mail", 1);
    story->tenant = other;
    story_worker(story, 11, "mail", 1);
    story_at(story, 40);
    story_tick(story); // the lease is over, and nobody else takes the job
    (void)story_told(story);
    story_finish(story, 11, story_held(7, story_token(1, 1)), OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[40] send worker 1: finished 7 not-found\n");
    story_free(story);
}

TEST(tenant, workers_of_two_tenants_may_have_one_id)
{
    struct story *story = told("mail");
    story_worker(story, 12, "mail", 1); // holds 7
    (void)story_told(story);
    story->tenant = other;
    story_hello(story, 22, 5, NULL); // the same id, a new session, and nothing in hand
    EXPECT(strstr(story_told(story), "write 7") == NULL);
    EXPECT_EQ(story_figures(story).worker_count, 2);
    EXPECT_EQ(story_figures(story).lease_count, 1);
    // After a restart the lease waits for the right one.
    story_restart(story);
    (void)story_told(story);
    story_hello(story, 22, 5, NULL);
    EXPECT(strstr(story_told(story), "write 7") == NULL);
    story->tenant = acme;
    story_hello(story, 12, 6, NULL);
    EXPECT(strstr(story_told(story), "write 7") != NULL);
    story_free(story);
}

TEST(tenant, a_worker_is_another_one_under_another_tenant)
{
    struct story *story = told("mail");
    story_worker(story, 12, "mail", 1);
    story->tenant = other;
    story_hello(story, 12, 1, NULL);                 // the same connection, id and session
    EXPECT_EQ(story_figures(story).worker_count, 2); // the first one has a job still
    story_ready(story, 12, "mail", 1);
    story_submit(story, story_job(8));
    EXPECT_EQ(story_figures(story).granted, 2);
    story_free(story);
}

TEST(tenant, anothers_workers_are_not_listed_nor_told_to_stop)
{
    struct story *story = story_new();
    story->tenant = acme;
    story_worker(story, 11, "mail", 1);
    story->tenant = other;
    story_worker(story, 12, "resize", 2);
    (void)story_told(story);
    const struct msg list = {.kind = MSG_WORKER_LIST};
    story_say(story, STORY_CLIENT, &list);
    EXPECT_STORY(story, "[0] send client: workers [ 0/2 resize of ]\n");
    struct msg stop = {.kind = MSG_ACT, .act = {.kind = ACT_STOP, .worker_id = story_worker_id(1)}};
    story_say(story, STORY_CLIENT, &stop);
    EXPECT(strstr(story_told(story), "acted not-found") != NULL);
    story->tenant = acme;
    story_say(story, STORY_CLIENT, &list);
    EXPECT_STORY(story, "[0] send client: workers [ 0/1 mail of ]\n");
    story_free(story);
}

TEST(tenant, an_act_on_many_is_of_one_tenant)
{
    struct story *story = story_new();
    story->tenant = acme;
    story_submit(story, story_job(1));
    story->tenant = other;
    story_submit(story, story_job(2));
    struct msg_filter queued = {.states = 1u << JOB_QUEUED};
    story_operate(story, ACT_CANCEL, 1, queued);
    EXPECT(slice_is_text(story->store.operations[0].tenant, "other"));
    (void)story_told(story);
    // Its id is nobody else's, and a wrong proposal changes nothing.
    story->tenant = acme;
    story_operate(story, ACT_CANCEL, 1, queued);
    EXPECT(strstr(story_told(story), "key-reused") != NULL);
    story_step(story, 1, 2, 0, (const uint32_t[]){2, 1, 0});
    const char *told = story_told(story);
    EXPECT(strstr(told, "write 2 cancelled") != NULL && strstr(told, "write 1") == NULL);
    story_free(story);
}

TEST(tenant, a_schedule_is_told_by_its_id)
{
    struct story *story = story_new();
    story_schedule(story, SCHEDULE_SET, "acme/a", OVERLAP_SKIP, 5);
    EXPECT(strstr(story_told(story), "send client: schedule a ") != NULL);
    EXPECT_EQ(story_figures(story).schedule_count, 1);
    // By its name it is nobody's: intake refuses such an id, and nothing is told of it.
    struct msg_submit_job job = story_job(0);
    struct msg_schedule_set set = {.act = SCHEDULE_DELETE,
                                   .given = {.schedule_id = slice_of_text("acme/a"), .jobs = &job},
                                   .verdict = ERR_BAD_FIELD};
    story_open(story);
    story_say(story, STORY_CLIENT, &(struct msg){.kind = MSG_SCHEDULE_SET, .schedule_set = set});
    const struct msg *answer = &story->fx.sends[story->fx.send_count - 1].msg;
    EXPECT_EQ(answer->schedule_status_is.error, ERR_BAD_FIELD);
    EXPECT_EQ(answer->schedule_status_is.is.generation, 0);
    story_close(story);
    EXPECT_EQ(story_figures(story).schedule_count, 1);
    story_free(story);
}
