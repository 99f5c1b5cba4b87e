// Room: the map grows by doubling before it is full, and the data file is allocated ahead, so that
// a full file system is met here, between transactions, and not inside a commit.

#define _GNU_SOURCE

#include "lib/disk/disk_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
    FREE_LIST_EVERY = 1024,     // transactions between two looks at readers and free pages
    AHEAD_PIECES = 16,          // in which the last of a full file system is taken
    GROW_WAIT_MS = 20,          // how long growing that is not urgent waits for readers
    GROW_WAIT_URGENT_MS = 10000 // and growing without which nothing can be written
};

static uint64_t pages_of(struct disk *disk)
{
    MDB_envinfo info = {0};
    (void)mdb_env_info(disk->env, &info); // fails only without an environment
    atomic_store(&disk->map_bytes, info.me_mapsize);
    return info.me_last_pgno + 1;
}

// The records of table 0 are lists of free pages, each beginning with its length.
static uint64_t count_free_pages(MDB_cursor *cursor)
{
    uint64_t count = 0;
    MDB_val key = {0};
    MDB_val list = {0};
    while (mdb_cursor_get(cursor, &key, &list, MDB_NEXT) == 0) {
        size_t len = 0;
        CHECK(list.mv_size >= sizeof len);
        memcpy(&len, list.mv_data, sizeof len);
        count += len;
    }
    return count;
}

bool disk_count_free_pages(MDB_env *env, uint64_t *out_count)
{
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    if (mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0)
        return false;
    bool is_open = mdb_cursor_open(txn, 0, &cursor) == 0;
    if (is_open) {
        *out_count = count_free_pages(cursor);
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    return is_open;
}

static void measure_free_pages(struct disk *disk)
{
    uint64_t count = 0;
    if (disk_count_free_pages(disk->env, &count)) // else the next look will do
        atomic_store(&disk->free_bytes, count * disk->page_bytes);
}

// Another process that was killed while it read (a backup) would keep its pages from being used
// again for as long as this one runs.
static void clear_dead_readers(struct disk *disk)
{
    int dead = 0;
    (void)mdb_reader_check(disk->env, &dead); // the next look will do
}

// Above this admission is closed (see disk_usage), and nobody may be writing who would look at the
// free pages again.
static bool is_tight(const struct disk *disk)
{
    uint64_t used = atomic_load(&disk->file_bytes) - atomic_load(&disk->free_bytes);
    return used > disk->map_bytes_max / 4 * 3;
}

void disk_measure(struct disk *disk)
{
    uint64_t file_bytes = pages_of(disk) * disk->page_bytes;
    atomic_store(&disk->file_bytes, file_bytes);
    uint64_t left = disk->allocated_bytes > file_bytes ? disk->allocated_bytes - file_bytes : 0;
    atomic_store(&disk->ahead_left_bytes, left);
    if (is_tight(disk))
        measure_free_pages(disk);
}

// Closes the gate and waits until no reader is inside; false when one stays too long.
static bool close_gate(struct disk_gate *gate, long wait_ms)
{
    const struct timespec until = disk_wait_until(wait_ms);
    (void)pthread_mutex_lock(&gate->lock);
    gate->is_closed = true;
    int code = 0;
    while (gate->reading > 0 && code == 0)
        code = pthread_cond_timedwait(&gate->changed, &gate->lock, &until);
    bool is_empty = gate->reading == 0;
    (void)pthread_mutex_unlock(&gate->lock);
    return is_empty;
}

static void open_gate(struct disk_gate *gate)
{
    (void)pthread_mutex_lock(&gate->lock);
    gate->is_closed = false;
    (void)pthread_cond_broadcast(&gate->changed);
    (void)pthread_mutex_unlock(&gate->lock);
}

static err grow_map(struct disk *disk, uint64_t map_bytes, bool is_urgent)
{
    err e = OK;
    if (close_gate(&disk->gate, is_urgent ? GROW_WAIT_URGENT_MS : GROW_WAIT_MS))
        e = disk_err_of(disk, mdb_env_set_mapsize(disk->env, map_bytes));
    else if (is_urgent)
        e = ERR_DISK;
    open_gate(&disk->gate);
    if (e == OK)
        atomic_store(&disk->map_bytes, map_bytes);
    return e;
}

// A quarter of the map is kept free, so that growing can wait for a quiet moment; at an eighth it
// no longer can.
static err keep_map(struct disk *disk)
{
    uint64_t map_bytes = atomic_load(&disk->map_bytes);
    uint64_t file_bytes = atomic_load(&disk->file_bytes);
    uint64_t room = map_bytes - file_bytes;
    bool is_roomy = room >= map_bytes / 4 && !disk->is_full;
    if (is_roomy || map_bytes >= disk->map_bytes_max)
        return OK;
    uint64_t wanted = map_bytes * 2 < disk->map_bytes_max ? map_bytes * 2 : disk->map_bytes_max;
    bool is_urgent = disk->is_full || room < map_bytes / 8;
    err e = grow_map(disk, wanted - wanted % disk->page_bytes, is_urgent);
    if (e == OK)
        disk->is_full = false;
    return e;
}

static bool has_ahead(const struct disk *disk)
{
    return disk->allocated_bytes >= atomic_load(&disk->file_bytes) + disk->ahead_bytes;
}

// What is left is taken in small pieces: a process that starts on a full file system finds what
// the one before it allocated, for that is granted again. More than is to be kept is not asked for.
static void take_what_is_left(struct disk *disk, mdb_filehandle_t fd, uint64_t from)
{
    uint64_t piece = disk->ahead_bytes / AHEAD_PIECES;
    for (unsigned i = 0; i <= AHEAD_PIECES && piece > 0 && !has_ahead(disk); i++) {
        if (fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)piece) != 0)
            return;
        from += piece;
        disk->allocated_bytes = from;
    }
}

// Allocates without changing the file's size. A file system that cannot is treated like one that
// always has room: then only the commit itself tells.
static void keep_ahead(struct disk *disk)
{
    // One that is short is asked again, also when pieces have made up for what it refused.
    if (has_ahead(disk) && !atomic_load(&disk->is_short))
        return;
    uint64_t file_bytes = atomic_load(&disk->file_bytes);
    uint64_t from = disk->allocated_bytes > file_bytes ? disk->allocated_bytes : file_bytes;
    uint64_t until = file_bytes + disk->ahead_bytes + disk->ahead_bytes / 4;
    mdb_filehandle_t fd = -1;
    (void)mdb_env_get_fd(disk->env, &fd); // fails only without an environment
    int code = fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(until - from));
    if (code == 0 || errno == EOPNOTSUPP)
        disk->allocated_bytes = until;
    bool is_short = code != 0 && errno != EOPNOTSUPP && errno != EINTR;
    atomic_store(&disk->is_short, is_short);
    if (is_short)
        take_what_is_left(disk, fd, from);
    disk_measure(disk);
}

err disk_grow(struct disk *disk)
{
    if (disk->begin_count++ % FREE_LIST_EVERY == 0) {
        clear_dead_readers(disk);
        measure_free_pages(disk);
    }
    if (disk->ahead_bytes > 0)
        keep_ahead(disk);
    // The last eighth is not touched: a transaction must never meet the end inside its commit.
    bool is_short = atomic_load(&disk->is_short);
    if (is_short && atomic_load(&disk->ahead_left_bytes) < disk->ahead_bytes / 8) {
        atomic_store(&disk->fault, "no space left on the device");
        return ERR_DISK;
    }
    return keep_map(disk);
}

void disk_warm(struct disk *disk)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long page_bytes = sysconf(_SC_PAGESIZE);
    uint64_t memory = pages > 0 && page_bytes > 0 ? (uint64_t)pages * (uint64_t)page_bytes : 0;
    uint64_t file_bytes = atomic_load(&disk->file_bytes);
    mdb_filehandle_t fd = -1;
    if (file_bytes <= memory / 4 && mdb_env_get_fd(disk->env, &fd) == 0)
        (void)posix_fadvise(fd, 0, (off_t)file_bytes, POSIX_FADV_WILLNEED); // only a wish
}

void disk_usage(const struct disk *disk, struct disk_usage *out_usage)
{
    uint64_t file_bytes = atomic_load(&disk->file_bytes);
    uint64_t free_bytes = atomic_load(&disk->free_bytes);
    *out_usage = (struct disk_usage){
        .file_bytes = file_bytes,
        .used_bytes = file_bytes > free_bytes ? file_bytes - free_bytes : 0,
        .map_bytes = atomic_load(&disk->map_bytes),
        .map_bytes_max = disk->map_bytes_max,
        .ahead_left_bytes = atomic_load(&disk->ahead_left_bytes),
        .is_short = atomic_load(&disk->is_short),
    };
}
