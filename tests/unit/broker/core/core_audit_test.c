// The auditor names each kind of disagreement between an index and the jobs; core_audit() dies of it.

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

// --- names ---

static struct violation_list look(struct story *story)
{
    struct violation_list found = {0};
    struct core_audit_walk walk = {0};
    while (!core_audit_some(story->core, &walk, 1, &found))
        continue;
    return found;
}

// Exactly this kind is named.
static void expect_named(struct story *story, enum violation kind)
{
    struct violation_list found = look(story);
    for (unsigned i = 0; i < VIOLATION_COUNT; i++) {
        if (found.of[i].count > 0 && i != kind)
            EXPECT_STR(violation_slug((enum violation)i), violation_slug(kind));
    }
    EXPECT(found.of[kind].count > 0);
    story_free(story);
}

static void expect_two(struct story *story, enum violation a, enum violation b)
{
    struct violation_list found = look(story);
    EXPECT_EQ(found.of[a].count, 1);
    EXPECT_EQ(found.of[b].count, 1);
    EXPECT_EQ(violation_sum(&found), 2);
    story_free(story);
}

TEST(core_audit, a_sound_core_is_not_accused)
{
    struct story *story = busy();
    struct violation_list found = look(story);
    EXPECT_EQ(violation_sum(&found), 0);
    story_restart(story);
    found = look(story);
    EXPECT_EQ(violation_sum(&found), 0);
    story_free(story);
}

TEST(core_audit, names_a_lost_lease)
{
    struct story *story = busy();
    struct worker *worker = workers_at(&story->core->workers, 0);
    leases_drop(&story->core->leases, 0, &worker->leases);
    worker->out_count = 0;
    worker->out_bytes = 0;
    struct violation_list found = look(story);
    EXPECT_EQ(found.of[VIOLATION_LEASE_LOST].count, 1);
    EXPECT_EQ(found.of[VIOLATION_LEASE_LOST].no, 1);
    EXPECT_EQ(found.of[VIOLATION_MEMORY_COUNTS].count, 1); // as many leases as running jobs
    EXPECT_EQ(violation_sum(&found), 2);
    story_free(story);
}

TEST(core_audit, names_a_lease_of_another_job)
{
    struct story *story = busy();
    leases_at(&story->core->leases, 0)->job_id.bytes[15]++;
    expect_named(story, VIOLATION_LEASE_ORPHAN);
}

TEST(core_audit, names_a_lease_without_a_job)
{
    struct story *story = busy();
    leases_at(&story->core->leases, 0)->slot = 14;
    struct violation_list found = look(story);
    EXPECT_EQ(found.of[VIOLATION_LEASE_ORPHAN].count, 1);
    EXPECT_EQ(found.of[VIOLATION_LEASE_LOST].count, 1);
    story_free(story);
}

TEST(core_audit, names_a_job_that_waits_nowhere)
{
    struct story *story = busy();
    struct id id = story_id(2);
    uint32_t slot = jobs_find(&story->core->ledger.jobs, &id);
    wait_leave(story->core, slot);
    story->core->ready.lanes[0].count++; // only the list has lost it
    expect_named(story, VIOLATION_WAITS_NOWHERE);
}

TEST(core_audit, names_a_delayed_job_that_waits_nowhere)
{
    struct story *story = busy();
    struct id id = story_id(3);
    uint32_t slot = jobs_find(&story->core->ledger.jobs, &id);
    story->core->delayed.places[slot] = 7;
    expect_named(story, VIOLATION_WAITS_NOWHERE);
}

TEST(core_audit, names_a_delayed_job_that_waits_for_another_moment)
{
    struct story *story = busy();
    job_of(story, 3)->at++;
    expect_named(story, VIOLATION_MEMORY_INDEX);
}

TEST(core_audit, names_a_delayed_place_without_a_job)
{
    struct story *story = busy();
    story->core->delayed.heap.entries[0].item = 14;
    expect_two(story, VIOLATION_MEMORY_INDEX, VIOLATION_WAITS_NOWHERE);
}

TEST(core_audit, names_a_wrong_sum)
{
    struct story *story = busy();
    story->core->ledger.row.accepted++;
    expect_named(story, VIOLATION_LAW);
    story = busy();
    (void)delayed_take(&story->core->delayed, WHEN_NEVER);
    expect_two(story, VIOLATION_MEMORY_COUNTS, VIOLATION_WAITS_NOWHERE);
}

TEST(core_audit, names_a_contradicting_state)
{
    struct story *story = busy();
    job_of(story, 2)->token_use = TOKEN_OPEN;
    expect_named(story, VIOLATION_STATE);
    story = busy();
    pasts_at(&story->core->ledger.pasts, job_of(story, 1)->past)->worker = (struct id){{0}};
    expect_named(story, VIOLATION_STATE);
}

TEST(core_audit, names_wrong_credit)
{
    struct story *story = busy();
    workers_at(&story->core->workers, 0)->out_count++;
    expect_named(story, VIOLATION_CREDIT);
    story = busy();
    leases_at(&story->core->leases, 0)->worker = 1;
    expect_named(story, VIOLATION_CREDIT);
}

TEST(core_audit, names_an_index_that_does_not_find)
{
    struct story *story = busy();
    job_of(story, 2)->id.bytes[15]++;
    expect_named(story, VIOLATION_MEMORY_INDEX);
    story = busy();
    job_of(story, 2)->batch = 1;
    expect_named(story, VIOLATION_MEMORY_INDEX);
}

static struct story *with_batches(void)
{
    struct story *story = story_new();
    for (uint32_t number = 1; number <= 3; number++) {
        struct msg_submit_job job = story_job(number);
        job.batch_id = story_id(90 + number);
        story_submit(story, job);
    }
    story_seal(story, 93);
    struct violation_list found = look(story);
    EXPECT_EQ(violation_sum(&found), 0);
    return story;
}

TEST(core_audit, names_a_batch_that_would_never_be_sealed)
{
    struct story *story = with_batches();
    story->core->ledger.batches.items[1].prev = BATCHES_NONE;
    expect_named(story, VIOLATION_MEMORY_INDEX);
    story = with_batches();
    story->core->ledger.batches.items[1].joined_at -= 1000;
    expect_named(story, VIOLATION_MEMORY_INDEX);
}

TEST(core_audit, names_a_batch_whose_end_was_missed)
{
    struct story *story = with_batches();
    story->core->ledger.batches.items[2].row.counts[JOB_QUEUED] = 0;
    expect_named(story, VIOLATION_STATE);
    story = with_batches();
    story->core->ledger.batches.items[2].row.id.bytes[15]++;
    expect_named(story, VIOLATION_MEMORY_INDEX);
    story = with_batches();
    story->core->ledger.batches.items[2].row.tenant = slice_of_text("nobody");
    expect_named(story, VIOLATION_MEMORY_INDEX);
}

TEST(core_audit, compares_stored_rows_with_memory)
{
    struct story *story = busy();
    struct id id = story_id(2);
    struct job_row row =
        ledger_row_of(&story->core->ledger, jobs_find(&story->core->ledger.jobs, &id));
    EXPECT_EQ(core_audit_row(story->core, &row), VIOLATION_NONE);
    row.priority++;
    EXPECT_EQ(core_audit_row(story->core, &row), VIOLATION_MEMORY_DIFFERS);
    row.version--; // an older snapshot
    EXPECT_EQ(core_audit_row(story->core, &row), VIOLATION_NONE);
    row.version += 2; // memory is never behind
    EXPECT_EQ(core_audit_row(story->core, &row), VIOLATION_MEMORY_DIFFERS);
    row.no--; // the same key once more: the older job must have ended
    EXPECT_EQ(core_audit_row(story->core, &row), VIOLATION_FORGOTTEN);
    row.id.bytes[15]++;
    EXPECT_EQ(core_audit_row(story->core, &row), VIOLATION_FORGOTTEN);
    story_free(story);
}

TEST(core_audit, a_shut_queue_or_key_must_have_its_moment)
{
    const struct msg msg = {.kind = MSG_QUEUE_SET,
                            .queue_set = {.queue = slice_of_text("default"),
                                          .settings = {.rate = {.count = 1, .per_ms = 50}}}};
    struct story *story = story_new();
    story_say(story, STORY_CLIENT, &msg);
    story_worker(story, 11, "mail", 1);
    story_submit(story, story_job(1));
    core_audit(story->core);
    gates_open(&story->core->gates, 0); // nobody will open it
    EXPECT_DIES(core_audit(story->core));
    story_free(story);
    story = story_new();
    story_worker(story, 11, "mail", 1);
    struct msg_submit_job job = story_job(1);
    job.concurrency_key = slice_of_text("k");
    job.key_hash = 7;
    story_submit(story, job);
    core_audit(story->core);
    strands_shut(&story->core->strands, 0, true);
    EXPECT_DIES(core_audit(story->core));
    story_free(story);
}
