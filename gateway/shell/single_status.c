// GET /v1/jobs/{id} and GET /v1/batches/{id}: the state now, or the next change.
//
//   no wait                  ask with version 0: answered at once
//   wait, version known      ask with it: answered at the next change or after the wait
//   wait, version unknown    the first answer brings the version; unless the job has ended, ask
//                            again with it

#include "gateway/core/media.h"
#include "gateway/core/query.h"
#include "gateway/shell/gateway.h"
#include "gateway/shell/guard.h"
#include "gateway/shell/reply.h"
#include "gateway/shell/shown.h"
#include "gateway/shell/single.h"
#include "gateway/shell/spool_door.h"
#include "gateway/shell/streams.h"
#include "lib/sys/clock.h"

#include <stdlib.h>

struct look {
    struct ask ask; // first: the courier's pointer is ours
    const struct gateway *gateway;
    struct http_request *request;
    when_ms wait_until;  // monotonic; 0: no wait
    uint64_t departures; // from the spool, when the broker was asked
};

static struct reply reply_of(const struct look *look)
{
    enum tally_route route = look->ask.kind == ASK_STATUS ? TALLY_JOB : TALLY_BATCH;
    return (struct reply){look->gateway->tally, route, look->request};
}

static void answer_error(const struct look *look, err e)
{
    struct reply reply = reply_of(look);
    reply_problem(&reply, &(struct problem){.error = e}, NULL);
}

// --- answers ---

static void answer_with_state(const struct look *look, const struct ask_result *result,
                              const struct shown *shown)
{
    struct reply reply = reply_of(look);
    struct reply_headers headers = {0};
    struct out out = {0};
    err e = shown_put(result, reply_format(look->request),
                      broker_time_now(look->gateway->broker_time), shown->again_ms, &out);
    if (e != OK) {
        answer_error(look, e);
        return;
    }
    reply_etag(&headers, shown->version);
    if (!shown->is_final)
        reply_retry_after(&headers, shown->again_ms);
    reply_value(&reply, 200, &out, &headers);
    shown_free(&out);
}

static void answer_unchanged(const struct look *look, uint32_t version)
{
    struct reply reply = reply_of(look);
    struct reply_headers headers = {0};
    reply_etag(&headers, version);
    reply_empty(&reply, 304, &headers);
}

// --- questions ---

// Of a batch nothing is kept here. The look may have ended when this returns.
static void put(struct look *look)
{
    look->departures = spool_departures(look->gateway->spool);
    if (look->ask.kind == ASK_STATUS)
        guard_put_status(look->gateway, look->request, &look->ask);
    else
        guard_put(look->gateway, look->request, &look->ask);
}

static void ask(struct look *look)
{
    struct courier *courier = look->gateway->courier;
    put(look);
    courier_send(courier);
}

// True when the look goes on: the client wants to wait, and this is only the state to wait from.
static bool ask_again(struct look *look, const struct shown *shown)
{
    when_ms now = clock_mono_ms();
    if (look->ask.wait_ms > 0 || look->wait_until <= now || shown->is_final)
        return false;
    look->ask.version = shown->version;
    look->ask.wait_ms = (uint32_t)(look->wait_until - now);
    ask(look);
    return true;
}

// The broker does not know it, or does not answer. The question goes on when the job may have
// left the spool for the broker between both looks.
static void look_in_spool(struct look *look, err e)
{
    bool is_job = look->ask.kind == ASK_STATUS;
    bool is_known =
        is_job && e != ERR_GONE && spool_door_status(look->gateway, look->request, &look->ask.id);
    if (!is_known && e == ERR_NOT_FOUND &&
        spool_departures(look->gateway->spool) != look->departures) {
        ask(look);
        return;
    }
    if (!is_known)
        answer_error(look, spool_door_unknown(look->gateway, e));
    free(look);
}

static void answered(struct ask *ask, const struct ask_result *result)
{
    struct look *look = (struct look *)ask;
    struct shown shown = shown_of(result, broker_time_now(look->gateway->broker_time));
    if (shown.error == OK && ask_again(look, &shown))
        return;
    if (shown.error != OK) {
        look_in_spool(look, shown.error);
        return;
    }
    if (query_etag_has(look->request->headers[HTTP_IF_NONE_MATCH], shown.version))
        answer_unchanged(look, shown.version);
    else
        answer_with_state(look, result, &shown);
    free(look);
}

// The state the client has seen: ?version= or If-None-Match.
static void prepare_wait(struct look *look, const struct query *query)
{
    uint32_t etag = 0;
    bool has_etag = query_etag(look->request->headers[HTTP_IF_NONE_MATCH], &etag);
    if (!query->has[QUERY_WAIT] || query->wait == 0)
        return;
    look->wait_until = clock_mono_ms() + query->wait;
    bool is_known = query->has[QUERY_VERSION] || has_etag;
    if (!is_known)
        return;
    look->ask.version = query->has[QUERY_VERSION] ? query->version : etag;
    look->ask.wait_ms = (uint32_t)query->wait;
}

static void look_at(const struct gateway *gateway, struct http_request *request, enum ask_kind kind)
{
    struct look first = {
        .ask = {.kind = kind, .done = answered},
        .gateway = gateway,
        .request = request,
    };
    struct reply reply = reply_of(&first);
    struct query query;
    char fault[QUERY_FAULT_LEN];
    err e = query_read(request->query, 1u << QUERY_WAIT | 1u << QUERY_VERSION, &query, fault);
    if (e != OK) {
        reply_problem(&reply, &(struct problem){.error = e, .detail = slice_of_text(fault)}, NULL);
        return;
    }
    if (id_from_text(request->segment, &first.ask.id) != OK) {
        reply_problem(
            &reply,
            &(struct problem){
                .error = ERR_NOT_FOUND,
                .detail = slice_of_text("an id looks like 01890a5d-ac96-774b-bcce-b302099a8057")},
            NULL);
        return;
    }
    bool is_alone = kind == ASK_STATUS && !courier_is_ready(gateway->courier);
    if (is_alone && spool_door_status(gateway, request, &first.ask.id))
        return;
    prepare_wait(&first, &query);
    struct look *look = malloc(sizeof *look);
    if (look == NULL) {
        answer_error(&first, ERR_NO_MEMORY);
        return;
    }
    *look = first;
    put(look);
}

void single_status(const struct gateway *gateway, struct http_request *request)
{
    if (media_wants_events(request->headers[HTTP_ACCEPT]))
        streams_job(gateway, request);
    else
        look_at(gateway, request, ASK_STATUS);
}

void single_batch(const struct gateway *gateway, struct http_request *request)
{
    if (media_wants_events(request->headers[HTTP_ACCEPT]))
        streams_batch(gateway, request);
    else
        look_at(gateway, request, ASK_BATCH);
}
