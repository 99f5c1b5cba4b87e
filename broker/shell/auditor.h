#pragma once

// The auditor's thread: rounds over the store and over the core's memory, a small share of one
// core, low in priority. What it finds is logged as `audit.violation` and counted; nothing stops.
//
// It sees all rows, so it also finds the lanes that none of them carries any more.
//
// What follows auditor_close() belongs to the link thread; none of it waits.

#include "broker/core/core.h"
#include "broker/store/store.h"
#include "lib/sys/wake.h"

struct auditor;

struct auditor_options {
    struct store *store;
    const struct wake *wake; // rung when it asks something of memory, or has news
    when_ms every_ms;        // from the beginning of one round to that of the next; 0: never
};

//   ERR_NO_MEMORY, ERR_SYSTEM, and what store_view_open() says
MUST_USE err auditor_open(const struct auditor_options *options, struct auditor **out_auditor);
// NULL is allowed.
void auditor_close(struct auditor *auditor);

// Answers what the auditor asks of memory, if anything: at most AUDITOR_ASK_MAX jobs. Between two
// commands of the core.
enum { AUDITOR_ASK_MAX = 2048 };
void auditor_serve(struct auditor *auditor, const struct core *core);
// At the end of a round: the lanes that rows carry, or NULL. The auditor waits until they are dropped.
const struct lanes_carried *auditor_peek_lanes(const struct auditor *auditor);
void auditor_drop_lanes(struct auditor *auditor);
// Something is known to be wrong, or its findings are wanted: a round begins, or goes on, at once.
void auditor_hurry(struct auditor *auditor);

struct auditor_figures {
    uint64_t violations[VIOLATION_COUNT]; // seen in all rounds
    uint64_t round_count;
    uint64_t row_count;   // of the last whole round
    double round_seconds; // how long it took, rests included
    double cpu_seconds;   // of all rounds
    when_ms ended_at;     // of the last whole round, by the wall clock; 0: none yet
};

// Has anything changed since auditor_figures()?
bool auditor_has_news(const struct auditor *auditor);
void auditor_figures(struct auditor *auditor, struct auditor_figures *out_figures);
