#pragma once

// Which waiting job of a lane is next: one first-in-first-out list per priority. The next job is
// the head with the smallest urgency, which is due time + priority * age_step, so waiting jobs age
// upwards at no cost and none starves: a job of the lowest priority is passed only by jobs that
// came less than 9 * age_step later. Dispatcher; pure. Not thread-safe.

#include "broker/core/jobs.h"
#include "broker/core/limits.h"

#define READY_NONE UINT32_MAX

enum { READY_PRIORITIES = MSG_PRIORITY_MAX + 1 };

struct ready_lane {
    uint32_t heads[READY_PRIORITIES];
    uint32_t tails[READY_PRIORITIES];
    uint32_t count;
    uint32_t best;   // the next job
    when_ms urgency; // of it; WHEN_NEVER when there is none
};

struct ready_links {
    uint32_t prev;
    uint32_t next;
};

struct ready {
    const struct jobs *jobs;
    struct ready_lane *lanes;
    struct ready_links *links; // one per slot
    uint32_t lane_count;       // prepared so far
    when_ms age_step_ms;
};

size_t ready_size(const struct limits *limits);
void ready_init(struct ready *ready, void *memory, const struct limits *limits,
                const struct jobs *jobs);

// A queued job enters the list of its lane and priority; it is in no list.
void ready_push(struct ready *ready, uint32_t slot);
// Puts every list into the order of due times, equal ones by number: for jobs that were pushed in
// another order, as loading does. O(n log n) where a list is not sorted yet, else O(n).
void ready_sort(struct ready *ready);
// It leaves; it is in its list.
void ready_drop(struct ready *ready, uint32_t slot);
// Do the lists lead to this queued job? For the auditor; O(1).
bool ready_has(const struct ready *ready, uint32_t slot);
// The next job of the lane, or READY_NONE.
uint32_t ready_best(const struct ready *ready, uint32_t lane);
// Of the next job; WHEN_NEVER when there is none.
when_ms ready_urgency(const struct ready *ready, uint32_t lane);
uint32_t ready_count(const struct ready *ready, uint32_t lane);
// The earliest due time of all waiting jobs of the lane, or WHEN_NEVER.
when_ms ready_oldest(const struct ready *ready, uint32_t lane);
