// Where a job waits: in the ready lists, among the delayed, or nowhere.

#include "broker/core/core_private.h"

// The more urgent of the first one without a key and the first one with; then the older one.
uint32_t wait_first(const struct core *core, uint32_t lane)
{
    uint32_t plain = ready_best(&core->ready, lane);
    uint32_t keyed = strands_best(&core->strands, lane);
    if (plain == READY_NONE || keyed == STRANDS_NONE)
        return plain == READY_NONE ? keyed : plain;
    when_ms difference = ready_urgency(&core->ready, lane) - strands_urgency(&core->strands, lane);
    if (difference != 0)
        return difference < 0 ? plain : keyed;
    const struct jobs *jobs = &core->ledger.jobs;
    return jobs_at(jobs, plain)->no < jobs_at(jobs, keyed)->no ? plain : keyed;
}

when_ms wait_urgency(const struct core *core, uint32_t lane)
{
    return when_min(ready_urgency(&core->ready, lane), strands_urgency(&core->strands, lane));
}

uint32_t wait_count(const struct core *core, uint32_t lane)
{
    return ready_count(&core->ready, lane) + strands_count(&core->strands, lane);
}

when_ms wait_oldest(const struct core *core, uint32_t lane)
{
    uint32_t keyed = strands_best(&core->strands, lane);
    when_ms at = keyed == STRANDS_NONE ? WHEN_NEVER : jobs_at(&core->ledger.jobs, keyed)->at;
    return when_min(at, ready_oldest(&core->ready, lane));
}

bool wait_has_room(const struct core *core, uint32_t lane, uint64_t key_hash,
                   const char **out_detail)
{
    if (key_hash == 0 || strands_has_room(&core->strands, lane, key_hash))
        return true;
    *out_detail = "concurrency_key_count_max: too many different concurrency keys";
    return false;
}

// The first job of a lane has changed.
static void tell_first(struct core *core, uint32_t lane)
{
    uint32_t first = wait_first(core, lane);
    share_set_urgency(&core->share, lane, wait_urgency(core, lane),
                      first == JOBS_NONE ? 0 : jobs_at(&core->ledger.jobs, first)->no);
}

void wait_touched(struct core *core)
{
    uint32_t lane = strands_take_touched(&core->strands);
    for (; lane != STRANDS_NONE; lane = strands_take_touched(&core->strands))
        tell_first(core, lane);
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

// Does it keep its place in the line of its key while it waits for a moment? Not when it was
// submitted for later: then its turn has not come yet.
static bool keeps_its_place(const struct core *core, uint32_t slot)
{
    const struct job *job = jobs_at(&core->ledger.jobs, slot);
    return core->ledger.bonds[slot].order == ORDER_FIFO &&
           (job->state == JOB_RETRYING || ledger_past(&core->ledger, job)->token != 0);
}

// What its key has to know of a job that has just changed its state.
static void tell_key(struct core *core, uint32_t slot)
{
    enum job_state state = jobs_at(&core->ledger.jobs, slot)->state;
    if (!strands_is_held(&core->strands, slot))
        strands_hold(&core->strands, slot);
    strands_stop(&core->strands, slot);
    uint32_t idle = STRANDS_NONE;
    if (job_is_done(state))
        idle = strands_let_go(&core->strands, slot);
    else if (state == JOB_QUEUED || keeps_its_place(core, slot))
        strands_wait(&core->strands, slot);
    if (idle != STRANDS_NONE)
        gates_shut(&core->gates, gates_key(&core->gates, idle), 0); // looked at when the batch ends
    wait_touched(core);
}

void wait_run(struct core *core, uint32_t slot)
{
    rate_count(core, slot);
    if (!jobs_at(&core->ledger.jobs, slot)->is_bound)
        return;
    strands_run(&core->strands, slot);
    wait_touched(core);
}

bool wait_has(const struct core *core, uint32_t slot)
{
    return jobs_at(&core->ledger.jobs, slot)->is_bound ? strands_has(&core->strands, slot)
                                                       : ready_has(&core->ready, slot);
}

void wait_start(struct core *core)
{
    ready_sort(&core->ready);
    for (uint32_t lane = 0; lane < lanes_count(&core->ledger.lanes); lane++)
        if (lanes_is_known(&core->ledger.lanes, lane))
            tell_first(core, lane);
}

void wait_enter(struct core *core, uint32_t slot)
{
    bool is_bound = jobs_at(&core->ledger.jobs, slot)->is_bound;
    rate_count(core, slot);
    if (is_bound)
        tell_key(core, slot);
    switch ((enum job_state)jobs_at(&core->ledger.jobs, slot)->state) {
    case JOB_QUEUED:
        if (!is_bound)
            enter_ready(core, slot);
        return;
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
    bool is_bound = jobs_at(&core->ledger.jobs, slot)->is_bound;
    switch ((enum job_state)jobs_at(&core->ledger.jobs, slot)->state) {
    case JOB_QUEUED:
        if (!is_bound)
            leave_ready(core, slot);
        break;
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
    if (is_bound) {
        strands_leave(&core->strands, slot);
        wait_touched(core);
    }
    if (expire_at(core, slot) != WHEN_NEVER)
        expiry_drop(&core->expiry, slot);
    uint32_t lane = jobs_at(&core->ledger.jobs, slot)->lane;
    if (wait_count(core, lane) == 0)
        paces_rest(&core->paces, lane);
}
