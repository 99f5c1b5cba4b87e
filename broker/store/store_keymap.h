#pragma once

// From version 8 ids to job numbers, in memory, because a random-key table on disk costs a page
// for each insert. It holds 8 bytes a key: part of the hash and the number; a candidate is
// confirmed against the stored row. Any thread; a lock inside.

#include "lib/base/err.h"
#include "lib/base/id.h"

#include <pthread.h>
#include <stdbool.h>

enum {
    STORE_KEYMAP_SHARDS = 1024, // each grows alone, so no insert waits for all keys to move
    STORE_KEYMAP_FOUND_MAX = 8  // candidates one lookup may give
};

struct store_keymap_shard {
    uint64_t *entries; // hash 24 bits | job number 40 bits; 0 is free
    uint32_t cap;      // a power of two, or 0
    uint32_t count;
};

struct store_keymap {
    pthread_mutex_t lock;
    uint64_t seed;
    struct store_keymap_shard shards[STORE_KEYMAP_SHARDS];
};

void store_keymap_init(struct store_keymap *map, uint64_t seed);
void store_keymap_deinit(struct store_keymap *map);

// `job_no` is above 0 and below 2^40.  ERR_NO_MEMORY
MUST_USE err store_keymap_add(struct store_keymap *map, const struct id *id, uint64_t job_no);
// Nothing happens when the pair is not there.
void store_keymap_drop(struct store_keymap *map, const struct id *id, uint64_t job_no);
// The numbers that may belong to `id`, newest (largest) first; how many.
uint32_t store_keymap_find(struct store_keymap *map, const struct id *id,
                           uint64_t out_job_nos[STORE_KEYMAP_FOUND_MAX]);
bool store_keymap_has(struct store_keymap *map, const struct id *id, uint64_t job_no);
uint64_t store_keymap_count(struct store_keymap *map);
