// Room for batches. calloc() of this much memory is zero pages until they are used.

#include "broker/shell/batch.h"

#include "broker/shell/schemas.h"
#include "lib/base/check.h"
#include "lib/sys/memory.h"
#include "proto/wire.h"

// Batches up to this size keep their memory: about 200 KiB.
enum { SMALL_JOBS = 256, SMALL_BYTES = 256 * 1024 };

struct batch_pool {
    struct link_message *all;
    struct link_message **spare;
    uint32_t cap;
    uint32_t used; // messages ever used
    uint32_t spare_count;
};

static bool make_arena(struct arena *arena, size_t cap)
{
    *arena = (struct arena){.data = memory_reserve(cap), .cap = cap};
    return arena->data != NULL;
}

static bool make_effects(struct batch *batch, const struct limits *limits)
{
    struct effects *effects = &batch->effects;
    effects->write_cap = effects_write_cap(limits->changed_count_max);
    effects->send_cap = limits->send_count_max;
    effects->grant_cap = limits->changed_count_max;
    effects->changed_cap = limits->changed_count_max;
    effects->writes = calloc(effects->write_cap, sizeof *effects->writes);
    effects->sends = calloc(effects->send_cap, sizeof *effects->sends);
    effects->grants = calloc(effects->grant_cap, sizeof *effects->grants);
    effects->changed = calloc(effects->changed_cap, sizeof *effects->changed);
    effects->bodies = calloc(effects->changed_cap, sizeof *effects->bodies);
    effects->arena = &batch->answers;
    return effects->writes != NULL && effects->sends != NULL && effects->grants != NULL &&
           effects->changed != NULL && effects->bodies != NULL &&
           make_arena(&batch->answers, effects_arena_size(limits->changed_count_max));
}

// Any one message fits, with what is told of it, and then a batch full of usual ones.
static size_t decoded_len(void)
{
    return wire_arena_size(MSG_BYTES_MAX) + BATCH_BYTES_MAX + SCHEMAS_TEXT_MAX;
}

struct batch *batch_new(const struct limits *limits)
{
    struct batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL)
        return NULL;
    batch->messages = calloc(BATCH_MESSAGES_MAX, sizeof *batch->messages);
    if (batch->messages == NULL || !make_effects(batch, limits) ||
        !make_arena(&batch->decoded, decoded_len())) {
        batch_free(batch);
        return NULL;
    }
    return batch;
}

void batch_free(struct batch *batch)
{
    if (batch == NULL)
        return;
    CHECK(batch->message_count == 0);
    memory_release(batch->decoded.data, batch->decoded.cap);
    memory_release(batch->answers.data, batch->answers.cap);
    free(batch->effects.changed);
    free(batch->effects.bodies);
    free(batch->effects.grants);
    free(batch->effects.sends);
    free(batch->effects.writes);
    free(batch->messages);
    free(batch);
}

void batch_reset(struct batch *batch, when_ms mono)
{
    CHECK(batch->message_count == 0);
    if (batch->job_count > SMALL_JOBS || batch->decoded.used > SMALL_BYTES)
        batch->swollen_at = mono;
    effects_reset(&batch->effects);
    arena_reset(&batch->decoded);
    batch->command_count = 0;
    batch->job_count = 0;
    batch->bytes = 0;
    batch->number = 0;
    batch->gone_count = 0;
    batch->stored_bytes = 0;
    batch->is_sweep = false;
    batch->has_removed = false;
    batch->commit_us = 0;
}

static bool is_empty(const struct batch *batch)
{
    return batch->message_count == 0 && batch->command_count == 0 && batch->decoded.used == 0 &&
           effects_is_empty(&batch->effects);
}

when_ms batch_trim_at(const struct batch *batch)
{
    if (batch->swollen_at == 0 || !is_empty(batch))
        return WHEN_NEVER;
    return batch->swollen_at + BATCH_REST_MS;
}

void batch_trim(struct batch *batch)
{
    CHECK(is_empty(batch));
    struct effects *effects = &batch->effects;
    memory_give_back(effects->writes, effects->write_cap * sizeof *effects->writes);
    memory_give_back(effects->sends, effects->send_cap * sizeof *effects->sends);
    memory_give_back(effects->grants, effects->grant_cap * sizeof *effects->grants);
    memory_give_back(batch->answers.data, batch->answers.cap);
    memory_give_back(batch->decoded.data, batch->decoded.cap);
    batch->swollen_at = 0;
}

bool batch_has_room(const struct batch *batch)
{
    return batch->message_count < BATCH_MESSAGES_MAX && batch->bytes < BATCH_BYTES_MAX &&
           effects_has_room(&batch->effects, 1);
}

struct batch_pool *batch_pool_new(uint32_t count_max)
{
    struct batch_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return NULL;
    pool->cap = count_max;
    pool->all = calloc(count_max, sizeof *pool->all);
    pool->spare = calloc(count_max, sizeof(struct link_message *));
    if (pool->all == NULL || pool->spare == NULL) {
        batch_pool_free(pool);
        return NULL;
    }
    return pool;
}

void batch_pool_free(struct batch_pool *pool)
{
    if (pool == NULL)
        return;
    CHECK(pool->spare_count == pool->used);
    free(pool->spare);
    free(pool->all);
    free(pool);
}

struct link_message *batch_pool_take(struct batch_pool *pool)
{
    if (pool->spare_count > 0)
        return pool->spare[--pool->spare_count];
    CHECK(pool->used < pool->cap);
    return &pool->all[pool->used++];
}

void batch_pool_give(struct batch_pool *pool, struct link_message *message)
{
    CHECK(message->frame_count == 0);
    CHECK(pool->spare_count < pool->used);
    pool->spare[pool->spare_count++] = message;
}

void batch_pool_trim(struct batch_pool *pool)
{
    if (pool->spare_count < pool->used)
        return;
    memory_give_back(pool->all, pool->cap * sizeof *pool->all);
    pool->used = pool->spare_count = 0;
}
