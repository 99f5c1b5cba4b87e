// Station act: jobs that are wanted before their time.

#include "tests/support/story.h"

static struct msg_act act_on(uint32_t number, uint8_t act)
{
    return (struct msg_act){.kind = ACT_RUN_NOW,
                            .job_id = story_id(number),
                            .actor = slice_of_text("ops"),
                            .act_id = {{act, 0, 0, 0, 0, 0, 0, 0, act}}};
}

static void say(struct story *story, struct msg_act act)
{
    story_say(story, STORY_CLIENT, &(struct msg){.kind = MSG_ACT, .corr = 1, .act = act});
}

static struct msg_submit_job later(uint32_t number, uint64_t delay_ms)
{
    struct msg_submit_job job = story_job(number);
    job.delay_ms = delay_ms;
    return job;
}

// Job 7 waits for its retry since moment 5; the worker has room.
static struct story *retrying(void)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_at(story, 5);
    story_submit(story, story_job(7));
    story_finish(story, 11, story_held(7, story_token(1, 1)), OUTCOME_FAILED);
    (void)story_told(story);
    EXPECT_EQ(story->store.jobs[0].state, JOB_RETRYING);
    return story;
}

TEST(run_now, a_scheduled_job_is_queued_at_once)
{
    struct story *story = story_new();
    story_submit(story, later(7, 60 * 1000));
    (void)story_told(story);
    story_at(story, 100);
    say(story, act_on(7, 1));
    EXPECT_STORY(story, "[100] write 7 queued v2\n"
                        "[100] send client: acted queued v2\n");
    EXPECT_EQ(story->store.jobs[0].due_at, STORY_EPOCH + 100);
    story_worker(story, 11, "mail", 1);
    EXPECT_EQ(story->store.jobs[0].state, JOB_RUNNING);
    core_audit(story->core);
    // Its old moment wakes nobody.
    story_at(story, 61 * 1000);
    story_tick(story);
    core_audit(story->core);
    story_free(story);
}

TEST(run_now, a_retry_does_not_wait_for_its_pause_and_burns_nothing)
{
    struct story *story = retrying();
    story_at(story, 6);
    say(story, act_on(7, 1));
    EXPECT_STORY(story, "[6] write 7 running v5 e1 c0 i0\n"
                        "[6] send client: acted queued v4\n"
                        "[6] job 7 to worker 1 token 1.2 attempt 2\n");
    story_free(story);
}

TEST(run_now, the_same_act_is_applied_once)
{
    struct story *story = retrying();
    say(story, act_on(7, 1));
    story_finish(story, 11, story_held(7, story_token(1, 2)), OUTCOME_FAILED);
    (void)story_told(story);
    say(story, act_on(7, 1)); // the answer was lost, and its attempt has failed meanwhile
    EXPECT_STORY(story, "[5] send client: acted retrying v6\n");
    story_restart(story);
    (void)story_told(story);
    say(story, act_on(7, 1));
    EXPECT_STORY(story, "[5] send client: acted retrying v6\n");
    say(story, act_on(7, 2));
    EXPECT_STORY(story, "[5] write 7 queued v7 e2 c0 i0\n"
                        "[5] send client: acted queued v7\n");
    story_free(story);
}

TEST(run_now, what_is_queued_or_runs_is_answered_as_done)
{
    struct story *story = story_new();
    story_submit(story, story_job(7));
    (void)story_told(story);
    say(story, act_on(7, 1));
    story_worker(story, 11, "mail", 1);
    (void)story_told(story);
    say(story, act_on(7, 2));
    EXPECT_STORY(story, "[0] send client: acted running v2\n");
    EXPECT_EQ(story->store.jobs[0].version, 2);
    story_free(story);
}

TEST(run_now, what_has_ended_is_refused)
{
    struct story *story = story_new();
    struct msg_submit_job dying = story_job(8);
    dying.max_attempts = 1;
    story_submit_two(story, story_job(7), dying);
    story_worker(story, 11, "mail", 2);
    story_finish(story, 11, story_held(7, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_finish(story, 11, story_held(8, story_token(1, 2)), OUTCOME_FAILED);
    (void)story_told(story);
    say(story, act_on(7, 1));
    say(story, act_on(8, 1));
    say(story, act_on(9, 1));
    EXPECT_STORY(story, "[0] send client: acted conflict (the job has ended)\n"
                        "[0] send client: acted conflict (a dead job is retried, not run now)\n"
                        "[0] send client: acted not-found (not there, or no longer known; check "
                        "the id)\n");
    story_free(story);
}

TEST(run_now, a_job_that_waits_for_another_goes_on_waiting)
{
    struct story *story = story_new();
    struct id parent = story_id(7);
    struct msg_submit_job child = later(8, 60 * 1000);
    child.after = (struct msg_ids){.items = &parent, .count = 1};
    child.on_dependency_failure = ON_FAILURE_CANCEL;
    story_submit(story, story_job(7));
    story_submit(story, child);
    (void)story_told(story);
    say(story, act_on(8, 1));
    EXPECT_STORY(story, "[0] send client: acted conflict (it waits for jobs of its `after`, and no "
                        "act goes before them: let them end, or cancel them)\n");
    core_audit(story->core);
    story_worker(story, 11, "mail", 1);
    story_finish(story, 11, story_held(7, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_tick(story);
    EXPECT_EQ(story->store.jobs[1].state, JOB_SCHEDULED);
    (void)story_told(story);
    say(story, act_on(8, 1)); // nothing but its delay is left
    EXPECT_EQ(story->store.jobs[1].state, JOB_RUNNING);
    core_audit(story->core);
    story_free(story);
}

TEST(run_now, it_still_expires_when_nobody_starts_it)
{
    struct story *story = story_new();
    struct msg_submit_job job = later(7, 60 * 1000);
    job.ttl_ms = 120 * 1000;
    story_submit(story, job);
    say(story, act_on(7, 1));
    story_at(story, 121 * 1000);
    story_tick(story);
    EXPECT_EQ(story->store.jobs[0].state, JOB_EXPIRED);
    core_audit(story->core);
    story_free(story);
}

TEST(run_now, a_job_takes_its_place_in_the_line_of_its_key)
{
    struct story *story = story_new();
    struct msg_submit_job first = later(7, 60 * 1000);
    first.concurrency_key = slice_of_text("k");
    first.key_hash = 7;
    first.order = ORDER_FIFO;
    struct msg_submit_job second = story_job(8);
    second.concurrency_key = first.concurrency_key;
    second.key_hash = first.key_hash;
    second.order = ORDER_FIFO;
    story_submit_two(story, first, second);
    say(story, act_on(7, 1));
    story_worker(story, 11, "mail", 2);
    EXPECT_EQ(story->store.jobs[0].state, JOB_RUNNING);
    EXPECT_EQ(story->store.jobs[1].state, JOB_QUEUED);
    core_audit(story->core);
    story_free(story);
}

TEST(run_now, the_timeline_says_who_wanted_it)
{
    struct story *story = retrying();
    story->only_events = true;
    say(story, act_on(7, 1));
    EXPECT_STORY(story, "[5] event 2 of no 1: run_now queued v4 token 1.1 actor \"ops\"\n");
    story_free(story);
}

TEST(run_now, many_are_run_by_filter)
{
    struct story *story = story_new();
    struct id parent = story_id(1);
    struct msg_submit_job child = story_job(3);
    child.after = (struct msg_ids){.items = &parent, .count = 1};
    child.on_dependency_failure = ON_FAILURE_RUN;
    story_submit_two(story, later(1, 1000), later(2, 1000));
    story_submit(story, child);
    story_operate(story, ACT_RUN_NOW, 7,
                  (struct msg_filter){.states = 1u << JOB_SCHEDULED | 1u << JOB_RETRYING});
    (void)story_told(story);
    story_step(story, 7, 3, 0, (uint32_t[]){3, 2, 1, 0});
    EXPECT_STORY(story, "[0] write operation 07: up to 0 of 3, matched 3 done 2 over\n"
                        "[0] write 2 queued v2\n"
                        "[0] write 1 queued v2\n");
    core_audit(story->core);
    story_free(story);
}
