#pragma once

// What unsettled batches did to stored, ended jobs: the new row, or that it is gone. Asked
// before the store, so that a decision never depends on how far the commits have come. Pure.
// Not thread-safe.

#include "broker/core/row.h"
#include "lib/base/index.h"

struct overlay_item {
    struct job_row row;
    uint64_t batch; // the batch that wrote it
    bool is_gone;   // the job was dropped
};

struct overlay {
    struct overlay_item *items; // a ring: oldest batch first
    uint32_t cap;
    uint64_t first; // places count up for ever; the slot is place mod cap
    uint64_t end;
    uint64_t seed;
    struct index by_id;
};

size_t overlay_size(uint32_t cap);
// `memory` is overlay_size(cap) bytes, aligned to 16.
void overlay_init(struct overlay *overlay, void *memory, uint32_t cap, uint64_t seed);

uint32_t overlay_room(const struct overlay *overlay);
void overlay_add(struct overlay *overlay, const struct overlay_item *item);
// The newest word about this id, or NULL. Borrowed until the next call that changes the overlay.
const struct overlay_item *overlay_find(const struct overlay *overlay, const struct id *id);
// Forgets what batches up to this one did: the store says the same now.
void overlay_settled(struct overlay *overlay, uint64_t batch);
