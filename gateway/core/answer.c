// Answers, field by field.

#include "gateway/core/answer.h"

#include "gateway/core/course.h"
#include "lib/base/check.h"
#include "lib/base/decimal.h"
#include "lib/base/moment.h"
#include "proto/labels.h"

enum { URL_LEN_MAX = 64 };

static const char *const state_names[JOB_STATES] = {
    [JOB_NONE] = "none",       [JOB_SCHEDULED] = "scheduled", [JOB_QUEUED] = "queued",
    [JOB_RUNNING] = "running", [JOB_RETRYING] = "retrying",   [JOB_SUCCEEDED] = "succeeded",
    [JOB_DEAD] = "dead",       [JOB_CANCELLED] = "cancelled", [JOB_EXPIRED] = "expired",
    [JOB_REMOVED] = "removed",
};

static const char *const content_types[] = {
    [CONTENT_NONE] = "none",
    [CONTENT_BYTES] = "application/octet-stream",
    [CONTENT_JSON] = "application/json",
    [CONTENT_MSGPACK] = "application/msgpack",
    [CONTENT_TEXT] = "text/plain; charset=utf-8",
};

const char *answer_state(enum job_state state)
{
    CHECK((unsigned)state < JOB_STATES);
    return state_names[state];
}

bool answer_is_final(enum job_state state)
{
    return state >= JOB_SUCCEEDED;
}

const char *answer_cancel(enum cancel cancel)
{
    static const char *const names[] = {[CANCEL_REQUESTED] = "requested",
                                        [CANCEL_ACKNOWLEDGED] = "acknowledged",
                                        [CANCEL_FORCED] = "forced"};
    CHECK((unsigned)cancel <= CANCEL_FORCED);
    return names[cancel];
}

const char *answer_waiting_on(enum waiting_on waiting_on)
{
    static const char *const names[] = {[WAITING_NO_WORKER] = "no_worker",
                                        [WAITING_KEY_BUSY] = "key_busy",
                                        [WAITING_BACKOFF] = "backoff",
                                        [WAITING_SCHEDULED] = "scheduled",
                                        [WAITING_DEPENDENCY] = "dependency",
                                        [WAITING_NO_CREDIT] = "no_credit",
                                        [WAITING_RATE_LIMITED] = "rate_limited",
                                        [WAITING_QUEUE_BUSY] = "queue_busy",
                                        [WAITING_PAUSED] = "paused"};
    bool is_known = (size_t)waiting_on < sizeof names / sizeof names[0];
    return is_known ? names[waiting_on] : NULL;
}

void answer_put_id(struct out *out, const char *name, const struct id *id)
{
    char text[ID_TEXT_LEN + 1];
    id_to_text(id, text);
    out_put_text(out, name, slice_of(text, ID_TEXT_LEN));
}

// `folder` and the id behind it: "/v1/jobs/…".
// What is meant, and what is to be seen of it or done to it.
static void put_url(struct out *out, const char *name, const char *folder, const struct id *id,
                    const char *tail)
{
    char url[URL_LEN_MAX];
    size_t len = strlen(folder);
    CHECK(len + ID_TEXT_LEN + strlen(tail) < sizeof url);
    memcpy(url, folder, len);
    id_to_text(id, url + len);
    len += ID_TEXT_LEN;
    memcpy(url + len, tail, strlen(tail));
    out_put_text(out, name, slice_of(url, len + strlen(tail)));
}

// Moments that are not set are left out.
void answer_put_moment(struct out *out, const char *name, when_ms at)
{
    char text[MOMENT_TEXT_LEN + 1];
    if (at <= 0 || at > MOMENT_MAX)
        return;
    moment_format(at, text);
    out_put_text(out, name, slice_of(text, MOMENT_TEXT_LEN));
}

static void put_text_if_any(struct out *out, const char *name, struct slice text)
{
    if (text.len > 0)
        out_put_text(out, name, text);
}

static void put_cancel(struct out *out, enum cancel cancel)
{
    if (cancel != CANCEL_NONE)
        out_put_text(out, "cancel", slice_of_text(answer_cancel(cancel)));
}

void answer_put_name_url(struct out *out, const char *member, const char *folder, struct slice name)
{
    enum { FOLDER_LEN_MAX = 16 };
    char url[FOLDER_LEN_MAX + MSG_NAME_LEN_MAX];
    size_t folder_len = strlen(folder);
    CHECK(folder_len <= FOLDER_LEN_MAX);
    size_t len = name.len <= MSG_NAME_LEN_MAX ? name.len : 0;
    memcpy(url, folder, folder_len);
    if (len > 0)
        memcpy(url + folder_len, name.data, len);
    out_put_text(out, member, slice_of(url, folder_len + len));
}

void answer_put_urls(struct out *out, const struct id *job_id)
{
    put_url(out, "status_url", "/v1/jobs/", job_id, "");
    put_url(out, "events_url", "/v1/jobs/", job_id, "/events");
    put_url(out, "cancel_url", "/v1/jobs/", job_id, ":cancel");
}

void answer_put_secret(struct out *out, const struct webhook_secret *secret)
{
    char text[WEBHOOK_SECRET_TEXT_LEN_MAX + 1];
    if (!secret->is_new || secret->len == 0)
        return;
    out_name(out, slice_of_text("webhook"));
    out_open_object(out);
    out_put_text(out, "secret", slice_of(text, webhook_secret_text(secret, text)));
    out_close(out);
}

void answer_submitted(struct out *out, const struct msg_submit_job *job,
                      const struct msg_submitted_job *said, const struct webhook_secret *secret)
{
    out_open_object(out);
    answer_put_id(out, "job_id", &said->job_id);
    out_put_text(out, "status", slice_of_text(answer_state(said->state)));
    out_put_text(out, "type", job->type);
    out_put_text(out, "queue", job->queue.len > 0 ? job->queue : slice_of_text("default"));
    answer_put_urls(out, &said->job_id);
    out_put_text(out, "durability", slice_of_text("flushed"));
    answer_put_moment(out, "created_at", said->created_at);
    answer_put_moment(out, "dedup_until", said->dedup_until);
    answer_put_secret(out, secret);
    out_close(out);
}

static void put_value(struct out *out, const char *name, const struct answer_result *value)
{
    out_name(out, slice_of_text(name));
    switch (value->form) {
    case ANSWER_NONE: UNREACHABLE();
    case ANSWER_RAW: out_raw(out, value->bytes); return;
    case ANSWER_TEXT: out_text(out, value->bytes); return;
    case ANSWER_BYTES: out_bytes(out, value->bytes); return;
    }
    UNREACHABLE();
}

void answer_put_result(struct out *out, enum content content, const struct answer_result *result)
{
    if (result->form == ANSWER_NONE)
        return;
    out_put_text(out, "result_type", slice_of_text(content_types[content]));
    put_value(out, "result", result);
    if (result->form == ANSWER_BYTES && out->format == OUT_JSON)
        out_put_text(out, "result_encoding", slice_of_text("base64"));
}

void answer_put_payload(struct out *out, const struct answer_result *payload)
{
    if (payload->form == ANSWER_NONE)
        return;
    put_value(out, "payload", payload);
    if (payload->form == ANSWER_BYTES && out->format == OUT_JSON)
        out_put_text(out, "payload_encoding", slice_of_text("base64"));
}

void answer_put_failure(struct out *out, const struct msg_failure *failure)
{
    if (failure->kind.len == 0 && failure->message.len == 0 && failure->detail.len == 0)
        return;
    out_name(out, slice_of_text("error"));
    out_open_object(out);
    out_put_text(out, "kind", failure->kind);
    out_put_text(out, "message", failure->message);
    put_text_if_any(out, "detail", failure->detail);
    out_close(out);
}

static void put_progress(struct out *out, const struct msg_status_is *status)
{
    if (status->progress_total == 0 && status->progress_done == 0 && status->progress_text.len == 0)
        return;
    out_name(out, slice_of_text("progress"));
    out_open_object(out);
    out_put_unsigned(out, "done", status->progress_done);
    out_put_unsigned(out, "total", status->progress_total);
    put_text_if_any(out, "text", status->progress_text);
    out_close(out);
}

static void put_times(struct out *out, const struct msg_status_is *status)
{
    bool is_due = status->state == JOB_SCHEDULED || status->state == JOB_RETRYING;
    answer_put_moment(out, "created_at", status->created_at);
    answer_put_moment(out, "due_at", is_due ? status->due_at : 0);
    answer_put_moment(out, "start_before", status->start_before);
    answer_put_moment(out, "started_at", status->started_at);
    answer_put_moment(out, "deadline_at", status->deadline_at);
    answer_put_moment(out, "ended_at", status->ended_at);
    answer_put_moment(out, "expires_at", status->expires_at);
    answer_put_moment(out, "dedup_until", status->dedup_until);
}

void answer_put_after(struct out *out, const struct msg_ids *after, enum on_failure on_failure)
{
    if (after->count == 0)
        return;
    out_name(out, slice_of_text("after"));
    out_open_array(out);
    for (uint32_t i = 0; i < after->count; i++) {
        char text[ID_TEXT_LEN + 1];
        id_to_text(&after->items[i], text);
        out_text(out, slice_of(text, ID_TEXT_LEN));
    }
    out_close(out);
    bool is_cancel = on_failure == ON_FAILURE_CANCEL;
    out_put_text(out, "on_dependency_failure", slice_of_text(is_cancel ? "cancel" : "run"));
}

void answer_put_labels(struct out *out, struct slice packed)
{
    struct labels labels;
    const char *detail = NULL;
    // Those of a broker that allows more are not shown.
    if (labels_read(packed, &labels, &detail) != OK)
        return;
    if (labels.tag_count > 0) {
        out_name(out, slice_of_text("tags"));
        out_open_array(out);
        for (uint32_t i = 0; i < labels.tag_count; i++)
            out_text(out, labels.tags[i]);
        out_close(out);
    }
    if (labels.pair_count == 0)
        return;
    out_name(out, slice_of_text("metadata"));
    out_open_object(out);
    for (uint32_t i = 0; i < labels.pair_count; i++) {
        out_name(out, labels.pairs[i].name);
        out_text(out, labels.pairs[i].value);
    }
    out_close(out);
}

void answer_put_sharing(struct out *out, struct slice concurrency_key, enum job_order order,
                        uint32_t cost)
{
    if (cost > 1)
        out_put_unsigned(out, "cost", cost);
    put_text_if_any(out, "concurrency_key", concurrency_key);
    if (order != ORDER_NONE)
        out_put_text(out, "order", slice_of_text(order == ORDER_FIFO ? "fifo" : "fifo-skip"));
}

void answer_status(struct out *out, const struct msg_status_is *status,
                   const struct answer_result *result, uint32_t again_ms)
{
    out_open_object(out);
    answer_put_id(out, "job_id", &status->job_id);
    out_put_text(out, "type", status->type);
    out_put_text(out, "queue", status->queue);
    out_put_text(out, "status", slice_of_text(answer_state(status->state)));
    if (answer_waiting_on(status->waiting_on) != NULL)
        out_put_text(out, "waiting_on", slice_of_text(answer_waiting_on(status->waiting_on)));
    course_put_span(out, "retry_after", again_ms);
    put_cancel(out, status->cancel);
    out_put_unsigned(out, "version", status->version);
    out_put_unsigned(out, "priority", status->priority);
    out_put_unsigned(out, "attempt", status->attempt);
    out_put_unsigned(out, "errors", status->errors);
    out_put_unsigned(out, "crashes", status->crashes);
    out_put_unsigned(out, "interruptions", status->interruptions);
    if (!id_is_zero(&status->worker_id))
        answer_put_id(out, "worker_id", &status->worker_id);
    put_progress(out, status);
    answer_put_result(out, status->result.content, result);
    answer_put_failure(out, &status->failure);
    put_times(out, status);
    answer_put_after(out, &status->after, status->on_dependency_failure);
    answer_put_sharing(out, status->concurrency_key, status->order, status->cost);
    answer_put_labels(out, status->labels);
    put_text_if_any(out, "unique_key", status->unique_key);
    if (!id_is_zero(&status->batch_id)) {
        answer_put_id(out, "batch_id", &status->batch_id);
        put_url(out, "batch_url", "/v1/batches/", &status->batch_id, "");
        out_put_unsigned(out, "batch_index", status->batch_index);
    }
    put_url(out, "status_url", "/v1/jobs/", &status->job_id, "");
    out_close(out);
}

void answer_acted(struct out *out, const struct id *job_id, const struct msg_acted *acted)
{
    out_open_object(out);
    answer_put_id(out, "job_id", job_id);
    out_put_text(out, "status", slice_of_text(answer_state(acted->state)));
    put_cancel(out, acted->cancel);
    out_put_unsigned(out, "version", acted->version);
    put_url(out, "status_url", "/v1/jobs/", job_id, "");
    out_close(out);
}

// Text: a cursor is nobody's number. None at the end.
static void put_cursor(struct out *out, uint64_t cursor)
{
    if (cursor > 0)
        out_put_digits(out, "cursor", cursor);
}

const char *answer_act(enum act_kind kind)
{
    switch (kind) {
    case ACT_CANCEL: return "cancel";
    case ACT_RETRY: return "retry";
    case ACT_DELETE: return "delete";
    case ACT_RUN_NOW: return "run-now";
    case ACT_PURGE: return "purge";
    case ACT_PAUSE:
    case ACT_RESUME:
    case ACT_DRAIN:
    case ACT_QUIET:
    case ACT_STOP:
    case ACT_NONE: break;
    }
    return "none";
}

static void put_filter(struct out *out, const struct msg_filter *filter)
{
    out_name(out, slice_of_text("statuses"));
    out_open_array(out);
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++)
        if ((filter->states & 1u << state) != 0)
            out_text(out, slice_of_text(state_names[state]));
    out_close(out);
    put_text_if_any(out, "queue", filter->queue);
    put_text_if_any(out, "type", filter->type);
    put_text_if_any(out, "tag", filter->tag);
    answer_put_moment(out, "created_after", filter->created_after);
    answer_put_moment(out, "created_before", filter->created_before);
    if (!id_is_zero(&filter->batch_id))
        answer_put_id(out, "batch_id", &filter->batch_id);
}

// The cursor of one that came to its end is 0.
const char *answer_operation_status(const struct msg_operation_is *is)
{
    if (!is->is_over)
        return "running";
    return is->cursor > 0 ? "cancelled" : "over";
}

void answer_operation(struct out *out, const struct msg_operation_is *is)
{
    out_open_object(out);
    answer_put_id(out, "operation_id", &is->operation_id);
    out_put_text(out, "act", slice_of_text(answer_act(is->kind)));
    out_put_text(out, "status", slice_of_text(answer_operation_status(is)));
    out_put_unsigned(out, "version", is->version);
    out_put_unsigned(out, "matched", is->matched);
    out_put_unsigned(out, "done", is->done);
    out_put_unsigned(out, "refused", is->matched - is->done);
    out_name(out, slice_of_text("progress"));
    out_open_object(out);
    out_put_unsigned(out, "done", is->upto - is->cursor);
    out_put_unsigned(out, "total", is->upto);
    out_close(out);
    put_filter(out, &is->filter);
    if (is->rate > 0)
        out_put_unsigned(out, "rate", is->rate);
    put_text_if_any(out, "actor", is->actor);
    put_text_if_any(out, "cancelled_by", is->cancelled_by);
    put_url(out, "status_url", "/v1/operations/", &is->operation_id, "");
    answer_put_moment(out, "created_at", is->created_at);
    answer_put_moment(out, "ended_at", is->ended_at);
    out_close(out);
}

enum { MOMENT_DIGITS_MAX = 15, OPERATION_CURSOR_LEN_MAX = DECIMAL_LEN_MAX + 1 + ID_TEXT_LEN };

static void put_operation_cursor(struct out *out, const struct msg_operation_is *last)
{
    char text[OPERATION_CURSOR_LEN_MAX + 1];
    size_t len = decimal_put((uint64_t)last->created_at, text);
    text[len++] = '.';
    id_to_text(&last->operation_id, text + len);
    out_put_text(out, "cursor", slice_of(text, len + ID_TEXT_LEN));
}

bool answer_read_operation(struct slice cursor, when_ms *out_before, struct id *out_id)
{
    when_ms before = 0;
    size_t at = 0;
    for (; at < cursor.len && at < MOMENT_DIGITS_MAX && cursor.data[at] != '.'; at++) {
        if (cursor.data[at] < '0' || cursor.data[at] > '9')
            return false;
        before = before * 10 + (cursor.data[at] - '0');
    }
    if (at == 0 || at == cursor.len || cursor.data[at] != '.' ||
        id_from_text(slice_of(cursor.data + at + 1, cursor.len - at - 1), out_id) != OK)
        return false;
    *out_before = before;
    return true;
}

void answer_operations(struct out *out, const struct msg_operation_listed *listed)
{
    out_open_object(out);
    out_name(out, slice_of_text("operations"));
    out_open_array(out);
    for (uint32_t i = 0; i < listed->count; i++)
        answer_operation(out, &listed->operations[i]);
    out_close(out);
    if (listed->is_more && listed->count > 0)
        put_operation_cursor(out, &listed->operations[listed->count - 1]);
    out_close(out);
}

void answer_counted(struct out *out, const struct msg_operation_is *is)
{
    out_open_object(out);
    out_put_bool(out, "dry_run", true);
    out_put_unsigned(out, "matched", is->matched);
    put_cursor(out, is->cursor);
    out_close(out);
}

void answer_listed_job(struct out *out, const struct msg_listed_job *job, bool is_item)
{
    bool is_due = job->state == JOB_SCHEDULED || job->state == JOB_RETRYING;
    out_open_object(out);
    answer_put_id(out, "job_id", &job->job_id);
    out_put_text(out, "type", job->type);
    out_put_text(out, "queue", job->queue);
    out_put_text(out, "status", slice_of_text(answer_state(job->state)));
    out_put_unsigned(out, "version", job->version);
    out_put_unsigned(out, "priority", job->priority);
    out_put_unsigned(out, "errors", job->errors);
    out_put_unsigned(out, "crashes", job->crashes);
    out_put_unsigned(out, "interruptions", job->interruptions);
    answer_put_moment(out, "created_at", job->created_at);
    answer_put_moment(out, "due_at", is_due ? job->due_at : 0);
    answer_put_moment(out, "started_at", job->started_at);
    answer_put_moment(out, "ended_at", job->ended_at);
    if (is_item)
        out_put_unsigned(out, "batch_index", job->batch_index);
    put_url(out, "status_url", "/v1/jobs/", &job->job_id, "");
    out_close(out);
}

void answer_listed_begin(struct out *out)
{
    out_open_object(out);
    out_name(out, slice_of_text("jobs"));
    out_open_array(out);
}

void answer_listed_end(struct out *out, uint64_t cursor)
{
    out_close(out);
    put_cursor(out, cursor);
    out_close(out);
}

void answer_drained(struct out *out, const struct id *worker_id, enum drain drain)
{
    out_open_object(out);
    answer_put_id(out, "worker_id", worker_id);
    out_put_text(out, "drain", slice_of_text(drain == DRAIN_STOP ? "stop" : "quiet"));
    out_close(out);
}

uint64_t answer_batch_total(const struct msg_batch_status_is *batch)
{
    uint64_t total = 0;
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++)
        total += batch->counts[state];
    return total;
}

uint64_t answer_batch_ended(const struct msg_batch_status_is *batch)
{
    uint64_t ended = 0;
    for (unsigned state = JOB_SUCCEEDED; state < JOB_STATES; state++)
        ended += batch->counts[state];
    return ended;
}

bool answer_batch_is_final(const struct msg_batch_status_is *batch)
{
    return batch->is_sealed && answer_batch_ended(batch) == answer_batch_total(batch);
}

// Ended members a second since the batch began, and the moment at which the rest will have ended at
// that rate. Nothing while none has.
static void put_pace(struct out *out, const struct msg_batch_status_is *batch, when_ms now)
{
    enum { RATE_MAX = 999999999 };
    uint64_t done = answer_batch_ended(batch);
    uint64_t left = answer_batch_total(batch) - done;
    when_ms end = batch->finished_at > 0 ? batch->finished_at : now;
    if (done == 0 || end <= batch->created_at)
        return;
    uint64_t span = (uint64_t)(end - batch->created_at);
    uint64_t milli = done * 1000 * 1000 / span;
    course_put_milli(out, "rate", milli < RATE_MAX ? (uint32_t)milli : RATE_MAX);
    if (left > 0)
        answer_put_moment(out, "eta", when_after(now, (when_ms)(left * span / done)));
}

void answer_batch(struct out *out, const struct msg_batch_status_is *batch, when_ms now)
{
    out_open_object(out);
    answer_put_id(out, "batch_id", &batch->batch_id);
    out_put_text(out, "status",
                 slice_of_text(answer_batch_is_final(batch) ? "finished" : "unfinished"));
    out_put_bool(out, "sealed", batch->is_sealed);
    out_put_unsigned(out, "version", batch->version);
    answer_put_moment(out, "created_at", batch->created_at);
    answer_put_moment(out, "finished_at", batch->finished_at);
    out_name(out, slice_of_text("progress"));
    out_open_object(out);
    out_put_unsigned(out, "done", answer_batch_ended(batch));
    out_put_unsigned(out, "total", answer_batch_total(batch));
    out_close(out);
    put_pace(out, batch, now);
    out_name(out, slice_of_text("counts"));
    out_open_object(out);
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++)
        out_put_unsigned(out, state_names[state], batch->counts[state]);
    out_close(out);
    put_url(out, "status_url", "/v1/batches/", &batch->batch_id, "");
    out_close(out);
}

void answer_bulk_begin(struct out *out, const struct answer_bulk *bulk)
{
    out_open_object(out);
    if (bulk->problem != NULL) {
        problem_put(out, bulk->problem);
    } else {
        answer_put_id(out, "batch_id", &bulk->batch_id);
        out_put_text(out, "durability", slice_of_text(bulk->is_spooled ? "spooled" : "flushed"));
        if (bulk->is_known) {
            put_url(out, "status_url", "/v1/batches/", &bulk->batch_id, "");
            put_url(out, "events_url", "/v1/batches/", &bulk->batch_id, "/events");
        }
        if (bulk->secret != NULL)
            answer_put_secret(out, bulk->secret);
    }
    out_put_unsigned(out, "accepted", bulk->accepted);
    out_put_unsigned(out, "replayed", bulk->replayed);
    out_put_unsigned(out, "rejected", bulk->rejected);
    out_name(out, slice_of_text("rejections"));
    out_open_array(out);
}

void answer_bulk_end(struct out *out)
{
    out_close(out);
    out_close(out);
}
