#pragma once

// Every idempotency key inside its window: from the hash of its version 8 id to its job's
// number. It holds no ids: a candidate is confirmed against the stored row. About 20 bytes a
// key. Pure. Not thread-safe.

#include "lib/base/id.h"
#include "lib/base/index.h"

struct keys {
    uint64_t *job_nos; // of a used slot; a free slot holds the next free one
    uint32_t cap;
    uint32_t used;
    uint32_t free;
    uint64_t seed;
    struct index index;
};

size_t keys_size(uint32_t cap);
// `memory` is keys_size(cap) bytes, aligned to 16.
void keys_init(struct keys *keys, void *memory, uint32_t cap, uint64_t seed);

bool keys_has_room(const struct keys *keys);
// There is room and (id, job_no) is not in the table.
void keys_add(struct keys *keys, const struct id *id, uint64_t job_no);
// (id, job_no) must be in the table.
void keys_drop(struct keys *keys, const struct id *id, uint64_t job_no);

// Walks the candidates: `cursor` starts as keys_first(), ends at INDEX_NONE.
uint32_t keys_first(const struct keys *keys, const struct id *id);
uint32_t keys_next(const struct keys *keys, uint32_t cursor);
uint64_t keys_job_no(const struct keys *keys, uint32_t cursor);
