// The table of jobs.

#include "broker/core/jobs.h"

size_t jobs_size(uint32_t cap)
{
    return (size_t)cap * sizeof(struct job) + index_size(cap);
}

void jobs_init(struct jobs *jobs, void *memory, uint32_t cap, uint64_t seed)
{
    CHECK(cap < JOBS_NONE);
    struct job *slots = memory;
    *jobs = (struct jobs){.slots = slots, .cap = cap, .free = JOBS_NONE, .seed = seed};
    index_init(&jobs->by_id, slots + cap, cap);
}

bool jobs_has_room(const struct jobs *jobs)
{
    return jobs->count < jobs->cap;
}

uint32_t jobs_add(struct jobs *jobs, const struct id *id, uint64_t no)
{
    CHECK(no > 0 && no <= JOB_NO_MAX);
    CHECK(jobs_has_room(jobs));
    uint32_t slot = jobs->free;
    if (slot == JOBS_NONE)
        slot = jobs->used++;
    else
        jobs->free = jobs->slots[slot].past;
    jobs->count++;
    jobs->slots[slot] = (struct job){.id = *id, .no = no & JOB_NO_MAX, .past = PASTS_NONE};
    index_add(&jobs->by_id, slot, id_hash(id, jobs->seed));
    return slot;
}

void jobs_drop(struct jobs *jobs, uint32_t slot)
{
    struct job *job = jobs_at(jobs, slot);
    CHECK(!job->is_changed);
    CHECK(job->past == PASTS_NONE);
    index_drop(&jobs->by_id, slot, id_hash(&job->id, jobs->seed));
    *job = (struct job){.past = jobs->free};
    jobs->free = slot;
    jobs->count--;
}

uint32_t jobs_find(const struct jobs *jobs, const struct id *id)
{
    uint32_t slot = index_first(&jobs->by_id, id_hash(id, jobs->seed));
    while (slot != INDEX_NONE && !id_equal(&jobs->slots[slot].id, id))
        slot = index_next(&jobs->by_id, slot);
    return slot;
}

struct job *jobs_at(const struct jobs *jobs, uint32_t slot)
{
    CHECK(jobs_is_taken(jobs, slot));
    return &jobs->slots[slot];
}

bool jobs_is_taken(const struct jobs *jobs, uint32_t slot)
{
    return slot < jobs->used && jobs->slots[slot].no != 0;
}
