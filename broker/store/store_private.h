#pragma once

// What the files of the store share. The commit thread owns all of it but the atomic figures and
// what has a lock of its own.

#include "broker/core/schedules.h"
#include "broker/store/store.h"
#include "broker/store/store_keymap.h"
#include "broker/store/store_queues.h"
#include "broker/store/store_record.h"
#include "broker/store/store_segments.h"
#include "lib/disk/disk.h"

#include <stdatomic.h>

// The tables; docs/disk-format.md draws them. The order may grow at its end only.
enum store_table {
    TABLE_META,         // number → the store's own records
    TABLE_JOBS,         // job_no → row, sealed, fixed length
    TABLE_BODIES,       // job_no → what was submitted
    TABLE_OUTCOMES,     // job_no → result or last failure
    TABLE_PROGRESS,     // job_no → a running job's last word
    TABLE_IDS,          // version 7 id → job_no
    TABLE_KEYS,         // job_no → version 8 id, for the scan at start
    TABLE_SEGMENTS,     // job_no / 4096 → counts by state
    TABLE_LANES,        // lane number → queue and type
    TABLE_POLICIES,     // policy number → options
    TABLE_BATCHES,      // batch number → batch
    TABLE_BATCH_IDS,    // batch id and tenant → batch number
    TABLE_TIMELINE,     // job_no, event → what happened
    TABLE_UNIQUES,      // job_no → the unique key it holds
    TABLE_SCHEDULES,    // schedule id → where it stands and what was given
    TABLE_LOGS,         // job_no, chunk → lines that its handlers wrote
    TABLE_DEPENDENCIES, // job_no → what it waits for
    TABLE_QUEUES,       // queue number → its jobs by state, what is set for it
    TABLE_OPERATIONS,   // operation id → what it does, and how far it has come
    TABLE_TYPES,        // number → a type with defaults
    TABLE_ENDPOINTS,    // tenant and id → a webhook endpoint
    TABLE_COUNT,
};

enum store_meta {
    META_ORIGIN = 1,
    META_LEDGER = 2,
};

// 1: a batch was found by its id alone, whosever it was.
enum { STORE_FORMAT = 2 };
#define STORE_NAME "broker" // in the mark

static_assert((size_t)SCHEDULES_NAME_LEN_MAX <= (size_t)DISK_KEY_LEN_MAX,
              "a schedule's name is its key");

struct store {
    struct disk *disk;
    uint64_t lineage;
    bool has_ledger;          // something was committed
    struct ledger_row ledger; // as of the last commit
    struct store_segments segments;
    struct store_queues queues;
    struct store_keymap keymap;
    _Atomic uint64_t commit_count;
    // Between the two a snapshot may hold what the tables in memory do not say yet.
    _Atomic uint64_t begun_count;   // commits that may be in a snapshot
    _Atomic uint64_t settled_count; // commits that are in memory too
    _Atomic uint64_t write_count;
    _Atomic uint64_t violations;
    uint64_t violations_at_open; // of these: the counts disagreed before anything was committed
    _Atomic uint64_t damaged;
};

struct store_view {
    struct store *store;
    struct disk_reader *reader;
    uint64_t seen;       // commits that the snapshot surely holds
    uint64_t sweep_from; // the job number at which the sweeper goes on
    when_ms sweep_next;  // earliest moment in the walked part of its segment
    bool is_begun;
    bool is_of_one;      // shows one tenant's jobs, batches and operations, else all
    struct slice tenant; // then
};

// Whose eyes the view has.
bool store_view_shows(const struct store_view *view, struct slice tenant);

// One row of the snapshot, whosever it is.  ERR_NOT_FOUND, ERR_DAMAGED (counted)
MUST_USE err store_view_lane(struct store_view *view, uint16_t no, struct lane_row *out_lane);
MUST_USE err store_view_row(struct store_view *view, uint64_t job_no, struct job_row *out_row);
// The job with this id, version 7 or 8; the newest when a key was used again.
//   ERR_NOT_FOUND, ERR_DAMAGED (counted)
MUST_USE err store_view_find(struct store_view *view, const struct id *id, struct job_row *out_row);

// --- store_list.c: jobs that the view shows and that fit, from the youngest downwards ---
struct store_walk {
    const struct msg_filter *filter;
    uint32_t limit; // of jobs that fit
    // Names are borrowed until store_view_end().
    // `batch_index` is told when it is wanted.
    void (*take)(void *ctx, const struct job_row *row, const struct lane_row *lane,
                 uint32_t batch_index);
    bool wants_index;
    void *ctx;
};
// What a list tells of a job. Names are borrowed from the lane.
struct msg_listed_job store_list_line(const struct job_row *row, const struct lane_row *lane,
                                      uint32_t batch_index);
//   ERR_NOT_FOUND, ERR_DAMAGED   of the batch
// From `*cursor` (0: the newest) until the limit or 10,000 rows are reached; `*cursor` is then where
// to go on, 0 at the end.
MUST_USE err store_list_walk(struct store_view *view, const struct store_walk *what,
                             uint64_t *cursor);

// --- store_view_told.c: the deliveries of a job's last end, or a batch's ---
struct store_told {
    struct store_view *view;
    struct id of;
    when_ms at; // when they were accepted; 0: there are none
    // `lane` is borrowed. ERR_DAMAGED and ERR_NOT_FOUND leave this one out, another error ends the walk.
    err (*see)(void *ctx, const struct job_row *row, const struct lane_row *lane);
    void *ctx;
};
MUST_USE err store_view_told_walk(const struct store_told *told);

// --- store_history.c: what a job has many of, by its number and the item's ---
struct history_key {
    uint8_t bytes[12];
};
struct history_key store_history_key(uint64_t job_no, uint32_t item);
static inline struct slice store_history_slice(const struct history_key *key)
{
    return slice_of(key->bytes, sizeof key->bytes);
}
// An event of a timeline; the one that it pushes out goes.
MUST_USE err store_history_write_event(struct disk_txn *txn, const struct write_event *write);
// Lines at the end of a job's log, behind those of the same chunk; the chunk that they push out
// goes.
MUST_USE err store_history_write_log(struct store *store, struct disk_txn *txn,
                                     const struct write_log *write);
// All that is kept of the job's history.
MUST_USE err store_history_drop(struct disk_txn *txn, const struct job_row *row);

// Reads the segments' counts into memory; a damaged one is counted anew from its rows.
MUST_USE err store_load_segments(struct store *store, struct store_view *view);

// store_view.c
//   ERR_NOT_FOUND, ERR_DAMAGED
// Two tenants may have batches with the same id; "default" has its ids as they are.
struct store_batch_key {
    uint8_t bytes[sizeof(struct id) + MSG_NAME_LEN_MAX];
    uint8_t len;
};
struct store_batch_key store_batch_key_of(struct slice tenant, const struct id *id);
static inline struct slice store_batch_key_slice(const struct store_batch_key *key)
{
    return slice_of(key->bytes, key->len);
}
// Makes an older directory one of this format.
MUST_USE err store_convert(struct store *store);

// Of the tenant that the view is of; of "default" when it is of all.
MUST_USE err store_view_find_batch(struct store_view *view, const struct id *id,
                                   struct batch_row *out_row);
