// Station expire: a job whose ttl has passed before its first start ends.

#include "broker/core/core_private.h"

when_ms expire_at(const struct core *core, uint32_t slot)
{
    const struct job *job = jobs_at(&core->ledger.jobs, slot);
    uint64_t ttl_ms = policies_at(&core->ledger.policies, job->policy)->ttl_ms;
    if (ttl_ms == 0 || ledger_past(&core->ledger, job)->token != 0)
        return WHEN_NEVER;
    return when_after(job->accepted_at, (when_ms)ttl_ms);
}

void expire_job(struct core *core, struct now now, uint32_t slot, struct effects *fx)
{
    wait_leave(core, slot);
    ledger_apply(&core->ledger,
                 &(struct entry){.kind = ENTRY_EXPIRE,
                                 .at = now.store,
                                 .job_id = jobs_at(&core->ledger.jobs, slot)->id,
                                 .reason = slice_of_text("not started within its ttl"),
                                 .slot = slot},
                 fx);
    wait_enter(core, slot);
    deliver_end(core, now, slot, fx);
    core->figures.expired++;
}
