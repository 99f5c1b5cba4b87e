// Atomic counters, one for each word.

#include "notify/figures.h"

#include "lib/base/check.h"
#include "lib/http/http.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Others are counted under the last.
static const char *const words[] = {
    "delivered", "http_3xx",          "http_4xx", "http_410", "http_429",      "http_503",
    "http_5xx",  "http_other",        "timeout",  "no_host",  "no_connection", "no_tls",
    "broken",    "forbidden_address", "bad_url",  "snoozed",  "other",
};
enum { WORDS = sizeof words / sizeof words[0] };

struct figures {
    struct http *http;
    atomic_bool is_ready;
    _Atomic uint64_t ends[WORDS];
    _Atomic uint64_t ms_sum;
    _Atomic uint64_t gauges[FIGURES_GAUGES];
};

enum { ROUTE_METRICS, ROUTE_LIVE, ROUTE_READY };

static const struct http_route routes[] = {
    [ROUTE_METRICS] = {.method = "GET", .path = "/metrics"},
    [ROUTE_LIVE] = {.method = "GET", .path = "/livez"},
    [ROUTE_READY] = {.method = "GET", .path = "/readyz"},
};

static void put_ends(FILE *out, const struct figures *figures)
{
    uint64_t count = 0;
    (void)fprintf(out,
                  "# HELP weft_notify_attempts_total Ended attempts to deliver, by what came of "
                  "them.\n# TYPE weft_notify_attempts_total counter\n");
    for (unsigned i = 0; i < WORDS; i++) {
        uint64_t ends = atomic_load(&figures->ends[i]);
        count += ends;
        if (ends > 0)
            (void)fprintf(out, "weft_notify_attempts_total{end=\"%s\"} %" PRIu64 "\n", words[i],
                          ends);
    }
    (void)fprintf(out,
                  "# HELP weft_notify_attempt_seconds How long attempts took.\n"
                  "# TYPE weft_notify_attempt_seconds summary\n"
                  "weft_notify_attempt_seconds_sum %.3f\nweft_notify_attempt_seconds_count %" PRIu64
                  "\n",
                  (double)atomic_load(&figures->ms_sum) / 1000, count);
}

static void put_gauges(FILE *out, const struct figures *figures)
{
    (void)fprintf(out,
                  "# HELP weft_notify_held Deliveries in hand.\n# TYPE weft_notify_held gauge\n"
                  "weft_notify_held %" PRIu64 "\n",
                  atomic_load(&figures->gauges[FIGURES_HELD]));
    (void)fprintf(out,
                  "# HELP weft_notify_sending Deliveries under way to a receiver.\n"
                  "# TYPE weft_notify_sending gauge\nweft_notify_sending %" PRIu64 "\n",
                  atomic_load(&figures->gauges[FIGURES_SENDING]));
    (void)fprintf(out,
                  "# HELP weft_notify_body_bytes Bytes of bodies in memory.\n"
                  "# TYPE weft_notify_body_bytes gauge\nweft_notify_body_bytes %" PRIu64 "\n",
                  atomic_load(&figures->gauges[FIGURES_BYTES]));
    (void)fprintf(out,
                  "# HELP weft_notify_receivers_ill Receivers whose breaker is not closed.\n"
                  "# TYPE weft_notify_receivers_ill gauge\nweft_notify_receivers_ill %" PRIu64 "\n",
                  atomic_load(&figures->gauges[FIGURES_ILL]));
}

static void answer_text(struct http_request *request, unsigned status, const char *text)
{
    const struct http_answer answer = {
        .status = status, .content_type = "text/plain", .body = slice_of_text(text)};
    http_answer(request, &answer);
}

static void answer_metrics(const struct figures *figures, struct http_request *request)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out != NULL) {
        put_ends(out, figures);
        put_gauges(out, figures);
    }
    if (out == NULL || fclose(out) != 0) {
        free(text);
        answer_text(request, 503, "out of memory\n");
        return;
    }
    const struct http_answer answer = {.status = 200,
                                       .content_type = "text/plain; version=0.0.4; charset=utf-8",
                                       .body = slice_of(text, len)};
    http_answer(request, &answer);
    free(text);
}

static void on_request(void *ctx, struct http_request *request)
{
    const struct figures *figures = ctx;
    bool is_ready = atomic_load(&figures->is_ready);
    if (request->route == ROUTE_METRICS)
        answer_metrics(figures, request);
    else if (request->route == ROUTE_LIVE)
        answer_text(request, 200, "alive\n");
    else
        answer_text(request, is_ready ? 200 : 503, is_ready ? "ready\n" : "not ready\n");
}

err figures_open(const char *endpoint, struct figures **out_figures)
{
    struct figures *figures = calloc(1, sizeof *figures);
    if (figures == NULL)
        return ERR_NO_MEMORY;
    const struct http_options options = {
        .endpoint = endpoint,
        .routes = routes,
        .route_count = sizeof routes / sizeof routes[0],
        .handler = on_request,
        .ctx = figures,
        .limits = {.connection_count_max = 64, .waiting_count_max = 64},
    };
    err opened = endpoint != NULL ? http_open(&options, &figures->http) : OK;
    if (opened != OK) {
        free(figures);
        return opened;
    }
    *out_figures = figures;
    return OK;
}

void figures_close(struct figures *figures)
{
    if (figures != NULL)
        http_close(figures->http);
    free(figures);
}

const char *figures_endpoint(const struct figures *figures)
{
    return figures->http != NULL ? http_endpoint(figures->http) : NULL;
}

void figures_set_ready(struct figures *figures, bool is_ready)
{
    atomic_store(&figures->is_ready, is_ready);
}

void figures_set(struct figures *figures, enum figures_gauge gauge, uint64_t value)
{
    CHECK((unsigned)gauge < FIGURES_GAUGES);
    atomic_store_explicit(&figures->gauges[gauge], value, memory_order_relaxed);
}

void figures_count(struct figures *figures, const char *word, when_ms ms)
{
    unsigned place = 0;
    while (place < WORDS - 1 && strcmp(words[place], word) != 0)
        place++;
    (void)atomic_fetch_add_explicit(&figures->ends[place], 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&figures->ms_sum, (uint64_t)ms, memory_order_relaxed);
}
