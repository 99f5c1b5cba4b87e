// Applying entries: each kind, its writes, its place in the digest, and what must not happen.

#include "tests/support/ledger_bench.h"

static struct ledger_bench *make(void)
{
    return ledger_bench_make((struct limits){.job_count_max = 8,
                                             .key_count_max = 4,
                                             .tenant_count_max = 2,
                                             .queue_count_max = 2,
                                             .type_count_max = 2,
                                             .lane_count_max = 2,
                                             .concurrency_key_count_max = 4,
                                             .key_running_max = 1,
                                             .policy_count_max = 2,
                                             .unique_count_max = 4,
                                             .dependency_count_max = 4,
                                             .batch_count_max = 2,
                                             .schedule_count_max = 2,
                                             .endpoint_count_max = 4,
                                             .lease_count_max = 2});
}

static struct id id_of(uint32_t number)
{
    return id_v7(1000, 0, number);
}

static uint32_t apply(struct ledger_bench *bench, struct entry entry)
{
    return ledger_apply(&bench->ledger, &entry, &bench->fx);
}

static void start(struct ledger_bench *bench, uint32_t epoch)
{
    (void)apply(bench, (struct entry){.kind = ENTRY_START, .start = {.epoch = epoch}});
}

static const struct msg_submit_job given = {.queue = {(const uint8_t *)"q", 1},
                                            .type = {(const uint8_t *)"t", 1},
                                            .priority = MSG_PRIORITY_NOT_GIVEN};

static uint32_t submit(struct ledger_bench *bench, uint32_t number, when_ms due_at)
{
    return apply(bench, (struct entry){.kind = ENTRY_SUBMIT,
                                       .at = 100,
                                       .job_id = id_of(number),
                                       .slot = ENTRY_NO_SLOT,
                                       .submit = {.job = &given,
                                                  .policy = {.keep_s = 1, .max_attempts = 2},
                                                  .due_at = due_at}});
}

static uint32_t grant(struct ledger_bench *bench, uint32_t number)
{
    return apply(bench, (struct entry){.kind = ENTRY_GRANT,
                                       .at = 200,
                                       .job_id = id_of(number),
                                       .slot = ENTRY_NO_SLOT,
                                       .grant = {.worker = id_of(50), .lease_ms = 30}});
}

static uint32_t finish(struct ledger_bench *bench, uint32_t number, enum job_event event,
                       const struct msg_finish_job *said)
{
    return apply(
        bench, (struct entry){.kind = ENTRY_FINISH,
                              .at = 300,
                              .job_id = id_of(number),
                              .slot = ENTRY_NO_SLOT,
                              .finish = {.finish = said, .event = (uint8_t)event, .due_at = 400}});
}

static const struct job *job_at(const struct ledger_bench *bench, uint32_t slot)
{
    return jobs_at(&bench->ledger.jobs, slot);
}

static const struct past *past_at(const struct ledger_bench *bench, uint32_t slot)
{
    return ledger_past(&bench->ledger, job_at(bench, slot));
}

TEST(ledger, epochs_only_grow_and_tokens_begin_anew)
{
    struct ledger_bench *bench = make();
    start(bench, 3);
    uint32_t slot = submit(bench, 1, 100);
    EXPECT_EQ(grant(bench, 1), slot);
    EXPECT_EQ(past_at(bench, slot)->token, (uint64_t)3 << 40 | 1);
    EXPECT_DIES(start(bench, 3));
    start(bench, 4);
    slot = submit(bench, 2, 100);
    (void)grant(bench, 2);
    EXPECT_EQ(past_at(bench, slot)->token, (uint64_t)4 << 40 | 1);
    ledger_bench_drop(bench);
}

TEST(ledger, a_submission_is_due_now_or_later)
{
    struct ledger_bench *bench = make();
    EXPECT_EQ(job_at(bench, submit(bench, 1, 100))->state, JOB_QUEUED);
    EXPECT_EQ(job_at(bench, submit(bench, 2, 101))->state, JOB_SCHEDULED);
    EXPECT_EQ(bench->ledger.row.accepted, 2);
    EXPECT_EQ(bench->ledger.row.job_no_next, 3);
    EXPECT_EQ(bench->ledger.row.counts[JOB_SCHEDULED], 1);
    (void)apply(bench,
                (struct entry){.kind = ENTRY_DUE, .job_id = id_of(2), .slot = ENTRY_NO_SLOT});
    EXPECT_EQ(bench->ledger.row.counts[JOB_SCHEDULED], 0);
    EXPECT_EQ(bench->ledger.row.counts[JOB_QUEUED], 2);
    ledger_bench_drop(bench);
}

TEST(ledger, a_lane_and_a_policy_are_written_once)
{
    struct ledger_bench *bench = make();
    (void)submit(bench, 1, 100);
    EXPECT_EQ(bench->fx.write_count, 3); // lane, policy, body
    (void)submit(bench, 2, 100);
    EXPECT_EQ(bench->fx.write_count, 4); // body
    ledger_bench_drop(bench);
}

TEST(ledger, a_changed_job_is_listed_once)
{
    struct ledger_bench *bench = make();
    start(bench, 1);
    (void)submit(bench, 1, 100);
    (void)grant(bench, 1);
    EXPECT_EQ(bench->fx.changed_count, 1);
    uint64_t batch = ledger_collect(&bench->ledger, 500, &bench->fx);
    const struct write *row = &bench->writes[3];
    EXPECT_EQ(row->kind, WRITE_JOB);
    EXPECT(row->job.is_new);
    EXPECT_EQ(row->job.row.state, JOB_RUNNING);
    EXPECT_EQ(row->job.row.lease_ms, 30);
    EXPECT_EQ(bench->writes[4].kind, WRITE_QUEUE);
    EXPECT_EQ(bench->writes[4].queue.counts[JOB_RUNNING], 1);
    EXPECT_EQ(bench->writes[5].kind, WRITE_LEDGER);
    EXPECT_EQ(bench->writes[5].ledger.store_time, 500);
    effects_reset(&bench->fx);
    EXPECT_EQ(ledger_collect(&bench->ledger, 500, &bench->fx), batch + 1);
    EXPECT_EQ(bench->fx.write_count, 0);
    EXPECT_DIES((void)ledger_collect(&bench->ledger, 499, &bench->fx)); // time went back
    ledger_bench_drop(bench);
}

TEST(ledger, an_ended_job_stays_until_its_batch_is_durable)
{
    struct ledger_bench *bench = make();
    start(bench, 1);
    uint32_t slot = submit(bench, 1, 100);
    (void)grant(bench, 1);
    struct msg_finish_job said = {.outcome = OUTCOME_SUCCEEDED};
    (void)finish(bench, 1, JOB_SUCCEED, &said);
    EXPECT_EQ(job_at(bench, slot)->token_use, TOKEN_FINISHED);
    EXPECT_EQ(job_at(bench, slot)->at, 300);
    uint64_t batch = ledger_collect(&bench->ledger, 500, &bench->fx);
    EXPECT_EQ(bench->ledger.jobs.count, 1);
    EXPECT_DIES(ledger_settled(&bench->ledger, batch + 1)); // not even closed
    ledger_settled(&bench->ledger, batch - 1);
    EXPECT_EQ(bench->ledger.jobs.count, 1);
    ledger_settled(&bench->ledger, batch);
    EXPECT_EQ(bench->ledger.jobs.count, 0);
    EXPECT(!policies_is_known(&bench->ledger.policies, 0)); // nobody has it any more
    EXPECT_EQ(bench->ledger.pasts.count, 0);
    ledger_bench_drop(bench);
}

TEST(ledger, outcomes_are_counted_where_they_belong)
{
    static const struct {
        enum outcome outcome;
        enum job_event event;
        unsigned errors, crashes, interruptions;
    } rows[] = {{OUTCOME_SUCCEEDED, JOB_SUCCEED, 0, 0, 0},  {OUTCOME_FAILED, JOB_FAIL, 1, 0, 0},
                {OUTCOME_DEAD, JOB_DIE, 1, 0, 0},           {OUTCOME_CRASHED, JOB_FAIL, 0, 1, 0},
                {OUTCOME_INTERRUPTED, JOB_RETURN, 0, 0, 1}, {OUTCOME_SNOOZED, JOB_SNOOZE, 0, 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ledger_bench *bench = make();
        start(bench, 1);
        uint32_t slot = submit(bench, 1, 100);
        (void)grant(bench, 1);
        struct msg_finish_job said = {.outcome = rows[i].outcome};
        (void)finish(bench, 1, rows[i].event, &said);
        const struct job *job = job_at(bench, slot);
        const struct past *past = past_at(bench, slot);
        EXPECT_EQ(past->errors, rows[i].errors);
        EXPECT_EQ(past->crashes, rows[i].crashes);
        EXPECT_EQ(past->interruptions, rows[i].interruptions);
        EXPECT_EQ(job->at, job_is_done(job->state) ? 300 : 400);
        EXPECT_EQ(!id_is_zero(&past->worker), job_is_done(job->state));
        ledger_bench_drop(bench);
    }
}

TEST(ledger, a_job_has_no_past_until_it_is_granted_and_keeps_it_then)
{
    struct ledger_bench *bench = make();
    start(bench, 1);
    uint32_t slot = submit(bench, 1, 100);
    EXPECT_EQ(job_at(bench, slot)->past, PASTS_NONE);
    EXPECT_EQ(past_at(bench, slot)->token, 0);
    struct msg_finish_job said = {.outcome = OUTCOME_INTERRUPTED};
    for (uint32_t i = 1; i <= 3; i++) {
        (void)grant(bench, 1);
        EXPECT_DIES((void)grant(bench, 1)); // somebody has it
        (void)finish(bench, 1, JOB_RETURN, &said);
        EXPECT_EQ(past_at(bench, slot)->interruptions, i);
        EXPECT_EQ(bench->ledger.pasts.count, 1);
    }
    ledger_bench_drop(bench);
}

TEST(ledger, progress_is_for_running_jobs)
{
    struct ledger_bench *bench = make();
    start(bench, 1);
    uint32_t slot = submit(bench, 1, 100);
    struct msg_progress said = {.done = 5};
    struct entry progress = {.kind = ENTRY_PROGRESS,
                             .job_id = id_of(1),
                             .slot = ENTRY_NO_SLOT,
                             .progress = {.said = &said}};
    EXPECT_DIES((void)apply(bench, progress));
    (void)grant(bench, 1);
    uint32_t version = job_at(bench, slot)->version;
    (void)apply(bench, progress);
    EXPECT_EQ(job_at(bench, slot)->version, version + 1); // readers see it
    ledger_bench_drop(bench);
}

TEST(ledger, entries_that_are_not_possible_stop_the_process)
{
    struct ledger_bench *bench = make();
    start(bench, 1);
    (void)submit(bench, 1, 100);
    struct msg_finish_job said = {.outcome = OUTCOME_SUCCEEDED};
    struct entry end = {.kind = ENTRY_LEASE_END,
                        .job_id = id_of(1),
                        .slot = ENTRY_NO_SLOT,
                        .lease_end = {.event = JOB_RETURN}};
    EXPECT_DIES((void)finish(bench, 1, JOB_SUCCEED, &said)); // it does not run
    EXPECT_DIES((void)apply(bench, end));
    EXPECT_DIES((void)grant(bench, 2)); // nobody knows it
    EXPECT_DIES((void)apply(
        bench, (struct entry){.kind = ENTRY_REMOVE, .job_id = id_of(1), .remove = {.job_no = 1}}));
    EXPECT_DIES((void)apply(
        bench, (struct entry){.kind = ENTRY_FORGET, .job_id = id_of(1), .remove = {.job_no = 1}}));
    EXPECT_DIES((void)apply(bench, (struct entry){.kind = (enum entry_kind)99}));
    ledger_bench_drop(bench);
}

TEST(ledger, recorded_entries_replay_to_the_same_digest)
{
    struct ledger_bench *first = make();
    struct msg_finish_job said = {.outcome = OUTCOME_FAILED};
    start(first, 1);
    (void)submit(first, 1, 100);
    (void)submit(first, 2, 150);
    (void)grant(first, 1);
    (void)finish(first, 1, JOB_FAIL, &said);
    struct ledger_bench *second = make();
    for (uint32_t i = 0; i < first->fx.entry_count; i++) {
        EXPECT_EQ(first->entries[i].slot, ENTRY_NO_SLOT); // slots are this process's own
        EXPECT(ledger_digest(&first->ledger) != ledger_digest(&second->ledger));
        (void)apply(second, first->entries[i]);
    }
    EXPECT(ledger_digest(&first->ledger) == ledger_digest(&second->ledger));
    ledger_bench_drop(first);
    ledger_bench_drop(second);
}
