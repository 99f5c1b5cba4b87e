// The server: libmicrohttpd's callbacks, opening and closing.

#include "lib/http/http.h"

#include "lib/http/http_private.h"
#include "lib/sys/clock.h"
#include "lib/sys/log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { MIB = 1024 * 1024, ANSWER_MS = 30000, DRAIN_S = 1 };

// --- what libmicrohttpd calls ---

static struct connection *connection_of(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    CHECK(info != NULL && info->socket_context != NULL);
    return info->socket_context;
}

static void connection_add(struct http *http, struct MHD_Connection *mhd, void **out_connection)
{
    struct connection *connection = calloc(1, sizeof *connection);
    CHECK(connection !=
          NULL); // the callback cannot refuse; a hundred bytes are there or nothing is
    connection->http = http;
    connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    http_sweep_deadline(connection, http->limits.idle_ms);
    pthread_mutex_lock(&http->lock);
    connection->next = http->connections;
    if (connection->next != NULL)
        connection->next->previous = connection;
    else
        (void)pthread_cond_signal(&http->news); // the sweep was asleep
    http->connections = connection;
    pthread_mutex_unlock(&http->lock);
    (void)atomic_fetch_add(&http->open_count, 1);
    (void)atomic_fetch_add(&http->total_count, 1);
    *out_connection = connection;
}

static void connection_remove(struct connection *connection)
{
    struct http *http = connection->http;
    pthread_mutex_lock(&http->lock);
    CHECK(connection->exchange == NULL);
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        http->connections = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    pthread_mutex_unlock(&http->lock);
    (void)atomic_fetch_sub(&http->open_count, 1);
    free(connection);
}

static void on_connection(void *ctx, struct MHD_Connection *mhd, void **connection,
                          enum MHD_ConnectionNotificationCode code)
{
    struct loop *loop = ctx;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        connection_add(loop->http, mhd, connection);
    else if (*connection != NULL)
        connection_remove(*connection);
    // At its limit the library stops listening, and begins again with the turn after this one.
    if (code == MHD_CONNECTION_NOTIFY_CLOSED)
        http_loop_ring(loop);
}

// The first line of a request is there. The library has not touched the target yet.
static void *on_target(void *ctx, const char *target, struct MHD_Connection *mhd)
{
    struct loop *loop = ctx;
    struct exchange *exchange = http_exchange_new(loop, mhd, target);
    if (exchange == NULL)
        return NULL;
    exchange->connection = connection_of(mhd);
    http_sweep_deadline(exchange->connection, loop->http->limits.head_ms);
    return exchange;
}

static size_t keep_escaped(void *ctx, struct MHD_Connection *mhd, char *text)
{
    (void)ctx;
    (void)mhd;
    return strlen(text);
}

static enum MHD_Result send_answer(struct exchange *exchange)
{
    if (exchange->response == NULL)
        return MHD_NO; // there was no memory for it: the connection is closed
    http_sweep_deadline(exchange->connection, exchange->http->limits.send_ms);
    return MHD_queue_response(exchange->mhd, exchange->status, exchange->response);
}

static enum MHD_Result refuse_now(struct exchange *exchange)
{
    if (atomic_load(&exchange->state) != EXCHANGE_ANSWERED)
        (void)http_exchange_refuse(exchange, &exchange->refusal);
    return send_answer(exchange);
}

// Lends the request to the owner.
static void lend(struct exchange *exchange)
{
    (void)atomic_fetch_add(&exchange->holders, 1);
    (void)atomic_fetch_add(&exchange->http->waiting_count, 1);
}

// Asks the owner; false when it has answered.
static bool is_admitted(struct exchange *exchange)
{
    struct http *http = exchange->http;
    if (http->options.admit == NULL)
        return true;
    lend(exchange);
    if (!http->options.admit(http->options.ctx, &exchange->request)) {
        CHECK(atomic_load(&exchange->state) == EXCHANGE_ANSWERED);
        return false;
    }
    // It has not been answered, so nobody has given it up.
    (void)atomic_fetch_sub(&http->waiting_count, 1);
    http_exchange_drop(exchange);
    return true;
}

static enum MHD_Result begin(struct exchange *exchange, const char *method, const char *version)
{
    struct http *http = exchange->http;
    bool read_on = false;
    err e = http_head_read(exchange, method, version, &read_on);
    bool goes_on = e == OK && is_admitted(exchange);
    if (!goes_on && !read_on)
        return refuse_now(exchange);
    exchange->stage = goes_on ? STAGE_BODY : STAGE_DISCARD;
    exchange->body_began = clock_mono_ms();
    http_sweep_deadline(exchange->connection, http->limits.body_ms);
    return MHD_YES;
}

// Each MiB that has come buys one second more.
static void go_on(struct exchange *exchange, uint64_t before)
{
    uint64_t whole = exchange->body_len / MIB;
    if (whole == before / MIB)
        return;
    when_ms spent = clock_mono_ms() - exchange->body_began;
    http_sweep_deadline(exchange->connection,
                        exchange->http->limits.body_ms + (when_ms)whole * 1000 - spent);
}

static void take_body(struct exchange *exchange, const char *data, size_t len)
{
    if (exchange->stage == STAGE_DISCARD)
        return;
    bool is_too_long = len > exchange->body_expected - exchange->body_len;
    uint64_t before = exchange->body_len;
    if (!is_too_long && http_exchange_append(exchange, data, len)) {
        go_on(exchange, before);
        return;
    }
    exchange->stage = STAGE_DISCARD;
    exchange->refusal =
        is_too_long
            ? (struct http_refusal){ERR_TOO_LARGE, 413,
                                    "the body is larger than this resource takes"}
            : (struct http_refusal){ERR_NO_MEMORY, 503, "too many bytes are buffered; retry later"};
}

// The request is complete: it becomes the owner's.
static enum MHD_Result hand_over(struct exchange *exchange)
{
    struct http *http = exchange->http;
    const struct http_route *route = &http->options.routes[exchange->request.route];
    exchange->stage = STAGE_OWNED;
    exchange->request.body = slice_of(exchange->body, (size_t)exchange->body_len);
    http_sweep_deadline(exchange->connection,
                        route->answer_ms_max > 0 ? route->answer_ms_max : ANSWER_MS);
    pthread_mutex_lock(&http->lock);
    exchange->connection->exchange = exchange;
    pthread_mutex_unlock(&http->lock);
    lend(exchange);
    exchange->loop->has_handed_over = true;
    http->options.handler(http->options.ctx, &exchange->request);
    if (atomic_load(&exchange->state) == EXCHANGE_ANSWERED)
        return send_answer(exchange);
    http_exchange_suspend(exchange);
    return MHD_YES;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_len, void **context)
{
    struct exchange *exchange = *context;
    (void)ctx;
    (void)mhd;
    (void)url;
    if (exchange == NULL)
        return MHD_NO; // no memory for it
    switch (exchange->stage) {
    case STAGE_HEAD: return begin(exchange, method, version);
    case STAGE_BODY:
    case STAGE_DISCARD:
        if (*data_len > 0) {
            take_body(exchange, data, *data_len);
            *data_len = 0;
            return MHD_YES;
        }
        return exchange->stage == STAGE_BODY ? hand_over(exchange) : refuse_now(exchange);
    case STAGE_OWNED:
        CHECK(atomic_load(&exchange->state) == EXCHANGE_ANSWERED);
        return send_answer(exchange);
    }
    UNREACHABLE();
}

static void on_completed(void *ctx, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode code)
{
    struct exchange *exchange = *context;
    (void)ctx;
    (void)mhd;
    (void)code;
    *context = NULL;
    if (exchange == NULL)
        return;
    struct http *http = exchange->http;
    pthread_mutex_lock(&http->lock);
    exchange->connection->exchange = NULL;
    http_stream_over(exchange);
    if (http->is_closing)
        (void)pthread_cond_signal(&http->news);
    pthread_mutex_unlock(&http->lock);
    http_sweep_deadline(exchange->connection, http->limits.idle_ms);
    http_exchange_drop(exchange);
}

static void on_panic(void *ctx, const char *file, unsigned line, const char *reason)
{
    (void)ctx;
    log_error("http.panic", "place=%s:%u reason=%s", file, line,
              log_quote_text(reason != NULL ? reason : "").text);
    abort();
}

// --- opening and closing ---

static void apply_defaults(struct http_limits *limits)
{
    struct {
        uint32_t *limit;
        uint32_t value;
    } defaults[] = {
        {&limits->thread_count, 1},         {&limits->connection_count_max, 4096},
        {&limits->waiting_count_max, 4096}, {&limits->head_len_max, 16 * 1024},
        {&limits->idle_ms, 60000},          {&limits->head_ms, 10000},
        {&limits->body_ms, 30000},          {&limits->send_ms, 60000},
    };
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        if (*defaults[i].limit == 0)
            *defaults[i].limit = defaults[i].value;
    }
    if (limits->stream_bytes_max == 0)
        limits->stream_bytes_max = 4u * MIB;
    if (limits->buffered_bytes_max == 0)
        limits->buffered_bytes_max = 256u * MIB;
}

void http_drop(struct http *http)
{
    int before = atomic_fetch_sub(&http->holders, 1);
    CHECK(before > 0);
    if (before > 1)
        return;
    (void)pthread_cond_destroy(&http->news);
    (void)pthread_mutex_destroy(&http->lock);
    free(http);
}

static struct http *http_new(const struct http_options *options)
{
    struct http *http = calloc(1, sizeof *http);
    if (http == NULL)
        return NULL;
    http->options = *options;
    http->limits = options->limits;
    http->table = (struct route_table){options->routes, options->route_count};
    apply_defaults(&http->limits);
    atomic_init(&http->holders, 1);
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&http->lock, NULL);
    (void)pthread_cond_init(&http->news, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    return http;
}

static const char tls_versions[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

// The library's part of one loop. Each closes a listening descriptor of its own when it stops.
static struct MHD_Daemon *serve(struct loop *loop)
{
    const struct http_limits *limits = &loop->http->limits;
    bool is_tls = loop->http->options.is_tls;
    const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, http_tls_callback()},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)tls_versions},
        {MHD_OPTION_END, 0, NULL},
    };
    uint32_t share = limits->connection_count_max / limits->thread_count;
    int fd = fcntl(loop->http->socket.fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return NULL;
    MHD_set_panic_func(on_panic, NULL);
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (is_tls ? MHD_USE_TLS : 0), 0,
                         NULL, NULL, on_request, loop, MHD_OPTION_ARRAY, is_tls ? tls : none,  //
                         MHD_OPTION_LISTEN_SOCKET, fd,                                         //
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)(share > 0 ? share : 1),       //
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)limits->head_len_max * 2, //
                         MHD_OPTION_CONNECTION_TIMEOUT, 0u,                                    //
                         MHD_OPTION_NOTIFY_CONNECTION, on_connection, loop,                    //
                         MHD_OPTION_NOTIFY_COMPLETED, on_completed, loop,                      //
                         MHD_OPTION_URI_LOG_CALLBACK, on_target, loop,                         //
                         MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL,                     //
                         MHD_OPTION_END);
    if (daemon == NULL)
        (void)close(fd);
    return daemon;
}

err http_open(const struct http_options *options, struct http **out_http)
{
    struct http *http = http_new(options);
    if (http == NULL)
        return ERR_NO_MEMORY;
    err e = listen_open(options->endpoint, &http->socket);
    if (e != OK) {
        http_drop(http);
        return e;
    }
    if (pthread_create(&http->sweeper, NULL, http_sweep_run, http) != 0) {
        (void)close(http->socket.fd);
        http_drop(http);
        return ERR_SYSTEM;
    }
    e = http_loop_start(http, serve);
    if (e != OK) {
        http_close(http);
        return e;
    }
    *out_http = http;
    return OK;
}

// Takes one waiting request, with a hold on it; NULL when none waits.
static struct exchange *take_waiting(struct http *http)
{
    struct exchange *found = NULL;
    pthread_mutex_lock(&http->lock);
    for (struct connection *at = http->connections; at != NULL && found == NULL; at = at->next) {
        if (at->exchange != NULL && atomic_load(&at->exchange->state) == EXCHANGE_WAITING)
            found = at->exchange;
    }
    if (found != NULL)
        (void)atomic_fetch_add(&found->holders, 1);
    pthread_mutex_unlock(&http->lock);
    return found;
}

static bool has_exchange(const struct http *http)
{
    for (const struct connection *at = http->connections; at != NULL; at = at->next) {
        if (at->exchange != NULL)
            return true;
    }
    return false;
}

// Gives the answers a moment to leave; the library drops what it has not sent when it stops.
static void drain(struct http *http)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += DRAIN_S;
    pthread_mutex_lock(&http->lock);
    int waited = 0;
    while (waited == 0 && has_exchange(http))
        waited = pthread_cond_timedwait(&http->news, &http->lock, &until);
    pthread_mutex_unlock(&http->lock);
}

void http_close(struct http *http)
{
    if (http == NULL)
        return;
    pthread_mutex_lock(&http->lock);
    http->is_closing = true;
    for (struct connection *at = http->connections; at != NULL; at = at->next) {
        if (at->exchange != NULL)
            http_stream_unpark(at->exchange);
    }
    (void)pthread_cond_signal(&http->news);
    pthread_mutex_unlock(&http->lock);
    (void)pthread_join(http->sweeper, NULL);
    // Stopping the library with suspended connections is undefined, so none is left suspended;
    // from now on nothing suspends any more.
    for (struct exchange *at = take_waiting(http); at != NULL; at = take_waiting(http)) {
        (void)http_exchange_refuse(at, &http_stopping);
        http_exchange_drop(at);
    }
    drain(http);
    http_loop_stop(http);
    (void)close(http->socket.fd);
    http_drop(http);
}

const char *http_endpoint(const struct http *http)
{
    return http->socket.endpoint;
}

void http_figures(const struct http *http, struct http_figures *out_figures)
{
    *out_figures = (struct http_figures){
        .connections_open = atomic_load(&http->open_count),
        .connections_total = atomic_load(&http->total_count),
        .requests_waiting = atomic_load(&http->waiting_count),
        .buffered_bytes = atomic_load(&http->buffered_bytes),
        .refused_total = atomic_load(&http->refused_count),
        .deadlines_total = atomic_load(&http->deadline_count),
        .streams_open = atomic_load(&http->stream_count),
    };
}
