#pragma once

// The core's only question to the store: which jobs are known that are no longer in memory?
// Answers come from a state that every settled batch has reached; what unsettled batches did is
// in the core's memory. The store implements it, the simulator fakes it. Pure.

#include "broker/core/row.h"

struct known {
    void *ctx;
    // The job with this version 7 id.
    bool (*by_id)(void *ctx, const struct id *id, struct job_row *out_row);
    // The job with this number.
    bool (*by_no)(void *ctx, uint64_t job_no, struct job_row *out_row);
    // What was submitted as this job of `tenant`, with the hash of its unique key; its texts are
    // borrowed until the next question.
    bool (*body)(void *ctx, uint64_t job_no, struct slice tenant, struct msg_submit_job *out_job);
};
