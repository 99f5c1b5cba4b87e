// The heap of delayed jobs.

#include "broker/core/delayed.h"

size_t delayed_size(const struct limits *limits)
{
    return (size_t)limits->job_count_max * (sizeof(struct heap_entry) + sizeof(uint32_t));
}

static void moved(void *ctx, uint32_t item, uint32_t place)
{
    uint32_t *places = ctx;
    places[item] = place;
}

void delayed_init(struct delayed *delayed, void *memory, const struct limits *limits)
{
    struct heap_entry *entries = memory;
    uint32_t *places = (uint32_t *)(void *)(entries + limits->job_count_max);
    *delayed = (struct delayed){
        .heap = {.entries = entries, .cap = limits->job_count_max, .moved = moved, .ctx = places},
        .places = places};
}

void delayed_push(struct delayed *delayed, const struct jobs *jobs, uint32_t slot)
{
    const struct job *job = jobs_at(jobs, slot);
    CHECK(job->state == JOB_SCHEDULED || job->state == JOB_RETRYING);
    err pushed = heap_push(&delayed->heap,
                           (struct heap_entry){.key = job->at, .tie = job->no, .item = slot});
    CHECK(pushed == OK);
}

uint32_t delayed_take(struct delayed *delayed, when_ms now)
{
    const struct heap_entry *first = heap_peek(&delayed->heap);
    if (first == NULL || first->key > now)
        return JOBS_NONE;
    return heap_remove(&delayed->heap, 0).item;
}

void delayed_drop(struct delayed *delayed, uint32_t slot)
{
    struct heap_entry removed = heap_remove(&delayed->heap, delayed->places[slot]);
    CHECK(removed.item == slot);
}

bool delayed_has(const struct delayed *delayed, uint32_t slot)
{
    uint32_t place = delayed->places[slot];
    return place < delayed->heap.count && delayed->heap.entries[place].item == slot;
}

when_ms delayed_deadline(const struct delayed *delayed)
{
    const struct heap_entry *first = heap_peek(&delayed->heap);
    return first != NULL ? first->key : WHEN_NEVER;
}
