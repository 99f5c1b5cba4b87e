// Unique keys at their moments, seen by a tick or by whoever asks for the key first.

#include "broker/core/core_private.h"

void unique_pass(struct core *core, struct now now, uint32_t unique, struct effects *fx)
{
    const struct unique_row *row = uniques_at(&core->ledger.uniques, unique);
    ledger_apply(&core->ledger,
                 &(struct entry){.kind = ENTRY_PASS,
                                 .at = now.store,
                                 .job_id = row->job_id,
                                 .slot = ENTRY_NO_SLOT,
                                 .pass = {.job_no = row->no}},
                 fx);
}

const struct id *unique_holder(struct core *core, struct now now, const struct msg_submit_job *job,
                               struct effects *fx)
{
    const struct uniques *uniques = &core->ledger.uniques;
    if (job->unique_key.len == 0)
        return NULL;
    uint32_t unique = uniques_find(uniques, &job->unique_hash);
    if (unique == UNIQUES_NONE)
        return NULL;
    const struct unique_row *row = uniques_at(uniques, unique);
    if (row->waits_end || row->until > now.store)
        return &row->job_id;
    unique_pass(core, now, unique, fx);
    return NULL;
}
