// The total deadlines: one thread looks twice a second at every connection, because the library's
// own timeout starts over with each byte and does not hold for suspended connections.

#include "lib/http/http_private.h"

#include "lib/sys/clock.h"
#include "lib/sys/process.h"

#include <sys/socket.h>

enum { SWEEP_MS = 500, SWEEP_BATCH = 64 };

void http_sweep_deadline(struct connection *connection, when_ms span)
{
    atomic_store_explicit(&connection->deadline, when_after(clock_mono_ms(), span),
                          memory_order_relaxed);
}

static const struct http_refusal too_late = {
    .error = ERR_TIMEOUT,
    .status = 504,
    .detail = "no answer in time; whether the request took effect is not known",
};

// Cuts what is late and not waiting; collects what waits, with a hold on each. Under the lock.
static uint32_t collect(struct http *http, when_ms now, struct exchange *late[SWEEP_BATCH])
{
    uint32_t count = 0;
    for (struct connection *at = http->connections; at != NULL; at = at->next) {
        if (atomic_load_explicit(&at->deadline, memory_order_relaxed) > now)
            continue;
        struct exchange *exchange = at->exchange;
        bool is_waiting = exchange != NULL && atomic_load(&exchange->state) == EXCHANGE_WAITING;
        if (is_waiting && count == SWEEP_BATCH)
            continue; // the next round has it
        (void)atomic_fetch_add(&http->deadline_count, 1);
        if (is_waiting) {
            (void)atomic_fetch_add(&exchange->holders, 1);
            http_sweep_deadline(at, http->limits.send_ms);
            late[count++] = exchange;
        } else {
            // The descriptor is open until the library has told us that the connection is closed.
            // It then finds the end of the stream and closes it.
            (void)shutdown(at->fd, SHUT_RDWR);
            atomic_store_explicit(&at->deadline, WHEN_NEVER, memory_order_relaxed);
        }
    }
    return count;
}

static void sweep(struct http *http)
{
    struct exchange *late[SWEEP_BATCH];
    pthread_mutex_lock(&http->lock);
    uint32_t count = collect(http, clock_mono_ms(), late);
    pthread_mutex_unlock(&http->lock);
    for (uint32_t i = 0; i < count; i++) {
        (void)http_exchange_refuse(late[i], &too_late);
        http_exchange_drop(late[i]);
    }
}

// Until the next round, or for as long as there is no connection. False when the server closes.
static bool rest(struct http *http)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)SWEEP_MS * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&http->lock);
    int waited = 0;
    while (!http->is_closing && waited == 0) {
        if (http->connections == NULL)
            (void)pthread_cond_wait(&http->news, &http->lock);
        else
            waited = pthread_cond_timedwait(&http->news, &http->lock, &until);
    }
    bool goes_on = !http->is_closing;
    pthread_mutex_unlock(&http->lock);
    return goes_on;
}

void *http_sweep_run(void *http)
{
    process_name("http-sweep");
    while (rest(http))
        sweep(http);
    return NULL;
}
