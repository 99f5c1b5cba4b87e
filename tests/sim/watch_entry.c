// Entries: jobs move along the drawn edges, and what moved them had the right to.

#include "tests/sim/fair.h"

struct seen_state *watch_state_of(struct sim *sim, const struct id *id)
{
    for (uint32_t i = 0; i < sim->watch.state_count; i++)
        if (id_equal(&sim->watch.states[i].id, id))
            return &sim->watch.states[i];
    SIM_EXPECT(sim->watch.state_count < SIM_STATES, "room for states");
    struct seen_state *seen = &sim->watch.states[sim->watch.state_count++];
    *seen = (struct seen_state){.id = *id};
    return seen;
}

static enum job_event event_of(const struct entry *entry)
{
    switch (entry->kind) {
    case ENTRY_SUBMIT:
        return entry->submit.waits || entry->submit.due_at > entry->at ? JOB_SUBMIT_LATER
                                                                       : JOB_SUBMIT;
    case ENTRY_DUE: return JOB_DUE;
    case ENTRY_GRANT: return JOB_GRANT;
    case ENTRY_FINISH: return entry->finish.event;
    case ENTRY_LEASE_END: return entry->lease_end.event;
    case ENTRY_REMOVE: return JOB_REMOVE;
    case ENTRY_CANCEL: return JOB_CANCEL;
    case ENTRY_EXPIRE: return JOB_EXPIRE;
    case ENTRY_RETRY: return JOB_RETRY;
    case ENTRY_RUN_NOW: return JOB_RUN_NOW;
    case ENTRY_START:
    case ENTRY_PROGRESS:
    case ENTRY_LOG:
    case ENTRY_PASS:
    case ENTRY_UNUSED:
    case ENTRY_RELEASE:
    case ENTRY_ENDPOINT:
    case ENTRY_SCHEDULE:
    case ENTRY_MOMENT:
    case ENTRY_SEAL:
    case ENTRY_FREE:
    case ENTRY_QUEUE:
    case ENTRY_PAUSE:
    case ENTRY_OPERATE:
    case ENTRY_STEP:
    case ENTRY_HALT:
    case ENTRY_TYPE:
    case ENTRY_FORGET: break;
    }
    sim_fail("an entry that moves no job");
}

// Follows the drawn edges from entry to entry.
static void note_edge(struct sim *sim, const struct entry *entry)
{
    struct seen_state *seen = watch_state_of(sim, &entry->job_id);
    if (entry->kind == ENTRY_CANCEL && entry->cancel.is_request)
        return;
    if (entry->kind == ENTRY_FORGET) {
        seen->state = JOB_NONE;
        return;
    }
    enum job_event event = event_of(entry);
    if (entry->kind == ENTRY_FINISH && seen->state == JOB_RETRYING)
        watch_seen(SEEN_LATE_RETRYING);
    SIM_EXPECT(job_may(seen->state, event), "a job moves along the drawn edges only");
    transcript_moves(sim, &entry->job_id, seen->state, job_after(seen->state, event));
    sim->watch.edges[seen->state][event] = true;
    seen->state = job_after(seen->state, event);
    watch_operation_moved(sim, &entry->job_id, seen->state);
}

static void check_lease_end(struct sim *sim, const struct entry *entry, bool by_tick)
{
    const struct ledger *ledger = &sim->shell.core->ledger;
    uint32_t slot = jobs_find(&ledger->jobs, &entry->job_id);
    SIM_EXPECT(slot != JOBS_NONE, "a job whose lease ends is in memory");
    uint64_t token = ledger_past(ledger, jobs_at(&ledger->jobs, slot))->token;
    struct seen_grant *grant = watch_grant_of(sim, token);
    if (!by_tick || grant == NULL)
        return;
    grant->has_passed = true;
    watch_seen(SEEN_LEASE_PASSED);
    SIM_EXPECT(sim->now.mono >= grant->safe_until, "a lease lasts at least its time");
}

static void check_due(const struct sim *sim, const struct entry *entry)
{
    uint32_t slot = jobs_find(&sim->shell.core->ledger.jobs, &entry->job_id);
    SIM_EXPECT(slot != JOBS_NONE, "a job that becomes due is in memory");
    SIM_EXPECT(jobs_at(&sim->shell.core->ledger.jobs, slot)->at <= entry->at,
               "a job never starts before it is due");
}

// Somebody may delete a job; retention may not before its time.
static void check_removal(const struct sim *sim, const struct entry *entry)
{
    const struct job_row *row = &sim->store.rows[entry->remove.job_no];
    SIM_EXPECT(row->no == entry->remove.job_no, "what is removed was stored");
    SIM_EXPECT(entry->kind != ENTRY_REMOVE || entry->actor.len > 0 || entry->at >= row->remove_at,
               "a finished job stays readable until its retention ends");
    SIM_EXPECT(entry->kind != ENTRY_FORGET || entry->at >= row->dedup_until,
               "an id is taken until its window ends");
}

static void check_finish(const struct entry *entry)
{
    const struct msg_finish_job *finish = entry->finish.finish;
    bool comes_again = entry->finish.event == JOB_FAIL || entry->finish.event == JOB_SNOOZE;
    SIM_EXPECT(!comes_again || entry->finish.due_at >= entry->at + finish->retry_after_ms,
               "a job does not come again before its handler wants it");
    if (finish->outcome == OUTCOME_INTERRUPTED)
        watch_seen(SEEN_INTERRUPTED);
    if (finish->outcome == OUTCOME_SNOOZED)
        watch_seen(SEEN_SNOOZED);
}

// Entries that move no job, and have a watch of their own.
static bool check_other(struct sim *sim, const struct entry *entry, const struct effects *fx,
                        uint32_t first_entry)
{
    if (entry->kind == ENTRY_SCHEDULE || entry->kind == ENTRY_MOMENT)
        watch_schedule(sim, entry, fx);
    else if (entry->kind == ENTRY_ENDPOINT)
        watch_endpoint_entry(sim, entry, fx);
    else if (entry->kind == ENTRY_OPERATE)
        watch_operation_begin(sim, entry);
    else if (entry->kind == ENTRY_STEP)
        watch_operation_step(sim, entry, fx, first_entry);
    else if (entry->kind == ENTRY_HALT)
        watch_operation_halt(sim, entry);
    else
        return false;
    return true;
}

static void check_entry(struct sim *sim, const struct entry *entry, bool by_tick)
{
    watch_tenant_entry(sim, entry);
    if (entry->kind == ENTRY_RELEASE)
        watch_child_release(sim, entry);
    if (entry->kind == ENTRY_START || entry->kind == ENTRY_PROGRESS || entry->kind == ENTRY_LOG ||
        entry->kind == ENTRY_PASS || entry->kind == ENTRY_RELEASE || entry->kind == ENTRY_UNUSED)
        return;
    if (entry->kind == ENTRY_QUEUE || entry->kind == ENTRY_PAUSE || entry->kind == ENTRY_TYPE) {
        watch_queue_entry(sim, entry);
        return;
    }
    if (entry->kind == ENTRY_FREE) {
        watch_batch_entry(sim, entry, by_tick);
        return;
    }
    if (entry->kind == ENTRY_SEAL) {
        watch_batch_entry(sim, entry, by_tick);
        struct id name = watch_batch_name(entry->seal.tenant, &entry->seal.batch);
        watch_child_batch(sim, &name, false);
        return;
    }
    note_edge(sim, entry);
    hook_entry(sim, entry);
    watch_queue_entry(sim, entry);
    watch_batch_entry(sim, entry, by_tick);
    watch_act_entry(sim, entry);
    watch_unique_entry(sim, entry, watch_state_of(sim, &entry->job_id)->state);
    watch_child_entry(sim, entry, watch_state_of(sim, &entry->job_id)->state);
    const struct id *batch = &watch_state_of(sim, &entry->job_id)->batch;
    if (!id_is_zero(batch) && entry->kind != ENTRY_FORGET)
        watch_child_batch(sim, batch, entry->kind == ENTRY_REMOVE);
    if (entry->kind == ENTRY_LEASE_END)
        check_lease_end(sim, entry, by_tick);
    if (entry->kind == ENTRY_DUE)
        check_due(sim, entry);
    if (entry->kind == ENTRY_REMOVE || entry->kind == ENTRY_FORGET)
        check_removal(sim, entry);
    if (entry->kind == ENTRY_FINISH)
        check_finish(entry);
}

static void note_figures(struct sim *sim)
{
    static uint64_t late_before;
    struct core_figures figures;
    core_figures(sim->shell.core, &figures);
    if (figures.late > late_before)
        watch_seen(SEEN_LATE_FINISH);
    late_before = figures.late;
    for (uint32_t i = 0; i < sim->shell.core->workers.used; i++)
        if (sim->shell.core->workers.items[i].is_stalled)
            watch_seen(SEEN_STALLED);
}

void watch_step(struct sim *sim, const struct command *command, const struct effects *fx,
                uint32_t first_entry)
{
    bool by_tick = command != NULL && command->kind == COMMAND_TICK;
    for (uint32_t i = first_entry; i < fx->entry_count; i++) {
        if (!check_other(sim, &fx->entries[i], fx, first_entry))
            check_entry(sim, &fx->entries[i], by_tick);
        telling_entry(sim, &fx->entries[i]);
    }
    hook_step(sim, fx, first_entry);
    telling_step(sim, fx, first_entry, by_tick);
    watch_batch_step(sim, command, fx);
    if (command != NULL)
        watch_batch_atomic(command, fx, first_entry);
    if (command != NULL)
        watch_child_sweep(sim, command);
    if (command != NULL) {
        watch_bye(sim, command, fx, first_entry);
        watch_heard(sim, command, fx);
        watch_tenant_heard(sim, command, fx);
        watch_waiting_heard(sim, command, fx);
    }
    watch_share(sim, fx, first_entry);
    watch_limits(sim, fx, first_entry);
    watch_fair(sim, fx, first_entry);
    note_figures(sim);
    watch_act_leases(sim);
    if (by_tick)
        watch_act_tick(sim);
}
