// Keys in two tables: by id, and by the order in which they were written (which is the order in
// which they are forgotten).
//
//   keys    id 16        → the note, see note.h
//   order   number u64   → id 16

#include "gateway/store/keys.h"

#include "gateway/store/note.h"
#include "lib/base/check.h"
#include "lib/disk/disk.h"
#include "lib/sys/clock.h"
#include "lib/sys/log.h"
#include "lib/sys/process.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    TABLE_KEYS,
    TABLE_ORDER,
    FORMAT = 1,
    WAITING_MAX = 16384,
    LAZY_MS = 1000,
    FORGET_MAX = 64, // in one transaction, besides what was put
    GROW_TRIES = 8,
    AHEAD_BYTES = 16 * 1024 * 1024, // a full disk is met before a commit, and notes are dropped
};

static const char *const tables[] = {[TABLE_KEYS] = "keys", [TABLE_ORDER] = "order"};

struct keys {
    struct disk *disk;
    struct disk_reader *reader;
    uint32_t key_count_max;
    pthread_t thread;
    pthread_mutex_t reading; // `reader`
    pthread_mutex_t lock;    // `waiting`, is_closing
    pthread_cond_t news;
    struct keys_note *waiting;
    uint32_t waiting_count;
    bool is_closing;
    struct keys_note *writing; // the thread's
    uint64_t number_next;      // the thread's
    uint64_t number_oldest;    // the thread's
    _Atomic uint64_t count;
    _Atomic uint64_t written;
    _Atomic uint64_t dropped;
};

// --- writing ---

// A note of the same id moves to the end of the order.
static err drop_former(struct keys *keys, struct disk_txn *txn, struct slice key)
{
    struct slice record;
    struct keys_note former;
    uint64_t number;
    err e = disk_txn_get(txn, TABLE_KEYS, key, &record);
    if (e != OK)
        return e == ERR_NOT_FOUND ? OK : e;
    (void)atomic_fetch_sub(&keys->count, 1);
    if (note_decode(record, key, &former, &number) != OK)
        return OK; // it is overwritten; its place in the order is skipped when it is met
    struct disk_key order_key = disk_key_of(number);
    e = disk_drop(txn, TABLE_ORDER, disk_key_slice(&order_key));
    return e == ERR_NOT_FOUND ? OK : e;
}

static err put(struct keys *keys, struct disk_txn *txn, const struct keys_note *note)
{
    struct slice key = slice_of(note->id.bytes, 16);
    uint8_t record[NOTE_LEN];
    err e = drop_former(keys, txn, key);
    if (e != OK)
        return e;
    struct disk_key order_key = disk_key_of(keys->number_next);
    note_encode(note, keys->number_next++, record);
    e = disk_put(txn, TABLE_KEYS, key, slice_of(record, sizeof record));
    if (e == OK)
        e = disk_append(txn, TABLE_ORDER, disk_key_slice(&order_key), key);
    if (e == OK)
        (void)atomic_fetch_add(&keys->count, 1);
    return e;
}

// Forgets the oldest while there are too many.
static err forget(struct keys *keys, struct disk_txn *txn, uint32_t more)
{
    for (uint32_t i = 0; i < more + FORGET_MAX; i++) {
        if (atomic_load(&keys->count) <= keys->key_count_max ||
            keys->number_oldest == keys->number_next)
            return OK;
        struct disk_key order_key = disk_key_of(keys->number_oldest++);
        struct slice id;
        err e = disk_txn_get(txn, TABLE_ORDER, disk_key_slice(&order_key), &id);
        if (e == ERR_NOT_FOUND)
            continue; // it has moved to the end
        struct id copy;
        if (e == OK)
            e = id_from_bytes(id, &copy);
        if (e == OK)
            e = disk_drop(txn, TABLE_KEYS, slice_of(copy.bytes, 16));
        if (e == OK)
            e = disk_drop(txn, TABLE_ORDER, disk_key_slice(&order_key));
        if (e != OK && e != ERR_NOT_FOUND)
            return e;
        (void)atomic_fetch_sub(&keys->count, 1);
    }
    return OK;
}

static err fill(struct keys *keys, struct disk_txn *txn, uint32_t count)
{
    err e = OK;
    for (uint32_t i = 0; e == OK && i < count; i++)
        e = put(keys, txn, &keys->writing[i]);
    return e == OK ? forget(keys, txn, count) : e;
}

// OK also when the disk takes nothing more: the record is a convenience, and goes without these.
static err write_notes(struct keys *keys, uint32_t count)
{
    for (unsigned try = 0; try < GROW_TRIES; try++) {
        struct disk_txn *txn;
        uint64_t count_before = atomic_load(&keys->count);
        uint64_t next_before = keys->number_next;
        uint64_t oldest_before = keys->number_oldest;
        err e = disk_begin(keys->disk, &txn);
        if (e != OK)
            break;
        e = fill(keys, txn, count);
        if (e == OK)
            e = disk_commit(txn);
        else
            disk_abort(txn);
        if (e == OK) {
            (void)atomic_fetch_add(&keys->written, count);
            return OK;
        }
        atomic_store(&keys->count, count_before);
        keys->number_next = next_before;
        keys->number_oldest = oldest_before;
        if (e != ERR_FULL)
            return e;
    }
    (void)atomic_fetch_add(&keys->dropped, count);
    log_warn("gateway.keys_dropped", "count=%u", count);
    return OK;
}

// Waits until something has been waiting for a while, so that one flush serves many.
static uint32_t wait_for_notes(struct keys *keys, bool *out_ends)
{
    pthread_mutex_lock(&keys->lock);
    while (keys->waiting_count == 0 && !keys->is_closing)
        (void)pthread_cond_wait(&keys->news, &keys->lock);
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LAZY_MS / 1000;
    int waited = 0;
    while (waited == 0 && !keys->is_closing && keys->waiting_count < WAITING_MAX / 2)
        waited = pthread_cond_timedwait(&keys->news, &keys->lock, &until);
    uint32_t count = keys->waiting_count;
    struct keys_note *taken = keys->waiting;
    keys->waiting = keys->writing;
    keys->writing = taken;
    keys->waiting_count = 0;
    *out_ends = keys->is_closing;
    pthread_mutex_unlock(&keys->lock);
    return count;
}

static void *run(void *ctx)
{
    struct keys *keys = ctx;
    bool ends = false;
    process_name("gateway-keys");
    while (!ends) {
        uint32_t count = wait_for_notes(keys, &ends);
        err e = count > 0 ? write_notes(keys, count) : OK;
        if (e == OK)
            continue;
        // As everywhere: a disk that refuses ends the process, the supervisor starts it anew.
        log_error("gateway.keys_not_written", "error=%s", err_slug(e));
        _Exit(EXIT_FAILURE);
    }
    return NULL;
}

// --- opening ---

// Where the order begins and ends; a count by walking, as there are few.
static err survey(struct keys *keys)
{
    struct slice key;
    struct slice value;
    err e = disk_read_begin(keys->reader);
    if (e != OK)
        return e;
    uint64_t count = 0;
    const struct disk_key first = disk_key_of(0);
    for (e = disk_seek(keys->reader, TABLE_ORDER, disk_key_slice(&first), &key, &value); e == OK;
         e = disk_next(keys->reader, &key, &value)) {
        uint64_t number = disk_key_number(key);
        if (count++ == 0)
            keys->number_oldest = number;
        keys->number_next = number + 1;
    }
    disk_read_end(keys->reader);
    atomic_store(&keys->count, count);
    return e == ERR_NOT_FOUND ? OK : e;
}

static err make(struct keys *keys, const struct keys_options *options, const char **out_why)
{
    static char why[DISK_WHY_LEN]; // a gateway has one
    const struct disk_options disk = {
        .dir = options->dir,
        .tables = tables,
        .table_count = sizeof tables / sizeof tables[0],
        .map_start_bytes = 16u << 20,
        .map_bytes_max = options->map_bytes_max,
        .ahead_bytes = AHEAD_BYTES,
        .name = "gateway",
        .format = FORMAT,
        .reader_count_max = 8,
        .why = why,
    };
    err e = disk_open(&disk, &keys->disk, out_why);
    if (e != OK)
        return e;
    *out_why = "the record of answered keys cannot be read; remove its directory";
    e = disk_reader_open(keys->disk, &keys->reader);
    if (e == OK)
        e = survey(keys);
    e = disk_verdict(keys->disk, e);
    keys->waiting = calloc(WAITING_MAX, sizeof *keys->waiting);
    keys->writing = calloc(WAITING_MAX, sizeof *keys->writing);
    if (e == OK && (keys->waiting == NULL || keys->writing == NULL))
        e = ERR_NO_MEMORY;
    if (e == OK && pthread_create(&keys->thread, NULL, run, keys) != 0)
        e = ERR_SYSTEM;
    // It is not the record's fault, which is to stay.
    if (e == ERR_NO_MEMORY || e == ERR_SYSTEM)
        *out_why = e == ERR_SYSTEM ? "no thread could be started" : err_text(e);
    return e;
}

static void unmake(struct keys *keys)
{
    if (keys->reader != NULL)
        disk_reader_close(keys->reader);
    if (keys->disk != NULL)
        disk_close(keys->disk);
    (void)pthread_cond_destroy(&keys->news);
    (void)pthread_mutex_destroy(&keys->lock);
    (void)pthread_mutex_destroy(&keys->reading);
    free(keys->waiting);
    free(keys->writing);
    free(keys);
}

err keys_open(const struct keys_options *options, struct keys **out_keys, const char **out_why)
{
    struct keys *keys = calloc(1, sizeof *keys);
    *out_why = "out of memory";
    if (keys == NULL)
        return ERR_NO_MEMORY;
    keys->key_count_max = options->key_count_max;
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&keys->news, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&keys->lock, NULL);
    (void)pthread_mutex_init(&keys->reading, NULL);
    err e = make(keys, options, out_why);
    if (e == OK)
        *out_keys = keys;
    else
        unmake(keys);
    return e;
}

void keys_close(struct keys *keys)
{
    if (keys == NULL)
        return;
    pthread_mutex_lock(&keys->lock);
    keys->is_closing = true;
    (void)pthread_cond_signal(&keys->news);
    pthread_mutex_unlock(&keys->lock);
    (void)pthread_join(keys->thread, NULL);
    unmake(keys);
}

void keys_put(struct keys *keys, const struct keys_note *note)
{
    pthread_mutex_lock(&keys->lock);
    bool has_room = keys->waiting_count < WAITING_MAX;
    if (has_room)
        keys->waiting[keys->waiting_count++] = *note;
    // The first wakes the thread, and the one that makes it worth its while.
    if (keys->waiting_count == 1 || keys->waiting_count == WAITING_MAX / 2)
        (void)pthread_cond_signal(&keys->news);
    pthread_mutex_unlock(&keys->lock);
    if (!has_room)
        (void)atomic_fetch_add(&keys->dropped, 1);
}

err keys_find(struct keys *keys, const struct id *id, when_ms wall, struct keys_note *out_note)
{
    struct slice key = slice_of(id->bytes, sizeof id->bytes);
    struct slice record;
    struct keys_note note;
    uint64_t number;
    pthread_mutex_lock(&keys->reading);
    err e = disk_read_begin(keys->reader);
    if (e == OK) {
        e = disk_get(keys->reader, TABLE_KEYS, key, &record);
        if (e == OK)
            e = note_decode(record, key, &note, &number);
        disk_read_end(keys->reader);
    }
    pthread_mutex_unlock(&keys->reading);
    if (e == OK && note.dedup_until <= wall)
        e = ERR_NOT_FOUND;
    if (e == OK)
        *out_note = note;
    return e;
}

void keys_figures(const struct keys *keys, struct keys_figures *out_figures)
{
    *out_figures = (struct keys_figures){
        .count = atomic_load(&keys->count),
        .written = atomic_load(&keys->written),
        .dropped = atomic_load(&keys->dropped),
    };
}
