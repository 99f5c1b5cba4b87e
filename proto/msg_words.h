#pragma once

// The words that messages are made of: what a field of a few values may say. Their numbers are
// those of weft.proto. Pure.

#include "lib/base/id.h"
#include "lib/base/slice.h"

enum content {
    CONTENT_NONE = 0,
    CONTENT_BYTES = 1,
    CONTENT_JSON = 2,
    CONTENT_MSGPACK = 3,
    CONTENT_TEXT = 4,
};

// Bytes with their content type.
struct body {
    enum content content;
    struct slice bytes;
};

// The life of a job; docs/life-of-a-job.md and broker/core/job.c hold the table of moves.
enum job_state {
    JOB_NONE = 0,
    JOB_SCHEDULED = 1,
    JOB_QUEUED = 2,
    JOB_RUNNING = 3,
    JOB_RETRYING = 4,
    JOB_SUCCEEDED = 5,
    JOB_DEAD = 6,
    JOB_CANCELLED = 7,
    JOB_EXPIRED = 8,
    JOB_REMOVED = 9,
};
enum { JOB_STATES = 10 };

enum role {
    ROLE_NONE = 0,
    ROLE_CLIENT = 1,
    ROLE_GATEWAY = 2,
    ROLE_WORKER = 3,
    ROLE_NOTIFIER = 4, // a worker that serves the webhooks of all tenants
};

enum outcome {
    OUTCOME_NONE = 0,
    OUTCOME_SUCCEEDED = 1,
    OUTCOME_FAILED = 2,
    OUTCOME_DEAD = 3,
    OUTCOME_CRASHED = 4,
    OUTCOME_INTERRUPTED = 5,
    OUTCOME_SNOOZED = 6,
    OUTCOME_CANCELLED = 7,
};
enum { OUTCOMES = 8 };

// In which order the jobs of one concurrency key run.
enum job_order {
    ORDER_NONE = 0,
    ORDER_FIFO = 1,      // as accepted; one that waits for a retry blocks those behind it
    ORDER_FIFO_SKIP = 2, // as accepted; one that waits for a retry is passed
};

// Why an unfinished job does not run.
enum waiting_on {
    WAITING_NONE = 0,
    WAITING_NO_WORKER = 1,    // nobody takes jobs of its queue and type
    WAITING_PAUSED = 2,       // its queue gives no jobs
    WAITING_RATE_LIMITED = 3, // the rate of its queue or key is used up
    WAITING_KEY_BUSY = 4,     // others of its concurrency key come first
    WAITING_BACKOFF = 5,      // between two attempts
    WAITING_SCHEDULED = 6,    // its time has not come
    WAITING_DEPENDENCY = 7,   // a job of its `after` has not ended
    WAITING_NO_CREDIT = 8,    // its workers have as much as they take
    WAITING_QUEUE_BUSY = 9,   // as many jobs of its queue run as may
};

// How far the cancel of a running job has come.
enum cancel {
    CANCEL_NONE = 0,
    CANCEL_REQUESTED = 1,    // the worker is told; the job still runs
    CANCEL_ACKNOWLEDGED = 2, // the handler stopped
    CANCEL_FORCED = 3,       // the lease ended first
};

// What a worker is told to do.
enum drain {
    DRAIN_NONE = 0,
    DRAIN_QUIET = 1, // take no more jobs
    DRAIN_STOP = 2,  // and leave
};

// What somebody wants done.
enum act_kind {
    ACT_NONE = 0,
    ACT_CANCEL = 1,
    ACT_RETRY = 2,
    ACT_DELETE = 3,
    ACT_PAUSE = 4,
    ACT_RESUME = 5,
    ACT_DRAIN = 6,
    ACT_PURGE = 7, // of many: cancel those that wait, let those run that run
    ACT_QUIET = 8,
    ACT_STOP = 9,
    ACT_RUN_NOW = 10,
};

// Ways of a queue, as bits.
enum direction {
    DIRECTION_NONE = 0,
    DIRECTION_IN = 1,  // jobs that come
    DIRECTION_OUT = 2, // jobs that go to workers
    DIRECTION_BOTH = 3,
};

// What becomes of a job when one that it waits for fails.
enum on_failure {
    ON_FAILURE_NONE = 0,
    ON_FAILURE_CANCEL = 1,
    ON_FAILURE_RUN = 2,
};

// What came of asking a worker for a dry run.
enum simulation {
    SIMULATION_NONE = 0,   // no worker that takes the job offers it
    SIMULATION_OK = 1,     // it would succeed
    SIMULATION_FAILED = 2, // it would fail
    SIMULATION_LATE = 3,   // the worker did not say in time
    SIMULATION_GONE = 4,   // the worker has left
    SIMULATION_BUSY = 5,   // nobody had room for one more
};
enum { SIMULATIONS = 6 };

struct msg_ids {
    const struct id *items;
    uint32_t count;
};
