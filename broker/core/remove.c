// Station remove: retention. A finished job first becomes a tombstone while its id is taken,
// then goes altogether.

#include "broker/core/core_private.h"

static void apply(struct core *core, struct now now, enum entry_kind kind,
                  const struct job_row *row, struct effects *fx)
{
    ledger_apply(&core->ledger,
                 &(struct entry){.kind = kind,
                                 .at = now.store,
                                 .job_id = row->id,
                                 .slot = ENTRY_NO_SLOT,
                                 .remove = {.job_no = row->no}},
                 fx);
}

static void remove_one(struct core *core, struct now now, uint64_t job_no, struct effects *fx)
{
    // The sweeper's word is a proposal: it may be old. The row found by its id is the truth.
    struct job_row row;
    if (!core->ledger.known.by_no(core->ledger.known.ctx, job_no, &row))
        return;
    struct ledger_view view = ledger_lookup(&core->ledger, &row.id);
    if (!view.is_known || view.slot != JOBS_NONE || view.row.no != job_no)
        return;
    if (ledger_is_pinned(&core->ledger, &view.row))
        return;
    // A job's two steps may fall into one batch; each needs its own place in the overlay.
    if (overlay_room(&core->ledger.overlay) < 2)
        return;
    if (view.row.state != JOB_REMOVED && job_is_done(view.row.state) &&
        now.store >= view.row.remove_at)
        apply(core, now, ENTRY_REMOVE, &view.row, fx);
    view = ledger_lookup(&core->ledger, &row.id);
    if (view.row.state == JOB_REMOVED && now.store >= view.row.dedup_until)
        apply(core, now, ENTRY_FORGET, &view.row, fx);
}

void remove_step(struct core *core, struct now now, const struct command *command,
                 struct effects *fx)
{
    CHECK(command->job_no_count <= LIMITS_STEP_RECORDS_MAX);
    for (uint32_t i = 0; i < command->job_no_count; i++)
        remove_one(core, now, command->job_nos[i], fx);
}
