// What others know of the courier: asked, told, made, stopped.

#include "gateway/shell/courier_private.h"

#include "lib/base/check.h"
#include "lib/sys/blake.h"
#include "lib/sys/clock.h"
#include "lib/sys/memory.h"
#include "proto/wire.h"

#include <stdlib.h>

void courier_put(struct courier *courier, struct ask *ask)
{
    CHECK(ask->tenant.len > 0);
    ask->asked_at = clock_mono_ms();
    pthread_mutex_lock(&courier->lock);
    bool is_closing = courier->is_closing;
    if (!is_closing)
        ask_put(&courier->arrivals, ask);
    pthread_mutex_unlock(&courier->lock);
    if (is_closing)
        ask->done(ask, &(struct ask_result){.error = ERR_NO_BROKER});
}

void courier_send(struct courier *courier)
{
    pthread_mutex_lock(&courier->lock);
    bool is_due = courier->arrivals.first != NULL && !courier->is_rung;
    courier->is_rung = courier->is_rung || is_due;
    pthread_mutex_unlock(&courier->lock);
    if (is_due)
        wake_ring(&courier->wake);
}

void courier_ask(struct courier *courier, struct ask *ask)
{
    courier_put(courier, ask);
    courier_send(courier);
}

void courier_spools(struct courier *courier)
{
    atomic_store(&courier->spools, true);
}

void courier_on_return(struct courier *courier, courier_returned *returned, void *ctx)
{
    pthread_mutex_lock(&courier->lock);
    courier->returned = returned;
    courier->returned_ctx = ctx;
    pthread_mutex_unlock(&courier->lock);
}

bool courier_is_ready(const struct courier *courier)
{
    return atomic_load(&courier->is_ready);
}

void courier_figures(const struct courier *courier, struct courier_figures *out_figures)
{
    *out_figures = (struct courier_figures){
        .messages_sent = atomic_load(&courier->messages_sent),
        .jobs_sent = atomic_load(&courier->jobs_sent),
        .messages_repeated = atomic_load(&courier->messages_repeated),
        .welcomes = atomic_load(&courier->welcomes),
        .lineage = atomic_load(&courier->lineage),
        .unsent = atomic_load(&courier->unsent),
        .unsent_later = atomic_load(&courier->unsent_later),
    };
}

static err make(struct courier *courier, const char *endpoint)
{
    size_t arena_len = wire_arena_size(MSG_BYTES_MAX);
    courier->arena = (struct arena){.data = memory_reserve(arena_len), .cap = arena_len};
    courier->peer_memory = malloc(peer_size(COURIER_ASKS_MAX));
    courier->endpoint = strdup(endpoint);
    if (courier->arena.data == NULL || courier->peer_memory == NULL || courier->endpoint == NULL)
        return ERR_NO_MEMORY;
    blake_random(&courier->session, sizeof courier->session);
    peer_init(&courier->peer, courier->peer_memory, COURIER_ASKS_MAX, courier->session);
    err e = wake_open(&courier->wake);
    if (e == OK)
        e = link_context_open(&courier->context);
    if (e == OK)
        e = courier_loop_connect(courier);
    if (e == OK && pthread_create(&courier->thread, NULL, courier_loop_run, courier) != 0)
        e = ERR_SYSTEM;
    return e;
}

static void unmake(struct courier *courier)
{
    if (courier->link != NULL)
        link_close(courier->link);
    if (courier->context != NULL)
        link_context_close(courier->context);
    if (courier->wake.fd >= 0)
        wake_close(&courier->wake);
    (void)pthread_mutex_destroy(&courier->lock);
    free(courier->endpoint);
    free(courier->peer_memory);
    memory_release(courier->arena.data, courier->arena.cap);
    free(courier);
}

err courier_open(const char *endpoint, const struct link_curve *curve, struct courier **out_courier)
{
    struct courier *courier = calloc(1, sizeof *courier);
    if (courier == NULL)
        return ERR_NO_MEMORY;
    courier->wake.fd = -1;
    (void)pthread_mutex_init(&courier->lock, NULL);
    courier->curve = curve;
    err e = make(courier, endpoint);
    if (e == OK)
        *out_courier = courier;
    else
        unmake(courier);
    return e;
}

void courier_stop(struct courier *courier)
{
    pthread_mutex_lock(&courier->lock);
    courier->is_closing = true;
    courier->stop_at = clock_mono_ms() + COURIER_DRAIN_MS;
    pthread_mutex_unlock(&courier->lock);
    wake_ring(&courier->wake);
    (void)pthread_join(courier->thread, NULL);
    courier->is_stopped = true;
    courier_loop_end(courier);
}

void courier_close(struct courier *courier)
{
    if (courier == NULL)
        return;
    if (!courier->is_stopped)
        courier_stop(courier);
    unmake(courier);
}
