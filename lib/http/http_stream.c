// Answers that go on. What the client has not taken waits in the exchange's body; while nothing
// waits the connection is suspended, so that it costs nothing.

#include "lib/http/http_private.h"

#include <stdlib.h>
#include <sys/types.h>

// The library makes a buffer of this length for each answer; it fills chunks in another one, so only
// clients of HTTP/1.0 get their answer in pieces of it.
enum { BLOCK_LEN = 1024 };

// Whoever waits long holds no memory for what was sent.
static void give_back(struct exchange *exchange)
{
    (void)atomic_fetch_sub(&exchange->http->buffered_bytes, exchange->body_cap);
    free(exchange->body);
    exchange->body = NULL;
    exchange->body_cap = exchange->body_len = exchange->body_sent = 0;
}

static size_t take(struct exchange *exchange, char *room, size_t cap)
{
    uint64_t left = exchange->body_len - exchange->body_sent;
    size_t len = left < cap ? (size_t)left : cap;
    memcpy(room, exchange->body + exchange->body_sent, len);
    exchange->body_sent += len;
    if (exchange->body_sent == exchange->body_len)
        give_back(exchange);
    return len;
}

// Moves what is left to the front once it is less than what was sent, so that each byte is moved
// once on average.
static void close_up(struct exchange *exchange)
{
    uint64_t left = exchange->body_len - exchange->body_sent;
    if (exchange->body_sent <= left)
        return;
    memmove(exchange->body, exchange->body + exchange->body_sent, (size_t)left);
    exchange->body_len = left;
    exchange->body_sent = 0;
}

static bool put(struct exchange *exchange, struct slice piece)
{
    close_up(exchange);
    return piece.len <= exchange->body_expected - exchange->body_len &&
           http_exchange_append(exchange, piece.data, piece.len);
}

// Called in the connection's thread whenever the client has taken what it got before.
static ssize_t read_on(void *ctx, uint64_t at, char *room, size_t cap)
{
    struct exchange *exchange = ctx;
    struct http *http = exchange->http;
    ssize_t len = 0;
    (void)at;
    pthread_mutex_lock(&http->lock);
    if (exchange->body_len > 0) {
        http_sweep_deadline(exchange->connection, http->limits.send_ms);
        len = (ssize_t)take(exchange, room, cap);
    } else if (exchange->is_ended || http->is_closing) {
        len = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        // Nothing is under way that could be late.
        http_sweep_deadline(exchange->connection, WHEN_NEVER);
        exchange->is_parked = true;
        MHD_suspend_connection(exchange->mhd);
    }
    pthread_mutex_unlock(&http->lock);
    return len;
}

void http_stream_unpark(struct exchange *exchange)
{
    if (!exchange->is_parked)
        return;
    exchange->is_parked = false;
    http_sweep_deadline(exchange->connection, exchange->http->limits.send_ms);
    http_loop_resume(exchange);
}

void http_stream_over(struct exchange *exchange)
{
    exchange->is_over = true;
}

void http_stream_begin(struct http_request *request, const struct http_answer *head)
{
    struct exchange *exchange = (struct exchange *)request;
    struct http *http = exchange->http;
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_LEN, read_on, exchange, NULL);
    (void)atomic_fetch_add(&http->stream_count, 1);
    pthread_mutex_lock(&http->lock);
    exchange->is_stream = true;
    give_back(exchange);
    exchange->body_expected = http->limits.stream_bytes_max;
    bool has_room = put(exchange, head->body);
    pthread_mutex_unlock(&http->lock);
    response = http_exchange_headers(response, head);
    bool is_first = http_exchange_decide(exchange, head->status, response);
    pthread_mutex_lock(&http->lock);
    // Without memory nothing more arrives; nor when it was given up before.
    exchange->is_over = exchange->is_over || !has_room || response == NULL || !is_first;
    pthread_mutex_unlock(&http->lock);
}

bool http_stream_put(struct http_request *request, struct slice piece)
{
    struct exchange *exchange = (struct exchange *)request;
    pthread_mutex_lock(&exchange->http->lock);
    CHECK(exchange->is_stream && !exchange->is_ended);
    bool goes_on = !exchange->is_over && !exchange->http->is_closing && put(exchange, piece);
    if (goes_on)
        http_stream_unpark(exchange);
    pthread_mutex_unlock(&exchange->http->lock);
    return goes_on;
}

void http_stream_end(struct http_request *request)
{
    struct exchange *exchange = (struct exchange *)request;
    pthread_mutex_lock(&exchange->http->lock);
    CHECK(exchange->is_stream && !exchange->is_ended);
    exchange->is_ended = true;
    http_stream_unpark(exchange);
    pthread_mutex_unlock(&exchange->http->lock);
    (void)atomic_fetch_sub(&exchange->http->stream_count, 1);
    (void)atomic_fetch_sub(&exchange->http->waiting_count, 1);
    http_exchange_drop(exchange);
}
