// Submissions of many jobs that are accepted all or not at all.

#include "broker/core/core_private.h"
#include "tests/support/story.h"

enum { MANY = 24 };

static void say(struct story *story, const struct msg_submit_job *jobs, struct msg_submit submit)
{
    static struct msg_submit_job kept[MANY]; // one message at a time, closed at once
    CHECK(submit.count <= MANY && !story->is_open);
    memcpy(kept, jobs, submit.count * sizeof *jobs);
    submit.jobs = kept;
    story_say(story, STORY_CLIENT, &(struct msg){.kind = MSG_SUBMIT, .submit = submit});
}

static void submit(struct story *story, const struct msg_submit_job *jobs, uint32_t count)
{
    say(story, jobs, (struct msg_submit){.count = count, .is_atomic = true});
}

// What each would be told if those before it that are not refused were there.
static void try_each(struct story *story, const struct msg_submit_job *jobs, uint32_t count)
{
    say(story, jobs, (struct msg_submit){.count = count, .dry_run = true});
}

TEST(atomic, all_are_accepted_in_one_step)
{
    struct story *story = story_new();
    struct msg_submit_job jobs[] = {story_job(1), story_job(102), story_job(3)};
    submit(story, jobs, 3);
    EXPECT_STORY(story, "[0] write 1 queued v1\n"
                        "[0] write 102 queued v1\n"
                        "[0] write 3 queued v1\n"
                        "[0] send client: submitted 1 queued, 102 queued, 3 queued\n");
    submit(story, jobs, 3); // said again
    EXPECT_STORY(story, "[0] send client: submitted 1 replayed queued, 102 replayed queued, 3 "
                        "replayed queued\n");
    submit(story, jobs, 0);
    EXPECT_STORY(story, "[0] send client: \n");
    EXPECT_EQ(story_figures(story).submitted, 3);
    story_free(story);
}

TEST(atomic, one_that_is_refused_keeps_all_from_being_stored)
{
    struct story *story = story_new();
    struct msg_submit_job jobs[] = {story_job(1), story_job(2), story_job(3)};
    jobs[1].verdict = ERR_BAD_FIELD;
    jobs[1].detail = slice_of_text("type");
    submit(story, jobs, 3);
    EXPECT_STORY(story, "[0] send client: submitted 1 atomic, 2 bad-field (type), 3 atomic\n");
    EXPECT_EQ(story_figures(story).refused, 3);
    jobs[1] = story_job(2);
    submit(story, jobs, 3);
    EXPECT_EQ(story_figures(story).submitted, 3);
    story_free(story);
}

TEST(atomic, what_is_known_is_replayed_beside_what_is_new)
{
    struct story *story = story_new();
    story_submit(story, story_job(101));
    (void)story_told(story);
    struct msg_submit_job jobs[] = {story_job(101), story_job(2)};
    submit(story, jobs, 2);
    EXPECT_STORY(story, "[0] write 2 queued v1\n"
                        "[0] send client: submitted 101 replayed queued, 2 queued\n");
    jobs[0].fingerprint++;
    jobs[1] = story_job(3);
    submit(story, jobs, 2);
    EXPECT_STORY(story, "[0] send client: submitted 101 key-reused, 3 atomic\n");
    story_free(story);
}

TEST(atomic, a_record_may_come_twice_but_not_with_another_body)
{
    struct story *story = story_new();
    struct msg_submit_job jobs[] = {story_job(101), story_job(101)};
    submit(story, jobs, 2);
    EXPECT_STORY(story, "[0] write 101 queued v1\n"
                        "[0] send client: submitted 101 queued, 101 replayed queued\n");
    jobs[0] = jobs[1] = story_job(102);
    jobs[1].fingerprint++;
    submit(story, jobs, 2);
    EXPECT(strstr(story_told(story), "submitted 102 atomic, 102 key-reused") != NULL);
    story_free(story);
}

TEST(atomic, two_records_cannot_hold_one_unique_key)
{
    struct story *story = story_new();
    struct msg_submit_job jobs[] = {story_job(1), story_job(2)};
    for (unsigned i = 0; i < 2; i++) {
        jobs[i].unique_key = slice_of_text("k");
        jobs[i].unique_hash = story_id(70);
        jobs[i].unique_while_unfinished = true;
    }
    submit(story, jobs, 2);
    EXPECT_STORY(story, "[0] send client: submitted 1 atomic, 2 unique (unique: an earlier record "
                        "asks for this key)\n");
    jobs[1].unique_hash = story_id(71);
    submit(story, jobs, 2);
    EXPECT_EQ(story_figures(story).submitted, 2);
    story_free(story);
}

TEST(atomic, a_record_may_wait_for_an_earlier_one_only)
{
    struct story *story = story_new();
    struct id first = story_id(1);
    struct msg_submit_job jobs[] = {story_job(1), story_job(2)};
    jobs[1].after = (struct msg_ids){.items = &first, .count = 1};
    jobs[1].on_dependency_failure = ON_FAILURE_RUN;
    struct msg_submit_job turned[] = {jobs[1], jobs[0]};
    submit(story, turned, 2);
    EXPECT(strstr(story_told(story),
                  "submitted 2 dependency (after: not known or no longer kept: ") != NULL);
    EXPECT_EQ(story_figures(story).submitted, 0);
    submit(story, jobs, 2);
    EXPECT_STORY(story, "[0] 2 waits for 1\n"
                        "[0] write 1 queued v1\n"
                        "[0] write 2 scheduled v1 due 0\n"
                        "[0] send client: submitted 1 queued, 2 scheduled\n");
    story_free(story);
}

TEST(atomic, records_write_no_circle_of_batches)
{
    struct story *story = story_new();
    struct msg_submit_job old[] = {story_job(1), story_job(2)};
    old[0].batch_id = story_id(90);
    old[1].batch_id = story_id(91);
    submit(story, old, 2);
    struct id batches[] = {story_id(90), story_id(91)};
    struct msg_submit_job jobs[] = {story_job(3), story_job(4)}; // each in the other's batch
    for (unsigned i = 0; i < 2; i++) {
        jobs[i].batch_id = batches[i];
        jobs[i].after = (struct msg_ids){.items = &batches[1 - i], .count = 1};
        jobs[i].on_dependency_failure = ON_FAILURE_RUN;
    }
    (void)story_told(story);
    submit(story, jobs, 2);
    EXPECT_STORY(story, "[0] send client: submitted 3 atomic, 4 dependency (after: others wait for "
                        "the job's batch, so the job cannot wait itself)\n");
    submit(story, jobs, 1);
    EXPECT_EQ(story_figures(story).submitted, 3);
    story_free(story);
}

// --- what they take together ---

typedef struct msg_submit_job make_job(uint32_t i);

static struct msg_submit_job with_key(uint32_t i)
{
    return story_job(100 + i);
}

static const char *const texts[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i",
                                    "j", "k", "l", "m", "n", "o", "p", "q"};

static struct msg_submit_job with_type(uint32_t i)
{
    struct msg_submit_job job = story_job(i);
    job.type = slice_of_text(texts[i]);
    return job;
}

static struct msg_submit_job with_queue(uint32_t i)
{
    struct msg_submit_job job = story_job(i);
    job.queue = slice_of_text(texts[i]);
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
    job.batch_id = story_id(80 + i);
    return job;
}

static struct msg_submit_job with_unique(uint32_t i)
{
    struct msg_submit_job job = story_job(i);
    job.unique_key = slice_of_text(texts[i]);
    job.unique_hash = story_id(70 + i);
    job.unique_for_s = 1;
    return job;
}

static struct msg_submit_job with_parent(uint32_t i)
{
    static struct id parent;
    parent = story_id(0);
    struct msg_submit_job job = story_job(i);
    if (i > 0) {
        job.after = (struct msg_ids){.items = &parent, .count = 1};
        job.on_dependency_failure = ON_FAILURE_RUN;
    }
    return job;
}

// `count` fit, and one more does not; then nothing is stored, and all that fit are accepted.
static void fill(make_job *make, uint32_t count, const struct limits *limits, const char *limit)
{
    struct story *story = story_new_with(limits);
    struct msg_submit_job jobs[MANY];
    for (uint32_t i = 0; i <= count; i++)
        jobs[i] = make(i);
    submit(story, jobs, count + 1);
    EXPECT(strstr(story_told(story), limit) != NULL);
    EXPECT_EQ(story_figures(story).submitted, 0);
    EXPECT_EQ(story_figures(story).job_count, 0);
    submit(story, jobs, count);
    EXPECT_EQ(story_figures(story).submitted, count);
    story_free(story);
}

static struct msg_submit_job of_body(uint32_t number, uint32_t batch, uint64_t fingerprint)
{
    struct msg_submit_job job = story_job(number);
    job.batch_id = story_id(batch);
    job.batch_fingerprint = fingerprint;
    return job;
}

TEST(atomic, records_of_one_batch_are_of_one_body)
{
    struct story *story = story_new();
    struct msg_submit_job jobs[] = {of_body(1, 90, 5), of_body(2, 91, 5), of_body(3, 90, 6)};
    submit(story, jobs, 3);
    EXPECT(strstr(story_told(story), "submitted 1 atomic, 2 atomic, 3 key-reused (another") !=
           NULL);
    try_each(story, jobs, 3);
    EXPECT(strstr(story_told(story), "submitted 1 queued, 2 queued, 3 key-reused (another") !=
           NULL);
    // A record said again under another body is not a replay.
    jobs[2] = of_body(1, 90, 6);
    submit(story, jobs, 3);
    EXPECT(strstr(story_told(story), "submitted 1 atomic, 2 atomic, 1 key-reused (another") !=
           NULL);
    EXPECT_EQ(story_figures(story).submitted, 0);
    jobs[2] = of_body(1, 90, 5);
    submit(story, jobs, 3);
    EXPECT(strstr(story_told(story), "submitted 1 queued, 2 queued, 1 replayed queued") != NULL);
    // All of another body is refused, also what is known of it.
    struct msg_submit_job others[] = {of_body(1, 90, 6), of_body(4, 90, 6)};
    submit(story, others, 2);
    const char *told = story_told(story);
    EXPECT(strstr(told, "submitted 1 key-reused (another") != NULL);
    EXPECT(strstr(told, ", 4 key-reused (another") != NULL);
    EXPECT_EQ(story_figures(story).submitted, 2);
    story_free(story);
}

TEST(atomic, a_record_that_is_refused_makes_no_batch)
{
    struct story *story = story_new();
    struct msg_submit_job jobs[] = {of_body(1, 90, 5), of_body(2, 90, 6)};
    jobs[0].schema = ERR_SCHEMA;
    try_each(story, jobs, 2);
    EXPECT(strstr(story_told(story), ", 2 queued\n") != NULL);
    story_free(story);
}

TEST(atomic, each_limit_is_counted_over_all_records)
{
    struct limits limits = story_limits();
    fill(story_job, 16, &limits, "16 full (job_count_max: too many unfinished jobs)");
    fill(with_key, 8, &limits, "108 full (dedup_full: key_count_max keys");
    fill(with_type, 4, &limits, "4 full (lane_count_max: too many different (queue, type) pairs)");
    fill(with_timeout, 4, &limits, "4 full (policy_count_max: too many different sets of options)");
    fill(with_batch, 3, &limits, "3 full (batch_count_max: too many batches)");
    fill(with_unique, 3, &limits, "3 full (unique_count_max: too many unique keys are held)");
    fill(with_parent, 9, &limits, "9 full (dependency_count_max: too many jobs wait for others)");
    limits.queue_count_max = 2;
    fill(with_queue, 2, &limits, "2 full (queue_count_max: too many different queues)");
}

TEST(atomic, what_records_share_is_counted_once)
{
    struct limits limits = story_limits();
    limits.lane_count_max = limits.policy_count_max = limits.batch_count_max = 2;
    limits.queue_count_max = 1;
    struct story *story = story_new_with(&limits);
    struct msg_submit_job jobs[12];
    for (uint32_t i = 0; i < 12; i++) {
        jobs[i] = story_job(i);
        jobs[i].type = slice_of_text(i % 2 == 0 ? "a" : "b");
        jobs[i].timeout_ms = 1 + i % 2;
        jobs[i].batch_id = story_id(80);
    }
    submit(story, jobs, 12);
    EXPECT_EQ(story_figures(story).submitted, 12);
    story_free(story);
}

// A batch that has no job yet is none that could be waited for.
// Two batches in turn, each told once.
TEST(atomic, a_batch_is_counted_once_wherever_its_records_stand)
{
    for (uint32_t short_of = 0; short_of < 2; short_of++) {
        struct limits limits = story_limits();
        limits.batch_count_max = 2;
        limits.job_count_max = 4 + 2 - short_of;
        struct story *story = story_new_with(&limits);
        struct msg_submit_job jobs[] = {story_job(1), story_job(2), story_job(3), story_job(4)};
        for (uint32_t i = 0; i < 4; i++) {
            jobs[i].batch_id = story_id(80 + i % 2);
            jobs[i].batch_webhook = slice_of_text("kept as it is");
        }
        submit(story, jobs, 4);
        EXPECT_EQ(story_figures(story).submitted, short_of == 0 ? 4 : 0);
        EXPECT_EQ(story_figures(story).deliveries, short_of == 0 ? 2 : 0);
        story_free(story);
    }
}

TEST(atomic, so_many_different_batches_are_waited_for)
{
    enum { AWAITED_MAX = 16 };
    struct limits limits = story_limits();
    limits.batch_count_max = limits.job_count_max = 2 * MANY;
    limits.dependency_count_max = 2 * MANY;
    struct story *story = story_new_with(&limits);
    struct id batches[AWAITED_MAX + 1];
    struct msg_submit_job jobs[AWAITED_MAX + 1];
    for (uint32_t i = 0; i <= AWAITED_MAX; i++) {
        batches[i] = story_id(60 + i);
        jobs[i] = story_job(20 + i);
        jobs[i].batch_id = batches[i];
    }
    submit(story, jobs, AWAITED_MAX + 1);
    for (uint32_t i = 0; i <= AWAITED_MAX; i++) {
        jobs[i] = story_job(i);
        jobs[i].after = (struct msg_ids){.items = &batches[i], .count = 1};
        jobs[i].on_dependency_failure = ON_FAILURE_RUN;
    }
    (void)story_told(story);
    submit(story, jobs, AWAITED_MAX + 1);
    EXPECT(strstr(story_told(story), "16 dependency (after: at most 16 different batches in one "
                                     "atomic request)") != NULL);
    EXPECT_EQ(story_figures(story).submitted, AWAITED_MAX + 1);
    submit(story, jobs, AWAITED_MAX);
    EXPECT_EQ(story_figures(story).submitted, 2 * AWAITED_MAX + 1);
    story_free(story);
}

TEST(atomic, ten_thousand_fit_into_one_step)
{
    struct limits limits = limits_default();
    EXPECT(atomic_weight(MSG_ATOMIC_JOBS_MAX) <= limits.changed_count_max);
}

TEST(atomic, a_tenant_gets_as_many_as_its_quota_together)
{
    struct story *story = story_new();
    story_submit(story, story_job(1));
    (void)story_told(story);
    struct msg_submit_job jobs[] = {with_queue(2), story_job(3), story_job(4)};
    for (uint32_t i = 0; i < 3; i++)
        jobs[i].tenant_open_max = 3;
    submit(story, jobs, 3);
    EXPECT_STORY(story, "[0] send client: submitted 2 atomic, 3 atomic, 4 quota (--open-jobs, "
                        "--tenant-open-max: the "
                        "tenant has as many unfinished jobs as it may)\n");
    submit(story, jobs, 2);
    EXPECT_EQ(story_figures(story).submitted, 3);
    story_free(story);
}

TEST(atomic, the_deliveries_to_come_are_in_no_quota)
{
    struct story *story = story_new();
    struct msg_submit_job jobs[] = {story_job(1), story_job(2), story_job(3)};
    for (uint32_t i = 0; i < 3; i++) {
        jobs[i].tenant_open_max = 2;
        jobs[i].webhook_events = 1u << JOB_DEAD;
    }
    submit(story, jobs, 3);
    EXPECT(strstr(story_told(story), "3 quota") != NULL);
    submit(story, jobs, 2);
    EXPECT_EQ(story_figures(story).submitted, 2);
    story_free(story);
}

TEST(atomic, the_way_of_deliveries_is_counted_once_and_only_if_it_is_missing)
{
    struct limits limits = story_limits();
    limits.lane_count_max = limits.queue_count_max = 2;
    struct story *story = story_new_with(&limits);
    struct msg_submit_job jobs[] = {story_job(1), story_job(2), story_job(3), story_job(4)};
    for (uint32_t i = 0; i < 4; i++)
        jobs[i].webhook_events = 1u << JOB_DEAD;
    submit(story, jobs, 2);
    EXPECT_EQ(story_figures(story).submitted, 2);
    (void)story_told(story);
    try_each(story, jobs + 2, 2);
    EXPECT(strstr(story_told(story), "lane_count_max") == NULL);
    submit(story, jobs + 2, 2);
    EXPECT_EQ(story_figures(story).submitted, 4);
    story_free(story);
}

TEST(atomic, a_refused_record_makes_no_way_for_the_deliveries_of_others)
{
    struct limits limits = story_limits();
    limits.lane_count_max = 3;
    struct story *story = story_new_with(&limits);
    story_submit(story, story_job(1));
    (void)story_told(story);
    struct msg_submit_job jobs[] = {with_type(2), with_type(3), story_job(4), with_type(5)};
    jobs[1].webhook_events = jobs[2].webhook_events = 1u << JOB_DEAD;
    try_each(story, jobs, 4);
    static const char full[] = "full (lane_count_max: too many different (queue, type) pairs)";
    char expected[256];
    (void)snprintf(expected, sizeof expected,
                   "[0] send client: submitted 2 queued, 3 %s, 4 queued, 5 %s\n", full, full);
    EXPECT_STORY(story, expected);
    story_free(story);
}

TEST(atomic, a_queue_takes_as_many_as_it_may_together)
{
    struct story *story = story_new();
    struct msg_queue_set set = {.queue = slice_of_text("default"), .settings = {.open_max = 3}};
    story_say(story, STORY_CLIENT, &(struct msg){.kind = MSG_QUEUE_SET, .queue_set = set});
    story_submit(story, story_job(1));
    (void)story_told(story);
    struct msg_submit_job jobs[] = {with_queue(2), story_job(3), with_queue(2), story_job(4),
                                    story_job(5)};
    jobs[2].job_id = story_id(7);
    submit(story, jobs, 5);
    EXPECT_STORY(story, "[0] send client: submitted 2 atomic, 3 atomic, 7 atomic, 4 atomic, 5 full "
                        "(open_max: the queue has as many unfinished jobs as it may)\n");
    submit(story, jobs, 4);
    EXPECT_EQ(story_figures(story).submitted, 5);
    story_free(story);
}
