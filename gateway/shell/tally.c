// Counters and their text.

#include "gateway/shell/tally.h"

#include "gateway/shell/gateway.h"
#include "lib/base/check.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

// Statuses that this program answers with; others are counted under 0.
static const unsigned statuses[] = {0,   200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 409,
                                    410, 411, 413, 415, 422, 429, 431, 500, 503, 504, 507};
enum { STATUSES = sizeof statuses / sizeof statuses[0] };

static const char *const route_names[TALLY_ROUTES] = {
    [TALLY_SUBMIT] = "submit",     [TALLY_JOB] = "job",         [TALLY_BULK] = "bulk",
    [TALLY_BATCH] = "batch",       [TALLY_ACT] = "act",         [TALLY_LIST] = "list",
    [TALLY_SCHEDULE] = "schedule", [TALLY_WEBHOOK] = "webhook", [TALLY_QUEUE] = "queue",
    [TALLY_LEASE] = "lease",       [TALLY_EVENTS] = "events",   [TALLY_SPOOL] = "spool",
    [TALLY_OTHER] = "other",
};

struct tally {
    _Atomic uint64_t answers[TALLY_ROUTES][STATUSES];
    _Atomic uint64_t counters[TALLY_COUNTERS];
};

struct tally *tally_new(void)
{
    return calloc(1, sizeof(struct tally));
}

void tally_free(struct tally *tally)
{
    free(tally);
}

void tally_answer(struct tally *tally, enum tally_route route, unsigned status)
{
    CHECK((unsigned)route < TALLY_ROUTES);
    unsigned place = 0;
    for (unsigned i = 1; i < STATUSES; i++) {
        if (statuses[i] == status)
            place = i;
    }
    (void)atomic_fetch_add_explicit(&tally->answers[route][place], 1, memory_order_relaxed);
}

void tally_add(struct tally *tally, enum tally_counter counter, uint64_t count)
{
    CHECK((unsigned)counter < TALLY_COUNTERS);
    (void)atomic_fetch_add_explicit(&tally->counters[counter], count, memory_order_relaxed);
}

// --- text ---

static void put_head(FILE *out, const char *name, const char *type, const char *help)
{
    (void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_gauge(FILE *out, const char *name, const char *help, uint64_t value)
{
    put_head(out, name, "gauge", help);
    (void)fprintf(out, "%s %" PRIu64 "\n", name, value);
}

static void put_counter(FILE *out, const char *name, const char *help, uint64_t value)
{
    put_head(out, name, "counter", help);
    (void)fprintf(out, "%s %" PRIu64 "\n", name, value);
}

static void put_answers(FILE *out, const struct tally *tally)
{
    put_head(out, "weft_gateway_requests_total", "counter", "Answered requests.");
    for (unsigned route = 0; route < TALLY_ROUTES; route++) {
        for (unsigned i = 0; i < STATUSES; i++) {
            uint64_t count = atomic_load(&tally->answers[route][i]);
            if (count > 0)
                (void)fprintf(
                    out, "weft_gateway_requests_total{route=\"%s\",status=\"%u\"} %" PRIu64 "\n",
                    route_names[route], statuses[i], count);
        }
    }
}

static void put_http(FILE *out, const struct http *http)
{
    struct http_figures figures = {0};
    // The door opens a moment before it is known here.
    if (http != NULL)
        http_figures(http, &figures);
    put_gauge(out, "weft_gateway_connections", "Open HTTP connections.", figures.connections_open);
    put_counter(out, "weft_gateway_connections_total", "HTTP connections taken.",
                figures.connections_total);
    put_gauge(out, "weft_gateway_waiting_requests", "Requests that wait for their answer.",
              figures.requests_waiting);
    put_gauge(out, "weft_gateway_streams", "Event streams that are open.", figures.streams_open);
    put_gauge(out, "weft_gateway_buffered_bytes",
              "Bytes of request bodies and of untaken events in memory.", figures.buffered_bytes);
    put_counter(out, "weft_gateway_refused_total",
                "Requests refused before they reached a route: bad heads, unknown paths, caps.",
                figures.refused_total);
    put_counter(out, "weft_gateway_deadlines_total",
                "Connections cut and requests given up for lateness.", figures.deadlines_total);
}

static void put_courier(FILE *out, const struct courier *courier)
{
    struct courier_figures figures;
    courier_figures(courier, &figures);
    put_gauge(out, "weft_gateway_broker_connected", "1 while the broker knows this gateway.",
              courier_is_ready(courier));
    put_counter(out, "weft_gateway_broker_welcomes_total", "How often the broker said WELCOME.",
                figures.welcomes);
    put_counter(out, "weft_gateway_submit_messages_total", "Messages with jobs to the broker.",
                figures.messages_sent);
    put_counter(out, "weft_gateway_submit_jobs_total", "Jobs in these messages.",
                figures.jobs_sent);
    put_counter(out, "weft_gateway_repeats_total", "Messages to the broker that were repeated.",
                figures.messages_repeated);
    put_counter(out, "weft_gateway_no_broker_total",
                "Questions and jobs that found no broker and were not sent.", figures.unsent);
    put_counter(out, "weft_gateway_no_broker_waits_total",
                "Of them, those that waited for one first.", figures.unsent_later);
}

static void put_jobs(FILE *out, const struct tally *tally)
{
    put_counter(out, "weft_gateway_jobs_accepted_total", "Jobs that the broker has stored.",
                atomic_load(&tally->counters[TALLY_JOBS_ACCEPTED]));
    put_counter(out, "weft_gateway_jobs_replayed_total", "Jobs that were stored before.",
                atomic_load(&tally->counters[TALLY_JOBS_REPLAYED]));
    put_counter(out, "weft_gateway_jobs_refused_total",
                "Jobs that were refused, here or by the broker.",
                atomic_load(&tally->counters[TALLY_JOBS_REFUSED]));
}

static void put_keys(FILE *out, const struct tally *tally, const struct keys *keys)
{
    struct keys_figures figures;
    keys_figures(keys, &figures);
    put_gauge(out, "weft_gateway_keys", "Answered keys that are remembered on disk.",
              figures.count);
    put_counter(out, "weft_gateway_keys_written_total", "Answered keys written to disk.",
                figures.written);
    put_counter(out, "weft_gateway_keys_dropped_total", "Answered keys that were not remembered.",
                figures.dropped);
    put_counter(out, "weft_gateway_keys_answered_total",
                "Submissions answered from the record while no broker did.",
                atomic_load(&tally->counters[TALLY_KEYS_ANSWERED]));
}

static void put_cache(FILE *out, struct statuses *cached)
{
    struct statuses_figures figures = {0};
    statuses_figures(cached, &figures);
    uint64_t asked = figures.hits + figures.misses + figures.shared;
    put_counter(out, "weft_gateway_cache_hits_total", "Statuses told without asking the broker.",
                figures.hits);
    put_counter(out, "weft_gateway_cache_misses_total", "Statuses asked for at the broker.",
                figures.misses);
    put_counter(out, "weft_gateway_cache_shared_total",
                "Statuses told from the answer to another one's question.", figures.shared);
    put_head(out, "weft_gateway_cache_hit_ratio", "gauge",
             "Part of the statuses that were told without asking the broker, since the start.");
    (void)fprintf(out, "weft_gateway_cache_hit_ratio %.6f\n",
                  asked > 0 ? (double)figures.hits / (double)asked : 0);
    put_gauge(out, "weft_gateway_cache_entries", "Statuses of finished jobs that are kept.",
              figures.cache.count);
    put_gauge(out, "weft_gateway_cache_bytes", "Bytes of them.", figures.cache.bytes);
    put_gauge(out, "weft_gateway_cache_fresh",
              "1 while all removals up to 2 s ago have been heard of.", figures.is_fresh);
    put_counter(out, "weft_gateway_cache_written_total", "Statuses written to disk.",
                figures.cache.written);
    put_counter(out, "weft_gateway_cache_refused_total",
                "Statuses not kept: too large, or too many waited for the disk.",
                figures.cache.refused);
    put_counter(out, "weft_gateway_cache_evicted_total",
                "Statuses that went to make room for others.", figures.cache.evicted);
    put_counter(out, "weft_gateway_cache_removals_total", "Removed jobs that were heard of.",
                figures.removals);
    put_counter(out, "weft_gateway_cache_gaps_total",
                "How often the stream was lost, and everything kept was dropped.", figures.gaps);
}

static void put_spool(FILE *out, struct spool *spool)
{
    struct spool_account books;
    spool_books(spool, &books);
    put_counter(out, "weft_gateway_spool_accepted_total", "Jobs taken while no broker answered.",
                books.accepted);
    put_counter(out, "weft_gateway_spool_forwarded_total", "Of them, those that a broker has.",
                books.forwarded);
    put_counter(out, "weft_gateway_spool_refused_total", "Of them, those that a broker refused.",
                books.refused);
    put_counter(out, "weft_gateway_spool_damaged_total",
                "Of them, those whose record was found damaged.", books.damaged);
    put_gauge(out, "weft_gateway_spool_waiting", "Of them, those that wait for a broker.",
              books.waiting);
    put_gauge(out, "weft_gateway_spool_refusals", "Refused jobs that nobody has deleted.",
              books.kept);
    put_gauge(out, "weft_gateway_spool_bytes", "Bytes of waiting and refused jobs.", books.bytes);
    put_gauge(out, "weft_gateway_spool_bytes_max", "What --spool-max says; 0: nothing is taken.",
              spool_bytes_max(spool));
    put_gauge(out, "weft_gateway_spool_unaccounted",
              "Jobs that are in none of these places, or in two. Must be 0.",
              spool_account_gap(&books));
}

char *tally_text(const struct gateway *gateway, size_t *out_len)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, out_len);
    if (out == NULL)
        return NULL;
    put_answers(out, gateway->tally);
    put_jobs(out, gateway->tally);
    put_http(out, gateway->http);
    put_courier(out, gateway->courier);
    put_keys(out, gateway->tally, gateway->keys);
    put_cache(out, gateway->statuses);
    put_spool(out, gateway->spool);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
