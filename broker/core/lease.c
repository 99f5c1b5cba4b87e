// The ends of leases.

#include "broker/core/core_private.h"
#include "broker/core/retry.h"

void lease_end_job(struct core *core, struct now now, uint32_t slot, const struct lease_end *end,
                   struct effects *fx)
{
    const struct job *job = jobs_at(&core->ledger.jobs, slot);
    const struct past *past = ledger_past(&core->ledger, job);
    const struct policy *policy = policies_at(&core->ledger.policies, job->policy);
    when_ms due_at = now.store;
    // A passed lease is given to the next at once; who has used up his time has to wait.
    if (end->is_timeout)
        due_at =
            when_after(due_at, retry_delay_ms(policy, &job->id, 1u + past->errors + past->crashes));
    const struct retry_case burnt = {
        .policy = policy, .job = job, .past = past, .is_crash = end->is_crash, .due_at = due_at};
    enum job_event event = end->is_crash && retry_is_over(&burnt) ? JOB_DIE : JOB_RETURN;
    if (end->is_timeout)
        event = retry_is_over(&burnt) ? JOB_DIE : JOB_FAIL;
    if (job->cancel == CANCEL_REQUESTED)
        event = JOB_CANCEL;
    ledger_apply(&core->ledger,
                 &(struct entry){.kind = ENTRY_LEASE_END,
                                 .at = now.store,
                                 .job_id = job->id,
                                 .reason = slice_of_text(end->reason),
                                 .slot = slot,
                                 .lease_end = {.event = (uint8_t)event,
                                               .is_crash = end->is_crash,
                                               .is_timeout = end->is_timeout,
                                               .due_at = due_at}},
                 fx);
    core->figures.leases_ended++;
    wait_enter(core, slot);
    deliver_end(core, now, slot, fx);
}

uint64_t lease_mark_named(struct core *core, uint32_t worker, const struct msg_held_list *held)
{
    core->namings++;
    for (uint32_t i = 0; i < held->count; i++) {
        uint32_t no = leases_find(&core->leases, held->items[i].token);
        if (no == LEASES_NONE)
            continue;
        struct lease *lease = leases_at(&core->leases, no);
        if (lease->worker == worker && id_equal(&lease->job_id, &held->items[i].job_id))
            lease->named_in = core->namings;
    }
    return core->namings;
}

void lease_drop(struct core *core, uint32_t no)
{
    struct lease *lease = leases_at(&core->leases, no);
    uint32_t worker_no = lease->worker;
    uint32_t body_len = lease->body_len;
    struct worker *worker = workers_at(&core->workers, worker_no);
    leases_drop(&core->leases, no, &worker->leases);
    workers_back(&core->workers, worker_no, body_len);
}

void lease_end_session(struct core *core, struct now now, uint32_t no, const struct lease_end *end,
                       struct effects *fx)
{
    struct lease *lease = leases_at(&core->leases, no);
    uint32_t slot = lease->slot;
    bool was_live = lease->is_live;
    lease_drop(core, no);
    if (was_live)
        lease_end_job(core, now, slot, end, fx);
}

void lease_forget_idle(struct core *core, uint32_t no)
{
    const struct worker *worker = workers_at(&core->workers, no);
    if (worker->peer == WORKERS_NONE && worker->out_count == 0)
        workers_drop(&core->workers, no);
}

when_ms lease_bound_ms(const struct core *core, const struct job *job)
{
    const struct policy *policy = policies_at(&core->ledger.policies, job->policy);
    return (when_ms)policy->timeout_ms + core->limits.deadline_grace_ms;
}
