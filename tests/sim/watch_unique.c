// Unique keys: one holder at any time, for exactly its span. The model knows what was asked for
// and which jobs have ended, nothing of the core's table.

#include "tests/sim/sim.h"

static bool is_held(const struct seen_unique *unique, when_ms now)
{
    return unique->until > now || (unique->waits_end && !unique->has_ended);
}

// The newest key of this job.
static struct seen_unique *unique_of(struct sim *sim, const struct id *job_id)
{
    for (uint32_t i = sim->watch.unique_count; i-- > 0;)
        if (id_equal(&sim->watch.uniques[i].job_id, job_id))
            return &sim->watch.uniques[i];
    return NULL;
}

// `own`: it may be its own holder's.
static void check_free(const struct sim *sim, const struct id *hash, const struct seen_unique *own,
                       when_ms now)
{
    for (uint32_t i = 0; i < sim->watch.unique_count; i++) {
        const struct seen_unique *seen = &sim->watch.uniques[i];
        if (seen == own || !id_equal(&seen->hash, hash))
            continue;
        SIM_EXPECT(!is_held(seen, now), "one holder per unique key");
        watch_seen(seen->until > 0 ? SEEN_UNIQUE_PASSED : SEEN_UNIQUE_ENDED);
    }
}

static void take(struct sim *sim, const struct entry *entry)
{
    const struct msg_submit_job *job = entry->submit.job;
    if (job->unique_key.len == 0)
        return;
    check_free(sim, &job->unique_hash, NULL, entry->at);
    SIM_EXPECT(sim->watch.unique_count < SIM_INTENTS * 4, "room for unique keys");
    sim->watch.uniques[sim->watch.unique_count++] = (struct seen_unique){
        .hash = job->unique_hash,
        .job_id = entry->job_id,
        .accepted_at = entry->at,
        .until = job->unique_for_s > 0 ? entry->at + (when_ms)job->unique_for_s * 1000 : 0,
        .waits_end = job->unique_while_unfinished};
}

static void take_again(struct sim *sim, struct seen_unique *unique, when_ms now)
{
    check_free(sim, &unique->hash, unique, now);
    watch_seen(unique->until > now ? SEEN_UNIQUE_RESUMED : SEEN_UNIQUE_RETAKEN);
    unique->has_ended = false;
}

void watch_unique_entry(struct sim *sim, const struct entry *entry, enum job_state state)
{
    if (entry->kind == ENTRY_SUBMIT)
        take(sim, entry);
    struct seen_unique *unique = unique_of(sim, &entry->job_id);
    if (entry->kind == ENTRY_RETRY && unique != NULL && unique->waits_end)
        take_again(sim, unique, entry->at);
    if (unique != NULL && (state == JOB_NONE || job_is_done(state)))
        unique->has_ended = true;
}

// Who is refused is told the holder, and it is one.
static void check_refused(struct sim *sim, const struct msg_submit_job *job,
                          const struct msg_submitted_job *said)
{
    watch_seen(SEEN_UNIQUE_HELD);
    const struct seen_unique *unique = unique_of(sim, &said->holder_id);
    SIM_EXPECT(unique != NULL && id_equal(&unique->hash, &job->unique_hash),
               "a refusal names the job that holds the key");
    SIM_EXPECT(is_held(unique, sim->now.store), "a unique key is held for its span and no longer");
}

void watch_unique_answer(struct sim *sim, const struct msg_submit *asked,
                         const struct msg_submitted *said)
{
    for (uint32_t i = 0; i < asked->count; i++)
        // Of two records of one submission neither holds the key.
        if (said->jobs[i].error == ERR_UNIQUE &&
            !(asked->is_atomic && id_is_zero(&said->jobs[i].holder_id)))
            check_refused(sim, &asked->jobs[i], &said->jobs[i]);
}

bool watch_unique_hinders(struct sim *sim, const struct id *job_id)
{
    const struct seen_unique *wanted = unique_of(sim, job_id);
    for (uint32_t i = 0; wanted != NULL && wanted->waits_end && i < sim->watch.unique_count; i++) {
        const struct seen_unique *seen = &sim->watch.uniques[i];
        if (seen != wanted && id_equal(&seen->hash, &wanted->hash) && is_held(seen, sim->now.store))
            return true;
    }
    return false;
}

// A retry is refused only for a key that another job holds.
void watch_unique_acted(struct sim *sim, const struct id *job_id, const struct msg_acted *said)
{
    const struct seen_unique *wanted = unique_of(sim, job_id);
    const struct seen_unique *holder = unique_of(sim, &said->holder_id);
    watch_seen(SEEN_UNIQUE_RETRY_HELD);
    SIM_EXPECT(wanted != NULL && wanted->waits_end, "who asks for no key is not refused for it");
    SIM_EXPECT(holder != NULL && holder != wanted && id_equal(&holder->hash, &wanted->hash) &&
                   is_held(holder, sim->now.store),
               "a refused retry names the job that holds the key");
}

void watch_unique_start(struct sim *sim)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < sim->watch.unique_count; i++) {
        struct seen_unique seen = sim->watch.uniques[i];
        const struct job_row *row = model_find(&sim->store, &seen.job_id);
        // Rows outlive the spans that are asked for here.
        if (row == NULL || row->accepted_at != seen.accepted_at)
            continue;
        seen.has_ended = job_is_done(row->state);
        sim->watch.uniques[kept++] = seen;
    }
    sim->watch.unique_count = kept;
}
