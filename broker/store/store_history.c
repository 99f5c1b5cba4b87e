// A job's history: events of its timeline and chunks of its log, of which the first and the last ones
// are kept.

#include "broker/core/events.h"
#include "broker/core/logs.h"
#include "broker/store/store_private.h"

#include "broker/store/store_fields.h"

struct history_key store_history_key(uint64_t job_no, uint32_t item)
{
    struct history_key key;
    uint8_t *at = key.bytes;
    fields_put_u64(&at, job_no);
    fields_put_u32(&at, item);
    return key;
}

struct history_span {
    uint64_t job_no;
    uint32_t count;
};

static err drop_item(struct disk_txn *txn, enum store_table table, uint64_t job_no, uint32_t item)
{
    struct history_key key = store_history_key(job_no, item);
    err e = disk_drop(txn, table, store_history_slice(&key));
    return e == ERR_NOT_FOUND ? OK : e;
}

err store_history_write_event(struct disk_txn *txn, const struct write_event *write)
{
    const struct event_row *row = &write->row;
    uint32_t gone = ends_dropped(&events_ends, row->seq);
    err e = gone > 0 ? drop_item(txn, TABLE_TIMELINE, write->job_no, gone) : OK;
    struct history_key key = store_history_key(write->job_no, row->seq);
    uint8_t *room = NULL;
    if (e == OK)
        e = disk_reserve(txn, TABLE_TIMELINE, store_history_slice(&key),
                         store_record_event_len(row), &room);
    if (e == OK)
        store_record_put_event(room, store_history_slice(&key), row);
    return e;
}

enum { LINES_LEN_MAX = LOGS_CHUNK_LINES * (STORE_RECORD_LOG_LINE_LEN + MSG_LOG_TEXT_LEN_MAX) };

// The chunk as it is, its lines in `room`; empty when there is none. A damaged one is begun anew:
// numbers of lines are the core's.
static err old_chunk(struct store *store, struct disk_txn *txn, struct slice key, uint8_t *room,
                     struct store_record_log *out_log)
{
    struct slice record = {0};
    struct store_record_log log = {0};
    err e = disk_txn_get(txn, TABLE_LOGS, key, &record);
    if (e == OK && store_record_get_log(record, key, &log) != OK) {
        atomic_fetch_add(&store->damaged, 1);
        log = (struct store_record_log){0};
    }
    if (e != OK && e != ERR_NOT_FOUND)
        return e;
    CHECK(log.lines.len <= LINES_LEN_MAX);
    if (log.lines.len > 0)
        memcpy(room, log.lines.data, log.lines.len);
    log.lines = slice_of(room, log.lines.len);
    *out_log = log;
    return OK;
}

static err write_chunk(struct store *store, struct disk_txn *txn, uint32_t chunk,
                       const struct write_log *write)
{
    uint8_t lines[LINES_LEN_MAX];
    struct history_key key = store_history_key(write->job_no, chunk);
    struct store_record_log old = {0};
    bool is_begun = write->first > logs_first_line(chunk);
    err e = OK;
    if (is_begun)
        e = old_chunk(store, txn, store_history_slice(&key), lines, &old);
    uint32_t gone = is_begun ? 0 : ends_dropped(&logs_ends, chunk);
    if (gone > 0)
        e = drop_item(txn, TABLE_LOGS, write->job_no, gone);
    uint8_t *room = NULL;
    if (e == OK)
        e = disk_reserve(txn, TABLE_LOGS, store_history_slice(&key),
                         store_record_log_len(&old, write), &room);
    if (e == OK)
        store_record_put_log(room, store_history_slice(&key), &old, write);
    return e;
}

err store_history_write_log(struct store *store, struct disk_txn *txn,
                            const struct write_log *write)
{
    struct write_log left = *write;
    err e = OK;
    while (left.count > 0 && e == OK) {
        uint32_t chunk = logs_chunk_of(left.first);
        uint32_t room = logs_first_line(chunk) + LOGS_CHUNK_LINES - left.first;
        struct write_log part = left;
        if (part.count > room)
            part.count = room;
        e = write_chunk(store, txn, chunk, &part);
        left.first += part.count;
        left.lines += part.count;
        left.count -= part.count;
    }
    return e;
}

static err drop_all(struct disk_txn *txn, enum store_table table, const struct ends *ends,
                    const struct history_span *span)
{
    err e = OK;
    uint32_t item = ends_next(ends, 0, span->count);
    for (; item != 0 && e == OK; item = ends_next(ends, item, span->count))
        e = drop_item(txn, table, span->job_no, item);
    return e;
}

err store_history_drop(struct disk_txn *txn, const struct job_row *row)
{
    uint32_t chunks = row->log_count > 0 ? logs_chunk_of(row->log_count) : 0;
    err e = drop_all(txn, TABLE_TIMELINE, &events_ends,
                     &(struct history_span){.job_no = row->no, .count = row->event_count});
    if (e != OK)
        return e;
    return drop_all(txn, TABLE_LOGS, &logs_ends,
                    &(struct history_span){.job_no = row->no, .count = chunks});
}
