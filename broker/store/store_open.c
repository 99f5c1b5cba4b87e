// Opening the store: its directory, what it was born as, the ledger's numbers, the segments.

#include "broker/store/store_private.h"

#include "lib/sys/blake.h"

#include <stdlib.h>

static const char *const names[TABLE_COUNT] = {
    [TABLE_META] = "meta",
    [TABLE_JOBS] = "jobs",
    [TABLE_BODIES] = "bodies",
    [TABLE_OUTCOMES] = "outcomes",
    [TABLE_PROGRESS] = "progress",
    [TABLE_IDS] = "ids",
    [TABLE_KEYS] = "keys",
    [TABLE_SEGMENTS] = "segments",
    [TABLE_LANES] = "lanes",
    [TABLE_POLICIES] = "policies",
    [TABLE_BATCHES] = "batches",
    [TABLE_BATCH_IDS] = "batch_ids",
    [TABLE_TIMELINE] = "timeline",
    [TABLE_UNIQUES] = "uniques",
    [TABLE_SCHEDULES] = "schedules",
    [TABLE_LOGS] = "logs",
    [TABLE_DEPENDENCIES] = "dependencies",
    [TABLE_QUEUES] = "queues",
    [TABLE_OPERATIONS] = "operations",
    [TABLE_TYPES] = "types",
    [TABLE_ENDPOINTS] = "endpoints",
};

static const uint64_t map_start_default = UINT64_C(1) << 30;

// A new store gets a number of its own, by which others see that it is not the one they knew.
static err write_origin(struct store *store)
{
    struct disk_txn *txn = NULL;
    err e = disk_begin(store->disk, &txn);
    if (e != OK)
        return e;
    blake_random(&store->lineage, sizeof store->lineage);
    struct disk_key key = disk_key_of(META_ORIGIN);
    uint8_t *room = NULL;
    e = disk_reserve(txn, TABLE_META, disk_key_slice(&key), STORE_RECORD_ORIGIN_LEN + DISK_SEAL_LEN,
                     &room);
    if (e != OK) {
        disk_abort(txn);
        return e;
    }
    store_record_put_origin(room, disk_key_slice(&key), store->lineage);
    return disk_commit(txn);
}

static err read_ledger(struct store *store, struct disk_reader *reader)
{
    struct disk_key key = disk_key_of(META_LEDGER);
    struct slice record = {0};
    err e = disk_get(reader, TABLE_META, disk_key_slice(&key), &record);
    if (e == ERR_NOT_FOUND)
        return OK;
    if (e == OK)
        e = store_record_get_ledger(record, disk_key_slice(&key), &store->ledger);
    store->has_ledger = e == OK;
    return e;
}

static err read_origin(struct store *store, struct disk_reader *reader)
{
    struct disk_key key = disk_key_of(META_ORIGIN);
    struct slice record = {0};
    err e = disk_get(reader, TABLE_META, disk_key_slice(&key), &record);
    if (e == OK)
        e = store_record_get_origin(record, disk_key_slice(&key), &store->lineage);
    return e;
}

static err read_all(struct store *store)
{
    struct store_view *view = NULL;
    err e = store_view_open(store, &view);
    if (e != OK)
        return e;
    e = store_view_begin(view);
    err origin = ERR_NOT_FOUND;
    if (e == OK)
        origin = read_origin(store, view->reader);
    if (e == OK && origin != ERR_NOT_FOUND)
        e = origin;
    if (e == OK)
        e = read_ledger(store, view->reader);
    if (e == OK)
        e = store_load_segments(store, view);
    store_view_close(view);
    if (e == OK && origin == ERR_NOT_FOUND)
        e = write_origin(store);
    return e;
}

static struct disk_options disk_options_of(const struct store_options *options)
{
    static char why[DISK_WHY_LEN]; // a broker has one store
    uint64_t start = options->map_start_bytes != 0 ? options->map_start_bytes : map_start_default;
    return (struct disk_options){.dir = options->dir,
                                 .tables = names,
                                 .table_count = TABLE_COUNT,
                                 .map_start_bytes = start,
                                 .map_bytes_max = options->map_bytes_max,
                                 .ahead_bytes = options->ahead_bytes,
                                 .allow_unsafe_place = options->allow_unsafe_place,
                                 .allow_unready = options->allow_unready,
                                 .name = STORE_NAME,
                                 .format = STORE_FORMAT,
                                 .why = why};
}

err store_open(const struct store_options *options, struct store **out_store, const char **out_why)
{
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        *out_why = "out of memory";
        return ERR_NO_MEMORY;
    }
    store_segments_init(&store->segments);
    if (store_queues_init(&store->queues) != OK) {
        free(store);
        *out_why = "out of memory";
        return ERR_NO_MEMORY;
    }
    const struct disk_options disk = disk_options_of(options);
    err e = disk_open(&disk, &store->disk, out_why);
    if (e == OK) {
        e = disk_verdict(store->disk, store_convert(store));
        if (e != OK)
            *out_why =
                "the store is of an earlier version and cannot be converted; is the disk full?";
    }
    if (e == OK) {
        e = disk_verdict(store->disk, read_all(store));
        if (e != OK)
            *out_why = "the store's own records cannot be read; restore a backup";
    }
    store->violations_at_open = atomic_load(&store->violations);
    store_keymap_init(&store->keymap, store->lineage);
    if (e != OK) {
        store_close(store);
        return e;
    }
    *out_store = store;
    return OK;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    disk_close(store->disk);
    store_keymap_deinit(&store->keymap);
    store_segments_deinit(&store->segments);
    store_queues_deinit(&store->queues);
    free(store);
}

uint64_t store_lineage(const struct store *store)
{
    return store->lineage;
}

err store_ledger(struct store *store, struct ledger_row *out_row)
{
    *out_row = store->ledger;
    return OK;
}

void store_figures(const struct store *store, struct store_figures *out_figures)
{
    struct disk_usage usage = {0};
    disk_usage(store->disk, &usage);
    *out_figures = (struct store_figures){
        .commit_count = atomic_load(&store->commit_count),
        .write_count = atomic_load(&store->write_count),
        .violations = atomic_load(&store->violations),
        .damaged = atomic_load(&store->damaged),
        .used_bytes = usage.used_bytes,
        .map_bytes = usage.map_bytes,
        .map_bytes_max = usage.map_bytes_max,
        .file_bytes = usage.file_bytes,
        .ahead_left_bytes = usage.ahead_left_bytes,
        .is_short = usage.is_short,
    };
}

err store_verdict(const struct store *store, err e)
{
    return disk_verdict(store->disk, e);
}

const char *store_fault(const struct store *store)
{
    return disk_fault(store->disk);
}
