// Those that wait for jobs which have ended: one edge at a time, so that a job with very many
// children never fills a batch.

#include "broker/core/core_private.h"

static void release(struct core *core, struct now now, const struct dep_next *next,
                    struct effects *fx)
{
    bool stands_nowhere = jobs_at(&core->ledger.jobs, next->slot)->state == JOB_SCHEDULED &&
                          !delayed_has(&core->delayed, next->slot);
    ledger_apply(&core->ledger,
                 &(struct entry){.kind = ENTRY_RELEASE,
                                 .at = now.store,
                                 .job_id = jobs_at(&core->ledger.jobs, next->slot)->id,
                                 .slot = next->slot,
                                 .release = {.parent = next->parent.id}},
                 fx);
    if (!stands_nowhere || ledger_waits(&core->ledger, next->slot))
        return;
    core->held_back--;
    wait_enter(core, next->slot);
}

// Which of them it was.
static struct slice reason_of(const struct id *parent, struct effects *fx)
{
    static const char words[] = "what it waits for has failed: ";
    char *text = arena_take(fx->arena, sizeof words + ID_TEXT_LEN);
    CHECK(text != NULL);
    memcpy(text, words, sizeof words - 1);
    id_to_text(parent, text + sizeof words - 1);
    return slice_of_text(text);
}

static void cancel(struct core *core, struct now now, const struct dep_next *next,
                   struct effects *fx)
{
    uint32_t slot = next->slot;
    wait_leave(core, slot);
    ledger_apply(&core->ledger,
                 &(struct entry){.kind = ENTRY_CANCEL,
                                 .at = now.store,
                                 .job_id = jobs_at(&core->ledger.jobs, slot)->id,
                                 .reason = reason_of(&next->parent.id, fx),
                                 .slot = slot},
                 fx);
    wait_enter(core, slot);
    deliver_end(core, now, slot, fx);
}

// Only what has never started is cancelled; what has, waited for nobody that failed.
static bool is_to_be_cancelled(const struct core *core, const struct dep_next *next,
                               enum parent_state state)
{
    uint32_t child = deps_child(&core->ledger.deps, next->slot);
    return state != PARENT_SUCCEEDED &&
           jobs_at(&core->ledger.jobs, next->slot)->state == JOB_SCHEDULED &&
           deps_child_at(&core->ledger.deps, child)->on_failure == ON_FAILURE_CANCEL;
}

// One that waits goes with all its edges; one that is out has one that is open no more.
static void stop_telling(struct core *core, struct now now, const struct dep_next *next,
                         struct effects *fx)
{
    bool is_out = jobs_at(&core->ledger.jobs, next->slot)->state == JOB_RUNNING;
    if (is_out)
        release(core, now, next, fx);
    progress_drop(core, now, next->slot, fx);
}

bool depend_step(struct core *core, struct now now, struct effects *fx)
{
    struct dep_next next;
    if (!deps_next(&core->ledger.deps, &next))
        return false;
    uint32_t lane = jobs_at(&core->ledger.jobs, next.slot)->lane;
    struct slice tenant = lanes_row(&core->ledger.lanes, lane).tenant;
    enum parent_state state = ledger_parent(&core->ledger, tenant, &next.parent.id);
    if (state == PARENT_UNFINISHED)
        deps_revive(&core->ledger.deps, &next.parent);
    else if (ledger_teller_of(&core->ledger, next.slot) != NULL)
        stop_telling(core, now, &next, fx);
    else if (is_to_be_cancelled(core, &next, state))
        cancel(core, now, &next, fx);
    else
        release(core, now, &next, fx);
    return true;
}
