// The lessor's thread.

#include "gateway/shell/lessor.h"

#include "gateway/shell/lessor_private.h"
#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "lib/sys/memory.h"
#include "lib/sys/process.h"
#include "lib/sys/wake.h"
#include "proto/wire.h"

#include <pthread.h>
#include <stdlib.h>

enum { REST_MS = 500, BYE_WAIT_MS = 1000 };

static void fail(struct lessor_ask *ask, err e)
{
    ask->done(ask, &(struct lessor_result){.error = e});
}

static struct lessor_ask *collect(struct lessor *lessor, bool *out_goes_on)
{
    pthread_mutex_lock(&lessor->lock);
    struct lessor_ask *arrivals = lessor->arrivals;
    lessor->arrivals = lessor->arrivals_last = NULL;
    *out_goes_on = !lessor->is_closing;
    pthread_mutex_unlock(&lessor->lock);
    return arrivals;
}

static void take_all(struct lessor *lessor, struct lessor_ask *asks, when_ms now)
{
    while (asks != NULL) {
        struct lessor_ask *ask = asks;
        asks = ask->next;
        struct lessor_pool *pool = lessor_pool_for(lessor, ask);
        if (pool == NULL && ask->wish == NULL)
            ask->done(ask, &(struct lessor_result){.error = ERR_STALE_LEASE, .is_unheld = true});
        else if (pool == NULL)
            fail(ask, ERR_FULL);
        else
            lessor_pool_take(lessor, pool, ask, now);
    }
}

// Until a set has something to do.
static void rest(struct lessor *lessor, when_ms now)
{
    struct link_wait items[LESSOR_POOLS_MAX + 1] = {{.fd = lessor->wake->fd}};
    uint32_t count = 1;
    when_ms span = -1;
    for (uint32_t i = 0; i < LESSOR_POOLS_MAX; i++) {
        const struct lessor_pool *pool = lessor->pools[i];
        if (pool == NULL)
            continue;
        items[count++] = (struct link_wait){.link = pool->link};
        when_ms wait = peer_wait_ms(&pool->peer, now);
        wait = wait < 0 || wait > REST_MS ? REST_MS : wait;
        span = span < 0 ? wait : when_min(span, wait);
    }
    err e = link_wait(items, count, span);
    CHECK(e == OK);
    wake_clear(lessor->wake);
}

static void turn(struct lessor *lessor, when_ms now)
{
    for (uint32_t i = 0; i < LESSOR_POOLS_MAX; i++) {
        if (lessor->pools[i] == NULL)
            continue;
        lessor_pool_turn(lessor, lessor->pools[i], now);
        if (now - lessor->pools[i]->used_at >= LESSOR_IDLE_MS)
            lessor_pool_free(lessor, i);
    }
}

static void *run(void *ctx)
{
    struct lessor *lessor = ctx;
    process_name("lessor");
    bool goes_on = true;
    while (goes_on) {
        when_ms now = clock_mono_ms();
        take_all(lessor, collect(lessor, &goes_on), now);
        turn(lessor, now);
        if (goes_on)
            rest(lessor, now);
    }
    when_ms until = clock_mono_ms() + BYE_WAIT_MS;
    for (uint32_t i = 0; i < LESSOR_POOLS_MAX; i++) {
        if (lessor->pools[i] == NULL)
            continue;
        lessor_pool_bye(lessor, lessor->pools[i], until);
        lessor_pool_free(lessor, i);
    }
    return NULL;
}

void lessor_ask(struct lessor *lessor, struct lessor_ask *ask)
{
    CHECK(ask->tenant.len > 0 && (ask->wish == NULL || ask->wish->type_count > 0));
    ask->next = NULL;
    pthread_mutex_lock(&lessor->lock);
    bool is_closing = lessor->is_closing;
    if (!is_closing && lessor->arrivals_last != NULL)
        lessor->arrivals_last->next = ask;
    else if (!is_closing)
        lessor->arrivals = ask;
    if (!is_closing)
        lessor->arrivals_last = ask;
    pthread_mutex_unlock(&lessor->lock);
    if (is_closing)
        fail(ask, ERR_NO_BROKER);
    else
        wake_ring(lessor->wake);
}

static err make(struct lessor *lessor, const char *endpoint)
{
    size_t len = wire_arena_size(MSG_BYTES_MAX);
    lessor->in = (struct arena){.data = memory_reserve(len), .cap = len};
    lessor->out = (struct arena){.data = memory_reserve(len), .cap = len};
    lessor->endpoint = strdup(endpoint);
    if (lessor->in.data == NULL || lessor->out.data == NULL || lessor->endpoint == NULL)
        return ERR_NO_MEMORY;
    err e = wake_open(lessor->wake);
    if (e == OK)
        e = link_context_open(&lessor->context);
    if (e == OK && pthread_create(&lessor->thread, NULL, run, lessor) != 0)
        e = ERR_SYSTEM;
    return e;
}

static void unmake(struct lessor *lessor)
{
    if (lessor->context != NULL)
        link_context_close(lessor->context);
    if (lessor->wake->fd >= 0)
        wake_close(lessor->wake);
    (void)pthread_mutex_destroy(&lessor->lock);
    free(lessor->endpoint);
    memory_release(lessor->in.data, lessor->in.cap);
    memory_release(lessor->out.data, lessor->out.cap);
    free(lessor->wake);
    free(lessor);
}

err lessor_open(const char *endpoint, const struct link_curve *curve, struct lessor **out_lessor)
{
    struct lessor *lessor = calloc(1, sizeof *lessor);
    struct wake *wake = calloc(1, sizeof *wake);
    if (lessor == NULL || wake == NULL) {
        free(lessor);
        free(wake);
        return ERR_NO_MEMORY;
    }
    wake->fd = -1;
    lessor->wake = wake;
    (void)pthread_mutex_init(&lessor->lock, NULL);
    lessor->curve = curve;
    err e = make(lessor, endpoint);
    if (e == OK)
        *out_lessor = lessor;
    else
        unmake(lessor);
    return e;
}

void lessor_stop(struct lessor *lessor)
{
    pthread_mutex_lock(&lessor->lock);
    lessor->is_closing = true;
    pthread_mutex_unlock(&lessor->lock);
    wake_ring(lessor->wake);
    (void)pthread_join(lessor->thread, NULL);
    lessor->is_stopped = true;
}

void lessor_close(struct lessor *lessor)
{
    if (lessor == NULL)
        return;
    if (!lessor->is_stopped)
        lessor_stop(lessor);
    unmake(lessor);
}
