#pragma once

// Batches: how many members are in which state. A batch lives as long as one of its members is
// not removed. Pure. Not thread-safe.

#include "broker/core/row.h"
#include "lib/base/index.h"

#define BATCHES_NONE UINT32_MAX

struct batch {
    struct id id;
    when_ms created_at;
    uint32_t version;
    uint32_t counts[JOB_STATES];
    uint32_t next_free;
    bool is_used;
    bool is_changed; // in the list of changes of this batch of commands
};

struct batches {
    struct batch *items;
    uint32_t *changed; // numbers of the changed ones
    uint32_t changed_count;
    uint32_t cap;
    uint32_t used;
    uint32_t free;
    uint32_t count;
    uint64_t seed;
    struct index by_id;
};

size_t batches_size(uint32_t cap);
// `memory` is batches_size(cap) bytes, aligned to 16.
void batches_init(struct batches *batches, void *memory, uint32_t cap, uint64_t seed);

uint32_t batches_find(const struct batches *batches, const struct id *id);
// True when `batch` was added or loaded and is not over since.
bool batches_is_known(const struct batches *batches, uint32_t batch);
bool batches_has_room(const struct batches *batches);
uint32_t batches_add(struct batches *batches, const struct id *id, when_ms created_at);
//   ERR_FULL, ERR_DAMAGED
MUST_USE err batches_load(struct batches *batches, const struct batch_row *row);

// A member of `batch` went from one state to another (JOB_NONE: it has just joined).
void batches_count(struct batches *batches, uint32_t batch, enum job_state from, enum job_state to);

// The rows of the changed batches, one by one, until false. A batch whose members are all
// removed is dropped: out_is_over is then true.
bool batches_collect(struct batches *batches, struct batch_row *out_row, bool *out_is_over);
