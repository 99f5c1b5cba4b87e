#pragma once

// Every bound of the broker's core. Memory for all of it is reserved at start and touched only
// as it is used; docs/limits.md lists the cost of each. Pure.

#include "lib/base/when.h"

#include <stdint.h>

struct limits {
    uint32_t job_count_max;    // unfinished jobs (and ended ones of unsettled batches)
    uint32_t key_count_max;    // idempotency keys inside their window
    uint32_t tenant_count_max; // at most 65,535
    uint32_t tenant_open_max;  // unfinished jobs of one tenant; 0: as many as there is room
    uint32_t queue_count_max;  // queues of all tenants; at most 65,535
    uint32_t type_count_max;   // types with defaults; at most 65,535
    uint32_t lane_count_max;   // distinct (queue, type) pairs; at most 65,535
    uint32_t concurrency_key_count_max; // concurrency keys of unfinished jobs, for each type
    uint32_t key_running_max;           // running jobs of one concurrency key
    uint32_t policy_count_max;     // distinct sets of options among unfinished jobs; at most 65,535
    uint32_t batch_count_max;      // batches whose members are still known
    uint32_t unique_count_max;     // unique keys that are held
    uint32_t schedule_count_max;   // schedules, paused ones too
    uint32_t endpoint_count_max;   // webhook endpoints of all tenants
    uint32_t operation_count_max;  // acts on many that go on, or are over and still known
    uint32_t dependency_count_max; // pairs of a job and one that it waits for
    uint32_t worker_count_max;     // connected workers
    uint32_t lease_count_max;      // jobs handed out and not yet answered for
    uint32_t serve_count_max;      // (worker, lane) pairs
    uint32_t peer_count_max;       // numbers the shell gives to peers: 0 … peer_count_max - 1
    uint32_t changed_count_max;    // jobs one batch may change
    uint32_t send_count_max;       // answers one batch may hold
    uint32_t lease_ms;             // length of a lease
    uint32_t batch_seal_ms;        // after its last member joined, a batch is sealed by itself
    uint32_t renew_ms;             // how often workers are asked to renew
    uint32_t deadline_grace_ms;    // after an attempt's deadline, for its worker to end it
    uint32_t simulation_ms;        // how long a worker is waited for about a dry run
    uint32_t timeout_default_ms;   // run time of an attempt
    uint32_t keep_default_s;       // how long a finished job stays readable
    uint32_t dedup_window_s;       // how long a key is taken, from acceptance
    when_ms age_step_ms;           // one step of priority is worth this much waiting
};

// The values a broker starts with unless configured otherwise.
struct limits limits_default(void);

// Fixed defaults of the retry policy, applied when a submission gives none.
enum {
    LIMITS_ATTEMPTS_DEFAULT = 25,
    LIMITS_CRASHES_DEFAULT = 5,
    LIMITS_RETRY_FIRST_MS = 1000,
    LIMITS_RETRY_LONGEST_MS = 3600 * 1000,
    LIMITS_RETRY_FACTOR_MILLI = 2000,
    LIMITS_ID_AGE_MAX_MS = 3600 * 1000,          // an unkeyed id may be this old
    LIMITS_ID_AHEAD_MAX_MS = 300 * 1000,         // or this far ahead of the broker's clock
    LIMITS_STEP_RECORDS_MAX = 256,               // records a tick may change at once
    LIMITS_OPERATION_KEPT_MS = 3600 * 1000,      // one that is over is known for so long at least
    LIMITS_EXTEND_MS_MAX = 7 * 24 * 3600 * 1000, // beyond its timeout an attempt may take so long
};

static inline uint32_t limits_extend_ms(uint32_t asked_ms)
{
    return asked_ms < LIMITS_EXTEND_MS_MAX ? asked_ms : LIMITS_EXTEND_MS_MAX;
}
