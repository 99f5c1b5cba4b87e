#pragma once

// Rooms for judging JSON (names of open objects), too large to be made for each request. Any
// thread; a room belongs to one thread between take and give.

#include "gateway/core/scan.h"

enum { SCRATCH_KEYS_MAX = 1 << 16 };

struct scratch {
    struct scratch *next;
    struct names_key keys[SCRATCH_KEYS_MAX];
};

struct scratch_pool;

// NULL when out of memory.
struct scratch_pool *scratch_pool_new(void);
// All rooms are back. NULL is allowed.
void scratch_pool_free(struct scratch_pool *pool);

// NULL when out of memory.
struct scratch *scratch_take(struct scratch_pool *pool);
void scratch_give(struct scratch_pool *pool, struct scratch *scratch);
