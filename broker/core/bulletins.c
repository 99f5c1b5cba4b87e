// A table, found by receiver and by slot, and a moment for each job.

#include "broker/core/bulletins.h"

#include "lib/base/check.h"
#include "lib/base/prng.h"

static size_t round16(size_t size)
{
    return (size + 15) / 16 * 16;
}

size_t bulletins_size(const struct limits *limits)
{
    return round16((size_t)limits->lease_count_max * sizeof(struct bulletin)) +
           2 * round16(index_size(limits->lease_count_max)) +
           round16((size_t)limits->job_count_max * sizeof(uint32_t));
}

void bulletins_init(struct bulletins *bulletins, void *memory, const struct limits *limits,
                    uint64_t seed)
{
    uint8_t *at = memory;
    uint32_t cap = limits->lease_count_max;
    *bulletins = (struct bulletins){.items = memory,
                                    .cap = cap,
                                    .free = BULLETINS_NONE,
                                    .job_cap = limits->job_count_max,
                                    .seed = seed};
    at += round16((size_t)cap * sizeof(struct bulletin));
    index_init(&bulletins->by_receiver, at, cap);
    at += round16(index_size(cap));
    index_init(&bulletins->by_slot, at, cap);
    at += round16(index_size(cap));
    bulletins->rounds = (uint32_t *)(void *)at;
}

static uint64_t receiver_hash(const struct bulletins *bulletins, const struct id *parent,
                              uint64_t receiver)
{
    return id_hash(parent, bulletins->seed ^ prng_mix(receiver));
}

static uint64_t slot_hash(const struct bulletins *bulletins, uint32_t slot)
{
    return prng_mix(bulletins->seed + slot);
}

bool bulletins_has_room(const struct bulletins *bulletins)
{
    return bulletins->count < bulletins->cap;
}

uint32_t bulletins_find(const struct bulletins *bulletins, const struct id *parent,
                        uint64_t receiver)
{
    if (bulletins->count == 0)
        return BULLETINS_NONE;
    uint32_t at = index_first(&bulletins->by_receiver, receiver_hash(bulletins, parent, receiver));
    while (at != INDEX_NONE && !(bulletins->items[at].receiver == receiver &&
                                 id_equal(&bulletins->items[at].parent, parent)))
        at = index_next(&bulletins->by_receiver, at);
    return at;
}

uint32_t bulletins_of(const struct bulletins *bulletins, uint32_t slot)
{
    if (bulletins->count == 0)
        return BULLETINS_NONE; // as most brokers have it
    uint32_t at = index_first(&bulletins->by_slot, slot_hash(bulletins, slot));
    while (at != INDEX_NONE && bulletins->items[at].slot != slot)
        at = index_next(&bulletins->by_slot, at);
    return at;
}

struct bulletin *bulletins_at(const struct bulletins *bulletins, uint32_t no)
{
    CHECK(no < bulletins->used && bulletins->items[no].slot != BULLETINS_NONE);
    return &bulletins->items[no];
}

void bulletins_add(struct bulletins *bulletins, const struct bulletin *bulletin)
{
    CHECK(bulletins_has_room(bulletins));
    CHECK(bulletins_of(bulletins, bulletin->slot) == BULLETINS_NONE);
    CHECK(bulletins_find(bulletins, &bulletin->parent, bulletin->receiver) == BULLETINS_NONE);
    uint32_t no = bulletins->free;
    if (no == BULLETINS_NONE)
        no = bulletins->used++;
    else
        bulletins->free = bulletins->items[no].next_free;
    bulletins->items[no] = *bulletin;
    bulletins->count++;
    index_add(&bulletins->by_receiver, no,
              receiver_hash(bulletins, &bulletin->parent, bulletin->receiver));
    index_add(&bulletins->by_slot, no, slot_hash(bulletins, bulletin->slot));
}

void bulletins_drop(struct bulletins *bulletins, uint32_t no)
{
    struct bulletin *bulletin = bulletins_at(bulletins, no);
    index_drop(&bulletins->by_receiver, no,
               receiver_hash(bulletins, &bulletin->parent, bulletin->receiver));
    index_drop(&bulletins->by_slot, no, slot_hash(bulletins, bulletin->slot));
    *bulletin = (struct bulletin){.slot = BULLETINS_NONE, .next_free = bulletins->free};
    bulletins->free = no;
    bulletins->count--;
}

// The last round is less than a gap ago or ahead, or it does not count. Zero stands for none.
when_ms bulletins_round(struct bulletins *bulletins, uint32_t slot, when_ms now)
{
    CHECK(slot < bulletins->job_cap);
    uint32_t last = bulletins->rounds[slot];
    uint32_t ahead = last - (uint32_t)now;
    uint32_t ago = (uint32_t)now - last;
    when_ms next = now;
    if (last != 0 && ahead > 0 && ahead <= BULLETINS_GAP_MS)
        next = when_after(now, ahead);
    else if (last != 0 && ago < BULLETINS_GAP_MS)
        next = when_after(now, BULLETINS_GAP_MS - (when_ms)ago);
    uint32_t low = (uint32_t)next;
    bulletins->rounds[slot] = low != 0 ? low : UINT32_MAX;
    return next;
}

void bulletins_forget(struct bulletins *bulletins, uint32_t slot)
{
    CHECK(slot < bulletins->job_cap);
    if (bulletins->rounds[slot] != 0)
        bulletins->rounds[slot] = 0;
}
