#pragma once

// What one batch wants done: writes first, durably; then the answers and the jobs may leave.
// The caller gives the room; borrowed slices point into the commands of the same batch, which
// must therefore live until the batch is released. Pure. Not thread-safe.

#include "broker/core/row.h"
#include "lib/base/arena.h"

enum write_kind {
    WRITE_JOB,      // row, new or changed; the store keeps the id and key indexes from it
    WRITE_BODY,     // what was submitted
    WRITE_OUTCOME,  // result or last error
    WRITE_PROGRESS, // a running job's last word; dropped with its body
    WRITE_EVENT,    // of its timeline; the store keeps the first and the last ones, see events.h
    WRITE_LOG,      // lines of its log; the store keeps the first and the last ones, see logs.h
    WRITE_LANE,
    DROP_LANE,
    DROP_QUEUE,
    WRITE_POLICY,
    WRITE_BATCH,
    WRITE_LEDGER, // last of every batch that writes anything
    DROP_BODY,    // with its outcome, timeline and log: retention; the row stays as a tombstone
    DROP_JOB,     // the whole job with its id or key
    DROP_BATCH,
    WRITE_UNIQUE,
    DROP_UNIQUE,
    WRITE_SCHEDULE,
    DROP_SCHEDULE,
    WRITE_QUEUE,
    WRITE_TYPE,
    WRITE_DEP,
    DROP_DEP,
    WRITE_OPERATION,
    DROP_OPERATION,
    WRITE_ENDPOINT,
    DROP_ENDPOINT,
};

struct write_job {
    struct job_row row;
    bool is_new;
};

struct write_body {
    uint64_t job_no;
    const struct msg_submit_job *job;
};

struct write_outcome {
    uint64_t job_no;
    const struct msg_finish_job *finish; // outcome, result, error texts
};

struct write_progress {
    uint64_t job_no;
    const struct msg_progress *progress;
};

struct write_event {
    uint64_t job_no;
    struct event_row row;
};

struct write_log {
    uint64_t job_no;
    uint32_t first; // number of the first line
    uint32_t count;
    when_ms at; // no line is later
    const struct msg_log_line *lines;
};

struct write_policy {
    uint16_t no;
    struct policy policy;
};

struct write_schedule {
    struct schedule_row row;          // its name lives as long as the batch
    const struct msg_schedule *given; // NULL: what was given stays as it is
};

struct write {
    enum write_kind kind;
    union {
        struct write_job job;
        struct write_body body;
        struct write_outcome outcome;
        struct write_progress progress;
        struct write_event event;
        struct write_log log;
        struct lane_row lane; // DROP_LANE too
        struct write_policy policy;
        struct batch_row batch; // DROP_BATCH too: its last row
        struct ledger_row ledger;
        struct job_row drop;            // DROP_BODY, DROP_JOB
        struct unique_row unique;       // DROP_UNIQUE too
        struct write_schedule schedule; // DROP_SCHEDULE: its row
        struct type_row type;           // the same
        struct queue_row queue;         // its names live as long as the core
        struct dep_row dep;             // DROP_DEP: only its number and id
        struct operation_row operation; // DROP_OPERATION too
        struct endpoint_row endpoint;   // DROP_ENDPOINT too; its texts live as long as the batch
    };
};

// An answer to a peer.
struct send {
    uint32_t peer;
    struct msg msg;
};

// A granted job on its way to a worker. `job.payload` is empty and `has_body` false when the body
// must be read from the store (written by an earlier batch).
struct grant_send {
    uint32_t peer;
    bool has_body;
    uint64_t job_no;
    struct msg_job job;
};

// What happened, in order; only recorded when `entries` has room given (replicated orders, the
// simulator). See broker/core/entry.h.
struct entry;

struct effects {
    struct write *writes;
    uint32_t write_count;
    uint32_t write_cap;
    struct send *sends;
    uint32_t send_count;
    uint32_t send_cap;
    struct grant_send *grants;
    uint32_t grant_count;
    uint32_t grant_cap;
    uint32_t *changed; // slots of the jobs changed in this batch
    uint32_t changed_count;
    uint32_t changed_cap;
    uint32_t *bodies;       // places in `writes` of this batch's bodies, by number; changed_cap
    uint64_t body_first_no; // number of the first job accepted in this batch
    uint32_t body_count;
    uint32_t load;         // jobs that this batch has changed or may still change on its way
    struct entry *entries; // NULL: not recorded
    uint32_t entry_count;
    uint32_t entry_cap;
    struct arena *arena; // lists inside answers
};

// Room of an answer per job in the arena, at most.
enum { EFFECTS_ANSWER_BYTES = 192 };
// The same of a delivery, which changes a job of its own.
enum { EFFECTS_DELIVERY_BYTES = 896 };

// What a batch that may change `changed_cap` jobs needs: places for writes, bytes of arena.
// sends and grants: as many as the caller wants to allow.
uint32_t effects_write_cap(uint32_t changed_cap);
size_t effects_arena_size(uint32_t changed_cap);

// Empties all lists; the room stays. The arena is reset.
void effects_reset(struct effects *effects);

// May a command that changes up to `job_count` jobs still be decided in this batch?
bool effects_has_room(const struct effects *effects, uint32_t job_count);

bool effects_is_empty(const struct effects *effects);

// What was submitted as job `job_no`, if this batch accepted it; else NULL.
const struct msg_submit_job *effects_body(const struct effects *effects, uint64_t job_no);

// Each returns the next zeroed place; the caller made sure of the room.
struct write *effects_write(struct effects *effects, enum write_kind kind);
struct msg *effects_send(struct effects *effects, uint32_t peer, enum msg_kind kind, uint64_t corr);
// A new job's body. Numbers come in order.
void effects_write_body(struct effects *effects, uint64_t job_no, const struct msg_submit_job *job);
struct grant_send *effects_grant(struct effects *effects, uint32_t peer);
