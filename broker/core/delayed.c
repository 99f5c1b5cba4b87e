// The heap of delayed jobs.

#include "broker/core/delayed.h"

size_t delayed_size(const struct limits *limits)
{
    return (size_t)limits->job_count_max * sizeof(struct heap_entry);
}

void delayed_init(struct delayed *delayed, void *memory, const struct limits *limits)
{
    *delayed = (struct delayed){.heap = {.entries = memory, .cap = limits->job_count_max}};
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

when_ms delayed_deadline(const struct delayed *delayed)
{
    const struct heap_entry *first = heap_peek(&delayed->heap);
    return first != NULL ? first->key : WHEN_NEVER;
}
