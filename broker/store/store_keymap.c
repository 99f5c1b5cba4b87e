// Open addressing with linear probing. The place of an entry follows from its 24 bits of hash, so
// a shard can grow without knowing the ids.

#include "broker/store/store_keymap.h"

#include <stdlib.h>

enum { SHARD_START = 64, TAG_SHIFT = 40 };

static const uint64_t number_mask = (UINT64_C(1) << TAG_SHIFT) - 1;

void store_keymap_init(struct store_keymap *map, uint64_t seed)
{
    *map = (struct store_keymap){.seed = seed};
    (void)pthread_mutex_init(&map->lock, NULL); // cannot fail with default attributes
}

void store_keymap_deinit(struct store_keymap *map)
{
    (void)pthread_mutex_destroy(&map->lock);
    for (unsigned i = 0; i < STORE_KEYMAP_SHARDS; i++)
        free(map->shards[i].entries);
}

static struct store_keymap_shard *shard_of(struct store_keymap *map, const struct id *id,
                                           uint64_t *out_tag)
{
    uint64_t hash = id_hash(id, map->seed);
    *out_tag = hash >> TAG_SHIFT;
    return &map->shards[hash % STORE_KEYMAP_SHARDS];
}

static void insert(struct store_keymap_shard *shard, uint64_t entry)
{
    uint32_t mask = shard->cap - 1;
    uint32_t at = (uint32_t)(entry >> TAG_SHIFT) & mask;
    while (shard->entries[at] != 0)
        at = (at + 1) & mask;
    shard->entries[at] = entry;
    shard->count++;
}

// Doubles at seven eighths.
static err make_room(struct store_keymap_shard *shard)
{
    if (shard->cap > 0 && shard->count < shard->cap / 8 * 7)
        return OK;
    uint32_t cap = shard->cap > 0 ? shard->cap * 2 : SHARD_START;
    struct store_keymap_shard larger = {.entries = calloc(cap, sizeof(uint64_t)), .cap = cap};
    if (larger.entries == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < shard->cap; i++) {
        if (shard->entries[i] != 0)
            insert(&larger, shard->entries[i]);
    }
    CHECK(larger.count == shard->count);
    free(shard->entries);
    *shard = larger;
    return OK;
}

err store_keymap_add(struct store_keymap *map, const struct id *id, uint64_t job_no)
{
    CHECK(job_no > 0 && job_no <= number_mask);
    (void)pthread_mutex_lock(&map->lock);
    uint64_t tag = 0;
    struct store_keymap_shard *shard = shard_of(map, id, &tag);
    err e = make_room(shard);
    if (e == OK)
        insert(shard, tag << TAG_SHIFT | job_no);
    (void)pthread_mutex_unlock(&map->lock);
    return e;
}

// Closes the hole at `hole`: an entry moves there when its own place is not behind the hole.
static void close_hole(struct store_keymap_shard *shard, uint32_t hole)
{
    uint32_t mask = shard->cap - 1;
    for (uint32_t at = (hole + 1) & mask; shard->entries[at] != 0; at = (at + 1) & mask) {
        uint32_t home = (uint32_t)(shard->entries[at] >> TAG_SHIFT) & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            shard->entries[hole] = shard->entries[at];
            hole = at;
        }
    }
    shard->entries[hole] = 0;
    shard->count--;
}

void store_keymap_drop(struct store_keymap *map, const struct id *id, uint64_t job_no)
{
    (void)pthread_mutex_lock(&map->lock);
    uint64_t tag = 0;
    struct store_keymap_shard *shard = shard_of(map, id, &tag);
    uint64_t entry = tag << TAG_SHIFT | job_no;
    uint32_t mask = shard->cap - 1;
    for (uint32_t at = (uint32_t)tag & mask; shard->cap > 0 && shard->entries[at] != 0;
         at = (at + 1) & mask) {
        if (shard->entries[at] == entry) {
            close_hole(shard, at);
            break;
        }
    }
    (void)pthread_mutex_unlock(&map->lock);
}

// Keeps the list in falling order; the smallest falls out when there are too many.
static uint32_t keep(uint64_t *numbers, uint32_t count, uint64_t number)
{
    uint32_t place = count;
    while (place > 0 && numbers[place - 1] < number)
        place--;
    if (place == STORE_KEYMAP_FOUND_MAX)
        return count;
    uint32_t last = count < STORE_KEYMAP_FOUND_MAX ? count : STORE_KEYMAP_FOUND_MAX - 1;
    for (uint32_t i = last; i > place; i--)
        numbers[i] = numbers[i - 1];
    numbers[place] = number;
    return last + 1;
}

uint32_t store_keymap_find(struct store_keymap *map, const struct id *id,
                           uint64_t out_job_nos[STORE_KEYMAP_FOUND_MAX])
{
    uint32_t count = 0;
    (void)pthread_mutex_lock(&map->lock);
    uint64_t tag = 0;
    const struct store_keymap_shard *shard = shard_of(map, id, &tag);
    uint32_t mask = shard->cap - 1;
    for (uint32_t at = (uint32_t)tag & mask; shard->cap > 0 && shard->entries[at] != 0;
         at = (at + 1) & mask) {
        if (shard->entries[at] >> TAG_SHIFT == tag)
            count = keep(out_job_nos, count, shard->entries[at] & number_mask);
    }
    (void)pthread_mutex_unlock(&map->lock);
    return count;
}

bool store_keymap_has(struct store_keymap *map, const struct id *id, uint64_t job_no)
{
    bool is_there = false;
    (void)pthread_mutex_lock(&map->lock);
    uint64_t tag = 0;
    const struct store_keymap_shard *shard = shard_of(map, id, &tag);
    uint64_t entry = tag << TAG_SHIFT | job_no;
    uint32_t mask = shard->cap - 1;
    for (uint32_t at = (uint32_t)tag & mask; !is_there && shard->cap > 0 && shard->entries[at] != 0;
         at = (at + 1) & mask)
        is_there = shard->entries[at] == entry;
    (void)pthread_mutex_unlock(&map->lock);
    return is_there;
}

uint64_t store_keymap_count(struct store_keymap *map)
{
    uint64_t count = 0;
    (void)pthread_mutex_lock(&map->lock);
    for (unsigned i = 0; i < STORE_KEYMAP_SHARDS; i++)
        count += map->shards[i].count;
    (void)pthread_mutex_unlock(&map->lock);
    return count;
}
