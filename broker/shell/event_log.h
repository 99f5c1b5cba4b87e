#pragma once

// What has happened to jobs lately, in order: a ring of the last events, each a job as one settled
// batch left it. Events are numbered from 0 in the life of the process; their place outside is
// (lineage, epoch, position of the batch, index in it), the index from 1. The link thread owns it.
//
//   dropped ◀── first ───────────── kept ───────────── end
//               a place at or behind the last dropped event can still be continued from;
//               before it, ahead of the end, or of another lineage or epoch there is a gap

#include "broker/core/row.h"
#include "lib/base/err.h"

struct event_log;

struct event_log_options {
    uint64_t lineage;
    uint32_t epoch;
    uint32_t count_max;      // events
    uint32_t lane_count_max; // lanes that may be named at once
};

// NULL when there is no memory.
struct event_log *event_log_new(const struct event_log_options *options);
void event_log_free(struct event_log *log);

// Names of a lane: what its events are found by. An event keeps those that its lane had.
struct event_log_names {
    struct slice tenant; // never empty
    struct slice queue;
    struct slice type;
};
// Copies. As settled batches say it; all known lanes at the start.
void event_log_name_lane(struct event_log *log, const struct lane_row *lane);
void event_log_drop_lane(struct event_log *log, uint16_t lane);
// NULL: it has none. Borrowed until the next call that changes the log.
const struct event_log_names *event_log_lane(const struct event_log *log, uint16_t lane);

// A job as the batch `position` has left it. The oldest event goes when there is no room.
void event_log_add(struct event_log *log, uint64_t position, const struct job_row *row, when_ms at);

// Numbers of the oldest event that is known, and of the next one to come.
uint64_t event_log_first(const struct event_log *log);
uint64_t event_log_end(const struct event_log *log);
// The place in front of event `number`, which is from first to end.
struct msg_place event_log_place(const struct event_log *log, uint64_t number);
// The number of the first event behind the place.
//   ERR_GONE   a gap: events may have been missed
MUST_USE err event_log_find(const struct event_log *log, const struct msg_place *place,
                            uint64_t *out_number);

struct event_log_filter {
    bool all_tenants;
    struct slice tenant; // empty: "default"
    uint32_t states;     // bits; 0: all
    struct slice queue;  // empty: all
    struct slice type;
    struct id job_id; // zero: all
};
bool event_log_fits(const struct event_log *log, uint64_t number,
                    const struct event_log_filter *filter);
// Borrowed until the next call that changes the log. The tenant is told too.
struct msg_job_event event_log_tell(const struct event_log *log, uint64_t number);
