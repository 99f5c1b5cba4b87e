// Station renew: the heartbeat, lost jobs, progress.

#include "tests/support/story.h"

static struct story *granted(void)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 2);
    story_at(story, 5);
    story_submit(story, story_job(7));
    (void)story_told(story);
    return story;
}

TEST(renew, a_named_lease_lasts_on)
{
    struct story *story = granted();
    struct msg_held held = story_held(7, story_token(1, 1));
    story_at(story, 34);
    story_renew(story, 11, &held);
    story_at(story, 63);
    story_tick(story);
    EXPECT_STORY(story, "[34] send worker 1: renewed\n");
    story_at(story, 64);
    story_tick(story);
    // Its credit is not back, but the worker has a second slot.
    EXPECT_STORY(story, "[64] write 7 running v4 e0 c1 i0\n"
                        "[64] job 7 to worker 1 token 1.2 attempt 2\n");
    story_free(story);
}

TEST(renew, a_live_lease_that_is_not_named_stays)
{
    struct story *story = granted();
    story_renew(story, 11, NULL); // the job may be on its way
    EXPECT_EQ(story_figures(story).lease_count, 1);
    EXPECT_EQ(story->store.jobs[0].state, JOB_RUNNING);
    story_at(story, 35); // it was not renewed either
    story_tick(story);
    EXPECT_EQ(story->store.jobs[0].crashes, 1);
    story_free(story);
}

TEST(renew, what_is_not_held_is_named_as_lost)
{
    struct story *story = granted();
    struct msg_held held[] = {story_held(7, story_token(1, 1)), story_held(7, story_token(1, 2)),
                              story_held(8, story_token(1, 1))};
    story_say(story, 11,
              &(struct msg){.kind = MSG_RENEW, .renew = {.running = {.items = held, .count = 3}}});
    EXPECT_STORY(story, "[5] send worker 1: renewed lost 7@1.2 8@1.1\n");
    story_free(story);
}

TEST(renew, credit_comes_back_for_what_the_worker_no_longer_knows)
{
    // Without this a worker that lost a job from memory would never be given another.
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_at(story, 5);
    story_submit(story, story_job(7));
    story_at(story, 35);
    story_tick(story);
    (void)story_told(story);
    struct msg_held held = story_held(7, story_token(1, 1));
    story_renew(story, 11, &held);
    EXPECT_EQ(story_figures(story).lease_count, 1);
    story_renew(story, 11, NULL);
    EXPECT_STORY(story, "[35] send worker 1: renewed lost 7@1.1\n"
                        "[35] write 7 running v4 e0 c1 i0\n"
                        "[35] send worker 1: renewed\n"
                        "[35] job 7 to worker 1 token 1.2 attempt 2\n");
    EXPECT_EQ(story_figures(story).lease_count, 1);
    story_free(story);
}

TEST(renew, progress_is_written_at_most_once_a_second)
{
    struct story *story = granted();
    struct msg_held held = story_held(7, story_token(1, 1));
    story_progress(story, 11, held, 1);
    story_progress(story, 11, held, 2); // too soon
    EXPECT_STORY(story, "[5] progress 1 of no 1\n"
                        "[5] write 7 running v3\n"
                        "[5] send worker 1: renewed\n"
                        "[5] send worker 1: renewed\n");
    for (when_ms moment = 20; moment <= 1004; moment += 12) {
        story_at(story, moment);
        story_renew(story, 11, &held);
    }
    (void)story_told(story);
    story_at(story, 1004);
    story_progress(story, 11, held, 3);
    story_at(story, 1005);
    story_progress(story, 11, held, 4);
    EXPECT_STORY(story, "[1004] send worker 1: renewed\n"
                        "[1005] progress 4 of no 1\n"
                        "[1005] write 7 running v4\n"
                        "[1005] send worker 1: renewed\n");
    story_free(story);
}

TEST(renew, progress_of_a_job_that_is_not_held_is_dropped)
{
    struct story *story = granted();
    story_worker(story, 12, "none", 1);
    story_progress(story, 12, story_held(7, story_token(1, 1)), 1); // another worker's
    story_progress(story, 11, story_held(7, story_token(1, 9)), 1); // another token
    story_progress(story, 11, story_held(8, story_token(1, 1)), 1); // another job
    EXPECT_STORY(story, "[5] send worker 2: renewed lost 7@1.1\n"
                        "[5] send worker 1: renewed lost 7@1.9\n"
                        "[5] send worker 1: renewed lost 8@1.1\n");
    story_free(story);
}

TEST(renew, progress_is_counted_as_a_change_of_a_job)
{
    struct story *story = granted();
    struct msg_progress said[3] = {0};
    struct msg_held held[8] = {0};
    struct msg msg = {
        .kind = MSG_RENEW,
        .renew = {.running = {.items = held, .count = 8}, .progress = said, .progress_count = 3}};
    struct command command = {.kind = COMMAND_MESSAGE, .peer = 11, .msg = &msg};
    EXPECT_EQ(core_weight(story->core, &command), 3 + 8 / 4);
    story_free(story);
}

// Renews every 10 ms up to `until`, and ticks.
static void work_on(struct story *story, when_ms until)
{
    struct msg_held held = story_held(7, story_token(1, 1));
    while (story->now.mono < until) {
        story_at(story, when_min(story->now.mono + 10, until));
        story_renew(story, 11, &held);
        story_tick(story);
    }
}

static struct story *short_of_time(void)
{
    struct msg_submit_job job = story_job(7);
    job.timeout_ms = 60; // and a grace of 100
    job.retry_first_ms = 1000;
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, job);
    return story;
}

TEST(renew, an_attempt_that_passes_its_deadline_has_failed)
{
    struct story *story = short_of_time();
    work_on(story, 150);
    EXPECT_EQ(story->store.jobs[0].state, JOB_RUNNING);
    work_on(story, 160);
    EXPECT_EQ(story->store.jobs[0].state, JOB_RETRYING);
    EXPECT_EQ(story->store.jobs[0].errors, 1);
    EXPECT_EQ(story->store.jobs[0].crashes, 0);
    EXPECT(story->store.jobs[0].due_at >= STORY_EPOCH + 160 + 500);
    (void)story_told(story);
    // Nobody else has it: the work is done.
    story_finish(story, 11, story_held(7, story_token(1, 1)), OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "[160] write 7 succeeded v4 e1 c0 i0\n"
                        "[160] send worker 1: finished 7 ok\n");
    story_free(story);
}

TEST(renew, a_late_failure_after_the_deadline_is_only_noted)
{
    struct story *story = short_of_time();
    work_on(story, 160);
    when_ms due_at = story->store.jobs[0].due_at;
    story_finish(story, 11, story_held(7, story_token(1, 1)), OUTCOME_FAILED);
    EXPECT_EQ(story->store.jobs[0].state, JOB_RETRYING);
    EXPECT_EQ(story->store.jobs[0].errors, 1);
    EXPECT_EQ(story->store.jobs[0].due_at, due_at);
    story_free(story);
}

TEST(renew, a_silent_worker_is_no_matter_of_deadlines)
{
    struct msg_submit_job job = story_job(7);
    job.timeout_ms = 1;
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_at(story, 5);
    story_submit(story, job);
    story_at(story, 35);
    story_tick(story);
    EXPECT_EQ(story->store.jobs[0].crashes, 1);
    EXPECT_EQ(story->store.jobs[0].errors, 0);
    story_free(story);
}

TEST(renew, time_that_is_asked_for_is_given_and_kept)
{
    struct story *story = short_of_time();
    struct msg_progress more = {
        .job_id = story_id(7), .token = story_token(1, 1), .extend_ms = 1000};
    for (unsigned i = 0; i < 2; i++) // it says how much in all, so saying it twice is no more
        story_say(
            story, 11,
            &(struct msg){.kind = MSG_RENEW, .renew = {.progress = &more, .progress_count = 1}});
    EXPECT_EQ(story->store.jobs[0].extend_ms, 1000);
    work_on(story, 1150);
    EXPECT_EQ(story->store.jobs[0].state, JOB_RUNNING);
    work_on(story, 1160);
    EXPECT_EQ(story->store.jobs[0].state, JOB_RETRYING);
    EXPECT_EQ(story->store.jobs[0].extend_ms, 0);
    story_free(story);
}

TEST(renew, a_start_of_the_broker_remembers_the_deadline)
{
    struct story *story = short_of_time();
    struct msg_held held = story_held(7, story_token(1, 1));
    work_on(story, 100);
    story_restart(story);
    story_hello(story, 21, 1, &held);
    for (when_ms at = 110; at < 160; at += 10) {
        story_at(story, at);
        story_renew(story, 21, &held);
        story_tick(story);
    }
    EXPECT_EQ(story->store.jobs[0].state, JOB_RUNNING);
    story_at(story, 160);
    story_tick(story);
    EXPECT_EQ(story->store.jobs[0].state, JOB_RETRYING);
    EXPECT_EQ(story->store.jobs[0].errors, 1);
    story_free(story);
}
