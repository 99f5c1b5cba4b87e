// A table of names and values, a line for each queue.

#include "cli/queue_view.h"

#include "cli/table.h"
#include "gateway/core/queue.h"
#include "lib/base/duration.h"

enum { LINE_LEN = 1024 };

static void print_number(FILE *out, const char *name, uint64_t number)
{
    if (number > 0)
        (void)fprintf(out, "%-14s %llu\n", name, (unsigned long long)number);
}

static void print_span(FILE *out, const char *name, uint64_t ms)
{
    char text[DURATION_TEXT_LEN + 1];
    if (ms == 0 || ms > (uint64_t)DURATION_MAX_MS)
        return;
    duration_format((when_ms)ms, text);
    (void)fprintf(out, "%-14s %s\n", name, text);
}

static void print_rate(FILE *out, const char *name, const struct msg_rate *rate)
{
    char text[DURATION_TEXT_LEN + 1];
    if (rate->count == 0)
        return;
    duration_format(rate->per_ms, text);
    (void)fprintf(out, "%-14s %u/%s\n", name, rate->count, text);
}

static void print_defaults(const struct view *view, const struct msg_defaults *defaults)
{
    FILE *out = view->out;
    print_span(out, "timeout", defaults->timeout_ms);
    print_number(out, "max attempts", defaults->max_attempts);
    print_number(out, "max crashes", defaults->max_crashes);
    print_span(out, "retry first", defaults->retry_first_ms);
    print_span(out, "retry longest", defaults->retry_longest_ms);
    if (defaults->retry_factor_milli > 0)
        (void)fprintf(out, "%-14s %g\n", "retry factor",
                      (double)defaults->retry_factor_milli / 1000);
    print_span(out, "retry within", (uint64_t)defaults->retry_within_s * 1000);
    print_span(out, "keep", (uint64_t)defaults->keep_s * 1000);
}

static uint64_t open_of(const struct msg_queue *queue)
{
    return queue->counts[JOB_SCHEDULED] + queue->counts[JOB_QUEUED] + queue->counts[JOB_RUNNING] +
           queue->counts[JOB_RETRYING];
}

// Room for so many lines and `more` bytes; false after a complaint.
static bool begin_json(struct out *json, uint32_t count, size_t more)
{
    return table_begin_json(json, ((size_t)count + 1) * LINE_LEN + more);
}

static void print_json(const struct view *view, const struct msg_queue_status_is *is, bool is_list)
{
    struct out json;
    if (!begin_json(&json, is->count, 0))
        return;
    if (is_list)
        queue_answer_list(&json, is);
    else
        queue_answer(&json, &is->queues[0]);
    table_end_json(&json, view->out);
}

void queue_view_one(const struct view *view, const struct msg_queue *queue)
{
    const struct msg_queue_settings *settings = &queue->settings;
    if (view->wants_json) {
        print_json(view, &(struct msg_queue_status_is){.queues = queue, .count = 1}, false);
        return;
    }
    (void)fprintf(view->out, "%-14s %.*s\n", "queue", (int)queue->queue.len,
                  (const char *)queue->queue.data);
    print_number(view->out, "weight", settings->weight > 0 ? settings->weight : 1);
    if (queue->paused != DIRECTION_NONE)
        (void)fprintf(view->out, "%-14s %s\n", "paused", queue_direction(queue->paused));
    print_number(view->out, "open max", settings->open_max);
    print_number(view->out, "running max", settings->running_max);
    print_number(view->out, "key running", settings->key_running_max);
    print_rate(view->out, "rate", &settings->rate);
    print_rate(view->out, "key rate", &settings->key_rate);
    print_defaults(view, &settings->defaults);
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++)
        print_number(view->out, answer_state((enum job_state)state), queue->counts[state]);
}

void queue_view_head(const struct view *view)
{
    (void)fprintf(view->out, "%-24s %10s %10s %10s %10s %10s %s\n", "QUEUE", "OPEN", "QUEUED",
                  "RUNNING", "DEAD", "WEIGHT", "PAUSED");
}

void queue_view_lines(const struct view *view, const struct msg_queue_status_is *is)
{
    if (view->wants_json) {
        print_json(view, is, true);
        return;
    }
    for (uint32_t i = 0; i < is->count; i++) {
        const struct msg_queue *queue = &is->queues[i];
        uint32_t weight = queue->settings.weight;
        (void)fprintf(view->out, "%-24.*s %10llu %10llu %10llu %10llu %10u %s\n",
                      (int)queue->queue.len, (const char *)queue->queue.data,
                      (unsigned long long)open_of(queue),
                      (unsigned long long)queue->counts[JOB_QUEUED],
                      (unsigned long long)queue->counts[JOB_RUNNING],
                      (unsigned long long)queue->counts[JOB_DEAD], weight > 0 ? weight : 1,
                      queue_direction(queue->paused));
    }
}

static void print_type(const struct view *view, const struct msg_type *type)
{
    (void)fprintf(view->out, "%-14s %.*s\n", "type", (int)type->type.len,
                  (const char *)type->type.data);
    print_defaults(view, &type->defaults);
    if (type->schema.bytes.len > 0)
        (void)fprintf(view->out, "%-14s %zu bytes\n", "schema", type->schema.bytes.len);
}

void queue_view_type(const struct view *view, const struct msg_type *type)
{
    struct out json;
    if (!view->wants_json) {
        print_type(view, type);
        return;
    }
    if (!begin_json(&json, 1, type->schema.bytes.len))
        return;
    queue_answer_type(&json, type);
    table_end_json(&json, view->out);
}

void queue_view_head_of_types(const struct view *view)
{
    (void)fprintf(view->out, "%-32s %9s %9s %9s %9s\n", "TYPE", "TIMEOUT", "ATTEMPTS", "CRASHES",
                  "KEEP");
}

static void print_type_line(const struct view *view, const struct msg_type *type)
{
    const struct msg_defaults *defaults = &type->defaults;
    char timeout[DURATION_TEXT_LEN + 1] = "-";
    char keep[DURATION_TEXT_LEN + 1] = "-";
    char attempts[16] = "-";
    char crashes[16] = "-";
    if (defaults->timeout_ms > 0)
        duration_format(defaults->timeout_ms, timeout);
    if (defaults->keep_s > 0)
        duration_format((when_ms)defaults->keep_s * 1000, keep);
    if (defaults->max_attempts > 0)
        (void)snprintf(attempts, sizeof attempts, "%u", defaults->max_attempts);
    if (defaults->max_crashes > 0)
        (void)snprintf(crashes, sizeof crashes, "%u", defaults->max_crashes);
    (void)fprintf(view->out, "%-32.*s %9s %9s %9s %9s\n", (int)type->type.len,
                  (const char *)type->type.data, timeout, attempts, crashes, keep);
}

void queue_view_types(const struct view *view, const struct msg_type_status_is *is)
{
    struct out json;
    for (uint32_t i = 0; i < is->count && !view->wants_json; i++)
        print_type_line(view, &is->types[i]);
    if (!view->wants_json || !begin_json(&json, is->count, 0))
        return;
    queue_answer_types(&json, is);
    table_end_json(&json, view->out);
}
