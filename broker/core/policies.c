// The table of option sets.

#include "broker/core/policies.h"

#include "lib/base/prng.h"

size_t policies_size(uint32_t cap)
{
    size_t numbers = ((size_t)cap * 2 * sizeof(uint32_t) + 15) / 16 * 16;
    return (size_t)cap * sizeof(struct policy) + numbers + index_size(cap);
}

static_assert(sizeof(struct policy) % 8 == 0, "what follows the policies is aligned");

// Marks a number that is known but held by nobody yet.
#define UNHELD UINT32_MAX

void policies_init(struct policies *policies, void *memory, uint32_t cap)
{
    CHECK(cap <= UINT16_MAX);
    struct policy *items = memory;
    struct index_link *index_room = (struct index_link *)(void *)(items + cap);
    uint8_t *after = (uint8_t *)(void *)index_room + index_size(cap);
    uint32_t *counts = (uint32_t *)(void *)after;
    *policies = (struct policies){.items = items,
                                  .job_counts = counts,
                                  .free_next = counts + cap,
                                  .cap = cap,
                                  .free = POLICIES_NONE};
    index_init(&policies->index, index_room, cap);
}

uint64_t policies_hash(const struct policy *policy)
{
    uint64_t hash = prng_mix((uint64_t)policy->timeout_ms << 32 | policy->retry_first_ms);
    hash = prng_mix(hash ^ ((uint64_t)policy->retry_longest_ms << 32 | policy->retry_factor_milli));
    hash = prng_mix(hash ^ ((uint64_t)policy->keep_s << 32 | policy->dedup_s));
    hash = prng_mix(hash ^ policy->ttl_ms);
    hash = prng_mix(hash ^ policy->retry_within_s);
    return prng_mix(hash ^ ((uint64_t)policy->max_attempts << 16 | policy->max_crashes));
}

bool policies_are_equal(const struct policy *a, const struct policy *b)
{
    return a->timeout_ms == b->timeout_ms && a->retry_first_ms == b->retry_first_ms &&
           a->retry_longest_ms == b->retry_longest_ms &&
           a->retry_factor_milli == b->retry_factor_milli && a->keep_s == b->keep_s &&
           a->dedup_s == b->dedup_s && a->max_attempts == b->max_attempts &&
           a->max_crashes == b->max_crashes && a->retry_within_s == b->retry_within_s &&
           a->ttl_ms == b->ttl_ms;
}

uint32_t policies_find(const struct policies *policies, const struct policy *policy)
{
    uint32_t at = index_first(&policies->index, policies_hash(policy));
    while (at != INDEX_NONE && !policies_are_equal(&policies->items[at], policy))
        at = index_next(&policies->index, at);
    return at;
}

bool policies_has_room(const struct policies *policies)
{
    return policies->index.count < policies->cap;
}

static void fill(struct policies *policies, uint32_t no, const struct policy *policy)
{
    policies->items[no] = *policy;
    policies->job_counts[no] = UNHELD;
    index_add(&policies->index, no, policies_hash(policy));
}

uint32_t policies_add(struct policies *policies, const struct policy *policy)
{
    CHECK(policies_has_room(policies));
    uint32_t no = policies->free;
    if (no == POLICIES_NONE)
        no = policies->used++;
    else
        policies->free = policies->free_next[no];
    fill(policies, no, policy);
    return no;
}

err policies_load(struct policies *policies, uint16_t no, const struct policy *policy)
{
    if (no >= policies->cap)
        return ERR_FULL;
    if (no < policies->used)
        return ERR_DAMAGED;
    // Numbers are never left out when stored, but a row may be missing after damage.
    for (; policies->used < no; policies->used++)
        policies->job_counts[policies->used] = 0;
    policies->used = no + 1u;
    fill(policies, no, policy);
    return OK;
}

static void make_free(struct policies *policies, uint32_t no)
{
    policies->job_counts[no] = 0;
    policies->free_next[no] = policies->free;
    policies->free = no;
}

void policies_loaded(struct policies *policies)
{
    CHECK(policies->free == POLICIES_NONE);
    for (uint32_t no = policies->used; no-- > 0;) {
        if (policies->job_counts[no] == UNHELD)
            index_drop(&policies->index, no, policies_hash(&policies->items[no]));
        if (policies->job_counts[no] == UNHELD || policies->job_counts[no] == 0)
            make_free(policies, no);
    }
}

void policies_hold(struct policies *policies, uint32_t no)
{
    CHECK(policies_is_known(policies, no));
    uint32_t held = policies->job_counts[no] == UNHELD ? 0 : policies->job_counts[no];
    policies->job_counts[no] = held + 1;
}

void policies_let_go(struct policies *policies, uint32_t no)
{
    CHECK(policies_is_known(policies, no) && policies->job_counts[no] != UNHELD);
    if (--policies->job_counts[no] > 0)
        return;
    index_drop(&policies->index, no, policies_hash(&policies->items[no]));
    make_free(policies, no);
}

bool policies_is_known(const struct policies *policies, uint32_t no)
{
    return no < policies->used && policies->job_counts[no] != 0;
}

const struct policy *policies_at(const struct policies *policies, uint32_t no)
{
    CHECK(policies_is_known(policies, no));
    return &policies->items[no];
}
