// The auditor dies of each kind of disagreement between an index and the jobs.

#include "broker/core/core_private.h"

#include "tests/support/story.h"

// Job 1 runs at worker 1, job 2 is queued, job 3 scheduled.
static struct story *busy(void)
{
    struct story *story = story_new();
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(1));
    story_submit(story, story_job(2));
    struct msg_submit_job job = story_job(3);
    job.delay_ms = 10;
    story_submit(story, job);
    return story;
}

static struct job *job_of(struct story *story, uint32_t number)
{
    struct id id = story_id(number);
    struct jobs *jobs = &story->core->ledger.jobs;
    return jobs_at(jobs, jobs_find(jobs, &id));
}

TEST(core_audit, a_sound_core_passes)
{
    struct story *story = busy();
    core_audit(story->core);
    story_free(story);
}

TEST(core_audit, states_must_agree_with_the_counts)
{
    struct story *story = busy();
    story->core->ledger.row.counts[JOB_QUEUED]++;
    story->core->ledger.row.accepted++;
    EXPECT_DIES(core_audit(story->core));
    story_free(story);
}

TEST(core_audit, the_law_must_hold)
{
    struct story *story = busy();
    story->core->ledger.row.accepted++;
    EXPECT_DIES(core_audit(story->core));
    story_free(story);
}

TEST(core_audit, a_running_job_must_have_its_lease)
{
    struct story *story = busy();
    leases_pass(&story->core->leases, 0);
    EXPECT_DIES(core_audit(story->core));
    story_free(story);
    story = busy();
    pasts_at(&story->core->ledger.pasts, job_of(story, 1)->past)->token++;
    EXPECT_DIES(core_audit(story->core));
    story_free(story);
    story = busy();
    job_of(story, 1)->token_use = TOKEN_EXPIRED;
    EXPECT_DIES(core_audit(story->core));
    story_free(story);
}

TEST(core_audit, a_waiting_job_must_have_no_open_token)
{
    struct story *story = busy();
    job_of(story, 2)->token_use = TOKEN_OPEN;
    EXPECT_DIES(core_audit(story->core));
    story_free(story);
}

TEST(core_audit, a_waiting_job_must_wait_somewhere)
{
    struct story *story = busy();
    (void)delayed_take(&story->core->delayed, WHEN_NEVER);
    EXPECT_DIES(core_audit(story->core));
    story_free(story);
    story = busy();
    struct id id = story_id(2);
    ready_drop(&story->core->ready, jobs_find(&story->core->ledger.jobs, &id));
    EXPECT_DIES(core_audit(story->core));
    story_free(story);
}

TEST(core_audit, a_workers_sum_must_be_that_of_its_leases)
{
    struct story *story = busy();
    workers_at(&story->core->workers, 0)->out_bytes++;
    EXPECT_DIES(core_audit(story->core));
    workers_at(&story->core->workers, 0)->out_bytes--;
    workers_at(&story->core->workers, 0)->out_count++;
    EXPECT_DIES(core_audit(story->core));
    story_free(story);
}

TEST(core_audit, nobody_without_credit_stands_in_a_ring)
{
    struct story *story = busy();
    workers_at(&story->core->workers, 0)->in_rings = true;
    EXPECT_DIES(core_audit(story->core));
    story_free(story);
}

TEST(core_audit, a_job_must_be_found_by_its_id)
{
    struct story *story = busy();
    job_of(story, 2)->id.bytes[15]++;
    EXPECT_DIES(core_audit(story->core));
    story_free(story);
    story = busy();
    job_of(story, 2)->policy = 3;
    EXPECT_DIES(core_audit(story->core));
    story_free(story);
    story = busy();
    job_of(story, 2)->lane = 1;
    EXPECT_DIES(core_audit(story->core));
    story_free(story);
}
