#pragma once

// Whose turn it is. Tenants take turns by their weights, then the queues of the tenant by theirs
// (stride scheduling), then the lane of the queue whose first job is the most urgent:
//
//        root ── heap of tenants by pass
//                  └─ tenant ── heap of its queues by pass
//                                 └─ queue ── heap of its lanes by urgency
//
// A pass grows by SHARE_ONE / weight with each job served. What becomes active again starts at
// the pass of the one served last, so that nobody saves up turns; of equal passes the one served
// longest ago is next, so that members who wait for one busy worker take turns. Only what may be
// served stands in a heap, so choosing and every change cost O(log n). Dispatcher; pure. Not
// thread-safe.

#include "broker/core/lanes.h"
#include "broker/core/limits.h"
#include "lib/base/meld.h"
#include "lib/base/when.h"

#define SHARE_NONE UINT32_MAX

enum {
    SHARE_ONE = 1 << 20, // what one job costs a member of weight 1
    SHARE_WEIGHT_MAX = MSG_WEIGHT_MAX,
};

struct share_lane {
    when_ms urgency; // of its first job; WHEN_NEVER when none waits
    uint64_t no;     // the first job's, which decides between equally urgent ones
    bool is_parked;  // nobody takes its jobs
    bool is_in;      // stands in its queue's heap
};

// A tenant or a queue.
struct share_member {
    int64_t pass_now; // of the one among its own that was served last
    uint32_t first;   // root of the heap of its own
    uint32_t weight;
    bool is_closed; // nothing of it is served
    bool is_in;     // stands in the heap above
};

struct share {
    const struct lanes *lane_table;
    struct share_lane *lanes;
    struct share_member *queues;
    struct share_member *tenants;
    struct meld_node *lane_nodes;
    struct meld_node *queue_nodes; // keys are passes
    struct meld_node *tenant_nodes;
    uint32_t lane_count; // prepared so far
    uint32_t queue_count;
    uint32_t tenant_count;
    struct share_member root;
    uint64_t turns; // taken so far, by queues and tenants
};

size_t share_size(const struct limits *limits);
void share_init(struct share *share, void *memory, const struct limits *limits,
                const struct lanes *lanes);

// Of the lane's first job, and its number; WHEN_NEVER: none waits.
void share_set_urgency(struct share *share, uint32_t lane, when_ms urgency, uint64_t no);
when_ms share_urgency(const struct share *share, uint32_t lane);
// The lane has no jobs, and its number is another one's from now on.
void share_forget(struct share *share, uint32_t lane);
// The same of a queue without lanes, and of a tenant without queues.
void share_forget_queue(struct share *share, uint32_t queue);
void share_forget_tenant(struct share *share, uint32_t tenant);
// Nobody takes jobs of this lane, until share_unpark().
void share_park(struct share *share, uint32_t lane);
void share_unpark(struct share *share, uint32_t lane);
// Nothing of this queue is served, until it is opened again.
void share_close(struct share *share, uint32_t queue, bool is_closed);
bool share_is_closed(const struct share *share, uint32_t queue);
// 1 … SHARE_WEIGHT_MAX.
void share_set_weight(struct share *share, uint32_t queue, uint32_t weight);

// The lane whose turn it is, or SHARE_NONE.
uint32_t share_next(const struct share *share);
// A job of this lane was served: its queue's and tenant's turns are over.
void share_serve(struct share *share, uint32_t lane);

// Does everything that may be served stand in its heap, and nothing else? For the auditor; O(1).
bool share_is_sound(const struct share *share, uint32_t lane);
