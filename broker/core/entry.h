#pragma once

// The ledger's entries: what happened, outcome of every choice included, so that applying one
// needs no choice. Only entries change the ledger. Pure.

#include "broker/core/row.h"

enum entry_kind {
    ENTRY_START, // a new epoch
    ENTRY_SUBMIT,
    ENTRY_DUE, // a scheduled or retrying job may start
    ENTRY_GRANT,
    ENTRY_FINISH,
    ENTRY_LEASE_END,
    ENTRY_PROGRESS, // a running job's word, stored
    ENTRY_LOG,      // lines that its handler wrote
    ENTRY_REMOVE,   // retention: a tombstone stays while the key is taken
    ENTRY_FORGET,   // the tombstone goes too
    ENTRY_CANCEL,   // a waiting job's end; of a running one, that it was asked for
    ENTRY_PASS,     // the moment has come at which a unique key is given back
    ENTRY_SCHEDULE, // a schedule is made, changed, paused or dropped
    ENTRY_MOMENT,   // a moment of a schedule is decided; its job has an entry of its own
    ENTRY_QUEUE,    // a queue has other settings
    ENTRY_TYPE,     // a type has other defaults
    ENTRY_PAUSE,    // a queue takes or gives no jobs, or does again
    ENTRY_EXPIRE,   // a job was not started in time
    ENTRY_RETRY,    // a dead job lives again; its slot is new
    ENTRY_OPERATE,  // an act on many begins
    ENTRY_STEP,     // it has come further; what it did has entries of its own
    ENTRY_HALT,     // it is cancelled where it stands
    ENTRY_RELEASE,  // a job need not wait for one of its parents any more
    ENTRY_SEAL,     // nobody else is expected to join a batch
    ENTRY_FREE,     // the id of a batch without members may be used for another one
    ENTRY_UNUSED,   // no row carries the number of a lane any more
    ENTRY_ENDPOINT, // a webhook endpoint is made, changed or dropped
    ENTRY_RUN_NOW,  // somebody wants a scheduled or retrying job before its time
};

enum moment_verdict {
    MOMENT_FIRED,   // there is a job
    MOMENT_HELD,    // it waits for the end of the job before
    MOMENT_SKIPPED, // there is no job, and will be none
};

struct entry {
    enum entry_kind kind;
    when_ms at;          // store time
    struct id job_id;    // zero when it is not about a job; MOMENT: the job it made
    struct slice actor;  // who asked for it; empty: the system
    struct slice reason; // why, in a few words; empty when the kind says it
    uint32_t slot;       // where the job is in this process; ENTRY_NO_SLOT: look it up
    union {
        struct {
            uint32_t epoch;
        } start;
        struct {
            const struct msg_submit_job *job;
            struct policy policy;
            when_ms due_at; // later than `at`: scheduled
            bool waits;     // for parents: scheduled too
        } submit;
        struct {
            struct id worker;
            uint32_t lease_ms;
        } grant;
        struct {
            const struct msg_finish_job *finish;
            uint8_t event;  // enum job_event
            when_ms due_at; // when it may start again
            bool is_gone;   // it told of a job's progress, and that job's url wants no more
        } finish;
        struct {
            uint8_t event;
            bool is_crash;   // else an interruption …
            bool is_timeout; // … or an error: the attempt has passed its deadline
            when_ms due_at;  // when it may start again
        } lease_end;
        struct {
            const struct msg_progress *said;
        } progress;
        struct {
            const struct msg_log_line *lines;
            uint32_t count;
        } log;
        struct {
            uint64_t job_no;
        } remove; // REMOVE, FORGET
        struct {
            bool is_request; // the job runs: its worker is told
        } cancel;
        struct {
            uint64_t job_no;
        } pass; // its holder's number
        struct {
            const struct msg_schedule_set *set;
        } schedule;
        struct {
            struct slice schedule; // its id
            when_ms moment;
            uint8_t verdict; // enum moment_verdict
        } moment;
        struct {
            const struct msg_queue_set *set;
        } queue;
        struct {
            const struct msg_type_set *set;
        } type;
        struct {
            struct slice tenant;
            struct slice queue;
            uint8_t paused; // enum direction, from now on
        } pause;
        struct {
            uint64_t job_no;
            uint64_t act; // low half of the act's id; 0: a step of an operation
            struct policy policy;
            struct unique_row unique; // what it holds while it is unfinished; number 0: no key
        } retry;
        struct {
            uint64_t job_no;
            uint64_t act; // as of RETRY
        } run_now;
        struct {
            const struct msg_operate *asked;
            struct id dropped; // one that is over and gives its place; zero: none
        } operate;             // HALT, too: asked only
        struct {
            struct id operation;
            uint64_t cursor; // its new one
            uint32_t matched;
            uint32_t done;
        } step;
        struct {
            struct id parent;
        } release;
        struct {
            struct id batch;
            struct slice tenant; // whose batch it is
        } seal;                  // FREE, too
        struct {
            const struct msg_webhook_set *set;
        } endpoint;
        struct {
            struct slice tenant;
            struct slice queue;
            struct slice type;
        } unused; // by names: its number is this process' own; without a type: the queue
    };
};

#define ENTRY_NO_SLOT UINT32_MAX
