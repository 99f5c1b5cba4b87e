// Ageing: jobs of a lane (queue, type) start by urgency, which is due time + priority * age step.
// Looked at from the jobs alone, at each grant of a dispatch: no job of the lane that could have
// started instead is more urgent. Limits, rates and pauses of a queue and a worker without room
// for the first job's bytes hold the whole lane, so nothing is overtaken there; only a key holds
// single jobs.
//
// A delayed job counts from the moment when it was queued, which a slow broker does late: jobs of
// one priority stand in the order of these moments. Whoever stands before it was queued no later,
// and was due no later than that; so whatever starts is at least as urgent as this job would be,
// were it due when it was queued. A start of the broker sorts by due time.

#include "tests/sim/fair.h"

static struct fair now;
static when_ms due_seen[SIM_JOBS]; // by number

void watch_fair_start(struct sim *sim)
{
    (void)sim;
    watch_turns_start();
    memset(due_seen, 0, sizeof due_seen);
}

static when_ms since_of(const struct job *job)
{
    return job->is_bound || due_seen[job->no] < job->at ? job->at : due_seen[job->no];
}

void watch_fair_before(struct sim *sim)
{
    const struct jobs *jobs = &sim->shell.core->ledger.jobs;
    SIM_EXPECT(jobs->used <= SIM_JOBS, "room for jobs");
    watch_turns_before();
    now.used = jobs->used;
    for (uint32_t slot = 0; slot < jobs->used; slot++) {
        now.states[slot] = JOB_NONE;
        if (!jobs_is_taken(jobs, slot))
            continue;
        const struct job *job = jobs_at(jobs, slot);
        now.states[slot] = job->state;
        now.at[slot] = job->at;
        now.since[slot] = since_of(job);
    }
}

static bool has_key_rate(const struct sim *sim, const struct job *job)
{
    const struct ledger *ledger = &sim->shell.core->ledger;
    uint32_t queue = lanes_queue(&ledger->lanes, job->lane);
    return queues_peek(&ledger->queues, queue)->settings.key_rate.count > 0;
}

// That a rate is not passed is seen where jobs start, so whoever has one may wait.
bool watch_fair_may(const struct sim *sim, const struct fair *fair, uint32_t slot)
{
    if (fair->states[slot] != JOB_QUEUED)
        return false;
    const struct job *job = jobs_at(&sim->shell.core->ledger.jobs, slot);
    return !job->is_bound ||
           (!has_key_rate(sim, job) && !watch_share_is_busy(sim, slot, fair->states));
}

static void check_age(const struct sim *sim, uint32_t slot)
{
    const struct jobs *jobs = &sim->shell.core->ledger.jobs;
    const struct job *job = jobs_at(jobs, slot);
    when_ms step = sim->limits.age_step_ms;
    for (uint32_t other = 0; other < now.used; other++) {
        if (other == slot || now.states[other] != JOB_QUEUED ||
            jobs_at(jobs, other)->lane != job->lane || !watch_fair_may(sim, &now, other))
            continue;
        unsigned priority = jobs_at(jobs, other)->priority;
        SIM_EXPECT(now.at[slot] + job->priority * step <= now.since[other] + priority * step,
                   "a job is overtaken only by more urgent ones");
        if (now.at[slot] > now.since[other])
            watch_seen(SEEN_OVERTAKEN);
        if (now.at[slot] < now.at[other] && job->priority > priority)
            watch_seen(SEEN_AGED);
    }
}

static void note_due(const struct sim *sim, const struct entry *entry)
{
    uint32_t slot = jobs_find(&sim->shell.core->ledger.jobs, &entry->job_id);
    if (slot != JOBS_NONE)
        due_seen[jobs_at(&sim->shell.core->ledger.jobs, slot)->no] = entry->at;
}

void watch_fair(struct sim *sim, const struct effects *fx, uint32_t first_entry)
{
    const struct jobs *jobs = &sim->shell.core->ledger.jobs;
    uint32_t grants = 0;
    for (uint32_t i = first_entry; i < fx->entry_count; i++) {
        const struct entry *entry = &fx->entries[i];
        uint32_t slot = jobs_find(jobs, &entry->job_id);
        if (entry->kind == ENTRY_DUE)
            note_due(sim, entry);
        if (entry->kind == ENTRY_UNUSED)
            watch_turns_forget();
        // What is outdated when its turn comes is cancelled then.
        if (slot == JOBS_NONE || (entry->kind != ENTRY_GRANT && entry->kind != ENTRY_EXPIRE &&
                                  entry->kind != ENTRY_CANCEL))
            continue;
        if (entry->kind == ENTRY_GRANT) {
            check_age(sim, slot);
            watch_turns(sim, &now, slot, fx->grants[grants++].peer);
        }
        now.states[slot] = entry->kind == ENTRY_GRANT ? JOB_RUNNING : JOB_EXPIRED;
    }
}
