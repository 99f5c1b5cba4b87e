// The threads that serve.

#include "lib/http/http_private.h"
#include "lib/sys/process.h"

#include <poll.h>
#include <stdlib.h>

void http_loop_ring(struct loop *loop)
{
    if (!atomic_exchange(&loop->is_rung, true))
        wake_ring(&loop->wake);
}

void http_loop_resume(struct exchange *exchange)
{
    MHD_resume_connection(exchange->mhd);
    // The library's own bell is not enough: it may be cleared in the same turn in which the
    // connection was looked for too early.
    http_loop_ring(exchange->loop);
}

// Until the library has something to do; -1: until something happens.
static int wait_ms(struct loop *loop)
{
    MHD_UNSIGNED_LONG_LONG ms;
    return MHD_get_timeout(loop->daemon, &ms) == MHD_YES ? (ms > 1000 ? 1000 : (int)ms) : -1;
}

static void tell_owner(struct loop *loop)
{
    const struct http_options *options = &loop->http->options;
    if (loop->has_handed_over && options->turned != NULL)
        options->turned(options->ctx);
    loop->has_handed_over = false;
}

static void *run(void *ctx)
{
    struct loop *loop = ctx;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(loop->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    CHECK(info != NULL);
    process_name("http");
    struct pollfd items[] = {
        {.fd = info->epoll_fd, .events = POLLIN},
        {.fd = loop->wake.fd, .events = POLLIN},
    };
    while (!atomic_load(&loop->is_ending)) {
        (void)poll(items, 2, wait_ms(loop)); // an interruption is a turn for nothing
        wake_clear(&loop->wake);
        atomic_store(&loop->is_rung, false);
        (void)MHD_run_wait(loop->daemon, 0); // it fails only when it has been stopped
        tell_owner(loop);
    }
    return NULL;
}

err http_loop_start(struct http *http, struct MHD_Daemon *(*serve)(struct loop *loop))
{
    uint32_t count = http->limits.thread_count;
    http->loops = calloc(count, sizeof *http->loops);
    if (http->loops == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < count; i++)
        http->loops[i] = (struct loop){.http = http, .wake = {.fd = -1}};
    http->loop_count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct loop *loop = &http->loops[i];
        err e = wake_open(&loop->wake);
        if (e != OK)
            return e;
        loop->daemon = serve(loop);
        loop->has_thread =
            loop->daemon != NULL && pthread_create(&loop->thread, NULL, run, loop) == 0;
        if (!loop->has_thread)
            return ERR_SYSTEM;
    }
    return OK;
}

void http_loop_stop(struct http *http)
{
    for (uint32_t i = 0; i < http->loop_count; i++) {
        struct loop *loop = &http->loops[i];
        atomic_store(&loop->is_ending, true);
        if (loop->wake.fd >= 0)
            wake_ring(&loop->wake);
        if (loop->has_thread)
            (void)pthread_join(loop->thread, NULL);
        if (loop->daemon != NULL)
            MHD_stop_daemon(loop->daemon);
        if (loop->wake.fd >= 0)
            wake_close(&loop->wake);
    }
    // Exchanges that are still held do not look at their loop any more.
    free(http->loops);
    http->loops = NULL;
    http->loop_count = 0;
}
