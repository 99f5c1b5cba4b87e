#pragma once

// What the worker counts, and the file in which others read it.

#include "lib/base/err.h"
#include "lib/base/when.h"
#include "worker/core/outcome.h"

#include <stdbool.h>
#include <stdint.h>

// Name and meaning. A counter is added by adding a row; the names are those of the file.
#define STATS_TABLE(X)                                                                             \
    X(granted, "jobs that came from the broker")                                                   \
    X(executed, "handlers that were given a job")                                                  \
    X(succeeded, "outcomes by kind")                                                               \
    X(failed, "")                                                                                  \
    X(dead, "")                                                                                    \
    X(crashed, "")                                                                                 \
    X(cancelled, "")                                                                               \
    X(interrupted, "")                                                                             \
    X(snoozed, "")                                                                                 \
    X(accepted, "outcomes that the broker took")                                                   \
    X(stale, "outcomes that the broker did not want any more")                                     \
    X(resent, "outcomes told again from the journal after a restart")                              \
    X(answered_from_journal, "grants answered without running the handler again")                  \
    X(lost, "leases lost while the handler ran")

struct stats {
#define STATS_FIELD(name, meaning) uint64_t name;
    STATS_TABLE(STATS_FIELD)
#undef STATS_FIELD
    bool is_changed;    // since the file was written
    when_ms written_at; // monotonic
    const char *path;   // NULL: no file
};

enum { STATS_TEXT_MAX = 1024, STATS_GAP_MS = 1000 };

void stats_count_outcome(struct stats *stats, enum outcome outcome);
// One JSON object, zero-terminated, without a newline.
void stats_text(const struct stats *stats, char out[STATS_TEXT_MAX]);
// Writes the file when something has changed and a second has passed; with `is_last` at once. A
// reader sees the old figures or the new ones, never half of them. A failure is logged.
void stats_write(struct stats *stats, when_ms now, bool is_last);
// When stats_write() has something to do, or WHEN_NEVER.
when_ms stats_next(const struct stats *stats);
