#pragma once

// A binary heap of (key, item): the smallest key first, equal keys by the smaller item, so the
// order is total and repeatable. The owner of an item keeps its place in the heap and is told
// when it moves, so that removal from the middle costs O(log n). Pure. Not thread-safe.

#include "lib/base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct heap_entry {
    int64_t key;
    uint64_t tie; // decides between equal keys
    uint32_t item;
};

// Told after each move: `item` now stands at `place`.
typedef void heap_moved(void *ctx, uint32_t item, uint32_t place);

struct heap {
    struct heap_entry *entries; // the caller's room for `cap` entries
    uint32_t count;
    uint32_t cap;
    heap_moved *moved; // may be NULL
    void *ctx;
};

// ERR_FULL when `cap` is reached; nothing is changed.
MUST_USE err heap_push(struct heap *heap, struct heap_entry entry);
// The smallest, or NULL. Borrowed until the next call that changes the heap.
const struct heap_entry *heap_peek(const struct heap *heap);
// Removes the entry at `place` (0 is the smallest), which must be below `count`.
struct heap_entry heap_remove(struct heap *heap, uint32_t place);
// Gives the entry at `place` another key and restores the order.
void heap_rekey(struct heap *heap, uint32_t place, int64_t key);
