#pragma once

// A heap made of links inside the owner's own table: the smallest key first, equal keys by the
// smaller tie, so the order is total and repeatable where ties differ. Many heaps may stand in one
// table, each known by its root; an item is in one of them at a time. Pushing, dropping from
// anywhere and melding cost O(log n) at worst (a leftist tree), looking at the first nothing.
// Pure. Not thread-safe.

#include <stdint.h>

#define MELD_NONE UINT32_MAX // no item; as a root: an empty heap

// 32 bytes. `key` and `tie` are the owner's, fixed while the item is in a heap.
struct meld_node {
    int64_t key;
    uint64_t tie;
    uint32_t left, right; // the right spine is the short one
    uint32_t parent;
    uint32_t rank; // items on the right spine from here down
};

// `at` is in no heap; its key and tie are set.
void meld_push(struct meld_node *nodes, uint32_t *root, uint32_t at);
// `at` is in the heap of `*root`.
void meld_drop(struct meld_node *nodes, uint32_t *root, uint32_t at);
