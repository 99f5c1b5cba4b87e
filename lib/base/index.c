// Linear hashing: with 2^k <= bucket_count < 2^(k+1), a hash belongs to bucket (hash mod 2^(k+1))
// if that exists already, else to (hash mod 2^k). Adding a bucket splits exactly one chain.

#include "lib/base/index.h"

size_t index_size(uint32_t cap)
{
    return (size_t)cap * (sizeof(struct index_link) + sizeof(uint32_t));
}

void index_init(struct index *index, void *memory, uint32_t cap)
{
    CHECK(cap > 0 && cap < INDEX_NONE);
    struct index_link *links = memory;
    *index = (struct index){.links = links,
                            .heads = (uint32_t *)(void *)(links + cap),
                            .bucket_count = 1,
                            .low = 1,
                            .count = 0,
                            .cap = cap};
    index->heads[0] = INDEX_NONE;
}

void index_prepare(struct index *index, uint32_t count)
{
    CHECK(index->count == 0 && count <= index->cap);
    if (count <= index->bucket_count)
        return;
    for (uint32_t i = index->bucket_count; i < count; i++)
        index->heads[i] = INDEX_NONE;
    index->bucket_count = count;
    while (index->low <= count / 2)
        index->low *= 2;
}

static uint32_t bucket_of(const struct index *index, uint32_t hash)
{
    uint64_t wide = hash & ((uint64_t)index->low * 2 - 1);
    return wide < index->bucket_count ? (uint32_t)wide : (hash & (index->low - 1));
}

static void warm_chain(const struct index *index, uint32_t bucket)
{
    uint32_t slot = index->heads[bucket];
    if (slot != INDEX_NONE)
        __builtin_prefetch(&index->links[slot]);
}

// Chains are split in the order of their buckets, so the ones to come are known.
enum { SPLIT_AHEAD = 8 };

// Splits the one chain whose slots may belong to the new bucket.
static void add_bucket(struct index *index)
{
    uint32_t fresh = index->bucket_count;
    if (fresh == index->low * 2)
        index->low = fresh;
    uint32_t source = fresh - index->low;
    uint32_t slot = index->heads[source];
    if (source + SPLIT_AHEAD < index->bucket_count)
        warm_chain(index, source + SPLIT_AHEAD);
    index->bucket_count++;
    index->heads[source] = INDEX_NONE;
    index->heads[fresh] = INDEX_NONE;
    while (slot != INDEX_NONE) {
        struct index_link *link = &index->links[slot];
        uint32_t next = link->next;
        uint32_t bucket = bucket_of(index, link->hash);
        CHECK(bucket == source || bucket == fresh);
        link->next = index->heads[bucket];
        index->heads[bucket] = slot;
        slot = next;
    }
}

void index_add(struct index *index, uint32_t slot, uint64_t hash)
{
    CHECK(slot < index->cap);
    CHECK(index->count < index->cap);
    index->count++;
    if (index->count > index->bucket_count && index->bucket_count < index->cap)
        add_bucket(index);
    uint32_t upper = (uint32_t)(hash >> 32);
    uint32_t bucket = bucket_of(index, upper);
    index->links[slot] = (struct index_link){.hash = upper, .next = index->heads[bucket]};
    index->heads[bucket] = slot;
}

void index_drop(struct index *index, uint32_t slot, uint64_t hash)
{
    uint32_t *from = &index->heads[bucket_of(index, (uint32_t)(hash >> 32))];
    while (*from != slot) {
        CHECK(*from != INDEX_NONE);
        from = &index->links[*from].next;
    }
    *from = index->links[slot].next;
    CHECK(index->count > 0);
    index->count--;
}

static uint32_t first_match(const struct index *index, uint32_t slot, uint32_t hash)
{
    while (slot != INDEX_NONE && index->links[slot].hash != hash)
        slot = index->links[slot].next;
    return slot;
}

uint32_t index_first(const struct index *index, uint64_t hash)
{
    uint32_t upper = (uint32_t)(hash >> 32);
    return first_match(index, index->heads[bucket_of(index, upper)], upper);
}

uint32_t index_next(const struct index *index, uint32_t slot)
{
    return first_match(index, index->links[slot].next, index->links[slot].hash);
}

void index_warm_bucket(const struct index *index, uint64_t hash)
{
    __builtin_prefetch(&index->heads[bucket_of(index, (uint32_t)(hash >> 32))]);
}

void index_warm_slot(const struct index *index, uint64_t hash)
{
    warm_chain(index, bucket_of(index, (uint32_t)(hash >> 32)));
}
