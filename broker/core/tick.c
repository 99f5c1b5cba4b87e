// Station tick: leases whose time has passed, jobs whose time has come or gone, unique keys that
// are given back, batches that nobody has sealed, or whose ids are free, dry runs whose worker has not spoken. At most LIMITS_STEP_RECORDS_MAX of all; what is left shows in core_wait_ms().

#include "broker/core/core_private.h"

// A flood of one kind leaves each other kind its share of a tick; what they leave is for the first.
enum { KINDS = 8, SHARE = LIMITS_STEP_RECORDS_MAX / KINDS };
static_assert(SHARE * KINDS <= LIMITS_STEP_RECORDS_MAX, "each has its share");

struct due_kind {
    bool (*take_one)(struct core *core, struct now now, struct effects *fx); // false: none is due
    uint32_t weight; // records that one may write
};

// True when a lease was ended.
static bool end_one_lease(struct core *core, struct now now, struct effects *fx)
{
    uint32_t no = leases_first_end(&core->leases);
    if (no == LEASES_NONE || leases_at(&core->leases, no)->ends_at > now.mono)
        return false;
    const struct lease *lease = leases_at(&core->leases, no);
    uint32_t worker = lease->worker;
    // A lease that was neither granted nor renewed since the broker started ended because of the
    // broker's absence, as far as anybody knows.
    bool is_crash = lease->ends_at > when_after(core->started_at, lease->lease_ms);
    leases_pass(&core->leases, no);
    struct lease_end end = {
        .is_crash = is_crash,
        .reason = is_crash ? "the lease passed without a word"
                           : "the lease passed after a start of the broker",
    };
    // The worker is there, but its time for this attempt is over.
    if (lease->is_held_back && !lease->is_cancelled)
        end = (struct lease_end){.is_timeout = true, .reason = "the attempt passed its deadline"};
    lease_end_job(core, now, lease->slot, &end, fx);
    // A connected worker owes a word about it still; one that is gone owes nothing.
    if (workers_at(&core->workers, worker)->peer == WORKERS_NONE) {
        lease_drop(core, no);
        lease_forget_idle(core, worker);
    }
    return true;
}

static bool wake_one_job(struct core *core, struct now now, struct effects *fx)
{
    // One that is late for its start does not begin to wait for it.
    if (expiry_first(&core->expiry, now.store) != JOBS_NONE)
        return false;
    uint32_t slot = delayed_take(&core->delayed, now.store);
    if (slot == JOBS_NONE)
        return false;
    ledger_apply(&core->ledger,
                 &(struct entry){.kind = ENTRY_DUE,
                                 .at = now.store,
                                 .job_id = jobs_at(&core->ledger.jobs, slot)->id,
                                 .slot = slot},
                 fx);
    wait_enter(core, slot);
    return true;
}

static bool pass_one_unique(struct core *core, struct now now, struct effects *fx)
{
    uint32_t unique = uniques_first(&core->ledger.uniques);
    if (unique == UNIQUES_NONE || uniques_deadline(&core->ledger.uniques) > now.store)
        return false;
    unique_pass(core, now, unique, fx);
    return true;
}

static bool expire_one_job(struct core *core, struct now now, struct effects *fx)
{
    uint32_t slot = expiry_first(&core->expiry, now.store);
    if (slot == JOBS_NONE)
        return false;
    expire_job(core, now, slot, fx);
    return true;
}

// Of each kind as many as are due and `most` records allow; returns how many they may have taken.
static uint32_t take_due(struct core *core, struct now now, struct effects *fx,
                         const struct due_kind *kind, uint32_t most)
{
    uint32_t left = most;
    while (left >= kind->weight && kind->take_one(core, now, fx))
        left -= kind->weight;
    return most - left;
}

void tick_step(struct core *core, struct now now, struct effects *fx)
{
    // What ends a job may bring deliveries.
    const uint32_t ending = 1 + ledger_places_most(&core->ledger);
    const struct due_kind kinds[KINDS] = {
        {end_one_lease, ending}, {expire_one_job, ending},
        {wake_one_job, 1},       {pass_one_unique, 1},
        {seal_late, 1},          {seal_free, 1},
        {depend_step, ending},   {simulate_late, SIMULATE_WEIGHT},
    };
    CHECK(ending <= SHARE);
    uint32_t left = LIMITS_STEP_RECORDS_MAX;
    for (uint32_t i = 0; i < KINDS; i++)
        left -= take_due(core, now, fx, &kinds[i], SHARE);
    for (uint32_t i = 0; i < KINDS; i++)
        left -= take_due(core, now, fx, &kinds[i], left);
}
