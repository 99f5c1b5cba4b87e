#pragma once

// What lies behind the jobs that were granted at least once: their last token, their counters, and
// who holds them. Most waiting jobs have no past and pay nothing for one. Pure. Not thread-safe.

#include "broker/core/row.h"

#define PASTS_NONE UINT32_MAX

// 64 bytes.
struct past {
    uint64_t token;     // the last one granted
    when_ms granted_at; // when it was
    struct id worker;   // who holds the job, or held it until it ended; else zero
    uint64_t act;       // low half of the id of the last act applied
    uint32_t lease_ms : ROW_LEASE_BITS;
    uint32_t outcome : ROW_OUTCOME_BITS; // of the accepted FINISH of `token`, as in a row
    uint32_t interruptions;
    uint32_t log_count;   // log lines ever taken
    uint32_t event_count; // events ever told to its timeline
    uint32_t extend_ms;   // more than its timeout for the running attempt; also links free ones
    uint16_t errors;
    uint16_t crashes;
};

struct pasts {
    struct past *items;
    uint32_t cap;
    uint32_t used;
    uint32_t free;
    uint32_t count;
};

size_t pasts_size(uint32_t cap);
// `memory` is pasts_size(cap) bytes, aligned to 16.
void pasts_init(struct pasts *pasts, void *memory, uint32_t cap);

// An empty past. There is room: one place for each job.
uint32_t pasts_take(struct pasts *pasts);
void pasts_give_back(struct pasts *pasts, uint32_t past);

// Of a job that has one. Borrowed until pasts_give_back().
struct past *pasts_at(const struct pasts *pasts, uint32_t past);
// For reading; the past of a job without one is all zero.
const struct past *pasts_peek(const struct pasts *pasts, uint32_t past);
