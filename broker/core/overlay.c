// A ring with an index.

#include "broker/core/overlay.h"

static_assert(sizeof(struct overlay_item) % 8 == 0, "the index behind the items is aligned");

size_t overlay_size(uint32_t cap)
{
    return (size_t)cap * sizeof(struct overlay_item) + index_size(cap);
}

void overlay_init(struct overlay *overlay, void *memory, uint32_t cap, uint64_t seed)
{
    struct overlay_item *items = memory;
    *overlay = (struct overlay){.items = items, .cap = cap, .seed = seed};
    index_init(&overlay->by_id, items + cap, cap);
}

uint32_t overlay_room(const struct overlay *overlay)
{
    return overlay->cap - (uint32_t)(overlay->end - overlay->first);
}

void overlay_add(struct overlay *overlay, const struct overlay_item *item)
{
    CHECK(overlay_room(overlay) > 0);
    uint32_t slot = (uint32_t)(overlay->end % overlay->cap);
    overlay->items[slot] = *item;
    index_add(&overlay->by_id, slot, id_hash(&item->row.id, overlay->seed));
    overlay->end++;
}

const struct overlay_item *overlay_find(const struct overlay *overlay, const struct id *id)
{
    const struct overlay_item *newest = NULL;
    uint32_t slot = index_first(&overlay->by_id, id_hash(id, overlay->seed));
    for (; slot != INDEX_NONE; slot = index_next(&overlay->by_id, slot)) {
        const struct overlay_item *item = &overlay->items[slot];
        // A job that is changed twice before a flush stands here twice; versions grow.
        if (id_equal(&item->row.id, id) &&
            (newest == NULL || item->row.no > newest->row.no ||
             (item->row.no == newest->row.no && item->row.version > newest->row.version)))
            newest = item;
    }
    return newest;
}

void overlay_settled(struct overlay *overlay, uint64_t batch)
{
    while (overlay->first < overlay->end) {
        uint32_t slot = (uint32_t)(overlay->first % overlay->cap);
        const struct overlay_item *item = &overlay->items[slot];
        if (item->batch > batch)
            break;
        index_drop(&overlay->by_id, slot, id_hash(&item->row.id, overlay->seed));
        overlay->first++;
    }
}
