// The thread that brings the cache to the disk.

#include "gateway/store/cache_private.h"
#include "gateway/store/cache_record.h"
#include "lib/base/check.h"
#include "lib/sys/log.h"
#include "lib/sys/process.h"

#include <stdlib.h>

enum {
    LAZY_MS = 1000,
    PLACE_EVERY_S = 60, // a place that has moved is written, also with nothing else
};

// Everything that one transaction brings to the disk, as of one moment.
struct haul {
    uint32_t write_count;
    uint32_t delete_count;
    struct msg_place place;
    bool is_last;
};

static bool is_idle(const struct cache *cache)
{
    return cache->waiting_count == 0 && cache->garbage_count == 0 && !cache->is_closing;
}

// Waits until something has been waiting for a while, so that one flush serves many.
static void wait_for_work(struct cache *cache)
{
    struct timespec until;
    int waited = 0;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PLACE_EVERY_S;
    while (waited == 0 && is_idle(cache))
        waited = cache->has_moved ? pthread_cond_timedwait(&cache->news, &cache->lock, &until)
                                  : pthread_cond_wait(&cache->news, &cache->lock);
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += LAZY_MS / 1000;
    waited = 0;
    while (waited == 0 && !cache->is_closing && cache->waiting_count < CACHE_WAITING_MAX / 2)
        waited = pthread_cond_timedwait(&cache->news, &cache->lock, &until);
}

static bool take_entry(struct cache *cache, uint32_t slot, struct cache_writing *out_writing)
{
    struct cache_entry *entry = &cache->entries[slot];
    size_t len = cache_record_len(entry->value_len);
    uint8_t *bytes = malloc(len);
    if (bytes == NULL)
        return false;
    const struct cache_record record = {.id = entry->id,
                                        .expires_at = entry->expires_at,
                                        .value = slice_of(entry->value, entry->value_len)};
    struct disk_key key = disk_key_of(entry->number);
    cache_record_encode(&record, disk_key_slice(&key), bytes);
    *out_writing = (struct cache_writing){slot, entry->number, bytes, len};
    cache_stop_waiting(cache, entry);
    entry->phase = CACHE_WRITING;
    return true;
}

// Those that wait are the newest; they are written in the order of their numbers.
static void take_haul(struct cache *cache, struct haul *haul)
{
    uint32_t slot = cache->newest;
    while (slot != CACHE_NONE && cache->entries[slot].older != CACHE_NONE &&
           cache->entries[cache->entries[slot].older].phase == CACHE_WAITING)
        slot = cache->entries[slot].older;
    // Without memory for one the later ones wait too: numbers come in order.
    bool goes_on = slot != CACHE_NONE && cache->entries[slot].phase == CACHE_WAITING;
    for (; goes_on && slot != CACHE_NONE && haul->write_count < CACHE_WRITE_MAX;
         slot = cache->entries[slot].newer) {
        goes_on = take_entry(cache, slot, &cache->writing[haul->write_count]);
        haul->write_count += goes_on;
    }
    for (; haul->delete_count < CACHE_DELETE_MAX && haul->delete_count < cache->garbage_count;
         haul->delete_count++)
        cache->deleting[haul->delete_count] = cache->garbage[haul->delete_count];
    // With garbage left over, what has been dropped is not yet gone from the disk.
    haul->place = haul->delete_count == cache->garbage_count ? cache->place : (struct msg_place){0};
    haul->is_last = cache->is_closing && cache->waiting_count == 0 &&
                    haul->delete_count == cache->garbage_count;
    cache->has_moved = cache->has_moved && haul->place.epoch == 0;
}

static err fill(struct cache *cache, struct disk_txn *txn, const struct haul *haul)
{
    err e = OK;
    for (uint32_t i = 0; e == OK && i < haul->delete_count; i++) {
        struct disk_key key = disk_key_of(cache->deleting[i]);
        e = disk_drop(txn, CACHE_TABLE_NUMBERS, disk_key_slice(&key));
        e = e == ERR_NOT_FOUND ? OK : e; // it was never written
    }
    for (uint32_t i = 0; e == OK && i < haul->write_count; i++) {
        struct disk_key key = disk_key_of(cache->writing[i].number);
        e = disk_append(txn, CACHE_TABLE_NUMBERS, disk_key_slice(&key),
                        slice_of(cache->writing[i].bytes, cache->writing[i].len));
    }
    if (e != OK || haul->place.epoch == 0)
        return e;
    uint8_t place[CACHE_PLACE_LEN];
    struct disk_key key = disk_key_of(CACHE_META_PLACE);
    cache_record_encode_place(&haul->place, disk_key_slice(&key), place);
    return disk_put(txn, CACHE_TABLE_META, disk_key_slice(&key), slice_of(place, sizeof place));
}

// ERR_FULL also when the disk takes nothing: the cache is a convenience, and goes without.
static err write_haul(struct cache *cache, const struct haul *haul)
{
    enum { GROW_TRIES = 8 };
    for (unsigned try = 0; try < GROW_TRIES; try++) {
        struct disk_txn *txn;
        if (disk_begin(cache->disk, &txn) != OK)
            return ERR_FULL;
        err e = fill(cache, txn, haul);
        if (e == OK)
            e = disk_commit(txn);
        else
            disk_abort(txn);
        if (e != ERR_FULL)
            return e;
    }
    return ERR_FULL;
}

static void settle(struct cache *cache, const struct haul *haul, bool is_written)
{
    for (uint32_t i = 0; i < haul->write_count; i++) {
        struct cache_entry *entry = &cache->entries[cache->writing[i].slot];
        free(cache->writing[i].bytes);
        if (entry->phase != CACHE_WRITING || entry->number != cache->writing[i].number)
            continue; // dropped meanwhile: its number is among the garbage
        if (!is_written) {
            cache_drop_slot(cache, cache->writing[i].slot);
            cache->figures.refused++;
            continue;
        }
        free(entry->value);
        entry->value = NULL;
        entry->phase = CACHE_STORED;
        cache->figures.written++;
    }
    if (!is_written || haul->delete_count == 0)
        return;
    cache->garbage_count -= haul->delete_count;
    memmove(cache->garbage, cache->garbage + haul->delete_count,
            cache->garbage_count * sizeof *cache->garbage);
}

void *cache_write_run(void *ctx)
{
    struct cache *cache = ctx;
    struct haul haul = {0};
    process_name("gateway-cache");
    pthread_mutex_lock(&cache->lock);
    while (!haul.is_last) {
        haul = (struct haul){0};
        wait_for_work(cache);
        take_haul(cache, &haul);
        pthread_mutex_unlock(&cache->lock);
        err e = write_haul(cache, &haul);
        if (e != OK && e != ERR_FULL) {
            // As everywhere: a disk that refuses ends the process, the supervisor starts it anew.
            log_error("gateway.cache_not_written", "error=%s", err_slug(e));
            _Exit(EXIT_FAILURE);
        }
        pthread_mutex_lock(&cache->lock);
        settle(cache, &haul, e == OK);
        haul.is_last = haul.is_last || (e != OK && cache->is_closing);
    }
    pthread_mutex_unlock(&cache->lock);
    return NULL;
}
