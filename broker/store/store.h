#pragma once

// What the broker keeps on disk: rows of jobs, bodies, outcomes, indexes of ids and keys, the
// ledger's numbers. docs/disk-format.md draws the tables. store_lmdb.c stands on lib/disk.
//
// Threads: store_commit() by the commit thread; the `known` interface and store_find_body() by
// the link thread through one store_view; status reads by reader threads, each with its own view.

#include "broker/core/core.h"
#include "lib/base/arena.h"

struct store;
struct store_view;

struct store_options {
    const char *dir;
    uint64_t map_bytes_max;
    uint64_t ahead_bytes;
    bool allow_unsafe_place;
    uint64_t map_start_bytes; // 0: 1 GiB
    bool allow_unready;       // as of disk_options
};

// Errors of disk_open(). `out_why` says the fix.
MUST_USE err store_open(const struct store_options *options, struct store **out_store,
                        const char **out_why);
void store_close(struct store *store);

// A number made with the store; changes when it was restored or made anew.
uint64_t store_lineage(const struct store *store);
// The ledger row of the last commit, zeroed in a new store.
MUST_USE err store_ledger(struct store *store, struct ledger_row *out_row);

// Feeds everything core_start() needs into `core`, in one snapshot: only segments that hold
// unfinished jobs are read in full. Damaged rows are counted, logged by the caller and left out.
// Once, before the first commit. A new store feeds nothing.
//   errors of the core_load_ functions but ERR_DAMAGED of a job or key, ERR_NO_MEMORY, ERR_DISK
struct store_loaded {
    uint64_t job_count;
    uint64_t key_count;
    uint64_t damaged_count;
    uint64_t damaged_first; // number of the first damaged job or key, for the log
};
MUST_USE err store_load(struct store *store, struct core *core, struct store_loaded *out_loaded);

// Applies the writes of one batch in one flushed transaction. Derives the change of the counts
// by state from old and new rows and compares it with the WRITE_LEDGER row: a difference is
// counted in store_figures().violations.
// After any error the process must end at once: memory is ahead of the disk. The commit thread
// alone; it may have to wait for views (see below).
MUST_USE err store_commit(struct store *store, const struct write *writes, uint32_t count);

// --- views: snapshots at or after the last commit ---
// Hold one begun as shortly as a turn takes, and never while waiting for a commit: the map can
// only grow when no view is begun, and a held snapshot lets the file grow.
MUST_USE err store_view_open(struct store *store, struct store_view **out_view);
void store_view_close(struct store_view *view);
MUST_USE err store_view_begin(struct store_view *view);
void store_view_end(struct store_view *view);
// From now on the view shows only this tenant's jobs, batches and operations; those of others are not
// found. The name is borrowed until the next call. A new view shows all, as the core wants it.
void store_view_as(struct store_view *view, struct slice tenant);

// The core's questions, asked through `view`; it must be begun while core_step() runs. A read
// error of the disk ends the process.
struct known store_view_known(struct store_view *view);

// What a worker needs of a job stored by an earlier batch; borrowed until store_view_end().
// `job_id`, `fingerprint` and `verdict` come back zero.
//   ERR_NOT_FOUND, ERR_DAMAGED
MUST_USE err store_view_body(struct store_view *view, uint64_t job_no,
                             struct msg_submit_job *out_job);

// The row of a job, and whose it is.
//   ERR_NOT_FOUND, ERR_GONE (only a tombstone is left), ERR_DAMAGED
MUST_USE err store_view_kept(struct store_view *view, const struct id *id, struct job_row *out_row,
                             struct slice *out_tenant);

// The whole status; texts and bytes are borrowed until store_view_end().
// An unknown job is OK with out_status->error = ERR_NOT_FOUND, a tombstone with ERR_GONE (and
// what its row still tells), one with a damaged record with ERR_DAMAGED.
MUST_USE err store_view_status(struct store_view *view, const struct id *id,
                               struct msg_status_is *out_status);
// A batch of the view's tenant, or of "default" when the view is of all.
MUST_USE err store_view_batch(struct store_view *view, const struct id *id,
                              struct msg_batch_status_is *out_status);
// The same for a tenant that is named.
MUST_USE err store_view_batch_of(struct store_view *view, struct slice tenant, const struct id *id,
                                 struct msg_batch_status_is *out_status);

// A schedule with what was given, borrowed until store_view_end() or the next call with the same
// room.
struct store_schedule {
    struct schedule_row row;
    struct msg_schedule given;
    struct msg_submit_job job; // given.jobs points to it
};
//   ERR_NOT_FOUND, ERR_DAMAGED
MUST_USE err store_view_schedule(struct store_view *view, struct slice name,
                                 struct store_schedule *out_schedule);
// The same, copied into `arena`.  ERR_NO_MEMORY too
MUST_USE err store_view_schedule_kept(struct store_view *view, struct slice name,
                                      struct arena *arena, struct store_schedule *out_schedule);
// The first one whose name comes after `name`; damaged ones are counted and passed over.
//   ERR_NOT_FOUND
MUST_USE err store_view_schedule_after(struct store_view *view, struct slice name,
                                       struct store_schedule *out_schedule);
// A webhook endpoint; the first one of the tenant whose id comes after `id`. Texts are borrowed until
// store_view_end().
//   ERR_NOT_FOUND, ERR_DAMAGED (of one that is asked for; in a list it is counted and passed over)
MUST_USE err store_view_endpoint(struct store_view *view, struct slice tenant, struct slice id,
                                 struct endpoint_row *out_row);
MUST_USE err store_view_endpoint_after(struct store_view *view, struct slice tenant,
                                       struct slice id, struct endpoint_row *out_row);
struct store_queue_page {
    struct slice tenant;
    struct slice after;
    uint32_t cap;
};
// The row of a queue, its names borrowed until store_view_end().
//   ERR_NOT_FOUND, ERR_DAMAGED (counted)
MUST_USE err store_view_queue(struct store_view *view, struct slice tenant, struct slice queue,
                              struct queue_row *out_row);
// The first rows of the tenant, by name, after `after`: at most `cap` of them into `rows`; borrowed
// as above. Damaged ones are counted and passed over. Looks at every queue.
MUST_USE err store_view_queue_page(struct store_view *view, const struct store_queue_page *page,
                                   struct queue_row *rows, uint32_t *out_count);
// The first or the next type for which something was set, of any tenant, borrowed as above. Damaged
// ones are counted and passed over.
//   ERR_NOT_FOUND
MUST_USE err store_view_queue_next_type(struct store_view *view, bool is_first,
                                        struct type_row *out_row);
// As of queues.
MUST_USE err store_view_queue_type(struct store_view *view, struct slice tenant, struct slice type,
                                   struct type_row *out_row);
MUST_USE err store_view_queue_types(struct store_view *view, const struct store_queue_page *page,
                                    struct type_row *rows, uint32_t *out_count);
// A page of jobs that fit: at most list->limit of them (at most MSG_LISTED_MAX) into `jobs`, the
// newest first, from at most 10,000 rows. Names are borrowed until store_view_end(). Whole
// stretches of 4,096 jobs without one of the wanted states cost nothing.
MUST_USE err store_view_list(struct store_view *view, const struct msg_list *list,
                             struct msg_listed_job *jobs, struct msg_listed *out_listed);
// The deliveries that tell of the last end of a job, or of a batch, in no order: at most MSG_LISTED_MAX
// into `jobs`. The error of one that is not known is in the answer. Names are borrowed until
// store_view_end().
MUST_USE err store_view_told(struct store_view *view, const struct msg_list *list,
                             struct msg_listed_job *jobs, struct msg_listed *out_listed);
enum { STORE_EVENTS_ROOM = 2 * MSG_EVENTS_MAX };
// What is kept of the job's history, in order, with what its row tells of it: acceptance, grants,
// success; and what came of each attempt to tell of its last end, at most MSG_EVENTS_MAX in all. The
// events stand in `room`, STORE_EVENTS_ROOM places; the lines, those after number
// `after`, in `room`, MSG_LOG_LINES_MAX places. Texts are borrowed until store_view_end(). Errors of
// one job as for store_view_status().
MUST_USE err store_view_timeline(struct store_view *view, const struct id *id,
                                 struct msg_timeline_event *room,
                                 struct msg_timeline_is *out_timeline);
MUST_USE err store_view_log(struct store_view *view, const struct msg_log *question,
                            struct msg_log_line *room, struct msg_log_is *out_log);

// An operation; texts are borrowed until store_view_end().
//   ERR_NOT_FOUND, ERR_DAMAGED
MUST_USE err store_view_operation(struct store_view *view, const struct id *id,
                                  struct operation_row *out_row);
// Those that are known, the one that began last first; of equal moments the one with the greater id.
// Zero: from the newest on. Texts are borrowed until store_view_end().
struct store_operation_page {
    when_ms before;
    struct id before_id;
    uint32_t cap; // of `rows`
};
MUST_USE err store_view_operation_page(struct store_view *view,
                                       const struct store_operation_page *page,
                                       struct operation_row *rows, uint32_t *out_count);
// The next jobs that fit an operation that goes on, from at most 10,000 rows; it may find none and
// only move the cursor on. Whosever it is: the view shows that tenant's then.
//   ERR_NOT_FOUND (or it is over), ERR_DAMAGED
MUST_USE err store_view_operation_step(struct store_view *view, const struct id *id,
                                       struct operation_step *out_step);
// How many jobs fit among at most 10,000 rows up to `cursor` (0: from the newest); `*cursor` is then
// where to go on, 0 at the end.
MUST_USE err store_view_operation_count(struct store_view *view, const struct msg_filter *filter,
                                        uint64_t *cursor, uint64_t *out_count);

// Up to `cap` numbers of jobs whose retention or key window is over at `now`; walks segments
// whose earliest moment has come, a bounded piece per call. 0 ends a round: there
// is nothing (more). A job that is not removed is named again in the next round.
MUST_USE err store_view_sweep(struct store_view *view, when_ms now, uint64_t *out_job_nos,
                              uint32_t cap, uint32_t *out_count);

// For metrics. `violations` must be 0: the conservation law at every commit.
struct store_figures {
    uint64_t commit_count;
    uint64_t write_count;
    uint64_t violations;
    uint64_t damaged;
    uint64_t used_bytes; // pages that are not free for reuse
    uint64_t map_bytes;
    uint64_t map_bytes_max; // refuse new work above three quarters of it
    uint64_t file_bytes;
    uint64_t ahead_left_bytes; // allocated and not yet used
    bool is_short;             // no room to allocate ahead: refuse new work, finish old
};
void store_figures(const struct store *store, struct store_figures *out_figures);
// What the disk said at the last ERR_DISK, for the log; static.
const char *store_fault(const struct store *store);
// As disk_verdict().
err store_verdict(const struct store *store, err e);
