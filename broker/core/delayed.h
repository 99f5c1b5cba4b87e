#pragma once

// Jobs that wait for a moment: scheduled and retrying ones, by due time (store time), then by
// number. Dispatcher; pure. Not thread-safe.

#include "broker/core/jobs.h"
#include "broker/core/limits.h"
#include "lib/base/heap.h"

struct delayed {
    struct heap heap;
    uint32_t *places; // by slot: where it stands in the heap, while it does
};

size_t delayed_size(const struct limits *limits);
void delayed_init(struct delayed *delayed, void *memory, const struct limits *limits);

// A scheduled or retrying job; it is not in the heap. There is always room: one place per slot.
void delayed_push(struct delayed *delayed, const struct jobs *jobs, uint32_t slot);
// The slot of the first job that is due at `now`, taken out, or JOBS_NONE.
uint32_t delayed_take(struct delayed *delayed, when_ms now);
// Takes out a job that waits here.
void delayed_drop(struct delayed *delayed, uint32_t slot);
// Does it wait here? For the auditor.
bool delayed_has(const struct delayed *delayed, uint32_t slot);
// The earliest due time, or WHEN_NEVER.
when_ms delayed_deadline(const struct delayed *delayed);
