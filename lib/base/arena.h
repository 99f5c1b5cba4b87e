#pragma once

// A bump allocator over the caller's memory: what belongs to one batch or one message is freed
// by one reset. Pure. Not thread-safe.

#include "lib/base/check.h"

#include <stddef.h>
#include <stdint.h>

struct arena {
    uint8_t *data; // the caller's; aligned for any type
    size_t cap;    // bytes
    size_t used;
};

// Room for `size` bytes, aligned to 16, not zeroed; NULL when it does not fit.
void *arena_take(struct arena *arena, size_t size);

// Room for `count` zeroed elements of `size` bytes; NULL when it does not fit.
void *arena_take_array(struct arena *arena, size_t count, size_t size);

void arena_reset(struct arena *arena);
