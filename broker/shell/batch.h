#pragma once

// One batch: the messages it was decided from (kept alive, because its effects borrow from
// them), what they decode to, and what the core wants done. The objects are made at start and
// used in turn: one is filled, one is committed, one is released. One thread has a batch at a
// time; it is handed over whole.

#include "broker/core/effects.h"
#include "broker/core/limits.h"
#include "broker/store/store.h"
#include "lib/link/link.h"

enum {
    BATCH_MESSAGES_MAX = 16384,
    BATCH_BYTES_MAX = 64 * 1024 * 1024, // of frames; passed by one message at most
    BATCH_GONE_MAX = 1024,
    BATCH_REST_MS = 1000,
};

struct batch {
    struct effects effects;
    struct arena answers; // lists inside the effects
    struct arena decoded; // messages; beside them what intake derives
    struct link_message **messages;
    uint32_t message_count;
    uint32_t command_count;
    uint32_t job_count; // submitted, finished … jobs its commands may change
    uint64_t bytes;
    uint64_t stored_bytes; // of payloads, results and errors: so much more the store will hold
    uint64_t number;       // given by core_close()
    uint32_t gone[BATCH_GONE_MAX];
    uint32_t gone_count;
    bool is_sweep;      // it removes what the sweeper found …
    bool has_removed;   // … some of it
    when_ms swollen_at; // mono: the last one that was large; 0: none since it was trimmed
    // Written by the commit thread.
    int64_t commit_us;
    struct store_figures figures;
};

// NULL when there is no memory.
struct batch *batch_new(const struct limits *limits);
void batch_free(struct batch *batch);

// Empties the batch; its messages must have been given back before.
void batch_reset(struct batch *batch, when_ms mono);

// A large batch leaves memory behind that small ones do not need. When nothing large has come for
// BATCH_REST_MS it goes back to the system: at this moment (mono), or WHEN_NEVER while the batch
// is in use or has nothing to give.
when_ms batch_trim_at(const struct batch *batch);
void batch_trim(struct batch *batch);

// May another message be taken?
bool batch_has_room(const struct batch *batch);

// Messages are too big to be copied and must not move, so batches hold pointers into a pool.
struct batch_pool;
struct batch_pool *batch_pool_new(uint32_t count_max);
void batch_pool_free(struct batch_pool *pool);
// There is always one: the pool holds as many as all batches may keep, and one more.
struct link_message *batch_pool_take(struct batch_pool *pool);
// Its frames must have been released.
void batch_pool_give(struct batch_pool *pool, struct link_message *message);
// The memory of messages goes back to the system, if none is taken.
void batch_pool_trim(struct batch_pool *pool);
