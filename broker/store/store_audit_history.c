// What a job has many of: the events of its timeline and the lines of its log, of which both ends are
// kept.

#include "broker/store/store_audit_private.h"

#include "broker/core/events.h"
#include "broker/core/logs.h"

// The number of the job and of the item in a key. False when it is none.
static bool history_of(struct slice key, uint64_t *out_no, uint32_t *out_item)
{
    if (key.len != sizeof(struct history_key))
        return false;
    *out_no = disk_key_number(slice_of(key.data, sizeof(struct disk_key)));
    *out_item = (uint32_t)key.data[8] << 24 | (uint32_t)key.data[9] << 16 |
                (uint32_t)key.data[10] << 8 | key.data[11];
    return true;
}

static bool is_kept(const struct ends *ends, uint32_t item, uint32_t count)
{
    return item > 0 && ends_next(ends, item - 1, count) == item;
}

err store_audit_see_event(struct store_audit *audit, struct slice key, struct slice record)
{
    uint64_t no = 0;
    uint32_t item = 0;
    struct event_row event;
    struct job_row row;
    bool is_named = history_of(key, &no, &item);
    if (!is_named || store_record_get_event(record, key, &event) != OK) {
        violation_add(&audit->found, VIOLATION_DAMAGED, no, NULL);
        return OK;
    }
    err e = store_audit_row(audit, no, &row);
    if (e == ERR_NOT_FOUND)
        violation_add(&audit->found, VIOLATION_EVENT_ORPHAN, no, NULL);
    if (e != OK)
        return e == ERR_NOT_FOUND || e == ERR_DAMAGED ? OK : e;
    bool belongs = row.state != JOB_REMOVED && event.seq == item && event.token <= row.token &&
                   event.version <= row.version && is_kept(&events_ends, item, row.event_count);
    if (!belongs)
        violation_add(&audit->found, VIOLATION_EVENT_ORPHAN, no, &row.id);
    return OK;
}

static uint32_t chunks_of(const struct job_row *row)
{
    return row->log_count > 0 && row->state != JOB_REMOVED ? logs_chunk_of(row->log_count) : 0;
}

// A chunk begins with its first line, unless what was there was damaged.
static bool is_in_log(const struct store_record_log *log, uint32_t chunk, const struct job_row *row)
{
    uint32_t last = log->first + log->count - 1;
    return logs_chunk_of(log->first) == chunk && logs_chunk_of(last) == chunk &&
           last <= row->log_count && is_kept(&logs_ends, chunk, chunks_of(row));
}

err store_audit_see_log(struct store_audit *audit, struct slice key, struct slice record)
{
    uint64_t no = 0;
    uint32_t chunk = 0;
    struct store_record_log log;
    struct job_row row;
    bool is_named = history_of(key, &no, &chunk);
    if (!is_named || store_record_get_log(record, key, &log) != OK) {
        violation_add(&audit->found, VIOLATION_DAMAGED, no, NULL);
        return OK;
    }
    err e = store_audit_row(audit, no, &row);
    if (e == ERR_NOT_FOUND)
        violation_add(&audit->found, VIOLATION_LOG_ORPHAN, no, NULL);
    if (e != OK)
        return e == ERR_NOT_FOUND || e == ERR_DAMAGED ? OK : e;
    if (!is_in_log(&log, chunk, &row))
        violation_add(&audit->found, VIOLATION_LOG_ORPHAN, no, &row.id);
    return OK;
}

struct kept {
    enum store_table table;
    const struct ends *ends;
    uint32_t count;
};

// Is everything there that should be kept?
static err check_kept(struct store_audit *audit, const struct job_row *row, const struct kept *kept,
                      enum violation kind)
{
    struct slice record = {0};
    err e = OK;
    uint32_t item = ends_next(kept->ends, 0, kept->count);
    for (; item != 0 && e == OK; item = ends_next(kept->ends, item, kept->count)) {
        struct history_key key = store_history_key(row->no, item);
        e = disk_get(audit->view->reader, kept->table, store_history_slice(&key), &record);
    }
    if (e == ERR_NOT_FOUND)
        violation_add(&audit->found, kind, row->no, &row->id);
    return e == ERR_NOT_FOUND ? OK : e;
}

err store_audit_check_events(struct store_audit *audit, const struct job_row *row)
{
    const struct kept events = {.table = TABLE_TIMELINE,
                                .ends = &events_ends,
                                .count = row->state == JOB_REMOVED ? 0 : row->event_count};
    const struct kept lines = {.table = TABLE_LOGS, .ends = &logs_ends, .count = chunks_of(row)};
    err e = check_kept(audit, row, &events, VIOLATION_EVENT_MISSING);
    return e == OK ? check_kept(audit, row, &lines, VIOLATION_LOG_MISSING) : e;
}
