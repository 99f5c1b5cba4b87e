// One request and its answer: memory, who holds it, and who decides what is sent.

#define _GNU_SOURCE // POLLRDHUP

#include "lib/http/http_private.h"

#include "lib/sys/clock.h"

#include <poll.h>
#include <stdlib.h>

enum { BODY_CAP_FIRST = 16 * 1024, REFUSAL_LEN_MAX = 1024 };

struct exchange *http_exchange_new(struct loop *loop, struct MHD_Connection *mhd,
                                   const char *target)
{
    size_t len = target != NULL ? strlen(target) : 0;
    struct exchange *exchange = calloc(1, sizeof *exchange);
    char *copy = malloc(len + 1);
    if (exchange == NULL || copy == NULL) {
        free(exchange);
        free(copy);
        return NULL;
    }
    if (len > 0)
        memcpy(copy, target, len);
    copy[len] = '\0';
    exchange->http = loop->http;
    exchange->loop = loop;
    exchange->mhd = mhd;
    exchange->target = copy;
    exchange->target_len = len;
    exchange->target_at = target;
    atomic_init(&exchange->state, EXCHANGE_HANDLING);
    atomic_init(&exchange->holders, 1);
    (void)atomic_fetch_add(&loop->http->holders, 1);
    return exchange;
}

void http_exchange_drop(struct exchange *exchange)
{
    int before = atomic_fetch_sub(&exchange->holders, 1);
    CHECK(before > 0);
    if (before > 1)
        return;
    struct http *http = exchange->http;
    (void)atomic_fetch_sub(&http->buffered_bytes, exchange->body_cap);
    if (exchange->response != NULL)
        MHD_destroy_response(exchange->response);
    if (exchange->request.tag != NULL && http->options.release != NULL)
        http->options.release(exchange->request.tag);
    free(exchange->body);
    free(exchange->head_text);
    free(exchange->target);
    free(exchange);
    http_drop(http);
}

// Counts `more` bytes towards the cap of the whole server.
static bool reserve(struct http *http, uint64_t more)
{
    uint64_t before = atomic_fetch_add(&http->buffered_bytes, more);
    if (before + more <= http->limits.buffered_bytes_max)
        return true;
    (void)atomic_fetch_sub(&http->buffered_bytes, more);
    return false;
}

// The room grows with what has really arrived, so that a length that is only claimed costs nothing.
static bool grow(struct exchange *exchange, uint64_t needed)
{
    uint64_t cap = exchange->body_cap > 0 ? exchange->body_cap * 2 : BODY_CAP_FIRST;
    while (cap < needed)
        cap *= 2;
    if (cap > exchange->body_expected)
        cap = exchange->body_expected;
    CHECK(cap >= needed);
    if (!reserve(exchange->http, cap - exchange->body_cap))
        return false;
    uint8_t *room = realloc(exchange->body, (size_t)cap);
    if (room == NULL) {
        (void)atomic_fetch_sub(&exchange->http->buffered_bytes, cap - exchange->body_cap);
        return false;
    }
    exchange->body = room;
    exchange->body_cap = cap;
    return true;
}

bool http_exchange_append(struct exchange *exchange, const void *data, size_t len)
{
    CHECK(len <= exchange->body_expected - exchange->body_len);
    uint64_t needed = exchange->body_len + len;
    if (needed > exchange->body_cap && !grow(exchange, needed))
        return false;
    memcpy(exchange->body + exchange->body_len, data, len);
    exchange->body_len = needed;
    return true;
}

struct MHD_Response *http_exchange_headers(struct MHD_Response *response,
                                           const struct http_answer *answer)
{
    if (response == NULL)
        return NULL;
    enum MHD_Result added = MHD_YES;
    if (answer->content_type != NULL)
        added = MHD_add_response_header(response, "Content-Type", answer->content_type);
    for (uint32_t i = 0; i < answer->header_count && added == MHD_YES; i++)
        added =
            MHD_add_response_header(response, answer->headers[i].name, answer->headers[i].value);
    if (added == MHD_YES)
        return response;
    MHD_destroy_response(response);
    return NULL;
}

bool http_exchange_decide(struct exchange *exchange, unsigned status, struct MHD_Response *response)
{
    pthread_mutex_lock(&exchange->http->lock);
    bool is_first = atomic_load(&exchange->state) != EXCHANGE_ANSWERED;
    bool was_waiting = atomic_load(&exchange->state) == EXCHANGE_WAITING;
    if (is_first) {
        // Without a response (no memory) the connection is cut when it is resumed.
        exchange->response = response;
        exchange->status = status;
        atomic_store(&exchange->state, EXCHANGE_ANSWERED);
    }
    // Nobody else resumes it, so the connection is still there. Under the lock, because
    // http_close() must not pass between the two.
    if (was_waiting)
        http_loop_resume(exchange);
    pthread_mutex_unlock(&exchange->http->lock);
    if (!is_first && response != NULL)
        MHD_destroy_response(response);
    return is_first;
}

bool http_exchange_settle(struct exchange *exchange, const struct http_answer *answer)
{
    // Cheap look first: most late answers come long after.
    if (atomic_load(&exchange->state) == EXCHANGE_ANSWERED)
        return false;
    // The library copies it: MUST_COPY.
    struct MHD_Response *response = MHD_create_response_from_buffer(
        answer->body.len, (void *)(uintptr_t)answer->body.data, MHD_RESPMEM_MUST_COPY);
    return http_exchange_decide(exchange, answer->status, http_exchange_headers(response, answer));
}

static struct slice refusal_text(const struct http *http, const struct http_refusal *refusal,
                                 char room[REFUSAL_LEN_MAX])
{
    if (http->options.refuse != NULL)
        return http->options.refuse(http->options.ctx, refusal, room, REFUSAL_LEN_MAX);
    return slice_of_text(refusal->detail);
}

bool http_exchange_refuse(struct exchange *exchange, const struct http_refusal *refusal)
{
    struct http *http = exchange->http;
    char room[REFUSAL_LEN_MAX];
    char allowed[128];
    char detail[192];
    struct http_refusal told = *refusal;
    struct http_header headers[3];
    uint32_t count = 0;
    if (refusal->error == ERR_METHOD) {
        const char *end = strchr(exchange->target, '?');
        size_t len = end != NULL ? (size_t)(end - exchange->target) : exchange->target_len;
        route_allowed(&http->table, slice_of(exchange->target, len), allowed, sizeof allowed);
        headers[count++] = (struct http_header){"Allow", allowed};
        (void)snprintf(detail, sizeof detail, "%s: %s", refusal->detail, allowed);
        told.detail = detail;
    }
    if (refusal->status == 503)
        headers[count++] = (struct http_header){"Retry-After", "1"};
    // What follows on this connection may not be what the client means by it.
    if (refusal->error == ERR_MALFORMED || exchange->stage == STAGE_HEAD)
        headers[count++] = (struct http_header){"Connection", "close"};
    (void)atomic_fetch_add(&http->refused_count, 1);
    const char *type = http->options.refuse != NULL ? http->options.refuse_type : "text/plain";
    return http_exchange_settle(exchange, &(struct http_answer){
                                              .status = refusal->status,
                                              .content_type = type,
                                              .body = refusal_text(http, &told, room),
                                              .headers = headers,
                                              .header_count = count,
                                          });
}

const struct http_refusal http_stopping = {
    .error = ERR_SHUTTING_DOWN,
    .status = 504, // the owner may have acted on it already
    .detail = "the server is stopping; whether the request took effect is not known",
};

void http_exchange_suspend(struct exchange *exchange)
{
    struct http *http = exchange->http;
    // Suspended before the state says so: whoever then answers resumes what is really suspended.
    MHD_suspend_connection(exchange->mhd);
    pthread_mutex_lock(&http->lock);
    bool is_answered = atomic_load(&exchange->state) == EXCHANGE_ANSWERED;
    bool is_closing = http->is_closing;
    if (!is_answered)
        atomic_store(&exchange->state, EXCHANGE_WAITING);
    pthread_mutex_unlock(&http->lock);
    if (is_answered)
        http_loop_resume(exchange);
    else if (is_closing)
        (void)http_exchange_refuse(exchange, &http_stopping);
}

void http_answer(struct http_request *request, const struct http_answer *answer)
{
    struct exchange *exchange = (struct exchange *)request;
    (void)http_exchange_settle(exchange, answer);
    (void)atomic_fetch_sub(&exchange->http->waiting_count, 1);
    http_exchange_drop(exchange);
}

bool http_is_wanted(struct http_request *request)
{
    struct exchange *exchange = (struct exchange *)request;
    // Under the lock a waiting one keeps its connection.
    pthread_mutex_lock(&exchange->http->lock);
    int state = atomic_load(&exchange->state);
    bool is_gone = state == EXCHANGE_ANSWERED;
    if (state == EXCHANGE_WAITING) {
        // Whatever the client has sent before it went, also the end of its TLS, lies unread.
        struct pollfd item = {.fd = exchange->connection->fd, .events = POLLRDHUP};
        is_gone = poll(&item, 1, 0) > 0;
    }
    pthread_mutex_unlock(&exchange->http->lock);
    return !is_gone;
}
