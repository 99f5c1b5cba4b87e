#pragma once

// Counts of 4,096 neighbouring jobs each: which of them must be read at start, which by the
// sweeper, and the second opinion on the core's counting. The commit thread changes them: what a
// batch does is staged, written with the batch, and counts when the batch is durable. The
// sweeper reads and raises `earliest_at` under the lock.

#include "broker/store/store_record.h"

#include <pthread.h>

enum { STORE_SEGMENT_JOBS = 4096 };

struct store_segment {
    struct store_record_segment settled; // as of the last commit
    uint64_t touched;                    // the last commit that changed it
    uint32_t stage;                      // its place among the staged ones + 1, 0 when none
};

struct store_stage {
    uint64_t no;
    int32_t deltas[JOB_STATES];
    when_ms earliest_at;
};

struct store_segments {
    pthread_mutex_t lock;
    struct store_segment *items; // one for each number from `first_no` on
    uint64_t first_no;
    size_t count;
    size_t cap;
    struct store_stage *stages;
    size_t stage_count;
    size_t stage_cap;
};

void store_segments_init(struct store_segments *segments);
void store_segments_deinit(struct store_segments *segments);

// At start, in the order of the numbers.  ERR_NO_MEMORY
MUST_USE err store_segments_load(struct store_segments *segments, uint64_t no,
                                 const struct store_record_segment *settled);

// A row went from one state to another: JOB_NONE is "no row". `sweep_at` is when the sweeper must
// look at it then.  ERR_NO_MEMORY
MUST_USE err store_segments_stage(struct store_segments *segments, uint64_t job_no,
                                  enum job_state from, const struct job_row *to);

// What the staged segment will be: to be written with the batch. False when it holds no rows any
// more and its record goes.
bool store_segments_staged(struct store_segments *segments, size_t place, uint64_t *out_no,
                           struct store_record_segment *out_segment);

// The batch is durable as commit number `commit`; or it was aborted.
void store_segments_settle(struct store_segments *segments, uint64_t commit);
void store_segments_abort(struct store_segments *segments);

// The first segment from `from_no` on that is due at `now`; false when there is none.
bool store_segments_due(struct store_segments *segments, uint64_t from_no, when_ms now,
                        uint64_t *out_no);
// The last segment up to `upto_no` that holds a row of one of these states (bit 1 << state); false
// when there is none.
bool store_segments_before(struct store_segments *segments, uint64_t upto_no, uint32_t states,
                           uint64_t *out_no);
// A walk over a snapshot at or after commit number `seen` found nothing due before `earliest_at`.
void store_segments_walked(struct store_segments *segments, uint64_t no, uint64_t seen,
                           when_ms earliest_at);

bool store_segments_has_unfinished(const struct store_record_segment *segment);
