// GET /v1/jobs/{id} and GET /v1/batches/{id}: the state now, or the next change.
//
//   no wait                  ask with version 0: answered at once
//   wait, version known      ask with it: answered at the next change or after the wait
//   wait, version unknown    the first answer brings the version; unless the job has ended, ask
//                            again with it

#include "gateway/core/answer.h"
#include "gateway/core/query.h"
#include "gateway/shell/gateway.h"
#include "gateway/shell/reply.h"
#include "gateway/shell/single.h"
#include "gateway/shell/values.h"
#include "lib/sys/clock.h"

#include <stdlib.h>

enum { ANSWER_LEN = 4096 };

struct look {
    struct ask ask; // first: the courier's pointer is ours
    const struct gateway *gateway;
    struct http_request *request;
    when_ms wait_until; // monotonic; 0: no wait
    bool has_etag;
    uint32_t etag;
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

static void put_status(const struct reply *reply, const struct msg_status_is *status,
                       struct out *out, struct out *converted)
{
    struct reply_headers headers = {0};
    reply_etag(&headers, status->version);
    if (!answer_is_final(status->state))
        reply_retry_after(&headers, 1000);
    struct answer_result result = values_answer(out->format, &status->result, converted);
    answer_status(out, status, &result);
    reply_value(reply, 200, out, &headers);
}

static void answer_with_status(const struct look *look, const struct msg_status_is *status)
{
    struct reply reply = reply_of(look);
    enum out_format format = reply_format(look->request);
    // Conversion may lengthen: escapes to six bytes, binary to base64. So may texts.
    size_t texts = status->failure.kind.len + status->failure.message.len +
                   status->failure.detail.len + status->progress_text.len;
    size_t converted_cap = values_room(status->result.bytes.len);
    size_t cap = ANSWER_LEN + converted_cap + texts * 6;
    uint8_t *room = malloc(cap + converted_cap);
    if (room == NULL) {
        answer_error(look, ERR_NO_MEMORY);
        return;
    }
    struct out out = {.data = room, .cap = cap, .format = format};
    struct out converted = {.data = room + cap, .cap = converted_cap, .format = format};
    put_status(&reply, status, &out, &converted);
    free(room);
}

static void answer_with_batch(const struct look *look, const struct msg_batch_status_is *batch)
{
    struct reply reply = reply_of(look);
    uint8_t room[ANSWER_LEN];
    struct out out = {.data = room, .cap = sizeof room, .format = reply_format(look->request)};
    struct reply_headers headers = {0};
    reply_etag(&headers, batch->version);
    if (!answer_batch_is_final(batch))
        reply_retry_after(&headers, 1000);
    answer_batch(&out, batch);
    reply_value(&reply, 200, &out, &headers);
}

static void answer_unchanged(const struct look *look, uint32_t version)
{
    struct reply reply = reply_of(look);
    struct reply_headers headers = {0};
    reply_etag(&headers, version);
    reply_empty(&reply, 304, &headers);
}

// --- questions ---

// What an answer says, whichever of both it is.
struct seen {
    err error;
    uint32_t version;
    bool is_final;
};

static struct seen seen_in(const struct ask_result *result)
{
    if (result->error != OK)
        return (struct seen){.error = result->error};
    if (result->batch != NULL)
        return (struct seen){
            .error = result->batch->error,
            .version = result->batch->version,
            .is_final = answer_batch_is_final(result->batch),
        };
    const struct msg_status_is *status = result->status;
    bool is_gone = status->error == OK && status->state == JOB_REMOVED;
    return (struct seen){
        .error = is_gone ? ERR_GONE : status->error,
        .version = status->version,
        .is_final = answer_is_final(status->state),
    };
}

// True when the look goes on: the client wants to wait, and this is only the state to wait from.
static bool ask_again(struct look *look, const struct seen *seen)
{
    when_ms now = clock_mono_ms();
    if (look->ask.wait_ms > 0 || look->wait_until <= now || seen->is_final)
        return false;
    look->ask.version = seen->version;
    look->ask.wait_ms = (uint32_t)(look->wait_until - now);
    courier_ask(look->gateway->courier, &look->ask);
    return true;
}

static void answered(struct ask *ask, const struct ask_result *result)
{
    struct look *look = (struct look *)ask;
    struct seen seen = seen_in(result);
    if (seen.error == OK && ask_again(look, &seen))
        return;
    if (seen.error != OK)
        answer_error(look, seen.error);
    else if (look->has_etag && look->etag == seen.version)
        answer_unchanged(look, seen.version);
    else if (result->batch != NULL)
        answer_with_batch(look, result->batch);
    else
        answer_with_status(look, result->status);
    free(look);
}

// The state the client has seen: ?version= or If-None-Match.
static void prepare_wait(struct look *look, const struct query *query)
{
    look->has_etag = query_etag(look->request->headers[HTTP_IF_NONE_MATCH], &look->etag);
    if (!query->has[QUERY_WAIT] || query->wait == 0)
        return;
    look->wait_until = clock_mono_ms() + query->wait;
    bool is_known = query->has[QUERY_VERSION] || look->has_etag;
    if (!is_known)
        return;
    look->ask.version = query->has[QUERY_VERSION] ? query->version : look->etag;
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
    prepare_wait(&first, &query);
    struct look *look = malloc(sizeof *look);
    if (look == NULL) {
        answer_error(&first, ERR_NO_MEMORY);
        return;
    }
    *look = first;
    courier_ask(gateway->courier, &look->ask);
}

void single_status(const struct gateway *gateway, struct http_request *request)
{
    look_at(gateway, request, ASK_STATUS);
}

void single_batch(const struct gateway *gateway, struct http_request *request)
{
    look_at(gateway, request, ASK_BATCH);
}
