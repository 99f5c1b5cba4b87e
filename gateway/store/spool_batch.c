// Which batches have members that wait, and of which body each was made. An entry goes with the last of
// them; it is written in the transactions that move them.

#include "gateway/store/spool_private.h"

static struct slice key_of(const struct spool_item *item)
{
    return slice_of(item->batch_id.bytes, sizeof item->batch_id.bytes);
}

// None: its count is 0.
static err find(struct disk_txn *txn, const struct spool_item *item, struct spool_batch *out_batch)
{
    struct slice record;
    *out_batch = (struct spool_batch){.fingerprint = item->batch_fingerprint};
    err e = disk_txn_get(txn, SPOOL_TABLE_BATCHES, key_of(item), &record);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    if (spool_record_decode_batch(record, key_of(item), out_batch) != OK)
        *out_batch = (struct spool_batch){.fingerprint = item->batch_fingerprint}; // written anew
    return OK;
}

static err put(struct disk_txn *txn, const struct spool_item *item, const struct spool_batch *batch)
{
    uint8_t room[SPOOL_BATCH_LEN];
    spool_record_encode_batch(batch, &item->batch_id, room);
    return disk_put(txn, SPOOL_TABLE_BATCHES, key_of(item), slice_of(room, sizeof room));
}

static bool is_member(const struct spool_item *item)
{
    return item->batch_fingerprint != 0 && !id_is_zero(&item->batch_id);
}

err spool_batch_judge(struct disk_txn *txn, const struct spool_item *item)
{
    struct spool_batch batch;
    err e = is_member(item) ? find(txn, item, &batch) : OK;
    if (e != OK || !is_member(item))
        return e;
    return batch.fingerprint == item->batch_fingerprint ? OK : ERR_KEY_REUSED;
}

err spool_batch_join(struct disk_txn *txn, const struct spool_item *item)
{
    struct spool_batch batch;
    err e = is_member(item) ? find(txn, item, &batch) : OK;
    if (e != OK || !is_member(item))
        return e;
    batch.waiting++;
    return put(txn, item, &batch);
}

err spool_batch_leave(struct disk_txn *txn, const struct spool_item *item)
{
    struct spool_batch batch;
    err e = is_member(item) ? find(txn, item, &batch) : OK;
    if (e != OK || !is_member(item) || batch.waiting == 0)
        return e; // an older gateway has taken it
    if (--batch.waiting > 0)
        return put(txn, item, &batch);
    return disk_drop(txn, SPOOL_TABLE_BATCHES, key_of(item));
}

// ERR_NOT_FOUND: there is none.
static err first_key(struct spool *spool, struct id *out_id)
{
    struct slice key;
    struct slice value;
    err e = disk_read_begin(spool->reader);
    if (e != OK)
        return e;
    e = disk_seek(spool->reader, SPOOL_TABLE_BATCHES, (struct slice){0}, &key, &value);
    if (e == OK)
        e = id_from_bytes(key, out_id);
    disk_read_end(spool->reader);
    return e;
}

err spool_batch_clear(struct spool *spool)
{
    struct id id;
    err e = first_key(spool, &id);
    for (; e == OK; e = first_key(spool, &id)) {
        struct disk_txn *txn;
        e = disk_begin(spool->disk, &txn);
        if (e != OK)
            return e;
        e = disk_drop(txn, SPOOL_TABLE_BATCHES, slice_of(id.bytes, sizeof id.bytes));
        if (e == OK)
            e = disk_commit(txn);
        else
            disk_abort(txn);
        if (e != OK)
            return e;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

bool spool_is_other_body(struct spool *spool, const struct id *batch_id, uint64_t fingerprint)
{
    struct slice key = slice_of(batch_id->bytes, sizeof batch_id->bytes);
    struct slice record;
    struct spool_batch batch;
    if (spool_waiting(spool) == 0)
        return false;
    pthread_mutex_lock(&spool->reading);
    err e = disk_read_begin(spool->reader);
    if (e == OK) {
        e = disk_get(spool->reader, SPOOL_TABLE_BATCHES, key, &record);
        if (e == OK)
            e = spool_record_decode_batch(record, key, &batch);
        disk_read_end(spool->reader);
    }
    pthread_mutex_unlock(&spool->reading);
    return e == OK && batch.fingerprint != fingerprint;
}
