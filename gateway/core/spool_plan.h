#pragma once

// What of the spool is to be sent next, and when. Pure. Not thread-safe.
//
// The forwarder walks the waiting jobs from the oldest to the newest, a window at a time: a pass. A
// queue whose job a broker does not take now is held: no later job of it is sent in this pass, so
// its jobs keep their order, and other queues do not wait for it. When the first hold is over the
// next pass begins with the oldest job again.
//
//   job ──sent──▶ taken       forwarded
//                 not now     waits; its queue is held, twice as long each time, at most 30 s
//                 never       refused
//                 no answer   waits; all do, twice as long each time, at most 5 s

#include "lib/base/err.h"
#include "lib/base/when.h"

#include <stdint.h>

enum {
    SPOOL_PLAN_HOLDS_MAX = 64, // queues held at once; with more the pass ends early
    SPOOL_PLAN_HOLD_MS = 500,  // the first time
    SPOOL_PLAN_HOLD_LONGEST_MS = 30000,
    SPOOL_PLAN_PAUSE_MS = 100, // after the first message without an answer
    SPOOL_PLAN_PAUSE_LONGEST_MS = 5000,
};

struct spool_plan_hold {
    uint64_t lane; // a hash of tenant and queue
    when_ms until;
    uint32_t tries;
    bool is_over; // taken up again in this pass; forgotten when a job of it passes
};

// All zero: the first pass begins with the oldest job.
struct spool_plan {
    struct spool_plan_hold holds[SPOOL_PLAN_HOLDS_MAX];
    uint32_t hold_count;
    uint64_t next; // number of the first job that this pass has not looked at
    bool is_full;  // no further queue could be held: the pass is over
    uint32_t failures;
    when_ms pause_until;
};

enum spool_plan_verdict { SPOOL_PLAN_FORWARDED, SPOOL_PLAN_WAITS, SPOOL_PLAN_REFUSED };

// Begins a new pass when a hold is over. To be asked before each window; false: nothing is to be sent
// before spool_plan_wake().
bool spool_plan_begin(struct spool_plan *plan, when_ms now);
// May a job of this queue be sent in this pass?
bool spool_plan_may(const struct spool_plan *plan, uint64_t lane);

// What the broker has said of a job; `wait_ms` is what it asks for when it does not take it now.
struct spool_plan_answer {
    uint64_t lane;
    err error;
    uint32_t wait_ms;
};
enum spool_plan_verdict spool_plan_hear(struct spool_plan *plan, when_ms now,
                                        const struct spool_plan_answer *answer);

// The window up to before `next` has been settled.
void spool_plan_advance(struct spool_plan *plan, uint64_t next);
// A message had no answer, or none that says anything of its jobs: the same window comes again.
void spool_plan_fail(struct spool_plan *plan, when_ms now);

// A broker is there again: nobody pauses for one that was lost.
void spool_plan_resume(struct spool_plan *plan);

// When there may be something to do though no new job has come; WHEN_NEVER: not by time.
when_ms spool_plan_wake(const struct spool_plan *plan, when_ms now);
