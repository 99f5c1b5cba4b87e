// The timeline: every end of an attempt but success in time is an event, and so is what somebody
// did to a job.

#include "broker/core/events.h"

#include "tests/support/story.h"

// One worker with one slot; only what the timeline gets is told.
static struct story *story_of_events(void)
{
    struct limits limits = story_limits();
    struct story *story = story_new_with(&limits);
    story_worker(story, 11, "mail", 1);
    story->only_events = true;
    return story;
}

TEST(events, plain_success_writes_none)
{
    struct story *story = story_of_events();
    story_submit(story, story_job(7));
    story_at(story, 5);
    story_finish(story, 11, story_held(7, story_token(1, 1)), OUTCOME_SUCCEEDED);
    EXPECT_STORY(story, "");
    EXPECT_EQ(story->store.jobs[0].event_count, 0);
    story_free(story);
}

TEST(events, failed_attempts_are_told_with_their_times_and_errors)
{
    struct story *story = story_of_events();
    struct msg_submit_job job = story_job(7);
    job.max_attempts = 2;
    job.retry_first_ms = 1;
    job.retry_longest_ms = 1;
    story_submit(story, job);
    story_at(story, 5);
    struct msg_finish_job failed = {.job_id = story_id(7),
                                    .token = story_token(1, 1),
                                    .outcome = OUTCOME_FAILED,
                                    .error_kind = slice_of_text("exit"),
                                    .error_message = slice_of_text("code 1"),
                                    .error_detail = slice_of_text("tail")};
    story_say(story, 11,
              &(struct msg){.kind = MSG_FINISH, .finish = {.jobs = &failed, .count = 1}});
    EXPECT_STORY(story, "[5] event 1 of no 1: fail retrying v3 token 1.1 outcome 2 attempt 1 since "
                        "0 due 6 kind \"exit\"\n");
    story_at(story, 6);
    story_tick(story);
    story_at(story, 9);
    story_finish(story, 11, story_held(7, story_token(1, 2)), OUTCOME_CRASHED);
    EXPECT_STORY(story, "[9] event 2 of no 1: die dead v6 token 1.2 outcome 4 attempt 2 since 6\n");
    EXPECT_EQ(story->store.jobs[0].event_count, 2);
    story_free(story);
}

TEST(events, interruptions_and_snoozes_burn_nothing_and_are_told)
{
    struct story *story = story_of_events();
    story_submit(story, story_job(7));
    story_finish(story, 11, story_held(7, story_token(1, 1)), OUTCOME_INTERRUPTED);
    story_at(story, 3);
    struct msg_finish_job snoozed = {.job_id = story_id(7),
                                     .token = story_token(1, 2),
                                     .outcome = OUTCOME_SNOOZED,
                                     .retry_after_ms = 10};
    story_say(story, 11,
              &(struct msg){.kind = MSG_FINISH, .finish = {.jobs = &snoozed, .count = 1}});
    EXPECT_STORY(story,
                 "[0] event 1 of no 1: return queued v3 token 1.1 outcome 5 attempt 1 since 0\n"
                 "[3] event 2 of no 1: snooze scheduled v5 token 1.2 outcome 6 attempt 1 since 0 "
                 "due 13\n");
    story_free(story);
}

TEST(events, passed_lease_and_the_late_finish_after_it_are_both_told)
{
    struct story *story = story_of_events();
    story_submit(story, story_job(7));
    story_at(story, 25);
    story_renew(story, 11, &(struct msg_held){.job_id = story_id(7), .token = story_token(1, 1)});
    story_at(story, 60);
    story_open(story);
    story_tick(story);
    story_finish(story, 11, story_held(7, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_close(story);
    EXPECT_STORY(story,
                 "[60] event 1 of no 1: return queued v3 token 1.1 outcome 4 attempt 1 since 0 "
                 "reason \"the lease passed without a word\" kind \"lost\"\n"
                 "[60] event 2 of no 1: succeed succeeded v4 token 1.1 outcome 1 attempt 0 since "
                 "0\n");
    story_free(story);
}

TEST(events, count_goes_on_after_a_restart)
{
    struct story *story = story_of_events();
    story_submit(story, story_job(7));
    story_finish(story, 11, story_held(7, story_token(1, 1)), OUTCOME_INTERRUPTED);
    (void)story_told(story);
    story_restart(story);
    story_at(story, 1);
    story_hello(story, 11, 2, NULL); // it was not granted to this session
    EXPECT_STORY(story, "[1] event 2 of no 1: return queued v5 token 1.2 outcome 5 attempt 1 since "
                        "0 reason \"the worker came back without it after a start of the "
                        "broker\"\n");
    story_free(story);
}

TEST(events, what_somebody_does_is_told_with_the_actor)
{
    struct write writes[4];
    struct effects fx = {.writes = writes, .write_cap = 4};
    struct job job = {.no = 3, .version = 5, .state = JOB_QUEUED};
    struct past past = {.event_count = 6};
    struct entry entry = {.kind = ENTRY_DUE, .at = 70, .actor = slice_of_text("ops")};
    EXPECT(events_are_due(&entry, JOB_SCHEDULED, JOB_DUE));
    events_tell(&job, &past, &entry, JOB_DUE, &fx);
    EXPECT_EQ(fx.write_count, 1);
    EXPECT_EQ(writes[0].kind, WRITE_EVENT);
    EXPECT_EQ(writes[0].event.job_no, 3);
    EXPECT_EQ(writes[0].event.row.seq, 7);
    EXPECT_EQ(writes[0].event.row.version, 5);
    EXPECT_EQ(writes[0].event.row.outcome, OUTCOME_NONE);
    EXPECT(slice_is_text(writes[0].event.row.actor, "ops"));
    EXPECT_EQ(past.event_count, 7);
    entry.actor = slice_of_text("");
    EXPECT(!events_are_due(&entry, JOB_SCHEDULED, JOB_DUE));
    entry.reason = slice_of_text("why");
    EXPECT(events_are_due(&entry, JOB_SCHEDULED, JOB_DUE));
}

TEST(events, tombstone_counts_none)
{
    struct story *story = story_of_events();
    story_submit(story, story_job(7));
    story_finish(story, 11, story_held(7, story_token(1, 1)), OUTCOME_DEAD);
    EXPECT_EQ(story->store.jobs[0].event_count, 1);
    story_at(story, 100000000);
    story_remove(story, 1);
    EXPECT_EQ(story->store.jobs[0].state, JOB_REMOVED);
    EXPECT_EQ(story->store.jobs[0].event_count, 0);
    story_free(story);
}
