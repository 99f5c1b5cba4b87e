// Station unused: a lane whose number no row carries any more is no longer known, and its place is
// for another one.

#include "broker/core/core_private.h"

static bool is_carried(const struct lanes_carried *carried, uint32_t lane)
{
    return carried->bits[lane / 8] >> lane % 8 & 1;
}

// Rows come only by acceptance: one that was not met came later, and then the lane knows of it.
static bool is_unused(const struct core *core, const struct lanes_carried *carried, uint32_t lane)
{
    return lanes_is_known(&core->ledger.lanes, lane) && !is_carried(carried, lane) &&
           lanes_accepted_in(&core->ledger.lanes, lane) <= carried->settled;
}

void unused_step(struct core *core, struct now now, const struct lanes_carried *carried,
                 struct effects *fx)
{
    uint32_t left = LIMITS_STEP_RECORDS_MAX;
    for (uint32_t lane = 0; lane < lanes_count(&core->ledger.lanes) && left > 0; lane++) {
        if (!is_unused(core, carried, lane))
            continue;
        CHECK(wait_count(core, lane) == 0);
        struct lane_row row = lanes_row(&core->ledger.lanes, lane);
        ledger_apply(
            &core->ledger,
            &(struct entry){.kind = ENTRY_UNUSED,
                            .at = now.store,
                            .slot = ENTRY_NO_SLOT,
                            .unused = {.tenant = row.tenant, .queue = row.queue, .type = row.type}},
            fx);
        share_forget(&core->share, lane);
        left--;
    }
}
