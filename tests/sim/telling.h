#pragma once

// Progress that is told, in the simulator: at most one unfinished delivery for each job and receiver,
// rounds that are a gap apart, none without a word that it may bring, none that begins after the end,
// and none forgotten.

#include "proto/msg.h"
#include "tests/sim/bounds.h"

#include <stdbool.h>
#include <stdint.h>

struct effects;
struct entry;
struct sim;

// A delivery of progress.
struct seen_telling {
    struct id id;
    struct id parent;
    struct slice receiver; // an endpoint by name; empty: the job's own url
    when_ms due_at;        // 0: before the start, or in an earlier life of the job
    uint32_t words;        // that the job had said when it was handed out last
    bool may_be_behind;    // handed out before the start
    bool is_unfinished;
    bool is_out;
    bool is_second; // it died, and lives again …
    bool is_spare;  // … beside another one
    bool is_due;    // in this step another one must follow
};

struct seen_tellings {
    struct seen_telling items[SIM_TELLINGS];
    uint32_t count;
    uint64_t left_out; // as the broker counts since its start
};

// After each entry, after each step, and after a start.
void telling_entry(struct sim *sim, const struct entry *entry);
void telling_step(struct sim *sim, const struct effects *fx, uint32_t first_entry, bool by_tick);
void telling_start(struct sim *sim);
// Is it a delivery of progress that nobody needs any more? Then it may be cancelled by itself.
bool telling_is_void(struct sim *sim, const struct id *id);
