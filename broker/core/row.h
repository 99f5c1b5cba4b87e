#pragma once

// What the ledger stores, as plain structs. broker/store encodes them field by field; the
// simulator's model store keeps them as they are. Pure.

#include "proto/msg.h"

// May the last granted token still finish the job?
enum token_use {
    TOKEN_NONE = 0,     // nothing was granted yet
    TOKEN_OPEN = 1,     // the lease runs
    TOKEN_EXPIRED = 2,  // the lease has ended without an answer
    TOKEN_FINISHED = 3, // the answer was accepted
};

// Three days, and all outcomes: they share 32 bits.
enum { ROW_LEASE_BITS = 28, ROW_OUTCOME_BITS = 4 };
#define ROW_LEASE_MS_MAX ((1u << ROW_LEASE_BITS) - 1)

// What other tables hold about a job.
enum relation {
    RELATION_UNIQUE = 1u << 0,  // it held a unique key from its acceptance
    RELATION_PARENTS = 1u << 1, // it waited for others before its first start
    RELATION_LABELS = 1u << 2,  // its body has tags or metadata
    RELATION_HOOK = 1u << 3,    // somebody is told of its end: see deliver.c
    RELATIONS_ALL = (1u << 4) - 1,
    RELATION_EVENTS_SHIFT = 4, // in rows: of which ends, see struct bond
};

// In the place of an endpoint: the job's own url has answered that it is gone.
enum { JOB_URL_GONE = 127 };

// One job. Fixed size, updated in place; the body and the outcome have rows of their own.
struct job_row {
    struct id id;
    uint64_t no;    // the key: partition-local, sequential; also the id's generation
    uint64_t token; // the last one granted: epoch << 40 | counter
    uint64_t fingerprint;
    when_ms accepted_at;
    when_ms due_at;      // scheduled, retrying, queued: since when it may start
    when_ms granted_at;  // last grant, 0 when never
    when_ms ended_at;    // 0 while unfinished
    when_ms remove_at;   // when retention takes it, 0 while unfinished
    when_ms dedup_until; // the id is taken at least until then
    struct id worker;    // running: who holds it; ended: who held it last
    uint32_t version;    // grows with every change that a reader can see
    uint32_t interruptions;
    uint32_t batch;    // number of the batch + 1, 0 when none
    uint32_t body_len; // payload bytes
    uint32_t lease_ms; // running: length of its lease
    uint16_t errors;
    uint16_t crashes;
    uint16_t lane;
    uint16_t policy;
    uint8_t state;    // enum job_state
    uint8_t ended_as; // enum job_state before JOB_REMOVED
    uint8_t priority;
    uint8_t token_use; // enum token_use
    // The tail: zero for a plain job, and then not stored.
    uint64_t act;         // low half of the id of the last act applied
    uint64_t key_hash;    // concurrency key within its queue, 0 when none
    uint64_t rank;        // place in the order of its key
    uint32_t log_count;   // log lines ever taken
    uint32_t event_count; // events ever told to its timeline
    uint16_t cost;        // what it takes from rates, 0 when not given
    uint8_t order;        // of its concurrency key
    uint8_t cancel;       // enum cancel
    uint8_t relations;    // flags: enum relation
    uint8_t outcome; // of TOKEN_FINISHED: enum outcome; OUTCOME_NONE: an older broker kept none. No
                     // part of the tail: it shares the four bytes of `lease_ms`
    uint32_t extend_ms; // running: how much longer than its timeout the attempt may take
    uint16_t endpoints; // as in struct bond; with `endpoint` a tail of its own
    uint8_t endpoint;
    bool has_progress; // its own webhook is told of its progress too
};

// What the job's row does not tell of its course: an attempt that ended otherwise than by success,
// or what somebody did to it. Texts are borrowed.
struct event_row {
    uint32_t seq;       // 1, 2, …: its place in the job's timeline
    uint32_t version;   // of the job, after it
    uint32_t attempt;   // the number of the attempt that it ended; 0: none, or it had ended before
    when_ms at;         // store time
    when_ms granted_at; // when the attempt began that it ended or happened in, 0 when none
    when_ms due_at;     // when the job may start again, 0 when at once or never
    uint64_t token;     // the last one granted, 0 when never
    struct id worker;   // who held the job, zero when nobody did
    uint8_t event;      // enum job_event
    uint8_t state;      // enum job_state, after it
    uint8_t outcome;    // enum outcome of the attempt; OUTCOME_NONE when it ended none
    struct slice actor; // who did it; empty: the system
    struct slice reason;
    struct slice kind; // of the error, with message and detail
    struct slice message;
    struct slice detail;
};

// The options that decide a job's course, shared by all jobs that have the same.
struct policy {
    uint32_t timeout_ms;
    uint32_t retry_first_ms;
    uint32_t retry_longest_ms;
    uint32_t retry_factor_milli;
    uint32_t keep_s;
    uint32_t dedup_s;
    uint16_t max_attempts;
    uint16_t max_crashes;
    uint32_t retry_within_s; // from acceptance; 0: no bound
    uint64_t ttl_ms;         // from acceptance until the first start; 0: no bound
};

// A (queue, type) pair of a tenant.
struct lane_row {
    uint16_t no;
    struct slice tenant; // empty: "default"
    struct slice queue;
    struct slice type;
    uint16_t queue_no; // of its queue's row; not stored
};

// A queue: what is set for it, and its jobs. Every one that a job or a setting has named has one.
struct queue_row {
    uint16_t no; // the key of the row, for good
    struct slice tenant;
    struct slice queue;
    struct msg_queue_settings settings;
    uint8_t paused;              // enum direction
    uint64_t accepted;           // jobs ever accepted
    uint64_t counts[JOB_STATES]; // its jobs by state; JOB_REMOVED counts for ever
};

// A type for which something is set.
struct type_row {
    uint16_t no; // the key of the row, for good
    struct slice tenant;
    struct slice type;
    struct msg_defaults defaults;
    uint64_t schema_hash; // 0: none
    struct slice schema;  // its text; only in rows that are written or read, the core keeps none
};

struct batch_row {
    struct id id;
    uint32_t no;
    uint32_t version;
    when_ms created_at;
    uint32_t counts[JOB_STATES]; // members by state
    uint64_t first_no;           // of its members; 0: not known
    uint64_t last_no;
    when_ms sealed_at;       // 0: more members may come
    when_ms finished_at;     // when it was sealed and had ended for the first time; then for ever
    uint32_t failed_removed; // removed members that had not succeeded
    struct slice tenant;     // whose members; empty: "default"
    uint64_t fingerprint;    // of all that it is made of; 0: not told, and anything may join
    when_ms dedup_until;     // with a fingerprint: its id is taken at least until then
};

// A unique key that a job holds.
struct unique_row {
    uint64_t no;      // the holder's number: the key of the row
    struct id job_id; // the holder's id
    struct id hash;   // of the key within its tenant and queue
    when_ms until;    // held until then at least; 0: no moment
    bool waits_end;   // held as long as the holder is unfinished
};

// A schedule, but for what was given: the store keeps that beside it.
struct schedule_row {
    struct slice name; // borrowed; its key in the store
    struct msg_schedule_state state;
    uint64_t fingerprint; // of what was given
    uint8_t overlap;      // enum overlap, given or not
    bool is_paused;
};

// An endpoint that the ends of jobs are told to. Texts are borrowed.
struct endpoint_row {
    struct slice tenant; // empty: "default", which is never written out; with the id its key
    struct msg_webhook given;
    struct slice secret;        // sealed, like …
    struct slice secret_before; // … the one that signs too until `before_until`; empty: none
    struct slice reason;        // why it is disabled
    when_ms created_at;
    when_ms rotated_at; // the secret is from then
    when_ms before_until;
    uint64_t since_no; // jobs with lower numbers are not told to it
    uint32_t generation;
    uint8_t place; // among those of its tenant, see endpoints.h
    bool is_disabled;
};

// An act on many jobs, and how far it has come: from the youngest downwards. Names and actor are
// borrowed.
struct operation_row {
    struct id id;        // its key in the store
    uint8_t kind;        // enum act_kind
    struct slice tenant; // whose jobs; empty: "default"
    struct msg_filter filter;
    struct slice actor;
    uint32_t rate; // jobs a second that it may meet; 0: as many as it can
    when_ms created_at;
    when_ms ended_at;          // 0 while it goes on
    struct slice cancelled_by; // who cancelled it, in words; empty too when it was not
    uint64_t upto;             // number of the last job accepted before it
    uint64_t
        cursor; // jobs up to this number are still to be looked at; 0: none; over: cancelled there
    uint64_t matched; // jobs that fitted when they were looked at
    uint64_t done;    // of these, those that are now as wanted
    uint32_t version;
};

// What an unfinished job waits for, or has waited for.
struct dep_row {
    uint64_t no; // the job's number: the key of the row
    struct id job_id;
    enum on_failure on_failure;
    bool tells;             // of progress: it waits for none of them
    struct msg_ids parents; // borrowed
};

enum { ROW_EPOCH_MAX = (1 << 24) - 1 }; // what a token has room for

// The ledger's own numbers, one row.
struct ledger_row {
    uint32_t epoch;
    uint64_t token_counter;
    uint64_t job_no_next;
    uint64_t digest;             // of everything applied so far
    uint64_t accepted;           // jobs ever accepted
    uint64_t counts[JOB_STATES]; // jobs by state; JOB_REMOVED counts for ever
    when_ms store_time;          // never read back smaller
};
