// Where a job waits: in the ready lists, among the delayed, or nowhere.

#include "broker/core/core_private.h"

// The first job of a lane has changed.
static void tell_first(struct core *core, uint32_t lane)
{
    uint32_t first = ready_best(&core->ready, lane);
    share_set_urgency(&core->share, lane, ready_urgency(&core->ready, lane),
                      first == READY_NONE ? 0 : jobs_at(&core->ledger.jobs, first)->no);
}

static void enter_ready(struct core *core, uint32_t slot)
{
    uint32_t lane = jobs_at(&core->ledger.jobs, slot)->lane;
    ready_push(&core->ready, slot);
    if (ready_best(&core->ready, lane) == slot)
        tell_first(core, lane);
}

static void leave_ready(struct core *core, uint32_t slot)
{
    uint32_t lane = jobs_at(&core->ledger.jobs, slot)->lane;
    bool was_best = ready_best(&core->ready, lane) == slot;
    ready_drop(&core->ready, slot);
    if (was_best)
        tell_first(core, lane);
}

void wait_start(struct core *core)
{
    ready_sort(&core->ready);
    for (uint32_t lane = 0; lane < lanes_count(&core->ledger.lanes); lane++)
        tell_first(core, lane);
}

void wait_enter(struct core *core, uint32_t slot)
{
    switch ((enum job_state)jobs_at(&core->ledger.jobs, slot)->state) {
    case JOB_QUEUED: enter_ready(core, slot); return;
    case JOB_SCHEDULED:
        if (ledger_waits(&core->ledger, slot)) {
            core->held_back++; // depend_step() will come
            return;
        }
        delayed_push(&core->delayed, &core->ledger.jobs, slot);
        return;
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
    case JOB_QUEUED: leave_ready(core, slot); break;
    case JOB_SCHEDULED:
    case JOB_RETRYING:
        if (delayed_has(&core->delayed, slot))
            delayed_drop(&core->delayed, slot);
        else
            core->held_back--;
        break;
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
