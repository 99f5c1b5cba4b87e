// Sift up, sift down.

#include "lib/base/heap.h"

#include <stddef.h>

static bool is_before(const struct heap_entry *a, const struct heap_entry *b)
{
    if (a->key != b->key)
        return a->key < b->key;
    return a->tie < b->tie;
}

static void place_at(struct heap *heap, uint32_t place, struct heap_entry entry)
{
    heap->entries[place] = entry;
    if (heap->moved != NULL)
        heap->moved(heap->ctx, entry.item, place);
}

static void sift_up(struct heap *heap, uint32_t place, struct heap_entry entry)
{
    while (place > 0) {
        uint32_t parent = (place - 1) / 2;
        if (!is_before(&entry, &heap->entries[parent]))
            break;
        place_at(heap, place, heap->entries[parent]);
        place = parent;
    }
    place_at(heap, place, entry);
}

static void sift_down(struct heap *heap, uint32_t place, struct heap_entry entry)
{
    for (;;) {
        uint64_t child = 2 * (uint64_t)place + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && is_before(&heap->entries[child + 1], &heap->entries[child]))
            child++;
        if (!is_before(&heap->entries[child], &entry))
            break;
        place_at(heap, place, heap->entries[child]);
        place = (uint32_t)child;
    }
    place_at(heap, place, entry);
}

err heap_push(struct heap *heap, struct heap_entry entry)
{
    if (heap->count == heap->cap)
        return ERR_FULL;
    heap->count++;
    sift_up(heap, heap->count - 1, entry);
    return OK;
}

const struct heap_entry *heap_peek(const struct heap *heap)
{
    return heap->count > 0 ? &heap->entries[0] : NULL;
}

static void settle(struct heap *heap, uint32_t place, struct heap_entry entry)
{
    if (place > 0 && is_before(&entry, &heap->entries[(place - 1) / 2]))
        sift_up(heap, place, entry);
    else
        sift_down(heap, place, entry);
}

struct heap_entry heap_remove(struct heap *heap, uint32_t place)
{
    CHECK(place < heap->count);
    struct heap_entry removed = heap->entries[place];
    heap->count--;
    if (place < heap->count)
        settle(heap, place, heap->entries[heap->count]);
    return removed;
}

void heap_rekey(struct heap *heap, uint32_t place, int64_t key)
{
    CHECK(place < heap->count);
    struct heap_entry entry = heap->entries[place];
    entry.key = key;
    settle(heap, place, entry);
}
