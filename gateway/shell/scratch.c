// A free list of rooms. There are never more than threads that judge at once.

#include "gateway/shell/scratch.h"

#include <pthread.h>
#include <stdlib.h>

struct scratch_pool {
    pthread_mutex_t lock;
    struct scratch *free;
};

struct scratch_pool *scratch_pool_new(void)
{
    struct scratch_pool *pool = calloc(1, sizeof *pool);
    if (pool != NULL)
        (void)pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

void scratch_pool_free(struct scratch_pool *pool)
{
    if (pool == NULL)
        return;
    while (pool->free != NULL) {
        struct scratch *next = pool->free->next;
        free(pool->free);
        pool->free = next;
    }
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool);
}

struct scratch *scratch_take(struct scratch_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct scratch *scratch = pool->free;
    if (scratch != NULL)
        pool->free = scratch->next;
    pthread_mutex_unlock(&pool->lock);
    return scratch != NULL ? scratch : malloc(sizeof *scratch);
}

void scratch_give(struct scratch_pool *pool, struct scratch *scratch)
{
    pthread_mutex_lock(&pool->lock);
    scratch->next = pool->free;
    pool->free = scratch;
    pthread_mutex_unlock(&pool->lock);
}
