// Why an unfinished job does not run.

#include "broker/core/core_private.h"

// Whoever may start is started when the batch ends, so a queued job waits for one of these.
static enum waiting_on queued(const struct core *core, uint32_t slot)
{
    const struct job *job = jobs_at(&core->ledger.jobs, slot);
    uint32_t queue = lanes_queue(&core->ledger.lanes, job->lane);
    if (queues_peek(&core->ledger.queues, queue)->paused & DIRECTION_OUT)
        return WAITING_PAUSED;
    if (job->is_bound && strands_is_busy(&core->strands, slot))
        return WAITING_KEY_BUSY;
    if (!workers_is_open(&core->workers, job->lane))
        return WAITING_NO_WORKER;
    if (rate_is_queue_full(core, queue))
        return WAITING_QUEUE_BUSY;
    if (rate_holds(core, slot))
        return WAITING_RATE_LIMITED;
    bool is_free = workers_next(&core->workers, job->lane) != WORKERS_NONE;
    return is_free && leases_has_room(&core->leases) ? WAITING_NONE : WAITING_NO_CREDIT;
}

enum waiting_on core_waiting_on(const struct core *core, const struct id *id)
{
    uint32_t slot = jobs_find(&core->ledger.jobs, id);
    if (slot == JOBS_NONE)
        return WAITING_NONE;
    switch ((enum job_state)jobs_at(&core->ledger.jobs, slot)->state) {
    case JOB_SCHEDULED:
        return ledger_waits(&core->ledger, slot) ? WAITING_DEPENDENCY : WAITING_SCHEDULED;
    case JOB_RETRYING: return WAITING_BACKOFF;
    case JOB_QUEUED: return queued(core, slot);
    case JOB_RUNNING:
    case JOB_SUCCEEDED:
    case JOB_DEAD:
    case JOB_CANCELLED:
    case JOB_EXPIRED: return WAITING_NONE;
    case JOB_REMOVED:
    case JOB_NONE: break;
    }
    UNREACHABLE();
}
