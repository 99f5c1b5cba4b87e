// A job's history: events of its timeline, of which the first and the last ones are kept.

#include "broker/core/events.h"
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

err store_history_drop(struct disk_txn *txn, const struct job_row *row)
{
    err e = OK;
    uint32_t seq = ends_next(&events_ends, 0, row->event_count);
    for (; seq != 0 && e == OK; seq = ends_next(&events_ends, seq, row->event_count))
        e = drop_item(txn, TABLE_TIMELINE, row->no, seq);
    return e;
}
