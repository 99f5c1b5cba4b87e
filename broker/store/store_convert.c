// From format 1 to 2: batches of tenants other than "default" were found by their ids alone. One
// transaction changes their keys and the directory's mark, so it is done whole or not at all.

#include "broker/store/store_private.h"

#include "lib/base/origin.h"

struct store_batch_key store_batch_key_of(struct slice tenant, const struct id *id)
{
    struct store_batch_key key = {.len = sizeof id->bytes};
    memcpy(key.bytes, id->bytes, sizeof id->bytes);
    if (origin_is_tenant(tenant, (struct slice){0}))
        return key;
    CHECK(tenant.len <= MSG_NAME_LEN_MAX);
    memcpy(key.bytes + key.len, tenant.data, tenant.len);
    key.len = (uint8_t)(key.len + tenant.len);
    return key;
}

static err convert_batch(struct disk_txn *txn, struct slice number, const struct batch_row *row)
{
    struct store_batch_key old = store_batch_key_of((struct slice){0}, &row->id);
    struct store_batch_key key = store_batch_key_of(row->tenant, &row->id);
    if (key.len == old.len)
        return OK;
    err e = disk_drop(txn, TABLE_BATCH_IDS, store_batch_key_slice(&old));
    if (e == OK || e == ERR_NOT_FOUND)
        e = disk_put(txn, TABLE_BATCH_IDS, store_batch_key_slice(&key), number);
    return e;
}

static err convert_batches(struct store *store, struct disk_txn *txn)
{
    struct store_view *view = NULL;
    err e = store_view_open(store, &view);
    if (e != OK)
        return e;
    struct slice key = {0};
    struct slice record = {0};
    e = store_view_begin(view);
    if (e == OK)
        e = disk_seek(view->reader, TABLE_BATCHES, (struct slice){0}, &key, &record);
    while (e == OK) {
        struct batch_row row;
        if (store_record_get_batch(record, key, &row) == OK) // else whoever reads it tells
            e = convert_batch(txn, key, &row);
        if (e == OK)
            e = disk_next(view->reader, &key, &record);
    }
    store_view_close(view);
    return e == ERR_NOT_FOUND ? OK : e;
}

static err convert(struct store *store)
{
    struct disk_txn *txn = NULL;
    err e = disk_begin(store->disk, &txn);
    if (e != OK)
        return e;
    e = convert_batches(store, txn);
    if (e == OK)
        e = disk_renew(txn);
    if (e == OK)
        return disk_commit(txn);
    disk_abort(txn);
    return e;
}

err store_convert(struct store *store)
{
    if (disk_format(store->disk) == STORE_FORMAT)
        return OK;
    err e = convert(store);
    return e == ERR_FULL ? convert(store) : e; // the map has grown now, if it may
}
