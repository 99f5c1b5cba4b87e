// Entries of acts on many: one begins, has come further, or is cancelled.

#include "broker/core/ledger.h"

static struct slice kept(struct slice text, struct effects *fx)
{
    if (text.len == 0)
        return (struct slice){0};
    uint8_t *room = arena_take(fx->arena, text.len);
    CHECK(room != NULL);
    memcpy(room, text.data, text.len);
    return slice_of(room, text.len);
}

struct operation_row ledger_operation_kept(const struct operation_row *row, struct effects *fx)
{
    struct operation_row copy = *row;
    copy.tenant = kept(row->tenant, fx);
    copy.filter.queue = kept(row->filter.queue, fx);
    copy.filter.type = kept(row->filter.type, fx);
    copy.filter.tag = kept(row->filter.tag, fx);
    copy.actor = kept(row->actor, fx);
    copy.cancelled_by = kept(row->cancelled_by, fx);
    return copy;
}

static void write_row(struct ledger *ledger, const struct operation_row *row, struct effects *fx)
{
    uint64_t low;
    memcpy(&low, row->id.bytes + 8, sizeof low);
    ledger_note(ledger, low ^ row->cursor << 32 ^ row->upto);
    ledger_note(ledger, row->matched << 32 ^ row->done);
    ledger_note(ledger, (uint64_t)row->ended_at);
    effects_write(fx, WRITE_OPERATION)->operation = ledger_operation_kept(row, fx);
}

static void drop(struct ledger *ledger, const struct id *id, struct effects *fx)
{
    uint32_t place = operations_find(&ledger->operations, id);
    CHECK(place != OPERATIONS_NONE);
    effects_write(fx, DROP_OPERATION)->operation = (struct operation_row){.id = *id};
    operations_drop(&ledger->operations, place);
}

void ledger_operation_begin(struct ledger *ledger, const struct entry *entry, struct effects *fx)
{
    const struct msg_operate *asked = entry->operate.asked;
    if (!id_is_zero(&entry->operate.dropped))
        drop(ledger, &entry->operate.dropped, fx);
    uint64_t upto = ledger->row.job_no_next - 1;
    uint32_t place = operations_add(&ledger->operations,
                                    &(struct operation_row){.id = asked->operation_id,
                                                            .kind = (uint8_t)asked->kind,
                                                            .tenant = asked->tenant,
                                                            .filter = asked->filter,
                                                            .actor = asked->actor,
                                                            .rate = asked->rate,
                                                            .created_at = entry->at,
                                                            .ended_at = upto == 0 ? entry->at : 0,
                                                            .upto = upto,
                                                            .cursor = upto,
                                                            .version = 1});
    ledger->operations.items[place].batch = ledger->batch;
    write_row(ledger, operations_peek(&ledger->operations, place), fx);
}

void ledger_operation_step(struct ledger *ledger, const struct entry *entry, struct effects *fx)
{
    uint32_t place = operations_find(&ledger->operations, &entry->step.operation);
    CHECK(place != OPERATIONS_NONE && entry->step.done <= entry->step.matched);
    struct operation_row *row =
        operations_advance(&ledger->operations, place, entry->step.cursor, ledger->batch);
    row->matched += entry->step.matched;
    row->done += entry->step.done;
    if (row->cursor == 0)
        row->ended_at = entry->at;
    CHECK(operations_is_sound(row));
    write_row(ledger, row, fx);
}

void ledger_operation_cancel(struct ledger *ledger, const struct entry *entry, struct effects *fx)
{
    const struct msg_operate *asked = entry->operate.asked;
    uint32_t place = operations_find(&ledger->operations, &asked->operation_id);
    CHECK(place != OPERATIONS_NONE);
    struct operation_row *row =
        operations_cancel(&ledger->operations, place, asked->actor, ledger->batch);
    row->ended_at = entry->at;
    CHECK(operations_is_sound(row) && operations_is_cancelled(row));
    write_row(ledger, row, fx);
}
