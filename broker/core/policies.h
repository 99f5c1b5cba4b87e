#pragma once

// Sets of options, shared by all unfinished jobs that have the same and counted by them; a set
// without jobs gives its number back. Pure. Not thread-safe.

#include "broker/core/row.h"
#include "lib/base/index.h"

#define POLICIES_NONE UINT32_MAX

struct policies {
    struct policy *items;
    uint32_t *job_counts; // 0: free
    uint32_t *free_next;
    uint32_t cap;
    uint32_t used;
    uint32_t free;
    struct index index;
};

size_t policies_size(uint32_t cap);
// `memory` is policies_size(cap) bytes, aligned to 16.
void policies_init(struct policies *policies, void *memory, uint32_t cap);

uint64_t policies_hash(const struct policy *policy);
bool policies_are_equal(const struct policy *a, const struct policy *b);
// POLICIES_NONE when no job has this set.
uint32_t policies_find(const struct policies *policies, const struct policy *policy);
bool policies_has_room(const struct policies *policies);
// Room was checked and the set is not there; its count is 0 until policies_hold().
uint32_t policies_add(struct policies *policies, const struct policy *policy);
// Puts a stored set under its number; counted by the jobs that are loaded after it.
//   ERR_FULL, ERR_DAMAGED
MUST_USE err policies_load(struct policies *policies, uint16_t no, const struct policy *policy);
// After loading: numbers that no job holds become free.
void policies_loaded(struct policies *policies);

void policies_hold(struct policies *policies, uint32_t no);
void policies_let_go(struct policies *policies, uint32_t no);
// True when `no` was added or loaded and not freed since.
bool policies_is_known(const struct policies *policies, uint32_t no);
const struct policy *policies_at(const struct policies *policies, uint32_t no);
