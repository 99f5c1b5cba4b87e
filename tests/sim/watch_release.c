// What leaves the broker, after its batch is durable.

#include "tests/sim/sim.h"

// What the answer at place `at` of the message is about: an atomic one has others behind its own.
static const struct intent *intent_of(const struct sim *sim, uint64_t corr, uint32_t at)
{
    for (uint32_t i = 0; i < sim->intent_count; i++) {
        if (sim->intents[i].corr == corr)
            return &sim->intents[i];
        if (sim->intents[i].atomic_corr == corr)
            return &sim->intents[i - at];
    }
    sim_fail("an answer that nobody has asked for");
}

static struct seen_job *seen_of(struct sim *sim, const struct id *id)
{
    for (uint32_t i = 0; i < sim->watch.job_count; i++)
        if (id_equal(&sim->watch.jobs[i].id, id))
            return &sim->watch.jobs[i];
    SIM_EXPECT(sim->watch.job_count < SIM_INTENTS + 64, "room for ids");
    struct seen_job *seen = &sim->watch.jobs[sim->watch.job_count++];
    *seen = (struct seen_job){.id = *id};
    return seen;
}

static void check_refusal(struct sim *sim, const struct intent *intent,
                          const struct msg_submitted_job *answer)
{
    if (answer->error == ERR_KEY_REUSED)
        watch_seen(SEEN_KEY_REUSED);
    if (answer->error == ERR_DEPENDENCY)
        watch_seen(SEEN_PARENT_UNKNOWN);
    if (answer->error == ERR_ID_TOO_OLD) {
        SIM_EXPECT(!intent->job.is_spooled, "a job from a spool may have an id of any age");
        watch_seen(SEEN_ID_TOO_OLD);
    }
    if (answer->error != ERR_FULL)
        return;
    if (answer->detail.len > 4 && memcmp(answer->detail.data, "job_", 4) == 0)
        watch_seen(SEEN_FULL_JOBS);
    if (answer->detail.len > 4 && memcmp(answer->detail.data, "conc", 4) == 0)
        watch_seen(SEEN_FULL_KEYS);
    if (answer->detail.len > 4 && memcmp(answer->detail.data, "lane", 4) == 0) {
        watch_seen(SEEN_FULL_LANES);
        sim->watch.was_full_lanes = true;
    }
    if (answer->detail.len > 4 && memcmp(answer->detail.data, "poli", 4) == 0)
        watch_seen(SEEN_FULL_POLICIES);
    if (answer->detail.len > 4 && memcmp(answer->detail.data, "uniq", 4) == 0)
        watch_seen(SEEN_UNIQUE_FULL);
}

static void check_replay(struct sim *sim, const struct seen_job *seen,
                         const struct msg_submitted_job *answer, const struct job_row *row)
{
    watch_seen(SEEN_REPLAY);
    if (seen->dedup_until == 0)
        watch_seen(SEEN_REPLAY_UNSETTLED);
    if (answer->state == JOB_REMOVED)
        watch_seen(SEEN_REPLAY_TOMBSTONE);
    else if (row != NULL && job_is_done(row->state) &&
             jobs_find(&sim->shell.core->ledger.jobs, &row->id) == JOBS_NONE)
        watch_seen(SEEN_REPLAY_STORED);
}

// Of a job that is new to the broker.
static void check_age(const struct intent *intent, const struct msg_submitted_job *answer)
{
    const struct id *id = &intent->job.job_id;
    if (id_version(id) != 7 || id_time(id) > answer->created_at - LIMITS_ID_AGE_MAX_MS)
        return;
    SIM_EXPECT(intent->job.is_spooled, "an old id is only taken from a spool");
    watch_seen(SEEN_SPOOLED_OLD);
}

static void check_submitted(struct sim *sim, const struct intent *intent,
                            const struct msg_submitted_job *answer)
{
    if (answer->error != OK) {
        check_refusal(sim, intent, answer);
        return;
    }
    const struct job_row *row = model_find(&sim->store, &answer->job_id);
    struct seen_job *seen = seen_of(sim, &answer->job_id);
    // The batch of a replay may also hold the key's end and its next use, with another body.
    bool is_used_again = row != NULL && row->accepted_at > answer->created_at;
    SIM_EXPECT((row != NULL && !is_used_again) || sim->now.store >= answer->dedup_until,
               "what is acknowledged is stored");
    SIM_EXPECT(row == NULL || is_used_again || row->fingerprint == intent->job.fingerprint,
               "a key with another body is refused");
    if (answer->replayed) {
        check_replay(sim, seen, answer, row);
        return;
    }
    check_age(intent, answer);
    SIM_EXPECT(answer->created_at >= seen->dedup_until, "one job per key in its window");
    if (seen->dedup_until > 0)
        watch_seen(SEEN_KEY_AGAIN);
    seen->dedup_until = answer->dedup_until;
    seen->fingerprint = intent->job.fingerprint;
}

static bool is_new_in(const struct effects *fx, const struct job_row *row)
{
    for (uint32_t i = 0; i < fx->write_count; i++)
        if (fx->writes[i].kind == WRITE_JOB && fx->writes[i].job.row.no == row->no)
            return fx->writes[i].job.is_new;
    return false;
}

static void check_finished(const struct sim *sim, const struct effects *fx,
                           const struct msg_finished_job *answer)
{
    const struct job_row *row = model_find(&sim->store, &answer->job_id);
    // The batch of a repeated finish may also hold the key's end and its next use.
    if (answer->error != OK || row == NULL || is_new_in(fx, row))
        return;
    SIM_EXPECT(row->token >= answer->token, "a finish is accepted for a granted token");
    SIM_EXPECT(row->token != answer->token || row->token_use == TOKEN_FINISHED,
               "an accepted finish is stored before it is answered");
}

void watch_release(struct sim *sim, const struct effects *fx)
{
    for (uint32_t i = 0; i < fx->send_count; i++) {
        const struct msg *msg = &fx->sends[i].msg;
        bool is_stored = msg->kind == MSG_SUBMITTED && msg->submitted.forecast_count == 0;
        for (uint32_t j = 0; is_stored && j < msg->submitted.count; j++)
            check_submitted(sim, intent_of(sim, msg->corr, j), &msg->submitted.jobs[j]);
        if (msg->kind == MSG_OPERATION_IS)
            watch_operation_answer(sim, &msg->operation_is);
        if (msg->kind == MSG_ACTED)
            watch_acted(sim, msg->corr, &msg->acted);
        if (msg->kind == MSG_QUEUE_STATUS_IS)
            watch_queue_answer(sim, fx, &msg->queue_status_is);
        for (uint32_t j = 0; msg->kind == MSG_FINISHED && j < msg->finished.count; j++)
            check_finished(sim, fx, &msg->finished.jobs[j]);
    }
    for (uint32_t i = 0; i < fx->grant_count; i++) {
        const struct job_row *row = &sim->store.rows[fx->grants[i].job_no];
        SIM_EXPECT(row->state == JOB_RUNNING && row->token == fx->grants[i].job.token,
                   "a lease is stored before its job leaves");
        SIM_EXPECT(sim->store.bodies[row->no] != NULL, "a granted job has its body");
    }
}
