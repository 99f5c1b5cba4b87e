#pragma once

// In which order do batches count, and which are settled? The commit thread appends one batch
// at a time; when order_append() returns OK the batch is settled. order_local settles a batch by
// its own LMDB commit; a replicated order would append the batch's entries to a fenced log first.

#include "broker/core/effects.h"

struct order {
    void *ctx;
    // Blocks until the batch is settled. After any error the process must end at once.
    err (*append)(void *ctx, uint64_t batch, const struct effects *effects);
};

struct store;

// Settles by store_commit(). `store` stays the caller's and must outlive the order.
struct order order_local(struct store *store);
