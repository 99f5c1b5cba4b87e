// The table of keys.

#include "broker/core/keys.h"

size_t keys_size(uint32_t cap)
{
    return (size_t)cap * sizeof(uint64_t) + index_size(cap);
}

void keys_init(struct keys *keys, void *memory, uint32_t cap, uint64_t seed)
{
    uint64_t *job_nos = memory;
    *keys = (struct keys){.job_nos = job_nos, .cap = cap, .free = INDEX_NONE, .seed = seed};
    index_init(&keys->index, job_nos + cap, cap);
}

bool keys_has_room(const struct keys *keys)
{
    return keys->index.count < keys->cap;
}

void keys_add(struct keys *keys, const struct id *id, uint64_t job_no)
{
    CHECK(keys_has_room(keys));
    uint32_t slot = keys->free;
    if (slot == INDEX_NONE)
        slot = keys->used++;
    else
        keys->free = (uint32_t)keys->job_nos[slot];
    keys->job_nos[slot] = job_no;
    index_add(&keys->index, slot, id_hash(id, keys->seed));
}

void keys_drop(struct keys *keys, const struct id *id, uint64_t job_no)
{
    uint32_t slot = keys_first(keys, id);
    while (slot != INDEX_NONE && keys->job_nos[slot] != job_no)
        slot = keys_next(keys, slot);
    CHECK(slot != INDEX_NONE);
    index_drop(&keys->index, slot, id_hash(id, keys->seed));
    keys->job_nos[slot] = keys->free;
    keys->free = slot;
}

uint32_t keys_first(const struct keys *keys, const struct id *id)
{
    return index_first(&keys->index, id_hash(id, keys->seed));
}

uint32_t keys_next(const struct keys *keys, uint32_t cursor)
{
    return index_next(&keys->index, cursor);
}

uint64_t keys_job_no(const struct keys *keys, uint32_t cursor)
{
    return keys->job_nos[cursor];
}
