#pragma once

// An order to a spool, and whoever waits for its end.

#include "gateway/store/spool.h"

#include <pthread.h>

enum { SPOOL_WISH_ITEMS_MAX = 64 };

struct spool_wish {
    struct spool_order order; // first
    struct spool_item items[SPOOL_WISH_ITEMS_MAX];
    pthread_mutex_t lock;
    pthread_cond_t news;
    bool is_done;
    err error;
};

static inline void spool_wish_heard(struct spool_order *order, err e)
{
    struct spool_wish *wish = (struct spool_wish *)order;
    pthread_mutex_lock(&wish->lock);
    wish->is_done = true;
    wish->error = e;
    (void)pthread_cond_signal(&wish->news);
    pthread_mutex_unlock(&wish->lock);
}

// Gives the order to the spool, which tells its end later.
static inline void spool_wish_begin(struct spool *spool, struct spool_wish *wish)
{
    (void)pthread_mutex_init(&wish->lock, NULL);
    (void)pthread_cond_init(&wish->news, NULL);
    wish->is_done = false;
    wish->order.items = wish->items;
    wish->order.done = spool_wish_heard;
    spool_do(spool, &wish->order);
}

static inline err spool_wish_carry_out(struct spool *spool, struct spool_wish *wish)
{
    spool_wish_begin(spool, wish);
    pthread_mutex_lock(&wish->lock);
    while (!wish->is_done)
        (void)pthread_cond_wait(&wish->news, &wish->lock);
    pthread_mutex_unlock(&wish->lock);
    return wish->error;
}
