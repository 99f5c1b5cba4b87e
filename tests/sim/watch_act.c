// Acts: what is done was asked for, and what is answered as done is stored.

#include "tests/sim/sim.h"

static const struct job *job_of(const struct sim *sim, const struct entry *entry)
{
    const struct ledger *ledger = &sim->shell.core->ledger;
    uint32_t slot = jobs_find(&ledger->jobs, &entry->job_id);
    SIM_EXPECT(slot != JOBS_NONE, "a job that is acted on is in memory");
    return jobs_at(&ledger->jobs, slot);
}

// From here on its lease may not grow.
static void note_request(struct sim *sim, const struct entry *entry)
{
    const struct job *job = job_of(sim, entry);
    struct seen_grant *grant =
        watch_grant_of(sim, ledger_past(&sim->shell.core->ledger, job)->token);
    if (grant != NULL)
        grant->stop_by = sim->now.mono + SIM_LEASE_MS;
    watch_seen(SEEN_CANCEL_ASKED);
}

void watch_act_entry(struct sim *sim, const struct entry *entry)
{
    bool is_request = entry->kind == ENTRY_CANCEL && entry->cancel.is_request;
    bool by_finish = entry->kind == ENTRY_FINISH && entry->finish.event == JOB_CANCEL;
    bool by_lease = entry->kind == ENTRY_LEASE_END && entry->lease_end.event == JOB_CANCEL;
    if (entry->kind == ENTRY_CANCEL || by_finish || by_lease)
        SIM_EXPECT(act_was_asked(sim, ACT_CANCEL, &entry->job_id),
                   "a job is cancelled only when somebody asked for it");
    if (by_finish || by_lease)
        SIM_EXPECT(job_of(sim, entry)->cancel == (by_finish ? CANCEL_ACKNOWLEDGED : CANCEL_FORCED),
                   "a handler's word acknowledges a cancel, a lease's end forces it");
    if (is_request)
        note_request(sim, entry);
    else if (entry->kind == ENTRY_CANCEL)
        watch_seen(SEEN_CANCEL_WAITING);
    if (by_finish)
        watch_seen(SEEN_CANCEL_ACKNOWLEDGED);
    if (by_lease)
        watch_seen(SEEN_CANCEL_FORCED);
}

void watch_act_leases(const struct sim *sim)
{
    for (uint32_t i = 0; i < sim->watch.grant_count; i++) {
        const struct seen_grant *grant = &sim->watch.grants[i];
        uint32_t no =
            grant->stop_by == 0 ? LEASES_NONE : leases_find(&sim->shell.core->leases, grant->token);
        if (no != LEASES_NONE && leases_at(&sim->shell.core->leases, no)->is_live)
            SIM_EXPECT(leases_at(&sim->shell.core->leases, no)->ends_at <= grant->stop_by,
                       "a cancelled job's lease is not lengthened");
    }
}

// What was not durable was not asked; what was is counted from now, like every lease.
void watch_act_start(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->watch.grant_count; i++) {
        struct seen_grant *grant = &sim->watch.grants[i];
        const struct job_row *row = model_find(&sim->store, &grant->job_id);
        bool is_asked =
            row != NULL && row->token == grant->token && row->cancel == CANCEL_REQUESTED;
        grant->stop_by = is_asked ? sim->now.mono + SIM_LEASE_MS : 0;
    }
}

void watch_acted(struct sim *sim, uint64_t corr, const struct msg_acted *answer)
{
    const struct sim_act *act = act_of(sim, corr);
    const struct job_row *row = model_find(&sim->store, &act->act.job_id);
    if (answer->error == ERR_CONFLICT)
        watch_seen(SEEN_ACT_CONFLICT);
    if (answer->error != OK || row == NULL)
        return;
    // The batch of a repeated act may also hold the job's removal and its key's next use.
    bool is_later = row->version < answer->version || row->state == JOB_REMOVED;
    SIM_EXPECT(is_later || job_is_done(row->state) || row->cancel == CANCEL_REQUESTED,
               "a cancel is stored before it is answered");
}
