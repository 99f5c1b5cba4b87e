// Where a job waits: in the ready lists, among the delayed, or nowhere.

#include "broker/core/core_private.h"

void wait_enter(struct core *core, uint32_t slot)
{
    switch ((enum job_state)jobs_at(&core->ledger.jobs, slot)->state) {
    case JOB_QUEUED: ready_push(&core->ready, slot); return;
    case JOB_SCHEDULED:
    case JOB_RETRYING: delayed_push(&core->delayed, &core->ledger.jobs, slot); return;
    case JOB_SUCCEEDED:
    case JOB_DEAD:
    case JOB_CANCELLED:
    case JOB_EXPIRED: return;
    case JOB_RUNNING:
    case JOB_REMOVED:
    case JOB_NONE: break;
    }
    UNREACHABLE();
}

void wait_begin(struct core *core, uint32_t slot)
{
    when_ms at = expire_at(core, slot);
    if (at != WHEN_NEVER)
        expiry_push(&core->expiry, &core->ledger.jobs, slot, at);
    wait_enter(core, slot);
}

void wait_leave(struct core *core, uint32_t slot)
{
    switch ((enum job_state)jobs_at(&core->ledger.jobs, slot)->state) {
    case JOB_QUEUED: ready_drop(&core->ready, slot); break;
    case JOB_SCHEDULED:
    case JOB_RETRYING: delayed_drop(&core->delayed, slot); break;
    case JOB_SUCCEEDED:
    case JOB_DEAD:
    case JOB_CANCELLED:
    case JOB_EXPIRED:
    case JOB_RUNNING:
    case JOB_REMOVED:
    case JOB_NONE: UNREACHABLE();
    }
    if (expire_at(core, slot) != WHEN_NEVER)
        expiry_drop(&core->expiry, slot);
}
