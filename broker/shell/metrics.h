#pragma once

// What the broker tells about itself: /metrics in Prometheus' text format, /livez, /readyz.
// docs/metrics.md lists every figure.
//
// The link thread copies figures in now and then, without ever waiting for a reader; the
// server's thread prints the last copy.

#include "broker/core/core.h"
#include "broker/shell/auditor.h"
#include "broker/shell/batch.h"
#include "lib/base/err.h"

struct metrics;

// Counted by the link thread, since the start.
struct metrics_counters {
    uint64_t answers_dropped;  // not deliverable
    uint64_t messages_refused; // answered with ERROR by intake
    uint64_t jobs_sent;
    uint64_t keys_refused; // connections that the ZAP handler let not in
    uint64_t peers_cut;    // connections ended by force: key revoked, or misdeeds
    uint64_t quota_refused;
    uint64_t tail_dropped;
    uint64_t moments_deferred; // of schedules: there was no room for their jobs
    uint64_t events_told;
    uint64_t event_gaps; // told instead
};

struct metrics_source {
    const struct core *core;
    const struct metrics_counters *counters;
    const struct store_figures *store;
    const struct auditor_figures *audited;
    struct now now;
    bool is_short;
    uint32_t peer_count;
    uint32_t watch_count;
    uint32_t event_watch_count;
};

struct metrics_options {
    const char *endpoint; // NULL: no door is opened
    uint32_t lane_count_max;
    uint32_t queue_count_max;
};

//   ERR_BAD_FIELD, ERR_ADDRESS_IN_USE, ERR_NO_MEMORY, ERR_SYSTEM
MUST_USE err metrics_open(const struct metrics_options *options, struct metrics **out_metrics);
// NULL is allowed.
void metrics_close(struct metrics *metrics);
// "127.0.0.1:41234", or NULL without a door. Lives as long as `metrics`.
const char *metrics_endpoint(const struct metrics *metrics);

// What /readyz says from now on.
void metrics_set_ready(struct metrics *metrics, bool is_ready);

// A batch has been released.
void metrics_count_batch(struct metrics *metrics, const struct batch *batch);
// Something else was counted.
void metrics_mark(struct metrics *metrics);
// Copies the figures when something was counted since the last copy and that is long enough ago.
void metrics_copy(struct metrics *metrics, const struct metrics_source *source);
// How long until metrics_copy() will do something, in ms; WHEN_NEVER: nothing was counted.
when_ms metrics_wait_ms(const struct metrics *metrics, when_ms now);
