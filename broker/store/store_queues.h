#pragma once

// What the queues' rows should count, worked out from the rows of jobs: each commit must move a
// queue's counts exactly as its jobs moved. The commit thread owns it.

#include "broker/core/row.h"
#include "lib/base/err.h"

struct store_queue {
    uint64_t counts[JOB_STATES]; // as of the last commit
    int64_t deltas[JOB_STATES];  // of this one, by its jobs
    struct queue_row staged;     // its row in this one
    bool is_known;               // its counts are
    bool is_staged;
    bool is_touched;
};

struct store_queues {
    struct store_queue *items; // by number
    uint32_t count;
    uint16_t *lanes; // number of the queue by lane's
    uint32_t *touched;
    uint32_t touched_count;
};

// ERR_NO_MEMORY. deinit takes a zeroed one.
MUST_USE err store_queues_init(struct store_queues *queues);
void store_queues_deinit(struct store_queues *queues);

void store_queues_lane(struct store_queues *queues, uint16_t lane, uint16_t queue_no);
// As it was loaded.  ERR_NO_MEMORY
MUST_USE err store_queues_load(struct store_queues *queues, const struct queue_row *row);

// In a commit: its row goes. What its next one says is believed at first.
void store_queues_drop(struct store_queues *queues, uint16_t no);
// In a commit: a row is written; a job moves.  ERR_NO_MEMORY
MUST_USE err store_queues_stage(struct store_queues *queues, const struct queue_row *row);
void store_queues_move(struct store_queues *queues, uint16_t lane, enum job_state from,
                       enum job_state to);
// The commit is durable. True when each queue's accepted jobs are the sum of its jobs by state, and
// its row moved as its jobs did; the latter is not asked when `is_unsure`.
bool store_queues_settle(struct store_queues *queues, bool is_unsure);
void store_queues_abort(struct store_queues *queues);
