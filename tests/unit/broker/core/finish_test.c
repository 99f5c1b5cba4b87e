// Station finish: outcomes, exact limits, repeats, late and stale words.

#include "tests/support/story.h"

static const struct job_row *row(const struct story *story, uint32_t index)
{
    return &story->store.jobs[index];
}

// A story with one worker that has one slot, and job 7 granted to it with token 1.1 at moment 5.
static struct story *granted(struct msg_submit_job job)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_at(story, 5);
    story_submit(story, job);
    (void)story_told(story);
    return story;
}

static void finish(struct story *story, uint32_t peer, uint64_t counter, enum outcome outcome)
{
    story_finish(story, peer, story_held(7, story_token(1, counter)), outcome);
}

// Until the next thing is due, and a tick then.
static void pass_time(struct story *story)
{
    story_at(story, story->now.mono + core_wait_ms(story->core, story->now));
    story_tick(story);
}

TEST(finish, a_success_ends_the_job_and_returns_the_credit)
{
    struct story *story = granted(story_job(7));
    story_submit(story, story_job(8));
    story_at(story, 9);
    finish(story, 11, 1, OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[5] write 8 queued v1\n"
                        "[5] send client: submitted 8 queued\n"
                        "[9] write 7 succeeded v3\n"
                        "[9] write 8 running v2\n"
                        "[9] send worker 1: finished 7 ok\n"
                        "[9] job 8 to worker 1 token 1.2 attempt 1\n");
    EXPECT_EQ(row(story, 0)->ended_at, STORY_EPOCH + 9);
    EXPECT_EQ(row(story, 0)->remove_at, STORY_EPOCH + 9 + 1000);
    EXPECT_EQ(story_figures(story).finished[OUTCOME_SUCCEEDED], 1);
    story_free(story);
}

TEST(finish, brings_the_last_progress_however_soon)
{
    struct story *story = granted(story_job(7));
    struct msg_held held = story_held(7, story_token(1, 1));
    story_progress(story, 11, held, 1);
    (void)story_told(story);
    struct msg_finish_job said = {.job_id = held.job_id,
                                  .token = held.token,
                                  .outcome = OUTCOME_SUCCEEDED,
                                  .progress = {.done = 2}};
    struct msg msg = {.kind = MSG_FINISH, .finish = {.jobs = &said, .count = 1}};
    story_say(story, 11, &msg);
    story_say(story, 11, &msg); // the same word again
    EXPECT_STORY(story, "[5] progress 2 of no 1\n"
                        "[5] write 7 succeeded v5\n"
                        "[5] send worker 1: finished 7 ok\n"
                        "[5] send worker 1: finished 7 ok\n");
    story_free(story);
}

// Its lease has ended, so nobody is to see it as running.
TEST(finish, that_is_late_brings_no_progress)
{
    struct story *story = granted(story_job(7));
    pass_time(story);
    (void)story_told(story);
    struct msg_finish_job said = {.job_id = story_id(7),
                                  .token = story_token(1, 1),
                                  .outcome = OUTCOME_FAILED,
                                  .progress = {.done = 2}};
    story_say(story, 11, &(struct msg){.kind = MSG_FINISH, .finish = {.jobs = &said, .count = 1}});
    EXPECT(strstr(story_told(story), "progress") == NULL);
    story_free(story);
}

TEST(finish, the_same_word_again_gets_the_same_answer)
{
    struct story *story = granted(story_job(7));
    story->lag = 1;
    finish(story, 11, 1, OUTCOME_SUCCEEDED);
    finish(story, 11, 1, OUTCOME_SUCCEEDED); // in memory still
    story_settle(story);
    finish(story, 11, 1, OUTCOME_SUCCEEDED); // stored
    EXPECT_STORY(story, "[5] write 7 succeeded v3\n"
                        "[5] send worker 1: finished 7 ok\n"
                        "[5] send worker 1: finished 7 ok\n"
                        "[5] send worker 1: finished 7 ok\n");
    EXPECT_EQ(story_figures(story).finished[OUTCOME_SUCCEEDED], 1);
    EXPECT_EQ(story_figures(story).finished[OUTCOME_FAILED], 0);
    story_free(story);
}

// Whoever says it must not believe that it counts.
TEST(finish, another_word_is_stale)
{
    static const enum outcome words[] = {OUTCOME_SUCCEEDED,  OUTCOME_FAILED,  OUTCOME_DEAD,
                                         OUTCOME_CRASHED,    OUTCOME_SNOOZED, OUTCOME_CANCELLED,
                                         OUTCOME_INTERRUPTED};
    enum { WORDS = sizeof words / sizeof words[0], PASSES = 3 };
    for (uint32_t i = 0; i < WORDS; i++) {
        struct story *story = granted(story_job(7));
        story_ready(story, 11, "other", 1); // it gets the job but once
        finish(story, 11, 1, words[i]);
        for (int pass = 0; pass < PASSES; pass++) {
            for (uint32_t j = 0; j < WORDS; j++) {
                (void)story_told(story);
                finish(story, 11, 1, words[j]);
                EXPECT_EQ(strstr(story_told(story), "finished 7 ok") != NULL, i == j);
            }
            // As it was decided, as it is kept, as it is read again.
            if (pass == 0)
                story_settle(story);
            else
                story_restart(story);
            story_worker(story, 11, "other", 1);
        }
        story_free(story);
    }
}

// By a broker that kept no outcome.
TEST(finish, another_word_than_a_success_is_stale_in_an_old_store)
{
    struct story *story = granted(story_job(7));
    story_submit(story, story_job(8));
    finish(story, 11, 1, OUTCOME_SUCCEEDED);
    story_finish(story, 11, story_held(8, story_token(1, 2)), OUTCOME_FAILED);
    story_settle(story);
    story->store.jobs[0].outcome = story->store.jobs[1].outcome = OUTCOME_NONE;
    story_restart(story);
    story_worker(story, 11, "other", 1);
    (void)story_told(story);
    finish(story, 11, 1, OUTCOME_SUCCEEDED);
    finish(story, 11, 1, OUTCOME_DEAD);
    story_finish(story, 11, story_held(8, story_token(1, 2)), OUTCOME_FAILED);
    story_finish(story, 11, story_held(8, story_token(1, 2)), OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[5] send worker 1: finished 7 ok\n"
                        "[5] send worker 1: finished 7 stale-lease\n"
                        "[5] send worker 1: finished 8 ok\n"
                        "[5] send worker 1: finished 8 stale-lease\n");
    story_free(story);
}

static void hand_on(struct story *story, uint32_t number, enum outcome outcome)
{
    struct msg_finish_job said = {
        .job_id = story_id(number), .token = story_token(1, 1), .outcome = outcome};
    story_say(story, 20, &(struct msg){.kind = MSG_FINISH, .finish = {.jobs = &said, .count = 1}});
}

// It has no lease: what runs is somebody else's. Late words and repeated ones are good from anybody.
TEST(finish, a_gateway_hands_on_late_and_repeated_words)
{
    struct story *story = granted(story_job(7));
    story_client(story, 20);
    hand_on(story, 7, OUTCOME_SUCCEEDED); // a client is no gateway
    story_say(story, 20, &(struct msg){.kind = MSG_HELLO, .hello = {.role = ROLE_GATEWAY}});
    EXPECT(strstr(story_told(story), "bad-field") != NULL);
    hand_on(story, 7, OUTCOME_SUCCEEDED);
    EXPECT_EQ(row(story, 0)->state, JOB_RUNNING);
    story_ready(story, 11, "other", 1);
    story_renew(story, 11, NULL);
    pass_time(story);
    EXPECT_EQ(row(story, 0)->state, JOB_QUEUED);
    story_renew(story, 11, NULL); // its worker knows that it has passed
    EXPECT(strstr(story_told(story), "finished 7 stale-lease") != NULL);
    hand_on(story, 7, OUTCOME_SUCCEEDED);
    hand_on(story, 7, OUTCOME_SUCCEEDED);
    hand_on(story, 7, OUTCOME_FAILED);
    hand_on(story, 9, OUTCOME_SUCCEEDED);
    const char *told = story_told(story);
    EXPECT(strstr(told, "write 7 succeeded") != NULL);
    EXPECT(strstr(told, "finished 7 stale-lease") > strstr(told, "finished 7 ok"));
    EXPECT(strstr(told, "finished 9 not-found") != NULL);
    EXPECT_EQ(story_figures(story).late, 1);
    story_free(story);
}

TEST(finish, a_job_nobody_knows_is_not_found)
{
    struct story *story = granted(story_job(7));
    story_finish(story, 11, story_held(9, story_token(1, 5)), OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[5] send worker 1: finished 9 not-found\n");
    story_free(story);
}

TEST(finish, a_stored_job_takes_only_its_last_token)
{
    struct story *story = granted(story_job(7));
    finish(story, 11, 1, OUTCOME_DEAD);
    finish(story, 11, 2, OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[5] write 7 dead v3 e1 c0 i0\n"
                        "[5] send worker 1: finished 7 ok\n"
                        "[5] send worker 1: finished 7 stale-lease\n");
    story_free(story);
}

TEST(finish, a_job_that_was_never_granted_is_not_finished)
{
    struct story *story = granted(story_job(7));
    story_submit(story, story_job(8));
    (void)story_told(story);
    story_finish(story, 11, story_held(8, 0), OUTCOME_SUCCEEDED);
    story_finish(story, 11, story_held(8, story_token(1, 9)), OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[5] send worker 1: finished 8 stale-lease\n"
                        "[5] send worker 1: finished 8 stale-lease\n");
    story_free(story);
}

TEST(finish, nobody_finishes_for_another_worker)
{
    struct story *story = granted(story_job(7));
    story_worker(story, 12, "mail", 1);
    finish(story, 12, 1, OUTCOME_SUCCEEDED);
    // Nor does a token open another job.
    story_submit(story, story_job(8));
    story_finish(story, 11, story_held(8, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_finish(story, 11, story_held(9, story_token(1, 1)), OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[5] send worker 2: finished 7 stale-lease\n"
                        "[5] write 8 running v2\n"
                        "[5] send client: submitted 8 queued\n"
                        "[5] job 8 to worker 2 token 1.2 attempt 1\n"
                        "[5] send worker 1: finished 8 stale-lease\n"
                        "[5] send worker 1: finished 9 not-found\n");
    EXPECT_EQ(row(story, 0)->state, JOB_RUNNING);
    EXPECT_EQ(story_figures(story).lease_count, 2); // no credit came back
    story_free(story);
}

TEST(finish, a_late_success_counts_while_nobody_else_has_the_job)
{
    struct story *story = granted(story_job(7));
    story_at(story, 35);
    story_tick(story);
    story_at(story, 40);
    finish(story, 11, 1, OUTCOME_SUCCEEDED);
    finish(story, 11, 1, OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[35] write 7 queued v3 e0 c1 i0\n"
                        "[40] write 7 succeeded v4 e0 c1 i0\n"
                        "[40] send worker 1: finished 7 ok\n"
                        "[40] send worker 1: finished 7 ok\n");
    EXPECT_EQ(story_figures(story).late, 1);
    story_free(story);
}

TEST(finish, a_late_failure_is_noted_and_burns_nothing_more)
{
    struct story *story = granted(story_job(7));
    story_at(story, 35);
    story_tick(story);
    story_at(story, 40);
    finish(story, 11, 1, OUTCOME_FAILED);
    finish(story, 11, 1, OUTCOME_FAILED);
    EXPECT_STORY(story, "[35] write 7 queued v3 e0 c1 i0\n"
                        // Noted, and granted again, because its credit came back.
                        "[40] write 7 running v5 e0 c1 i0\n"
                        "[40] send worker 1: finished 7 ok\n"
                        "[40] job 7 to worker 1 token 1.2 attempt 2\n"
                        "[40] send worker 1: finished 7 stale-lease\n");
    EXPECT_EQ(row(story, 0)->due_at, STORY_EPOCH + 35);
    story_free(story);
}

TEST(finish, a_late_failure_leaves_the_job_in_its_place)
{
    struct story *story = granted(story_job(7));
    story_at(story, 35);
    story_tick(story);
    story_at(story, 36);
    story_submit(story, story_job(8));
    story_at(story, 40);
    finish(story, 11, 1, OUTCOME_FAILED);
    EXPECT_STORY(story, "[35] write 7 queued v3 e0 c1 i0\n"
                        "[36] write 8 queued v1\n"
                        "[36] send client: submitted 8 queued\n"
                        "[40] write 7 running v5 e0 c1 i0\n"
                        "[40] send worker 1: finished 7 ok\n"
                        "[40] job 7 to worker 1 token 1.2 attempt 2\n");
    story_free(story);
}

TEST(finish, a_late_word_of_death_is_heard)
{
    struct story *story = granted(story_job(7));
    story_at(story, 35);
    story_tick(story);
    finish(story, 11, 1, OUTCOME_DEAD);
    EXPECT_STORY(story, "[35] write 7 queued v3 e0 c1 i0\n"
                        "[35] write 7 dead v4 e0 c1 i0\n"
                        "[35] send worker 1: finished 7 ok\n");
    story_free(story);
}

TEST(finish, a_word_after_the_job_has_passed_on_is_stale)
{
    struct story *story = granted(story_job(7));
    story_worker(story, 12, "mail", 1);
    story_at(story, 35);
    story_tick(story);
    story_at(story, 40);
    finish(story, 11, 1, OUTCOME_SUCCEEDED);
    finish(story, 11, 1, OUTCOME_SUCCEEDED);
    story_at(story, 41);
    finish(story, 12, 2, OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[35] write 7 running v4 e0 c1 i0\n"
                        "[35] job 7 to worker 2 token 1.2 attempt 2\n"
                        "[40] send worker 1: finished 7 stale-lease\n"
                        "[40] send worker 1: finished 7 stale-lease\n"
                        "[41] write 7 succeeded v5 e0 c1 i0\n"
                        "[41] send worker 2: finished 7 ok\n");
    EXPECT_EQ(story_figures(story).stale, 2);
    story_free(story);
}

TEST(finish, a_word_about_a_job_that_died_with_its_lease_is_stale)
{
    struct msg_submit_job job = story_job(7);
    job.max_crashes = 1;
    struct story *story = granted(job);
    story->lag = 1;
    story_at(story, 35);
    story_tick(story);
    finish(story, 11, 1, OUTCOME_SUCCEEDED); // in memory
    story_settle(story);
    finish(story, 11, 1, OUTCOME_SUCCEEDED); // stored
    EXPECT_STORY(story, "[35] write 7 dead v3 e0 c1 i0\n"
                        "[35] send worker 1: finished 7 stale-lease\n"
                        "[35] send worker 1: finished 7 stale-lease\n");
    story_free(story);
}

TEST(finish, errors_end_at_exactly_the_limit)
{
    struct msg_submit_job job = story_job(7);
    job.max_attempts = 3;
    struct story *story = granted(job);
    for (uint64_t counter = 1; counter <= 3; counter++) {
        EXPECT_EQ(row(story, 0)->state, JOB_RUNNING);
        finish(story, 11, counter, OUTCOME_FAILED);
        EXPECT_EQ(row(story, 0)->errors, counter);
        if (counter == 3)
            break;
        EXPECT_EQ(row(story, 0)->state, JOB_RETRYING);
        pass_time(story);
    }
    EXPECT_EQ(row(story, 0)->state, JOB_DEAD);
    EXPECT_EQ(story_figures(story).finished[OUTCOME_FAILED], 3);
    story_free(story);
}

TEST(finish, crashes_end_at_exactly_their_own_limit)
{
    struct msg_submit_job job = story_job(7);
    job.max_crashes = 2;
    struct story *story = granted(job);
    finish(story, 11, 1, OUTCOME_CRASHED);
    pass_time(story);
    finish(story, 11, 2, OUTCOME_FAILED); // an error is not a crash
    EXPECT_EQ(row(story, 0)->state, JOB_RETRYING);
    pass_time(story);
    finish(story, 11, 3, OUTCOME_CRASHED);
    EXPECT_EQ(row(story, 0)->state, JOB_DEAD);
    EXPECT_EQ(row(story, 0)->crashes, 2);
    EXPECT_EQ(row(story, 0)->errors, 1);
    story_free(story);
}

TEST(finish, errors_and_crashes_together_burn_attempts)
{
    struct msg_submit_job job = story_job(7);
    job.max_attempts = 2;
    struct story *story = granted(job);
    finish(story, 11, 1, OUTCOME_FAILED);
    pass_time(story);
    finish(story, 11, 2, OUTCOME_CRASHED);
    EXPECT_EQ(row(story, 0)->state, JOB_DEAD);
    story_free(story);
}

TEST(finish, interruptions_and_snoozes_burn_nothing)
{
    struct msg_submit_job job = story_job(7);
    job.max_attempts = 1;
    job.max_crashes = 1;
    struct story *story = granted(job);
    uint64_t counter = 1;
    for (unsigned i = 0; i < 20; i++)
        finish(story, 11, counter++, OUTCOME_INTERRUPTED);
    EXPECT_EQ(row(story, 0)->interruptions, 20);
    EXPECT_EQ(row(story, 0)->state, JOB_RUNNING); // granted again at once
    for (unsigned i = 0; i < 20; i++) {
        finish(story, 11, counter++, OUTCOME_SNOOZED);
        EXPECT_EQ(row(story, 0)->state, JOB_SCHEDULED);
        pass_time(story);
    }
    EXPECT_EQ(row(story, 0)->interruptions, 20);
    EXPECT_EQ(row(story, 0)->errors + row(story, 0)->crashes, 0);
    (void)story_told(story);
    finish(story, 11, counter, OUTCOME_FAILED);
    EXPECT_STORY(story, "[5] write 7 dead v103 e1 c0 i20\n"
                        "[5] send worker 1: finished 7 ok\n");
    story_free(story);
}

static void finish_after(struct story *story, enum outcome outcome, uint32_t retry_after_ms)
{
    struct msg_finish_job said = {.job_id = story_id(7),
                                  .token = story_token(1, 1),
                                  .outcome = outcome,
                                  .retry_after_ms = retry_after_ms,
                                  .resent = true};
    story_say(story, 11, &(struct msg){.kind = MSG_FINISH, .finish = {.jobs = &said, .count = 1}});
}

TEST(finish, the_handler_may_wish_for_a_later_retry_but_not_for_an_earlier)
{
    struct story *story = granted(story_job(7));
    finish_after(story, OUTCOME_FAILED, 9999);
    EXPECT_EQ(row(story, 0)->due_at, STORY_EPOCH + 5 + 9999);
    EXPECT_EQ(story_figures(story).resent, 1);
    story_free(story);
    story = granted(story_job(7));
    finish_after(story, OUTCOME_FAILED, 1);
    // The first delay is 1 s with jitter.
    EXPECT(row(story, 0)->due_at >= STORY_EPOCH + 5 + 500);
    EXPECT(row(story, 0)->due_at <= STORY_EPOCH + 5 + 1000);
    story_free(story);
    story = granted(story_job(7));
    finish_after(story, OUTCOME_SNOOZED, 3);
    EXPECT_EQ(row(story, 0)->due_at, STORY_EPOCH + 5 + 3);
    story_free(story);
}

TEST(finish, an_outcome_that_does_not_exist_stops_the_process)
{
    // The shell has checked the field; what arrives here regardless is a bug.
    struct story *story = granted(story_job(7));
    EXPECT_DIES(finish(story, 11, 1, OUTCOME_NONE));
    story_free(story);
}

TEST(finish, no_attempt_is_planned_for_later_than_retry_within)
{
    struct msg_submit_job job = story_job(7);
    job.retry_within_s = 2;
    job.retry_first_ms = 1000;
    struct story *story = granted(job);
    story_at(story, 2004);
    finish(story, 11, 1, OUTCOME_FAILED);
    EXPECT_EQ(row(story, 0)->state, JOB_DEAD); // the backoff would end after 2005
    EXPECT_EQ(row(story, 0)->errors, 1);
    story_free(story);
}
