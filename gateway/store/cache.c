// Entries in a list by age, an index of their ids, numbers of what is to be deleted, a thread that
// writes and deletes in one transaction.
//
//             cache_put            taken by the thread           committed
//   (none) ─────────────▶ WAITING ─────────────────────▶ WRITING ──────────▶ STORED
//     ▲                      │                              │                  │
//     └──────────────────────┴──── dropped, replaced, evicted: what is or comes on disk is deleted
//
// While an entry waits or is being written its value is in memory too.

#include "gateway/store/cache.h"

#include "gateway/store/cache_private.h"
#include "gateway/store/cache_record.h"
#include "lib/base/check.h"
#include "lib/base/prng.h"
#include "lib/sys/blake.h"
#include "lib/sys/log.h"

#include <stdlib.h>

enum {
    FORMAT = 1,
    AHEAD_BYTES = 4 * 1024 * 1024,
    OVERHEAD = 64, // of a record on its page, about
};

static const char *const tables[] = {
    [CACHE_TABLE_NUMBERS] = "numbers", [CACHE_TABLE_META] = "meta"};

// --- entries; under the lock ---

static uint64_t hash_of(const struct cache *cache, const struct id *id)
{
    return id_hash(id, cache->seed);
}

static uint32_t find(const struct cache *cache, const struct id *id)
{
    uint32_t slot = index_first(&cache->by_id, hash_of(cache, id));
    while (slot != INDEX_NONE && !id_equal(&cache->entries[slot].id, id))
        slot = index_next(&cache->by_id, slot);
    return slot;
}

static void join(struct cache *cache, uint32_t slot)
{
    struct cache_entry *entry = &cache->entries[slot];
    entry->older = cache->newest;
    entry->newer = CACHE_NONE;
    if (cache->newest != CACHE_NONE)
        cache->entries[cache->newest].newer = slot;
    else
        cache->oldest = slot;
    cache->newest = slot;
    index_add(&cache->by_id, slot, hash_of(cache, &entry->id));
    cache->figures.count++;
    cache->figures.bytes += entry->value_len + OVERHEAD;
}

static void leave(struct cache *cache, uint32_t slot)
{
    const struct cache_entry *entry = &cache->entries[slot];
    if (entry->older != CACHE_NONE)
        cache->entries[entry->older].newer = entry->newer;
    else
        cache->oldest = entry->newer;
    if (entry->newer != CACHE_NONE)
        cache->entries[entry->newer].older = entry->older;
    else
        cache->newest = entry->older;
    index_drop(&cache->by_id, slot, hash_of(cache, &entry->id));
    cache->figures.count--;
    cache->figures.bytes -= entry->value_len + OVERHEAD;
}

void cache_stop_waiting(struct cache *cache, const struct cache_entry *entry)
{
    CHECK(cache->waiting_count > 0 && cache->waiting_bytes >= entry->value_len);
    cache->waiting_count--;
    cache->waiting_bytes -= entry->value_len;
}

void cache_drop_slot(struct cache *cache, uint32_t slot)
{
    struct cache_entry *entry = &cache->entries[slot];
    leave(cache, slot);
    if (entry->phase == CACHE_WAITING) {
        cache_stop_waiting(cache, entry);
    } else {
        CHECK(cache->garbage_count < cache->garbage_cap);
        cache->garbage[cache->garbage_count++] = entry->number;
    }
    free(entry->value);
    entry->value = NULL;
    entry->phase = CACHE_FREE;
    entry->newer = cache->free;
    cache->free = slot;
}

static void evict_for(struct cache *cache, size_t value_len)
{
    while (cache->oldest != CACHE_NONE &&
           (cache->figures.count >= cache->options.count_max ||
            cache->figures.bytes + value_len + OVERHEAD > cache->options.bytes_max)) {
        cache_drop_slot(cache, cache->oldest);
        cache->figures.evicted++;
    }
}

// There is room: evict_for() has seen to it.
static uint32_t take_free(struct cache *cache)
{
    uint32_t slot = cache->free;
    if (slot == CACHE_NONE)
        slot = cache->used++;
    else
        cache->free = cache->entries[slot].newer;
    CHECK(slot < cache->options.count_max && cache->entries[slot].phase == CACHE_FREE);
    return slot;
}

// --- for others ---

void cache_put(struct cache *cache, const struct id *id, struct slice value, when_ms expires_at)
{
    uint8_t *copy = value.len <= CACHE_VALUE_LEN_MAX ? malloc(value.len + 1) : NULL;
    if (copy != NULL && value.len > 0)
        memcpy(copy, value.data, value.len);
    pthread_mutex_lock(&cache->lock);
    uint32_t former = find(cache, id);
    if (former != INDEX_NONE)
        cache_drop_slot(cache, former);
    // So much garbage is left only when the disk takes nothing.
    bool has_room = copy != NULL && cache->waiting_count < CACHE_WAITING_MAX &&
                    cache->waiting_bytes + value.len <= CACHE_WAITING_BYTES_MAX &&
                    cache->garbage_count + cache->options.count_max < cache->garbage_cap;
    if (has_room) {
        evict_for(cache, value.len);
        uint32_t slot = take_free(cache);
        cache->entries[slot] = (struct cache_entry){.id = *id,
                                                    .number = cache->number_next++,
                                                    .expires_at = expires_at,
                                                    .value = copy,
                                                    .value_len = (uint32_t)value.len,
                                                    .phase = CACHE_WAITING};
        join(cache, slot);
        cache->waiting_bytes += value.len;
        // The first wakes the thread, and the one that makes it worth its while.
        if (++cache->waiting_count == 1 || cache->waiting_count == CACHE_WAITING_MAX / 2)
            (void)pthread_cond_signal(&cache->news);
        copy = NULL;
    } else {
        cache->figures.refused++;
    }
    pthread_mutex_unlock(&cache->lock);
    free(copy);
}

void cache_drop(struct cache *cache, const struct id *id)
{
    pthread_mutex_lock(&cache->lock);
    uint32_t slot = find(cache, id);
    if (slot != INDEX_NONE)
        cache_drop_slot(cache, slot);
    pthread_mutex_unlock(&cache->lock);
}

void cache_drop_all(struct cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    while (cache->oldest != CACHE_NONE)
        cache_drop_slot(cache, cache->oldest);
    (void)pthread_cond_signal(&cache->news);
    pthread_mutex_unlock(&cache->lock);
}

bool cache_has(struct cache *cache, const struct id *id)
{
    pthread_mutex_lock(&cache->lock);
    bool is_there = find(cache, id) != INDEX_NONE;
    pthread_mutex_unlock(&cache->lock);
    return is_there;
}

static err read_stored(struct cache *cache, uint64_t number, const struct id *id,
                       uint8_t **out_value, size_t *out_len)
{
    struct disk_key key = disk_key_of(number);
    struct slice bytes;
    struct cache_record record;
    pthread_mutex_lock(&cache->reading);
    err e = disk_read_begin(cache->reader);
    if (e == OK) {
        e = disk_get(cache->reader, CACHE_TABLE_NUMBERS, disk_key_slice(&key), &bytes);
        if (e == OK)
            e = cache_record_decode(bytes, disk_key_slice(&key), &record);
        if (e == OK && !id_equal(&record.id, id))
            e = ERR_DAMAGED;
        uint8_t *copy = e == OK ? malloc(record.value.len + 1) : NULL;
        if (copy != NULL) {
            memcpy(copy, record.value.data, record.value.len);
            *out_value = copy;
            *out_len = record.value.len;
        } else if (e == OK) {
            e = ERR_NO_MEMORY;
        }
        disk_read_end(cache->reader);
    }
    pthread_mutex_unlock(&cache->reading);
    return e;
}

err cache_get(struct cache *cache, const struct id *id, when_ms wall, uint8_t **out_value,
              size_t *out_len)
{
    pthread_mutex_lock(&cache->lock);
    uint32_t slot = find(cache, id);
    const struct cache_entry *entry = slot != INDEX_NONE ? &cache->entries[slot] : NULL;
    err e = entry == NULL || entry->expires_at <= wall ? ERR_NOT_FOUND : OK;
    uint64_t number = e == OK ? entry->number : 0;
    bool is_stored = e == OK && entry->phase == CACHE_STORED;
    uint8_t *copy = NULL;
    if (e == OK && !is_stored) {
        copy = malloc(entry->value_len + 1u);
        e = copy != NULL ? OK : ERR_NO_MEMORY;
    }
    if (copy != NULL) {
        memcpy(copy, entry->value, entry->value_len);
        *out_len = entry->value_len;
        *out_value = copy;
    }
    pthread_mutex_unlock(&cache->lock);
    if (!is_stored)
        return e;
    e = read_stored(cache, number, id, out_value, out_len);
    // It may have been dropped meanwhile; one that cannot be read is as good as none.
    return e == OK || e == ERR_NO_MEMORY ? e : ERR_NOT_FOUND;
}

struct msg_place cache_place(struct cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    struct msg_place place = cache->place;
    pthread_mutex_unlock(&cache->lock);
    return place;
}

void cache_set_place(struct cache *cache, const struct msg_place *place)
{
    pthread_mutex_lock(&cache->lock);
    cache->place = *place;
    cache->has_moved = true;
    pthread_mutex_unlock(&cache->lock);
}

void cache_figures(struct cache *cache, struct cache_figures *out_figures)
{
    pthread_mutex_lock(&cache->lock);
    *out_figures = cache->figures;
    pthread_mutex_unlock(&cache->lock);
}

// --- opening ---

static err load_place(struct cache *cache)
{
    struct disk_key key = disk_key_of(CACHE_META_PLACE);
    struct slice bytes;
    err e = disk_get(cache->reader, CACHE_TABLE_META, disk_key_slice(&key), &bytes);
    if (e == OK && cache_record_decode_place(bytes, disk_key_slice(&key), &cache->place) != OK)
        cache->place = (struct msg_place){0}; // then nothing is believed
    return e == ERR_NOT_FOUND ? OK : e;
}

// False: the table is not as this cache would have it, and is to be emptied.
static bool load_value(struct cache *cache, struct slice key, struct slice bytes)
{
    struct cache_record record;
    if (cache_record_decode(bytes, key, &record) != OK)
        return false;
    uint32_t former = find(cache, &record.id);
    if (former != INDEX_NONE)
        cache_drop_slot(cache, former);
    if (cache->figures.count == cache->options.count_max ||
        cache->figures.bytes + record.value.len + OVERHEAD > cache->options.bytes_max)
        return false;
    uint32_t slot = take_free(cache);
    cache->entries[slot] = (struct cache_entry){.id = record.id,
                                                .number = disk_key_number(key),
                                                .expires_at = record.expires_at,
                                                .value_len = (uint32_t)record.value.len,
                                                .phase = CACHE_STORED};
    cache->number_next = cache->entries[slot].number + 1;
    join(cache, slot);
    return true;
}

static err load(struct cache *cache, bool *out_is_whole)
{
    struct slice key;
    struct slice bytes;
    err e = disk_read_begin(cache->reader);
    if (e != OK)
        return e;
    e = load_place(cache);
    const struct disk_key first = disk_key_of(0);
    if (e == OK)
        e = disk_seek(cache->reader, CACHE_TABLE_NUMBERS, disk_key_slice(&first), &key, &bytes);
    *out_is_whole = true;
    for (; e == OK && *out_is_whole; e = disk_next(cache->reader, &key, &bytes))
        *out_is_whole = load_value(cache, key, bytes);
    disk_read_end(cache->reader);
    return e == ERR_NOT_FOUND ? OK : e;
}

// Some numbers from the front of the table; none: it is empty.
static err peek_numbers(struct cache *cache, uint32_t *out_count)
{
    struct slice key;
    struct slice bytes;
    const struct disk_key first = disk_key_of(0);
    *out_count = 0;
    err e = disk_read_begin(cache->reader);
    if (e != OK)
        return e;
    e = disk_seek(cache->reader, CACHE_TABLE_NUMBERS, disk_key_slice(&first), &key, &bytes);
    for (; e == OK && *out_count < CACHE_DELETE_MAX; e = disk_next(cache->reader, &key, &bytes))
        cache->deleting[(*out_count)++] = disk_key_number(key);
    disk_read_end(cache->reader);
    return e == ERR_NOT_FOUND ? OK : e;
}

// A damaged record, or a cache that is to be smaller: it begins anew.
static err empty(struct cache *cache)
{
    uint32_t count;
    log_info("gateway.cache_emptied", "count=%llu", (unsigned long long)cache->figures.count);
    while (cache->oldest != CACHE_NONE)
        cache_drop_slot(cache, cache->oldest);
    cache->garbage_count = 0;
    cache->place = (struct msg_place){0};
    err e = peek_numbers(cache, &count);
    while (e == OK && count > 0) {
        struct disk_txn *txn;
        e = disk_begin(cache->disk, &txn);
        for (uint32_t i = 0; e == OK && i < count; i++) {
            struct disk_key key = disk_key_of(cache->deleting[i]);
            e = disk_drop(txn, CACHE_TABLE_NUMBERS, disk_key_slice(&key));
            if (e != OK)
                disk_abort(txn);
        }
        if (e == OK)
            e = disk_commit(txn);
        if (e == OK)
            e = peek_numbers(cache, &count);
    }
    return e;
}

static err make_room(struct cache *cache)
{
    uint32_t count_max = cache->options.count_max;
    blake_random(&cache->seed, sizeof cache->seed);
    cache->oldest = cache->newest = cache->free = CACHE_NONE;
    cache->number_next = 1;
    cache->garbage_cap = 2 * count_max + 2 * CACHE_WAITING_MAX;
    cache->entries = calloc(count_max, sizeof *cache->entries);
    cache->garbage = calloc(cache->garbage_cap, sizeof *cache->garbage);
    cache->index_memory = calloc(1, index_size(count_max));
    if (cache->entries == NULL || cache->garbage == NULL || cache->index_memory == NULL)
        return ERR_NO_MEMORY;
    index_init(&cache->by_id, cache->index_memory, count_max);
    return OK;
}

static err make(struct cache *cache, const char **out_why)
{
    static char why[DISK_WHY_LEN]; // a gateway has one
    const struct disk_options disk = {
        .dir = cache->options.dir,
        .tables = tables,
        .table_count = sizeof tables / sizeof tables[0],
        .map_start_bytes = 16u << 20,
        .map_bytes_max = 2 * cache->options.bytes_max + (64u << 20),
        .ahead_bytes = AHEAD_BYTES,
        .name = "gateway-cache",
        .format = FORMAT,
        .reader_count_max = 8,
        .why = why,
    };
    err e = make_room(cache);
    if (e == OK)
        e = disk_open(&disk, &cache->disk, out_why);
    if (e != OK)
        return e;
    *out_why = "the cache of finished statuses cannot be read; remove its directory";
    e = disk_reader_open(cache->disk, &cache->reader);
    bool is_whole = true;
    if (e == OK)
        e = load(cache, &is_whole);
    if (e == OK && !is_whole)
        e = empty(cache);
    e = disk_verdict(cache->disk, e);
    if (e == OK && pthread_create(&cache->thread, NULL, cache_write_run, cache) != 0)
        e = ERR_SYSTEM;
    cache->has_thread = e == OK;
    // It is not the cache's fault, which is to stay.
    if (e == ERR_NO_MEMORY || e == ERR_SYSTEM)
        *out_why = e == ERR_SYSTEM ? "no thread could be started" : err_text(e);
    return e;
}

static void unmake(struct cache *cache)
{
    if (cache->reader != NULL)
        disk_reader_close(cache->reader);
    if (cache->disk != NULL)
        disk_close(cache->disk);
    for (uint32_t slot = 0; slot < cache->used; slot++)
        free(cache->entries[slot].value);
    (void)pthread_cond_destroy(&cache->news);
    (void)pthread_mutex_destroy(&cache->lock);
    (void)pthread_mutex_destroy(&cache->reading);
    free(cache->index_memory);
    free(cache->garbage);
    free(cache->entries);
    free(cache);
}

err cache_open(const struct cache_options *options, struct cache **out_cache, const char **out_why)
{
    CHECK(options->count_max > 0 && options->bytes_max >= CACHE_VALUE_LEN_MAX + OVERHEAD);
    struct cache *cache = calloc(1, sizeof *cache);
    *out_why = "out of memory";
    if (cache == NULL)
        return ERR_NO_MEMORY;
    cache->options = *options;
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&cache->news, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&cache->lock, NULL);
    (void)pthread_mutex_init(&cache->reading, NULL);
    err e = make(cache, out_why);
    if (e == OK)
        *out_cache = cache;
    else
        unmake(cache);
    return e;
}

void cache_close(struct cache *cache)
{
    if (cache == NULL)
        return;
    pthread_mutex_lock(&cache->lock);
    cache->is_closing = true;
    (void)pthread_cond_signal(&cache->news);
    pthread_mutex_unlock(&cache->lock);
    (void)pthread_join(cache->thread, NULL);
    unmake(cache);
}
