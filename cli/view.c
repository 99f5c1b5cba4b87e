// Texts are for people and may change; the JSON is the gateway's.

#include "cli/view.h"

#include "cli/opinions.h"
#include "cli/plain.h"
#include "gateway/core/answer.h"
#include "gateway/core/forecast.h"
#include "gateway/core/scan.h"
#include "lib/base/check.h"
#include "lib/base/duration.h"
#include "lib/base/moment.h"
#include "lib/base/utf8.h"
#include "lib/sys/clock.h"
#include "proto/labels.h"

#include <stdlib.h>

// An escaped byte takes at most six: \u00ff.
enum {
    ESCAPED_MAX = 6,
    FIELDS_LEN_MAX = 64 * 1024,
    PROBLEM_LEN_MAX = 4096 + MSG_VIOLATIONS_LEN_MAX,
    REJECTION_LEN_MAX = 512, // besides its detail
    SCAN_NAMES_MAX = 4096,
};

static void print_slice(FILE *out, struct slice text)
{
    if (text.len > 0)
        (void)fwrite(text.data, 1, text.len, out); // the caller asks ferror()
}

// --- JSON ---

// Room for an answer that holds a text of `len` bytes besides its fields.
static bool begin_json(struct out *json, size_t len)
{
    size_t cap = FIELDS_LEN_MAX + ESCAPED_MAX * (len + MSG_ERROR_DETAIL_LEN_MAX);
    *json = (struct out){.data = malloc(cap), .cap = cap, .format = OUT_JSON};
    if (json->data == NULL)
        (void)fprintf(stderr, "weft: out of memory\n");
    return json->data != NULL;
}

static void end_json(struct out *json, FILE *out)
{
    CHECK(!json->full);
    print_slice(out, out_slice(json));
    (void)fputc('\n', out);
    free(json->data);
}

// A result that says to be JSON is believed only when it is.
static bool is_json(struct slice text)
{
    static struct names_key keys[SCAN_NAMES_MAX];
    struct scan scan = {.text = text, .keys = keys, .key_cap = SCAN_NAMES_MAX};
    struct scan_value value;
    return text.len < SCAN_TEXT_LEN_MAX && scan_value(&scan, &value) == OK && scan_is_end(&scan);
}

static struct answer_result result_of(const struct body *body)
{
    struct answer_result result = {.form = ANSWER_BYTES, .bytes = body->bytes};
    if (body->content == CONTENT_NONE)
        result.form = ANSWER_NONE;
    else if (body->content == CONTENT_JSON && is_json(body->bytes))
        result.form = ANSWER_RAW;
    else if (body->content != CONTENT_MSGPACK && body->content != CONTENT_BYTES &&
             utf8_valid_len(body->bytes) == body->bytes.len)
        result.form = ANSWER_TEXT;
    return result;
}

// --- text ---

static void print_moment(FILE *out, const char *name, when_ms at)
{
    char text[MOMENT_TEXT_LEN + 1];
    if (at <= 0 || at == WHEN_NEVER)
        return;
    moment_format(at, text);
    (void)fprintf(out, "%-14s %s\n", name, text);
}

// `first` before the first line of `text`, `others` before the others.
static void print_lines(FILE *out, const char *first, const char *others, struct slice text)
{
    for (const char *margin = first; text.len > 0; margin = others) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t len = end != NULL ? (size_t)(end - text.data) : text.len;
        (void)fputs(margin, out);
        plain_put(out, slice_of(text.data, len));
        (void)fputc('\n', out);
        size_t used = end != NULL ? len + 1 : len;
        text = slice_of(text.data + used, text.len - used);
    }
}

static void print_text(FILE *out, const char *name, struct slice text)
{
    char first[32];
    char others[32];
    (void)snprintf(first, sizeof first, "%-14s ", name);
    (void)snprintf(others, sizeof others, "%-14s ", "");
    print_lines(out, first, others, text);
}

static void print_id(FILE *out, const char *name, const struct id *id)
{
    char text[ID_TEXT_LEN + 1];
    id_to_text(id, text);
    (void)fprintf(out, "%-14s %s\n", name, text);
}

static void print_labels(FILE *out, struct slice packed)
{
    struct labels labels;
    const char *detail = NULL;
    if (labels_read(packed, &labels, &detail) != OK)
        return; // of a broker that allows more
    for (uint32_t i = 0; i < labels.tag_count; i++)
        print_text(out, i == 0 ? "tags" : "", labels.tags[i]);
    for (uint32_t i = 0; i < labels.pair_count; i++) {
        const struct labels_pair *pair = &labels.pairs[i];
        char first[32 + MSG_TAG_LEN_MAX];
        char name[MSG_TAG_LEN_MAX + 1];
        plain_copy(pair->name, name, sizeof name);
        (void)snprintf(first, sizeof first, "%-14s %s=", i == 0 ? "metadata" : "", name);
        if (pair->value.len == 0)
            (void)fprintf(out, "%s\n", first);
        print_lines(out, first, "               ", pair->value);
    }
}

static void print_status(FILE *out, const struct msg_status_is *status)
{
    print_id(out, "job", &status->job_id);
    print_text(out, "type", status->type);
    print_text(out, "queue", status->queue);
    (void)fprintf(out, "%-14s %s\n", "status", answer_state(status->state));
    if (answer_waiting_on(status->waiting_on) != NULL)
        (void)fprintf(out, "%-14s %s\n", "waiting on", answer_waiting_on(status->waiting_on));
    if (status->cancel != CANCEL_NONE)
        (void)fprintf(out, "%-14s %s\n", "cancel", answer_cancel(status->cancel));
    (void)fprintf(out, "%-14s %u (errors %u, crashes %u, interruptions %u)\n", "attempt",
                  status->attempt, status->errors, status->crashes, status->interruptions);
    if (status->progress_total > 0)
        (void)fprintf(out, "%-14s %llu of %llu\n", "progress",
                      (unsigned long long)status->progress_done,
                      (unsigned long long)status->progress_total);
    print_text(out, "", status->progress_text);
    print_moment(out, "created", status->created_at);
    if (status->state == JOB_SCHEDULED || status->state == JOB_RETRYING)
        print_moment(out, "due", status->due_at);
    print_moment(out, "start before", status->start_before);
    print_moment(out, "started", status->started_at);
    print_moment(out, "deadline", status->deadline_at);
    print_moment(out, "ended", status->ended_at);
    print_moment(out, "kept until", status->expires_at);
    if (!id_is_zero(&status->batch_id))
        print_id(out, "batch", &status->batch_id);
    print_text(out, "concurrency", status->concurrency_key);
    if (status->order != ORDER_NONE)
        print_text(out, "order", slice_of_text(status->order == ORDER_FIFO ? "fifo" : "fifo-skip"));
    if (status->cost > 1)
        (void)fprintf(out, "%-14s %u\n", "cost", status->cost);
    print_text(out, "unique key", status->unique_key);
    print_labels(out, status->labels);
    for (uint32_t i = 0; i < status->after.count; i++)
        print_id(out, i == 0 ? "after" : "", &status->after.items[i]);
    if (status->state == JOB_SUCCEEDED && status->result.bytes.len > 0) {
        (void)fprintf(out, "%-14s ", "result");
        view_result(out, &status->result);
    } else if (status->state != JOB_SUCCEEDED) {
        print_text(out, "error", status->failure.kind);
        print_text(out, "", status->failure.message);
        print_text(out, "", status->failure.detail);
    }
}

// An average since the batch was created, and what is left at that rate. Not while more may join.
static void print_rate(FILE *out, const struct msg_batch_status_is *batch, when_ms now)
{
    uint64_t left = 0;
    uint64_t ended = 0;
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++)
        *(state < JOB_SUCCEEDED ? &left : &ended) += batch->counts[state];
    when_ms until = answer_batch_is_final(batch) ? batch->finished_at : now;
    when_ms span = until - batch->created_at;
    if (ended == 0 || until == 0 || span <= 0)
        return;
    (void)fprintf(out, "%-14s %.1f/s since it was created", "rate",
                  (double)ended * 1000 / (double)span);
    if (left > 0 && batch->is_sealed) {
        char text[DURATION_TEXT_LEN + 1];
        double left_s = (double)span / 1000 * (double)left / (double)ended;
        duration_format((when_ms)(left_s + 1) * 1000, text);
        (void)fprintf(out, ", %s more at that rate", text);
    }
    (void)fputc('\n', out);
}

static void print_batch(FILE *out, const struct msg_batch_status_is *batch, when_ms now)
{
    print_id(out, "batch", &batch->batch_id);
    (void)fprintf(out, "%-14s %s\n", "status",
                  answer_batch_is_final(batch) ? "finished" : "unfinished");
    print_moment(out, "created", batch->created_at);
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++) {
        if (batch->counts[state] > 0)
            (void)fprintf(out, "%-14s %u\n", answer_state((enum job_state)state),
                          batch->counts[state]);
    }
    print_rate(out, batch, now);
}

// --- what others call ---

void view_status(const struct view *view, const struct msg_status_is *status)
{
    struct out json;
    if (!view->wants_json) {
        print_status(view->out, status);
        return;
    }
    if (!begin_json(&json, status->result.bytes.len + status->labels.len +
                               (size_t)status->after.count * ID_TEXT_LEN))
        return;
    struct answer_result result = result_of(&status->result);
    answer_status(&json, status, &result, 0);
    end_json(&json, view->out);
}

void view_batch(const struct view *view, const struct msg_batch_status_is *batch)
{
    struct out json;
    if (!view->wants_json) {
        print_batch(view->out, batch, view->now);
        return;
    }
    if (!begin_json(&json, 0))
        return;
    answer_batch(&json, batch, clock_wall_ms());
    end_json(&json, view->out);
}

void view_submitted(const struct view *view, const struct msg_submit_job *job,
                    const struct msg_submitted_job *said, const struct webhook_secret *secret)
{
    struct out json;
    char id[ID_TEXT_LEN + 1];
    if (!view->wants_json) {
        id_to_text(&said->job_id, id);
        (void)fprintf(view->out, "%s\n", id);
        return;
    }
    if (!begin_json(&json, 0))
        return;
    answer_submitted(&json, job, said, secret);
    end_json(&json, view->out);
}

// What a worker says of it, if one was asked.
static void print_simulated(FILE *out, const struct msg_forecast *forecast)
{
    static const char *const words[SIMULATIONS] = {
        [SIMULATION_OK] = "it would succeed",
        [SIMULATION_FAILED] = "it would fail: ",
        [SIMULATION_LATE] = "no worker has said in time what would become of it",
        [SIMULATION_GONE] = "the worker that was asked about it has left",
        [SIMULATION_BUSY] = "no worker has room to say what would become of it"};
    if (words[forecast->simulation] == NULL)
        return;
    (void)fprintf(out, "; %s", words[forecast->simulation]);
    if (forecast->simulation == SIMULATION_FAILED)
        plain_put(out, forecast->failure.message);
}

// One line: what would be, what it would wait for, and what a worker says.
static void print_forecast(FILE *out, const struct msg_submitted *told)
{
    const struct msg_submitted_job *said = &told->jobs[0];
    char id[ID_TEXT_LEN + 1];
    id_to_text(&said->job_id, id);
    if (said->replayed) {
        (void)fprintf(out, "would be a replay of %s, which is %s\n", id, answer_state(said->state));
        return;
    }
    (void)fprintf(out, "would be %s", answer_state(said->state));
    for (uint32_t i = 0; i < told->forecast_count; i++) {
        const struct msg_forecast *forecast = &told->forecasts[i];
        const char *cause = answer_waiting_on(forecast->waiting_on);
        (void)fprintf(out, ", %u ahead%s%s, at most %u attempts", forecast->ahead,
                      cause != NULL ? ", waits: " : "", cause != NULL ? cause : "",
                      forecast->course.max_attempts);
        print_simulated(out, forecast);
    }
    (void)fputc('\n', out);
}

void view_forecast(const struct view *view, const struct msg_submit_job *job,
                   const struct msg_submitted *told)
{
    struct out json;
    if (!view->wants_json) {
        print_forecast(view->out, told);
        return;
    }
    static const struct msg_forecast none;
    const struct msg_forecast *forecast = told->forecast_count > 0 ? told->forecasts : &none;
    if (!begin_json(&json, told->jobs[0].violations.len + forecast->simulated.bytes.len))
        return;
    forecast_put(&json,
                 &(struct forecast_told){.job = job,
                                         .said = told->jobs,
                                         .forecast = told->forecast_count > 0 ? forecast : NULL,
                                         .simulated = result_of(&forecast->simulated),
                                         .violations = told->jobs[0].violations});
    end_json(&json, view->out);
}

void view_head_of_jobs(const struct view *view)
{
    (void)fprintf(view->out, "%-36s %-9s %-24s %6s %7s  %s\n", "JOB", "STATUS", "CREATED", "ERRORS",
                  "CRASHES", "QUEUE/TYPE");
}

void view_listed_job(const struct view *view, const struct msg_listed_job *job, bool is_item)
{
    struct out json;
    char id[ID_TEXT_LEN + 1];
    char created[MOMENT_TEXT_LEN + 1];
    if (!view->wants_json) {
        id_to_text(&job->job_id, id);
        moment_format(job->created_at, created);
        (void)fprintf(view->out, "%s %-9s %s %6u %7u  %.*s/%.*s\n", id, answer_state(job->state),
                      created, job->errors, job->crashes, (int)job->queue.len,
                      (const char *)job->queue.data, (int)job->type.len,
                      (const char *)job->type.data);
        return;
    }
    if (!begin_json(&json, 0))
        return;
    answer_listed_job(&json, job, is_item);
    end_json(&json, view->out);
}

void view_acted(const struct view *view, const struct id *job_id, const struct msg_acted *acted)
{
    struct out json;
    char id[ID_TEXT_LEN + 1];
    if (!view->wants_json) {
        id_to_text(job_id, id);
        if (acted->drain != DRAIN_NONE) {
            (void)fprintf(view->out, "%s %s\n", id, acted->drain == DRAIN_STOP ? "stop" : "quiet");
            return;
        }
        bool is_asked = acted->cancel == CANCEL_REQUESTED && !answer_is_final(acted->state);
        (void)fprintf(view->out, "%s %s%s\n", id, answer_state(acted->state),
                      is_asked ? " (cancel requested)" : "");
        return;
    }
    if (!begin_json(&json, 0))
        return;
    if (acted->drain != DRAIN_NONE)
        answer_drained(&json, job_id, acted->drain);
    else
        answer_acted(&json, job_id, acted);
    end_json(&json, view->out);
}

void view_operation(const struct view *view, const struct msg_operation_is *is)
{
    struct out json;
    if (!view->wants_json) {
        (void)fprintf(view->out, "%llu job%s done", (unsigned long long)is->done,
                      is->done == 1 ? "" : "s");
        if (is->done < is->matched)
            (void)fprintf(view->out, ", %llu could not be",
                          (unsigned long long)(is->matched - is->done));
        (void)fputc('\n', view->out);
        return;
    }
    if (!begin_json(&json, 0))
        return;
    answer_operation(&json, is);
    end_json(&json, view->out);
}

// The words of its filter, as flags that mean the same.
static void print_filter(FILE *out, const struct msg_filter *filter)
{
    const struct {
        const char *flag;
        struct slice value;
    } words[] = {{"queue", filter->queue}, {"type", filter->type}, {"tag", filter->tag}};
    const char *before = "--status ";
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++) {
        if ((filter->states & 1u << state) == 0)
            continue;
        (void)fprintf(out, "%s%s", before, answer_state((enum job_state)state));
        before = ",";
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (words[i].value.len == 0)
            continue;
        (void)fprintf(out, " --%s ", words[i].flag);
        plain_put(out, words[i].value);
    }
    if (id_is_zero(&filter->batch_id))
        return;
    char id[ID_TEXT_LEN + 1];
    id_to_text(&filter->batch_id, id);
    (void)fprintf(out, " batch %s", id);
}

void view_listed_operation(const struct view *view, const struct msg_operation_is *is)
{
    struct out json;
    char id[ID_TEXT_LEN + 1];
    char began[MOMENT_TEXT_LEN + 1] = "-";
    if (!view->wants_json) {
        id_to_text(&is->operation_id, id);
        if (is->created_at > 0 && is->created_at <= MOMENT_MAX)
            moment_format(is->created_at, began);
        (void)fprintf(view->out, "%s %-7s %-9s %9llu %9llu  %s ", id, answer_act(is->kind),
                      answer_operation_status(is), (unsigned long long)is->done,
                      (unsigned long long)(is->matched - is->done), began);
        print_filter(view->out, &is->filter);
        if (is->rate > 0)
            (void)fprintf(view->out, " --rate %u", is->rate);
        (void)fputc('\n', view->out);
        return;
    }
    if (!begin_json(&json, 0))
        return;
    answer_operation(&json, is);
    end_json(&json, view->out);
}

void view_counted(const struct view *view, uint64_t count)
{
    struct out json;
    if (!view->wants_json) {
        (void)fprintf(view->out, "%llu job%s\n", (unsigned long long)count,
                      count == 1 ? " fits" : "s fit");
        return;
    }
    if (!begin_json(&json, 0))
        return;
    answer_counted(&json, &(struct msg_operation_is){.matched = count, .is_over = true});
    end_json(&json, view->out);
}

void view_problem(const struct view *view, const struct problem *problem)
{
    uint8_t room[PROBLEM_LEN_MAX];
    if (!view->wants_json)
        return;
    print_slice(view->out, problem_text(problem, room, sizeof room));
    (void)fputc('\n', view->out);
}

static void put_rejection(struct out *json, const struct view_rejection *rejection)
{
    out_open_object(json);
    out_put_unsigned(json, "line", rejection->line);
    out_name(json, slice_of_text("problem"));
    out_open_object(json);
    problem_put(json, &(struct problem){.error = rejection->error,
                                        .detail = slice_of_text(rejection->detail)});
    out_close(json);
    out_close(json);
}

static size_t rejections_len(const struct view_rejection *rejections, uint32_t count)
{
    size_t len = (size_t)count * REJECTION_LEN_MAX;
    for (uint32_t i = 0; i < count; i++)
        len += strlen(rejections[i].detail);
    return len;
}

static size_t opinions_len(const struct opinions *opinions)
{
    size_t len = (size_t)opinions->count * FORECAST_RECORD_LEN_MAX;
    for (uint32_t i = 0; i < opinions->count; i++)
        len += opinion_len(&opinions->items[i]);
    return len;
}

static void put_opinions(struct out *json, const struct opinions *opinions)
{
    out_name(json, slice_of_text("simulations"));
    out_open_array(json);
    for (uint32_t i = 0; i < opinions->count; i++) {
        const struct opinion *opinion = &opinions->items[i];
        if (!opinions_is_offered(opinions, i))
            continue;
        const struct msg_forecast forecast =
            opinion_forecast(opinion, opinions->states[i] == TRIAL_ASKED);
        forecast_put_record(json,
                            &(struct forecast_record){.line = opinions->lines[i],
                                                      .is_alone = opinion->is_alone,
                                                      .is_left_out = opinion->is_left_out,
                                                      .forecast = &forecast,
                                                      .simulated = result_of(&opinion->result)});
    }
    out_close(json);
}

void view_forecasts(FILE *out, const struct forecast_many *many,
                    const struct view_rejection *rejections, uint32_t count,
                    const struct opinions *opinions)
{
    struct out json;
    if (!begin_json(&json, rejections_len(rejections, count) + opinions_len(opinions)))
        return;
    forecast_begin(&json, many);
    out_name(&json, slice_of_text("rejections"));
    out_open_array(&json);
    for (uint32_t i = 0; i < count; i++)
        put_rejection(&json, &rejections[i]);
    out_close(&json);
    if (opinions->cap > 0)
        put_opinions(&json, opinions);
    out_close(&json);
    end_json(&json, out);
}

void view_bulk(FILE *out, const struct answer_bulk *bulk, const struct view_rejection *rejections,
               uint32_t count)
{
    struct answer_bulk answer = *bulk;
    struct problem problem = {.fix = "correct the records and send again"};
    struct out json;
    if (bulk->accepted + bulk->replayed == 0 && count > 0) {
        problem.error = rejections[0].error;
        problem.detail = slice_of_text(rejections[0].detail);
        answer.problem = &problem;
    }
    if (!begin_json(&json, rejections_len(rejections, count)))
        return;
    answer_bulk_begin(&json, &answer);
    for (uint32_t i = 0; i < count; i++)
        put_rejection(&json, &rejections[i]);
    answer_bulk_end(&json);
    end_json(&json, out);
}

void view_result(FILE *out, const struct body *result)
{
    print_slice(out, result->bytes);
    bool is_text = result->content == CONTENT_JSON || result->content == CONTENT_TEXT;
    bool is_ended = result->bytes.len > 0 && result->bytes.data[result->bytes.len - 1] == '\n';
    if (is_text && !is_ended)
        (void)fputc('\n', out);
}

void view_failure(FILE *out, const struct msg_status_is *status)
{
    (void)fprintf(out, "%s after %u error%s and %u crash%s", answer_state(status->state),
                  status->errors, status->errors == 1 ? "" : "s", status->crashes,
                  status->crashes == 1 ? "" : "es");
    if (status->failure.kind.len > 0 || status->failure.message.len > 0) {
        (void)fputs(": ", out);
        plain_put(out, status->failure.kind);
        (void)fputs(status->failure.kind.len > 0 ? ", " : "", out);
        plain_put(out, status->failure.message);
    }
    (void)fputc('\n', out);
    if (status->failure.detail.len == 0)
        return;
    (void)fputs("what the handler wrote last:\n", out);
    print_lines(out, "", "", status->failure.detail);
}
