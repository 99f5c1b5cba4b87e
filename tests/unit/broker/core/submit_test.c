// Station submit: accepted, recognised, refused.

#include "broker/core/core_private.h"
#include "tests/support/story.h"

TEST(submit, accepted_and_granted_in_one_batch)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_at(story, 5);
    story_submit(story, story_job(7));
    EXPECT_STORY(story, "[5] write 7 running v2\n"
                        "[5] send client: submitted 7 queued\n"
                        "[5] job 7 to worker 1 token 1.1 attempt 1\n");
    story_free(story);
}

TEST(submit, without_a_worker_the_job_waits)
{
    struct story *story = story_new();
    story_submit(story, story_job(7));
    story_at(story, 9);
    story_worker(story, 11, "mail", 1);
    EXPECT_STORY(story, "[0] write 7 queued v1\n"
                        "[0] send client: submitted 7 queued\n");
    story_free(story);
}

TEST(submit, the_same_again_is_a_replay_wherever_the_job_is)
{
    struct story *story = story_new();
    story->lag = 2;
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(100)); // not durable yet
    story_submit(story, story_job(100));
    story_finish(story, 11, story_held(100, story_token(1, 1)), OUTCOME_SUCCEEDED);
    story_submit(story, story_job(100)); // ended, in memory
    story_settle(story);
    story_submit(story, story_job(100)); // stored
    EXPECT_STORY(story, "[0] write 100 running v2\n"
                        "[0] send client: submitted 100 queued\n"
                        "[0] job 100 to worker 1 token 1.1 attempt 1\n"
                        "[0] send client: submitted 100 replayed running\n"
                        "[0] write 100 succeeded v3\n"
                        "[0] send worker 1: finished 100 ok\n"
                        "[0] send client: submitted 100 replayed succeeded\n"
                        "[0] send client: submitted 100 replayed succeeded\n");
    EXPECT_EQ(story_figures(story).submitted, 1);
    EXPECT_EQ(story_figures(story).replayed, 3);
    story_free(story);
}

TEST(submit, twice_in_one_message_is_one_job)
{
    struct story *story = story_new();
    story_submit_two(story, story_job(100), story_job(100));
    EXPECT_STORY(story, "[0] write 100 queued v1\n"
                        "[0] send client: submitted 100 queued, 100 replayed queued\n");
    story_free(story);
}

TEST(submit, another_body_under_the_same_key_is_refused_and_changes_nothing)
{
    struct story *story = story_new();
    story_submit(story, story_job(100));
    (void)story_told(story);
    struct msg_submit_job other = story_job(100);
    other.fingerprint++;
    story_submit(story, other);
    story_submit(story, story_job(100));
    EXPECT_STORY(story, "[0] send client: submitted 100 key-reused\n"
                        "[0] send client: submitted 100 replayed queued\n");
    EXPECT_EQ(story_figures(story).refused, 1);
    story_free(story);
}

TEST(submit, a_closed_door_refuses_new_jobs_and_still_knows_old_ones)
{
    struct story *story = story_new();
    story_submit(story, story_job(100));
    (void)story_told(story);
    struct msg_submit_job known = story_job(100);
    struct msg_submit_job fresh = story_job(101);
    known.closed = ERR_DISK;
    fresh.closed = ERR_DISK;
    story_submit_two(story, known, fresh);
    EXPECT_STORY(story, "[0] send client: submitted 100 replayed queued, 101 disk\n");
    story_free(story);
}

#define UNTIMELY                                                                                   \
    "(job_id: its time is at most 1 h behind the broker's and 5 min ahead of it; created_at_ms "   \
    "tells the broker's)"

TEST(submit, a_payload_that_breaks_its_schema_is_refused_unless_it_is_known)
{
    struct story *story = story_new();
    story_submit(story, story_job(100));
    (void)story_told(story);
    struct msg_submit_job known = story_job(100);
    struct msg_submit_job fresh = story_job(101);
    known.schema = ERR_SCHEMA;
    fresh.schema = ERR_SCHEMA;
    fresh.closed = ERR_DISK; // of both, what stays wrong is told
    story_submit_two(story, known, fresh);
    EXPECT_STORY(story, "[0] send client: submitted 100 replayed queued, 101 schema\n");
    story_free(story);
}

TEST(submit, an_id_without_a_key_may_be_an_hour_old_and_five_minutes_ahead)
{
    struct story *story = story_new();
    struct msg_submit_job job = story_job(1);
    job.job_id = id_v7(STORY_EPOCH - LIMITS_ID_AGE_MAX_MS, 0, 1);
    story_submit(story, job);
    job.job_id = id_v7(STORY_EPOCH - LIMITS_ID_AGE_MAX_MS + 1, 0, 2);
    story_submit(story, job);
    job.job_id = id_v7(STORY_EPOCH + LIMITS_ID_AHEAD_MAX_MS - 1, 0, 3);
    story_submit(story, job);
    job.job_id = id_v7(STORY_EPOCH + LIMITS_ID_AHEAD_MAX_MS, 0, 4);
    story_submit(story, job);
    EXPECT_STORY(story, "[0] send client: submitted 1 id-too-old " UNTIMELY "\n"
                        "[0] write 2 queued v1\n"
                        "[0] send client: submitted 2 queued\n"
                        "[0] write 3 queued v1\n"
                        "[0] send client: submitted 3 queued\n"
                        "[0] send client: submitted 4 id-too-old " UNTIMELY "\n");
    story_free(story);
}

TEST(submit, from_a_spool_an_id_of_any_age_is_new_and_known_for_the_whole_window)
{
    struct limits limits = story_limits();
    limits.dedup_window_s = 86400;
    struct story *story = story_new_with(&limits);
    struct msg_submit_job job = story_job(1);
    job.is_spooled = true;
    job.job_id = id_v7(STORY_EPOCH - 100 * LIMITS_ID_AGE_MAX_MS, 0, 1);
    story_submit(story, job);
    job.job_id = id_v7(STORY_EPOCH + 100 * LIMITS_ID_AGE_MAX_MS, 0, 2);
    story_submit(story, job);
    EXPECT_STORY(story, "[0] write 1 queued v1\n"
                        "[0] send client: submitted 1 queued\n"
                        "[0] write 2 queued v1\n"
                        "[0] send client: submitted 2 queued\n");
    const struct core *core = story->core;
    EXPECT_EQ(submit_policy(core, &job).dedup_s, 86400);
    job.is_spooled = false;
    EXPECT_EQ(submit_policy(core, &job).dedup_s,
              (LIMITS_ID_AGE_MAX_MS + LIMITS_ID_AHEAD_MAX_MS) / 1000);
    story_free(story);
}

TEST(submit, a_known_id_is_a_replay_however_old)
{
    struct story *story = story_new();
    story_submit(story, story_job(7));
    story_at(story, 2 * LIMITS_ID_AGE_MAX_MS);
    story_submit(story, story_job(7));
    EXPECT_STORY(story, "[0] write 7 queued v1\n"
                        "[0] send client: submitted 7 queued\n"
                        "[7200000] send client: submitted 7 replayed queued\n");
    story_free(story);
}

TEST(submit, what_intake_refused_is_passed_on)
{
    struct story *story = story_new();
    struct msg_submit_job job = story_job(7);
    job.verdict = ERR_BAD_FIELD;
    job.detail = slice_of_text("type: missing");
    story_submit(story, job);
    EXPECT_STORY(story, "[0] send client: submitted 7 bad-field (type: missing)\n");
    story_free(story);
}

TEST(submit, later_is_scheduled_until_its_time)
{
    struct story *story = story_new();
    struct msg_submit_job job = story_job(1);
    job.delay_ms = 50;
    story_submit(story, job);
    job = story_job(2);
    job.run_at = STORY_EPOCH + 20;
    story_submit(story, job);
    job = story_job(3);
    job.run_at = STORY_EPOCH; // now
    story_submit(story, job);
    EXPECT_STORY(story, "[0] write 1 scheduled v1 due 50\n"
                        "[0] send client: submitted 1 scheduled\n"
                        "[0] write 2 scheduled v1 due 20\n"
                        "[0] send client: submitted 2 scheduled\n"
                        "[0] write 3 queued v1\n"
                        "[0] send client: submitted 3 queued\n");
    EXPECT_EQ(core_wait_ms(story->core, story->now), 20);
    story_free(story);
}

TEST(submit, a_delay_beyond_any_calendar_does_not_overflow)
{
    struct story *story = story_new();
    struct msg_submit_job job = story_job(1);
    job.delay_ms = UINT64_MAX;
    story_submit(story, job);
    job = story_job(2);
    job.run_at = WHEN_NEVER;
    story_submit(story, job);
    const struct job_row *rows = story->store.jobs;
    EXPECT_EQ(rows[0].due_at, STORY_EPOCH + ((when_ms)1 << 48));
    EXPECT_EQ(rows[1].due_at, (when_ms)1 << 48);
    story_free(story);
}

TEST(submit, defaults_and_wishes_become_the_policy)
{
    struct story *story = story_new();
    story_submit(story, story_job(100));
    struct msg_submit_job job = story_job(7);
    job.timeout_ms = 5;
    job.max_attempts = 1000000;
    job.max_crashes = 1;
    job.keep_s = 9;
    job.priority = 0;
    story_submit(story, job);
    const struct policy *defaults = &story->store.policies[0];
    EXPECT_EQ(defaults->timeout_ms, story->limits.timeout_default_ms);
    EXPECT_EQ(defaults->max_attempts, LIMITS_ATTEMPTS_DEFAULT);
    EXPECT_EQ(defaults->max_crashes, LIMITS_CRASHES_DEFAULT);
    EXPECT_EQ(defaults->retry_first_ms, LIMITS_RETRY_FIRST_MS);
    EXPECT_EQ(defaults->retry_longest_ms, LIMITS_RETRY_LONGEST_MS);
    EXPECT_EQ(defaults->retry_factor_milli, LIMITS_RETRY_FACTOR_MILLI);
    EXPECT_EQ(defaults->keep_s, story->limits.keep_default_s);
    EXPECT_EQ(defaults->dedup_s, story->limits.dedup_window_s);
    const struct policy *wishes = &story->store.policies[1];
    EXPECT_EQ(wishes->timeout_ms, 5);
    EXPECT_EQ(wishes->max_attempts, UINT16_MAX);
    EXPECT_EQ(wishes->max_crashes, 1);
    EXPECT_EQ(wishes->keep_s, 9);
    EXPECT_EQ(wishes->dedup_s, 3900); // no longer than an unkeyed id is let in
    EXPECT_EQ(story->store.jobs[0].priority, MSG_PRIORITY_DEFAULT);
    EXPECT_EQ(story->store.jobs[1].priority, 0);
    story_free(story);
}

// Fills one limit with jobs 1 … `fits`, then shows what the next one is told.
static void fill(struct msg_submit_job (*job_of)(uint32_t), uint32_t fits, const char *refusal)
{
    struct story *story = story_new();
    for (uint32_t i = 0; i < fits; i++)
        story_submit(story, job_of(i));
    EXPECT_EQ(story_figures(story).submitted, fits);
    (void)story_told(story);
    story_submit(story, job_of(fits));
    EXPECT_STORY(story, refusal);
    EXPECT_EQ(story_figures(story).submitted, fits);
    // A replay succeeds although the limit is reached.
    story_submit(story, job_of(0));
    EXPECT_EQ(story_figures(story).replayed, 1);
    story_free(story);
}

static struct msg_submit_job with_key(uint32_t i)
{
    return story_job(100 + i);
}

static struct msg_submit_job with_type(uint32_t i)
{
    static const char *const types[] = {"a", "b", "c", "d", "e"};
    struct msg_submit_job job = story_job(i);
    job.type = slice_of_text(types[i]);
    return job;
}

static struct msg_submit_job with_timeout(uint32_t i)
{
    struct msg_submit_job job = story_job(i);
    job.timeout_ms = 1 + i;
    return job;
}

static struct msg_submit_job with_batch(uint32_t i)
{
    struct msg_submit_job job = story_job(i);
    job.batch_id = story_id(90 + i);
    return job;
}

TEST(submit, each_limit_refuses_by_its_name_and_stores_nothing)
{
    fill(story_job, 16,
         "[0] send client: submitted 16 full (job_count_max: too many unfinished jobs)\n");
    fill(with_key, 8,
         "[0] send client: submitted 108 full (dedup_full: key_count_max keys are inside their "
         "window)\n");
    fill(with_type, 4,
         "[0] send client: submitted 4 full (lane_count_max: too many different (queue, type) "
         "pairs)\n");
    fill(with_timeout, 4,
         "[0] send client: submitted 4 full (policy_count_max: too many different sets of "
         "options)\n");
    fill(with_batch, 3, "[0] send client: submitted 3 full (batch_count_max: too many batches)\n");
}

TEST(submit, what_is_there_already_needs_no_room)
{
    struct story *story = story_new();
    for (uint32_t i = 0; i < 3; i++)
        story_submit(story, with_batch(i));
    struct msg_submit_job job = story_job(9);
    job.batch_id = story_id(90);
    story_submit(story, job); // the batches are full, but this one is known
    EXPECT_EQ(story_figures(story).submitted, 4);
    EXPECT_EQ(story->store.batches[0].counts[JOB_QUEUED], 2);
    story_free(story);
}
