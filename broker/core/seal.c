// Station seal: nobody else is expected to join a batch. Its submitter says so; when he does not,
// time does. One that has lost its members keeps its id for the rest of its time, so that nobody
// makes another batch of it.

#include "broker/core/core_private.h"

static void apply(struct core *core, struct now now, enum entry_kind kind, uint32_t batch,
                  struct effects *fx)
{
    const struct batch_row *row = &batches_at(&core->ledger.batches, batch)->row;
    ledger_apply(&core->ledger,
                 &(struct entry){.kind = kind,
                                 .at = now.store,
                                 .slot = ENTRY_NO_SLOT,
                                 .seal = {.batch = row->id, .tenant = row->tenant}},
                 fx);
}

static struct msg_batch_status_is status_of(const struct batch_row *row)
{
    struct msg_batch_status_is status = {.batch_id = row->id,
                                         .created_at = row->created_at,
                                         .version = row->version,
                                         .finished_at = row->finished_at,
                                         .is_sealed = row->sealed_at != 0};
    memcpy(status.counts, row->counts, sizeof status.counts);
    return status;
}

// Sealed already is done already.
void seal_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
               struct effects *fx)
{
    const struct id *id = &msg->batch_seal.batch_id;
    struct msg_batch_status_is answer = {.batch_id = *id, .error = ERR_NOT_FOUND};
    uint32_t batch = batches_find(&core->ledger.batches, msg->tenant, id);
    if (batch != BATCHES_NONE) {
        if (batches_at(&core->ledger.batches, batch)->row.sealed_at == 0)
            apply(core, now, ENTRY_SEAL, batch, fx);
        answer = status_of(&batches_at(&core->ledger.batches, batch)->row);
    }
    effects_send(fx, peer, MSG_BATCH_STATUS_IS, msg->corr)->batch_status_is = answer;
}

when_ms seal_deadline(const struct core *core)
{
    uint32_t batch = batches_first_open(&core->ledger.batches);
    if (batch == BATCHES_NONE)
        return WHEN_NEVER;
    return when_after(batches_at(&core->ledger.batches, batch)->joined_at,
                      core->limits.batch_seal_ms);
}

bool seal_late(struct core *core, struct now now, struct effects *fx)
{
    if (seal_deadline(core) > now.store)
        return false;
    apply(core, now, ENTRY_SEAL, batches_first_open(&core->ledger.batches), fx);
    return true;
}

when_ms seal_free_deadline(const struct core *core)
{
    uint32_t batch = batches_first_free(&core->ledger.batches);
    return batch == BATCHES_NONE ? WHEN_NEVER
                                 : batches_at(&core->ledger.batches, batch)->row.dedup_until;
}

bool seal_free(struct core *core, struct now now, struct effects *fx)
{
    if (seal_free_deadline(core) > now.store)
        return false;
    apply(core, now, ENTRY_FREE, batches_first_free(&core->ledger.batches), fx);
    return true;
}
