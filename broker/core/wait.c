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

void wait_leave(struct core *core, uint32_t slot)
{
    switch ((enum job_state)jobs_at(&core->ledger.jobs, slot)->state) {
    case JOB_QUEUED: ready_drop(&core->ready, slot); return;
    case JOB_SCHEDULED:
    case JOB_RETRYING: delayed_drop(&core->delayed, slot); return;
    case JOB_SUCCEEDED:
    case JOB_DEAD:
    case JOB_CANCELLED:
    case JOB_EXPIRED:
    case JOB_RUNNING:
    case JOB_REMOVED:
    case JOB_NONE: break;
    }
    UNREACHABLE();
}
