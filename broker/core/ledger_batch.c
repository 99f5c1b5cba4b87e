// Members join batches and move, batches are sealed; whoever waits for a batch is told of its end.

#include "broker/core/ledger.h"

static void tell_end(struct ledger *ledger, uint32_t batch)
{
    const struct batch_row *row = &batches_at(&ledger->batches, batch)->row;
    struct dep_name name = ledger_dep_name(ledger, row->tenant, &row->id);
    deps_end(&ledger->deps, &name);
}

uint32_t ledger_batch_join(struct ledger *ledger, const struct id *id, const struct job *member)
{
    when_ms at = (when_ms)member->accepted_at;
    if (id_is_zero(id))
        return 0;
    struct slice tenant = lanes_row(&ledger->lanes, member->lane).tenant;
    uint32_t batch = batches_find(&ledger->batches, tenant, id);
    if (batch == BATCHES_NONE)
        batch = batches_add(&ledger->batches, id, tenant, at);
    batches_join(&ledger->batches, batch, member->no, at);
    return batch + 1;
}

void ledger_batch_move(struct ledger *ledger, uint32_t batch, enum job_state from,
                       enum job_state to, when_ms at)
{
    if (batch > 0 && batches_count(&ledger->batches, batch - 1, from, to, at))
        tell_end(ledger, batch - 1);
}

void ledger_batch_seal(struct ledger *ledger, const struct entry *entry)
{
    uint32_t batch = batches_find(&ledger->batches, entry->seal.tenant, &entry->seal.batch);
    CHECK(batch != BATCHES_NONE);
    ledger_note(ledger, id_hash(&entry->seal.batch, (uint64_t)entry->at));
    if (batches_seal(&ledger->batches, batch, entry->at))
        tell_end(ledger, batch);
}
