// Readers: renewable snapshots that belong to an object, not to a thread. The gate keeps them out
// while the map moves.

#include "lib/disk/disk_private.h"

#include <stdlib.h>

static void enter(struct disk_gate *gate)
{
    (void)pthread_mutex_lock(&gate->lock);
    while (gate->is_closed)
        (void)pthread_cond_wait(&gate->changed, &gate->lock);
    gate->reading++;
    (void)pthread_mutex_unlock(&gate->lock);
}

static void leave(struct disk_gate *gate)
{
    (void)pthread_mutex_lock(&gate->lock);
    CHECK(gate->reading > 0);
    gate->reading--;
    if (gate->is_closed)
        (void)pthread_cond_broadcast(&gate->changed);
    (void)pthread_mutex_unlock(&gate->lock);
}

err disk_reader_open(struct disk *disk, struct disk_reader **out_reader)
{
    struct disk_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return ERR_NO_MEMORY;
    reader->disk = disk;
    enter(&disk->gate);
    err e = disk_err_of(disk, mdb_txn_begin(disk->env, NULL, MDB_RDONLY, &reader->txn));
    if (e == OK)
        mdb_txn_reset(reader->txn);
    leave(&disk->gate);
    if (e != OK) {
        free(reader);
        return e;
    }
    *out_reader = reader;
    return OK;
}

void disk_reader_close(struct disk_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->is_begun)
        disk_read_end(reader);
    for (uint32_t i = 0; i < DISK_TABLE_COUNT_MAX; i++) {
        if (reader->cursors[i] != NULL)
            mdb_cursor_close(reader->cursors[i]);
    }
    mdb_txn_abort(reader->txn);
    free(reader);
}

err disk_read_begin(struct disk_reader *reader)
{
    CHECK(!reader->is_begun);
    struct disk *disk = reader->disk;
    if (atomic_load(&disk->is_broken))
        return ERR_DISK;
    enter(&disk->gate);
    err e = disk_err_of(disk, mdb_txn_renew(reader->txn));
    if (e != OK) {
        leave(&disk->gate);
        return ERR_DISK;
    }
    reader->is_begun = true;
    memset(reader->is_fresh, 0, sizeof reader->is_fresh);
    return OK;
}

void disk_read_end(struct disk_reader *reader)
{
    CHECK(reader->is_begun);
    mdb_txn_reset(reader->txn);
    reader->is_begun = false;
    leave(&reader->disk->gate);
}

static err cursor_of(struct disk_reader *reader, uint32_t table, MDB_cursor **out_cursor)
{
    CHECK(reader->is_begun && table < reader->disk->table_count);
    int code = 0;
    if (reader->cursors[table] == NULL)
        code = mdb_cursor_open(reader->txn, reader->disk->tables[table], &reader->cursors[table]);
    else if (!reader->is_fresh[table])
        code = mdb_cursor_renew(reader->txn, reader->cursors[table]);
    if (code != 0)
        return disk_err_of(reader->disk, code);
    reader->is_fresh[table] = true;
    *out_cursor = reader->cursors[table];
    return OK;
}

static MDB_val val_of(struct slice slice)
{
    return (MDB_val){.mv_size = slice.len, .mv_data = (void *)(uintptr_t)slice.data};
}

err disk_get(struct disk_reader *reader, uint32_t table, struct slice key, struct slice *out_value)
{
    CHECK(key.len > 0 && key.len <= DISK_KEY_LEN_MAX);
    MDB_cursor *cursor = NULL;
    err e = cursor_of(reader, table, &cursor);
    if (e != OK)
        return e;
    MDB_val at = val_of(key);
    MDB_val value = {0};
    e = disk_err_of(reader->disk, mdb_cursor_get(cursor, &at, &value, MDB_SET));
    if (e == OK)
        *out_value = slice_of(value.mv_data, value.mv_size);
    return e;
}

struct entry {
    struct slice key;
    struct slice value;
};

static err step(struct disk_reader *reader, MDB_val *key, MDB_cursor_op op, struct entry *out_entry)
{
    MDB_val value = {0};
    int code = mdb_cursor_get(reader->cursors[reader->walked], key, &value, op);
    if (code != 0)
        return disk_err_of(reader->disk, code);
    *out_entry = (struct entry){.key = slice_of(key->mv_data, key->mv_size),
                                .value = slice_of(value.mv_data, value.mv_size)};
    return OK;
}

static int compare(struct slice a, struct slice b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

// Pages that were mixed up can lead in a circle; keys that do not go on tell it.
static err out_of_order(struct disk_reader *reader)
{
    return disk_err_of(reader->disk, MDB_CORRUPTED);
}

static err give(struct disk_reader *reader, const struct entry *entry, struct slice *out_key,
                struct slice *out_value)
{
    reader->last = entry->key;
    *out_key = entry->key;
    *out_value = entry->value;
    return OK;
}

static err neighbour(struct disk_reader *reader, MDB_cursor_op op, struct slice *out_key,
                     struct slice *out_value)
{
    CHECK(reader->is_begun && reader->is_fresh[reader->walked]);
    MDB_val at = {0};
    struct entry found;
    err e = step(reader, &at, op, &found);
    if (e != OK)
        return e;
    int order = compare(found.key, reader->last);
    if (op == MDB_NEXT ? order <= 0 : order >= 0)
        return out_of_order(reader);
    return give(reader, &found, out_key, out_value);
}

err disk_seek(struct disk_reader *reader, uint32_t table, struct slice from, struct slice *out_key,
              struct slice *out_value)
{
    MDB_cursor *cursor = NULL;
    err e = cursor_of(reader, table, &cursor);
    if (e != OK)
        return e;
    reader->walked = table;
    MDB_val at = val_of(from);
    struct entry found;
    e = step(reader, &at, from.len > 0 ? MDB_SET_RANGE : MDB_FIRST, &found);
    if (e != OK)
        return e;
    if (from.len > 0 && compare(found.key, from) < 0)
        return out_of_order(reader);
    return give(reader, &found, out_key, out_value);
}

err disk_seek_back(struct disk_reader *reader, uint32_t table, struct slice upto,
                   struct slice *out_key, struct slice *out_value)
{
    MDB_cursor *cursor = NULL;
    err e = cursor_of(reader, table, &cursor);
    if (e != OK)
        return e;
    reader->walked = table;
    MDB_val at = val_of(upto);
    struct entry found;
    e = upto.len > 0 ? step(reader, &at, MDB_SET_RANGE, &found) : ERR_NOT_FOUND;
    if (e == ERR_NOT_FOUND)
        e = step(reader, &at, MDB_LAST, &found);
    else if (e == OK && !slice_equal(found.key, upto))
        e = step(reader, &at, MDB_PREV, &found);
    if (e != OK)
        return e;
    if (upto.len > 0 && compare(found.key, upto) > 0)
        return out_of_order(reader);
    return give(reader, &found, out_key, out_value);
}

err disk_next(struct disk_reader *reader, struct slice *out_key, struct slice *out_value)
{
    return neighbour(reader, MDB_NEXT, out_key, out_value);
}

err disk_prev(struct disk_reader *reader, struct slice *out_key, struct slice *out_value)
{
    return neighbour(reader, MDB_PREV, out_key, out_value);
}
