#pragma once

// A hash index from 64-bit hashes to slots of a table that the owner keeps: linear hashing with
// chains, so it grows by one bucket per insert (no pauses) and memory that was never needed is
// never touched. Pure. Not thread-safe.
//
// It stores no keys: index_first/index_next give the candidates with an equal hash (upper 32
// bits), the owner compares.

#include "lib/base/err.h"

#include <stddef.h>
#include <stdint.h>

#define INDEX_NONE UINT32_MAX

struct index_link {
    uint32_t hash; // upper half of the slot's hash
    uint32_t next; // next slot of the bucket, or INDEX_NONE
};

struct index {
    struct index_link *links; // one per slot
    uint32_t *heads;          // one per bucket
    uint32_t bucket_count;
    uint32_t low; // the largest power of two not above bucket_count
    uint32_t count;
    uint32_t cap; // slots
};

// Bytes of memory an index over `cap` slots needs; most of it stays untouched until used.
size_t index_size(uint32_t cap);

// `memory` is index_size(cap) bytes, aligned for uint64_t, and stays the caller's.
void index_init(struct index *index, void *memory, uint32_t cap);

// Makes the buckets for `count` slots at once, instead of one by one as they come: worth it before
// many are loaded. The index is empty; `count` is at most cap.
void index_prepare(struct index *index, uint32_t count);

// `slot` is below cap and not in the index.
void index_add(struct index *index, uint32_t slot, uint64_t hash);

// `slot` must be in the index under `hash`.
void index_drop(struct index *index, uint32_t slot, uint64_t hash);

// The first slot that may have this hash, or INDEX_NONE; then the next one.
uint32_t index_first(const struct index *index, uint64_t hash);
uint32_t index_next(const struct index *index, uint32_t slot);

// Asks for the memory that index_first() of this hash will read, some hundred nanoseconds before
// it does: first the bucket, then, once that has come, the slot it leads to. Changes nothing.
void index_warm_bucket(const struct index *index, uint64_t hash);
void index_warm_slot(const struct index *index, uint64_t hash);
