// Reading queues and types from a snapshot. They stand by number, and there are a few thousand at most; so
// one that is looked for by its name is found by a walk.

#include "broker/store/store_private.h"

// The next row that is whole.
static err read_next(struct store_view *view, bool is_first, struct queue_row *out_row)
{
    struct slice key = {0};
    struct slice record = {0};
    struct slice start = {0};
    err e = is_first ? disk_seek(view->reader, TABLE_QUEUES, start, &key, &record)
                     : disk_next(view->reader, &key, &record);
    while (e == OK && store_record_get_queue(record, key, out_row) != OK) {
        atomic_fetch_add(&view->store->damaged, 1);
        e = disk_next(view->reader, &key, &record);
    }
    return e;
}

err store_view_queue(struct store_view *view, struct slice tenant, struct slice queue,
                     struct queue_row *out_row)
{
    struct queue_row row;
    err e = read_next(view, true, &row);
    while (e == OK && !(slice_equal(row.queue, queue) && slice_equal(row.tenant, tenant)))
        e = read_next(view, false, &row);
    if (e == OK)
        *out_row = row;
    return e;
}

static bool is_before(struct slice a, struct slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.data, b.data, len) : 0;
    return order != 0 ? order < 0 : a.len < b.len;
}

// Into its place; of a full page the last one goes.
static void insert(struct queue_row *rows, uint32_t *count, uint32_t cap,
                   const struct queue_row *row)
{
    if (*count == cap && !is_before(row->queue, rows[cap - 1].queue))
        return;
    uint32_t at = *count < cap ? (*count)++ : cap - 1;
    for (; at > 0 && is_before(row->queue, rows[at - 1].queue); at--)
        rows[at] = rows[at - 1];
    rows[at] = *row;
}

err store_view_queue_page(struct store_view *view, const struct store_queue_page *page,
                          struct queue_row *rows, uint32_t *out_count)
{
    CHECK(page->cap > 0);
    uint32_t count = 0;
    struct queue_row row;
    err e = read_next(view, true, &row);
    for (; e == OK; e = read_next(view, false, &row)) {
        if (slice_equal(row.tenant, page->tenant) && is_before(page->after, row.queue))
            insert(rows, &count, page->cap, &row);
    }
    if (e != ERR_NOT_FOUND)
        return e;
    *out_count = count;
    return OK;
}

// --- types ---

err store_view_queue_next_type(struct store_view *view, bool is_first, struct type_row *out_row)
{
    struct slice key = {0};
    struct slice record = {0};
    struct slice start = {0};
    err e = is_first ? disk_seek(view->reader, TABLE_TYPES, start, &key, &record)
                     : disk_next(view->reader, &key, &record);
    while (e == OK && store_record_get_type(record, key, out_row) != OK) {
        atomic_fetch_add(&view->store->damaged, 1);
        e = disk_next(view->reader, &key, &record);
    }
    return e;
}

err store_view_queue_type(struct store_view *view, struct slice tenant, struct slice type,
                          struct type_row *out_row)
{
    struct type_row row;
    err e = store_view_queue_next_type(view, true, &row);
    while (e == OK && !(slice_equal(row.type, type) && slice_equal(row.tenant, tenant)))
        e = store_view_queue_next_type(view, false, &row);
    if (e == OK)
        *out_row = row;
    return e;
}

static void insert_type(struct type_row *rows, uint32_t *count, uint32_t cap,
                        const struct type_row *row)
{
    if (*count == cap && !is_before(row->type, rows[cap - 1].type))
        return;
    uint32_t at = *count < cap ? (*count)++ : cap - 1;
    for (; at > 0 && is_before(row->type, rows[at - 1].type); at--)
        rows[at] = rows[at - 1];
    rows[at] = *row;
}

err store_view_queue_types(struct store_view *view, const struct store_queue_page *page,
                           struct type_row *rows, uint32_t *out_count)
{
    CHECK(page->cap > 0);
    uint32_t count = 0;
    struct type_row row;
    err e = store_view_queue_next_type(view, true, &row);
    for (; e == OK; e = store_view_queue_next_type(view, false, &row)) {
        if (slice_equal(row.tenant, page->tenant) && is_before(page->after, row.type))
            insert_type(rows, &count, page->cap, &row);
    }
    if (e != ERR_NOT_FOUND)
        return e;
    *out_count = count;
    return OK;
}
