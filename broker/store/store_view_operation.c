// Acts on many jobs, read from a snapshot: how far one has come, and which jobs come next. Its
// cursor and the jobs are of the same moment.

#include "broker/core/operations.h"
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

static bool is_newer(const struct operation_row *a, when_ms at, const struct id *id)
{
    if (a->created_at != at)
        return a->created_at > at;
    return memcmp(a->id.bytes, id->bytes, sizeof id->bytes) > 0;
}

static void insert(struct operation_row *rows, uint32_t *count, uint32_t cap,
                   const struct operation_row *row)
{
    uint32_t at = *count;
    while (at > 0 && is_newer(row, rows[at - 1].created_at, &rows[at - 1].id))
        at--;
    if (at == cap)
        return;
    *count += *count < cap;
    for (uint32_t i = *count - 1; i > at; i--)
        rows[i] = rows[i - 1];
    rows[at] = *row;
}

static bool is_wanted(struct store_view *view, const struct store_operation_page *page,
                      const struct operation_row *row)
{
    bool is_first = page->before == 0 && id_is_zero(&page->before_id);
    bool is_last = row->created_at == page->before && id_equal(&row->id, &page->before_id);
    return store_view_shows(view, row->tenant) &&
           (is_first || (!is_last && !is_newer(row, page->before, &page->before_id)));
}

// There are a few thousand at most.
err store_view_operation_page(struct store_view *view, const struct store_operation_page *page,
                              struct operation_row *rows, uint32_t *out_count)
{
    struct slice key = {0};
    struct slice record = {0};
    struct operation_row row;
    uint32_t count = 0;
    CHECK(page->cap > 0);
    err e = disk_seek(view->reader, TABLE_OPERATIONS, (struct slice){0}, &key, &record);
    for (; e == OK; e = disk_next(view->reader, &key, &record)) {
        if (store_record_get_operation(record, key, &row) != OK)
            atomic_fetch_add(&view->store->damaged, 1);
        else if (is_wanted(view, page, &row))
            insert(rows, &count, page->cap, &row);
    }
    *out_count = count;
    return e == ERR_NOT_FOUND ? OK : e;
}

static void add_item(void *ctx, const struct job_row *row, const struct lane_row *lane,
                     uint32_t batch_index)
{
    struct operation_step *step = ctx;
    (void)lane;
    (void)batch_index;
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
    if (operations_is_cancelled(&row)) // meanwhile: nothing is to be done
        return OK;
    e = store_list_walk(view,
                        &(struct store_walk){.filter = &row.filter,
                                             .limit = operations_share(row.rate),
                                             .take = add_item,
                                             .ctx = out_step},
                        &out_step->next);
    // The batch that is meant has no members any more, or is damaged, which is counted and told by
    // the auditor: nobody can say which its members are, and would be asked until the end of time.
    if (e == ERR_NOT_FOUND || e == ERR_DAMAGED)
        out_step->next = 0;
    return e == ERR_NOT_FOUND || e == ERR_DAMAGED ? OK : e;
}

static void count_one(void *ctx, const struct job_row *row, const struct lane_row *lane,
                      uint32_t batch_index)
{
    (void)batch_index;
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
