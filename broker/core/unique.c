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

// The key that the job asks for, held or past its moment; UNIQUES_NONE: nobody has it.
static uint32_t find(const struct core *core, const struct msg_submit_job *job)
{
    return job->unique_key.len == 0 ? UNIQUES_NONE
                                    : uniques_find(&core->ledger.uniques, &job->unique_hash);
}

const struct id *unique_holder(const struct core *core, struct now now,
                               const struct msg_submit_job *job)
{
    uint32_t unique = find(core, job);
    if (unique == UNIQUES_NONE)
        return NULL;
    const struct unique_row *row = uniques_at(&core->ledger.uniques, unique);
    return row->waits_end || row->until > now.store ? &row->job_id : NULL;
}

void unique_free(struct core *core, struct now now, const struct msg_submit_job *job,
                 struct effects *fx)
{
    uint32_t unique = find(core, job);
    CHECK(unique_holder(core, now, job) == NULL);
    if (unique != UNIQUES_NONE)
        unique_pass(core, now, unique, fx);
}
