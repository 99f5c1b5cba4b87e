#pragma once

// Messages that mean all jobs that fit a filter: lists, and operations. Part of proto/msg.h. Pure.

#include "lib/base/err.h"
#include "lib/base/id.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"
#include "proto/msg_words.h"

// Which jobs are meant: those that fit every field that is given.
struct msg_filter {
    uint32_t states; // bits; 0: all but JOB_REMOVED
    struct slice queue;
    struct slice type;
    struct slice tag;
    when_ms created_after;
    when_ms created_before;
    struct id batch_id;
};

struct msg_list {
    struct msg_filter filter;
    uint32_t limit;
    uint64_t cursor;
    struct id told_of;  // only deliveries of the last end of this job, all at once; zero: all jobs
    bool told_of_batch; // it is a batch, and its deliveries are meant
};

struct msg_listed_job {
    struct id job_id;
    struct slice type;
    struct slice queue;
    enum job_state state;
    uint32_t version;
    uint32_t priority;
    uint32_t errors;
    uint32_t crashes;
    uint32_t interruptions;
    when_ms created_at;
    when_ms due_at;
    when_ms started_at;
    when_ms ended_at;
    uint32_t batch_index; // of a list of a batch
};

struct msg_listed {
    err error;
    const struct msg_listed_job *jobs;
    uint32_t count;
    uint64_t cursor;
};

// An act on all jobs that fit; or the end of one.
struct msg_operate {
    enum act_kind kind; // CANCEL, RETRY, RUN_NOW, DELETE, PURGE; STOP: the operation of this id
    struct id operation_id;
    struct msg_filter filter; // intake leaves of its states those that the act can change
    struct slice actor;
    bool dry_run;
    uint64_t cursor; // of a dry run
    uint32_t rate;   // jobs a second at most, to MSG_RATE_COUNT_MAX; 0: as many as it can
    // Not on the wire: filled by the broker's intake.
    struct slice tenant; // empty: "default"
};

struct msg_operation {
    struct id operation_id;
    uint32_t wait_ms;
    uint32_t version;
};

struct msg_operation_is {
    err error;
    struct slice detail;
    struct id operation_id;
    enum act_kind kind;
    struct msg_filter filter;
    struct slice actor;
    uint32_t version;
    uint64_t matched;
    uint64_t done;
    uint64_t upto;
    uint64_t cursor;
    bool is_over;
    when_ms created_at;
    when_ms ended_at;
    uint32_t rate;
    struct slice cancelled_by; // of one that is over and has a cursor: it was cancelled there
};

// All that are known, the one that began last first.
struct msg_operation_list {
    when_ms before;      // only those that began before …
    struct id before_id; // … or then and have a lower id; zero: from the newest on
    uint32_t limit;      // 0: MSG_OPERATIONS_MAX
};

struct msg_operation_listed {
    err error;
    const struct msg_operation_is *operations;
    uint32_t count;
    bool is_more;
};
