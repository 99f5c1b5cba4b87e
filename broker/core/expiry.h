#pragma once

// Jobs that must start by a moment (store time), by that moment, then by number: those with a ttl
// that were never granted. Others cost nothing here. Dispatcher; pure. Not thread-safe.

#include "broker/core/jobs.h"
#include "broker/core/limits.h"
#include "lib/base/heap.h"

struct expiry {
    struct heap heap;
    uint32_t *places; // by slot: its place in the heap + 1; 0: it is not there
};

size_t expiry_size(const struct limits *limits);
// `memory` is expiry_size() zeroed bytes.
void expiry_init(struct expiry *expiry, void *memory, const struct limits *limits);

// The job of this slot, which is not in the heap, must start by `at`. There is always room.
void expiry_push(struct expiry *expiry, const struct jobs *jobs, uint32_t slot, when_ms at);
bool expiry_has(const struct expiry *expiry, uint32_t slot);
// Takes it out, if it is there.
void expiry_drop(struct expiry *expiry, uint32_t slot);
// The slot of the first job whose moment has come at `now`, or JOBS_NONE. It stays.
uint32_t expiry_first(const struct expiry *expiry, when_ms now);
// The earliest moment, or WHEN_NEVER.
when_ms expiry_deadline(const struct expiry *expiry);
