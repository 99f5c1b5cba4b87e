// Members join batches and move, batches are sealed; whoever waits for a batch is told of its end.

#include "broker/core/ledger.h"

static void tell_end(struct ledger *ledger, uint32_t batch)
{
    const struct batch_row *row = &batches_at(&ledger->batches, batch)->row;
    struct dep_name name = ledger_dep_name(ledger, row->tenant, &row->id);
    deps_end(&ledger->deps, &name);
}

// Its members' numbers are its own, whatever id it has.
static void note(struct ledger *ledger, uint32_t batch, uint64_t what)
{
    ledger_note(ledger, batches_at(&ledger->batches, batch)->row.last_no);
    ledger_note(ledger, what);
}

uint32_t ledger_batch_join(struct ledger *ledger, const struct entry *entry,
                           const struct job *member)
{
    const struct msg_submit_job *given = entry->submit.job;
    if (id_is_zero(&given->batch_id))
        return 0;
    struct slice tenant = lanes_row(&ledger->lanes, member->lane).tenant;
    uint32_t batch = batches_find(&ledger->batches, tenant, &given->batch_id);
    bool is_new = batch == BATCHES_NONE;
    if (is_new)
        batch = batches_add(&ledger->batches, &given->batch_id, tenant, given->batch_fingerprint,
                            entry->at);
    when_ms window_ms = (when_ms)entry->submit.policy.dedup_s * 1000;
    batches_join(&ledger->batches, batch,
                 &(struct batch_member){.job_no = member->no,
                                        .joined_at = entry->at,
                                        .dedup_until = when_after(entry->at, window_ms)});
    if (is_new)
        note(ledger, batch, given->batch_fingerprint);
    return batch + 1;
}

bool ledger_batch_is_another(const struct ledger *ledger, const struct msg_submit_job *job)
{
    if (job->batch_fingerprint == 0)
        return false;
    uint32_t batch = batches_find(&ledger->batches, job->tenant, &job->batch_id);
    return batch != BATCHES_NONE &&
           batches_differ(batches_at(&ledger->batches, batch)->row.fingerprint,
                          job->batch_fingerprint);
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
    note(ledger, batch, id_hash(&entry->seal.batch, (uint64_t)entry->at));
    if (batches_seal(&ledger->batches, batch, entry->at))
        tell_end(ledger, batch);
}

void ledger_batch_free(struct ledger *ledger, const struct entry *entry)
{
    uint32_t batch = batches_find(&ledger->batches, entry->seal.tenant, &entry->seal.batch);
    CHECK(batch != BATCHES_NONE);
    note(ledger, batch, (uint64_t)entry->at);
    batches_free(&ledger->batches, batch);
}
