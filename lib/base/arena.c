// The bump allocator.

#include "lib/base/arena.h"

#include <string.h>

enum { ALIGN = 16 };

void *arena_take(struct arena *arena, size_t size)
{
    CHECK(arena->used <= arena->cap);
    size_t start = (arena->used + ALIGN - 1) / ALIGN * ALIGN;
    if (start > arena->cap || size > arena->cap - start)
        return NULL;
    arena->used = start + size;
    return arena->data + start;
}

void *arena_take_array(struct arena *arena, size_t count, size_t size)
{
    CHECK(size > 0);
    if (count > arena->cap / size)
        return NULL;
    void *room = arena_take(arena, count * size);
    if (room != NULL && count > 0)
        memset(room, 0, count * size);
    return room;
}

void arena_reset(struct arena *arena)
{
    arena->used = 0;
}
