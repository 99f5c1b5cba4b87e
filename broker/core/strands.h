#pragma once

// Waiting jobs that have a concurrency key. A key belongs to a queue; at most `running_max` of its
// jobs run at once. Its jobs of one lane form a strand; per lane the strands that may give a
// job now stand in a heap by the urgency of their first job, so a key at its limit is in nobody's
// way, and choosing among very many keys costs O(log n).
//
// Jobs with an order form one line per key, by their place: only the first of the line may start,
// and not before the one that runs has ended. Who waits for a retry stays in the line of "fifo"
// and lets the others pass in "fifo-skip".
//
// Dispatcher; pure. Not thread-safe.

#include "broker/core/bond.h"
#include "broker/core/jobs.h"
#include "broker/core/lanes.h"
#include "broker/core/limits.h"
#include "lib/base/meld.h"

#define STRANDS_NONE UINT32_MAX

struct strand_key {
    uint64_t hash;
    uint32_t queue;
    uint32_t jobs; // unfinished ones
    uint32_t running;
    uint32_t line_running; // of those, with an order
    uint32_t line;         // root of the heap by place
    uint32_t first;        // list of its strands
    uint32_t next_free;
    bool is_shut; // gives no jobs until it is opened
    bool is_kept; // stays without jobs until it is forgotten
};

struct strand {
    uint32_t key;
    uint32_t lane;
    uint32_t jobs; // unfinished ones; 0: free
    uint32_t heap; // root of the heap of jobs without an order
    uint32_t best; // the job it would give now, or STRANDS_NONE
    uint32_t next; // of its key; also links free ones
};

enum strand_place { STRAND_OUT, STRAND_WAITS, STRAND_IN_LINE, STRAND_RUNS };

struct strand_slot {
    uint32_t strand; // + 1; 0: the job is not held
    uint8_t place;   // enum strand_place
};

struct strand_lane {
    uint32_t heap;  // root of the heap of strands
    uint32_t count; // queued jobs
    uint32_t next_touched;
    bool is_touched; // its first job may have changed
};

struct strands {
    const struct jobs *jobs;
    const struct bond *bonds;
    const struct lanes *lane_table;
    struct strand_key *keys;
    struct strand *items;
    struct meld_node *item_nodes;
    struct meld_node *job_nodes; // by slot
    struct strand_slot *slots;   // by slot
    struct strand_lane *lanes;
    struct index by_key;
    uint64_t seed;
    uint32_t cap;
    uint32_t key_used, key_free, key_count;
    uint32_t used, free, count;
    uint32_t lane_count; // prepared so far
    uint32_t touched;    // list of lanes
    uint32_t running_max;
    when_ms age_step_ms;
};

// What it stands on.
struct strands_base {
    const struct jobs *jobs;
    const struct bond *bonds;
    const struct lanes *lanes;
    uint64_t seed;
};

size_t strands_size(const struct limits *limits);
// `memory` is strands_size() zeroed bytes, aligned to 16.
void strands_init(struct strands *strands, void *memory, const struct limits *limits,
                  const struct strands_base *base);

// Do as many jobs of this key (0: none) run as may?
bool strands_is_at_limit(const struct strands *strands, uint32_t queue, uint64_t key_hash);
// Is there room for a job with this key in this lane (LANES_NONE: a new one of a known or new
// queue)?
bool strands_has_room(const struct strands *strands, uint32_t lane, uint64_t key_hash);
// An unfinished job with a key is counted, from acceptance or loading …
void strands_hold(struct strands *strands, uint32_t slot);
// … until it has ended: the last one gives the key's memory back, unless the key is kept; then it
// is returned, else STRANDS_NONE.
uint32_t strands_let_go(struct strands *strands, uint32_t slot);
bool strands_is_held(const struct strands *strands, uint32_t slot);

// It is queued, or waits for a retry in its line. One that is in its line already stays there.
void strands_wait(struct strands *strands, uint32_t slot);
// It waits no more; nothing happens when it did not.
void strands_leave(struct strands *strands, uint32_t slot);
void strands_run(struct strands *strands, uint32_t slot);
// It runs no more; nothing happens when it did not.
void strands_stop(struct strands *strands, uint32_t slot);

// The key of a held job.
uint32_t strands_key(const struct strands *strands, uint32_t slot);
const struct strand_key *strands_at(const struct strands *strands, uint32_t key);
// Its jobs wait until it is opened, whatever its limit says.
void strands_shut(struct strands *strands, uint32_t key, bool is_shut);
// It stays when its last job has ended …
void strands_keep(struct strands *strands, uint32_t key);
// … until now; true when it had no jobs and is gone.
bool strands_forget(struct strands *strands, uint32_t key);
// The queue's limit for each of its keys has changed: they are all looked at again, and opened.
void strands_obey(struct strands *strands, uint32_t queue);

// The most urgent job of the lane that may start, or STRANDS_NONE.
uint32_t strands_best(const struct strands *strands, uint32_t lane);
when_ms strands_urgency(const struct strands *strands, uint32_t lane);
// Queued jobs of the lane, startable or not.
uint32_t strands_count(const struct strands *strands, uint32_t lane);
// A lane whose first job may have changed, or STRANDS_NONE when there is no more.
uint32_t strands_take_touched(struct strands *strands);

// Is this queued job where it belongs? For the auditor; O(1).
bool strands_has(const struct strands *strands, uint32_t slot);
// Must this queued job wait for others of its key?
bool strands_is_busy(const struct strands *strands, uint32_t slot);
