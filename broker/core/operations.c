// The table of acts on many.

#include "broker/core/operations.h"

#include "broker/core/limits.h"
#include "lib/base/check.h"

size_t operations_size(uint32_t cap)
{
    return (size_t)cap * sizeof(struct operation);
}

void operations_init(struct operations *operations, void *memory, uint32_t cap)
{
    *operations = (struct operations){.items = memory, .cap = cap};
}

static bool is_free(const struct operation *operation)
{
    return id_is_zero(&operation->row.id);
}

uint32_t operations_find(const struct operations *operations, const struct id *id)
{
    CHECK(!id_is_zero(id));
    for (uint32_t i = 0; i < operations->cap; i++)
        if (id_equal(&operations->items[i].row.id, id))
            return i;
    return OPERATIONS_NONE;
}

// Places tell nothing: after a start they are others.
static bool is_before(const struct operation *a, const struct operation *b)
{
    return memcmp(&a->row.id, &b->row.id, sizeof a->row.id) < 0;
}

uint32_t operations_oldest(const struct operations *operations, when_ms before)
{
    const struct operation *oldest = NULL;
    for (uint32_t i = 0; i < operations->cap; i++) {
        const struct operation *operation = &operations->items[i];
        if (is_free(operation) || !operations_is_over(&operation->row) ||
            operation->row.ended_at > before)
            continue;
        bool is_first =
            oldest == NULL || operation->row.ended_at < oldest->row.ended_at ||
            (operation->row.ended_at == oldest->row.ended_at && is_before(operation, oldest));
        oldest = is_first ? operation : oldest;
    }
    return oldest == NULL ? OPERATIONS_NONE : (uint32_t)(oldest - operations->items);
}

bool operations_has_room(const struct operations *operations)
{
    return operations->count < operations->cap;
}

static struct slice keep(uint8_t *room, size_t cap, struct slice text)
{
    CHECK(text.len <= cap);
    if (text.len > 0)
        memcpy(room, text.data, text.len);
    return slice_of(room, text.len);
}

uint32_t operations_add(struct operations *operations, const struct operation_row *row)
{
    CHECK(operations_has_room(operations) && operations_is_sound(row));
    CHECK(operations_find(operations, &row->id) == OPERATIONS_NONE);
    uint32_t place = 0;
    while (!is_free(&operations->items[place]))
        place++;
    struct operation *operation = &operations->items[place];
    operation->row = *row;
    operation->row.tenant = keep(operation->tenant, sizeof operation->tenant, row->tenant);
    operation->row.filter.queue =
        keep(operation->queue, sizeof operation->queue, row->filter.queue);
    operation->row.filter.type = keep(operation->type, sizeof operation->type, row->filter.type);
    operation->row.filter.tag = keep(operation->tag, sizeof operation->tag, row->filter.tag);
    operation->row.actor = keep(operation->actor, sizeof operation->actor, row->actor);
    operation->row.cancelled_by =
        keep(operation->cancelled_by, sizeof operation->cancelled_by, row->cancelled_by);
    operations->count++;
    operations->running += !operations_is_over(row);
    return place;
}

void operations_drop(struct operations *operations, uint32_t place)
{
    CHECK(operations_is_over(operations_peek(operations, place)));
    operations->items[place] = (struct operation){0};
    operations->count--;
}

const struct operation_row *operations_peek(const struct operations *operations, uint32_t place)
{
    CHECK(place < operations->cap && !is_free(&operations->items[place]));
    return &operations->items[place].row;
}

static struct operation *change(struct operations *operations, uint32_t place, uint64_t batch)
{
    struct operation *operation = &operations->items[place];
    CHECK(place < operations->cap && !is_free(operation) && !operations_is_over(&operation->row));
    operation->row.version++;
    operation->batch = batch;
    return operation;
}

struct operation_row *operations_advance(struct operations *operations, uint32_t place,
                                         uint64_t cursor, uint64_t batch)
{
    struct operation *operation = change(operations, place, batch);
    CHECK(cursor <= operation->row.cursor);
    operation->row.cursor = cursor;
    operations->running -= cursor == 0;
    return &operation->row;
}

struct operation_row *operations_cancel(struct operations *operations, uint32_t place,
                                        struct slice actor, uint64_t batch)
{
    struct operation *operation = change(operations, place, batch);
    operation->row.cancelled_by =
        keep(operation->cancelled_by, sizeof operation->cancelled_by, actor);
    operations->running--;
    return &operation->row;
}

// --- rates ---

uint32_t operations_share(uint32_t rate)
{
    uint32_t share = rate / 10 > 0 ? rate / 10 : 1;
    return rate == 0 || share > LIMITS_STEP_RECORDS_MAX ? LIMITS_STEP_RECORDS_MAX : share;
}

void operations_empty(struct operations *operations, uint32_t place, when_ms mono)
{
    CHECK(place < operations->cap);
    operations->items[place].throttle = (struct throttle){.at = mono};
}

void operations_start(struct operations *operations, when_ms mono)
{
    for (uint32_t place = 0; place < operations->cap; place++)
        operations_empty(operations, place, mono);
}

uint32_t operations_allowance(const struct operations *operations, uint32_t place, when_ms mono)
{
    uint32_t rate = operations_peek(operations, place)->rate;
    return rate == 0 ? UINT32_MAX : throttle_has(&operations->items[place].throttle, rate, mono);
}

void operations_pay(struct operations *operations, uint32_t place, uint32_t count, when_ms mono)
{
    uint32_t rate = operations_peek(operations, place)->rate;
    if (rate > 0)
        throttle_take(&operations->items[place].throttle, rate, count, mono);
}

// --- turns ---

// WHEN_NEVER: it is over, or something else must happen first.
static when_ms wait_of(const struct operation *operation, const struct operations_moment *moment)
{
    uint32_t rate = operation->row.rate;
    if (is_free(operation) || operations_is_over(&operation->row) ||
        operation->batch > moment->settled)
        return WHEN_NEVER;
    return rate == 0
               ? 0
               : throttle_wait_ms(&operation->throttle, rate, operations_share(rate), moment->mono);
}

when_ms operations_wait_ms(const struct operations *operations,
                           const struct operations_moment *moment)
{
    when_ms wait = WHEN_NEVER;
    for (uint32_t i = 0; operations->running > 0 && wait > 0 && i < operations->cap; i++)
        wait = when_min(wait, wait_of(&operations->items[i], moment));
    return wait;
}

bool operations_next(struct operations *operations, const struct operations_moment *moment,
                     struct id *out_id)
{
    if (operations->running == 0)
        return false;
    const struct operation last = {.row.id = operations->turn};
    const struct operation *first = NULL; // of all
    const struct operation *next = NULL;  // of those behind the last one
    for (uint32_t i = 0; i < operations->cap; i++) {
        const struct operation *operation = &operations->items[i];
        if (wait_of(operation, moment) > 0)
            continue;
        if (first == NULL || is_before(operation, first))
            first = operation;
        if (is_before(&last, operation) && (next == NULL || is_before(operation, next)))
            next = operation;
    }
    next = next != NULL ? next : first;
    if (next == NULL)
        return false;
    operations->turn = next->row.id;
    *out_id = next->row.id;
    return true;
}

struct msg_operation_is operations_is(const struct operation_row *row)
{
    return (struct msg_operation_is){.operation_id = row->id,
                                     .kind = (enum act_kind)row->kind,
                                     .filter = row->filter,
                                     .actor = row->actor,
                                     .rate = row->rate,
                                     .version = row->version,
                                     .matched = row->matched,
                                     .done = row->done,
                                     .upto = row->upto,
                                     .cursor = row->cursor,
                                     .is_over = operations_is_over(row),
                                     .cancelled_by = row->cancelled_by,
                                     .created_at = row->created_at,
                                     .ended_at = row->ended_at};
}

bool operations_is_over(const struct operation_row *row)
{
    return row->ended_at != 0;
}

bool operations_is_cancelled(const struct operation_row *row)
{
    return operations_is_over(row) && row->cursor > 0;
}

bool operations_is_sound(const struct operation_row *row)
{
    return !id_is_zero(&row->id) && row->cursor <= row->upto && row->done <= row->matched &&
           (row->cursor > 0 || operations_is_over(row)) && row->created_at >= 0 &&
           (row->cancelled_by.len == 0 || operations_is_cancelled(row)) &&
           row->filter.states != 0 && row->rate <= MSG_RATE_COUNT_MAX;
}

err operations_load(struct operations *operations, const struct operation_row *row)
{
    if (!operations_is_sound(row) || operations_find(operations, &row->id) != OPERATIONS_NONE)
        return ERR_DAMAGED;
    if (!operations_has_room(operations))
        return ERR_FULL;
    (void)operations_add(operations, row);
    return OK;
}
