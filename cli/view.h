#pragma once

// How the broker's answers look on a terminal, and as the JSON of docs/http-api.md. Prints on the
// stream given; a failed write shows in ferror(). Not thread-safe.

#include "gateway/core/problem.h"
#include "gateway/core/webhook.h"
#include "lib/base/err.h"
#include "proto/msg.h"

#include <stdio.h>

struct view {
    FILE *out;
    bool wants_json;
    when_ms now; // wall clock, for what goes on; 0: not known
};

// The whole status, result and failure included.
void view_status(const struct view *view, const struct msg_status_is *status);
// The counts of a batch.
void view_batch(const struct view *view, const struct msg_batch_status_is *batch);
// The answer to one submitted job: its id alone, which scripts take as it is; a secret that was made
// is in the JSON.
void view_submitted(const struct view *view, const struct msg_submit_job *job,
                    const struct msg_submitted_job *said, const struct webhook_secret *secret);

// What a dry run of one job has told.
void view_forecast(const struct view *view, const struct msg_submit_job *job,
                   const struct msg_submitted *told);

// Events, one on a line; lines, those after number `after`.
void view_timeline(const struct view *view, const struct msg_timeline_is *timeline);
void view_log(const struct view *view, const struct msg_log_is *log, uint32_t after);

// What has happened to a job: a line; and that something may be missing.
void view_event(const struct view *view, const struct msg_event *told,
                const struct msg_job_event *event);
void view_gap(const struct view *view, const struct msg_event *told);

// A job of a list: a line, and what stands above the first.
void view_head_of_jobs(const struct view *view);
void view_listed_job(const struct view *view, const struct msg_listed_job *job, bool is_item);

// What an act has come to.
void view_acted(const struct view *view, const struct id *job_id, const struct msg_acted *acted);
// An act on many in a list: a line.
void view_listed_operation(const struct view *view, const struct msg_operation_is *is);
// What an act on many has come to; how many one would mean.
void view_operation(const struct view *view, const struct msg_operation_is *is);
void view_counted(const struct view *view, uint64_t count);

// Why there is no answer, as the JSON of an HTTP problem. Nothing as text: people are told on
// standard error.
void view_problem(const struct view *view, const struct problem *problem);

// A line of a bulk submission that was refused.
struct view_rejection {
    uint32_t line;
    err error;
    char *detail; // the caller's
};
// What a dry run of many has told, as over HTTP but for the replays.
struct forecast_many;
struct opinions;
void view_forecasts(FILE *out, const struct forecast_many *many,
                    const struct view_rejection *rejections, uint32_t count,
                    const struct opinions *opinions);
struct answer_bulk;
// The JSON of a bulk submission, as over HTTP: with nothing stored it is the problem of the first
// rejection. `bulk->problem` is set here.
void view_bulk(FILE *out, const struct answer_bulk *bulk, const struct view_rejection *rejections,
               uint32_t count);

// The result alone: as it is; texts and JSON end with a line feed.
void view_result(FILE *out, const struct body *result);
// Why a job has not succeeded: one sentence, then the tail of what the handler wrote.
void view_failure(FILE *out, const struct msg_status_is *status);
