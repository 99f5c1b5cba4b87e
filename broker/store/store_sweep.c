// The sweeper's eyes: which jobs are past their retention or their key's window. It walks only
// segments whose earliest moment has come.

#include "broker/store/store_private.h"

struct find {
    uint64_t *job_nos;
    uint32_t cap;
    uint32_t count;
};

static err seek_row(struct store_view *view, uint64_t from, struct slice *out_key,
                    struct slice *out_record)
{
    struct disk_key key = disk_key_of(from);
    return disk_seek(view->reader, TABLE_JOBS, disk_key_slice(&key), out_key, out_record);
}

// Looks at one row; false when there is no room for it.
static bool see(struct store_view *view, struct slice key, struct slice record, when_ms now,
                struct find *find)
{
    struct job_row row;
    if (store_record_get_job(record, key, &row) != OK)
        return true; // quarantined where it lies
    when_ms due_at = store_record_sweep_at(&row);
    view->sweep_next = when_min(view->sweep_next, due_at);
    if (due_at > now)
        return true;
    if (find->count == find->cap)
        return false;
    find->job_nos[find->count++] = row.no;
    return true;
}

// Goes on in segment `no` at `sweep_from`. When the end is reached the segment's next moment is
// known, if the walk has begun at its beginning.
static err walk(struct store_view *view, uint64_t no, when_ms now, struct find *find)
{
    uint64_t begin = no * STORE_SEGMENT_JOBS;
    bool is_resumed = view->sweep_from > begin && view->sweep_from < begin + STORE_SEGMENT_JOBS;
    uint64_t from = is_resumed ? view->sweep_from : begin;
    if (!is_resumed)
        view->sweep_next = WHEN_NEVER;
    struct slice key = {0};
    struct slice record = {0};
    err e = seek_row(view, from, &key, &record);
    while (e == OK && disk_key_number(key) < begin + STORE_SEGMENT_JOBS) {
        if (!see(view, key, record, now, find)) {
            view->sweep_from = disk_key_number(key);
            return OK;
        }
        e = disk_next(view->reader, &key, &record);
    }
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    view->sweep_from = begin + STORE_SEGMENT_JOBS;
    // After a walk in pieces, or one that found something, the next round tells.
    if (!is_resumed && find->count == 0)
        store_segments_walked(&view->store->segments, no, view->seen, view->sweep_next);
    return OK;
}

err store_view_sweep(struct store_view *view, when_ms now, uint64_t *out_job_nos, uint32_t cap,
                     uint32_t *out_count)
{
    enum { SEGMENTS_MAX = 4 }; // a call reads at most 16,384 rows
    CHECK(view->is_begun);
    struct find find = {.job_nos = out_job_nos, .cap = cap};
    err e = OK;
    uint64_t no = 0;
    for (unsigned i = 0; i < SEGMENTS_MAX && e == OK && find.count < cap; i++) {
        uint64_t from = view->sweep_from / STORE_SEGMENT_JOBS;
        if (!store_segments_due(&view->store->segments, from, now, &no)) {
            // The end of a round is told by an empty answer; the next call begins a new one.
            if (find.count == 0)
                view->sweep_from = 0;
            break;
        }
        e = walk(view, no, now, &find);
    }
    if (e == OK)
        *out_count = find.count;
    return e;
}
