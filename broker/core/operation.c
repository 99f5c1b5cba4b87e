// Station operation: an act on many jobs. Who asks gives a filter; the shell finds the jobs that
// fit, some at a time, from the youngest of those that had been accepted when it began down to the
// oldest; here each is done to as by an act on one, and in the same batch the operation's cursor
// moves. So a restart goes on where the last durable step had come, and no job is done to twice.
// One with a rate meets so many jobs a second at most, whatever is proposed; until its next share it
// rests, and others go on. One that is cancelled is over where it stands: what was looked for is not
// done, and no start goes on with it.
//
// To add a kind: its states in check_operate_states(), its way in do_one(); the rest (cursor,
// counts, restarts, progress) is the same for all. To mean other jobs, for example those of a batch:
// a field of struct msg_filter, looked at in broker/store/store_list.c.

#include "broker/core/core_private.h"

#include "lib/base/origin.h"

static struct msg_operation_is is_of(const struct operation_row *row, struct effects *fx)
{
    struct operation_row kept = ledger_operation_kept(row, fx);
    return operations_is(&kept);
}

static bool is_same(const struct operation_row *row, const struct msg_operate *asked)
{
    const struct msg_filter *a = &row->filter;
    const struct msg_filter *b = &asked->filter;
    return origin_is_tenant(row->tenant, asked->tenant) && row->kind == asked->kind &&
           row->rate == asked->rate && a->states == b->states && slice_equal(a->queue, b->queue) &&
           slice_equal(a->type, b->type) && slice_equal(a->tag, b->tag) &&
           a->created_after == b->created_after && a->created_before == b->created_before &&
           id_equal(&a->batch_id, &b->batch_id);
}

static struct msg_operation_is refused(err error, const char *detail)
{
    return (struct msg_operation_is){.error = error, .detail = slice_of_text(detail)};
}

// What is named must be there: a slip in it is not an act on no jobs.
bool operation_is_known(const struct core *core, const struct msg_operate *asked)
{
    const struct msg_filter *filter = &asked->filter;
    const struct queue_name queue = {.tenant = asked->tenant, .queue = filter->queue};
    bool is_purge = asked->kind == ACT_PURGE && filter->queue.len > 0;
    if (is_purge && queues_find(&core->ledger.queues, queue) == QUEUES_NONE)
        return false;
    if (id_is_zero(&filter->batch_id))
        return true;
    return batches_find(&core->ledger.batches, asked->tenant, &filter->batch_id) != BATCHES_NONE;
}

static struct msg_operation_is unknown(const struct msg_operate *asked)
{
    return refused(ERR_NOT_FOUND, asked->kind == ACT_PURGE
                                      ? "no job and no setting has named this queue yet"
                                      : "no such batch; check the id");
}

bool operation_start(struct core *core, struct now now, const struct msg_operate *asked,
                     struct effects *fx)
{
    struct operations *operations = &core->ledger.operations;
    struct entry entry = {.kind = ENTRY_OPERATE, .at = now.store, .slot = ENTRY_NO_SLOT};
    entry.operate.asked = asked;
    if (!operations_has_room(operations)) {
        uint32_t oldest = operations_oldest(operations, now.store - LIMITS_OPERATION_KEPT_MS);
        if (oldest == OPERATIONS_NONE)
            return false;
        entry.operate.dropped = operations_peek(operations, oldest)->id;
    }
    ledger_apply(&core->ledger, &entry, fx);
    operations_empty(operations, operations_find(operations, &asked->operation_id), now.mono);
    return true;
}

static struct msg_operation_is begin(struct core *core, struct now now,
                                     const struct msg_operate *asked, struct effects *fx)
{
    struct operations *operations = &core->ledger.operations;
    if (asked->dry_run) // only what is not known comes here; it has no id
        return unknown(asked);
    uint32_t place = operations_find(operations, &asked->operation_id);
    if (place != OPERATIONS_NONE) {
        const struct operation_row *row = operations_peek(operations, place);
        return is_same(row, asked) ? is_of(row, fx)
                                   : refused(ERR_KEY_REUSED, "operation_id: of another operation");
    }
    if (!operation_is_known(core, asked))
        return unknown(asked);
    if (!operation_start(core, now, asked, fx))
        return refused(ERR_FULL, "operation_count_max: too many operations go on, or are "
                                 "over since less than an hour");
    place = operations_find(operations, &asked->operation_id);
    return is_of(operations_peek(operations, place), fx);
}

// What is cancelled already is answered as it is, and one that came to its end is told as an ended job.
static struct msg_operation_is cancel(struct core *core, struct now now,
                                      const struct msg_operate *asked, struct effects *fx)
{
    struct operations *operations = &core->ledger.operations;
    uint32_t place = operations_find(operations, &asked->operation_id);
    const struct operation_row *row =
        place == OPERATIONS_NONE ? NULL : operations_peek(operations, place);
    if (row == NULL || !origin_is_tenant(row->tenant, asked->tenant))
        return refused(ERR_NOT_FOUND, "no such operation, or over since long; check the id");
    if (operations_is_over(row) && !operations_is_cancelled(row))
        return refused(ERR_CONFLICT, "the operation is over");
    if (!operations_is_over(row))
        ledger_apply(
            &core->ledger,
            &(struct entry){
                .kind = ENTRY_HALT, .at = now.store, .slot = ENTRY_NO_SLOT, .operate.asked = asked},
            fx);
    return is_of(row, fx);
}

void operation_begin(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
                     struct effects *fx)
{
    bool is_cancel = msg->operate.kind == ACT_STOP;
    struct msg_operation_is answer = (is_cancel ? cancel : begin)(core, now, &msg->operate, fx);
    answer.operation_id = msg->operate.operation_id;
    effects_send(fx, peer, MSG_OPERATION_IS, msg->corr)->operation_is = answer;
}

// --- a step ---

// The shell's word is a proposal: numbers fall, and all lie between the two cursors.
static bool is_orderly(const struct operation_step *step)
{
    uint64_t last = step->from + 1;
    for (uint32_t i = 0; i < step->count; i++) {
        if (step->items[i].no >= last || step->items[i].no <= step->next)
            return false;
        last = step->items[i].no;
    }
    return step->next < step->from;
}

// ERR_AGAIN: it must wait. Everything else but OK: it is left as it is.
static err do_one(struct core *core, struct now now, const struct operation_row *row,
                  const struct operation_item *item, struct effects *fx)
{
    struct ledger_view view = ledger_lookup(&core->ledger, &item->id);
    bool fits = view.is_known && view.row.no == item->no &&
                (row->filter.states & 1u << view.row.state) != 0;
    if (!fits)
        return ERR_CONFLICT;
    enum act_kind kind = (enum act_kind)row->kind;
    return act_one(core, now,
                   &(struct msg_act){.kind = kind == ACT_PURGE ? ACT_CANCEL : kind,
                                     .job_id = item->id,
                                     .tenant = row->tenant,
                                     .actor = row->actor},
                   fx)
        .error;
}

void operation_step(struct core *core, struct now now, const struct operation_step *step,
                    struct effects *fx)
{
    CHECK(step->count <= LIMITS_STEP_RECORDS_MAX);
    uint32_t place = operations_find(&core->ledger.operations, &step->operation);
    if (place == OPERATIONS_NONE || !is_orderly(step))
        return;
    struct operation_row row =
        ledger_operation_kept(operations_peek(&core->ledger.operations, place), fx);
    if (row.cursor != step->from || operations_is_over(&row))
        return;
    struct entry entry = {.kind = ENTRY_STEP, .at = now.store, .slot = ENTRY_NO_SLOT};
    entry.step.operation = row.id;
    entry.step.cursor = step->next;
    uint32_t allowance = operations_allowance(&core->ledger.operations, place, now.mono);
    for (uint32_t i = 0; i < step->count; i++) {
        bool may = entry.step.matched < allowance;
        err e = may ? do_one(core, now, &row, &step->items[i], fx) : ERR_AGAIN;
        if (e == ERR_AGAIN) {
            entry.step.cursor = step->items[i].no;
            break;
        }
        entry.step.matched++;
        entry.step.done += e == OK;
        core->figures.operated[e == OK]++;
    }
    operations_pay(&core->ledger.operations, place, entry.step.matched, now.mono);
    if (entry.step.cursor < row.cursor)
        ledger_apply(&core->ledger, &entry, fx);
}
