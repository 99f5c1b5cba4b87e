// The door and the copy of the figures.

#include "broker/shell/metrics_private.h"

#include "lib/base/check.h"
#include "lib/http/http.h"
#include "lib/sys/clock.h"
#include "lib/sys/log.h"

#include <pthread.h>
#include <stdatomic.h>

enum { COPY_EVERY_MS = 200 };

struct metrics {
    struct http *http;
    atomic_bool is_ready;
    // The link thread's own.
    struct histogram commit_seconds;
    struct histogram commit_jobs;
    bool is_dirty;
    when_ms copied_at;
    // Under the mutex.
    pthread_mutex_t mutex;
    struct metrics_sample sample;
    struct metrics_lists lists;
    uint32_t lane_count_max;
    uint32_t queue_count_max;
};

enum { ROUTE_METRICS, ROUTE_LIVE, ROUTE_READY };

static const struct http_route routes[] = {
    [ROUTE_METRICS] = {.method = "GET", .path = "/metrics"},
    [ROUTE_LIVE] = {.method = "GET", .path = "/livez"},
    [ROUTE_READY] = {.method = "GET", .path = "/readyz"},
};

static void answer_text(struct http_request *request, unsigned status, const char *text)
{
    struct http_answer answer = {
        .status = status, .content_type = "text/plain", .body = slice_of_text(text)};
    http_answer(request, &answer);
}

static void answer_metrics(struct metrics *metrics, struct http_request *request)
{
    struct slice text = {0};
    (void)pthread_mutex_lock(&metrics->mutex);
    bool printed = metrics_print(&metrics->sample, &metrics->lists, clock_mono_ms(), &text);
    (void)pthread_mutex_unlock(&metrics->mutex);
    if (!printed) {
        answer_text(request, 503, "out of memory\n");
        return;
    }
    struct http_answer answer = {
        .status = 200, .content_type = "text/plain; version=0.0.4; charset=utf-8", .body = text};
    http_answer(request, &answer);
    free((void *)(uintptr_t)text.data);
}

static void handle(void *ctx, struct http_request *request)
{
    struct metrics *metrics = ctx;
    if (request->route == ROUTE_METRICS)
        answer_metrics(metrics, request);
    else if (request->route == ROUTE_LIVE)
        answer_text(request, 200, "alive\n");
    else if (atomic_load(&metrics->is_ready))
        answer_text(request, 200, "ready\n");
    else
        answer_text(request, 503, "not ready\n");
}

static err open_door(struct metrics *metrics, const char *endpoint)
{
    struct http_options options = {
        .endpoint = endpoint,
        .routes = routes,
        .route_count = sizeof routes / sizeof routes[0],
        .handler = handle,
        .ctx = metrics,
        .limits = {.connection_count_max = 64, .waiting_count_max = 64},
    };
    return http_open(&options, &metrics->http);
}

err metrics_open(const struct metrics_options *options, struct metrics **out_metrics)
{
    struct metrics *metrics = calloc(1, sizeof *metrics);
    if (metrics == NULL)
        return ERR_NO_MEMORY;
    metrics->lane_count_max = options->lane_count_max;
    metrics->queue_count_max = options->queue_count_max;
    metrics->commit_seconds = histogram_of(0.0001, 2, 16); // 0.1 ms … 3.3 s
    metrics->commit_jobs = histogram_of(1, 2, 16);         // 1 … 32,768
    metrics->sample.commit_seconds = metrics->commit_seconds;
    metrics->sample.commit_jobs = metrics->commit_jobs;
    metrics->sample.core.oldest_due_at = WHEN_NEVER;
    metrics->sample.started_at = clock_wall_ms();
    metrics->is_dirty = true;
    metrics->copied_at = -COPY_EVERY_MS;
    (void)pthread_mutex_init(&metrics->mutex, NULL); // cannot fail with default attributes
    struct metrics_lists *lists = &metrics->lists;
    lists->lanes = calloc(options->lane_count_max, sizeof *lists->lanes);
    lists->queues = calloc(options->queue_count_max, sizeof *lists->queues);
    err e = lists->lanes == NULL || lists->queues == NULL ? ERR_NO_MEMORY : OK;
    if (e == OK && options->endpoint != NULL)
        e = open_door(metrics, options->endpoint);
    if (e != OK) {
        metrics_close(metrics);
        return e;
    }
    *out_metrics = metrics;
    return OK;
}

void metrics_close(struct metrics *metrics)
{
    if (metrics == NULL)
        return;
    http_close(metrics->http);
    (void)pthread_mutex_destroy(&metrics->mutex);
    free(metrics->lists.lanes);
    free(metrics->lists.queues);
    free(metrics);
}

const char *metrics_endpoint(const struct metrics *metrics)
{
    return metrics->http == NULL ? NULL : http_endpoint(metrics->http);
}

void metrics_set_ready(struct metrics *metrics, bool is_ready)
{
    atomic_store(&metrics->is_ready, is_ready);
}

void metrics_count_batch(struct metrics *metrics, const struct batch *batch)
{
    metrics->is_dirty = true;
    if (batch->effects.write_count == 0)
        return;
    histogram_add(&metrics->commit_seconds, (double)batch->commit_us / 1e6);
    histogram_add(&metrics->commit_jobs, (double)batch->effects.changed_count);
}

void metrics_mark(struct metrics *metrics)
{
    metrics->is_dirty = true;
}

static void copy_lanes(struct metrics *metrics, const struct core *core)
{
    struct lane_figures figures;
    uint32_t count = 0;
    for (uint32_t no = 0; no < metrics->lane_count_max; no++) {
        if (!core_lane(core, (uint16_t)no, &figures))
            continue;
        struct metrics_lane *lane = &metrics->lists.lanes[count++];
        (void)slice_to_text(figures.lane.tenant, lane->tenant, sizeof lane->tenant);
        (void)slice_to_text(figures.lane.queue, lane->queue, sizeof lane->queue);
        (void)slice_to_text(figures.lane.type, lane->type, sizeof lane->type);
        lane->ready_count = figures.ready_count;
    }
    metrics->sample.lane_count = count;
}

static void copy_queues(struct metrics *metrics, const struct core *core)
{
    struct queue_row row;
    uint32_t count = 0;
    for (uint32_t no = 0; no < metrics->queue_count_max; no++) {
        if (!core_queue(core, no, &row))
            continue;
        struct metrics_queue *queue = &metrics->lists.queues[count++];
        (void)slice_to_text(row.tenant, queue->tenant, sizeof queue->tenant);
        (void)slice_to_text(row.queue, queue->queue, sizeof queue->queue);
        queue->accepted = row.accepted;
        memcpy(queue->counts, row.counts, sizeof queue->counts);
    }
    metrics->sample.queue_count = count;
}

// A lease that ends without a word is a worker that died, hung, or lost its way.
static void tell_leases(const struct core_figures *before, const struct core_figures *after)
{
    uint64_t ended = after->leases_ended - before->leases_ended;
    if (ended > 0)
        log_warn("lease.ended", "count=%llu", (unsigned long long)ended);
}

void metrics_copy(struct metrics *metrics, const struct metrics_source *source)
{
    if (metrics_wait_ms(metrics, source->now.mono) > 0)
        return;
    if (pthread_mutex_trylock(&metrics->mutex) != 0)
        return; // somebody reads: the next round will do
    metrics->sample.store = *source->store;
    metrics->sample.audited = *source->audited;
    metrics->sample.is_short = source->is_short;
    metrics->sample.counters = *source->counters;
    metrics->sample.commit_seconds = metrics->commit_seconds;
    metrics->sample.commit_jobs = metrics->commit_jobs;
    metrics->sample.now = source->now;
    metrics->sample.peer_count = source->peer_count;
    metrics->sample.watch_count = source->watch_count;
    metrics->sample.event_watch_count = source->event_watch_count;
    struct core_figures before = metrics->sample.core;
    core_figures(source->core, &metrics->sample.core);
    copy_lanes(metrics, source->core);
    copy_queues(metrics, source->core);
    (void)pthread_mutex_unlock(&metrics->mutex);
    tell_leases(&before, &metrics->sample.core);
    metrics->is_dirty = false;
    metrics->copied_at = source->now.mono;
}

when_ms metrics_wait_ms(const struct metrics *metrics, when_ms now)
{
    if (!metrics->is_dirty)
        return WHEN_NEVER;
    when_ms due_at = metrics->copied_at + COPY_EVERY_MS;
    return due_at > now ? due_at - now : 0;
}
