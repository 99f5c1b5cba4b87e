#pragma once

// What is told of a dry run. Pure.

#include "gateway/core/answer.h"
#include "gateway/core/out.h"
#include "gateway/core/problem.h"
#include "proto/msg.h"

enum { FORECAST_PAUSES_MAX = 24 }; // pauses that are told

// Of one job: what was asked, what would be answered, and what it would meet.
struct forecast_told {
    const struct msg_submit_job *job;
    const struct msg_submitted_job *said;
    const struct msg_forecast *forecast; // NULL when it would not be accepted
    struct slice violations;             // in the format of the answer
    struct answer_result simulated;      // the same of what a worker says it would give
};
void forecast_put(struct out *out, const struct forecast_told *told);

// What a worker says of a job, or why there is none who does, as members of the open object; `simulated` is its
// result as it may stand in the answer. Nothing when nobody offers it.
void forecast_put_simulated(struct out *out, const struct msg_forecast *forecast,
                            const struct answer_result *simulated);

// What a worker says of one record of many, as an element of the open array.
enum { FORECAST_RECORD_LEN_MAX = 256 }; // besides the worker's words
struct forecast_record {
    uint32_t line;
    bool is_alone;    // by itself it would not be accepted
    bool is_left_out; // the worker's words were too many
    const struct msg_forecast *forecast;
    struct answer_result simulated; // as for forecast_put_simulated()
};
void forecast_put_record(struct out *out, const struct forecast_record *record);

// Of many: the head of an object; the caller puts the records and closes it.
struct forecast_many {
    uint32_t accepted, replayed, rejected;
    bool is_atomic;
};
void forecast_begin(struct out *out, const struct forecast_many *many);
