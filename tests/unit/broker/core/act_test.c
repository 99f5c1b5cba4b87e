// Station act: cancelling waiting and running jobs.

#include "tests/support/story.h"

// A story with one worker that has one slot, and job 7 granted to it with token 1.1 at moment 5.
static struct story *granted(void)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_at(story, 5);
    story_submit(story, story_job(7));
    (void)story_told(story);
    return story;
}

static struct msg_held held(void)
{
    return story_held(7, story_token(1, 1));
}

TEST(act, a_waiting_job_is_cancelled_at_once)
{
    struct story *story = story_new();
    struct msg_submit_job later = story_job(8);
    later.delay_ms = 100;
    story_submit_two(story, story_job(7), later);
    (void)story_told(story);
    story_act(story, ACT_CANCEL, 7);
    story_act(story, ACT_CANCEL, 8);
    story_worker(story, 11, "mail", 2);
    story_at(story, 200);
    story_tick(story);
    EXPECT_STORY(story, "[0] write 7 cancelled v2\n"
                        "[0] send client: acted cancelled v2\n"
                        "[0] write 8 cancelled v2\n"
                        "[0] send client: acted cancelled v2\n");
    EXPECT_EQ(story->store.jobs[0].ended_at, STORY_EPOCH);
    EXPECT_EQ(story->store.jobs[0].remove_at, STORY_EPOCH + 1000);
    core_audit(story->core);
    story_free(story);
}

TEST(act, a_job_that_waits_for_its_next_attempt_is_cancelled)
{
    struct story *story = granted();
    story_finish(story, 11, held(), OUTCOME_FAILED);
    (void)story_told(story);
    story_act(story, ACT_CANCEL, 7);
    story_at(story, 5000);
    story_tick(story);
    EXPECT_STORY(story, "[5] write 7 cancelled v4 e1 c0 i0\n"
                        "[5] send client: acted cancelled v4\n");
    story_free(story);
}

TEST(act, what_is_done_is_answered_as_done)
{
    struct story *story = story_new();
    story_submit(story, story_job(7));
    story->lag = 1;
    story_act(story, ACT_CANCEL, 7);
    (void)story_told(story);
    story_act(story, ACT_CANCEL, 7); // in memory still
    story_settle(story);
    (void)story_told(story);
    story_act(story, ACT_CANCEL, 7); // stored
    story_settle(story);
    EXPECT_STORY(story, "[0] send client: acted cancelled v2\n");
    story_free(story);
}

TEST(act, an_ended_removed_or_unknown_job_is_not_cancelled)
{
    struct story *story = granted();
    story_finish(story, 11, held(), OUTCOME_SUCCEEDED);
    (void)story_told(story);
    story_act(story, ACT_CANCEL, 7);
    story_act(story, ACT_CANCEL, 9);
    story_at(story, 2000);
    story_remove(story, 1);
    story_act(story, ACT_CANCEL, 7);
    EXPECT_STORY(story, "[5] send client: acted conflict (the job has ended)\n"
                        "[5] send client: acted not-found (not there, or no longer known; check "
                        "the id)\n"
                        "[2000] drop body of 7\n"
                        "[2000] write 7 removed v4\n"
                        "[2000] send client: acted gone (the job has been removed, by "
                        "retention or on request)\n");
    story_free(story);
}

TEST(act, a_running_job_is_asked_for_and_acknowledged)
{
    struct story *story = granted();
    struct msg_held lease = held();
    story_act(story, ACT_CANCEL, 7);
    story_act(story, ACT_CANCEL, 7);
    story_renew(story, 11, &lease);
    story_at(story, 9);
    story_finish(story, 11, held(), OUTCOME_CANCELLED);
    story_finish(story, 11, held(), OUTCOME_CANCELLED);
    EXPECT_STORY(story, "[5] write 7 running v3\n"
                        "[5] send worker 1: renewed cancel 7@1.1\n"
                        "[5] send client: acted running v3 requested\n"
                        "[5] send client: acted running v3 requested\n"
                        "[5] send worker 1: renewed cancel 7@1.1\n"
                        "[9] write 7 cancelled v4\n"
                        "[9] send worker 1: finished 7 ok\n"
                        "[9] send worker 1: finished 7 ok\n");
    EXPECT_EQ(story->store.jobs[0].cancel, CANCEL_ACKNOWLEDGED);
    story_free(story);
}

TEST(act, any_end_but_success_acknowledges_and_burns_nothing)
{
    static const enum outcome outcomes[] = {OUTCOME_FAILED, OUTCOME_DEAD, OUTCOME_CRASHED,
                                            OUTCOME_INTERRUPTED, OUTCOME_SNOOZED};
    for (unsigned i = 0; i < sizeof outcomes / sizeof *outcomes; i++) {
        struct story *story = granted();
        story_act(story, ACT_CANCEL, 7);
        (void)story_told(story);
        story_finish(story, 11, held(), outcomes[i]);
        EXPECT_STORY(story, "[5] write 7 cancelled v4\n"
                            "[5] send worker 1: finished 7 ok\n");
        story_free(story);
    }
}

TEST(act, a_success_after_the_request_is_a_success)
{
    struct story *story = granted();
    story_act(story, ACT_CANCEL, 7);
    (void)story_told(story);
    story_finish(story, 11, held(), OUTCOME_SUCCEEDED);
    story_act(story, ACT_CANCEL, 7);
    EXPECT_STORY(story, "[5] write 7 succeeded v4\n"
                        "[5] send worker 1: finished 7 ok\n"
                        "[5] send client: acted conflict (the job has ended)\n");
    story_free(story);
}

TEST(act, the_leases_end_forces_it_however_often_it_was_renewed)
{
    struct story *story = granted();
    struct msg_held lease = held();
    story_at(story, 10);
    story_act(story, ACT_CANCEL, 7);
    for (when_ms at = 20; at <= 39; at++) {
        story_at(story, at);
        story_renew(story, 11, &lease);
        story_tick(story);
    }
    (void)story_told(story);
    story_at(story, 40); // the request plus one lease
    story_tick(story);
    story_finish(story, 11, held(), OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[40] write 7 cancelled v4\n"
                        "[40] send worker 1: finished 7 stale-lease\n");
    EXPECT_EQ(story->store.jobs[0].cancel, CANCEL_FORCED);
    story_free(story);
}

TEST(act, a_request_survives_the_broker)
{
    struct story *story = granted();
    struct msg_held lease = held();
    story_act(story, ACT_CANCEL, 7);
    story_restart(story);
    story_hello(story, 21, 1, &lease);
    (void)story_told(story);
    story_renew(story, 21, &lease);
    EXPECT_STORY(story, "[5] send worker 1 (2): renewed cancel 7@1.1\n");
    story_at(story, 35);
    story_tick(story);
    EXPECT_STORY(story, "[35] write 7 cancelled v4\n");
    story_free(story);
}

TEST(act, a_worker_that_dies_ends_its_cancelled_jobs)
{
    struct story *story = granted();
    story_act(story, ACT_CANCEL, 7);
    (void)story_told(story);
    story_hello(story, 21, 2, NULL);
    EXPECT_STORY(story, "[5] write 7 cancelled v4\n"
                        "[5] send worker 1 (2): welcome epoch 1\n");
    EXPECT_EQ(story->store.jobs[0].cancel, CANCEL_FORCED);
    story_free(story);
}

TEST(act, a_handler_that_gives_up_unasked_has_failed)
{
    struct story *story = granted();
    story_finish(story, 11, held(), OUTCOME_CANCELLED);
    EXPECT_EQ(story->store.jobs[0].state, JOB_RETRYING);
    EXPECT_EQ(story->store.jobs[0].errors, 1);
    story_free(story);
}

TEST(act, an_unknown_act_is_refused)
{
    struct story *story = story_new();
    story_act(story, ACT_NONE, 7);
    EXPECT_STORY(story, "[0] send client: acted unsupported (this act is not known here)\n");
    story_free(story);
}

// --- retry and delete ---

static struct msg_act act_on(enum act_kind kind, uint32_t number, uint8_t act)
{
    return (struct msg_act){
        .kind = kind, .job_id = story_id(number), .act_id = {{act, 0, 0, 0, 0, 0, 0, 0, act}}};
}

static void say(struct story *story, struct msg_act act)
{
    story_say(story, STORY_CLIENT, &(struct msg){.kind = MSG_ACT, .corr = 1, .act = act});
}

// Job 7, dead after its only attempt, with token 1.1.
static struct story *dead(void)
{
    struct msg_submit_job job = story_job(7);
    job.max_attempts = 1;
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_at(story, 5);
    story_submit(story, job);
    story_finish(story, 11, held(), OUTCOME_FAILED);
    (void)story_told(story);
    return story;
}

TEST(act, a_dead_job_lives_again_with_all_its_attempts)
{
    struct story *story = dead();
    story_at(story, 100);
    say(story, act_on(ACT_RETRY, 7, 1));
    EXPECT_STORY(story, "[100] write 7 running v5\n"
                        "[100] send client: acted queued v4\n"
                        "[100] job 7 to worker 1 token 1.2 attempt 1\n");
    EXPECT_EQ(story->store.jobs[0].errors, 0);
    EXPECT_EQ(story->store.jobs[0].ended_at, 0);
    story_finish(story, 11, story_held(7, story_token(1, 2)), OUTCOME_SUCCEEDED);
    EXPECT_EQ(story->store.jobs[0].state, JOB_SUCCEEDED);
    story_free(story);
}

TEST(act, the_same_retry_is_applied_once)
{
    struct story *story = dead();
    say(story, act_on(ACT_RETRY, 7, 1));
    say(story, act_on(ACT_RETRY, 7, 1)); // it runs
    story_finish(story, 11, story_held(7, story_token(1, 2)), OUTCOME_FAILED);
    (void)story_told(story);
    say(story, act_on(ACT_RETRY, 7, 1)); // it has died again, and is stored
    EXPECT_STORY(story, "[5] send client: acted dead v6\n");
    story_restart(story);
    (void)story_told(story);
    say(story, act_on(ACT_RETRY, 7, 1));
    EXPECT_STORY(story, "[5] send client: acted dead v6\n");
    say(story, act_on(ACT_RETRY, 7, 2));
    EXPECT_STORY(story, "[5] write 7 queued v7\n"
                        "[5] send client: acted queued v7\n");
    story_free(story);
}

TEST(act, a_retried_job_survives_the_broker)
{
    struct story *story = dead();
    story_gone(story, 11);
    say(story, act_on(ACT_RETRY, 7, 1));
    story_restart(story);
    (void)story_told(story);
    story_worker(story, 21, "mail", 1);
    EXPECT_EQ(story->store.jobs[0].state, JOB_RUNNING);
    EXPECT_EQ(story->store.jobs[0].token, story_token(2, 1));
    story_free(story);
}

TEST(act, only_the_dead_are_retried)
{
    struct story *story = granted();
    say(story, act_on(ACT_RETRY, 7, 1));
    story_finish(story, 11, held(), OUTCOME_SUCCEEDED);
    (void)story_told(story);
    say(story, act_on(ACT_RETRY, 7, 1));
    say(story, act_on(ACT_RETRY, 9, 1));
    EXPECT_STORY(story,
                 "[5] send client: acted conflict (only a dead job is made to live again)\n"
                 "[5] send client: acted not-found (not there, or no longer known; check the "
                 "id)\n");
    story_free(story);
}

TEST(act, a_death_that_is_not_settled_is_none_yet)
{
    struct story *story = granted();
    story->lag = 2;
    story_finish(story, 11, held(), OUTCOME_DEAD);
    say(story, act_on(ACT_RETRY, 7, 1));
    say(story, act_on(ACT_DELETE, 7, 2));
    story_settle(story);
    EXPECT_STORY(story,
                 "[5] write 7 dead v3 e1 c0 i0\n"
                 "[5] send worker 1: finished 7 ok\n"
                 "[5] send client: acted conflict (its end is being stored; say it again)\n"
                 "[5] send client: acted conflict (its end is being stored; say it again)\n");
    story_free(story);
}

TEST(act, a_full_broker_retries_later)
{
    struct story *story = dead();
    for (uint32_t i = 0; i < story->limits.job_count_max; i++)
        story_submit(story, story_job(20 + i));
    (void)story_told(story);
    say(story, act_on(ACT_RETRY, 7, 1));
    EXPECT_STORY(story, "[5] send client: acted full (job_count_max: too many unfinished jobs)\n");
    EXPECT_EQ(story->store.jobs[0].state, JOB_DEAD);
    story_free(story);
}

TEST(act, a_second_life_keeps_what_was_said_of_the_id)
{
    struct msg_submit_job job = story_job(7);
    job.job_id = id_v8(0, (uint8_t[16]){7});
    job.max_attempts = 1;
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, job);
    const struct msg_held held = {.job_id = job.job_id, .token = story_token(1, 1)};
    story_finish(story, 11, held, OUTCOME_FAILED);
    when_ms until = story->store.jobs[0].dedup_until;
    struct limits longer = story->limits;
    longer.dedup_window_s = 100 * longer.dedup_window_s;
    EXPECT_EQ(story_reload(story, &longer), OK);
    struct msg_act act = act_on(ACT_RETRY, 7, 1);
    act.job_id = job.job_id;
    say(story, act);
    EXPECT_EQ(story->store.jobs[0].state, JOB_QUEUED);
    EXPECT_EQ(story->store.jobs[0].dedup_until, until);
    story_free(story);
}

TEST(act, an_id_whose_low_half_is_zero_is_an_act_too)
{
    struct story *story = dead();
    const struct msg_act act = {
        .kind = ACT_RETRY, .job_id = story_id(7), .act_id = {{1, 2, 3, 4, 5, 6, 7, 8}}};
    say(story, act);
    EXPECT_EQ(story->store.jobs[0].state, JOB_RUNNING);
    (void)story_told(story);
    story_finish(story, 11, story_held(7, story_token(1, 2)), OUTCOME_FAILED);
    (void)story_told(story);
    say(story, act);
    EXPECT_STORY(story, "[5] send client: acted dead v6\n");
    story_free(story);
}

TEST(act, an_ended_job_is_removed_at_once)
{
    struct story *story = dead();
    say(story, act_on(ACT_DELETE, 7, 1));
    say(story, act_on(ACT_DELETE, 7, 1));
    say(story, act_on(ACT_DELETE, 9, 1));
    EXPECT_STORY(story, "[5] drop body of 7\n"
                        "[5] write 7 removed v4 e1 c0 i0\n"
                        "[5] send client: acted removed v4\n"
                        "[5] send client: acted removed v4\n"
                        "[5] send client: acted not-found (not there, or no longer known; check "
                        "the id)\n");
    say(story, act_on(ACT_RETRY, 7, 2));
    story_submit(story, story_job(7)); // the id is taken still
    EXPECT_STORY(story, "[5] send client: acted gone (the job has been removed, by retention or on "
                        "request)\n"
                        "[5] send client: submitted 7 replayed removed\n");
    story_free(story);
}

TEST(act, what_has_not_ended_is_not_removed)
{
    struct story *story = granted();
    say(story, act_on(ACT_DELETE, 7, 1));
    EXPECT_STORY(story,
                 "[5] send client: acted conflict (the job has not ended; cancel it first)\n");
    story_free(story);
}
