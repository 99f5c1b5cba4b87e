#pragma once

// The bodies of successful answers: fields of docs/http-api.md from what the broker said. Pure.

#include "gateway/core/out.h"
#include "gateway/core/problem.h"
#include "gateway/core/webhook.h"
#include "proto/msg.h"

// "queued"; "none" for JOB_NONE.
const char *answer_state(enum job_state state);
// No later change but removal.
bool answer_is_final(enum job_state state);

// "no_worker" …; NULL for WAITING_NONE and for what a newer broker may say.
const char *answer_waiting_on(enum waiting_on waiting_on);
// "requested"; NULL for CANCEL_NONE.
const char *answer_cancel(enum cancel cancel);

// A name and its value. A moment that is not set is left out.
void answer_put_moment(struct out *out, const char *name, when_ms at);
void answer_put_id(struct out *out, const char *name, const struct id *id);
// Where a job is to be seen, watched and cancelled.
void answer_put_urls(struct out *out, const struct id *job_id);
// Where a queue, type, schedule or endpoint is: `folder`, at most 15 bytes, and its name.
void answer_put_name_url(struct out *out, const char *member, const char *folder,
                         struct slice name);
// "after" and "on_dependency_failure", unless there are none.
void answer_put_after(struct out *out, const struct msg_ids *after, enum on_failure on_failure);
// "tags" and "metadata", those that are there.
void answer_put_labels(struct out *out, struct slice packed);
// "concurrency_key", "order" and "cost", unless there are none.
void answer_put_sharing(struct out *out, struct slice concurrency_key, enum job_order order,
                        uint32_t cost);
// "error", unless there is none.
void answer_put_failure(struct out *out, const struct msg_failure *failure);

// 202 of a submission. `job` is what was asked for, `said` what the broker answered; `secret` is told
// when it was made for the job.
void answer_submitted(struct out *out, const struct msg_submit_job *job,
                      const struct msg_submitted_job *said, const struct webhook_secret *secret);
// "webhook" with its secret, when it was made.
void answer_put_secret(struct out *out, const struct webhook_secret *secret);

// A result as it may stand in the answer.
enum answer_form {
    ANSWER_NONE,
    ANSWER_RAW,   // a value in the format of the answer
    ANSWER_TEXT,  // UTF-8
    ANSWER_BYTES, // anything
};
struct answer_result {
    enum answer_form form;
    struct slice bytes;
};
// As members "result_type", "result" and perhaps "result_encoding" of the open object.
void answer_put_result(struct out *out, enum content content, const struct answer_result *result);
void answer_put_payload(struct out *out, const struct answer_result *payload);
// `again_ms`: when to ask again; 0: it has ended.
void answer_status(struct out *out, const struct msg_status_is *status,
                   const struct answer_result *result, uint32_t again_ms);

// What an act has come to.
void answer_acted(struct out *out, const struct id *job_id, const struct msg_acted *acted);

// What an act on many is called, and whether it goes on. Static.
const char *answer_act(enum act_kind kind);
const char *answer_operation_status(const struct msg_operation_is *is);
// How far an act on many has come; of a dry run, how many it means.
void answer_operation(struct out *out, const struct msg_operation_is *is);
void answer_operations(struct out *out, const struct msg_operation_listed *listed);
// "MOMENT.ID": behind which operation a page begins. False: it is none that answer_operations() gives.
bool answer_read_operation(struct slice cursor, when_ms *out_before, struct id *out_id);
void answer_counted(struct out *out, const struct msg_operation_is *is);
// A job of a list, and a page of them: answer_listed_begin(), the jobs, answer_listed_end().
// With its number in the batch when it is an item of one.
void answer_listed_job(struct out *out, const struct msg_listed_job *job, bool is_item);
void answer_listed_begin(struct out *out);
void answer_listed_end(struct out *out, uint64_t cursor);

// What a worker has been told.
void answer_drained(struct out *out, const struct id *worker_id, enum drain drain);

// `now` is the wall clock's: how fast it has gone so far, and when it would be done.
void answer_batch(struct out *out, const struct msg_batch_status_is *batch, when_ms now);
// Every job of the batch has ended.
bool answer_batch_is_final(const struct msg_batch_status_is *batch);
// Its jobs, and those of them that have ended.
uint64_t answer_batch_total(const struct msg_batch_status_is *batch);
uint64_t answer_batch_ended(const struct msg_batch_status_is *batch);

// 202 of a bulk submission: answer_bulk_begin(), the rejected records, answer_bulk_end().
struct answer_bulk {
    struct id batch_id;
    const struct problem *problem; // nothing was stored: why; else NULL
    bool is_known;   // the broker knows the batch, or may: there is a URL to follow it
    bool is_spooled; // the records wait in this gateway for a broker
    const struct webhook_secret *secret; // of webhooks that wanted a new one; NULL: none
    uint32_t accepted;
    uint32_t replayed;
    uint32_t rejected;
};
void answer_bulk_begin(struct out *out, const struct answer_bulk *bulk);
void answer_bulk_end(struct out *out);
