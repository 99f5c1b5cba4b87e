#pragma once

// The jobs in memory: all unfinished ones, and ended ones until their batch is durable. Slots
// are numbers into one table; an index leads from ids to slots. Pure. Not thread-safe.

#include "broker/core/job.h"
#include "broker/core/pasts.h"
#include "lib/base/index.h"

#define JOBS_NONE UINT32_MAX

struct jobs {
    struct job *slots;
    uint32_t cap;
    uint32_t used; // slots ever used; those above have never been touched
    uint32_t free; // first of the free ones, linked through `past`; JOBS_NONE when none
    uint32_t count;
    uint64_t seed;
    struct index by_id;
};

size_t jobs_size(uint32_t cap);
// `memory` is jobs_size(cap) bytes, aligned to 16.
void jobs_init(struct jobs *jobs, void *memory, uint32_t cap, uint64_t seed);

bool jobs_has_room(const struct jobs *jobs);

// A zeroed job with this id and number; there is room and the id is not in the table. `no` > 0.
uint32_t jobs_add(struct jobs *jobs, const struct id *id, uint64_t no);
void jobs_drop(struct jobs *jobs, uint32_t slot);

// The slot of a job, or JOBS_NONE.
uint32_t jobs_find(const struct jobs *jobs, const struct id *id);

// Borrowed until jobs_drop().
struct job *jobs_at(const struct jobs *jobs, uint32_t slot);
// Is `slot` below `used` and occupied?
bool jobs_is_taken(const struct jobs *jobs, uint32_t slot);
