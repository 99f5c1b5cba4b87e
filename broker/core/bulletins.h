#pragma once

// Deliveries of progress that are unfinished: at most one for each job and receiver, so that what a
// job says meanwhile is told by the next one. And when the next ones of a job may be sent: rounds,
// BULLETINS_GAP_MS apart at least. Dispatcher; pure. Not thread-safe.

#include "broker/core/limits.h"
#include "lib/base/id.h"
#include "lib/base/index.h"

#include <stdbool.h>

#define BULLETINS_NONE UINT32_MAX

enum { BULLETINS_GAP_MS = 1000 };

struct bulletin {
    struct id parent;  // the job that is told of
    uint64_t receiver; // to whom: a hash
    uint32_t slot;     // the delivery's; BULLETINS_NONE: free
    uint32_t next_free;
    bool is_behind; // the job has said more since it was handed out
};

struct bulletins {
    struct bulletin *items;
    uint32_t cap, used, free, count;
    struct index by_receiver;
    struct index by_slot;
    uint32_t *rounds; // by slot of a job that is told of: low half of the moment of its last round
    uint32_t job_cap;
    uint64_t seed;
};

size_t bulletins_size(const struct limits *limits);
// `memory` is bulletins_size() zeroed bytes, aligned to 16.
void bulletins_init(struct bulletins *bulletins, void *memory, const struct limits *limits,
                    uint64_t seed);

// As many as there are leases: more jobs do not run.
bool bulletins_has_room(const struct bulletins *bulletins);
// What this receiver is being told of that job, or BULLETINS_NONE.
uint32_t bulletins_find(const struct bulletins *bulletins, const struct id *parent,
                        uint64_t receiver);
// What the delivery in this slot tells, or BULLETINS_NONE: nothing, or it is not the one that may.
uint32_t bulletins_of(const struct bulletins *bulletins, uint32_t slot);
struct bulletin *bulletins_at(const struct bulletins *bulletins, uint32_t no);
// Copies. There is room, and it is the only one.
void bulletins_add(struct bulletins *bulletins, const struct bulletin *bulletin);
void bulletins_drop(struct bulletins *bulletins, uint32_t no);

// When a delivery of the job in `slot` may be sent that is made now: store time. The round that is
// to come, or a new one.
when_ms bulletins_round(struct bulletins *bulletins, uint32_t slot, when_ms now);
// The slot is another job's from now on.
void bulletins_forget(struct bulletins *bulletins, uint32_t slot);
