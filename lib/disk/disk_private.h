#pragma once

// What the files of lib/disk share. The commit thread owns `writer` and what it needs to grow;
// readers meet it only at the gate and at the atomic figures.

#include "lib/disk/disk.h"

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#define DISK_MARK_TABLE "weft"
enum { DISK_MARK_NAME_LEN_MAX = 32 };

struct disk_txn {
    struct disk *disk;
    MDB_txn *txn; // NULL between transactions
    MDB_cursor *cursors[DISK_TABLE_COUNT_MAX];
};

struct disk_reader {
    struct disk *disk;
    MDB_txn *txn;
    MDB_cursor *cursors[DISK_TABLE_COUNT_MAX];
    uint32_t walked;   // the table of the last disk_seek()
    struct slice last; // the key it is at
    bool is_begun;
    bool is_fresh[DISK_TABLE_COUNT_MAX]; // the cursor belongs to this snapshot
};

// The map may only be moved while no snapshot is open in the process.
struct disk_gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t reading;
    bool is_closed; // the writer is growing, or waits to
};

struct disk {
    MDB_env *env;
    MDB_dbi tables[DISK_TABLE_COUNT_MAX];
    uint32_t table_count;
    MDB_dbi mark;
    char name[DISK_MARK_NAME_LEN_MAX + 1]; // of the program, for the mark
    uint32_t format;                       // that the mark has
    uint32_t format_newest;                // that this program writes
    bool is_backup;                        // as the mark says
    struct disk_txn writer;
    struct disk_gate gate;
    uint64_t page_bytes;
    uint64_t map_bytes_max;
    uint64_t ahead_bytes;
    uint64_t allocated_bytes; // the data file is allocated up to here
    uint32_t begin_count;
    bool is_full; // the last transaction met the end of the map
    pid_t owner;  // LMDB must not be used after fork()
    int lock;
    char *path;
    char *why; // the caller's, while it is opened; NULL: nobody wants to know
    _Atomic uint64_t map_bytes;
    _Atomic uint64_t file_bytes;
    _Atomic uint64_t free_bytes;
    _Atomic uint64_t ahead_left_bytes;
    atomic_bool is_short;
    atomic_bool is_broken;  // a commit failed: nothing may be believed any more
    atomic_bool is_damaged; // the library met pages that contradict each other
    _Atomic(const char *) fault;
};

// Translates the library's code, and keeps its words for disk_fault().
err disk_err_of(struct disk *disk, int code);

// Puts "subject: sentence" where the caller of disk_open() wants it; returns `e`.
err disk_explain(const struct disk *disk, err e, const char *subject, const char *sentence);
// The same of what the library says about the data file.
err disk_explain_code(const struct disk *disk, int code);

// Judges the mark, and takes from it what the format is and whether it is a backup's; an environment
// without one has no owner.
MUST_USE err disk_read_mark(struct disk *disk, MDB_txn *txn, const struct disk_options *options);
// Returns the library's code.
int disk_write_mark(const struct disk *disk, MDB_txn *txn);
// Flushes the names in a directory.
MUST_USE err disk_flush_names(const struct disk *disk, const char *dir);
bool disk_count_free_pages(MDB_env *env, uint64_t *out_count);

// Whether the library means by `code` that the file's pages are not what they should be.
bool disk_is_damage(int code);
// Whether the data file of the opened environment reaches as far as its pages do.
//   ERR_DAMAGED   it was cut short: `out_have` of `out_needed` bytes
//   ERR_DISK
MUST_USE err disk_check_length(MDB_env *env, uint64_t *out_have, uint64_t *out_needed);
// Called when the library gives up: says so in the log and ends the process.
_Noreturn void disk_give_up(MDB_env *env, const char *text);

// Makes the map larger and keeps space ahead, both as far as needed; before each transaction.
//   ERR_DISK   the space ahead is used up
MUST_USE err disk_grow(struct disk *disk);

// Takes the figures of the file after open and after each commit.
void disk_measure(struct disk *disk);

// A lock, and what is waited for under it: pthread_cond_timedwait() until disk_wait_until() is no longer
// because somebody sets the machine's clock. Both are destroyed as usual.
void disk_wait_init(pthread_mutex_t *lock, pthread_cond_t *changed);
struct timespec disk_wait_until(long wait_ms);
