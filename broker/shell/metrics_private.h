#pragma once

// Between metrics.c and metrics_text.c: the copy that is printed.

#include "broker/shell/histogram.h"
#include "broker/shell/metrics.h"

struct metrics_lane {
    char tenant[MSG_NAME_LEN_MAX + 1];
    char queue[MSG_NAME_LEN_MAX + 1];
    char type[MSG_NAME_LEN_MAX + 1];
    uint32_t ready_count;
};

struct metrics_queue {
    char tenant[MSG_NAME_LEN_MAX + 1];
    char queue[MSG_NAME_LEN_MAX + 1];
    uint64_t accepted;
    uint64_t counts[JOB_STATES];
};

struct metrics_sample {
    struct core_figures core;
    struct store_figures store;
    struct auditor_figures audited;
    struct metrics_counters counters;
    struct histogram commit_seconds;
    struct histogram commit_jobs;
    struct now now;     // when it was taken
    when_ms started_at; // of the process, by the wall clock
    bool is_short;
    uint32_t peer_count;
    uint32_t watch_count;
    uint32_t event_watch_count;
    uint32_t lane_count;
    uint32_t queue_count;
};

// Of these the sample says how many there are.
struct metrics_lists {
    struct metrics_lane *lanes;
    struct metrics_queue *queues;
};

// Prints all figures. `mono` is now. False when there is no memory; else the text is the caller's
// to free().
bool metrics_print(const struct metrics_sample *sample, const struct metrics_lists *lists,
                   when_ms mono, struct slice *out_text);
