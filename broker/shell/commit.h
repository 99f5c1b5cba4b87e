#pragma once

// The commit thread: one batch at a time becomes durable while the link thread decides the next.
// A failure ends the process at once, for memory is ahead of the disk and nothing more may be
// said.

#include "broker/order/order.h"
#include "broker/shell/batch.h"
#include "lib/sys/wake.h"

struct commit;

struct commit_options {
    struct order order;
    struct store *store;     // for its figures after each batch
    const struct wake *wake; // rung when a batch is durable
};

//   ERR_NO_MEMORY, ERR_SYSTEM
MUST_USE err commit_open(const struct commit_options *options, struct commit **out_commit);
// The batch in hand, if any, becomes durable first. NULL is allowed.
void commit_close(struct commit *commit);

// Takes the batch until commit_take() gives it back; none may be in hand.
void commit_begin(struct commit *commit, struct batch *batch);
// Is the batch in hand durable? Cheap.
bool commit_is_done(const struct commit *commit);
// The batch that has become durable, or NULL.
struct batch *commit_take(struct commit *commit);

// Makes one batch durable in the calling thread; does not return when it cannot. `store` knows why.
void commit_now(const struct order *order, const struct store *store, const struct batch *batch);
