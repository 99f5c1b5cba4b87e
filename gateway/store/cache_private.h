#pragma once

// Between cache.c and cache_write.c.

#include "gateway/store/cache.h"
#include "lib/base/index.h"
#include "lib/disk/disk.h"

#include <pthread.h>

enum {
    CACHE_TABLE_NUMBERS,
    CACHE_TABLE_META,
    CACHE_META_PLACE = 1,
    CACHE_WRITE_MAX = 256,   // values in one transaction
    CACHE_DELETE_MAX = 4096, // and deletions
};
#define CACHE_NONE UINT32_MAX

enum cache_phase { CACHE_FREE, CACHE_WAITING, CACHE_WRITING, CACHE_STORED };

struct cache_entry {
    struct id id;
    uint64_t number;
    when_ms expires_at;
    uint8_t *value; // NULL when STORED
    uint32_t value_len;
    uint32_t older;
    uint32_t newer; // neighbours by age; of free ones the next
    enum cache_phase phase;
};

struct cache_writing {
    uint32_t slot;
    uint64_t number;
    uint8_t *bytes;
    size_t len;
};

struct cache {
    struct cache_options options;
    struct disk *disk;
    struct disk_reader *reader;
    pthread_mutex_t reading; // `reader`
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; // all below
    pthread_cond_t news;
    struct cache_entry *entries;
    void *index_memory;
    struct index by_id;
    uint64_t seed;
    uint32_t used;
    uint32_t free;
    uint32_t oldest;
    uint32_t newest;
    uint32_t waiting_count;
    size_t waiting_bytes;
    uint64_t *garbage; // numbers to be deleted
    uint32_t garbage_count;
    uint32_t garbage_cap;
    uint64_t number_next;
    struct msg_place place;
    bool has_moved; // the place, since it was written
    bool is_closing;
    struct cache_figures figures;
    struct cache_writing writing[CACHE_WRITE_MAX]; // the thread's
    uint64_t deleting[CACHE_DELETE_MAX];           // the thread's
};

// Both under the lock.
void cache_drop_slot(struct cache *cache, uint32_t slot);
void cache_stop_waiting(struct cache *cache, const struct cache_entry *entry);

// The thread.
void *cache_write_run(void *cache);
