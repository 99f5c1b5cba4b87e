// The one writer. Each table has one cursor for the life of a transaction, so that neighbouring
// keys are found without a new search.

#include "lib/disk/disk_private.h"

#include <unistd.h>

err disk_begin(struct disk *disk, struct disk_txn **out_txn)
{
    CHECK(disk->writer.txn == NULL);
    CHECK(disk->owner == getpid());
    if (atomic_load(&disk->is_broken))
        return ERR_DISK;
    err e = disk_grow(disk);
    if (e != OK)
        return e;
    struct disk_txn *txn = &disk->writer;
    *txn = (struct disk_txn){.disk = disk};
    e = disk_err_of(disk, mdb_txn_begin(disk->env, NULL, 0, &txn->txn));
    if (e != OK)
        return ERR_DISK;
    *out_txn = txn;
    return OK;
}

// LMDB frees the cursors of a write transaction with it.
err disk_commit(struct disk_txn *txn)
{
    CHECK(txn->txn != NULL);
    struct disk *disk = txn->disk;
    int code = mdb_txn_commit(txn->txn);
    txn->txn = NULL;
    // Pages run out while the lists of free ones are written, before anything goes to the file.
    if (code == MDB_MAP_FULL) {
        disk->is_full = true;
        return disk_err_of(disk, code);
    }
    if (code != 0) {
        (void)disk_err_of(disk, code); // keeps the words; whatever it was, it is the end
        atomic_store(&disk->is_broken, true);
        return ERR_DISK;
    }
    disk_measure(disk);
    return OK;
}

void disk_abort(struct disk_txn *txn)
{
    CHECK(txn->txn != NULL);
    mdb_txn_abort(txn->txn);
    txn->txn = NULL;
}

static MDB_val val_of(struct slice slice)
{
    return (MDB_val){.mv_size = slice.len, .mv_data = (void *)(uintptr_t)slice.data};
}

static err cursor_of(struct disk_txn *txn, uint32_t table, MDB_cursor **out_cursor)
{
    CHECK(txn->txn != NULL && table < txn->disk->table_count);
    if (txn->cursors[table] == NULL) {
        int code = mdb_cursor_open(txn->txn, txn->disk->tables[table], &txn->cursors[table]);
        if (code != 0)
            return disk_err_of(txn->disk, code);
    }
    *out_cursor = txn->cursors[table];
    return OK;
}

static err put(struct disk_txn *txn, uint32_t table, struct slice key, MDB_val *value,
               unsigned flags)
{
    CHECK(key.len > 0 && key.len <= DISK_KEY_LEN_MAX);
    MDB_cursor *cursor = NULL;
    err e = cursor_of(txn, table, &cursor);
    if (e != OK)
        return e;
    MDB_val at = val_of(key);
    e = disk_err_of(txn->disk, mdb_cursor_put(cursor, &at, value, flags));
    if (e == ERR_FULL)
        txn->disk->is_full = true;
    return e;
}

static err reserve(struct disk_txn *txn, uint32_t table, struct slice key, MDB_val *room,
                   unsigned flags)
{
    return put(txn, table, key, room, flags | MDB_RESERVE);
}

err disk_put(struct disk_txn *txn, uint32_t table, struct slice key, struct slice value)
{
    MDB_val bytes = val_of(value);
    return put(txn, table, key, &bytes, 0);
}

err disk_append(struct disk_txn *txn, uint32_t table, struct slice key, struct slice value)
{
    MDB_val bytes = val_of(value);
    return put(txn, table, key, &bytes, MDB_APPEND);
}

err disk_reserve(struct disk_txn *txn, uint32_t table, struct slice key, size_t len,
                 uint8_t **out_room)
{
    MDB_val room = {.mv_size = len};
    err e = reserve(txn, table, key, &room, 0);
    if (e == OK)
        *out_room = room.mv_data;
    return e;
}

err disk_append_reserve(struct disk_txn *txn, uint32_t table, struct slice key, size_t len,
                        uint8_t **out_room)
{
    MDB_val room = {.mv_size = len};
    err e = reserve(txn, table, key, &room, MDB_APPEND);
    if (e == OK)
        *out_room = room.mv_data;
    return e;
}

err disk_replace(struct disk_txn *txn, uint32_t table, struct slice key, size_t len,
                 uint8_t **out_room)
{
    MDB_val room = {.mv_size = len};
    err e = reserve(txn, table, key, &room, MDB_CURRENT);
    if (e == OK)
        *out_room = room.mv_data;
    return e;
}

static err find(struct disk_txn *txn, uint32_t table, struct slice key, MDB_val *out_value)
{
    CHECK(key.len > 0 && key.len <= DISK_KEY_LEN_MAX);
    MDB_cursor *cursor = NULL;
    err e = cursor_of(txn, table, &cursor);
    if (e != OK)
        return e;
    MDB_val at = val_of(key);
    return disk_err_of(txn->disk, mdb_cursor_get(cursor, &at, out_value, MDB_SET));
}

err disk_drop(struct disk_txn *txn, uint32_t table, struct slice key)
{
    MDB_val value = {0};
    err e = find(txn, table, key, &value);
    if (e != OK)
        return e;
    e = disk_err_of(txn->disk, mdb_cursor_del(txn->cursors[table], 0));
    if (e == ERR_FULL)
        txn->disk->is_full = true;
    return e;
}

err disk_txn_get(struct disk_txn *txn, uint32_t table, struct slice key, struct slice *out_value)
{
    MDB_val value = {0};
    err e = find(txn, table, key, &value);
    if (e == OK)
        *out_value = slice_of(value.mv_data, value.mv_size);
    return e;
}
