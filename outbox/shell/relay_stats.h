#pragma once

// What a relay has done since its start: told in the log every ten seconds when it has changed, and
// kept in a file. Not thread-safe.

#include "lib/base/when.h"

#include <stdbool.h>
#include <stdint.h>

struct relay_stats {
    const char *path;  // or NULL
    uint64_t relayed;  // rows that became a job
    uint64_t replayed; // rows whose job was stored already
    uint64_t refused;
    uint64_t postponed; // times that a row was not taken for now
    uint64_t batches;
    uint64_t broker_lost;   // times
    uint64_t database_lost; // times
    bool is_changed;
    when_ms told_at;
};

// Writes when it is due, or `is_last`.
void relay_stats_tell(struct relay_stats *stats, when_ms now, bool is_last);
