// The heap of moments by which jobs must start.

#include "broker/core/expiry.h"

size_t expiry_size(const struct limits *limits)
{
    return (size_t)limits->job_count_max * (sizeof(struct heap_entry) + sizeof(uint32_t));
}

static void moved(void *ctx, uint32_t item, uint32_t place)
{
    uint32_t *places = ctx;
    places[item] = place + 1;
}

void expiry_init(struct expiry *expiry, void *memory, const struct limits *limits)
{
    struct heap_entry *entries = memory;
    uint32_t *places = (uint32_t *)(void *)(entries + limits->job_count_max);
    *expiry = (struct expiry){
        .heap = {.entries = entries, .cap = limits->job_count_max, .moved = moved, .ctx = places},
        .places = places};
}

void expiry_push(struct expiry *expiry, const struct jobs *jobs, uint32_t slot, when_ms at)
{
    CHECK(!expiry_has(expiry, slot));
    err pushed =
        heap_push(&expiry->heap,
                  (struct heap_entry){.key = at, .tie = jobs_at(jobs, slot)->no, .item = slot});
    CHECK(pushed == OK);
}

bool expiry_has(const struct expiry *expiry, uint32_t slot)
{
    return expiry->places[slot] != 0;
}

void expiry_drop(struct expiry *expiry, uint32_t slot)
{
    if (!expiry_has(expiry, slot))
        return;
    struct heap_entry removed = heap_remove(&expiry->heap, expiry->places[slot] - 1);
    CHECK(removed.item == slot);
    expiry->places[slot] = 0;
}

uint32_t expiry_first(const struct expiry *expiry, when_ms now)
{
    const struct heap_entry *first = heap_peek(&expiry->heap);
    return first != NULL && first->key <= now ? first->item : JOBS_NONE;
}

when_ms expiry_deadline(const struct expiry *expiry)
{
    const struct heap_entry *first = heap_peek(&expiry->heap);
    return first != NULL ? first->key : WHEN_NEVER;
}
