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

static bool was_many_asked(struct sim *sim, enum act_kind kind, const struct id *job_id)
{
    struct slice other = slice_of_text(SIM_TENANT);
    struct slice tenant = watch_tenant_owns(sim, other, job_id) ? other : (struct slice){0};
    return operation_was_asked(sim, kind, tenant);
}

// By an act on this job or on many, or by a moment that replaces it.
static bool was_asked(struct sim *sim, enum act_kind kind, const struct entry *entry)
{
    if (kind == ACT_CANCEL && watch_schedule_replaced(sim, entry))
        return true;
    if (!slice_is_text(entry->actor, SIM_OPERATOR))
        return act_was_asked(sim, kind, &entry->job_id);
    if (kind == ACT_CANCEL)
        watch_state_of(sim, &entry->job_id)->is_cancel_asked = true;
    return was_many_asked(sim, kind, &entry->job_id) ||
           (kind == ACT_CANCEL && was_many_asked(sim, ACT_PURGE, &entry->job_id));
}

static void check_run_now(struct sim *sim, const struct entry *entry)
{
    SIM_EXPECT(was_asked(sim, ACT_RUN_NOW, entry) || watch_endpoint_frees(sim, &entry->job_id),
               "a job is run before its time only when somebody asked for it");
    SIM_EXPECT((when_ms)job_of(sim, entry)->at == entry->at,
               "a job that is run now stands in line from now on");
    SIM_EXPECT(!watch_child_waits(sim, &entry->job_id),
               "a job that waits for others is not run before their ends");
}

void watch_act_entry(struct sim *sim, const struct entry *entry)
{
    bool is_request = entry->kind == ENTRY_CANCEL && entry->cancel.is_request;
    bool by_finish = entry->kind == ENTRY_FINISH && entry->finish.event == JOB_CANCEL;
    bool by_lease = entry->kind == ENTRY_LEASE_END && entry->lease_end.event == JOB_CANCEL;
    bool by_parent = entry->kind == ENTRY_CANCEL && entry->actor.len == 0;
    if (by_parent)
        SIM_EXPECT(watch_child_must_cancel(sim, &entry->job_id) ||
                       telling_is_void(sim, &entry->job_id),
                   "a job is cancelled by itself only when one that it waits for has failed, or "
                   "one that it tells of has ended");
    else if (entry->kind == ENTRY_CANCEL || by_finish || by_lease)
        SIM_EXPECT(was_asked(sim, ACT_CANCEL, entry) ||
                       watch_state_of(sim, &entry->job_id)->is_cancel_asked,
                   "a job is cancelled only when somebody asked for it");
    if (by_finish || by_lease)
        SIM_EXPECT(job_of(sim, entry)->cancel == (by_finish ? CANCEL_ACKNOWLEDGED : CANCEL_FORCED),
                   "a handler's word acknowledges a cancel, a lease's end forces it");
    if (entry->kind == ENTRY_EXPIRE)
        watch_seen(SEEN_EXPIRED);
    if (entry->kind == ENTRY_RETRY)
        SIM_EXPECT(was_asked(sim, ACT_RETRY, entry),
                   "a job lives again only when somebody asked for it");
    if (entry->kind == ENTRY_RUN_NOW)
        check_run_now(sim, entry);
    if (entry->kind == ENTRY_REMOVE && entry->actor.len > 0)
        SIM_EXPECT(was_asked(sim, ACT_DELETE, entry),
                   "a job is removed early only when somebody asked for it");
    if (entry->kind == ENTRY_LEASE_END && entry->lease_end.is_timeout)
        watch_seen(SEEN_DEADLINE);
    if (is_request)
        note_request(sim, entry);
    else if (entry->kind == ENTRY_CANCEL)
        watch_seen(SEEN_CANCEL_WAITING);
    if (by_finish)
        watch_seen(SEEN_CANCEL_ACKNOWLEDGED);
    if (by_lease)
        watch_seen(SEEN_CANCEL_FORCED);
}

void watch_act_leases(struct sim *sim)
{
    const struct leases *leases = &sim->shell.core->leases;
    for (uint32_t i = 0; i < leases->ends.count; i++) { // the live ones
        const struct lease *lease = leases_at(leases, leases->ends.entries[i].item);
        const struct seen_grant *grant = watch_grant_of(sim, lease->token);
        if (grant == NULL)
            continue;
        when_ms ends_at = lease->ends_at;
        SIM_EXPECT(grant->stop_by == 0 || ends_at <= grant->stop_by,
                   "a cancelled job's lease is not lengthened");
        SIM_EXPECT(ends_at <= grant->over_at, "an attempt does not outlast its deadline");
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
        grant->over_at = sim->now.mono + SIM_LEASE_MS;
        if (row == NULL || row->token != grant->token || row->state != JOB_RUNNING)
            continue;
        grant->extend_ms = row->extend_ms;
        when_ms rest = row->granted_at + sim->store.policies[row->policy].timeout_ms +
                       row->extend_ms + SIM_GRACE_MS - sim->now.store;
        if (rest > SIM_LEASE_MS)
            grant->over_at = sim->now.mono + rest;
    }
}

// Ticks leave no job waiting beyond its ttl, unless there were too many at once.
void watch_act_tick(const struct sim *sim)
{
    const struct core *core = sim->shell.core;
    if (core_wait_ms(core, sim->now) == 0)
        return;
    for (uint32_t slot = 0; slot < core->ledger.jobs.used; slot++) {
        if (!jobs_is_taken(&core->ledger.jobs, slot))
            continue;
        const struct job *job = jobs_at(&core->ledger.jobs, slot);
        if (job->state == JOB_SCHEDULED || job->state == JOB_QUEUED)
            SIM_EXPECT(expire_at(core, slot) > sim->now.store,
                       "a job waits no longer than its ttl");
    }
}

static void check_retried(const struct sim_act *act, const struct msg_acted *answer,
                          const struct job_row *row)
{
    if (answer->error == ERR_FULL)
        watch_seen(SEEN_RETRY_FULL);
    uint64_t low;
    memcpy(&low, act->act.act_id.bytes + 8, sizeof low);
    // In the same batch the job may have gone, and its id may be another job's.
    bool is_its = row != NULL && row->no == act->job_no && row->state != JOB_REMOVED;
    if (answer->error == OK && is_its)
        SIM_EXPECT(row->act == low && act->count == 1, "a retry is stored before it is answered");
}

// What was queued or ran already is answered as done.
static void check_run(const struct sim_act *act, const struct msg_acted *answer,
                      const struct job_row *row)
{
    uint64_t low;
    memcpy(&low, act->act.act_id.bytes + 8, sizeof low);
    if (answer->error != OK || row == NULL || row->version != answer->version)
        return;
    SIM_EXPECT(row->act == low || (row->state != JOB_SCHEDULED && row->state != JOB_RETRYING),
               "a job that is run now is stored so before it is answered");
}

void watch_acted(struct sim *sim, uint64_t corr, const struct msg_acted *answer)
{
    const struct sim_act *act = act_of(sim, corr);
    if (act == NULL) // on a queue
        return;
    if (act->act.kind == ACT_QUIET || act->act.kind == ACT_STOP)
        return;
    const struct job_row *row = model_find(&sim->store, &act->act.job_id);
    if (answer->error == ERR_CONFLICT)
        watch_seen(SEEN_ACT_CONFLICT);
    if (act->act.kind == ACT_RETRY)
        check_retried(act, answer, row);
    if (act->act.kind == ACT_RUN_NOW)
        check_run(act, answer, row);
    if (act->act.kind == ACT_DELETE && answer->error == OK)
        watch_seen(SEEN_DELETED);
    if (act->act.kind == ACT_DELETE && answer->error == OK && row != NULL)
        SIM_EXPECT(row->state == JOB_REMOVED || row->accepted_at > sim->now.store - 10000,
                   "a removal is stored before it is answered");
    if (act->act.kind != ACT_CANCEL)
        return;
    if (answer->error != OK || row == NULL)
        return;
    // The batch of a repeated act may also hold the job's removal and its key's next use.
    bool is_its = act->asked_no == 0 || act->asked_no == row->no;
    bool is_later = !is_its || row->version < answer->version || row->state == JOB_REMOVED;
    SIM_EXPECT(is_later || job_is_done(row->state) || row->cancel == CANCEL_REQUESTED,
               "a cancel is stored before it is answered");
}
