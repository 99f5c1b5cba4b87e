#pragma once

// What the files of the HTTP seam share: the server, its connections, and the exchange (one
// request and its answer). Included by lib/http/http*.c only.
//
// An exchange is held twice: by the owner from the handler's call until http_answer(), by the
// server until libmicrohttpd has completed it. Whoever gives up last frees it.
//
//            ┌──────── http_answer(), sweep, close ───────┐
//            ▼                                            │
//   ANSWERED ◀── HANDLING ──▶ WAITING (suspended) ────────┘ resumes the connection
//   The first to reach ANSWERED decides what is sent; later answers are dropped.

#include "lib/http/http.h"
#include "lib/http/listen.h"
#include "lib/http/route.h"
#include "lib/sys/wake.h"

#include <microhttpd.h>

#include <pthread.h>
#include <stdatomic.h>

enum exchange_state { EXCHANGE_HANDLING, EXCHANGE_WAITING, EXCHANGE_ANSWERED };

enum exchange_stage {
    STAGE_HEAD,    // nothing judged yet
    STAGE_BODY,    // reading the body
    STAGE_DISCARD, // reading it only to throw it away: `refusal` follows
    STAGE_OWNED,   // handed over
};

// A thread with its part of the connections. The library's own threads are not used: with 128
// events at once its loop waits for more before it serves them, and nobody may ever come. Here
// one poll waits, and the library only ever looks without waiting.
struct loop {
    struct http *http;
    struct MHD_Daemon *daemon;
    pthread_t thread;
    bool has_thread;
    struct wake wake;
    _Atomic bool is_rung; // since the loop last began a turn: spares system calls
    _Atomic bool is_ending;
    bool has_handed_over; // in this turn; its thread's
};

struct exchange {
    struct http_request request; // first: the owner's pointer is ours
    struct http *http;
    struct loop *loop;
    struct connection *connection;
    struct MHD_Connection *mhd; // valid while the server holds the exchange
    enum exchange_stage stage;
    _Atomic int state;
    _Atomic int holders;
    struct MHD_Response *response; // written before the state becomes ANSWERED
    unsigned status;
    struct http_refusal refusal;
    char *target; // a copy, as sent
    size_t target_len;
    const char *target_at; // where it lay in the head
    uint8_t *body;
    uint64_t body_cap;
    uint64_t body_len;
    uint64_t body_expected; // the Content-Length, or the route's cap
    when_ms body_began;
    char *head_text; // the headers of interest
    // An answer that goes on keeps in `body` what its client has not taken; under http->lock.
    bool is_stream;
    uint64_t body_sent; // the part of `body` that the client has taken
    bool is_parked;     // nothing to send: the connection is suspended
    bool is_ended;      // by the owner
    bool is_over;       // the library has completed the request
};

struct connection {
    struct connection *previous;
    struct connection *next;
    struct http *http;
    int fd;
    _Atomic int64_t deadline;  // monotonic; what happens then depends on `exchange`
    struct exchange *exchange; // handed over and not completed; under http->lock
};

struct http {
    struct loop *loops;
    uint32_t loop_count;
    struct http_options options;
    struct http_limits limits;
    struct route_table table;
    struct listen_socket socket;
    pthread_mutex_t lock; // connections, their `exchange`, is_closing
    pthread_cond_t news;
    pthread_t sweeper;
    struct connection *connections;
    bool is_closing;
    _Atomic int holders; // the owner of the server, and every exchange
    _Atomic uint64_t open_count;
    _Atomic uint64_t total_count;
    _Atomic uint64_t waiting_count;
    _Atomic uint64_t buffered_bytes;
    _Atomic uint64_t refused_count;
    _Atomic uint64_t deadline_count;
    _Atomic uint64_t stream_count;
};

// --- http_exchange.c ---

// NULL when out of memory.
struct exchange *http_exchange_new(struct loop *loop, struct MHD_Connection *mhd,
                                   const char *target);
// Gives up one hold.
void http_exchange_drop(struct exchange *exchange);
// Adds to the body; false when there is no memory or no room for it.
bool http_exchange_append(struct exchange *exchange, const void *data, size_t len);
// Decides the answer if nothing has decided it before; true when it did. Any thread.
bool http_exchange_settle(struct exchange *exchange, const struct http_answer *answer);
// The same with a response that is made already, which becomes the exchange's or is given up.
bool http_exchange_decide(struct exchange *exchange, unsigned status,
                          struct MHD_Response *response);
// Gives `response` the headers of `answer`; NULL, and the response is given up, without memory.
struct MHD_Response *http_exchange_headers(struct MHD_Response *response,
                                           const struct http_answer *answer);
// The same with a refusal of the server itself.
bool http_exchange_refuse(struct exchange *exchange, const struct http_refusal *refusal);
// What waiting requests are told when the server closes.
extern const struct http_refusal http_stopping;
// Lets the connection wait for the answer, unless it is there already.
void http_exchange_suspend(struct exchange *exchange);

// --- http_head.c ---

// Judges the head and prepares the request. OK, or the refusal is in exchange->refusal.
// `out_read_on` says whether the body may be read and thrown away if the request is refused, here or
// by its owner, so that the connection lives.
MUST_USE err http_head_read(struct exchange *exchange, const char *method, const char *version,
                            bool *out_read_on);

// --- http_stream.c; under http->lock ---

// The library has completed the request.
void http_stream_over(struct exchange *exchange);
// Lets a parked one go on, so that it finds that the server closes.
void http_stream_unpark(struct exchange *exchange);

// --- http_sweep.c ---

void *http_sweep_run(void *http);
void http_sweep_deadline(struct connection *connection, when_ms span);

// --- http_tls.c ---

// For the library, which asks it for a certificate at each handshake.
void *http_tls_callback(void);

// --- http_loop.c ---

// Starts all threads; `serve` makes the library's part of each.
MUST_USE err http_loop_start(struct http *http, struct MHD_Daemon *(*serve)(struct loop *loop));
// Ends those that were started. Nothing is suspended any more.
void http_loop_stop(struct http *http);
// A whole turn of the loop follows. Any thread.
void http_loop_ring(struct loop *loop);
// Resumes a suspended connection. Any thread.
void http_loop_resume(struct exchange *exchange);

// --- http.c ---

void http_drop(struct http *http);
