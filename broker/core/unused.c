// Station unused: a lane whose number no row carries any more is no longer known, and its place is
// for another one. So it is with a queue that has no lanes and for which nothing is set, and with
// the tenant of the last one.

#include "broker/core/core_private.h"

#include "lib/base/origin.h"

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

static void drop(struct core *core, when_ms at, struct queue_name name, struct slice type,
                 struct effects *fx)
{
    ledger_apply(
        &core->ledger,
        &(struct entry){.kind = ENTRY_UNUSED,
                        .at = at,
                        .slot = ENTRY_NO_SLOT,
                        .unused = {.tenant = name.tenant, .queue = name.queue, .type = type}},
        fx);
}

static uint32_t drop_lanes(struct core *core, struct now now, const struct lanes_carried *carried,
                           struct effects *fx)
{
    const struct lanes *lanes = &core->ledger.lanes;
    uint32_t left = LIMITS_STEP_RECORDS_MAX;
    for (uint32_t lane = 0; lane < lanes_count(lanes) && left > 0; lane++) {
        // A delivery may come without asking for room.
        if (!is_unused(core, carried, lane) || msg_hook_is_reserved(lanes_row(lanes, lane).queue))
            continue;
        CHECK(wait_count(core, lane) == 0);
        struct lane_row row = lanes_row(lanes, lane);
        drop(core, now.store, (struct queue_name){row.tenant, row.queue}, row.type, fx);
        share_forget(&core->share, lane);
        paces_forget(&core->paces, lane);
        left--;
    }
    return left;
}

// The batches of a tenant borrow its name: one that is open may outlive all its members.
static bool is_lender(const struct core *core, uint32_t queue)
{
    struct slice tenant = queues_name(&core->ledger.queues, queue).tenant;
    return !origin_is_tenant(tenant, (struct slice){0}) &&
           batches_has_tenant(&core->ledger.batches, tenant);
}

static void drop_queues(struct core *core, struct now now, uint32_t left, struct effects *fx)
{
    const struct queues *queues = &core->ledger.queues;
    const struct lanes *lanes = &core->ledger.lanes;
    uint8_t has_lanes[(UINT16_MAX + 1) / 8] = {0};
    for (uint32_t lane = 0; lane < lanes_count(lanes); lane++)
        if (lanes_is_known(lanes, lane))
            has_lanes[lanes_queue(lanes, lane) / 8] |=
                (uint8_t)(1u << lanes_queue(lanes, lane) % 8);
    for (uint32_t queue = 0; queue < queues_count(queues) && left > 0; queue++) {
        if ((has_lanes[queue / 8] >> queue % 8 & 1) != 0 || !queues_is_idle(queues, queue) ||
            is_lender(core, queue))
            continue;
        uint16_t tenant = queues_tenant(queues, queue);
        gates_forget(&core->gates, queue);
        share_forget_queue(&core->share, queue);
        drop(core, now.store, queues_name(queues, queue), (struct slice){0}, fx);
        if (!names_is_known(&queues->tenants, tenant))
            share_forget_tenant(&core->share, tenant);
        left--;
    }
}

void unused_step(struct core *core, struct now now, const struct lanes_carried *carried,
                 struct effects *fx)
{
    uint32_t left = drop_lanes(core, now, carried, fx);
    drop_queues(core, now, left, fx);
}
