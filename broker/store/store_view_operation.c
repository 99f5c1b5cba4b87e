// Acts on many jobs, read from a snapshot: how far one has come, and which jobs come next. Its
// cursor and the jobs are of the same moment.

#include "broker/store/store_private.h"

static err get(struct store_view *view, const struct id *id, struct operation_row *out_row)
{
    struct slice key = slice_of(id->bytes, sizeof id->bytes);
    struct slice record = {0};
    err e = disk_get(view->reader, TABLE_OPERATIONS, key, &record);
    if (e != OK)
        return e;
    e = store_record_get_operation(record, key, out_row);
    if (e != OK)
        atomic_fetch_add(&view->store->damaged, 1);
    return e;
}

err store_view_operation(struct store_view *view, const struct id *id,
                         struct operation_row *out_row)
{
    struct operation_row row;
    err e = get(view, id, &row);
    if (e == OK && !store_view_shows(view, row.tenant))
        return ERR_NOT_FOUND;
    if (e == OK)
        *out_row = row;
    return e;
}

static void add_item(void *ctx, const struct job_row *row, const struct lane_row *lane)
{
    struct operation_step *step = ctx;
    (void)lane;
    step->items[step->count++] = (struct operation_item){.id = row->id, .no = row->no};
}

err store_view_operation_step(struct store_view *view, const struct id *id,
                              struct operation_step *out_step)
{
    struct operation_row row;
    err e = get(view, id, &row);
    if (e != OK)
        return e;
    if (row.cursor == 0)
        return ERR_NOT_FOUND;
    store_view_as(view, row.tenant);
    *out_step = (struct operation_step){.operation = *id, .from = row.cursor, .next = row.cursor};
    e = store_list_walk(view,
                        &(struct store_walk){.filter = &row.filter,
                                             .limit = LIMITS_STEP_RECORDS_MAX,
                                             .take = add_item,
                                             .ctx = out_step},
                        &out_step->next);
    // The batch that is meant has no members any more, or is damaged, which is counted and told by
    // the auditor: nobody can say which its members are, and would be asked until the end of time.
    if (e == ERR_NOT_FOUND || e == ERR_DAMAGED)
        out_step->next = 0;
    return e == ERR_NOT_FOUND || e == ERR_DAMAGED ? OK : e;
}

static void count_one(void *ctx, const struct job_row *row, const struct lane_row *lane)
{
    uint64_t *count = ctx;
    (void)row;
    (void)lane;
    (*count)++;
}

err store_view_operation_count(struct store_view *view, const struct msg_filter *filter,
                               uint64_t *cursor, uint64_t *out_count)
{
    *out_count = 0;
    err e = store_list_walk(
        view,
        &(struct store_walk){
            .filter = filter, .limit = UINT32_MAX, .take = count_one, .ctx = out_count},
        cursor);
    if (e == ERR_NOT_FOUND)
        *cursor = 0;
    return e == ERR_NOT_FOUND ? OK : e;
}
