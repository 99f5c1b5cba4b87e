// Dry runs: what is told, and that nothing else happens.

#include "broker/core/core_private.h"
#include "tests/support/story.h"

static void try_many(struct story *story, struct msg_submit_job *jobs, uint32_t count, bool atomic)
{
    story_say(story, STORY_CLIENT,
              &(struct msg){
                  .kind = MSG_SUBMIT,
                  .submit = {.jobs = jobs, .count = count, .is_atomic = atomic, .dry_run = true}});
}

static void try_one(struct story *story, struct msg_submit_job job)
{
    try_many(story, &job, 1, false);
}

static void set(struct story *story, struct msg_queue_settings settings)
{
    story_say(
        story, STORY_CLIENT,
        &(struct msg){.kind = MSG_QUEUE_SET,
                      .queue_set = {.queue = slice_of_text("default"), .settings = settings}});
}

TEST(forecast, a_dry_run_tells_and_changes_nothing)
{
    struct story *story = story_new();
    uint64_t digest = story_figures(story).ledger.digest;
    struct msg_submit_job job = story_job(100);
    job.max_attempts = 3;
    try_one(story, job);
    job.delay_ms = 70;
    try_one(story, job);
    EXPECT_STORY(story,
                 "[0] send client: submitted 100 queued forecast due 0 waits 0 ahead 0 paused 0 "
                 "left 0 attempts 3\n"
                 "[0] send client: submitted 100 scheduled forecast due 70 waits 6 ahead 0 paused "
                 "0 left 0 attempts 3\n");
    struct core_figures figures = story_figures(story);
    EXPECT_EQ(figures.ledger.digest, digest);
    EXPECT_EQ(figures.submitted + figures.refused + figures.replayed, 0);
    EXPECT_EQ(figures.job_count + figures.key_count + figures.lane_count, 0);
    story_free(story);
}

TEST(forecast, what_a_job_would_wait_for_is_told)
{
    struct story *story = story_new();
    set(story, (struct msg_queue_settings){.open_max = 5, .running_max = 1});
    story_submit(story, story_job(1));
    story_submit(story, story_job(2));
    (void)story_told(story);
    try_one(story, story_job(3)); // nobody takes it
    story_worker(story, 11, "mail", 1);
    (void)story_told(story); // what nobody takes is shown by the next ones too
    try_one(story, story_job(3));
    struct msg_submit_job child = story_job(3);
    struct id parent = story_id(1);
    child.after = (struct msg_ids){.items = &parent, .count = 1};
    child.on_dependency_failure = ON_FAILURE_RUN;
    try_one(story, child);
    EXPECT_STORY(story, "[0] send client: submitted 3 queued forecast due 0 waits 9 ahead 1 paused "
                        "0 left 3 attempts 25\n"
                        "[0] send client: submitted 3 scheduled forecast due 0 waits 7 ahead 1 "
                        "paused 0 left 3 attempts 25\n");
    story_free(story);
}

TEST(forecast, a_start_is_estimated_by_the_pace_of_its_lane)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    for (uint32_t i = 1; i <= 9; i++)
        story_submit(story, story_job(i));
    // One starts every 20 ms; the first one leaves nobody waiting.
    for (uint64_t i = 1; i <= 4; i++) {
        story_at(story, (when_ms)i * 20);
        story_finish(story, 11, story_held((uint32_t)i, story_token(1, i)), OUTCOME_SUCCEEDED);
    }
    (void)story_told(story);
    try_one(story, story_job(10)); // too few have started to tell
    story_at(story, 100);
    story->only_grants = true;
    story_finish(story, 11, story_held(5, story_token(1, 5)), OUTCOME_SUCCEEDED);
    story->only_grants = false;
    try_one(story, story_job(10));
    struct msg_submit_job other = story_job(10);
    other.type = slice_of_text("other");
    try_one(story, other);
    EXPECT_STORY(story, "[80] send client: submitted 10 queued forecast due 80 waits 8 ahead 4 "
                        "paused 0 left 0 attempts 25\n"
                        "[100] job 6 to worker 1 token 1.6 attempt 1\n"
                        "[100] send client: submitted 10 queued forecast due 100 waits 8 ahead 3 "
                        "paused 0 left 0 starts 180 attempts 25\n"
                        "[100] send client: submitted 10 queued forecast due 100 waits 0 ahead 0 "
                        "paused 0 left 0 attempts 25\n");
    story_free(story);
}

TEST(forecast, what_is_left_of_the_quota_is_told)
{
    struct story *story = story_new();
    story_submit(story, story_job(1));
    (void)story_told(story);
    struct msg_submit_job job = story_job(2);
    job.tenant_open_max = 5;
    try_one(story, job);
    EXPECT_STORY(story, "[0] send client: submitted 2 queued forecast due 0 waits 1 ahead 1 paused "
                        "0 left 0 quota 4 attempts 25\n");
    job.tenant_open_max = 1;
    try_one(story, job);
    EXPECT_STORY(story, "[0] send client: submitted 2 quota (--open-jobs, --tenant-open-max: the "
                        "tenant has as many "
                        "unfinished jobs as it may)\n");
    story_free(story);
}

TEST(forecast, a_refusal_is_that_of_the_submission)
{
    struct story *story = story_new();
    set(story, (struct msg_queue_settings){.open_max = 1});
    story_submit(story, story_job(100));
    (void)story_told(story);
    struct msg_submit_job other = story_job(100);
    other.fingerprint++;
    try_one(story, other);
    try_one(story, story_job(100));
    try_one(story, story_job(2));
    EXPECT_STORY(story, "[0] send client: submitted 100 key-reused\n"
                        "[0] send client: submitted 100 replayed queued\n"
                        "[0] send client: submitted 2 full (open_max: the queue has as many "
                        "unfinished jobs as it may)\n");
    story_free(story);
}

TEST(forecast, a_key_past_its_moment_is_free_and_stays_where_it_is)
{
    struct story *story = story_new();
    struct msg_submit_job job = story_job(1);
    job.unique_key = slice_of_text("k");
    job.unique_hash = story_id(77);
    job.unique_for_s = 1;
    story_submit(story, job);
    job.job_id = story_id(2);
    story_at(story, 999);
    (void)story_told(story);
    try_one(story, job);
    story_at(story, 1000);
    try_one(story, job);
    EXPECT_STORY(story, "[999] send client: submitted 2 unique (unique: an earlier job holds this "
                        "key)\n"
                        "[1000] send client: submitted 2 queued forecast due 1000 waits 1 ahead 1 "
                        "paused 0 left 0 attempts 25\n");
    EXPECT_EQ(story_figures(story).unique_count, 1);
    story_free(story);
}

TEST(forecast, of_several_each_is_judged_as_if_those_before_it_were_there)
{
    struct story *story = story_new();
    set(story, (struct msg_queue_settings){.open_max = 2});
    (void)story_told(story);
    struct msg_submit_job jobs[] = {story_job(100), story_job(100), story_job(2), story_job(3)};
    try_many(story, jobs, 4, false);
    try_many(story, jobs, 4, true);
    EXPECT_STORY(story,
                 "[0] send client: submitted 100 queued, 100 replayed none, 2 queued, 3 full "
                 "(open_max: the queue has as many unfinished jobs as it may)\n"
                 "[0] send client: submitted 100 atomic, 100 atomic, 2 atomic, 3 full "
                 "(open_max: the queue has as many unfinished jobs as it may)\n");
    try_many(story, jobs, 3, true);
    EXPECT_STORY(story, "[0] send client: submitted 100 queued, 100 replayed none, 2 queued\n");
    EXPECT_EQ(story_figures(story).job_count, 0);
    story_free(story);
}

TEST(forecast, one_that_waits_for_an_earlier_one_of_the_same_is_foreseen)
{
    struct story *story = story_new();
    struct msg_submit_job jobs[] = {story_job(1), story_job(2)};
    struct id parent = story_id(1);
    jobs[1].after = (struct msg_ids){.items = &parent, .count = 1};
    jobs[1].on_dependency_failure = ON_FAILURE_CANCEL;
    try_many(story, jobs, 2, false);
    EXPECT_STORY(story, "[0] send client: submitted 1 queued, 2 scheduled\n");
    story_free(story);
}
